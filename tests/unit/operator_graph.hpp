// SPDX-License-Identifier: Apache-2.0
// Random networks over all operators of float32 layers and of what moves values of any type, beside random_graph.hpp,
// whose networks run on bare metal too: several inputs and outputs, constants on either side, states, outputs that are
// read on, sums and concatenations of more operands than a record holds. Wishes go through resolve(), and the reference
// evaluates each layer at once: what leaves the range in which float32 and double can be compared is taken back.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <span>
#include <string>
#include <vector>

#include "mote/model/builders.hpp"
#include "mote/model/model.hpp"
#include "reference/network.hpp"
#include "unit/random_graph.hpp"

namespace mote::test {

struct OperatorGraph {
  std::vector<Layer> layers;
  std::vector<std::uint16_t> operands;
  std::vector<float> params;
  std::uint32_t batch = 1;
  std::uint32_t alignment = 16;

  [[nodiscard]] Model model() const {
    Model model{layers, reinterpret_cast<const std::byte*>(params.data()),
                static_cast<std::uint32_t>(params.size() * sizeof(float)), alignment};
    model.operands = operands;
    return model;
  }
};

/// A random value of the type, as a session's caller or a file would give it.
inline double random_value(Random& random, DType type, double low = -1.5, double high = 1.5) {
  switch (type) {
    case DType::f32: return static_cast<double>(static_cast<float>(low + (high - low) * (random.real() + 1.0F) / 2));
    case DType::boolean: return random.below(2);
    case DType::u8: return random.below(256);
    case DType::s8: return static_cast<double>(random.below(256)) - 128;
    case DType::s16: return static_cast<double>(random.below(2000)) - 1000;
    default: return static_cast<double>(random.below(7)) - 3;
  }
}
inline void store_value(DType type, std::byte* to, std::size_t index, double value) {
  const auto put = [&]<class T>(T typed) { std::memcpy(to + index * sizeof(T), &typed, sizeof(T)); };
  switch (type) {
    case DType::s8: return put(static_cast<std::int8_t>(value));
    case DType::u8:
    case DType::boolean: return put(static_cast<std::uint8_t>(value));
    case DType::s16: return put(static_cast<std::int16_t>(value));
    case DType::s32: return put(static_cast<std::int32_t>(value));
    default: return put(static_cast<float>(value));
  }
}

/// Adds layers to a graph: picks of those that are there, wishes, parameters, numbers.
class OperatorGraphWriter {
 protected:
  OperatorGraphWriter(OperatorGraph& graph, Random& random, bool training)
      : graph_(graph),
        random_(random),
        training_(training),
        scale_(random.chance(12) ? random.between(2, 5) : 1),
        probe_({}, graph.batch) {}

  static constexpr std::size_t kNone = ~std::size_t{0};
  static constexpr std::uint64_t kUsualValues = 600;  // of all samples
  static constexpr double kMaxMagnitude = 20.0;

  [[nodiscard]] std::uint64_t most_values() const { return kUsualValues * scale_ * scale_; }

  // ---- layers that are there
  [[nodiscard]] const Layer& layer(std::size_t i) const { return graph_.layers[i]; }
  [[nodiscard]] Shape shape(std::size_t i) const { return graph_.layers[i].shape; }
  [[nodiscard]] std::size_t size() const { return graph_.layers.size(); }
  [[nodiscard]] std::size_t shown(std::size_t i) const {
    while (is_alias(layer(i).op)) i = graph_.model().operand(i);
    return i;
  }
  [[nodiscard]] bool is_constant(std::size_t i) const { return layer(shown(i)).op == Op::constant; }
  [[nodiscard]] bool is_real(std::size_t i) const { return layer(i).dtype == DType::f32; }
  [[nodiscard]] bool is_vector(std::size_t i) const { return shape(i).h == 1 && shape(i).w == 1; }
  [[nodiscard]] bool may_read(std::size_t i, bool constants) const {
    return !dead_[i] && !is_valueless(layer(i).op) && (constants || graph_.batch == 1 || !is_constant(i));
  }
  /// A layer that fits, rather one of the last or one that nobody reads yet; kNone where there is none.
  template <class Fits>
  std::size_t pick(const Fits& fits, bool constants = false) {
    const auto count = static_cast<std::uint32_t>(size());
    for (int tries = 0; tries < 16; ++tries) {
      const bool late = random_.chance(45);
      const std::size_t i = late ? count - 1 - random_.below(std::min(count, 5U)) : random_.below(count);
      if (!late && reads_[i] != 0 && random_.chance(40)) continue;
      if (may_read(i, constants) && fits(i)) return i;
    }
    const std::size_t first = random_.below(count);
    for (std::size_t k = 0; k < count; ++k)
      if (const std::size_t i = (first + k) % count; may_read(i, constants) && fits(i)) return i;
    return kNone;
  }
  std::size_t pick_real() {
    return pick([&](std::size_t i) { return is_real(i); });
  }
  std::size_t pick_any() {
    if (random_.chance(35))
      if (const std::size_t i = pick([&](std::size_t at) { return !is_real(at); }); i != kNone) return i;
    return pick_real();
  }

