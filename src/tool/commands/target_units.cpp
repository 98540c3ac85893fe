// SPDX-License-Identifier: Apache-2.0
// See target_units.hpp.
#include "tool/commands/target_units.hpp"

#include <cmath>

namespace mote::tool {

TargetUnits::TargetUnits(const DataSet& data, std::span<const std::uint32_t> indices)
    : mean_(data.target_width(), 0.0), deviation_(data.target_width(), 0.0) {
  std::vector<float> target(data.target_width());
  double count = 0.0;
  for (const std::uint32_t i : indices) {  // Welford: no squares of large means
    data.copy_target(i, target);
    ++count;
    for (std::size_t j = 0; j < target.size(); ++j) {
      const double from_mean = static_cast<double>(target[j]) - mean_[j];
      mean_[j] += from_mean / count;
      deviation_[j] += from_mean * (static_cast<double>(target[j]) - mean_[j]);
    }
  }
  for (std::size_t j = 0; j < deviation_.size(); ++j) {
    deviation_[j] = std::sqrt(deviation_[j] / std::max(count, 1.0));
    if (!(deviation_[j] > 1e-12 * std::abs(mean_[j]))) deviation_[j] = 1.0;
  }
}

bool TargetUnits::possible(const OwnedModel& model, Loss loss, const DataSet& data) {
  const Layer& last = model.layers.back();
  return loss == Loss::squared_error && data.has_targets() && !data.reconstructs() && last.op == Op::dense &&
         last.dtype == DType::f32 && last.has_bias() && last.trainable();
}

void TargetUnits::standardize(std::span<float> target) const {
  for (std::size_t j = 0; j < mean_.size(); ++j)
    target[j] = static_cast<float>((static_cast<double>(target[j]) - mean_[j]) / deviation_[j]);
}

TargetUnits::Params TargetUnits::params_of(const Layer& layer, const Shape& in, std::byte* params) {
  const ParamArrays arrays = param_arrays(layer, in);
  const auto floats = [&](std::size_t i) {
    return std::span(reinterpret_cast<float*>(params + arrays.arrays[i].offset), arrays.arrays[i].count);
  };
  return {floats(stores_narrow_weights(layer) ? arrays.count - 1 : 0), floats(1)};
}

void TargetUnits::enter(const Params& params) const {
  for (std::size_t i = 0; i < params.factors.size(); ++i)
    params.factors[i] = static_cast<float>(static_cast<double>(params.factors[i]) / deviation_[i % mean_.size()]);
  standardize(params.bias);
}

void TargetUnits::leave(const Params& params) const {
  for (std::size_t i = 0; i < params.factors.size(); ++i)
    params.factors[i] = static_cast<float>(static_cast<double>(params.factors[i]) * deviation_[i % mean_.size()]);
  for (std::size_t j = 0; j < mean_.size(); ++j)
    params.bias[j] = static_cast<float>(static_cast<double>(params.bias[j]) * deviation_[j] + mean_[j]);
}

}  // namespace mote::tool
