// SPDX-License-Identifier: Apache-2.0
// A training problem small enough to be checked by hand: a network, a configuration, and parameters and data made from
// a linear congruential generator, so that tests/golden/make_golden.py makes the same ones. Used by grad, golden,
// train.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "check.hpp"
#include "kernels/guarded.hpp"
#include "mote/mote.hpp"

namespace mote::test {

/// Values of the layer under test. A case begins with input(batch), dense(n, {.bias = false}): sample i is the i-th
/// unit vector, so row i of the weights is what the next layer sees, and their gradient is that layer's grad_input.
enum class Fill : std::uint8_t {
  smooth,    ///< uniform in [-1, 1)
  grid,      ///< odd eighths in (-8, 8): no closer than 1/8 to an integer, where the piecewise functions have kinks
  distinct,  ///< 0.15 apart within any 53 neighbours: a maximum stays where it is
  data,      ///< no unit vectors: inputs uniform in [-1, 1), the first layer's weights like all others
};

struct Case {
  const char* name;
  std::span<const Layer> layers;
  std::uint32_t param_bytes;
  TrainConfig config;
  Fill fill = Fill::smooth;
  std::uint32_t seed = 1;

  [[nodiscard]] constexpr Model model(const std::byte* params) const { return {layers, params, param_bytes, 16}; }
};

/// A case of squared error, where nothing else is said.
template <std::size_t N>
constexpr Case make_case(const char* name, const Network<N>& network, std::uint32_t batch, Fill fill = Fill::smooth,
                         TrainConfig config = {.loss = Loss::squared_error}, std::uint32_t seed = 1) {
  config.batch = batch;
  return {name, network.layers, network.param_bytes, config, fill, seed};
}

inline constexpr std::array<float, 4> kClassWeights{0.5F, 2.0F, 1.25F, 0.75F};

/// Parameters and data of a case, and how to give them to a trainer. One at a time: the arrays are static.
class Problem {
 public:
  explicit Problem(const Case& c) : case_(c), numbers_(c.seed) {
    fill_params();
    fill_data();
  }

  [[nodiscard]] Model model() const { return case_.model(params_.data()); }
  [[nodiscard]] const Case& the_case() const { return case_; }
  [[nodiscard]] std::span<float> params(std::size_t layer) const {
    const Layer& l = case_.layers[layer];
    return {reinterpret_cast<float*>(params_.data() + l.param_offset), l.param_bytes / sizeof(float)};
  }
  static std::span<std::byte> arena() { return arena_; }

  /// A trainer with the case's parameters. A plan that fails stops the program: there is nothing to go on with.
  [[nodiscard]] Trainer trainer(const TrainConfig& config) const {
    const Result<Trainer> trainer = Trainer::create(model(), config, arena_);
    EXPECT_TRUE(trainer.ok()) << case_.name << ": " << name(trainer.status().code) << ", layer "
                              << trainer.status().layer;
    if (!trainer.ok()) __builtin_trap();
    return *trainer;
  }

  /// Gives slice `index` of the batch to a trainer.
  template <class AnyTrainer>
  void feed(AnyTrainer& trainer, std::size_t index = 0) const {
    const std::size_t samples = trainer.slice_samples(), first = index * samples;
    const std::size_t features = static_cast<std::size_t>(case_.layers[0].shape.elements()),
                      outputs = static_cast<std::size_t>(trainer.output_shape().elements());
    copy(inputs_.data() + first * features, trainer.input().data(), samples * features);
    if (!trainer.targets().empty())
      copy(targets_.data() + first * outputs, trainer.targets().data(), samples * outputs);
    for (std::size_t i = 0; i < trainer.labels().size(); ++i) trainer.labels()[i] = labels_[first + i];
    for (std::size_t i = 0; i < trainer.sample_weights().size(); ++i)
      trainer.sample_weights()[i] = sample_weights_[first + i];
  }

  /// One batch, slice by slice; the mean of the slices' losses.
  double train_batch(Trainer& trainer) const {
    const std::size_t slices = trainer.config().batch / trainer.slice_samples();
    double loss = 0.0;
    for (std::size_t i = 0; i < slices; ++i) {
      feed(trainer, i);
      const Result<float> step = trainer.step();
      EXPECT_TRUE(step.ok()) << case_.name << ": " << name(step.status().code);
      loss += static_cast<double>(*step);
    }
    return loss / static_cast<double>(slices);
  }

  std::span<float> inputs() { return inputs_; }
  std::span<float> targets() { return targets_; }
  std::span<std::int32_t> labels() { return labels_; }

