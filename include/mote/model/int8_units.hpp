// SPDX-License-Identifier: Apache-2.0
// What the 256 steps of int8 stand for, and which of them a number becomes: the rule of the quantiser, and of layers
// that compute in float32 as the int8 model will (fake_quantize, rounded weights). constexpr and without libm: the
// same bits everywhere.
#pragma once

#include "mote/requirements.hpp"
#ifndef MOTE_WARN_IN_HEADERS
#pragma GCC system_header
#endif

#include <cstdint>

#include "mote/model/layer.hpp"
#include "mote/model/quantize_multiplier.hpp"

namespace mote {

/// Real numbers from `low` to `high`.
struct RealRange {
  float low = 0.0F, high = 0.0F;
  friend constexpr bool operator==(const RealRange&, const RealRange&) = default;
};

/// Units of int8 for a range, TensorFlow Lite's rule: 0 is in it and one of the steps, scale = (high - low) / 255. A
/// range of nothing but 0 gets the scale 1/128.
constexpr Quantization int8_units(const RealRange& range) {
  constexpr double kSteps = 255.0;
  const double low = range.low < 0.0F ? static_cast<double>(range.low) : 0.0;
  const double high = range.high > 0.0F ? static_cast<double>(range.high) : 0.0;
  const auto scale = static_cast<float>((high - low) / kSteps);
  constexpr float kLeast = 0x1p-100F;
  if (!(scale > kLeast)) return {0x1p-7F, 0};
  const std::int32_t zero = round_half_away(-128.0 - low / static_cast<double>(scale));
  return {scale, zero < -128 ? -128 : zero > 127 ? 127 : zero};
}

/// The numbers of the outermost steps: the range with its ends moved, by half a step at most, so that 0 is a step.
constexpr RealRange int8_range(const Quantization& units) {
  return {units.scale * static_cast<float>(-128 - units.zero_point),
          units.scale * static_cast<float>(127 - units.zero_point)};
}

/// A range as fake_quantize has it: finite, 0 in it, and not empty.
constexpr bool is_range(const RealRange& range) {
  return range.low <= 0.0F && range.high >= 0.0F && range.low < range.high && range.low > -__builtin_inff() &&
         range.high < __builtin_inff();
}
/// What of a range a training step leaves: ends that crossed 0 are brought back.
constexpr RealRange nearest_range(const RealRange& range) {
  constexpr float kNarrowest = 0x1p-90F;
  RealRange out{range.low < 0.0F ? range.low : 0.0F, range.high > 0.0F ? range.high : 0.0F};
  if (!(out.high - out.low >= kNarrowest)) out.high = kNarrowest;
  return out;
}

/// Weights become -127 … 127, with 0 for 0 and a scale for each output channel, whose largest magnitude is `largest`.
/// A channel of zeros has the scale 0.
constexpr float int8_weight_scale(float largest) { return largest / 127.0F; }
/// The integer of a weight: value / scale in float32, halves away from 0.
constexpr std::int32_t int8_weight(float value, float scale) {
  const std::int32_t whole = scale > 0.0F ? round_half_away(static_cast<double>(value / scale)) : 0;
  return whole > 127 ? 127 : whole < -127 ? -127 : whole;
}

/// Layers on float32 whose weights may be rounded to int8 steps (Layer::kRoundedWeights): steps forward and of the
/// gradient that goes through compute with scale × integer, the weights' own gradient goes straight through to the
/// float32 weights.
constexpr bool may_round_weights(Op op) {
  return op == Op::dense || op == Op::conv2d || op == Op::depthwise_conv2d || op == Op::conv2d_transpose;
}
constexpr bool rounds_weights(const Layer& layer) { return (layer.flags & Layer::kRoundedWeights) != 0; }
/// Steps of the layer compute with other weights than those that are stored, which they have in scratch.
constexpr bool widens_weights(const Layer& layer) { return stores_narrow_weights(layer) || rounds_weights(layer); }

}  // namespace mote
