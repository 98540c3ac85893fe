// SPDX-License-Identifier: Apache-2.0
// Tiles of rows wherever they lie: rows_f32.hpp.
#include "kernels/rows_tiles_f32.hpp"

namespace mote::MOTE_KERNELS {
namespace {
template <class Lanes>
using RowsKernel = RowsTiles<Lanes, RowsForm::any>;
}

void run_rows(const RowsJob& job, std::size_t rows, std::size_t begin, std::size_t end) {
  run_tiles<RowsKernel>(job, rows, begin, end);
}

}  // namespace mote::MOTE_KERNELS
