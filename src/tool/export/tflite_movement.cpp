// SPDX-License-Identifier: Apache-2.0
// What moves values about, as .tflite operators: stored numbers of any type.
#include <algorithm>
#include <cstring>

#include "tool/export/tflite_export.hpp"

namespace mote::tool::foreign {
namespace {

std::int64_t size_along(const Shape& s, std::size_t axis) { return extent(s, axis); }

void concat(TfliteExport& to, std::size_t i) {
  const Layer& l = to.from.layer(i);
  const Lie lie = l.args[0] == 0 ? to.lie_for_all(i) : Lie::nhwc;
  std::vector<int> parts;
  for (std::size_t k = 0; k < l.input_count; ++k) parts.push_back(to.operand(i, lie, k));
  const auto axis = static_cast<double>(TfliteExport::axis_in(lie, static_cast<std::size_t>(l.args[0])));
  to.put_node(i, lie, "CONCATENATION", std::move(parts), {{"axis", axis}, {"activation", 0.0}});
}

void slice(TfliteExport& to, std::size_t i) {
  const Layer& l = to.from.layer(i);
  Extents64 begin{0}, end{1}, step{1}, size{1};
  std::uint32_t open = 0;  // axes that are read backwards to their first element
  bool dense = true;
  for (std::size_t k = 0; k < 3; ++k) {  // h, w, c
    const std::int64_t count = size_along(l.shape, 2 - k), behind = l.args[k] + std::int64_t{l.args[3 + k]} * count;
    begin.push_back(l.args[k]), step.push_back(l.args[3 + k]), size.push_back(count);
    end.push_back(std::max<std::int64_t>(behind, 0));
    if (behind < 0) open |= 1U << (k + 1);
    if (l.args[3 + k] > 0) end.back() = std::min(behind, size_along(to.from.in(i).shape, 2 - k));
    dense = dense && l.args[3 + k] == 1;
  }
  const int x = to.operand(i, Lie::nhwc);
  if (dense) return to.put_node(i, Lie::nhwc, "SLICE", {x, to.wholes(begin), to.wholes(size)});
  to.put_node(i, Lie::nhwc, "STRIDED_SLICE", {x, to.wholes(begin), to.wholes(end), to.wholes(step)},
              {{"begin_mask", 0.0},
               {"end_mask", static_cast<double>(open)},
               {"ellipsis_mask", 0.0},
               {"new_axis_mask", 0.0},
               {"shrink_axis_mask", 0.0}});
}

void pad(TfliteExport& to, std::size_t i) {
  const Layer& l = to.from.layer(i);
  const Extents64 pads{0, 0, l.pad_top, l.pad_bottom, l.pad_left, l.pad_right, l.args[0], l.args[1]};
  const int x = to.operand(i, Lie::nhwc), around = to.wholes(pads, {4, 2});
  const auto rule = static_cast<PadRule>(l.args[2]);
  if (rule == PadRule::edge) to.from.refuse(i, "there is no operator that repeats the edge");
  if (rule != PadRule::constant)
    return to.put_node(i, Lie::nhwc, "MIRROR_PAD", {x, around}, {{"mode", rule == PadRule::reflect ? 0.0 : 1.0}});
  const float zero = static_cast<float>(l.quantization.zero_point);
  if (l.alpha == zero) return to.put_node(i, Lie::nhwc, "PAD", {x, around});
  TfliteTensor value = to.graph.tensor(x);
  value.name = to.from.fresh("padding");
  value.dims = {1};
  value.values.resize(bytes_of(l.dtype));
  if (l.dtype == DType::f32) {
    std::memcpy(value.values.data(), &l.alpha, sizeof l.alpha);
  } else {
    const auto whole = static_cast<std::int32_t>(l.alpha);
    std::memcpy(value.values.data(), &whole, value.values.size());  // little-endian, as files are
  }
  to.put_node(i, Lie::nhwc, "PADV2", {x, around, to.graph.tensor(std::move(value))});
}

void tile(TfliteExport& to, std::size_t i) {
  const Shape &s = to.from.layer(i).shape, &in = to.from.in(i).shape;
  to.put_node(i, Lie::nhwc, "TILE", {to.operand(i, Lie::nhwc), to.wholes({1, s.h / in.h, s.w / in.w, s.c / in.c})});
}

/// Indices that are known are counted from the front, as the operator wants them.
int indices_of(TfliteExport& to, std::size_t i, std::int64_t extent) {
  std::size_t from = to.from.operand(i, 1);
  const std::int64_t count = to.from.layer(from).shape.c;
  if (!to.from.constant(i, 1)) return to.reshape(to.operand(i, Lie::flat, 1), {count}, to.from.name(i) + "/indices");
  while (to.from.layer(from).op != Op::constant) from = to.from.operand(from);
  Extents64 indices(static_cast<std::size_t>(count));
  for (std::size_t k = 0; k < indices.size(); ++k) {
    std::int32_t index = 0;
    std::memcpy(&index, to.from.values(from).data() + k * sizeof index, sizeof index);
    indices[k] = index < 0 ? index + extent : index;
  }
  return to.wholes(indices);
}

void gather(TfliteExport& to, std::size_t i) {
  const auto axis = static_cast<std::size_t>(to.from.layer(i).args[0]);
  const int indices = indices_of(to, i, size_along(to.from.in(i).shape, axis));
  to.put_node(i, Lie::nhwc, "GATHER", {to.operand(i, Lie::nhwc), indices},
              {{"axis", static_cast<double>(TfliteExport::axis_in(Lie::nhwc, axis))}, {"batch_dims", 0.0}});
}

void transpose(TfliteExport& to, std::size_t i) {
  const Layer& l = to.from.layer(i);
  Extents64 dims, permutation, moved;
  for (std::size_t k = 0; k < 4; ++k) {
    dims.push_back(l.args[k]), permutation.push_back(static_cast<std::int64_t>(permuted(l, k)));
    moved.push_back(l.args[permuted(l, k)]);
  }
  const int x = to.reshape(to.ordered(to.from.operand(i)), dims, to.from.name(i) + "/before");
  const int out = to.result_of(i, moved);
  to.graph.node("TRANSPOSE", {x, to.wholes(permutation)}, {out});
  const Shape& s = l.shape;
  if (moved == Extents64{1, s.h, s.w, s.c}) return to.put(i, Lie::nhwc, out);
  to.put_other(i, out);
}

}  // namespace

bool tflite_movement_layer(TfliteExport& to, std::size_t i) {
  switch (to.from.layer(i).op) {
    case Op::concat: return concat(to, i), true;
    case Op::slice: return slice(to, i), true;
    case Op::pad: return pad(to, i), true;
    case Op::tile: return tile(to, i), true;
    case Op::gather: return gather(to, i), true;
    case Op::transpose: return transpose(to, i), true;
    default: return false;
  }
}

}  // namespace mote::tool::foreign
