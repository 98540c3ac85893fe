// SPDX-License-Identifier: Apache-2.0
// Tiles of rows that lie evenly, and of groups of such rows that share vectors: rows_f32.hpp.
#include <array>
#include <cstddef>
#include <utility>

#include "kernels/rows_tiles_f32.hpp"
#include "simd/narrow.hpp"

namespace mote::MOTE_KERNELS {
namespace {

template <class Lanes>
using EvenRowsKernel = RowsTiles<Lanes, RowsForm::even>;

template <class Lanes, std::size_t kRows>
void run_group_columns(const RowsJob& job, std::size_t columns) {
  if (columns == Lanes::kLanes) return EvenRowsKernel<Lanes>::template tile<kRows, 1, false>(job, 0, 0);
  EvenRowsKernel<Lanes>::template tile<kRows, 1, true>(job, 0, columns);
}

/// The tiles of a job of `rows` even groups of rows, as tile_rows() says.
template <class Lanes>
void run_groups(const RowsJob& job, std::size_t rows, std::size_t columns) {
  using Run = void (*)(const RowsJob&, std::size_t);
  static constexpr auto kRuns = []<std::size_t... kIndex>(std::index_sequence<kIndex...>) {
    return std::array<Run, kMaxEvenRows>{&run_group_columns<Lanes, compiled_rows(kIndex + 1)>...};
  }
  (std::make_index_sequence<kMaxEvenRows>{});
  kRuns[rows - 1](job, columns);
}

}  // namespace

void run_even_rows(const RowsJob& job, std::size_t rows, std::size_t begin, std::size_t end) {
  if constexpr (!kScalar) run_tiles<EvenRowsKernel, kMaxEvenRows, kMinEvenRows>(job, rows, begin, end);
}
void run_groups_of_four(const RowsJob& job, std::size_t rows, std::size_t columns) {
  if constexpr (simd::kHasRowLanes) run_groups<simd::RowLanes<4>>(job, rows, columns);
}
void run_groups_of_two(const RowsJob& job, std::size_t rows, std::size_t columns) {
  if constexpr (simd::kHasRowLanes) run_groups<simd::RowLanes<2>>(job, rows, columns);
}

}  // namespace mote::MOTE_KERNELS
