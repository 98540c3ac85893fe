// SPDX-License-Identifier: Apache-2.0
// Gradients of every operator, by central differences of a Trainer's own loss. Cases: layer_cases.hpp.
#include "grad/gradient_check.hpp"
#include "grad/layer_cases.hpp"
#include "grad/operator_cases.hpp"

namespace mote::test {
namespace {

TEST(GradientOfLayers, AgreesWithCentralDifferences) {
  for (const Case& c : kLayerCases) GradientCheck(c).run();
  for (const Case& c : kOperatorCases) GradientCheck(c).run();
}

TEST(GradientOfLayers, EveryOperatorHasACase) {
  for (unsigned op = 0; op < 256; ++op) {
    bool found = !known(static_cast<Op>(op)) || static_cast<Op>(op) == Op::spline ||  // spline_test.cpp: not in PyTorch
                 static_cast<Op>(op) == Op::fake_quantize ||  // train/quantization_aware_test.cpp: straight through
                 is_source(static_cast<Op>(op)) || !differentiable(static_cast<Op>(op));
    for (const Case& c : kLayerCases)
      for (const Layer& layer : c.layers) found = found || layer.op == static_cast<Op>(op);
    for (const Case& c : kOperatorCases)
      for (const Layer& layer : c.layers) found = found || layer.op == static_cast<Op>(op);
    EXPECT_TRUE(found) << "operator " << op << " has no gradient test";
  }
}

TEST(GradientOfLayers, CasesHaveDifferentNames) {
  for (std::size_t i = 0; i < kLayerCases.size(); ++i)
    for (std::size_t k = 0; k < i; ++k)
      EXPECT_FALSE(detail::same_text(kLayerCases[i].name, kLayerCases[k].name)) << kLayerCases[i].name;
}

// The check sees an error of two parts in a thousand in any case, and has room for noise.
TEST(GradientCheck, IsSharp) {
  for (const Case& c : kLayerCases) {
    EXPECT_GT(GradientCheck(c).worst_after_scaling(1.002F), 1.0) << c.name;
    EXPECT_LT(GradientCheck(c).worst_after_scaling(1.0F), 0.75) << c.name;
  }
}

}  // namespace
}  // namespace mote::test
