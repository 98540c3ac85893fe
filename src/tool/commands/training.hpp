// SPDX-License-Identifier: Apache-2.0
// The training loop around mote::Trainer: splitting, shuffling, epochs, validation, early stopping, best weights.
// Takes a model, data and options, gives back a report; prints only through Progress, writes no file.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "mote/train/augmentation.hpp"
#include "mote/train/trainer.hpp"
#include "tool/commands/scoring.hpp"
#include "tool/data/data_set.hpp"
#include "tool/models/model_source.hpp"
#include "tool/terminal/error.hpp"
#include "tool/terminal/progress.hpp"

namespace mote::tool {

struct TrainingOptions {
  TrainConfig config{};    ///< class_weights, targets, signed_labels and, full batch, batch are set by train()
  unsigned epochs = 10;    ///< full batch: iterations
  std::uint64_t seed = 1;  ///< initialisation, split, shuffling and dropout
  double validation_fraction = 0.0;    ///< of the training samples, held out: of every class its share
  unsigned early_stop = 0;             ///< stop after so many epochs without a better validation score; 0: never
  bool keep_best = false;              ///< end with the weights of the best epoch
  bool watch_accuracy = false;         ///< "better" is higher validation accuracy, not lower validation loss
  MinimizeOptions minimize{};          ///< full batch; max_iterations is `epochs`
  std::vector<float> class_weights;    ///< one a class, or empty
  Augmentation augmentation{};         ///< of training samples, drawn anew in every epoch
  bool learn_standardization = false;  ///< the model's standardize layer gets mean and variance of the training samples
  bool raw_targets = false;            ///< train on targets as they are, not on standardised ones
  bool balanced = false;               ///< class weights from the labels: samples / (classes * samples of the class)
  /// config.schedule from the updates of an epoch, which train() knows after the split; or null.
  std::function<Schedule(std::uint64_t)> schedule;
};

/// Of an epoch, or of an iteration over the full batch.
struct EpochReport {
  unsigned epoch = 0;
  double train_loss = 0.0;
  double train_accuracy = std::numeric_limits<double>::quiet_NaN();
  double validation_loss = std::numeric_limits<double>::quiet_NaN();
  double validation_accuracy = std::numeric_limits<double>::quiet_NaN();
  double validation_r2 = std::numeric_limits<double>::quiet_NaN();  ///< mean over the targets
  double learning_rate = 0.0;                                       ///< full batch: the length of the step
  double gradient_norm = std::numeric_limits<double>::quiet_NaN();  ///< of the objective after it; full batch only
  std::vector<double> gradient_norms;  ///< of each layer, mean over the updates; empty unless asked for
  double seconds = 0.0;                ///< of training, without validation
};

struct TrainingReport {
  std::vector<EpochReport> epochs;
  unsigned best_epoch = 0;  ///< whose weights were kept; 0: the last one's
  bool stopped_early = false;
  std::optional<Error> failure;  ///< what ended the run before its end: a step that failed, or a signal
  std::string ended;             ///< where that was, "in epoch 3 after 120 updates"
  std::string kept;              ///< what the model got then, "the weights of epoch 2"; empty: it is as it was
  std::size_t train_samples = 0, validation_samples = 0, updates = 0;
  std::uint32_t batch = 0, slice = 0;  ///< as used
  std::size_t arena_bytes = 0, lower_bound_bytes = 0, plan_table_bytes = 0;
  double samples_per_second = 0.0;  ///< over all training epochs
  std::string isa;
  std::optional<Scores> test;
  std::optional<Scores> validation;          ///< of the weights that were kept
  std::optional<MinimizeResult> minimum;     ///< full batch
  std::vector<double> first_gradient_norms;  ///< of the first update: what the initial values give
  std::vector<float> class_weights;          ///< as used
  bool standardized_targets = false;         ///< losses of epochs are in units of the targets' variance
  double loss_of_mean = 0.0;                 ///< squared error of the targets' mean, in the units of the epochs' losses
};

/// Gives every layer's parameters their first values, frozen layers too.
void initialize(OwnedModel& model, Initializer initializer, float limit, std::uint64_t seed);

/// Trains `model` in place, from the parameters it has. `test` may be null. Throws on what is wrong before the first
/// step. A step that fails and a signal (GracefulInterrupts) end the run with the best or the last accepted weights.
TrainingReport train(OwnedModel& model, const TrainingOptions& options, const DataSet& data, const DataSet* test,
                     Progress& progress);

}  // namespace mote::tool
