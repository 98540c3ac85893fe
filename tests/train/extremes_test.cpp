// SPDX-License-Identifier: Apache-2.0
// Numbers at the ends of float32 in training: gradients whose squares leave it, distances of a radial basis that do,
// and batch norm on a single value.
#include <algorithm>
#include <array>
#include <cmath>

#include "grad/problem.hpp"

namespace mote::test {
namespace {

alignas(64) std::array<std::byte, 64 * 1024> arena;

std::span<float> params_of(Trainer& trainer) {
  return {reinterpret_cast<float*>(trainer.parameters().data()), trainer.parameters().size() / sizeof(float)};
}

constexpr auto kLine = sequential(input(2), dense(1, {.bias = false}));

/// The step that SGD with a rate of 1 takes from 0 on one sample, its gradient (a, b) clipped to the norm `clip`.
std::array<float, 2> clipped_step(float a, float b, float clip, Code wanted = Code::ok) {
  const TrainConfig config{
      .loss = Loss::squared_error, .optimizer = sgd({.learning_rate = 1.0F}), .batch = 1, .clip_norm = clip};
  Result<Trainer> trainer = Trainer::create(kLine.model(), config, arena);
  EXPECT_TRUE(trainer.ok());
  trainer->init_params(1, Initializer::zeros);
  trainer->input()[0] = a, trainer->input()[1] = b;
  trainer->targets()[0] = -0.5F;  // d/dw (w x + 0.5)^2 = x
  EXPECT_EQ(trainer->step().status().code, wanted);
  return {-params_of(*trainer)[0], -params_of(*trainer)[1]};
}

// Norms from 1e-30 to 5e30 are 5 units, clipped to 1, to a tenth, to what they are and to more.
TEST(Extremes, ClippingByNormTakesGradientsOfAnySize) {
  for (const float unit : {1e-30F, 1e-25F, 1e-19F, 1e-12F, 1.0F, 1e12F, 1e18F, 3.6e18F, 1e19F, 1e20F, 1e25F, 1e30F}) {
    for (const float clip : {1.0F, 0.1F * unit, unit, 4.9F * unit}) {
      const auto step = clipped_step(3.0F * unit, 4.0F * unit, clip);
      const double length = 5.0 * static_cast<double>(unit), wanted = std::min(length, static_cast<double>(clip));
      EXPECT_NEAR(step[0] / wanted, 0.6, 1e-6) << unit << " " << clip;
      EXPECT_NEAR(step[1] / wanted, 0.8, 1e-6) << unit << " " << clip;
    }
    const auto whole = clipped_step(3.0F * unit, 4.0F * unit, 5.1F * unit);
    EXPECT_EQ(whole[0], 3.0F * unit);
    EXPECT_EQ(whole[1], 4.0F * unit);
  }
  const auto mixed = clipped_step(3e25F, 1e-3F, 1.0F);  // the small one keeps its share
  EXPECT_NEAR(mixed[0], 1.0F, 1e-6F);
  EXPECT_LE(std::fabs(mixed[1]), 1e-28F);
  const auto zero = clipped_step(0.0F, 0.0F, 1.0F);
  EXPECT_EQ(zero[0], 0.0F);
}

/// The status of one step on the sample (x, x) -> target from parameters of 0, and whether any parameter changed.
template <class AnyTrainer>
Status one_step(AnyTrainer& trainer, float x, float target) {
  trainer.init_params(1, Initializer::zeros);
  Status status{};
  for (std::uint32_t slice = 0; status.ok() && slice < trainer.config().batch / trainer.slice_samples(); ++slice) {
    for (float& value : trainer.input()) value = x;
    for (float& value : trainer.targets()) value = target;
    status = trainer.step().status();
  }
  return status;
}
constexpr Optimizer kRules[]{
    sgd({.learning_rate = 0.1F}), momentum(), nesterov(), adagrad(), rmsprop(), adam(), adamw()};

// The loss is 1e30 and finite; the gradient 2e40 is not. No rule and no way of keeping gradients lets it in.
TEST(Extremes, AnInfiniteGradientNeverGetsIntoAParameter) {
  for (const Optimizer& rule : kRules) {
    for (const float clip_norm : {0.0F, 1.0F}) {
      for (const float clip_value : {0.0F, 1.0F}) {
        for (const std::uint32_t slice : {2U, 1U}) {
          const TrainConfig config{.loss = Loss::squared_error,
                                   .optimizer = rule,
                                   .batch = 2,
                                   .micro_batch = slice,
                                   .clip_value = clip_value,
                                   .clip_norm = clip_norm,
                                   .l2 = 0.01F};
          Result<Trainer> trainer = Trainer::create(kLine.model(), config, arena);
          ASSERT_TRUE(trainer.ok());
          EXPECT_EQ(one_step(*trainer, 1e25F, 1e15F).code, Code::non_finite_gradient) << static_cast<int>(rule.kind);
          for (const float value : params_of(*trainer)) EXPECT_EQ(value, 0.0F);
          EXPECT_EQ(trainer->updates(), 0U);
          EXPECT_TRUE(one_step(*trainer, 1.0F, 1.0F).ok()) << "the next batch trains";
          EXPECT_NE(params_of(*trainer)[0], 0.0F);
        }
      }
    }
  }
}

// 4e19 is finite and its square is not: rules that square would stop their parameters for ever.
TEST(Extremes, GradientsThatCannotBeSquaredAreRefusedWhereTheyWouldBe) {
  for (const Optimizer& rule : kRules) {
    const bool squares =
        rule.kind == OptimizerKind::adagrad || rule.kind == OptimizerKind::rmsprop || rule.kind == OptimizerKind::adam;
    for (const float clip : {0.0F, 1.0F}) {
      const TrainConfig config{.loss = Loss::squared_error, .optimizer = rule, .batch = 1, .clip_norm = clip};
      Result<Trainer> trainer = Trainer::create(kLine.model(), config, arena);
      ASSERT_TRUE(trainer.ok());
      const bool refused = squares && clip == 0.0F;
      EXPECT_EQ(one_step(*trainer, 2e18F, 10.0F).ok(), !refused) << static_cast<int>(rule.kind) << " " << clip;
      EXPECT_EQ(params_of(*trainer)[0] == 0.0F, refused);
    }
  }
}

// Two layers, and the gradient of the first is infinite: with all gradients kept nothing changes, else the second has
// had its update. Everything stays finite.
constexpr auto kTwoLayers = sequential(input(1), dense(1, {.bias = false}), dense(1, {.bias = false}));
template <const TrainConfig& kConfig>
void infinite_in_the_first_layer(bool all_kept) {
  static StaticTrainer<kTwoLayers, kConfig> fixed;
  Result<Trainer> planned = Trainer::create(kTwoLayers.model(), kConfig, arena);
  ASSERT_TRUE(planned.ok());
  const auto run = [&](auto& trainer) {
    trainer.init_params(1, Initializer::zeros);
    auto* const params = reinterpret_cast<float*>(trainer.parameters().data());
    params[0] = 1e-25F, params[4] = 1e10F;  // x 1e25 -> 1 -> 1e10: both gradients of values are large
    trainer.input()[0] = 1e25F, trainer.targets()[0] = 0.0F;
    EXPECT_EQ(trainer.step().status().code, Code::non_finite_gradient);
    EXPECT_EQ(params[0], 1e-25F);
    EXPECT_EQ(params[4] == 1e10F, all_kept);
    EXPECT_TRUE(require_finite(trainer.model()).ok());
  };
  run(fixed);
  run(*planned);
}
constexpr TrainConfig with_rule(const Optimizer& rule, float clip_norm = 0.0F) {
  return {.loss = Loss::squared_error, .optimizer = rule, .batch = 1, .clip_norm = clip_norm};
}
constexpr TrainConfig kFused = with_rule(sgd()), kMoved = with_rule(momentum()), kKept = with_rule(momentum(), 1.0F);
TEST(Extremes, LayersBehindAnInfiniteGradientMayHaveMoved) {
  infinite_in_the_first_layer<kFused>(false);
  infinite_in_the_first_layer<kMoved>(false);
  infinite_in_the_first_layer<kKept>(true);
}

// Inputs far away: y is 0 and so are all gradients, though the squared distance is beyond float32.
TEST(Extremes, ARadialBasisFarAwayHasGradientsOfZero) {
  static constexpr auto kNet = sequential(input(2), dense(2), rbf(3), dense(1));
  for (const float far : {1e18F, 2e19F, 1e25F, 3e38F}) {
    const TrainConfig config{.loss = Loss::squared_error, .optimizer = momentum({.learning_rate = 0.1F}), .batch = 5};
    Result<Trainer> trainer = Trainer::create(kNet.model(), config, arena);
    ASSERT_TRUE(trainer.ok());
    trainer->init_params(4);
    const std::span<float> params = params_of(*trainer);
    params[0] = 1.0F, params[1] = 0.0F, params[2] = 0.0F, params[3] = 1.0F;  // the first layer copies its input
    std::array<float, trained_offset(kNet.layers, kNet.layers.size(), 16) / sizeof(float)> before{};
    ASSERT_EQ(params.size(), before.size());
    std::copy(params.begin(), params.end(), before.begin());
    std::fill(trainer->input().begin(), trainer->input().end(), far);
    std::fill(trainer->targets().begin(), trainer->targets().end(), 1.0F);
    const auto loss = trainer->step();
    ASSERT_TRUE(loss.ok()) << far << " " << name(loss.status().code);
    const auto changed = [&](std::size_t layer) {
      const std::size_t at = trained_offset(kNet.layers, layer, 16) / sizeof(float);
      for (std::size_t k = 0; k < kNet.layers[layer].param_bytes / sizeof(float); ++k)
        if (params[at + k] != before[at + k]) return true;
      return false;
    };
    EXPECT_FALSE(changed(1)) << far << ": behind it";
    EXPECT_FALSE(changed(2)) << far << ": centres and widths";
    EXPECT_TRUE(changed(3)) << far << ": the bias learns";
  }
}

constexpr auto kVector = sequential(input(4), dense(8), batch_norm(), relu(), dense(2));
constexpr auto kPixel = sequential(input(3, 3, 2), conv2d(4), batch_norm(), flatten(), dense(2));
constexpr auto kImage = sequential(input(4, 3, 2), conv2d(4), batch_norm(), flatten(), dense(2));
constexpr auto kFrozen = sequential(input(4), standardize(), dense(8), batch_norm({.trainable = false}), dense(2));

TEST(Extremes, BatchNormOnOneValueIsRefused) {
  const auto refused = [](const Model& model, TrainConfig config) {
    alignas(16) static constexpr std::array<float, 512> kParams{};  // of frozen layers
    Model complete = model;
    complete.params = reinterpret_cast<const std::byte*>(kParams.data());
    EXPECT_LE(model.param_bytes, sizeof kParams);
    const Status status = required_arena_bytes(model, config).status();
    EXPECT_EQ(Trainer::create(complete, config, arena).status(), status);
    EXPECT_TRUE(status.ok() || status == (Status{Code::one_value_per_channel, 2})) << name(status.code);
    return !status.ok();
  };
  for (const Optimizer& rule : {sgd(), adam(), lbfgs(), gradient_descent()}) {
    EXPECT_TRUE(refused(kVector.model(), {.optimizer = rule}));
    EXPECT_TRUE(refused(kVector.model(), {.optimizer = rule, .batch = 8, .micro_batch = 1}));
    EXPECT_TRUE(refused(kPixel.model(), {.optimizer = rule})) << "height and width 1 behind the convolution";
    EXPECT_FALSE(refused(kVector.model(), {.optimizer = rule, .batch = 2}));
    EXPECT_FALSE(refused(kVector.model(), {.optimizer = rule, .batch = 8, .micro_batch = 2}));
    EXPECT_FALSE(refused(kImage.model(), {.optimizer = rule})) << "two values: a height of 2";
    EXPECT_FALSE(refused(kFrozen.model(), {.optimizer = rule})) << "frozen: no statistics are taken";
  }
  EXPECT_TRUE(plan_size(kVector.model(), {}).ok()) << "inference takes one sample";
}

}  // namespace
}  // namespace mote::test
