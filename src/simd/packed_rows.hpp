// SPDX-License-Identifier: Apache-2.0
// Several rows of int8 terms times packed int8 weights (mote/model/packed_weights.hpp) at once, four terms after the
// other: weights are read once for all rows. Exact. Include after simd.hpp; intrinsics stay in this directory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "simd/packed_products.hpp"
#include "simd/simd.hpp"

// GCC 12's AVX-512 intrinsics start from a register that is undefined on purpose, and warn about it where inlined.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

namespace mote::simd {
inline namespace MOTE_SIMD_ISA {

// PackedRows, of each backend that has vectors: Sums are those of kGroups blocks of four outputs for one row, kRows
// rows of kVectors Sums stay in registers. load() takes the weights of four terms of these blocks, places[g] bytes
// apart; spread() lays four terms out beside them; store() writes 4 kGroups sums. kOffset: what was added to every
// term, so that the sums are too large by what a row of zeros gives.

#if MOTE_SIMD_XSIMD && defined(__AVX512BW__) && !defined(MOTE_FORCE_128)

MOTE_INLINE __m128i packed_block(const std::int8_t* w) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(w)); }
MOTE_INLINE __m256i packed_blocks(const std::int8_t* a, const std::int8_t* b) {
  return _mm256_inserti128_si256(_mm256_castsi128_si256(packed_block(a)), packed_block(b), 1);
}

#if defined(__AVX512VNNI__)
struct PackedRows {
  using Sums = __m512i;
  using Terms = __m512i;
  using Weights = __m512i;
  static constexpr std::size_t kRows = 8, kVectors = 2, kGroups = 4;
  static constexpr bool kOffset = true;  // vpdpbusd: the first operand's bytes are unsigned

  static MOTE_INLINE Sums zero() { return _mm512_setzero_si512(); }
  static MOTE_INLINE Terms spread(std::int32_t four) {
    return _mm512_xor_si512(_mm512_set1_epi32(four), _mm512_set1_epi8(-128));
  }
  static MOTE_INLINE Weights load(const std::int8_t* w, const std::size_t (&places)[kGroups]) {
    const __m256i low = packed_blocks(w, w + places[1]), high = packed_blocks(w + places[2], w + places[3]);
    return _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
  }
  static MOTE_INLINE Sums add(Sums sums, Terms x, Weights w) { return _mm512_dpbusd_epi32(sums, x, w); }
  static MOTE_INLINE void store(std::int32_t* to, Sums sums) { _mm512_storeu_si512(to, sums); }
};
#else
struct PackedRows {
  using Sums = __m512i;  // two of each output, of even and odd pairs
  using Terms = __m512i;
  using Weights = __m512i;
  static constexpr std::size_t kRows = 8, kVectors = 2, kGroups = 2;
  static constexpr bool kOffset = false;

  static MOTE_INLINE Sums zero() { return _mm512_setzero_si512(); }
  static MOTE_INLINE Terms spread(std::int32_t four) { return _mm512_cvtepi8_epi16(_mm256_set1_epi32(four)); }
  static MOTE_INLINE Weights load(const std::int8_t* w, const std::size_t (&places)[kGroups]) {
    return _mm512_cvtepi8_epi16(packed_blocks(w, w + places[1]));
  }
  static MOTE_INLINE Sums add(Sums sums, Terms x, Weights w) { return _mm512_add_epi32(sums, _mm512_madd_epi16(x, w)); }
  static MOTE_INLINE void store(std::int32_t* to, Sums sums) {
    const __m512i whole = _mm512_add_epi32(sums, _mm512_srli_epi64(sums, 32));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), _mm512_cvtepi64_epi32(whole));
  }
};
#endif

#elif MOTE_SIMD_XSIMD && defined(__AVX2__) && !defined(MOTE_FORCE_128)

#if defined(__AVXVNNI__)
struct PackedRows {
  using Sums = __m256i;
  using Terms = __m256i;
  using Weights = __m256i;
  static constexpr std::size_t kRows = 4, kVectors = 2, kGroups = 2;
  static constexpr bool kOffset = true;

  static MOTE_INLINE Sums zero() { return _mm256_setzero_si256(); }
  static MOTE_INLINE Terms spread(std::int32_t four) {
    return _mm256_xor_si256(_mm256_set1_epi32(four), _mm256_set1_epi8(-128));
  }
  static MOTE_INLINE Weights load(const std::int8_t* w, const std::size_t (&places)[kGroups]) {
    const auto block = [](const std::int8_t* at)
                           MOTE_LAMBDA_INLINE { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(at)); };
    return _mm256_inserti128_si256(_mm256_castsi128_si256(block(w)), block(w + places[1]), 1);
  }
  static MOTE_INLINE Sums add(Sums sums, Terms x, Weights w) { return _mm256_dpbusd_avx_epi32(sums, x, w); }
  static MOTE_INLINE void store(std::int32_t* to, Sums sums) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), sums);
  }
};
#else
struct PackedRows {
  using Sums = __m256i;  // two of each output, of even and odd pairs
  using Terms = __m256i;
  using Weights = __m256i;
  static constexpr std::size_t kRows = 4, kVectors = 2, kGroups = 1;
  static constexpr bool kOffset = false;

  static MOTE_INLINE Sums zero() { return _mm256_setzero_si256(); }
  static MOTE_INLINE Terms spread(std::int32_t four) { return _mm256_cvtepi8_epi16(_mm_set1_epi32(four)); }
  static MOTE_INLINE Weights load(const std::int8_t* w, const std::size_t (&)[kGroups]) {
    return _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(w)));
  }
  static MOTE_INLINE Sums add(Sums sums, Terms x, Weights w) { return _mm256_add_epi32(sums, _mm256_madd_epi16(x, w)); }
  static MOTE_INLINE void store(std::int32_t* to, Sums sums) {
    const __m128i whole = _mm_hadd_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), whole);
  }
};
#endif

#elif MOTE_SIMD_XSIMD && defined(__ARM_FEATURE_DOTPROD)

struct PackedRows {
  using Sums = int32x4_t;
  using Terms = int8x16_t;
  using Weights = int8x16_t;
  static constexpr std::size_t kRows = 4, kVectors = 4, kGroups = 1;
  static constexpr bool kOffset = false;

  static MOTE_INLINE Sums zero() { return vdupq_n_s32(0); }
  static MOTE_INLINE Terms spread(std::int32_t four) { return vreinterpretq_s8_s32(vdupq_n_s32(four)); }
  static MOTE_INLINE Weights load(const std::int8_t* w, const std::size_t (&)[kGroups]) { return vld1q_s8(w); }
  static MOTE_INLINE Sums add(Sums sums, Terms x, Weights w) { return vdotq_s32(sums, w, x); }
  static MOTE_INLINE void store(std::int32_t* to, Sums sums) { vst1q_s32(to, sums); }
};

#elif MOTE_SIMD_XSIMD && defined(__ARM_NEON)

struct PackedRows {
  using Products = PackedProducts<std::int8_t>;
  using Sums = Products::Sums;
  using Terms = int8x8_t;
  using Weights = int8x16_t;
#if defined(__aarch64__)
  static constexpr std::size_t kRows = 4, kVectors = 2, kGroups = 1;
#else
  static constexpr std::size_t kRows = 2, kVectors = 2, kGroups = 1;
#endif
  static constexpr bool kOffset = false;

  static MOTE_INLINE Sums zero() { return Products::zero(); }
  static MOTE_INLINE Terms spread(std::int32_t four) { return vreinterpret_s8_s32(vdup_n_s32(four)); }
  static MOTE_INLINE Weights load(const std::int8_t* w, const std::size_t (&)[kGroups]) { return vld1q_s8(w); }
  static MOTE_INLINE Sums add(Sums sums, Terms x, Weights w) { return Products::add(sums, x, w); }
  static MOTE_INLINE void store(std::int32_t* to, Sums sums) {
    vst1q_s32(to, vcombine_s32(Products::halves(sums.v[0]), Products::halves(sums.v[1])));
  }
};

#endif

#if MOTE_SIMD_XSIMD && (defined(__AVX2__) || defined(__ARM_NEON)) && !defined(MOTE_FORCE_128)
#define MOTE_SIMD_PACKED_ROWS 1
#else
#define MOTE_SIMD_PACKED_ROWS 0
#endif

#if MOTE_SIMD_PACKED_ROWS
/// Terms that lie side by side in each of kCount rows, and where they stand among the weights' terms: a multiple of
/// four.
template <std::size_t kCount>
struct RowRun {
  const std::int8_t* x[kCount];
  std::size_t count, term;
};

/// Where a tap of kCount windows lies: window r begins at row y[r] and column x[r] of an image of `height` by `width`,
/// perhaps before 0, which is a large number here, and at address place[r].
template <std::size_t kCount>
struct RowPlaces {
  std::uint32_t y[kCount], x[kCount];
  std::uintptr_t place[kCount];
  std::uint32_t height, width;

