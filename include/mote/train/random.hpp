// SPDX-License-Identifier: Apache-2.0
// Random numbers as pure functions of (seed, stream, index): Philox4x32-10, uniform and normal values, and
// permutations that need no array. Same bits on every machine: integers, and double arithmetic without libm.
// No state object: what a run has drawn is named by its counters, so a resumed run needs nothing but them.
#pragma once

#include "mote/requirements.hpp"
#ifndef MOTE_WARN_IN_HEADERS
#pragma GCC system_header
#endif

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "mote/arithmetic.hpp"

namespace mote {

using PhiloxBlock = std::array<std::uint32_t, 4>;

/// Philox4x32-10 (Salmon et al., Parallel random numbers: as easy as 1, 2, 3, SC 2011): 128 random bits from a
/// 128-bit counter and a 64-bit key.
constexpr PhiloxBlock philox4x32(PhiloxBlock counter, std::array<std::uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t product0 = std::uint64_t{0xD2511F53} * counter[0];
    const std::uint64_t product1 = std::uint64_t{0xCD9E8D57} * counter[2];
    counter = {static_cast<std::uint32_t>(product1 >> 32) ^ counter[1] ^ key[0], static_cast<std::uint32_t>(product1),
               static_cast<std::uint32_t>(product0 >> 32) ^ counter[3] ^ key[1], static_cast<std::uint32_t>(product0)};
    key[0] += 0x9E3779B9;
    key[1] += 0xBB67AE85;
  }
  return counter;
}

/// What the numbers are for. Part of the counter, so that one seed never gives two uses the same numbers.
enum class RandomUse : std::uint32_t { dropout = 0, init = 1, shuffle = 2, data = 3, noise = 4, rounding = 5 };

/// Words 4 block … 4 block + 3 of the stream.
constexpr PhiloxBlock random_block(std::uint64_t seed, RandomUse use, std::uint64_t stream, std::uint32_t block) {
  return philox4x32({block, static_cast<std::uint32_t>(use), static_cast<std::uint32_t>(stream),
                     static_cast<std::uint32_t>(stream >> 32)},
                    {static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)});
}

/// Word `index` of the stream. Neighbours share a block: draw four at a time where speed matters.
constexpr std::uint32_t random_bits(std::uint64_t seed, RandomUse use, std::uint64_t stream, std::uint32_t index) {
  return random_block(seed, use, stream, index / 4)[index % 4];
}

/// [0, 1), a multiple of 2^-24: every value is exact in float32.
constexpr float uniform_from_bits(std::uint32_t bits) { return static_cast<float>(bits >> 8) * 0x1p-24F; }

