// SPDX-License-Identifier: Apache-2.0
// Activations and their gradients, element by element: one loop for each direction, one functor for each function, one
// external function each so that firmware links only what it uses. Relies on the SIMD facade. No reductions here.
#pragma once

#include <cstddef>

#include "kernels/lanes.hpp"
#include "mote/kernels/kernels.hpp"
#include "simd/simd.hpp"

namespace mote::MOTE_KERNELS {
namespace {

using simd::F32;
using simd::splat;

/// output[i] = function(input[i]); output may be input. Two vectors at a time, so that an in-order core overlaps two
/// polynomials; an out-of-order one gains nothing from more, and one float at a time needs no pairs.
template <class Function>
inline void map_elements(const ActivationArgs& args, Function function) {
  const Part::Range share = elements_of(args.part, args.count);
  const float* input = args.input + share.begin;
  float* output = args.output + share.begin;
  std::size_t count = share.end - share.begin;
  if constexpr (simd::kLanes > 1) {
    for (; count >= 2 * simd::kLanes; count -= 2 * simd::kLanes) {
      const F32 low = simd::load(input);
      const F32 high = simd::load(input + simd::kLanes);
      const F32 low_result = function(low);
      const F32 high_result = function(high);
      simd::store(output, low_result);
      simd::store(output + simd::kLanes, high_result);
      input += 2 * simd::kLanes;
      output += 2 * simd::kLanes;
    }
  }
  lanes_over(count, [&](std::size_t at, auto lanes)
                        MOTE_LAMBDA_INLINE { lanes.store(output + at, function(lanes.load(input + at))); });
}

/// grad_input[i] = grad_output[i] derivative(value[i]); grad_input may be grad_output.
template <class Function>
inline void map_gradient(const ActivationGradArgs& args, Function derivative_times) {
  lanes_over(elements_of(args.part, args.count), [&](std::size_t at, auto lanes) MOTE_LAMBDA_INLINE {
    const F32 value = lanes.load(args.value + at);
    const F32 grad = lanes.load(args.grad_output + at);
    lanes.store(args.grad_input + at, derivative_times(value, grad));
  });
}

/// x Phi(x) and its derivative use the exact normal distribution Phi(x) = (1 + erf(x / sqrt 2)) / 2.
MOTE_INLINE F32 normal_distribution(F32 x) {
  const F32 half = splat(0.5F);
  return mul_add(half, simd::erf(x * splat(0.70710678F)), half);
}

}  // namespace

void sigmoid_f32(const ActivationArgs& args) {
  map_elements(args, [](F32 x) MOTE_LAMBDA_INLINE { return simd::sigmoid(x); });
}

/// y (1 - y).
void sigmoid_grad_f32(const ActivationGradArgs& args) {
  map_gradient(args, [](F32 y, F32 g) MOTE_LAMBDA_INLINE { return g * (y * (splat(1.0F) - y)); });
}

void tanh_f32(const ActivationArgs& args) {
  map_elements(args, [](F32 x) MOTE_LAMBDA_INLINE { return simd::tanh(x); });
}

/// 1 - y^2.
void tanh_grad_f32(const ActivationGradArgs& args) {
  map_gradient(args, [](F32 y, F32 g) MOTE_LAMBDA_INLINE { return g * neg_mul_add(y, y, splat(1.0F)); });
}

/// max(x, 0); NaN passes.
void relu_f32(const ActivationArgs& args) {
  map_elements(args, [](F32 x) MOTE_LAMBDA_INLINE { return max(simd::zero(), x); });
}

/// 1 where y > 0.
void relu_grad_f32(const ActivationGradArgs& args) {
  map_gradient(args, [](F32 y, F32 g) MOTE_LAMBDA_INLINE { return select(less(simd::zero(), y), g, simd::zero()); });
}

/// x where x > 0, else alpha x; NaN passes.
void leaky_relu_f32(const ActivationArgs& args) {
  const F32 alpha = splat(args.alpha);
  map_elements(args, [=](F32 x) MOTE_LAMBDA_INLINE { return select(less(simd::zero(), x), x, alpha * x); });
}

/// 1 where y > 0, else alpha: needs alpha >= 0, so that y has the sign of x.
void leaky_relu_grad_f32(const ActivationGradArgs& args) {
  const F32 alpha = splat(args.alpha);
  map_gradient(args, [=](F32 y, F32 g) MOTE_LAMBDA_INLINE { return select(less(simd::zero(), y), g, alpha * g); });
}

/// min(max(x, 0), 6); NaN passes.
void relu6_f32(const ActivationArgs& args) {
  map_elements(args, [](F32 x) MOTE_LAMBDA_INLINE { return min(splat(6.0F), max(simd::zero(), x)); });
}

/// 1 where 0 < y < 6.
void relu6_grad_f32(const ActivationGradArgs& args) {
  map_gradient(args, [](F32 y, F32 g) MOTE_LAMBDA_INLINE {
    const F32 below_six = select(less(y, splat(6.0F)), g, simd::zero());
    return select(less(simd::zero(), y), below_six, simd::zero());
  });
}

/// x / (1 + e^-x).
void silu_f32(const ActivationArgs& args) {
  map_elements(args, [](F32 x) MOTE_LAMBDA_INLINE { return x / (splat(1.0F) + simd::exp(-x)); });
}

/// s (1 + x (1 - s)) with s = sigmoid(x).
void silu_grad_f32(const ActivationGradArgs& args) {
  map_gradient(args, [](F32 x, F32 g) MOTE_LAMBDA_INLINE {
    const F32 s = simd::sigmoid(x);
    return g * (s * mul_add(x, splat(1.0F) - s, splat(1.0F)));
  });
}

/// x Phi(x), not the tanh approximation.
void gelu_f32(const ActivationArgs& args) {
  map_elements(args, [](F32 x) MOTE_LAMBDA_INLINE { return x * normal_distribution(x); });
}

/// Phi(x) + x phi(x) with phi(x) = e^(-x^2 / 2) / sqrt(2 pi).
void gelu_grad_f32(const ActivationGradArgs& args) {
  map_gradient(args, [](F32 x, F32 g) MOTE_LAMBDA_INLINE {
    const F32 density = splat(0.39894228F) * simd::exp(splat(-0.5F) * (x * x));
    return g * mul_add(x, density, normal_distribution(x));
  });
}

/// x min(max(x + 3, 0), 6) / 6.
void hard_swish_f32(const ActivationArgs& args) {
  map_elements(args, [](F32 x) MOTE_LAMBDA_INLINE {
    const F32 gate = min(splat(6.0F), max(simd::zero(), x + splat(3.0F)));
    return x * gate * splat(1.0F / 6.0F);
  });
}

/// 0 where x <= -3, 1 where x >= 3, else x / 3 + 1/2.
void hard_swish_grad_f32(const ActivationGradArgs& args) {
  map_gradient(args, [](F32 x, F32 g) MOTE_LAMBDA_INLINE {
    const F32 middle = g * mul_add(x, splat(1.0F / 3.0F), splat(0.5F));
    const F32 right = select(less(x, splat(3.0F)), middle, g);
    return select(less_equal(x, splat(-3.0F)), simd::zero(), right);
  });
}

/// x where x > 0, else e^x - 1, which rounds to -1 long before -80; NaN passes.
void elu_f32(const ActivationArgs& args) {
  map_elements(args, [](F32 x) MOTE_LAMBDA_INLINE {
    const F32 below = simd::polynomial::exp_minus_1(max(splat(-80.0F), min(simd::zero(), x)));
    return select(less(simd::zero(), x), x, below);
  });
}

/// 1 where y > 0, else e^x = y + 1.
void elu_grad_f32(const ActivationGradArgs& args) {
  map_gradient(args,
               [](F32 y, F32 g) MOTE_LAMBDA_INLINE { return select(less(simd::zero(), y), g, g * (y + splat(1.0F))); });
}

}  // namespace mote::MOTE_KERNELS
