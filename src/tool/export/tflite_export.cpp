// SPDX-License-Identifier: Apache-2.0
#include "tool/export/tflite_export.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "mote/model/element_types.hpp"

namespace mote::tool::foreign {
namespace {

Lie natural(const Shape& s) { return s.h == 1 && s.w == 1 ? Lie::flat : Lie::nhwc; }

std::vector<std::byte> copied(std::span<const std::byte> bytes) { return {bytes.begin(), bytes.end()}; }

}  // namespace

void TfliteExport::run() {
  for (const Outgoing::End& end : from.inputs) input(end);
  for (std::size_t i = 0; i < from.size(); ++i)
    if (!done_[i]) layer(i);
  for (const Outgoing::End& end : from.outputs) output(end);
}

void TfliteExport::layer(std::size_t i) {
  const Layer& l = from.layer(i);
  if (is_source(l.op) || l.op == Op::assign) return;
  if (is_alias(l.op) || is_regularizer(l.op)) {
    const std::size_t operand = from.operand(i);
    if (l.op == Op::reshape && !(l.shape == from.in(i).shape)) {
      const int lies = ordered(operand);
      return put(i, lies == values_[operand].tensors[at(Lie::flat)] ? Lie::flat : Lie::other, lies);
    }
    if (from.in(i).op == Op::constant) static_cast<void>(value(operand, natural(l.shape)));
    values_[i] = values_[operand];
    return;
  }
  if (tflite_layer(*this, i) || tflite_image_layer(*this, i) || tflite_norm(*this, i) ||
      tflite_elementwise_layer(*this, i) || tflite_movement_layer(*this, i) || tflite_recurrent_layer(*this, i))
    return;
  from.refuse_unknown(i);
}

TfliteTensor TfliteExport::tensor_of(std::size_t i, std::string name, Extents64 dims) const {
  const Layer& l = from.layer(i);
  TfliteTensor out;
  out.name = std::move(name);
  out.dims = std::move(dims);
  out.type = l.dtype;
  if (quantized(l.dtype)) out.scales = {l.quantization.scale}, out.zero_points = {l.quantization.zero_point};
  return out;
}

void TfliteExport::input(const Outgoing::End& end) {
  int tensor = graph.tensor(tensor_of(end.layer, end.name, end.dims));
  inputs_.push_back(tensor);
  if (from.casts(end)) {
    graph.tensor(tensor).file_type = tflite_number(end.type);
    const int own = graph.tensor(tensor_of(end.layer, from.fresh(end.name + "/cast"), end.dims));
    cast(tensor, own);
    tensor = own;
  }
  for (const Lie lie : {Lie::flat, Lie::nhwc})
    if (end.dims == dims_of(end.layer, lie)) return put(end.layer, lie, tensor);
  put_other(end.layer, tensor);
}

void TfliteExport::output(const Outgoing::End& end) {
  const std::size_t i = end.layer;
  int tensor = -1;
  for (const int have : values_[i].tensors)
    if (have >= 0 && graph.tensor(have).dims == end.dims) tensor = have;
  for (const Lie lie : {Lie::flat, Lie::nhwc})
    if (tensor < 0 && end.dims == dims_of(i, lie)) tensor = value(i, lie);
  if (tensor < 0) tensor = reshape(ordered(i), end.dims, end.name);
  if (from.casts(end)) {
    TfliteTensor made = tensor_of(i, end.name, end.dims);
    made.file_type = tflite_number(end.type);
    outputs_.push_back(graph.tensor(std::move(made)));
    return cast(tensor, outputs_.back());
  }
  const auto taken = [&](const std::vector<int>& list) { return std::ranges::find(list, tensor) != list.end(); };
  if (taken(inputs_) || taken(outputs_) || from.is_constant(i)) {
    // The same tensor under another name.
    const int copy = graph.tensor(tensor_of(i, end.name, end.dims));
    graph.node("RESHAPE", {tensor, wholes(end.dims)}, {copy});
    tensor = copy;
  }
  graph.tensor(tensor).name = end.name;
  outputs_.push_back(tensor);
}

Extents64 TfliteExport::dims_of(std::size_t i, Lie lie) const {
  const Shape& s = from.layer(i).shape;
  if (lie == Lie::flat) return {1, static_cast<std::int64_t>(s.elements())};
  return {1, s.h, s.w, s.c};
}

Lie TfliteExport::lie_of(std::size_t i, bool apart) const {
  const Shape& s = from.layer(i).shape;
  const Lie first = values_[i].first;
  if (first == Lie::other || (apart && first == Lie::flat)) return natural(s);
  return first;
}

Lie TfliteExport::lie_for_all(std::size_t i) const {
  for (std::size_t k = 0; k < from.layer(i).input_count; ++k)
    if (natural(from.in(i, k).shape) != Lie::flat) return Lie::nhwc;
  return Lie::flat;
}

void TfliteExport::put(std::size_t i, Lie lie, int tensor) {
  values_[i].first = lie;
  values_[i].tensors[at(lie)] = tensor;
}

int TfliteExport::ordered(std::size_t i) {
  const Value& v = values_[i];
  if (v.tensors[at(v.first)] >= 0) return v.tensors[at(v.first)];
  return value(i, natural(from.layer(i).shape));
}

int TfliteExport::value(std::size_t i, Lie lie) {
  int& have = values_[i].tensors[at(lie)];
  if (have >= 0) return have;
  if (from.layer(i).op == Op::constant) {
    TfliteTensor made = tensor_of(i, from.name(i), dims_of(i, lie));
    made.values = copied(from.values(i));
    return have = graph.tensor(std::move(made));
  }
  int lies = -1;
  for (const int other : values_[i].tensors) lies = std::max(lies, other);
  if (lies < 0) return have = graph.tensor(tensor_of(i, from.name(i), dims_of(i, lie)));  // what makes it was refused
  return have = reshape(lies, dims_of(i, lie), from.name(i) + (lie == Lie::flat ? "/flat" : "/nhwc"));
}

int TfliteExport::reshape(int tensor, const Extents64& dims, const std::string& wish) {
  TfliteTensor made = graph.tensor(tensor);
  made.name = from.fresh(wish);
  made.dims = dims;
  made.values.clear();
  const int out = graph.tensor(std::move(made));
  graph.node("RESHAPE", {tensor, wholes(dims)}, {out});
  return out;
}

void TfliteExport::cast(int from_tensor, int to_tensor) {
  const auto number = [&](int i) {
    const TfliteTensor& tensor = graph.tensor(i);
    return static_cast<double>(tensor.file_type.value_or(tflite_number(tensor.type)));
  };
  graph.node("CAST", {from_tensor}, {to_tensor}, {{"in_type", number(from_tensor)}, {"out_type", number(to_tensor)}});
}

int TfliteExport::real_operand(std::size_t i, Lie lie, std::size_t k) {
  const int stored = operand(i, lie, k);
  if (!quantized(from.in(i, k).dtype)) return stored;
  return add(i, "DEQUANTIZE", {stored}, graph.tensor(stored).dims);
}

int TfliteExport::result_of(std::size_t i, const Extents64& dims) {
  return graph.tensor(tensor_of(i, from.name(i), dims));
}
int TfliteExport::result(std::size_t i, Lie lie) {
  const int tensor = result_of(i, dims_of(i, lie));
  put(i, lie, tensor);
  return tensor;
}

void TfliteExport::put_node(std::size_t i, Lie lie, const char* op, std::vector<int> inputs,
                            std::vector<TfliteOption> options) {
  graph.node(op, std::move(inputs), {result(i, lie)}, std::move(options));
}

int TfliteExport::part(std::size_t i, Extents64 dims) {
  TfliteTensor made;
  made.name = from.fresh(from.name(i) + "/part");
  made.dims = std::move(dims);
  return graph.tensor(std::move(made));
}
int TfliteExport::part_like(std::size_t i, std::size_t like, Extents64 dims) {
  return graph.tensor(tensor_of(like, from.fresh(from.name(i) + "/part"), std::move(dims)));
}
int TfliteExport::add(std::size_t i, const char* op, std::vector<int> inputs, Extents64 dims,
                      std::vector<TfliteOption> options) {
  const int out = part(i, std::move(dims));
  graph.node(op, std::move(inputs), {out}, std::move(options));
  return out;
}

int TfliteExport::floats(const std::string& wish, Extents64 dims, std::span<const float> values) {
  TfliteTensor made;
  made.name = from.fresh(wish);
  made.dims = std::move(dims);
  made.values = copied(std::as_bytes(values));
  return graph.tensor(std::move(made));
}
int TfliteExport::number(float value) {
  for (const auto& [have, tensor] : numbers_)
    if (have == value) return tensor;
  numbers_.emplace_back(value, floats(fmt::format("number_{:g}", value), {1}, {&value, 1}));
  return numbers_.back().second;
}
int TfliteExport::wholes(const Extents64& values, Extents64 dims) {
  const std::vector<std::int32_t> small(values.begin(), values.end());
  TfliteTensor made;
  made.name = from.fresh("numbers");
  made.dims = std::move(dims);
  made.type = DType::s32;
  made.values = copied(std::as_bytes(std::span(small)));
  return graph.tensor(std::move(made));
}

TfliteExport::Fused TfliteExport::fused(std::size_t i) {
  const std::size_t j = from.only_reader(i);
  if (j == from.size()) return {i, 0};
  const Layer& l = from.layer(j);
  if (l.dtype != DType::f32 && !narrows_range(l)) return {i, 0};
  const bool unit = l.op == Op::clip && l.alpha == -1.0F && l.beta == 1.0F;
  const int activation = l.op == Op::relu ? 1 : unit ? 2 : l.op == Op::relu6 ? 3 : 0;
  if (activation == 0) return {i, 0};
  done_[j] = true;
  return {j, activation};
}

}  // namespace mote::tool::foreign
