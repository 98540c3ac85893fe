// SPDX-License-Identifier: Apache-2.0
// Quantised networks: pooling, reductions over axes, bilinear resizing.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>

#include "kernels/kernel_namespace.hpp"
#include "mote/kernels/kernels.hpp"
#include "simd/rescale.hpp"
#include "simd/simd.hpp"
#include "simd/sixteen_bytes.hpp"

namespace mote::MOTE_KERNELS {
namespace {

inline constexpr std::size_t kPoolBlock = 32;  // channels at a time

struct LargerOf {
  MOTE_INLINE std::int32_t operator()(std::int32_t a, std::int32_t b) const { return a > b ? a : b; }
#if MOTE_SIMD_POOL_WORDS
  MOTE_INLINE simd::Words operator()(simd::Words a, simd::Words b) const { return simd::larger_words(a, b); }
#endif
};
struct SumOf {
  MOTE_INLINE std::int32_t operator()(std::int32_t a, std::int32_t b) const { return a + b; }
#if MOTE_SIMD_POOL_WORDS
  MOTE_INLINE simd::Words operator()(simd::Words a, simd::Words b) const { return simd::add_words(a, b); }
#endif
};

#if MOTE_SIMD_POOL_WORDS
/// acc[k] = step(acc[k], the taps' k) for `count` taps, one `channels` values behind the other, and whole vectors of k;
/// returns how many k there were.
template <class Step>
MOTE_INLINE std::size_t pool_words(std::int32_t* acc, std::size_t width, const std::int8_t* taps, std::size_t count,
                                   std::size_t channels, const Step& step) {
  std::size_t k = 0;
  for (; k + simd::kWords <= width; k += simd::kWords) {
    simd::Words words = simd::load_words(acc + k);
    const std::int8_t* tap = taps + k;
    for (std::size_t j = 0; j < count; ++j, tap += channels) words = step(words, simd::load_bytes(tap, simd::kWords));
    simd::store_words(acc + k, words);
  }
  return k;
}
#endif

/// use(image, rows, columns, output) of every output pixel of the share: the taps of its window that lie inside.
template <class Element, class Use>
MOTE_INLINE void for_windows(const QuantizedPoolArgs<Element>& args, const Use& use) {
  const ConvShape& s = args.shape;
  const Window& w = s.window;
  const auto inside = [](std::uint32_t out, std::uint32_t stride, std::uint32_t pad, std::uint32_t filter,
                         std::uint32_t size) {
    const std::uint32_t padded = out * stride, begin = padded > pad ? padded - pad : 0;
    return Part::Range{begin, std::min(padded + filter - pad, size)};  // filter > pad: validate()
  };
  const Part::Range lines = args.part.of(std::size_t{s.batch} * s.out.h);
  for (std::size_t line = lines.begin; line < lines.end; ++line) {
    const std::size_t image = line / s.out.h;
    const auto y = static_cast<std::uint32_t>(line - image * s.out.h);
    const Part::Range rows = inside(y, w.stride_h, w.pad_top, w.filter_h, s.in.h);
    for (std::uint32_t x = 0; x < s.out.w; ++x)
      use(args.input + image * s.in.h * s.in.w * s.in.c, rows, inside(x, w.stride_w, w.pad_left, w.filter_w, s.in.w),
          args.output + (line * s.out.w + x) * s.in.c);
  }
}

/// For every output pixel and block of channels: start(), step(value, channel) for each tap inside, then
/// finish(taps, channel), which gives the output. The accumulators are the caller's, kPoolBlock words.
template <class Element, class Step, class Finish>
MOTE_INLINE void pool(const QuantizedPoolArgs<Element>& args, std::int32_t start, const Step& step,
                      const Finish& finish) {
  const ConvShape& s = args.shape;
  const std::size_t channels = s.in.c;
  for_windows(args,
              [&](const Element* image, Part::Range rows, Part::Range columns, Element* output) MOTE_LAMBDA_INLINE {
                for (std::size_t c = 0; c < channels; c += kPoolBlock) {
                  const std::size_t width = std::min(kPoolBlock, channels - c);
                  std::int32_t acc[kPoolBlock];
                  std::fill(acc, acc + width, start);
                  for (std::size_t i = rows.begin; i < rows.end; ++i) {
                    const Element* taps = image + (i * s.in.w + columns.begin) * channels + c;
                    std::size_t first = 0;
#if MOTE_SIMD_POOL_WORDS
                    if constexpr (sizeof(Element) == 1)
                      first = pool_words(acc, width, taps, columns.end - columns.begin, channels, step);
#endif
                    for (std::size_t j = columns.begin; j < columns.end; ++j, taps += channels)
                      for (std::size_t k = first; k < width; ++k) acc[k] = step(acc[k], std::int32_t{taps[k]});
                  }
                  const auto count = static_cast<std::int32_t>((rows.end - rows.begin) * (columns.end - columns.begin));
                  for (std::size_t k = 0; k < width; ++k)
                    output[c + k] = static_cast<Element>(args.clamp.clamp(finish(acc[k], count)));
                }
              });
}

/// The largest of a window in bytes, sixteen channels at a time.
inline void max_pool_bytes(const QuantizedPoolArgs<std::int8_t>& args) {
  using Bytes = simd::SixteenBytes;
  const ConvShape& s = args.shape;
  const std::size_t channels = s.in.c;
  const auto low = static_cast<std::int8_t>(args.clamp.low), high = static_cast<std::int8_t>(args.clamp.high);
  for_windows(args, [&](const std::int8_t* image, Part::Range rows, Part::Range columns,
                        std::int8_t* output) MOTE_LAMBDA_INLINE {
    const std::int8_t* const first = image + (rows.begin * s.in.w + columns.begin) * channels;
    // take(tap) for all taps of the window, at its first channel.
    const auto walk = [&](const auto& take) MOTE_LAMBDA_INLINE {
      for (std::size_t i = 0; i < rows.end - rows.begin; ++i) {
        const std::int8_t* tap = first + i * s.in.w * channels;
        for (std::size_t j = columns.begin; j < columns.end; ++j, tap += channels) take(tap);
      }
    };
    std::size_t c = 0;
    for (; c + Bytes::kBytes <= channels; c += Bytes::kBytes) {
      Bytes largest = Bytes::load(first + c);
      walk([&](const std::int8_t* tap) MOTE_LAMBDA_INLINE { largest = larger(largest, Bytes::load(tap + c)); });
      smaller(Bytes::splat(high), larger(Bytes::splat(low), largest)).store(output + c);
    }
    if (c == channels) return;
    std::int8_t largest[Bytes::kBytes];
    std::memcpy(largest, first + c, channels - c);
    walk([&](const std::int8_t* tap) MOTE_LAMBDA_INLINE {
      for (std::size_t k = c; k < channels; ++k) largest[k - c] = std::max(largest[k - c], tap[k]);
    });
    for (std::size_t k = c; k < channels; ++k) output[k] = std::min(high, std::max(low, largest[k - c]));
  });
}

template <class Element>
inline void max_pool(const QuantizedPoolArgs<Element>& args) {
  if constexpr (simd::kLanes > 1 && sizeof(Element) == 1) return max_pool_bytes(args);
  pool(args, std::numeric_limits<Element>::min(), LargerOf{},
       [](std::int32_t largest, std::int32_t) MOTE_LAMBDA_INLINE { return largest; });
}

template <class Element>
inline void average_pool(const QuantizedPoolArgs<Element>& args) {
  pool(args, 0, SumOf{}, [](std::int32_t sum, std::int32_t count) MOTE_LAMBDA_INLINE {
    return (sum > 0 ? sum + count / 2 : sum - count / 2) / count;
  });
}

/// Axes of a reduction: each of n, h, w, c is kept, or walked for every output.
struct ReduceWalk {
  std::size_t kept[4], walked[4], strides[4];
  template <class Args>
  explicit ReduceWalk(const Args& args) {
    std::size_t stride = 1;
    for (int axis = 3; axis >= 0; --axis) {
      const bool reduced = (args.axes >> (3 - axis) & 1U) != 0;
      kept[axis] = reduced ? 1 : args.sizes[axis];
      walked[axis] = reduced ? args.sizes[axis] : 1;
      strides[axis] = stride;
      stride *= args.sizes[axis];
    }
  }
  [[nodiscard]] std::size_t count() const { return walked[0] * walked[1] * walked[2] * walked[3]; }
};

/// visit(offset) for every place of four nested axes.
template <class Visit>
MOTE_INLINE void for_places(const std::size_t (&sizes)[4], const std::size_t (&strides)[4], const Visit& visit) {
  for (std::size_t n = 0; n < sizes[0]; ++n)
    for (std::size_t h = 0; h < sizes[1]; ++h)
      for (std::size_t w = 0; w < sizes[2]; ++w)
        for (std::size_t c = 0; c < sizes[3]; ++c)
          visit(n * strides[0] + h * strides[1] + w * strides[2] + c * strides[3]);
}

/// finish(what step() made of a group) for every output.
template <class Element, class Step, class Finish>
MOTE_INLINE void reduce(const QuantizedReduceArgs<Element>& args, std::int32_t start, const Step& step,
                        const Finish& finish) {
  const ReduceWalk walk(args);
  Element* output = args.output;
  for_places(walk.kept, walk.strides, [&](std::size_t first) {
    std::int32_t acc = start;
    for_places(walk.walked, walk.strides, [&](std::size_t offset) MOTE_LAMBDA_INLINE {
      acc = step(acc, std::int32_t{args.input[first + offset]});
    });
    *output++ = static_cast<Element>(finish(acc));
  });
}

template <class Element>
inline void reduce_sum(const QuantizedReduceArgs<Element>& args) {
  const auto count = static_cast<std::int32_t>(ReduceWalk(args).count());
  reduce(
      args, 0, [](std::int32_t a, std::int32_t b) MOTE_LAMBDA_INLINE { return a + b; },
      [&](std::int32_t sum) MOTE_LAMBDA_INLINE {
        const std::int32_t value = requantize(sum - count * args.input_zero_point, args.multiplier);
        return args.clamp.clamp(value + args.output_zero_point);
      });
}

/// The first place along the middle axis whose value is before those of all others.
template <class Before>
MOTE_INLINE void first_place(const ArgReduceS8Args& args, const Before& before) {
  for (std::size_t o = 0; o < args.outer; ++o)
    for (std::size_t i = 0; i < args.inner; ++i) {
      const std::int8_t* input = args.input + o * args.count * args.inner + i;
      std::size_t best = 0;
      for (std::size_t k = 1; k < args.count; ++k)
        if (before(input[k * args.inner], input[best * args.inner])) best = k;
      args.output[o * args.inner + i] = static_cast<std::int32_t>(best);
    }
}

/// Where one output coordinate falls along an axis: neighbours, and 1024 times the distance from the lower.
struct Interpolation {
  std::uint32_t lower, upper;
  std::int32_t fraction;
};

MOTE_INLINE Interpolation interpolate(std::uint32_t out, std::uint32_t in_size, std::uint32_t out_size, bool corners,
                                      bool half_pixels) {
  const auto in = static_cast<std::int32_t>(in_size), size = static_cast<std::int32_t>(out_size);
  const bool ends_meet = corners && size > 1;
  const std::int32_t step = ends_meet ? (1024 * (in - 1) + (size - 1) / 2) / (size - 1) : (1024 * in + size / 2) / size;
  const std::int32_t at = static_cast<std::int32_t>(out) * step + (half_pixels ? step / 2 - 512 : 0);
  const std::int32_t lower = std::min<std::int32_t>(std::max<std::int32_t>(at / 1024, 0), in - 1);
  const std::int32_t upper = std::min<std::int32_t>((at + 1023) / 1024, in - 1);
  return {static_cast<std::uint32_t>(lower), static_cast<std::uint32_t>(upper), at - 1024 * lower};
}

}  // namespace

void max_pool_s8(const PoolS8Args& args) { max_pool(args); }
void max_pool_s16(const PoolS16Args& args) { max_pool(args); }
void average_pool_s8(const PoolS8Args& args) { average_pool(args); }
void average_pool_s16(const PoolS16Args& args) { average_pool(args); }

void reduce_sum_s8(const ReduceS8Args& args) { reduce_sum(args); }
void reduce_sum_s16(const ReduceS16Args& args) { reduce_sum(args); }
void reduce_max_s8(const ReduceS8Args& args) {
  reduce(
      args, -128, [](std::int32_t a, std::int32_t b) MOTE_LAMBDA_INLINE { return a > b ? a : b; },
      [](std::int32_t value) MOTE_LAMBDA_INLINE { return value; });
}
void reduce_min_s8(const ReduceS8Args& args) {
  reduce(
      args, 127, [](std::int32_t a, std::int32_t b) MOTE_LAMBDA_INLINE { return a < b ? a : b; },
      [](std::int32_t value) MOTE_LAMBDA_INLINE { return value; });
}

void argmax_s8(const ArgReduceS8Args& args) {
  first_place(args, [](std::int8_t a, std::int8_t b) MOTE_LAMBDA_INLINE { return a > b; });
}
void argmin_s8(const ArgReduceS8Args& args) {
  first_place(args, [](std::int8_t a, std::int8_t b) MOTE_LAMBDA_INLINE { return a < b; });
}

void resize_bilinear_s8(const ResizeBilinearS8Args& args) {
  const std::size_t channels = args.in.c, row = args.in.w * channels;
  std::int8_t* output = args.output;
  for (std::size_t n = 0; n < args.batch; ++n)
    for (std::uint32_t y = 0; y < args.out_h; ++y) {
      const Interpolation v = interpolate(y, args.in.h, args.out_h, args.align_corners, args.half_pixel_centers);
      const std::int8_t* top = args.input + (n * args.in.h + v.lower) * row;
      const std::int8_t* bottom = args.input + (n * args.in.h + v.upper) * row;
      for (std::uint32_t x = 0; x < args.out_w; ++x) {
        const Interpolation u = interpolate(x, args.in.w, args.out_w, args.align_corners, args.half_pixel_centers);
        const std::size_t left = u.lower * channels, right = u.upper * channels;
        for (std::size_t c = 0; c < channels; ++c) {
          // each weight up to 2^20, their sum 2^20: 128 times that fits 32 bits
          const std::int32_t sum = (1024 - v.fraction) * (1024 - u.fraction) * top[left + c] +
                                   v.fraction * (1024 - u.fraction) * bottom[left + c] +
                                   (1024 - v.fraction) * u.fraction * top[right + c] +
                                   v.fraction * u.fraction * bottom[right + c];
          const std::int32_t half = sum > 0 ? 1 << 19 : -(1 << 19);
          *output++ = static_cast<std::int8_t>((sum + half) / (1 << 20));
        }
      }
    }
}

}  // namespace mote::MOTE_KERNELS
