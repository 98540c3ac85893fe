// SPDX-License-Identifier: Apache-2.0
// Something to learn for training tests: noise with a bar whose place is the class.
#pragma once

#include "grad/problem.hpp"

namespace mote::test {

/// The next batch, of four classes: labels, or soft targets where there are none, and a weight a sample where wanted.
template <class AnyTrainer>
void feed(AnyTrainer& trainer, Numbers& numbers) {
  const std::size_t samples = trainer.slice_samples(), features = trainer.input().size() / samples;
  for (std::size_t s = 0; s < samples; ++s) {
    const auto label = static_cast<std::size_t>((numbers.next() + 1.0F) * 2.0F);
    float* row = trainer.input().data() + s * features;
    numbers.fill(row, features, 0.5F);
    for (std::size_t i = label * features / 4; i < (label + 1) * features / 4; ++i) row[i] += 0.5F;
    if (!trainer.labels().empty()) trainer.labels()[s] = static_cast<std::int32_t>(label);
    for (std::size_t k = 0; k < 4 && !trainer.targets().empty(); ++k)
      trainer.targets()[4 * s + k] = k == label ? 0.8125F : 0.0625F;
    if (!trainer.sample_weights().empty()) trainer.sample_weights()[s] = 1.0F + 0.5F * numbers.next();
  }
}

}  // namespace mote::test
