// SPDX-License-Identifier: Apache-2.0
// Several rows of int8 terms times packed int8 weights (mote/model/packed_weights.hpp) at once, four terms after the
// other: weights are read once for all rows. Exact. Include after simd.hpp; intrinsics stay in this directory.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "simd/packed_products.hpp"
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

// PackedRows, of each backend that has vectors: Sums are those of kGroups blocks of four outputs for one row, kRows
// rows of kVectors Sums stay in registers. load() takes the weights of four terms of these blocks, places[g] bytes
// apart; spread() lays four terms out beside them. With more than four terms at a time, kTerms, both take them where
// they lie, and have forms for the last n of a run. kJoined Sums side by side are one vector of words().
// kOffset: 128 was added to every term, so that the sums are too large by what a row of zeros gives.

#if MOTE_SIMD_XSIMD && defined(__AVX2__) && !defined(MOTE_FORCE_128)
/// For sums behind their loop: GCC 12 else begins there what becomes of them, and has each in two registers.
template <class Vector>
MOTE_INLINE void settle(Vector& sums) {
  __asm__("" : "+v"(sums));
}
#endif

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
  static constexpr std::size_t kRows = 8, kVectors = 2, kGroups = 4, kTerms = 4, kJoined = 1;
  static constexpr bool kOffset = true;  // vpdpbusd: the first operand's bytes are unsigned

  static MOTE_INLINE Sums zero() { return _mm512_setzero_si512(); }
  static MOTE_INLINE Terms spread(std::int32_t four) {
    return _mm512_xor_si512(_mm512_set1_epi32(four), _mm512_set1_epi8(-128));
  }
  static MOTE_INLINE Weights load(const std::int8_t* w, const std::size_t* places) {
    const __m256i low = packed_blocks(w + places[0], w + places[1]);
    return _mm512_inserti64x4(_mm512_castsi256_si512(low), packed_blocks(w + places[2], w + places[3]), 1);
  }
  static MOTE_INLINE Sums add(Sums sums, Terms x, Weights w) { return _mm512_dpbusd_epi32(sums, x, w); }
  static MOTE_INLINE Words words(Sums sums) { return sums; }
};

/// For one vector of outputs and enough terms: fewer instructions a product, more for each sum.
#define MOTE_SIMD_LONG_ROWS 1
struct LongRows {
  using Sums = __m512i;  // four of each output: a lane of 128 bits has a block, four of them sixteen terms
  using Terms = __m512i;
  using Weights = __m512i;
  static constexpr std::size_t kRows = 4, kVectors = 4, kGroups = 1, kTerms = 16, kJoined = 4;
  static constexpr bool kOffset = true;  // vpdpbusd: the first operand's bytes are unsigned

  static MOTE_INLINE Sums zero() { return _mm512_setzero_si512(); }
  static MOTE_INLINE Terms spread(const std::int8_t* x) {
    return beside(_mm_loadu_si128(reinterpret_cast<const __m128i*>(x)));
  }
  static MOTE_INLINE Terms spread_some(const std::int8_t* x, std::size_t n) {
    return beside(_mm_maskz_loadu_epi8(first_words(n), x));
  }
  static MOTE_INLINE Weights load(const std::int8_t* w, const std::size_t* places) {
    return _mm512_loadu_si512(w + places[0]);
  }
  static MOTE_INLINE Weights load_some(const std::int8_t* w, const std::size_t* places, std::size_t n) {
    // Terms of a block that are not there have zeros as weights.
    return _mm512_maskz_loadu_epi32(first_words((n + 3) / 4 * 4), w + places[0]);
  }
  static MOTE_INLINE Sums add(Sums sums, Terms x, Weights w) { return _mm512_dpbusd_epi32(sums, x, w); }
  static MOTE_INLINE Words words(Sums first, Sums second, Sums third, Sums fourth) {
    settle(first), settle(second), settle(third), settle(fourth);
    const auto halves = [](__m512i a, __m512i b) MOTE_LAMBDA_INLINE {
      return _mm512_add_epi32(_mm512_shuffle_i32x4(a, b, 0x44), _mm512_shuffle_i32x4(a, b, 0xEE));
    };
    const __m512i a = halves(first, second), b = halves(third, fourth);
    return _mm512_add_epi32(_mm512_shuffle_i32x4(a, b, 0x88), _mm512_shuffle_i32x4(a, b, 0xDD));
  }

