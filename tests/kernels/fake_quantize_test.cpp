// SPDX-License-Identifier: Apache-2.0
// Values and weights rounded to int8 steps: against the kernels of int8 and the definition, bit for bit; their
// straight-through gradients against the definition, sums in the order of 16 lanes; in place and in shares.
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "check.hpp"
#include "instruction_set.hpp"
#include "kernels/guarded.hpp"
#include "mote/model/int8_units.hpp"

namespace mote {
namespace {

using test::memory;
using test::Numbers;

constexpr RealRange kRanges[] = {
    {0.0F, 6.0F},
    {-1.0F, 1.0F},
    {-0.3F, 2.7F},
    {-3.0F, 0.0F},
    {0.0F, 255.0F / 256.0F},
    {-1e-6F, 3.0e-6F},
    {-1.0F, 127.0F / 128.0F},
    {-123.0F, 4567.0F},
    {-0.001F, 5.0F},
    {-5.0F, 1e-30F},
    {-1e25F, 1e30F},
    {-0x1p-60F, 0x1p-61F},
    {-12.75F, 12.75F},
};
constexpr std::uint32_t kCounts[] = {1, 2, 7, 16, 31, 33, 100, 257, 1000};

std::uint32_t bits(float value) { return std::bit_cast<std::uint32_t>(value); }

/// Values around and beyond a range, many in the middle between two steps.
void fill_around(Numbers& numbers, const RealRange& range, const Quantization& units, float* values, std::size_t n) {
  const float width = range.high - range.low;
  for (std::size_t i = 0; i < n; ++i) {
    values[i] = range.low + width * (0.5F + 0.75F * numbers.next());
    if (i % 3 == 0) values[i] = units.scale * (std::floor(140.0F * numbers.next()) + 0.5F);
  }
}

TEST(fake_quantize, units_have_zero_as_a_step) {
  for (const RealRange& range : kRanges) {
    const Quantization units = int8_units(range);
    const RealRange ends = int8_range(units);
    EXPECT_LE(ends.low, 0.0F);
    EXPECT_GE(ends.high, 0.0F);
    EXPECT_NEAR(ends.low / units.scale, range.low / units.scale, 0.501F);
    EXPECT_NEAR(ends.high / units.scale, range.high / units.scale, 0.501F);
    EXPECT_TRUE(is_range(range));
  }
  EXPECT_TRUE(int8_units({0.0F, 255.0F / 256.0F}) == (Quantization{0x1p-8F, -128})) << "softmax's";
  EXPECT_TRUE(int8_units({-1.0F, 127.0F / 128.0F}) == (Quantization{0x1p-7F, 0})) << "tanh's";
  for (const RealRange& bad :
       {RealRange{0.0F, 0.0F}, RealRange{1.0F, 2.0F}, RealRange{-2.0F, -1.0F}, RealRange{1.0F, -1.0F},
        RealRange{-__builtin_inff(), 1.0F}, RealRange{-1.0F, __builtin_inff()}, RealRange{__builtin_nanf(""), 1.0F}}) {
    EXPECT_FALSE(is_range(bad));
    const RealRange kept = nearest_range(bad);
    EXPECT_TRUE(kept.low <= 0.0F && kept.high >= 0.0F && kept.low < kept.high);
  }
}

std::uint64_t compare_values(const RealRange& range, std::uint32_t count, std::uint64_t hash) {
  memory.reset();
  const Quantization units = int8_units(range);
  float* const x = memory.take(count, count);
  float* const y = memory.take(count, count + 3);
  float* const shared = memory.take(count, 5);
  float* const wanted = memory.take(count, 1);
  auto* const whole = reinterpret_cast<std::int8_t*>(memory.take(count / 4 + 1));
  Numbers numbers(count);
  fill_around(numbers, range, units, x, count);
  kernels::quantize_f32({x, whole, DType::s8, units, count});
  kernels::dequantize_f32({whole, wanted, DType::s8, units, count});
  kernels::fake_quantize_f32({x, y, units, count});
  const double scale = static_cast<double>(units.scale);
  for (std::uint32_t i = 0; i < count; ++i) {
    EXPECT_EQ(bits(y[i]), bits(wanted[i])) << x[i];
    const double steps = std::round(static_cast<double>(x[i] / units.scale)) + units.zero_point;
    const double cut = steps < -128 ? -128 : steps > 127 ? 127 : steps;
    EXPECT_EQ(y[i], static_cast<float>((cut - units.zero_point) * scale)) << x[i];
  }
  for (std::uint32_t part = 0; part < 3; ++part) kernels::fake_quantize_f32({x, shared, units, count, {part, 3}});
  EXPECT_EQ(test::hash_bits(shared, count), test::hash_bits(y, count));
  hash = test::hash_bits(y, count, hash);
  kernels::fake_quantize_f32({x, x, units, count});
  EXPECT_EQ(test::hash_bits(x, count), test::hash_bits(y, count)) << "in place";
  kernels::fake_quantize_f32({x, x, units, count});
  EXPECT_EQ(test::hash_bits(x, count), test::hash_bits(y, count)) << "a step is itself";
  EXPECT_TRUE(memory.intact());
  return hash;
}

TEST(fake_quantize, gives_what_int8_stands_for) {
  std::uint64_t hash = test::hash_bits(nullptr, 0);
  for (const RealRange& range : kRanges)
    for (const std::uint32_t count : kCounts) hash = compare_values(range, count, hash);
  EXPECT_EQ(hash, 4556879927460788105ULL);
}

TEST(fake_quantize, ends_hold_what_is_beyond_and_nan_passes) {
  constexpr float kInfinity = __builtin_inff();
  const float x[] = {kInfinity, -kInfinity, 3e38F, -3e38F, -0.0F, 1e-30F, -1e-3F, __builtin_nanf("")};
  float y[8];
  kernels::fake_quantize_f32({x, y, int8_units({-1.0F, 127.0F / 128.0F}), 8});
  const float wanted[] = {127.0F / 128.0F, -1.0F, 127.0F / 128.0F, -1.0F, 0.0F, 0.0F, 0.0F};
  for (std::size_t i = 0; i < 7; ++i) EXPECT_EQ(bits(y[i]), bits(wanted[i])) << i;
  EXPECT_FALSE(y[7] == y[7]);
}

/// Sixteen lanes that take terms in turn, closed 8, 4, 2 and 1 apart.
template <class Term>
float lane_sum(std::size_t count, const Term& term) {
  float lanes[16] = {};
  for (std::size_t i = 0; i < count; ++i) lanes[i % 16] += term(i);
  for (std::size_t half = 8; half > 0; half /= 2)
    for (std::size_t i = 0; i < half; ++i) lanes[i] += lanes[i + half];
  return lanes[0];
}

TEST(fake_quantize, gradients_go_straight_through) {
  for (const RealRange& range : kRanges)
    for (const std::uint32_t count : kCounts) {
      memory.reset();
      const Quantization units = int8_units(range);
      const RealRange ends = int8_range(units);
      float* const x = memory.take(count, count);
      float* const dy = memory.take(count, 3);
      float* const dx = memory.take(count, 7);
      float* const grad = memory.take(2, 1);
      Numbers numbers(count + 1);
      fill_around(numbers, range, units, x, count);
      numbers.fill(dy, count);
      x[0] = ends.high;  // the ends are inside
      grad[0] = 0.5F, grad[1] = -0.25F;
      FakeQuantizeGradArgs args{x, dy, dx, grad, -0.75F, ends.low, ends.high, count};
      kernels::fake_quantize_grad_params_f32(args);
      kernels::fake_quantize_grad_input_f32(args);
      for (std::uint32_t i = 0; i < count; ++i)
        EXPECT_EQ(dx[i], x[i] < ends.low || x[i] > ends.high ? 0.0F : dy[i]) << x[i];
      const float low = lane_sum(count, [&](std::size_t i) { return x[i] < ends.low ? dy[i] : 0.0F; });
      const float high = lane_sum(count, [&](std::size_t i) { return x[i] > ends.high ? dy[i] : 0.0F; });
      const float at_low = -0.75F * low, at_high = -0.75F * high;
      EXPECT_EQ(grad[0], 0.5F + at_low);
      EXPECT_EQ(grad[1], -0.25F + at_high);
      args.grad_input = dy;
      kernels::fake_quantize_grad_input_f32(args);
      EXPECT_EQ(test::hash_bits(dy, count), test::hash_bits(dx, count)) << "in place";
      EXPECT_TRUE(memory.intact());
    }
}

TEST(rounded_weights, are_what_int8_weights_are) {
  std::uint64_t hash = test::hash_bits(nullptr, 0);
  for (const std::uint32_t rows : {1U, 2U, 9U, 40U})
    for (const std::uint32_t columns : {1U, 3U, 16U, 33U, 64U, 65U, 130U}) {
      memory.reset();
      const std::uint32_t count = rows * columns;
      float* const weights = memory.take(count, rows);
      float* const rounded = memory.take(count, columns);
      float* const shared = memory.take(count, 1);
      Numbers(count).fill(weights, count, 3.0F, 0.1F);
      for (std::uint32_t k = 0; k < rows && columns > 2; ++k) weights[k * columns + 1] = 0.0F;
      kernels::round_weights_f32({weights, rounded, rows, columns});
      for (std::uint32_t j = 0; j < columns; ++j) {
        float largest = 0.0F;
        for (std::uint32_t k = 0; k < rows; ++k) largest = std::fmax(largest, std::fabs(weights[k * columns + j]));
        const float scale = int8_weight_scale(largest);
        EXPECT_EQ(scale, static_cast<float>(static_cast<double>(largest) / 127.0));
        for (std::uint32_t k = 0; k < rows; ++k) {
          const float weight = weights[k * columns + j], is = rounded[k * columns + j];
          EXPECT_EQ(bits(is), bits(scale * static_cast<float>(int8_weight(weight, scale)))) << weight;
          EXPECT_LE(std::fabs(is - weight), scale * 0.5001F);
        }
      }
      for (std::uint32_t part = 0; part < 3; ++part)
        kernels::round_weights_f32({weights, shared, rows, columns, {part, 3}});
      EXPECT_EQ(test::hash_bits(shared, count), test::hash_bits(rounded, count));
      hash = test::hash_bits(rounded, count, hash);
      kernels::round_weights_f32({weights, weights, rows, columns});
      EXPECT_EQ(test::hash_bits(weights, count), test::hash_bits(rounded, count)) << "in place";
      EXPECT_TRUE(memory.intact());
    }
  EXPECT_EQ(hash, 11381109708463120291ULL);
}

}  // namespace
}  // namespace mote
