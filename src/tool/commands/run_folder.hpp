// SPDX-License-Identifier: Apache-2.0
// mote run --inputs DIR --outputs DIR: arrays for every input of a model, run by run, and one for every output.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace mote::tool {

struct FolderJob {
  std::string inputs, outputs;  ///< folders
  bool reset = false;           ///< states begin anew in every run
};

/// Reads inRUN_INDEX.npy (run 0, 1, … until one is missing, each with inputs 0, 1, …) and writes outRUN_INDEX.npy in
/// the types and shapes of the file that the model was imported from, else as float32 and samples first. Runs follow
/// each other: what the model keeps goes from one to the next. `text` says what was done.
nlohmann::ordered_json run_folder(const std::string& model_path, const FolderJob& job, std::string& text);

}  // namespace mote::tool
