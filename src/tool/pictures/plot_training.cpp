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

/// One panel: training and validation series of columns `train` and `validation`, legend above the panel.
std::string panel(const std::string& y_label, int train, int validation, bool has_train, bool has_validation,
                  unsigned best_epoch) {
  std::string out = fmt::format("set ylabel {}\n", gnuplot_text(y_label));
  out += best_epoch == 0 ? "unset arrow\n"
                         : fmt::format(
                               "set arrow 1 from first {0}, graph 0 to first {0}, graph 1 nohead lc rgb '#888888' "
                               "dt (6,5) lw 1.2 back\n",
                               best_epoch);
  out += "plot ";
  const auto series = [&](int column, const char* name, const char* colour, int point) {
    out += fmt::format("$data using 1:{} with linespoints lw 2.2 pt {} ps 0.55 lc rgb '{}' title '{}', ", column, point,
                       colour, name);
  };
  if (has_train) series(train, "training", kTrainColour, 7);
  if (has_validation) series(validation, "validation", kValidationColour, 5);
  if (best_epoch != 0 && has_validation)
    out += fmt::format("NaN lc rgb '#888888' dt (6,5) lw 1.2 title 'kept: epoch {}', ", best_epoch);
  return out.substr(0, out.size() - 2) + "\n";
}

}  // namespace

void plot_learning_curve(const std::string& path, const std::string& title, const std::vector<CurvePoint>& points,
                         unsigned best_epoch, const std::string& unit) {
  const auto any = [&](double CurvePoint::*field) {
    return std::any_of(points.begin(), points.end(), [&](const CurvePoint& p) { return std::isfinite(p.*field); });
  };
  const bool train_accuracy = any(&CurvePoint::train_accuracy),
             validation_accuracy = any(&CurvePoint::validation_accuracy);
  const bool two = train_accuracy || validation_accuracy;
  std::string script = gnuplot_head(900, two ? 760 : 480);
  script += "$data << END\n";
  for (const CurvePoint& p : points)
    script += fmt::format("{} {} {} {} {}\n", p.epoch, number(p.train_loss), number(p.validation_loss),
                          number(100.0 * p.train_accuracy), number(100.0 * p.validation_accuracy));
  script += "END\n";
  const unsigned last = points.empty() ? 1 : points.back().epoch;
  script += fmt::format("set xrange [{}:{}]\nset xtics {} format '%g'\n", last == 1 ? 0.5 : 1.0,
                        last == 1 ? 1.5 : double(last), std::max(1U, (last + 11) / 12));
  script += "set grid ytics xtics lc rgb '#dddddd' lt 1 lw 0.8\nset key above right horizontal samplen 2\n";
  script += "set lmargin 11\nset rmargin 3\nset offsets 0, 0, graph 0.04, graph 0.04\n";
  if (two) {
    script += fmt::format("set multiplot layout 2,1 title {} font ',18'\nset bmargin 3\n", gnuplot_text(title));
  } else {
    script += fmt::format("set title {}\nset xlabel {}\n", gnuplot_text(title), gnuplot_text(unit));
  }
  script += panel("loss (mean per sample)", 2, 3, any(&CurvePoint::train_loss), any(&CurvePoint::validation_loss),
                  best_epoch);
  if (two) {
    script += fmt::format("set xlabel {}\nset bmargin 4\n", gnuplot_text(unit));
    script += panel("accuracy (%)", 4, 5, train_accuracy, validation_accuracy, best_epoch);
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
  const std::size_t n = class_names.size();
  std::size_t longest = 1;
  for (const std::string& name : class_names) longest = std::max(longest, name.size());
  const auto side = static_cast<unsigned>(std::clamp<std::size_t>(n * 58, 300, 1800));
  const auto left = static_cast<unsigned>(std::min<std::size_t>(longest, 24) * 9 + 70);
  const bool slanted = longest > 4;
  const auto below = slanted ? static_cast<unsigned>(std::min<std::size_t>(longest, 24) * 6 + 62) : 62U;
  const unsigned width = left + side + 130, height = 60 + side + below;
  std::string script = gnuplot_head(width, height);
  script += "$cells << END\n";
  for (std::size_t actual = 0; actual < n; ++actual) {
    std::uint64_t row = 0;
    for (std::size_t k = 0; k < n; ++k) row += counts[actual * n + k];
    for (std::size_t predicted = 0; predicted < n; ++predicted) {
      const std::uint64_t count = counts[actual * n + predicted];
      script += fmt::format("{} {} {:.6g} {}\n", predicted, actual,
                            row == 0 ? 0.0 : 100.0 * double(count) / double(row), count);
    }
  }
  script += "END\n";
  const auto fraction = [](unsigned part, unsigned whole) { return double(part) / double(whole); };
  script += fmt::format(
      "set lmargin at screen {:.4f}\nset rmargin at screen {:.4f}\nset bmargin at screen {:.4f}\nset tmargin at screen "
      "{:.4f}\n",
      fraction(left, width), fraction(left + side, width), fraction(below, height), fraction(below + side, height));
  script += fmt::format("set title {}\nset xlabel 'predicted class'\nset ylabel 'actual class'\n", gnuplot_text(title));
  script += fmt::format("set xrange [-0.5:{0}]\nset yrange [{0}:-0.5]\nunset key\nset border 0\nset tics scale 0\n",
                        double(n) - 0.5);
  const auto tics = [&](const char* axis) {
    std::string out = fmt::format("set {}tics {}(", axis, axis[0] == 'x' && slanted ? "rotate by 40 right " : "");
    for (std::size_t i = 0; i < n; ++i)
      out += fmt::format("{}{} {}", i == 0 ? "" : ", ", gnuplot_text(class_names[i]), i);
    return out + ")\n";
  };
  script += tics("x") + tics("y");
  script += "set palette defined (0 '#f7fbff', 5 '#d0e2f2', 30 '#94c4df', 70 '#4a98c9', 100 '#0b559f')\n";
  script +=
      "set cbrange [0:100]\nset cblabel 'share of the actual class (%)' offset 1\nset colorbox user origin screen " +
      fmt::format("{:.4f}, screen {:.4f} size screen {:.4f}, screen {:.4f} noborder\n",
                  fraction(left + side + 16, width), fraction(below, height), fraction(16, width),
                  fraction(side, height));
  const double font = n <= 12 ? 13.0 : n <= 20 ? 10.0 : 6.0;
  script += fmt::format(
      "plot $cells using 1:2:3 with image pixels, "
      "$cells using 1:2:($4 > 0 ? sprintf('%d', $4) : ''):($3 > 55 ? 0xffffff : 0x222222) "
      "with labels font ',{}' tc rgb variable\n",
      font);
  run_gnuplot(script, path);
}

}  // namespace mote::tool
