// SPDX-License-Identifier: Apache-2.0
// SSE, AVX2 and AVX-512 intrinsics that backend_xsimd.hpp needs on x86-64. Nothing else may include this file.
// minps and maxps return the second operand when either is NaN: the rule that the facade promises everywhere.
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

// GCC 12's AVX-512 intrinsics start from a register that is undefined on purpose, and warn about it where inlined.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

namespace mote::simd {
inline namespace MOTE_SIMD_ISA {
namespace native {

MOTE_INLINE __m128 load_partial(const float* p, std::size_t n, __m128) {
  if (n == 1) return _mm_load_ss(p);
  const __m128 low = _mm_castsi128_ps(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)));
  return n == 2 ? low : _mm_movelh_ps(low, _mm_load_ss(p + 2));
}
MOTE_INLINE void store_partial(float* p, std::size_t n, __m128 a) {
  if (n == 1) {
    _mm_store_ss(p, a);
    return;
  }
  _mm_storel_epi64(reinterpret_cast<__m128i*>(p), _mm_castps_si128(a));
  if (n == 3) _mm_store_ss(p + 2, _mm_movehl_ps(a, a));
}

MOTE_INLINE __m128 iota(__m128) { return _mm_setr_ps(0.0F, 1.0F, 2.0F, 3.0F); }
MOTE_INLINE __m128 first_lanes(std::size_t n, __m128) {
  return _mm_castsi128_ps(_mm_cmplt_epi32(_mm_setr_epi32(0, 1, 2, 3), _mm_set1_epi32(static_cast<int>(n))));
}

MOTE_INLINE __m128 negate(__m128 a) { return _mm_xor_ps(a, _mm_set1_ps(-0.0F)); }
MOTE_INLINE __m128 min(__m128 a, __m128 b) { return _mm_min_ps(a, b); }
MOTE_INLINE __m128 max(__m128 a, __m128 b) { return _mm_max_ps(a, b); }
MOTE_INLINE float first(__m128 a) { return _mm_cvtss_f32(a); }
MOTE_INLINE __m128 tree_sum(__m128 a) {
  a = _mm_add_ps(a, _mm_movehl_ps(a, a));
  return _mm_add_ss(a, _mm_shuffle_ps(a, a, 1));
}
MOTE_INLINE void store_quarter(float* to, __m128 a) { _mm_storeu_ps(to, a); }
/// The tree of tree_sum for four vectors at once, their sums side by side.
MOTE_INLINE __m128 tree_sums(__m128 a, __m128 b, __m128 c, __m128 d) {
  const __m128 ab = _mm_add_ps(_mm_movelh_ps(a, b), _mm_shuffle_ps(a, b, 0xEE));
  const __m128 cd = _mm_add_ps(_mm_movelh_ps(c, d), _mm_shuffle_ps(c, d, 0xEE));
  return _mm_add_ps(_mm_shuffle_ps(ab, cd, 0x88), _mm_shuffle_ps(ab, cd, 0xDD));
}
MOTE_INLINE __m128 tree_max(__m128 a) {
  a = _mm_max_ps(a, _mm_movehl_ps(a, a));
  return _mm_max_ss(a, _mm_shuffle_ps(a, a, 1));
}
MOTE_INLINE __m128 copy_sign(__m128 magnitude, __m128 sign) {
  const __m128 sign_bit = _mm_set1_ps(-0.0F);
  return _mm_or_ps(_mm_and_ps(sign_bit, sign), _mm_andnot_ps(sign_bit, magnitude));
}
MOTE_INLINE __m128 to_exponent(__m128 a) { return _mm_castsi128_ps(_mm_slli_epi32(_mm_castps_si128(a), 23)); }
MOTE_INLINE __m128 split(__m128 a, __m128& exponent) {
  const __m128i word = _mm_castps_si128(a);
  const __m128i power = _mm_srai_epi32(_mm_sub_epi32(word, _mm_set1_epi32(0x3F3504F3)), 23);
  exponent = _mm_cvtepi32_ps(power);
  return _mm_castsi128_ps(_mm_sub_epi32(word, _mm_slli_epi32(power, 23)));
}

#if defined(__AVX2__) && !defined(MOTE_FORCE_128)

MOTE_INLINE __m256i lane_mask(std::size_t n) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(n)), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
MOTE_INLINE __m256 load_partial(const float* p, std::size_t n, __m256) { return _mm256_maskload_ps(p, lane_mask(n)); }
MOTE_INLINE void store_partial(float* p, std::size_t n, __m256 a) { _mm256_maskstore_ps(p, lane_mask(n), a); }

