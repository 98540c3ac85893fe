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
#include "tool/models/memory_plan.hpp"
#include "tool/terminal/error.hpp"

namespace mote::tool {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::uint64_t kSplitEpoch = ~std::uint64_t{0};  // a shuffle that no training epoch uses

class Run {
 public:
  Run(OwnedModel& model, const TrainingOptions& options, const DataSet& data, const DataSet* test, Progress& progress)
      : model_(model), options_(options), config_(options.config), data_(data), test_(test), progress_(progress) {}

  TrainingReport operator()() {
    prepare();
    if (options_.learn_standardization) learn_standardization();
    create_trainer();
    if (full_batch(config_.optimizer.kind)) {
      minimize();
    } else {
      for (unsigned epoch = 1; epoch <= options_.epochs && !report_.stopped_early; ++epoch) {
        train_epoch(epoch);
        validate_epoch();
        announce(report_.epochs.back());
      }
    }
    double seconds = 0.0;
    for (const EpochReport& epoch : report_.epochs) seconds += epoch.seconds;
    if (report_.best_epoch != 0) std::copy(best_.begin(), best_.end(), trainer_.parameters().begin());
    report_.updates = trainer_.updates();
    report_.samples_per_second = seconds > 0.0 ? static_cast<double>(samples_trained_) / seconds : 0.0;
    if (test_ != nullptr) report_.test = score_part(*test_, all_indices(test_->size()), "test", {});
    store();
    return std::move(report_);
  }

 private:
  void prepare();
  void check_data(const DataSet& data) const;
  void find_picture();
  void set_class_weights();
  void learn_standardization();
  void create_trainer();
  void set_full_batch();
  void train_epoch(unsigned epoch);
  void minimize();
  bool take_iteration(const MinimizeResult& point, double seconds);
  void add_gradient_norms(EpochReport& report);
  void validate_epoch();
  void announce(const EpochReport& epoch);
  /// `epoch` draws the augmentation; index_of(i): which sample is number i of the slice.
  template <class IndexOf>
  void fill_slice(unsigned epoch, IndexOf&& index_of);
  Scores score_part(const DataSet& data, std::span<const std::uint32_t> indices, const std::string& heading,
                    std::span<const float> class_weights);
  void store();

