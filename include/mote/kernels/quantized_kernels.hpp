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
#include "mote/model/lookup_tables.hpp"
#include "mote/model/packed_weights.hpp"
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

/// output (batch, fan_out) = input (batch, fan_in) (weights - weight_zero_point) (fan_in, fan_out) + bias (fan_out),
/// rescaled. weights: packed (model/packed_weights.hpp), fan_in terms. bias may be null; it holds -input_zero_point
/// times the sum of a unit's weights, each less its zero point. fan_in <= 2^16 keeps s8 within 32 bits.
/// weight_zero_point is 0 but for weights that came as u8; s16: 0.
template <class Element, class Output = Element>
struct QuantizedDenseArgs {
  const Element* input;
  const std::int8_t* weights;
  const std::int32_t* bias;
  Output* output;
  std::uint32_t batch, fan_in, fan_out;
  OutputStage stage;
  std::int32_t weight_zero_point = 0;
  Part part{};
};

/// conv2d, depthwise_conv2d: as ConvArgs says, rescaled. bias as for dense, over all taps: those outside the image
/// count as input_zero_point. conv2d: weights packed, terms in the order (filter_h, filter_w, in_c). conv2d_transpose:
/// input pixel (y, x) adds its product with tap (i, j) to output pixel (y stride_h + i - pad_top, …); shape.in is the
/// smaller image. Weights (filter_h, filter_w, out_c, in_c). No dilation, no weight_zero_point; bias as the file has
/// it: taps differ from pixel to pixel, so the zero point cannot be part of it.
template <class Element>
struct QuantizedConvArgs {
  const Element* input;
  const std::int8_t* weights;
  const std::int32_t* bias;
  Element* output;
  ConvShape shape;
  std::int32_t input_zero_point;
  OutputStage stage;
  std::int32_t weight_zero_point = 0;
  Part part{};
};

using DenseS8Args = QuantizedDenseArgs<std::int8_t>;
using DenseS16Args = QuantizedDenseArgs<std::int16_t>;
using DenseS8S16Args = QuantizedDenseArgs<std::int8_t, std::int16_t>;
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
/// broadcast. With A = a - a_zero_point, B likewise, S(x) = requantize(x 2^left_shift, that operand's multiplier):
///   add, sub            requantize(S(A) ± S(B), scale.output)
///   squared_difference  requantize((S(A) - S(B))^2, scale.output)
///   mul                 requantize(A B, scale.output)
///   div                 A / B times scale.output by a reciprocal of 31 bits; B = 0: the clamp's end on A's side,
///                       0 / 0 the low one
///   prelu               A >= 0: requantize(A, scale.a), else requantize(A B, scale.b)
///   minimum, maximum    of the bytes; operands and output have one scale and zero point
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
  Part part{};
};
using BinaryS8Args = QuantizedBinaryArgs<std::int8_t>;
using BinaryS16Args = QuantizedBinaryArgs<std::int16_t>;

/// output = 1 where S(A) is less, less or equal … than S(B), as above, else 0.
struct CompareS8Args {
  const std::int8_t* a;
  const std::int8_t* b;
  std::uint8_t* output;
  std::uint32_t sizes[4];
  std::uint32_t a_strides[4], b_strides[4];
  std::int32_t a_zero_point = 0, b_zero_point = 0;
  BinaryMultipliers scale{};
  Part part{};
};

/// output[i] = table[input[i] as a byte]: every function of one 8-bit value (model/lookup_tables.hpp). output may be
/// input.
struct LookupS8Args {
  const std::int8_t* input;
  const std::int8_t* table;
  std::int8_t* output;
  std::uint32_t count;
  Part part{};
};

/// output[i] = clamp(input[i]): a clamp of reals where the quantisation stays. output may be input.
template <class Element>
struct ClampIntegersArgs {
  const Element* input;
  Element* output;
  QuantizedRange range;
  std::uint32_t count;
  Part part{};
};
using ClampS8Args = ClampIntegersArgs<std::int8_t>;
using ClampS16Args = ClampIntegersArgs<std::int16_t>;

/// leaky_relu_s16: x >= 0: requantize(x, positive), else requantize(x, negative), clamped; relu with negative = {}.
/// Both zero points are 0. output may be input.
struct LeakyReluS16Args {
  const std::int16_t* input;
  std::int16_t* output;
  QuantizedMultiplier positive, negative;
  QuantizedRange clamp;
  std::uint32_t count;
};

/// sigmoid_s16, tanh_s16 (scale 2^-15): a table of 256 values and straight lines between them. output may be input.
struct CurveS16Args {
  const std::int16_t* input;
  std::int16_t* output;
  CurveScale scale;
  std::uint32_t count;
};

/// Between real numbers and integers of type `type` (s8, u8, s16, s32). quantize_f32: input / scale to the nearest
/// integer, halves away from zero (TFLite) or to the even neighbour (ONNX), plus the zero point; out of range
/// saturates, NaN becomes the zero point. dequantize_f32: (input - zero_point) scale, rounded once.
struct QuantizeArgs {
  const float* input;
  void* output;
  DType type;
  Quantization quantization;
  std::uint32_t count;
  Part part{};
  bool ties_to_even = false;
};
struct DequantizeArgs {
  const void* input;
  float* output;
  DType type;
  Quantization quantization;
  std::uint32_t count;
  Part part{};
};
/// requantize_integers: output = requantize(input - input_zero_point, multiplier) + output_zero_point, saturated; any
/// of s8, u8, s16 and s32 to any. output may be input where the types are as wide.
struct RequantizeArgs {
  const void* input;
  void* output;
  DType from, to;
  std::int32_t input_zero_point, output_zero_point;
  QuantizedMultiplier multiplier;
  std::uint32_t count;
  Part part{};
};

