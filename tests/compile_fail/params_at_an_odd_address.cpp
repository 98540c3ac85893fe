// SPDX-License-Identifier: Apache-2.0
// EXPECT: the parameter array may lie at an odd address
#include <array>

#include "mote/model/builders.hpp"
#include "mote/run/session.hpp"

using namespace mote;

constexpr auto kNet = sequential(input(4), dense(8), relu(), dense(2));
#ifdef FAIL
constexpr std::array<unsigned char, kNet.param_bytes> kParams{};
#else
struct alignas(16) Params {
  std::array<unsigned char, kNet.param_bytes> bytes{};
};
constexpr Params kParams{};
#endif

StaticSession<kNet, kParams> session;
static_assert(decltype(session)::arena_bytes > 0);
