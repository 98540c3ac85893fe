// SPDX-License-Identifier: Apache-2.0
// add_s8, add_s16, sub_s8, sub_s16, mul_s8, mul_s16, div_s8, squared_difference_s8, squared_difference_s16, prelu_s8,
// minimum_s8, minimum_s16, maximum_s8, maximum_s16, less_s8, less_equal_s8, greater_s8, greater_equal_s8, equal_s8,
// not_equal_s8 with every kind of broadcasting, against 64-bit integers.
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "check.hpp"
#include "kernels/guarded_bytes.hpp"
#include "reference/elementwise_s8.hpp"

namespace mote {
namespace {

using reference::Binary;
using test::bytes;
using test::Integers;

/// Sizes of an output and the operands' strides; an operand is broadcast along some axes, or along none.
struct Broadcast {
  std::uint32_t sizes[4], strides[4];
  std::size_t elements = 1;

  explicit Broadcast(const std::uint32_t (&out)[4], Integers& numbers, bool whole) {
    std::uint32_t stride = 1;
    for (int axis = 3; axis >= 0; --axis) {
      sizes[axis] = whole || numbers.next() % 2 == 0 ? out[axis] : 1;
      strides[axis] = sizes[axis] == 1 ? 0 : stride;
      stride *= sizes[axis];
    }
    elements = stride;
  }
  [[nodiscard]] std::size_t at(const std::size_t (&where)[4]) const {
    std::size_t index = 0;
    for (int axis = 0; axis < 4; ++axis) index += where[axis] * strides[axis];
    return index;
  }
};

float any_scale(Integers& numbers) {
  return static_cast<float>(std::exp(static_cast<double>(numbers.between(-7000, 0)) * 0.001));
}

template <class Args>
struct Problem {
  Args args{};
  std::size_t outputs = 1;
  Broadcast a, b;

