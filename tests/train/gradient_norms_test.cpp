// SPDX-License-Identifier: Apache-2.0
// The read-out of gradient norms: right, free where it is off, and what it shows of a hundred layers with and without
// skip connections.
#include <cmath>

#include "grad/problem.hpp"

namespace mote::test {
namespace {

alignas(64) std::array<std::byte, 160 * 1024> arena, other_arena;

Trainer make(const Model& model, const TrainConfig& config, std::span<std::byte> memory) {
  const Result<Trainer> trainer = Trainer::create(model, config, memory);
  EXPECT_TRUE(trainer.ok()) << name(trainer.status().code) << " " << trainer.status().detail;
  if (!trainer.ok()) __builtin_trap();
  return *trainer;
}

constexpr auto kNet = sequential(input(6, 6, 2), conv2d(5, {.padding = Padding::same, .bias = false}), batch_norm(),
                                 relu6(), depthwise_conv2d(1, {.filter = {2, 2}}), silu(), max_pool(), flatten(),
                                 dense(7), mote::tanh(), rbf(6), dense(4), softmax());
void feed(Trainer& trainer, Numbers& numbers) {
  numbers.fill(trainer.input().data(), trainer.input().size());
  for (std::int32_t& label : trainer.labels()) label = static_cast<std::int32_t>((numbers.next() + 1.0F) * 2.0F);
}

// With plain SGD at rate 1, what the parameters lose is the gradient.
TEST(GradientNorms, AreTheNormsOfTheGradients) {
  for (const std::uint32_t slice : {6U, 2U}) {
    for (const float clip : {0.0F, 1e-3F}) {  // norms are taken before clipping
      TrainConfig config{.optimizer = sgd({.learning_rate = 1.0F}), .batch = 6, .micro_batch = slice};
      Trainer plain = make(kNet.model(), config, arena);
      config.gradient_norms = true;
      config.clip_norm = clip;
      config.l2 = clip;  // and before penalties
      Trainer measured = make(kNet.model(), config, other_arena);
      const Model before = kNet.model();
      static std::array<std::byte, 32 * 1024> start;
      std::copy(plain.parameters().begin(), plain.parameters().end(), start.begin());
      Numbers numbers(3), again(3);
      for (std::uint32_t i = 0; i < 6 / slice; ++i) {
        feed(plain, numbers);
        feed(measured, again);
        EXPECT_TRUE(plain.step().ok() && measured.step().ok());
      }
      ASSERT_EQ(measured.gradient_norms().size(), kNet.layers.size());
      for (std::size_t i = 0; i < kNet.layers.size(); ++i) {
        double sum = 0.0;
        for (const ParamArray& array :
             i == 0 ? ParamArrays{} : param_arrays(kNet.layers[i], before.input_shape_of(i))) {
          const std::size_t at = trained_offset(kNet.layers, i, config.alignment) + array.offset;
          const auto* was = reinterpret_cast<const float*>(start.data() + at);
          const auto* is = reinterpret_cast<const float*>(plain.parameters().data() + at);
          for (std::size_t k = 0; array.learned && k < array.count; ++k)
            sum += std::pow(static_cast<double>(was[k]) - static_cast<double>(is[k]), 2);
        }
        EXPECT_NEAR(measured.gradient_norms()[i], std::sqrt(sum), 1e-4 * std::sqrt(sum) + 1e-6) << i;
        EXPECT_EQ(measured.gradient_norms()[i] > 0.0F, kNet.layers[i].trainable()) << i;
      }
    }
  }
}

TEST(GradientNorms, CostNothingWhereTheyAreOff) {
  const TrainConfig config{.optimizer = sgd(), .batch = 4};
  TrainConfig with = config;
  with.gradient_norms = true;
  Trainer off = make(kNet.model(), config, arena), on = make(kNet.model(), with, other_arena);
  EXPECT_TRUE(off.gradient_norms().empty());
  EXPECT_EQ(off.plan().gradient_norms, kNoBuffer);
  std::size_t norms = 0, fused = 0, trained = 0;
  for (const Step& step : off.plan().steps) {
    EXPECT_TRUE(step.kind != StepKind::gradient_norm);
    fused += step.fused ? 1 : 0;
  }
  for (const Buffer& buffer : off.plan().buffers) EXPECT_TRUE(buffer.kind != BufferKind::gradient_norms);
  EXPECT_EQ(fused, std::size_t{4});  // SGD still writes into the parameters themselves
  for (const Step& step : on.plan().steps) norms += step.kind == StepKind::gradient_norm ? 1 : 0;
  for (const Layer& layer : kNet.layers) trained += layer.trainable() ? 1 : 0;
  EXPECT_EQ(norms, trained);
}

TEST(GradientNorms, ChangeNoBitsOfTheTraining) {
  TrainConfig config{.optimizer = adam(), .batch = 4};
  Trainer off = make(kNet.model(), config, arena);
  config.gradient_norms = true;
  Trainer on = make(kNet.model(), config, other_arena);
  Numbers numbers(5), again(5);
  for (int i = 0; i < 8; ++i) {
    feed(off, numbers);
    feed(on, again);
    ASSERT_TRUE(off.step().ok() && on.step().ok());
  }
  EXPECT_TRUE(std::equal(off.parameters().begin(), off.parameters().end(), on.parameters().begin()));
}

}  // namespace
}  // namespace mote::test