namespace detail {
/// Square root by Newton's method, within 1 ulp of double; x > 0 and normal.
constexpr double square_root(double x) {
  double root = std::bit_cast<double>((std::bit_cast<std::uint64_t>(x) >> 1) + (std::uint64_t{1023} << 51));
  for (int i = 0; i < 5; ++i) root = product(0.5, root + x / root);
  return root;
}

/// Natural logarithm, relative error below 1e-14; x > 0 and normal.
constexpr double natural_log(double x) {
  const std::uint64_t bits = std::bit_cast<std::uint64_t>(x);
  double exponent = static_cast<double>(static_cast<int>(bits >> 52) - 1023);
  double fraction = std::bit_cast<double>((bits & 0x000F'FFFF'FFFF'FFFF) | 0x3FF0'0000'0000'0000);
  if (fraction > 1.4142135623730951) fraction *= 0.5, exponent += 1.0;
  const double ratio = (fraction - 1.0) / (fraction + 1.0);  // |ratio| < 0.1716: 10 terms leave 1e-17
  const double square = ratio * ratio;
  double sum = 0.0;
  for (double n = 21.0; n > 0.0; n -= 2.0) sum = product(sum, square) + 1.0 / n;
  return product(exponent, 0.6931471805599453) + product(2.0 * ratio, sum);
}
}  // namespace detail

/// Standard normal value by the inverse of the distribution function (Wichura, AS 241, PPND7: seven digits) at
/// (bits + 1/2) / 2^32. Symmetric: ~bits gives the negative. |value| < 6.4.
constexpr float normal_from_bits(std::uint32_t bits) {
  using detail::product;
  const double centred = product(static_cast<double>(bits) - 2147483647.5, 0x1p-32);  // p - 1/2, exact
  const double magnitude = centred < 0.0 ? -centred : centred;
  // c0 + r (c1 + r (c2 + r c3)), every product rounded.
  const auto cubic = [](double c0, double c1, double c2, double c3, double r) {
    return product(product(product(c3, r) + c2, r) + c1, r) + c0;
  };
  if (magnitude <= 0.425) {
    const double r = 0.180625 - product(centred, centred);
    return static_cast<float>(centred * cubic(3.3871327179, 50.434271938, 159.29113202, 59.109374720, r) /
                              cubic(1.0, 17.895169469, 78.757757664, 67.187563600, r));
  }
  // 0.5 - magnitude >= 2^-33, so r <= 3.19 after the shift and AS 241's third interval is never reached.
  const double r = detail::square_root(-detail::natural_log(0.5 - magnitude)) - 1.6;
  const double value = cubic(1.4234372777, 2.7568153900, 1.3067284816, 0.17023821103, r) /
                       (product(product(0.12021132975, r) + 0.73700164250, r) + 1.0);
  return static_cast<float>(centred < 0.0 ? -value : value);
}

/// A random order of 0 … count - 1 that is computed, not stored: (*this)[i] for i = 0 … count - 1 visits every index
/// once, for any count. For mini-batches without replacement where no array of indices fits.
/// Eight rounds of an unbalanced Feistel network on the smallest 2^b >= count (b >= 2), keys from (seed, epoch);
/// results beyond count are encrypted again (cycle walking): fewer than 2 passes on average for count > 2.
class ShuffledIndices {
 public:
  constexpr ShuffledIndices(std::uint32_t count, std::uint64_t seed, std::uint64_t epoch) : count_(count) {
    const unsigned width = count <= 4 ? 2U : static_cast<unsigned>(std::bit_width(count - 1U));
    low_bits_ = width / 2;
    low_mask_ = (1U << low_bits_) - 1U;
    high_mask_ = (1U << (width - low_bits_)) - 1U;
    for (std::uint32_t i = 0; i < kRounds; ++i) keys_[i] = random_bits(seed, RandomUse::shuffle, epoch, i);
  }

  [[nodiscard]] constexpr std::uint32_t size() const { return count_; }

  /// The i-th index of this order; i < size().
  [[nodiscard]] constexpr std::uint32_t operator[](std::uint32_t i) const {
    do i = encrypt(i);
    while (i >= count_);
    return i;
  }

 private:
  static constexpr std::uint32_t kRounds = 8;

  static constexpr std::uint32_t mix(std::uint32_t x) {  // multiply-xorshift with full avalanche
    x ^= x >> 16;
    x *= 0x7FEB352D;
    x ^= x >> 15;
    x *= 0x846CA68B;
    return x ^ (x >> 16);
  }
  [[nodiscard]] constexpr std::uint32_t encrypt(std::uint32_t value) const {
    std::uint32_t low = value & low_mask_;
    std::uint32_t high = value >> low_bits_;
    for (std::uint32_t round = 0; round < kRounds; round += 2) {
      high ^= mix(low + keys_[round]) & high_mask_;
      low ^= mix(high + keys_[round + 1]) & low_mask_;
    }
    return high << low_bits_ | low;
  }

  std::uint32_t count_;
  unsigned low_bits_ = 0;
  std::uint32_t low_mask_ = 0, high_mask_ = 0;
  std::array<std::uint32_t, kRounds> keys_{};
};

}  // namespace mote
