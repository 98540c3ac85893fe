// SPDX-License-Identifier: Apache-2.0
// EXPECT: the network cannot be trained with this configuration
#include "mote/model/builders.hpp"
#include "mote/train/trainer.hpp"

using namespace mote;

#ifdef FAIL
constexpr auto kNet = sequential(input(4), dense(2, {.trainable = false}));
#else
constexpr auto kNet = sequential(input(4), dense(2, {.trainable = true}));
#endif
constexpr TrainConfig kConfig{.optimizer = sgd({.learning_rate = 0.1F})};

StaticTrainer<kNet, kConfig> trainer;
