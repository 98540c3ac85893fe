// SPDX-License-Identifier: Apache-2.0
// Folding of batch normalisation: a new model file with fewer records, made in the caller's buffer.
#include "mote/model/fold.hpp"

#include <algorithm>
#include <cstring>

#include "model/model_file.hpp"

namespace mote {
namespace {
constexpr std::uint32_t kFileAlignment = 64;

/// Index of layer `i` among the records that stay; a folded one stands for the layer it went into.
std::uint16_t kept_index(std::span<const Layer> layers, std::size_t i) {
  if (can_fold(layers, i)) i = layers[i].inputs[0];
  std::size_t kept = 0;
  for (std::size_t k = 0; k < i; ++k) kept += can_fold(layers, k) ? 0 : 1;
  return static_cast<std::uint16_t>(kept);
}

/// The batch norm that goes into layer `i`, or 0.
std::size_t folded_into(std::span<const Layer> layers, std::size_t i) {
  for (std::size_t k = i + 1; k < layers.size(); ++k)
    if (layers[k].inputs[0] == i && can_fold(layers, k)) return k;
  return 0;
}

/// Scales the weights of one layer per output channel and shifts its bias, in double, rounded once. False where one
/// of them is not finite then.
bool fold_layer(const Model& model, std::size_t source, std::size_t norm, float* target) {
  const Layer& layer = model.layers[source];
  const auto* from = reinterpret_cast<const float*>(layer_params(model, source));
  const auto* statistics = reinterpret_cast<const float*>(layer_params(model, norm));
  const std::size_t channels = layer.shape.c;
  const std::size_t weights = weight_count(layer, model.input_shape_of(source));
  bool finite = true;
  const auto put = [&](std::size_t at, double value) {
    target[at] = static_cast<float>(value);
    finite = finite && detail::finite(target[at]);
  };
  for (std::size_t c = 0; c < channels; ++c) {
    const double gamma = statistics[c], beta = statistics[channels + c], mean = statistics[2 * channels + c];
    const double variance = statistics[3 * channels + c];
    const double scale = gamma / __builtin_sqrt(variance + static_cast<double>(model.layers[norm].alpha));
    for (std::size_t w = c; w < weights; w += channels) put(w, static_cast<double>(from[w]) * scale);
    const double bias = layer.has_bias() ? static_cast<double>(from[weights + c]) : 0.0;
    put(weights + c, (bias - mean) * scale + beta);
  }
  return finite;
}
}  // namespace

std::size_t folded_file_bytes(const Model& model) {
  std::size_t bytes = align_up(sizeof(FileHeader) + model.layers.size_bytes(), kFileAlignment);
  for (std::size_t i = 0; i < model.layers.size(); ++i) {
    const Layer& layer = model.layers[i];
    const bool gains_bias = !layer.has_bias() && folded_into(model.layers, i) != 0;
    bytes = align_up(bytes, kFileAlignment) + layer.param_bytes + (gains_bias ? layer.shape.c * sizeof(float) : 0);
  }
  return bytes;
}

Result<std::size_t> fold_batch_norm(const Model& model, std::span<std::byte> out) {
  MOTE_TRY(validate(model));
  const std::span<const Layer> layers = model.layers;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    if (layers[i].dtype != DType::f32) return Status{Code::unsupported_dtype, static_cast<std::uint16_t>(i)};
    if (layers[i].param_bytes != 0 && layer_params(model, i) == nullptr)
      return Status{Code::missing_parameters, static_cast<std::uint16_t>(i)};
  }
  MOTE_TRY(validate_variances(model));
  if (out.size() < folded_file_bytes(model))
    return Status{Code::output_too_small, kNoLayer, static_cast<std::uint32_t>(folded_file_bytes(model))};
  if (reinterpret_cast<std::uintptr_t>(out.data()) % kFileAlignment != 0)
    return Status{Code::arena_misaligned, kNoLayer, kFileAlignment};
  std::fill(out.begin(), out.end(), std::byte{0});
  const std::size_t kept = kept_index(layers, layers.size() - 1) + std::size_t{1};
  std::byte* records = out.data() + sizeof(FileHeader);
  std::byte* params = out.data() + align_up(sizeof(FileHeader) + kept * sizeof(Layer), kFileAlignment);
  std::size_t param_bytes = 0;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    if (can_fold(layers, i)) continue;
    Layer layer = layers[i];
    for (std::size_t k = 0; k < layer.input_count; ++k) layer.inputs[k] = kept_index(layers, layer.inputs[k]);
    if (layer.param_bytes != 0) {
      const std::size_t norm = folded_into(layers, i);
      if (norm != 0) layer.flags |= Layer::kHasBias;
      layer.param_offset = static_cast<std::uint32_t>(align_up(param_bytes, kFileAlignment));
      layer.param_bytes = static_cast<std::uint32_t>(param_arrays(layer, model.input_shape_of(i)).bytes);
      param_bytes = layer.param_offset + layer.param_bytes;
      auto* target = reinterpret_cast<float*>(params + layer.param_offset);
      if (norm != 0) {
        if (!fold_layer(model, i, norm, target))
          return Status{Code::non_finite_parameter, static_cast<std::uint16_t>(norm)};
      } else {
        std::memcpy(target, layer_params(model, i), layer.param_bytes);
      }
    }
    std::memcpy(records + kept_index(layers, i) * sizeof(Layer), &layer, sizeof layer);
  }
  const std::size_t bytes = static_cast<std::size_t>(params - out.data()) + param_bytes;
  finish_model_file(out.first(bytes), kept, kFileAlignment);
  return bytes;
}

}  // namespace mote
