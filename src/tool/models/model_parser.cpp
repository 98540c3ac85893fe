// SPDX-License-Identifier: Apache-2.0
// Positional arguments first, then options in any order; each layer's own are listed once, in spec_of().
#include "tool/models/model_parser.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <optional>
#include <string_view>

#include "tool/terminal/error.hpp"
#include "tool/terminal/suggest.hpp"

namespace mote::tool {

const std::vector<std::string>& op_words() {
  static const std::vector<std::string> words = [] {
    std::vector<std::string> out;
    for (unsigned i = 0; i < 256; ++i)
      if (known(static_cast<Op>(i))) out.emplace_back(name(static_cast<Op>(i)));
    out.insert(out.end(), {"conv1d", "flatten", "standardize"});
    return out;
  }();
  return words;
}

std::optional<float> default_alpha(Op op) {
#define MOTE_ACTIVATION_ALPHA(name, number, derivative_on, needs, alpha) \
  if (op == Op::name) return alpha;
#include "mote/model/ops.inc"
  return std::nullopt;
}

bool is_one_of(const std::string& word, const std::vector<std::string>& words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

void fail_at(const std::string& place, const Word& word, const std::string& what, const std::string& remedy) {
  throw usage_error(what, remedy).in(place).at_line(word.line).at_column(word.column);
}

namespace {

/// The operator of that name; an unknown one for other words.
Op op_of(const std::string& word) {
  for (unsigned i = 0; i < 256; ++i)
    if (known(static_cast<Op>(i)) && word == name(static_cast<Op>(i))) return static_cast<Op>(i);
  return static_cast<Op>(255);
}

const std::vector<std::string> kOptionWords{"same",   "valid",   "pad",      "stride", "dilation", "no_bias",
                                            "frozen", "epsilon", "momentum", "as",     "from"};

/// "8", "3x3", "28x28x1": whole numbers of at least `least`, joined by x. Empty: not of that form.
std::vector<std::uint32_t> sizes_of(std::string_view text, std::uint32_t least) {
  std::vector<std::uint32_t> sizes;
  const char* at = text.data();
  const char* const end = at + text.size();
  while (true) {
    std::uint32_t value = 0;
    const auto [next, error] = std::from_chars(at, end, value);
    if (error != std::errc{} || value < least) return {};
    sizes.push_back(value);
    if (next == end) return sizes;
    if (*next != 'x' && *next != 'X') return {};
    at = next + 1;
  }
}

/// One layer's words, read from front to back.
class LayerParser {
 public:
  LayerParser(const Line& line, const std::string& place, std::deque<std::string>& names)
      : line_(line), place_(place), names_(names) {}

  LayerSpec parse();

 private:
  /// What the keyword options of this layer may be, and what they said.
  struct Options {
    bool window = false, params = false, bias = false, norm = false, one_dimensional = false;
    ConvOptions conv{};
    bool stride_given = false;
    BatchNormOptions batch_norm{};
    std::string as, from;
  };

  [[nodiscard]] const Word* peek() const { return at_ < line_.size() ? &line_[at_] : nullptr; }
  [[nodiscard]] const std::string& op() const { return line_[0].text; }
  /// The next positional word, or nullptr if an option or the end follows.
  const Word* positional() {
    const Word* word = peek();
    if (word == nullptr || is_one_of(word->text, kOptionWords)) return nullptr;
    ++at_;
    return word;
  }
  const Word& required(const std::string& expected) {
    if (at_ < line_.size()) return line_[at_++];
    Word after = line_.back();
    after.column += after.text.size();
    fail_at(place_, after, fmt::format("{} ends where {} is expected", in_quotes(line_.back().text), expected),
            fmt::format("write {}", usage()));
  }
  std::vector<std::uint32_t> sizes(const Word& word, const std::string& expected, std::size_t most,
                                   std::uint32_t least = 1, std::uint32_t largest = kMaxDimension) {
    const std::vector<std::uint32_t> out = sizes_of(word.text, least);
    if (out.empty() || out.size() > most)
      fail_at(place_, word, fmt::format("{} is not {}", in_quotes(word.text), expected),
              fmt::format("write {}", usage()));
    for (const std::uint32_t size : out)
      if (size > largest)
        fail_at(place_, word, fmt::format("{} is more than {}", size, largest), "use a smaller number");
    return out;
  }
  std::uint32_t number(const std::string& expected) {
    const Word* word = positional();
    if (word == nullptr) word = &required(expected);
    return sizes(*word, expected, 1)[0];
  }
  float real(const Word& word, const std::string& expected) {
    float value = 0.0F;
    const char* end = word.text.data() + word.text.size();
    const auto [next, error] = std::from_chars(word.text.data(), end, value);
    if (error != std::errc{} || next != end || !(value - value == 0.0F))
      fail_at(place_, word, fmt::format("{} is not {}", in_quotes(word.text), expected),
              fmt::format("write {}", usage()));
    return value;
  }
  /// "3" is 3x3, or 1x3 along a sequence.
  Size2 size2(const Word& word, const std::string& expected, bool one_dimensional) {
    const auto values = sizes(word, expected, one_dimensional ? 1 : 2, 1, 65535);
    const auto first = static_cast<std::uint16_t>(values[0]);
    if (one_dimensional) return {1, first};
    return {first, static_cast<std::uint16_t>(values.back())};
  }
  Pads pads(const Word& word, bool one_dimensional) {
    const auto v =
        sizes(word, "a padding such as 1, 1x2 (rows x columns) or 0x1x0x1 (top x bottom x left x right)", 4, 0, 65535);
    const auto at = [&](std::size_t i) { return static_cast<std::uint16_t>(v[i]); };
    if (one_dimensional && v.size() <= 2) return {0, 0, at(0), at(v.size() - 1)};
    if (v.size() == 3 || one_dimensional)
      fail_at(place_, word, in_quotes(word.text) + " is not a padding", "write " + usage());
    if (v.size() == 4) return {at(0), at(1), at(2), at(3)};
    return {at(0), at(0), at(v.size() - 1), at(v.size() - 1)};
  }
  const char* given_name(const Word& word) {
    const auto good = [](char c) {
      return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-' || c == '.';
    };
    if (!std::all_of(word.text.begin(), word.text.end(), good) ||
        std::isdigit(static_cast<unsigned char>(word.text[0])) != 0)
      fail_at(place_, word, fmt::format("{} is not a name", in_quotes(word.text)),
              "use letters, digits and _, a letter first");
    if (is_one_of(word.text, op_words()) || is_one_of(word.text, kOptionWords) || word.text == "repeat")
      fail_at(place_, word, fmt::format("{} is a word of the language and cannot be a name", in_quotes(word.text)),
              fmt::format("call it {}_1, for example", word.text));
    return names_.emplace_back(word.name()).c_str();
  }

  [[nodiscard]] std::string usage() const;
  void read_options(Options& options);
  void read_option(const Word& word, Options& options);
  LayerSpec spec_of(Options& options);
  LayerSpec window_layer(Options& options);
  LayerSpec join_layer();

  const Line& line_;
  const std::string& place_;
  std::deque<std::string>& names_;
  std::size_t at_ = 1;
};

std::string LayerParser::usage() const {
  const std::string window = " [same | valid | pad P] [stride S]";
  const std::string& w = op();
  if (w == "input") return "input 28x28x1 (height x width x channels), input 100x3 (length x channels) or input 784";
  if (w == "dense") return "dense UNITS [no_bias] [frozen]";
  if (w == "conv2d") return "conv2d CHANNELS [3x3]" + window + " [dilation D] [no_bias] [frozen]";
  if (w == "conv1d") return "conv1d CHANNELS LENGTH" + window + " [dilation D] [no_bias] [frozen]";
  if (w == "depthwise_conv2d")
    return "depthwise_conv2d [MULTIPLIER] [3x3]" + window + " [dilation D] [no_bias] [frozen]";
  if (w == "max_pool" || w == "average_pool") return w + " [2x2]" + window;
  if (w == "batch_norm") return "batch_norm [epsilon 1e-5] [momentum 0.1] [frozen]";
  if (w == "dropout") return "dropout RATE with 0 <= RATE < 1";
  if (w == "gaussian_noise") return "gaussian_noise STANDARD_DEVIATION";
  if (w == "add" || w == "concat") return w + " NAME [NAME …], the names given by \"as\" to earlier layers";
  if (w == "reshape") return "reshape HEIGHTxWIDTHxCHANNELS";
  if (w == "rbf") return "rbf UNITS [frozen]";
  if (w == "spline") return "spline KNOTS [frozen]";
  const std::optional<float> alpha = default_alpha(op_of(w));
  return w + (alpha ? fmt::format(" [{}]", *alpha) : "") + " [as NAME] [from NAME]";
}

void LayerParser::read_options(Options& options) {
  while (const Word* word = peek()) {
    ++at_;
    read_option(*word, options);
  }
}

void LayerParser::read_option(const Word& word, Options& options) {
  const std::string& w = word.text;
  const bool one = options.one_dimensional;
  const auto only_if = [&](bool allowed) {
    if (!allowed)
      fail_at(place_, word, fmt::format("{} has no {}", op(), in_quotes(w)), fmt::format("write {}", usage()));
  };
  if (w == "as") {
    options.as = given_name(required("a name"));
  } else if (w == "from") {
    options.from = given_name(required("the name of an earlier layer"));
  } else if (w == "frozen") {
    only_if(options.params), options.conv.trainable = false;
  } else if (w == "no_bias") {
    only_if(options.bias), options.conv.bias = false;
  } else if (w == "same" || w == "valid") {
    only_if(options.window), options.conv.padding = w == "same" ? Padding::same : Padding::valid;
  } else if (w == "pad") {
    only_if(options.window), options.conv.padding = Padding::explicit_;
    options.conv.pads = pads(required("a padding"), one);
  } else if (w == "stride") {
    only_if(options.window), options.stride_given = true;
    options.conv.stride = size2(required("a stride"), "a stride such as 2 or 2x1", one);
  } else if (w == "dilation") {
    only_if(options.window && options.params);
    options.conv.dilation = size2(required("a dilation"), "a dilation such as 2 or 2x1", one);
  } else if (w == "epsilon" || w == "momentum") {
    only_if(options.norm);
    (w == "epsilon" ? options.batch_norm.epsilon : options.batch_norm.momentum) =
        real(required("a number"), "a number");
  } else if (is_one_of(w, op_words()) || w == "repeat") {
    fail_at(place_, word, fmt::format("{} starts another layer", in_quotes(w)), "put ; or a new line before it");
  } else {
    fail_at(place_, word, fmt::format("{} is not expected in {}", in_quotes(w), op()),
            fmt::format("{}write {}", did_you_mean(w, kOptionWords), usage()));
  }
}

LayerSpec LayerParser::window_layer(Options& options) {
  const std::string& w = op();
  options.window = true;
  options.bias = options.params = w != "max_pool" && w != "average_pool";
  options.one_dimensional = w == "conv1d";
  const std::string filter = "a filter size such as 3x3";
  std::uint32_t channels = 1;
  if (w == "conv2d" || w == "conv1d") channels = number("the number of channels");
  if (w == "depthwise_conv2d" && peek() != nullptr && sizes_of(peek()->text, 1).size() == 1) {
    channels = number("the depth multiplier");
    if (channels > 65535)
      fail_at(place_, line_[at_ - 1], "the depth multiplier is more than 65535", "use a smaller one");
  }
  options.conv.filter = options.params ? Size2{3, 3} : Size2{2, 2};
  if (options.one_dimensional) {
    const Word* word = positional();
    options.conv.filter =
        size2(word != nullptr ? *word : required("the length of the filter"), "the length of the filter", true);
  } else if (const Word* word = peek();
             word != nullptr && !is_one_of(word->text, kOptionWords) && word->text[0] >= '0' && word->text[0] <= '9') {
    ++at_;
    options.conv.filter = size2(*word, filter, false);
  }
  read_options(options);
  const ConvOptions& c = options.conv;
  if (w == "conv2d") return conv2d(channels, c);
  if (w == "conv1d") return conv1d(channels, c.filter.w, c);
  if (w == "depthwise_conv2d") return depthwise_conv2d(static_cast<std::uint16_t>(channels), c);
  const PoolOptions pool{c.filter, options.stride_given ? c.stride : Size2{0, 0}, c.padding, c.pads};
  return w == "max_pool" ? max_pool(pool) : average_pool(pool);
}

LayerSpec LayerParser::join_layer() {
  const bool adds = op() == "add";
  std::vector<const char*> names;
  while (const Word* word = positional()) names.push_back(given_name(*word));
  if (names.empty()) given_name(required("the name of an earlier layer"));
  if (names.size() > kMaxInputs - 1)
    fail_at(place_, line_[0], fmt::format("{} names {} layers", op(), names.size()),
            "join at most 4 layers, the one before included");
  LayerSpec spec = adds ? add(names[0]) : concat(names[0]);
  for (std::size_t i = 1; i < names.size(); ++i) spec.from[spec.from_count++] = names[i];
  return spec;
}

LayerSpec LayerParser::spec_of(Options& options) {
  const std::string& w = op();
  if (w == "input") {
    const auto v = sizes(required("a shape"), "a shape", 3, 1, static_cast<std::uint32_t>(kMaxElements));
    return v.size() == 1 ? input(v[0]) : v.size() == 2 ? input(v[0], v[1]) : input(v[0], v[1], v[2]);
  }
  if (w == "reshape") {
    const Word& word = required("a shape");
    const auto v = sizes(word, "a shape", 3, 1, static_cast<std::uint32_t>(kMaxElements));
    return v.size() == 1 ? reshape(1, 1, v[0]) : v.size() == 2 ? reshape(1, v[0], v[1]) : reshape(v[0], v[1], v[2]);
  }
  if (w == "dense" || w == "rbf") {
    const std::uint32_t units = number("the number of units");
    options.params = true, options.bias = w == "dense";
    read_options(options);
    return w == "dense" ? dense(units, {options.conv.bias, options.conv.trainable})
                        : rbf(units, {options.conv.trainable});
  }
  if (w == "spline") {
    const std::uint32_t knots = number("the number of knots");
    if (knots < 2 || knots > 65535) fail_at(place_, line_[1], "a spline has 2 to 65535 knots", "write spline 16");
    options.params = true;
    read_options(options);
    return spline(static_cast<std::uint16_t>(knots), {options.conv.trainable});
  }
  if (w == "batch_norm") {
    options.params = options.norm = true;
    read_options(options);
    options.batch_norm.trainable = options.conv.trainable;
    return batch_norm(options.batch_norm);
  }
  if (w == "dropout") return dropout(real(required("the rate"), "a rate such as 0.5"));
  if (w == "gaussian_noise") return gaussian_noise(real(required("the standard deviation"), "a number such as 0.3"));
  if (w == "add" || w == "concat") return join_layer();
  if (w == "flatten") return flatten();
  if (w == "standardize") return standardize();
  if (is_one_of(w, {"conv2d", "conv1d", "depthwise_conv2d", "max_pool", "average_pool"})) return window_layer(options);
  if (const Op op = op_of(w); known(op)) {  // an activation, or another layer without options of its own
    const std::optional<float> alpha = default_alpha(op);
    const Word* given = alpha ? positional() : nullptr;
    return detail::spec(op, given != nullptr ? real(*given, "a number such as 0.01") : alpha.value_or(0.0F));
  }
  if (w == "frozen" || w == "same" || w == "valid" || w == "no_bias" || w == "as" || w == "from")
    fail_at(place_, line_[0], fmt::format("{} is an option, not a layer", in_quotes(w)),
            "write it behind a layer on the same line, such as: dense 10 frozen");
  const std::vector<std::string>& words = op_words();
  fail_at(place_, line_[0], fmt::format("there is no layer {}", in_quotes(w)),
          fmt::format("{}the layers are {}", did_you_mean(w, words), list_of(words)));
}

LayerSpec LayerParser::parse() {
  Options options;
  LayerSpec spec = spec_of(options);
  read_options(options);
  if (!options.as.empty()) spec.label = names_.emplace_back(options.as).c_str();
  if (options.from.empty()) return spec;
  if (op() == "input") fail_at(place_, line_[0], "the input reads no layer", "leave out \"from\"");
  const char* source = names_.emplace_back(options.from).c_str();
  if (!spec.and_previous) return spec.reads(source);
  // add and concat: "from" replaces the layer before as the first of the inputs
  if (spec.from_count == kMaxInputs) fail_at(place_, line_[0], "too many inputs", "join at most 4 layers");
  for (std::size_t i = spec.from_count++; i > 0; --i) spec.from[i] = spec.from[i - 1];
  spec.from[0] = source;
  spec.and_previous = false;
  return spec;
}

}  // namespace

LayerSpec parse_layer(const Line& line, const std::string& place, std::deque<std::string>& names) {
  return LayerParser(line, place, names).parse();
}

}  // namespace mote::tool
