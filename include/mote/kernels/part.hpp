// SPDX-License-Identifier: Apache-2.0
// What arguments of many kernels have in common: a share of the outputs, and a clamp on the way out.
#pragma once

#include "mote/requirements.hpp"
#ifndef MOTE_WARN_IN_HEADERS
#pragma GCC system_header
#endif

#include <cstddef>
#include <cstdint>

namespace mote {

/// One share of a kernel's outputs, for kernels whose arguments have one: the shares 0 … count - 1 of the same
/// arguments write each output once, in any order or at the same time, and with the bits of the whole.
struct Part {
  std::uint32_t index = 0, count = 1;

  struct Range {
    std::size_t begin, end;
  };
  /// This share of 0 … total - 1, cut at multiples of `block`.
  [[nodiscard]] [[gnu::always_inline]] constexpr Range of(std::size_t total, std::size_t block = 1) const {
    if (count == 1) return {0, total};
    const std::size_t blocks = (total + block - 1) / block;
    const std::size_t end = blocks * (index + 1) / count * block;
    return {blocks * index / count * block, end < total ? end : total};
  }
};

/// An activation that a kernel applies to each output before it is stored: min(high, max(low, y)); NaN passes.
struct Clamp {
  float low = -__builtin_inff(), high = __builtin_inff();
  [[nodiscard]] constexpr bool any() const { return low != -__builtin_inff() || high != __builtin_inff(); }
};

}  // namespace mote
