// SPDX-License-Identifier: Apache-2.0
// EXPECT: padding_is_as_large_as_the_filter
#include "mote/model/builders.hpp"

using namespace mote;

#ifdef FAIL
constexpr auto kNet = sequential(input(8, 8, 1), conv2d(2, {.padding = Padding::explicit_, .pads = {3, 0, 0, 0}}));
#else
constexpr auto kNet = sequential(input(8, 8, 1), conv2d(2, {.padding = Padding::explicit_, .pads = {2, 0, 0, 0}}));
#endif

static_assert(!kNet.layers.empty());
