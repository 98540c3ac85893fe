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
};

constexpr OpTraits traits(Op op) {
  enum class On : std::uint8_t { input, output };
  switch (op) {
    case Op::softmax: return {"softmax", false, true, false, OutputNeed::value};
    case Op::rbf: return {"rbf", false, false, false, OutputNeed::value};
    case Op::identity: return {"identity", true, false, false, OutputNeed::none};
    case Op::spline: return {"spline", true, false, false, OutputNeed::none};
    case Op::batch_norm: return {"batch_norm", false, false, true, OutputNeed::none};
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
#define MOTE_ACTIVATION(name, number, derivative_on, needs)                          \
  case Op::name: {                                                                   \
    return {#name, true, On::derivative_on == On::output, false, OutputNeed::needs}; \
  }
#define MOTE_ACTIVATION_ALPHA(name, number, derivative_on, needs, default_alpha)    \
  case Op::name: {                                                                  \
    return {#name, true, On::derivative_on == On::output, true, OutputNeed::needs}; \
  }
#include "mote/model/ops.inc"
  }
  return {};
}

/// The operator's name as builders and the tool spell it; nullptr for a number that is none.
constexpr const char* name(Op op) { return traits(op).name; }
constexpr bool known(Op op) { return name(op) != nullptr; }

inline constexpr std::size_t kMaxInputs = 4;

/// One layer. Trivially copyable, 96 bytes, little-endian in files. Fields an operator does not use are zero.
struct Layer {
  static constexpr std::uint8_t kTrainable = 1;  // flags
  static constexpr std::uint8_t kHasBias = 2;

  Op op = Op::input;
  DType dtype = DType::f32;         // of the output
  DType param_dtype = DType::none;  // of the weights
  std::uint8_t flags = 0;
  std::uint16_t input_count = 0;
  std::array<std::uint16_t, kMaxInputs> inputs{};  // indices of earlier layers
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
  std::array<std::uint32_t, 6> reserved{};

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
  std::array<ParamArray, 4> arrays{};
  std::size_t count = 0;
  std::uint64_t bytes = 0;

  constexpr void push(ParamArray array) {
    array.offset = static_cast<std::uint32_t>(align_up(bytes, 4));
    bytes = array.offset + std::uint64_t{array.count} * bytes_of(array.dtype);
    arrays[count++] = array;
  }
  [[nodiscard]] constexpr const ParamArray* begin() const { return arrays.data(); }
  [[nodiscard]] constexpr const ParamArray* end() const { return arrays.data() + count; }
};

constexpr bool is_activation(Op op) { return traits(op).activation; }
/// Activations that are a clamp of their input: dense, conv2d, depthwise_conv2d and add apply them on the way out.
constexpr bool is_clamp(Op op) { return op == Op::relu || op == Op::relu6; }
/// Output is the same memory as the input, always: no step is planned.
constexpr bool is_alias(Op op) { return op == Op::reshape || op == Op::identity; }

/// Does something in training only; at inference the output is the same memory as the input.
constexpr bool is_regularizer(Op op) { return op == Op::dropout || op == Op::gaussian_noise; }

constexpr bool is_window(Op op) {
  return op == Op::conv2d || op == Op::depthwise_conv2d || op == Op::max_pool || op == Op::average_pool;
}

/// Elements of the layer's first parameter array, what stands before its bias or widths, given its input's shape; zero
/// where there is none. Always inlined: known when compiling, it must not become code.
[[gnu::always_inline]] constexpr std::uint32_t weight_count(const Layer& layer, const Shape& in) {
  const std::uint32_t taps = std::uint32_t{layer.filter_h} * layer.filter_w;
  switch (layer.op) {
    case Op::dense:
    case Op::rbf: return static_cast<std::uint32_t>(in.elements()) * layer.shape.c;
    case Op::conv2d: return taps * in.c * layer.shape.c;
    case Op::depthwise_conv2d: return taps * layer.shape.c;
    case Op::batch_norm: return layer.shape.c;
    case Op::spline: return layer.shape.c * layer.knots();
    default: return 0;
  }
}

/// The parameters of `layer` given its input's shape: names, layouts and sizes, in one place.
/// int8 weights are followed by an int32 bias and one float32 scale per output channel; each array starts at a
/// multiple of 4 bytes.
constexpr ParamArrays param_arrays(const Layer& layer, const Shape& in) {
  ParamArrays out;
  const bool quantized = layer.param_dtype == DType::s8;
  const DType weight_type = quantized ? DType::s8 : DType::f32;
  const auto bias = [&](std::uint32_t n) {
    if (layer.has_bias()) out.push({"bias", 0, n, 0, 0, {n}, 1, false, true, quantized ? DType::s32 : DType::f32});
    if (quantized) out.push({"scales", 0, n, 0, 0, {n}, 1, false, false, DType::f32});
  };
  const std::uint32_t units = layer.shape.c;
  const std::uint32_t first = weight_count(layer, in);
  switch (layer.op) {
    case Op::dense: {
      const auto fan_in = static_cast<std::uint32_t>(in.elements());
      out.push({"weights", 0, first, fan_in, units, {fan_in, units}, 2, true, true, weight_type});
      bias(units);
      break;
    }
    case Op::conv2d: {
      const std::uint32_t taps = std::uint32_t{layer.filter_h} * layer.filter_w;
      out.push({"weights",
                0,
                first,
                taps * in.c,
                taps * units,
                {layer.filter_h, layer.filter_w, in.c, units},
                4,
                true,
                true,
                weight_type});
      bias(units);
      break;
    }
    case Op::depthwise_conv2d: {
      const std::uint32_t taps = std::uint32_t{layer.filter_h} * layer.filter_w;
      out.push({"weights",
                0,
                first,
                taps,
                taps * layer.depth_multiplier,
                {layer.filter_h, layer.filter_w, units},
                3,
                true,
                true,
                weight_type});
      bias(units);
      break;
    }
    case Op::batch_norm:
      out.push({"gamma", 0, units, 0, 0, {units}, 1, false, true});
      out.push({"beta", 0, units, 0, 0, {units}, 1, false, true});
      out.push({"running_mean", 0, units, 0, 0, {units}, 1, false, false});
      out.push({"running_variance", 0, units, 0, 0, {units}, 1, false, false});
      break;
    case Op::rbf: {
      const auto fan_in = static_cast<std::uint32_t>(in.elements());
      out.push({"centres", 0, first, fan_in, units, {fan_in, units}, 2, true, true});
      out.push({"log_width", 0, units, 0, 0, {units}, 1, false, true});
      break;
    }
    case Op::spline:
      for (const char* array : {"knots", "values", "slopes"})
        out.push({array, 0, first, 0, 0, {units, layer.knots()}, 2, false, array[0] != 'k'});
      break;
    default: break;
  }
  return out;
}

/// Output size of a sliding window along one axis: floor((in + pads - dilation (filter - 1) - 1) / stride) + 1.
constexpr std::uint32_t window_outputs(std::uint32_t in, std::uint32_t filter, std::uint32_t stride,
                                       std::uint32_t dilation, std::uint32_t pad_before, std::uint32_t pad_after) {
  const std::uint64_t span = std::uint64_t{dilation} * (filter - 1) + 1;
  const std::uint64_t padded = std::uint64_t{in} + pad_before + pad_after;
  return padded < span ? 0 : static_cast<std::uint32_t>((padded - span) / stride + 1);
}

inline constexpr float kMaxNoise = 1e6F;  // largest standard deviation of gaussian_noise

/// The shape rule: what `layer` puts out, given its inputs' shapes. Checks filters, padding and attributes too.
/// bad_shape has a detail where it is the weights that are too many: how many.
/// `layer.shape` is read only where it carries the wish (dense, conv2d, rbf: c; reshape: all; input: all).
constexpr Result<Shape> output_shape(const Layer& layer, std::span<const Shape> in) {
  const auto fail = [](Code code, std::uint32_t detail = 0) { return Status{code, kNoLayer, detail}; };
  const auto in_range = [](const Shape& s) {
    return s.h != 0 && s.w != 0 && s.c != 0 && s.h <= kMaxDimension && s.w <= kMaxDimension && s.c <= kMaxElements &&
           s.elements() <= kMaxElements;
  };
  const bool joins = layer.op == Op::add || layer.op == Op::concat;
  if (layer.op == Op::input ? !in.empty() : joins ? in.size() < 2 || in.size() > kMaxInputs : in.size() != 1)
    return fail(Code::bad_input_count, static_cast<std::uint32_t>(in.size()));
  Shape out = layer.op == Op::input ? layer.shape : in[0];
  switch (layer.op) {
    case Op::input: break;
    case Op::dense:
    case Op::rbf: out = {1, 1, layer.shape.c}; break;
    case Op::conv2d:
    case Op::depthwise_conv2d:
    case Op::max_pool:
    case Op::average_pool: {
      if (layer.filter_h == 0 || layer.filter_w == 0 || layer.stride_h == 0 || layer.stride_w == 0 ||
          layer.dilation_h == 0 || layer.dilation_w == 0)
        return fail(Code::bad_filter);
      const bool pool = layer.op == Op::max_pool || layer.op == Op::average_pool;
      if (pool && (layer.dilation_h != 1 || layer.dilation_w != 1)) return fail(Code::bad_filter);
      const std::uint32_t span_h = std::uint32_t{layer.dilation_h} * (layer.filter_h - 1U) + 1U;
      const std::uint32_t span_w = std::uint32_t{layer.dilation_w} * (layer.filter_w - 1U) + 1U;
      // Every window must touch the image, or a maximum over nothing would be taken.
      if (layer.pad_top >= span_h || layer.pad_bottom >= span_h || layer.pad_left >= span_w ||
          layer.pad_right >= span_w)
        return fail(Code::bad_padding);
      out.h =
          window_outputs(in[0].h, layer.filter_h, layer.stride_h, layer.dilation_h, layer.pad_top, layer.pad_bottom);
      out.w =
          window_outputs(in[0].w, layer.filter_w, layer.stride_w, layer.dilation_w, layer.pad_left, layer.pad_right);
      if (out.h == 0 || out.w == 0) return fail(Code::filter_exceeds_input);
      if (layer.op == Op::conv2d) out.c = layer.shape.c;
      if (layer.op == Op::depthwise_conv2d) {
        if (layer.depth_multiplier == 0) return fail(Code::bad_attribute);
        if (std::uint64_t{in[0].c} * layer.depth_multiplier > kMaxElements) return fail(Code::bad_shape);
        out.c = in[0].c * layer.depth_multiplier;
      }
      break;
    }
    case Op::global_average_pool: out = {1, 1, in[0].c}; break;
    case Op::batch_norm:
      if (!(layer.alpha > 0.0F && layer.alpha <= 1.0F) || !(layer.beta > 0.0F && layer.beta <= 1.0F))
        return fail(Code::bad_attribute);
      break;
    case Op::dropout:
      if (!(layer.alpha >= 0.0F && layer.alpha < 1.0F)) return fail(Code::bad_attribute);
      break;
    case Op::gaussian_noise:
      if (!(layer.alpha >= 0.0F && layer.alpha <= kMaxNoise)) return fail(Code::bad_attribute);
      break;
    case Op::leaky_relu:  // a slope of zero or below would make the derivative unreadable from the output
      if (!(layer.alpha > 0.0F && layer.alpha <= 1.0F)) return fail(Code::bad_attribute);
      break;
    case Op::spline:
      if (layer.knots() < 2) return fail(Code::bad_attribute);
      break;
    case Op::add:
      for (const Shape& shape : in)
        if (!(shape == in[0])) return fail(Code::shape_mismatch);
      break;
    case Op::concat: {
      std::uint64_t channels = 0;
      for (const Shape& shape : in) {
        if (shape.h != in[0].h || shape.w != in[0].w) return fail(Code::shape_mismatch);
        channels += shape.c;
      }
      if (channels > kMaxElements) return fail(Code::bad_shape);
      out.c = static_cast<std::uint32_t>(channels);
      break;
    }
    case Op::reshape:
      if (!in_range(layer.shape)) return fail(Code::bad_shape);
      if (layer.shape.elements() != in[0].elements()) return fail(Code::shape_mismatch);
      out = layer.shape;
      break;
    default:
      if (!known(layer.op)) return fail(Code::unknown_op);
      break;
  }
  if (!in_range(out)) return fail(Code::bad_shape);
  // Parameters are counted in 32 bits.
  const std::uint64_t weights =
      layer.op == Op::dense || layer.op == Op::rbf ? in[0].elements() * out.c
      : layer.op == Op::conv2d                     ? std::uint64_t{layer.filter_h} * layer.filter_w * in[0].c * out.c
      : layer.op == Op::depthwise_conv2d           ? std::uint64_t{layer.filter_h} * layer.filter_w * out.c
      : layer.op == Op::spline                     ? std::uint64_t{layer.knots()} * out.c
                                                   : 0;
  if (weights > kMaxElements ||
      (layer.op == Op::conv2d && (std::uint64_t{layer.filter_h} * layer.filter_w > kMaxDimension ||
                                  std::uint64_t{layer.filter_h} * layer.filter_w * in[0].c > kMaxElements)))
    return fail(Code::bad_shape, static_cast<std::uint32_t>(std::min<std::uint64_t>(weights, 0xFFFF'FFFFU)));
  return out;
}

/// Extents of a sliding-window layer as kernels take them.
struct Window {
  std::uint32_t filter_h = 1, filter_w = 1, stride_h = 1, stride_w = 1, dilation_h = 1, dilation_w = 1;
  std::uint32_t pad_top = 0, pad_left = 0;
};

}  // namespace mote
