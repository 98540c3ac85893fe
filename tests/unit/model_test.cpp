// SPDX-License-Identifier: Apache-2.0
// validate(): each rule by a record that breaks it and nothing else. Files are tested in tests/file/.
#include "mote/model/model.hpp"

#include "check.hpp"
#include "mote/model/builders.hpp"

namespace mote {
namespace {

constexpr auto kNet =
    sequential(input(6, 6, 2).as("in"), conv2d(3, {.padding = Padding::same}).as("a"), batch_norm(), leaky_relu(0.1F),
               add("a"), max_pool(), dropout(0.5F), depthwise_conv2d(2, {.filter = {2, 2}}), flatten(),
               dense(4).as("d"), rbf(3), concat("d"), softmax());
enum Index : std::size_t {
  kInput,
  kConv,
  kNorm,
  kLeaky,
  kAdd,
  kPool,
  kDropout,
  kDepthwise,
  kFlatten,
  kDense,
  kRbf,
  kConcat,
  kSoftmax
};

/// A copy of the network with one layer changed by `change`; what validate() says of it.
template <class Change>
Status changed(std::size_t index, Change&& change) {
  auto net = kNet;
  change(net.layers[index]);
  return validate(net.model());
}
template <class Change>
void expect_fault(std::size_t index, Code code, Change&& change) {
  const Status status = changed(index, change);
  EXPECT_EQ(status.code, code) << name(status.code);
  EXPECT_EQ(status.layer, index) << name(status.code);
}

TEST(model, the_network_itself_is_valid) {
  EXPECT_TRUE(validate(kNet.model()).ok());
  EXPECT_TRUE(kNet.model().input_shape() == (Shape{6, 6, 2}));
  EXPECT_TRUE(kNet.model().output_shape() == (Shape{1, 1, 7}));
  EXPECT_TRUE(kNet.model().input_shape_of(kDense) == kNet.layers[kFlatten].shape);
}

TEST(model, the_whole) {
  EXPECT_EQ(validate({}).code, Code::no_layers);
  static std::array<Layer, kMaxLayers + 1> many{};
  EXPECT_EQ(validate({.layers = many}).code, Code::too_many_layers);
  for (const std::uint32_t alignment : {0U, 1U, 2U, 12U, 8192U}) {
    Model model = kNet.model();
    model.alignment = alignment;
    EXPECT_EQ(validate(model).code, Code::bad_header) << alignment;
  }
  Model model = kNet.model();
  model.param_bytes = 0x80000000U;
  EXPECT_EQ(validate(model).code, Code::bad_parameter_range);
}

TEST(model, operators_and_order) {
  expect_fault(kLeaky, Code::unknown_op, [](Layer& l) { l.op = static_cast<Op>(254); });
  expect_fault(kLeaky, Code::unknown_op, [](Layer& l) { l.op = static_cast<Op>(255); });
  EXPECT_EQ(changed(kLeaky, [](Layer& l) { l.op = static_cast<Op>(200); }).detail, 200U);
  expect_fault(kInput, Code::first_layer_not_input, [](Layer& l) { l.op = Op::relu; });
  expect_fault(kLeaky, Code::bad_input_count, [](Layer& l) { l.op = Op::input; });
}

TEST(model, element_types) {
  expect_fault(kInput, Code::unsupported_dtype, [](Layer& l) { l.dtype = DType::none; });
  expect_fault(kInput, Code::unsupported_dtype, [](Layer& l) { l.dtype = DType::f16; });
  expect_fault(kInput, Code::unsupported_dtype, [](Layer& l) { l.dtype = static_cast<DType>(kDTypes); });
  EXPECT_EQ(changed(kInput, [](Layer& l) { l.dtype = DType::s32; }).code, Code::unsupported_dtype);  // its readers'
  expect_fault(kConv, Code::unsupported_dtype, [](Layer& l) { l.dtype = DType::s32; });
  expect_fault(kLeaky, Code::unsupported_dtype, [](Layer& l) { l.dtype = DType::s8; });
  expect_fault(kConv, Code::unsupported_dtype, [](Layer& l) { l.param_dtype = DType::none; });
  expect_fault(kConv, Code::unsupported_dtype, [](Layer& l) { l.param_dtype = DType::s16; });
  expect_fault(kConv, Code::reserved_not_zero, [](Layer& l) { l.param_dtype = DType::f16; });  // is not trainable
  expect_fault(kConv, Code::bad_parameter_range, [](Layer& l) { l.param_dtype = DType::s8; });
  expect_fault(kConv, Code::bad_parameter_range,
               [](Layer& l) { l.param_dtype = DType::s8, l.flags = Layer::kHasBias; });
}

TEST(model, inputs) {
  expect_fault(kAdd, Code::bad_input_count, [](Layer& l) { l.input_count = 5; });
  expect_fault(kAdd, Code::bad_input_count, [](Layer& l) { l.input_count = 0xFFFF; });
  expect_fault(kAdd, Code::bad_input_count, [](Layer& l) { l.input_count = 1, l.inputs = {3}; });
  expect_fault(kInput, Code::bad_input_count, [](Layer& l) { l.input_count = 5; });
  expect_fault(kInput, Code::bad_input_index, [](Layer& l) { l.input_count = 1; });
  expect_fault(kLeaky, Code::bad_input_count, [](Layer& l) { l.input_count = 0, l.inputs = {}; });
  expect_fault(kLeaky, Code::bad_input_count, [](Layer& l) { l.input_count = 2; });
  expect_fault(kLeaky, Code::bad_input_index, [](Layer& l) { l.inputs[0] = kLeaky; });
  expect_fault(kLeaky, Code::bad_input_index, [](Layer& l) { l.inputs[0] = 0xFFFF; });
  expect_fault(kLeaky, Code::reserved_not_zero, [](Layer& l) { l.inputs[1] = 1; });
  const Status unused = changed(kLeaky, [](Layer& l) { l.inputs[0] = kConv; });
  EXPECT_EQ(unused.code, Code::unused_layer);
  EXPECT_EQ(unused.layer, kNorm);
}

TEST(model, shapes_and_filters) {
  expect_fault(kInput, Code::bad_shape, [](Layer& l) { l.shape.w = 0; });
  expect_fault(kInput, Code::bad_shape, [](Layer& l) { l.shape.h = kMaxDimension + 1; });
  expect_fault(kInput, Code::bad_shape, [](Layer& l) { l.shape = {1U << 15, 1U << 14, 1}; });
  expect_fault(kInput, Code::bad_shape, [](Layer& l) { l.shape = {0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF}; });
  expect_fault(kLeaky, Code::bad_shape, [](Layer& l) { ++l.shape.c; });
  expect_fault(kConv, Code::bad_shape, [](Layer& l) { --l.shape.h; });
  expect_fault(kConv, Code::bad_shape, [](Layer& l) { l.shape.c = 1U << 28; });
  expect_fault(kDense, Code::bad_shape, [](Layer& l) { l.shape.h = 2; });
  expect_fault(kDense, Code::bad_shape, [](Layer& l) { l.shape.c = 0; });
  expect_fault(kConcat, Code::bad_shape, [](Layer& l) { ++l.shape.c; });
  expect_fault(kFlatten, Code::shape_mismatch, [](Layer& l) { ++l.shape.c; });
  expect_fault(kAdd, Code::shape_mismatch, [](Layer& l) { l.inputs[1] = 0; });
  expect_fault(kConcat, Code::shape_mismatch, [](Layer& l) { l.inputs[1] = kPool; });
  expect_fault(kConv, Code::bad_filter, [](Layer& l) { l.filter_h = 0; });
  expect_fault(kConv, Code::bad_filter, [](Layer& l) { l.stride_w = 0; });
  expect_fault(kConv, Code::bad_filter, [](Layer& l) { l.dilation_h = 0; });
  expect_fault(kPool, Code::bad_filter, [](Layer& l) { l.dilation_w = 2; });
  expect_fault(kPool, Code::bad_padding, [](Layer& l) { l.pad_left = 2; });
  expect_fault(kConv, Code::bad_padding, [](Layer& l) { l.pad_bottom = 0xFFFF; });
  expect_fault(kConv, Code::filter_exceeds_input, [](Layer& l) { l.filter_w = 0xFFFF; });
  expect_fault(kConv, Code::filter_exceeds_input, [](Layer& l) { l.filter_w = 0xFFFF, l.dilation_w = 0xFFFF; });
}

TEST(model, attributes) {
  const float nan = __builtin_nanf(""), infinite = __builtin_inff();
  for (const float bad : {nan, infinite, -infinite, -1.0F, 0.0F, 1.5F}) {
    expect_fault(kLeaky, Code::bad_attribute, [&](Layer& l) { l.alpha = bad; });
    expect_fault(kNorm, Code::bad_attribute, [&](Layer& l) { l.alpha = bad; });
    expect_fault(kNorm, Code::bad_attribute, [&](Layer& l) { l.beta = bad; });
    if (bad != 0.0F) expect_fault(kDropout, Code::bad_attribute, [&](Layer& l) { l.alpha = bad; });
  }
  expect_fault(kDropout, Code::bad_attribute, [](Layer& l) { l.alpha = 1.0F; });
  expect_fault(kSoftmax, Code::bad_attribute, [&](Layer& l) { l.beta = nan; });
  expect_fault(kDepthwise, Code::bad_attribute, [](Layer& l) { l.depth_multiplier = 0; });
}

TEST(model, fields_that_an_operator_does_not_use_are_zero) {
  for (std::size_t i = 0; i < kNet.layers.size(); ++i) {
    const Op op = kNet.layers[i].op;
    const bool one_arg = op == Op::concat || op == Op::average_pool || op == Op::softmax;
    for (std::size_t word = one_arg ? 1 : 0; word < 6; ++word)
      expect_fault(i, Code::reserved_not_zero, [&](Layer& l) { l.args[word] = 1; });
    expect_fault(i, Code::bad_quantization, [](Layer& l) { l.quantization.scale = 1.0F; });
    expect_fault(i, Code::bad_quantization, [](Layer& l) { l.quantization.scale = __builtin_nanf(""); });
    expect_fault(i, Code::bad_quantization, [](Layer& l) { l.quantization.zero_point = 1; });
    if (op != Op::depthwise_conv2d) expect_fault(i, Code::reserved_not_zero, [](Layer& l) { l.depth_multiplier = 1; });
    if (op != Op::batch_norm) expect_fault(i, Code::reserved_not_zero, [](Layer& l) { l.beta = 0.5F; });
    if (op != Op::batch_norm && op != Op::dropout && op != Op::leaky_relu)
      expect_fault(i, Code::reserved_not_zero, [](Layer& l) { l.alpha = 0.5F; });
    if (!is_window(op)) {
      for (std::uint16_t Layer::*field :
           {&Layer::filter_h, &Layer::filter_w, &Layer::stride_h, &Layer::stride_w, &Layer::dilation_h,
            &Layer::dilation_w, &Layer::pad_top, &Layer::pad_bottom, &Layer::pad_left, &Layer::pad_right})
        expect_fault(i, Code::reserved_not_zero, [&](Layer& l) { l.*field = 1; });
    }
    if (kNet.layers[i].param_bytes == 0) {
      expect_fault(i, Code::reserved_not_zero, [](Layer& l) { l.flags = Layer::kTrainable; });
      expect_fault(i, Code::reserved_not_zero, [](Layer& l) { l.param_offset = 16; });
      expect_fault(i, Code::reserved_not_zero, [](Layer& l) { l.param_bytes = 4; });
      expect_fault(i, Code::reserved_not_zero, [](Layer& l) { l.param_dtype = DType::f32; });
    } else {
      if (!may_round_weights(op))
        expect_fault(i, Code::reserved_not_zero, [](Layer& l) { l.flags |= Layer::kRoundedWeights; });
      expect_fault(i, Code::reserved_not_zero, [](Layer& l) { l.flags |= 8; });
      expect_fault(i, Code::reserved_not_zero, [](Layer& l) { l.flags |= 128; });
    }
  }
  expect_fault(kNorm, Code::reserved_not_zero, [](Layer& l) { l.flags |= Layer::kHasBias; });
  expect_fault(kRbf, Code::reserved_not_zero, [](Layer& l) { l.flags |= Layer::kHasBias; });
}

TEST(model, parameters_lie_apart_and_inside) {
  expect_fault(kDense, Code::bad_parameter_range, [](Layer& l) { l.param_bytes += 4; });
  expect_fault(kDense, Code::bad_parameter_range, [](Layer& l) { l.flags ^= Layer::kHasBias; });
  expect_fault(kDense, Code::bad_parameter_range, [](Layer& l) { l.param_offset += 4; });
  expect_fault(kDense, Code::bad_parameter_range, [](Layer& l) { l.param_offset = kNet.param_bytes + 16; });
  expect_fault(kDense, Code::bad_parameter_range, [](Layer& l) { l.param_offset = 0xFFFFFFF0; });
  expect_fault(kDense, Code::bad_parameter_range, [](Layer& l) { l.param_offset = kNet.layers[kConv].param_offset; });
  expect_fault(kDense, Code::bad_parameter_range,
               [](Layer& l) { l.param_offset = kNet.layers[kDepthwise].param_offset; });
  expect_fault(kRbf, Code::bad_parameter_range, [](Layer& l) { l.param_offset -= 16; });
  auto swapped = kNet;  // any order is allowed
  swapped.layers[kConv].param_offset = (kNet.param_bytes + 15) / 16 * 16;
  swapped.param_bytes = swapped.layers[kConv].param_offset + swapped.layers[kConv].param_bytes;
  EXPECT_TRUE(validate(swapped.model()).ok());
}

TEST(model, splines_have_two_knots_at_least) {
  constexpr auto kSpline = sequential(input(3), spline(4));
  static_assert(kSpline.layers[1].knots() == 4 && kSpline.layers[1].param_bytes == 3 * 3 * 4 * sizeof(float));
  const auto fault = [&](auto change) {
    auto net = kSpline;
    change(net.layers[1]);
    return validate(net.model()).code;
  };
  EXPECT_EQ(fault([](Layer&) {}), Code::ok);
  EXPECT_EQ(fault([](Layer& l) { l.depth_multiplier = 1; }), Code::bad_attribute);
  EXPECT_EQ(fault([](Layer& l) { l.depth_multiplier = 0; }), Code::bad_attribute);
  EXPECT_EQ(fault([](Layer& l) { l.depth_multiplier = 5; }), Code::bad_parameter_range);
  EXPECT_EQ(fault([](Layer& l) { l.flags |= Layer::kHasBias; }), Code::reserved_not_zero);
}

TEST(model, int8_records) {
  constexpr auto kFloat = sequential(input(4), dense(3), relu());
  auto net = kFloat;
  for (Layer& l : net.layers) l.dtype = DType::s8, l.quantization = {0.5F, -3};
  net.layers[1].param_dtype = DType::s8;
  net.layers[1].flags = Layer::kHasBias;
  net.layers[1].param_bytes = 16 + 12 + 12 + 12 + 3;  // weights of 4 outputs, biases, sums, multipliers, shifts
  net.param_bytes = 55;
  EXPECT_TRUE(validate(net.model()).ok()) << name(validate(net.model()).code);
  const auto code = [&](auto&& change) {
    auto copy = net;
    change(copy.layers[2]);
    return validate(copy.model()).code;
  };
  for (const float scale : {0.0F, -1.0F, __builtin_inff(), __builtin_nanf("")}) {
    EXPECT_EQ(code([&](Layer& l) { l.quantization.scale = scale; }), Code::bad_quantization) << scale;
  }
  EXPECT_EQ(code([](Layer& l) { l.quantization.zero_point = 128; }), Code::bad_quantization);
  EXPECT_EQ(code([](Layer& l) { l.quantization.zero_point = -129; }), Code::bad_quantization);
  EXPECT_EQ(code([](Layer& l) { l.dtype = DType::f32, l.quantization = {}; }), Code::unsupported_dtype)
      << "mixed types";
  EXPECT_EQ(code([](Layer& l) { l.quantization.zero_point = 5; }), Code::bad_quantization) << "a clamp keeps its units";
  EXPECT_EQ(code([](Layer& l) { l.param_dtype = DType::s32; }), Code::unsupported_dtype) << "of a clamp";
  net.layers[1].flags |= Layer::kTrainable;
  EXPECT_EQ(validate(net.model()).code, Code::reserved_not_zero);
  net.layers[1].flags = Layer::kHasBias;
  net.layers[1].param_bytes = 56;
  EXPECT_EQ(validate(net.model()).code, Code::bad_parameter_range);
}

TEST(model, trained_parameters_are_packed_without_the_frozen_ones) {
  constexpr auto kFrozen = sequential(input(4), dense(3), dense(5, {.trainable = false}), dense(2), batch_norm());
  EXPECT_EQ(trained_offset(kFrozen.layers, 1, 16), 0U);
  EXPECT_EQ(trained_offset(kFrozen.layers, 2, 16), 64U);  // 15 floats
  EXPECT_EQ(trained_offset(kFrozen.layers, 3, 16), 64U);
  EXPECT_EQ(trained_offset(kFrozen.layers, 4, 16), 112U);  // 12 floats
  EXPECT_EQ(trained_offset(kFrozen.layers, 5, 16), 144U);  // 8 floats
  EXPECT_EQ(trained_offset(kFrozen.layers, 5, 64), 192U);
  static const std::byte block[512]{}, trained[512]{};
  Model model = kFrozen.model(block);
  model.trained_params = trained;
  EXPECT_EQ(layer_params(model, 1), trained);
  EXPECT_EQ(layer_params(model, 2), block + kFrozen.layers[2].param_offset);
  EXPECT_EQ(layer_params(model, 3), trained + 64);
  EXPECT_EQ(layer_params(kFrozen.model(), 1), nullptr);
}

}  // namespace
}  // namespace mote
