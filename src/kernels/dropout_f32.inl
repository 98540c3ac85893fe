// SPDX-License-Identifier: Apache-2.0
// Dropout: element i is kept if its word of the random stream (random_words.hpp, RandomUse::dropout) is not below the
// rate. Integers decide, so the mask is the same everywhere.
#include <cstddef>
#include <cstdint>

#include "kernels/random_words.hpp"
#include "mote/kernels/kernels.hpp"

namespace mote::MOTE_KERNELS {

/// Kept: uniform (24 bits) >= rate, that is word >> 8 >= ceil(rate 2^24); kept values are multiplied by the rounded
/// 1 / (1 - rate), dropped ones become +0 whatever they were.
void dropout_f32(const DropoutArgs& args) {
  const float scaled_rate = args.rate * 0x1p24F;  // exact
  std::uint32_t threshold = static_cast<std::uint32_t>(scaled_rate);
  if (static_cast<float>(threshold) < scaled_rate) ++threshold;
  const float scale = 1.0F / (1.0F - args.rate);
  const Part::Range share = args.part.of(args.count, kTileWords);
  const auto end = static_cast<std::uint32_t>(share.end);
  for (auto first = static_cast<std::uint32_t>(share.begin); first < end; first += kTileWords) {
    std::uint32_t words[kTileWords];
    random_tile(args.seed, RandomUse::dropout, args.stream, first / 4, words);  // 16 blocks for 64 elements
    const float* input = args.input + first;
    float* output = args.output + first;
    const std::uint32_t left = end - first;
    const std::uint32_t count = left < kTileWords ? left : kTileWords;
    for (std::uint32_t i = 0; i < count; ++i) {
      const float scaled = input[i] * scale;
      output[i] = words[i] >> 8 >= threshold ? scaled : 0.0F;
    }
  }
}

}  // namespace mote::MOTE_KERNELS
