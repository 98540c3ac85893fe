// SPDX-License-Identifier: Apache-2.0
// Shapes and arrays of the convolution tests.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/guarded.hpp"
#include "mote/model/shape_rule.hpp"
#include "reference/conv.hpp"

namespace mote::test {

/// Padding by side, top, left, bottom, right, as layers have it; kernels see the first two and the output's size.
constexpr ConvShape conv_shape(std::uint32_t batch, Shape in, std::uint32_t out_c, Window window,
                               std::uint32_t pad_bottom, std::uint32_t pad_right) {
  ConvShape s{batch, in, {1, 1, out_c}, window};
  s.out.h = window_outputs(in.h, window.filter_h, window.stride_h, window.dilation_h, window.pad_top, pad_bottom);
  s.out.w = window_outputs(in.w, window.filter_w, window.stride_w, window.dilation_w, window.pad_left, pad_right);
  return s;
}

/// A shape that the layer rules allow, small enough to be checked in double on a microcontroller.
inline ConvShape random_conv_shape(std::uint32_t& state, bool depthwise) {
  const auto draw = [&](std::uint32_t low, std::uint32_t high) {
    state = state * 1664525U + 1013904223U;
    return low + (state >> 16) % (high - low + 1);
  };
  for (;;) {
    Window w{draw(1, 5), draw(1, 5), draw(1, 3), draw(1, 3), draw(1, 3), draw(1, 3), 0, 0};
    const std::uint32_t span_h = w.dilation_h * (w.filter_h - 1), span_w = w.dilation_w * (w.filter_w - 1);
    w.pad_top = draw(0, span_h);
    w.pad_left = draw(0, span_w);
    const bool line = draw(0, 4) == 0;  // a sequence
    const Shape in{line ? 1 : draw(1, 9), draw(1, 11), draw(1, 17)};
    const std::uint32_t out_c = depthwise ? in.c * draw(1, 3) : draw(1, 17);
    const std::uint32_t batch = draw(1, 3), pad_bottom = draw(0, span_h), pad_right = draw(0, span_w);
    const ConvShape s = conv_shape(batch, in, out_c, w, pad_bottom, pad_right);
    const std::uint64_t taps = std::uint64_t{w.filter_h} * w.filter_w;
    if (s.out.h == 0 || s.out.w == 0) continue;
    if (s.batch * s.out.elements() * taps * (depthwise ? 1 : in.c) > 60000) continue;
    return s;
  }
}

/// Arrays of one shape, filled; params and bias_params are copies to which gradients are added.
struct ConvArrays {
  ConvArrays(const ConvShape& s, bool depthwise, std::size_t misalignment)
      : inputs(s.batch * static_cast<std::size_t>(s.in.elements())),
        outputs(s.batch * static_cast<std::size_t>(s.out.elements())),
        weight_count(std::size_t{s.window.filter_h} * s.window.filter_w * s.out.c * (depthwise ? 1 : s.in.c)),
        scratch_count(depthwise ? 0 : conv2d_grad_input_scratch_floats(s)) {
    memory.reset();
    input = memory.take(inputs, misalignment);
    weights = memory.take(weight_count, misalignment + 1);
    bias = memory.take(s.out.c, misalignment + 2);
    output = memory.take(outputs, misalignment + 3);
    grad_output = memory.take(outputs, misalignment);
    grad_input = memory.take(inputs, misalignment + 5);
    params = memory.take(weight_count, misalignment + 7);
    bias_params = memory.take(s.out.c, misalignment);
    scratch = memory.take(scratch_count, misalignment + 9);
    Numbers numbers(static_cast<std::uint32_t>(inputs * 7 + weight_count));
    numbers.fill(input, inputs);
    numbers.fill(weights, weight_count);
    numbers.fill(bias, s.out.c);
    numbers.fill(grad_output, outputs);
    copy(weights, params, weight_count);
    copy(bias, bias_params, s.out.c);
  }
  [[nodiscard]] ConvGradArgs grad_args(const ConvShape& s, float scale) const {
    return {input, weights, grad_output, grad_input, params, bias_params, scratch, scale, s};
  }
  std::size_t inputs, outputs, weight_count, scratch_count;
  float *input, *weights, *bias, *output, *grad_output, *grad_input, *params, *bias_params, *scratch;
};

/// at(element) for every element of a batch of `shape`, in order: the index is counted along.
template <class Visit>
void for_each_element(std::uint32_t batch, const Shape& shape, const Visit& visit) {
  std::size_t index = 0;
  for (std::size_t n = 0; n < batch; ++n)
    for (std::size_t y = 0; y < shape.h; ++y)
      for (std::size_t x = 0; x < shape.w; ++x)
        for (std::size_t c = 0; c < shape.c; ++c) visit(reference::At{n, y, x, c}, index++);
}

inline void worsen(double& worst, double error) {
  if (error > worst) worst = error;
}

}  // namespace mote::test
