// SPDX-License-Identifier: Apache-2.0
// Folding of batch normalisation: a new model file with fewer records, made in the caller's buffer.
#include "mote/model/fold.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

#include "model/model_file.hpp"
#include "mote/model/validate.hpp"

namespace mote {
namespace {
constexpr std::uint32_t kFileAlignment = 64;

/// Which batch norms go, found once.
detail::LayerSet folded_layers(const Model& model) {
  detail::LayerSet out{};
  for (std::size_t i = 0; i < model.layers.size(); ++i)
    if (can_fold(model, i)) detail::insert(out, i);
  return out;
}

/// Index of layer `i` among the records that stay; a folded one stands for the layer it went into.
std::uint16_t kept_index(const Model& model, const detail::LayerSet& folded, std::size_t i) {
  if (detail::contains(folded, i)) i = model.operand(i);
  std::size_t kept = i;
  for (std::size_t word = 0; word < i / 64; ++word) kept -= static_cast<std::size_t>(std::popcount(folded[word]));
  return static_cast<std::uint16_t>(
      kept - static_cast<std::size_t>(std::popcount(folded[i / 64] & ((std::uint64_t{1} << (i % 64)) - 1))));
}

/// The batch norm that goes into layer `i`, or 0.
std::size_t folded_into(const Model& model, const detail::LayerSet& folded, std::size_t i) {
  for (std::size_t k = i + 1; k < model.layers.size(); ++k)
    if (detail::contains(folded, k) && model.operand(k) == i) return k;
  return 0;
}

/// The names of the layers that stay, one behind the other. What is left of a name is the layer's own.
std::string_view copy_names(const Model& model, const detail::LayerSet& folded, char* to) {
  const char* begin = to;
  for (std::size_t i = 0; i < model.layers.size() && !model.names.empty(); ++i) {
    if (detail::contains(folded, i)) continue;
    const std::string_view text = name(model, i);
    to = std::copy(text.begin(), text.end(), to);
    *to++ = 0;
  }
  return {begin, static_cast<std::size_t>(to - begin)};
}
}  // namespace

bool detail::fold_layer(const Model& model, std::size_t source, std::size_t norm, float* target) {
  const Layer& layer = model.layers[source];
  const auto* from = reinterpret_cast<const float*>(layer_params(model, source));
  const std::size_t channels = layer.shape.c;
  const std::size_t weights = weight_count(layer, model.input_shape_of(source));
  bool finite = true;
  const auto put = [&](std::size_t at, double value) {
    target[at] = static_cast<float>(value);
    finite = finite && detail::finite(target[at]);
  };
  for (std::size_t c = 0; c < channels; ++c) {
    const ChannelNorm folded = channel_norm(model, norm, c);
    for (std::size_t w = c; w < weights; w += channels) put(w, static_cast<double>(from[w]) * folded.factor);
    put(weights + c, folded.offset(layer.has_bias() ? static_cast<double>(from[weights + c]) : 0.0));
  }
  return finite;
}

std::size_t folded_file_bytes(const Model& model) {
  const detail::LayerSet folded = folded_layers(model);
  std::size_t bytes = align_up(file_layout(model, 0).params, kFileAlignment);
  for (std::size_t i = 0; i < model.layers.size(); ++i) {
    const Layer& layer = model.layers[i];
    const bool gains_bias = !layer.has_bias() && folded_into(model, folded, i) != 0;
    bytes = align_up(bytes, kFileAlignment) + layer.param_bytes + (gains_bias ? layer.shape.c * sizeof(float) : 0);
  }
  return bytes + model.names.size();
}

Result<std::size_t> fold_batch_norm(const Model& model, std::span<std::byte> out) {
  MOTE_TRY(validate(model));
  const std::span<const Layer> layers = model.layers;
  for (std::size_t i = 0; i < layers.size(); ++i)
    if (layers[i].param_bytes != 0 && layer_params(model, i) == nullptr)
      return Status{Code::missing_parameters, static_cast<std::uint16_t>(i)};
  MOTE_TRY(validate_variances(model));
  if (out.size() < folded_file_bytes(model))
    return Status{Code::output_too_small, kNoLayer, static_cast<std::uint32_t>(folded_file_bytes(model))};
  if (reinterpret_cast<std::uintptr_t>(out.data()) % kFileAlignment != 0)
    return Status{Code::arena_misaligned, kNoLayer, kFileAlignment};
  std::fill(out.begin(), out.end(), std::byte{0});

  const detail::LayerSet folded = folded_layers(model);
  const std::size_t kept = kept_index(model, folded, layers.size() - 1) + std::size_t{1};
  auto* records = reinterpret_cast<Layer*>(out.data() + sizeof(FileHeader));
  auto* operands = reinterpret_cast<std::uint16_t*>(records + kept);
  Model view{{records, kept}};
  view.operands = {operands, model.operands.size()};
  view.alignment = kFileAlignment;
  std::byte* params = out.data() + file_layout(view, 0).params;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    if (detail::contains(folded, i)) continue;
    Layer layer = layers[i];
    for (std::size_t k = 0; k < layer.input_count; ++k) {
      const std::uint16_t operand = kept_index(model, folded, model.operand(i, k));
      (layer.input_count <= kMaxInputs ? layer.inputs[k] : operands[layer.inputs[0] + k]) = operand;
    }
    if (layer.param_bytes != 0) {
      const std::size_t norm = folded_into(model, folded, i);
      if (norm != 0) layer.flags |= Layer::kHasBias;
      layer.param_offset = align_up(view.param_bytes, kFileAlignment);
      layer.param_bytes = static_cast<std::uint32_t>(param_arrays(layer, model.input_shape_of(i)).bytes);
      view.param_bytes = layer.param_offset + layer.param_bytes;
      auto* target = reinterpret_cast<float*>(params + layer.param_offset);
      if (norm != 0) {
        if (!detail::fold_layer(model, i, norm, target))
          return Status{Code::non_finite_parameter, static_cast<std::uint16_t>(norm)};
      } else {
        std::memcpy(target, layer_params(model, i), layer.param_bytes);
      }
    }
    records[kept_index(model, folded, i)] = layer;
  }
  view.names = copy_names(model, folded, reinterpret_cast<char*>(params + view.param_bytes));
  const std::size_t bytes = file_layout(view, 0).bytes;
  finish_model_file(view, out.first(bytes));
  return bytes;
}

}  // namespace mote
