// SPDX-License-Identifier: Apache-2.0
// mote run with arrays for every input of a model and one for every output: run by run out of a folder, or by name.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace mote::tool {

struct FolderJob {
  std::string inputs, outputs;  ///< folders
  bool reset = false;           ///< states begin anew in every run
};

/// --inputs DIR --outputs DIR. Reads inRUN_INDEX.npy (run 0, 1, … until one is missing, each with inputs 0, 1, …) and
/// writes outRUN_INDEX.npy in the types and shapes of the file that the model was imported from, else as float32 and
/// samples first. Runs follow each other: what the model keeps goes from one to the next. `text` says what was done.
nlohmann::ordered_json run_folder(const std::string& model_path, const FolderJob& job, std::string& text);

/// An input or output by its name or number, and its file.
struct PortFile {
  std::string port, path;
};
/// "name=a.npy"; without '=', or where a file is called so, the port is "".
PortFile port_file(const std::string& value);

/// --input NAME=FILE … --output NAME=FILE …: one run. An output without a name is the only one.
nlohmann::ordered_json run_named(const std::string& model_path, const std::vector<PortFile>& inputs,
                                 const std::vector<PortFile>& outputs, std::string& text);

}  // namespace mote::tool
