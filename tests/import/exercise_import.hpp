// SPDX-License-Identifier: Apache-2.0
// Any bytes through an importer: it answers with a model that keeps the records' rules, or with reasons.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <span>
#include <vector>

#include "mote/model/validate.hpp"
#include "tool/import/lower.hpp"
#include "tool/import/tracer.hpp"
#include "tool/terminal/error.hpp"

namespace mote::test {

enum class ImportAnswer { damaged, refused, imported };

/// Ends the program where the records break a rule.
inline ImportAnswer exercise_import(std::span<const std::byte> bytes) {
  using namespace tool;
  using namespace tool::foreign;
  const bool tflite = bytes.size() >= 8 && bytes[4] == std::byte{'T'} && bytes[5] == std::byte{'F'};
  try {
    const FileModel file = tflite ? read_tflite(bytes, "x.tflite") : read_onnx(bytes, "/nowhere/x.onnx");
    Tracer tracer(file, {});
    tracer.run();
    if (!tracer.refusals().empty()) return ImportAnswer::refused;
    std::vector<NotLowered> refused;
    const OwnedModel model = lower(tracer.network(), refused);
    if (!refused.empty()) return ImportAnswer::refused;
    for (const Status status : {validate(model.view()), validate_multipliers(model.view())}) {
      if (status.ok()) continue;
      std::fprintf(stderr, "layer %u: %s\n", status.layer, describe(status));
      std::abort();
    }
    return ImportAnswer::imported;
  } catch (const Error&) {
    return ImportAnswer::damaged;
  } catch (const Unsupported&) {
    return ImportAnswer::refused;
  }
}

}  // namespace mote::test
