// SPDX-License-Identifier: Apache-2.0
#include "tool/terminal/number.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "tool/terminal/error.hpp"
#include "tool/terminal/suggest.hpp"

namespace mote::tool {
namespace {

constexpr double kLargest = std::numeric_limits<double>::max();

/// All of `word` as a T; false for anything else.
template <class T>
bool read_all(std::string_view word, T& value) {
  const char* const end = word.data() + word.size();
  const auto [next, error] = std::from_chars(word.data(), end, value);
  return error == std::errc{} && next == end && !word.empty();
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
bool leads_with_zero(std::string_view word) { return word.size() > 1 && word[0] == '0' && is_digit(word[1]); }

/// What the word was probably meant to be, written as it is read here; empty: no idea.
std::string meant(std::string_view word) {
  std::string out;
  for (const char c : word)
    if (!is_blank(c) && c != '_' && c != '\'') out += c;
  if (out.starts_with("0x") || out.starts_with("0X")) {
    std::uint64_t value = 0;
    const auto [next, error] = std::from_chars(out.data() + 2, out.data() + out.size(), value, 16);
    return error == std::errc{} && next == out.data() + out.size() ? std::to_string(value) : "";
  }
  if (out.starts_with('+')) out.erase(0, 1);
  while (leads_with_zero(out)) out.erase(0, 1);
  if (std::count(out.begin(), out.end(), ',') == 1 && out.find('.') == std::string::npos) out[out.find(',')] = '.';
  double value = 0.0;
  return read_all(out, value) && std::isfinite(value) ? out : "";
}

template <class Numbers>
[[noreturn]] void refuse(std::string_view word, const Numbers& numbers, const std::string& place,
                         const std::string& example) {
  std::string correct = meant(word);
  decltype(Numbers::least) value{};
  if (correct == word || !read_all(correct, value) || value < numbers.least || value > numbers.most) correct.clear();
  throw usage_error(
      fmt::format("{} wants {}, not {}", place, text_of(numbers), in_quotes(word)),
      correct.empty() ? fmt::format("give a number such as {}", example) : fmt::format("write {}", correct));
}

std::string example_of(const Real& numbers) {
  for (const double value : {0.1, 1.0, numbers.least, numbers.most})
    if (numbers.takes(value)) return fmt::format("{}", value);
  return fmt::format("{}", (numbers.least + numbers.most) / 2);
}

template <class T>
T read_real(std::string_view word, const Real& numbers, const std::string& place) {
  T value{};
  const bool tiny_or_huge = !read_all(word, value);
  if (tiny_or_huge || !std::isfinite(value) || leads_with_zero(word) || !numbers.takes(static_cast<double>(value)))
    refuse(word, numbers, place, example_of(numbers));
  return value;
}

}  // namespace

std::string text_of(const Whole& numbers) {
  return fmt::format("a whole number from {} to {}", numbers.least, numbers.most);
}

std::string text_of(const Real& numbers) {
  std::string out = "a number";
  const bool bounded = numbers.most < kLargest;
  if (numbers.least > -kLargest && bounded && !numbers.above_least && !numbers.below_most)
    return out + fmt::format(" from {} to {}", numbers.least, numbers.most);
  if (numbers.least > -kLargest)
    out += fmt::format(" {} {}", numbers.above_least ? "above" : "of at least", numbers.least);
  if (bounded) out += fmt::format(" and {} {}", numbers.below_most ? "below" : "at most", numbers.most);
  return numbers.not_zero ? out + " other than 0" : out;
}

std::uint64_t read_number(std::string_view word, const Whole& numbers, const std::string& place) {
  std::uint64_t value = 0;
  if (!read_all(word, value) || leads_with_zero(word) || value < numbers.least || value > numbers.most)
    refuse(word, numbers, place, std::to_string(std::clamp<std::uint64_t>(10, numbers.least, numbers.most)));
  return value;
}

double read_number(std::string_view word, const Real& numbers, const std::string& place) {
  return read_real<double>(word, numbers, place);
}

float read_float(std::string_view word, const Real& numbers, const std::string& place) {
  return read_real<float>(word, numbers, place);
}

}  // namespace mote::tool
