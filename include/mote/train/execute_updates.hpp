// SPDX-License-Identifier: Apache-2.0
// The executor's update steps: what an optimiser makes of one layer's gradient. Part of execute_training.hpp.
#pragma once

#include "mote/requirements.hpp"
#ifndef MOTE_WARN_IN_HEADERS
#pragma GCC system_header
#endif

#include "mote/run/execute.hpp"
#include "mote/train/operator_gradients.hpp"
#include "mote/train/train_config.hpp"

namespace mote {

/// What changes from update to update.
struct UpdateState {
  float learning_rate = 0.0F;
  float correction1 = 1.0F, correction2 = 1.0F;  // Adam: 1 - decay^t
  LossResult result{};
};

namespace detail {

constexpr auto update_kernel(OptimizerKind kind) {
  switch (kind) {
    case OptimizerKind::sgd: return kernels::sgd_f32;
    case OptimizerKind::momentum: return kernels::momentum_f32;
    case OptimizerKind::nesterov: return kernels::nesterov_f32;
    case OptimizerKind::adagrad: return kernels::adagrad_f32;
    case OptimizerKind::rmsprop: return kernels::rmsprop_f32;
    case OptimizerKind::adam: return kernels::adam_f32;
    case OptimizerKind::gradient_descent:
    case OptimizerKind::lbfgs: break;  // Minimizer moves them
  }
  return static_cast<void (*)(const UpdateArgs&)>(nullptr);
}
template <class Use, class... Args>
MOTE_FOLDED inline void pick(OptimizerKind kind, const Use& use, Args&... args) {
  switch (kind) {
    MOTE_PICK(OptimizerKind::sgd)
    MOTE_PICK(OptimizerKind::momentum)
    MOTE_PICK(OptimizerKind::nesterov)
    MOTE_PICK(OptimizerKind::adagrad)
    MOTE_PICK(OptimizerKind::rmsprop)
    MOTE_PICK(OptimizerKind::adam)
    MOTE_PICK(OptimizerKind::gradient_descent)
    MOTE_PICK(OptimizerKind::lbfgs)
  }
}

/// One layer's update from its gradient. Running statistics move by their own momentum, whatever the optimiser; in a
/// full batch they become the statistics, the mean of the slices', and leave no gradient to search along.
template <class Choice>
MOTE_FOLDED inline void run_update(const Binding& b, const Choice& choice, const TrainConfig& config,
                                   const UpdateState& state) {
  const Optimizer& o = config.optimizer;
  for (const ParamArray& array : real_param_arrays(b.layer(), b.in())) {
    const std::size_t at = array.offset / sizeof(float);
    const auto state_at = [&](std::uint16_t buffer) {
      return buffer == kNoBuffer ? nullptr : b.at(buffer) + b.step().params / sizeof(float) + at;
    };
    UpdateArgs args{b.trained_params() + at,
                    b.param_grad() + at,
                    state_at(b.plan().state1),
                    state_at(b.plan().state2),
                    state.learning_rate,
                    static_cast<float>(o.decay1),
                    static_cast<float>(o.decay2),
                    static_cast<float>(1.0 - o.decay1),
                    static_cast<float>(1.0 - o.decay2),
                    state.correction1,
                    state.correction2,
                    o.epsilon,
                    array.weight ? o.weight_decay : 0.0F,
                    array.count};
    const auto move_statistics = [&]() MOTE_FOLDED {
      args.learning_rate = full_batch(o.kind) ? 1.0F : b.layer().beta;
      call<kernels::sgd_f32>(b, args);
      if (full_batch(o.kind)) zero_floats(b.param_grad() + at, array.count);
    };
    const auto clip = [&]() MOTE_FOLDED {
      kernels::clip_by_value_f32({b.param_grad() + at, config.clip_value, array.count});
    };
    if (!array.learned) {
      choose(choice.normalizes(), move_statistics, [] {});
      continue;
    }
    choose(choice.clips_values(), clip, [] {});
    pick(
        choice.optimizer(),
        [](auto kind, const Binding& bound, const UpdateArgs& all) MOTE_FOLDED {
          if constexpr (!full_batch(kind())) call<update_kernel(kind())>(bound, all);
        },
        b, args);
  }
  choose(
      choice.learns_range(), [&]() MOTE_FOLDED { keep_range(b); }, [] {});
}

}  // namespace detail
}  // namespace mote
