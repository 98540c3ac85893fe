// SPDX-License-Identifier: Apache-2.0
// A model is a view: records and a parameter block that belong to somebody else.
// validate() is the one gate: nothing below it checks a record again.
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

  [[nodiscard]] constexpr Shape input_shape() const { return layers.empty() ? Shape{} : layers.front().shape; }
  [[nodiscard]] constexpr Shape output_shape() const { return layers.empty() ? Shape{} : layers.back().shape; }
  /// Shape of the first input of layer `index`.
  [[nodiscard]] constexpr Shape input_shape_of(std::size_t index) const {
    return layers[index].input_count == 0 ? Shape{} : layers[layers[index].inputs[0]].shape;
  }
};

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

constexpr Status validate_layer(const Model& model, std::size_t index) {
  const Layer& layer = model.layers[index];
  const auto fail = [&](Code code, std::uint32_t number = 0) {
    return Status{code, static_cast<std::uint16_t>(index), number};
  };
  if (!known(layer.op)) return fail(Code::unknown_op, static_cast<std::uint32_t>(layer.op));
  if ((index == 0) != (layer.op == Op::input))
    return fail(index == 0 ? Code::first_layer_not_input : Code::input_layer_repeated);
  if (layer.dtype != DType::f32 && layer.dtype != DType::s8) return fail(Code::unsupported_dtype);
  if (layer.dtype != model.layers[0].dtype) return fail(Code::unsupported_dtype);
  if (layer.input_count > kMaxInputs) return fail(Code::bad_input_count, layer.input_count);
  std::array<Shape, kMaxInputs> in{};
  for (std::size_t i = 0; i < kMaxInputs; ++i) {
    if (i >= layer.input_count) {
      if (layer.inputs[i] != 0) return fail(Code::reserved_not_zero);
    } else {
      if (layer.inputs[i] >= index) return fail(Code::bad_input_index, layer.inputs[i]);
      in[i] = model.layers[layer.inputs[i]].shape;
    }
  }
  for (const std::uint32_t word : layer.reserved)
    if (word != 0) return fail(Code::reserved_not_zero);
  if (!finite(layer.alpha) || !finite(layer.beta)) return fail(Code::bad_attribute);
  const Result<Shape> shape = output_shape(layer, std::span<const Shape>(in).first(layer.input_count));
  if (!shape.ok()) return fail(shape.status().code, shape.status().detail);
  if (!(*shape == layer.shape)) return fail(Code::bad_shape);
  const bool window = is_window(layer.op);
  if (!window && (layer.filter_h | layer.filter_w | layer.stride_h | layer.stride_w | layer.dilation_h |
                  layer.dilation_w | layer.pad_top | layer.pad_bottom | layer.pad_left | layer.pad_right) != 0)
    return fail(Code::reserved_not_zero);
  if (layer.op != Op::depthwise_conv2d && layer.op != Op::spline && layer.depth_multiplier != 0)
    return fail(Code::reserved_not_zero);
  if ((!traits(layer.op).has_alpha && layer.alpha != 0.0F) || (layer.op != Op::batch_norm && layer.beta != 0.0F))
    return fail(Code::reserved_not_zero);
  if (layer.dtype == DType::f32 && !(layer.quantization == Quantization{})) return fail(Code::bad_quantization);
  if (layer.dtype == DType::s8 && (!(layer.quantization.scale > 0.0F) || !finite(layer.quantization.scale) ||
                                   layer.quantization.zero_point < -128 || layer.quantization.zero_point > 127))
    return fail(Code::bad_quantization);
  const ParamArrays params = param_arrays(layer, in[0]);
  if (params.count == 0) {
    if (layer.flags != 0 || layer.param_dtype != DType::none || layer.param_offset != 0 || layer.param_bytes != 0)
      return fail(Code::reserved_not_zero);
    return {};
  }
  const bool biased = layer.op == Op::dense || layer.op == Op::conv2d || layer.op == Op::depthwise_conv2d;
  if ((layer.flags & ~(Layer::kTrainable | (biased ? Layer::kHasBias : 0))) != 0) return fail(Code::reserved_not_zero);
  if (layer.param_dtype != layer.dtype || (layer.dtype == DType::s8 && !biased)) return fail(Code::unsupported_dtype);
  if (params.bytes != layer.param_bytes) return fail(Code::bad_parameter_range, layer.param_bytes);
  if (layer.param_offset % model.alignment != 0 ||
      std::uint64_t{layer.param_offset} + layer.param_bytes > model.param_bytes)
    return fail(Code::bad_parameter_range, layer.param_offset);
  for (std::size_t i = 0; i < index; ++i) {
    const Layer& other = model.layers[i];
    if (other.param_bytes != 0 && layer.param_offset < other.param_offset + other.param_bytes &&
        other.param_offset < layer.param_offset + layer.param_bytes)
      return fail(Code::bad_parameter_range, layer.param_offset);
  }
  return {};
}
}  // namespace detail

/// Checks every field of every record: operators, indices, shapes, attributes, parameter ranges, reserved zeros.
/// The first fault is returned with its layer. Cost: O(layers^2) comparisons, no memory.
constexpr Status validate(const Model& model) {
  if (model.layers.empty()) return {Code::no_layers};
  if (model.layers.size() > kMaxLayers) return {Code::too_many_layers};
  if (model.alignment < 4 || model.alignment > 4096 || (model.alignment & (model.alignment - 1)) != 0)
    return {Code::bad_header, kNoLayer, model.alignment};
  if (model.param_bytes > 0x7FFF'FFFFU)  // offsets of trained layers, each aligned anew, stay within 32 bits
    return {Code::bad_parameter_range, kNoLayer, model.param_bytes};
  for (std::size_t i = 0; i < model.layers.size(); ++i) MOTE_TRY(detail::validate_layer(model, i));
  for (std::size_t i = 0; i + 1 < model.layers.size(); ++i) {
    bool used = false;
    for (std::size_t j = i + 1; j < model.layers.size() && !used; ++j)
      for (std::size_t k = 0; k < model.layers[j].input_count; ++k) used = used || model.layers[j].inputs[k] == i;
    if (!used) return {Code::unused_layer, static_cast<std::uint16_t>(i)};
  }
  return {};
}

/// Whether every batch norm's running variances are finite and not negative; validate() first. Layers whose parameters
/// are not there are passed over. Error: bad_variance (layer; detail: channel).
Status validate_variances(const Model& model);

/// Whether all float32 parameters are finite, as those of a training run that diverged are not; validate() first.
/// Error: non_finite_parameter (layer; detail: which of its parameters, counted through its arrays).
Status require_finite(const Model& model);

/// Views a model file (src/FORMAT.md) in place: magic, version, sizes, CRC, validate(), zeros between the parts,
/// validate_variances(). Copies nothing.
/// `bytes` must stay alive and be aligned as the file's header says (at most 4096).
Result<Model> open_model(std::span<const std::byte> bytes);

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
