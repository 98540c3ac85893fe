// SPDX-License-Identifier: Apache-2.0
// Operators of two operands with every pattern of broadcasting against double, in place, in shares; the derivatives
// against central differences; NaN, ties and their bits.
#include "reference/binary.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "check.hpp"
#include "instruction_set.hpp"
#include "kernels/guarded.hpp"

namespace mote {
namespace {

using test::memory;
using test::Numbers;

constexpr float kInfinity = __builtin_inff();
constexpr float kNaN = __builtin_nanf("");

struct Case {
  const char* name;
  void (*forward)(const BinaryArgs&);
  void (*grad)(const BinaryGradArgs&);
  reference::Binary exact;
  bool positive = false;  // operands
};
const Case kCases[] = {
    {"add", kernels::add_broadcast_f32, nullptr, reference::kAddBroadcast},
    {"sub", kernels::sub_f32, kernels::sub_grad_f32, reference::kSub},
    {"mul", kernels::mul_f32, kernels::mul_grad_f32, reference::kMul},
    {"div", kernels::div_f32, kernels::div_grad_f32, reference::kDiv, true},
    {"minimum", kernels::minimum_f32, kernels::minimum_grad_f32, reference::kMinimum},
    {"maximum", kernels::maximum_f32, kernels::maximum_grad_f32, reference::kMaximum},
    {"pow", kernels::pow_f32, kernels::pow_grad_f32, reference::kPow, true},
    {"squared_difference", kernels::squared_difference_f32, kernels::squared_difference_grad_f32,
     reference::kSquaredDifference},
    {"prelu", kernels::prelu_f32, kernels::prelu_grad_f32, reference::kPrelu},
};

struct Sizes {
  std::uint32_t of[4];
  [[nodiscard]] std::size_t count() const { return std::size_t{of[0]} * of[1] * of[2] * of[3]; }
};
/// `sizes` where a bit of the mask is set (1 = c, 2 = w, 4 = h, 8 = n), else 1.
Sizes kept(const Sizes& sizes, unsigned mask) {
  Sizes result{{1, 1, 1, 1}};
  for (std::size_t i = 0; i < 4; ++i)
    if ((mask >> (3 - i) & 1U) != 0) result.of[i] = sizes.of[i];
  return result;
}

template <class Args>
void set_shape(Args& args, const Sizes& all, const Sizes& a, const Sizes& b) {
  std::copy(all.of, all.of + 4, args.sizes);
  broadcast_strides(a.of, args.a_strides);
  broadcast_strides(b.of, args.b_strides);
}

struct Arrays {
  Sizes all, a_sizes, b_sizes;
  float *a, *b, *output, *grad_output, *grad_input;
  double* expected;

