// SPDX-License-Identifier: Apache-2.0
// Times of a network's layers, from the input on.
#include <fmt/format.h>

#include <algorithm>

#include "tool/pictures/plot.hpp"

namespace mote::tool {

void plot_layer_times(const std::string& path, const std::string& title, const std::vector<TimedLayer>& layers) {
  constexpr unsigned kLeast = 900, kMost = 4000, kEach = 22, kHeight = 560;
  constexpr std::size_t kNamed = 180;
  const auto count = static_cast<unsigned>(layers.size());
  std::string script = gnuplot_head(std::clamp(count * kEach + 160, kLeast, kMost), kHeight);
  script += "$times << END\n";
  for (std::size_t i = 0; i < layers.size(); ++i)
    script += fmt::format("{} {:.6g} {:.6g}\n", i + 1, layers[i].microseconds, layers[i].at_ceiling);
  script += fmt::format("END\nset title {}\nset ylabel 'microseconds'\n", gnuplot_text(title));
  script += fmt::format("set xrange [0:{}]\nset yrange [0:*]\n", count + 1);
  script += "set grid ytics lc rgb '#dddddd' lt 1 lw 0.8\nset boxwidth 0.7\nset style fill solid noborder\n";
  if (layers.size() <= kNamed) {
    script += "set xtics rotate by 55 right font ',11' (";
    for (std::size_t i = 0; i < layers.size(); ++i)
      script += fmt::format("{}{} {}", i == 0 ? "" : ", ", gnuplot_text(shortened(layers[i].name, 22)), i + 1);
    script += ")\n";
  } else {
    script += "set xlabel 'layer (order of execution)'\n";
  }
  script += "set key outside top right horizontal font ',13'\nset bmargin 8\n";
  script +=
      "plot $times using 1:2 with boxes lc rgb '#a9cbe8' title 'time', $times using 1:3 with boxes lc rgb '#2f6f9f' "
      "title 'its multiply-adds at the ceiling'\n";
  run_gnuplot(script, path);
}

}  // namespace mote::tool
