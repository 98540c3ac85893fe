// SPDX-License-Identifier: Apache-2.0
// KL(p || q) = NE(p) + CE(p, q) with the negative entropy NE(p) = sum p log p and the cross-entropy CE(p, q) =
// -sum p log q. The targets p are given, so NE(p) is a constant: both losses have the same gradient, and training with
// one is training with the other.
#include <mote/mote.hpp>

#include <array>
#include <cmath>
#include <cstdio>

namespace {

constexpr std::array<std::array<float, 3>, 2> kTargets{{{0.7F, 0.2F, 0.1F}, {0.0F, 0.5F, 0.5F}}};
constexpr auto kNet = mote::sequential(mote::input(2), mote::dense(3), mote::softmax());
constexpr mote::TrainConfig kDivergence{
    .loss = mote::Loss::kl_divergence, .optimizer = mote::sgd({.learning_rate = 1.0F}), .batch = 2};
constexpr mote::TrainConfig kCrossEntropy{.loss = mote::Loss::softmax_cross_entropy,
                                          .targets = mote::Targets::values,
                                          .optimizer = mote::sgd({.learning_rate = 1.0F}),
                                          .batch = 2};
mote::StaticTrainer<kNet, kDivergence> divergence;
mote::StaticTrainer<kNet, kCrossEntropy> cross_entropy;

template <class Trainer>
double step(Trainer& trainer) {
  for (std::size_t i = 0; i < 2; ++i)
    for (std::size_t k = 0; k < 3; ++k) {
      if (k < 2) trainer.input()[2 * i + k] = i == k ? 1.0F : 0.0F;
      trainer.targets()[3 * i + k] = kTargets[i][k];
    }
  const auto loss = trainer.step();
  return loss.ok() ? static_cast<double>(*loss) : -1.0;
}

}  // namespace

int main() {
  double negative_entropy = 0.0;  // mean over the samples, as the losses are
  for (const auto& p : kTargets)
    for (const float v : p)
      negative_entropy += v > 0.0F ? 0.5 * static_cast<double>(v) * std::log(static_cast<double>(v)) : 0.0;
  divergence.init_params(5);
  cross_entropy.init_params(5);
  for (int i = 0; i <= 200; ++i) {
    const double kl = step(divergence), ce = step(cross_entropy);
    if (i == 0 || i == 20 || i == 200)
      std::printf("step %3d: KL %.4f = NE %.4f + CE %.4f\n", i, kl, negative_entropy, ce);
    if (std::fabs(kl - (negative_entropy + ce)) > 1e-6) return 1;
  }
}
