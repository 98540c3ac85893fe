// SPDX-License-Identifier: Apache-2.0
// Real numbers to the nearest integer. Internal linkage: it is compiled once per instruction set.
#pragma once

#include <cstdint>
#include <limits>

#include "kernels/kernel_namespace.hpp"
#include "simd/simd.hpp"

namespace mote::MOTE_KERNELS {
namespace {

/// The nearest integer, halves away from zero or to the even one, in float32 alone: above 2^23 a float32 is whole.
MOTE_INLINE std::int32_t rounded(float value, bool ties_to_even) {
  if (!(value == value)) return 0;
  if (value >= 2147483648.0F) return std::numeric_limits<std::int32_t>::max();
  if (value < -2147483648.0F) return std::numeric_limits<std::int32_t>::min();
  const auto whole = static_cast<std::int32_t>(value);
  const float rest = value - static_cast<float>(whole);
  const bool stays = ties_to_even && (whole & 1) == 0;
  const std::int32_t up = rest >= 0.5F && !(stays && rest == 0.5F) ? 1 : 0;
  const std::int32_t down = rest <= -0.5F && !(stays && rest == -0.5F) ? 1 : 0;
  return whole + up - down;
}

}  // namespace
}  // namespace mote::MOTE_KERNELS
