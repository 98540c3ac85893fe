// SPDX-License-Identifier: Apache-2.0
#include "train/self_check.hpp"

#include "mote/kernels/kernels.hpp"
#include "mote/port.hpp"

namespace mote::detail {

void require_unfused_products() {
  // velocity = odd odd - odd odd: zero where both products are rounded, 2^-24 more or less where one of them is not.
  constexpr float kOdd = 1.0F + 0x1p-12F;
  float param = 0.0F;
  float velocity = kOdd;
  kernels::momentum_f32({.params = &param,
                         .grads = &kOdd,
                         .state1 = &velocity,
                         .state2 = nullptr,
                         .learning_rate = kOdd,
                         .decay1 = kOdd,
                         .decay2 = 0.0F,
                         .one_minus_decay1 = 0.0F,
                         .one_minus_decay2 = 0.0F,
                         .correction1 = 0.0F,
                         .correction2 = 0.0F,
                         .epsilon = 0.0F,
                         .weight_decay = 0.0F,
                         .count = 1});
  if (velocity != 0.0F)
    panic("this library trains to other bits than it should: compile its sources with -ffp-contract=off");
}

}  // namespace mote::detail