 protected:
  /// Each lane's four terms, four times.
  static MOTE_INLINE Terms signed_beside(__m128i x) {
    const __m512i in_lane = _mm512_set_epi32(0x0F0E0D0C, 0x0F0E0D0C, 0x0F0E0D0C, 0x0F0E0D0C, 0x0B0A0908, 0x0B0A0908,
                                             0x0B0A0908, 0x0B0A0908, 0x07060504, 0x07060504, 0x07060504, 0x07060504,
                                             0x03020100, 0x03020100, 0x03020100, 0x03020100);
    return _mm512_shuffle_epi8(_mm512_broadcast_i32x4(x), in_lane);
  }
  static MOTE_INLINE Terms beside(__m128i x) { return _mm512_xor_si512(signed_beside(x), _mm512_set1_epi8(-128)); }
};

/// For a single row, which reads each weight once, in their order: its terms wait as they are multiplied, and 128 is
/// added to the weights, so that the sums are too large by 128 times the sum of the terms.
#define MOTE_SIMD_ONE_ROW 1
struct OneRow : LongRows {
  static constexpr std::size_t kMost = 1024;  // terms
  __m512i terms[kMost / kTerms];
  std::size_t steps, group;
  __mmask16 last;
  std::int32_t sum;

  MOTE_INLINE OneRow(const std::int8_t* x, std::size_t count)
      : steps(count / kTerms), group((count + 3) / 4 * 16), last(first_words((count % kTerms + 3) / 4 * 4)) {
    __m512i sums = zero();
    const __m512i one = _mm512_set1_epi8(1);
    for (std::size_t k = 0; k < steps; ++k) {
      const __m128i sixteen = _mm_loadu_si128(reinterpret_cast<const __m128i*>(x + k * kTerms));
      terms[k] = signed_beside(sixteen);
      sums = _mm512_dpbusd_epi32(sums, one, _mm512_zextsi128_si512(sixteen));
    }
    if (const std::size_t rest = count % kTerms; rest != 0) {
      const __m128i some = _mm_maskz_loadu_epi8(first_words(rest), x + steps * kTerms);
      terms[steps] = signed_beside(some);
      sums = _mm512_dpbusd_epi32(sums, one, _mm512_zextsi128_si512(some));
    }
    sum = _mm512_reduce_add_epi32(sums);
  }
  /// Sums of four blocks of outputs, of which `blocks` are there.
  MOTE_INLINE Words multiply(const std::int8_t* w, std::size_t blocks) const {
    const __m512i offset = _mm512_set1_epi8(-128);
    Sums sums[4];
#pragma GCC unroll 4
    for (std::size_t g = 0; g < 4; ++g) {
      Sums even = zero(), odd = zero();
      if (g < blocks) {
        std::size_t k = 0;
        for (; k + 2 <= steps; k += 2, w += 128) {
          even = _mm512_dpbusd_epi32(even, _mm512_xor_si512(_mm512_loadu_si512(w), offset), terms[k]);
          odd = _mm512_dpbusd_epi32(odd, _mm512_xor_si512(_mm512_loadu_si512(w + 64), offset), terms[k + 1]);
        }
        if (k < steps) {
          even = _mm512_dpbusd_epi32(even, _mm512_xor_si512(_mm512_loadu_si512(w), offset), terms[k]);
          w += 64;
        }
        if (last != 0) {
          const __m512i some = _mm512_xor_si512(_mm512_maskz_loadu_epi32(last, w), offset);
          odd = _mm512_dpbusd_epi32(odd, some, terms[steps]);
          w += group - steps * 64;
        }
      }
      sums[g] = _mm512_add_epi32(even, odd);
    }
    return words(sums[0], sums[1], sums[2], sums[3]);
  }
};
#else
struct PackedRows {
  using Sums = __m512i;  // two of each output, of even and odd pairs
  using Terms = __m512i;
  using Weights = __m512i;
  static constexpr std::size_t kRows = 8, kVectors = 2, kGroups = 2, kTerms = 4, kJoined = 2;
  static constexpr bool kOffset = false;

