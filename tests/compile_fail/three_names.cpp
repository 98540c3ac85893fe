// SPDX-License-Identifier: Apache-2.0
// EXPECT: reads_a_name_that_no_earlier_layer_has
#include "mote/model/builders.hpp"

using namespace mote;

#ifdef FAIL
constexpr auto kNet = sequential(input(4).as("a"), dense(4).as("b"), dense(4), add("a", "b", "c"));
#else
constexpr auto kNet = sequential(input(4).as("a"), dense(4).as("b"), dense(4).as("c"), dense(4), add("a", "b", "c"));
#endif

static_assert(!kNet.layers.empty());
