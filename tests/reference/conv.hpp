// SPDX-License-Identifier: Apache-2.0
// Convolutions as naive loops in double: the specification of conv2d_f32, depthwise_conv2d_f32 and their gradients.
// One function per element, written from its formula in kernels.hpp, so that nothing is shared with the kernels.
#pragma once

#include <cstddef>

#include "mote/kernels/kernels.hpp"
#include "reference/dense.hpp"

namespace mote::reference {

/// Which element of an NHWC tensor, or of a filter: then n is unused, y and x are the tap.
struct At {
  std::size_t n, y, x, c;
};

inline std::size_t index(const Shape& shape, const At& at) {
  return ((at.n * shape.h + at.y) * shape.w + at.x) * shape.c + at.c;
}

/// The input pixel that tap (i, j) of output pixel (y, x) meets; false if it lies outside the image.
inline bool meets(const ConvShape& s, std::size_t y, std::size_t x, std::size_t i, std::size_t j, std::size_t& row,
                  std::size_t& column) {
  const Window& w = s.window;
  row = y * w.stride_h + i * w.dilation_h;
  column = x * w.stride_w + j * w.dilation_w;
  if (row < w.pad_top || column < w.pad_left) return false;
  row -= w.pad_top;
  column -= w.pad_left;
  return row < s.in.h && column < s.in.w;
}

/// visit(n, y, x, i, j) for every image, output pixel and tap.
template <class Visit>
void for_each_position(const ConvShape& s, const Visit& visit) {
  for (std::size_t n = 0; n < s.batch; ++n)
    for (std::size_t y = 0; y < s.out.h; ++y)
      for (std::size_t x = 0; x < s.out.w; ++x)
        for (std::size_t i = 0; i < s.window.filter_h; ++i)
          for (std::size_t j = 0; j < s.window.filter_w; ++j) visit(n, y, x, i, j);
}

inline std::size_t multiplier(const ConvShape& s) { return s.out.c / s.in.c; }
inline std::size_t tap(const ConvShape& s, std::size_t i, std::size_t j) { return i * s.window.filter_w + j; }

inline Sum conv2d(const ConvArgs& args, const At& out) {
  const ConvShape& s = args.shape;
  Sum sum;
  if (args.bias != nullptr) sum.add(static_cast<double>(args.bias[out.c]));
  for (std::size_t i = 0; i < s.window.filter_h; ++i)
    for (std::size_t j = 0; j < s.window.filter_w; ++j) {
      std::size_t row = 0, column = 0;
      if (!meets(s, out.y, out.x, i, j, row, column)) continue;
      for (std::size_t c = 0; c < s.in.c; ++c)
        sum.add(args.input[index(s.in, {out.n, row, column, c})],
                args.weights[(tap(s, i, j) * s.in.c + c) * s.out.c + out.c]);
    }
  return sum;
}

inline Sum depthwise_conv2d(const ConvArgs& args, const At& out) {
  const ConvShape& s = args.shape;
  Sum sum;
  if (args.bias != nullptr) sum.add(static_cast<double>(args.bias[out.c]));
  for (std::size_t i = 0; i < s.window.filter_h; ++i)
    for (std::size_t j = 0; j < s.window.filter_w; ++j) {
      std::size_t row = 0, column = 0;
      if (!meets(s, out.y, out.x, i, j, row, column)) continue;
      sum.add(args.input[index(s.in, {out.n, row, column, out.c / multiplier(s)})],
              args.weights[tap(s, i, j) * s.out.c + out.c]);
    }
  return sum;
}

/// The gradient of one input element: every output pixel and tap that meets it.
inline Sum conv2d_grad_input(const ConvGradArgs& args, const At& in) {
  const ConvShape& s = args.shape;
  Sum sum;
  for_each_position(s, [&](std::size_t n, std::size_t y, std::size_t x, std::size_t i, std::size_t j) {
    std::size_t row = 0, column = 0;
    if (n != in.n || !meets(s, y, x, i, j, row, column) || row != in.y || column != in.x) return;
    for (std::size_t o = 0; o < s.out.c; ++o)
      sum.add(args.grad_output[index(s.out, {n, y, x, o})], args.weights[(tap(s, i, j) * s.in.c + in.c) * s.out.c + o]);
  });
  return sum;
}

inline Sum depthwise_conv2d_grad_input(const ConvGradArgs& args, const At& in) {
  const ConvShape& s = args.shape;
  Sum sum;
  for_each_position(s, [&](std::size_t n, std::size_t y, std::size_t x, std::size_t i, std::size_t j) {
    std::size_t row = 0, column = 0;
    if (n != in.n || !meets(s, y, x, i, j, row, column) || row != in.y || column != in.x) return;
    for (std::size_t q = 0; q < multiplier(s); ++q) {
      const std::size_t o = in.c * multiplier(s) + q;
      sum.add(args.grad_output[index(s.out, {n, y, x, o})], args.weights[tap(s, i, j) * s.out.c + o]);
    }
  });
  return sum;
}

/// The gradient of weight (tap y, tap x, in_channel, out_channel), before scale and accumulation. For depthwise
/// convolution in_channel is out_channel / multiplier.
inline Sum conv2d_grad_weight(const ConvGradArgs& args, std::size_t tap_y, std::size_t tap_x, std::size_t in_channel,
                              std::size_t out_channel) {
  const ConvShape& s = args.shape;
  Sum sum;
  for (std::size_t n = 0; n < s.batch; ++n)
    for (std::size_t y = 0; y < s.out.h; ++y)
      for (std::size_t x = 0; x < s.out.w; ++x) {
        std::size_t row = 0, column = 0;
        if (!meets(s, y, x, tap_y, tap_x, row, column)) continue;
        sum.add(args.input[index(s.in, {n, row, column, in_channel})],
                args.grad_output[index(s.out, {n, y, x, out_channel})]);
      }
  return sum;
}

}  // namespace mote::reference
