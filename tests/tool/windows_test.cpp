// SPDX-License-Identifier: Apache-2.0
// Windows over the rows of a table: values, labels, targets, recordings, gaps. Host only.
#include "tool/data/windows.hpp"

#include "temporary.hpp"
#include "tool/data/data_set.hpp"

namespace mote::tool {
namespace {

using namespace test;

DataSet windows_of(const std::string& text, const Windows& windows, const Reading& base = {}) {
  const TemporaryFolder folder;
  write(folder / "x.csv", text);
  Reading reading = base;
  reading.windows = windows;
  return DataSet::table_from(folder / "x.csv", reading);
}
std::vector<float> sample(const DataSet& data, std::size_t index) {
  std::vector<float> out(data.features());
  data.copy_sample(index, out);
  return out;
}

TEST(Windows, TakeRowsInOrder) {
  const DataSet data =
      windows_of("x,y,label\n1,10,a\n2,20,a\n3,30,b\n4,40,b\n5,50,b\n6,60,a\n7,70,a\n", {3, 2, false, ""});
  EXPECT_EQ(data.sample_dims(), (std::vector<std::uint64_t>{3, 2}));
  ASSERT_EQ(data.size(), 3U);
  EXPECT_EQ(sample(data, 0), (std::vector<float>{1, 10, 2, 20, 3, 30}));
  EXPECT_EQ(sample(data, 1), (std::vector<float>{3, 30, 4, 40, 5, 50}));
  EXPECT_EQ(sample(data, 2), (std::vector<float>{5, 50, 6, 60, 7, 70}));
  EXPECT_EQ(data.description().classes, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(std::vector<std::int32_t>(data.labels().begin(), data.labels().end()),
            (std::vector<std::int32_t>{0, 1, 0}));  // of a, a, b; b, b, b; b, a, a
  EXPECT_EQ(data.description().windows.length, 3U);
  data.require_shape({1, 3, 2});
}

TEST(Windows, LabelByMajorityOrLast) {
  const std::string table = "x,label\n1,0\n2,1\n3,1\n4,0\n";
  EXPECT_EQ(windows_of(table, {4, 4, false, ""}).label(0), 0);  // two of each: the one that comes first
  EXPECT_EQ(windows_of(table, {3, 3, false, ""}).label(0), 1);
  EXPECT_EQ(windows_of(table, {4, 4, true, ""}).label(0), 0);
  EXPECT_EQ(windows_of(table, {3, 3, true, ""}).label(0), 1);
}

TEST(Windows, TargetsAreTheLastRows) {
  Reading reading;
  reading.targets = {"t"};
  const DataSet data = windows_of("x,t\n1,0.5\n2,1.5\n3,2.5\n4,3.5\n5,4.5\n", {2, 2, false, ""}, reading);
  ASSERT_EQ(data.size(), 2U);
  std::vector<float> target(1);
  data.copy_target(1, target);
  EXPECT_EQ(target[0], 3.5F);
}

TEST(Windows, DoNotCrossRecordings) {
  const DataSet data =
      windows_of("who,x,label\nann,1,0\nann,2,0\nann,3,0\nbob,4,0\nbob,5,1\nann,6,1\nann,7,1\n", {2, 1, true, "who"});
  ASSERT_EQ(data.size(), 4U);                                         // ann 1 2, 2 3; bob 4 5; ann again 6 7
  EXPECT_EQ(data.sample_dims(), (std::vector<std::uint64_t>{2, 1}));  // who is no input
  EXPECT_EQ(sample(data, 1), (std::vector<float>{2, 3}));
  EXPECT_EQ(sample(data, 2), (std::vector<float>{4, 5}));
  EXPECT_EQ(sample(data, 3), (std::vector<float>{6, 7}));
}

TEST(Windows, DoNotReachOverRowsLeftOut) {
  Reading reading;
  reading.missing = Missing::drop;
  const DataSet data = windows_of("x,label\n1,0\n2,0\n,0\n4,0\n5,1\n6,1\n", {2, 2, true, ""}, reading);
  ASSERT_EQ(data.size(), 2U);
  EXPECT_EQ(sample(data, 0), (std::vector<float>{1, 2}));
  EXPECT_EQ(sample(data, 1), (std::vector<float>{4, 5}));
}

TEST(Windows, SayWhatIsLeftOut) {
  const DataSet data = windows_of("x,label\n1,0\n2,0\n3,1\n4,1\n5,1\n", {2, 2, false, ""});
  std::string notes;
  for (const std::string& note : data.notes()) notes += note;
  expect_in(notes, {"1 of 5 rows are in no window"});
  expect_in(error_of([&] { windows_of("x,label\n1,0\n2,1\n", {5, 1, false, ""}); }), {"no window of 5 rows", "has 2"});
  expect_in(error_of([&] { windows_of("x,label\n1,0\n2,1\n", {2, 1, false, "who"}); }), {"no column \"who\""});
}

TEST(Windows, SayWhatLooksLikeTimeOrRecordings) {
  std::string text = "who,t,x,label\n";
  for (int i = 0; i < 40; ++i)
    text += (i < 20 ? "ann," : "ben,") + std::to_string(0.02 * (i % 20)) + "," + std::to_string(i * i % 7) + "," +
            std::to_string(i % 2) + "\n";
  const auto notes = [&](const Windows& windows, const Reading& reading = {}) {
    std::string out;
    const DataSet data = windows_of(text, windows, reading);
    for (const std::string& note : data.notes()) out += note + "\n";
    return out;
  };
  expect_in(notes({5, 5, false, ""}),
            {"column 1 (\"who\")", "--group who", "column 2 (\"t\") rises evenly", "--ignore t"});
  EXPECT_EQ(notes({5, 5, false, "who"}, {.ignore = {"t"}}), "");
}

}  // namespace
}  // namespace mote::tool
