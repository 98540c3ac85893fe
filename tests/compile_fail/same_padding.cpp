// SPDX-License-Identifier: Apache-2.0
// EXPECT: same_padding_is_beyond_the_limit
#include "mote/model/builders.hpp"

using namespace mote;

#ifdef FAIL
constexpr auto kNet = sequential(input(1, 200000, 1), conv1d(1, 4, {.dilation = {1, 50000}, .padding = Padding::same}));
#else
constexpr auto kNet = sequential(input(1, 200000, 1), conv1d(1, 4, {.dilation = {1, 40000}, .padding = Padding::same}));
#endif

static_assert(!kNet.layers.empty());
