// SPDX-License-Identifier: Apache-2.0
// conv2d and depthwise_conv2d, s8 and s16 activations: direct convolution in NHWC, one output pixel and a block of
// output channels at a time.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "kernels/accumulate_s8.hpp"
#include "kernels/depthwise_planes_s8.hpp"
#include "kernels/depthwise_s8.hpp"
#include "kernels/gather_s8.hpp"
#include "kernels/pairs_s8.hpp"
#include "kernels/tiles_s8.hpp"
#include "kernels/whole_rows_s8.hpp"

namespace mote::MOTE_KERNELS {
namespace {

/// body(image, pixel, rows, columns) for every output pixel of the share: which taps it meets.
template <class Element, class Body>
MOTE_INLINE void for_each_pixel(const QuantizedConvArgs<Element>& args, const Body& body) {
  const ConvShape& s = args.shape;
  const Window& w = s.window;
  const Part::Range lines = args.part.of(std::size_t{s.batch} * s.out.h);
  for (std::size_t line = lines.begin; line < lines.end; ++line) {
    const std::size_t image = line / s.out.h;
    const auto y = static_cast<std::uint32_t>(line - image * s.out.h);
    const TapSpan rows = tap_span(y, w.stride_h, w.pad_top, w.dilation_h, w.filter_h, s.in.h);
    for (std::uint32_t x = 0; x < s.out.w; ++x)
      body(args.input + image * static_cast<std::size_t>(s.in.elements()), line * s.out.w + x, rows,
           tap_span(x, w.stride_w, w.pad_left, w.dilation_w, w.filter_w, s.in.w));
  }
}

/// A window of one tap is read where it lies, others are gathered piece by piece for each block of outputs.
template <class Element>
inline void conv2d_quantized(const QuantizedConvArgs<Element>& args) {
  const ConvShape& s = args.shape;
  const std::size_t taps = std::size_t{s.window.filter_h} * s.window.filter_w, terms = taps * s.in.c;
  for_each_pixel(args, [&](const Element* image, std::size_t pixel, const TapSpan& rows, const TapSpan& columns) {
    const bool lies = taps == 1 && rows.begin < rows.end && columns.begin < columns.end;
    const Element* tap = lies ? image + (rows.at(0) * s.in.w + columns.at(0)) * s.in.c : nullptr;
    for (std::size_t o = 0; o < s.out.c; o += kBlock) {
      const std::size_t width = std::min<std::size_t>(kBlock, s.out.c - o);
      Accumulator<Element> acc[kBlock];
      start_block(acc, width, args.bias != nullptr ? args.bias + o : nullptr);
      std::int32_t sum = 0;
      for (std::size_t first = 0; first < terms; first += kTerms) {
        const std::size_t count = std::min(kTerms, terms - first);
        Element gathered[kTerms];
        if (!lies) gather_window(args, image, rows, columns, first, count, gathered);
        const Element* x = lies ? tap + first : gathered;
        add_packed(acc, o, width, x, first, count, args.weights, terms);
        for (std::size_t k = 0; k < count && args.weight_zero_point != 0; ++k) sum += x[k];
      }
      for (std::size_t j = 0; j < width && args.weight_zero_point != 0; ++j) acc[j] -= args.weight_zero_point * sum;
      finish_block<Element>(acc, o, width, args.stage, args.output + pixel * s.out.c + o);
    }
  });
}

#if MOTE_SIMD_PAIRS
/// Two pixels at a time, of one line or not.
inline void conv2d_pairs(const ConvS8Args& args) {
  const ConvShape& s = args.shape;
  const Window& w = s.window;
  const std::size_t taps = std::size_t{w.filter_h} * w.filter_w;
  const ProductLayer layer{args.weights, args.bias, args.stage, taps * s.in.c, s.out.c, args.weight_zero_point};
  std::int8_t gathered[kTerms];
  const std::int8_t* images[2];
  TapSpan rows[2], columns[2];
  std::size_t waiting = 0, first_pixel = 0;
  const auto read = [&](std::size_t r, std::size_t first, std::size_t terms) MOTE_LAMBDA_INLINE {
    if (taps == 1 && rows[r].begin < rows[r].end && columns[r].begin < columns[r].end)
      return images[r] + (rows[r].at(0) * s.in.w + columns[r].at(0)) * s.in.c + first;
    gather_window(args, images[r], rows[r], columns[r], first, terms, gathered);
    return static_cast<const std::int8_t*>(gathered);
  };
  const auto finish = [&]() {
    if (waiting != 0) multiply_pairs(layer, waiting, 0, s.out.c, args.output + first_pixel * s.out.c, read);
    waiting = 0;
  };
  for_each_pixel(args, [&](const std::int8_t* image, std::size_t pixel, const TapSpan& down, const TapSpan& right) {
    if (waiting == 0) first_pixel = pixel;
    images[waiting] = image, rows[waiting] = down, columns[waiting] = right;
    if (++waiting == 2) finish();
  });
  finish();
}
#endif

/// acc[j] += (weights[j] - zero_point) times the input channel of output channel first + j, 32 bits.
template <class Element>
MOTE_INLINE void add_depthwise_tap(Accumulator<Element>* acc, const Element* input, const std::int8_t* weights,
                                   std::int32_t zero_point, std::size_t first, std::size_t width,
                                   std::size_t multiplier) {
  if (multiplier == 1) {
    for (std::size_t j = 0; j < width; ++j) acc[j] += std::int32_t{input[first + j]} * (weights[j] - zero_point);
    return;
  }
  std::size_t channel = first / multiplier, next = (channel + 1) * multiplier - first;
  for (std::size_t j = 0; j < width; ++j) {
    if (j == next) ++channel, next += multiplier;
    acc[j] += std::int32_t{input[channel]} * (weights[j] - zero_point);
  }
}

#if MOTE_SIMD_TAPS
/// All taps of the channels first … first + width - 1 of one pixel, width <= kBlock, four channels at a time.
[[gnu::noinline]] inline void add_taps(const ConvS8Args& args, const std::int8_t* image, const TapSpan& rows,
                                       const TapSpan& columns, std::size_t first, std::size_t width,
                                       std::int32_t* acc) {
  constexpr std::size_t kTaps = 16;  // whose addresses are made at a time
  const ConvShape& s = args.shape;
  const Window& w = s.window;
  const std::size_t depth = s.in.c, taps = std::size_t{w.filter_h} * w.filter_w;
  std::int8_t outside[kBlock];
  std::fill(outside, outside + width, static_cast<std::int8_t>(args.input_zero_point));
  std::uint32_t i = 0, j = 0;
  for (std::size_t tap = 0; tap < taps; tap += kTaps) {
    const std::int8_t* from[kTaps];
    const std::size_t count = std::min(kTaps, taps - tap);
    for (std::size_t t = 0; t < count; ++t) {
      const bool inside = i >= rows.begin && i < rows.end && j >= columns.begin && j < columns.end;
      from[t] = inside ? image + (rows.at(i) * s.in.w + columns.at(j)) * depth + first : outside;
      if (++j == w.filter_w) j = 0, ++i;
    }
    const std::int8_t* weights = args.weights + tap * depth + first;
    std::size_t c = 0;
    for (; c + kPack <= width; c += kPack) simd::multiply_taps(acc + c, from, count, c, weights + c, depth);
    for (; c < width; ++c)
      for (std::size_t t = 0; t < count; ++t) acc[c] += from[t][c] * weights[t * depth + c];
  }
}

MOTE_INLINE void finish_taps(const std::int32_t* acc, std::size_t first, std::size_t width, const OutputStage& stage,
                             std::int8_t* output) {
#if MOTE_SIMD_PAIRS
  finish_small(acc, first, width, stage, output);
#else
  finish_block<std::int8_t>(acc, first, width, stage, output);
#endif
}
#endif

template <class Element>
inline void depthwise_quantized(const QuantizedConvArgs<Element>& args) {
  const ConvShape& s = args.shape;
  const Window& w = s.window;
  const std::size_t multiplier = s.out.c / s.in.c;
  for_each_pixel(args, [&](const Element* image, std::size_t pixel, const TapSpan& rows, const TapSpan& columns) {
    for (std::size_t o = 0; o < s.out.c; o += kBlock) {
      const std::size_t width = std::min<std::size_t>(kBlock, s.out.c - o);
      Accumulator<Element> acc[kBlock];
      start_block(acc, width, args.bias != nullptr ? args.bias + o : nullptr);
      const std::int8_t* weights = args.weights + o;
#if MOTE_SIMD_TAPS
      if constexpr (sizeof(Element) == 1) {
        if (multiplier == 1 && args.weight_zero_point == 0) {
          add_taps(args, image, rows, columns, o, width, acc);
          finish_taps(acc, o, width, args.stage, args.output + pixel * s.out.c + o);
          continue;
        }
      }
#endif
      for (std::uint32_t i = 0; i < w.filter_h; ++i)
        for (std::uint32_t j = 0; j < w.filter_w; ++j, weights += s.out.c) {
          if (i < rows.begin || i >= rows.end || j < columns.begin || j >= columns.end) {
            for (std::size_t c = 0; c < width; ++c)
              acc[c] += args.input_zero_point * (weights[c] - args.weight_zero_point);
            continue;
          }
          add_depthwise_tap(acc, image + (rows.at(i) * s.in.w + columns.at(j)) * s.in.c, weights,
                            args.weight_zero_point, o, width, multiplier);
        }
      finish_block<Element>(acc, o, width, args.stage, args.output + pixel * s.out.c + o);
    }
  });
}

/// The input position that tap `tap` of output position `out` meets; false where there is none.
inline bool transposed_place(std::size_t out, std::uint32_t tap, std::uint32_t stride, std::uint32_t pad,
                             std::uint32_t size, std::size_t& place) {
  const std::size_t at = out + pad;
  if (at < tap || (at - tap) % stride != 0) return false;
  place = (at - tap) / stride;
  return place < size;
}

template <class Element>
inline void conv2d_transpose_quantized(const QuantizedConvArgs<Element>& args) {
  const ConvShape& s = args.shape;
  const Window& w = s.window;
  const std::size_t depth = s.in.c;
  const Part::Range lines = args.part.of(std::size_t{s.batch} * s.out.h);
  for (std::size_t pixel = lines.begin * s.out.w; pixel < lines.end * s.out.w; ++pixel) {
    const std::size_t line = pixel / s.out.w, x = pixel - line * s.out.w, image = line / s.out.h;
    for (std::size_t o = 0; o < s.out.c; o += kBlock) {
      const std::size_t width = std::min<std::size_t>(kBlock, s.out.c - o);
      Accumulator<Element> acc[kBlock];
      start_block(acc, width, args.bias != nullptr ? args.bias + o : nullptr);
      for (std::uint32_t i = 0; i < w.filter_h; ++i)
        for (std::uint32_t j = 0; j < w.filter_w; ++j) {
          std::size_t row = 0, column = 0;
          if (!transposed_place(line - image * s.out.h, i, w.stride_h, w.pad_top, s.in.h, row)) continue;
          if (!transposed_place(x, j, w.stride_w, w.pad_left, s.in.w, column)) continue;
          const Element* input = args.input + ((image * s.in.h + row) * s.in.w + column) * depth;
          const std::int8_t* weights = args.weights + ((std::size_t{i} * w.filter_w + j) * s.out.c + o) * depth;
          for (std::size_t c = 0; c < width; ++c, weights += depth)
            for (std::size_t k = 0; k < depth; ++k) acc[c] += (input[k] - args.input_zero_point) * weights[k];
        }
      finish_block<Element>(acc, o, width, args.stage, args.output + pixel * s.out.c + o);
    }
  }
}

}  // namespace

#if MOTE_SIMD_PACKED_ROWS
void conv2d_s8(const ConvS8Args& args) { conv2d_tiles(args); }
#elif MOTE_SIMD_PAIRS
void conv2d_s8(const ConvS8Args& args) { conv2d_pairs(args); }
#else
void conv2d_s8(const ConvS8Args& args) {
#if MOTE_SIMD_WHOLE_ROWS
  if (takes_rows(args)) return conv2d_rows(args);
#endif
  conv2d_quantized(args);
}
#endif
void conv2d_s16(const ConvS16Args& args) { conv2d_quantized(args); }
void conv2d_transpose_s8(const ConvS8Args& args) { conv2d_transpose_quantized(args); }
void conv2d_transpose_s16(const ConvS16Args& args) { conv2d_transpose_quantized(args); }
void depthwise_conv2d_s8(const ConvS8Args& args) {
#if MOTE_SIMD_TAP_COLUMNS
  if (takes_columns(args)) return depthwise_columns(args);
#elif MOTE_SIMD_TAP_PLANES
  if (takes_planes(args)) return depthwise_planes(args);
#endif
  depthwise_quantized(args);
}
void depthwise_conv2d_s16(const ConvS16Args& args) { depthwise_quantized(args); }

}  // namespace mote::MOTE_KERNELS
