// SPDX-License-Identifier: Apache-2.0
// Shapes of the .onnx format: what is known when the walk comes by, and values that only depend on it.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "tool/import/onnx_common.hpp"

namespace mote::tool::foreign {
namespace {

void constant(Call& call) {
  const FileNode& node = call.node;
  if (const Setting* value = node.find("value"); value != nullptr && std::holds_alternative<FileTensor>(*value))
    return call.give(call.make.constant(Literal(std::get<FileTensor>(*value))));
  if (node.find("value_int") != nullptr)
    return call.give(call.make.constant(Literal::of(std::array{node.whole("value_int", 0)}).reshaped({})));
  if (node.find("value_float") != nullptr)
    return call.give(call.make.scalar(static_cast<double>(node.real("value_float", 0.0F))));
  if (node.find("value_ints") != nullptr) return call.give(call.make.constant(Literal::of(node.wholes("value_ints"))));
  if (node.find("value_floats") != nullptr) {
    const std::vector<float> values = node.reals("value_floats");
    Literal out(Type::f32, {static_cast<std::int64_t>(values.size())});
    for (std::size_t i = 0; i < values.size(); ++i)
      out.set(static_cast<std::int64_t>(i), static_cast<double>(values[i]));
    return call.give(call.make.constant(std::move(out)));
  }
  unsupported("a constant of text, or sparse");
}

void shape(Call& call) {
  const Dims dims = call.dims(0);
  const auto n = static_cast<std::int64_t>(dims.size());
  std::int64_t from = call.node.whole("start", 0), to = call.node.whole("end", n);
  from = std::clamp<std::int64_t>(from < 0 ? from + n : from, 0, n);
  to = std::clamp<std::int64_t>(to < 0 ? to + n : to, from, n);
  call.give(call.make.constant(
      Literal::of(std::span(dims).subspan(static_cast<std::size_t>(from), static_cast<std::size_t>(to - from)))));
}
void size(Call& call) { call.give(call.make.constant(Literal::of(std::array{count_of(call.dims(0))}).reshaped({}))); }

void reshape(Call& call) {
  Dims dims = wholes_of(call, 1, "shape");
  const Dims own = call.dims(0);
  const bool zeros = call.node.whole("allowzero", 0) != 0;
  std::int64_t rest = 1;
  std::size_t open = dims.size();
  for (std::size_t k = 0; k < dims.size(); ++k) {
    if (dims[k] == 0 && !zeros) {
      if (k >= own.size()) unsupported(fmt::format("{} cannot take the shape {}", text_of(own), text_of(dims)));
      dims[k] = own[k];
    }
    if (dims[k] < -1 || (dims[k] == -1 && open != dims.size()))
      unsupported(fmt::format("a shape of {}", text_of(dims)));
    if (dims[k] == -1)
      open = k;
    else
      rest = count_of({rest, dims[k]});
  }
  if (open != dims.size()) dims[open] = rest == 0 ? 0 : count_of(own) / rest;
  call.give(call.make.reshape(call[0], dims));
}

void flatten(Call& call) {
  const Dims own = call.dims(0);
  std::int64_t axis = call.node.whole("axis", 1);
  const auto n = static_cast<std::int64_t>(own.size());
  if (axis < 0) axis += n;
  if (axis < 0 || axis > n) unsupported(fmt::format("axis {} of a tensor of rank {}", axis, n));
  call.give(call.make.reshape(
      call[0], {count_of(Dims(own.begin(), own.begin() + axis)), count_of(Dims(own.begin() + axis, own.end()))}));
}

void squeeze(Call& call) {
  const Dims own = call.dims(0), axes = wholes_of(call, 1, "axes");
  std::vector<bool> goes(own.size(), false);
  for (const std::int64_t axis : axes) goes[Maker::axis_of(axis, own.size())] = true;
  Dims dims;
  for (std::size_t k = 0; k < own.size(); ++k) {
    if (goes[k] && own[k] != 1) unsupported(fmt::format("an axis of {} falls away", own[k]));
    if (axes.empty() ? own[k] != 1 : !goes[k]) dims.push_back(own[k]);
  }
  call.give(call.make.reshape(call[0], dims));
}

void unsqueeze(Call& call) {
  const Dims own = call.dims(0), axes = wholes_of(call, 1, "axes");
  const std::size_t rank = own.size() + axes.size();
  std::vector<bool> fresh(rank, false);
  for (const std::int64_t axis : axes) fresh[Maker::axis_of(axis, rank)] = true;
  Dims dims;
  std::size_t from = 0;
  for (std::size_t k = 0; k < rank; ++k) {
    if (!fresh[k] && from == own.size()) unsupported("an axis is named twice");
    dims.push_back(fresh[k] ? 1 : own[from++]);
  }
  call.give(call.make.reshape(call[0], dims));
}

void constant_of_shape(Call& call) {
  const Dims dims = call.wholes(0, "shape");
  Literal value = Literal::scalar(Type::f32, 0.0);
  if (const Setting* given = call.node.find("value"); given != nullptr && std::holds_alternative<FileTensor>(*given))
    value = Literal(std::get<FileTensor>(*given)).reshaped({});
  call.give(call.make.expand(call.make.constant(value), dims));
}

void range(Call& call) {
  const Literal& from = call.make.must_be_constant(call[0], "start");
  const Literal& to = call.make.must_be_constant(call[1], "limit");
  const Literal& by = call.make.must_be_constant(call[2], "step");
  call.give(call.make.constant(ranged(from, to, by)));
}

void one_hot(Call& call) {
  Maker& make = call.make;
  const std::int64_t depth = call.whole(1, "depth");
  if (depth < 1 || depth > Literal::kMostElements) unsupported(fmt::format("a depth of {}", depth));
  const Literal& values = make.must_be_constant(call[2], "values");
  if (values.count() != 2) unsupported("its values are not two");
  Dims dims = call.dims(0), ones(dims.size() + 1, 1);
  const std::size_t axis = Maker::axis_of(call.node.whole("axis", -1), dims.size() + 1);
  dims.insert(dims.begin() + static_cast<std::ptrdiff_t>(axis), 1);
  ones[axis] = depth;
  make.spend(depth);
  Literal classes(make.type(call[0]), ones);
  for (std::int64_t i = 0; i < depth; ++i) classes.set(i, i);
  const Value x = make.reshape(call[0], dims), places = make.constant(std::move(classes));
  // Indices below 0 count from the end.
  const Value behind = make.binary("add", x, make.scalar(static_cast<double>(depth), make.type(x)));
  const Value hot = make.binary("logical_or", make.binary("equal", x, places), make.binary("equal", behind, places));
  const auto one = [&](std::int64_t i) { return make.constant(sliced(values, {i}, {1}, {1}).reshaped({})); };
  const Value off = one(0), on = one(1);
  call.give(make.select(hot, on, off));
}

constexpr std::array kRows = {
    OperatorRow{"Constant", constant},   OperatorRow{"Shape", shape},
    OperatorRow{"Size", size},           OperatorRow{"Reshape", reshape},
    OperatorRow{"Flatten", flatten},     OperatorRow{"Squeeze", squeeze},
    OperatorRow{"Unsqueeze", unsqueeze}, OperatorRow{"ConstantOfShape", constant_of_shape},
    OperatorRow{"Range", range},         OperatorRow{"OneHot", one_hot},
};

}  // namespace

std::span<const OperatorRow> onnx_shapes() { return kRows; }

}  // namespace mote::tool::foreign
