// SPDX-License-Identifier: Apache-2.0
// mote info: what a model file holds.
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "model/model_file.hpp"
#include "mote/kernels/isa.hpp"
#include "tool/commands/commands.hpp"
#include "tool/data/array.hpp"
#include "tool/data/columns_learn.hpp"
#include "tool/data/data_set.hpp"
#include "tool/data/description.hpp"
#include "tool/data/file_io.hpp"
#include "tool/models/layer_title.hpp"
#include "tool/models/memory_plan.hpp"
#include "tool/pictures/graph_picture.hpp"
#include "tool/pictures/plot.hpp"
#include "tool/terminal/error.hpp"
#include "tool/terminal/suggest.hpp"

namespace mote::tool {
namespace {

using Json = nlohmann::ordered_json;

struct InfoJob {
  std::string model, svg;
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

Json layer_json(const Model& model, std::size_t i) {
  const Layer& layer = model.layers[i];
  std::vector<std::size_t> inputs;
  for (std::size_t k = 0; k < layer.input_count; ++k) inputs.push_back(model.operand(i, k));
  Json out{{"index", i},
           {"op", name(layer.op)},
           {"name", name(model, i)},
           {"text", layer_text(model, i)},
           {"inputs", inputs},
           {"shape", {layer.shape.h, layer.shape.w, layer.shape.c}},
           {"dtype", dtype_name(layer.dtype)},
           {"param_dtype", dtype_name(layer.param_dtype)},
           {"trainable", layer.trainable()},
           {"parameters", parameter_count(model, i, false)},
           {"parameter_bytes", layer.param_bytes},
           {"multiply_adds", multiply_adds(model, i)}};
  if (quantized(layer.dtype))
    out["scale"] = layer.quantization.scale, out["zero_point"] = layer.quantization.zero_point;
  return out;
}

/// A colour for each kind of work.
const char* colour_of(const Layer& layer) {
  switch (layer.op) {
    case Op::input:
    case Op::output:
    case Op::state:
    case Op::assign: return "#c9e7b5";
    case Op::constant: return "#e6e6e6";
    case Op::dense:
    case Op::conv2d:
    case Op::depthwise_conv2d:
    case Op::matmul:
    case Op::lstm:
    case Op::gru:
    case Op::rnn: return "#a9cbe8";
    case Op::max_pool:
    case Op::average_pool:
    case Op::global_average_pool: return "#d5c3e6";
    case Op::quantize:
    case Op::dequantize:
    case Op::requantize: return "#f6c6c0";
    default:
      return is_activation(layer.op) ? "#fbe0a8" : is_movement(layer.op) || is_alias(layer.op) ? "#eeeeee" : "#f3e9d2";
  }
}

std::vector<GraphBox> boxes_of(const Model& model) {
  std::vector<GraphBox> out;
  for (std::size_t i = 0; i < model.layers.size(); ++i) {
    const Layer& layer = model.layers[i];
    GraphBox box;
    box.title = layer_title(model, i);
    if (const std::size_t at = box.title.find(" frozen"); at != std::string::npos) box.title.erase(at);
    const std::string called(name(model, i));
    box.lines.push_back(called.empty() ? fmt::format("layer {}", i) : fmt::format("{}: {}", i, called));
    box.lines.push_back(shape_text(layer.shape) +
                        (layer.dtype == DType::f32 ? "" : std::string(" ") + dtype_name(layer.dtype)));
    box.colour = colour_of(layer);
    box.beside = layer.op == Op::constant;
    for (std::size_t k = 0; k < layer.input_count; ++k)
      if (std::ranges::find(box.reads, model.operand(i, k)) == box.reads.end())
        box.reads.push_back(model.operand(i, k));
    out.push_back(std::move(box));
  }
  return out;
}

std::string column_name(const NamedColumn& column) {
  return column.name.empty() ? fmt::format("column {}", column.column) : in_quotes(column.name);
}

/// What whoever feeds the model must know.
std::string description_text(const Description& d) {
  std::string out;
  for (const auto& [what, ends] : {std::pair("input", &d.model_inputs), std::pair("output", &d.model_outputs)})
    for (std::size_t i = 0; i < ends->size(); ++i)
      out += fmt::format("{:<12} {} {} ({})\n", fmt::format("{} {}", what, i), (*ends)[i].type,
                         dims_text((*ends)[i].shape), (*ends)[i].name);
  if (d.scale && (*d.scale != 1.0F || (d.scale_of == ScaleOf::any && d.model_inputs.empty())))
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
  if (!job.svg.empty()) AtomicFile::claim(job.svg, FileKind::picture);
  const GivenModel given = model_from_argument(job.model, "MODEL", Parameters::none);
  const Model model = given.model.view();
  if (job.text_only)
    return print_result(context, {{"command", "info"}, {"network", model_text(model)}}, model_text(model));
  const bool named = std::ranges::any_of(model.names, [](char c) { return c != 0; });
  const auto row = [named](const auto& i, const std::string& layer, const std::string& called, const std::string& reads,
                           const std::string& type, const std::string& shape, const std::string& parameters,
                           const std::string& adds, const std::string& bytes) {
    const std::string own = named ? fmt::format("{:<20} ", shortened(called, 20)) : "";
    return fmt::format("{:>4}  {:<36} {}{:<9} {:<8} {:>13} {:>12} {:>14} {:>12}\n", i, layer, own, reads, type, shape,
                       parameters, adds, bytes);
  };
  const auto number = [](std::uint64_t n) { return n == 0 ? std::string() : grouped(n); };
  std::string text = row("", "layer", "name", "reads", "type", "output", "parameters", "multiply-adds", "bytes");
  Json layers = Json::array();
  std::uint64_t parameters = 0, trainable = 0, operations = 0;
  for (std::size_t i = 0; i < model.layers.size(); ++i) {
    const Layer& layer = model.layers[i];
    const std::uint64_t count = parameter_count(model, i, false), adds = multiply_adds(model, i);
    parameters += count, operations += adds;
    if (layer.trainable()) trainable += parameter_count(model, i, true);
    text += row(i, layer_title(model, i), std::string(name(model, i)), inputs_text(model, i), dtype_name(layer.dtype),
                shape_text(layer.shape), number(count), number(adds), number(layer.param_bytes));
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
  const AlignedBytes bytes = given.has_params ? read_model_file(job.model) : AlignedBytes();
  FileHeader header;
  header.magic = {};
  if (bytes.size() >= sizeof header) std::memcpy(&header, bytes.data(), sizeof header);
  if (header.magic == FileHeader::kMagic) {  // files of other formats were imported
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
  if (!job.svg.empty()) {
    write_file(job.svg, FileKind::picture, graph_picture(job.model, boxes_of(model)));
    text += fmt::format("picture      {}\n", job.svg);
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
  mote info keywords.tflite --svg keywords.svg
  mote info fashion.mote --text > net.txt          the network in the text form (mote train --help)
)");
  options.text("MODEL", job->model, "FILE|TEXT", "model file, text file or text");
  options.flag("--text", job->text_only, "print the network in the text form and nothing else")
      .only_with({{"MODEL", {}}})
      .not_with({{"--cpu", {}}});
  options.text("--svg", job->svg, "FILE", "picture of the graph to write")
      .only_with({{"MODEL", {}}})
      .not_with({{"--text", {}}});
  options.flag("--cpu", job->cpu, "say which instruction set the kernels use, and which there are (see mote --isa)");
  add_force(options, context, {{"--svg", {}}});
  options.run([job, &context] { show(*job, context); });
}

}  // namespace mote::tool
