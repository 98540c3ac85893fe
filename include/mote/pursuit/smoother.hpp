// SPDX-License-Identifier: Apache-2.0
// One-dimensional smoothers of a scatter plot: the cubic smoothing spline with a chosen number of degrees of freedom,
// running lines, and Friedman's supersmoother. In double; memory is the caller's. The points come sorted by x, which
// must increase strictly (samples with equal x are one point with their mean and the sum of their weights), weights
// are positive, everything is finite: whoever calls has seen to that.
#pragma once

#include "mote/requirements.hpp"
#ifndef MOTE_WARN_IN_HEADERS
#pragma GCC system_header
#endif

#include <cstddef>
#include <span>

#include "mote/status.hpp"

namespace mote {

/// Points to smooth over: at least one.
struct SmootherPoints {
  std::span<const double> x, weights;

  [[nodiscard]] std::size_t size() const { return x.size(); }
};

/// The natural cubic spline g with knots at all points that minimises
///   sum_i w_i (y_i - g(x_i))^2 + lambda ∫ g''(x)^2 dx.
/// lambda is found so that the trace of the matrix that maps y to g(x) is the number of degrees of freedom: 2 is the
/// weighted regression line, as many as there are points interpolates. O(points) by Reinsch's algorithm (Numerische
/// Mathematik 10, 1967); the trace by the recursion of Hutchinson and de Hoog (Numerische Mathematik 47, 1985).
class SmoothingSpline {
 public:
  /// Doubles of workspace for so many points.
  static constexpr std::size_t workspace_doubles(std::size_t points) { return 8 * points; }

  /// Finds lambda to a relative error of the degrees of freedom of 1e-7 and keeps the factored matrix in `workspace`,
  /// which like the points must outlive the object. `lambda_guess`: where to begin, 0 for no guess.
  void prepare(const SmootherPoints& points, double degrees_of_freedom, std::span<double> workspace,
               double lambda_guess = 0.0);

  /// Smooths y: g at the points and its derivative there. `fitted` may be `y`.
  void smooth(std::span<const double> y, std::span<double> fitted, std::span<double> slopes);

  [[nodiscard]] double lambda() const { return lambda_; }                          ///< infinite for a line
  [[nodiscard]] double degrees_of_freedom() const { return degrees_of_freedom_; }  ///< as found

 private:
  void set_bands();
  void factor(double lambda);
  double trace(double lambda);
  void search(double wished, double guess);
  void smooth_line(std::span<const double> y, std::span<double> fitted, std::span<double> slopes) const;

  SmootherPoints points_{};
  double range_ = 1.0, lambda_ = 0.0, degrees_of_freedom_ = 0.0;
  bool line_ = false;
  // With h the gaps, R and Q as in Reinsch: bands of Q^T W^-1 Q and of the factors of R + lambda Q^T W^-1 Q = L D L^T.
  double *gap_ = nullptr, *band0_ = nullptr, *band1_ = nullptr, *band2_ = nullptr;
  double *pivot_ = nullptr, *lower1_ = nullptr, *lower2_ = nullptr, *curvature_ = nullptr;
};

/// At every point the line fitted to the `span` (in (0, 1]) of all points around it, at least five: its value, where
/// not empty its slope, and |y - value| / (1 - leverage), the residual the point would have without itself.
void running_lines(const SmootherPoints& points, std::span<const double> y, double span, std::span<double> fitted,
                   std::span<double> slopes, std::span<double> residuals);

struct SupersmootherOptions {
  double span = 0.0;  ///< of running lines, in (0, 1]; 0: chosen at every point by its cross-validated residual
  double bass = 0.0;  ///< 0 … 10: the more, the more is the longest span preferred; for span 0 only
};

constexpr std::size_t supersmoother_workspace_doubles(std::size_t points) { return 8 * points; }

/// The variable span smoother of Friedman (Stanford LCS Technical Report 5, 1984): running lines with the spans 0.05,
/// 0.2 and 0.5; at every point the span whose residual, itself smoothed, is least; these spans smoothed; the lines
/// interpolated between spans; the result smoothed with the shortest. `slopes`: of running lines through the result.
/// `fitted` must not be `y`.
void supersmooth(const SmootherPoints& points, std::span<const double> y, const SupersmootherOptions& options,
                 std::span<double> workspace, std::span<double> fitted, std::span<double> slopes);

}  // namespace mote
