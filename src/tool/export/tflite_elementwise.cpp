// SPDX-License-Identifier: Apache-2.0
// What goes element by element, as .tflite operators. A function of one 8-bit value is the operator of that function
// where the format has one on 8 bits whose table is the layer's, else it is computed in float32 and quantised.
#include <algorithm>
#include <cmath>

#include "mote/model/element_types.hpp"
#include "mote/model/integer_params.hpp"
#include "tool/export/tflite_export.hpp"

namespace mote::tool::foreign {
namespace {

struct Row {
  Op op;
  const char* node;
};
constexpr Row kUnary[] = {{Op::sigmoid, "LOGISTIC"},
                          {Op::tanh, "TANH"},
                          {Op::relu, "RELU"},
                          {Op::relu6, "RELU6"},
                          {Op::leaky_relu, "LEAKY_RELU"},
                          {Op::hard_swish, "HARD_SWISH"},
                          {Op::elu, "ELU"},
                          {Op::exp, "EXP"},
                          {Op::log, "LOG"},
                          {Op::sqrt, "SQRT"},
                          {Op::rsqrt, "RSQRT"},
                          {Op::abs, "ABS"},
                          {Op::neg, "NEG"},
                          {Op::square, "SQUARE"},
                          {Op::sin, "SIN"},
                          {Op::cos, "COS"},
                          {Op::gelu, "GELU"},
                          {Op::gelu_tanh, "GELU"},
                          {Op::floor, "FLOOR"},
                          {Op::ceil, "CEIL"},
                          {Op::round, "ROUND"},
                          {Op::sign, "SIGN"}};
constexpr Row kBinary[] = {{Op::add, "ADD"},
                           {Op::sub, "SUB"},
                           {Op::mul, "MUL"},
                           {Op::div, "DIV"},
                           {Op::minimum, "MINIMUM"},
                           {Op::maximum, "MAXIMUM"},
                           {Op::pow, "POW"},
                           {Op::squared_difference, "SQUARED_DIFFERENCE"},
                           {Op::prelu, "PRELU"},
                           {Op::less, "LESS"},
                           {Op::less_equal, "LESS_EQUAL"},
                           {Op::greater, "GREATER"},
                           {Op::greater_equal, "GREATER_EQUAL"},
                           {Op::equal, "EQUAL"},
                           {Op::not_equal, "NOT_EQUAL"},
                           {Op::logical_and, "LOGICAL_AND"},
                           {Op::logical_or, "LOGICAL_OR"},
                           {Op::select, "SELECT_V2"}};

template <std::size_t N>
const char* node_of(const Row (&rows)[N], Op op) {
  for (const Row& row : rows)
    if (row.op == op) return row.node;
  return nullptr;
}

std::vector<TfliteOption> options_of(const Layer& l) {
  if (l.op == Op::leaky_relu) return {{"alpha", static_cast<double>(l.alpha)}};
  if (l.op == Op::gelu || l.op == Op::gelu_tanh) return {{"approximate", l.op == Op::gelu ? 0.0 : 1.0}};
  return {};
}

/// Whether an operator on 8 bits computes the layer's table.
bool has_table(const Layer& l, const Quantization& in, std::span<const std::int8_t> stored) {
  const Quantization fixed = fixed_units(l.op);
  LookupTable table{};
  return l.op != Op::clip && (fixed.scale == 0.0F || l.quantization == fixed) && own_table(l, in, table) &&
         std::ranges::equal(stored, table);
}

/// The function in float32 from `x` on, whose last operator makes the layer's value or `result`.
class Function {
 public:
  Function(TfliteExport& to, std::size_t i, Lie lie) : to_(to), i_(i), lie_(lie), dims_(to.dims_of(i, lie)) {}

  int apply(int x) {
    const Layer& l = to_.from.layer(i_);
    if (const char* node = node_of(kUnary, l.op); node != nullptr) return add(node, {x}, options_of(l));
    switch (l.op) {
      case Op::silu: return add("MUL", {x, add("LOGISTIC", {x})});
      case Op::clip: return clipped(x, l.alpha, l.beta);
      case Op::hard_sigmoid: {
        const int line = add("ADD", {add("MUL", {x, to_.number(l.alpha)}), to_.number(l.beta)});
        return clipped(line, 0.0F, 1.0F);
      }
      case Op::softplus: {  // max(x, 0) + log(1 + exp(-|x|))
        const int power = add("EXP", {add("NEG", {add("ABS", {x})})});
        return add("ADD", {add("RELU", {x}), add("LOG", {add("ADD", {power, to_.number(1.0F)})})});
      }
      case Op::selu: {
        constexpr float kScale = 1.05070099F, kAlpha = 1.67326324F;
        const int below = add("MUL", {add("ELU", {add("MINIMUM", {x, to_.number(0.0F)})}), to_.number(kAlpha)});
        return add("MUL", {add("ADD", {add("RELU", {x}), below}), to_.number(kScale)});
      }
      default: return -1;
    }
  }

 private:
  int add(const char* op, std::vector<int> in, std::vector<TfliteOption> options = {}) {
    return to_.add(i_, op, std::move(in), dims_, std::move(options));
  }
  int clipped(int x, float low, float high) {
    if (!std::isinf(low)) x = add("MAXIMUM", {x, to_.number(low)});
    if (!std::isinf(high)) x = add("MINIMUM", {x, to_.number(high)});
    return x;
  }

