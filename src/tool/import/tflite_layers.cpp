// SPDX-License-Identifier: Apache-2.0
// Layers of the .tflite format: those with weights or windows, norms, softmax.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "mote/model/layer.hpp"
#include "tool/import/tflite_common.hpp"
#include "tool/import/tracer.hpp"

namespace mote::tool::foreign {
namespace {

Window2d window_of(const Call& call) {
  Window2d out;
  out.same = call.node.whole("padding", 0) == 0;
  out.sliding.stride_h = call.node.whole("stride_h", 1), out.sliding.stride_w = call.node.whole("stride_w", 1);
  out.sliding.dilation_h = call.node.whole("dilation_h", 1), out.sliding.dilation_w = call.node.whole("dilation_w", 1);
  return out;
}

/// Weights that the graph computes.
Value conv_by_values(Call& call) {
  Maker& make = call.make;
  const Dims image = call.dims(0), given = call.dims(1);
  if (!is_real(call.tensor_of_output().type))
    unsupported("weights that the graph computes, of a quantised convolution");
  if (image.size() != 4 || given.size() != 4 || given[3] == 0)
    unsupported(fmt::format("weights {} of an image {}", text_of(given), text_of(image)));
  const bool depthwise = call.record == "depthwise_conv2d";
  const Value weights = make.transpose(call[1], depthwise ? Dims{1, 2, 0, 3} : Dims{1, 2, 3, 0});
  const Value out = convolve_by(make, call[0], weights, window_of(call), depthwise ? image[3] : image[3] / given[3]);
  return call.has(2) ? make.binary("add", out, call[2]) : out;
}

void conv_2d(Call& call) {
  if (!call.make.constant(call[1]) || (call.has(2) && !call.make.constant(call[2])))
    return call.give(activated(call, conv_by_values(call)));
  const Literal weights = real_weights(call, 1, "weights");
  if (weights.dims().size() != 4) unsupported(fmt::format("weights {}", text_of(weights.dims())));
  const bool depthwise = call.record == "depthwise_conv2d";
  // In the file: (out, h, w, in), or depthwise (1, h, w, out).
  const Literal ours = transposed(weights, depthwise ? Dims{1, 2, 0, 3} : Dims{1, 2, 3, 0});
  const Dims image = call.dims(0);
  if (image.size() != 4 || weights.dims()[3] == 0) unsupported(fmt::format("an image of {}", text_of(image)));
  const std::int64_t groups = depthwise ? image[3] : image[3] / weights.dims()[3];
  Literal bias;
  if (call.has(2)) bias = real_weights(call, 2, "bias");
  const Literal* given = call.has(2) ? &bias : nullptr;
  call.give(activated(call, convolve(call.make, call[0], ours, given, window_of(call), groups)));
}

void transpose_conv(Call& call) {
  const Literal weights = real_weights(call, 1, "weights");
  const Dims image = call.dims(2), wanted = call.wholes(0, "output's shape");
  if (weights.dims().size() != 4 || image.size() != 4 || wanted.size() != 4 || weights.dims()[3] != image[3])
    unsupported(fmt::format("weights {} and an image of {}", text_of(weights.dims()), text_of(image)));
  Step made;
  made.op = "conv2d_transpose";
  made.sliding = window_of(call).sliding;
  Sliding& s = made.sliding;
  s.filter_h = weights.dims()[1], s.filter_w = weights.dims()[2];
  // The whole result, and what of it is cut off: at the end, or half of it in front.
  const std::int64_t free_h = (image[1] - 1) * s.stride_h + s.filter_h - wanted[1];
  const std::int64_t free_w = (image[2] - 1) * s.stride_w + s.filter_w - wanted[2];
  if (-free_h >= s.stride_h || -free_w >= s.stride_w)
    unsupported(fmt::format("an output of {} is larger than what it computes", text_of(wanted)));
  const std::int64_t over_h = std::max<std::int64_t>(0, free_h), over_w = std::max<std::int64_t>(0, free_w);
  const bool same = call.node.whole("padding", 0) == 0;
  s.pad_top = same ? over_h / 2 : 0, s.pad_bottom = over_h - s.pad_top;
  s.pad_left = same ? over_w / 2 : 0, s.pad_right = over_w - s.pad_left;
  made.dims = {image[0], wanted[1], wanted[2], weights.dims()[0]};
  made.in = {call.make.laid_out(call[2])};
  made.weights.push_back(transposed(weights, {1, 2, 0, 3}));
  if (call.has(3)) made.weights.push_back(real_weights(call, 3, "bias"));
  call.give(activated(call, call.make.add(std::move(made))));
}

void fully_connected(Call& call) {
  if (call.node.whole("weights_format", 0) != 0)
    unsupported("its weights are shuffled for one processor", "convert the model without that");
  const Dims in = call.dims(0), w = call.dims(1);
  if (w.size() != 2 || w[1] == 0) unsupported(fmt::format("weights {}", text_of(w)));
  const std::int64_t rows = count_of(in) / w[1];
  if (rows * w[1] != count_of(in)) unsupported(fmt::format("an input of {} and weights {}", text_of(in), text_of(w)));
  const bool keeps = call.node.whole("keep_num_dims", 0) != 0 && !in.empty() && in.back() == w[1];
  Maker& make = call.make;
  const Value x = make.reshape(call[0], {rows, w[1]});
  Value out;
  if (make.constant(call[1])) {
    out = make.matmul(x, make.constant(transposed(real_weights(call, 1, "weights"), {1, 0})));
    if (call.has(2) && make.constant(call[2]) && make.step(out).op == "dense") {
      make.step(out).weights.push_back(real_weights(call, 2, "bias"));
    } else if (call.has(2)) {
      out = make.binary("add", out, call[2]);
    }
  } else {
    out = make.matmul(x, call[1], true);
    if (call.has(2)) out = make.binary("add", out, call[2]);
  }
  out = activated(call, out);
  if (keeps) {
    Dims dims = in;
    dims.back() = w[0];
    out = make.reshape(out, dims);
  }
  call.give(out);
}

void batch_matmul(Call& call) {
  Maker& make = call.make;
  Value a = call[0], b = call[1];
  if (call.node.whole("adj_x", 0) != 0) {
    Dims axes(make.rank(a));
    for (std::size_t i = 0; i < axes.size(); ++i) axes[i] = static_cast<std::int64_t>(i);
    if (axes.size() > 1) std::swap(axes[axes.size() - 1], axes[axes.size() - 2]);
    a = make.transpose(a, axes);
  }
  if (make.constant(b)) b = make.constant(real_weights(call, 1, "second matrix"));
  call.give(make.matmul(a, b, call.node.whole("adj_y", 0) != 0));
}

void pool_2d(Call& call) {
  Window2d window = window_of(call);
  window.sliding.filter_h = call.node.whole("filter_h", 0), window.sliding.filter_w = call.node.whole("filter_w", 0);
  if (call.record == "l2_pool") {
    const Value squares = call.make.unary("square", call[0]);
    const Value mean = pool(call.make, squares, "average_pool", window, false);
    return call.give(activated(call, call.make.unary("sqrt", mean)));
  }
  call.give(activated(call, pool(call.make, call[0], call.record, window, false)));
}

void softmax(Call& call) {
  Value x = call[0];
  const float beta = call.node.real("beta", 1.0F);
  const bool on_integers = !call.make.step(x).scaling.scales.empty();
  if (call.record == "softmax" && beta != 1.0F && beta != 0.0F && !on_integers)
    x = call.make.binary("mul", x, call.make.scalar(static_cast<double>(beta)));
  const Value out = call.make.along(call.record, x, -1);
  if (on_integers) call.make.step(out).alpha = beta;
  call.give(out);
}

void l2_normalization(Call& call) {
  Step made;
  made.op = "l2_norm";
  made.dims = call.dims(0);
  made.axes = {static_cast<std::int64_t>(Maker::axis_of(-1, made.dims.size()))};
  made.alpha = 1e-6F;
  made.in = {call.make.laid_out(call[0])};
  call.give(activated(call, call.make.add(std::move(made))));
}

void local_response_normalization(Call& call) {
  Step made;
  made.op = "lrn";
  made.dims = call.dims(0);
  if (made.dims.size() != 4) unsupported(fmt::format("an image of {}", text_of(made.dims)));
  made.number = 2 * call.node.whole("radius", 0) + 1;
  made.alpha = call.node.real("alpha", 1.0F), made.beta = call.node.real("beta", 0.5F);
  made.extra = {call.node.real("bias", 1.0F)};
  made.in = {call.make.laid_out(call[0])};
  call.give(call.make.add(std::move(made)));
}

void resize(Call& call) {
  const std::vector<std::int64_t> size = call.wholes(1, "size");
  const Dims image = call.dims(0);
  if (image.size() != 4 || size.size() != 2 || size[0] < 1 || size[1] < 1)
    unsupported(fmt::format("an image of {}", text_of(image)));
  Step made;
  made.op = call.record;
  made.type = call.make.type(call[0]);
  made.dims = {image[0], size[0], size[1], image[3]};
  const bool corners = call.node.whole("align_corners", 0) != 0, half = call.node.whole("half_pixel_centers", 0) != 0;
  if (corners && half) unsupported("corners are aligned and pixels have half their size before them at once");
  const bool nearest = made.op == "resize_nearest";
  const ResizeCoordinates coordinates = corners           ? ResizeCoordinates::align_corners
                                        : half && nearest ? ResizeCoordinates::tf_half_pixel_for_nn
                                        : half            ? ResizeCoordinates::half_pixel
                                                          : ResizeCoordinates::asymmetric;
  const auto inputs_per_output = [&](std::int64_t in, std::int64_t out) {
    const bool ends = corners && out > 1;
    return static_cast<float>(ends ? in - 1 : in) / static_cast<float>(ends ? out - 1 : out);
  };
  made.number = static_cast<std::int64_t>(coordinates);
  made.second = {static_cast<std::int64_t>(corners ? ResizeRounding::round_prefer_ceil : ResizeRounding::floor), 1};
  made.alpha = inputs_per_output(image[1], size[0]), made.beta = inputs_per_output(image[2], size[1]);
  Maker& make = call.make;
  const auto resized = [&](const Value& one) {
    Step step = made;
    step.dims[0] = make.dims(one)[0];
    step.in = {make.laid_out(one)};
    return make.add(std::move(step));
  };
  const bool alone = image[0] == 1 || make.for_samples;
  call.give(alone ? resized(call[0]) : image_by_image(make, call[0], resized));
}

constexpr std::array kRows = {
    OperatorRow{"CONV_2D", conv_2d, "conv2d"},
    OperatorRow{"DEPTHWISE_CONV_2D", conv_2d, "depthwise_conv2d"},
    OperatorRow{"TRANSPOSE_CONV", transpose_conv, "conv2d_transpose"},
    OperatorRow{"FULLY_CONNECTED", fully_connected, "dense"},
    OperatorRow{"BATCH_MATMUL", batch_matmul, "matmul"},
    OperatorRow{"MAX_POOL_2D", pool_2d, "max_pool"},
    OperatorRow{"AVERAGE_POOL_2D", pool_2d, "average_pool"},
    OperatorRow{"L2_POOL_2D", pool_2d, "l2_pool"},
    OperatorRow{"SOFTMAX", softmax, "softmax"},
    OperatorRow{"LOG_SOFTMAX", softmax, "log_softmax"},
    OperatorRow{"L2_NORMALIZATION", l2_normalization, "l2_norm"},
    OperatorRow{"LOCAL_RESPONSE_NORMALIZATION", local_response_normalization, "lrn"},
    OperatorRow{"RESIZE_BILINEAR", resize, "resize_bilinear"},
    OperatorRow{"RESIZE_NEAREST_NEIGHBOR", resize, "resize_nearest"},
};

}  // namespace

std::span<const OperatorRow> tflite_layers() { return kRows; }

Value activated(Call& call, const Value& v) {
  switch (call.node.whole("activation", 0)) {
    case 0: return v;
    case 1: return call.make.unary("relu", v);
    case 2: return call.make.unary("clip", v, -1.0F, 1.0F);
    case 3: return call.make.unary("relu6", v);
    case 4: return call.make.unary("tanh", v);
    default: unsupported(fmt::format("fused activation {}", call.node.whole("activation", 0)));
  }
}

Literal real_weights(Call& call, std::size_t i, const char* what) {
  const Literal& given = call.make.must_be_constant(call[i], what);
  const Type result = call.tensor_of_output().type;
  const bool on_integers = (result == Type::s8 || result == Type::u8 || result == Type::s16) && !is_real(given.type());
  return on_integers || given.type() == Type::f32 ? given : dequantized(given);
}

Dims axes_of(Call& call, std::size_t i) { return call.wholes(i, "axes"); }

const OperatorRow* tflite_operator_named(std::string_view name) {
  for (const auto rows : {tflite_layers(), tflite_elementwise(), tflite_movement(), tflite_shapes(), tflite_control(),
                          tflite_recurrent()})
    if (const auto row = std::ranges::find(rows, name, &OperatorRow::name); row != rows.end()) return &*row;
  return nullptr;
}

}  // namespace mote::tool::foreign
