// SPDX-License-Identifier: Apache-2.0
// Rows of int8 terms times packed int8 weights (mote/model/packed_weights.hpp) where sums of sixteen products are one
// instruction (Helium): each row's terms lie side by side, weights are read once for two rows. Exact. Include after
// simd.hpp; intrinsics stay in this directory.
#pragma once

#include <cstddef>
#include <cstdint>

#include "simd/helium.hpp"
#include "simd/simd.hpp"

#if MOTE_SIMD_HELIUM
#define MOTE_SIMD_WHOLE_ROWS 1
#else
#define MOTE_SIMD_WHOLE_ROWS 0
#endif

#if MOTE_SIMD_WHOLE_ROWS

namespace mote::simd {
inline namespace MOTE_SIMD_ISA {

/// Rows of a tile, and the most outputs at a time.
inline constexpr std::size_t kWholeRows = 4, kRowOutputs = 32;

/// The sums of two rows x, `count` > 0 terms each, to[4 v + j] and to[kRowOutputs + 4 v + j], for `vectors` blocks of
/// four outputs, `vector` bytes apart. Eight sums take all registers of the core that vmladava knows, so that the loops
/// are written out; what is used once a block waits in the lanes of two vectors. r7 may be the frame's.
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
      : [behind] "i"(kRowOutputs * sizeof(std::int32_t))
      : "r0", "r2", "r3", "r4", "r5", "r6", "r8", "r9", "r10", "r11", "r12", "lr", "q0", "q1", "q2", "q3", "q4", "q7",
        "cc", "memory");
}

/// acc[kRowOutputs r + 4 v + j] = the sums of `count` terms of row r.
[[gnu::noinline]] inline void multiply_rows(std::int32_t* acc, const std::int8_t* const (&x)[kWholeRows],
                                            std::size_t count, const std::int8_t* weights, std::size_t vector,
                                            std::size_t vectors) {
  for (std::size_t r = 0; r < kWholeRows; r += 2, acc += 2 * kRowOutputs)
    multiply_pair(acc, x + r, count, weights, vector, vectors);
}

}  // namespace MOTE_SIMD_ISA
}  // namespace mote::simd

#endif
