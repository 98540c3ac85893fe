// SPDX-License-Identifier: Apache-2.0
// Activations and their derivatives in double, from the textbook: the specification of activation_f32.inl. The
// derivative is that of the input, whichever value the kernel starts from.
#pragma once

#include <cmath>

namespace mote::reference {

struct Activation {
  double (*value)(double x, double alpha);
  double (*derivative)(double x, double alpha);
};

inline double logistic(double x) { return 1.0 / (1.0 + std::exp(-x)); }
inline double normal_distribution(double x) { return 0.5 * (1.0 + std::erf(x / std::sqrt(2.0))); }
inline double normal_density(double x) { return std::exp(-0.5 * x * x) / std::sqrt(2.0 * std::acos(-1.0)); }

inline constexpr Activation kSigmoid{[](double x, double) { return logistic(x); },
                                     [](double x, double) { return logistic(x) * logistic(-x); }};
inline constexpr Activation kTanh{[](double x, double) { return std::tanh(x); },
                                  [](double x, double) { return 1.0 / (std::cosh(x) * std::cosh(x)); }};
inline constexpr Activation kRelu{[](double x, double) { return x > 0.0 ? x : 0.0; },
                                  [](double x, double) { return x > 0.0 ? 1.0 : 0.0; }};
inline constexpr Activation kLeakyRelu{[](double x, double alpha) { return x > 0.0 ? x : alpha * x; },
                                       [](double x, double alpha) { return x > 0.0 ? 1.0 : alpha; }};
inline constexpr Activation kRelu6{[](double x, double) { return x > 6.0   ? 6.0
                                                                 : x > 0.0 ? x
                                                                           : 0.0; },
                                   [](double x, double) { return x > 0.0 && x < 6.0 ? 1.0 : 0.0; }};
inline constexpr Activation kSilu{[](double x, double) { return x * logistic(x); },
                                  [](double x, double) { return logistic(x) + x * logistic(x) * logistic(-x); }};
inline constexpr Activation kGelu{[](double x, double) { return x * normal_distribution(x); },
                                  [](double x, double) { return normal_distribution(x) + x * normal_density(x); }};
inline constexpr Activation kHardSwish{[](double x, double) {
                                         return x <= -3.0 ? 0.0 : x >= 3.0 ? x : x * (x + 3.0) / 6.0;
                                       },
                                       [](double x, double) {
                                         return x <= -3.0 ? 0.0 : x >= 3.0 ? 1.0 : (2.0 * x + 3.0) / 6.0;
                                       }};
inline constexpr Activation kElu{[](double x, double) { return x > 0.0 ? x : std::expm1(x); },
                                 [](double x, double) { return x > 0.0 ? 1.0 : std::exp(x); }};

}  // namespace mote::reference
