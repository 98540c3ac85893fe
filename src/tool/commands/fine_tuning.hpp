// SPDX-License-Identifier: Apache-2.0
// Training that knows of quantisation: a trained float32 model becomes one that computes as its int8 model will, is
// trained on, and becomes that int8 model. Writes no file.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "tool/commands/training.hpp"

namespace mote::tool {

/// As options say it.
struct FineTuning {
  bool wanted = false;
  std::optional<unsigned> epochs;  ///< else a fifth of those in float32, 2 at least
  double rate = 0.1;               ///< of the learning rate in float32
  std::uint32_t samples = 500;     ///< for the ranges to begin with
  std::string keep;                ///< layers that stay float32

  [[nodiscard]] unsigned epochs_after(unsigned in_float32) const;
};

struct FineTuningReport {
  TrainingReport training;
  OwnedModel model;  ///< on int8
  unsigned epochs = 0;
  float learning_rate = 0.0F;
  std::uint64_t samples = 0;                ///< that showed ranges
  const char* part = "";                    ///< of the data that the scores are of: test, validation, training
  Scores real, fake_quantized, whole;       ///< in float32, rounded and on int8
  std::size_t bytes_before = 0, bytes = 0;  ///< of parameters, without and with int8
  std::size_t inference_arena_before = 0, inference_arena = 0;
};

/// `model` has been trained with `options`, whose schedule and epochs are now those of the fine-tuning. A step that
/// fails and a signal end the training as they end train(); there is an int8 model all the same. Throws Error.
FineTuningReport fine_tune(const OwnedModel& model, const FineTuning& how, TrainingOptions options, const DataSet& data,
                           const DataSet* test, Progress& progress);

std::string fine_tuning_text(const FineTuningReport& report);
nlohmann::ordered_json fine_tuning_json(const FineTuningReport& report);

}  // namespace mote::tool
