// SPDX-License-Identifier: Apache-2.0
// mote run: a model's outputs for an array or a table of samples, as .npy or as lines that people read.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>

#include "mote/run/session.hpp"
#include "tool/commands/advice.hpp"
#include "tool/commands/class_scores.hpp"
#include "tool/commands/commands.hpp"
#include "tool/commands/predictions.hpp"
#include "tool/commands/run_arrays.hpp"
#include "tool/data/file_io.hpp"
#include "tool/data/npy.hpp"
#include "tool/models/memory_plan.hpp"
#include "tool/terminal/error.hpp"
#include "tool/terminal/threads.hpp"

namespace mote::tool {
namespace {

using Json = nlohmann::ordered_json;

struct RunJob {
  std::string model, output;
  std::vector<std::string> inputs, outputs;  // as given; one without a name goes to data.samples and output
  FolderJob folder;
  DataArguments data;  // samples is --input
  std::uint32_t batch = 1;
};

std::vector<std::uint64_t> output_dims(std::size_t samples, const Shape& shape) {
  if (shape.h == 1 && shape.w == 1) return {samples, shape.c};
  return {samples, shape.h, shape.w, shape.c};
}

/// Where outputs go, one sample after the other.
class Sink {
 public:
  virtual ~Sink() = default;
  virtual void take(std::size_t index, std::span<const float> input, std::span<const float> output) = 0;
  virtual void finish() {}
};

class NpySink : public Sink {
 public:
  NpySink(AtomicFile& file, const std::vector<std::uint64_t>& dims) : file_(file) {
    const std::string header = npy_header(Element::f32, dims);
    std::uint64_t values = 1;
    for (const std::uint64_t dim : dims) values *= dim;
    file_.reserve(header.size() + values * sizeof(float));
    file_.write(header);
  }
  void take(std::size_t, std::span<const float>, std::span<const float> output) override {
    file_.write(std::as_bytes(output));
  }
  void finish() override { file_.commit(); }

 private:
  AtomicFile& file_;
};

class CsvSink : public Sink {
 public:
  /// Without a file the lines are kept.
  CsvSink(AtomicFile* file, const Predictions& predictions) : predictions_(predictions), file_(file) {
    put(Predictions::line(predictions.columns()));
  }
  void take(std::size_t index, std::span<const float> input, std::span<const float> output) override {
    put(Predictions::line(predictions_.cells(index, input, output)));
  }
  void finish() override {
    if (file_ != nullptr) file_->commit();
  }
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  void put(const std::string& line) {
    if (file_ != nullptr) {
      file_->write(line);
    } else {
      text_ += line;
    }
  }

