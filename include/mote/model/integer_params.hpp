// SPDX-License-Identifier: Apache-2.0
// What follows from the scales of records for the parameters of layers on integers: multipliers, tables, and weights as
// kernels read them. Whoever makes such layers, of a file or of float32 ones, makes them here; readers of other formats
// compute the same anew.
#pragma once

#include "mote/requirements.hpp"
#ifndef MOTE_WARN_IN_HEADERS
#pragma GCC system_header
#endif

#include <array>
#include <cstddef>
#include <cstdint>

#include "mote/model/element_types.hpp"
#include "mote/model/layer.hpp"
#include "mote/model/lookup_tables.hpp"
#include "mote/model/quantize_multiplier.hpp"
#include "mote/status.hpp"

namespace mote {

struct MultiplierList {
  std::array<QuantizedMultiplier, 3> list{};
  std::size_t count = 0;
  [[nodiscard]] constexpr const QuantizedMultiplier* begin() const { return list.data(); }
  [[nodiscard]] constexpr const QuantizedMultiplier* end() const { return list.data() + count; }
};

/// Multipliers of a layer on integers from scales, in the order of its record; none of one that has none, of products
/// with weights and of lstm, which have other rules. `a`, `b`: the records of its first and second operand (`a` again
/// where there is one). `beta`: by which softmax multiplies its operand.
constexpr MultiplierList multipliers_of(const Layer& layer, const Layer& a, const Layer& b, float beta = 1.0F) {
  const float x = a.quantization.scale, z = b.quantization.scale, y = layer.quantization.scale;
  const auto three = [](const BinaryMultipliers& m) { return MultiplierList{{m.a, m.b, m.output}, 3}; };
  switch (layer.op) {
    case Op::add:
    case Op::sub: return three(add_multipliers(x, z, y, a.dtype));
    case Op::squared_difference: return three(squared_difference_multipliers(x, z, y, a.dtype));
    case Op::mul:
    case Op::matmul: return {{product_multiplier(x, z, y)}, 1};
    case Op::div: return {{div_multiplier(x, z, y)}, 1};
    case Op::prelu: return {{rescale_multiplier(x, y), product_multiplier(x, z, y)}, 2};
    case Op::reduce_mean: {
      std::uint32_t count = 1;
      for (std::size_t axis = 0; axis < 3; ++axis)
        if (((static_cast<unsigned>(layer.args[0]) >> axis) & 1U) != 0)
          count *= axis == 0 ? a.shape.c : axis == 1 ? a.shape.w : a.shape.h;
      return {{mean_multiplier(x, y, count)}, 1};
    }
    case Op::reduce_sum:
    case Op::requantize: return {{rescale_multiplier(x, y)}, 1};
    case Op::softmax:
      return {{a.dtype == DType::s16 ? softmax_s16_multiplier(beta, x) : softmax_scale(beta, x).input}, 1};
    case Op::log_softmax: {
      const SoftmaxScale scale = softmax_scale(1.0F, x);
      return {{scale.input, log_softmax_reverse(scale)}, 2};
    }
    case Op::relu:
      if (a.dtype != DType::s16) return {};
      return {{rescale_multiplier(x, y)}, 1};
    case Op::leaky_relu:
      if (a.dtype != DType::s16) return {};
      return {{rescale_multiplier(x, y), leaky_multiplier(x, y, layer.alpha)}, 2};
    case Op::sigmoid:
    case Op::tanh: {
      if (a.dtype != DType::s16) return {};
      const CurveScale curve = curve_scale(x);
      return {{QuantizedMultiplier{curve.multiplier, curve.shift}}, 1};
    }
    default: break;
  }
  if (!is_comparison(layer.op)) return {};
  const BinaryMultipliers m = compare_multipliers(x, z);
  return {{m.a, m.b}, 2};
}

/// Writes the multipliers of a layer whose parameters are these alone.
inline void put_multipliers(const Layer& layer, const Layer& a, const Layer& b, std::byte* params) {
  const MultiplierList list = multipliers_of(layer, a, b);
  auto* const multipliers = reinterpret_cast<std::int32_t*>(params);
  auto* const shifts = reinterpret_cast<std::int8_t*>(multipliers + list.count);
  for (std::size_t i = 0; i < list.count; ++i)
    multipliers[i] = list.list[i].multiplier, shifts[i] = static_cast<std::int8_t>(list.list[i].shift);
}

/// Units that an int8 layer's value has always; scale 0: any.
constexpr Quantization fixed_units(Op op) {
  switch (op) {
    case Op::sigmoid:
    case Op::softmax: return {0x1p-8F, -128};
    case Op::tanh:
    case Op::l2_norm: return {0x1p-7F, 0};
    case Op::log_softmax: return {0x1p-4F, 127};
    default: return {};
  }
}

/// Whether the multipliers by which own_table() works shift values of 8 bits within 32.
constexpr bool table_shifts_fit(const Layer& layer, const Quantization& in) {
  constexpr std::int32_t kMost = 30;
  const float out = layer.quantization.scale;
  if (layer.op == Op::sigmoid || layer.op == Op::tanh)
    return quantize_multiplier(static_cast<double>(in.scale) * 0x1p27).shift <= kMost;
  if (layer.op == Op::leaky_relu && layer.alpha != 0.0F &&
      leaky_multiplier(in.scale, out, layer.alpha < 0.0F ? -layer.alpha : layer.alpha).shift > kMost)
    return false;
  return rescale_multiplier(in.scale, out).shift <= kMost;
}

/// The table of an activation on int8 that TensorFlow Lite computes by a rule of its own; false where there is none, or
/// the scales are too far apart for it.
constexpr bool own_table(const Layer& layer, const Quantization& in, LookupTable& table) {
  const Quantization& out = layer.quantization;
  if (!table_shifts_fit(layer, in)) return false;
  switch (layer.op) {
    case Op::relu: return table = relu_table(in, out), true;
    case Op::relu6: return table = relu_table(in, out, 6.0F), true;
    case Op::clip: return table = requantize_table(in, out, activation_range(layer.alpha, layer.beta, out, {})), true;
    case Op::leaky_relu: return table = leaky_relu_table(in, out, layer.alpha), true;
    case Op::elu: return table = elu_table(in, out), true;
    case Op::hard_swish: return table = hard_swish_table(in, out), true;
    case Op::abs: return table = abs_table(in, out), true;
    case Op::sigmoid: return table = sigmoid_table(in), true;
    case Op::tanh: return table = tanh_table(in), true;
    default: return false;
  }
}

/// Products in a sum of a layer that applies weights to an operand of shape `in`.
constexpr std::uint32_t product_terms(const Layer& layer, const Shape& in) {
  const std::uint32_t taps = std::uint32_t{layer.filter_h} * layer.filter_w;
  if (layer.op == Op::dense) return static_cast<std::uint32_t>(in.elements());
  return layer.op == Op::depthwise_conv2d ? taps : taps * in.c;
}

/// Fills the parameters of dense, conv2d, depthwise_conv2d or conv2d_transpose on integers. `in`: the operand's record.
/// `from` has, for terms in the order filter_h, filter_w, channels: weight(term, output), stored int8 numbers whose
/// zero point is layer.args[0]; bias(output), in units of the sums; scale(output) of its weights.
/// Error: bad_multiplier (detail: the output whose bias, with the operand's zero point in it, is out of range).
template <class Source>
Status put_products(const Layer& layer, const Layer& in, const Source& from, std::byte* params) {
  const ParamArrays arrays = param_arrays(layer, in.shape);
  const std::uint32_t terms = product_terms(layer, in.shape), outputs = layer.shape.c, in_c = in.shape.c;
  const bool transposed = layer.op == Op::conv2d_transpose, packed = !transposed && layer.op != Op::depthwise_conv2d;
  const std::int64_t zero = transposed ? 0 : layer.args[0];
  const std::int64_t sums = std::int64_t{terms} * (zero == 0 && !transposed ? 128 * 128 : 128 * 255);
  const std::int64_t room = 0x7FFF'FFFF - (in.dtype == DType::s8 ? sums : 0);
  std::size_t at = 0;
  auto* const weights = reinterpret_cast<std::int8_t*>(params + arrays.arrays[at++].offset);
  const auto words = [&] { return reinterpret_cast<std::int32_t*>(params + arrays.arrays[at++].offset); };
  std::int32_t* const biases = layer.has_bias() ? words() : nullptr;
  std::int32_t* const sums_of_weights = packed ? words() : nullptr;
  std::int32_t* const multipliers = words();
  auto* const shifts = reinterpret_cast<std::int8_t*>(params + arrays.arrays[at].offset);
  if (packed)
    for (std::uint32_t i = 0; i < arrays.arrays[0].count; ++i) weights[i] = 0;
  for (std::uint32_t o = 0; o < outputs; ++o) {
    std::int64_t sum = 0;
    for (std::uint32_t k = 0; k < terms; ++k) {
      const auto weight = static_cast<std::int8_t>(from.weight(k, o));
      const std::size_t place = packed       ? packed_index(o, k, terms)
                                : transposed ? (std::size_t{k / in_c} * outputs + o) * in_c + k % in_c
                                             : std::size_t{k} * outputs + o;
      weights[place] = weight;
      sum += weight;
    }
    const std::int64_t folded =
        biases == nullptr ? 0 : from.bias(o) - (transposed ? 0 : in.quantization.zero_point * (sum - zero * terms));
    if (folded < -room || folded > room) return {Code::bad_multiplier, kNoLayer, o};
    if (biases != nullptr) biases[o] = static_cast<std::int32_t>(folded);
    if (packed) sums_of_weights[o] = static_cast<std::int32_t>(sum);
    const QuantizedMultiplier q = product_multiplier(in.quantization.scale, from.scale(o), layer.quantization.scale);
    multipliers[o] = q.multiplier, shifts[o] = static_cast<std::int8_t>(q.shift);
  }
  return {};
}

}  // namespace mote
