// SPDX-License-Identifier: Apache-2.0
// A model is a view: records and a parameter block that belong to somebody else. Where it is opened and written.
#pragma once

#include "mote/requirements.hpp"
#ifndef MOTE_WARN_IN_HEADERS
#pragma GCC system_header
#endif

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "mote/model/layer.hpp"
#include "mote/status.hpp"

namespace mote {

/// What the address of a block of parameters must be a multiple of.
inline constexpr std::size_t kParamAlignment = alignof(float);

/// In the place of an array of parameters, and aligned as one: none are needed, or they come at run time.
struct alignas(kParamAlignment) NoParams {};
inline constexpr NoParams kNoParams{};

/// Records and parameters, not owned. `params` may be null where only shapes are asked for.
struct Model {
  std::span<const Layer> layers{};
  const std::byte* params = nullptr;
  std::uint32_t param_bytes = 0;
  std::uint32_t alignment = 16;  ///< of every layer's offset in `params`; the block itself needs that of its elements,
                                 ///< kParamAlignment, and is fastest at 64
  /// Parameters of the trainable layers where training keeps them, packed in layer order, each layer at a multiple of
  /// `trained_alignment`; null: everything is in `params`.
  const std::byte* trained_params = nullptr;
  std::uint32_t trained_alignment = 16;
  /// `trained_params` come when it runs, as those of a StaticSession on a trainer: plans are made for them.
  bool trained_params_later = false;
  /// Operands of the layers that have more than kMaxInputs, each layer's in a row.
  std::span<const std::uint16_t> operands{};
  /// A name for each layer, in their order, each UTF-8 and ended by a zero byte, some empty; or nothing. name().
  std::string_view names{};

  /// Index of the layer whose value is operand `k` of `layer`. Always inlined: where it is known when compiling, it
  /// must not become code, nor the records data.
  [[nodiscard]] [[gnu::always_inline]] constexpr std::size_t operand(const Layer& layer, std::size_t k = 0) const {
    return layer.input_count <= kMaxInputs ? layer.inputs[k] : operands[layer.inputs[0] + k];
  }
  [[nodiscard]] [[gnu::always_inline]] constexpr std::size_t operand(std::size_t index, std::size_t k = 0) const {
    return operand(layers[index], k);
  }
  /// Layer of input `i`, in their order; layers.size() where there are fewer.
  [[nodiscard]] constexpr std::size_t input_layer(std::size_t i = 0) const { return nth(Op::input, i); }
  /// Layer whose value is output `i`: a record `output`, or the last layer where there is none.
  [[nodiscard]] constexpr std::size_t output_layer(std::size_t i = 0) const {
    const std::size_t layer = nth(Op::output, i);
    return layer == layers.size() && i == 0 && layer != 0 ? layer - 1 : layer;
  }
  [[nodiscard]] constexpr std::size_t input_count() const { return count(Op::input); }
  [[nodiscard]] constexpr std::size_t output_count() const {
    const std::size_t outputs = count(Op::output);
    return outputs == 0 && !layers.empty() ? 1 : outputs;
  }
  [[nodiscard]] constexpr Shape input_shape(std::size_t i = 0) const { return shape_of(input_layer(i)); }
  [[nodiscard]] constexpr Shape output_shape(std::size_t i = 0) const { return shape_of(output_layer(i)); }
  /// Shape of the first operand of layer `index`.
  [[nodiscard]] constexpr Shape input_shape_of(std::size_t index) const {
    return layers[index].input_count == 0 ? Shape{} : layers[operand(index)].shape;
  }

