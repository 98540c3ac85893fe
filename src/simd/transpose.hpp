// SPDX-License-Identifier: Apache-2.0
// Transposition of a float matrix in blocks of four columns and 16 rows (AVX-512), 8 (AVX) or 4 (SSE, NEON), or one by
// one. Moves bits only. Include after simd.hpp.
#pragma once

#include <cstddef>

#include "simd/simd.hpp"

namespace mote::simd {
inline namespace MOTE_SIMD_ISA {

#if MOTE_SIMD_XSIMD && defined(__AVX__) && !defined(MOTE_FORCE_128)

inline constexpr std::size_t kTransposeColumns = 4;
#if defined(__AVX512F__)
inline constexpr std::size_t kTransposeRows = 16;

/// A register holds a row and those four, eight and twelve below it, so that nothing crosses its quarters.
/// Masks of all lanes: GCC 12 warns about the intrinsics without.
MOTE_INLINE void transpose_block(const float* from, std::size_t from_step, float* to, std::size_t to_step) {
  const auto rows = [&](std::size_t r) __attribute__((always_inline)) {
    const auto row = [&](std::size_t below) __attribute__((always_inline)) {
      return _mm_loadu_ps(from + (r + below) * from_step);
    };
    __m512 quarters = _mm512_maskz_broadcast_f32x4(0xFFFF, row(0));
    quarters = _mm512_mask_broadcast_f32x4(quarters, 0x00F0, row(4));
    quarters = _mm512_mask_broadcast_f32x4(quarters, 0x0F00, row(8));
    return _mm512_mask_broadcast_f32x4(quarters, 0xF000, row(12));
  };
  const __m512 row0 = rows(0), row1 = rows(1), row2 = rows(2), row3 = rows(3);
  const __m512 low01 = _mm512_maskz_unpacklo_ps(0xFFFF, row0, row1);
  const __m512 high01 = _mm512_maskz_unpackhi_ps(0xFFFF, row0, row1);
  const __m512 low23 = _mm512_maskz_unpacklo_ps(0xFFFF, row2, row3);
  const __m512 high23 = _mm512_maskz_unpackhi_ps(0xFFFF, row2, row3);
  _mm512_storeu_ps(to, _mm512_maskz_shuffle_ps(0xFFFF, low01, low23, 0x44));
  _mm512_storeu_ps(to + to_step, _mm512_maskz_shuffle_ps(0xFFFF, low01, low23, 0xEE));
  _mm512_storeu_ps(to + 2 * to_step, _mm512_maskz_shuffle_ps(0xFFFF, high01, high23, 0x44));
  _mm512_storeu_ps(to + 3 * to_step, _mm512_maskz_shuffle_ps(0xFFFF, high01, high23, 0xEE));
}
#else
inline constexpr std::size_t kTransposeRows = 8;
#endif

/// A register holds a row and the one four below it, so that nothing crosses its halves.
MOTE_INLINE void transpose_eight_rows(const float* from, std::size_t from_step, float* to, std::size_t to_step) {
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
#if !defined(__AVX512F__)
MOTE_INLINE void transpose_block(const float* from, std::size_t from_step, float* to, std::size_t to_step) {
  transpose_eight_rows(from, from_step, to, to_step);
}
#endif

#elif MOTE_SIMD_XSIMD && defined(__ARM_NEON)

inline constexpr std::size_t kTransposeRows = 4, kTransposeColumns = 4;

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

inline constexpr std::size_t kTransposeRows = 4, kTransposeColumns = 4;

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

inline constexpr std::size_t kTransposeRows = 1, kTransposeColumns = 1;

MOTE_INLINE void transpose_block(const float* from, std::size_t, float* to, std::size_t) { *to = *from; }

#endif

/// to[c][r] = from[r][c]; rows of `from` are from_step apart, rows of `to` to_step. No overlap.
MOTE_INLINE void transpose(const float* from, std::size_t from_step, std::size_t rows, std::size_t columns, float* to,
                           std::size_t to_step) {
  const std::size_t block_columns = columns / kTransposeColumns * kTransposeColumns;
  std::size_t row = 0;
  for (; row + kTransposeRows <= rows; row += kTransposeRows)
    for (std::size_t c = 0; c < block_columns; c += kTransposeColumns)
      transpose_block(from + row * from_step + c, from_step, to + c * to_step + row, to_step);
#if MOTE_SIMD_XSIMD && defined(__AVX512F__) && !defined(MOTE_FORCE_128)
  if (row + 8 <= rows) {
    for (std::size_t c = 0; c < block_columns; c += kTransposeColumns)
      transpose_eight_rows(from + row * from_step + c, from_step, to + c * to_step + row, to_step);
    row += 8;
  }
#endif
  for (std::size_t c = block_columns; c < columns; ++c)
    for (std::size_t r = 0; r < row; ++r) to[c * to_step + r] = from[r * from_step + c];
  for (; row < rows; ++row)
    for (std::size_t c = 0; c < columns; ++c) to[c * to_step + row] = from[row * from_step + c];
}

}  // namespace MOTE_SIMD_ISA
}  // namespace mote::simd
