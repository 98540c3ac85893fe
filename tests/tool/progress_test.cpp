// SPDX-License-Identifier: Apache-2.0
// The moving line fits every terminal, and says first what matters most. Host only.
#include "tool/terminal/progress.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace mote::tool {
namespace {

TEST(ProgressLine, FitsEveryTerminal) {
  for (const double done : {0.0, 0.004, 0.5, 1.0})
    for (const char* heading : {"test", "epoch 3/10", "iteration 1000000000/1000000000"})
      for (const char* detail : {"", "loss 0.4120", "loss 123456789012345678.0000"})
        for (std::size_t columns = 0; columns <= 400; ++columns) {
          const ProgressState state{heading, detail, done, 123456.0, 3725.0};
          const std::string line = progress_line(state, columns);
          ASSERT_LE(line.size() + (columns > 0 ? 1 : 0), columns) << columns << ": " << line;
          ASSERT_TRUE(std::all_of(line.begin(), line.end(), [](char c) { return c >= ' ' && c <= '~'; })) << line;
        }
}

TEST(ProgressLine, SaysWhatMattersMostFirst) {
  const ProgressState state{"epoch 3/10", "loss 0.4120", 0.5, 98765.0, 65.0};
  EXPECT_EQ(progress_line(state, 200),
            "epoch 3/10 [############............]  50 %  98765 samples/s  loss 0.4120  1:05 left");
  EXPECT_EQ(progress_line(state, 85), progress_line(state, 200));
  EXPECT_EQ(progress_line(state, 84), "epoch 3/10 [############............]  50 %  loss 0.4120  1:05 left");
  EXPECT_EQ(progress_line(state, 80), "epoch 3/10 [############............]  50 %  loss 0.4120  1:05 left");
  EXPECT_EQ(progress_line(state, 60), "epoch 3/10 [########........]  50 %  loss 0.4120  1:05 left");
  EXPECT_EQ(progress_line(state, 41), "epoch 3/10  50 %  loss 0.4120  1:05 left");
  EXPECT_EQ(progress_line(state, 40), "epoch 3/10 [###....]  50 %  loss 0.4120");
  EXPECT_EQ(progress_line(state, 21), "epoch 3/10  50 %");
  EXPECT_EQ(progress_line(state, 20), "epoch 3/10  50 %");
  EXPECT_EQ(progress_line(state, 10), "epoch 3/1");
  EXPECT_EQ(progress_line(state, 1), "");
}

}  // namespace
}  // namespace mote::tool
