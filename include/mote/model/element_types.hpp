// SPDX-License-Identifier: Apache-2.0
// Which element types an operator computes with: of its value, of its operands, of its parameters.
#pragma once

#include "mote/requirements.hpp"
#ifndef MOTE_WARN_IN_HEADERS
#pragma GCC system_header
#endif

#include <cstddef>
#include <cstdint>

#include "mote/model/layer.hpp"

namespace mote {

/// Copies elements of any type, whatever they stand for.
constexpr bool moves_values(Op op) {
  return is_source(op) || is_alias(op) || is_movement(op) || op == Op::assign || op == Op::select;
}

/// Between real numbers and integers that stand for them.
constexpr bool is_conversion(Op op) { return op == Op::quantize || op == Op::dequantize || op == Op::requantize; }

/// Whether an operator is computed on int8 values too; their scales are in the records, what becomes of them among the
/// parameters.
constexpr bool has_int8_form(Op op) {
  switch (op) {
    case Op::dense:
    case Op::conv2d:
    case Op::depthwise_conv2d:
    case Op::conv2d_transpose:
    case Op::max_pool:
    case Op::average_pool:
    case Op::global_average_pool:
    case Op::add:
    case Op::matmul:
    case Op::softmax:
    case Op::log_softmax:
    case Op::l2_norm:
    case Op::resize_bilinear:
    case Op::lstm:
    case Op::argmax:
    case Op::argmin: return true;
    case Op::identity:
    case Op::spline:
    case Op::fake_quantize:
    case Op::pow:
    case Op::reduce_prod: return false;
    default: return is_activation(op) || is_unary(op) || is_binary(op) || is_comparison(op) || is_reduction(op);
  }
}
/// On int16 values, with int8 weights.
constexpr bool has_int16_form(Op op) {
  switch (op) {
    case Op::dense:
    case Op::conv2d:
    case Op::depthwise_conv2d:
    case Op::conv2d_transpose:
    case Op::max_pool:
    case Op::average_pool:
    case Op::global_average_pool:
    case Op::add:
    case Op::sub:
    case Op::mul:
    case Op::minimum:
    case Op::maximum:
    case Op::squared_difference:
    case Op::softmax:
    case Op::reduce_sum:
    case Op::reduce_mean:
    case Op::relu:
    case Op::relu6:
    case Op::clip:
    case Op::leaky_relu:
    case Op::sigmoid:
    case Op::tanh:
    case Op::svdf: return true;
    default: return false;
  }
}
constexpr bool has_form_on(Op op, DType operand) {
  return operand == DType::s8 ? has_int8_form(op) : operand == DType::s16 && has_int16_form(op);
}

/// The element type of operand `k`, where that of the first is `first`.
constexpr DType operand_type(const Layer& layer, std::size_t k, DType first) {
  if (layer.op == Op::gather && k == 1) return DType::s32;
  if (layer.op == Op::select) return k == 0 ? DType::boolean : layer.dtype;
  if (is_logical(layer.op) || layer.op == Op::logical_not) return DType::boolean;
  if (layer.op == Op::lstm && k == 2 && first == DType::s8) return DType::s16;
  return moves_values(layer.op) ? layer.dtype : first;
}

/// Whether the layer's value may have the element type it has; `first`: that of the first operand.
constexpr bool value_type_fits(const Layer& layer, DType first) {
  const Op op = layer.op;
  if (moves_values(op)) return true;
  if (is_logical(op) || op == Op::logical_not) return layer.dtype == DType::boolean;
  if (op == Op::quantize) return first == DType::f32 && quantized(layer.dtype);
  if (op == Op::dequantize) return quantized(first) && layer.dtype == DType::f32;
  if (op == Op::requantize) return quantized(first) && (quantized(layer.dtype) || layer.dtype == DType::s32);
  if (op == Op::cast) return true;
  if (op == Op::result) return layer.dtype == (first == DType::s8 ? DType::s16 : first);
  if (op == Op::svdf) return first == DType::s16 && layer.dtype == DType::s8;
  if (first != DType::f32 && !has_form_on(op, first)) return false;
  if (is_comparison(op)) return layer.dtype == DType::boolean;
  if (op == Op::argmax || op == Op::argmin) return layer.dtype == DType::s32;
  const bool widens = first == DType::s8 && (op == Op::dense || op == Op::softmax) && layer.dtype == DType::s16;
  return layer.dtype == first || widens;
}

/// The value's integers mean what the operands' do: scale and zero point stay.
constexpr bool keeps_quantization(const Layer& layer) {
  const Op op = layer.op;
  if (is_source(op)) return false;
  return moves_values(op) || narrows_range(layer) || op == Op::max_pool || op == Op::average_pool ||
         op == Op::global_average_pool || op == Op::minimum || op == Op::maximum || op == Op::resize_bilinear ||
         op == Op::reduce_max || op == Op::reduce_min;
}

/// Sums products of the input and weights.
constexpr bool applies_weights(Op op) {
  return op == Op::dense || op == Op::conv2d || op == Op::depthwise_conv2d || op == Op::conv2d_transpose;
}

/// Element type of the layer's first array of parameters; none: it has none. `first`: of the first operand.
constexpr DType param_type(const Layer& layer, DType first) {
  if (is_source(layer.op)) return layer.dtype;
  if (!quantized(first)) return stores_narrow_weights(layer) ? layer.param_dtype : DType::f32;
  if (applies_weights(layer.op) || layer.op == Op::lstm) return DType::s8;
  if (layer.op == Op::svdf) return DType::s16;
  if (narrows_range(layer) || is_alias(layer.op)) return DType::none;
  if (first == DType::s8 && (is_activation(layer.op) || is_unary(layer.op))) return DType::s8;
  return multiplier_count(layer) != 0 ? DType::s32 : DType::none;
}

/// Products of int8 that a sum in 32 bits holds beside the bias, and half as many where weights have a zero point.
inline constexpr std::uint64_t kMaxTerms = 1U << 16;
/// Channels of a softmax of integers, by which its sum of exponentials fits.
inline constexpr std::uint32_t kMaxSoftmaxChannels = 4095;

}  // namespace mote
