// SPDX-License-Identifier: Apache-2.0
// Batch normalisation folded into the layer before it, for inference.
#pragma once

#include "mote/requirements.hpp"
#ifndef MOTE_WARN_IN_HEADERS
#pragma GCC system_header
#endif

#include <cstddef>
#include <span>

#include "mote/arithmetic.hpp"
#include "mote/model/model.hpp"

namespace mote {

/// Whether layer `index` is a batch norm that can be folded: its input is a dense, conv2d or depthwise_conv2d layer of
/// float32 that nothing else reads.
constexpr bool can_fold(const Model& model, std::size_t index) {
  const std::span<const Layer> layers = model.layers;
  if (layers[index].op != Op::batch_norm) return false;
  const std::size_t source = model.operand(index);
  const Op op = layers[source].op;
  if (op != Op::dense && op != Op::conv2d && op != Op::depthwise_conv2d) return false;
  if (layers[source].param_dtype != DType::f32 || layers[index].param_dtype != DType::f32) return false;
  for (std::size_t i = source + 1; i < layers.size(); ++i)
    for (std::size_t k = 0; k < layers[i].input_count; ++k)
      if (model.operand(i, k) == source && i != index) return false;
  return true;
}

/// What a batch norm does to channel `c` with its running statistics: (v - mean) factor + beta.
struct ChannelNorm {
  double factor = 1.0, mean = 0.0, beta = 0.0;
  /// What becomes of a bias.
  [[nodiscard]] constexpr double offset(double bias = 0.0) const { return detail::product(bias - mean, factor) + beta; }
};
/// Of layer `norm`, a batch norm whose parameters are there.
inline ChannelNorm channel_norm(const Model& model, std::size_t norm, std::size_t c) {
  const Layer& layer = model.layers[norm];
  const auto* statistics = reinterpret_cast<const float*>(layer_params(model, norm)) + c;
  const std::size_t channels = layer.shape.c;
  const double variance = static_cast<double>(statistics[3 * channels]) + static_cast<double>(layer.alpha);
  return {static_cast<double>(statistics[0]) / __builtin_sqrt(variance), static_cast<double>(statistics[2 * channels]),
          static_cast<double>(statistics[channels])};
}

namespace detail {
/// Writes the weights of layer `source` times its norm's factors, per output channel, and the bias that it then has; in
/// double, rounded once. False where one of them is not finite then.
bool fold_layer(const Model& model, std::size_t source, std::size_t norm, float* target);
}  // namespace detail

/// Upper bound on the bytes fold_batch_norm writes.
std::size_t folded_file_bytes(const Model& model);

/// Writes the model as a file in which every batch norm that can_fold() is gone: W' = W gamma / sqrt(variance +
/// epsilon) per output channel, b' = (b - mean) gamma / sqrt(variance + epsilon) + beta; a layer without bias gets one.
/// Other layers are copied. Returns the bytes written. `out` must be 64-byte aligned. Errors: missing_parameters,
/// output_too_small (detail: bytes needed), arena_misaligned, bad_variance, non_finite_parameter
/// (the layer whose folding gives an infinite weight).
Result<std::size_t> fold_batch_norm(const Model& model, std::span<std::byte> out);

}  // namespace mote
