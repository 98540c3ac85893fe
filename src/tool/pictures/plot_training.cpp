// SPDX-License-Identifier: Apache-2.0
// Pictures of a training run: the learning curve and the confusion matrix.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "tool/pictures/plot.hpp"

namespace mote::tool {
namespace {

constexpr const char* kTrainColour = "#1f6fb4";
constexpr const char* kValidationColour = "#d1601c";

std::string number(double value) { return std::isfinite(value) ? fmt::format("{:.8g}", value) : "NaN"; }

using Field = double CurvePoint::*;

/// One panel: training and validation against epochs, the legend above.
struct CurvePanel {
  const char* label;
  Field training, validation;
  int training_column;  // of $data; validation's is the next
  double factor;        // from the field to the picture
  bool logarithmic;     // where the values are positive and far apart
};

constexpr double kCurveWidth = 900.0, kCurveLeft = 128.0, kCurveRight = 36.0;  // of the picture, in pixels

/// Losses that fall by orders of magnitude hide all but the first epoch on a linear scale.
constexpr double kFarApart = 1000.0;

std::string panel(const CurvePanel& panel, const std::vector<CurvePoint>& points, unsigned best_epoch) {
  std::vector<double> values;
  bool series[2] = {false, false};
  for (const CurvePoint& p : points) {
    const double pair[2] = {panel.factor * p.*panel.training, panel.factor * p.*panel.validation};
    for (std::size_t k = 0; k < 2; ++k)
      if (std::isfinite(pair[k])) series[k] = true, values.push_back(pair[k]);
  }
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  const bool logarithmic = panel.logarithmic && !values.empty() && *low > 0.0 && *high / *low >= kFarApart;
  // gnuplot would put the label beside tics as wide as it guesses, outside the picture if they are wider.
  std::string out = fmt::format("set label 1 {} at screen {:.4f}, graph 0.5 center rotate by 90\n",
                                gnuplot_text(panel.label), 22.0 / kCurveWidth);
  out += logarithmic
             ? fmt::format("set logscale y\nset format y '%.0e'\nset yrange [{:.4g}:{:.4g}]\n", *low / 2, *high * 2)
             : fmt::format("unset logscale y\nset format y '%.4g'\nset yrange {}\n", scale_for(values));
  out += best_epoch == 0 ? "unset arrow\n"
                         : fmt::format(
                               "set arrow 1 from first {0}, graph 0 to first {0}, graph 1 nohead lc rgb '#888888' "
                               "dt (6,5) lw 1.2 back\n",
                               best_epoch);
  std::string plots;
  const auto add = [&](std::size_t k, const char* name, const char* colour, int point) {
    if (series[k])
      plots += fmt::format("$data using 1:{} with linespoints lw 2.2 pt {} ps 0.55 lc rgb '{}' title '{}', ",
                           panel.training_column + static_cast<int>(k), point, colour, name);
  };
  add(0, "training", kTrainColour, 7);
  add(1, "validation", kValidationColour, 5);
  if (plots.empty()) return out + "plot NaN title 'no finite value'\n";
  if (best_epoch != 0 && series[1])
    plots += fmt::format("NaN lc rgb '#888888' dt (6,5) lw 1.2 title 'kept: epoch {}', ", best_epoch);
  return out + "plot " + plots.substr(0, plots.size() - 2) + "\n";
}

}  // namespace

void plot_learning_curve(const std::string& path, const std::string& title, const std::vector<CurvePoint>& points,
                         unsigned best_epoch, const std::string& unit) {
  const bool two = std::any_of(points.begin(), points.end(), [](const CurvePoint& p) {
    return std::isfinite(p.train_accuracy) || std::isfinite(p.validation_accuracy);
  });
  std::string script = gnuplot_head(static_cast<unsigned>(kCurveWidth), two ? 760 : 480);
  script += "$data << END\n";
  for (const CurvePoint& p : points)
    script += fmt::format("{} {} {} {} {}\n", p.epoch, number(p.train_loss), number(p.validation_loss),
                          number(100.0 * p.train_accuracy), number(100.0 * p.validation_accuracy));
  script += "END\n";
  const unsigned last = points.empty() ? 1 : points.back().epoch;
  script += fmt::format("set xrange [{}:{}]\nset xtics {} format '%g'\n", last == 1 ? 0.5 : 1.0,
                        last == 1 ? 1.5 : double(last), std::max(1U, (last + 11) / 12));
  script += "set grid ytics xtics lc rgb '#dddddd' lt 1 lw 0.8\nset key above right horizontal samplen 2\n";
  script += fmt::format("set lmargin at screen {:.4f}\nset rmargin at screen {:.4f}\n", kCurveLeft / kCurveWidth,
                        1.0 - kCurveRight / kCurveWidth);
  if (two) {
    script += fmt::format("set multiplot layout 2,1 title {} font ',18'\nset bmargin 3\n", gnuplot_text(title));
  } else {
    script += fmt::format("set title {}\nset xlabel {}\n", gnuplot_text(title), gnuplot_text(unit));
  }
  const CurvePanel loss{"loss (mean per sample)", &CurvePoint::train_loss, &CurvePoint::validation_loss, 2, 1.0, true};
  script += panel(loss, points, best_epoch);
  if (two) {
    const CurvePanel accuracy{"accuracy (%)", &CurvePoint::train_accuracy, &CurvePoint::validation_accuracy, 4, 100.0,
                              false};
    script += fmt::format("set xlabel {}\nset bmargin 4\n", gnuplot_text(unit));
    script += panel(accuracy, points, best_epoch);
    script += "unset multiplot\n";
  }
  run_gnuplot(script, path);
}

void plot_gradient_norms(const std::string& path, const std::string& title, const std::vector<NormCurve>& curves) {
  constexpr std::array<const char*, 6> kColours{"#222222", "#c6dbef", "#85bcdb", "#4a98c9", "#1f6fb4", "#0b3d7a"};
  std::string script = gnuplot_head(900, 520), plots;
  const std::size_t layers = curves.empty() ? 0 : curves[0].norms.size();
  double smallest = 1e300, largest = 0.0;
  for (std::size_t k = 0; k < curves.size(); ++k) {
    script += fmt::format("$curve{} << END\n", k);
    std::size_t points = 0;
    for (std::size_t i = 0; i < layers; ++i) {
      const double norm = curves[k].norms[i];
      if (!(norm > 0.0) || !std::isfinite(norm)) continue;
      script += fmt::format("{} {:.6g}\n", i + 1, norm);
      smallest = std::min(smallest, norm), largest = std::max(largest, norm), ++points;
    }
    script += "END\n";
    if (points == 0) continue;
    const std::string missing = points == layers ? "" : fmt::format(" (0 in {})", layers - points);
    const std::size_t colour = kColours.size() - (curves.size() - k);
    plots += fmt::format("{}$curve{} using 1:2 with linespoints lw 2 pt 7 ps {} {} lc rgb '{}' title {}",
                         plots.empty() ? "plot " : ", ", k, layers > 40 ? 0.25 : 0.5, k == 0 ? "dt (7,4)" : "",
                         k == 0 ? kColours[0] : kColours[colour], gnuplot_text(curves[k].name + missing));
  }
  if (plots.empty()) smallest = largest = 1.0, plots = "plot NaN notitle";
  script +=
      fmt::format("set title {}\nset xlabel 'trained layer, from the input on'\nset ylabel 'norm of its gradient'\n",
                  gnuplot_text(title));
  script += fmt::format("set logscale y\nset format y '1e%T'\nset yrange [{:.3g}:{:.3g}]\nset xrange [0.5:{}.5]\n",
                        smallest / 3.0, largest * 3.0, std::max<std::size_t>(layers, 1));
  script += layers <= 12 ? "set xtics 1\n" : "set xtics autofreq\n";
  script += "set grid ytics xtics lc rgb '#dddddd' lt 1 lw 0.8\n";
  script += "set key above right horizontal samplen 2\nset lmargin 12\nset rmargin 3\n" + plots + "\n";
  run_gnuplot(script, path);
}

void plot_confusion_matrix(const std::string& path, const std::string& title, const std::vector<std::uint64_t>& counts,
                           const std::vector<std::string>& class_names) {
  constexpr std::size_t kLongestName = 28;                                // characters
  constexpr double kSine = 0.643, kTitleSize = 18.0, kLineHeight = 24.0;  // sin 40°: names below lean so
  const std::size_t n = class_names.size();
  std::vector<std::string> names;
  for (const std::string& name : class_names) names.push_back(shortened(name, kLongestName));
  const double side = std::clamp(static_cast<double>(n) * 58.0, 300.0, 1800.0), cell = side / static_cast<double>(n);
  const double name_size = std::clamp(0.8 * cell, 4.0, 15.0);
  double longest = 0.0;
  for (const std::string& name : names) longest = std::max(longest, text_width(name, name_size));
  const bool slanted = longest > cell - 4.0;
  const double name_height = slanted ? longest * kSine + name_size : name_size;
  const double left = longest + 20.0 + kLineHeight, below = name_height + 20.0 + kLineHeight, right = 130.0,
               above = 60.0;
  const double width = std::max(left + side + right, text_width(title, kTitleSize) + 40.0);
  const double height = above + side + below;
  std::string script = gnuplot_head(static_cast<unsigned>(width), static_cast<unsigned>(height));
  script += "$cells << END\n";
  std::uint64_t largest = 1;
  for (std::size_t actual = 0; actual < n; ++actual) {
    std::uint64_t row = 0;
    for (std::size_t k = 0; k < n; ++k) row += counts[actual * n + k];
    for (std::size_t predicted = 0; predicted < n; ++predicted) {
      const std::uint64_t count = counts[actual * n + predicted];
      largest = std::max(largest, count);
      script += fmt::format("{} {} {:.6g} {}\n", predicted, actual,
                            row == 0 ? 0.0 : 100.0 * double(count) / double(row), count);
    }
  }
  script += "END\n";
  const auto across = [&](double x) { return fmt::format("screen {:.4f}", x / width); };
  const auto up = [&](double y) { return fmt::format("screen {:.4f}", y / height); };
  script += fmt::format("set lmargin at {}\nset rmargin at {}\nset bmargin at {}\nset tmargin at {}\n", across(left),
                        across(left + side), up(below), up(below + side));
  // Labels stand where there is room for them; gnuplot would put those of the axes by guess.
  script += fmt::format("set label {} at screen 0.5, {} center font ',{}'\n", gnuplot_text(title), up(height - 32.0),
                        kTitleSize);
  script += fmt::format("set label 'predicted class' at {}, {} center\n", across(left + side / 2), up(kLineHeight / 2));
  script += fmt::format("set label 'actual class' at {}, {} center rotate by 90\n", across(kLineHeight / 2 + 2),
                        up(below + side / 2));
  script += fmt::format("set xrange [-0.5:{0}]\nset yrange [{0}:-0.5]\nunset key\nset border 0\nset tics scale 0\n",
                        double(n) - 0.5);
  const auto tics = [&](const char* axis) {
    std::string out = fmt::format("set {}tics font ',{:.3g}' {}(", axis, name_size,
                                  axis[0] == 'x' && slanted ? "rotate by 40 right " : "");
    for (std::size_t i = 0; i < n; ++i) out += fmt::format("{}{} {}", i == 0 ? "" : ", ", gnuplot_text(names[i]), i);
    return out + ")\n";
  };
  script += tics("x") + tics("y");
  script += "set palette defined (0 '#f7fbff', 5 '#d0e2f2', 30 '#94c4df', 70 '#4a98c9', 100 '#0b559f')\n";
  script += fmt::format(
      "set cbrange [0:100]\nset cblabel 'share of the actual class (%)' offset 1\nset colorbox user origin {}, {} size "
      "{}, {} noborder\n",
      across(left + side + 16), up(below), across(16), up(side));
  const double count_size = std::min(13.0, 0.92 * cell / text_width(std::to_string(largest), 1.0));
  script += "plot $cells using 1:2:3 with image pixels";
  if (count_size >= 4.0)  // smaller ones nobody reads; the shades remain
    script += fmt::format(
        ", $cells using 1:2:($4 > 0 ? sprintf('%.0f', $4) : ''):($3 > 55 ? 0xffffff : 0x222222) with labels font "
        "',{:.3g}' tc rgb variable",
        count_size);
  run_gnuplot(script + "\n", path);
}

}  // namespace mote::tool
