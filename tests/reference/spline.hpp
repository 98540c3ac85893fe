// SPDX-License-Identifier: Apache-2.0
// The spline layer as naive loops in double: the specification of spline_f32 and its gradients. Written with the
// Hermite basis, where the kernel has a polynomial in the position inside the interval.
#pragma once

#include <cstddef>

#include "mote/kernels/kernels.hpp"

namespace mote::reference {

/// Weights of the values and slopes at two neighbouring knots in the function and in its derivative.
struct SplineBasis {
  std::size_t knot = 0;
  double value[2]{}, slope[2]{}, value_derivative[2]{}, slope_derivative[2]{};
};

inline SplineBasis spline_basis(const float* knots, std::size_t count, double x) {
  SplineBasis out;
  const auto t = [&](std::size_t k) { return static_cast<double>(knots[k]); };
  const bool left = x < t(0);
  if (left || x >= t(count - 1)) {
    out.knot = left ? 0 : count - 2;
    const std::size_t end = left ? 0 : 1;
    out.value[end] = 1.0;
    out.slope[end] = x - t(out.knot + end);
    out.slope_derivative[end] = 1.0;
    return out;
  }
  while (x >= t(out.knot + 1)) ++out.knot;
  const double h = t(out.knot + 1) - t(out.knot), u = (x - t(out.knot)) / h;
  out.value[0] = 2 * u * u * u - 3 * u * u + 1, out.value[1] = 3 * u * u - 2 * u * u * u;
  out.slope[0] = h * (u * u * u - 2 * u * u + u), out.slope[1] = h * (u * u * u - u * u);
  out.value_derivative[0] = (6 * u * u - 6 * u) / h, out.value_derivative[1] = -out.value_derivative[0];
  out.slope_derivative[0] = 3 * u * u - 4 * u + 1, out.slope_derivative[1] = 3 * u * u - 2 * u;
  return out;
}

inline void spline(const SplineArgs& a, double* output) {
  for (std::size_t i = 0; i < std::size_t{a.rows} * a.channels; ++i) {
    const std::size_t first = i % a.channels * a.knot_count;
    const SplineBasis b = spline_basis(a.knots + first, a.knot_count, static_cast<double>(a.input[i]));
    output[i] = 0.0;
    for (std::size_t k = 0; k < 2; ++k)
      output[i] += b.value[k] * static_cast<double>(a.values[first + b.knot + k]) +
                   b.slope[k] * static_cast<double>(a.slopes[first + b.knot + k]);
  }
}

/// Adds to grad_values and grad_slopes; overwrites grad_input.
inline void spline_grad(const SplineGradArgs& a, double* grad_input, double* grad_values, double* grad_slopes) {
  for (std::size_t i = 0; i < std::size_t{a.rows} * a.channels; ++i) {
    const std::size_t first = i % a.channels * a.knot_count;
    const SplineBasis b = spline_basis(a.knots + first, a.knot_count, static_cast<double>(a.input[i]));
    const double grad = static_cast<double>(a.grad_output[i]), scaled = static_cast<double>(a.scale) * grad;
    grad_input[i] = 0.0;
    for (std::size_t k = 0; k < 2; ++k) {
      const std::size_t at = first + b.knot + k;
      grad_input[i] += grad * (b.value_derivative[k] * static_cast<double>(a.values[at]) +
                               b.slope_derivative[k] * static_cast<double>(a.slopes[at]));
      grad_values[at] += scaled * b.value[k];
      grad_slopes[at] += scaled * b.slope[k];
    }
  }
}

}  // namespace mote::reference
