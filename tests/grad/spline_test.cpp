// SPDX-License-Identifier: Apache-2.0
// Gradients of spline layers by central differences: inside and outside the knots, per pixel, frozen, and through a
// projection pursuit model.
#include "grad/gradient_check.hpp"

namespace mote::test {
namespace {

constexpr DenseOptions kRows{.bias = false};
constexpr auto kSpline = sequential(input(5), dense(3, kRows), spline(4), dense(2));
constexpr auto kPixels =
    sequential(input(2), dense(24, kRows), reshape(3, 4, 2), spline(6), tanh(), flatten(), dense(3));
constexpr auto kFrozen =
    sequential(input(3), dense(4, kRows), tanh(), dense(4), spline(5, {.trainable = false}), dense(2), spline(2));
constexpr auto kShared = sequential(input(3), dense(4, kRows).as("x"), spline(3).as("s"), silu().reads("x"), add("s"));
constexpr auto kPursuit = projection_pursuit(4, 3, 7, 2);

constexpr Case kCases[]{
    make_case("spline", kSpline, 5),
    make_case("spline_of_pixels", kPixels, 2),
    make_case("spline_frozen", kFrozen, 3),
    make_case("spline_of_a_shared_value", kShared, 3),
    make_case("projection_pursuit", kPursuit, 6, Fill::data),
};

TEST(grad_spline, matches_central_differences) {
  // The second derivative jumps at a knot, so the step must be short: few inputs come that near to one.
  for (const Case& c : kCases) GradientCheck(c).run({1.0 / 1024.0, 4e-3, 2e-4});
}

TEST(grad_spline, knots_stay_where_they_are) {
  const Problem problem(kCases[4]);
  TrainConfig config = kCases[4].config;
  config.optimizer = adamw({.learning_rate = 0.05F, .weight_decay = 0.1F});
  Trainer trainer = problem.trainer(config);
  float first = 0.0F, last = 0.0F;
  for (int step = 0; step < 100; ++step) {
    problem.feed(trainer);
    last = *trainer.step();
    if (step == 0) first = last;
  }
  EXPECT_LT(last, 0.2F * first);
  const auto* trained = reinterpret_cast<const float*>(layer_params(trainer.model(), 2));
  for (std::size_t i = 0; i < 21; ++i) EXPECT_EQ(trained[i], problem.params(2)[i]) << i;
  std::size_t moved = 0;
  for (std::size_t i = 21; i < 63; ++i) moved += trained[i] != problem.params(2)[i] ? 1 : 0;
  EXPECT_GT(moved, 20U);
}

}  // namespace
}  // namespace mote::test
