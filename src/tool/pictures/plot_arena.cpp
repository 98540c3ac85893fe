// SPDX-License-Identifier: Apache-2.0
// The arena map: who lies where in the block of memory, and when.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "tool/pictures/plot.hpp"

namespace mote::tool {
namespace {

/// Colours of kinds: the same in every map. Unknown kinds are grey.
const std::map<std::string, std::string>& colours() {
  static const std::map<std::string, std::string> table{{"input", "#8dd3c7"},
                                                        {"activation", "#80b1d3"},
                                                        {"gradient", "#fb8072"},
                                                        {"sum_gradient", "#e7685a"},
                                                        {"param_gradient", "#fdb462"},
                                                        {"saved", "#bc80bd"},
                                                        {"scratch", "#d9d9d9"},
                                                        {"labels", "#ffed6f"},
                                                        {"targets", "#ffed6f"},
                                                        {"sample_weights", "#ffed6f"},
                                                        {"parameters", "#b3de69"},
                                                        {"optimizer_state1", "#ccebc5"},
                                                        {"optimizer_state2", "#a9d8a0"},
                                                        {"gradient_norms", "#ffed6f"},
                                                        {"plan tables", "#bbbbbb"}};
  return table;
}
std::string colour_of(const std::string& kind) {
  const auto found = colours().find(kind);
  return found == colours().end() ? "#cccccc" : found->second;
}

struct Unit {
  double factor;
  const char* name;
};
Unit unit_for(std::uint64_t bytes) {
  if (bytes >= std::uint64_t{10} << 20U) return {1048576.0, "MiB"};
  return bytes >= 10240 ? Unit{1024.0, "KiB"} : Unit{1.0, "bytes"};
}

constexpr unsigned kWidth = 1200, kHeight = 720;
constexpr double kPlotPixels = 900.0, kPlotRows = 540.0;  // about what the axes leave
constexpr double kGlyph = 6.6;                            // width of a glyph at size 11

}  // namespace

void plot_arena(const std::string& path, const ArenaMap& map) {
  unsigned steps = 1;
  std::uint64_t top = std::max<std::uint64_t>(map.arena_bytes, 1);
  std::vector<std::string> kinds;
  for (const ArenaBlock& block : map.blocks) {
    steps = std::max(steps, block.last_step + 1);
    top = std::max(top, block.offset + block.bytes);
    if (std::find(kinds.begin(), kinds.end(), block.kind) == kinds.end()) kinds.push_back(block.kind);
  }
  const Unit unit = unit_for(top);
  std::string script = gnuplot_head(kWidth, kHeight);
  std::string labels;
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    script += fmt::format("$kind{} << END\n", i);
    for (const ArenaBlock& block : map.blocks) {
      if (block.kind != kinds[i]) continue;
      const double x0 = block.first_step, x1 = block.last_step + 1.0;
      const double y0 = double(block.offset) / unit.factor, y1 = double(block.offset + block.bytes) / unit.factor;
      const double x = (x0 + x1) / 2, y = (y0 + y1) / 2;
      script += fmt::format("{:.8g} {:.8g} {:.8g} {:.8g} {:.8g} {:.8g}\n", x, y, x0, x1, y0, y1);
      const double wide = (x1 - x0) / steps * kPlotPixels, high = double(block.bytes) / double(top) * kPlotRows;
      const double needed = double(block.label.size()) * kGlyph + 4.0;
      const bool across = wide >= needed && high >= 13.0, upright = high >= needed && wide >= 13.0;
      if (across || upright)
        labels += fmt::format("set label {} at {:.8g},{:.8g} center {}font ',11' textcolor rgb '#1a1a1a' front\n",
                              gnuplot_text(block.label), x, y, across ? "" : "rotate by 90 ");
    }
    script += "END\n";
  }
  script += labels;
  script += fmt::format("set title {}\nset ylabel 'offset in the arena ({})'\n", gnuplot_text(map.title), unit.name);
  script += fmt::format("set xrange [0:{}]\nset yrange [0:{:.8g}]\nset lmargin 11\nset rmargin 20\n", steps,
                        double(top) / unit.factor * 1.02);
  script +=
      "set key outside right top vertical Left reverse samplen 1.6 font ',13'\nset style fill solid 1.0 "
      "border rgb '#ffffff'\n";
  if (!map.step_names.empty() && map.step_names.size() <= 48) {
    script += "set xlabel 'step'\nset xtics rotate by 55 right font ',11' (";
    for (std::size_t i = 0; i < map.step_names.size(); ++i)
      script += fmt::format("{}{} {}", i == 0 ? "" : ", ", gnuplot_text(map.step_names[i]), double(i) + 0.5);
    script += ")\n";
  } else {
    script += "set xlabel 'step (order of execution)'\n";
  }
  script += "plot ";
  for (std::size_t i = 0; i < kinds.size(); ++i)
    script += fmt::format("$kind{} using 1:2:3:4:5:6 with boxxyerror lw 0.8 fc rgb '{}' title {}, ", i,
                          colour_of(kinds[i]), gnuplot_text(kinds[i]));
  script += fmt::format("{:.8g} with lines lw 1.6 dt (8,5) lc rgb '#b00020' title 'lower bound'\n",
                        double(map.lower_bound_bytes) / unit.factor);
  run_gnuplot(script, path);
}

}  // namespace mote::tool
