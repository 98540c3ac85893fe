// SPDX-License-Identifier: Apache-2.0
// EXPECT: layer_attribute_is_out_of_range
#include "mote/model/builders.hpp"

using namespace mote;

#ifdef FAIL
constexpr auto kNet = sequential(input(4), dropout(1.0F), dense(2));
#else
constexpr auto kNet = sequential(input(4), dropout(0.5F), dense(2));
#endif

static_assert(!kNet.layers.empty());
