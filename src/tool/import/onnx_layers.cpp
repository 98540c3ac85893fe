// SPDX-License-Identifier: Apache-2.0
// Layers of the .onnx format with weights or windows. Images are (N, C, H, W) there; inside they lie channels last.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "tool/import/onnx_common.hpp"

namespace mote::tool::foreign {
namespace {

std::int64_t at(const Dims& list, std::size_t i, std::int64_t otherwise) {
  return i < list.size() ? list[i] : otherwise;
}

/// Weights that the graph computes, and perhaps the bias too.
Value conv_by_values(Call& call) {
  Maker& make = call.make;
  const std::size_t rank = call.rank(0);
  if ((rank != 3 && rank != 4) || call.rank(1) != rank)
    unsupported(fmt::format("weights {} of an image {}", text_of(call.dims(1)), text_of(call.dims(0))));
  Dims wide = call.dims(1);
  if (rank == 3) wide.insert(wide.begin() + 2, 1);
  const Value weights = make.transpose(make.reshape(call[1], wide), {2, 3, 1, 0});
  Value out = convolve_by(make, channels_last(make, call[0]), weights, onnx_window(call, rank - 2),
                          call.node.whole("group", 1));
  if (call.has(2)) out = make.binary("add", out, call[2]);  // the channels are last here
  return channels_first(make, out, rank);
}

void conv(Call& call) {
  if (!call.make.constant(call[1]) || (call.has(2) && !call.make.constant(call[2])))
    return call.give(conv_by_values(call));
  const Literal& weights = call.make.must_be_constant(call[1], "weights");
  if (!call.has(2)) return call.give(onnx_convolution(call, call[0], weights, nullptr));
  const Literal& bias = call.make.must_be_constant(call[2], "bias");
  call.give(onnx_convolution(call, call[0], weights, &bias));
}

/// One group of a transposed convolution: weights (h, w, out, in).
Value spread(Call& call, const Value& x, const Literal& weights, const Literal* bias, const Sliding& s, std::int64_t h,
             std::int64_t w) {
  Step made;
  made.op = "conv2d_transpose";
  made.dims = {call.make.dims(x)[0], h, w, weights.dims()[2]};
  made.sliding = s;
  made.in = {call.make.laid_out(x)};
  made.weights.push_back(weights);
  if (bias != nullptr) made.weights.push_back(*bias);
  return call.make.add(std::move(made));
}

void conv_transpose(Call& call) {
  Maker& make = call.make;
  const Literal& given = make.must_be_constant(call[1], "weights");
  const std::size_t rank = call.rank(0);
  if ((rank != 3 && rank != 4) || given.dims().size() != rank)
    unsupported(fmt::format("{} axes of the image; 1 and 2 are there", rank - std::min<std::size_t>(rank, 2)));
  const std::int64_t groups = call.node.whole("group", 1);
  Window2d window = onnx_window(call, rank - 2);
  Sliding& s = window.sliding;
  Dims wide = given.dims();
  if (rank == 3) wide.insert(wide.begin() + 2, 1);
  const Literal weights = transposed(cast(given, Type::f32).reshaped(wide), {2, 3, 1, 0});  // from (in, out, h, w)
  s.filter_h = wide[2], s.filter_w = wide[3];
  for (const std::int64_t v : {s.filter_h, s.filter_w, s.stride_h, s.stride_w, s.dilation_h, s.dilation_w})
    if (v < 1 || v > 65535) unsupported(fmt::format("{} as filter, stride or dilation", v));
  const Value x = channels_last(make, call[0]);
  const Dims image = make.dims(x), more = call.node.wholes("output_padding"), wanted = call.node.wholes("output_shape");
  if (groups < 1 || image[3] != wide[0] || image[3] % groups != 0)
    unsupported(fmt::format("{} channels in {} groups, and weights {}", image[3], groups, text_of(given.dims())));
  const auto extent = [&](std::int64_t size, std::int64_t stride, std::int64_t filter, std::int64_t dilation,
                          std::int64_t extra, std::int64_t wish, std::int64_t& before, std::int64_t& after) {
    const std::int64_t covered = (size - 1) * stride + dilation * (filter - 1) + 1;
    if (extra < 0 || extra >= std::max(stride, dilation)) unsupported(fmt::format("an output padding of {}", extra));
    if (wish != 0) {
      const std::int64_t over = covered + extra - wish;
      const bool upper = window.same && !window.same_lower;  // else, without auto_pad too, more in front
      before = upper ? over / 2 : over - over / 2;
      after = over - before;
    }
    if (before < 0 || after < 0 || before > 65535 || after > 65535)
      unsupported("an output larger than what it computes");
    const std::int64_t out = covered + extra - before - after;
    if (out < 1) unsupported("its padding takes everything away");
    return out;
  };
  const auto wish = [&](std::size_t i, std::int64_t size, std::int64_t stride) {
    return !wanted.empty() ? at(wanted, wanted.size() - (rank - 2) + i, 1) : window.same ? size * stride : 0;
  };
  if (!wanted.empty() && wanted.size() < rank - 2) unsupported("its output_shape has another rank");
  std::int64_t h = 1;
  if (rank == 4)
    h = extent(image[1], s.stride_h, s.filter_h, s.dilation_h, at(more, 0, 0), wish(0, image[1], s.stride_h), s.pad_top,
               s.pad_bottom);
  const std::int64_t w = extent(image[2], s.stride_w, s.filter_w, s.dilation_w, at(more, rank - 3, 0),
                                wish(rank - 3, image[2], s.stride_w), s.pad_left, s.pad_right);
  Literal bias;
  if (call.has(2)) bias = cast(make.must_be_constant(call[2], "bias"), Type::f32);
  const std::int64_t each_in = image[3] / groups, each_out = wide[1];
  if (call.has(2) && bias.count() != each_out * groups)
    unsupported(fmt::format("{} biases of {} outputs", bias.count(), each_out * groups));
  std::vector<Value> parts;
  for (std::int64_t g = 0; g < groups; ++g) {
    const Value some = make.slice(x, {0, 0, 0, g * each_in}, {1, 1, 1, 1}, {image[0], image[1], image[2], each_in});
    const Literal part =
        sliced(weights, {0, 0, 0, g * each_in}, {1, 1, 1, 1}, {s.filter_h, s.filter_w, each_out, each_in});
    Literal own;
    if (call.has(2)) own = sliced(bias.reshaped({bias.count()}), {g * each_out}, {1}, {each_out});
    parts.push_back(spread(call, some, part, call.has(2) ? &own : nullptr, s, h, w));
  }
  call.give(channels_first(make, make.concat(parts, 3), rank));
}

Value scaled(Maker& make, const Value& v, float by) {
  return by == 1.0F ? v : make.binary("mul", v, make.scalar(static_cast<double>(by)));
}

void gemm(Call& call) {
  Maker& make = call.make;
  const float alpha = call.node.real("alpha", 1.0F), beta = call.node.real("beta", 1.0F);
  Value a = call[0], b = call[1];
  if (make.rank(a) != 2 || make.rank(b) != 2) unsupported("matrices of another rank than 2");
  if (call.node.whole("transA", 0) != 0) a = make.transpose(a, {1, 0});
  if (call.node.whole("transB", 0) != 0) b = make.transpose(b, {1, 0});
  if (make.constant(b)) b = scaled(make, b, alpha);
  Value out = make.matmul(a, b);
  if (!make.constant(b)) out = scaled(make, out, alpha);
  if (call.has(2) && beta != 0.0F) {
    const Value c = scaled(make, call[2], beta);
    Step& made = make.step(out);
    const std::int64_t outputs = made.dims.back();
    const bool as_bias = made.op == "dense" && make.constant(c) && made.weights.size() == 1 &&
                         count_of(make.dims(c)) == outputs && (outputs == 1 || make.dims(c).back() == outputs);
    if (as_bias) {
      Literal bias = make.literal(c).reshaped({outputs});
      make.step(out).weights.push_back(std::move(bias));
    } else {
      out = make.binary("add", out, c);
    }
  }
  call.give(out);
}

void matmul(Call& call) { call.give(call.make.matmul(call[0], call[1])); }

/// Pads behind the image so that the last window counts which only part of it fills.
void round_up(Sliding& s, const Dims& image, bool counts_padding) {
  const auto more = [](std::int64_t in, std::int64_t filter, std::int64_t stride, std::int64_t before,
                       std::int64_t& after) {
    const std::int64_t padded = in + before + after;
    if (padded < filter) return false;
    std::int64_t out = (padded - filter + stride - 1) / stride + 1;
    if ((out - 1) * stride >= in + before) --out;
    const std::int64_t extra = std::max<std::int64_t>(0, (out - 1) * stride + filter - padded);
    after += extra;
    return extra != 0;
  };
  const bool h = more(image[1], s.filter_h, s.stride_h, s.pad_top, s.pad_bottom);
  const bool w = more(image[2], s.filter_w, s.stride_w, s.pad_left, s.pad_right);
  if ((h || w) && counts_padding)
    unsupported("ceil_mode where padding counts in the mean", "export it with count_include_pad = 0 or ceil_mode = 0");
}

void pool_windows(Call& call) {
  const std::size_t rank = call.rank(0);
  if (rank != 3 && rank != 4) unsupported(fmt::format("pooling of a tensor of rank {}", rank));
  if (call.out.size() > 1 && call.node.outputs[1] != kAbsent)
    unsupported("the places of its maxima are asked for", "leave that output out of the model");
  const Dims filter = call.node.wholes("kernel_shape");
  if (filter.size() != rank - 2) unsupported("its kernel_shape has another rank");
  for (const std::int64_t v : filter)
    if (v < 1 || v > 65535) unsupported(fmt::format("a window of {}", v));
  Window2d window = onnx_window(call, rank - 2);
  window.sliding.filter_h = rank == 4 ? filter[0] : 1, window.sliding.filter_w = filter.back();
  if (window.sliding.dilation_h != 1 || window.sliding.dilation_w != 1)
    unsupported("dilation in pooling", "use a pool without it, or with a stride");
  const Value image = channels_last(call.make, call[0]);
  const bool counts = call.node.whole("count_include_pad", 0) != 0;
  if (call.node.whole("ceil_mode", 0) != 0 && !window.same) round_up(window.sliding, call.make.dims(image), counts);
  call.give(channels_first(call.make, pool(call.make, image, call.record, window, counts), rank));
}

void global_pool(Call& call) {
  Dims axes;
  for (std::size_t k = 2; k < call.rank(0); ++k) axes.push_back(static_cast<std::int64_t>(k));
  if (axes.empty()) unsupported("an image without axes");
  call.give(call.make.reduce(call.record, call[0], axes, true));
}

constexpr std::array kRows = {
    OperatorRow{"Conv", conv, "conv2d"},
    OperatorRow{"ConvTranspose", conv_transpose, "conv2d_transpose"},
    OperatorRow{"Gemm", gemm, "dense"},
    OperatorRow{"MatMul", matmul, "matmul"},
    OperatorRow{"MaxPool", pool_windows, "max_pool"},
    OperatorRow{"AveragePool", pool_windows, "average_pool"},
    OperatorRow{"GlobalAveragePool", global_pool, "reduce_mean"},
    OperatorRow{"GlobalMaxPool", global_pool, "reduce_max"},
};

}  // namespace

std::span<const OperatorRow> onnx_layers() { return kRows; }

Value channels_last(Maker& make, const Value& v) {
  const Dims own = make.dims(v);
  if (own.size() == 3) return channels_last(make, make.reshape(v, {own[0], own[1], 1, own[2]}));
  if (own.size() != 4)
    unsupported(fmt::format("an image of {}", text_of(own)), "1 or 2 axes behind the channels are there");
  return make.transpose(v, {0, 2, 3, 1});
}

Value channels_first(Maker& make, const Value& v, std::size_t rank) {
  const Value out = make.transpose(v, {0, 3, 1, 2});
  const Dims own = make.dims(out);
  return rank == 4 ? out : make.reshape(out, {own[0], own[1], own[3]});
}

Dims wholes_of(Call& call, std::size_t i, const char* attribute) {
  return call.has(i) ? call.wholes(i, attribute) : call.node.wholes(attribute);
}

Window2d onnx_window(Call& call, std::size_t spatial) {
  const Dims strides = call.node.wholes("strides"), dilations = call.node.wholes("dilations"),
             pads = call.node.wholes("pads");
  for (const Dims* list : {&strides, &dilations, &pads})
    for (const std::int64_t v : *list)
      if (v < -65535 || v > 65535) unsupported(fmt::format("{} in a window", v));
  const std::string automatic = call.node.text("auto_pad", "NOTSET");
  Window2d out;
  Sliding& s = out.sliding;
  s.stride_w = at(strides, spatial - 1, 1), s.dilation_w = at(dilations, spatial - 1, 1);
  if (spatial == 2) s.stride_h = at(strides, 0, 1), s.dilation_h = at(dilations, 0, 1);
  out.same = automatic.starts_with("SAME"), out.same_lower = automatic == "SAME_LOWER";
  if (automatic != "NOTSET" || pads.empty()) return out;
  if (pads.size() != 2 * spatial) unsupported(fmt::format("{} pads of {} axes", pads.size(), spatial));
  s.pad_left = pads[spatial - 1], s.pad_right = pads[2 * spatial - 1];
  if (spatial == 2) s.pad_top = pads[0], s.pad_bottom = pads[2];
  return out;
}

Value onnx_convolution(Call& call, const Value& x, const Literal& weights, const Literal* bias) {
  const std::size_t rank = call.make.rank(x);
  if (weights.dims().size() != rank)
    unsupported(fmt::format("weights {} of an image of rank {}", text_of(weights.dims()), rank));
  if (rank != 3 && rank != 4)
    unsupported(fmt::format("a convolution over {} axes", rank - std::min<std::size_t>(rank, 2)));
  Dims wide = weights.dims();
  if (rank == 3) wide.insert(wide.begin() + 2, 1);
  const Literal ours = transposed(cast(weights, Type::f32).reshaped(wide), {2, 3, 1, 0});
  Literal real_bias;
  if (bias != nullptr) real_bias = cast(*bias, Type::f32);
  const Value out = convolve(call.make, channels_last(call.make, x), ours, bias == nullptr ? nullptr : &real_bias,
                             onnx_window(call, rank - 2), call.node.whole("group", 1));
  return channels_first(call.make, out, rank);
}

const OperatorRow* onnx_operator_named(std::string_view name) {
  for (const auto rows : {onnx_layers(), onnx_norms(), onnx_resize(), onnx_elementwise(), onnx_movement(),
                          onnx_shapes(), onnx_control(), onnx_recurrent(), onnx_quantized(), onnx_ml()})
    if (const auto row = std::ranges::find(rows, name, &OperatorRow::name); row != rows.end()) return &*row;
  return nullptr;
}

}  // namespace mote::tool::foreign
