// SPDX-License-Identifier: Apache-2.0
// Arithmetic of the headers that must round alike in every program. A user's compiler may fuse a multiplication with an
// addition (GCC does by default where the processor can), and the headers are compiled with the user's options.
#pragma once

#include "mote/requirements.hpp"
#ifndef MOTE_WARN_IN_HEADERS
#pragma GCC system_header
#endif

#include <type_traits>

namespace mote::detail {

/// a b, rounded before anything is added to it, whatever -ffp-contract says, or a training run had other bits.
constexpr double product(double a, double b) {
  double result = a * b;
  if (!std::is_constant_evaluated()) __asm__("" : "+m"(result));
  return result;
}

}  // namespace mote::detail
