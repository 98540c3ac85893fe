// SPDX-License-Identifier: Apache-2.0
// resolve() and sequential(): shapes, padding, names, parameter offsets, and the error of every mistake with the
// layer's index. What must not compile is tests/compile_fail/.
#include "mote/model/builders.hpp"

#include "check.hpp"

namespace mote {
namespace {

constexpr std::size_t kMax = 8;

/// Resolves the wishes in order, as a tool does that reads a model from text.
struct Chain {
  std::array<Layer, kMax> layers{};
  std::array<const char*, kMax> labels{};
  std::size_t count = 0;

  Status push(const LayerSpec& wish, std::size_t alignment = 16) {
    const Result<Layer> layer =
        resolve(wish, std::span<const Layer>(layers).first(count), std::span(labels).first(count), alignment);
    MOTE_TRY(layer);
    labels[count] = wish.label;
    layers[count++] = *layer;
    return {};
  }
  const Layer& last() const { return layers[count - 1]; }
};

void expect_fault(Chain& chain, const LayerSpec& wish, Code code) {
  const Status status = chain.push(wish);
  EXPECT_EQ(status.code, code);
  EXPECT_EQ(status.layer, chain.count) << static_cast<int>(code);
}

TEST(builders, inputs_have_one_to_three_dimensions) {
  Chain a, b, c;
  EXPECT_TRUE(a.push(input(5)).ok() && b.push(input(7, 2)).ok() && c.push(input(4, 6, 3)).ok());
  EXPECT_TRUE(a.last().shape == (Shape{1, 1, 5}));
  EXPECT_TRUE(b.last().shape == (Shape{1, 7, 2}));
  EXPECT_TRUE(c.last().shape == (Shape{4, 6, 3}));
}

TEST(builders, every_mistake_names_its_layer) {
  Chain chain;
  expect_fault(chain, relu(), Code::first_layer_not_input);
  expect_fault(chain, input(0), Code::bad_shape);
  expect_fault(chain, input(1U << 21, 1, 1), Code::bad_shape);
  expect_fault(chain, input(1U << 20, 1U << 20, 1U << 20), Code::bad_shape);
  ASSERT_TRUE(chain.push(input(6, 6, 2).as("in")).ok());
  expect_fault(chain, relu().as("in"), Code::name_repeated);
  expect_fault(chain, relu().reads("nobody"), Code::name_unknown);
  expect_fault(chain, add("nobody"), Code::name_unknown);
  expect_fault(chain, dense(0), Code::bad_shape);
  expect_fault(chain, dense(1U << 28), Code::bad_shape);
  expect_fault(chain, conv2d(0), Code::bad_shape);
  expect_fault(chain, conv2d(1, {.filter = {7, 3}}), Code::filter_exceeds_input);
  expect_fault(chain, conv2d(1, {.filter = {3, 3}, .dilation = {3, 1}}), Code::filter_exceeds_input);
  expect_fault(chain, conv2d(1, {.filter = {0, 3}}), Code::bad_filter);
  expect_fault(chain, conv2d(1, {.filter = {0, 3}, .padding = Padding::same}), Code::bad_filter);
  expect_fault(chain, conv2d(1, {.stride = {1, 0}, .padding = Padding::same}), Code::bad_filter);
  expect_fault(chain, conv2d(1, {.dilation = {1, 0}}), Code::bad_filter);
  expect_fault(chain, conv2d(1, {.padding = Padding::explicit_, .pads = {3, 0, 0, 0}}), Code::bad_padding);
  expect_fault(chain, max_pool({.padding = Padding::explicit_, .pads = {0, 0, 0, 2}}), Code::bad_padding);
  expect_fault(chain, depthwise_conv2d(0), Code::bad_attribute);
  expect_fault(chain, dropout(1.0F), Code::bad_attribute);
  expect_fault(chain, dropout(-0.1F), Code::bad_attribute);
  expect_fault(chain, dropout(__builtin_nanf("")), Code::bad_attribute);
  expect_fault(chain, leaky_relu(0.0F), Code::bad_attribute);
  expect_fault(chain, leaky_relu(__builtin_inff()), Code::bad_attribute);
  expect_fault(chain, batch_norm({.epsilon = 0.0F}), Code::bad_attribute);
  expect_fault(chain, batch_norm({.momentum = 1.5F}), Code::bad_attribute);
  expect_fault(chain, reshape(5, 5, 5), Code::shape_mismatch);
  expect_fault(chain, reshape(0, 72, 1), Code::bad_shape);
  EXPECT_EQ(chain.count, 1U);
  ASSERT_TRUE(chain.push(max_pool()).ok());
  expect_fault(chain, add("in"), Code::shape_mismatch);
  expect_fault(chain, concat("in"), Code::shape_mismatch);
  LayerSpec alone = add("in");
  alone.and_previous = false;
  expect_fault(chain, alone, Code::bad_input_count);
}

TEST(builders, too_many_layers_and_inputs) {
  static std::array<Layer, kMaxLayers> layers{};
  static std::array<const char*, kMaxLayers> labels{};
  layers[0] = input(1).layer;
  for (std::size_t i = 1; i < kMaxLayers; ++i) layers[i].shape = {1, 1, 1};
  const Status status = resolve(relu(), layers, labels, 16).status();
  EXPECT_EQ(status.code, Code::too_many_layers);
  Chain chain;
  ASSERT_TRUE(chain.push(input(2).as("x")).ok());
  LayerSpec five = add("x", "x", "x");
  EXPECT_TRUE(chain.push(five).ok());
  EXPECT_EQ(chain.last().input_count, 4);
  EXPECT_TRUE(chain.push(concat("x", "x", "x")).ok());
  EXPECT_EQ(chain.last().input_count, 4);
  EXPECT_EQ(chain.last().shape.c, 8U);
  five.from = {"x", "x", "x", "x"}, five.from_count = 4;
  expect_fault(chain, five, Code::bad_input_count);  // the layer before is a fifth
}

TEST(builders, one_number_is_both_sides) {
  Chain chain;
  ASSERT_TRUE(chain.push(input(9, 9, 1)).ok() && chain.push(conv2d(1, {.filter = 3, .stride = {2}})).ok());
  EXPECT_TRUE(chain.last().shape == (Shape{4, 4, 1}));
  EXPECT_TRUE(chain.last().stride_h == 2 && chain.last().stride_w == 2);
}

TEST(builders, pads_are_never_ignored) {
  Chain chain;
  ASSERT_TRUE(chain.push(input(6, 6, 2)).ok());
  for (const Padding padding : {Padding::valid, Padding::same}) {
    expect_fault(chain, conv2d(1, {.padding = padding, .pads = {1, 1, 1, 1}}), Code::bad_padding);
    expect_fault(chain, average_pool({.padding = padding, .pads = {0, 0, 0, 1}}), Code::bad_padding);
  }
}

TEST(builders, too_many_parameters_are_told_from_bad_dimensions) {
  Chain chain;
  ASSERT_TRUE(chain.push(input(1U << 15)).ok());
  const Status status = chain.push(dense(1U << 14));
  EXPECT_EQ(status.code, Code::bad_shape);
  EXPECT_EQ(status.detail, 1U << 29);
  EXPECT_EQ(chain.push(dense(0)).detail, 0U);
}

TEST(builders, same_padding_keeps_the_ceiling) {
  for (std::uint32_t size = 1; size <= 12; ++size)
    for (std::uint16_t filter = 1; filter <= 5; ++filter)
      for (std::uint16_t stride = 1; stride <= 4; ++stride)
        for (std::uint16_t dilation = 1; dilation <= 3; ++dilation) {
          Chain chain;
          ASSERT_TRUE(chain.push(input(size, 2 * size, 1)).ok());
          const Status status = chain.push(conv2d(2, {.filter = {filter, filter},
                                                      .stride = {stride, stride},
                                                      .dilation = {dilation, dilation},
                                                      .padding = Padding::same}));
          ASSERT_TRUE(status.ok()) << size << " " << filter << " " << stride << " " << dilation << " "
                                   << name(status.code);
          const Layer& l = chain.last();
          EXPECT_EQ(l.shape.h, (size + stride - 1) / stride);
          EXPECT_EQ(l.shape.w, (2 * size + stride - 1) / stride);
          EXPECT_TRUE(l.pad_bottom == l.pad_top || l.pad_bottom == l.pad_top + 1) << "the odd cell goes to the bottom";
          EXPECT_TRUE(l.pad_right == l.pad_left || l.pad_right == l.pad_left + 1);
        }
}

TEST(builders, padding_beyond_sixteen_bits_is_refused) {
  Chain chain;
  ASSERT_TRUE(chain.push(input(1, 200000, 1)).ok());
  // Four taps 50000 apart want 75000 cells on each side; cut to 16 bits they would be another network.
  expect_fault(chain, conv2d(1, {.filter = {1, 4}, .dilation = {1, 50000}, .padding = Padding::same}),
               Code::bad_padding);
  expect_fault(chain, conv2d(1, {.filter = {1, 65535}, .dilation = {1, 65535}, .padding = Padding::same}),
               Code::bad_padding);
  EXPECT_TRUE(chain.push(conv2d(1, {.filter = {1, 65535}, .padding = Padding::same})).ok());
  EXPECT_EQ(chain.last().pad_left + chain.last().pad_right, 65534);
}

TEST(builders, pooling_strides_default_to_the_filter) {
  Chain chain;
  ASSERT_TRUE(chain.push(input(6, 9, 2)).ok() && chain.push(max_pool({.filter = {2, 3}})).ok());
  EXPECT_TRUE(chain.last().shape == (Shape{3, 3, 2}));
  ASSERT_TRUE(chain.push(average_pool({.filter = {2, 2}, .stride = {1, 1}})).ok());
  EXPECT_TRUE(chain.last().shape == (Shape{2, 2, 2}));
}

TEST(builders, parameters_are_packed_in_order) {
  Chain chain;
  ASSERT_TRUE(chain.push(input(3)).ok());
  ASSERT_TRUE(chain.push(dense(3)).ok());  // 9 weights, 3 biases
  ASSERT_TRUE(chain.push(relu()).ok());
  ASSERT_TRUE(chain.push(dense(1, {.bias = false})).ok());  // 3 weights
  ASSERT_TRUE(chain.push(batch_norm({.trainable = false}), 64).ok());
  EXPECT_EQ(chain.layers[1].param_offset, 0U);
  EXPECT_EQ(chain.layers[1].param_bytes, 48U);
  EXPECT_EQ(chain.layers[2].param_bytes, 0U);
  EXPECT_EQ(chain.layers[2].flags, 0);
  EXPECT_EQ(chain.layers[3].param_offset, 48U);
  EXPECT_EQ(chain.layers[3].param_bytes, 12U);
  EXPECT_FALSE(chain.layers[3].has_bias());
  EXPECT_EQ(chain.layers[4].param_offset, 64U);
  EXPECT_EQ(chain.layers[4].param_bytes, 16U);
  EXPECT_FALSE(chain.layers[4].trainable());
}

TEST(builders, joins_read_the_layer_before_first) {
  Chain chain;
  ASSERT_TRUE(chain.push(input(2, 2, 3).as("x")).ok() && chain.push(relu().as("y")).ok() &&
              chain.push(mote::tanh()).ok());
  ASSERT_TRUE(chain.push(concat("x", "y")).ok());
  EXPECT_EQ(chain.last().input_count, 3);
  EXPECT_EQ(chain.last().inputs[0], 2);
  EXPECT_EQ(chain.last().inputs[1], 0);
  EXPECT_EQ(chain.last().inputs[2], 1);
  EXPECT_TRUE(chain.last().shape == (Shape{2, 2, 9}));
  ASSERT_TRUE(chain.push(flatten().reads("x")).ok());
  EXPECT_TRUE(chain.last().shape == (Shape{1, 1, 12}));
  EXPECT_EQ(chain.last().inputs[0], 0);
}

TEST(builders, a_network_of_the_compiler_is_the_network_of_resolve) {
  constexpr auto kNet = sequential(input(8, 8, 3).as("in"), conv2d(4, {.padding = Padding::same}).as("a"), batch_norm(),
                                   relu(), add("a"), max_pool(), flatten(), dense(10), softmax());
  static_assert(validate(kNet.model()).ok());
  const std::array<LayerSpec, 8> wishes{input(8, 8, 3).as("in"),
                                        conv2d(4, {.padding = Padding::same}).as("a"),
                                        batch_norm(),
                                        relu(),
                                        add("a"),
                                        max_pool(),
                                        flatten(),
                                        dense(10)};
  Chain chain;
  for (std::size_t i = 0; i < wishes.size(); ++i) {
    ASSERT_TRUE(chain.push(wishes[i]).ok());
    const auto* a = reinterpret_cast<const unsigned char*>(&chain.last());
    const auto* b = reinterpret_cast<const unsigned char*>(&kNet.layers[i]);
    bool same = true;
    for (std::size_t byte = 0; byte < sizeof(Layer); ++byte) same = same && a[byte] == b[byte];
    EXPECT_TRUE(same) << "layer " << i;
  }
  EXPECT_EQ(kNet.param_bytes, kNet.layers[7].param_offset + kNet.layers[7].param_bytes);
}

}  // namespace
}  // namespace mote
