// SPDX-License-Identifier: Apache-2.0
// mote export: a model as an ONNX or TensorFlow Lite file.
#include "tool/export/export.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "tool/commands/commands.hpp"
#include "tool/data/description.hpp"
#include "tool/data/file_io.hpp"
#include "tool/models/memory_plan.hpp"
#include "tool/models/model_source.hpp"

namespace mote::tool {
namespace {

using Json = nlohmann::ordered_json;

struct ExportJob {
  std::string model, out;
};

std::string extents_of(const foreign::ExportedEnd& end) {
  std::string out;
  for (const std::int64_t dim : end.dims) out += (out.empty() ? "" : "x") + (dim < 0 ? "batch" : std::to_string(dim));
  return out;
}

Json ends_json(const std::vector<foreign::ExportedEnd>& ends) {
  Json out = Json::array();
  for (const foreign::ExportedEnd& end : ends)
    out.push_back({{"name", end.name}, {"type", end.type}, {"shape", end.dims}});
  return out;
}

std::string ends_text(const char* what, const std::vector<foreign::ExportedEnd>& ends) {
  std::string out;
  for (std::size_t i = 0; i < ends.size(); ++i)
    out += fmt::format("{:<15} {} {} ({})\n", fmt::format("{} {}", what, i), ends[i].type, extents_of(ends[i]),
                       ends[i].name);
  return out;
}

void export_to(const ExportJob& job, const Context& context) {
  const foreign::ExportFormat format = foreign::export_format_of(job.out);
  AtomicFile file(job.out, FileKind::exported);
  const OwnedModel model = load_model(job.model);
  if (const Status status = require_finite(model.view()); !status.ok()) throw status_error(status, model);
  const foreign::Exported made = foreign::export_model(model, format);
  file.write(made.bytes);
  file.commit();
  std::string text = ends_text("input", made.inputs) + ends_text("output", made.outputs);
  Json states = Json::array();
  for (const foreign::ExportedState& state : made.states) {
    text += fmt::format(
        "state           feed output {} into input {} in the next run, and zeros (of quantised values the zero point) "
        "in the first\n",
        state.output, state.input);
    states.push_back({{"input", state.input}, {"output", state.output}});
  }
  const Description known = read_description(model.description).value_or(Description{});
  if (known.samples_meet)
    text += "batch           one sample: the imported file computes one from others, which the network does not\n";
  if (known.scale && *known.scale != 1.0F)
    text += fmt::format("scale           inputs are multiplied by {} before they reach the network: not by the file\n",
                        *known.scale);
  text += fmt::format("operators       {}, layers {}\nwritten         {} ({} bytes)\n", made.operators,
                      model.layers.size(), job.out, grouped(made.bytes.size()));
  Json json{{"command", "export"},
            {"model", job.model},
            {"out", job.out},
            {"format", format == foreign::ExportFormat::onnx ? "onnx" : "tflite"},
            {"inputs", ends_json(made.inputs)},
            {"outputs", ends_json(made.outputs)},
            {"states", states},
            {"operators", made.operators},
            {"layers", model.layers.size()},
            {"bytes", made.bytes.size()}};
  if (made.opset != 0) json["opset"] = made.opset;
  print_result(context, json, text);
}

}  // namespace

void add_export(CLI::App& app, Context& context) {
  const auto job = std::make_shared<ExportJob>();
  Options& options =
      add_command(app, context, "export", "Turns a model into a TensorFlow Lite or ONNX file.", R"(EXAMPLES
  mote export fashion.mote --out fashion.onnx
  mote export keywords.tflite --out keywords.onnx

  The ending of --out chooses the format. What the format has no operator for is told at once: every layer, its name,
  and why. Layers on integers stay what they are in .tflite files, and are quantised weights and values around float
  operators in .onnx files. What a model keeps from run to run becomes inputs and outputs.
)");
  options.text("MODEL", job->model, "FILE", "model file").required();
  options.text("--out", job->out, "FILE", "file to write: .onnx or .tflite").required();
  add_force(options, context);
  options.run([job, &context] { export_to(*job, context); });
}

}  // namespace mote::tool
