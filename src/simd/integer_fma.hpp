// SPDX-License-Identifier: Apache-2.0
// a b + c with one rounding, in integers: for processors without the instruction. newlib's fmaf rounds twice there
// (it adds in double), and is slower: 184 instructions a call on a Cortex-M3, this 88; 552 on a Cortex-M0+, this 221
// (means over 1 000 calls on values in (-1, 1)). Include simd.hpp, never this file.
#pragma once

#include <bit>
#include <cstdint>

namespace mote::simd {
inline namespace MOTE_SIMD_ISA {
namespace integer {

/// m 2^e; m has its leading one at bit 23, or is 0.
struct Unpacked {
  std::uint32_t m;
  std::int32_t e;
};
MOTE_INLINE std::uint32_t exponent_of(std::uint32_t word) { return word >> 23 & 0xFFU; }
MOTE_INLINE bool is_normal(std::uint32_t word) { return exponent_of(word) - 1U < 254U; }
MOTE_INLINE bool is_finite(std::uint32_t word) { return exponent_of(word) != 255U; }
MOTE_INLINE Unpacked unpack_normal(std::uint32_t word) {
  return {(word & 0x007F'FFFFU) | 0x0080'0000U, static_cast<std::int32_t>(exponent_of(word)) - 150};
}
MOTE_INLINE Unpacked unpack(std::uint32_t word) {
  const std::uint32_t fraction = word & 0x007F'FFFFU;
  if (exponent_of(word) != 0) return unpack_normal(word);
  if (fraction == 0) return {0, -149};
  const int shift = std::countl_zero(fraction) - 8;
  return {fraction << shift, -149 - shift};
}

/// m 2^-shift; whether a one was lost is kept in the last bit. The last kZeros bits of m are zeros.
template <std::uint32_t kZeros>
MOTE_INLINE std::uint64_t shift_right(std::uint64_t m, std::uint32_t shift) {
  if (shift <= kZeros) [[likely]]
    return m >> shift;
  if (shift > 63) return m != 0 ? 1U : 0U;
  const std::uint64_t kept = m >> shift;
  return kept | (kept << shift != m ? 1U : 0U);
}

/// IEEE 754's fusedMultiplyAdd, round to nearest, ties to even: every input, denormals, signed zeros, overflow and
/// infinities included. NaN for NaN, of any payload.
[[gnu::noinline]] inline float mul_add(float a, float b, float c) {
  const auto word_a = std::bit_cast<std::uint32_t>(a), word_b = std::bit_cast<std::uint32_t>(b),
             word_c = std::bit_cast<std::uint32_t>(c);
  constexpr std::uint32_t kInfinity = 0x7F80'0000U;
  Unpacked ua, ub, uc;
  if (is_normal(word_a) && is_normal(word_b) && is_normal(word_c)) [[likely]] {
    ua = unpack_normal(word_a), ub = unpack_normal(word_b), uc = unpack_normal(word_c);
  } else {
    if (!is_finite(word_a) || !is_finite(word_b)) return a * b + c;  // infinity or NaN already
    if (!is_finite(word_c)) return c + c;                            // a b, however large, is finite
    ua = unpack(word_a), ub = unpack(word_b), uc = unpack(word_c);
    if (ua.m == 0 || ub.m == 0) return a * b + c;  // exact, and + has the rule for the signs of zeros
  }
  // Leading ones: product at bit 61 or 62, summand at 61. Where bits are shifted out the other is larger by so much
  // that no cancellation reaches them: the kept last bit decides between half and more than half as they would.
  std::uint64_t m = std::uint64_t{ua.m} * ub.m << 15;
  std::uint64_t summand = std::uint64_t{uc.m} << 38;
  std::int32_t e = ua.e + ub.e - 15;
  std::uint32_t sign = (word_a ^ word_b) & 0x8000'0000U;
  const std::int32_t ahead = e - (uc.e - 38);
  if (ahead >= 0) {
    summand = shift_right<38>(summand, static_cast<std::uint32_t>(ahead));
  } else if (summand != 0) {
    m = shift_right<15>(m, static_cast<std::uint32_t>(-ahead));
    e -= ahead;
  }
  if (((sign ^ word_c) & 0x8000'0000U) == 0) {
    m += summand;
  } else if (m >= summand) {
    m -= summand;
    if (m == 0) return 0.0F;
  } else {
    m = summand - m;
    sign ^= 0x8000'0000U;
  }
  const int leading = std::countl_zero(m);
  m <<= leading;
  std::int32_t exponent = e - leading + 63 + 126;  // of the result, less 1: the leading one adds it again
  if (exponent > 253) return std::bit_cast<float>(sign | kInfinity);
  if (exponent < 0) {
    m = shift_right<0>(m, static_cast<std::uint32_t>(-exponent));
    exponent = 0;
  }
  std::uint32_t word = (static_cast<std::uint32_t>(exponent) << 23) + static_cast<std::uint32_t>(m >> 40);
  const std::uint64_t rest = m << 24;
  constexpr std::uint64_t kHalf = std::uint64_t{1} << 63;
  if (rest > kHalf || (rest == kHalf && (word & 1U) != 0)) ++word;  // may carry into the exponent, up to infinity
  return std::bit_cast<float>(sign | word);
}

}  // namespace integer
}  // namespace MOTE_SIMD_ISA
}  // namespace mote::simd