  static MOTE_INLINE Sums zero() { return _mm512_setzero_si512(); }
  static MOTE_INLINE Terms spread(std::int32_t four) { return _mm512_cvtepi8_epi16(_mm256_set1_epi32(four)); }
  static MOTE_INLINE Weights load(const std::int8_t* w, const std::size_t* places) {
    return _mm512_cvtepi8_epi16(packed_blocks(w + places[0], w + places[1]));
  }
  static MOTE_INLINE Sums add(Sums sums, Terms x, Weights w) { return _mm512_add_epi32(sums, _mm512_madd_epi16(x, w)); }
  static MOTE_INLINE Words words(Sums low, Sums high) {
    settle(low), settle(high);
    const __m512i even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    const __m512i odd = _mm512_setr_epi32(1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
    return _mm512_add_epi32(_mm512_permutex2var_epi32(low, even, high), _mm512_permutex2var_epi32(low, odd, high));
  }
};
#endif

#elif MOTE_SIMD_XSIMD && defined(__AVX2__) && !defined(MOTE_FORCE_128)

#if defined(__AVXVNNI__)
struct PackedRows {
  using Sums = __m256i;
  using Terms = __m256i;
  using Weights = __m256i;
  static constexpr std::size_t kRows = 4, kVectors = 2, kGroups = 2, kTerms = 4, kJoined = 1;
  static constexpr bool kOffset = true;

  static MOTE_INLINE Sums zero() { return _mm256_setzero_si256(); }
  static MOTE_INLINE Terms spread(std::int32_t four) {
    return _mm256_xor_si256(_mm256_set1_epi32(four), _mm256_set1_epi8(-128));
  }
  static MOTE_INLINE Weights load(const std::int8_t* w, const std::size_t* places) {
    const auto block = [](const std::int8_t* at)
                           MOTE_LAMBDA_INLINE { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(at)); };
    return _mm256_inserti128_si256(_mm256_castsi128_si256(block(w + places[0])), block(w + places[1]), 1);
  }
  static MOTE_INLINE Sums add(Sums sums, Terms x, Weights w) { return _mm256_dpbusd_avx_epi32(sums, x, w); }
  static MOTE_INLINE Words words(Sums sums) { return sums; }
};
#else
struct PackedRows {
  using Sums = __m256i;  // two of each output, of even and odd pairs
  using Terms = __m256i;
  using Weights = __m256i;
  static constexpr std::size_t kRows = 4, kVectors = 2, kGroups = 1, kTerms = 4, kJoined = 2;
  static constexpr bool kOffset = false;

  static MOTE_INLINE Sums zero() { return _mm256_setzero_si256(); }
  static MOTE_INLINE Terms spread(std::int32_t four) {
    // As a float, which GCC 12 spreads while it reads.
    return _mm256_cvtepi8_epi16(_mm_castps_si128(_mm_set1_ps(std::bit_cast<float>(four))));
  }
  static MOTE_INLINE Weights load(const std::int8_t* w, const std::size_t* places) {
    return _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(w + places[0])));
  }
  static MOTE_INLINE Sums add(Sums sums, Terms x, Weights w) { return _mm256_add_epi32(sums, _mm256_madd_epi16(x, w)); }
  static MOTE_INLINE Words words(Sums low, Sums high) {
    settle(low), settle(high);
    return _mm256_permute4x64_epi64(_mm256_hadd_epi32(low, high), 0xD8);
  }
};
#endif

#elif MOTE_SIMD_XSIMD && defined(__ARM_FEATURE_DOTPROD)

struct PackedRows {
  using Sums = int32x4_t;
  using Terms = int8x16_t;
  using Weights = int8x16_t;
  static constexpr std::size_t kRows = 4, kVectors = 4, kGroups = 1, kTerms = 4, kJoined = 1;
  static constexpr bool kOffset = false;

  static MOTE_INLINE Sums zero() { return vdupq_n_s32(0); }
  static MOTE_INLINE Terms spread(std::int32_t four) { return vreinterpretq_s8_s32(vdupq_n_s32(four)); }
  static MOTE_INLINE Weights load(const std::int8_t* w, const std::size_t* places) { return vld1q_s8(w + places[0]); }
  static MOTE_INLINE Sums add(Sums sums, Terms x, Weights w) { return vdotq_s32(sums, w, x); }
  static MOTE_INLINE Words words(Sums sums) { return sums; }
};

#elif MOTE_SIMD_XSIMD && defined(__ARM_NEON)

