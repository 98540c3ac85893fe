// SPDX-License-Identifier: Apache-2.0
// Elementary functions and rounding, element by element, and their gradients: the loops of activation_f32.inl with
// other functors, one external function each. No reductions here.
#include <cstddef>
#include <cstdint>

#include "kernels/activation_f32.inl"
#include "kernels/lanes.hpp"
#include "mote/kernels/kernels.hpp"
#include "simd/simd.hpp"
#include "simd/trigonometry.hpp"

namespace mote::MOTE_KERNELS {
namespace {

inline constexpr float kSeluScale = 1.05070099F, kSeluScaleAlpha = 1.75809934F;  // the second: scale times alpha

/// 2 sqrt(2 / pi) (x + 0.044715 x^3): its logistic function is (1 + tanh of half of it) / 2.
inline constexpr float kGeluScale = 1.59576912F, kGeluCubic = 0.044715F;
MOTE_INLINE F32 gelu_argument(F32 x) { return splat(kGeluScale) * x * mul_add(x * x, splat(kGeluCubic), splat(1.0F)); }

}  // namespace

void exp_f32(const ActivationArgs& args) {
  map_elements(args, [](F32 x) MOTE_LAMBDA_INLINE { return simd::exp(x); });
}

/// y.
void exp_grad_f32(const ActivationGradArgs& args) {
  map_gradient(args, [](F32 y, F32 g) MOTE_LAMBDA_INLINE { return g * y; });
}

void log_f32(const ActivationArgs& args) {
  map_elements(args, [](F32 x) MOTE_LAMBDA_INLINE { return simd::log(x); });
}

/// 1 / x.
void log_grad_f32(const ActivationGradArgs& args) {
  map_gradient(args, [](F32 x, F32 g) MOTE_LAMBDA_INLINE { return g / x; });
}

void sqrt_f32(const ActivationArgs& args) {
  map_elements(args, [](F32 x) MOTE_LAMBDA_INLINE { return sqrt(x); });
}

/// 1 / (2 y).
void sqrt_grad_f32(const ActivationGradArgs& args) {
  map_gradient(args, [](F32 y, F32 g) MOTE_LAMBDA_INLINE { return g / (y + y); });
}

/// Two roundings.
void rsqrt_f32(const ActivationArgs& args) {
  map_elements(args, [](F32 x) MOTE_LAMBDA_INLINE { return splat(1.0F) / sqrt(x); });
}

/// -y^3 / 2.
void rsqrt_grad_f32(const ActivationGradArgs& args) {
  map_gradient(args, [](F32 y, F32 g) MOTE_LAMBDA_INLINE { return g * (splat(-0.5F) * y * (y * y)); });
}

void abs_f32(const ActivationArgs& args) {
  map_elements(args, [](F32 x) MOTE_LAMBDA_INLINE { return abs(x); });
}

/// The sign of x; 0 at 0.
void abs_grad_f32(const ActivationGradArgs& args) {
  map_gradient(args, [](F32 x, F32 g) MOTE_LAMBDA_INLINE {
    const F32 below = select(less(x, simd::zero()), -g, simd::zero());
    return select(less(simd::zero(), x), g, below);
  });
}

void neg_f32(const ActivationArgs& args) {
  map_elements(args, [](F32 x) MOTE_LAMBDA_INLINE { return -x; });
}

void neg_grad_f32(const ActivationGradArgs& args) {
  map_elements({args.grad_output, args.grad_input, 0.0F, args.count, args.part},
               [](F32 g) MOTE_LAMBDA_INLINE { return -g; });
}

void square_f32(const ActivationArgs& args) {
  map_elements(args, [](F32 x) MOTE_LAMBDA_INLINE { return x * x; });
}

/// 2 x.
void square_grad_f32(const ActivationGradArgs& args) {
  map_gradient(args, [](F32 x, F32 g) MOTE_LAMBDA_INLINE { return g * (x + x); });
}

void sin_f32(const ActivationArgs& args) {
  map_elements(args, [](F32 x) MOTE_LAMBDA_INLINE { return simd::sin(x); });
}

void sin_grad_f32(const ActivationGradArgs& args) {
  map_gradient(args, [](F32 x, F32 g) MOTE_LAMBDA_INLINE { return g * simd::cos(x); });
}

void cos_f32(const ActivationArgs& args) {
  map_elements(args, [](F32 x) MOTE_LAMBDA_INLINE { return simd::cos(x); });
}

void cos_grad_f32(const ActivationGradArgs& args) {
  map_gradient(args, [](F32 x, F32 g) MOTE_LAMBDA_INLINE { return -(g * simd::sin(x)); });
}

/// ln(1 + e^x).
void softplus_f32(const ActivationArgs& args) {
  map_elements(args, [](F32 x) MOTE_LAMBDA_INLINE { return simd::log1p_exp(x); });
}

/// The logistic function of x is 1 - e^-y, which keeps all digits of a small y.
void softplus_grad_f32(const ActivationGradArgs& args) {
  map_gradient(args, [](F32 y, F32 g)
                         MOTE_LAMBDA_INLINE { return -(g * simd::polynomial::exp_minus_1(-min(splat(80.0F), y))); });
}

/// scale x where x > 0, else scale alpha (e^x - 1).
void selu_f32(const ActivationArgs& args) {
  map_elements(args, [](F32 x) MOTE_LAMBDA_INLINE {
    const F32 below = simd::polynomial::exp_minus_1(max(splat(-80.0F), min(simd::zero(), x)));
    return select(less(simd::zero(), x), splat(kSeluScale) * x, splat(kSeluScaleAlpha) * below);
  });
}

/// scale where y > 0, else scale alpha e^x = y + scale alpha.
void selu_grad_f32(const ActivationGradArgs& args) {
  map_gradient(args, [](F32 y, F32 g) MOTE_LAMBDA_INLINE {
    return g * select(less(simd::zero(), y), splat(kSeluScale), y + splat(kSeluScaleAlpha));
  });
}

/// min(max(alpha x + beta, 0), 1); NaN passes.
void hard_sigmoid_f32(const ActivationArgs& args) {
  const F32 alpha = splat(args.alpha), beta = splat(args.beta);
  map_elements(args,
               [=](F32 x) MOTE_LAMBDA_INLINE { return min(splat(1.0F), max(simd::zero(), mul_add(alpha, x, beta))); });
}

/// alpha where 0 < y < 1.
void hard_sigmoid_grad_f32(const ActivationGradArgs& args) {
  const F32 alpha = splat(args.alpha);
  map_gradient(args, [=](F32 y, F32 g) MOTE_LAMBDA_INLINE {
    return select(less(simd::zero(), y) & less(y, splat(1.0F)), alpha * g, simd::zero());
  });
}

/// x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2.
void gelu_tanh_f32(const ActivationArgs& args) {
  map_elements(args, [](F32 x) MOTE_LAMBDA_INLINE { return x / (splat(1.0F) + simd::exp(-gelu_argument(x))); });
}

/// s + x s (1 - s) v', s the logistic function of v: with e = e^-|v| both factors keep their digits. |x| is cut where
/// e is 0 for the product to be no NaN.
void gelu_tanh_grad_f32(const ActivationGradArgs& args) {
  map_gradient(args, [](F32 x, F32 g) MOTE_LAMBDA_INLINE {
    const F32 near = min(splat(16.0F), max(splat(-16.0F), x));
    const F32 v = gelu_argument(near), e = simd::exp(-abs(v)), sum = splat(1.0F) + e;
    const F32 s = select(less(v, simd::zero()), e, splat(1.0F)) / sum;
    const F32 slope = mul_add(near * near, splat(3.0F * kGeluCubic * kGeluScale), splat(kGeluScale));
    return g * mul_add(near * slope, e / (sum * sum), s);
  });
}

/// min(max(x, alpha), beta); NaN passes.
void clip_f32(const ActivationArgs& args) {
  const F32 low = splat(args.alpha), high = splat(args.beta);
  map_elements(args, [=](F32 x) MOTE_LAMBDA_INLINE { return min(high, max(low, x)); });
}

/// 1 where alpha < y < beta.
void clip_grad_f32(const ActivationGradArgs& args) {
  const F32 low = splat(args.alpha), high = splat(args.beta);
  map_gradient(args,
               [=](F32 y, F32 g) MOTE_LAMBDA_INLINE { return select(less(low, y) & less(y, high), g, simd::zero()); });
}

void floor_f32(const ActivationArgs& args) {
  map_elements(args, [](F32 x) MOTE_LAMBDA_INLINE { return simd::floor(x); });
}

void ceil_f32(const ActivationArgs& args) {
  map_elements(args, [](F32 x) MOTE_LAMBDA_INLINE { return simd::ceil(x); });
}

/// Halves go to the even neighbour.
void round_f32(const ActivationArgs& args) {
  map_elements(args, [](F32 x) MOTE_LAMBDA_INLINE { return simd::nearest(x); });
}

/// -1, 0 or 1; 0 for both zeros, NaN for NaN.
void sign_f32(const ActivationArgs& args) {
  map_elements(args, [](F32 x) MOTE_LAMBDA_INLINE {
    const F32 zero_or_nan = select(equal(x, x), simd::zero(), x);
    const F32 not_above = select(less(x, simd::zero()), splat(-1.0F), zero_or_nan);
    return select(less(simd::zero(), x), splat(1.0F), not_above);
  });
}

void logical_not_bool(const LogicalNotArgs& args) {
  const Part::Range share = elements_of(args.part, args.count);
  for (std::size_t i = share.begin; i < share.end; ++i) args.output[i] = args.input[i] == 0 ? 1 : 0;
}

}  // namespace mote::MOTE_KERNELS
