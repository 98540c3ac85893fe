// SPDX-License-Identifier: Apache-2.0
// See columns_learn.hpp. Everything that is wrong with the inputs of a table is said in one error.
#include "tool/data/columns_learn.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <set>

#include "tool/data/csv_rows.hpp"
#include "tool/terminal/error.hpp"
#include "tool/terminal/suggest.hpp"

namespace mote::tool {
namespace {

constexpr std::size_t kMostCategories = 100, kMostNamedCategories = 10000;

/// 2020-01-31, 31.1.20, 1/31/2020, 12:30, with anything behind a blank or T.
bool looks_like_date(std::string_view word) {
  std::size_t at = 0, parts = 0;
  char sign = '\0';
  while (at < word.size()) {
    std::size_t digits = 0;
    while (at < word.size() && word[at] >= '0' && word[at] <= '9') ++at, ++digits;
    if (digits == 0 || digits > 4) return false;
    ++parts;
    if (at == word.size() || word[at] == ' ' || word[at] == 'T') break;
    if (std::string_view("-./:").find(word[at]) == std::string_view::npos || (sign != '\0' && word[at] != sign))
      return false;
    sign = word[at++];
  }
  return parts == 3 || (parts == 2 && sign == ':');
}

/// "12 %", "$1,340.00", "'1.5'": a number between at most four bytes on either side, no letters.
bool looks_like_amount(std::string_view word) {
  constexpr std::size_t kMostAround = 4;
  constexpr std::string_view number = "+-.,0123456789";
  const std::size_t first = word.find_first_of(number), last = word.find_last_of(number);
  if (first == std::string_view::npos || first > kMostAround || word.size() - 1 - last > kMostAround) return false;
  if (std::ranges::any_of(word, [](unsigned char c) { return std::isalpha(c) != 0; })) return false;
  double ignored = 0.0;
  const std::string_view inside = word.substr(first, last - first + 1);
  return to_number(inside, Decimal::point, ignored) || to_number(inside, Decimal::comma, ignored);
}

/// A column that cannot be an input, and why.
struct Problem {
  enum class Kind : std::uint8_t { mixed, dates, units, too_many } kind;
  std::size_t column = 0, row = 0, different = 0;
};

std::string what_is_wrong(const Table& table, const Problem& problem) {
  const std::string column = table.column_text(problem.column),
                    word = in_quotes(table.text(problem.row, problem.column));
  switch (problem.kind) {
    case Problem::Kind::mixed:
      return fmt::format("the cell {} of column {} is not a number, and others of the column are", word, column);
    case Problem::Kind::dates: return fmt::format("column {} holds dates or times ({})", column, word);
    case Problem::Kind::units: return fmt::format("column {} holds numbers with signs around them ({})", column, word);
    case Problem::Kind::too_many: break;
  }
  return fmt::format("column {} has {} different words in {} rows ({}, …)", column, problem.different, table.rows(),
                     word);
}

std::string remedy_for(const Table& table, const Problem& problem) {
  const std::string option = option_name(table, problem.column);
  switch (problem.kind) {
    case Problem::Kind::mixed:
      return fmt::format(
          "replace it by a number or empty the cell; a column of categories is said by --categories {0}, "
          "one to leave out by --ignore {0}",
          option);
    case Problem::Kind::dates:
      return fmt::format(
          "turn them into numbers (the day of the week, seconds since the first row), or leave the column "
          "out by --ignore {}",
          option);
    case Problem::Kind::units:
      return fmt::format(
          "write the numbers alone, or leave the column out by --ignore {0}; if they are categories, --categories {0}",
          option);
    case Problem::Kind::too_many: break;
  }
  return fmt::format(
      "nothing is learned from names and identifiers: leave them out by --ignore {0}; if they are "
      "categories, --categories {0}",
      option);
}

[[noreturn]] void refuse(const Table& table, const std::vector<Problem>& problems) {
  const Problem& first = problems.front();
  std::string what = what_is_wrong(table, first), remedy = remedy_for(table, first);
  if (problems.size() > 1) {
    std::string options;
    for (std::size_t i = 0; i < problems.size(); ++i) {
      if (i > 0 && i < 5) what += "; " + what_is_wrong(table, problems[i]);
      options += (i > 0 ? "," : "") + option_name(table, problems[i].column);
    }
    remedy = fmt::format(
        "--ignore {} leaves these columns out; mend the cells, or name columns of categories with "
        "--categories, to keep one",
        options);
  }
  throw data_error(what, remedy).in(table.path).at_line(table.lines[first.row]).at_column(first.column + 1);
}

bool contains(const Table& table, const std::vector<std::string>& names, std::size_t column) {
  return std::any_of(names.begin(), names.end(),
                     [&](const std::string& name) { return table.column_index(name) == column; });
}

}  // namespace

std::string option_name(const Table& table, std::size_t column) {
  const bool plain = !table.names.empty() && table.names[column].find_first_of(", \"'\t") == std::string::npos;
  return plain ? table.names[column] : std::to_string(column + 1);
}

bool perhaps_missing(std::string_view word) {
  constexpr std::array<std::string_view, 6> words{"none", "None", "-", "--", ".", "unknown"};
  return std::find(words.begin(), words.end(), word) != words.end();
}

ColumnFacts facts_of(const Table& table, std::size_t column) {
  ColumnFacts out;
  out.first_word = table.rows();
  std::vector<char> soft, truth;
  for (const std::string& word : table.words[column].list) soft.push_back(perhaps_missing(word) ? 1 : 0);
  std::set<double> values;
  double sum = 0.0, first = 0.0;
  bool begun = false;
  std::uint32_t first_code = 0;
  for (std::size_t row = 0; row < table.rows(); ++row) {
    const std::uint32_t code = table.code(row, column);
    const double value = table.number(row, column);
    if (code == Table::kMissing) {
      ++out.missing;
      continue;
    }
    const bool number = !std::isnan(value);
    if (!begun) {
      first = value, first_code = code, begun = true;
      out.least = out.most = value;
    }
    out.constant = out.constant && code == first_code && (value == first || !number);
    if (code != Table::kNumber && number) ++out.truths;
    if (code != Table::kNumber && !number) {
      ++(soft[code - 1] != 0 ? out.perhaps_missing : out.words);
      if (soft[code - 1] == 0 && out.first_word == table.rows()) out.first_word = row;
    }
    if (code == Table::kNumber) {
      ++out.numbers;
      out.fractions = out.fractions || value != std::floor(value);
      out.counts_on = out.counts_on && value == first + static_cast<double>(row);
      if (values.size() < ColumnFacts::kManyNumbers) values.insert(value);
    }
    if (number) {
      sum += value;
      out.least = std::min(out.least, value), out.most = std::max(out.most, value);
    }
  }
  out.different = values.size();
  out.counts_on = out.counts_on && out.numbers == table.rows();
  if (out.numbers + out.truths > 0) out.mean = sum / static_cast<double>(out.numbers + out.truths);
  if (out.numbers + out.truths == 0) out.words += out.perhaps_missing, out.perhaps_missing = 0;
  return out;
}

std::vector<std::string> distinct_texts(const Table& table, std::size_t column) {
  std::set<double> numbers;
  std::vector<std::string> out;
  for (std::size_t row = 0; row < table.rows(); ++row)
    if (table.code(row, column) == Table::kNumber) numbers.insert(table.number(row, column));
  for (const double number : numbers) out.push_back(fmt::format("{}", number));
  std::vector<std::string> words = table.words[column].list;
  std::sort(words.begin(), words.end());
  out.insert(out.end(), words.begin(), words.end());
  return out;
}

std::vector<InputColumn> learn_inputs(const Table& table, const Reading& reading, const std::vector<char>& is_input,
                                      std::vector<std::string>& notes) {
  std::vector<InputColumn> out;
  std::vector<Problem> problems;
  std::vector<std::string> empty, constant;
  for (std::size_t i = 0; i < table.columns; ++i) {
    if (is_input[i] == 0) continue;
    const ColumnFacts facts = facts_of(table, i);
    const bool named = contains(table, reading.categories, i);
    const std::size_t different = table.words[i].list.size();
    InputColumn column;
    column.name = table.names.empty() ? "" : table.names[i];
    column.column = i + 1;
    column.fill = facts.mean;
    if (facts.missing == table.rows()) {
      empty.push_back(table.column_text(i));
      continue;
    }
    if (facts.constant) constant.push_back(table.column_text(i));
    if (!named && facts.counts_on && table.rows() > 10 && !facts.constant)
      notes.push_back(fmt::format("column {} counts the rows; if it says nothing of them, --ignore {}",
                                  table.column_text(i), option_name(table, i)));
    if (!named && facts.all_numbers()) {
      out.push_back(std::move(column));
      continue;
    }
    if (!named && facts.numbers > 0) {
      problems.push_back({Problem::Kind::mixed, i, facts.first_word, different});
      continue;
    }
    std::size_t first = 0;
    while (table.code(first, i) == Table::kMissing) ++first;
    const bool dates = !named && std::all_of(table.words[i].list.begin(), table.words[i].list.end(), looks_like_date);
    if (dates) {
      problems.push_back({Problem::Kind::dates, i, first, different});
      continue;
    }
    column.categories = distinct_texts(table, i);
    const std::size_t count = column.categories.size();
    const bool a_word_a_row = count > 20 && 2 * count > table.rows();
    const auto amounts = static_cast<std::size_t>(
        std::count_if(table.words[i].list.begin(), table.words[i].list.end(), looks_like_amount));
    if (!named && a_word_a_row && 10 * amounts >= 9 * count) {
      problems.push_back({Problem::Kind::units, i, first, count});
      continue;
    }
    if (count > (named ? kMostNamedCategories : kMostCategories) || (!named && a_word_a_row)) {
      problems.push_back({Problem::Kind::too_many, i, first, count});
      continue;
    }
    out.push_back(std::move(column));
  }
  if (!problems.empty()) refuse(table, problems);
  if (!empty.empty())
    notes.push_back(fmt::format("column{} {} {} empty and left out", empty.size() > 1 ? "s" : "", some_of(empty),
                                empty.size() > 1 ? "are" : "is"));
  if (!constant.empty() && table.rows() > 1)
    notes.push_back(fmt::format("column{} {} {} the same in every row, so nothing can be learned from {}",
                                constant.size() > 1 ? "s" : "", some_of(constant), constant.size() > 1 ? "are" : "is",
                                constant.size() > 1 ? "them" : "it"));
  return out;
}

std::string some_of(const std::vector<std::string>& words) {
  constexpr std::size_t kMost = 8;
  std::string out;
  for (std::size_t i = 0; i < std::min(words.size(), kMost); ++i) out += (i > 0 ? ", " : "") + words[i];
  return words.size() > kMost ? out + fmt::format(", … ({} in all)", words.size()) : out;
}

}  // namespace mote::tool
