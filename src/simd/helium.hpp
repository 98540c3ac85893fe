// SPDX-License-Identifier: Apache-2.0
// int8 products on Cortex-M with Helium (M52, M55, M85): weights packed as mote/model/packed_weights.hpp says, sixteen
// terms of each of four outputs at a time. Exact. Float32 has no vectors there. Include after simd.hpp.
#pragma once

#include <cstddef>
#include <cstdint>

#include "simd/simd.hpp"

#if !MOTE_SIMD_HELIUM
#define MOTE_SIMD_LOOKUP 0
#else
#include <arm_mve.h>

namespace mote::simd {
inline namespace MOTE_SIMD_ISA {

/// Newlib-nano copies byte by byte; most of these are too short for another library's calls.
MOTE_INLINE void copy_bytes(std::int8_t* to, const std::int8_t* from, std::size_t count) {
  __asm__ volatile(
      "wlstp.8 lr, %[count], 2f\n"
      "1:\n\t"
      "vldrb.8 q0, [%[from]], #16\n\t"
      "vstrb.8 q0, [%[to]], #16\n\t"
      "letp lr, 1b\n"
      "2:"
      : [to] "+r"(to), [from] "+r"(from)
      : [count] "r"(count)
      : "q0", "lr", "memory");
}
MOTE_INLINE void fill_bytes(std::int8_t* to, std::int8_t value, std::size_t count) {
  const int8x16_t all = vdupq_n_s8(value);
  __asm__ volatile(
      "wlstp.8 lr, %[count], 2f\n"
      "1:\n\t"
      "vstrb.8 %q[all], [%[to]], #16\n\t"
      "letp lr, 1b\n"
      "2:"
      : [to] "+r"(to)
      : [all] "w"(all), [count] "r"(count)
      : "lr", "memory");
}

/// to[i] = table[from[i]], the index without its sign; to may be from.
#define MOTE_SIMD_LOOKUP 1
MOTE_INLINE void lookup_bytes(std::int8_t* to, const std::int8_t* from, std::size_t count, const std::int8_t* table) {
  __asm__ volatile(
      "wlstp.8 lr, %[count], 2f\n"
      "1:\n\t"
      "vldrb.8 q0, [%[from]], #16\n\t"
      "vldrb.u8 q1, [%[table], q0]\n\t"
      "vstrb.8 q1, [%[to]], #16\n\t"
      "letp lr, 1b\n"
      "2:"
      : [to] "+r"(to), [from] "+r"(from)
      : [count] "r"(count), [table] "r"(table)
      : "q0", "q1", "lr", "memory");
}

/// Where four blocks of packed weights lie, one after the other.
MOTE_INLINE uint32x4_t helium_places() { return vshlq_n_u32(vidupq_n_u32(0, 8), 1); }

/// Four blocks of packed weights, sixteen terms of output j in val[j]; those behind the first `blocks` are not read.
MOTE_INLINE int32x4x4_t helium_blocks(const std::int8_t* w, std::size_t blocks) {
  const auto* const words = reinterpret_cast<const std::int32_t*>(w);
  const mve_pred16_t some = vctp32q(static_cast<std::uint32_t>(blocks));
  const uint32x4_t places = helium_places();
  return {{vldrwq_gather_offset_z_s32(words, places, some), vldrwq_gather_offset_z_s32(words + 1, places, some),
           vldrwq_gather_offset_z_s32(words + 2, places, some), vldrwq_gather_offset_z_s32(words + 3, places, some)}};
}

/// acc[j] += sum over taps of x[t][j] w[t stride + j] for four channels.
#define MOTE_SIMD_TAPS 1
[[gnu::noinline]] inline void multiply_taps(std::int32_t* acc, const std::int8_t* const* x, std::size_t taps,
                                            std::size_t channel, const std::int8_t* w, std::size_t stride) {
  int32x4_t sums = vldrwq_s32(acc);
  for (const std::int8_t* const* const end = x + taps; x != end; w += stride)
    sums = vaddq_s32(sums, vmulq_s32(vldrbq_s32(*x++ + channel), vldrbq_s32(w)));
  vstrwq_s32(acc, sums);
}

/// acc[4 v + j] += the sums of one row's `count` terms, for `vectors` blocks of four outputs, `vector` bytes apart.
[[gnu::noinline]] inline void multiply_row(std::int32_t* acc, const std::int8_t* const x, std::size_t count,
                                           const std::int8_t* weights, std::size_t vector, std::size_t vectors) {
  for (; vectors != 0; --vectors, acc += 4, weights += vector) {
    std::int32_t a = acc[0], b = acc[1], c = acc[2], d = acc[3];
    const auto add = [&](int8x16_t terms, const int32x4x4_t& w) MOTE_LAMBDA_INLINE {
      a = vmladavaq_s8(a, terms, vreinterpretq_s8_s32(w.val[0]));
      b = vmladavaq_s8(b, terms, vreinterpretq_s8_s32(w.val[1]));
      c = vmladavaq_s8(c, terms, vreinterpretq_s8_s32(w.val[2]));
      d = vmladavaq_s8(d, terms, vreinterpretq_s8_s32(w.val[3]));
    };
    const std::int8_t *at = x, *w = weights;
    for (std::size_t steps = count / 16; steps != 0; --steps, at += 16, w += 64)
      add(vldrbq_s8(at), vld4q_s32(reinterpret_cast<const std::int32_t*>(w)));
    const std::size_t rest = count % 16;
    if (rest != 0) add(vldrbq_z_s8(at, vctp8q(static_cast<std::uint32_t>(rest))), helium_blocks(w, (rest + 3) / 4));
    acc[0] = a, acc[1] = b, acc[2] = c, acc[3] = d;
  }
}

}  // namespace MOTE_SIMD_ISA
}  // namespace mote::simd

#endif
