// SPDX-License-Identifier: Apache-2.0
#include "tool/export/outgoing.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "mote/model/element_types.hpp"
#include "mote/model/int8_units.hpp"
#include "mote/model/integer_params.hpp"
#include "mote/model/packed_weights.hpp"
#include "tool/data/description.hpp"
#include "tool/import/graph.hpp"
#include "tool/terminal/error.hpp"

namespace mote::tool::foreign {
namespace {

/// Scales are float32, multipliers have 31 bits: the neighbour that gives all of them.
bool find_scale(const QuantizedMultiplier& wanted, float input, float output, float& scale) {
  if (wanted.multiplier == 0) return scale = std::numeric_limits<float>::min(), true;
  const double real = std::ldexp(static_cast<double>(wanted.multiplier), wanted.shift - 31) *
                      static_cast<double>(output) / static_cast<double>(input);
  const auto near = static_cast<float>(real);
  for (const float one : {near, std::nextafter(near, 0.0F), std::nextafter(near, std::numeric_limits<float>::max())}) {
    const QuantizedMultiplier made = product_multiplier(input, one, output);
    if (made.multiplier == wanted.multiplier && made.shift == wanted.shift) return scale = one, true;
  }
  return scale = near, false;
}

}  // namespace

const char* numpy_name(DType type) {
  switch (type) {
    case DType::s8: return "int8";
    case DType::u8: return "uint8";
    case DType::s16: return "int16";
    case DType::s32: return "int32";
    case DType::boolean: return "bool";
    default: return "float32";
  }
}

std::vector<std::int64_t> natural_dims(const Shape& shape) {
  if (shape.h == 1 && shape.w == 1) return {1, shape.c};
  if (shape.h == 1) return {1, shape.w, shape.c};
  return {1, shape.h, shape.w, shape.c};
}

Outgoing::Outgoing(const OwnedModel& model, std::string format)
    : model_(model.view()), format_(std::move(format)), source_(model.source), readers_(model.layers.size()) {
  for (std::size_t i = 0; i < size(); ++i)
    for (std::size_t k = 0; k < layer(i).input_count; ++k) ++readers_[operand(i, k)];
  names_.resize(size());
  for (std::size_t i = 0; i < size(); ++i)
    if (rounds_weights(layer(i)))
      refuse(i, "its weights are rounded in training: export what mote quantize makes of it");
  name_ends(model);
  for (std::size_t i = 0; i < size(); ++i) {
    if (!names_[i].empty()) continue;
    const std::string given = tame(mote::name(model_, i));
    names_[i] = fresh(given.empty() ? fmt::format("{}_{}", mote::name(layer(i).op), i) : given);
  }
}

void Outgoing::name_ends(const OwnedModel& model) {
  const Description known = read_description(model.description).value_or(Description{});
  samples_meet = known.samples_meet;
  const auto end_of = [&](std::size_t at, const std::vector<ArrayEnd>& file, std::size_t number, const char* what) {
    End end{at, tame(mote::name(model_, at)), natural_dims(layer(at).shape), numpy_name(layer(at).dtype)};
    if (number < file.size()) {
      if (end.name.empty()) end.name = tame(file[number].name);
      std::uint64_t elements = 1;
      for (const std::uint64_t dim : file[number].shape) elements *= dim;
      constexpr std::array<std::string_view, 9> kCast{"bool",  "uint8", "int8",    "uint16", "int16",
                                                      "int32", "int64", "float16", "float32"};
      if (!quantized(layer(at).dtype) && layer(at).dtype != DType::u8 &&
          std::ranges::find(kCast, file[number].type) != kCast.end())
        end.type = file[number].type;
      if (elements == layer(at).shape.elements() && !file[number].shape.empty())
        end.dims.assign(file[number].shape.begin(), file[number].shape.end());
    }
    end.name = fresh(end.name.empty() ? fmt::format("{}_{}", what, number) : end.name);
    return end;
  };
  for (std::size_t i = 0; i < model_.input_count(); ++i) {
    inputs.push_back(end_of(model_.input_layer(i), known.model_inputs, i, "input"));
    names_[inputs.back().layer] = inputs.back().name;
  }
  for (std::size_t i = 0; i < model_.output_count(); ++i)
    outputs.push_back(end_of(model_.output_layer(i), known.model_outputs, i, "output"));
  std::size_t number = 0;
  for (std::size_t i = 0; i < size(); ++i) {
    if (layer(i).op != Op::assign) continue;
    const std::size_t state = operand(i, 1);
    if (!names_[state].empty()) continue;  // assigned before: a file that nobody writes
    End in = end_of(state, {}, number++, "state");
    End out{operand(i, 0), fresh(in.name + "_next"), in.dims, in.type};
    names_[state] = in.name;
    states.emplace_back(in.name, out.name);
    inputs.push_back(std::move(in)), outputs.push_back(std::move(out));
  }
}

std::string Outgoing::fresh(const std::string& wish) {
  std::string name = wish;
  for (std::size_t i = 1; !taken_.insert(name).second; ++i) name = fmt::format("{}_{}", wish, i);
  return name;
}

std::size_t Outgoing::only_reader(std::size_t i) const {
  if (readers_[i] != 1) return size();
  for (std::size_t j = i + 1; j < size(); ++j)
    for (std::size_t k = 0; k < layer(j).input_count; ++k)
      if (operand(j, k) == i) return j;
  return size();
}

IntegerWeights Outgoing::integer_weights(std::size_t i) {
  const Layer& l = layer(i);
  const Layer& from = in(i);
  IntegerWeights out;
  out.outputs = l.shape.c;
  const bool transposed = l.op == Op::conv2d_transpose;  // its zero points are in no bias, its arguments are others
  out.zero_point = transposed ? 0 : l.args[0];
  const std::size_t taps = std::size_t{l.filter_h} * l.filter_w;
  const bool depthwise = l.op == Op::depthwise_conv2d;
  out.terms = l.op == Op::dense ? static_cast<std::size_t>(from.shape.elements())
              : depthwise       ? taps
                                : taps * from.shape.c;
  const auto stored = array<std::int8_t>(i, "weights");
  out.values.resize(out.terms * out.outputs);
  std::vector<std::int64_t> sums(out.outputs, 0);
  for (std::size_t o = 0; o < out.outputs; ++o)
    for (std::size_t k = 0; k < out.terms; ++k) {
      const std::size_t at = depthwise ? k * out.outputs + o : o * out.terms + k, in_c = from.shape.c;
      if (transposed) {  // (tap, output, channel)
        out.values[at] = stored[(k / in_c * out.outputs + o) * in_c + k % in_c];
        continue;
      }
      out.values[at] = depthwise ? stored[at] : stored[packed_index(o, k, out.terms)];
      sums[o] += out.values[at];
    }
  const auto bias = array<std::int32_t>(i, "bias");
  const auto multipliers = array<std::int32_t>(i, "multipliers");
  const auto shifts = array<std::int8_t>(i, "shifts");
  bool exact = true;
  for (std::size_t o = 0; o < out.outputs; ++o) {
    const std::int64_t folded =
        transposed ? 0
                   : std::int64_t{from.quantization.zero_point} *
                         (sums[o] - std::int64_t{out.zero_point} * static_cast<std::int64_t>(out.terms));
    out.bias.push_back((bias.empty() ? 0 : bias[o]) + folded);
    exact = find_scale({multipliers[o], shifts[o]}, from.quantization.scale, l.quantization.scale,
                       out.scales.emplace_back()) &&
            exact;
  }
  if (!exact) refuse(i, "its multipliers follow from no float32 scale of its weights");
  const auto fits = [](std::int64_t v) { return v == static_cast<std::int32_t>(v); };
  if (!std::ranges::all_of(out.bias, fits)) refuse(i, "a bias without its zero point leaves 32 bits");
  return out;
}

void Outgoing::require_multipliers(std::size_t i) {
  const auto multipliers = array<std::int32_t>(i, "multipliers");
  const auto shifts = array<std::int8_t>(i, "shifts");
  std::size_t k = 0;
  for (const QuantizedMultiplier& q : multipliers_of(layer(i), in(i), in(i, layer(i).input_count - 1U))) {
    const bool same = k < multipliers.size() && q.multiplier == multipliers[k] && q.shift == shifts[k];
    ++k;
    if (!same) return refuse(i, "its multipliers do not follow from the scales of its values");
  }
}

void Outgoing::check() const {
  if (refusals_.empty()) return;
  struct Line {
    std::string op, why, places;
    std::size_t count = 0;
  };
  constexpr std::size_t kMostPlaces = 5, kMostLines = 40;
  std::vector<Line> lines;
  for (const Refusal& r : refusals_) {
    const std::string op = mote::name(layer(r.layer).op);
    auto line = std::ranges::find_if(lines, [&](const Line& one) { return one.op == op && one.why == r.why; });
    if (line == lines.end()) line = lines.insert(lines.end(), {op, r.why, "", 0});
    if (line->count++ >= kMostPlaces) continue;
    const std::string_view given = mote::name(model_, r.layer);
    line->places += (line->places.empty() ? "" : ", ") + std::to_string(r.layer) +
                    (given.empty() ? "" : fmt::format(" \"{}\"", tame(given)));
  }
  std::string what = fmt::format("cannot be written as {}: ", format_);
  if (lines.size() > 1) what += fmt::format("{} reasons:", lines.size());
  for (std::size_t i = 0; i < std::min(kMostLines, lines.size()); ++i) {
    const Line& line = lines[i];
    what += fmt::format("{}{} (layer{} {}{}): {}", lines.size() > 1 ? fmt::format(" ({}) ", i + 1) : "", line.op,
                        line.count == 1 ? "" : "s", line.places,
                        line.count > kMostPlaces ? fmt::format(", … {} in all", line.count) : "", line.why);
  }
  if (lines.size() > kMostLines) what += fmt::format(" … and {} more", lines.size() - kMostLines);
  const bool one = lines.size() == 1 && lines.front().count == 1;
  Error error =
      data_error(what, fmt::format("export to the other format, or put other layers in {} where the model is made",
                                   one ? "its place" : "their places"));
  if (!source_.empty()) error.in(source_);
  throw error;
}

}  // namespace mote::tool::foreign
