// SPDX-License-Identifier: Apache-2.0
// Which taps of a filter meet the image, and where: shared by the convolutions' forward pass and their gradient with
// respect to the input, which is the same walk with the filter turned round and stride and division exchanged.
// Holds no arithmetic on floats.
#pragma once

#include <cstddef>
#include <numeric>

#include "kernels/kernel_namespace.hpp"
#include "mote/kernels/kernels.hpp"

namespace mote::MOTE_KERNELS {

/// One axis of a correlation: target position p and tap t meet source position (p stride - pad + t dilation) /
/// division, where that is a whole number inside the source.
struct Axis {
  std::ptrdiff_t source, target;  // sizes
  std::ptrdiff_t filter, stride, division, dilation, pad;
  std::ptrdiff_t begin, end;  // target positions to be walked
};

/// Target positions first, first + step, … (count of them) that meet the same taps: tap, tap + tap_step, … (taps of
/// them, perhaps none). The first position's first tap lies at `from`; the next tap at from + from_tap; the next
/// position's first tap at from + from_step.
struct Segment {
  std::ptrdiff_t first, step, count;
  std::ptrdiff_t tap, tap_step, taps;
  std::ptrdiff_t from, from_step, from_tap;
};

/// A convolution as the kernels walk it: source and target images and both axes.
struct Walk {
  Axis y, x;
  std::ptrdiff_t batch;
};

namespace {

/// The segment that begins at position `first`. Positions with every tap inside the image make one segment, those at
/// the border one each. Written with few divisions: on small images they would cost as much as the convolution.
inline Segment segment_at(const Axis& axis, std::ptrdiff_t first) {
  const auto quotient = [](std::ptrdiff_t a, std::ptrdiff_t b) { return b == 1 ? a : a / b; };
  Segment s{};
  s.first = first;
  s.step = axis.division;
  s.from_step = axis.stride;
  s.tap_step = axis.division == 1 ? 1 : axis.division / std::gcd(axis.division, axis.dilation);
  s.from_tap = quotient(s.tap_step * axis.dilation, axis.division);
  const std::ptrdiff_t origin = first * axis.stride - axis.pad;
  const std::ptrdiff_t end = axis.source * axis.division;
  const std::ptrdiff_t last = origin + (axis.filter - 1) * axis.dilation;
  s.count = 1;
  if (origin >= 0 && last < end) {
    const std::ptrdiff_t room = quotient(end - 1 - last, axis.stride * axis.division);
    const std::ptrdiff_t left = quotient(axis.end - 1 - first, axis.division);
    s.count += room < left ? room : left;
  }
  std::ptrdiff_t tap = 0;
  if (axis.division != 1)
    while (tap < axis.filter && (origin + tap * axis.dilation) % axis.division != 0) ++tap;
  while (tap < axis.filter && origin + tap * axis.dilation < 0) tap += s.tap_step;
  s.tap = tap;
  for (; tap < axis.filter && origin + tap * axis.dilation < end; tap += s.tap_step) ++s.taps;
  s.from = s.taps == 0 ? 0 : quotient(origin + s.tap * axis.dilation, axis.division);
  return s;
}

/// body(segment) for all of an axis: for each position modulo the division, in order.
template <class Body>
inline void for_segments(const Axis& axis, const Body& body) {
  for (std::ptrdiff_t phase = 0; phase < axis.division; ++phase) {
    std::ptrdiff_t p = phase;
    if (p < axis.begin) p += (axis.begin - p + axis.division - 1) / axis.division * axis.division;
    while (p < axis.end) {
      const Segment segment = segment_at(axis, p);
      body(segment);
      p += segment.count * segment.step;
    }
  }
}

inline Walk forward_walk(const ConvShape& shape) {
  const Window& w = shape.window;
  const auto axis = [](std::uint32_t in, std::uint32_t out, std::uint32_t filter, std::uint32_t stride,
                       std::uint32_t dilation, std::uint32_t pad) {
    const auto wide = [](std::uint32_t value) { return static_cast<std::ptrdiff_t>(value); };
    return Axis{wide(in), wide(out), wide(filter), wide(stride), 1, wide(dilation), wide(pad), 0, wide(out)};
  };
  return {axis(shape.in.h, shape.out.h, w.filter_h, w.stride_h, w.dilation_h, w.pad_top),
          axis(shape.in.w, shape.out.w, w.filter_w, w.stride_w, w.dilation_w, w.pad_left),
          static_cast<std::ptrdiff_t>(shape.batch)};
}

/// From the gradient of the output to that of the input. Taps count from the filter's far end.
inline Walk backward_walk(const ConvShape& shape) {
  Walk walk = forward_walk(shape);
  const auto turn = [](const Axis& a) {
    return Axis{a.target, a.source, a.filter, 1, a.stride, a.dilation, (a.filter - 1) * a.dilation - a.pad,
                0,        a.source};
  };
  walk.y = turn(walk.y);
  walk.x = turn(walk.x);
  return walk;
}

/// Leaves one share of the target's positions to be walked, and returns the first image of it: images, or lines of all
/// images, or, where there is but one line, its columns if they may be divided.
inline std::ptrdiff_t take_part(Walk& walk, const Part& part, bool divide_columns) {
  if (part.count == 1) return 0;
  const auto restrict_to = [&](std::ptrdiff_t& begin, std::ptrdiff_t& end, std::size_t block) {
    const Part::Range range = part.of(static_cast<std::size_t>(end), block);
    begin = static_cast<std::ptrdiff_t>(range.begin);
    end = static_cast<std::ptrdiff_t>(range.end);
  };
  const auto shares = static_cast<std::ptrdiff_t>(part.count);
  if (walk.batch % shares == 0 || walk.batch >= 8 * shares) {
    std::ptrdiff_t begin = 0, end = walk.batch;
    restrict_to(begin, end, 1);
    walk.batch = end - begin;
    return begin;
  }
  if (walk.y.target == 1 && divide_columns) {
    restrict_to(walk.x.begin, walk.x.end, 16);
  } else {
    restrict_to(walk.y.begin, walk.y.end, 1);
  }
  return 0;
}

/// Goes through the pixels of a rectangle of segments, images and lines and along x, which meet the same taps.
class PixelWalk {
 public:
  PixelWalk(const Walk& walk, const Segment& y, const Segment& x, std::size_t source_c, std::size_t target_c)
      : columns_(x.count), lines_(y.count), left_(walk.batch * y.count * x.count) {
    const auto from_c = static_cast<std::ptrdiff_t>(source_c), to_c = static_cast<std::ptrdiff_t>(target_c);
    source_ = (y.from * walk.x.source + x.from) * from_c;
    target_ = (y.first * walk.x.target + x.first) * to_c;
    source_x_ = x.from_step * from_c;
    target_x_ = x.step * to_c;
    source_y_ = y.from_step * walk.x.source * from_c - source_x_ * x.count;
    target_y_ = y.step * walk.x.target * to_c - target_x_ * x.count;
    source_n_ = (walk.y.source - y.from_step * y.count) * walk.x.source * from_c;
    target_n_ = (walk.y.target - y.step * y.count) * walk.x.target * to_c;
  }

