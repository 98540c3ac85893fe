// SPDX-License-Identifier: Apache-2.0
// Pooling as naive loops in double: the specification of max_pool_f32, average_pool_f32 and their gradients.
#pragma once

#include <cstddef>

#include "mote/kernels/kernels.hpp"

namespace mote::reference {

/// visit(output index, channel, input index, first tap of this output?) for every tap inside the image, in row order.
template <class Visit>
void for_each_tap(const ConvShape& s, const Visit& visit) {
  const Window& w = s.window;
  std::size_t out = 0;
  for (long n = 0; n < static_cast<long>(s.batch); ++n)
    for (long y = 0; y < static_cast<long>(s.out.h); ++y)
      for (long x = 0; x < static_cast<long>(s.out.w); ++x)
        for (long c = 0; c < static_cast<long>(s.in.c); ++c, ++out)
          for (long i = 0; i < static_cast<long>(w.filter_h); ++i)
            for (long j = 0; j < static_cast<long>(w.filter_w); ++j) {
              const long row = y * static_cast<long>(w.stride_h) + i - static_cast<long>(w.pad_top);
              const long column = x * static_cast<long>(w.stride_w) + j - static_cast<long>(w.pad_left);
              if (row < 0 || row >= static_cast<long>(s.in.h) || column < 0 || column >= static_cast<long>(s.in.w))
                continue;
              const long pixel = (n * static_cast<long>(s.in.h) + row) * static_cast<long>(s.in.w) + column;
              visit(out, static_cast<std::size_t>(pixel * static_cast<long>(s.in.c) + c));
            }
}

/// `winner` (one per output): index of the first largest tap.
inline void max_pool(const ConvShape& s, const float* input, double* output, std::size_t* winner) {
  const std::size_t outputs = s.batch * static_cast<std::size_t>(s.out.elements());
  for (std::size_t i = 0; i < outputs; ++i) winner[i] = static_cast<std::size_t>(-1);
  for_each_tap(s, [&](std::size_t out, std::size_t in) {
    if (winner[out] != static_cast<std::size_t>(-1) && input[in] <= input[winner[out]]) return;
    winner[out] = in;
    output[out] = static_cast<double>(input[in]);
  });
}

inline void max_pool_grad(const ConvShape& s, const float* grad_output, const std::size_t* winner, double* grad_input) {
  const std::size_t outputs = s.batch * static_cast<std::size_t>(s.out.elements());
  for (std::size_t i = 0; i < s.batch * static_cast<std::size_t>(s.in.elements()); ++i) grad_input[i] = 0.0;
  for (std::size_t i = 0; i < outputs; ++i) grad_input[winner[i]] += static_cast<double>(grad_output[i]);
}

/// `taps` (one per output): how many lie inside the image, or with `padding` inside the padded one, which is all.
inline void average_pool(const ConvShape& s, const float* input, double* output, std::size_t* taps,
                         bool padding = false) {
  const std::size_t outputs = s.batch * static_cast<std::size_t>(s.out.elements());
  for (std::size_t i = 0; i < outputs; ++i) output[i] = 0.0, taps[i] = 0;
  for_each_tap(s, [&](std::size_t out, std::size_t in) { output[out] += static_cast<double>(input[in]), ++taps[out]; });
  for (std::size_t i = 0; i < outputs && padding; ++i) taps[i] = std::size_t{s.window.filter_h} * s.window.filter_w;
  for (std::size_t i = 0; i < outputs; ++i) output[i] /= static_cast<double>(taps[i]);
}

inline void average_pool_grad(const ConvShape& s, const float* grad_output, const std::size_t* taps,
                              double* grad_input) {
  for (std::size_t i = 0; i < s.batch * static_cast<std::size_t>(s.in.elements()); ++i) grad_input[i] = 0.0;
  for_each_tap(s, [&](std::size_t out, std::size_t in) {
    grad_input[in] += static_cast<double>(grad_output[out]) / static_cast<double>(taps[out]);
  });
}

}  // namespace mote::reference