/// Over a set of axes of (n, h, w, c) as ReduceArgs has it (1 = c, 2 = w, 4 = h, 8 = n), each kept with extent 1.
/// sum: requantize(sum - count input_zero_point, multiplier) + output_zero_point, clamped; a mean is a sum with
/// mean_multiplier(). max, min: of the bytes.
template <class Element>
struct QuantizedReduceArgs {
  const Element* input;
  Element* output;
  std::uint32_t sizes[4];
  std::uint32_t axes;
  std::int32_t input_zero_point = 0, output_zero_point = 0;
  QuantizedMultiplier multiplier{};
  QuantizedRange clamp{};
};
using ReduceS8Args = QuantizedReduceArgs<std::int8_t>;
using ReduceS16Args = QuantizedReduceArgs<std::int16_t>;

/// Output scale 1/256, zero point -128; output may be input. channels < 2^12.
struct SoftmaxS8Args {
  const std::int8_t* input;
  std::int8_t* output;
  SoftmaxScale scale;
  std::uint32_t rows, channels;
};
/// Output scale 16/256, zero point 127; output may be input. scale: softmax_scale() with beta 1; reverse: from Q5.26
/// back to the input's units (log_softmax_reverse()).
struct LogSoftmaxS8Args {
  const std::int8_t* input;
  std::int8_t* output;
  SoftmaxScale scale;
  QuantizedMultiplier reverse;
  std::uint32_t rows, channels;
};
/// softmax_s8_s16: output scale 1/65536, zero point -32768.
struct SoftmaxS8S16Args {
  const std::int8_t* input;
  std::int16_t* output;
  SoftmaxScale scale;
  std::uint32_t rows, channels;
};
/// output scale 1/32768, zero point 0. The multiplier is that of softmax_s16_multiplier(). output may be input.
struct SoftmaxS16Args {
  const std::int16_t* input;
  std::int16_t* output;
  QuantizedMultiplier multiplier;
  std::uint32_t rows, channels;
};

/// Each row divided by its Euclidean norm; output scale 1/128, zero point 0. output may be input.
struct L2NormS8Args {
  const std::int8_t* input;
  std::int8_t* output;
  std::int32_t input_zero_point;
  std::uint32_t rows, channels;
};

/// Bilinear interpolation with 10 bits of fraction along each axis, halves away from zero; scale and zero point stay.
struct ResizeBilinearS8Args {
  const std::int8_t* input;
  std::int8_t* output;
  std::uint32_t batch;
  Shape in;
  std::uint32_t out_h, out_w;
  bool align_corners, half_pixel_centers;
};

/// output[o, i] = the first k with the largest (smallest) input[o, k, i].
struct ArgReduceS8Args {
  const std::int8_t* input;
  std::int32_t* output;
  std::uint32_t outer, count, inner;
};

/// For each of `count` pairs of matrices: output (rows, columns) = clamp(requantize(sum_k (a[r,k] - a_zero_point)
/// (b[k,c] - b_zero_point), multiplier) + output_zero_point). b_transposed: b is stored (columns, depth).
struct MatmulS8Args {
  const std::int8_t* a;
  const std::int8_t* b;
  std::int8_t* output;
  std::uint32_t count, rows, depth, columns;
  bool b_transposed;
  std::int32_t a_zero_point, b_zero_point, output_zero_point;
  QuantizedMultiplier multiplier;
  QuantizedRange clamp{};
};

/// The second half of an SVDF layer: output[n,u] = clamp(requantize(bias[u] + sum_{t,r} weights[t, u rank + r]
/// input[n, t, u rank + r], multiplier) + zero_point), with the features of the last `steps` inputs, oldest first, as
/// dense_s8_s16 made them. bias may be null. Sums must fit 32 bits.
struct SvdfArgs {
  const std::int16_t* input;    // (batch, steps, units rank)
  const std::int16_t* weights;  // (steps, units rank)
  const std::int32_t* bias;     // (units)
  std::int8_t* output;          // (batch, units)
  std::uint32_t batch, steps, units, rank;
  QuantizedMultiplier multiplier;
  std::int32_t output_zero_point;
  QuantizedRange clamp{};
};

/// A sequence through an LSTM, TFLite's 8-bit activations with 16-bit cells. For each step, gates g = i, f, g, o:
///   z_g = saturated(requantize(bias_g + x W_g, input_scale[g]) + requantize(recurrent_bias_g + h U_g,
///         recurrent_scale[g])), each term saturated to 16 bits; scale 2^-12
///   i, f, o = sigmoid(z), g = tanh(z), scale 2^-15
///   c = saturated(requantize(f c, 2^-15) + requantize(i g, cell_scale)), clipped to ± cell_clip where that is not 0
///   h = clamp(requantize(o tanh(c), hidden_scale) + hidden_zero_point)
/// The biases hold minus the zero point times the sum of the weights, of x and of h.
struct LstmS8Args {
  const std::int8_t* input;              // (batch, steps, inputs)
  const std::int8_t* weights;            // four packed matrices of (inputs, units), gates in the order i f g o
  const std::int8_t* recurrent_weights;  // likewise of (units, units)
  const std::int32_t* bias;              // (4 units)
  const std::int32_t* recurrent_bias;    // (4 units)
  std::int8_t* output;                   // (batch, steps, units)
  std::int8_t* hidden;                   // (batch, units): the state, read and written
  std::int16_t* cell;                    // (batch, units): likewise
  std::int16_t* scratch;                 // 4 units
  std::uint32_t batch, steps, inputs, units;
  LstmScale scale;
  std::int32_t hidden_zero_point;
  bool reverse;  // the last step first; outputs stand where their inputs do
};

}  // namespace mote
