// SPDX-License-Identifier: Apache-2.0
// See sparse_update.hpp.
#include "tool/models/sparse_update.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>
#include <string_view>

#include "mote/model/builders.hpp"
#include "mote/model/validate.hpp"
#include "tool/models/model_source.hpp"
#include "tool/models/stored_weights.hpp"
#include "tool/terminal/error.hpp"

namespace mote::tool {
namespace {

constexpr const char* kForm =
    "write entries such as \"bias; conv3: 1/4; 7-9\": bias, or layers (numbers, ranges and names, as mote info shows "
    "them, dense for all of these, conv3 for the third), alone or with \": bias\" or \": 1/4\"";

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}
std::vector<std::string_view> parts_of(std::string_view text, char separator) {
  std::vector<std::string_view> out;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find(separator, at), text.size());
    out.push_back(trimmed(text.substr(at, end - at)));
    at = end + 1;
  }
  return out;
}
template <class Number>
std::optional<Number> number_of(std::string_view text) {
  Number value{};
  const auto [next, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || next != text.data() + text.size()) return std::nullopt;
  return value;
}

bool has_weights(const Layer& layer) {
  return layer.dtype == DType::f32 && layer.param_dtype == DType::f32 && may_train_narrow_weights(layer.op);
}
std::uint32_t input_channels(const Model& model, std::size_t i) {
  const Shape in = model.input_shape_of(i);
  return model.layers[i].op == Op::dense ? static_cast<std::uint32_t>(in.elements()) : in.c;
}

/// The list as it is meant for each layer.
class Reader {
 public:
  Reader(const OwnedModel& model, std::string option)
      : model_(model.view()), labels_(model.labels), option_(std::move(option)) {}

  std::vector<LayerUpdate> read(const std::string& list) {
    updates_.resize(model_.layers.size());
    for (const std::string_view entry : parts_of(list, ';')) {
      if (entry.empty()) fail("an entry is empty");
      if (entry == "bias") {
        for (std::size_t i = 0; i < updates_.size(); ++i)
          if (has_weights(model_.layers[i]) && model_.layers[i].has_bias()) updates_[i].kind = LayerUpdate::Kind::bias;
        continue;
      }
      const std::size_t colon = entry.find(':');
      const std::string_view what = colon == std::string_view::npos ? "" : trimmed(entry.substr(colon + 1));
      if (colon != std::string_view::npos && what.empty())
        fail(fmt::format("nothing stands behind the colon of \"{}\"", entry));
      for (const std::string_view layers : parts_of(entry.substr(0, colon), ','))
        for (const std::size_t i : layers_of(layers)) updates_[i] = update_of(i, what);
    }
    return updates_;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw usage_error(fmt::format("{}: {}", option_, what), kForm);
  }
  [[nodiscard]] std::vector<std::size_t> layers_of(std::string_view text) const {
    std::vector<std::size_t> out;
    const std::size_t dash = text.find('-');
    const auto first = number_of<std::size_t>(text.substr(0, dash));
    const auto last = dash == std::string_view::npos ? first : number_of<std::size_t>(text.substr(dash + 1));
    if (first && last) {
      if (*last < *first) fail(fmt::format("\"{}\" is no range", text));
      if (*last >= model_.layers.size())
        fail(fmt::format("there is no layer {}, the last one is {}", *last, model_.layers.size() - 1));
      for (std::size_t i = *first; i <= *last; ++i)
        if (model_.layers[i].param_bytes != 0 || first == last) out.push_back(i);
    }
    for (std::size_t i = 0; out.empty() && i < model_.layers.size(); ++i)
      if (!text.empty() && (name(model_, i) == text || (i < labels_.size() && labels_[i] == text))) out.push_back(i);
    if (out.empty()) out = of_operator(text);
    if (out.empty()) fail(fmt::format("no layer with parameters is called \"{}\"", text));
    return out;
  }
  /// "dense": all of these layers; "dense2": the second; conv and depthwise are short for conv2d and depthwise_conv2d.
  [[nodiscard]] std::vector<std::size_t> of_operator(std::string_view text) const {
    std::vector<std::size_t> out;
    const auto layers_called = [&](std::string_view word) {
      if (word == "conv") word = "conv2d";
      if (word == "depthwise") word = "depthwise_conv2d";
      for (std::size_t i = 0; i < model_.layers.size(); ++i)
        if (word == name(model_.layers[i].op) && model_.layers[i].param_bytes != 0) out.push_back(i);
    };
    layers_called(text);
    if (!out.empty()) return out;
    const std::size_t digits = text.find_last_not_of("0123456789") + 1;
    layers_called(text.substr(0, digits));
    const auto which = number_of<std::size_t>(text.substr(digits));
    if (!which || *which == 0 || *which > out.size()) return {};
    return {out[*which - 1]};
  }
  [[nodiscard]] LayerUpdate update_of(std::size_t i, std::string_view what) const {
    const Layer& layer = model_.layers[i];
    const std::string who = fmt::format("layer {} ({})", i, name(layer.op));
    const bool learns = layer.param_bytes != 0 && !is_source(layer.op) && layer.param_dtype == DType::f32;
    if (!learns) fail(fmt::format("{} has no parameters that training could move", who));
    if (what.empty()) return {LayerUpdate::Kind::whole, 0};
    if (!has_weights(layer)) fail(fmt::format("{} is trained whole or not at all", who));
    if (what == "bias") {
      if (!layer.has_bias()) fail(fmt::format("{} has no bias", who));
      return {LayerUpdate::Kind::bias, 0};
    }
    const std::size_t slash = what.find('/');
    const auto part = number_of<std::uint32_t>(trimmed(what.substr(0, slash)));
    const auto whole =
        slash == std::string_view::npos ? std::nullopt : number_of<std::uint32_t>(trimmed(what.substr(slash + 1)));
    if (!part || !whole || *part == 0 || *part > *whole)
      fail(fmt::format("\"{}\" is neither bias nor a part such as 1/4", what));
    const std::uint64_t all = input_channels(model_, i);
    const auto channels = static_cast<std::uint32_t>((all * *part + *whole - 1) / *whole);
    if (channels == all) return {LayerUpdate::Kind::whole, 0};
    return {LayerUpdate::Kind::channels, channels};
  }

