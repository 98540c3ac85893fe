// SPDX-License-Identifier: Apache-2.0
// Standardisation of a network's inputs, learned from data and stored in the model: a frozen batch norm right behind
// the input (builder standardize()), whose mean and variance are those of the training samples. No layer of its own, so
// it runs, folds, trains and is saved like every batch norm.
#pragma once

#include "mote/requirements.hpp"
#ifndef MOTE_WARN_IN_HEADERS
#pragma GCC system_header
#endif

#include <cstddef>
#include <cstdint>
#include <span>

#include "mote/model/model.hpp"

namespace mote {

/// Mean and variance of every channel of a stream of samples, by Welford's recurrence in double.
class ChannelStatistics {
 public:
  /// `memory`: two doubles a channel; it stays with the caller and is cleared.
  explicit ChannelStatistics(std::span<double> memory);

  /// Values with the channel as the fastest index: whole pixels, any number of them. Errors, nothing being added:
  /// size_mismatch (a pixel is cut), non_finite_data (detail: the value's index).
  Status add(std::span<const float> values);

  [[nodiscard]] std::size_t channels() const { return means_.size(); }
  /// Values seen of each channel.
  [[nodiscard]] std::uint64_t count() const { return count_; }
  [[nodiscard]] double mean(std::size_t channel) const { return means_[channel]; }
  /// Mean square distance from the mean (divided by count, not count - 1).
  [[nodiscard]] double variance(std::size_t channel) const {
    return count_ == 0 ? 0.0 : squares_[channel] / static_cast<double>(count_);
  }
  /// The channel does not vary beyond the precision of float32: its deviation is at most 2^-23 of its mean. How large
  /// either is does not matter: picofarads vary as well as counts of 1e20 do.
  [[nodiscard]] bool is_constant(std::size_t channel) const;

 private:
  std::span<double> means_, squares_;
  std::uint64_t count_ = 0;
};

/// Index of the layer that standardises the model's input: a frozen batch norm that reads it. kNoLayer if there is
/// none.
std::uint16_t standardization_layer(const Model& model);

/// Writes y = (x - mean) / sqrt(variance) into that layer's parameters; a constant channel becomes 0. Where float32 or
/// the layer's epsilon has no room for a variance, gamma makes up for another one: deviations from 1e-38 to 8e37 are
/// divided out. `params` is the model's block, which the caller may write (model.params points at it). Errors, nothing
/// being written: no_standardization, size_mismatch (channels), too_few_samples (none seen), bad_parameter_range (block
/// too small).
Status set_standardization(const Model& model, const ChannelStatistics& statistics, std::span<std::byte> params);

}  // namespace mote
