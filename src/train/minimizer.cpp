// SPDX-License-Identifier: Apache-2.0
// Minimizer: when a point is accepted, which direction comes next, and what to do where no step descends.
#include "mote/train/minimizer.hpp"

#include <algorithm>

#include "mote/train/execute_training.hpp"
#include "mote/train/random.hpp"

namespace mote {
namespace {

/// So many iterations, or passes, without progress end a run: see Minimizer::progresses().
constexpr std::uint32_t kIdleIterations = 30, kIdleEvaluations = 150;
/// At a corner: directions tried, each between the gradients of its two sides.
constexpr unsigned kLeans = 8;
constexpr double kCancelled = 1e-6;  // of the squared length: what is left is rounding
/// How far a parameter's inverse curvature may be from the pair's, either way.
constexpr double kWidest = 1e8;
/// s.y / (|s| |y|) below which a pair says nothing about the curvature.
constexpr double kStraight = 1e-9;

bool finite(double value) { return value - value == 0.0; }
double absolute(double value) { return value < 0.0 ? -value : value; }

}  // namespace

Status validate(const MinimizeOptions& options) {
  const auto good = [](double v) { return v >= 0.0 && finite(v); };
  if (good(options.gradient_tolerance) && good(options.loss_tolerance)) return {};
  return bad_option(Option::minimize_options);
}

const char* name(StopReason reason) {
  switch (reason) {
    case StopReason::none: return "none";
    case StopReason::gradient_tolerance: return "gradient_tolerance";
    case StopReason::loss_tolerance: return "loss_tolerance";
    case StopReason::max_iterations: return "max_iterations";
    case StopReason::precision: return "precision";
    case StopReason::corner: return "corner";
    case StopReason::caller: return "caller";
  }
  return "";
}

double Minimizer::dot(const float* a, const float* b) const {
  double sum = 0.0;
  kernels::dot_f32({a, b, &sum, blocks_.count});
  return sum;
}

void Minimizer::add_scaled(const float* base, double scale, const float* direction, float* output) const {
  kernels::add_scaled_f32({base, direction, output, scale, blocks_.count});
}

bool Minimizer::tell(const Evaluation& evaluation) {
  accepted_ = false;
  if (++result_.evaluations == 1) {
    if (!finite(evaluation.objective)) {
      status_ = {finite(evaluation.loss) ? Code::non_finite_gradient : Code::non_finite_loss};
    } else {
      start_ = lowest_ = evaluation.objective;
      accept(evaluation);
    }
    return accepted_;
  }
  if (asking_again_) {  // at the accepted point, whose objective is known; the pass has moved running statistics
    searching_ = true;
    restore();
    status_ = evaluation.objective == result_.objective ? Status{} : Status{Code::line_search_failed};
    if (status_.ok()) stop(leans_ != 0 || search_.at_corner() ? StopReason::corner : StopReason::precision);
    return false;
  }
  const bool usable = finite(evaluation.objective);
  verdict_ =
      search_.tell(evaluation.objective, usable ? dot(blocks_.gradient, blocks_.direction) : evaluation.objective);
  if (verdict_ != StepSearch::Verdict::accept) return false;
  ++result_.iterations;
  result_.step = search_.step();
  if (remembers()) remember();
  accept(evaluation);
  return true;
}

void Minimizer::accept(const Evaluation& evaluation) {
  const double before = result_.objective, now = evaluation.objective;
  accepted_ = true;
  searching_ = false;
  lowest_ = std::min(lowest_, now);
  result_.objective = now;
  result_.loss = evaluation.loss;
  result_.correct = evaluation.correct;
  result_.gradient_norm = detail::norm_of(dot(blocks_.gradient, blocks_.gradient));
  const double unit = std::max({absolute(before), absolute(now), 1.0});
  if (result_.gradient_norm <= options_.gradient_tolerance)
    result_.stopped = StopReason::gradient_tolerance;
  else if (result_.iterations != 0 && options_.loss_tolerance > 0.0 && before - now <= options_.loss_tolerance * unit)
    result_.stopped = StopReason::loss_tolerance;
  else if (result_.iterations == options_.max_iterations)
    result_.stopped = StopReason::max_iterations;
  else if (!progresses())
    result_.stopped = StopReason::precision;
}

/// Whether the objective has fallen by more than it rounds, or the norm of its gradient by a tenth, since either last
/// did and not too long ago. Outputs of 1e4 carry errors of 1e-3 into every loss: then values and slopes near the
/// minimum are rounding long before the gradient is below its tolerance, and steps go to and fro.
bool Minimizer::progresses() {
  const double fall = mark_objective_ - result_.objective;
  if (result_.iterations == 0 || fall > 4.0 * StepSearch::noise(mark_objective_) ||
      result_.gradient_norm < 0.9 * mark_norm_) {
    mark_objective_ = result_.iterations == 0 ? result_.objective : std::min(mark_objective_, result_.objective);
    mark_norm_ = result_.iterations == 0 ? result_.gradient_norm : std::min(mark_norm_, result_.gradient_norm);
    mark_iterations_ = result_.iterations;
    mark_evaluations_ = result_.evaluations;
  }
  return result_.iterations - mark_iterations_ < kIdleIterations &&
         result_.evaluations - mark_evaluations_ < kIdleEvaluations;
}

void Minimizer::stop(StopReason reason) {
  if (result_.stopped == StopReason::none) result_.stopped = reason;
  restore();
}

void Minimizer::restore() {
  if (searching_) std::copy_n(start_params(), blocks_.count, blocks_.params);
  searching_ = false;
}

bool Minimizer::next() {
  if (!status_.ok() || result_.stopped != StopReason::none) return false;
  if (accepted_) {
    leans_ = 0;
    descend(blocks_.gradient);
    if (remembers() && pairs_ != 0) apply_history();
    if (remembers() && pairs_ == optimizer_.history) --pairs_;  // the oldest gives its place
    std::copy_n(blocks_.params, blocks_.count, start_params());
    if (remembers()) std::copy_n(blocks_.gradient, blocks_.count, past(2U * slot_ + 1U));
    begin_search();
  } else if (verdict_ == StepSearch::Verdict::fail && !try_again()) {
    return false;
  }
  if (asking_again_) return true;
  add_scaled(start_params(), search_.step(), blocks_.direction, blocks_.params);
  return true;
}

/// direction = -gradient.
void Minimizer::descend(const float* gradient) {
  std::copy_n(gradient, blocks_.count, blocks_.direction);
  kernels::scale_f32({blocks_.direction, -1.0F, blocks_.count});
  slope_ = -dot(gradient, gradient);
  bent_ = false;
}

/// direction = -H gradient, by the two loops over the pairs (Nocedal & Wright, algorithm 7.4), but H0 is diagonal where
/// theirs is s.y / y.y: each parameter's steps over its gradient's changes, root mean squares over the pairs, times
/// what makes y.H0 y of the newest pair s.y. On inputs of unlike scales that takes 30 iterations where theirs takes
/// 1000. Where rounding leaves no descent, the pairs are forgotten and the direction is the negative gradient again.
void Minimizer::apply_history() {
  std::array<double, kMaxHistory> weight{};
  float* const d = blocks_.direction;
  const unsigned history = optimizer_.history;
  const auto pair = [&](unsigned age) { return (slot_ + history - age) % history; };  // age 1: the newest
  for (unsigned age = 1; age <= pairs_; ++age) {
    const unsigned k = pair(age);
    weight[k] = dot(past(2U * k), d) / curvature_[k];
    add_scaled(d, -weight[k], past(2U * k + 1U), d);
  }
  const auto inverse_curvature = [&](std::uint32_t i) {
    double moved = 0.0, bent = 0.0;
    for (unsigned age = 1; age <= pairs_; ++age) {
      const unsigned k = pair(age);
      const auto s = static_cast<double>(past(2U * k)[i]), y = static_cast<double>(past(2U * k + 1U)[i]);
      moved += s * s, bent += y * y;
    }
    if (!(moved > 0.0 && bent > 0.0)) return scale_;
    return std::clamp(detail::square_root(moved / bent), scale_ / kWidest, scale_ * kWidest);
  };
  const float* const newest = past(2U * pair(1) + 1U);
  double curved = 0.0;
  for (std::uint32_t i = 0; i < blocks_.count; ++i) {
    const auto y = static_cast<double>(newest[i]);
    curved += inverse_curvature(i) * y * y;
  }
  const double unit = curvature_[pair(1)] / curved;
  for (std::uint32_t i = 0; i < blocks_.count; ++i)
    d[i] = static_cast<float>(unit * inverse_curvature(i) * static_cast<double>(d[i]));
  for (unsigned age = pairs_; age >= 1; --age) {
    const unsigned k = pair(age);
    add_scaled(d, weight[k] - dot(past(2U * k + 1U), d) / curvature_[k], past(2U * k), d);
  }
  const double slope = dot(blocks_.gradient, d);
  if (slope < 0.0 && finite(slope)) {
    slope_ = slope;
    bent_ = true;
  } else {
    pairs_ = 0;
    descend(blocks_.gradient);
  }
}

/// s and y of the accepted step, over the parameters and the gradient that it began with.
void Minimizer::remember() {
  float *const s = past(2U * slot_), *const y = past(2U * slot_ + 1U);
  add_scaled(blocks_.params, -1.0, s, s);
  add_scaled(blocks_.gradient, -1.0, y, y);
  const double sy = dot(s, y), yy = dot(y, y), ss = dot(s, s);
  if (!(sy > kStraight * detail::norm_of(ss * yy))) return;
  curvature_[slot_] = sy;
  scale_ = sy / yy;
  slot_ = (slot_ + 1U) % optimizer_.history;
  ++pairs_;
}

void Minimizer::begin_search() {
  const double objective = result_.objective;
  if (leans_ != 0)
    first_step_ = std::min(1.0, 1.0 / detail::norm_of(-slope_));
  else if (remembers())
    first_step_ = bent_ ? 1.0 : std::min(1.0, 1.0 / detail::norm_of(-slope_));
  else if (result_.iterations == 0)
    first_step_ = static_cast<double>(optimizer_.learning_rate);
  else
    first_step_ = optimizer_.line_search == LineSearch::backtracking ? 2.0 * result_.step : result_.step;
  const double limit = std::min(start_, lowest_ + StepSearch::noise(lowest_));
  search_ = StepSearch(optimizer_.line_search, objective, slope_, first_step_, limit);
  searching_ = true;
}

/// After a search that failed. A bent direction is tried once more as the negative gradient. At a corner, directions
/// between the gradients of its sides follow. Then the accepted point is evaluated again: if its objective is another
/// now, the data are; else it is the end, as a corner or as far as float32 tells values apart.
bool Minimizer::try_again() {
  restore();
  if (bent_) {
    pairs_ = 0;
    descend(past(2U * slot_ + 1U));
    begin_search();
    return true;
  }
  if (search_.at_corner() && leans_ < kLeans && lean()) {
    ++leans_;
    begin_search();
    return true;
  }
  asking_again_ = true;
  return true;
}

/// direction = the shortest between itself and the negative gradient of the last trial, which lies beyond the corner
/// (Wolfe, A method of conjugate subgradients, 1975; Lemarechal's aggregation of two). False where they cancel.
bool Minimizer::lean() {
  const double dd = dot(blocks_.direction, blocks_.direction), dg = -dot(blocks_.direction, blocks_.gradient),
               gg = dot(blocks_.gradient, blocks_.gradient);
  const double apart = dd - 2.0 * dg + gg;
  if (!finite(apart) || !(apart > 0.0)) return false;
  const double share = std::clamp((dd - dg) / apart, 0.0, 1.0);
  kernels::scale_f32({blocks_.direction, static_cast<float>(1.0 - share), blocks_.count});
  add_scaled(blocks_.direction, -share, blocks_.gradient, blocks_.direction);
  slope_ = -dot(blocks_.direction, blocks_.direction);
  return -slope_ > kCancelled * dd;
}

}  // namespace mote
