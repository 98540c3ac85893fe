// SPDX-License-Identifier: Apache-2.0
// The options of one command: CLI11 cuts the line into names and values and writes the help; what a value may be and
// when an option means anything is said where the option is declared, and checked for all of them in one place,
// check().
#pragma once

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <deque>
#include <functional>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tool/terminal/error.hpp"
#include "tool/terminal/number.hpp"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace mote::tool {

/// Holds where the option or argument is given or, with `values`, where it has one of them, by default too.
struct Condition {
  std::string option;
  std::vector<std::string> values;
};

class Options {
 public:
  /// One option as it is declared. Every word of the line that concerns it is judged by check().
  class Entry {
   public:
    /// The heading of --help that it stands under.
    Entry& under(const std::string& heading);
    Entry& required();
    /// It means nothing unless one of these holds. Said more than once: each must be met.
    Entry& only_with(std::vector<Condition> any);
    /// It means nothing where one of these holds.
    Entry& not_with(std::vector<Condition> any);

   private:
    friend class Options;
    CLI::Option* cli = nullptr;
    std::vector<std::string> names;                // "--lr", "--learning-rate"; or "MODEL"
    std::string type, wants;                       // "FILE"; "a file name", "a number above 0"
    std::string fallback;                          // its value where it is not given
    std::vector<std::string> given;                // once for each time
    std::function<void(const std::string&)> take;  // puts the value where it belongs, or throws; none for flags
    bool is_required = false, is_list = false, repeats = false;
    std::vector<std::vector<Condition>> needs, excludes;
  };

  /// `arguments`: the whole line, so that an error can say a name as it was typed.
  Options(CLI::App& command, std::span<const char* const> arguments) : command_(command), arguments_(arguments) {}
  Options(const Options&) = delete;
  Options& operator=(const Options&) = delete;

  /// `names` such as "--lr,--learning-rate"; "MODEL" is a word without a name. The value `to` holds is the default that
  /// --help shows.
  Entry& flag(const std::string& names, bool& to, const std::string& help);
  Entry& text(const std::string& names, std::string& to, const std::string& type, const std::string& help);
  /// NAME=FILE may be given again and again; a text without '=' is given once.
  Entry& named_texts(const std::string& names, std::vector<std::string>& to, const std::string& type,
                     const std::string& help);
  /// One of `words`; `to` gets the word.
  Entry& word(const std::string& names, std::string& to, std::vector<std::string> words, const std::string& help);
  /// Texts with commas between them, none empty.
  Entry& list(const std::string& names, std::vector<std::string>& to, const std::string& type, const std::string& help);

  /// A whole number that T holds.
  template <std::unsigned_integral T>
  Entry& whole(const std::string& names, T& to, Whole numbers, const std::string& help, const std::string& type = "N") {
    numbers.most = std::min<std::uint64_t>(numbers.most, std::numeric_limits<T>::max());
    Entry& entry = number(names, numbers, type, help);
    entry.take = [&to, &entry, numbers, this](const std::string& value) {
      to = static_cast<T>(read_number(value, numbers, name_of(entry)));
    };
    return to >= numbers.least ? with_default(entry, std::to_string(to)) : entry;
  }
  template <std::unsigned_integral T>
  Entry& whole(const std::string& names, std::optional<T>& to, Whole numbers, const std::string& help,
               const std::string& type = "N") {
    numbers.most = std::min<std::uint64_t>(numbers.most, std::numeric_limits<T>::max());
    Entry& entry = number(names, numbers, type, help);
    entry.take = [&to, &entry, numbers, this](const std::string& value) {
      to = static_cast<T>(read_number(value, numbers, name_of(entry)));
    };
    return entry;
  }
  Entry& real(const std::string& names, float& to, Real numbers, const std::string& help,
              const std::string& type = "X");
  Entry& real(const std::string& names, double& to, Real numbers, const std::string& help,
              const std::string& type = "X");
  Entry& real(const std::string& names, std::optional<float>& to, Real numbers, const std::string& help,
              const std::string& type = "X");
  Entry& real(const std::string& names, std::optional<double>& to, Real numbers, const std::string& help,
              const std::string& type = "X");

  /// Judges everything that was given and puts values where they belong. Throws a usage error at the first mistake:
  /// given twice, without a value, an empty value, a value of another kind, a meaning that it has not here, a missing
  /// option.
  void check();
  [[nodiscard]] bool given(const std::string& name) const;
  /// As it was typed, or its first name.
  [[nodiscard]] std::string name_of(const Entry& entry) const;

  /// The error for a word that this command does not know, with what was probably meant.
  [[nodiscard]] Error unknown(const std::string& word, std::span<const CLI::App* const> others) const;
  /// The error for an option that the line ends behind, or a flag with a value, of which CLI11 complains by name.
  [[nodiscard]] std::optional<Error> wrong_count(std::string_view complaint) const;
  /// Throws where an option's value is the name of the next one.
  void check_order() const;

  [[nodiscard]] CLI::App& command() const { return command_; }
  void run(std::function<void()> work) { work_ = std::move(work); }
  void work() const { work_(); }

 private:
  Entry& add(const std::string& names, const std::string& type, const std::string& help);
  Entry& number(const std::string& names, const Whole& numbers, const std::string& type, const std::string& help);
  Entry& number(const std::string& names, const Real& numbers, const std::string& type, const std::string& help);
  static Entry& with_default(Entry& entry, const std::string& value);
  [[nodiscard]] const Entry& entry_called(const std::string& name) const;
  [[nodiscard]] bool holds(const Condition& condition) const;
  [[nodiscard]] std::string text_of(const Condition& condition) const;
  void check_values(const Entry& entry) const;
  void check_meaning(const Entry& entry) const;

  CLI::App& command_;
  std::span<const char* const> arguments_;
  std::deque<Entry> entries_;  // which do not move: their callbacks point to them
  std::function<void()> work_;
};

}  // namespace mote::tool
