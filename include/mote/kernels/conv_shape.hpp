// SPDX-License-Identifier: Apache-2.0
// The sizes of a convolution or pooling, for kernels of every element type.
#pragma once

#include "mote/requirements.hpp"
#ifndef MOTE_WARN_IN_HEADERS
#pragma GCC system_header
#endif

#include <cstdint>

#include "mote/model/layer.hpp"

namespace mote {

/// Sizes of a convolution or pooling.
struct ConvShape {
  std::uint32_t batch;
  Shape in, out;
  Window window;
};

/// A filter of one tap on every pixel: a dense layer of the pixels.
constexpr bool is_pointwise(const ConvShape& s) {
  const Window& w = s.window;
  return w.filter_h == 1 && w.filter_w == 1 && w.stride_h == 1 && w.stride_w == 1 && s.in.h == s.out.h &&
         s.in.w == s.out.w && w.pad_top == 0 && w.pad_left == 0;
}

}  // namespace mote
