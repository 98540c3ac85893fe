// SPDX-License-Identifier: Apache-2.0
// Sums of products of 8- or 16-bit integers with packed int8 weights (mote/model/packed_weights.hpp): four outputs by
// four terms, sixteen bytes, at a time. Exact. Include after simd.hpp; intrinsics stay in this directory.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "simd/helium.hpp"
#include "simd/simd.hpp"

// GCC 12's AVX-512 intrinsics start from a register that is undefined on purpose, and warn about it where inlined.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

namespace mote::simd {
inline namespace MOTE_SIMD_ISA {

/// Outputs in a block of packed weights, and terms of each (kPack of mote/model/packed_weights.hpp).
inline constexpr std::size_t kPackSide = 4;

// PackedProducts<Element>, of each backend: Sums are those of four outputs; spread(x) lays kTerms terms out as the
// weights lie, load() and load_some() take the weights of kTerms terms and of some blocks of four, close() adds the
// sums to four accumulators. kGroups: how many Sums stay in registers. kOffset: offset() was added to every weight.
#if MOTE_SIMD_XSIMD && defined(__AVX512BW__) && !defined(MOTE_FORCE_128)

template <class Element>
struct PackedProducts {
  using Sums = __m512i;  // two of each output, of even and odd pairs, for terms 0 … 3 and 4 … 7
  using Terms = __m512i;
  using Weights = __m512i;
  static constexpr std::size_t kTerms = 8, kGroups = 8;
  static constexpr bool kOffset = false;

  static MOTE_INLINE Sums zero() { return _mm512_setzero_si512(); }
  static MOTE_INLINE Terms spread(const Element* x) {
    if constexpr (sizeof(Element) == 1) {
      const __m256i eight = _mm256_castsi128_si256(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(x)));
      return _mm512_cvtepi8_epi16(_mm256_permutevar8x32_epi32(eight, _mm256_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1)));
    } else {
      const __m512i eight = _mm512_castsi128_si512(_mm_loadu_si128(reinterpret_cast<const __m128i*>(x)));
      return _mm512_permutexvar_epi64(_mm512_setr_epi64(0, 0, 0, 0, 1, 1, 1, 1), eight);
    }
  }
  static MOTE_INLINE Weights load(const std::int8_t* w) {
    return _mm512_cvtepi8_epi16(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(w)));
  }
  static MOTE_INLINE Weights load_some(const std::int8_t* w, std::size_t blocks) {
    if (blocks > 1) return load(w);
    return _mm512_cvtepi8_epi16(_mm256_zextsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(w))));
  }
  static MOTE_INLINE Sums add(Sums sums, Terms x, Weights w) { return _mm512_add_epi32(sums, _mm512_madd_epi16(x, w)); }
  static MOTE_INLINE void close(std::int32_t* acc, Sums sums) {
    const __m256i pairs = _mm256_add_epi32(_mm512_castsi512_si256(sums), _mm512_extracti64x4_epi64(sums, 1));
    const __m128i whole = _mm_hadd_epi32(_mm256_castsi256_si128(pairs), _mm256_extracti128_si256(pairs, 1));
    auto* const to = reinterpret_cast<__m128i*>(acc);
    _mm_storeu_si128(to, _mm_add_epi32(_mm_loadu_si128(to), whole));
  }
};

#if defined(__AVX512VNNI__)
/// vpdpbusd: weights are taken plus 128, without a sign, and what that adds is summed beside them.
template <>
struct PackedProducts<std::int8_t> {
  using Sums = __m512i;  // of four outputs, for each quarter of sixteen terms
  using Terms = __m512i;
  using Weights = __m512i;
  static constexpr std::size_t kTerms = 16, kGroups = 8;
  static constexpr bool kOffset = true;

  static MOTE_INLINE Sums zero() { return _mm512_setzero_si512(); }
  static MOTE_INLINE Terms spread(const std::int8_t* x) {
    const __m512i all = _mm512_broadcast_i32x4(_mm_loadu_si128(reinterpret_cast<const __m128i*>(x)));
    return _mm512_permutexvar_epi32(_mm512_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3), all);
  }
  static MOTE_INLINE Weights unsigned_of(Weights w) { return _mm512_xor_si512(w, _mm512_set1_epi8(-128)); }
  static MOTE_INLINE Weights load(const std::int8_t* w) { return unsigned_of(_mm512_loadu_si512(w)); }
  static MOTE_INLINE Weights load_some(const std::int8_t* w, std::size_t blocks) {
    return unsigned_of(_mm512_maskz_loadu_epi32(static_cast<__mmask16>((1U << 4 * blocks) - 1U), w));
  }
  static MOTE_INLINE Weights offset() { return _mm512_set1_epi8(-128); }
  static MOTE_INLINE Sums add(Sums sums, Terms x, Weights w) { return _mm512_dpbusd_epi32(sums, w, x); }
  static MOTE_INLINE Sums subtract(Sums sums, Sums from_offset) { return _mm512_sub_epi32(sums, from_offset); }
  static MOTE_INLINE void close(std::int32_t* acc, Sums sums) {
    const __m256i halves = _mm256_add_epi32(_mm512_castsi512_si256(sums), _mm512_extracti64x4_epi64(sums, 1));
    const __m128i whole = _mm_add_epi32(_mm256_castsi256_si128(halves), _mm256_extracti128_si256(halves, 1));
    auto* const to = reinterpret_cast<__m128i*>(acc);
    _mm_storeu_si128(to, _mm_add_epi32(_mm_loadu_si128(to), whole));
  }
};
#endif

