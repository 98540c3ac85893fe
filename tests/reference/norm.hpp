// SPDX-License-Identifier: Apache-2.0
// Normalisations of one row and softmax of one line in double, from their definitions: the specification of
// norm_f32.inl and softmax_axis_f32.inl. Gradients are central differences of these.
#pragma once

#include <cmath>
#include <cstddef>
#include <initializer_list>

namespace mote::reference {

/// gamma and beta may be null.
struct RowNorm {
  const double* gamma;
  const double* beta;
  double epsilon;
};
using NormFunction = void (*)(const double* x, double* y, std::size_t count, const RowNorm& norm);

inline void scale_and_shift(double* y, std::size_t count, const RowNorm& norm) {
  for (std::size_t i = 0; i < count; ++i) {
    if (norm.gamma != nullptr) y[i] *= norm.gamma[i];
    if (norm.beta != nullptr) y[i] += norm.beta[i];
  }
}
inline void layer_norm(const double* x, double* y, std::size_t count, const RowNorm& norm) {
  double mean = 0.0, variance = 0.0;
  for (std::size_t i = 0; i < count; ++i) mean += x[i] / static_cast<double>(count);
  for (std::size_t i = 0; i < count; ++i) variance += (x[i] - mean) * (x[i] - mean) / static_cast<double>(count);
  for (std::size_t i = 0; i < count; ++i) y[i] = (x[i] - mean) / std::sqrt(variance + norm.epsilon);
  scale_and_shift(y, count, norm);
}
inline void rms_norm(const double* x, double* y, std::size_t count, const RowNorm& norm) {
  double square = 0.0;
  for (std::size_t i = 0; i < count; ++i) square += x[i] * x[i] / static_cast<double>(count);
  for (std::size_t i = 0; i < count; ++i) y[i] = x[i] / std::sqrt(square + norm.epsilon);
  scale_and_shift(y, count, norm);
}
inline void l2_norm(const double* x, double* y, std::size_t count, const RowNorm& norm) {
  double square = 0.0;
  for (std::size_t i = 0; i < count; ++i) square += x[i] * x[i];
  for (std::size_t i = 0; i < count; ++i) y[i] = x[i] / std::fmax(std::sqrt(square), norm.epsilon);
}

inline void softmax_line(const double* x, double* y, std::size_t count, const RowNorm&) {
  double largest = x[0], sum = 0.0;
  for (std::size_t i = 1; i < count; ++i) largest = std::fmax(largest, x[i]);
  for (std::size_t i = 0; i < count; ++i) sum += std::exp(x[i] - largest);
  for (std::size_t i = 0; i < count; ++i) y[i] = std::exp(x[i] - largest) / sum;
}
inline void log_softmax_line(const double* x, double* y, std::size_t count, const RowNorm& norm) {
  softmax_line(x, y, count, norm);
  for (std::size_t i = 0; i < count; ++i) y[i] = std::log(y[i]);
}

struct Lrn {
  std::size_t before, after;
  double alpha, beta, bias;
};
inline void lrn(const double* x, double* y, std::size_t count, const Lrn& lrn) {
  for (std::size_t c = 0; c < count; ++c) {
    double sum = 0.0;
    for (std::size_t k = 0; k < count; ++k)
      if (k + lrn.before >= c && k <= c + lrn.after) sum += x[k] * x[k];
    y[c] = x[c] / std::pow(lrn.bias + lrn.alpha * sum, lrn.beta);
  }
}

/// grad_input[i] = the derivative by x[i] of <grad_output, function(x)>; x is moved and put back. y: room for a row.
template <class Function>
void slopes(double* x, const double* grad_output, double* grad_input, double* y, std::size_t count,
            const Function& function) {
  const double step = 1e-5;
  for (std::size_t i = 0; i < count; ++i) {
    const double middle = x[i];
    double change = 0.0;
    for (const double sign : {-1.0, 1.0}) {
      x[i] = middle + sign * step;
      function(x, y);
      for (std::size_t j = 0; j < count; ++j) change += sign * grad_output[j] * y[j];
    }
    x[i] = middle;
    grad_input[i] = change / (2.0 * step);
  }
}

}  // namespace mote::reference
