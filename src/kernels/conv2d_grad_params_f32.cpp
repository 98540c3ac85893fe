// SPDX-License-Identifier: Apache-2.0
// conv2d: gradients of weights and bias, summed over images, lines, columns in order. Relies on outer_f32.hpp and
// window_f32.hpp.
#include <algorithm>
#include <cstddef>

#include "kernels/outer_f32.hpp"
#include "kernels/small_filter_f32.hpp"
#include "kernels/tile_f32.hpp"
#include "kernels/window_f32.hpp"
#include "mote/kernels/kernels.hpp"

namespace mote::MOTE_KERNELS {
namespace {

/// First position p >= 0 with p stride - pad + tap >= edge, at most `most`.
inline std::ptrdiff_t first_reaching(const Axis& axis, std::ptrdiff_t tap, std::ptrdiff_t edge) {
  const std::ptrdiff_t distance = edge + axis.pad - tap;
  const std::ptrdiff_t p = distance <= 0 ? 0 : (distance + axis.stride - 1) / axis.stride;
  return std::min(p, axis.target);
}

/// Gradient of some consecutive rows (tap_x, channel) of the filter row at tap_y, counted from (tap_x, 0).
/// Positions at which every tap of a tile meets the image are taken whole.
inline void outer_rows(const ConvGradArgs& args, const Walk& walk, std::ptrdiff_t tap_y, std::ptrdiff_t tap_x,
                       Part::Range rows, OuterJob& job) {
  const auto in_c = static_cast<std::ptrdiff_t>(args.shape.in.c), out_c = static_cast<std::ptrdiff_t>(args.shape.out.c);
  const Axis &ay = walk.y, &ax = walk.x;
  const std::ptrdiff_t y_begin = first_reaching(ay, tap_y * ay.dilation, 0);
  const std::ptrdiff_t y_end = first_reaching(ay, tap_y * ay.dilation, ay.source);
  job.lines = static_cast<std::size_t>(std::max<std::ptrdiff_t>(0, y_end - y_begin));
  const std::ptrdiff_t line = y_begin * ay.stride - ay.pad + tap_y * ay.dilation;
  for (std::size_t row = rows.begin, count = 0; row < rows.end; row += count) {
    count = tile_rows(rows.end - row, args.shape.out.c);
    const auto first_row = static_cast<std::ptrdiff_t>(row), last_row = static_cast<std::ptrdiff_t>(row + count - 1);
    const std::ptrdiff_t low = tap_x * ax.dilation + first_row / in_c, high = tap_x * ax.dilation + last_row / in_c;
    const std::ptrdiff_t begin = first_reaching(ax, high, 0), end = first_reaching(ax, low, ax.source);
    const std::ptrdiff_t whole_begin = std::min(first_reaching(ax, low, 0), end);
    const std::ptrdiff_t whole_end = std::max(first_reaching(ax, high, ax.source), whole_begin);
    job.before = std::max<std::ptrdiff_t>(0, whole_begin - begin);
    job.inside = whole_end - whole_begin;
    job.after = end - whole_end;
    const std::ptrdiff_t column = begin * ax.stride - ax.pad + tap_x * ax.dilation;
    job.a = args.input + (line * ax.source + column) * in_c + first_row;
    job.b = args.grad_output + (y_begin * ax.target + begin) * out_c;
    job.row_shift = -column * in_c - first_row;
    job.out = args.grad_weights + ((tap_y * ax.filter + tap_x) * in_c + first_row - args.first_row) * out_c;
    run_outer(job, count, 0, args.shape.out.c);
  }
}

}  // namespace

void conv2d_grad_params_f32(const ConvGradArgs& args) {
  const ConvShape shape = as_line(args.shape);
  ConvGradArgs line_args = args;
  line_args.shape = shape;
  const Walk walk = forward_walk(shape);
  const std::size_t in_c = shape.in.c, out_c = shape.out.c;
  const std::size_t positions = std::size_t{shape.batch} * shape.out.h * shape.out.w;
  const auto sum_bias = [&] {
    if (args.grad_bias != nullptr)
      column_sums(args.grad_output, positions, out_c, args.scale, args.part.of(out_c, kLanes), args.grad_bias);
  };
  if (is_small_filter(shape) && args.row_count == 0) {
    filter_gradient(line_args, walk, args.part.of(out_c, kLanes));
    return sum_bias();
  }
  OuterJob job;
  job.b_end = args.grad_output + positions * out_c;
  job.scale = args.scale;
  job.out_step = job.b_step = out_c;
  job.images = shape.batch;
  const auto from_c = static_cast<std::ptrdiff_t>(in_c), to_c = static_cast<std::ptrdiff_t>(out_c);
  job.a_image = walk.y.source * walk.x.source * from_c;
  job.a_line = walk.y.stride * walk.x.source * from_c;
  job.a_step = walk.x.stride * from_c;
  job.b_image = walk.y.target * walk.x.target * to_c;
  job.b_line = walk.x.target * to_c;
  job.row_step = job.a_step;
  job.row_count = walk.x.source * from_c;
  // Where the taps of a filter row lie side by side in the image as in the filter, they are one run of rows.
  const std::ptrdiff_t runs_x = walk.x.dilation == 1 ? 1 : walk.x.filter;
  const std::size_t run = static_cast<std::size_t>(walk.x.filter / runs_x) * in_c;
  const std::size_t runs = static_cast<std::size_t>(walk.y.filter * runs_x);
  Part::Range share = args.part.of(args.row_count == 0 ? runs * run : args.row_count);
  share.begin += args.first_row, share.end += args.first_row;
  for (std::size_t i = share.begin / run; i * run < share.end; ++i) {
    const auto at = static_cast<std::ptrdiff_t>(i);
    const Part::Range rows{std::max(share.begin, i * run) - i * run, std::min(share.end, i * run + run) - i * run};
    outer_rows(line_args, walk, at / runs_x, at % runs_x, rows, job);
  }
  sum_bias();
}

}  // namespace mote::MOTE_KERNELS
