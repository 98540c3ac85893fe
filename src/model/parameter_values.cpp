// SPDX-License-Identifier: Apache-2.0
// What the values of parameters must be, beside lying where the records say.
#include <algorithm>

#include "mote/model/element_types.hpp"
#include "mote/model/fixed_point.hpp"
#include "mote/model/int8_units.hpp"
#include "mote/model/model.hpp"

namespace mote {

Status validate_variances(const Model& model) {
  for (std::size_t i = 0; i < model.layers.size(); ++i) {
    const std::byte* const params = model.layers[i].op == Op::batch_norm ? layer_params(model, i) : nullptr;
    if (params == nullptr) continue;
    const std::uint32_t channels = model.layers[i].shape.c;
    const auto* const variances = reinterpret_cast<const float*>(params) + 3 * std::size_t{channels};
    for (std::uint32_t c = 0; c < channels; ++c)
      if (!(variances[c] >= 0.0F && detail::finite(variances[c])))
        return {Code::bad_variance, static_cast<std::uint16_t>(i), c};
  }
  return {};
}

Status validate_ranges(const Model& model) {
  for (std::size_t i = 0; i < model.layers.size(); ++i) {
    const std::byte* const params = model.layers[i].op == Op::fake_quantize ? layer_params(model, i) : nullptr;
    if (params == nullptr) continue;
    const auto* const ends = reinterpret_cast<const float*>(params);
    if (!is_range({ends[0], ends[1]})) return {Code::bad_range, static_cast<std::uint16_t>(i)};
  }
  return {};
}

namespace {

/// 1/2 or less: what brings an operand to the common scale of two.
bool halves(QuantizedMultiplier q) { return q.shift < 0 || (q.shift == 0 && q.multiplier <= 1 << 30); }

/// Whether number `i` of the layer's multipliers keeps the kernels' sums in their types.
bool multiplier_fits(const Layer& layer, DType first, std::size_t i, QuantizedMultiplier q) {
  if (q.multiplier < 0 || q.shift < -31 || q.shift > 30) return false;
  const Op op = layer.op;
  const bool curve = first == DType::s16 ? op == Op::sigmoid || op == Op::tanh
                                         : op == Op::lstm && i + 1 == kLstmMultipliers;  // of its cell
  if (curve) return q.multiplier <= 1 << 16 && q.shift >= 0;
  const bool wide = op == Op::conv2d_transpose || layer.args[1] == 0;  // 64-bit sums take 16 bits of the multiplier
  if (first == DType::s16 && applies_weights(op) && wide) q.shift += 16;
  const bool sum = op == Op::add || op == Op::sub || op == Op::squared_difference;
  return q.shift <= 30 && (!sum || i == 2 || halves({q.multiplier, q.shift}));
}

/// Largest bias that the products on top of it leave within 32 bits; those of int16 are summed in 64.
std::int64_t most_bias(const Layer& layer, const Shape& in, DType first) {
  constexpr std::int64_t kMost = 0x7FFF'FFFF;
  if (first != DType::s8) return kMost;
  const std::int64_t taps = std::int64_t{layer.filter_h} * layer.filter_w;
  const std::int64_t terms = layer.op == Op::dense              ? static_cast<std::int64_t>(in.elements())
                             : layer.op == Op::lstm             ? std::max(in.c, layer.shape.c)
                             : layer.op == Op::depthwise_conv2d ? taps
                                                                : taps * in.c;
  const bool centred = layer.op != Op::conv2d_transpose && (layer.op == Op::lstm || layer.args[0] == 0);
  return std::max<std::int64_t>(0, kMost - terms * (centred ? 128 * 128 : 128 * 255));
}

Status validate_layer_multipliers(const Model& model, std::size_t index, const std::byte* params) {
  const Layer& layer = model.layers[index];
  const DType first = model.layers[model.operand(index)].dtype;
  const std::int64_t most = most_bias(layer, model.input_shape_of(index), first);
  const std::int32_t* multipliers = nullptr;
  for (const ParamArray& array : param_arrays(layer, model.input_shape_of(index))) {
    const auto* words = reinterpret_cast<const std::int32_t*>(params + array.offset);
    const auto* bytes = reinterpret_cast<const std::int8_t*>(params + array.offset);
    const bool shifts = array.name[0] == 's' && array.dtype == DType::s8;
    if (array.dtype != DType::s32 && !shifts) continue;  // weights and tables are as they are
    const bool factors = array.name[0] == 'm';
    if (factors) multipliers = words;
    for (std::uint32_t i = 0; i < array.count && !factors; ++i) {
      const bool fits =
          shifts ? multiplier_fits(layer, first, i, {multipliers[i], bytes[i]}) : words[i] >= -most && words[i] <= most;
      if (!fits) return {Code::bad_multiplier, static_cast<std::uint16_t>(index), i};
    }
  }
  return {};
}

}  // namespace

Status validate_multipliers(const Model& model) {
  for (std::size_t i = 0; i < model.layers.size(); ++i) {
    const Layer& layer = model.layers[i];
    const std::byte* const params = on_integers(layer) ? layer_params(model, i) : nullptr;
    if (params != nullptr) MOTE_TRY(validate_layer_multipliers(model, i, params));
  }
  return {};
}

Status require_finite(const Model& model) {
  for (std::size_t i = 0; i < model.layers.size(); ++i) {
    const Layer& layer = model.layers[i];
    const bool given = layer.op == Op::constant || layer.param_bytes == 0;  // a mask may be infinite
    const std::byte* const params = given ? nullptr : layer_params(model, i);
    if (params == nullptr) continue;
    std::uint32_t before = 0;
    for (const ParamArray& array : param_arrays(layer, model.input_shape_of(i))) {
      const auto* const values = reinterpret_cast<const float*>(params + array.offset);
      for (std::uint32_t k = 0; array.dtype == DType::f32 && k < array.count; ++k)
        if (!detail::finite(values[k])) return {Code::non_finite_parameter, static_cast<std::uint16_t>(i), before + k};
      before += array.count;
    }
  }
  return {};
}

}  // namespace mote
