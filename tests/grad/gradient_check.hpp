// SPDX-License-Identifier: Apache-2.0
// Central differences against the gradients that a Trainer computes, for every parameter of a Problem and along every
// way a gradient can take: own buffer, one block for all layers, micro-batches, fused into the update.
#pragma once

#include "grad/problem.hpp"

namespace mote::test {

/// How far a gradient may be from the difference quotient: relative to the largest element of the array, and absolute.
/// Noise of the quotient: the loss L carries about 1e-7 L, which the stencil divides by 0.75 step.
struct Tolerance {
  double step = 1.0 / 32.0;
  double relative = 2e-4;
  double absolute = 5e-6;
};

/// Calls `visit(layer, array, first index in the trained block)` for every array of every trained layer.
template <class Visit>
void for_trained_arrays(const Case& c, std::uint32_t alignment, Visit&& visit) {
  for (std::size_t i = 1; i < c.layers.size(); ++i) {
    if (!c.layers[i].trainable()) continue;
    const std::size_t first = trained_offset(c.layers, i, alignment) / sizeof(float);
    for (const ParamArray& array : param_arrays(c.layers[i], c.layers[c.layers[i].inputs[0]].shape))
      visit(i, array, first + array.offset / sizeof(float));
  }
}

class GradientCheck {
 public:
  explicit GradientCheck(const Case& c) : case_(c), problem_(c) {}

  void run(const Tolerance& tolerance = {}) {
    SCOPED_TRACE(case_.name);
    TrainConfig config = case_.config;
    config.optimizer = momentum({.learning_rate = 1.0F, .momentum = 0.0});  // its state is then exactly -gradient
    analytic_ = gradient(config, analytic_values_);
    compare(config, tolerance);
    check_ways(config);
  }
  /// The largest error in multiples of what is allowed, when every gradient is first multiplied by `factor`.
  double worst_after_scaling(float factor, const Tolerance& tolerance = {}) {
    TrainConfig config = case_.config;
    config.optimizer = momentum({.learning_rate = 1.0F, .momentum = 0.0});
    analytic_ = gradient(config, analytic_values_);
    for (float& value : analytic_values_) value *= factor;
    worst_ = 0.0, quiet_ = true;
    compare(config, tolerance);
    return worst_;
  }

  /// The gradient of one batch, by the state of momentum without momentum; running statistics' entries are left out.
  std::span<const float> gradient(const TrainConfig& config, std::span<float> values) {
    Trainer trainer = problem_.trainer(config);
    loss_ = problem_.train_batch(trainer);
    const std::span<const std::byte> state = trainer.optimizer_state1();
    const auto* floats = reinterpret_cast<const float*>(state.data());
    const std::size_t count = state.size() / sizeof(float);
    EXPECT_LE(count, values.size());
    for (std::size_t i = 0; i < count; ++i) values[i] = -floats[i];
    return values.first(count);
  }
  [[nodiscard]] double loss() const { return loss_; }
  [[nodiscard]] Problem& problem() { return problem_; }

