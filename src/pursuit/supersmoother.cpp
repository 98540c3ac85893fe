// SPDX-License-Identifier: Apache-2.0
// Running lines and the supersmoother. See mote/pursuit/smoother.hpp.
#include <algorithm>

#include "mote/pursuit/smoother.hpp"
#include "mote/train/random.hpp"

namespace mote {
namespace {

constexpr double kSpans[3] = {0.05, 0.2, 0.5};  // tweeter, midrange, woofer

/// Weighted first and second moments of the points in a window, with points added and taken out at its ends.
struct Window {
  double weight = 0.0, mean_x = 0.0, mean_y = 0.0, squares = 0.0, products = 0.0;

  void add(double x, double y, double w) {
    weight += w;
    const double step = x - mean_x;
    mean_x += w * step / weight;
    mean_y += w * (y - mean_y) / weight;
    squares += w * step * (x - mean_x);
    products += w * step * (y - mean_y);
  }
  void remove(double x, double y, double w) {
    const double rest = weight - w;
    if (!(rest > 0.0)) {
      *this = {};
      return;
    }
    const double step_x = x - mean_x, step_y = y - mean_y;
    mean_x -= w * step_x / rest;
    mean_y -= w * step_y / rest;
    squares -= w * step_x * (x - mean_x);
    products -= w * step_x * (y - mean_y);
    weight = rest;
  }
};

/// e^x, relative error below 1e-15, for x <= 0; 0 below e^-700.
double exponential(double x) {
  if (x < -700.0) return 0.0;
  int halvings = 0;
  for (; x < -0.25; x *= 0.5) ++halvings;
  double sum = 1.0;
  for (double n = 14.0; n > 0.0; n -= 1.0) sum = 1.0 + sum * x / n;
  for (; halvings > 0; --halvings) sum *= sum;
  return sum;
}

/// Moves the best span of a point towards the longest, the more the less the longest is worse: bass 0 not at all.
double with_bass(double span, double least, double at_longest, double bass) {
  if (!(bass > 0.0) || !(least < at_longest) || !(least > 0.0)) return span;
  const double ratio = least / at_longest;
  return span + (kSpans[2] - span) * exponential((10.0 - bass) * detail::natural_log(std::max(1e-7, ratio)));
}

}  // namespace

void running_lines(const SmootherPoints& points, std::span<const double> y, double span, std::span<double> fitted,
                   std::span<double> slopes, std::span<double> residuals) {
  const std::span<const double> x = points.x, w = points.weights;
  const std::size_t n = points.size();
  const auto half = std::max<std::size_t>(2, static_cast<std::size_t>(0.5 * span * static_cast<double>(n) + 0.5));
  const std::size_t width = std::min(n, 2 * half + 1);
  const double range = n > 1 ? x[n - 1] - x[0] : 0.0;
  Window window;
  std::size_t begin = 0, end = 0;  // the window [begin, end)
  for (std::size_t i = 0; i < n; ++i) {
    const std::size_t wished = std::min(i > half ? i - half : 0, n - width);
    for (; end < wished + width; ++end) window.add(x[end], y[end], w[end]);
    for (; begin < wished; ++begin) window.remove(x[begin], y[begin], w[begin]);
    const double distance = x[i] - window.mean_x;
    const bool spread = window.squares > 1e-12 * window.weight * range * range;
    const double slope = spread ? window.products / window.squares : 0.0;
    fitted[i] = window.mean_y + slope * distance;
    if (!slopes.empty()) slopes[i] = slope;
    if (residuals.empty()) continue;
    const double leverage = w[i] * (1.0 / window.weight + (spread ? distance * distance / window.squares : 0.0));
    residuals[i] = __builtin_fabs(y[i] - fitted[i]) / std::max(1e-9, 1.0 - leverage);
  }
}

void supersmooth(const SmootherPoints& points, std::span<const double> y, const SupersmootherOptions& options,
                 std::span<double> workspace, std::span<double> fitted, std::span<double> slopes) {
  const std::size_t n = points.size();
  const auto array = [&](std::size_t k) { return workspace.subspan(k * n, n); };
  if (options.span > 0.0) {
    running_lines(points, y, options.span, fitted, slopes, {});
    return;
  }
  const std::span<double> residuals = array(6), best = array(7);
  for (std::size_t k = 0; k < 3; ++k) {  // lines in arrays 0 … 2, their smoothed residuals in 3 … 5
    running_lines(points, y, kSpans[k], array(k), {}, residuals);
    running_lines(points, residuals, kSpans[1], array(3 + k), {}, {});
  }
  for (std::size_t i = 0; i < n; ++i) {
    std::size_t least = 0;
    for (std::size_t k = 1; k < 3; ++k)
      if (array(3 + k)[i] < array(3 + least)[i]) least = k;
    best[i] = with_bass(kSpans[least], array(3 + least)[i], array(5)[i], options.bass);
  }
  running_lines(points, best, kSpans[1], residuals, {}, {});
  for (std::size_t i = 0; i < n; ++i) {
    const double span = std::clamp(residuals[i], kSpans[0], kSpans[2]);
    const std::size_t k = span < kSpans[1] ? 0 : 1;
    const double part = (span - kSpans[k]) / (kSpans[k + 1] - kSpans[k]);
    best[i] = (1.0 - part) * array(k)[i] + part * array(k + 1)[i];
  }
  running_lines(points, best, kSpans[0], fitted, {}, {});
  running_lines(points, fitted, kSpans[0], residuals, slopes, {});
}

}  // namespace mote
