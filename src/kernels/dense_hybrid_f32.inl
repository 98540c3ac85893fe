// SPDX-License-Identifier: Apache-2.0
// dense of float32 with 8-bit weights: the input is quantised row by row while the layer runs.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "kernels/accumulate_s8.hpp"
#include "kernels/rounded.hpp"

namespace mote::MOTE_KERNELS {
namespace {

struct RowScale {
  float scale = 1.0F, inverse = 0.0F;
  std::int32_t zero_point = 0;
};

/// The largest magnitude becomes 127.
MOTE_INLINE RowScale symmetric_scale(float low, float high) {
  const float range = std::max(-low, high);
  if (!(range > 0.0F)) return {};
  return {range / 127.0F, 127.0F / range, 0};
}

/// low … high, which hold 0, become -128 … 127; of the zero points that fit either end exactly, the one whose sum of
/// magnitudes is smaller, rounded.
MOTE_INLINE RowScale asymmetric_scale(float low, float high) {
  if (!(low < high)) return {};
  const double scale = (static_cast<double>(high) - static_cast<double>(low)) / 255.0;
  const double for_low = -128.0 - low / scale, for_high = 127.0 - high / scale;
  const double error_low = 128.0 - low / scale, error_high = 127.0 + high / scale;
  const double zero = error_low < error_high ? for_low : for_high;
  const auto narrow = static_cast<float>(scale);
  return {narrow, static_cast<float>(1.0 / scale), std::clamp<std::int32_t>(round_half_away(zero), -128, 127)};
}

inline RowScale quantize_row(const float* input, std::size_t count, bool asymmetric, std::int8_t* row) {
  float low = 0.0F, high = 0.0F;
  for (std::size_t k = 0; k < count; ++k) low = std::min(low, input[k]), high = std::max(high, input[k]);
  const RowScale s = asymmetric ? asymmetric_scale(low, high) : symmetric_scale(low, high);
  const std::int32_t lowest = asymmetric ? -128 : -127;
  for (std::size_t k = 0; k < count; ++k)
    row[k] = static_cast<std::int8_t>(
        std::clamp<std::int32_t>(s.zero_point + rounded(input[k] * s.inverse, false), lowest, 127));
  return s;
}

}  // namespace

void dense_hybrid_f32(const DenseHybridArgs& args) {
  for (std::size_t n = 0; n < args.batch; ++n) {
    const RowScale s = quantize_row(args.input + n * args.fan_in, args.fan_in, args.asymmetric, args.scratch);
    const std::int8_t* row = args.scratch;
    for (std::size_t o = 0; o < args.fan_out; o += kBlock) {
      const std::size_t width = std::min<std::size_t>(kBlock, args.fan_out - o);
      std::int32_t acc[kBlock];
      start_block(acc, width, nullptr);
      add_products(
          acc, width, args.fan_in, [&](std::size_t k) MOTE_LAMBDA_INLINE { return row[k] - s.zero_point; },
          args.weights + o, args.fan_out);
      for (std::size_t j = 0; j < width; ++j) {
        const float sum = static_cast<float>(acc[j]) * (s.scale * args.scales[o + j]);
        const float value = args.bias != nullptr ? args.bias[o + j] + sum : sum;
        const Clamp& c = args.clamp;
        args.output[n * args.fan_out + o + j] = value < c.low ? c.low : value > c.high ? c.high : value;
      }
    }
  }
}

}  // namespace mote::MOTE_KERNELS
