// SPDX-License-Identifier: Apache-2.0
// EXPECT: layer_has_the_wrong_number_of_inputs
#include "mote/model/builders.hpp"

using namespace mote;

#ifdef FAIL
constexpr auto kNet = sequential(input(4).as("in"), add("in").reads("in"));
#else
constexpr auto kNet = sequential(input(4).as("in"), add("in"));
#endif

static_assert(!kNet.layers.empty());
