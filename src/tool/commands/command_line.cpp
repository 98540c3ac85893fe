// SPDX-License-Identifier: Apache-2.0
// The top of the tool: subcommands, --version, --help, and the one place where exceptions end.
#include "tool/commands/command_line.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <new>
#include <nlohmann/json.hpp>
#include <span>
#include <sstream>
#include <string>
#include <string_view>

#include "mote/kernels/isa.hpp"
#include "tool/commands/commands.hpp"
#include "tool/data/file_ledger.hpp"
#include "tool/terminal/error.hpp"
#include "tool/terminal/streams.hpp"
#include "tool/terminal/suggest.hpp"
#include "tool/terminal/threads.hpp"

#if !defined(MOTE_VERSION)
#define MOTE_VERSION "0.1.0"
#endif

namespace mote::tool {
namespace {

constexpr const char* kOverview = R"(FIRST STEPS
  mote demo                                  trains, saves, reads back and evaluates a network on Fashion-MNIST
  mote train --help                          how networks and data are given
  mote plan "input 784; dense 64; relu; dense 10" --train --batch 32
                                             the memory that a training step needs, before it runs
Every command takes --json. Exit codes: 0 done, 1 data or model at fault, 2 arguments at fault,
130 and 143 ended by Ctrl-C and SIGTERM; mote train then writes the best weights so far.
)";

/// CLI11's complaint in our words. Commands are told few rules, so few complaints are left: a missing command, a word
/// too many, an option at the end of the line.
/// `misread`: a word that is to be taken for unknown; may be empty.
Error argument_error(const CLI::ParseError& error, const CLI::App& app, const Context& context, const Options& top,
                     const std::string& misread = "") {
  const auto all = [](const CLI::App*) { return true; };
  const std::vector<const CLI::App*> commands = app.get_subcommands(all);
  const Options* options = &top;
  for (const auto& command : context.commands)
    if (command->command().parsed()) options = command.get();
  const std::string what = error.what();
  for (const Options* one : {options, &top}) {
    one->check_order();
    if (const std::optional<Error> count = one->wrong_count(what)) return *count;
  }
  std::vector<std::string> unknown = app.remaining(true);
  if (!misread.empty()) unknown.insert(unknown.begin(), misread);
  if (options != &top) {
    if (std::find(unknown.begin(), unknown.end(), "help") != unknown.end())
      return usage_error("there is no command \"help\"",
                         fmt::format("write mote {} --help", options->command().get_name()));
    for (const std::string& word : unknown)  // an option first: the words behind it are its values
      if (word[0] == '-') return options->unknown(word, commands);
    if (!unknown.empty()) return options->unknown(unknown.front(), commands);
    return usage_error("the line cannot be read", fmt::format("see mote {} --help", options->command().get_name()));
  }
  std::vector<std::string> names;
  for (const CLI::App* command : commands) names.push_back(command->get_name());
  for (const std::string& word : unknown) {
    if (!word.empty() && word[0] == '-') continue;
    const std::string hint = word == "help" ? "write mote --help or mote COMMAND --help; " : did_you_mean(word, names);
    return usage_error(fmt::format("there is no command {}", in_quotes(word)),
                       hint + "the commands are " + list_of(names));
  }
  if (!unknown.empty())
    return usage_error(fmt::format("there is no command, and mote alone has no {}", in_quotes(unknown.front())),
                       "write a command first: " + list_of(names));
  return usage_error("there is no command", "the commands are " + list_of(names));
}

/// The first word that CLI11 takes for -h and more short options, such as "-history"; empty: the line asks for help.
std::string_view misread_help(std::span<const char* const> arguments) {
  for (const std::string_view argument : arguments)
    if (argument == "-h" || argument == "--help") return {};
  for (const std::string_view argument : arguments)
    if (argument.starts_with("-h")) return argument;
  return {};
}

/// What --help prints; as JSON the text and the options one by one.
void print_help(const CLI::App& app, const Context& context) {
  const CLI::App* command = &app;
  for (const CLI::App* chosen : app.get_subcommands()) command = chosen;
  nlohmann::ordered_json json{{"command", command == &app ? "mote" : command->get_name()},
                              {"description", command->get_description()},
                              {"options", nlohmann::ordered_json::array()}};
  for (const CLI::Option* option : command->get_options())
    json["options"].push_back({{"name", option->get_name(true, true)},
                               {"value", option->get_type_name()},
                               {"default", option->get_default_str()},
                               {"help", option->get_description()}});
  const std::string text = app.help();
  json["help"] = text;
  print_result(context, json, text);
}

void complain(const Error& error) { print_error("mote: " + printable_line(error.message()) + "\n"); }

void report(const Error& error, bool json) {
  try {
    if (json) return print_out(error.json() + "\n");
  } catch (const Error&) {  // nobody listens there
  }
  complain(error);
}

/// A failure that stands in the result that was printed.
struct Reported {
  int exit_code;
};

bool wants_json(std::span<const char* const> arguments) {
  for (const std::string_view argument : arguments)
    if (argument == "--json") return true;
  return false;
}

int guarded(const std::function<void()>& work, bool json) {
  try {
    work();
    return 0;
  } catch (const Error& error) {
    report(error, json);
    return error.exit_code();
  } catch (const Reported& failure) {
    return failure.exit_code;
  } catch (const std::bad_alloc&) {
    report(data_error("there is not enough memory for this", "use fewer samples or a smaller batch"), json);
  } catch (const std::exception& error) {
    report(data_error(error.what(), "this should have a better message; please report it"), json);
  }
  return 1;
}

void choose_isa(const std::string& name) {
  if (use_isa(name.c_str())) return;
  std::vector<std::string> sets;
  for (std::size_t i = 0; runnable_isa(i) != nullptr; ++i) sets.emplace_back(runnable_isa(i));
  throw usage_error(fmt::format("--isa: there are no kernels for {} here", in_quotes(name)),
                    fmt::format("this program and this computer have {}", list_of(sets)));
}

}  // namespace