 private:
  [[nodiscard]] constexpr std::size_t count(Op op) const {
    std::size_t n = 0;
    for (const Layer& layer : layers) n += layer.op == op ? 1 : 0;
    return n;
  }
  [[nodiscard]] constexpr std::size_t nth(Op op, std::size_t i) const {
    std::size_t layer = 0;
    for (; layer < layers.size(); ++layer)
      if (layers[layer].op == op && i-- == 0) break;
    return layer;
  }
  [[nodiscard]] constexpr Shape shape_of(std::size_t layer) const {
    return layer < layers.size() ? layers[layer].shape : Shape{};
  }
};

/// The name of layer `index`, empty where it has none. Of records `output` it is that of the output.
constexpr std::string_view name(const Model& model, std::size_t index) {
  const char* at = model.names.data();
  const char* const end = at + model.names.size();
  for (; index > 0 && at != end; --index, ++at)
    while (*at != 0) ++at;
  const char* const begin = at;
  while (at != end && *at != 0) ++at;
  return {begin, static_cast<std::size_t>(at - begin)};
}

/// Byte offset of layer `index` in a block of the trainable layers alone; index = layers.size(): the block's size.
constexpr std::uint32_t trained_offset(std::span<const Layer> layers, std::size_t index, std::uint32_t alignment) {
  std::size_t offset = 0;
  for (std::size_t i = 0; i < index; ++i)
    if (layers[i].trainable()) offset = align_up(offset + layers[i].param_bytes, alignment);
  return static_cast<std::uint32_t>(offset);
}

/// First parameter of layer `index`, wherever it lives.
constexpr const std::byte* layer_params(const Model& model, std::size_t index) {
  const Layer& layer = model.layers[index];
  if (model.trained_params != nullptr && layer.trainable())
    return model.trained_params + trained_offset(model.layers, index, model.trained_alignment);
  return model.params == nullptr ? nullptr : model.params + layer.param_offset;
}

namespace detail {
constexpr bool finite(float v) { return v - v == 0.0F; }

/// A set of layers.
using LayerSet = std::array<std::uint64_t, kMaxLayers / 64>;
constexpr bool contains(const LayerSet& set, std::size_t i) { return ((set[i / 64] >> (i % 64)) & 1U) != 0; }
constexpr void insert(LayerSet& set, std::size_t i) { set[i / 64] |= std::uint64_t{1} << (i % 64); }
}  // namespace detail

/// Whether every batch norm's running variances are finite and not negative; validate() first. Layers whose parameters
/// are not there are passed over. Error: bad_variance (layer; detail: channel).
Status validate_variances(const Model& model);

/// Whether every fake_quantize's range is finite, holds 0 and is not empty; likewise. Error: bad_range (layer).
Status validate_ranges(const Model& model);

/// Whether multipliers, shifts, biases and sums of layers on integers are such that nothing overflows; validate()
/// first. Error: bad_multiplier (layer; detail: which of the array).
Status validate_multipliers(const Model& model);

/// Whether all float32 parameters but constants are finite, as those of a training run that diverged are not;
/// validate() first. Error: non_finite_parameter (layer; detail: which of its parameters, counted through its arrays).
Status require_finite(const Model& model);

/// Whether open_model() compares the file's CRC: ten instructions a byte of the whole file, parameters too. A file that
/// is part of a firmware image whose boot loader has checked it needs it no second time.
enum class Checksum : std::uint8_t { verify, skip };

/// Views a model file (src/FORMAT.md) of version 1 or 2 in place: magic, version, sizes, CRC, validate(), zeros between
/// the parts, validate_variances(), validate_ranges(), validate_multipliers(). Copies nothing. Without the CRC the rest
/// is checked all the same: whatever the bytes are, the library stays inside its memory; only flipped weights pass.
/// `bytes` must stay alive and be aligned as the file's header says (at most 4096).
Result<Model> open_model(std::span<const std::byte> bytes, Checksum checksum = Checksum::verify);

/// The text at the end of a model file that says how its inputs are read and its outputs called (src/FORMAT.md,
/// Description); empty where there is none. A view into `bytes`, which open_model() must have accepted.
std::string_view model_description(std::span<const std::byte> bytes);

/// Size of the file that write_model makes.
std::size_t model_file_bytes(const Model& model, std::string_view description = {});

/// Writes the model as a file into `out`, with `description` (UTF-8 of any kind, or nothing) at its end; returns the
/// number of bytes written. Nothing is written on failure. Errors: whatever open_model() would find in the file;
/// missing_parameters; output_too_small (detail: bytes needed).
Result<std::size_t> write_model(const Model& model, std::span<std::byte> out, std::string_view description = {});

}  // namespace mote
