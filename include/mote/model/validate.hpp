// SPDX-License-Identifier: Apache-2.0
// validate() is the one gate: nothing below it checks a record again.
#pragma once

#include "mote/requirements.hpp"
#ifndef MOTE_WARN_IN_HEADERS
#pragma GCC system_header
#endif

#include <array>
#include <cstddef>
#include <cstdint>

#include "mote/model/layer.hpp"
#include "mote/model/model.hpp"
#include "mote/model/shape_rule.hpp"
#include "mote/status.hpp"

namespace mote {
namespace detail {

/// The shapes of a layer's operands, as output_shape() reads them.
struct OperandShapes {
  const Model& model;
  const Layer& layer;
  [[nodiscard]] constexpr std::size_t size() const { return layer.input_count; }
  [[nodiscard]] constexpr const Shape& operator[](std::size_t k) const {
    return model.layers[model.operand(layer, k)].shape;
  }
};

constexpr Status validate_operands(const Model& model, std::size_t index) {
  const Layer& layer = model.layers[index];
  const auto fail = [&](Code code, std::uint32_t number = 0) {
    return Status{code, static_cast<std::uint16_t>(index), number};
  };
  const bool in_table = layer.input_count > kMaxInputs;
  if (in_table &&
      (layer.input_count > kMaxOperands || std::size_t{layer.inputs[0]} + layer.input_count > model.operands.size()))
    return fail(Code::bad_input_count, layer.input_count);
  for (std::size_t k = in_table ? 1 : layer.input_count; k < kMaxInputs; ++k)
    if (layer.inputs[k] != 0) return fail(Code::reserved_not_zero);
  for (std::size_t k = 0; k < layer.input_count; ++k)
    if (const std::size_t source = model.operand(layer, k); source >= index || is_valueless(model.layers[source].op))
      return fail(Code::bad_input_index, static_cast<std::uint32_t>(source));
  return {};
}

constexpr bool zero_point_fits(DType type, std::int32_t zero_point) {
  switch (type) {
    case DType::s8: return zero_point >= -128 && zero_point <= 127;
    case DType::u8: return zero_point >= 0 && zero_point <= 255;
    case DType::s16: return zero_point >= -32768 && zero_point <= 32767;
    default: return zero_point == 0;
  }
}

/// Element types that an operator's value may have.
constexpr bool value_type_fits(const Layer& layer) {
  if (is_source(layer.op) || is_alias(layer.op) || is_movement(layer.op) || layer.op == Op::assign ||
      layer.op == Op::select)
    return true;
  if (is_comparison(layer.op) || is_logical(layer.op) || layer.op == Op::logical_not)
    return layer.dtype == DType::boolean;
  if (layer.op == Op::argmax || layer.op == Op::argmin) return layer.dtype == DType::s32;
  if (layer.op == Op::cast) return true;
  return layer.dtype == DType::f32 || (layer.dtype == DType::s8 && layer.op <= Op::spline);
}
/// Whether the type is computed in: int8 layers are records only, so far.
constexpr bool has_kernel(const Layer& layer) {
  const bool moved = is_source(layer.op) || is_alias(layer.op) || is_movement(layer.op) || layer.op == Op::assign ||
                     layer.op == Op::select || layer.op == Op::cast;
  return moved || layer.dtype != DType::s8;
}
/// The element type that operand `k` must have; of cast it may be any.
constexpr DType operand_type(const Layer& layer, std::size_t k) {
  if (is_comparison(layer.op) || layer.op == Op::argmax || layer.op == Op::argmin) return DType::f32;
  if (layer.op == Op::gather && k == 1) return DType::s32;
  if (layer.op == Op::select && k == 0) return DType::boolean;
  return layer.dtype;
}

/// Element types, of the value and of the operands, and quantisation.
constexpr Status validate_types(const Model& model, std::size_t index) {
  const Layer& layer = model.layers[index];
  const auto fail = [&](Code code) { return Status{code, static_cast<std::uint16_t>(index), 0}; };
  if (!known(layer.dtype) || layer.dtype == DType::none || layer.dtype == DType::f16)
    return fail(Code::unsupported_dtype);
  if (!value_type_fits(layer)) return fail(Code::unsupported_dtype);
  for (std::size_t k = 0; k < layer.input_count; ++k)
    if (layer.op != Op::cast && model.layers[model.operand(layer, k)].dtype != operand_type(layer, k))
      return fail(Code::unsupported_dtype);
  const Quantization& q = layer.quantization;
  if (!quantized(layer.dtype)) return q == Quantization{} ? Status{} : fail(Code::bad_quantization);
  return q.scale > 0.0F && finite(q.scale) && zero_point_fits(layer.dtype, q.zero_point) ? Status{}
                                                                                         : fail(Code::bad_quantization);
}

constexpr Status validate_params(const Model& model, std::size_t index) {
  const Layer& layer = model.layers[index];
  const auto fail = [&](Code code, std::uint32_t number = 0) {
    return Status{code, static_cast<std::uint16_t>(index), number};
  };
  const ParamArrays params = param_arrays(layer, model.input_shape_of(index));
  if (params.count == 0) {
    if (layer.flags != 0 || layer.param_dtype != DType::none || layer.param_offset != 0 || layer.param_bytes != 0)
      return fail(Code::reserved_not_zero);
    return {};
  }
  const bool biased = may_have_bias(layer.op);
  const bool source = is_source(layer.op);
  if ((layer.flags & ~((source ? 0 : Layer::kTrainable) | (biased ? Layer::kHasBias : 0))) != 0)
    return fail(Code::reserved_not_zero);
  if (layer.param_dtype != layer.dtype || (layer.dtype == DType::s8 && !biased && !source))
    return fail(Code::unsupported_dtype);
  if (params.bytes != layer.param_bytes) return fail(Code::bad_parameter_range, layer.param_bytes);
  if (layer.param_offset % model.alignment != 0 ||
      std::uint64_t{layer.param_offset} + layer.param_bytes > model.param_bytes)
    return fail(Code::bad_parameter_range, layer.param_offset);
  for (std::size_t i = 0; i < index; ++i) {
    const Layer& other = model.layers[i];
    if (other.param_bytes != 0 && layer.param_offset < other.param_offset + other.param_bytes &&
        other.param_offset < layer.param_offset + layer.param_bytes)
      return fail(Code::bad_parameter_range, layer.param_offset);
  }
  return {};
}

/// How many of a record's args an operator uses.
constexpr std::size_t args_used(Op op) {
  if (is_reduction(op)) return 1;
  switch (op) {
    case Op::average_pool:
    case Op::softmax:
    case Op::log_softmax:
    case Op::matmul:
    case Op::concat:
    case Op::gather:
    case Op::argmax:
    case Op::lstm:
    case Op::argmin: return 1;
    case Op::gru:
    case Op::rnn:
    case Op::conv2d_transpose: return 2;
    case Op::resize_nearest:
    case Op::resize_bilinear:
    case Op::lrn:
    case Op::pad: return 3;
    case Op::transpose: return 5;
    case Op::slice: return 6;
    default: return 0;
  }
}

constexpr Status validate_layer(const Model& model, std::size_t index) {
  const Layer& layer = model.layers[index];
  const auto fail = [&](Code code, std::uint32_t number = 0) {
    return Status{code, static_cast<std::uint16_t>(index), number};
  };
  if (!known(layer.op)) return fail(Code::unknown_op, static_cast<std::uint32_t>(layer.op));
  if (index == 0 && layer.op != Op::input) return fail(Code::first_layer_not_input);
  MOTE_TRY(validate_operands(model, index));
  MOTE_TRY(validate_types(model, index));
  for (std::size_t i = args_used(layer.op); i < layer.args.size(); ++i)
    if (layer.args[i] != 0) return fail(Code::reserved_not_zero);
  const bool may_be_infinite = layer.op == Op::clip || layer.op == Op::pad;
  if (may_be_infinite ? layer.alpha != layer.alpha || layer.beta != layer.beta
                      : !finite(layer.alpha) || !finite(layer.beta))
    return fail(Code::bad_attribute);
  const Result<Shape> shape = output_shape(layer, OperandShapes{model, layer});
  if (!shape.ok()) return fail(shape.status().code, shape.status().detail);
  if (!(*shape == layer.shape)) return fail(Code::bad_shape);
  const bool window = is_window(layer.op);
  if (!window &&
      (layer.filter_h | layer.filter_w | layer.stride_h | layer.stride_w | layer.dilation_h | layer.dilation_w) != 0)
    return fail(Code::reserved_not_zero);
  if (!window && layer.op != Op::pad && (layer.pad_top | layer.pad_bottom | layer.pad_left | layer.pad_right) != 0)
    return fail(Code::reserved_not_zero);
  if (layer.op != Op::depthwise_conv2d && layer.op != Op::spline && layer.depth_multiplier != 0)
    return fail(Code::reserved_not_zero);
  if ((!traits(layer.op).has_alpha && layer.alpha != 0.0F) || (!traits(layer.op).has_beta && layer.beta != 0.0F))
    return fail(Code::reserved_not_zero);
  return validate_params(model, index);
}

/// Every value is read, but for inputs, what only says something of its operands, and the last layer of a model
/// without outputs.
constexpr Status validate_readers(const Model& model) {
  LayerSet read{};
  bool outputs = false;
  for (const Layer& layer : model.layers) {
    outputs = outputs || layer.op == Op::output;
    for (std::size_t k = 0; k < layer.input_count; ++k) insert(read, model.operand(layer, k));
  }
  for (std::size_t i = 0; i < model.layers.size(); ++i) {
    const bool last = i + 1 == model.layers.size() && !outputs;
    if (!contains(read, i) && !last && model.layers[i].op != Op::input && !is_sink(model.layers[i].op))
      return {Code::unused_layer, static_cast<std::uint16_t>(i)};
  }
  return {};
}

/// A state is assigned once at most, and only what comes before that reads it, also through what shares its memory.
constexpr Status validate_states(const Model& model) {
  LayerSet assigned{};  // and what shares their memory
  for (std::size_t i = 0; i < model.layers.size(); ++i) {
    const Layer& layer = model.layers[i];
    for (std::size_t k = 0; k < layer.input_count; ++k)
      if (contains(assigned, model.operand(layer, k)))
        return {Code::state_read_after_assign, static_cast<std::uint16_t>(i),
                static_cast<std::uint32_t>(model.operand(layer, k))};
    if (layer.op != Op::assign) continue;
    const std::size_t state = model.operand(layer, 1);
    if (model.layers[state].op != Op::state)
      return {Code::not_a_state, static_cast<std::uint16_t>(i), static_cast<std::uint32_t>(state)};
    insert(assigned, state);
    for (std::size_t j = state + 1; j < i; ++j)
      if (is_alias(model.layers[j].op) && contains(assigned, model.operand(j))) insert(assigned, j);
  }
  return {};
}

/// A second result is an LSTM's, and named once.
constexpr Status validate_results(const Model& model) {
  LayerSet named{};
  for (std::size_t i = 0; i < model.layers.size(); ++i) {
    if (model.layers[i].op != Op::result) continue;
    const std::size_t source = model.operand(i);
    if (model.layers[source].op != Op::lstm || contains(named, source))
      return {Code::bad_input_index, static_cast<std::uint16_t>(i), static_cast<std::uint32_t>(source)};
    insert(named, source);
  }
  return {};
}
}  // namespace detail

/// Checks every field of every record: operators, indices, shapes, attributes, parameter ranges, reserved zeros.
/// The first fault is returned with its layer. Cost: O(layers^2) comparisons, kMaxLayers / 8 bytes of the stack.
constexpr Status validate(const Model& model) {
  if (model.layers.empty()) return {Code::no_layers};
  if (model.layers.size() > kMaxLayers) return {Code::too_many_layers};
  if (model.alignment < 4 || model.alignment > 4096 || (model.alignment & (model.alignment - 1)) != 0)
    return {Code::bad_header, kNoLayer, model.alignment};
  if (model.param_bytes > 0x7FFF'FFFFU)  // offsets of trained layers, each aligned anew, stay within 32 bits
    return {Code::bad_parameter_range, kNoLayer, model.param_bytes};
  for (std::size_t i = 0; i < model.layers.size(); ++i) MOTE_TRY(detail::validate_layer(model, i));
  MOTE_TRY(detail::validate_readers(model));
  MOTE_TRY(detail::validate_results(model));
  return detail::validate_states(model);
}

}  // namespace mote
