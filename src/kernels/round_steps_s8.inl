// SPDX-License-Identifier: Apache-2.0
// Steps of int8 weights, rounded at random (random_words.hpp, RandomUse::rounding): without it steps below half a unit,
// which most are, would be lost. Plain loops over fixed-size arrays, which compilers vectorise.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "kernels/random_words.hpp"
#include "mote/kernels/kernels.hpp"

namespace mote::MOTE_KERNELS {
namespace {

/// floor(value), |value| < 2^31.
inline std::int32_t floor_of(float value) {
  const auto whole = static_cast<std::int32_t>(value);  // towards 0
  return whole - static_cast<std::int32_t>(static_cast<float>(whole) > value);
}

/// `count` neighbours of a row.
inline void round_run(std::int8_t* weights, const float* scales, const float* steps, const std::uint32_t* words,
                      std::size_t count) {
  constexpr float kMost = 0x1p30F;
  constexpr std::int32_t kLimit = 127;
  for (std::size_t i = 0; i < count; ++i) {
    const float units = scales[i] > 0.0F ? steps[i] / scales[i] : 0.0F;
    const float near = std::min(kMost, std::max(-kMost, units));
    const std::int32_t moved = weights[i] + floor_of(near + uniform_from_bits(words[i]));
    weights[i] = static_cast<std::int8_t>(std::min(kLimit, std::max(-kLimit, moved)));
  }
}

}  // namespace

/// A tile of words without a step draws nothing: behind activations that are 0 many have none.
void round_steps_s8(const RoundStepsArgs& args) {
  const std::size_t columns = args.columns;
  const Part::Range share = args.part.of(std::size_t{args.rows} * columns, kTileWords);
  for (std::size_t at = share.begin; at < share.end;) {
    const auto word = static_cast<std::uint32_t>(args.first + at), within = word % kTileWords;
    const std::size_t end = std::min<std::size_t>(at + kTileWords - within, share.end);
    if (std::all_of(args.steps + at, args.steps + end, [](float step) { return step == 0.0F; })) {
      at = end;
      continue;
    }
    std::uint32_t words[kTileWords];
    random_tile(args.seed, RandomUse::rounding, args.stream, (word - within) / 4, words);
    const std::uint32_t* next = words + within;
    while (at < end) {
      const std::size_t column = at % columns, count = std::min(end - at, columns - column);
      round_run(args.weights + at, args.scales + column, args.steps + at, next, count);
      at += count, next += count;
    }
  }
}

}  // namespace mote::MOTE_KERNELS
