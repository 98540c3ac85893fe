// SPDX-License-Identifier: Apache-2.0
// Projection pursuit regression: checks, the arena, terms coming and going, the number of terms. One term is
// ridge_fit.cpp's affair, the model's parameters are ridge_export.cpp's.
#include "mote/pursuit/projection_pursuit.hpp"

#include <algorithm>
#include <cstring>

#include "mote/model/validate.hpp"
#include "mote/train/random.hpp"
#include "pursuit/ridge_export.hpp"
#include "pursuit/ridge_fit.hpp"

namespace mote {
namespace {

using detail::Carver;
using detail::RidgeTerm;

constexpr double kNothingLeft = 1e-20;  // of the total sum of squares: float32 data carry no more
constexpr std::uint32_t kFewestSamples = 5;
constexpr int kReplacements = 4;  // rounds of new starts in a stage

/// The sizes that everything follows from.
struct PursuitShape {
  std::size_t features = 0, channels = 0, outputs = 0, knot_count = 0;
  std::uint32_t terms = 0, max_terms = 0;
};

Status check_options(const PursuitConfig& c, std::uint32_t channels) {
  const auto within = [](double value, double least, double most) { return value >= least && value <= most; };
  if (!within(c.degrees_of_freedom, 2.0, 1e9)) return bad_option(Option::degrees_of_freedom);
  if (!within(c.span, 0.0, 1.0)) return bad_option(Option::span);
  if (!within(c.bass, 0.0, 10.0)) return bad_option(Option::bass);
  if (c.terms > channels) return bad_option(Option::terms);
  if (c.max_terms != 0 && c.max_terms < (c.terms == 0 ? channels : c.terms)) return bad_option(Option::max_terms);
  if (c.max_terms > 65535) return bad_option(Option::max_terms);
  if (!within(c.tolerance, 0.0, 0.5)) return bad_option(Option::tolerance);
  if (c.max_cycles == 0) return bad_option(Option::max_cycles);
  if (c.max_steps == 0) return bad_option(Option::max_steps);
  if (c.starts == 0) return bad_option(Option::starts);
  if (!within(c.minimum_drop, 0.0, 1.0)) return bad_option(Option::minimum_drop);
  if (c.folds == 1 || (c.folds != 0 && c.minimum_drop > 0.0)) return bad_option(Option::folds);
  return {};
}

Result<PursuitShape> shape_of(const Model& model, const PursuitConfig& config) {
  MOTE_TRY(validate(model));
  const auto chained = [&](std::size_t i, Op op) {
    return model.layers[i].op == op && (i == 0 || model.operand(i) + 1 == i) && model.layers[i].dtype == DType::f32;
  };
  if (model.layers.size() != 4 || !chained(0, Op::input) || !chained(1, Op::dense) || !chained(2, Op::spline) ||
      !chained(3, Op::dense) || !model.layers[3].has_bias())
    return Status{Code::not_projection_pursuit};
  PursuitShape shape;
  shape.features = static_cast<std::size_t>(model.input_shape().elements());
  shape.channels = model.layers[1].shape.c, shape.outputs = model.layers[3].shape.c;
  shape.knot_count = model.layers[2].knots();
  MOTE_TRY(check_options(config, static_cast<std::uint32_t>(shape.channels)));
  shape.terms = config.terms == 0 ? static_cast<std::uint32_t>(shape.channels) : config.terms;
  shape.max_terms = std::max(config.max_terms, shape.terms);
  return shape;
}

/// Everything the fit keeps, in one arena.
class Pursuit {
 public:
  /// Lays the arrays out over the carver's block.
  Pursuit(Carver& carver, const PursuitShape& shape, std::size_t samples) : shape_(shape) {
    rows_ = carver.take<std::uint32_t>(samples);
    const std::uint64_t terms = std::uint64_t{shape.max_terms} + 1;  // one to try
    slots_ = carver.take<std::uint32_t>(terms);
    samples_.mean = carver.take<double>(shape.features);
    samples_.inverse_deviation = carver.take<double>(shape.features);
    residual_ = carver.take<double>(std::uint64_t{samples} * shape.outputs);
    fold_errors_ = carver.take<double>(shape.terms);
    directions_ = carver.take<double>(terms * shape.features);
    loadings_ = carver.take<double>(terms * shape.outputs);
    values_ = carver.take<double>(terms * samples);
    fit_ = detail::RidgeFit::carve(carver, shape.features, shape.outputs, samples);
    export_ =
        detail::RidgeExport::carve(carver, shape.features, shape.channels, shape.outputs, shape.knot_count, samples);
  }

