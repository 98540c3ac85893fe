// SPDX-License-Identifier: Apache-2.0
// What TrainConfig, the builders and the initialisers say in words: the order in which gradients are penalised and
// clipped, whose statistics batch norm takes, what penalties reach, what a fan is.
#include <array>
#include <bit>
#include <cmath>

#include "check.hpp"
#include "mote/model/builders.hpp"
#include "mote/train/trainer.hpp"
#include "unit/memory.hpp"

namespace mote {
namespace {

using test::kArenaBytes;
using test::memory;

Result<Trainer> make(const Model& model, const TrainConfig& config) {
  return Trainer::create(model, config, std::span(memory).first(kArenaBytes));
}
float* parameters(Trainer& trainer) { return reinterpret_cast<float*>(trainer.parameters().data()); }

/// Two weights without bias, one sample (1, 2), target 0: the gradient is 2 y x.
TEST(training_rules, penalties_then_norm_then_value) {
  constexpr auto kNet = sequential(input(2), dense(1, {.bias = false}));
  TrainConfig config{.loss = Loss::squared_error, .optimizer = sgd({.learning_rate = 1.0F})};
  config.l1 = 0.5F, config.l2 = 2.0F, config.clip_norm = 10.0F, config.clip_value = 6.5F, config.gradient_norms = true;
  Result<Trainer> trainer = make(kNet.model(), config);
  ASSERT_TRUE(trainer.ok());
  float* const w = parameters(*trainer);
  w[0] = 3.0F, w[1] = -4.0F;
  trainer->input()[0] = 1.0F, trainer->input()[1] = 2.0F;
  trainer->targets()[0] = 0.0F;
  ASSERT_TRUE(trainer->step().ok());
  const double y = 3.0 - 8.0;
  std::array<double, 2> g{2 * y * 1.0, 2 * y * 2.0};  // -10, -20
  EXPECT_NEAR(static_cast<double>(trainer->gradient_norms()[1]), std::sqrt(g[0] * g[0] + g[1] * g[1]), 1e-4)
      << "before all of it";
  g[0] += 0.5 + 2.0 * 3.0, g[1] += -0.5 + 2.0 * -4.0;  // -3.5, -28.5
  const double norm = std::sqrt(g[0] * g[0] + g[1] * g[1]);
  for (double& v : g) v *= 10.0 / norm;  // -1.219, -9.926
  g[1] = -6.5;
  EXPECT_NEAR(static_cast<double>(w[0]), 3.0 - g[0], 1e-5);
  EXPECT_NEAR(static_cast<double>(w[1]), -4.0 - g[1], 1e-5);
}

TEST(training_rules, slices_are_added_before_anything_is_clipped) {
  constexpr auto kNet = sequential(input(1), dense(1, {.bias = false}));
  TrainConfig config{
      .loss = Loss::squared_error, .optimizer = sgd({.learning_rate = 1.0F}), .batch = 2, .micro_batch = 1};
  config.clip_value = 1.0F;
  Result<Trainer> trainer = make(kNet.model(), config);
  ASSERT_TRUE(trainer.ok());
  parameters(*trainer)[0] = 0.0F;
  for (const float target : {4.0F, -4.25F}) {  // gradients -4 and 4.25 of the batch's mean: together 0.25
    trainer->input()[0] = 1.0F;
    trainer->targets()[0] = target;
    ASSERT_TRUE(trainer->step().ok());
  }
  EXPECT_EQ(parameters(*trainer)[0], -0.25F);
}

constexpr auto kNormed = sequential(input(1), batch_norm(), dense(1, {.bias = false}));
constexpr auto kFrozenNormed = sequential(input(1), batch_norm({.trainable = false}), dense(1, {.bias = false}));

/// Loss of the first slice of {0, 2 | 10, 14} with weight 1 and targets 0.
float first_loss(const Model& model, std::uint32_t micro_batch, Result<Trainer>& trainer) {
  TrainConfig config{.loss = Loss::squared_error, .optimizer = sgd({.learning_rate = 1e-3F}), .batch = 4};
  config.micro_batch = micro_batch;
  trainer = make(model, config);
  EXPECT_TRUE(trainer.ok());
  const Model trained = trainer->model();
  const_cast<float*>(reinterpret_cast<const float*>(layer_params(trained, 2)))[0] = 1.0F;
  constexpr std::array<float, 4> kValues{0.0F, 2.0F, 10.0F, 14.0F};
  float first = 0.0F;
  for (std::uint32_t i = 0; i < 4; i += trainer->slice_samples()) {
    for (std::uint32_t s = 0; s < trainer->slice_samples(); ++s) {
      trainer->input()[s] = kValues[i + s];
      trainer->targets()[s] = 0.0F;
    }
    const Result<float> loss = trainer->step();
    EXPECT_TRUE(loss.ok());
    if (i == 0) first = *loss;
  }
  return first;
}

TEST(training_rules, batch_norm_takes_each_slices_statistics) {
  Result<Trainer> trainer = Status{Code::no_layers};
  // Standardised by their own slice, all values have a mean square of 1 (variance 1: epsilon takes 1e-5 of it).
  EXPECT_NEAR(static_cast<double>(first_loss(kNormed.model(), 2, trainer)), 1.0, 1e-4);
  const auto* norm = reinterpret_cast<const float*>(layer_params(trainer->model(), 1));
  // Running statistics move once, by the mean of the slices': means 1 and 12; unbiased variances 2 and 8, or biased.
  EXPECT_NEAR(static_cast<double>(norm[2]), 0.1 * (1.0 + 12.0) / 2, 1e-5);
  EXPECT_NEAR(static_cast<double>(norm[3]), 0.9 + 0.1 * (2.0 + 8.0) / 2, 1e-4);
  static_cast<void>(first_loss(kNormed.model(), 0, trainer));  // whole: mean 6.5, unbiased variance 43.666…
  norm = reinterpret_cast<const float*>(layer_params(trainer->model(), 1));
  EXPECT_NEAR(static_cast<double>(norm[2]), 0.65, 1e-5);
  EXPECT_NEAR(static_cast<double>(norm[3]), 0.9 + 0.1 * 131.0 / 3, 1e-4);
}

TEST(training_rules, frozen_batch_norm_keeps_its_statistics) {
  alignas(16) static constexpr std::array<float, 5> kParams{2.0F, 1.0F, 4.0F, 9.0F};  // gamma, beta, mean, variance
  Model model = kFrozenNormed.model();
  ASSERT_EQ(model.layers[1].param_offset, 0U);
  alignas(16) std::array<float, 16> params{};
  std::copy(kParams.begin(), kParams.end(), params.begin());
  model = kFrozenNormed.model(reinterpret_cast<const std::byte*>(params.data()));
  Result<Trainer> trainer = Status{Code::no_layers};
  const float loss = first_loss(model, 2, trainer);
  const auto y = [](double x) { return 2.0 * (x - 4.0) / std::sqrt(9.0 + 1e-5) + 1.0; };
  EXPECT_NEAR(static_cast<double>(loss), (y(0.0) * y(0.0) + y(2.0) * y(2.0)) / 2, 1e-4);
  EXPECT_TRUE(std::equal(kParams.begin(), kParams.begin() + 4, params.begin()));
}

TEST(training_rules, penalties_push_rbf_centres_and_leave_widths) {
  constexpr auto kNet = sequential(input(1), rbf(1), dense(1, {.bias = false}));
  for (const bool everything : {false, true}) {
    TrainConfig config{.loss = Loss::squared_error, .optimizer = sgd({.learning_rate = 0.5F})};
    config.l2 = 0.5F, config.penalize_bias = everything;
    Result<Trainer> trainer = make(kNet.model(), config);
    ASSERT_TRUE(trainer.ok());
    float* const rbf = const_cast<float*>(reinterpret_cast<const float*>(layer_params(trainer->model(), 1)));
    float* const dense = const_cast<float*>(reinterpret_cast<const float*>(layer_params(trainer->model(), 2)));
    rbf[0] = 3.0F, rbf[1] = 1.0F, dense[0] = 0.0F;  // no weight: no gradient but the penalties'
    trainer->input()[0] = 1.0F;
    trainer->targets()[0] = 0.0F;
    ASSERT_TRUE(trainer->step().ok());
    EXPECT_EQ(rbf[0], 3.0F - 0.5F * 0.5F * 3.0F);
    EXPECT_EQ(rbf[1], everything ? 0.75F : 1.0F);
  }
}

TEST(training_rules, fans_are_elements_that_a_weight_joins) {
  constexpr auto kNet = sequential(input(8, 8, 3), depthwise_conv2d(4, {.filter = {3, 5}}),
                                   conv2d(7, {.filter = {2, 3}}), flatten(), dense(9));
  const Model model = kNet.model();
  const auto fans = [&](std::size_t i, std::uint32_t in, std::uint32_t out) {
    const ParamArrays arrays = param_arrays(model.layers[i], model.input_shape_of(i));
    EXPECT_EQ(arrays.arrays[0].fan_in, in);
    EXPECT_EQ(arrays.arrays[0].fan_out, out);
  };
  fans(1, 15, 15 * 4);  // PyTorch's fan_out is 15 * 12
  fans(2, 6 * 12, 6 * 7);
  fans(4, 5 * 2 * 7, 9);
}

TEST(training_rules, a_nan_may_have_either_sign) {
  constexpr auto kNet = sequential(input(1), dense(1, {.bias = false}));
  TrainConfig config{.loss = Loss::squared_error};
  Result<Trainer> trainer = make(kNet.model(), config);
  ASSERT_TRUE(trainer.ok());
  parameters(*trainer)[0] = 0.0F;
  trainer->input()[0] = __builtin_inff();  // 0 * infinity: negative on x86, positive on ARM
  trainer->targets()[0] = 0.0F;
  ASSERT_TRUE(trainer->evaluate().ok());
  const auto bits = std::bit_cast<std::uint32_t>(trainer->output()[0]);
  EXPECT_EQ(bits & 0x7F800000U, 0x7F800000U);
  EXPECT_NE(bits & 0x007FFFFFU, 0U);
}

}  // namespace
}  // namespace mote
