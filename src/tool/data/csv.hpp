// SPDX-License-Identifier: Apache-2.0
// Comma-separated values: numbers in rows of one length, an optional header, quoted cells, CRLF, empty lines.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mote::tool {

struct Table {
  std::string path;
  std::vector<std::string> names;  ///< empty where the file has no header
  std::size_t columns = 0;
  std::vector<float> values;         ///< rows of `columns`
  std::vector<std::uint32_t> lines;  ///< of each row, counted from 1

  [[nodiscard]] std::size_t rows() const { return lines.size(); }
  /// `column` is a header's name, a number counted from 1, or "last". Throws with the names there are.
  [[nodiscard]] std::size_t column_index(const std::string& column) const;
  /// `3 ("width")` or `3`, for messages.
  [[nodiscard]] std::string column_text(std::size_t index) const;
};

/// A first line with a cell that is not a number is the header. The separator is what the first line has: a comma,
/// else a semicolon, else a tab. Ragged rows, cells that are empty, not numbers or not finite: Error with file, line
/// and column (of the table, from 1). A row has at most 2^22 cells.
Table read_csv(const std::string& path);
/// The same from memory; `path` only names the place in errors.
Table parse_csv(std::string_view text, const std::string& path);

}  // namespace mote::tool
