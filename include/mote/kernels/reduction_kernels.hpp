// SPDX-License-Identifier: Apache-2.0
// Arguments of kernels that reduce or normalise along axes. kernels.hpp includes this.
#pragma once

#include "mote/requirements.hpp"
#ifndef MOTE_WARN_IN_HEADERS
#pragma GCC system_header
#endif

#include <cstddef>
#include <cstdint>

#include "mote/kernels/part.hpp"

namespace mote {

/// A set of axes of (n, h, w, c), as bits.
inline constexpr std::uint32_t kAxisC = 1, kAxisW = 2, kAxisH = 4, kAxisN = 8;

/// output = sum, mean, largest, smallest or product over `axes`, each kept with extent 1. sizes: n, h, w, c of the
/// input. max, min: NaN where there is one. Sums: along c in 16 virtual lanes, else in order, 64 terms at a time. No
/// overlap.
struct ReduceArgs {
  const float* input;
  float* output;
  std::uint32_t sizes[4];
  std::uint32_t axes;
  Part part{};
};

/// grad_input, of the input's sizes, overwritten. max, min: grad_output in equal parts to all elements that equal the
/// output (as PyTorch's amax). prod: grad_output times the product of the others, with zeros too. sum and mean read
/// neither input nor output, prod no output; these may be null.
struct ReduceGradArgs {
  const float* input;
  const float* output;
  const float* grad_output;
  float* grad_input;
  std::uint32_t sizes[4];
  std::uint32_t axes;
  Part part{};
};

/// output = scale sum of input over `axes`, or += with `accumulate`: the gradient of an operand or a parameter that was
/// repeated along them.
struct SumToArgs {
  const float* input;
  float* output;
  std::uint32_t sizes[4];
  std::uint32_t axes;
  float scale;
  bool accumulate;
  Part part{};
};

/// output[o, i] = the k with the largest (smallest) input[o, k, i]: the first of equals; a NaN is beyond all numbers,
/// as in NumPy. count < 2^24.
struct ArgReduceArgs {
  const float* input;
  std::int32_t* output;
  std::uint32_t outer, count, inner;
  Part part{};
};

}  // namespace mote
