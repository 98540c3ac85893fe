// SPDX-License-Identifier: Apache-2.0
// mote eval: accuracy, loss and confusion matrix of a model file on a data set.
#include <fmt/format.h>

#include <cmath>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "mote/run/session.hpp"
#include "tool/commands/advice.hpp"
#include "tool/commands/class_scores.hpp"
#include "tool/commands/commands.hpp"
#include "tool/commands/reconstruction.hpp"
#include "tool/data/file_io.hpp"
#include "tool/models/memory_plan.hpp"
#include "tool/pictures/plot.hpp"
#include "tool/terminal/error.hpp"
#include "tool/terminal/streams.hpp"
#include "tool/terminal/threads.hpp"

namespace mote::tool {
namespace {

using Json = nlohmann::ordered_json;

std::string confusion_text(const Scores& scores, std::vector<std::string> names) {
  constexpr std::size_t kMostClasses = 12, kLeastCell = 5, kMostCell = 14;
  if (scores.classes > kMostClasses) return "";
  std::size_t widest = 0;
  for (std::string& name : names) name = printable_line(name);
  for (const std::string& name : names) widest = std::max(widest, name.size());
  const std::size_t cell = std::clamp(widest, kLeastCell, kMostCell);
  std::string out = fmt::format("confusion (rows: actual, columns: predicted)\n{:>{}} ", "", widest);
  for (std::size_t i = 0; i < scores.classes; ++i) out += fmt::format(" {:>{}.{}}", names[i], cell, cell);
  for (std::size_t actual = 0; actual < scores.classes; ++actual) {
    out += fmt::format("\n{:>{}} ", names[actual], widest);
    for (std::size_t k = 0; k < scores.classes; ++k)
      out += fmt::format(" {:>{}}", scores.confusion[actual * scores.classes + k], cell);
  }
  return out + '\n';
}

/// An autoencoder whose person names no labels.
bool reads_itself(const DataArguments& data, const Reading& reading) {
  return reading.known && reading.known->reconstructs && data.labels.empty() && data.label_column.empty() &&
         data.target_columns.empty();
}

/// Scores of another model of the same network on the same data, such as its int8 copy.
Json beside(const EvalJob& job, const DataSet& data, Loss loss, Progress& progress, std::string& text) {
  const OwnedModel other = load_model(job.beside);
  if (!computes_float32(other.view()) || other.view().input_count() != 1)
    throw data_error("the model beside takes or gives other types than float32, or has several inputs",
                     "give one with float32 at its ends: mote quantize --ends float32")
        .in(job.beside);
  data.require_shape(other.view().input_shape());
  const std::size_t outputs = static_cast<std::size_t>(other.view().output_shape().elements());
  if (data.has_labels()) data.require_labels(outputs, outputs == 1);
  if (data.has_targets()) data.require_target_width(outputs);
  const ModelScores result = score_model(other, data, loss, job.batch, progress);
  text += fmt::format("beside          {}\n", job.beside);
  if (result.scores.classes != 0)
    text += fmt::format("  accuracy      {:.2f} % ({} of {})\n", 100.0 * result.scores.accuracy(),
                        result.scores.correct, result.scores.samples);
  text += fmt::format("  loss          {:.6g}\n", result.scores.loss);
  text += fmt::format("  arena         {} bytes for batches of {}\n", grouped(result.arena_bytes), job.batch);
  Json out{{"model", job.beside}};
  out.update(scores_json(result.scores, class_names_for(result.scores.classes, job.class_names, data.description())));
  out["arena_bytes"] = result.arena_bytes;
  return out;
}

}  // namespace

std::string non_finite_text(std::uint64_t bad, std::uint64_t samples, const std::string& consequence) {
  if (bad == 0) return "";
  return fmt::format(
      "warning: outputs of {} of {} samples are infinite or not numbers{}; the model diverged in training, or the "
      "samples are not what it was trained on\n",
      bad, samples, consequence);
}

std::vector<std::string> class_names_for(std::size_t classes, const std::vector<std::string>& given,
                                         const Description& description) {
  if (!given.empty() && given.size() != classes)
    throw usage_error(fmt::format("{} class names for {} classes", given.size(), classes),
                      "give one name for each class, separated by commas");
  std::vector<std::string> names = given;
  if (given.empty() && description.classes.size() == classes) names = description.classes;
  for (std::size_t i = names.size(); i < classes; ++i) names.push_back(std::to_string(i));
  return names;
}

std::string target_scores_text(const Scores& scores, const std::vector<std::string>& names) {
  std::string out;
  for (std::size_t j = 0; j < scores.targets.size(); ++j) {
    const TargetScore& target = scores.targets[j];
    const std::string name = names.size() == scores.targets.size() ? names[j] : fmt::format("target {}", j + 1);
    out += fmt::format("{:<15} R2 {:.4f}, root mean square error {:.6g}\n",
                       scores.targets.size() == 1 && names.empty() ? "target" : name, target.r2, target.rmse);
  }
  return out;
}

Json scores_json(const Scores& scores, const std::vector<std::string>& names) {
  Json out{{"samples", scores.samples}};
  if (scores.classes != 0) out["correct"] = scores.correct, out["accuracy"] = scores.accuracy();
  out["loss"] = scores.loss;
  for (const TargetScore& target : scores.targets)
    out["targets"].push_back(
        {{"rmse", target.rmse}, {"r2", std::isfinite(target.r2) ? Json(target.r2) : Json(nullptr)}});
  out["non_finite_samples"] = scores.non_finite;
  if (scores.classes == 0) return out;
  add_class_scores(out, scores, names);
  out["confusion"] = Json::array();
  for (std::size_t i = 0; i < scores.classes; ++i) {
    const auto row = scores.confusion.begin() + static_cast<std::ptrdiff_t>(i * scores.classes);
    out["confusion"].push_back(std::vector<std::uint64_t>(row, row + static_cast<std::ptrdiff_t>(scores.classes)));
  }
  return out;
}

void draw_confusion(const std::string& folder, const Scores& scores, const std::vector<std::string>& names,
                    std::string& text) {
  if (!can_plot()) {
    text += fmt::format("warning: {}\n", kNoGnuplot);
    return;
  }
  const std::string path = (std::filesystem::path(folder) / "confusion-matrix.svg").string();
  plot_confusion_matrix(path,
                        fmt::format("Confusion matrix: {} of {} right ({:.2f} %)", grouped(scores.correct),
                                    grouped(scores.samples), 100.0 * scores.accuracy()),
                        scores.confusion, names);
  text += fmt::format("picture         {}\n", path);
}

Json run_eval(const EvalJob& job, const Context& context, std::string& text, std::optional<Error>& failure) {
  const std::optional<Loss> wish = loss_called(job.loss);
  const char* const picture = job.data.reconstruct ? "reconstructions.svg" : "confusion-matrix.svg";
  if (!job.plots.empty()) {
    make_folder(job.plots);
    AtomicFile::claim((std::filesystem::path(job.plots) / picture).string(), FileKind::picture);
  }
  const OwnedModel model = load_model(job.model);
  DataArguments arguments = job.data;
  const Reading reading = reading_for(model, arguments, job.loss);
  arguments.reconstruct = arguments.reconstruct || reads_itself(arguments, reading);
  const DataSet data = load_evaluation_data(arguments, job.training_part, reading);
  const Loss loss = wish ? *wish : loss_for(data, model, reading.known);
  require_targets(data, loss, model.view().output_shape());
  const auto outputs = static_cast<std::size_t>(model.layers[loss_layer(model.view(), loss)].shape.elements());
  data.require_shape(model.view().input_shape());
  if (data.has_labels()) data.require_labels(outputs, outputs == 1);
  if (data.has_labels())
    static_cast<void>(class_names_for(classes_of(model.view().output_shape()), job.class_names, {}));
  if (data.has_targets()) data.require_target_width(outputs);
  Progress progress(Progress::style_for(context.json));
  say_notes(data, progress);
  require_one_by_one(model, data.size(), job.data.samples);
  const ModelScores result = score_model(model, data, loss, job.batch, progress);
  const Scores& scores = result.scores;
  const double speed = scores.seconds > 0.0 ? static_cast<double>(scores.samples) / scores.seconds : 0.0;
  text.clear();
  const std::vector<std::string> names = class_names_for(scores.classes, job.class_names, data.description());
  if (scores.classes != 0)
    text +=
        fmt::format("accuracy        {:.2f} % ({} of {})\n", 100.0 * scores.accuracy(), scores.correct, scores.samples);
  text += fmt::format("loss            {:.6g} ({}, {} samples)\n", scores.loss, loss_name(loss), scores.samples);
  text += target_scores_text(scores, data.target_names());
  text += fmt::format("arena           {} bytes for batches of {}\n", grouped(result.arena_bytes), job.batch);
  text += fmt::format("speed           {:.0f} samples/s (kernels {})\n", speed, result.isa);
  Json other;
  if (!job.beside.empty()) other = beside(job, data, loss, progress, text);
  text += class_scores_text(scores, names);
  if (scores.classes != 0) text += confusion_text(scores, names);
  text += non_finite_text(scores.non_finite, scores.samples,
                          scores.classes != 0 ? ", which count as wrong and stand in no column" : "");
  Json json{{"command", "eval"}, {"model", job.model}, {"loss_function", loss_name(loss)}};
  json.update(scores_json(scores, names));
  if (!job.beside.empty()) json["beside"] = other;
  json["data"] = notes_json(data);
  json["batch"] = job.batch;
  json["arena_bytes"] = result.arena_bytes;
  json["samples_per_second"] = speed;
  json["isa"] = result.isa;
  try {
    if (!job.plots.empty() && data.reconstructs())
      draw_reconstructions(job.plots, load_model(job.model), nullptr, &data, text);
    if (!job.plots.empty() && scores.classes != 0) draw_confusion(job.plots, scores, names, text);
  } catch (const Error& error) {  // the result is there all the same
    failure = error;
  }
  return json;
}

void add_eval(CLI::App& app, Context& context) {
  const auto job = std::make_shared<EvalJob>();
  Options& options =
      add_command(app, context, "eval", "Accuracy, loss and confusion matrix of a model on a data set.", R"(EXAMPLES
  mote eval fashion.mote --data /usr/share/datasets/fashion-mnist --plots pictures
  mote eval net.mote --test x.npy --labels y.npy --json
  mote eval net.mote --beside net8.mote --data /usr/share/datasets/fashion-mnist
)");
  options.text("MODEL", job->model, "FILE", "model file").required();
  options.text("--beside", job->beside, "FILE",
               "another model of the same network, such as its int8 copy: its accuracy and loss too");
  options.whole("--batch", job->batch, {1, 1'000'000'000}, "samples per run");
  std::vector<std::string> losses{"auto"};
  losses.insert(losses.end(), kLosses.begin(), kLosses.end());
  options.word("--loss", job->loss, losses, "as in mote train");
  options.text("--plots", job->plots, "DIR",
               "folder for confusion-matrix.svg or, with --reconstruct, reconstructions.svg");
  options.list("--class-names", job->class_names, "NAMES", "names for the confusion matrix")
      .not_with({{"--targets", {}}, {"--reconstruct", {}}});
  add_evaluation_data(options, job->data, job->training_part);
  add_force(options, context, {{"--plots", {}}});
  options.run([job, &context] {
    std::string text;
    std::optional<Error> failure;
    const Json json = run_eval(*job, context, text, failure);
    print_result(context, json, text, failure);
  });
}

}  // namespace mote::tool
