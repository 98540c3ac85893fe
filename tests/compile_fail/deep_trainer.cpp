// SPDX-License-Identifier: Apache-2.0
// EXPECT: about 90 to train and 280 to run with GCC, 30 and 95 with clang): take mote::Trainer or mote::Session
#include <utility>

#include "mote/model/builders.hpp"
#include "mote/train/trainer.hpp"

using namespace mote;

template <std::size_t... I>
consteval auto deep(std::index_sequence<I...>) {
  return sequential(input(4), (static_cast<void>(I), dense(4))...);
}

#ifdef FAIL
constexpr auto kNet = deep(std::make_index_sequence<128>{});
#else
constexpr auto kNet = deep(std::make_index_sequence<16>{});
#endif
constexpr TrainConfig kTrain{.optimizer = adam(), .batch = 4};
StaticTrainer<kNet, kTrain> trainer;
