// SPDX-License-Identifier: Apache-2.0
// mote ppr: projection pursuit regression from a table to a model file, with a picture of the ridge functions.
#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "tool/commands/advice.hpp"
#include "tool/commands/commands.hpp"
#include "tool/commands/pursuit.hpp"
#include "tool/data/file_io.hpp"
#include "tool/models/memory_plan.hpp"
#include "tool/pictures/plot.hpp"
#include "tool/terminal/error.hpp"

namespace mote::tool {
namespace {

using Json = nlohmann::ordered_json;

struct PprJob {
  DataArguments data;
  std::string smoother = "spline", backfitting = "all", out, plots;
  std::uint32_t terms = 3;
  std::uint16_t knots = 24;
  PursuitConfig config;
};

std::string picture_of(const PprJob& job) {
  return (std::filesystem::path(job.plots) / "ridge-functions.svg").string();
}

void prepare(PprJob& job) {
  job.config.smoother = static_cast<Smoother>(choice(job.smoother, {"spline", "supersmoother"}, "--smoother"));
  job.config.backfitting =
      static_cast<Backfitting>(choice(job.backfitting, {"none", "functions", "all"}, "--backfitting"));
  if (job.config.max_terms != 0 && job.config.max_terms < job.terms)
    throw usage_error(fmt::format("--max-terms {} is less than --terms {}", job.config.max_terms, job.terms),
                      "give at least as many, or leave it out");
  if (job.data.target_columns.empty()) job.data.target_columns = {"last"};
  if (job.plots.empty()) return;
  make_folder(job.plots);
  AtomicFile::claim(picture_of(job), FileKind::picture);
}

std::string by_terms(const std::vector<double>& values, std::size_t chosen) {
  std::string out;
  for (std::size_t m = 0; m < values.size(); ++m)
    if (values[m] > 0.0)
      out += fmt::format("{}{}: {:.5g}{}", out.empty() ? "" : "   ", m + 1, values[m], m + 1 == chosen ? " *" : "");
  return out;
}

std::string summary(const PprJob& job, const PursuitOutcome& outcome, const std::vector<PursuitTerm>& terms,
                    std::size_t model_bytes, std::size_t inference_arena) {
  const PursuitReport& r = outcome.report;
  std::string out = fmt::format("terms           {}\n", r.terms);
  out +=
      fmt::format("residual        {:.6g} of {:.6g} (sums of squares), {:.2f} % explained\n", r.residual_sum_of_squares,
                  r.total_sum_of_squares, 100.0 * (1.0 - r.residual_sum_of_squares / r.total_sum_of_squares));
  out += fmt::format("by terms        {}\n", by_terms(outcome.residuals, r.terms));
  if (!outcome.cross_validation.empty())
    out += fmt::format("held-out error  {} (mean square, {} folds)\n", by_terms(outcome.cross_validation, r.terms),
                       job.config.folds);
  for (std::size_t m = 0; m < terms.size(); ++m)
    out += fmt::format("term {:<10} {}, deviation {:.4g}\n", m + 1, terms[m].text, terms[m].deviation);
  out += fmt::format("fitting arena   {} bytes, {:.2f} s\n", grouped(outcome.arena_bytes), outcome.seconds);
  out += fmt::format("inference arena {} bytes for one sample\n", grouped(inference_arena));
  out += job.out.empty() ? "model           not kept: give --out FILE.mote\n"
                         : fmt::format("model           {} bytes in {}\n", grouped(model_bytes), job.out);
  return out;
}

Json report_json(const PprJob& job, const PursuitOutcome& outcome, const std::vector<PursuitTerm>& terms) {
  const PursuitReport& r = outcome.report;
  Json json{{"command", "ppr"}, {"model", job.out.empty() ? Json(nullptr) : Json(job.out)}};
  json["network"] = model_text(outcome.model.view());
  json["smoother"] = job.smoother;
  json["terms"] = r.terms;
  json["residual_sum_of_squares"] = r.residual_sum_of_squares;
  json["total_sum_of_squares"] = r.total_sum_of_squares;
  json["residuals_by_terms"] = outcome.residuals;
  json["cross_validation"] = outcome.cross_validation.empty() ? Json(nullptr) : Json(outcome.cross_validation);
  json["directions"] = Json::array();
  for (const PursuitTerm& term : terms)
    json["directions"].push_back(
        {{"weights", term.direction}, {"loadings", term.loadings}, {"deviation", term.deviation}});
  json["fitting_arena_bytes"] = outcome.arena_bytes;
  json["seconds"] = outcome.seconds;
  return json;
}

Json run_ppr(PprJob& job, const Context& context, std::string& text, std::optional<Error>& failure) {
  prepare(job);
  std::optional<AtomicFile> out;
  if (!job.out.empty()) out.emplace(job.out, FileKind::model);
  Reading reading = reading_of(job.data);
  reading.values = true;
  const TrainingData data = load_training_data(job.data, reading);
  const PursuitArrays arrays(data.train);
  if (out) out->reserve(pursuit_file_bytes(arrays, job.terms, job.knots));
  Progress progress(Progress::style_for(context.json));
  say_notes(data.train, progress);
  if (data.test) say_notes(*data.test, progress);
  PursuitOutcome outcome = run_pursuit(arrays, job.config, job.terms, job.knots, data.train.path(), progress);
  const std::vector<PursuitTerm> terms = pursuit_terms(outcome.model, arrays);
  Description description = data.train.description();
  description.loss = loss_name(Loss::squared_error);
  outcome.model.description = description.json();
  const std::size_t model_bytes =
      out ? save_model(outcome.model, *out) : model_file_bytes(outcome.model.view(), outcome.model.description);
  const std::size_t inference_arena = plan_of(outcome.model, {.alignment = 64}).arena_bytes();
  text = summary(job, outcome, terms, model_bytes, inference_arena);
  Json json = report_json(job, outcome, terms);
  json["data"] = notes_json(data.train);
  json["inference_arena_bytes"] = inference_arena;
  json["model_bytes"] = model_bytes;
  json["test"] = nullptr;
  if (data.test) {
    const PursuitArrays test(*data.test);
    const PursuitScore score = score_pursuit(outcome.model, test);
    text += fmt::format("test            residual {:.6g} of {:.6g}, {:.2f} % explained ({} samples)\n", score.residual,
                        score.total, 100.0 * score.explained(), test.samples());
    json["test"] = {{"samples", test.samples()},
                    {"residual_sum_of_squares", score.residual},
                    {"total_sum_of_squares", score.total}};
  }
  if (job.plots.empty()) return json;
  if (!can_plot()) {
    text += fmt::format("warning: {}\n", kNoGnuplot);
    return json;
  }
  const std::string picture = picture_of(job);
  const double explained = 100.0 * (1.0 - outcome.report.residual_sum_of_squares / outcome.report.total_sum_of_squares);
  try {
    plot_ridge_functions(picture, fmt::format("Ridge functions and partial residuals: {:.1f} % explained", explained),
                         ridge_panels(outcome.model, arrays));
    text += fmt::format("pictures        {}\n", picture);
  } catch (const Error& error) {  // the result is there all the same
    failure = error;
  }
  return json;
}

void add_ppr_data(Options& options, DataArguments& data) {
  const char* const heading = "Data";
  const auto file = [&](const char* name, std::string& to, const char* help) -> Options::Entry& {
    return options.text(name, to, "FILE", help).under(heading);
  };
  file("--data", data.data, "CSV file with features and targets").not_with({{"--train", {}}});
  file("--train", data.samples, "or features alone: .npy, .csv or IDX");
  file("--labels", data.labels, "and their targets");
  file("--test", data.test_samples, "samples to test on: CSV like --data, or features alone");
  file("--test-labels", data.test_labels, "and their targets").only_with({{"--test", {}}});
  options
      .list("--targets", data.target_columns, "COLUMNS",
            "CSV: columns to predict, by name or number (default: the last)")
      .under(heading)
      .not_with({{"--labels", {}}});
  add_table_options(options, data);
}

}  // namespace

void add_ppr(CLI::App& app, Context& context) {
  const auto job = std::make_shared<PprJob>();
  PursuitConfig& config = job->config;
  Options& options = add_command(app, context, "ppr",
                                 "Projection pursuit regression: sums of learned functions of directions.", R"(EXAMPLES
  mote ppr --data rock.csv --terms 2 --df 4 --out rock.mote --plots pictures
  mote ppr --data rock.csv --terms 6 --cross-validate 10 --out rock.mote          (as many terms as predict best)
  mote ppr --train x.npy --labels y.npy --terms 3 --max-terms 6 --smoother supersmoother --bass 3 --out ppr.mote

  The model is y = bias + sum of beta_m g_m(w_m x): input, dense (directions), spline (functions), dense. Every other
  command takes its file: mote run, eval, info, params, plan, and mote train to go on by gradient.

)");
  options.text("--out", job->out, "FILE", "model file to write");
  options.text("--plots", job->plots, "DIR", "folder for ridge-functions.svg");
  add_ppr_data(options, job->data);
  const char* heading = "Terms";
  const Whole many{1, 1'000'000};
  const Real part{.least = 0.0, .most = 1.0, .above_least = true};
  options
      .whole("--terms", job->terms, {1, 65535}, "terms of the model; with --cross-validate or --minimum-drop at most")
      .under(heading);
  options
      .whole("--max-terms", config.max_terms, {1, 65535},
             "terms fitted before the least important are dropped (default: as --terms)")
      .under(heading);
  options
      .whole("--cross-validate", config.folds, {2, 1'000'000}, "choose the number of terms by so many folds", "FOLDS")
      .under(heading)
      .not_with({{"--minimum-drop", {}}});
  options.real("--minimum-drop", config.minimum_drop, part, "no new term that takes a smaller part of the residual")
      .under(heading);
  options
      .word("--backfitting", job->backfitting, {"none", "functions", "all"},
            "what is fitted again when a term comes or goes: none, functions, all")
      .under(heading);
  options.whole("--starts", config.starts, many, "directions that a new term is begun from").under(heading);
  options
      .real("--tolerance", config.tolerance, {.least = 0.0, .most = 0.5},
            "stop where less than this part of the residual is gained")
      .under(heading);
  options.whole("--cycles", config.max_cycles, many, "of backfitting, at most, in each stage").under(heading);
  options.whole("--steps", config.max_steps, many, "of Gauss-Newton, at most, in each fit of a direction")
      .under(heading);
  options.whole("--seed", config.seed, {}, "of starting directions and folds: a run repeats bit for bit")
      .under(heading);
  heading = "Ridge functions";
  const Condition spline{"--smoother", {"spline"}}, supersmoother{"--smoother", {"supersmoother"}};
  options.word("--smoother", job->smoother, {"spline", "supersmoother"}, "spline or supersmoother").under(heading);
  options
      .real("--df", config.degrees_of_freedom, {.least = 2.0, .most = 1e9},
            "spline: degrees of freedom of each function")
      .under(heading)
      .only_with({spline});
  options.real("--span", config.span, part, "supersmoother: part of the samples (default: chosen at every point)")
      .under(heading)
      .only_with({supersmoother});
  options.real("--bass", config.bass, {.least = 0.0, .most = 10.0}, "supersmoother: more is smoother")
      .under(heading)
      .only_with({supersmoother})
      .not_with({{"--span", {}}});
  options.whole("--knots", job->knots, {2, 65535}, "of each function in the model").under(heading);
  add_force(options, context, {{"--out", {}}, {"--plots", {}}});
  options.run([job, &context] {
    std::string text;
    std::optional<Error> failure;
    const Json json = run_ppr(*job, context, text, failure);
    print_result(context, json, text, failure);
  });
}

}  // namespace mote::tool
