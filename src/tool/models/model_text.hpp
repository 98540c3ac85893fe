// SPDX-License-Identifier: Apache-2.0
// Networks as text: "input 28x28x1; conv2d 8 3x3 same; relu; flatten; dense 10". The words are those of
// mote/model/builders.hpp and every layer goes through mote::resolve(), so that text and C++ mean the same thing.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mote/model/model.hpp"
#include "tool/data/file_io.hpp"

namespace mote::tool {

/// A model that owns its records and parameters.
struct OwnedModel {
  std::vector<Layer> layers;
  std::vector<std::uint16_t> operands;  ///< as Model has them
  std::string names;                    ///< likewise
  std::vector<std::string> labels;      ///< what a network as text calls its layers ("as"); no file has it
  AlignedBytes params;
  std::uint32_t param_bytes = 0;  ///< their size where they are not there (Parameters::none)
  std::uint32_t alignment = 16;
  std::string source;       ///< file, or "" for text given on the command line
  std::string description;  ///< as the file has it (src/FORMAT.md), or ""

  [[nodiscard]] Model view() const {
    Model model{layers, params.data(), params.size() == 0 ? param_bytes : static_cast<std::uint32_t>(params.size()),
                alignment};
    model.operands = operands, model.names = names;
    return model;
  }
};

/// Whether a model that is described gets its parameters, zeros, or is only looked at.
enum class Parameters : std::uint8_t { zero, none };

/// Reads the text form. `place` names the text in errors (a file, or an option's name).
/// Every mistake is an Error with line, column, the word, and what was expected there.
OwnedModel parse_model_text(std::string_view text, const std::string& place, Parameters parameters = Parameters::zero);

/// The text that parse_model_text() reads back into the same records. One layer a line. Throws Error where there is
/// none: quantised layers, several inputs, operators of imported networks.
std::string model_text(const Model& model);
std::optional<std::string> model_text_if_any(const Model& model);
/// One layer of it, without "as" and "from": "conv2d 8 3x3 same stride 2".
std::string layer_text(const Model& model, std::size_t index);

/// The grammar with examples, for --help.
std::string model_text_help();

}  // namespace mote::tool
