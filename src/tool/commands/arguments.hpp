// SPDX-License-Identifier: Apache-2.0
// What several commands ask for on the command line, and what their words mean: data, training, lists of layers.
// Plain structs here; which options fill them, with what numbers and when, is arguments.cpp's.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tool/commands/options.hpp"
#include "tool/commands/training.hpp"

namespace mote::tool {

struct DataArguments {
  std::string data;             // folder of MNIST-named files or of pictures, an archive, or one CSV file
  std::string samples, labels;  // or a pair of files
  std::string test_samples, test_labels;
  std::string label_column;  // of CSV files
  std::vector<std::string> target_columns, ignored_columns, input_columns, category_columns;
  std::string missing = "auto", header = "auto";
  std::string image_size;             // of pictures
  std::uint32_t window = 0, hop = 0;  // of time series; 0: not given
  std::string window_label = "majority", group_column;
  std::optional<float> scale;
  bool reconstruct = false;  // the samples are the targets
};

/// The options of `mote train` and of everything else that plans a training.
struct TrainingArguments {
  std::string optimizer = "adam", schedule = "constant", loss = "auto";
  std::optional<float> learning_rate, epsilon, weight_decay;
  std::optional<double> momentum, beta1, beta2, decay;
  std::optional<double> period, warmup;  // in epochs
  std::optional<float> gamma, floor;
  std::uint32_t batch = 32, micro_batch = 0;
  float l1 = 0.0F, l2 = 0.0F, clip_value = 0.0F, clip_norm = 0.0F;
  std::string line_search;  // full batch; empty: the optimiser's own
  std::optional<unsigned> history;
  bool gradient_norms = false;
  std::string weights = "float32", update;  // trained_form.hpp
};

void add_training_data(Options& options, DataArguments& data);
void add_evaluation_data(Options& options, DataArguments& data, bool& use_training_part);
/// --label, --targets, --scale and how tables are read.
void add_sample_options(Options& options, DataArguments& data);
/// How tables are read: --columns, --ignore, --categories, --missing, --header.
void add_table_options(Options& options, DataArguments& data);
void add_augmentation(Options& options, Augmentation& augmentation);
/// `only_with`: none of them means anything without it, but the batch; may be empty.
void add_training(Options& options, TrainingArguments& training, const std::vector<Condition>& only_with = {});

/// The words that options take, in the order of the enumerations.
extern const std::vector<std::string> kLosses, kOptimizers, kLineSearches, kSchedules, kInitializers;
/// Those of kOptimizers that look at all samples at once.
extern const std::vector<std::string> kFullBatchOptimizers;

/// Whether the first input and output are float32, as samples are.
bool computes_float32(const Model& model);

struct TrainingData {
  DataSet train;
  std::optional<DataSet> test;
};
/// What the words say of how to read tables; the model's part is the caller's.
Reading reading_of(const DataArguments& data);
/// For a model: its description and outputs. `loss` as the person gave it.
Reading reading_for(const OwnedModel& model, const DataArguments& data, const std::string& loss);
/// The test data are read as the training data were.
TrainingData load_training_data(const DataArguments& data, const Reading& reading);
DataSet load_evaluation_data(const DataArguments& data, bool use_training_part, const Reading& reading);

/// Everything but the schedule and the loss "auto". Throws on words and numbers that make no sense together.
TrainConfig training_config(const TrainingArguments& arguments);
/// Periods are given in epochs.
Schedule training_schedule(const TrainingArguments& arguments, std::uint64_t updates_per_epoch, unsigned epochs);
/// The loss called so; nothing for "auto".
std::optional<Loss> loss_called(const std::string& word);
const std::string& loss_name(Loss loss);
Initializer initializer_called(const std::string& word);

/// "1,3-5" as layer numbers of the model, each with parameters or, if `any`, also without; `option` is named in errors.
std::vector<std::size_t> layers_called(const std::string& list, const OwnedModel& model, const std::string& option,
                                       bool any = false);

/// Which of `words` the option's word is; throws with the nearest one.
std::size_t choice(const std::string& word, const std::vector<std::string>& words, const std::string& option);

/// "1,0.5,2" as numbers.
std::vector<float> numbers_called(const std::string& list, const std::string& option);

}  // namespace mote::tool
