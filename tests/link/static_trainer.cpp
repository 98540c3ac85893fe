// SPDX-License-Identifier: Apache-2.0
// A compile-time trainer in an application of any optimisation level: what it carries is tested by static_size.sh.
// Ends with 0 where it has learned.
#include "mote/model/builders.hpp"
#include "mote/train/trainer.hpp"

namespace {

constexpr auto kNet =
    mote::sequential(mote::input(2), mote::dense(8), mote::batch_norm(), mote::tanh(), mote::dense(1));
constexpr mote::TrainConfig kTrain{
    .loss = mote::Loss::binary_cross_entropy, .optimizer = mote::adam({.learning_rate = 0.05F}), .batch = 4};
constinit mote::StaticTrainer<kNet, kTrain> trainer;

}  // namespace

int main() {
  trainer.init_params(/*seed=*/1);
  float loss = 1.0F;
  for (int step = 0; step < 300 && loss > 0.1F; ++step) {
    for (unsigned i = 0; i < 4; ++i) {
      trainer.input()[2 * i] = static_cast<float>(i & 1U);
      trainer.input()[2 * i + 1] = static_cast<float>(i >> 1U);
      trainer.labels()[i] = static_cast<int>((i ^ i >> 1U) & 1U);
    }
    const mote::Result<float> result = trainer.step();
    if (!result.ok()) return 1;
    loss = *result;
  }
  return loss <= 0.1F ? 0 : 2;
}
