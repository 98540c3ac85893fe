// SPDX-License-Identifier: Apache-2.0
// mote info: what a model file holds.
#include <fmt/format.h>

#include <array>
#include <memory>
#include <nlohmann/json.hpp>

#include "model/model_file.hpp"
#include "mote/kernels/isa.hpp"
#include "tool/commands/commands.hpp"
#include "tool/data/columns_learn.hpp"
#include "tool/data/description.hpp"
#include "tool/models/memory_plan.hpp"
#include "tool/terminal/error.hpp"
#include "tool/terminal/suggest.hpp"

namespace mote::tool {
namespace {

using Json = nlohmann::ordered_json;

struct InfoJob {
  std::string model;
  bool text_only = false, cpu = false;
};

std::uint64_t parameter_count(const Model& model, std::size_t index, bool learned_only) {
  std::uint64_t count = 0;
  const ParamArrays arrays = param_arrays(model.layers[index], model.input_shape_of(index));
  for (const ParamArray& array : arrays)
    if (array.learned || !learned_only) count += array.count;
  return count;
}

std::string inputs_text(const Model& model, std::size_t index) {
  const Layer& layer = model.layers[index];
  std::string out;
  for (std::size_t k = 0; k < layer.input_count; ++k)
    out += (out.empty() ? "" : ",") + std::to_string(model.operand(index, k));
  return layer.input_count == 1 && model.operand(index) + 1 == index ? "" : out;
}

std::string dtype_text(DType type) {
  constexpr std::array<const char*, kDTypes> kNames{"none",  "float32", "int8", "int32",
                                                    "uint8", "int16",   "bool", "float16"};
  return kNames[static_cast<std::size_t>(type)];
}

Json layer_json(const Model& model, std::size_t i) {
  const Layer& layer = model.layers[i];
  std::vector<std::size_t> inputs;
  for (std::size_t k = 0; k < layer.input_count; ++k) inputs.push_back(model.operand(i, k));
  return {{"index", i},
          {"op", name(layer.op)},
          {"text", layer_text(model, i)},
          {"inputs", inputs},
          {"shape", {layer.shape.h, layer.shape.w, layer.shape.c}},
          {"dtype", dtype_text(layer.dtype)},
          {"trainable", layer.trainable()},
          {"parameters", parameter_count(model, i, false)},
          {"parameter_bytes", layer.param_bytes},
          {"multiply_adds", multiply_adds(model, i)}};
}

std::string column_name(const NamedColumn& column) {
  return column.name.empty() ? fmt::format("column {}", column.column) : in_quotes(column.name);
}

/// What whoever feeds the model must know.
std::string description_text(const Description& d) {
  std::string out;
  if (d.scale && (*d.scale != 1.0F || d.scale_of == ScaleOf::any))
    out += fmt::format("inputs       {} are multiplied by {} before they reach the network: firmware does it too\n",
                       d.scale_of == ScaleOf::bytes ? "bytes" : "numbers", *d.scale);
  std::size_t at = 0;
  constexpr std::size_t kMost = 40;
  for (std::size_t i = 0; i < std::min(d.inputs.size(), kMost); ++i) {
    const InputColumn& column = d.inputs[i];
    if (column.categories.empty()) {
      out += fmt::format("input {:<6} {} (if missing: {:.6g})\n", at, column_name(column), column.fill);
    } else {
      out += fmt::format("input {:<6} {}: 1 at its category, 0 at the others: {}\n",
                         fmt::format("{}-{}", at, at + column.categories.size() - 1), column_name(column),
                         some_of(column.categories));
    }
    at += column.inputs();
  }
  if (d.inputs.size() > kMost) out += fmt::format("input ...    {} columns in all\n", d.inputs.size());
  if (!d.classes.empty())
    out += fmt::format("classes      {}{}\n", d.label && !d.label->name.empty() ? d.label->name + ": " : "",
                       some_of(d.classes));
  std::vector<std::string> names;
  for (const NamedColumn& target : d.targets) names.push_back(column_name(target));
  if (!names.empty()) out += fmt::format("targets      {}\n", some_of(names));
  if (!d.loss.empty())
    out += fmt::format("trained for  {}{}\n", d.loss, d.reconstructs ? ", to give its inputs back" : "");
  return out;
}

void show(const InfoJob& job, const Context& context) {
  if (job.model.empty() && !job.cpu) throw usage_error("no model given", "give a model file, or --cpu");
  if (job.model.empty()) {
    std::vector<std::string> sets;
    for (std::size_t i = 0; runnable_isa(i) != nullptr; ++i) sets.emplace_back(runnable_isa(i));
    return print_result(context, {{"command", "info"}, {"isa", isa_name()}, {"runnable", sets}},
                        fmt::format("kernels {} (this computer can run: {})\n", isa_name(), fmt::join(sets, ", ")));
  }
  const GivenModel given = model_from_argument(job.model, "MODEL", Parameters::none);
  const Model model = given.model.view();
  if (job.text_only)
    return print_result(context, {{"command", "info"}, {"network", model_text(model)}}, model_text(model));
  std::string text = fmt::format("{:>3}  {:<38} {:<9} {:>12} {:>12} {:>14}\n", "", "layer", "reads", "output",
                                 "parameters", "multiply-adds");
  Json layers = Json::array();
  std::uint64_t parameters = 0, trainable = 0, operations = 0;
  for (std::size_t i = 0; i < model.layers.size(); ++i) {
    const Layer& layer = model.layers[i];
    const std::uint64_t count = parameter_count(model, i, false), adds = multiply_adds(model, i);
    parameters += count, operations += adds;
    if (layer.trainable()) trainable += parameter_count(model, i, true);
    text += fmt::format("{:>3}  {:<38} {:<9} {:>12} {:>12} {:>14}\n", i, layer_text(model, i), inputs_text(model, i),
                        shape_text(layer.shape), count == 0 ? "" : grouped(count), adds == 0 ? "" : grouped(adds));
    layers.push_back(layer_json(model, i));
  }
  const OwnedPlan plan = plan_of(given.model, {});
  text += fmt::format("\nparameters   {} ({} trainable), {} bytes\nwork         {} multiply-adds a sample\n",
                      grouped(parameters), grouped(trainable), grouped(model.param_bytes), grouped(operations));
  text += fmt::format("arena        {} bytes for one sample (lower bound of the buffers {})\n",
                      grouped(plan.arena_bytes()), grouped(plan.plan.lower_bound_bytes));
  Json json{{"command", "info"},
            {"model", job.model},
            {"layers", layers},
            {"parameters", parameters},
            {"trainable_parameters", trainable}};
  json["parameter_bytes"] = model.param_bytes;
  json["multiply_adds"] = operations;
  json["arena_bytes"] = plan.arena_bytes();
  json["lower_bound_bytes"] = plan.plan.lower_bound_bytes;
  if (given.has_params) {
    const AlignedBytes bytes = read_model_file(job.model);
    FileHeader header;
    std::memcpy(&header, bytes.data(), sizeof header);
    text += fmt::format("file         {} bytes, version {}, CRC-32 {:08x}, parameters aligned to {}\n",
                        grouped(bytes.size()), header.version, header.crc, header.alignment);
    json["file"] = {{"bytes", bytes.size()},
                    {"version", header.version},
                    {"crc32", fmt::format("{:08x}", header.crc)},
                    {"alignment", header.alignment}};
  }
  if (!given.model.description.empty()) {
    const std::optional<Description> known = read_description(given.model.description);
    text += known ? description_text(*known) : fmt::format("description  {} bytes\n", given.model.description.size());
    json["description"] = known ? Json::parse(known->json()) : Json(nullptr);
  }
  if (job.cpu) text += fmt::format("kernels      {}\n", isa_name());
  json["isa"] = isa_name();
  print_result(context, json, text);
}

}  // namespace

void add_info(CLI::App& app, Context& context) {
  const auto job = std::make_shared<InfoJob>();
  Options& options = add_command(app, context, "info", "Layers, shapes, parameters and work of a model.", R"(EXAMPLES
  mote info fashion.mote
  mote info fashion.mote --text > net.txt          the network in the text form (mote train --help)
)");
  options.text("MODEL", job->model, "FILE|TEXT", "model file, text file or text");
  options.flag("--text", job->text_only, "print the network in the text form and nothing else")
      .only_with({{"MODEL", {}}})
      .not_with({{"--cpu", {}}});
  options.flag("--cpu", job->cpu, "say which instruction set the kernels use, and which there are (see mote --isa)");
  options.run([job, &context] { show(*job, context); });
}

}  // namespace mote::tool
