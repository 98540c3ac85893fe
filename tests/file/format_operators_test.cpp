// SPDX-License-Identifier: Apache-2.0
// FORMAT.md's sentences on operators of version 2 that normalise, multiply, resize and run over sequences, one by one;
// the rest is format_test.cpp's.
#include <initializer_list>

#include "check.hpp"
#include "file/format_checks.hpp"

namespace mote {
namespace {

using test::changed;
using test::file_of;
using test::number;
using test::put;
using test::record;
using test::refuses;
using test::refuses_in;
using test::U16;
using test::U32;
using test::U8;

constexpr auto kPools = sequential(input(6, 6, 2), max_pool(), average_pool({.filter = {1, 3}}), global_average_pool());
constexpr auto kNorms = sequential(input(2, 3), layer_norm(), rms_norm({.beta = true}), l2_norm(), lrn(),
                                   log_softmax(1), softmax(1), bias_add());
constexpr auto kImages = sequential(input(3, 4, 2), conv2d_transpose(3, {.filter = {3, 2}, .stride = {2, 1}}, {1, 0}),
                                    resize_nearest(4, 4), resize_bilinear(5, 5), cast(DType::s32), cast(DType::f32));
constexpr auto kRecurrent = sequential(input(3).as("x"), lstm(3, {.initial_h = "x", .initial_c = "x"}).as("l"),
                                       result(), add("l"), gru(2), rnn(4));
constexpr auto kProduct = sequential(input(2, 3).as("a"), rms_norm(), matmul("a", true));

TEST(format_operators, fields_that_they_do_not_use_are_zero) {
  for (const Model& model : {kNorms.model(), kProduct.model(), kRecurrent.model(), kImages.model()})
    test::expect_unused_fields_are_zero(model);
}

TEST(format_operators, transposed_convolutions_resizing_and_casts) {
  const Model model = kImages.model();
  const float nan = __builtin_nanf(""), inf = __builtin_inff();
  for (const U32 bad : {2U, 0xFFFF'FFFFU})
    refuses_in(model, 1, 72, bad, Code::bad_attribute, "less than the stride or the dilation");
  refuses_in(model, 1, 76, U32{1}, Code::bad_attribute, "less than the stride or the dilation");
  refuses_in(model, 1, 72, U32{0}, Code::bad_shape, "so many more");
  refuses_in(model, 1, 16, U32{7}, Code::bad_shape, "(in - 1) stride + dilation (filter - 1) + 1 less the padding");
  refuses_in(model, 1, 40, U16{3}, Code::bad_padding, "smaller than the filter's extent");
  for (std::size_t at = 28; at < 40; at += 2) refuses_in(model, 1, at, U16{0}, Code::bad_filter, "at least 1");
  EXPECT_EQ(model.layers[1].param_bytes, 4U * (3 * 2 * 2 * 3 + 3));
  for (const std::size_t layer : {2, 3}) {
    for (const U32 bad : {5U, 0xFFFF'FFFFU}) refuses_in(model, layer, 72, bad, Code::bad_attribute, "0 ... 4");
    refuses_in(model, layer, 76, layer == 2 ? U32{4} : U32{1}, Code::bad_attribute, "0 ... 3, of resize_nearest");
    for (const U32 bad : {2U, 0xFFFF'FFFFU}) refuses_in(model, layer, 80, bad, Code::bad_attribute, "0 or 1");
    for (const float bad : {0.0F, -1.0F, nan, inf})
      for (const std::size_t at : {48, 52}) refuses_in(model, layer, at, bad, Code::bad_attribute, "above 0");
    refuses_in(model, layer, 72, U32{2}, Code::bad_attribute, "with 2 they are 0");
    const auto corners = [&](U32 inverse, float scale) {
      return changed(model,
                     [&](auto file) {
                       put(file, record(layer) + 72, U32{2}), put(file, record(layer) + 80, inverse);
                       put(file, record(layer) + 48, scale), put(file, record(layer) + 52, scale);
                     })
          .code;
    };
    EXPECT_EQ(corners(0, 0.0F), Code::ok);
    EXPECT_EQ(corners(1, 0.0F), Code::ok) << "or not negative";
    EXPECT_EQ(corners(1, 0.5F), Code::ok) << "or not negative";
    EXPECT_EQ(corners(1, -0.5F), Code::bad_attribute) << "not negative";
    refuses_in(model, layer, 24, U32{4}, Code::bad_shape, "channels stay");
    refuses_in(model, layer, 16, U32{0}, Code::bad_shape, "no dimension is 0");
  }
  refuses_in(model, 4, 1, U8{7}, Code::unsupported_dtype, "from any type to any, and 7 is none of a value");
  refuses_in(model, 5, 1, U8{3}, Code::ok, "from any type to any");
  refuses_in(model, 4, 24, U32{4}, Code::bad_shape, "the shape rule");
}

TEST(format_operators, recurrent_layers) {
  const Model model = kRecurrent.model();
  for (const U32 bad : {2U, 0xFFFF'FFFFU}) {
    for (const std::size_t layer : {1, 4, 5}) refuses_in(model, layer, 72, bad, Code::bad_attribute, "args 0: 0 or 1");
    refuses_in(model, 4, 76, bad, Code::bad_attribute, "args 1 of gru: 0 or 1");
  }
  for (const U32 bad : {3U, 0xFFFF'FFFFU}) refuses_in(model, 5, 76, bad, Code::bad_attribute, "args 1 of rnn: 0, 1, 2");
  refuses_in(model, 0, 16, U32{2}, Code::shape_mismatch, "the sequence has height 1");
  const Status states = changed(model, [](auto file) {
    put(file, record(0) + 20, U32{2});
    put(file, record(1) + 20, U32{2});
  });
  EXPECT_EQ(states.code, Code::shape_mismatch) << "initial states are vectors";
  refuses_in(model, 1, 24, U32{0}, Code::shape_mismatch, "initial states are of as many channels");
  refuses_in(model, 4, 24, U32{0}, Code::bad_shape, "no dimension is 0");
  refuses_in(model, 4, 24, U32{1U << 20}, Code::bad_shape, "no more weights than 2^28");
  refuses_in(model, 2, 6, U16{0}, Code::bad_input_index, "the result of an lstm");
  refuses_in(model, 2, 24, U32{4}, Code::bad_shape, "(1, 1, channels)");
  refuses_in(model, 1, 4, U16{4}, Code::bad_input_count, "1 ... 3 for lstm");
  const Status gru = changed(model, [](auto file) { put(file, record(4) + 4, U16{3}); });
  EXPECT_EQ(gru.code, Code::bad_input_count) << "1 or 2 for gru and rnn";
  constexpr auto kTwice = sequential(input(3), lstm(3).as("l"), result().as("r"), identity().reads("l"), add("r"));
  refuses_in(kTwice.model(), 3, 0, static_cast<U8>(Op::result), Code::bad_input_index, "whose only result it is");
  EXPECT_EQ(model.layers[1].param_bytes, 4U * (36 + 36 + 12));
  EXPECT_EQ(model.layers[4].param_bytes, 4U * (18 + 12 + 6 + 6));
  EXPECT_EQ(model.layers[5].param_bytes, 4U * (8 + 16 + 4));
  const ParamArrays gru_arrays = param_arrays(model.layers[4], model.layers[3].shape);
  ASSERT_EQ(gru_arrays.count, 4U);
  EXPECT_STREQ(gru_arrays.arrays[1].name, "recurrent_weights");
  EXPECT_EQ(gru_arrays.arrays[1].offset, 4U * 18);
  EXPECT_STREQ(gru_arrays.arrays[3].name, "recurrent_bias");
  for (const std::size_t layer : {1, 4, 5})
    refuses_in(model, layer, 3, U8{1}, Code::bad_parameter_range, "biases if it has one");
}

TEST(format_operators, norms_and_products) {
  const Model norms = kNorms.model(), product = kProduct.model();
  const float nan = __builtin_nanf(""), inf = __builtin_inff();
  for (const float bad : {0.0F, -0.1F, nan, inf}) {
    for (const std::size_t layer : {1, 2, 3})
      refuses_in(norms, layer, 48, bad, Code::bad_attribute, "epsilon, above 0 and finite");
    refuses_in(norms, 4, 80, bad, Code::bad_attribute, "bias, positive and finite");
  }
  for (const float bad : {-0.1F, nan, inf}) refuses_in(norms, 4, 48, bad, Code::bad_attribute, "factor of the sum");
  for (const float bad : {nan, inf}) refuses_in(norms, 4, 52, bad, Code::bad_attribute, "exponent");
  for (const std::size_t at : {72, 76})
    refuses_in(norms, 4, at, U32{0xFFFF'FFFF}, Code::bad_attribute, "before and behind are not negative");
  for (const std::size_t layer : {5, 6})
    for (const U32 bad : {3U, 0xFFFF'FFFFU}) refuses_in(norms, layer, 72, bad, Code::bad_attribute, "axis");
  for (const U32 bad : {2U, 0xFFFF'FFFFU}) {
    refuses_in(product, 2, 72, bad, Code::bad_attribute, "1 if the second is transposed");
    refuses_in(kPools.model(), 2, 72, bad, Code::bad_attribute, "1 if padding counts");
  }
  refuses_in(product, 2, 72, U32{0}, Code::shape_mismatch, "(w, k) times (k, c)");
  refuses_in(product, 2, 24, U32{3}, Code::bad_shape, "the shape rule");
  refuses_in(norms, 7, 3, U8{1}, Code::bad_attribute, "bias_add has a bias");
  refuses_in(norms, 1, 3, U8{2}, Code::reserved_not_zero, "only what may have a bias says so");
  refuses_in(norms, 2, 3, U8{1}, Code::bad_parameter_range, "beta if it has a bias");
  const Status alone =
      changed(product, [](auto file) { put(file, record(2) + 4, U16{1}), put(file, record(2) + 8, U16{0}); });
  EXPECT_EQ(alone.code, Code::bad_input_count) << "2 for matmul";
  const auto kAcross = sequential(input(2, 3), softmax(1));
  refuses(kAcross.model(), 4, U16{1}, Code::bad_header, "version 1: zeros in args");
  EXPECT_EQ(number(file_of(sequential(input(2, 3), softmax()).model()), 4, 2), 1U);
}

}  // namespace
}  // namespace mote
