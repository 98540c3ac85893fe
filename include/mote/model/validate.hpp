// SPDX-License-Identifier: Apache-2.0
// validate() is the one gate: nothing below it checks a record again.
#pragma once

#include "mote/requirements.hpp"
#ifndef MOTE_WARN_IN_HEADERS
#pragma GCC system_header
#endif

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "mote/model/element_types.hpp"
#include "mote/model/int8_units.hpp"
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

/// Of layers on integers: what softmax, and sigmoid and tanh on int16, put out always; 0: any. Files say the scale as
/// 1 / 256 or 1 / 255.
constexpr Quantization fixed_quantization(const Layer& layer, DType first) {
  if (layer.op == Op::softmax && layer.dtype == DType::s8) return {0x1p-8F, -128};
  if (layer.op == Op::softmax && layer.dtype == DType::s16)
    return first == DType::s8 ? Quantization{0x1p-16F, -32768} : Quantization{0x1p-15F, 0};
  if (layer.op == Op::log_softmax && first == DType::s8) return {0x1p-4F, 127};
  if (layer.op == Op::l2_norm && first == DType::s8) return {0x1p-7F, 0};
  if (first == DType::s16 && (layer.op == Op::sigmoid || layer.op == Op::tanh)) return {0x1p-15F, 0};
  return {};
}

constexpr Status validate_quantization(const Model& model, std::size_t index) {
  const Layer& layer = model.layers[index];
  const Status bad{Code::bad_quantization, static_cast<std::uint16_t>(index), 0};
  const Quantization& q = layer.quantization;
  if (!quantized(layer.dtype)) {
    if (!(q == Quantization{})) return bad;
  } else if (!(q.scale > 0.0F && finite(q.scale)) || !zero_point_fits(layer.dtype, q.zero_point)) {
    return bad;
  }
  const DType first = layer.input_count == 0 ? layer.dtype : model.layers[model.operand(index)].dtype;
  const Quantization fixed = fixed_quantization(layer, first);
  const float off = fixed.scale - q.scale;
  if (fixed.scale != 0.0F && (q.zero_point != fixed.zero_point || (off < 0.0F ? -off : off) > 0.005F * fixed.scale))
    return bad;
  const bool arithmetic = !moves_values(layer.op) && !is_conversion(layer.op) && layer.op != Op::cast;
  if (first == DType::s16 && layer.dtype == DType::s16 && arithmetic && q.zero_point != 0) return bad;
  for (std::size_t k = 0; k < layer.input_count; ++k) {
    const Layer& operand = model.layers[model.operand(layer, k)];
    if (operand.dtype == DType::s16 && arithmetic && operand.quantization.zero_point != 0) return bad;
    if (keeps_quantization(layer) && operand.dtype == layer.dtype && !(operand.quantization == q)) return bad;
  }
  return {};
}

/// Element types, of the value and of the operands, and quantisation.
constexpr Status validate_types(const Model& model, std::size_t index) {
  const Layer& layer = model.layers[index];
  const auto fail = [&](Code code) { return Status{code, static_cast<std::uint16_t>(index), 0}; };
  if (!known(layer.dtype) || layer.dtype == DType::none || layer.dtype == DType::f16)
    return fail(Code::unsupported_dtype);
  const DType first = layer.input_count == 0 ? layer.dtype : model.layers[model.operand(index)].dtype;
  if (!value_type_fits(layer, first)) return fail(Code::unsupported_dtype);
  for (std::size_t k = 0; k < layer.input_count; ++k)
    if (model.layers[model.operand(layer, k)].dtype != operand_type(layer, k, first))
      return fail(Code::unsupported_dtype);
  return validate_quantization(model, index);
}

