// SPDX-License-Identifier: Apache-2.0
// Ten updates of every optimiser, plain, with L2, clipped by norm and by value, and along schedules, against PyTorch's.
#include "golden/golden.hpp"
#include "grad/gradient_check.hpp"

namespace mote::test {
namespace {

constexpr auto kNet = sequential(input(4), dense(5), tanh(), dense(3));

struct Rule {
  const char* name;
  Optimizer optimizer;
};
constexpr std::array kRules{
    Rule{"sgd", sgd({.learning_rate = 0.125F})},
    Rule{"momentum", momentum({.learning_rate = 0.0625F})},
    Rule{"nesterov", nesterov({.learning_rate = 0.0625F})},
    Rule{"adagrad", adagrad({.learning_rate = 0.125F})},
    Rule{"rmsprop", rmsprop({.learning_rate = 0.015625F})},
    Rule{"adam", adam({.learning_rate = 0.03125F})},
    Rule{"adamw", adamw({.learning_rate = 0.03125F, .weight_decay = 0.25F})},
};
struct Variant {
  const char* suffix;
  TrainConfig config;
};
constexpr std::array kVariants{
    Variant{"", {}},
    Variant{"_l2", {.l2 = 0.25F}},
    Variant{"_clip_norm", {.clip_norm = 0.5F, .l2 = 0.25F}},
    Variant{"_clip_value", {.clip_value = 0.0625F, .l2 = 0.25F}},
    Variant{"_inverse", {.schedule = inverse_schedule({.period = 2})}},
    Variant{"_step", {.schedule = step_schedule({.period = 3, .gamma = 0.5F})}},
    Variant{"_exponential", {.schedule = exponential_schedule({.gamma = 0.875F})}},
    Variant{"_cosine", {.schedule = cosine_schedule({.steps = 8, .floor = 0.03125F})}},
};

/// The losses before ten updates and the parameters after them. Data go on where the parameters' numbers stopped.
void check_run(const GoldenRun& golden, TrainConfig config) {
  SCOPED_TRACE(golden.name);
  config.batch = 6;
  const Case c = make_case("optimizer", kNet, 6, Fill::data, config, 9);
  const Problem problem(c);
  Numbers numbers(9);
  for (int i = 0; i < 4 * 5 + 5 + 5 * 3 + 3; ++i) static_cast<void>(numbers.next());
  Trainer trainer = problem.trainer(config);
  for (std::size_t step = 0; step < golden.losses.size(); ++step) {
    numbers.fill(trainer.input().data(), trainer.input().size());
    for (std::int32_t& label : trainer.labels()) label = static_cast<std::int32_t>((numbers.next() + 1.0F) * 1.5F);
    const Result<float> loss = trainer.step();
    ASSERT_TRUE(loss.ok());
    EXPECT_NEAR(*loss, golden.losses[step], 1e-5 * static_cast<double>(golden.losses[step])) << "step " << step;
  }
  const auto* params = reinterpret_cast<const float*>(trainer.parameters().data());
  std::size_t at = 0;
  for_trained_arrays(c, config.alignment, [&](std::size_t layer, const ParamArray& array, std::size_t first) {
    double largest = 0.0;
    for (std::size_t i = 0; i < array.count; ++i)
      largest = std::max(largest, std::abs(static_cast<double>(golden.params[at + i])));
    for (std::size_t i = 0; i < array.count; ++i)
      EXPECT_NEAR(params[first + i], golden.params[at + i], 1e-5 * largest)
          << "layer " << layer << " " << array.name << " " << i;
    at += array.count;
  });
  EXPECT_EQ(at, golden.params.size());
}

TEST(Golden, Optimizers) {
  std::size_t found = 0;
  for (const GoldenRun& golden : kGoldenRuns) {
    const std::string name = golden.name;
    for (const Rule& rule : kRules)
      for (const Variant& variant : kVariants)
        if (name == std::string(rule.name) + variant.suffix) {
          TrainConfig config = variant.config;
          config.optimizer = rule.optimizer;
          check_run(golden, config);
          ++found;
        }
  }
  EXPECT_EQ(found + 2, std::size(kGoldenRuns));  // the two with warm-up are below
}

// PyTorch's LinearLR adds (1 - 1/4) / 3 to the factor a step, from 1/4 to 1; ours multiplies by (k + 1) / 4: the same.
TEST(Golden, WarmUp) {
  std::size_t found = 0;
  for (const GoldenRun& golden : kGoldenRuns) {
    TrainConfig config{.schedule = constant_schedule({.warmup_steps = 4})};
    const bool plain = detail::same_text(golden.name, "sgd_warmup");
    if (!plain && !detail::same_text(golden.name, "adam_warmup")) continue;
    config.optimizer = plain ? kRules[0].optimizer : kRules[5].optimizer;
    check_run(golden, config);
    ++found;
  }
  EXPECT_EQ(found, std::size_t{2});
}

TEST(Golden, EveryOptimizerHasARun) {
  for (const Rule& rule : kRules) {
    std::size_t runs = 0;
    for (const GoldenRun& golden : kGoldenRuns) runs += std::string(golden.name).starts_with(rule.name) ? 1 : 0;
    EXPECT_GE(runs, std::size_t{3}) << rule.name;
  }
}

}  // namespace
}  // namespace mote::test
