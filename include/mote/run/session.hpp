// SPDX-License-Identifier: Apache-2.0
// Inference. Session runs any model from a planned arena; StaticSession one network known at compile time, unrolled.
// Everything that can fail fails in create(); run() cannot.
#pragma once

#include "mote/requirements.hpp"
#ifndef MOTE_WARN_IN_HEADERS
#pragma GCC system_header
#endif

#include <array>
#include <cstddef>
#include <span>

#include "mote/plan/planner.hpp"
#include "mote/run/execute.hpp"

namespace mote {

/// Bytes the arena of Session::create(model, arena, options) must have, exactly: buffers and plan tables.
/// `workspace` (4-byte aligned) holds the plan's tables while counting. Where it is too small, a workspace of
/// kStackTableBytes on the stack is taken; where that is too small as well: output_too_small (detail: bytes wanted).
Result<std::size_t> required_arena_bytes(const Model& model, const PlanOptions& options = {},
                                         std::span<std::byte> workspace = {});

/// Index of the largest value; the first of equals.
template <class T>
constexpr std::size_t argmax(std::span<const T> values) {
  std::size_t best = 0;
  for (std::size_t i = 1; i < values.size(); ++i)
    if (values[i] > values[best]) best = i;
  return best;
}
template <class T>
constexpr std::size_t argmax(std::span<T> values) {
  return argmax(std::span<const T>(values));
}

/// A planned model in a caller's arena. Owns nothing; copyable like the pointers it holds. Model, parameters and arena
/// must outlive it. One thread at a time.
class Session {
 public:
  Session() = default;

  /// Plans the model in `arena`: buffers at its start, plan tables at its end.
  /// Errors: whatever validate() finds; arena_too_small (detail: the bytes needed, exactly; for plans of more than
  /// kStackTableBytes in an arena that cannot hold the tables, at least), arena_misaligned (detail: alignment),
  /// missing_parameters, unsupported_dtype, bad_option (a training plan, or external input where no layer computes).
  static Result<Session> create(const Model& model, std::span<std::byte> arena, const PlanOptions& options = {});

  /// The input of the next run, batch * input_shape values. Its memory serves other layers during run(): fill it anew.
  template <class T>
  [[nodiscard]] std::span<T> input() {
    return values<T>(plan_.input, model_.input_shape());
  }
  /// The result of the last run, batch * output_shape values; stays until the next run.
  template <class T>
  [[nodiscard]] std::span<T> output() {
    return values<T>(plan_.output, model_.output_shape());
  }
  /// With PlanOptions::external_input: where the next run reads, batch * input_shape floats, only read.
  void set_input(const float* input) { memory_.external_input = input; }

  /// Divides large layers among these threads, which must outlive the session or be taken back (nullptr). Any number
  /// gives the same bits.
  void set_threads(const Threads* threads) { memory_.threads = threads; }

  void run();

  [[nodiscard]] const Plan& plan() const { return plan_; }
  [[nodiscard]] const Model& model() const { return model_; }
  [[nodiscard]] std::size_t arena_bytes() const { return plan_.arena_bytes + tables_bytes(); }
  /// The step that runs or ran last: in a debugger after a fault, plan().steps[cursor()] names the layer.
  [[nodiscard]] std::uint16_t cursor() const { return cursor_; }
  /// Instruction set of the kernels, e.g. "avx512".
  [[nodiscard]] const char* isa() const { return isa_name(); }

 private:
  [[nodiscard]] std::size_t tables_bytes() const {
    return PlanSize{plan_.steps.size(), plan_.buffers.size()}.table_bytes();
  }
  template <class T>
  std::span<T> values(std::uint16_t buffer, const Shape& shape) {
    if (buffer == kNoBuffer) return {};
    return {reinterpret_cast<T*>(memory_.arena + plan_.buffers[buffer].offset),
            static_cast<std::size_t>(shape.elements()) * plan_.options.batch};
  }

  Model model_{};
  Plan plan_{};
  Memory memory_{};
  volatile std::uint16_t cursor_ = 0;
};

/// Inference of a constexpr network: plan made by the compiler, arena inside the object, every step unrolled into its
/// kernel call. `kNet` is a Network, `kParams` the array of its parameters (kNet.param_bytes, laid out as kNet.layers
/// say, aligned to Network::alignment), both with static storage; parameters stay where they are (flash). A static
/// object of this type is all zeros: it lies in .bss and costs no flash.
template <const auto& kNet, const auto& kParams, const PlanOptions& kOptions = kDefaultPlan>
class StaticSession {
  static_assert(!kOptions.training && !kOptions.external_input);
  static_assert(sizeof(kParams) >= kNet.param_bytes, "the parameter array is smaller than the network's parameters");
  static constexpr auto kStaticPlan = static_plan<kNet, kOptions>();
  static constexpr Plan kPlan = kStaticPlan.view();
  static constexpr Model kModel = kNet.model();

 public:
  static constexpr std::size_t arena_bytes = kPlan.arena_bytes;

  template <class T>
  [[nodiscard]] std::span<T> input() {
    return {reinterpret_cast<T*>(arena_.data() + kPlan.buffers[kPlan.input].offset),
            static_cast<std::size_t>(kModel.input_shape().elements()) * kOptions.batch};
  }
  template <class T>
  [[nodiscard]] std::span<T> output() {
    return {reinterpret_cast<T*>(arena_.data() + kPlan.buffers[kPlan.output].offset),
            static_cast<std::size_t>(kModel.output_shape().elements()) * kOptions.batch};
  }
  void run() {
    Memory memory;
    memory.arena = arena_.data();
    memory.params = reinterpret_cast<const std::byte*>(&kParams);
    detail::for_steps<0, kPlan.steps.size()>([&](auto step) MOTE_FOLDED {
      cursor_ = step;
      detail::before_step(kPlan, arena_.data(), step);
      constexpr const Step& kStep = kStaticPlan.steps[step];
      run_forward(Binding(kModel, kPlan, kStep, memory),
                  ForwardConstants<kModel.layers[kStep.layer].op, kStep.saved != kNoBuffer>{});
      detail::after_step(kPlan, arena_.data(), step);
      return Code::ok;
    });
  }

  [[nodiscard]] static constexpr const Plan& plan() { return kPlan; }
  [[nodiscard]] std::uint16_t cursor() const { return cursor_; }

 private:
  alignas(kOptions.alignment) std::array<std::byte, arena_bytes> arena_{};
  volatile std::uint16_t cursor_ = 0;
};

}  // namespace mote
