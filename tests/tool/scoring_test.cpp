// SPDX-License-Identifier: Apache-2.0
// Losses and hits as the tool counts them, against numbers worked out by hand. Host only.
#include <cmath>

#include "temporary.hpp"
#include "tool/commands/scoring.hpp"
#include "tool/data/npy.hpp"

namespace mote::tool {
namespace {

using namespace test;

TEST(SampleLoss, FollowsTheDefinitions) {
  const std::vector<float> z{1.0F, 2.0F, 3.0F};
  const double norm = std::log(std::exp(1.0) + std::exp(2.0) + std::exp(3.0));
  EXPECT_NEAR(sample_loss(Loss::softmax_cross_entropy, z, 1, {}), norm - 2.0, 1e-12);
  EXPECT_NEAR(sample_loss(Loss::squared_error, z, 2, {}), 1.0 + 4.0 + 4.0, 1e-12);
  const std::vector<float> target{0.25F, 0.0F, 0.75F};
  EXPECT_NEAR(sample_loss(Loss::softmax_cross_entropy, z, 0, target), norm - 0.25 - 2.25, 1e-12);
  const double entropy = 0.25 * std::log(0.25) + 0.75 * std::log(0.75);
  EXPECT_NEAR(sample_loss(Loss::kl_divergence, z, 0, target), entropy + norm - 2.5, 1e-12);
  const std::vector<float> logit{-2.0F};
  EXPECT_NEAR(sample_loss(Loss::binary_cross_entropy, logit, 1, {}), std::log1p(std::exp(2.0)), 1e-12);
  EXPECT_NEAR(sample_loss(Loss::binary_cross_entropy, logit, 0, {}), std::log1p(std::exp(-2.0)), 1e-12);
  EXPECT_NEAR(sample_loss(Loss::binary_cross_entropy, logit, -1, {}), std::log1p(std::exp(-2.0)), 1e-12);
  const std::vector<float> huge{1000.0F, 0.0F};
  EXPECT_NEAR(sample_loss(Loss::softmax_cross_entropy, huge, 1, {}), 1000.0, 1e-9);
}

TEST(Score, CountsEverySampleOnceWhateverTheSlice) {
  const TemporaryFolder folder;
  std::vector<float> x;
  std::vector<std::int32_t> y;
  for (int i = 0; i < 7; ++i)
    x.insert(x.end(), {float(i % 3 == 0), float(i % 3 == 1), float(i % 3 == 2)}), y.push_back(i == 6 ? 1 : i % 3);
  write_npy(folder / "x.npy", std::vector<std::uint64_t>{7, 3}, x);
  write_npy(folder / "y.npy", Element::s32, std::vector<std::uint64_t>{7}, std::as_bytes(std::span(y)));
  DataSet data = DataSet::samples_from(folder / "x.npy", {});
  data.add_targets_from(folder / "y.npy");
  for (const std::size_t slice : {1U, 2U, 7U, 10U}) {
    std::vector<float> input(slice * 3, -1.0F);
    const auto run = [&]() -> std::span<const float> { return input; };  // the network that copies
    const Scores scores = score(data, all_indices(7), slice, input, run, Loss::softmax_cross_entropy);
    EXPECT_EQ(scores.samples, 7U);
    EXPECT_EQ(scores.correct, 6U);
    ASSERT_EQ(scores.confusion.size(), 9U);
    EXPECT_EQ(scores.confusion[1 * 3 + 0], 1U);  // sample 6: called 1, looks like 0
    EXPECT_EQ(scores.confusion[0] + scores.confusion[4] + scores.confusion[8], 6U);
    const double norm = std::log(std::exp(1.0) + 2.0);
    EXPECT_NEAR(scores.loss, norm - 6.0 / 7.0, 1e-6);
  }
}

}  // namespace
}  // namespace mote::tool
