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

/// A run of one row.
struct HeliumRow {
  const std::int8_t* x;
  std::size_t count, term;
};

/// What several rows are multiplied by: runs of addresses (one for each row, then count and term: RowRun) and
/// `vectors` blocks of four outputs, `vector` bytes apart.
struct HeliumRuns {
  const void *begin, *end;
  const std::int8_t* weights;
  std::size_t vector, vectors;
  bool more;  // added to the sums that are there
};

/// acc[4 v + j] (+)= the sums of one row.
[[gnu::noinline]] inline void multiply_row(std::int32_t* acc, const HeliumRuns& all) {
  const std::int8_t* block = all.weights;
  for (std::size_t v = 0; v < all.vectors; ++v, acc += 4, block += all.vector) {
    std::int32_t a = 0, b = 0, c = 0, d = 0;
    if (all.more) a = acc[0], b = acc[1], c = acc[2], d = acc[3];
    const auto add = [&](int8x16_t x, const int32x4x4_t& w) MOTE_LAMBDA_INLINE {
      a = vmladavaq_s8(a, x, vreinterpretq_s8_s32(w.val[0])), b = vmladavaq_s8(b, x, vreinterpretq_s8_s32(w.val[1]));
      c = vmladavaq_s8(c, x, vreinterpretq_s8_s32(w.val[2])), d = vmladavaq_s8(d, x, vreinterpretq_s8_s32(w.val[3]));
    };
    const auto* const end = static_cast<const HeliumRow*>(all.end);
    for (const auto* run = static_cast<const HeliumRow*>(all.begin); run != end; ++run) {
      const std::int8_t *x = run->x, *w = block + run->term * 4;
      for (std::size_t steps = run->count / 16; steps != 0; --steps, x += 16, w += 64)
        add(vldrbq_s8(x), vld4q_s32(reinterpret_cast<const std::int32_t*>(w)));
      const std::size_t rest = run->count % 16;
      if (rest != 0) add(vldrbq_z_s8(x, vctp8q(static_cast<std::uint32_t>(rest))), helium_blocks(w, (rest + 3) / 4));
    }
    acc[0] = a, acc[1] = b, acc[2] = c, acc[3] = d;
  }
}

