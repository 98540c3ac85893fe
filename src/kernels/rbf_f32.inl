// SPDX-License-Identifier: Apache-2.0
// Gaussian radial basis layer: forward, gradient of the input, gradients of centres and log widths.
// With lambda_j = exp(log_width[j]) and d2 = sum_k (x_k - centre_kj)^2: y_j = exp(-d2 / (2 lambda_j)),
//   dy/dx_k = -dy/dcentre_kj = y (centre_kj - x_k) / lambda_j,   dy/dlog_width_j = y d2 / (2 lambda_j).
// Distances are always taken by differences: x^2 - 2 x c + c^2 would cancel where units are most active.
#include <cstddef>
#include <cstdint>

#include "kernels/lanes.hpp"
#include "kernels/tile_f32.hpp"
#include "mote/kernels/kernels.hpp"
#include "simd/simd.hpp"

namespace mote::MOTE_KERNELS {
namespace {

inline constexpr std::size_t kRbfRows = 4;    // samples in one pass over the centres: four chains hide fma's latency
inline constexpr std::size_t kRbfUnits = 64;  // units whose weights the gradient of the input keeps on the stack

/// d2 of kRows samples for one vector of units; k in order.
template <std::size_t kRows, class Lanes>
MOTE_INLINE void rbf_square_distances(const float* input, const float* centres, std::size_t fan_in, std::size_t units,
                                      Lanes lanes, simd::F32 (&out)[kRows]) {
  unroll<kRows>([&](auto r) MOTE_UNROLLED { out[r] = simd::zero(); });
  for (std::size_t k = 0; k < fan_in; ++k) {
    const simd::F32 centre = lanes.load(centres + k * units);
    unroll<kRows>([&](auto r) MOTE_UNROLLED {
      const simd::F32 distance = simd::splat(input[r * fan_in + k]) - centre;
      out[r] = simd::mul_add(distance, distance, out[r]);
    });
  }
}

template <std::size_t kRows, class Lanes>
inline void rbf_rows(const RbfArgs& args, std::size_t row, std::size_t j, simd::F32 factor, Lanes lanes) {
  simd::F32 square[kRows];
  rbf_square_distances<kRows>(args.input + row * args.fan_in, args.centres + j, args.fan_in, args.units, lanes, square);
  unroll<kRows>([&](auto r) MOTE_UNROLLED {
    lanes.store(args.output + (row + r) * args.units + j, simd::exp(square[r] * factor));
  });
}

/// Adds the terms of kRows samples, in order, to the sum of grad_output y d2 of one vector of units. Where d2 leaves
/// float32 y is 0, and so is the term: d2 must be finite for that, and NaN stays.
template <std::size_t kRows, class Lanes>
inline simd::F32 rbf_width_sum(const RbfGradArgs& args, std::size_t row, std::size_t j, simd::F32 sum, Lanes lanes) {
  simd::F32 square[kRows];
  rbf_square_distances<kRows>(args.input + row * args.fan_in, args.centres + j, args.fan_in, args.units, lanes, square);
  const simd::F32 largest = simd::splat(0x1.FFFFFEp+127F);
  unroll<kRows>([&](auto r) MOTE_UNROLLED {
    const std::size_t at = (row + r) * args.units + j;
    const simd::F32 weight = lanes.load(args.grad_output + at) * lanes.load(args.output + at);
    sum = simd::mul_add(weight, simd::min(largest, square[r]), sum);
  });
  return sum;
}

/// grad_centres of kInputs inputs k … and one vector of units: sums over the samples in order.
template <std::size_t kInputs, class Lanes>
inline void rbf_grad_centres(const RbfGradArgs& args, std::size_t k, std::size_t j, simd::F32 factor, Lanes lanes) {
  simd::F32 centre[kInputs], sum[kInputs];
  unroll<kInputs>([&](auto i) MOTE_UNROLLED {
    centre[i] = lanes.load(args.centres + (k + i) * args.units + j);
    sum[i] = simd::zero();
  });
  for (std::uint32_t r = 0; r < args.batch; ++r) {
    const std::size_t at = std::size_t{r} * args.units + j;
    const simd::F32 weight = lanes.load(args.grad_output + at) * lanes.load(args.output + at);
    const float* input = args.input + std::size_t{r} * args.fan_in + k;
    unroll<kInputs>([&](auto i) MOTE_UNROLLED {
      const simd::F32 distance = simd::splat(input[i]) - centre[i];
      sum[i] = simd::mul_add(weight, distance, sum[i]);
    });
  }
  unroll<kInputs>([&](auto i) MOTE_UNROLLED {
    float* to = args.grad_centres + (k + i) * args.units + j;
    lanes.store(to, simd::mul_add(factor, sum[i], lanes.load(to)));
  });
}

}  // namespace

void rbf_f32(const RbfArgs& args) {
  lanes_over(args.units, [&](std::size_t j, auto lanes) {
    const simd::F32 factor = simd::splat(-0.5F) * simd::exp(-lanes.load(args.log_width + j));
    std::size_t row = 0;
    for (; row + kRbfRows <= args.batch; row += kRbfRows) rbf_rows<kRbfRows>(args, row, j, factor, lanes);
    for (; row < args.batch; ++row) rbf_rows<1>(args, row, j, factor, lanes);
  });
}

/// Sums over the units in 16 virtual lanes, 64 units at a time.
void rbf_grad_input_f32(const RbfGradArgs& args) {
  for (std::uint32_t r = 0; r < args.batch; ++r) {
    const float* input = args.input + std::size_t{r} * args.fan_in;
    float* grad_input = args.grad_input + std::size_t{r} * args.fan_in;
    for (std::size_t first = 0; first < args.units; first += kRbfUnits) {
      const std::size_t count = args.units - first < kRbfUnits ? args.units - first : kRbfUnits;
      const std::size_t at = std::size_t{r} * args.units + first;
      float weights[kRbfUnits];  // grad_output y / lambda
      lanes_over(count, [&](std::size_t j, auto lanes) {
        const simd::F32 product = lanes.load(args.grad_output + at + j) * lanes.load(args.output + at + j);
        lanes.store(weights + j, product * simd::exp(-lanes.load(args.log_width + first + j)));
      });
      for (std::size_t k = 0; k < args.fan_in; ++k) {
        const float* centres = args.centres + k * args.units + first;
        const simd::F32x16 x = simd::splat16(input[k]);
        simd::F32x16 sums = simd::zero16();
        std::size_t j = 0;
        for (; j + 16 <= count; j += 16)
          sums = simd::mul_add(simd::load16(weights + j), simd::load16(centres + j) - x, sums);
        if (j < count) {  // a weight of 0 silences the missing lanes
          const simd::F32x16 distance = simd::load16_partial(centres + j, count - j) - x;
          sums = simd::mul_add(simd::load16_partial(weights + j, count - j), distance, sums);
        }
        const float sum = simd::sum(sums);
        grad_input[k] = first == 0 ? sum : grad_input[k] + sum;
      }
    }
  }
}

void rbf_grad_params_f32(const RbfGradArgs& args) {
  lanes_over(args.units, [&](std::size_t j, auto lanes) {
    const simd::F32 factor = simd::splat(args.scale) * simd::exp(-lanes.load(args.log_width + j));  // scale / lambda
    simd::F32 sum = simd::zero();
    std::size_t row = 0;
    for (; row + kRbfRows <= args.batch; row += kRbfRows) sum = rbf_width_sum<kRbfRows>(args, row, j, sum, lanes);
    for (; row < args.batch; ++row) sum = rbf_width_sum<1>(args, row, j, sum, lanes);
    float* grad_log_width = args.grad_log_width + j;
    lanes.store(grad_log_width, simd::mul_add(simd::splat(0.5F) * factor, sum, lanes.load(grad_log_width)));
    std::size_t k = 0;
    for (; k + 4 <= args.fan_in; k += 4) rbf_grad_centres<4>(args, k, j, factor, lanes);
    for (; k < args.fan_in; ++k) rbf_grad_centres<1>(args, k, j, factor, lanes);
  });
}

}  // namespace mote::MOTE_KERNELS
