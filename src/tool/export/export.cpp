// SPDX-License-Identifier: Apache-2.0
#include "tool/export/export.hpp"

#include <algorithm>

#include "tool/export/onnx_export.hpp"
#include "tool/export/tflite_export.hpp"
#include "tool/models/stored_weights.hpp"
#include "tool/terminal/error.hpp"

namespace mote::tool::foreign {
namespace {

std::vector<ExportedEnd> described(const std::vector<Outgoing::End>& ends, bool any_batch) {
  std::vector<ExportedEnd> out;
  for (const Outgoing::End& end : ends) {
    out.push_back({end.name, end.type, end.dims});
    if (any_batch) out.back().dims.front() = -1;
  }
  return out;
}

}  // namespace

ExportFormat export_format_of(const std::string& path) {
  if (path.ends_with(".onnx")) return ExportFormat::onnx;
  if (path.ends_with(".tflite")) return ExportFormat::tflite;
  throw usage_error("--out: the name's ending says which format, and it is neither .onnx nor .tflite",
                    "write a name such as model.onnx or model.tflite");
}

Exported export_model(const OwnedModel& given, ExportFormat format) {
  const bool onnx = format == ExportFormat::onnx;
  const OwnedModel model = with_weights(given, DType::f32);
  Outgoing from(model, onnx ? "an ONNX model" : "a TFLite model");
  Exported out;
  bool any_batch = false;
  if (onnx) {
    out.opset = opset_for(from);
    OnnxExport to(from, out.opset);
    to.run();
    from.check();
    any_batch = to.any_batch();
    out.operators = to.graph.nodes();
    out.bytes = to.graph.bytes();
  } else {
    TfliteExport to(from);
    to.run();
    from.check();
    out.operators = to.graph.nodes();
    out.bytes = to.bytes();
  }
  out.inputs = described(from.inputs, any_batch);
  out.outputs = described(from.outputs, any_batch);
  for (const auto& [input, output] : from.states) out.states.push_back({input, output});
  return out;
}

}  // namespace mote::tool::foreign
