// SPDX-License-Identifier: Apache-2.0
// int8 products on Cortex-M with DSP instructions (M4, M7, M33): two 16-bit products at a time (smlad), weights packed
// as mote/model/packed_weights.hpp says, read once for two rows. Exact. Include after simd.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "simd/simd.hpp"

#if defined(__ARM_FEATURE_DSP) && defined(__ARM_FEATURE_SIMD32) && !MOTE_SIMD_XSIMD && !MOTE_SIMD_HELIUM && \
    !defined(__aarch64__)
#define MOTE_SIMD_PAIRS 1
#define MOTE_SIMD_TAPS 1  // multiply_taps()
#include <arm_acle.h>
#else
#define MOTE_SIMD_PAIRS 0
#endif
#if !defined(MOTE_SIMD_TAPS)
#define MOTE_SIMD_TAPS 0
#endif

#if MOTE_SIMD_PAIRS

namespace mote::simd {
inline namespace MOTE_SIMD_ISA {

/// Bytes 0 and 2, and 1 and 3, as two halves of 16 bits each.
struct Pairs {
  std::int32_t even, odd;
};
MOTE_INLINE std::int32_t four_bytes(const std::int8_t* p) {
  std::int32_t word;
  std::memcpy(&word, p, sizeof word);
  return word;
}
MOTE_INLINE Pairs pairs_of(std::int32_t four) {
  std::int32_t odd;  // compilers do not make one instruction of a rotation and __sxtb16
  __asm__("sxtb16 %0, %1, ror #8" : "=r"(odd) : "r"(four));
  return {__sxtb16(four), odd};
}

/// Terms of a row as pairs: for each four the even ones, then the odd ones; what is missing in the last four is 0.
inline void spread_pairs(std::int32_t* to, const std::int8_t* x, std::size_t count) {
  for (; count >= 4; count -= 4, x += 4, to += 2) {
    const Pairs terms = pairs_of(four_bytes(x));
    to[0] = terms.even, to[1] = terms.odd;
  }
  if (count == 0) return;
  std::int8_t rest[4] = {};
  for (std::size_t k = 0; k < count; ++k) rest[k] = x[k];
  const Pairs terms = pairs_of(four_bytes(rest));
  to[0] = terms.even, to[1] = terms.odd;
}

/// Two words that lie side by side, at a multiple of eight bytes: one load.
MOTE_INLINE Pairs both_words(const std::int32_t* p) {
  std::int64_t both;
  std::memcpy(&both, __builtin_assume_aligned(p, 8), sizeof both);
  return {static_cast<std::int32_t>(both), static_cast<std::int32_t>(both >> 32)};
}

/// acc[j] += sum of x times the weights of output j of a block of four; 4 `blocks` terms, blocks > 0.
[[gnu::noinline]] inline void multiply_row(std::int32_t* acc, const std::int32_t* x, std::size_t blocks,
                                           const std::int8_t* weights) {
  std::int32_t a = acc[0], b = acc[1], c = acc[2], d = acc[3];
  const std::int32_t* const end = x + 2 * blocks;
  do {
    const Pairs terms = both_words(x);
    x += 2;
    const auto add = [weights, terms](std::int32_t sum, std::size_t j) MOTE_LAMBDA_INLINE {
      const Pairs w = pairs_of(four_bytes(weights + 4 * j));
      return __smlad(terms.odd, w.odd, __smlad(terms.even, w.even, sum));
    };
    a = add(a, 0), b = add(b, 1), c = add(c, 2), d = add(d, 3);
    weights += 16;
  } while (x != end);
  acc[0] = a, acc[1] = b, acc[2] = c, acc[3] = d;
}

/// The same for two rows, the second's terms and sums kApart words behind the first's, and outputs 0 and 1 of the
/// block.
template <std::size_t kTermsApart, std::size_t kSumsApart>
[[gnu::noinline]] static void multiply_rows(std::int32_t* acc, const std::int32_t* x, std::size_t blocks,
                                            const std::int8_t* weights) {
  std::int32_t xa = acc[0], xb = acc[1], ya = acc[kSumsApart], yb = acc[kSumsApart + 1];
  const std::int32_t* const end = x + 2 * blocks;
  const auto add = [&](std::size_t block) MOTE_LAMBDA_INLINE {
    const std::int32_t first = four_bytes(weights + 16 * block), second = four_bytes(weights + 16 * block + 4);
    const Pairs v = pairs_of(first), w = pairs_of(second);
    const Pairs here = both_words(x + 2 * block), there = both_words(x + 2 * block + kTermsApart);
    xa = __smlad(here.even, v.even, xa), xb = __smlad(here.even, w.even, xb);
    ya = __smlad(there.even, v.even, ya), yb = __smlad(there.even, w.even, yb);
    xa = __smlad(here.odd, v.odd, xa), xb = __smlad(here.odd, w.odd, xb);
    ya = __smlad(there.odd, v.odd, ya), yb = __smlad(there.odd, w.odd, yb);
  };
  if ((blocks & 1) != 0) add(0), x += 2, weights += 16;
  for (; x != end; x += 4, weights += 32) add(0), add(1);
  acc[0] = xa, acc[1] = xb, acc[kSumsApart] = ya, acc[kSumsApart + 1] = yb;
}

/// acc[j] += sum over taps of x[t][j] w[t stride + j] for four channels.
[[gnu::noinline]] inline void multiply_taps(std::int32_t* acc, const std::int8_t* const* x, std::size_t taps,
                                            std::size_t channel, const std::int8_t* w, std::size_t stride) {
  std::int32_t a = acc[0], b = acc[1], c = acc[2], d = acc[3];
  for (const std::int8_t* const* const end = x + taps; x != end; w += stride) {
    const Pairs u = pairs_of(four_bytes(*x++ + channel)), v = pairs_of(four_bytes(w));
    a = __smlabb(u.even, v.even, a), c = __smlatt(u.even, v.even, c);
    b = __smlabb(u.odd, v.odd, b), d = __smlatt(u.odd, v.odd, d);
  }
  acc[0] = a, acc[1] = b, acc[2] = c, acc[3] = d;
}

/// Between -128 and 127.
MOTE_INLINE std::int32_t saturated_byte(std::int32_t value) { return __ssat(value, 8); }

/// (a b + 2^30) / 2^31, rounded down, for -2^30 <= a < 2^30: smmulr.
MOTE_INLINE std::int32_t high_product_of_small(std::int32_t a, std::int32_t b) {
  std::int32_t high;
  __asm__("smmulr %0, %1, %2" : "=r"(high) : "r"(a * 2), "r"(b));
  return high;
}

}  // namespace MOTE_SIMD_ISA
}  // namespace mote::simd

#endif
