// SPDX-License-Identifier: Apache-2.0
// Statistics of the inputs, and where they are stored. Nothing here knows of plans or arenas.
#include "mote/train/standardization.hpp"

#include <algorithm>

namespace mote {
namespace {

bool is_finite(float value) { return value - value == 0.0F; }

/// gamma and variance of a channel, so that gamma / sqrt(variance + epsilon) is one over its deviation. gamma is 1 but
/// where the square of the deviation vanishes beside epsilon, or is near the ends of float32.
struct Scale {
  float gamma, variance;
};
Scale scale_of(double variance, float epsilon) {
  const double smallest = 0x1p25 * static_cast<double>(epsilon), largest = 0x1p100;
  if (variance >= smallest && variance <= largest) return {1.0F, static_cast<float>(variance)};
  const double stored = variance < smallest ? 0.0 : largest;
  return {static_cast<float>(__builtin_sqrt((stored + static_cast<double>(epsilon)) / variance)),
          static_cast<float>(stored)};
}

}  // namespace

ChannelStatistics::ChannelStatistics(std::span<double> memory)
    : means_(memory.first(memory.size() / 2)), squares_(memory.subspan(memory.size() / 2, memory.size() / 2)) {
  std::fill(memory.begin(), memory.end(), 0.0);
}

Status ChannelStatistics::add(std::span<const float> values) {
  if (means_.empty() || values.size() % means_.size() != 0)
    return {Code::size_mismatch, kNoLayer, static_cast<std::uint32_t>(values.size())};
  for (std::size_t i = 0; i < values.size(); ++i)
    if (!is_finite(values[i])) return {Code::non_finite_data, kNoLayer, static_cast<std::uint32_t>(i)};
  for (std::size_t first = 0; first < values.size(); first += means_.size()) {
    const double share = 1.0 / static_cast<double>(++count_);
    for (std::size_t c = 0; c < means_.size(); ++c) {
      const double distance = static_cast<double>(values[first + c]) - means_[c];
      means_[c] += distance * share;
      squares_[c] += distance * (static_cast<double>(values[first + c]) - means_[c]);
    }
  }
  return {};
}

bool ChannelStatistics::is_constant(std::size_t channel) const {
  const double resolution = 0x1p-23 * mean(channel);
  return !(variance(channel) > resolution * resolution);
}

std::uint16_t standardization_layer(const Model& model) {
  for (std::size_t i = 1; i < model.layers.size(); ++i) {
    const Layer& layer = model.layers[i];
    if (layer.op == Op::batch_norm && !layer.trainable() && model.operand(layer) == 0)
      return static_cast<std::uint16_t>(i);
  }
  return kNoLayer;
}

Status set_standardization(const Model& model, const ChannelStatistics& statistics, std::span<std::byte> params) {
  const std::uint16_t index = standardization_layer(model);
  if (index == kNoLayer) return {Code::no_standardization};
  const Layer& layer = model.layers[index];
  const std::size_t channels = layer.shape.c;
  if (statistics.channels() != channels)
    return {Code::size_mismatch, index, static_cast<std::uint32_t>(statistics.channels())};
  if (statistics.count() == 0) return {Code::too_few_samples, index, 1};
  if (std::uint64_t{layer.param_offset} + layer.param_bytes > params.size()) return {Code::bad_parameter_range, index};
  auto* const gamma = reinterpret_cast<float*>(params.data() + layer.param_offset);
  for (std::size_t c = 0; c < channels; ++c) {
    const Scale scale = statistics.is_constant(c) ? Scale{0.0F, 1.0F} : scale_of(statistics.variance(c), layer.alpha);
    gamma[c] = scale.gamma;
    gamma[channels + c] = 0.0F;
    gamma[2 * channels + c] = static_cast<float>(statistics.mean(c));
    gamma[3 * channels + c] = scale.variance;
  }
  return {};
}

}  // namespace mote
