// SPDX-License-Identifier: Apache-2.0
// Depthwise convolution of int8: up to four taps of a column, one below the other, times their weights, lanes over
// channels. Exact. Include after simd.hpp; intrinsics stay in this directory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "simd/rescale.hpp"
#include "simd/simd.hpp"

// GCC 12's AVX-512 intrinsics start from a register that is undefined on purpose, and warn about it where inlined.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

namespace mote::simd {
inline namespace MOTE_SIMD_ISA {

/// The first kWords channels, or as many as there are, of one pixel in each of four lines.
struct FourPixels {
  const std::int8_t* line[4];
};

// TapColumn(pixels, n): n channels of four pixels side by side; values() for what is convolved, weights() for weights;
// add() adds their products to one word a channel. kOffset: values were taken plus 128, so that sums are too large by
// what a column of zeros gives.
#if MOTE_SIMD_XSIMD && defined(__AVX512BW__) && defined(__AVX512VL__) && !defined(MOTE_FORCE_128)

MOTE_INLINE __m128i sixteen_bytes(const std::int8_t* p, std::size_t n) {
  if (n == kWords) return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  return _mm_maskz_loadu_epi8(first_words(n), p);
}

#if defined(__AVX512VNNI__)
struct TapColumn {
  static constexpr bool kOffset = true;
  __m512i taps;  // four of each channel

  static MOTE_INLINE TapColumn weights(const FourPixels& p, std::size_t n) {
    const __m256i ab =
        _mm256_inserti128_si256(_mm256_castsi128_si256(sixteen_bytes(p.line[0], n)), sixteen_bytes(p.line[1], n), 1);
    const __m256i cd =
        _mm256_inserti128_si256(_mm256_castsi128_si256(sixteen_bytes(p.line[2], n)), sixteen_bytes(p.line[3], n), 1);
    const __m512i lines = _mm512_inserti64x4(_mm512_castsi256_si512(ab), cd, 1);
    const __m512i quarters =
        _mm512_permutexvar_epi32(_mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15), lines);
    const __m512i turn = _mm512_broadcast_i32x4(_mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15));
    return {_mm512_shuffle_epi8(quarters, turn)};
  }
  static MOTE_INLINE TapColumn values(const FourPixels& p, std::size_t n) {
    return {_mm512_xor_si512(weights(p, n).taps, _mm512_set1_epi8(-128))};
  }
  static MOTE_INLINE TapColumn splat(std::int8_t value) { return {_mm512_set1_epi8(static_cast<char>(value ^ -128))}; }
  static MOTE_INLINE Words add(Words sums, const TapColumn& x, const TapColumn& w) {
    return _mm512_dpbusd_epi32(sums, x.taps, w.taps);
  }
};
#else
struct TapColumn {
  static constexpr bool kOffset = false;
  __m512i upper, lower;  // two of each channel

  static MOTE_INLINE __m512i pairs(__m128i a, __m128i b) {
    return _mm512_cvtepi8_epi16(
        _mm256_inserti128_si256(_mm256_castsi128_si256(_mm_unpacklo_epi8(a, b)), _mm_unpackhi_epi8(a, b), 1));
  }
  static MOTE_INLINE TapColumn weights(const FourPixels& p, std::size_t n) {
    return {pairs(sixteen_bytes(p.line[0], n), sixteen_bytes(p.line[1], n)),
            pairs(sixteen_bytes(p.line[2], n), sixteen_bytes(p.line[3], n))};
  }
  static MOTE_INLINE TapColumn values(const FourPixels& p, std::size_t n) { return weights(p, n); }
  static MOTE_INLINE TapColumn splat(std::int8_t value) { return {_mm512_set1_epi16(value), _mm512_set1_epi16(value)}; }
  static MOTE_INLINE Words add(Words sums, const TapColumn& x, const TapColumn& w) {
    sums = _mm512_add_epi32(sums, _mm512_madd_epi16(x.upper, w.upper));
    return _mm512_add_epi32(sums, _mm512_madd_epi16(x.lower, w.lower));
  }
};
#endif
#define MOTE_SIMD_TAP_COLUMNS 1

#elif MOTE_SIMD_XSIMD && defined(__AVX2__) && !defined(MOTE_FORCE_128)

MOTE_INLINE __m128i eight_bytes(const std::int8_t* p, std::size_t n) {
  if (n == kWords) return _mm_loadl_epi64(reinterpret_cast<const __m128i*>(p));
  std::int8_t some[kWords] = {};
  std::memcpy(some, p, n);
  return _mm_loadl_epi64(reinterpret_cast<const __m128i*>(some));
}

#if defined(__AVXVNNI__)
struct TapColumn {
  static constexpr bool kOffset = true;
  __m256i taps;  // four of each channel

  static MOTE_INLINE TapColumn weights(const FourPixels& p, std::size_t n) {
    const __m128i upper = _mm_unpacklo_epi8(eight_bytes(p.line[0], n), eight_bytes(p.line[1], n));
    const __m128i lower = _mm_unpacklo_epi8(eight_bytes(p.line[2], n), eight_bytes(p.line[3], n));
    return {_mm256_inserti128_si256(_mm256_castsi128_si256(_mm_unpacklo_epi16(upper, lower)),
                                    _mm_unpackhi_epi16(upper, lower), 1)};
  }
  static MOTE_INLINE TapColumn values(const FourPixels& p, std::size_t n) {
    return {_mm256_xor_si256(weights(p, n).taps, _mm256_set1_epi8(-128))};
  }
  static MOTE_INLINE TapColumn splat(std::int8_t value) { return {_mm256_set1_epi8(static_cast<char>(value ^ -128))}; }
  static MOTE_INLINE Words add(Words sums, const TapColumn& x, const TapColumn& w) {
    return _mm256_dpbusd_avx_epi32(sums, x.taps, w.taps);
  }
};
#else
struct TapColumn {
  static constexpr bool kOffset = false;
  __m256i upper, lower;  // two of each channel

  static MOTE_INLINE TapColumn weights(const FourPixels& p, std::size_t n) {
    return {_mm256_cvtepi8_epi16(_mm_unpacklo_epi8(eight_bytes(p.line[0], n), eight_bytes(p.line[1], n))),
            _mm256_cvtepi8_epi16(_mm_unpacklo_epi8(eight_bytes(p.line[2], n), eight_bytes(p.line[3], n)))};
  }
  static MOTE_INLINE TapColumn values(const FourPixels& p, std::size_t n) { return weights(p, n); }
  static MOTE_INLINE TapColumn splat(std::int8_t value) { return {_mm256_set1_epi16(value), _mm256_set1_epi16(value)}; }
  static MOTE_INLINE Words add(Words sums, const TapColumn& x, const TapColumn& w) {
    sums = _mm256_add_epi32(sums, _mm256_madd_epi16(x.upper, w.upper));
    return _mm256_add_epi32(sums, _mm256_madd_epi16(x.lower, w.lower));
  }
};
#endif
#define MOTE_SIMD_TAP_COLUMNS 1

#else
#define MOTE_SIMD_TAP_COLUMNS 0
#endif

}  // namespace MOTE_SIMD_ISA
}  // namespace mote::simd

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif
