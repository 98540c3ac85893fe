// SPDX-License-Identifier: Apache-2.0
// float16 as files have it: 1 bit of sign, 5 of exponent, 10 of fraction.
#pragma once

#include <cmath>
#include <cstdint>

namespace mote::tool {

/// Exact: float32 holds every value of float16.
inline float from_half(std::uint16_t bits) {
  const int exponent = (bits >> 10U) & 31, fraction = bits & 1023;
  float value =
      std::ldexp(static_cast<float>(exponent == 0 ? fraction : fraction + 1024), (exponent == 0 ? 1 : exponent) - 25);
  if (exponent == 31) value = fraction == 0 ? INFINITY : NAN;
  return (bits & 0x8000U) != 0 ? -value : value;
}

/// The nearest, of two as near the even one.
inline std::uint16_t to_half(float value) {
  const unsigned sign = std::signbit(value) ? 0x8000U : 0U;
  const float size = std::abs(value);
  constexpr float kLeastNormal = 0x1p-14F, kFirstInfinite = 65520.0F;
  if (std::isnan(value)) return static_cast<std::uint16_t>(sign | 0x7E00U);
  if (size >= kFirstInfinite) return static_cast<std::uint16_t>(sign | 0x7C00U);
  if (size < kLeastNormal)
    return static_cast<std::uint16_t>(sign | static_cast<unsigned>(std::nearbyint(size * 0x1p24F)));
  const int exponent = std::ilogb(size);
  const auto fraction = static_cast<unsigned>(std::nearbyint(std::ldexp(size, 10 - exponent)));  // 1024 to 2048
  return static_cast<std::uint16_t>(sign | ((static_cast<unsigned>(exponent + 14) << 10U) + fraction));
}

}  // namespace mote::tool
