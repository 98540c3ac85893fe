// SPDX-License-Identifier: Apache-2.0
// One class holds a run's state, so that every phase is a short function.
#include "tool/commands/training.hpp"
#include "tool/terminal/threads.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include "mote/train/random.hpp"
#include "mote/train/standardization.hpp"
#include "tool/commands/training_samples.hpp"
#include "tool/models/memory_plan.hpp"
#include "tool/terminal/error.hpp"
#include "tool/terminal/interrupts.hpp"

namespace mote::tool {
namespace {

using Clock = std::chrono::steady_clock;

class Run {
 public:
  Run(OwnedModel& model, const TrainingOptions& options, const DataSet& data, const DataSet* test, Progress& progress)
      : model_(model),
        options_(options),
        data_(data),
        test_(test),
        progress_(progress),
        samples_(model, options, data, test),
        config_(samples_.config()),
        train_(samples_.train()) {}

  TrainingReport operator()() {
    report_.batch = config_.batch, report_.slice = slice_samples(config_);
    report_.train_samples = train_.size();
    report_.validation_samples = samples_.validation().size();
    report_.class_weights = samples_.class_weights();
    if (options_.learn_standardization) samples_.learn_standardization(model_);
    create_trainer();
    report_.standardized_targets = samples_.target_units().active();
    report_.loss_of_mean = loss_of_mean();
    if (report_.standardized_targets && !options_.learn_standardization) samples_.target_units().enter(last_layer());
    if (full_batch(config_.optimizer.kind)) {
      minimize();
    } else {
      for (unsigned epoch = 1; epoch <= options_.epochs && !report_.stopped_early && train_epoch(epoch); ++epoch) {
        validate_epoch();
        announce(report_.epochs.back());
      }
    }
    progress_.clear();
    if (const int signal = interrupted(); signal != 0 && !report_.failure)
      fail(interruption(signal), fmt::format("after {} updates", trainer_.updates()));
    if (report_.failure && !choose_kept()) return std::move(report_);
    double seconds = 0.0;
    for (const EpochReport& epoch : report_.epochs) seconds += epoch.seconds;
    if (report_.best_epoch != 0) std::copy(best_.begin(), best_.end(), trainer_.parameters().begin());
    report_.updates = trainer_.updates();
    report_.samples_per_second = seconds > 0.0 ? static_cast<double>(samples_trained_) / seconds : 0.0;
    store();
    if (test_ != nullptr && !report_.failure)
      report_.test = score_model(model_, *test_, config_.loss, kTestBatch, progress_).scores;
    return std::move(report_);
  }

 private:
  void create_trainer();
  bool train_epoch(unsigned epoch);
  void minimize();
  [[nodiscard]] double loss_of_mean() const;
  void fail(Error error, std::string ended);
  [[nodiscard]] Error stopped_by(Status status) const;
  bool choose_kept();
  bool take_iteration(const MinimizeResult& point, double seconds);
  void add_gradient_norms(EpochReport& report);
  void validate_epoch();
  void announce(const EpochReport& epoch);
  Scores score_part(const DataSet& data, std::span<const std::uint32_t> indices, const std::string& heading,
                    std::span<const float> class_weights);
  TargetUnits::Params last_layer();
  void store();

  static constexpr std::uint32_t kTestBatch = 32;

