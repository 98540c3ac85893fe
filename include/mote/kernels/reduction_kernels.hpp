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

/// Softmax, or its logarithm, along the middle axis of (outer, count, inner). output may be input. inner = 1: the sum
/// of exponentials in 16 virtual lanes, else in order.
struct SoftmaxAxisArgs {
  const float* input;
  float* output;
  std::uint32_t outer, count, inner;
  Part part{};
};
/// Softmax: grad_input = p (grad_output - <grad_output, p>), p the forward output. Logarithm, output y:
/// grad_input = grad_output - e^y sum(grad_output). grad_input may be grad_output.
struct SoftmaxAxisGradArgs {
  const float* output;
  const float* grad_output;
  float* grad_input;
  std::uint32_t outer, count, inner;
  Part part{};
};

/// Rows of `channels` values, each alone; gamma and beta have `channels` values and may be null (1 and 0).
///   layer_norm  gamma (x - mean) / sqrt(variance + epsilon) + beta, the biased variance
///   rms_norm    gamma x / sqrt(mean of x^2 + epsilon) + beta
///   l2_norm     x / max(sqrt(sum of x^2), epsilon); neither gamma nor beta
/// output may be input. Sums in 16 virtual lanes.
struct NormArgs {
  const float* input;
  const float* gamma;
  const float* beta;
  float* output;
  float epsilon;
  std::uint32_t rows, channels;
  Part part{};
};
/// grad_input: overwritten; may be grad_output. grad_params: grad_gamma += scale sum of grad_output x_hat, grad_beta +=
/// scale sum of grad_output, row after row; either may be null. Statistics are computed again from the input.
struct NormGradArgs {
  const float* input;
  const float* gamma;
  const float* grad_output;
  float* grad_input;
  float* grad_gamma;
  float* grad_beta;
  float scale;
  float epsilon;
  std::uint32_t rows, channels;
  Part part{};
};

/// Local response normalisation across channels: output[r, c] = input[r, c] d^-beta with d = bias + alpha sum of
/// squares of channels c - before … c + after, those outside left out. ONNX: alpha is its alpha / size, before = (size
/// - 1) / 2. bias > 0, alpha >= 0.
struct LrnArgs {
  const float* input;
  float* output;
  std::uint32_t rows, channels, before, after;
  float alpha, beta, bias;
  Part part{};
};
/// grad_input overwritten. scratch: lrn_grad_scratch_floats(channels) floats. No overlap.
struct LrnGradArgs {
  const float* input;
  const float* grad_output;
  float* grad_input;
  float* scratch;
  std::uint32_t rows, channels, before, after;
  float alpha, beta, bias;
};
constexpr std::size_t lrn_grad_scratch_floats(std::uint32_t channels) { return 2 * std::size_t{channels}; }

}  // namespace mote
