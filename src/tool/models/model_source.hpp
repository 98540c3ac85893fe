// SPDX-License-Identifier: Apache-2.0
// Where models come from and go to: a .mote file, a text file, or text on the command line. Also how a core Status
// becomes the tool's Error, because most of them are about a model.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "mote/model/model.hpp"
#include "tool/models/model_text.hpp"
#include "tool/terminal/error.hpp"

namespace mote::tool {

/// The Status as a sentence: the layer it concerns, what was wrong, what to do.
Error status_error(Status status, const Model& model, const std::string& file);
inline Error status_error(Status status, const OwnedModel& model) {
  return status_error(status, model.view(), model.source);
}

/// A model file's bytes; of anything else no more than tells so.
AlignedBytes read_model_file(const std::string& path);
/// A model file; validated completely. `arrays`: shapes of arrays for its inputs, by name or number; where a file
/// of another format leaves shapes open they are these, if the model can be imported so.
using ArrayShapes = std::map<std::string, std::vector<std::uint64_t>>;
OwnedModel load_model(const std::string& path, const ArrayShapes& arrays = {});

/// A copy that owns what the model is a view of.
OwnedModel owned(const Model& model);

/// Throws where there are several samples and the file that was imported computes one from others, which the network,
/// to which they are one by one, does not. `path`: of the samples.
void require_one_by_one(const OwnedModel& model, std::uint64_t samples, const std::string& path);

/// What the user gave for a model: a .mote file, a file with the text form, or the text itself.
/// `has_params` tells whether parameters came with it; `option` names the text in errors.
struct GivenModel {
  OwnedModel model;
  bool has_params = false;
};
GivenModel model_from_argument(const std::string& argument, const std::string& option = "--model",
                               Parameters parameters = Parameters::zero);

/// Writes the model into `file` and commits it; returns its size.
std::size_t save_model(const Model& model, std::string_view description, AtomicFile& file);
inline std::size_t save_model(const OwnedModel& model, AtomicFile& file) {
  return save_model(model.view(), model.description, file);
}

/// Multiply-adds of one layer, per sample; 0 where there are none.
std::uint64_t multiply_adds(const Model& model, std::size_t index);

/// "layer 3 (conv2d 8 3x3 same)".
std::string layer_name(const Model& model, std::size_t index);

}  // namespace mote::tool
