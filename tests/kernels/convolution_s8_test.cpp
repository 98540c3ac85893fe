// SPDX-License-Identifier: Apache-2.0
// dense_s8, dense_s16, conv2d_s8, conv2d_s16, depthwise_conv2d_s8, depthwise_conv2d_s16, conv2d_transpose_s8,
// conv2d_transpose_s16, matmul_s8: every byte equals the specification's in 64-bit integers, for random shapes, zero
// points, multipliers and clamps, whole and in shares.
#include "reference/convolution_s8.hpp"

#include <cstddef>
#include <cstdint>

#include "check.hpp"
#include "kernels/conv_arrays.hpp"
#include "kernels/guarded_bytes.hpp"

namespace mote {
namespace {

using test::bytes;
using test::Integers;
using test::packed;

/// Multipliers, shifts and biases of a layer whose sums are about `spread`; the biases with the zero point folded in.
template <class Element>
struct Channels {
  std::int32_t *multipliers, *bias, *folded;
  std::int8_t* shifts;
  OutputStage stage;

  Channels(std::size_t count, Integers& numbers, std::int64_t spread)
      : multipliers(bytes.take<std::int32_t>(count, 1)),
        bias(bytes.take<std::int32_t>(count, 3)),
        folded(bytes.take<std::int32_t>(count)),
        shifts(bytes.take<std::int8_t>(count, 5)),
        stage{} {
    std::int32_t octaves = 0;  // so that a typical sum becomes some tenths of the range
    for (std::int64_t size = spread; size > (sizeof(Element) == 1 ? 64 : 16384); size /= 2) ++octaves;
    for (std::size_t c = 0; c < count; ++c) {
      multipliers[c] = numbers.between(1 << 30, 0x7FFFFFFF);
      if (numbers.next() % 8 == 0) multipliers[c] = numbers.next() % 2 == 0 ? 0x7FFFFFFF : 1 << 30;
      shifts[c] = static_cast<std::int8_t>(numbers.between(-octaves - 1, 2 - octaves));
      if (numbers.next() % 16 == 0) multipliers[c] = 0, shifts[c] = 0;
      bias[c] = numbers.between(-4000, 4000);
    }
    constexpr std::int32_t kHigh = sizeof(Element) == 1 ? 127 : 32767;
    stage.multipliers = multipliers;
    stage.shifts = shifts;
    stage.zero_point = numbers.between(-kHigh - 1, kHigh);
    stage.clamp = {-kHigh - 1, kHigh};
    if (numbers.next() % 2 == 0) stage.clamp.low = numbers.between(-kHigh, 0);
    if (numbers.next() % 2 == 0) stage.clamp.high = numbers.between(1, kHigh);
    stage.narrow = numbers.next() % 2 == 0;
    stage.rounding = numbers.next() % 4 == 0 ? Rounding::once : Rounding::twice;
  }
};

template <class Element>
std::int32_t any_zero_point(Integers& numbers) {
  return sizeof(Element) == 2 ? 0 : numbers.between(-128, 127);
}

template <class Element>
void check_dense(void (*kernel)(const QuantizedDenseArgs<Element>&), std::uint32_t seed) {
  Integers numbers(seed);
  bytes.reset();
  QuantizedDenseArgs<Element> args{};
  args.batch = static_cast<std::uint32_t>(numbers.between(1, 5));
  args.fan_in = static_cast<std::uint32_t>(numbers.between(1, seed % 4 == 0 ? 700 : 60));
  args.fan_out = static_cast<std::uint32_t>(numbers.between(1, 75));
  if (seed % 16 == 0) args.fan_in += 1000, args.fan_out = args.fan_out % 20 + 1;
  const std::size_t inputs = args.batch * args.fan_in, outputs = args.batch * args.fan_out;
  auto* input = bytes.take<Element>(inputs, seed);
  auto* weights = bytes.take<std::int8_t>(std::size_t{args.fan_in} * args.fan_out, seed + 1);
  args.output = bytes.take<Element>(outputs, seed + 2);
  numbers.fill(input, inputs);
  numbers.fill(weights, std::size_t{args.fan_in} * args.fan_out);
  const std::int64_t spread = std::int64_t{args.fan_in} * (sizeof(Element) == 1 ? 3000 : 700000);
  const Channels<Element> channels(args.fan_out, numbers, spread);
  const std::int32_t zero_point = any_zero_point<Element>(numbers);
  args.weight_zero_point = seed % 3 == 0 ? any_zero_point<Element>(numbers) : 0;
  for (std::size_t o = 0; o < args.fan_out; ++o) {
    channels.folded[o] = channels.bias[o];
    for (std::size_t k = 0; k < args.fan_in; ++k)
      channels.folded[o] -= zero_point * (weights[k * args.fan_out + o] - args.weight_zero_point);
  }
  args.input = input;
  args.bias = channels.folded;
  args.stage = channels.stage;
  QuantizedDenseArgs<Element> plain = args;
  plain.weights = weights;
  args.weights = packed(weights, args.fan_in, args.fan_out);
  for (const std::uint32_t shares : {1U, 2U, 7U}) {
    for (std::size_t i = 0; i < outputs; ++i) args.output[i] = static_cast<Element>(i);
    for (std::uint32_t share = shares; share-- > 0;) {
      args.part = {share, shares};
      kernel(args);
    }
    for (std::size_t i = 0; i < outputs; ++i)
      ASSERT_EQ(args.output[i],
                reference::dense_quantized(plain, channels.bias, zero_point, i / args.fan_out, i % args.fan_out))
          << "seed " << seed << " at " << i << " in " << shares;
  }
  EXPECT_TRUE(bytes.intact()) << seed;
}

template <class Element>
using Specification = std::int64_t (*)(const QuantizedConvArgs<Element>&, const std::int32_t*, const reference::At&);

/// Shapes that fill tiles: many outputs or as few as share a vector, channels in fours and not, more terms than are
/// gathered at a time, windows of up to 9 x 9 taps on images as small as one pixel.
ConvShape tile_shape(std::uint32_t seed, bool depthwise) {
  Integers numbers(seed * 77 + 5);
  const auto draw = [&](int low, int high) { return static_cast<std::uint32_t>(numbers.between(low, high)); };
  for (;;) {
    Window w{draw(1, 5), draw(1, depthwise ? 8 : 3), draw(1, 2), draw(1, 2), draw(1, 2), draw(1, 2), 0, 0};
    if (draw(0, 1) == 0) w = {3, 3, w.stride_w, w.stride_w, 1, 1, 0, 0};
    if (draw(0, 3) == 0) w = {1, 1, 1, 1, 1, 1, 0, 0};
    const bool wide = !depthwise && draw(0, 9) == 0;
    if (wide) w = {draw(7, 9), draw(7, 9), w.stride_w, w.stride_w, 1, 1, 0, 0};
    const std::uint32_t span_h = w.dilation_h * (w.filter_h - 1), span_w = w.dilation_w * (w.filter_w - 1);
    w.pad_top = draw(0, static_cast<int>(span_h)), w.pad_left = draw(0, static_cast<int>(span_w));
    std::uint32_t in_c = draw(0, 1) == 0 ? 4 * draw(1, 12) : draw(1, 40);
    if (!depthwise && draw(0, 5) == 0) in_c = draw(250, 530);
    if (wide) in_c = draw(1, 6);
    const Shape in{draw(1, 6), draw(1, 13), in_c};
    const std::uint32_t pad_bottom = draw(0, static_cast<int>(span_h)), pad_right = draw(0, static_cast<int>(span_w));
    std::uint32_t out_c = depthwise ? in_c : draw(1, in_c > 200 ? 20 : 80);
    if (!depthwise && draw(0, 3) == 0) out_c = 1U << draw(0, 4);
    const ConvShape s = test::conv_shape(draw(1, 2), in, out_c, w, pad_bottom, pad_right);
    if (s.out.h == 0 || s.out.w == 0) continue;
    const std::uint64_t terms = std::uint64_t{w.filter_h} * w.filter_w * (depthwise ? 1 : in_c);
    if (terms * out_c < 40000 && s.batch * s.out.elements() * terms < 3000000) return s;
  }
}

template <class Element>
void check_conv(void (*kernel)(const QuantizedConvArgs<Element>&), Specification<Element> specification,
                std::uint32_t seed, bool depthwise, bool tiles = false) {
  Integers numbers(seed);
  bytes.reset();
  std::uint32_t state = seed;
  QuantizedConvArgs<Element> args{};
  ConvShape& s = args.shape;
  s = tiles ? tile_shape(seed, depthwise) : test::random_conv_shape(state, depthwise);
  const std::size_t inputs = s.batch * static_cast<std::size_t>(s.in.elements());
  const std::size_t outputs = s.batch * static_cast<std::size_t>(s.out.elements());
  const std::size_t taps = std::size_t{s.window.filter_h} * s.window.filter_w;
  const std::size_t terms = taps * (depthwise ? 1 : s.in.c), count = terms * s.out.c;
  auto* input = bytes.take<Element>(inputs, seed);
  auto* weights = bytes.take<std::int8_t>(count, seed + 1);
  args.output = bytes.take<Element>(outputs, seed + 2);
  numbers.fill(input, inputs);
  numbers.fill(weights, count);
  const auto spread = static_cast<std::int64_t>(terms) * (sizeof(Element) == 1 ? 3000 : 700000);
  const Channels<Element> channels(s.out.c, numbers, spread);
  args.input_zero_point = any_zero_point<Element>(numbers);
  args.weight_zero_point = seed % 5 == 0 ? any_zero_point<Element>(numbers) : 0;
  for (std::size_t o = 0; o < s.out.c; ++o) {
    channels.folded[o] = channels.bias[o];
    for (std::size_t k = 0; k < terms; ++k)
      channels.folded[o] -= args.input_zero_point * (weights[k * s.out.c + o] - args.weight_zero_point);
  }
  args.input = input;
  args.bias = channels.folded;
  args.stage = channels.stage;
  QuantizedConvArgs<Element> plain = args;
  plain.weights = weights;
  args.weights = depthwise ? weights : packed(weights, terms, s.out.c);
  for (const std::uint32_t shares : {1U, 3U}) {
    for (std::size_t i = 0; i < outputs; ++i) args.output[i] = static_cast<Element>(i);
    for (std::uint32_t share = shares; share-- > 0;) {
      args.part = {share, shares};
      kernel(args);
    }
    std::size_t wrong = 0;
    test::for_each_element(s.batch, s.out, [&](const reference::At& out, std::size_t i) {
      wrong += args.output[i] != specification(plain, channels.bias, out);
    });
    ASSERT_EQ(wrong, 0U) << "seed " << seed << " in " << shares;
  }
  EXPECT_TRUE(bytes.intact()) << seed;
}

TEST(convolution_s8, dense_equals_the_specification) {
  for (std::uint32_t seed = 1; seed <= 150; ++seed) {
    check_dense<std::int8_t>(kernels::dense_s8, seed);
    check_dense<std::int16_t>(kernels::dense_s16, seed);
  }
}

TEST(convolution_s8, conv2d_equals_the_specification) {
  for (std::uint32_t seed = 1; seed <= 60; ++seed) {
    check_conv<std::int8_t>(kernels::conv2d_s8, reference::conv2d_quantized, seed, false);
    check_conv<std::int16_t>(kernels::conv2d_s16, reference::conv2d_quantized, seed, false);
  }
}

/// Accumulators over all of 32 bits, shifts from 0 to -31: one term, large biases.
TEST(convolution_s8, every_accumulator_is_rescaled_exactly) {
  for (std::uint32_t seed = 1; seed <= 40; ++seed) {
    Integers numbers(seed);
    bytes.reset();
    DenseS8Args args{};
    args.batch = 1 + seed % 3 * 4, args.fan_in = 1, args.fan_out = 1 + seed * 2;
    auto* input = bytes.take<std::int8_t>(args.batch);
    auto* weights = bytes.take<std::int8_t>(args.fan_out);
    args.output = bytes.take<std::int8_t>(args.batch * args.fan_out, seed);
    numbers.fill(input, args.batch);
    numbers.fill(weights, args.fan_out);
    const Channels<std::int8_t> channels(args.fan_out, numbers, 3000);
    for (std::size_t o = 0; o < args.fan_out; ++o) {
      const auto high = static_cast<std::int32_t>(numbers.next() % 65000) - 32500;
      channels.bias[o] = high * 65536 + static_cast<std::int32_t>(numbers.next() % 65536);
      channels.shifts[o] = static_cast<std::int8_t>(-static_cast<std::int32_t>(numbers.next() % 32));
      if (numbers.next() % 3 == 0) channels.bias[o] >>= 16 + channels.shifts[o] / 2;  // ties and small results
      channels.folded[o] = channels.bias[o];
    }
    args.input = input;
    args.bias = channels.folded;
    args.stage = channels.stage;
    args.stage.zero_point = numbers.between(-20, 20);
    DenseS8Args plain = args;
    plain.weights = weights;
    args.weights = packed(weights, 1, args.fan_out);
    kernels::dense_s8(args);
    for (std::size_t i = 0; i < args.batch * args.fan_out; ++i)
      ASSERT_EQ(args.output[i], reference::dense_quantized(plain, channels.bias, 0, i / args.fan_out, i % args.fan_out))
          << "seed " << seed << " at " << i;
  }
}

TEST(convolution_s8, tiles_equal_the_specification) {
#if defined(MOTE_BARE_METAL)
  constexpr std::uint32_t kSeeds = 4;
#else
  constexpr std::uint32_t kSeeds = 80;
#endif
  for (std::uint32_t seed = 1; seed <= kSeeds; ++seed) {
    check_conv<std::int8_t>(kernels::conv2d_s8, reference::conv2d_quantized, seed, false, true);
    check_conv<std::int8_t>(kernels::depthwise_conv2d_s8, reference::depthwise_quantized, seed, true, true);
  }
}

TEST(convolution_s8, depthwise_conv2d_equals_the_specification) {
  for (std::uint32_t seed = 1; seed <= 60; ++seed) {
    check_conv<std::int8_t>(kernels::depthwise_conv2d_s8, reference::depthwise_quantized, seed, true);
    check_conv<std::int16_t>(kernels::depthwise_conv2d_s16, reference::depthwise_quantized, seed, true);
  }
}

template <class Element>
void check_transpose(void (*kernel)(const QuantizedConvArgs<Element>&), std::uint32_t seed) {
  Integers numbers(seed);
  bytes.reset();
  const auto draw = [&](int low, int high) { return static_cast<std::uint32_t>(numbers.between(low, high)); };
  QuantizedConvArgs<Element> args{};
  ConvShape& s = args.shape;
  Window w{draw(1, 4), draw(1, 4), draw(1, 3), draw(1, 3), 1, 1, 0, 0};
  w.pad_top = draw(0, static_cast<int>(w.filter_h) - 1);
  w.pad_left = draw(0, static_cast<int>(w.filter_w) - 1);
  s = {draw(1, 2), {draw(1, 5), draw(1, 5), draw(1, 9)}, {}, w};
  s.out = {s.in.h * w.stride_h, (s.in.w - 1) * w.stride_w + w.filter_w - w.pad_left, draw(1, seed % 4 == 0 ? 40 : 9)};
  const std::size_t inputs = s.batch * static_cast<std::size_t>(s.in.elements());
  const std::size_t outputs = s.batch * static_cast<std::size_t>(s.out.elements());
  const std::size_t count = std::size_t{w.filter_h} * w.filter_w * s.in.c * s.out.c;
  auto* input = bytes.take<Element>(inputs, seed);
  auto* weights = bytes.take<std::int8_t>(count, seed + 1);
  args.output = bytes.take<Element>(outputs, seed + 2);
  numbers.fill(input, inputs);
  numbers.fill(weights, count);
  const Channels<Element> channels(s.out.c, numbers, s.in.c * 4 * (sizeof(Element) == 1 ? 3000 : 700000));
  args.input_zero_point = any_zero_point<Element>(numbers);
  args.input = input;
  args.weights = weights;
  args.bias = channels.bias;
  args.stage = channels.stage;
  for (const std::uint32_t shares : {1U, 3U}) {
    for (std::size_t i = 0; i < outputs; ++i) args.output[i] = static_cast<Element>(i);
    for (std::uint32_t share = shares; share-- > 0;) {
      args.part = {share, shares};
      kernel(args);
    }
    std::size_t wrong = 0;
    test::for_each_element(s.batch, s.out, [&](const reference::At& out, std::size_t i) {
      wrong += args.output[i] != reference::conv2d_transpose_quantized(args, channels.bias, out);
    });
    ASSERT_EQ(wrong, 0U) << "seed " << seed << " in " << shares;
  }
  EXPECT_TRUE(bytes.intact()) << seed;
}

TEST(convolution_s8, conv2d_transpose_equals_the_specification) {
  for (std::uint32_t seed = 1; seed <= 40; ++seed) {
    check_transpose<std::int8_t>(kernels::conv2d_transpose_s8, seed);
    check_transpose<std::int16_t>(kernels::conv2d_transpose_s16, seed);
  }
}

TEST(convolution_s8, matmul_equals_the_specification) {
  for (std::uint32_t seed = 1; seed <= 60; ++seed) {
    Integers numbers(seed);
    bytes.reset();
    const auto draw = [&](int low, int high) { return static_cast<std::uint32_t>(numbers.between(low, high)); };
    MatmulS8Args args{};
    args.count = draw(1, 3), args.rows = draw(1, 7), args.depth = draw(1, 40), args.columns = draw(1, 40);
    args.b_transposed = seed % 2 == 0;
    const std::size_t as = args.count * args.rows * args.depth, bs = args.count * args.depth * args.columns;
    auto* a = bytes.take<std::int8_t>(as, seed);
    auto* b = bytes.take<std::int8_t>(bs, seed + 1);
    args.output = bytes.take<std::int8_t>(args.count * args.rows * args.columns, seed + 2);
    numbers.fill(a, as);
    numbers.fill(b, bs);
    args.a = a, args.b = b;
    args.a_zero_point = numbers.between(-128, 127), args.b_zero_point = numbers.between(-128, 127);
    args.output_zero_point = numbers.between(-128, 127);
    args.multiplier = {numbers.between(1 << 30, 0x7FFFFFFF), numbers.between(-11, -8)};
    kernels::matmul_s8(args);
    for (std::size_t n = 0; n < args.count; ++n)
      for (std::size_t r = 0; r < args.rows; ++r)
        for (std::size_t c = 0; c < args.columns; ++c) {
          std::int64_t sum = 0;
          for (std::size_t k = 0; k < args.depth; ++k) {
            const std::size_t at = args.b_transposed ? c * args.depth + k : k * args.columns + c;
            sum += (std::int64_t{a[(n * args.rows + r) * args.depth + k]} - args.a_zero_point) *
                   (b[n * args.depth * args.columns + at] - args.b_zero_point);
          }
          const std::int64_t value = reference::requantize_twice(sum, args.multiplier) + args.output_zero_point;
          ASSERT_EQ(args.output[(n * args.rows + r) * args.columns + c], reference::clamp(value, -128, 127)) << seed;
        }
    EXPECT_TRUE(bytes.intact()) << seed;
  }
}

TEST(convolution_s8, sums_of_the_largest_products_fit) {
  constexpr std::uint32_t kTerms = 3000;
  bytes.reset();
  auto* input = bytes.take<std::int16_t>(kTerms, 1);
  auto* small = bytes.take<std::int8_t>(kTerms, 1);
  auto* column = bytes.take<std::int8_t>(kTerms, 2);
  for (std::uint32_t k = 0; k < kTerms; ++k) input[k] = -32768, small[k] = column[k] = -128;
  const std::int8_t* weights = packed(column, kTerms, 1);
  const std::int32_t multipliers[] = {1 << 30};
  const std::int8_t shifts[] = {-22}, narrow_shifts[] = {-18};
  std::int16_t output = 0;
  kernels::dense_s16({input, weights, nullptr, &output, 1, kTerms, 1, {multipliers, shifts, 0, {-32768, 32767}}});
  EXPECT_EQ(output, kTerms / 2);  // 2^22 3000 / 2^23
  std::int8_t byte = 0;
  kernels::dense_s8({small, weights, nullptr, &byte, 1, kTerms, 1, {multipliers, narrow_shifts, 0, {}}});
  EXPECT_EQ(byte, 94);  // 2^14 3000 / 2^19 = 93.75
}

TEST(convolution_s8, no_bias_is_zeros) {
  const std::int8_t input[] = {1, -2, 3};
  const std::int8_t weights[] = {5, 7, -9, 0, -6, 8, 10, 0, 0, 0, 0, 0, 0, 0, 0, 0};
  const std::int32_t multipliers[] = {1 << 30, 1 << 30};
  const std::int8_t shifts[] = {1, 0};
  std::int8_t output[2];
  DenseS8Args args{input, weights, nullptr, output, 1, 3, 2, {multipliers, shifts}};
  kernels::dense_s8(args);
  EXPECT_EQ(output[0], 5 - 14 - 27);
  EXPECT_EQ(output[1], 4);  // half of -6 - 16 + 30
}

}  // namespace
}  // namespace mote
