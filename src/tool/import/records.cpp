// SPDX-License-Identifier: Apache-2.0
#include "tool/import/records.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <limits>

#include "mote/model/shape_rule.hpp"
#include "mote/model/validate.hpp"

namespace mote::tool::foreign {
namespace {

constexpr std::size_t kAlignment = 16;

/// Elements of a literal as the parameter array's type has them.
void store(const Literal& values, const ParamArray& array, std::byte* to) {
  for (std::uint32_t i = 0; i < array.count; ++i) {
    const auto put = [&](auto value) { std::memcpy(to + i * sizeof(value), &value, sizeof(value)); };
    switch (array.dtype) {
      case DType::f32: put(static_cast<float>(values.real(i))); break;
      case DType::s32:
        put(static_cast<std::int32_t>(std::clamp<std::int64_t>(values.whole(i), INT32_MIN, INT32_MAX)));
        break;
      case DType::s8: put(static_cast<std::int8_t>(values.whole(i))); break;
      case DType::s16: put(static_cast<std::int16_t>(values.whole(i))); break;
      case DType::u8: put(static_cast<std::uint8_t>(values.whole(i))); break;
      case DType::boolean: put(static_cast<std::uint8_t>(values.real(i) != 0.0)); break;
      default: unsupported("a constant of a type that records do not hold");
    }
  }
}

}  // namespace

Op operator_named(std::string_view name) {
  for (unsigned number = 0; number < 256; ++number) {
    const auto op = static_cast<Op>(number);
    if (known(op) && mote::name(op) == name) return op;
  }
  unsupported(fmt::format("mote has no operator {} yet", name));
}

Records::Index Records::add(Layer layer, std::span<const Index> operands, const std::vector<Literal>& weights) {
  return add_filled(layer, operands, [&](const Layer& made, std::byte* params) {
    const ParamArrays arrays = param_arrays(made, operands.empty() ? Shape{} : layers_[operands[0]].shape);
    for (std::size_t i = 0; i < arrays.count; ++i) {
      const ParamArray& array = arrays.arrays[i];
      if (i >= weights.size() || weights[i].count() != array.count)
        unsupported(fmt::format("{}: {} of {} elements", mote::name(made.op), array.name, array.count));
      store(weights[i], array, params + array.offset);
    }
  });
}

Records::Index Records::add_filled(Layer layer, std::span<const Index> operands, const Fill& fill) {
  if (layers_.size() >= std::numeric_limits<Index>::max())
    unsupported(fmt::format("the network has more than {} layers", kMaxLayers), "split the model");
  if (operands.size() > kMaxOperands)
    unsupported(fmt::format("{} operands; a layer has {} at most", operands.size(), kMaxOperands));
  layer.input_count = static_cast<std::uint16_t>(operands.size());
  std::vector<Shape> in;
  for (const Index operand : operands) in.push_back(layers_[operand].shape);
  const Result<Shape> shape = output_shape(layer, std::span<const Shape>(in));
  if (!shape.ok()) unsupported(fmt::format("{}: {}", mote::name(layer.op), describe(shape.status())));
  layer.shape = *shape;
  const ParamArrays arrays = param_arrays(layer, in.empty() ? Shape{} : in[0]);
  std::vector<std::byte> params;
  if (arrays.count != 0) {
    constexpr std::size_t kMost = 0x7FFF'0000;
    if (arrays.bytes > kMost) unsupported("parameters of more than 2^31 bytes");
    params.resize(arrays.bytes);
    fill(layer, params.data());
  }
  layer.param_bytes = static_cast<std::uint32_t>(arrays.bytes);
  require_types(layer, operands, params);
  layers_.push_back(layer);
  operands_.emplace_back(operands.begin(), operands.end());
  params_.push_back(std::move(params));
  names_.emplace_back();
  return static_cast<Index>(layers_.size() - 1);
}

/// The rules, on the layer and values in its operands' places.
void Records::require_types(const Layer& layer, std::span<const Index> operands,
                            std::span<const std::byte> params) const {
  std::vector<Layer> some;
  std::vector<Index> table;
  for (const Index operand : operands) {
    table.push_back(static_cast<Index>(some.size()));
    Layer& value = some.emplace_back();
    value.shape = layers_[operand].shape, value.dtype = layers_[operand].dtype;
    value.quantization = layers_[operand].quantization;
  }
  some.push_back(layer);
  if (table.size() <= kMaxInputs) std::ranges::copy(table, some.back().inputs.begin());
  Model model;
  model.layers = some, model.operands = table, model.params = params.data();
  Status status = detail::validate_types(model, operands.size());
  if (status.code == Code::bad_quantization)
    unsupported(fmt::format("{} with a scale of {} and a zero point of {}", mote::name(layer.op),
                            layer.quantization.scale, layer.quantization.zero_point));
  if (status.ok()) status = detail::validate_integers(model, operands.size());
  if (!status.ok()) unsupported(fmt::format("{}: {}", mote::name(layer.op), describe(status)));
  if (!validate_multipliers(model).ok())
    unsupported(fmt::format("{}: scales of values and weights that are too far apart", mote::name(layer.op)));
}

Records::Index Records::shaped(Index value, const Shape& shape) {
  if (layers_[value].shape == shape) return value;
  Layer layer;
  layer.op = Op::reshape;
  layer.dtype = layers_[value].dtype;
  layer.quantization = layers_[value].quantization;
  layer.shape = shape;
  if (layers_[value].op == Op::reshape) value = operands_[value][0];  // of several in a row the last one counts
  if (layers_[value].shape == shape) return value;
  const auto [at, fresh] = shaped_.try_emplace({value, shape.h, shape.w, shape.c});
  if (fresh) at->second = add(layer, {value});
  return at->second;
}

Records::Index Records::root(Index i) const {
  while (is_alias(layers_[i].op)) i = operands_[i][0];
  return i;
}

/// What nothing reads in the end goes: reshapes that another one took the place of, constants of theirs.
void Records::drop_unread() {
  const bool outputs = std::ranges::any_of(layers_, [](const Layer& layer) { return layer.op == Op::output; });
  std::vector<bool> read(layers_.size(), false);
  for (std::size_t i = layers_.size(); i-- > 0;) {
    const Layer& layer = layers_[i];
    if (layer.op == Op::input || is_sink(layer.op) || (i + 1 == layers_.size() && !outputs)) read[i] = true;
    if (!read[i]) continue;
    for (const Index operand : operands_[i]) read[operand] = true;
  }
  std::vector<Index> place(layers_.size());
  std::size_t to = 0;
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    if (!read[i]) continue;
    place[i] = static_cast<Index>(to);
    for (Index& operand : operands_[i]) operand = place[operand];
    if (to != i) {
      layers_[to] = layers_[i];
      operands_[to] = std::move(operands_[i]);
      params_[to] = std::move(params_[i]);
      names_[to] = std::move(names_[i]);
    }
    ++to;
  }
  layers_.resize(to), operands_.resize(to), params_.resize(to), names_.resize(to);
}

