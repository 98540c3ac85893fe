// SPDX-License-Identifier: Apache-2.0
// Rows of inputs against columns of weights, the work of dense layers and of convolutions. The tiles take a compiler
// long, so each form of them is compiled in one unit (streaming ones with dense_f32.cpp), which serves all kernels.
// Relies on tile_f32.hpp.
#pragma once

#include <cstddef>

#include "kernels/tile_f32.hpp"
#include "mote/kernels/kernels.hpp"

namespace mote::MOTE_KERNELS {

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

/// Runs a tile of `rows` rows, as tile_rows() says, over columns begin … end - 1.
void run_rows(const RowsJob& job, std::size_t rows, std::size_t begin, std::size_t end);
/// kMinEvenRows to kMaxEvenRows rows that lie a_row apart. Only where there are vectors.
void run_even_rows(const RowsJob& job, std::size_t rows, std::size_t begin, std::size_t end);
/// 1 to kMaxEvenRows even groups of four or two rows, each group a vector of RowLanes. Only where there are such.
void run_groups_of_four(const RowsJob& job, std::size_t rows, std::size_t columns);
void run_groups_of_two(const RowsJob& job, std::size_t rows, std::size_t columns);

}  // namespace mote::MOTE_KERNELS