  [[nodiscard]] std::size_t left() const { return static_cast<std::size_t>(left_); }

  /// Pixels of the line that are left, at least one where left() is not 0.
  [[nodiscard]] std::size_t left_in_line() const { return static_cast<std::size_t>(columns_ - column_); }
  [[nodiscard]] std::ptrdiff_t source_step() const { return source_x_; }
  [[nodiscard]] std::ptrdiff_t target_step() const { return target_x_; }

  /// Lines of the image that are left, the one begun included.
  [[nodiscard]] std::size_t left_lines() const { return static_cast<std::size_t>(lines_ - line_); }
  /// From a pixel to the one below.
  [[nodiscard]] std::ptrdiff_t source_line() const { return columns_ * source_x_ + source_y_; }
  [[nodiscard]] std::ptrdiff_t target_line() const { return columns_ * target_x_ + target_y_; }

  /// Passes over `count` pixels.
  void skip(std::size_t count) {
    auto pixels = static_cast<std::ptrdiff_t>(count);
    left_ -= pixels;
    while (pixels != 0) {
      const std::ptrdiff_t here = pixels < columns_ - column_ ? pixels : columns_ - column_;
      pixels -= here;
      column_ += here;
      source_ += here * source_x_;
      target_ += here * target_x_;
      if (column_ == columns_) next_line();
    }
  }

  /// Goes through the next `count` pixels: visit(i, source offset, target offset). count <= left().
  template <class Visit>
  void take(std::size_t count, const Visit& visit) {
    left_ -= static_cast<std::ptrdiff_t>(count);
    for (std::size_t i = 0; i < count;) {
      const std::size_t in_line = static_cast<std::size_t>(columns_ - column_);
      const std::size_t end = count - i < in_line ? count : i + in_line;
      column_ += static_cast<std::ptrdiff_t>(end - i);
      for (; i < end; ++i, source_ += source_x_, target_ += target_x_) visit(i, source_, target_);
      if (column_ == columns_) next_line();
    }
  }

 private:
  void next_line() {
    column_ = 0;
    source_ += source_y_;
    target_ += target_y_;
    if (++line_ < lines_) return;
    line_ = 0;
    source_ += source_n_;
    target_ += target_n_;
  }

  std::ptrdiff_t columns_, lines_, left_;
  std::ptrdiff_t column_ = 0, line_ = 0;
  std::ptrdiff_t source_, target_;
  std::ptrdiff_t source_x_, target_x_, source_y_, target_y_, source_n_, target_n_;
};

/// Where the filter has one tap on every pixel, all images are one line.
inline ConvShape as_line(const ConvShape& shape) {
  if (!is_pointwise(shape)) return shape;
  ConvShape line = shape;
  line.batch = line.in.h = line.out.h = 1;
  line.in.w = line.out.w = shape.batch * shape.in.h * shape.in.w;
  return line;
}

}  // namespace
}  // namespace mote::MOTE_KERNELS
