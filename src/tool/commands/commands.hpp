// SPDX-License-Identifier: Apache-2.0
// The commands of the tool, one file each. add_NAME() declares a subcommand and what it runs, which prints to
// stdout and throws Error. JSON goes to stdout as one object when context.json is set, and nothing else does then.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "tool/commands/arguments.hpp"
#include "tool/commands/fine_tuning.hpp"
#include "tool/commands/options.hpp"
#include "tool/commands/trained_form.hpp"
#include "tool/terminal/error.hpp"

namespace CLI {
class App;
}

namespace mote::tool {

struct Context {
  bool json = false, force = false;
  std::span<const char* const> arguments;          ///< the line as it was typed
  std::vector<std::unique_ptr<Options>> commands;  ///< of each command that was added
  Options* chosen = nullptr;                       ///< the one that the line names
};

void add_train(CLI::App& app, Context& context);
void add_ppr(CLI::App& app, Context& context);
void add_eval(CLI::App& app, Context& context);
void add_run(CLI::App& app, Context& context);
void add_bench(CLI::App& app, Context& context);
void add_plan(CLI::App& app, Context& context);
void add_info(CLI::App& app, Context& context);
void add_params(CLI::App& app, Context& context);
void add_import(CLI::App& app, Context& context);
void add_export(CLI::App& app, Context& context);
void add_compare(CLI::App& app, Context& context);
void add_quantize(CLI::App& app, Context& context);
void add_fold(CLI::App& app, Context& context);
void add_demo(CLI::App& app, Context& context);

/// A subcommand with --json and a help footer. What run() is given is done once the line has been checked.
Options& add_command(CLI::App& app, Context& context, const std::string& name, const std::string& description,
                     const std::string& footer);

/// --force, for commands that write files; `writing`: the options that make it write some, where there are such.
void add_force(Options& options, Context& context, std::vector<Condition> writing = {});

/// Prints the JSON object or the text; then the failure, if there is one in spite of a result, and ends the command.
void print_result(const Context& context, nlohmann::ordered_json json, const std::string& text,
                  const std::optional<Error>& failure = {});

/// The whole of `mote train` but parsing.
struct TrainJob {
  std::string model, out, plots, init = "automatic", freeze, unfreeze, class_weights, monitor = "loss";
  std::vector<std::string> class_names;
  float init_limit = 0.05F;
  bool fresh = false;  // new parameters although the model file has some
  bool batch_given = false, epochs_given = true, init_given = false;
  bool optimizer_given = true;       // or anything that only makes sense with one
  std::uint32_t cross_validate = 0;  // folds; 0: none
  DataArguments data;
  TrainingArguments training;
  TrainingOptions options;
  TrainedForm form;
  bool keep_parts = false;  // of --update: write the model in the form in which it was trained
  FineTuning quantize;
};
/// Trains, saves, draws; `text` receives what a person is told, `failure` what went wrong although there is a model.
/// Returns the report.
nlohmann::ordered_json run_train(TrainJob& job, const Context& context, std::string& text,
                                 std::optional<Error>& failure);

/// The whole of `mote eval` but parsing.
struct EvalJob {
  std::string model, beside, plots, loss = "auto";
  std::vector<std::string> class_names;
  std::uint32_t batch = 32;
  DataArguments data;
  bool training_part = false;
};
nlohmann::ordered_json run_eval(const EvalJob& job, const Context& context, std::string& text,
                                std::optional<Error>& failure);

/// Names for `classes` classes: those given, checked, or the description's, or "0", "1", ….
std::vector<std::string> class_names_for(std::size_t classes, const std::vector<std::string>& given,
                                         const Description& description);
/// A line for each target: R2 and root mean square error; "" where there are none.
std::string target_scores_text(const Scores& scores, const std::vector<std::string>& names);
/// A warning of `bad` samples whose outputs are infinite or not numbers, with what follows from it; "" where all are.
std::string non_finite_text(std::uint64_t bad, std::uint64_t samples, const std::string& consequence = {});
/// {"samples", "accuracy", "loss", "correct", "targets", "non_finite_samples", "classes", "macro", "confusion"}; the
/// last three with labels, `names` are the classes'.
nlohmann::ordered_json scores_json(const Scores& scores, const std::vector<std::string>& names);
/// Writes DIR/confusion-matrix.svg; says so in `text`, or why not.
void draw_confusion(const std::string& folder, const Scores& scores, const std::vector<std::string>& names,
                    std::string& text);

}  // namespace mote::tool
