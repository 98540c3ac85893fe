// SPDX-License-Identifier: Apache-2.0
// What a trainer is asked for: loss, optimiser, batch, clipping, penalties; its ranges, and what of it the plan needs.
#pragma once

#include "mote/requirements.hpp"
#ifndef MOTE_WARN_IN_HEADERS
#pragma GCC system_header
#endif

#include <cstdint>

#include "mote/plan/plan.hpp"
#include "mote/train/loss.hpp"
#include "mote/train/optimizer.hpp"
#include "mote/train/schedule.hpp"

namespace mote {

/// What to train for and how. Plain data: a constexpr object for StaticTrainer, an argument for Trainer::create.
/// What happens to a gradient, in this order: the slices of a batch are added; gradient_norms() takes its norms; L1 and
/// L2 are added; clip_norm scales all of it to one norm, penalties included; clip_value cuts each element; the
/// optimiser takes what is left. adamw()'s weight decay and batch norm's running statistics pass all this by.
struct TrainConfig {
  Loss loss = Loss::softmax_cross_entropy;
  Targets targets = Targets::automatic;
  bool signed_labels = false;  ///< binary cross-entropy: labels and targets are -1 and +1
  Optimizer optimizer = sgd();
  Schedule schedule{};            ///< constant
  std::uint32_t batch = 1;        ///< samples per update; for a full-batch optimiser all there are. Trained batch
                                  ///< norm needs slice x height x width > 1
  std::uint32_t micro_batch = 0;  ///< samples per slice, a divisor of batch; 0: batch. Smaller slices trade
                                  ///< the batch's activations for one block of gradients, and give the same
                                  ///< update to rounding, except behind a batch norm: its statistics in
                                  ///< training are each slice's own
  float clip_value = 0.0F;        ///< each gradient element into [-clip_value, clip_value]; 0: off
  float clip_norm = 0.0F;         ///< gradients scaled so that their global norm is at most this; 0: off
  float l1 = 0.0F, l2 = 0.0F;     ///< the objective has l1 sum |w| + l2/2 sum w^2; the reported loss has not.
                                  ///< Over weights, RBF centres among them
  bool penalize_bias = false;     ///< over biases, batch norm's gamma and beta, RBF widths and splines too
  const float* class_weights = nullptr;  ///< one factor a class, or null; stays with the caller
  bool sample_weights = false;           ///< one factor a sample, written to sample_weights()
  std::uint64_t seed = 1;  ///< of dropout and noise; with the same seed, data and parameters a run repeats bit for bit
  bool external_input = false;   ///< the batch's input stays in the caller's memory: set_input()
  std::uint32_t alignment = 16;  ///< of the plan's buffers; 64 is fastest where vectors are wide
  bool gradient_norms = false;   ///< gradient_norms() of the trainer: costs a pass over every gradient
};

constexpr std::uint32_t slice_samples(const TrainConfig& c) { return c.micro_batch == 0 ? c.batch : c.micro_batch; }

/// Checks ranges; errors bad_batch and bad_option with the field.
constexpr Status validate(const TrainConfig& c) {
  if (c.batch == 0 || c.batch % slice_samples(c) != 0) return {Code::bad_batch, kNoLayer, c.batch};
  if (!valid(c.optimizer)) return bad_option(Option::optimizer);
  if (!valid(c.schedule)) return bad_option(Option::schedule);
  const auto non_negative = [](float v) { return v >= 0.0F && detail::finite(v); };
  if (!non_negative(c.clip_value)) return bad_option(Option::clip_value);
  if (!non_negative(c.clip_norm)) return bad_option(Option::clip_norm);
  if (!non_negative(c.l1)) return bad_option(Option::l1);
  if (!non_negative(c.l2)) return bad_option(Option::l2);
  if (c.alignment < 4 || c.alignment > 4096 || (c.alignment & (c.alignment - 1)) != 0)
    return bad_option(Option::alignment);
  if (!full_batch(c.optimizer.kind)) return {};
  // A line search sets the rate, and looks for a minimum of one smooth function: no schedule, clipping or corner.
  if (c.schedule.kind != ScheduleKind::constant || c.schedule.warmup_steps != 0) return bad_option(Option::schedule);
  if (c.clip_value != 0.0F) return bad_option(Option::clip_value);
  if (c.clip_norm != 0.0F) return bad_option(Option::clip_norm);
  if (c.l1 != 0.0F) return bad_option(Option::l1);
  return {};
}

/// The part of the configuration that the plan depends on.
constexpr PlanOptions plan_options(const TrainConfig& c) {
  PlanOptions options;
  options.batch = slice_samples(c);
  options.alignment = c.alignment;
  options.external_input = c.external_input;
  options.training = true;
  options.loss = c.loss;
  options.targets = c.targets;
  options.sample_weights = c.sample_weights;
  options.accumulate = slice_samples(c) != c.batch;
  options.clip_norm = c.clip_norm > 0.0F;
  options.gradient_buffers = c.optimizer.kind != OptimizerKind::sgd || c.clip_value > 0.0F;
  options.penalty = c.l1 > 0.0F || c.l2 > 0.0F;
  options.full_batch = full_batch(c.optimizer.kind);
  options.gradient_norms = c.gradient_norms;
  options.optimizer_states = static_cast<std::uint8_t>(state_buffers(c.optimizer));
  return options;
}

namespace detail {
/// The largest magnitude of a gradient whose step is finite and whose rule keeps a finite state: squares that are not
/// would stop their parameter for ever, and Adagrad adds them up; a velocity grows to 1 / (1 - momentum) steps. What
/// clip_value cuts afterwards may be any finite number.
[[gnu::always_inline]] constexpr float largest_gradient(const TrainConfig& config) {
  constexpr float kLargest = 0x1.FFFFFEp+127F;
  if (config.clip_value > 0.0F) return kLargest;
  switch (config.optimizer.kind) {
    case OptimizerKind::adagrad: return 0x1p56F;
    case OptimizerKind::rmsprop:
    case OptimizerKind::adam: return 0x1.FFFFFEp+63F;
    case OptimizerKind::momentum:
    case OptimizerKind::nesterov: return kLargest * static_cast<float>(1.0 - config.optimizer.decay1);
    default: return kLargest;
  }
}
}  // namespace detail

}  // namespace mote
