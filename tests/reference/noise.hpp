// SPDX-License-Identifier: Apache-2.0
// Gaussian noise one element at a time, in double: the specification of gaussian_noise_f32.
#pragma once

#include <cmath>
#include <cstdint>

#include "mote/kernels/kernels.hpp"
#include "mote/train/random.hpp"

namespace mote::reference {

/// z with Phi(z) = probability, by bisection of the distribution function.
inline double normal_quantile(double probability) {
  double low = -10.0, high = 10.0;
  for (int i = 0; i < 60; ++i) {
    const double middle = 0.5 * (low + high);
    (0.5 * std::erfc(-middle / std::sqrt(2.0)) < probability ? low : high) = middle;
  }
  return 0.5 * (low + high);
}

/// Element i's word is number (i / 16) % 4 of block 16 (i / 64) + i % 16; its upper 23 bits k are probability
/// (k + 1/2) 2^-23.
inline void gaussian_noise(const NoiseArgs& args, double* output) {
  for (std::uint32_t i = 0; i < args.count; ++i) {
    const PhiloxBlock block = random_block(args.seed, RandomUse::noise, args.stream, 16 * (i / 64) + i % 16);
    const double probability = (static_cast<double>(block[i / 16 % 4] >> 9U) + 0.5) * 0x1p-23;
    output[i] = static_cast<double>(args.input[i]) + static_cast<double>(args.stddev) * normal_quantile(probability);
  }
}

}  // namespace mote::reference
