// SPDX-License-Identifier: Apache-2.0
// What a trainer runs: where the plan and the arena are, and how steps are run. DynamicProgram for any model,
// StaticProgram for one network known at compile time; what a trainer does with either is trainer.hpp.
#pragma once

#include "mote/requirements.hpp"
#ifndef MOTE_WARN_IN_HEADERS
#pragma GCC system_header
#endif

#include <array>
#include <cstddef>
#include <type_traits>

#include "mote/plan/planner.hpp"
#include "mote/run/interface.hpp"
#include "mote/train/execute_training.hpp"

namespace mote {

namespace detail {
/// What is used up is marked: the first word of every sample of what a caller writes (a float that is not a number, and
/// no label).
inline constexpr std::uint32_t kUsedUp = 0x7FC0'5EED;
/// trainer.cpp
void mark_used_up(float* first, std::size_t stride, std::uint32_t samples);
/// `missing` (detail: the sample) where a sample carries the mark.
Status check_written(const float* first, std::size_t stride, std::uint32_t samples, Code missing);
}  // namespace detail

/// A model and a plan known at run time: steps run in a loop (trainer.cpp).
class DynamicProgram {
 public:
  [[nodiscard]] const Model& source() const { return model_; }
  [[nodiscard]] const Plan& plan() const { return plan_; }
  [[nodiscard]] const TrainConfig& config() const { return config_; }
  [[nodiscard]] std::byte* arena() const { return arena_; }
  [[nodiscard]] const std::byte* frozen_params() const { return model_.params; }
  /// The value that the loss reads: the model's last, or the logits in front of its softmax.
  [[nodiscard]] Shape output_shape() const {
    return model_.layers.empty() ? Shape{} : model_.layers[plan_.output_layer].shape;
  }

  /// Divides large layers among these threads, which must outlive the trainer or be taken back (nullptr). Any number
  /// gives the same bits.
  void set_threads(const Threads* threads) { threads_ = threads; }

 protected:
  Code run_slice(const Memory& memory, UpdateState& state, volatile std::uint16_t& cursor) const;
  Code run_update(const Memory& memory, UpdateState& state, volatile std::uint16_t& cursor) const;
  void evaluate(const Memory& memory, LossResult& result, volatile std::uint16_t& cursor) const;
  [[nodiscard]] std::size_t input_elements() const { return static_cast<std::size_t>(model_.input_shape().elements()); }
  [[nodiscard]] std::size_t output_elements() const { return static_cast<std::size_t>(output_shape().elements()); }
  /// not_created, or arena_overwritten where the stamps in the arena are not what `updates` updates left there.
  [[nodiscard]] Status check_arena(std::uint32_t updates) const;
  /// Makes a stamp say how many updates the arena has seen: of two trainers on one arena, one will be refused.
  void stamp_arena(std::uint32_t updates) const;

  Model model_{};
  Plan plan_{};
  TrainConfig config_{};
  std::byte* arena_ = nullptr;
  std::uint32_t stamp_ = 0;
  const Threads* threads_ = nullptr;
};

/// A network and a configuration known at compile time: steps unrolled, arena inside.
template <const auto& kNet, const TrainConfig& kConfig, const auto& kFrozenParams>
class StaticProgram {
  static constexpr bool has_frozen() {
    for (const Layer& layer : kNet.layers)
      if (layer.param_bytes != 0 && !layer.trainable()) return true;
    return false;
  }
  static_assert(validate(kConfig).ok(), "the training configuration is not valid");
  static_assert(!has_frozen() || sizeof(kFrozenParams) >= kNet.param_bytes,
                "frozen layers need the network's parameters: give StaticTrainer the array that holds them");
  static_assert(
      !has_frozen() || alignof(std::remove_cvref_t<decltype(kFrozenParams)>) >= kParamAlignment,
      "the parameter array may lie at an odd address: make it an array of float, or declare its type alignas(4) "
      "or more");
  static constexpr PlanOptions kOptions = plan_options(kConfig);
  static_assert(
      detail::validate_statistics(kNet.model(), kOptions).ok(),
      "batch norm would be trained on one value per channel: give it a batch or micro_batch of at least 2, or "
      "freeze it");
  static constexpr auto kStaticPlan = static_plan<kNet, kOptions>();
  static constexpr Plan kPlan = kStaticPlan.view();
  static constexpr Model kModel = kNet.model();
  static constexpr Shape kOutput = kModel.layers[kPlan.output_layer].shape;
  static constexpr auto kInputElements = static_cast<std::size_t>(kModel.input_shape().elements());
  static constexpr auto kOutputElements = static_cast<std::size_t>(kOutput.elements());

