// SPDX-License-Identifier: Apache-2.0
// What the words of the shared options mean: names to enumerations, files to data sets, lists to numbers.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <filesystem>

#include "tool/commands/arguments.hpp"
#include "tool/commands/sample_shapes.hpp"
#include "tool/data/npz.hpp"
#include "tool/data/picture_folder.hpp"
#include "tool/terminal/error.hpp"
#include "tool/terminal/suggest.hpp"

namespace mote::tool {

const std::vector<std::string> kLosses{"squared_error", "binary_cross_entropy", "softmax_cross_entropy",
                                       "kl_divergence"};
const std::vector<std::string> kOptimizers{"sgd",  "momentum", "nesterov",         "adagrad", "rmsprop",
                                           "adam", "adamw",    "gradient_descent", "lbfgs"};
const std::vector<std::string> kFullBatchOptimizers{"gradient_descent", "lbfgs"};
const std::vector<std::string> kLineSearches{"backtracking", "exact", "strong_wolfe"};
const std::vector<std::string> kSchedules{"constant", "inverse", "step", "exponential", "cosine"};
const std::vector<std::string> kInitializers{"automatic",      "zeros",         "uniform",
                                             "glorot_uniform", "glorot_normal", "he_uniform",
                                             "he_normal",      "lecun_uniform", "lecun_normal"};

std::size_t choice(const std::string& word, const std::vector<std::string>& words, const std::string& option) {
  const auto found = std::find(words.begin(), words.end(), word);
  if (found == words.end())
    throw usage_error(fmt::format("{} has no {}", option, in_quotes(word)),
                      fmt::format("{}it takes one of {}", did_you_mean(word, words), list_of(words)));
  return static_cast<std::size_t>(found - words.begin());
}

namespace {

DataSet load_part(const std::string& samples, const std::string& labels, const DataArguments& data,
                  const Reading& reading) {
  if (data.reconstruct) {
    DataSet out = DataSet::samples_from(samples, reading);
    out.use_samples_as_targets();
    return out;
  }
  if (!labels.empty()) {
    Reading of_samples = reading;
    of_samples.label.clear(), of_samples.targets.clear();
    DataSet out = DataSet::samples_from(samples, of_samples);
    out.add_targets_from(labels, reading);
    return out;
  }
  if (holds_pictures(samples)) return DataSet::samples_from(samples, reading, LabelUse::required);
  if (!holds_table(samples))
    throw usage_error("there are samples without labels", "give their labels too, with --labels (or --test-labels)")
        .in(samples);
  return DataSet::table_from(samples, reading);
}

bool is_folder(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::is_directory(path, ignored);
}
bool exists(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::exists(path, ignored);
}

/// A folder of images and an archive have labels of their own.
void require_no_columns(const DataArguments& data) {
  const auto refuse = [&](const char* option, bool given) {
    if (given)
      throw usage_error(fmt::format("{} means nothing for a folder or an archive, which has labels of its own", option),
                        "leave it out or give a CSV file")
          .in(data.data);
  };
  refuse("--label", !data.label_column.empty());
  refuse("--targets", !data.target_columns.empty());
  refuse("--labels", !data.labels.empty());
}

/// Where a folder, an archive or a file has its samples. Labels are empty where they are in the same place. What is
/// missing is taken for a folder of MNIST's files, because that message says how to get data.
SampleFiles files_in(const DataArguments& data, bool need_train, bool need_test) {
  const std::string& path = data.data;
  if (!is_folder(path) && exists(path)) {
    if (path.ends_with(".npz")) {
      require_no_columns(data);
      return files_of_archive(path);
    }
    return {path, data.labels, "", ""};
  }
  if (const auto& [archive, array] = split_npz_path(path); !array.empty())
    throw usage_error("--data is given a whole archive, and this is one array of it",
                      fmt::format("give --data {0}, or --train {1} --labels {0}:NAME", archive, path))
        .in(path);
  const std::string name = path.substr(path.rfind('/') + 1);
  if (!is_folder(path) && name.find('.', 1) != std::string::npos && name != "..")
    throw data_error("there is no such file", "check the path").in(path);
  if (is_folder(path)) require_no_columns(data);
  if (is_folder(path) && holds_pictures(path)) {
    const PictureParts parts = picture_parts(path);
    if (!parts.train.empty()) return {parts.train, "", parts.test, ""};
    return {path, "", "", ""};
  }
  const MnistFiles files = find_mnist(path, need_train, need_test, !data.reconstruct);
  const bool test = !files.test_samples.empty() && (data.reconstruct || !files.test_labels.empty());
  return {files.train_samples, files.train_labels, test ? files.test_samples : "", files.test_labels};
}

}  // namespace

Reading reading_of(const DataArguments& data) {
  Reading out;
  out.scale = data.scale;
  out.label = data.label_column;
  out.targets = data.target_columns;
  out.ignore = data.ignored_columns, out.inputs = data.input_columns, out.categories = data.category_columns;
  if (data.missing != "auto")
    out.missing = static_cast<Missing>(choice(data.missing, {"error", "mean", "drop"}, "--missing"));
  out.header = static_cast<HeaderRule>(choice(data.header, {"auto", "yes", "no"}, "--header"));
  out.windows = windows_called(data);
  return out;
}

bool computes_float32(const Model& model) {
  return model.layers.front().dtype == DType::f32 && model.layers[model.output_layer()].dtype == DType::f32;
}

Reading reading_for(const OwnedModel& model, const DataArguments& data, const std::string& loss) {
  const std::string source = model.source.empty() ? "--model" : model.source;
  if (model.view().input_count() != 1)
    throw data_error(fmt::format("the model has {} inputs, and samples fill one", model.view().input_count()),
                     "give arrays for each input: mote run MODEL --inputs DIR --outputs DIR")
        .in(source);
  if (!computes_float32(model.view()))
    throw data_error("the model takes or gives other types than float32, and samples are float32",
                     "give an array of its type: mote run MODEL --input x.npy --output y.npy")
        .in(source);
  Reading out = reading_of(data);
  out.outputs = static_cast<std::size_t>(model.view().output_shape().elements());
  out.values = loss_called(loss) == Loss::squared_error;
  out.known = read_description(model.description);
  out.picture = picture_called(data, model.view().input_shape(), out.known);
  return out;
}

TrainingData load_training_data(const DataArguments& data, const Reading& reading) {
  if (data.data.empty() && data.samples.empty())
    throw usage_error("no training data given",
                      "give --data FOLDER, --data FILE.csv, or --train FILE with --labels FILE");
  TrainingData out;
  const auto for_test = [&] {
    Reading test = reading;
    test.known = out.train.description();
    if (data.test_labels.empty()) test.label.clear(), test.targets.clear();
    return test;
  };
  const SampleFiles files =
      data.data.empty() ? SampleFiles{data.samples, data.labels, "", ""} : files_in(data, true, false);
  out.train = load_part(files.train_samples, files.train_labels, data, reading);
  if (!files.test_samples.empty() && data.test_samples.empty())
    out.test = load_part(files.test_samples, files.test_labels, data, for_test());
  if (!data.test_samples.empty()) out.test = load_part(data.test_samples, data.test_labels, data, for_test());
  return out;
}

DataSet load_evaluation_data(const DataArguments& data, bool use_training_part, const Reading& reading) {
  if (data.data.empty() && data.samples.empty())
    throw usage_error("no data given", "give --data FOLDER, --data FILE.csv, or --test FILE with --labels FILE");
  if (data.data.empty()) return load_part(data.samples, data.labels, data, reading);
  const SampleFiles files = files_in(data, use_training_part, !use_training_part);
  if (use_training_part && files.test_samples.empty() && !is_folder(data.data))
    throw usage_error("--training-part means nothing for a file, which is one part", "leave it out or give a folder")
        .in(data.data);
  const bool train = use_training_part || files.test_samples.empty();
  return train ? load_part(files.train_samples, files.train_labels, data, reading)
               : load_part(files.test_samples, files.test_labels, data, reading);
}

std::optional<Loss> loss_called(const std::string& word) {
  if (word == "auto") return std::nullopt;
  return static_cast<Loss>(choice(word, kLosses, "--loss"));
}

const std::string& loss_name(Loss loss) { return kLosses[static_cast<std::size_t>(loss)]; }

Initializer initializer_called(const std::string& word) {
  return static_cast<Initializer>(choice(word, kInitializers, "--init"));
}

namespace {

Optimizer optimizer_of(const TrainingArguments& a) {
  const std::size_t kind = choice(a.optimizer, kOptimizers, "--optimizer");
  const std::array<Optimizer, 9> defaults{sgd(),  momentum(), nesterov(),         adagrad(), rmsprop(),
                                          adam(), adamw(),    gradient_descent(), lbfgs()};
  Optimizer o = defaults[kind];
  if (a.learning_rate) o.learning_rate = *a.learning_rate;
  if (a.momentum) o.decay1 = *a.momentum;
  if (a.beta1) o.decay1 = *a.beta1;
  if (a.beta2) o.decay2 = *a.beta2;
  if (a.decay) o.decay2 = *a.decay;
  if (a.epsilon) o.epsilon = *a.epsilon;
  if (a.weight_decay) o.weight_decay = *a.weight_decay;
  if (!a.line_search.empty())
    o.line_search = static_cast<LineSearch>(choice(a.line_search, kLineSearches, "--line-search") + 1);
  if (kind == 8 && o.line_search == LineSearch::backtracking)
    throw usage_error("lbfgs learns nothing of the curvature from --line-search backtracking",
                      "choose strong_wolfe or exact");
  if (a.history) o.history = static_cast<std::uint8_t>(*a.history);
  return o;
}

}  // namespace

TrainConfig training_config(const TrainingArguments& a) {
  TrainConfig config;
  config.optimizer = optimizer_of(a);
  config.gradient_norms = a.gradient_norms;
  config.batch = a.batch;
  config.micro_batch = a.micro_batch;
  config.l1 = a.l1, config.l2 = a.l2;
  config.clip_value = a.clip_value, config.clip_norm = a.clip_norm;
  config.alignment = 64;
  const Status status = validate(config);
  if (status.code == Code::bad_batch)
    throw usage_error(fmt::format("a batch of {} cannot be cut into slices of {}", a.batch, slice_samples(config)),
                      "give a --batch of at least 1 and a --micro-batch that divides it");
  if (!status.ok()) throw status_error(status, Model{}, "");
  return config;
}

Schedule training_schedule(const TrainingArguments& a, std::uint64_t updates_per_epoch, unsigned epochs) {
  const std::size_t kind = choice(a.schedule, kSchedules, "--schedule");
  const auto updates = [&](double in_epochs, const char* option) {
    const double count = std::round(in_epochs * static_cast<double>(updates_per_epoch));
    if (!(count >= 0.0 && count < 4.0e9))
      throw usage_error(fmt::format("{} is negative or too large", option), "give a number of epochs");
    return static_cast<std::uint32_t>(count);
  };
  Schedule out;
  out.kind = static_cast<ScheduleKind>(kind);
  out.warmup_steps = a.warmup ? updates(*a.warmup, "--warmup") : 0;
  const double all = kind == 4 ? static_cast<double>(epochs) : 1.0;
  out.period = kind == 1 && !a.period ? 1U : std::max(1U, updates(a.period.value_or(all), "--period"));
  out.gamma = a.gamma.value_or(kind == 2 ? 0.1F : kind == 3 ? 0.999F : 1.0F);
  out.floor = a.floor.value_or(0.0F);
  return out;
}

std::vector<std::size_t> layers_called(const std::string& list, const OwnedModel& model, const std::string& option,
                                       bool any) {
  std::vector<std::size_t> out;
  const auto fail = [&](const std::string& what) {
    throw usage_error(fmt::format("{}: {}", option, what), "give layer numbers as mote info shows them, such as 1,3-5");
  };
  for (std::size_t at = 0; at <= list.size();) {
    const std::size_t end = std::min(list.find(',', at), list.size());
    const std::string part = list.substr(at, end - at);
    std::size_t first = 0, last = 0;
    const char* const stop = part.data() + part.size();
    auto [next, error] = std::from_chars(part.data(), stop, first);
    last = first;
    if (error == std::errc{} && next != stop && *next == '-') {
      const auto tail = std::from_chars(next + 1, stop, last);
      next = tail.ptr, error = tail.ec;
    }
    if (error != std::errc{} || next != stop || last < first)
      fail(fmt::format("{} is not a layer number or a range", in_quotes(part)));
    if (last >= model.layers.size())
      fail(fmt::format("there is no layer {}, the last one is {}", last, model.layers.size() - 1));
    const std::size_t before = out.size();
    for (std::size_t i = first; i <= last; ++i)
      if (any || model.layers[i].param_bytes != 0) out.push_back(i);
    if (out.size() == before)
      fail(fmt::format("{} has no parameters",
                       first == last ? layer_name(model.view(), first) : "none of these layers"));
    at = end + 1;
  }
  return out;
}

std::vector<float> numbers_called(const std::string& list, const std::string& option) {
  std::vector<float> out;
  for (std::size_t at = 0; at <= list.size();) {
    const std::size_t end = std::min(list.find(',', at), list.size());
    out.push_back(read_float(std::string_view(list).substr(at, end - at), kNotNegative,
                             fmt::format("number {} of {}", out.size() + 1, option)));
    at = end + 1;
  }
  return out;
}

}  // namespace mote::tool
