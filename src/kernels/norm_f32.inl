// SPDX-License-Identifier: Apache-2.0
// Normalisation of rows: by mean and variance, by the root of the mean square, to length one, and by the neighbouring
// channels. Sums of rows in 16 virtual lanes.
#include <algorithm>
#include <cstddef>

#include "kernels/rows.hpp"
#include "mote/kernels/kernels.hpp"
#include "simd/power.hpp"
#include "simd/scalar.hpp"
#include "simd/simd.hpp"

namespace mote::MOTE_KERNELS {
namespace {

/// What a row is shifted and scaled by: x_hat = (x - shift) scale.
struct RowScale {
  float shift, scale;
  template <class Lanes>
  MOTE_INLINE simd::F32 apply(const float* x, Lanes lanes) const {
    return (lanes.load(x) - simd::splat(shift)) * simd::splat(scale);
  }
};

MOTE_INLINE float sum_of_squares(const float* x, std::size_t count, float shift) {
  const simd::F32 centre = simd::splat(shift);
  return row_sum(count, [&](std::size_t at, auto lanes) MOTE_LAMBDA_INLINE {
    const simd::F32 d = lanes.load(x + at) - centre;
    return d * d;
  });
}

template <bool kCentred>
inline RowScale row_scale(const float* x, std::size_t count, float epsilon) {
  const auto terms = static_cast<float>(count);
  float mean = 0.0F;
  if constexpr (kCentred)
    mean = row_sum(count, [&](std::size_t at, auto lanes) MOTE_LAMBDA_INLINE { return lanes.load(x + at); }) / terms;
  return {mean, 1.0F / simd::scalar_sqrt(sum_of_squares(x, count, mean) / terms + epsilon)};
}

template <bool kCentred>
inline void normalize_rows(const NormArgs& args) {
  const std::size_t channels = args.channels;
  const Part::Range share = args.part.of(args.rows);
  for (std::size_t row = share.begin; row < share.end; ++row) {
    const float* x = args.input + row * channels;
    float* y = args.output + row * channels;
    const RowScale scale = row_scale<kCentred>(x, channels, args.epsilon);
    lanes_over(channels, [&](std::size_t c, auto lanes) MOTE_LAMBDA_INLINE {
      simd::F32 value = scale.apply(x + c, lanes);
      if (args.gamma != nullptr) value = value * lanes.load(args.gamma + c);
      if (args.beta != nullptr) value = value + lanes.load(args.beta + c);
      lanes.store(y + c, value);
    });
  }
}

/// scale (g - mean of g - x_hat mean of g x_hat) with g = grad_output gamma; the first mean where rows are centred.
template <bool kCentred>
inline void normalize_rows_gradient(const NormGradArgs& args) {
  const std::size_t channels = args.channels;
  const auto terms = static_cast<float>(channels);
  const Part::Range share = args.part.of(args.rows);
  for (std::size_t row = share.begin; row < share.end; ++row) {
    const float *x = args.input + row * channels, *grad_output = args.grad_output + row * channels;
    float* to = args.grad_input + row * channels;
    const RowScale scale = row_scale<kCentred>(x, channels, args.epsilon);
    const auto gradient = [&](std::size_t c, auto lanes) MOTE_LAMBDA_INLINE {
      const simd::F32 g = lanes.load(grad_output + c);
      return args.gamma != nullptr ? g * lanes.load(args.gamma + c) : g;
    };
    simd::F32 mean = simd::zero();
    if constexpr (kCentred) mean = simd::splat(row_sum(channels, gradient) / terms);
    const simd::F32 product = simd::splat(
        row_sum(channels, [&](std::size_t c, auto lanes)
                              MOTE_LAMBDA_INLINE { return gradient(c, lanes) * scale.apply(x + c, lanes); }) /
        terms);
    lanes_over(channels, [&](std::size_t c, auto lanes) MOTE_LAMBDA_INLINE {
      const simd::F32 inner = neg_mul_add(scale.apply(x + c, lanes), product, gradient(c, lanes) - mean);
      lanes.store(to + c, simd::splat(scale.scale) * inner);
    });
  }
}

template <bool kCentred>
inline void norm_params_gradient(const NormGradArgs& args) {
  const std::size_t channels = args.channels;
  const simd::F32 factor = simd::splat(args.scale);
  for (std::size_t row = 0; row < args.rows; ++row) {
    const float *x = args.input + row * channels, *grad_output = args.grad_output + row * channels;
    const RowScale scale = row_scale<kCentred>(x, channels, args.epsilon);
    lanes_over(channels, [&](std::size_t c, auto lanes) MOTE_LAMBDA_INLINE {
      const simd::F32 g = factor * lanes.load(grad_output + c);
      if (args.grad_gamma != nullptr)
        lanes.store(args.grad_gamma + c, mul_add(g, scale.apply(x + c, lanes), lanes.load(args.grad_gamma + c)));
      if (args.grad_beta != nullptr) lanes.store(args.grad_beta + c, lanes.load(args.grad_beta + c) + g);
    });
  }
}

/// bias + alpha times the sum of squares of the channels around c … , the same terms in the same order in every lane.
template <class Args>
MOTE_INLINE simd::F32 lrn_divisor(const Args& args, const float* row, std::size_t c) {
  const std::size_t channels = args.channels, last = c + simd::kLanes - 1 + args.after;
  simd::F32 sum = simd::zero();
  if (c >= args.before && last < channels) {
    for (std::size_t at = c - args.before; at <= c + args.after; ++at) {
      const simd::F32 x = simd::load(row + at);
      sum = mul_add(x, x, sum);
    }
  } else {
    float sums[simd::kLanes] = {};
    for (std::size_t l = 0; l < simd::kLanes && c + l < channels; ++l) {
      const std::size_t here = c + l, begin = here < args.before ? 0 : here - args.before;
      for (std::size_t at = begin; at < std::min<std::size_t>(here + args.after + 1, channels); ++at)
        sums[l] = simd::scalar_mul_add(row[at], row[at], sums[l]);
    }
    sum = simd::load(sums);
  }
  return mul_add(simd::splat(args.alpha), sum, simd::splat(args.bias));
}

}  // namespace

void layer_norm_f32(const NormArgs& args) { normalize_rows<true>(args); }
void layer_norm_grad_input_f32(const NormGradArgs& args) { normalize_rows_gradient<true>(args); }
void layer_norm_grad_params_f32(const NormGradArgs& args) { norm_params_gradient<true>(args); }
void rms_norm_f32(const NormArgs& args) { normalize_rows<false>(args); }
void rms_norm_grad_input_f32(const NormGradArgs& args) { normalize_rows_gradient<false>(args); }
void rms_norm_grad_params_f32(const NormGradArgs& args) { norm_params_gradient<false>(args); }

void l2_norm_f32(const NormArgs& args) {
  const std::size_t channels = args.channels;
  const Part::Range share = args.part.of(args.rows);
  for (std::size_t row = share.begin; row < share.end; ++row) {
    const float* x = args.input + row * channels;
    float* y = args.output + row * channels;
    const float norm = simd::scalar_sqrt(sum_of_squares(x, channels, 0.0F));
    const simd::F32 divisor = simd::splat(norm > args.epsilon || norm != norm ? norm : args.epsilon);
    lanes_over(channels,
               [&](std::size_t c, auto lanes) MOTE_LAMBDA_INLINE { lanes.store(y + c, lanes.load(x + c) / divisor); });
  }
}

/// (g - y <g, y>) / norm, or g / epsilon where the norm is not above it.
void l2_norm_grad_input_f32(const NormGradArgs& args) {
  const std::size_t channels = args.channels;
  const Part::Range share = args.part.of(args.rows);
  for (std::size_t row = share.begin; row < share.end; ++row) {
    const float *x = args.input + row * channels, *g = args.grad_output + row * channels;
    float* to = args.grad_input + row * channels;
    const float norm = simd::scalar_sqrt(sum_of_squares(x, channels, 0.0F));
    const bool above = norm > args.epsilon;
    const simd::F32 inverse = simd::splat(1.0F / (above ? norm : args.epsilon));
    const float product = row_sum(channels, [&](std::size_t c, auto lanes) MOTE_LAMBDA_INLINE {
      return lanes.load(g + c) * (lanes.load(x + c) * inverse);
    });
    const simd::F32 along = simd::splat(above ? product : 0.0F);
    lanes_over(channels, [&](std::size_t c, auto lanes) MOTE_LAMBDA_INLINE {
      lanes.store(to + c, neg_mul_add(lanes.load(x + c) * inverse, along, lanes.load(g + c)) * inverse);
    });
  }
}

void lrn_f32(const LrnArgs& args) {
  const std::size_t channels = args.channels;
  const simd::F32 power = simd::splat(-args.beta);
  const Part::Range share = args.part.of(args.rows);
  for (std::size_t row = share.begin; row < share.end; ++row) {
    const float* x = args.input + row * channels;
    float* y = args.output + row * channels;
    lanes_over(channels, [&](std::size_t c, auto lanes) {
      lanes.store(y + c, lanes.load(x + c) * simd::pow(lrn_divisor(args, x, c), power));
    });
  }
}

/// grad_output d^-beta - 2 alpha beta x sum of t over the channels whose sums contain this one, t = grad_output x
/// d^(-beta - 1).
void lrn_grad_f32(const LrnGradArgs& args) {
  const std::size_t channels = args.channels;
  float *direct = args.scratch, *through = args.scratch + channels;
  const simd::F32 power = simd::splat(-args.beta), factor = simd::splat(2.0F * args.alpha * args.beta);
  for (std::size_t row = 0; row < args.rows; ++row) {
    const float *x = args.input + row * channels, *g = args.grad_output + row * channels;
    float* to = args.grad_input + row * channels;
    lanes_over(channels, [&](std::size_t c, auto lanes) {
      const simd::F32 d = lrn_divisor(args, x, c);
      const simd::F32 straight = lanes.load(g + c) * simd::pow(d, power);
      lanes.store(direct + c, straight);
      lanes.store(through + c, straight * lanes.load(x + c) / d);
    });
    for (std::size_t c = 0; c < channels; ++c) {
      float sum = 0.0F;
      const std::size_t end = std::min<std::size_t>(c + args.before + 1, channels);
      for (std::size_t at = c < args.after ? 0 : c - args.after; at < end; ++at) sum += through[at];
      to[c] = simd::scalar_neg_mul_add(first(factor) * x[c], sum, direct[c]);
    }
  }
}

}  // namespace mote::MOTE_KERNELS