 public:
  static constexpr std::size_t arena_bytes = kPlan.arena_bytes;
  static constexpr bool kHasState = detail::has_state(kModel);
  static constexpr bool kSeveralInputs = kModel.input_count() > 1;
  static constexpr bool kInt8Weights = std::any_of(kModel.layers.begin(), kModel.layers.end(), stores_narrow_weights);
  static constexpr bool kFullBatch = full_batch(kConfig.optimizer.kind);
  static constexpr std::uint32_t trained_alignment = kConfig.alignment;

  [[nodiscard]] static constexpr const Model& source() { return kModel; }
  [[nodiscard]] static constexpr const Plan& plan() { return kPlan; }
  [[nodiscard]] static constexpr const TrainConfig& config() { return kConfig; }
  [[nodiscard]] static constexpr Shape output_shape() { return kOutput; }
  [[nodiscard]] std::byte* arena() { return arena_.data(); }
  [[nodiscard]] const std::byte* arena() const { return arena_.data(); }
  [[nodiscard]] static const std::byte* frozen_params() { return reinterpret_cast<const std::byte*>(&kFrozenParams); }
  /// Where the trainable layers' parameters are: a StaticSession of the network that is given this trainer reads them.
  [[nodiscard]] MOTE_FOLDED const std::byte* trained_params() const {
    return arena_.data() + kPlan.buffers[kPlan.parameters].offset;
  }

 protected:
  Code run_slice(const Memory& memory, UpdateState& state, volatile std::uint16_t& cursor) {
    return run_steps<0, kPlan.slice_steps>(memory, state, cursor);
  }
  Code run_update(const Memory& memory, UpdateState& state, volatile std::uint16_t& cursor) {
    return run_steps<kPlan.slice_steps, kPlan.steps.size()>(memory, state, cursor);
  }
  void evaluate(const Memory& memory, LossResult& result, volatile std::uint16_t& cursor) {
    static_cast<void>(detail::for_steps<0, kPlan.forward_steps>([&](auto step) MOTE_FOLDED {
      cursor = step;
      detail::before_step(kPlan, arena_.data(), step);
      run_forward(Binding(kModel, kPlan, kStaticPlan.steps[step], memory), ChoiceOf<step>{});
      detail::after_step(kPlan, arena_.data(), step);
      return Code::ok;
    }));
    constexpr std::size_t kLoss = kPlan.forward_steps;
    detail::run_loss(Binding(kModel, kPlan, kStaticPlan.steps[kLoss], memory), ChoiceOf<kLoss>{}, kConfig, result,
                     false);
  }
  static constexpr std::size_t input_elements() { return kInputElements; }
  static constexpr std::size_t output_elements() { return kOutputElements; }
  static constexpr Status check_arena(std::uint32_t) { return {}; }  // the arena is nobody else's
  static constexpr void stamp_arena(std::uint32_t) {}

 private:
  template <std::size_t kIndex>
  using ChoiceOf =
      TrainingConstants<kModel.layers[kStaticPlan.steps[kIndex].layer].op, kStaticPlan.steps[kIndex].second_form,
                        operand_type(kModel, kStaticPlan.steps[kIndex]),
                        rounds_weights(kModel.layers[kStaticPlan.steps[kIndex].layer]), kStaticPlan.steps[kIndex].kind,
                        kStaticPlan.steps[kIndex].fused, kConfig>;
  template <std::size_t kFirst, std::size_t kLast>
  Code run_steps(const Memory& memory, UpdateState& state, volatile std::uint16_t& cursor) {
    return detail::for_steps<kFirst, kLast>([&](auto step) MOTE_FOLDED {
      cursor = step;
      detail::before_step(kPlan, arena_.data(), step);
      const Code code =
          run_step(Binding(kModel, kPlan, kStaticPlan.steps[step], memory), ChoiceOf<step>{}, kConfig, state);
      detail::after_step(kPlan, arena_.data(), step);
      return code;
    });
  }

  alignas(kConfig.alignment) std::array<std::byte, arena_bytes> arena_{};
};

}  // namespace mote