  OwnedModel& model_;
  const TrainingOptions& options_;
  const DataSet& data_;
  const DataSet* test_;
  Progress& progress_;
  TrainingSamples samples_;
  const TrainConfig& config_;
  std::span<const std::uint32_t> train_;
  TrainingReport report_;
  AlignedBytes arena_;
  Trainer trainer_;
  std::vector<std::byte> best_, last_;  // parameters of the best and of the last whole epoch
  double best_score_ = std::numeric_limits<double>::infinity();
  unsigned epochs_without_better_ = 0;
  std::uint64_t samples_trained_ = 0;
};

void Run::create_trainer() {
  const OwnedPlan plan = plan_of(model_, plan_options(config_));
  arena_ = AlignedBytes(plan.arena_bytes());
  const Result<Trainer> trainer = Trainer::create(model_.view(), config_, arena_.span());
  if (!trainer.ok()) throw status_error(trainer.status(), model_);
  trainer_ = *trainer;
  trainer_.set_threads(lent_threads());
  report_.arena_bytes = trainer_.arena_bytes();
  report_.plan_table_bytes = plan.table_bytes;
  report_.lower_bound_bytes = trainer_.plan().lower_bound_bytes;
  report_.isa = trainer_.isa();
  const std::string updates = full_batch(config_.optimizer.kind)
                                  ? fmt::format("all {} at once in slices of {}", config_.batch, config_.micro_batch)
                                  : fmt::format("{} updates an epoch", updates_in(train_.size(), config_.batch));
  progress_.say(fmt::format("{} training and {} validation samples, {}, arena {} bytes, kernels {}", train_.size(),
                            samples_.validation().size(), updates, grouped(report_.arena_bytes), report_.isa));
}

void Run::fail(Error error, std::string ended) {
  report_.failure = std::move(error);
  report_.ended = std::move(ended);
}

double Run::loss_of_mean() const {
  if (config_.loss != Loss::squared_error || !data_.has_targets() || data_.reconstructs()) return 0.0;
  if (report_.standardized_targets) return static_cast<double>(data_.target_width());
  double sum = 0.0;
  const TargetUnits units(data_, train_);
  for (const double deviation : units.deviation()) sum += deviation * deviation;
  return sum;
}

/// What a person at the command line can do about a loss that leaves all bounds.
Error Run::stopped_by(Status status) const {
  Error error = status_error(status, model_);
  if (status.code != Code::non_finite_loss && status.code != Code::non_finite_gradient) return error;
  const bool scaled = standardization_layer(model_.view()) != kNoLayer;
  return error.advise(fmt::format(
      "lower the learning rate{}{}{}, or look for bad data",
      full_batch(config_.optimizer.kind) ? ""
                                         : fmt::format(" (--lr, which is {} now)", config_.optimizer.learning_rate),
      scaled ? "" : ", put standardize behind the input", options_.raw_targets ? ", leave --raw-targets out" : ""));
}

/// After a failure: the best weights, else those of a run that can go on, else those of the last whole epoch. False:
/// there are none worth keeping.
bool Run::choose_kept() {
  const bool full = full_batch(config_.optimizer.kind);
  if (report_.best_epoch != 0) {
    report_.kept = fmt::format("the weights of {} {}", full ? "iteration" : "epoch", report_.best_epoch);
  } else if (interrupted() != 0 && !full && trainer_.updates() != 0) {
    report_.kept = "the weights so far";
  } else if (!last_.empty()) {
    report_.kept = fmt::format("the weights of {} {}", full ? "iteration" : "epoch", report_.epochs.back().epoch);
    std::copy(last_.begin(), last_.end(), trainer_.parameters().begin());
  }
  return !report_.kept.empty();
}

/// False: it ended before its end.
bool Run::train_epoch(unsigned epoch) {
  EpochReport report;
  report.epoch = epoch;
  report.learning_rate =
      static_cast<double>(learning_rate_at(config_.schedule, config_.optimizer.learning_rate, trainer_.updates()));
  const ShuffledIndices order(static_cast<std::uint32_t>(train_.size()), options_.seed, epoch);
  const std::size_t updates = updates_in(train_.size(), config_.batch), samples = updates * config_.batch;
  const std::size_t slice = trainer_.slice_samples();
  std::uint64_t correct = 0;
  progress_.start(fmt::format("epoch {}/{}", epoch, options_.epochs), samples);
  const Clock::time_point begin = Clock::now();
  for (std::size_t first = 0; first < samples; first += slice) {
    const auto ended = [&] { return fmt::format("in epoch {} after {} updates", epoch, trainer_.updates()); };
    if (const int signal = interrupted(); signal != 0 && first % config_.batch == 0)
      return fail(interruption(signal), ended()), false;
    samples_.fill_slice(trainer_, epoch,
                        [&](std::size_t i) { return train_[order[static_cast<std::uint32_t>(first + i)]]; });
    const Result<float> loss = trainer_.step();
    if (!loss.ok()) return fail(stopped_by(loss.status()), ended()), false;
    report.train_loss += static_cast<double>(*loss);
    correct += trainer_.last_result().correct;
    if ((first + slice) % config_.batch == 0) add_gradient_norms(report);
    progress_.update(first + slice, [&] {
      return fmt::format("loss {:.4f}", report.train_loss / static_cast<double>(first / slice + 1));
    });
  }
  report.seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  report.train_loss /= static_cast<double>(samples / slice);
  for (double& norm : report.gradient_norms) norm /= static_cast<double>(updates);
  if (data_.has_labels()) report.train_accuracy = static_cast<double>(correct) / static_cast<double>(samples);
  samples_trained_ += samples;
  report_.epochs.push_back(report);
  last_.assign(trainer_.parameters().begin(), trainer_.parameters().end());
  return true;
}

void Run::add_gradient_norms(EpochReport& report) {
  const std::span<const float> norms = trainer_.gradient_norms();
  if (report_.first_gradient_norms.empty()) report_.first_gradient_norms.assign(norms.begin(), norms.end());
  report.gradient_norms.resize(norms.size());
  for (std::size_t i = 0; i < norms.size(); ++i) report.gradient_norms[i] += static_cast<double>(norms[i]);
}

void Run::minimize() {
  MinimizeOptions options = options_.minimize;
  options.max_iterations = options_.epochs;
  Clock::time_point begin = Clock::now();
  const auto feed = [&](auto&, std::uint32_t slice) {
    const std::size_t first = std::size_t{slice} * config_.micro_batch;
    if (slice == 0)
      progress_.start(fmt::format("iteration {}/{}", report_.epochs.size() + 1, options_.epochs), config_.batch);
    samples_.fill_slice(trainer_, 0, [&](std::size_t i) { return train_[first + i]; });
    progress_.update(first, [] { return std::string(); });
  };
  const auto observe = [&](const MinimizeResult& point) {
    const bool go_on = take_iteration(point, std::chrono::duration<double>(Clock::now() - begin).count());
    begin = Clock::now();
    return go_on;
  };
  const Result<MinimizeResult> result = trainer_.minimize(feed, options, observe);
  const std::string ended = fmt::format("after iteration {}", report_.epochs.size());
  if (interrupted() != 0) fail(interruption(interrupted()), ended);
  if (!result.ok()) return fail(stopped_by(result.status()), ended);
  report_.minimum = *result;
  samples_trained_ = std::uint64_t{result->evaluations} * config_.batch;
}

/// A point that minimize() accepted, the trainer holding its parameters. False: stop early.
bool Run::take_iteration(const MinimizeResult& point, double seconds) {
  EpochReport report;
  if (!trainer_.gradient_norms().empty()) add_gradient_norms(report);
  if (point.iterations == 0) return true;
  report.epoch = point.iterations;
  report.train_loss = point.loss;
  report.learning_rate = point.step;
  report.gradient_norm = point.gradient_norm;
  report.seconds = seconds;
  if (data_.has_labels()) report.train_accuracy = static_cast<double>(point.correct) / config_.batch;
  report_.epochs.push_back(report);
  last_.assign(trainer_.parameters().begin(), trainer_.parameters().end());
  validate_epoch();
  announce(report_.epochs.back());
  return !report_.stopped_early && interrupted() == 0;
}

void Run::validate_epoch() {
  if (samples_.validation().empty()) return;
  EpochReport& epoch = report_.epochs.back();
  const Scores scores = score_part(data_, samples_.validation(), "validation", report_.class_weights);
  epoch.validation_loss = scores.loss;
  if (scores.classes != 0) epoch.validation_accuracy = scores.accuracy();
  epoch.validation_r2 = scores.mean_r2();
  if (options_.early_stop == 0 && !options_.keep_best) {
    report_.validation = scores;
    return;
  }
  const double score_now = options_.watch_accuracy && scores.classes != 0 ? -scores.accuracy() : scores.loss;
  if (score_now < best_score_) {
    best_score_ = score_now;
    report_.validation = scores;
    report_.best_epoch = epoch.epoch;
    epochs_without_better_ = 0;
    best_.assign(trainer_.parameters().begin(), trainer_.parameters().end());
  } else if (++epochs_without_better_ == options_.early_stop) {
    report_.stopped_early = true;
  }
}

void Run::announce(const EpochReport& epoch) {
  const bool full = full_batch(config_.optimizer.kind);
  std::string line = fmt::format("{} {:>3}/{}  loss {:.{}f}", full ? "iteration" : "epoch", epoch.epoch,
                                 options_.epochs, epoch.train_loss, full ? 6 : 4);
  if (full) line += fmt::format("  gradient {:.2e}  step {:.2e}", epoch.gradient_norm, epoch.learning_rate);
  if (std::isfinite(epoch.train_accuracy)) line += fmt::format("  accuracy {:.2f} %", 100.0 * epoch.train_accuracy);
  if (std::isfinite(epoch.validation_loss)) line += fmt::format("  validation loss {:.4f}", epoch.validation_loss);
  if (std::isfinite(epoch.validation_accuracy))
    line += fmt::format(" accuracy {:.2f} %", 100.0 * epoch.validation_accuracy);
  if (std::isfinite(epoch.validation_r2)) line += fmt::format(" R2 {:.4f}", epoch.validation_r2);
  const double samples = static_cast<double>(updates_in(train_.size(), config_.batch) * config_.batch);
  line += fmt::format("  {:.0f} samples/s", samples / std::max(epoch.seconds, 1e-9));
  if (report_.best_epoch == epoch.epoch) line += "  best";
  progress_.say(line);
}

Scores Run::score_part(const DataSet& data, std::span<const std::uint32_t> indices, const std::string& heading,
                       std::span<const float> class_weights) {
  if (!trainer_.labels().empty()) {  // evaluate() checks them; score() has its own
    std::ranges::fill(trainer_.labels(), config_.signed_labels ? -1 : 0);
  } else {
    std::ranges::fill(trainer_.targets(), 0.0F);
  }
  const auto run = [&]() -> std::span<const float> {
    const Result<LossResult> result = trainer_.evaluate();
    if (!result.ok()) throw status_error(result.status(), model_);
    return trainer_.output();
  };
  progress_.start(heading, indices.size());
  const auto tick = [&](std::uint64_t done) { progress_.update(done, [] { return std::string(); }); };
  Scores scores = score(data, indices, trainer_.slice_samples(), trainer_.input(), run, config_.loss, class_weights,
                        tick, samples_.target_units());
  progress_.clear();
  return scores;
}

/// The trainer's own parameters of the model's last layer.
TargetUnits::Params Run::last_layer() {
  const std::size_t last = model_.layers.size() - 1;
  const auto offset = layer_params(trainer_.model(), last) - trainer_.parameters().data();
  return TargetUnits::params_of(model_.layers[last], model_.view().input_shape_of(last),
                                trainer_.parameters().data() + offset);
}

/// The trained parameters back into the model's own block, outputs in the data's units.
void Run::store() {
  const Model trained = trainer_.model();
  for (std::size_t i = 0; i < model_.layers.size(); ++i)
    if (model_.layers[i].trainable())
      std::copy_n(layer_params(trained, i), model_.layers[i].param_bytes,
                  model_.params.data() + model_.layers[i].param_offset);
  if (!report_.standardized_targets) return;
  const Layer& last = model_.layers.back();
  samples_.target_units().leave(TargetUnits::params_of(last, model_.view().input_shape_of(model_.layers.size() - 1),
                                                       model_.params.data() + last.param_offset));
}

}  // namespace

void initialize(OwnedModel& model, Initializer initializer, float limit, std::uint64_t seed) {
  const Model view = model.view();
  for (std::size_t i = 1; i < model.layers.size(); ++i) {
    const Layer& layer = model.layers[i];
    if (layer.param_bytes == 0 || on_integers(layer)) continue;
    if (stores_narrow_weights(layer) && !layer.trainable()) continue;
    const Initializer chosen = initializer == Initializer::automatic ? automatic_for(view, i) : initializer;
    const auto init = stores_narrow_weights(layer) ? init_int8_layer : init_layer;
    init(layer, view.input_shape_of(i), model.params.data() + layer.param_offset, chosen, limit, seed,
         static_cast<std::uint32_t>(i));
  }
}

TrainingReport train(OwnedModel& model, const TrainingOptions& options, const DataSet& data, const DataSet* test,
                     Progress& progress) {
  return Run(model, options, data, test, progress)();
}

}  // namespace mote::tool
