// SPDX-License-Identifier: Apache-2.0
// Lines of a depthwise convolution under a filter three taps wide, forward and towards the input: each input column is
// loaded once for the outputs that it meets. Relies on tile_f32.hpp and window_f32.hpp.
#include "kernels/depthwise_lines_f32.hpp"

#include <algorithm>
#include <cstddef>

#include "kernels/tile_f32.hpp"
#include "simd/narrow.hpp"
#include "simd/simd.hpp"

namespace mote::MOTE_KERNELS {
namespace {

/// Neighbouring pixels of a line under a filter three taps wide: each input column is loaded once and serves up to
/// three outputs. out[r][c] = bias[c] + sum over taps of a[tap_y][r kStride + tap_x][c] b[tap_y][tap_x][c].
struct LineJob {
  const float* a;  // column of output 0's first tap, in the first line of taps
  float* out;
  const float* b;
  const float* bias;  // null: 0
  std::size_t taps_y;
  std::ptrdiff_t a_step_y, a_step_x, b_step_y, b_step_x, out_step;
  Clamp clamp;
  std::size_t cut_first, cut_last;  // so many columns at the ends lie outside the image, two at most
};

/// Lines of a segment and the floats from one to the next.
struct LineSteps {
  std::size_t lines;
  std::ptrdiff_t a, out;
};

template <class Lanes, std::size_t kStride, std::size_t kOutputs, std::size_t kVectors, bool kPartial>
void line_tile(const LineJob& job, std::size_t column, std::size_t tail) {
  using Vector = typename Lanes::Vector;
  constexpr std::size_t kTaps = 3, kColumns = (kOutputs - 1) * kStride + kTaps;
  Vector acc[kOutputs][kVectors];
  unroll<kVectors>([&](auto v) MOTE_UNROLLED {
    constexpr bool kCut = kPartial && last_of<kVectors>(v);
    Vector bias = Lanes::zero();
    if (job.bias != nullptr) bias = load_columns<Lanes, kCut>(job.bias + column + v * Lanes::kLanes, tail);
    unroll<kOutputs>([&](auto r) MOTE_UNROLLED { acc[r][v] = bias; });
  });
  const float* a_line = job.a + column;
  const float* b_line = job.b + column;
  for (std::size_t y = 0; y < job.taps_y; ++y, a_line += job.a_step_y, b_line += job.b_step_y) {
    Vector weights[kTaps][kVectors];
    unroll<kTaps>([&](auto j) MOTE_UNROLLED {
      unroll<kVectors>([&](auto v) MOTE_UNROLLED {
        const float* from = b_line + static_cast<std::ptrdiff_t>(j()) * job.b_step_x + v * Lanes::kLanes;
        constexpr bool kCut = kPartial && last_of<kVectors>(v);
        weights[j][v] = load_columns<Lanes, kCut>(from, tail);
      });
    });
    const float* a = a_line;
    unroll<kColumns>([&](auto x) MOTE_UNROLLED {
      const bool outside = (x < 2 && x < job.cut_first) || (x + 2 >= kColumns && x + job.cut_last >= kColumns);
      if (!outside) {
        unroll<kVectors>([&](auto v) MOTE_UNROLLED {
          constexpr bool kCut = kPartial && last_of<kVectors>(v);
          const Vector in = Lanes::in_register(load_columns<Lanes, kCut>(a + v * Lanes::kLanes, tail));
          unroll<kTaps>([&](auto j) MOTE_UNROLLED {
            constexpr bool kMeets = x >= j && (x - j) % kStride == 0 && (x - j) / kStride < kOutputs;
            if constexpr (kMeets) {
              constexpr std::size_t kOutput = (x - j) / kStride;
              acc[kOutput][v] = mul_add(in, weights[j][v], acc[kOutput][v]);
            }
          });
        });
      }
      a += job.a_step_x;
    });
  }
  float* out = job.out + column;
  unroll<kOutputs>([&](auto r) MOTE_UNROLLED {
    unroll<kVectors>([&](auto v) MOTE_UNROLLED {
      constexpr bool kCut = kPartial && last_of<kVectors>(v);
      store_clamped<Lanes, kCut>(out + v * Lanes::kLanes, tail, acc[r][v], job.clamp);
    });
    out += job.out_step;
  });
}

/// kOutputs pixels, all channels.
template <std::size_t kStride, std::size_t kOutputs>
void line_channels(const LineJob& job, std::size_t channels) {
  constexpr std::size_t kVectors = simd::kAccumulators >= 24 ? 2 : 1;
  std::size_t c = 0;
  for (; c + kVectors * kLanes <= channels; c += kVectors * kLanes)
    line_tile<WideLanes, kStride, kOutputs, kVectors, false>(job, c, 0);
  if constexpr (kVectors > 1) {
    for (; c + kLanes <= channels; c += kLanes) line_tile<WideLanes, kStride, kOutputs, 1, false>(job, c, 0);
  }
  const std::size_t left = channels - c;
  if constexpr (simd::kHasNarrowLanes) {
    if (left == NarrowLanes::kLanes) return line_tile<NarrowLanes, kStride, kOutputs, 1, false>(job, c, 0);
  }
  if constexpr (!kScalar) {
    if (left != 0) line_tile<WideLanes, kStride, kOutputs, 1, true>(job, c, left);
  }
}

/// How many columns of taps of `count` pixels from `at` lie outside the image.
inline void set_cuts(LineJob& job, const Axis& axis, std::ptrdiff_t at, std::ptrdiff_t count) {
  const auto outside = [](std::ptrdiff_t columns) { return static_cast<std::size_t>(columns < 0 ? 0 : columns); };
  const std::ptrdiff_t first = at * axis.stride - axis.pad;
  job.cut_first = outside(-first);
  job.cut_last = outside(first + (count - 1) * axis.stride + 3 - axis.source);
}

/// All pixels of a line, which begins at job.a and job.out.
template <std::size_t kStride>
MOTE_INLINE void run_line(LineJob job, const Axis& axis, std::size_t channels) {
  for (std::ptrdiff_t at = 0, count = 0; at < axis.target; at += count) {
    const std::ptrdiff_t left = axis.target - at;
    count = left >= 8 ? 8 : left == 7 ? 4 : left;
    set_cuts(job, axis, at, count);
    switch (count) {
      case 8: line_channels<kStride, 8>(job, channels); break;
      case 6: line_channels<kStride, 6>(job, channels); break;
      case 5: line_channels<kStride, 5>(job, channels); break;
      case 4: line_channels<kStride, 4>(job, channels); break;
      case 3: line_channels<kStride, 3>(job, channels); break;
      case 2: line_channels<kStride, 2>(job, channels); break;
      default: line_channels<kStride, 1>(job, channels); break;
    }
    job.a += count * axis.stride * job.a_step_x;
    job.out += count * job.out_step;
  }
}

/// kOutputs pixels of each line of a segment under a 3 × 3 filter, whose weights stay in registers. kFirst, kLast: the
/// pixels are the first or last of a line, where the filter reaches one column beyond the image.
template <class Lanes, std::size_t kStride, std::size_t kOutputs, bool kFirst, bool kLast>
void block_tile(const LineJob& job, const LineSteps& steps, std::size_t column) {
  using Vector = typename Lanes::Vector;
  constexpr std::size_t kTaps = 3, kColumns = (kOutputs - 1) * kStride + kTaps;
  Vector weights[kTaps][kTaps];
  unroll<kTaps>([&](auto i) MOTE_UNROLLED {
    unroll<kTaps>([&](auto j) MOTE_UNROLLED {
      weights[i][j] = Lanes::load(job.b + static_cast<std::ptrdiff_t>(i()) * job.b_step_y +
                                  static_cast<std::ptrdiff_t>(j()) * job.b_step_x + column);
    });
  });
  const Vector bias = job.bias == nullptr ? Lanes::zero() : Lanes::load(job.bias + column);
  const Vector low = Lanes::splat(job.clamp.low), high = Lanes::splat(job.clamp.high);
  const std::ptrdiff_t a_step_x = job.a_step_x, a_step_y = job.a_step_y, out_step = job.out_step;
  const float* a_line = job.a + column;
  float* out_line = job.out + column;
  for (std::size_t left = steps.lines; left > 0; --left, a_line += steps.a, out_line += steps.out) {
    Vector acc[kOutputs];
    unroll<kOutputs>([&](auto r) MOTE_UNROLLED { acc[r] = bias; });
    unroll<kTaps>([&](auto i) MOTE_UNROLLED {
      const float* a = a_line + static_cast<std::ptrdiff_t>(i()) * a_step_y;
      unroll<kColumns>([&](auto x) MOTE_UNROLLED {
        constexpr bool kOutside = (kFirst && x == 0) || (kLast && x + 1 == kColumns);
        if constexpr (!kOutside) {
          const Vector in = Lanes::in_register(Lanes::load(a));
          unroll<kTaps>([&](auto j) MOTE_UNROLLED {
            constexpr bool kMeets = x >= j && (x - j) % kStride == 0 && (x - j) / kStride < kOutputs;
            if constexpr (kMeets) {
              constexpr std::size_t kOutput = (x - j) / kStride;
              acc[kOutput] = mul_add(in, weights[i][j], acc[kOutput]);
            }
          });
        }
        a += a_step_x;
      });
    });
    float* out = out_line;
    unroll<kOutputs>([&](auto r) MOTE_UNROLLED {
      Lanes::store(out, min(high, max(low, acc[r])));
      out += out_step;
    });
  }
}

/// block_tile() for all channels.
template <std::size_t kStride, std::size_t kOutputs, bool kFirst, bool kLast>
void block_channels(const LineJob& job, const LineSteps& steps, std::size_t channels) {
  std::size_t c = 0;
  for (; c + kLanes <= channels; c += kLanes) block_tile<WideLanes, kStride, kOutputs, kFirst, kLast>(job, steps, c);
  if (c < channels) block_tile<NarrowLanes, kStride, kOutputs, kFirst, kLast>(job, steps, c);
}

/// Blocks of a long line: the last may overlap the one before, and computes the same again.
template <std::size_t kStride, std::size_t kOutputs>
void run_blocks(LineJob job, const LineSteps& steps, std::ptrdiff_t width, std::size_t channels) {
  constexpr auto kCount = static_cast<std::ptrdiff_t>(kOutputs);
  for (std::ptrdiff_t at = 0;;) {
    if (at == 0 && job.cut_first != 0) {
      block_channels<kStride, kOutputs, true, false>(job, steps, channels);
    } else if (at + kCount == width && job.cut_last != 0) {
      block_channels<kStride, kOutputs, false, true>(job, steps, channels);
    } else {
      block_channels<kStride, kOutputs, false, false>(job, steps, channels);
    }
    if (at + kCount == width) return;
    const std::ptrdiff_t step = std::min(kCount, width - kCount - at);
    at += step;
    job.a += step * static_cast<std::ptrdiff_t>(kStride) * job.a_step_x;
    job.out += step * job.out_step;
  }
}
template <std::size_t kStride>
void run_long_lines(const LineJob& job, const LineSteps& steps, std::ptrdiff_t width, std::size_t channels) {
  const std::ptrdiff_t blocks = (width + 7) / 8, count = (width + blocks - 1) / blocks;
  if (count == 5) return run_blocks<kStride, 5>(job, steps, width, channels);
  if (count == 6) return run_blocks<kStride, 6>(job, steps, width, channels);
  run_blocks<kStride, 8>(job, steps, width, channels);
}

/// Whether blocks can take all lines of a segment: enough registers, whole vectors, and no line so short that its ends
/// meet but with stride 1 and padding on both sides.
inline bool has_blocks(const LineJob& job, const Axis& x, std::ptrdiff_t lines, std::size_t channels) {
  const std::size_t left = channels % kLanes;
  if (simd::kAccumulators < 24 || lines < 2 || job.taps_y != 3 || (left != 0 && left != NarrowLanes::kLanes))
    return false;
  if (x.target <= 8) return x.stride == 1 && job.cut_first == 1 && job.cut_last == 1;
  return job.cut_first <= 1 && job.cut_last <= 1;
}

/// All lines of a segment for which has_blocks(). Not inline: the other lines' code is better without it.
__attribute__((noinline)) inline void run_lines(const LineJob& job, const LineSteps& steps, const Axis& x,
                                                std::size_t channels) {
  switch (x.target) {
    case 1: return block_channels<1, 1, true, true>(job, steps, channels);
    case 2: return block_channels<1, 2, true, true>(job, steps, channels);
    case 3: return block_channels<1, 3, true, true>(job, steps, channels);
    case 4: return block_channels<1, 4, true, true>(job, steps, channels);
    case 5: return block_channels<1, 5, true, true>(job, steps, channels);
    case 6: return block_channels<1, 6, true, true>(job, steps, channels);
    case 7: return block_channels<1, 7, true, true>(job, steps, channels);
    case 8: return block_channels<1, 8, true, true>(job, steps, channels);
    default:
      return x.stride == 1 ? run_long_lines<1>(job, steps, x.target, channels)
                           : run_long_lines<2>(job, steps, x.target, channels);
  }
}

}  // namespace

void filter_lines(const Walk& walk, const Segment& y, std::size_t channels, const float* source, const float* first_tap,
                  std::ptrdiff_t b_step, const RowsJob& rows, float* target) {
  const auto c = static_cast<std::ptrdiff_t>(channels);
  const Axis& x = walk.x;
  LineJob job;
  job.b = first_tap + y.tap * x.filter * b_step;
  job.bias = rows.bias;
  job.clamp = rows.clamp;
  job.taps_y = static_cast<std::size_t>(y.taps);
  job.a_step_y = y.from_tap * x.source * c;
  job.a_step_x = job.out_step = c;
  job.b_step_y = y.tap_step * x.filter * b_step;
  job.b_step_x = b_step;
  set_cuts(job, x, 0, x.target);
  const bool blocks = has_blocks(job, x, y.count, channels);
  const LineSteps steps{static_cast<std::size_t>(y.count), y.from_step * x.source * c, y.step * x.target * c};
  for (std::ptrdiff_t n = 0; n < walk.batch; ++n) {
    job.a = source + ((n * walk.y.source + y.from) * x.source - x.pad) * c;
    job.out = target + (n * walk.y.target + y.first) * x.target * c;
    if (blocks) {
      if constexpr (simd::kAccumulators >= 24) run_lines(job, steps, x, channels);
      continue;
    }
    for (std::ptrdiff_t i = 0; i < y.count; ++i, job.a += steps.a, job.out += steps.out)
      x.stride == 1 ? run_line<1>(job, x, channels) : run_line<2>(job, x, channels);
  }
}

}  // namespace mote::MOTE_KERNELS
