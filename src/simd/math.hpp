// SPDX-License-Identifier: Apache-2.0
// exp, log, tanh, sigmoid, erf and softplus as branch-free polynomials (and a division) over the facade alone,
// so that every backend gives the same bits. Coefficients: weighted minimax fits of our own, rounded to float32.
// Errors stated are the largest over ALL float32 arguments, against double libm, with fused multiply-add;
// tests/kernels/math_test.cpp sweeps a part of them. NaN gives NaN everywhere. Include simd.hpp, never this file.
#pragma once

#include <cstddef>

namespace mote::simd {
inline namespace MOTE_SIMD_ISA {

/// The polynomials, for any vector V with the facade's operations. Use the functions below, or scalar.hpp's.
namespace polynomial {

inline constexpr float kInfinity = __builtin_inff();
inline constexpr float kNaN = __builtin_nanf("");

/// c[0] + c[1] x + … by Horner's rule.
template <class V, std::size_t N>
MOTE_INLINE V horner(V x, const float (&c)[N]) {
  V r = V::splat(c[N - 1]);
  _Pragma("GCC unroll 16") for (std::size_t i = 1; i < N; ++i) r = mul_add(r, x, V::splat(c[N - 1 - i]));
  return r;
}

// Adding 1.5 2^23 + k to x / ln 2 rounds it to the nearest integer n (ties to even) and leaves n + k in the low bits,
// ready to become an exponent. ln 2 comes in two parts; the first has ten bits, so that n times it is exact even
// without fused multiply-add.
inline constexpr float kRound = 12582912.0F;
inline constexpr float kInverseLn2 = 1.44269504F;
inline constexpr float kLn2High = 0.693359375F;
inline constexpr float kLn2Low = -2.12194440e-4F;

template <class V>
MOTE_INLINE V without_multiples_of_ln2(V x, V n) {
  return neg_mul_add(n, V::splat(kLn2Low), neg_mul_add(n, V::splat(kLn2High), x));
}

/// e^x = 2 p(r) 2^(n-1), r = x - n ln 2. n = -126 makes the biased exponent 0, the float zero; n = 128 is still finite.
template <class V>
MOTE_INLINE V exp(V x) {
  constexpr float kTwice[] = {2.0F, 2.0F, 0.99999988F, 0.33333042F, 0.083336562F, 0.016737381F, 2.7638981e-3F};
  x = min(V::splat(89.0F), max(V::splat(-87.5F), x));  // constants first: NaN passes
  const V biased = mul_add(x, V::splat(kInverseLn2), V::splat(kRound + 126.0F));
  const V r = without_multiples_of_ln2(x, biased - V::splat(kRound + 126.0F));
  return horner(r, kTwice) * bits::to_exponent(biased);
}

/// e^x - 1 = 2^n (e^r - 1) + (2^n - 1), for x in [-80, 80].
template <class V>
MOTE_INLINE V exp_minus_1(V x) {
  constexpr float kP[] = {0.49999997F, 0.16666546F, 0.041667435F, 8.3662774e-3F, 1.3870732e-3F};
  const V biased = mul_add(x, V::splat(kInverseLn2), V::splat(kRound + 127.0F));
  const V r = without_multiples_of_ln2(x, biased - V::splat(kRound + 127.0F));
  const V power = bits::to_exponent(biased);
  return mul_add(power, mul_add(r * r, horner(r, kP), r), power - V::splat(1.0F));
}

/// ln x = e ln 2 + ln m with m in [sqrt(1/2), sqrt 2); ln(1 + f) = f - f^2 / 2 + f^3 P(f).
template <class V>
MOTE_INLINE V log(V x) {
  constexpr float kP[] = {0.33333331F, -0.25000820F, 0.20001242F, -0.16623409F,
                          0.14201580F, -0.13159610F, 0.12762217F, -0.076364391F};
  const auto denormal = less(x, V::splat(1.17549435e-38F));
  V e;
  const V m = bits::split(select(denormal, x * V::splat(8388608.0F), x), e);
  e = e - select(denormal, V::splat(23.0F), V::splat(0.0F));
  const V f = m - V::splat(1.0F);
  const V f2 = f * f;
  V y = mul_add(e, V::splat(kLn2Low), f2 * f * horner(f, kP));
  y = neg_mul_add(V::splat(0.5F), f2, y);
  y = mul_add(e, V::splat(kLn2High), f + y);
  y = select(less(x, V::splat(kInfinity)), y, x);
  return select(less_equal(x, V::splat(0.0F)), select(equal(x, V::splat(0.0F)), V::splat(-kInfinity), V::splat(kNaN)),
                y);
}

/// 1 / (1 + e^-x).
template <class V>
MOTE_INLINE V sigmoid(V x) {
  return V::splat(1.0F) / (V::splat(1.0F) + exp(-x));
}

/// m / (m + 2) with m = e^2|x| - 1, and the sign of x; |x| is cut where tanh rounds to 1. A rational function of x^2
/// with as many operations was tried: four roundings near 1 made 6 ulp.
template <class V>
MOTE_INLINE V tanh(V x) {
  const V a = min(V::splat(9.02F), abs(x));
  const V m = exp_minus_1(a + a);
  return bits::copy_sign(m / (m + V::splat(2.0F)), x);
}

/// 1 - e^-g(|x|) with g(a) = -ln(1 - erf a) = a P(a), and the sign of x; |x| is cut where erf rounds to 1.
template <class V>
MOTE_INLINE V erf(V x) {
  constexpr float kP[] = {1.12837923F,   0.63661528F,   0.10282658F,    -0.019364256F,
                          2.7305265e-4F, 1.1992895e-3F, -3.6147828e-4F, 3.7949430e-5F};
  const V a = min(V::splat(3.925F), abs(x));
  return bits::copy_sign(exp_minus_1(-(a * horner(a, kP))), x);
}

/// ln(1 + e^x) = max(x, 0) + 2 artanh(u / (2 + u)) with u = e^-|x|.
template <class V>
MOTE_INLINE V log1p_exp(V x) {
  constexpr float kP[] = {0.66666412F, 0.40021738F, 0.27998596F, 0.28026742F};
  const V u = exp(-abs(x));
  const V s = u / (V::splat(2.0F) + u);
  const V z = s * s;
  return max(V::splat(0.0F), x) + mul_add(s * z, horner(z, kP), s + s);
}

}  // namespace polynomial

/// e^x within 0.91 ulp. Results under 2^-125.5 = 1.7e-38 (x < -86.99) are 0, never denormal; x > 88.7228 gives +inf.
MOTE_INLINE F32 exp(F32 x) { return polynomial::exp(x); }
/// Natural logarithm within 0.86 ulp, denormal arguments included. log(+-0) = -inf, log(x < 0) = NaN, log(inf) = inf.
MOTE_INLINE F32 log(F32 x) { return polynomial::log(x); }
/// 1 / (1 + e^-x) within 2.5 ulp. sigmoid(-inf) = 0, sigmoid(inf) = 1.
MOTE_INLINE F32 sigmoid(F32 x) { return polynomial::sigmoid(x); }
/// Within 2.6 ulp, never beyond [-1, 1]; keeps the sign of zero.
MOTE_INLINE F32 tanh(F32 x) { return polynomial::tanh(x); }
/// Within 3.2 ulp, never beyond [-1, 1]; keeps the sign of zero.
MOTE_INLINE F32 erf(F32 x) { return polynomial::erf(x); }
/// Softplus ln(1 + e^x) within 2.6 ulp; 0 where e^x is.
MOTE_INLINE F32 log1p_exp(F32 x) { return polynomial::log1p_exp(x); }

}  // namespace MOTE_SIMD_ISA
}  // namespace mote::simd
