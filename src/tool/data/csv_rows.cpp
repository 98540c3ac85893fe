// SPDX-License-Identifier: Apache-2.0
// See csv_rows.hpp.
#include "tool/data/csv_rows.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>

#include "tool/terminal/error.hpp"

namespace mote::tool {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_blank(char c) { return c == ' ' || c == '\t'; }

bool equal_but_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
    return std::tolower(static_cast<unsigned char>(x)) == std::tolower(static_cast<unsigned char>(y));
  });
}

/// "+12", "1.5e3" with a decimal point and no separators of thousands.
bool plain_number(std::string_view cell, double& value) {
  if (cell.starts_with('+')) {
    cell.remove_prefix(1);
    if (cell.starts_with('-')) return false;
  }
  const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
  if (cell.empty() || end != cell.data() + cell.size()) return false;
  if (error == std::errc::result_out_of_range) {
    const bool tiny = cell.find("e-") != std::string_view::npos || cell.find("E-") != std::string_view::npos ||
                      cell.find_first_of("123456789") > cell.find('.');
    value = tiny ? 0.0 : HUGE_VAL;
    return true;
  }
  return error == std::errc{} && !std::isnan(value);
}

/// A number's parts around its signs: sign, digits with separators, exponent.
struct Spelling {
  std::string_view body;  // digits, points, commas
  bool good = false;
  explicit Spelling(std::string_view cell) {
    std::size_t first = 0;
    if (first < cell.size() && (cell[first] == '+' || cell[first] == '-')) ++first;
    std::size_t end = first;
    while (end < cell.size() && (is_digit(cell[end]) || cell[end] == '.' || cell[end] == ',')) ++end;
    body = cell.substr(first, end - first);
    std::size_t at = end;
    if (at < cell.size() && (cell[at] == 'e' || cell[at] == 'E')) {
      ++at;
      if (at < cell.size() && (cell[at] == '+' || cell[at] == '-')) ++at;
      const std::size_t digits = at;
      while (at < cell.size() && is_digit(cell[at])) ++at;
      good = at > digits;
    } else {
      good = true;
    }
    good = good && at == cell.size() && std::any_of(body.begin(), body.end(), is_digit);
  }
};

/// "1.234.567": one to three digits, the first not 0, then groups of three.
bool grouped_by(std::string_view whole, char separator) {
  std::size_t at = whole.find(separator);
  if (at == std::string_view::npos || at == 0 || at > 3 || whole[0] == '0') return false;
  for (; at < whole.size(); at += 4) {
    if (whole[at] != separator || at + 4 > whole.size()) return false;
    for (std::size_t k = 1; k <= 3; ++k)
      if (!is_digit(whole[at + k])) return false;
  }
  return true;
}

}  // namespace

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

bool to_number(std::string_view cell, Decimal decimal, double& value) {
  cell = trimmed(cell);
  if (cell.empty()) return false;
  const char first = cell.front();
  if (!is_digit(first) && first != '-' && first != '+' && first != '.' && first != ',' && first != 'i' && first != 'I')
    return false;
  const bool commas = cell.find(',') != std::string_view::npos;
  if (!commas && decimal == Decimal::point) return plain_number(cell, value);
  if (!commas && cell.find('.') == std::string_view::npos) return plain_number(cell, value);
  const Spelling spelling(cell);
  if (!spelling.good) return false;
  const char point = decimal == Decimal::point ? '.' : ',', group = decimal == Decimal::point ? ',' : '.';
  const std::size_t cut = spelling.body.find(point);
  const std::string_view whole = spelling.body.substr(0, cut);
  if (whole.find(group) != std::string_view::npos && !grouped_by(whole, group)) return false;
  std::string plain;
  for (std::size_t i = 0, points = 0; i < cell.size(); ++i) {
    if (cell[i] == group && points != 0) return false;
    if (cell[i] == group) continue;
    if (cell[i] == point && ++points > 1) return false;
    plain += cell[i] == point ? '.' : cell[i];
  }
  return plain_number(plain, value);
}

