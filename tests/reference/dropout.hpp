// SPDX-License-Identifier: Apache-2.0
// Dropout one element at a time: the specification of dropout_f32.
#pragma once

#include <cstdint>

#include "mote/kernels/kernels.hpp"
#include "mote/train/random.hpp"

namespace mote::reference {

/// Element i is kept where its 24-bit uniform is at least the rate: word (i / 16) % 4 of block 16 (i / 64) + i % 16.
inline void dropout(const DropoutArgs& args, float* output) {
  const float scale = 1.0F / (1.0F - args.rate);
  for (std::uint32_t i = 0; i < args.count; ++i) {
    const PhiloxBlock block = random_block(args.seed, RandomUse::dropout, args.stream, 16 * (i / 64) + i % 16);
    const float uniform = uniform_from_bits(block[i / 16 % 4]);
    output[i] = uniform >= args.rate ? args.input[i] * scale : 0.0F;
  }
}

}  // namespace mote::reference
