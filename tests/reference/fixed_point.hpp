// SPDX-License-Identifier: Apache-2.0
// The rounding rules of quantised networks from their definitions, in 64-bit integers: products as they are, then the
// quotient and what is left over. Nothing is shared with model/fixed_point.hpp but the multiplier's type.
#pragma once

#include <cstdint>

#include "mote/model/fixed_point.hpp"

namespace mote::reference {

/// The largest integer not above a / 2^bits.
inline std::int64_t floor_shift(std::int64_t a, int bits) {
  const std::int64_t unit = std::int64_t{1} << bits;
  std::int64_t quotient = a / unit;
  if (a % unit < 0) --quotient;
  return quotient;
}

/// a / 2^bits to the nearest integer, halves up.
inline std::int64_t nearest_half_up(std::int64_t a, int bits) {
  if (bits == 0) return a;
  const std::int64_t below = floor_shift(a, bits), rest = a - below * (std::int64_t{1} << bits);
  return rest >= (std::int64_t{1} << (bits - 1)) ? below + 1 : below;
}

/// a / 2^bits to the nearest integer, halves away from zero.
inline std::int64_t nearest_half_away(std::int64_t a, int bits) {
  return a >= 0 ? nearest_half_up(a, bits) : -nearest_half_up(-a, bits);
}

/// acc times q rounded twice: to 31 bits halves up, then halves away from zero.
inline std::int64_t requantize_twice(std::int64_t acc, const QuantizedMultiplier& q) {
  const int left = q.shift > 0 ? q.shift : 0, right = q.shift > 0 ? 0 : -q.shift;
  return nearest_half_away(nearest_half_up(acc * (std::int64_t{1} << left) * q.multiplier, 31), right);
}

/// acc times q rounded once, halves up.
inline std::int64_t requantize_at_once(std::int64_t acc, const QuantizedMultiplier& q) {
  return nearest_half_up(acc * q.multiplier, 31 - q.shift);
}

/// acc times q, its multiplier rounded to 16 bits (at most 2^15 - 1) first, halves up.
inline std::int64_t requantize_16_bits(std::int64_t acc, const QuantizedMultiplier& q) {
  std::int64_t reduced = nearest_half_up(q.multiplier, 16);
  if (reduced > 32767) reduced = 32767;
  return nearest_half_up(acc * reduced, 15 - q.shift);
}

inline std::int64_t clamp(std::int64_t value, std::int64_t low, std::int64_t high) {
  return value < low ? low : value > high ? high : value;
}

}  // namespace mote::reference