void DecimalEvidence::look_at(std::string_view cell) {
  const Spelling spelling(trimmed(cell));
  const std::string_view body = spelling.body;
  const std::size_t last = body.find_last_of(".,");
  if (!spelling.good || last == std::string_view::npos) return;
  const char sign = body[last], other = sign == '.' ? ',' : '.';
  const bool both = body.find(other) != std::string_view::npos;
  std::size_t &as_decimal = sign == '.' ? point : comma, &as_group = sign == '.' ? comma : point;
  std::size_t& maybe = sign == '.' ? maybe_point : maybe_comma;
  if (both) {
    if (body.find(sign) == last && grouped_by(body.substr(0, last), other)) ++as_decimal;
  } else if (body.find(sign) != last) {
    if (grouped_by(body, sign)) ++as_group;  // 1.234.567
  } else {
    ++(grouped_by(body, sign) ? maybe : as_decimal);
  }
}

bool is_missing(std::string_view cell) {
  constexpr std::array<std::string_view, 8> words{"NA", "N/A", "NaN", "-NaN", "null", "?", "#N/A", "<NA>"};
  cell = trimmed(cell);
  return cell.empty() ||
         std::any_of(words.begin(), words.end(), [&](std::string_view word) { return equal_but_case(cell, word); });
}

int truth_of(std::string_view cell) {
  cell = trimmed(cell);
  return equal_but_case(cell, "true") ? 1 : equal_but_case(cell, "false") ? 0 : -1;
}

namespace {

constexpr std::size_t kMostColumns = std::size_t{1} << 22U;  // 1024 x 1024 pixels of four values

}  // namespace

bool RowReader::next(Row& row) {
  while (at_ < text_.size()) {
    row.line = line_;
    row.cells.clear();
    row.unquoted.clear();
    while (separator_ == kBlanks && at_ < text_.size() && is_blank(text_[at_])) ++at_;
    while (read_cell(row))
      if (row.cells.size() == kMostColumns)
        throw data_error(fmt::format("a row has more than {} cells", kMostColumns), "save such data with numpy.save")
            .in(path_)
            .at_line(row.line);
    if (separator_ == kBlanks && row.cells.size() > 1 && row.cells.back().empty()) row.cells.pop_back();
    if (row.cells.size() > 1 || !trimmed(row.cells[0]).empty()) return true;
  }
  return false;
}

/// True where a line end is at hand, which it passes.
bool RowReader::end_line() {
  if (text_[at_] != '\n' && text_[at_] != '\r') return false;
  at_ += text_[at_] == '\r' && at_ + 1 < text_.size() && text_[at_ + 1] == '\n' ? 2 : 1;
  ++line_;
  return true;
}

/// True if a separator follows, false at the end of the line.
bool RowReader::read_cell(Row& row) {
  std::size_t begin = at_;
  while (begin < text_.size() && is_blank(text_[begin]) && !separates(text_[begin])) ++begin;
  std::string* copy = nullptr;
  if (begin < text_.size() && text_[begin] == '"') {
    copy = &row.unquoted.emplace_back();
    at_ = begin + 1;
    read_quoted(*copy, row.cells.size() + 1);
    begin = at_;  // what may stand behind the closing quote
  }
  bool more = false;
  std::size_t end = text_.size();
  while (at_ < text_.size()) {
    end = at_;
    if (separates(text_[at_])) {
      more = true, ++at_;
      break;
    }
    if (end_line()) break;
    end = ++at_;
  }
  while (more && separator_ == kBlanks && at_ < text_.size() && is_blank(text_[at_])) ++at_;
  std::string_view cell = trimmed(text_.substr(std::min(begin, end), end - std::min(begin, end)));
  if (copy != nullptr) {
    *copy += cell;
    cell = *copy;
  }
  row.cells.push_back(cell);
  return more;
}

void RowReader::read_quoted(std::string& cell, std::size_t column) {
  const std::uint32_t opened = line_;
  while (at_ < text_.size()) {
    const char c = text_[at_++];
    if (c == '"' && (at_ == text_.size() || text_[at_] != '"')) return;
    if (c == '"') ++at_;
    if (c == '\n' || (c == '\r' && (at_ == text_.size() || text_[at_] != '\n'))) ++line_;
    cell += c;
  }
  throw data_error("a quoted cell is not closed", "put the missing quotation mark")
      .in(path_)
      .at_line(opened)
      .at_column(column);
}

}  // namespace mote::tool
