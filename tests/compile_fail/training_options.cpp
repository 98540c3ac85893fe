// SPDX-License-Identifier: Apache-2.0
// EXPECT: the training configuration is not valid
#include "mote/model/builders.hpp"
#include "mote/train/trainer.hpp"

using namespace mote;

constexpr auto kNet = sequential(input(4), dense(2));
#ifdef FAIL
constexpr TrainConfig kConfig{.optimizer = sgd({.learning_rate = 0.0F})};
#else
constexpr TrainConfig kConfig{.optimizer = sgd({.learning_rate = 0.1F})};
#endif

static_assert(StaticTrainer<kNet, kConfig>::arena_bytes > 0);
StaticTrainer<kNet, kConfig> trainer;
