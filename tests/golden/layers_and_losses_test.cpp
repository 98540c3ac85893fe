// SPDX-License-Identifier: Apache-2.0
// Outputs, losses, gradients and running statistics of every layer, loss and small network against PyTorch's.
// PyTorch computed in float64 on the same float32 parameters, so a difference is float32 rounding: 1e-5 relative, the
// reference for small elements being the largest element of the same array (a sum's rounding is that of its terms).
#include "golden/golden.hpp"
#include "grad/gradient_check.hpp"
#include "grad/layer_cases.hpp"
#include "grad/loss_cases.hpp"
#include "grad/network_cases.hpp"

namespace mote::test {
namespace {

constexpr double kTolerance = 1e-5;

void expect_close(std::span<const float> actual, std::span<const float> golden, const char* what) {
  ASSERT_EQ(actual.size(), golden.size()) << what;
  double largest = 0.0;
  for (const float value : golden) largest = std::max(largest, std::abs(static_cast<double>(value)));
  for (std::size_t i = 0; i < golden.size(); ++i)
    EXPECT_NEAR(actual[i], golden[i], kTolerance * largest) << what << "[" << i << "]";
}

const GoldenCase* find(const char* name) {
  for (const GoldenCase& golden : kGoldenCases)
    if (detail::same_text(golden.name, name)) return &golden;
  return nullptr;
}

void check_output(const Case& c, const Problem& problem, const GoldenCase& golden) {
  TrainConfig config = c.config;
  config.micro_batch = 0;
  Trainer trainer = problem.trainer(config);
  problem.feed(trainer);
  ASSERT_TRUE(trainer.evaluate().ok());
  expect_close(trainer.output(), golden.output, "output");
}

void check_training(const Case& c, const Problem& problem, const GoldenCase& golden) {
  TrainConfig config = c.config;
  config.optimizer = momentum({.learning_rate = 1.0F, .momentum = 0.0});
  Trainer trainer = problem.trainer(config);
  EXPECT_NEAR(problem.train_batch(trainer), golden.loss, kTolerance * golden.loss);
  const auto* state = reinterpret_cast<const float*>(trainer.optimizer_state1().data());
  const auto* params = reinterpret_cast<const float*>(trainer.parameters().data());
  std::vector<float> gradient, running;
  for_trained_arrays(c, config.alignment, [&](std::size_t, const ParamArray& array, std::size_t first) {
    for (std::size_t i = first; i < first + array.count; ++i) {
      if (array.learned)
        gradient.push_back(-state[i]);
      else
        running.push_back(params[i]);
    }
  });
  expect_close(gradient, golden.gradient, "gradient");
  expect_close(running, golden.running, "running statistics");
}

template <std::size_t N>
void check_cases(const std::array<Case, N>& cases) {
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const GoldenCase* golden = find(c.name);
    ASSERT_NE(golden, nullptr) << "run make_golden.py";
    const Problem problem(c);
    check_output(c, problem, *golden);
    check_training(c, problem, *golden);
  }
}

TEST(Golden, Layers) { check_cases(kLayerCases); }
TEST(Golden, Losses) { check_cases(kLossCases); }
TEST(Golden, Networks) { check_cases(kNetworkCases); }

TEST(Golden, EveryNumberIsUsed) {
  EXPECT_EQ(std::size(kGoldenCases), kLayerCases.size() + kLossCases.size() + kNetworkCases.size());
}

}  // namespace
}  // namespace mote::test