struct PackedRows {
  using Products = PackedProducts<std::int8_t>;
  using Sums = Products::Sums;
  using Terms = int8x8_t;
  using Weights = int8x16_t;
#if defined(__aarch64__)
  static constexpr std::size_t kRows = 4, kVectors = 2, kGroups = 1, kTerms = 4, kJoined = 1;
#else
  static constexpr std::size_t kRows = 2, kVectors = 2, kGroups = 1, kTerms = 4, kJoined = 1;
#endif
  static constexpr bool kOffset = false;

  static MOTE_INLINE Sums zero() { return Products::zero(); }
  static MOTE_INLINE Terms spread(std::int32_t four) { return vreinterpret_s8_s32(vdup_n_s32(four)); }
  static MOTE_INLINE Weights load(const std::int8_t* w, const std::size_t* places) { return vld1q_s8(w + places[0]); }
  static MOTE_INLINE Sums add(Sums sums, Terms x, Weights w) { return Products::add(sums, x, w); }
  static MOTE_INLINE Words words(Sums sums) {
    return vcombine_s32(Products::halves(sums.v[0]), Products::halves(sums.v[1]));
  }
};

#endif

#if MOTE_SIMD_XSIMD && (defined(__AVX2__) || defined(__ARM_NEON)) && !defined(MOTE_FORCE_128)
#define MOTE_SIMD_PACKED_ROWS 1
#else
#define MOTE_SIMD_PACKED_ROWS 0
#endif

#if !defined(MOTE_SIMD_LONG_ROWS)
#define MOTE_SIMD_LONG_ROWS 0
#define MOTE_SIMD_ONE_ROW 0
#endif

#if MOTE_SIMD_PACKED_ROWS
/// Terms that lie side by side in each of kCount rows, and where they stand among the weights' terms: a multiple of
/// four.
template <std::size_t kCount>
struct RowRun {
  const std::int8_t* x[kCount];
  std::size_t count, term;
};

/// Blocks of four outputs, `places` behind `weights`; more than four lie evenly.
template <std::size_t kCount>
struct RowBlocks {
  const std::int8_t* weights;
  std::size_t places[kCount];
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
    if constexpr (kCount == 4) {
      const auto words = [](const std::uint32_t* p)
                             MOTE_LAMBDA_INLINE { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)); };
      const auto all = [](std::uint32_t value) MOTE_LAMBDA_INLINE { return _mm_set1_epi32(static_cast<int>(value)); };
      const __mmask8 rows = _mm_cmplt_epu32_mask(_mm_add_epi32(words(y), all(down)), all(height));
      const __mmask8 both = _mm_mask_cmplt_epu32_mask(rows, _mm_add_epi32(words(x), all(right)), all(width));
      const __m256i there = _mm256_add_epi64(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(place)),
                                             _mm256_set1_epi64x(static_cast<long long>(bytes)));
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(to),
                          _mm256_mask_mov_epi64(_mm256_set1_epi64x(static_cast<long long>(outside)), both, there));
      return;
    }
#endif
    for (std::size_t r = 0; r < kCount; ++r) {
      const bool in_image = y[r] + down < height && x[r] + right < width;
      to[r] = reinterpret_cast<const std::int8_t*>(in_image ? place[r] + bytes : outside);
    }
  }
};

/// kJoined Sums from sums[v] on.
template <std::size_t kVectors, class Rows = PackedRows>
MOTE_INLINE Words joined(const typename Rows::Sums (&sums)[kVectors], std::size_t v) {
  if constexpr (Rows::kJoined == 4)
    return Rows::words(sums[v], sums[v + 1], sums[v + 2], sums[v + 3]);
  else if constexpr (Rows::kJoined == 2)
    return Rows::words(sums[v], sums[v + 1]);
  else
    return Rows::words(sums[v]);
}

template <class Rows>
MOTE_INLINE typename Rows::Terms terms_at(const std::int8_t* x) {
  if constexpr (Rows::kTerms == kPackSide) {
    std::int32_t four;
    std::memcpy(&four, x, sizeof four);
    return Rows::spread(four);
  } else {
    return Rows::spread(x);
  }
}
/// The last n of a run, and their weights.
template <class Rows>
MOTE_INLINE typename Rows::Terms last_terms(const std::int8_t* x, std::size_t n) {
  if constexpr (Rows::kTerms == kPackSide) {
    std::int32_t four = static_cast<std::uint8_t>(x[0]);
    if (n > 1) four |= static_cast<std::uint8_t>(x[1]) << 8;
    if (n > 2) four |= static_cast<std::uint8_t>(x[2]) << 16;
    return Rows::spread(four);
  } else {
    return Rows::spread_some(x, n);
  }
}
template <class Rows>
MOTE_INLINE typename Rows::Weights last_weights(const std::int8_t* w, const std::size_t* places,
                                                [[maybe_unused]] std::size_t n) {
  if constexpr (Rows::kTerms == kPackSide)
    return Rows::load(w, places);
  else
    return Rows::load_some(w, places, n);
}

