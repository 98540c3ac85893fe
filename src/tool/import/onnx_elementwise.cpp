// SPDX-License-Identifier: Apache-2.0
// Operators of the .onnx format that go element by element.
#include <fmt/format.h>

#include <array>
#include <limits>

#include "tool/import/onnx_common.hpp"
#include "tool/import/onnx_tensor.hpp"

namespace mote::tool::foreign {
namespace {

void unary(Call& call) { call.give(call.make.unary(call.record, call[0])); }
void binary(Call& call) { call.give(call.make.binary(call.record, call[0], call[1])); }
void identity(Call& call) {
  call.give(call[0]);
  if (call.out.size() > 1 && call.node.outputs[1] != kAbsent)
    unsupported("the mask of its dropout is asked for", "export the model for inference");
  if (call.has(2) && call.make.must_be_constant(call[2], "training mode").whole(0) != 0)
    unsupported("it is in training mode", "export the model for inference");
}

void leaky_relu(Call& call) {
  const float alpha = call.node.real("alpha", 0.01F);
  if (alpha > 0.0F && alpha <= 1.0F) return call.give(call.make.unary("leaky_relu", call[0], alpha));
  if (alpha == 0.0F) return call.give(call.make.unary("relu", call[0]));
  call.give(call.make.binary("prelu", call[0], call.make.scalar(static_cast<double>(alpha))));
}

/// factor * (x where x > 0, else alpha (e^x - 1)), of the records' elu with alpha 1.
Value exponential_unit(Maker& make, const Value& x, float alpha, float factor) {
  if (alpha == 1.0F && factor == 1.0F) return make.unary("elu", x);
  const Value below = make.unary("elu", make.binary("minimum", x, make.scalar(0.0)));
  const Value scaled = make.binary("mul", below, make.scalar(static_cast<double>(alpha)));
  const Value sum = make.binary("add", make.unary("relu", x), scaled);
  return factor == 1.0F ? sum : make.binary("mul", sum, make.scalar(static_cast<double>(factor)));
}
void elu(Call& call) { call.give(exponential_unit(call.make, call[0], call.node.real("alpha", 1.0F), 1.0F)); }
void selu(Call& call) {
  const bool usual = call.node.find("alpha") == nullptr && call.node.find("gamma") == nullptr;
  if (usual) return call.give(call.make.unary("selu", call[0]));
  call.give(
      exponential_unit(call.make, call[0], call.node.real("alpha", 1.67326319F), call.node.real("gamma", 1.05070102F)));
}

void hard_sigmoid(Call& call) {
  call.give(call.make.unary("hard_sigmoid", call[0], call.node.real("alpha", 0.2F), call.node.real("beta", 0.5F)));
}
void gelu(Call& call) {
  call.give(call.make.unary(call.node.text("approximate", "none") == "tanh" ? "gelu_tanh" : "gelu", call[0]));
}
void softsign(Call& call) {
  Maker& make = call.make;
  call.give(make.binary("div", call[0], make.binary("add", make.unary("abs", call[0]), make.scalar(1.0))));
}
void thresholded_relu(Call& call) {
  Maker& make = call.make;
  const Value limit = make.scalar(static_cast<double>(call.node.real("alpha", 1.0F)));
  call.give(make.select(make.binary("greater", call[0], limit), call[0], make.scalar(0.0)));
}
/// By GELU, which is v (1 + erf(v / sqrt 2)) / 2.
void erf(Call& call) {
  Maker& make = call.make;
  const Value v = make.binary("mul", call[0], make.scalar(1.4142135623730951));
  const Value sum = make.binary("mul", make.binary("div", make.unary("gelu", v), v), make.scalar(2.0));
  const Value zero = make.scalar(0.0);
  call.give(make.select(make.binary("equal", v, zero), zero, make.binary("sub", sum, make.scalar(1.0))));
}
void is_nan(Call& call) { call.give(call.make.binary("not_equal", call[0], call[0])); }

void reciprocal(Call& call) { call.give(call.make.binary("div", call.make.scalar(1.0), call[0])); }

void clip(Call& call) {
  Maker& make = call.make;
  constexpr float kMost = std::numeric_limits<float>::max();
  float low = call.node.real("min", -kMost), high = call.node.real("max", kMost);
  const Type type = make.type(call[0]);
  const bool fixed = (!call.has(1) || make.constant(call[1])) && (!call.has(2) || make.constant(call[2]));
  if (fixed && is_real(type)) {
    if (call.has(1)) low = static_cast<float>(make.literal(call[1]).real(0));
    if (call.has(2)) high = static_cast<float>(make.literal(call[2]).real(0));
    if (low == 0.0F && high == 6.0F) return call.give(make.unary("relu6", call[0]));
    if (low == 0.0F && high == kMost) return call.give(make.unary("relu", call[0]));
    return call.give(make.unary("clip", call[0], low, high));
  }
  Value v = call[0];
  if (call.has(1)) v = make.binary("maximum", v, call[1]);
  if (call.has(2)) v = make.binary("minimum", v, call[2]);
  call.give(v);
}

void variadic(Call& call) {
  Value out = call[0];
  for (std::size_t i = 1; i < call.in.size(); ++i) out = call.make.binary(call.record, out, call[i]);
  if (call.node.op == "Mean" && call.in.size() > 1)
    out = call.make.binary("mul", out, call.make.scalar(1.0 / static_cast<double>(call.in.size())));
  call.give(out);
}

void div(Call& call) {
  Maker& make = call.make;
  const bool constants = make.constant(call[0]) && make.constant(call[1]);
  const Value quotient = make.binary("div", call[0], call[1]);
  if (constants || is_real(make.type(call[0]))) return call.give(quotient);
  call.give(make.towards_zero(quotient));
}

void mod(Call& call) {
  Maker& make = call.make;
  const bool constants = make.constant(call[0]) && make.constant(call[1]);
  const bool of_dividend = call.node.whole("fmod", 0) != 0;  // whose sign it has
  if (constants && !of_dividend) return call.give(make.binary("floor_mod", call[0], call[1]));
  if (is_real(make.type(call[0]))) unsupported("a remainder of real numbers", "compute it of Div, Floor, Mul and Sub");
  const Value quotient = make.binary("div", call[0], call[1]);
  const Value whole = of_dividend ? make.towards_zero(quotient) : make.unary("floor", quotient);
  call.give(make.binary("sub", call[0], make.binary("mul", whole, call[1])));
}

void pow(Call& call) {
  Maker& make = call.make;
  if (make.constant(call[1]) && make.literal(call[1]).count() == 1 && is_real(make.type(call[0]))) {
    const double exponent = make.literal(call[1]).real(0);
    if (exponent == 2.0) return call.give(make.unary("square", call[0]));
    if (exponent == 0.5) return call.give(make.unary("sqrt", call[0]));
  }
  Value exponent = call[1];
  if (make.type(exponent) != make.type(call[0])) exponent = make.cast(exponent, make.type(call[0]));
  call.give(make.binary("pow", call[0], exponent));
}

void where(Call& call) { call.give(call.make.select(call[0], call[1], call[2])); }

void cast(Call& call) {
  const Type to =
      call.node.op == "CastLike" ? call.make.type(call[1]) : onnx_type(static_cast<int>(call.node.whole("to", 0)));
  if (bytes_of(to) == 0) unsupported(fmt::format("tensor type {}", name_of(to)));
  call.give(call.make.cast(call[0], to));
}

constexpr std::array kRows = {
    OperatorRow{"Identity", identity},
    OperatorRow{"Dropout", identity},
    OperatorRow{"Relu", unary, "relu"},
    OperatorRow{"Sigmoid", unary, "sigmoid"},
    OperatorRow{"Tanh", unary, "tanh"},
    OperatorRow{"LeakyRelu", leaky_relu, "leaky_relu"},
    OperatorRow{"PRelu", binary, "prelu"},
    OperatorRow{"Elu", elu, "elu"},
    OperatorRow{"Selu", selu, "selu"},
    OperatorRow{"Softplus", unary, "softplus"},
    OperatorRow{"Softsign", softsign},
    OperatorRow{"ThresholdedRelu", thresholded_relu},
    OperatorRow{"HardSigmoid", hard_sigmoid, "hard_sigmoid"},
    OperatorRow{"HardSwish", unary, "hard_swish"},
    OperatorRow{"Gelu", gelu, "gelu"},
    OperatorRow{"com.microsoft:Gelu", gelu, "gelu"},
    OperatorRow{"com.microsoft:FastGelu", unary, "gelu_tanh"},
    OperatorRow{"Erf", erf, "gelu"},
    OperatorRow{"IsNaN", is_nan, "not_equal"},
    OperatorRow{"Exp", unary, "exp"},
    OperatorRow{"Log", unary, "log"},
    OperatorRow{"Sqrt", unary, "sqrt"},
    OperatorRow{"Reciprocal", reciprocal},
    OperatorRow{"Abs", unary, "abs"},
    OperatorRow{"Neg", unary, "neg"},
    OperatorRow{"Sin", unary, "sin"},
    OperatorRow{"Cos", unary, "cos"},
    OperatorRow{"Floor", unary, "floor"},
    OperatorRow{"Ceil", unary, "ceil"},
    OperatorRow{"Round", unary, "round"},
    OperatorRow{"Sign", unary, "sign"},
    OperatorRow{"Not", unary, "logical_not"},
    OperatorRow{"Clip", clip, "clip"},
    OperatorRow{"Add", binary, "add"},
    OperatorRow{"Sub", binary, "sub"},
    OperatorRow{"Mul", binary, "mul"},
    OperatorRow{"Div", div, "div"},
    OperatorRow{"Mod", mod},
    OperatorRow{"Pow", pow, "pow"},
    OperatorRow{"Min", variadic, "minimum"},
    OperatorRow{"Max", variadic, "maximum"},
    OperatorRow{"Sum", variadic, "add"},
    OperatorRow{"Mean", variadic, "add"},
    OperatorRow{"Less", binary, "less"},
    OperatorRow{"LessOrEqual", binary, "less_equal"},
    OperatorRow{"Greater", binary, "greater"},
    OperatorRow{"GreaterOrEqual", binary, "greater_equal"},
    OperatorRow{"Equal", binary, "equal"},
    OperatorRow{"And", binary, "logical_and"},
    OperatorRow{"Or", binary, "logical_or"},
    OperatorRow{"Xor", binary, "not_equal"},
    OperatorRow{"Where", where, "select"},
    OperatorRow{"Cast", cast, "cast"},
    OperatorRow{"CastLike", cast, "cast"},
};

}  // namespace

std::span<const OperatorRow> onnx_elementwise() { return kRows; }

}  // namespace mote::tool::foreign
