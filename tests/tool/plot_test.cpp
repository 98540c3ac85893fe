// SPDX-License-Identifier: Apache-2.0
// Pictures are SVG with the words they should carry; without gnuplot the tool says which package has it. Host only.
#include <cmath>

#include "temporary.hpp"
#include "tool/pictures/plot.hpp"

namespace mote::tool {
namespace {

using namespace test;

class Plot : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!can_plot()) GTEST_SKIP() << kNoGnuplot;
  }
  TemporaryFolder folder_;
};

TEST_F(Plot, DrawsLearningCurves) {
  const double none = std::nan("");
  plot_learning_curve(folder_ / "a.svg", "A \"title\" with 'quotes' & <signs> \\n $x",
                      {{1, 0.5, 0.8, 0.6, 0.7}, {2, 0.4, 0.9, 0.5, 0.8}}, 2);
  const std::string both = read(folder_ / "a.svg");
  expect_in(both, {"<svg", "training", "validation", "accuracy (%)", "loss", "epoch", "kept: epoch 2", "&amp;",
                   "&lt;signs>", "</svg>"});
  plot_learning_curve(folder_ / "b.svg", "one epoch", {{1, 0.5, none, none, none}}, 0);
  const std::string one = read(folder_ / "b.svg");
  EXPECT_EQ(one.find("accuracy"), std::string::npos);
  EXPECT_EQ(one.find("validation"), std::string::npos);
  EXPECT_EQ(folder_.files(), 2U);
}

TEST_F(Plot, DrawsConfusionMatrices) {
  plot_confusion_matrix(folder_ / "c.svg", "Confusion", {5012, 1, 0, 7034}, {"cat & dog", "no`date`ne"});
  expect_in(read(folder_ / "c.svg"),
            {"<svg", "5012", "7034", "cat &amp; dog", "no`date`ne", "predicted class", "actual class"});
  plot_confusion_matrix(folder_ / "d.svg", "No samples", std::vector<std::uint64_t>(9, 0), {"0", "1", "2"});
}

TEST_F(Plot, DrawsArenas) {
  ArenaMap map{"Arena",
               {{"activation", "1 conv2d", 0, 4096, 0, 2}, {"gradient", "1 conv2d", 4096, 4096, 1, 2}},
               {"forward 1", "loss", "grad"},
               8192,
               8000};
  plot_arena(folder_ / "e.svg", map);
  expect_in(read(folder_ / "e.svg"),
            {"<svg", "activation", "gradient", "1 conv2d", "lower bound", "bytes", "forward 1"});
  plot_arena(folder_ / "f.svg", {"empty", {}, {}, 0, 0});
}

TEST_F(Plot, LeavesNothingWhereGnuplotFails) {
  expect_in(error_of([&] { run_gnuplot("this is no gnuplot command\n", folder_ / "g.svg"); }),
            {"g.svg", "gnuplot could not draw"});
  EXPECT_EQ(folder_.files(), 0U);
}

TEST(PlotWithoutGnuplot, NamesThePackage) {
  const TemporaryFolder folder;
  const std::string path = std::getenv("PATH");
  ::setenv("PATH", folder.path().c_str(), 1);
  EXPECT_FALSE(can_plot());
  expect_in(error_of([&] { run_gnuplot("", folder / "x.svg"); }), {"gnuplot-nox"});
  ::setenv("PATH", path.c_str(), 1);
  EXPECT_EQ(folder.files(), 0U);
}

}  // namespace
}  // namespace mote::tool
