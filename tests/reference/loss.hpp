// SPDX-License-Identifier: Apache-2.0
// Softmax and the losses of a row as naive sums in double: the specification of softmax_f32.inl and loss_f32.inl.
// Gradients are central differences of these losses, so no formula is shared with the kernels.
#pragma once

#include <cmath>
#include <cstddef>

namespace mote::reference {

/// log sum_j e^z_j
inline double log_sum_exp(const double* logits, std::size_t count) {
  double largest = logits[0], sum = 0.0;
  for (std::size_t j = 1; j < count; ++j) largest = logits[j] > largest ? logits[j] : largest;
  for (std::size_t j = 0; j < count; ++j) sum += std::exp(logits[j] - largest);
  return largest + std::log(sum);
}

inline void softmax(const float* input, double* output, std::size_t count) {
  for (std::size_t j = 0; j < count; ++j) output[j] = static_cast<double>(input[j]);
  const double total = log_sum_exp(output, count);
  for (std::size_t j = 0; j < count; ++j) output[j] = std::exp(output[j] - total);
}

/// grad_input_j = sum_k grad_output_k p_k ([j = k] - p_j), the Jacobian written out.
inline void softmax_grad(const float* p, const float* grad_output, double* grad_input, std::size_t count) {
  for (std::size_t j = 0; j < count; ++j) {
    grad_input[j] = 0.0;
    for (std::size_t k = 0; k < count; ++k)
      grad_input[j] += static_cast<double>(grad_output[k]) * static_cast<double>(p[k]) *
                       ((j == k ? 1.0 : 0.0) - static_cast<double>(p[j]));
  }
}

/// Loss of one sample with outputs y and targets t.
using RowLoss = double (*)(const double* y, const double* t, std::size_t count);

inline double squared_error(const double* y, const double* t, std::size_t count) {
  double sum = 0.0;
  for (std::size_t j = 0; j < count; ++j) sum += (y[j] - t[j]) * (y[j] - t[j]);
  return sum;
}

inline double binary_cross_entropy(const double* y, const double* t, std::size_t count) {
  double sum = 0.0;
  for (std::size_t j = 0; j < count; ++j) {
    const double p = 1.0 / (1.0 + std::exp(-y[j]));
    sum -= t[j] * std::log(p) + (1.0 - t[j]) * std::log(1.0 - p);
  }
  return sum;
}

inline double softmax_cross_entropy(const double* y, const double* t, std::size_t count) {
  const double total = log_sum_exp(y, count);
  double sum = 0.0;
  for (std::size_t j = 0; j < count; ++j) sum -= t[j] * (y[j] - total);
  return sum;
}

inline double kl_divergence(const double* y, const double* t, std::size_t count) {
  double sum = softmax_cross_entropy(y, t, count);
  for (std::size_t j = 0; j < count; ++j) sum += t[j] == 0.0 ? 0.0 : t[j] * std::log(t[j]);
  return sum;
}

/// d loss / d y[j]; y is put back.
inline double loss_slope(RowLoss loss, double* y, const double* t, std::size_t count, std::size_t j) {
  constexpr double kStep = 1e-5;
  const double middle = y[j];
  y[j] = middle + kStep;
  const double right = loss(y, t, count);
  y[j] = middle - kStep;
  const double left = loss(y, t, count);
  y[j] = middle;
  return (right - left) / (2.0 * kStep);
}

}  // namespace mote::reference
