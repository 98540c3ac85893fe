// SPDX-License-Identifier: Apache-2.0
// sigmoid and tanh of 16-bit values: a table of sigmoid in steps of 1/24 and lines between its values. Internal
// linkage: it is compiled once per instruction set.
#pragma once

#include <array>
#include <cstdint>

#include "kernels/kernel_namespace.hpp"
#include "mote/kernels/kernels.hpp"
#include "simd/simd.hpp"

namespace mote::MOTE_KERNELS {
namespace {

inline constexpr std::array<std::uint16_t, 256> kSigmoid = tables::sigmoid_16();

/// 2^(16 + kBits) sigmoid(magnitude / 2^kBits / 24).
template <int kBits>
MOTE_INLINE std::uint32_t sigmoid_between(std::uint32_t magnitude) {
  const std::uint32_t at = magnitude >> kBits;
  if (at >= 255) return kBits == 9 ? 0x7FFFU << 10 : 0xFFFFU << 8;
  const std::uint32_t low = kSigmoid[at], high = kSigmoid[at + 1];
  return (low << kBits) + (magnitude & ((1U << kBits) - 1)) * (high - low);
}

/// The input in steps of 1 / (3 4096).
MOTE_INLINE std::int32_t curve_input(std::int32_t value, const CurveScale& scale) {
  const std::int32_t half = scale.shift > 0 ? 1 << (scale.shift - 1) : 0;
  return (value * scale.multiplier + half) >> scale.shift;
}

inline std::int32_t sigmoid_of(std::int32_t input, const CurveScale& scale) {
  const std::int32_t value = curve_input(input, scale);
  const auto positive =
      static_cast<std::int32_t>(sigmoid_between<9>(static_cast<std::uint32_t>(value < 0 ? -value : value)));
  return (value >= 0 ? positive + (1 << 9) : (1 << 25) - positive + (1 << 9) - 1) >> 10;
}

inline std::int32_t tanh_of(std::int32_t input, const CurveScale& scale) {
  const std::int32_t value = curve_input(input, scale);
  const auto positive =
      static_cast<std::int32_t>(sigmoid_between<8>(static_cast<std::uint32_t>(value < 0 ? -value : value)));
  return (value >= 0 ? positive - (1 << 23) + (1 << 7) : -positive + (1 << 23) + (1 << 7) - 1) >> 8;
}

}  // namespace
}  // namespace mote::MOTE_KERNELS
