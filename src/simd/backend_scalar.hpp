// SPDX-License-Identifier: Apache-2.0
// A "vector" of one float with the facade's operations: the backend where there is no SIMD, and the same bits as one
// lane of the others everywhere. Include simd.hpp, never this file. No libm calls but the square root, which is one
// instruction on every target with an FPU and correctly rounded elsewhere, and on x86 the fused multiply-add.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "simd/integer_fma.hpp"

// Where the processor has no instruction for it. Not on x86: what the C libraries there do instead is right, and takes
// the instruction where the machine that runs the program has it (47 ns a call; this takes 146).
#if !defined(__FP_FAST_FMAF) && !defined(__ARM_FEATURE_FMA) && !defined(__x86_64__) && !defined(__i386__)
#define MOTE_SIMD_INTEGER_FMA 1
#else
#define MOTE_SIMD_INTEGER_FMA 0
#endif

namespace mote::simd {
inline namespace MOTE_SIMD_ISA {

struct ScalarMask {
  bool m;
};

struct ScalarF32 {
  float v;
  static MOTE_INLINE ScalarF32 splat(float value) { return {value}; }
};

MOTE_INLINE ScalarF32 operator+(ScalarF32 a, ScalarF32 b) { return {a.v + b.v}; }
MOTE_INLINE ScalarF32 operator-(ScalarF32 a, ScalarF32 b) { return {a.v - b.v}; }
MOTE_INLINE ScalarF32 operator*(ScalarF32 a, ScalarF32 b) { return {a.v * b.v}; }
MOTE_INLINE ScalarF32 operator/(ScalarF32 a, ScalarF32 b) { return {a.v / b.v}; }
MOTE_INLINE ScalarF32 operator-(ScalarF32 a) { return {-a.v}; }

/// a b + c with one rounding.
MOTE_INLINE ScalarF32 mul_add(ScalarF32 a, ScalarF32 b, ScalarF32 c) {
#if MOTE_SIMD_INTEGER_FMA
  return {integer::mul_add(a.v, b.v, c.v)};
#elif MOTE_SIMD_FUSED
  return {__builtin_fmaf(a.v, b.v, c.v)};
#else
  return {a.v * b.v + c.v};
#endif
}
/// c - a b with one rounding.
MOTE_INLINE ScalarF32 neg_mul_add(ScalarF32 a, ScalarF32 b, ScalarF32 c) {
#if MOTE_SIMD_INTEGER_FMA
  return {integer::mul_add(-a.v, b.v, c.v)};
#elif MOTE_SIMD_FUSED
  return {__builtin_fmaf(-a.v, b.v, c.v)};
#else
  return {c.v - a.v * b.v};
#endif
}

/// The x86 rule on every target: b when either is NaN, b when both are zero.
MOTE_INLINE ScalarF32 min(ScalarF32 a, ScalarF32 b) { return {a.v < b.v ? a.v : b.v}; }
MOTE_INLINE ScalarF32 max(ScalarF32 a, ScalarF32 b) { return {a.v > b.v ? a.v : b.v}; }
MOTE_INLINE ScalarF32 abs(ScalarF32 a) { return {__builtin_fabsf(a.v)}; }
MOTE_INLINE ScalarF32 sqrt(ScalarF32 a) { return {__builtin_sqrtf(a.v)}; }

MOTE_INLINE ScalarMask less(ScalarF32 a, ScalarF32 b) { return {a.v < b.v}; }
MOTE_INLINE ScalarMask less_equal(ScalarF32 a, ScalarF32 b) { return {a.v <= b.v}; }
MOTE_INLINE ScalarMask equal(ScalarF32 a, ScalarF32 b) { return {a.v == b.v}; }
MOTE_INLINE ScalarMask operator&(ScalarMask a, ScalarMask b) { return {a.m && b.m}; }
MOTE_INLINE ScalarMask operator|(ScalarMask a, ScalarMask b) { return {a.m || b.m}; }
MOTE_INLINE bool any(ScalarMask mask) { return mask.m; }
MOTE_INLINE ScalarF32 select(ScalarMask mask, ScalarF32 if_true, ScalarF32 if_false) {
  return {mask.m ? if_true.v : if_false.v};
}

MOTE_INLINE float first(ScalarF32 a) { return a.v; }
MOTE_INLINE ScalarF32 tree_sum(ScalarF32 a) { return a; }
MOTE_INLINE void store_tree_sums(float* to, ScalarF32 a, ScalarF32 b, ScalarF32 c, ScalarF32 d) {
  to[0] = a.v, to[1] = b.v, to[2] = c.v, to[3] = d.v;
}
MOTE_INLINE ScalarF32 tree_max(ScalarF32 a) { return a; }

namespace bits {
MOTE_INLINE ScalarF32 copy_sign(ScalarF32 magnitude, ScalarF32 sign) {
  return {__builtin_copysignf(magnitude.v, sign.v)};
}
/// The float whose bits are those of `a` shifted left by 23: turns a biased exponent in the low bits into a power of 2.
MOTE_INLINE ScalarF32 to_exponent(ScalarF32 a) {
  return {std::bit_cast<float>(std::bit_cast<std::uint32_t>(a.v) << 23)};
}
/// Splits a positive normal `a` into mantissa in [sqrt(1/2), sqrt 2) (returned) and exponent: a = mantissa 2^exponent.
MOTE_INLINE ScalarF32 split(ScalarF32 a, ScalarF32& exponent) {
  const std::int32_t word = std::bit_cast<std::int32_t>(a.v);
  const std::int32_t power = static_cast<std::int32_t>(static_cast<std::uint32_t>(word) - 0x3F3504F3U) >> 23;
  exponent = {static_cast<float>(power)};
  return {std::bit_cast<float>(static_cast<std::uint32_t>(word) - (static_cast<std::uint32_t>(power) << 23))};
}
}  // namespace bits

}  // namespace MOTE_SIMD_ISA
}  // namespace mote::simd
