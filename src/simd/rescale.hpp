// SPDX-License-Identifier: Apache-2.0
// Accumulators to int8 outputs in vectors: requantize() of mote/model/fixed_point.hpp, rounded twice, for a vector of
// output channels and as many rows as there are. Exact for every accumulator. Include after simd.hpp.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

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

/// What becomes of every output: + zero_point, then between low and high.
struct OutputRange {
  std::int32_t zero_point, low, high;
};

// Words: kLanes 32-bit integers. Rescaler(multipliers, shifts, n): the first n channels of a vector, n from 1 to
// kLanes; of() is requantize(); store() adds the zero point, clamps and writes n bytes.
#if MOTE_SIMD_XSIMD && defined(__AVX512BW__) && defined(__AVX512VL__) && !defined(MOTE_FORCE_128)

using Words = __m512i;
inline constexpr std::size_t kWords = 16;
MOTE_INLINE __mmask16 first_words(std::size_t n) { return static_cast<__mmask16>((1U << n) - 1U); }
MOTE_INLINE Words load_words(const std::int32_t* p) { return _mm512_loadu_si512(p); }
MOTE_INLINE Words load_words(const std::int32_t* p, std::size_t n) {
  return _mm512_maskz_loadu_epi32(first_words(n), p);
}
MOTE_INLINE void store_words(std::int32_t* p, Words a) { _mm512_storeu_si512(p, a); }
MOTE_INLINE Words load_bytes(const std::int8_t* p, std::size_t n) {
  return _mm512_cvtepi8_epi32(n == kWords ? _mm_loadu_si128(reinterpret_cast<const __m128i*>(p))
                                          : _mm_maskz_loadu_epi8(first_words(n), p));
}
MOTE_INLINE Words shift_left(Words a, std::int32_t by) { return _mm512_sll_epi32(a, _mm_cvtsi32_si128(by)); }
#define MOTE_SIMD_LOW_PRODUCTS 1
MOTE_INLINE Words shift_right(Words a, std::int32_t by) { return _mm512_sra_epi32(a, _mm_cvtsi32_si128(by)); }
MOTE_INLINE Words low_product(Words a, Words b) { return _mm512_mullo_epi32(a, b); }
MOTE_INLINE Words splat_words(std::int32_t value) { return _mm512_set1_epi32(value); }
MOTE_INLINE Words add_words(Words a, Words b) { return _mm512_add_epi32(a, b); }
MOTE_INLINE Words subtract_words(Words a, Words b) { return _mm512_sub_epi32(a, b); }

class Rescaler {
 public:
  MOTE_INLINE Rescaler(const std::int32_t* multipliers, const std::int8_t* shifts, std::size_t n,
                       const OutputRange& range)
      : lanes_(first_words(n)),
        multiplier_(load_words(multipliers, n)),
        odd_(_mm512_srli_epi64(multiplier_, 32)),
        zero_point_(_mm512_set1_epi32(range.zero_point)),
        low_(_mm512_set1_epi32(range.low)),
        high_(_mm512_set1_epi32(range.high)) {
    const __m512i shift = _mm512_cvtepi8_epi32(_mm_maskz_loadu_epi8(lanes_, shifts));
    left_ = _mm512_max_epi32(shift, _mm512_setzero_si512());
    right_ = _mm512_sub_epi32(left_, shift);
    shifts_left_ = _mm512_test_epi32_mask(left_, left_) != 0;
    clamps_ = range.low > -128 || range.high < 127;
    below_ = _mm512_sub_epi32(_mm512_sllv_epi32(_mm512_set1_epi32(1), right_), _mm512_set1_epi32(1));
    half_ = _mm512_srli_epi32(below_, 1);
  }
  [[nodiscard]] MOTE_INLINE Words of(Words acc) const {
    const __m512i x = shifts_left_ ? _mm512_sllv_epi32(acc, left_) : acc;
    const __m512i round = _mm512_set1_epi64(std::int64_t{1} << 30);
    const __m512i even = _mm512_add_epi64(_mm512_mul_epi32(x, multiplier_), round);
    const __m512i odd = _mm512_add_epi64(_mm512_mul_epi32(_mm512_srli_epi64(x, 32), odd_), round);
    const __m512i high = _mm512_mask_blend_epi32(0xAAAA, _mm512_srli_epi64(even, 31), _mm512_slli_epi64(odd, 1));
    const __m512i threshold = _mm512_sub_epi32(half_, _mm512_srai_epi32(high, 31));
    const __mmask16 up = _mm512_cmpgt_epi32_mask(_mm512_and_si512(high, below_), threshold);
    const __m512i down = _mm512_srav_epi32(high, right_);
    return _mm512_mask_add_epi32(down, up, down, _mm512_set1_epi32(1));
  }
  MOTE_INLINE void store(std::int8_t* to, Words value) const {
    value = _mm512_add_epi32(value, zero_point_);
    if (clamps_) value = _mm512_min_epi32(_mm512_max_epi32(value, low_), high_);
    const __m128i bytes = _mm512_cvtsepi32_epi8(value);  // saturates
    if (lanes_ == 0xFFFF) return _mm_storeu_si128(reinterpret_cast<__m128i*>(to), bytes);
    _mm_mask_storeu_epi8(to, lanes_, bytes);
  }

