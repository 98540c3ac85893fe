// SPDX-License-Identifier: Apache-2.0
// Optimal string alignment over short words; never called on anything longer than a line.
#include "tool/terminal/suggest.hpp"

#include <algorithm>
#include <cctype>
#include <vector>

namespace mote::tool {

std::size_t edit_distance(std::string_view a, std::string_view b) {
  const auto same = [](char x, char y) {
    return std::tolower(static_cast<unsigned char>(x)) == std::tolower(static_cast<unsigned char>(y));
  };
  std::vector<std::size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (same(a[i - 1], b[j - 1]) ? 0U : 1U)});
      if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1]))
        row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before.swap(last);
    last.swap(row);
  }
  return last[b.size()];
}

std::string nearest(std::string_view word, std::span<const std::string> candidates) {
  std::string best;
  std::size_t best_distance = 4;
  if (word.size() > 64) return best;
  for (const std::string& candidate : candidates) {
    const std::size_t allowed = std::clamp<std::size_t>(candidate.size() / 3, 1, 3);
    const std::size_t distance = edit_distance(word, candidate);
    if (distance <= allowed && distance < best_distance) best = candidate, best_distance = distance;
  }
  if (best.empty() && word.size() >= 3)  // a word cut short, or run on
    for (const std::string& candidate : candidates)
      if (best.empty() && (candidate.starts_with(word) || (candidate.size() >= 3 && word.starts_with(candidate))))
        best = candidate;
  return best;
}

std::string did_you_mean(std::string_view word, std::span<const std::string> candidates) {
  const std::string best = nearest(word, candidates);
  return best.empty() ? "" : "did you mean \"" + best + "\"? ";
}

std::string list_of(std::span<const std::string> words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : ", ") + word;
  return out;
}

std::string in_quotes(std::string_view word) {
  constexpr std::size_t kLongest = 40;
  std::string out = "\"";
  for (const char c : word.substr(0, kLongest)) out += static_cast<unsigned char>(c) < 0x20 || c == 0x7F ? '?' : c;
  out += word.size() > kLongest ? "…\"" : "\"";
  return out;
}

}  // namespace mote::tool
