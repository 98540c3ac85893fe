// SPDX-License-Identifier: Apache-2.0
// What moves values about, as .onnx nodes: stored numbers of any type.
#include <algorithm>
#include <limits>

#include "tool/export/onnx_export.hpp"

namespace mote::tool::foreign {
namespace {

/// Along h, w, c in the order of the form.
template <class Get>
Extents64 in_order(Form form, Get&& get) {
  Extents64 out(form == Form::flat ? 2 : 4, 0);
  for (std::size_t axis = 0; axis < 3; ++axis)
    if (form != Form::flat || axis == 0) out[static_cast<std::size_t>(OnnxExport::axis_in(form, axis))] = get(axis);
  return out;
}

/// Flat only where there is nothing but channels, before and behind.
Form form_around(const OnnxExport& to, std::size_t i) {
  const Form form = to.form_of(to.from.operand(i), true);
  const Shape& s = to.from.layer(i).shape;
  return form == Form::flat && (s.h != 1 || s.w != 1) ? Form::nhwc : form;
}

void concat(OnnxExport& to, std::size_t i) {
  const Layer& l = to.from.layer(i);
  Form form = to.form_for_all(i);
  if (form == Form::flat && l.args[0] != 0) form = Form::nhwc;
  std::vector<std::string> parts;
  for (std::size_t k = 0; k < l.input_count; ++k) parts.push_back(to.stored_operand(i, form, k));
  to.fix_batch_for_constants(i);
  to.put_moved(i, form, "Concat", std::move(parts),
               {{"axis", OnnxExport::axis_in(form, static_cast<std::size_t>(l.args[0]))}});
}

void slice(OnnxExport& to, std::size_t i) {
  const Layer& l = to.from.layer(i);
  const Form form = form_around(to, i);
  Extents64 begin, end, axes, step;
  for (std::size_t k = 0; k < 3; ++k) {  // h, w, c
    const std::size_t axis = 2 - k;
    const std::int64_t from = l.args[k], by = l.args[3 + k], count = extent(l.shape, axis);
    if (from == 0 && by == 1 && count == extent(to.from.in(i).shape, axis)) continue;
    const std::int64_t behind = from + by * count;
    begin.push_back(from), step.push_back(by), axes.push_back(OnnxExport::axis_in(form, axis));
    end.push_back(behind < 0 ? std::numeric_limits<std::int64_t>::min() + 1 : behind);
  }
  to.fix_batch_for_constants(i);
  if (axes.empty()) return to.put_moved(i, form, "Identity", {to.stored_operand(i, form)});
  to.put_moved(i, form, "Slice",
               {to.stored_operand(i, form), to.graph.wholes(begin), to.graph.wholes(end), to.graph.wholes(axes),
                to.graph.wholes(step)});
}

std::string padding_value(OnnxExport& to, const Layer& l) {
  if (l.dtype == DType::f32) return to.graph.number(l.alpha);
  if (l.dtype == DType::s8 || l.dtype == DType::u8 || l.dtype == DType::boolean)
    return to.graph.zero_point(l.dtype, static_cast<std::int32_t>(l.alpha));
  const auto value = static_cast<std::int32_t>(l.alpha);
  return to.graph.array("padding", DType::s32, {}, std::as_bytes(std::span(&value, 1)));
}

void pad(OnnxExport& to, std::size_t i) {
  const Layer& l = to.from.layer(i);
  const Form form = form_around(to, i);
  Extents64 pads = in_order(form, [&](std::size_t axis) {
    return axis == 0 ? std::int64_t{l.args[0]} : std::int64_t{axis == 1 ? l.pad_left : l.pad_top};
  });
  const Extents64 behind = in_order(form, [&](std::size_t axis) {
    return axis == 0 ? std::int64_t{l.args[1]} : std::int64_t{axis == 1 ? l.pad_right : l.pad_bottom};
  });
  pads.insert(pads.end(), behind.begin(), behind.end());
  const auto rule = static_cast<PadRule>(l.args[2]);
  if (rule == PadRule::symmetric) to.from.refuse(i, "Pad mirrors without the edge only");
  to.fix_batch_for_constants(i);
  std::vector<std::string> inputs{to.stored_operand(i, form), to.graph.wholes(pads)};
  if (rule == PadRule::constant) inputs.push_back(padding_value(to, l));
  const char* mode = rule == PadRule::constant ? "constant" : rule == PadRule::edge ? "edge" : "reflect";
  to.put_moved(i, form, "Pad", std::move(inputs), {{"mode", std::string(mode)}});
}

void tile(OnnxExport& to, std::size_t i) {
  const Form form = form_around(to, i);
  Extents64 times = in_order(form, [&](std::size_t axis) {
    return std::int64_t{extent(to.from.layer(i).shape, axis)} / extent(to.from.in(i).shape, axis);
  });
  times.front() = 1;
  to.fix_batch_for_constants(i);
  to.put_moved(i, form, "Tile", {to.stored_operand(i, form), to.graph.wholes(times)});
}

/// Constant indices choose alike for all samples, others out of a table for each.
void gather(OnnxExport& to, std::size_t i) {
  const Layer& l = to.from.layer(i);
  const Shape& s = to.from.in(i).shape;
  const auto axis = static_cast<std::size_t>(l.args[0]);
  const std::int64_t count = to.from.in(i, 1).shape.c;
  const std::string indices = to.stored_operand(i, Form::flat, 1);
  if (to.from.constant(i) && s.h == 1 && axis == 1) {  // rows of a table
    const std::string table = to.reshape(to.stored_operand(i, Form::nhwc), {s.w, s.c}, to.wish(i));
    const std::string rows = to.graph.add("Gather", {table, indices}, to.wish(i), {{"axis", std::int64_t{0}}});
    if (to.from.constant(i, 1)) to.fix_batch();
    return to.put_moved(i, Form::nhwc, "Reshape", {rows, to.graph.wholes({0, 1, count, s.c})});
  }
  const Form form = to.form_of(to.from.operand(i), true) == Form::nchw ? Form::nchw : Form::nhwc;
  if (!to.from.constant(i, 1) || to.from.constant(i)) to.fix_batch();
  to.put_moved(i, form, "Gather", {to.stored_operand(i, form), to.reshape(indices, {count}, to.wish(i))},
               {{"axis", OnnxExport::axis_in(form, axis)}});
}

/// Runs of axes that stay neighbours, in the operand's order, and where each goes.
struct Runs {
  Extents64 extents, permutation;
};
Runs runs_of(const Layer& l) {
  std::vector<std::size_t> order;  // the operand's axes in the order of the value, without extents of one
  for (std::size_t k = 0; k < 4; ++k)
    if (l.args[permuted(l, k)] != 1) order.push_back(permuted(l, k));
  std::vector<std::size_t> axes = order;
  std::ranges::sort(axes);
  std::vector<std::vector<std::size_t>> runs;  // in the order of the value
  const auto next = [&](std::size_t axis) {
    const auto at = std::ranges::find(axes, axis);
    return at + 1 == axes.end() ? std::size_t{4} : *(at + 1);
  };
  for (const std::size_t axis : order) {
    if (!runs.empty() && next(runs.back().back()) == axis)
      runs.back().push_back(axis);
    else
      runs.push_back({axis});
  }
  std::vector<std::size_t> sorted(runs.size());
  for (std::size_t k = 0; k < runs.size(); ++k) sorted[k] = k;
  std::ranges::sort(sorted, [&](std::size_t a, std::size_t b) { return runs[a].front() < runs[b].front(); });
  Runs out;
  for (const std::size_t k : sorted) {
    std::int64_t all = 1;
    for (const std::size_t axis : runs[k]) all *= l.args[axis];
    out.extents.push_back(all);
  }
  for (std::size_t k = 0; k < runs.size(); ++k)
    out.permutation.push_back(std::ranges::find(sorted, k) - sorted.begin());
  return out;
}

void transpose(OnnxExport& to, std::size_t i) {
  const Layer& l = to.from.layer(i);
  const Shape &s = l.shape, &before = to.from.in(i).shape;
  const Runs runs = runs_of(l);
  const std::size_t operand = to.from.operand(i);
  to.fix_batch_for_constants(i);
  if (runs.permutation == Extents64{1, 0}) {
    // Channels first becomes channels last, or the other way round: the value in another form.
    if (runs.extents[1] == before.c && to.has(operand, Form::nchw))
      return to.put_other(i, to.stored(operand, Form::nchw), {before.c, before.h, before.w});
    if (runs.extents[0] == s.c) {
      const std::string image = to.ordered(operand);
      return to.put_moved(i, Form::nchw, "Reshape", {image, to.graph.wholes({0, s.c, s.h, s.w})});
    }
  }
  Extents64 dims = runs.extents, permutation{0}, moved;
  dims.insert(dims.begin(), 0);
  for (const std::int64_t k : runs.permutation)
    permutation.push_back(k + 1), moved.push_back(runs.extents[static_cast<std::size_t>(k)]);
  const std::string operand_in = to.reshape(to.ordered(operand), dims, to.wish(i));
  to.put_moved(i, Form::other, "Transpose", {operand_in}, {{"perm", permutation}});
  to.put_other(i, to.from.name(i), std::move(moved));
}

}  // namespace

bool onnx_movement(OnnxExport& to, std::size_t i) {
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
