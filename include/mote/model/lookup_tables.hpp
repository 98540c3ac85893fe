// SPDX-License-Identifier: Apache-2.0
// Functions of one 8-bit integer as 256 bytes, exactly as TensorFlow Lite Micro computes each value, and the tables of
// its 16-bit sigmoid, tanh and softmax. constexpr, without libm: a table may be made by the compiler or by a planner.
#pragma once

#include "mote/requirements.hpp"
#ifndef MOTE_WARN_IN_HEADERS
#pragma GCC system_header
#endif

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "mote/arithmetic.hpp"
#include "mote/model/fixed_point.hpp"
#include "mote/model/quantize_multiplier.hpp"
#include "mote/types.hpp"

namespace mote {

/// The output for an input x stands at its byte, static_cast<std::uint8_t>(x).
using LookupTable = std::array<std::int8_t, 256>;

namespace tables {

/// table[x] = clamp(value(x)) for every x from -128 to 127.
template <class Value>
constexpr LookupTable tabulate(const QuantizedRange& range, const Value& value) {
  LookupTable table{};
  for (std::int32_t x = -128; x <= 127; ++x)
    table[static_cast<std::uint8_t>(x)] = static_cast<std::int8_t>(range.clamp(value(x)));
  return table;
}

/// e^x with an error below 2^-51 of it for |x| < 700.
constexpr double exp(double x) {
  constexpr double kLog2High = 0x1.62E42FEFA38p-1, kLog2Low = 0x1.EF35793C7673p-45;
  const std::int32_t power = round_half_away(x * 1.4426950408889634);
  const double rest = (x - detail::product(power, kLog2High)) - detail::product(power, kLog2Low);
  double sum = 1.0;
  for (int k = 14; k > 0; --k) sum = 1.0 + sum * rest / k;
  return sum * std::bit_cast<double>(static_cast<std::uint64_t>(1023 + power) << 52);
}

/// e^x - 1 for -700 < x <= 0, relative error below 2^-50.
constexpr double exp_minus_one(double x) {
  if (x < -0.5) return exp(x) - 1.0;
  double sum = 1.0;
  for (int k = 16; k > 1; --k) sum = 1.0 + sum * x / k;
  return sum * x;
}

/// Differences to the zero point from this one on saturate: floor(15 2^27 / 2^shift).
constexpr std::int32_t saturating_difference(const QuantizedMultiplier& q) {
  return static_cast<std::int32_t>((std::int64_t{15} << 27) >> (q.shift > 0 ? q.shift : 0));
}

/// sigmoid and tanh: Q4.27 in, Q0.31 out, of which the upper bits are kept.
template <class Function>
constexpr LookupTable saturating(const Quantization& input, std::int32_t output_bits, std::int32_t zero_point,
                                 const Function& function) {
  const QuantizedMultiplier q = quantize_multiplier(static_cast<double>(input.scale) * 0x1p27);
  const std::int32_t end = saturating_difference(q);
  return tabulate({}, [&](std::int32_t x) -> std::int32_t {
    const std::int32_t difference = x - input.zero_point;
    if (difference <= -end) return -128;
    if (difference >= end) return 127;
    return fixed_point::divide_by_power(function(requantize(difference, q)), 31 - output_bits) + zero_point;
  });
}

}  // namespace tables

/// The output has scale 1/256 and zero point -128; for tanh 1/128 and 0.
constexpr LookupTable sigmoid_table(const Quantization& input) {
  return tables::saturating(input, 8, -128, fixed_point::sigmoid);
}
constexpr LookupTable tanh_table(const Quantization& input) {
  return tables::saturating(input, 7, 0, fixed_point::tanh);
}

/// Any function of reals, computed in float32: input and output values by their scales. relu, relu6 and clip have
/// tables of their own, which do not go through reals.
template <class Function>
constexpr LookupTable function_table(const Quantization& input, const Quantization& output, const Function& function) {
  const float inverse = 1.0F / output.scale;
  return tables::tabulate({}, [&](std::int32_t x) -> std::int32_t {
    const float real = function(input.scale * static_cast<float>(x - input.zero_point));
    const float scaled = real * inverse;
    const std::int32_t value = round_half_away(static_cast<double>(scaled));
    return value > 512 ? 127 : value < -512 ? -128 : value + output.zero_point;
  });
}

constexpr LookupTable elu_table(const Quantization& input, const Quantization& output) {
  return function_table(input, output, [](float x) -> float {
    if (x >= 0.0F) return x;
    return x < -100.0F ? -1.0F : static_cast<float>(tables::exp_minus_one(static_cast<double>(x)));
  });
}

/// Another scale and zero point, and what an activation leaves of the range.
constexpr LookupTable requantize_table(const Quantization& input, const Quantization& output,
                                       const QuantizedRange& range = {}) {
  const QuantizedMultiplier q = rescale_multiplier(input.scale, output.scale);
  return tables::tabulate(range,
                          [&](std::int32_t x) { return requantize(x - input.zero_point, q) + output.zero_point; });
}

/// relu as an operator of its own; `high`: 1 or 6 where another quantisation goes with relu1 or relu6.
constexpr LookupTable relu_table(const Quantization& input, const Quantization& output, float high = __builtin_inff()) {
  return requantize_table(input, output, activation_range(0.0F, high, output, {}));
}

/// Input and output have one scale and zero point: values between those of `low` and `high`.
constexpr LookupTable clip_table(const Quantization& quantization, float low, float high) {
  return tables::tabulate(activation_range(low, high, quantization, {}), [](std::int32_t x) { return x; });
}

constexpr LookupTable leaky_relu_table(const Quantization& input, const Quantization& output, float alpha) {
  const QuantizedMultiplier positive = rescale_multiplier(input.scale, output.scale);
  const QuantizedMultiplier negative = leaky_multiplier(input.scale, output.scale, alpha < 0.0F ? -alpha : alpha);
  return tables::tabulate({}, [&](std::int32_t x) {
    const std::int32_t difference = x - input.zero_point;
    if (difference >= 0) return requantize(difference, positive) + output.zero_point;
    return requantize(alpha < 0.0F ? -difference : difference, negative) + output.zero_point;
  });
}

constexpr LookupTable abs_table(const Quantization& input, const Quantization& output) {
  const QuantizedMultiplier q = rescale_multiplier(input.scale, output.scale);
  return tables::tabulate({}, [&](std::int32_t x) {
    const std::int32_t difference = x - input.zero_point;
    return requantize(difference < 0 ? -difference : difference, q) + output.zero_point;
  });
}

namespace tables {

constexpr std::int32_t clamp_16(std::int32_t value) { return QuantizedRange{-32768, 32767}.clamp(value); }
/// a b / 2^15, halves up.
constexpr std::int32_t high_product_16(std::int32_t a, std::int32_t b) {
  return a == -32768 && b == -32768 ? 32767 : (a * b + (1 << 14)) >> 15;
}

}  // namespace tables

/// x min(max(x + 3, 0), 6) / 6 on 16-bit integers.
constexpr LookupTable hard_swish_table(const Quantization& input, const Quantization& output) {
  const float fine = (1.0F / 128.0F) * input.scale, reluish = 3.0F / 32768.0F;
  const auto sixteen = [](const QuantizedMultiplier& q) {
    return q.multiplier >= 0x7FFF8000 ? 32767 : (q.multiplier + (1 << 15)) >> 16;
  };
  const QuantizedMultiplier to_output = quantize_multiplier(static_cast<double>(fine / output.scale));
  const QuantizedMultiplier to_gate = quantize_multiplier(static_cast<double>(fine / reluish));
  return tables::tabulate({}, [&](std::int32_t x) {
    const std::int32_t value = (x - input.zero_point) * 128;
    std::int32_t gate = value;
    if (to_gate.shift > 0)
      gate = tables::clamp_16(fixed_point::saturating_shift_left(gate, to_gate.shift < 32 ? to_gate.shift - 1 : 31));
    gate = tables::high_product_16(gate, sixteen(to_gate));
    if (to_gate.shift > 0) gate = tables::clamp_16(gate * 2);
    if (to_gate.shift < 0) gate = fixed_point::divide_by_power(gate, -to_gate.shift);
    gate = (gate + 32768) >> 1;
    const std::int32_t product = gate * tables::high_product_16(value, sixteen(to_output)) / 32768;
    return fixed_point::divide_by_power(product, to_output.shift < 0 ? -to_output.shift : 0) + output.zero_point;
  });
}

namespace tables {

/// sigmoid(i / 24) in units of 2^-16, raised by half of what a line to the next value misses in its middle; the last
/// line ends at 1.
constexpr std::array<std::uint16_t, 256> sigmoid_16() {
  const auto sigmoid = [](double x) { return 65536.0 / (1.0 + exp(-x)); };
  std::array<std::uint16_t, 256> table{};
  for (std::size_t i = 0; i < table.size(); ++i) {
    const double x = static_cast<double>(i), here = sigmoid(x / 24.0), next = sigmoid((x + 1.0) / 24.0);
    const double missed = sigmoid((x + 0.5) / 24.0) - (here + next) / 2.0;
    table[i] = static_cast<std::uint16_t>(round_half_away(here + missed / 2.0));
  }
  table[255] = 65535;
  return table;
}

using Segments = std::array<std::int16_t, 513>;

/// 512 line segments of a function from `low` to `high` in units of 2^-15, moved so that they miss as much at the ends
/// as in the middle. The function's values, and the sum of two, are float32.
template <class Function>
constexpr Segments segments(double low, double high, const Function& function) {
  Segments table{};
  const double step = (high - low) / 512.0;
  const auto unit = [](double real) { return static_cast<double>(round_half_away(real)); };
  const auto value = [&](double x) { return static_cast<double>(static_cast<float>(function(x))) * 32768.0; };
  for (std::size_t i = 0; i < 512; ++i) {
    const double at = low + static_cast<double>(i) * step;
    const double here = unit(value(at)), middle = unit(value(at + step / 2.0));
    const double line = unit(static_cast<double>(static_cast<float>(value(at + step) + here)) / 2.0);
    const double bias = unit((line - middle) / 2.0);
    table[i] = static_cast<std::int16_t>(clamp_16(static_cast<std::int32_t>(here - bias)));
  }
  table[512] = static_cast<std::int16_t>(clamp_16(round_half_away(value(high))));
  return table;
}

}  // namespace tables

/// Differences to a row's largest element in units of 10 / 65535: what softmax_s16 multiplies by.
constexpr QuantizedMultiplier softmax_s16_multiplier(float beta, float input) {
  return quantize_multiplier(static_cast<double>(input) * static_cast<double>(beta) / (10.0 / 65535.0));
}

}  // namespace mote
