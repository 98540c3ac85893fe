// SPDX-License-Identifier: Apache-2.0
// Gradients of weights and biases: outer products and columns, summed over positions. Compiled in one unit, which
// serves all kernels. Relies on nothing but the list of kernels.
#pragma once

#include <cstddef>

#include "kernels/kernel_namespace.hpp"
#include "mote/kernels/kernels.hpp"

namespace mote::MOTE_KERNELS {

/// out[r][o] += scale * sum over positions of a[position][r] b[position][o]: the gradient of weights. Positions are
/// images × lines × a run along x, in this order. Rows are consecutive in a. At the ends of a run only rows
/// first_row … last_row - 1, which depend on x, take part (taps of a filter that fall outside the image).
struct OuterJob {
  const float* a;  // row 0 at the first position of the run
  const float* b;
  const float* b_end;
  float* out;
  float scale;
  std::size_t out_step;  // floats between rows of out
  std::size_t images, lines;
  std::ptrdiff_t a_image, a_line, b_image, b_line, a_step;
  std::size_t b_step;
  std::ptrdiff_t before, inside, after;  // positions along x: cut on the left, whole, cut on the right
  // Row of the filter's first tap inside the image at the run's position 0, how much earlier it is at the next
  // position, and how many rows there are from there to the last tap inside the image.
  std::ptrdiff_t row_shift, row_step, row_count;
};

/// Runs a tile of `rows` rows, as tile_rows() says, over columns begin … end - 1.
void run_outer(const OuterJob& job, std::size_t rows, std::size_t begin, std::size_t end);

/// out[o] += scale * sum over r of values[r][o] for the columns o of a share. Rows go to four chains in turn, closed as
/// (0 + 2) + (1 + 3): one chain would wait for each addition. Several vectors at a time gain 10 % over 125 rows and
/// lose 7 % over 36.
void column_sums(const float* values, std::size_t rows, std::size_t columns, float scale, Part::Range share,
                 float* out);

}  // namespace mote::MOTE_KERNELS
