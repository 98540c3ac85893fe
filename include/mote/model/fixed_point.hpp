// SPDX-License-Identifier: Apache-2.0
// Integer arithmetic of quantised networks, bit for bit as TensorFlow Lite Micro computes it: rescaling of accumulators
// and the functions of its softmax, sigmoid and tanh. No floating point; constexpr; the same bits everywhere.
// Notation: Qk.f is a 32-bit integer with f = 31 - k fractional bits.
#pragma once

#include "mote/requirements.hpp"
#ifndef MOTE_WARN_IN_HEADERS
#pragma GCC system_header
#endif

#include <bit>
#include <cstdint>
#include <limits>

namespace mote {

/// A positive real number multiplier 2^(shift - 31) with multiplier in [2^30, 2^31), or 0 as {0, 0}.
struct QuantizedMultiplier {
  std::int32_t multiplier = 0;
  std::int32_t shift = 0;
  friend constexpr bool operator==(const QuantizedMultiplier&, const QuantizedMultiplier&) = default;
};

namespace fixed_point {

/// a b / 2^31, halves rounded up, for b > -2^31.
[[gnu::always_inline]] constexpr std::int32_t high_product_of(std::int32_t a, std::int32_t b) {
  const std::int64_t product = std::int64_t{a} * b + (std::int64_t{1} << 30);
  return static_cast<std::int32_t>(static_cast<std::uint64_t>(product) >> 31);  // the sign is among the bits that stay
}

/// a b / 2^31, halves rounded up; only -2^31 times -2^31 saturates.
[[gnu::always_inline]] constexpr std::int32_t high_product(std::int32_t a, std::int32_t b) {
  constexpr std::int32_t kLowest = std::numeric_limits<std::int32_t>::min();
  return a == kLowest && b == kLowest ? std::numeric_limits<std::int32_t>::max() : high_product_of(a, b);
}

/// value / 2^shift, halves rounded away from zero. shift: 0 to 31.
[[gnu::always_inline]] constexpr std::int32_t divide_by_power(std::int32_t value, std::int32_t shift) {
  const auto mask = static_cast<std::int32_t>((std::uint32_t{1} << shift) - 1);
  const std::int32_t threshold = (mask >> 1) + (value < 0 ? 1 : 0);
  return (value >> shift) + ((value & mask) > threshold ? 1 : 0);
}

/// value 2^shift; bits that leave at the top are lost. shift: 0 to 31.
[[gnu::always_inline]] constexpr std::int32_t shift_left(std::int32_t value, std::int32_t shift) {
  return static_cast<std::int32_t>(static_cast<std::uint32_t>(value) << shift);
}

/// value 2^shift, saturated. shift: 0 to 31.
[[gnu::always_inline]] constexpr std::int32_t saturating_shift_left(std::int32_t value, std::int32_t shift) {
  const std::int64_t wide = std::int64_t{value} * (std::int64_t{1} << shift);
  if (wide > std::numeric_limits<std::int32_t>::max()) return std::numeric_limits<std::int32_t>::max();
  if (wide < std::numeric_limits<std::int32_t>::min()) return std::numeric_limits<std::int32_t>::min();
  return static_cast<std::int32_t>(wide);
}

/// (a + b) / 2, halves rounded away from zero.
[[gnu::always_inline]] constexpr std::int32_t half_sum(std::int32_t a, std::int32_t b) {
  const std::int64_t sum = std::int64_t{a} + b;
  return static_cast<std::int32_t>((sum + (sum >= 0 ? 1 : -1)) / 2);
}

/// e^a for a <= 0 in Qk.f, k from 0 to 5; Q0.31. Taylor's fourth-order polynomial around -1/8 for what a is more than a
/// multiple of 1/4, times a constant for each bit of that multiple.
template <int kIntegerBits>
[[gnu::always_inline]] constexpr std::int32_t exp_of_negative(std::int32_t a) {
  constexpr int kFraction = 31 - kIntegerBits;
  if (a == 0) return std::numeric_limits<std::int32_t>::max();
  constexpr std::int32_t kQuarter = std::int32_t{1} << (kFraction - 2);
  const std::int32_t rest = (a & (kQuarter - 1)) - kQuarter;  // in [-1/4, 0)
  constexpr std::int32_t kExpOfEighth = 1895147668, kThird = 715827883;
  const std::int32_t x = shift_left(rest, kIntegerBits) + (std::int32_t{1} << 28);
  const std::int32_t x2 = high_product(x, x), x3 = high_product(x2, x), x4 = high_product(x2, x2);
  const std::int32_t tail = divide_by_power(high_product(divide_by_power(x4, 2) + x3, kThird) + x2, 1);
  std::int32_t result = kExpOfEighth + high_product(kExpOfEighth, x + tail);
  constexpr std::int32_t kPowers[] = {1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242};
  const std::int32_t quarters = rest - a;
  for (int i = 0; i < kIntegerBits + 2 && i < 7; ++i)  // e^(-1/4), e^(-1/2), e^-1 … e^-16
    if ((quarters & (std::int32_t{1} << (kFraction - 2 + i))) != 0) result = high_product(result, kPowers[i]);
  return result;
}

/// 2 / (1 + x) in Q2.29 for x in [0, 1], Q0.31: three of Newton's steps.
[[gnu::always_inline]] constexpr std::int32_t two_over_one_plus(std::int32_t x) {
  const std::int32_t half = half_sum(x, std::numeric_limits<std::int32_t>::max());  // (1 + x) / 2
  constexpr std::int32_t k48Over17 = 1515870810, kMinus32Over17 = -1010580540, kOne = std::int32_t{1} << 29;
  std::int32_t y = k48Over17 + high_product(half, kMinus32Over17);
  for (int i = 0; i < 3; ++i) y += saturating_shift_left(high_product(y, kOne - high_product(half, y)), 2);
  return y;
}

/// 1 / (1 + x) and (1 - x) / (1 + x), Q0.31, for x in [0, 1], Q0.31.
[[gnu::always_inline]] constexpr std::int32_t one_over_one_plus(std::int32_t x) {
  return saturating_shift_left(two_over_one_plus(x), 1);
}
[[gnu::always_inline]] constexpr std::int32_t one_minus_over_one_plus(std::int32_t x) {
  return saturating_shift_left(two_over_one_plus(x) - (std::int32_t{1} << 29), 2);
}

/// sigmoid(a) and tanh(a), Q0.31, for a in Q4.27.
constexpr std::int32_t sigmoid(std::int32_t a) {
  if (a == 0) return std::int32_t{1} << 30;
  const std::int32_t positive = one_over_one_plus(exp_of_negative<4>(a > 0 ? -a : a));
  return a > 0 ? positive : std::numeric_limits<std::int32_t>::max() - positive;
}
constexpr std::int32_t tanh(std::int32_t a) {
  if (a == 0) return 0;
  const std::int32_t positive = one_minus_over_one_plus(exp_of_negative<5>(a > 0 ? -a : a));  // e^(-2 |a|)
  return a > 0 ? positive : -positive;
}

/// A number as scale / 2^bits with scale in Q0.31.
struct Reciprocal {
  std::int32_t scale, bits;
};
/// 1 / x for x > 0 in Qk.f.
[[gnu::always_inline]] constexpr Reciprocal reciprocal(std::int32_t x, std::int32_t integer_bits) {
  const int zeros = std::countl_zero(static_cast<std::uint32_t>(x));
  const auto above_one = static_cast<std::int32_t>((static_cast<std::uint32_t>(x) << zeros) - (std::uint32_t{1} << 31));
  return {one_over_one_plus(above_one), integer_bits - zeros};
}

/// 1 / sqrt(x) for x >= 1; 1 for less. Five of Newton's steps on x scaled by powers of 4.
[[gnu::always_inline]] constexpr QuantizedMultiplier inverse_sqrt(std::int32_t x) {
  if (x <= 1) return {std::numeric_limits<std::int32_t>::max(), 0};
  std::int32_t shift = 11;
  for (; x >= (std::int32_t{1} << 29); ++shift) x /= 4;
  const std::int32_t pairs = (std::countl_zero(static_cast<std::uint32_t>(x)) - 1) / 2 - 1;
  shift -= pairs;
  const std::int32_t scaled = shift_left(x, 2 * pairs) >> 1;  // Q3.28
  const std::int32_t half = divide_by_power(scaled, 1);
  constexpr std::int32_t kThreeHalves = (std::int32_t{1} << 28) + (std::int32_t{1} << 27), kHalfSqrt2 = 1518500250;
  std::int32_t y = std::int32_t{1} << 28;
  for (int i = 0; i < 5; ++i) {
    const std::int32_t cube = saturating_shift_left(high_product(high_product(y, y), y), 6);
    y = saturating_shift_left(high_product(kThreeHalves, y) - high_product(half, cube), 3);
  }
  y = high_product(y, kHalfSqrt2);
  if (shift < 0) return {shift_left(y, -shift), 0};
  return {y, -shift};
}

}  // namespace fixed_point

/// How an accumulator times a multiplier is rounded. twice: TFLite Micro's rule, to 31 fractional bits with halves up
/// and then, after the shift, halves away from zero. once: halves up, what TFLITE_SINGLE_ROUNDING asks for.
enum class Rounding : std::uint8_t { twice = 0, once = 1 };

/// acc times q, rounded twice. acc 2^shift must fit 32 bits where shift is positive.
[[gnu::always_inline]] constexpr std::int32_t requantize(std::int32_t acc, QuantizedMultiplier q) {
  const std::int32_t left = q.shift > 0 ? q.shift : 0;
  return fixed_point::divide_by_power(fixed_point::high_product_of(fixed_point::shift_left(acc, left), q.multiplier),
                                      left - q.shift);
}

/// acc times q, rounded once. shift <= 30.
[[gnu::always_inline]] constexpr std::int32_t requantize_once(std::int32_t acc, QuantizedMultiplier q) {
  const std::int32_t right = 31 - q.shift;
  return static_cast<std::int32_t>((std::int64_t{acc} * q.multiplier + (std::int64_t{1} << (right - 1))) >> right);
}

[[gnu::always_inline]] constexpr std::int32_t requantize(std::int32_t acc, QuantizedMultiplier q, Rounding rounding) {
  return rounding == Rounding::twice ? requantize(acc, q) : requantize_once(acc, q);
}

/// acc of up to 48 bits times q with the multiplier cut to 16 bits, halves rounded up: the rule of TFLite's
/// accumulators of 64 bits (16-bit activations). shift < 15.
[[gnu::always_inline]] constexpr std::int32_t requantize_wide(std::int64_t acc, QuantizedMultiplier q) {
  const std::int32_t reduced = q.multiplier < 0x7FFF0000 ? (q.multiplier + (1 << 15)) >> 16 : 0x7FFF;
  const std::int32_t right = 15 - q.shift;
  return static_cast<std::int32_t>((acc * reduced + (std::int64_t{1} << (right - 1))) >> right);
}

}  // namespace mote
