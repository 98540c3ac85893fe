// SPDX-License-Identifier: Apache-2.0
#include "quantize/rules.hpp"

namespace mote::detail {

std::uint16_t sole_reader(const Model& model, std::size_t i) {
  std::uint16_t reader = kNoLayer;
  for (std::size_t j = i + 1; j < model.layers.size(); ++j)
    for (std::size_t k = 0; k < model.layers[j].input_count; ++k) {
      if (model.operand(j, k) != i) continue;
      if (reader != kNoLayer) return kNoLayer;
      reader = static_cast<std::uint16_t>(j);
    }
  return reader;
}

std::uint16_t norm_behind(const Model& model, std::size_t i) {
  const Op op = model.layers[i].op;
  if (op != Op::dense && op != Op::conv2d && op != Op::depthwise_conv2d) return kNoLayer;
  const std::uint16_t reader = sole_reader(model, i);
  return reader != kNoLayer && can_fold(model, reader) ? reader : kNoLayer;
}

std::uint16_t range_holder(const Model& model, std::size_t i) {
  for (std::size_t through = i;;) {
    const Op op = model.layers[through].op;
    const bool own = fixed_units(op).scale != 0.0F || op == Op::constant || gives_range(op);
    if (through == i && own) return static_cast<std::uint16_t>(i);
    if (through == i && keeps_units(op)) {
      through = i = model.operand(i, first_value(op));
      continue;
    }
    const std::uint16_t reader = sole_reader(model, through);
    if (reader == kNoLayer) return static_cast<std::uint16_t>(i);
    const Op next = model.layers[reader].op;
    if (clamps(next) || gives_range(next) || norm_behind(model, through) == reader) {
      through = i = reader;  // whose own range may be another's again
    } else if (commutes_with_clamps(next)) {
      through = reader;
    } else {
      return static_cast<std::uint16_t>(i);
    }
  }
}

bool is_observed(const Model& model, std::size_t i) {
  const Layer& layer = model.layers[i];
  return layer.dtype == DType::f32 && layer.op != Op::constant && !is_sink(layer.op) && !gives_range(layer.op) &&
         fixed_units(layer.op).scale == 0.0F && range_holder(model, i) == i;
}

std::size_t mean_count(const Model& model, std::size_t i) {
  const Shape in = model.input_shape_of(i);
  if (!may_compute(model, i)) return 0;
  switch (model.layers[i].op) {
    case Op::dense: return static_cast<std::size_t>(in.elements());
    case Op::conv2d:
    case Op::depthwise_conv2d: return in.c;
    default: return 0;
  }
}

bool may_compute(const Model& model, std::size_t i) {
  const Layer& layer = model.layers[i];
  if (layer.dtype != DType::f32) return false;
  for (std::size_t k = 0; k < layer.input_count; ++k)
    if (model.layers[model.operand(layer, k)].dtype != DType::f32) return false;
  if (layer.op == Op::batch_norm) return model.layers[model.operand(layer)].op != Op::input;
  if (passes_values(layer.op) || !has_int8_form(layer.op)) return false;
  const Shape in = model.input_shape_of(i);
  const bool soft = layer.op == Op::softmax || layer.op == Op::log_softmax;
  switch (layer.op) {
    case Op::lstm: return false;
    case Op::div:
    case Op::log:
    case Op::rsqrt:
    case Op::floor:
    case Op::ceil:
    case Op::round:
    case Op::sign: return false;  // near a pole or a jump a step of the operand is too much
    case Op::dense:
    case Op::conv2d:
    case Op::depthwise_conv2d: return product_terms(layer, in) <= kMaxTerms;
    case Op::conv2d_transpose:
      return layer.dilation_h == 1 && layer.dilation_w == 1 && product_terms(layer, in) <= kMaxTerms / 2;
    case Op::average_pool: return layer.args[0] == 0;
    case Op::add: return layer.input_count == 2;
    case Op::matmul: return in.c <= kMaxTerms / 4;
    case Op::resize_bilinear: return layer.args[0] <= 2;
    default: break;
  }
  if (soft) return layer.args[0] == 0 && layer.shape.c <= kMaxSoftmaxChannels;
  return !is_reduction(layer.op) || in.elements() <= kMaxTerms * kMaxTerms / 512;
}

}  // namespace mote::detail
