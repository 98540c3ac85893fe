// SPDX-License-Identifier: Apache-2.0
// Builders of the operators that choose, move, resize and convert values; builders.hpp includes this.
#pragma once

#include "mote/requirements.hpp"
#ifndef MOTE_WARN_IN_HEADERS
#pragma GCC system_header
#endif

#include <array>
#include <cstddef>
#include <cstdint>

#include "mote/model/layer_spec.hpp"
#include "mote/model/shape_rule.hpp"

namespace mote {

namespace detail {
constexpr LayerSpec resize(Op op, std::uint32_t height, std::uint32_t width, ResizeCoordinates coordinates,
                           std::int32_t rounding) {
  LayerSpec out = spec(op);
  out.layer.shape.h = height, out.layer.shape.w = width;
  out.layer.args = {static_cast<std::int32_t>(coordinates), rounding};
  return out;
}
}  // namespace detail

constexpr LayerSpec logical_not() { return detail::spec(Op::logical_not); }
constexpr LayerSpec logical_and(const char* other) { return detail::join(Op::logical_and, {other}); }
constexpr LayerSpec logical_or(const char* other) { return detail::join(Op::logical_or, {other}); }
/// Where the layer before, a boolean, is true `a`, else `b`; all three are repeated as they must.
constexpr LayerSpec select(const char* a, const char* b) { return detail::join(Op::select, {a, b}); }
/// The layer before seen as an array of `extents`, whose axis permutation[i] becomes axis i; the result is `shape`.
constexpr LayerSpec transpose(std::array<std::uint32_t, 4> extents, std::array<std::uint8_t, 4> permutation,
                              Shape shape) {
  LayerSpec out = detail::spec(Op::transpose);
  std::uint32_t order = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    out.layer.args[i] = static_cast<std::int32_t>(extents[i]);
    order |= (permutation[i] & 3U) << (2 * i);
  }
  out.layer.args[4] = static_cast<std::int32_t>(order);
  out.layer.shape = shape;
  return out;
}
/// Height and width change places.
constexpr LayerSpec transpose(const Shape& in) {
  return transpose({in.h, in.w, in.c, 1}, {1, 0, 2, 3}, {in.w, in.h, in.c});
}
/// Element (y, x, c) is begin + step (y, x, c), in the order h, w, c.
constexpr LayerSpec slice(std::array<std::int32_t, 3> begin, Shape shape,
                          std::array<std::int32_t, 3> step = {1, 1, 1}) {
  LayerSpec out = detail::spec(Op::slice);
  for (std::size_t i = 0; i < 3; ++i) out.layer.args[i] = begin[i], out.layer.args[3 + i] = step[i];
  out.layer.shape = shape;
  return out;
}
/// Rows and columns around, and channels before and behind.
struct PadOptions {
  Pads pads{};
  std::uint16_t before_c = 0, behind_c = 0;
  PadRule rule = PadRule::constant;
  float value = 0.0F;  ///< of PadRule::constant; of integers their stored number
};
constexpr LayerSpec pad(PadOptions o) {
  LayerSpec out = detail::spec(Op::pad, o.value);
  Layer& l = out.layer;
  l.pad_top = o.pads.top, l.pad_bottom = o.pads.bottom, l.pad_left = o.pads.left, l.pad_right = o.pads.right;
  l.args = {o.before_c, o.behind_c, static_cast<std::int32_t>(o.rule)};
  out.padding = Padding::explicit_;
  return out;
}
/// The layer before over and over, up to `shape`.
constexpr LayerSpec tile(Shape shape) {
  LayerSpec out = detail::spec(Op::tile);
  out.layer.shape = shape;
  return out;
}
/// Of the layer before, along an axis (0 c, 1 w, 2 h), the entries whose indices (int32) the named layer has.
constexpr LayerSpec gather(const char* indices, std::uint8_t axis) {
  LayerSpec out = detail::join(Op::gather, {indices});
  out.layer.args[0] = axis;
  return out;
}
/// To another height and width. The scale is the ratio of the sizes.
constexpr LayerSpec resize_nearest(std::uint32_t height, std::uint32_t width,
                                   ResizeCoordinates coordinates = ResizeCoordinates::half_pixel,
                                   ResizeRounding rounding = ResizeRounding::round_prefer_floor) {
  return detail::resize(Op::resize_nearest, height, width, coordinates, static_cast<std::int32_t>(rounding));
}
constexpr LayerSpec resize_bilinear(std::uint32_t height, std::uint32_t width,
                                    ResizeCoordinates coordinates = ResizeCoordinates::half_pixel) {
  return detail::resize(Op::resize_bilinear, height, width, coordinates, 0);
}
/// The numbers of the layer before as another type. Towards integers fractions are cut off and what is beyond them
/// becomes the nearest one, NaN 0; integers that do not fit lose their upper bits; a boolean is 0 or 1. int8, uint8 and
/// int16 stand for themselves: scale and zero point are only passed on.
constexpr LayerSpec cast(DType type, Quantization quantization = {}) {
  LayerSpec out = detail::spec(Op::cast);
  out.layer.dtype = type;
  out.layer.quantization = quantization;
  return out;
}
/// Index of the largest (smallest) value along an axis (0 c, 1 w, 2 h), the first of equals, as int32.
constexpr LayerSpec argmax(std::uint8_t axis) { return detail::along(Op::argmax, axis); }
constexpr LayerSpec argmin(std::uint8_t axis) { return detail::along(Op::argmin, axis); }

}  // namespace mote
