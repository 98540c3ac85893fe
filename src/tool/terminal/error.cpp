// SPDX-License-Identifier: Apache-2.0
// How an error reads, as text and as JSON.
#include "tool/terminal/error.hpp"

#include <nlohmann/json.hpp>

namespace mote::tool {

Error& Error::compose() {
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
  error["kind"] = fault_ == Fault::usage ? "usage" : "data";
  error["message"] = message_;
  error["what"] = what_;
  error["remedy"] = remedy_;
  if (!file_.empty()) error["file"] = file_;
  if (line_) error["line"] = *line_;
  if (column_) error["column"] = *column_;
  if (byte_) error["byte"] = *byte_;
  error["exit_code"] = exit_code();
  // Bytes of a garbled file may stand in the message: whatever is not UTF-8 becomes U+FFFD.
  return nlohmann::ordered_json{{"error", error}}.dump(-1, ' ', false,
                                                       nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace mote::tool
