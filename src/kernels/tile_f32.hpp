// SPDX-License-Identifier: Apache-2.0
// Register tiles of the dense and convolution kernels: rows × vectors of outputs, one accumulator each, terms added
// in order. A tile's size never shows in the bits, because every output has a chain of its own; so it is chosen by
// the number of registers. Internal linkage: it is compiled once per instruction set.
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

/// Rows of inputs against columns of weights: out[r][o] = start[o] + sum over taps and k of a[r][k] b[k][o].
/// A tap is a run of `depth` terms, contiguous in each row of a, and b_step apart in b.
struct RowsJob {
  const float* a[kMaxEvenRows];  // inputs of row r
  float* out[kMaxEvenRows];
  std::ptrdiff_t a_row = 0;  // EvenRowsKernel: a[r] is a[0] + r a_row
  std::size_t tiles = 1;     // with vectors: so many tiles, each this far from the one before, since short sums are not
                             // worth a call each
  std::ptrdiff_t a_tile = 0, out_tile = 0;
  const float* b;
  const float* b_end;              // nothing behind it may be read
  const float* bias;               // null: 0
  const float* summand = nullptr;  // not null: added to the sums, lies as the outputs do from `output` on
  std::ptrdiff_t next_out = 0;     // RowLanes: from a row's output to that of the next row in the vector
  const float* output = nullptr;
  bool resume;              // start from `out` instead
  std::size_t b_step;       // floats from one k to the next
  std::size_t ahead;        // floats from a vector of b to the one to be fetched while it is used; streaming only
  std::size_t column_step;  // floats from one column to the next; 1 but where there are no vectors
  std::size_t depth;
  std::size_t taps_y, taps_x;
  std::ptrdiff_t a_step_y, a_step_x, b_step_y, b_step_x;
  Clamp clamp{};
  const std::ptrdiff_t* offsets;  // not null: the k-th term lies here in each row of a, and there is one tap
};

/// Terms 0 … of a run whose last vector of b may be read whole though only some of its lanes count: partial loads are
/// slow without masks, and only the end of the array forbids to read on.
inline std::size_t whole_loads(const float* b, const float* b_end, std::size_t b_step, std::size_t depth,
                               std::size_t floats) {
  const std::size_t room = static_cast<std::size_t>(b_end - b);
  if (room >= (depth - 1) * b_step + floats) return depth;
  return room < floats ? 0 : (room - floats) / b_step + 1;
}

/// The outputs of a tile of a machine without vectors: its sums and the summand.
__attribute__((noinline)) inline void add_summand(const RowsJob& job, const float* sums, std::size_t rows,
                                                  std::size_t columns, std::ptrdiff_t offset) {
  for (std::size_t r = 0; r < rows; ++r) {
    float* out = job.out[r] + offset;
    for (std::size_t v = 0; v < columns; ++v, ++out) {
      const F32 sum = simd::load(sums++) + simd::load(job.summand + (out - job.output));
      simd::store(out, min(simd::splat(job.clamp.high), max(simd::splat(job.clamp.low), sum)));
    }
  }
}

/// Streaming: b is larger than the first cache and is fetched ahead. Even: rows lie a_row apart.
enum class RowsForm : std::uint8_t { any, streaming, even };

template <class Lanes, RowsForm kForm>
struct RowsTiles {
  using Vector = typename Lanes::Vector;

  template <std::size_t kRows, std::size_t kVectors, bool kPartial>
  MOTE_INLINE static void start(Vector (&acc)[kRows][kVectors], const RowsJob& job, std::ptrdiff_t out,
                                std::size_t column, std::size_t tail) {
    if (Lanes::kRows == 1 && job.resume) {
      unroll<kRows>([&](auto r) MOTE_UNROLLED {
        unroll<kVectors>([&](auto v) MOTE_UNROLLED {
          constexpr bool kCut = kPartial && last_of<kVectors>(v);
          acc[r][v] = load_columns<Lanes, kCut>(job.out[r] + out + column + v * Lanes::kLanes, tail);
        });
      });
      return;
    }
    unroll<kVectors>([&](auto v) MOTE_UNROLLED {
      constexpr bool kCut = kPartial && last_of<kVectors>(v);
      Vector bias = Lanes::zero();
      if (job.bias != nullptr) bias = load_columns<Lanes, kCut>(job.bias + column + v * Lanes::kLanes, tail);
      unroll<kRows>([&](auto r) MOTE_UNROLLED { acc[r][v] = bias; });
    });
  }