#elif MOTE_SIMD_XSIMD && defined(__AVX2__) && !defined(MOTE_FORCE_128)

template <class Element>
struct PackedProducts {
  using Sums = __m256i;  // two of each output, of even and odd pairs
  using Terms = __m256i;
  using Weights = __m256i;
  static constexpr std::size_t kTerms = 4, kGroups = 8;
  static constexpr bool kOffset = false;

  static MOTE_INLINE Sums zero() { return _mm256_setzero_si256(); }
  static MOTE_INLINE Terms spread(const Element* x) {
    if constexpr (sizeof(Element) == 1) {
      std::int32_t four;
      std::memcpy(&four, x, sizeof four);
      return _mm256_cvtepi8_epi16(_mm_castps_si128(_mm_set1_ps(std::bit_cast<float>(four))));  // spread while read
    } else {
      std::int64_t four;
      std::memcpy(&four, x, sizeof four);
      return _mm256_set1_epi64x(four);
    }
  }
  static MOTE_INLINE Weights load(const std::int8_t* w) {
    return _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(w)));
  }
  static MOTE_INLINE Weights load_some(const std::int8_t* w, std::size_t) { return load(w); }
  static MOTE_INLINE Sums add(Sums sums, Terms x, Weights w) { return _mm256_add_epi32(sums, _mm256_madd_epi16(x, w)); }
  static MOTE_INLINE void close(std::int32_t* acc, Sums sums) {
    const __m128i whole = _mm_hadd_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1));
    auto* const to = reinterpret_cast<__m128i*>(acc);
    _mm_storeu_si128(to, _mm_add_epi32(_mm_loadu_si128(to), whole));
  }
};

#elif MOTE_SIMD_XSIMD && defined(__ARM_NEON)

#if defined(__ARM_FEATURE_DOTPROD)
template <class Element>
struct PackedProducts;
template <>
struct PackedProducts<std::int8_t> {
  using Sums = int32x4_t;
  using Terms = int8x16_t;
  using Weights = int8x16_t;
  static constexpr std::size_t kTerms = 4, kGroups = 8;
  static constexpr bool kOffset = false;

  static MOTE_INLINE Sums zero() { return vdupq_n_s32(0); }
  static MOTE_INLINE Terms spread(const std::int8_t* x) {
    std::int32_t four;
    std::memcpy(&four, x, sizeof four);
    return vreinterpretq_s8_s32(vdupq_n_s32(four));
  }
  static MOTE_INLINE Weights load(const std::int8_t* w) { return vld1q_s8(w); }
  static MOTE_INLINE Weights load_some(const std::int8_t* w, std::size_t) { return load(w); }
  static MOTE_INLINE Sums add(Sums sums, Terms x, Weights w) { return vdotq_s32(sums, w, x); }
  static MOTE_INLINE void close(std::int32_t* acc, Sums sums) { vst1q_s32(acc, vaddq_s32(vld1q_s32(acc), sums)); }
};
#endif

template <class Element>
struct PackedProducts {
  struct Sums {  // two (8 bits) or four (16 bits) of each output
    int32x4_t v[sizeof(Element) * 2];
  };
  using Terms = std::conditional_t<sizeof(Element) == 1, int8x8_t, int16x4_t>;
  using Weights = int8x16_t;
  static constexpr std::size_t kTerms = 4;
  static constexpr bool kOffset = false;
#if defined(__aarch64__)
  static constexpr std::size_t kGroups = 8 / sizeof(Element);
#else
  static constexpr std::size_t kGroups = 4 / sizeof(Element);
#endif

