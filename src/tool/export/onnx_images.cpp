// SPDX-License-Identifier: Apache-2.0
// Transposed convolutions and resizing as .onnx nodes.
#include <array>
#include <cmath>
#include <limits>

#include "mote/model/element_types.hpp"
#include "tool/export/onnx_export.hpp"
#include "tool/import/nearest.hpp"

namespace mote::tool::foreign {
namespace {

/// Weights (in, out, h, w) out of the records' (h, w, in, out), turned round.
std::vector<float> turned_back(const std::vector<float>& given, const Layer& l, std::size_t in) {
  const std::size_t taps = std::size_t{l.filter_h} * l.filter_w, outputs = l.shape.c;
  std::vector<float> out(given.size());
  for (std::size_t t = 0; t < taps; ++t)
    for (std::size_t c = 0; c < in; ++c)
      for (std::size_t o = 0; o < outputs; ++o)
        out[(c * outputs + o) * taps + (taps - 1 - t)] = given[(t * in + c) * outputs + o];
  return out;
}

void transposed_convolution(OnnxExport& to, std::size_t i) {
  Outgoing& from = to.from;
  const Layer& l = from.layer(i);
  const std::string name = from.name(i);
  const std::size_t in = from.in(i).shape.c, outputs = l.shape.c;
  std::vector<float> weights, bias;
  if (quantized(from.in(i).dtype)) {  // as real numbers, (out, h, w, in) to (in, out, h, w)
    const IntegerWeights given = from.integer_weights(i);
    const std::size_t taps = given.terms / in;
    weights.resize(given.values.size());
    for (std::size_t o = 0; o < outputs; ++o) {
      for (std::size_t k = 0; k < given.terms; ++k)
        weights[(k % in * outputs + o) * taps + k / in] =
            static_cast<float>(given.values[o * given.terms + k]) * given.scales[o];
      bias.push_back(static_cast<float>(given.bias[o]) * (given.scales[o] * from.in(i).quantization.scale));
    }
  } else {
    weights = turned_back(from.array<float>(i, "weights"), l, in);
    bias = from.array<float>(i, "bias");
  }
  const auto rows = static_cast<std::int64_t>(in), columns = static_cast<std::int64_t>(outputs);
  std::vector<std::string> inputs{to.real_operand(i, Form::nchw),
                                  to.graph.floats(name + "/weights", {rows, columns, l.filter_h, l.filter_w}, weights)};
  if (!bias.empty()) inputs.push_back(to.graph.floats(name + "/bias", {columns}, bias));
  to.put_node(i, Form::nchw, "ConvTranspose", std::move(inputs),
              {{"kernel_shape", Extents64{l.filter_h, l.filter_w}},
               {"strides", Extents64{l.stride_h, l.stride_w}},
               {"pads", Extents64{l.pad_top, l.pad_left, l.pad_bottom, l.pad_right}},
               {"dilations", Extents64{l.dilation_h, l.dilation_w}},
               {"output_padding", Extents64{l.args[0], l.args[1]}}});
}

constexpr std::array<const char*, 5> kCoordinates{"half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel",
                                                  "tf_half_pixel_for_nn"};
constexpr std::array<const char*, 4> kRoundings{"round_prefer_floor", "round_prefer_ceil", "floor", "ceil"};

/// Axes height and width of an image as the record has them.
struct Image {
  ResizedAxis h, w;
  explicit Image(const Outgoing& from, std::size_t i) {
    const Layer& l = from.layer(i);
    const Shape& in = from.in(i).shape;
    h = {in.h, l.shape.h, l.alpha, l.args[2] != 0}, w = {in.w, l.shape.w, l.beta, l.args[2] != 0};
  }
};

/// Outputs per input of which a reader makes the extents, and the places that the record means: of sizes, which would
/// fix the batch too, or the record's own; 0 where there is none.
float scale_for(const ResizedAxis& axis, bool own) {
  const auto in = static_cast<float>(axis.in), out = static_cast<float>(axis.out);
  const auto gives = [&](float scale) { return std::floor(in * scale) == out; };
  if (own) return !axis.inverse && gives(axis.scale) ? axis.scale : 0.0F;
  const float scale = out / in, more = std::nextafter(scale, std::numeric_limits<float>::infinity());
  return gives(scale) ? scale : gives(more) ? more : 0.0F;
}
bool by_sizes(const ResizedAxis& axis) {
  const auto in = static_cast<float>(axis.in), out = static_cast<float>(axis.out);
  return axis.scale == (axis.inverse ? in / out : out / in);
}

void resize_node(OnnxExport& to, std::size_t i, float by_h, float by_w, const char* mode) {
  const Layer& l = to.from.layer(i);
  const std::array<float, 4> scales{1.0F, 1.0F, by_h, by_w};
  const bool nearest = l.op == Op::resize_nearest;
  std::vector<std::string> inputs{nearest ? to.stored_operand(i, Form::nchw) : to.real_operand(i, Form::nchw), "",
                                  to.graph.floats(to.from.name(i) + "/scales", {4}, scales)};
  std::vector<OnnxAttribute> attributes{
      {"mode", std::string(mode)},
      {"coordinate_transformation_mode", std::string(kCoordinates[static_cast<std::size_t>(l.args[0])])}};
  if (!nearest) return to.put_node(i, Form::nchw, "Resize", std::move(inputs), std::move(attributes));
  attributes.push_back({"nearest_mode", std::string(kRoundings[static_cast<std::size_t>(l.args[1])])});
  to.put_moved(i, Form::nchw, "Resize", std::move(inputs), std::move(attributes));
}

/// By a Resize whose reader takes the same pixels, else by their indices.
void resize_nearest(OnnxExport& to, std::size_t i) {
  const Layer& l = to.from.layer(i);
  const Image image(to.from, i);
  const auto rule = static_cast<ResizeCoordinates>(l.args[0]);
  const auto rounding = static_cast<ResizeRounding>(l.args[1]);
  const Dims rows = nearest_of_records(image.h, rule, rounding), columns = nearest_of_records(image.w, rule, rounding);
  const bool same = l.shape == to.from.in(i).shape;  // is copied, whatever the scale
  for (const bool own : {false, true}) {
    const float by_h = scale_for(image.h, own), by_w = scale_for(image.w, own);
    if (same || l.dtype == DType::boolean || rule == ResizeCoordinates::tf_half_pixel_for_nn) break;
    if (by_h == 0.0F || by_w == 0.0F) continue;
    const auto taken = [&](const ResizedAxis& axis, float scale) {
      return nearest_of_onnx({axis.in, axis.out, scale}, static_cast<OnnxCoordinates>(rule),
                             static_cast<OnnxRounding>(rounding));
    };
    if (taken(image.h, by_h) == rows && taken(image.w, by_w) == columns)
      return resize_node(to, i, by_h, by_w, "nearest");
  }
  const Form form = to.form_of(to.from.operand(i), true) == Form::nchw ? Form::nchw : Form::nhwc;
  std::string value = to.stored_operand(i, form);
  if (!takes_all(rows, image.h.in))
    value =
        to.graph.add("Gather", {value, to.graph.wholes(rows)}, to.wish(i), {{"axis", OnnxExport::axis_in(form, 2)}});
  to.put_moved(i, form, "Gather", {value, to.graph.wholes(columns)}, {{"axis", OnnxExport::axis_in(form, 1)}});
}

void resize_bilinear(OnnxExport& to, std::size_t i) {
  const Image image(to.from, i);
  const auto rule = static_cast<ResizeCoordinates>(to.from.layer(i).args[0]);
  const bool sizes = rule == ResizeCoordinates::align_corners || (by_sizes(image.h) && by_sizes(image.w));
  const float by_h = scale_for(image.h, !sizes), by_w = scale_for(image.w, !sizes);
  if (rule == ResizeCoordinates::tf_half_pixel_for_nn)
    to.from.refuse(i, "the standard no longer has its rule of places, tf_half_pixel_for_nn");
  else if (by_h == 0.0F || by_w == 0.0F)
    to.from.refuse(i, "no scales give its height, width and places");
  resize_node(to, i, by_h, by_w, "linear");
}

}  // namespace

bool onnx_image_layer(OnnxExport& to, std::size_t i) {
  switch (to.from.layer(i).op) {
    case Op::conv2d_transpose: return transposed_convolution(to, i), true;
    case Op::resize_nearest: return resize_nearest(to, i), true;
    case Op::resize_bilinear: return resize_bilinear(to, i), true;
    default: return false;
  }
}

}  // namespace mote::tool::foreign