 private:
  __mmask16 lanes_;
  bool shifts_left_, clamps_;
  __m512i multiplier_, odd_, zero_point_, low_, high_, left_, right_, below_, half_;
};
#define MOTE_SIMD_OWN_FINISHER 1
/// Sums to outputs: store() is Rescaler's of what begins with `begin`. Where all shifts are to the right, both
/// roundings, the bias and the shift are one addition and one shift in 64 bits:
///   (sum m + begin m + 2^30 + 2^(30 + s) - (negative ? 2^31 : 0)) >> (31 + s)
/// since floor((floor(a / 2^31) + b) / 2^s) = floor((a + b 2^31) / 2^(31 + s)).
class Finisher {
 public:
  MOTE_INLINE Finisher(Words begin, const std::int32_t* multipliers, const std::int8_t* shifts, std::size_t n,
                       const OutputRange& range)
      : lanes_(first_words(n)),
        multiplier_(load_words(multipliers, n)),
        odd_(_mm512_srli_epi64(multiplier_, 32)),
        zero_point_(_mm512_set1_epi32(range.zero_point)),
        low_(_mm_set1_epi8(static_cast<char>(range.low))),
        high_(_mm_set1_epi8(static_cast<char>(range.high))),
        clamps_(range.low > -128 || range.high < 127),
        slow_(multipliers, shifts, n, range),
        begin_(begin) {
    const __m512i one = _mm512_set1_epi32(1);
    __m512i right =
        _mm512_sub_epi32(_mm512_setzero_si512(), _mm512_cvtepi8_epi32(_mm_maskz_loadu_epi8(lanes_, shifts)));
    right = _mm512_mask_mov_epi32(right, _mm512_testn_epi32_mask(multiplier_, multiplier_), one);  // 0 times anything
    fast_ = _mm512_mask_cmplt_epi32_mask(lanes_, right, one) == 0;
    const __m512i low_half = _mm512_set1_epi64(0xFFFFFFFF);
    shift_even_ = _mm512_and_si512(right, low_half), shift_odd_ = _mm512_srli_epi64(right, 32);
    const auto constant = [&](__m512i shift) MOTE_LAMBDA_INLINE {
      const __m512i round = _mm512_set1_epi64(std::int64_t{1} << 30);
      return _mm512_add_epi64(round, _mm512_sllv_epi64(round, shift));
    };
    above_even_ = constant(shift_even_), above_odd_ = constant(shift_odd_);
    add_even_ = _mm512_add_epi64(above_even_, _mm512_mul_epi32(begin, multiplier_));
    add_odd_ = _mm512_add_epi64(above_odd_, _mm512_mul_epi32(_mm512_srli_epi64(begin, 32), odd_));
    shift_even_ = _mm512_add_epi64(shift_even_, _mm512_set1_epi64(31));
    shift_odd_ = _mm512_sub_epi64(shift_odd_, _mm512_set1_epi64(1));  // leaves the output in the upper half
  }
  MOTE_INLINE void store(std::int8_t* to, Words sums) const {
    if (!fast_) return slow_.store(to, slow_.of(_mm512_add_epi32(sums, begin_)));
    const __m512i half = _mm512_set1_epi64(std::int64_t{1} << 31);
    __m512i even = _mm512_add_epi64(_mm512_mul_epi32(sums, multiplier_), add_even_);
    __m512i odd = _mm512_add_epi64(_mm512_mul_epi32(_mm512_srli_epi64(sums, 32), odd_), add_odd_);
    even = _mm512_mask_sub_epi64(even, _mm512_cmplt_epi64_mask(even, above_even_), even, half);
    odd = _mm512_mask_sub_epi64(odd, _mm512_cmplt_epi64_mask(odd, above_odd_), odd, half);
    const __m512i value =
        _mm512_mask_blend_epi32(0xAAAA, _mm512_srav_epi64(even, shift_even_), _mm512_srav_epi64(odd, shift_odd_));
    __m128i bytes = _mm512_cvtsepi32_epi8(_mm512_add_epi32(value, zero_point_));  // saturates
    if (clamps_) bytes = _mm_min_epi8(_mm_max_epi8(bytes, low_), high_);
    if (lanes_ == 0xFFFF) return _mm_storeu_si128(reinterpret_cast<__m128i*>(to), bytes);
    _mm_mask_storeu_epi8(to, lanes_, bytes);
  }

