// SPDX-License-Identifier: Apache-2.0
// Numbers as people write them on a command line: the one strict reader, and the words for what a place takes. Decimal
// digits, a point, an exponent; no sign before a positive number, no leading zero before a whole one, no blanks,
// underscores, hexadecimal digits, infinities or NaN. Relies on the standard library.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

namespace mote::tool {

/// Whole numbers from `least` to `most`.
struct Whole {
  std::uint64_t least = 0, most = std::numeric_limits<std::uint64_t>::max();
};

/// Finite numbers. `least` and `most` belong to them unless said otherwise.
struct Real {
  double least = -std::numeric_limits<double>::max(), most = std::numeric_limits<double>::max();
  bool above_least = false, below_most = false, not_zero = false;

  [[nodiscard]] bool takes(double value) const {
    return (above_least ? value > least : value >= least) && (below_most ? value < most : value <= most) &&
           !(not_zero && value == 0.0);
  }
};

constexpr Real kPositive{.least = 0.0, .above_least = true};
constexpr Real kNotNegative{.least = 0.0};
constexpr Real kBelowOne{.least = 0.0, .most = 1.0, .below_most = true};

/// "a whole number from 1 to 9", "a number above 0", "a number of at least 0 and below 1".
std::string text_of(const Whole& numbers);
std::string text_of(const Real& numbers);

/// The number that `word` is. Else throws a usage error: "`place` wants a whole number from 1 to 9, not "x"", with what
/// to write instead.
std::uint64_t read_number(std::string_view word, const Whole& numbers, const std::string& place);
double read_number(std::string_view word, const Real& numbers, const std::string& place);
/// The same, of what a float holds: 1e-50 and 1e50 are refused rather than made 0 and infinite.
float read_float(std::string_view word, const Real& numbers, const std::string& place);

}  // namespace mote::tool
