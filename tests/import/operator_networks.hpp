// SPDX-License-Identifier: Apache-2.0
// Small networks that between them have every float operator of the records, in the forms that exporters must tell
// apart.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "mote/model/builders.hpp"
#include "mote/model/validate.hpp"
#include "tool/models/model_text.hpp"
#include "unit/random_graph.hpp"

namespace mote::test {

/// Parameters out of a fixed series; variances are positive, indices 0 to 2.
inline void fill_params(tool::OwnedModel& model, std::uint32_t seed) {
  Random random(seed);
  const Model view = model.view();
  for (std::size_t i = 0; i < model.layers.size(); ++i)
    for (const ParamArray& array : param_arrays(model.layers[i], view.input_shape_of(i))) {
      std::byte* const to = model.params.data() + model.layers[i].param_offset + array.offset;
      const bool positive = std::string_view(array.name) == "running_variance";
      for (std::uint32_t k = 0; k < array.count; ++k) {
        const float value = positive ? 0.2F + std::abs(random.real()) : 0.4F * random.real();
        const auto index = static_cast<std::int32_t>(random.below(3));
        if (array.dtype == DType::f32) std::memcpy(to + 4 * std::size_t{k}, &value, 4);
        if (array.dtype == DType::s32) std::memcpy(to + 4 * std::size_t{k}, &index, 4);
      }
    }
}

inline tool::OwnedModel network_of(const std::vector<LayerSpec>& specs, std::uint32_t seed = 1) {
  tool::OwnedModel out;
  std::vector<const char*> labels;
  std::uint32_t bytes = 0;
  for (const LayerSpec& spec : specs) {
    Result<Layer> layer = resolve(spec, out.layers, labels, out.alignment);
    EXPECT_TRUE(layer.ok()) << "layer " << out.layers.size() << ": " << describe(layer.status());
    if (!layer.ok()) return {};
    if (layer->op == Op::constant) layer->param_dtype = layer->dtype;
    bytes = std::max(bytes, layer->param_offset + layer->param_bytes);
    out.layers.push_back(*layer);
    labels.push_back(spec.label);
  }
  out.params = tool::AlignedBytes(bytes);
  EXPECT_TRUE(validate(out.view()).ok()) << describe(validate(out.view()));
  fill_params(out, seed);
  return out;
}

using NamedNetwork = std::pair<std::string, std::vector<LayerSpec>>;

inline void add_elementwise(std::vector<NamedNetwork>& out) {
  const LayerSpec x = input(3, 4, 5).as("x"), k = constant(1, 1, 5).as("k"), again = identity().reads("x");
  for (const LayerSpec& f : {sigmoid(),
                             mote::tanh(),
                             relu(),
                             leaky_relu(0.3F),
                             relu6(),
                             silu(),
                             gelu(),
                             hard_swish(),
                             elu(),
                             mote::exp(),
                             mote::abs(),
                             neg(),
                             square(),
                             mote::sin(),
                             mote::cos(),
                             softplus(),
                             selu(),
                             hard_sigmoid(0.3F, 0.4F),
                             gelu_tanh(),
                             clip(-0.5F, 0.25F),
                             clip(-INFINITY, 0.5F),
                             clip(-1.0F, 1.0F),
                             mote::floor(),
                             mote::ceil(),
                             mote::round(),
                             sign()}) {
    const std::string op = name(f.layer.op);
    out.push_back({op + std::to_string(out.size()), {x, f}});
    out.push_back({op + "_behind_conv" + std::to_string(out.size()), {x, conv2d(4), f}});
  }
  for (const LayerSpec& f : {mote::log(), mote::sqrt(), rsqrt()})
    out.push_back({name(f.layer.op), {x, mote::exp(), f}});
  using Binary = LayerSpec (*)(const char*);
  const std::pair<const char*, Binary> binaries[] = {
      {"add", [](const char* b) { return add(b); }},
      {"sub", [](const char* b) { return sub(b); }},
      {"mul", [](const char* b) { return mul(b); }},
      {"minimum", [](const char* b) { return minimum(b); }},
      {"maximum", [](const char* b) { return maximum(b); }},
      {"squared_difference", [](const char* b) { return squared_difference(b); }},
      {"prelu", [](const char* b) { return prelu(b); }}};
  for (const auto& [op, f] : binaries) {
    out.push_back({std::string(op) + "_constant", {x, k, again, f("k")}});
    out.push_back({std::string(op) + "_of_constant", {x, k, f("x")}});
    out.push_back({std::string(op) + "_row", {x, slice({1, 0, 0}, {1, 4, 5}).as("row"), again, f("row")}});
    out.push_back({std::string(op) + "_behind_conv",
                   {x, conv2d(3).as("a"), constant(2, 1, 3).as("c"), identity().reads("a"), f("c"), f("a")}});
  }
  out.push_back({"div", {x, mote::exp().as("e"), again, div("e")}});
  out.push_back({"pow", {x, mote::exp().as("e"), mote::pow("x")}});
  out.push_back({"sum_of_three", {x, relu().as("a"), sigmoid().as("b"), add("x", "a")}});
  const std::pair<const char*, Binary> comparisons[] = {
      {"less", [](const char* b) { return less(b); }},
      {"less_equal", [](const char* b) { return less_equal(b); }},
      {"greater", [](const char* b) { return greater(b); }},
      {"greater_equal", [](const char* b) { return greater_equal(b); }},
      {"equal", [](const char* b) { return equal(b); }},
      {"not_equal", [](const char* b) { return not_equal(b); }}};
  for (const auto& [op, f] : comparisons) out.push_back({op, {x, k, again, f("k"), select("x", "k")}});
  out.push_back({"logic",
                 {x, k, again, less("k").as("l"), again, mote::greater("k").as("g"), logical_or("l"), logical_not(),
                  logical_and("g"), select("k", "x")}});
}

inline void add_movement(std::vector<NamedNetwork>& out) {
  const LayerSpec x = input(3, 4, 5).as("x");
  out.push_back({"transpose", {x, transpose({3, 4, 5, 1}, {2, 0, 1, 3}, {5, 3, 4}), relu()}});
  out.push_back({"channels_last",
                 {input(3, 8, 6), transpose({3, 48, 1, 1}, {1, 0, 2, 3}, {8, 6, 3}), conv2d(4), relu(),
                  transpose({24, 4, 1, 1}, {1, 0, 2, 3}, {4, 6, 4})}});
  out.push_back({"transpose_behind_conv", {x, conv2d(4), transpose({1, 2, 4, 1}, {2, 1, 0, 3}, {4, 2, 1})}});
  out.push_back({"slice", {x, slice({1, 0, 4}, {2, 2, 3}, {1, 2, -2}), relu()}});
  out.push_back({"slice_behind_conv", {input(6, 6, 3), conv2d(4), slice({0, 3, 1}, {4, 4, 2}, {1, -1, 1})}});
  for (const PadRule rule : {PadRule::constant, PadRule::reflect, PadRule::edge, PadRule::symmetric}) {
    const LayerSpec around = pad({.pads = {1, 2, 0, 1}, .before_c = 1, .rule = rule});
    out.push_back({"pad" + std::to_string(static_cast<int>(rule)), {x, around}});
    out.push_back({"pad_behind_conv" + std::to_string(static_cast<int>(rule)),
                   {x, conv2d(4, {.padding = Padding::same}), around}});
  }
  out.push_back({"pad_value", {x, pad({.pads = {1, 0, 0, 1}, .value = -2.5F})}});
  out.push_back({"tile", {x, tile({3, 8, 10})}});
  out.push_back({"concat_h", {x, relu().as("r"), concat_along(2, "x")}});
  out.push_back({"concat_w", {x, conv2d(5, {.padding = Padding::same}), concat_along(1, "x")}});
  out.push_back({"concat_c", {input(7).as("v"), dense(3), concat("v")}});
  LayerSpec indices = constant(1, 1, 4).as("i");
  indices.layer.dtype = DType::s32;
  for (const std::uint8_t axis : {std::uint8_t{0}, std::uint8_t{1}, std::uint8_t{2}})
    out.push_back({"gather" + std::to_string(axis), {x, indices, gather("i", axis).reads("x")}});
  for (NamedNetwork& one : out)
    if (one.first.starts_with("gather")) one.second.back().from = {"x", "i"}, one.second.back().from_count = 2;
  using Where = ResizeCoordinates;
  for (const Where where : {Where::half_pixel, Where::asymmetric, Where::align_corners, Where::pytorch_half_pixel,
                            Where::tf_half_pixel_for_nn}) {
    const std::string rule = std::to_string(static_cast<int>(where));
    for (const ResizeRounding rounding : {ResizeRounding::round_prefer_floor, ResizeRounding::round_prefer_ceil,
                                          ResizeRounding::floor, ResizeRounding::ceil}) {
      const std::string which = rule + "_" + std::to_string(static_cast<int>(rounding));
      out.push_back({"resize_nearest" + which, {input(7, 4, 3), resize_nearest(4, 7, where, rounding)}});
      out.push_back({"resize_nearest_behind_conv" + which,
                     {x, conv2d(4, {.padding = Padding::same}), resize_nearest(19, 8, where, rounding), relu()}});
    }
    out.push_back({"resize_bilinear" + rule, {input(7, 4, 3), resize_bilinear(4, 7, where)}});
    out.push_back({"resize_bilinear_behind_conv" + rule,
                   {x, conv2d(4, {.padding = Padding::same}), resize_bilinear(7, 9, where), relu()}});
  }
  out.push_back({"cast", {x, cast(DType::s32), cast(DType::f32)}});
  out.push_back({"cast_boolean", {x, relu(), cast(DType::boolean), cast(DType::s32), cast(DType::f32)}});
  out.push_back({"cast_out", {x, conv2d(2), cast(DType::s32)}});
  out.push_back({"reshape", {x, reshape(5, 4, 3), relu(), flatten(), dense(4), reshape(2, 1, 2), sigmoid()}});
}

inline void add_layers(std::vector<NamedNetwork>& out) {
  const LayerSpec x = input(3, 4, 5).as("x");
  const LayerSpec image = input(9, 8, 3).as("x");
  for (std::uint8_t axes = 1; axes < 8; ++axes) {
    const std::string which = std::to_string(axes);
    out.push_back({"reduce_sum" + which, {x, reduce_sum(axes)}});
    out.push_back({"reduce_mean" + which, {image, conv2d(4), reduce_mean(axes), relu()}});
  }
  out.push_back({"reduce_max", {x, reduce_max(2)}});
  out.push_back({"reduce_min", {x, reduce_min(5)}});
  out.push_back({"reduce_prod", {x, reduce_prod(1)}});
  for (std::uint8_t axis = 0; axis < 3; ++axis) {
    const std::string which = std::to_string(axis);
    out.push_back({"softmax" + which, {x, softmax(axis)}});
    out.push_back({"log_softmax" + which, {image, conv2d(4), log_softmax(axis)}});
    out.push_back({"argmax" + which, {x, argmax(axis)}});
    out.push_back({"argmin" + which, {image, conv2d(4), argmin(axis)}});
  }
  out.push_back({"layer_norm", {x, layer_norm({.epsilon = 1e-3F})}});
  out.push_back({"layer_norm_vector", {input(7), dense(6), layer_norm()}});
  out.push_back({"rms_norm", {x, rms_norm({.epsilon = 1e-3F})}});
  out.push_back({"rms_norm_beta", {x, rms_norm({.beta = true})}});
  out.push_back({"bias_add", {x, bias_add()}});
  out.push_back({"bias_add_image", {image, conv2d(4), bias_add(), relu()}});
  out.push_back({"l2_norm", {x, l2_norm()}});
  out.push_back({"l2_norm_epsilon", {x, l2_norm(0.5F)}});
  out.push_back({"lrn", {x, lrn({.before = 1, .behind = 1, .alpha = 0.3F, .beta = 0.6F, .bias = 1.5F})}});
  out.push_back({"batch_norm", {image, conv2d(4), batch_norm(), relu(), flatten(), dense(5), batch_norm()}});
  out.push_back({"matmul", {x, slice({0, 0, 0}, {3, 4, 4}).as("s"), matmul("x")}});
  out.push_back({"matmul_transposed", {x, relu(), matmul("x", true)}});
  out.push_back({"rbf", {input(6), rbf(4), dense(2)}});
  out.push_back({"dense_images", {image, dense(4), relu6(), dense(3, {.bias = false}), softmax()}});
  out.push_back(
      {"conv_same", {image, conv2d(4, {.filter = {3, 2}, .stride = {2, 1}, .padding = Padding::same}), relu()}});
  out.push_back(
      {"conv_pads", {image, conv2d(4, {.filter = {3, 3}, .padding = Padding::explicit_, .pads = {2, 0, 1, 2}})}});
  out.push_back({"conv_dilated", {image, conv2d(4, {.filter = {3, 2}, .dilation = {2, 3}, .bias = false}), relu6()}});
  out.push_back({"conv2d_transpose", {image, conv2d_transpose(4, {.filter = {3, 2}, .stride = {2, 3}}), relu()}});
  out.push_back(
      {"conv2d_transpose_same",
       {image, conv2d_transpose(4, {.filter = {3}, .stride = {2}, .padding = Padding::same, .bias = false})}});
  out.push_back(
      {"conv2d_transpose_pads",
       {image, conv2d(4),
        conv2d_transpose(2, {.filter = {4, 3}, .stride = {3, 2}, .padding = Padding::explicit_, .pads = {2, 0, 1, 2}},
                         {1, 1})}});
  out.push_back({"conv2d_transpose_dilated", {image, conv2d_transpose(3, {.filter = {2, 3}, .dilation = {3, 2}})}});
  out.push_back({"depthwise",
                 {image, depthwise_conv2d(2, {.stride = {2}, .padding = Padding::same}), relu(), depthwise_conv2d(1),
                  conv2d(5, {.filter = {1}})}});
  out.push_back({"conv1d", {input(12, 3), conv1d(4, 3), relu(), conv1d(2, 3)}});
  out.push_back(
      {"max_pool", {image, conv2d(4), max_pool({.filter = {3, 2}, .stride = {2}, .padding = Padding::same})}});
  out.push_back(
      {"max_pool_pads",
       {image, max_pool({.filter = {3}, .stride = {2}, .padding = Padding::explicit_, .pads = {1, 1, 2, 0}})}});
  out.push_back({"average_pool", {image, average_pool({.filter = {2}, .padding = Padding::same})}});
  out.push_back({"average_pool_counts",
                 {image, average_pool({.filter = {3},
                                       .stride = {2},
                                       .padding = Padding::explicit_,
                                       .pads = {1, 1, 2, 0},
                                       .count_padding = true})}});
  out.push_back(
      {"average_pool_pads",
       {image, average_pool({.filter = {3}, .stride = {2}, .padding = Padding::explicit_, .pads = {1, 1, 2, 0}})}});
  out.push_back({"global_average_pool", {image, conv2d(4), global_average_pool(), dense(3)}});
  out.push_back({"global_average_pool_input", {image, global_average_pool()}});
  out.push_back({"regularizers", {image, dropout(0.5F), gaussian_noise(0.1F), conv2d(2)}});
  out.push_back(
      {"outputs",
       {image, conv2d(4).as("a"), output(), relu().reads("a"), output(), output().reads("x"), output().reads("a")}});
}

inline void add_recurrent(std::vector<NamedNetwork>& out) {
  const LayerSpec x = input(5, 3).as("x");
  for (const bool reverse : {false, true})
    for (const bool bias : {true, false}) {
      const std::string kind = std::string(reverse ? "_reverse" : "") + (bias ? "" : "_no_bias");
      out.push_back({"lstm" + kind, {x, lstm(4, {.reverse = reverse, .bias = bias}), relu()}});
      out.push_back({"gru" + kind, {x, gru(4, {.reverse = reverse, .bias = bias})}});
      out.push_back(
          {"gru_linear" + kind, {x, gru(4, {.reverse = reverse, .linear_before_reset = true, .bias = bias})}});
      out.push_back({"rnn" + kind, {x, rnn(4, {.reverse = reverse, .bias = bias})}});
    }
  out.push_back({"rnn_relu", {x, rnn(4, {.activation = RecurrentActivation::relu})}});
  out.push_back({"lstm_states",
                 {x, reshape(1, 1, 15), dense(4).as("h"), relu().as("c"),
                  [] {
                    LayerSpec l = lstm(4, {.initial_h = "h", .initial_c = "c"});
                    l.from = {"x", "h", "c"}, l.from_count = 3, l.and_previous = false;
                    return l;
                  }(),
                  result()}});
}

inline std::vector<NamedNetwork> operator_networks() {
  std::vector<NamedNetwork> out;
  add_elementwise(out);
  add_movement(out);
  add_layers(out);
  add_recurrent(out);
  return out;
}

}  // namespace mote::test
