// SPDX-License-Identifier: Apache-2.0
// A tile of random words, in the order in which a vector machine makes them. Element i of a stream has word number
// (i / 16) % 4 of Philox block 16 (i / 64) + i % 16 (random.hpp). Plain loops over fixed-size arrays, which compilers
// vectorise. Internal linkage: it is compiled once per instruction set.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/kernel_namespace.hpp"
#include "mote/train/random.hpp"

namespace mote::MOTE_KERNELS {
namespace {

/// The first words of kTileBlocks blocks, then the second words, and so on: nothing has to be transposed.
inline constexpr std::uint32_t kTileBlocks = 16;
inline constexpr std::uint32_t kTileWords = 4 * kTileBlocks;

/// random_block() for blocks first … first + 15. One lane's ten rounds are straight code and the loop runs over
/// lanes: with the loops the other way round GCC 12 does not vectorise (5 ns per element instead of 0.9, AVX-512).
inline void random_tile(std::uint64_t seed, RandomUse use, std::uint64_t stream, std::uint32_t first,
                        std::uint32_t (&words)[kTileWords]) {
  const auto key0 = static_cast<std::uint32_t>(seed), key1 = static_cast<std::uint32_t>(seed >> 32);
  const auto stream0 = static_cast<std::uint32_t>(stream), stream1 = static_cast<std::uint32_t>(stream >> 32);
  for (std::uint32_t i = 0; i < kTileBlocks; ++i) {
    std::uint32_t a = first + i, b = static_cast<std::uint32_t>(use), c = stream0, d = stream1;
    _Pragma("GCC unroll 10") for (std::uint32_t round = 0; round < 10; ++round) {
      const std::uint64_t product0 = std::uint64_t{0xD2511F53} * a;
      const std::uint64_t product1 = std::uint64_t{0xCD9E8D57} * c;
      a = static_cast<std::uint32_t>(product1 >> 32) ^ b ^ (key0 + round * 0x9E3779B9U);
      b = static_cast<std::uint32_t>(product1);
      c = static_cast<std::uint32_t>(product0 >> 32) ^ d ^ (key1 + round * 0xBB67AE85U);
      d = static_cast<std::uint32_t>(product0);
    }
    words[i] = a;
    words[kTileBlocks + i] = b;
    words[2 * kTileBlocks + i] = c;
    words[3 * kTileBlocks + i] = d;
  }
}

}  // namespace
}  // namespace mote::MOTE_KERNELS
