// SPDX-License-Identifier: Apache-2.0
// Positional arguments first, then options in any order; each layer's own are listed once, in spec_of().
#include "tool/models/model_parser.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string_view>
#include <vector>

#include "tool/models/layer_words.hpp"
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

namespace {

/// Operators that a network as text can have: not those that need numbers or operands for which it has no words.
bool is_written(Op op) {
  if (is_binary(op) || is_comparison(op) || is_logical(op) || is_reduction(op) || is_recurrent(op) || is_resize(op))
    return false;
  if (is_movement(op) || is_source(op) || is_sink(op)) return op == Op::concat || op == Op::input;
  switch (op) {
    case Op::result:
    case Op::select:
    case Op::logical_not:
    case Op::matmul:
    case Op::conv2d_transpose:
    case Op::argmax:
    case Op::argmin:
    case Op::quantize:
    case Op::dequantize:
    case Op::requantize:
    case Op::cast:
    case Op::svdf: return false;
    default: return true;
  }
}
std::vector<std::string> written_words() {
  std::vector<std::string> out = op_words();
  std::erase_if(out, [](const std::string& word) { return known(op_of(word)) && !is_written(op_of(word)); });
  return out;
}

}  // namespace

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

/// One layer: its operator, then what the words behind it may be.
class LayerParser {
 public:
  LayerParser(const Line& line, const std::string& place, std::deque<std::string>& names)
      : words_(line, place, names) {}

  LayerSpec parse();

 private:
  /// What the keyword options of this layer may be, and what they said.
  struct Options {
    bool window = false, params = false, bias = false, norm = false, one_dimensional = false, weights = false;
    ConvOptions conv{};
    bool stride_given = false;
    BatchNormOptions batch_norm{};
    std::string as, from;
    std::vector<std::string> given;
  };

  [[nodiscard]] const std::string& op() const { return words_.op(); }
  void read_options(Options& options);
  void read_option(const Word& word, Options& options);
  LayerSpec spec_of(Options& options);
  LayerSpec window_layer(Options& options);
  LayerSpec join_layer();

  LayerWords words_;
};

void LayerParser::read_options(Options& options) {
  while (words_.peek() != nullptr) {
    const Word& word = words_.next();
    if (is_one_of(word.text, options.given))
      words_.fail(word, fmt::format("{} stands here twice", in_quotes(word.text)), "drop one of them");
    options.given.push_back(word.text);
    read_option(word, options);
  }
}

void LayerParser::read_option(const Word& word, Options& options) {
  const std::string& w = word.text;
  const bool one = options.one_dimensional;
  const auto only_if = [&](bool allowed) {
    if (!allowed)
      words_.fail(word, fmt::format("{} has no {}", op(), in_quotes(w)), fmt::format("write {}", words_.usage()));
  };
  if (w == "as") {
    options.as = words_.given_name(words_.required("a name"));
  } else if (w == "from") {
    options.from = words_.given_name(words_.required("the name of an earlier layer"));
  } else if (w == "frozen") {
    only_if(options.params), options.conv.trainable = false;
  } else if (w == "int8" || w == "float16") {
    only_if(options.weights), options.conv.weights = w == "int8" ? DType::s8 : DType::f16;
  } else if (w == "no_bias") {
    only_if(options.bias), options.conv.bias = false;
  } else if (w == "rounded") {
    only_if(options.bias), options.conv.rounded_weights = true;
  } else if (w == "same" || w == "valid") {
    only_if(options.window), options.conv.padding = w == "same" ? Padding::same : Padding::valid;
  } else if (w == "pad") {
    only_if(options.window), options.conv.padding = Padding::explicit_;
    options.conv.pads = words_.pads(words_.required("a padding"), one);
  } else if (w == "stride") {
    only_if(options.window), options.stride_given = true;
    options.conv.stride = words_.size2(words_.required("a stride"), "a stride such as 2 or 2x1", one);
  } else if (w == "dilation") {
    only_if(options.window && options.params);
    options.conv.dilation = words_.size2(words_.required("a dilation"), "a dilation such as 2 or 2x1", one);
  } else if (w == "epsilon" || w == "momentum") {
    only_if(options.norm);
    (w == "epsilon" ? options.batch_norm.epsilon : options.batch_norm.momentum) =
        words_.real(words_.required("a number"), "a number");
  } else if (is_one_of(w, op_words()) || w == "repeat") {
    words_.fail(word, fmt::format("{} starts another layer", in_quotes(w)), "put ; or a new line before it");
  } else {
    words_.fail(word, fmt::format("{} is not expected in {}", in_quotes(w), op()),
                fmt::format("{}write {}", did_you_mean(w, kOptionWords), words_.usage()));
  }
}

