// SPDX-License-Identifier: Apache-2.0
// The importer as the rest of the tool sees it: a .tflite or .onnx file becomes a model, or one Error with all reasons.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tool/import/tracer.hpp"
#include "tool/models/model_text.hpp"

namespace mote::tool::foreign {

struct Imported {
  OwnedModel model;
  std::vector<End> inputs, outputs;  // as the file has them
  std::size_t operators = 0;         // of the file
};

/// Whether a file of that name that begins so is a TensorFlow Lite or ONNX model, or means to be one.
bool is_foreign_model(std::string_view start, const std::string& path);

/// Throws Error: no model, damaged, too large; or what of it cannot be imported, operator by operator. Whole numbers
/// that depend on the inputs are computed in float32, exact up to 2^24 (lower.hpp); of constants, in 64 bits.
Imported import_model(const std::string& path, const Fixed& fixed = {});

/// "name=1,49,10,1,other=1,3" for --input-shape.
std::map<std::string, Dims> parse_input_shapes(const std::string& text);

}  // namespace mote::tool::foreign
