// SPDX-License-Identifier: Apache-2.0
// The words of one layer, read from front to back: a cursor that knows numbers, sizes and names, and says at which word
// something else was expected. What a layer's words mean is model_parser.cpp's.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "mote/model/builders.hpp"
#include "tool/models/model_words.hpp"

namespace mote::tool {

/// The operator of that name; an unknown one for other words.
Op op_of(const std::string& word);

/// The words that start a layer's options.
extern const std::vector<std::string> kOptionWords;

/// "8", "3x3", "28x28x1": whole numbers of at least `least`, joined by x, none beginning with a needless 0. Empty: not
/// of that form.
std::vector<std::uint32_t> sizes_of(std::string_view text, std::uint32_t least);

/// How a layer is written, for remedies.
std::string layer_usage(const std::string& op);

class LayerWords {
 public:
  /// All three must outlive this; `names` keeps the characters of names that are given out.
  LayerWords(const Line& line, const std::string& place, std::deque<std::string>& names)
      : line_(line), place_(place), names_(names) {}

  [[nodiscard]] const Word* peek() const { return at_ < line_.size() ? &line_[at_] : nullptr; }
  /// The layer's own word.
  [[nodiscard]] const Word& first() const { return line_[0]; }
  [[nodiscard]] const std::string& op() const { return line_[0].text; }
  /// The word that was read last.
  [[nodiscard]] const Word& last() const { return line_[at_ - 1]; }
  const Word& next() { return line_[at_++]; }
  /// The next positional word, or nullptr if an option or the end follows.
  const Word* positional();
  /// The next word; fails with `expected` at the end of the line.
  const Word& required(const std::string& expected);
  /// At most `most` whole numbers from `least` to `largest` in one word.
  std::vector<std::uint32_t> sizes(const Word& word, const std::string& expected, std::size_t most,
                                   std::uint32_t least = 1, std::uint32_t largest = kMaxDimension);
  /// One whole number from 1 on; `expected` says which, such as "the number of units".
  std::uint32_t number(const std::string& expected);
  float real(const Word& word, const std::string& expected);
  /// "3" is 3x3, or 1x3 along a sequence.
  Size2 size2(const Word& word, const std::string& expected, bool one_dimensional);
  Pads pads(const Word& word, bool one_dimensional);
  /// A name that the language has no meaning for.
  const char* given_name(const Word& word);
  const char* kept(const std::string& name) { return names_.emplace_back(name).c_str(); }

  [[nodiscard]] std::string usage() const { return layer_usage(op()); }
  [[noreturn]] void fail(const Word& word, const std::string& what, const std::string& remedy) const;

 private:
  const Line& line_;
  const std::string& place_;
  std::deque<std::string>& names_;
  std::size_t at_ = 1;
};

}  // namespace mote::tool
