// SPDX-License-Identifier: Apache-2.0
// Storing weights as another type: a new model file with the same records but for what they say of their parameters.
#include "mote/model/narrow.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "model/model_file.hpp"
#include "mote/model/float16.hpp"
#include "mote/model/validate.hpp"

namespace mote {
namespace {

constexpr std::uint32_t kFileAlignment = 64;
constexpr std::size_t kExactRows = 16;  // fewer numbers may have a common divisor by chance

/// Visits the matrices of a layer's array number `i` until it says false.
template <class Visit>
bool each_matrix(const Layer& layer, const ParamArray& array, std::size_t i, const Visit& visit) {
  const std::array<WeightMatrix, 2> matrices = weight_matrices(layer, array, i);
  return std::all_of(matrices.begin(), matrices.end(), [&](const WeightMatrix& m) { return m.rows == 0 || visit(m); });
}

bool same_bits(float a, float b) { return std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b); }

float magnitude(float value) { return value < 0.0F ? -value : value; }

/// The nearest whole number, halves away from 0.
std::int32_t nearest(float value) { return static_cast<std::int32_t>(value < 0.0F ? value - 0.5F : value + 0.5F); }

/// Whether `scale` times whole numbers of int8 gives the column of `rows` weights, `step` apart, in every bit.
bool divides(const float* column, std::size_t rows, std::size_t step, float scale) {
  for (std::size_t k = 0; k < rows; ++k) {
    const float quotient = column[k * step] / scale;
    if (!(magnitude(quotient) < 128.4F)) return false;
    const std::int32_t q = nearest(quotient);
    const float back = scale * static_cast<float>(q);
    if (q < -128 || q > 127 || !same_bits(back, column[k * step])) return false;
  }
  return true;
}
/// The scale of a column of which all weights are multiples, or 0.
float common_scale(const float* column, std::size_t rows, std::size_t step, float largest) {
  if (largest == 0.0F) return divides(column, rows, step, 1.0F) ? 1.0F : 0.0F;
  for (std::int32_t most = 128; most > 0; --most) {  // what the largest is, and which neighbour was rounded to it
    const auto near = std::bit_cast<std::int32_t>(largest / static_cast<float>(most));
    for (const std::int32_t step_away : {0, -1, 1, -2, 2}) {
      const auto scale = std::bit_cast<float>(near + step_away);
      if (scale > 0.0F && divides(column, rows, step, scale)) return scale;
    }
  }
  return 0.0F;
}

float largest_of(const float* column, std::size_t rows, std::size_t step) {
  float largest = 0.0F;
  for (std::size_t k = 0; k < rows; ++k) largest = std::max(largest, magnitude(column[k * step]));
  return largest;
}

/// One array of weights towards int8; false where `which` is exact and it is not.
bool to_int8(const Layer& layer, const ParamArray& array, std::size_t i, const float* from, StoreWeights which,
             std::int8_t* to, float* scales) {
  return each_matrix(layer, array, i, [&](const WeightMatrix& m) {
    if (which == StoreWeights::exact && m.rows < kExactRows) return false;
    for (std::size_t j = 0; j < m.columns; ++j) {
      const float* const column = from + m.first + j;
      const float largest = largest_of(column, m.rows, m.columns);
      float scale = largest / 127.0F;
      if (which == StoreWeights::exact) scale = common_scale(column, m.rows, m.columns, largest);
      if (which == StoreWeights::exact && scale == 0.0F) return false;
      scales[m.scale + j] = scale;
      for (std::size_t k = 0; k < m.rows; ++k) {
        const std::int32_t q = scale > 0.0F ? nearest(column[k * m.columns] / scale) : 0;
        to[m.first + k * m.columns + j] = static_cast<std::int8_t>(std::clamp<std::int32_t>(q, -128, 127));
      }
    }
    return true;
  });
}
bool to_float16(const ParamArray& array, const float* from, StoreWeights which, std::uint16_t* to) {
  for (std::uint32_t k = 0; k < array.count; ++k) {
    to[k] = detail::half_bits(from[k]);
    const float back = detail::half_value(to[k]);
    if (which == StoreWeights::exact && !same_bits(back, from[k])) return false;
  }
  return true;
}
/// Narrow weights in float32, with the bits that kernels give them.
void to_float32(const Layer& layer, const ParamArray& array, std::size_t i, const std::byte* from, const float* scales,
                float* to) {
  each_matrix(layer, array, i, [&](const WeightMatrix& m) {
    for (std::size_t k = 0; k < std::size_t{m.rows} * m.columns; ++k) {
      const std::size_t at = m.first + k;
      to[at] = layer.param_dtype == DType::s8 ? scales[m.scale + k % m.columns] *
                                                    static_cast<float>(reinterpret_cast<const std::int8_t*>(from)[at])
                                              : detail::half_value(reinterpret_cast<const std::uint16_t*>(from)[at]);
    }
    return true;
  });
}

/// The layer as it may become.
Layer stored_as(const Model& model, std::size_t index, DType type, StoreWeights which = StoreWeights::all) {
  Layer layer = model.layers[index];
  const bool real = layer.dtype == DType::f32 && may_store_narrow_weights(layer.op);
  if (!real || (layer.param_dtype != DType::f32 && !stores_narrow_weights(layer))) return layer;
  if (type != DType::f32 && layer.param_dtype != DType::f32) return layer;  // narrow already
  if (layer.param_dtype == type) return layer;
  const bool trained = which == StoreWeights::trainable;
  if (trained && !(layer.trainable() && type == DType::s8 && may_train_narrow_weights(layer.op))) return layer;
  const bool learns = trained || type == DType::f32;
  layer.flags = static_cast<std::uint8_t>((layer.flags & Layer::kHasBias) | (learns ? Layer::kTrainable : 0));
  layer.param_dtype = type;
  layer.param_bytes = static_cast<std::uint32_t>(param_arrays(layer, model.input_shape_of(index)).bytes);
  return layer;
}

/// Writes the parameters of layer `index` as `to` has them; false where they would not be exact.
bool convert(const Model& model, std::size_t index, const Layer& to, StoreWeights which, std::byte* out) {
  const Layer& from = model.layers[index];
  const std::byte* const params = layer_params(model, index);
  const Shape in = model.input_shape_of(index);
  const ParamArrays wide = real_param_arrays(from, in), stored = param_arrays(from, in), made = param_arrays(to, in);
  std::size_t scales = wide.count;
  for (std::size_t i = 0; i < wide.count; ++i) {
    const std::byte* const source = params + stored.arrays[i].offset;
    std::byte* const target = out + made.arrays[i].offset;
    const auto* const floats = reinterpret_cast<const float*>(source);
    if (!wide.arrays[i].weight) {
      std::memcpy(target, source, std::size_t{wide.arrays[i].count} * sizeof(float));
    } else if (to.param_dtype == DType::f32) {
      const bool scaled = from.param_dtype == DType::s8;
      const auto* const factors =
          scaled ? reinterpret_cast<const float*>(params + stored.arrays[scales++].offset) : nullptr;
      to_float32(from, wide.arrays[i], i, source, factors, reinterpret_cast<float*>(target));
    } else if (to.param_dtype == DType::f16) {
      if (!to_float16(wide.arrays[i], floats, which, reinterpret_cast<std::uint16_t*>(target))) return false;
    } else {
      auto* const factors = reinterpret_cast<float*>(out + made.arrays[scales++].offset);
      if (!to_int8(from, wide.arrays[i], i, floats, which, reinterpret_cast<std::int8_t*>(target), factors))
        return false;
    }
  }
  return true;
}

/// Weights that cannot be stored as `type`: that are not finite then.
Status check_weights(const Model& model, std::size_t index, DType type) {
  const ParamArrays arrays = param_arrays(model.layers[index], model.input_shape_of(index));
  std::uint32_t before = 0;
  for (const ParamArray& array : arrays) {
    const auto* const values = reinterpret_cast<const float*>(layer_params(model, index) + array.offset);
    for (std::uint32_t k = 0; array.weight && k < array.count; ++k) {
      const float value = type == DType::f16 ? detail::half_value(detail::half_bits(values[k])) : values[k];
      if (!detail::finite(value)) return {Code::non_finite_parameter, static_cast<std::uint16_t>(index), before + k};
    }
    before += array.count;
  }
  return {};
}

}  // namespace

