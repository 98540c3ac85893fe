// SPDX-License-Identifier: Apache-2.0
// What goes element by element, as .onnx nodes.
#include <cmath>

#include "mote/model/element_types.hpp"
#include "tool/export/onnx_export.hpp"

namespace mote::tool::foreign {
namespace {

struct Row {
  Op op;
  const char* node;
};
constexpr Row kUnary[] = {
    {Op::sigmoid, "Sigmoid"},   {Op::tanh, "Tanh"},   {Op::relu, "Relu"}, {Op::hard_swish, "HardSwish"},
    {Op::elu, "Elu"},           {Op::exp, "Exp"},     {Op::log, "Log"},   {Op::sqrt, "Sqrt"},
    {Op::abs, "Abs"},           {Op::neg, "Neg"},     {Op::sin, "Sin"},   {Op::cos, "Cos"},
    {Op::softplus, "Softplus"}, {Op::selu, "Selu"},   {Op::gelu, "Gelu"}, {Op::floor, "Floor"},
    {Op::ceil, "Ceil"},         {Op::round, "Round"}, {Op::sign, "Sign"}};
constexpr Row kBinary[] = {{Op::sub, "Sub"},         {Op::mul, "Mul"},
                           {Op::div, "Div"},         {Op::minimum, "Min"},
                           {Op::maximum, "Max"},     {Op::pow, "Pow"},
                           {Op::less, "Less"},       {Op::less_equal, "LessOrEqual"},
                           {Op::greater, "Greater"}, {Op::greater_equal, "GreaterOrEqual"},
                           {Op::equal, "Equal"}};

template <std::size_t N>
const char* node_of(const Row (&rows)[N], Op op) {
  for (const Row& row : rows)
    if (row.op == op) return row.node;
  return nullptr;
}

std::string bound(OnnxExport& to, float value) { return std::isinf(value) ? std::string() : to.graph.number(value); }

bool activation(OnnxExport& to, std::size_t i) {
  const Layer& l = to.from.layer(i);
  const Form form = to.form_of(to.from.operand(i), false);
  if (l.op == Op::logical_not) return to.put_moved(i, form, "Not", {to.stored_operand(i, form)}), true;
  if (!is_activation(l.op) && !is_unary(l.op)) return false;
  if (l.op == Op::spline) return to.from.refuse(i, "a learned function of its own for each channel"), true;
  if (l.op == Op::fake_quantize) return to.from.refuse(i, "made for training: export what mote quantize makes"), true;
  const std::string x = to.real_operand(i, form), wish = to.wish(i);
  OnnxGraph& graph = to.graph;
  if (const char* node = node_of(kUnary, l.op); node != nullptr) return to.put_node(i, form, node, {x}), true;
  switch (l.op) {
    case Op::leaky_relu: to.put_node(i, form, "LeakyRelu", {x}, {{"alpha", l.alpha}}); break;
    case Op::relu6: to.put_node(i, form, "Clip", {x, graph.number(0.0F), graph.number(6.0F)}); break;
    case Op::clip: {
      std::vector<std::string> inputs{x, bound(to, l.alpha), bound(to, l.beta)};
      while (inputs.back().empty()) inputs.pop_back();
      to.put_node(i, form, "Clip", std::move(inputs));
      break;
    }
    case Op::silu: to.put_node(i, form, "Mul", {x, graph.add("Sigmoid", {x}, wish)}); break;
    case Op::rsqrt: to.put_node(i, form, "Reciprocal", {graph.add("Sqrt", {x}, wish)}); break;
    case Op::square: to.put_node(i, form, "Mul", {x, x}); break;
    case Op::hard_sigmoid: to.put_node(i, form, "HardSigmoid", {x}, {{"alpha", l.alpha}, {"beta", l.beta}}); break;
    case Op::gelu_tanh: to.put_node(i, form, "Gelu", {x}, {{"approximate", std::string("tanh")}}); break;
    default: return false;
  }
  return true;
}

void cast(OnnxExport& to, std::size_t i) {
  const Form form = to.form_of(to.from.operand(i), false);
  to.put_moved(i, form, "Cast", {to.stored_operand(i, form)},
               {{"to", std::int64_t{onnx_number(to.from.layer(i).dtype)}}});
}

/// Its slope may be repeated; what it is applied to may not.
void prelu(OnnxExport& to, std::size_t i, Form form) {
  const std::string x = to.real_operand(i, form), slope = to.real_operand(i, form, 1);
  if (to.from.in(i).shape == to.from.layer(i).shape && !to.from.constant(i))
    return to.put_node(i, form, "PRelu", {x, slope});
  const std::string above = to.graph.add("Greater", {x, to.graph.number(0.0F)}, to.wish(i));
  to.put_node(i, form, "Where", {above, x, to.graph.add("Mul", {x, slope}, to.wish(i))});
}

bool repeating(OnnxExport& to, std::size_t i) {
  const Layer& l = to.from.layer(i);
  if (!broadcasts(l.op)) return false;
  const Form form = to.form_for_all(i);
  bool constants = true;
  for (std::size_t k = 0; k < l.input_count; ++k) constants = constants && to.from.constant(i, k);
  if (constants) to.fix_batch();
  if (l.op == Op::prelu) return prelu(to, i, form), true;
  if (l.op == Op::select) {
    // Both values are stored numbers of one scale.
    to.put_moved(i, form, "Where",
                 {to.stored_operand(i, form), to.stored_operand(i, form, 1), to.stored_operand(i, form, 2)});
    return true;
  }
  if (is_logical(l.op)) {
    to.put_moved(i, form, l.op == Op::logical_and ? "And" : "Or",
                 {to.stored_operand(i, form), to.stored_operand(i, form, 1)});
    return true;
  }
  std::vector<std::string> inputs;
  for (std::size_t k = 0; k < l.input_count; ++k) inputs.push_back(to.real_operand(i, form, k));
  if (l.op == Op::add) return to.put_node(i, form, inputs.size() == 2 ? "Add" : "Sum", std::move(inputs)), true;
  if (l.op == Op::squared_difference) {
    const std::string difference = to.graph.add("Sub", std::move(inputs), to.wish(i));
    return to.put_node(i, form, "Mul", {difference, difference}), true;
  }
  if (l.op == Op::not_equal)
    return to.put_node(i, form, "Not", {to.graph.add("Equal", std::move(inputs), to.wish(i))}), true;
  const char* node = node_of(kBinary, l.op);
  if (node == nullptr) return false;
  return to.put_node(i, form, node, std::move(inputs)), true;
}

}  // namespace

bool onnx_elementwise(OnnxExport& to, std::size_t i) {
  if (to.from.layer(i).op == Op::cast) return cast(to, i), true;
  return activation(to, i) || repeating(to, i);
}

}  // namespace mote::tool::foreign