  OwnedModel& model_;
  const TrainingOptions& options_;
  TrainConfig config_;
  const DataSet& data_;
  const DataSet* test_;
  Progress& progress_;
  TrainingReport report_;
  AlignedBytes arena_;
  Trainer trainer_;
  std::vector<std::uint32_t> train_, validation_;
  Shape picture_{};
  std::vector<std::byte> best_;
  double best_score_ = std::numeric_limits<double>::infinity();
  unsigned epochs_without_better_ = 0;
  std::uint64_t samples_trained_ = 0;
};

void Run::check_data(const DataSet& data) const {
  const Shape output = model_.layers[loss_layer(model_.layers, config_.loss)].shape;
  require_targets(data, config_.loss, output);
  data.require_shape(model_.layers.front().shape);
  if (config_.targets == Targets::labels) {
    data.require_labels(static_cast<std::size_t>(output.elements()), output.elements() == 1);
  } else {
    data.require_target_width(static_cast<std::size_t>(output.elements()));
  }
}

void Run::prepare() {
  if (!data_.has_labels() && !data_.has_targets())
    throw usage_error("there are no labels for the training samples",
                      "give --labels, or a CSV file with a label column")
        .in(data_.path());
  config_.seed = options_.seed;
  config_.targets = data_.reconstructs() ? Targets::input : data_.has_labels() ? Targets::labels : Targets::values;
  check_data(data_);
  if (test_ != nullptr) check_data(*test_);
  const bool binary = model_.layers[loss_layer(model_.layers, config_.loss)].shape.elements() == 1;
  config_.signed_labels =
      config_.loss == Loss::binary_cross_entropy && binary && data_.has_labels() && data_.signed_labels();
  if (test_ != nullptr && config_.targets == Targets::labels && binary &&
      test_->signed_labels() != data_.signed_labels())
    throw data_error("the test labels are coded otherwise than the training labels",
                     "use 0 and 1, or -1 and +1, in both files")
        .in(test_->target_path());
  const auto count = static_cast<std::uint32_t>(data_.size());
  const auto held_out =
      static_cast<std::uint32_t>(std::llround(options_.validation_fraction * static_cast<double>(count)));
  const ShuffledIndices split(count, options_.seed, kSplitEpoch);
  for (std::uint32_t i = 0; i < count; ++i) (i < held_out ? validation_ : train_).push_back(split[i]);
  if (full_batch(config_.optimizer.kind)) set_full_batch();
  if (train_.size() < config_.batch || train_.empty())
    throw usage_error(fmt::format("{} training samples do not fill one batch of {}", train_.size(), config_.batch),
                      "use a smaller --batch or hold out less")
        .in(data_.path());
  if ((options_.early_stop != 0 || options_.keep_best) && validation_.empty())
    throw usage_error("stopping early and keeping the best weights need a validation part",
                      "add --validation-fraction 0.1");
  report_.batch = config_.batch, report_.slice = slice_samples(config_);
  find_picture();
  report_.train_samples = train_.size();
  report_.validation_samples = validation_.size();
  set_class_weights();
}

/// All samples, in slices: as given, else the largest that divides them and has no more than 1024; if that is a small
/// one, slices of 256, and the rest that fills none is left out.
void Run::set_full_batch() {
  const auto samples = static_cast<std::uint32_t>(train_.size());
  std::uint32_t slice = std::min(config_.micro_batch, samples);
  for (std::uint32_t d = 1; config_.micro_batch == 0 && d <= std::min(1024U, samples); ++d)
    if (samples % d == 0) slice = d;
  if (config_.micro_batch == 0 && slice < 128 && samples > 1024) slice = 256;
  config_.micro_batch = slice;
  config_.batch = slice == 0 ? 0 : samples / slice * slice;
}

/// What shift and flip take a sample for: the model's input or, where that is flat, the data's own shape.
void Run::find_picture() {
  picture_ = model_.layers.front().shape;
  const std::vector<std::uint64_t>& dims = data_.sample_dims();
  const auto size = [&](std::size_t i) { return static_cast<std::uint32_t>(dims[i]); };
  const bool flat = picture_.h == 1 && picture_.w == 1;
  if (flat && dims.size() == 2) picture_ = {size(0), size(1), 1};
  if (flat && dims.size() == 3) picture_ = {size(0), size(1), size(2)};
  const bool moves = options_.augmentation.shift != 0 || options_.augmentation.flip;
  if (moves && picture_.h == 1 && picture_.w == 1)
    throw usage_error("shift and flip need pictures or sequences, and these samples are flat",
                      "give the model's input as HEIGHTxWIDTHxCHANNELS, followed by flatten")
        .in(data_.path());
}

void Run::set_class_weights() {
  report_.class_weights = options_.class_weights;
  if (report_.class_weights.empty() && !options_.balanced) return;
  if (config_.targets != Targets::labels)
    throw usage_error("class weights need labels, and the data have real targets", "leave --class-weights out");
  const Shape output = model_.layers[loss_layer(model_.layers, config_.loss)].shape;
  const std::size_t classes = std::max<std::size_t>(static_cast<std::size_t>(output.elements()), 2);
  if (options_.balanced) {
    std::vector<double> counts(classes, 0.0);
    for (const std::uint32_t i : train_) counts[static_cast<std::size_t>(std::max(data_.label(i), 0))] += 1.0;
    for (const double n : counts)
      report_.class_weights.push_back(
          n == 0.0 ? 0.0F
                   : static_cast<float>(static_cast<double>(train_.size()) / (static_cast<double>(classes) * n)));
  }
  if (report_.class_weights.size() != classes)
    throw usage_error(fmt::format("{} class weights for {} classes", report_.class_weights.size(), classes),
                      "give one for each class, or: balanced");
  config_.class_weights = report_.class_weights.data();
}

/// From the training part alone: the validation part must stay unknown.
void Run::learn_standardization() {
  const std::uint16_t index = standardization_layer(model_.view());
  if (index == kNoLayer) return;
  std::vector<double> memory(2 * std::size_t{model_.layers[index].shape.c});
  ChannelStatistics statistics(memory);
  std::vector<float> sample(data_.features());
  for (const std::uint32_t i : train_) {
    data_.copy_sample(i, sample);
    if (const Status status = statistics.add(sample); !status.ok())
      throw status_error(status, model_).in(data_.path()).during(fmt::format("sample {} cannot be used", i));
  }
  const Status status = set_standardization(model_.view(), statistics, model_.params.span());
  if (!status.ok()) throw status_error(status, model_);
}

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
                                  : fmt::format("{} updates an epoch", train_.size() / config_.batch);
  progress_.say(fmt::format("{} training and {} validation samples, {}, arena {} bytes, kernels {}", train_.size(),
                            validation_.size(), updates, grouped(report_.arena_bytes), report_.isa));
}

template <class IndexOf>
void Run::fill_slice(unsigned epoch, IndexOf&& index_of) {
  const std::span<float> input = trainer_.input();
  const std::span<std::int32_t> labels = trainer_.labels();
  const std::span<float> targets = trainer_.targets();
  const std::size_t features = data_.features(), width = data_.target_width();
  for (std::size_t i = 0; i < trainer_.slice_samples(); ++i) {
    const std::uint32_t index = index_of(i);
    const std::span<float> sample = input.subspan(i * features, features);
    data_.copy_sample(index, sample);
    if (options_.augmentation.any())
      augment(sample, picture_, options_.augmentation, options_.seed, std::uint64_t{epoch} << 32U | index);
    if (!labels.empty()) labels[i] = data_.label(index);
    if (!targets.empty()) data_.copy_target(index, targets.subspan(i * width, width));
  }
}

