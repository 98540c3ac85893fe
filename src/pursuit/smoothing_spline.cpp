// SPDX-License-Identifier: Apache-2.0
// The smoothing spline: banded factorisation, trace of the hat matrix, search for lambda. See
// mote/pursuit/smoother.hpp.
#include <algorithm>

#include "mote/pursuit/smoother.hpp"

namespace mote {

void SmoothingSpline::prepare(const SmootherPoints& points, double degrees_of_freedom, std::span<double> workspace,
                              double lambda_guess) {
  const std::size_t n = points.size();
  points_ = points;
  line_ = degrees_of_freedom <= 2.0 + 1e-9 || n <= 2;
  if (line_) {
    lambda_ = __builtin_inf();
    degrees_of_freedom_ = static_cast<double>(std::min<std::size_t>(n, 2));
    return;
  }
  double** const arrays[] = {&gap_, &band0_, &band1_, &band2_, &pivot_, &lower1_, &lower2_, &curvature_};
  for (std::size_t k = 0; k < std::size(arrays); ++k) *arrays[k] = workspace.data() + k * n;
  range_ = points.x.back() - points.x.front();
  set_bands();
  const double cube = range_ * range_ * range_;  // lambda of x in [0, 1] is that of x over the cube of the range
  if (degrees_of_freedom >= static_cast<double>(n) * (1.0 - 1e-9)) {
    lambda_ = 0.0, degrees_of_freedom_ = static_cast<double>(n);
    factor(0.0);
    return;
  }
  search(degrees_of_freedom, lambda_guess / cube);
  lambda_ *= cube;
}

/// Gaps of x scaled to [0, 1], and Q^T W^-1 Q: column j of Q holds 1/h_j, -(1/h_j + 1/h_{j+1}), 1/h_{j+1} from row j
/// on.
void SmoothingSpline::set_bands() {
  const std::size_t n = points_.size();
  for (std::size_t i = 0; i + 1 < n; ++i) gap_[i] = (points_.x[i + 1] - points_.x[i]) / range_;
  const std::span<const double> w = points_.weights;
  const auto left = [&](std::size_t j) { return 1.0 / gap_[j]; };
  const auto right = [&](std::size_t j) { return 1.0 / gap_[j + 1]; };
  const auto middle = [&](std::size_t j) { return -(left(j) + right(j)); };
  for (std::size_t j = 0; j + 2 < n; ++j) {
    band0_[j] = left(j) * left(j) / w[j] + middle(j) * middle(j) / w[j + 1] + right(j) * right(j) / w[j + 2];
    band1_[j] = j + 3 < n ? middle(j) * left(j + 1) / w[j + 1] + right(j) * middle(j + 1) / w[j + 2] : 0.0;
    band2_[j] = j + 4 < n ? right(j) * left(j + 2) / w[j + 2] : 0.0;
  }
}

/// R + lambda Q^T W^-1 Q = L D L^T; R has (h_j + h_{j+1}) / 3 on the diagonal and h_{j+1} / 6 beside it.
void SmoothingSpline::factor(double lambda) {
  const std::size_t m = points_.size() - 2;
  for (std::size_t j = 0; j < m; ++j) {
    double diagonal = (gap_[j] + gap_[j + 1]) / 3.0 + lambda * band0_[j];
    double beside = gap_[j + 1] / 6.0 + lambda * band1_[j];
    if (j > 0) {
      diagonal -= lower1_[j - 1] * lower1_[j - 1] * pivot_[j - 1];
      beside -= lower1_[j - 1] * lower2_[j - 1] * pivot_[j - 1];
    }
    if (j > 1) diagonal -= lower2_[j - 2] * lower2_[j - 2] * pivot_[j - 2];
    pivot_[j] = diagonal;
    lower1_[j] = j + 1 < m ? beside / diagonal : 0.0;
    lower2_[j] = j + 2 < m ? lambda * band2_[j] / diagonal : 0.0;
  }
}

/// n - lambda tr((R + lambda B)^-1 B), B = Q^T W^-1 Q: only the five middle bands of the inverse are needed, and they
/// follow from those to the right.
double SmoothingSpline::trace(double lambda) {
  factor(lambda);
  double next00 = 0.0, next01 = 0.0, after00 = 0.0;  // inverse at (j+1, j+1), (j+1, j+2), (j+2, j+2)
  double sum = 0.0;
  for (std::size_t j = points_.size() - 2; j-- > 0;) {
    const double at1 = -lower1_[j] * next00 - lower2_[j] * next01;
    const double at2 = -lower1_[j] * next01 - lower2_[j] * after00;
    const double at0 = 1.0 / pivot_[j] - lower1_[j] * at1 - lower2_[j] * at2;
    sum += at0 * band0_[j] + 2.0 * (at1 * band1_[j] + at2 * band2_[j]);
    after00 = next00, next00 = at0, next01 = at1;
  }
  return static_cast<double>(points_.size()) - lambda * sum;
}

/// Degrees of freedom fall with s = lambda^(1/4), and 1 / (df - 2) is nearly a straight line in s over most of the
/// way: a bracketed secant on it takes five or six factorisations.
void SmoothingSpline::search(double wished, double guess) {
  const auto error = [&](double s) {
    const double found = trace(s * s * s * s);
    degrees_of_freedom_ = found;
    return 1.0 / std::max(found - 2.0, 1e-12) - 1.0 / (wished - 2.0);
  };
  double low = guess > 0.0 ? __builtin_sqrt(__builtin_sqrt(guess)) : 0.1 / (wished - 1.9), high = low;
  double at_low = error(low), at_high = at_low;
  while (at_low > 0.0 && low > 1e-12) high = low, at_high = at_low, low *= 0.5, at_low = error(low);
  while (at_high < 0.0 && high < 1e12) low = high, at_low = at_high, high *= 2.0, at_high = error(high);
  double s = at_low == 0.0 ? low : high;
  for (int step = 0; step < 80 && at_low < 0.0 && at_high > 0.0; ++step) {
    s = low - at_low * (high - low) / (at_high - at_low);
    if (!(s > low && s < high)) s = 0.5 * (low + high);
    const double at = error(s);
    if (__builtin_fabs(degrees_of_freedom_ - wished) <= 1e-7 * wished || high - low <= 1e-14 * high) break;
    if (at < 0.0) {
      low = s, at_low = at, at_high *= step % 3 == 2 ? 0.25 : 0.5;  // the end that stays is pulled in (Illinois)
    } else {
      high = s, at_high = at, at_low *= step % 3 == 2 ? 0.25 : 0.5;
    }
  }
  lambda_ = s * s * s * s;
  degrees_of_freedom_ = trace(lambda_);
}

void SmoothingSpline::smooth_line(std::span<const double> y, std::span<double> fitted, std::span<double> slopes) const {
  const std::span<const double> x = points_.x, w = points_.weights;
  double weight = 0.0, mean_x = 0.0, mean_y = 0.0, squares = 0.0, products = 0.0;
  for (std::size_t i = 0; i < x.size(); ++i) weight += w[i], mean_x += w[i] * x[i], mean_y += w[i] * y[i];
  mean_x /= weight, mean_y /= weight;
  for (std::size_t i = 0; i < x.size(); ++i) {
    squares += w[i] * (x[i] - mean_x) * (x[i] - mean_x);
    products += w[i] * (x[i] - mean_x) * (y[i] - mean_y);
  }
  const double slope = squares > 0.0 ? products / squares : 0.0;
  for (std::size_t i = 0; i < x.size(); ++i) fitted[i] = mean_y + slope * (x[i] - mean_x), slopes[i] = slope;
}

/// Solves (R + lambda B) c = Q^T y for the second derivatives c; then g = y - lambda W^-1 Q c.
void SmoothingSpline::smooth(std::span<const double> y, std::span<double> fitted, std::span<double> slopes) {
  if (line_) return smooth_line(y, fitted, slopes);
  const std::size_t n = points_.size(), m = n - 2;
  double* const c = curvature_;  // of the inner points; c of the first and the last is 0
  for (std::size_t j = 0; j < m; ++j) {
    c[j] = (y[j + 2] - y[j + 1]) / gap_[j + 1] - (y[j + 1] - y[j]) / gap_[j];
    if (j > 0) c[j] -= lower1_[j - 1] * c[j - 1];
    if (j > 1) c[j] -= lower2_[j - 2] * c[j - 2];
  }
  for (std::size_t j = m; j-- > 0;) {
    c[j] /= pivot_[j];
    if (j + 1 < m) c[j] -= lower1_[j] * c[j + 1];
    if (j + 2 < m) c[j] -= lower2_[j] * c[j + 2];
  }
  const auto curvature = [&](std::size_t i) { return i == 0 || i == n - 1 ? 0.0 : c[i - 1]; };
  const double lambda = lambda_ / (range_ * range_ * range_);
  double rise = 0.0;  // of c from the point before, over the gap
  for (std::size_t i = 0; i < n; ++i) {
    const double next = i + 1 < n ? (curvature(i + 1) - curvature(i)) / gap_[i] : 0.0;
    fitted[i] = y[i] - lambda / points_.weights[i] * (next - rise);
    rise = next;
  }
  for (std::size_t i = 0; i + 1 < n; ++i)
    slopes[i] =
        ((fitted[i + 1] - fitted[i]) / gap_[i] - gap_[i] * (2.0 * curvature(i) + curvature(i + 1)) / 6.0) / range_;
  slopes[n - 1] = ((fitted[n - 1] - fitted[n - 2]) / gap_[n - 2] + gap_[n - 2] * curvature(n - 2) / 6.0) / range_;
}

}  // namespace mote
