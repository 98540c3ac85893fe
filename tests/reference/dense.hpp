// SPDX-License-Identifier: Apache-2.0
// Dense layers as naive loops in double: the specification of dense_f32 and its gradients. Beside every value stands
// its bound: the rounding error that float sums of these terms may have in any order.
#pragma once

#include <cstddef>

#include "mote/kernels/kernels.hpp"

namespace mote::reference {

/// A sum of products, and how far a float32 sum of the same terms may be from it.
struct Sum {
  double value = 0.0;
  double magnitude = 0.0;
  double terms = 0.0;

  void add(double term) {
    value += term;
    magnitude += term < 0.0 ? -term : term;
    terms += 1.0;
  }
  void add(float a, float b) { add(static_cast<double>(a) * static_cast<double>(b)); }
  /// |actual - value| as a part of what rounding may do: at most 1 where the kernel is right. NaN: infinite.
  [[nodiscard]] double error_of(float actual) const {
    const double difference = static_cast<double>(actual) - value;
    const double error = difference < 0.0 ? -difference : difference;
    const double bound = (terms + 2.0) * 0x1p-24 * magnitude;
    return error <= bound ? (error == 0.0 ? 0.0 : error / bound) : error > bound ? 2.0 + error : __builtin_inf();
  }
  /// start + scale * this
  [[nodiscard]] Sum scaled(float scale, float start) const {
    const double factor = static_cast<double>(scale < 0.0F ? -scale : scale);
    const double from = static_cast<double>(start);
    return {from + static_cast<double>(scale) * value, (from < 0.0 ? -from : from) + factor * magnitude, terms + 1.0};
  }
};

inline Sum dense(const DenseArgs& args, std::size_t n, std::size_t o) {
  Sum sum;
  if (args.bias != nullptr) sum.add(static_cast<double>(args.bias[o]));
  for (std::size_t i = 0; i < args.fan_in; ++i)
    sum.add(args.input[n * args.fan_in + i], args.weights[i * args.fan_out + o]);
  return sum;
}

inline Sum dense_grad_input(const DenseGradArgs& args, std::size_t n, std::size_t i) {
  Sum sum;
  for (std::size_t o = 0; o < args.fan_out; ++o)
    sum.add(args.grad_output[n * args.fan_out + o], args.weights[i * args.fan_out + o]);
  return sum;
}

/// Before scale and accumulation, as all gradients of parameters here.
inline Sum dense_grad_weight(const DenseGradArgs& args, std::size_t i, std::size_t o) {
  Sum sum;
  for (std::size_t n = 0; n < args.batch; ++n)
    sum.add(args.input[n * args.fan_in + i], args.grad_output[n * args.fan_out + o]);
  return sum;
}

/// For convolutions too, with rows = pixels.
inline Sum grad_bias(const float* grad_output, std::size_t rows, std::size_t columns, std::size_t o) {
  Sum sum;
  for (std::size_t r = 0; r < rows; ++r) sum.add(static_cast<double>(grad_output[r * columns + o]));
  return sum;
}

}  // namespace mote::reference
