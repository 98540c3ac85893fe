// SPDX-License-Identifier: Apache-2.0
// Reductions over every set of axes against double, in shares; gradients against derivatives and central differences,
// ties, zeros and NaN; the places of extremes; and their bits.
#include "reference/reduction.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "check.hpp"
#include "instruction_set.hpp"
#include "kernels/guarded.hpp"

namespace mote {
namespace {

using reference::Reduction;
using test::memory;
using test::Numbers;

constexpr float kInfinity = __builtin_inff();
constexpr float kNaN = __builtin_nanf("");

struct Case {
  const char* name;
  Reduction reduction;
  void (*forward)(const ReduceArgs&);
  void (*grad)(const ReduceGradArgs&);
};
const Case kCases[] = {
    {"sum", Reduction::sum, kernels::reduce_sum_f32, kernels::reduce_sum_grad_f32},
    {"mean", Reduction::mean, kernels::reduce_mean_f32, kernels::reduce_mean_grad_f32},
    {"max", Reduction::max, kernels::reduce_max_f32, kernels::reduce_max_grad_f32},
    {"min", Reduction::min, kernels::reduce_min_f32, kernels::reduce_min_grad_f32},
    {"prod", Reduction::prod, kernels::reduce_prod_f32, kernels::reduce_prod_grad_f32},
};
constexpr std::uint32_t kSizes[][4] = {{2, 3, 4, 5},   {1, 1, 1, 70}, {3, 1, 5, 33}, {2, 9, 1, 3},
                                       {1, 12, 13, 1}, {1, 1, 1, 1},  {2, 2, 9, 40}, {1, 11, 14, 16}};

struct Arrays {
  std::uint32_t sizes[4], axes;
  std::size_t inputs = 1, outputs = 1;
  float *input, *output, *grad_output, *grad_input;
  double* expected;

