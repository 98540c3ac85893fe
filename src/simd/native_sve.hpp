// SPDX-License-Identifier: Apache-2.0
// SVE intrinsics that backend_xsimd.hpp needs where the compiler is told the vectors' width (-msve-vector-bits).
// Nothing else may include this file.
#pragma once

#include <arm_sve.h>

#include <array>
#include <cstddef>
#include <cstdint>

namespace mote::simd {
inline namespace MOTE_SIMD_ISA {
namespace native {

using Sve = Register;  // a vector of the width that the compiler was told
inline constexpr std::size_t kSveLanes = kLanes;
static_assert(kSveLanes <= 16, "vectors of more than 512 bits have no place in blocks of 16 lanes");

MOTE_INLINE svbool_t all() { return svptrue_b32(); }
MOTE_INLINE svbool_t lanes_below(std::size_t n) { return svwhilelt_b32_u64(0, n); }

MOTE_INLINE Sve load_partial(const float* p, std::size_t n, Sve) { return svld1_f32(lanes_below(n), p); }
MOTE_INLINE void store_partial(float* p, std::size_t n, Sve a) { svst1_f32(lanes_below(n), p, a); }

MOTE_INLINE Sve iota(Sve) { return svcvt_f32_s32_x(all(), svindex_s32(0, 1)); }
MOTE_INLINE svbool_t first_lanes(std::size_t n, Sve) { return lanes_below(n); }

MOTE_INLINE Sve negate(Sve a) { return svneg_f32_x(all(), a); }
MOTE_INLINE Sve neg_mul_add(Sve a, Sve b, Sve c) { return svmls_f32_x(all(), c, a, b); }
MOTE_INLINE Sve divide(Sve a, Sve b) { return svdiv_f32_x(all(), a, b); }
MOTE_INLINE Sve square_root(Sve a) { return svsqrt_f32_x(all(), a); }
// The facade promises b when either is NaN.
MOTE_INLINE Sve min(Sve a, Sve b) { return svsel_f32(svcmplt_f32(all(), a, b), a, b); }
MOTE_INLINE Sve max(Sve a, Sve b) { return svsel_f32(svcmpgt_f32(all(), a, b), a, b); }

MOTE_INLINE float first(Sve a) { return svlastb_f32(svptrue_pat_b32(SV_VL1), a); }
MOTE_INLINE Sve tree_sum(Sve a) {
  if constexpr (kSveLanes >= 16) a = svadd_f32_x(all(), a, svext_f32(a, a, 8));
  if constexpr (kSveLanes >= 8) a = svadd_f32_x(all(), a, svext_f32(a, a, 4));
  a = svadd_f32_x(all(), a, svext_f32(a, a, 2));
  return svadd_f32_x(all(), a, svext_f32(a, a, 1));
}
using Quarter = std::array<float, 4>;
MOTE_INLINE void store_quarter(float* to, const Quarter& sums) {
  for (std::size_t i = 0; i < sums.size(); ++i) to[i] = sums[i];
}
/// The sums of four vectors side by side.
MOTE_INLINE Quarter tree_sums(Sve a, Sve b, Sve c, Sve d) {
  return {first(tree_sum(a)), first(tree_sum(b)), first(tree_sum(c)), first(tree_sum(d))};
}
MOTE_INLINE Sve tree_max(Sve a) {
  if constexpr (kSveLanes >= 16) a = max(a, svext_f32(a, a, 8));
  if constexpr (kSveLanes >= 8) a = max(a, svext_f32(a, a, 4));
  a = max(a, svext_f32(a, a, 2));
  return max(a, svext_f32(a, a, 1));
}

MOTE_INLINE Sve copy_sign(Sve magnitude, Sve sign) {
  const svuint32_t bits = svand_n_u32_x(all(), svreinterpret_u32_f32(sign), 0x80000000U);
  const svuint32_t rest = svand_n_u32_x(all(), svreinterpret_u32_f32(magnitude), 0x7FFFFFFFU);
  return svreinterpret_f32_u32(svorr_u32_x(all(), bits, rest));
}
MOTE_INLINE Sve to_exponent(Sve a) { return svreinterpret_f32_s32(svlsl_n_s32_x(all(), svreinterpret_s32_f32(a), 23)); }
MOTE_INLINE Sve split(Sve a, Sve& exponent) {
  const svint32_t word = svreinterpret_s32_f32(a);
  const svint32_t power = svasr_n_s32_x(all(), svsub_n_s32_x(all(), word, 0x3F3504F3), 23);
  exponent = svcvt_f32_s32_x(all(), power);
  return svreinterpret_f32_s32(svsub_s32_x(all(), word, svlsl_n_s32_x(all(), power, 23)));
}

}  // namespace native
}  // namespace MOTE_SIMD_ISA
}  // namespace mote::simd
