// SPDX-License-Identifier: Apache-2.0
// Operators of the .tflite format that go element by element, and reductions.
#include <fmt/format.h>

#include <array>
#include <cmath>

#include "tool/import/tflite_common.hpp"

namespace mote::tool::foreign {
namespace {

void unary(Call& call) { call.give(call.make.unary(call.record, call[0])); }

void binary(Call& call) { call.give(activated(call, call.make.binary(call.record, call[0], call[1]))); }

void div(Call& call) {
  Maker& make = call.make;
  const Value quotient = make.binary("div", call[0], call[1]);
  const bool plain = make.step(call[0]).scaling.scales.empty() && !is_real(make.type(call[0]));
  call.give(activated(call, plain ? make.towards_zero(quotient) : quotient));
}

void comparison(Call& call) { call.give(call.make.binary(call.record, call[0], call[1])); }

void add_n(Call& call) {
  Value sum = call[0];
  for (std::size_t i = 1; i < call.in.size(); ++i) sum = call.make.binary("add", sum, call[i]);
  call.give(sum);
}

/// floor(a / b); of whole numbers of the run, too: quotients of less than 2^24 round to no whole number but themselves.
Value floor_div(Call& call) {
  Maker& make = call.make;
  if (make.constant(call[0]) && make.constant(call[1])) return make.binary("floor_div", call[0], call[1]);
  return make.unary("floor", make.binary("div", call[0], call[1]));
}
void floor_division(Call& call) { call.give(floor_div(call)); }
void floor_mod(Call& call) {
  Maker& make = call.make;
  if (make.constant(call[0]) && make.constant(call[1])) return call.give(make.binary("floor_mod", call[0], call[1]));
  call.give(make.binary("sub", call[0], make.binary("mul", floor_div(call), call[1])));
}

void clip(Call& call) {
  const bool one = call.node.op == "RELU_N1_TO_1";
  call.give(call.make.unary("clip", call[0], one ? -1.0F : 0.0F, 1.0F));
}

void leaky_relu(Call& call) {
  const float alpha = call.node.real("alpha", 0.0F);
  const bool on_integers = !call.make.step(call[0]).scaling.scales.empty();
  if (on_integers || (alpha > 0.0F && alpha <= 1.0F)) return call.give(call.make.unary("leaky_relu", call[0], alpha));
  if (alpha == 0.0F) return call.give(call.make.unary("relu", call[0]));
  call.give(call.make.binary("prelu", call[0], call.make.scalar(static_cast<double>(alpha))));
}

void gelu(Call& call) {
  call.give(call.make.unary(call.node.whole("approximate", 0) != 0 ? "gelu_tanh" : "gelu", call[0]));
}

void select(Call& call) {
  Maker& make = call.make;
  Value condition = call[0];
  // The old SELECT lets a vector choose rows.
  if (call.node.op == "SELECT" && make.rank(condition) == 1 && call.rank(1) > 1) {
    Dims dims(call.rank(1), 1);
    dims.front() = make.dims(condition).front();
    condition = make.reshape(condition, dims);
  }
  call.give(make.select(condition, call[1], call[2]));
}

void reduce(Call& call) {
  Maker& make = call.make;
  Value x = call[0];
  const bool any = call.node.op == "REDUCE_ANY", all = call.node.op == "REDUCE_ALL";
  if (any || all) x = make.cast(x, Type::f32);
  Dims axes = axes_of(call, 1);
  Value out = make.reduce(call.record, x, axes, call.node.whole("keep_dims", 0) != 0);
  if (any || all) out = make.binary("not_equal", out, make.scalar(0.0));
  call.give(out);
}

void arg(Call& call) {
  const std::vector<std::int64_t> axis = call.wholes(1, "axis");
  if (axis.size() != 1) unsupported(fmt::format("{} axes", axis.size()));
  call.give(call.make.arg(call.record, call[0], axis.front(), false));
}

void cast(Call& call) { call.give(call.make.cast(call[0], call.tensor_of_output().type)); }

/// Values as training saw them with quantisation: (round((clip(x) - low) / step)) step + low.
void fake_quant(Call& call) {
  const float low = call.node.real("min", 0.0F), high = call.node.real("max", 0.0F);
  const std::int64_t bits = call.node.whole("num_bits", 8);
  if (!(low < high) || bits < 2 || bits > 16)
    unsupported(fmt::format("a range of {} to {} in {} bits", low, high, bits));
  const auto least = static_cast<float>(call.node.whole("narrow_range", 0) != 0 ? 1 : 0);
  const auto most = static_cast<float>((1 << bits) - 1);
  const float step = (high - low) / (most - least);
  const float zero = least - low / step;
  const float nudged = zero < least ? least : zero > most ? most : std::floor(zero + 0.5F);
  const float from = (least - nudged) * step, to = (most - nudged) * step;
  Maker& make = call.make;
  Value v = make.unary("clip", call[0], from, to);
  v = make.binary("sub", v, make.scalar(static_cast<double>(from)));
  v = make.binary("mul", v, make.scalar(static_cast<double>(1.0F / step)));
  v = make.unary("floor", make.binary("add", v, make.scalar(0.5)));
  v = make.binary("mul", v, make.scalar(static_cast<double>(step)));
  call.give(make.binary("add", v, make.scalar(static_cast<double>(from))));
}

/// Real numbers to whole ones, or whole ones to others of another scale; the tracer puts the scale.
void quantize(Call& call) {
  Maker& make = call.make;
  Step made;
  made.op = is_real(make.type(call[0])) ? "quantize" : "requantize";
  made.dims = make.step(call[0]).dims;
  made.in = {call[0].step};
  const FileTensor& result = call.tensor_of_output();
  made.type = result.type;
  made.scaling = result.scaling;
  if (result.scaling.scales.size() != 1)
    unsupported(fmt::format("{} scales of a result", result.scaling.scales.size()));
  call.give({make.add(std::move(made)).step, call[0].order});
}

void dequantize(Call& call) {
  Maker& make = call.make;
  if (make.constant(call[0])) return call.give(make.constant(dequantized(make.literal(call[0]))));
  if (make.step(call[0]).scaling.scales.size() != 1) unsupported("its operand has no scale");
  Step made;
  made.op = "dequantize";
  made.dims = make.step(call[0]).dims;
  made.in = {call[0].step};
  call.give({make.add(std::move(made)).step, call[0].order});
}

constexpr std::array kRows = {
    OperatorRow{"ADD", binary, "add"},
    OperatorRow{"SUB", binary, "sub"},
    OperatorRow{"MUL", binary, "mul"},
    OperatorRow{"DIV", div, "div"},
    OperatorRow{"MINIMUM", binary, "minimum"},
    OperatorRow{"MAXIMUM", binary, "maximum"},
    OperatorRow{"POW", binary, "pow"},
    OperatorRow{"SQUARED_DIFFERENCE", binary, "squared_difference"},
    OperatorRow{"PRELU", binary, "prelu"},
    OperatorRow{"ADD_N", add_n, "add"},
    OperatorRow{"FLOOR_DIV", floor_division, "div"},
    OperatorRow{"FLOOR_MOD", floor_mod, "div"},
    OperatorRow{"LESS", comparison, "less"},
    OperatorRow{"LESS_EQUAL", comparison, "less_equal"},
    OperatorRow{"GREATER", comparison, "greater"},
    OperatorRow{"GREATER_EQUAL", comparison, "greater_equal"},
    OperatorRow{"EQUAL", comparison, "equal"},
    OperatorRow{"NOT_EQUAL", comparison, "not_equal"},
    OperatorRow{"LOGICAL_AND", comparison, "logical_and"},
    OperatorRow{"LOGICAL_OR", comparison, "logical_or"},
    OperatorRow{"LOGICAL_NOT", unary, "logical_not"},
    OperatorRow{"RELU", unary, "relu"},
    OperatorRow{"RELU6", unary, "relu6"},
    OperatorRow{"RELU_N1_TO_1", clip, "clip"},
    OperatorRow{"RELU_0_TO_1", clip, "clip"},
    OperatorRow{"LEAKY_RELU", leaky_relu, "leaky_relu"},
    OperatorRow{"ELU", unary, "elu"},
    OperatorRow{"LOGISTIC", unary, "sigmoid"},
    OperatorRow{"TANH", unary, "tanh"},
    OperatorRow{"HARD_SWISH", unary, "hard_swish"},
    OperatorRow{"GELU", gelu, "gelu"},
    OperatorRow{"EXP", unary, "exp"},
    OperatorRow{"LOG", unary, "log"},
    OperatorRow{"SQRT", unary, "sqrt"},
    OperatorRow{"RSQRT", unary, "rsqrt"},
    OperatorRow{"SQUARE", unary, "square"},
    OperatorRow{"ABS", unary, "abs"},
    OperatorRow{"NEG", unary, "neg"},
    OperatorRow{"SIN", unary, "sin"},
    OperatorRow{"COS", unary, "cos"},
    OperatorRow{"FLOOR", unary, "floor"},
    OperatorRow{"CEIL", unary, "ceil"},
    OperatorRow{"ROUND", unary, "round"},
    OperatorRow{"SIGN", unary, "sign"},
    OperatorRow{"SELECT", select, "select"},
    OperatorRow{"SELECT_V2", select, "select"},
    OperatorRow{"MEAN", reduce, "reduce_mean"},
    OperatorRow{"SUM", reduce, "reduce_sum"},
    OperatorRow{"REDUCE_MAX", reduce, "reduce_max"},
    OperatorRow{"REDUCE_MIN", reduce, "reduce_min"},
    OperatorRow{"REDUCE_PROD", reduce, "reduce_prod"},
    OperatorRow{"REDUCE_ANY", reduce, "reduce_max"},
    OperatorRow{"REDUCE_ALL", reduce, "reduce_min"},
    OperatorRow{"ARG_MAX", arg, "argmax"},
    OperatorRow{"ARG_MIN", arg, "argmin"},
    OperatorRow{"CAST", cast, "cast"},
    OperatorRow{"QUANTIZE", quantize, "quantize"},
    OperatorRow{"DEQUANTIZE", dequantize, "dequantize"},
    OperatorRow{"FAKE_QUANT", fake_quant, "clip"},
};

}  // namespace

std::span<const OperatorRow> tflite_elementwise() { return kRows; }

}  // namespace mote::tool::foreign
