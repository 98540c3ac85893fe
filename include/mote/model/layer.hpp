// SPDX-License-Identifier: Apache-2.0
// The layer record: the same 96 bytes are a constexpr object, a file record and what is trained.
// Holds the shape rule and the parameter layout, so that both are written once. No behaviour here.
#pragma once

#include "mote/requirements.hpp"
#ifndef MOTE_WARN_IN_HEADERS
#pragma GCC system_header
#endif

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>

#include "mote/model/packed_weights.hpp"
#include "mote/status.hpp"
#include "mote/types.hpp"

namespace mote {

/// What a layer computes: the list with the numbers of the file format is ops.inc.
enum class Op : std::uint8_t {
#define MOTE_OP(name, number) name = number,
#define MOTE_ACTIVATION(name, number, derivative_on, needs) name = number,
#include "mote/model/ops.inc"
};

inline constexpr std::size_t kOpCount = 0
#define MOTE_OP(name, number) +1
#define MOTE_ACTIVATION(name, number, derivative_on, needs) +1
#include "mote/model/ops.inc"
    ;

/// What a layer's backward step reads of the layer's own output. `sign`: scaling by a positive factor does no harm.
enum class OutputNeed : std::uint8_t { none, sign, value };

/// What the library must know of an operator beside its own cases.
struct OpTraits {
  const char* name = nullptr;          // nullptr: no such operator
  bool activation = false;             // element by element, one input
  bool differentiates_output = false;  // the derivative is written on the output: the input need not be kept
  bool has_alpha = false;
  OutputNeed output_need = OutputNeed::none;
  bool has_beta = false;
};

constexpr OpTraits traits(Op op) {
  enum class On : std::uint8_t { input, output };
  switch (op) {
    case Op::softmax: return {"softmax", false, true, false, OutputNeed::value};
    case Op::log_softmax: return {"log_softmax", false, true, false, OutputNeed::value};
    case Op::layer_norm: return {"layer_norm", false, false, true, OutputNeed::none};
    case Op::rms_norm: return {"rms_norm", false, false, true, OutputNeed::none};
    case Op::l2_norm: return {"l2_norm", false, false, true, OutputNeed::none};
    case Op::lrn: return {"lrn", false, false, true, OutputNeed::none, true};
    case Op::matmul: return {"matmul"};
    case Op::result: return {"result"};
    case Op::conv2d_transpose: return {"conv2d_transpose"};
    case Op::resize_nearest: return {"resize_nearest", false, false, true, OutputNeed::none, true};
    case Op::resize_bilinear: return {"resize_bilinear", false, false, true, OutputNeed::none, true};
    case Op::cast: return {"cast"};
    case Op::lstm: return {"lstm", false, false, true, OutputNeed::value};
    case Op::gru: return {"gru", false, false, false, OutputNeed::value};
    case Op::rnn: return {"rnn", false, false, false, OutputNeed::value};
    case Op::rbf: return {"rbf", false, false, false, OutputNeed::value};
    case Op::identity: return {"identity", true, false, false, OutputNeed::none};
    case Op::spline: return {"spline", true, false, false, OutputNeed::none};
    case Op::batch_norm: return {"batch_norm", false, false, true, OutputNeed::none, true};
    case Op::dropout: return {"dropout", false, false, true, OutputNeed::none};
    case Op::gaussian_noise: return {"gaussian_noise", false, false, true, OutputNeed::none};
    case Op::input: return {"input"};
    case Op::dense: return {"dense"};
    case Op::conv2d: return {"conv2d"};
    case Op::depthwise_conv2d: return {"depthwise_conv2d"};
    case Op::max_pool: return {"max_pool"};
    case Op::average_pool: return {"average_pool"};
    case Op::global_average_pool: return {"global_average_pool"};
    case Op::add: return {"add"};
    case Op::concat: return {"concat"};
    case Op::reshape: return {"reshape"};
    case Op::output: return {"output"};
    case Op::constant: return {"constant"};
    case Op::state: return {"state"};
    case Op::assign: return {"assign"};
    case Op::logical_not: return {"logical_not"};
    case Op::logical_and: return {"logical_and"};
    case Op::logical_or: return {"logical_or"};
    case Op::select: return {"select"};
    case Op::transpose: return {"transpose"};
    case Op::slice: return {"slice"};
    case Op::pad: return {"pad", false, false, true};
    case Op::tile: return {"tile"};
    case Op::gather: return {"gather"};
    case Op::argmax: return {"argmax"};
    case Op::argmin: return {"argmin"};
    case Op::quantize: return {"quantize"};
    case Op::dequantize: return {"dequantize"};
    case Op::requantize: return {"requantize"};
    case Op::svdf: return {"svdf"};
    case Op::fake_quantize: return {"fake_quantize", true};
    case Op::bias_add: return {"bias_add"};
#define MOTE_UNARY(name, number) \
  case Op::name:                 \
    return {#name};
#define MOTE_BINARY(name, number) MOTE_UNARY(name, number)
#define MOTE_COMPARISON(name, number) MOTE_UNARY(name, number)
#define MOTE_REDUCTION(name, number)                                                      \
  case Op::name: {                                                                        \
    constexpr bool kExtreme = Op::name == Op::reduce_max || Op::name == Op::reduce_min;   \
    return {#name, false, false, false, kExtreme ? OutputNeed::value : OutputNeed::none}; \
  }
#define MOTE_ACTIVATION(name, number, derivative_on, needs)                          \
  case Op::name: {                                                                   \
    return {#name, true, On::derivative_on == On::output, false, OutputNeed::needs}; \
  }
#define MOTE_ACTIVATION_ALPHA(name, number, derivative_on, needs, default_alpha)    \
  case Op::name: {                                                                  \
    return {#name, true, On::derivative_on == On::output, true, OutputNeed::needs}; \
  }
#define MOTE_ACTIVATION_ALPHA_BETA(name, number, derivative_on, needs, default_alpha, default_beta) \
  case Op::name: {                                                                                  \
    return {#name, true, On::derivative_on == On::output, true, OutputNeed::needs, true};           \
  }
#include "mote/model/ops.inc"
  }
  return {};
}

/// The operator's name as builders and the tool spell it; nullptr for a number that is none.
constexpr const char* name(Op op) { return traits(op).name; }
constexpr bool known(Op op) { return name(op) != nullptr; }

/// Operands that a record holds itself. Of more, it holds where their indices begin in the model's table.
inline constexpr std::size_t kMaxInputs = 4;
inline constexpr std::size_t kMaxOperands = 4096;

/// One layer, which makes one value. Trivially copyable, 96 bytes, little-endian in files. Fields an operator does not
/// use are zero.
struct Layer {
  static constexpr std::uint8_t kTrainable = 1;  // flags
  static constexpr std::uint8_t kHasBias = 2;
  static constexpr std::uint8_t kRoundedWeights = 4;  // computed with as int8 would have them: int8_units.hpp

  Op op = Op::input;
  DType dtype = DType::f32;         // of the output
  DType param_dtype = DType::none;  // of the weights
  std::uint8_t flags = 0;
  std::uint16_t input_count = 0;
  std::array<std::uint16_t, kMaxInputs> inputs{};  // indices of earlier layers; read them with Model::operand()
  std::uint16_t depth_multiplier = 0;              // spline: knots per channel
  Shape shape{};                                   // of the output, per sample
  std::uint16_t filter_h = 0, filter_w = 0;
  std::uint16_t stride_h = 0, stride_w = 0;
  std::uint16_t dilation_h = 0, dilation_w = 0;
  std::uint16_t pad_top = 0, pad_bottom = 0, pad_left = 0, pad_right = 0;
  float alpha = 0.0F;  // meaning: see ops.inc
  float beta = 0.0F;
  Quantization quantization{};     // of the output
  std::uint32_t param_offset = 0;  // bytes from the start of the parameter block
  std::uint32_t param_bytes = 0;
  std::array<std::int32_t, 6> args{};  // what else the operator needs; meaning: see ops.inc

  [[nodiscard]] constexpr bool has_bias() const { return (flags & kHasBias) != 0; }
  [[nodiscard]] constexpr std::uint32_t knots() const { return op == Op::spline ? depth_multiplier : 0; }
  [[nodiscard]] constexpr bool trainable() const { return (flags & kTrainable) != 0 && param_bytes != 0; }
};
static_assert(sizeof(Layer) == 96);

/// One named array of a layer's parameters, in the order in which they lie in the block.
struct ParamArray {
  const char* name = nullptr;
  std::uint32_t offset = 0;  // bytes from the layer's first parameter
  std::uint32_t count = 0;   // elements
  std::uint32_t fan_in = 0, fan_out = 0;
  std::array<std::uint32_t, 4> dims{};
  std::uint8_t rank = 0;
  bool weight = false;  // penalised by L1/L2 and decayed; biases and normalisation are not
  bool learned = true;  // false: running statistics, scales
  DType dtype = DType::f32;
};

struct ParamArrays {
  std::array<ParamArray, 6> arrays{};
  std::size_t count = 0;
  std::uint64_t bytes = 0;

  /// Appends a vector of `n`, which learns; what else it is, is said of the result.
  constexpr ParamArray& add(const char* name, std::uint32_t n, DType dtype = DType::f32) {
    ParamArray& array = arrays[count++];
    array.name = name;
    array.offset = static_cast<std::uint32_t>(align_up(bytes, 4));
    array.count = array.dims[0] = n;
    array.rank = 1;
    array.dtype = dtype;
    bytes = array.offset + std::uint64_t{n} * bytes_of(dtype);
    return array;
  }
  /// Appends weights, which are penalised; their extents are said of the result.
  constexpr ParamArray& add_weights(const char* name, std::uint32_t n, std::uint32_t fan_in, std::uint32_t fan_out,
                                    DType dtype = DType::f32) {
    ParamArray& array = add(name, n, dtype);
    array.fan_in = fan_in, array.fan_out = fan_out;
    array.weight = true;
    return array;
  }
  [[nodiscard]] constexpr const ParamArray* begin() const { return arrays.data(); }
  [[nodiscard]] constexpr const ParamArray* end() const { return arrays.data() + count; }
};

constexpr bool is_activation(Op op) { return traits(op).activation; }
/// Activations that are a clamp of their input, which some kernels apply on the way out.
constexpr bool is_clamp(Op op) { return op == Op::relu || op == Op::relu6; }
constexpr bool applies_clamp(Op op) {
  return op == Op::dense || op == Op::conv2d || op == Op::depthwise_conv2d || op == Op::conv2d_transpose ||
         op == Op::add || op == Op::bias_add;
}
/// An activation of quantised values that only narrows their range: value and operand have one scale and zero point.
/// Layers on integers apply it on the way out.
constexpr bool narrows_range(const Layer& layer) {
  return quantized(layer.dtype) && layer.param_dtype == DType::none && (is_clamp(layer.op) || layer.op == Op::clip);
}
/// Output is the same memory as the input, always: no step is planned.
constexpr bool is_alias(Op op) { return op == Op::reshape || op == Op::identity || op == Op::output; }
/// Has no operands: where a value comes from.
constexpr bool is_source(Op op) { return op == Op::input || op == Op::constant || op == Op::state; }
/// Makes no value that another layer could read.
constexpr bool is_valueless(Op op) { return op == Op::assign; }
/// Nobody need read its value.
constexpr bool is_sink(Op op) { return op == Op::output || op == Op::assign; }

/// Does something in training only; at inference the output is the same memory as the input.
constexpr bool is_regularizer(Op op) { return op == Op::dropout || op == Op::gaussian_noise; }

// The families of ops.inc.
constexpr bool is_unary(Op op) {
  switch (op) {
#define MOTE_UNARY(name, number) \
  case Op::name: {               \
    return true;                 \
  }
#include "mote/model/ops.inc"
    default: return false;
  }
}
constexpr bool is_binary(Op op) {
  switch (op) {
#define MOTE_BINARY(name, number) \
  case Op::name: {                \
    return true;                  \
  }
#include "mote/model/ops.inc"
    default: return false;
  }
}
constexpr bool is_comparison(Op op) {
  switch (op) {
#define MOTE_COMPARISON(name, number) \
  case Op::name: {                    \
    return true;                      \
  }
#include "mote/model/ops.inc"
    default: return false;
  }
}
constexpr bool is_reduction(Op op) {
  switch (op) {
#define MOTE_REDUCTION(name, number) \
  case Op::name: {                   \
    return true;                     \
  }
#include "mote/model/ops.inc"
    default: return false;
  }
}
constexpr bool is_logical(Op op) { return op == Op::logical_and || op == Op::logical_or; }
/// Repeats operands along axes that they have once (but not where add has more than two), and for every sample.
constexpr bool broadcasts(Op op) {
  return op == Op::add || is_binary(op) || is_comparison(op) || is_logical(op) || op == Op::select;
}
/// Normalises the channels of each pixel; the backward pass takes their statistics again from the input.
constexpr bool is_norm(Op op) { return op == Op::layer_norm || op == Op::rms_norm || op == Op::l2_norm; }
constexpr bool is_softmax(Op op) { return op == Op::softmax || op == Op::log_softmax; }
/// Runs along a sequence with a state.
constexpr bool is_recurrent(Op op) { return op == Op::lstm || op == Op::gru || op == Op::rnn; }
/// Columns of a recurrent layer's weights for each unit.
constexpr std::uint32_t gates(Op op) { return op == Op::lstm ? 4 : op == Op::gru ? 3 : 1; }
/// Place of output i, in inputs; s inputs per output; args[0] of the resizing operators (ONNX's names):
///   half_pixel            (i + 0.5) s - 0.5
///   asymmetric            i s
///   align_corners         i (in - 1) / (out - 1), 0 for one output
///   pytorch_half_pixel    as half_pixel, 0 for one output
///   tf_half_pixel_for_nn  (i + 0.5) s
enum class ResizeCoordinates : std::uint8_t {
  half_pixel,
  asymmetric,
  align_corners,
  pytorch_half_pixel,
  tf_half_pixel_for_nn
};
/// Which input a place between two belongs to; round: halves go down or up. args[1] of resize_nearest.
enum class ResizeRounding : std::uint8_t { round_prefer_floor, round_prefer_ceil, floor, ceil };

/// The function of a plain recurrent layer, args[1] of rnn; LSTM and GRU have sigmoid and tanh.
enum class RecurrentActivation : std::uint8_t { tanh, relu, sigmoid };
/// May have a bias among its parameters.
constexpr bool may_have_bias(Op op) {
  return op == Op::dense || op == Op::conv2d || op == Op::depthwise_conv2d || op == Op::conv2d_transpose ||
         op == Op::rms_norm || op == Op::svdf || op == Op::bias_add || is_recurrent(op);
}
/// Copies elements of any type from place to place.
constexpr bool is_movement(Op op) {
  return op == Op::concat || op == Op::transpose || op == Op::slice || op == Op::pad || op == Op::tile ||
         op == Op::gather || op == Op::resize_nearest;
}
constexpr bool is_resize(Op op) { return op == Op::resize_nearest || op == Op::resize_bilinear; }
/// Whether a gradient goes through the operator, where its value is float32.
constexpr bool differentiable(Op op) {
  return !is_unary(op) && !is_comparison(op) && !is_logical(op) && op != Op::logical_not && op != Op::argmax &&
         op != Op::argmin && op != Op::assign && op != Op::cast && op != Op::quantize && op != Op::dequantize &&
         op != Op::requantize && op != Op::svdf;
}

constexpr bool is_window(Op op) {
  return op == Op::conv2d || op == Op::depthwise_conv2d || op == Op::conv2d_transpose || op == Op::max_pool ||
         op == Op::average_pool;
}

/// Layers on float32 whose weights may be stored as int8 or float16.
constexpr bool may_store_narrow_weights(Op op) {
  return op == Op::dense || op == Op::conv2d || op == Op::depthwise_conv2d || op == Op::conv2d_transpose ||
         is_recurrent(op);
}
/// Weights that are stored narrower than they are computed with, in float32.
constexpr bool stores_narrow_weights(const Layer& layer) {
  return layer.dtype == DType::f32 && (layer.param_dtype == DType::s8 || layer.param_dtype == DType::f16) &&
         may_store_narrow_weights(layer.op);
}

/// Layers whose narrow weights training can move, where they are int8.
constexpr bool may_train_narrow_weights(Op op) {
  return op == Op::dense || op == Op::conv2d || op == Op::depthwise_conv2d;
}

/// Of sums of `terms` products; int8 weights of layers on integers are packed.
[[gnu::always_inline]] constexpr std::uint32_t matrix_weights(const Layer& layer, std::uint32_t terms) {
  return layer.param_dtype == DType::s8 && quantized(layer.dtype)
             ? static_cast<std::uint32_t>(packed_bytes(layer.shape.c, terms))
             : terms * layer.shape.c;
}
/// Elements of the layer's first parameter array, what stands before its bias or widths, given its input's shape; zero
/// where there is none. Always inlined: known when compiling, it must not become code.
[[gnu::always_inline]] constexpr std::uint32_t weight_count(const Layer& layer, const Shape& in) {
  const std::uint32_t taps = std::uint32_t{layer.filter_h} * layer.filter_w;
  switch (layer.op) {
    case Op::dense:
    case Op::rbf: return matrix_weights(layer, static_cast<std::uint32_t>(in.elements()));
    case Op::conv2d: return matrix_weights(layer, taps * in.c);
    case Op::conv2d_transpose: return taps * in.c * layer.shape.c;
    case Op::depthwise_conv2d: return taps * layer.shape.c;
    case Op::batch_norm:
    case Op::layer_norm:
    case Op::rms_norm: return layer.shape.c;
    case Op::spline: return layer.shape.c * layer.knots();
    case Op::lstm:
    case Op::gru:
    case Op::rnn: return gates(layer.op) * matrix_weights(layer, in.c);
    case Op::svdf: return in.w * in.c;
    default: return 0;
  }
}

/// Of an LSTM on integers: of what each gate takes from the input, of what it takes from the last value, of the cell,
/// of the value, and by which the cell becomes tanh's steps (a shift to the right).
inline constexpr std::uint32_t kLstmMultipliers = 11;

/// Multipliers of a layer on integers, each with a shift: by which sums or operands are rescaled. 0: it has none.
constexpr std::uint32_t multiplier_count(const Layer& layer) {
  switch (layer.op) {
    case Op::dense:
    case Op::conv2d:
    case Op::depthwise_conv2d:
    case Op::conv2d_transpose: return layer.shape.c;
    case Op::add:
    case Op::sub:
    case Op::squared_difference: return 3;
    case Op::prelu:
    case Op::log_softmax:
    case Op::leaky_relu: return 2;
    case Op::matmul:
    case Op::mul:
    case Op::div:
    case Op::softmax:
    case Op::relu:
    case Op::sigmoid:
    case Op::tanh:
    case Op::reduce_sum:
    case Op::reduce_mean:
    case Op::svdf:
    case Op::requantize: return 1;
    case Op::lstm: return kLstmMultipliers;
    default: return is_comparison(layer.op) ? 2 : 0;
  }
}

/// Functions of one int8 value are 256 bytes that say what becomes of each.
inline constexpr std::uint32_t kTableBytes = 256;

/// Arrays of a layer on real numbers, and of constants and states.
constexpr ParamArrays real_param_arrays(const Layer& layer, const Shape& in) {
  ParamArrays out;
  const std::uint32_t units = layer.shape.c, first = weight_count(layer, in);
  const std::uint32_t taps = std::uint32_t{layer.filter_h} * layer.filter_w;
  const auto matrix = [&](const char* name, std::uint32_t n, std::uint32_t rows, std::uint32_t fan_out) {
    ParamArray& array = out.add_weights(name, n, rows, fan_out);
    array.dims[0] = rows, array.dims[1] = n / rows;
    array.rank = 2;
  };
  bool biased = layer.has_bias();
  switch (layer.op) {
    case Op::dense: matrix("weights", first, static_cast<std::uint32_t>(in.elements()), units); break;
    case Op::conv2d:
    case Op::conv2d_transpose: {
      ParamArray& array = out.add_weights("weights", first, taps * in.c, taps * units);
      array.dims = {layer.filter_h, layer.filter_w, in.c, units};
      array.rank = 4;
      break;
    }
    case Op::depthwise_conv2d: {
      ParamArray& array = out.add_weights("weights", first, taps, taps * layer.depth_multiplier);
      array.dims = {layer.filter_h, layer.filter_w, units};
      array.rank = 3;
      break;
    }
    case Op::batch_norm:
      out.add("gamma", units);
      out.add("beta", units);
      out.add("running_mean", units).learned = false;
      out.add("running_variance", units).learned = false;
      break;
    case Op::layer_norm:
    case Op::rms_norm:
      out.add("gamma", units);
      if (layer.op == Op::layer_norm || biased) out.add("beta", units);
      biased = false;
      break;
    case Op::fake_quantize: out.add("range", 2); break;
    case Op::rbf:
      matrix("centres", first, static_cast<std::uint32_t>(in.elements()), units);
      out.add("log_width", units);
      break;
    case Op::lstm:
    case Op::gru:
    case Op::rnn: {
      const std::uint32_t columns = gates(layer.op) * units;  // each gate is a matrix of its own
      matrix("weights", first, in.c, units);
      matrix("recurrent_weights", units * columns, units, units);
      if (biased) out.add("bias", columns);
      if (biased && layer.op == Op::gru) out.add("recurrent_bias", columns);
      biased = false;
      break;
    }
    case Op::state:  // of the first run; none: zero
      if (layer.param_bytes == 0) break;
      [[fallthrough]];
    case Op::constant: {
      const char* name = layer.op == Op::state ? "initial" : "values";
      ParamArray& array = out.add(name, static_cast<std::uint32_t>(layer.shape.elements()), layer.dtype);
      array.dims = {layer.shape.h, layer.shape.w, layer.shape.c};
      array.rank = 3;
      array.learned = false;
      break;
    }
    case Op::spline:
      for (const char* name : {"knots", "values", "slopes"}) {
        ParamArray& array = out.add(name, first);
        array.dims = {units, layer.knots()};
        array.rank = 2;
        array.learned = name[0] != 'k';
      }
      break;
    default: break;
  }
  if (biased) out.add("bias", units);
  return out;
}

/// A run of rows of weights within an array, and the first of its columns' scales.
struct WeightMatrix {
  std::uint32_t first = 0, rows = 0, columns = 0, scale = 0;
};
/// The matrices of array `i` of a layer's weights: one, or of a GRU's recurrent weights two (else the second has no
/// rows).
constexpr std::array<WeightMatrix, 2> weight_matrices(const Layer& layer, const ParamArray& array, std::size_t i) {
  const std::uint32_t units = layer.shape.c, columns = is_recurrent(layer.op) ? gates(layer.op) * units : units;
  const std::uint32_t rows = array.count / columns;
  if (layer.op != Op::gru || i == 0) return {WeightMatrix{0, rows, columns, 0}, {}};
  return {WeightMatrix{0, rows, 2 * units, 0}, {rows * 2 * units, rows, units, 2 * units}};
}

/// Arrays of a layer on real numbers with narrow weights: the same, with the weights' type, and behind them for int8
/// what each column of weights is multiplied by.
constexpr ParamArrays narrow_param_arrays(const Layer& layer, const Shape& in) {
  ParamArrays out;
  std::array<std::uint32_t, 2> columns{};
  std::size_t matrices = 0;
  for (ParamArray array : real_param_arrays(layer, in)) {
    array.dtype = array.weight ? layer.param_dtype : DType::f32;
    array.offset = static_cast<std::uint32_t>(align_up(out.bytes, 4));
    out.bytes = array.offset + std::uint64_t{array.count} * bytes_of(array.dtype);
    out.arrays[out.count++] = array;
    if (array.weight) columns[matrices++] = (is_recurrent(layer.op) ? gates(layer.op) : 1) * layer.shape.c;
  }
  constexpr std::array<const char*, 2> kNames{"scales", "recurrent_scales"};
  for (std::size_t i = 0; i < matrices && layer.param_dtype == DType::s8; ++i)
    out.add(kNames[i], columns[i]).learned = false;
  return out;
}

/// Arrays of a layer on integers: int8 weights (of dense and conv2d packed, with the sum of each output's behind the
/// bias), a table, or nothing, and then multipliers and shifts.
constexpr ParamArrays integer_param_arrays(const Layer& layer, const Shape& in) {
  ParamArrays out;
  const std::uint32_t units = layer.shape.c, first = weight_count(layer, in);
  const std::uint32_t taps = std::uint32_t{layer.filter_h} * layer.filter_w;
  const auto packed = [&](const char* name, std::uint32_t n, std::uint32_t outputs, std::uint32_t terms,
                          std::uint32_t fan_out) {
    constexpr std::uint32_t kSide = kPack;
    ParamArray& array = out.add_weights(name, n, terms, fan_out, DType::s8);
    array.dims = {(outputs + kSide - 1) / kSide, (terms + kSide - 1) / kSide, kSide, kSide};
    array.rank = 4;
  };
  bool biased = layer.has_bias();
  switch (layer.op) {
    case Op::dense: packed("weights", first, units, static_cast<std::uint32_t>(in.elements()), units); break;
    case Op::conv2d: packed("weights", first, units, taps * in.c, taps * units); break;
    case Op::conv2d_transpose: {
      ParamArray& array = out.add_weights("weights", first, taps * in.c, taps * units, DType::s8);
      array.dims = {layer.filter_h, layer.filter_w, units, in.c};
      array.rank = 4;
      break;
    }
    case Op::depthwise_conv2d: {
      ParamArray& array = out.add_weights("weights", first, taps, taps * layer.depth_multiplier, DType::s8);
      array.dims = {layer.filter_h, layer.filter_w, units};
      array.rank = 3;
      break;
    }
    case Op::lstm: {
      const std::uint32_t columns = gates(layer.op) * units;  // each gate is a matrix of its own, one behind the other
      out.add_weights("weights", first, in.c, units, DType::s8);
      out.add_weights("recurrent_weights", gates(layer.op) * static_cast<std::uint32_t>(packed_bytes(units, units)),
                      units, units, DType::s8);
      out.add("bias", columns, DType::s32);
      out.add("recurrent_bias", columns, DType::s32);
      biased = false;
      break;
    }
    case Op::svdf: {
      ParamArray& array = out.add_weights("weights", first, in.w, units, DType::s16);
      array.dims = {in.w, in.c};
      array.rank = 2;
      break;
    }
    default:
      if (layer.param_dtype != DType::s8) break;
      out.add("table", kTableBytes, DType::s8).learned = false;
      return out;
  }
  if (biased) out.add("bias", units, DType::s32);
  if (layer.op == Op::dense || layer.op == Op::conv2d) out.add("sums", units, DType::s32).learned = false;
  out.add("multipliers", multiplier_count(layer), DType::s32).learned = false;
  out.add("shifts", multiplier_count(layer), DType::s8).learned = false;
  return out;
}

/// Whether the layer's parameters are those of a layer on integers.
constexpr bool on_integers(const Layer& layer) {
  return layer.param_dtype != DType::f32 && layer.param_dtype != DType::none && !is_source(layer.op) &&
         !stores_narrow_weights(layer);
}

/// The parameters of `layer` given its input's shape: names, layouts and sizes, in one place; each array starts at a
/// multiple of 4 bytes.
constexpr ParamArrays param_arrays(const Layer& layer, const Shape& in) {
  if (stores_narrow_weights(layer)) return narrow_param_arrays(layer, in);
  return on_integers(layer) ? integer_param_arrays(layer, in) : real_param_arrays(layer, in);
}

/// Extents of a sliding-window layer as kernels take them.
struct Window {
  std::uint32_t filter_h = 1, filter_w = 1, stride_h = 1, stride_w = 1, dilation_h = 1, dilation_w = 1;
  std::uint32_t pad_top = 0, pad_left = 0;
};

}  // namespace mote
