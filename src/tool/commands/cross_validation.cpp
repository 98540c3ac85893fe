// SPDX-License-Identifier: Apache-2.0
// See cross_validation.hpp.
#include "tool/commands/cross_validation.hpp"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "tool/commands/class_scores.hpp"
#include "tool/commands/commands.hpp"
#include "tool/commands/split.hpp"
#include "tool/terminal/error.hpp"

namespace mote::tool {
namespace {

/// One number of every fold.
struct Metric {
  std::string name, key, unit;
  double factor = 1.0;
  std::vector<double> values;

  [[nodiscard]] double mean() const {
    double sum = 0.0;
    for (const double value : values) sum += value;
    return sum / static_cast<double>(values.size());
  }
  [[nodiscard]] double deviation() const {
    double sum = 0.0;
    for (const double value : values) sum += (value - mean()) * (value - mean());
    return std::sqrt(sum / static_cast<double>(values.size() - 1));
  }
};

std::vector<Metric> metrics_of(const CrossValidation& result, const std::vector<std::string>& targets) {
  std::vector<Metric> out;
  const auto add = [&](const std::string& name, const std::string& key, const std::string& unit, double factor,
                       const auto& value_of) {
    out.push_back({name, key, unit, factor, {}});
    for (const Scores& fold : result.folds) out.back().values.push_back(value_of(fold));
  };
  const Scores& first = result.folds.front();
  if (first.classes != 0) {
    add("accuracy", "accuracy", " %", 100.0, [](const Scores& s) { return s.accuracy(); });
    add("precision", "precision", " %", 100.0, [](const Scores& s) { return macro_scores(s).precision; });
    add("recall", "recall", " %", 100.0, [](const Scores& s) { return macro_scores(s).recall; });
    add("F1", "f1", " %", 100.0, [](const Scores& s) { return macro_scores(s).f1; });
  }
  add("loss", "loss", "", 1.0, [](const Scores& s) { return s.loss; });
  if (!first.targets.empty()) add("R2", "r2", "", 1.0, [](const Scores& s) { return s.mean_r2(); });
  for (std::size_t j = 0; j < first.targets.size(); ++j) {
    const std::string of = j < targets.size() ? " of " + targets[j] : "";
    add("RMSE" + of, first.targets.size() == 1 ? "rmse" : fmt::format("rmse {}", j + 1), "", 1.0,
        [j](const Scores& s) { return s.targets[j].rmse; });
  }
  return out;
}

}  // namespace

CrossValidation cross_validate(const DataSet& data, std::uint32_t folds, const TrainingOptions& options,
                               const std::function<OwnedModel()>& start,
                               const std::function<void(const std::string&)>& say) {
  if (folds < 2 || folds > data.size())
    throw usage_error(fmt::format("{} samples cannot be cut into {} folds", data.size(), folds),
                      "give --cross-validate 2 or more, up to the number of samples")
        .in(data.path());
  const auto count = static_cast<std::uint32_t>(data.size());
  const std::vector<std::uint32_t> fold_of = folds_of(data.labels(), count, folds, options.seed);
  CrossValidation out;
  for (std::uint32_t fold = 0; fold < folds; ++fold) {
    std::vector<std::uint32_t> train_part, test_part;
    for (std::uint32_t i = 0; i < count; ++i) (fold_of[i] == fold ? test_part : train_part).push_back(i);
    const DataSet training = data.part(train_part), held_out = data.part(test_part);
    OwnedModel model = start();
    Progress quiet(Progress::style_for(true));
    const TrainingReport report = train(model, options, training, &held_out, quiet);
    if (report.failure) throw Error(*report.failure).during(fmt::format("fold {} of {}", fold + 1, folds));
    const Scores& scores = report.test.value();
    std::string line = fmt::format("fold {}/{}  ", fold + 1, folds);
    if (scores.classes != 0) line += fmt::format("accuracy {:.2f} %  ", 100.0 * scores.accuracy());
    if (!scores.targets.empty()) line += fmt::format("R2 {:.4f}  ", scores.mean_r2());
    say(line + fmt::format("loss {:.6g}  ({} samples)", scores.loss, scores.samples));
    out.folds.push_back(scores);
  }
  return out;
}

std::string cross_validation_text(const CrossValidation& result, const std::vector<std::string>& targets) {
  std::string out = fmt::format("{} folds, mean ± standard deviation\n", result.folds.size());
  for (const Metric& metric : metrics_of(result, targets)) {
    const double mean = metric.factor * metric.mean(), deviation = metric.factor * metric.deviation();
    out += metric.unit.empty()
               ? fmt::format("{:<15} {:.6g} ± {:.3g}\n", metric.name, mean, deviation)
               : fmt::format("{:<15} {:.2f}{} ± {:.2f}{}\n", metric.name, mean, metric.unit, deviation, metric.unit);
  }
  return out;
}

nlohmann::ordered_json cross_validation_json(const CrossValidation& result, const std::vector<std::string>& classes) {
  nlohmann::ordered_json out{{"folds", result.folds.size()}};
  for (const Metric& metric : metrics_of(result, {}))
    out[metric.key] = {{"mean", metric.mean()}, {"deviation", metric.deviation()}};
  out["per_fold"] = nlohmann::ordered_json::array();
  for (const Scores& fold : result.folds) out["per_fold"].push_back(scores_json(fold, classes));
  return out;
}

}  // namespace mote::tool
