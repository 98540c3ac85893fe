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
  if (h.there()) made.in.push_back(make.laid_out(make.reshape(h, {1, units})));
  if (c.there() && layer.op == "lstm") made.in.push_back(make.laid_out(make.reshape(c, {1, units})));
  made.first = {layer.reverse ? 1 : 0, layer.linear_before_reset ? 1 : 0};
  made.name.clear();
  made.weights = {layer.weights, layer.recurrent, layer.bias};
  if (layer.has_recurrent_bias) made.weights.push_back(layer.recurrent_bias);
  made.alpha = layer.cell_clip;
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

}  // namespace mote::tool::foreign
