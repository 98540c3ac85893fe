// SPDX-License-Identifier: Apache-2.0
// dense_s8 and conv2d_s8 where there are vectors: tiles of several rows (samples or pixels) by some vectors of outputs,
// weights read once a tile. Internal linkage: it is compiled once per instruction set.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "kernels/accumulate_s8.hpp"
#include "kernels/gather_s8.hpp"
#include "simd/packed_rows.hpp"
#include "simd/rescale.hpp"

#if MOTE_SIMD_PACKED_ROWS

namespace mote::MOTE_KERNELS {
namespace {

inline constexpr std::size_t kTileRows = simd::PackedRows::kRows;
inline constexpr std::size_t kVectorOutputs = simd::PackedRows::kGroups * kPack;
inline constexpr std::size_t kTileOutputs = simd::PackedRows::kVectors * kVectorOutputs;

/// `width` accumulators of kRows rows, `stride` apart, become outputs from channel `first` on; output c begins with
/// begin[c] and those of row r with start[r].
template <std::size_t kRows>
[[gnu::noinline]] inline void finish_rows(const ProductLayer& layer, const std::int32_t* begin, std::int32_t* acc,
                                          std::size_t stride, std::size_t first, std::size_t width,
                                          const std::int32_t (&start)[kRows], std::int8_t* const (&to)[kRows]) {
  const OutputStage& stage = layer.stage;
  if (stage.rounding != Rounding::twice) {
    for (std::size_t r = 0; r < kRows; ++r, acc += stride) {
      for (std::size_t j = 0; j < width; ++j) acc[j] += start[r] + begin[j];
      finish_block<std::int8_t>(acc, first, width, stage, to[r] + first);
    }
    return;
  }
  const simd::OutputRange range{stage.zero_point, stage.clamp.low, stage.clamp.high};
  for (std::size_t j = 0; j < width; j += simd::kWords) {
    const std::size_t c = first + j, n = std::min(simd::kWords, width - j);
    const simd::Rescaler rescaler(stage.multipliers + c, stage.shifts + c, n, range);
    const simd::Words bias = simd::load_words(begin + j, n);
    for (std::size_t r = 0; r < kRows; ++r) {
      simd::Words sums = simd::add_words(simd::load_words(acc + r * stride + j), bias);
      if (layer.weight_zero_point != 0) sums = simd::add_words(sums, simd::splat_words(start[r]));
      rescaler.store(to[r] + c, rescaler.of(sums));
    }
  }
}

/// Runs of a tile that are laid out at a time.
inline constexpr std::size_t kRuns = 16;
template <std::size_t kRows>
using Run = simd::RowRun<kRows>;

/// The blocks of a vector of outputs, and what is behind the last one.
struct Blocks {
  const std::int8_t* weights;
  std::size_t vector, width;
  std::size_t places[simd::PackedRows::kGroups];
  MOTE_INLINE Blocks(const ProductLayer& layer, std::size_t first, std::size_t most) {
    const std::size_t group = layer.group_bytes();
    width = std::min(most, layer.outputs - first);
    weights = layer.weights + first / kPack * group, vector = simd::PackedRows::kGroups * group;
    const std::size_t last = (width + kPack - 1) / kPack - 1;  // blocks that are not there are read as the last one
    for (std::size_t g = 0; g < simd::PackedRows::kGroups; ++g) places[g] = std::min(g, last) * group;
  }
};

/// kVectors vectors of outputs from `first` on. fill(batch, runs): how many runs that batch has.
template <std::size_t kRows, std::size_t kVectors, class Fill>
MOTE_INLINE void tile_block(const ProductLayer& layer, const std::int32_t* begin, Run<kRows>* runs, std::size_t count,
                            std::size_t batches, const Fill& fill, std::size_t first,
                            const std::int32_t (&start)[kRows], std::int8_t* const (&to)[kRows]) {
  constexpr std::size_t kWidth = kVectors * kVectorOutputs;
  const Blocks blocks(layer, first, kWidth);
  alignas(64) std::int32_t acc[kRows * kWidth + simd::kWords];  // a vector may be read at the last row
  for (std::size_t batch = 0; batch < batches; ++batch) {
    if (batches > 1) count = fill(batch, runs);
    if (batch == 0)
      simd::multiply_runs<kRows, kVectors, false>(acc, runs, count, blocks.weights, blocks.vector, blocks.places);
    else
      simd::multiply_runs<kRows, kVectors, true>(acc, runs, count, blocks.weights, blocks.vector, blocks.places);
  }
  finish_rows<kRows>(layer, begin, acc, kWidth, first, blocks.width, start, to);
}

/// Outputs whose beginnings are made at a time.
inline constexpr std::size_t kBegun = 256;

/// Outputs first … first + count - 1 of all rows of a call, and what each begins with: the bias, less what the
/// vectors' way of multiplying adds to every sum.
struct Outputs {
  std::size_t first, count;
  alignas(64) std::int32_t begin[kBegun + simd::kWords];

