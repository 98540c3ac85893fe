// SPDX-License-Identifier: Apache-2.0
// Where the reference models lie that are not in the repository: $MOTE_SHARED, or the folder `shared` beside the
// source's. Tests that need them skip where they are not there.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "tool/data/npy.hpp"

namespace mote::test {

inline std::filesystem::path shared_models() {
  const char* given = std::getenv("MOTE_SHARED");
  const std::filesystem::path folder = given != nullptr ? given : MOTE_SOURCE_DIR "/../shared";
  return folder / "models";
}

/// A model of the zoo: its file and the arrays beside it.
struct ZooModel {
  std::string name, file;
  std::filesystem::path folder;

  [[nodiscard]] std::string array(const char* what, int run, std::size_t index) const {
    return (folder / (what + std::to_string(run) + "_" + std::to_string(index) + ".npy")).string();
  }
  [[nodiscard]] bool has_run(int run) const { return std::filesystem::exists(array("in", run, 0)); }
};

inline std::vector<ZooModel> zoo() {
  std::vector<ZooModel> out;
  std::error_code none;
  for (const auto& entry : std::filesystem::directory_iterator(shared_models() / "zoo", none)) {
    for (const char* file : {"model.tflite", "model.onnx"})
      if (std::filesystem::exists(entry.path() / file))
        out.push_back({entry.path().filename().string(), (entry.path() / file).string(), entry.path()});
  }
  std::sort(out.begin(), out.end(), [](const ZooModel& a, const ZooModel& b) { return a.name < b.name; });
  return out;
}

}  // namespace mote::test
