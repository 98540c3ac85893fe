// SPDX-License-Identifier: Apache-2.0
// Control flow of the .onnx format: conditions must be known at import, loops are unrolled.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>

#include "tool/import/onnx_common.hpp"
#include "tool/import/tracer.hpp"

namespace mote::tool::foreign {
namespace {

const FileGraph& subgraph(Call& call, const char* attribute) {
  const Setting* found = call.node.find(attribute);
  if (found == nullptr || !std::holds_alternative<std::shared_ptr<FileGraph>>(*found))
    unsupported(fmt::format("it has no {}", attribute), "export the model again");
  return *std::get<std::shared_ptr<FileGraph>>(*found);
}

void branch(Call& call) {
  const Literal& condition = call.make.must_be_constant(call[0], "condition");
  if (condition.count() != 1) unsupported("its condition is not one value");
  const FileGraph& chosen = subgraph(call, condition.whole(0) != 0 ? "then_branch" : "else_branch");
  std::vector<Value> results = call.tracer.call(chosen, {}, &call.graph);
  if (results.size() < call.out.size()) unsupported("its branch has too few results");
  results.resize(call.out.size());
  call.out = std::move(results);
}

void loop(Call& call) {
  constexpr std::int64_t kMostRounds = 4096;
  Maker& make = call.make;
  const FileGraph& body = subgraph(call, "body");
  const std::int64_t rounds = call.has(0) ? make.must_be_constant(call[0], "number of rounds").whole(0)
                                          : std::numeric_limits<std::int64_t>::max();
  Value again = call.has(1) ? call[1] : make.scalar(1.0, Type::boolean);
  if (call.in.size() < 2) unsupported("its operands are missing");
  std::vector<Value> carried(call.in.begin() + 2, call.in.end());
  if (call.out.size() < carried.size()) unsupported("it has too few results");
  std::vector<std::vector<Value>> gathered(call.out.size() - carried.size());
  for (std::int64_t round = 0; round < rounds; ++round) {
    if (make.must_be_constant(again, "condition").whole(0) == 0) break;
    if (round == kMostRounds) unsupported(fmt::format("a loop of more than {} rounds", kMostRounds));
    std::vector<Value> inputs{make.constant(Literal::of(std::array{round}).reshaped({})), again};
    inputs.insert(inputs.end(), carried.begin(), carried.end());
    const std::vector<Value> results = call.tracer.call(body, inputs, &call.graph);
    if (results.size() != 1 + carried.size() + gathered.size()) unsupported("its body has another number of results");
    for (const Value& v : results)
      if (!v.there()) unsupported("its body cannot be computed");
    again = results.front();
    std::copy_n(results.begin() + 1, carried.size(), carried.begin());
    for (std::size_t i = 0; i < gathered.size(); ++i) gathered[i].push_back(results[1 + carried.size() + i]);
  }
  for (std::size_t i = 0; i < gathered.size(); ++i) {
    if (gathered[i].empty()) unsupported("a loop without rounds gathers values");
    for (Value& v : gathered[i]) {
      Dims dims = make.dims(v);
      dims.insert(dims.begin(), 1);
      v = make.reshape(v, dims);
    }
    call.out[carried.size() + i] = make.concat(gathered[i], 0);
  }
  std::ranges::copy(carried, call.out.begin());
}

constexpr std::array kRows = {OperatorRow{"If", branch}, OperatorRow{"Loop", loop}};

}  // namespace

std::span<const OperatorRow> onnx_control() { return kRows; }

}  // namespace mote::tool::foreign
