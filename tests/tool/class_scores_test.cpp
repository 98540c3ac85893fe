// SPDX-License-Identifier: Apache-2.0
// Precision, recall, F1 and their means against values computed by hand (and by scikit-learn's
// precision_recall_fscore_support). Host only.
#include "tool/commands/class_scores.hpp"

#include <nlohmann/json.hpp>

#include "temporary.hpp"

namespace mote::tool {
namespace {

using namespace test;

Scores scores_of(std::size_t classes, const std::vector<std::uint64_t>& confusion) {
  Scores out;
  out.classes = classes;
  out.confusion = confusion;
  for (std::size_t i = 0; i < confusion.size(); ++i) {
    out.samples += confusion[i];
    if (i % (classes + 1) == 0) out.correct += confusion[i];
  }
  return out;
}

TEST(ClassScores, AreWhatTheirFormulasSay) {
  // Rows actual, columns predicted. Class 3 never occurs and is never predicted; class 2 is never predicted.
  const Scores scores = scores_of(4, {8, 2, 0, 0, 1, 4, 0, 0, 3, 2, 0, 0, 0, 0, 0, 0});
  const std::vector<ClassScore> each = class_scores(scores);
  ASSERT_EQ(each.size(), 4U);
  EXPECT_DOUBLE_EQ(each[0].precision(), 8.0 / 12);
  EXPECT_DOUBLE_EQ(each[0].recall(), 0.8);
  EXPECT_DOUBLE_EQ(each[0].f1(), 16.0 / 22);
  EXPECT_DOUBLE_EQ(each[1].precision(), 0.5);
  EXPECT_DOUBLE_EQ(each[1].recall(), 0.8);
  EXPECT_DOUBLE_EQ(each[1].f1(), 8.0 / 13);
  EXPECT_EQ(each[2].precision(), 0.0);
  EXPECT_EQ(each[2].recall(), 0.0);
  EXPECT_EQ(each[2].f1(), 0.0);
  EXPECT_FALSE(each[3].counts());
  const MacroScores mean = macro_scores(scores);
  EXPECT_DOUBLE_EQ(mean.precision, (8.0 / 12 + 0.5) / 3);
  EXPECT_DOUBLE_EQ(mean.recall, 1.6 / 3);
  EXPECT_DOUBLE_EQ(mean.f1, (16.0 / 22 + 8.0 / 13) / 3);
}

TEST(ClassScores, AreTextAndJson) {
  const Scores scores = scores_of(2, {90, 10, 5, 95});
  const std::vector<std::string> names{"no", "a name of more than fourteen letters"};
  const std::string text = class_scores_text(scores, names);
  expect_in(text,
            {"precision    recall        F1  samples\n", "no ", "  94.74 %   90.00 %   92.31 %      100",
             "a name of more than fourteen letters", "mean of classes", "  92.61 %   92.50 %   92.50 %      200"});
  nlohmann::ordered_json json;
  add_class_scores(json, scores, names);
  EXPECT_EQ(json["classes"][0]["class"], "no");
  EXPECT_EQ(json["classes"][0]["samples"], 100);
  EXPECT_DOUBLE_EQ(json["classes"][1]["recall"], 0.95);
  EXPECT_DOUBLE_EQ(json["macro"]["recall"], 0.925);
  expect_in(class_scores_text(scores, {"a\nb", "c"}), {"\na\\nb  "});  // a line stays a line
  EXPECT_EQ(class_scores_text(Scores{}, {}), "");
  nlohmann::ordered_json nothing;
  add_class_scores(nothing, Scores{}, {});
  EXPECT_TRUE(nothing.is_null());
  EXPECT_EQ(macro_scores(scores_of(2, {0, 0, 0, 0})).f1, 0.0);
}

}  // namespace
}  // namespace mote::tool
