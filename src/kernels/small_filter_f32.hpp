// SPDX-License-Identifier: Apache-2.0
// Gradient of a filter of few weights: all of it in registers at once, where tiles of one filter row would leave most
// accumulators idle. Relies on tile_f32.hpp and window_f32.hpp.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "kernels/tile_f32.hpp"
#include "kernels/window_f32.hpp"
#include "mote/kernels/kernels.hpp"

namespace mote::MOTE_KERNELS {
namespace {

/// Gradient of all weights of a small filter in one pass over the positions: row r of the gradient is tap
/// (tap_y[r], tap_x[r]), channel included in `offset`. Images, lines, columns in order, as outer_rows() adds them.
struct FilterJob {
  const float* input;
  const float* grad_output;
  float* grad_weights;
  float scale;
  Walk walk;
  std::ptrdiff_t in_c, out_c;
  std::ptrdiff_t offset[kMaxRows];  // of the row's input from that of the filter's first tap
  std::ptrdiff_t tap_y[kMaxRows], tap_x[kMaxRows];
};

template <class Lanes>
struct FilterKernel {
  using Vector = typename Lanes::Vector;

  template <std::size_t kRows, std::size_t kVectors, bool kPartial>
  MOTE_INLINE static void add(Vector (&acc)[kRows][kVectors], const float* const (&a)[kRows], std::ptrdiff_t at,
                              const float* b, std::size_t tail, std::uint32_t rows) {
    Vector gradients[kVectors];
    unroll<kVectors>([&](auto v) MOTE_UNROLLED {
      constexpr bool kCut = kPartial && last_of<kVectors>(v);
      gradients[v] = load_columns<Lanes, kCut>(b + v * Lanes::kLanes, tail);
    });
    unroll<kRows>([&](auto r) MOTE_UNROLLED {
      if ((rows >> r() & 1U) == 0) return;
      const Vector x = Lanes::splat(a[r][at]);
      unroll<kVectors>([&](auto v) MOTE_UNROLLED { acc[r][v] = mul_add(x, gradients[v], acc[r][v]); });
    });
  }

  static constexpr std::uint32_t kAllRows = ~0U;

  /// Bit r: whether the tap of row r lies inside the image at a position of the axis.
  template <std::size_t kRows>
  static std::uint32_t rows_inside(const std::ptrdiff_t (&taps)[kMaxRows], const Axis& axis, std::ptrdiff_t position) {
    const std::ptrdiff_t origin = position * axis.stride - axis.pad;
    std::uint32_t rows = 0;
    for (std::size_t r = 0; r < kRows; ++r)
      rows |= static_cast<std::uint32_t>(origin + taps[r] >= 0 && origin + taps[r] < axis.source) << r;
    return rows;
  }

