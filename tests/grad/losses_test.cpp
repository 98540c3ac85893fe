// SPDX-License-Identifier: Apache-2.0
// Gradients of every loss with every form of target, weights, penalties and slices, by central differences; and the
// values of the losses themselves where two ways of writing a target must agree.
#include "grad/gradient_check.hpp"
#include "grad/loss_cases.hpp"

namespace mote::test {
namespace {

TEST(GradientOfLosses, AgreesWithCentralDifferences) {
  // |w| has a kink at 0; the seed is such that no penalised value lies within two steps of 1/512.
  for (const Case& c : kLossCases) {
    if (c.config.l1 == 0.0F)
      GradientCheck(c).run();
    else
      GradientCheck(c).run({.step = 1.0 / 512.0, .relative = 1e-3, .absolute = 1e-4});
  }
}

TEST(GradientOfLosses, EveryLossHasACase) {
  for (const Loss loss :
       {Loss::squared_error, Loss::binary_cross_entropy, Loss::softmax_cross_entropy, Loss::kl_divergence}) {
    bool with_labels = loss == Loss::kl_divergence, with_values = false;
    for (const Case& c : kLossCases) {
      if (c.config.loss != loss) continue;
      const Shape output = c.layers[loss_layer({c.layers}, loss)].shape;
      (resolve_targets(c.config.targets, loss, output) == Targets::labels ? with_labels : with_values) = true;
    }
    EXPECT_TRUE(with_labels && with_values) << static_cast<int>(loss);
  }
}

/// Loss and gradient of a case with its own targets.
struct Outcome {
  double loss;
  std::span<const float> gradient;
};
void expect_same(const Outcome& a, const Outcome& b, double tolerance, const char* what) {
  EXPECT_NEAR(a.loss, b.loss, tolerance * (1.0 + a.loss)) << what;
  ASSERT_EQ(a.gradient.size(), b.gradient.size());
  for (std::size_t i = 0; i < a.gradient.size(); ++i)
    EXPECT_NEAR(a.gradient[i], b.gradient[i], tolerance) << what << " " << i;
}

Outcome outcome(GradientCheck& check, TrainConfig config, std::span<float> values) {
  config.optimizer = momentum({.learning_rate = 1.0F, .momentum = 0.0});
  const std::span<const float> gradient = check.gradient(config, values);
  return {check.loss(), gradient};
}

TEST(Losses, LabelsAndOneHotRowsAreTheSame) {
  for (const Loss loss : {Loss::squared_error, Loss::softmax_cross_entropy}) {
    TrainConfig config{.loss = loss, .targets = Targets::labels, .batch = 4};
    const Case c = data_case("one_hot", loss_networks::kVector, config);
    GradientCheck check(c);
    const std::span<float> rows = check.problem().targets();
    for (std::size_t i = 0; i < 16; ++i) rows[i] = static_cast<std::int32_t>(i % 4) == check.problem().labels()[i / 4];
    std::array<float, 64> first{}, second{};
    const Outcome labels = outcome(check, config, first);
    config.targets = Targets::values;
    expect_same(labels, outcome(check, config, second), 5e-7, "one-hot");
  }
}

TEST(Losses, SignedAndUnsignedBinaryLabelsAreTheSame) {
  TrainConfig config{.loss = Loss::binary_cross_entropy, .batch = 6, .class_weights = kClassWeights.data()};
  const Case c = data_case("binary", loss_networks::kOne, config, 6);
  GradientCheck check(c);
  std::array<float, 64> first{}, second{};
  const Outcome labels = outcome(check, config, first);
  for (std::int32_t& label : check.problem().labels()) label = label == 0 ? -1 : 1;
  config.signed_labels = true;
  expect_same(labels, outcome(check, config, second), 0.0, "signed");
}

// Weight 3 for a class is the same as its samples three times, up to the division by the number of samples.
TEST(Losses, ClassWeightsAreRepeatedSamples) {
  for (const bool binary : {false, true}) {
    TrainConfig config{.loss = binary ? Loss::binary_cross_entropy : Loss::softmax_cross_entropy};
    static constexpr std::array<float, 4> kOnes{1.0F, 3.0F, 1.0F, 1.0F};
    config.batch = 4;
    config.class_weights = kOnes.data();
    const Case few = binary ? data_case("weighted", loss_networks::kOne, config)
                            : data_case("weighted", loss_networks::kVector, config);
    GradientCheck check(few);
    const std::array<std::int32_t, 4> labels =
        binary ? std::array<std::int32_t, 4>{0, 1, 0, 1} : std::array<std::int32_t, 4>{3, 1, 0, 1};
    std::copy(labels.begin(), labels.end(), check.problem().labels().begin());
    std::array<float, 64> first{}, second{};
    const Outcome weighted = outcome(check, config, first);

    config.batch = 8;
    config.class_weights = nullptr;
    const Case many = binary ? data_case("repeated", loss_networks::kOne, config, 8)
                             : data_case("repeated", loss_networks::kVector, config, 8);
    const std::array<std::size_t, 8> source{0, 1, 1, 1, 2, 3, 3, 3};
    std::array<float, 20> samples{};
    std::copy_n(check.problem().inputs().begin(), 20, samples.begin());
    GradientCheck repeated(many);
    for (std::size_t i = 0; i < 8; ++i) {
      std::copy_n(samples.begin() + static_cast<std::ptrdiff_t>(5 * source[i]), 5,
                  repeated.problem().inputs().begin() + static_cast<std::ptrdiff_t>(5 * i));
      repeated.problem().labels()[i] = labels[source[i]];
    }
    Outcome copies = outcome(repeated, config, second);
    copies.loss *= 2.0;
    for (float& value : second) value *= 2.0F;
    expect_same(weighted, copies, 1e-6, "repeated");
  }
}

}  // namespace
}  // namespace mote::test
