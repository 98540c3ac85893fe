// SPDX-License-Identifier: Apache-2.0
// Weights of float32 layers, however they are stored, as the int8 numbers of a layer on integers.
#pragma once

#include <span>

#include "mote/model/float16.hpp"
#include "mote/model/fold.hpp"
#include "mote/model/integer_params.hpp"
#include "mote/model/model.hpp"

namespace mote::detail {

/// The multiplier of a sum is not below this, so that biases fit beside weights that are nearly zero.
inline constexpr float kLeastMultiplier = 0x1p-20F;

/// What put_products() takes, of layer `index` and the batch norm behind it (kNoLayer: none). `means`: of the operand's
/// channels or, of dense, elements, by which biases are corrected; empty: they are not.
class QuantizedWeights {
 public:
  QuantizedWeights(const Model& model, std::size_t index, std::size_t norm, const Layer& in, const Layer& made,
                   std::span<const float> means)
      : model_(model), layer_(model.layers[index]), norm_(norm), means_(means), input_(in.quantization.scale) {
    least_ = made.quantization.scale / input_ * kLeastMultiplier;
    terms_ = product_terms(made, in.shape);
    if (layer_.op == Op::conv2d_transpose) channels_ = in.shape.c;
    if (layer_.op == Op::batch_norm) return;
    const std::byte* const params = layer_params(model, index);
    const ParamArrays arrays = param_arrays(layer_, model.input_shape_of(index));
    weights_ = params + arrays.arrays[0].offset;
    if (layer_.has_bias()) bias_ = reinterpret_cast<const float*>(params + arrays.arrays[1].offset);
    if (layer_.param_dtype == DType::s8)
      scales_ = reinterpret_cast<const float*>(params + arrays.arrays[arrays.count - 1].offset);
  }
  [[nodiscard]] std::int32_t weight(std::uint32_t term, std::uint32_t output) const {
    const auto step = static_cast<double>(scale(output));  // which finds the norm's factor, too
    const std::int32_t whole = round_half_away(real(term, output) / step);
    return whole > 127 ? 127 : whole < -127 ? -127 : whole;
  }
  [[nodiscard]] std::int64_t bias(std::uint32_t output) const {
    constexpr std::int32_t kMost = 1 << 29;  // beyond that the value is at an end of its range
    const double given = bias_ == nullptr ? 0.0 : static_cast<double>(bias_[output]);
    const double wanted = norm_ == kNoLayer ? given : channel_norm(model_, norm_, output).offset(given);
    const std::int32_t whole = round_half_away((wanted - added_by_rounding(output)) /
                                               (static_cast<double>(input_) * static_cast<double>(scale(output))));
    return whole > kMost ? kMost : whole < -kMost ? -kMost : whole;
  }
  [[nodiscard]] float scale(std::uint32_t output) const {
    if (output == output_) return scale_;
    output_ = output;
    factor_ = norm_ == kNoLayer ? 1.0 : channel_norm(model_, norm_, output).factor;
    double largest = 0.0;
    for (std::uint32_t k = 0; k < terms_; ++k) {
      const double v = real(k, output);
      largest = v > largest ? v : -v > largest ? -v : largest;
    }
    const auto own = static_cast<float>(largest / 127.0);
    return scale_ = own > least_ ? own : least_;
  }

 private:
  /// What the differences of rounded weights make of the operand's means.
  [[nodiscard]] double added_by_rounding(std::uint32_t output) const {
    const bool depthwise = layer_.op == Op::depthwise_conv2d;
    double sum = 0.0;
    for (std::uint32_t k = 0; k < terms_ && !means_.empty(); ++k) {
      const std::size_t channel = depthwise ? output / layer_.depth_multiplier : k % means_.size();
      const double rounded = weight(k, output) * static_cast<double>(scale(output));
      sum += (rounded - real(k, output)) * static_cast<double>(means_[channel]);
    }
    return sum;
  }
  /// With the norm's factor, rounded to float32 as folding does.
  [[nodiscard]] double real(std::uint32_t term, std::uint32_t output) const {
    if (weights_ == nullptr) return factor_;
    const std::uint32_t outputs = layer_.shape.c;
    std::size_t at = std::size_t{term} * outputs + output;
    if (channels_ != 0) {  // stored turned round
      const std::uint32_t taps = std::uint32_t{layer_.filter_h} * layer_.filter_w;
      at = (std::size_t{taps - 1 - term / channels_} * channels_ + term % channels_) * outputs + output;
    }
    float value = 0.0F;
    if (layer_.param_dtype == DType::s8)
      value = scales_[output] * static_cast<float>(reinterpret_cast<const std::int8_t*>(weights_)[at]);
    else if (layer_.param_dtype == DType::f16)
      value = half_value(reinterpret_cast<const std::uint16_t*>(weights_)[at]);
    else
      value = reinterpret_cast<const float*>(weights_)[at];
    return norm_ == kNoLayer ? static_cast<double>(value)
                             : static_cast<double>(static_cast<float>(static_cast<double>(value) * factor_));
  }

  const Model& model_;
  const Layer& layer_;
  std::size_t norm_;
  std::span<const float> means_;
  float input_, least_ = 0.0F;
  std::uint32_t terms_ = 0, channels_ = 0;
  const std::byte* weights_ = nullptr;
  const float* bias_ = nullptr;
  const float* scales_ = nullptr;
  mutable std::uint32_t output_ = 0xFFFF'FFFFU;
  mutable float scale_ = 0.0F;
  mutable double factor_ = 1.0;
};

}  // namespace mote::detail
