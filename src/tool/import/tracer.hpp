// SPDX-License-Identifier: Apache-2.0
// Walks through a file's operators with concrete shapes and makes steps of them. What it cannot make is noted and the
// walk goes on: all reasons are told at once.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tool/import/call.hpp"
#include "tool/import/graph.hpp"
#include "tool/import/network.hpp"

namespace mote::tool::foreign {

/// What the command line fixes of what the file leaves open.
struct Fixed {
  std::int64_t batch = 1;
  std::map<std::string, Dims> inputs;  // by name
  std::map<std::string, Dims> arrays;  // by name or number, of arrays that wait for the inputs: taken where they fit
};

/// One operator that cannot be imported, or (no operator) a tensor or the graph itself.
struct Refusal {
  std::string op, name;
  std::optional<std::size_t> index;
  std::string why, remedy;
};

class Tracer {
 public:
  Tracer(const FileModel& file, Fixed fixed) : file_(file), fixed_(std::move(fixed)) {}

  /// The whole model; refusals() tells whether it is whole.
  void run();
  [[nodiscard]] Network& network() { return make_.network; }
  void trace_for_samples() { make_.for_samples = true; }
  [[nodiscard]] const std::vector<Refusal>& refusals() const { return refusals_; }

  /// Another graph of the file on values of this one; throws Unsupported where the graph as a whole does not fit.
  /// `outer`: where names of an ONNX subgraph come from that it does not make itself.
  std::vector<Value> call(const FileGraph& graph, const std::vector<Value>& inputs, const FileGraph* outer);

  /// What lives from one run to the next: the value at the run's start, and as the walk stands.
  struct Variable {
    Value state, value;
  };
  /// The variable of that name, made if it is not there.
  Variable& variable(const std::string& name, Type type, const Dims& dims, const Scaling& scaling);
  std::map<std::string, Variable> variables;
  bool begins = false;                     // what runs once, before the first run
  std::map<std::string, Literal> initial;  // values that variables begin with

 private:
  struct Scope;
  void keep_variables();
  void take_scaling(const FileGraph& graph, const FileNode& node, std::size_t first);
  void trace(const FileGraph& graph, Scope& scope);
  void trace(const FileGraph& graph, const FileNode& node, Scope& scope);
  Value input(const FileGraph& graph, int tensor);
  [[nodiscard]] std::optional<Value> value_of(const FileGraph& graph, int tensor, Scope& scope);
  void refuse(const FileNode& node, std::string why, std::string remedy);
  void refuse_unknown(const FileNode& node);

  const FileModel& file_;
  Fixed fixed_;
  Maker make_;
  std::vector<Refusal> refusals_;
  std::vector<Scope*> scopes_;
  int depth_ = 0;
};

}  // namespace mote::tool::foreign
