// SPDX-License-Identifier: Apache-2.0
// Arguments of the gradients' kernels, and the gradients of operators that take more than one, from a step's binding.
// Part of the training executor.
#pragma once

#include "mote/requirements.hpp"
#ifndef MOTE_WARN_IN_HEADERS
#pragma GCC system_header
#endif

#include <cstddef>
#include <cstdint>

#include "mote/run/execute.hpp"

namespace mote::detail {

MOTE_FOLDED inline void zero_floats(float* values, std::uint32_t count) {
  for (std::uint32_t i = 0; i < count; ++i) values[i] = 0.0F;
}

MOTE_FOLDED inline DenseGradArgs dense_grad_args(const Binding& b) {
  return {b.input(),
          b.params(),
          b.at(b.step().grad_output),
          b.at(b.step().grad_input),
          nullptr,
          nullptr,
          1.0F,
          b.batch(),
          static_cast<std::uint32_t>(b.in().elements()),
          b.out().c};
}
MOTE_FOLDED inline ConvGradArgs conv_grad_args(const Binding& b) {
  return {b.input(), b.params(), b.at(b.step().grad_output), b.at(b.step().grad_input),
          nullptr,   nullptr,    b.at(b.step().scratch),     1.0F,
          b.conv()};
}
MOTE_FOLDED inline BatchNormGradArgs batch_norm_grad_args(const Binding& b) {
  const std::size_t channels = b.out().c;
  const float* gamma = b.params();
  return {b.input(),
          gamma,
          gamma + 2 * channels,
          gamma + 3 * channels,
          b.at(b.step().saved),
          b.at(b.step().grad_output),
          b.at(b.step().grad_input),
          nullptr,
          nullptr,
          nullptr,
          nullptr,
          1.0F,
          1.0F,
          b.layer().alpha,
          b.rows(b.out()),
          static_cast<std::uint32_t>(channels)};
}
MOTE_FOLDED inline RbfGradArgs rbf_grad_args(const Binding& b) {
  const auto fan_in = static_cast<std::uint32_t>(b.in().elements());
  return {b.input(),
          b.params(),
          b.params() + b.weight_count(),
          b.output(),
          b.at(b.step().grad_output),
          b.at(b.step().grad_input),
          nullptr,
          nullptr,
          1.0F,
          b.batch(),
          fan_in,
          b.out().c};
}
MOTE_FOLDED inline SplineGradArgs spline_grad_args(const Binding& b) {
  const float* knots = b.params();
  const std::size_t count = b.weight_count();
  return {b.input(),
          knots,
          knots + count,
          knots + 2 * count,
          b.at(b.step().grad_output),
          b.at(b.step().grad_input),
          nullptr,
          nullptr,
          1.0F,
          b.rows(b.out()),
          b.out().c,
          b.layer().knots()};
}
/// Of the two ends of what its steps stand for.
MOTE_FOLDED inline FakeQuantizeGradArgs fake_quantize_grad_args(const Binding& b) {
  const RealRange ends = int8_range(int8_units(learned_range(b)));
  return {b.input(),       b.at(b.step().grad_output), b.at(b.step().grad_input), nullptr, 1.0F, ends.low, ends.high,
          b.count(b.out())};
}
MOTE_FOLDED inline void fake_quantize_grad_params(const Binding& b, float* range, float scale) {
  FakeQuantizeGradArgs args = fake_quantize_grad_args(b);
  args.grad_range = range, args.scale = scale;
  kernels::fake_quantize_grad_params_f32(args);
}
/// What an update left of a range becomes one again.
MOTE_FOLDED inline void keep_range(const Binding& b) {
  const RealRange range = nearest_range(learned_range(b));
  b.trained_params()[0] = range.low, b.trained_params()[1] = range.high;
}
/// `value` is the output where the derivative is written on it, else the input: the planner bound only that one.
MOTE_FOLDED inline ActivationGradArgs activation_grad_args(const Binding& b) {
  return {traits(b.layer().op).differentiates_output ? b.output() : b.input(),
          b.at(b.step().grad_output),
          b.at(b.step().grad_input),
          b.layer().alpha,
          b.count(b.out()),
          {},
          b.layer().beta};
}

/// A gradient of all the value's extents, added up to that of the step's operand.
MOTE_FOLDED inline void add_up(const Binding& b, const float* from, float* to) {
  SumToArgs args{from, to, {}, repeated_axes(b, b.step().input_index), 1.0F, false};
  set_sizes(b, args.sizes);
  call<kernels::sum_to_f32>(b, args);
}
/// Where the operand is repeated the gradient takes all extents first.
template <auto kKernel>
MOTE_FOLDED inline void binary_grad(const Binding& b, const float* from, float* to) {
  BinaryGradArgs args{};
  const std::uint32_t axes = repeated_axes(b, b.step().input_index);
  args.a = b.input(), args.b = b.second(), args.grad_output = from;
  args.grad_input = axes == 0 ? to : b.at(b.step().scratch);
  set_sizes(b, args.sizes);
  set_strides(b, 0, b.step().input, args.a_strides);
  set_strides(b, 1, b.step().second, args.b_strides);
  args.operand = b.step().input_index;
  call<kKernel>(b, args);
  if (axes != 0) add_up(b, args.grad_input, to);
}
MOTE_FOLDED inline void select_grad(const Binding& b, const float* from, float* to) {
  const std::uint32_t axes = repeated_axes(b, b.step().input_index);
  SelectGradArgs args{};
  args.condition = reinterpret_cast<const std::uint8_t*>(b.input()), args.grad_output = from;
  args.grad_input = axes == 0 ? to : b.at(b.step().scratch);
  set_sizes(b, args.sizes);
  set_strides(b, 0, b.step().input, args.condition_strides);
  args.operand = b.step().input_index - 1U;
  call<kernels::select_grad_f32>(b, args);
  if (axes != 0) add_up(b, args.grad_input, to);
}
MOTE_FOLDED inline void gather_grad(const Binding& b, const float* from, float* to) {
  for (std::uint32_t sample = 0; sample < b.batch(); ++sample) {
    const GatherArgs forward = gather_args(b, sample);
    kernels::gather_grad_f32(
        {forward.indices, from + std::size_t{sample} * static_cast<std::size_t>(b.out().elements()),
         to + std::size_t{sample} * static_cast<std::size_t>(b.operand_shape(0).elements()), forward.outer,
         forward.extent, forward.inner, forward.count, forward.own_indices, false, 1.0F});
  }
}
MOTE_FOLDED inline SoftmaxAxisGradArgs softmax_axis_grad_args(const Binding& b, const float* from, float* to) {
  const AroundAxis array = around(b.in(), axis_of(b), b.batch());
  return {b.output(), from, to, array.outer, array.extent, array.inner};
}
MOTE_FOLDED inline NormGradArgs norm_grad_args(const Binding& b, const float* gamma) {
  return {b.input(),
          gamma,
          b.at(b.step().grad_output),
          b.at(b.step().grad_input),
          nullptr,
          nullptr,
          1.0F,
          b.layer().alpha,
          b.rows(b.out()),
          b.out().c};
}
MOTE_FOLDED inline LrnGradArgs lrn_grad_args(const Binding& b, const float* from, float* to) {
  const LrnArgs a = lrn_args(b);
  return {b.input(), from, to, b.at(b.step().scratch), a.rows, a.channels, a.before, a.after, a.alpha, a.beta, a.bias};
}
/// Towards one operand, for which the other alone is read.
MOTE_FOLDED inline MatmulGradArgs matmul_grad_args(const Binding& b, const float* from, float* to) {
  MatmulGradArgs args{};
  const bool first = b.step().input_index == 0;
  (first ? args.b : args.a) = first ? b.second() : b.input();
  (first ? args.grad_a : args.grad_b) = to;
  args.grad_output = from;
  set_matmul(b, args);
  return args;
}
/// The convolution that a layer is the transpose of: from the layer's output to its input.
MOTE_FOLDED inline ConvShape transposed(const ConvShape& s) { return {s.batch, s.out, s.in, s.window}; }
/// That convolution of the output's gradient, with the filter as a convolution has it.
MOTE_FOLDED inline void conv2d_transpose_grad_input(const Binding& b, const float* from, float* to) {
  const ConvShape s = transposed(b.conv());
  float* const filter = b.at(b.step().scratch);
  call<kernels::turn_filter_f32>(
      b, {b.params(), filter, s.window.filter_h * s.window.filter_w, s.out.c, s.in.c, 1.0F, false});
  call<kernels::conv2d_f32>(b, {from, filter, nullptr, to, nullptr, s});
}
/// That convolution's gradients, whose input is the output's gradient here; turned round, and the bias beside it.
MOTE_FOLDED inline void conv2d_transpose_grad_params(const Binding& b, float* weights, float scale) {
  const ConvShape s = transposed(b.conv());
  const float* const grad_output = b.at(b.step().grad_output);
  float* const filter = b.at(b.step().scratch);
  zero_floats(filter, b.weight_count());
  call<kernels::conv2d_grad_params_f32>(b,
                                        {grad_output, nullptr, b.input(), nullptr, filter, nullptr, nullptr, 1.0F, s});
  call<kernels::turn_filter_f32>(
      b, {filter, weights, s.window.filter_h * s.window.filter_w, s.in.c, s.out.c, scale, true});
  if (!b.layer().has_bias()) return;
  const SumToArgs sums{
      grad_output, weights + b.weight_count(), {s.batch, s.in.h, s.in.w, s.in.c}, kAxisN | kAxisH | kAxisW, scale,
      true};
  call<kernels::sum_to_f32>(b, sums);
}
/// All gradients of a recurrent layer at once, where the step is the one towards its sequence; the others fetch what
/// that one left behind the gates.
template <auto kKernel>
MOTE_FOLDED inline void recurrent_grad(const Binding& b, const float* from, float* to) {
  const Step& step = b.step();
  const RecurrentShape shape = recurrent_shape(b);
  const std::size_t state = recurrent_state(shape), inputs = b.layer().input_count;
  float* const of_initial = b.at(step.saved) + recurrent_saved_floats(b.layer().op, shape);
  if (step.input_index != 0) {
    kernels::copy_channels_f32(
        {of_initial + (step.input_index - 1U) * state, to, 1, static_cast<std::uint32_t>(state), 0, 0});
    return;
  }
  RecurrentArrays<float> grads;
  if (step.trained) {
    grads = recurrent_arrays(b, b.param_grad());
    if (b.plan().param_gradients == kNoBuffer) zero_floats(grads.weights, b.layer().param_bytes / sizeof(float));
  }
  const RecurrentArrays<const float> arrays = recurrent_arrays(b, b.params());
  RecurrentGradArgs args{};
  args.input = b.input(), args.weights = arrays.weights, args.recurrent_weights = arrays.recurrent_weights;
  args.initial_h = initial_h(b), args.initial_c = initial_c(b), args.output = b.output();
  args.grad_output = from, args.grad_final_c = b.at(step.result), args.grad_input = to;
  if (inputs > 1) args.grad_initial_h = of_initial;
  if (inputs > 2) args.grad_initial_c = of_initial + state;
  args.grad_weights = grads.weights, args.grad_recurrent_weights = grads.recurrent_weights;
  args.grad_bias = grads.bias, args.grad_recurrent_bias = grads.recurrent_bias;
  args.saved = b.at(step.saved), args.scratch = b.at(step.scratch), args.scale = 1.0F, args.shape = shape;
  kKernel(args);
}
MOTE_FOLDED inline ReduceGradArgs reduce_grad_args(const Binding& b, const float* from, float* to) {
  const Shape s = b.in();
  const bool extreme = b.layer().op == Op::reduce_max || b.layer().op == Op::reduce_min;
  return {extreme || b.layer().op == Op::reduce_prod ? b.input() : nullptr,
          extreme ? b.output() : nullptr,
          from,
          to,
          {b.batch(), s.h, s.w, s.c},
          axes_of(b)};
}

}  // namespace mote::detail