MOTE_INLINE __m256 iota(__m256) { return _mm256_setr_ps(0.0F, 1.0F, 2.0F, 3.0F, 4.0F, 5.0F, 6.0F, 7.0F); }
MOTE_INLINE __m256 first_lanes(std::size_t n, __m256) { return _mm256_castsi256_ps(lane_mask(n)); }

MOTE_INLINE __m256 negate(__m256 a) { return _mm256_xor_ps(a, _mm256_set1_ps(-0.0F)); }
MOTE_INLINE __m256 min(__m256 a, __m256 b) { return _mm256_min_ps(a, b); }
MOTE_INLINE __m256 max(__m256 a, __m256 b) { return _mm256_max_ps(a, b); }
MOTE_INLINE float first(__m256 a) { return _mm256_cvtss_f32(a); }
MOTE_INLINE __m256 tree_sum(__m256 a) {
  return _mm256_castps128_ps256(tree_sum(_mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1))));
}
MOTE_INLINE __m128 tree_sums(__m256 a, __m256 b, __m256 c, __m256 d) {
  const __m256 ab = _mm256_add_ps(_mm256_permute2f128_ps(a, b, 0x20), _mm256_permute2f128_ps(a, b, 0x31));
  const __m256 cd = _mm256_add_ps(_mm256_permute2f128_ps(c, d, 0x20), _mm256_permute2f128_ps(c, d, 0x31));
  const __m256 two = _mm256_add_ps(_mm256_shuffle_ps(ab, cd, 0x44), _mm256_shuffle_ps(ab, cd, 0xEE));
  const __m128 ac = _mm256_castps256_ps128(two), bd = _mm256_extractf128_ps(two, 1);
  const __m128 even = _mm_shuffle_ps(ac, bd, 0x88), odd = _mm_shuffle_ps(ac, bd, 0xDD);  // a c b d
  const __m128 sums = _mm_add_ps(even, odd);
  return _mm_shuffle_ps(sums, sums, 0xD8);
}
MOTE_INLINE __m256 tree_max(__m256 a) {
  return _mm256_castps128_ps256(tree_max(_mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1))));
}
MOTE_INLINE __m256 copy_sign(__m256 magnitude, __m256 sign) {
  const __m256 sign_bit = _mm256_set1_ps(-0.0F);
  return _mm256_or_ps(_mm256_and_ps(sign_bit, sign), _mm256_andnot_ps(sign_bit, magnitude));
}
MOTE_INLINE __m256 to_exponent(__m256 a) { return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_castps_si256(a), 23)); }
MOTE_INLINE __m256 split(__m256 a, __m256& exponent) {
  const __m256i word = _mm256_castps_si256(a);
  const __m256i power = _mm256_srai_epi32(_mm256_sub_epi32(word, _mm256_set1_epi32(0x3F3504F3)), 23);
  exponent = _mm256_cvtepi32_ps(power);
  return _mm256_castsi256_ps(_mm256_sub_epi32(word, _mm256_slli_epi32(power, 23)));
}

#endif

#if defined(__AVX512F__) && !defined(MOTE_FORCE_128)

