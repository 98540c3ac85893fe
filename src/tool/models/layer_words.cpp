// SPDX-License-Identifier: Apache-2.0
// Every failure names the word it stands at and ends in how the layer is written.
#include "tool/models/layer_words.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <optional>

#include "tool/models/model_parser.hpp"
#include "tool/terminal/suggest.hpp"

namespace mote::tool {

Op op_of(const std::string& word) {
  for (unsigned i = 0; i < 256; ++i)
    if (known(static_cast<Op>(i)) && word == name(static_cast<Op>(i))) return static_cast<Op>(i);
  return static_cast<Op>(255);
}

const std::vector<std::string> kOptionWords{"same", "valid",   "pad",    "stride",  "dilation", "no_bias", "rounded",
                                            "int8", "float16", "frozen", "epsilon", "momentum", "as",      "from"};

std::vector<std::uint32_t> sizes_of(std::string_view text, std::uint32_t least) {
  std::vector<std::uint32_t> sizes;
  const char* at = text.data();
  const char* const end = at + text.size();
  while (true) {
    std::uint32_t value = 0;
    const auto [next, error] = std::from_chars(at, end, value);
    if (error != std::errc{} || value < least || (*at == '0' && next != at + 1)) return {};
    sizes.push_back(value);
    if (next == end) return sizes;
    if (*next != 'x' && *next != 'X') return {};
    at = next + 1;
  }
}

std::string layer_usage(const std::string& w) {
  const std::string window = " [same | valid | pad P] [stride S]";
  if (w == "input") return "input 28x28x1 (height x width x channels), input 100x3 (length x channels) or input 784";
  if (w == "dense") return "dense UNITS [no_bias] [rounded | int8 | float16] [frozen]";
  const std::string weights = " [no_bias] [rounded | int8 | float16] [frozen]";
  if (w == "conv2d") return "conv2d CHANNELS [3x3]" + window + " [dilation D]" + weights;
  if (w == "conv1d") return "conv1d CHANNELS LENGTH" + window + " [dilation D]" + weights;
  if (w == "depthwise_conv2d") return "depthwise_conv2d [MULTIPLIER] [3x3]" + window + " [dilation D]" + weights;
  if (w == "max_pool" || w == "average_pool") return w + " [2x2]" + window;
  if (w == "batch_norm") return "batch_norm [epsilon 1e-5] [momentum 0.1] [frozen]";
  if (w == "dropout") return "dropout RATE with 0 <= RATE < 1";
  if (w == "gaussian_noise") return "gaussian_noise STANDARD_DEVIATION";
  if (w == "add" || w == "concat") return w + " NAME [NAME …], the names given by \"as\" to earlier layers";
  if (w == "reshape") return "reshape HEIGHTxWIDTHxCHANNELS";
  if (w == "rbf") return "rbf UNITS [frozen]";
  if (w == "fake_quantize") return "fake_quantize [frozen]";
  if (w == "spline") return "spline KNOTS [frozen]";
  if (w == "bias_add") return "bias_add [frozen]";
  const std::optional<float> alpha = default_alpha(op_of(w));
  return w + (alpha ? fmt::format(" [{}]", *alpha) : "") + " [as NAME] [from NAME]";
}

const Word* LayerWords::positional() {
  const Word* word = peek();
  if (word == nullptr || is_one_of(word->text, kOptionWords)) return nullptr;
  ++at_;
  return word;
}

const Word& LayerWords::required(const std::string& expected) {
  if (at_ < line_.size()) return line_[at_++];
  Word after = line_.back();
  after.column += after.text.size();
  fail(after, fmt::format("{} ends where {} is expected", in_quotes(line_.back().text), expected),
       fmt::format("write {}", usage()));
}

std::vector<std::uint32_t> LayerWords::sizes(const Word& word, const std::string& expected, std::size_t most,
                                             std::uint32_t least, std::uint32_t largest) {
  const std::vector<std::uint32_t> out = sizes_of(word.text, least);
  if (out.empty() || out.size() > most)
    fail(word, fmt::format("{} is not {}", in_quotes(word.text), expected), fmt::format("write {}", usage()));
  for (const std::uint32_t size : out)
    if (size > largest) fail(word, fmt::format("{} is more than {}", size, largest), "use a smaller number");
  return out;
}

std::uint32_t LayerWords::number(const std::string& expected) {
  const Word* word = positional();
  if (word == nullptr) word = &required(expected);
  const std::vector<std::uint32_t> out = sizes_of(word->text, 1);
  if (out.size() != 1 || out[0] > kMaxDimension)
    fail(*word,
         fmt::format("{} is a whole number from 1 to {}, not {}", expected, kMaxDimension, in_quotes(word->text)),
         fmt::format("write {}", usage()));
  return out[0];
}

float LayerWords::real(const Word& word, const std::string& expected) {
  float value = 0.0F;
  const char* end = word.text.data() + word.text.size();
  const auto [next, error] = std::from_chars(word.text.data(), end, value);
  if (error != std::errc{} || next != end || !(value - value == 0.0F))
    fail(word, fmt::format("{} is not {}", in_quotes(word.text), expected), fmt::format("write {}", usage()));
  return value;
}

Size2 LayerWords::size2(const Word& word, const std::string& expected, bool one_dimensional) {
  const auto values = sizes(word, expected, one_dimensional ? 1 : 2, 1, 65535);
  const auto first = static_cast<std::uint16_t>(values[0]);
  if (one_dimensional) return {1, first};
  return {first, static_cast<std::uint16_t>(values.back())};
}

Pads LayerWords::pads(const Word& word, bool one_dimensional) {
  const auto v =
      sizes(word, "a padding such as 1, 1x2 (rows x columns) or 0x1x0x1 (top x bottom x left x right)", 4, 0, 65535);
  const auto at = [&](std::size_t i) { return static_cast<std::uint16_t>(v[i]); };
  if (one_dimensional && v.size() <= 2) return {0, 0, at(0), at(v.size() - 1)};
  if (v.size() == 3 || one_dimensional) fail(word, in_quotes(word.text) + " is not a padding", "write " + usage());
  if (v.size() == 4) return {at(0), at(1), at(2), at(3)};
  return {at(0), at(0), at(v.size() - 1), at(v.size() - 1)};
}

const char* LayerWords::given_name(const Word& word) {
  const auto good = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-' || c == '.';
  };
  if (!std::all_of(word.text.begin(), word.text.end(), good) ||
      std::isdigit(static_cast<unsigned char>(word.text[0])) != 0)
    fail(word, fmt::format("{} is not a name", in_quotes(word.text)), "use letters, digits and _, a letter first");
  if (is_one_of(word.text, op_words()) || is_one_of(word.text, kOptionWords) || word.text == "repeat")
    fail(word, fmt::format("{} is a word of the language and cannot be a name", in_quotes(word.text)),
         fmt::format("call it {}_1, for example", word.text));
  return kept(word.name());
}

void LayerWords::fail(const Word& word, const std::string& what, const std::string& remedy) const {
  fail_at(place_, word, what, remedy);
}

}  // namespace mote::tool
