// SPDX-License-Identifier: Apache-2.0
// FORMAT.md, sentence by sentence: what it says is written is found at the byte it names, and a file that breaks a
// sentence, its checksum right, is refused with the code for it.
#include <algorithm>
#include <array>
#include <functional>
#include <initializer_list>
#include <string>

#include "check.hpp"
#include "file/format_checks.hpp"

namespace mote {
namespace {

using test::AlignedBytes;
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

// Every operator that has fields or parameters of its own.
constexpr auto kDense = sequential(input(3), dense(2));
constexpr auto kConv = sequential(input(6, 5, 2), conv2d(3, {.filter = {2, 3}, .stride = {2, 1}}));
constexpr auto kDepthwise = sequential(input(6, 5, 2), depthwise_conv2d(2, {.filter = {3, 1}}));
constexpr auto kPools = sequential(input(6, 6, 2), max_pool(), average_pool({.filter = {1, 3}}), global_average_pool());
constexpr auto kNorm = sequential(input(3), dense(2), batch_norm(), relu());
constexpr auto kRandom = sequential(input(3), dropout(0.25F), gaussian_noise(0.5F), leaky_relu(0.1F));
constexpr auto kJoins =
    sequential(input(3).as("x"), dense(3).as("y"), add("x"), concat("x", "y"), reshape(3, 1, 3), identity());
constexpr auto kRbf = sequential(input(3), rbf(2), spline(3), softmax());
std::uint64_t bits(float value) {
  U32 word = 0;
  std::memcpy(&word, &value, sizeof word);
  return word;
}

TEST(format, bytes_lie_where_the_tables_say) {
  static constexpr auto kNet = sequential(
      input(9, 7, 5),
      depthwise_conv2d(
          3,
          {.filter = {2, 4}, .stride = {5, 6}, .dilation = {3, 2}, .padding = Padding::explicit_, .pads = {1, 2, 3, 4}})
          .as("y"),
      batch_norm({.epsilon = 0.25F, .momentum = 0.5F, .trainable = false}), add("y"));
  auto net = kNet;
  net.layers[3].input_count = 4, net.layers[3].inputs = {2, 1, 2, 1};
  const std::vector<std::byte> file = file_of(net.model());
  const auto is = [&](std::size_t offset, std::size_t bytes, std::uint64_t value, const char* field) {
    EXPECT_EQ(number(file, offset, bytes), value) << field;
  };
  const std::size_t depthwise_bytes = 4 * (2 * 4 * 15 + 15), norm_bytes = 4 * 4 * 15;
  const std::size_t params = 64 + 96 * 4, norm_offset = align_up(depthwise_bytes, 16);
  is(0, 4, 'M' + ('O' << 8) + ('T' << 16) + ('E' << 24), "magic");
  is(4, 2, 1, "version");
  is(6, 2, 96, "record_bytes");
  is(8, 4, 4, "layer_count");
  is(12, 4, 16, "alignment");
  is(16, 4, params, "param_offset");
  is(20, 4, norm_offset + norm_bytes, "param_bytes");
  is(24, 4, params + norm_offset + norm_bytes, "file_bytes");
  EXPECT_EQ(file.size(), params + norm_offset + norm_bytes);
  U32 crc = 0xFFFF'FFFFU;  // bit by bit: the polynomial 0x04C11DB7, reflected
  for (std::size_t i = 0; i < file.size(); ++i) {
    if (i >= 28 && i < 32) continue;
    crc ^= std::to_integer<U32>(file[i]);
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1U ^ ((crc & 1U) != 0 ? 0xEDB8'8320U : 0U);
  }
  is(28, 4, ~crc, "crc");
  is(32, 4, 0, "description_bytes");
  is(36, 4, 0, "operand_count");
  is(40, 4, 0, "names_bytes");
  for (std::size_t word = 0; word < 5; ++word) is(44 + 4 * word, 4, 0, "reserved");

  const auto of = [&](std::size_t layer, std::size_t offset) { return 64 + 96 * layer + offset; };
  is(of(1, 0), 1, 3, "op");
  is(of(1, 1), 1, 1, "dtype");
  is(of(1, 2), 1, 1, "param_dtype");
  is(of(2, 2), 1, 1, "param_dtype");
  is(of(3, 2), 1, 0, "param_dtype");
  is(of(1, 3), 1, 3, "flags");
  is(of(2, 3), 1, 0, "flags");
  is(of(0, 4), 2, 0, "input_count");
  is(of(3, 4), 2, 4, "input_count");
  for (std::size_t i = 0; i < 4; ++i) is(of(3, 6 + 2 * i), 2, 2 - i % 2, "inputs");
  is(of(1, 14), 2, 3, "depth_multiplier");
  const Shape shape = net.layers[1].shape;
  is(of(0, 16), 4, 9, "height");
  is(of(0, 20), 4, 7, "width");
  is(of(0, 24), 4, 5, "channels");
  is(of(1, 16), 4, shape.h, "height");
  is(of(1, 20), 4, shape.w, "width");
  is(of(1, 24), 4, 15, "channels");
  const std::size_t window[]{2, 4, 5, 6, 3, 2, 1, 2, 3, 4};  // filter, stride, dilation, pad: top, bottom, left, right
  for (std::size_t i = 0; i < 10; ++i) is(of(1, 28 + 2 * i), 2, window[i], "window");
  is(of(2, 48), 4, bits(0.25F), "alpha");
  is(of(2, 52), 4, bits(0.5F), "beta");
  is(of(1, 56), 4, 0, "scale");
  is(of(1, 60), 4, 0, "zero_point");
  is(of(1, 64), 4, 0, "param_offset");
  is(of(2, 64), 4, norm_offset, "param_offset");
  is(of(1, 68), 4, depthwise_bytes, "param_bytes");
  is(of(2, 68), 4, norm_bytes, "param_bytes");
  for (std::size_t word = 0; word < 6; ++word) is(of(1, 72 + 4 * word), 4, 0, "args");
}

TEST(format, alignments_of_networks_and_of_folded_files) {
  const std::vector<std::byte> file = file_of(kNorm.model());
  EXPECT_EQ(number(file, 12, 4), 16U);
  const AlignedBytes exact(file);
  const AlignedBytes folded(folded_file_bytes(*open_model(exact.span())));
  ASSERT_TRUE(fold_batch_norm(*open_model(exact.span()), folded.span()).ok());
  EXPECT_EQ(number(folded.span(), 12, 4), 64U);
}

TEST(format, header) {
  const Model model = kDense.model();
  refuses(model, 0, 'm', Code::bad_magic, "magic");
  refuses(model, 3, 'e', Code::bad_magic, "magic");
  for (const U16 version : std::initializer_list<U16>{0, 3, 256})
    refuses(model, 4, version, Code::unsupported_version, "version is 1 or 2");
  for (const U16 bytes : std::initializer_list<U16>{0, 95, 97, 192})
    refuses(model, 6, bytes, Code::bad_header, "record_bytes is 96");
  for (const U32 count : {0U, 1U, 3U, 1025U, 4097U}) refuses(model, 8, count, Code::bad_header, "layer_count");
  for (const U32 bad : {0U, 1U, 2U, 3U, 24U, 8192U}) refuses(model, 12, bad, Code::bad_header, "alignment");
  const std::vector<std::byte> file = file_of(model);
  for (const std::size_t field : {16, 20, 24, 32})
    for (const U32 by : {1U, 4U, 16U, ~0U, ~15U})
      refuses(model, field, static_cast<U32>(number(file, field, 4)) + by, Code::bad_header, "offsets and sizes");
  const AlignedBytes whole(file);
  EXPECT_EQ(open_model(whole.span().first(file.size() - 1)).status().code, Code::file_too_short);
  std::vector<std::byte> longer = file;
  longer.push_back(std::byte{0});
  EXPECT_EQ(open_model(AlignedBytes(longer).span()).status().code, Code::size_mismatch) << "the length, exactly";
  for (std::size_t byte = 0; byte < file.size(); ++byte) {
    AlignedBytes damaged(file);
    damaged.span()[byte] ^= std::byte{0x10};
    const Code code = open_model(damaged.span()).status().code;
    EXPECT_NE(code, Code::ok) << "byte " << byte;
    if (byte >= 28 && (byte < 32 || byte >= 64)) {
      EXPECT_EQ(code, Code::bad_crc) << "byte " << byte;
    }
  }
  refuses(model, 36, U32{1}, Code::bad_header, "version 1: no operands");
  refuses(model, 40, U32{1}, Code::bad_header, "version 1: no names");
  for (std::size_t word = 0; word < 5; ++word) refuses(model, 44 + 4 * word, U32{1}, Code::bad_header, "reserved");
}

TEST(format, alignment_is_of_the_address_and_of_every_layers_parameters) {
  for (U32 alignment = 4; alignment <= 4096; alignment *= 2) {
    auto net = kNorm;
    U32 end = 0;
    for (Layer& layer : net.layers) {
      if (layer.param_bytes == 0) continue;
      layer.param_offset = align_up(end, alignment);
      end = layer.param_offset + layer.param_bytes;
    }
    net.param_bytes = end;
    Model model = net.model();
    model.alignment = alignment;
    const std::vector<std::byte> file = file_of(model);
    EXPECT_EQ(number(file, 16, 4) % alignment, 0U);
    const AlignedBytes room(file.size() + alignment / 2);
    std::copy(file.begin(), file.end(), room.span().begin());
    EXPECT_TRUE(open_model(room.span().first(file.size())).ok()) << alignment;
    std::copy(file.begin(), file.end(), room.span().begin() + alignment / 2);
    const Status status = open_model(room.span().subspan(alignment / 2)).status();
    EXPECT_EQ(status.code, Code::file_misaligned) << alignment;
    EXPECT_EQ(status.detail, alignment);
    if (alignment < 8) continue;
    EXPECT_EQ(changed(model, [&](auto bytes) { put(bytes, record(2) + 64, U32{alignment + 4}); }).code,
              Code::bad_parameter_range);
  }
}

TEST(format, bytes_that_belong_to_nothing_are_zero) {
  // Alignment 64: 64 bytes behind the two records, and 40 behind the 6 weights and 2 biases of the first layer.
  auto net = sequential(input(3), dense(2), dense(1));
  net.layers[2].param_offset = 64, net.param_bytes = 64 + 12;
  Model model = net.model();
  model.alignment = 64;
  const std::vector<std::byte> file = file_of(model);
  const std::size_t records_end = 64 + 3 * 96, params = number(file, 16, 4);
  ASSERT_EQ(params, 384U);
  std::vector<std::size_t> padding;
  for (std::size_t i = records_end; i < params; ++i) padding.push_back(i);
  for (std::size_t i = params + 32; i < params + 64; ++i) padding.push_back(i);
  for (const std::size_t at : padding) {
    const Status status = changed(model, [&](auto bytes) { put(bytes, at, U8{1}); });
    EXPECT_EQ(status.code, Code::reserved_not_zero) << at;
    EXPECT_EQ(status.detail, at);
  }
  for (const std::size_t at : {params, params + 31, params + 64, params + 75})
    EXPECT_TRUE(changed(model, [&](auto bytes) { put(bytes, at, U8{1}); }).ok()) << at;
  // A block that is longer than what is in it, in front and behind; layers in any order.
  net.layers[1].param_offset = 192, net.layers[2].param_offset = 64, net.param_bytes = 192 + 32 + 4;
  model = net.model();
  model.alignment = 64;
  const std::size_t block = number(file_of(model), 16, 4);
  for (const std::size_t at : {0, 63, 76, 191, 224, 227})
    EXPECT_EQ(changed(model, [&](auto bytes) { put(bytes, block + at, U8{1}); }).detail, block + at);
  for (const std::size_t at : {64, 75, 192, 223})
    EXPECT_TRUE(changed(model, [&](auto bytes) { put(bytes, block + at, U8{1}); }).ok()) << at;
}

TEST(format, a_description_is_the_end_of_the_file) {
  const Model shape = kDense.model();
  std::vector<float> params(shape.param_bytes / sizeof(float), 0.5F);
  const Model model = kDense.model(reinterpret_cast<const std::byte*>(params.data()));
  const std::string_view text = "{\"scale\": 0.5}\xFF";  // opaque: any bytes
  const AlignedBytes file(model_file_bytes(model, text));
  ASSERT_TRUE(write_model(model, file.span(), text).ok());
  const std::size_t at = number(file.span(), 16, 4) + number(file.span(), 20, 4);
  EXPECT_EQ(number(file.span(), 32, 4), text.size());
  EXPECT_EQ(number(file.span(), 24, 4), at + text.size());
  EXPECT_EQ(std::memcmp(file.span().data() + at, text.data(), text.size()), 0);
  EXPECT_TRUE(open_model(file.span()).ok());
  EXPECT_EQ(model_description(file.span()), text);
  for (const U32 bytes : {0U, 14U, 16U, 0xFFFF'FFFFU}) {
    const AlignedBytes changed_file(file.span());
    put(changed_file.span(), 32, bytes);
    test::fix_crc(changed_file.span());
    EXPECT_EQ(open_model(changed_file.span()).status().code, Code::bad_header) << "description_bytes " << bytes;
  }
  file.span()[at] ^= std::byte{1};
  EXPECT_EQ(open_model(file.span()).status().code, Code::bad_crc);
  EXPECT_EQ(open_model(file.span(), Checksum::verify).status().code, Code::bad_crc);
  EXPECT_TRUE(open_model(file.span(), Checksum::skip).ok()) << "nothing but the checksum is wrong";
  put(file.span(), 32, 0xFFFFU);
  EXPECT_EQ(open_model(file.span(), Checksum::skip).status().code, Code::bad_header) << "the rest is checked";
}

TEST(format, order_of_layers) {
  const Model model = kJoins.model();
  refuses_in(model, 0, 0, U8{12}, Code::first_layer_not_input, "layer 0 is the input");
  for (const U16 index : std::initializer_list<U16>{2, 3, 5, 65535})
    refuses_in(model, 2, 6, index, Code::bad_input_index, "a layer reads layers of lower index only");
  const Status unread = changed(model, [](auto file) {
    put(file, record(3) + 6, U16{0});
    put(file, record(3) + 8, U16{0});
  });
  EXPECT_EQ(unread.code, Code::unused_layer) << "every other layer is read by some layer";
  EXPECT_EQ(unread.layer, 2U);
}

TEST(format, fields_that_the_operator_does_not_use_are_zero) {
  for (const Model& model : {kDense.model(), kConv.model(), kDepthwise.model(), kPools.model(), kNorm.model(),
                             kRandom.model(), kJoins.model(), kRbf.model()})
    test::expect_unused_fields_are_zero(model);
}

TEST(format, types_flags_and_inputs) {
  const Model dense = kDense.model(), joins = kJoins.model(), norm = kNorm.model();
  for (const U8 op : std::initializer_list<U8>{100, 255})
    refuses_in(dense, 1, 0, op, Code::unknown_op, "op is a number of ops.inc");
  for (const U8 type : std::initializer_list<U8>{0, 2, 3, 4, 5, 6, 7, 8, 255})
    refuses_in(dense, 1, 1, type, Code::unsupported_dtype, "dtype: the same in all layers");
  for (const U8 type : std::initializer_list<U8>{0, 3, 4, 5, 6, 8, 255})
    refuses_in(dense, 1, 2, type, Code::unsupported_dtype, "param_dtype: equal to dtype where there are parameters");
  for (const U8 type : std::initializer_list<U8>{2, 7}) {
    refuses_in(dense, 1, 2, type, type == 7 ? Code::reserved_not_zero : Code::bad_parameter_range,
               "float16 weights are not trainable, int8 weights are others");
    refuses_in(norm, 2, 2, type, Code::unsupported_dtype, "param_dtype of what has no weights");
  }
  refuses_in(norm, 3, 2, U8{1}, Code::reserved_not_zero, "param_dtype: 0, no parameters");
  for (const U8 flags : std::initializer_list<U8>{8, 9, 128})
    refuses_in(dense, 1, 3, flags, Code::reserved_not_zero, "flags: other bits 0");
  refuses_in(norm, 2, 3, U8{5}, Code::reserved_not_zero, "flags: only weights are rounded");
  refuses_in(norm, 2, 3, U8{3}, Code::reserved_not_zero, "flags: only what has a bias says so");
  refuses_in(dense, 1, 3, U8{1}, Code::bad_parameter_range, "flags: a bias is among the parameters");
  refuses_in(dense, 0, 4, U16{1}, Code::bad_input_index, "input_count: 0 for the input");
  for (const U16 count : std::initializer_list<U16>{0, 2, 4})
    refuses_in(dense, 1, 4, count, Code::bad_input_count, "input_count: 1");
  for (const U16 count : std::initializer_list<U16>{5, 65535})
    refuses_in(joins, 3, 4, count, Code::bad_input_count, "input_count: above 4 the table has them");
  const Status alone = changed(joins, [](auto file) {
    put(file, record(2) + 4, U16{1});
    put(file, record(2) + 8, U16{0});
  });
  EXPECT_EQ(alone.code, Code::bad_input_count) << "2 ... 4 for add and concat";
}

TEST(format, windows_and_attributes) {
  const Model conv = kConv.model(), depthwise = kDepthwise.model(), pools = kPools.model(), norm = kNorm.model(),
              random = kRandom.model(), rbf = kRbf.model();
  refuses_in(depthwise, 1, 14, U16{0}, Code::bad_attribute, "depth_multiplier is at least 1");
  for (const U16 knots : std::initializer_list<U16>{0, 1})
    refuses_in(rbf, 2, 14, knots, Code::bad_attribute, "at least 2 knots");
  for (std::size_t at = 28; at < 40; at += 2)
    for (const auto& [model, layer] : {std::pair{conv, 1U}, {depthwise, 1U}, {pools, 1U}, {pools, 2U}})
      refuses_in(model, layer, at, U16{0}, Code::bad_filter, "filter, stride and dilation are at least 1");
  for (const std::size_t at : {36, 38}) refuses_in(pools, 1, at, U16{2}, Code::bad_filter, "dilation 1 for pooling");
  for (std::size_t side = 0; side < 4; ++side) {
    const U16 extent = side < 2 ? 2 : 3;
    refuses_in(conv, 1, 40 + 2 * side, extent, Code::bad_padding, "pad is smaller than the filter's extent");
  }
  const float nan = __builtin_nanf(""), inf = __builtin_inff();
  for (const float bad : {0.0F, -0.1F, 1.5F, nan, inf})
    for (const std::size_t at : {48, 52}) refuses_in(norm, 2, at, bad, Code::bad_attribute, "epsilon and momentum");
  for (const float bad : {-0.1F, 1.0F, 2.0F, nan, inf}) refuses_in(random, 1, 48, bad, Code::bad_attribute, "rate");
  for (const float bad : {-0.1F, 1.1e6F, nan, inf}) refuses_in(random, 2, 48, bad, Code::bad_attribute, "deviation");
  for (const float bad : {0.0F, -0.1F, 1.1F, nan, inf}) refuses_in(random, 3, 48, bad, Code::bad_attribute, "slope");
}

TEST(format, shapes) {
  const Model conv = kConv.model(), dense = kDense.model(), joins = kJoins.model();
  for (std::size_t at = 16; at < 28; at += 4)
    for (const U32 by : {1U, ~0U, 256U}) {
      const U32 value = static_cast<U32>(number(file_of(conv), record(1) + at, 4)) + by;
      const Code code = changed(conv, [&](auto file) { put(file, record(1) + at, value); }).code;
      EXPECT_TRUE(code == Code::bad_shape || code == Code::bad_parameter_range) << name(code);
    }
  refuses_in(dense, 1, 16, U32{2}, Code::bad_shape, "the stored shape is what the rule gives");
  refuses_in(joins, 4, 24, U32{4}, Code::shape_mismatch, "reshape keeps the number of elements");
  for (const std::size_t at : {16, 20}) {
    refuses_in(dense, 0, at, U32{0}, Code::bad_shape, "no dimension is 0");
    refuses_in(dense, 0, at, U32{(1U << 20) + 1}, Code::bad_shape, "no dimension exceeds 2^20");
  }
  refuses_in(dense, 0, 24, U32{(1U << 28) + 1}, Code::bad_shape, "channels do not exceed 2^28");
  const Status tensor = changed(dense, [](auto file) {
    put(file, record(0) + 16, U32{1U << 20});
    put(file, record(0) + 20, U32{1U << 8});
    put(file, record(0) + 24, U32{2});
  });
  EXPECT_EQ(tensor.code, Code::bad_shape) << "no tensor exceeds 2^28 elements";
}

TEST(format, runs_of_parameters) {
  const Model norm = kNorm.model();
  for (const Model& model : {kDense.model(), kConv.model(), kDepthwise.model(), kNorm.model(), kRbf.model()})
    for (std::size_t i = 0; i < model.layers.size(); ++i)
      for (const U32 by : {4U, ~3U, 1U})
        if (const U32 bytes = model.layers[i].param_bytes; bytes != 0)
          refuses_in(model, i, 68, bytes + by, Code::bad_parameter_range, "param_bytes: exactly the arrays");
  refuses_in(norm, 1, 64, U32{4}, Code::bad_parameter_range, "param_offset is a multiple of the alignment");
  refuses_in(norm, 2, 64, U32{0}, Code::bad_parameter_range, "runs do not overlap");
  refuses_in(norm, 2, 64, U32{48}, Code::bad_parameter_range, "runs lie within the block");
  refuses_in(norm, 2, 64, U32{0xFFFF'FFF0U}, Code::bad_parameter_range, "runs lie within the block");
}

TEST(format, running_variances_are_finite_and_not_negative) {
  const Model model = kNorm.model();
  const std::size_t variances = number(file_of(model), 16, 4) + model.layers[2].param_offset + 3 * 2 * 4;
  for (std::size_t channel = 0; channel < 2; ++channel) {
    for (const float bad : {-1e-30F, -1.0F, __builtin_inff(), -__builtin_inff(), __builtin_nanf("")}) {
      const Status status = changed(model, [&](auto file) { put(file, variances + 4 * channel, bad); });
      EXPECT_EQ(status, (Status{Code::bad_variance, 2, static_cast<U32>(channel)})) << bad;
    }
    for (const float good : {0.0F, 1e-38F, 3e38F})
      EXPECT_TRUE(changed(model, [&](auto file) { put(file, variances + 4 * channel, good); }).ok()) << good;
  }
  // Every other value may be anything: a file with them opens. Writers and folding refuse what open_model() would.
  for (std::size_t at = variances - 3 * 2 * 4; at < variances; at += 4)
    EXPECT_TRUE(changed(model, [&](auto file) { put(file, at, __builtin_nanf("")); }).ok());
  std::vector<float> params(model.param_bytes / sizeof(float), 0.5F);
  Model broken = kNorm.model(reinterpret_cast<const std::byte*>(params.data()));
  params.back() = -0.5F;
  const Status wanted{Code::bad_variance, 2, 1};
  const AlignedBytes out(4096);
  EXPECT_EQ(validate_variances(broken), wanted);
  EXPECT_EQ(write_model(broken, out.span()).status(), wanted);
  EXPECT_EQ(fold_batch_norm(broken, out.span()).status(), wanted);
  params.back() = 0.0F;
  params[1] = 3e38F;  // of channel 1: times 0.5 / sqrt(epsilon)
  EXPECT_EQ(fold_batch_norm(broken, out.span()).status().code, Code::non_finite_parameter);
}

TEST(format, finite_parameters_are_a_question_of_their_own) {
  const Model shape = kNorm.model();
  std::vector<float> params(shape.param_bytes / sizeof(float), 0.5F);
  const Model model = kNorm.model(reinterpret_cast<const std::byte*>(params.data()));
  EXPECT_TRUE(require_finite(model).ok());
  EXPECT_TRUE(require_finite(shape).ok()) << "no parameters, nothing to find";
  for (std::size_t i = 0; i < params.size(); ++i) {
    const bool first = i * 4 < model.layers[1].param_bytes;
    const std::size_t second = model.layers[2].param_offset / 4;
    if (!first && i < second) continue;
    const Status wanted{Code::non_finite_parameter, static_cast<std::uint16_t>(first ? 1 : 2),
                        static_cast<U32>(first ? i : i - second)};
    for (const float bad : {__builtin_inff(), -__builtin_inff(), __builtin_nanf("")}) {
      params[i] = bad;
      EXPECT_EQ(require_finite(model), wanted) << i;
    }
    params[i] = 0.5F;
  }
}

/// Layers on integers: a dense one, a clamp, a table.
struct OnIntegers {
  std::array<Layer, 4> layers{};
  alignas(4) std::array<U8, 72 + 256> params{};

  OnIntegers() {
    constexpr auto kFloat = sequential(input(5), dense(3), relu(), sigmoid());
    std::copy(kFloat.layers.begin(), kFloat.layers.end(), layers.begin());
    for (Layer& l : layers) l.dtype = DType::s8, l.quantization = {0.5F, -3};
    layers[1].param_dtype = layers[3].param_dtype = DType::s8;
    layers[1].flags = Layer::kHasBias;
    layers[1].param_bytes = 32 + 12 + 12 + 12 + 3;
    layers[3].param_offset = 72;
    layers[3].param_bytes = 256;
  }
  [[nodiscard]] Model model() const {
    Model out;
    out.layers = layers;
    out.params = reinterpret_cast<const std::byte*>(params.data());
    out.param_bytes = 72 + 256;
    out.alignment = 4;
    return out;
  }
};

/// dense of 5 inputs and 3 outputs with a bias, its weights int8 or float16; a GRU of int8 weights.
TEST(format, narrow_weights) {
  constexpr auto kNet = sequential(input(2, 5), gru(3), flatten(), dense(3));
  for (const DType type : {DType::s8, DType::f16}) {
    auto net = kNet;
    for (const std::size_t i : {1, 3}) net.layers[i].param_dtype = type, net.layers[i].flags = Layer::kHasBias;
    const bool scaled = type == DType::s8;
    const U32 width = scaled ? 1 : 2;
    const ParamArrays of_gru = param_arrays(net.layers[1], net.layers[0].shape),
                      of_dense = param_arrays(net.layers[3], net.layers[2].shape);
    EXPECT_EQ(of_gru.count, scaled ? 6U : 4U);
    EXPECT_EQ(of_dense.count, scaled ? 3U : 2U);
    const U32 second = align_up(45 * width, 4), bias = second + align_up(27 * width, 4);
    const std::array<U32, 6> offsets{0, second, bias, bias + 36, bias + 72, bias + 108};
    for (std::size_t i = 0; i < of_gru.count; ++i) EXPECT_EQ(of_gru.arrays[i].offset, offsets[i]) << i;
    EXPECT_EQ(of_gru.bytes, bias + (scaled ? 144U : 72U));
    EXPECT_EQ(of_dense.arrays[1].offset, align_up(18 * width, 4));
    EXPECT_EQ(of_dense.bytes, align_up(18 * width, 4) + (scaled ? 24U : 12U));
    net.layers[1].param_bytes = static_cast<U32>(of_gru.bytes);
    net.layers[3].param_bytes = static_cast<U32>(of_dense.bytes);
    net.layers[3].param_offset = align_up(net.layers[1].param_bytes, 16);
    net.param_bytes = net.layers[3].param_offset + net.layers[3].param_bytes;
    std::vector<Block> params(blocks_for(net.param_bytes));
    const Model model = net.model(reinterpret_cast<const std::byte*>(params.data()));
    EXPECT_TRUE(validate(model).ok()) << describe(validate(model));
    EXPECT_EQ(number(file_of(model), 4, 2), 2U) << "version";
    refuses(model, 4, U16{1}, Code::bad_header, "version 1 has float32 weights");
    auto trained = net;
    trained.layers[3].flags = 3;
    EXPECT_EQ(validate(trained.model()).code, scaled ? Code::ok : Code::reserved_not_zero) << "int8 of dense alone";
    refuses_in(model, 1, 3, U8{3}, Code::reserved_not_zero, "narrow weights of a GRU are not trainable");
    refuses_in(model, 3, 68, net.layers[3].param_bytes - 4, Code::bad_parameter_range,
               "param_bytes: exactly the arrays");
    refuses_in(model, 3, 2, U8{1}, Code::bad_parameter_range, "param_bytes: exactly the arrays");
  }
}

TEST(format, layers_on_integers) {
  OnIntegers net;
  const Model model = net.model();
  EXPECT_TRUE(validate(model).ok()) << describe(validate(model)) << " " << validate(model).layer;
  const ParamArrays arrays = param_arrays(net.layers[1], net.layers[0].shape);
  ASSERT_EQ(arrays.count, 5U);
  const std::array<U32, 5> offsets{0, 32, 44, 56, 68};
  for (std::size_t i = 0; i < 5; ++i) EXPECT_EQ(arrays.arrays[i].offset, offsets[i]);
  for (const float bad : {0.0F, -1.0F, __builtin_inff(), __builtin_nanf("")})
    refuses_in(model, 1, 56, bad, Code::bad_quantization, "scale is positive and finite");
  for (const std::int32_t bad : {-129, 128})
    refuses_in(model, 1, 60, bad, Code::bad_quantization, "zero_point is -128 ... 127");
  refuses_in(model, 1, 1, U8{1}, Code::unsupported_dtype, "no float32 from int8");
  refuses_in(model, 1, 2, U8{1}, Code::unsupported_dtype, "weights are int8");
  refuses_in(model, 1, 3, U8{3}, Code::reserved_not_zero, "not trainable");
  refuses_in(model, 2, 2, U8{3}, Code::unsupported_dtype, "a clamp has no parameters");
  refuses_in(model, 2, 60, std::int32_t{7}, Code::bad_quantization, "a clamp keeps scale and zero point");
  for (const std::int32_t bad : {-129, 128}) refuses_in(model, 1, 72, bad, Code::bad_attribute, "weights' zero point");
  refuses_in(model, 1, 76, std::int32_t{1}, Code::bad_attribute, "sums of 32 bits are int16's");
  const auto param = [&](std::size_t at, auto bad, const char* why) {
    const std::size_t block = number(file_of(model), 16, 4);
    refuses(model, block + at, bad, Code::bad_multiplier, why);
  };
  param(56, std::int32_t{-1}, "a multiplier below zero");
  param(68, std::int8_t{31}, "a shift above 30");
  param(70, std::int8_t{-32}, "a shift below -31");
  param(32, std::int32_t{0x7FFF'FFFF - 5 * 128 * 128 + 1}, "a bias by which a sum may leave 32 bits");
  param(48, std::int32_t{-0x7FFF'FFFF}, "a sum of weights likewise");
}

/// Two inputs and outputs, a state, a constant, five operands: what version 1 has not.
struct Version2 {
  std::array<Layer, 9> layers{};
  std::array<U16, 5> operands{0, 1, 2, 3, 0};
  std::string names{"a\0b\0\0c\0\0\0first\0\0\0", 17};

  Version2() {
    const auto set = [this](std::size_t i, Op op, std::initializer_list<U16> inputs) {
      layers[i].op = op, layers[i].shape = {1, 1, 3};
      layers[i].input_count = static_cast<U16>(inputs.size());
      std::copy(inputs.begin(), inputs.end(), layers[i].inputs.begin());
    };
    set(0, Op::input, {}), set(1, Op::input, {}), set(2, Op::state, {}), set(3, Op::constant, {});
    set(4, Op::concat, {}), set(5, Op::relu, {4}), set(6, Op::output, {4}), set(7, Op::output, {5});
    set(8, Op::assign, {0, 2});
    layers[4].input_count = 5;
    for (const std::size_t wide : {4, 5, 6, 7}) layers[wide].shape.c = 15;
    for (const std::size_t i : {2, 3}) layers[i].param_dtype = DType::f32, layers[i].param_bytes = 12;
    layers[3].param_offset = 12;
  }
  [[nodiscard]] Model model() const {
    Model out{layers, nullptr, 24, 4};
    out.operands = operands, out.names = names;
    return out;
  }
};

TEST(format, version_2_lies_where_the_tables_say) {
  const Version2 net;
  const std::vector<std::byte> file = file_of(net.model());
  const std::size_t params = align_up(64 + 96 * 9 + 2 * 5, 4);
  EXPECT_EQ(number(file, 4, 2), 2U) << "version";
  EXPECT_EQ(number(file, 8, 4), 9U) << "layer_count";
  EXPECT_EQ(number(file, 16, 4), params) << "param_offset";
  EXPECT_EQ(number(file, 36, 4), 5U) << "operand_count";
  EXPECT_EQ(number(file, 40, 4), 17U) << "names_bytes";
  EXPECT_EQ(number(file, 24, 4), params + 24 + 17) << "file_bytes";
  for (std::size_t k = 0; k < 5; ++k) EXPECT_EQ(number(file, record(9) + 2 * k, 2), net.operands[k]);
  EXPECT_EQ(std::memcmp(file.data() + params + 24, net.names.data(), 17), 0);
  const AlignedBytes whole(file);
  const Result<Model> opened = open_model(whole.span());
  ASSERT_TRUE(opened.ok());
  EXPECT_EQ(name(*opened, 6), "first");
  EXPECT_EQ(opened->output_count(), 2U);
}

TEST(format, version_2_and_its_sentences) {
  const Version2 net;
  const Model model = net.model();
  refuses(model, 4, U16{1}, Code::bad_header, "version 1 has no operands and no names");
  refuses(model, 36, U32{65537}, Code::bad_header, "at most 65536 operands");
  refuses(model, 40, U32{18}, Code::bad_header, "the file's length, exactly");
  const std::size_t table = record(9), params = number(file_of(model), 16, 4), names = params + 24;
  for (const U16 late : std::initializer_list<U16>{4, 5, 8, 9, 65535})
    refuses(model, table + 4, late, Code::bad_input_index, "a layer reads layers of lower index only");
  for (const U16 begin : std::initializer_list<U16>{1, 65535})
    refuses_in(model, 4, 6, begin, Code::bad_input_count, "operands lie in the table");
  refuses_in(model, 4, 8, U16{1}, Code::reserved_not_zero, "unused ones 0");
  refuses_in(model, 4, 4, U16{4097}, Code::bad_input_count, "at most 4096");
  refuses(model, table + 10, U8{1}, Code::reserved_not_zero, "zeros behind the operands");
  refuses(model, names + 1, 'x', Code::bad_names, "as many strings as layers");
  refuses(model, names, U8{0}, Code::bad_names, "as many strings as layers");
  refuses(model, names + 16, 'x', Code::bad_names, "zero-terminated");
  refuses_in(model, 5, 6, U16{3}, Code::bad_shape, "the shape rule");
  refuses_in(model, 8, 8, U16{1}, Code::not_a_state, "assign: the value, the state");
  const Status alone =
      changed(model, [](auto file) { put(file, record(8) + 4, U16{1}), put(file, record(8) + 8, U16{0}); });
  EXPECT_EQ(alone.code, Code::bad_input_count) << "2 for assign";
  refuses_in(model, 3, 3, U8{1}, Code::reserved_not_zero, "trainable: not constant and state");
  refuses_in(model, 3, 2, U8{0}, Code::unsupported_dtype, "param_dtype: equal to dtype");
  refuses_in(model, 3, 1, U8{3}, Code::unsupported_dtype, "param_dtype: equal to dtype");
  refuses_in(model, 3, 68, U32{8}, Code::bad_parameter_range, "values of the layer's shape");
  refuses_in(model, 2, 68, U32{8}, Code::bad_parameter_range, "initial of the layer's shape");
  refuses_in(model, 2, 4, U16{1}, Code::bad_input_count, "0 for input, constant and state");
  refuses_in(model, 6, 24, U32{14}, Code::bad_shape, "the shape rule");
  refuses_in(model, 6, 72, U32{1}, Code::reserved_not_zero, "args");
  const Status late = changed(model, [](auto file) {  // assign first, then the layer that reads the state
    put(file, record(8), static_cast<U8>(Op::output)), put(file, record(8) + 4, U16{1}),
        put(file, record(8) + 8, U16{0});
    put(file, record(5), static_cast<U8>(Op::assign)), put(file, record(5) + 4, U16{2}),
        put(file, record(5) + 6, U16{0});
    put(file, record(5) + 8, U16{2}), put(file, record(5) + 24, U32{3});
    put(file, record(7) + 6, U16{2}), put(file, record(7) + 24, U32{3});
  });
  EXPECT_EQ(late.code, Code::state_read_after_assign);
  const Status of_nothing = changed(model, [](auto file) {
    put(file, record(7) + 6, U16{6});
    put(file, record(6), static_cast<U8>(Op::assign)), put(file, record(6) + 4, U16{2}),
        put(file, record(6) + 6, U16{0});
    put(file, record(6) + 8, U16{2}), put(file, record(6) + 24, U32{3});
  });
  EXPECT_EQ(of_nothing.code, Code::bad_input_index) << "none that makes no value";
}

}  // namespace
}  // namespace mote
