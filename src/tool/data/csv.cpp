// SPDX-License-Identifier: Apache-2.0
// One pass over the text; a cell is turned into a number as soon as it ends.
#include "tool/data/csv.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

#include "tool/data/file_io.hpp"
#include "tool/data/file_kind.hpp"
#include "tool/terminal/error.hpp"
#include "tool/terminal/suggest.hpp"

namespace mote::tool {
namespace {

std::string_view trimmed(std::string_view text) {
  const auto blank = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

/// False: not a number. Too large for a float: infinite.
bool to_number(std::string_view cell, float& value) {
  cell = trimmed(cell);
  if (cell.starts_with('+')) {
    cell.remove_prefix(1);
    if (cell.starts_with('-')) return false;
  }
  double wide = 0.0;
  const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), wide);
  if (cell.empty() || end != cell.data() + cell.size()) return false;
  if (error == std::errc::result_out_of_range) {
    const bool tiny = cell.find("e-") != std::string_view::npos || cell.find("E-") != std::string_view::npos ||
                      cell.find_first_of("123456789") > cell.find('.');
    wide = tiny ? 0.0 : HUGE_VAL;
  } else if (error != std::errc{}) {
    return false;
  }
  value = static_cast<float>(wide);
  return true;
}

struct Row {
  std::vector<std::string> cells;
  std::uint32_t line = 0;
};

constexpr std::size_t kMostColumns = std::size_t{1} << 22;  // 1024 x 1024 pixels of four values; a cell takes 32 bytes

/// Cuts the text into rows; quoted cells may hold separators, doubled quotes and line ends.
class RowReader {
 public:
  RowReader(std::string_view text, std::string path) : text_(text), path_(std::move(path)) {
    if (text_.starts_with("\xEF\xBB\xBF")) text_.remove_prefix(3);
    const std::string_view first = text_.substr(0, text_.find('\n'));
    for (const char c : {',', ';', '\t'})
      if (first.find(c) != std::string_view::npos) {
        separator_ = c;
        break;
      }
  }

  /// False at the end. Lines with nothing but blanks are passed over.
  bool next(Row& row) {
    while (at_ < text_.size()) {
      row.line = line_;
      read_row(row.cells);
      if (row.cells.size() > 1 || !trimmed(row.cells[0]).empty()) return true;
    }
    return false;
  }

 private:
  void read_row(std::vector<std::string>& cells) {
    std::size_t count = 0;
    for (bool more = true; more;) {
      if (count == kMostColumns)
        throw data_error(fmt::format("a row has more than {} cells", kMostColumns), "save such data with numpy.save")
            .in(path_)
            .at_line(line_);
      if (cells.size() <= count) cells.emplace_back();
      std::string& cell = cells[count++];
      cell.clear();
      more = read_cell(cell, count);
    }
    cells.resize(count);
  }
  /// True if a separator follows, false at the end of the line.
  bool read_cell(std::string& cell, std::size_t column) {
    bool was_quoted = false;
    while (at_ < text_.size()) {
      const char c = text_[at_++];
      if (c == separator_) return true;
      if (c == '\n') return ++line_, false;
      if (c == '\r' && (at_ == text_.size() || text_[at_] == '\n')) continue;
      if (c == '"' && !was_quoted && trimmed(cell).empty()) {
        cell.clear();
        read_quoted(cell, column);
        was_quoted = true;
      } else {
        cell += c;
      }
    }
    return false;
  }
  void read_quoted(std::string& cell, std::size_t column) {
    const std::uint32_t opened = line_;
    while (at_ < text_.size()) {
      const char c = text_[at_++];
      if (c == '"' && (at_ == text_.size() || text_[at_] != '"')) return;
      if (c == '"') ++at_;
      if (c == '\n') ++line_;
      cell += c;
    }
    throw data_error("a quoted cell is not closed", "put the missing quotation mark")
        .in(path_)
        .at_line(opened)
        .at_column(column);
  }

  std::string_view text_;
  std::string path_;
  char separator_ = ',';
  std::size_t at_ = 0;
  std::uint32_t line_ = 1;
};

void append(Table& table, const Row& row) {
  const auto fail = [&](std::size_t column, const std::string& what, const std::string& remedy) {
    throw data_error(what, remedy).in(table.path).at_line(row.line).at_column(column + 1);
  };
  if (row.cells.size() != table.columns)
    throw data_error(fmt::format("the row has {} cells and the first one has {}", row.cells.size(), table.columns),
                     "give every row the same number of cells")
        .in(table.path)
        .at_line(row.line)
        .at_column(std::min(row.cells.size(), table.columns) + 1);
  for (std::size_t i = 0; i < row.cells.size(); ++i) {
    const std::string where = table.names.empty() ? "" : fmt::format(" of column {}", in_quotes(table.names[i]));
    float value = 0.0F;
    if (trimmed(row.cells[i]).empty()) fail(i, "the cell" + where + " is empty", "fill in a number or drop the row");
    if (!to_number(row.cells[i], value))
      fail(i, fmt::format("the cell {}{} is not a number", in_quotes(row.cells[i]), where),
           "replace it by a number (classes are numbered 0, 1, 2, …)");
    if (!std::isfinite(value))
      fail(i, fmt::format("the cell {}{} is not a finite float32", in_quotes(row.cells[i]), where),
           "replace it or drop the row");
    table.values.push_back(value);
  }
  table.lines.push_back(row.line);
}

}  // namespace

std::string Table::column_text(std::size_t index) const {
  return names.empty() ? std::to_string(index + 1) : fmt::format("{} ({})", index + 1, in_quotes(names[index]));
}

std::size_t Table::column_index(const std::string& column) const {
  for (std::size_t i = 0; i < names.size(); ++i)
    if (names[i] == column) return i;
  if (column == "last") return columns - 1;
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(column.data(), column.data() + column.size(), number);
  if (error == std::errc{} && end == column.data() + column.size()) {
    if (number >= 1 && number <= columns) return number - 1;
    throw usage_error(fmt::format("there is no column {}", number), fmt::format("name one of 1 to {}", columns))
        .in(path);
  }
  if (names.empty())
    throw usage_error(fmt::format("there is no column {}: the file has no header", in_quotes(column)),
                      fmt::format("give its number, 1 to {}", columns))
        .in(path);
  throw usage_error(fmt::format("there is no column {}", in_quotes(column)),
                    fmt::format("{}the header has {}", did_you_mean(column, names),
                                names.size() <= 20 ? list_of(names) : fmt::format("{} others", names.size())))
      .in(path)
      .at_line(1);
}

Table parse_csv(std::string_view text, const std::string& path) {
  Table table;
  table.path = path;
  RowReader reader(text, path);
  Row row;
  if (!reader.next(row)) throw data_error("the file has no rows", "give a file with numbers").in(path);
  table.columns = row.cells.size();
  bool header = false;
  for (const std::string& cell : row.cells) {
    float ignored = 0.0F;
    header = header || !to_number(cell, ignored);
  }
  if (header) {
    for (const std::string& cell : row.cells) table.names.emplace_back(trimmed(cell));
  } else {
    append(table, row);
  }
  while (reader.next(row)) append(table, row);
  if (table.rows() == 0) throw data_error("the file has a header and no rows", "add rows of numbers").in(path);
  return table;
}

Table read_csv(const std::string& path) {
  const std::string text = read_text(path);
  refuse_foreign(std::string_view(text).substr(0, kKindBytes), path, Wanted::table);
  return parse_csv(text, path);
}

}  // namespace mote::tool
