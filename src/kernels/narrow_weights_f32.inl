// SPDX-License-Identifier: Apache-2.0
// Weights that are stored as int8 or float16 and computed with in float32: all of a layer's for the kernel that
// follows, or piece by piece on the stack for a dense layer.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "kernels/kernel_namespace.hpp"
#include "kernels/lanes.hpp"
#include "mote/kernels/kernels.hpp"
#include "mote/model/float16.hpp"
#include "simd/simd.hpp"

namespace mote::MOTE_KERNELS {
namespace {

/// `count` neighbouring weights from number `first` on, of columns from `column` on.
inline void widen_run(const NarrowWeights& weights, std::size_t first, std::size_t column, std::size_t count,
                      float* output) {
  if (weights.type == DType::s8) {
    const auto* const from = reinterpret_cast<const std::int8_t*>(weights.values) + first;
    const float* const scales = weights.scales + column;
    for (std::size_t j = 0; j < count; ++j) output[j] = scales[j] * static_cast<float>(from[j]);
  } else {
    const auto* const from = reinterpret_cast<const std::uint16_t*>(weights.values) + first;
    for (std::size_t j = 0; j < count; ++j) output[j] = detail::half_value(from[j]);
  }
}

/// A piece of the weights as it lies on the stack: 8 KB, 1 KB on machines without vectors.
inline constexpr std::size_t kPieceColumns = simd::kLanes == 1 ? 16 : 64, kPieceRows = simd::kLanes == 1 ? 16 : 32;

/// output[j] += sum_k x[k] piece[k, j], k < rows, in this order.
inline void add_piece(const float* x, std::size_t rows, const float* piece, std::size_t columns, float* output) {
  lanes_over(columns, [&](std::size_t j, auto lanes) MOTE_LAMBDA_INLINE {
    simd::F32 sum = lanes.load(output + j);
    for (std::size_t k = 0; k < rows; ++k)
      sum = simd::mul_add(simd::splat(x[k]), lanes.load(piece + k * kPieceColumns + j), sum);
    lanes.store(output + j, sum);
  });
}

}  // namespace

void widen_weights_f32(const WidenWeightsArgs& args) {
  const Part::Range rows = args.part.of(args.rows);
  for (std::size_t i = rows.begin; i < rows.end; ++i)
    widen_run(args.weights, i * args.columns, 0, args.columns, args.output + i * args.columns);
}

void dense_narrow_f32(const DenseNarrowArgs& args) {
  alignas(64) float piece[kPieceRows * kPieceColumns];
  const std::size_t fan_out = args.fan_out;
  const Part::Range share = args.part.of(fan_out, kPieceColumns);
  for (std::size_t first = share.begin; first < share.end; first += kPieceColumns) {
    const std::size_t columns = std::min(kPieceColumns, share.end - first);
    for (std::size_t n = 0; n < args.batch; ++n)
      for (std::size_t j = first; j < first + columns; ++j)
        args.output[n * fan_out + j] = args.bias != nullptr ? args.bias[j] : 0.0F;
    for (std::size_t k = 0; k < args.fan_in; k += kPieceRows) {
      const std::size_t rows = std::min<std::size_t>(kPieceRows, args.fan_in - k);
      for (std::size_t i = 0; i < rows; ++i)
        widen_run(args.weights, (k + i) * fan_out + first, first, columns, piece + i * kPieceColumns);
      for (std::size_t n = 0; n < args.batch; ++n)
        add_piece(args.input + n * args.fan_in + k, rows, piece, columns, args.output + n * fan_out + first);
    }
    if (!args.clamp.any()) continue;
    const simd::F32 low = simd::splat(args.clamp.low), high = simd::splat(args.clamp.high);
    for (std::size_t n = 0; n < args.batch; ++n) {
      float* const row = args.output + n * fan_out + first;
      lanes_over(columns, [&](std::size_t j, auto lanes)
                              MOTE_LAMBDA_INLINE { lanes.store(row + j, min(high, max(low, lanes.load(row + j)))); });
    }
  }
}

}  // namespace mote::MOTE_KERNELS
