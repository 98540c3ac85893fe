// SPDX-License-Identifier: Apache-2.0
// Permutation of up to four axes and the batch: whole rows where the last axis stays, else blocks of a matrix, for four
// bytes with the facade's transposition.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "kernels/elements.hpp"
#include "kernels/lanes.hpp"
#include "kernels/strided.hpp"
#include "mote/kernels/kernels.hpp"
#include "simd/simd.hpp"
#include "simd/transpose.hpp"

namespace mote::MOTE_KERNELS {
namespace {

/// to[c][r] = from[r][c] for a block that stays in the first cache.
template <class Element>
inline void transpose_tile(const Element* from, std::size_t from_step, std::size_t rows, std::size_t columns,
                           Element* to, std::size_t to_step) {
  for (std::size_t c = 0; c < columns; ++c)
    for (std::size_t r = 0; r < rows; ++r) to[c * to_step + r] = from[r * from_step + c];
}

inline void transpose_tile(const Element4* from, std::size_t from_step, std::size_t rows, std::size_t columns,
                           Element4* to, std::size_t to_step) {
  std::size_t whole_rows = 0, whole_columns = 0;
  if constexpr (simd::kLanes > 1) {
    whole_rows = rows / simd::kTransposeRows * simd::kTransposeRows;
    whole_columns = columns / simd::kTransposeColumns * simd::kTransposeColumns;
    if (whole_rows > 0 && whole_columns > 0)
      simd::transpose(reinterpret_cast<const float*>(from), from_step, whole_rows, whole_columns,
                      reinterpret_cast<float*>(to), to_step);
    else
      whole_rows = whole_columns = 0;
  }
  transpose_tile<Element4>(from + whole_columns, from_step, whole_rows, columns - whole_columns,
                           to + whole_columns * to_step, to_step);
  transpose_tile<Element4>(from + whole_rows * from_step, from_step, rows - whole_rows, columns, to + whole_rows,
                           to_step);
}

inline constexpr std::size_t kTransposeTile = 64;

/// Rows are the output's last axis, columns the input's.
template <class Element>
inline void transpose_matrix(const Element* from, std::size_t from_step, std::size_t rows, Part::Range columns,
                             Element* to, std::size_t to_step) {
  for (std::size_t r = 0; r < rows; r += kTransposeTile)
    for (std::size_t c = columns.begin; c < columns.end; c += kTransposeTile)
      transpose_tile(from + r * from_step + c, from_step, std::min(kTransposeTile, rows - r),
                     std::min(kTransposeTile, columns.end - c), to + c * to_step + r, to_step);
}

/// The axis along which the input is dense, which is not the innermost: taken out of the loops.
template <class Element>
inline void transpose_axes(const StridedAxes& axes, const Part& part, const Element* from, Element* to) {
  std::size_t dense = 0;
  for (std::size_t i = 1; i < axes.rank; ++i)
    if (axes.from[i] == 1) dense = i;
  if (dense == 0 || axes.to[0] != 1) return copy_strided(axes, part, from, to);
  StridedAxes rest;
  std::size_t matrices = 1;
  for (std::size_t i = 1; i < axes.rank; ++i) {
    if (i == dense) continue;
    rest.push(axes.sizes[i], axes.from[i], axes.to[i]);
    matrices *= axes.sizes[i];
  }
  const auto from_step = static_cast<std::size_t>(axes.from[0]), to_step = static_cast<std::size_t>(axes.to[dense]);
  const Part::Range share = matrices > 1 ? part.of(matrices) : Part::Range{0, 1};
  const Part::Range columns = matrices > 1 ? Part::Range{0, axes.sizes[dense]} : part.of(axes.sizes[dense], 16);
  for (std::size_t matrix = share.begin; matrix < share.end; ++matrix) {
    std::ptrdiff_t source = 0, target = 0;
    std::size_t index = matrix;
    for (std::size_t i = 0; i < rest.rank; ++i) {
      const auto at = static_cast<std::ptrdiff_t>(index % rest.sizes[i]);
      index /= rest.sizes[i];
      source += at * rest.from[i], target += at * rest.to[i];
    }
    transpose_matrix(from + source, from_step, axes.sizes[0], columns, to + target, to_step);
  }
}

}  // namespace

void transpose_bytes(const TransposeArgs& args) {
  std::ptrdiff_t steps[4], step = 1;
  for (std::size_t i = 4; i-- > 0;) steps[i] = step, step *= static_cast<std::ptrdiff_t>(args.sizes[i]);
  StridedAxes axes;
  std::ptrdiff_t output_step = 1;
  for (std::size_t i = 4; i-- > 0;) {
    const std::size_t axis = args.permutation[i];
    axes.push(args.sizes[axis], steps[axis], output_step);
    output_step *= static_cast<std::ptrdiff_t>(args.sizes[axis]);
  }
  axes.push(args.batch, step, step);
  with_element(args.element_bytes, [&](auto element) {
    using Element = decltype(element);
    transpose_axes(axes, args.part, elements<Element>(args.input), elements<Element>(args.output));
  });
}

}  // namespace mote::MOTE_KERNELS
