// SPDX-License-Identifier: Apache-2.0
// The float32 model that computes what the int8 model will: the same decisions, other records. Behind every value that
// int8 layers make in units of its own stands a fake_quantize, weights are rounded, batch norms are folded or frozen.
#include <algorithm>
#include <cstring>

#include "mote/model/fold.hpp"
#include "mote/model/int8_units.hpp"
#include "quantize/form.hpp"
#include "quantize/rules.hpp"

namespace mote::detail {

/// Whether a fake_quantize stands behind value `i`: it has units, which are its own. What only outputs read of fixed
/// units has none: a loss takes the logits in front of a softmax or sigmoid that is last.
bool FormMaker::is_rounded(std::size_t i) const {
  const Layer& layer = layers_[i];
  const LayerNote& note = notes_[i];
  if (layer.dtype != DType::f32 || !(note.is_whole || note.both) || root(i) != i) return false;
  if (fixed_units(layer.op).scale == 0.0F) return layer.op != Op::constant;
  if (is_softmax(layer.op)) return false;
  for (std::size_t j = i + 1; j < layers_.size(); ++j)
    for (std::size_t k = 0; k < layers_[j].input_count; ++k)
      if (model_.operand(j, k) == i && layers_[j].op != Op::output) return true;
  return false;
}

std::uint16_t FormMaker::fake_quantize(std::size_t i, std::uint16_t from) {
  const Quantization units = units_of(i), fixed = fixed_units(layers_[i].op);
  Layer made;
  made.op = Op::fake_quantize;
  made.param_dtype = DType::f32;
  made.shape = layers_[i].shape;
  made.input_count = 1, made.inputs[0] = from;
  made.flags = form_.learned_ranges && fixed.scale == 0.0F ? Layer::kTrainable : 0;
  return add(made, i, kNobody, [&](const Layer&, std::byte* params) {
    RealRange range{std::min(notes_[i].range.low, 0.0F), std::max(notes_[i].range.high, 0.0F)};
    if (fixed.scale != 0.0F || !(int8_units(range) == units) || !is_range(range)) range = int8_range(units);
    const float ends[2] = {range.low, range.high};
    return std::memcpy(params, ends, sizeof(ends)), Status{};
  });
}

std::uint16_t FormMaker::rounded_constant(std::size_t i) {
  const Quantization units = units_of(i);
  return add(layers_[i], kNobody, i, [&](const Layer& layer, std::byte* params) {
    const auto* const values = reinterpret_cast<const float*>(layer_params(model_, i));
    auto* const to = reinterpret_cast<float*>(params);
    for (std::uint32_t k = 0; k < layer.param_bytes / sizeof(float); ++k)
      to[k] = units.scale * static_cast<float>(quantize_value(values[k], units, {}) - units.zero_point);
    return Status{};
  });
}

/// The layer on values that are rounded, its weights with its norm's factors and rounded themselves.
std::uint16_t FormMaker::rounded(std::size_t i) {
  Layer made = layers_[i];
  const LayerNote& note = notes_[i];
  emit_operands(i, note.is_whole ? Form::whole : Form::real, made);
  made.flags &= static_cast<std::uint8_t>(~Layer::kRoundedWeights);
  if (made.op == Op::batch_norm) made.flags = 0;  // its running statistics are what will be deployed
  const bool weights = note.is_whole && may_round_weights(made.op) && made.param_dtype == DType::f32;
  const bool folds = weights && note.norm != kNoLayer;
  if (weights) made.flags |= Layer::kRoundedWeights;
  if (folds) made.flags |= Layer::kHasBias;
  const std::size_t like = made.input_count == 0 ? kNobody : model_.operand(i);
  return add(made, like, i, [&](const Layer& layer, std::byte* params) {
    if (folds) {
      const bool finite = fold_layer(model_, i, note.norm, reinterpret_cast<float*>(params));
      return finite ? Status{} : Status{Code::non_finite_parameter};
    }
    return std::memcpy(params, layer_params(model_, i), layer.param_bytes), Status{};
  });
}

/// As emit_layer(): note.whole is the value that int8 layers take.
void FormMaker::emit_rounded(std::size_t i) {
  const Layer& layer = layers_[i];
  LayerNote& note = notes_[i];
  if (folded(i)) {
    note.whole = note.real = notes_[model_.operand(i)].whole;
  } else if (gives_range(layer.op)) {
    const LayerNote& source = notes_[model_.operand(i)];
    note.whole = note.real = source.is_whole ? source.whole : source.real;
  } else if (layer.op == Op::constant && layer.dtype == DType::f32 && (note.is_whole || note.both)) {
    note.whole = note.real = rounded_constant(i);
    if (note.both) note.real = copy(i);
    return;
  } else {
    note.whole = note.real = rounded(i);
  }
  if (!is_rounded(i)) return;
  note.whole = fake_quantize(i, note.whole);
  if (note.is_whole && layer.op != Op::input) note.real = note.whole;
}

}  // namespace mote::detail
