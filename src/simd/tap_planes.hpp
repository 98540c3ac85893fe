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

/// Windows of a plane: where the first column of each lies, and its output, in bytes from the first one's.
struct PlaneWindows {
  const std::int8_t* const* places;
  const std::uint32_t* outputs;
  std::size_t count;              // a multiple of four
  std::uint32_t taps, dilation;   // side by side, and columns from one to the next
  std::size_t second_line, rows;  // of two lines of outputs: bytes between them, and lines of the plane
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
  const auto below = static_cast<std::int32_t>(8 * windows.rows);
  const std::int8_t* weights = as.weights;
  for (std::size_t c = 0; c < as.count; ++c, ++to, weights += kPlaneTaps * kPlaneLines) {
    const UniformRescaler rescaler(as.multipliers[c], as.shifts[c], kWords, range);
    const std::int32_t bias = as.bias != nullptr ? as.bias[c] : 0;
    int8x16_t w[kLines * kGroups];
    w[0] = vldrbq_s8(weights);
    if constexpr (kLines == 2) w[1] = vreinterpretq_s8_s32(vshlq_r_s32(vreinterpretq_s32_s8(w[0]), below));
    if constexpr (kGroups == 2) w[1] = vldrbq_s8(weights + 16);
    const std::int8_t* const* place = windows.places;
    const std::uint32_t* output = windows.outputs;
    std::int8_t* const next = to + windows.second_line;
    for (std::size_t count = windows.count; count != 0; count -= 4, place += 4, output += 4) {
      const auto window = [&](std::size_t i, std::size_t g) MOTE_LAMBDA_INLINE {
        return vreinterpretq_s8_s32(vldrwq_gather_offset_s32(reinterpret_cast<const std::int32_t*>(place[i]), taps[g]));
      };
      int8x16_t x[4];
#pragma GCC unroll 4
      for (std::size_t i = 0; i < 4; ++i) x[i] = window(i, 0);
      const auto store = [&](std::int8_t* at, std::size_t line) MOTE_LAMBDA_INLINE {
        std::int32_t sums[4];
#pragma GCC unroll 4
        for (std::size_t i = 0; i < 4; ++i) sums[i] = vmladavq_s8(x[i], w[line]);
        if constexpr (kGroups == 2)
#pragma GCC unroll 4
          for (std::size_t i = 0; i < 4; ++i) sums[i] = vmladavaq_s8(sums[i], window(i, 1), w[1]);
        const int32x4_t all = vaddq_n_s32(four_words(sums), bias);
        vstrbq_scatter_offset_s32(at, vldrwq_u32(output), rescaler.clamped(rescaler.of(all)));
      };
      store(to, 0);
      if constexpr (kLines == 2) store(next, 1);
    }
    for (std::size_t g = 0; g < kGroups; ++g) taps[g] = vaddq_n_u32(taps[g], kPlaneLines);
  }
}

}  // namespace MOTE_SIMD_ISA
}  // namespace mote::simd

#endif
