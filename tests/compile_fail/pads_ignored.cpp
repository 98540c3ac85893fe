// SPDX-License-Identifier: Apache-2.0
// EXPECT: pads_are_given_without_padding_explicit
#include "mote/model/builders.hpp"

using namespace mote;

#ifdef FAIL
constexpr auto kNet = sequential(input(8, 8, 1), conv2d(2, {.pads = {1, 1, 1, 1}}));
#else
constexpr auto kNet = sequential(input(8, 8, 1), conv2d(2, {.padding = Padding::explicit_, .pads = {1, 1, 1, 1}}));
#endif

static_assert(!kNet.layers.empty());
