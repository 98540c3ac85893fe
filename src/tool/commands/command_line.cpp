// SPDX-License-Identifier: Apache-2.0
// The top of the tool: subcommands, --version, --help, and the one place where exceptions end.
#include "tool/commands/command_line.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <new>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>

#include "mote/kernels/isa.hpp"
#include "tool/commands/commands.hpp"
#include "tool/terminal/error.hpp"
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
Every command takes --json. Exit codes: 0 done, 1 data or model at fault, 2 arguments at fault.
)";

/// The long options that `command` takes.
std::vector<std::string> option_names(const CLI::App& command) {
  std::vector<std::string> names;
  for (const CLI::Option* option : command.get_options())
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  return names;
}

/// CLI11's complaint as ours, with a suggestion for what it did not know.
Error argument_error(const CLI::ParseError& error, const CLI::App& app, std::span<const char* const> arguments) {
  const CLI::App* command = &app;
  for (const CLI::App* chosen : app.get_subcommands()) command = chosen;
  const std::string where = command == &app ? "mote --help" : fmt::format("mote {} --help", command->get_name());
  std::string what = error.what(), hint;
  for (char& c : what)
    if (c == '\n') c = ' ';
  if (command == &app && arguments.size() > 1 && arguments[1][0] != '-') {
    std::vector<std::string> names;
    for (const CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; }))
      names.push_back(sub->get_name());
    what = fmt::format("there is no command {}", in_quotes(arguments[1]));
    return usage_error(what, did_you_mean(arguments[1], names) + "the commands are " + list_of(names));
  }
  if (const std::size_t at = what.find(": At Most 1 required"); at != std::string::npos)
    return usage_error(what.substr(0, at) + " is given more than once", "give it once");
  if (dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr) {
    const std::vector<std::string> names = option_names(*command);
    for (const std::string& word : command->remaining()) {
      hint = word.starts_with("--") ? did_you_mean(word.substr(0, word.find('=')), names) : "";
      what = fmt::format("{} is not understood", in_quotes(word));
      if (word.starts_with("--")) break;
    }
  }
  return usage_error(what, hint + "see " + where);
}

void report(const Error& error, bool json) {
  if (json) {
    fmt::print("{}\n", error.json());
  } else {
    fmt::print(stderr, "mote: {}\n", error.message());
  }
}

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

CLI::App* add_command(CLI::App& app, Context& context, const std::string& name, const std::string& description,
                      const std::string& footer) {
  CLI::App* const command = app.add_subcommand(name, description);
  command->footer(footer);
  command->add_flag("--json", context.json, "print one JSON object instead of text, errors too");
  return command;
}

void print_result(const Context& context, const nlohmann::ordered_json& json, const std::string& text) {
  const std::string out =
      context.json ? json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n" : text;
  std::fwrite(out.data(), 1, out.size(), stdout);
  if (std::fflush(stdout) != 0)
    throw data_error("cannot write the result to the standard output", "check where it goes");
}

int run_command_line(int argc, const char* const* argv) {
  const std::span<const char* const> arguments(argv, static_cast<std::size_t>(argc));
  Context context;
  CLI::App app("mote: neural networks on small machines, trained and run inside one block of memory", "mote");
  app.add_option_function<std::string>("--isa", choose_isa,
                                       "instruction set of the kernels (default: the best this computer has)")
      ->type_name("NAME");
  app.add_option_function<std::uint32_t>("--threads", start_threads,
                                         "divide large layers among so many threads (1); the results do not change")
      ->type_name("N")
      ->check(CLI::Range(1, 256));
  app.set_version_flag("--version", fmt::format("mote {} (kernels {})", MOTE_VERSION, isa_name()), "print the version");
  app.set_help_flag("-h,--help", "print this help");
  app.footer(kOverview);
  app.require_subcommand(1);
  app.get_formatter()->column_width(34);
  add_train(app, context);
  add_ppr(app, context);
  add_eval(app, context);
  add_run(app, context);
  add_plan(app, context);
  add_info(app, context);
  add_params(app, context);
  add_fold(app, context);
  add_demo(app, context);
  if (argc <= 1) {
    fmt::print("{}", app.help());
    return 2;
  }
  const bool json = wants_json(arguments);
  return guarded(
      [&] {
        try {
          app.parse(argc, argv);
        } catch (const CLI::ParseError& error) {
          if (error.get_exit_code() != 0) throw argument_error(error, app, arguments);
          app.exit(error);  // help and version go to the standard output
        }
      },
      json);
}

}  // namespace mote::tool
