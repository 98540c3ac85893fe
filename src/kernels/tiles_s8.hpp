// SPDX-License-Identifier: Apache-2.0
// dense_s8 and conv2d_s8 where there are vectors: tiles of several rows (samples or pixels) by some vectors of outputs,
// weights read once a tile. Some tiles are laid out at a time, a strip, which all outputs then take. Internal linkage:
// it is compiled once per instruction set.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>

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

template <std::size_t kRows>
using Run = simd::RowRun<kRows>;

/// kCount blocks of outputs from `first` on; those behind output `first + width - 1` are read as its own.
template <std::size_t kCount>
struct Blocks : simd::RowBlocks<kCount> {
  MOTE_INLINE Blocks(const ProductLayer& layer, std::size_t first, std::size_t width) {
    const std::size_t group = layer.group_bytes(), last = (width + kPack - 1) / kPack - 1;
    this->weights = layer.weights + first / kPack * group;
    for (std::size_t g = 0; g < kCount; ++g) this->places[g] = std::min(g, last) * group;
  }
};

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
      constexpr std::size_t kVectors = simd::PackedRows::kJoined;
      for (std::size_t j = 0; j < count; j += kVectors * kVectorOutputs) {
        const Blocks<kVectors * simd::PackedRows::kGroups> blocks(layer, first + j,
                                                                  std::min(kVectors * kVectorOutputs, count - j));
        for (std::size_t k = 0; k < layer.terms; k += kTerms) {
          const Run<1> run{{kZeros}, std::min(kTerms, layer.terms - k), k};
          std::int32_t sums[kVectors * kVectorOutputs];
          simd::multiply_runs<1, kVectors, false>(sums, &run, 1, blocks, 0);
          for (std::size_t i = 0; i < kVectors * kVectorOutputs; ++i) begin[j + i] -= sums[i];
        }
      }
    }
  }
};

/// Tiles of a strip, and runs of all of them.
inline constexpr std::size_t kStripTiles = 8, kRuns = 64;

/// Tiles of kRows rows: where their terms lie, where their outputs go, and what each row's sums begin with.
template <std::size_t kRows>
struct Strip {
  std::size_t tiles = 0;
  std::size_t counts[kStripTiles];  // of runs
  const Run<kRows>* first[kStripTiles];
  std::int8_t* to[kStripTiles][kRows];
  std::int32_t start[kStripTiles][kRows];
  Run<kRows> runs[kRuns];
};

/// Sums, `stride` apart, become outputs.
template <std::size_t kRows>
[[gnu::noinline]] void finish_strip(const ProductLayer& layer, const Outputs& outputs, const Strip<kRows>& strip,
                                    std::size_t first, std::size_t width, std::int32_t* acc, std::size_t stride) {
  const OutputStage& stage = layer.stage;
  const std::int32_t* const begin = outputs.begin + (first - outputs.first);
  const std::int32_t* const start = strip.start[0];
  std::int8_t* const* const to = strip.to[0];
  const std::size_t rows = strip.tiles * kRows;
  if (stage.rounding != Rounding::twice) {
    for (std::size_t r = 0; r < rows; ++r, acc += stride) {
      for (std::size_t j = 0; j < width; ++j) acc[j] += start[r] + begin[j];
      finish_block<std::int8_t>(acc, first, width, stage, to[r] + first);
    }
    return;
  }
  const simd::OutputRange range{stage.zero_point, stage.clamp.low, stage.clamp.high};
  for (std::size_t j = 0; j < width; j += simd::kWords) {
    const std::size_t c = first + j, n = std::min(simd::kWords, width - j);
    const simd::Finisher finisher(simd::load_words(begin + j, n), stage.multipliers + c, stage.shifts + c, n, range);
    const std::int32_t* from = acc + j;
    for (std::size_t r = 0; r < rows; ++r, from += stride) {
      simd::Words words = simd::load_words(from);
      if (layer.weight_zero_point != 0) words = simd::add_words(words, simd::splat_words(start[r]));
      finisher.store(to[r] + c, words);
    }
  }
}

/// Whether rows of outputs fill vectors together: they are short, and lie one after the other.
inline bool is_flat(const ProductLayer& layer, std::size_t width, std::size_t batches) {
  return width == layer.outputs && width < simd::kWords && simd::kWords % width == 0 && batches == 1 &&
         layer.weight_zero_point == 0 && layer.stage.rounding == Rounding::twice;
}

/// Sums of such rows become outputs.
[[gnu::noinline]] inline void finish_flat(const ProductLayer& layer, const std::int32_t* begin, const std::int32_t* acc,
                                          std::size_t rows, std::int8_t* to) {
  std::int32_t begins[simd::kWords], multipliers[simd::kWords];
  std::int8_t shifts[simd::kWords];
  for (std::size_t i = 0; i < simd::kWords; ++i) {
    const std::size_t c = i % layer.outputs;
    begins[i] = begin[c], multipliers[i] = layer.stage.multipliers[c], shifts[i] = layer.stage.shifts[c];
  }
  const simd::OutputRange range{layer.stage.zero_point, layer.stage.clamp.low, layer.stage.clamp.high};
  const simd::Words first = simd::load_words(begins);
  const simd::Finisher whole(first, multipliers, shifts, simd::kWords, range);
  std::size_t count = rows * layer.outputs;
  for (; count >= simd::kWords; count -= simd::kWords, acc += simd::kWords, to += simd::kWords)
    whole.store(to, simd::load_words(acc));
  if (count != 0) simd::Finisher(first, multipliers, shifts, count, range).store(to, simd::load_words(acc));
}

#if MOTE_SIMD_LONG_ROWS
inline constexpr std::size_t kLongTerms = 48;  // from where on long steps pay
#endif

/// These outputs of a strip whose `tiles` and `to` are set. fill(tile, batch, runs): how many runs that batch of the
/// tile has; there is more than one tile only if there is one batch.
template <std::size_t kRows, class Fill>
MOTE_INLINE void multiply(const ProductLayer& layer, const Outputs& outputs, Strip<kRows>& strip, std::size_t batches,
                          const Fill& fill) {
  Run<kRows>* runs = strip.runs;
  for (std::size_t t = 0; t < strip.tiles; ++t) {
    if (layer.weight_zero_point != 0 || layer.stage.rounding != Rounding::twice)
      for (std::size_t r = 0; r < kRows; ++r) strip.start[t][r] = 0;
    strip.first[t] = runs;
    for (std::size_t batch = 0; batch < batches; ++batch) {
      const std::size_t count = fill(t, batch, runs);
      if (batch == 0) strip.counts[t] = count;
      if (layer.weight_zero_point == 0) break;
      for (std::size_t i = 0; i < count; ++i)
        for (std::size_t r = 0; r < kRows; ++r)
          for (std::size_t k = 0; k < runs[i].count; ++k)
            strip.start[t][r] -= layer.weight_zero_point * runs[i].x[r][k];
    }
    runs += strip.counts[t];
    if (batches > 1 && layer.weight_zero_point != 0) fill(t, 0, strip.runs);
  }
  constexpr std::size_t kVectors = simd::PackedRows::kVectors, kJoined = simd::PackedRows::kJoined;
  alignas(64) std::int32_t acc[kStripTiles * kRows * kTileOutputs + kTileOutputs];
  const std::size_t end = outputs.first + outputs.count;
  // Blocks of a whole tile of outputs lie evenly; of fewer some are read twice, which few registers allow.
  constexpr bool kWhole = kVectors * simd::PackedRows::kGroups > 4;
  constexpr std::size_t kNarrow = kJoined * kVectorOutputs;
  std::size_t width = 0;
  for (std::size_t o = outputs.first; o < end; o += width) {
    width = std::min(kTileOutputs, end - o);
    if (kWhole && width < kTileOutputs) width = std::min(kNarrow, width);
    const auto multiply_all = [&](auto vectors, auto rows) MOTE_LAMBDA_INLINE {
      using Rows = decltype(rows);
      const Blocks<vectors * Rows::kGroups> blocks(layer, o, width);
      const bool flat = is_flat(layer, width, batches);
      const std::size_t stride = flat ? width : vectors * Rows::kGroups * kPack;
      for (std::size_t t = 0; t < strip.tiles; ++t)
        simd::multiply_runs<kRows, vectors, false, Rows>(acc + t * kRows * stride, strip.first[t], strip.counts[t],
                                                         blocks, stride);
      for (std::size_t batch = 1; batch < batches; ++batch)
        simd::multiply_runs<kRows, vectors, true, Rows>(acc, strip.runs, fill(0, batch, strip.runs), blocks, stride);
      if (batches > 1) strip.counts[0] = fill(0, 0, strip.runs);
      if (flat)
        finish_flat(layer, outputs.begin, acc, strip.tiles * kRows, strip.to[0][0]);
      else
        finish_strip(layer, outputs, strip, o, width, acc, stride);
    };
    if constexpr (kVectors > kJoined)
      if (width <= kNarrow) {
#if MOTE_SIMD_LONG_ROWS
        if (layer.terms >= kLongTerms) {
          multiply_all(std::integral_constant<std::size_t, simd::LongRows::kVectors>{}, simd::LongRows{});
          continue;
        }
#endif
        multiply_all(std::integral_constant<std::size_t, kJoined>{}, simd::PackedRows{});
        continue;
      }
    multiply_all(std::integral_constant<std::size_t, kVectors>{}, simd::PackedRows{});
  }
}