 private:
  __mmask16 lanes_;
  __m512i multiplier_, odd_, zero_point_, above_even_, above_odd_, add_even_, add_odd_, shift_even_, shift_odd_;
  __m128i low_, high_;
  bool clamps_, fast_;
  Rescaler slow_;
  Words begin_;
};
#define MOTE_SIMD_WORDS 1

#elif MOTE_SIMD_XSIMD && defined(__AVX2__) && !defined(MOTE_FORCE_128)

using Words = __m256i;
inline constexpr std::size_t kWords = 8;
MOTE_INLINE __m256i first_words(std::size_t n) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(n)), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
MOTE_INLINE Words load_words(const std::int32_t* p) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)); }
MOTE_INLINE Words load_words(const std::int32_t* p, std::size_t n) {
  return n == kWords ? load_words(p) : _mm256_maskload_epi32(p, first_words(n));
}
MOTE_INLINE void store_words(std::int32_t* p, Words a) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), a); }
MOTE_INLINE Words load_bytes(const std::int8_t* p, std::size_t n) {
  if (n == kWords) return _mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)));
  std::int8_t some[kWords] = {};
  std::memcpy(some, p, n);
  return _mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(some)));
}
MOTE_INLINE Words shift_left(Words a, std::int32_t by) { return _mm256_sll_epi32(a, _mm_cvtsi32_si128(by)); }
#define MOTE_SIMD_LOW_PRODUCTS 1
MOTE_INLINE Words shift_right(Words a, std::int32_t by) { return _mm256_sra_epi32(a, _mm_cvtsi32_si128(by)); }
MOTE_INLINE Words low_product(Words a, Words b) { return _mm256_mullo_epi32(a, b); }
MOTE_INLINE Words splat_words(std::int32_t value) { return _mm256_set1_epi32(value); }
MOTE_INLINE Words add_words(Words a, Words b) { return _mm256_add_epi32(a, b); }
MOTE_INLINE Words subtract_words(Words a, Words b) { return _mm256_sub_epi32(a, b); }

