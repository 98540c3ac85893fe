// SPDX-License-Identifier: Apache-2.0
// Shapes of the .tflite format: what is known when the walk comes by, and values that only depend on it.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "tool/import/tflite_common.hpp"

namespace mote::tool::foreign {
namespace {

void reshape(Call& call) {
  Dims dims = call.node.wholes("new_shape");
  if (call.has(1))
    dims = call.wholes(1, "shape");
  else if (call.node.find("new_shape") == nullptr)
    dims = call.tensor_of_output().dims;
  const std::int64_t count = count_of(call.dims(0));
  std::int64_t rest = 1;
  for (const std::int64_t dim : dims) {
    if (dim < -1) unsupported(fmt::format("a shape of {}", text_of(dims)));
    rest *= dim == -1 || dim == 0 ? 1 : std::min(dim, count + 1);
    rest = std::min(rest, count + 1);
  }
  for (std::int64_t& dim : dims)
    if (dim == -1) dim = count / rest;
  call.give(call.make.reshape(call[0], dims));
}

void squeeze(Call& call) {
  const Dims own = call.dims(0), given = call.node.wholes("squeeze_dims");
  std::vector<bool> goes(own.size(), given.empty());
  for (const std::int64_t axis : given) goes[Maker::axis_of(axis, own.size())] = true;
  Dims dims;
  for (std::size_t k = 0; k < own.size(); ++k) {
    if (goes[k] && own[k] != 1 && !given.empty()) unsupported(fmt::format("an axis of {} falls away", own[k]));
    if (!goes[k] || own[k] != 1) dims.push_back(own[k]);
  }
  call.give(call.make.reshape(call[0], dims));
}

void expand_dims(Call& call) {
  Dims dims = call.dims(0);
  const std::size_t axis = Maker::axis_of(call.whole(1, "axis"), dims.size() + 1);
  dims.insert(dims.begin() + static_cast<std::ptrdiff_t>(axis), 1);
  call.give(call.make.reshape(call[0], dims));
}

void identity(Call& call) { call.give(call[0]); }

void shape(Call& call) {
  const Dims dims = call.dims(0);
  call.give(call.make.constant(Literal::of(dims, Type::s32)));
}
void rank(Call& call) { call.give(call.make.scalar(static_cast<double>(call.rank(0)), Type::s32)); }

void fill(Call& call) {
  const Dims dims = call.wholes(0, "shape");
  call.give(call.make.expand(call[1], dims));
}
void zeros_like(Call& call) {
  call.make.spend(count_of(call.dims(0)));
  call.give(call.make.constant(Literal(call.make.type(call[0]), call.dims(0))));
}

void range(Call& call) {
  const Literal& from = call.make.must_be_constant(call[0], "start");
  const Literal& to = call.make.must_be_constant(call[1], "limit");
  const Literal& by = call.make.must_be_constant(call[2], "step");
  call.give(call.make.constant(ranged(from, to, by)));
}

void one_hot(Call& call) {
  const std::int64_t depth = call.whole(1, "depth");
  if (depth < 1 || depth > Literal::kMostElements) unsupported(fmt::format("a depth of {}", depth));
  Maker& make = call.make;
  Dims dims = call.dims(0), ones(dims.size() + 1, 1);
  const std::size_t axis = Maker::axis_of(call.node.whole("axis", -1), dims.size() + 1);
  dims.insert(dims.begin() + static_cast<std::ptrdiff_t>(axis), 1);
  ones[axis] = depth;
  make.spend(depth);
  Literal classes(make.type(call[0]), ones);
  for (std::int64_t i = 0; i < depth; ++i) classes.set(i, i);
  const Value hot = make.binary("equal", make.reshape(call[0], dims), make.constant(std::move(classes)));
  call.give(make.select(hot, call[2], call[3]));
}

void broadcast_args(Call& call) {
  const Dims dims = broadcast(call.wholes(0, "shape"), call.wholes(1, "shape"));
  call.give(call.make.constant(Literal::of(dims, Type::s32)));
}

constexpr std::array kRows = {
    OperatorRow{"RESHAPE", reshape},
    OperatorRow{"SQUEEZE", squeeze},
    OperatorRow{"EXPAND_DIMS", expand_dims},
    OperatorRow{"SHAPE", shape},
    OperatorRow{"RANK", rank},
    OperatorRow{"FILL", fill},
    OperatorRow{"ZEROS_LIKE", zeros_like},
    OperatorRow{"RANGE", range},
    OperatorRow{"ONE_HOT", one_hot},
    OperatorRow{"BROADCAST_ARGS", broadcast_args},
    OperatorRow{"DENSIFY", identity},
};

}  // namespace

std::span<const OperatorRow> tflite_shapes() { return kRows; }

}  // namespace mote::tool::foreign
