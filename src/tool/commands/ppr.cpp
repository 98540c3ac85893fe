// SPDX-License-Identifier: Apache-2.0
// mote ppr: projection pursuit regression from a table to a model file, with a picture of the ridge functions.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

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

void prepare(PprJob& job) {
  job.config.smoother = static_cast<Smoother>(choice(job.smoother, {"spline", "supersmoother"}, "--smoother"));
  job.config.backfitting =
      static_cast<Backfitting>(choice(job.backfitting, {"none", "functions", "all"}, "--backfitting"));
  if (job.data.target_columns.empty()) job.data.target_columns = {"last"};
  if (!job.out.empty()) AtomicFile probe(job.out);  // can be written there?
  if (!job.plots.empty()) make_folder(job.plots);
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

Json run_ppr(PprJob& job, const Context& context, std::string& text) {
  prepare(job);
  const TrainingData data = load_training_data(job.data);
  const PursuitArrays arrays(data.train);
  Progress progress(Progress::style_for(context.json));
  const PursuitOutcome outcome = run_pursuit(arrays, job.config, job.terms, job.knots, data.train.path(), progress);
  const std::vector<PursuitTerm> terms = pursuit_terms(outcome.model, arrays);
  const std::size_t model_bytes =
      job.out.empty() ? model_file_bytes(outcome.model.view()) : save_model(outcome.model.view(), job.out);
  const std::size_t inference_arena = plan_of(outcome.model, {.alignment = 64}).arena_bytes();
  text = summary(job, outcome, terms, model_bytes, inference_arena);
  Json json = report_json(job, outcome, terms);
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
  const std::string picture = (std::filesystem::path(job.plots) / "ridge-functions.svg").string();
  const double explained = 100.0 * (1.0 - outcome.report.residual_sum_of_squares / outcome.report.total_sum_of_squares);
  plot_ridge_functions(picture, fmt::format("Ridge functions and partial residuals: {:.1f} % explained", explained),
                       ridge_panels(outcome.model, arrays));
  text += fmt::format("pictures        {}\n", picture);
  return json;
}

void add_ppr_data(CLI::App& command, DataArguments& data) {
  const char* const group = "Data";
  const auto file = [&](const char* name, std::string& to, const char* help) {
    command.add_option(name, to, help)->type_name("FILE")->group(group);
  };
  file("--data", data.data, "CSV file with features and targets");
  file("--train", data.samples, "or features alone: .npy, .csv or IDX");
  file("--labels", data.labels, "and their targets");
  file("--test", data.test_samples, "samples to test on: CSV like --data, or features alone");
  file("--test-labels", data.test_labels, "and their targets");
  command
      .add_option("--targets", data.target_columns, "CSV: columns to predict, by name or number (default: the last)")
      ->delimiter(',')
      ->type_name("COLUMNS")
      ->group(group);
}

}  // namespace

void add_ppr(CLI::App& app, Context& context) {
  const auto job = std::make_shared<PprJob>();
  PursuitConfig& config = job->config;
  CLI::App* const command = add_command(
      app, context, "ppr", "Projection pursuit regression: sums of learned functions of directions.", R"(EXAMPLES
  mote ppr --data rock.csv --terms 2 --df 4 --out rock.mote --plots pictures
  mote ppr --data rock.csv --terms 6 --cross-validate 10 --out rock.mote          (as many terms as predict best)
  mote ppr --train x.npy --labels y.npy --terms 3 --max-terms 6 --smoother supersmoother --bass 3 --out ppr.mote

  The model is y = bias + sum of beta_m g_m(w_m x): input, dense (directions), spline (functions), dense. Every other
  command takes its file: mote run, eval, info, params, plan, and mote train to go on by gradient.

)");
  command->add_option("--out", job->out, "model file to write")->type_name("FILE");
  command->add_option("--plots", job->plots, "folder for ridge-functions.svg")->type_name("DIR");
  add_ppr_data(*command, job->data);
  const char* group = "Terms";
  const auto option = [&](const char* name, auto& to, const char* help, const char* type) {
    command->add_option(name, to, help)->capture_default_str()->type_name(type)->group(group);
  };
  option("--terms", job->terms, "terms of the model; with --cross-validate or --minimum-drop at most", "N");
  option("--max-terms", config.max_terms, "terms fitted before the least important are dropped (0: as --terms)", "N");
  option("--cross-validate", config.folds, "choose the number of terms by so many folds (0: off)", "FOLDS");
  option("--minimum-drop", config.minimum_drop, "no new term that takes a smaller part of the residual (0: off)", "X");
  option("--backfitting", job->backfitting, "what is fitted again when a term comes or goes: none, functions, all",
         "NAME");
  option("--starts", config.starts, "directions that a new term is begun from", "N");
  option("--tolerance", config.tolerance, "stop where less than this part of the residual is gained", "X");
  option("--cycles", config.max_cycles, "of backfitting, at most, in each stage", "N");
  option("--steps", config.max_steps, "of Gauss-Newton, at most, in each fit of a direction", "N");
  option("--seed", config.seed, "of starting directions and folds: a run repeats bit for bit", "N");
  group = "Ridge functions";
  option("--smoother", job->smoother, "spline or supersmoother", "NAME");
  option("--df", config.degrees_of_freedom, "spline: degrees of freedom of each function, at least 2", "X");
  option("--span", config.span, "supersmoother: part of the samples, in (0, 1]; 0: chosen at every point", "X");
  option("--bass", config.bass, "supersmoother: 0 to 10, more is smoother", "X");
  option("--knots", job->knots, "of each function in the model, 2 to 65535", "N");
  command->callback([job, &context] {
    std::string text;
    const Json json = run_ppr(*job, context, text);
    print_result(context, json, text);
  });
}

}  // namespace mote::tool
