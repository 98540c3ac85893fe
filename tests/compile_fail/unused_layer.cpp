// SPDX-License-Identifier: Apache-2.0
// EXPECT: a_layer_is_not_used_by_any_other
#include "mote/model/builders.hpp"

using namespace mote;

#ifdef FAIL
constexpr auto kNet = sequential(input(4).as("in"), dense(4), dense(2).reads("in"));
#else
constexpr auto kNet = sequential(input(4).as("in"), dense(4), dense(2));
#endif

static_assert(!kNet.layers.empty());