class Rescaler {
 public:
  MOTE_INLINE Rescaler(const std::int32_t* multipliers, const std::int8_t* shifts, std::size_t n,
                       const OutputRange& range)
      : count_(n),
        multiplier_(load_words(multipliers, n)),
        odd_(_mm256_srli_epi64(multiplier_, 32)),
        zero_point_(_mm256_set1_epi32(range.zero_point)),
        low_(_mm256_set1_epi32(range.low)),
        high_(_mm256_set1_epi32(range.high)) {
    std::int8_t eight[8] = {};
    std::memcpy(eight, shifts, n);
    const __m256i shift = _mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(eight)));
    left_ = _mm256_max_epi32(shift, _mm256_setzero_si256());
    right_ = _mm256_sub_epi32(left_, shift);
    shifts_left_ = _mm256_testz_si256(left_, left_) == 0;
    clamps_ = range.low > -128 || range.high < 127;
    below_ = _mm256_sub_epi32(_mm256_sllv_epi32(_mm256_set1_epi32(1), right_), _mm256_set1_epi32(1));
    half_ = _mm256_srli_epi32(below_, 1);
  }
  [[nodiscard]] MOTE_INLINE Words of(Words acc) const {
    const __m256i x = shifts_left_ ? _mm256_sllv_epi32(acc, left_) : acc;
    const __m256i round = _mm256_set1_epi64x(std::int64_t{1} << 30);
    const __m256i even = _mm256_add_epi64(_mm256_mul_epi32(x, multiplier_), round);
    const __m256i odd = _mm256_add_epi64(_mm256_mul_epi32(_mm256_srli_epi64(x, 32), odd_), round);
    const __m256i high = _mm256_blend_epi32(_mm256_srli_epi64(even, 31), _mm256_slli_epi64(odd, 1), 0xAA);
    const __m256i threshold = _mm256_sub_epi32(half_, _mm256_srai_epi32(high, 31));
    const __m256i up = _mm256_cmpgt_epi32(_mm256_and_si256(high, below_), threshold);
    return _mm256_sub_epi32(_mm256_srav_epi32(high, right_), up);
  }
  MOTE_INLINE void store(std::int8_t* to, Words value) const {
    value = _mm256_add_epi32(value, zero_point_);
    if (clamps_) value = _mm256_min_epi32(_mm256_max_epi32(value, low_), high_);  // packing saturates
    const __m128i words = _mm_packs_epi32(_mm256_castsi256_si128(value), _mm256_extracti128_si256(value, 1));
    const __m128i all = _mm_packs_epi16(words, words);
    if (count_ == kWords) return _mm_storel_epi64(reinterpret_cast<__m128i*>(to), all);
    std::int8_t some[kWords];
    _mm_storel_epi64(reinterpret_cast<__m128i*>(some), all);
    std::memcpy(to, some, count_);
  }

 private:
  std::size_t count_;
  bool shifts_left_, clamps_;
  __m256i multiplier_, odd_, zero_point_, low_, high_, left_, right_, below_, half_;
};
#define MOTE_SIMD_WORDS 1

#elif MOTE_SIMD_XSIMD && defined(__ARM_NEON)

using Words = int32x4_t;
inline constexpr std::size_t kWords = 4;
MOTE_INLINE Words load_words(const std::int32_t* p) { return vld1q_s32(p); }
MOTE_INLINE Words load_words(const std::int32_t* p, std::size_t n) {
  if (n == kWords) return load_words(p);
  std::int32_t some[kWords] = {};
  std::copy(p, p + n, some);
  return vld1q_s32(some);
}
MOTE_INLINE void store_words(std::int32_t* p, Words a) { vst1q_s32(p, a); }
MOTE_INLINE Words load_bytes(const std::int8_t* p, std::size_t n) {
  std::int8_t some[8] = {};
  std::memcpy(some, p, n);
  return vmovl_s16(vget_low_s16(vmovl_s8(vld1_s8(some))));
}
MOTE_INLINE Words shift_left(Words a, std::int32_t by) { return vshlq_s32(a, vdupq_n_s32(by)); }
MOTE_INLINE Words splat_words(std::int32_t value) { return vdupq_n_s32(value); }
MOTE_INLINE Words add_words(Words a, Words b) { return vaddq_s32(a, b); }
MOTE_INLINE Words subtract_words(Words a, Words b) { return vsubq_s32(a, b); }

