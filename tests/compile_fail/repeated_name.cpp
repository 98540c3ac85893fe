// SPDX-License-Identifier: Apache-2.0
// EXPECT: two_layers_have_the_same_name
#include "mote/model/builders.hpp"

using namespace mote;

#ifdef FAIL
constexpr auto kNet = sequential(input(4).as("x"), dense(4).as("x"), add("x"));
#else
constexpr auto kNet = sequential(input(4).as("x"), dense(4).as("y"), add("x"));
#endif

static_assert(!kNet.layers.empty());
