// SPDX-License-Identifier: Apache-2.0
// Options shared by commands: how they are declared. What their words mean is arguments_meaning.cpp's.
#include "tool/commands/arguments.hpp"

#include <CLI/CLI.hpp>

namespace mote::tool {
namespace {

void add_sample_options(CLI::App& command, DataArguments& data) {
  const char* const group = "Data";
  command
      .add_option("--label", data.label_column,
                  "CSV: column with the class numbers: its name, its number from 1, or last")
      ->type_name("COLUMN")
      ->group(group);
  command.add_option("--targets", data.target_columns, "CSV: columns with real targets instead of a label")
      ->delimiter(',')
      ->type_name("COLUMNS")
      ->group(group);
  command
      .add_option("--scale", data.scale,
                  "factor for every sample value (default: 1/255 for unsigned bytes, 1 for everything else)")
      ->type_name("FACTOR")
      ->group(group);
  command
      .add_flag("--reconstruct", data.reconstruct,
                "an autoencoder: the samples are the targets, labels are not needed or not looked at")
      ->group(group);
}

}  // namespace

void add_training_data(CLI::App& command, DataArguments& data) {
  const char* const group = "Data";
  command
      .add_option(
          "--data", data.data,
          "folder with train-images-idx3-ubyte, train-labels-idx1-ubyte and, for the test, t10k-… (plain or .gz), "
          "or a CSV file with a label column")
      ->type_name("PATH")
      ->group(group);
  command.add_option("--train,--train-images", data.samples, "training samples: IDX, .npy or .csv")
      ->type_name("FILE")
      ->group(group);
  command
      .add_option("--labels,--train-labels", data.labels,
                  "their labels (integers) or targets (float): IDX, .npy or .csv")
      ->type_name("FILE")
      ->group(group);
  command.add_option("--test,--test-images", data.test_samples, "test samples")->type_name("FILE")->group(group);
  command.add_option("--test-labels", data.test_labels, "their labels or targets")->type_name("FILE")->group(group);
  add_sample_options(command, data);
}

void add_evaluation_data(CLI::App& command, DataArguments& data, bool& use_training_part) {
  const char* const group = "Data";
  command
      .add_option("--data", data.data,
                  "folder with t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte (plain or .gz), or a CSV file")
      ->type_name("PATH")
      ->group(group);
  command.add_flag("--training-part", use_training_part, "with a folder: its train-… files instead of t10k-…")
      ->group(group);
  command.add_option("--test,--images,--input", data.samples, "samples: IDX, .npy or .csv")
      ->type_name("FILE")
      ->group(group);
  command.add_option("--labels,--test-labels", data.labels, "their labels (integers) or targets (float)")
      ->type_name("FILE")
      ->group(group);
  add_sample_options(command, data);
}

void add_augmentation(CLI::App& command, Augmentation& augmentation) {
  const char* const group = "Augmentation of the training samples, drawn anew in every epoch";
  command.add_option("--augment-shift", augmentation.shift, "up to so many pixels up, down, left and right")
      ->type_name("PIXELS")
      ->group(group);
  command.add_flag("--augment-flip", augmentation.flip, "left and right exchanged in half of the samples")
      ->group(group);
  command.add_option("--augment-noise", augmentation.noise, "standard deviation of noise added to every value")
      ->check(CLI::Range(0.0F, 1e6F))
      ->type_name("X")
      ->group(group);
}

void add_training(CLI::App& command, TrainingArguments& t) {
  const char* group = "Training";
  command.add_option("--batch", t.batch, "samples per update")->capture_default_str()->type_name("N")->group(group);
  command
      .add_option("--micro-batch", t.micro_batch,
                  "samples per slice, a divisor of the batch: less memory for activations")
      ->type_name("N")
      ->group(group);
  command
      .add_option(
          "--loss", t.loss,
          "squared_error, binary_cross_entropy, softmax_cross_entropy, kl_divergence; auto: cross-entropy for labels, "
          "squared error for targets")
      ->capture_default_str()
      ->type_name("NAME")
      ->group(group);
  command.add_option("--l1", t.l1, "penalty l1 sum |w| on weights")->type_name("X")->group(group);
  command.add_option("--l2", t.l2, "penalty l2/2 sum w^2 on weights")->type_name("X")->group(group);
  command.add_option("--clip-value", t.clip_value, "each element of the gradient into [-X, X]")
      ->type_name("X")
      ->group(group);
  command.add_option("--clip-norm", t.clip_norm, "the gradient scaled to at most this norm")
      ->type_name("X")
      ->group(group);
  command.add_flag("--gradient-norms", t.gradient_norms, "measure the norm of every layer's gradient in every update")
      ->group(group);
  group = "Optimiser";
  command
      .add_option("--optimizer", t.optimizer,
                  "sgd, momentum, nesterov, adagrad, rmsprop, adam, adamw; over all samples at "
                  "once: gradient_descent, lbfgs")
      ->capture_default_str()
      ->type_name("NAME")
      ->group(group);
  command
      .add_option("--lr,--learning-rate", t.learning_rate,
                  "learning rate (0.001 for adam and adamw, else 0.01); gradient_descent: the first trial step (1)")
      ->type_name("X")
      ->group(group);
  command.add_option("--momentum", t.momentum, "momentum, nesterov (0.9)")->type_name("X")->group(group);
  command.add_option("--beta1", t.beta1, "adam, adamw (0.9)")->type_name("X")->group(group);
  command.add_option("--beta2", t.beta2, "adam, adamw (0.999)")->type_name("X")->group(group);
  command.add_option("--decay", t.decay, "rmsprop (0.99)")->type_name("X")->group(group);
  command.add_option("--epsilon", t.epsilon, "adagrad (1e-10), rmsprop, adam, adamw (1e-8)")
      ->type_name("X")
      ->group(group);
  command.add_option("--weight-decay", t.weight_decay, "adamw (0.01)")->type_name("X")->group(group);
  command
      .add_option("--line-search", t.line_search,
                  "gradient_descent (backtracking), lbfgs (strong_wolfe): backtracking, exact, strong_wolfe")
      ->type_name("NAME")
      ->group(group);
  command.add_option("--history", t.history, "lbfgs: steps to remember, 1 to 32 (10)")->type_name("N")->group(group);
  group = "Schedule of the learning rate";
  command.add_option("--schedule", t.schedule, "constant, inverse, step, exponential, cosine")
      ->capture_default_str()
      ->type_name("NAME")
      ->group(group);
  command
      .add_option("--period", t.period,
                  "in epochs: inverse: rate/(k+1) in stage k (one update); step: between steps (1); cosine: until the "
                  "floor (all)")
      ->type_name("EPOCHS")
      ->group(group);
  command.add_option("--gamma", t.gamma, "step: factor at each step (0.1); exponential: factor per update (0.999)")
      ->type_name("X")
      ->group(group);
  command.add_option("--floor", t.floor, "cosine: the last learning rate (0)")->type_name("X")->group(group);
  command.add_option("--warmup", t.warmup, "epochs over which the rate rises from 0")
      ->type_name("EPOCHS")
      ->group(group);
}

}  // namespace mote::tool
