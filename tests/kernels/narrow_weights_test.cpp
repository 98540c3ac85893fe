// SPDX-License-Identifier: Apache-2.0
// Weights stored as int8 and float16: their values against the definition, and a dense layer of them against the same
// layer of float32, bit for bit.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>

#include "check.hpp"
#include "instruction_set.hpp"
#include "kernels/guarded.hpp"
#include "kernels/guarded_bytes.hpp"
#include "mote/train/random.hpp"

namespace mote {
namespace {

using test::bytes;
using test::Integers;

/// By the definition of binary16: sign, five bits of exponent, ten of fraction.
double half_value(std::uint32_t bits) {
  const double sign = (bits & 0x8000U) != 0 ? -1.0 : 1.0;
  const std::uint32_t exponent = bits >> 10 & 31U, fraction = bits & 1023U;
  if (exponent == 31)
    return fraction != 0 ? std::numeric_limits<double>::quiet_NaN() : sign * std::numeric_limits<double>::infinity();
  if (exponent == 0) return sign * std::ldexp(fraction, -24);
  return sign * std::ldexp(1024 + fraction, static_cast<int>(exponent) - 25);
}

TEST(narrow_weights, every_float16_is_itself_in_float32) {
  constexpr std::uint32_t kAtATime = 1021;
  for (std::uint32_t first = 0; first < 0x10000; first += kAtATime) {
    const std::uint32_t count = first + kAtATime < 0x10000 ? kAtATime : 0x10000 - first;
    bytes.reset();
    auto* stored = bytes.take<std::uint16_t>(count, first % 5);
    auto* wide = bytes.take<float>(count, first % 3);
    for (std::uint32_t i = 0; i < count; ++i) stored[i] = static_cast<std::uint16_t>(first + i);
    kernels::widen_weights_f32({{reinterpret_cast<const std::byte*>(stored), nullptr, DType::f16}, wide, 1, count});
    for (std::uint32_t i = 0; i < count; ++i) {
      const double wanted = half_value(first + i), is = static_cast<double>(wide[i]);
      if (std::isnan(wanted))
        ASSERT_TRUE(std::isnan(is)) << first + i;
      else
        ASSERT_TRUE(is == wanted && std::signbit(is) == std::signbit(wanted)) << first + i;
    }
    ASSERT_TRUE(bytes.intact());
  }
}

TEST(narrow_weights, int8_is_multiplied_by_its_columns_scale) {
  bytes.reset();
  auto* stored = bytes.take<std::int8_t>(std::size_t{256} * 7, 3);
  auto* scales = bytes.take<float>(7, 1);
  auto* wide = bytes.take<float>(std::size_t{256} * 7, 5);
  for (std::size_t j = 0; j < 7; ++j) scales[j] = 0.1F + 0.37F * static_cast<float>(j);
  for (std::size_t i = 0; i < std::size_t{256} * 7; ++i) stored[i] = static_cast<std::int8_t>(i / 7 - 128);
  kernels::widen_weights_f32({{reinterpret_cast<const std::byte*>(stored), scales, DType::s8}, wide, 256, 7});
  for (std::size_t i = 0; i < std::size_t{256} * 7; ++i)
    ASSERT_EQ(wide[i], static_cast<float>(static_cast<double>(stored[i]) * static_cast<double>(scales[i % 7]))) << i;
  EXPECT_TRUE(bytes.intact());
}

std::uint64_t compare_dense(std::uint32_t seed, std::uint64_t hash) {
  bytes.reset();
  Integers numbers(seed);
  const auto draw = [&](int low, int high) { return static_cast<std::uint32_t>(numbers.between(low, high)); };
  const std::uint32_t batch = draw(1, 4), fan_in = draw(1, 90), fan_out = seed % 3 == 0 ? draw(60, 200) : draw(1, 70);
  const std::size_t count = std::size_t{fan_in} * fan_out;
  const DType type = seed % 2 == 0 ? DType::s8 : DType::f16;
  auto* input = bytes.take<float>(batch * fan_in, fan_in);
  auto* stored = bytes.take<std::byte>(count * bytes_of(type), seed % 2 == 0 ? 3 : 2);
  auto* scales = bytes.take<float>(fan_out, 1);
  auto* bias = bytes.take<float>(fan_out, 2);
  auto* output = bytes.take<float>(batch * fan_out, fan_out);
  auto* wide = bytes.take<float>(count, 7);
  auto* wanted = bytes.take<float>(batch * fan_out, 1);
  test::Numbers values(seed);
  values.fill(input, batch * fan_in), values.fill(bias, fan_out), values.fill(scales, fan_out, 0.01F, 0.02F);
  if (type == DType::s8)
    numbers.fill(reinterpret_cast<std::int8_t*>(stored), count, -128, 127);
  else
    for (std::size_t i = 0; i < count; ++i)  // magnitudes from 2^-15, where denormals are, to 2
      reinterpret_cast<std::uint16_t*>(stored)[i] =
          static_cast<std::uint16_t>(numbers.between(0, 0x3FFF) | numbers.between(0, 1) << 15);
  const NarrowWeights weights{stored, type == DType::s8 ? scales : nullptr, type};
  const float* given_bias = seed % 5 == 0 ? nullptr : bias;
  const Clamp clamp = seed % 7 == 0 ? Clamp{0.0F, 1.0F} : Clamp{};
  kernels::widen_weights_f32({weights, wide, fan_in, fan_out});
  kernels::dense_f32({input, wide, given_bias, wanted, batch, fan_in, fan_out, clamp});
  kernels::dense_narrow_f32({input, weights, given_bias, output, batch, fan_in, fan_out, clamp});
  EXPECT_EQ(test::hash_bits(output, batch * fan_out), test::hash_bits(wanted, batch * fan_out)) << seed;
  EXPECT_TRUE(bytes.intact()) << seed;
  return test::hash_bits(output, batch * fan_out, hash);
}

TEST(narrow_weights, a_dense_layer_has_the_bits_of_float32) {
  std::uint64_t hash = 0xCBF29CE484222325U;
  for (std::uint32_t seed = 1; seed <= 80; ++seed) hash = compare_dense(seed, hash);
  if (check::kFused) {
    EXPECT_EQ(hash, 0x1E36292B7A98C620U);
  }
}

/// By the definition, in double: word number `at` of the stream as random_words.hpp orders them.
std::int8_t rounded(std::int8_t weight, float step, float scale, std::uint64_t seed, std::uint64_t stream,
                    std::uint32_t at) {
  if (!(scale > 0.0F)) return weight;
  const std::uint32_t block = 16 * (at / 64) + at % 16, word = at / 16 % 4;
  const double u = static_cast<double>(uniform_from_bits(random_block(seed, RandomUse::rounding, stream, block)[word]));
  const auto units = static_cast<double>(step / scale);
  const double sum = static_cast<double>(static_cast<float>(std::clamp(units, -0x1p30, 0x1p30) + u));
  return static_cast<std::int8_t>(std::clamp(weight + std::floor(sum), -127.0, 127.0));
}

struct RoundCase {
  std::uint32_t first, rows, columns;
  float size;
};
constexpr RoundCase kRoundCases[] = {{0, 1, 1, 1.0F},      {0, 4, 16, 0.01F},  {64, 3, 64, 0.5F}, {37, 5, 7, 2.0F},
                                     {1000, 2, 129, 40.F}, {13, 40, 3, 1e-6F}, {5, 1, 300, 1e12F}};

TEST(narrow_weights, steps_are_rounded_at_random_by_the_definition) {
  std::uint32_t stream = 3;
  for (const RoundCase& c : kRoundCases) {
    const std::uint32_t count = c.rows * c.columns;
    bytes.reset();
    auto* weights = bytes.take<std::int8_t>(count, 3);
    auto* scales = bytes.take<float>(c.columns, 1);
    auto* steps = bytes.take<float>(count, 2);
    std::int8_t wanted[512];
    test::Numbers numbers(++stream);
    for (std::uint32_t j = 0; j < c.columns; ++j) scales[j] = j % 11 == 10 ? 0.0F : 0.25F + std::abs(numbers.next());
    for (std::uint32_t i = 0; i < count; ++i) {
      weights[i] = static_cast<std::int8_t>(static_cast<int>(i * 37 % 255) - 127);
      steps[i] = i % 5 == 4 ? 0.0F : c.size * numbers.next();
    }
    for (std::uint32_t i = 0; i < count; ++i)
      wanted[i] = rounded(weights[i], steps[i], scales[i % c.columns], 9, stream, c.first + i);
    for (const std::uint32_t shares : {1U, 3U}) {
      std::int8_t kept[512];
      std::memcpy(kept, weights, count);
      for (std::uint32_t share = shares; share-- > 0;)
        kernels::round_steps_s8({weights, scales, steps, 9, stream, c.first, c.rows, c.columns, {share, shares}});
      for (std::uint32_t i = 0; i < count; ++i) ASSERT_EQ(weights[i], wanted[i]) << c.first << " " << i;
      std::memcpy(weights, kept, count);
    }
    EXPECT_TRUE(bytes.intact());
  }
}

/// A step of 0.3 units is one unit in three steps of ten, on average: 64 000 draws are within five deviations.
TEST(narrow_weights, steps_keep_their_mean) {
  constexpr std::uint32_t kRows = 40, kColumns = 16, kRounds = 100;
  for (const float units : {0.3F, -0.004F, 1.75F}) {
    std::int8_t weights[kRows * kColumns];
    float scales[kColumns], steps[kRows * kColumns];
    for (float& scale : scales) scale = 0.125F;
    for (float& step : steps) step = 0.125F * units;
    double sum = 0.0;
    for (std::uint32_t round = 0; round < kRounds; ++round) {
      std::memset(weights, 0, sizeof weights);
      kernels::round_steps_s8({weights, scales, steps, 1, round, 0, kRows, kColumns});
      for (const std::int8_t weight : weights) sum += weight;
    }
    const double draws = kRows * kColumns * kRounds, mean = static_cast<double>(units), part = mean - std::floor(mean);
    EXPECT_NEAR(sum / draws, mean, 5.0 * std::sqrt(part * (1.0 - part) / draws)) << units;
  }
}

}  // namespace
}  // namespace mote
