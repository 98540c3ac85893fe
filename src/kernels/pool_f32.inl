// SPDX-License-Identifier: Apache-2.0
// Maximum and average pooling, forward and backward. Lanes over channels; the taps of a window in row order.
// Global average pooling is the average with a window as large as the image.
#include <algorithm>
#include <cstdint>
#include <type_traits>

#include "kernels/lanes.hpp"
#include "mote/kernels/kernels.hpp"
#include "simd/narrow.hpp"
#include "simd/simd.hpp"

namespace mote::MOTE_KERNELS {
namespace {

/// Neighbouring output pixels of a row whose windows, cut to the image, have the same size.
struct PoolRun {
  std::size_t offset;           // of the first window's first tap, in floats from the start of the batch
  std::size_t pixel, count;     // first output pixel; how many
  std::size_t step;             // floats from one window to the next
  std::size_t row, channels;    // floats from one image row to the next, from one image column to the next
  std::uint32_t rows, columns;  // taps inside the image
};

/// Taps of output `out` along one axis that lie inside the image: `count` from `begin` on.
struct PoolSpan {
  std::uint32_t begin, count;
};

inline PoolSpan pool_span(std::uint32_t out, std::uint32_t stride, std::uint32_t pad, std::uint32_t filter,
                          std::uint32_t size) {
  const std::uint32_t padded = out * stride;  // the window's place if the padding were part of the image
  const std::uint32_t begin = padded > pad ? padded - pad : 0;
  return {begin, std::min(padded + filter - pad, size) - begin};  // filter > pad: validate()
}

/// Images and lines of the output that are one share: lines of the only image, or whole images.
struct PoolShare {
  Part::Range images, lines;
};
inline PoolShare pool_share(const ConvShape& shape, const Part& part, bool by_lines) {
  if (shape.batch == 1 && by_lines) return {{0, 1}, part.of(shape.out.h)};
  return {part.of(shape.batch), {0, shape.out.h}};
}

/// Calls body(run) for the share's output pixels in order: windows cut at an edge one by one, those between in one run.
template <class Body>
inline void for_each_pool_run(const ConvShape& shape, const PoolShare& share, const Body& body) {
  const Window& w = shape.window;
  const std::size_t channels = shape.in.c, row = shape.in.w * channels;
  for (std::size_t n = share.images.begin; n < share.images.end; ++n) {
    const std::size_t image = n * shape.in.h;
    std::size_t pixel = (n * shape.out.h + share.lines.begin) * shape.out.w;
    for (auto y = static_cast<std::uint32_t>(share.lines.begin); y < share.lines.end; ++y) {
      const PoolSpan vertical = pool_span(y, w.stride_h, w.pad_top, w.filter_h, shape.in.h);
      const std::size_t line = (image + vertical.begin) * row;
      for (std::uint32_t x = 0; x < shape.out.w;) {
        const PoolSpan across = pool_span(x, w.stride_w, w.pad_left, w.filter_w, shape.in.w);
        std::uint32_t end = x + 1;
        if (across.count == w.filter_w)  // so are all up to the right edge
          end = std::min(shape.out.w, x + (shape.in.w - w.filter_w - across.begin) / w.stride_w + 1);
        body(PoolRun{line + across.begin * channels, pixel, end - x, w.stride_w * channels, row, channels,
                     vertical.count, across.count});
        pixel += end - x;
        x = end;
      }
    }
  }
}

/// body(window size: std::integral_constant 2 or 0 for "as the run says", channel, lanes), the lanes outermost: a run's
/// windows then share vectors and masks. 2 x 2 windows get loops of their own, without branches.
template <class Body>
inline void for_each_pool_vector(const PoolRun& run, const Body& body) {
  const auto any_size = [&](std::size_t c, auto lanes) {
    if (run.rows == 2 && run.columns == 2)
      body(std::integral_constant<std::uint32_t, 2>{}, c, lanes);
    else
      body(std::integral_constant<std::uint32_t, 0>{}, c, lanes);
  };
  if constexpr (simd::kHasNarrowLanes) {
    if (run.channels == simd::NarrowLanes::kLanes) return any_size(0, simd::NarrowLanes{});
  }
  lanes_over(run.channels, any_size);
}

/// How gradients reach grad_input: `overlap` windows must add; where windows do not `cover` every element, zeros first.
struct PoolScatter {
  bool overlap, cover;
};

inline PoolScatter pool_scatter(const ConvShape& s) {
  const Window& w = s.window;
  const bool overlap = (w.stride_h < w.filter_h && s.out.h > 1) || (w.stride_w < w.filter_w && s.out.w > 1);
  const bool cover = w.pad_top == 0 && w.pad_left == 0 && (s.out.h == 1 || w.stride_h == w.filter_h) &&
                     (s.out.w == 1 || w.stride_w == w.filter_w) && s.in.h == s.out.h * w.filter_h &&
                     s.in.w == s.out.w * w.filter_w;
  return {overlap, cover};
}

/// Largest tap. A later tap wins only if it is greater, so a NaN stays only where it comes first (as with x86's maxps).
template <std::uint32_t kSize, class Lanes>
MOTE_INLINE typename Lanes::Vector largest_tap(const float* taps, const PoolRun& run, Lanes lanes) {
  if constexpr (kSize == 2) {
    const auto top = max(lanes.load(taps + run.channels), lanes.load(taps));
    return max(lanes.load(taps + run.row + run.channels), max(lanes.load(taps + run.row), top));
  } else {
    auto best = lanes.load(taps);
    for (std::uint32_t i = 0; i < run.rows; ++i, taps += run.row)
      for (std::uint32_t j = 0; j < run.columns; ++j) best = max(lanes.load(taps + j * run.channels), best);
    return best;
  }
}

/// What a sum of taps is divided by: 0 for the taps inside the image, which differ from run to run.
inline float pool_divisor(const ConvShape& shape, bool count_padding) {
  return count_padding ? static_cast<float>(shape.window.filter_h * shape.window.filter_w) : 0.0F;
}
MOTE_INLINE float pool_divisor(const PoolRun& run, float divisor) {
  return divisor != 0.0F ? divisor : static_cast<float>(run.rows * run.columns);
}

/// Mean of the taps: each row summed, then the rows, so that the error grows with h + w and not with h w.
template <std::uint32_t kSize, class Lanes>
MOTE_INLINE typename Lanes::Vector mean_of_taps(const float* taps, const PoolRun& run, float divisor, Lanes lanes) {
  if constexpr (kSize == 2) {  // * 1/4 is exact, as / 4 is
    const auto top = lanes.load(taps) + lanes.load(taps + run.channels);
    const auto sum = top + (lanes.load(taps + run.row) + lanes.load(taps + run.row + run.channels));
    return divisor != 0.0F ? sum / Lanes::splat(divisor) : sum * Lanes::splat(0.25F);
  } else {
    auto total = Lanes::zero();
    for (std::uint32_t i = 0; i < run.rows; ++i, taps += run.row) {
      auto sum = lanes.load(taps);
      for (std::uint32_t j = 1; j < run.columns; ++j) sum = sum + lanes.load(taps + j * run.channels);
      total = i == 0 ? sum : total + sum;
    }
    return total / Lanes::splat(pool_divisor(run, divisor));
  }
}

template <bool kOverlap, class Lanes>
MOTE_INLINE void scatter(float* to, typename Lanes::Vector share, Lanes lanes) {
  lanes.store(to, kOverlap ? lanes.load(to) + share : share);
}

/// The bounds of a clamp as vectors, a NaN where there is none: no comparison with it holds.
template <class Lanes>
struct PoolGate {
  using Vector = typename Lanes::Vector;
  Vector low, high;
  MOTE_INLINE explicit PoolGate(const Clamp& c)
      : low(Lanes::splat(c.low == -__builtin_inff() ? __builtin_nanf("") : c.low)),
        high(Lanes::splat(c.high == __builtin_inff() ? __builtin_nanf("") : c.high)) {}

