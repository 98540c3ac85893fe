// SPDX-License-Identifier: Apache-2.0
// depthwise_conv2d_s8 where a window of one channel is a vector (simd/tap_planes.hpp): sixteen channels of some columns
// of four lines are laid out on the stack, then channel by channel. Two lines of outputs share a plane where they fit.
// Internal linkage: it is compiled once per instruction set.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "kernels/accumulate_s8.hpp"
#include "simd/tap_planes.hpp"

#if MOTE_SIMD_TAP_PLANES

namespace mote::MOTE_KERNELS {
namespace {

/// Whether depthwise_planes() takes the layer.
inline bool takes_planes(const ConvS8Args& args) {
  const Window& w = args.shape.window;
  return args.shape.out.c == args.shape.in.c && w.filter_h <= simd::kPlaneLines && w.filter_w <= simd::kPlaneTaps &&
         (w.filter_w - 1) * w.dilation_w < simd::kPlaneColumns && args.weight_zero_point == 0 &&
         args.stage.rounding == Rounding::twice;
}

/// Sixteen channels or fewer from `first` on, and the plane that is being filled.
class Planes {
 public:
  Planes(const ConvS8Args& args, std::size_t first, std::size_t channels)
      : args_(args), first_(first), channels_(channels) {
    const Window& w = args.shape.window;
    windows_.count = 0, windows_.taps = w.filter_w, windows_.dilation = w.dilation_w, windows_.rows = w.stride_h;
    simd::fill_bytes(outside_, static_cast<std::int8_t>(args.input_zero_point), sizeof outside_);
    simd::fill_bytes(weights_[0], 0, sizeof weights_);
    static constexpr std::int8_t kZeros[simd::kPlaneChannels] = {};
    for (std::size_t j = 0; j < w.filter_w; ++j) {
      simd::PlaneSource taps{};
      for (std::size_t i = 0; i < simd::kPlaneLines; ++i)
        taps.line[i] = i < w.filter_h ? args.weights + (i * w.filter_w + j) * args.shape.out.c + first : kZeros;
      std::int8_t column[simd::kPlaneColumn];
      simd::fill_plane(column, taps, 1, channels);
      for (std::size_t c = 0; c < channels; ++c)
        std::memcpy(weights_[c] + j * simd::kPlaneLines, column + c * simd::kPlaneLines, simd::kPlaneLines);
    }
  }

  /// `lines` lines of outputs, one or two, from `line` on, whose windows begin at line `top` of the padded image.
  void add(const std::int8_t* image, std::size_t top, std::size_t line, std::size_t lines) {
    const ConvShape& s = args_.shape;
    const Window& w = s.window;
    if (lines != lines_) finish(), lines_ = lines;
    const std::size_t span = (w.filter_w - 1) * w.dilation_w;  // columns of a window beside its first
    for (std::size_t x = 0; x < s.out.w;) {
      if (columns_ + span >= simd::kPlaneColumns) finish();
      const std::size_t room = (simd::kPlaneColumns - columns_ - span - 1) / w.stride_w + 1;
      const std::size_t count = std::min<std::size_t>(room, s.out.w - x);
      const std::size_t columns = (count - 1) * w.stride_w + span + 1;
      fill(image, top, x * w.stride_w, columns);
      for (std::size_t i = 0; i < count; ++i, ++windows_.count) {
        const std::size_t at = windows_.count;
        const std::size_t output = line * s.out.w + x + i;
        windows_.places[at] = plane_ + (columns_ + i * w.stride_w) * simd::kPlaneColumn;
        windows_.outputs[0][at] = static_cast<std::uint32_t>(output * s.out.c);
        windows_.outputs[1][at] = static_cast<std::uint32_t>((output + s.out.w) * s.out.c);
      }
      columns_ += columns, x += count;
    }
  }

