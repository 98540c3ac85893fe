// SPDX-License-Identifier: Apache-2.0
// What the text's first lines say about separator, numbers and header; then one pass over all of it.
#include "tool/data/csv.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <map>
#include <set>

#include "tool/data/csv_rows.hpp"
#include "tool/data/file_io.hpp"
#include "tool/data/file_kind.hpp"
#include "tool/data/text_encoding.hpp"
#include "tool/terminal/error.hpp"
#include "tool/terminal/suggest.hpp"

namespace mote::tool {
namespace {

constexpr std::size_t kLinesForSeparator = 100, kLinesForNumbers = 1000;

std::vector<Row> first_rows(std::string_view text, char separator, std::size_t most) {
  static const std::string nowhere;
  RowReader reader(text, nowhere, separator);
  std::vector<Row> rows;
  try {
    for (Row row; rows.size() < most && reader.next(row);) rows.push_back(std::move(row));
  } catch (const Error&) {  // an open quote: said when the table is read
  }
  return rows;
}

bool number_in_any_spelling(std::string_view cell) {
  double ignored = 0.0;
  return to_number(cell, Decimal::point, ignored) || to_number(cell, Decimal::comma, ignored);
}

/// How well a separator cuts the first lines.
struct Cut {
  char separator = ',';
  bool good = false;     // most lines have the same number of cells, at least two
  double numbers = 0.0;  // part of the cells that are numbers or missing, the first line left out
  std::size_t most_cells = 0;
};

Cut cut_by(std::string_view text, char separator) {
  const std::vector<Row> rows = first_rows(text, separator, kLinesForSeparator);
  Cut out;
  out.separator = separator;
  std::map<std::size_t, std::size_t> lines_of;
  std::size_t cells = 0, numbers = 0, true_numbers = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    ++lines_of[rows[i].cells.size()];
    out.most_cells = std::max(out.most_cells, rows[i].cells.size());
    for (const std::string_view cell : rows[i].cells) {
      if (i == 0 && rows.size() > 1) break;
      const bool number = number_in_any_spelling(cell);
      ++cells, true_numbers += number ? 1 : 0, numbers += number || is_missing(cell) ? 1 : 0;
    }
  }
  for (const auto& [count, lines] : lines_of) {
    if (count < 2 || 2 * lines <= rows.size()) continue;
    const std::size_t first = rows[0].cells.size();  // one less: names for all columns but that of the rows' names
    out.good = first == count || (count > 2 && first + 1 == count);
  }
  if (separator == RowReader::kBlanks && true_numbers == 0) out.good = false;
  out.numbers = cells == 0 ? 0.0 : static_cast<double>(numbers) / static_cast<double>(cells);
  return out;
}

char find_separator(std::string_view text) {
  Cut best, widest;
  for (const char c : {'\t', ';', '|', ',', RowReader::kBlanks}) {
    const Cut cut = cut_by(text, c);
    if (cut.good && (!best.good || cut.numbers > best.numbers + 1e-9)) best = cut;
    if (c != RowReader::kBlanks && cut.most_cells > std::max<std::size_t>(widest.most_cells, 1)) widest = cut;
  }
  return best.good ? best.separator : widest.most_cells > 1 ? widest.separator : ',';
}

const char* name_of(char separator) {
  switch (separator) {
    case ',': return "comma";
    case ';': return "semicolon";
    case '\t': return "tab";
    case '|': return "bar";
    default: return separator == RowReader::kBlanks ? "blanks" : "sep=";
  }
}

enum class Cell : std::uint8_t { number, missing, word };
Cell kind_of(std::string_view cell, Decimal decimal) {
  double ignored = 0.0;
  if (to_number(cell, decimal, ignored) || truth_of(cell) >= 0) return Cell::number;
  return is_missing(cell) ? Cell::missing : Cell::word;
}

/// Whether the first of the rows is a header, and a note where it might have been the other.
struct HeaderGuess {
  bool header = false;
  std::string note;
};

HeaderGuess guess_header(const std::vector<Row>& rows, Decimal decimal) {
  const Row& first = rows[0];
  bool named = false, sampled = false, words_only = true, recurs = false;
  std::string number_in_it, word_in_it;
  bool counts_on = first.cells.size() >= 3;
  double before = 0.0;
  for (std::size_t c = 0; c < first.cells.size(); ++c) {
    const Cell kind = kind_of(first.cells[c], decimal);
    std::size_t numbers = 0, words = 0;
    for (std::size_t r = 1; r < rows.size(); ++r) {
      if (c >= rows[r].cells.size()) continue;
      const Cell below = kind_of(rows[r].cells[c], decimal);
      numbers += below == Cell::number ? 1U : 0U, words += below == Cell::word ? 1U : 0U;
      recurs = recurs || (below == Cell::word && rows[r].cells[c] == first.cells[c]);
    }
    const bool of_numbers = numbers > 0 && numbers >= words;
    named = named || (of_numbers && kind == Cell::word);
    sampled = sampled || (of_numbers && kind == Cell::number);
    words_only = words_only && kind == Cell::word;
    if (kind == Cell::number) number_in_it = first.cells[c];
    if (kind == Cell::word && word_in_it.empty()) word_in_it = first.cells[c];
    double value = 0.0;
    counts_on = counts_on && to_number(first.cells[c], decimal, value) && value == std::floor(value) &&
                (c == 0 || value == before + 1.0);
    before = value;
  }
  if (named && number_in_it.empty()) return {true, ""};
  if (named)
    return {true,
            fmt::format("the first line was taken for the header, because of {}, although it has a number, {}; if "
                        "it is a sample, mend it or give --header no",
                        in_quotes(word_in_it), in_quotes(number_in_it))};
  if (sampled && counts_on)
    return {false,
            fmt::format("the first line counts on from {}, and was taken for a sample; if these are the columns' "
                        "names, give --header yes",
                        first.cells[0])};
  if (sampled || !words_only) return {false, ""};
  const std::set<std::string_view> distinct(first.cells.begin(), first.cells.end());
  if (recurs || distinct.size() < first.cells.size()) return {false, ""};
  if (rows.size() == 1) return {true, ""};
  return {true, fmt::format("all cells are words; the first line ({}) was taken for the header, because its words do "
                            "not come again; if it is a sample, give --header no",
                            in_quotes(word_in_it))};
}

/// Names for every column, all different.
std::vector<std::string> column_names(const Row& header, const std::vector<Row>& rows, std::size_t columns,
                                      std::vector<std::string>& notes) {
  std::vector<std::string> names;
  for (const std::string_view cell : header.cells) names.emplace_back(trimmed(cell));
  if (names.size() + 1 == columns) {  // R: names of the rows have none themselves; or a separator ends each row
    const bool ends_empty = std::all_of(rows.begin() + 1, rows.end(), [&](const Row& row) {
      return row.cells.size() < columns || row.cells.back().empty();
    });
    names.insert(ends_empty ? names.end() : names.begin(), "");
  }
  std::set<std::string> used;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i].empty()) names[i] = fmt::format("column {}", i + 1);
    const std::string as_given = names[i];
    for (std::size_t n = 2; used.contains(names[i]); ++n) names[i] = fmt::format("{} ({})", as_given, n);
    if (names[i] != as_given)
      notes.push_back(fmt::format("two columns are called {}; number {} is {} here", in_quotes(as_given), i + 1,
                                  in_quotes(names[i])));
    used.insert(names[i]);
  }
  return names;
}

