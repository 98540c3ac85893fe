// SPDX-License-Identifier: Apache-2.0
// Logistic regression on features. Two classes, one circle inside the other: no line separates them. A logistic unit on
// (x1, x2) is lost; on phi(x) = (1, x1, x2, x1^2, x2^2) it is perfect; and a network finds such features by itself.
#include <mote/mote.hpp>

#include <array>
#include <cstdio>

namespace {

constexpr int kSamples = 200;
constexpr std::uint64_t kSeed = 7;

/// Radius 1 for class 0, radius 2 for class 1, each with some noise.
std::array<float, 2> point(int i) {
  const auto draw = [&](std::uint32_t k) {
    const auto index = 4 * static_cast<std::uint32_t>(i) + k;
    return mote::normal_from_bits(mote::random_bits(kSeed, mote::RandomUse::data, 0, index));
  };
  float x = draw(0), y = draw(1);
  const float scale = (i % 2 == 0 ? 1.0F : 2.0F) * (1.0F + 0.1F * draw(2)) * __builtin_sqrtf(1.0F / (x * x + y * y));
  return {scale * x, scale * y};
}

// A static trainer holds all of its memory; the network is a template argument.
constexpr auto kLine = mote::sequential(mote::input(2), mote::dense(1));
constexpr auto kFeatures = mote::sequential(mote::input(4), mote::dense(1));
constexpr auto kNetwork = mote::sequential(mote::input(2), mote::dense(6), mote::tanh(), mote::dense(1));
constexpr mote::TrainConfig kConfig{
    .loss = mote::Loss::binary_cross_entropy, .optimizer = mote::adam({.learning_rate = 0.05F}), .batch = kSamples};
mote::StaticTrainer<kLine, kConfig> line;
mote::StaticTrainer<kFeatures, kConfig> features;
mote::StaticTrainer<kNetwork, kConfig> network;

template <class Trainer, class Phi>
void fit(const char* name, Trainer& trainer, Phi phi) {
  const auto fill = [&] {
    auto at = trainer.input().begin();
    for (int i = 0; i < kSamples; ++i) {
      for (const float value : phi(point(i))) *at++ = value;
      trainer.labels()[static_cast<std::size_t>(i)] = i % 2;
    }
  };
  trainer.init_params(kSeed);
  for (int step = 0; step < 300; ++step) {
    fill();
    if (!trainer.step().ok()) return;
  }
  fill();
  const auto result = trainer.evaluate();
  if (result.ok())
    std::printf("%-44s loss %.3f, %u of %d right\n", name, static_cast<double>(result->loss), result->correct,
                kSamples);
}

}  // namespace

int main() {
  fit("logistic regression on (x1, x2)", line, [](auto x) { return x; });
  fit("logistic regression on (x1, x2, x1^2, x2^2)", features, [](auto x) {
    return std::array{x[0], x[1], x[0] * x[0], x[1] * x[1]};
  });
  fit("a network of six tanh units on (x1, x2)", network, [](auto x) { return x; });
}
