// SPDX-License-Identifier: Apache-2.0
// EXPECT: filter_is_larger_than_the_padded_input
#include "mote/model/builders.hpp"

using namespace mote;

#ifdef FAIL
constexpr auto kNet = sequential(input(8, 8, 1), conv2d(2, {.filter = {9, 3}}));
#else
constexpr auto kNet = sequential(input(8, 8, 1), conv2d(2, {.filter = {8, 3}}));
#endif

static_assert(!kNet.layers.empty());
