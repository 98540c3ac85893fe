// SPDX-License-Identifier: Apache-2.0
// Layers with weights or windows as .tflite operators, and what goes along an axis.
#include <cmath>
#include <limits>

#include "mote/model/element_types.hpp"
#include "mote/model/lookup_tables.hpp"
#include "mote/model/quantize_multiplier.hpp"
#include "tool/export/tflite_export.hpp"

namespace mote::tool::foreign {
namespace {

std::int64_t whole(std::uint64_t v) { return static_cast<std::int64_t>(v); }

template <class T>
std::vector<std::byte> bytes_of_values(const std::vector<T>& values) {
  const std::span<const std::byte> bytes = std::as_bytes(std::span(values));
  return {bytes.begin(), bytes.end()};
}

/// (terms, outputs) as (outputs, terms).
std::vector<float> turned(const std::vector<float>& given, std::size_t outputs) {
  const std::size_t terms = given.size() / outputs;
  std::vector<float> out(given.size());
  for (std::size_t o = 0; o < outputs; ++o)
    for (std::size_t k = 0; k < terms; ++k) out[o * terms + k] = given[k * outputs + o];
  return out;
}

/// Weights and bias of a layer as tensors; `dims` of the weights.
std::vector<int> weights_of(TfliteExport& to, std::size_t i, Extents64 dims) {
  Outgoing& from = to.from;
  const Layer& l = from.layer(i);
  const std::size_t outputs = l.shape.c;
  const bool depthwise = l.op == Op::depthwise_conv2d;
  const std::string name = from.name(i);
  if (!quantized(from.in(i).dtype)) {
    const auto given = from.array<float>(i, "weights");
    std::vector<int> out{to.floats(name + "/weights", std::move(dims), depthwise ? given : turned(given, outputs))};
    std::vector<float> bias = from.array<float>(i, "bias");
    bias.resize(outputs);
    out.push_back(to.floats(name + "/bias", {whole(outputs)}, bias));
    return out;
  }
  return to.integer_weights(i, std::move(dims));
}

void dense(TfliteExport& to, std::size_t i) {
  const std::int64_t terms = whole(to.from.in(i).shape.elements());
  std::vector<int> inputs{to.operand(i, Lie::flat)};
  for (const int one : weights_of(to, i, {to.from.layer(i).shape.c, terms})) inputs.push_back(one);
  const TfliteExport::Fused behind = to.fused(i);
  to.put_node(behind.layer, Lie::flat, "FULLY_CONNECTED", std::move(inputs),
              {{"activation", static_cast<double>(behind.activation)}});
}

/// How an operator pads along one axis.
struct Side {
  std::uint32_t in, out, filter, stride, dilation, before;
  [[nodiscard]] std::uint32_t span() const { return dilation * (filter - 1) + 1; }
  [[nodiscard]] bool valid() const { return before == 0 && in >= span() && out == (in - span()) / stride + 1; }
  [[nodiscard]] bool same() const {
    if (out != (in + stride - 1) / stride) return false;
    const std::uint32_t reach = (out - 1) * stride + span();
    return before == (reach > in ? reach - in : 0) / 2;
  }
  /// What is behind the image, for windows that touch it.
  [[nodiscard]] std::uint32_t behind() const {
    const std::uint32_t reach = (out - 1) * stride + span();
    return reach > in + before ? reach - in - before : 0;
  }
};

/// The image with its padding, if the operator has no rule for it; `value`: what is around.
int image_of(TfliteExport& to, std::size_t i, double value, bool& same) {
  const Layer& l = to.from.layer(i);
  const Shape& in = to.from.in(i).shape;
  const Side rows{in.h, l.shape.h, l.filter_h, l.stride_h, l.dilation_h, l.pad_top};
  const Side columns{in.w, l.shape.w, l.filter_w, l.stride_w, l.dilation_w, l.pad_left};
  const int image = to.operand(i, Lie::nhwc);
  same = !(rows.valid() && columns.valid());
  if (!same || (rows.same() && columns.same())) return image;
  same = false;
  const Extents64 pads{0, 0, rows.before, rows.behind(), columns.before, columns.behind(), 0, 0};
  const int wide = to.part_like(
      i, to.from.operand(i), {1, in.h + rows.before + rows.behind(), in.w + columns.before + columns.behind(), in.c});
  const int around = to.wholes(pads, {4, 2});
  if (value == 0.0) {
    to.graph.node("PAD", {image, around}, {wide});
    return wide;
  }
  TfliteTensor number = to.graph.tensor(image);
  number.name = to.from.fresh("padding");
  number.dims = {1};
  const DType type = to.from.in(i).dtype;
  if (type == DType::f32) {
    number.values = bytes_of_values(std::vector<float>{static_cast<float>(value)});
  } else if (type == DType::s16) {
    number.values = bytes_of_values(std::vector<std::int16_t>{std::numeric_limits<std::int16_t>::min()});
  } else {
    number.values = bytes_of_values(std::vector<std::int8_t>{std::numeric_limits<std::int8_t>::min()});
  }
  to.graph.node("PADV2", {image, around, to.graph.tensor(std::move(number))}, {wide});
  return wide;
}

void convolution(TfliteExport& to, std::size_t i) {
  const Layer& l = to.from.layer(i);
  const bool depthwise = l.op == Op::depthwise_conv2d;
  bool same = false;
  std::vector<int> inputs{image_of(to, i, 0.0, same)};
  const Extents64 dims = depthwise ? Extents64{1, l.filter_h, l.filter_w, l.shape.c}
                                   : Extents64{l.shape.c, l.filter_h, l.filter_w, to.from.in(i).shape.c};
  for (const int one : weights_of(to, i, dims)) inputs.push_back(one);
  const TfliteExport::Fused behind = to.fused(i);
  to.put_node(behind.layer, Lie::nhwc, depthwise ? "DEPTHWISE_CONV_2D" : "CONV_2D", std::move(inputs),
              {{"padding", same ? 0.0 : 1.0},
               {"stride_w", static_cast<double>(l.stride_w)},
               {"stride_h", static_cast<double>(l.stride_h)},
               {"depth_multiplier", static_cast<double>(l.depth_multiplier)},
               {"activation", static_cast<double>(behind.activation)},
               {"dilation_w", static_cast<double>(l.dilation_w)},
               {"dilation_h", static_cast<double>(l.dilation_h)}});
}

void pool_node(TfliteExport& to, std::size_t i, const char* op, int image, std::uint32_t filter_h,
               std::uint32_t filter_w, std::uint32_t stride_h, std::uint32_t stride_w, bool same) {
  to.put_node(i, Lie::nhwc, op, {image},
              {{"padding", same ? 0.0 : 1.0},
               {"stride_w", static_cast<double>(stride_w)},
               {"stride_h", static_cast<double>(stride_h)},
               {"filter_w", static_cast<double>(filter_w)},
               {"filter_h", static_cast<double>(filter_h)},
               {"activation", 0.0}});
}

void pool(TfliteExport& to, std::size_t i) {
  const Layer& l = to.from.layer(i);
  const bool largest = l.op == Op::max_pool;
  bool same = false;
  const bool pads = (l.pad_top | l.pad_bottom | l.pad_left | l.pad_right) != 0;
  const int image = image_of(to, i, largest ? -static_cast<double>(std::numeric_limits<float>::infinity()) : 0.0, same);
  if (!largest && pads && same && l.args[0] != 0) to.from.refuse(i, "padding that counts in the mean");
  if (!largest && pads && !same && l.args[0] == 0 && image != to.operand(i, Lie::nhwc))
    to.from.refuse(i, "padding by other rules than SAME that does not count in the mean");
  pool_node(to, i, largest ? "MAX_POOL_2D" : "AVERAGE_POOL_2D", image, l.filter_h, l.filter_w, l.stride_h, l.stride_w,
            same);
}

void global_average_pool(TfliteExport& to, std::size_t i) {
  const Layer& l = to.from.layer(i);
  const Shape& in = to.from.in(i).shape;
  if (quantized(l.dtype))  // as it rounds
    return pool_node(to, i, "AVERAGE_POOL_2D", to.operand(i, Lie::nhwc), in.h, in.w, 1, 1, false);
  to.put_node(i, Lie::nhwc, "MEAN", {to.operand(i, Lie::nhwc), to.wholes({1, 2})}, {{"keep_dims", 1.0}});
}

/// The factor by which a softmax of integers multiplies its operand: nearly always 1.
double beta_of(TfliteExport& to, std::size_t i) {
  const Layer& l = to.from.layer(i);
  if (!quantized(l.dtype)) return 1.0;
  const float scale = to.from.in(i).quantization.scale;
  const std::int32_t multiplier = to.from.array<std::int32_t>(i, "multipliers").at(0);
  const std::int32_t shift = to.from.array<std::int8_t>(i, "shifts").at(0);
  const auto fits = [&](float beta) {
    const QuantizedMultiplier made =
        to.from.in(i).dtype == DType::s16 ? softmax_s16_multiplier(beta, scale) : softmax_scale(beta, scale).input;
    return made.multiplier == multiplier && made.shift == shift;
  };
  const auto near =
      static_cast<float>(std::ldexp(static_cast<double>(multiplier), shift - 31) / 0x1p26 / static_cast<double>(scale));
  for (const float beta : {1.0F, near, std::nextafter(near, 0.0F), std::nextafter(near, 2.0F * near)})
    if (fits(beta)) return static_cast<double>(beta);
  to.from.refuse(i, "its multiplier does not follow from the scale of its operand");
  return 1.0;
}

void softmax(TfliteExport& to, std::size_t i) {
  const Layer& l = to.from.layer(i);
  const char* op = l.op == Op::softmax ? "SOFTMAX" : "LOG_SOFTMAX";
  std::vector<TfliteOption> options;
  if (l.op == Op::softmax) options = {{"beta", beta_of(to, i)}};
  if (l.args[0] == 0) {
    const Lie lie = to.lie_of(to.from.operand(i), true);
    return to.put_node(i, lie, op, {to.operand(i, lie)}, std::move(options));
  }
  // Along another axis: that one is brought to the end and back.
  const Shape& s = l.shape;
  const bool w = l.args[0] == 1;
  const Extents64 there = w ? Extents64{0, 1, 3, 2} : Extents64{0, 2, 3, 1};
  const Extents64 back = w ? Extents64{0, 1, 3, 2} : Extents64{0, 3, 1, 2};
  const Extents64 dims = w ? Extents64{1, s.h, s.c, s.w} : Extents64{1, s.w, s.c, s.h};
  const int turned_in = to.part_like(i, to.from.operand(i), dims), turned_out = to.part_like(i, i, dims);
  to.graph.node("TRANSPOSE", {to.operand(i, Lie::nhwc), to.wholes(there)}, {turned_in});
  to.graph.node(op, {turned_in}, {turned_out}, std::move(options));
  to.put_node(i, Lie::nhwc, "TRANSPOSE", {turned_out, to.wholes(back)});
}

void extreme(TfliteExport& to, std::size_t i) {
  const Layer& l = to.from.layer(i);
  const Shape& in = to.from.in(i).shape;
  const auto axis = static_cast<std::size_t>(l.args[0]);
  Extents64 dims{1, in.h, in.w, in.c};
  dims.erase(dims.begin() + TfliteExport::axis_in(Lie::nhwc, axis));
  constexpr double kInt32 = 2.0;
  const int found = to.part_like(i, i, dims);
  to.graph.node(l.op == Op::argmax ? "ARG_MAX" : "ARG_MIN",
                {to.operand(i, Lie::nhwc), to.wholes({TfliteExport::axis_in(Lie::nhwc, axis)}, {})}, {found},
                {{"output_type", kInt32}});
  to.put_other(i, found);
}

void reduction(TfliteExport& to, std::size_t i) {
  const Layer& l = to.from.layer(i);
  Extents64 axes;
  for (std::size_t axis = 3; axis-- > 0;)
    if (((static_cast<unsigned>(l.args[0]) >> axis) & 1U) != 0) axes.push_back(TfliteExport::axis_in(Lie::nhwc, axis));
  if (quantized(l.dtype)) to.from.require_multipliers(i);
  const char* op = l.op == Op::reduce_sum    ? "SUM"
                   : l.op == Op::reduce_mean ? "MEAN"
                   : l.op == Op::reduce_max  ? "REDUCE_MAX"
                   : l.op == Op::reduce_min  ? "REDUCE_MIN"
                                             : "REDUCE_PROD";
  to.put_node(i, Lie::nhwc, op, {to.operand(i, Lie::nhwc), to.wholes(axes)}, {{"keep_dims", 1.0}});
}

void matmul(TfliteExport& to, std::size_t i) {
  to.put_node(i, Lie::nhwc, "BATCH_MATMUL", {to.operand(i, Lie::nhwc), to.operand(i, Lie::nhwc, 1)},
              {{"adj_y", static_cast<double>(to.from.layer(i).args[0])}});
}

void conversion(TfliteExport& to, std::size_t i) {
  const Layer& l = to.from.layer(i);
  if (l.op == Op::requantize) to.from.require_multipliers(i);
  const Lie lie = to.lie_of(to.from.operand(i), false);
  to.put_node(i, lie, l.op == Op::dequantize ? "DEQUANTIZE" : "QUANTIZE", {to.operand(i, lie)});
}

/// exp(-|x - centre|^2 / (2 width)).
void rbf(TfliteExport& to, std::size_t i) {
  const std::int64_t terms = whole(to.from.in(i).shape.elements()), units = to.from.layer(i).shape.c;
  std::vector<float> factors = to.from.array<float>(i, "log_width");
  for (float& f : factors) f = static_cast<float>(-0.5 * std::exp(-static_cast<double>(f)));
  const std::string name = to.from.name(i);
  const int centres = to.floats(name + "/centres", {1, units, terms},
                                turned(to.from.array<float>(i, "centres"), static_cast<std::size_t>(units)));
  const int x = to.reshape(to.operand(i, Lie::flat), {1, 1, terms}, name + "/row");
  const int squares = to.add(i, "SQUARED_DIFFERENCE", {x, centres}, {1, units, terms});
  const int sums = to.add(i, "SUM", {squares, to.wholes({2})}, {1, units}, {{"keep_dims", 0.0}});
  const int scaled =
      to.add(i, "MUL", {sums, to.floats(name + "/factors", {1, units}, factors)}, {1, units}, {{"activation", 0.0}});
  to.put_node(i, Lie::flat, "EXP", {scaled});
}

}  // namespace

std::vector<int> TfliteExport::integer_weights(std::size_t i, Extents64 dims) {
  const Layer& l = from.layer(i);
  const std::size_t outputs = l.shape.c;
  const bool depthwise = l.op == Op::depthwise_conv2d;
  const std::string name = from.name(i);
  IntegerWeights given = from.integer_weights(i);
  if (given.zero_point != 0) from.refuse(i, "its weights have a zero point");
  if (from.in(i).dtype != l.dtype) from.refuse(i, "its values have 16 bits and its operand 8");
  bool one = l.op == Op::dense;
  for (const float scale : given.scales) one = one && scale == given.scales.front();
  if (one) given.scales.resize(1);
  TfliteTensor weights, bias;
  weights.name = from.fresh(name + "/weights"), bias.name = from.fresh(name + "/bias");
  weights.dims = std::move(dims), bias.dims = {whole(outputs)};
  weights.type = DType::s8, bias.type = DType::s32;
  weights.values = bytes_of_values(given.values);
  weights.scales = given.scales;
  weights.axis = depthwise ? 3 : 0;
  for (const float scale : given.scales) bias.scales.push_back(scale * from.in(i).quantization.scale);
  weights.zero_points.assign(given.scales.size(), 0);
  bias.zero_points = weights.zero_points;
  const bool wide = from.in(i).dtype == DType::s16 && l.args[1] == 0;  // 16-bit values have sums of 64 bits
  if (wide) bias.file_type = tflite_number("int64");
  bias.values = wide ? bytes_of_values(given.bias)
                     : bytes_of_values(std::vector<std::int32_t>(given.bias.begin(), given.bias.end()));
  return {graph.tensor(std::move(weights)), graph.tensor(std::move(bias))};
}

bool tflite_layer(TfliteExport& to, std::size_t i) {
  const Layer& l = to.from.layer(i);
  if (is_reduction(l.op)) return reduction(to, i), true;
  if (is_conversion(l.op)) return conversion(to, i), true;
  switch (l.op) {
    case Op::dense: return dense(to, i), true;
    case Op::conv2d:
    case Op::depthwise_conv2d: return convolution(to, i), true;
    case Op::max_pool:
    case Op::average_pool: return pool(to, i), true;
    case Op::global_average_pool: return global_average_pool(to, i), true;
    case Op::softmax:
    case Op::log_softmax: return softmax(to, i), true;
    case Op::argmax:
    case Op::argmin: return extreme(to, i), true;
    case Op::matmul: return matmul(to, i), true;
    case Op::rbf: return rbf(to, i), true;
    default: return false;
  }
}

}  // namespace mote::tool::foreign
