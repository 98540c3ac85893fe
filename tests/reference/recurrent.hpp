// SPDX-License-Identifier: Apache-2.0
// Recurrent layers in double, sample by sample and step by step from ONNX's formulas: the specification of
// recurrent_f32.cpp. Gradients are central differences of these.
#pragma once

#include <cmath>
#include <cstddef>

#include "mote/kernels/kernels.hpp"

namespace mote::reference {

enum class Cell : std::uint8_t { rnn, lstm, gru };
inline std::size_t gates_of(Cell cell) { return cell == Cell::rnn ? 1 : cell == Cell::lstm ? 4 : 3; }

/// Arrays as in RecurrentArgs; none is null. final_c: of LSTM only.
struct Recurrent {
  Cell cell;
  RecurrentShape shape;
  double *input, *weights, *recurrent_weights, *bias, *recurrent_bias, *initial_h, *initial_c;
  double *output, *final_h, *final_c;

  /// gate k, unit u: x W + b of step x, or h R + rb of a state.
  [[nodiscard]] double from_input(const double* x, std::size_t k, std::size_t u) const {
    const std::size_t columns = gates_of(cell) * shape.units, column = k * shape.units + u;
    double sum = bias[column];
    for (std::size_t i = 0; i < shape.fan_in; ++i) sum += x[i] * weights[i * columns + column];
    return sum;
  }
  [[nodiscard]] double from_state(const double* h, std::size_t k, std::size_t u) const {
    const std::size_t units = shape.units;
    double sum = recurrent_bias[k * units + u];
    for (std::size_t i = 0; i < units; ++i) {
      std::size_t at = i * gates_of(cell) * units + k * units + u;
      if (cell == Cell::gru) at = k < 2 ? i * 2 * units + k * units + u : 2 * units * units + i * units + u;
      sum += h[i] * recurrent_weights[at];
    }
    return sum;
  }
  [[nodiscard]] double sum(const double* x, const double* h, std::size_t k, std::size_t u) const {
    return from_input(x, k, u) + from_state(h, k, u);
  }
  static double logistic(double x) { return 1.0 / (1.0 + std::exp(-x)); }

  void step(const double* x, const double* h, const double* c, double* new_h, double* new_c, double* reset) const {
    const std::size_t units = shape.units;
    for (std::size_t u = 0; u < units; ++u) {
      if (cell == Cell::rnn) {
        const double y = sum(x, h, 0, u);
        new_h[u] = shape.activation == RecurrentActivation::tanh   ? std::tanh(y)
                   : shape.activation == RecurrentActivation::relu ? std::fmax(y, 0.0)
                                                                   : logistic(y);
      } else if (cell == Cell::lstm) {
        new_c[u] = logistic(sum(x, h, 1, u)) * c[u] + logistic(sum(x, h, 0, u)) * std::tanh(sum(x, h, 2, u));
        const auto clip = static_cast<double>(shape.cell_clip);
        if (clip > 0.0) new_c[u] = std::fmin(std::fmax(new_c[u], -clip), clip);
        new_h[u] = logistic(sum(x, h, 3, u)) * std::tanh(new_c[u]);
      } else {
        reset[u] = logistic(sum(x, h, 1, u)) * h[u];
      }
    }
    for (std::size_t u = 0; u < units && cell == Cell::gru; ++u) {
      const double z = logistic(sum(x, h, 0, u)), r = logistic(sum(x, h, 1, u));
      const double product = shape.linear_before_reset ? r * from_state(h, 2, u) : from_state(reset, 2, u);
      new_h[u] = (1.0 - z) * std::tanh(from_input(x, 2, u) + product) + z * h[u];
    }
  }

  /// work: room for five vectors of `units`.
  void run(double* work) const {
    const std::size_t units = shape.units;
    double *h = work, *c = h + units, *new_h = c + units, *new_c = new_h + units, *reset = new_c + units;
    for (std::size_t n = 0; n < shape.batch; ++n) {
      for (std::size_t u = 0; u < units; ++u) h[u] = initial_h[n * units + u], c[u] = initial_c[n * units + u];
      for (std::size_t i = 0; i < shape.steps; ++i) {
        const std::size_t t = n * shape.steps + (shape.reverse ? shape.steps - 1 - i : i);
        step(input + t * shape.fan_in, h, c, new_h, new_c, reset);
        for (std::size_t u = 0; u < units; ++u) h[u] = output[t * units + u] = new_h[u], c[u] = new_c[u];
      }
      for (std::size_t u = 0; u < units; ++u) final_h[n * units + u] = h[u], final_c[n * units + u] = c[u];
    }
  }
};

}  // namespace mote::reference
