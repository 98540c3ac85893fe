// SPDX-License-Identifier: Apache-2.0
// mote import: a TensorFlow Lite or ONNX model as a model file.
#include <fmt/format.h>

#include <optional>

#include <nlohmann/json.hpp>

#include "tool/commands/commands.hpp"
#include "tool/data/file_io.hpp"
#include "tool/import/import.hpp"
#include "tool/models/memory_plan.hpp"
#include "tool/models/model_header.hpp"
#include "tool/models/model_source.hpp"
#include "tool/models/stored_weights.hpp"
#include "tool/terminal/error.hpp"

namespace mote::tool {
namespace {

using Json = nlohmann::ordered_json;

struct ImportJob {
  std::string model, out, header, shapes, weights = "file";
  std::uint32_t batch = 1;
};

Json ends_json(const std::vector<foreign::End>& ends) {
  Json out = Json::array();
  for (const foreign::End& end : ends)
    out.push_back({{"name", end.name}, {"type", foreign::name_of(end.type)}, {"shape", end.dims}});
  return out;
}

std::string ends_text(const char* what, const std::vector<foreign::End>& ends) {
  std::string out;
  for (std::size_t i = 0; i < ends.size(); ++i)
    out += fmt::format("{:<15} {} {} ({})\n", fmt::format("{} {}", what, i), foreign::name_of(ends[i].type),
                       foreign::text_of(ends[i].dims), ends[i].name);
  return out;
}

/// Layers that the file has int8 weights for keep them.
OwnedModel with_weights_called(const std::string& weights, const OwnedModel& model) {
  OwnedModel wide = with_weights(model, DType::f32);
  if (weights == "float32") return wide;
  if (weights == "float16") return with_weights(wide, DType::f16);
  return with_weights(with_weights(wide, DType::s8, StoreWeights::exact), DType::s8);
}

void import(const ImportJob& job, const Context& context) {
  foreign::Fixed fixed;
  fixed.batch = job.batch;
  if (!job.shapes.empty()) fixed.inputs = foreign::parse_input_shapes(job.shapes);
  if (job.out.empty() && job.header.empty()) throw usage_error("--out is required", "add --out FILE, or --header FILE");
  std::optional<AtomicFile> file, header;
  if (!job.out.empty()) file.emplace(job.out, FileKind::model);
  if (!job.header.empty()) header.emplace(job.header, FileKind::header);
  foreign::Imported imported = foreign::import_model(job.model, fixed);
  if (job.weights != "file") imported.model = with_weights_called(job.weights, imported.model);
  const std::size_t bytes = file ? save_model(imported.model, *file) : 0;
  if (header) {
    header->write(model_header(imported.model.view(), header_name(job.header), job.model));
    header->commit();
  }
  std::uint64_t work = 0;
  for (std::size_t i = 0; i < imported.model.layers.size(); ++i) work += multiply_adds(imported.model.view(), i);
  const std::string text =
      ends_text("input", imported.inputs) + ends_text("output", imported.outputs) +
      fmt::format("operators       {}, layers {}\nparameters      {} bytes\nmultiply-adds   {}\n", imported.operators,
                  imported.model.layers.size(), grouped(imported.model.params.size()), grouped(work)) +
      (file ? fmt::format("model           {} ({} bytes)\n", job.out, grouped(bytes)) : "") +
      (header ? fmt::format("header          {}\n", job.header) : "");
  print_result(context,
               {{"command", "import"},
                {"model", job.model},
                {"out", job.out},
                {"header", job.header},
                {"inputs", ends_json(imported.inputs)},
                {"outputs", ends_json(imported.outputs)},
                {"operators", imported.operators},
                {"layers", imported.model.layers.size()},
                {"parameter_bytes", imported.model.params.size()},
                {"multiply_adds", work},
                {"model_bytes", bytes}},
               text);
}

}  // namespace

void add_import(CLI::App& app, Context& context) {
  const auto job = std::make_shared<ImportJob>();
  Options& options =
      add_command(app, context, "import", "Turns a TensorFlow Lite or ONNX model into a model file.", R"(EXAMPLES
  mote import keywords.tflite --out keywords.mote
  mote import detector.onnx --out detector.mote --input-shape images=1,3,240,320
  mote import keywords.tflite --header keywords.hpp

  Other commands take .tflite and .onnx files directly. What cannot be imported is told at once: every operator, where it
  is in the file, and why. Constants are computed, and dropout, identities and branches that are never taken fall away.
  --batch and --input-shape fix what the file leaves open. --header writes the model as constants for firmware; how a
  session is made of it stands at the header's beginning. Weights that a file holds as int8 or float16 beside float32
  values stay so, a quarter or half of the bytes; --weights makes such of others: int8 with a scale for each output.
  Where time counts more than bytes, or a device shall train them, --weights float32: dense layers of narrow weights
  take 2 to 5 times as long on a desktop, convolutions hardly more.
)");
  options.text("MODEL", job->model, "FILE", ".tflite or .onnx file").required();
  options.text("--out", job->out, "FILE", "model file to write");
  options.text("--header", job->header, "FILE", "C++ header to write: records and parameters for a StaticSession");
  options.whole("--batch", job->batch, {1, 65'536}, "extent of axes in front that the file leaves open");
  options.text("--input-shape", job->shapes, "NAME=N,N,…", "shape of an input, of several one after the other");
  options.word("--weights", job->weights, {"file", "float32", "float16", "int8"},
               "file, as it has them, float32, float16 or int8: how layers on float32, which compute in float32 in any "
               "case, store their weights");
  add_force(options, context);
  options.run([job, &context] { import(*job, context); });
}

}  // namespace mote::tool
