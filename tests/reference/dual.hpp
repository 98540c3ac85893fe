// SPDX-License-Identifier: Apache-2.0
// A number in double and its derivative along one direction: what is computed with these is a function and the slope of
// it, by the rules of the textbook and without a backward pass.
#pragma once

#include <cmath>

namespace mote::reference {

struct Dual {
  double value = 0.0;
  double slope = 0.0;
  constexpr Dual() = default;
  constexpr Dual(double number) : value(number) {}  // NOLINT(google-explicit-constructor)
  constexpr Dual(double number, double along) : value(number), slope(along) {}
  Dual& operator+=(const Dual& other) { return value += other.value, slope += other.slope, *this; }
};

inline Dual operator+(const Dual& a, const Dual& b) { return {a.value + b.value, a.slope + b.slope}; }
inline Dual operator-(const Dual& a, const Dual& b) { return {a.value - b.value, a.slope - b.slope}; }
inline Dual operator-(const Dual& a) { return {-a.value, -a.slope}; }
inline Dual operator*(const Dual& a, const Dual& b) {
  return {a.value * b.value, a.slope * b.value + a.value * b.slope};
}
inline Dual operator/(const Dual& a, const Dual& b) {
  const double quotient = a.value / b.value;
  return {quotient, (a.slope - quotient * b.slope) / b.value};
}
inline bool operator<(const Dual& a, const Dual& b) { return a.value < b.value; }

/// f(x), of which `value` and `derivative` are known. What does not move has no slope, whatever the derivative.
inline Dual chain(const Dual& x, double value, double derivative) {
  return {value, x.slope == 0.0 ? 0.0 : derivative * x.slope};
}
inline Dual exp(const Dual& x) { return chain(x, std::exp(x.value), std::exp(x.value)); }
inline Dual log(const Dual& x) { return chain(x, std::log(x.value), 1.0 / x.value); }
inline Dual sqrt(const Dual& x) { return chain(x, std::sqrt(x.value), 0.5 / std::sqrt(x.value)); }
inline Dual tanh(const Dual& x) {
  return chain(x, std::tanh(x.value), 1.0 / (std::cosh(x.value) * std::cosh(x.value)));
}
inline Dual logistic(const Dual& x) {
  const double value = 1.0 / (1.0 + std::exp(-x.value));
  return chain(x, value, value / (1.0 + std::exp(x.value)));
}
/// The larger; of equals the first.
inline Dual largest(const Dual& a, const Dual& b) { return a.value < b.value ? b : a; }

}  // namespace mote::reference
