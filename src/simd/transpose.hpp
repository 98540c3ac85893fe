// SPDX-License-Identifier: Apache-2.0
// Transposition of a float matrix in blocks of 8 × 8 (AVX), 4 × 4 (SSE, NEON) or one by one. Moves bits only.
// Include after simd.hpp.
#pragma once

#include <cstddef>

#include "simd/simd.hpp"

namespace mote::simd {
inline namespace MOTE_SIMD_ISA {

#if MOTE_SIMD_XSIMD && defined(__AVX__) && !defined(MOTE_FORCE_128)

inline constexpr std::size_t kTransposeBlock = 8;

/// Rows 0..7, columns 0..3: each register holds a row and the one four below it, so that nothing crosses the halves.
MOTE_INLINE void transpose_half_block(const float* from, std::size_t from_step, float* to, std::size_t to_step) {
  const auto rows = [&](std::size_t r) __attribute__((always_inline)) {
    return _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(from + r * from_step)),
                                _mm_loadu_ps(from + (r + 4) * from_step), 1);
  };
  const __m256 row0 = rows(0), row1 = rows(1), row2 = rows(2), row3 = rows(3);
  const __m256 low01 = _mm256_unpacklo_ps(row0, row1), high01 = _mm256_unpackhi_ps(row0, row1);
  const __m256 low23 = _mm256_unpacklo_ps(row2, row3), high23 = _mm256_unpackhi_ps(row2, row3);
  _mm256_storeu_ps(to, _mm256_shuffle_ps(low01, low23, 0x44));
  _mm256_storeu_ps(to + to_step, _mm256_shuffle_ps(low01, low23, 0xEE));
  _mm256_storeu_ps(to + 2 * to_step, _mm256_shuffle_ps(high01, high23, 0x44));
  _mm256_storeu_ps(to + 3 * to_step, _mm256_shuffle_ps(high01, high23, 0xEE));
}
MOTE_INLINE void transpose_block(const float* from, std::size_t from_step, float* to, std::size_t to_step) {
  transpose_half_block(from, from_step, to, to_step);
  transpose_half_block(from + 4, from_step, to + 4 * to_step, to_step);
}

#elif MOTE_SIMD_XSIMD && defined(__ARM_NEON)

inline constexpr std::size_t kTransposeBlock = 4;

MOTE_INLINE void transpose_block(const float* from, std::size_t from_step, float* to, std::size_t to_step) {
  const float32x4_t row0 = vld1q_f32(from), row1 = vld1q_f32(from + from_step);
  const float32x4_t row2 = vld1q_f32(from + 2 * from_step), row3 = vld1q_f32(from + 3 * from_step);
  const float32x4x2_t pair01 = vtrnq_f32(row0, row1), pair23 = vtrnq_f32(row2, row3);
  vst1q_f32(to, vcombine_f32(vget_low_f32(pair01.val[0]), vget_low_f32(pair23.val[0])));
  vst1q_f32(to + to_step, vcombine_f32(vget_low_f32(pair01.val[1]), vget_low_f32(pair23.val[1])));
  vst1q_f32(to + 2 * to_step, vcombine_f32(vget_high_f32(pair01.val[0]), vget_high_f32(pair23.val[0])));
  vst1q_f32(to + 3 * to_step, vcombine_f32(vget_high_f32(pair01.val[1]), vget_high_f32(pair23.val[1])));
}

#elif MOTE_SIMD_XSIMD

inline constexpr std::size_t kTransposeBlock = 4;

MOTE_INLINE void transpose_block(const float* from, std::size_t from_step, float* to, std::size_t to_step) {
  __m128 row0 = _mm_loadu_ps(from), row1 = _mm_loadu_ps(from + from_step);
  __m128 row2 = _mm_loadu_ps(from + 2 * from_step), row3 = _mm_loadu_ps(from + 3 * from_step);
  _MM_TRANSPOSE4_PS(row0, row1, row2, row3);
  _mm_storeu_ps(to, row0);
  _mm_storeu_ps(to + to_step, row1);
  _mm_storeu_ps(to + 2 * to_step, row2);
  _mm_storeu_ps(to + 3 * to_step, row3);
}

#else

inline constexpr std::size_t kTransposeBlock = 1;

MOTE_INLINE void transpose_block(const float* from, std::size_t, float* to, std::size_t) { *to = *from; }

#endif

/// to[c][r] = from[r][c]; rows of `from` are from_step apart, rows of `to` to_step. No overlap.
MOTE_INLINE void transpose(const float* from, std::size_t from_step, std::size_t rows, std::size_t columns, float* to,
                           std::size_t to_step) {
  const std::size_t block_rows = rows / kTransposeBlock * kTransposeBlock;
  const std::size_t block_columns = columns / kTransposeBlock * kTransposeBlock;
  for (std::size_t r = 0; r < block_rows; r += kTransposeBlock)
    for (std::size_t c = 0; c < block_columns; c += kTransposeBlock)
      transpose_block(from + r * from_step + c, from_step, to + c * to_step + r, to_step);
  for (std::size_t c = block_columns; c < columns; ++c)
    for (std::size_t r = 0; r < block_rows; ++r) to[c * to_step + r] = from[r * from_step + c];
  for (std::size_t r = block_rows; r < rows; ++r)
    for (std::size_t c = 0; c < columns; ++c) to[c * to_step + r] = from[r * from_step + c];
}

}  // namespace MOTE_SIMD_ISA
}  // namespace mote::simd