  const Model model_;
  const std::vector<std::string>& labels_;
  std::string option_;
  std::vector<LayerUpdate> updates_;
};

const float* floats_at(const OwnedModel& model, std::size_t layer, std::size_t array) {
  const Model view = model.view();
  const ParamArrays arrays = param_arrays(model.layers[layer], view.input_shape_of(layer));
  return reinterpret_cast<const float*>(layer_params(view, layer) + arrays.arrays[array].offset);
}
float* floats_at(OwnedModel& model, std::size_t layer, std::size_t array) {
  return const_cast<float*>(floats_at(std::as_const(model), layer, array));
}

/// visit(place among all weights, place among those of the first `channels` input channels) for each of the latter.
template <class Visit>
void for_channels(const Layer& layer, std::uint32_t all, std::uint32_t channels, const Visit& visit) {
  const std::size_t taps = layer.op == Op::dense ? 1 : std::size_t{layer.filter_h} * layer.filter_w;
  const bool depthwise = layer.op == Op::depthwise_conv2d;
  const std::size_t each = depthwise ? layer.depth_multiplier : layer.shape.c;
  for (std::size_t tap = 0; tap < taps; ++tap)
    for (std::size_t i = 0; i < channels * each; ++i) visit(tap * all * each + i, tap * channels * each + i);
}

OwnedModel copy_of(const OwnedModel& model) {
  OwnedModel out;
  out.layers = model.layers, out.operands = model.operands, out.names = model.names, out.labels = model.labels;
  out.params = AlignedBytes(model.params.size());
  if (model.params.size() != 0) std::memcpy(out.params.data(), model.params.data(), model.params.size());
  out.param_bytes = model.param_bytes, out.alignment = model.alignment;
  out.source = model.source, out.description = model.description;
  return out;
}

}  // namespace