class Rescaler {
 public:
  MOTE_INLINE Rescaler(const std::int32_t* multipliers, const std::int8_t* shifts, std::size_t n,
                       const OutputRange& range)
      : count_(n),
        multiplier_(load_words(multipliers, n)),
        zero_point_(vdupq_n_s32(range.zero_point)),
        low_(vdupq_n_s32(range.low)),
        high_(vdupq_n_s32(range.high)) {
    std::int32_t words[kWords] = {};
    std::copy(shifts, shifts + n, words);
    const int32x4_t shift = vld1q_s32(words);
    left_ = vmaxq_s32(shift, vdupq_n_s32(0));
    right_ = vminq_s32(shift, vdupq_n_s32(0));
  }
  [[nodiscard]] MOTE_INLINE Words of(Words acc) const {
    const int32x4_t high = vqrdmulhq_s32(vshlq_s32(acc, left_), multiplier_);
    const int32x4_t away = vqaddq_s32(high, vshrq_n_s32(vandq_s32(high, right_), 31));  // negative halves go down
    return vrshlq_s32(away, right_);
  }
  MOTE_INLINE void store(std::int8_t* to, Words value) const {
    value = vminq_s32(vmaxq_s32(vaddq_s32(value, zero_point_), low_), high_);
    const int16x4_t words = vmovn_s32(value);
    const int8x8_t all = vmovn_s16(vcombine_s16(words, words));
    if (count_ == kWords) {
      const std::uint32_t four = vget_lane_u32(vreinterpret_u32_s8(all), 0);
      std::memcpy(to, &four, sizeof four);
      return;
    }
    std::int8_t some[8];
    vst1_s8(some, all);
    std::copy(some, some + count_, to);
  }

 private:
  std::size_t count_;
  int32x4_t multiplier_, zero_point_, low_, high_, left_, right_;
};
#define MOTE_SIMD_WORDS 1

#elif MOTE_SIMD_HELIUM

using Words = int32x4_t;
inline constexpr std::size_t kWords = 4;
MOTE_INLINE mve_pred16_t first_words(std::size_t n) { return vctp32q(static_cast<std::uint32_t>(n)); }
MOTE_INLINE Words load_words(const std::int32_t* p) { return vldrwq_s32(p); }
MOTE_INLINE Words load_words(const std::int32_t* p, std::size_t n) {
  return n == kWords ? load_words(p) : vldrwq_z_s32(p, first_words(n));
}
MOTE_INLINE Words load_bytes(const std::int8_t* p, std::size_t n) {
  return n == kWords ? vldrbq_s32(p) : vldrbq_z_s32(p, first_words(n));
}
// Compilers make no vectors of loops from bytes to words there; what pools take beside the others.
#define MOTE_SIMD_POOL_WORDS 1
MOTE_INLINE void store_words(std::int32_t* p, Words a) { vstrwq_s32(p, a); }
MOTE_INLINE Words larger_words(Words a, Words b) { return vmaxq_s32(a, b); }
MOTE_INLINE Words shift_left(Words a, std::int32_t by) { return vshlq_r_s32(a, by); }
MOTE_INLINE Words splat_words(std::int32_t value) { return vdupq_n_s32(value); }
MOTE_INLINE Words add_words(Words a, Words b) { return vaddq_s32(a, b); }
MOTE_INLINE Words subtract_words(Words a, Words b) { return vsubq_s32(a, b); }

