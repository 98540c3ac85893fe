// SPDX-License-Identifier: Apache-2.0
// Text cut into rows and cells, and cells into numbers. What csv.cpp is made of.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace mote::tool {

std::string_view trimmed(std::string_view text);

struct Row {
  std::vector<std::string_view> cells;  ///< into the text, or into `unquoted`
  std::deque<std::string> unquoted;     ///< which does not move what it holds
  std::uint32_t line = 0;

  Row() = default;
  Row(Row&&) = default;  // a copy's cells would look into the other's strings
  Row& operator=(Row&&) = default;
  Row(const Row&) = delete;
  Row& operator=(const Row&) = delete;
  ~Row() = default;
};

/// Cuts UTF-8 text into rows; quoted cells may hold separators, doubled quotes and line ends.
class RowReader {
 public:
  static constexpr char kBlanks = ' ';  // runs of blanks and tabs are one separator

  /// `line`: the number of the text's first line in its file.
  RowReader(std::string_view text, const std::string& path, char separator, std::uint32_t line = 1)
      : text_(text), path_(path), separator_(separator), line_(line) {}

  /// False at the end. Lines with nothing but blanks are passed over. Throws where a quote is not closed.
  bool next(Row& row);

 private:
  [[nodiscard]] bool separates(char c) const { return c == separator_ || (separator_ == kBlanks && c == '\t'); }
  bool read_cell(Row& row);
  void read_quoted(std::string& cell, std::size_t column);
  bool end_line();

  std::string_view text_;
  const std::string& path_;
  char separator_;
  std::size_t at_ = 0;
  std::uint32_t line_;
};

enum class Decimal : std::uint8_t { point, comma };

/// False: not a number. Too large for a double: infinite. Separators of thousands are understood where groups have
/// three digits.
bool to_number(std::string_view cell, Decimal decimal, double& value);

/// What a cell says about how numbers are written here.
struct DecimalEvidence {
  std::size_t point = 0, comma = 0;              ///< cells that can be read in one way only
  std::size_t maybe_point = 0, maybe_comma = 0;  ///< 1.234 and 1,234
  void look_at(std::string_view cell);
};

/// "", NA, N/A, NaN, null, ?, #N/A, <NA>, case ignored.
bool is_missing(std::string_view cell);
/// true and false, case ignored; 1, 0, or -1 for neither.
int truth_of(std::string_view cell);

}  // namespace mote::tool