/// Writes the records, and parameters where there are any, from the first to the last.
class SparseUpdate::Writer {
 public:
  Writer(const OwnedModel& from, OwnedModel& to, std::vector<Parts>& parts)
      : from_(from), view_(from.view()), to_(to), parts_(parts) {}

  void write() {
    to_.alignment = from_.alignment, to_.source = from_.source, to_.description = from_.description;
    places_.resize(from_.layers.size());
    for (std::size_t i = 0; i < from_.layers.size(); ++i) places_[i] = write_layer(i);
    to_.param_bytes = bytes_;
    if (from_.params.size() == 0) return;
    to_.params = AlignedBytes(bytes_);
    for (std::size_t i = 0; i < from_.layers.size(); ++i) copy_params(i);
  }

 private:
  /// Adds a record that reads `sources` in to_'s numbers; `title`: its name, where layers have names.
  std::size_t add(Layer layer, const std::vector<std::size_t>& sources, std::string_view title = {}) {
    layer.inputs = {};
    layer.input_count = static_cast<std::uint16_t>(sources.size());
    if (sources.size() <= kMaxInputs) {
      for (std::size_t k = 0; k < sources.size(); ++k) layer.inputs[k] = static_cast<std::uint16_t>(sources[k]);
    } else {
      layer.inputs[0] = static_cast<std::uint16_t>(to_.operands.size());
      for (const std::size_t source : sources) to_.operands.push_back(static_cast<std::uint16_t>(source));
    }
    if (layer.param_bytes != 0) {
      const Shape in = sources.empty() ? Shape{} : to_.layers[sources[0]].shape;
      layer.param_bytes = static_cast<std::uint32_t>(param_arrays(layer, in).bytes);
      layer.param_offset = align_up(bytes_, from_.alignment);
      bytes_ = layer.param_offset + layer.param_bytes;
    }
    to_.layers.push_back(layer);
    if (!from_.names.empty()) to_.names.append(title).push_back('\0');
    return to_.layers.size() - 1;
  }
  static void set_flag(Layer& layer, std::uint8_t flag, bool on) {
    layer.flags = static_cast<std::uint8_t>(on ? layer.flags | flag : layer.flags & ~unsigned{flag});
  }

  std::size_t write_layer(std::size_t i) {
    Layer layer = from_.layers[i];
    const std::string_view title = name(view_, i);
    std::vector<std::size_t> sources(layer.input_count);
    for (std::size_t k = 0; k < sources.size(); ++k) sources[k] = places_[view_.operand(i, k)];
    const LayerUpdate& update = parts_[i].update;
    if (layer.param_bytes != 0) set_flag(layer, Layer::kTrainable, update.kind == LayerUpdate::Kind::whole);
    if (update.kind == LayerUpdate::Kind::channels) return write_channels(i, layer, sources[0], title);
    if (update.kind != LayerUpdate::Kind::bias)
      return parts_[i].frozen = parts_[i].trained = add(layer, sources, title);
    set_flag(layer, Layer::kHasBias, false);
    parts_[i].frozen = add(layer, sources);
    Layer bias = bias_add().layer;
    bias.shape = layer.shape, bias.param_dtype = DType::f32, bias.param_bytes = 1;
    return parts_[i].trained = add(bias, {parts_[i].frozen}, title);
  }
  std::size_t write_channels(std::size_t i, const Layer& layer, std::size_t source, std::string_view title) {
    const std::uint32_t channels = parts_[i].update.channels;
    if (layer.op == Op::dense && to_.layers[source].shape.elements() != to_.layers[source].shape.c) {
      Layer flat = flatten().layer;
      flat.shape = {1, 1, static_cast<std::uint32_t>(to_.layers[source].shape.elements())};
      source = add(flat, {source});
    }
    Layer part;
    part.op = Op::slice;
    part.shape = to_.layers[source].shape;
    part.shape.c = channels;
    part.args = {0, 0, 0, 1, 1, 1};
    Layer trained = layer;
    set_flag(trained, Layer::kTrainable, true);
    if (layer.op == Op::depthwise_conv2d) trained.shape.c = channels * layer.depth_multiplier;
    std::size_t made = parts_[i].trained = add(trained, {add(part, {source})});
    if (layer.op == Op::depthwise_conv2d) {
      Layer zeros;
      zeros.op = Op::pad;
      zeros.shape = layer.shape;
      zeros.args[1] = static_cast<std::int32_t>(layer.shape.c - trained.shape.c);
      made = add(zeros, {made});
    }
    Layer rest = layer;
    if (layer.op != Op::depthwise_conv2d) set_flag(rest, Layer::kHasBias, false);
    parts_[i].frozen = add(rest, {source});  // right before the sum, whose kernel it then is
    Layer sum;
    sum.op = Op::add;
    sum.shape = layer.shape;
    return add(sum, {made, parts_[i].frozen}, title);
  }

