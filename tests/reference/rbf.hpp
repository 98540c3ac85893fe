// SPDX-License-Identifier: Apache-2.0
// The Gaussian radial basis layer as naive loops in double: the specification of rbf_f32 and its gradients.
#pragma once

#include <cmath>
#include <cstddef>

#include "mote/kernels/kernels.hpp"

namespace mote::reference {

inline double rbf_square_distance(const float* input, const float* centres, std::size_t fan_in, std::size_t units,
                                  std::size_t r, std::size_t j) {
  double square = 0.0;
  for (std::size_t k = 0; k < fan_in; ++k) {
    const double distance = static_cast<double>(input[r * fan_in + k]) - static_cast<double>(centres[k * units + j]);
    square += distance * distance;
  }
  return square;
}

inline void rbf(const RbfArgs& a, double* output) {
  for (std::size_t r = 0; r < a.batch; ++r)
    for (std::size_t j = 0; j < a.units; ++j) {
      const double lambda = std::exp(static_cast<double>(a.log_width[j]));
      output[r * a.units + j] =
          std::exp(-rbf_square_distance(a.input, a.centres, a.fan_in, a.units, r, j) / (2 * lambda));
    }
}

/// Adds to grad_centres and grad_log_width; overwrites grad_input. Takes its own forward pass.
inline void rbf_grad(const RbfGradArgs& a, double* grad_input, double* grad_centres, double* grad_log_width) {
  for (std::size_t i = 0; i < std::size_t{a.batch} * a.fan_in; ++i) grad_input[i] = 0.0;
  for (std::size_t r = 0; r < a.batch; ++r)
    for (std::size_t j = 0; j < a.units; ++j) {
      const double lambda = std::exp(static_cast<double>(a.log_width[j]));
      const double square = rbf_square_distance(a.input, a.centres, a.fan_in, a.units, r, j);
      const double weight = static_cast<double>(a.grad_output[r * a.units + j]) * std::exp(-square / (2 * lambda));
      for (std::size_t k = 0; k < a.fan_in; ++k) {
        const double slope =
            weight *
            (static_cast<double>(a.centres[k * a.units + j]) - static_cast<double>(a.input[r * a.fan_in + k])) / lambda;
        grad_input[r * a.fan_in + k] += slope;
        grad_centres[k * a.units + j] -= static_cast<double>(a.scale) * slope;
      }
      grad_log_width[j] += static_cast<double>(a.scale) * weight * square / (2 * lambda);
    }
}

}  // namespace mote::reference
