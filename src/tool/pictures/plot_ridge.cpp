// SPDX-License-Identifier: Apache-2.0
// The ridge functions of a projection pursuit regression: one panel a term.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "tool/pictures/plot.hpp"

namespace mote::tool {
namespace {

constexpr unsigned kPanelWidth = 470, kPanelHeight = 360, kTitleHeight = 46;
constexpr double kLeft = 112.0, kRight = 36.0, kBelow = 124.0;  // of a panel: y label and tics, half a tic, x label
constexpr std::size_t kAcross = 44, kUpright = 28;              // characters that fit along a panel's sides

std::string block(const std::string& name, const std::vector<std::pair<double, double>>& points) {
  std::string out = fmt::format("${} << END\n", name);
  for (const auto& [x, y] : points) out += fmt::format("{:.8g} {:.8g}\n", x, y);
  return out + "END\n";
}

/// The same scale in all panels: a flat function is then seen to be flat.
std::string common_range(const std::vector<RidgePanel>& panels) {
  double low = 0.0, high = 0.0;
  for (const RidgePanel& panel : panels)
    for (const auto* points : {&panel.curve, &panel.points})
      for (const auto& [x, y] : *points) low = std::min(low, y), high = std::max(high, y);
  const double margin = high > low ? 0.06 * (high - low) : 1.0;
  return fmt::format("set yrange [{:.8g}:{:.8g}]\n", low - margin, high + margin);
}

std::string range_of_x(const RidgePanel& panel) {
  double low = HUGE_VAL, high = -HUGE_VAL;
  for (const auto* points : {&panel.curve, &panel.points})
    for (const auto& [x, y] : *points) low = std::min(low, x), high = std::max(high, x);
  if (!(low < high)) return "set xrange [*:*]\n";
  return fmt::format("set xrange [{:.8g}:{:.8g}]\n", low - 0.03 * (high - low), high + 0.03 * (high - low));
}

}  // namespace

void plot_ridge_functions(const std::string& path, const std::string& title, const std::vector<RidgePanel>& panels) {
  const auto count = static_cast<unsigned>(panels.size());
  const unsigned columns = std::clamp(count, 1U, 3U), rows = std::max(1U, (count + columns - 1) / columns);
  const unsigned width = std::max(columns, 2U) * kPanelWidth, height = kTitleHeight + rows * kPanelHeight;
  std::string script = gnuplot_head(width, height);
  for (unsigned i = 0; i < count; ++i)
    script += block(fmt::format("curve{}", i), panels[i].curve) + block(fmt::format("points{}", i), panels[i].points);
  script += fmt::format(
      "set multiplot layout {},{} title {} font ',18' margins screen {:.4f}, {:.4f}, {:.4f}, {:.4f} "
      "spacing screen {:.4f}, {:.4f}\n",
      rows, columns, gnuplot_text(title), kLeft / width, 1.0 - kRight / width, (kBelow - 40.0) / height,
      1.0 - double(kTitleHeight + 34) / height, kLeft / width, kBelow / height);
  script += "set grid xtics ytics lc rgb '#dddddd' lt 1 lw 0.8\nunset key\nset title font ',15' offset 0, -0.4\n";
  script += "set tics font ',12'\nset format x '%.4g'\nset format y '%.4g'\nset xtics autofreq\n";
  const double plot_width = (width - kRight) / columns - kLeft;
  script += common_range(panels) + "set style fill transparent solid 0.55 noborder\n";
  for (unsigned i = 0; i < count; ++i) {
    const auto text = [](const std::string& whole, std::size_t room) { return gnuplot_text(shortened(whole, room)); };
    script += fmt::format("set title {}\nset xlabel {} font ',13' offset 0, 0.2\n", text(panels[i].title, kAcross),
                          text(panels[i].x_label, kAcross));
    // gnuplot would put the y label beside tics as wide as it guesses: into the neighbour.
    script += fmt::format("set label 1 {} at screen {:.4f}, graph 0.5 center rotate by 90 font ',13'\n",
                          text(panels[i].y_label, kUpright), (20.0 + (i % columns) * (plot_width + kLeft)) / width);
    script += range_of_x(panels[i]);
    script += fmt::format(
        "plot $points{0} using 1:2 with points pt 7 ps {1} lc rgb '#7fa8cc', "
        "$curve{0} using 1:2 with lines lw 2.6 lc rgb '#d1601c'\n",
        i, panels[i].points.size() > 400 ? "0.25" : "0.5");
  }
  run_gnuplot(script + "unset multiplot\n", path);
}

}  // namespace mote::tool
