// SPDX-License-Identifier: Apache-2.0
// Rescaling of accumulators against its definition, and the multipliers of scales against numbers.
#include "mote/model/fixed_point.hpp"

#include <cstddef>
#include <cstdint>

#include "check.hpp"
#include "kernels/guarded_bytes.hpp"
#include "mote/model/quantize_multiplier.hpp"
#include "reference/fixed_point.hpp"

namespace mote {
namespace {

using test::Integers;

constexpr std::int32_t kHighest = 0x7FFFFFFF, kLowest = -kHighest - 1;

/// An accumulator for which acc 2^left fits 32 bits: ends, ties of either rounding, or any.
std::int32_t accumulator(Integers& numbers, int left, int right) {
  const std::int32_t most = kHighest >> left;
  switch (numbers.next() % 4) {
    case 0: return numbers.next() % 2 == 0 ? most : -most - 1;
    case 1: return numbers.between(-70000 >> left, 70000 >> left);
    case 2: {  // an odd multiple of half of what one unit of the result is worth
      const std::int32_t half = std::int32_t{1} << (right > 0 && right < 20 ? right : 0);
      return (2 * numbers.between(-400, 400) + 1) * half % (most == 0 ? 1 : most);
    }
    default: return numbers.between(-most - 1, most);
  }
}

TEST(fixed_point, requantize_rounds_as_defined) {
  Integers numbers(1);
  for (int round = 0; round < 200000; ++round) {
    const std::int32_t shift = numbers.between(-31, 12);
    QuantizedMultiplier q{numbers.between(1 << 30, kHighest), shift};
    if (numbers.next() % 4 == 0) q.multiplier = numbers.next() % 2 == 0 ? 1 << 30 : kHighest;
    if (numbers.next() % 50 == 0) q = {};
    const int left = q.shift > 0 ? q.shift : 0;
    const std::int32_t acc = accumulator(numbers, left, -q.shift);
    ASSERT_EQ(requantize(acc, q), reference::requantize_twice(acc, q)) << acc << " " << q.multiplier << " " << shift;
    const std::int64_t once = reference::requantize_at_once(acc, q);
    if (once <= kHighest && once >= kLowest) {
      ASSERT_EQ(requantize_once(acc, q), once) << acc << " " << q.multiplier << " " << shift;
    }
    const std::int64_t wide = std::int64_t{acc} * numbers.between(1, 60000);
    const QuantizedMultiplier small{q.multiplier, numbers.between(-31, -17)};
    ASSERT_EQ(requantize_wide(wide, small), reference::requantize_16_bits(wide, small)) << wide;
  }
}

TEST(fixed_point, ties_go_up_and_then_away_from_zero) {
  constexpr QuantizedMultiplier kHalf{1 << 30, 0}, kQuarter{1 << 30, -1}, kOne{1 << 30, 1};
  EXPECT_EQ(requantize(1, kHalf), 1);
  EXPECT_EQ(requantize(-1, kHalf), 0);  // -1/2 to 0 at 31 bits
  EXPECT_EQ(requantize(-2, kQuarter), -1);
  EXPECT_EQ(requantize(2, kQuarter), 1);
  EXPECT_EQ(requantize(-1, kQuarter), 0);
  EXPECT_EQ(requantize(kLowest >> 1, kOne), kLowest >> 1);
  EXPECT_EQ(requantize_once(-2, kQuarter), 0);
  EXPECT_EQ(requantize_once(-3, kHalf), -1);
  EXPECT_EQ(fixed_point::high_product(kLowest, kLowest), kHighest);
  EXPECT_EQ(fixed_point::high_product(kLowest, kHighest), -kHighest);
  EXPECT_EQ(fixed_point::high_product_of(kLowest, kHighest), -kHighest);
  EXPECT_EQ(fixed_point::high_product_of(-1, 1 << 30), 0);
  EXPECT_EQ(fixed_point::high_product_of(-2, 1 << 30), -1);
  for (int shift = 0; shift <= 31; ++shift) {
    EXPECT_EQ(fixed_point::divide_by_power(kHighest, shift), reference::nearest_half_away(kHighest, shift)) << shift;
    EXPECT_EQ(fixed_point::divide_by_power(kLowest, shift), reference::nearest_half_away(kLowest, shift)) << shift;
  }
}

TEST(fixed_point, multipliers_are_the_nearest) {
  static_assert(quantize_multiplier(1.0) == QuantizedMultiplier{1 << 30, 1});
  static_assert(quantize_multiplier(0.5) == QuantizedMultiplier{1 << 30, 0});
  static_assert(quantize_multiplier(0.75) == QuantizedMultiplier{3 << 29, 0});
  static_assert(quantize_multiplier(0.0) == QuantizedMultiplier{});
  static_assert(quantize_multiplier(-1.0) == QuantizedMultiplier{});
  static_assert(quantize_multiplier(0x1p-32) == QuantizedMultiplier{1 << 30, -31});
  static_assert(quantize_multiplier(0x1.fffffffp-33) == QuantizedMultiplier{});
  static_assert(quantize_multiplier(0x1.ffffffff8p-33) == QuantizedMultiplier{1 << 30, -31});  // rounds up to 2^-32
  static_assert(quantize_multiplier(0x1.ffffffffp-1) == QuantizedMultiplier{1 << 30, 1});      // 2^31 is carried
  static_assert(quantize_multiplier(0x1p-1060) == QuantizedMultiplier{});
  static_assert(quantize_multiplier(0x1.00000002p+0) == QuantizedMultiplier{(1 << 30) + 1, 1});  // a tie goes up
  Integers numbers(3);
  for (int round = 0; round < 20000; ++round) {
    const QuantizedMultiplier q{numbers.between(1 << 30, kHighest), numbers.between(-31, 30)};
    const double exact = static_cast<double>(q.multiplier) * __builtin_ldexp(1.0, q.shift - 31);
    ASSERT_EQ(quantize_multiplier(exact), q);
    const double quarter = __builtin_ldexp(0.25, q.shift - 31);
    ASSERT_EQ(quantize_multiplier(exact + quarter), q);
    if (q.multiplier != 1 << 30) {
      ASSERT_EQ(quantize_multiplier(exact - quarter), q);
    }
  }
}

TEST(fixed_point, scales_are_multiplied_and_divided_in_double) {
  // 5/6 in double gives a multiplier above, in float32 one below what takes 3 to 2.5.
  constexpr QuantizedMultiplier kFiveSixths = rescale_multiplier(5.0F, 6.0F);
  static_assert(kFiveSixths == QuantizedMultiplier{1789569707, 0});
  static_assert(requantize(3, kFiveSixths) == 3 && requantize(21, kFiveSixths) == 18);
  static_assert(product_multiplier(5.0F, 1.0F, 6.0F) == kFiveSixths);
  static_assert(quantize_multiplier(double{5.0F / 6.0F}).multiplier < kFiveSixths.multiplier);
  // Scales of a dense layer whose product float32 would round up: TensorFlow Lite Micro gives -55 for this sum.
  constexpr float kInput = 0x1.67CDDAp-10F, kWeights = 0x1.C9F2B4p-7F, kOutput = 0x1.216CB4p-9F;
  static_assert(requantize(-6388, product_multiplier(kInput, kWeights, kOutput)) == -55);
  static_assert(requantize(-6388, quantize_multiplier(double{kInput * kWeights} / double{kOutput})) == -56);
}

TEST(fixed_point, ranges_of_activations) {
  constexpr Quantization kOutput{0.05F, -100};
  constexpr QuantizedRange kAll = range_of(DType::s8);
  constexpr float kInfinity = __builtin_inff();
  static_assert(activation_range(-kInfinity, kInfinity, kOutput, kAll) == kAll);
  static_assert(activation_range(0.0F, kInfinity, kOutput, kAll) == QuantizedRange{-100, 127});
  static_assert(activation_range(0.0F, 6.0F, kOutput, kAll) == QuantizedRange{-100, 20});
  static_assert(activation_range(-1.0F, 1.0F, kOutput, kAll) == QuantizedRange{-120, -80});
  static_assert(activation_range(0.0F, 6.0F, {0.001F, -128}, kAll) == QuantizedRange{-128, 127});
  static_assert(round_half_away(2.5) == 3 && round_half_away(-2.5) == -3 && round_half_away(2.4999999) == 2);
  static_assert(round_half_away(1e30) == kHighest && round_half_away(-1e30) == kLowest);
}

}  // namespace
}  // namespace mote
