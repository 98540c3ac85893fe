// SPDX-License-Identifier: Apache-2.0
// dense_s8 and conv2d_s8 where a row of terms is read in long steps (simd/whole_rows.hpp): four rows, samples or
// pixels, by all outputs. Windows are put together whole, so that their terms lie side by side. Internal linkage: it is
// compiled once per instruction set.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "kernels/accumulate_s8.hpp"
#include "simd/rescale.hpp"
#include "simd/whole_rows.hpp"

#if MOTE_SIMD_WHOLE_ROWS

namespace mote::MOTE_KERNELS {
namespace {

inline constexpr std::size_t kRows = simd::kWholeRows;
inline constexpr std::size_t kRowTerms = 1152;  // the widest window: 3 x 3 taps of 128 channels; 4.5 KiB for a tile

/// Four rows, and where their outputs go: of fewer the last is there more than once.
struct RowTile {
  const std::int8_t* x[kRows];
  std::int8_t* to[kRows];
};

/// `width` sums of every row, `kRowOutputs` apart, become the outputs of channels first … first + width - 1.
[[gnu::noinline]] inline void finish_tile(const ProductLayer& layer, std::int32_t* acc, std::size_t first,
                                          std::size_t width, const RowTile& tile) {
  const OutputStage& stage = layer.stage;
  const std::int32_t* const bias = layer.bias != nullptr ? layer.bias + first : nullptr;
  if (layer.weight_zero_point != 0)
    for (std::size_t r = 0; r < kRows; ++r) {
      std::int32_t sum = 0;
      for (std::size_t k = 0; k < layer.terms; ++k) sum += tile.x[r][k];
      for (std::size_t j = 0; j < width; ++j) acc[r * simd::kRowOutputs + j] -= layer.weight_zero_point * sum;
    }
  if (stage.rounding != Rounding::twice) {
    for (std::size_t r = 0; r < kRows; ++r, acc += simd::kRowOutputs) {
      for (std::size_t j = 0; j < width && bias != nullptr; ++j) acc[j] += bias[j];
      finish_block<std::int8_t>(acc, first, width, stage, tile.to[r] + first);
    }
    return;
  }
  const simd::OutputRange range{stage.zero_point, stage.clamp.low, stage.clamp.high};
  const std::int32_t* multipliers = stage.multipliers + first;
  const std::int8_t* shifts = stage.shifts + first;
  const auto channels = [&](std::size_t j, std::size_t n) MOTE_LAMBDA_INLINE {
    const simd::Rescaler rescaler(multipliers + j, shifts + j, n, range);
    const simd::Words begin = bias != nullptr ? simd::load_words(bias + j, n) : simd::splat_words(0);
#pragma GCC unroll 4
    for (std::size_t r = 0; r < kRows; ++r) {
      const simd::Words sums = simd::load_words(acc + r * simd::kRowOutputs + j);
      rescaler.store(tile.to[r] + first + j, rescaler.of(simd::add_words(sums, begin)));
    }
  };
  std::size_t j = 0;
  for (; j + simd::kWords <= width; j += simd::kWords) channels(j, simd::kWords);
  if (j < width) channels(j, width - j);
}

/// Outputs begin … end - 1 of a tile; `begin` a multiple of four.
inline void multiply_tile(const ProductLayer& layer, const RowTile& tile, std::size_t begin, std::size_t end) {
  const std::size_t group = layer.group_bytes();
  const std::int8_t* weights = layer.weights + begin / kPack * group;
  constexpr std::size_t kBlocks = simd::kRowOutputs / kPack;
  for (std::size_t o = begin; o < end; o += simd::kRowOutputs, weights += kBlocks * group) {
    const std::size_t width = std::min(simd::kRowOutputs, end - o);
    std::int32_t acc[kRows * simd::kRowOutputs];
    simd::multiply_rows(acc, tile.x, layer.terms, weights, group, (width + kPack - 1) / kPack);
    finish_tile(layer, acc, o, width, tile);
  }
}

/// dense: `rows` rows of layer.terms values, outputs begin … end - 1.
inline void dense_rows(const ProductLayer& layer, const std::int8_t* input, std::int8_t* output, std::size_t rows,
                       std::size_t begin, std::size_t end) {
  for (std::size_t row = 0; row < rows; row += kRows) {
    RowTile tile;
    for (std::size_t r = 0; r < kRows; ++r) {
      const std::size_t at = std::min(row + r, rows - 1);
      tile.x[r] = input + at * layer.terms, tile.to[r] = output + at * layer.outputs;
    }
    multiply_tile(layer, tile, begin, end);
  }
}

/// Windows of a convolution, put together.
struct WholeWindows {
  const ConvShape& shape;
  std::int8_t outside;
  std::size_t line, pitch;  // bytes of a window's line, and between two in the image