LayerSpec LayerParser::window_layer(Options& options) {
  const std::string& w = op();
  options.window = true;
  options.bias = options.params = options.weights = w != "max_pool" && w != "average_pool";
  options.one_dimensional = w == "conv1d";
  const std::string filter = "a filter size such as 3x3";
  std::uint32_t channels = 1;
  if (w == "conv2d" || w == "conv1d") channels = words_.number("the number of channels");
  if (w == "depthwise_conv2d" && words_.peek() != nullptr && sizes_of(words_.peek()->text, 1).size() == 1) {
    channels = words_.number("the depth multiplier");
    if (channels > 65535) words_.fail(words_.last(), "the depth multiplier is more than 65535", "use a smaller one");
  }
  options.conv.filter = options.params ? Size2{3, 3} : Size2{2, 2};
  if (options.one_dimensional) {
    const Word* word = words_.positional();
    options.conv.filter = words_.size2(word != nullptr ? *word : words_.required("the length of the filter"),
                                       "the length of the filter", true);
  } else if (const Word* word = words_.peek();
             word != nullptr && !is_one_of(word->text, kOptionWords) && word->text[0] >= '0' && word->text[0] <= '9') {
    options.conv.filter = words_.size2(words_.next(), filter, false);
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
  while (const Word* word = words_.positional()) names.push_back(words_.given_name(*word));
  if (names.empty()) words_.given_name(words_.required("the name of an earlier layer"));
  if (names.size() > kMaxInputs - 1)
    words_.fail(words_.first(), fmt::format("{} names {} layers", op(), names.size()),
                "join at most 4 layers, the one before included");
  LayerSpec spec = adds ? add(names[0]) : concat(names[0]);
  for (std::size_t i = 1; i < names.size(); ++i) spec.from[spec.from_count++] = names[i];
  return spec;
}

LayerSpec LayerParser::spec_of(Options& options) {
  const std::string& w = op();
  if (w == "input") {
    const auto v = words_.sizes(words_.required("a shape"), "a shape", 3, 1, static_cast<std::uint32_t>(kMaxElements));
    return v.size() == 1 ? input(v[0]) : v.size() == 2 ? input(v[0], v[1]) : input(v[0], v[1], v[2]);
  }
  if (w == "reshape") {
    const Word& word = words_.required("a shape");
    const auto v = words_.sizes(word, "a shape", 3, 1, static_cast<std::uint32_t>(kMaxElements));
    return v.size() == 1 ? reshape(1, 1, v[0]) : v.size() == 2 ? reshape(1, v[0], v[1]) : reshape(v[0], v[1], v[2]);
  }
  if (w == "dense" || w == "rbf") {
    const std::uint32_t units = words_.number("the number of units");
    options.params = true, options.bias = options.weights = w == "dense";
    read_options(options);
    return w == "dense" ? dense(units, {options.conv.bias, options.conv.trainable, options.conv.rounded_weights,
                                        options.conv.weights})
                        : rbf(units, {options.conv.trainable});
  }
  if (w == "spline") {
    const std::uint32_t knots = words_.number("the number of knots");
    if (knots < 2 || knots > 65535) words_.fail(words_.last(), "a spline has 2 to 65535 knots", "write spline 16");
    options.params = true;
    read_options(options);
    return spline(static_cast<std::uint16_t>(knots), {options.conv.trainable});
  }
  if (w == "fake_quantize") {
    options.params = true;
    read_options(options);
    return fake_quantize({options.conv.trainable});
  }
  if (w == "batch_norm") {
    options.params = options.norm = true;
    read_options(options);
    options.batch_norm.trainable = options.conv.trainable;
    return batch_norm(options.batch_norm);
  }
  if (w == "bias_add") {
    options.params = true;
    read_options(options);
    return bias_add({options.conv.trainable});
  }
  if (w == "dropout") return dropout(words_.real(words_.required("the rate"), "a rate such as 0.5"));
  if (w == "gaussian_noise")
    return gaussian_noise(words_.real(words_.required("the standard deviation"), "a number such as 0.3"));
  if (w == "add" || w == "concat") return join_layer();
  if (w == "flatten") return flatten();
  if (w == "standardize") return standardize();
  if (is_one_of(w, {"conv2d", "conv1d", "depthwise_conv2d", "max_pool", "average_pool"})) return window_layer(options);
  if (const Op op = op_of(w); known(op)) {  // an activation, or another layer without options of its own
    const std::optional<float> alpha = default_alpha(op);
    const Word* given = alpha ? words_.positional() : nullptr;
    return detail::spec(op, given != nullptr ? words_.real(*given, "a number such as 0.01") : alpha.value_or(0.0F));
  }
  if (is_one_of(w, {"frozen", "same", "valid", "no_bias", "rounded", "int8", "float16", "as", "from"}))
    words_.fail(words_.first(), fmt::format("{} is an option, not a layer", in_quotes(w)),
                "write it behind a layer on the same line, such as: dense 10 frozen");
  words_.fail(words_.first(), fmt::format("there is no layer {}", in_quotes(w)),
              fmt::format("{}the layers are {}", did_you_mean(w, op_words()), list_of(written_words())));
}

LayerSpec LayerParser::parse() {
  Options options;
  LayerSpec spec = spec_of(options);
  read_options(options);
  if (!options.as.empty()) spec.label = words_.kept(options.as);
  if (options.from.empty()) return spec;
  if (op() == "input") words_.fail(words_.first(), "the input reads no layer", "leave out \"from\"");
  const char* source = words_.kept(options.from);
  if (!spec.and_previous) return spec.reads(source);
  // add and concat: "from" replaces the layer before as the first of the inputs
  if (spec.from_count == kMaxInputs) words_.fail(words_.first(), "too many inputs", "join at most 4 layers");
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
