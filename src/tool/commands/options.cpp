// SPDX-License-Identifier: Apache-2.0
// CLI11 is told little: every option may come any number of times with one text each. All judgement is in check().
#include "tool/commands/options.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <string_view>

#include "tool/terminal/suggest.hpp"

namespace mote::tool {
namespace {

std::vector<std::string> split_at_commas(const std::string& text) {
  std::vector<std::string> out(1);
  for (const char c : text)
    if (c == ',')
      out.emplace_back();
    else
      out.back() += c;
  return out;
}

/// "a", "a or b", "a, b or c".
std::string either(const std::vector<std::string>& words) {
  std::string out;
  for (std::size_t i = 0; i < words.size(); ++i)
    out += (i == 0 ? "" : i + 1 == words.size() ? " or " : ", ") + words[i];
  return out;
}

/// The word up to '=': what an option is called where its value is glued to it.
std::string name_in(std::string_view argument) { return std::string(argument.substr(0, argument.find('='))); }

}  // namespace

Options::Entry& Options::Entry::under(const std::string& heading) { return cli->group(heading), *this; }
Options::Entry& Options::Entry::required() { return is_required = true, *this; }
Options::Entry& Options::Entry::only_with(std::vector<Condition> any) { return needs.push_back(std::move(any)), *this; }
Options::Entry& Options::Entry::not_with(std::vector<Condition> any) {
  return excludes.push_back(std::move(any)), *this;
}

Options::Entry& Options::add(const std::string& names, const std::string& type, const std::string& help) {
  Entry& entry = entries_.emplace_back();
  entry.names = split_at_commas(names);
  entry.type = type;
  entry.cli = command_.add_option(
      names, [&entry](const CLI::results_t& values) { return entry.given = values, true; }, help);
  entry.cli->type_name(type)->expected(1)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  return entry;
}

Options::Entry& Options::with_default(Entry& entry, const std::string& value) {
  entry.fallback = value;
  entry.cli->default_str(value);
  return entry;
}

Options::Entry& Options::flag(const std::string& names, bool& to, const std::string& help) {
  Entry& entry = entries_.emplace_back();
  entry.names = split_at_commas(names);
  entry.cli = command_.add_flag_function(
      names,
      [&entry, &to](std::int64_t count) {
        entry.given.assign(static_cast<std::size_t>(count), "true");
        to = true;
      },
      help);
  entry.cli->disable_flag_override();
  return entry;
}

Options::Entry& Options::text(const std::string& names, std::string& to, const std::string& type,
                              const std::string& help) {
  Entry& entry = add(names, type, help);
  entry.take = [&to](const std::string& value) { to = value; };
  return to.empty() ? entry : with_default(entry, to);
}

Options::Entry& Options::named_texts(const std::string& names, std::vector<std::string>& to, const std::string& type,
                                     const std::string& help) {
  Entry& entry = add(names, type, help);
  entry.repeats = true;
  entry.take = [&to](const std::string& value) { to.push_back(value); };
  return entry;
}

Options::Entry& Options::word(const std::string& names, std::string& to, std::vector<std::string> words,
                              const std::string& help) {
  Entry& entry = add(names, "NAME", help);
  entry.take = [&to, &entry, this, words = std::move(words)](const std::string& value) {
    if (std::find(words.begin(), words.end(), value) == words.end())
      throw usage_error(fmt::format("{} has no {}", name_of(entry), in_quotes(value)),
                        fmt::format("{}it takes {}", did_you_mean(value, words), either(words)));
    to = value;
  };
  return to.empty() ? entry : with_default(entry, to);
}

Options::Entry& Options::list(const std::string& names, std::vector<std::string>& to, const std::string& type,
                              const std::string& help) {
  Entry& entry = add(names, type, help);
  entry.is_list = true;
  entry.take = [&to, &entry, this](const std::string& value) {
    to = split_at_commas(value);
    for (const std::string& part : to)
      if (part.empty())
        throw usage_error(fmt::format("{} has nothing between two commas in {}", name_of(entry), in_quotes(value)),
                          "give names with single commas between them, and none at the ends");
  };
  return entry;
}

Options::Entry& Options::number(const std::string& names, const Whole& numbers, const std::string& type,
                                const std::string& help) {
  return add(names, type, fmt::format("{}; {}", help, mote::tool::text_of(numbers)));
}
Options::Entry& Options::number(const std::string& names, const Real& numbers, const std::string& type,
                                const std::string& help) {
  return add(names, type, fmt::format("{}; {}", help, mote::tool::text_of(numbers)));
}

Options::Entry& Options::real(const std::string& names, float& to, Real numbers, const std::string& help,
                              const std::string& type) {
  Entry& entry = number(names, numbers, type, help);
  entry.take = [&to, &entry, numbers, this](const std::string& value) {
    to = read_float(value, numbers, name_of(entry));
  };
  return numbers.takes(static_cast<double>(to)) && to != 0.0F ? with_default(entry, fmt::format("{}", to)) : entry;
}
Options::Entry& Options::real(const std::string& names, double& to, Real numbers, const std::string& help,
                              const std::string& type) {
  Entry& entry = number(names, numbers, type, help);
  entry.take = [&to, &entry, numbers, this](const std::string& value) {
    to = read_number(value, numbers, name_of(entry));
  };
  return numbers.takes(to) && to != 0.0 ? with_default(entry, fmt::format("{}", to)) : entry;
}
Options::Entry& Options::real(const std::string& names, std::optional<float>& to, Real numbers, const std::string& help,
                              const std::string& type) {
  Entry& entry = number(names, numbers, type, help);
  entry.take = [&to, &entry, numbers, this](const std::string& value) {
    to = read_float(value, numbers, name_of(entry));
  };
  return entry;
}
Options::Entry& Options::real(const std::string& names, std::optional<double>& to, Real numbers,
                              const std::string& help, const std::string& type) {
  Entry& entry = number(names, numbers, type, help);
  entry.take = [&to, &entry, numbers, this](const std::string& value) {
    to = read_number(value, numbers, name_of(entry));
  };
  return entry;
}

std::string Options::name_of(const Entry& entry) const {
  for (const std::string_view argument : arguments_)
    for (const std::string& name : entry.names)
      if (name_in(argument) == name) return name;
  return entry.names.front();
}

const Options::Entry& Options::entry_called(const std::string& name) const {
  for (const Entry& entry : entries_)
    for (const std::string& other : entry.names)
      if (other == name) return entry;
  throw std::logic_error("no option " + name);  // a fault in the table, found by the first line that asks
}

bool Options::given(const std::string& name) const { return !entry_called(name).given.empty(); }

bool Options::holds(const Condition& condition) const {
  const Entry& entry = entry_called(condition.option);
  if (condition.values.empty()) return !entry.given.empty();
  const std::string& value = entry.given.empty() ? entry.fallback : entry.given.front();
  return std::find(condition.values.begin(), condition.values.end(), value) != condition.values.end();
}

/// What the line says about it: "--optimizer sgd", or "--labels".
std::string Options::text_of(const Condition& condition) const {
  const Entry& entry = entry_called(condition.option);
  if (condition.values.empty()) return name_of(entry);
  if (!entry.given.empty()) return name_of(entry) + " " + entry.given.front();
  return fmt::format("{} {} (the default)", name_of(entry), entry.fallback);
}

void Options::check_values(const Entry& entry) const {
  const std::string name = name_of(entry);
  const bool all_named =
      std::ranges::all_of(entry.given, [](const std::string& value) { return value.find('=') != std::string::npos; });
  if (entry.given.size() > 1 && !(entry.repeats && all_named))
    throw usage_error(name + " is given more than once",
                      entry.repeats   ? fmt::format("give it once, or write {} NAME=FILE each time", name)
                      : entry.is_list ? fmt::format("give it once, with commas: {} {}", name,
                                                    in_quotes(fmt::format("{}", fmt::join(entry.given, ","))))
                                      : "give it once");
  if (!entry.take) return;
  const std::string shape = entry.names.front()[0] == '-' ? name + " " + entry.type : entry.type;
  for (const std::string& value : entry.given) {
    if (value.find_first_not_of(" \t\n\r") == std::string::npos)
      throw usage_error(fmt::format("the value of {} is empty", name),
                        fmt::format("write {}{}", shape, entry.is_required ? "" : ", or leave it out"));
    entry.take(value);
  }
}

void Options::check_meaning(const Entry& entry) const {
  const std::string name = name_of(entry);
  for (const std::vector<Condition>& any : entry.excludes)
    for (const Condition& condition : any)
      if (holds(condition))
        throw usage_error(fmt::format("{} means nothing beside {}", name, text_of(condition)),
                          condition.values.empty()
                              ? "leave out one of them"
                              : fmt::format("leave it out or choose another {}", condition.option));
  for (const std::vector<Condition>& any : entry.needs) {
    if (std::any_of(any.begin(), any.end(), [&](const Condition& c) { return holds(c); })) continue;
    std::vector<std::string> remedies;
    for (const Condition& c : any) remedies.push_back(c.values.empty() ? c.option : c.option + " " + either(c.values));
    const std::string without = any.size() == 1 && !any.front().values.empty() ? text_of(any.front()) : "";
    throw usage_error(without.empty() ? fmt::format("{} means nothing without {}", name, either(remedies))
                                      : fmt::format("{} means nothing for {}", name, without),
                      fmt::format("leave it out, or add {}", either(remedies)));
  }
}

/// CLI11 takes whatever follows for an option's value.
void Options::check_order() const {
  for (const Entry& entry : entries_)
    for (const std::string& value : entry.given)
      for (const Entry& other : entries_)
        for (const std::string& name : other.names)
          if (entry.take && name[0] == '-' && name_in(value) == name)
            throw usage_error(fmt::format("{} has no value: {} is the next option", name_of(entry), name),
                              fmt::format("write {} {}", name_of(entry), entry.type));
}

void Options::check() {
  check_order();
  for (const Entry& entry : entries_)
    if (!entry.given.empty()) check_values(entry);
  for (const Entry& entry : entries_)
    if (!entry.given.empty()) check_meaning(entry);
  for (const Entry& entry : entries_)
    if (entry.is_required && entry.given.empty())
      throw usage_error(
          fmt::format("{} is required", entry.names.front()),
          fmt::format("add {}{}", entry.names.front()[0] == '-' ? entry.names.front() + " " : "", entry.type));
}

Error Options::unknown(const std::string& word, std::span<const CLI::App* const> others) const {
  const std::string command = command_.get_name(), see = fmt::format("see mote {} --help", command);
  std::vector<std::string> names{"--help"};
  for (const Entry& entry : entries_)
    for (const std::string& name : entry.names) {
      if (name[0] == '-') names.push_back(name);
      if (name[0] != '-' && edit_distance("--" + name, name_in(word)) == 0)
        return usage_error(fmt::format("{} has no {}", command, name_in(word)),
                           fmt::format("write the {} without it: mote {} {}", entry.type, command, entry.type));
    }
  const std::string name = name_in(word), likely = did_you_mean(name, names);
  if (word[0] != '-')
    return usage_error(
        fmt::format("{} belongs to no option of {}", in_quotes(word), command),
        fmt::format("{}put the option's name before it, and quotes around words that belong together; {}", likely,
                    see));
  if (likely.empty())
    for (const CLI::App* other : others)
      if (other != &command_ && other->get_option_no_throw(name) != nullptr)
        return usage_error(fmt::format("{} has no {}: that is an option of mote {}", command, name, other->get_name()),
                           see);
  return usage_error(fmt::format("{} has no {}", command, in_quotes(name)), likely + see);
}

std::optional<Error> Options::wrong_count(std::string_view complaint) const {
  for (const Entry& entry : entries_)
    for (const std::string& name : entry.names) {
      if (entry.take && complaint.starts_with(name + ":"))
        return usage_error(name_of(entry) + " has no value", fmt::format("write {} {}", name_of(entry), entry.type));
      if (!entry.take && complaint.substr(0, complaint.find(' ')) == name.substr(name.find_first_not_of('-')))
        return usage_error(name + " takes no value", fmt::format("write {} alone, or leave it out", name));
    }
  return std::nullopt;
}

}  // namespace mote::tool
