// SPDX-License-Identifier: Apache-2.0
// mote train --cross-validate: as many models as folds, each trained without one of them and scored on it.
#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "tool/commands/training.hpp"

namespace mote::tool {

struct CrossValidation {
  std::vector<Scores> folds;
};

/// `start()` gives the model before training. Folds are drawn by the options' seed and have every class in its share
/// (split.hpp). What the data set learned from its files (categories, means
/// for missing values) is of all samples; standardisation and targets' units are each fold's own. `say` hears a line a
/// fold.
CrossValidation cross_validate(const DataSet& data, std::uint32_t folds, const TrainingOptions& options,
                               const std::function<OwnedModel()>& start,
                               const std::function<void(const std::string&)>& say);

/// "accuracy        95.33 % ± 2.98 % over 5 folds" and so on: mean and standard deviation (of the sample, n - 1).
std::string cross_validation_text(const CrossValidation& result, const std::vector<std::string>& targets);
/// {"folds": N, "accuracy": {"mean", "deviation"}, "loss", "precision", "recall", "f1", "r2", "rmse", "per_fold":
/// [scores]}.
nlohmann::ordered_json cross_validation_json(const CrossValidation& result, const std::vector<std::string>& classes);

}  // namespace mote::tool
