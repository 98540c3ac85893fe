// SPDX-License-Identifier: Apache-2.0
// EXPECT: assign_names_a_layer_that_is_not_a_state
#include "mote/model/builders.hpp"

using namespace mote;

#ifdef FAIL
constexpr auto kNet = sequential(input(4).as("x"), relu(), assign("x"));
#else
constexpr auto kNet = sequential(input(4).as("x"), state(1, 1, 4).as("h"), add("x"), assign("h"), output());
#endif

static_assert(!kNet.layers.empty());