  /// at(k): where the k-th term lies in each row of a.
  template <std::size_t kRows, std::size_t kVectors, bool kPartial, class At>
  MOTE_INLINE static void accumulate(Vector (&acc)[kRows][kVectors], const float* const (&a)[kRows], const At& at,
                                     const float* b, const RowsJob& job, std::size_t begin, std::size_t end,
                                     std::size_t tail) {
    const std::size_t b_step = job.b_step, column_step = job.column_step;
    b += begin * b_step;
    for (std::size_t k = begin; k < end; ++k, b += b_step) {
      const std::ptrdiff_t from_row = at(k);
      Vector weights[kVectors];
      unroll<kVectors>([&](auto v) MOTE_UNROLLED {
        const float* from = b + v * (kScalar ? column_step : Lanes::kLanes);
        constexpr bool kCut = kPartial && last_of<kVectors>(v);
        weights[v] = load_columns<Lanes, kCut>(from, tail);
        if constexpr (kForm == RowsForm::streaming) __builtin_prefetch(from + job.ahead);
      });
      unroll<kRows>([&](auto r) MOTE_UNROLLED {
        const Vector x = Lanes::splat(a[r][from_row]);
        unroll<kVectors>([&](auto v) MOTE_UNROLLED { acc[r][v] = mul_add(x, weights[v], acc[r][v]); });
      });
    }
  }

  /// All taps of even rows: three rows share a pointer, since one for each would not fit into registers.
  template <std::size_t kRows, std::size_t kVectors, bool kPartial>
  MOTE_INLINE static void accumulate_even(Vector (&acc)[kRows][kVectors], const RowsJob& job, const float* a,
                                          const float* b_columns, std::size_t tail) {
    constexpr std::size_t kPointers = (kRows + 2) / 3;
    const std::ptrdiff_t row = job.a_row;
    const std::size_t b_step = job.b_step;
    for (std::size_t y = 0; y < job.taps_y; ++y) {
      for (std::size_t x = 0; x < job.taps_x; ++x) {
        const auto tap_y = static_cast<std::ptrdiff_t>(y), tap_x = static_cast<std::ptrdiff_t>(x);
        const float* first = a + tap_y * job.a_step_y + tap_x * job.a_step_x;
        const float* b = b_columns + tap_y * job.b_step_y + tap_x * job.b_step_x;
        const float* rows[kPointers];
        unroll<kPointers>([&](auto i) MOTE_UNROLLED { rows[i] = first + static_cast<std::ptrdiff_t>(3 * i()) * row; });
        const auto add_terms = [&](std::size_t count, auto partial) MOTE_UNROLLED {
          for (std::size_t k = 0; k < count; ++k, b += b_step) {
            Vector weights[kVectors];
            unroll<kVectors>([&](auto v) MOTE_UNROLLED {
              constexpr bool kCut = partial() && last_of<kVectors>(v);
              weights[v] = load_columns<Lanes, kCut>(b + v * Lanes::kLanes, tail);
            });
            unroll<kRows>([&](auto r) MOTE_UNROLLED {
              const Vector in = Lanes::broadcast(rows[r / 3] + static_cast<std::ptrdiff_t>(r % 3) * row);
              unroll<kVectors>([&](auto v) MOTE_UNROLLED { acc[r][v] = mul_add(in, weights[v], acc[r][v]); });
            });
            unroll<kPointers>([&](auto i) MOTE_UNROLLED {
              rows[i] += Lanes::kRows;
              asm("" : "+r"(rows[i]));  // else the compiler keeps every row's address
            });
          }
        };
        std::size_t whole = job.depth;
        if constexpr (kPartial) whole = whole_loads(b, job.b_end, b_step, job.depth, kVectors * Lanes::kLanes);
        add_terms(whole, std::false_type{});
        if constexpr (kPartial) add_terms(job.depth - whole, std::true_type{});
      }
    }
  }

  /// One tap.
  template <std::size_t kRows, std::size_t kVectors, bool kPartial, class At>
  MOTE_INLINE static void accumulate_run(Vector (&acc)[kRows][kVectors], std::ptrdiff_t offset, const At& at,
                                         const float* b, const RowsJob& job, std::size_t tail) {
    const float* a[kRows];
    unroll<kRows>([&](auto r) MOTE_UNROLLED { a[r] = job.a[r] + offset; });
    std::size_t whole = job.depth;
    if constexpr (kPartial) whole = whole_loads(b, job.b_end, job.b_step, job.depth, kVectors * Lanes::kLanes);
    accumulate<kRows, kVectors, false>(acc, a, at, b, job, 0, whole, tail);
    if constexpr (kPartial) accumulate<kRows, kVectors, true>(acc, a, at, b, job, whole, job.depth, tail);
  }

  template <std::size_t kRows, std::size_t kVectors, bool kPartial>
  static void tile(const RowsJob& job, std::size_t column, std::size_t tail) {
    if constexpr (kScalar) return one_tile<kRows, kVectors, kPartial>(job, 0, 0, column, tail);
    std::ptrdiff_t a = 0, out = 0;
    for (std::size_t i = 0; i < job.tiles; ++i, a += job.a_tile, out += job.out_tile)
      one_tile<kRows, kVectors, kPartial>(job, a, out, column, tail);
  }

