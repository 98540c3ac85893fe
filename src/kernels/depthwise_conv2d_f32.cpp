// SPDX-License-Identifier: Apache-2.0
// depthwise_conv2d: forward and gradient of the input. Lanes run over channels; pixels that meet the same taps share
// the filter's vectors. With a depth multiplier above one, lanes load the channels that they belong to one by one.
// Relies on tile_f32.hpp and window_f32.hpp.
#include <algorithm>
#include <cstddef>

#include "kernels/depthwise_lines_f32.hpp"
#include "kernels/rows_f32.hpp"
#include "kernels/tile_f32.hpp"
#include "kernels/window_f32.hpp"
#include "mote/kernels/kernels.hpp"
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

}  // namespace mote::MOTE_KERNELS