void Run::train_epoch(unsigned epoch) {
  EpochReport report;
  report.epoch = epoch;
  report.learning_rate =
      static_cast<double>(learning_rate_at(config_.schedule, config_.optimizer.learning_rate, trainer_.updates()));
  const ShuffledIndices order(static_cast<std::uint32_t>(train_.size()), options_.seed, epoch);
  const std::size_t samples = train_.size() / config_.batch * config_.batch, slice = trainer_.slice_samples();
  std::uint64_t correct = 0;
  progress_.start(fmt::format("epoch {}/{}", epoch, options_.epochs), samples);
  const Clock::time_point begin = Clock::now();
  for (std::size_t first = 0; first < samples; first += slice) {
    fill_slice(epoch, [&](std::size_t i) { return train_[order[static_cast<std::uint32_t>(first + i)]]; });
    const Result<float> loss = trainer_.step();
    if (!loss.ok()) {
      throw status_error(loss.status(), model_)
          .during(fmt::format("training stopped in epoch {} after {} updates, and nothing was written", epoch,
                              trainer_.updates()));
    }
    report.train_loss += static_cast<double>(*loss);
    correct += trainer_.last_result().correct;
    if ((first + slice) % config_.batch == 0) add_gradient_norms(report);
    progress_.update(first + slice, [&] {
      return fmt::format("loss {:.4f}", report.train_loss / static_cast<double>(first / slice + 1));
    });
  }
  report.seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  report.train_loss /= static_cast<double>(samples / slice);
  for (double& norm : report.gradient_norms) norm /= static_cast<double>(samples / config_.batch);
  if (data_.has_labels()) report.train_accuracy = static_cast<double>(correct) / static_cast<double>(samples);
  samples_trained_ += samples;
  report_.epochs.push_back(report);
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
    fill_slice(0, [&](std::size_t i) { return train_[first + i]; });
    progress_.update(first, [] { return std::string(); });
  };
  const auto observe = [&](const MinimizeResult& point) {
    const bool go_on = take_iteration(point, std::chrono::duration<double>(Clock::now() - begin).count());
    begin = Clock::now();
    return go_on;
  };
  const Result<MinimizeResult> result = trainer_.minimize(feed, options, observe);
  if (!result.ok())
    throw status_error(result.status(), model_)
        .during(fmt::format("training stopped after iteration {}, and nothing was written", report_.epochs.size()));
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
  validate_epoch();
  announce(report_.epochs.back());
  return !report_.stopped_early;
}

void Run::validate_epoch() {
  if (validation_.empty()) return;
  EpochReport& epoch = report_.epochs.back();
  const Scores scores = score_part(data_, validation_, "validation", report_.class_weights);
  epoch.validation_loss = scores.loss;
  if (scores.classes != 0) epoch.validation_accuracy = scores.accuracy();
  if (options_.early_stop == 0 && !options_.keep_best) return;
  const double score_now = options_.watch_accuracy && scores.classes != 0 ? -scores.accuracy() : scores.loss;
  if (score_now < best_score_) {
    best_score_ = score_now;
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
  const double samples = static_cast<double>(train_.size() / config_.batch * config_.batch);
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
  Scores scores =
      score(data, indices, trainer_.slice_samples(), trainer_.input(), run, config_.loss, class_weights, tick);
  progress_.clear();
  return scores;
}

/// The trained parameters back into the model's own block.
void Run::store() {
  const Model trained = trainer_.model();
  for (std::size_t i = 0; i < model_.layers.size(); ++i)
    if (model_.layers[i].trainable())
      std::copy_n(layer_params(trained, i), model_.layers[i].param_bytes,
                  model_.params.data() + model_.layers[i].param_offset);
}

}  // namespace

void initialize(OwnedModel& model, Initializer initializer, float limit, std::uint64_t seed) {
  const Model view = model.view();
  for (std::size_t i = 1; i < model.layers.size(); ++i) {
    const Layer& layer = model.layers[i];
    if (layer.param_bytes == 0) continue;
    const Initializer chosen = initializer == Initializer::automatic ? automatic_for(view, i) : initializer;
    init_layer(layer, view.input_shape_of(i), model.params.data() + layer.param_offset, chosen, limit, seed,
               static_cast<std::uint32_t>(i));
  }
}

TrainingReport train(OwnedModel& model, const TrainingOptions& options, const DataSet& data, const DataSet* test,
                     Progress& progress) {
  return Run(model, options, data, test, progress)();
}

}  // namespace mote::tool