  static MOTE_INLINE Sums zero() {
    Sums sums;
    for (int32x4_t& v : sums.v) v = vdupq_n_s32(0);
    return sums;
  }
  static MOTE_INLINE Terms spread(const Element* x) {
    if constexpr (sizeof(Element) == 1) {
      std::int32_t four;
      std::memcpy(&four, x, sizeof four);
      return vreinterpret_s8_s32(vdup_n_s32(four));
    } else {
      return vld1_s16(x);
    }
  }
  static MOTE_INLINE Weights load(const std::int8_t* w) { return vld1q_s8(w); }
  static MOTE_INLINE Weights load_some(const std::int8_t* w, std::size_t) { return load(w); }
  static MOTE_INLINE Sums add(Sums sums, Terms x, Weights w) {
    if constexpr (sizeof(Element) == 1) {
      sums.v[0] = vpadalq_s16(sums.v[0], vmull_s8(x, vget_low_s8(w)));
      sums.v[1] = vpadalq_s16(sums.v[1], vmull_s8(x, vget_high_s8(w)));
    } else {
      const int16x8_t low = vmovl_s8(vget_low_s8(w)), high = vmovl_s8(vget_high_s8(w));
      sums.v[0] = vmlal_s16(sums.v[0], x, vget_low_s16(low));
      sums.v[1] = vmlal_s16(sums.v[1], x, vget_high_s16(low));
      sums.v[2] = vmlal_s16(sums.v[2], x, vget_low_s16(high));
      sums.v[3] = vmlal_s16(sums.v[3], x, vget_high_s16(high));
    }
    return sums;
  }
  static MOTE_INLINE int32x2_t halves(int32x4_t v) { return vpadd_s32(vget_low_s32(v), vget_high_s32(v)); }
  static MOTE_INLINE void close(std::int32_t* acc, Sums sums) {
    int32x4_t whole;
    if constexpr (sizeof(Element) == 1)
      whole = vcombine_s32(halves(sums.v[0]), halves(sums.v[1]));
    else
      whole = vcombine_s32(vpadd_s32(halves(sums.v[0]), halves(sums.v[1])),
                           vpadd_s32(halves(sums.v[2]), halves(sums.v[3])));
    vst1q_s32(acc, vaddq_s32(vld1q_s32(acc), whole));
  }
};

#else

/// One by one: compilers know what their processor has.
template <class Element>
struct PackedProducts {
  struct Sums {
    std::int32_t v[kPackSide];
  };
  using Terms = const Element*;
  using Weights = const std::int8_t*;
  static constexpr std::size_t kTerms = kPackSide, kGroups = 1;
  static constexpr bool kOffset = false;

  static MOTE_INLINE Sums zero() { return {}; }
  static MOTE_INLINE Terms spread(const Element* x) { return x; }
  static MOTE_INLINE Weights load(const std::int8_t* w) { return w; }
  static MOTE_INLINE Weights load_some(const std::int8_t* w, std::size_t) { return w; }
  static MOTE_INLINE Sums add(Sums sums, Terms x, Weights w) {
    for (std::size_t j = 0; j < kPackSide; ++j, w += kPackSide)
      sums.v[j] += x[0] * w[0] + x[1] * w[1] + x[2] * w[2] + x[3] * w[3];
    return sums;
  }
  static MOTE_INLINE void close(std::int32_t* acc, const Sums& sums) {
    for (std::size_t j = 0; j < kPackSide; ++j) acc[j] += sums.v[j];
  }
};

#if MOTE_SIMD_HELIUM
template <>
struct PackedProducts<std::int8_t> {
  static constexpr std::size_t kGroups = 8;  // of which multiply_row() takes one after the other
};
#endif

#endif

/// acc[4 g + j] += sum_k x[k] w[g][k / 4][j][k % 4], k < count, for kCount groups of four outputs, `group` bytes apart.
/// What is packed behind the last term is 0 and may be read. 16-bit terms: at most 512.
template <std::size_t kCount, class Element>
MOTE_INLINE void add_packed_groups(std::int32_t* acc, const Element* x, std::size_t count, const std::int8_t* weights,
                                   std::size_t group) {
  using Products = PackedProducts<Element>;
#if MOTE_SIMD_HELIUM
  if constexpr (sizeof(Element) == 1) {
    multiply_row(acc, x, count, weights, group, kCount);
  } else
#endif
  {
    typename Products::Sums sums[kCount];
    [[maybe_unused]] typename Products::Sums added = Products::zero();
    for (std::size_t g = 0; g < kCount; ++g) sums[g] = Products::zero();
    std::size_t k = 0;
    for (; k + Products::kTerms <= count; k += Products::kTerms, weights += kPackSide * Products::kTerms) {
      const typename Products::Terms terms = Products::spread(x + k);
      for (std::size_t g = 0; g < kCount; ++g)
        sums[g] = Products::add(sums[g], terms, Products::load(weights + g * group));
      if constexpr (Products::kOffset) added = Products::add(added, terms, Products::offset());
    }
    if (k < count) {
      Element rest[Products::kTerms] = {};
      std::copy(x + k, x + count, rest);
      const typename Products::Terms terms = Products::spread(rest);
      const std::size_t blocks = (count - k + kPackSide - 1) / kPackSide;
      for (std::size_t g = 0; g < kCount; ++g)
        sums[g] = Products::add(sums[g], terms, Products::load_some(weights + g * group, blocks));
      if constexpr (Products::kOffset) added = Products::add(added, terms, Products::offset());
    }
    if constexpr (Products::kOffset)
      for (std::size_t g = 0; g < kCount; ++g) sums[g] = Products::subtract(sums[g], added);
    for (std::size_t g = 0; g < kCount; ++g) Products::close(acc + kPackSide * g, sums[g]);
  }
}

}  // namespace MOTE_SIMD_ISA
}  // namespace mote::simd

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif
