// SPDX-License-Identifier: Apache-2.0
// First values of parameters. Each layer's numbers depend on (seed, its index) alone, with the same bits everywhere.
// Fans come from param_arrays() (layer.hpp); nothing here knows of plans or arenas.
#pragma once

#include "mote/requirements.hpp"
#ifndef MOTE_WARN_IN_HEADERS
#pragma GCC system_header
#endif

#include <cstddef>
#include <cstdint>

#include "mote/model/layer.hpp"
#include "mote/model/model.hpp"

namespace mote {

/// How weights are drawn. U(l): uniform in [-l, l); N(s): normal with standard deviation s, not truncated.
/// Fans are elements of the layer's weights: dense (fan_in, units); conv2d taps * in_channels and taps * out_channels;
/// depthwise_conv2d taps and taps * depth_multiplier, since a tap reaches the outputs of its own channel only
/// (PyTorch's grouped convolution takes taps * out_channels for fan_out, which makes its glorot weights smaller).
/// PyTorch: xavier_uniform_, xavier_normal_, kaiming_uniform_(nonlinearity='relu'), kaiming_normal_.
enum class Initializer : std::uint8_t {
  automatic,  ///< he_uniform before ReLU and its relatives, else glorot_uniform: automatic_for()
  zeros,
  uniform,         ///< U(limit)
  glorot_uniform,  ///< U(sqrt(6 / (fan_in + fan_out)))
  glorot_normal,   ///< N(sqrt(2 / (fan_in + fan_out)))
  he_uniform,      ///< U(sqrt(6 / fan_in))
  he_normal,       ///< N(sqrt(2 / fan_in))
  lecun_uniform,   ///< U(sqrt(3 / fan_in))
  lecun_normal,    ///< N(sqrt(1 / fan_in))
};

/// What `automatic` means for layer `index`: its first consumer decides, looked up through layers that only pass
/// values on (batch norm, pooling, dropout, add, bias_add, concat, reshape, identity).
constexpr Initializer automatic_for(const Model& model, std::size_t index) {
  std::size_t current = index;
  for (std::size_t next = index + 1; next < model.layers.size(); ++next) {
    const Layer& layer = model.layers[next];
    bool reads = false;
    for (std::size_t k = 0; k < layer.input_count; ++k) reads = reads || model.operand(layer, k) == current;
    if (!reads) continue;
    switch (layer.op) {
      case Op::relu:
      case Op::leaky_relu:
      case Op::relu6:
      case Op::silu:
      case Op::gelu:
      case Op::hard_swish: return Initializer::he_uniform;
      case Op::max_pool:
      case Op::average_pool:
      case Op::global_average_pool:
      case Op::batch_norm:
      case Op::dropout:
      case Op::gaussian_noise:
      case Op::add:
      case Op::concat:
      case Op::reshape:
      case Op::bias_add:
      case Op::identity: current = next; break;
      default: return Initializer::glorot_uniform;
    }
  }
  return Initializer::glorot_uniform;
}

/// Writes all parameters of one float32 layer, layer.param_bytes at `params` (4-byte aligned); `in` is the shape of
/// its first input. Nothing for a layer without parameters.
///   weights          as `initializer` says (automatic: glorot_uniform; resolve it with automatic_for() first)
///   biases, beta, running_mean  0;  gamma, running_variance  1
///   RBF centres      zeros and uniform as said, all others N(1): made for standardised inputs
///   spline           knots from -2 to 2, values and slopes of the identity
///   RBF log_width    log(fan_in), or the typical exponent |x - mu|^2 / (2 lambda) = fan_in would put every unit at 0
/// `limit` is read by `uniform` only.
void init_layer(const Layer& layer, const Shape& in, std::byte* params, Initializer initializer, float limit,
                std::uint64_t seed, std::uint32_t layer_index);

/// The same of a layer whose weights are stored as int8 (dense, conv2d, depthwise_conv2d): the nearest to those
/// weights, in units that leave training room, 127 being twice the largest of U and six standard deviations of N.
/// zeros: with the scale of glorot_uniform.
void init_int8_layer(const Layer& layer, const Shape& in, std::byte* params, Initializer initializer, float limit,
                     std::uint64_t seed, std::uint32_t layer_index);

}  // namespace mote
