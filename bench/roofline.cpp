// SPDX-License-Identifier: Apache-2.0
// Measures ceilings by repetition, and draws through the tool's pipe to gnuplot.
#include "roofline.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>

#include "tool/ceilings/ceilings.hpp"
#include "tool/pictures/plot.hpp"

namespace mote::bench {
namespace {

/// Seconds of one call: the fastest tenth of many short measurements, because a ceiling is what nobody disturbs.
template <class Body>
double seconds_of(const Body& body) {
  using Clock = std::chrono::steady_clock;
  std::vector<double> times;
  std::size_t calls = 1;
  for (int i = 0; i < 21;) {
    const auto start = Clock::now();
    for (std::size_t call = 0; call < calls; ++call) body();
    const double time = std::chrono::duration<double>(Clock::now() - start).count();
    if (time < 5e-4 && i == 0) {
      calls *= 2;
      continue;
    }
    times.push_back(time / static_cast<double>(calls));
    ++i;
  }
  const auto tenth = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 10);
  std::nth_element(times.begin(), tenth, times.end());
  return *tenth;
}

constexpr double kLeastBytes = 4096.0, kMostBytes = 128e6;

}  // namespace

std::vector<MemoryLevel> memory_levels() {
  std::vector<MemoryLevel> levels;
  double largest = 0.0;
  for (const auto& cache : benchmark::CPUInfo::Get().caches) {
    if (cache.type == "Instruction" || cache.size <= 0) continue;
    const double size = static_cast<double>(cache.size);
    levels.push_back({"L" + std::to_string(cache.level), std::max(size / 2.0, std::min(size, 2.0 * largest))});
    largest = size;
  }
  levels.push_back({"memory", kMostBytes});
  return levels;
}

double Roof::bandwidth(double bytes) const {
  if (bytes <= speeds.front().bytes) return speeds.front().bandwidth;
  for (std::size_t i = 1; i < speeds.size(); ++i) {
    if (bytes > speeds[i].bytes) continue;
    const ReadSpeed &from = speeds[i - 1], &to = speeds[i];
    const double part = std::log(bytes / from.bytes) / std::log(to.bytes / from.bytes);
    return from.bandwidth + part * (to.bandwidth - from.bandwidth);
  }
  return speeds.back().bandwidth;
}

std::vector<Roof> measure_roofs() {
  std::vector<Roof> roofs;
  Arrays arrays;
  const float* values = arrays.floats(static_cast<std::size_t>(kMostBytes) / sizeof(float));
  for (std::size_t i = 0; const char* isa = runnable_isa(i); ++i) {
    const tool::Ceilings& ceilings = tool::ceilings_of(isa);
    Roof roof{
        isa, 2e3 * static_cast<double>(ceilings.f32.multiply_adds) / seconds_of([&] { ceilings.f32.run(1000); }), {}};
    for (double bytes = kLeastBytes; bytes <= kMostBytes; bytes *= std::sqrt(2.0)) {
      const std::size_t count = static_cast<std::size_t>(bytes) / sizeof(float) / 256 * 256;
      const double real = static_cast<double>(count * sizeof(float));
      roof.speeds.push_back({real, real / seconds_of([&] { ceilings.read(values, count); })});
    }
    roofs.push_back(roof);
  }
  return roofs;
}

double allowed(const Roof& roof, const Work& work) {
  const double bandwidth = roof.bandwidth(work.resident());
  return work.flops == 0.0 ? bandwidth : std::min(roof.flops, work.flops / work.bytes * bandwidth);
}

double share(const Roof& roof, const Measured& measured) {
  const Work& work = measured.row->work;
  return (work.flops == 0.0 ? measured.bandwidth() : measured.flops()) / allowed(roof, work);
}

void draw_roofline(const std::string& path, const Roof& roof, const std::vector<Measured>& rows) {
  constexpr const char* kFamilies[][2] = {{"dense", "#1f77b4"},
                                          {"conv2d", "#d62728"},
                                          {"depthwise_conv2d", "#2ca02c"},
                                          {"network, forward", "#9467bd"},
                                          {"network, training step", "#ff7f0e"},
                                          {"other kernels", "#7f7f7f"}};
  const auto family = [](const std::string& name) -> std::size_t {
    const char* const starts[] = {"dense_", "conv2d_", "depthwise_", "forward_pass", "training_step"};
    for (std::size_t i = 0; i < std::size(starts); ++i)
      if (name.starts_with(starts[i])) return i;
    return std::size(starts);
  };
  std::map<std::size_t, std::string> points;
  std::vector<std::pair<double, const Measured*>> shares;
  double least_x = 1e9, most_x = 0.0, least_y = 1e9;
  for (const Measured& m : rows) {
    if (m.row->isa != roof.isa || m.row->work.flops == 0.0) continue;
    const double x = m.intensity(), y = m.flops() * 1e-9;
    if (family(m.row->name) < 3) shares.emplace_back(share(roof, m), &m);
    points[family(m.row->name)] += fmt::format("{} {}\n", x, y);
    least_x = std::min(least_x, x), most_x = std::max(most_x, x), least_y = std::min(least_y, y);
  }
  if (points.empty()) return;
  least_x = std::pow(2.0, std::floor(std::log2(least_x)));
  most_x = std::pow(2.0, std::ceil(std::log2(most_x)) + 1.0);
  least_y = std::pow(10.0, std::floor(std::log10(least_y)));
  const double peak = roof.flops * 1e-9;
  std::string script = tool::gnuplot_head(1000, 660);
  for (const auto& [index, text] : points) script += fmt::format("$f{} << EOD\n{}EOD\n", index, text);
  script += fmt::format(
      "set title {}\nset logscale xy\nset xrange [{}:{}]\nset yrange [{}:{}]\n"
      "set xlabel 'operations per byte of the arrays, each counted once'\nset ylabel 'GFLOP/s'\n"
      "set xtics ({})\nset grid lc rgb '#eeeeee'\nset key outside bottom center horizontal samplen 1 height 1\n"
      "set label {} at {},{} left textcolor rgb '#222222'\n",
      tool::gnuplot_text("What the kernels reach of one core, " + roof.isa), least_x, most_x, least_y, 2.2 * peak,
      "'1/32' 0.03125, '1/16' 0.0625, '1/8' 0.125, '1/4' 0.25, '1/2' 0.5, 1, 2, 4, 8, 16, 32, 64, 128, 256",
      tool::gnuplot_text(fmt::format("multiply-adds {:.0f} GFLOP/s", peak)), least_x * 1.15, peak * 1.16);
  // The rows that leave most are named.
  constexpr std::size_t kNamed = 4;
  std::sort(shares.begin(), shares.end());
  std::vector<double> heights;
  for (std::size_t i = 0; i < std::min(kNamed, shares.size()); ++i) {
    const Measured& m = *shares[i].second;
    const double y = m.flops() * 1e-9;
    const bool left = m.intensity() > std::sqrt(most_x);
    const auto near = [&](double other) { return std::abs(std::log(other / y)) < 0.1; };
    const auto raised = std::count_if(heights.begin(), heights.end(), near);
    heights.push_back(y);
    script += fmt::format("set label {} at {},{} {} offset 0,{} font ',11' textcolor rgb '#444444'\n",
                          tool::gnuplot_text(left ? m.row->name + "  " : "  " + m.row->name), m.intensity(), y,
                          left ? "right" : "left", 0.9 * static_cast<double>(raised));
  }
  // Every level's name stands on its own line, where that enters the picture.
  std::string plots = fmt::format("plot {} with lines lc rgb '#222222' lw 2 notitle", peak);
  for (const MemoryLevel& level : memory_levels()) {
    const double slope = roof.bandwidth(level.typical_bytes) * 1e-9;
    plots += fmt::format(", {0}*x < {1} ? {0}*x : NaN with lines lc rgb '#222222' lw 1.2 dt 2 notitle", slope, peak);
    const double at = std::max(least_x * 1.15, 1.15 * least_y / slope);
    script += fmt::format("set label {} at {},{} left rotate by 37 textcolor rgb '#222222'\n",
                          tool::gnuplot_text(fmt::format("{} {:.0f} GB/s", level.name, slope)), at, slope * at * 1.25);
  }
  for (const auto& [index, text] : points)
    plots += fmt::format(", $f{} using 1:2 with points pt 7 ps 0.55 lc rgb '{}' title '{}'", index, kFamilies[index][1],
                         kFamilies[index][0]);
  tool::run_gnuplot(script + "set samples 600\n" + plots + "\n", path);
}

}  // namespace mote::bench
