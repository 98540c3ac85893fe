// SPDX-License-Identifier: Apache-2.0
// EXPECT: network_is_not_valid
#include "mote/model/builders.hpp"

using namespace mote;

#ifdef FAIL
constexpr auto kNet = sequential();
#else
constexpr auto kNet = sequential(input(4));
#endif

static_assert(!kNet.layers.empty());
