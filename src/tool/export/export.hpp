// SPDX-License-Identifier: Apache-2.0
// The exporter as the rest of the tool sees it: a model becomes the bytes of an .onnx or .tflite file, or one Error
// with every reason why it cannot.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tool/models/model_text.hpp"

namespace mote::tool::foreign {

enum class ExportFormat : std::uint8_t { onnx, tflite };

/// An input or output of the written file. Extents of -1: any number of samples.
struct ExportedEnd {
  std::string name, type;
  std::vector<std::int64_t> dims;
};
/// What the model keeps from run to run is an input and an output of the file: whoever runs it feeds one into the
/// other.
struct ExportedState {
  std::string input, output;
};
struct Exported {
  std::string bytes;
  std::vector<ExportedEnd> inputs, outputs;  // states among them, at the end
  std::vector<ExportedState> states;
  std::size_t operators = 0;
  std::int64_t opset = 0;  // ONNX
};

/// By the name's ending; throws a usage error where it is another.
ExportFormat export_format_of(const std::string& path);

/// Throws Error with all reasons.
Exported export_model(const OwnedModel& model, ExportFormat format);

}  // namespace mote::tool::foreign