/// The value's units are those of the h before the first step; the cell's scale is a power of 2.
constexpr Status validate_lstm_units(const Model& model, std::size_t index) {
  const Layer& layer = model.layers[index];
  const Status bad{Code::bad_quantization, static_cast<std::uint16_t>(index), 0};
  if (layer.input_count > 1 && !(model.layers[model.operand(layer, 1)].quantization == layer.quantization)) return bad;
  const bool given = layer.input_count > 2;
  const Quantization cell = given ? model.layers[model.operand(layer, 2)].quantization : Quantization{};
  const auto fits = [](const Quantization& q) {
    constexpr std::uint32_t kFraction = (1U << 23) - 1;
    return (std::bit_cast<std::uint32_t>(q.scale) & kFraction) == 0 && q.zero_point == 0;
  };
  if (given && !fits(cell)) return bad;
  for (std::size_t i = index + 1; i < model.layers.size(); ++i) {
    const Quantization& q = model.layers[i].quantization;
    if (model.layers[i].op == Op::result && model.operand(i) == index && (!fits(q) || (given && !(q == cell))))
      return {Code::bad_quantization, static_cast<std::uint16_t>(i), 0};
  }
  return {};
}

/// What layers on integers have beside those on real numbers: their arguments, and sizes that sums in 32 bits hold.
constexpr Status validate_integers(const Model& model, std::size_t index) {
  const Layer& layer = model.layers[index];
  const auto fail = [&](Code code, std::uint64_t number = 0) {
    return Status{code, static_cast<std::uint16_t>(index), static_cast<std::uint32_t>(number)};
  };
  const DType first = layer.input_count == 0 ? layer.dtype : model.layers[model.operand(index)].dtype;
  const bool weights = applies_weights(layer.op);
  if (layer.op == Op::quantize && layer.args[0] != 0 && layer.args[0] != 1) return fail(Code::bad_attribute);
  if (weights) {
    if (!quantized(first)) return {};
    const bool transposed = layer.op == Op::conv2d_transpose;  // its arguments are others, its inputs less their zero
    if (transposed && (layer.dilation_h != 1 || layer.dilation_w != 1)) return fail(Code::bad_filter);
    const std::int32_t zero_point = transposed ? 0 : layer.args[0], narrow = transposed ? 0 : layer.args[1];
    if (zero_point < -128 || zero_point > 127 || (zero_point != 0 && first != DType::s8) || narrow < 0 || narrow > 1 ||
        (narrow != 0 && first != DType::s16))
      return fail(Code::bad_attribute);
    const Shape in = model.input_shape_of(index);
    const std::uint64_t taps = std::uint64_t{layer.filter_h} * layer.filter_w;
    const std::uint64_t terms = layer.op == Op::dense              ? in.elements()
                                : layer.op == Op::depthwise_conv2d ? taps
                                                                   : taps * in.c;
    if (terms > (zero_point == 0 && !transposed ? kMaxTerms : kMaxTerms / 2)) return fail(Code::bad_shape, terms);
  }
  if (layer.op == Op::lstm) {
    if (!quantized(first)) return {};
    if (layer.args[1] != 0 || layer.alpha != 0.0F) return fail(Code::reserved_not_zero);
    if (layer.args[2] < 0 || layer.args[2] > 32767) return fail(Code::bad_attribute);
    if (!layer.has_bias()) return fail(Code::bad_attribute);
    for (const std::uint64_t terms : {model.input_shape_of(index).c, layer.shape.c})
      if (terms > kMaxTerms) return fail(Code::bad_shape, terms);
    return validate_lstm_units(model, index);
  }
  if (!quantized(first)) return {};
  if (layer.op == Op::svdf && model.input_shape_of(index).w * std::uint64_t(layer.args[0]) > kMaxTerms)
    return fail(Code::bad_shape);
  if (layer.op == Op::add && layer.input_count != 2) return fail(Code::bad_input_count, layer.input_count);
  const bool soft = layer.op == Op::softmax || layer.op == Op::log_softmax;
  if ((soft || layer.op == Op::average_pool) && layer.args[0] != 0) return fail(Code::bad_attribute);
  if (layer.op == Op::resize_bilinear && layer.args[0] > 2) return fail(Code::bad_attribute);
  if (layer.op == Op::matmul && model.input_shape_of(index).c > kMaxTerms / 4) return fail(Code::bad_shape);
  if (soft && layer.shape.c > kMaxSoftmaxChannels) return fail(Code::bad_shape, layer.shape.c);
  if (is_reduction(layer.op) && model.input_shape_of(index).elements() > kMaxTerms * kMaxTerms / 512)
    return fail(Code::bad_shape, model.input_shape_of(index).elements());
  return {};
}

