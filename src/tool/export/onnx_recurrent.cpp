// SPDX-License-Identifier: Apache-2.0
// LSTM, GRU and plain recurrent layers as .onnx nodes, whose gates are i o f c and z r h.
#include <array>
#include <span>

#include "tool/export/onnx_export.hpp"

namespace mote::tool::foreign {
namespace {

constexpr std::array<std::size_t, 4> kLstm{0, 3, 1, 2}, kInOrder{0, 1, 2, 3};

/// Columns (rows, gates units) as (gates units, rows), gates in the node's order.
void append(const std::vector<float>& columns, std::size_t rows, std::size_t gates, std::size_t units,
            std::span<const std::size_t> order, std::vector<float>& out) {
  for (std::size_t g = 0; g < gates; ++g)
    for (std::size_t u = 0; u < units; ++u)
      for (std::size_t r = 0; r < rows; ++r) out.push_back(columns[r * gates * units + order[g] * units + u]);
}

void recurrent(OnnxExport& to, std::size_t i) {
  Outgoing& from = to.from;
  OnnxGraph& graph = to.graph;
  const Layer& l = from.layer(i);
  if (l.dtype != DType::f32) {
    from.refuse(i, "there are no recurrent layers on integers");
    return to.put(i, Form::nhwc, "nothing");
  }
  if (l.op == Op::lstm && l.alpha != 0.0F) from.refuse(i, "its cell state is bounded");
  const std::size_t terms = from.in(i).shape.c, units = l.shape.c, count = gates(l.op);
  const auto n = static_cast<std::int64_t>(units), all = static_cast<std::int64_t>(count * units);
  const std::span<const std::size_t> order =
      std::span<const std::size_t>(l.op == Op::lstm ? kLstm : kInOrder).first(count);
  const std::string name = from.name(i), wish = to.wish(i);
  std::vector<float> w, r, b;
  append(from.array<float>(i, "weights"), terms, count, units, order, w);
  const auto again = from.array<float>(i, "recurrent_weights");
  if (l.op == Op::gru) {  // z and r side by side, n behind them
    const std::vector<float> two(again.begin(), again.begin() + static_cast<std::ptrdiff_t>(2 * units * units));
    append(two, units, 2, units, kInOrder, r);
    append({again.begin() + static_cast<std::ptrdiff_t>(2 * units * units), again.end()}, units, 1, units, kInOrder, r);
  } else {
    append(again, units, count, units, order, r);
  }
  // (samples, 1, steps, channels) to (steps, samples, channels).
  const std::string x = to.reshape(to.real_operand(i, Form::nhwc), {0, from.in(i).shape.w, from.in(i).shape.c}, wish);
  std::vector<std::string> inputs{to.transpose(x, {1, 0, 2}, wish),
                                  graph.floats(name + "/weights", {1, all, static_cast<std::int64_t>(terms)}, w),
                                  graph.floats(name + "/recurrent_weights", {1, all, n}, r)};
  if (l.has_bias()) {
    append(from.array<float>(i, "bias"), 1, count, units, order, b);
    std::vector<float> behind = from.array<float>(i, "recurrent_bias");
    behind.resize(count * units);
    b.insert(b.end(), behind.begin(), behind.end());
    inputs.push_back(graph.floats(name + "/bias", {1, 2 * all}, b));
  }
  for (std::size_t k = 1; k < l.input_count; ++k) {
    if (from.constant(i, k)) to.fix_batch();
    inputs.resize(std::max<std::size_t>(inputs.size(), 4 + k));
    inputs.push_back(graph.add("Unsqueeze", {to.real_operand(i, Form::flat, k), graph.wholes({0})}, wish));
  }
  constexpr std::array<const char*, 3> kFunctions{"Tanh", "Relu", "Sigmoid"};
  const OnnxAttribute size{"hidden_size", n};
  const OnnxAttribute direction{"direction", std::string(l.args[0] != 0 ? "reverse" : "forward")};
  const OnnxAttribute linear{"linear_before_reset", std::int64_t{l.args[1]}};
  const OnnxAttribute function{
      "activations", std::vector<std::string>{l.op == Op::rnn ? kFunctions[static_cast<std::size_t>(l.args[1])] : ""}};
  using Attributes = std::vector<OnnxAttribute>;
  const Attributes attributes = l.op == Op::lstm  ? Attributes{size, direction}
                                : l.op == Op::gru ? Attributes{size, direction, linear}
                                                  : Attributes{size, direction, function};
  const std::string sequence = from.fresh(name + "/steps");
  std::vector<std::string> outputs{sequence};
  for (std::size_t j = i + 1; j < from.size(); ++j) {
    if (from.layer(j).op != Op::result || from.operand(j) != i) continue;
    outputs = {sequence, "", from.fresh(name + "/cell")};
    graph.node("LSTM", inputs, outputs, attributes);
    to.put_moved(j, Form::flat, "Squeeze", {outputs[2], graph.wholes({0})});
  }
  if (outputs.size() == 1)
    graph.node(l.op == Op::lstm ? "LSTM" : l.op == Op::gru ? "GRU" : "RNN", inputs, outputs, attributes);
  to.put_moved(i, Form::nhwc, "Transpose", {sequence}, {{"perm", Extents64{2, 1, 0, 3}}});
}

}  // namespace

bool onnx_recurrent_layer(OnnxExport& to, std::size_t i) {
  if (is_recurrent(to.from.layer(i).op)) return recurrent(to, i), true;
  return to.from.layer(i).op == Op::result;  // its layer made it, or was refused
}

}  // namespace mote::tool::foreign
