// SPDX-License-Identifier: Apache-2.0
// Two models on the same inputs, value by value: what mote compare shows and what tests of the exporter ask.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "tool/data/array.hpp"
#include "tool/models/model_text.hpp"

namespace mote::tool {

/// Values of the two models that stand for the same, and how far they are apart over all samples.
struct ValuePair {
  std::size_t a = 0, b = 0;  ///< layers
  std::string name;
  double largest = 0.0, root_mean_square = 0.0;  ///< of the difference
  /// Of the first model's value over the difference, in dB; infinite: they are equal.
  double signal_to_noise = std::numeric_limits<double>::infinity();
};
struct Comparison {
  std::vector<ValuePair> pairs;               ///< in the order of the first model
  std::vector<std::size_t> alone_a, alone_b;  ///< layers whose values have no counterpart
  std::size_t falls = 0;                      ///< the first pair whose ratio falls; pairs.size(): none
  std::uint64_t samples = 0;
};

/// Values are paired by name where both have one, else in order where shapes are equal. Values that a layer behind
/// joins (a batch norm that the other model has folded, a clamp of integers) are left out. Runs both, sample by sample,
/// with states that begin anew. `inputs`: of the first model's inputs in their order, with as many samples each.
/// `drop`: by how many dB a ratio falls below those before it to be one that falls. Throws Error.
Comparison compare_models(const OwnedModel& a, const OwnedModel& b, const std::vector<Array>& inputs, double drop);
/// Likewise, of pairs that are known.
Comparison compare_pairs(const OwnedModel& a, const OwnedModel& b, const std::vector<Array>& inputs,
                         std::vector<ValuePair> pairs, double drop);
/// Samples in the arrays, which are of the inputs of both models in their order; throws where they do not fit.
std::uint64_t samples_of(const Model& a, const Model& b, const std::vector<Array>& inputs);

/// A ratio in dB for tables, or "equal".
std::string ratio_text(double ratio);

/// The arrays that `files` name (NAME=FILE.npy, or FILE.npy of the only one), one for each input in their order.
std::vector<Array> input_arrays(const Model& model, const std::vector<std::string>& files);

}  // namespace mote::tool
