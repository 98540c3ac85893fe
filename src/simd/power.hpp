// SPDX-License-Identifier: Apache-2.0
// x^y = 2^(y log2 x) with the logarithm in two floats, so that what can be represented comes out exactly. The same
// bits on every backend with fused multiply-add. Include after simd.hpp.
#pragma once

#include "simd/simd.hpp"
#include "simd/trigonometry.hpp"

namespace mote::simd {
inline namespace MOTE_SIMD_ISA {
namespace polynomial {

/// A value as the unevaluated sum of two floats.
template <class V>
struct Pair {
  V high, low;
};

/// a b - product, exactly: product is a b rounded.
template <class V>
MOTE_INLINE V product_error(V a, V b, V product) {
  if constexpr (kFused) {
    return mul_add(a, b, -product);
  } else {  // in halves of 12 bits
    const V ca = a * V::splat(4097.0F), cb = b * V::splat(4097.0F);
    const V a1 = ca - (ca - a), b1 = cb - (cb - b);
    const V a2 = a - a1, b2 = b - b1;
    return ((a1 * b1 - product) + a1 * b2 + a2 * b1) + a2 * b2;
  }
}
/// a + b for |a| >= |b| or a = 0, exactly, and `low` beside it.
template <class V>
MOTE_INLINE Pair<V> sum_of(V a, V b, V low) {
  const V sum = a + b;
  return {sum, (b - (sum - a)) + low};
}

/// log2 x within 2^-35 of itself, for positive finite x. With s = (m - 1) / (m + 1): ln m = 2 s (1 + s^2 / 3 +
/// s^4 Q(s^2)), where m is the mantissa in [sqrt(1/2), sqrt 2).
template <class V>
MOTE_INLINE Pair<V> log2_pair(V x) {
  constexpr float kQ[] = {0.20000076F, 0.14273556F, 0.11709557F};
  constexpr float kThird = 0x1.555556p-2F, kThirdLow = -0x1.555556p-27F;
  constexpr float kScale = 0x1.715476p+1F, kScaleLow = 0x1.4ae0c0p-25F;  // 2 / ln 2
  const auto denormal = less(x, V::splat(1.17549435e-38F));
  V e;
  const V m = bits::split(select(denormal, x * V::splat(8388608.0F), x), e);
  e = e - select(denormal, V::splat(23.0F), V::splat(0.0F));

  const V f = m - V::splat(1.0F), d = m + V::splat(1.0F), d_low = m - (d - V::splat(1.0F));
  const V s = f / d, back = s * d;
  const V s_low = neg_mul_add(s, d_low, (f - back) - product_error(s, d, back)) / d;
  const V z = s * s;
  const V z_low = mul_add(s + s, s_low, product_error(s, s, z));
  const V third = z * V::splat(kThird);
  const V third_low =
      mul_add(z_low, V::splat(kThird), mul_add(z, V::splat(kThirdLow), product_error(z, V::splat(kThird), third)));
  const Pair<V> u = sum_of(third, z * z * horner(z, kQ), third_low);
  const V su = s * u.high;
  const V su_low = mul_add(s_low, u.high, mul_add(s, u.low, product_error(s, u.high, su))) + s_low;
  const Pair<V> half = sum_of(s, su, su_low);
  const V log = half.high * V::splat(kScale);
  const V log_low = mul_add(half.low, V::splat(kScale),
                            mul_add(half.high, V::splat(kScaleLow), product_error(half.high, V::splat(kScale), log)));
  return sum_of(e, log, log_low);
}

/// 2^(h + low) for |h| <= 160: 2^r = 1 + r ln 2 + r^2 P(r); the power of two in two steps, since neither may overflow.
template <class V>
MOTE_INLINE V exp2_pair(V h, V low) {
  constexpr float kP[] = {0.24022651F, 0.055503618F, 9.6180225e-3F, 1.3390462e-3F, 1.5471911e-4F};
  constexpr float kLn2 = 0x1.62e430p-1F, kLn2Rest = -0x1.05c610p-29F;
  const V n = nearest_small(h);
  const Pair<V> rest = sum_of(h - n, low, V::splat(0.0F));
  const V r = rest.high, a = r * V::splat(kLn2);
  const V a_low =
      mul_add(rest.low, V::splat(kLn2), mul_add(r, V::splat(kLn2Rest), product_error(r, V::splat(kLn2), a)));
  const Pair<V> sum = sum_of(V::splat(1.0F), a, a_low);
  const V value = sum.high + mul_add(r * r, horner(r, kP), sum.low);
  const V half = nearest_small(n * V::splat(0.5F));
  const V first = bits::to_exponent(half + V::splat(kRound + 127.0F));
  const V second = bits::to_exponent((n - half) + V::splat(kRound + 127.0F));
  return value * first * second;
}

template <class V>
MOTE_INLINE V pow(V x, V y) {
  const V one = V::splat(1.0F), zero = V::splat(0.0F), infinity = V::splat(kInfinity);
  const V ax = abs(x), ay = abs(y);
  Pair<V> log = log2_pair(ax);
  log.high = select(equal(ax, zero), -infinity, select(equal(ax, infinity), infinity, log.high));
  V h = y * log.high;
  V low = mul_add(y, log.low, product_error(y, log.high, h));
  const auto far = less(V::splat(160.0F), abs(h));  // infinite or zero; keeps NaN out of `low`
  h = select(far, bits::copy_sign(V::splat(160.0F), h), h);
  low = select(far, zero, low);
  V p = exp2_pair(h, low);

  const V whole = nearest(ay), half = ay * V::splat(0.5F), half_whole = nearest(half);
  const auto integer = equal(whole, ay);
  const auto odd = integer & (less(half, half_whole) | less(half_whole, half));
  p = select(odd, bits::copy_sign(p, x), p);
  const auto fraction = less(whole, ay) | less(ay, whole);
  p = select(fraction & less(x, zero) & less(-infinity, x), V::splat(kNaN), p);
  p = select(equal(y, V::splat(2.0F)), x * x, p);
  p = select(equal(y, V::splat(-1.0F)), one / x, p);
  p = select(equal(y, V::splat(0.5F)) & less_equal(zero, x), sqrt(x) + zero, p);
  p = select(equal(x, x) & equal(y, y), p, x + y);
  return select(equal(y, zero) | equal(x, one) | (equal(ax, one) & equal(ay, infinity)), one, p);
}

}  // namespace polynomial

/// x^y within 0.8 ulp, exact where the result is a float32, correctly rounded for the
/// exponents 2, 1/2 and -1. Special values as C and NumPy: pow(x, ±0) = pow(1, y) = 1 for NaN too, pow(-1, ±inf) = 1,
/// NaN for x < 0 with a fraction in y, signed zeros and infinities for odd y.
MOTE_INLINE F32 pow(F32 x, F32 y) { return polynomial::pow(x, y); }
MOTE_INLINE float scalar_pow(float x, float y) { return polynomial::pow(ScalarF32{x}, ScalarF32{y}).v; }

}  // namespace MOTE_SIMD_ISA
}  // namespace mote::simd
