// SPDX-License-Identifier: Apache-2.0
// max_pool_s8, max_pool_s16, average_pool_s8, average_pool_s16, reduce_sum_s8, reduce_sum_s16, reduce_max_s8,
// reduce_min_s8, argmax_s8, argmin_s8, resize_bilinear_s8 against 64-bit integers, whole and in shares.
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "check.hpp"
#include "kernels/conv_arrays.hpp"
#include "kernels/guarded_bytes.hpp"
#include "reference/elementwise_s8.hpp"

namespace mote {
namespace {

using test::bytes;
using test::Integers;

template <class Element>
using PoolKernel = void (*)(const QuantizedPoolArgs<Element>&);

template <class Element>
void check_pool(PoolKernel<Element> kernel, bool average, std::uint32_t seed) {
  Integers numbers(seed);
  bytes.reset();
  QuantizedPoolArgs<Element> args{};
  ConvShape& s = args.shape;
  const auto draw = [&](int low, int high) { return static_cast<std::uint32_t>(numbers.between(low, high)); };
  Window w{draw(1, 4), draw(1, 4), draw(1, 3), draw(1, 3), 1, 1, 0, 0};
  w.pad_top = draw(0, static_cast<int>(w.filter_h) - 1);
  w.pad_left = draw(0, static_cast<int>(w.filter_w) - 1);
  s = test::conv_shape(draw(1, 2), {draw(4, 9), draw(4, 9), draw(1, seed % 4 == 0 ? 70 : 9)}, 1, w, w.filter_h - 1, 0);
  s.out.c = s.in.c;
  const std::size_t inputs = s.batch * static_cast<std::size_t>(s.in.elements());
  const std::size_t outputs = s.batch * static_cast<std::size_t>(s.out.elements());
  auto* input = bytes.take<Element>(inputs, seed);
  args.output = bytes.take<Element>(outputs, seed + 1);
  args.input = input;
  numbers.fill(input, inputs);
  constexpr std::int32_t kHigh = sizeof(Element) == 1 ? 127 : 32767;
  args.clamp = {numbers.between(-kHigh - 1, -kHigh / 2), numbers.between(kHigh / 2, kHigh)};
  for (const std::uint32_t shares : {1U, 3U}) {
    for (std::size_t i = 0; i < outputs; ++i) args.output[i] = static_cast<Element>(i);
    for (std::uint32_t share = shares; share-- > 0;) {
      args.part = {share, shares};
      kernel(args);
    }
    std::size_t wrong = 0;
    test::for_each_element(s.batch, s.out, [&](const reference::At& out, std::size_t i) {
      std::int64_t sum = 0, count = 0, largest = -kHigh - 1;
      reference::for_each_tap(args, out, [&](std::int64_t value) {
        sum += value, ++count;
        largest = value > largest ? value : largest;
      });
      const std::int64_t expected = average ? reference::rounded_mean(sum, count) : largest;
      wrong += args.output[i] != reference::clamp(expected, args.clamp.low, args.clamp.high);
    });
    ASSERT_EQ(wrong, 0U) << "seed " << seed << " in " << shares;
  }
  EXPECT_TRUE(bytes.intact()) << seed;
}

TEST(pool_s8, pools_equal_the_specification) {
  for (std::uint32_t seed = 1; seed <= 60; ++seed) {
    check_pool<std::int8_t>(kernels::max_pool_s8, false, seed);
    check_pool<std::int16_t>(kernels::max_pool_s16, false, seed);
    check_pool<std::int8_t>(kernels::average_pool_s8, true, seed);
    check_pool<std::int16_t>(kernels::average_pool_s16, true, seed);
  }
}

/// What a reduction kernel makes of one group.
struct Group {
  std::int64_t sum = 0, count = 0, largest = -128, smallest = 127;
  void add(std::int64_t value) {
    sum += value, ++count;
    if (value > largest) largest = value;
    if (value < smallest) smallest = value;
  }
};

/// visit(index of the output, group) for every output, found by dividing every input's index.
template <class Element, class Visit>
void for_each_group(const QuantizedReduceArgs<Element>& args, std::size_t inputs, std::size_t outputs,
                    const Visit& visit) {
  for (std::size_t out = 0; out < outputs; ++out) {
    Group group;
    for (std::size_t i = 0; i < inputs; ++i) {
      std::size_t rest = i, to = 0, stride = 1;
      for (int axis = 3; axis >= 0; --axis) {
        const std::size_t size = args.sizes[axis], place = rest % size;
        rest /= size;
        if ((args.axes >> (3 - axis) & 1U) != 0) continue;
        to += place * stride;
        stride *= size;
      }
      if (to == out) group.add(args.input[i]);
    }
    visit(out, group);
  }
}

template <class Element>
void check_reduce(std::uint32_t seed) {
  Integers numbers(seed);
  bytes.reset();
  QuantizedReduceArgs<Element> args{};
  constexpr int kMost[4] = {2, 5, 6, 9};
  args.axes = 1 + seed % 15;
  std::size_t inputs = 1;
  std::uint32_t count = 1;
  for (int axis = 0; axis < 4; ++axis) {
    args.sizes[axis] = static_cast<std::uint32_t>(numbers.between(1, kMost[axis]));
    inputs *= args.sizes[axis];
    if ((args.axes >> (3 - axis) & 1U) != 0) count *= args.sizes[axis];
  }
  const std::size_t outputs = inputs / count;
  auto* input = bytes.take<Element>(inputs, seed);
  args.output = bytes.take<Element>(outputs, seed + 1);
  args.input = input;
  numbers.fill(input, inputs);
  constexpr std::int32_t kHigh = sizeof(Element) == 1 ? 127 : 32767;
  args.clamp = {-kHigh - 1, kHigh};
  if (sizeof(Element) == 1)
    args.input_zero_point = numbers.between(-128, 127), args.output_zero_point = numbers.between(-128, 127);
  const float scale = 0.4F + static_cast<float>(numbers.between(0, 100)) * 0.01F;
  args.multiplier =
      seed % 2 == 0 ? mean_multiplier(1.0F, scale, count) : rescale_multiplier(1.0F, scale * static_cast<float>(count));
  const auto run = [&](void (*kernel)(const QuantizedReduceArgs<Element>&), const auto& expected) {
    for (std::size_t i = 0; i < outputs; ++i) args.output[i] = static_cast<Element>(i);
    kernel(args);
    for_each_group(args, inputs, outputs, [&](std::size_t i, const Group& group) {
      ASSERT_EQ(args.output[i], expected(group)) << "seed " << seed << " at " << i;
    });
  };
  const auto sum = [&](const Group& g) {
    const std::int64_t value = reference::requantize_twice(g.sum - g.count * args.input_zero_point, args.multiplier);
    return reference::clamp(value + args.output_zero_point, -kHigh - 1, kHigh);
  };
  if constexpr (sizeof(Element) == 1) {
    run(kernels::reduce_sum_s8, sum);
    run(kernels::reduce_max_s8, [](const Group& g) { return g.largest; });
    run(kernels::reduce_min_s8, [](const Group& g) { return g.smallest; });
  } else {
    run(kernels::reduce_sum_s16, sum);
  }
  EXPECT_TRUE(bytes.intact()) << seed;
}

TEST(pool_s8, reductions_equal_the_specification) {
  for (std::uint32_t seed = 1; seed <= 70; ++seed) {
    check_reduce<std::int8_t>(seed);
    check_reduce<std::int16_t>(seed);
  }
}

TEST(pool_s8, places_of_extremes_are_the_first) {
  for (std::uint32_t seed = 1; seed <= 30; ++seed) {
    Integers numbers(seed);
    bytes.reset();
    const auto draw = [&](int low, int high) { return static_cast<std::uint32_t>(numbers.between(low, high)); };
    ArgReduceS8Args args{nullptr, nullptr, draw(1, 4), draw(1, 12), draw(1, 5)};
    const std::size_t outputs = std::size_t{args.outer} * args.inner;
    auto* input = bytes.take<std::int8_t>(outputs * args.count, seed);
    args.input = input;
    args.output = bytes.take<std::int32_t>(outputs, seed + 1);
    numbers.fill(input, outputs * args.count, -3, 3);
    for (const int sign : {1, -1}) {
      (sign > 0 ? kernels::argmax_s8 : kernels::argmin_s8)(args);
      for (std::size_t i = 0; i < outputs; ++i) {
        const std::int8_t* values = input + i / args.inner * args.count * args.inner + i % args.inner;
        const auto place = static_cast<std::size_t>(args.output[i]);
        ASSERT_LT(place, args.count);
        for (std::size_t k = 0; k < args.count; ++k) {
          const int behind = sign * (values[place * args.inner] - values[k * args.inner]);
          ASSERT_TRUE(k < place ? behind > 0 : behind >= 0) << seed;
        }
      }
    }
    EXPECT_TRUE(bytes.intact()) << seed;
  }
}

TEST(pool_s8, a_mean_is_near_the_quotient) {
  for (std::uint32_t count = 1; count <= 5000; count = count * 3 / 2 + 1) {
    const QuantizedMultiplier q = mean_multiplier(0.7F, 0.5F, count);
    const double exact = 1.4 / count;
    EXPECT_LE(std::fabs(static_cast<double>(q.multiplier) * __builtin_ldexp(1.0, q.shift - 31) / exact - 1.0), 1e-6)
        << count;
  }
}

/// 2^20 times the interpolated value, from TensorFlow Lite's rule with 10 bits of fraction.
struct Axis {
  std::int64_t lower, upper, fraction;
  Axis(std::int64_t out, std::int64_t in_size, std::int64_t out_size, bool corners, bool half) {
    std::int64_t step = (1024 * in_size + out_size / 2) / out_size;
    if (corners && out_size > 1) step = (1024 * (in_size - 1) + (out_size - 1) / 2) / (out_size - 1);
    const std::int64_t at = half ? out * step + step / 2 - 512 : out * step;
    lower = reference::clamp(at / 1024, 0, in_size - 1);
    upper = reference::clamp((at + 1023) / 1024, 0, in_size - 1);
    fraction = at - 1024 * lower;
  }
};

TEST(pool_s8, resize_bilinear_equals_the_specification) {
  for (std::uint32_t seed = 1; seed <= 40; ++seed) {
    Integers numbers(seed);
    bytes.reset();
    const auto draw = [&](int low, int high) { return static_cast<std::uint32_t>(numbers.between(low, high)); };
    ResizeBilinearS8Args args{};
    args.batch = draw(1, 2);
    args.in = {draw(1, 8), draw(1, 8), draw(1, 5)};
    args.out_h = draw(1, 12), args.out_w = draw(1, 12);
    args.align_corners = seed % 3 == 0;
    args.half_pixel_centers = seed % 3 == 1;
    const std::size_t inputs = args.batch * static_cast<std::size_t>(args.in.elements());
    const Shape out{args.out_h, args.out_w, args.in.c};
    auto* input = bytes.take<std::int8_t>(inputs, seed);
    args.output = bytes.take<std::int8_t>(args.batch * static_cast<std::size_t>(out.elements()), seed + 1);
    args.input = input;
    numbers.fill(input, inputs);
    kernels::resize_bilinear_s8(args);
    test::for_each_element(args.batch, out, [&](const reference::At& at, std::size_t i) {
      const Axis y(static_cast<std::int64_t>(at.y), args.in.h, args.out_h, args.align_corners, args.half_pixel_centers);
      const Axis x(static_cast<std::int64_t>(at.x), args.in.w, args.out_w, args.align_corners, args.half_pixel_centers);
      const auto value = [&](std::int64_t row, std::int64_t column) {
        return std::int64_t{input[reference::index(
            args.in, {at.n, static_cast<std::size_t>(row), static_cast<std::size_t>(column), at.c})]};
      };
      const std::int64_t top = value(y.lower, x.lower) * (1024 - x.fraction) + value(y.lower, x.upper) * x.fraction;
      const std::int64_t bottom = value(y.upper, x.lower) * (1024 - x.fraction) + value(y.upper, x.upper) * x.fraction;
      const std::int64_t sum = top * (1024 - y.fraction) + bottom * y.fraction;
      ASSERT_EQ(args.output[i], reference::nearest_half_away(sum, 20)) << "seed " << seed << " at " << i;
    });
    EXPECT_TRUE(bytes.intact()) << seed;
  }
}

}  // namespace
}  // namespace mote
