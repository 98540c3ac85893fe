// SPDX-License-Identifier: Apache-2.0
// What a person should be told of data and model before time is spent on them.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "tool/data/data_set.hpp"
#include "tool/models/model_source.hpp"
#include "tool/terminal/progress.hpp"

namespace mote::tool {

/// Sentences on inputs far from unit scale without standardize(), on labels of one class only, classes without samples,
/// constant targets, and targets or columns that look like one-hot classes.
std::vector<std::string> advice(const OwnedModel& model, const DataSet& data);

/// The data's summary and notes, and the advice, each on a line that stays.
void say_notes(const DataSet& data, Progress& progress, const std::vector<std::string>& advice = {});
/// {"summary", "notes"} of the same.
nlohmann::ordered_json notes_json(const DataSet& data, const std::vector<std::string>& advice = {});

}  // namespace mote::tool
