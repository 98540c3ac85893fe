// SPDX-License-Identifier: Apache-2.0
// EXPECT: the network's values have another element type
#include <array>
#include <cstdint>

#include "mote/model/builders.hpp"
#include "mote/run/session.hpp"

using namespace mote;

constexpr auto kNet = sequential(input(4), dense(8), relu(), dense(2));
constexpr std::array<float, kNet.param_bytes / sizeof(float)> kParams{};
StaticSession<kNet, kParams> session;

void show(const std::uint8_t* pixels) {
#ifdef FAIL
  for (std::size_t i = 0; i < 4; ++i) session.input<std::uint8_t>()[i] = pixels[i];
#else
  for (std::size_t i = 0; i < 4; ++i) session.input<float>()[i] = static_cast<float>(pixels[i]) / 255.0F;
#endif
}
