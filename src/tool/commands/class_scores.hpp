// SPDX-License-Identifier: Apache-2.0
// Precision, recall and F1 out of a confusion matrix, for each class and over all: as numbers, text and JSON.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "tool/commands/scoring.hpp"

namespace mote::tool {

/// Of one class. A ratio of nothing is 0: the precision of a class never predicted, the recall of one that never
/// occurs.
struct ClassScore {
  std::uint64_t actual = 0, predicted = 0, hits = 0;

  [[nodiscard]] double precision() const { return ratio(hits, predicted); }
  [[nodiscard]] double recall() const { return ratio(hits, actual); }
  /// 2 precision recall / (precision + recall).
  [[nodiscard]] double f1() const { return ratio(2 * hits, actual + predicted); }
  /// Whether it counts in the means: it occurs or was predicted.
  [[nodiscard]] bool counts() const { return actual + predicted != 0; }

 private:
  static double ratio(std::uint64_t part, std::uint64_t whole) {
    return whole == 0 ? 0.0 : static_cast<double>(part) / static_cast<double>(whole);
  }
};

/// Means over the classes that count, each with the same weight (macro averages).
struct MacroScores {
  double precision = 0.0, recall = 0.0, f1 = 0.0;
};

/// One for each class of `scores`; none without labels.
std::vector<ClassScore> class_scores(const Scores& scores);
MacroScores macro_scores(const Scores& scores);

/// A line for each class (up to 40 of them) and one for the means, in percent.
std::string class_scores_text(const Scores& scores, const std::vector<std::string>& names);
/// {"classes": [{"class", "precision", "recall", "f1", "samples"}], "macro": {"precision", "recall", "f1"}}; 0 to 1.
void add_class_scores(nlohmann::ordered_json& json, const Scores& scores, const std::vector<std::string>& names);

}  // namespace mote::tool