  /// to[r] = the tap `down` and `right` of where the window begins, `bytes` behind it, or `outside`.
  MOTE_INLINE void tap(std::uint32_t down, std::uint32_t right, std::uintptr_t bytes, std::uintptr_t outside,
                       const std::int8_t* (&to)[kCount]) const {
#if defined(__AVX512VL__) && defined(__AVX512F__) && defined(__x86_64__)
    if constexpr (kCount == 8) {
      const auto words = [](const std::uint32_t* p)
                             MOTE_LAMBDA_INLINE { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)); };
      const auto all = [](std::uint32_t value)
                           MOTE_LAMBDA_INLINE { return _mm256_set1_epi32(static_cast<int>(value)); };
      const __mmask8 rows = _mm256_cmplt_epu32_mask(_mm256_add_epi32(words(y), all(down)), all(height));
      const __mmask8 both = _mm256_mask_cmplt_epu32_mask(rows, _mm256_add_epi32(words(x), all(right)), all(width));
      const __m512i there = _mm512_set1_epi64(static_cast<long long>(bytes));
      _mm512_storeu_si512(to, _mm512_mask_add_epi64(_mm512_set1_epi64(static_cast<long long>(outside)), both,
                                                    _mm512_loadu_si512(place), there));
      return;
    }
#endif
    for (std::size_t r = 0; r < kCount; ++r) {
      const bool in_image = y[r] + down < height && x[r] + right < width;
      to[r] = reinterpret_cast<const std::int8_t*>(in_image ? place[r] + bytes : outside);
    }
  }
};

/// acc[r][v], 4 kGroups words each, = (kMore: +=) the sums of all runs for kCount rows and kVectors vectors of outputs,
/// whose blocks lie v `vector` bytes behind the first's. What is packed behind a run's last term may be read.
template <std::size_t kCount, std::size_t kVectors, bool kMore>
[[gnu::noinline]] static void multiply_runs(std::int32_t* acc, const RowRun<kCount>* run, std::size_t runs,
                                            const std::int8_t* weights, std::size_t vector,
                                            const std::size_t (&at)[PackedRows::kGroups]) {
  PackedRows::Sums sums[kCount][kVectors];
#pragma GCC unroll 8
  for (std::size_t r = 0; r < kCount; ++r)
#pragma GCC unroll 4
    for (std::size_t v = 0; v < kVectors; ++v) sums[r][v] = PackedRows::zero();
  std::size_t places[PackedRows::kGroups];
  for (std::size_t g = 0; g < PackedRows::kGroups; ++g) places[g] = at[g];
  for (const RowRun<kCount>* const end = run + runs; run != end; ++run) {
    const std::int8_t* x[kCount];
#pragma GCC unroll 8
    for (std::size_t r = 0; r < kCount; ++r) x[r] = run->x[r];
    const std::int8_t* w = weights + run->term * kPackSide;
    std::size_t k = 0;
    for (; k + kPackSide <= run->count; k += kPackSide, w += kPackSide * kPackSide) {
      PackedRows::Weights columns[kVectors];
#pragma GCC unroll 4
      for (std::size_t v = 0; v < kVectors; ++v) columns[v] = PackedRows::load(w + v * vector, places);
#pragma GCC unroll 8
      for (std::size_t r = 0; r < kCount; ++r) {
        std::int32_t four;
        std::memcpy(&four, x[r] + k, sizeof four);
        const PackedRows::Terms terms = PackedRows::spread(four);
#pragma GCC unroll 4
        for (std::size_t v = 0; v < kVectors; ++v) sums[r][v] = PackedRows::add(sums[r][v], terms, columns[v]);
      }
    }
    const std::size_t rest = run->count - k;
    if (rest == 0) continue;
    PackedRows::Weights columns[kVectors];
#pragma GCC unroll 4
    for (std::size_t v = 0; v < kVectors; ++v) columns[v] = PackedRows::load(w + v * vector, places);
#pragma GCC unroll 8
    for (std::size_t r = 0; r < kCount; ++r) {
      std::int32_t four = static_cast<std::uint8_t>(x[r][k]);
      if (rest > 1) four |= static_cast<std::uint8_t>(x[r][k + 1]) << 8;
      if (rest > 2) four |= static_cast<std::uint8_t>(x[r][k + 2]) << 16;
      const PackedRows::Terms terms = PackedRows::spread(four);
#pragma GCC unroll 4
      for (std::size_t v = 0; v < kVectors; ++v) sums[r][v] = PackedRows::add(sums[r][v], terms, columns[v]);
    }
  }
#pragma GCC unroll 8
  for (std::size_t r = 0; r < kCount; ++r)
#pragma GCC unroll 4
    for (std::size_t v = 0; v < kVectors; ++v, acc += kPackSide * PackedRows::kGroups) {
      if constexpr (kMore) {
        std::int32_t part[kPackSide * PackedRows::kGroups];
        PackedRows::store(part, sums[r][v]);
        for (std::size_t j = 0; j < kPackSide * PackedRows::kGroups; ++j) acc[j] += part[j];
      } else {
        PackedRows::store(acc, sums[r][v]);
      }
    }
}
#endif

}  // namespace MOTE_SIMD_ISA
}  // namespace mote::simd

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif
