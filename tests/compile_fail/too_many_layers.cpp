// SPDX-License-Identifier: Apache-2.0
// EXPECT: the network has more than kMaxLayers layers
#include <utility>

#include "mote/model/builders.hpp"

using namespace mote;

template <std::size_t... I>
consteval std::size_t count(std::index_sequence<I...>) {
  return sequential(input(1), (static_cast<void>(I), identity())...).layers.size();
}

#ifdef FAIL
static_assert(count(std::make_index_sequence<kMaxLayers>{}) != 0);
#else
static_assert(count(std::make_index_sequence<3>{}) == 4);
#endif
