// SPDX-License-Identifier: Apache-2.0
// rbf_f32, rbf_grad_input_f32, rbf_grad_params_f32 against naive loops in double, and their bits.
#include "reference/rbf.hpp"

#include "check.hpp"
#include "instruction_set.hpp"
#include "kernels/guarded.hpp"

namespace mote {
namespace {

using test::memory;
using test::Numbers;

struct Size {
  std::uint32_t batch, fan_in, units;
};
constexpr Size kSizes[] = {{1, 1, 1},  {3, 5, 7},   {4, 16, 16}, {5, 9, 33},  {2, 3, 130},
                           {9, 2, 20}, {1, 40, 64}, {8, 4, 65},  {13, 7, 15}, {6, 11, 48}};
constexpr float kScale = -0.5F;

struct RbfLayer {
  Size size;
  float *input, *centres, *log_width, *output, *grad_output, *grad_input, *grad_centres, *grad_log_width;

  RbfLayer(Size s, std::size_t misalignment) : size(s) {
    memory.reset();
    Numbers numbers(s.batch * 100 + s.units);
    const auto array = [&](std::size_t count, float scale, float shift) {
      float* values = memory.take(count, misalignment++);
      if (scale != 0.0F) numbers.fill(values, count, scale, shift);
      return values;
    };
    input = array(s.batch * s.fan_in, 1.0F, 0.0F);
    centres = array(s.fan_in * s.units, 1.0F, 0.0F);
    log_width = array(s.units, 1.0F, 1.0F);
    output = array(s.batch * s.units, 0.0F, 0.0F);
    grad_output = array(s.batch * s.units, 1.0F, 0.0F);
    grad_input = array(s.batch * s.fan_in, 0.0F, 0.0F);
    grad_centres = array(s.fan_in * s.units, 1.0F, 0.0F);
    grad_log_width = array(s.units, 1.0F, 0.0F);
  }
  [[nodiscard]] RbfArgs args() const {
    return {input, centres, log_width, output, size.batch, size.fan_in, size.units};
  }
  [[nodiscard]] RbfGradArgs grad_args() const {
    return {input,        centres,        log_width, output,     grad_output, grad_input,
            grad_centres, grad_log_width, kScale,    size.batch, size.fan_in, size.units};
  }
};

TEST(rbf, forward) {
  for (const Size size : kSizes) {
    for (const std::size_t misalignment : {0U, 1U, 11U}) {
      const RbfLayer layer(size, misalignment);
      const std::size_t count = size.batch * size.units;
      double* expected = memory.take_doubles(count);
      reference::rbf(layer.args(), expected);
      kernels::rbf_f32(layer.args());
      EXPECT_LE(test::worst_error(layer.output, expected, count), 5e-7) << size.fan_in << ", " << size.units;
      EXPECT_TRUE(memory.intact()) << size.fan_in << ", " << size.units;
    }
  }
}

TEST(rbf, gradients) {
  for (const Size size : kSizes) {
    for (const std::size_t misalignment : {0U, 1U, 11U}) {
      const RbfLayer layer(size, misalignment);
      const std::size_t inputs = size.batch * size.fan_in, weights = size.fan_in * size.units;
      double* grad_input = memory.take_doubles(inputs);
      double* grad_centres = memory.take_doubles(weights);
      double* grad_log_width = memory.take_doubles(size.units);
      for (std::size_t i = 0; i < weights; ++i) grad_centres[i] = static_cast<double>(layer.grad_centres[i]);
      for (std::size_t i = 0; i < size.units; ++i) grad_log_width[i] = static_cast<double>(layer.grad_log_width[i]);
      reference::rbf_grad(layer.grad_args(), grad_input, grad_centres, grad_log_width);
      kernels::rbf_f32(layer.args());
      kernels::rbf_grad_input_f32(layer.grad_args());
      kernels::rbf_grad_params_f32(layer.grad_args());
      EXPECT_LE(test::worst_error(layer.grad_input, grad_input, inputs), 2e-6) << size.fan_in << ", " << size.units;
      EXPECT_LE(test::worst_error(layer.grad_centres, grad_centres, weights), 1e-6)
          << size.fan_in << ", " << size.units;
      EXPECT_LE(test::worst_error(layer.grad_log_width, grad_log_width, size.units), 1e-6)
          << size.fan_in << ", " << size.units;
      EXPECT_TRUE(memory.intact()) << size.fan_in << ", " << size.units;
    }
  }
}

TEST(rbf, a_sample_far_from_all_centres_gives_zeros_not_nans) {
  const float input[2] = {1e10F, -1e10F}, centres[4] = {0, 1, 2, 3}, log_width[2] = {0, -3};
  float output[2] = {5, 5}, grad_input[2] = {5, 5}, grad_centres[4] = {}, grad_log_width[2] = {};
  const float grad_output[2] = {1, 1};
  kernels::rbf_f32({input, centres, log_width, output, 1, 2, 2});
  const RbfGradArgs args{input,        centres,        log_width, output, grad_output, grad_input,
                         grad_centres, grad_log_width, 1.0F,      1,      2,           2};
  kernels::rbf_grad_input_f32(args);
  kernels::rbf_grad_params_f32(args);
  for (const float v : {output[0], output[1], grad_input[0], grad_input[1], grad_centres[0], grad_centres[3],
                        grad_log_width[0], grad_log_width[1]})
    EXPECT_EQ(v, 0.0F);
}

TEST(rbf, same_bits_everywhere) {
  if (!check::kFused) return;
  std::uint64_t hash = test::hash_bits(nullptr, 0);
  for (const Size size : kSizes) {
    const RbfLayer layer(size, 3);
    kernels::rbf_f32(layer.args());
    kernels::rbf_grad_input_f32(layer.grad_args());
    kernels::rbf_grad_params_f32(layer.grad_args());
    hash = test::hash_bits(layer.output, size.batch * size.units, hash);
    hash = test::hash_bits(layer.grad_input, size.batch * size.fan_in, hash);
    hash = test::hash_bits(layer.grad_centres, size.fan_in * size.units, hash);
    hash = test::hash_bits(layer.grad_log_width, size.units, hash);
  }
  EXPECT_EQ(hash, 0x7A3606867A02F378U);
}

}  // namespace
}  // namespace mote
