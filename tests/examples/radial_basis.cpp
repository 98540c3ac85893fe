// SPDX-License-Identifier: Apache-2.0
// Gaussian radial basis units exp(-||x - mu||^2 / (2 lambda)) with trainable centres and widths fit sin(2 x) on
// [-2, 2]. Widths are stored as logarithms, so that no step can make them negative.
#include <mote/mote.hpp>

#include <cstdio>

namespace {

constexpr auto kNet = mote::sequential(mote::input(1), mote::rbf(6), mote::dense(1));
constexpr mote::TrainConfig kConfig{
    .loss = mote::Loss::squared_error, .optimizer = mote::adam({.learning_rate = 0.02F}), .batch = 41};
mote::StaticTrainer<kNet, kConfig> trainer;

/// sin x for |x| <= 4.2 by its series, so that the numbers printed are the same on every machine.
float sine(float x) {
  double sum = 0.0, term = static_cast<double>(x);
  for (int k = 1; k < 30; k += 2) {
    sum += term;
    term *= -static_cast<double>(x) * static_cast<double>(x) / ((k + 1.0) * (k + 2.0));
  }
  return static_cast<float>(sum);
}

void fill() {
  for (std::size_t i = 0; i < 41; ++i) {
    const float x = -2.0F + 0.1F * static_cast<float>(i);
    trainer.input()[i] = x;
    trainer.targets()[i] = sine(2.0F * x);
  }
}

}  // namespace

int main() {
  trainer.init_params(3);
  for (int step = 0; step <= 2000; ++step) {
    fill();
    const auto loss = trainer.step();
    if (!loss.ok()) return 1;
    if (step == 0 || step == 100 || step == 2000)
      std::printf("step %4d: mean squared error %.4f\n", step, static_cast<double>(*loss));
  }
}
