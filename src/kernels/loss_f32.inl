// SPDX-License-Identifier: Apache-2.0
// Losses with their gradients, row by row: one pass over the batch gives both. Rows are summed over 16 virtual lanes,
// the batch in order, so the bits are the same everywhere. Formulas and conventions: LossArgs in
// mote/kernels/kernels.hpp. No checks here that a caller could have made before, but a bad label can neither read
// outside nor stay unseen.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "kernels/rows.hpp"
#include "mote/kernels/kernels.hpp"
#include "simd/scalar.hpp"
#include "simd/simd.hpp"

namespace mote::MOTE_KERNELS {
namespace {

inline constexpr float kNotANumber = __builtin_nanf("");

/// One sample: its outputs, where its gradient goes (null: nowhere; may be `output`) and what that is multiplied by.
struct LossRow {
  const float* output;
  float* grad;
  float factor;
  std::size_t outputs;
};

/// Targets of a row as vectors: the one-hot row of a label, a row of floats, or the single output of a binary label.
struct OneHotTarget {
  std::size_t label;
  template <class Lanes>
  MOTE_INLINE simd::F32 operator()(std::size_t at, Lanes) const {
    const float distance = static_cast<float>(static_cast<std::int32_t>(label) - static_cast<std::int32_t>(at));
    return select(equal(simd::iota(), simd::splat(distance)), simd::splat(1.0F), simd::zero());
  }
};
struct RowTarget {
  const float* target;
  template <class Lanes>
  MOTE_INLINE simd::F32 operator()(std::size_t at, Lanes lanes) const {
    return lanes.load(target + at);
  }
};
struct SignedRowTarget {
  const float* target;
  template <class Lanes>
  MOTE_INLINE simd::F32 operator()(std::size_t at, Lanes lanes) const {
    return mul_add(simd::splat(0.5F), lanes.load(target + at), simd::splat(0.5F));
  }
};
struct BinaryTarget {
  float target;
  template <class Lanes>
  MOTE_INLINE simd::F32 operator()(std::size_t, Lanes) const {
    return simd::splat(target);
  }
};

/// True if output[label] is the row's largest, the first among equals.
inline bool is_largest(const LossRow& row, std::size_t label) {
  if (row.output[label] != row_max(row.output, row.outputs)) return false;
  for (std::size_t j = 0; j < label; ++j)
    if (row.output[j] == row.output[label]) return false;
  return true;
}

/// A label that names no class: the row's gradient says so, as the loss does.
inline void refuse(const LossRow& row) {
  for (std::size_t j = 0; row.grad != nullptr && j < row.outputs; ++j) row.grad[j] = kNotANumber;
}

inline void finish(const LossArgs& args, double sum, LossResult& result) {
  result.sum = sum;
  result.loss = static_cast<float>(sum / static_cast<double>(args.batch));
  *args.result = result;
}

/// The batch: weights, labels, the sum in order. For every sample with a valid class index `class_of(label)` calls
/// correct(row, class index), then loss(row, class index); without labels loss(row, sample).
template <class ClassOf, class Correct, class LabelLoss, class TargetLoss>
inline void batch_loss(const LossArgs& args, std::size_t classes, ClassOf class_of, Correct correct,
                       LabelLoss label_loss, TargetLoss target_loss) {
  LossResult result;
  double sum = 0.0;  // float32 would lose what a line search compares
  const float samples = static_cast<float>(args.batch);
  for (std::size_t sample = 0; sample < args.batch; ++sample) {
    float weight = args.sample_weights == nullptr ? 1.0F : args.sample_weights[sample];
    LossRow row{args.output + sample * args.outputs, nullptr, 0.0F, args.outputs};
    if (args.grad_output != nullptr) row.grad = args.grad_output + sample * args.outputs;
    if (args.labels == nullptr) {
      row.factor = args.grad_scale * weight / samples;
      sum += static_cast<double>(weight) * static_cast<double>(target_loss(row, sample));
      continue;
    }
    const std::size_t index = class_of(args.labels[sample]);
    if (index >= classes) {
      sum = static_cast<double>(kNotANumber);
      refuse(row);
      continue;
    }
    if (args.class_weights != nullptr) weight *= args.class_weights[index];
    row.factor = args.grad_scale * weight / samples;
    const bool hit = correct(row, index);
    const float loss = label_loss(row, index);
    if (hit && loss == loss) ++result.correct;  // with a NaN in the row, the largest is not the same everywhere
    sum += static_cast<double>(weight) * static_cast<double>(loss);
  }
  finish(args, sum, result);
}

/// The usual case: a label is the index of an output.
template <class Loss>
inline void class_loss(const LossArgs& args, Loss loss) {
  batch_loss(
      args, args.outputs,
      [](std::int32_t label) { return static_cast<std::size_t>(static_cast<std::uint32_t>(label)); },
      [](const LossRow& row, std::size_t index) { return is_largest(row, index); },
      [&](const LossRow& row, std::size_t index) { return loss(row, OneHotTarget{index}); },
      [&](const LossRow& row, std::size_t sample) {
        return loss(row, RowTarget{args.targets + sample * args.outputs});
      });
}

template <class Target>
inline float squared_error_row(const LossRow& row, Target target) {
  const simd::F32 twice = simd::splat(2.0F * row.factor);
  return row_sum(row.outputs, [&](std::size_t at, auto lanes) MOTE_LAMBDA_INLINE {
    const simd::F32 error = lanes.load(row.output + at) - target(at, lanes);
    if (row.grad != nullptr) lanes.store(row.grad + at, twice * error);
    return error * error;
  });
}

/// (max(z, 0) - t z) + ln(1 + e^-|z|): no cancellation for large |z| on the right side.
template <class Target>
inline float binary_cross_entropy_row(const LossRow& row, Target target) {
  const simd::F32 factor = simd::splat(row.factor);
  return row_sum(row.outputs, [&](std::size_t at, auto lanes) MOTE_LAMBDA_INLINE {
    const simd::F32 logit = lanes.load(row.output + at);
    const simd::F32 wanted = target(at, lanes);
    if (row.grad != nullptr) lanes.store(row.grad + at, factor * (simd::sigmoid(logit) - wanted));
    return neg_mul_add(wanted, logit, max(simd::zero(), logit)) + simd::log1p_exp(-abs(logit));
  });
}

/// sum_j t_j (z_j - largest), and less sum_j t_j ln t_j if kEntropy; terms with t_j = 0 count nothing.
template <bool kEntropy, class Target>
inline float target_times_logits(const LossRow& row, Target target, float largest) {
  if constexpr (std::is_same_v<Target, OneHotTarget>) {
    return row.output[target.label] - largest;
  } else {
    return row_sum(row.outputs, [&](std::size_t at, auto lanes) MOTE_LAMBDA_INLINE {
      const simd::F32 wanted = target(at, lanes);
      simd::F32 logit = lanes.load(row.output + at) - simd::splat(largest);
      if constexpr (kEntropy) logit = logit - simd::log(wanted);
      return select(equal(wanted, simd::zero()), simd::zero(), wanted * logit);
    });
  }
}

/// ln(sum_j e^z_j) sum_j t_j - sum_j t_j z_j, and plus sum_j t_j ln t_j if kEntropy. The powers wait where the gradient
/// goes until their sum is known.
template <bool kEntropy, class Target>
inline float softmax_row(const LossRow& row, Target target) {
  const float largest = row_max(row.output, row.outputs);
  const float product = target_times_logits<kEntropy>(row, target, largest);
  float mass = 1.0F;
  if constexpr (!std::is_same_v<Target, OneHotTarget>) mass = row_sum(row.outputs, target);
  const float total = row_sum(row.outputs, [&](std::size_t at, auto lanes) MOTE_LAMBDA_INLINE {
    const simd::F32 power = simd::exp(lanes.load(row.output + at) - simd::splat(largest));
    if (row.grad != nullptr) lanes.store(row.grad + at, power);
    return power;
  });
  if (row.grad != nullptr) {
    const simd::F32 factor = simd::splat(row.factor);
    const simd::F32 ratio = simd::splat(mass / total);
    lanes_over(row.outputs, [&](std::size_t at, auto lanes) MOTE_LAMBDA_INLINE {
      lanes.store(row.grad + at, factor * mul_add(lanes.load(row.grad + at), ratio, -target(at, lanes)));
    });
  }
  return simd::scalar_mul_add(simd::scalar_log(total), mass, -product);
}

/// Labelled rows shorter than a vector, of which ten classes are the rule: the same operations, several rows at a time,
/// which stay in registers from logits to gradients. Row by row each would wait for the gradient of the one before,
/// whose vector overlaps it, and for branches on which class wins.
inline void short_rows_cross_entropy(const LossArgs& args) {
  constexpr std::size_t kRows = simd::kVirtualLanes;
  const std::size_t outputs = args.outputs;
  const SomeLanes lanes{outputs};
  const simd::Mask inside = simd::first_lanes(outputs);
  const simd::F32 one = simd::splat(1.0F), zero = simd::zero();
  const float samples = static_cast<float>(args.batch);
  LossResult result;
  double sum = 0.0;
  for (std::size_t first_row = 0; first_row < args.batch; first_row += kRows) {
    const std::size_t rows = std::min<std::size_t>(kRows, args.batch - first_row);
    simd::F32 powers[kRows];
    float totals[kRows], inverses[kRows], products[kRows];
    bool missed[kRows];
    std::fill(totals, totals + kRows, 1.0F);
    for (std::size_t r = 0; r < rows; ++r) {
      const float* output = args.output + (first_row + r) * outputs;
      const auto label = static_cast<std::uint32_t>(args.labels[first_row + r]);
      const std::size_t index = label < outputs ? label : 0;
      const simd::F32 values = lanes.load(output), own = simd::splat(output[index]);
      const float largest = first(tree_max(select(inside, values, simd::splat(*output))));
      const simd::Mask earlier = less(simd::iota(), simd::splat(static_cast<float>(index)));
      missed[r] = any(inside & (less(own, values) | (equal(values, own) & earlier)));
      products[r] = output[index] - largest;
      powers[r] = simd::exp(values - simd::splat(largest));
      simd::F32x16 terms = simd::zero16();
      terms.v[0] = terms.v[0] + select(inside, powers[r], zero);
      totals[r] = simd::sum(terms);
    }
    for (std::size_t r = 0; r < kRows; r += simd::kLanes) {
      const simd::F32 total = simd::load(totals + r);
      simd::store(inverses + r, one / total);
      simd::store(totals + r, simd::log(total));
    }
    for (std::size_t r = 0; r < rows; ++r) {
      const std::size_t sample = first_row + r;
      float weight = args.sample_weights == nullptr ? 1.0F : args.sample_weights[sample];
      LossRow row{nullptr, nullptr, 0.0F, outputs};
      if (args.grad_output != nullptr) row.grad = args.grad_output + sample * outputs;
      const auto index = static_cast<std::uint32_t>(args.labels[sample]);
      if (index >= outputs) {
        sum = static_cast<double>(kNotANumber);
        refuse(row);
        continue;
      }
      if (args.class_weights != nullptr) weight *= args.class_weights[index];
      const simd::F32 factor = simd::splat(args.grad_scale * weight / samples);
      const simd::F32 target = OneHotTarget{index}(0, lanes);
      if (row.grad != nullptr) lanes.store(row.grad, factor * mul_add(powers[r], simd::splat(inverses[r]), -target));
      const float loss = simd::scalar_mul_add(totals[r], 1.0F, -products[r]);
      result.correct += static_cast<std::uint32_t>(!missed[r]) & static_cast<std::uint32_t>(loss == loss);
      sum += static_cast<double>(weight) * static_cast<double>(loss);
    }
  }
  finish(args, sum, result);
}

}  // namespace

void squared_error_f32(const LossArgs& args) {
  class_loss(args, [](const LossRow& row, auto target) { return squared_error_row(row, target); });
}

void binary_cross_entropy_f32(const LossArgs& args) {
  const auto class_of = [&](std::int32_t label) -> std::size_t {
    if (label == 1) return 1;
    return label == (args.signed_labels ? -1 : 0) ? 0 : 2;
  };
  const std::size_t classes = args.outputs == 1 ? 2 : 0;  // labels serve one output only
  batch_loss(
      args, classes, class_of,
      [](const LossRow& row, std::size_t index) { return (row.output[0] > 0.0F) == (index == 1); },
      [](const LossRow& row, std::size_t index) {
        return binary_cross_entropy_row(row, BinaryTarget{static_cast<float>(index)});
      },
      [&](const LossRow& row, std::size_t sample) {
        const float* target = args.targets + sample * args.outputs;
        return args.signed_labels ? binary_cross_entropy_row(row, SignedRowTarget{target})
                                  : binary_cross_entropy_row(row, RowTarget{target});
      });
}

void softmax_cross_entropy_f32(const LossArgs& args) {
  if constexpr (simd::kLanes > 1) {
    if (args.labels != nullptr && args.outputs < simd::kLanes) return short_rows_cross_entropy(args);
  }
  class_loss(args, [](const LossRow& row, auto target) { return softmax_row<false>(row, target); });
}

void kl_divergence_f32(const LossArgs& args) {
  class_loss(args, [](const LossRow& row, auto target) { return softmax_row<true>(row, target); });
}

}  // namespace mote::MOTE_KERNELS
