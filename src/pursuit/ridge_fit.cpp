// SPDX-License-Identifier: Apache-2.0
// Smoother and Gauss-Newton step in turns. See ridge_fit.hpp.
#include "pursuit/ridge_fit.hpp"

#include <algorithm>

#include "mote/train/random.hpp"
#include "pursuit/cholesky.hpp"

namespace mote::detail {
namespace {

constexpr double kSamePoint = 1e-6;    // of the range: closer samples are one point
constexpr std::uint32_t kDraws = 12;   // random directions looked at for each one that is followed
constexpr std::uint32_t kRounds = 3;   // of function and loadings in turns, where there are several outputs
constexpr std::uint32_t kShakes = 48;  // random steps of a supersmoother's direction
constexpr double kFirstShake = 0.3, kShakeFactor = 0.9;
constexpr std::uint32_t kDampings = 8;  // tried before a direction counts as the best

}  // namespace

bool normalize(std::span<double> direction) {
  double largest = 0.0, squares = 0.0;
  for (const double v : direction) largest = std::max(largest, __builtin_fabs(v));
  if (!(largest > 1e-150 && largest < 1e150)) return false;
  for (const double v : direction) squares += v * v;
  const double factor = 1.0 / __builtin_sqrt(squares);
  if (!(factor - factor == 0.0)) return false;
  for (double& v : direction) v *= factor;
  return true;
}

void RidgeTerm::copy_from(const RidgeTerm& other) const {
  std::copy(other.direction.begin(), other.direction.end(), direction.begin());
  std::copy(other.loadings.begin(), other.loadings.end(), loadings.begin());
  std::copy(other.values.begin(), other.values.end(), values.begin());
}

RidgePoints RidgePoints::carve(Carver& carver, std::size_t samples) {
  RidgePoints out;
  out.order = carver.take<std::uint32_t>(samples), out.group = carver.take<std::uint32_t>(samples);
  out.x = carver.take<double>(samples), out.weights = carver.take<double>(samples);
  return out;
}

void RidgePoints::sort(const RidgeSamples& samples, std::span<const double> along) {
  const std::size_t n = samples.size();
  for (std::uint32_t i = 0; i < n; ++i) order[i] = i;
  std::sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(n),
            [&](std::uint32_t a, std::uint32_t b) { return along[a] < along[b] || (along[a] == along[b] && a < b); });
  const double apart = kSamePoint * (along[order[n - 1]] - along[order[0]]);
  count = 0;
  for (std::size_t i = 0; i < n;) {
    const double first = along[order[i]];
    double weight = 0.0, sum = 0.0;
    for (; i < n && along[order[i]] - first <= apart; ++i) {
      const double w = samples.weight(order[i]);
      weight += w, sum += w * (along[order[i]] - first);
      group[order[i]] = static_cast<std::uint32_t>(count);
    }
    weights[count] = weight, x[count++] = first + sum / weight;
  }
}

void RidgePoints::average(const RidgeSamples& samples, std::span<const double> values, std::span<double> out) const {
  std::fill_n(out.begin(), count, 0.0);
  for (std::size_t i = 0; i < samples.size(); ++i) out[group[i]] += samples.weight(i) * values[i];
  for (std::size_t g = 0; g < count; ++g) out[g] /= weights[g];
}

RidgeFit RidgeFit::carve(Carver& carver, std::size_t features, std::size_t outputs, std::size_t samples) {
  RidgeFit out;
  out.points_ = RidgePoints::carve(carver, samples);
  out.trial_ = RidgeTerm::carve(carver, features, outputs, samples);
  out.candidate_ = RidgeTerm::carve(carver, features, outputs, samples);
  for (std::span<double>* array :
       {&out.along_, &out.target_, &out.fitted_, &out.point_slopes_, &out.slopes_, &out.trial_slopes_})
    *array = carver.take<double>(samples);
  out.smoother_ = carver.take<double>(
      std::max(SmoothingSpline::workspace_doubles(samples), supersmoother_workspace_doubles(samples)));
  out.normal_ = carver.take<double>(std::uint64_t{features} * features);
  out.factor_ = carver.take<double>(std::uint64_t{features} * features);
  out.principal_ = carver.take<double>(outputs);
  out.gradient_ = carver.take<double>(features), out.step_ = carver.take<double>(features);
  return out;
}

