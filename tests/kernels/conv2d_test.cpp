// SPDX-License-Identifier: Apache-2.0
// conv2d_f32, conv2d_grad_input_f32, conv2d_grad_params_f32 against naive loops, and their bits.
#include "check.hpp"
#include "instruction_set.hpp"
#include "kernels/conv_arrays.hpp"

namespace mote {
namespace {

using test::conv_shape;
using test::ConvArrays;
using test::memory;
using test::Numbers;

// The shapes that networks have, and corners: first layers of one and three channels, strides larger than the filter,
// taps that never meet the image, one tap, a filter as large as the image, sequences.
constexpr ConvShape kShapes[] = {
    conv_shape(2, {7, 9, 1}, 8, {3, 3, 1, 1, 1, 1, 1, 1}, 1, 1),
    conv_shape(1, {6, 14, 3}, 16, {3, 3, 1, 1, 1, 1, 1, 1}, 1, 1),
    conv_shape(2, {7, 7, 8}, 16, {3, 3, 1, 1, 1, 1, 1, 1}, 1, 1),
    conv_shape(1, {9, 9, 3}, 8, {3, 3, 2, 2, 1, 1, 0, 0}, 1, 1),
    conv_shape(1, {12, 6, 1}, 20, {10, 4, 2, 2, 1, 1, 4, 1}, 5, 1),
    conv_shape(1, {5, 5, 33}, 35, {1, 1, 1, 1, 1, 1, 0, 0}, 0, 0),
    conv_shape(3, {4, 4, 16}, 7, {1, 1, 2, 2, 1, 1, 0, 0}, 0, 0),
    conv_shape(2, {5, 6, 4}, 5, {1, 2, 3, 3, 1, 1, 0, 0}, 0, 0),
    conv_shape(1, {6, 6, 5}, 6, {3, 3, 2, 1, 2, 3, 4, 6}, 4, 6),
    conv_shape(1, {3, 3, 4}, 9, {3, 3, 1, 1, 1, 1, 0, 0}, 0, 0),
    conv_shape(1, {2, 2, 17}, 3, {5, 5, 1, 1, 1, 1, 2, 2}, 2, 2),
    conv_shape(2, {1, 30, 6}, 12, {1, 5, 1, 2, 1, 1, 0, 2}, 0, 2),
    conv_shape(1, {1, 16, 2}, 4, {1, 3, 1, 1, 1, 4, 0, 8}, 0, 0),
    conv_shape(1, {8, 8, 2}, 50, {3, 3, 1, 1, 1, 1, 1, 1}, 1, 1),
    conv_shape(5, {1, 1, 9}, 11, {1, 1, 1, 1, 1, 1, 0, 0}, 0, 0),
    conv_shape(1, {1, 3, 1}, 1, {1, 3, 1, 1, 1, 2, 0, 4}, 0, 4),
};

/// check(shape, misalignment) for the shapes above and for `random` drawn ones.
template <class Check>
void for_each_shape(int random, const Check& check) {
  std::size_t misalignment = 0;
  for (const ConvShape& s : kShapes) check(s, misalignment++);
  std::uint32_t state = 20;
  for (int i = 0; i < random; ++i) check(test::random_conv_shape(state, false), misalignment++);
}

std::uint32_t signature(const ConvShape& s) {  // enough to find the shape again
  return s.in.h * 100000000U + s.in.w * 1000000U + s.in.c * 10000U + s.out.c * 100U + s.window.filter_w;
}

/// Lines of every length to several tiles of pixels, with channels that fill a vector, a part of one and more.
template <class Check>
void for_each_line(const Check& check) {
  constexpr std::uint32_t kChannels[] = {16, 8, 10, 3, 20, 12};
  for (std::uint32_t w = 1; w <= 64; ++w)
    check(conv_shape(2, {2, w, kChannels[w * 5 % 6]}, kChannels[w % 6], {1, 3, 1, 1, 1, 1, 0, 1}, 0, 1), w);
}

/// Images of few target channels forward and back, whose lines some instruction sets take two or four at a time:
/// any number of lines, strides and dilations, lines of which a block holds several, three or too few.
template <class Check>
void for_each_image_of_few_channels(const Check& check) {
  std::size_t misalignment = 0;
  for (std::uint32_t h = 2; h <= 9; ++h) {
    for (std::uint32_t c = 2; c <= 8; ++c) {
      const std::uint32_t w = 8 + h * c * 5 % 11, stride = 1 + h * c % 3, dilation = 1 + h % 4 / 3, pad = h % 3;
      const Window window{3, 3, stride, stride, dilation, dilation, pad, pad};
      const std::uint32_t batch = w < 12 ? 2 : 1, other = 1 + h * 3 % 5;
      check(conv_shape(batch, {h + 6, w * stride + 2, other}, c, window, pad, pad), misalignment++);
      check(conv_shape(batch, {h + 6, w, c}, other + 4, window, pad, pad), misalignment++);
    }
  }
  for (const std::uint32_t c : {24U, 32U, 48U}) {
    check(conv_shape(1, {6, 34, c}, 8, {3, 2, 1, 1, 1, 1, 1, 1}, 1, 0), misalignment++);
    check(conv_shape(1, {6, 34, 8}, c, {3, 2, 1, 1, 1, 1, 1, 1}, 1, 0), misalignment++);
  }
}

TEST(conv2d, is_the_formula) {
  const auto check = [](const ConvShape& s, std::size_t misalignment) {
    const ConvArrays a(s, false, misalignment);
    for (const float* bias : {static_cast<const float*>(a.bias), static_cast<const float*>(nullptr)}) {
      const ConvArgs args{a.input, a.weights, bias, a.output, nullptr, s};
      kernels::conv2d_f32(args);
      double worst = 0.0;
      test::for_each_element(s.batch, s.out, [&](const reference::At& at, std::size_t i) {
        test::worsen(worst, reference::conv2d(args, at).error_of(a.output[i]));
      });
      EXPECT_LE(worst, 1.0) << signature(s);
    }
    EXPECT_TRUE(memory.intact()) << signature(s);
  };
  for_each_shape(60, check);
  for_each_line(check);
  for_each_image_of_few_channels(check);
}

TEST(conv2d, gradient_of_the_input) {
  const auto check = [](const ConvShape& s, std::size_t misalignment) {
    const ConvArrays a(s, false, misalignment);
    const ConvGradArgs args = a.grad_args(s, 1.0F);
    kernels::conv2d_transpose_weights_f32(args);
    kernels::conv2d_grad_input_f32(args);
    double worst = 0.0;
    test::for_each_element(s.batch, s.in, [&](const reference::At& at, std::size_t i) {
      test::worsen(worst, reference::conv2d_grad_input(args, at).error_of(a.grad_input[i]));
    });
    EXPECT_LE(worst, 1.0) << signature(s);
    EXPECT_TRUE(memory.intact()) << signature(s);
  };
  for_each_shape(40, check);
  for_each_line(check);
  for_each_image_of_few_channels(check);
}

/// The filter of `a` as the transposed convolution has it.
float* turned(const ConvArrays& a, const ConvShape& s) {
  float* const filter = memory.take(a.weight_count, 3);
  kernels::turn_filter_f32({a.weights, filter, s.window.filter_h * s.window.filter_w, s.in.c, s.out.c, 1.0F, false});
  return filter;
}

TEST(conv2d, transpose_is_the_gradient_of_the_input_and_a_bias) {
  const auto check = [](const ConvShape& s, std::size_t misalignment) {
    const ConvArrays a(s, false, misalignment);
    const float* const filter = turned(a, s);
    float* const bias = memory.take(s.in.c, misalignment + 1);
    Numbers(7).fill(bias, s.in.c);
    const ConvShape back{s.batch, s.out, s.in, s.window};
    for (const float* shift : {static_cast<const float*>(bias), static_cast<const float*>(nullptr)}) {
      kernels::conv2d_transpose_f32({a.grad_output, filter, shift, a.grad_input, nullptr, back});
      double worst = 0.0;
      test::for_each_element(s.batch, s.in, [&](const reference::At& at, std::size_t i) {
        reference::Sum sum = reference::conv2d_grad_input(a.grad_args(s, 1.0F), at);
        if (shift != nullptr) sum.add(static_cast<double>(shift[at.c]));
        test::worsen(worst, sum.error_of(a.grad_input[i]));
      });
      EXPECT_LE(worst, 1.0) << signature(s);
    }
    kernels::conv2d_transpose_f32({a.grad_output, filter, nullptr, a.input, nullptr, back, {0.0F, 0.25F}});
    for (std::size_t i = 0; i < a.inputs; ++i)
      EXPECT_EQ(a.input[i], std::min(0.25F, std::max(0.0F, a.grad_input[i]))) << signature(s);
    EXPECT_TRUE(memory.intact()) << signature(s);
  };
  for_each_shape(60, check);
  for_each_line(check);
  for_each_image_of_few_channels(check);
}

TEST(conv2d, filters_are_turned_round_and_back) {
  for (const std::uint32_t rows : {1U, 3U, 17U})
    for (const std::uint32_t columns : {1U, 4U, 19U}) {
      memory.reset();
      const std::size_t count = std::size_t{6} * rows * columns;
      float *from = memory.take(count, rows), *to = memory.take(count, columns), *sum = memory.take(count, 1);
      Numbers(3).fill(from, count);
      kernels::turn_filter_f32({from, to, 6, rows, columns, 1.0F, false});
      for (std::size_t t = 0; t < 6; ++t)
        for (std::size_t i = 0; i < rows; ++i)
          for (std::size_t j = 0; j < columns; ++j)
            EXPECT_EQ(to[((5 - t) * columns + j) * rows + i], from[(t * rows + i) * columns + j]);
      for (std::size_t i = 0; i < count; ++i) sum[i] = from[i];
      kernels::turn_filter_f32({to, sum, 6, columns, rows, -0.5F, true});
      for (std::size_t i = 0; i < count; ++i) EXPECT_EQ(sum[i], 0.5F * from[i]);
      EXPECT_TRUE(memory.intact());
    }
}

TEST(conv2d, gradient_of_the_parameters_is_scaled_and_added) {
  float scale = 1.0F;
  for_each_shape(40, [&](const ConvShape& s, std::size_t misalignment) {
    scale = scale > 0.0F ? -0.375F : 1.0F;
    const ConvArrays a(s, false, misalignment);
    ConvGradArgs args = a.grad_args(s, scale);
    args.weights = nullptr;  // may be what is being updated: not to be read
    kernels::conv2d_grad_params_f32(args);
    double worst = 0.0;
    std::size_t i = 0;
    for (std::size_t y = 0; y < s.window.filter_h; ++y)
      for (std::size_t x = 0; x < s.window.filter_w; ++x)
        for (std::size_t c = 0; c < s.in.c; ++c)
          for (std::size_t o = 0; o < s.out.c; ++o, ++i) {
            const reference::Sum sum = reference::conv2d_grad_weight(args, y, x, c, o);
            test::worsen(worst, sum.scaled(scale, a.weights[i]).error_of(a.params[i]));
          }
    for (std::size_t o = 0; o < s.out.c; ++o) {
      const reference::Sum sum = reference::grad_bias(a.grad_output, a.outputs / s.out.c, s.out.c, o);
      test::worsen(worst, sum.scaled(scale, a.bias[o]).error_of(a.bias_params[o]));
    }
    EXPECT_LE(worst, 1.0) << signature(s);
    args.grad_bias = nullptr;
    kernels::conv2d_grad_params_f32(args);
    EXPECT_TRUE(memory.intact()) << signature(s);
  });
}

/// A tap outside the image is not a tap of zeros: an infinite weight would turn those into NaN.
TEST(conv2d, taps_outside_the_image_contribute_nothing) {
  const ConvShape s = conv_shape(1, {4, 4, 2}, 3, {3, 3, 1, 1, 1, 1, 1, 1}, 1, 1);
  const ConvArrays a(s, false, 0);
  for (std::size_t i = 0; i < 2 * 3; ++i) a.weights[i] = __builtin_inff();  // tap (0, 0): top left
  kernels::conv2d_f32({a.input, a.weights, a.bias, a.output, nullptr, s});
  test::for_each_element(s.batch, s.out, [&](const reference::At& at, std::size_t i) {
    EXPECT_EQ(a.output[i] - a.output[i] == 0.0F, at.y == 0 || at.x == 0) << at.y << ", " << at.x;
  });
  a.grad_output[0] = __builtin_inff();  // pixel (0, 0) meets neither tap row 0 nor tap column 0
  kernels::conv2d_grad_params_f32(a.grad_args(s, 1.0F));
  for (std::size_t i = 0; i < a.weight_count; ++i) {
    const std::size_t tap = i / 6;
    const bool met = tap / 3 != 0 && tap % 3 != 0 && i % 3 == 0;
    EXPECT_EQ(a.params[i] - a.params[i] == 0.0F, !met) << i;
  }
}

TEST(conv2d, same_bits_everywhere) {
  std::uint64_t hash = test::hash_bits(nullptr, 0);
  for_each_shape(24, [&](const ConvShape& s, std::size_t misalignment) {
    const ConvArrays a(s, false, misalignment);
    kernels::conv2d_f32({a.input, a.weights, a.bias, a.output, nullptr, s});
    hash = test::hash_bits(a.output, a.outputs, hash);
    const ConvGradArgs args = a.grad_args(s, -0.01F);
    kernels::conv2d_transpose_weights_f32(args);
    kernels::conv2d_grad_input_f32(args);
    hash = test::hash_bits(a.grad_input, a.inputs, hash);
    kernels::conv2d_grad_params_f32(args);
    hash = test::hash_bits(a.params, a.weight_count, hash);
    hash = test::hash_bits(a.bias_params, s.out.c, hash);
  });
  if (check::kFused) {
    EXPECT_EQ(hash, 0xC92A305BC9D06474U);
  }
}

TEST(conv2d, transposes_have_the_same_bits_everywhere) {
  std::uint64_t hash = test::hash_bits(nullptr, 0);
  for_each_shape(24, [&](const ConvShape& s, std::size_t misalignment) {
    const ConvArrays a(s, false, misalignment);
    kernels::conv2d_transpose_f32(
        {a.grad_output, turned(a, s), nullptr, a.grad_input, nullptr, {s.batch, s.out, s.in, s.window}});
    hash = test::hash_bits(a.grad_input, a.inputs, hash);
  });
  if (check::kFused) {
    EXPECT_EQ(hash, 0x3C32195999AAAAFDU);
  }
}

}  // namespace
}  // namespace mote
