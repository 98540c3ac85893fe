// SPDX-License-Identifier: Apache-2.0
// Depthwise convolution of int8 where sums of many products are one instruction (Helium): a plane holds, for each of
// sixteen channels, four lines of some columns, and a window of 4 x 4 taps of a channel is one vector of it. Exact.
// Include after simd.hpp; intrinsics stay in this directory.
#pragma once

#include <cstddef>
#include <cstdint>

#include "simd/rescale.hpp"
#include "simd/simd.hpp"

#if MOTE_SIMD_HELIUM
#define MOTE_SIMD_TAP_PLANES 1
#else
#define MOTE_SIMD_TAP_PLANES 0
#endif

#if MOTE_SIMD_TAP_PLANES

namespace mote::simd {
inline namespace MOTE_SIMD_ISA {

/// Channels of a plane, its lines, and the bytes of a column: [channel][line].
inline constexpr std::size_t kPlaneChannels = 16, kPlaneLines = 4, kPlaneColumn = kPlaneChannels * kPlaneLines;

/// The channels of one pixel in each of four lines, and how far it is to the next; 0 where a line is the same
/// everywhere.
struct PlaneSource {
  const std::int8_t* line[kPlaneLines];
  std::size_t step[kPlaneLines];
};

/// `count` columns of the first `channels` channels, the lines' bytes side by side.
[[gnu::noinline]] inline void fill_plane(std::int8_t* plane, const PlaneSource& from, std::size_t count,
                                         std::size_t channels) {
  const std::int8_t *a = from.line[0], *b = from.line[1], *c = from.line[2], *d = from.line[3];
  for (; count != 0; --count) {
    __asm__ volatile(
        "vctp.8 %[n]\n\t"
        "vpstttt\n\t"
        "vldrbt.8 q0, [%[a]]\n\t"
        "vldrbt.8 q1, [%[b]]\n\t"
        "vldrbt.8 q2, [%[c]]\n\t"
        "vldrbt.8 q3, [%[d]]\n\t"
        "vst40.8 {q0, q1, q2, q3}, [%[to]]\n\t"
        "vst41.8 {q0, q1, q2, q3}, [%[to]]\n\t"
        "vst42.8 {q0, q1, q2, q3}, [%[to]]\n\t"
        "vst43.8 {q0, q1, q2, q3}, [%[to]]!"
        : [to] "+r"(plane)
        : [a] "r"(a), [b] "r"(b), [c] "r"(c), [d] "r"(d), [n] "r"(channels)
        : "q0", "q1", "q2", "q3", "memory");
    a += from.step[0], b += from.step[1], c += from.step[2], d += from.step[3];
  }
}

/// Columns that are laid out at a time, which are at least as many as windows.
inline constexpr std::size_t kPlaneColumns = 48;

/// Windows of a plane: where the first column of each lies, and its outputs in one or two lines, in bytes from the
/// first one's.
struct PlaneWindows {
  const std::int8_t* places[kPlaneColumns];
  std::uint32_t outputs[2][kPlaneColumns];
  std::size_t count;             // a multiple of four
  std::uint32_t taps, dilation;  // side by side, and columns from one to the next
  std::size_t rows;              // lines of the plane between two lines of outputs
};

/// What becomes of the sums of `count` channels.
struct PlaneChannels {
  const std::int8_t* weights;              // [channel][kPlaneTaps columns][line], zeros where there is no tap
  const std::int32_t *bias, *multipliers;  // no bias: null
  const std::int8_t* shifts;
  std::size_t count;
};
inline constexpr std::size_t kPlaneTaps = 8;

/// Of the two registers of a vmov the first goes to the lower lane, which is named behind the upper one.
MOTE_INLINE int32x4_t four_words(const std::int32_t (&v)[4]) {
  int32x4_t words;
  __asm__("vmov %q0[2], %q0[0], %1, %3\n\tvmov %q0[3], %q0[1], %2, %4"
          : "=&w"(words)
          : "r"(v[0]), "r"(v[1]), "r"(v[2]), "r"(v[3]));
  return words;
}

/// UniformScale's sign, and what becomes of every output.
struct PlaneLimits {
  int32x4_t sign, zero_point, low, high;
};

/// One channel of all windows, two lines of outputs: UniformRescaler's arithmetic in the registers that are left,
/// because the compiler (GCC 12) takes a third more instructions.
MOTE_INLINE void filter_two_lines(const PlaneWindows& windows, uint32x4_t taps, int8x16_t w, int8x16_t below,
                                  std::int32_t bias, const UniformScale& scale, const PlaneLimits& limits,
                                  std::int8_t* to) {
  static_assert(offsetof(PlaneWindows, outputs) == 4 * kPlaneColumns);
  register const std::int8_t* const* place __asm__("r1") = windows.places;
  register std::int8_t* output __asm__("r3") = to;
  register std::int32_t first __asm__("r5") = bias;
  register std::int32_t multiplier __asm__("r8") = scale.multiplier;
  register std::int32_t left __asm__("r9") = scale.left;
  register std::int32_t right __asm__("r10") = scale.right;
  register const PlaneLimits* constants __asm__("r11") = &limits;
  register std::size_t steps __asm__("lr") = windows.count / 4;
  __asm__ volatile(
      "dls lr, lr\n"
      "1:\n\t"
      "ldrd r0, r2, [%[place]], #8\n\t"
      "ldrd r4, r6, [%[place]], #8\n\t"
      "vldrw.u32 q0, [r0, %q[taps]]\n\t"
      "vldrw.u32 q1, [r2, %q[taps]]\n\t"
      "vmladav.s8 r0, q0, %q[w]\n\t"
      "vldrw.u32 q2, [r4, %q[taps]]\n\t"
      "vmladav.s8 r2, q1, %q[w]\n\t"
      "vldrw.u32 q3, [r6, %q[taps]]\n\t"
      "vmladav.s8 r4, q2, %q[w]\n\t"
      "vmladav.s8 r6, q3, %q[w]\n\t"
      "vmov q4[2], q4[0], r0, r4\n\t"
      "vmladav.s8 r0, q0, %q[below]\n\t"
      "vmov q4[3], q4[1], r2, r6\n\t"
      "vmladav.s8 r4, q2, %q[below]\n\t"
      "vmladav.s8 r2, q1, %q[below]\n\t"
      "vmladav.s8 r6, q3, %q[below]\n\t"
      "vmov q0[2], q0[0], r0, r4\n\t"
      "vadd.i32 q4, q4, %[bias]\n\t"
      "vmov q0[3], q0[1], r2, r6\n\t"
      "vshl.s32 q4, %[left]\n\t"
      "vadd.i32 q0, q0, %[bias]\n\t"
      "vqrdmulh.s32 q4, q4, %[multiplier]\n\t"
      "vldrw.32 q1, [%[limits]]\n\t"
      "vshl.s32 q0, %[left]\n\t"
      "vshl.s32 q2, q4, q1\n\t"
      "vqrdmulh.s32 q0, q0, %[multiplier]\n\t"
      "vqadd.s32 q4, q4, q2\n\t"
      "vshl.s32 q2, q0, q1\n\t"
      "vrshl.s32 q4, %[right]\n\t"
      "vqadd.s32 q0, q0, q2\n\t"
      "vldrw.32 q3, [%[limits], #16]\n\t"
      "vrshl.s32 q0, %[right]\n\t"
      "vldrw.32 q1, [%[limits], #32]\n\t"
      "vadd.i32 q4, q4, q3\n\t"
      "vldrw.32 q2, [%[limits], #48]\n\t"
      "vadd.i32 q0, q0, q3\n\t"
      "vmax.s32 q4, q4, q1\n\t"
      "vldrw.32 q3, [%[place], %[outputs]]\n\t"
      "vmax.s32 q0, q0, q1\n\t"
      "vmin.s32 q4, q4, q2\n\t"
      "vldrw.32 q1, [%[place], %[second]]\n\t"
      "vmin.s32 q0, q0, q2\n\t"
      "vstrb.32 q4, [%[to], q3]\n\t"
      "vstrb.32 q0, [%[to], q1]\n\t"
      "le lr, 1b"
      : [place] "+r"(place), "+r"(steps)
      : [taps] "w"(taps), [w] "w"(w), [below] "w"(below), [bias] "r"(first), [left] "r"(left), [right] "r"(right),
        [multiplier] "r"(multiplier), [limits] "r"(constants), [to] "r"(output), [outputs] "i"(4 * kPlaneColumns - 16),
        [second] "i"(8 * kPlaneColumns - 16)
      : "r0", "r2", "r4", "r6", "q0", "q1", "q2", "q3", "q4", "memory");
}

/// The channels of all windows, kLines lines of outputs (1 or 2), kGroups times four columns of taps (1 or 2).
template <std::size_t kLines, std::size_t kGroups>
[[gnu::noinline]] static void filter_planes(const PlaneWindows& windows, const PlaneChannels& as,
                                            const OutputRange& range, std::int8_t* to) {
  static_assert(kLines == 1 || kGroups == 1);
  uint32x4_t taps[kGroups];
  for (std::size_t g = 0; g < kGroups; ++g) {
    const auto first = static_cast<std::uint32_t>(4 * g), step = windows.dilation * std::uint32_t{kPlaneColumn};
    const uint32x4_t places = vmulq_n_u32(vaddq_n_u32(vidupq_n_u32(0, 1), first), step);
    // A tap that is not there has no weight: it is read where the first is.
    taps[g] = vpselq_u32(places, vdupq_n_u32(0), vctp32q(windows.taps - first));
  }
  PlaneLimits limits{vdupq_n_s32(0), vdupq_n_s32(range.zero_point), vdupq_n_s32(range.low), vdupq_n_s32(range.high)};
  const std::int8_t* weights = as.weights;
  for (std::size_t c = 0; c < as.count; ++c, ++to, weights += kPlaneTaps * kPlaneLines) {
    const std::int32_t bias = as.bias != nullptr ? as.bias[c] : 0;
    const int8x16_t w = vldrbq_s8(weights);
    if constexpr (kLines == 2) {
      const UniformScale scale(as.multipliers[c], as.shifts[c]);
      const auto below = static_cast<std::int32_t>(8 * windows.rows);
      limits.sign = vdupq_n_s32(scale.sign);
      filter_two_lines(windows, taps[0], w, vreinterpretq_s8_s32(vshlq_r_s32(vreinterpretq_s32_s8(w), below)), bias,
                       scale, limits, to);
    } else {
      const UniformRescaler rescaler(as.multipliers[c], as.shifts[c], kWords, range);
      [[maybe_unused]] const int8x16_t behind = vldrbq_s8(weights + 16);
      for (std::size_t first = 0; first < windows.count; first += 4) {
        const auto window = [&](std::size_t i, std::size_t g) MOTE_LAMBDA_INLINE {
          return vreinterpretq_s8_s32(
              vldrwq_gather_offset_s32(reinterpret_cast<const std::int32_t*>(windows.places[first + i]), taps[g]));
        };
        std::int32_t sums[4];
#pragma GCC unroll 4
        for (std::size_t i = 0; i < 4; ++i) {
          sums[i] = vmladavq_s8(window(i, 0), w);
          if constexpr (kGroups == 2) sums[i] = vmladavaq_s8(sums[i], window(i, 1), behind);
        }
        const int32x4_t all = vaddq_n_s32(four_words(sums), bias);
        vstrbq_scatter_offset_s32(to, vldrwq_u32(windows.outputs[0] + first), rescaler.clamped(rescaler.of(all)));
      }
    }
    for (std::size_t g = 0; g < kGroups; ++g) taps[g] = vaddq_n_u32(taps[g], kPlaneLines);
  }
}

}  // namespace MOTE_SIMD_ISA
}  // namespace mote::simd

#endif
