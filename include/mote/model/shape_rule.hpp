// SPDX-License-Identifier: Apache-2.0
// The shape rule: what a layer puts out, given its operands' shapes, and how many operands it takes.
#pragma once

#include "mote/requirements.hpp"
#ifndef MOTE_WARN_IN_HEADERS
#pragma GCC system_header
#endif

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "mote/model/layer.hpp"
#include "mote/status.hpp"

namespace mote {

/// Output size of a sliding window along one axis: floor((in + pads - dilation (filter - 1) - 1) / stride) + 1.
constexpr std::uint32_t window_outputs(std::uint32_t in, std::uint32_t filter, std::uint32_t stride,
                                       std::uint32_t dilation, std::uint32_t pad_before, std::uint32_t pad_after) {
  const std::uint64_t span = std::uint64_t{dilation} * (filter - 1) + 1;
  const std::uint64_t padded = std::uint64_t{in} + pad_before + pad_after;
  return padded < span ? 0 : static_cast<std::uint32_t>((padded - span) / stride + 1);
}

/// How many operands an operator takes.
struct OperandCount {
  std::size_t least = 1, most = 1;
};
constexpr OperandCount operand_count(Op op) {
  if (is_source(op)) return {0, 0};
  if (op == Op::assign) return {2, 2};
  if (op == Op::add || op == Op::concat) return {2, kMaxOperands};
  if (is_binary(op) || is_comparison(op) || is_logical(op) || op == Op::gather || op == Op::matmul) return {2, 2};
  if (op == Op::select) return {3, 3};
  if (op == Op::lstm) return {1, 3};
  if (op == Op::gru || op == Op::rnn) return {1, 2};
  return {1, 1};
}

/// The extent of an axis, counted from the last: 0 c, 1 w, 2 h.
constexpr std::uint32_t& extent(Shape& shape, std::size_t axis) {
  return axis == 0 ? shape.c : axis == 1 ? shape.w : shape.h;
}
constexpr std::uint32_t extent(const Shape& shape, std::size_t axis) {
  return axis == 0 ? shape.c : axis == 1 ? shape.w : shape.h;
}
/// An axis among `args` that a record may carry.
constexpr bool is_axis(std::int32_t axis) { return axis >= 0 && axis <= 2; }

/// Whether `args[k]` of a record is 0 or 1.
constexpr bool is_switch(const Layer& layer, std::size_t k) { return layer.args[k] == 0 || layer.args[k] == 1; }
/// What lrn adds to its sum of squares.
constexpr float lrn_bias(const Layer& layer) { return std::bit_cast<float>(layer.args[2]); }

/// Extents of a transposed array, in the order of the operand; args[0 … 3].
using Extents = std::array<std::uint32_t, 4>;
/// Which axis of the operand axis `i` of a transpose's value is.
constexpr std::size_t permuted(const Layer& layer, std::size_t i) {
  return (static_cast<std::uint32_t>(layer.args[4]) >> (2 * i)) & 3U;
}
enum class PadRule : std::uint8_t { constant, reflect, symmetric, edge };  ///< args[2] of pad

namespace detail {
inline constexpr float kMaxFloat = 0x1.FFFFFEp+127F;

constexpr bool in_range(const Shape& s) {
  return s.h != 0 && s.w != 0 && s.c != 0 && s.h <= kMaxDimension && s.w <= kMaxDimension && s.c <= kMaxElements &&
         s.elements() <= kMaxElements;
}

/// The common shape of operands that are repeated along axes that they have once; an extent of 0 where there is none.
template <class Shapes>
constexpr Shape broadcast_shape(const Shapes& in) {
  Shape out{1, 1, 1};
  for (std::size_t k = 0; k < in.size(); ++k)
    for (std::size_t axis = 0; axis < 3; ++axis) {
      const std::uint32_t here = extent(in[k], axis);
      std::uint32_t& all = extent(out, axis);
      if (here != 1) all = all == 1 || all == here ? here : 0;
    }
  return out;
}

template <class Shapes>
constexpr Result<Shape> concat_shape(const Layer& layer, const Shapes& in) {
  if (!is_axis(layer.args[0])) return Status{Code::bad_attribute};
  const auto axis = static_cast<std::size_t>(layer.args[0]);
  std::uint64_t total = 0;
  for (std::size_t k = 0; k < in.size(); ++k) {
    for (std::size_t other = 0; other < 3; ++other)
      if (other != axis && extent(in[k], other) != extent(in[0], other)) return Status{Code::shape_mismatch};
    total += extent(in[k], axis);
  }
  if (total > kMaxElements) return Status{Code::bad_shape};
  Shape out = in[0];
  extent(out, axis) = static_cast<std::uint32_t>(total);
  return out;
}

/// The wished shape, if the extents and the permutation fit the operand and it.
constexpr Result<Shape> transpose_shape(const Layer& layer, const Shape& in) {
  std::uint64_t elements = 1;
  unsigned seen = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    if (layer.args[i] < 1 || elements > kMaxElements) return Status{Code::bad_attribute};
    elements *= static_cast<std::uint32_t>(layer.args[i]);
    seen |= 1U << permuted(layer, i);
  }
  if (seen != 0xF || layer.args[4] < 0 || layer.args[4] > 255) return Status{Code::bad_attribute};
  if (!in_range(layer.shape)) return Status{Code::bad_shape};
  if (elements != in.elements() || layer.shape.elements() != elements) return Status{Code::shape_mismatch};
  return layer.shape;
}

/// The wished shape, if every element of it lies in the operand.
constexpr Result<Shape> slice_shape(const Layer& layer, const Shape& in) {
  if (!in_range(layer.shape)) return Status{Code::bad_shape};
  for (std::size_t i = 0; i < 3; ++i) {  // h, w, c
    const std::int64_t begin = layer.args[i], step = layer.args[3 + i];
    const std::int64_t last = begin + step * (std::int64_t{extent(layer.shape, 2 - i)} - 1);
    const std::int64_t size = extent(in, 2 - i);
    if (step == 0 || begin < 0 || begin >= size || last < 0 || last >= size) return Status{Code::bad_attribute};
  }
  return layer.shape;
}

constexpr Result<Shape> pad_shape(const Layer& layer, const Shape& in) {
  for (std::size_t i = 0; i < 2; ++i)
    if (layer.args[i] < 0 || static_cast<std::uint64_t>(layer.args[i]) > kMaxElements)
      return Status{Code::bad_attribute};
  if (layer.args[2] < 0 || layer.args[2] > static_cast<std::int32_t>(PadRule::edge) ||
      (layer.args[2] != 0 && layer.alpha != 0.0F))
    return Status{Code::bad_attribute};
  const std::uint64_t c =
      std::uint64_t{in.c} + static_cast<std::uint32_t>(layer.args[0]) + static_cast<std::uint32_t>(layer.args[1]);
  if (c > kMaxElements) return Status{Code::bad_shape};
  return Shape{in.h + layer.pad_top + layer.pad_bottom, in.w + layer.pad_left + layer.pad_right,
               static_cast<std::uint32_t>(c)};
}

constexpr Result<Shape> tile_shape(const Layer& layer, const Shape& in) {
  if (!in_range(layer.shape)) return Status{Code::bad_shape};
  for (std::size_t axis = 0; axis < 3; ++axis)
    if (extent(layer.shape, axis) % extent(in, axis) != 0) return Status{Code::shape_mismatch};
  return layer.shape;
}

/// `indices`: a vector.
constexpr Result<Shape> gather_shape(const Layer& layer, const Shape& in, const Shape& indices) {
  if (!is_axis(layer.args[0])) return Status{Code::bad_attribute};
  if (indices.h != 1 || indices.w != 1) return Status{Code::shape_mismatch};
  Shape out = in;
  extent(out, static_cast<std::size_t>(layer.args[0])) = indices.c;
  return out;
}

/// Products line by line: lines of both, rows of the first, columns of the second.
constexpr Result<Shape> matmul_shape(const Layer& layer, const Shape& a, const Shape& b) {
  if (!is_switch(layer, 0)) return Status{Code::bad_attribute};
  const bool transposed = layer.args[0] != 0;
  if (a.h != b.h || a.c != (transposed ? b.c : b.w)) return Status{Code::shape_mismatch};
  return Shape{a.h, a.w, transposed ? b.w : b.c};
}

/// What a scattered filter covers along one axis: (in - 1) stride + its extent, less the padding, and `more`; 0 where
/// that is nothing or beyond the limit.
constexpr std::uint32_t transposed_outputs(std::uint32_t in, std::uint32_t filter, std::uint32_t stride,
                                           std::uint32_t dilation, std::uint32_t pad_before, std::uint32_t pad_after,
                                           std::int32_t more) {
  const std::int64_t covered = std::int64_t{in - 1} * stride + std::int64_t{dilation} * (filter - 1) + 1;
  const std::int64_t out = covered - pad_before - pad_after + more;
  return out < 1 || out > kMaxDimension ? 0 : static_cast<std::uint32_t>(out);
}
/// Filter, stride, dilation and padding are checked.
constexpr Result<Shape> transposed_shape(const Layer& layer, const Shape& in) {
  const std::int32_t most_h = std::max(layer.stride_h, layer.dilation_h) - 1,
                     most_w = std::max(layer.stride_w, layer.dilation_w) - 1;
  if (layer.args[0] < 0 || layer.args[0] > most_h || layer.args[1] < 0 || layer.args[1] > most_w)
    return Status{Code::bad_attribute};
  return Shape{transposed_outputs(in.h, layer.filter_h, layer.stride_h, layer.dilation_h, layer.pad_top,
                                  layer.pad_bottom, layer.args[0]),
               transposed_outputs(in.w, layer.filter_w, layer.stride_w, layer.dilation_w, layer.pad_left,
                                  layer.pad_right, layer.args[1]),
               layer.shape.c};
}

/// The wished height and width. Where the sizes say all, alpha and beta have nothing to say.
constexpr Result<Shape> resized_shape(const Layer& layer, const Shape& in) {
  const std::int32_t roundings = layer.op == Op::resize_nearest ? 4 : 1;
  if (layer.args[0] < 0 || layer.args[0] > static_cast<std::int32_t>(ResizeCoordinates::tf_half_pixel_for_nn) ||
      layer.args[1] < 0 || layer.args[1] >= roundings || !is_switch(layer, 2))
    return Status{Code::bad_attribute};
  const bool corners = layer.args[0] == static_cast<std::int32_t>(ResizeCoordinates::align_corners);
  for (const float scale : {layer.alpha, layer.beta})
    if (corners ? !(layer.args[2] != 0 ? scale >= 0.0F : scale == 0.0F) : !(scale > 0.0F))
      return Status{Code::bad_attribute};
  return Shape{layer.shape.h, layer.shape.w, in.c};
}

/// The value of every step; initial states are vectors.
template <class Shapes>
constexpr Result<Shape> sequence_shape(const Layer& layer, const Shapes& in) {
  const bool function = layer.op == Op::rnn ? layer.args[1] >= 0 && layer.args[1] <= 2 : is_switch(layer, 1);
  if (!is_switch(layer, 0) || !function || !(layer.alpha >= 0.0F)) return Status{Code::bad_attribute};
  if (in[0].h != 1) return Status{Code::shape_mismatch};
  for (std::size_t k = 1; k < in.size(); ++k)
    if (!(in[k] == Shape{1, 1, layer.shape.c})) return Status{Code::shape_mismatch};
  return Shape{1, in[0].w, layer.shape.c};
}

/// No channel is read from farther away than there can be channels; the root is of something above 0.
constexpr bool lrn_fits(const Layer& layer) {
  for (std::size_t i = 0; i < 2; ++i)
    if (layer.args[i] < 0 || static_cast<std::uint64_t>(layer.args[i]) > kMaxElements) return false;
  return layer.alpha >= 0.0F && lrn_bias(layer) > 0.0F && lrn_bias(layer) <= kMaxFloat;
}

/// Each axis of the set `axes` once.
constexpr Result<Shape> reduced_shape(std::int32_t axes, const Shape& in) {
  if (axes < 1 || axes > 7) return Status{Code::bad_attribute};
  Shape out = in;
  for (std::size_t axis = 0; axis < 3; ++axis)
    if (((static_cast<unsigned>(axes) >> axis) & 1U) != 0) extent(out, axis) = 1;
  return out;
}
}  // namespace detail

