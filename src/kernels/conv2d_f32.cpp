// SPDX-License-Identifier: Apache-2.0
// conv2d: forward, gradient of the input, and the latter as a layer of its own. Direct convolution in NHWC: tiles of
// pixels that meet the same taps × output channels, no copy of the image. Relies on rows_f32.hpp and window_f32.hpp;
// each sum runs over filter rows, filter columns, channels in order.

#include <algorithm>
#include <cstddef>

#include "kernels/few_channels_f32.hpp"
#include "kernels/lanes.hpp"
#include "kernels/line_groups_f32.hpp"
#include "kernels/rows_f32.hpp"
#include "kernels/tile_f32.hpp"
#include "kernels/window_f32.hpp"
#include "mote/kernels/kernels.hpp"
#include "simd/scalar.hpp"
#include "simd/simd.hpp"
#include "simd/transpose.hpp"

namespace mote::MOTE_KERNELS {
namespace {

/// Runs shorter than this are not worth their loop: a few channels' filter rows become one run through a table.
inline constexpr std::size_t kShortRun = 16, kListedTerms = kScalar ? 1 : 192;

inline void list_terms(const Segment& y, const Segment& x, std::ptrdiff_t filter_w, std::ptrdiff_t* offsets,
                       RowsJob& job) {
  job.offsets = nullptr;
  const bool rows_join = job.taps_x == 1 && x.taps == filter_w && y.tap_step == 1;  // in the weights
  if (!rows_join || job.taps_y < 2 || job.depth >= kShortRun || job.depth * job.taps_y > kListedTerms) return;
  std::ptrdiff_t* to = offsets;
  for (std::size_t i = 0; i < job.taps_y; ++i)
    for (std::size_t k = 0; k < job.depth; ++k)
      *to++ = static_cast<std::ptrdiff_t>(i) * job.a_step_y + static_cast<std::ptrdiff_t>(k);
  job.offsets = offsets;
  job.depth *= job.taps_y;
  job.taps_y = 1;
}

/// Where the taps of a rectangle lie. pixel: floats of a source pixel; channel_floats: of the weights of a source
/// channel.
inline void set_taps(const Walk& walk, const Segment& y, const Segment& x, std::size_t source_c, std::ptrdiff_t pixel,
                     const float* weights, std::size_t channel_floats, RowsJob& job) {
  const auto tap_size = static_cast<std::ptrdiff_t>(source_c * channel_floats);
  job.b = weights + (y.tap * walk.x.filter + x.tap) * tap_size;
  job.taps_y = static_cast<std::size_t>(x.taps == 0 ? 0 : y.taps);
  job.taps_x = static_cast<std::size_t>(x.taps);
  job.depth = source_c;
  job.a_step_y = y.from_tap * walk.x.source * pixel;
  job.a_step_x = x.from_tap * pixel;
  job.b_step_y = y.tap_step * walk.x.filter * tap_size;
  job.b_step_x = x.tap_step * tap_size;
}

/// Taps side by side whose inputs lie side by side make one run of terms.
inline void join_taps(const Segment& x, RowsJob& job) {
  if (x.from_tap != 1 || x.tap_step != 1) return;
  job.depth *= job.taps_x;
  job.taps_x = 1;
}

/// Pixels of one rectangle. dots: few targets, weights (target_c, taps, source_c).
inline void correlate_segment(const Walk& walk, const Segment& y, const Segment& x, const float* source,
                              std::size_t source_c, const float* weights, std::size_t target_c, float* target,
                              bool dots, RowsJob& job) {
  set_taps(walk, y, x, source_c, static_cast<std::ptrdiff_t>(source_c), weights, dots ? 1 : target_c, job);
  if (job.summand == nullptr && has_pixel_lanes(x, source_c, target_c))
    return pixel_lines(walk, y, x, job, source, target_c, target);
  join_taps(x, job);
  // Lines of one pixel, one below the other, make a column. Tiles lie within a line where it is long, or each is a
  // line, so that several differ by one offset; else across lines.
  const bool column = x.count == 1;
  const std::size_t line = static_cast<std::size_t>(column ? y.count : x.count);
  const bool narrow = !kScalar && !dots && target_c <= kLanes;
  const bool along = !kScalar && !dots && line >= 2 * (narrow ? kMinEvenRows : kMaxRows);
  const bool down = narrow && !column && line >= kMinEvenRows && line <= kMaxEvenRows && line == compiled_rows(line);
  const bool even = narrow && (along || down);
  std::ptrdiff_t offsets[kListedTerms];
  job.offsets = nullptr;
  if (!kScalar && !dots && !even) list_terms(y, x, walk.x.filter, offsets, job);
  PixelWalk pixels(walk, y, x, source_c, target_c);
  if (job.taps_y == 0 && job.bias == nullptr && job.summand == nullptr)  // between the strides of a gradient
    return pixels.take(pixels.left(), [&](std::size_t, std::ptrdiff_t, std::ptrdiff_t to) {
      lanes_over(target_c,
                 [&](std::size_t c, auto lanes) MOTE_LAMBDA_INLINE { lanes.store(target + to + c, simd::zero()); });
    });
  const std::ptrdiff_t source_step = column ? pixels.source_line() : pixels.source_step();
  const std::ptrdiff_t target_step = column ? pixels.target_line() : pixels.target_step();
  job.a_row = source_step;
  while (pixels.left() != 0) {
    const std::size_t room = !along && !down ? pixels.left() : column ? pixels.left_lines() : pixels.left_in_line();
    const std::size_t count = down ? line : tile_rows(room, target_c, even ? kMaxEvenRows : kMaxRows);
    job.tiles = along ? room / count : down ? pixels.left_lines() : 1;
    job.a_tile = along ? static_cast<std::ptrdiff_t>(count) * source_step : pixels.source_line();
    job.out_tile = along ? static_cast<std::ptrdiff_t>(count) * target_step : pixels.target_line();
    const std::size_t more = (job.tiles - 1) * count;
    pixels.take(count, [&](std::size_t r, std::ptrdiff_t from, std::ptrdiff_t to) {
      job.a[r] = source + from;
      job.out[r] = target + to;
    });
    if (more != 0) pixels.skip(more);
    if (dots) {
      dot_rows(job, count, target_c, static_cast<std::size_t>(walk.y.filter * walk.x.filter) * source_c);
    } else if (even && count >= kMinEvenRows) {
      run_even_rows(job, count, 0, target_c);
    } else {
      run_rows(job, count, 0, target_c);
    }
  }
}

/// The lines of a segment in groups. Returns what is left of it.
template <class Lanes>
Segment correlate_groups(const Walk& walk, const Segment& y, const float* source, std::size_t source_c,
                         const float* weights, std::size_t target_c, float* target, RowsJob& job) {
  if (!has_line_groups<Lanes>(walk, target_c)) return y;
  const auto pixel = static_cast<std::ptrdiff_t>(Lanes::kRows * source_c);
  job.next_out = y.step * walk.x.target * static_cast<std::ptrdiff_t>(target_c);
  return for_line_groups<Lanes>(walk, y, source, source_c, target, target_c,
                                [&](const Walk& image, const Segment& groups, const float* from, float* to) {
                                  for_segments(image.x, [&](const Segment& x) {
                                    set_taps(image, groups, x, source_c, pixel, weights, target_c, job);
                                    join_taps(x, job);
                                    group_pixels<Lanes>(image, groups, x, from, source_c, to, target_c, job);
                                  });
                                });
}

/// The lines of a segment, between the strides of a gradient.
inline void zero_lines(const Walk& walk, const Segment& y, std::size_t target_c, float* target) {
  const auto to_c = static_cast<std::ptrdiff_t>(target_c);
  for (std::ptrdiff_t n = 0; n < walk.batch; ++n) {
    for (std::ptrdiff_t i = 0; i < y.count; ++i) {
      float* line = target + (n * walk.y.target + y.first + i * y.step) * walk.x.target * to_c;
      std::fill(line + walk.x.begin * to_c, line + walk.x.end * to_c, 0.0F);
    }
  }
}

/// target[p] = bias + sum over taps and channels of source[…] weights[tap][channel], for every target pixel.
inline void correlate(Walk walk, const Part& part, const float* source, std::size_t source_c, const float* weights,
                      const float* bias, std::size_t target_c, float* target, const Clamp& clamp = {},
                      const float* summand = nullptr, bool dots = false) {
  const std::ptrdiff_t image = take_part(walk, part, true);
  source += image * walk.y.source * walk.x.source * static_cast<std::ptrdiff_t>(source_c);
  target += image * walk.y.target * walk.x.target * static_cast<std::ptrdiff_t>(target_c);
  RowsJob job;
  job.clamp = clamp;
  job.output = target;
  if (summand != nullptr)
    job.summand = summand + image * walk.y.target * walk.x.target * static_cast<std::ptrdiff_t>(target_c);
  job.b_end = weights + static_cast<std::size_t>(walk.y.filter * walk.x.filter) * source_c * target_c;
  job.bias = bias;
  job.resume = false;
  job.b_step = target_c;
  job.column_step = 1;
  job.offsets = nullptr;
  for_segments(walk.y, [&](Segment y) {
    if (y.taps == 0 && bias == nullptr && summand == nullptr) return zero_lines(walk, y, target_c, target);
    if constexpr (simd::kHasRowLanes) {
      if (!dots && summand == nullptr) {
        y = correlate_groups<simd::RowLanes<4>>(walk, y, source, source_c, weights, target_c, target, job);
        y = correlate_groups<simd::RowLanes<2>>(walk, y, source, source_c, weights, target_c, target, job);
        if (y.count == 0) return;
      }
    }
    for_segments(walk.x, [&](const Segment& x) {
      correlate_segment(walk, y, x, source, source_c, weights, target_c, target, dots, job);
    });
  });
}

}  // namespace

void conv2d_f32(const ConvArgs& args) {
  const ConvShape shape = as_line(args.shape);
  correlate(forward_walk(shape), args.part, args.input, shape.in.c, args.weights, args.bias, shape.out.c, args.output,
            args.clamp, args.summand);
}

/// Taps in reverse order, each (out_c, in_c); for few input channels (in_c, taps, out_c).
void conv2d_transpose_weights_f32(const ConvGradArgs& args) {
  const std::size_t in_c = args.shape.in.c, out_c = args.shape.out.c;
  if (is_pointwise(args.shape)) return;
  const std::size_t taps = std::size_t{args.shape.window.filter_h} * args.shape.window.filter_w;
  const Part::Range share = args.part.of(taps);
  for (std::size_t tap = share.begin; tap < share.end; ++tap) {
    const float* from = args.weights + (taps - 1 - tap) * in_c * out_c;
    if (has_few_targets(args.shape)) {
      for (std::size_t c = 0; c < in_c; ++c)
        std::copy_n(from + c * out_c, out_c, args.scratch + (c * taps + tap) * out_c);
    } else {
      simd::transpose(from, out_c, in_c, out_c, args.scratch + tap * in_c * out_c, in_c);
    }
  }
}

void conv2d_grad_input_f32(const ConvGradArgs& args) {
  const ConvShape& shape = args.shape;
  if (is_pointwise(shape))
    return dense_grad_input_f32({nullptr, args.weights, args.grad_output, args.grad_input, nullptr, nullptr, 1.0F,
                                 shape.batch * shape.in.h * shape.in.w, shape.in.c, shape.out.c, args.part});
  correlate(backward_walk(shape), args.part, args.grad_output, shape.out.c, args.scratch, nullptr, shape.in.c,
            args.grad_input, {}, nullptr, has_few_targets(shape));
}

/// The gradient's walk; no dot products, so that weights lie as a convolution's.
void conv2d_transpose_f32(const ConvArgs& args) {
  const ConvShape& shape = args.shape;
  correlate(backward_walk({shape.batch, shape.out, shape.in, shape.window}), args.part, args.input, shape.in.c,
            args.weights, args.bias, shape.out.c, args.output, args.clamp);
}

void turn_filter_f32(const TurnFilterArgs& args) {
  const std::size_t rows = args.rows, columns = args.columns;
  const Part::Range share = args.part.of(args.taps);
  for (std::size_t tap = share.begin; tap < share.end; ++tap) {
    const float* from = args.input + tap * rows * columns;
    float* to = args.output + (args.taps - 1 - tap) * rows * columns;
    if (!args.accumulate) {
      simd::transpose(from, columns, rows, columns, to, rows);
      continue;
    }
    for (std::size_t j = 0; j < columns; ++j)
      for (std::size_t i = 0; i < rows; ++i, ++to) *to = simd::scalar_mul_add(args.scale, from[i * columns + j], *to);
  }
}

}  // namespace mote::MOTE_KERNELS
