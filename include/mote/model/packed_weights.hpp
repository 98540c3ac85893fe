// SPDX-License-Identifier: Apache-2.0
// How int8 weights of dense and conv2d lie, in files and in kernels' arguments: as dot products read them.
#pragma once

#include "mote/requirements.hpp"
#ifndef MOTE_WARN_IN_HEADERS
#pragma GCC system_header
#endif

#include <cstddef>
#include <cstdint>

namespace mote {

/// Outputs in a block, and terms of each that lie side by side: what the dot product instructions of x86 (VNNI), ARM
/// (NEON's sdot) and Cortex-M (two SMLADs) take at once.
inline constexpr std::size_t kPack = 4;

/// Bytes of the weights of `outputs` sums of `terms` products each: [outputs / 4][terms / 4][4 outputs][4 terms], both
/// rounded up, what is missing at the ends 0.
[[gnu::always_inline]] constexpr std::uint64_t packed_bytes(std::uint64_t outputs, std::uint64_t terms) {
  return (outputs + kPack - 1) / kPack * ((terms + kPack - 1) / kPack) * (kPack * kPack);
}
/// Where the weight of term `term` of output `output` lies.
[[gnu::always_inline]] constexpr std::size_t packed_index(std::size_t output, std::size_t term, std::size_t terms) {
  const std::size_t blocks = (terms + kPack - 1) / kPack;
  return ((output / kPack * blocks + term / kPack) * kPack + output % kPack) * kPack + term % kPack;
}

}  // namespace mote
