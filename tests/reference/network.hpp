// SPDX-License-Identifier: Apache-2.0
// A model's records computed one by one in double, each value in an array of its own, and with them their slopes along
// one direction of the parameters. It knows no plan, no kernel and no backward pass.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "mote/model/model.hpp"
#include "reference/layer_functions.hpp"

namespace mote::reference {

class Network : private LayerFunctions {
 public:
  using Values = reference::Values;

  Network(const Model& model, std::uint32_t batch, double noise = 0.0, std::uint64_t seed = 0)
      : LayerFunctions(batch, noise, seed) {
    follow(model);
  }

  /// The model has more layers now, or fewer; the earlier ones are as they were.
  void follow(const Model& model) {
    model_ = model;
    value_.resize(model.layers.size());
    result_.resize(model.layers.size());
    state_.resize(model.layers.size());
    params_.resize(model.param_bytes / 4 + 1);
    known_ = std::min(known_, model.layers.size());
    for (; known_ < model.layers.size(); ++known_) take_params(known_);
  }
  /// The slopes of what is computed are along this direction.
  void set_direction(std::size_t i, std::size_t index, double along) {
    params_[model_.layers[i].param_offset / 4 + index].slope = along;
  }
  Values& value(std::size_t i) { return value_[i]; }

  /// Inputs are there. `training`: batch statistics where `trained_norms` says so.
  void run(const std::vector<bool>& trained_norms = {}) {
    for (std::size_t i = 0; i < model_.layers.size(); ++i) {
      batch_statistics_ = i < trained_norms.size() && trained_norms[i];
      evaluate(i);
    }
    end_run();
  }
  /// Layer `i` from the values before it.
  void evaluate(std::size_t i) {
    layer_ = &model_.layers[i];
    out_ = &value_[i];
    params_here_ = params_.data() + layer_->param_offset / 4;
    const bool noisy = noise_ != 0.0 && rounds(layer_->op);
    copies_.resize(std::max<std::size_t>(copies_.size(), layer_->input_count));
    operands_.resize(layer_->input_count);
    shapes_.resize(layer_->input_count);
    for (std::size_t k = 0; k < layer_->input_count; ++k) {
      const std::size_t source = model_.operand(i, k);
      operands_[k] = &value_[source];
      shapes_[k] = model_.layers[source].shape;
      if (!noisy || model_.layers[source].dtype != DType::f32) continue;
      copies_[k] = value_[source];
      for (Dual& value : copies_[k]) disturb(value);
      operands_[k] = &copies_[k];
    }
    if (layer_->op == Op::input) {
      if (noise_ != 0.0 && layer_->dtype == DType::f32)
        for (Dual& value : *out_) disturb(value);
      return;
    }
    if (layer_->op == Op::assign) {
      state_[model_.operand(i, 1)] = *operands_[0];
      return;
    }
    out_->assign(count(layer_->shape), Dual{});
    second_ = &result_[i];
    if (layer_->op == Op::lstm) second_->assign(std::size_t{batch_} * layer_->shape.c, Dual{});
    given_ = layer_->op == Op::state ? &state_[i] : &result_[layer_->op == Op::result ? model_.operand(i) : i];
    if (layer_->input_count != 0) first_type_ = model_.layers[model_.operand(i)].dtype;
    compute();
    for (Dual& value : *out_) {
      if (noisy) disturb(value);
      const double size = std::fabs(value.value);
      beyond_float_ = beyond_float_ || !(size < 1e12 && std::fabs(value.slope) < 1e30) || (size > 0.0 && size < 1e-36);
    }
  }
  /// Whether a value was larger or smaller than float32 could be sure to hold, itself and in the square or cube that a
  /// gradient takes, a slope larger, or one no number.
  [[nodiscard]] bool beyond_float() const { return beyond_float_; }
  /// States become what was assigned. No slope goes from run to run.
  void end_run() {
    for (Values& next : state_)
      for (Dual& value : next) value.slope = 0.0;
  }

 private:
  [[nodiscard]] double stored(std::size_t i, std::size_t index) const {
    const Layer& layer = model_.layers[i];
    const std::byte* from = model_.params + layer.param_offset;
    return number_at(layer.dtype, from, index);
  }
  void take_params(std::size_t i) {
    const Layer& layer = model_.layers[i];
    if (layer.op == Op::constant || layer.op == Op::state) {
      Values& values = layer.op == Op::state ? state_[i] : result_[i];  // a constant's, each for every sample
      const auto size = static_cast<std::size_t>(layer.shape.elements());
      const double zero = layer.op == Op::state ? static_cast<double>(layer.quantization.zero_point) : 0.0;
      values.resize(count(layer.shape));
      for (std::size_t j = 0; j < values.size(); ++j) values[j] = layer.param_bytes == 0 ? zero : stored(i, j % size);
      if (noise_ != 0.0 && layer.dtype == DType::f32)
        for (Dual& value : values) disturb(value);
      return;
    }
    for (std::size_t j = 0; j < layer.param_bytes / 4; ++j) {
      Dual& value = params_[layer.param_offset / 4 + j];
      value = stored(i, j);
      if (noise_ != 0.0) disturb(value);
    }
  }

  Model model_;
  std::size_t known_ = 0;  // layers whose parameters are here
  std::vector<Values> value_, result_, state_, copies_;
  Values params_;
  bool beyond_float_ = false;
};

}  // namespace mote::reference
