// SPDX-License-Identifier: Apache-2.0
// The register tiles behind outer_f32.hpp. Relies on tile_f32.hpp.
#include "kernels/outer_f32.hpp"

#include "kernels/tile_f32.hpp"
#include "simd/simd.hpp"

namespace mote::MOTE_KERNELS {
namespace {

template <class Lanes>
struct OuterKernel {
  using Vector = typename Lanes::Vector;

  template <std::size_t kVectors, bool kPartial>
  MOTE_INLINE static void load_gradients(Vector (&gradients)[kVectors], const float* b, std::size_t tail) {
    unroll<kVectors>([&](auto v) MOTE_UNROLLED {
      constexpr bool kCut = kPartial && last_of<kVectors>(v);
      gradients[v] = load_columns<Lanes, kCut>(b + v * Lanes::kLanes, tail);
    });
  }

  template <std::size_t kRows, std::size_t kVectors, bool kPartial>
  MOTE_INLINE static void accumulate(Vector (&acc)[kRows][kVectors], const float* a, std::ptrdiff_t a_step,
                                     const float* b, std::size_t b_step, std::size_t count, std::size_t tail) {
    for (std::size_t k = 0; k < count; ++k, a += a_step, b += b_step) {
      Vector gradients[kVectors];
      load_gradients<kVectors, kPartial>(gradients, b, tail);
      unroll<kRows>([&](auto r) MOTE_UNROLLED {
        const Vector x = Lanes::splat(a[r]);
        unroll<kVectors>([&](auto v) MOTE_UNROLLED { acc[r][v] = mul_add(x, gradients[v], acc[r][v]); });
      });
    }
  }

  /// One position at which only some rows take part.
  template <std::size_t kRows, std::size_t kVectors, bool kPartial>
  MOTE_INLINE static void accumulate_some(Vector (&acc)[kRows][kVectors], const OuterJob& job, std::ptrdiff_t x,
                                          const float* a, const float* b, std::size_t tail) {
    const std::ptrdiff_t first = job.row_shift - x * job.row_step;
    const std::ptrdiff_t last = first + job.row_count;
    Vector gradients[kVectors];
    load_gradients<kVectors, kPartial>(gradients, b, tail);
    unroll<kRows>([&](auto r) MOTE_UNROLLED {
      const auto row = static_cast<std::ptrdiff_t>(r());
      if (row >= first && row < last) {
        const Vector input = Lanes::splat(a[row]);
        unroll<kVectors>([&](auto v) MOTE_UNROLLED { acc[r][v] = mul_add(input, gradients[v], acc[r][v]); });
      }
    });
  }

  /// The run of positions that begins at a and b.
  template <std::size_t kRows, std::size_t kVectors, bool kPartial>
  MOTE_INLINE static void accumulate_run(Vector (&acc)[kRows][kVectors], const OuterJob& job, const float* a,
                                         const float* b, std::size_t tail) {
    std::ptrdiff_t x = 0;
    for (; x < job.before; ++x, a += job.a_step, b += job.b_step)
      accumulate_some<kRows, kVectors, kPartial>(acc, job, x, a, b, tail);
    const std::size_t inside = static_cast<std::size_t>(job.inside);
    std::size_t whole = inside;
    if constexpr (kPartial) {
      if (inside != 0) whole = whole_loads(b, job.b_end, job.b_step, inside, kVectors * Lanes::kLanes);
    }
    accumulate<kRows, kVectors, false>(acc, a, job.a_step, b, job.b_step, whole, tail);
    if constexpr (kPartial) {
      const float* rest = a + static_cast<std::ptrdiff_t>(whole) * job.a_step;
      accumulate<kRows, kVectors, true>(acc, rest, job.a_step, b + whole * job.b_step, job.b_step, inside - whole,
                                        tail);
    }
    a += job.inside * job.a_step;
    b += inside * job.b_step;
    x += job.inside;
    for (const std::ptrdiff_t end = x + job.after; x < end; ++x, a += job.a_step, b += job.b_step)
      accumulate_some<kRows, kVectors, kPartial>(acc, job, x, a, b, tail);
  }

