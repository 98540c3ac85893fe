// SPDX-License-Identifier: Apache-2.0
// A model's outputs as people read them: class names with probabilities, targets by name, anomaly scores.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "tool/data/data_set.hpp"
#include "tool/models/model_source.hpp"

namespace mote::tool {

class Predictions {
 public:
  /// What the outputs are follows from the data's description (the model's own where it has one) and its last layer:
  /// of a classifier logits become probabilities, of an autoencoder the reconstruction's mean squared error is told.
  Predictions(const OwnedModel& model, const DataSet& data);

  /// "label,prediction,p(setosa),p(versicolor)", "price", "anomaly score": names of the cells of a line. Pictures
  /// have a column "file" before these.
  [[nodiscard]] const std::vector<std::string>& columns() const { return columns_; }
  /// The cells of one sample. `input` are the model's inputs, `output` its outputs.
  [[nodiscard]] std::vector<std::string> cells(std::size_t index, std::span<const float> input,
                                               std::span<const float> output) const;
  /// Of an autoencoder: mean over the outputs of (output - input)^2.
  [[nodiscard]] bool scores_anomalies() const { return kind_ == Kind::anomaly; }
  [[nodiscard]] double anomaly_score(std::span<const float> input, std::span<const float> output) const;

  /// One line of a CSV file, quoted where it must be.
  static std::string line(const std::vector<std::string>& cells);

 private:
  enum class Kind : std::uint8_t { values, classes, anomaly };

  void name_columns(const OwnedModel& model);
  [[nodiscard]] std::vector<double> probabilities(std::span<const float> output) const;

  const DataSet& data_;
  Kind kind_ = Kind::values;
  bool logits_ = false;
  std::size_t outputs_ = 0;
  std::vector<std::string> classes_, columns_;
};

}  // namespace mote::tool