double RidgeFit::loss(std::span<const double> residual, const RidgeTerm& term) const {
  const std::size_t q = samples_->outputs;
  double sum = 0.0;
  for (std::size_t i = 0; i < samples_->size(); ++i)
    for (std::size_t k = 0; k < q; ++k) {
      const double rest = residual[i * q + k] - term.loadings[k] * term.values[i];
      sum += samples_->weight(i) * rest * rest;
    }
  return sum;
}

/// The smoother on sum_k beta_k r_ik / sum_k beta_k^2 along the points; then values are centred and scaled, and the
/// loadings are regressed on them.
double RidgeFit::smooth_target(std::span<const double> residual, const RidgeTerm& term, std::span<double> slopes) {
  const std::size_t n = samples_->size(), q = samples_->outputs;
  double squares = 0.0;
  for (const double beta : term.loadings) squares += beta * beta;
  for (std::size_t i = 0; i < n; ++i) {
    double sum = 0.0;
    for (std::size_t k = 0; k < q; ++k) sum += term.loadings[k] * residual[i * q + k];
    term.values[i] = squares > 0.0 ? sum / squares : 0.0;
  }
  points_.average(*samples_, term.values, target_);
  const SmootherPoints points = points_.view();
  const std::span<double> fitted = fitted_.first(points_.count), point_slopes = point_slopes_.first(points_.count);
  if (config_->smoother == Smoother::spline) {
    SmoothingSpline spline;
    spline.prepare(points, config_->degrees_of_freedom, smoother_, lambda_);
    lambda_ = spline.lambda() < 1e300 ? spline.lambda() : 0.0;
    degrees_of_freedom_ = spline.degrees_of_freedom();
    spline.smooth(target_.first(points_.count), fitted, point_slopes);
  } else {
    supersmooth(points, target_.first(points_.count), {config_->span, config_->bass}, smoother_, fitted, point_slopes);
  }
  double mean = 0.0, variance = 0.0;
  for (std::size_t g = 0; g < points_.count; ++g) mean += points.weights[g] * fitted[g];
  mean /= samples_->total_weight;
  for (std::size_t g = 0; g < points_.count; ++g)
    variance += points.weights[g] * (fitted[g] - mean) * (fitted[g] - mean);
  variance /= samples_->total_weight;
  const double scale = variance > 1e-280 ? 1.0 / __builtin_sqrt(variance) : 0.0;
  for (std::size_t i = 0; i < n; ++i) {
    term.values[i] = scale * (fitted[points_.group[i]] - mean);
    slopes[i] = scale * point_slopes[points_.group[i]];
  }
  for (std::size_t k = 0; k < q; ++k) {
    double sum = 0.0;
    for (std::size_t i = 0; i < n; ++i) sum += samples_->weight(i) * term.values[i] * residual[i * q + k];
    term.loadings[k] = sum / samples_->total_weight;
  }
  return loss(residual, term);
}

/// The ridge function and the loadings along the term's direction, from the loadings it has.
double RidgeFit::fit_function(std::span<const double> residual, const RidgeTerm& term, std::span<double> slopes) {
  for (std::size_t i = 0; i < samples_->size(); ++i) {
    double sum = 0.0;
    for (std::size_t j = 0; j < samples_->features; ++j) sum += term.direction[j] * samples_->feature(i, j);
    along_[i] = sum;
  }
  if (samples_->outputs == 1) term.loadings[0] = 1.0;
  points_.sort(*samples_, along_);
  double best = smooth_target(residual, term, slopes);
  for (std::uint32_t round = 1; round < kRounds && samples_->outputs > 1; ++round) {
    const double next = smooth_target(residual, term, slopes);
    if (!(next < best * (1.0 - config_->tolerance))) return next;
    best = next;
  }
  return best;
}

