// SPDX-License-Identifier: Apache-2.0
// Two vector widths behind one interface, for kernels that choose by the number of columns: WideLanes is the facade's
// F32; NarrowLanes has 8 lanes on AVX-512 and is WideLanes elsewhere. Eight columns in a 512-bit vector waste half of
// every multiplication on processors that execute it as two halves. Include after simd.hpp.
#pragma once

#include <cstddef>

#include "simd/simd.hpp"

namespace mote::simd {
inline namespace MOTE_SIMD_ISA {

struct WideLanes {
  using Vector = F32;
  static constexpr std::size_t kLanes = simd::kLanes;
  static MOTE_INLINE Vector zero() { return simd::zero(); }
  static MOTE_INLINE Vector splat(float value) { return simd::splat(value); }
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
MOTE_INLINE F32x8 operator+(F32x8 a, F32x8 b) { return {_mm256_add_ps(a.v, b.v)}; }
MOTE_INLINE F32x8 min(F32x8 a, F32x8 b) { return {_mm256_min_ps(a.v, b.v)}; }
MOTE_INLINE F32x8 max(F32x8 a, F32x8 b) { return {_mm256_max_ps(a.v, b.v)}; }
MOTE_INLINE F32x8 mul_add(F32x8 a, F32x8 b, F32x8 c) { return {_mm256_fmadd_ps(a.v, b.v, c.v)}; }

struct NarrowLanes {
  using Vector = F32x8;
  static constexpr std::size_t kLanes = 8;
  static MOTE_INLINE __mmask8 first_lanes(std::size_t n) { return static_cast<__mmask8>((1U << n) - 1U); }
  static MOTE_INLINE Vector zero() { return {_mm256_setzero_ps()}; }
  static MOTE_INLINE Vector splat(float value) { return {_mm256_set1_ps(value)}; }
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

#else

inline constexpr bool kHasNarrowLanes = false;
using NarrowLanes = WideLanes;

#endif

}  // namespace MOTE_SIMD_ISA
}  // namespace mote::simd
