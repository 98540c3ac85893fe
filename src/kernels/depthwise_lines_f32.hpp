// SPDX-License-Identifier: Apache-2.0
// Lines of a depthwise convolution under a filter three taps wide, forward and towards the input: a unit of its own.
// Relies on rows_f32.hpp and window_f32.hpp.
#pragma once

#include <cstddef>

#include "kernels/rows_f32.hpp"
#include "kernels/window_f32.hpp"

namespace mote::MOTE_KERNELS {
namespace {

/// Whether lines can be taken whole: three taps, side by side, of which at most two lie outside the image.
inline bool has_lines(const Axis& x) {
  return x.filter == 3 && x.dilation == 1 && x.division == 1 && x.stride <= 2 && x.pad >= 0 && x.pad <= 2 &&
         (x.target - 1) * x.stride - x.pad <= x.source - 1;
}

}  // namespace

/// The lines of one segment. b_step: floats from one tap to the next, negative in the backward pass.
void filter_lines(const Walk& walk, const Segment& y, std::size_t channels, const float* source, const float* first_tap,
                  std::ptrdiff_t b_step, const RowsJob& rows, float* target);

}  // namespace mote::MOTE_KERNELS
