// SPDX-License-Identifier: Apache-2.0
// NEON intrinsics that backend_xsimd.hpp needs on AArch64 and on 32-bit ARM with fused multiply-add (VFPv4), whose
// vectors take denormals for zeros. Nothing else may include this file.
#pragma once

#include <arm_neon.h>

#include <cstddef>
#include <cstdint>

namespace mote::simd {
inline namespace MOTE_SIMD_ISA {
namespace native {

MOTE_INLINE float32x4_t load_partial(const float* p, std::size_t n, float32x4_t) {
  float32x4_t a = vld1q_lane_f32(p, vdupq_n_f32(0.0F), 0);
  if (n > 1) a = vld1q_lane_f32(p + 1, a, 1);
  if (n > 2) a = vld1q_lane_f32(p + 2, a, 2);
  return a;
}
MOTE_INLINE void store_partial(float* p, std::size_t n, float32x4_t a) {
  vst1q_lane_f32(p, a, 0);
  if (n > 1) vst1q_lane_f32(p + 1, a, 1);
  if (n > 2) vst1q_lane_f32(p + 2, a, 2);
}

MOTE_INLINE float32x4_t iota(float32x4_t) { return float32x4_t{0.0F, 1.0F, 2.0F, 3.0F}; }
MOTE_INLINE uint32x4_t first_lanes(std::size_t n, float32x4_t) {
  return vcltq_u32(uint32x4_t{0, 1, 2, 3}, vdupq_n_u32(static_cast<std::uint32_t>(n)));
}

MOTE_INLINE float32x4_t negate(float32x4_t a) { return vnegq_f32(a); }
MOTE_INLINE float32x4_t mul_add(float32x4_t a, float32x4_t b, float32x4_t c) { return vfmaq_f32(c, a, b); }
MOTE_INLINE float32x4_t neg_mul_add(float32x4_t a, float32x4_t b, float32x4_t c) { return vfmsq_f32(c, a, b); }
// xsimd divides and takes roots by estimates and Newton steps: not correctly rounded.
#if defined(__aarch64__)
MOTE_INLINE float32x4_t divide(float32x4_t a, float32x4_t b) { return vdivq_f32(a, b); }
MOTE_INLINE float32x4_t square_root(float32x4_t a) { return vsqrtq_f32(a); }
#else  // lane by lane: vectors have estimates only
MOTE_INLINE float32x4_t divide(float32x4_t a, float32x4_t b) {
  return float32x4_t{a[0] / b[0], a[1] / b[1], a[2] / b[2], a[3] / b[3]};
}
MOTE_INLINE float32x4_t square_root(float32x4_t a) {
  return float32x4_t{__builtin_sqrtf(a[0]), __builtin_sqrtf(a[1]), __builtin_sqrtf(a[2]), __builtin_sqrtf(a[3])};
}
#endif
// vminq and vmaxq propagate NaN; the facade promises b when either is NaN.
MOTE_INLINE float32x4_t min(float32x4_t a, float32x4_t b) { return vbslq_f32(vcltq_f32(a, b), a, b); }
MOTE_INLINE float32x4_t max(float32x4_t a, float32x4_t b) { return vbslq_f32(vcgtq_f32(a, b), a, b); }

MOTE_INLINE float first(float32x4_t a) { return vgetq_lane_f32(a, 0); }
MOTE_INLINE float32x4_t tree_sum(float32x4_t a) {
  a = vaddq_f32(a, vextq_f32(a, a, 2));
  return vaddq_f32(a, vextq_f32(a, a, 1));
}
MOTE_INLINE void store_quarter(float* to, float32x4_t a) { vst1q_f32(to, a); }
/// The tree of tree_sum for four vectors at once, their sums side by side.
MOTE_INLINE float32x4_t tree_sums(float32x4_t a, float32x4_t b, float32x4_t c, float32x4_t d) {
  const float32x4_t ab =
      vaddq_f32(vcombine_f32(vget_low_f32(a), vget_low_f32(b)), vcombine_f32(vget_high_f32(a), vget_high_f32(b)));
  const float32x4_t cd =
      vaddq_f32(vcombine_f32(vget_low_f32(c), vget_low_f32(d)), vcombine_f32(vget_high_f32(c), vget_high_f32(d)));
  const float32x4x2_t halves = vuzpq_f32(ab, cd);
  return vaddq_f32(halves.val[0], halves.val[1]);
}
MOTE_INLINE float32x4_t tree_max(float32x4_t a) {
  a = max(a, vextq_f32(a, a, 2));
  return max(a, vextq_f32(a, a, 1));
}

MOTE_INLINE float32x4_t copy_sign(float32x4_t magnitude, float32x4_t sign) {
  return vbslq_f32(vdupq_n_u32(0x80000000U), sign, magnitude);
}
MOTE_INLINE float32x4_t to_exponent(float32x4_t a) {
  return vreinterpretq_f32_s32(vshlq_n_s32(vreinterpretq_s32_f32(a), 23));
}
MOTE_INLINE float32x4_t split(float32x4_t a, float32x4_t& exponent) {
  const int32x4_t word = vreinterpretq_s32_f32(a);
  const int32x4_t power = vshrq_n_s32(vsubq_s32(word, vdupq_n_s32(0x3F3504F3)), 23);
  exponent = vcvtq_f32_s32(power);
  return vreinterpretq_f32_s32(vsubq_s32(word, vshlq_n_s32(power, 23)));
}

}  // namespace native
}  // namespace MOTE_SIMD_ISA
}  // namespace mote::simd
