// SPDX-License-Identifier: Apache-2.0
// EXPECT: layer_reads_a_name_that_no_earlier_layer_has
#include "mote/model/builders.hpp"

using namespace mote;

#ifdef FAIL
constexpr auto kNet = sequential(input(4).as("in"), dense(4), add("inn"));
#else
constexpr auto kNet = sequential(input(4).as("in"), dense(4), add("in"));
#endif

static_assert(!kNet.layers.empty());
