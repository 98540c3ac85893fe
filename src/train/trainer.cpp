// SPDX-License-Identifier: Apache-2.0
// Trainer: planning into the caller's arena, and the loop over the plan's steps.
#include "mote/train/trainer.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "plan/plan_in_arena.hpp"
#include "train/self_check.hpp"

namespace mote {
namespace detail {
float square_root(float value) { return __builtin_sqrtf(value); }
/// Words as bytes: labels are integers.
void mark_used_up(float* first, std::size_t stride, std::uint32_t samples) {
  for (std::uint32_t sample = 0; sample < samples; ++sample)
    std::memcpy(first + sample * stride, &kUsedUp, sizeof kUsedUp);
}

Status check_written(const float* first, std::size_t stride, std::uint32_t samples, Code missing) {
  for (std::uint32_t sample = 0; sample < samples; ++sample)
    if (std::memcmp(first + sample * stride, &kUsedUp, sizeof kUsedUp) == 0) return {missing, kNoLayer, sample};
  return {};
}
}  // namespace detail

namespace {
Code run_steps(const Model& model, const Plan& plan, const TrainConfig& config, std::size_t first, std::size_t last,
               const Memory& memory, UpdateState& state, volatile std::uint16_t& cursor) {
  for (std::size_t i = first; i < last; ++i) {
    const auto step = static_cast<std::uint16_t>(i);
    cursor = step;
    detail::before_step(plan, memory.arena, step);
    const Binding binding(model, plan, plan.steps[i], memory);
    const Code code = run_step(binding, TrainingChoice{{binding}, config}, config, state);
    detail::after_step(plan, memory.arena, step);
    if (code != Code::ok) return code;
  }
  return Code::ok;
}

Memory with_threads(Memory memory, const Threads* threads) {
  memory.threads = threads;
  return memory;
}
}  // namespace

Code DynamicProgram::run_slice(const Memory& memory, UpdateState& state, volatile std::uint16_t& cursor) const {
  return run_steps(model_, plan_, config_, 0, plan_.slice_steps, with_threads(memory, threads_), state, cursor);
}
Code DynamicProgram::run_update(const Memory& memory, UpdateState& state, volatile std::uint16_t& cursor) const {
  return run_steps(model_, plan_, config_, plan_.slice_steps, plan_.steps.size(), with_threads(memory, threads_), state,
                   cursor);
}

void DynamicProgram::evaluate(const Memory& memory, LossResult& result, volatile std::uint16_t& cursor) const {
  const Memory threaded = with_threads(memory, threads_);
  for (std::size_t i = 0; i < plan_.forward_steps; ++i) {
    const auto step = static_cast<std::uint16_t>(i);
    cursor = step;
    detail::before_step(plan_, memory.arena, step);
    const Binding binding(model_, plan_, plan_.steps[i], threaded);
    run_forward(binding, ForwardChoice{binding});
    detail::after_step(plan_, memory.arena, step);
  }
  const Binding loss(model_, plan_, plan_.steps[plan_.forward_steps], memory);
  detail::run_loss(loss, TrainingChoice{{loss}, config_}, config_, result, false);
}

Status DynamicProgram::check_arena(std::uint32_t updates) const {
  if (plan_.steps.empty()) return {Code::not_created};
  if (!detail::intact(plan_, stamp_, updates)) return {Code::arena_overwritten};
  return {};
}
void DynamicProgram::stamp_arena(std::uint32_t updates) const { detail::set_last_stamp(plan_, stamp_ + updates); }

Result<Trainer> Trainer::create(const Model& model, const TrainConfig& config, std::span<std::byte> arena) {
  MOTE_TRY(validate(model, config));
  detail::require_unfused_products();
  Trainer trainer;
  MOTE_TRY_ASSIGN(trainer.plan_, detail::plan_in_arena(model, plan_options(config), arena));
  for (std::size_t i = 0; i < model.layers.size(); ++i) {
    const Layer& layer = model.layers[i];
    const auto index = static_cast<std::uint16_t>(i);
    const bool by_float = layer.op == Op::input || layer.trainable() || i == trainer.plan_.output_layer;
    if (by_float && layer.dtype != DType::f32) return Status{Code::unsupported_dtype, index};
    if (layer.param_bytes != 0 && !layer.trainable() && model.params == nullptr)
      return Status{Code::missing_parameters, index};
  }
  MOTE_TRY(detail::check_alignment(model));
  trainer.model_ = model;
  trainer.config_ = config;
  trainer.arena_ = arena.data();
  trainer.stamp_ = detail::stamp_of(trainer.plan_);
  if (model.params != nullptr || model.trained_params != nullptr) {
    MOTE_TRY(trainer.load_params(model));
  } else {
    trainer.init_params(config.seed);
  }
  return trainer;
}

Result<std::size_t> required_arena_bytes(const Model& model, const TrainConfig& config,
                                         std::span<std::byte> workspace) {
  MOTE_TRY(validate(model, config));
  return detail::arena_bytes_for(model, plan_options(config), workspace);
}

}  // namespace mote
