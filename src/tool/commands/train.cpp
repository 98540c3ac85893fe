// SPDX-License-Identifier: Apache-2.0
// mote train: text or file to trained model file, with pictures and a report.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "tool/commands/advice.hpp"
#include "tool/commands/class_scores.hpp"
#include "tool/commands/commands.hpp"
#include "tool/commands/cross_validation.hpp"
#include "tool/commands/default_network.hpp"
#include "tool/commands/reconstruction.hpp"
#include "tool/commands/sample_shapes.hpp"
#include "tool/data/file_io.hpp"
#include "tool/models/memory_plan.hpp"
#include "tool/models/stored_weights.hpp"
#include "tool/pictures/gradient_norms.hpp"
#include "tool/pictures/plot.hpp"
#include "tool/terminal/error.hpp"
#include "tool/terminal/interrupts.hpp"
#include "tool/terminal/suggest.hpp"

namespace mote::tool {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char *kLearningCurve = "learning-curve.svg", *kArena = "arena.svg",
                     *kGradientNorms = "gradient-norms.svg", *kConfusionMatrix = "confusion-matrix.svg",
                     *kReconstructions = "reconstructions.svg";

/// Who gives one of these means an optimiser over batches.
constexpr std::array kOptimizerOptions{
    "--optimizer",     "--batch",        "--micro-batch",  "--lr",           "--momentum",  "--beta1",
    "--beta2",         "--decay",        "--epsilon",      "--weight-decay", "--schedule",  "--period",
    "--gamma",         "--floor",        "--warmup",       "--clip-value",   "--clip-norm", "--l1",
    "--augment-shift", "--augment-flip", "--augment-noise"};

std::string in_folder(const std::string& folder, const char* name) {
  return (std::filesystem::path(folder) / name).string();
}

/// NaN has no JSON.
Json number_or_null(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

Json epochs_json(const TrainingReport& report) {
  Json out = Json::array();
  for (const EpochReport& e : report.epochs)
    out.push_back({{"epoch", e.epoch},
                   {"train_loss", number_or_null(e.train_loss)},
                   {"train_accuracy", number_or_null(e.train_accuracy)},
                   {"validation_loss", number_or_null(e.validation_loss)},
                   {"validation_accuracy", number_or_null(e.validation_accuracy)},
                   {"validation_r2", number_or_null(e.validation_r2)},
                   {"learning_rate", e.learning_rate},
                   {"seconds", e.seconds}});
  for (std::size_t i = 0; report.minimum && i < out.size(); ++i)
    out[i]["gradient_norm"] = number_or_null(report.epochs[i].gradient_norm);
  return out;
}

void set_trainable(OwnedModel& model, const std::string& list, bool trainable, const std::string& option) {
  if (list.empty()) return;
  for (const std::size_t i : layers_called(list, model, option)) {
    const unsigned flags = model.layers[i].flags;
    model.layers[i].flags =
        static_cast<std::uint8_t>(trainable ? flags | Layer::kTrainable : flags & ~unsigned{Layer::kTrainable});
  }
}

Json minimum_json(const MinimizeResult& minimum) {
  return {{"stopped", name(minimum.stopped)},
          {"objective", minimum.objective},
          {"gradient_norm", minimum.gradient_norm},
          {"iterations", minimum.iterations},
          {"evaluations", minimum.evaluations}};
}

/// The batch is all samples, and `epochs` are iterations.
void prepare_full_batch(TrainJob& job) {
  constexpr unsigned kIterations = 100;
  if (job.batch_given)
    throw usage_error(
        fmt::format("--batch means nothing for optimizer {}, which looks at all samples", job.training.optimizer),
        "leave it out; --micro-batch says how many are in memory at once");
  job.training.batch = std::max(1U, job.training.micro_batch);
  if (!job.epochs_given) job.options.epochs = kIterations;
}

/// Everything that can be wrong with the arguments is found before the data are read.
void prepare(TrainJob& job) {
  TrainingOptions& options = job.options;
  if (job.training.optimizer == "gradient_descent" || job.training.optimizer == "lbfgs") prepare_full_batch(job);
  options.config = training_config(job.training);
  options.watch_accuracy = job.monitor == "accuracy";
  options.balanced = job.class_weights == "balanced";
  if (!options.balanced && !job.class_weights.empty())
    options.class_weights = numbers_called(job.class_weights, "--class-weights");
  if (options.epochs == 0 && !(job.quantize.wanted && !job.fresh))
    throw usage_error("--epochs wants at least 1 epoch, not \"0\"", "0 is for --quantize, of a model that is trained");
  if (job.cross_validate != 0 && !job.data.test_samples.empty() && job.out.empty() && job.plots.empty())
    throw usage_error("--test means nothing for the models of --cross-validate, which are scored on their folds",
                      "leave it out, or give --out for a model of all samples");
  static_cast<void>(initializer_called(job.init));
  static_cast<void>(loss_called(job.training.loss));
  static_cast<void>(training_schedule(job.training, 1, options.epochs));
  if (job.plots.empty()) return;
  make_folder(job.plots);
  for (const char* const picture : {kLearningCurve, kArena, kGradientNorms, kConfusionMatrix, kReconstructions}) {
    const bool drawn = picture == kGradientNorms     ? job.training.gradient_norms
                       : picture == kReconstructions ? job.data.reconstruct
                                                     : true;
    if (drawn) AtomicFile::claim(in_folder(job.plots, picture), FileKind::picture);
  }
}

/// What ended the training early, with what became of the weights.
Error ending_of(const TrainingReport& report, const TrainJob& job) {
  Error error = *report.failure;
  const std::string kept = report.kept.empty() ? "nothing was written"
                           : job.out.empty()   ? "no model was kept, because there is no --out"
                                               : fmt::format("{} were written to {}", report.kept, job.out);
  return error.during(fmt::format("training stopped {}, and {}", report.ended, kept));
}

OwnedModel model_for(TrainJob& job) {
  GivenModel given = model_from_argument(job.model, "--model");
  OwnedModel& model = given.model;
  model = with_trainable_weights(std::move(model), !job.training.update.empty());
  if (given.has_params && !job.fresh && job.init_given)
    throw usage_error("--init means nothing for a model that has its parameters", "leave it out, or add --fresh")
        .in(job.model);
  if (!given.has_params && job.fresh)
    throw usage_error("--fresh means nothing for a network in text form, which has no parameters yet", "leave it out");
  if (!given.has_params && job.options.epochs == 0)
    throw usage_error("--epochs wants at least 1 epoch of a network in text form, not \"0\"",
                      "give the .mote file of one that is trained");
  set_trainable(model, job.freeze, false, "--freeze");
  set_trainable(model, job.unfreeze, true, "--unfreeze");
  job.options.learn_standardization = !given.has_params || job.fresh;
  const bool fresh = !given.has_params || job.fresh;
  const Initializer initializer = initializer_called(job.init);
  if (fresh) initialize(model, initializer, job.init_limit, job.options.seed);
  job.form = TrainedForm(model, job.training);
  return job.form.of(std::move(model), fresh, initializer, job.init_limit, job.options.seed);
}

void draw_training(const std::string& folder, const OwnedModel& model, const TrainJob& job,
                   const TrainingReport& report, std::string& text) {
  if (!can_plot()) {
    text += fmt::format("warning: {}\n", kNoGnuplot);
    return;
  }
  std::vector<CurvePoint> points;
  for (const EpochReport& e : report.epochs)
    points.push_back({e.epoch, e.train_loss, e.train_accuracy, e.validation_loss, e.validation_accuracy});
  const std::string curve = in_folder(folder, kLearningCurve), arena = in_folder(folder, kArena);
  plot_learning_curve(curve, "Learning curve", points, report.best_epoch, report.minimum ? "iteration" : "epoch");
  const OwnedPlan plan = plan_of(model, plan_options(job.options.config));
  plot_arena(arena, arena_map(model, plan,
                              fmt::format("Arena of a training step, {} samples: {} bytes",
                                          slice_samples(job.options.config), grouped(plan.plan.arena_bytes))));
  text += fmt::format("pictures        {}\n                {}\n", curve, arena);
  if (report.first_gradient_norms.empty()) return;
  const std::string norms = in_folder(folder, kGradientNorms);
  plot_gradient_norms(norms, "Gradient norms", gradient_norm_curves(model, report));
  text += fmt::format("                {}\n", norms);
}

/// What the file says of inputs and outputs.
std::string description_for(const TrainJob& job, const DataSet& data) {
  Description out = data.description();
  out.loss = loss_name(job.options.config.loss);
  if (out.classes.empty() && data.has_labels()) out.classes = job.class_names;
  if (data.has_labels() && !out.label) out.label.emplace();
  return out.json();
}

const char* why_it_ended(StopReason reason) {
  switch (reason) {
    case StopReason::gradient_tolerance: return "a minimum, by --gradient-tolerance";
    case StopReason::loss_tolerance: return "a minimum, by --loss-tolerance";
    case StopReason::max_iterations: return "not yet a minimum; give more --epochs";
    case StopReason::precision:
      return "no step lowers the loss by more than float32 rounds it: a minimum, or inputs of unlike scales, which "
             "standardize behind the input mends";
    case StopReason::corner: return "the loss has a corner here (ReLU, max pooling) and rises on both sides of it";
    case StopReason::none:
    case StopReason::caller: break;
  }
  return "stopped before its end";
}

std::string summary(const TrainingReport& report, const TrainJob& job, const std::vector<std::string>& target_names,
                    std::size_t model_bytes, std::size_t inference_arena) {
  std::string out;
  if (report.standardized_targets)
    out +=
        "targets         standardised in training, so the losses of epochs are parts of their variance; the model's "
        "outputs are in their own units\n";
  if (report.loss_of_mean > 0.0 && !report.epochs.empty() &&
      !(report.epochs.back().train_loss < 0.98 * report.loss_of_mean))
    out += fmt::format(
        "warning         the outputs are no better than the targets' mean: {}put standardize behind the input, try "
        "--optimizer adam, another --lr or more --epochs\n",
        job.options.raw_targets ? "leave --raw-targets out, " : "");
  if (report.minimum)
    out +=
        fmt::format("full batches    objective {:.8g}, gradient norm {:.3g}, after {} iterations and {} passes: {}\n",
                    report.minimum->objective, report.minimum->gradient_norm, report.minimum->iterations,
                    report.minimum->evaluations, why_it_ended(report.minimum->stopped));
  if (report.stopped_early) out += fmt::format("stopped early   after epoch {}\n", report.epochs.back().epoch);
  if (report.best_epoch != 0) out += fmt::format("kept weights    of epoch {}\n", report.best_epoch);
  if (report.test && report.test->classes != 0)
    out += fmt::format("test accuracy   {:.2f} % ({} of {}), loss {:.6f}\n", 100.0 * report.test->accuracy(),
                       report.test->correct, report.test->samples, report.test->loss);
  if (report.test && report.test->classes == 0)
    out += fmt::format("test loss       {:.6g} ({} samples)\n", report.test->loss, report.test->samples) +
           target_scores_text(*report.test, target_names);
  if (!report.test && !report.validation && job.cross_validate == 0)
    out +=
        "not tested      these numbers are of the samples it was trained on: --test FILE or --cross-validate 5 tells "
        "how "
        "it does on others\n";
  out += fmt::format("training arena  {} bytes (lower bound of the buffers {}, plan tables {})\n",
                     grouped(report.arena_bytes), grouped(report.lower_bound_bytes), grouped(report.plan_table_bytes));
  out += fmt::format("inference arena {} bytes for one sample\n", grouped(inference_arena));
  out +=
      fmt::format("speed           {:.0f} samples/s in training (kernels {})\n", report.samples_per_second, report.isa);
  if (!job.out.empty()) {
    out += fmt::format("model           {} bytes in {}\n", grouped(model_bytes), job.out);
  } else {
    out += "model           not kept: give --out FILE.mote\n";
  }
  return out;
}

/// A batch that nobody asked for is no larger than what is trained on.
void fit_batch(TrainJob& job, std::size_t samples) {
  const bool full = std::ranges::find(kFullBatchOptimizers, job.training.optimizer) != kFullBatchOptimizers.end();
  if (job.batch_given || job.training.micro_batch != 0 || full) return;
  double count = static_cast<double>(samples);
  if (job.cross_validate != 0) count -= std::ceil(count / job.cross_validate);
  count = std::floor(count * (1.0 - static_cast<double>(job.options.validation_fraction)));
  if (count >= job.training.batch) return;
  job.training.batch = static_cast<std::uint32_t>(std::max(1.0, count));
  job.options.config.batch = job.training.batch;
}

/// Without --model: reads the data, and fills what the person left open (default_network.hpp).
TrainingData choose_network(TrainJob& job) {
  Reading reading = reading_of(job.data);
  reading.values = loss_called(job.training.loss) == Loss::squared_error;
  reading.picture = picture_called(job.data, {1, 1, 0}, {});
  if (reading.picture.h == 0) reading.picture = {32, 32, 3};
  TrainingData data = load_training_data(job.data, reading);
  job.model = default_network(data.train);
  fit_batch(job, data.train.size());
  const DefaultTraining chosen =
      default_training(data.train, job.optimizer_given || job.quantize.wanted, job.training.batch);
  if (chosen.full_batch) job.training.optimizer = "lbfgs";
  if (chosen.full_batch && job.training.l2 == 0.0F) job.training.l2 = chosen.l2;
  if (!job.epochs_given) job.options.epochs = chosen.epochs;
  job.epochs_given = true;
  prepare(job);
  return data;
}

std::string chosen_training_text(const TrainJob& job) {
  return fmt::format("network chosen: \"{}\", --optimizer {} --epochs {} --l2 {:.3g}; give --model for another",
                     job.model, job.training.optimizer, job.options.epochs, job.training.l2);
}

std::vector<std::string> fold_classes(const TrainJob& job, const CrossValidation& folds, const DataSet& data) {
  return class_names_for(folds.folds.front().classes, job.class_names, data.description());
}

Json network_json(const Model& model) {
  const std::optional<std::string> text = model_text_if_any(model);
  return text ? Json(*text) : Json(nullptr);
}

/// Of a cross-validation that is all that was asked for.
Json fold_report(const TrainJob& job, const CrossValidation& folds, const OwnedModel& model, const DataSet& data,
                 std::string& text) {
  text = cross_validation_text(folds, data.target_names()) +
         "model           none: with --out FILE.mote one is trained on all samples afterwards\n";
  return {{"command", "train"},
          {"model", nullptr},
          {"network", network_json(model.view())},
          {"loss", loss_name(job.options.config.loss)},
          {"optimizer", job.training.optimizer},
          {"seed", job.options.seed},
          {"cross_validation", cross_validation_json(folds, fold_classes(job, folds, data))}};
}

}  // namespace

Json run_train(TrainJob& job, const Context& context, std::string& text, std::optional<Error>& failure) {
  prepare(job);
  std::optional<AtomicFile> out;
  if (!job.out.empty()) out.emplace(job.out, FileKind::model);
  const bool network_chosen = job.model.empty();
  std::optional<TrainingData> loaded;
  if (network_chosen) loaded = choose_network(job);
  OwnedModel model = model_for(job);
  if (out) out->reserve(model_file_bytes(model.view()));
  if (!loaded) {
    Reading reading = reading_for(model, job.data, job.training.loss);
    if (job.fresh) reading.known.reset();
    loaded = load_training_data(job.data, reading);
  }
  const TrainingData& data = *loaded;
  TrainingOptions& options = job.options;
  fit_batch(job, data.train.size());
  const std::optional<Loss> wish = loss_called(job.training.loss);
  options.config.loss = wish ? *wish : default_loss(data.train, model.view().output_shape());
  options.schedule = [&](std::uint64_t updates) { return training_schedule(job.training, updates, options.epochs); };
  if (!job.class_names.empty() && data.train.has_labels())
    static_cast<void>(class_names_for(classes_of(model.view().output_shape()), job.class_names, {}));
  Progress progress(Progress::style_for(context.json));
  const std::vector<std::string> hints = advice(model, data.train);
  say_notes(data.train, progress, hints);
  if (data.test) say_notes(*data.test, progress);
  if (network_chosen) progress.say(chosen_training_text(job));
  std::optional<CrossValidation> folds;
  if (job.cross_validate != 0) {
    folds = cross_validate(
        data.train, job.cross_validate, options, [&] { return model_for(job); },
        [&](const std::string& line) { progress.say(line); });
    if (job.out.empty() && job.plots.empty()) return fold_report(job, *folds, model, data.train, text);
  }
  std::optional<GracefulInterrupts> graceful(std::in_place);
  TrainingReport report = train(model, options, data.train, data.test ? &*data.test : nullptr, progress);
  options.config.batch = report.batch, options.config.micro_batch = report.slice;
  options.config.targets = data.train.reconstructs() ? Targets::input
                           : data.train.has_labels() ? Targets::labels
                                                     : Targets::values;
  if (report.failure) failure = ending_of(report, job);
  if (report.failure && report.kept.empty()) throw *failure;
  std::optional<FineTuningReport> tuned;
  if (job.quantize.wanted && !report.failure) {
    TrainingOptions on = options;
    on.epochs = job.quantize.epochs_after(options.epochs);
    on.schedule = [&](std::uint64_t updates) {
      Schedule schedule = training_schedule(job.training, updates, on.epochs);
      schedule.floor *= static_cast<float>(job.quantize.rate);
      return schedule;
    };
    tuned = fine_tune(model, job.quantize, on, data.train, data.test ? &*data.test : nullptr, progress);
    if (tuned->training.failure) failure = ending_of(tuned->training, job);
    if (report.test || report.validation) (report.test ? report.test : report.validation) = tuned->whole;
  }
  if (job.quantize.wanted && report.failure)
    text += "float32         the model was not quantised: mote quantize does it\n";
  std::optional<OwnedModel> merged = job.keep_parts ? std::nullopt : job.form.merged(model);
  OwnedModel& made = tuned ? tuned->model : merged ? *merged : model;
  made.description = description_for(job, data.train);
  const std::size_t model_bytes = out ? save_model(made, *out) : model_file_bytes(made.view(), made.description);
  graceful.reset();  // what follows can be made again from the file
  const OwnedPlan inference = plan_of(made, {.alignment = 64});
  text += summary(report, job, data.train.target_names(), model_bytes, inference.arena_bytes());
  if (const std::optional<Scores>& last = report.test ? report.test : report.validation; last && last->classes != 0)
    text = fmt::format(
               "{} samples\n{}", report.test ? "test" : "validation",
               class_scores_text(*last, class_names_for(last->classes, job.class_names, data.train.description()))) +
           text;
  if (folds) text = cross_validation_text(*folds, data.train.target_names()) + "the model of all samples:\n" + text;
  if (tuned) text += fine_tuning_text(*tuned);
  Json json{{"command", "train"},
            {"model", job.out.empty() ? Json(nullptr) : Json(job.out)},
            {"network", network_json((tuned || !merged ? model : made).view())},
            {"weights", job.training.weights},
            {"update", job.training.update.empty() ? Json(nullptr) : Json(job.training.update)}};
  json["data"] = notes_json(data.train, hints);
  if (data.test) json["test_data"] = notes_json(*data.test);
  json["standardized_targets"] = report.standardized_targets;
  if (folds) json["cross_validation"] = cross_validation_json(*folds, fold_classes(job, *folds, data.train));
  json["loss"] = loss_name(options.config.loss);
  json["optimizer"] = job.training.optimizer;
  json["batch"] = options.config.batch;
  json["micro_batch"] = slice_samples(options.config);
  json["seed"] = options.seed;
  json["train_samples"] = report.train_samples;
  json["validation_samples"] = report.validation_samples;
  json["updates"] = report.updates;
  json["epochs"] = epochs_json(report);
  if (report.minimum) json["minimum"] = minimum_json(*report.minimum);
  if (options.config.gradient_norms && !report.epochs.empty()) {
    json["gradient_norms"] = gradient_norms_json(model, report);
    text = gradient_norms_text(model, report) + text;
  }
  json["best_epoch"] = report.best_epoch == 0 ? Json(nullptr) : Json(report.best_epoch);
  json["stopped_early"] = report.stopped_early;
  const auto part_json = [&](const std::optional<Scores>& part) {
    return part ? scores_json(*part, class_names_for(part->classes, job.class_names, data.train.description()))
                : Json(nullptr);
  };
  json["validation"] = part_json(report.validation);
  json["test"] = part_json(report.test);
  if (tuned) json["quantization"] = fine_tuning_json(*tuned);
  json["arena_bytes"] = report.arena_bytes;
  json["lower_bound_bytes"] = report.lower_bound_bytes;
  json["plan_table_bytes"] = report.plan_table_bytes;
  json["inference_arena_bytes"] = inference.arena_bytes();
  json["model_bytes"] = model_bytes;
  json["samples_per_second"] = report.samples_per_second;
  json["isa"] = report.isa;
  if (job.plots.empty() || interrupted() != 0) return json;
  try {
    draw_training(job.plots, model, job, report, text);
    if (data.train.reconstructs())
      draw_reconstructions(job.plots, made, &data.train, data.test ? &*data.test : nullptr, text);
    if (report.test && report.test->classes != 0)
      draw_confusion(job.plots, *report.test,
                     class_names_for(report.test->classes, job.class_names, data.train.description()), text);
  } catch (const Error& error) {  // the result is there all the same
    if (!failure) failure = error;
  }
  return json;
}

namespace {

void add_quantization(Options& options, FineTuning& how) {
  const char* const heading = "Quantisation";
  const std::vector<Condition> only{{"--quantize", {}}};
  options
      .flag("--quantize", how.wanted,
            "then train on with values and weights rounded as int8 will have them, ranges learned, and write the int8 "
            "model; --epochs 0 with a .mote file does this alone")
      .under(heading)
      .only_with({{"--out", {}}})
      .not_with(
          {{"--optimizer", kFullBatchOptimizers}, {"--cross-validate", {}}, {"--update", {}}, {"--weights", {"int8"}}});
  options
      .whole("--quantize-epochs", how.epochs, {0, 1'000'000'000},
             "epochs of it (a fifth of --epochs, at least 2); 0: only the ranges that samples show")
      .under(heading)
      .only_with(only);
  options
      .real("--quantize-rate", how.rate, {.least = 0.0, .most = 100.0, .above_least = true},
            "its learning rate, as a part of --lr", "FACTOR")
      .under(heading)
      .only_with(only);
  options
      .whole("--quantize-samples", how.samples, {1, 1'000'000'000},
             "training samples that show the ranges to begin with")
      .under(heading)
      .only_with(only);
  options
      .text("--quantize-keep", how.keep, "LAYERS", "layers that stay float32, such as 0,3-5 (numbers as in mote info)")
      .under(heading)
      .only_with(only);
}

}  // namespace

void add_train(CLI::App& app, Context& context) {
  const auto job = std::make_shared<TrainJob>();
  Options& options = add_command(app, context, "train", "Trains a network and writes it as a model file.", R"(EXAMPLES
  mote train --model "input 28x28x1; conv2d 8 3x3 same; relu; max_pool 2; flatten; dense 10" \
             --data /usr/share/datasets/fashion-mnist --epochs 5 --validation-fraction 0.1 \
             --early-stop 2 --out fashion.mote --plots pictures
  mote train --model "input 4; standardize; dense 16; tanh; dense 3" --data iris.csv --label species --epochs 100 \
             --out iris.mote
  mote train --model "input 12; standardize; dense 32; relu; dense 1" --data houses.csv --target price --ignore id,date \
             --missing mean --epochs 200 --validation-fraction 0.1 --out houses.mote
  mote train --model net.txt --train x.npy --labels y.npy --optimizer momentum --lr 0.05 --schedule cosine \
             --out net.mote
  mote train --model "input 784; gaussian_noise 0.3; dense 256; relu; dense 50; dense 256; relu; dense 784; sigmoid" \
             --data mnist --reconstruct --out denoise.mote --plots pictures     (an autoencoder, with noise: a denoising one)
  mote train --model fashion.mote --freeze 1-4 --data my-images --out mine.mote     (goes on from the file's parameters)

  mote train --model net.txt --data my-images --epochs 20 --quantize --out net8.mote            (an int8 model)
  mote train --model fashion.mote --data my-images --epochs 0 --quantize --out mine8.mote       (of one that is trained)

  mote train --model "input 30; dense 1" --data cells.csv --optimizer lbfgs --l2 0.01 --out cells.mote

  Labels are words or integers, one a sample (one output: two classes); float arrays are targets, one value an output.
  Tables: separated by commas, semicolons, tabs, bars or blanks, decimal points or commas, UTF-8, UTF-16 or Windows-1252;
  what was found is said first. Columns of words become an input a word. The model file remembers columns, categories,
  means for missing values, class names and --scale, and later tables are read by it: columns are found by name.
  The last layer gives logits; a softmax or sigmoid behind it is used for running only.

)" + model_text_help());
  const char* const heading = "Training";
  options.text("--model", job->model, "TEXT|FILE",
               "network: text, a file with text, or a .mote file to go on from (default: one for the data, which is "
               "said: one hidden layer for tables, trained by L-BFGS; convolutions for pictures)");
  options.text("--out", job->out, "FILE", "model file to write");
  options.text("--plots", job->plots, "DIR",
               "folder for learning-curve.svg, confusion-matrix.svg, arena.svg and, if measured, gradient-norms.svg");
  options
      .list("--class-names", job->class_names, "NAMES",
            "names of classes 0, 1, …: for pictures and reports, kept in the model")
      .not_with({{"--targets", {}}, {"--reconstruct", {}}});
  add_training_data(options, job->data);
  options
      .whole(
          "--cross-validate", job->cross_validate, {2, 1'000'000},
          "train so many models, each without one part of the samples and scored on it; then, with --out, one on all")
      .under(heading);
  options
      .whole("--epochs", job->options.epochs, {0, 1'000'000'000},
             "passes over the training samples; gradient_descent and lbfgs: at most so many iterations (100)")
      .under(heading);
  options
      .whole("--seed", job->options.seed, {}, "of initial values, split, order and dropout: a run repeats bit for bit")
      .under(heading);
  options
      .real("--validation-fraction", job->options.validation_fraction, kBelowOne,
            "part of the training samples to hold out")
      .under(heading);
  options
      .whole("--early-stop", job->options.early_stop, {1, 1'000'000'000},
             "stop after so many epochs without a better validation score, keep the best weights", "EPOCHS")
      .under(heading)
      .only_with({{"--validation-fraction", {}}});
  options.flag("--keep-best", job->options.keep_best, "train all epochs and keep the best weights")
      .under(heading)
      .only_with({{"--validation-fraction", {}}});
  options
      .word("--monitor", job->monitor, {"loss", "accuracy"},
            "what \"better\" means: loss or accuracy of the validation part")
      .under(heading)
      .only_with({{"--early-stop", {}}, {"--keep-best", {}}});
  options.text("--class-weights", job->class_weights, "LIST", "one factor a class, such as 1,1,4; or: balanced")
      .under(heading)
      .not_with({{"--targets", {}}, {"--reconstruct", {}}});
  options
      .flag(
          "--raw-targets", job->options.raw_targets,
          "squared error: train on targets as they are; otherwise on standardised ones, and the model stored gives the "
          "data's units all the same")
      .under(heading)
      .not_with({{"--reconstruct", {}}});
  options
      .text("--freeze", job->freeze, "LAYERS", "layers to leave as they are, such as 1,3-5 (numbers as in mote info)")
      .under(heading);
  options.text("--unfreeze", job->unfreeze, "LAYERS", "layers to train although the model has them frozen")
      .under(heading);
  options.word("--init", job->init, kInitializers, list_of(kInitializers)).under(heading);
  options.real("--init-limit", job->init_limit, kPositive, "limit of --init uniform")
      .under(heading)
      .only_with({{"--init", {"uniform"}}});
  options.flag("--fresh", job->fresh, "new parameters although the .mote file has some").under(heading);
  options
      .real("--gradient-tolerance", job->options.minimize.gradient_tolerance, kNotNegative,
            "gradient_descent, lbfgs: stop at this norm of the gradient")
      .under(heading)
      .only_with({{"--optimizer", kFullBatchOptimizers}});
  options
      .real("--loss-tolerance", job->options.minimize.loss_tolerance, kNotNegative,
            "gradient_descent, lbfgs: stop when an iteration lowers the loss by less than this part")
      .under(heading)
      .only_with({{"--optimizer", kFullBatchOptimizers}});
  add_quantization(options, job->quantize);
  add_augmentation(options, job->options.augmentation);
  add_training(options, job->training);
  options
      .flag(
          "--keep-parts", job->keep_parts,
          "write the model as it was trained, with frozen and trained parts as layers of their own, for a device that "
          "goes on; otherwise they are put together again")
      .under("Training")
      .only_with({{"--update", {}}});
  add_force(options, context, {{"--out", {}}, {"--plots", {}}});
  options.run([job, &options, &context] {
    job->batch_given = options.given("--batch");
    job->epochs_given = options.given("--epochs");
    const auto given = [&](const char* name) { return options.given(name); };
    job->optimizer_given = std::ranges::any_of(kOptimizerOptions, given) || given("--weights");
    choose_optimizer(job->training, given("--optimizer"));
    job->init_given = options.given("--init");
    std::string text;
    std::optional<Error> failure;
    const Json json = run_train(*job, context, text, failure);
    print_result(context, json, text, failure);
  });
}

}  // namespace mote::tool