/// Normal equations of sum_ik w_i (r_ik - beta_k (g_i + g'_i z_i · step))^2 in `step`, z the standardised features.
/// Along the direction itself g would only be stretched, which the smoother does better: a weight keeps steps across.
void RidgeFit::set_normal_equations(std::span<const double> residual, const RidgeTerm& term) {
  const std::size_t d = samples_->features, q = samples_->outputs;
  std::fill(normal_.begin(), normal_.end(), 0.0);
  std::fill(gradient_.begin(), gradient_.end(), 0.0);
  double squares = 0.0;
  for (const double beta : term.loadings) squares += beta * beta;
  for (std::size_t i = 0; i < samples_->size(); ++i) {
    double rest = 0.0;
    for (std::size_t k = 0; k < q; ++k)
      rest += term.loadings[k] * (residual[i * q + k] - term.loadings[k] * term.values[i]);
    const double w = samples_->weight(i);
    for (std::size_t a = 0; a < d; ++a) step_[a] = slopes_[i] * samples_->feature(i, a);
    for (std::size_t a = 0; a < d; ++a) {
      gradient_[a] += w * rest * step_[a];
      for (std::size_t b = 0; b <= a; ++b) normal_[a * d + b] += w * squares * step_[a] * step_[b];
    }
  }
  double trace = 0.0;
  for (std::size_t a = 0; a < d; ++a) trace += normal_[a * d + a];
  for (std::size_t a = 0; a < d; ++a)
    for (std::size_t b = 0; b <= a; ++b) normal_[a * d + b] += trace * term.direction[a] * term.direction[b];
}

/// direction = (term's direction + damped step), of unit length; false where no step is left.
bool RidgeFit::step_from(const RidgeTerm& term, double damping, std::span<double> direction) {
  const std::size_t d = samples_->features;
  double largest = 0.0;
  for (std::size_t a = 0; a < d; ++a) largest = std::max(largest, normal_[a * d + a]);
  for (std::size_t a = 0; a < d; ++a) {
    for (std::size_t b = 0; b <= a; ++b) factor_[a * d + (a - b)] = normal_[a * d + b];
    factor_[a * d] += damping * normal_[a * d + a] + 1e-9 * largest;
    step_[a] = gradient_[a];
  }
  solve_band(factor_.data(), step_.data(), d, d - 1);
  for (std::size_t a = 0; a < d; ++a) direction[a] = term.direction[a] + step_[a];
  return normalize(direction);
}

/// Levenberg and Marquardt's damped Gauss-Newton steps, each with the function fitted anew; slopes_ are the term's.
double RidgeFit::turn_direction(std::span<const double> residual, const RidgeTerm& term, double loss) {
  double damping = 1e-3;
  for (std::uint32_t step = 0; step < config_->max_steps && loss > 0.0; ++step) {
    set_normal_equations(residual, term);
    double next = loss;
    for (std::uint32_t tries = 0; tries < kDampings && !(next < loss); ++tries) {
      if (!step_from(term, damping, trial_.direction)) return loss;
      std::copy(term.loadings.begin(), term.loadings.end(), trial_.loadings.begin());
      next = fit_function(residual, trial_, trial_slopes_);
      damping = next < loss ? std::max(0.1 * damping, 1e-9) : std::max(8.0 * damping, 1e-4);
    }
    if (!(next < loss)) break;
    term.copy_from(trial_);
    std::swap(slopes_, trial_slopes_);
    const double gain = loss - next;
    loss = next;
    if (gain < config_->tolerance * loss) break;
  }
  return loss;
}

double RidgeFit::refit_term(std::span<const double> residual, const RidgeTerm& term, double loss, bool turn,
                            std::uint32_t number) {
  trial_.copy_from(term);
  const double again = fit_function(residual, trial_, slopes_);
  if (again < loss) {
    term.copy_from(trial_);
    loss = again;
    if (turn) loss = turn_direction(residual, term, loss);
  } else if (turn) {
    // A penalised fit of new residuals may be the worse one; the steps need its slopes, and must beat the old.
    candidate_.copy_from(trial_);
    const double turned = turn_direction(residual, candidate_, again);
    if (turned < loss) term.copy_from(candidate_), loss = turned;
  }
  return turn ? shake_direction(residual, term, loss, kShakes / 3, number) : loss;
}

/// The outputs' combination with the largest residual: first axis of sum_i w_i r_i r_i^T by the power method.
void RidgeFit::principal_loadings(std::span<const double> residual, std::span<double> loadings) const {
  const std::size_t q = samples_->outputs;
  for (std::size_t k = 0; k < q; ++k) {  // begin with the output that has most of it
    double sum = 0.0;
    for (std::size_t i = 0; i < samples_->size(); ++i)
      sum += samples_->weight(i) * residual[i * q + k] * residual[i * q + k];
    loadings[k] = sum;
  }
  for (int round = 0; round < 20 && normalize(loadings); ++round) {
    std::span<double> next = trial_.loadings;
    std::fill(next.begin(), next.end(), 0.0);
    for (std::size_t i = 0; i < samples_->size(); ++i) {
      double along = 0.0;
      for (std::size_t k = 0; k < q; ++k) along += loadings[k] * residual[i * q + k];
      for (std::size_t k = 0; k < q; ++k) next[k] += samples_->weight(i) * along * residual[i * q + k];
    }
    std::copy(next.begin(), next.end(), loadings.begin());
  }
  normalize(loadings);
}