  TfliteExport& to_;
  std::size_t i_;
  Lie lie_;
  Extents64 dims_;
};

/// A range of integers that stays within the same units.
void narrowed(TfliteExport& to, std::size_t i, Lie lie) {
  const Layer& l = to.from.layer(i);
  const float high = l.op == Op::relu6 ? 6.0F : l.op == Op::clip ? l.beta : std::numeric_limits<float>::infinity();
  const float low = l.op == Op::clip ? l.alpha : 0.0F;
  const QuantizedRange range = activation_range(low, high, l.quantization, range_of(l.dtype));
  const auto bound = [&](std::int32_t value) {
    TfliteTensor made = to.graph.tensor(to.operand(i, lie));
    made.name = to.from.fresh(to.from.name(i) + "/bound");
    made.dims = {1};
    made.values.resize(bytes_of(l.dtype));
    std::memcpy(made.values.data(), &value, made.values.size());  // little-endian, as files are
    return to.graph.tensor(std::move(made));
  };
  const int above = to.part_like(i, i, to.dims_of(i, lie));
  to.graph.node("MAXIMUM", {to.operand(i, lie), bound(range.low)}, {above});
  to.put_node(i, lie, "MINIMUM", {above, bound(range.high)});
}

void on_integers(TfliteExport& to, std::size_t i, Lie lie) {
  const Layer& l = to.from.layer(i);
  const char* node = node_of(kUnary, l.op);
  if (narrows_range(l)) {
    if (l.op == Op::clip) return narrowed(to, i, lie);
    return to.put_node(i, lie, node, {to.operand(i, lie)});
  }
  if (l.dtype == DType::s16) {
    to.from.require_multipliers(i);
    return to.put_node(i, lie, node, {to.operand(i, lie)}, options_of(l));
  }
  if (has_table(l, to.from.in(i).quantization, to.from.array<std::int8_t>(i, "table")))
    return to.put_node(i, lie, node, {to.operand(i, lie)}, options_of(l));
  const int made = Function(to, i, lie).apply(to.real_operand(i, lie));
  if (made < 0) return to.from.refuse_unknown(i);
  to.put_node(i, lie, "QUANTIZE", {made});
}

bool activation(TfliteExport& to, std::size_t i) {
  const Layer& l = to.from.layer(i);
  const Lie lie = to.lie_of(to.from.operand(i), false);
  if (l.op == Op::logical_not) return to.put_node(i, lie, "LOGICAL_NOT", {to.operand(i, lie)}), true;
  if (!is_activation(l.op) && !is_unary(l.op)) return false;
  if (l.op == Op::spline) return to.from.refuse(i, "a learned function of its own for each channel"), true;
  if (l.op == Op::fake_quantize) return to.from.refuse(i, "made for training: export what mote quantize makes"), true;
  if (quantized(l.dtype)) return on_integers(to, i, lie), true;
  if (const char* node = node_of(kUnary, l.op); node != nullptr)
    return to.put_node(i, lie, node, {to.operand(i, lie)}, options_of(l)), true;
  const int made = Function(to, i, lie).apply(to.operand(i, lie));
  if (made < 0) return false;
  if (made == to.operand(i, lie)) {  // a clip without bounds
    to.put(i, lie, made);
  } else {
    to.graph.tensor(made).name = to.from.name(i);
    to.put(i, lie, made);
  }
  return true;
}

bool repeating(TfliteExport& to, std::size_t i) {
  const Layer& l = to.from.layer(i);
  if (!broadcasts(l.op)) return false;
  const Lie lie = to.lie_for_all(i);
  std::vector<int> inputs;
  for (std::size_t k = 0; k < l.input_count; ++k) inputs.push_back(to.operand(i, lie, k));
  if (l.op == Op::add && inputs.size() > 2) return to.put_node(i, lie, "ADD_N", std::move(inputs)), true;
  const char* node = node_of(kBinary, l.op);
  if (node == nullptr) return false;
  if (quantized(to.from.in(i).dtype)) to.from.require_multipliers(i);
  if (l.op == Op::add) {
    const TfliteExport::Fused behind = to.fused(i);
    to.put_node(behind.layer, lie, node, std::move(inputs), {{"activation", static_cast<double>(behind.activation)}});
    return true;
  }
  if (l.op == Op::prelu && !(to.from.in(i).shape == l.shape)) {
    // The operator repeats its slope only.
    const int zero = to.number(0.0F);
    if (quantized(l.dtype)) return to.from.refuse(i, "what it is applied to is repeated"), true;
    TfliteTensor sign;
    sign.name = to.from.fresh(to.from.name(i) + "/above");
    sign.dims = to.graph.tensor(inputs[0]).dims;
    sign.type = DType::boolean;
    const int above = to.graph.tensor(std::move(sign));
    to.graph.node("GREATER", {inputs[0], zero}, {above});
    const int scaled = to.add(i, "MUL", {inputs[0], inputs[1]}, to.dims_of(i, lie));
    return to.put_node(i, lie, "SELECT_V2", {above, inputs[0], scaled}), true;
  }
  return to.put_node(i, lie, node, std::move(inputs)), true;
}

void cast(TfliteExport& to, std::size_t i) {
  const Lie lie = to.lie_of(to.from.operand(i), false);
  const int x = to.operand(i, lie);
  to.cast(x, to.result(i, lie));
}

}  // namespace

bool tflite_elementwise_layer(TfliteExport& to, std::size_t i) {
  if (to.from.layer(i).op == Op::cast) return cast(to, i), true;
  return activation(to, i) || repeating(to, i);
}

}  // namespace mote::tool::foreign
