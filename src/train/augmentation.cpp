// SPDX-License-Identifier: Apache-2.0
// Changes to samples. Two streams a sample: RandomUse::data decides shift and flip, RandomUse::noise the noise.
#include "mote/train/augmentation.hpp"

#include <algorithm>
#include <cstddef>

#include "mote/kernels/kernels.hpp"
#include "mote/train/random.hpp"

namespace mote {
namespace {

/// Uniform in [-limit, limit], all values equally likely up to 2^-32.
std::int32_t distance(std::uint32_t bits, std::uint32_t limit) {
  return static_cast<std::int32_t>((std::uint64_t{bits} * (2U * limit + 1U)) >> 32U) - static_cast<std::int32_t>(limit);
}

/// Moves `count` units of `width` floats by `by` units; what comes in is `background`.
void shift_run(float* run, std::size_t count, std::size_t width, std::int32_t by, float background) {
  const std::size_t far = std::min(count, static_cast<std::size_t>(by < 0 ? -std::int64_t{by} : by));
  const std::size_t kept = (count - far) * width, gap = far * width;
  if (by > 0) {
    std::copy_backward(run, run + kept, run + count * width);
    std::fill_n(run, gap, background);
  } else {
    std::copy(run + gap, run + count * width, run);
    std::fill_n(run + kept, gap, background);
  }
}

}  // namespace

void shift_image(std::span<float> sample, const Shape& shape, std::int32_t down, std::int32_t right, float background) {
  const std::size_t row = std::size_t{shape.w} * shape.c;
  shift_run(sample.data(), shape.h, row, down, background);
  for (std::size_t y = 0; y < shape.h; ++y) shift_run(sample.data() + y * row, shape.w, shape.c, right, background);
}

void flip_image(std::span<float> sample, const Shape& shape) {
  const std::size_t row = std::size_t{shape.w} * shape.c;
  for (std::size_t y = 0; y < shape.h; ++y)
    for (std::size_t x = 0; x < shape.w / 2; ++x) {
      float* const left = sample.data() + y * row + x * shape.c;
      std::swap_ranges(left, left + shape.c, sample.data() + y * row + (shape.w - 1 - x) * shape.c);
    }
}

void augment(std::span<float> sample, const Shape& shape, const Augmentation& wish, std::uint64_t seed,
             std::uint64_t number) {
  const PhiloxBlock bits = random_block(seed, RandomUse::data, number, 0);
  if (wish.shift != 0)
    shift_image(sample, shape, shape.h > 1 ? distance(bits[0], wish.shift) : 0,
                shape.w > 1 ? distance(bits[1], wish.shift) : 0, wish.background);
  if (wish.flip && (bits[2] & 1U) != 0) flip_image(sample, shape);
  if (wish.noise > 0.0F)
    kernels::gaussian_noise_f32(
        {sample.data(), sample.data(), wish.noise, ~seed, number, static_cast<std::uint32_t>(shape.elements())});
}

}  // namespace mote
