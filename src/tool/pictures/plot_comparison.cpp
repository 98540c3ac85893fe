// SPDX-License-Identifier: Apache-2.0
// Signal-to-noise ratios of two models' values, from the input on.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "tool/pictures/plot.hpp"

namespace mote::tool {

void plot_comparison(const std::string& path, const std::string& title, const std::vector<ComparedValue>& values,
                     std::size_t falls) {
  constexpr double kEqual = 175.0;  // where values that are equal are drawn: above all that float32 can differ by
  constexpr unsigned kLeast = 900, kMost = 4000, kEach = 22, kHeight = 560;
  constexpr std::size_t kNamed = 180;
  const auto count = static_cast<unsigned>(values.size());
  std::string script = gnuplot_head(std::clamp(count * kEach + 160, kLeast, kMost), kHeight);
  double low = 0.0;
  const auto place = [](double ratio) { return ratio < kEqual ? ratio : kEqual; };
  for (const auto& [block, of_falls] : {std::pair{"good", false}, std::pair{"falls", true}}) {
    script += fmt::format("${} << END\n", block);
    for (std::size_t i = 0; i < values.size(); ++i) {
      low = std::min(low, place(values[i].ratio));
      if ((i == falls) == of_falls) script += fmt::format("{} {:.6g}\n", i + 1, place(values[i].ratio));
    }
    script += "END\n";
  }
  script += fmt::format("set title {}\nset ylabel 'signal-to-noise ratio (dB)'\n", gnuplot_text(title));
  script += fmt::format("set xrange [0:{}]\nset yrange [{:.6g}:{:.6g}]\n", count + 1, low - 5.0, kEqual + 10.0);
  script += fmt::format(
      "set ytics -300,50,150\nset ytics add ('equal' {})\nset grid ytics lc rgb '#dddddd' lt 1 lw 0.8\n", kEqual);
  if (values.size() <= kNamed) {
    script += "set xtics rotate by 55 right font ',11' (";
    for (std::size_t i = 0; i < values.size(); ++i)
      script += fmt::format("{}{} {}", i == 0 ? "" : ", ", gnuplot_text(shortened(values[i].name, 22)), i + 1);
    script += ")\n";
  } else {
    script += "set xlabel 'value (order of execution)'\n";
  }
  script += "set key outside top right horizontal font ',13'\nset bmargin 6\n";
  script +=
      "plot $good using 1:2 with impulses lw 1 lc rgb '#b9cfe2' notitle, $good using 1:2 with points pt 7 ps 0.6 lc "
      "rgb '#2f6f9f' notitle";
  if (falls < values.size())
    script +=
        ", $falls using 1:2 with impulses lw 2 lc rgb '#d1601c' notitle, $falls using 1:2 with points pt 7 ps 1 "
        "lc rgb '#b00020' title 'falls here'";
  run_gnuplot(script + "\n", path);
}

}  // namespace mote::tool
