// SPDX-License-Identifier: Apache-2.0
// How an error reads, as text and as JSON.
#include "tool/terminal/error.hpp"

#include <cctype>
#include <csignal>
#include <cstring>
#include <nlohmann/json.hpp>

namespace mote::tool {
namespace {

/// Without what a sentence ends in: the stop is compose()'s.
std::string without_stop(std::string_view text) {
  while (!text.empty() && std::string_view(" .;:,!").find(text.back()) != std::string_view::npos) text.remove_suffix(1);
  return std::string(text);
}

}  // namespace

Advice advice_of(std::string_view sentence) {
  const std::size_t cut = sentence.find("; ");
  Advice out{without_stop(sentence.substr(0, cut)),
             cut == std::string_view::npos ? "" : without_stop(sentence.substr(cut + 2))};
  if (!out.what.empty()) out.what[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(out.what[0])));
  return out;
}

Error& Error::compose() {
  what_ = without_stop(what_), remedy_ = without_stop(remedy_);
  message_ = file_;
  if (line_) message_ += (message_.empty() ? "line " : ":") + std::to_string(*line_);
  if (column_) message_ += (line_ ? ":" : message_.empty() ? "column " : ", column ") + std::to_string(*column_);
  if (byte_) message_ += (message_.empty() ? "byte " : ", byte ") + std::to_string(*byte_);
  if (!message_.empty()) message_ += ": ";
  message_ += what_;
  if (!remedy_.empty()) message_ += "; " + remedy_;
  message_ += '.';
  return *this;
}

std::string Error::json() const {
  nlohmann::ordered_json error;
  error["kind"] = fault_ == Fault::usage ? "usage" : fault_ == Fault::data ? "data" : "interrupted";
  error["message"] = message_;
  error["what"] = what_;
  error["remedy"] = remedy_;
  if (!code_.empty()) error["code"] = code_;
  if (!file_.empty()) error["file"] = file_;
  if (line_) error["line"] = *line_;
  if (column_) error["column"] = *column_;
  if (byte_) error["byte"] = *byte_;
  error["exit_code"] = exit_code();
  // Bytes of a garbled file may stand in the message: whatever is not UTF-8 becomes U+FFFD.
  return nlohmann::ordered_json{{"error", error}}.dump(-1, ' ', false,
                                                       nlohmann::ordered_json::error_handler_t::replace);
}

std::string system_text(int number) { return std::strerror(number); }

Error interruption(int signal) {
  const char* const name = signal == SIGINT ? "Ctrl-C (SIGINT)" : signal == SIGTERM ? "SIGTERM" : "SIGHUP";
  return {static_cast<Fault>(128 + signal), std::string("ended by ") + name,
          "mote train --model FILE.mote goes on from a model file"};
}

}  // namespace mote::tool
