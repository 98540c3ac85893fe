// SPDX-License-Identifier: Apache-2.0
// IEEE 754 binary16 in integers: from float32, to the nearest, halves to the even one, and back, exactly.
#pragma once

#include "mote/requirements.hpp"
#ifndef MOTE_WARN_IN_HEADERS
#pragma GCC system_header
#endif

#include <bit>
#include <cstdint>

namespace mote::detail {

inline constexpr std::uint32_t kHalfRebias = 112U << 23;  // of exponents, 127 - 15

/// Denormals become normal without passing through float32's, which some vectors take for 0.
[[gnu::always_inline]] constexpr float half_value(std::uint16_t bits) {
  const std::uint32_t magnitude = bits & 0x7FFFU, sign = (bits & 0x8000U) << 16, at = magnitude << 13;
  const float denormal = std::bit_cast<float>(at + kHalfRebias + (1U << 23)) - 0x1p-14F;
  const std::uint32_t normal = at + kHalfRebias + (magnitude >= 0x7C00U ? kHalfRebias : 0U);
  return std::bit_cast<float>((magnitude < 0x400U ? std::bit_cast<std::uint32_t>(denormal) : normal) | sign);
}

/// Infinite beyond 65519; NaN stays one.
constexpr std::uint16_t half_bits(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t magnitude = bits & 0x7FFF'FFFFU, sign = bits >> 16 & 0x8000U;
  if (magnitude > 0x7F80'0000U) return static_cast<std::uint16_t>(sign | 0x7E00U);
  std::uint32_t exponent = magnitude >> 23, fraction = magnitude & 0x7F'FFFFU, shift = 13;
  if (exponent > 112 + 30) return static_cast<std::uint16_t>(sign | 0x7C00U);
  if (exponent < 113) {  // a denormal: the leading one goes into the fraction
    if (exponent < 102) return static_cast<std::uint16_t>(sign);
    fraction |= 0x80'0000U;
    shift += 113 - exponent;
    exponent = 112;
  }
  const std::uint32_t whole = ((exponent - 112) << 10) + (fraction >> shift);
  const std::uint32_t rest = fraction & ((1U << shift) - 1), half = 1U << (shift - 1);
  const bool up = rest > half || (rest == half && (whole & 1U) != 0);
  return static_cast<std::uint16_t>(sign | (whole + (up ? 1 : 0)));
}

}  // namespace mote::detail