  template <std::size_t kRows, std::size_t kVectors, bool kPartial>
  MOTE_INLINE static void one_tile(const RowsJob& job, std::ptrdiff_t a_offset, std::ptrdiff_t out_offset,
                                   std::size_t column, std::size_t tail) {
    Vector acc[kRows][kVectors];
    start<kRows, kVectors, kPartial>(acc, job, out_offset, column, tail);
    const float* b_columns = job.b + column * (kScalar ? job.column_step : 1);
    if constexpr (kForm == RowsForm::even) {
      accumulate_even<kRows, kVectors, kPartial>(acc, job, job.a[0] + a_offset, b_columns, tail);
    } else if (!kScalar && job.offsets != nullptr) {
      const auto at = [&](std::size_t k) MOTE_UNROLLED { return job.offsets[k]; };
      accumulate_run<kRows, kVectors, kPartial>(acc, a_offset, at, b_columns, job, tail);
    } else {
      const auto at = [](std::size_t k) MOTE_UNROLLED { return static_cast<std::ptrdiff_t>(k); };
      for (std::size_t y = 0; y < job.taps_y; ++y) {
        for (std::size_t x = 0; x < job.taps_x; ++x) {
          const auto tap_y = static_cast<std::ptrdiff_t>(y), tap_x = static_cast<std::ptrdiff_t>(x);
          const float* b = b_columns + tap_y * job.b_step_y + tap_x * job.b_step_x;
          const std::ptrdiff_t offset = a_offset + tap_y * job.a_step_y + tap_x * job.a_step_x;
          accumulate_run<kRows, kVectors, kPartial>(acc, offset, at, b, job, tail);
        }
      }
    }
    const auto store_all = [&](const auto& bounded) MOTE_UNROLLED {
      unroll<kRows>([&](auto r) MOTE_UNROLLED {
        unroll<kVectors>([&](auto v) MOTE_UNROLLED {
          constexpr bool kCut = kPartial && last_of<kVectors>(v);
          float* to = job.out[r] + out_offset + column + v * Lanes::kLanes;
          if constexpr (Lanes::kRows > 1) {
            store_columns<Lanes, kCut>(to, job.next_out, tail, bounded(acc[r][v]));
          } else {
            store_columns<Lanes, kCut>(to, tail, bounded(acc[r][v]));
          }
        });
      });
    };
    if constexpr (kScalar) {  // code size counts
      if (job.summand != nullptr) {
        float sums[kRows * kVectors];
        unroll<kRows>([&](auto r) MOTE_UNROLLED {
          unroll<kVectors>([&](auto v) MOTE_UNROLLED { Lanes::store(sums + r * kVectors + v, acc[r][v]); });
        });
        return add_summand(job, sums, kRows, kVectors, out_offset + static_cast<std::ptrdiff_t>(column));
      }
      return store_all([&](Vector sum) MOTE_UNROLLED {
        return min(Lanes::splat(job.clamp.high), max(Lanes::splat(job.clamp.low), sum));
      });
    }
    if (Lanes::kRows == 1 && job.summand != nullptr) {
      unroll<kRows>([&](auto r) MOTE_UNROLLED {
        unroll<kVectors>([&](auto v) MOTE_UNROLLED {
          constexpr bool kCut = kPartial && last_of<kVectors>(v);
          const float* from = job.summand + (job.out[r] - job.output) + out_offset + column + v * Lanes::kLanes;
          acc[r][v] = acc[r][v] + load_columns<Lanes, kCut>(from, tail);
        });
      });
    }
    const Vector low = Lanes::splat(job.clamp.low), high = Lanes::splat(job.clamp.high);
    if (!job.clamp.any()) {  // a short sum takes hardly longer than its bounds
      store_all([](Vector sum) MOTE_UNROLLED { return sum; });
    } else if (job.clamp.high == __builtin_inff()) {
      store_all([&](Vector sum) MOTE_UNROLLED { return max(low, sum); });
    } else {
      store_all([&](Vector sum) MOTE_UNROLLED { return min(high, max(low, sum)); });
    }
  }
};

template <class Lanes>
using RowsKernel = RowsTiles<Lanes, RowsForm::any>;
template <class Lanes>
using StreamingRowsKernel = RowsTiles<Lanes, kScalar ? RowsForm::any : RowsForm::streaming>;
template <class Lanes>
using EvenRowsKernel = RowsTiles<Lanes, RowsForm::even>;

}  // namespace
}  // namespace mote::MOTE_KERNELS
