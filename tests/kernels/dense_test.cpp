// SPDX-License-Identifier: Apache-2.0
// dense_f32, dense_grad_input_f32, dense_grad_params_f32 against naive loops, and their bits.
#include "reference/dense.hpp"

#include "check.hpp"
#include "instruction_set.hpp"
#include "kernels/guarded.hpp"

namespace mote {
namespace {

using test::memory;
using test::Numbers;

struct Size {
  std::uint32_t batch, fan_in, fan_out;
};
// Every remainder of rows and columns by the tiles of every instruction set, both forms of the gradient of the input,
// rows of one, and sizes that the panels of 64 terms do not divide.
constexpr Size kSizes[] = {
    {1, 1, 1},   {1, 7, 1},    {1, 16, 16},  {1, 33, 70},  {1, 12, 129}, {1, 9, 300},  {2, 5, 65},
    {2, 19, 33}, {3, 17, 10},  {4, 8, 8},    {5, 31, 15},  {6, 64, 6},   {7, 4, 49},   {8, 20, 64},
    {9, 10, 17}, {11, 3, 71},  {12, 65, 5},  {13, 24, 32}, {14, 2, 4},   {16, 16, 1},  {17, 1, 48},
    {23, 6, 23}, {25, 40, 12}, {32, 33, 10}, {9, 130, 9},  {3, 37, 140}, {33, 35, 66}, {8, 50, 70},
};

/// Arrays of one size, filled; `weights` serve as parameters and as what gradients are added to.
struct Arrays {
  explicit Arrays(const Size& size, std::size_t misalignment)
      : inputs(size.batch * size.fan_in), outputs(size.batch * size.fan_out), weight_count(size.fan_in * size.fan_out) {
    memory.reset();
    input = memory.take(inputs, misalignment);
    weights = memory.take(weight_count, misalignment + 1);
    bias = memory.take(size.fan_out, misalignment + 2);
    output = memory.take(outputs, misalignment + 3);
    grad_output = memory.take(outputs, misalignment);
    grad_input = memory.take(inputs, misalignment + 5);
    params = memory.take(weight_count, misalignment + 7);
    bias_params = memory.take(size.fan_out, misalignment);
    Numbers numbers(size.fan_in * 31 + size.fan_out);
    numbers.fill(input, inputs);
    numbers.fill(weights, weight_count);
    numbers.fill(bias, size.fan_out);
    numbers.fill(grad_output, outputs);
    test::copy(weights, params, weight_count);
    test::copy(bias, bias_params, size.fan_out);
  }
  std::size_t inputs, outputs, weight_count;
  float *input, *weights, *bias, *output, *grad_output, *grad_input, *params, *bias_params;
};

void worsen(double& worst, double error) {
  if (error > worst) worst = error;
}

TEST(dense, is_input_times_weights_plus_bias) {
  for (const Size& size : kSizes) {
    for (const std::size_t misalignment : {0, 1, 8, 13}) {
      const Arrays a(size, misalignment);
      for (const float* bias : {static_cast<const float*>(a.bias), static_cast<const float*>(nullptr)}) {
        const DenseArgs args{a.input, a.weights, bias, a.output, size.batch, size.fan_in, size.fan_out};
        kernels::dense_f32(args);
        double worst = 0.0;
        for (std::size_t n = 0; n < size.batch; ++n)
          for (std::size_t o = 0; o < size.fan_out; ++o)
            worsen(worst, reference::dense(args, n, o).error_of(a.output[n * size.fan_out + o]));
        EXPECT_LE(worst, 1.0) << size.batch << " x " << size.fan_in << " x " << size.fan_out;
      }
      EXPECT_TRUE(memory.intact()) << size.batch << " x " << size.fan_in << " x " << size.fan_out;
    }
  }
}

TEST(dense, gradient_of_the_input) {
  for (const Size& size : kSizes) {
    for (const std::size_t misalignment : {0, 3, 8, 15}) {
      const Arrays a(size, misalignment);
      const DenseGradArgs args{nullptr, a.weights, a.grad_output, a.grad_input, nullptr,
                               nullptr, 0.0F,      size.batch,    size.fan_in,  size.fan_out};
      kernels::dense_grad_input_f32(args);
      double worst = 0.0;
      for (std::size_t n = 0; n < size.batch; ++n)
        for (std::size_t i = 0; i < size.fan_in; ++i)
          worsen(worst, reference::dense_grad_input(args, n, i).error_of(a.grad_input[n * size.fan_in + i]));
      EXPECT_LE(worst, 1.0) << size.batch << " x " << size.fan_in << " x " << size.fan_out;
      EXPECT_TRUE(memory.intact()) << size.batch << " x " << size.fan_in << " x " << size.fan_out;
    }
  }
}

TEST(dense, gradient_of_the_parameters_is_scaled_and_added) {
  for (const Size& size : kSizes) {
    for (const float scale : {1.0F, -0.375F}) {
      const Arrays a(size, scale > 0.0F ? 0 : 5);
      const DenseGradArgs args{a.input,       nullptr, a.grad_output, nullptr,     a.params,
                               a.bias_params, scale,   size.batch,    size.fan_in, size.fan_out};
      kernels::dense_grad_params_f32(args);
      double worst = 0.0;
      for (std::size_t o = 0; o < size.fan_out; ++o) {
        for (std::size_t i = 0; i < size.fan_in; ++i) {
          const std::size_t at = i * size.fan_out + o;
          worsen(worst, reference::dense_grad_weight(args, i, o).scaled(scale, a.weights[at]).error_of(a.params[at]));
        }
        const reference::Sum sum = reference::grad_bias(a.grad_output, size.batch, size.fan_out, o);
        worsen(worst, sum.scaled(scale, a.bias[o]).error_of(a.bias_params[o]));
      }
      EXPECT_LE(worst, 1.0) << size.batch << " x " << size.fan_in << " x " << size.fan_out;
      EXPECT_TRUE(memory.intact()) << size.batch << " x " << size.fan_in << " x " << size.fan_out;
    }
  }
}

TEST(dense, gradient_of_the_parameters_without_bias) {
  const Size size{5, 6, 7};
  const Arrays a(size, 0);
  DenseGradArgs args{a.input, nullptr, a.grad_output, nullptr, a.params, nullptr, 1.0F, 5, 6, 7};
  kernels::dense_grad_params_f32(args);
  EXPECT_TRUE(memory.intact());
  args.grad_weights = a.weights;
  args.grad_bias = a.bias_params;
  kernels::dense_grad_params_f32(args);
  for (std::size_t i = 0; i < a.weight_count; ++i) EXPECT_EQ(a.params[i], a.weights[i]);
}

/// An infinite input belongs to its own row, and an infinite weight to its own column.
TEST(dense, infinities_stay_in_their_rows_and_columns) {
  const Size size{3, 20, 21};
  const Arrays a(size, 0);
  a.input[size.fan_in + 4] = __builtin_inff();
  a.weights[5 * size.fan_out + 18] = __builtin_inff();
  kernels::dense_f32({a.input, a.weights, a.bias, a.output, size.batch, size.fan_in, size.fan_out});
  for (std::size_t n = 0; n < size.batch; ++n)
    for (std::size_t o = 0; o < size.fan_out; ++o) {
      const float value = a.output[n * size.fan_out + o];
      EXPECT_EQ(value - value == 0.0F, n != 1 && o != 18) << n << ", " << o;
    }
}

/// The weights are updated in place, each block of rows after its inputs' gradients were taken.
TEST(dense, backward_is_both_gradients_in_one_pass) {
  for (const std::uint32_t batch : {1U, 5U, 12U})
    for (const std::uint32_t fan_in : {3U, 100U, 200U})
      for (const std::uint32_t fan_out : {7U, 64U, 130U}) {
        memory.reset();
        const std::size_t inputs = batch * fan_in, outputs = batch * fan_out, count = fan_in * fan_out;
        float *x = memory.take(inputs), *g = memory.take(outputs), *w = memory.take(count), *b = memory.take(fan_out);
        float *gx = memory.take(inputs), *gx_alone = memory.take(inputs);
        float *w_alone = memory.take(count), *b_alone = memory.take(fan_out);
        Numbers numbers(fan_in + fan_out);
        numbers.fill(x, inputs), numbers.fill(g, outputs), numbers.fill(w, count), numbers.fill(b, fan_out);
        test::copy(w, w_alone, count), test::copy(b, b_alone, fan_out);
        const DenseGradArgs alone{x, w_alone, g, gx_alone, w_alone, b_alone, -0.25F, batch, fan_in, fan_out};
        kernels::dense_grad_input_f32(alone);
        kernels::dense_grad_params_f32(alone);
        kernels::dense_backward_f32({x, w, g, gx, w, b, -0.25F, batch, fan_in, fan_out});
        EXPECT_EQ(test::hash_bits(gx, inputs), test::hash_bits(gx_alone, inputs)) << batch << " " << fan_in;
        EXPECT_EQ(test::hash_bits(w, count), test::hash_bits(w_alone, count)) << batch << " " << fan_in;
        EXPECT_EQ(test::hash_bits(b, fan_out), test::hash_bits(b_alone, fan_out)) << batch << " " << fan_in;
        EXPECT_TRUE(memory.intact());
      }
}

TEST(dense, same_bits_everywhere) {
  std::uint64_t hash = test::hash_bits(nullptr, 0);
  for (const Size& size : kSizes) {
    const Arrays a(size, 2);
    kernels::dense_f32({a.input, a.weights, a.bias, a.output, size.batch, size.fan_in, size.fan_out});
    hash = test::hash_bits(a.output, a.outputs, hash);
    const DenseGradArgs args{a.input,       a.weights, a.grad_output, a.grad_input, a.params,
                             a.bias_params, -0.01F,    size.batch,    size.fan_in,  size.fan_out};
    kernels::dense_grad_input_f32(args);
    hash = test::hash_bits(a.grad_input, a.inputs, hash);
    kernels::dense_grad_params_f32(args);
    hash = test::hash_bits(a.params, a.weight_count, hash);
    hash = test::hash_bits(a.bias_params, size.fan_out, hash);
  }
  if (check::kFused) {
    EXPECT_EQ(hash, 0xD47470202591117AU);
  }
}

}  // namespace
}  // namespace mote
