// SPDX-License-Identifier: Apache-2.0
// The samples of a training run: checked against the model, split into a training and a validation part, and fed to a
// trainer slice by slice. What follows from them for the configuration is decided here; the loop is training.cpp's.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "tool/commands/target_units.hpp"
#include "tool/commands/training.hpp"

namespace mote::tool {

class TrainingSamples {
 public:
  /// Throws on whatever does not fit: samples, labels, batch, class weights. Keeps references to all arguments.
  TrainingSamples(const OwnedModel& model, const TrainingOptions& options, const DataSet& data, const DataSet* test);
  TrainingSamples(const TrainingSamples&) = delete;
  TrainingSamples& operator=(const TrainingSamples&) = delete;

  /// The options' with targets, labels' coding, class weights, schedule and, full batch, batch and slices set.
  [[nodiscard]] const TrainConfig& config() const { return config_; }
  /// Indices into the data.
  [[nodiscard]] std::span<const std::uint32_t> train() const { return train_; }
  [[nodiscard]] std::span<const std::uint32_t> validation() const { return validation_; }
  [[nodiscard]] const std::vector<float>& class_weights() const { return class_weights_; }

  /// Of the training part; not active where targets are trained on as they are.
  [[nodiscard]] const TargetUnits& target_units() const { return units_; }

  /// Mean and variance of the training part into the model's standardize layer, if it has one.
  void learn_standardization(OwnedModel& model) const;

  /// Fills the trainer's slice. `epoch` draws the augmentation; index_of(i): which sample is number i of the slice.
  template <class IndexOf>
  void fill_slice(Trainer& trainer, unsigned epoch, IndexOf&& index_of) const {
    const std::span<float> input = trainer.input();
    const std::span<std::int32_t> labels = trainer.labels();
    const std::span<float> targets = trainer.targets();
    const std::size_t features = data_.features(), width = data_.target_width();
    for (std::size_t i = 0; i < trainer.slice_samples(); ++i) {
      const std::uint32_t index = index_of(i);
      const std::span<float> sample = input.subspan(i * features, features);
      data_.copy_sample(index, sample);
      if (options_.augmentation.any())
        augment(sample, picture_, options_.augmentation, options_.seed, std::uint64_t{epoch} << 32U | index);
      if (!labels.empty()) labels[i] = data_.label(index);
      if (!targets.empty()) data_.copy_target(index, targets.subspan(i * width, width));
      if (!targets.empty() && units_.active()) units_.standardize(targets.subspan(i * width, width));
    }
  }

 private:
  void check_data(const DataSet& data) const;
  void set_full_batch();
  void find_picture();
  void set_class_weights();

  const OwnedModel& model_;
  const TrainingOptions& options_;
  TrainConfig config_;
  const DataSet& data_;
  const DataSet* test_;
  std::vector<std::uint32_t> train_, validation_;
  std::vector<float> class_weights_;
  Shape picture_{};
  TargetUnits units_;
};

}  // namespace mote::tool
