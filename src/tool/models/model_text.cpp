// SPDX-License-Identifier: Apache-2.0
// The text form as a whole: lines through the parser and resolve(), and what they refuse in the words of the text.
#include "tool/models/model_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <deque>

#include "tool/data/data_set.hpp"
#include "tool/models/model_parser.hpp"
#include "tool/models/model_repeat.hpp"
#include "tool/terminal/error.hpp"
#include "tool/terminal/suggest.hpp"

namespace mote::tool {
namespace {

std::string line_text(const Line& line) {
  std::string out;
  for (const Word& word : line) out += (out.empty() ? "" : " ") + word.text;
  return out;
}

/// For a name that no layer in sight has. Names of a repetition's copies are not in sight.
std::string name_remedy(const std::string& name, std::vector<std::string> known) {
  std::erase_if(known, [](const std::string& other) { return other.find('#') != std::string::npos; });
  return did_you_mean(name, known) +
         (known.empty() ? "name a layer with \"as\", such as: relu as skip" : "the names are " + list_of(known));
}

/// What the numbers of a layer may be.
const char* range_text(Op op) {
  switch (op) {
    case Op::dropout: return "give a rate of at least 0 and below 1";
    case Op::gaussian_noise: return "give a standard deviation from 0 to 1000000";
    case Op::batch_norm: return "give epsilon and momentum above 0 and at most 1";
    case Op::leaky_relu: return "give a slope above 0 and at most 1";
    default: return "see the text form in mote train --help";
  }
}

/// What resolve() refused, in the words of the text.
[[noreturn]] void explain(const std::string& place, const Line& line, const LayerSpec& spec, Status status,
                          const std::vector<Layer>& layers, const std::vector<const char*>& labels) {
  const auto where = [&](std::string_view text) -> const Word& {
    for (std::size_t i = 1; i < line.size(); ++i)
      if (line[i].name() == text) return line[i];
    return line[0];
  };
  std::vector<std::string> known;
  bool hidden = false;  // the name is one of a repetition that has ended
  for (const char* label : labels) {
    if (label == nullptr) continue;
    known.emplace_back(label);
    for (std::size_t i = 0; i < spec.from_count; ++i)
      hidden |= known.back() != spec.from[i] && written(label) == spec.from[i];
  }
  const std::string in = layers.empty() ? "" : shape_text(layers.back().shape);
  switch (status.code) {
    case Code::first_layer_not_input:
      fail_at(place, line[0], fmt::format("the network starts with {} and not with its input", in_quotes(line[0].text)),
              "write the shape of one sample first, such as input 28x28x1");
    case Code::name_repeated:
      fail_at(place, where(spec.label), fmt::format("two layers are called {}", in_quotes(written(spec.label))),
              "give this one another name");
    case Code::name_unknown:
      for (std::size_t i = 0; i < spec.from_count; ++i)
        if (!is_one_of(spec.from[i], known))
          fail_at(place, where(spec.from[i]),
                  fmt::format("no earlier layer is called {}{}", in_quotes(written(spec.from[i])),
                              hidden ? " outside of its repetition" : ""),
                  name_remedy(written(spec.from[i]), known));
      break;
    case Code::filter_exceeds_input:
      fail_at(place, line[0], fmt::format("{}: the filter is larger than its padded input", in_quotes(line_text(line))),
              fmt::format("the input is {} here; use a smaller filter, \"same\", or, for a sequence, 1x{}", in,
                          spec.layer.filter_w));
    case Code::bad_padding:
      fail_at(place, line[0], fmt::format("{}: the padding is as large as the filter", in_quotes(line_text(line))),
              "pad less");
    case Code::shape_mismatch: {
      std::string shapes = spec.and_previous || spec.from_count == 0 ? in : "";
      for (std::size_t i = 0; i < spec.from_count; ++i)
        for (std::size_t k = 0; k < labels.size(); ++k)
          if (labels[k] != nullptr && std::string_view(labels[k]) == spec.from[i])
            shapes += fmt::format("{}{} ({})", shapes.empty() ? "" : " and ", shape_text(layers[k].shape),
                                  written(labels[k]));
      if (spec.layer.op == Op::reshape)
        fail_at(place, line[0],
                fmt::format("{} does not have as many elements as its input {}", in_quotes(line_text(line)), in),
                "give a shape with the same product");
      fail_at(place, line[0], fmt::format("{} joins shapes that do not fit: {}", line[0].text, shapes),
              spec.layer.op == Op::add ? "added layers have one shape"
                                       : "concatenated layers have the same height and width");
    }
    case Code::bad_attribute:
      fail_at(place, line[0], fmt::format("{}: a number is out of its range", in_quotes(line_text(line))),
              range_text(spec.layer.op));
    case Code::too_many_layers: fail_at(place, line[0], fmt::format("more than {} layers", kMaxLayers), "use fewer");
    default: break;
  }
  const Advice advice = advice_of(describe(status));
  fail_at(place, line[0],
          fmt::format("{}{}: {}", in_quotes(line_text(line)), in.empty() ? "" : " on an input of " + in, advice.what),
          advice.remedy);
}

}  // namespace

OwnedModel parse_model_text(std::string_view text, const std::string& place, Parameters parameters) {
  OwnedModel model;
  const std::vector<Line> lines = unroll_repetitions(split_lines(text), place);
  if (lines.empty())
    throw usage_error("the network has no layers", "start with its input, such as input 28x28x1").in(place);
  std::deque<std::string> names;
  std::vector<const char*> labels;
  std::uint32_t param_bytes = 0;
  for (const Line& line : lines) {
    const LayerSpec spec = parse_layer(line, place, names);
    if (spec.layer.op == Op::input && !model.layers.empty())
      fail_at(place, line[0], "there is a second input", "a network has one input: drop this line");
    const Result<Layer> layer = resolve(spec, model.layers, labels, model.alignment);
    if (!layer.ok()) explain(place, line, spec, layer.status(), model.layers, labels);
    model.layers.push_back(*layer);
    labels.push_back(spec.label);
    model.labels.emplace_back(spec.label == nullptr ? "" : written(spec.label));
    param_bytes = std::max(param_bytes, layer->param_offset + layer->param_bytes);
  }
  model.param_bytes = param_bytes;
  const Status status = validate({model.layers, nullptr, param_bytes, model.alignment});
  if (status.ok()) {
    if (param_bytes != 0 && parameters == Parameters::zero) model.params = AlignedBytes(param_bytes);
    return model;
  }
  const Line& line = lines[status.layer == kNoLayer ? 0 : status.layer];
  if (status.code == Code::unused_layer)
    fail_at(place, line[0], fmt::format("nothing reads the output of {}", in_quotes(line_text(line))),
            "drop the layer, or let a later one take it by name (as NAME, then from NAME, add NAME or concat NAME)");
  const Advice advice = advice_of(describe(status));
  fail_at(place, line[0], fmt::format("{}: {}", in_quotes(line_text(line)), advice.what), advice.remedy);
}

}  // namespace mote::tool
