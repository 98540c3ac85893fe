// SPDX-License-Identifier: Apache-2.0
// What --gradient-norms shows of a training run: a table, a JSON object and the series of a picture.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tool/commands/training.hpp"
#include "tool/pictures/plot.hpp"

namespace mote::tool {

/// The trained layers, each with its norm in the first update, and the means of the first and last epoch.
std::string gradient_norms_text(const OwnedModel& model, const TrainingReport& report);
/// {"layers": [{"layer", "name"}], "first_update": [norms], "epochs": [[norms]]}, norms by trained layer.
nlohmann::ordered_json gradient_norms_json(const OwnedModel& model, const TrainingReport& report);
/// The first update and up to five epochs, the last one among them.
std::vector<NormCurve> gradient_norm_curves(const OwnedModel& model, const TrainingReport& report);

}  // namespace mote::tool
