// SPDX-License-Identifier: Apache-2.0
// The ridge functions of a projection pursuit regression: one panel a term.
#include <fmt/format.h>

#include <algorithm>

#include "tool/pictures/plot.hpp"

namespace mote::tool {
namespace {

constexpr unsigned kPanelWidth = 440, kPanelHeight = 360, kTitleHeight = 46;

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
  const double margin = high > low ? 0.04 * (high - low) : 1.0;
  return fmt::format("set yrange [{:.8g}:{:.8g}]\n", low - margin, high + margin);
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
      rows, columns, gnuplot_text(title), 85.0 / width, 1.0 - 20.0 / width, 84.0 / height,
      1.0 - double(kTitleHeight + 34) / height, 92.0 / width, 124.0 / height);
  script += "set grid xtics ytics lc rgb '#dddddd' lt 1 lw 0.8\nunset key\nset title font ',15' offset 0, -0.4\n";
  script += "set offsets graph 0.02, graph 0.02, graph 0.04, graph 0.04\nset tics font ',12'\n";
  script += common_range(panels) + "set xtics autofreq\nset style fill transparent solid 0.55 noborder\n";
  for (unsigned i = 0; i < count; ++i) {
    script +=
        fmt::format("set title {}\nset xlabel {} font ',13' offset 0, 0.2\nset ylabel {} font ',13' offset 0.6\n",
                    gnuplot_text(panels[i].title), gnuplot_text(panels[i].x_label), gnuplot_text(panels[i].y_label));
    script += fmt::format(
        "plot $points{0} using 1:2 with points pt 7 ps {1} lc rgb '#7fa8cc', "
        "$curve{0} using 1:2 with lines lw 2.6 lc rgb '#d1601c'\n",
        i, panels[i].points.size() > 400 ? "0.25" : "0.5");
  }
  run_gnuplot(script + "unset multiplot\n", path);
}

}  // namespace mote::tool
