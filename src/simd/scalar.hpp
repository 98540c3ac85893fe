// SPDX-License-Identifier: Apache-2.0
// The facade's arithmetic on plain floats, with the same bits as one vector lane: for scalar tails, for values used
// once, and for host code that must agree with the kernels.
#pragma once

#include "simd/simd.hpp"

namespace mote::simd {
inline namespace MOTE_SIMD_ISA {

/// a b + c with one rounding.
MOTE_INLINE float scalar_mul_add(float a, float b, float c) {
  return mul_add(ScalarF32{a}, ScalarF32{b}, ScalarF32{c}).v;
}
/// c - a b with one rounding.
MOTE_INLINE float scalar_neg_mul_add(float a, float b, float c) {
  return neg_mul_add(ScalarF32{a}, ScalarF32{b}, ScalarF32{c}).v;
}
MOTE_INLINE float scalar_min(float a, float b) { return min(ScalarF32{a}, ScalarF32{b}).v; }
MOTE_INLINE float scalar_max(float a, float b) { return max(ScalarF32{a}, ScalarF32{b}).v; }
MOTE_INLINE float scalar_abs(float a) { return abs(ScalarF32{a}).v; }
MOTE_INLINE float scalar_sqrt(float a) { return sqrt(ScalarF32{a}).v; }
MOTE_INLINE float scalar_exp(float x) { return polynomial::exp(ScalarF32{x}).v; }
MOTE_INLINE float scalar_log(float x) { return polynomial::log(ScalarF32{x}).v; }
MOTE_INLINE float scalar_tanh(float x) { return polynomial::tanh(ScalarF32{x}).v; }
MOTE_INLINE float scalar_sigmoid(float x) { return polynomial::sigmoid(ScalarF32{x}).v; }
MOTE_INLINE float scalar_erf(float x) { return polynomial::erf(ScalarF32{x}).v; }
MOTE_INLINE float scalar_log1p_exp(float x) { return polynomial::log1p_exp(ScalarF32{x}).v; }

}  // namespace MOTE_SIMD_ISA
}  // namespace mote::simd
