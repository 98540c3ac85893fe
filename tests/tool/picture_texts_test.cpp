// SPDX-License-Identifier: Apache-2.0
// No word of a picture is cut by its edge or stands on another, whatever numbers and names there are: read from the
// SVG, where every text says its place, size and direction. Host only.
#include <cmath>
#include <regex>

#include "temporary.hpp"
#include "tool/pictures/plot.hpp"

namespace mote::tool {
namespace {

using namespace test;

struct Box {
  std::string text;
  double left, top, right, bottom;
  bool upright;
};
struct Texts {
  double width = 0.0, height = 0.0;
  std::vector<Box> boxes;
};

/// Letters are taken for narrower than they may be, so that what overlaps here does so in any font.
Texts texts_of(const std::string& svg) {
  Texts out;
  std::smatch size;
  EXPECT_TRUE(std::regex_search(svg, size, std::regex("viewBox=\"0 0 ([0-9.]+) ([0-9.]+)\"")));
  out.width = std::stod(size[1]), out.height = std::stod(size[2]);
  const std::regex group(
      "translate\\(([-0-9.]+),([-0-9.]+)\\)(?: "
      "rotate\\(([-0-9.]+)\\))?\"[^>]*font-size=\"([0-9.]+)\"\\s+text-anchor=\"(\\w+)\">"
      "\\s*<text>([^\\n]*)</text>");
  for (auto it = std::sregex_iterator(svg.begin(), svg.end(), group); it != std::sregex_iterator(); ++it) {
    const std::smatch& m = *it;
    const std::string text = std::regex_replace(m[6].str(), std::regex("<[^>]*>"), "");
    const double x = std::stod(m[1]), y = std::stod(m[2]), angle = m[3].matched ? std::stod(m[3]) * M_PI / 180.0 : 0.0;
    const double font = std::stod(m[4]), length = 0.8 * text_width(text, font);
    const double from = m[5] == "end" ? -length : m[5] == "middle" ? -length / 2 : 0.0;
    double left = 1e9, right = -1e9, top = 1e9, bottom = -1e9;
    for (const double along : {from, from + length})
      for (const double up : {-0.7 * font, 0.0}) {
        const double px = x + along * std::cos(angle) - up * std::sin(angle),
                     py = y + along * std::sin(angle) + up * std::cos(angle);
        left = std::min(left, px), right = std::max(right, px), top = std::min(top, py), bottom = std::max(bottom, py);
      }
    const double turned = std::abs(std::sin(2 * angle));
    out.boxes.push_back({text, left, top, right, bottom, turned < 0.01});
  }
  return out;
}

void expect_room(const std::string& path, std::initializer_list<const char*> parts) {
  expect_in(read(path), parts);
  const Texts texts = texts_of(read(path));
  ASSERT_FALSE(texts.boxes.empty()) << path;
  for (std::size_t i = 0; i < texts.boxes.size(); ++i) {
    const Box& a = texts.boxes[i];
    EXPECT_TRUE(a.left >= 0.0 && a.top >= 0.0 && a.right <= texts.width && a.bottom <= texts.height)
        << path << ": \"" << a.text << "\" is cut at " << a.left << ',' << a.top << " - " << a.right << ',' << a.bottom;
    for (std::size_t k = 0; k < i; ++k) {
      const Box& b = texts.boxes[k];
      const bool apart = a.right <= b.left || b.right <= a.left || a.bottom <= b.top || b.bottom <= a.top;
      EXPECT_TRUE(apart || !a.upright || !b.upright) << path << ": \"" << a.text << "\" on \"" << b.text << '"';
    }
  }
}

class PictureTexts : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!can_plot()) GTEST_SKIP() << kNoGnuplot;
  }
  TemporaryFolder folder_;
};

TEST_F(PictureTexts, OfConfusionMatrices) {
  const std::vector<std::string> sorts{
      "0", "a class", "the name of a class that is far too long to be written beside a row",
      "日本語のとても長いクラスの名前です本当に長いのです", "WWWWWWWWWWWWWWWWWWWWWWWW"};
  for (const std::size_t classes : {1U, 2U, 3U, 5U, 10U, 17U, 30U, 64U, 100U})
    for (std::size_t sort = 0; sort < sorts.size(); ++sort) {
      if (classes > 30 && sort > 2) continue;
      std::vector<std::uint64_t> counts(classes * classes);
      for (std::size_t i = 0; i < counts.size(); ++i) counts[i] = i % (classes + 1) == 0 ? 60'000'000 / classes : i % 7;
      std::vector<std::string> names;
      for (std::size_t i = 0; i < classes; ++i) names.push_back(sorts[sort] + (i == 0 ? "" : std::to_string(i)));
      const std::string path = folder_ / "cm.svg";
      plot_confusion_matrix(path, "Confusion matrix: 59 999 999 of 60 000 000 right (99.99 %)", counts, names);
      SCOPED_TRACE(std::to_string(classes) + " classes, " + sorts[sort]);
      expect_room(path, {"predicted class", "actual class", "59 999 999", "share of"});
    }
}

TEST_F(PictureTexts, ThatAreNoUtf8) {
  EXPECT_EQ(gnuplot_text("it's \x1b[1m\x7f\xe4"), "'it''s  [1m \uFFFD'");
  EXPECT_EQ(gnuplot_text("\xc3\xa4 \xf0\x9f\x98\x80"), "'\xc3\xa4 \xf0\x9f\x98\x80'");
  for (const char* bad : {"\xc3", "\x80", "\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xff"})
    EXPECT_TRUE(gnuplot_text(bad).starts_with("'\uFFFD")) << bad;
}

