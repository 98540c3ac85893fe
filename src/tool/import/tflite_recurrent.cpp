// SPDX-License-Identifier: Apache-2.0
// Recurrent layers of the .tflite format; their states are variables that live from one run to the next.
#include <fmt/format.h>

#include <array>

#include "tool/import/recurrent.hpp"
#include "tool/import/tflite_common.hpp"
#include "tool/import/tracer.hpp"

namespace mote::tool::foreign {
namespace {

/// The batch of one falls away: (1, T, C) or, time first, (T, 1, C) becomes (T, C).
Value sequence_of(Call& call, bool time_major) {
  const Dims own = call.dims(0);
  const std::size_t batch = time_major ? 1 : 0;
  if (own.size() != 3) unsupported(fmt::format("a sequence of {}", text_of(own)));
  if (own[batch] != 1) unsupported(fmt::format("{} sequences at a time", own[batch]), "import it with --batch 1");
  return call.make.reshape(call[0], {own[1 - batch], own[2]});
}

/// Operands of one direction, from the file's operand `first` on: i f g o, as the records have them, are operands
/// i f c o of the file.
Recurrent lstm_weights(Call& call, std::size_t w, std::size_t r, std::size_t b) {
  Recurrent out;
  out.op = "lstm";
  std::vector<Literal> weights, recurrent, bias;
  for (std::size_t gate = 0; gate < 4; ++gate) {
    if (!call.has(w + gate) || !call.has(r + gate) || !call.has(b + gate))
      unsupported("its input and forget gates are coupled");
    weights.push_back(transposed(real_weights(call, w + gate, "weights"), {1, 0}));
    recurrent.push_back(transposed(real_weights(call, r + gate, "weights"), {1, 0}));
    bias.push_back(real_weights(call, b + gate, "bias"));
  }
  out.weights = gates_of(weights), out.recurrent = gates_of(recurrent), out.bias = gates_of(bias);
  return out;
}

void refuse_operands(Call& call, std::size_t from, std::size_t to, const char* what) {
  for (std::size_t i = from; i < to; ++i)
    if (call.has(i)) unsupported(what);
}

void check_options(Call& call) {
  if (call.node.whole("activation", 4) != 4) unsupported("an activation other than tanh");
  if (call.node.real("projection_clip", 0.0F) != 0.0F) unsupported("its projection is clipped");
}

void keep(Call& call, std::size_t operand, const Value& value) {
  const FileTensor& tensor = call.tensor_of_input(operand);
  if (tensor.variable) call.tracer.variable(tensor.name, tensor.type, tensor.dims, tensor.scaling).value = value;
}

/// An LSTM of int8 values and int16 cells; the steps are lowered with the weights as they are.
void integer_lstm(Call& call, const Value& x, float cell_clip) {
  Maker& make = call.make;
  const FileTensor &h = call.tensor_of_input(18), &c = call.tensor_of_input(19);
  if (h.type != Type::s8 || c.type != Type::s16 || c.scaling.scales.size() != 1)
    unsupported(fmt::format("states of type {} and {}", name_of(h.type), name_of(c.type)));
  Step made;
  made.op = "lstm";
  for (const std::size_t first : {std::size_t{1}, std::size_t{5}, std::size_t{12}})
    for (std::size_t gate = 0; gate < 4; ++gate) {
      if (!call.has(first + gate)) unsupported("its input and forget gates are coupled");
      const Literal& given = make.must_be_constant(call[first + gate], "weights");
      const bool matrix = first != 12;
      if (given.type() != (matrix ? Type::s8 : Type::s32) || given.dims().size() != (matrix ? 2 : 1))
        unsupported(fmt::format("weights of type {} beside int8 values", name_of(given.type())));
      made.weights.push_back(matrix ? transposed(given, {1, 0}) : given);
    }
  const std::int64_t units = made.weights[0].dims()[1], steps = make.dims(x)[0];
  made.dims = {steps, units};
  made.type = Type::s8;
  made.first = {0, 0};
  made.in = {make.laid_out(x), make.laid_out(make.reshape(call[18], {1, units})),
             make.laid_out(make.reshape(call[19], {1, units}))};
  made.alpha = cell_clip;
  made.scaling = call.tensor_of_output().scaling;
  const Value sequence = make.add(std::move(made));
  Step cell;
  cell.op = "result";
  cell.dims = {1, units};
  cell.type = Type::s16;
  cell.scaling = c.scaling;
  cell.number = 1;
  cell.in = {sequence.step};
  const Value kept = make.add(std::move(cell));
  keep(call, 18, make.reshape(make.slice(sequence, {steps - 1, 0}, {1, 1}, {1, units}), call.dims(18)));
  keep(call, 19, make.reshape(kept, call.dims(19)));
  const bool time_major = call.node.whole("time_major", 0) != 0;
  call.give(make.reshape(sequence, time_major ? Dims{steps, 1, units} : Dims{1, steps, units}));
}

void unidirectional_lstm(Call& call) {
  refuse_operands(call, 9, 12, "peephole weights");
  refuse_operands(call, 16, 18, "a projection of its output");
  refuse_operands(call, 20, 24, "a layer normalisation inside of it");
  if (call.node.whole("diagonal", 0) != 0) unsupported("diagonal recurrent weights");
  check_options(call);
  const bool time_major = call.node.whole("time_major", 0) != 0;
  if (call.make.type(call[0]) == Type::s8)
    return integer_lstm(call, sequence_of(call, time_major), call.node.real("cell_clip", 0.0F));
  if (call.make.type(call[0]) != Type::f32)
    unsupported(fmt::format("an LSTM of {} values", name_of(call.make.type(call[0]))));
  Recurrent layer = lstm_weights(call, 1, 5, 12);
  layer.cell_clip = call.node.real("cell_clip", 0.0F);
  const RecurrentResults made = recur(call.make, sequence_of(call, time_major), layer, call[18], call[19]);
  keep(call, 18, made.output);
  keep(call, 19, made.cell);
  const Dims out = call.make.dims(made.sequence);
  call.give(call.make.reshape(made.sequence, time_major ? Dims{out[0], 1, out[1]} : Dims{1, out[0], out[1]}));
}

void unidirectional_rnn(Call& call) {
  const std::int64_t activation = call.node.whole("activation", 0);
  if (activation != 4 && activation != 1) unsupported("an activation other than tanh and relu");
  const bool time_major = call.node.whole("time_major", 0) != 0;
  Recurrent layer;
  layer.op = "rnn";
  layer.activation = activation == 1 ? "relu" : "tanh";
  layer.weights = transposed(real_weights(call, 1, "weights"), {1, 0});
  layer.recurrent = transposed(real_weights(call, 2, "weights"), {1, 0});
  layer.bias = real_weights(call, 3, "bias");
  const RecurrentResults made = recur(call.make, sequence_of(call, time_major), layer, call[4], {});
  keep(call, 4, made.output);
  const Dims out = call.make.dims(made.sequence);
  call.give(call.make.reshape(made.sequence, time_major ? Dims{out[0], 1, out[1]} : Dims{1, out[0], out[1]}));
}

/// The same on integers: int16 features, kept step by step, and a layer of its own for what is made of them.
void integer_svdf(Call& call) {
  Maker& make = call.make;
  const std::int64_t rank = call.node.whole("rank", 1);
  const Literal &features = make.must_be_constant(call[1], "features"),
                &time = make.must_be_constant(call[2], "weights over time");
  const FileTensor& state = call.tensor_of_input(4);
  if (features.type() != Type::s8 || time.type() != Type::s16 || state.type != Type::s16)
    unsupported(fmt::format("an SVDF with weights of type {} and {} and a state of type {}", name_of(features.type()),
                            name_of(time.type()), name_of(state.type)));
  const std::int64_t filters = time.dims().at(0), memory = time.dims().at(1);
  if (rank < 1 || filters % rank != 0 || features.dims().at(0) != filters)
    unsupported(fmt::format("{} filters of rank {}", filters, rank));
  Step frame;
  frame.op = "dense";
  frame.type = Type::s16;
  frame.scaling = state.scaling;
  frame.dims = {1, filters};
  frame.weights.push_back(transposed(features, {1, 0}));
  frame.in = {make.laid_out(make.reshape(call[0], {1, features.dims().at(1)}))};
  const Value now = make.add(std::move(frame)), before = make.reshape(call[4], {memory, filters});
  const Value kept =
      memory > 1 ? make.concat({make.slice(before, {1, 0}, {1, 1}, {memory - 1, filters}), now}, 0) : now;
  keep(call, 4, make.reshape(kept, call.dims(4)));
  Step made;
  made.op = "svdf";
  made.type = Type::s8;
  made.scaling = call.tensor_of_output().scaling;
  made.dims = {1, filters / rank};
  made.number = rank;
  made.in = {make.laid_out(kept)};
  made.weights.push_back(transposed(time, {1, 0}));
  if (call.has(3)) made.weights.push_back(make.must_be_constant(call[3], "bias"));
  call.give(activated(call, make.add(std::move(made))));
}

/// Features of a frame, kept for some frames, weighed over time: rank filters share a unit.
void svdf(Call& call) {
  Maker& make = call.make;
  if (make.type(call[0]) == Type::s8) return integer_svdf(call);
  if (make.type(call[0]) != Type::f32) unsupported(fmt::format("an SVDF of {} values", name_of(make.type(call[0]))));
  const std::int64_t rank = call.node.whole("rank", 1);
  const Literal features = transposed(real_weights(call, 1, "features"), {1, 0});
  const Literal time = real_weights(call, 2, "weights over time");
  if (time.dims().size() != 2) unsupported(fmt::format("weights over time of {}", text_of(time.dims())));
  const std::int64_t filters = time.dims()[0], memory = time.dims()[1];
  if (rank < 1 || filters % rank != 0 || features.dims().back() != filters)
    unsupported(fmt::format("{} filters of rank {}", filters, rank));
  const Value frame =
      make.reshape(make.matmul(make.reshape(call[0], {1, features.dims()[0]}), make.constant(features)), {filters, 1});
  const Value state = make.reshape(call[4], {filters, memory});
  const Value kept =
      memory > 1 ? make.concat({make.slice(state, {0, 1}, {1, 1}, {filters, memory - 1}), frame}, 1) : frame;
  keep(call, 4, make.reshape(kept, call.dims(4)));
  Value out = make.reduce("reduce_sum", make.binary("mul", kept, make.constant(time)), {1}, false);
  out = make.reduce("reduce_sum", make.reshape(out, {filters / rank, rank}), {1}, false);
  out = make.reshape(out, {1, filters / rank});
  if (call.has(3)) out = make.binary("add", out, call[3]);
  call.give(activated(call, out));
}

constexpr std::array kRows = {
    OperatorRow{"UNIDIRECTIONAL_SEQUENCE_LSTM", unidirectional_lstm, "lstm"},
    OperatorRow{"UNIDIRECTIONAL_SEQUENCE_RNN", unidirectional_rnn, "rnn"},
    OperatorRow{"SVDF", svdf},
};

}  // namespace

std::span<const OperatorRow> tflite_recurrent() { return kRows; }

}  // namespace mote::tool::foreign