class TableBuilder {
 public:
  TableBuilder(Table& table, Decimal decimal) : table_(table), decimal_(decimal) { table.words.resize(table.columns); }

  void append(const Row& row) {
    if (row.cells.size() != table_.columns) throw ragged(row);
    for (std::size_t i = 0; i < row.cells.size(); ++i) append_cell(row.cells[i], i);
    table_.lines.push_back(row.line);
  }

 private:
  void append_cell(std::string_view cell, std::size_t column) {
    double value = 0.0;
    std::uint32_t code = Table::kNumber;
    if (!to_number(cell, decimal_, value)) {
      value = std::numeric_limits<double>::quiet_NaN();
      code = is_missing(cell) ? Table::kMissing : code_of(trimmed(cell), column);
      if (const int truth = truth_of(cell); truth >= 0) value = truth;
    }
    table_.values.push_back(value);
    std::vector<std::uint32_t>& codes = table_.words[column].codes;
    if (code != Table::kNumber && codes.empty()) codes.assign(table_.rows(), Table::kNumber);
    if (code != Table::kNumber || !codes.empty()) codes.push_back(code);
  }
  std::uint32_t code_of(std::string_view word, std::size_t column) {
    Words& words = table_.words[column];
    const auto [place, is_new] =
        words.index.try_emplace(std::string(word), static_cast<std::uint32_t>(words.list.size() + 1));
    if (is_new) words.list.emplace_back(word);
    return place->second;
  }
  Error ragged(const Row& row) const {
    return data_error(fmt::format("the row has {} cells and the first one has {} (separator: {})", row.cells.size(),
                                  table_.columns, table_.format),
                      table_.columns == 1 ? "take out the lines above the table, or give every row as many cells"
                                          : "give every row the same number of cells")
        .in(table_.path)
        .at_line(row.line)
        .at_column(std::min(row.cells.size(), table_.columns) + 1);
  }

  Table& table_;
  Decimal decimal_;
};

Decimal find_decimal(const std::vector<Row>& rows, char separator) {
  DecimalEvidence evidence;
  for (const Row& row : rows)
    for (const std::string_view cell : row.cells) evidence.look_at(cell);
  if (evidence.comma != 0 || evidence.point != 0) return evidence.point == 0 ? Decimal::comma : Decimal::point;
  return separator != ',' && evidence.maybe_comma != 0 && evidence.maybe_point == 0 ? Decimal::comma : Decimal::point;
}

