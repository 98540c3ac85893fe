// SPDX-License-Identifier: Apache-2.0
// depthwise_conv2d_s8 with one output a channel where there are vectors: lanes over channels, columns of up to four
// taps. A block of channels goes over the whole image, its weights in registers. Internal linkage: it is compiled once
// per instruction set.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "kernels/accumulate_s8.hpp"
#include "simd/rescale.hpp"
#include "simd/tap_columns.hpp"

#if MOTE_SIMD_TAP_COLUMNS

namespace mote::MOTE_KERNELS {
namespace {

inline constexpr std::size_t kColumns = 8;  // the widest filter

/// Whether depthwise_columns() takes the layer.
inline bool takes_columns(const ConvS8Args& args) {
  const Window& w = args.shape.window;
  return args.shape.out.c == args.shape.in.c && w.filter_h <= 4 && w.filter_w <= kColumns &&
         args.weight_zero_point == 0 && args.stage.rounding == Rounding::twice;
}

/// One block of channels: the weights, and what turns sums into outputs.
struct ColumnBlock {
  const ConvS8Args& args;
  std::size_t first, count;
  simd::TapColumn weights[kColumns], outside;
  simd::Words begin;
  simd::Finisher finisher;

  ColumnBlock(const ConvS8Args& layer, std::size_t at, std::size_t channels)
      : args(layer),
        first(at),
        count(channels),
        outside(simd::TapColumn::splat(static_cast<std::int8_t>(layer.input_zero_point))),
        begin(layer.bias != nullptr ? simd::load_words(layer.bias + at, channels) : simd::splat_words(0)),
        finisher(simd::splat_words(0), layer.stage.multipliers + at, layer.stage.shifts + at, channels,
                 {layer.stage.zero_point, layer.stage.clamp.low, layer.stage.clamp.high}) {
    static constexpr std::int8_t kZeros[simd::kWords] = {};
    const Window& w = layer.shape.window;
    simd::Words added = simd::splat_words(0);
    for (std::size_t j = 0; j < w.filter_w; ++j) {
      simd::FourPixels taps{};
      for (std::size_t i = 0; i < 4; ++i)
        taps.line[i] = i < w.filter_h ? layer.weights + (i * w.filter_w + j) * layer.shape.out.c + at : kZeros;
      weights[j] = simd::TapColumn::weights(taps, channels);
      added = simd::TapColumn::add(added, simd::TapColumn::splat(0), weights[j]);
    }
    if constexpr (simd::TapColumn::kOffset) begin = simd::subtract_words(begin, added);
  }
};

/// The lines that one line of outputs meets.
struct ColumnLines {
  const std::int8_t* line[4];  // the first pixel's
  std::size_t step[4];         // to the next pixel; 0 where the line lies outside the image
};

/// Column `x` of the image, which may lie outside.
template <bool kWhole>
MOTE_INLINE simd::TapColumn column_at(const ColumnBlock& block, const ColumnLines& lines, std::int32_t x) {
  if (x < 0 || x >= static_cast<std::int32_t>(block.args.shape.in.w)) return block.outside;
  simd::FourPixels pixels;
  for (std::size_t i = 0; i < 4; ++i) pixels.line[i] = lines.line[i] + static_cast<std::size_t>(x) * lines.step[i];
  return simd::TapColumn::values(pixels, kWhole ? simd::kWords : block.count);
}

/// One line of outputs, `to` its first pixel.
template <bool kWhole>
MOTE_INLINE void column_line(const ColumnBlock& block, const ColumnLines& lines, std::int8_t* to) {
  using Column = simd::TapColumn;
  const ConvShape& s = block.args.shape;
  const Window& w = s.window;
  const simd::Words begin = block.begin;
  const auto left = -static_cast<std::int32_t>(w.pad_left);
  if (w.filter_w == 3 && w.dilation_w == 1 && w.stride_w <= 2) {
    const Column w0 = block.weights[0], w1 = block.weights[1], w2 = block.weights[2];
    simd::Words now = Column::add(begin, column_at<kWhole>(block, lines, left), w0);
    if (w.stride_w == 2) {
      for (std::uint32_t x = 0; x < s.out.w; ++x, to += s.out.c) {
        const std::int32_t at = left + 2 * static_cast<std::int32_t>(x);
        now = Column::add(now, column_at<kWhole>(block, lines, at + 1), w1);
        const Column last = column_at<kWhole>(block, lines, at + 2);
        block.finisher.store(to, Column::add(now, last, w2));
        now = Column::add(begin, last, w0);
      }
      return;
    }
    const Column second = column_at<kWhole>(block, lines, left + 1);
    now = Column::add(now, second, w1);
    simd::Words next = Column::add(begin, second, w0);
    for (std::uint32_t x = 0; x < s.out.w; ++x, to += s.out.c) {
      const Column last = column_at<kWhole>(block, lines, left + 2 + static_cast<std::int32_t>(x));
      block.finisher.store(to, Column::add(now, last, w2));
      now = Column::add(next, last, w1);
      next = Column::add(begin, last, w0);
    }
    return;
  }
  for (std::uint32_t x = 0; x < s.out.w; ++x, to += s.out.c) {
    simd::Words sums = begin;
    for (std::uint32_t j = 0; j < w.filter_w; ++j) {
      const auto at = left + static_cast<std::int32_t>(x * w.stride_w + j * w.dilation_w);
      sums = Column::add(sums, column_at<kWhole>(block, lines, at), block.weights[j]);
    }
    block.finisher.store(to, sums);
  }
}

template <bool kWhole>
[[gnu::noinline]] inline void column_block(const ConvS8Args& args, std::size_t first, std::size_t count,
                                           const std::int8_t* zero_points) {
  const ConvShape& s = args.shape;
  const Window& w = s.window;
  const ColumnBlock block(args, first, count);
  const std::size_t line_bytes = std::size_t{s.in.w} * s.in.c;
  const Part::Range all = args.part.of(std::size_t{s.batch} * s.out.h);
  for (std::size_t at = all.begin; at < all.end; ++at) {
    const std::size_t image = at / s.out.h;
    const auto top =
        static_cast<std::int32_t>((at - image * s.out.h) * w.stride_h) - static_cast<std::int32_t>(w.pad_top);
    const std::int8_t* const input = args.input + image * static_cast<std::size_t>(s.in.elements()) + first;
    ColumnLines lines;
    for (std::size_t i = 0; i < 4; ++i) {
      const std::int32_t y = top + static_cast<std::int32_t>(i * w.dilation_h);
      const bool in_image = i < w.filter_h && y >= 0 && y < static_cast<std::int32_t>(s.in.h);
      lines.line[i] = in_image ? input + static_cast<std::size_t>(y) * line_bytes : zero_points;
      lines.step[i] = in_image ? s.in.c : 0;
    }
    column_line<kWhole>(block, lines, args.output + at * s.out.w * s.out.c + first);
  }
}

inline void depthwise_columns(const ConvS8Args& args) {
  std::int8_t zero_points[simd::kWords];
  std::memset(zero_points, args.input_zero_point, sizeof zero_points);
  const std::size_t channels = args.shape.out.c;
  std::size_t c = 0;
  for (; c + simd::kWords <= channels; c += simd::kWords) column_block<true>(args, c, simd::kWords, zero_points);
  if (c == channels) return;
  // The last ones once more with those before them, where there are enough.
  if (channels > simd::kWords)
    column_block<true>(args, channels - simd::kWords, simd::kWords, zero_points);
  else
    column_block<false>(args, c, channels - c, zero_points);
}

}  // namespace
}  // namespace mote::MOTE_KERNELS

#endif