/// The direction of linear regression; the feature with the most variance where that has none.
void RidgeFit::linear_direction(std::span<const double> residual, const RidgeTerm& term) {
  std::fill(slopes_.begin(), slopes_.end(), 1.0);
  std::fill(term.values.begin(), term.values.end(), 0.0);
  std::fill(term.direction.begin(), term.direction.end(), 0.0);
  set_normal_equations(residual, term);
  if (step_from(term, 1e-9, term.direction)) return;
  term.direction[0] = 1.0;
}

/// Direction `number` of the stream, uniform on the sphere; false in the case that never comes.
bool RidgeFit::set_random(std::span<double> direction, std::uint64_t stream, std::uint32_t number) const {
  const auto d = static_cast<std::uint32_t>(direction.size());
  for (std::uint32_t j = 0; j < d; ++j) {
    const std::uint32_t bits = random_bits(config_->seed, RandomUse::data, stream, number * d + j);
    const bool constant = samples_->inverse_deviation[j] == 0.0;
    direction[j] = constant ? 0.0 : static_cast<double>(normal_from_bits(bits));
  }
  return normalize(direction);
}

/// The best of some random directions as the candidate, fitted.
double RidgeFit::random_direction(std::span<const double> residual, std::uint64_t stream) {
  double best = __builtin_inf();
  for (std::uint32_t draw = 0; draw < kDraws; ++draw) {
    if (!set_random(trial_.direction, stream, draw)) continue;
    std::copy(principal_.begin(), principal_.end(), trial_.loadings.begin());
    const double loss = fit_function(residual, trial_, trial_slopes_);
    if (!(loss < best)) continue;
    best = loss;
    candidate_.copy_from(trial_);
    std::swap(slopes_, trial_slopes_);
  }
  return best;
}

/// Random steps from the term's direction, ever shorter, taken where they lower the loss: running lines drop and take
/// up points as the direction turns, so their loss has jumps that no derivative sees.
double RidgeFit::shake_direction(std::span<const double> residual, const RidgeTerm& term, double loss,
                                 std::uint32_t shakes, std::uint32_t number) {
  if (config_->smoother == Smoother::spline || config_->starts < 2) return loss;
  double radius = kFirstShake;
  for (std::uint32_t shake = 0; shake < shakes && loss < __builtin_inf(); ++shake, radius *= kShakeFactor) {
    if (!set_random(trial_.direction, std::uint64_t{number} << 32U, shake)) continue;
    for (std::size_t j = 0; j < term.direction.size(); ++j)
      trial_.direction[j] = term.direction[j] + radius * trial_.direction[j];
    if (!normalize(trial_.direction)) continue;
    std::copy(term.loadings.begin(), term.loadings.end(), trial_.loadings.begin());
    const double next = fit_function(residual, trial_, trial_slopes_);
    if (next < loss) loss = next, term.copy_from(trial_), radius /= kShakeFactor;
  }
  return loss;
}

double RidgeFit::start_term(std::span<const double> residual, const RidgeTerm& term, std::uint32_t number) {
  double best = __builtin_inf();
  principal_loadings(residual, principal_);
  for (std::uint32_t start = 0; start < config_->starts; ++start) {
    double loss = 0.0;
    if (start == 0) {
      std::copy(principal_.begin(), principal_.end(), candidate_.loadings.begin());
      linear_direction(residual, candidate_);
      loss = fit_function(residual, candidate_, slopes_);
    } else {
      loss = random_direction(residual, std::uint64_t{number} << 32U | start);
    }
    if (!(loss < __builtin_inf())) continue;
    loss = turn_direction(residual, candidate_, loss);
    if (loss < best) best = loss, term.copy_from(candidate_);
  }
  return shake_direction(residual, term, best, kShakes, number);
}

}  // namespace mote::detail