  /// The gradient where low < value < high, else 0.
  [[nodiscard]] MOTE_INLINE Vector operator()(Vector value, Vector grad) const {
    grad = select(less_equal(value, low), Lanes::zero(), grad);
    return select(less_equal(high, value), Lanes::zero(), grad);
  }
};

/// Gives the gradient to the first tap that equals the largest; the others get 0.
template <std::uint32_t kSize, bool kOverlap, class Lanes>
MOTE_INLINE void scatter_to_largest(const float* taps, typename Lanes::Vector grad, const PoolGate<Lanes>& gate,
                                    float* grad_taps, const PoolRun& run, Lanes lanes) {
  const auto best = largest_tap<kSize>(taps, run, lanes);
  grad = gate(best, grad);
  const auto give = [&](std::size_t at) {
    const auto hit = equal(lanes.load(taps + at), best);
    scatter<kOverlap>(grad_taps + at, select(hit, grad, Lanes::zero()), lanes);
    grad = select(hit, Lanes::zero(), grad);
  };
  if constexpr (kSize == 2) {
    give(0), give(run.channels), give(run.row), give(run.row + run.channels);
  } else {
    for (std::uint32_t i = 0; i < run.rows; ++i)
      for (std::uint32_t j = 0; j < run.columns; ++j) give(i * run.row + j * run.channels);
  }
}

template <bool kOverlap>
inline void max_pool_scatter(const PoolGradArgs& args, const PoolShare& share) {
  for_each_pool_run(args.shape, share, [&](const PoolRun& run) {
    for_each_pool_vector(run, [&](auto size, std::size_t c, auto lanes) {
      const PoolGate<decltype(lanes)> gate(args.clamp);
      const float* grad_output = args.grad_output + run.pixel * run.channels + c;
      for (std::size_t x = 0; x < run.count; ++x, grad_output += run.channels)
        scatter_to_largest<size(), kOverlap>(args.input + run.offset + x * run.step + c, lanes.load(grad_output), gate,
                                             args.grad_input + run.offset + x * run.step + c, run, lanes);
    });
  });
}

template <bool kOverlap>
inline void average_pool_scatter(const PoolGradArgs& args, const PoolShare& share) {
  const float divisor = pool_divisor(args.shape, args.count_padding);
  for_each_pool_run(args.shape, share, [&](const PoolRun& run) {
    for_each_pool_vector(run, [&](auto size, std::size_t c, auto lanes) {
      const auto count = lanes.splat(pool_divisor(run, divisor));
      const std::uint32_t rows = size() != 0 ? size() : run.rows, columns = size() != 0 ? size() : run.columns;
      const float* grad_output = args.grad_output + run.pixel * run.channels + c;
      for (std::size_t x = 0; x < run.count; ++x, grad_output += run.channels) {
        const auto each = lanes.load(grad_output) / count;
        float* to = args.grad_input + run.offset + x * run.step + c;
        for (std::uint32_t i = 0; i < rows; ++i, to += run.row)
          for (std::uint32_t j = 0; j < columns; ++j) scatter<kOverlap>(to + j * run.channels, each, lanes);
      }
    });
  });
}

inline void zero_grad_input(const PoolGradArgs& args, const PoolShare& share) {
  const auto image = static_cast<std::size_t>(args.shape.in.elements());
  std::fill(args.grad_input + share.images.begin * image, args.grad_input + share.images.end * image, 0.0F);
}

}  // namespace

void max_pool_f32(const PoolArgs& args) {
  for_each_pool_run(args.shape, pool_share(args.shape, args.part, true), [&](const PoolRun& run) {
    for_each_pool_vector(run, [&](auto size, std::size_t c, auto lanes) {
      float* output = args.output + run.pixel * run.channels + c;
      for (std::size_t x = 0; x < run.count; ++x, output += run.channels)
        lanes.store(output, largest_tap<size()>(args.input + run.offset + x * run.step + c, run, lanes));
    });
  });
}

void max_pool_grad_f32(const PoolGradArgs& args) {
  const PoolScatter way = pool_scatter(args.shape);
  const PoolShare share = pool_share(args.shape, args.part, way.cover);  // what does not cover goes by whole images
  if (!way.cover) zero_grad_input(args, share);
  if (way.overlap)
    max_pool_scatter<true>(args, share);
  else
    max_pool_scatter<false>(args, share);
}

void average_pool_f32(const PoolArgs& args) {
  const float divisor = pool_divisor(args.shape, args.count_padding);
  for_each_pool_run(args.shape, pool_share(args.shape, args.part, true), [&](const PoolRun& run) {
    for_each_pool_vector(run, [&](auto size, std::size_t c, auto lanes) {
      float* output = args.output + run.pixel * run.channels + c;
      for (std::size_t x = 0; x < run.count; ++x, output += run.channels)
        lanes.store(output, mean_of_taps<size()>(args.input + run.offset + x * run.step + c, run, divisor, lanes));
    });
  });
}

void average_pool_grad_f32(const PoolGradArgs& args) {
  const PoolScatter way = pool_scatter(args.shape);
  const PoolShare share = pool_share(args.shape, args.part, way.cover);  // what does not cover goes by whole images
  if (!way.cover) zero_grad_input(args, share);
  if (way.overlap)
    average_pool_scatter<true>(args, share);
  else
    average_pool_scatter<false>(args, share);
}

}  // namespace mote::MOTE_KERNELS
