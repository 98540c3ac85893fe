// SPDX-License-Identifier: Apache-2.0
#include "tool/import/recurrent.hpp"

#include <fmt/format.h>

namespace mote::tool::foreign {

Literal gates_of(const std::vector<Literal>& gates) { return joined(gates, gates.front().dims().size() - 1); }

RecurrentResults recur(Maker& make, const Value& x, const Recurrent& layer, const Value& h, const Value& c) {
  const Dims in = make.dims(x);
  const std::int64_t gates = layer.op == "lstm" ? 4 : layer.op == "gru" ? 3 : 1;
  const std::int64_t units = layer.weights.dims().back() / gates;
  if (in.size() != 2 || layer.weights.dims() != Dims{in[1], gates * units} ||
      layer.recurrent.dims() != Dims{units, gates * units} || layer.bias.count() != gates * units || units < 1)
    unsupported(fmt::format("a sequence of {} and weights {} and {}", text_of(in), text_of(layer.weights.dims()),
                            text_of(layer.recurrent.dims())));
  Step made;
  made.op = layer.op;
  made.dims = {in[0], units};
  made.in = {make.laid_out(x)};
  const bool lstm_c = c.there() && layer.op == "lstm";
  if (h.there() || lstm_c)  // the cell's initial state comes behind it
    made.in.push_back(
        make.laid_out(h.there() ? make.reshape(h, {1, units}) : make.constant(Literal(Type::f32, {1, units}))));
  if (lstm_c) made.in.push_back(make.laid_out(make.reshape(c, {1, units})));
  made.first = {layer.reverse ? 1 : 0, layer.linear_before_reset ? 1 : 0};
  made.name.clear();
  made.weights = {layer.weights, layer.recurrent, layer.bias};
  if (layer.has_recurrent_bias) made.weights.push_back(layer.recurrent_bias);
  // Every step adds less than 1 to a cell that begins at zero.
  const bool clips = layer.cell_clip > 0.0F && (lstm_c || static_cast<float>(in[0]) > layer.cell_clip);
  made.alpha = clips ? layer.cell_clip : 0.0F;
  made.extra = {layer.activation == "relu" ? 1.0F : 0.0F};
  RecurrentResults out;
  out.sequence = make.add(std::move(made));
  const std::int64_t last = layer.reverse ? 0 : in[0] - 1;
  out.output = make.reshape(make.slice(out.sequence, {last, 0}, {1, 1}, {1, units}), {units});
  if (layer.op == "lstm") {
    Step cell;
    cell.op = "result";
    cell.dims = {1, units};
    cell.number = 1;
    cell.in = {out.sequence.step};
    out.cell = make.reshape(make.add(std::move(cell)), {units});
  }
  return out;
}

namespace {

/// One step of N sequences, from x W + b of that step.
class Cell {
 public:
  Cell(Maker& make, const Recurrent& layer, std::int64_t rows)
      : make_(make), layer_(layer), rows_(rows), units_(layer.recurrent.dims()[0]) {}

  void step(const Value& products, Value& h, Value& c) const {
    if (layer_.op == "gru") return gru(products, h);
    const Value sums = h.there() ? make_.binary("add", products, from_state(h, 0, gates())) : products;
    if (layer_.op == "rnn") {
      h = make_.unary(layer_.activation, sums);
      return;
    }
    const Value i = make_.unary("sigmoid", gate(sums, 0)), f = make_.unary("sigmoid", gate(sums, 1)),
                g = make_.unary("tanh", gate(sums, 2)), o = make_.unary("sigmoid", gate(sums, 3));
    const Value fresh = make_.binary("mul", i, g);
    c = c.there() ? make_.binary("add", make_.binary("mul", f, c), fresh) : fresh;
    if (layer_.cell_clip > 0.0F) c = make_.unary("clip", c, -layer_.cell_clip, layer_.cell_clip);
    h = make_.binary("mul", o, make_.unary("tanh", c));
  }

 private:
  [[nodiscard]] std::int64_t gates() const { return layer_.op == "lstm" ? 4 : layer_.op == "gru" ? 3 : 1; }
  [[nodiscard]] Value gate(const Value& sums, std::int64_t k) const {
    return make_.slice(sums, {0, k * units_}, {1, 1}, {rows_, units_});
  }
  [[nodiscard]] Literal columns(const Literal& a, std::int64_t from, std::int64_t count) const {
    Dims begin(a.dims().size(), 0), dims = a.dims();
    begin.back() = from * units_, dims.back() = count * units_;
    return sliced(a, begin, Dims(dims.size(), 1), dims);
  }
  /// Values times some gates' recurrent weights.
  [[nodiscard]] Value from_state(const Value& h, std::int64_t from, std::int64_t count) const {
    return make_.matmul(h, make_.constant(columns(layer_.recurrent, from, count)));
  }
  [[nodiscard]] Value with_bias(const Value& v, std::int64_t from, std::int64_t count) const {
    if (!layer_.has_recurrent_bias) return v;
    const Value bias = make_.constant(columns(layer_.recurrent_bias, from, count));
    return v.there() ? make_.binary("add", v, bias) : make_.reshape(bias, {1, count * units_});
  }

  void gru(const Value& products, Value& h) const {
    const Value of_state = with_bias(h.there() ? from_state(h, 0, 2) : Value{}, 0, 2);
    Value both = make_.slice(products, {0, 0}, {1, 1}, {rows_, 2 * units_});
    if (of_state.there()) both = make_.binary("add", both, of_state);
    both = make_.unary("sigmoid", both);
    const Value z = gate(both, 0), r = gate(both, 1);
    Value inner;
    if (layer_.linear_before_reset) {
      inner = with_bias(h.there() ? from_state(h, 2, 1) : Value{}, 2, 1);
      if (inner.there()) inner = make_.binary("mul", r, inner);
    } else {
      inner = with_bias(h.there() ? from_state(make_.binary("mul", r, h), 2, 1) : Value{}, 2, 1);
    }
    Value fresh = gate(products, 2);
    if (inner.there()) fresh = make_.binary("add", fresh, inner);
    fresh = make_.unary("tanh", fresh);
    const Value kept = h.there() ? make_.binary("sub", h, fresh) : make_.unary("neg", fresh);
    h = make_.binary("add", fresh, make_.binary("mul", z, kept));
  }

  Maker& make_;
  const Recurrent& layer_;
  std::int64_t rows_, units_;
};

}  // namespace

RecurrentResults recur_side_by_side(Maker& make, const Value& x, const Recurrent& layer, Value h, Value c) {
  constexpr std::int64_t kMostSteps = 16;  // each has weights of its own
  const Dims in = make.dims(x);
  const std::int64_t steps = in[0], rows = in[1], columns = layer.weights.dims().back(),
                     units = layer.recurrent.dims()[0];
  if (make.for_samples) {
    Step made;
    made.op = "side_by_side";
    made.dims = {steps, rows, units};
    made.in = {make.laid_out(x)};
    const Value all = make.add(std::move(made));
    const Value last = make.reshape(make.slice(all, {0, 0, 0}, {1, 1, 1}, {1, rows, units}), {rows, units});
    return {all, last, layer.op == "lstm" ? last : Value{}};
  }
  if (steps > kMostSteps) unsupported(fmt::format("{} sequences of {} steps at a time", rows, steps), kOneSample);
  if (layer.weights.dims() != Dims{in[2], columns} || layer.recurrent.dims() != Dims{units, columns} ||
      layer.bias.count() != columns)
    unsupported(fmt::format("a sequence of {} and weights {} and {}", text_of(in), text_of(layer.weights.dims()),
                            text_of(layer.recurrent.dims())));
  if (h.there()) h = make.reshape(h, {rows, units});
  if (c.there()) c = make.reshape(c, {rows, units});
  const Value all =
      make.binary("add", make.matmul(make.reshape(x, {steps * rows, in[2]}), make.constant(layer.weights)),
                  make.constant(layer.bias));
  const Cell cell(make, layer, rows);
  std::vector<Value> outputs(static_cast<std::size_t>(steps));
  for (std::int64_t i = 0; i < steps; ++i) {
    const std::int64_t t = layer.reverse ? steps - 1 - i : i;
    cell.step(make.slice(all, {t * rows, 0}, {1, 1}, {rows, columns}), h, c);
    outputs[static_cast<std::size_t>(t)] = make.reshape(h, {1, rows, units});
  }
  return {make.concat(outputs, 0), h, c};
}

}  // namespace mote::tool::foreign
