// SPDX-License-Identifier: Apache-2.0
// EXPECT: the_first_layer_must_be_input
#include "mote/model/builders.hpp"

using namespace mote;

#ifdef FAIL
constexpr auto kNet = sequential(dense(4), relu());
#else
constexpr auto kNet = sequential(input(4), dense(4), relu());
#endif

static_assert(!kNet.layers.empty());
