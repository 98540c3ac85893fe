// SPDX-License-Identifier: Apache-2.0
// Convolutions with few channels on one side, where tiles of rows × vectors of channels would leave most lanes or most
// accumulators idle: one input channel (lanes over pixels), a filter of few weights (all of its gradient in registers),
// few channels in the gradient of the input (dot products). Relies on tile_f32.hpp and window_f32.hpp.
#pragma once

#include <algorithm>
#include <cstddef>

#include "kernels/tile_f32.hpp"
#include "kernels/window_f32.hpp"
#include "mote/kernels/kernels.hpp"
#include "simd/simd.hpp"
#include "simd/transpose.hpp"

namespace mote::MOTE_KERNELS {
namespace {

/// Output channels of a block that are transposed together.
inline constexpr std::size_t kPixelChannels = 8;

/// Whether the pixels of a segment may be taken as lanes: one input channel, neighbours in source and target.
inline bool has_pixel_lanes(const Segment& x, std::size_t source_c, std::size_t target_c) {
  return !kScalar && source_c == 1 && target_c % kPixelChannels == 0 && x.from_step == 1 && x.step == 1 &&
         x.count >= static_cast<std::ptrdiff_t>(kLanes);
}

/// kLanes neighbouring pixels, all channels: the terms of every output in the order of the other kernels.
inline void pixel_tile(const RowsJob& job, const float* a, std::size_t channels, float* out) {
  for (std::size_t channel = 0; channel < channels; channel += kPixelChannels) {
    F32 acc[kPixelChannels];
    unroll<kPixelChannels>([&](auto c) MOTE_UNROLLED {
      acc[c] = job.bias == nullptr ? simd::zero() : simd::splat(job.bias[channel + c]);
    });
    for (std::size_t y = 0; y < job.taps_y; ++y) {
      const float* from = a + static_cast<std::ptrdiff_t>(y) * job.a_step_y;
      const float* b = job.b + static_cast<std::ptrdiff_t>(y) * job.b_step_y + channel;
      for (std::size_t x = 0; x < job.taps_x; ++x, from += job.a_step_x, b += job.b_step_x) {
        const F32 in = simd::load(from);
        unroll<kPixelChannels>([&](auto c) MOTE_UNROLLED { acc[c] = mul_add(in, simd::splat(b[c]), acc[c]); });
      }
    }
    alignas(64) float planes[kPixelChannels * kLanes];
    const F32 low = simd::splat(job.clamp.low), high = simd::splat(job.clamp.high);
    unroll<kPixelChannels>([&](auto c)
                               MOTE_UNROLLED { simd::store(planes + c * kLanes, min(high, max(low, acc[c]))); });
    simd::transpose(planes, kLanes, kPixelChannels, kLanes, out + channel, channels);
  }
}

/// The pixels of a rectangle of segments. The last block of a line overlaps the one before: it computes the same again.
inline void pixel_lines(const Walk& walk, const Segment& y, const Segment& x, const RowsJob& job, const float* source,
                        std::size_t channels, float* target) {
  const auto to_c = static_cast<std::ptrdiff_t>(channels), lanes = static_cast<std::ptrdiff_t>(kLanes);
  for (std::ptrdiff_t n = 0; n < walk.batch; ++n) {
    for (std::ptrdiff_t i = 0; i < y.count; ++i) {
      const float* a = source + (n * walk.y.source + y.from + i * y.from_step) * walk.x.source + x.from;
      float* out = target + ((n * walk.y.target + y.first + i * y.step) * walk.x.target + x.first) * to_c;
      for (std::ptrdiff_t at = 0; at < x.count; at += lanes) {
        const std::ptrdiff_t pixel = std::min(at, x.count - lanes);
        pixel_tile(job, a + pixel, channels, out + pixel * to_c);
      }
    }
  }
}

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

/// Whether the gradient of the input is dot products along the output's channels: towards few channels, along runs
/// long enough. With strides taps do not lie side by side, so a run is one tap's channels.
inline bool has_few_targets(const ConvShape& shape) {
  const bool joined = shape.window.stride_h == 1 && shape.window.stride_w == 1;
  return shape.in.c <= 4 && shape.out.c >= (joined ? 8U : 16U);
}

/// kPixels pixels × kChannels channels: along each run of taps and source channels in sixteen virtual lanes. The
/// weights of one target channel are channel_step apart from the next one's.
template <std::size_t kPixels, std::size_t kChannels>
void dot_pixels(const RowsJob& job, std::size_t first, std::size_t channel_step) {
  constexpr std::size_t kSums = kPixels * kChannels, kGroups = (kSums + 3) / 4;
  simd::F32x16 acc[kGroups][4];
  unroll<4 * kGroups>([&](auto i) MOTE_UNROLLED { acc[i / 4][i % 4] = simd::zero16(); });
  for (std::size_t y = 0; y < job.taps_y; ++y) {
    for (std::size_t x = 0; x < job.taps_x; ++x) {
      const auto tap_y = static_cast<std::ptrdiff_t>(y), tap_x = static_cast<std::ptrdiff_t>(x);
      const std::ptrdiff_t from = tap_y * job.a_step_y + tap_x * job.a_step_x;
      const float* b = job.b + tap_y * job.b_step_y + tap_x * job.b_step_x;
      const auto add_terms = [&](std::size_t k, const auto& load) MOTE_UNROLLED {
        simd::F32x16 weights[kChannels];
        unroll<kChannels>([&](auto c) MOTE_UNROLLED { weights[c] = load(b + c * channel_step + k); });
        unroll<kPixels>([&](auto p) MOTE_UNROLLED {
          const simd::F32x16 in = load(job.a[first + p] + from + k);
          unroll<kChannels>([&](auto c) MOTE_UNROLLED {
            constexpr std::size_t kSum = p * kChannels + c;
            acc[kSum / 4][kSum % 4] = mul_add(in, weights[c], acc[kSum / 4][kSum % 4]);
          });
        });
      };
      std::size_t k = 0;
      for (; k + simd::kVirtualLanes <= job.depth; k += simd::kVirtualLanes)
        add_terms(k, [](const float* p) MOTE_UNROLLED { return simd::load16(p); });
      if (const std::size_t left = job.depth - k; left != 0)
        add_terms(k, [&](const float* p) MOTE_UNROLLED { return simd::load16_partial(p, left); });
    }
  }
  float sums[4 * kGroups];
  unroll<kGroups>([&](auto g) MOTE_UNROLLED { simd::store_sums(sums + 4 * g, acc[g]); });
  for (std::size_t p = 0; p < kPixels; ++p) std::copy_n(sums + p * kChannels, kChannels, job.out[first + p]);
}

/// The `pixels` pixels of a job.
template <std::size_t kChannels>
void dot_rows(const RowsJob& job, std::size_t pixels, std::size_t channel_step) {
  constexpr std::size_t kFit = simd::kAccumulators / (simd::kVectors16 * kChannels);
  constexpr std::size_t kPixels = kFit >= 4 ? 4 : kFit >= 2 ? 2 : 1;
  std::size_t first = 0;
  for (; first + kPixels <= pixels; first += kPixels) dot_pixels<kPixels, kChannels>(job, first, channel_step);
  for (; first < pixels; ++first) dot_pixels<1, kChannels>(job, first, channel_step);
}
inline void dot_rows(const RowsJob& job, std::size_t pixels, std::size_t channels, std::size_t channel_step) {
  switch (channels) {
    case 1: return dot_rows<1>(job, pixels, channel_step);
    case 2: return dot_rows<2>(job, pixels, channel_step);
    case 3: return dot_rows<3>(job, pixels, channel_step);
    default: return dot_rows<4>(job, pixels, channel_step);
  }
}

}  // namespace
}  // namespace mote::MOTE_KERNELS
