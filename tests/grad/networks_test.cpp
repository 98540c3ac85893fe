// SPDX-License-Identifier: Apache-2.0
// Gradients of small whole networks under the losses they are used with, by central differences: every parameter, with
// everything shared and overwritten that a planner may share and overwrite.
#include "grad/gradient_check.hpp"
#include "grad/network_cases.hpp"

namespace mote::test {
namespace {

TEST(GradientOfNetworks, AgreesWithCentralDifferences) {
  for (const Case& c : kNetworkCases) GradientCheck(c).run({.step = 1.0 / 512.0, .relative = 1e-3, .absolute = 1e-4});
}

// A clipped gradient is the gradient times limit / norm, or each element within the limit.
TEST(GradientOfNetworks, ClippingScalesOrCutsTheGradient) {
  const Case& c = kNetworkCases[0];
  GradientCheck check(c);
  static std::array<float, 512> whole{}, scaled{}, cut{};
  TrainConfig config = c.config;
  config.optimizer = momentum({.learning_rate = 1.0F, .momentum = 0.0});
  const std::size_t count = check.gradient(config, whole).size();
  double squares = 0.0;
  for (const float g : whole) squares += static_cast<double>(g) * static_cast<double>(g);
  const double norm = __builtin_sqrt(squares);
  config.clip_norm = static_cast<float>(0.5 * norm);
  static_cast<void>(check.gradient(config, scaled));
  config.clip_norm = 0.0F;
  config.clip_value = 0.03125F;
  static_cast<void>(check.gradient(config, cut));
  std::size_t cut_count = 0;
  for (std::size_t i = 0; i < count; ++i) {
    EXPECT_NEAR(scaled[i], 0.5F * whole[i], 1e-6 * norm);
    const float limit = config.clip_value;
    const float expected = whole[i] > limit ? limit : whole[i] < -limit ? -limit : whole[i];
    EXPECT_EQ(cut[i], expected);
    if (expected != whole[i]) ++cut_count;
  }
  EXPECT_GT(cut_count, std::size_t{5});
  EXPECT_LT(cut_count, count - 5);
}

}  // namespace
}  // namespace mote::test
