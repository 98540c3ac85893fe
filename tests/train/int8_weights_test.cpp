// SPDX-License-Identifier: Apache-2.0
// Training of weights that stay int8: each step against the float32 trainer's, whose step it is on average and from
// which it is less than a unit away; what is refused; and the same bits on every machine.
#include <cmath>
#include <cstring>

#include "grad/problem.hpp"
#include "instruction_set.hpp"
#include "train/bars.hpp"

namespace mote::test {
namespace {

constexpr ConvOptions kInt8Conv{.padding = Padding::same, .weights = DType::s8};
constexpr auto kNet = sequential(input(9, 8, 3), conv2d(17, kInt8Conv), relu(),
                                 depthwise_conv2d(2, {.stride = {2, 2}, .weights = DType::s8}), relu(),
                                 conv2d(40, {.filter = {1, 1}, .bias = false, .weights = DType::s8}), relu(), flatten(),
                                 dense(31, {.weights = DType::s8}), relu(), dense(4, {.weights = DType::s8}));
constexpr auto kWideNet =
    sequential(input(9, 8, 3), conv2d(17, {.padding = Padding::same}), relu(), depthwise_conv2d(2, {.stride = {2, 2}}),
               relu(), conv2d(40, {.filter = {1, 1}, .bias = false}), relu(), flatten(), dense(31), relu(), dense(4));
constexpr TrainConfig kConfig{.optimizer = sgd({.learning_rate = 0.05F}), .batch = 6, .seed = 3};

alignas(16) std::byte narrow_arena[160 * 1024], wide_arena[240 * 1024], other_arena[80 * 1024];

template <class AnyTrainer>
void feed_batch(AnyTrainer& trainer, std::uint32_t seed) {
  Numbers numbers(seed);
  feed(trainer, numbers);
}

Trainer trainer_of(const Model& model, std::span<std::byte> arena) {
  const Result<Trainer> trainer = Trainer::create(model, kConfig, arena);
  EXPECT_TRUE(trainer.ok()) << name(trainer.status().code) << " " << trainer.status().detail;
  return *trainer;
}

/// Int8 weights, their scales and the bias of layer `i`, as the trainer has them now.
struct Narrow {
  const std::int8_t* weights = nullptr;
  const float *scales = nullptr, *bias = nullptr;
  std::uint32_t count = 0, columns = 0;
};
Narrow narrow_of(const Model& model, std::size_t i) {
  const ParamArrays arrays = param_arrays(model.layers[i], model.input_shape_of(i));
  const std::byte* params = layer_params(model, i);
  const ParamArray& scales = arrays.arrays[arrays.count - 1];
  return {reinterpret_cast<const std::int8_t*>(params), reinterpret_cast<const float*>(params + scales.offset),
          reinterpret_cast<const float*>(params + arrays.arrays[1].offset), arrays.arrays[0].count, scales.count};
}

/// Puts what narrow weights stand for in the float32 trainer.
void widen_into(Trainer& narrow, Trainer& wide) {
  const Model from = narrow.model(), to = wide.model();
  for (std::size_t i = 0; i < from.layers.size(); ++i) {
    if (!from.layers[i].trainable()) continue;
    const Narrow source = narrow_of(from, i);
    auto* target = reinterpret_cast<float*>(const_cast<std::byte*>(layer_params(to, i)));
    for (std::uint32_t k = 0; k < source.count; ++k)
      target[k] = source.scales[k % source.columns] * static_cast<float>(source.weights[k]);
    if (from.layers[i].has_bias()) std::memcpy(target + source.count, source.bias, source.columns * sizeof(float));
  }
}

TEST(Int8Weights, StepAsFloat32WeightsDoOnAverage) {
  Trainer narrow = trainer_of(kNet.model(), narrow_arena), wide = trainer_of(kWideNet.model(), wide_arena);
  double sum = 0.0, squares = 0.0, to_round = 0.0, count = 0.0;
  for (std::uint32_t step = 0; step < 20; ++step) {
    widen_into(narrow, wide);
    feed_batch(narrow, step), feed_batch(wide, step);
    const Result<float> narrow_loss = narrow.step(), wide_loss = wide.step();
    ASSERT_TRUE(narrow_loss.ok() && wide_loss.ok());
    ASSERT_EQ(*narrow_loss, *wide_loss) << "the same function";
    const Model from = narrow.model(), to = wide.model();
    for (std::size_t i = 0; i < from.layers.size(); ++i) {
      if (!from.layers[i].trainable()) continue;
      const Narrow now = narrow_of(from, i);
      const auto* target = reinterpret_cast<const float*>(layer_params(to, i));
      for (std::uint32_t k = 0; k < now.count; ++k) {
        const double wanted = static_cast<double>(target[k]) / static_cast<double>(now.scales[k % now.columns]);
        const double off = now.weights[k] - wanted;
        ASSERT_LT(std::abs(off), 1.001) << "layer " << i << ", weight " << k;
        sum += off, squares += off * off, to_round += std::abs(wanted - std::round(wanted)), ++count;
      }
      for (std::uint32_t j = 0; from.layers[i].has_bias() && j < now.columns; ++j)
        ASSERT_EQ(now.bias[j], target[now.count + j]) << i;
    }
  }
  EXPECT_GT(to_round / count, 1e-3) << "there is something to round";
  EXPECT_LT(std::abs(sum), 5.0 * std::sqrt(squares)) << "no bias";
}

TEST(Int8Weights, LearnWithTheSameBitsEverywhere) {
  static StaticTrainer<kNet, kConfig> fixed;
  Trainer trainer = trainer_of(kNet.model(), narrow_arena);
  trainer.init_params(7), fixed.init_params(7);
  float first = 0.0F, last = 0.0F;
  for (std::uint32_t step = 0; step < 150; ++step) {
    feed_batch(trainer, step), feed_batch(fixed, step);
    const Result<float> loss = trainer.step(), same = fixed.step();
    ASSERT_TRUE(loss.ok() && same.ok());
    ASSERT_EQ(*loss, *same) << "a plan known when compiling";
    if (step < 15) first += *loss;
    if (step >= 135) last += *loss;
  }
  EXPECT_LT(last, 0.6F * first);
  std::uint64_t hash = hash_bits(nullptr, 0);
  for (std::size_t i = 0; i < kNet.layers.size(); ++i)
    if (kNet.layers[i].trainable())
      hash = hash_bits(reinterpret_cast<const float*>(layer_params(trainer.model(), i)),
                       kNet.layers[i].param_bytes / sizeof(float), hash);
  if (check::kFused) {
    EXPECT_EQ(hash, 1404640895099412873U);
  }
}

TEST(Int8Weights, TakeAQuarterOfTheMemoryAndNoGradient) {
  constexpr DenseOptions kInt8{.weights = DType::s8};
  constexpr auto kWide = sequential(input(300), dense(200), relu(), dense(200), relu(), dense(10));
  constexpr auto kNarrow =
      sequential(input(300), dense(200, kInt8), relu(), dense(200, kInt8), relu(), dense(10, kInt8));
  const Result<std::size_t> wide = required_arena_bytes(kWide.model(), kConfig),
                            narrow = required_arena_bytes(kNarrow.model(), kConfig);
  ASSERT_TRUE(wide.ok() && narrow.ok());
  constexpr std::size_t kWeights = 300 * 200 + 200 * 200 + 200 * 10, kUnits = 410, kValues = 300 + 4 * 200;
  EXPECT_GT(*wide, 4 * kWeights);
  EXPECT_LT(*narrow, kWeights + 8 * kUnits + 4096 + 4 * 6 * kValues + 2048)
      << "no layer's weights are whole in float32";
}

TEST(Int8Weights, AreASessionsToo) {
  Trainer trainer = trainer_of(kNet.model(), narrow_arena);
  for (std::uint32_t step = 0; step < 5; ++step) {
    feed_batch(trainer, step);
    ASSERT_TRUE(trainer.step().ok());
  }
  feed_batch(trainer, 77);
  ASSERT_TRUE(trainer.evaluate().ok());
  const float expected = trainer.output()[0];
  Result<Session> session = Session::create(trainer.model(), other_arena, {.batch = 6});
  ASSERT_TRUE(session.ok());
  feed_batch(trainer, 77);
  std::copy(trainer.input().begin(), trainer.input().end(), session->input().begin());
  session->run();
  EXPECT_EQ(session->output()[0], expected);
}

TEST(Int8Weights, RefuseWhatWantsTheirGradientWhole) {
  const auto refused = [](TrainConfig config, Option option) {
    config.batch = 6;
    const Result<std::size_t> bytes = required_arena_bytes(kNet.model(), config);
    EXPECT_EQ(bytes.status().code, Code::int8_weights_need_sgd);
    EXPECT_EQ(bytes.status().layer, 1);
    EXPECT_EQ(bytes.status().detail, static_cast<std::uint32_t>(option));
  };
  refused({.optimizer = adam()}, Option::optimizer);
  refused({.optimizer = momentum()}, Option::optimizer);
  refused({.optimizer = lbfgs()}, Option::optimizer);
  refused({.micro_batch = 3}, Option::micro_batch);
  refused({.clip_value = 1.0F}, Option::clip_value);
  refused({.clip_norm = 1.0F}, Option::clip_norm);
  refused({.l1 = 0.1F}, Option::l1);
  refused({.l2 = 0.1F}, Option::l2);
  refused({.gradient_norms = true}, Option::gradient_norms);
  // Layers that are float32 may have all of that beside int8 weights that are frozen.
  constexpr auto kFrozen = sequential(input(5), dense(7, {.trainable = false, .weights = DType::s8}), relu(), dense(2));
  EXPECT_TRUE(required_arena_bytes(kFrozen.model(), {.optimizer = adam(), .batch = 6, .l2 = 0.1F}).ok());
}

TEST(Int8Weights, StayWhereTheLossIsNotFinite) {
  Trainer trainer = trainer_of(kNet.model(), narrow_arena);
  const auto hash = [&] {
    return hash_bits(reinterpret_cast<const float*>(trainer.parameters().data()),
                     trainer.parameters().size() / sizeof(float));
  };
  const std::uint64_t before = hash();
  feed_batch(trainer, 1);
  trainer.input()[5] = __builtin_inff();
  EXPECT_EQ(trainer.step().status().code, Code::non_finite_loss);
  EXPECT_EQ(hash(), before);
}

}  // namespace
}  // namespace mote::test
