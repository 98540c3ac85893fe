// SPDX-License-Identifier: Apache-2.0
// Vectors whose lanes come from other places than side by side: one element for several neighbouring lanes, or every
// n-th element. Include after simd.hpp.
#pragma once

#include <cstddef>
#include <cstdint>

#include "simd/simd.hpp"

namespace mote::simd {
inline namespace MOTE_SIMD_ISA {

/// Which element each of the first `lanes` lanes takes; the elements are 0 … count - 1, or a multiple of that apart.
struct LaneIndex {
  alignas(64) std::int32_t element[kLanes];
  std::size_t lanes, count;
};

/// Element (phase + lane) / repeat: each element serves `repeat` lanes, the first of them repeat - phase.
MOTE_INLINE LaneIndex repeat_elements(std::size_t phase, std::size_t repeat, std::size_t lanes) {
  LaneIndex index;
  for (std::size_t l = 0; l < kLanes; ++l) index.element[l] = static_cast<std::int32_t>((phase + l) / repeat);
  index.lanes = lanes;
  index.count = (phase + lanes - 1) / repeat + 1;
  return index;
}

/// Element lane * step.
MOTE_INLINE LaneIndex step_elements(std::size_t step, std::size_t lanes) {
  LaneIndex index;
  for (std::size_t l = 0; l < kLanes; ++l) index.element[l] = static_cast<std::int32_t>(l * step);
  index.lanes = lanes;
  index.count = (lanes - 1) * step + 1;
  return index;
}

#if MOTE_SIMD_XSIMD && defined(__AVX512F__) && !defined(MOTE_FORCE_128)

/// Lanes that repeat elements side by side: index.count <= kLanes. Lanes beyond index.lanes hold anything.
MOTE_INLINE F32 load_repeated(const float* p, const LaneIndex& index) {
  const __m512i element = _mm512_load_si512(index.element);
  const __m512 values = _mm512_maskz_loadu_ps(native::lane_mask16(index.count), p);
  return {Batch(_mm512_maskz_permutexvar_ps(native::lane_mask16(16), element, values))};
}
/// Lanes from anywhere; those beyond index.lanes hold anything and nothing is read for them. Out of two vectors where
/// they suffice: gathering takes several times as long.
MOTE_INLINE F32 load_steps(const float* p, const LaneIndex& index) {
  if (index.count <= 2 * kLanes) {
    const std::size_t low = index.count < kLanes ? index.count : kLanes;
    const __m512 values = _mm512_maskz_loadu_ps(native::lane_mask16(low), p);
    const __m512 rest = _mm512_maskz_loadu_ps(native::lane_mask16(index.count - low), p + low);
    return {Batch(_mm512_permutex2var_ps(values, _mm512_load_si512(index.element), rest))};
  }
  return {Batch(_mm512_mask_i32gather_ps(_mm512_setzero_ps(), native::lane_mask16(index.lanes),
                                         _mm512_load_si512(index.element), p, 4))};
}

#elif MOTE_SIMD_XSIMD && defined(__AVX2__) && !defined(MOTE_FORCE_128)

MOTE_INLINE F32 load_repeated(const float* p, const LaneIndex& index) {
  const __m256i element = _mm256_load_si256(reinterpret_cast<const __m256i*>(index.element));
  const __m256 values = _mm256_maskload_ps(p, native::lane_mask(index.count));
  return {Batch(_mm256_permutevar8x32_ps(values, element))};
}
MOTE_INLINE F32 load_steps(const float* p, const LaneIndex& index) {
  return {Batch(_mm256_mask_i32gather_ps(_mm256_setzero_ps(), p,
                                         _mm256_load_si256(reinterpret_cast<const __m256i*>(index.element)),
                                         _mm256_castsi256_ps(native::lane_mask(index.lanes)), 4))};
}

#else

MOTE_INLINE F32 load_steps(const float* p, const LaneIndex& index) {
  float lanes[kLanes];
  for (std::size_t l = 0; l < kLanes; ++l) lanes[l] = l < index.lanes ? p[index.element[l]] : 0.0F;
  return load(lanes);
}
MOTE_INLINE F32 load_repeated(const float* p, const LaneIndex& index) { return load_steps(p, index); }

#endif

}  // namespace MOTE_SIMD_ISA
}  // namespace mote::simd