/// Lines that begin with #, above a table, as instruments and numpy.savetxt write them, are taken off; the last of them
/// stays as a header, without its #, if it has as many cells as the line behind. `line`: the number of the first line.
void take_comments(std::string_view& text, char separator, std::uint32_t& line, std::vector<std::string>& notes) {
  static const std::string nowhere;
  std::size_t last = 0, end = 0, count = 0;
  while (end < text.size() && text[end] == '#') {
    last = end, ++count;
    end = std::min(text.find_first_of("\r\n", end), text.size());
    if (text.substr(end).starts_with("\r\n")) ++end;
    if (end < text.size()) ++end;
  }
  if (count == 0) return;
  const std::string_view rest = text.substr(end);
  if (separator == '\0') separator = find_separator(rest);
  const std::size_t letters = text.find_first_not_of("# \t", last);
  const bool any = letters < end;
  const std::vector<Row> above = first_rows(any ? text.substr(letters, end - letters) : "", separator, 1),
                         below = first_rows(rest, separator, 1);
  const bool header = !above.empty() && !below.empty() && above[0].cells.size() == below[0].cells.size() &&
                      std::none_of(above[0].cells.begin(), above[0].cells.end(), number_in_any_spelling);
  line += static_cast<std::uint32_t>(header ? count - 1 : count);
  text = header ? text.substr(letters) : rest;
  const std::size_t passed = header ? count - 1 : count;
  if (passed != 0)
    notes.push_back(fmt::format("{} line{} above the table begin{} with # and {} passed over", passed,
                                passed == 1 ? "" : "s", passed == 1 ? "s" : "", passed == 1 ? "was" : "were"));
}

/// A first line "sep=;", as Excel understands it, is taken off.
char separator_line(std::string_view& text) {
  const std::size_t end = text.find_first_of("\r\n");
  std::string_view line = text.substr(0, end);
  if (line.size() >= 2 && line.front() == '"' && line.back() == '"') line = line.substr(1, line.size() - 2);
  if (line.size() != 5 || !(line.starts_with("sep=") || line.starts_with("SEP="))) return '\0';
  text.remove_prefix(end == std::string_view::npos ? text.size() : end);
  return line[4];
}

}  // namespace

std::string Table::text(std::size_t row, std::size_t column) const {
  const std::uint32_t c = code(row, column);
  if (c == kMissing) return "";
  return c == kNumber ? fmt::format("{}", number(row, column)) : words[column].list[c - 1];
}

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
    throw usage_error(
        fmt::format("there is no column {}: the file has no header", in_quotes(column)),
        fmt::format("give its number, 1 to {}, or, if the first line has the names, --header yes", columns))
        .in(path);
  throw usage_error(fmt::format("there is no column {}", in_quotes(column)),
                    fmt::format("{}the header has {}", did_you_mean(column, names),
                                names.size() <= 20 ? list_of(names) : fmt::format("{} others", names.size())))
      .in(path)
      .at_line(1);
}

Table parse_csv(std::string_view text, const std::string& path, HeaderRule header) {
  Table table;
  table.path = path;
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  std::uint32_t first = 1;
  char separator = separator_line(text);
  if (separator == '\0') take_comments(text, separator, first, table.notes);
  if (separator == '\0') separator = find_separator(text);
  const std::vector<Row> rows = first_rows(text, separator, kLinesForNumbers);
  const Decimal decimal = find_decimal(rows, separator);
  RowReader reader(text, path, separator, first);
  Row row;
  if (!reader.next(row)) throw data_error("the file has no rows", "give a file with numbers").in(path);
  HeaderGuess guess{header == HeaderRule::yes, ""};
  if (header == HeaderRule::automatic && !rows.empty()) guess = guess_header(rows, decimal);
  if (!guess.note.empty()) table.notes.push_back(guess.note);
  table.format = name_of(separator);
  table.columns = row.cells.size();
  const bool one_more = guess.header && rows.size() > 1 && rows[1].cells.size() == row.cells.size() + 1;
  if (one_more && table.columns >= 2) ++table.columns;
  TableBuilder builder(table, decimal);
  if (guess.header) {
    table.names = column_names(row, rows, table.columns, table.notes);
  } else {
    builder.append(row);
  }
  const std::uint32_t first_line = row.line;
  while (reader.next(row)) builder.append(row);
  if (table.rows() == 0)
    throw data_error("the file has a header and no rows", "add rows, or give --header no if the line is a sample")
        .in(path);
  if (decimal == Decimal::comma) table.format += ", decimal comma";
  table.format += guess.header ? fmt::format(", header in line {}", first_line) : ", no header";
  return table;
}

Table read_csv(const std::string& path, HeaderRule header) {
  std::string text = read_text(path);
  refuse_foreign(std::string_view(text).substr(0, kKindBytes), path, Wanted::table);
  const DecodedText decoded = decode_text(std::move(text), path);
  Table table = parse_csv(decoded.text, path, header);
  if (decoded.encoding != "UTF-8") table.format += ", " + decoded.encoding;
  return table;
}

}  // namespace mote::tool
