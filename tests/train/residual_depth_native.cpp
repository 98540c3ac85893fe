// SPDX-License-Identifier: Apache-2.0
// A hundred dense layers with sigmoids: with skip connections they learn, without them no gradient arrives at the first
// layers, and the read-out shows both. Host only: the networks are built in a vector.
#include <algorithm>
#include <cstdio>
#include <vector>

#include "grad/problem.hpp"

namespace mote::test {
namespace {

constexpr int kDepth = 100, kWidth = 32, kSteps = 600, kBatch = 32;

struct Network100 {
  std::vector<Layer> layers;
  std::uint32_t param_bytes = 0;
  std::vector<const char*> labels;

  void append(const LayerSpec& spec) {
    const Result<Layer> layer = resolve(spec, layers, labels, 16);
    ASSERT_TRUE(layer.ok()) << name(layer.status().code);
    layers.push_back(*layer);
    labels.push_back(nullptr);
    param_bytes = std::max(param_bytes, layer->param_offset + layer->param_bytes);
  }
  explicit Network100(bool skips) {
    append(input(2));
    append(dense(kWidth));
    for (int i = 0; i < kDepth - 2; ++i) {
      const std::size_t before = layers.size() - 1;
      append(dense(kWidth));
      append(sigmoid());
      if (!skips) continue;
      labels[before] = "before";
      append(add("before"));
      labels[before] = nullptr;
    }
    append(dense(3));
  }
  [[nodiscard]] Model model() const { return {layers, nullptr, param_bytes, 16}; }
};

struct Outcome {
  double last_loss = 0.0, accuracy = 0.0;  // over the last tenth of the steps
  std::vector<float> first_norms;          // of the dense layers, from the input on
};

/// Points of the square; the class is the ring that they lie in.
template <class AnyTrainer>
void feed(AnyTrainer& trainer, Numbers& numbers) {
  for (std::size_t s = 0; s < trainer.slice_samples(); ++s) {
    float* point = trainer.input().data() + 2 * s;
    numbers.fill(point, 2);
    const float square = point[0] * point[0] + point[1] * point[1];
    trainer.labels()[s] = square < 0.25F ? 0 : square < 0.81F ? 1 : 2;
  }
}

Outcome train(bool skips) {
  const Network100 net(skips);
  const TrainConfig config{
      .optimizer = adam({.learning_rate = 0.001F}), .batch = kBatch, .alignment = 64, .gradient_norms = true};
  std::vector<std::byte> workspace(1 << 20), block(*required_arena_bytes(net.model(), config, workspace) + 64);
  void* begin = block.data();
  std::size_t space = block.size();
  std::align(64, block.size() - 64, begin, space);
  Result<Trainer> trainer = Trainer::create(net.model(), config, {static_cast<std::byte*>(begin), space});
  EXPECT_TRUE(trainer.ok()) << name(trainer.status().code);
  if (!trainer.ok()) return {};
  Outcome outcome;
  Numbers numbers(21);
  for (int step = 0; step < kSteps; ++step) {
    feed(*trainer, numbers);
    const Result<float> loss = trainer->step();
    EXPECT_TRUE(loss.ok()) << name(loss.status().code);
    if (step == 0)
      for (std::size_t i = 0; i < net.layers.size(); ++i)
        if (net.layers[i].trainable()) outcome.first_norms.push_back(trainer->gradient_norms()[i]);
    if (step < kSteps - kSteps / 10) continue;
    outcome.last_loss += static_cast<double>(*loss) / (kSteps / 10);
    outcome.accuracy += static_cast<double>(trainer->last_result().correct) / (kBatch * (kSteps / 10));
  }
  std::printf("  %-22s loss %.4f, accuracy %4.1f %%, norms of the first update in layers 1, 25, 50, 75, 100:",
              skips ? "with skip connections" : "without", outcome.last_loss, 100.0 * outcome.accuracy);
  for (const std::size_t i : {0U, 24U, 49U, 74U, 99U})
    std::printf(" %.1e", static_cast<double>(outcome.first_norms[i]));
  std::printf("\n");
  return outcome;
}

TEST(ResidualDepth, AHundredLayersLearnWithSkipConnectionsOnly) {
  const Outcome plain = train(false), residual = train(true);
  ASSERT_EQ(plain.first_norms.size(), std::size_t{kDepth});
  EXPECT_GT(plain.last_loss, 0.9);  // no better than the frequencies of the classes
  EXPECT_LT(residual.last_loss, 0.55);
  EXPECT_GT(residual.accuracy, 0.75);
  // Vanishing: every layer less takes a factor of about five. With skip connections all norms are of one kind.
  EXPECT_LT(plain.first_norms[49], 1e-20F * plain.first_norms[99]);
  EXPECT_LT(plain.first_norms[24], 1e-35F);
  const auto [least, most] = std::minmax_element(residual.first_norms.begin(), residual.first_norms.end());
  EXPECT_GT(*least, 1e-4F * *most);
}

}  // namespace
}  // namespace mote::test