 private:
  /// Penalties are no part of the reported loss; the objective's value is wanted, so they are added here.
  [[nodiscard]] double penalty() {
    const auto l1 = static_cast<double>(case_.config.l1), l2 = static_cast<double>(case_.config.l2);
    double sum = 0.0;
    if (l1 == 0.0 && l2 == 0.0) return sum;
    for_trained_arrays(case_, case_.config.alignment, [&](std::size_t, const ParamArray& array, std::size_t first) {
      if (!array.weight && !(case_.config.penalize_bias && array.learned)) return;
      for (std::size_t i = first; i < first + array.count; ++i) {
        const auto value = static_cast<double>(params()[i]);
        sum += l1 * (value < 0.0 ? -value : value) + 0.5 * l2 * value * value;
      }
    });
    return sum;
  }
  [[nodiscard]] std::span<float> params() {
    const std::span<std::byte> block = trainer_.parameters();
    return {reinterpret_cast<float*>(block.data()), block.size() / sizeof(float)};
  }
  void compare(const TrainConfig& config, const Tolerance& tolerance) {
    trainer_ = problem_.trainer(without_update(config));
    for_trained_arrays(case_, config.alignment, [&](std::size_t layer, const ParamArray& array, std::size_t first) {
      if (array.learned) compare_array(layer, array, first, tolerance);
    });
  }
  /// The same training-mode loss, with a learning rate that changes no parameter.
  static TrainConfig without_update(TrainConfig config) {
    config.optimizer.learning_rate = 1e-30F;
    return config;
  }
  double objective(std::size_t index, double shift) {
    const Status loaded = trainer_.load_params(problem_.model());  // dropout's stream starts again too
    EXPECT_TRUE(loaded.ok());
    params()[index] = static_cast<float>(static_cast<double>(params()[index]) + shift);
    const double penalized = penalty();
    return problem_.train_batch(trainer_) + penalized;
  }
  /// f' = (8 (f(h) - f(-h)) - (f(2h) - f(-2h))) / 12 h, error h^4 f'''''/30.
  double quotient(std::size_t index, double h) {
    const double near = objective(index, h) - objective(index, -h);
    const double far = objective(index, 2.0 * h) - objective(index, -2.0 * h);
    return (8.0 * near - far) / (12.0 * h);
  }
  void compare_array(std::size_t layer, const ParamArray& array, std::size_t first, const Tolerance& tolerance) {
    double largest = 0.0;
    for (std::size_t i = first; i < first + array.count; ++i) {
      const auto magnitude = static_cast<double>(__builtin_fabsf(analytic_[i]));
      largest = magnitude > largest ? magnitude : largest;
    }
    const double allowed = tolerance.relative * largest + tolerance.absolute * (1.0 + loss_);
    for (std::size_t i = 0; i < array.count; ++i) {
      const double error = quotient(first + i, tolerance.step) - static_cast<double>(analytic_[first + i]);
      const double excess = (error < 0.0 ? -error : error) / allowed;
      worst_ = excess > worst_ ? excess : worst_;
      EXPECT_TRUE(excess <= 1.0 || quiet_) << "layer " << layer << ", " << array.name << "[" << i << "]: gradient "
                                           << analytic_[first + i] << ", wrong by " << error;
    }
  }

  /// The gradient may be kept in one block (clipping), summed over slices, or go straight into the parameters.
  void check_ways(const TrainConfig& config) {
    TrainConfig block = config;
    block.clip_norm = 1e30F;
    expect_close(gradient(block, other_values_), 0.0, "one block of gradients");
    bool per_sample = true;  // batch statistics and dropout masks depend on the slices
    for (const Layer& layer : case_.layers)
      if ((layer.op == Op::batch_norm && layer.trainable()) || is_regularizer(layer.op)) per_sample = false;
    if (per_sample && config.micro_batch == 0) {
      TrainConfig slices = config;
      slices.micro_batch = 1;
      expect_close(gradient(slices, other_values_), 2e-6, "micro-batches");
    }
    if (config.micro_batch == 0) {
      TrainConfig fused = config;
      fused.optimizer = sgd({.learning_rate = 1.0F});
      expect_close(gradient_of_sgd(fused), 2e-6, "fused into the update");
    }
  }
  std::span<const float> gradient_of_sgd(const TrainConfig& config) {
    Trainer trainer = problem_.trainer(config);
    trainer_ = trainer;
    const std::span<float> values = params();
    for (std::size_t i = 0; i < values.size(); ++i) other_values_[i] = values[i];
    static_cast<void>(problem_.train_batch(trainer));
    for (std::size_t i = 0; i < values.size(); ++i) other_values_[i] -= values[i];
    return std::span<const float>(other_values_).first(values.size());
  }
  void expect_close(std::span<const float> other, double tolerance, const char* way) {
    ASSERT_EQ(other.size(), analytic_.size()) << way;
    for_trained_arrays(
        case_, case_.config.alignment, [&](std::size_t layer, const ParamArray& array, std::size_t first) {
          if (!array.learned) return;
          for (std::size_t i = first; i < first + array.count; ++i)
            EXPECT_NEAR(other[i], analytic_[i], tolerance * (1.0 + static_cast<double>(__builtin_fabsf(analytic_[i]))))
                << way << ", layer " << layer << ", " << array.name << "[" << i - first << "]";
        });
  }

  static constexpr std::size_t kMaxParams = 4096;
  const Case& case_;
  Problem problem_;
  Trainer trainer_{};
  std::span<const float> analytic_{};
  double loss_ = 0.0, worst_ = 0.0;
  bool quiet_ = false;
  static inline std::array<float, kMaxParams> analytic_values_{}, other_values_{};
};

}  // namespace mote::test