class Rescaler {
 public:
  MOTE_INLINE Rescaler(const std::int32_t* multipliers, const std::int8_t* shifts, std::size_t n,
                       const OutputRange& range)
      : count_(n),
        zero_point_(range.zero_point),
        multiplier_(load_words(multipliers, n)),
        low_(vdupq_n_s32(range.low)),
        high_(vdupq_n_s32(range.high)) {
    const int32x4_t shift = load_bytes(shifts, n);
    left_ = vmaxq_s32(shift, vdupq_n_s32(0));
    right_ = vminq_s32(shift, vdupq_n_s32(0));
  }
  [[nodiscard]] MOTE_INLINE Words of(Words acc) const {
    const int32x4_t high = vqrdmulhq_s32(vshlq_s32(acc, left_), multiplier_);
    const int32x4_t away = vqaddq_s32(high, vshrq_n_s32(vandq_s32(high, right_), 31));  // negative halves go down
    return vrshlq_s32(away, right_);
  }
  MOTE_INLINE void store(std::int8_t* to, Words value) const {
    value = vminq_s32(vmaxq_s32(vaddq_n_s32(value, zero_point_), low_), high_);
    if (count_ == kWords) return vstrbq_s32(to, value);
    vstrbq_p_s32(to, value, first_words(count_));
  }

 private:
  std::size_t count_;
  std::int32_t zero_point_;
  int32x4_t multiplier_, low_, high_, left_, right_;
};
#define MOTE_SIMD_WORDS 1

#else
#define MOTE_SIMD_WORDS 0
#endif
#if !defined(MOTE_SIMD_POOL_WORDS)
#define MOTE_SIMD_POOL_WORDS 0
#endif
#if !defined(MOTE_SIMD_LOW_PRODUCTS)
#define MOTE_SIMD_LOW_PRODUCTS 0
#endif

#if MOTE_SIMD_HELIUM
/// A multiplier and its shift as instructions take them. sign: a shift that leaves -1 of what is negative; nothing
/// where `right` is 0.
struct UniformScale {
  std::int32_t multiplier, left, right, sign;
  MOTE_INLINE UniformScale(std::int32_t number, std::int32_t shift)
      : multiplier(number), left(shift > 0 ? shift : 0), right(shift > 0 ? 0 : shift), sign(shift < 0 ? -31 : 32) {}
};
/// The same with one multiplier for every lane, in registers of the core: of eight vectors few would be left.
class UniformRescaler {
 public:
  MOTE_INLINE UniformRescaler(std::int32_t multiplier, std::int32_t shift, std::size_t n, const OutputRange& range)
      : count_(n),
        scale_(multiplier, shift),
        zero_point_(range.zero_point),
        sign_(vdupq_n_s32(scale_.sign)),
        low_(vdupq_n_s32(range.low)),
        high_(vdupq_n_s32(range.high)) {}
  [[nodiscard]] MOTE_INLINE Words of(Words acc) const {
    const int32x4_t high = vqrdmulhq_n_s32(vshlq_r_s32(acc, scale_.left), scale_.multiplier);
    const int32x4_t away = vqaddq_s32(high, vshlq_s32(high, sign_));  // negative halves go down
    return vrshlq_n_s32(away, scale_.right);
  }
  [[nodiscard]] MOTE_INLINE Words clamped(Words value) const {
    return vminq_s32(vmaxq_s32(vaddq_n_s32(value, zero_point_), low_), high_);
  }
  MOTE_INLINE void store(std::int8_t* to, Words value) const {
    if (count_ == kWords) return vstrbq_s32(to, clamped(value));
    vstrbq_p_s32(to, clamped(value), first_words(count_));
  }

 private:
  std::size_t count_;
  UniformScale scale_;
  std::int32_t zero_point_;
  int32x4_t sign_, low_, high_;
};
#elif MOTE_SIMD_WORDS
using UniformRescaler = Rescaler;
#endif

#if MOTE_SIMD_WORDS && !defined(MOTE_SIMD_OWN_FINISHER)
/// Sums to outputs: store() is Rescaler's of what begins with `begin`.
class Finisher {
 public:
  MOTE_INLINE Finisher(Words begin, const std::int32_t* multipliers, const std::int8_t* shifts, std::size_t n,
                       const OutputRange& range)
      : rescaler_(multipliers, shifts, n, range), begin_(begin) {}
  MOTE_INLINE void store(std::int8_t* to, Words sums) const {
    rescaler_.store(to, rescaler_.of(add_words(sums, begin_)));
  }

 private:
  Rescaler rescaler_;
  Words begin_;
};
#endif

