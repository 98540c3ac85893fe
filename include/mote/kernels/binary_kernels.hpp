// SPDX-License-Identifier: Apache-2.0
// Arguments of kernels with two operands, element by element, with NumPy's broadcasting. kernels.hpp includes this.
// Sizes and strides are in elements, in the order n, h, w, c. An operand's stride is 0 along an axis that it has once
// only and repeats; operands are dense otherwise (broadcast_strides). Outputs are dense and have all of `sizes`.
#pragma once

#include "mote/requirements.hpp"
#ifndef MOTE_WARN_IN_HEADERS
#pragma GCC system_header
#endif

#include <cstddef>
#include <cstdint>

#include "mote/kernels/part.hpp"

namespace mote {

/// The strides of a dense operand of `sizes`: 0 where a size is 1.
constexpr void broadcast_strides(const std::uint32_t (&sizes)[4], std::uint32_t (&strides)[4]) {
  std::uint32_t stride = 1;
  for (std::size_t i = 4; i-- > 0;) {
    strides[i] = sizes[i] == 1 ? 0 : stride;
    stride *= sizes[i];
  }
}

/// output = a ∘ b, then the clamp; NaN passes it. output may be an operand that has all of `sizes`.
///   minimum, maximum    NaN where either operand is
///   pow                 |a|^b, special values as C's pow and NumPy (simd/power.hpp)
///   squared_difference  (a - b)^2
///   prelu               a where a > 0, else a b
struct BinaryArgs {
  const float* a;
  const float* b;
  float* output;
  std::uint32_t sizes[4];
  std::uint32_t a_strides[4], b_strides[4];
  Clamp clamp{};
  Part part{};
};

/// grad_input = grad_output times the derivative by a (operand 0) or b (operand 1), with all of `sizes`: sum_to_f32
/// adds it up where the operand repeats. grad_input may be grad_output. add_broadcast_f32 has none: its gradient is
/// grad_output. Reads a and b both.
///   minimum, maximum    to the operand that is taken, half to each where both are equal (as PyTorch)
///   pow                 b a^(b - 1), 0 where b = 0; a^b ln a, 0 where a = 0 and b >= 0 (as PyTorch)
///   prelu               at a = 0 the derivative by a is b
struct BinaryGradArgs {
  const float* a;
  const float* b;
  const float* grad_output;
  float* grad_input;
  std::uint32_t sizes[4];
  std::uint32_t a_strides[4], b_strides[4];
  std::uint32_t operand;
  Part part{};
};

/// output = 1 where the comparison holds, else 0, one byte each. A NaN is not equal to anything, and not less.
struct CompareArgs {
  const float* a;
  const float* b;
  std::uint8_t* output;
  std::uint32_t sizes[4];
  std::uint32_t a_strides[4], b_strides[4];
  Part part{};
};

/// output = 1 where both (or: either) bytes are not 0. output may be an operand that has all of `sizes`.
struct LogicalArgs {
  const std::uint8_t* a;
  const std::uint8_t* b;
  std::uint8_t* output;
  std::uint32_t sizes[4];
  std::uint32_t a_strides[4], b_strides[4];
  Part part{};
};

/// output = condition is not 0 ? a : b, for elements of 1, 2 or 4 bytes. output may be an a or b that has all of
/// `sizes`.
struct SelectArgs {
  const std::uint8_t* condition;
  const std::byte* a;
  const std::byte* b;
  std::byte* output;
  std::uint32_t element_bytes;
  std::uint32_t sizes[4];
  std::uint32_t condition_strides[4], a_strides[4], b_strides[4];
  Part part{};
};

/// grad_input = grad_output where the operand (0: a, 1: b) is taken, else 0, with all of `sizes`. May be in place.
struct SelectGradArgs {
  const std::uint8_t* condition;
  const float* grad_output;
  float* grad_input;
  std::uint32_t sizes[4];
  std::uint32_t condition_strides[4];
  std::uint32_t operand;
  Part part{};
};

}  // namespace mote
