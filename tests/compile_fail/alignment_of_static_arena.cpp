// SPDX-License-Identifier: Apache-2.0
// EXPECT: the arena is aligned to less than PlanOptions::alignment
#include <array>

#include "mote/model/builders.hpp"
#include "mote/run/session.hpp"

using namespace mote;

constexpr auto kNet = sequential(input(4), dense(8), relu(), dense(2));
constexpr PlanOptions kOptions{.alignment = 64};
#ifdef FAIL
StaticArena<static_arena_bytes<kNet, kOptions>> arena;
#else
StaticArena<static_arena_bytes<kNet, kOptions>, 64> arena;
#endif
constexpr std::array<float, kNet.param_bytes / sizeof(float)> kParams{};

StaticSession<kNet, kParams, kOptions, arena> session;
static_assert(decltype(session)::arena_bytes > 0);
