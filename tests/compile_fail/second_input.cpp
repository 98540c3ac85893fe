// SPDX-License-Identifier: Apache-2.0
// EXPECT: there_can_be_one_input_layer_only
#include "mote/model/builders.hpp"

using namespace mote;

#ifdef FAIL
constexpr auto kNet = sequential(input(4), dense(4), input(4));
#else
constexpr auto kNet = sequential(input(4), dense(4));
#endif

static_assert(!kNet.layers.empty());