MOTE_INLINE __mmask16 lane_mask16(std::size_t n) { return static_cast<__mmask16>((1U << n) - 1U); }
MOTE_INLINE __m512 load_partial(const float* p, std::size_t n, __m512) {
  return _mm512_maskz_loadu_ps(lane_mask16(n), p);
}
MOTE_INLINE void store_partial(float* p, std::size_t n, __m512 a) { _mm512_mask_storeu_ps(p, lane_mask16(n), a); }

MOTE_INLINE __m512 iota(__m512) {
  return _mm512_setr_ps(0.0F, 1.0F, 2.0F, 3.0F, 4.0F, 5.0F, 6.0F, 7.0F, 8.0F, 9.0F, 10.0F, 11.0F, 12.0F, 13.0F, 14.0F,
                        15.0F);
}
MOTE_INLINE __mmask16 first_lanes(std::size_t n, __m512) { return lane_mask16(n); }

MOTE_INLINE __m512 negate(__m512 a) {
  return _mm512_castsi512_ps(_mm512_xor_si512(_mm512_castps_si512(a), _mm512_set1_epi32(INT32_MIN)));
}
MOTE_INLINE __m512 min(__m512 a, __m512 b) { return _mm512_min_ps(a, b); }
MOTE_INLINE __m512 max(__m512 a, __m512 b) { return _mm512_max_ps(a, b); }
MOTE_INLINE float first(__m512 a) { return _mm512_cvtss_f32(a); }
MOTE_INLINE __m256 upper_half(__m512 a) { return _mm256_castpd_ps(_mm512_extractf64x4_pd(_mm512_castps_pd(a), 1)); }
MOTE_INLINE __m512 tree_sum(__m512 a) {
  return _mm512_castps256_ps512(tree_sum(_mm256_add_ps(_mm512_castps512_ps256(a), upper_half(a))));
}
MOTE_INLINE __m128 tree_sums(__m512 a, __m512 b, __m512 c, __m512 d) {
  const __m512 ab = _mm512_add_ps(_mm512_shuffle_f32x4(a, b, 0x44), _mm512_shuffle_f32x4(a, b, 0xEE));
  const __m512 cd = _mm512_add_ps(_mm512_shuffle_f32x4(c, d, 0x44), _mm512_shuffle_f32x4(c, d, 0xEE));
  const __m512 four = _mm512_add_ps(_mm512_shuffle_f32x4(ab, cd, 0x88), _mm512_shuffle_f32x4(ab, cd, 0xDD));
  const __m512 two = _mm512_add_ps(four, _mm512_permute_ps(four, 0x4E));
  const __m512 one = _mm512_add_ps(two, _mm512_permute_ps(two, 0xB1));
  return _mm512_castps512_ps128(_mm512_maskz_compress_ps(0x1111, one));
}
MOTE_INLINE __m512 tree_max(__m512 a) {
  return _mm512_castps256_ps512(tree_max(_mm256_max_ps(_mm512_castps512_ps256(a), upper_half(a))));
}
MOTE_INLINE __m512 copy_sign(__m512 magnitude, __m512 sign) {
  const __m512i sign_bit = _mm512_set1_epi32(INT32_MIN);  // 0xCA: the first operand chooses between the others
  return _mm512_castsi512_ps(
      _mm512_ternarylogic_epi32(sign_bit, _mm512_castps_si512(sign), _mm512_castps_si512(magnitude), 0xCA));
}
MOTE_INLINE __m512 to_exponent(__m512 a) { return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_castps_si512(a), 23)); }
MOTE_INLINE __m512 split(__m512 a, __m512& exponent) {
  const __m512i word = _mm512_castps_si512(a);
  const __m512i power = _mm512_srai_epi32(_mm512_sub_epi32(word, _mm512_set1_epi32(0x3F3504F3)), 23);
  exponent = _mm512_cvtepi32_ps(power);
  return _mm512_castsi512_ps(_mm512_sub_epi32(word, _mm512_slli_epi32(power, 23)));
}

#endif

}  // namespace native
}  // namespace MOTE_SIMD_ISA
}  // namespace mote::simd

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif
