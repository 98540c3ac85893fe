// SPDX-License-Identifier: Apache-2.0
#include "tool/import/tracer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>
#include <unordered_map>

namespace mote::tool::foreign {

/// Values of one graph's tensors while the walk is in it. A tensor without one after its operator: it was refused.
struct Tracer::Scope {
  const FileGraph* graph = nullptr;
  std::unordered_map<int, Value> values;
  std::unordered_map<int, bool> lost;
  Scope* outer = nullptr;
  std::unordered_map<std::string, int> names;  // of tensors, made when an inner graph asks
};

void Tracer::refuse(const FileNode& node, std::string why, std::string remedy) {
  refusals_.push_back({node.op, node.name, node.index, std::move(why), std::move(remedy)});
}

/// Why there is no row for the operator.
void Tracer::refuse_unknown(const FileNode& node) {
  if (file_.format == Format::tflite) return refuse(node, "mote has no such operator", "");
  const bool training = node.op.ends_with("Grad") || node.op.starts_with("SoftmaxCrossEntropyLoss") ||
                        node.op == "SGD" || node.op.starts_with("Adam") || node.op == "Adagrad" ||
                        node.op == "Momentum";
  if (training) return refuse(node, "this is a training graph", "export the forward graph");
  if (is_onnx_operator(node.op)) return refuse(node, "mote has no such operator", "");
  refuse(node,
         node.op.find(':') == std::string::npos
             ? fmt::format("it is not in the standard (domain ai.onnx, opset {})", file_.opset)
             : "its domain is not the standard's",
         "");
}

void Tracer::run() {
  const FileGraph& graph = file_.graphs.front();
  Scope scope;
  scope.graph = &graph;
  make_.budget += 64 * static_cast<std::int64_t>(file_.bytes);
  for (const auto& wish : fixed_.inputs) {
    const std::string& name = wish.first;
    if (std::ranges::none_of(graph.inputs,
                             [&](int i) { return graph.tensors[static_cast<std::size_t>(i)].name == name; }))
      refusals_.push_back(
          {"", "", {}, fmt::format("there is no input \"{}\" to shape", name), "see mote info for their names"});
  }
  for (const int tensor : graph.inputs) {
    try {
      if (!scope.values.contains(tensor)) scope.values[tensor] = input(graph, tensor);
    } catch (const Unsupported& reason) {
      scope.lost[tensor] = true;
      refusals_.push_back({"", graph.tensors[static_cast<std::size_t>(tensor)].name, {}, reason.why, reason.remedy});
    }
  }
  trace(graph, scope);
  keep_variables();
  if (graph.inputs.empty()) refusals_.push_back({"", "", {}, "the model has no input", ""});
  if (graph.outputs.empty()) refusals_.push_back({"", "", {}, "the model has no output", ""});
  for (const int tensor : graph.outputs) {
    const FileTensor& described = graph.tensors[static_cast<std::size_t>(tensor)];
    try {
      const std::optional<Value> value = value_of(graph, tensor, scope);
      if (!value) continue;
      const Dims dims = make_.dims(*value);
      // Labels that are texts are class numbers here.
      const Type type = described.type == Type::other    ? make_.type(*value)
                        : described.type == Type::string ? Type::s64
                                                         : described.type;
      make_.network.outputs.push_back({make_.laid_out(*value), described.name, dims, type});
    } catch (const Unsupported& reason) {
      refusals_.push_back({"", described.name, {}, reason.why, reason.remedy});
    }
  }
}

namespace {

/// Whether `dims` is the tensor's shape where the file does not leave it open.
bool fits_open(const FileTensor& tensor, const Dims& dims) {
  if (!tensor.ranked) return true;
  return std::ranges::equal(tensor.dims, dims,
                            [](std::int64_t of_file, std::int64_t x) { return of_file == kOpen || of_file == x; });
}

const Dims* array_for(const Fixed& fixed, const FileTensor& tensor, std::size_t number) {
  auto found = fixed.arrays.find(tensor.name);
  if (found == fixed.arrays.end()) found = fixed.arrays.find(std::to_string(number));
  return found != fixed.arrays.end() && fits_open(tensor, found->second) ? &found->second : nullptr;
}

}  // namespace

Value Tracer::input(const FileGraph& graph, int tensor) {
  const FileTensor& described = graph.tensors[static_cast<std::size_t>(tensor)];
  const auto number = std::ranges::find(graph.inputs, tensor) - graph.inputs.begin();
  if (bytes_of(described.type) == 0)
    unsupported(fmt::format("tensor type {} (input {}, {})", name_of(described.type), number, described.name));
  if (!described.trouble.empty())
    unsupported(fmt::format("input {} ({}): {}", number, described.name, described.trouble));
  Dims dims = described.dims;
  if (const auto given = fixed_.inputs.find(described.name); given != fixed_.inputs.end()) {
    if (!fits_open(described, given->second))
      unsupported(fmt::format("input {} ({}) is {} in the file, not {}", number, described.name, text_of(dims),
                              text_of(given->second)));
    dims = given->second;
  } else if (const Dims* array = array_for(fixed_, described, static_cast<std::size_t>(number)); array != nullptr) {
    dims = *array;
  } else if (!described.ranked) {
    unsupported(fmt::format("input {} ({}) has no shape in the file", number, described.name),
                fmt::format("give --input-shape {}=1,…", described.name));
  }
  if (!dims.empty() && dims.front() == kOpen) dims.front() = fixed_.batch;
  for (const std::int64_t extent : dims) {
    if (extent == kOpen)
      unsupported(
          fmt::format("the file leaves the shape of input {} ({}) open: {}", number, described.name, text_of(dims)),
          fmt::format("give --input-shape {}=1,…", described.name));
    if (extent == 0) unsupported(fmt::format("input {} ({}) is empty: {}", number, described.name, text_of(dims)));
  }
  return make_.input(described.name, described.type, std::move(dims), described.scaling);
}

std::optional<Value> Tracer::value_of(const FileGraph& graph, int tensor, Scope& scope) {
  if (const auto found = scope.values.find(tensor); found != scope.values.end()) return found->second;
  if (scope.lost.contains(tensor)) return std::nullopt;
  const FileTensor& described = graph.tensors[static_cast<std::size_t>(tensor)];
  if (described.constant) return scope.values[tensor] = make_.constant(Literal(described));
  if (described.variable)
    return scope.values[tensor] = variable(described.name, described.type, described.dims, described.scaling).value;
  for (Scope* outer = scope.outer; outer != nullptr && file_.format == Format::onnx; outer = outer->outer) {
    if (outer->names.empty())
      for (std::size_t i = 0; i < outer->graph->tensors.size(); ++i)
        outer->names.emplace(outer->graph->tensors[i].name, static_cast<int>(i));
    if (const auto at = outer->names.find(described.name); at != outer->names.end())
      return value_of(*outer->graph, at->second, *outer);
  }
  unsupported(fmt::format("tensor {} is used before an operator makes it", described.name), "export the model again");
}

void Tracer::trace(const FileGraph& graph, Scope& scope) {
  scopes_.push_back(&scope);
  for (const FileNode& node : graph.nodes) trace(graph, node, scope);
  scopes_.pop_back();
}

void Tracer::trace(const FileGraph& graph, const FileNode& node, Scope& scope) {
  make_.origin = node.index;
  const auto lose = [&] {
    for (const int tensor : node.outputs)
      if (tensor != kAbsent) scope.lost[tensor] = true;
  };
  const OperatorRow* row =
      file_.format == Format::tflite ? tflite_operator_named(node.op) : onnx_operator_named(node.op);
  if (!node.trouble.empty() || row == nullptr) {
    if (!node.trouble.empty())
      refuse(node, node.trouble, node.remedy);
    else
      refuse_unknown(node);
    return lose();
  }
  Call call{make_, *this, file_, graph, node, std::string(row->record), {}, std::vector<Value>(node.outputs.size())};
  try {
    bool whole = true;
    for (const int tensor : node.inputs) {
      if (tensor == kAbsent) {
        call.in.emplace_back();
        continue;
      }
      const std::optional<Value> value = value_of(graph, tensor, scope);
      whole = whole && value.has_value();
      call.in.push_back(value.value_or(Value{}));
    }
    if (!whole) return lose();  // what it reads was refused already
    const std::size_t first = make_.network.steps.size();
    row->function(call);
    if (file_.format == Format::tflite) take_scaling(graph, node, first);
    for (std::size_t i = 0; i < node.outputs.size(); ++i) {
      if (node.outputs[i] == kAbsent) continue;
      if (call.out[i].there()) {
        scope.values[node.outputs[i]] = call.out[i];
        Step& made = make_.step(call.out[i]);
        if (made.name.empty()) made.name = graph.tensors[static_cast<std::size_t>(node.outputs[i])].name;
      } else {
        scope.lost[node.outputs[i]] = true;
        if (file_.format == Format::onnx) continue;
      }
    }
  } catch (const Unsupported& reason) {
    refuse(node, reason.why, reason.remedy);
    lose();
  } catch (const std::logic_error&) {  // an index that no check foresaw
    refuse(node, "its operands and attributes do not fit together", "export the model again");
    lose();
  }
}

Tracer::Variable& Tracer::variable(const std::string& name, Type type, const Dims& dims, const Scaling& scaling) {
  const auto [at, fresh] = variables.try_emplace(name);
  if (!fresh) return at->second;
  Step made;
  made.op = "state";
  made.type = type;
  made.dims = dims;
  for (std::int64_t& extent : made.dims)
    if (extent == kOpen) extent = 1;
  made.scaling = scaling;
  made.name = name;
  if (const auto first = initial.find(name); first != initial.end()) {
    made.type = first->second.type();
    made.dims = first->second.dims();
    made.weights.push_back(first->second);
  }
  at->second.state = at->second.value = make_.add(std::move(made));
  return at->second;
}

void Tracer::keep_variables() {
  for (const auto& [name, variable] : variables) {
    if (!variable.state.there() || variable.value.step == variable.state.step) continue;
    Step made;
    made.op = "assign";
    made.type = make_.type(variable.state);
    made.dims = make_.dims(variable.state);
    made.scaling = make_.step(variable.state).scaling;
    const Value value = make_.reshape(variable.value, made.dims);
    made.in = {variable.state.step, make_.laid_out(value)};
    make_.add(std::move(made));
  }
}

/// Quantised results have the scale that the file gives them, and so have the steps that an operator became, but for
/// those that only move values or that have a scale of their own.
void Tracer::take_scaling(const FileGraph& graph, const FileNode& node, std::size_t first) {
  if (node.outputs.empty() || node.outputs.front() == kAbsent) return;
  const FileTensor& result = graph.tensors[static_cast<std::size_t>(node.outputs.front())];
  const bool quantized = result.type == Type::s8 || result.type == Type::u8 || result.type == Type::s16;
  if (!quantized || result.scaling.scales.empty()) return;
  for (std::size_t i = first; i < make_.network.steps.size(); ++i) {
    Step& made = make_.network.steps[i];
    if (made.op == "constant" || made.op == "state" || made.op == "assign" || made.type == Type::s32) continue;
    if (!made.scaling.scales.empty() && !made.op.starts_with("reduce_")) continue;
    static constexpr std::string_view kKeep[] = {"reshape", "transpose", "slice",    "pad",          "pad_reflect",
                                                 "tile",    "gather",    "max_pool", "average_pool", "resize_nearest"};
    const bool keeps = std::ranges::find(kKeep, made.op) != std::end(kKeep);
    const Step* from = keeps ? &make_.network.steps[static_cast<std::size_t>(made.in.front())] : nullptr;
    made.type = keeps ? from->type : result.type;
    made.scaling = keeps ? from->scaling : result.scaling;
  }
}

std::vector<Value> Tracer::call(const FileGraph& graph, const std::vector<Value>& inputs, const FileGraph* outer) {
  constexpr int kMostDepth = 16;
  if (depth_ >= kMostDepth) unsupported("subgraphs call each other too deeply");
  if (inputs.size() != graph.inputs.size())
    unsupported(fmt::format("subgraph {} takes {} inputs, not {}", graph.name, graph.inputs.size(), inputs.size()));
  Scope scope;
  scope.graph = &graph;
  if (outer != nullptr && !scopes_.empty()) scope.outer = scopes_.back();
  for (std::size_t i = 0; i < inputs.size(); ++i) scope.values[graph.inputs[i]] = inputs[i];
  const std::size_t refused = refusals_.size(), origin = make_.origin;
  ++depth_;
  trace(graph, scope);
  --depth_;
  make_.origin = origin;
  std::vector<Value> out;
  for (const int tensor : graph.outputs) {
    const std::optional<Value> value = value_of(graph, tensor, scope);
    out.push_back(value.value_or(Value{}));
    if (!value && refusals_.size() == refused) unsupported("a subgraph's output is not computed");
  }
  return out;
}

}  // namespace mote::tool::foreign