  [[gnu::noinline]] Outputs(const ProductLayer& layer, std::size_t at, std::size_t all) : first(at), count(all) {
    for (std::size_t j = 0; j < count; ++j) begin[j] = layer.bias != nullptr ? layer.bias[first + j] : 0;
    if constexpr (simd::PackedRows::kOffset) {
      static constexpr std::int8_t kZeros[kTerms] = {};
      std::int32_t sums[kVectorOutputs];
      for (std::size_t j = 0; j < count; j += kVectorOutputs) {
        const Blocks blocks(layer, first + j, kVectorOutputs);
        const std::size_t here = std::min(kVectorOutputs, count - j);
        for (std::size_t k = 0; k < layer.terms; k += kTerms) {
          const Run<1> run{{kZeros}, std::min(kTerms, layer.terms - k), k};
          simd::multiply_runs<1, 1, false>(sums, &run, 1, blocks.weights, blocks.vector, blocks.places);
          for (std::size_t i = 0; i < here; ++i) begin[j + i] -= sums[i];
        }
      }
    }
  }
};

/// These outputs of a tile of rows.
template <std::size_t kRows, class Fill>
MOTE_INLINE void tile(const ProductLayer& layer, const Outputs& outputs, std::size_t batches, const Fill& fill,
                      std::int8_t* const (&to)[kRows]) {
  Run<kRows> runs[kRuns];
  std::size_t count = batches == 1 ? fill(0, runs) : 0;
  std::int32_t start[kRows] = {};
  if (layer.weight_zero_point != 0)
    for (std::size_t batch = 0; batch < batches; ++batch) {
      count = fill(batch, runs);
      for (std::size_t i = 0; i < count; ++i)
        for (std::size_t r = 0; r < kRows; ++r)
          for (std::size_t k = 0; k < runs[i].count; ++k) start[r] -= layer.weight_zero_point * runs[i].x[r][k];
    }
  const std::size_t end = outputs.first + outputs.count;
  std::size_t o = outputs.first;
  for (; o + kTileOutputs <= end; o += kTileOutputs)
    tile_block<kRows, simd::PackedRows::kVectors>(layer, outputs.begin + (o - outputs.first), runs, count, batches,
                                                  fill, o, start, to);
  for (; o < end; o += kVectorOutputs)
    tile_block<kRows, 1>(layer, outputs.begin + (o - outputs.first), runs, count, batches, fill, o, start, to);
}

/// body(size) with size as a constant: kTileRows as often as it fits in `count`, then halves of it.
template <class Body>
MOTE_INLINE void for_tiles(std::size_t count, const Body& body) {
  std::size_t at = 0;
  for (; at + kTileRows <= count; at += kTileRows) body(at, std::integral_constant<std::size_t, kTileRows>{});
  const auto half = [&](auto size) MOTE_LAMBDA_INLINE {
    if (at + size <= count) body(at, size), at += size;
  };
  if constexpr (kTileRows >= 8) half(std::integral_constant<std::size_t, 4>{});
  if constexpr (kTileRows >= 4) half(std::integral_constant<std::size_t, 2>{});
  half(std::integral_constant<std::size_t, 1>{});
}

/// dense: `rows` rows of layer.terms values, outputs begin … end - 1.
inline void dense_rows(const ProductLayer& layer, const std::int8_t* input, std::int8_t* output, std::size_t rows,
                       std::size_t begin, std::size_t end) {
  for (std::size_t o = begin; o < end; o += kBegun) {
    const Outputs outputs(layer, o, std::min(kBegun, end - o));
    for_tiles(rows, [&](std::size_t row, auto size) MOTE_LAMBDA_INLINE {
      constexpr std::size_t kRows = size;
      std::int8_t* to[kRows];
      for (std::size_t r = 0; r < kRows; ++r) to[r] = output + (row + r) * layer.outputs;
      const auto fill = [&](std::size_t, Run<kRows>* runs) {
        for (std::size_t r = 0; r < kRows; ++r) runs->x[r] = input + (row + r) * layer.terms;
        runs->count = layer.terms, runs->term = 0;
        return std::size_t{1};
      };
      tile<kRows>(layer, outputs, 1, fill, to);
    });
  }
}

/// A convolution, and the output pixel that is next.
struct TileConv {
  const ConvS8Args& args;
  std::size_t depth, line, taps, terms;
  std::int32_t height, width;
  const std::int8_t* outside;  // kTerms zero points
  const std::int8_t* end;      // of the input

