// SPDX-License-Identifier: Apache-2.0
// Training works: every optimiser and every loss solves a small problem that is easy to state and not linear.
#include "grad/problem.hpp"

namespace mote::test {
namespace {

alignas(16) std::array<std::byte, 128 * 1024> arena;

/// Points of the square [-1, 1)^2; the class is the ring they lie in: inside 0.5, between, outside 0.9.
struct Rings {
  Numbers numbers{21};
  static std::int32_t ring(float x, float y) {
    const float square = x * x + y * y;
    return square < 0.25F ? 0 : square < 0.81F ? 1 : 2;
  }
  void fill(Trainer& trainer) {
    for (std::size_t s = 0; s < trainer.slice_samples(); ++s) {
      float* point = trainer.input().data() + 2 * s;
      numbers.fill(point, 2);
      const std::int32_t label = ring(point[0], point[1]);
      if (!trainer.labels().empty()) trainer.labels()[s] = trainer.output_shape().c == 1 ? label != 0 : label;
      for (std::int32_t k = 0; k < 3 && !trainer.targets().empty(); ++k)
        trainer.targets()[3 * s + static_cast<std::size_t>(k)] = k == label ? 1.0F : 0.0F;
    }
  }
};

struct Outcome {
  float first = 0.0F, last = 0.0F;  // mean losses of the first and last tenth
  double accuracy = 0.0;            // on fresh points
};

Outcome train(const Model& model, const TrainConfig& config, int steps) {
  Result<Trainer> trainer = Trainer::create(model, config, arena);
  EXPECT_TRUE(trainer.ok()) << name(trainer.status().code);
  if (!trainer.ok()) return {};
  Rings rings;
  Outcome outcome;
  for (int i = 0; i < steps; ++i) {
    rings.fill(*trainer);
    const Result<float> loss = trainer->step();
    EXPECT_TRUE(loss.ok()) << name(loss.status().code);
    if (i < steps / 10) outcome.first += *loss / static_cast<float>(steps / 10);
    if (i >= steps - steps / 10) outcome.last += *loss / static_cast<float>(steps / 10);
  }
  std::size_t correct = 0, total = 0;
  for (int i = 0; i < 16; ++i) {
    rings.fill(*trainer);
    std::array<std::int32_t, 64> wanted{};
    const std::size_t samples = trainer->slice_samples();
    const auto outputs = static_cast<std::size_t>(trainer->output_shape().elements());
    for (std::size_t s = 0; s < samples; ++s)
      wanted[s] = Rings::ring(trainer->input()[2 * s], trainer->input()[2 * s + 1]);
    EXPECT_TRUE(trainer->evaluate().ok());
    for (std::size_t s = 0; s < samples; ++s, ++total) {
      const std::span<const float> row = trainer->output().subspan(s * outputs, outputs);
      const bool hit =
          outputs == 1 ? (row[0] > 0.0F) == (wanted[s] != 0) : static_cast<std::int32_t>(argmax(row)) == wanted[s];
      correct += hit ? 1 : 0;
    }
  }
  outcome.accuracy = static_cast<double>(correct) / static_cast<double>(total);
  return outcome;
}

constexpr auto kClassifier = sequential(input(2), dense(24), relu(), dense(24), relu(), dense(3));
constexpr auto kBinary = sequential(input(2), dense(16), tanh(), dense(1), sigmoid());
constexpr auto kRbf = sequential(input(2), rbf(12), dense(3));

TEST(Learns, WithEveryOptimizer) {
  struct Rule {
    const char* name;
    Optimizer optimizer;
  };
  const std::array rules{Rule{"sgd", sgd({.learning_rate = 0.3F})},
                         Rule{"momentum", momentum({.learning_rate = 0.05F})},
                         Rule{"nesterov", nesterov({.learning_rate = 0.05F})},
                         Rule{"adagrad", adagrad({.learning_rate = 0.1F})},
                         Rule{"rmsprop", rmsprop({.learning_rate = 0.005F})},
                         Rule{"adam", adam({.learning_rate = 0.01F})},
                         Rule{"adamw", adamw({.learning_rate = 0.01F})}};
  for (const Rule& rule : rules) {
    const Outcome outcome = train(kClassifier.model(), {.optimizer = rule.optimizer, .batch = 32}, 500);
    EXPECT_LT(outcome.last, 0.4F * outcome.first) << rule.name;
    EXPECT_GT(outcome.accuracy, 0.9) << rule.name;
  }
}

TEST(Learns, WithEveryLoss) {
  const Optimizer rule = adam({.learning_rate = 0.02F});
  for (const Loss loss : {Loss::squared_error, Loss::softmax_cross_entropy, Loss::kl_divergence}) {
    const Outcome outcome = train(kClassifier.model(), {.loss = loss, .optimizer = rule, .batch = 32}, 300);
    EXPECT_LT(outcome.last, 0.6F * outcome.first) << static_cast<int>(loss);
    EXPECT_GT(outcome.accuracy, 0.9) << static_cast<int>(loss);
  }
  const Outcome outcome =
      train(kBinary.model(), {.loss = Loss::binary_cross_entropy, .optimizer = rule, .batch = 32}, 1500);
  EXPECT_LT(outcome.last, 0.4F * outcome.first);
  EXPECT_GT(outcome.accuracy, 0.93);
}

TEST(Learns, WithRadialBasisFunctions) {
  const Outcome outcome = train(kRbf.model(), {.optimizer = adam({.learning_rate = 0.05F}), .batch = 32}, 400);
  EXPECT_LT(outcome.last, 0.5F * outcome.first);
  EXPECT_GT(outcome.accuracy, 0.9);
}

// Only the head is trained; the random features before it are frozen and stay where they are.
TEST(Learns, ByItsLastLayerAlone) {
  static constexpr auto kHead = sequential(input(2), dense(48, {.trainable = false}), relu(), dense(3));
  alignas(16) static std::array<std::byte, kHead.param_bytes> params;
  Numbers(5).fill(reinterpret_cast<float*>(params.data()), params.size() / sizeof(float));
  const std::array<std::byte, kHead.param_bytes> before = params;
  const Outcome outcome =
      train(kHead.model(params.data()), {.optimizer = adam({.learning_rate = 0.03F}), .batch = 32}, 400);
  EXPECT_LT(outcome.last, 0.5F * outcome.first);
  EXPECT_GT(outcome.accuracy, 0.85);
  EXPECT_TRUE(before == params);
}

}  // namespace
}  // namespace mote::test