#if MOTE_SIMD_WORDS
#if !MOTE_SIMD_HELIUM
/// One multiplier for every lane, as arrays.
struct UniformArrays {
  std::int32_t multipliers[kWords];
  std::int8_t shifts[kWords];
  UniformArrays(std::int32_t multiplier, std::int32_t shift) {
    std::fill_n(multipliers, kWords, multiplier);
    std::fill_n(shifts, kWords, static_cast<std::int8_t>(shift));
  }
};
#endif
MOTE_INLINE UniformRescaler uniform_rescaler(std::int32_t multiplier, std::int32_t shift, std::size_t n,
                                             const OutputRange& range = {}) {
#if MOTE_SIMD_HELIUM
  return {multiplier, shift, n, range};
#else
  const UniformArrays all(multiplier, shift);
  return {all.multipliers, all.shifts, n, range};
#endif
}

/// Finisher with one multiplier for every lane, of sums that begin with 0.
class UniformFinisher {
 public:
#if defined(MOTE_SIMD_OWN_FINISHER)
  MOTE_INLINE UniformFinisher(std::int32_t multiplier, std::int32_t shift, std::size_t n, const OutputRange& range)
      : UniformFinisher(UniformArrays(multiplier, shift), n, range) {}
  MOTE_INLINE void store(std::int8_t* to, Words sums) const { finisher_.store(to, sums); }

 private:
  MOTE_INLINE UniformFinisher(const UniformArrays& all, std::size_t n, const OutputRange& range)
      : finisher_(splat_words(0), all.multipliers, all.shifts, n, range) {}
  Finisher finisher_;
#else
  MOTE_INLINE UniformFinisher(std::int32_t multiplier, std::int32_t shift, std::size_t n, const OutputRange& range)
      : rescaler_(uniform_rescaler(multiplier, shift, n, range)) {}
  MOTE_INLINE void store(std::int8_t* to, Words sums) const { rescaler_.store(to, rescaler_.of(sums)); }

 private:
  UniformRescaler rescaler_;
#endif
};

/// requantize(x << left) of differences of two bytes, |x| < 256, and one multiplier. Where sums of 32 bits suffice:
///   (x 2^left m + 2^30) >> 31 = x h + ((x l + 2^(30 - left)) >> (31 - left)),  m = h 2^(31 - left) + l
class DifferenceRescaler {
 public:
  DifferenceRescaler(std::int32_t multiplier, std::int32_t shift, std::int32_t left)
      : rescaler_(uniform_rescaler(multiplier, shift, kWords)), left_(left) {
#if MOTE_SIMD_LOW_PRODUCTS
    short_ = left >= 8 && left <= 22 && shift < 0;
    down_ = 31 - left;
    const std::int32_t low = short_ ? multiplier & ((std::int32_t{1} << down_) - 1) : 0;
    high_ = splat_words(short_ ? multiplier >> down_ : 0), low_ = splat_words(low);
    round_ = splat_words(short_ ? std::int32_t{1} << (down_ - 1) : 0);
    right_ = -shift;
    half_ = splat_words(short_ ? std::int32_t{1} << (right_ - 1) : 0);
#endif
  }
  [[nodiscard]] MOTE_INLINE Words of(Words x) const {
#if MOTE_SIMD_LOW_PRODUCTS
    if (short_) {
      const Words rest = shift_right(add_words(low_product(x, low_), round_), down_);
      const Words whole = add_words(low_product(x, high_), rest);
      return shift_right(add_words(add_words(whole, half_), shift_right(whole, 31)), right_);  // halves away from zero
    }
#endif
    return rescaler_.of(shift_left(x, left_));
  }

 private:
  UniformRescaler rescaler_;
  std::int32_t left_;
#if MOTE_SIMD_LOW_PRODUCTS
  bool short_;
  std::int32_t down_, right_;
  Words high_, low_, round_, half_;
#endif
};
#endif

}  // namespace MOTE_SIMD_ISA
}  // namespace mote::simd

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif
