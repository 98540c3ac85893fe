// SPDX-License-Identifier: Apache-2.0
// The tool's pictures, drawn by gnuplot as a child process and written as SVG. What is drawn is plain data here;
// where it comes from is the commands' affair.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace mote::tool {

/// True if a gnuplot program is on the PATH.
bool can_plot();
/// What to say if not.
extern const char* const kNoGnuplot;

/// Runs the gnuplot script and puts what it draws at `path`, complete or not at all. Throws with gnuplot's complaint.
void run_gnuplot(const std::string& script, const std::string& path);
/// `text` as a string for gnuplot, taken literally whatever it holds.
std::string gnuplot_text(const std::string& text);
/// `text` with at most so many characters (at least 1), "…" standing for what is left out of its second half.
std::string shortened(const std::string& text, std::size_t characters);
/// About how wide the text is in the pictures' font at this size, in pixels.
double text_width(const std::string& text, double size);
/// A scale for these values: "[low:high]" for gnuplot, the values that are not finite left out. With margins, but not
/// across 0 where no value is; never empty.
std::string scale_for(std::span<const double> values);
/// Terminal line and look that all pictures share. Sizes in pixels.
std::string gnuplot_head(unsigned width, unsigned height);

struct CurvePoint {
  unsigned epoch = 0;
  double train_loss = 0.0, train_accuracy = 0.0;            ///< accuracies in [0, 1]; NaN: not measured
  double validation_loss = 0.0, validation_accuracy = 0.0;  ///< NaN: no validation part
};
/// Loss above, accuracy below (left out where there is none), against epochs; `best_epoch` is marked unless 0.
void plot_learning_curve(const std::string& path, const std::string& title, const std::vector<CurvePoint>& points,
                         unsigned best_epoch, const std::string& unit = "epoch");

/// Norms of the trained layers' gradients, from the input on.
struct NormCurve {
  std::string name;
  std::vector<double> norms;
};
/// Layers from left to right, norms on a logarithmic scale; a layer whose norm is 0 has no point.
void plot_gradient_norms(const std::string& path, const std::string& title, const std::vector<NormCurve>& curves);

/// counts[actual * classes + predicted]; rows are shaded by their share, cells carry the count.
void plot_confusion_matrix(const std::string& path, const std::string& title, const std::vector<std::uint64_t>& counts,
                           const std::vector<std::string>& class_names);

/// One ridge function with what the other terms leave of the targets, against the place along its direction.
struct RidgePanel {
  std::string title, x_label, y_label;
  std::vector<std::pair<double, double>> curve, points;
};
/// A panel for each term, three in a row, all with one scale of y.
void plot_ridge_functions(const std::string& path, const std::string& title, const std::vector<RidgePanel>& panels);

/// A value of two models, and its signal-to-noise ratio in dB; infinite: equal.
struct ComparedValue {
  std::string name;
  double ratio = 0.0;
};
/// From left to right; `falls` is marked, if there is such a value.
void plot_comparison(const std::string& path, const std::string& title, const std::vector<ComparedValue>& values,
                     std::size_t falls);

/// A layer's time, and what its multiply-adds would take at the ceiling; 0: it has none.
struct TimedLayer {
  std::string name;
  double microseconds = 0.0, at_ceiling = 0.0;
};
/// Bars from left to right.
void plot_layer_times(const std::string& path, const std::string& title, const std::vector<TimedLayer>& layers);

/// A rectangle of the arena map: bytes [offset, offset + bytes) during steps [first_step, last_step].
struct ArenaBlock {
  std::string kind, label;
  std::uint64_t offset = 0, bytes = 0;
  unsigned first_step = 0, last_step = 0;
};
struct ArenaMap {
  std::string title;
  std::vector<ArenaBlock> blocks;
  std::vector<std::string> step_names;  ///< may be empty: steps are numbered
  std::uint64_t arena_bytes = 0, lower_bound_bytes = 0;
};
/// Steps from left to right, bytes from below; one colour for each kind, the lower bound as a dashed line.
void plot_arena(const std::string& path, const ArenaMap& map);

}  // namespace mote::tool
