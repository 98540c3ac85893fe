// SPDX-License-Identifier: Apache-2.0
// Tables as text: rows of numbers and words. What separates cells, how numbers are written and whether the first line
// is a header is found out from the text by the rules below; what columns mean is columns.hpp's.
#pragma once

#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace mote::tool {

enum class HeaderRule : std::uint8_t { automatic, yes, no };

/// The cells of one column that are not numbers.
struct Words {
  std::vector<std::uint32_t> codes;  ///< of each row; empty where the column has numbers only
  std::vector<std::string> list;     ///< distinct words, in the order they came
  std::unordered_map<std::string, std::uint32_t> index;
};

struct Table {
  std::string path;
  std::vector<std::string> names;  ///< empty where the file has no header; else one a column, all different
  std::size_t columns = 0;
  std::vector<double> values;  ///< rows of `columns`; NaN for a word or a missing cell, 1 and 0 for true and false
  std::vector<Words> words;    ///< of each column
  std::vector<std::uint32_t> lines;  ///< of each row, counted from 1
  std::string format;                ///< "comma, header in line 1", for a person
  std::vector<std::string> notes;    ///< what may have been taken for something else

  static constexpr std::uint32_t kNumber = 0, kMissing = 0xFFFF'FFFFU;  // other codes: 1 + index in the list

  [[nodiscard]] std::size_t rows() const { return lines.size(); }
  [[nodiscard]] double number(std::size_t row, std::size_t column) const { return values[row * columns + column]; }
  [[nodiscard]] std::uint32_t code(std::size_t row, std::size_t column) const {
    return words[column].codes.empty() ? kNumber : words[column].codes[row];
  }
  /// The cell as a person reads it: the word, or the number in its shortest form; "" where it is missing.
  [[nodiscard]] std::string text(std::size_t row, std::size_t column) const;
  /// `column` is a header's name, a number counted from 1, or "last". Throws with the names there are.
  [[nodiscard]] std::size_t column_index(const std::string& column) const;
  /// `3 ("width")` or `3`, for messages.
  [[nodiscard]] std::string column_text(std::size_t index) const;
};

/// Encoding: decode_text(). Lines end with LF, CRLF or CR; blank lines are passed over; a first line "sep=;" names the
/// separator; lines above the table that begin with # are passed over, but the last may be the header.
/// Separator: of tab, semicolon, bar, comma and blanks the one that cuts the first 100 lines into the same number of
/// cells (at least two, in more than half of them), and of several the one with which most cells are numbers; blanks
/// only where numbers stand between them. Quoted cells may hold anything, quotes doubled.
/// Numbers: 1.5, 1e-3, +2; with a decimal comma, and points between thousands, where the first 1000 lines say so ("1,5"
/// and no "1.5"); true and false are 1 and 0. An empty cell, NA, N/A, NaN, null, ?, #N/A and <NA> are missing.
/// Header: the first line, if a column of numbers has a word there; in a table of words only, if its words are all
/// different and do not come again below.
/// Ragged rows and open quotes: Error with file, line and column (of the table, from 1). A row has at most 2^22 cells.
Table read_csv(const std::string& path, HeaderRule header = HeaderRule::automatic);
/// The same from memory; `path` only names the place in errors.
Table parse_csv(std::string_view text, const std::string& path, HeaderRule header = HeaderRule::automatic);

}  // namespace mote::tool