TEST_F(PictureTexts, OfLearningCurves) {
  const double none = std::nan("");
  for (const double scale : {1e-30, 1e-6, 1.0, 12345.678, 1e10, 1e30, 1e300})
    for (const double sign : {1.0, -1.0})
      for (const unsigned epochs : {1U, 2U, 20U, 100'000U})
        for (const double factor : {1.0, 1e6}) {
          const double first = sign * scale, last = sign * scale / factor;
          plot_learning_curve(folder_ / "lc.svg", "Learning curve",
                              {{1, first, 0.1, first, 0.2}, {epochs, last, 0.9, last, 0.8}}, epochs);
          SCOPED_TRACE(std::to_string(first) + " to " + std::to_string(last));
          expect_room(folder_ / "lc.svg", {"loss (mean", "accuracy (%)", "epoch", "validation"});
          plot_learning_curve(folder_ / "lc.svg", "Learning curve",
                              {{1, first, none, none, none}, {epochs, last, none, none, none}}, 0);
          expect_room(folder_ / "lc.svg", {"loss (mean", "epoch", "training"});
        }
  plot_learning_curve(folder_ / "nan.svg", "Learning curve",
                      {{1, none, none, none, none}, {2, HUGE_VAL, none, none, none}}, 0);
  expect_in(read(folder_ / "nan.svg"), {"no finite value", "</svg>"});
}

TEST_F(PictureTexts, OfLayerTimes) {
  for (const std::size_t count : {1U, 5U, 60U, 180U, 400U})
    for (const double scale : {1e-3, 1.0, 123456.0}) {
      std::vector<TimedLayer> layers;
      for (std::size_t i = 0; i < count; ++i)
        layers.push_back({std::to_string(i) + " conv2d 128 3x3 same stride 2, frozen",
                          scale * static_cast<double>(i % 7), i % 3 == 0 ? 0.0 : 0.5 * scale});
      plot_layer_times(folder_ / "lt.svg", "keywords.tflite: 123.4 us, avx512", layers);
      SCOPED_TRACE(std::to_string(count) + " layers, " + std::to_string(scale));
      expect_room(folder_ / "lt.svg", {"microseconds", "keywords.tflite", "at the ceiling"});
    }
}

TEST_F(PictureTexts, OfScales) {
  EXPECT_EQ(scale_for(std::vector<double>{0.0, 1e10}), "[0:1.05e+10]");
  EXPECT_EQ(scale_for(std::vector<double>{1.0, 2.0}), "[0.95:2.05]");
  EXPECT_EQ(scale_for(std::vector<double>{-2.0, 0.0}), "[-2.1:0]");
  EXPECT_EQ(scale_for(std::vector<double>{-1.0, 1.0}), "[-1.1:1.1]");
  EXPECT_EQ(scale_for(std::vector<double>{std::nan(""), HUGE_VAL}), "[0:1]");
  EXPECT_EQ(shortened("abcdef", 6), "abcdef");
  EXPECT_EQ(shortened("abcdefghij", 7), "abcd…ij");
  EXPECT_EQ(shortened("äöüäöüäöü", 4), "äö…ü");
  EXPECT_EQ(shortened("abc", 1), "…");
}

TEST_F(PictureTexts, OfRidgeFunctions) {
  for (const double scale : {1e-6, 1.0, 250'000.0, 1e10})
    for (std::size_t terms = 1; terms <= 7; ++terms) {
      std::vector<RidgePanel> panels(terms);
      for (RidgePanel& panel : panels) {
        panel = {"term 1",
                 "0.913 a_long_feature_name - 0.4 another_long_feature_name + 0.02 a_third_one",
                 "part of the_median_price_of_a_house_in_this_district",
                 {},
                 {}};
        for (int i = 0; i < 20; ++i) {
          panel.curve.emplace_back(scale * i, scale * std::sin(i / 5.0));
          panel.points.emplace_back(scale * i, scale * std::sin(i / 5.0) + scale * 0.1);
        }
      }
      plot_ridge_functions(folder_ / "r.svg", "Ridge functions and partial residuals: 93.1 % explained", panels);
      SCOPED_TRACE(std::to_string(terms) + " terms at " + std::to_string(scale));
      expect_room(folder_ / "r.svg", {"part of the_", "0.913 a_long", "term 1"});
    }
}

TEST_F(PictureTexts, OfArenasAndGradients) {
  for (const char* kind : {"input", "optimizer_state1", "activation"}) {
    plot_arena(folder_ / "a.svg",
               {"Arena, run, 1 sample: 32 bytes", {{kind, "1 dense", 0, 16, 0, 0}}, {"forward 1 dense"}, 32, 32});
    expect_room(folder_ / "a.svg", {"lower bound", kind, "offset in"});
  }
  for (const double scale : {1e-30, 1e-3, 1.0, 1e30}) {
    plot_gradient_norms(folder_ / "g.svg", "Gradient norms",
                        {{"first update", {scale, scale * 1e-8}}, {"epoch 1", {scale, 0.0}}});
    expect_room(folder_ / "g.svg", {"norm of its gradient", "trained layer"});
  }
}

}  // namespace
}  // namespace mote::tool
