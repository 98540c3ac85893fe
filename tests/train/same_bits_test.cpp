// SPDX-License-Identifier: Apache-2.0
// The promise of the library: hundreds of training steps give the same parameters to the last bit on every machine with
// fused multiply-add, from Cortex-M4F to AVX-512. The hashes are committed; a kernel that sums in another order, or an
// operation that one machine rounds differently, changes them.
#include "grad/problem.hpp"
#include "instruction_set.hpp"
#include "train/bars.hpp"

namespace mote::test {
namespace {

constexpr auto kConvNet = sequential(
    input(12, 12, 1), conv2d(6, {.stride = {2, 2}, .padding = Padding::same, .bias = false}), batch_norm(), relu(),
    depthwise_conv2d(2, {.padding = Padding::same}), batch_norm(), hard_swish(), conv2d(10, {.filter = {1, 1}}), gelu(),
    max_pool(), dropout(0.25F), flatten(), dense(37), silu(), dense(4));
constexpr TrainConfig kConvTraining{
    .optimizer = adam({.learning_rate = 2e-3F}), .schedule = cosine_schedule({.steps = 300}), .batch = 6, .seed = 5};

constexpr auto kOtherNet =
    sequential(input(15, 3), conv1d(7, 4, {.stride = {1, 2}, .dilation = {1, 2}, .padding = Padding::same}),
               tanh().as("x"), conv1d(7, 3, {.padding = Padding::same}), leaky_relu(0.125F), add("x"), relu6().as("y"),
               conv1d(5, 1, {.trainable = false}), softmax(), concat("y"), average_pool({.filter = {1, 2}}),
               flatten().as("f"), rbf(19), concat("f"), dense(9), sigmoid(), dense(4));
constexpr TrainConfig kOtherTraining{.loss = Loss::kl_divergence,
                                     .targets = Targets::values,
                                     .optimizer = momentum({.learning_rate = 0.2F}),
                                     .schedule = step_schedule({.period = 40, .gamma = 0.5F, .warmup_steps = 10}),
                                     .batch = 8,
                                     .micro_batch = 4,
                                     .clip_norm = 4.0F,
                                     .l1 = 1e-4F,
                                     .l2 = 1e-3F,
                                     .sample_weights = true};

struct Training {
  std::uint64_t hash = 0;
  float first_loss = 0.0F, last_loss = 0.0F;  // means over a tenth of the run
};

/// FNV-1a of all trained parameters, running statistics included, after `slices` slices.
template <class AnyTrainer>
Training train(AnyTrainer& trainer, int slices) {
  trainer.init_params(7);
  Numbers numbers(11);
  Training run;
  for (int i = 0; i < slices; ++i) {
    feed(trainer, numbers);
    const Result<float> loss = trainer.step();
    EXPECT_TRUE(loss.ok());
    if (i < slices / 10) run.first_loss += *loss;
    if (i >= slices - slices / 10) run.last_loss += *loss;
  }
  const auto& layers = trainer.source().layers;
  run.hash = hash_bits(nullptr, 0);
  for (std::size_t i = 0; i < layers.size(); ++i)
    if (layers[i].trainable())
      run.hash = hash_bits(reinterpret_cast<const float*>(layer_params(trainer.model(), i)),
                           layers[i].param_bytes / sizeof(float), run.hash);
  return run;
}

// Machines that cannot fuse (x86 before 2013) round twice where others round once: one other hash.
TEST(SameBits, ConvolutionalNetwork300Steps) {
  static StaticTrainer<kConvNet, kConvTraining> trainer;
  const Training run = train(trainer, 300);
  EXPECT_EQ(run.hash, check::kFused ? 3458940004489149671ULL : 17685318600544149045ULL);
  EXPECT_LT(run.last_loss, 0.5F * run.first_loss);
}

TEST(SameBits, OtherOperators240Slices) {
  alignas(16) static std::array<std::byte, 64 * 1024> arena;
  alignas(16) static std::array<std::byte, kOtherNet.param_bytes> params;
  Numbers(3).fill(reinterpret_cast<float*>(params.data()), params.size() / sizeof(float), 0.5F);
  Result<Trainer> trainer = Trainer::create(kOtherNet.model(params.data()), kOtherTraining, arena);
  ASSERT_TRUE(trainer.ok()) << name(trainer.status().code) << " " << trainer.status().detail;
  const Training run = train(*trainer, 240);
  EXPECT_EQ(run.hash, check::kFused ? 461036995634600158ULL : 7498518279849348309ULL);
  EXPECT_LT(run.last_loss, 0.1F * run.first_loss);
}

}  // namespace
}  // namespace mote::test
