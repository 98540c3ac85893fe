// SPDX-License-Identifier: Apache-2.0
// lstm_s8, svdf_s16_s8 and dense_s8_s16: every value equals the specification's in 64-bit integers, and an LSTM's bytes
// are those of TensorFlow Lite Micro.
#include "reference/recurrent_s8.hpp"

#include <cmath>
#include <cstddef>
#include <cstdint>

#include "check.hpp"
#include "kernels/guarded_bytes.hpp"
#include "reference/convolution_s8.hpp"

namespace mote {
namespace {

using test::bytes;
using test::Integers;

/// An LSTM whose gates are neither all saturated nor all nearly linear.
struct Lstm {
  LstmS8Args args{};

  Lstm(std::uint32_t batch, std::uint32_t steps, std::uint32_t inputs, std::uint32_t units, Integers& numbers) {
    auto* input = bytes.take<std::int8_t>(batch * steps * inputs, units);
    auto* weights = bytes.take<std::int8_t>(4 * static_cast<std::size_t>(packed_bytes(units, inputs)), 3);
    auto* recurrent = bytes.take<std::int8_t>(4 * static_cast<std::size_t>(packed_bytes(units, units)), 5);
    auto* bias = bytes.take<std::int32_t>(4 * units);
    auto* recurrent_bias = bytes.take<std::int32_t>(4 * units, 1);
    args.output = bytes.take<std::int8_t>(batch * steps * units, 1);
    args.hidden = bytes.take<std::int8_t>(batch * units, 2);
    args.cell = bytes.take<std::int16_t>(batch * units, 3);
    args.scratch = bytes.take<std::int16_t>(4 * units, 1);
    numbers.fill(input, batch * steps * inputs, -128, 127);
    numbers.fill(weights, 4 * static_cast<std::size_t>(packed_bytes(units, inputs)), -127, 127);
    numbers.fill(recurrent, 4 * static_cast<std::size_t>(packed_bytes(units, units)), -127, 127);
    numbers.fill(bias, 4 * units, -3000, 3000);
    numbers.fill(recurrent_bias, 4 * units, -3000, 3000);
    args.input = input;
    args.weights = weights;
    args.recurrent_weights = recurrent;
    args.bias = bias;
    args.recurrent_bias = recurrent_bias;
    args.batch = batch, args.steps = steps, args.inputs = inputs, args.units = units;
    const float x = 1.0F / static_cast<float>(5000.0 * std::sqrt(static_cast<double>(inputs)));
    const float h = 1.0F / static_cast<float>(5000.0 * std::sqrt(static_cast<double>(units)));
    args.scale =
        lstm_scale(0.05F, {x * 20.0F, x * 30.0F, x * 11.0F, x * 25.0F}, {h * 120.0F, h * 90.0F, h * 70.0F, h * 220.0F},
                   0.0078F, numbers.next() % 2 == 0 ? 0x1p-11F : 0x1p-13F, numbers.next() % 3 == 0 ? 0.75F : 0.0F);
    args.hidden_zero_point = numbers.between(-20, 20);
    args.reverse = numbers.next() % 2 == 0;
  }
  void reset_state() const {
    for (std::size_t i = 0; i < std::size_t{args.batch} * args.units; ++i) {
      args.hidden[i] = static_cast<std::int8_t>(args.hidden_zero_point);
      args.cell[i] = 0;
    }
  }
};

TEST(recurrent_s8, lstm_equals_the_specification) {
  constexpr std::uint32_t kMostUnits = 40;
  for (std::uint32_t seed = 1; seed <= 25; ++seed) {
    Integers numbers(seed);
    bytes.reset();
    const auto draw = [&](int low, int high) { return static_cast<std::uint32_t>(numbers.between(low, high)); };
    const Lstm lstm(draw(1, 3), draw(1, 6), draw(1, 20), draw(1, kMostUnits), numbers);
    const LstmS8Args& args = lstm.args;
    lstm.reset_state();
    for (int run = 0; run < 2; ++run) {  // the second goes on from the first one's state
      std::int8_t hidden[3][kMostUnits];
      std::int16_t cell[3][kMostUnits];
      for (std::size_t n = 0; n < args.batch; ++n)
        for (std::size_t u = 0; u < args.units; ++u) {
          hidden[n][u] = args.hidden[n * args.units + u];
          cell[n][u] = args.cell[n * args.units + u];
        }
      kernels::lstm_s8(args);
      for (std::size_t n = 0; n < args.batch; ++n)
        for (std::size_t i = 0; i < args.steps; ++i) {
          const std::size_t step = n * args.steps + (args.reverse ? args.steps - 1 - i : i);
          std::int8_t next[kMostUnits];
          for (std::size_t u = 0; u < args.units; ++u) {
            const reference::LstmUnit unit =
                reference::lstm_unit(args, args.input + step * args.inputs, hidden[n], cell[n][u], u);
            next[u] = static_cast<std::int8_t>(unit.hidden);
            cell[n][u] = static_cast<std::int16_t>(unit.cell);
            ASSERT_EQ(args.output[step * args.units + u], unit.hidden) << "seed " << seed << ", step " << i;
          }
          for (std::size_t u = 0; u < args.units; ++u) hidden[n][u] = next[u];
        }
      for (std::size_t n = 0; n < args.batch; ++n)
        for (std::size_t u = 0; u < args.units; ++u) {
          ASSERT_EQ(args.hidden[n * args.units + u], hidden[n][u]);
          ASSERT_EQ(args.cell[n * args.units + u], cell[n][u]);
        }
    }
    EXPECT_TRUE(bytes.intact()) << seed;
  }
}

/// Numbers that a script can repeat.
template <class Element>
const Element* series(std::size_t count, std::uint32_t factor) {
  auto* values = bytes.take<Element>(count);
  for (std::size_t i = 0; i < count; ++i)
    values[i] = static_cast<Element>(static_cast<std::int32_t>(i * factor % 251) - 125);
  return values;
}

/// (depth, 4 units) weights as four packed matrices.
const std::int8_t* packed_gates(const std::int8_t* weights, std::size_t depth, std::size_t units) {
  const auto each = static_cast<std::size_t>(packed_bytes(units, depth));
  auto* to = bytes.take<std::int8_t>(4 * each);
  for (std::size_t i = 0; i < 4 * each; ++i) to[i] = 0;
  for (std::size_t column = 0; column < 4 * units; ++column)
    for (std::size_t k = 0; k < depth; ++k)
      to[column / units * each + packed_index(column % units, k, depth)] = weights[k * 4 * units + column];
  return to;
}

TEST(recurrent_s8, lstm_equals_tensorflow_lite_micro) {
  constexpr std::uint32_t kSteps = 7, kInputs = 9, kUnits = 21;
  bytes.reset();
  LstmS8Args args{};
  args.input = series<std::int8_t>(kSteps * kInputs, 7919);
  const auto* weights = series<std::int8_t>(kInputs * 4 * kUnits, 6007);
  const auto* recurrent = series<std::int8_t>(kUnits * 4 * kUnits, 5003);
  auto* bias = bytes.take<std::int32_t>(4 * kUnits);
  auto* recurrent_bias = bytes.take<std::int32_t>(4 * kUnits);
  for (std::size_t o = 0; o < 4 * kUnits; ++o) {  // input zero point 3, hidden zero point -5
    bias[o] = static_cast<std::int32_t>(o * 3001 % 251) - 125, recurrent_bias[o] = 0;
    for (std::size_t k = 0; k < kInputs; ++k) bias[o] -= 3 * weights[k * 4 * kUnits + o];
    for (std::size_t k = 0; k < kUnits; ++k) recurrent_bias[o] += 5 * recurrent[k * 4 * kUnits + o];
  }
  args.weights = packed_gates(weights, kInputs, kUnits);
  args.recurrent_weights = packed_gates(recurrent, kUnits, kUnits);
  args.bias = bias;
  args.recurrent_bias = recurrent_bias;
  args.output = bytes.take<std::int8_t>(kSteps * kUnits);
  args.hidden = bytes.take<std::int8_t>(kUnits);
  args.cell = bytes.take<std::int16_t>(kUnits);
  args.scratch = bytes.take<std::int16_t>(4 * kUnits);
  args.batch = 1, args.steps = kSteps, args.inputs = kInputs, args.units = kUnits;
  args.hidden_zero_point = -5;
  for (std::size_t u = 0; u < kUnits; ++u) args.hidden[u] = -5, args.cell[u] = 0;
  args.scale = lstm_scale(0.0473F, {0.0021F, 0.0031F, 0.0017F, 0.0013F}, {0.0041F, 0.0029F, 0.0037F, 0.0053F}, 0.0079F,
                          0x1p-11F, 0.0F);
  kernels::lstm_s8(args);
  EXPECT_EQ(test::hash_integers(args.output, kSteps * kUnits), 0x62475ABBBBB19FE8U);
  EXPECT_TRUE(bytes.intact());
}

TEST(recurrent_s8, svdf_and_its_features_equal_the_specification) {
  for (std::uint32_t seed = 1; seed <= 40; ++seed) {
    Integers numbers(seed);
    bytes.reset();
    const auto draw = [&](int low, int high) { return static_cast<std::uint32_t>(numbers.between(low, high)); };
    SvdfArgs args{};
    args.batch = draw(1, 3), args.steps = draw(1, 9), args.units = draw(1, 20), args.rank = draw(1, 3);
    const std::uint32_t filters = args.units * args.rank, fan_in = draw(1, 30), rows = args.batch * args.steps;
    auto* input = bytes.take<std::int8_t>(rows * fan_in, seed);
    auto* feature_weights = bytes.take<std::int8_t>(fan_in * filters, seed + 1);
    auto* features = bytes.take<std::int16_t>(rows * filters, seed + 2);
    auto* weights = bytes.take<std::int16_t>(args.steps * filters, seed + 3);
    auto* multipliers = bytes.take<std::int32_t>(filters);
    auto* shifts = bytes.take<std::int8_t>(filters);
    auto* bias = bytes.take<std::int32_t>(args.units);
    args.output = bytes.take<std::int8_t>(args.batch * args.units, seed);
    numbers.fill(input, rows * fan_in, -128, 127);
    numbers.fill(feature_weights, fan_in * filters, -127, 127);
    numbers.fill(weights, args.steps * filters, -12000, 12000);
    numbers.fill(multipliers, filters, 1 << 30, 0x7FFFFFFF);
    numbers.fill(shifts, filters, -4, 0);
    numbers.fill(bias, args.units, -100000, 100000);
    DenseS8S16Args dense{input,   test::packed(feature_weights, fan_in, filters),
                         nullptr, features,
                         rows,    fan_in,
                         filters, {multipliers, shifts}};
    dense.stage.clamp = {-32768, 32767};
    kernels::dense_s8_s16(dense);
    for (std::size_t i = 0; i < rows * filters; ++i) {
      const std::size_t row = i / filters, f = i % filters;
      std::int64_t sum = 0;
      for (std::size_t k = 0; k < fan_in; ++k)
        sum += std::int64_t{input[row * fan_in + k]} * feature_weights[k * filters + f];
      ASSERT_EQ(features[i], reference::staged<std::int8_t>(sum, f, dense.stage)) << "seed " << seed << " at " << i;
    }
    args.input = features;
    args.weights = weights;
    args.bias = seed % 4 == 0 ? nullptr : bias;
    args.multiplier = {numbers.between(1 << 30, 0x7FFFFFFF), -21};
    args.output_zero_point = numbers.between(-128, 127);
    args.clamp = {numbers.between(-128, -60), 127};
    kernels::svdf_s16_s8(args);
    for (std::size_t n = 0; n < args.batch; ++n)
      for (std::size_t u = 0; u < args.units; ++u) {
        std::int64_t sum = args.bias != nullptr ? bias[u] : 0;
        for (std::size_t t = 0; t < args.steps; ++t)
          for (std::size_t r = 0; r < args.rank; ++r)
            sum += std::int64_t{features[(n * args.steps + t) * filters + u * args.rank + r]} *
                   weights[t * filters + u * args.rank + r];
        const std::int64_t value = reference::requantize_twice(sum, args.multiplier) + args.output_zero_point;
        ASSERT_EQ(args.output[n * args.units + u], reference::clamp(value, args.clamp.low, args.clamp.high)) << seed;
      }
    EXPECT_TRUE(bytes.intact()) << seed;
  }
}

}  // namespace
}  // namespace mote
