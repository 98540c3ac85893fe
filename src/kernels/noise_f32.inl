// SPDX-License-Identifier: Apache-2.0
// Gaussian noise: element i gets stddev times a normal value made from its word of the random stream (random_words.hpp,
// RandomUse::noise). The same formula as normal_from_bits() (random.hpp), in float32 over the facade.
#include <cstddef>
#include <cstdint>

#include "kernels/lanes.hpp"
#include "kernels/random_words.hpp"
#include "mote/kernels/kernels.hpp"
#include "simd/simd.hpp"

namespace mote::MOTE_KERNELS {
namespace {

/// Inverse of the normal distribution at c + 1/2 (Wichura, AS 241, PPND7), |c| <= 1/2 - 2^-24: both branches, and the
/// right one chosen. Within 2e-6 of the exact value.
MOTE_INLINE simd::F32 normal_quantile(simd::F32 c) {
  using simd::splat;
  const simd::F32 magnitude = abs(c);
  const simd::F32 q = neg_mul_add(c, c, splat(0.180625F));
  constexpr float kCentre[] = {3.3871327179F, 50.434271938F, 159.29113202F, 59.109374720F};
  constexpr float kCentreUnder[] = {1.0F, 17.895169469F, 78.757757664F, 67.187563600F};
  const simd::F32 centre = c * simd::polynomial::horner(q, kCentre) / simd::polynomial::horner(q, kCentreUnder);
  const simd::F32 r = sqrt(-simd::log(splat(0.5F) - magnitude)) - splat(1.6F);
  constexpr float kTail[] = {1.4234372777F, 2.7568153900F, 1.3067284816F, 0.17023821103F};
  constexpr float kTailUnder[] = {1.0F, 0.73700164250F, 0.12021132975F};
  const simd::F32 tail = simd::polynomial::horner(r, kTail) / simd::polynomial::horner(r, kTailUnder);
  const simd::F32 signed_tail = select(less(c, simd::zero()), -tail, tail);
  return select(less_equal(magnitude, splat(0.425F)), centre, signed_tail);
}

}  // namespace

/// The word's upper 23 bits k stand for the probability (k + 1/2) 2^-23.
void gaussian_noise_f32(const NoiseArgs& args) {
  const simd::F32 stddev = simd::splat(args.stddev);
  for (std::uint32_t first = 0; first < args.count; first += kTileWords) {
    std::uint32_t words[kTileWords];
    float centred[kTileWords];
    random_tile(args.seed, RandomUse::noise, args.stream, first / 4, words);
    for (std::uint32_t i = 0; i < kTileWords; ++i)  // exact: an odd number of 24 bits, times a power of two
      centred[i] = static_cast<float>(static_cast<std::int32_t>(words[i] >> 9U << 1U | 1U) - 0x80'0000) * 0x1p-24F;
    const float* input = args.input + first;
    float* output = args.output + first;
    const std::uint32_t left = args.count - first;
    lanes_over(left < kTileWords ? left : kTileWords, [&](std::size_t at, auto lanes) MOTE_LAMBDA_INLINE {
      lanes.store(output + at, mul_add(stddev, normal_quantile(lanes.load(centred + at)), lanes.load(input + at)));
    });
  }
}

}  // namespace mote::MOTE_KERNELS
