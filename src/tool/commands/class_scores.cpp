// SPDX-License-Identifier: Apache-2.0
// See class_scores.hpp.
#include "tool/commands/class_scores.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>

#include "tool/terminal/streams.hpp"

namespace mote::tool {

std::vector<ClassScore> class_scores(const Scores& scores) {
  std::vector<ClassScore> out(scores.classes);
  for (std::size_t actual = 0; actual < scores.classes; ++actual)
    for (std::size_t predicted = 0; predicted < scores.classes; ++predicted) {
      const std::uint64_t count = scores.confusion[actual * scores.classes + predicted];
      out[actual].actual += count;
      out[predicted].predicted += count;
      if (actual == predicted) out[actual].hits = count;
    }
  return out;
}

MacroScores macro_scores(const Scores& scores) {
  MacroScores sum;
  double count = 0.0;
  for (const ClassScore& score : class_scores(scores)) {
    if (!score.counts()) continue;
    sum.precision += score.precision(), sum.recall += score.recall(), sum.f1 += score.f1();
    ++count;
  }
  if (count == 0.0) return {};
  return {sum.precision / count, sum.recall / count, sum.f1 / count};
}

std::string class_scores_text(const Scores& scores, const std::vector<std::string>& names) {
  constexpr std::size_t kMostLines = 40, kWidest = 32;
  const std::vector<ClassScore> each = class_scores(scores);
  if (each.empty()) return "";
  std::size_t width = std::string_view("mean of classes").size();
  if (each.size() <= kMostLines)
    for (const std::string& name : names) width = std::max(width, std::min(printable_line(name).size(), kWidest));
  std::string out = fmt::format("{:<{}}   precision    recall        F1  samples\n", "class", width);
  const auto line = [&](const std::string& name, double precision, double recall, double f1, std::uint64_t samples) {
    out += fmt::format("{:<{}}   {:>7.2f} % {:>7.2f} % {:>7.2f} % {:>8}\n", name, width, 100.0 * precision,
                       100.0 * recall, 100.0 * f1, samples);
  };
  if (each.size() <= kMostLines)
    for (std::size_t i = 0; i < each.size(); ++i)
      line(printable_line(names[i]), each[i].precision(), each[i].recall(), each[i].f1(), each[i].actual);
  const MacroScores mean = macro_scores(scores);
  line("mean of classes", mean.precision, mean.recall, mean.f1, scores.samples);
  return out;
}

void add_class_scores(nlohmann::ordered_json& json, const Scores& scores, const std::vector<std::string>& names) {
  const std::vector<ClassScore> each = class_scores(scores);
  if (each.empty()) return;
  json["classes"] = nlohmann::ordered_json::array();
  for (std::size_t i = 0; i < each.size(); ++i)
    json["classes"].push_back({{"class", names[i]},
                               {"precision", each[i].precision()},
                               {"recall", each[i].recall()},
                               {"f1", each[i].f1()},
                               {"samples", each[i].actual}});
  const MacroScores mean = macro_scores(scores);
  json["macro"] = {{"precision", mean.precision}, {"recall", mean.recall}, {"f1", mean.f1}};
}

}  // namespace mote::tool
