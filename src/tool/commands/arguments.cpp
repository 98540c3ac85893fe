// SPDX-License-Identifier: Apache-2.0
// Options shared by commands: their names, numbers, and what each of them depends on. What their words mean is
// arguments_meaning.cpp's.
#include "tool/commands/arguments.hpp"

#include "tool/commands/sample_shapes.hpp"
#include "tool/terminal/suggest.hpp"

namespace mote::tool {

namespace {

constexpr const char* kData = "Data";

void add_reconstruct(Options& options, DataArguments& data) {
  options
      .flag("--reconstruct", data.reconstruct,
            "an autoencoder: the samples are the targets, labels are not needed or not looked at")
      .under(kData)
      .not_with({{"--labels", {}}, {"--label", {}}, {"--targets", {}}});
}

}  // namespace

void add_table_options(Options& options, DataArguments& data) {
  options
      .list("--columns", data.input_columns, "COLUMNS", "CSV: the only columns that are inputs (default: all others)")
      .under(kData);
  options.list("--ignore", data.ignored_columns, "COLUMNS", "CSV: columns to leave out").under(kData);
  options
      .list("--categories", data.category_columns, "COLUMNS",
            "CSV: columns of categories, although they hold numbers or very many words; each category becomes an input "
            "(columns of words are categories anyway)")
      .under(kData);
  options
      .word(
          "--missing", data.missing, {"auto", "mean", "drop", "error"},
          "CSV: cells that are empty, NA, NaN, null or ?: mean (the column's mean; for a word none of the categories), "
          "drop (leaves the row out) or error; auto: as the model was trained, else mean")
      .under(kData);
  options
      .word("--header", data.header, {"auto", "yes", "no"},
            "CSV: whether the first line has the columns' names; auto: where a column of numbers has a word there")
      .under(kData);
}

void add_sample_options(Options& options, DataArguments& data) {
  options
      .text("--label", data.label_column, "COLUMN",
            "CSV: column with the labels, words or numbers: its name, its number from 1, or last (default: the column "
            "called label, class or target, else the last)")
      .under(kData)
      .not_with({{"--labels", {}}, {"--targets", {}}});
  options
      .list("--targets,--target", data.target_columns, "COLUMNS", "CSV: columns with real targets instead of a label")
      .under(kData)
      .not_with({{"--labels", {}}});
  add_table_options(options, data);
  add_shape_options(options, data);
  options
      .real("--scale", data.scale, {.not_zero = true},
            "factor for every sample value (default: as the model was trained, else 1/255 for unsigned bytes and 1 for "
            "everything else)",
            "FACTOR")
      .under(kData);
}

void add_training_data(Options& options, DataArguments& data) {
  options
      .text("--data", data.data, "PATH",
            "folder with train-images-idx3-ubyte, train-labels-idx1-ubyte and, for the test, t10k-… (plain or .gz), "
            "a folder of pictures with one folder a class (or train and test folders of such), a CSV file with a label "
            "column, or an .npz archive with x_train and y_train")
      .under(kData)
      .not_with({{"--train", {}}});
  options
      .text("--train,--train-images", data.samples, "FILE",
            "training samples: IDX, .npy, FILE.npz:NAME, .csv or pictures")
      .under(kData);
  options
      .text("--labels,--train-labels", data.labels, "FILE",
            "their labels (integers) or targets (float): IDX, .npy, FILE.npz:NAME or .csv")
      .under(kData);
  options.text("--test,--test-images", data.test_samples, "FILE", "test samples").under(kData);
  options.text("--test-labels", data.test_labels, "FILE", "their labels or targets")
      .under(kData)
      .only_with({{"--test", {}}})
      .not_with({{"--reconstruct", {}}});
  add_sample_options(options, data);
  add_reconstruct(options, data);
}

void add_evaluation_data(Options& options, DataArguments& data, bool& use_training_part) {
  options
      .text(
          "--data", data.data, "PATH",
          "folder with t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte (plain or .gz), folder of pictures, CSV file "
          "or .npz archive")
      .under(kData)
      .not_with({{"--test", {}}});
  options
      .flag("--training-part", use_training_part,
            "with a folder or an archive: its training samples, not those for the test")
      .under(kData)
      .only_with({{"--data", {}}});
  options.text("--test,--images,--input", data.samples, "FILE", "samples: IDX, .npy, FILE.npz:NAME, .csv or pictures")
      .under(kData);
  options.text("--labels,--test-labels", data.labels, "FILE", "their labels (integers) or targets (float)")
      .under(kData);
  add_sample_options(options, data);
  add_reconstruct(options, data);
}

void add_augmentation(Options& options, Augmentation& augmentation) {
  const char* const heading = "Augmentation of the training samples, drawn anew in every epoch";
  const Condition full_batch{"--optimizer", kFullBatchOptimizers};  // compares passes over the same samples
  options
      .whole("--augment-shift", augmentation.shift, {0, 65535}, "up to so many pixels up, down, left and right",
             "PIXELS")
      .under(heading)
      .not_with({full_batch});
  options.flag("--augment-flip", augmentation.flip, "left and right exchanged in half of the samples")
      .under(heading)
      .not_with({full_batch});
  options
      .real("--augment-noise", augmentation.noise, {.least = 0.0, .most = 1e6},
            "standard deviation of noise added to every value")
      .under(heading)
      .not_with({full_batch});
}

void add_training(Options& options, TrainingArguments& t, const std::vector<Condition>& only_with) {
  const Condition full_batch{"--optimizer", kFullBatchOptimizers};
  const char* heading = "Training";
  const auto declared = [&](Options::Entry& entry) -> Options::Entry& {
    if (!only_with.empty()) entry.only_with(only_with);
    return entry.under(heading);
  };
  const auto for_optimizers = [&](Options::Entry& entry, std::vector<std::string> which) {
    declared(entry).only_with({{"--optimizer", std::move(which)}});
  };
  const auto for_schedules = [&](Options::Entry& entry, std::vector<std::string> which) {
    declared(entry).only_with({{"--schedule", std::move(which)}});
  };
  options.whole("--batch", t.batch, {1, 1'000'000'000}, "samples per update").under(heading);
  declared(
      options.whole("--micro-batch", t.micro_batch, {1, 1'000'000'000},
                    "samples per slice, a divisor of the batch (default: the batch); less memory for activations"));
  std::vector<std::string> losses{"auto"};
  losses.insert(losses.end(), kLosses.begin(), kLosses.end());
  declared(
      options.word("--loss", t.loss, losses,
                   "squared_error, binary_cross_entropy, softmax_cross_entropy, kl_divergence; auto: cross-entropy "
                   "for labels, squared error for targets"));
  declared(options.real("--l1", t.l1, kNotNegative, "penalty l1 sum |w| on weights")).not_with({full_batch});
  declared(options.real("--l2", t.l2, kNotNegative, "penalty l2/2 sum w^2 on weights"));
  declared(options.real("--clip-value", t.clip_value, kPositive, "each element of the gradient into [-X, X]"))
      .not_with({full_batch});
  declared(options.real("--clip-norm", t.clip_norm, kPositive, "the gradient scaled to at most this norm"))
      .not_with({full_batch});
  declared(
      options.flag("--gradient-norms", t.gradient_norms, "measure the norm of every layer's gradient in every update"));
  declared(options.word("--weights", t.weights, {"float32", "int8"},
                        "how the weights that are trained lie in memory; int8: a quarter of it, moved by sgd in whole "
                        "units, rounded at random"));
  declared(options.text(
      "--update", t.update, "LIST",
      "train a part: entries such as \"bias; conv3: 1/4; 7-9\" say biases, a part of the input channels of the "
      "third convolution, whole layers; the rest stays where the model lies"));
  heading = "Optimiser";
  declared(options.word("--optimizer", t.optimizer, kOptimizers,
                        "sgd, momentum, nesterov, adagrad, rmsprop, adam, adamw; over all samples at once: "
                        "gradient_descent, lbfgs"));
  declared(
      options.real("--lr,--learning-rate", t.learning_rate, kPositive,
                   "learning rate (0.001 for adam and adamw, else 0.01); gradient_descent: the first trial step (1)"))
      .not_with({{"--optimizer", {"lbfgs"}}});
  for_optimizers(options.real("--momentum", t.momentum, kBelowOne, "momentum, nesterov (0.9)"),
                 {"momentum", "nesterov"});
  for_optimizers(options.real("--beta1", t.beta1, kBelowOne, "adam, adamw (0.9)"), {"adam", "adamw"});
  for_optimizers(options.real("--beta2", t.beta2, kBelowOne, "adam, adamw (0.999)"), {"adam", "adamw"});
  for_optimizers(options.real("--decay", t.decay, kBelowOne, "rmsprop (0.99)"), {"rmsprop"});
  for_optimizers(options.real("--epsilon", t.epsilon, kPositive, "adagrad (1e-10), rmsprop, adam, adamw (1e-8)"),
                 {"adagrad", "rmsprop", "adam", "adamw"});
  for_optimizers(options.real("--weight-decay", t.weight_decay, kNotNegative, "adamw (0.01)"), {"adamw"});
  for_optimizers(
      options.word("--line-search", t.line_search, kLineSearches,
                   "gradient_descent (backtracking), lbfgs (strong_wolfe): backtracking, exact, strong_wolfe"),
      kFullBatchOptimizers);
  for_optimizers(options.whole("--history", t.history, {1, kMaxHistory}, "lbfgs: steps to remember (10)"), {"lbfgs"});
  heading = "Schedule of the learning rate";
  declared(options.word("--schedule", t.schedule, kSchedules, list_of(kSchedules))).not_with({full_batch});
  for_schedules(options.real("--period", t.period, {.least = 0.0, .most = 1e9, .above_least = true},
                             "in epochs: inverse: rate/(k+1) in stage k (one update); step: between steps (1); cosine: "
                             "until the floor (all)",
                             "EPOCHS"),
                {"inverse", "step", "cosine"});
  for_schedules(options.real("--gamma", t.gamma, {.least = 0.0, .most = 1.0, .above_least = true},
                             "step: factor at each step (0.1); exponential: factor per update (0.999)"),
                {"step", "exponential"});
  for_schedules(options.real("--floor", t.floor, kNotNegative, "cosine: the last learning rate (0)"), {"cosine"});
  declared(options.real("--warmup", t.warmup, {.least = 0.0, .most = 1e9}, "epochs over which the rate rises from 0",
                        "EPOCHS"))
      .not_with({full_batch});
}

}  // namespace mote::tool
