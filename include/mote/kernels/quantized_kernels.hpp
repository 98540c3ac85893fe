// SPDX-License-Identifier: Apache-2.0
// Arguments of the kernels of quantised networks: s8 activations with s8 weights and, as "16x8", s16 activations with
// s8 weights. real = (value - zero_point) scale; weights have zero point 0. All arithmetic is on integers and exact, so
// that every order and tile gives the same bytes as TensorFlow Lite Micro's reference kernels. Scales do not occur:
// what becomes of them is in model/quantize_multiplier.hpp and model/lookup_tables.hpp. Layouts are those of the
// float32 kernels. Unless a line says otherwise, an output must not overlap an input.
#pragma once

#include "mote/requirements.hpp"
#ifndef MOTE_WARN_IN_HEADERS
#pragma GCC system_header
#endif

#include <cstddef>
#include <cstdint>

#include "mote/kernels/conv_shape.hpp"
#include "mote/kernels/part.hpp"
#include "mote/model/fixed_point.hpp"
#include "mote/model/quantize_multiplier.hpp"

namespace mote {

/// From the accumulator of output channel c to an output: clamp(requantize(acc, {multipliers[c], shifts[c]}) +
/// zero_point). `narrow`, for s16 alone: accumulators are 32 bits wide and are rounded as `rounding` says, which is
/// TFLite's rule where the file has biases of 32 bits; otherwise they are 64 bits wide and requantize_wide() rounds.
struct OutputStage {
  const std::int32_t* multipliers;
  const std::int8_t* shifts;
  std::int32_t zero_point = 0;
  QuantizedRange clamp{};
  Rounding rounding = Rounding::twice;
  bool narrow = false;
};

/// output (batch, fan_out) = input (batch, fan_in) weights (fan_in, fan_out) + bias (fan_out), rescaled. bias may be
/// null; it holds -input_zero_point times the sum of a unit's weights. fan_in <= 2^16 keeps s8 within 32 bits.
template <class Element>
struct QuantizedDenseArgs {
  const Element* input;
  const std::int8_t* weights;
  const std::int32_t* bias;
  Element* output;
  std::uint32_t batch, fan_in, fan_out;
  OutputStage stage;
  Part part{};
};

/// conv2d, depthwise_conv2d: as ConvArgs says, rescaled. bias holds -input_zero_point times the sum of a channel's
/// weights, all taps; taps outside the image then count as input_zero_point. conv2d with groups: weights (filter_h,
/// filter_w, in_c / groups, out_c), output channels of group g read the in_c / groups input channels of theirs.
template <class Element>
struct QuantizedConvArgs {
  const Element* input;
  const std::int8_t* weights;
  const std::int32_t* bias;
  Element* output;
  ConvShape shape;
  std::int32_t input_zero_point;
  OutputStage stage;
  std::uint32_t groups = 1;
  Part part{};
};

using DenseS8Args = QuantizedDenseArgs<std::int8_t>;
using DenseS16Args = QuantizedDenseArgs<std::int16_t>;
using ConvS8Args = QuantizedConvArgs<std::int8_t>;
using ConvS16Args = QuantizedConvArgs<std::int16_t>;

/// max: largest tap inside the image. average: mean of the taps inside the image, halves away from zero. Clamped;
/// input and output have one scale and zero point.
template <class Element>
struct QuantizedPoolArgs {
  const Element* input;
  Element* output;
  ConvShape shape;
  QuantizedRange clamp;
  Part part{};
};
using PoolS8Args = QuantizedPoolArgs<std::int8_t>;
using PoolS16Args = QuantizedPoolArgs<std::int16_t>;

/// Two operands with broadcasting: sizes (n, h, w, c) of the output, strides of each operand in elements, 0 where it is
/// broadcast. With A = a - a_zero_point, B likewise, S(x) = requantize(x 2^left_shift, its multiplier):
///   add, sub            requantize(S(A) ± S(B), output)
///   squared_difference  requantize((S(A) - S(B))^2, output)
///   mul                 requantize(A B, output)
///   div                 A / B, rounded as TFLite does; B = 0: the end of the range on A's side, low where A = 0 too
///   prelu               A >= 0: requantize(A, scale.a); else requantize(A B, scale.b)
///   minimum, maximum    of the bytes: all three have one scale and zero point
/// plus output_zero_point, clamped. The output may be an operand that is as long.
template <class Element>
struct QuantizedBinaryArgs {
  const Element* a;
  const Element* b;
  Element* output;
  std::uint32_t sizes[4];
  std::uint32_t a_strides[4], b_strides[4];
  std::int32_t a_zero_point = 0, b_zero_point = 0, output_zero_point = 0;
  BinaryMultipliers scale{};
  QuantizedRange clamp{};
};
using BinaryS8Args = QuantizedBinaryArgs<std::int8_t>;
using BinaryS16Args = QuantizedBinaryArgs<std::int16_t>;

}  // namespace mote
