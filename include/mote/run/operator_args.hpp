// SPDX-License-Identifier: Apache-2.0
// Arguments of the kernels that join, move and reduce values, forward and backward, from a step's binding. Part of the
// executor.
#pragma once

#include "mote/requirements.hpp"
#ifndef MOTE_WARN_IN_HEADERS
#pragma GCC system_header
#endif

#include <bit>
#include <cstddef>
#include <cstdint>

#include "mote/model/int8_units.hpp"
#include "mote/plan/recurrent.hpp"
#include "mote/run/binding.hpp"
#include "mote/run/call.hpp"

namespace mote::detail {

/// Extents n, h, w, c of the value, and the strides of an operand, 0 where it is repeated.
MOTE_FOLDED inline void set_sizes(const Binding& b, std::uint32_t (&to)[4]) {
  const Shape s = b.out();
  to[0] = b.batch(), to[1] = s.h, to[2] = s.w, to[3] = s.c;
}
MOTE_FOLDED inline void set_strides(const Binding& b, std::size_t k, std::uint16_t buffer, std::uint32_t (&to)[4]) {
  const Shape s = b.operand_shape(k);
  const std::uint32_t sizes[4] = {b.is_constant(buffer) ? 1 : b.batch(), s.h, s.w, s.c};
  broadcast_strides(sizes, to);
}

/// Of BinaryArgs, CompareArgs and LogicalArgs.
template <class Args>
MOTE_FOLDED inline Args two_operand_args(const Binding& b) {
  Args args{};
  using Element = decltype(args.a);
  using Result = decltype(args.output);
  args.a = reinterpret_cast<Element>(b.input());
  args.b = reinterpret_cast<Element>(b.second());
  args.output = reinterpret_cast<Result>(b.output());
  set_sizes(b, args.sizes);
  set_strides(b, 0, b.step().input, args.a_strides);
  set_strides(b, 1, b.step().second, args.b_strides);
  return args;
}
MOTE_FOLDED inline BinaryArgs binary_args(const Binding& b) {
  BinaryArgs args = two_operand_args<BinaryArgs>(b);
  args.clamp = b.clamp();
  return args;
}
MOTE_FOLDED inline BinaryArgs bias_add_args(const Binding& b) {
  BinaryArgs args{b.input(), b.params(), b.output(), {}, {}, {}, b.clamp()};
  const std::uint32_t bias_sizes[4] = {1, 1, 1, b.out().c};
  set_sizes(b, args.sizes);
  broadcast_strides(args.sizes, args.a_strides);
  broadcast_strides(bias_sizes, args.b_strides);
  return args;
}
MOTE_FOLDED inline SelectArgs select_args(const Binding& b) {
  SelectArgs args{};
  args.condition = reinterpret_cast<const std::uint8_t*>(b.input());
  args.a = reinterpret_cast<const std::byte*>(b.second());
  args.b = reinterpret_cast<const std::byte*>(b.third());
  args.output = reinterpret_cast<std::byte*>(b.output());
  args.element_bytes = b.element_bytes();
  set_sizes(b, args.sizes);
  set_strides(b, 0, b.step().input, args.condition_strides);
  set_strides(b, 1, b.step().second, args.a_strides);
  set_strides(b, 2, b.step().third, args.b_strides);
  return args;
}

MOTE_FOLDED inline void set_shape(const Shape& s, std::uint32_t (&to)[3]) { to[0] = s.h, to[1] = s.w, to[2] = s.c; }

/// `backward`: from the value's gradient to the operand's.
MOTE_FOLDED inline TransposeArgs transpose_args(const Binding& b, const float* from, float* to, bool backward) {
  TransposeArgs args{};
  args.input = reinterpret_cast<const std::byte*>(from), args.output = reinterpret_cast<std::byte*>(to);
  args.element_bytes = b.element_bytes(), args.batch = b.batch();
  for (std::size_t i = 0; i < 4; ++i) {
    const std::size_t source = permuted(b.layer(), i);
    args.sizes[backward ? i : source] = static_cast<std::uint32_t>(b.layer().args[source]);
    args.permutation[backward ? source : i] = static_cast<std::uint8_t>(backward ? i : source);
  }
  return args;
}
template <class Args>
MOTE_FOLDED inline void set_slice(const Binding& b, Args& args) {
  args.batch = b.batch();
  set_shape(b.in(), args.in), set_shape(b.out(), args.out);
  for (std::size_t i = 0; i < 3; ++i) args.begin[i] = b.layer().args[i], args.step[i] = b.layer().args[3 + i];
}
MOTE_FOLDED inline SliceArgs slice_args(const Binding& b) {
  SliceArgs args{};
  args.input = reinterpret_cast<const std::byte*>(b.input());
  args.output = reinterpret_cast<std::byte*>(b.output());
  args.element_bytes = b.element_bytes();
  set_slice(b, args);
  return args;
}
template <class Args>
MOTE_FOLDED inline void set_pad(const Binding& b, Args& args) {
  const Layer& layer = b.layer();
  args.batch = b.batch();
  set_shape(b.in(), args.in), set_shape(b.out(), args.out);
  args.before[0] = layer.pad_top, args.before[1] = layer.pad_left;
  args.before[2] = static_cast<std::uint32_t>(layer.args[0]);
  args.mode = static_cast<PadMode>(layer.args[2]);
}
/// The bits of a constant's element: the number itself, also of integers (their stored one).
MOTE_FOLDED inline std::uint32_t element_bits(DType type, float value) {
  return type == DType::f32 ? std::bit_cast<std::uint32_t>(value)
                            : static_cast<std::uint32_t>(static_cast<std::int32_t>(value));
}
MOTE_FOLDED inline PadArgs pad_args(const Binding& b) {
  PadArgs args{};
  args.input = reinterpret_cast<const std::byte*>(b.input());
  args.output = reinterpret_cast<std::byte*>(b.output());
  args.element_bytes = b.element_bytes();
  args.value_bits = element_bits(b.layer().dtype, b.layer().alpha);
  set_pad(b, args);
  return args;
}
template <class Args>
MOTE_FOLDED inline void set_tile(const Binding& b, Args& args) {
  args.batch = b.batch();
  set_shape(b.in(), args.in);
  for (std::size_t i = 0; i < 3; ++i) args.repeats[i] = extent(b.out(), 2 - i) / args.in[i];
}
MOTE_FOLDED inline TileArgs tile_args(const Binding& b) {
  TileArgs args{};
  args.input = reinterpret_cast<const std::byte*>(b.input());
  args.output = reinterpret_cast<std::byte*>(b.output());
  args.element_bytes = b.element_bytes();
  set_tile(b, args);
  return args;
}

/// An array seen as (outer, the axis, inner); outer includes the batch.
struct AroundAxis {
  std::uint32_t outer, extent, inner;
};
MOTE_FOLDED inline AroundAxis around(const Shape& s, std::size_t axis, std::uint32_t batch) {
  const std::uint32_t rows = batch * s.h, inner = axis == 0 ? 1 : axis == 1 ? s.c : s.w * s.c;
  return {axis == 0 ? rows * s.w : axis == 1 ? rows : batch, extent(s, axis), inner};
}
MOTE_FOLDED inline std::size_t axis_of(const Binding& b) { return static_cast<std::size_t>(b.layer().args[0]); }

template <class Args>
MOTE_FOLDED inline void set_gather(const Binding& b, std::uint32_t samples, Args& args) {
  const AroundAxis array = around(b.operand_shape(0), axis_of(b), samples);
  args.outer = array.outer, args.extent = array.extent, args.inner = array.inner;
  args.count = b.operand_shape(1).c;
  args.own_indices = false;
}
/// One sample's: its indices are its own, and its array is the same for all where that is a constant.
MOTE_FOLDED inline GatherArgs gather_args(const Binding& b, std::uint32_t sample) {
  GatherArgs args{};
  const std::size_t in =
      b.is_constant(b.step().input) ? 0 : std::size_t{sample} * static_cast<std::size_t>(b.operand_shape(0).elements());
  const std::size_t list = b.is_constant(b.step().second) ? 0 : sample * std::size_t{b.operand_shape(1).c};
  args.element_bytes = b.element_bytes();
  args.indices = reinterpret_cast<const std::int32_t*>(b.second()) + list;
  if (b.step().kind == StepKind::forward) {  // the gradient reads the indices alone
    args.input = reinterpret_cast<const std::byte*>(b.input()) + in * args.element_bytes;
    args.output = reinterpret_cast<std::byte*>(b.output()) +
                  std::size_t{sample} * static_cast<std::size_t>(b.out().elements()) * args.element_bytes;
  }
  set_gather(b, 1, args);
  return args;
}

/// One operand of a concatenation: its rows within those of the value, in elements.
struct ConcatRows {
  std::uint32_t rows, width, stride, offset;
};
MOTE_FOLDED inline ConcatRows concat_rows(const Binding& b) {
  const std::size_t axis = axis_of(b);
  const AroundAxis part = around(b.in(), axis, b.batch());
  std::uint32_t before = 0;
  for (std::size_t k = 0; k < b.step().input_index; ++k) before += extent(b.operand_shape(k), axis);
  return {part.outer, part.extent * part.inner, extent(b.out(), axis) * part.inner, before * part.inner};
}

MOTE_FOLDED inline std::uint32_t axes_of(const Binding& b) { return static_cast<std::uint32_t>(b.layer().args[0]); }
MOTE_FOLDED inline ReduceArgs reduce_args(const Binding& b) {
  const Shape s = b.in();
  return {b.input(), b.output(), {b.batch(), s.h, s.w, s.c}, axes_of(b)};
}
MOTE_FOLDED inline ArgReduceArgs arg_reduce_args(const Binding& b) {
  const AroundAxis array = around(b.in(), axis_of(b), b.batch());
  return {b.input(), reinterpret_cast<std::int32_t*>(b.output()), array.outer, array.extent, array.inner};
}

MOTE_FOLDED inline SoftmaxAxisArgs softmax_axis_args(const Binding& b) {
  const AroundAxis array = around(b.in(), axis_of(b), b.batch());
  return {b.input(), b.output(), array.outer, array.extent, array.inner};
}

/// Of ResizeNearestArgs, ResizeArgs and ResizeGradArgs.
template <class Args>
MOTE_FOLDED inline void set_resize(const Binding& b, Args& args) {
  const Layer& l = b.layer();
  const Shape in = b.in(), out = b.out();
  args.sizes = {b.batch(), in.h, in.w, out.h, out.w, out.c};
  args.rule = {static_cast<ResizeCoordinates>(l.args[0]), static_cast<ResizeRounding>(l.args[1]), l.args[2] != 0,
               l.alpha, l.beta};
}
MOTE_FOLDED inline ResizeNearestArgs resize_nearest_args(const Binding& b) {
  ResizeNearestArgs args{};
  args.input = reinterpret_cast<const std::byte*>(b.input());
  args.output = reinterpret_cast<std::byte*>(b.output());
  args.element_bytes = b.element_bytes();
  set_resize(b, args);
  return args;
}
MOTE_FOLDED inline ResizeArgs resize_args(const Binding& b) {
  ResizeArgs args{};
  args.input = b.input(), args.output = b.output();
  set_resize(b, args);
  return args;
}
MOTE_FOLDED inline CastArgs cast_args(const Binding& b) {
  return {reinterpret_cast<const std::byte*>(b.input()), reinterpret_cast<std::byte*>(b.output()),
          b.model().layers[b.model().operand(b.layer())].dtype, b.layer().dtype, b.count(b.out())};
}

/// Parameters are gamma and, where there is one, beta.
MOTE_FOLDED inline NormArgs norm_args(const Binding& b, const float* gamma, bool shifted) {
  const std::uint32_t channels = b.out().c;
  return {b.input(),       gamma,   shifted ? gamma + channels : nullptr, b.output(), b.layer().alpha,
          b.rows(b.out()), channels};
}
MOTE_FOLDED inline LrnArgs lrn_args(const Binding& b) {
  const Layer& l = b.layer();
  return {b.input(),
          b.output(),
          b.rows(b.out()),
          b.out().c,
          static_cast<std::uint32_t>(l.args[0]),
          static_cast<std::uint32_t>(l.args[1]),
          l.alpha,
          l.beta,
          lrn_bias(l)};
}

/// Makes float32 of narrow weights, and copies the layer's other parameters behind them.
MOTE_FOLDED inline void widen_params(const Binding& b) {
  const Layer& l = b.layer();
  const ParamArrays stored = narrow_param_arrays(l, b.in()), wide = real_param_arrays(l, b.in());
  std::size_t scales = wide.count;
  for (std::size_t i = 0; i < wide.count; ++i) {
    const std::byte* const from = b.stored_params() + stored.arrays[i].offset;
    float* const to = b.at(widened_params(b.step())) + wide.arrays[i].offset / sizeof(float);
    const std::uint32_t count = wide.arrays[i].count;
    if (!wide.arrays[i].weight) {
      __builtin_memcpy(to, from, count * sizeof(float));
      continue;
    }
    const float* factors = nullptr;
    if (l.param_dtype == DType::s8)
      factors = reinterpret_cast<const float*>(b.stored_params() + stored.arrays[scales++].offset);
    for (const WeightMatrix& m : weight_matrices(l, wide.arrays[i], i)) {
      const std::byte* const values = from + m.first * bytes_of(l.param_dtype);
      const float* const scales_of = factors == nullptr ? nullptr : factors + m.scale;
      if (m.rows != 0)
        call<kernels::widen_weights_f32>(b, {{values, scales_of, l.param_dtype}, to + m.first, m.rows, m.columns});
    }
  }
}

/// Rounds the layer's weights as int8 would have them, and copies its bias behind them.
MOTE_FOLDED inline void round_params(const Binding& b) {
  const std::uint32_t weights = b.weight_count(), units = b.out().c;
  const auto* const from = reinterpret_cast<const float*>(b.stored_params());
  float* const to = b.at(widened_params(b.step()));
  call<kernels::round_weights_f32>(b, {from, to, weights / units, units});
  if (b.layer().has_bias()) __builtin_memcpy(to + weights, from + weights, units * sizeof(float));
}

/// The parameters of fake_quantize.
MOTE_FOLDED inline RealRange learned_range(const Binding& b) { return {b.params()[0], b.params()[1]}; }

MOTE_FOLDED inline DenseNarrowArgs dense_narrow_args(const Binding& b) {
  const Layer& l = b.layer();
  const ParamArrays arrays = narrow_param_arrays(l, b.in());
  const std::byte* const first = b.stored_params();
  const auto floats = [&](std::size_t i)
                          MOTE_FOLDED { return reinterpret_cast<const float*>(first + arrays.arrays[i].offset); };
  return {b.input(),
          {first, l.param_dtype == DType::s8 ? floats(arrays.count - 1) : nullptr, l.param_dtype},
          l.has_bias() ? floats(1) : nullptr,
          b.output(),
          b.batch(),
          static_cast<std::uint32_t>(b.in().elements()),
          l.shape.c,
          b.clamp()};
}

MOTE_FOLDED inline RecurrentShape recurrent_shape(const Binding& b) {
  return recurrent_shape(b.layer(), b.operand_shape(0), b.batch());
}
/// The arrays of a recurrent layer behind its first parameter, or of their gradients; null where there are none.
template <class Float>
struct RecurrentArrays {
  Float *weights = nullptr, *recurrent_weights = nullptr, *bias = nullptr, *recurrent_bias = nullptr;
};
template <class Float>
MOTE_FOLDED inline RecurrentArrays<Float> recurrent_arrays(const Binding& b, Float* first) {
  const std::size_t units = b.out().c, columns = gates(b.layer().op) * units;
  RecurrentArrays<Float> out{first, first + b.weight_count()};
  if (!b.layer().has_bias()) return out;
  out.bias = out.recurrent_weights + units * columns;
  if (b.layer().op == Op::gru) out.recurrent_bias = out.bias + columns;
  return out;
}
MOTE_FOLDED inline const float* initial_h(const Binding& b) { return b.layer().input_count > 1 ? b.second() : nullptr; }
MOTE_FOLDED inline const float* initial_c(const Binding& b) { return b.layer().input_count > 2 ? b.third() : nullptr; }
MOTE_FOLDED inline RecurrentArgs recurrent_args(const Binding& b) {
  const RecurrentArrays<const float> arrays = recurrent_arrays(b, b.params());
  return {b.input(),
          arrays.weights,
          arrays.recurrent_weights,
          arrays.bias,
          arrays.recurrent_bias,
          initial_h(b),
          initial_c(b),
          b.output(),
          nullptr,
          b.at(b.step().result),
          b.at(b.step().saved),
          b.at(b.step().scratch),
          recurrent_shape(b)};
}

/// Extents of MatmulArgs and MatmulGradArgs.
template <class Args>
MOTE_FOLDED inline void set_matmul(const Binding& b, Args& args) {
  const Shape a = b.operand_shape(0);
  args.groups = b.batch() * a.h, args.rows = a.w, args.depth = a.c, args.columns = b.out().c;
  args.b_transposed = b.layer().args[0] != 0;
}
MOTE_FOLDED inline MatmulArgs matmul_args(const Binding& b) {
  MatmulArgs args{};
  args.a = b.input(), args.b = b.second(), args.output = b.output();
  set_matmul(b, args);
  return args;
}

/// The axes along which operand `k` is repeated.
MOTE_FOLDED inline std::uint32_t repeated_axes(const Binding& b, std::size_t k) {
  std::uint32_t axes = 0;
  for (std::size_t axis = 0; axis < 3; ++axis)
    if (extent(b.operand_shape(k), axis) != extent(b.out(), axis)) axes |= 1U << axis;
  return axes;
}

}  // namespace mote::detail