  void copy_params(std::size_t i) {
    const Layer& layer = from_.layers[i];
    if (layer.param_bytes == 0) return;
    const Parts& parts = parts_[i];
    const std::byte* const params = layer_params(view_, i);
    std::byte* const frozen = to_.params.data() + to_.layers[parts.frozen].param_offset;
    std::memcpy(frozen, params, std::min(layer.param_bytes, to_.layers[parts.frozen].param_bytes));
    if (parts.update.kind == LayerUpdate::Kind::bias)
      std::copy_n(floats_at(from_, i, 1), layer.shape.c, floats_at(to_, parts.trained, 0));
    if (parts.update.kind != LayerUpdate::Kind::channels) return;
    const float* const weights = floats_at(from_, i, 0);
    float *const rest = floats_at(to_, parts.frozen, 0), *const part = floats_at(to_, parts.trained, 0);
    for_channels(layer, input_channels(view_, i), parts.update.channels,
                 [&](std::size_t whole, std::size_t own) { part[own] = weights[whole], rest[whole] = 0.0F; });
    if (!layer.has_bias()) return;
    const std::uint32_t biases = to_.layers[parts.trained].shape.c;  // depthwise: of the trained channels
    std::copy_n(floats_at(from_, i, 1), biases, floats_at(to_, parts.trained, 1));
    if (layer.op == Op::depthwise_conv2d) std::fill_n(floats_at(to_, parts.frozen, 1), biases, 0.0F);
  }

  const OwnedModel& from_;
  const Model view_;
  OwnedModel& to_;
  std::vector<Parts>& parts_;
  std::vector<std::size_t> places_;  // of the values of from_ in to_
  std::uint32_t bytes_ = 0;
};

SparseUpdate::SparseUpdate(const OwnedModel& model, const std::string& list, const std::string& option)
    : given_(copy_of(model)) {
  for (const LayerUpdate& update : Reader(given_, option).read(list)) parts_.push_back({update});
  Writer(given_, split_, parts_).write();
  if (const Status status = validate(split_.view()); !status.ok()) throw status_error(status, split_);
}

OwnedModel SparseUpdate::merged(const OwnedModel& trained) const {
  const OwnedModel wide = with_weights(trained, DType::f32);
  OwnedModel out = copy_of(given_);
  out.description = trained.description;
  for (std::size_t i = 0; i < out.layers.size(); ++i) {
    const Parts& parts = parts_[i];
    const Layer& layer = out.layers[i];
    switch (parts.update.kind) {
      case LayerUpdate::Kind::none: break;
      case LayerUpdate::Kind::whole:
        std::memcpy(out.params.data() + layer.param_offset, layer_params(wide.view(), parts.trained),
                    layer.param_bytes);
        break;
      case LayerUpdate::Kind::bias:
        std::copy_n(floats_at(wide, parts.trained, 0), layer.shape.c, floats_at(out, i, 1));
        break;
      case LayerUpdate::Kind::channels: {
        const float* const part = floats_at(wide, parts.trained, 0);
        float* const weights = floats_at(out, i, 0);
        for_channels(layer, input_channels(out.view(), i), parts.update.channels,
                     [&](std::size_t whole, std::size_t own) { weights[whole] = part[own]; });
        if (layer.has_bias())
          std::copy_n(floats_at(wide, parts.trained, 1), wide.layers[parts.trained].shape.c, floats_at(out, i, 1));
        break;
      }
    }
  }
  return out;
}

}  // namespace mote::tool
