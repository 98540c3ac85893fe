// SPDX-License-Identifier: Apache-2.0
// Operators of quantised networks without weights, one element at a time in 64-bit integers, from TensorFlow Lite's
// rules.
#pragma once

#include <cstddef>
#include <cstdint>

#include "mote/kernels/kernels.hpp"
#include "reference/conv.hpp"
#include "reference/fixed_point.hpp"

namespace mote::reference {

/// An operand's difference to its zero point on the common scale.
inline std::int64_t on_common_scale(std::int64_t difference, const QuantizedMultiplier& q, std::int32_t left) {
  return requantize_twice(difference * (std::int64_t{1} << left), q);
}

enum class Binary { add, sub, mul, squared_difference, div, prelu, minimum, maximum };

/// a / b times the multiplier, exact but for the last rounding; what a 31-bit reciprocal may miss is the test's to
/// allow.
inline double real_quotient(std::int64_t a, std::int64_t b, const QuantizedMultiplier& q) {
  return static_cast<double>(a) / static_cast<double>(b) * q.multiplier * __builtin_ldexp(1.0, q.shift - 31);
}

inline std::int64_t combined(Binary op, std::int64_t a, std::int64_t b, const BinaryMultipliers& s) {
  switch (op) {
    case Binary::add:
      return requantize_twice(on_common_scale(a, s.a, s.left_shift) + on_common_scale(b, s.b, s.left_shift), s.output);
    case Binary::sub:
      return requantize_twice(on_common_scale(a, s.a, s.left_shift) - on_common_scale(b, s.b, s.left_shift), s.output);
    case Binary::squared_difference: {
      const std::int64_t d = on_common_scale(a, s.a, s.left_shift) - on_common_scale(b, s.b, s.left_shift);
      return requantize_twice(d * d, s.output);
    }
    case Binary::mul: return requantize_twice(a * b, s.output);
    case Binary::prelu: return a >= 0 ? requantize_twice(a, s.a) : requantize_twice(a * b, s.b);
    default: return 0;
  }
}

/// Taps of one pool window inside the image: visit(value).
template <class Element, class Visit>
void for_each_tap(const QuantizedPoolArgs<Element>& args, const At& out, const Visit& visit) {
  const ConvShape& s = args.shape;
  for (std::size_t i = 0; i < s.window.filter_h; ++i)
    for (std::size_t j = 0; j < s.window.filter_w; ++j) {
      std::size_t row = 0, column = 0;
      if (meets(s, out.y, out.x, i, j, row, column))
        visit(std::int64_t{args.input[index(s.in, {out.n, row, column, out.c})]});
    }
}

/// sum / count, halves away from zero.
inline std::int64_t rounded_mean(std::int64_t sum, std::int64_t count) {
  const std::int64_t magnitude = sum < 0 ? -sum : sum;
  const std::int64_t mean = (2 * magnitude + count - count % 2) / (2 * count);
  return sum < 0 ? -mean : mean;
}

}  // namespace mote::reference
