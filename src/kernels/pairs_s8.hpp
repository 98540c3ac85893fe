// SPDX-License-Identifier: Apache-2.0
// dense_s8, conv2d_s8 and depthwise_conv2d_s8 on Cortex-M with DSP instructions: terms are spread to 16 bits once for
// all outputs, two pixels share the weights. Internal linkage, as accumulate_s8.hpp.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "kernels/accumulate_s8.hpp"
#include "simd/pairs.hpp"

#if MOTE_SIMD_PAIRS

namespace mote::MOTE_KERNELS {
namespace {

/// Apart, so that compilers do not begin it where it is not taken.
[[gnu::noinline, gnu::cold]] inline std::int32_t requantize_any(std::int32_t acc, std::int32_t multiplier,
                                                                std::int32_t shift) {
  return requantize(acc, QuantizedMultiplier{multiplier, shift});
}

/// Accumulators of output channels first … first + width - 1 become outputs.
[[gnu::noinline]] inline void finish_small(const std::int32_t* acc, std::size_t first, std::size_t width,
                                           const OutputStage& stage, std::int8_t* output) {
  if (stage.rounding != Rounding::twice) return finish_block<std::int8_t>(acc, first, width, stage, output);
  const std::int32_t* multiplier = stage.multipliers + first;
  const std::int8_t* shift = stage.shifts + first;
  const std::int32_t zero_point = stage.zero_point;
  const bool clamps = stage.clamp.low > -128 || stage.clamp.high < 127;
  for (const std::int32_t* const end = acc + width; acc != end;) {
    std::int32_t value = *acc++;
    const std::int32_t by = *shift++, q = *multiplier++;
    if (by < 0 && value < (1 << 30) && value >= -(1 << 30)) [[likely]] {
      value = simd::high_product_of_small(value, q);
      value = (value + (value >> 31) + static_cast<std::int32_t>((1U << -by) >> 1)) >> -by;  // halves away from zero
    } else {
      value = requantize_any(value, q, by);
    }
    value = simd::saturated_byte(value + zero_point);
    if (clamps) value = stage.clamp.clamp(value);
    *output++ = static_cast<std::int8_t>(value);
  }
}

/// Outputs begin … end - 1 of `rows` (one or two) rows. read(row, first, count): where those terms lie side by side.
template <class Read>
MOTE_INLINE void multiply_pairs(const ProductLayer& layer, std::size_t rows, std::size_t begin, std::size_t end,
                                std::int8_t* output, const Read& read) {
  constexpr std::size_t kWords = kTerms / 2;  // of a row
  alignas(8) std::int32_t x[2][kWords];
  std::int32_t sums[2] = {};
  for (std::size_t o = begin; o < end; o += kBlock) {
    const std::size_t width = std::min(kBlock, end - o);
    std::int32_t acc[2][kBlock];
    for (std::size_t r = 0; r < rows; ++r) start_block(acc[r], width, layer.bias != nullptr ? layer.bias + o : nullptr);
    for (std::size_t first = 0; first < layer.terms; first += kTerms) {
      const std::size_t count = std::min(kTerms, layer.terms - first), blocks = (count + kPack - 1) / kPack;
      if (layer.terms > kTerms || o == begin)
        for (std::size_t r = 0; r < rows; ++r) {
          const std::int8_t* const from = read(r, first, count);
          simd::spread_pairs(x[r], from, count);
          if (layer.weight_zero_point != 0 && o == begin)
            for (std::size_t k = 0; k < count; ++k) sums[r] += from[k];
        }
      const std::int8_t* weights = layer.weights + packed_index(o, first, layer.terms);
      const std::size_t group = layer.group_bytes();
      for (std::size_t j = 0; j < width; j += kPack, weights += group) {
        if (rows == 1) {
          simd::multiply_row(acc[0] + j, x[0], blocks, weights);
          continue;
        }
        simd::multiply_rows<kWords, kBlock>(acc[0] + j, x[0], blocks, weights);
        simd::multiply_rows<kWords, kBlock>(acc[0] + j + 2, x[0], blocks, weights + 2 * kPack);
      }
    }
    for (std::size_t r = 0; r < rows; ++r) {
      for (std::size_t j = 0; j < width && layer.weight_zero_point != 0; ++j)
        acc[r][j] -= layer.weight_zero_point * sums[r];
      finish_small(acc[r], o, width, layer.stage, output + r * layer.outputs + o);
    }
  }
}

}  // namespace
}  // namespace mote::MOTE_KERNELS

#endif