Options& add_command(CLI::App& app, Context& context, const std::string& name, const std::string& description,
                     const std::string& footer) {
  CLI::App* const command = app.add_subcommand(name, description);
  command->footer(footer);
  command->fallthrough();  // mote's own options are known behind the command too
  Options& options = *context.commands.emplace_back(std::make_unique<Options>(*command, context.arguments));
  command->callback([&options, &context] { context.chosen = &options; });
  options.flag("--json", context.json, "print one JSON object instead of text, errors too");
  return options;
}

void print_result(const Context& context, nlohmann::ordered_json json, const std::string& text,
                  const std::optional<Error>& failure) {
  if (failure && context.json) json.update(nlohmann::ordered_json::parse(failure->json()));
  print_out(context.json ? json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n" : text);
  if (!failure) return;
  if (!context.json) complain(*failure);
  throw Reported{failure->exit_code()};
}

void add_force(Options& options, Context& context, std::vector<Condition> writing) {
  Options::Entry& force =
      options.flag("--force", context.force, "replace files that hold something else than what is written to them");
  if (!writing.empty()) force.only_with(std::move(writing));
}

int run_command_line(int argc, const char* const* argv) {
  Context context;
  context.arguments = {argv, static_cast<std::size_t>(argc)};
  CLI::App app("mote: neural networks on small machines, trained and run inside one block of memory", "mote");
  Options top(app, context.arguments);
  std::string isa;
  std::uint32_t threads = 1;
  top.text("--isa", isa, "NAME", "instruction set of the kernels (default: the best this computer has)");
  top.whole("--threads", threads, {1, 256}, "divide large layers among so many threads; the results do not change");
  app.set_version_flag("--version", fmt::format("mote {} (kernels {})", MOTE_VERSION, isa_name()), "print the version");
  app.set_help_flag("-h,--help", "print this help");
  app.footer(kOverview);
  app.require_subcommand(1);
  app.get_formatter()->column_width(34);
  add_train(app, context);
  add_ppr(app, context);
  add_eval(app, context);
  add_run(app, context);
  add_bench(app, context);
  add_plan(app, context);
  add_info(app, context);
  add_params(app, context);
  add_import(app, context);
  add_export(app, context);
  add_quantize(app, context);
  add_compare(app, context);
  add_fold(app, context);
  add_demo(app, context);
  FileLedger::current().open();
  const bool json = wants_json(context.arguments);
  int exit_code = 0;
  const int failed = guarded(
      [&] {
        if (argc <= 1) {
          exit_code = 2;
          return print_result(context, {}, app.help());
        }
        try {
          app.parse(argc, argv);
        } catch (const CLI::CallForHelp& error) {
          if (const std::string_view word = misread_help(context.arguments); !word.empty())
            throw argument_error(error, app, context, top, std::string(word));
          context.json = json;
          return print_help(app, context);
        } catch (const CLI::CallForVersion& version) {
          context.json = json;
          return print_result(context, {{"version", MOTE_VERSION}, {"kernels", isa_name()}},
                              std::string(version.what()) + "\n");
        } catch (const CLI::ParseError& error) {
          throw argument_error(error, app, context, top);
        }
        top.check();
        context.chosen->check();
        if (!isa.empty()) choose_isa(isa);
        if (threads > 1) start_threads(threads);
        if (context.force) FileLedger::current().allow_other_kinds();
        context.chosen->work();
      },
      json);
  return failed != 0 ? failed : exit_code;
}

}  // namespace mote::tool
