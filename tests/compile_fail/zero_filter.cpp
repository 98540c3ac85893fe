// SPDX-License-Identifier: Apache-2.0
// EXPECT: filter_stride_or_dilation_is_zero
#include "mote/model/builders.hpp"

using namespace mote;

#ifdef FAIL
constexpr auto kNet = sequential(input(8, 8, 1), conv2d(2, {.stride = {1, 0}}));
#else
constexpr auto kNet = sequential(input(8, 8, 1), conv2d(2, {.stride = {1, 2}}));
#endif

static_assert(!kNet.layers.empty());
