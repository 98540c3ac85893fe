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
#include "simd/packed_products.hpp"
#include "simd/rescale.hpp"
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
static_assert(kTerms % kPack == 0 && kBlock % kPack == 0 && simd::kPackSide == kPack);

/// acc[j] += sum_k x[k] w[j][k] for the outputs first … first + width - 1, first a multiple of four and room for four
/// at the end; terms `term` … term + count - 1 of `terms`, `term` a multiple of four.
template <class Element>
MOTE_INLINE void add_packed(std::int32_t* acc, std::size_t first, std::size_t width, const Element* x, std::size_t term,
                            std::size_t count, const std::int8_t* weights, std::size_t terms) {
  constexpr std::size_t kGroups = simd::PackedProducts<Element>::kGroups;
  const auto group = static_cast<std::size_t>(packed_bytes(kPack, terms));
  weights += packed_index(first, term, terms);
  std::size_t groups = (width + kPack - 1) / kPack;
  const auto add = [&](auto some) MOTE_LAMBDA_INLINE {
    simd::add_packed_groups<some>(acc, x, count, weights, group);
    acc += kPack * some, weights += some * group, groups -= some;
  };
  while (groups >= kGroups) add(std::integral_constant<std::size_t, kGroups>{});
  if constexpr (kGroups > 4)
    if (groups >= 4) add(std::integral_constant<std::size_t, 4>{});
  if constexpr (kGroups > 2)
    if (groups >= 2) add(std::integral_constant<std::size_t, 2>{});
  if constexpr (kGroups > 1)
    if (groups >= 1) add(std::integral_constant<std::size_t, 1>{});
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

/// A layer of sums of products with packed weights, for kernels that go by rows of terms.
struct ProductLayer {
  const std::int8_t* weights;
  const std::int32_t* bias;  // may be null
  OutputStage stage;
  std::size_t terms, outputs;
  std::int32_t weight_zero_point;
  [[nodiscard]] std::size_t group_bytes() const { return static_cast<std::size_t>(packed_bytes(kPack, terms)); }
};

/// output[j] = clamp(rescale(acc[j], q_j) + zero point): a loop that compilers make vectors of.
template <class Acc, class Output, class Rescale>
MOTE_INLINE void rescale_block(const Acc* acc, std::size_t first, std::size_t width, const OutputStage& stage,
                               Output* output, const Rescale& rescale) {
  const std::int32_t* const multipliers = stage.multipliers + first;
  const std::int8_t* const shifts = stage.shifts + first;
  const std::int32_t zero_point = stage.zero_point, low = stage.clamp.low, high = stage.clamp.high;
  std::int32_t values[kBlock];  // which no pointer reaches: the loop need not ask whether the output is an input
  for (std::size_t j = 0; j < width; ++j) {
    const std::int32_t value = rescale(acc[j], QuantizedMultiplier{multipliers[j], shifts[j]}) + zero_point;
    values[j] = value < low ? low : value > high ? high : value;
  }
  for (std::size_t j = 0; j < width; ++j) output[j] = static_cast<Output>(values[j]);
}

/// Accumulators of the output channels from `first` on become outputs.
template <class Element, class Output>
MOTE_INLINE void finish_block(const Accumulator<Element>* acc, std::size_t first, std::size_t width,
                              const OutputStage& stage, Output* output) {
  const auto twice = [](auto sum, QuantizedMultiplier q)
                         MOTE_LAMBDA_INLINE { return requantize(static_cast<std::int32_t>(sum), q); };
  const auto once = [](auto sum, QuantizedMultiplier q)
                        MOTE_LAMBDA_INLINE { return requantize_once(static_cast<std::int32_t>(sum), q); };
  const auto wide = [](auto sum, QuantizedMultiplier q) MOTE_LAMBDA_INLINE { return requantize_wide(sum, q); };
  if (sizeof(Element) != 1 && !stage.narrow) return rescale_block(acc, first, width, stage, output, wide);
  if (stage.rounding == Rounding::once) return rescale_block(acc, first, width, stage, output, once);
#if MOTE_SIMD_WORDS
  if constexpr (sizeof(Element) == 1 && sizeof(Output) == 1) {
    const simd::OutputRange range{stage.zero_point, stage.clamp.low, stage.clamp.high};
    for (std::size_t j = 0; j < width; j += simd::kWords) {
      const std::size_t c = first + j, n = std::min(simd::kWords, width - j);
      const simd::Rescaler rescaler(stage.multipliers + c, stage.shifts + c, n, range);
      rescaler.store(output + j, rescaler.of(simd::load_words(acc + j, n)));
    }
    return;
  }
#endif
  rescale_block(acc, first, width, stage, output, twice);
}

}  // namespace
}  // namespace mote::MOTE_KERNELS
