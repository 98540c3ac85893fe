// SPDX-License-Identifier: Apache-2.0
// EXPECT: layer_has_a_dimension_of_zero_or_beyond_the_limit
#include "mote/model/builders.hpp"

using namespace mote;

#ifdef FAIL
constexpr auto kNet = sequential(input(4), dense(0));
#else
constexpr auto kNet = sequential(input(4), dense(1));
#endif

static_assert(!kNet.layers.empty());