  Status begin(const PursuitData& data, const PursuitConfig& config, const PursuitPath& path);
  Result<PursuitReport> run();
  void write(const Model& model, std::byte* params) const;

 private:
  [[nodiscard]] RidgeTerm term(std::size_t position) const {
    const std::size_t slot = slots_[position], n = rows_.size();
    return {directions_.subspan(slot * shape_.features, shape_.features),
            loadings_.subspan(slot * shape_.outputs, shape_.outputs), values_.subspan(slot * n, n)};
  }
  void standardize();
  void center_targets();
  void add_to_residual(const RidgeTerm& term, double factor);
  bool add_term();
  void drop_term();
  void backfit();
  bool replace_terms();
  void fit_again();
  template <class Visit>
  Status fit_path(std::uint32_t terms, Visit&& visit);
  void export_terms();
  Result<std::uint32_t> terms_by_folds();

  PursuitShape shape_;
  const PursuitData* data_ = nullptr;
  const PursuitConfig* config_ = nullptr;
  PursuitPath path_{};
  std::size_t kept_ = 0;                       // samples of positive weight: the first of rows_
  std::span<std::uint32_t> rows_{}, slots_{};  // (samples); where the terms' arrays lie, terms in use first
  std::span<double> residual_{}, fold_errors_{}, directions_{}, loadings_{}, values_{};
  detail::RidgeSamples samples_{};
  detail::RidgeFit fit_{};
  detail::RidgeExport export_{};
  std::uint32_t count_ = 0, fold_ = 0;    // terms in the fit
  std::uint32_t cycles_ = 0, draws_ = 0;  // of backfitting in this stage; terms started so far
  double loss_ = 0.0, total_ = 0.0;       // weighted sums of squares: residual, about the mean
};

/// Checks every number and leaves out samples of weight 0.
Status Pursuit::begin(const PursuitData& data, const PursuitConfig& config, const PursuitPath& path) {
  data_ = &data, config_ = &config, path_ = path;
  const auto finite = [](float v) { return v - v == 0.0F; };
  const std::size_t d = shape_.features, q = shape_.outputs;
  for (std::uint32_t i = 0; i < rows_.size(); ++i) {
    const float weight = data.weights.empty() ? 1.0F : data.weights[i];
    bool good = finite(weight) && weight >= 0.0F;
    for (std::size_t j = 0; good && j < d; ++j) good = finite(data.inputs[i * d + j]);
    for (std::size_t k = 0; good && k < q; ++k) good = finite(data.targets[i * q + k]);
    if (!good) return {Code::non_finite_data, kNoLayer, i};
    if (weight > 0.0F) rows_[kept_++] = i;
  }
  const std::size_t needed = std::max<std::size_t>(kFewestSamples, shape_.max_terms + std::size_t{1});
  const std::size_t held_out = config.folds == 0 ? 0 : (kept_ + config.folds - 1) / config.folds;
  if (kept_ < needed + held_out || config.folds > kept_)
    return {Code::too_few_samples, kNoLayer,
            static_cast<std::uint32_t>(config.folds == 0 ? needed : std::max<std::size_t>(2 * needed, config.folds))};
  for (std::uint32_t j = 0; j < d; ++j) {
    const auto value = [&](std::size_t i) { return data.inputs[std::size_t{rows_[i]} * d + j]; };
    std::size_t same = 1;
    while (same < kept_ && value(same) == value(0)) ++same;
    if (same == kept_) return {Code::constant_feature, kNoLayer, j};
  }
  samples_.data = &data, samples_.features = d, samples_.outputs = q;
  fit_.begin(samples_, config);
  return {};
}

void Pursuit::standardize() {
  const std::size_t d = shape_.features;
  samples_.total_weight = 0.0;
  for (std::size_t i = 0; i < samples_.size(); ++i) samples_.total_weight += samples_.weight(i);
  for (std::size_t j = 0; j < d; ++j) {
    double mean = 0.0, variance = 0.0;
    const auto value = [&](std::size_t i) {
      return static_cast<double>(data_->inputs[std::size_t{samples_.rows[i]} * d + j]);
    };
    for (std::size_t i = 0; i < samples_.size(); ++i) mean += samples_.weight(i) * value(i);
    mean /= samples_.total_weight;
    for (std::size_t i = 0; i < samples_.size(); ++i)
      variance += samples_.weight(i) * (value(i) - mean) * (value(i) - mean);
    variance /= samples_.total_weight;
    samples_.mean[j] = mean;
    samples_.inverse_deviation[j] = variance > 1e-28 * mean * mean ? 1.0 / __builtin_sqrt(variance) : 0.0;
  }
}

void Pursuit::center_targets() {
  const std::size_t q = shape_.outputs;
  total_ = 0.0;
  for (std::size_t k = 0; k < q; ++k) {
    double mean = 0.0;
    for (std::size_t i = 0; i < samples_.size(); ++i) mean += samples_.weight(i) * samples_.target(i, k);
    mean /= samples_.total_weight;
    for (std::size_t i = 0; i < samples_.size(); ++i) {
      const double rest = residual_[i * q + k] = samples_.target(i, k) - mean;
      total_ += samples_.weight(i) * rest * rest;
    }
  }
  loss_ = total_;
}

void Pursuit::add_to_residual(const RidgeTerm& term, double factor) {
  const std::size_t q = shape_.outputs;
  for (std::size_t i = 0; i < samples_.size(); ++i)
    for (std::size_t k = 0; k < q; ++k) residual_[i * q + k] += factor * term.loadings[k] * term.values[i];
}

/// Every term in turn to what the others leave, until a round gains little.
void Pursuit::backfit() {
  if (config_->backfitting == Backfitting::none || count_ < 2) return;
  for (double before = __builtin_inf(); cycles_ < config_->max_cycles && loss_ > kNothingLeft * total_;) {
    if (before - loss_ < config_->tolerance * loss_) break;
    before = loss_;
    for (std::uint32_t m = 0; m < count_; ++m) {
      const RidgeTerm one = term(m);
      add_to_residual(one, 1.0);
      loss_ = fit_.refit_term(residual_, one, loss_, config_->backfitting == Backfitting::all, ++draws_);
      add_to_residual(one, -1.0);
    }
    ++cycles_;
  }
}

/// Looks for a better term in the place of each, from new directions: a way out of the valleys that turning a
/// direction bit by bit does not leave. True if one was found.
bool Pursuit::replace_terms() {
  const double before = loss_;
  for (std::uint32_t m = 0; m < count_ && loss_ > kNothingLeft * total_; ++m) {
    add_to_residual(term(m), 1.0);
    const double loss = fit_.start_term(residual_, term(shape_.max_terms), ++draws_);
    if (loss < loss_ * (1.0 - config_->tolerance)) loss_ = loss, std::swap(slots_[m], slots_[shape_.max_terms]);
    add_to_residual(term(m), -1.0);
  }
  return loss_ < before;
}

/// After a term came or went.
void Pursuit::fit_again() {
  cycles_ = 0;
  backfit();
  const bool turns = config_->backfitting == Backfitting::all && config_->starts > 1;
  for (int round = 0; turns && round < kReplacements && cycles_ < config_->max_cycles && replace_terms(); ++round)
    backfit();
  if (fold_ == 0 && count_ <= path_.residuals.size()) path_.residuals[count_ - 1] = loss_;
  if (config_->progress != nullptr)
    config_->progress(config_->progress_context, {fold_, config_->folds, count_, cycles_, loss_});
}

/// One more term, and the others again. False, and nothing changed, where none gains anything.
bool Pursuit::add_term() {
  if (!(loss_ > kNothingLeft * total_)) return false;
  const RidgeTerm next = term(count_);
  const double loss = fit_.start_term(residual_, next, ++draws_);
  if (!(loss < loss_ * (1.0 - 1e-9))) return false;
  add_to_residual(next, -1.0);
  loss_ = loss;
  ++count_;
  fit_again();
  return true;
}

/// Takes out the term whose loss costs least, and fits the others again.
void Pursuit::drop_term() {
  std::uint32_t least = 0;
  double best = __builtin_inf();
  for (std::uint32_t m = 0; m < count_; ++m) {
    const RidgeTerm one = term(m);
    for (double& loading : one.loadings) loading = -loading;  // residual - (-beta) g: what is left without it
    const double without = fit_.loss(residual_, one);
    for (double& loading : one.loadings) loading = -loading;
    if (without < best) best = without, least = m;
  }
  add_to_residual(term(least), 1.0);
  loss_ = best;
  std::rotate(slots_.begin() + least, slots_.begin() + least + 1, slots_.begin() + count_);
  --count_;
  fit_again();
}

/// Terms up to max_terms, then down to `terms`; visit(number of terms) on the way down, first and last included.
template <class Visit>
Status Pursuit::fit_path(std::uint32_t terms, Visit&& visit) {
  standardize();
  center_targets();
  count_ = 0, draws_ = 0;
  for (std::uint32_t m = 0; m < slots_.size(); ++m) slots_[m] = m;
  for (bool more = true; more && count_ < shape_.max_terms;) {
    const double before = loss_;
    more = add_term();
    if (!more || count_ < 2 || !(before - loss_ < config_->minimum_drop * before)) continue;
    terms = std::min(terms, count_ - 1);
    more = false;
  }
  if (count_ == 0) return {Code::direction_collapsed, kNoLayer, 1};
  visit(count_);
  while (count_ > terms) {
    drop_term();
    visit(count_);
  }
  return {};
}

/// Terms with the largest contribution first.
void Pursuit::export_terms() {
  const auto size = [&](std::uint32_t m) {
    double squares = 0.0;
    for (const double loading : term(m).loadings) squares += loading * loading;
    return squares;
  };
  for (std::uint32_t m = 0; m < count_; ++m)
    for (std::uint32_t other = m + 1; other < count_; ++other)
      if (size(other) > size(m)) std::swap(slots_[m], slots_[other]);
  export_.clear();
  for (std::uint32_t m = 0; m < count_; ++m) export_.set_term(samples_, term(m), m, config_->smoother);
  export_.set_loadings(samples_, count_);
}

/// The number of terms with the least error on samples that the fit has not seen.
Result<std::uint32_t> Pursuit::terms_by_folds() {
  std::fill(fold_errors_.begin(), fold_errors_.end(), 0.0);
  const std::span<std::uint32_t> rows = rows_.first(kept_);
  const ShuffledIndices shuffled(static_cast<std::uint32_t>(kept_), config_->seed, 0);
  for (std::uint32_t i = 0; i + 1 < kept_; ++i) {  // the shuffled order in place: i's row is where earlier swaps put it
    std::uint32_t from = shuffled[i];
    while (from < i) from = shuffled[from];
    std::swap(rows[i], rows[from]);
  }
  double weight = 0.0;
  for (fold_ = 1; fold_ <= config_->folds; ++fold_) {
    const std::size_t first = kept_ * (fold_ - 1) / config_->folds, last = kept_ * fold_ / config_->folds;
    std::rotate(rows.begin(), rows.begin() + static_cast<std::ptrdiff_t>(last - first), rows.end());
    const std::span<const std::uint32_t> held_out = rows.last(last - first);
    samples_.rows = rows.first(kept_ - held_out.size());
    double error = 0.0;
    std::uint32_t filled = shape_.terms;  // a fit that ends with fewer terms stands for more as well
    MOTE_TRY(fit_path(1, [&](std::uint32_t terms) {
      if (terms > shape_.terms) return;
      export_terms();
      error = export_.squared_error(*data_, held_out);
      for (std::uint32_t m = terms; m <= filled; ++m) fold_errors_[m - 1] += error;
      filled = terms - 1;
    }));
    for (const std::uint32_t sample : held_out)
      weight += data_->weights.empty() ? 1.0 : static_cast<double>(data_->weights[sample]);
  }
  fold_ = 0;
  std::sort(rows.begin(), rows.end());
  std::uint32_t best = 0;
  for (std::uint32_t m = 0; m < shape_.terms; ++m) {
    fold_errors_[m] /= weight;
    if (fold_errors_[m] < fold_errors_[best]) best = m;
    if (m < path_.cross_validation.size()) path_.cross_validation[m] = fold_errors_[m];
  }
  return best + 1;
}

Result<PursuitReport> Pursuit::run() {
  std::uint32_t terms = shape_.terms;
  if (config_->folds != 0) MOTE_TRY_ASSIGN(terms, terms_by_folds());
  samples_.rows = rows_.first(kept_);
  MOTE_TRY(fit_path(terms, [](std::uint32_t) {}));
  export_terms();
  PursuitReport report;
  report.terms = count_;
  report.residual_sum_of_squares = export_.squared_error(*data_, samples_.rows);
  report.total_sum_of_squares = total_;
  report.degrees_of_freedom = config_->smoother == Smoother::spline ? fit_.degrees_of_freedom() : 0.0;
  if (!(report.residual_sum_of_squares < __builtin_inf())) return Status{Code::direction_collapsed, kNoLayer, count_};
  return report;
}

void Pursuit::write(const Model& model, std::byte* params) const {
  const detail::PursuitParams& from = export_.params();
  const auto put = [&](std::size_t layer, std::size_t at, std::span<const float> values) {
    std::byte* const to = params + model.layers[layer].param_offset + at * sizeof(float);
    std::memcpy(to, values.data(), values.size_bytes());
  };
  const Layer& first = model.layers[1];
  std::memset(params + first.param_offset, 0, first.param_bytes);  // a bias, if there is one, is zero
  put(1, 0, from.directions);
  put(2, 0, from.knots);
  put(2, from.knots.size(), from.values);
  put(2, 2 * from.knots.size(), from.slopes);
  put(3, 0, from.loadings);
  put(3, from.loadings.size(), from.bias);
}

Result<std::size_t> arena_bytes(const PursuitShape& shape, std::size_t samples) {
  Carver counter(nullptr);
  if (samples > 0x7FFF'FFFFU) return Status{Code::plan_too_large};
  static_cast<void>(Pursuit(counter, shape, samples));
  if (counter.used() > 0x7FFF'FFFFU) return Status{Code::plan_too_large};
  return static_cast<std::size_t>(counter.used());
}

}  // namespace

Result<std::size_t> required_arena_bytes(const Model& model, const PursuitConfig& config, std::size_t samples) {
  const Result<PursuitShape> shape = shape_of(model, config);
  MOTE_TRY(shape);
  return arena_bytes(*shape, samples);
}

Result<PursuitReport> fit_projection_pursuit(const Model& model, const PursuitData& data, const PursuitConfig& config,
                                             std::span<std::byte> params, std::span<std::byte> arena,
                                             const PursuitPath& path) {
  const Result<PursuitShape> shape = shape_of(model, config);
  MOTE_TRY(shape);
  if (params.size() < model.param_bytes) return Status{Code::output_too_small, kNoLayer, model.param_bytes};
  const std::size_t samples = data.inputs.size() / shape->features;
  if (data.inputs.size() % shape->features != 0 || data.targets.size() != samples * shape->outputs ||
      (!data.weights.empty() && data.weights.size() != samples))
    return Status{Code::data_size_mismatch, kNoLayer, static_cast<std::uint32_t>(samples)};
  const Result<std::size_t> bytes = arena_bytes(*shape, samples);
  MOTE_TRY(bytes);
  if (reinterpret_cast<std::uintptr_t>(arena.data()) % alignof(double) != 0)
    return Status{Code::arena_misaligned, kNoLayer, alignof(double)};
  if (arena.size() < *bytes) return Status{Code::arena_too_small, kNoLayer, static_cast<std::uint32_t>(*bytes)};
  std::memset(arena.data(), 0, *bytes);
  Carver carver(arena.data());
  Pursuit pursuit(carver, *shape, samples);
  MOTE_TRY(pursuit.begin(data, config, path));
  const Result<PursuitReport> report = pursuit.run();
  if (report.ok()) pursuit.write(model, params.data());
  return report;
}

}  // namespace mote