constexpr Status validate_params(const Model& model, std::size_t index) {
  const Layer& layer = model.layers[index];
  const auto fail = [&](Code code, std::uint32_t number = 0) {
    return Status{code, static_cast<std::uint16_t>(index), number};
  };
  const DType first = layer.input_count == 0 ? layer.dtype : model.layers[model.operand(index)].dtype;
  const DType wanted = param_type(layer, first);
  if (quantized(first) && layer.param_dtype != wanted && !is_source(layer.op)) return fail(Code::unsupported_dtype);
  const ParamArrays params = param_arrays(layer, model.input_shape_of(index));
  if (params.count == 0) {
    if (layer.flags != 0 || layer.param_dtype != DType::none || layer.param_offset != 0 || layer.param_bytes != 0)
      return fail(Code::reserved_not_zero);
    return {};
  }
  const bool biased = may_have_bias(layer.op);
  const bool learns =
      !is_source(layer.op) &&
      (wanted == DType::f32 || (wanted == DType::s8 && !quantized(first) && may_train_narrow_weights(layer.op)));
  const bool rounds = may_round_weights(layer.op) && !on_integers(layer) && layer.param_dtype == DType::f32;
  if ((layer.flags & ~((learns ? Layer::kTrainable : 0) | (biased ? Layer::kHasBias : 0) |
                       (rounds ? Layer::kRoundedWeights : 0))) != 0)
    return fail(Code::reserved_not_zero);
  if (layer.param_dtype != wanted) return fail(Code::unsupported_dtype);
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
constexpr std::size_t args_used(const Layer& layer) {
  const Op op = layer.op;
  const bool on_int8 = layer.param_dtype == DType::s8 && !stores_narrow_weights(layer);
  if (is_reduction(op)) return 1;
  switch (op) {
    case Op::average_pool:
    case Op::softmax:
    case Op::log_softmax:
    case Op::matmul:
    case Op::concat:
    case Op::gather:
    case Op::argmax:
    case Op::argmin:
    case Op::svdf:
    case Op::quantize: return 1;
    case Op::gru:
    case Op::rnn:
    case Op::conv2d_transpose: return 2;
    case Op::dense:
    case Op::conv2d:
    case Op::depthwise_conv2d: return on_int8 ? 2 : 0;
    case Op::lstm: return on_int8 ? 3 : 1;
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
  for (std::size_t i = args_used(layer); i < layer.args.size(); ++i)
    if (layer.args[i] != 0) return fail(Code::reserved_not_zero);
  const bool may_be_infinite = layer.op == Op::clip || layer.op == Op::pad;
  if (may_be_infinite ? layer.alpha != layer.alpha || layer.beta != layer.beta
                      : !finite(layer.alpha) || !finite(layer.beta))
    return fail(Code::bad_attribute);
  const Result<Shape> shape = output_shape(layer, OperandShapes{model, layer});
  if (!shape.ok()) return fail(shape.status().code, shape.status().detail);
  if (!(*shape == layer.shape)) return fail(Code::bad_shape);
  if (layer.op == Op::bias_add && !layer.has_bias()) return fail(Code::bad_attribute);
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
  MOTE_TRY(validate_integers(model, index));
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
    if (last && i != 0) {
      std::size_t shown = i;
      while (is_alias(model.layers[shown].op)) shown = model.operand(shown);
      if (is_source(model.layers[shown].op) && model.layers[shown].op != Op::input)
        return {Code::constant_output, static_cast<std::uint16_t>(i), static_cast<std::uint32_t>(shown)};
    }
    if (!contains(read, i) && !last && model.layers[i].op != Op::input && !is_sink(model.layers[i].op))
      return {Code::unused_layer, static_cast<std::uint16_t>(i)};
  }
  return {};
}

/// A state is assigned once at most, and only what comes before that reads it, also through what shares its memory.
/// What assigns has no value that could be the output.
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
  const std::size_t last = model.layers.size() - 1;
  if (is_valueless(model.layers[last].op) && model.output_layer() == last)
    return {Code::constant_output, static_cast<std::uint16_t>(last),
            static_cast<std::uint32_t>(model.operand(last, 1))};
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