std::size_t stored_file_bytes(const Model& model, DType type) {
  std::size_t bytes = align_up(file_layout(model, 0).params, kFileAlignment);
  for (std::size_t i = 0; i < model.layers.size(); ++i)
    bytes =
        align_up(bytes, kFileAlignment) + std::max(model.layers[i].param_bytes, stored_as(model, i, type).param_bytes);
  return bytes + model.names.size();
}

Result<std::size_t> store_weights(const Model& model, DType type, StoreWeights which, std::span<std::byte> out) {
  MOTE_TRY(validate(model));
  if (type != DType::f32 && type != DType::f16 && type != DType::s8) return Status{Code::unsupported_dtype};
  const std::span<const Layer> layers = model.layers;
  for (std::size_t i = 0; i < layers.size(); ++i)
    if (layers[i].param_bytes != 0 && layer_params(model, i) == nullptr)
      return Status{Code::missing_parameters, static_cast<std::uint16_t>(i)};
  MOTE_TRY(validate_variances(model));
  MOTE_TRY(validate_multipliers(model));
  const std::size_t needed = stored_file_bytes(model, type);
  if (needed > 0x7FFF'FFFFU) return Status{Code::plan_too_large};
  if (out.size() < needed) return Status{Code::output_too_small, kNoLayer, static_cast<std::uint32_t>(needed)};
  if (reinterpret_cast<std::uintptr_t>(out.data()) % kFileAlignment != 0)
    return Status{Code::arena_misaligned, kNoLayer, kFileAlignment};
  std::fill(out.begin(), out.end(), std::byte{0});

  auto* records = reinterpret_cast<Layer*>(out.data() + sizeof(FileHeader));
  auto* operands = reinterpret_cast<std::uint16_t*>(records + layers.size());
  std::copy(model.operands.begin(), model.operands.end(), operands);
  Model view{{records, layers.size()}};
  view.operands = {operands, model.operands.size()};
  view.alignment = kFileAlignment;
  std::byte* const params = out.data() + file_layout(view, 0).params;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    Layer layer = stored_as(model, i, type, which);
    if (layer.param_bytes != 0) {
      layer.param_offset = align_up(view.param_bytes, kFileAlignment);
      std::byte* const target = params + layer.param_offset;
      const bool changes = layer.param_dtype != layers[i].param_dtype;
      if (changes && type != DType::f32 && which != StoreWeights::exact) MOTE_TRY(check_weights(model, i, type));
      if (!changes || !convert(model, i, layer, which, target)) {
        std::memset(target, 0, layer.param_bytes);
        const std::uint32_t offset = layer.param_offset;
        layer = layers[i];
        layer.param_offset = offset;
        std::memcpy(target, layer_params(model, i), layer.param_bytes);
      }
      view.param_bytes = layer.param_offset + layer.param_bytes;
    }
    records[i] = layer;
  }
  auto* const names = reinterpret_cast<char*>(params + view.param_bytes);
  view.names = {names, static_cast<std::size_t>(std::copy(model.names.begin(), model.names.end(), names) - names)};
  const std::size_t bytes = file_layout(view, 0).bytes;
  finish_model_file(view, out.first(bytes));
  return bytes;
}

}  // namespace mote