  const Predictions& predictions_;
  AtomicFile* file_;
  std::string text_;
};

DataSet samples_for(const OwnedModel& model, const DataArguments& data) {
  const Reading reading = reading_for(model, data, "auto");
  const bool pair = !data.labels.empty();
  DataSet out = pair ? DataSet::samples_from(data.samples, reading)
                     : DataSet::samples_from(data.samples, reading, LabelUse::optional);
  if (pair) out.add_targets_from(data.labels, reading);
  return out;
}

/// Metrics, where labels or targets came with the samples.
void add_scores(const OwnedModel& model, const DataSet& data, const RunJob& job, Progress& progress, Json& json,
                std::string& text) {
  if (!data.has_labels() && !data.has_targets()) return;
  const Loss loss = loss_for(data, model, read_description(model.description));
  require_targets(data, loss, model.view().output_shape());
  const auto outputs = static_cast<std::size_t>(model.layers[loss_layer(model.view(), loss)].shape.elements());
  if (data.has_labels()) data.require_labels(outputs, outputs == 1);
  if (data.has_targets()) data.require_target_width(outputs);
  const Scores scores = score_model(model, data, loss, job.batch, progress).scores;
  const std::vector<std::string> names = class_names_for(scores.classes, {}, data.description());
  json["scores"] = scores_json(scores, names);
  if (scores.classes != 0)
    text +=
        fmt::format("accuracy        {:.2f} % ({} of {})\n", 100.0 * scores.accuracy(), scores.correct, scores.samples);
  text += fmt::format("loss            {:.6g} ({})\n", scores.loss, loss_name(loss));
  text += target_scores_text(scores, data.target_names()) + class_scores_text(scores, names);
}

Json run_model(const RunJob& job, const OwnedModel& model, const Context& context, std::string& text) {
  const bool csv = job.output.empty() || job.output.ends_with(".csv");
  std::optional<AtomicFile> file;
  if (!job.output.empty()) file.emplace(job.output, csv ? FileKind::table : FileKind::array);
  const DataSet data = samples_for(model, job.data);
  data.require_shape(model.view().input_shape());
  require_one_by_one(model, data.size(), job.data.samples);
  const PlanOptions options{.batch = job.batch, .alignment = 64};
  const OwnedPlan plan = plan_of(model, options);
  AlignedBytes arena(plan.arena_bytes());
  Result<Session> session = Session::create(model.view(), arena.span(), options);
  if (!session.ok()) throw status_error(session.status(), model);
  session->set_threads(lent_threads());
  const auto outputs = static_cast<std::size_t>(model.view().output_shape().elements());
  const std::size_t features = data.features();
  const std::vector<std::uint64_t> dims = output_dims(data.size(), model.view().output_shape());
  const Predictions predictions(model, data);
  std::unique_ptr<Sink> sink;
  CsvSink* lines = nullptr;
  if (csv) {
    auto made = std::make_unique<CsvSink>(file ? &*file : nullptr, predictions);
    lines = made.get(), sink = std::move(made);
  } else {
    sink = std::make_unique<NpySink>(*file, dims);
  }
  Progress progress(Progress::style_for(context.json));
  say_notes(data, progress);
  progress.start("samples", data.size());
  double seconds = 0.0, anomaly_sum = 0.0, anomaly_most = -1.0;
  std::size_t anomaly_at = 0;
  std::vector<float> sample(features);
  std::uint64_t non_finite = 0;
  for (std::size_t first = 0; first < data.size(); first += job.batch) {
    const std::size_t count = std::min<std::size_t>(job.batch, data.size() - first);
    const std::span<float> input = session->input<float>();
    for (std::size_t i = 0; i < count; ++i) data.copy_sample(first + i, input.subspan(i * features, features));
    std::fill(input.begin() + static_cast<std::ptrdiff_t>(count * features), input.end(), 0.0F);
    const auto begin = std::chrono::steady_clock::now();
    session->run();
    seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    for (std::size_t i = 0; i < count; ++i) {
      const std::span<const float> output =
          std::span<const float>(session->output<float>()).subspan(i * outputs, outputs);
      data.copy_sample(first + i, sample);  // run() may have written over its input
      sink->take(first + i, sample, output);
      non_finite += std::ranges::all_of(output, [](float v) { return std::isfinite(v); }) ? 0U : 1U;
      if (!predictions.scores_anomalies()) continue;
      const double score = predictions.anomaly_score(sample, output);
      anomaly_sum += score;
      if (score > anomaly_most) anomaly_most = score, anomaly_at = first + i;
    }
    progress.update(first + count, [] { return std::string(); });
  }
  progress.clear();
  sink->finish();
  const double microseconds = seconds * 1e6 / static_cast<double>(data.size());
  const std::string place = job.output.empty() ? "the lines above" : job.output;
  text = fmt::format("{} samples of {} to {} ({}), {:.1f} microseconds a sample, arena {} bytes, kernels {}\n",
                     data.size(), job.data.samples, place, dims_text(dims), microseconds, grouped(plan.arena_bytes()),
                     session->isa());
  text += non_finite_text(non_finite, data.size());
  Json json{{"command", "run"},
            {"model", job.model},
            {"input", job.data.samples},
            {"output", job.output.empty() ? Json(nullptr) : Json(job.output)},
            {"samples", data.size()},
            {"output_shape", dims},
            {"batch", job.batch},
            {"scale", data.scale()},
            {"arena_bytes", plan.arena_bytes()},
            {"microseconds_per_sample", microseconds},
            {"non_finite_samples", non_finite},
            {"isa", session->isa()}};
  json["data"] = notes_json(data);
  if (predictions.scores_anomalies()) {
    const double mean = anomaly_sum / static_cast<double>(data.size());
    text +=
        fmt::format("anomaly score   mean {:.6g}, largest {:.6g} (sample {})\n", mean, anomaly_most, anomaly_at + 1);
    json["anomaly"] = {{"mean", mean}, {"largest", anomaly_most}, {"largest_sample", anomaly_at + 1}};
  }
  add_scores(model, data, job, progress, json, text);
  if (job.output.empty() && context.json) json["csv"] = lines->text();
  if (job.output.empty() && !context.json) {
    fmt::print("{}", lines->text());
    progress.say(text.substr(0, text.find_last_not_of('\n') + 1));
    text.clear();
  }
  return json;
}

/// By folder, by names, or samples of a model with one input.
Json run_any(RunJob& job, const Options& options, const Context& context, std::string& text) {
  if (!job.folder.inputs.empty()) return run_folder(job.model, job.folder, text);
  std::vector<PortFile> inputs, outputs;
  for (const std::string& value : job.inputs) inputs.push_back(port_file(value));
  for (const std::string& value : job.outputs) outputs.push_back(port_file(value));
  if (inputs.front().port.empty()) {
    job.data.samples = job.inputs.front();
    job.output = job.outputs.empty() ? "" : job.outputs.front();
    if (job.outputs.size() > 1 || (!outputs.empty() && !outputs.front().port.empty()))
      throw usage_error("--output NAME=FILE means nothing beside samples", "write --input NAME=FILE too");
    const OwnedModel model = load_model(job.model);
    const bool arrays = job.data.samples.ends_with(".npy") && job.output.ends_with(".npy");
    if (arrays && inputs.size() == 1 && !computes_float32(model.view()))
      return run_named(job.model, {{"0", job.data.samples}}, {{"", job.output}}, text);
    return run_model(job, model, context, text);
  }
  if (outputs.empty()) throw usage_error("--output is required beside --input NAME=FILE", "add --output NAME=FILE");
  for (const char* option : {"--labels", "--batch", "--label", "--targets", "--scale"})
    if (options.given(option))
      throw usage_error(fmt::format("{} means nothing beside --input NAME=FILE", option), "leave it out");
  return run_named(job.model, inputs, outputs, text);
}

}  // namespace

void add_run(CLI::App& app, Context& context) {
  const auto job = std::make_shared<RunJob>();
  Options& options = add_command(app, context, "run", "Runs a model over an array of samples.", R"(EXAMPLES
  mote run iris.mote --input iris_test.csv
  mote run houses.mote --input new.csv --output prices.csv
  mote run pets.mote --input cat.png
  mote run fashion.mote --input x.npy --output y.npy --batch 32
  mote run keywords.tflite --inputs arrays --outputs results
  mote run match.onnx --input left=a.npy --input right=b.npy --output score=s.npy

  A table is read as the model's training table was: columns by name, a label or target column left aside, and scores
  told where it is there. Arrays: samples first, then the model's input shape or a flat row. Values are multiplied as in
  training; --scale sets another factor.
  Models of other types than float32 take and give arrays of theirs: --input x.npy --output y.npy.
  A model with several inputs or outputs takes --input and --output NAME=FILE for each, by name or number, and one with
  states --inputs and --outputs: runs follow each other. Outputs then have the types and shapes of the file that the
  model was imported from, and what that file leaves open are the arrays' shapes.
  .csv, or no --output: a line a sample: class and probabilities, targets by name, or an autoencoder's anomaly score,
  which is the mean of (output - input)^2. .npy: float32, samples x outputs, or samples x height x width x channels.
)");
  options.text("MODEL", job->model, "FILE", "model file").required();
  options.named_texts("--input", job->inputs, "FILE",
                      "samples: a table, .npy, .npz, IDX, a picture or a folder of pictures; or NAME=FILE.npy for each "
                      "of several inputs");
  options.text("--inputs", job->folder.inputs, "DIR", "arrays inRUN_INDEX.npy: of run 0, 1, ... the inputs 0, 1, ...")
      .not_with({{"--input", {}}})
      .only_with({{"--outputs", {}}});
  options.text("--outputs", job->folder.outputs, "DIR", "where outRUN_INDEX.npy go").only_with({{"--inputs", {}}});
  options.flag("--reset", job->folder.reset, "begin every run with the states of the first")
      .only_with({{"--inputs", {}}});
  options.text("--labels", job->data.labels, "FILE", "their labels or targets, for scores");
  options.named_texts("--output", job->outputs, "FILE",
                      ".csv or .npy file to write (default: lines on standard output); or NAME=FILE.npy for each of "
                      "several outputs");
  options.whole("--batch", job->batch, {1, 1'000'000'000}, "samples per run");
  add_sample_options(options, job->data);
  add_force(options, context);
  options.run([job, &context, &options] {
    std::string text;
    if (job->inputs.empty() && job->folder.inputs.empty())
      throw usage_error("--input is required", "give the samples, or --inputs DIR --outputs DIR");
    print_result(context, run_any(*job, options, context, text), text);
  });
}

}  // namespace mote::tool
