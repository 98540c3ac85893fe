// SPDX-License-Identifier: Apache-2.0
// Layers on integers: the kernel call of an operator's int8 and int16 forms, and its arguments. Part of the executor.
#pragma once

#include "mote/requirements.hpp"
#ifndef MOTE_WARN_IN_HEADERS
#pragma GCC system_header
#endif

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "mote/kernels/kernels.hpp"
#include "mote/model/element_types.hpp"
#include "mote/plan/recurrent.hpp"
#include "mote/run/call.hpp"
#include "mote/run/operator_args.hpp"

namespace mote::detail {

/// A layer's parameters, as param_arrays() lays them out; what it has not is null.
struct IntegerParams {
  const std::int8_t* weights = nullptr;  // or the table
  const std::int32_t* bias = nullptr;
  const std::int32_t* sums = nullptr;
  const std::int32_t* multipliers = nullptr;
  const std::int8_t* shifts = nullptr;

  [[nodiscard]] MOTE_FOLDED QuantizedMultiplier multiplier(std::size_t i) const { return {multipliers[i], shifts[i]}; }
};
MOTE_FOLDED inline IntegerParams integer_params(const Binding& b) {
  const Layer& layer = b.layer();
  const auto* at = reinterpret_cast<const std::byte*>(b.params());
  const std::size_t count = multiplier_count(layer);
  IntegerParams p;
  const auto words = [&]() MOTE_FOLDED {
    const auto* array = reinterpret_cast<const std::int32_t*>(at);
    at += count * sizeof(std::int32_t);
    return array;
  };
  if (layer.param_dtype == DType::s8) {
    p.weights = reinterpret_cast<const std::int8_t*>(at);
    at += align_up(std::size_t{b.weight_count()}, 4);
    if (layer.has_bias()) p.bias = words();
    if (layer.op == Op::dense || layer.op == Op::conv2d) p.sums = words();
  }
  p.multipliers = words();
  p.shifts = reinterpret_cast<const std::int8_t*>(at);
  return p;
}

template <class Element>
MOTE_FOLDED inline const Element* integers(const float* values) {
  return reinterpret_cast<const Element*>(values);
}
template <class Element>
MOTE_FOLDED inline Element* integers(float* values) {
  return reinterpret_cast<Element*>(values);
}
MOTE_FOLDED inline std::int32_t zero_point(const Binding& b, std::size_t k) {
  return b.model().layers[b.model().operand(b.layer(), k)].quantization.zero_point;
}

/// What is left of a type's range by an activation: `layer`, a clamp of values quantised like its own.
constexpr QuantizedRange range_behind(const Layer& layer) {
  const QuantizedRange all = range_of(layer.dtype);
  if (layer.op == Op::clip) return activation_range(layer.alpha, layer.beta, layer.quantization, all);
  return activation_range(0.0F, layer.op == Op::relu6 ? 6.0F : __builtin_inff(), layer.quantization, all);
}
/// Of the step's own kernel.
MOTE_FOLDED inline QuantizedRange output_range(const Binding& b) {
  const std::uint16_t activation = b.step().activation;
  return activation == kNoLayer ? range_of(b.layer().dtype) : range_behind(b.model().layers[activation]);
}

MOTE_FOLDED inline OutputStage output_stage(const Binding& b, const IntegerParams& p) {
  OutputStage stage{p.multipliers, p.shifts};
  stage.zero_point = b.layer().quantization.zero_point;
  stage.clamp = output_range(b);
  stage.narrow = b.layer().op != Op::conv2d_transpose && b.layer().args[1] != 0;
  return stage;
}
template <class Element, class Output>
MOTE_FOLDED inline QuantizedDenseArgs<Element, Output> dense_integer_args(const Binding& b) {
  const IntegerParams p = integer_params(b);
  QuantizedDenseArgs<Element, Output> args{};
  args.input = integers<Element>(b.input()), args.output = integers<Output>(b.output());
  args.weights = p.weights, args.bias = p.bias;
  args.batch = b.batch(), args.fan_in = static_cast<std::uint32_t>(b.in().elements()), args.fan_out = b.out().c;
  args.stage = output_stage(b, p);
  args.weight_zero_point = b.layer().args[0];
  return args;
}
template <class Element>
MOTE_FOLDED inline QuantizedConvArgs<Element> conv_integer_args(const Binding& b) {
  const IntegerParams p = integer_params(b);
  QuantizedConvArgs<Element> args{};
  args.input = integers<Element>(b.input()), args.output = integers<Element>(b.output());
  args.weights = p.weights, args.bias = p.bias;
  args.shape = b.conv();
  args.input_zero_point = zero_point(b, 0);
  args.stage = output_stage(b, p);
  args.weight_zero_point = b.layer().op == Op::conv2d_transpose ? 0 : b.layer().args[0];
  return args;
}
MOTE_FOLDED inline MatmulS8Args matmul_integer_args(const Binding& b) {
  const Shape a = b.operand_shape(0), out = b.out();
  MatmulS8Args args{};
  args.a = integers<std::int8_t>(b.input()), args.b = integers<std::int8_t>(b.second());
  args.output = integers<std::int8_t>(b.output());
  args.count = b.batch() * out.h, args.rows = out.w, args.depth = a.c, args.columns = out.c;
  args.b_transposed = b.layer().args[0] != 0;
  args.a_zero_point = zero_point(b, 0), args.b_zero_point = zero_point(b, 1);
  args.output_zero_point = b.layer().quantization.zero_point;
  args.multiplier = integer_params(b).multiplier(0);
  args.clamp = output_range(b);
  return args;
}
MOTE_FOLDED inline ResizeBilinearS8Args resize_integer_args(const Binding& b) {
  const Shape out = b.out();
  const std::int32_t rule = b.layer().args[0];
  return {integers<std::int8_t>(b.input()),
          integers<std::int8_t>(b.output()),
          b.batch(),
          b.in(),
          out.h,
          out.w,
          rule == 2,
          rule == 0};
}
MOTE_FOLDED inline LogSoftmaxS8Args log_softmax_args(const Binding& b) {
  const IntegerParams p = integer_params(b);
  return {integers<std::int8_t>(b.input()),
          integers<std::int8_t>(b.output()),
          softmax_scale_of(p.multiplier(0)),
          p.multiplier(1),
          b.rows(b.out()),
          b.out().c};
}
template <class Element>
MOTE_FOLDED inline QuantizedPoolArgs<Element> pool_integer_args(const Binding& b) {
  return {integers<Element>(b.input()), integers<Element>(b.output()), b.conv(), output_range(b)};
}

/// Shifts to the left before operands are brought to one scale, by TFLite's rule.
constexpr std::int32_t left_shift(Op op, DType type) {
  if (is_comparison(op)) return 8;
  if (op == Op::squared_difference) return type == DType::s16 ? 0 : 7;
  return op == Op::add || op == Op::sub ? (type == DType::s16 ? 15 : 20) : 0;
}
template <Op kOp, class Element>
MOTE_FOLDED inline QuantizedBinaryArgs<Element> binary_integer_args(const Binding& b) {
  const IntegerParams p = integer_params(b);
  auto args = two_operand_args<QuantizedBinaryArgs<Element>>(b);
  args.a_zero_point = zero_point(b, 0), args.b_zero_point = zero_point(b, 1);
  args.output_zero_point = b.layer().quantization.zero_point;
  if constexpr (kOp == Op::mul || kOp == Op::div) {
    args.scale.output = p.multiplier(0);
  } else if constexpr (kOp != Op::minimum && kOp != Op::maximum) {
    args.scale.a = p.multiplier(0), args.scale.b = p.multiplier(1);
    if constexpr (kOp != Op::prelu) args.scale.output = p.multiplier(2);
  }
  args.scale.left_shift = left_shift(kOp, b.layer().dtype);
  args.clamp = output_range(b);
  return args;
}
MOTE_FOLDED inline CompareS8Args compare_integer_args(const Binding& b) {
  const IntegerParams p = integer_params(b);
  auto args = two_operand_args<CompareS8Args>(b);
  args.a_zero_point = zero_point(b, 0), args.b_zero_point = zero_point(b, 1);
  args.scale.a = p.multiplier(0), args.scale.b = p.multiplier(1);
  args.scale.left_shift = left_shift(b.layer().op, DType::s8);
  return args;
}
/// `sums`: with a multiplier; else extremes.
template <class Element>
MOTE_FOLDED inline QuantizedReduceArgs<Element> reduce_integer_args(const Binding& b, bool sums) {
  const Shape s = b.in();
  QuantizedReduceArgs<Element> args{integers<Element>(b.input()),
                                    integers<Element>(b.output()),
                                    {b.batch(), s.h, s.w, s.c},
                                    axes_of(b),
                                    zero_point(b, 0),
                                    b.layer().quantization.zero_point};
  if (sums) args.multiplier = integer_params(b).multiplier(0);
  args.clamp = output_range(b);
  return args;
}
MOTE_FOLDED inline ArgReduceS8Args arg_reduce_integer_args(const Binding& b) {
  const AroundAxis array = around(b.in(), axis_of(b), b.batch());
  return {integers<std::int8_t>(b.input()), reinterpret_cast<std::int32_t*>(b.output()), array.outer, array.extent,
          array.inner};
}
MOTE_FOLDED inline CurveS16Args curve_args(const Binding& b) {
  const QuantizedMultiplier q = integer_params(b).multiplier(0);
  return {
      integers<std::int16_t>(b.input()), integers<std::int16_t>(b.output()), {q.multiplier, q.shift}, b.count(b.out())};
}
template <class Element>
MOTE_FOLDED inline ClampIntegersArgs<Element> clamp_args(const Binding& b) {
  return {integers<Element>(b.input()), integers<Element>(b.output()), range_behind(b.layer()), b.count(b.out())};
}

/// Initial states are copied to where the kernel keeps them: the values in the scratch, the cells there or where they
/// are the layer's second result.
MOTE_FOLDED inline void run_lstm(const Binding& b) {
  const Layer& layer = b.layer();
  const RecurrentShape s = recurrent_shape(layer, b.operand_shape(0), b.batch());
  const std::size_t states = std::size_t{s.batch} * s.units, columns = std::size_t{4} * s.units;
  LstmS8Args args{};
  args.input = integers<std::int8_t>(b.input()), args.output = integers<std::int8_t>(b.output());
  args.batch = s.batch, args.steps = s.steps, args.inputs = s.fan_in, args.units = s.units;
  args.reverse = s.reverse;
  args.weights = integers<std::int8_t>(b.params());
  args.recurrent_weights = args.weights + align_up(std::size_t{b.weight_count()}, 4);
  args.bias = reinterpret_cast<const std::int32_t*>(args.recurrent_weights +
                                                    4 * static_cast<std::size_t>(packed_bytes(s.units, s.units)));
  args.recurrent_bias = args.bias + columns;
  const std::int32_t* multipliers = args.recurrent_bias + columns;
  const auto* shifts = reinterpret_cast<const std::int8_t*>(multipliers + kLstmMultipliers);
  for (std::size_t g = 0; g < 4; ++g) {
    args.scale.input[g] = {multipliers[g], shifts[g]};
    args.scale.recurrent[g] = {multipliers[4 + g], shifts[4 + g]};
  }
  args.scale.cell = {multipliers[8], shifts[8]};
  args.scale.hidden = {multipliers[9], shifts[9]};
  args.scale.tanh = {multipliers[10], shifts[10]};
  args.scale.cell_clip = layer.args[2];
  args.hidden_zero_point = layer.quantization.zero_point;
  args.scratch = integers<std::int16_t>(b.at(b.step().scratch));
  args.cell = b.step().result == kNoBuffer ? args.scratch + columns : integers<std::int16_t>(b.at(b.step().result));
  args.hidden = reinterpret_cast<std::int8_t*>(args.scratch + columns + states);
  const auto* h = layer.input_count > 1 ? integers<std::int8_t>(b.second()) : nullptr;
  const auto* c = layer.input_count > 2 ? integers<std::int16_t>(b.third()) : nullptr;
  for (std::size_t i = 0; i < states; ++i) {
    args.hidden[i] = h != nullptr ? h[i] : static_cast<std::int8_t>(args.hidden_zero_point);
    args.cell[i] = c != nullptr ? c[i] : std::int16_t{0};
  }
  kernels::lstm_s8(args);
}
MOTE_FOLDED inline SvdfArgs svdf_args(const Binding& b) {
  const Shape in = b.in();
  SvdfArgs args{};
  const std::int32_t* words = reinterpret_cast<const std::int32_t*>(reinterpret_cast<const std::byte*>(b.params()) +
                                                                    align_up(std::size_t{b.weight_count()} * 2, 4));
  args.input = integers<std::int16_t>(b.input()), args.output = integers<std::int8_t>(b.output());
  args.weights = integers<std::int16_t>(b.params());
  args.bias = b.layer().has_bias() ? words : nullptr;
  args.batch = b.batch(), args.steps = in.w, args.units = b.out().c;
  args.rank = static_cast<std::uint32_t>(b.layer().args[0]);
  words += b.layer().has_bias() ? args.units : 0;
  args.multiplier = {words[0], *reinterpret_cast<const std::int8_t*>(words + 1)};
  args.output_zero_point = b.layer().quantization.zero_point;
  args.clamp = output_range(b);
  return args;
}

/// The forms on int8.
template <Op kOp>
MOTE_FOLDED inline void forward_int8(const Binding& b) {
  if constexpr (kOp == Op::dense) {
    if (b.layer().dtype == DType::s16)
      call<kernels::dense_s8_s16>(b, dense_integer_args<std::int8_t, std::int16_t>(b));
    else
      call<kernels::dense_s8>(b, dense_integer_args<std::int8_t, std::int8_t>(b));
  } else if constexpr (kOp == Op::conv2d) {
    call<kernels::conv2d_s8>(b, conv_integer_args<std::int8_t>(b));
  } else if constexpr (kOp == Op::depthwise_conv2d) {
    call<kernels::depthwise_conv2d_s8>(b, conv_integer_args<std::int8_t>(b));
  } else if constexpr (kOp == Op::conv2d_transpose) {
    call<kernels::conv2d_transpose_s8>(b, conv_integer_args<std::int8_t>(b));
  } else if constexpr (kOp == Op::matmul) {
    call<kernels::matmul_s8>(b, matmul_integer_args(b));
  } else if constexpr (kOp == Op::log_softmax) {
    call<kernels::log_softmax_s8>(b, log_softmax_args(b));
  } else if constexpr (kOp == Op::l2_norm) {
    call<kernels::l2_norm_s8>(b, {integers<std::int8_t>(b.input()), integers<std::int8_t>(b.output()), zero_point(b, 0),
                                  b.rows(b.out()), b.out().c});
  } else if constexpr (kOp == Op::resize_bilinear) {
    call<kernels::resize_bilinear_s8>(b, resize_integer_args(b));
  } else if constexpr (kOp == Op::max_pool) {
    call<kernels::max_pool_s8>(b, pool_integer_args<std::int8_t>(b));
  } else if constexpr (kOp == Op::average_pool || kOp == Op::global_average_pool) {
    call<kernels::average_pool_s8>(b, pool_integer_args<std::int8_t>(b));
  } else if constexpr (kOp == Op::add) {
    call<kernels::add_s8>(b, binary_integer_args<kOp, std::int8_t>(b));
  } else if constexpr (kOp == Op::softmax) {
    const SoftmaxScale scale = softmax_scale_of(integer_params(b).multiplier(0));
    const std::uint32_t rows = b.rows(b.out()), channels = b.out().c;
    if (b.layer().dtype == DType::s16)
      call<kernels::softmax_s8_s16>(
          b, {integers<std::int8_t>(b.input()), integers<std::int16_t>(b.output()), scale, rows, channels});
    else
      call<kernels::softmax_s8>(
          b, {integers<std::int8_t>(b.input()), integers<std::int8_t>(b.output()), scale, rows, channels});
  } else if constexpr (kOp == Op::lstm) {
    run_lstm(b);
  } else if constexpr (kOp == Op::argmax) {
    call<kernels::argmax_s8>(b, arg_reduce_integer_args(b));
  } else if constexpr (kOp == Op::argmin) {
    call<kernels::argmin_s8>(b, arg_reduce_integer_args(b));
  } else if constexpr (kOp == Op::reduce_sum || kOp == Op::reduce_mean) {
    call<kernels::reduce_sum_s8>(b, reduce_integer_args<std::int8_t>(b, true));
  } else if constexpr (kOp == Op::reduce_max) {
    call<kernels::reduce_max_s8>(b, reduce_integer_args<std::int8_t>(b, false));
  } else if constexpr (kOp == Op::reduce_min) {
    call<kernels::reduce_min_s8>(b, reduce_integer_args<std::int8_t>(b, false));
  } else if constexpr (is_activation(kOp) || is_unary(kOp)) {
    if (b.layer().param_dtype == DType::none)
      call<kernels::clamp_s8>(b, clamp_args<std::int8_t>(b));
    else
      call<kernels::lookup_s8>(b, {integers<std::int8_t>(b.input()), integer_params(b).weights,
                                   integers<std::int8_t>(b.output()), b.count(b.out())});
#define MOTE_BINARY_INTEGERS(name)      \
  }                                     \
  else if constexpr (kOp == Op::name) { \
    call<kernels::name##_s8>(b, binary_integer_args<kOp, std::int8_t>(b));
    MOTE_BINARY_INTEGERS(sub)
    MOTE_BINARY_INTEGERS(mul)
    MOTE_BINARY_INTEGERS(div)
    MOTE_BINARY_INTEGERS(minimum)
    MOTE_BINARY_INTEGERS(maximum)
    MOTE_BINARY_INTEGERS(squared_difference)
    MOTE_BINARY_INTEGERS(prelu)
#undef MOTE_BINARY_INTEGERS
#define MOTE_COMPARISON(name, number)   \
  }                                     \
  else if constexpr (kOp == Op::name) { \
    call<kernels::name##_s8>(b, compare_integer_args(b));
#include "mote/model/ops.inc"
  } else {
    static_assert(!has_int8_form(kOp), "an operator without a kernel");
  }
}

/// The forms on int16 with int8 weights.
template <Op kOp>
MOTE_FOLDED inline void forward_int16(const Binding& b) {
  using Element = std::int16_t;
  if constexpr (kOp == Op::dense) {
    call<kernels::dense_s16>(b, dense_integer_args<Element, Element>(b));
  } else if constexpr (kOp == Op::conv2d) {
    call<kernels::conv2d_s16>(b, conv_integer_args<Element>(b));
  } else if constexpr (kOp == Op::depthwise_conv2d) {
    call<kernels::depthwise_conv2d_s16>(b, conv_integer_args<Element>(b));
  } else if constexpr (kOp == Op::conv2d_transpose) {
    call<kernels::conv2d_transpose_s16>(b, conv_integer_args<Element>(b));
  } else if constexpr (kOp == Op::max_pool) {
    call<kernels::max_pool_s16>(b, pool_integer_args<Element>(b));
  } else if constexpr (kOp == Op::average_pool || kOp == Op::global_average_pool) {
    call<kernels::average_pool_s16>(b, pool_integer_args<Element>(b));
  } else if constexpr (kOp == Op::add) {
    call<kernels::add_s16>(b, binary_integer_args<kOp, Element>(b));
  } else if constexpr (kOp == Op::sub) {
    call<kernels::sub_s16>(b, binary_integer_args<kOp, Element>(b));
  } else if constexpr (kOp == Op::mul) {
    call<kernels::mul_s16>(b, binary_integer_args<kOp, Element>(b));
  } else if constexpr (kOp == Op::minimum) {
    call<kernels::minimum_s16>(b, binary_integer_args<kOp, Element>(b));
  } else if constexpr (kOp == Op::maximum) {
    call<kernels::maximum_s16>(b, binary_integer_args<kOp, Element>(b));
  } else if constexpr (kOp == Op::squared_difference) {
    call<kernels::squared_difference_s16>(b, binary_integer_args<kOp, Element>(b));
  } else if constexpr (kOp == Op::softmax) {
    call<kernels::softmax_s16>(b, {integers<Element>(b.input()), integers<Element>(b.output()),
                                   integer_params(b).multiplier(0), b.rows(b.out()), b.out().c});
  } else if constexpr (kOp == Op::reduce_sum || kOp == Op::reduce_mean) {
    call<kernels::reduce_sum_s16>(b, reduce_integer_args<Element>(b, true));
  } else if constexpr (kOp == Op::svdf) {
    call<kernels::svdf_s16_s8>(b, svdf_args(b));
  } else if constexpr (kOp == Op::sigmoid) {
    call<kernels::sigmoid_s16>(b, curve_args(b));
  } else if constexpr (kOp == Op::tanh) {
    call<kernels::tanh_s16>(b, curve_args(b));
  } else if constexpr (kOp == Op::leaky_relu) {
    const IntegerParams p = integer_params(b);
    call<kernels::leaky_relu_s16>(b, {integers<Element>(b.input()), integers<Element>(b.output()), p.multiplier(0),
                                      p.multiplier(1), range_of(DType::s16), b.count(b.out())});
  } else if constexpr (kOp == Op::relu || kOp == Op::relu6 || kOp == Op::clip) {
    if (b.layer().param_dtype == DType::none)
      call<kernels::clamp_s16>(b, clamp_args<Element>(b));
    else if constexpr (kOp == Op::relu)
      call<kernels::leaky_relu_s16>(b, {integers<Element>(b.input()),
                                        integers<Element>(b.output()),
                                        integer_params(b).multiplier(0),
                                        {},
                                        range_of(DType::s16),
                                        b.count(b.out())});
  } else {
    static_assert(!has_int16_form(kOp), "an operator without a kernel");
  }
}

/// Between real numbers and integers.
template <Op kOp>
MOTE_FOLDED inline void convert(const Binding& b) {
  const Layer& from = b.model().layers[b.model().operand(b.layer())];
  const std::uint32_t count = b.count(b.out());
  if constexpr (kOp == Op::quantize) {
    call<kernels::quantize_f32>(
        b, {b.input(), b.output(), b.layer().dtype, b.layer().quantization, count, {}, b.layer().args[0] != 0});
  } else if constexpr (kOp == Op::dequantize) {
    call<kernels::dequantize_f32>(b, {b.input(), b.output(), from.dtype, from.quantization, count});
  } else {
    call<kernels::requantize_integers>(
        b, {b.input(), b.output(), from.dtype, b.layer().dtype, from.quantization.zero_point,
            b.layer().quantization.zero_point, integer_params(b).multiplier(0), count});
  }
}

}  // namespace mote::detail
