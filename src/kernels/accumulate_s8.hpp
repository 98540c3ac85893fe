// SPDX-License-Identifier: Apache-2.0
// What dense, conv2d and depthwise_conv2d of quantised networks share: a block of output channels' accumulators, the
// sums into them, and their way out. Exact integers: any order gives the same bytes. Internal linkage: it is compiled
// once per instruction set.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "kernels/kernel_namespace.hpp"
#include "mote/kernels/kernels.hpp"
#include "simd/simd.hpp"

namespace mote::MOTE_KERNELS {
namespace {

inline constexpr std::size_t kBlock = 32;  // accumulators: eight vectors of 128 bits

/// 64 bits where s16 times s8 is summed: 32 would hold 512 terms.
template <class Element>
using Accumulator = std::conditional_t<sizeof(Element) == 1, std::int32_t, std::int64_t>;

/// The first `width` accumulators begin with the bias and what all of them begin with.
template <class Acc>
MOTE_INLINE void start_block(Acc* acc, std::size_t width, const std::int32_t* bias, std::int32_t all = 0) {
  for (std::size_t j = 0; j < width; ++j) acc[j] = (bias != nullptr ? bias[j] : 0) + all;
}

/// acc[j] += sum_k term(k) weights[k stride + j], k < depth; kWidth 0: `width` is not known to the compiler.
template <std::size_t kWidth, class Term>
MOTE_INLINE void add_products_of(std::int32_t* acc, std::size_t width, std::size_t depth, const Term& term,
                                 const std::int8_t* weights, std::size_t stride) {
  const std::size_t count = kWidth != 0 ? kWidth : width;
  for (std::size_t k = 0; k < depth; ++k, weights += stride) {
    const std::int32_t x = term(k);
    for (std::size_t j = 0; j < count; ++j) acc[j] += x * weights[j];
  }
}
template <class Term>
MOTE_INLINE void add_products(std::int32_t* acc, std::size_t width, std::size_t depth, const Term& term,
                              const std::int8_t* weights, std::size_t stride) {
  if (width == kBlock) return add_products_of<kBlock>(acc, width, depth, term, weights, stride);
  add_products_of<0>(acc, width, depth, term, weights, stride);
}
/// 64 bits: 256 terms at a time in 32.
template <class Term>
MOTE_INLINE void add_products(std::int64_t* acc, std::size_t width, std::size_t depth, const Term& term,
                              const std::int8_t* weights, std::size_t stride) {
  constexpr std::size_t kTerms = 256;
  for (std::size_t first = 0; first < depth; first += kTerms) {
    std::int32_t part[kBlock] = {};
    add_products(
        part, width, std::min(kTerms, depth - first), [&](std::size_t k) MOTE_LAMBDA_INLINE { return term(first + k); },
        weights + first * stride, stride);
    for (std::size_t j = 0; j < width; ++j) acc[j] += part[j];
  }
}

/// Accumulators of the output channels from `first` on become outputs.
template <class Element, class Output>
MOTE_INLINE void finish_block(const Accumulator<Element>* acc, std::size_t first, std::size_t width,
                              const OutputStage& stage, Output* output) {
  for (std::size_t j = 0; j < width; ++j) {
    const QuantizedMultiplier q{stage.multipliers[first + j], stage.shifts[first + j]};
    std::int32_t value = 0;
    if constexpr (sizeof(Element) == 1)
      value = requantize(acc[j], q, stage.rounding);
    else
      value =
          stage.narrow ? requantize(static_cast<std::int32_t>(acc[j]), q, stage.rounding) : requantize_wide(acc[j], q);
    output[j] = static_cast<Output>(stage.clamp.clamp(value + stage.zero_point));
  }
}

}  // namespace
}  // namespace mote::MOTE_KERNELS
