// SPDX-License-Identifier: Apache-2.0
// spline_f32, spline_grad_input_f32, spline_grad_params_f32 against naive loops in double, hostile knots, and their
// bits.
#include "reference/spline.hpp"

#include "check.hpp"
#include "instruction_set.hpp"
#include "kernels/guarded.hpp"

namespace mote {
namespace {

using test::memory;
using test::Numbers;

struct Size {
  std::uint32_t rows, channels, knots;
};
constexpr Size kSizes[] = {{1, 1, 2}, {3, 5, 3}, {4, 16, 4}, {33, 1, 17}, {2, 3, 130}, {9, 20, 5}, {50, 7, 31}};
constexpr float kScale = -0.5F;
constexpr float kNaN = __builtin_nanf("");

/// Inputs in [-2, 2), knots from about -1 to 1, so that half of the inputs lie outside; some inputs are knots.
struct SplineLayer {
  Size size;
  float *input, *knots, *values, *slopes, *output, *grad_output, *grad_input, *grad_values, *grad_slopes;

  SplineLayer(Size s, std::size_t misalignment) : size(s) {
    memory.reset();
    Numbers numbers(s.rows * 100 + s.channels * 10 + s.knots);
    const auto array = [&](std::size_t count, float scale) {
      float* out = memory.take(count, misalignment++);
      if (scale != 0.0F) numbers.fill(out, count, scale);
      return out;
    };
    input = array(elements(), 2.0F), knots = array(params(), 0.0F);
    values = array(params(), 1.0F), slopes = array(params(), 1.0F);
    output = array(elements(), 0.0F), grad_output = array(elements(), 1.0F), grad_input = array(elements(), 0.0F);
    grad_values = array(params(), 1.0F), grad_slopes = array(params(), 1.0F);
    const float spacing = 2.0F / static_cast<float>(s.knots - 1);
    for (std::size_t i = 0; i < params(); ++i)
      knots[i] = spacing * (static_cast<float>(i % s.knots) + 0.375F * numbers.next()) - 1.0F;
    for (std::size_t i = 0; i < elements(); i += 4) input[i] = knots[i % s.channels * s.knots + i % s.knots];
  }
  [[nodiscard]] std::size_t elements() const { return std::size_t{size.rows} * size.channels; }
  [[nodiscard]] std::size_t params() const { return std::size_t{size.channels} * size.knots; }
  [[nodiscard]] SplineArgs args() const {
    return {input, knots, values, slopes, output, size.rows, size.channels, size.knots};
  }
  [[nodiscard]] SplineGradArgs grad_args() const {
    return {input,       knots,       values, slopes,    grad_output,   grad_input,
            grad_values, grad_slopes, kScale, size.rows, size.channels, size.knots};
  }
};

TEST(spline, forward) {
  for (const Size size : kSizes) {
    for (const std::size_t misalignment : {0U, 1U, 11U}) {
      const SplineLayer layer(size, misalignment);
      double* expected = memory.take_doubles(layer.elements());
      reference::spline(layer.args(), expected);
      kernels::spline_f32(layer.args());
      EXPECT_LE(test::worst_error(layer.output, expected, layer.elements()), 2e-6)
          << size.channels << ", " << size.knots;
      EXPECT_TRUE(memory.intact()) << size.channels << ", " << size.knots;
    }
  }
}

TEST(spline, gradients) {
  for (const Size size : kSizes) {
    const SplineLayer layer(size, 3);
    double* grad_input = memory.take_doubles(layer.elements());
    double* grad_values = memory.take_doubles(layer.params());
    double* grad_slopes = memory.take_doubles(layer.params());
    for (std::size_t i = 0; i < layer.params(); ++i) {
      grad_values[i] = static_cast<double>(layer.grad_values[i]);
      grad_slopes[i] = static_cast<double>(layer.grad_slopes[i]);
    }
    reference::spline_grad(layer.grad_args(), grad_input, grad_values, grad_slopes);
    kernels::spline_grad_input_f32(layer.grad_args());
    kernels::spline_grad_params_f32(layer.grad_args());
    EXPECT_LE(test::worst_error(layer.grad_input, grad_input, layer.elements()), 2e-5) << size.knots;
    EXPECT_LE(test::worst_error(layer.grad_values, grad_values, layer.params()), 1e-5) << size.knots;
    EXPECT_LE(test::worst_error(layer.grad_slopes, grad_slopes, layer.params()), 1e-5) << size.knots;
    EXPECT_TRUE(memory.intact()) << size.knots;
  }
}

TEST(spline, in_place_gives_the_same_bits) {
  const SplineLayer layer({9, 5, 6}, 0);
  const std::size_t count = layer.elements();
  kernels::spline_f32(layer.args());
  kernels::spline_grad_input_f32(layer.grad_args());
  const std::uint64_t output = test::hash_bits(layer.output, count), grad = test::hash_bits(layer.grad_input, count);
  SplineGradArgs grad_args = layer.grad_args();
  grad_args.grad_input = layer.grad_output;
  kernels::spline_grad_input_f32(grad_args);
  EXPECT_EQ(test::hash_bits(layer.grad_output, count), grad);
  SplineArgs args = layer.args();
  args.output = layer.input;
  kernels::spline_f32(args);
  EXPECT_EQ(test::hash_bits(layer.input, count), output);
}

TEST(spline, goes_on_as_a_line_outside_and_passes_through_its_values) {
  const float knots[3] = {-1, 0, 2}, values[3] = {3, 1, 5}, slopes[3] = {2, 0, -1};
  const float input[7] = {-3, -1, 0, 2, 4, 1e6F, kNaN};
  float output[7] = {};
  kernels::spline_f32({input, knots, values, slopes, output, 7, 1, 3});
  for (const auto& [at, expected] : {std::pair{0, -1.0F}, {1, 3.0F}, {2, 1.0F}, {3, 5.0F}, {4, 3.0F}})
    EXPECT_EQ(output[at], expected) << at;
  EXPECT_NEAR(static_cast<double>(output[5]), -999993.0, 0.1);
  EXPECT_TRUE(output[6] != output[6]);
}

TEST(spline, hostile_knots_do_no_harm) {
  const float infinity = __builtin_inff();
  const float rows[][5] = {{0, 0, 0, 0, 0},
                           {4, 3, 2, 1, 0},
                           {0, kNaN, 1, kNaN, 2},
                           {kNaN, kNaN, kNaN, kNaN, kNaN},
                           {-infinity, 0, 0, 0, infinity},
                           {1, 1, 2, 2, 1},
                           {3e38F, -3e38F, 3e38F, -3e38F, 0}};
  for (const auto& row : rows) {
    const SplineLayer layer({40, 2, 5}, 1);
    for (std::size_t i = 0; i < 10; ++i) layer.knots[i] = row[i % 5];
    layer.input[0] = kNaN, layer.input[1] = infinity, layer.input[2] = -infinity, layer.input[3] = 3e38F;
    kernels::spline_f32(layer.args());
    kernels::spline_grad_input_f32(layer.grad_args());
    kernels::spline_grad_params_f32(layer.grad_args());
    EXPECT_TRUE(memory.intact());
  }
}

TEST(spline, same_bits_everywhere) {
  if (!check::kFused) return;
  std::uint64_t hash = test::hash_bits(nullptr, 0);
  for (const Size size : kSizes) {
    const SplineLayer layer(size, 3);
    kernels::spline_f32(layer.args());
    kernels::spline_grad_input_f32(layer.grad_args());
    kernels::spline_grad_params_f32(layer.grad_args());
    hash = test::hash_bits(layer.output, layer.elements(), hash);
    hash = test::hash_bits(layer.grad_input, layer.elements(), hash);
    hash = test::hash_bits(layer.grad_values, layer.params(), hash);
    hash = test::hash_bits(layer.grad_slopes, layer.params(), hash);
  }
  EXPECT_EQ(hash, 0x683FB9209DF8DD73U);
}

}  // namespace
}  // namespace mote
