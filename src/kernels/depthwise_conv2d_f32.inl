// SPDX-License-Identifier: Apache-2.0
// depthwise_conv2d: forward, then gradients. Lanes run over channels; pixels that meet the same taps share the filter's
// vectors. With a depth multiplier above one, lanes load the channels that they belong to one by one. Relies on
// tile_f32.hpp and window_f32.hpp.
#pragma once

#include <algorithm>
#include <cstddef>

#include "kernels/depthwise_taps_f32.hpp"
#include "kernels/tile_f32.hpp"
#include "kernels/window_f32.hpp"
#include "mote/kernels.hpp"
#include "simd/indexed.hpp"
#include "simd/simd.hpp"

namespace mote::MOTE_KERNELS {
namespace {

/// out[r][c] = bias[c] + sum over taps of a[r][tap][c] b[tap][c].
template <class Lanes>
struct ChannelsKernel {
  using Vector = typename Lanes::Vector;

  template <std::size_t kRows, std::size_t kVectors, bool kPartial>
  static void tile(const RowsJob& job, std::size_t column, std::size_t tail) {
    auto at = static_cast<std::ptrdiff_t>(column), to = at;
    for (std::size_t i = 0; i < job.tiles; ++i, at += job.a_tile, to += job.out_tile)
      one_tile<kRows, kVectors, kPartial>(job, column, at, to, tail);
  }

