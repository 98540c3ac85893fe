// SPDX-License-Identifier: Apache-2.0
// Sixteen int8 in a register of 128 bits, as GCC and clang have them on every architecture. Written out where loops
// over bytes are slow: GCC 12 has their intermediate values in memory with AVX-512. Include after simd.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "simd/simd.hpp"

namespace mote::simd {
inline namespace MOTE_SIMD_ISA {

struct SixteenBytes {
  static constexpr std::size_t kBytes = 16;
  using Vector = signed char __attribute__((vector_size(kBytes)));
  Vector v;

  static MOTE_INLINE SixteenBytes load(const std::int8_t* from) {
    SixteenBytes out;
    std::memcpy(&out.v, from, kBytes);
    return out;
  }
  static MOTE_INLINE SixteenBytes splat(std::int8_t value) { return {value - Vector{}}; }
  MOTE_INLINE void store(std::int8_t* to) const { std::memcpy(to, &v, kBytes); }
};
MOTE_INLINE SixteenBytes larger(SixteenBytes a, SixteenBytes b) { return {a.v > b.v ? a.v : b.v}; }
MOTE_INLINE SixteenBytes smaller(SixteenBytes a, SixteenBytes b) { return {a.v < b.v ? a.v : b.v}; }

}  // namespace MOTE_SIMD_ISA
}  // namespace mote::simd
