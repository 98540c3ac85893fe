// SPDX-License-Identifier: Apache-2.0
// Four samples, one sigmoid unit, two weights: E(w) = sum over i of (y_i - 1 / (1 + e^-(w1 x1 + w2 x2)))^2. Small
// enough to print the whole surface, and to watch gradient descent with an exact line search walk down it. With an
// argument the surface is printed finely, for a picture:  example_two_weights fine | gnuplot -p -e "splot '-' w l"
#include <mote/mote.hpp>

#include <array>
#include <cmath>
#include <cstdio>
#include <span>

namespace {

struct Sample {
  float x1, x2, y;
};
constexpr std::array<Sample, 4> kSamples{
    {{-2.0F, -1.0F, 0.0F}, {-1.0F, 2.0F, 1.0F}, {2.0F, 1.0F, 1.0F}, {1.5F, 1.5F, 0.0F}}};

constexpr auto kNet = mote::sequential(mote::input(2), mote::dense(1, {.bias = false}), mote::sigmoid());
constexpr mote::TrainConfig kConfig{
    .loss = mote::Loss::squared_error,
    .optimizer = mote::gradient_descent({.line_search = mote::LineSearch::exact, .first_step = 1.0F}),
    .batch = 4};
mote::StaticTrainer<kNet, kConfig> trainer;

std::span<float> weights() { return {reinterpret_cast<float*>(trainer.parameters().data()), 2}; }

void fill() {
  for (std::size_t i = 0; i < kSamples.size(); ++i) {
    trainer.input()[2 * i] = kSamples[i].x1;
    trainer.input()[2 * i + 1] = kSamples[i].x2;
    trainer.targets()[i] = kSamples[i].y;
  }
}

/// E(w): the library's loss is the mean over the samples.
double loss_at(float w1, float w2) {
  weights()[0] = w1, weights()[1] = w2;
  fill();
  const auto result = trainer.evaluate();
  return result.ok() ? 4.0 * static_cast<double>(result->loss) : std::nan("");
}

void print_surface() {
  std::printf("E(w1, w2)\n  w2\\w1");
  for (int w1 = -4; w1 <= 4; w1 += 2) std::printf("%8d", w1);
  for (int w2 = 4; w2 >= -4; w2 -= 2) {
    std::printf("\n%7d", w2);
    for (int w1 = -4; w1 <= 4; w1 += 2) std::printf("%8.3f", loss_at(static_cast<float>(w1), static_cast<float>(w2)));
  }
  std::printf("\n");
}

}  // namespace

int main(int arguments, char**) {
  if (arguments > 1) {
    for (int i = -40; i <= 40; ++i, std::printf("\n"))
      for (int k = -40; k <= 40; ++k) {
        const float w1 = 0.1F * static_cast<float>(i), w2 = 0.1F * static_cast<float>(k);
        std::printf("%g %g %g\n", static_cast<double>(w1), static_cast<double>(w2), loss_at(w1, w2));
      }
    return 0;
  }
  print_surface();
  weights()[0] = -2.0F, weights()[1] = -1.0F;
  std::printf("gradient descent with an exact line search from (-2, -1), E = %.4f\n", loss_at(-2.0F, -1.0F));
  const auto observe = [](const mote::MinimizeResult& now) {
    std::printf("  step %u: w = (%.3f, %.3f), E = %.4f, |gradient| = %.4f\n", now.iterations,
                static_cast<double>(weights()[0]), static_cast<double>(weights()[1]), 4.0 * now.loss,
                4.0 * now.gradient_norm);
    return now.iterations < 6;
  };
  const auto data = [](auto&, std::uint32_t) { fill(); };
  const auto result = trainer.minimize(data, {.gradient_tolerance = 1e-3}, observe);
  return result.ok() ? 0 : 1;
}
