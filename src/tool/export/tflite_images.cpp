// SPDX-License-Identifier: Apache-2.0
// Transposed convolutions and resizing as .tflite operators.
#include "mote/model/element_types.hpp"
#include "tool/export/tflite_export.hpp"
#include "tool/import/nearest.hpp"

namespace mote::tool::foreign {
namespace {

template <class T>
std::vector<std::byte> bytes_of_values(const std::vector<T>& values) {
  const std::span<const std::byte> bytes = std::as_bytes(std::span(values));
  return {bytes.begin(), bytes.end()};
}

/// The image that an axis of the operator makes: all of it, or what its rules cut off.
struct Reach {
  std::uint32_t in, out, stride, span, before;
  [[nodiscard]] std::uint32_t covered() const { return (in - 1) * stride + span; }
  // Of an output, readers count back to the input, and want to find it.
  [[nodiscard]] bool valid() const { return before == 0 && out >= covered(); }
  [[nodiscard]] bool same() const {
    return before == (covered() > out ? covered() - out : 0) / 2 && (out + stride - 1) / stride == in;
  }
  [[nodiscard]] std::uint32_t whole() const { return std::max(covered(), before + out); }
};

/// Weights (out, h, w, in) out of the records' (h, w, in, out), turned round; dilation becomes taps of zero.
std::vector<float> turned_back(const std::vector<float>& given, const Layer& l, std::size_t in, std::size_t span_h,
                               std::size_t span_w) {
  const std::size_t outputs = l.shape.c;
  std::vector<float> out(span_h * span_w * in * outputs, 0.0F);
  for (std::size_t y = 0; y < l.filter_h; ++y)
    for (std::size_t x = 0; x < l.filter_w; ++x)
      for (std::size_t c = 0; c < in; ++c)
        for (std::size_t o = 0; o < outputs; ++o) {
          const std::size_t tap = (l.filter_h - 1 - y) * l.filter_w + (l.filter_w - 1 - x);
          out[((o * span_h + y * l.dilation_h) * span_w + x * l.dilation_w) * in + c] =
              given[(tap * in + c) * outputs + o];
        }
  return out;
}

void transposed_convolution(TfliteExport& to, std::size_t i) {
  Outgoing& from = to.from;
  const Layer& l = from.layer(i);
  const Shape &in = from.in(i).shape, &out = l.shape;
  const std::uint32_t span_h = l.dilation_h * (l.filter_h - 1U) + 1U, span_w = l.dilation_w * (l.filter_w - 1U) + 1U;
  const Reach rows{in.h, out.h, l.stride_h, span_h, l.pad_top}, columns{in.w, out.w, l.stride_w, span_w, l.pad_left};
  if (rows.whole() >= rows.covered() + l.stride_h || columns.whole() >= columns.covered() + l.stride_w)
    from.refuse(i, "its output is larger than what the operator computes");
  const std::string name = from.name(i);
  const Extents64 dims{out.c, span_h, span_w, in.c};
  std::vector<int> weights;
  if (quantized(from.in(i).dtype)) {
    if (l.dtype != DType::s8) from.refuse(i, "a transposed convolution on values of 16 bits");
    weights = to.integer_weights(i, dims);
  } else {
    weights.push_back(
        to.floats(name + "/weights", dims, turned_back(from.array<float>(i, "weights"), l, in.c, span_h, span_w)));
    if (l.has_bias()) weights.push_back(to.floats(name + "/bias", {out.c}, from.array<float>(i, "bias")));
  }
  const int x = to.operand(i, Lie::nhwc);
  const auto node = [&](std::uint32_t h, std::uint32_t w, bool same, int made) {
    std::vector<int> inputs{to.wholes({1, h, w, out.c}), weights.front(), x};
    inputs.insert(inputs.end(), weights.begin() + 1, weights.end());
    to.graph.node("TRANSPOSE_CONV", std::move(inputs), {made},
                  {{"padding", same ? 0.0 : 1.0},
                   {"stride_w", static_cast<double>(l.stride_w)},
                   {"stride_h", static_cast<double>(l.stride_h)},
                   {"activation", 0.0}});
  };
  const bool valid = rows.valid() && columns.valid();
  if (valid || (rows.same() && columns.same())) return node(out.h, out.w, !valid, to.result(i, Lie::nhwc));
  // More is cut off in front than the operator would: all of it, and a part of that.
  const int whole = to.part_like(i, i, {1, rows.whole(), columns.whole(), out.c});
  node(rows.whole(), columns.whole(), false, whole);
  to.put_node(i, Lie::nhwc, "SLICE",
              {whole, to.wholes({0, rows.before, columns.before, 0}), to.wholes({1, out.h, out.w, out.c})});
}

std::vector<TfliteOption> options_of(bool align_corners, bool half_pixel) {
  return {{"align_corners", align_corners ? 1.0 : 0.0}, {"half_pixel_centers", half_pixel ? 1.0 : 0.0}};
}

/// By an operator that takes the same pixels, else by their indices.
void resize_nearest(TfliteExport& to, std::size_t i) {
  const Layer& l = to.from.layer(i);
  const Shape &in = to.from.in(i).shape, &out = l.shape;
  const auto rule = static_cast<ResizeCoordinates>(l.args[0]);
  const auto rounding = static_cast<ResizeRounding>(l.args[1]);
  const bool inverse = l.args[2] != 0;
  const Dims rows = nearest_of_records({in.h, out.h, l.alpha, inverse}, rule, rounding);
  const Dims columns = nearest_of_records({in.w, out.w, l.beta, inverse}, rule, rounding);
  const bool has_kernel = l.dtype == DType::f32 || l.dtype == DType::s8;
  for (const auto& [corners, half] : {std::pair{false, false}, std::pair{true, false}, std::pair{false, true}}) {
    if (!has_kernel || nearest_of_tflite(in.h, out.h, corners, half) != rows ||
        nearest_of_tflite(in.w, out.w, corners, half) != columns)
      continue;
    return to.put_node(i, Lie::nhwc, "RESIZE_NEAREST_NEIGHBOR", {to.operand(i, Lie::nhwc), to.wholes({out.h, out.w})},
                       options_of(corners, half));
  }
  const auto along = [](double axis) { return std::vector<TfliteOption>{{"axis", axis}, {"batch_dims", 0.0}}; };
  int value = to.operand(i, Lie::nhwc);
  if (!takes_all(rows, in.h)) {
    const int lines = to.part_like(i, i, {1, out.h, in.w, in.c});
    to.graph.node("GATHER", {value, to.wholes(rows)}, {lines}, along(1.0));
    value = lines;
  }
  to.put_node(i, Lie::nhwc, "GATHER", {value, to.wholes(columns)}, along(2.0));
}

void resize_bilinear(TfliteExport& to, std::size_t i) {
  const Layer& l = to.from.layer(i);
  const Shape &in = to.from.in(i).shape, &out = l.shape;
  const auto rule = static_cast<ResizeCoordinates>(l.args[0]);
  const bool corners = rule == ResizeCoordinates::align_corners;
  const auto by_sizes = [&](std::uint32_t from, std::uint32_t size, float scale) {
    const auto a = static_cast<float>(l.args[2] != 0 ? from : size),
               b = static_cast<float>(l.args[2] != 0 ? size : from);
    return corners || scale == a / b;
  };
  const bool half = rule == ResizeCoordinates::half_pixel ||
                    (rule == ResizeCoordinates::pytorch_half_pixel && out.h != 1 && out.w != 1);
  if (!corners && !half && rule != ResizeCoordinates::asymmetric)
    to.from.refuse(i, "the operator has no such rule of places");
  else if (!by_sizes(in.h, out.h, l.alpha) || !by_sizes(in.w, out.w, l.beta))
    to.from.refuse(i, "its scales are not the quotients of its extents");
  to.put_node(i, Lie::nhwc, "RESIZE_BILINEAR", {to.operand(i, Lie::nhwc), to.wholes({out.h, out.w})},
              options_of(corners, half));
}

}  // namespace

bool tflite_image_layer(TfliteExport& to, std::size_t i) {
  switch (to.from.layer(i).op) {
    case Op::conv2d_transpose: return transposed_convolution(to, i), true;
    case Op::resize_nearest: return resize_nearest(to, i), true;
    case Op::resize_bilinear: return resize_bilinear(to, i), true;
    default: return false;
  }
}

}  // namespace mote::tool::foreign
