// SPDX-License-Identifier: Apache-2.0
// The tool's one exception: a sentence, where it happened, and the remedy. main() turns it into text or JSON.
// Host only; relies on the standard library. The core never throws: status_error.hpp turns a Status into this.
#pragma once

#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace mote::tool {

/// The exit code of the process; a signal's is 128 and its number.
enum class Fault : std::uint8_t { data = 1, usage = 2, hung_up = 129, interrupted = 130, terminated = 143 };

class Error : public std::exception {
 public:
  /// `what` is a sentence without a full stop; `remedy` says what to do, likewise.
  Error(Fault fault, std::string what, std::string remedy)
      : fault_(fault), what_(std::move(what)), remedy_(std::move(remedy)) {
    compose();
  }

  Error& in(std::string file) { return file_ = std::move(file), compose(); }
  /// Puts `context` and a colon before what was wrong.
  Error& during(const std::string& context) { return what_ = context + ": " + what_, compose(); }
  /// Another remedy, where more is known than when the error was made.
  Error& advise(std::string remedy) { return remedy_ = std::move(remedy), compose(); }
  Error& at_line(std::size_t line) { return line_ = line, compose(); }
  Error& at_column(std::size_t column) { return column_ = column, compose(); }
  Error& at_byte(std::uint64_t byte) { return byte_ = byte, compose(); }
  /// The library's name for it, for programs: JSON has it, the sentence has not.
  Error& code(std::string name) { return code_ = std::move(name), *this; }

  /// "file:line:column: what; remedy." with the parts that are known.
  [[nodiscard]] const char* what() const noexcept override { return message_.c_str(); }
  [[nodiscard]] const std::string& message() const { return message_; }
  [[nodiscard]] int exit_code() const { return static_cast<int>(fault_); }
  /// 0: not known.
  [[nodiscard]] std::size_t line() const { return line_.value_or(0); }
  [[nodiscard]] bool has_file() const { return !file_.empty(); }
  /// {"error": {"kind", "message", "what", "remedy", "code", "file", "line", "column", "byte", "exit_code"}}, one line.
  [[nodiscard]] std::string json() const;

 private:
  Error& compose();

  Fault fault_;
  std::string what_, remedy_, code_, file_, message_;
  std::optional<std::size_t> line_, column_;
  std::optional<std::uint64_t> byte_;
};

/// A sentence of the library, "What was wrong; what to do.", as an Error takes it: two parts, small letters, no stop.
struct Advice {
  std::string what, remedy;
};
Advice advice_of(std::string_view sentence);

/// What the system calls its error `number` (errno).
std::string system_text(int number);

inline Error usage_error(std::string what, std::string remedy) {
  return {Fault::usage, std::move(what), std::move(remedy)};
}
inline Error data_error(std::string what, std::string remedy) {
  return {Fault::data, std::move(what), std::move(remedy)};
}

/// The run was ended from outside.
Error interruption(int signal);

}  // namespace mote::tool