  /// The tile whose inputs and outputs lie `at` and `to` from those of the job's pixels.
  template <std::size_t kRows, std::size_t kVectors, bool kPartial>
  MOTE_INLINE static void one_tile(const RowsJob& job, std::size_t column, std::ptrdiff_t at, std::ptrdiff_t to,
                                   std::size_t tail) {
    Vector acc[kRows][kVectors];
    unroll<kVectors>([&](auto v) MOTE_UNROLLED {
      constexpr bool kCut = kPartial && last_of<kVectors>(v);
      const Vector start =
          job.bias == nullptr ? Lanes::zero() : load_columns<Lanes, kCut>(job.bias + column + v * Lanes::kLanes, tail);
      unroll<kRows>([&](auto r) MOTE_UNROLLED { acc[r][v] = start; });
    });
    for (std::size_t y = 0; y < job.taps_y; ++y) {
      std::ptrdiff_t offset = static_cast<std::ptrdiff_t>(y) * job.a_step_y + at;
      const float* b = job.b + static_cast<std::ptrdiff_t>(y) * job.b_step_y + column;
      for (std::size_t x = 0; x < job.taps_x; ++x, offset += job.a_step_x, b += job.b_step_x) {
        unroll<kVectors>([&](auto v) MOTE_UNROLLED {
          constexpr bool kCut = kPartial && last_of<kVectors>(v);
          const Vector weights = load_columns<Lanes, kCut>(b + v * Lanes::kLanes, tail);
          unroll<kRows>([&](auto r) MOTE_UNROLLED {
            acc[r][v] =
                mul_add(load_columns<Lanes, kCut>(job.a[r] + offset + v * Lanes::kLanes, tail), weights, acc[r][v]);
          });
        });
      }
    }
    unroll<kRows>([&](auto r) MOTE_UNROLLED {
      unroll<kVectors>([&](auto v) MOTE_UNROLLED {
        constexpr bool kCut = kPartial && last_of<kVectors>(v);
        store_clamped<Lanes, kCut>(job.out[r] + to + v * Lanes::kLanes, tail, acc[r][v], job.clamp);
      });
    });
  }
};

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

/// Whether lines can be taken whole: three taps, side by side, of which at most two lie outside the image.
inline bool has_lines(const Axis& x) {
  return x.filter == 3 && x.dilation == 1 && x.division == 1 && x.stride <= 2 && x.pad >= 0 && x.pad <= 2 &&
         (x.target - 1) * x.stride - x.pad <= x.source - 1;
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

/// The lines of one segment. b_step: floats from one tap to the next, negative in the backward pass.
inline void filter_lines(const Walk& walk, const Segment& y, std::size_t channels, const float* source,
                         const float* first_tap, std::ptrdiff_t b_step, const RowsJob& rows, float* target) {
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

/// Several outputs per channel: lanes run over outputs, each of which loads its channel. kLanes outputs of kRows
/// pixels.
template <std::size_t kRows, bool kPartial>
void expand_tile(const RowsJob& job, std::size_t column, std::size_t outputs, std::size_t multiplier) {
  const simd::LaneIndex index = simd::repeat_elements(column % multiplier, multiplier, outputs);
  const std::ptrdiff_t channel = static_cast<std::ptrdiff_t>(column / multiplier);
  F32 acc[kRows];
  const F32 start = job.bias == nullptr ? simd::zero() : load_columns<WideLanes, kPartial>(job.bias + column, outputs);
  unroll<kRows>([&](auto r) MOTE_UNROLLED { acc[r] = start; });
  for (std::size_t y = 0; y < job.taps_y; ++y) {
    std::ptrdiff_t offset = static_cast<std::ptrdiff_t>(y) * job.a_step_y + channel;
    const float* b = job.b + static_cast<std::ptrdiff_t>(y) * job.b_step_y + column;
    for (std::size_t x = 0; x < job.taps_x; ++x, offset += job.a_step_x, b += job.b_step_x) {
      const F32 weights = load_columns<WideLanes, kPartial>(b, outputs);
      unroll<kRows>([&](auto r) MOTE_UNROLLED {
        acc[r] = mul_add(simd::load_repeated(job.a[r] + offset, index), weights, acc[r]);
      });
    }
  }
  unroll<kRows>([&](auto r) MOTE_UNROLLED {
    store_clamped<WideLanes, kPartial>(job.out[r] + column, outputs, acc[r], job.clamp);
  });
}

/// kLanes channels of the target, each from its `multiplier` channels of the source: tap by tap, then one by one.
template <std::size_t kRows>
void reduce_tile(const RowsJob& job, std::size_t channel, std::size_t channels, std::size_t multiplier) {
  const simd::LaneIndex index = simd::step_elements(multiplier, channels);
  F32 acc[kRows];
  unroll<kRows>([&](auto r) MOTE_UNROLLED { acc[r] = simd::zero(); });
  for (std::size_t y = 0; y < job.taps_y; ++y) {
    for (std::size_t x = 0; x < job.taps_x; ++x) {
      const auto tap_y = static_cast<std::ptrdiff_t>(y), tap_x = static_cast<std::ptrdiff_t>(x);
      const std::ptrdiff_t first = static_cast<std::ptrdiff_t>(channel * multiplier);
      const std::ptrdiff_t offset = tap_y * job.a_step_y + tap_x * job.a_step_x + first;
      const float* b = job.b + tap_y * job.b_step_y + tap_x * job.b_step_x + first;
      for (std::size_t q = 0; q < multiplier; ++q) {
        const F32 weights = simd::load_steps(b + q, index);
        unroll<kRows>([&](auto r) MOTE_UNROLLED {
          const float* from = job.a[r] + offset + q;
          acc[r] = mul_add(simd::load_steps(from, index), weights, acc[r]);
        });
      }
    }
  }
  unroll<kRows>([&](auto r) MOTE_UNROLLED {
    if (channels == kLanes) {
      simd::store(job.out[r] + channel, acc[r]);
    } else {
      simd::store_partial(job.out[r] + channel, channels, acc[r]);
    }
  });
}

/// Pixels that share a vector of weights where a channel has several outputs.
inline constexpr std::size_t kMultipliedRows = kScalar ? 1 : 4;

/// The pixels of a job where a channel has several outputs.
template <std::size_t kRows>
void multiplied_rows(const RowsJob& job, bool forward, std::size_t target_c, std::size_t multiplier) {
  for (std::size_t c = 0; c < target_c; c += kLanes) {
    const std::size_t count = std::min(kLanes, target_c - c);
    if (!forward) {
      reduce_tile<kRows>(job, c, count, multiplier);
    } else if (count == kLanes) {
      expand_tile<kRows, false>(job, c, count, multiplier);
    } else if constexpr (!kScalar) {
      expand_tile<kRows, true>(job, c, count, multiplier);
    }
  }
}

/// Pixels of one rectangle, forward (source_c <= target_c) or backward.
__attribute__((noinline)) inline void filter_segment(const Walk& walk, const Segment& y, const Segment& x,
                                                     const ConvShape& shape, bool forward, const float* source,
                                                     float* target, RowsJob& job) {
  const std::size_t in_c = shape.in.c, out_c = shape.out.c, multiplier = out_c / in_c;
  const std::size_t source_c = forward ? in_c : out_c, target_c = forward ? out_c : in_c;
  job.taps_y = static_cast<std::size_t>(x.taps == 0 ? 0 : y.taps);
  job.taps_x = static_cast<std::size_t>(x.taps);
  job.a_step_y = y.from_tap * walk.x.source * static_cast<std::ptrdiff_t>(source_c);
  job.a_step_x = x.from_tap * static_cast<std::ptrdiff_t>(source_c);
  PixelWalk pixels(walk, y, x, source_c, target_c);
  constexpr std::size_t kMost = kScalar ? kMaxRows : 6;  // enough: every term is a load of its own
  const bool along = !kScalar && multiplier == 1 && pixels.left_in_line() >= 2 * kMost;
  while (pixels.left() != 0) {
    const std::size_t room = along ? pixels.left_in_line() : pixels.left();
    const std::size_t count = multiplier == 1           ? std::min(kMost, tile_rows(room, target_c))
                              : room >= kMultipliedRows ? kMultipliedRows
                                                        : 1;
    job.tiles = along ? room / count : 1;
    job.a_tile = static_cast<std::ptrdiff_t>(count) * pixels.source_step();
    job.out_tile = static_cast<std::ptrdiff_t>(count) * pixels.target_step();
    const std::size_t more = (job.tiles - 1) * count;
    pixels.take(count, [&](std::size_t r, std::ptrdiff_t from, std::ptrdiff_t to) {
      job.a[r] = source + from;
      job.out[r] = target + to;
    });
    if (more != 0) pixels.skip(more);
    if (multiplier == 1) {
      run_tiles<ChannelsKernel, kMost>(job, count, 0, target_c);
    } else if (count == kMultipliedRows) {
      multiplied_rows<kMultipliedRows>(job, forward, target_c, multiplier);
    } else {
      multiplied_rows<1>(job, forward, target_c, multiplier);
    }
  }
}

/// Forward: taps in order. Backward: taps count from the filter's far end, so the weights are walked backwards.
inline void filter_channels(const ConvShape& shape, const Part& part, bool forward, const float* source,
                            const float* weights, const float* bias, float* target, const Clamp& clamp = {}) {
  Walk walk = forward ? forward_walk(shape) : backward_walk(shape);
  const bool lines = shape.in.c == shape.out.c && has_lines(walk.x);
  const std::ptrdiff_t image = take_part(walk, part, !lines);
  source += image * walk.y.source * walk.x.source * static_cast<std::ptrdiff_t>(forward ? shape.in.c : shape.out.c);
  target += image * walk.y.target * walk.x.target * static_cast<std::ptrdiff_t>(forward ? shape.out.c : shape.in.c);
  const auto out_c = static_cast<std::ptrdiff_t>(shape.out.c);
  const std::ptrdiff_t last_tap = walk.y.filter * walk.x.filter - 1;
  RowsJob job;
  job.b_end = weights + (last_tap + 1) * out_c;
  job.bias = bias;
  job.clamp = clamp;
  job.resume = false;
  job.b_step = 0;
  job.column_step = 1;
  job.offsets = nullptr;
  job.depth = 1;
  const std::ptrdiff_t direction = forward ? out_c : -out_c;
  const float* first_tap = forward ? weights : weights + last_tap * out_c;
  for_segments(walk.y, [&](const Segment& y) {
    if (lines) return filter_lines(walk, y, shape.out.c, source, first_tap, direction, job, target);
    for_segments(walk.x, [&](const Segment& x) {
      job.b = first_tap + (y.tap * walk.x.filter + x.tap) * direction;
      job.b_step_y = y.tap_step * walk.x.filter * direction;
      job.b_step_x = x.tap_step * direction;
      filter_segment(walk, y, x, shape, forward, source, target, job);
    });
  });
}

}  // namespace

void depthwise_conv2d_f32(const ConvArgs& args) {
  filter_channels(args.shape, args.part, true, args.input, args.weights, args.bias, args.output, args.clamp);
}

void depthwise_conv2d_grad_input_f32(const ConvGradArgs& args) {
  filter_channels(args.shape, args.part, false, args.grad_output, args.weights, nullptr, args.grad_input);
}

void depthwise_conv2d_grad_params_f32(const ConvGradArgs& args) {
  const ConvShape& shape = args.shape;
  TapsJob job{args.input,
              args.grad_output,
              args.grad_weights,
              args.scale,
              static_cast<std::ptrdiff_t>(shape.in.c),
              static_cast<std::ptrdiff_t>(shape.out.c),
              forward_walk(shape),
              0,
              0,
              args.part.of(shape.in.c, 16)};
  const std::ptrdiff_t filter_h = job.walk.y.filter, filter_w = job.walk.x.filter;
  while (job.tap_y < filter_h) {
    const bool square = filter_w == 3 && filter_h - job.tap_y >= 3;
    if (square) {
      run_taps<3, 3>(job);
    } else {
      for (job.tap_x = 0; job.tap_x < filter_w;) {
        const bool wide = filter_w - job.tap_x >= 4;
        wide ? run_taps<1, 4>(job) : run_taps<1, 1>(job);
        job.tap_x += wide ? 4 : 1;
      }
      job.tap_x = 0;
    }
    job.tap_y += square ? 3 : 1;
  }
  if (args.grad_bias == nullptr) return;
  const std::size_t positions = std::size_t{shape.batch} * shape.out.h * shape.out.w;
  column_sums(args.grad_output, positions, shape.out.c, args.scale, args.part.of(shape.out.c, kLanes), args.grad_bias);
}

}  // namespace mote::MOTE_KERNELS
