// SPDX-License-Identifier: Apache-2.0
// EXPECT: a trainer's input is float
#include <cstdint>

#include "mote/model/builders.hpp"
#include "mote/train/trainer.hpp"

void show(mote::Trainer& trainer, const std::uint8_t* pixels) {
#ifdef FAIL
  for (auto& value : trainer.input<std::uint8_t>()) value = *pixels++;
#else
  for (auto& value : trainer.input()) value = static_cast<float>(*pixels++) / 255.0F;
#endif
}
