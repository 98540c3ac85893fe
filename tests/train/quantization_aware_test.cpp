// SPDX-License-Identifier: Apache-2.0
// Training through fake quantisation and rounded weights: the same bits everywhere, in constant plans and at run time;
// the straight-through gradient against its definition; ranges that stay ranges.
#include <array>
#include <cmath>
#include <cstring>

#include "grad/problem.hpp"
#include "instruction_set.hpp"
#include "mote/model/int8_units.hpp"
#include "train/bars.hpp"

namespace mote::test {
namespace {

constexpr auto kNet =
    sequential(input(8, 8, 2), fake_quantize(), conv2d(5, {.padding = Padding::same, .rounded_weights = true}), relu(),
               fake_quantize(), max_pool(), depthwise_conv2d(2, {.padding = Padding::same, .rounded_weights = true}),
               relu6(), fake_quantize(), conv2d(5, {.filter = {1, 1}, .bias = false, .rounded_weights = true}), tanh(),
               fake_quantize({.trainable = false}), flatten(), dense(13, {.rounded_weights = true}), relu(),
               fake_quantize(), dense(4, {.rounded_weights = true}), fake_quantize());
constexpr TrainConfig kTraining{
    .optimizer = adam({.learning_rate = 4e-3F}), .schedule = cosine_schedule({.steps = 200}), .batch = 6, .seed = 5};
constexpr TrainConfig kPlainTraining{.optimizer = sgd({.learning_rate = 0.02F}), .batch = 6, .seed = 5};
constexpr TrainConfig kClippedTraining{
    .optimizer = momentum({.learning_rate = 0.01F}), .batch = 6, .micro_batch = 3, .clip_norm = 1.0F, .seed = 5};

struct Training {
  std::uint64_t hash = 0;
  float first_loss = 0.0F, last_loss = 0.0F;  // means over a tenth of the run
};
template <class AnyTrainer>
Training train(AnyTrainer& trainer, int slices) {
  trainer.init_params(7);
  for (std::size_t i = 0; i < trainer.source().layers.size(); ++i) {  // ranges that cut some of it off
    if (trainer.source().layers[i].op != Op::fake_quantize || !trainer.source().layers[i].trainable()) continue;
    auto* const range = const_cast<float*>(reinterpret_cast<const float*>(layer_params(trainer.model(), i)));
    range[0] = -0.9F, range[1] = 0.8F;
  }
  Numbers numbers(11);
  Training run;
  for (int i = 0; i < slices; ++i) {
    feed(trainer, numbers);
    const Result<float> loss = trainer.step();
    EXPECT_TRUE(loss.ok());
    if (i < slices / 10) run.first_loss += *loss;
    if (i >= slices - slices / 10) run.last_loss += *loss;
  }
  run.hash = hash_bits(nullptr, 0);
  const Model trained = trainer.model();
  for (std::size_t i = 0; i < trained.layers.size(); ++i) {
    if (!trained.layers[i].trainable()) continue;
    const auto* const params = reinterpret_cast<const float*>(layer_params(trained, i));
    run.hash = hash_bits(params, trained.layers[i].param_bytes / sizeof(float), run.hash);
    if (trained.layers[i].op == Op::fake_quantize) {
      EXPECT_TRUE(is_range({params[0], params[1]})) << i;
      EXPECT_TRUE(params[0] != -0.9F || params[1] != 0.8F) << i << " learned nothing";
    }
  }
  return run;
}

alignas(16) std::array<std::byte, 72 * 1024> arena;
constexpr std::array<float, kNet.param_bytes / sizeof(float)> kParams = [] {
  std::array<float, kNet.param_bytes / sizeof(float)> out{};
  for (const Layer& layer : kNet.layers)  // of the frozen one
    if (layer.op == Op::fake_quantize && !layer.trainable())
      out[layer.param_offset / 4] = -1.0F, out[layer.param_offset / 4 + 1] = 127.0F / 128.0F;
  return out;
}();
const Model kModel = kNet.model(reinterpret_cast<const std::byte*>(kParams.data()));

Training train_at_run_time(const TrainConfig& config, int slices) {
  Result<Trainer> trainer = Trainer::create(kModel, config, arena);
  EXPECT_TRUE(trainer.ok()) << name(trainer.status().code) << " " << trainer.status().detail;
  return trainer.ok() ? train(*trainer, slices) : Training{};
}

TEST(QuantizationAware, SameBits200Steps) {
  static StaticTrainer<kNet, kTraining, kParams> trainer;
  const Training run = train(trainer, 200);
  if (check::kFused) {
    EXPECT_EQ(run.hash, 17087095635499529883ULL);
  }
  EXPECT_LT(run.last_loss, 0.6F * run.first_loss);
  EXPECT_EQ(train_at_run_time(kTraining, 200).hash, run.hash);
}

TEST(QuantizationAware, LearnsWithEveryKindOfUpdate) {
  static StaticTrainer<kNet, kPlainTraining, kParams> plain;
  const Training run = train(plain, 150);
  EXPECT_LT(run.last_loss, 0.9F * run.first_loss);
  EXPECT_EQ(train_at_run_time(kPlainTraining, 150).hash, run.hash);
  const Training clipped = train_at_run_time(kClippedTraining, 300);
  EXPECT_LT(clipped.last_loss, 0.9F * clipped.first_loss);
}

TEST(QuantizationAware, FullBatchesAreRefused) {
  const Status status = Trainer::create(kModel, {.optimizer = lbfgs(), .batch = 6}, arena).status();
  EXPECT_EQ(option_of(status), Option::optimizer) << name(status.code);
}

// One sample, by hand: x → fake_quantize → dense, rounded → fake_quantize → squared error.
constexpr auto kSmall = sequential(input(5), fake_quantize(), dense(3, {.rounded_weights = true}), fake_quantize());
constexpr TrainConfig kSmallTraining{
    .loss = Loss::squared_error, .targets = Targets::values, .optimizer = sgd({.learning_rate = 0.125F}), .batch = 1};

/// y = the step nearest to x; on which side of the range x lies: -1 below, 1 above it.
struct Rounded {
  double y;
  int side;
};
Rounded rounded(double x, const float* range) {
  const Quantization units = int8_units({range[0], range[1]});
  const RealRange ends = int8_range(units);
  const double s = static_cast<double>(units.scale), steps = std::round(x / s);
  const double low = -128.0 - units.zero_point, high = 127.0 - units.zero_point;
  const int side = x < static_cast<double>(ends.low) ? -1 : x > static_cast<double>(ends.high) ? 1 : 0;
  return {(steps < low ? low : steps > high ? high : steps) * s, side};
}

TEST(QuantizationAware, GradientsAreThoseOfTheDefinition) {
  Result<Trainer> trainer = Trainer::create(kSmall.model(), kSmallTraining, arena);
  ASSERT_TRUE(trainer.ok());
  Numbers numbers(3);
  for (int trial = 0; trial < 50; ++trial) {
    trainer->init_params(static_cast<std::uint64_t>(trial));
    const Model model = trainer->model();
    const auto params = [&](std::size_t i) {
      return const_cast<float*>(reinterpret_cast<const float*>(layer_params(model, i)));
    };
    const float in_range[2] = {-0.6F, 0.7F}, out_range[2] = {-0.5F, 0.9F};
    copy(in_range, params(1), 2), copy(out_range, params(3), 2);
    float weights[15], bias[3], x[5], target[3];
    numbers.fill(params(2), 18, 0.8F), numbers.fill(x, 5), numbers.fill(target, 3);
    copy(params(2), weights, 15), copy(params(2) + 15, bias, 3);
    copy(x, trainer->input().data(), 5), copy(target, trainer->targets().data(), 3);

    double grad_range[2] = {}, grad_out_range[2] = {}, grad_weights[15], grad_bias[3], grad_x[5] = {};
    for (std::size_t j = 0; j < 3; ++j) {
      double largest = 0.0, sum = static_cast<double>(bias[j]);
      for (std::size_t k = 0; k < 5; ++k)
        largest = std::fmax(largest, std::fabs(static_cast<double>(weights[3 * k + j])));
      const double scale = static_cast<double>(static_cast<float>(largest / 127.0));
      const auto weight = [&](std::size_t k) {
        return std::round(static_cast<double>(weights[3 * k + j]) / scale) * scale;
      };
      for (std::size_t k = 0; k < 5; ++k) sum += rounded(static_cast<double>(x[k]), in_range).y * weight(k);
      const Rounded out = rounded(sum, out_range);
      const double dy = 2.0 * (out.y - static_cast<double>(target[j]));
      if (out.side != 0) grad_out_range[out.side < 0 ? 0 : 1] += dy;
      grad_bias[j] = out.side == 0 ? dy : 0.0;
      for (std::size_t k = 0; k < 5; ++k) {
        grad_weights[3 * k + j] = grad_bias[j] * rounded(static_cast<double>(x[k]), in_range).y;
        grad_x[k] += grad_bias[j] * weight(k);
      }
    }
    for (std::size_t k = 0; k < 5; ++k)
      if (const int side = rounded(static_cast<double>(x[k]), in_range).side; side != 0)
        grad_range[side < 0 ? 0 : 1] += grad_x[k];

    ASSERT_TRUE(trainer->step().ok());
    const auto moved = [&](float before, float after, double gradient) {
      EXPECT_NEAR(static_cast<double>(after), static_cast<double>(before) - 0.125 * gradient, 1e-5) << trial;
    };
    for (std::size_t i = 0; i < 15; ++i) moved(weights[i], params(2)[i], grad_weights[i]);
    for (std::size_t j = 0; j < 3; ++j) moved(bias[j], params(2)[15 + j], grad_bias[j]);
    const auto moved_range = [&](const float* before, const float* after, const double* gradient) {
      const auto end = [&](std::size_t i) {
        return static_cast<float>(static_cast<double>(before[i]) - 0.125 * gradient[i]);
      };
      const RealRange wanted = nearest_range({end(0), end(1)});  // no end crosses 0
      EXPECT_NEAR(after[0], wanted.low, 1e-5F) << trial;
      EXPECT_NEAR(after[1], wanted.high, 1e-5F) << trial;
    };
    moved_range(in_range, params(1), grad_range);
    moved_range(out_range, params(3), grad_out_range);
  }
}

}  // namespace
}  // namespace mote::test
