// SPDX-License-Identifier: Apache-2.0
// EXPECT: a full-batch optimiser is run by minimize()
#include "mote/model/builders.hpp"
#include "mote/train/trainer.hpp"

using namespace mote;

constexpr auto kNet = sequential(input(4), dense(2));
constexpr TrainConfig kConfig{.optimizer = lbfgs(), .batch = 8};
StaticTrainer<kNet, kConfig> trainer;

#ifdef FAIL
Status fit() { return trainer.step().status(); }
#else
Status fit() {
  return trainer.minimize([](auto&, std::uint32_t) {}).status();
}
#endif
