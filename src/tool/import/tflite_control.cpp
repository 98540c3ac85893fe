// SPDX-License-Identifier: Apache-2.0
// Control flow and variables of the .tflite format. Conditions must be known at import: branches that are not taken are
// not there, loops are unrolled.
#include <fmt/format.h>

#include <array>

#include "tool/import/tflite_common.hpp"
#include "tool/import/tracer.hpp"

namespace mote::tool::foreign {
namespace {

const FileGraph& subgraph(Call& call, const char* option) {
  const std::int64_t index = call.node.whole(option, -1);
  if (index < 0 || static_cast<std::size_t>(index) >= call.file.graphs.size())
    unsupported(fmt::format("it calls subgraph {}, and there are {}", index, call.file.graphs.size()));
  return call.file.graphs[static_cast<std::size_t>(index)];
}

void give_all(Call& call, std::vector<Value> values) {
  if (values.size() != call.out.size())
    unsupported(fmt::format("its subgraph has {} results, not {}", values.size(), call.out.size()));
  call.out = std::move(values);
}

void branch(Call& call) {
  const Literal& condition = call.make.must_be_constant(call[0], "condition");
  const FileGraph& chosen = subgraph(call, condition.whole(0) != 0 ? "then_subgraph" : "else_subgraph");
  give_all(call, call.tracer.call(chosen, {call.in.begin() + 1, call.in.end()}, nullptr));
}

void loop(Call& call) {
  constexpr int kMostRounds = 4096;
  const FileGraph& condition = subgraph(call, "cond_subgraph");
  const FileGraph& body = subgraph(call, "body_subgraph");
  std::vector<Value> values = call.in;
  for (int round = 0;; ++round) {
    if (round == kMostRounds) unsupported(fmt::format("a loop of more than {} rounds", kMostRounds));
    const std::vector<Value> again = call.tracer.call(condition, values, nullptr);
    if (again.size() != 1 || !again.front().there()) unsupported("its condition cannot be computed");
    if (call.make.must_be_constant(again.front(), "condition").whole(0) == 0) break;
    values = call.tracer.call(body, values, nullptr);
    for (const Value& v : values)
      if (!v.there()) unsupported("its body cannot be computed");
  }
  give_all(call, std::move(values));
}

void call_graph(Call& call) { give_all(call, call.tracer.call(subgraph(call, "subgraph"), call.in, nullptr)); }

/// What runs once fills variables with constants.
void call_once(Call& call) {
  call.tracer.begins = true;
  try {
    static_cast<void>(call.tracer.call(subgraph(call, "init_subgraph"), {}, nullptr));
  } catch (...) {
    call.tracer.begins = false;
    throw;
  }
  call.tracer.begins = false;
}

/// A handle is a constant that only carries the variable's name.
void var_handle(Call& call) {
  Value handle = call.make.constant(Literal(Type::s32, {}));
  call.make.step(handle).name = call.node.text("container", "") + "/" + call.node.text("shared_name", "");
  call.give(handle);
}

std::string variable_name(Call& call) {
  const Value& handle = call[0];
  if (!call.make.constant(handle) || call.make.step(handle).name.empty()) unsupported("it has no variable");
  return call.make.step(handle).name;
}

void assign_variable(Call& call) {
  const std::string name = variable_name(call);
  if (call.tracer.begins) {
    call.tracer.initial[name] = call.make.must_be_constant(call[1], "first value");
    return;
  }
  const FileTensor& given = call.tensor_of_input(1);
  Tracer::Variable& variable = call.tracer.variable(name, call.make.type(call[1]), call.dims(1), given.scaling);
  variable.value = call[1];
}

void read_variable(Call& call) {
  const std::string name = variable_name(call);
  const FileTensor& out = call.tensor_of_output();
  Dims dims = out.dims;
  if (const auto first = call.tracer.initial.find(name); first != call.tracer.initial.end())
    dims = first->second.dims();
  for (std::int64_t& extent : dims)
    if (extent == kOpen) extent = 1;
  call.give(call.tracer.variable(name, out.type, dims, out.scaling).value);
}

constexpr std::array kRows = {
    OperatorRow{"IF", branch},
    OperatorRow{"WHILE", loop},
    OperatorRow{"CALL", call_graph},
    OperatorRow{"STABLEHLO_COMPOSITE", call_graph},
    OperatorRow{"CALL_ONCE", call_once},
    OperatorRow{"VAR_HANDLE", var_handle},
    OperatorRow{"ASSIGN_VARIABLE", assign_variable},
    OperatorRow{"READ_VARIABLE", read_variable},
};

}  // namespace

std::span<const OperatorRow> tflite_control() { return kRows; }

}  // namespace mote::tool::foreign
