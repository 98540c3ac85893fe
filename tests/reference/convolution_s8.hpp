// SPDX-License-Identifier: Apache-2.0
// Dense layers and convolutions of quantised networks as TensorFlow Lite states them: sums of weight times (input -
// zero point) over the taps inside the image, plus the bias that the file has, in 64 bits.
#pragma once

#include <cstddef>
#include <cstdint>

#include "mote/kernels/kernels.hpp"
#include "reference/conv.hpp"
#include "reference/fixed_point.hpp"

namespace mote::reference {

/// An output of channel c from its sum.
template <class Element>
std::int64_t staged(std::int64_t sum, std::size_t c, const OutputStage& stage) {
  const QuantizedMultiplier q{stage.multipliers[c], stage.shifts[c]};
  const bool wide = sizeof(Element) == 2 && !stage.narrow;
  const std::int64_t value = wide                                ? requantize_16_bits(sum, q)
                             : stage.rounding == Rounding::twice ? requantize_twice(sum, q)
                                                                 : requantize_at_once(sum, q);
  return clamp(value + stage.zero_point, stage.clamp.low, stage.clamp.high);
}

/// `bias` as the file has it, before anything is folded in; weights of dense (fan_in, fan_out), of conv2d (filter_h,
/// filter_w, in_c, out_c), not packed.
template <class Element>
std::int64_t dense_quantized(const QuantizedDenseArgs<Element>& args, const std::int32_t* bias, std::int32_t zero_point,
                             std::size_t row, std::size_t unit) {
  std::int64_t sum = bias[unit];
  for (std::size_t k = 0; k < args.fan_in; ++k)
    sum += (std::int64_t{args.input[row * args.fan_in + k]} - zero_point) *
           (args.weights[k * args.fan_out + unit] - args.weight_zero_point);
  return staged<Element>(sum, unit, args.stage);
}

template <class Element>
std::int64_t conv2d_quantized(const QuantizedConvArgs<Element>& args, const std::int32_t* bias, const At& out) {
  const ConvShape& s = args.shape;
  const std::size_t depth = s.in.c;
  std::int64_t sum = bias[out.c];
  for (std::size_t i = 0; i < s.window.filter_h; ++i)
    for (std::size_t j = 0; j < s.window.filter_w; ++j) {
      std::size_t row = 0, column = 0;
      if (!meets(s, out.y, out.x, i, j, row, column)) continue;
      for (std::size_t c = 0; c < depth; ++c)
        sum += (std::int64_t{args.input[index(s.in, {out.n, row, column, c})]} - args.input_zero_point) *
               (args.weights[(tap(s, i, j) * depth + c) * s.out.c + out.c] - args.weight_zero_point);
    }
  return staged<Element>(sum, out.c, args.stage);
}

template <class Element>
std::int64_t depthwise_quantized(const QuantizedConvArgs<Element>& args, const std::int32_t* bias, const At& out) {
  const ConvShape& s = args.shape;
  std::int64_t sum = bias[out.c];
  for (std::size_t i = 0; i < s.window.filter_h; ++i)
    for (std::size_t j = 0; j < s.window.filter_w; ++j) {
      std::size_t row = 0, column = 0;
      if (!meets(s, out.y, out.x, i, j, row, column)) continue;
      sum +=
          (std::int64_t{args.input[index(s.in, {out.n, row, column, out.c / multiplier(s)})]} - args.input_zero_point) *
          (args.weights[tap(s, i, j) * s.out.c + out.c] - args.weight_zero_point);
    }
  return staged<Element>(sum, out.c, args.stage);
}

/// Every input pixel and tap, whichever reach the output pixel.
template <class Element>
std::int64_t conv2d_transpose_quantized(const QuantizedConvArgs<Element>& args, const std::int32_t* bias,
                                        const At& out) {
  const ConvShape& s = args.shape;
  const Window& w = s.window;
  std::int64_t sum = bias[out.c];
  for (std::size_t y = 0; y < s.in.h; ++y)
    for (std::size_t x = 0; x < s.in.w; ++x)
      for (std::size_t i = 0; i < w.filter_h; ++i)
        for (std::size_t j = 0; j < w.filter_w; ++j) {
          if (y * w.stride_h + i != out.y + w.pad_top || x * w.stride_w + j != out.x + w.pad_left) continue;
          for (std::size_t c = 0; c < s.in.c; ++c)
            sum += (std::int64_t{args.input[index(s.in, {out.n, y, x, c})]} - args.input_zero_point) *
                   args.weights[(tap(s, i, j) * s.out.c + out.c) * s.in.c + c];
        }
  return staged<Element>(sum, out.c, args.stage);
}

}  // namespace mote::reference
