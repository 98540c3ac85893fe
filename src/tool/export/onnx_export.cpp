// SPDX-License-Identifier: Apache-2.0
#include "tool/export/onnx_export.hpp"

#include <algorithm>

#include "mote/model/element_types.hpp"

namespace mote::tool::foreign {
namespace {

constexpr std::int64_t kOpset = 17, kOpsetOfGelu = 20;

Form natural(const Shape& s) { return s.h == 1 && s.w == 1 ? Form::flat : Form::nhwc; }

/// Elements of a (h, w, c) array in the order (c, h, w).
std::vector<std::byte> channels_first(std::span<const std::byte> values, const Shape& s, std::size_t width) {
  std::vector<std::byte> out(values.size());
  const std::size_t pixels = std::size_t{s.h} * s.w;
  for (std::size_t p = 0; p < pixels; ++p)
    for (std::size_t c = 0; c < s.c; ++c)
      std::copy_n(values.data() + (p * s.c + c) * width, width, out.data() + (c * pixels + p) * width);
  return out;
}

}  // namespace

std::int64_t opset_for(const Outgoing& from) {
  for (std::size_t i = 0; i < from.size(); ++i)
    if (from.layer(i).op == Op::gelu || from.layer(i).op == Op::gelu_tanh) return kOpsetOfGelu;
  return kOpset;
}

OnnxExport::OnnxExport(Outgoing& source, std::int64_t opset)
    : from(source),
      graph(opset, [&source](const std::string& wish) { return source.fresh(wish); }),
      values_(source.size()) {}

void OnnxExport::run() {
  if (from.samples_meet) fix_batch();
  for (const Outgoing::End& end : from.inputs) input(end);
  for (std::size_t i = 0; i < from.size(); ++i) layer(i);
  for (const Outgoing::End& end : from.outputs) output(end);
  const auto dims = [&](Extents64 of) {
    if (any_batch_) of.front() = -1;
    return of;
  };
  for (const Outgoing::End& end : from.inputs) graph.end(false, end.name, onnx_number(end.type), dims(end.dims));
  for (const Outgoing::End& end : from.outputs) graph.end(true, end.name, onnx_number(end.type), dims(end.dims));
}

void OnnxExport::layer(std::size_t i) {
  const Layer& l = from.layer(i);
  if (l.op == Op::input || l.op == Op::constant || l.op == Op::state || l.op == Op::assign) return;
  if (l.dtype == DType::s16) {
    from.refuse(i, "values of 16 bits, which runtimes do not compute with");
    return put(i, natural(l.shape), "");
  }
  if (is_alias(l.op) || is_regularizer(l.op)) {
    values_[i] = values_[from.operand(i)];
    if (l.op != Op::reshape || l.shape == from.in(i).shape) {
      if (from.in(i).op == Op::constant) put(i, natural(l.shape), stored(from.operand(i), natural(l.shape)));
      return;
    }
    const std::string name = ordered(from.operand(i));
    const Shape& s = from.in(i).shape;
    Value kept = values_[from.operand(i)];
    values_[i] = {};
    if (kept.stored[at(Form::flat)] == name) return put(i, Form::flat, name);
    return put_other(i, name, kept.stored[at(Form::nhwc)] == name ? Extents64{s.h, s.w, s.c} : kept.dims);
  }
  if (onnx_layer(*this, i) || onnx_image_layer(*this, i) || onnx_elementwise(*this, i) || onnx_movement(*this, i) ||
      onnx_recurrent_layer(*this, i))
    return;
  from.refuse_unknown(i);
}

Extents64 OnnxExport::dims_of(std::size_t i, Form form, std::int64_t samples) const {
  const Shape& s = from.layer(i).shape;
  switch (form) {
    case Form::flat: return {samples, static_cast<std::int64_t>(s.elements())};
    case Form::nhwc: return {samples, s.h, s.w, s.c};
    case Form::nchw: return {samples, s.c, s.h, s.w};
    case Form::other: break;
  }
  Extents64 out = values_[i].dims;
  out.insert(out.begin(), samples);
  return out;
}

void OnnxExport::input(const Outgoing::End& end) {
  const std::size_t i = end.layer;
  given_.push_back(end.name);
  std::string name = end.name;
  if (from.casts(end)) name = graph.add("Cast", {name}, name, {{"to", std::int64_t{onnx_number(from.layer(i).dtype)}}});
  if (end.dims.size() < 2 || end.dims.front() != 1) {  // the samples have no axis of their own
    fix_batch();
    return put(i, Form::flat, graph.add("Reshape", {name, graph.wholes(dims_of(i, Form::flat, 1))}, end.name));
  }
  for (const Form form : {Form::flat, Form::nhwc})
    if (end.dims == dims_of(i, form, 1)) return put(i, form, name);
  put_other(i, name, Extents64(end.dims.begin() + 1, end.dims.end()));
}

void OnnxExport::output(const Outgoing::End& end) {
  const std::size_t i = end.layer;
  std::string name;
  if (from.is_constant(i)) fix_batch();
  const bool batched = end.dims.size() >= 2 && end.dims.front() == 1;
  if (!batched) fix_batch();
  for (const Form form : {Form::other, Form::flat, Form::nhwc, Form::nchw})
    if (name.empty() && has(i, form) && batched && end.dims == dims_of(i, form, 1)) name = stored(i, form);
  if (name.empty()) {
    for (const Form form : {Form::flat, Form::nhwc})
      if (batched && end.dims == dims_of(i, form, 1)) name = stored(i, form);
  }
  if (name.empty()) {
    Extents64 dims = end.dims;
    if (batched) dims.front() = 0;
    name = graph.add("Reshape", {ordered(i), graph.wholes(dims)}, end.name);
  }
  if (from.casts(end)) {
    graph.node("Cast", {name}, {end.name}, {{"to", std::int64_t{onnx_number(end.type)}}});
    return given_.push_back(end.name);
  }
  if (std::ranges::find(given_, name) != given_.end() || from.is_constant(i))
    graph.node("Identity", {name}, {end.name});
  else
    graph.rename(name, end.name);
  // What is asked for later under the old name has the new one.
  for (Value& value : values_)
    for (auto* names : {&value.stored, &value.real})
      for (std::string& one : *names)
        if (one == name && std::ranges::find(given_, name) == given_.end()) one = end.name;
  given_.push_back(end.name);
}

std::string OnnxExport::constant(std::size_t i, Form form) {
  const Layer& l = from.layer(i);
  const std::span<const std::byte> values = from.values(i);
  if (form == Form::nchw)
    return graph.array(from.name(i), l.dtype, dims_of(i, form, 1), channels_first(values, l.shape, bytes_of(l.dtype)));
  return graph.array(from.name(i), l.dtype, dims_of(i, form, 1), values);
}

std::string OnnxExport::reshape(const std::string& name, const Extents64& dims, const std::string& wish) {
  return graph.add("Reshape", {name, graph.wholes(dims)}, wish);
}
std::string OnnxExport::transpose(const std::string& name, const Extents64& permutation, const std::string& wish) {
  return graph.add("Transpose", {name}, wish, {{"perm", permutation}});
}

bool OnnxExport::axes_are_inputs(const char* reduction) const {
  constexpr std::int64_t kOpsetOfAxes = 18;
  return graph.opset() >= kOpsetOfAxes || std::string_view(reduction) == "ReduceSum";
}

std::string OnnxExport::reduce(const char* op, const std::string& name, const Extents64& axes,
                               const std::string& wish) {
  if (axes_are_inputs(op)) return graph.add(op, {name, graph.wholes(axes)}, wish, {{"keepdims", std::int64_t{1}}});
  return graph.add(op, {name}, wish, {{"axes", axes}, {"keepdims", std::int64_t{1}}});
}

std::string OnnxExport::ordered(std::size_t i) {
  for (const Form form : {values_[i].first, Form::flat, Form::nhwc, Form::other})
    if (form != Form::nchw && has(i, form)) return stored(i, form);
  return stored(i, natural(from.layer(i).shape));
}

std::string OnnxExport::stored(std::size_t i, Form form) {
  std::string& have = values_[i].stored[at(form)];
  if (!have.empty()) return have;
  const Layer& l = from.layer(i);
  const Shape& s = l.shape;
  if (l.op == Op::constant) return have = constant(i, form);
  const bool one_order = s.c == 1 || (s.h == 1 && s.w == 1);
  std::string lies;
  for (const Form other : {values_[i].first, Form::nhwc, Form::flat, Form::other})
    if (lies.empty() && other != Form::nchw) lies = values_[i].stored[at(other)];
  const std::string& first = values_[i].stored[at(Form::nchw)];
  if (lies.empty() && first.empty()) return have = "nothing";  // what makes it was refused
  if (lies.empty() && one_order) lies = first;
  if (form == Form::nchw && !one_order) {
    const std::string image = stored(i, Form::nhwc);
    return have = transpose(image, {0, 3, 1, 2}, from.name(i) + "/nchw");
  }
  if (lies.empty()) {
    lies = values_[i].stored[at(Form::nhwc)] = transpose(first, {0, 2, 3, 1}, from.name(i) + "/nhwc");
    if (form == Form::nhwc) return lies;
  }
  constexpr std::array<const char*, kForms> kWords{"/flat", "/nhwc", "/nchw", "/other"};
  return have = reshape(lies, dims_of(i, form, 0), from.name(i) + kWords[at(form)]);
}

std::string OnnxExport::real(std::size_t i, Form form) {
  const Layer& l = from.layer(i);
  if (!quantized(l.dtype)) return stored(i, form);
  std::string& have = values_[i].real[at(form)];
  if (!have.empty()) return have;
  const std::string integers = stored(i, form);
  return have = graph.add(
             "DequantizeLinear",
             {integers, graph.number(l.quantization.scale), graph.zero_point(l.dtype, l.quantization.zero_point)},
             from.name(i) + "/real");
}

void OnnxExport::put(std::size_t i, Form form, const std::string& name) {
  Value& value = values_[i];
  value.first = form;
  value.stored[at(form)] = name;
}

void OnnxExport::put_other(std::size_t i, const std::string& name, Extents64 dims) {
  values_[i].dims = std::move(dims);
  put(i, Form::other, name);
}

void OnnxExport::put_moved(std::size_t i, Form form, const char* op, std::vector<std::string> inputs,
                           std::vector<OnnxAttribute> attributes) {
  graph.node(op, std::move(inputs), {from.name(i)}, std::move(attributes));
  put(i, form, from.name(i));
}

void OnnxExport::put_node(std::size_t i, Form form, const char* op, std::vector<std::string> inputs,
                          std::vector<OnnxAttribute> attributes) {
  const Layer& l = from.layer(i);
  if (!quantized(l.dtype)) return put_moved(i, form, op, std::move(inputs), std::move(attributes));
  const std::string real = graph.add(op, std::move(inputs), from.name(i) + "/exact", std::move(attributes));
  put_moved(i, form, "QuantizeLinear",
            {real, graph.number(l.quantization.scale), graph.zero_point(l.dtype, l.quantization.zero_point)});
}

Form OnnxExport::form_of(std::size_t i, bool apart) const {
  const Shape& s = from.layer(i).shape;
  const Form first = values_[i].first;
  if (first == Form::other || (apart && first == Form::flat && !(s.h == 1 && s.w == 1))) return natural(s);
  return first;
}

Form OnnxExport::form_for_all(std::size_t i) const {
  const std::size_t count = from.layer(i).input_count;
  bool vectors = true;
  Form form = natural(from.layer(i).shape);
  for (std::size_t k = count; k-- > 0;) {
    const Shape& s = from.in(i, k).shape;
    vectors = vectors && s.h == 1 && s.w == 1;
    if (!from.constant(i, k)) form = form_of(from.operand(i, k), true);
  }
  return form == Form::flat && !vectors ? Form::nhwc : form;
}

std::int64_t OnnxExport::axis_in(Form form, std::size_t axis) {
  const auto back = static_cast<std::int64_t>(axis);
  if (form == Form::flat) return 1;
  if (form == Form::nchw) return axis == 0 ? 1 : 4 - back;
  return 3 - back;
}

}  // namespace mote::tool::foreign
