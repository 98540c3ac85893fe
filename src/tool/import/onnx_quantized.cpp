// SPDX-License-Identifier: Apache-2.0
// Quantised operators of the .onnx format, computed with whole numbers in float32: exact while sums stay below 2^24.
#include <fmt/format.h>

#include <array>
#include <cmath>

#include "tool/import/onnx_common.hpp"
#include "tool/import/onnx_tensor.hpp"

namespace mote::tool::foreign {
namespace {

/// Scale or zero point as float32: one for all, or one for each index of `axis` of a value of rank `rank`.
Value parameter(Maker& make, const Value& v, std::int64_t axis, std::size_t rank) {
  const Value real = make.cast(v, Type::f32);
  const Dims own = make.dims(real);
  if (own.size() != 1 || own[0] == 1) return own.size() <= 1 ? make.reshape(real, {}) : real;
  Dims dims(rank, 1);
  dims[Maker::axis_of(axis, rank)] = own[0];
  return make.reshape(real, dims);
}

struct Range {
  float least, most;
};
Range range_of(Type type) {
  switch (type) {
    case Type::s8: return {-128.0F, 127.0F};
    case Type::u8: return {0.0F, 255.0F};
    case Type::s16: return {-32768.0F, 32767.0F};
    case Type::u16: return {0.0F, 65535.0F};
    default: unsupported(fmt::format("quantised values of type {}", name_of(type)));
  }
}

/// Whole numbers of `type`, as float32 inside.
Value whole_numbers(Maker& make, const Value& real, const Value& zero, Type type) {
  const Range range = range_of(type);
  Value v = make.unary("round", real);
  if (zero.there()) v = make.binary("add", v, zero);
  return make.unary("clip", v, range.least, range.most);
}

Type type_of_zero(Call& call, std::size_t i) {
  if (call.has(i)) return call.make.type(call[i]);
  const std::int64_t wanted = call.node.whole("output_dtype", 0);
  return wanted == 0 ? Type::u8 : onnx_type(static_cast<int>(wanted));
}

void refuse_blocks(Call& call) {
  if (call.node.whole("block_size", 0) != 0) unsupported("quantisation by blocks");
}

void quantize_linear(Call& call) {
  Maker& make = call.make;
  const std::size_t rank = call.rank(0);
  const std::int64_t axis = call.node.whole("axis", 1);
  const Value scale = parameter(make, call[1], axis, rank);
  const Value zero = call.has(2) ? parameter(make, call[2], axis, rank) : Value{};
  const Type type = type_of_zero(call, 2);
  refuse_blocks(call);
  call.give(whole_numbers(make, make.binary("div", make.cast(call[0], Type::f32), scale), zero, type));
}

Value dequantized_value(Call& call, std::size_t x, std::size_t s, std::size_t z, std::int64_t axis) {
  Maker& make = call.make;
  Value v = make.cast(call[x], Type::f32);
  const std::size_t rank = make.rank(v);
  if (call.has(z)) v = make.binary("sub", v, parameter(make, call[z], axis, rank));
  return make.binary("mul", v, parameter(make, call[s], axis, rank));
}
void dequantize_linear(Call& call) {
  refuse_blocks(call);
  call.give(dequantized_value(call, 0, 1, 2, call.node.whole("axis", 1)));
}

/// Without its zero point.
Value centred(Call& call, std::size_t x, std::size_t z, std::int64_t axis) {
  Maker& make = call.make;
  const Value v = make.cast(call[x], Type::f32);
  return call.has(z) ? make.binary("sub", v, parameter(make, call[z], axis, make.rank(v))) : v;
}

void matmul_integer(Call& call) { call.give(call.make.matmul(centred(call, 0, 2, -2), centred(call, 1, 3, -1))); }

void conv_integer(Call& call) {
  const Value w = centred(call, 1, 3, 0);
  call.give(onnx_convolution(call, centred(call, 0, 2, 1), call.make.must_be_constant(w, "weights"), nullptr));
}

/// Sums in whole numbers become the output's: times x scale * w scale / y scale.
Value requantized(Call& call, const Value& sums, const Value& w_scale, std::size_t x_scale, std::size_t y_scale,
                  std::size_t y_zero) {
  Maker& make = call.make;
  const Value scale = make.binary("div", make.binary("mul", make.cast(call[x_scale], Type::f32), w_scale),
                                  make.cast(call[y_scale], Type::f32));
  const Value zero = make.reshape(make.cast(call[y_zero], Type::f32), {});
  return whole_numbers(make, make.binary("mul", sums, scale), zero, make.type(call[y_zero]));
}

void qlinear_conv(Call& call) {
  Maker& make = call.make;
  const Value w = centred(call, 3, 5, 0);
  Literal bias;
  if (call.has(8)) bias = make.must_be_constant(call[8], "bias");
  const Value sums = onnx_convolution(call, centred(call, 0, 2, 1), make.must_be_constant(w, "weights"),
                                      call.has(8) ? &bias : nullptr);
  call.give(requantized(call, sums, parameter(make, call[4], 1, make.rank(sums)), 1, 6, 7));
}

void qlinear_matmul(Call& call) {
  Maker& make = call.make;
  const Value sums = make.matmul(centred(call, 0, 2, -2), centred(call, 3, 5, -1));
  call.give(requantized(call, sums, parameter(make, call[4], -1, make.rank(sums)), 1, 6, 7));
}

void qlinear_binary(Call& call) {
  Maker& make = call.make;
  const Value a = dequantized_value(call, 0, 1, 2, 1), b = dequantized_value(call, 3, 4, 5, 1);
  const Value real = make.binary(call.record, a, b);
  const Value zero = call.has(7) ? make.reshape(make.cast(call[7], Type::f32), {}) : Value{};
  call.give(whole_numbers(make, make.binary("div", real, make.cast(call[6], Type::f32)), zero, type_of_zero(call, 7)));
}

void qgemm(Call& call) {
  Maker& make = call.make;
  if (call.node.real("alpha", 1.0F) != 1.0F || call.node.whole("transA", 0) != 0)
    unsupported("its first matrix is scaled or transposed");
  const bool transposes = call.node.whole("transB", 0) != 0;
  Value b = centred(call, 3, 5, transposes ? 0 : 1);
  if (transposes) b = make.transpose(b, {1, 0});
  Value sums = make.matmul(centred(call, 0, 2, 0), b);
  if (call.has(6)) sums = make.binary("add", sums, make.cast(call[6], Type::f32));
  const Value w_scale = parameter(make, call[4], 1, 2);
  if (call.has(7)) return call.give(requantized(call, sums, w_scale, 1, 7, 8));
  call.give(make.binary("mul", sums, make.binary("mul", make.cast(call[1], Type::f32), w_scale)));
}

void dynamic_quantize_linear(Call& call) {
  Maker& make = call.make;
  Dims axes;
  for (std::size_t k = 0; k < call.rank(0); ++k) axes.push_back(static_cast<std::int64_t>(k));
  const Value zero = make.scalar(0.0);
  const Value most = make.binary("maximum", make.reduce("reduce_max", call[0], axes, false), zero);
  const Value least = make.binary("minimum", make.reduce("reduce_min", call[0], axes, false), zero);
  const Value scale = make.binary("div", make.binary("sub", most, least), make.scalar(255.0));
  const Value at = make.binary("div", make.unary("neg", least), scale);
  const Value zero_point = make.unary("round", make.unary("clip", at, 0.0F, 255.0F));
  call.give(whole_numbers(make, make.binary("div", call[0], scale), zero_point, Type::u8));
  if (call.out.size() > 1) call.out[1] = scale;
  if (call.out.size() > 2) call.out[2] = zero_point;
}

void qlinear_softmax(Call& call) {
  Maker& make = call.make;
  const Value x = dequantized_value(call, 0, 1, 2, 1);
  const Value y = make.along("softmax", x, call.node.whole("axis", -1));
  const Value zero = call.has(4) ? make.reshape(make.cast(call[4], Type::f32), {}) : Value{};
  call.give(whole_numbers(make, make.binary("div", y, make.cast(call[3], Type::f32)), zero, type_of_zero(call, 4)));
}

constexpr std::array kRows = {
    OperatorRow{"QuantizeLinear", quantize_linear},
    OperatorRow{"DequantizeLinear", dequantize_linear},
    OperatorRow{"DynamicQuantizeLinear", dynamic_quantize_linear},
    OperatorRow{"MatMulInteger", matmul_integer},
    OperatorRow{"ConvInteger", conv_integer},
    OperatorRow{"QLinearConv", qlinear_conv},
    OperatorRow{"QLinearMatMul", qlinear_matmul},
    OperatorRow{"com.microsoft:QLinearAdd", qlinear_binary, "add"},
    OperatorRow{"com.microsoft:QLinearMul", qlinear_binary, "mul"},
    OperatorRow{"com.microsoft:QGemm", qgemm},
    OperatorRow{"com.microsoft:QLinearSoftmax", qlinear_softmax},
};

}  // namespace

std::span<const OperatorRow> onnx_quantized() { return kRows; }

}  // namespace mote::tool::foreign
