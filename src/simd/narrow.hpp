// SPDX-License-Identifier: Apache-2.0
// Vectors of columns behind one interface, for kernels that choose by the number of columns: WideLanes is the facade's
// F32; NarrowLanes has 8 lanes on AVX-512 and is WideLanes elsewhere. Eight columns in a 512-bit vector waste half of
// every multiplication on processors that execute it as two halves. PairLanes, on AVX-512 only, fills the vector with
// eight columns of two rows. Include after simd.hpp.
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
  static constexpr std::ptrdiff_t kRows = 1;
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
  static constexpr std::ptrdiff_t kRows = 1;
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

inline constexpr bool kHasPairLanes = true;

/// Lane 2 c + r is column c of row r. Columns that both rows share are loaded once; a row's scalars lie in pairs.
struct PairLanes {
  using Vector = F32;
  static constexpr std::size_t kLanes = 8;
  static constexpr std::ptrdiff_t kRows = 2;
  static MOTE_INLINE Vector zero() { return simd::zero(); }
  static MOTE_INLINE Vector splat(float value) { return simd::splat(value); }
  /// p[r] in all columns of row r.
  static MOTE_INLINE Vector broadcast(const float* p) {
    const __m128i pair = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(p));
    return {Batch(_mm512_castsi512_ps(_mm512_broadcastq_epi64(pair)))};
  }
  static MOTE_INLINE Vector load(const float* p) { return twice(_mm256_loadu_ps(p)); }
  static MOTE_INLINE Vector load_partial(const float* p, std::size_t n) {
    return twice(NarrowLanes::load_partial(p, n).v);
  }
  static MOTE_INLINE void store(float* row0, float* row1, Vector a) {
    const __m512 rows = parted(a);
    _mm256_storeu_ps(row0, _mm512_castps512_ps256(rows));
    _mm256_storeu_ps(row1, _mm512_extractf32x8_ps(rows, 1));
  }
  static MOTE_INLINE void store_partial(float* row0, float* row1, std::size_t n, Vector a) {
    const __m512 rows = parted(a);
    NarrowLanes::store_partial(row0, n, {_mm512_castps512_ps256(rows)});
    NarrowLanes::store_partial(row1, n, {_mm512_extractf32x8_ps(rows, 1)});
  }
  /// to[2 i + r] = row r [i], i < n.
  static void interleave(const float* row0, const float* row1, std::size_t n, float* to) {
    const __m512i low = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
    const __m512i high = _mm512_add_epi32(low, _mm512_set1_epi32(8));
    std::size_t i = 0;
    for (; i + 16 <= n; i += 16, to += 32) {
      const __m512 a = _mm512_loadu_ps(row0 + i), b = _mm512_loadu_ps(row1 + i);
      _mm512_storeu_ps(to, _mm512_permutex2var_ps(a, low, b));
      _mm512_storeu_ps(to + 16, _mm512_permutex2var_ps(a, high, b));
    }
    for (; i < n; ++i, to += 2) to[0] = row0[i], to[1] = row1[i];
  }

 private:
  static MOTE_INLINE Vector twice(__m256 columns) {
    const __m512i lanes = _mm512_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7);
    return {Batch(_mm512_permutexvar_ps(lanes, _mm512_castps256_ps512(columns)))};
  }
  static MOTE_INLINE __m512 parted(Vector a) {
    const __m512i lanes = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 1, 3, 5, 7, 9, 11, 13, 15);
    return _mm512_permutexvar_ps(lanes, Register(a.v));
  }
};

#else

inline constexpr bool kHasNarrowLanes = false;
inline constexpr bool kHasPairLanes = false;
using NarrowLanes = WideLanes;
using PairLanes = WideLanes;

#endif

}  // namespace MOTE_SIMD_ISA
}  // namespace mote::simd

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif
