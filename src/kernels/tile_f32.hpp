// SPDX-License-Identifier: Apache-2.0
// Register tiles of the dense and convolution kernels: rows × vectors of outputs, one accumulator each, terms added
// in order. A tile's size never shows in the bits, because every output has a chain of its own; so it is chosen by
// the number of registers. Internal linkage: every unit that includes it is compiled once per instruction set.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#include "kernels/kernel_namespace.hpp"
#include "mote/kernels/kernels.hpp"
#include "simd/narrow.hpp"
#include "simd/simd.hpp"

namespace mote::MOTE_KERNELS {
namespace {

using simd::F32;
using simd::kLanes;
using simd::NarrowLanes;
using simd::WideLanes;

/// body(0), body(1), … body(kCount - 1) with compile-time indices, unrolled by both compilers whatever the
/// optimisation: an array of accumulators that is indexed so lives in registers.
template <std::size_t kCount, class Body>
MOTE_INLINE void unroll(const Body& body) {
  [&]<std::size_t... kIndex>(std::index_sequence<kIndex...>) __attribute__((always_inline)) {
    (body(std::integral_constant<std::size_t, kIndex>{}), ...);
  }
  (std::make_index_sequence<kCount>{});
}
#define MOTE_UNROLLED __attribute__((always_inline))
// Tiles of a machine without vectors stay functions: inlined into one caller they would share its registers.
#if MOTE_SIMD_XSIMD
#define MOTE_TILE
#else
#define MOTE_TILE [[gnu::noinline]]
#endif
template <std::size_t kCount>
constexpr bool last_of(std::size_t index) {
  return index + 1 == kCount;
}

// Two fused multiply-adds start per cycle and take four, so eight chains are the least. Two vectors of columns share
// each broadcast input; one vector allows more rows. Without vectors 4 × 4 of the 32 registers of a Cortex-M4F.
inline constexpr bool kScalar = kLanes == 1;
inline constexpr std::size_t kTileVectors = kScalar ? 4 : 2;
inline constexpr std::size_t kTileRows = kScalar ? 4 : simd::kAccumulators / kTileVectors;
inline constexpr std::size_t kMaxRows = kScalar ? 4 : 12;
inline constexpr std::size_t kWideVectors = 4;  // for tiles of one or two rows
// Tiles of one vector whose rows lie evenly need fewer registers for their addresses.
inline constexpr std::size_t kMinEvenRows = 8, kMaxEvenRows = simd::kAccumulators >= 24 ? 16 : kMaxRows;

/// Vectors of columns of a tile of so many rows.
constexpr std::size_t tile_vectors(std::size_t rows) {
  if (rows <= 2 || (!kScalar && rows * kWideVectors <= simd::kAccumulators)) return kWideVectors;
  return rows <= kTileRows ? kTileVectors : 1;
}

/// Row counts that tiles are compiled for: all up to six, then even ones, nine (3 × 3 taps, or 3 taps of 3 channels)
/// and fifteen (half a line of 32 without its ends); where code size counts only 4 and 1.
constexpr std::size_t compiled_rows(std::size_t rows) {
  if (kScalar) return rows < kMaxRows ? 1 : kMaxRows;
  return rows <= 6 || rows == 9 || rows == 15 ? rows : rows / 2 * 2;
}

/// Rows of the next tile out of `left`: as even as possible, since 12 + 1 rows cost more than 8 + 5.
MOTE_INLINE std::size_t tile_rows(std::size_t left, std::size_t columns, std::size_t most_rows = kMaxRows) {
  const std::size_t most = columns > kLanes ? kTileRows : most_rows;
  if constexpr (kScalar) return compiled_rows(left);
  if (left <= most && left == compiled_rows(left)) return left;
  const std::size_t tiles = left <= most ? 2 : (left + most - 1) / most;
  const std::size_t rows = (left + tiles - 1) / tiles;
  return rows == compiled_rows(rows) ? rows : rows + 1;
}

/// Loads and stores of the last vector of a tile's columns: whole, or its first `tail` lanes.
template <class Lanes, bool kPartial>
MOTE_INLINE typename Lanes::Vector load_columns(const float* from, std::size_t tail) {
  if constexpr (kPartial) return Lanes::load_partial(from, tail);
  return Lanes::load(from);
}
template <class Lanes, bool kPartial>
MOTE_INLINE void store_columns(float* to, std::size_t tail, typename Lanes::Vector value) {
  if constexpr (kPartial) {
    Lanes::store_partial(to, tail, value);
  } else {
    Lanes::store(to, value);
  }
}

/// The same for the rows of RowLanes, row_step apart.
template <class Lanes, bool kPartial>
MOTE_INLINE void store_columns(float* to, std::ptrdiff_t row_step, std::size_t tail, typename Lanes::Vector value) {
  if constexpr (kPartial) {
    Lanes::store_partial(to, row_step, tail, value);
  } else {
    Lanes::store(to, row_step, value);
  }
}

/// store_columns() of the clamped value.
template <class Lanes, bool kPartial>
MOTE_INLINE void store_clamped(float* to, std::size_t tail, typename Lanes::Vector value, const Clamp& clamp) {
  store_columns<Lanes, kPartial>(to, tail, min(Lanes::splat(clamp.high), max(Lanes::splat(clamp.low), value)));
}

/// Kernel<Lanes>::tile<kRows, vectors, partial>(job, column, tail) for columns begin … end - 1.
template <template <class> class Kernel, std::size_t kRows, class Job>
void run_columns(const Job& job, std::size_t begin, std::size_t end) {
  constexpr std::size_t kVectors = tile_vectors(kRows);
  std::size_t column = begin;
  for (; column + kVectors * kLanes <= end; column += kVectors * kLanes)
    Kernel<WideLanes>::template tile<kRows, kVectors, false>(job, column, 0);
  if constexpr (kVectors > 1) {
    for (; column + kLanes <= end; column += kLanes) Kernel<WideLanes>::template tile<kRows, 1, false>(job, column, 0);
  }
  const std::size_t left = end - column;
  if constexpr (simd::kHasNarrowLanes) {
    if (left == NarrowLanes::kLanes) return Kernel<NarrowLanes>::template tile<kRows, 1, false>(job, column, 0);
    if (left != 0 && left < NarrowLanes::kLanes)
      return Kernel<NarrowLanes>::template tile<kRows, 1, true>(job, column, left);
  }
  if constexpr (!kScalar) {
    if (left != 0) Kernel<WideLanes>::template tile<kRows, 1, true>(job, column, left);
  }
}

/// Runs a tile of `rows` rows, as tile_rows() says and kLeast to kMost, over columns begin … end - 1.
template <template <class> class Kernel, std::size_t kMost = kMaxRows, std::size_t kLeast = 1, class Job>
void run_tiles(const Job& job, std::size_t rows, std::size_t begin, std::size_t end) {
  if constexpr (kScalar) {
    return rows == kMaxRows ? run_columns<Kernel, kMaxRows>(job, begin, end) : run_columns<Kernel, 1>(job, begin, end);
  } else {
    using Run = void (*)(const Job&, std::size_t, std::size_t);
    static constexpr auto kRuns = []<std::size_t... kIndex>(std::index_sequence<kIndex...>) {
      return std::array<Run, kMost - kLeast + 1>{&run_columns<Kernel, compiled_rows(kIndex + kLeast), Job>...};
    }
    (std::make_index_sequence<kMost - kLeast + 1>{});
    kRuns[rows - kLeast](job, begin, end);
  }
}

/// Terms 0 … of a run whose last vector of b may be read whole though only some of its lanes count: partial loads are
/// slow without masks, and only the end of the array forbids to read on.
inline std::size_t whole_loads(const float* b, const float* b_end, std::size_t b_step, std::size_t depth,
                               std::size_t floats) {
  const std::size_t room = static_cast<std::size_t>(b_end - b);
  if (room >= (depth - 1) * b_step + floats) return depth;
  return room < floats ? 0 : (room - floats) / b_step + 1;
}

}  // namespace
}  // namespace mote::MOTE_KERNELS