  Arrays(const std::uint32_t (&all)[4], std::uint32_t set, bool near_one, std::size_t misalignment) : axes(set) {
    for (std::size_t i = 0; i < 4; ++i) {
      sizes[i] = all[i];
      inputs *= all[i];
      if ((set >> (3 - i) & 1U) == 0) outputs *= all[i];
    }
    memory.reset();
    input = memory.take(inputs, misalignment);
    output = memory.take(outputs, misalignment + 1);
    grad_output = memory.take(outputs, misalignment + 2);
    grad_input = memory.take(inputs, misalignment + 5);
    expected = memory.take_doubles(inputs);
    Numbers numbers(static_cast<std::uint32_t>(inputs + set));
    if (near_one)
      numbers.fill(input, inputs, 0.2F, 1.0F);
    else
      numbers.fill(input, inputs, 2.0F);
    numbers.fill(grad_output, outputs);
  }
  [[nodiscard]] ReduceArgs args(Part part = {}) const {
    return {input, output, {sizes[0], sizes[1], sizes[2], sizes[3]}, axes, part};
  }
  [[nodiscard]] ReduceGradArgs grad_args(Part part = {}) const {
    return {input, output, grad_output, grad_input, {sizes[0], sizes[1], sizes[2], sizes[3]}, axes, part};
  }
};

void check_gradient(const Case& c, const Arrays& a) {
  c.forward(a.args());
  c.grad(a.grad_args());
  for (std::size_t i = 0; i < a.inputs; ++i)
    a.expected[i] = static_cast<double>(a.grad_output[reference::reduced_index(i, a.sizes, a.axes)]) *
                    reference::reduce_derivative(c.reduction, i, a.input, a.sizes, a.axes);
  EXPECT_LE(test::worst_error(a.grad_input, a.expected, a.inputs), 1e-5) << c.name << ", axes " << a.axes;
}

TEST(reduce, every_set_of_axes) {
  for (const Case& c : kCases) {
    for (const auto& sizes : kSizes) {
      for (std::uint32_t axes = 0; axes < 16; ++axes) {
        const Arrays a(sizes, axes, c.reduction == Reduction::prod, axes % 3);
        reference::reduce(c.reduction, a.input, a.expected, a.sizes, axes);
        c.forward(a.args());
        EXPECT_LE(test::worst_error(a.output, a.expected, a.outputs), 4e-6) << c.name << ", axes " << axes;
        if (a.inputs <= 400) check_gradient(c, a);
        EXPECT_TRUE(memory.intact()) << c.name << ", axes " << axes;
      }
    }
  }
}

TEST(reduce, the_derivatives_are_the_slopes) {
  for (const Case& c : kCases) {
    const Arrays a({2, 2, 3, 4}, kAxisC | kAxisH, c.reduction == Reduction::prod, 0);
    double before[6], after[6];
    for (std::size_t i = 0; i < a.inputs; ++i) {
      const float x = a.input[i], step = 0x1p-12F;
      const std::size_t j = reference::reduced_index(i, a.sizes, a.axes);
      a.input[i] = x - step, reference::reduce(c.reduction, a.input, before, a.sizes, a.axes);
      a.input[i] = x + step, reference::reduce(c.reduction, a.input, after, a.sizes, a.axes);
      a.input[i] = x;
      EXPECT_NEAR(reference::reduce_derivative(c.reduction, i, a.input, a.sizes, a.axes),
                  (after[j] - before[j]) / (2.0 * static_cast<double>(step)), 1e-3)
          << c.name << " by " << i;
    }
  }
}

TEST(reduce, gradients_with_ties_and_zeros) {
  for (const Case& c : kCases) {
    for (std::uint32_t axes = 1; axes < 16; ++axes) {
      const Arrays a({2, 3, 2, 5}, axes, false, 1);
      Numbers(axes).fill_coarse(a.input, a.inputs, 3);
      check_gradient(c, a);
      EXPECT_TRUE(memory.intact());
    }
  }
}

TEST(reduce, shares_make_the_whole) {
  for (const Case& c : kCases) {
    for (const auto& sizes : kSizes) {
      for (std::uint32_t axes = 0; axes < 16; ++axes) {
        const Arrays a(sizes, axes, true, 0);
        c.forward(a.args()), c.grad(a.grad_args());
        const std::uint64_t output = test::hash_bits(a.output, a.outputs),
                            grad = test::hash_bits(a.grad_input, a.inputs);
        std::fill(a.grad_input, a.grad_input + a.inputs, kNaN);
        for (std::uint32_t share = 3; share-- > 0;) c.grad(a.grad_args({share, 3}));
        std::fill(a.output, a.output + a.outputs, kNaN);
        for (std::uint32_t share = 3; share-- > 0;) c.forward(a.args({share, 3}));
        EXPECT_EQ(test::hash_bits(a.output, a.outputs), output) << c.name;
        EXPECT_EQ(test::hash_bits(a.grad_input, a.inputs), grad) << c.name;
      }
    }
  }
}

TEST(reduce, extremes_show_nan_and_infinities) {
  for (std::uint32_t axes = 1; axes < 16; ++axes) {
    for (const std::size_t at : {0U, 7U, 59U, 119U}) {
      const Arrays a({2, 3, 4, 5}, axes, false, 0);
      a.input[at] = kNaN;
      const std::size_t hit = reference::reduced_index(at, a.sizes, axes);
      for (const auto kernel : {kernels::reduce_max_f32, kernels::reduce_min_f32}) {
        kernel(a.args());
        for (std::size_t i = 0; i < a.outputs; ++i) EXPECT_EQ(a.output[i] != a.output[i], i == hit) << axes;
      }
      std::fill(a.input, a.input + a.inputs, -kInfinity);
      kernels::reduce_max_f32(a.args());
      EXPECT_EQ(a.output[0], -kInfinity);
    }
  }
}

TEST(reduce, sum_to_scales_and_accumulates) {
  for (std::uint32_t axes = 0; axes < 16; ++axes) {
    const Arrays a({2, 3, 4, 5}, axes, false, 0);
    SumToArgs args{a.input, a.output, {2, 3, 4, 5}, axes, -0.5F, false};
    kernels::sum_to_f32(args);
    reference::reduce(Reduction::sum, a.input, a.expected, a.sizes, axes);
    for (std::size_t i = 0; i < a.outputs; ++i) a.expected[i] *= -0.5;
    EXPECT_LE(test::worst_error(a.output, a.expected, a.outputs), 2e-6) << axes;
    args.accumulate = true;
    kernels::sum_to_f32(args);
    for (std::size_t i = 0; i < a.outputs; ++i) a.expected[i] *= 2.0;
    EXPECT_LE(test::worst_error(a.output, a.expected, a.outputs), 2e-6) << axes;
    EXPECT_TRUE(memory.intact()) << axes;
  }
}

/// A long sum of equal terms, whose error would be visible if they were added one after the other.
TEST(reduce, long_sums_keep_their_digits) {
  memory.reset();
  constexpr std::uint32_t kTerms = 40000;
  float *input = memory.take(kTerms), output[2] = {};
  std::fill(input, input + kTerms, 0.1F);
  kernels::reduce_mean_f32({input, output, {1, 1, kTerms, 1}, kAxisW});
  EXPECT_NEAR(output[0], 0.1F, 5e-7F);
  kernels::reduce_mean_f32({input, output, {1, 1, kTerms / 2, 2}, kAxisW});
  EXPECT_NEAR(output[1], 0.1F, 5e-7F);
}

void check_places(const Arrays& a, std::uint32_t outer, std::uint32_t count, std::uint32_t inner, bool largest) {
  std::int32_t places[512];
  const ArgReduceArgs args{a.input, places, outer, count, inner};
  largest ? kernels::argmax_f32(args) : kernels::argmin_f32(args);
  for (std::uint32_t o = 0; o < outer; ++o) {
    for (std::uint32_t i = 0; i < inner; ++i) {
      std::uint32_t best = 0;
      const auto value = [&](std::uint32_t k) { return a.input[(o * count + k) * inner + i]; };
      for (std::uint32_t k = 1; k < count; ++k) {
        if (value(best) != value(best)) break;
        if (value(k) != value(k) || (largest ? value(k) > value(best) : value(k) < value(best))) best = k;
      }
      ASSERT_EQ(places[o * inner + i], static_cast<std::int32_t>(best)) << count << ", " << inner << ", " << o;
    }
  }
}

TEST(reduce, places_of_extremes) {
  constexpr std::uint32_t kShapes[][3] = {{3, 10, 1}, {1, 100, 1}, {5, 33, 1}, {2, 7, 20}, {1, 1, 3},
                                          {4, 1, 1},  {2, 300, 1}, {3, 17, 3}, {1, 64, 70}};
  for (const auto& shape : kShapes) {
    for (std::uint32_t trial = 0; trial < 30; ++trial) {
      const Arrays a({1, shape[0], shape[1], shape[2]}, 0, false, trial % 4);
      Numbers(trial).fill_coarse(a.input, a.inputs, 4);
      if (trial % 3 == 1) a.input[a.inputs * 2 / 3] = kNaN;
      if (trial % 3 == 2) a.input[a.inputs / 2] = a.input[a.inputs - 1] = kNaN;
      for (const bool largest : {true, false}) check_places(a, shape[0], shape[1], shape[2], largest);
    }
  }
}

TEST(reduce, same_bits_everywhere) {
  if (!check::kFused) return;
  std::uint64_t hash = test::hash_bits(nullptr, 0);
  for (const Case& c : kCases) {
    for (std::uint32_t axes = 0; axes < 16; ++axes) {
      for (const std::uint32_t channels : {21U, 5U}) {
        const Arrays a({2, 3, 70, channels}, axes, c.reduction == Reduction::prod, 1);
        if (c.reduction == Reduction::max) Numbers(axes).fill_coarse(a.input, a.inputs, 1), a.input[3] = -0.0F;
        c.forward(a.args()), c.grad(a.grad_args());
        hash = test::hash_bits(a.output, a.outputs, hash);
        hash = test::hash_bits(a.grad_input, a.inputs, hash);
      }
    }
  }
  EXPECT_EQ(hash, 0x66FF89A211EF3C8EU);
}

}  // namespace
}  // namespace mote