  Arrays(const Sizes& sizes, unsigned a_mask, unsigned b_mask, bool positive, std::size_t misalignment)
      : all(sizes), a_sizes(kept(sizes, a_mask)), b_sizes(kept(sizes, b_mask)) {
    memory.reset();
    a = memory.take(a_sizes.count(), misalignment);
    b = memory.take(b_sizes.count(), misalignment + 1);
    output = memory.take(all.count(), misalignment + 2);
    grad_output = memory.take(all.count(), misalignment + 5);
    grad_input = memory.take(all.count(), misalignment + 3);
    expected = memory.take_doubles(all.count());
    Numbers numbers(static_cast<std::uint32_t>(all.count() + a_mask * 16 + b_mask));
    numbers.fill(a, a_sizes.count(), positive ? 1.2F : 4.0F, positive ? 1.5F : 0.0F);
    numbers.fill(b, b_sizes.count(), positive ? 1.2F : 4.0F, positive ? 1.5F : 0.0F);
    numbers.fill(grad_output, all.count());
  }
  [[nodiscard]] BinaryArgs args() const {
    BinaryArgs result{a, b, output, {}, {}, {}};
    set_shape(result, all, a_sizes, b_sizes);
    return result;
  }
  [[nodiscard]] BinaryGradArgs grad_args(std::uint32_t operand) const {
    BinaryGradArgs result{a, b, grad_output, grad_input, {}, {}, {}, operand};
    set_shape(result, all, a_sizes, b_sizes);
    return result;
  }
  template <class Function>
  void expect(const Function& function) const {
    for (std::size_t i = 0; i < all.count(); ++i)
      expected[i] = function(i, static_cast<double>(a[reference::broadcast_index(i, all.of, a_sizes.of)]),
                             static_cast<double>(b[reference::broadcast_index(i, all.of, b_sizes.of)]));
  }
};

void check(const Case& c, const Arrays& x) {
  x.expect([&](std::size_t, double a, double b) { return c.exact.value(a, b); });
  c.forward(x.args());
  EXPECT_LE(test::worst_error(x.output, x.expected, x.all.count()), 3e-7) << c.name;
  if (c.grad != nullptr) {
    for (const std::uint32_t operand : {0U, 1U}) {
      x.expect([&](std::size_t i, double a, double b) {
        return static_cast<double>(x.grad_output[i]) * (operand == 0 ? c.exact.by_a(a, b) : c.exact.by_b(a, b));
      });
      c.grad(x.grad_args(operand));
      EXPECT_LE(test::worst_error(x.grad_input, x.expected, x.all.count()), 5e-7) << c.name << " by " << operand;
    }
  }
  EXPECT_TRUE(memory.intact()) << c.name;
}

constexpr Sizes kSizes[] = {
    {{2, 3, 4, 5}},  {{1, 1, 1, 70}},  {{2, 5, 1, 3}},  {{1, 40, 1, 1}}, {{5, 1, 1, 1}}, {{1, 1, 1, 1}},
#if !defined(MOTE_BARE_METAL)  // double arithmetic is slow there
    {{3, 1, 7, 33}}, {{2, 2, 9, 100}}, {{3, 50, 2, 1}},
#endif
};

TEST(binary, every_pattern_of_broadcasting) {
  for (const Case& c : kCases)
    for (const Sizes& sizes : kSizes)
      for (unsigned a = 0; a < 16; ++a)
        for (unsigned b = 0; b < 16; ++b)
          if ((a | b) == 15) check(c, Arrays(sizes, a, b, c.positive, (a + b) % 4));
}

TEST(binary, one_operand_as_long_as_the_output_at_every_length) {
  for (const Case& c : kCases)
    for (std::uint32_t count = 1; count <= 70; ++count)
      for (const unsigned b : {15U, 0U}) check(c, Arrays({{1, 1, 1, count}}, 15, b, c.positive, count % 5));
}

/// The smallest shape where both operands repeat, so that no output has elements of its own.
TEST(binary, sizes_that_neither_operand_has) {
  const Arrays x({{2, 3, 4, 5}}, 1, 8, false, 0);
  x.expect([&](std::size_t, double a, double b) { return a - b; });
  kernels::sub_f32(x.args());
  EXPECT_LE(test::worst_error(x.output, x.expected, x.all.count()), 3e-7);
}

TEST(binary, derivatives_are_the_slopes) {
  for (const Case& c : kCases) {
    if (c.grad == nullptr) continue;
    Numbers numbers(3);
    for (int i = 0; i < 100; ++i) {
      const double scale = c.positive ? 1.2 : 4.0, shift = c.positive ? 1.5 : 0.0, step = 1e-6;
      const double a = static_cast<double>(numbers.next()) * scale + shift;
      const double b = static_cast<double>(numbers.next()) * scale + shift;
      const double by_a = (c.exact.value(a + step, b) - c.exact.value(a - step, b)) / (2.0 * step);
      const double by_b = (c.exact.value(a, b + step) - c.exact.value(a, b - step)) / (2.0 * step);
      EXPECT_NEAR(c.exact.by_a(a, b), by_a, 1e-7 * (1.0 + std::fabs(by_a))) << c.name << " " << a << " " << b;
      EXPECT_NEAR(c.exact.by_b(a, b), by_b, 1e-7 * (1.0 + std::fabs(by_b))) << c.name << " " << a << " " << b;
    }
  }
}

TEST(binary, over_an_operand_and_in_shares_with_the_same_bits) {
  for (const Case& c : kCases) {
    for (const unsigned b_mask : {15U, 1U, 0U, 12U, 7U}) {
      for (const Sizes& sizes : {Sizes{{2, 3, 4, 5}}, Sizes{{1, 1, 1, 300}}, Sizes{{3, 2, 3, 70}}}) {
        const Arrays x(sizes, 15, b_mask, c.positive, 2);
        const std::size_t count = sizes.count();
        BinaryArgs args = x.args();
        args.clamp = {-0.5F, 1.75F};
        c.forward(args);
        const std::uint64_t whole = test::hash_bits(x.output, count);
        for (std::size_t i = 0; i < count; ++i) EXPECT_TRUE(x.output[i] >= -0.5F && x.output[i] <= 1.75F) << c.name;
        std::fill(x.output, x.output + count, kNaN);
        for (std::uint32_t share = 5; share-- > 0;) args.part = {share, 5}, c.forward(args);
        EXPECT_EQ(test::hash_bits(x.output, count), whole) << c.name;
        if (c.grad != nullptr) {
          BinaryGradArgs grad = x.grad_args(1);
          c.grad(grad);
          const std::uint64_t gradient = test::hash_bits(x.grad_input, count);
          grad.grad_input = x.grad_output;
          for (std::uint32_t share = 0; share < 3; ++share) grad.part = {share, 3}, c.grad(grad);
          EXPECT_EQ(test::hash_bits(x.grad_output, count), gradient) << c.name;
        }
        args.part = {};
        args.output = x.a;
        c.forward(args);
        EXPECT_EQ(test::hash_bits(x.a, count), whole) << c.name;
        EXPECT_TRUE(memory.intact()) << c.name;
      }
    }
  }
}

float value_of(void (*forward)(const BinaryArgs&), float a, float b) {
  float y = 0.0F;
  forward({&a, &b, &y, {1, 1, 1, 1}, {}, {}});
  return y;
}
float slope_of(void (*grad)(const BinaryGradArgs&), float a, float b, std::uint32_t operand) {
  const float one = 1.0F;
  float y = 0.0F;
  grad({&a, &b, &one, &y, {1, 1, 1, 1}, {}, {}, operand});
  return y;
}

TEST(binary, nan_ties_and_corners) {
  using namespace kernels;
  for (const auto forward : {minimum_f32, maximum_f32, add_broadcast_f32, mul_f32, prelu_f32}) {
    EXPECT_NE(value_of(forward, kNaN, 1.0F), value_of(forward, kNaN, 1.0F));
  }
  for (const auto forward : {minimum_f32, maximum_f32}) {
    const float y = value_of(forward, 1.0F, kNaN);
    EXPECT_NE(y, y);
  }
  for (const std::uint32_t operand : {0U, 1U}) {
    EXPECT_EQ(slope_of(minimum_grad_f32, 2.0F, 2.0F, operand), 0.5F);
    EXPECT_EQ(slope_of(maximum_grad_f32, 2.0F, 2.0F, operand), 0.5F);
    EXPECT_EQ(slope_of(maximum_grad_f32, 2.0F, 1.0F, operand), operand == 0 ? 1.0F : 0.0F);
    EXPECT_EQ(slope_of(minimum_grad_f32, 2.0F, 1.0F, operand), operand == 0 ? 0.0F : 1.0F);
  }
  EXPECT_EQ(slope_of(pow_grad_f32, 0.0F, 0.0F, 0), 0.0F);
  EXPECT_EQ(slope_of(pow_grad_f32, 0.0F, 2.0F, 1), 0.0F);
  EXPECT_EQ(slope_of(pow_grad_f32, -3.0F, 2.0F, 0), -6.0F);
  EXPECT_EQ(slope_of(prelu_grad_f32, 0.0F, 0.25F, 0), 0.25F);
  EXPECT_EQ(value_of(div_f32, 1.0F, 0.0F), kInfinity);
  EXPECT_EQ(value_of(div_f32, -1.0F, 0.0F), -kInfinity);
}

TEST(binary, same_bits_everywhere) {
  if (!check::kFused) return;
  std::uint64_t hash = test::hash_bits(nullptr, 0);
  for (const Case& c : kCases) {
    for (const unsigned b_mask : {15U, 1U, 10U}) {
      const Arrays x({{3, 5, 6, 7}}, 15, b_mask, c.positive, 1);
      c.forward(x.args());
      hash = test::hash_bits(x.output, x.all.count(), hash);
      for (const std::uint32_t operand : {0U, 1U}) {
        if (c.grad == nullptr) continue;
        c.grad(x.grad_args(operand));
        hash = test::hash_bits(x.grad_input, x.all.count(), hash);
      }
    }
  }
  EXPECT_EQ(hash, 0x3283719684190238U);
}

struct Comparison {
  const char* name;
  void (*kernel)(const CompareArgs&);
  bool (*holds)(float, float);
};
const Comparison kComparisons[] = {
    {"less", kernels::less_f32, [](float a, float b) { return a < b; }},
    {"less_equal", kernels::less_equal_f32, [](float a, float b) { return a <= b; }},
    {"greater", kernels::greater_f32, [](float a, float b) { return b < a; }},
    {"greater_equal", kernels::greater_equal_f32, [](float a, float b) { return b <= a; }},
    {"equal", kernels::equal_f32, [](float a, float b) { return a <= b && b <= a; }},
    {"not_equal", kernels::not_equal_f32, [](float a, float b) { return !(a <= b && b <= a); }},
};

TEST(choose, comparisons_with_every_pattern_and_nan) {
  for (const Comparison& c : kComparisons) {
    for (const Sizes& sizes : kSizes) {
      for (unsigned mask = 0; mask < 256; ++mask) {
        if ((mask >> 4 | (mask & 15U)) != 15) continue;
        const Arrays x(sizes, mask >> 4, mask & 15U, false, mask % 3);
        Numbers(mask).fill_coarse(x.a, x.a_sizes.count(), 3);
        Numbers(mask + 1).fill_coarse(x.b, x.b_sizes.count(), 3);
        x.a[x.a_sizes.count() / 2] = kNaN;
        CompareArgs args{x.a, x.b, reinterpret_cast<std::uint8_t*>(x.output), {}, {}, {}};
        set_shape(args, x.all, x.a_sizes, x.b_sizes);
        c.kernel(args);
        for (std::size_t i = 0; i < sizes.count(); ++i)
          ASSERT_EQ(args.output[i], c.holds(x.a[reference::broadcast_index(i, sizes.of, x.a_sizes.of)],
                                            x.b[reference::broadcast_index(i, sizes.of, x.b_sizes.of)])
                                        ? 1
                                        : 0)
              << c.name << " at " << i;
        EXPECT_TRUE(memory.intact()) << c.name;
      }
    }
  }
}

TEST(choose, logic_with_every_pattern) {
  for (const Sizes& sizes : kSizes) {
    for (unsigned mask = 0; mask < 256; ++mask) {
      if ((mask >> 4 | (mask & 15U)) != 15) continue;
      const Arrays x(sizes, mask >> 4, mask & 15U, false, 0);
      auto *a = reinterpret_cast<std::uint8_t*>(x.a), *b = reinterpret_cast<std::uint8_t*>(x.b);
      Numbers numbers(mask);
      for (std::size_t i = 0; i < x.a_sizes.count(); ++i) a[i] = numbers.next() > 0.0F ? 255 : 0;
      for (std::size_t i = 0; i < x.b_sizes.count(); ++i) b[i] = numbers.next() > 0.0F ? 2 : 0;
      for (const bool both : {true, false}) {
        LogicalArgs args{a, b, reinterpret_cast<std::uint8_t*>(x.output), {}, {}, {}};
        set_shape(args, x.all, x.a_sizes, x.b_sizes);
        both ? kernels::logical_and_bool(args) : kernels::logical_or_bool(args);
        for (std::size_t i = 0; i < sizes.count(); ++i) {
          const bool p = a[reference::broadcast_index(i, sizes.of, x.a_sizes.of)] != 0;
          const bool q = b[reference::broadcast_index(i, sizes.of, x.b_sizes.of)] != 0;
          ASSERT_EQ(args.output[i], (both ? p && q : p || q) ? 1 : 0) << i;
        }
      }
      EXPECT_TRUE(memory.intact());
    }
  }
}

/// Elements as numbers: condition, a and b at (which, index).
std::uint32_t element(unsigned which, std::size_t index) {
  return static_cast<std::uint32_t>((index * 3 + which) * 2654435761U);
}

template <class Element>
void check_select(const Sizes& sizes, unsigned condition_mask, unsigned a_mask, unsigned b_mask) {
  memory.reset();
  const Sizes c = kept(sizes, condition_mask), p = kept(sizes, a_mask), q = kept(sizes, b_mask);
  auto* condition = reinterpret_cast<std::uint8_t*>(memory.take(c.count()));
  auto *a = reinterpret_cast<std::byte*>(memory.take(p.count())),
       *b = reinterpret_cast<std::byte*>(memory.take(q.count()));
  auto* output = reinterpret_cast<std::byte*>(memory.take(sizes.count()));
  const auto put = [](std::byte* to, std::size_t i, std::uint32_t value) {
    const auto narrow = static_cast<Element>(value);
    std::copy_n(reinterpret_cast<const std::byte*>(&narrow), sizeof narrow, to + i * sizeof narrow);
  };
  for (std::size_t i = 0; i < c.count(); ++i)
    condition[i] = i * 7 % 3 == 0 ? 0 : static_cast<std::uint8_t>(i % 3 * 100);
  for (std::size_t i = 0; i < p.count(); ++i) put(a, i, element(0, i));
  for (std::size_t i = 0; i < q.count(); ++i) put(b, i, element(1, i));
  SelectArgs args{condition, a, b, output, sizeof(Element), {}, {}, {}, {}};
  set_shape(args, sizes, p, q);
  broadcast_strides(c.of, args.condition_strides);
  kernels::select_bytes(args);
  for (std::size_t i = 0; i < sizes.count(); ++i) {
    Element actual;
    std::copy_n(output + i * sizeof actual, sizeof actual, reinterpret_cast<std::byte*>(&actual));
    const bool first = condition[reference::broadcast_index(i, sizes.of, c.of)] != 0;
    const std::uint32_t expected = first ? element(0, reference::broadcast_index(i, sizes.of, p.of))
                                         : element(1, reference::broadcast_index(i, sizes.of, q.of));
    ASSERT_EQ(actual, static_cast<Element>(expected)) << i;
  }
  EXPECT_TRUE(memory.intact());
}

TEST(choose, select_of_every_element_and_pattern) {
  for (const Sizes& sizes : {Sizes{{2, 3, 4, 5}}, Sizes{{1, 1, 2, 70}}, Sizes{{3, 1, 7, 1}}}) {
    for (unsigned mask = 0; mask < 4096; mask += 3) {
      const unsigned c = mask >> 8, a = mask >> 4 & 15U, b = mask & 15U;
      if ((c | a | b) != 15) continue;
      check_select<std::uint8_t>(sizes, c, a, b);
      check_select<std::uint16_t>(sizes, c, a, b);
      check_select<std::uint32_t>(sizes, c, a, b);
    }
  }
}

TEST(choose, gradient_of_select_goes_where_the_value_came_from) {
  for (const unsigned mask : {15U, 1U, 8U, 0U, 6U}) {
    for (const std::uint32_t operand : {0U, 1U}) {
      const Sizes sizes{{2, 3, 4, 9}}, c = kept(sizes, mask);
      const Arrays x(sizes, 15, 15, false, mask);
      std::uint8_t condition[216];
      for (std::size_t i = 0; i < c.count(); ++i) condition[i] = i % 3 == 1 ? 9 : 0;
      SelectGradArgs args{condition, x.grad_output, x.grad_input, {2, 3, 4, 9}, {}, operand};
      broadcast_strides(c.of, args.condition_strides);
      for (std::uint32_t share = 0; share < 2; ++share) args.part = {share, 2}, kernels::select_grad_f32(args);
      for (std::size_t i = 0; i < sizes.count(); ++i) {
        const bool first = condition[reference::broadcast_index(i, sizes.of, c.of)] != 0;
        ASSERT_EQ(x.grad_input[i], first == (operand == 0) ? x.grad_output[i] : 0.0F) << i;
      }
      args.part = {}, args.grad_input = x.grad_output;
      kernels::select_grad_f32(args);
      EXPECT_EQ(test::hash_bits(x.grad_output, sizes.count()), test::hash_bits(x.grad_input, sizes.count()));
      EXPECT_TRUE(memory.intact());
    }
  }
}

}  // namespace
}  // namespace mote
