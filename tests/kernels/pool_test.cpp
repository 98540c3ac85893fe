// SPDX-License-Identifier: Apache-2.0
// max_pool_f32, max_pool_grad_f32, average_pool_f32, average_pool_grad_f32 against naive loops, and their bits.
#include "reference/pool.hpp"

#include "check.hpp"
#include "kernels/guarded.hpp"
#include "mote/model/shape_rule.hpp"

namespace mote {
namespace {

using test::memory;
using test::Numbers;

constexpr ConvShape pool_shape(std::uint32_t batch, Shape in, std::uint32_t filter_h, std::uint32_t filter_w,
                               std::uint32_t stride_h, std::uint32_t stride_w, std::uint32_t pad_h,
                               std::uint32_t pad_w) {
  ConvShape s{batch, in, in, {filter_h, filter_w, stride_h, stride_w, 1, 1, pad_h, pad_w}};
  s.out.h = window_outputs(in.h, filter_h, stride_h, 1, pad_h, pad_h);
  s.out.w = window_outputs(in.w, filter_w, stride_w, 1, pad_w, pad_w);
  return s;
}

constexpr ConvShape kShapes[] = {
    pool_shape(1, {4, 4, 1}, 2, 2, 2, 2, 0, 0),
    pool_shape(2, {4, 6, 16}, 2, 2, 2, 2, 0, 0),
    pool_shape(2, {4, 6, 8}, 2, 2, 2, 2, 0, 0),
    pool_shape(2, {5, 7, 3}, 2, 2, 2, 2, 0, 0),  // a row and a column that no window reaches
    pool_shape(1, {6, 6, 8}, 3, 3, 1, 1, 1, 1),
    pool_shape(2, {9, 5, 17}, 3, 2, 2, 1, 1, 0),
    pool_shape(3, {7, 7, 33}, 7, 7, 1, 1, 0, 0),  // global
    pool_shape(1, {1, 12, 5}, 1, 3, 1, 2, 0, 1),  // a sequence
    pool_shape(1, {8, 8, 4}, 2, 2, 3, 3, 0, 0),   // gaps between windows
    pool_shape(1, {3, 3, 47}, 5, 5, 1, 1, 2, 2),  // windows larger than the image
    pool_shape(2, {1, 1, 2}, 1, 1, 1, 1, 0, 0),
    pool_shape(1, {6, 4, 15}, 3, 2, 3, 2, 0, 0),
    pool_shape(1, {5, 5, 31}, 3, 3, 2, 2, 1, 1),
    pool_shape(1, {40, 21, 2}, 40, 21, 40, 21, 0, 0),
    pool_shape(1, {7, 4, 6}, 4, 2, 1, 2, 3, 1),
    // As many inputs as outputs times taps, and yet not every input under one window: a last row or column under none,
    // overlap, padding at one side only.
    pool_shape(1, {5, 6, 3}, 2, 2, 2, 2, 0, 0),
    pool_shape(1, {6, 5, 3}, 2, 2, 2, 2, 0, 0),
    pool_shape(1, {6, 6, 2}, 3, 3, 2, 2, 0, 0),
    pool_shape(1, {6, 4, 2}, 3, 2, 2, 2, 0, 0),
    pool_shape(1, {4, 6, 2}, 2, 3, 2, 2, 0, 0),
    {1, {4, 4, 2}, {2, 2, 2}, {2, 2, 2, 2, 1, 1, 1, 0}},
    {1, {4, 4, 2}, {2, 2, 2}, {2, 2, 2, 2, 1, 1, 0, 1}},
};

std::size_t inputs(const ConvShape& s) { return s.batch * static_cast<std::size_t>(s.in.elements()); }
std::size_t outputs(const ConvShape& s) { return s.batch * static_cast<std::size_t>(s.out.elements()); }

std::size_t tap_numbers[4096];

TEST(pool, max_is_the_largest_tap_and_its_gradient_goes_to_the_first) {
  for (const ConvShape& s : kShapes) {
    for (const std::size_t misalignment : {0U, 1U, 7U, 13U}) {
      memory.reset();
      Numbers numbers(7U + s.in.c);
      float* input = memory.take(inputs(s), misalignment);
      float* output = memory.take(outputs(s), misalignment + 1);
      float* grad_output = memory.take(outputs(s), misalignment + 2);
      float* grad_input = memory.take(inputs(s), misalignment + 3);
      numbers.fill_coarse(input, inputs(s), 3);  // seven different values: ties everywhere
      numbers.fill(grad_output, outputs(s));
      double* expected = memory.take_doubles(inputs(s) + outputs(s));
      double* expected_grad = expected + outputs(s);
      ASSERT_LE(outputs(s), sizeof tap_numbers / sizeof tap_numbers[0]);
      reference::max_pool(s, input, expected, tap_numbers);
      reference::max_pool_grad(s, grad_output, tap_numbers, expected_grad);
      kernels::max_pool_f32({input, output, s});
      kernels::max_pool_grad_f32({input, grad_output, grad_input, s});
      EXPECT_EQ(test::worst_error(output, expected, outputs(s)), 0.0) << "channels " << s.in.c;
      EXPECT_LE(test::worst_error(grad_input, expected_grad, inputs(s)), 1e-6) << "channels " << s.in.c;
      EXPECT_TRUE(memory.intact()) << "channels " << s.in.c;
    }
  }
}

TEST(pool, average_counts_the_taps_inside_the_image_or_all) {
  for (const ConvShape& s : kShapes) {
    for (const std::size_t misalignment : {0U, 3U, 8U, 15U}) {
      const bool padding = misalignment % 2 != 0;
      memory.reset();
      Numbers numbers(11U + s.in.c);
      float* input = memory.take(inputs(s), misalignment);
      float* output = memory.take(outputs(s), misalignment + 1);
      float* grad_output = memory.take(outputs(s), misalignment + 2);
      float* grad_input = memory.take(inputs(s), misalignment + 3);
      numbers.fill(input, inputs(s));
      numbers.fill(grad_output, outputs(s));
      double* expected = memory.take_doubles(inputs(s) + outputs(s));
      double* expected_grad = expected + outputs(s);
      ASSERT_LE(outputs(s), sizeof tap_numbers / sizeof tap_numbers[0]);
      reference::average_pool(s, input, expected, tap_numbers, padding);
      reference::average_pool_grad(s, grad_output, tap_numbers, expected_grad);
      kernels::average_pool_f32({input, output, s, {}, padding});
      kernels::average_pool_grad_f32({input, grad_output, grad_input, s, {}, {}, padding});
      EXPECT_LE(test::worst_error(output, expected, outputs(s)), 5e-7) << "channels " << s.in.c;
      EXPECT_LE(test::worst_error(grad_input, expected_grad, inputs(s)), 5e-7) << "channels " << s.in.c;
      EXPECT_TRUE(memory.intact()) << "channels " << s.in.c;
    }
  }
}

TEST(pool, gradient_of_the_activation_in_front_has_the_same_bits) {
  for (const ConvShape& s : kShapes) {
    for (const float high : {6.0F, __builtin_inff()}) {
      memory.reset();
      Numbers numbers(3U + s.in.c);
      float* input = memory.take(inputs(s), 3);
      float* grad_output = memory.take(outputs(s), 1);
      float* grad_input = memory.take(inputs(s), 2);
      float* expected = memory.take(inputs(s));
      numbers.fill(input, inputs(s), 8.0F);
      numbers.fill(grad_output, outputs(s));
      input[0] = __builtin_inff();
      const auto count = static_cast<std::uint32_t>(inputs(s));
      (high == 6.0F ? kernels::relu6_f32 : kernels::relu_f32)({input, input, 0.0F, count});
      kernels::max_pool_grad_f32({input, grad_output, expected, s});
      (high == 6.0F ? kernels::relu6_grad_f32 : kernels::relu_grad_f32)({input, expected, expected, 0.0F, count});
      kernels::max_pool_grad_f32({input, grad_output, grad_input, s, {0.0F, high}});
      for (std::size_t i = 0; i < inputs(s); ++i)
        EXPECT_EQ(std::bit_cast<std::uint32_t>(grad_input[i]), std::bit_cast<std::uint32_t>(expected[i])) << i;
      EXPECT_TRUE(memory.intact());
    }
  }
}

TEST(pool, zeros_of_both_signs_tie) {
  memory.reset();
  const float input[4] = {-0.0F, 0.0F, -1.0F, 0.0F}, grad_output = 2.0F;
  float output = 5.0F, grad_input[4] = {9, 9, 9, 9};
  const ConvShape s = pool_shape(1, {2, 2, 1}, 2, 2, 2, 2, 0, 0);
  kernels::max_pool_f32({input, &output, s});
  kernels::max_pool_grad_f32({input, &grad_output, grad_input, s});
  EXPECT_EQ(std::bit_cast<std::uint32_t>(output), 0x8000'0000U);  // the first one's
  EXPECT_EQ(grad_input[0], 2.0F);
  EXPECT_EQ(grad_input[1], 0.0F);
  EXPECT_EQ(grad_input[2], 0.0F);
  EXPECT_EQ(grad_input[3], 0.0F);
}

TEST(pool, same_bits_everywhere) {
  std::uint64_t hash = test::hash_bits(nullptr, 0);
  for (const ConvShape& s : kShapes) {
    memory.reset();
    Numbers numbers(29U + s.in.c);
    float* input = memory.take(inputs(s), 1);
    float* output = memory.take(outputs(s));
    float* grad_output = memory.take(outputs(s), 5);
    float* grad_input = memory.take(inputs(s), 2);
    numbers.fill_coarse(input, inputs(s), 7);
    numbers.fill(grad_output, outputs(s));
    kernels::max_pool_f32({input, output, s});
    hash = test::hash_bits(output, outputs(s), hash);
    kernels::max_pool_grad_f32({input, grad_output, grad_input, s});
    hash = test::hash_bits(grad_input, inputs(s), hash);
    numbers.fill(input, inputs(s));
    kernels::average_pool_f32({input, output, s});
    hash = test::hash_bits(output, outputs(s), hash);
    kernels::average_pool_grad_f32({input, grad_output, grad_input, s});
    hash = test::hash_bits(grad_input, inputs(s), hash);
  }
  EXPECT_EQ(hash, 0x546851655F4F6BAAU);
}

}  // namespace
}  // namespace mote
