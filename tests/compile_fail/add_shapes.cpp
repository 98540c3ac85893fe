// SPDX-License-Identifier: Apache-2.0
// EXPECT: layers_to_add_or_concat_have_different_shapes
#include "mote/model/builders.hpp"

using namespace mote;

#ifdef FAIL
constexpr auto kNet = sequential(input(4).as("in"), dense(5), add("in"));
#else
constexpr auto kNet = sequential(input(4).as("in"), dense(4), add("in"));
#endif

static_assert(!kNet.layers.empty());
