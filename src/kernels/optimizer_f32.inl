// SPDX-License-Identifier: Apache-2.0
// Optimiser steps, penalties, clipping and the norms of a gradient, over a run of parameters. Everything but
// the two sums is element by element or a maximum, so a run may be cut anywhere without changing a bit.
#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "kernels/lanes.hpp"
#include "mote/kernels/kernels.hpp"
#include "simd/simd.hpp"

namespace mote::MOTE_KERNELS {

void sgd_f32(const UpdateArgs& args) {
  const simd::F32 rate = simd::splat(args.learning_rate);
  lanes_over(elements_of(args.part, args.count), [&](std::size_t at, auto lanes) MOTE_LAMBDA_INLINE {
    lanes.store(args.params + at, neg_mul_add(rate, lanes.load(args.grads + at), lanes.load(args.params + at)));
  });
}

void momentum_f32(const UpdateArgs& args) {
  const simd::F32 rate = simd::splat(args.learning_rate);
  const simd::F32 decay = simd::splat(args.decay1);
  lanes_over(elements_of(args.part, args.count), [&](std::size_t at, auto lanes) MOTE_LAMBDA_INLINE {
    const simd::F32 step = rate * lanes.load(args.grads + at);
    const simd::F32 velocity = decay * lanes.load(args.state1 + at) - step;
    lanes.store(args.state1 + at, velocity);
    lanes.store(args.params + at, lanes.load(args.params + at) + velocity);
  });
}

void nesterov_f32(const UpdateArgs& args) {
  const simd::F32 rate = simd::splat(args.learning_rate);
  const simd::F32 decay = simd::splat(args.decay1);
  lanes_over(elements_of(args.part, args.count), [&](std::size_t at, auto lanes) MOTE_LAMBDA_INLINE {
    const simd::F32 step = rate * lanes.load(args.grads + at);
    const simd::F32 velocity = decay * lanes.load(args.state1 + at) - step;
    lanes.store(args.state1 + at, velocity);
    lanes.store(args.params + at, lanes.load(args.params + at) + (decay * velocity - step));
  });
}

void adagrad_f32(const UpdateArgs& args) {
  const simd::F32 rate = simd::splat(args.learning_rate);
  const simd::F32 epsilon = simd::splat(args.epsilon);
  lanes_over(elements_of(args.part, args.count), [&](std::size_t at, auto lanes) MOTE_LAMBDA_INLINE {
    const simd::F32 grad = lanes.load(args.grads + at);
    const simd::F32 squares = mul_add(grad, grad, lanes.load(args.state1 + at));
    lanes.store(args.state1 + at, squares);
    lanes.store(args.params + at, lanes.load(args.params + at) - rate * grad / (sqrt(squares) + epsilon));
  });
}

void rmsprop_f32(const UpdateArgs& args) {
  const simd::F32 rate = simd::splat(args.learning_rate);
  const simd::F32 epsilon = simd::splat(args.epsilon);
  const simd::F32 decay = simd::splat(args.decay2);
  const simd::F32 rest = simd::splat(args.one_minus_decay2);
  lanes_over(elements_of(args.part, args.count), [&](std::size_t at, auto lanes) MOTE_LAMBDA_INLINE {
    const simd::F32 grad = lanes.load(args.grads + at);
    const simd::F32 squares = mul_add(decay, lanes.load(args.state1 + at), rest * grad * grad);
    lanes.store(args.state1 + at, squares);
    lanes.store(args.params + at, lanes.load(args.params + at) - rate * grad / (sqrt(squares) + epsilon));
  });
}

/// Adam, and AdamW with a weight decay. The corrections are divided out of the learning rate and of the second moment
/// once per call rather than once per element: two divisions per element become one.
void adam_f32(const UpdateArgs& args) {
  const simd::F32 decay1 = simd::splat(args.decay1);
  const simd::F32 decay2 = simd::splat(args.decay2);
  const simd::F32 rest1 = simd::splat(args.one_minus_decay1);
  const simd::F32 rest2 = simd::splat(args.one_minus_decay2);
  const simd::F32 rate = simd::splat(args.learning_rate / args.correction1);
  const simd::F32 uncorrect = simd::splat(1.0F / args.correction2);
  const simd::F32 epsilon = simd::splat(args.epsilon);
  const simd::F32 shrink = simd::splat(args.learning_rate * args.weight_decay);
  lanes_over(elements_of(args.part, args.count), [&](std::size_t at, auto lanes) MOTE_LAMBDA_INLINE {
    const simd::F32 grad = lanes.load(args.grads + at);
    const simd::F32 param = lanes.load(args.params + at);
    const simd::F32 first_moment = mul_add(decay1, lanes.load(args.state1 + at), rest1 * grad);
    const simd::F32 second_moment = mul_add(decay2, lanes.load(args.state2 + at), rest2 * grad * grad);
    const simd::F32 step = rate * first_moment / (sqrt(second_moment * uncorrect) + epsilon);
    lanes.store(args.state1 + at, first_moment);
    lanes.store(args.state2 + at, second_moment);
    lanes.store(args.params + at, neg_mul_add(shrink, param, param) - step);
  });
}

/// sign(0) = 0: a parameter of zero is not pushed.
void add_penalty_f32(const PenaltyArgs& args) {
  const simd::F32 scale = simd::splat(args.scale);
  const simd::F32 l1 = simd::splat(args.l1);
  const simd::F32 l2 = simd::splat(args.l2);
  const simd::F32 zero = simd::zero();
  lanes_over(args.count, [&](std::size_t at, auto lanes) MOTE_LAMBDA_INLINE {
    const simd::F32 param = lanes.load(args.params + at);
    const simd::F32 grad = lanes.load(args.grads + at);
    const simd::F32 push = select(less(zero, param), l1, select(less(param, zero), -l1, zero));
    lanes.store(args.grads + at, mul_add(scale, mul_add(l2, param, push), grad));
  });
}

/// NaN passes, so that a broken gradient is seen.
void clip_by_value_f32(const ScaleArgs& args) {
  const simd::F32 upper = simd::splat(args.value);
  const simd::F32 lower = simd::splat(-args.value);
  lanes_over(args.count, [&](std::size_t at, auto lanes) MOTE_LAMBDA_INLINE {
    lanes.store(args.values + at, min(upper, max(lower, lanes.load(args.values + at))));
  });
}

void scale_f32(const ScaleArgs& args) {
  const simd::F32 value = simd::splat(args.value);
  lanes_over(args.count, [&](std::size_t at, auto lanes) MOTE_LAMBDA_INLINE {
    lanes.store(args.values + at, lanes.load(args.values + at) * value);
  });
}

void sum_of_squares_f32(const SumOfSquaresArgs& args) {
  simd::F32x16 acc = simd::zero16();
  const float* values = args.values;
  std::size_t count = args.count;
  for (; count >= simd::kVirtualLanes; count -= simd::kVirtualLanes, values += simd::kVirtualLanes) {
    const simd::F32x16 block = simd::load16(values);
    acc = mul_add(block, block, acc);
  }
  if (count != 0) {
    const simd::F32x16 block = simd::load16_partial(values, count);
    acc = mul_add(block, block, acc);
  }
  *args.sum += simd::sum(acc);
}

/// max() of the facade passes over what is no number, so that is looked for beside it: v * 0 is 0 of every finite v.
/// Without vectors integers are faster: the bits of magnitudes order as the magnitudes do, infinity and what is no
/// number above all others.
void largest_magnitude_f32(const LargestMagnitudeArgs& args) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  if constexpr (simd::kLanes == 1) {
    std::int32_t largest = 0;
    for (std::size_t at = 0; at < args.count; ++at)
      largest = std::max(largest, std::bit_cast<std::int32_t>(args.values[at]) & 0x7FFF'FFFF);
    *args.largest = std::bit_cast<float>(std::min(largest, std::bit_cast<std::int32_t>(kInfinity)));
  } else {
    constexpr std::size_t kChains = 4;  // one waits for itself
    simd::F32 largest[kChains], zeros[kChains];
    for (std::size_t i = 0; i < kChains; ++i) largest[i] = zeros[i] = simd::zero();
    const auto add = [&](std::size_t chain, simd::F32 values) MOTE_LAMBDA_INLINE {
      largest[chain] = max(abs(values), largest[chain]);
      zeros[chain] = mul_add(values, simd::zero(), zeros[chain]);
    };
    std::size_t at = 0;
    for (; at + kChains * simd::kLanes <= args.count; at += kChains * simd::kLanes)
      for (std::size_t i = 0; i < kChains; ++i) add(i, simd::load(args.values + at + i * simd::kLanes));
    lanes_over(Part::Range{at, args.count},
               [&](std::size_t first, auto lanes) MOTE_LAMBDA_INLINE { add(0, lanes.load(args.values + first)); });
    for (std::size_t i = 1; i < kChains; ++i) {
      largest[0] = max(largest[i], largest[0]);
      zeros[0] = zeros[i] + zeros[0];
    }
    *args.largest = first(tree_sum(zeros[0])) == 0.0F ? first(tree_max(largest[0])) : kInfinity;
  }
}

/// No vectors of the facade: it has none of double. Sixteen sums side by side are what the compiler makes vectors of.
void dot_f32(const DotArgs& args) {
  constexpr std::size_t kChains = 16;
  double acc[kChains] = {};
  const auto add = [&](std::size_t chain, std::size_t at) MOTE_LAMBDA_INLINE {
    acc[chain] += static_cast<double>(args.a[at]) * static_cast<double>(args.b[at]);
  };
  std::size_t at = 0;
  for (; at + kChains <= args.count; at += kChains)
    for (std::size_t chain = 0; chain < kChains; ++chain) add(chain, at + chain);
  for (std::size_t chain = 0; at + chain < args.count; ++chain) add(chain, at + chain);
  for (std::size_t apart = kChains / 2; apart > 0; apart /= 2)
    for (std::size_t chain = 0; chain < apart; ++chain) acc[chain] += acc[chain + apart];
  *args.sum += acc[0];
}

void add_scaled_f32(const AddScaledArgs& args) {
  for (std::size_t i = 0; i < args.count; ++i)
    args.output[i] =
        static_cast<float>(static_cast<double>(args.base[i]) + args.scale * static_cast<double>(args.direction[i]));
}

}  // namespace mote::MOTE_KERNELS