/// The sums of two rows x, `count` > 0 terms each, to[4 v + j] and kBehind bytes behind it, for `vectors` blocks of
/// four outputs, `vector` bytes apart. Eight sums take all registers of the core that vmladava knows, so that the loops
/// are written out; what is used once a block waits in the lanes of two vectors. r7 may be the frame's.
template <std::size_t kBehind>
MOTE_INLINE void multiply_pair(std::int32_t* to, const std::int8_t* const* x, std::size_t count,
                               const std::int8_t* weights, std::size_t vector, std::size_t vectors) {
  const auto word = [](const void* p) MOTE_LAMBDA_INLINE { return reinterpret_cast<std::uintptr_t>(p); };
  uint32x4_t rows{word(x[0]), count, word(x[1]), word(to)}, blocks{word(weights), 0, vector, 0};
  register std::size_t left __asm__("r1") = vectors;
  __asm__ volatile(
      "1:\n\t"  // a block of outputs
      "vmov r5, r4, %q[blocks][2], %q[blocks][0]\n\t"
      "vmov r9, r3, %q[rows][2], %q[rows][0]\n\t"
      "vmov.32 r11, %q[rows][1]\n\t"
      "add r4, r4, r5\n\t"
      "ands r0, r11, #15\n\t"
      "vmov.32 %q[blocks][0], r4\n\t"
      "beq 2f\n\t"
      // the terms behind the last sixteen: their blocks one by one, what is not there as zeros
      "bic r11, r11, #15\n\t"
      "movs r4, #0\n\t"
      "add r2, r0, #3\n\t"
      "vidup.u32 q7, r4, #8\n\t"
      "lsrs r2, r2, #2\n\t"
      "vshl.i32 q7, q7, #1\n\t"
      "add r6, r5, r11, lsl #2\n\t"
      "vctp.32 r2\n\t"
      "vadd.i32 q7, q7, r6\n\t"
      "vpstttt\n\t"
      "vldrwt.u32 q0, [q7]\n\t"
      "vldrwt.u32 q1, [q7, #4]\n\t"
      "vldrwt.u32 q2, [q7, #8]\n\t"
      "vldrwt.u32 q3, [q7, #12]\n\t"
      "add r4, r9, r11\n\t"
      "add r6, r3, r11\n\t"
      "vctp.8 r0\n\t"
      "vpstt\n\t"
      "vldrbt.8 q4, [r4]\n\t"
      "vldrbt.8 q7, [r6]\n\t"
      "b 3f\n"
      "2:\n\t"  // or the first sixteen
      "vld40.32 {q0, q1, q2, q3}, [r5]\n\t"
      "vld41.32 {q0, q1, q2, q3}, [r5]\n\t"
      "vldrb.8 q4, [r9], #16\n\t"
      "vld42.32 {q0, q1, q2, q3}, [r5]\n\t"
      "vldrb.8 q7, [r3], #16\n\t"
      "vld43.32 {q0, q1, q2, q3}, [r5]!\n\t"
      "sub r11, r11, #16\n"
      "3:\n\t"
      "vmladav.s8 r0, q0, q4\n\t"
      "vmladav.s8 r2, q1, q4\n\t"
      "vmladav.s8 r4, q2, q4\n\t"
      "vmladav.s8 r6, q3, q4\n\t"
      "vmladav.s8 r8, q0, q7\n\t"
      "vmladav.s8 r10, q1, q7\n\t"
      "vmladav.s8 r12, q2, q7\n\t"
      "vmladav.s8 lr, q3, q7\n\t"
      "subs r11, r11, #16\n\t"
      "blo 5f\n"
      "4:\n\t"  // sixteen more
      "vld40.32 {q0, q1, q2, q3}, [r5]\n\t"
      "vld41.32 {q0, q1, q2, q3}, [r5]\n\t"
      "vldrb.8 q4, [r9], #16\n\t"
      "vld42.32 {q0, q1, q2, q3}, [r5]\n\t"
      "vld43.32 {q0, q1, q2, q3}, [r5]!\n\t"
      "vmladava.s8 r0, q0, q4\n\t"
      "vldrb.8 q7, [r3], #16\n\t"
      "vmladava.s8 r2, q1, q4\n\t"
      "vmladava.s8 r4, q2, q4\n\t"
      "vmladava.s8 r6, q3, q4\n\t"
      "subs r11, r11, #16\n\t"
      "vmladava.s8 r8, q0, q7\n\t"
      "vmladava.s8 r10, q1, q7\n\t"
      "vmladava.s8 r12, q2, q7\n\t"
      "vmladava.s8 lr, q3, q7\n\t"
      "bhs 4b\n"
      "5:\n\t"
      "vmov.32 r3, %q[rows][3]\n\t"
      "subs r1, r1, #1\n\t"
      "strd r8, r10, [r3, %[behind]]\n\t"
      "strd r12, lr, [r3, %[behind] + 8]\n\t"
      "strd r0, r2, [r3], #8\n\t"
      "strd r4, r6, [r3], #8\n\t"
      "vmov.32 %q[rows][3], r3\n\t"
      "bne 1b"
      : "+r"(left), [rows] "+w"(rows), [blocks] "+w"(blocks)
      : [behind] "i"(kBehind)
      : "r0", "r2", "r3", "r4", "r5", "r6", "r8", "r9", "r10", "r11", "r12", "lr", "q0", "q1", "q2", "q3", "q4", "q7",
        "cc", "memory");
}

/// acc[(kVectors r + v) 4 + j] (+)= the sums of kRows rows, two at a time.
template <std::size_t kRows, std::size_t kVectors>
[[gnu::noinline]] static void multiply_rows(std::int32_t* acc, const HeliumRuns& all) {
  static_assert(kRows % 2 == 0);
  constexpr std::size_t kWidth = kVectors * 4, kBehind = kWidth * sizeof(std::int32_t);
  struct Run {
    const std::int8_t* x[kRows];
    std::size_t count, term;
  };
  const auto* const begin = static_cast<const Run*>(all.begin);
  const auto* const end = static_cast<const Run*>(all.end);
  for (std::size_t r = 0; r < kRows; r += 2, acc += 2 * kWidth) {
    for (const Run* run = begin; run != end; ++run) {
      const std::int8_t* const weights = all.weights + run->term * 4;
      if (run == begin && !all.more) {
        multiply_pair<kBehind>(acc, run->x + r, run->count, weights, all.vector, all.vectors);
        continue;
      }
      std::int32_t more[2 * kWidth];
      multiply_pair<kBehind>(more, run->x + r, run->count, weights, all.vector, all.vectors);
      for (std::size_t i = 0; i < 2 * kWidth; i += 4)
        vstrwq_s32(acc + i, vaddq_s32(vldrwq_s32(acc + i), vldrwq_s32(more + i)));
    }
  }
}

}  // namespace MOTE_SIMD_ISA
}  // namespace mote::simd

#endif
