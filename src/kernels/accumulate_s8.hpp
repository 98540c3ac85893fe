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
#include "mote/model/packed_weights.hpp"
#include "simd/simd.hpp"

namespace mote::MOTE_KERNELS {
namespace {

inline constexpr std::size_t kBlock = 32;  // accumulators: eight vectors of 128 bits

/// 64 bits where s16 times s8 is summed: 32 would hold 512 terms.
template <class Element>
using Accumulator = std::conditional_t<sizeof(Element) == 1, std::int32_t, std::int64_t>;

/// The first `width` accumulators begin with the bias and what all of them begin with; up to a multiple of four there
/// are zeros behind them.
template <class Acc>
MOTE_INLINE void start_block(Acc* acc, std::size_t width, const std::int32_t* bias, std::int32_t all = 0) {
  for (std::size_t j = 0; j < width; ++j) acc[j] = (bias != nullptr ? bias[j] : 0) + all;
  for (std::size_t j = width; j % kPack != 0; ++j) acc[j] = 0;
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

/// Terms whose products of 16 and 8 bits may be summed in 32 bits, and how much of a window is gathered at a time.
inline constexpr std::size_t kTerms = 256;
static_assert(kTerms % kPack == 0 && kBlock % kPack == 0);

/// acc[j] += sum_k x[k] w[j][k] for four outputs, k < count; `weights`: those of the four from the first term on.
template <class Element>
MOTE_INLINE void add_packed_four(std::int32_t* acc, const Element* x, std::size_t count, const std::int8_t* weights) {
  constexpr std::size_t kPair = kPack * kPack;
  const std::size_t whole = count / kPack * kPack;
  if constexpr (simd::kLanes == 1) {
    for (std::size_t k = 0; k < whole; k += kPack, weights += kPair)
      for (std::size_t j = 0; j < kPack; ++j)
        acc[j] += x[k] * weights[kPack * j] + x[k + 1] * weights[kPack * j + 1] + x[k + 2] * weights[kPack * j + 2] +
                  x[k + 3] * weights[kPack * j + 3];
  } else {  // sixteen products side by side, which compilers make vectors of
    std::int32_t products[kPair] = {};
    for (std::size_t k = 0; k < whole; k += kPack, weights += kPair)
      for (std::size_t l = 0; l < kPair; ++l) products[l] += std::int32_t{x[k + l % kPack]} * weights[l];
    for (std::size_t l = 0; l < kPair; ++l) acc[l / kPack] += products[l];
  }
  for (std::size_t k = whole; k < count; ++k)
    for (std::size_t j = 0; j < kPack; ++j) acc[j] += x[k] * weights[kPack * j + k - whole];
}
/// The same for the outputs first … first + width - 1, first a multiple of four and room for four at the end; terms
/// `term` … term + count - 1 of `terms`, `term` a multiple of four.
template <class Element>
MOTE_INLINE void add_packed(std::int32_t* acc, std::size_t first, std::size_t width, const Element* x, std::size_t term,
                            std::size_t count, const std::int8_t* weights, std::size_t terms) {
  weights += packed_index(first, term, terms);
  for (std::size_t j = 0; j < width; j += kPack, weights += packed_bytes(kPack, terms))
    add_packed_four(acc + j, x, count, weights);
}
/// 64 bits: at most kTerms terms in 32 first.
template <class Element>
MOTE_INLINE void add_packed(std::int64_t* acc, std::size_t first, std::size_t width, const Element* x, std::size_t term,
                            std::size_t count, const std::int8_t* weights, std::size_t terms) {
  for (std::size_t k = 0; k < count; k += kTerms) {
    std::int32_t part[kBlock] = {};
    add_packed(part, first, width, x + k, term + k, std::min(kTerms, count - k), weights, terms);
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
