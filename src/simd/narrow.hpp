// SPDX-License-Identifier: Apache-2.0
// Vectors of columns behind one interface, for kernels that choose by the number of columns: WideLanes is the facade's
// F32; NarrowLanes has 8 lanes on AVX-512 and is WideLanes elsewhere. Eight columns in a 512-bit vector waste half of
// every multiplication on processors that execute it as two halves. RowLanes, on AVX-512 only, fills the vector
// with few columns of several rows. Include after simd.hpp.
#pragma once

#include <cstddef>

#include "simd/simd.hpp"

// GCC 12's AVX-512 intrinsics start from a register that is undefined on purpose, and warn about it where inlined.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

namespace mote::simd {
inline namespace MOTE_SIMD_ISA {

struct WideLanes {
  using Vector = F32;
  static constexpr std::size_t kLanes = simd::kLanes;
  static constexpr std::size_t kRows = 1;
  static MOTE_INLINE Vector zero() { return simd::zero(); }
  static MOTE_INLINE Vector splat(float value) { return simd::splat(value); }
  static MOTE_INLINE Vector broadcast(const float* p) { return simd::splat(*p); }
  static MOTE_INLINE Vector load(const float* p) { return simd::load(p); }
  static MOTE_INLINE Vector in_register(Vector a) { return simd::in_register(a); }
  static MOTE_INLINE Vector load_partial(const float* p, std::size_t n) { return simd::load_partial(p, n); }
  static MOTE_INLINE void store(float* p, Vector a) { simd::store(p, a); }
  static MOTE_INLINE void store_partial(float* p, std::size_t n, Vector a) { simd::store_partial(p, n, a); }
};

#if MOTE_SIMD_XSIMD && defined(__AVX512VL__) && defined(__FMA__) && !defined(MOTE_FORCE_128)

inline constexpr bool kHasNarrowLanes = true;

struct F32x8 {
  __m256 v;
};
struct Mask8 {
  __mmask8 m;
};
MOTE_INLINE F32x8 operator+(F32x8 a, F32x8 b) { return {_mm256_add_ps(a.v, b.v)}; }
MOTE_INLINE F32x8 operator*(F32x8 a, F32x8 b) { return {_mm256_mul_ps(a.v, b.v)}; }
MOTE_INLINE F32x8 operator/(F32x8 a, F32x8 b) { return {_mm256_div_ps(a.v, b.v)}; }
MOTE_INLINE F32x8 min(F32x8 a, F32x8 b) { return {_mm256_min_ps(a.v, b.v)}; }
MOTE_INLINE F32x8 max(F32x8 a, F32x8 b) { return {_mm256_max_ps(a.v, b.v)}; }
MOTE_INLINE F32x8 mul_add(F32x8 a, F32x8 b, F32x8 c) { return {_mm256_fmadd_ps(a.v, b.v, c.v)}; }
MOTE_INLINE Mask8 equal(F32x8 a, F32x8 b) { return {_mm256_cmp_ps_mask(a.v, b.v, _CMP_EQ_OQ)}; }
MOTE_INLINE Mask8 less_equal(F32x8 a, F32x8 b) { return {_mm256_cmp_ps_mask(a.v, b.v, _CMP_LE_OQ)}; }
MOTE_INLINE F32x8 select(Mask8 mask, F32x8 if_true, F32x8 if_false) {
  return {_mm256_mask_blend_ps(mask.m, if_false.v, if_true.v)};
}

struct NarrowLanes {
  using Vector = F32x8;
  static constexpr std::size_t kLanes = 8;
  static constexpr std::size_t kRows = 1;
  static MOTE_INLINE __mmask8 first_lanes(std::size_t n) { return static_cast<__mmask8>((1U << n) - 1U); }
  static MOTE_INLINE Vector zero() { return {_mm256_setzero_ps()}; }
  static MOTE_INLINE Vector splat(float value) { return {_mm256_set1_ps(value)}; }
  static MOTE_INLINE Vector broadcast(const float* p) { return splat(*p); }
  static MOTE_INLINE Vector load(const float* p) { return {_mm256_loadu_ps(p)}; }
  static MOTE_INLINE Vector in_register(Vector a) {
    asm("" : "+v"(a.v));
    return a;
  }
  static MOTE_INLINE Vector load_partial(const float* p, std::size_t n) {
    return {_mm256_maskz_loadu_ps(first_lanes(n), p)};
  }
  static MOTE_INLINE void store(float* p, Vector a) { _mm256_storeu_ps(p, a.v); }
  static MOTE_INLINE void store_partial(float* p, std::size_t n, Vector a) {
    _mm256_mask_storeu_ps(p, first_lanes(n), a.v);
  }
};

inline constexpr bool kHasRowLanes = true;

/// Eight columns of two rows or four columns of four: lane c rows + r is column c of row r. Columns, which all rows
/// share, are loaded once; the rows' scalars lie side by side in memory.
template <std::size_t kRowCount>
struct RowLanes {
  static_assert(kRowCount == 2 || kRowCount == 4);
  using Vector = F32;
  static constexpr std::size_t kRows = kRowCount, kLanes = 16 / kRows;
  static MOTE_INLINE Vector zero() { return simd::zero(); }
  static MOTE_INLINE Vector splat(float value) { return simd::splat(value); }
  /// p[r] in all columns of row r.
  static MOTE_INLINE Vector broadcast(const float* p) {
    if constexpr (kRows == 4) return {Batch(_mm512_broadcast_f32x4(_mm_loadu_ps(p)))};
    const __m128i pair = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(p));
    return {Batch(_mm512_castsi512_ps(_mm512_broadcastq_epi64(pair)))};
  }
  static MOTE_INLINE Vector load(const float* p) {
    if constexpr (kRows == 4) return repeat(_mm512_castps128_ps512(_mm_loadu_ps(p)));
    return repeat(_mm512_castps256_ps512(_mm256_loadu_ps(p)));
  }
  static MOTE_INLINE Vector load_partial(const float* p, std::size_t n) {
    return repeat(_mm512_castps256_ps512(NarrowLanes::load_partial(p, n).v));
  }
  /// Row r goes to p + r row_step.
  static MOTE_INLINE void store(float* p, std::ptrdiff_t row_step, Vector a) {
    const __m512 rows = part(a);
    if constexpr (kRows == 4) {
      _mm_storeu_ps(p, _mm512_castps512_ps128(rows));
      _mm_storeu_ps(p + row_step, _mm512_extractf32x4_ps(rows, 1));
      _mm_storeu_ps(p + 2 * row_step, _mm512_extractf32x4_ps(rows, 2));
      _mm_storeu_ps(p + 3 * row_step, _mm512_extractf32x4_ps(rows, 3));
    } else {
      _mm256_storeu_ps(p, _mm512_castps512_ps256(rows));
      _mm256_storeu_ps(p + row_step, upper(rows));
    }
  }
  static MOTE_INLINE void store_partial(float* p, std::ptrdiff_t row_step, std::size_t n, Vector a) {
    const __m512 rows = part(a);
    if constexpr (kRows == 4) {
      store_columns(p, n, _mm512_castps512_ps256(rows));
      store_columns(p + row_step, n, _mm256_castps128_ps256(_mm512_extractf32x4_ps(rows, 1)));
      store_columns(p + 2 * row_step, n, upper(rows));
      store_columns(p + 3 * row_step, n, _mm256_castps128_ps256(_mm512_extractf32x4_ps(rows, 3)));
    } else {
      store_columns(p, n, _mm512_castps512_ps256(rows));
      store_columns(p + row_step, n, upper(rows));
    }
  }
  /// to[rows i + r] = from[i + r row_step], i < n.
  static void interleave(const float* from, std::ptrdiff_t row_step, std::size_t n, float* to) {
    if (n < 16) {
      for (std::size_t i = 0; i < n; ++i)
        for (std::size_t r = 0; r < kRows; ++r) *to++ = from[i + r * static_cast<std::size_t>(row_step)];
      return;
    }
    for (std::size_t i = 0; i < n; i += 16) {
      if (i + 16 > n) i = n - 16;
      mix_rows(from + i, row_step, to + i * kRows);
    }
  }

 private:
  static MOTE_INLINE __m256 upper(__m512 a) { return _mm256_castpd_ps(_mm512_extractf64x4_pd(_mm512_castps_pd(a), 1)); }
  /// Through a register: extraction straight to memory, which compilers would make of it, may fault behind the mask.
  static MOTE_INLINE void store_columns(float* p, std::size_t n, __m256 columns) {
    NarrowLanes::store_partial(p, n, NarrowLanes::in_register({columns}));
  }
  /// Column c in all rows.
  static MOTE_INLINE Vector repeat(__m512 columns) {
    const __m512i lanes = kRows == 4 ? _mm512_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3)
                                     : _mm512_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7);
    return {Batch(_mm512_permutexvar_ps(lanes, columns))};
  }
  /// One row's columns after the other's.
  static MOTE_INLINE __m512 part(Vector a) {
    const __m512i lanes = kRows == 4 ? _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15)
                                     : _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 1, 3, 5, 7, 9, 11, 13, 15);
    return _mm512_permutexvar_ps(lanes, Register(a.v));
  }
  /// Sixteen values of each row.
  static MOTE_INLINE void mix_rows(const float* from, std::ptrdiff_t row_step, float* to) {
    __m512 low, high;
    mix(from, from + row_step, low, high);
    if constexpr (kRows == 2) {
      _mm512_storeu_ps(to, low);
      _mm512_storeu_ps(to + 16, high);
    } else {
      __m512 low23, high23;
      mix(from + 2 * row_step, from + 3 * row_step, low23, high23);
      store_mixed(to, low, low23);
      store_mixed(to + 32, high, high23);
    }
  }
  /// Sixteen pairs (row0[i], row1[i]).
  static MOTE_INLINE void mix(const float* row0, const float* row1, __m512& low, __m512& high) {
    const __m512i lanes = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
    const __m512 a = _mm512_loadu_ps(row0), b = _mm512_loadu_ps(row1);
    low = _mm512_permutex2var_ps(a, lanes, b);
    high = _mm512_permutex2var_ps(a, _mm512_add_epi32(lanes, _mm512_set1_epi32(8)), b);
  }
  /// The eight pairs of rows 0 and 1 mixed with those of rows 2 and 3.
  static MOTE_INLINE void store_mixed(float* to, __m512 pairs01, __m512 pairs23) {
    const __m512i lanes = _mm512_setr_epi64(0, 8, 1, 9, 2, 10, 3, 11);
    const __m512d a = _mm512_castps_pd(pairs01), b = _mm512_castps_pd(pairs23);
    _mm512_storeu_ps(to, _mm512_castpd_ps(_mm512_permutex2var_pd(a, lanes, b)));
    const __m512i later = _mm512_add_epi64(lanes, _mm512_set1_epi64(4));
    _mm512_storeu_ps(to + 16, _mm512_castpd_ps(_mm512_permutex2var_pd(a, later, b)));
  }
};

#else

inline constexpr bool kHasNarrowLanes = false;
inline constexpr bool kHasRowLanes = false;
using NarrowLanes = WideLanes;
template <std::size_t>
using RowLanes = WideLanes;

#endif

}  // namespace MOTE_SIMD_ISA
}  // namespace mote::simd

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif
