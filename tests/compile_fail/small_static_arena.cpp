// SPDX-License-Identifier: Apache-2.0
// EXPECT: the arena is smaller than this session's static_arena_bytes
#include <array>

#include "mote/model/builders.hpp"
#include "mote/run/session.hpp"

using namespace mote;

constexpr auto kSmall = sequential(input(4), dense(8), relu(), dense(2));
constexpr auto kLarge = sequential(input(40), dense(80), relu(), dense(2));
#ifdef FAIL
StaticArena<static_arena_bytes<kSmall>> arena;
#else
StaticArena<std::max(static_arena_bytes<kSmall>, static_arena_bytes<kLarge>)> arena;
#endif
constexpr std::array<float, kLarge.param_bytes / sizeof(float)> kParams{};

StaticSession<kSmall, kParams, kDefaultPlan, arena> small;
StaticSession<kLarge, kParams, kDefaultPlan, arena> large;
static_assert(decltype(large)::arena_bytes > decltype(small)::arena_bytes);
