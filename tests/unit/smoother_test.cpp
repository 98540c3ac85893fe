// SPDX-License-Identifier: Apache-2.0
// Smoothers against R: the smoothing spline from its definition and smooth.spline(), supsmu(). The numbers come from
// tests/golden/projection_pursuit.R.
#include "mote/pursuit/smoother.hpp"

#include <array>

#include "check.hpp"

namespace mote {
namespace {

namespace golden {
#include "golden/pursuit_values.inc"
}  // namespace golden

constexpr std::size_t kPoints = std::size(golden::kCurveX);
std::array<double, kPoints> fitted, slopes;
std::array<double, SmoothingSpline::workspace_doubles(kPoints)> workspace;

constexpr std::array<double, kPoints> kOnes = [] {
  std::array<double, kPoints> out{};
  out.fill(1.0);
  return out;
}();

SmootherPoints points(bool weighted = false) {
  return {golden::kCurveX, weighted ? std::span<const double>(golden::kCurveWeights) : kOnes};
}
void expect_fitted(std::span<const double> expected, double tolerance) {
  for (std::size_t i = 0; i < kPoints; ++i) EXPECT_NEAR(fitted[i], expected[i], tolerance) << i;
}
void smooth(double degrees_of_freedom, bool weighted = false) {
  SmoothingSpline spline;
  spline.prepare(points(weighted), degrees_of_freedom, workspace);
  EXPECT_NEAR(spline.degrees_of_freedom(), degrees_of_freedom, 2e-7 * degrees_of_freedom);
  spline.smooth(golden::kCurveY, fitted, slopes);
}

TEST(smoother, spline_is_what_its_definition_says) {
  smooth(3.0);
  expect_fitted(golden::kSpline3, 1e-6);
  smooth(5.0);
  expect_fitted(golden::kSpline5, 1e-6);
  smooth(12.0);
  expect_fitted(golden::kSpline12, 1e-6);
  smooth(7.0, true);
  expect_fitted(golden::kSplineWeighted, 1e-6);
}

TEST(smoother, spline_agrees_with_smooth_spline) {
  smooth(5.0);
  expect_fitted(golden::kSmoothSpline5, 1e-4);
}

TEST(smoother, slopes_of_a_spline_are_its_derivative) {
  smooth(8.0);
  // A natural cubic spline through the fitted values is the spline itself: halfway between two points it lies where
  // the cubic Hermite of both ends does, from either side; the second derivatives of neighbouring cubics must agree.
  const auto at = [](std::size_t i) { return golden::kCurveX[i]; };
  for (std::size_t i = 1; i + 1 < kPoints; ++i) {
    const double left = at(i) - at(i - 1), right = at(i + 1) - at(i);
    const double from_left =
        (2 * slopes[i - 1] + 4 * slopes[i]) / left - 6 * (fitted[i] - fitted[i - 1]) / (left * left);
    const double from_right =
        6 * (fitted[i + 1] - fitted[i]) / (right * right) - (4 * slopes[i] + 2 * slopes[i + 1]) / right;
    EXPECT_NEAR(from_left, from_right, 1e-6 * (1.0 + __builtin_fabs(from_left))) << i;
  }
}

TEST(smoother, spline_at_the_ends_of_its_range) {
  smooth(2.0);  // the regression line
  for (std::size_t i = 1; i < kPoints; ++i) EXPECT_NEAR(slopes[i], slopes[0], 1e-12);
  double sum = 0.0, moment = 0.0;
  for (std::size_t i = 0; i < kPoints; ++i) {
    sum += golden::kCurveY[i] - fitted[i];
    moment += golden::kCurveX[i] * (golden::kCurveY[i] - fitted[i]);
  }
  EXPECT_NEAR(sum, 0.0, 1e-12);
  EXPECT_NEAR(moment, 0.0, 1e-12);
  smooth(static_cast<double>(kPoints));  // every point
  expect_fitted(golden::kCurveY, 1e-12);
  smooth(2.01);
  smooth(static_cast<double>(kPoints) - 0.01);
}

TEST(smoother, spline_depends_on_neither_the_unit_nor_the_origin_of_x) {
  smooth(6.0);
  const auto expected = fitted;
  std::array<double, kPoints> x{};
  for (std::size_t i = 0; i < kPoints; ++i) x[i] = 1e5 + 1e-3 * golden::kCurveX[i];
  SmoothingSpline spline;
  spline.prepare({x, kOnes}, 6.0, workspace, 1e-9);
  spline.smooth(golden::kCurveY, fitted, slopes);
  expect_fitted(expected, 1e-5);  // 1e5 + 1e-3 x keeps eight digits of x
}

TEST(smoother, few_points) {
  for (const std::size_t count : {1U, 2U, 3U, 4U}) {
    const SmootherPoints few{std::span(golden::kCurveX).first(count), std::span(kOnes).first(count)};
    for (const double degrees_of_freedom : {2.0, 2.5, 3.5, 50.0}) {
      SmoothingSpline spline;
      spline.prepare(few, degrees_of_freedom, workspace);
      spline.smooth(std::span(golden::kCurveY).first(count), fitted, slopes);
      for (std::size_t i = 0; i < count; ++i) EXPECT_TRUE(fitted[i] - fitted[i] == 0.0 && slopes[i] - slopes[i] == 0.0);
    }
    EXPECT_NEAR(fitted[count - 1], golden::kCurveY[count - 1], 1e-12);
    for (const double span : {0.0, 0.5, 1.0}) {
      supersmooth(few, std::span(golden::kCurveY).first(count), {span, 3.0}, workspace, fitted, slopes);
      for (std::size_t i = 0; i < count; ++i) EXPECT_TRUE(fitted[i] - fitted[i] == 0.0 && slopes[i] - slopes[i] == 0.0);
    }
  }
}

TEST(smoother, supersmoother_agrees_with_supsmu) {
  supersmooth(points(), golden::kCurveY, {}, workspace, fitted, slopes);
  expect_fitted(golden::kSupsmu, 1e-6);
  supersmooth(points(), golden::kCurveY, {.bass = 5.0}, workspace, fitted, slopes);
  expect_fitted(golden::kSupsmuBass5, 1e-6);
  supersmooth(points(), golden::kCurveY, {.span = 0.3}, workspace, fitted, slopes);
  expect_fitted(golden::kSupsmuSpan3, 1e-6);
  supersmooth(points(true), golden::kCurveY, {}, workspace, fitted, slopes);
  expect_fitted(golden::kSupsmuWeighted, 1e-6);
}

TEST(smoother, running_lines_leave_a_line_alone) {
  std::array<double, kPoints> y{}, residuals{};
  for (std::size_t i = 0; i < kPoints; ++i) y[i] = 3.0 - 2.0 * golden::kCurveX[i];
  for (const double span : {0.05, 0.3, 1.0}) {
    running_lines(points(true), y, span, fitted, slopes, residuals);
    for (std::size_t i = 0; i < kPoints; ++i) {
      EXPECT_NEAR(fitted[i], y[i], 1e-12);
      EXPECT_NEAR(slopes[i], -2.0, 1e-10);
      EXPECT_NEAR(residuals[i], 0.0, 1e-11);
    }
  }
}

}  // namespace
}  // namespace mote
