// SPDX-License-Identifier: Apache-2.0
#include "tool/import/records.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "mote/model/shape_rule.hpp"

namespace mote::tool::foreign {
namespace {

constexpr std::size_t kAlignment = 16;

/// Elements of a literal as the parameter array's type has them.
void store(const Literal& values, const ParamArray& array, std::byte* to) {
  for (std::uint32_t i = 0; i < array.count; ++i) {
    const auto put = [&](auto value) { std::memcpy(to + i * sizeof(value), &value, sizeof(value)); };
    switch (array.dtype) {
      case DType::f32: put(static_cast<float>(values.real(i))); break;
      case DType::s32: put(static_cast<std::int32_t>(values.whole(i))); break;
      case DType::s8: put(static_cast<std::int8_t>(values.whole(i))); break;
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
  if (layers_.size() >= kMaxLayers)
    unsupported(fmt::format("the network has more than {} layers", kMaxLayers), "split the model");
  if (operands.size() > kMaxInputs) unsupported(fmt::format("{} operands", operands.size()));
  layer.input_count = static_cast<std::uint16_t>(operands.size());
  std::array<Shape, kMaxInputs> in{};
  for (std::size_t i = 0; i < operands.size(); ++i) layer.inputs[i] = operands[i], in[i] = layers_[operands[i]].shape;
  const Result<Shape> shape = output_shape(layer, std::span<const Shape>(in).first(operands.size()));
  if (!shape.ok()) unsupported(fmt::format("{}: {}", mote::name(layer.op), describe(shape.status())));
  layer.shape = *shape;
  const ParamArrays arrays = param_arrays(layer, in[0]);
  if (arrays.count != 0) {
    constexpr std::size_t kMost = 0x7FFF'0000;
    params_.resize(align_up(params_.size(), kAlignment));
    if (arrays.bytes > kMost || params_.size() > kMost - arrays.bytes)
      unsupported("parameters of more than 2^31 bytes");
    layer.param_offset = static_cast<std::uint32_t>(params_.size());
    layer.param_bytes = static_cast<std::uint32_t>(arrays.bytes);
    params_.resize(params_.size() + arrays.bytes);
    for (std::size_t i = 0; i < arrays.count; ++i) {
      const ParamArray& array = arrays.arrays[i];
      if (i >= weights.size() || weights[i].count() != array.count)
        unsupported(fmt::format("{}: {} of {} elements", mote::name(layer.op), array.name, array.count));
      store(weights[i], array, params_.data() + layer.param_offset + array.offset);
    }
  }
  layers_.push_back(layer);
  names_.emplace_back();
  return static_cast<Index>(layers_.size() - 1);
}

Records::Index Records::shaped(Index value, const Shape& shape) {
  if (layers_[value].shape == shape) return value;
  Layer layer;
  layer.op = Op::reshape;
  layer.dtype = layers_[value].dtype;
  layer.quantization = layers_[value].quantization;
  layer.shape = shape;
  if (layers_[value].op == Op::reshape) value = layers_[value].inputs[0];  // of several in a row the last one counts
  return layers_[value].shape == shape ? value : add(layer, {value});
}

/// Reshapes that another one took the place of are read by nothing, and go.
void Records::drop_unread() {
  std::vector<bool> read(layers_.size(), false);
  for (std::size_t i = layers_.size(); i-- > 0;) {
    const Layer& layer = layers_[i];
    const bool stays = layer.op != Op::reshape || i + 1 == layers_.size();
    read[i] = read[i] || stays;
    for (std::size_t k = 0; read[i] && k < layer.input_count; ++k) read[layer.inputs[k]] = true;
  }
  std::vector<Index> place(layers_.size());
  std::size_t to = 0;
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    if (!read[i]) continue;
    place[i] = static_cast<Index>(to);
    Layer layer = layers_[i];
    for (std::size_t k = 0; k < layer.input_count; ++k) layer.inputs[k] = place[layer.inputs[k]];
    layers_[to] = layer;
    names_[to++] = names_[i];
  }
  layers_.resize(to);
  names_.resize(to);
}

OwnedModel Records::finish() {
  drop_unread();
  OwnedModel out;
  out.layers = std::move(layers_);
  out.params = AlignedBytes(params_.size());
  std::ranges::copy(params_, out.params.data());
  out.alignment = kAlignment;
  return out;
}

}  // namespace mote::tool::foreign
