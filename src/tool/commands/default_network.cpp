// SPDX-License-Identifier: Apache-2.0
// See default_network.hpp. How the numbers do on small tables: bench/README.md, "Beside scikit-learn".
#include "tool/commands/default_network.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "tool/terminal/error.hpp"

namespace mote::tool {
namespace {

constexpr std::size_t kLargestTable = 1'000'000;

std::size_t outputs_for(const DataSet& data) {
  if (data.reconstructs())
    throw usage_error("an autoencoder needs a network: nothing says how narrow its middle shall be",
                      "give one with --model, such as \"input 30; dense 8; tanh; dense 30\"")
        .in(data.path());
  if (data.has_targets()) return data.target_width();
  if (!data.has_labels())
    throw usage_error("there are no labels for the training samples",
                      "give --labels, or a CSV file with a label column")
        .in(data.path());
  const std::vector<std::string>& names = data.description().classes;
  if (!names.empty()) return std::max<std::size_t>(names.size(), 2);
  constexpr std::size_t kMostClasses = 1000;
  const auto most = static_cast<std::size_t>(std::max(std::ranges::max(data.labels()), 1));
  if (most >= kMostClasses || (most >= 64 && most >= data.size() / 4))
    throw usage_error(fmt::format("the labels are whole numbers up to {}, more than classes can be", most),
                      "if they are amounts to be predicted, name the column with --targets; else give the network with "
                      "--model")
        .in(data.target_path());
  return most + 1;
}

/// Every channel has a deviation of `smallest` to 5 and a mean within ±10 (or is constant there).
bool near_unit_scale(const DataSet& data, std::size_t channels, double smallest) {
  constexpr double kLargest = 5.0, kFarthest = 10.0;
  std::vector<double> sum(channels, 0.0), squares(channels, 0.0);
  std::vector<float> sample(data.features());
  const auto count = static_cast<double>(data.size()) * static_cast<double>(sample.size() / channels);
  for (std::size_t i = 0; i < data.size(); ++i) {
    data.copy_sample(i, sample);
    for (std::size_t j = 0; j < sample.size(); ++j) {
      const auto value = static_cast<double>(sample[j]);
      sum[j % channels] += value, squares[j % channels] += value * value;
    }
  }
  for (std::size_t j = 0; j < channels; ++j) {
    const double mean = sum[j] / count, deviation = std::sqrt(std::max(0.0, squares[j] / count - mean * mean));
    if (std::abs(mean) > kFarthest || deviation > kLargest || (deviation != 0.0 && deviation < smallest)) return false;
  }
  return true;
}

/// Of a table or flat array: the inputs' own scales say something.
bool keeps_scales(const DataSet& data) { return near_unit_scale(data, data.features(), 0.2); }

}  // namespace

std::string default_network(const DataSet& data) {
  const std::size_t outputs = outputs_for(data);
  const std::vector<std::uint64_t>& dims = data.sample_dims();
  constexpr std::uint64_t kLeastSide = 8;
  if (dims.size() == 2 && data.description().windows.length != 0)
    return fmt::format("input {}x{}; standardize; gaussian_noise 0.5; flatten; dense 100; relu; dropout 0.5; dense {}",
                       dims[0], dims[1], outputs);
  const std::uint64_t channels = dims.size() == 3 ? dims[2] : 1;
  if (dims.size() >= 2 && dims.size() <= 3 && data.description().windows.length == 0 && channels <= 4 &&
      std::min(dims[0], dims[1]) >= kLeastSide)
    return fmt::format(
        "input {}x{}x{}; {}conv2d 16 3x3 same; relu; max_pool 2; conv2d 32 3x3 same; relu; max_pool 2; flatten; dense "
        "{}",
        dims[0], dims[1], channels, near_unit_scale(data, channels, 0.05) ? "" : "standardize; ", outputs);
  return fmt::format("input {}; {}; dense {}", data.features(),
                     keeps_scales(data) ? "dense 100; relu" : "standardize; dense 32; tanh", outputs);
}

DefaultTraining default_training(const DataSet& data, bool optimizer_chosen, std::uint32_t batch) {
  const auto samples = static_cast<double>(data.size());
  if (!optimizer_chosen && data.sample_dims().size() <= 1 && data.size() <= kLargestTable)
    return {true, 200, static_cast<float>((data.has_labels() && keeps_scales(data) ? 1.0 : 10.0) / samples)};
  const double epochs = std::ceil(3000.0 * batch / samples);
  return {false, static_cast<unsigned>(std::clamp(epochs, 10.0, 500.0)), 0.0F};
}

}  // namespace mote::tool