  // ---- wishes
  std::size_t push(LayerSpec wish, std::initializer_list<std::size_t> operands) {
    for (const std::size_t operand : operands)
      if (operand == kNone) return kNone;
    std::vector<std::string> labels(size());
    std::vector<const char*> names(size(), nullptr);
    for (const std::size_t operand : operands) {
      labels[operand] = std::to_string(operand);
      names[operand] = labels[operand].c_str();
    }
    wish.and_previous = false;
    wish.from_count = 0;
    for (const std::size_t operand : operands) wish.from[wish.from_count++] = names[operand];
    const Result<Layer> resolved = resolve(wish, graph_.layers, names, graph_.alignment);
    return resolved.ok() ? keep(*resolved, std::vector<std::size_t>(operands)) : kNone;
  }
  /// A sum or concatenation of more operands than a record holds itself.
  std::size_t push_many(Op op, std::int32_t axis, const std::vector<std::size_t>& operands) {
    Layer layer;
    layer.op = op;
    layer.input_count = static_cast<std::uint16_t>(operands.size());
    layer.dtype = this->layer(operands[0]).dtype;
    layer.quantization = this->layer(operands[0]).quantization;
    layer.args[0] = axis;
    std::vector<Shape> shapes;
    for (const std::size_t operand : operands) shapes.push_back(shape(operand));
    const Result<Shape> out = output_shape(layer, std::span<const Shape>(shapes));
    if (!out.ok()) return kNone;
    layer.shape = *out;
    if (operands.size() <= kMaxInputs) {
      for (std::size_t k = 0; k < operands.size(); ++k) layer.inputs[k] = static_cast<std::uint16_t>(operands[k]);
    } else {
      layer.inputs[0] = static_cast<std::uint16_t>(graph_.operands.size());
      for (const std::size_t operand : operands) graph_.operands.push_back(static_cast<std::uint16_t>(operand));
    }
    return keep(layer, operands);
  }
  /// Gives the layer parameters and its value, and takes it back where the value is none to compare.
  std::size_t keep(Layer layer, const std::vector<std::size_t>& operands) {
    const std::uint64_t values = layer.shape.elements() * graph_.batch;
    if (values > most_values() && layer.op != Op::concat && !is_alias(layer.op)) return kNone;
    if (layer.param_bytes > 4096 * scale_ * scale_) return kNone;
    const bool repeats = broadcasts(layer.op) ? operands.size() <= 2 || layer.op != Op::add
                                              : is_alias(layer.op) || layer.op == Op::assign;
    for (std::size_t k = 0; k < operands.size(); ++k)
      if (graph_.batch > 1 && is_constant(operands[k]) && !repeats && layer.op != Op::gather) return kNone;
    if (is_source(layer.op)) layer.param_dtype = layer.param_bytes == 0 ? DType::none : layer.dtype;
    const std::size_t index = size(), floats = graph_.params.size();
    graph_.layers.push_back(layer);
    if (layer.param_bytes != 0) graph_.params.resize((layer.param_offset + layer.param_bytes + 3) / 4);
    fill_params(index);
    probe_.follow(graph_.model());
    if (layer.op == Op::input)
      for (Dual& value : probe_value(index)) value = random_value(random_, layer.dtype);
    probe_.evaluate(index);
    bool good = true;
    for (const Dual& value : probe_.value(index))
      good = good && (layer.dtype != DType::f32 || std::fabs(value.value) <= kMaxMagnitude);
    if (!good) {
      graph_.layers.pop_back();
      graph_.params.resize(floats);
      probe_.follow(graph_.model());
      return kNone;
    }
    for (const std::size_t operand : operands) ++reads_[operand];
    reads_.push_back(0);
    dead_.push_back(false);
    return index;
  }
  using Dual = reference::Dual;
  reference::Network::Values& probe_value(std::size_t i) {
    reference::Network::Values& values = probe_.value(i);
    values.resize(static_cast<std::size_t>(shape(i).elements()) * graph_.batch);
    return values;
  }