  template <std::size_t kRows, std::size_t kVectors, bool kPartial>
  static void tile(const FilterJob& job, std::size_t column, std::size_t tail) {
    Vector acc[kRows][kVectors];
    unroll<kRows>([&](auto r)
                      MOTE_UNROLLED { unroll<kVectors>([&](auto v) MOTE_UNROLLED { acc[r][v] = Lanes::zero(); }); });
    const Axis &ay = job.walk.y, &ax = job.walk.x;
    // Columns begin … end - 1 meet every tap.
    const std::ptrdiff_t reach = (ax.filter - 1) * ax.dilation;
    const std::ptrdiff_t begin = std::min(ax.target, ax.pad <= 0 ? 0 : (ax.pad + ax.stride - 1) / ax.stride);
    const std::ptrdiff_t room = ax.source - 1 - reach + ax.pad;
    const std::ptrdiff_t end = std::clamp(room < 0 ? 0 : room / ax.stride + 1, begin, ax.target);
    // The other columns' taps, the same on each line: left[x] of the first, right[x] of those from `end` on.
    constexpr std::ptrdiff_t kListed = 8;
    std::uint32_t left[kListed], right[kListed];
    for (std::ptrdiff_t x = 0; x < std::min(begin, kListed); ++x) left[x] = rows_inside<kRows>(job.tap_x, ax, x);
    for (std::ptrdiff_t x = 0; x < std::min(ax.target - end, kListed); ++x)
      right[x] = rows_inside<kRows>(job.tap_x, ax, end + x);
    const std::ptrdiff_t step = ax.stride * job.in_c;
    for (std::ptrdiff_t n = 0; n < job.walk.batch; ++n) {
      for (std::ptrdiff_t y = 0; y < ay.target; ++y) {
        const std::ptrdiff_t line = y * ay.stride - ay.pad;
        const bool whole = line >= 0 && line + (ay.filter - 1) * ay.dilation < ay.source;
        const std::ptrdiff_t first = ((n * ay.source + line) * ax.source - ax.pad) * job.in_c;
        const float* a[kRows];
        unroll<kRows>([&](auto r) MOTE_UNROLLED { a[r] = job.input + (first + job.offset[r]); });
        const float* b = job.grad_output + (n * ay.target + y) * ax.target * job.out_c + column;
        const std::uint32_t line_rows = whole ? kAllRows : rows_inside<kRows>(job.tap_y, ay, y);
        const auto some = [&](std::ptrdiff_t from, std::ptrdiff_t to, const std::uint32_t* listed) {
          for (std::ptrdiff_t x = from; x < to; ++x) {
            const std::uint32_t rows = x - from < kListed ? listed[x - from] : rows_inside<kRows>(job.tap_x, ax, x);
            add<kRows, kVectors, kPartial>(acc, a, x * step, b + x * job.out_c, tail, line_rows & rows);
          }
        };
        some(0, begin, left);
        const float* gradients = b + begin * job.out_c;
        if (whole) {
          for (std::ptrdiff_t x = begin, at = begin * step; x < end; ++x, at += step, gradients += job.out_c)
            add<kRows, kVectors, kPartial>(acc, a, at, gradients, tail, kAllRows);
        } else {
          for (std::ptrdiff_t x = begin, at = begin * step; x < end; ++x, at += step, gradients += job.out_c)
            add<kRows, kVectors, kPartial>(acc, a, at, gradients, tail, line_rows);
        }
        some(end, ax.target, right);
      }
    }
    const Vector scale = Lanes::splat(job.scale);
    unroll<kRows>([&](auto r) MOTE_UNROLLED {
      unroll<kVectors>([&](auto v) MOTE_UNROLLED {
        constexpr bool kCut = kPartial && last_of<kVectors>(v);
        float* to = job.grad_weights + static_cast<std::ptrdiff_t>(r()) * job.out_c + column + v * Lanes::kLanes;
        store_columns<Lanes, kCut>(to, tail, mul_add(scale, acc[r][v], load_columns<Lanes, kCut>(to, tail)));
      });
    });
  }
};

/// Whether filter_gradient() can take it: several filter rows, each of too few weights to fill a tile.
inline bool is_small_filter(const ConvShape& shape) {
  const std::size_t line = std::size_t{shape.window.filter_w} * shape.in.c;
  const std::size_t rows = line * shape.window.filter_h;
  return !kScalar && shape.window.filter_h > 1 && line <= 6 && rows <= kMaxRows && compiled_rows(rows) == rows;
}

inline void filter_gradient(const ConvGradArgs& args, const Walk& walk, Part::Range columns) {
  if (columns.begin == columns.end) return;
  FilterJob job{args.input,
                args.grad_output,
                args.grad_weights,
                args.scale,
                walk,
                static_cast<std::ptrdiff_t>(args.shape.in.c),
                static_cast<std::ptrdiff_t>(args.shape.out.c),
                {},
                {},
                {}};
  std::size_t rows = 0;
  for (std::ptrdiff_t i = 0; i < walk.y.filter; ++i)
    for (std::ptrdiff_t j = 0; j < walk.x.filter; ++j)
      for (std::ptrdiff_t c = 0; c < job.in_c; ++c, ++rows) {
        job.tap_y[rows] = i * walk.y.dilation;
        job.tap_x[rows] = j * walk.x.dilation;
        job.offset[rows] = (job.tap_y[rows] * walk.x.source + job.tap_x[rows]) * job.in_c + c;
      }
  run_tiles<FilterKernel>(job, rows, columns.begin, columns.end);
}

}  // namespace
}  // namespace mote::MOTE_KERNELS
