// SPDX-License-Identifier: Apache-2.0
// The tiles behind rows_f32.hpp. Included by the units that compile them, and by nothing else.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "kernels/rows_f32.hpp"
#include "kernels/tile_f32.hpp"
#include "simd/simd.hpp"

namespace mote::MOTE_KERNELS {
namespace {

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
  MOTE_TILE static void tile(const RowsJob& job, std::size_t column, std::size_t tail) {
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

}  // namespace
}  // namespace mote::MOTE_KERNELS
