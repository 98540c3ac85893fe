// SPDX-License-Identifier: Apache-2.0
// Two operands, element by element, with broadcasting (broadcast.hpp), and the gradients by either. One functor and one
// external function each. No sums here: reduce_f32.inl adds gradients up where an operand repeats.
#include <cstddef>

#include "kernels/broadcast.hpp"
#include "kernels/choose.inl"
#include "mote/kernels/kernels.hpp"
#include "simd/power.hpp"
#include "simd/simd.hpp"

namespace mote::MOTE_KERNELS {
namespace {

using simd::F32;
using simd::splat;

template <class Function>
inline void map_operands(const BinaryArgs& args, const Function& function) {
  const F32 low = splat(args.clamp.low), high = splat(args.clamp.high);
  float* const output = args.output;
  broadcast_operands(args, [=](std::size_t at, auto lanes, F32 a, F32 b)
                               MOTE_LAMBDA_INLINE { lanes.store(output + at, min(high, max(low, function(a, b)))); });
}

/// by_a(a, b, g) or by_b(a, b, g): the gradient by the operand that args names.
template <class ByA, class ByB>
inline void map_operand_gradients(const BinaryGradArgs& args, const ByA& by_a, const ByB& by_b) {
  const float* const grad_output = args.grad_output;
  float* const grad_input = args.grad_input;
  if (args.operand == 0) {
    broadcast_operands(args, [=](std::size_t at, auto lanes, F32 a, F32 b) MOTE_LAMBDA_INLINE {
      lanes.store(grad_input + at, by_a(a, b, lanes.load(grad_output + at)));
    });
  } else {
    broadcast_operands(args, [=](std::size_t at, auto lanes, F32 a, F32 b) MOTE_LAMBDA_INLINE {
      lanes.store(grad_input + at, by_b(a, b, lanes.load(grad_output + at)));
    });
  }
}

/// One copy for all loops below: it is some eighty operations long.
[[gnu::noinline]] F32 power(F32 a, F32 b) { return simd::pow(a, b); }

/// NaN where either is: the facade's rule gives b.
MOTE_INLINE F32 lesser(F32 a, F32 b) { return select(equal(a, a), min(a, b), a); }
MOTE_INLINE F32 greater(F32 a, F32 b) { return select(equal(a, a), max(a, b), a); }
/// The gradient where `taken` is the larger (or smaller) one, half of it where both are equal.
MOTE_INLINE F32 to_the_greater(F32 taken, F32 other, F32 g) {
  return select(less(taken, other), simd::zero(), select(equal(taken, other), splat(0.5F) * g, g));
}

}  // namespace

void add_broadcast_f32(const BinaryArgs& args) {
  map_operands(args, [](F32 a, F32 b) MOTE_LAMBDA_INLINE { return a + b; });
}

void sub_f32(const BinaryArgs& args) {
  map_operands(args, [](F32 a, F32 b) MOTE_LAMBDA_INLINE { return a - b; });
}
void sub_grad_f32(const BinaryGradArgs& args) {
  map_operand_gradients(
      args, [](F32, F32, F32 g) MOTE_LAMBDA_INLINE { return g; },
      [](F32, F32, F32 g) MOTE_LAMBDA_INLINE { return -g; });
}

void mul_f32(const BinaryArgs& args) {
  map_operands(args, [](F32 a, F32 b) MOTE_LAMBDA_INLINE { return a * b; });
}
void mul_grad_f32(const BinaryGradArgs& args) {
  map_operand_gradients(
      args, [](F32, F32 b, F32 g) MOTE_LAMBDA_INLINE { return g * b; },
      [](F32 a, F32, F32 g) MOTE_LAMBDA_INLINE { return g * a; });
}

void div_f32(const BinaryArgs& args) {
  map_operands(args, [](F32 a, F32 b) MOTE_LAMBDA_INLINE { return a / b; });
}
/// 1 / b, -a / b^2.
void div_grad_f32(const BinaryGradArgs& args) {
  map_operand_gradients(
      args, [](F32, F32 b, F32 g) MOTE_LAMBDA_INLINE { return g / b; },
      [](F32 a, F32 b, F32 g) MOTE_LAMBDA_INLINE { return -(g * (a / b / b)); });
}

void minimum_f32(const BinaryArgs& args) {
  map_operands(args, [](F32 a, F32 b) MOTE_LAMBDA_INLINE { return lesser(a, b); });
}
void minimum_grad_f32(const BinaryGradArgs& args) {
  map_operand_gradients(
      args, [](F32 a, F32 b, F32 g) MOTE_LAMBDA_INLINE { return to_the_greater(-a, -b, g); },
      [](F32 a, F32 b, F32 g) MOTE_LAMBDA_INLINE { return to_the_greater(-b, -a, g); });
}

void maximum_f32(const BinaryArgs& args) {
  map_operands(args, [](F32 a, F32 b) MOTE_LAMBDA_INLINE { return greater(a, b); });
}
void maximum_grad_f32(const BinaryGradArgs& args) {
  map_operand_gradients(
      args, [](F32 a, F32 b, F32 g) MOTE_LAMBDA_INLINE { return to_the_greater(a, b, g); },
      [](F32 a, F32 b, F32 g) MOTE_LAMBDA_INLINE { return to_the_greater(b, a, g); });
}

void pow_f32(const BinaryArgs& args) {
  map_operands(args, [](F32 a, F32 b) MOTE_LAMBDA_INLINE { return power(a, b); });
}
/// b a^(b - 1), a^b ln a.
void pow_grad_f32(const BinaryGradArgs& args) {
  map_operand_gradients(
      args,
      [](F32 a, F32 b, F32 g) MOTE_LAMBDA_INLINE {
        return select(equal(b, simd::zero()), simd::zero(), g * (b * power(a, b - splat(1.0F))));
      },
      [](F32 a, F32 b, F32 g) MOTE_LAMBDA_INLINE {
        const auto nothing = equal(a, simd::zero()) & less_equal(simd::zero(), b);
        return select(nothing, simd::zero(), g * (power(a, b) * simd::log(a)));
      });
}

void squared_difference_f32(const BinaryArgs& args) {
  map_operands(args, [](F32 a, F32 b) MOTE_LAMBDA_INLINE { return (a - b) * (a - b); });
}
/// 2 (a - b), 2 (b - a).
void squared_difference_grad_f32(const BinaryGradArgs& args) {
  map_operand_gradients(
      args, [](F32 a, F32 b, F32 g) MOTE_LAMBDA_INLINE { return g * ((a - b) * splat(2.0F)); },
      [](F32 a, F32 b, F32 g) MOTE_LAMBDA_INLINE { return g * ((b - a) * splat(2.0F)); });
}

void prelu_f32(const BinaryArgs& args) {
  map_operands(args, [](F32 a, F32 b) MOTE_LAMBDA_INLINE { return select(less(simd::zero(), a), a, a * b); });
}
void prelu_grad_f32(const BinaryGradArgs& args) {
  map_operand_gradients(
      args, [](F32 a, F32 b, F32 g) MOTE_LAMBDA_INLINE { return select(less(simd::zero(), a), g, g * b); },
      [](F32 a, F32, F32 g) MOTE_LAMBDA_INLINE { return select(less(simd::zero(), a), simd::zero(), g * a); });
}

}  // namespace mote::MOTE_KERNELS
