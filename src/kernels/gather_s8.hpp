// SPDX-License-Identifier: Apache-2.0
// Windows of quantised convolutions, put together where they do not lie side by side: which taps meet the image, and
// the terms of one window. Internal linkage, as accumulate_s8.hpp.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "kernels/kernel_namespace.hpp"
#include "mote/kernels/kernels.hpp"
#include "simd/simd.hpp"

namespace mote::MOTE_KERNELS {
namespace {

/// Taps begin … end - 1 along one axis lie inside the image.
struct TapSpan {
  std::ptrdiff_t origin, dilation;  // tap 0 lies at the origin, perhaps outside
  std::uint32_t begin = 0, end = 0;

  [[nodiscard]] std::ptrdiff_t place(std::uint32_t tap) const {
    return origin + static_cast<std::ptrdiff_t>(tap) * dilation;
  }
  [[nodiscard]] std::size_t at(std::uint32_t tap) const { return static_cast<std::size_t>(place(tap)); }
};

/// Of a window whose first tap lies at `origin`.
inline TapSpan tap_span(std::ptrdiff_t origin, std::uint32_t dilation, std::uint32_t filter, std::uint32_t size) {
  TapSpan span{origin, static_cast<std::ptrdiff_t>(dilation), 0, filter};
  while (span.begin < filter && span.place(span.begin) < 0) ++span.begin;
  while (span.end > span.begin && span.place(span.end - 1) >= static_cast<std::ptrdiff_t>(size)) --span.end;
  return span;
}
inline TapSpan tap_span(std::uint32_t out, std::uint32_t stride, std::uint32_t pad, std::uint32_t dilation,
                        std::uint32_t filter, std::uint32_t size) {
  const std::size_t padded = std::size_t{out} * stride;  // the window's place if the padding were part of the image
  return tap_span(static_cast<std::ptrdiff_t>(padded) - static_cast<std::ptrdiff_t>(pad), dilation, filter, size);
}

/// Elements one after the other; most runs are too short for a call to pay.
template <class Element>
MOTE_INLINE void copy_short(const Element* from, std::size_t count, Element* to) {
  constexpr std::size_t kAtOnce = 8;
  for (; count >= kAtOnce; count -= kAtOnce, from += kAtOnce, to += kAtOnce)
    std::memcpy(to, from, kAtOnce * sizeof(Element));
  if ((count & 4) != 0) std::memcpy(to, from, 4 * sizeof(Element)), from += 4, to += 4;
  if ((count & 2) != 0) std::memcpy(to, from, 2 * sizeof(Element)), from += 2, to += 2;
  if ((count & 1) != 0) *to = *from;
}

/// Terms `first` … first + count - 1 of a window, in the order of the weights: (filter_h, filter_w, in_c). Taps outside
/// the image are the zero point.
template <class Element>
inline void gather_window(const QuantizedConvArgs<Element>& args, const Element* image, const TapSpan& rows,
                          const TapSpan& columns, std::size_t first, std::size_t count, Element* to) {
  const ConvShape& s = args.shape;
  const std::size_t depth = s.in.c, line = s.window.filter_w * depth;
  const auto outside = static_cast<Element>(args.input_zero_point);
  const std::size_t beside = columns.dilation == 1 ? columns.end : 0;  // taps up to here lie side by side
  std::size_t i = first / line, j = (first - i * line) / depth, c = first - i * line - j * depth;
  for (std::size_t run = 0; count > 0; to += run, count -= run, c = 0) {
    const bool in_image = i >= rows.begin && i < rows.end;
    const bool inside = in_image && j >= columns.begin && j < columns.end;
    const std::size_t taps = inside                          ? (beside > j ? beside - j : 1)
                             : in_image && j < columns.begin ? columns.begin - j
                                                             : s.window.filter_w - j;
    run = std::min(taps * depth - c, count);
    if (inside)
      copy_short(
          image +
              (rows.at(static_cast<std::uint32_t>(i)) * s.in.w + columns.at(static_cast<std::uint32_t>(j))) * depth + c,
          run, to);
    else
      std::fill(to, to + run, outside);
    j += taps;
    if (j == s.window.filter_w) j = 0, ++i;
  }
}

}  // namespace
}  // namespace mote::MOTE_KERNELS
