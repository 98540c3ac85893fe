// SPDX-License-Identifier: Apache-2.0
// A layer as a network is written down: LayerSpec, which the functions of builders.hpp make and resolve() turns into a
// record.
#pragma once

#include "mote/requirements.hpp"
#ifndef MOTE_WARN_IN_HEADERS
#pragma GCC system_header
#endif

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>

#include "mote/model/layer.hpp"

namespace mote {

/// Height and width; of one number, both: `.stride = {2}` is 2 x 2.
struct Size2 {
  std::uint16_t h = 1, w = 1;
  constexpr Size2() = default;
  constexpr Size2(std::uint16_t both) : h(both), w(both) {}  // NOLINT(google-explicit-constructor)
  constexpr Size2(std::uint16_t height, std::uint16_t width) : h(height), w(width) {}
};
enum class Padding : std::uint8_t {
  valid,     ///< none
  same,      ///< output = ceil(input / stride); the odd cell goes to the bottom and right
  explicit_  ///< `pads` as given; with the other two, pads are a mistake (bad_padding)
};
struct Pads {
  std::uint16_t top = 0, bottom = 0, left = 0, right = 0;
};

/// A layer as the user wishes it, as the functions below make it; names refer to earlier layers and are gone after
/// resolve().
struct LayerSpec {
  Layer layer{};
  Padding padding = Padding::valid;
  const char* label = nullptr;
  std::array<const char*, kMaxInputs> from{};  // empty: the layer before
  std::uint8_t from_count = 0;
  bool and_previous = false;  // the layer before is the first input (add, concat with one name)
  bool flatten = false;       // reshape to a vector of whatever comes in

  /// Gives the layer a name that later layers may take as input.
  [[nodiscard]] constexpr LayerSpec as(const char* name) const {
    LayerSpec out = *this;
    out.label = name;
    return out;
  }
  /// Takes the named layer as input instead of the layer before.
  [[nodiscard]] constexpr LayerSpec reads(const char* name) const {
    LayerSpec out = *this;
    out.from = {name};
    out.from_count = 1;
    out.and_previous = false;
    return out;
  }
};

namespace detail {
constexpr LayerSpec spec(Op op, float alpha = 0.0F) {
  LayerSpec out;
  out.layer.op = op;
  out.layer.alpha = alpha;
  return out;
}
constexpr std::uint8_t flags(bool trainable, bool bias, bool rounded_weights = false) {
  return static_cast<std::uint8_t>((trainable ? Layer::kTrainable : 0) | (bias ? Layer::kHasBias : 0) |
                                   (rounded_weights ? Layer::kRoundedWeights : 0));
}
constexpr void set_window(LayerSpec& spec, Size2 filter, Size2 stride, Size2 dilation, Padding padding, Pads pads) {
  Layer& l = spec.layer;
  l.filter_h = filter.h, l.filter_w = filter.w;
  l.stride_h = stride.h, l.stride_w = stride.w;
  l.dilation_h = dilation.h, l.dilation_w = dilation.w;
  spec.padding = padding;
  l.pad_top = pads.top, l.pad_bottom = pads.bottom, l.pad_left = pads.left, l.pad_right = pads.right;
}
constexpr LayerSpec along(Op op, std::uint8_t axis) {
  LayerSpec out = spec(op);
  out.layer.args[0] = axis;
  return out;
}
constexpr LayerSpec join(Op op, std::initializer_list<const char*> names) {
  LayerSpec out = spec(op);
  out.and_previous = true;
  for (const char* name : names)
    if (out.from_count < kMaxInputs) out.from[out.from_count++] = name;
  return out;
}
constexpr bool has_pads(const Layer& l) { return (l.pad_top | l.pad_bottom | l.pad_left | l.pad_right) != 0; }
constexpr bool same_text(const char* a, const char* b) {
  while (*a != 0 && *a == *b) ++a, ++b;
  return *a == *b;
}
}  // namespace detail

}  // namespace mote
