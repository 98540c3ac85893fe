// SPDX-License-Identifier: Apache-2.0
// From the scales of quantised tensors to the integers that kernels compute with, as TensorFlow Lite Micro makes them:
// which products are rounded to float32 first is part of the rule, the last bits of a multiplier depend on it.
// constexpr, without libm: importer, planner and compiler get the same numbers.
#pragma once

#include "mote/requirements.hpp"
#ifndef MOTE_WARN_IN_HEADERS
#pragma GCC system_header
#endif

#include <algorithm>
#include <bit>
#include <cstdint>
#include <limits>

#include "mote/model/fixed_point.hpp"
#include "mote/types.hpp"

namespace mote {

/// `real` as mantissa and exponent, the mantissa rounded half up; 0 below 2^-32, and for what is not positive.
constexpr QuantizedMultiplier quantize_multiplier(double real) {
  constexpr std::uint64_t kMantissa = (std::uint64_t{1} << 52) - 1;
  if (!(real > 0.0)) return {};
  int exponent = 0;
  if (real < 0x1p-1000) real *= 0x1p+100, exponent = -100;  // a denormal has no leading 1
  const auto bits = std::bit_cast<std::uint64_t>(real);
  exponent += static_cast<int>(bits >> 52) - 1022;  // real = f 2^exponent, f in [1/2, 1)
  const std::uint64_t f = (bits & kMantissa) | (kMantissa + 1);
  std::uint64_t rounded = (f + (std::uint64_t{1} << 21)) >> 22;
  if (rounded == std::uint64_t{1} << 31) rounded >>= 1, ++exponent;
  if (exponent < -31) return {};
  return {static_cast<std::int32_t>(rounded), exponent};
}

/// Lowest and highest value that an output may have, in its own units.
struct QuantizedRange {
  std::int32_t low = -128, high = 127;
  [[nodiscard]] [[gnu::always_inline]] constexpr std::int32_t clamp(std::int32_t value) const {
    return value < low ? low : value > high ? high : value;
  }
  friend constexpr bool operator==(const QuantizedRange&, const QuantizedRange&) = default;
};

/// Everything that an element type can hold: s8, u8, s16, s32.
constexpr QuantizedRange range_of(DType type) {
  switch (type) {
    case DType::s8: return {-128, 127};
    case DType::u8: return {0, 255};
    case DType::s16: return {-32768, 32767};
    default: return {std::numeric_limits<std::int32_t>::min(), std::numeric_limits<std::int32_t>::max()};
  }
}

/// The nearest integer, halves away from zero; out of range saturates, NaN is 0.
constexpr std::int32_t round_half_away(double value) {
  if (!(value == value)) return 0;
  if (value >= 2147483647.0) return std::numeric_limits<std::int32_t>::max();
  if (value <= -2147483648.0) return std::numeric_limits<std::int32_t>::min();
  const auto whole = static_cast<std::int32_t>(value);
  const double rest = value - whole;
  return whole + (rest >= 0.5 ? 1 : rest <= -0.5 ? -1 : 0);
}

/// A real number in a tensor's units, clamped to its range.
constexpr std::int32_t quantize_value(float real, const Quantization& q, const QuantizedRange& range) {
  const std::int64_t value = std::int64_t{round_half_away(static_cast<double>(real / q.scale))} + q.zero_point;
  return static_cast<std::int32_t>(std::clamp(value, std::int64_t{range.low}, std::int64_t{range.high}));
}

/// What a fused activation leaves of the range: real outputs between `low` and `high`, infinite where there is no
/// bound.
constexpr QuantizedRange activation_range(float low, float high, const Quantization& output,
                                          const QuantizedRange& range) {
  QuantizedRange result = range;
  if (low > -__builtin_inff()) result.low = quantize_value(low, output, range);
  if (high < __builtin_inff()) result.high = quantize_value(high, output, range);
  return result;
}

/// dense, convolutions, mul, matmul, both halves of SVDF: the product of two scales by the output's. Nothing is rounded
/// to float32 on the way, whether there is one weight scale or one for each output (older kernels of TensorFlow Lite
/// did so for dense layers).
constexpr QuantizedMultiplier product_multiplier(float a, float b, float output) {
  return quantize_multiplier(static_cast<double>(a) * static_cast<double>(b) / static_cast<double>(output));
}
/// requantize, relu, leaky_relu for x >= 0, prelu for x >= 0: input scale by output scale.
constexpr QuantizedMultiplier rescale_multiplier(float input, float output) {
  return quantize_multiplier(static_cast<double>(input) / static_cast<double>(output));
}
/// leaky_relu for x < 0.
constexpr QuantizedMultiplier leaky_multiplier(float input, float output, float alpha) {
  return quantize_multiplier(static_cast<double>(input) * static_cast<double>(alpha) / static_cast<double>(output));
}

/// Two operands brought to a common scale and back: (x << left_shift) times its multiplier.
struct BinaryMultipliers {
  QuantizedMultiplier a, b, output;
  std::int32_t left_shift = 0;
};

/// add and sub: the common scale is twice the larger one.
constexpr BinaryMultipliers add_multipliers(float a, float b, float output, DType type) {
  const int left = type == DType::s16 ? 15 : 20;
  const double twice = 2.0 * static_cast<double>(a > b ? a : b);
  return {quantize_multiplier(static_cast<double>(a) / twice), quantize_multiplier(static_cast<double>(b) / twice),
          quantize_multiplier(twice / (static_cast<double>(1 << left) * static_cast<double>(output))), left};
}
constexpr BinaryMultipliers squared_difference_multipliers(float a, float b, float output, DType type) {
  const int left = type == DType::s16 ? 0 : 7;
  const double twice = 2.0 * static_cast<double>(a > b ? a : b);
  return {quantize_multiplier(static_cast<double>(a) / twice), quantize_multiplier(static_cast<double>(b) / twice),
          quantize_multiplier(twice * twice / (static_cast<double>(1 << (left * 2)) * static_cast<double>(output))),
          left};
}
/// Comparisons: each operand by its own scale.
constexpr BinaryMultipliers compare_multipliers(float a, float b) {
  return {quantize_multiplier(static_cast<double>(a)), quantize_multiplier(static_cast<double>(b)), {}, 8};
}
constexpr QuantizedMultiplier div_multiplier(float a, float b, float output) {
  return quantize_multiplier(static_cast<double>(a) / (static_cast<double>(b) * static_cast<double>(output)));
}

/// reduce_mean of `count` elements: the division is part of the multiplier.
constexpr QuantizedMultiplier mean_multiplier(float input, float output, std::uint32_t count) {
  QuantizedMultiplier q = rescale_multiplier(input, output);
  const std::int32_t room = std::min<std::int32_t>(32, 31 + q.shift);
  const std::int32_t bits = std::min<std::int32_t>(63 - std::countl_zero(std::uint64_t{count}), room);
  q.multiplier = static_cast<std::int32_t>((std::int64_t{q.multiplier} << bits) / count);
  q.shift -= bits;
  return q;
}

/// Differences to a row's largest element, scaled to Q5.26; those below `lowest` are taken for minus infinity.
struct SoftmaxScale {
  QuantizedMultiplier input;
  std::int32_t lowest = 0;
};
constexpr SoftmaxScale softmax_scale_of(QuantizedMultiplier input) {
  // floor(31 2^26 / 2^shift)
  const std::int64_t radius = input.shift >= 0 ? (std::int64_t{31} << 26) >> input.shift : std::int64_t{31} << 26;
  return {input, static_cast<std::int32_t>(-radius)};
}
constexpr SoftmaxScale softmax_scale(float beta, float input) {
  return softmax_scale_of(quantize_multiplier(
      std::min<double>(static_cast<double>(beta) * static_cast<double>(input) * 0x1p26, 2147483647.0)));
}

/// log_softmax_s8: the reciprocal of softmax_scale()'s multiplier.
constexpr QuantizedMultiplier log_softmax_reverse(const SoftmaxScale& scale) {
  const double power = std::bit_cast<double>(static_cast<std::uint64_t>(1023 + scale.input.shift) << 52);
  return quantize_multiplier(0x1p31 / (static_cast<double>(scale.input.multiplier) * power));
}

/// 16-bit sigmoid and tanh: inputs are brought to steps of 1 / (3 4096) by `multiplier` and a shift to the right.
struct CurveScale {
  std::int32_t multiplier = 3, shift = 0;
};
constexpr CurveScale curve_scale(float input) {
  CurveScale scale{};
  double real = static_cast<double>(input) * 4096.0;
  for (std::int32_t left = 0; left <= 15; ++left, real /= 2.0)  // a power of 2 from 2^-12 on needs no division
    if (real == 1.0) return {3 * (1 << left), 0};
  real = static_cast<double>(input) * 4096.0 * 3.0;
  while (real <= 32767.0 / 2.0 && scale.shift <= 30) real *= 2.0, ++scale.shift;
  scale.multiplier = static_cast<std::int32_t>(std::min<double>(real, 2147483647.0));
  return scale;
}

/// An LSTM of 8-bit activations: gates in the order i f g o.
struct LstmScale {
  QuantizedMultiplier input[4], recurrent[4];
  QuantizedMultiplier cell;    // of the product of input gate and candidate, to the cell's scale
  QuantizedMultiplier hidden;  // of the product of output gate and tanh(cell), to the output's scale
  CurveScale tanh;             // of the cell
  std::int32_t cell_clip = 0;  // 0: none
};
/// `weights`, `recurrent`: one scale a gate. The cell's scale is a power of 2.
constexpr LstmScale lstm_scale(float input, const float (&weights)[4], const float (&recurrent)[4], float hidden,
                               float cell, float cell_clip) {
  LstmScale scale{};
  for (int gate = 0; gate < 4; ++gate) {
    scale.input[gate] = product_multiplier(input, weights[gate], 0x1p-12F);
    scale.recurrent[gate] = product_multiplier(hidden, recurrent[gate], 0x1p-12F);
  }
  scale.cell = quantize_multiplier(0x1p-30 / static_cast<double>(cell));
  scale.hidden = quantize_multiplier(0x1p-30 / static_cast<double>(hidden));
  scale.tanh = curve_scale(cell);
  scale.cell_clip = std::min<std::int32_t>(round_half_away(static_cast<double>(cell_clip / cell)), 32767);
  return scale;
}

}  // namespace mote
