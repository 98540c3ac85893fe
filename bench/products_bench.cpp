// SPDX-License-Identifier: Apache-2.0
// Rows of the recurrent layers, a keyword's 49 frames and a sensor's window, and of the products of attention.
#include <algorithm>
#include <cstdint>
#include <string>

#include "kernel_rows.hpp"

namespace mote {
namespace {

using bench::add_row;
using bench::Arrays;
using bench::Kernel;
using bench::Work;

constexpr RecurrentShape kShapes[] = {{1, 49, 10, 64}, {8, 49, 10, 64}, {1, 128, 3, 32}, {1, 16, 128, 128}};

std::string text(const RecurrentShape& s) {
  const auto number = [](std::uint32_t value) { return std::to_string(value); };
  return number(s.batch) + "x" + number(s.steps) + "x" + number(s.fan_in) + "-" + number(s.units);
}
std::size_t gates_of(const std::string& name) { return name[0] == 'r' ? 1 : name[0] == 'l' ? 4 : 3; }
std::size_t input_weights(const RecurrentShape& s, std::size_t gates) { return s.fan_in * gates * s.units; }
std::size_t state_weights(const RecurrentShape& s, std::size_t gates) { return s.units * gates * s.units; }
Work work(const RecurrentShape& s, std::size_t gates, double passes) {
  const double weights = static_cast<double>(input_weights(s, gates) + state_weights(s, gates));
  const double rows = static_cast<double>(s.batch) * s.steps;
  return {.flops = 2.0 * passes * rows * weights,
          .bytes = 4.0 * (passes * s.steps * weights + rows * (s.fan_in + s.units)),
          .working_set = 4.0 * (weights + rows * (s.fan_in + s.units))};
}
std::size_t most_scratch(const RecurrentShape& s) {
  return std::max(
      {lstm_scratch_floats(s), gru_scratch_floats(s), lstm_grad_scratch_floats(s), gru_grad_scratch_floats(s)});
}

}  // namespace

void add(const std::string& name, Kernel<RecurrentArgs> kernel) {
  const std::size_t gates = gates_of(name);
  for (const RecurrentShape& s : kShapes)
    add_row(name, text(s), kernel, work(s, gates, 1), [=](Arrays& arrays) {
      RecurrentArgs args{};
      args.input = arrays.floats(std::size_t{s.batch} * s.steps * s.fan_in);
      args.weights = arrays.floats(input_weights(s, gates), 0.1F);
      args.recurrent_weights = arrays.floats(state_weights(s, gates), 0.1F);
      args.bias = arrays.floats(gates * s.units);
      args.output = arrays.floats(std::size_t{s.batch} * s.steps * s.units);
      args.scratch = arrays.floats(most_scratch(s));
      args.shape = s;
      return args;
    });
}
void add(const std::string& name, Kernel<RecurrentGradArgs> kernel) {
  const std::size_t gates = gates_of(name);
  for (const RecurrentShape& s : kShapes)
    add_row(name, text(s), kernel, work(s, gates, 2), [=](Arrays& arrays) {
      RecurrentGradArgs args{};
      float* weights = arrays.floats(input_weights(s, gates), 0.1F);
      float* recurrent_weights = arrays.floats(state_weights(s, gates), 0.1F);
      args.input = arrays.floats(std::size_t{s.batch} * s.steps * s.fan_in);
      args.weights = args.grad_weights = weights;
      args.recurrent_weights = args.grad_recurrent_weights = recurrent_weights;
      args.grad_bias = arrays.floats(gates * s.units);
      args.output = arrays.floats(std::size_t{s.batch} * s.steps * s.units);
      args.grad_output = arrays.floats(std::size_t{s.batch} * s.steps * s.units);
      args.grad_input = arrays.floats(std::size_t{s.batch} * s.steps * s.fan_in);
      args.saved = arrays.positive(lstm_saved_floats(s));
      args.scratch = arrays.floats(most_scratch(s));
      args.scale = -1e-9F;
      args.shape = s;
      return args;
    });
}

namespace {

struct MatmulCase {
  const char* text;
  std::uint32_t groups, rows, depth, columns;
  bool transposed;
  [[nodiscard]] std::size_t a() const { return std::size_t{groups} * rows * depth; }
  [[nodiscard]] std::size_t b() const { return std::size_t{groups} * depth * columns; }
  [[nodiscard]] std::size_t output() const { return std::size_t{groups} * rows * columns; }
  [[nodiscard]] Work work(double products) const {
    return {2.0 * products * static_cast<double>(a()) * columns,
            4.0 * products * static_cast<double>(a() + b() + output())};
  }
};
constexpr MatmulCase kMatmuls[] = {{"4x49x16x49-transposed", 4, 49, 16, 49, true},
                                   {"4x49x49x16", 4, 49, 49, 16, false},
                                   {"1x64x64x64", 1, 64, 64, 64, false}};

}  // namespace

void add(const std::string& name, Kernel<MatmulArgs> kernel) {
  for (const MatmulCase& c : kMatmuls)
    add_row(name, c.text, kernel, c.work(1), [=](Arrays& arrays) {
      float *a = arrays.floats(c.a()), *b = arrays.floats(c.b());
      return MatmulArgs{a, b, arrays.floats(c.output()), c.groups, c.rows, c.depth, c.columns, c.transposed};
    });
}
void add(const std::string& name, Kernel<MatmulGradArgs> kernel) {
  for (const MatmulCase& c : kMatmuls)
    add_row(name, c.text, kernel, c.work(2), [=](Arrays& arrays) {
      float *a = arrays.floats(c.a()), *b = arrays.floats(c.b()), *grad_output = arrays.floats(c.output());
      float *grad_a = arrays.floats(c.a()), *grad_b = arrays.floats(c.b());
      return MatmulGradArgs{a, b, grad_output, grad_a, grad_b, c.groups, c.rows, c.depth, c.columns, c.transposed};
    });
}

}  // namespace mote