  /// Where a window begins, perhaps outside the image.
  struct Pixel {
    const std::int8_t* image;
    std::int32_t y, x;
    std::ptrdiff_t place;
  };
  std::size_t image_bytes, next;
  std::uint32_t column, row;
  const std::int8_t* image;

  void start(std::size_t pixel) {
    const ConvShape& s = args.shape;
    const std::size_t lines = pixel / s.out.w, n = lines / s.out.h;
    image_bytes = static_cast<std::size_t>(s.in.elements()), next = pixel;
    image = args.input + n * image_bytes;
    column = static_cast<std::uint32_t>(pixel - lines * s.out.w);
    row = static_cast<std::uint32_t>(lines - n * s.out.h);
  }
  MOTE_INLINE Pixel take() {
    const ConvShape& s = args.shape;
    const std::int32_t y =
        static_cast<std::int32_t>(row * s.window.stride_h) - static_cast<std::int32_t>(s.window.pad_top);
    const std::int32_t x =
        static_cast<std::int32_t>(column * s.window.stride_w) - static_cast<std::int32_t>(s.window.pad_left);
    const Pixel pixel{image, y, x, (std::ptrdiff_t{y} * width + x) * static_cast<std::ptrdiff_t>(depth)};
    ++next;
    if (++column == s.out.w) {
      column = 0;
      if (++row == s.out.h) row = 0, image += image_bytes;
    }
    return pixel;
  }
  /// Whether all taps lie inside.
  [[nodiscard]] MOTE_INLINE bool inside(const Pixel& p) const {
    const Window& w = args.shape.window;
    return p.y >= 0 && p.x >= 0 && p.y + static_cast<std::int32_t>((w.filter_h - 1) * w.dilation_h) < height &&
           p.x + static_cast<std::int32_t>((w.filter_w - 1) * w.dilation_w) < width;
  }
  /// The pixel `down` lines and `right` pixels from where the window begins.
  [[nodiscard]] MOTE_INLINE const std::int8_t* at(const Pixel& p, std::size_t down, std::size_t right) const {
    return p.image + (p.place + static_cast<std::ptrdiff_t>((down * args.shape.in.w + right) * depth));
  }
};

/// How far behind its end a copy may write.
inline constexpr std::size_t kBeyond = 16;

/// The whole window of a pixel whose taps lie side by side, line by line: short lines are copied as sixteen bytes where
/// there are as many.
inline void gather_lines(const TileConv& conv, const TileConv::Pixel& p, std::int8_t* to) {
  const Window& w = conv.args.shape.window;
  if (conv.line <= kBeyond && conv.inside(p)) {
    const std::size_t pitch = std::size_t{w.dilation_h} * conv.args.shape.in.w * conv.depth;
    const std::int8_t* from = conv.at(p, 0, 0);
    const auto left = static_cast<std::size_t>(conv.end - from);
    if (left >= (w.filter_h - 1) * pitch + kBeyond) {
      for (std::size_t i = 0; i < w.filter_h; ++i, to += conv.line, from += pitch) std::memcpy(to, from, kBeyond);
      return;
    }
  }
  const std::int32_t first = p.x < 0 ? -p.x : 0, beyond = conv.width - p.x;  // taps first … last - 1 lie inside
  const std::int32_t last = std::min(static_cast<std::int32_t>(w.filter_w), beyond);
  for (std::size_t i = 0; i < w.filter_h; ++i, to += conv.line) {
    const std::int32_t y = p.y + static_cast<std::int32_t>(i * w.dilation_h);
    if (y < 0 || y >= conv.height || first >= last) {
      std::memset(to, conv.args.input_zero_point, conv.line);
      continue;
    }
    const std::size_t before = static_cast<std::size_t>(first) * conv.depth;
    const std::size_t run = static_cast<std::size_t>(last - first) * conv.depth;
    const std::int8_t* const from = conv.at(p, i * w.dilation_h, static_cast<std::size_t>(first));
    if (before != 0) std::memset(to, conv.args.input_zero_point, before);
    if (run <= kBeyond && conv.end - from >= static_cast<std::ptrdiff_t>(kBeyond))
      std::memcpy(to + before, from, kBeyond);
    else
      copy_short(from, run, to + before);
    if (before + run != conv.line) std::memset(to + before + run, conv.args.input_zero_point, conv.line - before - run);
  }
}

template <std::size_t kRows>
[[gnu::noinline]] inline void conv_tile(const ProductLayer& layer, const Outputs& outputs, TileConv& conv) {
  const ConvShape& s = conv.args.shape;
  const Window& w = s.window;
  TileConv::Pixel pixels[kRows];
  std::int8_t* to[kRows];
  bool inside = w.dilation_w == 1 || conv.taps == 1;
  for (std::size_t r = 0; r < kRows; ++r) {
    to[r] = conv.args.output + conv.next * layer.outputs;
    pixels[r] = conv.take();
    inside = inside && conv.inside(pixels[r]);
  }
  // Whole lines of the window lie in the image.
  if (inside && (w.filter_h == 1 || conv.line % kPack == 0)) {
    const auto lines = [&](std::size_t batch, Run<kRows>* runs) {
      const std::size_t begin = batch * kRuns, end = std::min<std::size_t>(begin + kRuns, w.filter_h);
      for (std::size_t i = begin; i < end; ++i, ++runs) {
        for (std::size_t r = 0; r < kRows; ++r) runs->x[r] = conv.at(pixels[r], i * w.dilation_h, 0);
        runs->count = conv.line, runs->term = i * conv.line;
      }
      return end - begin;
    };
    return tile<kRows>(layer, outputs, (w.filter_h + kRuns - 1) / kRuns, lines, to);
  }
  // Taps, each inside or not, in pieces as long as what stands for those outside.
  if (conv.depth % kPack == 0) {
    const std::size_t pieces = (conv.depth + kTerms - 1) / kTerms, all = conv.taps * pieces;
    simd::RowPlaces<kRows> places;  // addresses as numbers, so that a vector of them takes a choice for each
    places.height = s.in.h, places.width = s.in.w;
    for (std::size_t r = 0; r < kRows; ++r) {
      places.y[r] = static_cast<std::uint32_t>(pixels[r].y), places.x[r] = static_cast<std::uint32_t>(pixels[r].x);
      places.place[r] =
          reinterpret_cast<std::uintptr_t>(pixels[r].image) + static_cast<std::uintptr_t>(pixels[r].place);
    }
    const auto taps = [&](std::size_t batch, Run<kRows>* runs) {
      const std::size_t begin = batch * kRuns, end = std::min(begin + kRuns, all);
      std::size_t i = begin / pieces / w.filter_w, j = begin / pieces - i * w.filter_w, piece = begin % pieces;
      for (std::size_t at = begin; at < end; ++at, ++runs) {
        const std::size_t c = piece * kTerms, down = i * w.dilation_h, right = j * w.dilation_w;
        places.tap(static_cast<std::uint32_t>(down), static_cast<std::uint32_t>(right),
                   (down * s.in.w + right) * conv.depth + c, reinterpret_cast<std::uintptr_t>(conv.outside), runs->x);
        runs->count = std::min(kTerms, conv.depth - c), runs->term = (i * w.filter_w + j) * conv.depth + c;
        if (++piece == pieces) piece = 0, ++j;
        if (j == w.filter_w) j = 0, ++i;
      }
      return end - begin;
    };
    return tile<kRows>(layer, outputs, (all + kRuns - 1) / kRuns, taps, to);
  }
  // Windows put together piece by piece.
  std::int8_t gathered[kRows][kTerms + kBeyond];
  const auto pieces = [&](std::size_t batch, Run<kRows>* runs) {
    const std::size_t term = batch * kTerms, count = std::min(kTerms, conv.terms - term);
    for (std::size_t r = 0; r < kRows; ++r) {
      if (count == conv.terms && w.dilation_w == 1)
        gather_lines(conv, pixels[r], gathered[r]);
      else
        gather_window(conv.args, pixels[r].image, tap_span(pixels[r].y, w.dilation_h, w.filter_h, s.in.h),
                      tap_span(pixels[r].x, w.dilation_w, w.filter_w, s.in.w), term, count, gathered[r]);
      runs->x[r] = gathered[r];
    }
    runs->count = count, runs->term = term;
    return std::size_t{1};
  };
  tile<kRows>(layer, outputs, (conv.terms + kTerms - 1) / kTerms, pieces, to);
}

inline void conv2d_tiles(const ConvS8Args& args) {
  const ConvShape& s = args.shape;
  const std::size_t taps = std::size_t{s.window.filter_h} * s.window.filter_w, terms = taps * s.in.c;
  const ProductLayer layer{args.weights, args.bias, args.stage, terms, s.out.c, args.weight_zero_point};
  const Part::Range lines = args.part.of(std::size_t{s.batch} * s.out.h);
  const std::size_t begin = lines.begin * s.out.w, end = lines.end * s.out.w;
  if (is_pointwise(s))
    return dense_rows(layer, args.input + begin * s.in.c, args.output + begin * layer.outputs, end - begin, 0,
                      layer.outputs);
  std::int8_t outside[kTerms];
  std::memset(outside, args.input_zero_point, sizeof outside);
  TileConv conv{args,
                s.in.c,
                s.window.filter_w * s.in.c,
                taps,
                terms,
                static_cast<std::int32_t>(s.in.h),
                static_cast<std::int32_t>(s.in.w),
                outside,
                args.input + s.batch * static_cast<std::size_t>(s.in.elements()),
                0,
                0,
                0,
                0,
                nullptr};
  for (std::size_t o = 0; o < layer.outputs; o += kBegun) {
    const Outputs outputs(layer, o, std::min(kBegun, layer.outputs - o));
    conv.start(begin);
    for_tiles(end - begin, [&](std::size_t, auto size) MOTE_LAMBDA_INLINE { conv_tile<size>(layer, outputs, conv); });
  }
}

}  // namespace
}  // namespace mote::MOTE_KERNELS

#endif
