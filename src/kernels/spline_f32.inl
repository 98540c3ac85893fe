// SPDX-License-Identifier: Apache-2.0
// One learned function per channel: forward, gradient of the input, gradients of values and slopes. Inside the interval
// [t0, t1] of width h, with d = x - t0, u = d / h and the chord's slope s = (v1 - v0) / h,
//   y = v0 + d (m0 + u (c2 + u c3)),  c2 = 3 s - 2 m0 - m1,  c3 = m0 + m1 - 2 s,  y' = m0 + u (2 c2 + 3 u c3).
// One element at a time: every element reads an interval of its own, and the search for it, not the cubic, takes the
// time. Between the ends it takes no branch on the data, and it stays inside the knots whatever they hold.
#include <cstddef>
#include <cstdint>

#include "mote/kernels/kernels.hpp"
#include "simd/scalar.hpp"

namespace mote::MOTE_KERNELS {
namespace {

/// Where an input lies: in the interval that begins at `knot`, or outside, `distance` from the end `knot`.
struct SplinePlace {
  std::size_t knot;
  float distance;
  float width;  // 0: outside
};

MOTE_INLINE SplinePlace spline_place(const float* knots, std::size_t count, float x) {
  if (x < knots[0]) return {0, x - knots[0], 0.0F};
  if (x >= knots[count - 1]) return {count - 1, x - knots[count - 1], 0.0F};
  std::size_t first = 0;
  for (std::size_t left = count - 1; left > 1;) {
    const std::size_t half = left / 2;
    first = knots[first + half] <= x ? first + half : first;
    left -= half;
  }
  const float width = knots[first + 1] - knots[first];
  return {first, x - knots[first], width == 0.0F ? __builtin_nanf("") : width};
}

/// The cubic's coefficients beside v0 and m0.
struct SplineCubic {
  float u, c2, c3;
};
MOTE_INLINE SplineCubic spline_cubic(const SplinePlace& at, const float* values, const float* slopes) {
  const float chord = (values[at.knot + 1] - values[at.knot]) / at.width;
  const float m0 = slopes[at.knot], m1 = slopes[at.knot + 1];
  return {at.distance / at.width, 3.0F * chord - 2.0F * m0 - m1, m0 + m1 - 2.0F * chord};
}

/// Calls body(index of the element, first parameter of its channel) for all elements in order.
template <class Args, class Body>
MOTE_INLINE void spline_elements(const Args& args, const Body& body) {
  std::size_t at = 0;
  for (std::uint32_t r = 0; r < args.rows; ++r)
    for (std::uint32_t c = 0; c < args.channels; ++c) body(at++, std::size_t{c} * args.knot_count);
}

}  // namespace

void spline_f32(const SplineArgs& args) {
  spline_elements(args, [&](std::size_t i, std::size_t first) MOTE_LAMBDA_INLINE {
    const float *values = args.values + first, *slopes = args.slopes + first;
    const SplinePlace at = spline_place(args.knots + first, args.knot_count, args.input[i]);
    float slope = slopes[at.knot];
    if (at.width != 0.0F) {
      const SplineCubic cubic = spline_cubic(at, values, slopes);
      slope = simd::scalar_mul_add(cubic.u, simd::scalar_mul_add(cubic.u, cubic.c3, cubic.c2), slope);
    }
    args.output[i] = simd::scalar_mul_add(at.distance, slope, values[at.knot]);
  });
}

void spline_grad_input_f32(const SplineGradArgs& args) {
  spline_elements(args, [&](std::size_t i, std::size_t first) MOTE_LAMBDA_INLINE {
    const float* slopes = args.slopes + first;
    const SplinePlace at = spline_place(args.knots + first, args.knot_count, args.input[i]);
    float slope = slopes[at.knot];
    if (at.width != 0.0F) {
      const SplineCubic cubic = spline_cubic(at, args.values + first, slopes);
      slope = simd::scalar_mul_add(cubic.u, simd::scalar_mul_add(3.0F * cubic.u, cubic.c3, 2.0F * cubic.c2), slope);
    }
    args.grad_input[i] = args.grad_output[i] * slope;
  });
}

/// Inside, y = (1 - b) v0 + b v1 + d (1 - u)^2 m0 + d u (u - 1) m1 with b = u^2 (3 - 2 u); outside y = v + d m.
void spline_grad_params_f32(const SplineGradArgs& args) {
  spline_elements(args, [&](std::size_t i, std::size_t first) MOTE_LAMBDA_INLINE {
    const SplinePlace at = spline_place(args.knots + first, args.knot_count, args.input[i]);
    const float grad = args.scale * args.grad_output[i];
    const auto add = [&](float* to, float weight) MOTE_LAMBDA_INLINE { *to = simd::scalar_mul_add(grad, weight, *to); };
    float *values = args.grad_values + first + at.knot, *slopes = args.grad_slopes + first + at.knot;
    if (at.width == 0.0F) {
      add(values, 1.0F);
      add(slopes, at.distance);
      return;
    }
    const float u = at.distance / at.width, rest = 1.0F - u, blend = u * u * (3.0F - 2.0F * u);
    add(values, 1.0F - blend);
    add(values + 1, blend);
    add(slopes, at.distance * rest * rest);
    add(slopes + 1, -(at.distance * u * rest));
  });
}

}  // namespace mote::MOTE_KERNELS
