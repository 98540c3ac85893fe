// SPDX-License-Identifier: Apache-2.0
// See predictions.hpp.
#include "tool/commands/predictions.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "tool/commands/arguments.hpp"

namespace mote::tool {

Predictions::Predictions(const OwnedModel& model, const DataSet& data)
    : data_(data), outputs_(static_cast<std::size_t>(model.view().output_shape().elements())) {
  name_columns(model);
  if (!data.sample_names().empty()) columns_.insert(columns_.begin(), "file");
}

void Predictions::name_columns(const OwnedModel& model) {
  const std::optional<Description> known = read_description(model.description);
  const std::string loss = known ? known->loss : "";
  const Op last = model.layers.back().op;
  const bool cross_entropy = loss == loss_name(Loss::softmax_cross_entropy) ||
                             loss == loss_name(Loss::binary_cross_entropy) || loss == loss_name(Loss::kl_divergence);
  logits_ = cross_entropy && last != Op::softmax && last != Op::sigmoid;
  if (known && known->reconstructs && outputs_ == data_.features()) {
    kind_ = Kind::anomaly;
    columns_ = {"anomaly score"};
    return;
  }
  const bool one_of_many = known && known->label && (outputs_ > 1 || cross_entropy);
  if (one_of_many || last == Op::softmax) {
    kind_ = Kind::classes;
    if (known) classes_ = known->classes;
    const std::size_t count = std::max<std::size_t>(outputs_, 2);
    if (classes_.size() != count) classes_.clear();
    for (std::size_t k = classes_.size(); k < count; ++k) classes_.push_back(std::to_string(k));
    if (data_.has_labels()) columns_.emplace_back("label");
    columns_.emplace_back("prediction");
    for (const std::string& name : classes_) columns_.push_back(fmt::format("p({})", name));
    return;
  }
  std::vector<std::string> names;
  for (std::size_t j = 0; known && j < known->targets.size(); ++j)
    names.push_back(known->targets[j].name.empty() ? fmt::format("output {}", j + 1) : known->targets[j].name);
  if (names.size() != outputs_) names.clear();
  for (std::size_t j = names.size(); j < outputs_; ++j) names.push_back(fmt::format("output {}", j + 1));
  if (data_.has_targets())
    for (const std::string& name : names) columns_.push_back(name);
  for (const std::string& name : names) columns_.push_back(data_.has_targets() ? "predicted " + name : name);
}

double Predictions::anomaly_score(std::span<const float> input, std::span<const float> output) const {
  double sum = 0.0;
  for (std::size_t j = 0; j < output.size(); ++j) {
    const auto z = static_cast<double>(output[j]);
    const double made = logits_ ? 1.0 / (1.0 + std::exp(-z)) : z;
    sum += (made - static_cast<double>(input[j])) * (made - static_cast<double>(input[j]));
  }
  return sum / static_cast<double>(output.size());
}

std::vector<double> Predictions::probabilities(std::span<const float> output) const {
  std::vector<double> out(output.begin(), output.end());
  if (output.size() == 1) {
    const double p = logits_ ? 1.0 / (1.0 + std::exp(-out[0])) : out[0];
    return {1.0 - p, p};
  }
  if (!logits_) return out;
  const double most = *std::max_element(out.begin(), out.end());
  double sum = 0.0;
  for (double& value : out) sum += value = std::exp(value - most);
  for (double& value : out) value /= sum;
  return out;
}

std::vector<std::string> Predictions::cells(std::size_t index, std::span<const float> input,
                                            std::span<const float> output) const {
  std::vector<std::string> out;
  if (!data_.sample_names().empty()) out.push_back(data_.sample_names()[index]);
  if (kind_ == Kind::anomaly) {
    out.push_back(fmt::format("{:.6g}", anomaly_score(input, output)));
  } else if (kind_ == Kind::classes) {
    const std::vector<double> p = probabilities(output);
    const auto best = static_cast<std::size_t>(std::max_element(p.begin(), p.end()) - p.begin());
    const bool numbers = std::all_of(p.begin(), p.end(), [](double value) { return !std::isnan(value); });
    if (data_.has_labels())
      out.push_back(data_.label(index) < 0 ? std::to_string(data_.label(index))
                                           : classes_[static_cast<std::size_t>(data_.label(index))]);
    out.push_back(numbers ? classes_[best] : "nan");
    for (const double value : p) out.push_back(fmt::format("{:.6g}", value));
  } else {
    if (data_.has_targets()) {
      std::vector<float> target(data_.target_width());
      data_.copy_target(index, target);
      for (const float value : target) out.push_back(fmt::format("{}", value));
    }
    for (const float value : output) out.push_back(fmt::format("{}", value));
  }
  return out;
}

std::string Predictions::line(const std::vector<std::string>& cells) {
  std::string out;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (i > 0) out += ',';
    if (cells[i].find_first_of(",\"\r\n") == std::string::npos) {
      out += cells[i];
      continue;
    }
    out += '"';
    for (const char c : cells[i]) out += c == '"' ? "\"\"" : std::string(1, c);
    out += '"';
  }
  return out + '\n';
}

}  // namespace mote::tool
