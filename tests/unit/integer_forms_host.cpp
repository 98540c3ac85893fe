// SPDX-License-Identifier: Apache-2.0
// Layers on integers of a form of their own: recurrent ones, whose states live on, and those whose record says more or
// less than that of the float32 layer.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <vector>

#include "check.hpp"
#include "kernels/guarded_bytes.hpp"
#include "mote/mote.hpp"
#include "reference/fixed_point.hpp"

namespace mote {
namespace {

using test::Integers;
using Bytes = std::vector<std::int8_t>;

alignas(64) std::array<std::byte, 64 * 1024> arena;

/// An LSTM over `steps` vectors of three, five units, with states of its own where `keeps`.
struct LstmNetwork {
  static constexpr std::uint32_t kInputs = 3, kUnits = 5;
  std::vector<Layer> layers;
  alignas(16) std::array<std::int32_t, 200> params{};

  LstmNetwork(std::uint32_t steps, bool keeps) {
    const Quantization x{0.03F, 4}, h{0.0078F, -3}, c{0x1p-11F, 0};
    const auto add = [&](Op op, DType type, const Shape& shape, const Quantization& q,
                         std::initializer_list<std::uint16_t> inputs) {
      Layer& layer = layers.emplace_back();
      layer.op = op, layer.dtype = type, layer.shape = shape, layer.quantization = q;
      layer.input_count = static_cast<std::uint16_t>(inputs.size());
      std::copy(inputs.begin(), inputs.end(), layer.inputs.begin());
      return static_cast<std::uint16_t>(layers.size() - 1);
    };
    const Shape state{1, 1, kUnits};
    const std::uint16_t in = add(Op::input, DType::s8, {1, steps, kInputs}, x, {});
    std::uint16_t lstm = 0, before_h = 0, before_c = 0;
    if (keeps) {
      before_h = add(Op::state, DType::s8, state, h, {}), before_c = add(Op::state, DType::s16, state, c, {});
      lstm = add(Op::lstm, DType::s8, {1, steps, kUnits}, h, {in, before_h, before_c});
    } else {
      lstm = add(Op::lstm, DType::s8, {1, steps, kUnits}, h, {in});
    }
    Layer& layer = layers[lstm];
    layer.param_dtype = DType::s8, layer.flags = Layer::kHasBias, layer.args[2] = 9000;
    const ParamArrays arrays = param_arrays(layer, layers[in].shape);
    EXPECT_EQ(arrays.count, 6U);
    layer.param_bytes = static_cast<std::uint32_t>(arrays.bytes);
    auto* bytes = reinterpret_cast<std::int8_t*>(params.data());
    Integers numbers(11);
    numbers.fill(bytes, arrays.arrays[2].offset, -127, 127);  // what is packed between them is never read
    for (std::uint32_t i = 0; i < 2 * 4 * kUnits; ++i)
      params[arrays.arrays[2].offset / 4 + i] = numbers.between(-900, 900);
    const LstmScale scale =
        lstm_scale(x.scale, {0.02F, 0.03F, 0.02F, 0.04F}, {0.01F, 0.02F, 0.01F, 0.02F}, h.scale, c.scale, 0.0F);
    std::uint32_t at = 0;
    const auto put = [&](QuantizedMultiplier q) {
      params[arrays.arrays[4].offset / 4 + at] = q.multiplier;
      bytes[arrays.arrays[5].offset + at++] = static_cast<std::int8_t>(q.shift);
    };
    for (const QuantizedMultiplier& q : scale.input) put(q);
    for (const QuantizedMultiplier& q : scale.recurrent) put(q);
    put(scale.cell), put(scale.hidden), put({scale.tanh.multiplier, scale.tanh.shift});
    if (!keeps) return;
    const std::uint16_t cell = add(Op::result, DType::s16, state, c, {lstm});
    const std::uint16_t last = add(Op::slice, DType::s8, state, h, {lstm});
    layers[last].args = {0, static_cast<std::int32_t>(steps) - 1, 0, 1, 1, 1};
    add(Op::assign, DType::s8, state, h, {last, before_h});
    add(Op::assign, DType::s16, state, c, {cell, before_c});
    add(Op::output, DType::s8, {1, steps, kUnits}, h, {lstm});
  }
  [[nodiscard]] Model model() const {
    Model out;
    out.layers = layers;
    out.params = reinterpret_cast<const std::byte*>(params.data());
    out.param_bytes = sizeof params;
    return out;
  }
};

TEST(integer_forms, an_lstm_goes_on_from_run_to_run) {
  const LstmNetwork whole(6, false), halves(3, true);
  ASSERT_TRUE(validate(whole.model()).ok()) << describe(validate(whole.model()));
  ASSERT_TRUE(validate(halves.model()).ok()) << describe(validate(halves.model()));
  ASSERT_TRUE(validate_multipliers(whole.model()).ok());
  Bytes sequence(6 * LstmNetwork::kInputs), wanted, got;
  Integers(5).fill(sequence.data(), sequence.size(), -128, 127);
  Result<Session> session = Session::create(whole.model(), arena, {});
  ASSERT_TRUE(session.ok());
  std::copy(sequence.begin(), sequence.end(), session->input<std::int8_t>().begin());
  session->run();
  for (const std::int8_t v : session->output<std::int8_t>()) wanted.push_back(v);
  EXPECT_NE(wanted[0], wanted[LstmNetwork::kUnits]);
  session = Session::create(halves.model(), arena, {});
  ASSERT_TRUE(session.ok()) << describe(session.status());
  for (int round = 0; round < 2; ++round) {  // and once more from the start
    got.clear();
    session->reset_state();
    for (std::size_t half = 0; half < 2; ++half) {
      const auto first = sequence.begin() + static_cast<std::ptrdiff_t>(half * 3 * LstmNetwork::kInputs);
      std::copy(first, first + 3 * LstmNetwork::kInputs, session->input<std::int8_t>().begin());
      session->run();
      for (const std::int8_t v : session->output<std::int8_t>()) got.push_back(v);
    }
    EXPECT_EQ(got, wanted);
  }
}

TEST(integer_forms, lstm_rules) {
  const auto code = [](auto change) {
    LstmNetwork net(3, true);
    change(net.layers);
    return validate(net.model()).code;
  };
  EXPECT_EQ(code([](auto&) {}), Code::ok);
  EXPECT_EQ(code([](auto& l) { l[3].args[1] = 1; }), Code::reserved_not_zero);
  EXPECT_EQ(code([](auto& l) { l[3].args[2] = -1; }), Code::bad_attribute);
  EXPECT_EQ(code([](auto& l) { l[3].args[2] = 40000; }), Code::bad_attribute);
  EXPECT_EQ(code([](auto& l) { l[3].flags = 0; }), Code::bad_attribute) << "the biases hold zero points";
  EXPECT_EQ(code([](auto& l) { l[1].quantization.zero_point = 0; }), Code::bad_quantization) << "h before";
  EXPECT_EQ(code([](auto& l) { l[4].quantization.scale = 1.0F; }), Code::bad_quantization) << "the cell's units";
  EXPECT_EQ(code([](auto& l) { l[2].quantization.scale = l[4].quantization.scale = 0.3F; }), Code::bad_quantization)
      << "no power of 2";
  EXPECT_EQ(code([](auto& l) { l[2].dtype = DType::s8; }), Code::unsupported_dtype) << "cells are int16";
  EXPECT_EQ(code([](auto& l) { l[4].dtype = DType::s8; }), Code::unsupported_dtype);
}

TEST(integer_forms, an_lstm_s_cell_is_shifted_to_the_right_only) {
  LstmNetwork net(3, false);
  const ParamArrays arrays = param_arrays(net.layers[1], net.layers[0].shape);
  EXPECT_TRUE(validate_multipliers(net.model()).ok());
  reinterpret_cast<std::int8_t*>(net.params.data())[arrays.arrays[5].offset + kLstmMultipliers - 1] = -1;
  EXPECT_EQ(validate_multipliers(net.model()), (Status{Code::bad_multiplier, 1, kLstmMultipliers - 1}));
}

/// Two filters a unit over three steps, on top of features that a dense layer makes.
TEST(integer_forms, svdf) {
  std::vector<Layer> layers(2);
  layers[0].op = Op::input, layers[0].dtype = DType::s16, layers[0].shape = {1, 3, 4};
  layers[0].quantization = {0.001F, 0};
  Layer& svdf = layers[1];
  svdf.op = Op::svdf, svdf.dtype = DType::s8, svdf.shape = {1, 1, 2}, svdf.quantization = {0.5F, 7};
  svdf.input_count = 1, svdf.args[0] = 2;
  svdf.param_dtype = DType::s16, svdf.flags = Layer::kHasBias, svdf.param_bytes = 24 + 8 + 4 + 1;
  struct {
    alignas(16) std::int16_t weights[12] = {1, 2, 3, 4, -5, 6, 7, -8, 9, 10, -11, 12};
    std::int32_t bias[2] = {100, -200};
    std::int32_t multiplier = 1 << 30;
    std::int8_t shift = -3, unused[3] = {};
  } params;
  Model model;
  model.layers = layers;
  model.params = reinterpret_cast<const std::byte*>(&params);
  model.param_bytes = sizeof params;
  ASSERT_TRUE(validate(model).ok()) << describe(validate(model));
  Result<Session> session = Session::create(model, arena, {});
  ASSERT_TRUE(session.ok());
  const Values<std::int16_t> in = session->input<std::int16_t>();
  for (std::size_t i = 0; i < 12; ++i) in[i] = static_cast<std::int16_t>(10 * i - 40);
  session->run();
  for (std::size_t u = 0; u < 2; ++u) {
    std::int64_t sum = params.bias[u];
    for (std::size_t t = 0; t < 3; ++t)
      for (std::size_t r = 0; r < 2; ++r)
        sum += std::int64_t{in[4 * t + 2 * u + r]} * params.weights[4 * t + 2 * u + r];
    EXPECT_EQ(session->output<std::int8_t>()[u],
              reference::clamp(reference::requantize_twice(sum, {1 << 30, -3}) + 7, -128, 127));
  }
  svdf.args[0] = 3;
  EXPECT_EQ(validate(model).code, Code::bad_attribute) << "four filters are not threes";
  svdf.args[0] = 2, layers[0].dtype = DType::f32, layers[0].quantization = {};
  EXPECT_EQ(validate(model).code, Code::unsupported_dtype);
}

/// One layer on random int8 values, whose parameters are `params`; what a session makes of them.
Bytes run_layer(Layer layer, const Shape& in, const Quantization& units, const Bytes& values,
                std::span<const std::int32_t> params) {
  std::vector<Layer> layers(2);
  layers[0].op = Op::input, layers[0].dtype = DType::s8, layers[0].shape = in, layers[0].quantization = units;
  layer.dtype = DType::s8, layer.input_count = layer.op == Op::matmul ? 2 : 1;
  layers[1] = layer;
  Model model;
  model.layers = layers;
  model.params = reinterpret_cast<const std::byte*>(params.data());
  model.param_bytes = static_cast<std::uint32_t>(params.size_bytes());
  EXPECT_TRUE(validate(model).ok()) << name(layer.op) << ": " << describe(validate(model));
  Result<Session> session = Session::create(model, arena, {});
  EXPECT_TRUE(session.ok()) << describe(session.status());
  if (!session.ok()) return {};
  std::copy(values.begin(), values.end(), session->input<std::int8_t>().begin());
  session->run();
  const Values<std::int8_t> out = session->output<std::int8_t>();
  return {out.begin(), out.end()};
}
Bytes random_bytes(std::size_t count) {
  Bytes out(count);
  Integers(static_cast<std::uint32_t>(count)).fill(out.data(), count, -128, 127);
  return out;
}

TEST(integer_forms, l2_norm_takes_rows_of_channels) {
  const Bytes values = random_bytes(2 * 3 * 5);
  Bytes wanted(values.size());
  kernels::l2_norm_s8({values.data(), wanted.data(), 7, 6, 5});
  Layer layer;
  layer.op = Op::l2_norm, layer.shape = {2, 3, 5}, layer.alpha = 1e-6F, layer.quantization = {0x1p-7F, 0};
  EXPECT_EQ(run_layer(layer, {2, 3, 5}, {0.1F, 7}, values, {}), wanted);
}

TEST(integer_forms, log_softmax_has_two_multipliers) {
  const Bytes values = random_bytes(4 * 9);
  const SoftmaxScale scale = softmax_scale(1.0F, 0.08F);
  const QuantizedMultiplier back = log_softmax_reverse(scale);
  Bytes wanted(values.size());
  kernels::log_softmax_s8({values.data(), wanted.data(), scale, back, 4, 9});
  std::array<std::int32_t, 3> params{scale.input.multiplier, back.multiplier};
  const std::int8_t shifts[] = {static_cast<std::int8_t>(scale.input.shift), static_cast<std::int8_t>(back.shift)};
  std::memcpy(params.data() + 2, shifts, 2);
  Layer layer;
  layer.op = Op::log_softmax, layer.shape = {1, 4, 9}, layer.quantization = {0x1p-4F, 127};
  layer.param_dtype = DType::s32, layer.param_bytes = 10;
  EXPECT_EQ(run_layer(layer, {1, 4, 9}, {0.08F, -5}, values, params), wanted);
}

TEST(integer_forms, matmul_of_a_value_with_itself) {
  const Bytes values = random_bytes(2 * 3 * 4);
  const QuantizedMultiplier scale = product_multiplier(0.1F, 0.1F, 0.9F);
  Bytes wanted(2 * 3 * 3);
  kernels::matmul_s8({values.data(), values.data(), wanted.data(), 2, 3, 4, 3, true, 9, 9, -20, scale});
  const std::array<std::int32_t, 2> params{scale.multiplier, scale.shift & 255};
  Layer layer;
  layer.op = Op::matmul, layer.shape = {2, 3, 3}, layer.args[0] = 1, layer.quantization = {0.9F, -20};
  layer.param_dtype = DType::s32, layer.param_bytes = 5;
  EXPECT_EQ(run_layer(layer, {2, 3, 4}, {0.1F, 9}, values, params), wanted);
}

TEST(integer_forms, resize_by_every_rule) {
  const Bytes values = random_bytes(3 * 4 * 2);
  for (const std::int32_t rule : {0, 1, 2}) {
    Bytes wanted(5 * 7 * 2);
    kernels::resize_bilinear_s8({values.data(), wanted.data(), 1, {3, 4, 2}, 5, 7, rule == 2, rule == 0});
    Layer layer;
    layer.op = Op::resize_bilinear, layer.shape = {5, 7, 2}, layer.quantization = {0.1F, 3};
    layer.args = {rule, 0, 1};
    layer.alpha = rule == 2 ? 2.0F / 4.0F : 3.0F / 5.0F, layer.beta = rule == 2 ? 3.0F / 6.0F : 4.0F / 7.0F;
    EXPECT_EQ(run_layer(layer, {3, 4, 2}, {0.1F, 3}, values, {}), wanted) << rule;
  }
}

TEST(integer_forms, conv2d_transpose_has_its_bias_unfolded) {
  const Bytes values = random_bytes(3 * 2 * 3), weights = random_bytes(2 * 3 * 2 * 3);
  const QuantizedMultiplier scale = product_multiplier(0.1F, 0.02F, 0.3F);
  struct {
    std::int8_t weights[36];
    std::int32_t bias[2] = {300, -100}, multipliers[2] = {};
    std::int8_t shifts[2] = {}, unused[2] = {};
  } params;
  std::copy(weights.begin(), weights.end(), params.weights);
  for (std::size_t o = 0; o < 2; ++o)
    params.multipliers[o] = scale.multiplier, params.shifts[o] = static_cast<std::int8_t>(scale.shift);
  ConvS8Args args{};
  const Shape in{3, 2, 3}, out{5, 4, 2};
  Bytes wanted(static_cast<std::size_t>(out.elements()));
  args.input = values.data(), args.weights = params.weights, args.bias = params.bias, args.output = wanted.data();
  args.shape = {1, in, out, {2, 3, 2, 2, 1, 1, 1, 0}};
  args.input_zero_point = 11;
  args.stage = {params.multipliers, params.shifts, -4, {-128, 127}};
  kernels::conv2d_transpose_s8(args);
  Layer layer;
  layer.op = Op::conv2d_transpose, layer.shape = out, layer.quantization = {0.3F, -4};
  layer.filter_h = 2, layer.filter_w = 3, layer.stride_h = layer.stride_w = 2;
  layer.dilation_h = layer.dilation_w = 1, layer.pad_top = 1, layer.pad_right = 1;
  layer.param_dtype = DType::s8, layer.flags = Layer::kHasBias, layer.param_bytes = 36 + 8 + 8 + 2;
  const std::span<const std::int32_t> words(reinterpret_cast<const std::int32_t*>(&params), sizeof params / 4);
  EXPECT_EQ(run_layer(layer, in, {0.1F, 11}, values, words), wanted);
}

}  // namespace
}  // namespace mote
