// SPDX-License-Identifier: Apache-2.0
// The numbers that make_golden.py got from PyTorch, as C++.
#pragma once

#include <span>

namespace mote::test {

/// One batch of a case of tests/grad: outputs without training mode, then loss, gradients of the learned parameters in
/// mote's order, and running statistics (means, then variances, layer by layer) in it.
struct GoldenCase {
  const char* name;
  double loss;
  std::span<const float> output, gradient, running;
};

/// Ten updates: the loss before each, and the parameters after the last.
struct GoldenRun {
  const char* name;
  std::span<const float> losses, params;
};

#include "golden/golden_values.inc"

}  // namespace mote::test
