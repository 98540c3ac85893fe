// SPDX-License-Identifier: Apache-2.0
// EXPECT: batch norm would be trained on one value per channel
#include "mote/model/builders.hpp"
#include "mote/train/trainer.hpp"

using namespace mote;

constexpr auto kNet = sequential(input(4), dense(8), batch_norm(), relu(), dense(2));
#ifdef FAIL
constexpr TrainConfig kConfig{};
#else
constexpr TrainConfig kConfig{.batch = 2};
#endif

static_assert(StaticTrainer<kNet, kConfig>::arena_bytes > 0);
StaticTrainer<kNet, kConfig> trainer;