 private:
  static constexpr std::size_t kFloats = 4096, kSamples = 64;

  float table_value(std::size_t i) {
    if (case_.fill == Fill::grid) return static_cast<float>(static_cast<int>(numbers_.next() * 32.0F)) / 4.0F + 0.125F;
    if (case_.fill == Fill::distinct) return static_cast<float>((i * 29 + 7) % 53) * 0.15F - 4.0F;
    return numbers_.next();
  }

  void fill_params() {
    for (std::size_t i = 0; i < case_.layers.size(); ++i) {
      const Layer& layer = case_.layers[i];
      const Shape in = i == 0 ? Shape{} : case_.layers[layer.inputs[0]].shape;
      std::size_t k = 0;
      for (const ParamArray& array : param_arrays(layer, in)) {
        float* values = reinterpret_cast<float*>(params_.data() + layer.param_offset + array.offset);
        ASSERT_LE(layer.param_offset + layer.param_bytes, params_.size());
        if (i == 1 && case_.fill != Fill::data) {
          for (std::size_t j = 0; j < array.count; ++j) values[j] = table_value(j);
        } else if (layer.op == Op::batch_norm) {  // gamma and variance around 1, beta and mean around 0
          numbers_.fill(values, array.count, 0.375F, k == 0 || k == 3 ? 1.0F : 0.0F);
        } else if (layer.op == Op::rbf) {
          numbers_.fill(values, array.count, k == 0 ? 1.0F : 0.25F);
        } else if (layer.op == Op::spline && k == 0) {  // inside (-1, 1), so that some inputs lie outside
          const float spacing = 1.5F / static_cast<float>(layer.knots() - 1);
          for (std::size_t j = 0; j < array.count; ++j)
            values[j] = spacing * (static_cast<float>(j % layer.knots()) + 0.25F * numbers_.next()) - 0.75F;
        } else {
          numbers_.fill(values, array.count, 0.5F);
        }
        ++k;
      }
    }
  }

  void fill_data() {
    const std::size_t batch = case_.config.batch, features = static_cast<std::size_t>(case_.layers[0].shape.elements());
    const std::size_t outputs =
        static_cast<std::size_t>(case_.layers[loss_layer({case_.layers}, case_.config.loss)].shape.elements());
    ASSERT_LE(batch, kSamples);
    ASSERT_LE(batch * features, kFloats);
    ASSERT_LE(batch * outputs, kFloats);
    if (case_.fill == Fill::data) {
      numbers_.fill(inputs_.data(), batch * features);
    } else {
      for (std::size_t i = 0; i < batch * features; ++i) inputs_[i] = i / features == i % features ? 1.0F : 0.0F;
    }
    for (std::size_t s = 0; s < batch; ++s) fill_target(s, outputs);
    for (std::size_t s = 0; s < batch; ++s) sample_weights_[s] = 1.0F + 0.75F * numbers_.next();
  }

  void fill_target(std::size_t sample, std::size_t outputs) {
    const TrainConfig& c = case_.config;
    float* row = targets_.data() + sample * outputs;
    if (c.targets == Targets::input) return;
    if (c.loss == Loss::squared_error) {
      numbers_.fill(row, outputs);
    } else if (c.loss == Loss::binary_cross_entropy) {
      numbers_.fill(row, outputs, 0.5F, 0.5F);
      for (std::size_t j = 0; c.signed_labels && j < outputs; ++j) row[j] = row[j] < 0.5F ? -1.0F : 1.0F;
    } else {  // a distribution
      numbers_.fill(row, outputs, 0.5F, 0.75F);
      float sum = 0.0F;
      for (std::size_t j = 0; j < outputs; ++j) sum += row[j];
      for (std::size_t j = 0; j < outputs; ++j) row[j] /= sum;
    }
    const auto index = static_cast<std::int32_t>(sample);
    const bool binary = c.loss == Loss::binary_cross_entropy;
    labels_[sample] = binary ? (index % 3 == 0 ? (c.signed_labels ? -1 : 0) : 1)
                             : (2 * index + 1) % static_cast<std::int32_t>(outputs);
  }

  const Case& case_;
  Numbers numbers_;
  alignas(16) static inline std::array<std::byte, 32 * 1024> params_{};
  alignas(16) static inline std::array<std::byte, 256 * 1024> arena_{};
  static inline std::array<float, kFloats> inputs_{}, targets_{};
  static inline std::array<float, kSamples> sample_weights_{};
  static inline std::array<std::int32_t, kSamples> labels_{};
};

}  // namespace mote::test
