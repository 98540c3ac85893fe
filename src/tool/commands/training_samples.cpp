// SPDX-License-Identifier: Apache-2.0
// Every check between samples, model and options, before the first step.
#include "tool/commands/training_samples.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "mote/train/standardization.hpp"
#include "tool/commands/split.hpp"
#include "tool/terminal/error.hpp"

namespace mote::tool {

TrainingSamples::TrainingSamples(const OwnedModel& model, const TrainingOptions& options, const DataSet& data,
                                 const DataSet* test)
    : model_(model), options_(options), config_(options.config), data_(data), test_(test) {
  if (!data_.has_labels() && !data_.has_targets())
    throw usage_error("there are no labels for the training samples",
                      "give --labels, or a CSV file with a label column")
        .in(data_.path());
  config_.seed = options_.seed;
  config_.targets = data_.reconstructs() ? Targets::input : data_.has_labels() ? Targets::labels : Targets::values;
  check_data(data_);
  if (test_ != nullptr) check_data(*test_);
  const bool binary = model_.layers[loss_layer(model_.view(), config_.loss)].shape.elements() == 1;
  config_.signed_labels =
      config_.loss == Loss::binary_cross_entropy && binary && data_.has_labels() && data_.signed_labels();
  if (test_ != nullptr && config_.targets == Targets::labels && binary &&
      test_->signed_labels() != data_.signed_labels())
    throw data_error("the test labels are coded otherwise than the training labels",
                     "use 0 and 1, or -1 and +1, in both files")
        .in(test_->target_path());
  const auto count = static_cast<std::uint32_t>(data_.size());
  Split split = split_off(data_.labels(), count, options_.validation_fraction, options_.seed);
  train_ = std::move(split.train), validation_ = std::move(split.held_out);
  if (full_batch(config_.optimizer.kind)) set_full_batch();
  if (train_.size() < config_.batch || train_.empty())
    throw usage_error(fmt::format("{} training samples do not fill one batch of {}", train_.size(), config_.batch),
                      "use a smaller --batch or hold out less")
        .in(data_.path());
  if ((options_.early_stop != 0 || options_.keep_best) && validation_.empty())
    throw usage_error("stopping early and keeping the best weights need a validation part",
                      "add --validation-fraction 0.1");
  if (options_.schedule) config_.schedule = options_.schedule(updates_in(train_.size(), config_.batch));
  find_picture();
  set_class_weights();
  if (!options.raw_targets && TargetUnits::possible(model, config_.loss, data)) units_ = TargetUnits(data, train_);
}

void TrainingSamples::check_data(const DataSet& data) const {
  const Shape output = model_.layers[loss_layer(model_.view(), config_.loss)].shape;
  require_targets(data, config_.loss, output);
  data.require_shape(model_.layers.front().shape);
  if (config_.targets == Targets::labels) {
    data.require_labels(static_cast<std::size_t>(output.elements()), output.elements() == 1);
  } else {
    data.require_target_width(static_cast<std::size_t>(output.elements()));
  }
}

/// All samples, in slices: as given, else the largest that divides them and has no more than 1024; if that is a small
/// one, slices of 256, and the rest that fills none is left out.
void TrainingSamples::set_full_batch() {
  const auto samples = static_cast<std::uint32_t>(train_.size());
  std::uint32_t slice = std::min(config_.micro_batch, samples);
  for (std::uint32_t d = 1; config_.micro_batch == 0 && d <= std::min(1024U, samples); ++d)
    if (samples % d == 0) slice = d;
  if (config_.micro_batch == 0 && slice < 128 && samples > 1024) slice = 256;
  config_.micro_batch = slice;
  config_.batch = slice == 0 ? 0 : samples / slice * slice;
}

/// What shift and flip take a sample for: the model's input or, where that is flat, the data's own shape.
void TrainingSamples::find_picture() {
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

void TrainingSamples::set_class_weights() {
  class_weights_ = options_.class_weights;
  if (class_weights_.empty() && !options_.balanced) return;
  if (config_.targets != Targets::labels)
    throw usage_error("class weights need labels, and the data have real targets", "leave --class-weights out");
  const Shape output = model_.layers[loss_layer(model_.view(), config_.loss)].shape;
  const std::size_t classes = std::max<std::size_t>(static_cast<std::size_t>(output.elements()), 2);
  if (options_.balanced) {
    std::vector<double> counts(classes, 0.0);
    for (const std::uint32_t i : train_) counts[static_cast<std::size_t>(std::max(data_.label(i), 0))] += 1.0;
    for (const double n : counts)
      class_weights_.push_back(
          n == 0.0 ? 0.0F
                   : static_cast<float>(static_cast<double>(train_.size()) / (static_cast<double>(classes) * n)));
  }
  if (class_weights_.size() != classes)
    throw usage_error(fmt::format("{} class weights for {} classes", class_weights_.size(), classes),
                      "give one for each class, or: balanced");
  config_.class_weights = class_weights_.data();
}

/// From the training part alone: the validation part must stay unknown.
void TrainingSamples::learn_standardization(OwnedModel& model) const {
  const std::uint16_t index = standardization_layer(model.view());
  if (index == kNoLayer) return;
  std::vector<double> memory(2 * std::size_t{model.layers[index].shape.c});
  ChannelStatistics statistics(memory);
  std::vector<float> sample(data_.features());
  for (const std::uint32_t i : train_) {
    data_.copy_sample(i, sample);
    if (const Status status = statistics.add(sample); !status.ok())
      throw status_error(status, model).in(data_.path()).during(fmt::format("sample {} cannot be used", i));
  }
  const Status status = set_standardization(model.view(), statistics, model.params.span());
  if (!status.ok()) throw status_error(status, model);
}

}  // namespace mote::tool