inline constexpr float kMaxNoise = 1e6F;  // largest standard deviation of gaussian_noise

/// The shape rule: what `layer` puts out, given its inputs' shapes. Checks filters, padding and attributes too.
/// bad_shape has a detail where it is the weights that are too many: how many.
/// `layer.shape` is read only where it carries the wish (dense, both conv2d, rbf, recurrent layers: c; resizing: h, w;
/// reshape, transpose, slice, tile and what has no operand: all). `in`: a span of Shape, or what else has size() and
/// operator[].
template <class Shapes>
constexpr Result<Shape> output_shape(const Layer& layer, const Shapes& in) {
  const auto fail = [](Code code, std::uint32_t detail = 0) { return Status{code, kNoLayer, detail}; };
  const auto take = [](const Result<Shape>& shape, Shape& out) {
    if (shape.ok()) out = *shape;
    return shape.status();
  };
  const OperandCount operands = operand_count(layer.op);
  if (in.size() < operands.least || in.size() > operands.most)
    return fail(Code::bad_input_count, static_cast<std::uint32_t>(in.size()));
  Shape out = is_source(layer.op) ? layer.shape : in[0];
  switch (layer.op) {
    case Op::input:
    case Op::constant:
    case Op::state:
    case Op::output: break;
    case Op::assign:
      if (!(in[0] == in[1])) return fail(Code::shape_mismatch);
      break;
    case Op::dense:
    case Op::rbf: out = {1, 1, layer.shape.c}; break;
    case Op::conv2d:
    case Op::depthwise_conv2d:
    case Op::conv2d_transpose:
    case Op::max_pool:
    case Op::average_pool: {
      if (layer.filter_h == 0 || layer.filter_w == 0 || layer.stride_h == 0 || layer.stride_w == 0 ||
          layer.dilation_h == 0 || layer.dilation_w == 0)
        return fail(Code::bad_filter);
      const bool pool = layer.op == Op::max_pool || layer.op == Op::average_pool;
      if (layer.op == Op::average_pool && !is_switch(layer, 0)) return fail(Code::bad_attribute);
      if (pool && (layer.dilation_h != 1 || layer.dilation_w != 1)) return fail(Code::bad_filter);
      const std::uint32_t span_h = std::uint32_t{layer.dilation_h} * (layer.filter_h - 1U) + 1U;
      const std::uint32_t span_w = std::uint32_t{layer.dilation_w} * (layer.filter_w - 1U) + 1U;
      // Every window must touch the image, or a maximum over nothing would be taken.
      if (layer.pad_top >= span_h || layer.pad_bottom >= span_h || layer.pad_left >= span_w ||
          layer.pad_right >= span_w)
        return fail(Code::bad_padding);
      if (layer.op == Op::conv2d_transpose) {
        MOTE_TRY(take(detail::transposed_shape(layer, in[0]), out));
        break;
      }
      out.h =
          window_outputs(in[0].h, layer.filter_h, layer.stride_h, layer.dilation_h, layer.pad_top, layer.pad_bottom);
      out.w =
          window_outputs(in[0].w, layer.filter_w, layer.stride_w, layer.dilation_w, layer.pad_left, layer.pad_right);
      if (out.h == 0 || out.w == 0) return fail(Code::filter_exceeds_input);
      if (layer.op == Op::conv2d) out.c = layer.shape.c;
      if (layer.op == Op::depthwise_conv2d) {
        if (layer.depth_multiplier == 0) return fail(Code::bad_attribute);
        if (std::uint64_t{in[0].c} * layer.depth_multiplier > kMaxElements) return fail(Code::bad_shape);
        out.c = in[0].c * layer.depth_multiplier;
      }
      break;
    }
    case Op::global_average_pool: out = {1, 1, in[0].c}; break;
    case Op::batch_norm:
      if (!(layer.alpha > 0.0F && layer.alpha <= 1.0F) || !(layer.beta > 0.0F && layer.beta <= 1.0F))
        return fail(Code::bad_attribute);
      break;
    case Op::dropout:
      if (!(layer.alpha >= 0.0F && layer.alpha < 1.0F)) return fail(Code::bad_attribute);
      break;
    case Op::gaussian_noise:
      if (!(layer.alpha >= 0.0F && layer.alpha <= kMaxNoise)) return fail(Code::bad_attribute);
      break;
    case Op::leaky_relu:  // a slope of zero or below would make the derivative unreadable from the output
      if (!(layer.alpha > 0.0F && layer.alpha <= 1.0F)) return fail(Code::bad_attribute);
      break;
    case Op::spline:
      if (layer.knots() < 2) return fail(Code::bad_attribute);
      break;
    case Op::add:
      for (std::size_t k = 1; k < in.size() && in.size() > 2; ++k)
        if (!(in[k] == in[0])) return fail(Code::shape_mismatch);
      break;
    case Op::hard_sigmoid:  // so that the derivative can be read from the output
      if (!(layer.alpha > 0.0F)) return fail(Code::bad_attribute);
      break;
    case Op::clip:
      if (!(layer.alpha <= layer.beta)) return fail(Code::bad_attribute);
      break;
    case Op::concat: MOTE_TRY(take(detail::concat_shape(layer, in), out)); break;
    case Op::transpose: MOTE_TRY(take(detail::transpose_shape(layer, in[0]), out)); break;
    case Op::slice: MOTE_TRY(take(detail::slice_shape(layer, in[0]), out)); break;
    case Op::pad: MOTE_TRY(take(detail::pad_shape(layer, in[0]), out)); break;
    case Op::tile: MOTE_TRY(take(detail::tile_shape(layer, in[0]), out)); break;
    case Op::gather: MOTE_TRY(take(detail::gather_shape(layer, in[0], in[1]), out)); break;
    case Op::argmax:
    case Op::argmin:
      if (!is_axis(layer.args[0])) return fail(Code::bad_attribute);
      MOTE_TRY(take(detail::reduced_shape(1 << layer.args[0], in[0]), out));
      break;
    case Op::softmax:
    case Op::log_softmax:
      if (!is_axis(layer.args[0])) return fail(Code::bad_attribute);
      break;
    case Op::layer_norm:
    case Op::rms_norm:
    case Op::l2_norm:
      if (!(layer.alpha > 0.0F)) return fail(Code::bad_attribute);
      break;
    case Op::lrn:
      if (!detail::lrn_fits(layer)) return fail(Code::bad_attribute);
      break;
    case Op::lstm:
    case Op::gru:
    case Op::rnn: MOTE_TRY(take(detail::sequence_shape(layer, in), out)); break;
    case Op::resize_nearest:
    case Op::resize_bilinear: MOTE_TRY(take(detail::resized_shape(layer, in[0]), out)); break;
    case Op::result: out = {1, 1, in[0].c}; break;
    case Op::svdf:
      if (layer.args[0] < 1 || in[0].c % static_cast<std::uint32_t>(layer.args[0]) != 0)
        return fail(Code::bad_attribute);
      if (in[0].h != 1) return fail(Code::shape_mismatch);
      out = {1, 1, in[0].c / static_cast<std::uint32_t>(layer.args[0])};
      break;
    case Op::matmul: MOTE_TRY(take(detail::matmul_shape(layer, in[0], in[1]), out)); break;
    case Op::reshape:
      if (!detail::in_range(layer.shape)) return fail(Code::bad_shape);
      if (layer.shape.elements() != in[0].elements()) return fail(Code::shape_mismatch);
      out = layer.shape;
      break;
    default:
      if (!known(layer.op)) return fail(Code::unknown_op);
      break;
  }
  if (broadcasts(layer.op)) {
    out = detail::broadcast_shape(in);
    if (out.elements() == 0) return fail(Code::shape_mismatch);
  }
  if (is_reduction(layer.op)) MOTE_TRY(take(detail::reduced_shape(layer.args[0], in[0]), out));
  if (!detail::in_range(out)) return fail(Code::bad_shape);
  // Parameters are counted in 32 bits.
  const bool filters = layer.op == Op::conv2d || layer.op == Op::conv2d_transpose;
  const std::uint64_t weights =
      layer.op == Op::dense || layer.op == Op::rbf ? in[0].elements() * out.c
      : filters                                    ? std::uint64_t{layer.filter_h} * layer.filter_w * in[0].c * out.c
      : layer.op == Op::depthwise_conv2d           ? std::uint64_t{layer.filter_h} * layer.filter_w * out.c
      : layer.op == Op::spline                     ? std::uint64_t{layer.knots()} * out.c
      : is_recurrent(layer.op)                     ? std::uint64_t{gates(layer.op)} * std::max(in[0].c, out.c) * out.c
                                                   : 0;
  if (weights > kMaxElements || (filters && (std::uint64_t{layer.filter_h} * layer.filter_w > kMaxDimension ||
                                             std::uint64_t{layer.filter_h} * layer.filter_w * in[0].c > kMaxElements)))
    return fail(Code::bad_shape, static_cast<std::uint32_t>(std::min<std::uint64_t>(weights, 0xFFFF'FFFFU)));
  return out;
}

}  // namespace mote
