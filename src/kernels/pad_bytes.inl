// SPDX-License-Identifier: Apache-2.0
// Padding of h, w and c with a number, the mirrored image or its edge, and the gradient.
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

/// Where element `at` of a padded axis comes from; kOutside: from nowhere.
inline constexpr std::size_t kOutside = ~std::size_t{0};
inline std::size_t pad_source(PadMode mode, std::size_t at, std::uint32_t before, std::uint32_t extent) {
  const auto size = static_cast<std::int64_t>(extent);
  std::int64_t i = static_cast<std::int64_t>(at) - static_cast<std::int64_t>(before);
  if (i >= 0 && i < size) return static_cast<std::size_t>(i);
  if (mode == PadMode::constant) return kOutside;
  if (mode == PadMode::edge || size == 1) return i < 0 ? 0 : extent - 1U;
  const std::int64_t period = mode == PadMode::reflect ? 2 * size - 2 : 2 * size;
  i = (i % period + period) % period;
  if (i >= size) i = period - i - (mode == PadMode::reflect ? 0 : 1);
  return static_cast<std::size_t>(i);
}

/// One pixel's channels.
template <class Element>
inline void pad_pixel(const PadArgs& args, const Element* from, Element* to, Element value) {
  const std::size_t before = args.before[2], in = args.in[2], out = args.out[2];
  const auto outside = [&](std::size_t c) {
    const std::size_t at = pad_source(args.mode, c, args.before[2], args.in[2]);
    to[c] = at == kOutside ? value : from[at];
  };
  for (std::size_t c = 0; c < before; ++c) outside(c);
  copy_elements(from, to + before, in);
  for (std::size_t c = before + in; c < out; ++c) outside(c);
}

template <class Element>
inline void pad_line(const PadArgs& args, const Element* from, Element* to, Element value) {
  const std::size_t in_c = args.in[2], out_c = args.out[2];
  const auto outside = [&](std::size_t x) {
    const std::size_t at = pad_source(args.mode, x, args.before[1], args.in[1]);
    if (at == kOutside)
      fill_elements(to + x * out_c, out_c, value);
    else
      pad_pixel(args, from + at * in_c, to + x * out_c, value);
  };
  const std::size_t begin = args.before[1], end = begin + args.in[1];
  for (std::size_t x = 0; x < begin; ++x) outside(x);
  if (in_c == out_c) {
    copy_elements(from, to + begin * out_c, args.in[1] * in_c);
  } else {
    for (std::size_t x = 0; x < args.in[1]; ++x) pad_pixel(args, from + x * in_c, to + (begin + x) * out_c, value);
  }
  for (std::size_t x = end; x < args.out[1]; ++x) outside(x);
}

/// What one line of the output adds to the line it came from.
inline void pad_line_gradient(const PadGradArgs& args, const float* from, float* to) {
  for (std::size_t x = 0; x < args.out[1]; ++x, from += args.out[2]) {
    const std::size_t at = pad_source(args.mode, x, args.before[1], args.in[1]);
    if (at == kOutside) continue;
    float* pixel = to + at * args.in[2];
    const auto outside = [&](std::size_t c) {
      const std::size_t channel = pad_source(args.mode, c, args.before[2], args.in[2]);
      if (channel != kOutside) pixel[channel] += from[c];
    };
    const std::size_t begin = args.before[2], end = begin + args.in[2];
    for (std::size_t c = 0; c < begin; ++c) outside(c);
    lanes_over(args.in[2], [&](std::size_t c, auto lanes) MOTE_LAMBDA_INLINE {
      lanes.store(pixel + c, lanes.load(pixel + c) + lanes.load(from + begin + c));
    });
    for (std::size_t c = end; c < args.out[2]; ++c) outside(c);
  }
}

}  // namespace

void pad_bytes(const PadArgs& args) {
  const std::size_t in_line = std::size_t{args.in[1]} * args.in[2], out_line = std::size_t{args.out[1]} * args.out[2];
  const Part::Range share = args.part.of(std::size_t{args.batch} * args.out[0]);
  with_element(args.element_bytes, [&](auto element) {
    using Element = decltype(element);
    const Element value{static_cast<decltype(element.bits)>(args.value_bits)};
    for (std::size_t line = share.begin; line < share.end; ++line) {
      const std::size_t n = line / args.out[0];
      const std::size_t y = pad_source(args.mode, line % args.out[0], args.before[0], args.in[0]);
      Element* to = elements<Element>(args.output) + line * out_line;
      if (y == kOutside)
        fill_elements(to, out_line, value);
      else
        pad_line(args, elements<Element>(args.input) + (n * args.in[0] + y) * in_line, to, value);
    }
  });
}

/// Shares are samples: lines of the output meet in one of the input.
void pad_grad_f32(const PadGradArgs& args) {
  const std::size_t in_line = std::size_t{args.in[1]} * args.in[2], out_line = std::size_t{args.out[1]} * args.out[2];
  const Part::Range share = args.part.of(args.batch);
  for (std::size_t n = share.begin; n < share.end; ++n) {
    float* to = args.grad_input + n * args.in[0] * in_line;
    std::fill(to, to + args.in[0] * in_line, 0.0F);
    for (std::size_t y = 0; y < args.out[0]; ++y) {
      const std::size_t at = pad_source(args.mode, y, args.before[0], args.in[0]);
      if (at != kOutside)
        pad_line_gradient(args, args.grad_output + (n * args.out[0] + y) * out_line, to + at * in_line);
    }
  }
}

}  // namespace mote::MOTE_KERNELS