  void fill(float* values, std::size_t count, float spread, float middle = 0.0F) {
    for (std::size_t i = 0; i < count; ++i) values[i] = middle + spread * random_.real();
  }
  void fill_params(std::size_t index) {
    const Layer& l = layer(index);
    auto* bytes = reinterpret_cast<std::byte*>(graph_.params.data()) + l.param_offset;
    if (is_source(l.op)) {
      const auto count = static_cast<std::size_t>(l.shape.elements());
      for (std::size_t i = 0; i < count && l.param_bytes != 0; ++i)
        store_value(l.dtype, bytes, i, random_value(random_, l.dtype, constant_low_, constant_high_));
      return;
    }
    if (l.param_bytes == 0) return;
    std::size_t k = 0;
    for (const ParamArray& array : param_arrays(l, graph_.model().input_shape_of(index))) {
      auto* values = reinterpret_cast<float*>(bytes + array.offset);
      const bool gamma = l.op == Op::batch_norm ? k == 0 || k == 3 : (is_norm(l.op) && k == 0);
      if (l.op == Op::spline && k == 0) {
        for (std::size_t i = 0; i < array.count; ++i) {
          const auto knot = static_cast<float>(i % l.knots());
          values[i] = -1.0F + 2.0F * (knot + 0.3F * random_.real()) / static_cast<float>(l.knots() - 1);
        }
      } else if (gamma) {
        fill(values, array.count, 0.5F, 1.0F);
      } else if (l.op == Op::rbf && k == 1) {
        fill(values, array.count, 0.25F, std::log(static_cast<float>(array.count) + 1.0F));
      } else if (array.weight) {
        fill(values, array.count, std::min(1.2F, 2.0F / std::sqrt(static_cast<float>(std::max(array.fan_in, 1U)))));
      } else {
        fill(values, array.count, 0.8F);
      }
      ++k;
    }
  }

  // ---- numbers
  bool trainable() { return random_.chance(85); }
  std::uint16_t small(std::uint32_t low, std::uint32_t high) {
    return static_cast<std::uint16_t>(random_.between(low, high));
  }
  Size2 window(std::uint32_t limit) { return {small(1, limit), small(1, limit)}; }
  std::uint32_t channels(std::uint32_t usual) { return random_.between(1, usual * scale_); }
  std::uint8_t axis() { return static_cast<std::uint8_t>(random_.below(3)); }
  std::uint8_t axes() { return static_cast<std::uint8_t>(random_.between(1, 7)); }
  DType random_type() {
    constexpr std::array kTypes{DType::f32, DType::f32, DType::s32, DType::boolean, DType::s8, DType::u8, DType::s16};
    return kTypes[random_.below(kTypes.size())];
  }
  static Quantization units_of(DType type) { return quantized(type) ? Quantization{1.0F, 0} : Quantization{}; }
  Shape random_shape() {
    if (random_.chance(25)) return {1, 1, channels(16)};
    if (random_.chance(30)) return {1, random_.between(1, 8), channels(6)};
    return {random_.between(1, 6), random_.between(1, 6), channels(5)};
  }
  /// Three extents of so many elements.
  Shape random_factors(std::uint32_t elements) {
    std::uint32_t h = random_.between(1, elements);
    while (elements % h != 0) --h;
    std::uint32_t w = random_.between(1, elements / h);
    while (elements / h % w != 0) --w;
    Shape out{h, w, elements / h / w};
    if (random_.chance(50)) std::swap(out.h, out.c);
    if (random_.chance(50)) std::swap(out.w, out.c);
    return out;
  }
  /// Some axes once.
  Shape narrowed(Shape s) {
    for (std::size_t i = 0; i < 3; ++i)
      if (random_.chance(40)) extent(s, i) = 1;
    return s;
  }
  ConvOptions conv_options() {
    ConvOptions o;
    o.filter = window(3), o.stride = window(2), o.dilation = random_.chance(75) ? Size2{} : window(2);
    o.padding = static_cast<Padding>(random_.below(3));
    if (o.padding == Padding::explicit_) o.pads = {small(0, 2), small(0, 2), small(0, 2), small(0, 2)};
    o.bias = random_.chance(80), o.trainable = trainable();
    return o;
  }
  PoolOptions pool_options() {
    PoolOptions o;
    o.filter = window(3), o.stride = random_.chance(40) ? Size2{0, 0} : window(2);
    o.padding = static_cast<Padding>(random_.below(3));
    if (o.padding == Padding::explicit_) o.pads = {small(0, 1), small(0, 1), small(0, 1), small(0, 1)};
    o.count_padding = random_.chance(50);
    return o;
  }

  OperatorGraph& graph_;
  Random& random_;
  bool training_;
  std::uint32_t scale_;  // of some graphs: more channels, so that rows fill vectors
  reference::Network probe_;
  std::vector<std::uint32_t> reads_;  // how many layers read each
  std::vector<bool> dead_;            // a state that was assigned, and what shows it
  double constant_low_ = 0.0, constant_high_ = 0.0;
};

}  // namespace mote::test
