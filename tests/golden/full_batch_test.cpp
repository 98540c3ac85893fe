// SPDX-License-Identifier: Apache-2.0
// Gradient descent and L-BFGS find the minima that SciPy's L-BFGS-B finds in float64: objective and every parameter to
// 1e-5.
#include <cmath>

#include "grad/problem.hpp"

namespace mote::test {
namespace {

struct GoldenMinimum {
  const char* name;
  double objective;
  std::span<const double> params;
};
#include "golden/full_batch_values.inc"

alignas(16) std::array<std::byte, 64 * 1024> arena;

constexpr auto kLogistic = sequential(input(6), dense(1));
constexpr auto kSoftmax = sequential(input(5), dense(4), softmax());
constexpr auto kTanh = sequential(input(3), dense(2), mote::tanh(), dense(2));

struct Minimum {
  const char* name;
  Model model;
  Loss loss;
  std::uint32_t samples;
  float l2;
  bool penalize_bias;
  std::uint32_t seed;
};
const std::array kMinima{
    Minimum{"logistic_regression", kLogistic.model(), Loss::binary_cross_entropy, 60, 0.015625F, false, 5},
    Minimum{"softmax_regression", kSoftmax.model(), Loss::softmax_cross_entropy, 64, 0.03125F, true, 8},
    Minimum{"tanh_network", kTanh.model(), Loss::squared_error, 48, 0.015625F, false, 12}};

struct Data {
  std::array<float, 512> inputs{}, targets{};
  std::array<std::int32_t, 64> labels{};
  std::array<float, 64> start{};

  explicit Data(const Minimum& m) {
    Numbers numbers(m.seed);
    std::size_t params = 0;
    for (std::size_t i = 1; i < m.model.layers.size(); ++i) params += m.model.layers[i].param_bytes / sizeof(float);
    const auto size = [](const Shape& shape) { return static_cast<std::size_t>(shape.elements()); };
    const Shape output = m.model.layers[loss_layer(m.model, m.loss)].shape;
    numbers.fill(start.data(), params, 0.5F);
    numbers.fill(inputs.data(), m.samples * size(m.model.input_shape()));
    if (m.loss == Loss::squared_error) {
      const std::size_t features = size(m.model.input_shape()), width = size(output);
      numbers.fill(targets.data(), m.samples * width, 0.25F);
      for (std::size_t i = 0; i < m.samples * width; ++i)
        targets[i] += inputs[i / width * features + i % width] > 0.0F ? 0.75F : -0.75F;
      return;
    }
    const float classes = m.loss == Loss::binary_cross_entropy ? 2.0F : static_cast<float>(output.elements());
    for (std::uint32_t s = 0; s < m.samples; ++s)
      labels[s] = static_cast<std::int32_t>((numbers.next() + 1.0F) * 0.5F * classes);
  }
  template <class AnyTrainer>
  void feed(AnyTrainer& trainer, std::uint32_t slice) const {
    copy(inputs.data() + slice * trainer.input().size(), trainer.input().data(), trainer.input().size());
    if (!trainer.targets().empty())
      copy(targets.data() + slice * trainer.targets().size(), trainer.targets().data(), trainer.targets().size());
    for (std::size_t s = 0; s < trainer.labels().size(); ++s)
      trainer.labels()[s] = labels[slice * trainer.labels().size() + s];
  }
  /// Start and result are in the order of the records, without the gaps that alignment leaves.
  template <class Visit>
  static void for_params(Trainer& trainer, Visit&& visit) {
    const Model model = trainer.model();
    std::size_t at = 0;
    for (std::size_t i = 1; i < model.layers.size(); ++i) {
      auto* values = reinterpret_cast<float*>(trainer.parameters().data() + trained_offset(model.layers, i, 16));
      for (std::size_t k = 0; k < model.layers[i].param_bytes / sizeof(float); ++k) visit(values[k], at++);
    }
  }
};

void find(const Minimum& m, const GoldenMinimum& golden, const Optimizer& rule, std::uint32_t slice,
          std::uint32_t iterations) {
  const Data data(m);
  const TrainConfig config{.loss = m.loss,
                           .optimizer = rule,
                           .batch = m.samples,
                           .micro_batch = slice,
                           .l2 = m.l2,
                           .penalize_bias = m.penalize_bias};
  Result<Trainer> trainer = Trainer::create(m.model, config, arena);
  ASSERT_TRUE(trainer.ok());
  Data::for_params(*trainer, [&](float& value, std::size_t i) { value = data.start[i]; });
  const auto result = trainer->minimize([&](auto& t, std::uint32_t index) { data.feed(t, index); },
                                        {.max_iterations = iterations, .gradient_tolerance = 2e-7});
  ASSERT_TRUE(result.ok()) << name(result.status().code);
  EXPECT_NEAR(result->objective, golden.objective, 1e-6 * golden.objective);
  double largest = 0.0, worst = 0.0;
  for (const double p : golden.params) largest = std::max(largest, std::abs(p));
  Data::for_params(*trainer, [&](float& value, std::size_t i) {
    worst = std::max(worst, std::abs(static_cast<double>(value) - golden.params[i]));
  });
  EXPECT_LE(worst, 1e-5 * largest);
  std::printf("  %-20s %4u iterations %4u evaluations, objective off by %.1e, parameters by %.1e (%s)\n", m.name,
              result->iterations, result->evaluations,
              std::abs(result->objective - golden.objective) / golden.objective, worst / largest,
              name(result->stopped));
}

TEST(Golden, FullBatchMinima) {
  struct Rule {
    const char* name;
    Optimizer optimizer;
  };
  const std::array rules{Rule{"L-BFGS", lbfgs()},
                         Rule{"L-BFGS, exact", lbfgs({.history = 5, .line_search = LineSearch::exact})},
                         Rule{"gradient descent, exact", gradient_descent({.line_search = LineSearch::exact})},
                         Rule{"gradient descent, backtracking", gradient_descent()},
                         Rule{"gradient descent, Wolfe", gradient_descent({.line_search = LineSearch::strong_wolfe})}};
  ASSERT_EQ(std::size(kGoldenMinima), kMinima.size());
  for (const Rule& rule : rules) {
    std::printf("%s\n", rule.name);
    for (std::size_t i = 0; i < kMinima.size(); ++i) {
      SCOPED_TRACE(std::string(rule.name) + ", " + kMinima[i].name);
      ASSERT_STREQ(kMinima[i].name, kGoldenMinima[i].name);
      find(kMinima[i], kGoldenMinima[i], rule.optimizer, kMinima[i].samples / 4, 100000);
    }
  }
}

}  // namespace
}  // namespace mote::test
