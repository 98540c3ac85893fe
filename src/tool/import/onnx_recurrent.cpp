// SPDX-License-Identifier: Apache-2.0
// Recurrent layers of the .onnx format. Its gates are i o f c (LSTM) and z r h (GRU).
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "tool/import/onnx_common.hpp"
#include "tool/import/recurrent.hpp"

namespace mote::tool::foreign {
namespace {

Literal part(const Literal& a, std::size_t axis, std::int64_t from, std::int64_t count) {
  Dims begin(a.dims().size(), 0), step(a.dims().size(), 1), dims = a.dims();
  begin[axis] = from, dims[axis] = count;
  return sliced(a, begin, step, dims);
}

/// Gate by gate from (dirs, G H, …) to columns (…, G H) in the records' order.
Literal columns(const Literal& a, std::int64_t direction, std::int64_t units, std::span<const std::int64_t> order) {
  const Literal one = part(a, 0, direction, 1).reshaped({a.dims()[1], a.dims()[2]});
  std::vector<Literal> gates;
  for (const std::int64_t gate : order) gates.push_back(transposed(part(one, 0, gate * units, units), {1, 0}));
  return gates_of(gates);
}

Literal sum(const Literal& a, const Literal& b) {
  Literal out;
  static_cast<void>(apply_binary("add", a, b, out));
  return out;
}

void check_activations(Call& call, Recurrent& layer) {
  const std::vector<std::string> given = call.node.texts("activations");
  const std::array<std::string_view, 3> lstm = {"Sigmoid", "Tanh", "Tanh"};
  for (std::size_t i = 0; i < given.size(); ++i) {
    const std::string_view usual = layer.op == "lstm" ? lstm[i % 3] : layer.op == "gru" ? lstm[i % 2] : "Tanh";
    if (layer.op == "rnn" && given[i] == "Relu")
      layer.activation = "relu";
    else if (given[i] != usual)
      unsupported(fmt::format("activation {}", tame(given[i])));
  }
  if (layer.op == "rnn" && std::ranges::any_of(given, [&](const std::string& one) { return one != given.front(); }))
    unsupported("directions of two activations");
  if (call.node.find("clip") != nullptr && call.node.real("clip", 0.0F) != 0.0F)
    unsupported("its gates are clipped", "train and export the layer without clip");
  if (call.node.whole("input_forget", 0) != 0)
    unsupported("its input and forget gates are coupled", "train and export the layer with input_forget 0");
}

Recurrent direction_of(Call& call, std::int64_t direction, bool reverse) {
  Recurrent out;
  out.op = call.record;
  out.reverse = reverse;
  out.linear_before_reset = call.node.whole("linear_before_reset", 0) != 0;
  const std::array<std::int64_t, 4> lstm = {0, 2, 3, 1};
  const std::array<std::int64_t, 3> gru = {0, 1, 2};
  const std::span<const std::int64_t> order = out.op == "lstm"  ? std::span<const std::int64_t>(lstm)
                                              : out.op == "gru" ? std::span<const std::int64_t>(gru)
                                                                : std::span<const std::int64_t>(gru).first(1);
  const Literal w = cast(call.make.must_be_constant(call[1], "weights"), Type::f32);
  const Literal r = cast(call.make.must_be_constant(call[2], "recurrent weights"), Type::f32);
  const auto gates = static_cast<std::int64_t>(order.size());
  if (w.dims().size() != 3 || r.dims().size() != 3 || direction >= w.dims()[0] || direction >= r.dims()[0] ||
      w.dims()[1] != gates * r.dims()[2] || r.dims()[1] != w.dims()[1])
    unsupported(fmt::format("weights {} and {}", text_of(w.dims()), text_of(r.dims())));
  const std::int64_t units = r.dims()[2];
  out.weights = columns(w, direction, units, order), out.recurrent = columns(r, direction, units, order);
  out.bias = Literal(Type::f32, {gates * units});
  if (call.has(3)) {
    const Literal b = cast(call.make.must_be_constant(call[3], "bias"), Type::f32);
    if (b.dims() != Dims{w.dims()[0], 2 * gates * units}) unsupported(fmt::format("a bias of {}", text_of(b.dims())));
    const Literal both = b.reshaped({b.dims()[0], b.dims()[1], 1});
    const Literal wb = columns(part(both, 1, 0, gates * units), direction, units, order).reshaped({gates * units});
    Literal rb =
        columns(part(both, 1, gates * units, gates * units), direction, units, order).reshaped({gates * units});
    if (out.op == "gru" && out.linear_before_reset) {
      // The bias of h that stands inside the reset stays apart.
      Literal inside(Type::f32, {gates * units}), outside(Type::f32, {gates * units});
      for (std::int64_t i = 0; i < gates * units; ++i)
        i < 2 * units ? outside.set(i, rb.real(i)) : inside.set(i, rb.real(i));
      out.bias = sum(wb, outside);
      out.recurrent_bias = inside;
    } else {
      out.bias = sum(wb, rb);
    }
  }
  if (out.op == "gru" && out.linear_before_reset) {
    if (out.recurrent_bias.count() != gates * units) out.recurrent_bias = Literal(Type::f32, {gates * units});
    out.has_recurrent_bias = true;
  }
  check_activations(call, out);
  return out;
}

/// State of a direction out of (dirs, 1, H), or absent: it is zero.
Value state_of(Call& call, std::size_t i, std::int64_t direction) {
  if (!call.has(i)) return {};
  const Dims own = call.dims(i);
  if (own.size() != 3) unsupported(fmt::format("a state of {}", text_of(own)));
  const Value one = call.make.slice(call[i], {direction, 0, 0}, {1, 1, 1}, {1, own[1], own[2]});
  if (call.make.constant(one)) {
    const Literal& values = call.make.literal(one);
    bool zero = true;
    for (std::int64_t k = 0; k < values.count(); ++k) zero = zero && values.real(k) == 0.0;
    if (zero) return {};
  }
  return one;
}

void recurrent(Call& call) {
  Maker& make = call.make;
  const Dims own = call.dims(0);
  if (call.node.whole("layout", 0) != 0) unsupported("batches first (layout 1)", "export it with layout 0");
  if (own.size() != 3) unsupported(fmt::format("a sequence of {}", text_of(own)));
  if (call.has(4))
    for (const std::int64_t length : call.wholes(4, "lengths"))
      if (length != own[0])
        unsupported("a part of a sequence is read", "leave its lengths out, and cut sequences before the model");
  if (call.has(7)) unsupported("peephole weights", "train and export the layer without them");
  const std::string direction = call.node.text("direction", "forward");
  const std::int64_t directions = direction == "bidirectional" ? 2 : 1;
  const std::int64_t rows = own[1];
  std::vector<Value> sequences, outputs, cells;
  for (std::int64_t d = 0; d < directions; ++d) {
    const Recurrent layer = direction_of(call, d, direction == "reverse" || d == 1);
    const Value h = state_of(call, 5, d), c = call.record == "lstm" ? state_of(call, 6, d) : Value{};
    const RecurrentResults made = rows == 1 ? recur(make, make.reshape(call[0], {own[0], own[2]}), layer, h, c)
                                            : recur_side_by_side(make, call[0], layer, h, c);
    const std::int64_t units = make.dims(made.sequence).back();
    sequences.push_back(make.reshape(made.sequence, {own[0], 1, rows, units}));
    outputs.push_back(make.reshape(made.output, {1, rows, units}));
    if (made.cell.there()) cells.push_back(make.reshape(made.cell, {1, rows, units}));
  }
  const auto asked = [&](std::size_t i) { return i < call.out.size() && call.node.outputs[i] != kAbsent; };
  if (asked(0)) call.out[0] = make.concat(sequences, 1);
  if (asked(1)) call.out[1] = make.concat(outputs, 0);
  if (asked(2)) call.out[2] = make.concat(cells, 0);
}

constexpr std::array kRows = {
    OperatorRow{"LSTM", recurrent, "lstm"},
    OperatorRow{"GRU", recurrent, "gru"},
    OperatorRow{"RNN", recurrent, "rnn"},
};

}  // namespace

std::span<const OperatorRow> onnx_recurrent() { return kRows; }

}  // namespace mote::tool::foreign
