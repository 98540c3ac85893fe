// SPDX-License-Identifier: Apache-2.0
// Two operands with broadcasting: the index written out, the functions and their derivatives in double. The
// specification of binary_f32.cpp.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>

namespace mote::reference {

struct Binary {
  double (*value)(double a, double b);
  double (*by_a)(double a, double b);  // derivatives
  double (*by_b)(double a, double b);
};

/// Share of the gradient that goes to the operand that is taken.
inline double taken(bool is, double a, double b) { return a == b ? 0.5 : is ? 1.0 : 0.0; }

inline constexpr Binary kAddBroadcast{[](double a, double b) { return a + b; }, nullptr, nullptr};
inline constexpr Binary kSub{[](double a, double b) { return a - b; }, [](double, double) { return 1.0; },
                             [](double, double) { return -1.0; }};
inline constexpr Binary kMul{[](double a, double b) { return a * b; }, [](double, double b) { return b; },
                             [](double a, double) { return a; }};
inline constexpr Binary kDiv{[](double a, double b) { return a / b; }, [](double, double b) { return 1.0 / b; },
                             [](double a, double b) { return -a / (b * b); }};
inline constexpr Binary kMinimum{[](double a, double b) { return a < b ? a : b; },
                                 [](double a, double b) { return taken(a < b, a, b); },
                                 [](double a, double b) { return taken(b < a, a, b); }};
inline constexpr Binary kMaximum{[](double a, double b) { return a > b ? a : b; },
                                 [](double a, double b) { return taken(a > b, a, b); },
                                 [](double a, double b) { return taken(b > a, a, b); }};
inline constexpr Binary kPow{
    [](double a, double b) { return std::pow(a, b); },
    [](double a, double b) { return b == 0.0 ? 0.0 : b * std::pow(a, b - 1.0); },
    [](double a, double b) { return a == 0.0 && b >= 0.0 ? 0.0 : std::pow(a, b) * std::log(a); }};
inline constexpr Binary kSquaredDifference{[](double a, double b) { return (a - b) * (a - b); },
                                           [](double a, double b) { return 2.0 * (a - b); },
                                           [](double a, double b) { return 2.0 * (b - a); }};
inline constexpr Binary kPrelu{[](double a, double b) { return a > 0.0 ? a : a * b; },
                               [](double a, double b) { return a > 0.0 ? 1.0 : b; },
                               [](double a, double) { return a > 0.0 ? 0.0 : a; }};

/// Where element `index` of an output of `sizes` lies in an operand of `operand` sizes, each 1 or the output's.
inline std::size_t broadcast_index(std::size_t index, const std::uint32_t (&sizes)[4],
                                   const std::uint32_t (&operand)[4]) {
  std::size_t at[4], result = 0;
  for (std::size_t i = 4; i-- > 0;) at[i] = index % sizes[i], index /= sizes[i];
  for (std::size_t i = 0; i < 4; ++i) result = result * operand[i] + (operand[i] == 1 ? 0 : at[i]);
  return result;
}

}  // namespace mote::reference
