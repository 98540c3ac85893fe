// SPDX-License-Identifier: Apache-2.0
// Softmax and its full Jacobian, row by row. The sums run over 16 virtual lanes, so the bits are the same everywhere.
// The loss kernels fuse their own softmax (loss_f32.inl).
#include <cstddef>

#include "kernels/rows.hpp"
#include "mote/kernels/kernels.hpp"
#include "simd/scalar.hpp"
#include "simd/simd.hpp"

namespace mote::MOTE_KERNELS {

void softmax_f32(const SoftmaxArgs& args) {
  const std::size_t channels = args.channels;
  for (std::size_t row = 0; row < args.rows; ++row) {
    const float* input = args.input + row * channels;
    float* output = args.output + row * channels;
    const simd::F32 largest = simd::splat(row_max(input, channels));
    const float total = row_sum(channels, [&](std::size_t at, auto lanes) MOTE_LAMBDA_INLINE {
      const simd::F32 power = simd::exp(lanes.load(input + at) - largest);
      lanes.store(output + at, power);
      return power;
    });
    const simd::F32 inverse = simd::splat(1.0F / total);
    lanes_over(channels, [&](std::size_t at, auto lanes)
                             MOTE_LAMBDA_INLINE { lanes.store(output + at, lanes.load(output + at) * inverse); });
  }
}

void softmax_grad_f32(const SoftmaxGradArgs& args) {
  const std::size_t channels = args.channels;
  for (std::size_t row = 0; row < args.rows; ++row) {
    const float* output = args.output + row * channels;
    const float* grad_output = args.grad_output + row * channels;
    float* grad_input = args.grad_input + row * channels;
    const simd::F32 product = simd::splat(row_sum(channels, [&](std::size_t at, auto lanes) MOTE_LAMBDA_INLINE {
      return lanes.load(output + at) * lanes.load(grad_output + at);
    }));
    lanes_over(channels, [&](std::size_t at, auto lanes) MOTE_LAMBDA_INLINE {
      lanes.store(grad_input + at, lanes.load(output + at) * (lanes.load(grad_output + at) - product));
    });
  }
}

}  // namespace mote::MOTE_KERNELS
