// SPDX-License-Identifier: Apache-2.0
// What the words of the shared options mean: names to enumerations, files to data sets, lists to numbers.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <filesystem>

#include "tool/commands/arguments.hpp"
#include "tool/terminal/error.hpp"
#include "tool/terminal/suggest.hpp"

namespace mote::tool {
std::size_t choice(const std::string& word, const std::vector<std::string>& words, const std::string& option) {
  const auto found = std::find(words.begin(), words.end(), word);
  if (found == words.end())
    throw usage_error(fmt::format("{} has no {}", option, in_quotes(word)),
                      fmt::format("{}it takes one of {}", did_you_mean(word, words), list_of(words)));
  return static_cast<std::size_t>(found - words.begin());
}

namespace {

const std::vector<std::string> kLosses{"squared_error", "binary_cross_entropy", "softmax_cross_entropy",
                                       "kl_divergence"};
const std::vector<std::string> kOptimizers{"sgd",  "momentum", "nesterov",         "adagrad", "rmsprop",
                                           "adam", "adamw",    "gradient_descent", "lbfgs"};
const std::vector<std::string> kLineSearches{"backtracking", "exact", "strong_wolfe"};
const std::vector<std::string> kSchedules{"constant", "inverse", "step", "exponential", "cosine"};

DataSet load_part(const std::string& samples, const std::string& labels, const DataArguments& data) {
  if (data.reconstruct) {
    if (!data.label_column.empty() || !data.target_columns.empty())
      throw usage_error("with --reconstruct the samples are the targets, and --label or --targets name others",
                        "leave out one of them");
    DataSet out = DataSet::samples_from(samples, data.scale);
    out.use_samples_as_targets();
    return out;
  }
  if (!labels.empty()) {
    DataSet out = DataSet::samples_from(samples, data.scale);
    out.add_targets_from(labels);
    return out;
  }
  if (samples.ends_with(".npy") || samples.find("idx") != std::string::npos)
    throw usage_error("there are samples without labels", "give their labels too, with --labels (or --test-labels)")
        .in(samples);
  return DataSet::table_from(samples, data.label_column, data.target_columns, data.scale);
}

bool is_folder(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::is_directory(path, ignored);
}
/// A CSV file or a folder; what is missing is taken for a folder, because its message says how to get data.
bool is_table(const std::string& path) {
  std::error_code ignored;
  return !is_folder(path) && std::filesystem::exists(path, ignored);
}

void require_only(const std::string& option, bool given, const std::string& kind, const std::string& chosen,
                  bool used) {
  if (given && !used)
    throw usage_error(fmt::format("{} means nothing for {} {}", option, kind, chosen),
                      fmt::format("leave it out or choose another {}", kind));
}

}  // namespace

TrainingData load_training_data(const DataArguments& data) {
  if (data.data.empty() == data.samples.empty())
    throw usage_error(data.data.empty() ? "no training data given" : "both --data and --train are given",
                      "give --data FOLDER, --data FILE.csv, or --train FILE with --labels FILE");
  TrainingData out;
  const bool folder = !data.data.empty() && !is_table(data.data);
  if (folder) {
    const MnistFiles files = find_mnist(data.data, true, false, !data.reconstruct);
    out.train = load_part(files.train_samples, files.train_labels, data);
    if (!files.test_samples.empty() && (data.reconstruct || !files.test_labels.empty()))
      out.test = load_part(files.test_samples, files.test_labels, data);
  } else {
    out.train = load_part(data.data.empty() ? data.samples : data.data, data.labels, data);
  }
  if (!data.test_samples.empty()) out.test = load_part(data.test_samples, data.test_labels, data);
  if (data.test_samples.empty() && !data.test_labels.empty())
    throw usage_error("--test-labels without --test", "give the test samples too");
  return out;
}

DataSet load_evaluation_data(const DataArguments& data, bool use_training_part) {
  if (data.data.empty() == data.samples.empty())
    throw usage_error(data.data.empty() ? "no data given" : "both --data and --test are given",
                      "give --data FOLDER, --data FILE.csv, or --test FILE with --labels FILE");
  if (data.data.empty()) return load_part(data.samples, data.labels, data);
  if (is_table(data.data)) return load_part(data.data, data.labels, data);
  const MnistFiles files = find_mnist(data.data, use_training_part, !use_training_part, !data.reconstruct);
  return use_training_part ? load_part(files.train_samples, files.train_labels, data)
                           : load_part(files.test_samples, files.test_labels, data);
}

std::optional<Loss> loss_called(const std::string& word) {
  if (word == "auto") return std::nullopt;
  return static_cast<Loss>(choice(word, kLosses, "--loss"));
}

const std::string& loss_name(Loss loss) { return kLosses[static_cast<std::size_t>(loss)]; }

Initializer initializer_called(const std::string& word) {
  static const std::vector<std::string> words{"automatic",      "zeros",         "uniform",
                                              "glorot_uniform", "glorot_normal", "he_uniform",
                                              "he_normal",      "lecun_uniform", "lecun_normal"};
  return static_cast<Initializer>(choice(word, words, "--init"));
}

namespace {

Optimizer optimizer_of(const TrainingArguments& a) {
  const std::size_t kind = choice(a.optimizer, kOptimizers, "--optimizer");
  const bool moment = kind == 1 || kind == 2, adaptive = kind == 5 || kind == 6, searches = kind >= 7;
  require_only("--learning-rate", a.learning_rate.has_value(), "optimizer", a.optimizer, kind != 8);
  require_only("--momentum", a.momentum.has_value(), "optimizer", a.optimizer, moment);
  require_only("--beta1", a.beta1.has_value(), "optimizer", a.optimizer, adaptive);
  require_only("--beta2", a.beta2.has_value(), "optimizer", a.optimizer, adaptive);
  require_only("--decay", a.decay.has_value(), "optimizer", a.optimizer, kind == 4);
  require_only("--epsilon", a.epsilon.has_value(), "optimizer", a.optimizer, kind >= 3 && kind <= 6);
  require_only("--weight-decay", a.weight_decay.has_value(), "optimizer", a.optimizer, kind == 6);
  require_only("--line-search", !a.line_search.empty(), "optimizer", a.optimizer, searches);
  require_only("--history", a.history.has_value(), "optimizer", a.optimizer, kind == 8);
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
  if (a.history && (*a.history < 1 || *a.history > kMaxHistory))
    throw usage_error(fmt::format("a --history of {}", *a.history), fmt::format("give 1 to {}", kMaxHistory));
  if (a.history) o.history = static_cast<std::uint8_t>(*a.history);
  if (!valid(o))
    throw usage_error(
        "a number of the optimizer is out of range",
        "learning rate and epsilon are positive, momentum, betas and decay in [0, 1), weight decay at least 0");
  return o;
}

/// A line search wants one smooth function of the parameters.
void require_smooth(const TrainingArguments& a) {
  const auto refuse = [&](const char* option, bool given) {
    if (given)
      throw usage_error(fmt::format("{} does not go with the line search of --optimizer {}", option, a.optimizer),
                        "leave it out or choose another optimizer");
  };
  refuse("--schedule", a.schedule != "constant");
  refuse("--warmup", a.warmup.has_value());
  refuse("--clip-value", a.clip_value != 0.0F);
  refuse("--clip-norm", a.clip_norm != 0.0F);
  refuse("--l1", a.l1 != 0.0F);
}

}  // namespace

TrainConfig training_config(const TrainingArguments& a) {
  TrainConfig config;
  config.optimizer = optimizer_of(a);
  if (full_batch(config.optimizer.kind)) require_smooth(a);
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
  if (!status.ok())
    throw usage_error("a penalty or a clipping bound is negative or not finite",
                      "give --l1, --l2, --clip-value and --clip-norm as numbers of at least 0");
  return config;
}

Schedule training_schedule(const TrainingArguments& a, double updates_per_epoch, unsigned epochs) {
  const std::size_t kind = choice(a.schedule, kSchedules, "--schedule");
  require_only("--period", a.period.has_value(), "schedule", a.schedule, kind == 1 || kind == 2 || kind == 4);
  require_only("--gamma", a.gamma.has_value(), "schedule", a.schedule, kind == 2 || kind == 3);
  require_only("--floor", a.floor.has_value(), "schedule", a.schedule, kind == 4);
  const auto updates = [&](double in_epochs, const char* option) {
    const double count = std::round(in_epochs * updates_per_epoch);
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
  if (!valid(out))
    throw usage_error("a number of the schedule is out of range", "--gamma is in (0, 1], --floor at least 0");
  return out;
}

std::vector<std::size_t> layers_called(const std::string& list, const OwnedModel& model, const std::string& option) {
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
    for (std::size_t i = first; i <= last; ++i)
      if (model.layers[i].param_bytes != 0) out.push_back(i);
    if (out.empty())
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
    float value = 0.0F;
    const auto [next, error] = std::from_chars(list.data() + at, list.data() + end, value);
    if (error != std::errc{} || next != list.data() + end || !std::isfinite(value) || value < 0.0F)
      throw usage_error(fmt::format("{}: {} is not a number of at least 0", option,
                                    in_quotes(std::string_view(list).substr(at, end - at))),
                        "give numbers separated by commas");
    out.push_back(value);
    at = end + 1;
  }
  return out;
}

}  // namespace mote::tool