/// body(at, tiles, size) with size as a constant: strips of at most `most` tiles of kTileRows rows as long as they fit
/// in `count`, then single tiles of halves of them.
template <class Body>
MOTE_INLINE void for_strips(std::size_t count, std::size_t most, const Body& body) {
  std::size_t at = 0;
  for (std::size_t tiles = count / kTileRows; tiles > 0;) {
    const std::size_t some = std::min(tiles, most);
    body(at, some, std::integral_constant<std::size_t, kTileRows>{});
    tiles -= some, at += some * kTileRows;
  }
  const auto half = [&](auto size) MOTE_LAMBDA_INLINE {
    if (at + size <= count) body(at, std::size_t{1}, size), at += size;
  };
  if constexpr (kTileRows >= 8) half(std::integral_constant<std::size_t, 4>{});
  if constexpr (kTileRows >= 4) half(std::integral_constant<std::size_t, 2>{});
  half(std::integral_constant<std::size_t, 1>{});
}

#if MOTE_SIMD_ONE_ROW
/// dense: one row, outputs begin … end - 1.
inline void dense_row(const ProductLayer& layer, const std::int8_t* input, std::int8_t* output, std::size_t begin,
                      std::size_t end) {
  const OutputStage& stage = layer.stage;
  const simd::OutputRange range{stage.zero_point, stage.clamp.low, stage.clamp.high};
  const simd::OneRow row(input, layer.terms);
  const std::int32_t start = -(layer.weight_zero_point + 128) * row.sum;
  const std::int8_t* weights = layer.weights + begin / kPack * layer.group_bytes();
  for (std::size_t o = begin; o < end; o += simd::kWords, weights += simd::kWords / kPack * layer.group_bytes()) {
    const std::size_t n = std::min(simd::kWords, end - o);
    simd::Words words = row.multiply(weights, (n + kPack - 1) / kPack);
    words = simd::add_words(words, simd::splat_words(start));
    if (layer.bias != nullptr) words = simd::add_words(words, simd::load_words(layer.bias + o, n));
    if (stage.rounding != Rounding::twice) {
      std::int32_t acc[simd::kWords];
      simd::store_words(acc, words);
      finish_block<std::int8_t>(acc, o, n, stage, output + o);
      continue;
    }
    const simd::Rescaler rescaler(stage.multipliers + o, stage.shifts + o, n, range);
    rescaler.store(output + o, rescaler.of(words));
  }
}
#endif

/// dense: `rows` rows of layer.terms values, outputs begin … end - 1.
inline void dense_rows(const ProductLayer& layer, const std::int8_t* input, std::int8_t* output, std::size_t rows,
                       std::size_t begin, std::size_t end) {
  for (std::size_t o = begin; o < end; o += kBegun) {
    const Outputs outputs(layer, o, std::min(kBegun, end - o));
    for_strips(rows, kStripTiles, [&](std::size_t row, std::size_t tiles, auto size) MOTE_LAMBDA_INLINE {
      constexpr std::size_t kRows = size;
      Strip<kRows> strip;
      strip.tiles = tiles;
      for (std::size_t t = 0; t < tiles; ++t)
        for (std::size_t r = 0; r < kRows; ++r) strip.to[t][r] = output + (row + t * kRows + r) * layer.outputs;
      multiply(layer, outputs, strip, 1, [&](std::size_t t, std::size_t, Run<kRows>* runs) MOTE_LAMBDA_INLINE {
        for (std::size_t r = 0; r < kRows; ++r) runs->x[r] = input + (row + t * kRows + r) * layer.terms;
        runs->count = layer.terms, runs->term = 0;
        return std::size_t{1};
      });
    });
  }
}

/// Where the windows of a tile begin, perhaps outside the image; where all of them lie inside perhaps only `place`.
template <std::size_t kRows>
struct TilePixels {
  bool inside;
  std::uintptr_t place[kRows];  // addresses as numbers: they may lie outside
  const std::int8_t* image[kRows];
  std::int32_t y[kRows], x[kRows];
};

/// A convolution, and the output pixel that is next.
struct TileConv {
  const ConvS8Args& args;
  std::size_t depth, line, taps, terms;
  std::int32_t height, width;
  const std::int8_t* outside;              // kTerms zero points
  const std::int8_t* end;                  // of the input
  std::int32_t spare_rows, spare_columns;  // windows begin there at most, to lie inside
  std::size_t step;                        // bytes from one window to the next

  std::size_t next = 0;
  std::uint32_t column = 0, row = 0;
  const std::int8_t* image = nullptr;
  std::int32_t y = 0, x = 0;
  std::uintptr_t place = 0;

  TileConv(const ConvS8Args& of, const std::int8_t* zero_points)
      : args(of),
        depth(of.shape.in.c),
        line(of.shape.window.filter_w * std::size_t{of.shape.in.c}),
        taps(std::size_t{of.shape.window.filter_h} * of.shape.window.filter_w),
        terms(taps * of.shape.in.c),
        height(static_cast<std::int32_t>(of.shape.in.h)),
        width(static_cast<std::int32_t>(of.shape.in.w)),
        outside(zero_points),
        end(of.input + of.shape.batch * static_cast<std::size_t>(of.shape.in.elements())),
        spare_rows(height - 1 - static_cast<std::int32_t>((of.shape.window.filter_h - 1) * of.shape.window.dilation_h)),
        spare_columns(width - 1 -
                      static_cast<std::int32_t>((of.shape.window.filter_w - 1) * of.shape.window.dilation_w)),
        step(std::size_t{of.shape.window.stride_w} * of.shape.in.c) {}

  /// `pixel` is the first of a line.
  void start(std::size_t pixel) {
    const ConvShape& s = args.shape;
    const std::size_t lines = pixel / s.out.w, n = lines / s.out.h;
    next = pixel, row = static_cast<std::uint32_t>(lines - n * s.out.h);
    image = args.input + n * static_cast<std::size_t>(s.in.elements());
    start_line();
  }
  /// Whether the window that begins there lies inside the image.
  [[nodiscard]] MOTE_INLINE bool holds(std::int32_t row_of, std::int32_t column_of) const {
    return row_of >= 0 && row_of <= spare_rows && column_of >= 0 && column_of <= spare_columns;
  }
  template <std::size_t kRows>
  MOTE_INLINE void take(TilePixels<kRows>& tile, bool only_place) {
    const std::uint32_t stride = args.shape.window.stride_w;
    if (column + kRows <= args.shape.out.w) {
      const std::int32_t last = x + static_cast<std::int32_t>((kRows - 1) * stride);
      tile.inside = holds(y, x) && last <= spare_columns;
      for (std::size_t r = 0; r < kRows; ++r) tile.place[r] = place + r * step;
      if (!tile.inside || !only_place)
        for (std::size_t r = 0; r < kRows; ++r)
          tile.image[r] = image, tile.y[r] = y, tile.x[r] = x + static_cast<std::int32_t>(r * stride);
      column += kRows, x += static_cast<std::int32_t>(kRows * stride), place += kRows * step, next += kRows;
      if (column == args.shape.out.w) next_line();
      return;
    }
    tile.inside = true;
    for (std::size_t r = 0; r < kRows; ++r) {
      tile.inside = tile.inside && holds(y, x);
      tile.place[r] = place, tile.image[r] = image, tile.y[r] = y, tile.x[r] = x;
      ++column, x += static_cast<std::int32_t>(stride), place += step, ++next;
      if (column == args.shape.out.w) next_line();
    }
  }

 private:
  void start_line() {
    const Window& w = args.shape.window;
    column = 0;
    y = static_cast<std::int32_t>(row * w.stride_h) - static_cast<std::int32_t>(w.pad_top);
    x = -static_cast<std::int32_t>(w.pad_left);
    place = reinterpret_cast<std::uintptr_t>(image) +
            static_cast<std::uintptr_t>((std::ptrdiff_t{y} * width + x) * static_cast<std::ptrdiff_t>(depth));
  }
  void next_line() {
    if (++row == args.shape.out.h) row = 0, image += args.shape.in.elements();
    start_line();
  }
};

/// How far behind its end a copy may write.
inline constexpr std::size_t kBeyond = 16;

/// The whole windows of a tile whose taps lie side by side, line by line, `pitch` apart at `to`, with four zeros
/// behind: short lines are copied as sixteen bytes where there are as many.
template <std::size_t kRows>
inline void gather_lines(const TileConv& conv, const TilePixels<kRows>& tile, std::int8_t* to, std::size_t pitch) {
  const Window& w = conv.args.shape.window;
  const std::size_t down = std::size_t{w.dilation_h} * conv.args.shape.in.w * conv.depth, line = conv.line;
  const auto spare = static_cast<std::ptrdiff_t>((w.filter_h - 1) * down + kBeyond);
  const auto from = [&](std::size_t r)
                        MOTE_LAMBDA_INLINE { return reinterpret_cast<const std::int8_t*>(tile.place[r]); };
  if (tile.inside && w.filter_h == 3 && line <= kBeyond && conv.end - from(kRows - 1) >= spare) {
    for (std::size_t r = 0; r < kRows; ++r, to += pitch) {
      std::memcpy(to, from(r), kBeyond);
      std::memcpy(to + line, from(r) + down, kBeyond);
      std::memcpy(to + 2 * line, from(r) + 2 * down, kBeyond);
      std::memset(to + 3 * line, 0, kPack);
    }
    return;
  }
  for (std::size_t r = 0; r < kRows; ++r, to += pitch) {
    std::int8_t* at = to;
    if (tile.inside || conv.holds(tile.y[r], tile.x[r])) {
      const std::int8_t* row = from(r);
      if (line <= kBeyond && conv.end - row >= spare)
        for (std::size_t i = 0; i < w.filter_h; ++i, at += line, row += down) std::memcpy(at, row, kBeyond);
      else
        for (std::size_t i = 0; i < w.filter_h; ++i, at += line, row += down) copy_short(row, line, at);
      std::memset(at, 0, kPack);
      continue;
    }
    const std::int32_t first = std::max(-tile.x[r], 0);  // taps first … last - 1 lie inside
    const std::int32_t last = std::min(static_cast<std::int32_t>(w.filter_w), conv.width - tile.x[r]);
    for (std::size_t i = 0; i < w.filter_h; ++i, at += line) {
      const std::int32_t y = tile.y[r] + static_cast<std::int32_t>(i * w.dilation_h);
      if (y < 0 || y >= conv.height || first >= last) {
        std::memset(at, conv.args.input_zero_point, line);
        continue;
      }
      const std::size_t before = static_cast<std::size_t>(first) * conv.depth;
      const std::size_t run = static_cast<std::size_t>(last - first) * conv.depth;
      const auto* const row = reinterpret_cast<const std::int8_t*>(tile.place[r] + i * down + before);
      if (before != 0) std::memset(at, conv.args.input_zero_point, before);
      if (run <= kBeyond && conv.end - row >= static_cast<std::ptrdiff_t>(kBeyond))
        std::memcpy(at + before, row, kBeyond);
      else
        copy_short(row, run, at + before);
      if (before + run != line) std::memset(at + before + run, conv.args.input_zero_point, line - before - run);
    }
    std::memset(at, 0, kPack);
  }
}

/// Bytes of the windows of a strip that are put together.
inline constexpr std::size_t kGathered = 4096;

/// Lines of a window with fewer bytes are put together.
inline constexpr std::size_t kShortLine = 16;

/// How a convolution's windows are laid out.
struct Layout {
  bool lines;           // of windows inside the image, as they lie
  bool by_taps;         // of others: taps, each inside or not, in pieces as long as what stands for those outside
  bool needs_places;    // of windows inside the image too
  std::size_t pieces;   // of a tap
  std::size_t batches;  // of runs of a tile
  std::size_t pitch;    // bytes from one window that is put together to the next
  std::size_t tiles;    // of a strip

  explicit Layout(const TileConv& conv) {
    const Window& w = conv.args.shape.window;
    lines = (w.dilation_w == 1 || w.filter_w == 1) && w.filter_h <= kRuns &&
            (w.filter_h == 1 || (conv.line % kPack == 0 && conv.line >= kShortLine));
    by_taps = conv.depth % kPack == 0;
    needs_places = !lines && (by_taps || conv.terms > kTerms || w.dilation_w != 1);
    pieces = (conv.depth + kTerms - 1) / kTerms;
    pitch = (std::min(conv.terms + kPack, kTerms) + kBeyond + 63) / 64 * 64;
    const std::size_t runs = by_taps ? conv.taps * pieces : 1;
    batches = by_taps ? (runs + kRuns - 1) / kRuns : (conv.terms + kTerms - 1) / kTerms;
    const std::size_t most = std::max<std::size_t>(runs, lines ? w.filter_h : 1);
    tiles = batches > 1 ? 1 : std::min(kStripTiles, std::max<std::size_t>(kRuns / most, 1));
    if (!by_taps) tiles = std::min(tiles, std::max<std::size_t>(kGathered / (kTileRows * pitch), 1));
  }
};

/// The runs of a tile: whole lines of windows that lie in the image.
template <std::size_t kRows>
MOTE_INLINE std::size_t line_runs(const TileConv& conv, const TilePixels<kRows>& tile, Run<kRows>* runs) {
  const Window& w = conv.args.shape.window;
  const std::size_t pitch = std::size_t{w.dilation_h} * conv.args.shape.in.w * conv.depth;
  std::uintptr_t from[kRows];
  for (std::size_t r = 0; r < kRows; ++r) from[r] = tile.place[r];
  for (std::size_t i = 0; i < w.filter_h; ++i) {
    for (std::size_t r = 0; r < kRows; ++r, from[r - 1] += pitch)
      runs[i].x[r] = reinterpret_cast<const std::int8_t*>(from[r]);
    runs[i].count = conv.line, runs[i].term = i * conv.line;
  }
  return w.filter_h;
}

/// Or taps, a batch of them.
template <std::size_t kRows>
[[gnu::noinline]] inline std::size_t tap_runs(const TileConv& conv, const Layout& layout, const TilePixels<kRows>& tile,
                                              std::size_t batch, Run<kRows>* runs) {
  const ConvShape& s = conv.args.shape;
  const Window& w = s.window;
  simd::RowPlaces<kRows> places;
  places.height = s.in.h, places.width = s.in.w;
  for (std::size_t r = 0; r < kRows; ++r) {
    places.y[r] = static_cast<std::uint32_t>(tile.y[r]), places.x[r] = static_cast<std::uint32_t>(tile.x[r]);
    places.place[r] = tile.place[r];
  }
  const std::size_t pieces = layout.pieces;
  const std::size_t begin = batch * kRuns, end = std::min(begin + kRuns, conv.taps * pieces);
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
}

