// SPDX-License-Identifier: Apache-2.0
// Elementary functions and their derivatives in double, from the textbook: the specification of unary_f32.inl. The
// derivative is that of the input, whichever value the kernel starts from.
#pragma once

#include <cmath>

namespace mote::reference {

struct Unary {
  double (*value)(double x, double alpha, double beta);
  double (*derivative)(double x, double alpha, double beta);
};

inline double selu_scale() { return 1.0507009873554804934193349852946; }
inline double selu_alpha() { return 1.6732632423543772848170429916717; }
inline double gelu_gate(double x) { return std::tanh(std::sqrt(2.0 / std::acos(-1.0)) * (x + 0.044715 * x * x * x)); }
inline double within(double x, double low, double high) { return x < low ? low : x > high ? high : x; }

inline constexpr Unary kExp{[](double x, double, double) { return std::exp(x); },
                            [](double x, double, double) { return std::exp(x); }};
inline constexpr Unary kLog{[](double x, double, double) { return std::log(x); },
                            [](double x, double, double) { return 1.0 / x; }};
inline constexpr Unary kSqrt{[](double x, double, double) { return std::sqrt(x); },
                             [](double x, double, double) { return 0.5 / std::sqrt(x); }};
inline constexpr Unary kRsqrt{[](double x, double, double) { return 1.0 / std::sqrt(x); },
                              [](double x, double, double) { return -0.5 * std::pow(x, -1.5); }};
inline constexpr Unary kAbs{[](double x, double, double) { return std::fabs(x); },
                            [](double x, double, double) { return x > 0.0   ? 1.0
                                                                  : x < 0.0 ? -1.0
                                                                            : 0.0; }};
inline constexpr Unary kNeg{[](double x, double, double) { return -x; }, [](double, double, double) { return -1.0; }};
inline constexpr Unary kSquare{[](double x, double, double) { return x * x; },
                               [](double x, double, double) { return 2.0 * x; }};
inline constexpr Unary kSin{[](double x, double, double) { return std::sin(x); },
                            [](double x, double, double) { return std::cos(x); }};
inline constexpr Unary kCos{[](double x, double, double) { return std::cos(x); },
                            [](double x, double, double) { return -std::sin(x); }};
inline constexpr Unary kSoftplus{
    [](double x, double, double) { return (x > 0.0 ? x : 0.0) + std::log1p(std::exp(-std::fabs(x))); },
    [](double x, double, double) { return 1.0 / (1.0 + std::exp(-x)); }};
inline constexpr Unary kSelu{
    [](double x, double, double) { return selu_scale() * (x > 0.0 ? x : selu_alpha() * std::expm1(x)); },
    [](double x, double, double) { return selu_scale() * (x > 0.0 ? 1.0 : selu_alpha() * std::exp(x)); }};
inline constexpr Unary kHardSigmoid{
    [](double x, double alpha, double beta) { return within(alpha * x + beta, 0.0, 1.0); },
    [](double x, double alpha, double beta) { return alpha * x + beta > 0.0 && alpha * x + beta < 1.0 ? alpha : 0.0; }};
inline constexpr Unary kGeluTanh{[](double x, double, double) { return 0.5 * x * (1.0 + gelu_gate(x)); },
                                 [](double x, double, double) {
                                   const double t = gelu_gate(x), slope = std::sqrt(2.0 / std::acos(-1.0)) *
                                                                          (1.0 + 3.0 * 0.044715 * x * x);
                                   return 0.5 * (1.0 + t) + 0.5 * x * (1.0 - t * t) * slope;
                                 }};
inline constexpr Unary kClip{[](double x, double alpha, double beta) { return within(x, alpha, beta); },
                             [](double x, double alpha, double beta) { return x > alpha && x < beta ? 1.0 : 0.0; }};
inline constexpr Unary kFloor{[](double x, double, double) { return std::floor(x); }, nullptr};
inline constexpr Unary kCeil{[](double x, double, double) { return std::ceil(x); }, nullptr};
inline constexpr Unary kRound{[](double x, double, double) { return std::nearbyint(x); }, nullptr};
inline constexpr Unary kSign{[](double x, double, double) { return x > 0.0 ? 1.0 : x < 0.0 ? -1.0 : 0.0; }, nullptr};

}  // namespace mote::reference