  Problem(const std::uint32_t (&out)[4], Integers& numbers)
      : a(out, numbers, numbers.next() % 2 == 0), b(out, numbers, numbers.next() % 2 == 0) {
    for (int axis = 0; axis < 4; ++axis) {
      args.sizes[axis] = out[axis];
      args.a_strides[axis] = a.strides[axis];
      args.b_strides[axis] = b.strides[axis];
      outputs *= out[axis];
    }
  }
  /// visit(index of the output, of a, of b).
  template <class Visit>
  void for_each(const Visit& visit) const {
    std::size_t i = 0;
    for (std::size_t n = 0; n < args.sizes[0]; ++n)
      for (std::size_t h = 0; h < args.sizes[1]; ++h)
        for (std::size_t w = 0; w < args.sizes[2]; ++w)
          for (std::size_t c = 0; c < args.sizes[3]; ++c) visit(i++, a.at({n, h, w, c}), b.at({n, h, w, c}));
  }
};

void any_sizes(std::uint32_t (&sizes)[4], Integers& numbers) {
  const int last = static_cast<int>(numbers.next() % 3) == 0 ? 90 : 9;
  for (int axis = 0; axis < 4; ++axis)
    sizes[axis] = static_cast<std::uint32_t>(numbers.between(1, axis == 3 ? last : 4));
}

/// Multipliers for which outputs fill the range and no intermediate sum leaves 32 bits.
template <class Element>
BinaryMultipliers multipliers(Binary op, Integers& numbers) {
  constexpr DType kType = sizeof(Element) == 1 ? DType::s8 : DType::s16;
  const float a = any_scale(numbers), b = a * (0.1F + any_scale(numbers) * 10.0F), some = 0.3F + any_scale(numbers);
  const float larger = a > b ? a : b, wide = sizeof(Element) == 1 ? 60.0F : 15000.0F;
  BinaryMultipliers s{};
  switch (op) {
    case Binary::add:
    case Binary::sub: return add_multipliers(a, b, larger * some, kType);
    case Binary::squared_difference: return squared_difference_multipliers(a, b, larger * larger * some * wide, kType);
    case Binary::mul: s.output = product_multiplier(a, b, a * b * some * wide); return s;
    case Binary::div: s.output = div_multiplier(a, b, a / b * some * 0.1F); return s;
    case Binary::prelu:
      s.a = rescale_multiplier(a, a * some);
      s.b = product_multiplier(a, 0.02F, a * some);
      return s;
    default: return s;
  }
}

template <class Element>
using Kernel = void (*)(const QuantizedBinaryArgs<Element>&);

template <class Element>
void check(Binary op, Kernel<Element> kernel, std::uint32_t seed) {
  constexpr std::int32_t kHigh = sizeof(Element) == 1 ? 127 : 32767;
  Integers numbers(seed);
  bytes.reset();
  std::uint32_t sizes[4];
  any_sizes(sizes, numbers);
  Problem<QuantizedBinaryArgs<Element>> problem(sizes, numbers);
  auto& args = problem.args;
  auto* a = bytes.take<Element>(problem.a.elements, seed);
  auto* b = bytes.take<Element>(problem.b.elements, seed + 1);
  numbers.fill(a, problem.a.elements);
  numbers.fill(b, problem.b.elements);
  auto* copied = bytes.take<Element>(problem.a.elements);
  for (std::size_t i = 0; i < problem.a.elements; ++i) copied[i] = a[i];
  const bool in_place = problem.a.elements == problem.outputs && seed % 3 == 0;
  args.output = in_place ? a : bytes.take<Element>(problem.outputs, seed + 2);
  args.a = a;
  args.b = b;
  if (sizeof(Element) == 1) {
    args.a_zero_point = numbers.between(-128, 127);
    args.b_zero_point = numbers.between(-128, 127);
    args.output_zero_point = numbers.between(-128, 127);
  }
  const bool extreme = op == Binary::minimum || op == Binary::maximum;
  args.clamp = {numbers.between(-kHigh - 1, -kHigh / 2), numbers.between(kHigh / 2, kHigh)};
  args.scale = multipliers<Element>(op, numbers);
  const std::uint32_t shares = in_place ? 1 : 1 + seed % 4;
  for (std::uint32_t share = shares; share-- > 0;) {
    args.part = {share, shares};
    kernel(args);
  }
  std::size_t wrong = 0;
  problem.for_each([&](std::size_t i, std::size_t at_a, std::size_t at_b) {
    std::int64_t expected = (copied[at_a] > b[at_b]) == (op == Binary::maximum) ? copied[at_a] : b[at_b];
    if (!extreme) {
      expected = reference::combined(op, std::int64_t{copied[at_a]} - args.a_zero_point,
                                     std::int64_t{b[at_b]} - args.b_zero_point, args.scale);
      expected = reference::clamp(expected + args.output_zero_point, args.clamp.low, args.clamp.high);
    }
    wrong += args.output[i] != expected;
  });
  ASSERT_EQ(wrong, 0U) << "operator " << static_cast<int>(op) << ", seed " << seed;
  EXPECT_TRUE(bytes.intact()) << seed;
}

TEST(binary_s8, equals_the_specification) {
  for (std::uint32_t seed = 1; seed <= 120; ++seed) {
    check<std::int8_t>(Binary::add, kernels::add_s8, seed);
    check<std::int16_t>(Binary::add, kernels::add_s16, seed);
    check<std::int8_t>(Binary::sub, kernels::sub_s8, seed);
    check<std::int16_t>(Binary::sub, kernels::sub_s16, seed);
    check<std::int8_t>(Binary::mul, kernels::mul_s8, seed);
    check<std::int16_t>(Binary::mul, kernels::mul_s16, seed);
    check<std::int8_t>(Binary::squared_difference, kernels::squared_difference_s8, seed);
    check<std::int8_t>(Binary::prelu, kernels::prelu_s8, seed);
    check<std::int8_t>(Binary::minimum, kernels::minimum_s8, seed);
    check<std::int16_t>(Binary::minimum, kernels::minimum_s16, seed);
    check<std::int8_t>(Binary::maximum, kernels::maximum_s8, seed);
    check<std::int16_t>(Binary::maximum, kernels::maximum_s16, seed);
  }
}

TEST(binary_s8, squared_difference_of_16_bits) {
  const std::int16_t a[] = {30000, -5, 7, 0, -20000}, b[] = {10000, 5, 7, -1, 12345};
  std::int16_t output[5];
  BinaryS16Args args{a, b, output, {1, 1, 1, 5}, {0, 0, 0, 1}, {0, 0, 0, 1}};
  args.scale = squared_difference_multipliers(0.001F, 0.002F, 0.02F, DType::s16);
  args.clamp = {-32768, 32767};
  kernels::squared_difference_s16(args);
  for (int i = 0; i < 5; ++i)
    EXPECT_EQ(output[i],
              reference::clamp(reference::combined(Binary::squared_difference, a[i], b[i], args.scale), -32768, 32767))
        << i;
}

TEST(binary_s8, div_rounds_the_quotient) {
  constexpr std::uint32_t kCount = 256;
  bytes.reset();
  auto* a = bytes.take<std::int8_t>(kCount);
  auto* b = bytes.take<std::int8_t>(1);
  auto* output = bytes.take<std::int8_t>(kCount);
  for (std::uint32_t i = 0; i < kCount; ++i) a[i] = static_cast<std::int8_t>(static_cast<int>(i) - 128);
  BinaryS8Args args{a, b, output, {1, 1, 1, kCount}, {0, 0, 0, 1}, {0, 0, 0, 0}};
  args.a_zero_point = 5;
  args.b_zero_point = -3;
  args.output_zero_point = 2;
  for (const float scale : {1.0F, 0.07F, 0.013F, 3.0F}) {
    args.scale.output = div_multiplier(0.5F, 0.5F, scale);
    for (int divisor = -128; divisor <= 127; ++divisor) {
      b[0] = static_cast<std::int8_t>(divisor);
      kernels::div_s8(args);
      for (std::uint32_t i = 0; i < kCount; ++i) {
        const int left = a[i] - 5, right = divisor + 3;
        if (right == 0) {
          ASSERT_EQ(output[i], left > 0 ? 127 : -128) << left;
          continue;
        }
        const double exact = reference::real_quotient(left, right, args.scale.output) + 2.0;
        ASSERT_LE(std::fabs(std::fmin(std::fmax(exact, -128.0), 127.0) - output[i]), 0.501) << left << " / " << right;
      }
    }
  }
  EXPECT_TRUE(bytes.intact());
}

TEST(binary_s8, comparisons_bring_both_to_their_scales) {
  struct {
    void (*kernel)(const CompareS8Args&);
    bool less, equal, greater;
  } constexpr kKernels[] = {
      {kernels::less_s8, true, false, false},    {kernels::less_equal_s8, true, true, false},
      {kernels::greater_s8, false, false, true}, {kernels::greater_equal_s8, false, true, true},
      {kernels::equal_s8, false, true, false},   {kernels::not_equal_s8, true, false, true},
  };
  for (std::uint32_t seed = 1; seed <= 60; ++seed)
    for (const auto& k : kKernels) {
      Integers numbers(seed);
      bytes.reset();
      std::uint32_t sizes[4];
      any_sizes(sizes, numbers);
      Problem<CompareS8Args> problem(sizes, numbers);
      CompareS8Args& args = problem.args;
      auto* a = bytes.take<std::int8_t>(problem.a.elements, seed);
      auto* b = bytes.take<std::int8_t>(problem.b.elements, seed + 1);
      args.output = bytes.take<std::uint8_t>(problem.outputs, seed + 2);
      args.a = a;
      args.b = b;
      args.a_zero_point = numbers.between(-20, 20);
      args.b_zero_point = seed % 2 == 0 ? args.a_zero_point : numbers.between(-20, 20);
      const float scale = any_scale(numbers);
      args.scale = compare_multipliers(scale, seed % 2 == 0 ? scale : any_scale(numbers));
      numbers.fill(a, problem.a.elements, -20, 20);
      numbers.fill(b, problem.b.elements, -20, 20);
      for (std::uint32_t share = 3; share-- > 0;) {
        args.part = {share, 3};
        k.kernel(args);
      }
      std::size_t wrong = 0;
      problem.for_each([&](std::size_t i, std::size_t at_a, std::size_t at_b) {
        const auto left = reference::on_common_scale(a[at_a] - args.a_zero_point, args.scale.a, 8);
        const auto right = reference::on_common_scale(b[at_b] - args.b_zero_point, args.scale.b, 8);
        const bool expected = left < right ? k.less : left == right ? k.equal : k.greater;
        wrong += args.output[i] != (expected ? 1 : 0);
      });
      ASSERT_EQ(wrong, 0U) << seed;
      EXPECT_TRUE(bytes.intact()) << seed;
    }
}

}  // namespace
}  // namespace mote