/// acc[stride r + output] = (kMore: +=) the sums of all runs for kCount rows and kVectors vectors of outputs, kGroups
/// blocks each. Whole vectors are written, row by row: with a smaller stride the next row replaces what is too much.
/// What is packed behind a run's last term may be read.
template <std::size_t kCount, std::size_t kVectors, bool kMore, class Rows = PackedRows>
[[gnu::noinline]] static void multiply_runs(std::int32_t* acc, const RowRun<kCount>* const first, std::size_t runs,
                                            const RowBlocks<kVectors * Rows::kGroups>& blocks, std::size_t stride) {
  const std::int8_t* const weights = blocks.weights;
  const std::size_t* places = blocks.places;
  constexpr std::size_t kAtOnce = kCount < Rows::kRows ? kCount : Rows::kRows;
  constexpr bool kEven = kVectors * Rows::kGroups > 4;  // places lie evenly: two registers instead of many
  const std::size_t apart = kEven ? (places[1] - places[0]) * Rows::kGroups : 0;
  std::size_t at[kEven ? Rows::kGroups : kVectors * Rows::kGroups];
  for (std::size_t& place : at) place = *places++;
  for (std::size_t row = 0; row < kCount; row += kAtOnce) {
    typename Rows::Sums sums[kAtOnce][kVectors];
#pragma GCC unroll 8
    for (std::size_t r = 0; r < kAtOnce; ++r)
#pragma GCC unroll 8
      for (std::size_t v = 0; v < kVectors; ++v) sums[r][v] = Rows::zero();
    for (const RowRun<kCount>*run = first, *const end = first + runs; run != end; ++run) {
      const std::int8_t* x[kAtOnce];
#pragma GCC unroll 8
      for (std::size_t r = 0; r < kAtOnce; ++r) x[r] = run->x[row + r];
      const std::int8_t* w = weights + run->term * kPackSide;
      std::size_t k = 0;
      for (; k + Rows::kTerms <= run->count; k += Rows::kTerms, w += kPackSide * Rows::kTerms) {
        typename Rows::Weights columns[kVectors];
#pragma GCC unroll 8
        for (std::size_t v = 0; v < kVectors; ++v)
          columns[v] = Rows::load(w + v * apart, at + (kEven ? 0 : v * Rows::kGroups));
#pragma GCC unroll 8
        for (std::size_t r = 0; r < kAtOnce; ++r) {
          const typename Rows::Terms terms = terms_at<Rows>(x[r] + k);
#pragma GCC unroll 8
          for (std::size_t v = 0; v < kVectors; ++v) sums[r][v] = Rows::add(sums[r][v], terms, columns[v]);
        }
      }
      const std::size_t rest = run->count - k;
      if (rest == 0) continue;
      typename Rows::Weights columns[kVectors];
#pragma GCC unroll 8
      for (std::size_t v = 0; v < kVectors; ++v)
        columns[v] = last_weights<Rows>(w + v * apart, at + (kEven ? 0 : v * Rows::kGroups), rest);
#pragma GCC unroll 8
      for (std::size_t r = 0; r < kAtOnce; ++r) {
        const typename Rows::Terms terms = last_terms<Rows>(x[r] + k, rest);
#pragma GCC unroll 8
        for (std::size_t v = 0; v < kVectors; ++v) sums[r][v] = Rows::add(sums[r][v], terms, columns[v]);
      }
    }
#pragma GCC unroll 8
    for (std::size_t r = 0; r < kAtOnce; ++r, acc += stride)
#pragma GCC unroll 8
      for (std::size_t v = 0; v < kVectors; v += Rows::kJoined) {
        std::int32_t* const to = acc + v * Rows::kGroups * kPackSide;
        const Words words = joined<kVectors, Rows>(sums[r], v);
        store_words(to, kMore ? add_words(words, load_words(to)) : words);
      }
  }
}
#endif

}  // namespace MOTE_SIMD_ISA
}  // namespace mote::simd

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif
