// SPDX-License-Identifier: Apache-2.0
// Held-out parts and folds: sizes, shares of classes, tiny classes, repeatability. Host only.
#include "tool/commands/split.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace mote::tool {
namespace {

std::vector<std::int32_t> labels_of(std::initializer_list<std::uint32_t> counts) {
  std::vector<std::int32_t> out;
  std::int32_t label = 0;
  for (const std::uint32_t count : counts) out.insert(out.end(), count, label++);
  return out;
}
std::vector<std::size_t> counts_in(const std::vector<std::uint32_t>& part, const std::vector<std::int32_t>& labels,
                                   std::size_t classes) {
  std::vector<std::size_t> out(classes, 0);
  for (const std::uint32_t i : part) ++out[static_cast<std::size_t>(labels[i])];
  return out;
}
using Counts = std::vector<std::size_t>;

TEST(Split, KeepsTheSharesOfClasses) {
  const std::vector<std::int32_t> labels = labels_of({700, 200, 90, 10});
  const Split split = split_off(labels, 1000, 0.2, 1);
  EXPECT_EQ(counts_in(split.held_out, labels, 4), (Counts{140, 40, 18, 2}));
  EXPECT_EQ(counts_in(split.train, labels, 4), (Counts{560, 160, 72, 8}));
  std::set<std::uint32_t> all(split.train.begin(), split.train.end());
  all.insert(split.held_out.begin(), split.held_out.end());
  EXPECT_EQ(all.size(), 1000U);
  // The same seed draws the same, another seed others.
  EXPECT_EQ(split_off(labels, 1000, 0.2, 1).held_out, split.held_out);
  EXPECT_NE(split_off(labels, 1000, 0.2, 2).held_out, split.held_out);
}

TEST(Split, RoundsToTheRightSum) {  // 3.3, 3.3 and 3.4 of 10: the largest rest goes up
  const std::vector<std::int32_t> labels = labels_of({33, 33, 34});
  EXPECT_EQ(counts_in(split_off(labels, 100, 0.1, 3).held_out, labels, 3), (Counts{3, 3, 4}));
}

TEST(Split, LeavesTinyClassesForTraining) {
  const std::vector<std::int32_t> labels = labels_of({1, 1, 5, 93});
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    EXPECT_EQ(counts_in(split_off(labels, 100, 0.2, seed).held_out, labels, 4), (Counts{0, 0, 1, 19}));
    const Counts most = counts_in(split_off(labels, 100, 0.99, seed).train, labels, 4);
    for (const std::size_t count : most) EXPECT_GE(count, 1U);
  }
  const std::vector<std::int32_t> single = labels_of({1, 1, 1, 1});
  EXPECT_TRUE(split_off(single, 4, 0.5, 1).held_out.empty());
}

TEST(Split, WithoutLabelsHoldsOutTheRoundedShare) {
  EXPECT_EQ(split_off({}, 10, 0.25, 1).held_out.size(), 3U);  // 2.5 away from 0
  EXPECT_EQ(split_off({}, 7, 0.0, 1).held_out.size(), 0U);
  EXPECT_EQ(split_off({}, 4, 0.9, 1).held_out.size(), 4U);  // the caller says that nothing is left
  EXPECT_EQ(split_off({}, 10, 0.25, 1).train.size(), 7U);
}

TEST(Split, FoldsAreEven) {
  const std::vector<std::int32_t> labels = labels_of({51, 48, 3, 1});
  const std::vector<std::uint32_t> folds = folds_of(labels, 103, 5, 7);
  Counts sizes(5, 0);
  std::vector<Counts> of_class(4, Counts(5, 0));
  for (std::size_t i = 0; i < folds.size(); ++i) {
    ASSERT_LT(folds[i], 5U);
    ++sizes[folds[i]];
    ++of_class[static_cast<std::size_t>(labels[i])][folds[i]];
  }
  const auto even = [](const Counts& counts) {
    return *std::max_element(counts.begin(), counts.end()) - *std::min_element(counts.begin(), counts.end()) <= 1;
  };
  EXPECT_TRUE(even(sizes));
  for (const Counts& counts : of_class) EXPECT_TRUE(even(counts));
  EXPECT_EQ(folds_of(labels, 103, 5, 7), folds);
  EXPECT_NE(folds_of(labels, 103, 5, 8), folds);
}

}  // namespace
}  // namespace mote::tool