  /// What is in the plane becomes outputs.
  void finish() {
    const Window& w = args_.shape.window;
    const std::size_t count = windows_.count;
    if (count == 0) return;
    for (std::size_t at = count; at % 4 != 0; ++at, ++windows_.count) {  // the last once more
      windows_.places[at] = windows_.places[count - 1];
      for (auto& outputs : windows_.outputs) outputs[at] = outputs[count - 1];
    }
    const OutputStage& stage = args_.stage;
    const simd::OutputRange range{stage.zero_point, stage.clamp.low, stage.clamp.high};
    const simd::PlaneChannels channels{weights_[0], args_.bias != nullptr ? args_.bias + first_ : nullptr,
                                       stage.multipliers + first_, stage.shifts + first_, channels_};
    if (w.filter_w > 4)
      simd::filter_planes<1, 2>(windows_, channels, range, args_.output + first_);
    else if (lines_ == 2)
      simd::filter_planes<2, 1>(windows_, channels, range, args_.output + first_);
    else
      simd::filter_planes<1, 1>(windows_, channels, range, args_.output + first_);
    columns_ = windows_.count = 0;
  }

 private:
  /// `count` columns from `left` on, counted from where the padding begins.
  void fill(const std::int8_t* image, std::size_t top, std::size_t left, std::size_t count) {
    const ConvShape& s = args_.shape;
    const Window& w = s.window;
    std::int8_t* to = plane_ + columns_ * simd::kPlaneColumn;
    const auto zero_points = [&](std::size_t columns) {
      simd::fill_bytes(to, static_cast<std::int8_t>(args_.input_zero_point), columns * simd::kPlaneColumn);
      to += columns * simd::kPlaneColumn;
    };
    const std::size_t end = left + count, pad = w.pad_left;
    const std::size_t first = std::clamp(pad, left, end), last = std::clamp<std::size_t>(pad + s.in.w, left, end);
    if (first != left) zero_points(first - left);
    if (last > first) {
      simd::PlaneSource from;
      for (std::size_t i = 0; i < simd::kPlaneLines; ++i) {
        const std::size_t y = top + i * w.dilation_h - w.pad_top;  // a large number above the image
        const bool inside = y < s.in.h;
        from.line[i] = inside ? image + (y * s.in.w + (first - pad)) * s.in.c + first_ : outside_;
        from.step[i] = inside ? s.in.c : 0;
      }
      simd::fill_plane(to, from, last - first, channels_);
      to += (last - first) * simd::kPlaneColumn;
    }
    if (end != last) zero_points(end - last);
  }

  const ConvS8Args& args_;
  std::size_t first_, channels_, columns_ = 0, lines_ = 0;
  std::int8_t outside_[simd::kPlaneChannels];
  alignas(
      16) std::int8_t weights_[simd::kPlaneChannels][simd::kPlaneTaps * simd::kPlaneLines];  // [channel][column][line]
  alignas(16) std::int8_t plane_[simd::kPlaneColumns * simd::kPlaneColumn];
  simd::PlaneWindows windows_;
};

[[gnu::noinline]] inline void plane_block(const ConvS8Args& args, std::size_t first, std::size_t channels) {
  const ConvShape& s = args.shape;
  const Window& w = s.window;
  Planes planes(args, first, channels);
  const bool pairs = w.dilation_h == 1 && w.filter_h + w.stride_h <= simd::kPlaneLines && w.filter_w <= 4;
  const Part::Range all = args.part.of(std::size_t{s.batch} * s.out.h);
  for (std::size_t line = all.begin; line < all.end;) {
    const std::size_t image = line / s.out.h, y = line - image * s.out.h;
    const std::size_t lines = pairs && y + 1 < s.out.h && line + 1 < all.end ? 2 : 1;
    planes.add(args.input + image * static_cast<std::size_t>(s.in.elements()), y * w.stride_h, line, lines);
    line += lines;
  }
  planes.finish();
}

inline void depthwise_planes(const ConvS8Args& args) {
  const std::size_t channels = args.shape.out.c;
  for (std::size_t c = 0; c < channels; c += simd::kPlaneChannels)
    plane_block(args, c, std::min(simd::kPlaneChannels, channels - c));
}

}  // namespace
}  // namespace mote::MOTE_KERNELS

#endif
