// SPDX-License-Identifier: Apache-2.0
// EXPECT: reshape_changes_the_number_of_elements
#include "mote/model/builders.hpp"

using namespace mote;

#ifdef FAIL
constexpr auto kNet = sequential(input(4, 4, 2), reshape(4, 4, 3));
#else
constexpr auto kNet = sequential(input(4, 4, 2), reshape(2, 4, 4));
#endif

static_assert(!kNet.layers.empty());
