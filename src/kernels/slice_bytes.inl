// SPDX-License-Identifier: Apache-2.0
// Slices, repetition, rows picked by index, rows of a concatenation, and their gradients.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "kernels/elements.hpp"
#include "kernels/lanes.hpp"
#include "kernels/rows.hpp"
#include "kernels/strided.hpp"
#include "mote/kernels/kernels.hpp"
#include "simd/simd.hpp"

namespace mote::MOTE_KERNELS {
namespace {

inline std::size_t elements_in(const std::uint32_t (&sizes)[3]) { return std::size_t{sizes[0]} * sizes[1] * sizes[2]; }

/// The walk of a slice over all samples: `sliced` steps lie in the longer array, which `first` elements are skipped of.
struct SliceWalk {
  StridedAxes axes;
  std::ptrdiff_t first = 0;

  /// kBack: from the slice to the array it was taken from.
  template <bool kBack, class Args>
  static SliceWalk of(const Args& args) {
    SliceWalk walk;
    std::ptrdiff_t in_step = 1, out_step = 1;
    for (std::size_t i = 3; i-- > 0;) {
      const std::ptrdiff_t sliced = in_step * args.step[i];
      walk.axes.push(args.out[i], kBack ? out_step : sliced, kBack ? sliced : out_step);
      walk.first += in_step * args.begin[i];
      in_step *= static_cast<std::ptrdiff_t>(args.in[i]);
      out_step *= static_cast<std::ptrdiff_t>(args.out[i]);
    }
    walk.axes.push(args.batch, kBack ? out_step : in_step, kBack ? in_step : out_step);
    return walk;
  }
};

/// One sample, `repeats` times along each axis: what is written serves as the source of its copies.
template <class Element>
inline void tile_sample(const Element* from, const std::uint32_t (&in)[3], const std::uint32_t (&repeats)[3],
                        Element* to) {
  const std::size_t channels = in[2], wide = channels * repeats[2], line = in[1] * wide;
  for (std::size_t y = 0; y < in[0]; ++y) {
    Element* const start = to;
    for (std::size_t x = 0; x < in[1]; ++x, from += channels) {
      if (channels == 1) {
        fill_elements(to, wide, *from);
        to += wide;
        continue;
      }
      for (std::size_t r = 0; r < repeats[2]; ++r, to += channels) copy_elements(from, to, channels);
    }
    for (std::size_t r = 1; r < repeats[1]; ++r, to += line) copy_elements(start, to, line);
  }
  const std::size_t block = line * repeats[1] * in[0];
  for (std::size_t r = 1; r < repeats[0]; ++r, to += block) copy_elements(to - block, to, block);
}

/// The row of an index, or `extent` for one outside.
MOTE_INLINE std::size_t row_of(std::int32_t index, std::uint32_t extent) {
  const std::int64_t row = index < 0 ? std::int64_t{index} + extent : std::int64_t{index};
  return row < 0 || row >= static_cast<std::int64_t>(extent) ? extent : static_cast<std::size_t>(row);
}

}  // namespace

void slice_bytes(const SliceArgs& args) {
  const SliceWalk walk = SliceWalk::of<false>(args);
  with_element(args.element_bytes, [&](auto element) {
    using Element = decltype(element);
    copy_strided(walk.axes, args.part, elements<Element>(args.input) + walk.first, elements<Element>(args.output));
  });
}

/// Shares are samples.
void slice_grad_f32(const SliceGradArgs& args) {
  const Part::Range share = args.part.of(args.batch);
  if (share.begin == share.end) return;
  SliceGradArgs mine = args;
  mine.batch = static_cast<std::uint32_t>(share.end - share.begin);
  mine.grad_input += share.begin * elements_in(args.in);
  mine.grad_output += share.begin * elements_in(args.out);
  std::fill(mine.grad_input, mine.grad_input + mine.batch * elements_in(args.in), 0.0F);
  const SliceWalk walk = SliceWalk::of<true>(mine);
  copy_strided(walk.axes, Part{}, mine.grad_output, mine.grad_input + walk.first);
}

void tile_bytes(const TileArgs& args) {
  const std::size_t in = elements_in(args.in), out = in * elements_in(args.repeats);
  const Part::Range share = args.part.of(args.batch);
  with_element(args.element_bytes, [&](auto element) {
    using Element = decltype(element);
    for (std::size_t n = share.begin; n < share.end; ++n)
      tile_sample(elements<Element>(args.input) + n * in, args.in, args.repeats,
                  elements<Element>(args.output) + n * out);
  });
}

void tile_grad_f32(const TileGradArgs& args) {
  const std::size_t channels = args.in[2], wide = channels * args.repeats[2];
  const std::size_t line = wide * args.in[1] * args.repeats[1], in = elements_in(args.in);
  const auto pixel_of = [&](std::size_t row, std::size_t x, std::size_t r, std::size_t s) {
    return args.grad_output + (row + r * args.in[0]) * line + (x + s * args.in[1]) * wide;
  };
  const Part::Range share = args.part.of(std::size_t{args.batch} * args.in[0]);
  for (std::size_t at = share.begin; at < share.end; ++at) {
    const std::size_t n = at / args.in[0], y = at % args.in[0], row = n * args.in[0] * args.repeats[0] + y;
    for (std::size_t x = 0; x < args.in[1]; ++x) {
      float* to = args.grad_input + n * in + (y * args.in[1] + x) * channels;
      if (channels == 1) {
        float total = 0.0F;
        for (std::size_t r = 0; r < args.repeats[0]; ++r)
          for (std::size_t s = 0; s < args.repeats[1]; ++s) {
            const float* from = pixel_of(row, x, r, s);
            total += row_sum(wide, [&](std::size_t i, auto lanes) MOTE_LAMBDA_INLINE { return lanes.load(from + i); });
          }
        *to = total;
        continue;
      }
      lanes_over(channels, [&](std::size_t c, auto lanes) {
        simd::F32 total = simd::zero();
        for (std::size_t r = 0; r < args.repeats[0]; ++r)
          for (std::size_t s = 0; s < args.repeats[1]; ++s)
            for (std::size_t i = c; i < wide; i += channels) total = total + lanes.load(pixel_of(row, x, r, s) + i);
        lanes.store(to + c, total);
      });
    }
  }
}

void gather_bytes(const GatherArgs& args) {
  const std::size_t inner = args.inner;
  const Part::Range share = args.part.of(std::size_t{args.outer} * args.count);
  with_element(args.element_bytes, [&](auto element) {
    using Element = decltype(element);
    for (std::size_t at = share.begin; at < share.end; ++at) {
      const std::size_t outer = at / args.count;
      const std::size_t row = row_of(args.indices[args.own_indices ? at : at % args.count], args.extent);
      Element* to = elements<Element>(args.output) + at * inner;
      if (row == args.extent)
        fill_elements(to, inner, Element{0});
      else
        copy_elements(elements<Element>(args.input) + (outer * args.extent + row) * inner, to, inner);
    }
  });
}

void gather_grad_f32(const GatherGradArgs& args) {
  const std::size_t inner = args.inner, block = args.extent * inner;
  const simd::F32 scale = simd::splat(args.scale);
  if (!args.accumulate) std::fill(args.grad_input, args.grad_input + args.outer * block, 0.0F);
  for (std::size_t at = 0; at < std::size_t{args.outer} * args.count; ++at) {
    const std::size_t row = row_of(args.indices[args.own_indices ? at : at % args.count], args.extent);
    if (row == args.extent) continue;
    const float* from = args.grad_output + at * inner;
    float* to = args.grad_input + at / args.count * block + row * inner;
    lanes_over(inner, [&](std::size_t i, auto lanes) MOTE_LAMBDA_INLINE {
      lanes.store(to + i, mul_add(scale, lanes.load(from + i), lanes.load(to + i)));
    });
  }
}

void copy_rows_bytes(const CopyRowsArgs& args) {
  const auto* source = elements<Element1>(args.source);
  auto* target = elements<Element1>(args.target);
  for (std::uint32_t r = 0; r < args.rows; ++r) {
    copy_elements(source, target, args.width);
    source += args.source_stride;
    target += args.target_stride;
  }
}

}  // namespace mote::MOTE_KERNELS
