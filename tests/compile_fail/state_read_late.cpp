// SPDX-License-Identifier: Apache-2.0
// EXPECT: a_state_is_read_behind_its_assignment
#include "mote/model/builders.hpp"

using namespace mote;

#ifdef FAIL
constexpr auto kNet = sequential(input(4).as("x"), state(1, 1, 4).as("h"), add("x"), assign("h"), add("h"));
#else
constexpr auto kNet = sequential(input(4).as("x"), state(1, 1, 4).as("h"), add("x"), assign("h"), add("x"));
#endif

static_assert(!kNet.layers.empty());
