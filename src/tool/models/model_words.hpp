// SPDX-License-Identifier: Apache-2.0
// The text form's words and where they stand: what parser (model_text.cpp) and messages share. No meaning here.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mote::tool {

struct Word {
  std::string text;
  std::size_t line = 1, column = 1;  // of its first byte, from 1
  unsigned scope = 0;                // of a name: the copy of a repetition that it belongs to, or 0

  /// What tells a name from the same one in another copy; # cannot be written in a name.
  [[nodiscard]] std::string name() const { return scope == 0 ? text : text + '#' + std::to_string(scope); }
};

/// A name as it was written.
inline std::string written(std::string_view name) { return std::string(name.substr(0, name.find('#'))); }

/// The words of one layer.
using Line = std::vector<Word>;

/// Cuts text into layers at line ends, ';' and ',', and layers into words at blanks. '#' starts a comment. A brace is a
/// word: '{' ends its line, '}' is a line.
inline std::vector<Line> split_lines(std::string_view text) {
  std::vector<Line> lines(1);
  std::size_t line = 1, column = 1;
  bool comment = false, in_word = false;
  for (const char c : text) {
    const bool blank = c == ' ' || c == '\t' || c == '\r';
    const bool end = c == '\n' || (!comment && (c == ';' || c == ','));
    const bool brace = !comment && (c == '{' || c == '}');
    if (c == '#') comment = true;
    if (brace) {
      in_word = false;
      if (c == '}' && !lines.back().empty()) lines.emplace_back();
      lines.back().push_back({std::string(1, c), line, column});
      lines.emplace_back();
    } else if (end || blank || comment) {
      in_word = false;
      if (end && !lines.back().empty()) lines.emplace_back();
    } else {
      if (!in_word) lines.back().push_back({"", line, column});
      in_word = true;
      lines.back().back().text += c;
    }
    ++column;
    if (c == '\n') comment = false, ++line, column = 1;
  }
  if (lines.back().empty()) lines.pop_back();
  return lines;
}

}  // namespace mote::tool
