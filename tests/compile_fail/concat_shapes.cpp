// SPDX-License-Identifier: Apache-2.0
// EXPECT: layers_to_add_or_concat_have_different_shapes
#include "mote/model/builders.hpp"

using namespace mote;

#ifdef FAIL
constexpr auto kNet = sequential(input(8, 8, 1).as("in"), conv2d(2), concat("in"));
#else
constexpr auto kNet = sequential(input(8, 8, 1).as("in"), conv2d(2, {.padding = Padding::same}), concat("in"));
#endif

static_assert(!kNet.layers.empty());
