// SPDX-License-Identifier: Apache-2.0
// EXPECT: sequential() takes layers
#include "mote/model/builders.hpp"

using namespace mote;

#ifdef FAIL
constexpr auto kNet = sequential(input(4), dense);
#else
constexpr auto kNet = sequential(input(4), dense(2));
#endif

static_assert(!kNet.layers.empty());