OwnedModel Records::finish() {
  drop_unread();
  if (layers_.size() > kMaxLayers)
    unsupported(fmt::format("the network has {} layers; a model has {} at most", layers_.size(), kMaxLayers),
                "split the model");
  OwnedModel out;
  out.alignment = kAlignment;
  std::size_t bytes = 0;
  for (const std::vector<std::byte>& params : params_) bytes = align_up(bytes, kAlignment) + params.size();
  if (bytes > 0x7FFF'FFFFU) unsupported("parameters of more than 2^31 bytes");
  out.params = AlignedBytes(bytes);
  std::size_t at = 0;
  bool named = false;
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    Layer& layer = layers_[i];
    named = named || !names_[i].empty();
    if (operands_[i].size() <= kMaxInputs) {
      std::ranges::copy(operands_[i], layer.inputs.begin());
    } else {
      if (out.operands.size() + operands_[i].size() > std::numeric_limits<Index>::max())
        unsupported("layers of many operands have more than 65535 in all", "split the model");
      layer.inputs[0] = static_cast<Index>(out.operands.size());
      out.operands.insert(out.operands.end(), operands_[i].begin(), operands_[i].end());
    }
    if (params_[i].empty()) continue;
    at = align_up(at, kAlignment);
    layer.param_offset = static_cast<std::uint32_t>(at);
    std::ranges::copy(params_[i], out.params.data() + at);
    at += params_[i].size();
  }
  for (std::size_t i = 0; named && i < names_.size(); ++i) out.names += names_[i], out.names += '\0';
  out.layers = std::move(layers_);
  return out;
}

}  // namespace mote::tool::foreign
