// SPDX-License-Identifier: Apache-2.0
// Resizing by the nearest input and by linear interpolation, and the gradients. Lanes over channels; the places of some
// columns are found once for all lines.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "kernels/elements.hpp"
#include "kernels/lanes.hpp"
#include "kernels/strided.hpp"
#include "mote/kernels/kernels.hpp"
#include "simd/simd.hpp"

namespace mote::MOTE_KERNELS {
namespace {

/// One axis of a resize.
struct ResizeAxis {
  std::uint32_t in, out;
  float scale;
  const ResizeRule& rule;

  [[nodiscard]] float scaled(float i) const { return rule.inverse ? i * scale : i / scale; }
  /// Where output `index` lies, in inputs.
  [[nodiscard]] float place(std::size_t index) const {
    const auto i = static_cast<float>(index);
    switch (rule.coordinates) {
      case ResizeCoordinates::asymmetric: return scaled(i);
      case ResizeCoordinates::tf_half_pixel_for_nn: return scaled(i + 0.5F);
      case ResizeCoordinates::align_corners:
        if (out == 1) return 0.0F;
        return rule.inverse ? i * scale : i * static_cast<float>(in - 1) / static_cast<float>(out - 1);
      case ResizeCoordinates::pytorch_half_pixel:
        if (out == 1) return 0.0F;
        break;
      case ResizeCoordinates::half_pixel: break;
    }
    return scaled(i + 0.5F) - 0.5F;
  }
  /// Cut to 0 … in - 1; a NaN (no scale) is 0.
  [[nodiscard]] float inside(float at) const {
    const auto last = static_cast<float>(in - 1);
    return at > 0.0F ? (at < last ? at : last) : 0.0F;
  }
  [[nodiscard]] std::size_t nearest(std::size_t index) const {
    const float at = inside(place(index));
    const auto below = static_cast<std::uint32_t>(at);
    const float rest = at - static_cast<float>(below);
    bool up = false;
    switch (rule.rounding) {
      case ResizeRounding::round_prefer_floor: up = rest > 0.5F; break;
      case ResizeRounding::round_prefer_ceil: up = rest >= 0.5F; break;
      case ResizeRounding::floor: break;
      case ResizeRounding::ceil: up = rest > 0.0F; break;
    }
    return below + (up ? 1U : 0U);
  }
};
inline ResizeAxis lines_of(const ResizeSizes& s, const ResizeRule& rule) {
  return {s.in_h, s.out_h, rule.scale_h, rule};
}
inline ResizeAxis columns_of(const ResizeSizes& s, const ResizeRule& rule) {
  return {s.in_w, s.out_w, rule.scale_w, rule};
}

/// The two inputs around a place and the second one's share.
struct Between {
  std::size_t first, second;
  float share;
  static Between of(const ResizeAxis& axis, std::size_t index) {
    const float at = axis.inside(axis.place(index));
    const std::size_t first = static_cast<std::uint32_t>(at);
    return {first, std::min<std::size_t>(first + 1, axis.in - 1), at - static_cast<float>(first)};
  }
};

inline constexpr std::size_t kResizeColumns = 32;

/// body(n, y, column, place) for every output of a range of lines (n out_h + y), `kResizeColumns` columns at a time.
template <class Place, class Find, class Body>
inline void for_each_place(const ResizeSizes& s, Part::Range lines, const Find& find, const Body& body) {
  for (std::size_t begin = 0; begin < s.out_w; begin += kResizeColumns) {
    const std::size_t count = std::min<std::size_t>(kResizeColumns, s.out_w - begin);
    Place places[kResizeColumns];
    for (std::size_t i = 0; i < count; ++i) places[i] = find(begin + i);
    for (std::size_t line = lines.begin; line < lines.end; ++line) body(line, begin, places, count);
  }
}

}  // namespace

void resize_nearest_bytes(const ResizeNearestArgs& args) {
  const ResizeSizes& s = args.sizes;
  const ResizeAxis lines = lines_of(s, args.rule), columns = columns_of(s, args.rule);
  const std::size_t channels = s.channels;
  with_element(args.element_bytes, [&](auto element) {
    using Element = decltype(element);
    for_each_place<std::size_t>(
        s, args.part.of(std::size_t{s.batch} * s.out_h), [&](std::size_t x) { return columns.nearest(x); },
        [&](std::size_t line, std::size_t begin, const std::size_t* places, std::size_t count) {
          const std::size_t row = line / s.out_h * s.in_h + lines.nearest(line % s.out_h);
          const Element* from = elements<Element>(args.input) + row * s.in_w * channels;
          Element* to = elements<Element>(args.output) + (line * s.out_w + begin) * channels;
          for (std::size_t i = 0; i < count; ++i)
            copy_elements(from + places[i] * channels, to + i * channels, channels);
        });
  });
}

/// Shares are samples.
void resize_nearest_grad_f32(const ResizeGradArgs& args) {
  const ResizeSizes& s = args.sizes;
  const ResizeAxis lines = lines_of(s, args.rule), columns = columns_of(s, args.rule);
  const std::size_t channels = s.channels, image = std::size_t{s.in_h} * s.in_w * channels;
  const Part::Range share = args.part.of(s.batch);
  std::fill(args.grad_input + share.begin * image, args.grad_input + share.end * image, 0.0F);
  for_each_place<std::size_t>(
      s, {share.begin * s.out_h, share.end * s.out_h}, [&](std::size_t x) { return columns.nearest(x); },
      [&](std::size_t line, std::size_t begin, const std::size_t* places, std::size_t count) {
        const std::size_t row = line / s.out_h * s.in_h + lines.nearest(line % s.out_h);
        float* to = args.grad_input + row * s.in_w * channels;
        const float* from = args.grad_output + (line * s.out_w + begin) * channels;
        for (std::size_t i = 0; i < count; ++i) {
          float* target = to + places[i] * channels;
          lanes_over(channels, [&](std::size_t c, auto lanes) {
            lanes.store(target + c, lanes.load(target + c) + lanes.load(from + i * channels + c));
          });
        }
      });
}

void resize_bilinear_f32(const ResizeArgs& args) {
  const ResizeSizes& s = args.sizes;
  const ResizeAxis lines = lines_of(s, args.rule), columns = columns_of(s, args.rule);
  const std::size_t channels = s.channels;
  for_each_place<Between>(
      s, args.part.of(std::size_t{s.batch} * s.out_h), [&](std::size_t x) { return Between::of(columns, x); },
      [&](std::size_t line, std::size_t begin, const Between* places, std::size_t count) {
        const Between across = Between::of(lines, line % s.out_h);
        const std::size_t step = s.in_w * channels, image = line / s.out_h * s.in_h * step;
        const float *top = args.input + image + across.first * step,
                    *bottom = args.input + image + across.second * step;
        float* to = args.output + (line * s.out_w + begin) * channels;
        const simd::F32 down = simd::splat(across.share);
        for (std::size_t i = 0; i < count; ++i, to += channels) {
          const std::size_t left = places[i].first * channels, right = places[i].second * channels;
          const simd::F32 share = simd::splat(places[i].share);
          lanes_over(channels, [&](std::size_t c, auto lanes) MOTE_LAMBDA_INLINE {
            const auto between = [&](const float* row) MOTE_LAMBDA_INLINE {
              const simd::F32 a = lanes.load(row + left + c);
              return mul_add(share, lanes.load(row + right + c) - a, a);
            };
            const simd::F32 upper = between(top);
            lanes.store(to + c, mul_add(down, between(bottom) - upper, upper));
          });
        }
      });
}

/// Shares are samples.
void resize_bilinear_grad_f32(const ResizeGradArgs& args) {
  const ResizeSizes& s = args.sizes;
  const ResizeAxis lines = lines_of(s, args.rule), columns = columns_of(s, args.rule);
  const std::size_t channels = s.channels, step = s.in_w * channels, image = s.in_h * step;
  const Part::Range share = args.part.of(s.batch);
  std::fill(args.grad_input + share.begin * image, args.grad_input + share.end * image, 0.0F);
  for_each_place<Between>(
      s, {share.begin * s.out_h, share.end * s.out_h}, [&](std::size_t x) { return Between::of(columns, x); },
      [&](std::size_t line, std::size_t begin, const Between* places, std::size_t count) {
        const Between across = Between::of(lines, line % s.out_h);
        float* const to = args.grad_input + line / s.out_h * image;
        const float* from = args.grad_output + (line * s.out_w + begin) * channels;
        for (std::size_t i = 0; i < count; ++i, from += channels) {
          const auto add = [&](std::size_t y, std::size_t x, float weight) {
            float* target = to + y * step + x * channels;
            lanes_over(channels, [&](std::size_t c, auto lanes) {
              lanes.store(target + c, mul_add(simd::splat(weight), lanes.load(from + c), lanes.load(target + c)));
            });
          };
          const float right = places[i].share, left = 1.0F - right, bottom = across.share, top = 1.0F - bottom;
          add(across.first, places[i].first, top * left), add(across.first, places[i].second, top * right);
          add(across.second, places[i].first, bottom * left), add(across.second, places[i].second, bottom * right);
        }
      });
}

}  // namespace mote::MOTE_KERNELS
