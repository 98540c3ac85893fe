// SPDX-License-Identifier: Apache-2.0
// Targets in units of their own spread while a network learns, and the way back: into the last dense layer, so that the
// stored model speaks the data's units and no device has to know.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "mote/train/loss.hpp"
#include "tool/data/data_set.hpp"
#include "tool/models/model_source.hpp"

namespace mote::tool {

class TargetUnits {
 public:
  TargetUnits() = default;  ///< as the data have them
  /// Mean and standard deviation of each target over the samples named by `indices`; a constant one keeps its scale.
  TargetUnits(const DataSet& data, std::span<const std::uint32_t> indices);

  /// Squared error on values, behind a dense layer with a bias that is trained.
  static bool possible(const OwnedModel& model, Loss loss, const DataSet& data);

  [[nodiscard]] bool active() const { return !mean_.empty(); }
  [[nodiscard]] const std::vector<double>& mean() const { return mean_; }
  [[nodiscard]] const std::vector<double>& deviation() const { return deviation_; }

  /// (target - mean) / deviation.
  void standardize(std::span<float> target) const;
  /// What `layer`, the last one with an input of shape `in`, is scaled by and shifted by. enter(): from a model that
  /// gives the data's units to one that gives standardised targets; leave(): back. Both in double, rounded once.
  struct Params {
    std::span<float> factors;  ///< weights (fan_in, targets) or, of int8 weights, their scales (targets)
    std::span<float> bias;
  };
  static Params params_of(const Layer& layer, const Shape& in, std::byte* params);
  void enter(const Params& params) const;
  void leave(const Params& params) const;

 private:
  std::vector<double> mean_, deviation_;
};

}  // namespace mote::tool
