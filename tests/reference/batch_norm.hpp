// SPDX-License-Identifier: Apache-2.0
// Batch normalisation as naive loops in double: the specification of the five batch_norm kernels.
// One channel at a time.
#pragma once

#include <cmath>
#include <cstddef>

namespace mote::reference {

struct NormStatistics {
  double mean, variance;  // biased
};

inline NormStatistics norm_statistics(const float* input, std::size_t rows, std::size_t channels, std::size_t c) {
  double sum = 0.0, square = 0.0;
  for (std::size_t r = 0; r < rows; ++r) sum += static_cast<double>(input[r * channels + c]);
  const double mean = sum / static_cast<double>(rows);
  for (std::size_t r = 0; r < rows; ++r) {
    const double distance = static_cast<double>(input[r * channels + c]) - mean;
    square += distance * distance;
  }
  return {mean, square / static_cast<double>(rows)};
}

inline void norm_apply(const float* input, NormStatistics s, double gamma, double beta, double epsilon,
                       std::size_t rows, std::size_t channels, std::size_t c, double* output) {
  for (std::size_t r = 0; r < rows; ++r)
    output[r * channels + c] =
        gamma * (static_cast<double>(input[r * channels + c]) - s.mean) / std::sqrt(s.variance + epsilon) + beta;
}

struct NormSums {
  double grad, product;  // of grad_output, and of grad_output x_hat
};

inline NormSums norm_sums(const float* input, const float* grad_output, NormStatistics s, double epsilon,
                          std::size_t rows, std::size_t channels, std::size_t c) {
  NormSums sums{};
  for (std::size_t i = c; i < rows * channels; i += channels) {
    const double g = static_cast<double>(grad_output[i]);
    sums.grad += g;
    sums.product += g * (static_cast<double>(input[i]) - s.mean) / std::sqrt(s.variance + epsilon);
  }
  return sums;
}

/// gamma / (N sigma) (N g - sum g - x_hat sum(g x_hat))
inline void norm_grad_input(const float* input, const float* grad_output, NormStatistics s, double gamma,
                            double epsilon, std::size_t rows, std::size_t channels, std::size_t c, double* grad_input) {
  const double n = static_cast<double>(rows), deviation = std::sqrt(s.variance + epsilon);
  const NormSums sums = norm_sums(input, grad_output, s, epsilon, rows, channels, c);
  for (std::size_t i = c; i < rows * channels; i += channels) {
    const double x_hat = (static_cast<double>(input[i]) - s.mean) / deviation;
    grad_input[i] =
        gamma / (n * deviation) * (n * static_cast<double>(grad_output[i]) - sums.grad - x_hat * sums.product);
  }
}

}  // namespace mote::reference