  /// Where the window lies that begins at (y, x), large numbers before 0: in the image if that is one line of it, else
  /// put together at `to`.
  [[nodiscard, gnu::noinline]] const std::int8_t* at(const std::int8_t* image, std::size_t y, std::size_t x,
                                                     std::int8_t* const to) const {
    const Window& w = shape.window;
    const std::size_t lines = w.filter_h, down = w.dilation_h, height = shape.in.h, width = shape.in.w;
    const std::int8_t* from = image + static_cast<std::ptrdiff_t>((y * width + x) * shape.in.c);
    std::int8_t* put = to;
    if (x < width && x + w.filter_w <= width) {
      if (lines == 1 && y < height) return from;
      for (std::size_t i = 0; i < lines; ++i, y += down, from += pitch, put += line) {
        if (y < height)
          simd::copy_bytes(put, from, line);
        else
          simd::fill_bytes(put, outside, line);
      }
      return to;
    }
    const std::size_t first = x < width ? 0 : std::min<std::size_t>(0 - x, w.filter_w);  // taps first … last - 1 inside
    const std::size_t last = std::min<std::size_t>(width - x, w.filter_w);
    const std::size_t before = first * shape.in.c, run = last > first ? last * shape.in.c - before : 0;
    for (std::size_t i = 0; i < lines; ++i, y += down, from += pitch, put += line) {
      simd::fill_bytes(put, outside, line);
      if (y < height) simd::copy_bytes(put + before, from + before, run);
    }
    return to;
  }
};

/// Whether conv2d_rows() takes the layer: a tile of its pixels has more than one.
inline bool takes_rows(const ConvS8Args& args) {
  const ConvShape& s = args.shape;
  const Window& w = s.window;
  const Part::Range lines = args.part.of(std::size_t{s.batch} * s.out.h);
  if ((lines.end - lines.begin) * s.out.w < 2) return false;
  return is_pointwise(s) ||
         (std::size_t{w.filter_h} * w.filter_w * s.in.c <= kRowTerms && (w.dilation_w == 1 || w.filter_w == 1));
}

inline void conv2d_rows(const ConvS8Args& args) {
  const ConvShape& s = args.shape;
  const Window& w = s.window;
  const std::size_t terms = std::size_t{w.filter_h} * w.filter_w * s.in.c;
  const ProductLayer layer{args.weights, args.bias, args.stage, terms, s.out.c, args.weight_zero_point};
  const Part::Range lines = args.part.of(std::size_t{s.batch} * s.out.h);
  const std::size_t begin = lines.begin * s.out.w, end = lines.end * s.out.w;
  if (is_pointwise(s))
    return dense_rows(layer, args.input + begin * s.in.c, args.output + begin * layer.outputs, end - begin, 0,
                      layer.outputs);
  const WholeWindows windows{s, static_cast<std::int8_t>(args.input_zero_point), w.filter_w * std::size_t{s.in.c},
                             std::size_t{w.dilation_h} * s.in.w * s.in.c};
  std::int8_t put[kRows][kRowTerms];
  RowTile tile;
  std::size_t waiting = 0;
  std::int8_t* to = args.output + begin * layer.outputs;
  const auto finish = [&]() MOTE_LAMBDA_INLINE {
    for (std::size_t r = waiting; r < kRows; ++r) tile.x[r] = tile.x[waiting - 1], tile.to[r] = tile.to[waiting - 1];
    multiply_tile(layer, tile, 0, layer.outputs);
    waiting = 0;
  };
  for (std::size_t at = lines.begin; at < lines.end; ++at) {
    const std::size_t image = at / s.out.h, y = (at - image * s.out.h) * w.stride_h - w.pad_top;
    const std::int8_t* const pixels = args.input + image * static_cast<std::size_t>(s.in.elements());
    std::size_t x = std::size_t{0} - w.pad_left;
    for (std::size_t column = 0; column < s.out.w; ++column, x += w.stride_w, to += layer.outputs) {
      tile.x[waiting] = windows.at(pixels, y, x, put[waiting]), tile.to[waiting] = to;
      if (++waiting == kRows) finish();
    }
  }
  if (waiting != 0) finish();
}

}  // namespace
}  // namespace mote::MOTE_KERNELS

#endif
