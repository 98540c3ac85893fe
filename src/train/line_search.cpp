// SPDX-License-Identifier: Apache-2.0
// StepSearch: the conditions, the bracket and its interpolation. Letters as in Nocedal & Wright, chapter 3.
#include "mote/train/line_search.hpp"

#include <algorithm>

#include "mote/train/random.hpp"

namespace mote {
namespace {

constexpr double kSufficientDecrease = 1e-4;                     // c1
constexpr double kWolfeCurvature = 0.9, kExactCurvature = 1e-3;  // c2
constexpr double kMargin = 0.02;                                 // of the bracket: how near to its ends a trial may lie
constexpr double kNarrowest = 0x1p-30;  // of the longer step: a bracket that float32 parameters cannot split
constexpr double kExactBracket = 1e-4;  // of the longer step: this is as exact as it need be

bool finite(double value) { return value - value == 0.0; }
double absolute(double value) { return value < 0.0 ? -value : value; }

}  // namespace

double StepSearch::noise(double value) { return 0x1p-22 * absolute(value); }

StepSearch::StepSearch(LineSearch kind, double value, double slope, double first_step, double limit)
    : start_{0.0, value, slope}, low_(start_), step_(first_step), limit_(limit), noise_(noise(value)), kind_(kind) {}

/// Armijo's condition; or, where noise hides whether it holds, a slope that says that it does: where f is a parabola,
/// any below -f'(0) is one of a lower point.
bool StepSearch::low_enough(const Trial& t) const {
  const double wanted = kSufficientDecrease * t.step * start_.slope;
  if (-wanted > noise_ || absolute(t.value - start_.value) > noise_) return t.value <= start_.value + wanted;
  return t.value <= limit_ && t.slope <= kWolfeCurvature * absolute(start_.slope);
}

bool StepSearch::good_enough(const Trial& t) const {
  if (!low_enough(t)) return false;
  if (kind_ == LineSearch::backtracking) return true;
  const double fraction = kind_ == LineSearch::exact ? kExactCurvature : kWolfeCurvature;
  return absolute(t.slope) <= fraction * absolute(start_.slope);
}

/// Whether a minimum lies between low_ and `t`: because `t` is higher than Armijo's line or than low_, or, where noise
/// hides that, because its slope points back.
bool StepSearch::beyond(const Trial& t) const {
  if (t.value > start_.value + kSufficientDecrease * t.step * start_.slope + noise_) return true;
  if (absolute(t.value - low_.value) > noise_) return t.value >= low_.value;
  return t.slope * (t.step - low_.step) >= 0.0;
}

StepSearch::Verdict StepSearch::tell(double value, double slope) {
  if (settling_) return Verdict::accept;
  const bool usable = finite(value) && finite(slope);
  const Trial now{step_, usable ? value : __builtin_inf(), usable ? slope : 0.0};
  if (good_enough(now)) return Verdict::accept;
  if (usable) look_for_corner(now);
  if (++trials_ == kMaxTrials) return settle();
  if (kind_ == LineSearch::backtracking) {
    shorten(now);
    return Verdict::next;
  }
  bracket(now);
  if (!bracketed_) return Verdict::next;
  const double width = absolute(high_.step - low_.step);
  const double narrowest = kind_ == LineSearch::exact ? kExactBracket : kNarrowest;
  if (width <= narrowest * std::max(high_.step, low_.step)) return settle();
  step_ = width > 0.66 * width_ && width_ != 0.0 ? 0.5 * (low_.step + high_.step) : interpolated();
  width_ = width;
  return Verdict::next;
}

/// At a corner the value changes as the slopes on its two sides say, however short the step; rounding follows no slope.
void StepSearch::look_for_corner(const Trial& t) {
  const double reach = t.step * std::max(absolute(start_.slope), absolute(t.slope));
  if (t.step > shortest_ || reach <= 256.0 * noise_) return;
  shortest_ = t.step;
  at_corner_ = t.slope > 0.0 && absolute(t.value - start_.value) <= reach;
}

/// The minimum of the parabola through f(0), f'(0) and f(a) or, within noise, f'(a); within [0.1 a, 0.5 a].
void StepSearch::shorten(const Trial& t) {
  const double a = t.step, difference = t.value - start_.value;
  const double bend = absolute(difference) > noise_ ? 2.0 * (difference / a - start_.slope) : t.slope - start_.slope;
  const double parabola = -start_.slope * a / bend;
  step_ = finite(t.value) && finite(parabola) ? std::clamp(parabola, 0.1 * a, 0.5 * a) : 0.1 * a;
}

void StepSearch::bracket(const Trial& t) {
  if (beyond(t)) {
    high_ = t;
    bracketed_ = true;
  } else if (bracketed_ ? t.slope * (high_.step - low_.step) >= 0.0 : t.slope >= 0.0) {
    high_ = low_;
    low_ = t;
    bracketed_ = true;
  } else if (bracketed_) {
    low_ = t;
  } else {
    extend(t);
  }
}

/// Still downhill: to where a straight line through the two slopes is zero, or far.
void StepSearch::extend(const Trial& t) {
  const double length = t.step - low_.step, bend = t.slope - low_.slope;
  const double ahead = bend > 0.0 ? -t.slope * length / bend : 9.0 * length;
  step_ = t.step + std::clamp(ahead, 0.1 * length, 9.0 * length);
  low_ = t;
}

/// A step within the bracket: where the cubic through both ends has its minimum, or, where their values are one within
/// noise, where a straight line through the slopes is zero.
double StepSearch::interpolated() const {
  const double length = high_.step - low_.step;
  const double nearest = low_.step + kMargin * length, farthest = high_.step - kMargin * length;
  if (!finite(high_.value)) return low_.step + 0.1 * length;
  double step = 0.0;
  if (absolute(high_.value - low_.value) <= noise_ && low_.slope * high_.slope < 0.0) {
    step = low_.step - low_.slope * length / (high_.slope - low_.slope);
  } else {
    const double d1 = low_.slope + high_.slope - 3.0 * (high_.value - low_.value) / length;
    const double square = d1 * d1 - low_.slope * high_.slope;
    if (!(square >= 0x1p-1022)) return low_.step + 0.5 * length;
    const double root = detail::square_root(square), d2 = length > 0.0 ? root : -root;
    step = high_.step - length * (high_.slope + d2 - d1) / (high_.slope - low_.slope + 2.0 * d2);
  }
  if (!finite(step)) return low_.step + 0.5 * length;
  return std::clamp(step, std::min(nearest, farthest), std::max(nearest, farthest));
}

/// No step meets the conditions: the best one seen, if it is any better than none. Its gradient is asked for again.
StepSearch::Verdict StepSearch::settle() {
  if (low_.step == 0.0 || !low_enough(low_)) return Verdict::fail;
  step_ = low_.step;
  settling_ = true;
  return Verdict::next;
}

}  // namespace mote