/// Or a piece of windows that are put together at `to`, layout.pitch apart, with zeros to the next multiple of four.
template <std::size_t kRows>
MOTE_INLINE std::size_t gathered_run(const TileConv& conv, const Layout& layout, const TilePixels<kRows>& tile,
                                     std::size_t batch, std::int8_t* to, Run<kRows>* run) {
  const ConvShape& s = conv.args.shape;
  const Window& w = s.window;
  const std::size_t term = batch * kTerms, count = std::min(kTerms, conv.terms - term);
  const bool whole = count == conv.terms && w.dilation_w == 1;
  if (whole) gather_lines(conv, tile, to, layout.pitch);
  for (std::size_t r = 0; r < kRows; ++r, to += layout.pitch) {
    run->x[r] = to;
    if (whole) continue;
    gather_window(conv.args, tile.image[r], tap_span(tile.y[r], w.dilation_h, w.filter_h, s.in.h),
                  tap_span(tile.x[r], w.dilation_w, w.filter_w, s.in.w), term, count, to);
    std::memset(to + count, 0, kPack);
  }
  run->count = (count + kPack - 1) / kPack * kPack, run->term = term;
  return 1;
}

template <std::size_t kRows>
[[gnu::noinline]] inline void conv_strip(const ProductLayer& layer, const Outputs& outputs, const Layout& layout,
                                         TileConv& conv, std::size_t tiles, std::int8_t* gathered) {
  TilePixels<kRows> pixels[kStripTiles];
  Strip<kRows> strip;
  strip.tiles = tiles;
  std::int8_t* to = conv.args.output + conv.next * layer.outputs;
  for (std::size_t t = 0; t < tiles; ++t) {
    for (std::size_t r = 0; r < kRows; ++r, to += layer.outputs) strip.to[t][r] = to;
    conv.take(pixels[t], !layout.needs_places);
  }
  multiply(layer, outputs, strip, layout.batches,
           [&](std::size_t t, std::size_t batch, Run<kRows>* runs) MOTE_LAMBDA_INLINE {
             if (layout.lines && pixels[t].inside)
               return batch == 0 ? line_runs(conv, pixels[t], runs) : std::size_t{0};
             if (layout.by_taps) return tap_runs(conv, layout, pixels[t], batch, runs);
             return gathered_run(conv, layout, pixels[t], batch, gathered + t * kRows * layout.pitch, runs);
           });
}

inline void conv2d_tiles(const ConvS8Args& args) {
  const ConvShape& s = args.shape;
  const Part::Range lines = args.part.of(std::size_t{s.batch} * s.out.h);
  const std::size_t begin = lines.begin * s.out.w, end = lines.end * s.out.w;
  std::int8_t outside[kTerms];
  TileConv conv(args, outside);
  const ProductLayer layer{args.weights, args.bias, args.stage, conv.terms, s.out.c, args.weight_zero_point};
  if (is_pointwise(s))
    return dense_rows(layer, args.input + begin * s.in.c, args.output + begin * layer.outputs, end - begin, 0,
                      layer.outputs);
  std::memset(outside, args.input_zero_point, sizeof outside);
  const Layout layout(conv);
  alignas(64) std::int8_t gathered[kGathered];
  for (std::size_t o = 0; o < layer.outputs; o += kBegun) {
    const Outputs outputs(layer, o, std::min(kBegun, layer.outputs - o));
    conv.start(begin);
    for_strips(end - begin, layout.tiles, [&](std::size_t, std::size_t tiles, auto size) MOTE_LAMBDA_INLINE {
      conv_strip<size>(layer, outputs, layout, conv, tiles, gathered);
    });
  }
}

}  // namespace
}  // namespace mote::MOTE_KERNELS

#endif