  template <std::size_t kRows, std::size_t kVectors, bool kPartial>
  MOTE_TILE static void tile(const OuterJob& job, std::size_t column, std::size_t tail) {
    Vector acc[kRows][kVectors];
    unroll<kRows>([&](auto r)
                      MOTE_UNROLLED { unroll<kVectors>([&](auto v) MOTE_UNROLLED { acc[r][v] = Lanes::zero(); }); });
    float* out = job.out + column;
    if constexpr (!kScalar)  // needed at the end: fetched while the sums are taken
      unroll<kRows>([&](auto r) MOTE_UNROLLED {
        unroll<kVectors>([&](auto v)
                             MOTE_UNROLLED { __builtin_prefetch(out + r * job.out_step + v * Lanes::kLanes, 1); });
      });
    for (std::size_t image = 0; image < job.images; ++image) {
      for (std::size_t line = 0; line < job.lines; ++line) {
        const auto n = static_cast<std::ptrdiff_t>(image), y = static_cast<std::ptrdiff_t>(line);
        accumulate_run<kRows, kVectors, kPartial>(acc, job, job.a + n * job.a_image + y * job.a_line,
                                                  job.b + n * job.b_image + y * job.b_line + column, tail);
      }
    }
    const Vector scale = Lanes::splat(job.scale);
    // A partial row's load would wait for the store of the row before, which overlaps it: all loads come first. Whole
    // rows are stored as they come, which is faster where they stream through the caches.
    unroll<kRows>([&](auto r) MOTE_UNROLLED {
      unroll<kVectors>([&](auto v) MOTE_UNROLLED {
        constexpr bool kCut = kPartial && last_of<kVectors>(v);
        float* to = out + r * job.out_step + v * Lanes::kLanes;
        acc[r][v] = mul_add(scale, acc[r][v], load_columns<Lanes, kCut>(to, tail));
        if constexpr (!kPartial) Lanes::store(to, acc[r][v]);
      });
    });
    if constexpr (kPartial) {
      unroll<kRows>([&](auto r) MOTE_UNROLLED {
        unroll<kVectors>([&](auto v) MOTE_UNROLLED {
          constexpr bool kCut = last_of<kVectors>(v);
          store_columns<Lanes, kCut>(out + r * job.out_step + v * Lanes::kLanes, tail, acc[r][v]);
        });
      });
    }
  }
};

/// A few vectors of column_sums.
template <class Lanes, std::size_t kVectors, bool kPartial>
MOTE_INLINE void column_sum(const float* values, std::size_t rows, std::size_t columns, std::size_t tail, float scale,
                            float* out) {
  constexpr std::size_t kChains = 4;
  typename Lanes::Vector chain[kChains][kVectors];
  unroll<kChains>([&](auto i)
                      MOTE_UNROLLED { unroll<kVectors>([&](auto v) MOTE_UNROLLED { chain[i][v] = Lanes::zero(); }); });
  const auto add_row = [&](auto i) MOTE_UNROLLED {
    unroll<kVectors>([&](auto v) MOTE_UNROLLED {
      chain[i][v] = chain[i][v] + load_columns<Lanes, kPartial>(values + i * columns + v * Lanes::kLanes, tail);
    });
  };
  std::size_t row = 0;
  for (; row + kChains <= rows; row += kChains, values += kChains * columns) unroll<kChains>(add_row);
  unroll<kChains - 1>([&](auto i) MOTE_UNROLLED {
    if (row + i < rows) add_row(i);
  });
  unroll<kVectors>([&](auto v) MOTE_UNROLLED {
    const typename Lanes::Vector sum = (chain[0][v] + chain[2][v]) + (chain[1][v] + chain[3][v]);
    float* to = out + v * Lanes::kLanes;
    store_columns<Lanes, kPartial>(to, tail,
                                   mul_add(Lanes::splat(scale), sum, load_columns<Lanes, kPartial>(to, tail)));
  });
}

}  // namespace

void run_outer(const OuterJob& job, std::size_t rows, std::size_t begin, std::size_t end) {
  run_tiles<OuterKernel>(job, rows, begin, end);
}

void column_sums(const float* values, std::size_t rows, std::size_t columns, float scale, Part::Range share,
                 float* out) {
  constexpr std::size_t kVectors = simd::kAccumulators >= 24 ? 4 : 2, kManyRows = 48;
  std::size_t column = share.begin;
  if constexpr (!kScalar) {
    for (; rows >= kManyRows && column + kVectors * kLanes <= share.end; column += kVectors * kLanes)
      column_sum<WideLanes, kVectors, false>(values + column, rows, columns, 0, scale, out + column);
  }
  for (; column + kLanes <= share.end; column += kLanes)
    column_sum<WideLanes, 1, false>(values + column, rows, columns, 0, scale, out + column);
  if constexpr (!kScalar) {
    if (column < share.end)
      column_sum<WideLanes, 1, true>(values + column, rows, columns, share.end - column, scale, out + column);
  }
}

}  // namespace mote::MOTE_KERNELS
