// SPDX-License-Identifier: Apache-2.0
// EXPECT: layer_has_more_parameters_than_the_limit
#include "mote/model/builders.hpp"

using namespace mote;

#ifdef FAIL
constexpr auto kNet = sequential(input(1U << 15), dense(1U << 14));
#else
constexpr auto kNet = sequential(input(1U << 15), dense(1U << 13));
#endif

static_assert(!kNet.layers.empty());
