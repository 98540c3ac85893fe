// SPDX-License-Identifier: Apache-2.0
// Layers with weights or windows, norms and what goes along an axis, as .onnx nodes. Layers on integers are the same
// nodes on dequantised values and weights (QDQ), which runtimes join into integer ones.
#include <cmath>

#include "mote/model/element_types.hpp"
#include "tool/export/onnx_export.hpp"

namespace mote::tool::foreign {
namespace {

std::int64_t whole(std::uint64_t v) { return static_cast<std::int64_t>(v); }

/// Weights and bias as nodes take them.
struct Operands {
  std::string weights, bias;
};

/// Weights of (terms, outputs) as (outputs, terms) with the terms of a window in the order channel, height, width.
template <class T>
std::vector<T> outputs_first(const std::vector<T>& given, std::size_t taps, std::size_t channels, std::size_t outputs,
                             bool given_outputs_first) {
  std::vector<T> out(given.size());
  for (std::size_t o = 0; o < outputs; ++o)
    for (std::size_t c = 0; c < channels; ++c)
      for (std::size_t t = 0; t < taps; ++t) {
        const std::size_t term = t * channels + c, terms = taps * channels;
        out[(o * channels + c) * taps + t] = given[given_outputs_first ? o * terms + term : term * outputs + o];
      }
  return out;
}

Operands weights_of(OnnxExport& to, std::size_t i, const Extents64& dims, std::size_t taps, std::size_t channels) {
  Outgoing& from = to.from;
  const Layer& l = from.layer(i);
  const std::string name = from.name(i);
  const std::size_t outputs = l.shape.c;
  const bool depthwise = l.op == Op::depthwise_conv2d;
  Operands out;
  if (!quantized(from.in(i).dtype)) {
    const auto given = from.array<float>(i, "weights");
    out.weights = to.graph.floats(name + "/weights", dims, outputs_first(given, taps, channels, outputs, false));
    if (l.has_bias()) out.bias = to.graph.floats(name + "/bias", {whole(outputs)}, from.array<float>(i, "bias"));
    return out;
  }
  const IntegerWeights given = from.integer_weights(i);
  const auto values = outputs_first(given.values, taps, channels, outputs, !depthwise);
  const std::string integers = to.graph.array(name + "/weights", DType::s8, dims, std::as_bytes(std::span(values)));
  const std::string scales = to.graph.floats(name + "/weights/scales", {whole(outputs)}, given.scales);
  const std::vector<std::int8_t> zeros(outputs, static_cast<std::int8_t>(given.zero_point));
  const std::string zero =
      to.graph.array(name + "/weights/zeros", DType::s8, {whole(outputs)}, std::as_bytes(std::span(zeros)));
  out.weights =
      to.graph.add("DequantizeLinear", {integers, scales, zero}, name + "/weights/real", {{"axis", std::int64_t{0}}});
  std::vector<std::int32_t> bias(given.bias.begin(), given.bias.end());
  std::vector<float> bias_scales;
  for (const float scale : given.scales) bias_scales.push_back(scale * from.in(i).quantization.scale);
  const std::string sums = to.graph.array(name + "/bias", DType::s32, {whole(outputs)}, std::as_bytes(std::span(bias)));
  out.bias =
      to.graph.add("DequantizeLinear", {sums, to.graph.floats(name + "/bias/scales", {whole(outputs)}, bias_scales)},
                   name + "/bias/real", {{"axis", std::int64_t{0}}});
  return out;
}

void push(std::vector<std::string>& inputs, const std::string& bias) {
  if (!bias.empty()) inputs.push_back(bias);
}

void dense(OnnxExport& to, std::size_t i) {
  const std::uint64_t terms = to.from.in(i).shape.elements();
  const Operands own = weights_of(to, i, {to.from.layer(i).shape.c, whole(terms)}, 1, terms);
  std::vector<std::string> inputs{to.real_operand(i, Form::flat), own.weights};
  push(inputs, own.bias);
  to.put_node(i, Form::flat, "Gemm", std::move(inputs), {{"transB", std::int64_t{1}}});
}

Extents64 filter_of(const Layer& l) { return {l.filter_h, l.filter_w}; }
Extents64 strides_of(const Layer& l) { return {l.stride_h, l.stride_w}; }
Extents64 pads_of(const Layer& l) { return {l.pad_top, l.pad_left, l.pad_bottom, l.pad_right}; }

void convolution(OnnxExport& to, std::size_t i) {
  const Layer& l = to.from.layer(i);
  const bool depthwise = l.op == Op::depthwise_conv2d;
  const std::size_t channels = depthwise ? 1 : to.from.in(i).shape.c;
  const Operands own = weights_of(to, i, {l.shape.c, whole(channels), l.filter_h, l.filter_w},
                                  std::size_t{l.filter_h} * l.filter_w, channels);
  std::vector<std::string> inputs{to.real_operand(i, Form::nchw), own.weights};
  push(inputs, own.bias);
  to.put_node(i, Form::nchw, "Conv", std::move(inputs),
              {{"kernel_shape", filter_of(l)},
               {"strides", strides_of(l)},
               {"pads", pads_of(l)},
               {"dilations", Extents64{l.dilation_h, l.dilation_w}},
               {"group", whole(depthwise ? to.from.in(i).shape.c : 1)}});
}

void pool(OnnxExport& to, std::size_t i) {
  const Layer& l = to.from.layer(i);
  const std::string x = to.real_operand(i, Form::nchw);
  if (l.op == Op::max_pool)
    return to.put_node(i, Form::nchw, "MaxPool", {x},
                       {{"kernel_shape", filter_of(l)}, {"strides", strides_of(l)}, {"pads", pads_of(l)}});
  to.put_node(i, Form::nchw, "AveragePool", {x},
              {{"kernel_shape", filter_of(l)},
               {"strides", strides_of(l)},
               {"pads", pads_of(l)},
               {"count_include_pad", std::int64_t{l.args[0]}}});
}

void global_average_pool(OnnxExport& to, std::size_t i) {
  if (to.form_of(to.from.operand(i), true) == Form::nchw)
    return to.put_node(i, Form::nchw, "GlobalAveragePool", {to.real_operand(i, Form::nchw)});
  const Layer& l = to.from.layer(i);
  const std::string mean = to.reduce("ReduceMean", to.real_operand(i, Form::nhwc), {1, 2}, to.wish(i));
  to.put_node(i, Form::flat, "Reshape", {mean, to.graph.wholes({0, l.shape.c})});
}

void batch_norm(OnnxExport& to, std::size_t i) {
  const Layer& l = to.from.layer(i);
  const Form form = l.shape.h == 1 && l.shape.w == 1 ? Form::flat : Form::nchw;
  std::vector<std::string> inputs{to.real_operand(i, form)};
  for (const char* array : {"gamma", "beta", "running_mean", "running_variance"})
    inputs.push_back(to.graph.floats(to.from.name(i) + "/" + array, {l.shape.c}, to.from.array<float>(i, array)));
  to.put_node(i, form, "BatchNormalization", std::move(inputs), {{"epsilon", l.alpha}});
}

/// In ONNX's own order of axes, as a convolution's value lies.
void bias_add(OnnxExport& to, std::size_t i) {
  const Layer& l = to.from.layer(i);
  const Form form = l.shape.h == 1 && l.shape.w == 1 ? Form::flat : Form::nchw;
  Extents64 axes{l.shape.c};
  if (form == Form::nchw) axes.insert(axes.end(), {1, 1});
  to.put_node(
      i, form, "Add",
      {to.real_operand(i, form), to.graph.floats(to.from.name(i) + "/bias", axes, to.from.array<float>(i, "bias"))});
}

/// Norms of channels: with these last.
void norm(OnnxExport& to, std::size_t i) {
  const Layer& l = to.from.layer(i);
  OnnxGraph& graph = to.graph;
  const Form form = l.shape.h == 1 && l.shape.w == 1 ? Form::flat : Form::nhwc;
  const std::string x = to.real_operand(i, form), wish = to.wish(i);
  const Extents64 last{form == Form::flat ? 1 : 3};
  const auto array = [&](const char* name) {
    return graph.floats(to.from.name(i) + "/" + name, {l.shape.c}, to.from.array<float>(i, name));
  };
  if (l.op == Op::layer_norm)
    return to.put_node(i, form, "LayerNormalization", {x, array("gamma"), array("beta")},
                       {{"axis", std::int64_t{-1}}, {"epsilon", l.alpha}});
  const std::string squares = graph.add("Mul", {x, x}, wish);
  if (l.op == Op::l2_norm) {
    const std::string length = graph.add("Sqrt", {to.reduce("ReduceSum", squares, last, wish)}, wish);
    return to.put_node(i, form, "Div", {x, graph.add("Max", {length, graph.number(l.alpha)}, wish)});
  }
  const std::string mean = to.reduce("ReduceMean", squares, last, wish);
  const std::string root = graph.add("Sqrt", {graph.add("Add", {mean, graph.number(l.alpha)}, wish)}, wish);
  const std::string unit = graph.add("Div", {x, root}, wish);
  if (!l.has_bias()) return to.put_node(i, form, "Mul", {unit, array("gamma")});
  to.put_node(i, form, "Add", {graph.add("Mul", {unit, array("gamma")}, wish), array("beta")});
}

void lrn(OnnxExport& to, std::size_t i) {
  const Layer& l = to.from.layer(i);
  const std::int32_t before = l.args[0], behind = l.args[1], size = before + behind + 1;
  if (behind != before && behind != before + 1)
    to.from.refuse(i, "LRN's sum reaches as far before a channel as behind it, or one farther");
  to.put_node(i, Form::nchw, "LRN", {to.real_operand(i, Form::nchw)},
              {{"size", std::int64_t{size}},
               {"alpha", l.alpha * static_cast<float>(size)},
               {"beta", l.beta},
               {"bias", lrn_bias(l)}});
}

void matmul(OnnxExport& to, std::size_t i) {
  std::string b = to.real_operand(i, Form::nhwc, 1);
  if (to.from.layer(i).args[0] != 0) b = to.transpose(b, {0, 1, 3, 2}, to.wish(i));
  to.fix_batch_for_constants(i);
  to.put_node(i, Form::nhwc, "MatMul", {to.real_operand(i, Form::nhwc), b});
}

/// exp(-|x - centre|^2 / (2 width)).
void rbf(OnnxExport& to, std::size_t i) {
  const Layer& l = to.from.layer(i);
  OnnxGraph& graph = to.graph;
  const auto terms = static_cast<std::size_t>(to.from.in(i).shape.elements());
  const std::size_t units = l.shape.c;
  const auto centres = outputs_first(to.from.array<float>(i, "centres"), 1, terms, units, false);
  std::vector<float> factors = to.from.array<float>(i, "log_width");
  for (float& f : factors) f = static_cast<float>(-0.5 * std::exp(-static_cast<double>(f)));
  const std::string wish = to.wish(i);
  const std::string x = to.reshape(to.real_operand(i, Form::flat), {0, 1, whole(terms)}, wish);
  const std::string from_centre =
      graph.add("Sub", {x, graph.floats(to.from.name(i) + "/centres", {1, whole(units), whole(terms)}, centres)}, wish);
  const std::string squares = to.reduce("ReduceSum", graph.add("Mul", {from_centre, from_centre}, wish), {2}, wish);
  const std::string scaled = graph.add("Mul",
                                       {to.reshape(squares, {0, whole(units)}, wish),
                                        graph.floats(to.from.name(i) + "/factors", {1, whole(units)}, factors)},
                                       wish);
  to.put_node(i, Form::flat, "Exp", {scaled});
}

/// Softmaxes and the indices of extremes.
void along(OnnxExport& to, std::size_t i) {
  const Layer& l = to.from.layer(i);
  const auto axis = static_cast<std::size_t>(l.args[0]);
  Form form = to.form_of(to.from.operand(i), true);
  const Shape& s = to.from.in(i).shape;
  if (form == Form::flat && (axis != 0 || s.h != 1 || s.w != 1)) form = Form::nhwc;
  const std::string x = to.real_operand(i, form);
  const std::int64_t own = OnnxExport::axis_in(form, axis);
  if (is_softmax(l.op))
    return to.put_node(i, form, l.op == Op::softmax ? "Softmax" : "LogSoftmax", {x}, {{"axis", own}});
  to.fix_batch_for_constants(i);
  const std::string found = to.graph.add(l.op == Op::argmax ? "ArgMax" : "ArgMin", {x}, to.wish(i),
                                         {{"axis", own}, {"keepdims", std::int64_t{1}}});
  constexpr std::int64_t kInt32 = 6;
  to.put_moved(i, form, "Cast", {found}, {{"to", kInt32}});
}

void reduction(OnnxExport& to, std::size_t i) {
  const Layer& l = to.from.layer(i);
  Form form = to.form_of(to.from.operand(i), true);
  if (form == Form::flat && l.args[0] != 1) form = Form::nhwc;
  Extents64 axes;
  for (std::size_t axis = 3; axis-- > 0;)
    if (((static_cast<unsigned>(l.args[0]) >> axis) & 1U) != 0) axes.push_back(OnnxExport::axis_in(form, axis));
  const char* op = l.op == Op::reduce_sum    ? "ReduceSum"
                   : l.op == Op::reduce_mean ? "ReduceMean"
                   : l.op == Op::reduce_max  ? "ReduceMax"
                   : l.op == Op::reduce_min  ? "ReduceMin"
                                             : "ReduceProd";
  to.fix_batch_for_constants(i);
  const std::string x = to.real_operand(i, form);
  if (to.axes_are_inputs(op))
    return to.put_node(i, form, op, {x, to.graph.wholes(axes)}, {{"keepdims", std::int64_t{1}}});
  to.put_node(i, form, op, {x}, {{"axes", axes}, {"keepdims", std::int64_t{1}}});
}

void conversion(OnnxExport& to, std::size_t i) {
  const Layer& l = to.from.layer(i);
  const Form form = to.form_of(to.from.operand(i), false);
  const std::string real = to.real_operand(i, form);
  if (l.op == Op::dequantize) return to.put(i, form, real);
  to.put_moved(i, form, "QuantizeLinear",
               {real, to.graph.number(l.quantization.scale), to.graph.zero_point(l.dtype, l.quantization.zero_point)});
}

}  // namespace

bool onnx_layer(OnnxExport& to, std::size_t i) {
  const Layer& l = to.from.layer(i);
  if (is_reduction(l.op)) return reduction(to, i), true;
  if (is_norm(l.op)) return norm(to, i), true;
  if (is_conversion(l.op)) return conversion(to, i), true;
  switch (l.op) {
    case Op::dense: return dense(to, i), true;
    case Op::conv2d:
    case Op::depthwise_conv2d: return convolution(to, i), true;
    case Op::max_pool:
    case Op::average_pool: return pool(to, i), true;
    case Op::global_average_pool: return global_average_pool(to, i), true;
    case Op::batch_norm: return batch_norm(to, i), true;
    case Op::bias_add: return bias_add(to, i), true;
    case Op::lrn: return lrn(to, i), true;
    case Op::matmul: return matmul(to, i), true;
    case Op::rbf: return rbf(to, i), true;
    case Op::softmax:
    case Op::log_softmax:
    case Op::argmax:
    case Op::argmin: return along(to, i), true;
    default: return false;
  }
}

}  // namespace mote::tool::foreign
