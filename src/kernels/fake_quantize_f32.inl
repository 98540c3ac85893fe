// SPDX-License-Identifier: Apache-2.0
// float32 values and weights as int8 will have them, and the straight-through gradients. Relies on the SIMD facade.
#include <algorithm>
#include <cstddef>

#include "kernels/lanes.hpp"
#include "kernels/rows.hpp"
#include "mote/kernels/kernels.hpp"
#include "mote/model/int8_units.hpp"
#include "simd/simd.hpp"
#include "simd/trigonometry.hpp"

namespace mote::MOTE_KERNELS {
namespace {

/// x / scale to the nearest integer, halves away from zero, cut to low … high, times scale. Never -0; NaN passes.
MOTE_INLINE simd::F32 nearest_step(simd::F32 x, simd::F32 scale, simd::F32 low, simd::F32 high) {
  const simd::F32 steps = x / scale, size = abs(steps), even = simd::nearest(size);
  const simd::F32 tie = select(equal(size - even, simd::splat(0.5F)), simd::splat(1.0F), simd::zero());
  const simd::F32 whole = simd::bits::copy_sign(even + tie, steps);
  return (min(high, max(low, whole)) + simd::zero()) * scale;
}

/// Columns whose largest weights are on the stack together.
inline constexpr std::size_t kRoundedColumns = simd::kLanes == 1 ? 16 : 64;

}  // namespace

void round_weights_f32(const RoundWeightsArgs& args) {
  alignas(64) float scales[kRoundedColumns];
  const Part::Range share = args.part.of(args.columns, kRoundedColumns);
  for (std::size_t first = share.begin; first < share.end; first += kRoundedColumns) {
    const std::size_t columns = std::min(kRoundedColumns, share.end - first);
    const float* const from = args.weights + first;
    float* const to = args.output + first;
    for (float& scale : scales) scale = 0.0F;
    for (std::size_t k = 0; k < args.rows; ++k)
      lanes_over(columns, [&](std::size_t j, auto lanes) MOTE_LAMBDA_INLINE {
        lanes.store(scales + j, max(abs(lanes.load(from + k * args.columns + j)), lanes.load(scales + j)));
      });
    for (float& scale : scales) scale = int8_weight_scale(scale);
    const simd::F32 low = simd::splat(-127.0F), high = simd::splat(127.0F);
    for (std::size_t k = 0; k < args.rows; ++k)
      lanes_over(columns, [&](std::size_t j, auto lanes) MOTE_LAMBDA_INLINE {
        const simd::F32 scale = lanes.load(scales + j), weight = lanes.load(from + k * args.columns + j);
        const simd::F32 rounded = nearest_step(weight, scale, low, high);
        lanes.store(to + k * args.columns + j, select(less(simd::zero(), scale), rounded, simd::zero()));
      });
  }
}

void fake_quantize_f32(const FakeQuantizeArgs& args) {
  const simd::F32 scale = simd::splat(args.units.scale);
  const simd::F32 low = simd::splat(static_cast<float>(-128 - args.units.zero_point));
  const simd::F32 high = simd::splat(static_cast<float>(127 - args.units.zero_point));
  lanes_over(elements_of(args.part, args.count), [&](std::size_t i, auto lanes) MOTE_LAMBDA_INLINE {
    lanes.store(args.output + i, nearest_step(lanes.load(args.input + i), scale, low, high));
  });
}

void fake_quantize_grad_input_f32(const FakeQuantizeGradArgs& args) {
  const simd::F32 low = simd::splat(args.low), high = simd::splat(args.high);
  lanes_over(elements_of(args.part, args.count), [&](std::size_t i, auto lanes) MOTE_LAMBDA_INLINE {
    const simd::F32 x = lanes.load(args.input + i), g = lanes.load(args.grad_output + i);
    lanes.store(args.grad_input + i, select(less_equal(low, x) & less_equal(x, high), g, simd::zero()));
  });
}

void fake_quantize_grad_params_f32(const FakeQuantizeGradArgs& args) {
  const simd::F32 low = simd::splat(args.low), high = simd::splat(args.high);
  const float below = row_sum(args.count, [&](std::size_t i, auto lanes) MOTE_LAMBDA_INLINE {
    return select(less(lanes.load(args.input + i), low), lanes.load(args.grad_output + i), simd::zero());
  });
  const float above = row_sum(args.count, [&](std::size_t i, auto lanes) MOTE_LAMBDA_INLINE {
    return select(less(high, lanes.load(args.input + i)), lanes.load(args.grad_output + i), simd::zero());
  });
  args.grad_range[0] += args.scale * below;
  args.grad_range[1] += args.scale * above;
}

}  // namespace mote::MOTE_KERNELS
