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
  if (own[batch] != 1) unsupported(fmt::format("{} sequences at a time", own[batch]), kOneSample);
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
      unsupported("its input and forget gates are coupled", "train and convert the layer with gates of their own");
    weights.push_back(transposed(real_weights(call, w + gate, "weights"), {1, 0}));
    recurrent.push_back(transposed(real_weights(call, r + gate, "weights"), {1, 0}));
    bias.push_back(real_weights(call, b + gate, "bias"));
  }
  out.weights = gates_of(weights), out.recurrent = gates_of(recurrent), out.bias = gates_of(bias);
  return out;
}

void refuse_operands(Call& call, std::size_t from, std::size_t to, const char* what) {
  for (std::size_t i = from; i < to; ++i)
    if (call.has(i)) unsupported(what, "train and convert the layer without that");
}

void check_options(Call& call) {
  if (call.node.whole("activation", 4) != 4)
    unsupported("an activation other than tanh", "train and convert the layer with tanh");
  if (call.node.real("projection_clip", 0.0F) != 0.0F)
    unsupported("its projection is clipped", "train and convert the layer without that");
}

void require_float(Call& call) {
  const Type type = call.make.type(call[0]);
  if (type != Type::f32)
    unsupported(fmt::format("a recurrent layer of {} values", name_of(type)),
                "convert the model with float32 values there");
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
      if (!call.has(first + gate))
        unsupported("its input and forget gates are coupled", "train and convert the layer with gates of their own");
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

/// A direction over all sequences of an operator, (batch, steps, channels) or, time first, (steps, batch, channels),
/// with its states at these operands, which keep what comes last: the sequence in the same order of axes.
Value run_direction(Call& call, const Value& x, bool time_major, const Recurrent& layer, std::size_t h, std::size_t c) {
  Maker& make = call.make;
  const Dims own = make.dims(x);
  if (own.size() != 3) unsupported(fmt::format("a sequence of {}", text_of(own)));
  const std::int64_t steps = own[time_major ? 0 : 1], rows = own[time_major ? 1 : 0];
  const Value cell = layer.op == "lstm" ? call[c] : Value{};
  RecurrentResults made;
  Value out;
  if (rows == 1) {
    made = recur(make, make.reshape(x, {steps, own[2]}), layer, call[h], cell);
    const std::int64_t units = make.dims(made.sequence)[1];
    out = make.reshape(made.sequence, time_major ? Dims{steps, 1, units} : Dims{1, steps, units});
  } else {
    const Dims turn{1, 0, 2};
    made = recur_side_by_side(make, time_major ? x : make.transpose(x, turn), layer, call[h], cell);
    out = time_major ? made.sequence : make.transpose(made.sequence, turn);
  }
  keep(call, h, made.output);
  if (layer.op == "lstm") keep(call, c, made.cell);
  return out;
}

void unidirectional_lstm(Call& call) {
  refuse_operands(call, 9, 12, "peephole weights");
  refuse_operands(call, 16, 18, "a projection of its output");
  refuse_operands(call, 20, 24, "a layer normalisation inside of it");
  if (call.node.whole("diagonal", 0) != 0)
    unsupported("diagonal recurrent weights", "train and convert a layer of full ones");
  check_options(call);
  const bool time_major = call.node.whole("time_major", 0) != 0;
  if (call.make.type(call[0]) == Type::s8)
    return integer_lstm(call, sequence_of(call, time_major), call.node.real("cell_clip", 0.0F));
  require_float(call);
  Recurrent layer = lstm_weights(call, 1, 5, 12);
  layer.cell_clip = call.node.real("cell_clip", 0.0F);
  call.give(run_direction(call, call[0], time_major, layer, 18, 19));
}

/// Both directions' results: one behind the other in the channels, or two.
void give_both(Call& call, const Value& forward, const Value& backward) {
  if (call.node.whole("merge_outputs", 0) != 0) return call.give(call.make.concat({forward, backward}, 2));
  if (call.out.size() < 2) unsupported("it has one result for two directions", "export the model again");
  call.out[0] = forward, call.out[1] = backward;
}

/// The way back reads the auxiliary input where there is one that has no weights of its own.
Value way_back(Call& call, std::size_t auxiliary, std::size_t weights) {
  refuse_operands(call, auxiliary + 1, auxiliary + 1 + weights, "an auxiliary input with weights of its own");
  return call.has(auxiliary) ? call[auxiliary] : call[0];
}

void bidirectional_lstm(Call& call) {
  for (const std::size_t first : {std::size_t{1}, std::size_t{18}}) {
    refuse_operands(call, first + 8, first + 11, "peephole weights");
    refuse_operands(call, first + 15, first + 17, "a projection of its output");
  }
  check_options(call);
  require_float(call);
  const bool time_major = call.node.whole("time_major", 1) != 0;
  Recurrent forward = lstm_weights(call, 1, 5, 12), backward = lstm_weights(call, 18, 22, 29);
  forward.cell_clip = backward.cell_clip = call.node.real("cell_clip", 0.0F);
  backward.reverse = true;
  const Value there = run_direction(call, call[0], time_major, forward, 35, 36);
  give_both(call, there, run_direction(call, way_back(call, 39, 8), time_major, backward, 37, 38));
}

/// Weights, recurrent weights and bias from operand `first` on.
Recurrent rnn_weights(Call& call, std::size_t first) {
  require_float(call);
  const std::int64_t activation = call.node.whole("activation", 0);
  if (activation != 4 && activation != 1)
    unsupported("an activation other than tanh and relu", "train and convert the layer with one of these");
  Recurrent out;
  out.op = "rnn";
  out.activation = activation == 1 ? "relu" : "tanh";
  out.weights = transposed(real_weights(call, first, "weights"), {1, 0});
  out.recurrent = transposed(real_weights(call, first + 1, "weights"), {1, 0});
  out.bias = real_weights(call, first + 2, "bias");
  return out;
}

void unidirectional_rnn(Call& call) {
  call.give(run_direction(call, call[0], call.node.whole("time_major", 0) != 0, rnn_weights(call, 1), 4, 4));
}

void bidirectional_rnn(Call& call) {
  const bool time_major = call.node.whole("time_major", 0) != 0;
  const Recurrent forward = rnn_weights(call, 1);
  Recurrent backward = rnn_weights(call, 5);
  backward.reverse = true;
  const Value there = run_direction(call, call[0], time_major, forward, 4, 4);
  give_both(call, there, run_direction(call, way_back(call, 9, 2), time_major, backward, 8, 8));
}

/// One step.
void rnn(Call& call) {
  Dims own = call.dims(0);
  if (own.size() != 2) unsupported(fmt::format("a step of {}", text_of(own)));
  own.insert(own.begin(), 1);
  const Value made = run_direction(call, call.make.reshape(call[0], own), true, rnn_weights(call, 1), 4, 4);
  const Dims out = call.make.dims(made);
  call.give(call.make.reshape(made, {out[1], out[2]}));
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
    OperatorRow{"BIDIRECTIONAL_SEQUENCE_LSTM", bidirectional_lstm, "lstm"},
    OperatorRow{"UNIDIRECTIONAL_SEQUENCE_RNN", unidirectional_rnn, "rnn"},
    OperatorRow{"BIDIRECTIONAL_SEQUENCE_RNN", bidirectional_rnn, "rnn"},
    OperatorRow{"RNN", rnn, "rnn"},
    OperatorRow{"SVDF", svdf},
};

}  // namespace

std::span<const OperatorRow> tflite_recurrent() { return kRows; }

}  // namespace mote::tool::foreign
