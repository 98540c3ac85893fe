// SPDX-License-Identifier: Apache-2.0
// How far to go along a direction: one search as a machine that is told f(a) and f'(a) at step() and says what to try
// next. It calls nothing, so one copy of the code serves every trainer. Scalars only, all in double.
#pragma once

#include "mote/requirements.hpp"
#ifndef MOTE_WARN_IN_HEADERS
#pragma GCC system_header
#endif

#include <cstdint>

#include "mote/train/optimizer.hpp"

namespace mote {

/// Brackets a step and narrows the bracket (Nocedal & Wright, Numerical Optimization, 2nd ed., algorithms 3.5 and 3.6,
/// cubic interpolation 3.59); backtracking shortens by quadratic interpolation instead. A value that is not finite
/// counts as too high.
///
/// Values carry rounding of the loss in float32. Where two differ by no more than noise(), their slopes decide, and
/// f'(a) <= 0.9 |f'(0)| stands in for Armijo's condition (after Hager & Zhang's approximate conditions, ACM TOMS 32,
/// 2006), so that a minimum is found to the precision of the gradient and not to its square root.
class StepSearch {
 public:
  enum class Verdict : std::uint8_t { next, accept, fail };

  StepSearch() = default;
  /// f(0) = value and f'(0) = slope < 0. What is accepted by its slope must not lie above `limit`.
  StepSearch(LineSearch kind, double value, double slope, double first_step, double limit);

  /// The step to be tried.
  [[nodiscard]] double step() const { return step_; }
  /// f(step()) and f'(step()). accept: step() is the one. fail: no step was found in kMaxTrials trials.
  Verdict tell(double value, double slope);

  /// Of a search that failed: its shortest step that should have been seen went uphill, by what its slope says.
  [[nodiscard]] bool at_corner() const { return at_corner_; }

  /// Differences of this size between values near `value` mean nothing: four units in the last place of float32.
  static double noise(double value);
  static constexpr int kMaxTrials = 40;

 private:
  struct Trial {
    double step = 0.0, value = 0.0, slope = 0.0;
  };
  [[nodiscard]] bool low_enough(const Trial& t) const;
  [[nodiscard]] bool good_enough(const Trial& t) const;
  [[nodiscard]] bool beyond(const Trial& t) const;
  [[nodiscard]] double interpolated() const;
  void look_for_corner(const Trial& t);
  void shorten(const Trial& t);
  void extend(const Trial& t);
  void bracket(const Trial& t);
  Verdict settle();

  Trial start_, low_, high_;  // low_: the best so far with a slope towards high_
  double step_ = 0.0, limit_ = 0.0, noise_ = 0.0, width_ = 0.0;
  int trials_ = 0;
  LineSearch kind_ = LineSearch::none;
  double shortest_ = __builtin_inf();
  bool bracketed_ = false, settling_ = false, at_corner_ = false;
};

}  // namespace mote
