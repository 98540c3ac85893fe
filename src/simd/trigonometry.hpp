// SPDX-License-Identifier: Apache-2.0
// sin and cos for every float32, with the same bits on every backend, and rounding to integers. Arguments up to 4096
// are reduced by pi / 2 in parts, larger ones with integers and the bits of 2 / pi that matter. Include after simd.hpp.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "simd/simd.hpp"

namespace mote::simd {
inline namespace MOTE_SIMD_ISA {
namespace polynomial {

/// Nearest integer, halves to even; |x| < 2^22 only.
template <class V>
MOTE_INLINE V nearest_small(V x) {
  return (x + V::splat(kRound)) - V::splat(kRound);
}
/// Nearest integer, halves to even; keeps the sign of zero, infinities and NaN.
template <class V>
MOTE_INLINE V nearest(V x) {
  constexpr float kAllIntegers = 8388608.0F;
  const V a = abs(x);
  const V rounded = bits::copy_sign((a + V::splat(kAllIntegers)) - V::splat(kAllIntegers), x);
  return select(less(a, V::splat(kAllIntegers)), rounded, x);
}
template <class V>
MOTE_INLINE V floor(V x) {
  const V r = nearest(x);
  const V below = r - select(less(x, r), V::splat(1.0F), V::splat(0.0F));
  return select(equal(x, x), bits::copy_sign(abs(below), x), x);
}
template <class V>
MOTE_INLINE V ceil(V x) {
  return -floor(-x);
}

/// An angle as r + quadrant pi / 2 up to whole turns: |r| <= pi / 4 (a rounding more), quadrant -2 … 2.
template <class V>
struct Turn {
  V r, quadrant;
};

/// Beyond this the parts of pi / 2 no longer suffice.
inline constexpr float kFarAngle = 4096.0F;

/// The turn of |x| > kFarAngle: |x| = m 2^e, and of m 2^e 2 / pi modulo 4 the first 96 bits in fixed point are whole.
/// What is cut off is below 2^-70, where the smallest remainder of a float32 is above 2^-35.
[[gnu::noinline]] inline Turn<ScalarF32> far_turn(float x) {
  // A word of zeros, then 2 / pi.
  constexpr std::uint32_t kTwoByPi[] = {0U,          0xA2F9836EU, 0x4E441529U, 0xFC2757D1U,
                                        0xF534DDC0U, 0xDB629599U, 0x3C439041U, 0xFE5163ABU};
  const std::uint32_t word = std::bit_cast<std::uint32_t>(x);
  const std::uint32_t biased = word >> 23 & 0xFFU;
  if (biased == 0xFFU) return {{kNaN}, {0.0F}};
  const std::uint32_t mantissa = (word & 0x7FFFFFU) | 0x800000U;
  const std::uint32_t first = biased - 150U + 30U;  // e + 30: bits before it make whole turns
  const auto window = [&](std::uint32_t i) {
    const std::uint32_t at = first / 32U + i, shift = first % 32U;
    return shift == 0U ? kTwoByPi[at] : kTwoByPi[at] << shift | kTwoByPi[at + 1U] >> (32U - shift);
  };
  const std::uint64_t low = std::uint64_t{mantissa} * window(2);
  const std::uint64_t middle = std::uint64_t{mantissa} * window(1) + (low >> 32);
  const std::uint32_t high = mantissa * window(0) + static_cast<std::uint32_t>(middle >> 32);
  const std::uint64_t quarters = std::uint64_t{high} << 32 | (middle & 0xFFFFFFFFU);  // two bits, then a fraction
  const std::uint32_t quadrant = static_cast<std::uint32_t>((quarters + (std::uint64_t{1} << 61)) >> 62);
  const std::uint64_t rest = quarters - (std::uint64_t{quadrant} << 62);
  const bool below = (rest >> 63) != 0;
  const std::uint64_t magnitude = below ? std::uint64_t{0} - rest : rest;
  const auto zeros = static_cast<std::uint32_t>(std::countl_zero(magnitude | 1U));
  const auto leading = static_cast<std::uint32_t>(magnitude << zeros >> 32);
  const auto scaled = static_cast<std::uint32_t>(std::uint64_t{leading} * 0xC90FDAA2U >> 32);  // times pi / 2
  const float r = static_cast<float>(scaled) * std::bit_cast<float>((127U - 29U - zeros) << 23);
  const bool negative = x < 0.0F;
  const auto turns = static_cast<float>(static_cast<std::int32_t>(quadrant));
  return {{below != negative ? -r : r}, {quadrant == 3U ? (negative ? 1.0F : -1.0F) : (negative ? -turns : turns)}};
}

template <class V>
MOTE_INLINE void turn_far_lanes(V x, Turn<V>& turn) {
  if constexpr (std::is_same_v<V, ScalarF32>) {
    turn = far_turn(x.v);
  } else {
    float angle[kLanes], r[kLanes], quadrant[kLanes];
    store(angle, x), store(r, turn.r), store(quadrant, turn.quadrant);
    for (std::size_t i = 0; i < kLanes; ++i) {
      if (!(__builtin_fabsf(angle[i]) > kFarAngle)) continue;
      const Turn<ScalarF32> far = far_turn(angle[i]);
      r[i] = far.r.v, quadrant[i] = far.quadrant.v;
    }
    turn = {load(r), load(quadrant)};
  }
}

template <class V>
MOTE_INLINE Turn<V> turn_of(V x) {
  const V n = nearest_small(x * V::splat(0.636619772F));
  V r;
  // pi / 2 is cut, not rounded: with all parts positive -0 stays -0.
  if constexpr (kFused) {  // 24 bits each; the first difference is exact
    r = neg_mul_add(n, V::splat(0x1.921fb4p+0F), x);
    r = neg_mul_add(n, V::splat(0x1.4442d0p-24F), r);
    r = neg_mul_add(n, V::splat(0x1.846988p-48F), r);
  } else {  // 12 bits each, as n has: every product is exact, and so are the first two differences
    const V near = neg_mul_add(n, V::splat(0x1.fb4p-12F), neg_mul_add(n, V::splat(0x1.92p+0F), x));
    const V third = n * V::splat(0x1.444p-24F), difference = near - third;
    const V rest = mul_add(n, V::splat(0x1.68cp-39F), n * V::splat(0x1.1a6p-54F));
    const V low = ((near - difference) - third) - rest;
    r = select(equal(low, V::splat(0.0F)), difference, difference + low);
  }
  Turn<V> turn{r, neg_mul_add(nearest_small(n * V::splat(0.25F)), V::splat(4.0F), n)};
  if (any(less(V::splat(kFarAngle), abs(x)))) turn_far_lanes(x, turn);
  return turn;
}

/// r + r^3 P(r^2), |r| <= pi / 4, with the sign of r where it is zero.
template <class V>
MOTE_INLINE V sin_near(V r) {
  constexpr float kP[] = {-0.16666655F, 8.3321547e-3F, -1.9514085e-4F};
  const V z = r * r;
  return bits::copy_sign(mul_add(r * z, horner(z, kP), r), r);
}
/// 1 - r^2 / 2 + r^4 P(r^2).
template <class V>
MOTE_INLINE V cos_near(V r) {
  constexpr float kP[] = {0.041666646F, -1.3887337e-3F, 2.4434847e-5F};
  const V z = r * r;
  return mul_add(z * z, horner(z, kP), neg_mul_add(z, V::splat(0.5F), V::splat(1.0F)));
}

template <class V>
MOTE_INLINE V sin(V x) {
  const Turn<V> t = turn_of(x);
  const V odd = cos_near(t.r), even = sin_near(t.r);
  const V value = select(equal(abs(t.quadrant), V::splat(1.0F)), odd, even);
  const auto negative = equal(t.quadrant, V::splat(-1.0F)) | equal(abs(t.quadrant), V::splat(2.0F));
  return select(negative, -value, value);
}
template <class V>
MOTE_INLINE V cos(V x) {
  const Turn<V> t = turn_of(x);
  const V even = cos_near(t.r), odd = sin_near(t.r);
  const V value = select(equal(abs(t.quadrant), V::splat(1.0F)), odd, even);
  const auto negative = equal(t.quadrant, V::splat(1.0F)) | equal(abs(t.quadrant), V::splat(2.0F));
  return select(negative, -value, value);
}

}  // namespace polynomial

/// Within 1.6 ulp for every float32; keeps the sign of zero. sin(±inf) is NaN.
MOTE_INLINE F32 sin(F32 x) { return polynomial::sin(x); }
/// Within 1.6 ulp for every float32. cos(±inf) is NaN.
MOTE_INLINE F32 cos(F32 x) { return polynomial::cos(x); }
/// Exact; keep the sign of zero, infinities and NaN.
MOTE_INLINE F32 floor(F32 x) { return polynomial::floor(x); }
MOTE_INLINE F32 ceil(F32 x) { return polynomial::ceil(x); }
/// Halves go to the even neighbour.
MOTE_INLINE F32 nearest(F32 x) { return polynomial::nearest(x); }

MOTE_INLINE float scalar_sin(float x) { return polynomial::sin(ScalarF32{x}).v; }
MOTE_INLINE float scalar_cos(float x) { return polynomial::cos(ScalarF32{x}).v; }

}  // namespace MOTE_SIMD_ISA
}  // namespace mote::simd
