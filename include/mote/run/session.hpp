// SPDX-License-Identifier: Apache-2.0
// Inference. Session runs any model from a planned arena; StaticSession one network known at compile time, unrolled.
// Everything that can fail fails in create(). run() cannot, but for a mistake in the program, at which it stops.
#pragma once

#include "mote/requirements.hpp"
#ifndef MOTE_WARN_IN_HEADERS
#pragma GCC system_header
#endif

#include <array>
#include <cstddef>
#include <span>
#include <type_traits>

#include "mote/plan/planner.hpp"
#include "mote/run/execute.hpp"
#include "mote/run/interface.hpp"
#include "mote/run/static_memory.hpp"
#include "mote/run/values.hpp"

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
/// must outlive it. One thread at a time. The arena is the session's alone: its plan is in it. Another session or
/// trainer that is created there, or a loop that clears it, ends the session (arena_overwritten); sessions of one plan
/// without states may take turns in it, and create() may be called anew for every change of model.
class Session {
 public:
  Session() = default;

  /// Plans the model in `arena`: buffers at its start, plan tables at its end.
  /// Errors: whatever validate() finds; arena_too_small (detail: the bytes needed, exactly; for plans of more than
  /// kStackTableBytes in an arena that cannot hold the tables, at least), arena_misaligned (detail: alignment),
  /// memory_overlaps (the model or its parameters lie in the arena, as those of a trainer there do),
  /// missing_parameters, params_misaligned (detail: alignment), unsupported_dtype, bad_option (a training plan, or
  /// external input where no layer computes).
  static Result<Session> create(const Model& model, std::span<std::byte> arena, const PlanOptions& options = {});

  /// Input `i` of the next run, batch * model().input_shape(i) values. Its memory serves other layers during run():
  /// fill it anew. Empty with external input, and where the model has no input `i`. T is the element type of the input:
  /// float, std::int8_t, std::uint8_t (also of booleans, 0 or 1), std::int16_t or std::int32_t; another one does not
  /// compile, or ends in panic().
  template <class T = float>
  [[nodiscard]] Values<T> input(std::size_t i = 0) {
    const detail::Interface at = detail::input_of(model_, plan_, i);
    const Values<T> out = values<T>(at);
    if (!out.empty()) handed_out_.give(plan_, memory_.arena, at.buffer);
    return out;
  }
  /// Output `i` of the last run, batch * model().output_shape(i) values; stays until the next run or the next write to
  /// an input, whose memory it may share. T as for input().
  template <class T = float>
  [[nodiscard]] Values<T> output(std::size_t i = 0) {
    return values<T>(detail::output_of(model_, plan_, i));
  }
  /// Forgets what earlier runs left for this one: states are zero, or what the model says they begin with.
  void reset_state() { detail::reset_states(model_, plan_, memory_.arena, memory_.params); }
  /// With PlanOptions::external_input: where the next run reads, batch * input_shape floats, only read.
  void set_input(const float* input) { memory_.external_input = input; }

  /// Divides large layers among these threads, which must outlive the session or be taken back (nullptr). Any number
  /// gives the same bits.
  void set_threads(const Threads* threads) { memory_.threads = threads; }

  /// What run() would stop at: not_created (create() did not make this session), arena_overwritten (by what its stamps
  /// tell), missing_input (external, and set_input() was not called).
  [[nodiscard]] Status check() const;
  /// Where check() is not ok it ends in panic() (port.hpp).
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
  Values<T> values(const detail::Interface& at) {
    static_assert(
        detail::dtype_of<T>() != DType::none,
        "a session's values are float, std::int8_t, std::uint8_t, std::int16_t or std::int32_t: take the type "
        "of the input or output and convert it");
    if (at.buffer == kNoBuffer) return {};
    const Layer& layer = model_.layers[at.layer];
    if (!detail::holds<T>(layer.dtype)) [[unlikely]]
      panic(
          "input<T>() or output<T>() was asked for another element type than the model's; take input<float>(), or "
          "what model().layers says");
    const std::size_t count = static_cast<std::size_t>(layer.shape.elements()) * plan_.options.batch;
    return {reinterpret_cast<T*>(memory_.arena + detail::offset_in(plan_, at.buffer, count * sizeof(T))), count};
  }

  Model model_{};
  Plan plan_{};
  Memory memory_{};
  std::uint32_t stamp_ = 0;
  [[no_unique_address]] detail::HandedOut handed_out_{};
  std::uint16_t cursor_ = 0;  // written as a volatile; a volatile member would not be constinit for every compiler
};

/// Inference of a constexpr network: plan made by the compiler, every step unrolled into its kernel call. `kNet` is a
/// Network with static storage. `kParams`, with static storage too, is what it runs on:
/// - the array of its parameters (kNet.param_bytes, laid out as kNet.layers say), which stays where it is (flash);
/// - a StaticTrainer of the same network: what it has learned so far, without a copy, and without a plan at run time;
/// - nothing (kNoParams): set_params() says at run time where they are.
/// The arena is inside the object, or the StaticArena named as `kArena`, which other sessions may use in turn. The
/// object is as large as arena_bytes: declare it static, where it is all zeros, lies in .bss and costs no flash; on the
/// stack nothing says that it does not fit.
template <const auto& kNet, const auto& kParams = kNoParams, const PlanOptions& kOptions = kDefaultPlan,
          auto& kArena = kOwnArena>
class StaticSession {
  using Source = std::remove_cvref_t<decltype(kParams)>;
  using Arena = std::remove_cvref_t<decltype(kArena)>;
  static constexpr Model kModel = detail::model_on<Source>(kNet.model());
  static constexpr bool kOfTrainer = detail::TrainedSource<Source>;
  static constexpr bool kGivenParams = std::is_same_v<Source, NoParams> && kModel.param_bytes != 0;
  static constexpr bool kOwn = std::is_same_v<Arena, OwnArena>;
  static_assert(!kOptions.training, "PlanOptions::training is set; a StaticTrainer trains");
  static_assert(detail::HoldsBytes<Source>,
                "the parameters are an array with static storage, not a pointer or a view: leave them out and call "
                "set_params()");
  static_assert(detail::enough_params<Source>(kModel), "the parameter array is smaller than the network's parameters");
  static_assert(
      detail::aligned_params<Source>(),
      "the parameter array may lie at an odd address (what alignas says of a variable is not seen through a "
      "template): make it an array of float, or declare its type alignas(4) or more, or leave it out and call "
      "set_params()");
  static_assert(detail::params_of<Source>(kModel), "the trainer trains another network than the session's");
  static constexpr auto kStaticPlan = static_plan<kModel, kOptions>();
  static constexpr Plan kPlan = kStaticPlan.view();
  static_assert(kPlan.output != kNoBuffer, "external input, and no layer that computes: there is no output of its own");
  static_assert(kOwn || !detail::has_state(kModel),
                "the network keeps states from run to run: its session needs an arena of its own");
  static_assert(kOwn || sizeof(Arena) >= kPlan.arena_bytes,
                "the arena is smaller than this session's static_arena_bytes");
  static_assert(kOwn || alignof(Arena) >= kOptions.alignment,
                "the arena is aligned to less than PlanOptions::alignment: give StaticArena that alignment");

 public:
  static constexpr std::size_t arena_bytes = kPlan.arena_bytes;

  /// Input kIndex of the next run, batch * its shape's values. Its memory serves other layers during run(): fill it
  /// anew. Empty with external input.
  template <class T = float, std::size_t kIndex = 0>
  [[nodiscard]] Values<T> input() {
    static_assert(kIndex < kModel.input_count(), "the network has no such input");
    constexpr detail::Interface kAt = detail::input_of(kModel, kPlan, kIndex);
    handed_out_.give(kPlan, arena(), kAt.buffer);
    return values<T, kAt.layer, kAt.buffer>();
  }
  /// Output kIndex of the last run, batch * its shape's values; stays until the next run or the next write to an input.
  template <class T = float, std::size_t kIndex = 0>
  [[nodiscard]] Values<T> output() {
    static_assert(kIndex < kModel.output_count(), "the network has no such output");
    constexpr detail::Interface kAt = detail::output_of(kModel, kPlan, kIndex);
    return values<T, kAt.layer, kAt.buffer>();
  }
  /// Forgets what earlier runs left for this one.
  void reset_state() requires(detail::has_state(kModel)) {
    detail::reset_states(kModel, kPlan, arena(), params());
    memory_of_states_.begun = true;
  }
  /// With PlanOptions::external_input: where the next run reads, batch * input_shape floats, only read.
  void set_input(const float* input) requires(kOptions.external_input) { given_.input = input; }
  /// Without an array of parameters: where they are, kNet.param_bytes laid out as kNet.layers say; they stay there.
  /// Errors, after which the session has none: size_mismatch (detail: bytes needed), params_misaligned.
  Status set_params(std::span<const std::byte> params) requires(kGivenParams) {
    given_.params = nullptr;
    if (params.size() < kModel.param_bytes) return {Code::size_mismatch, kNoLayer, kModel.param_bytes};
    if (reinterpret_cast<std::uintptr_t>(params.data()) % kParamAlignment != 0)
      return {Code::params_misaligned, kNoLayer, static_cast<std::uint32_t>(kParamAlignment)};
    given_.params = params.data();
    return {};
  }

  /// What run() would stop at: missing_input (external, and set_input() was not called), missing_parameters
  /// (set_params() was not called, or the trainer has not begun). Nothing else can go wrong, and where neither is
  /// possible the check costs nothing.
  [[nodiscard]] Status check() const {
    if constexpr (kOptions.external_input)
      if (given_.input == nullptr) return {Code::missing_input};
    if constexpr (kGivenParams)
      if (given_.params == nullptr) return {Code::missing_parameters};
    if constexpr (kOfTrainer)
      if (!kParams.trained()) return {Code::missing_parameters};
    return {};
  }

  /// Where check() is not ok it ends in panic() (port.hpp).
  void run() {
    if (const Status status = check(); !status.ok()) [[unlikely]]
      panic(status);
    handed_out_.take(kPlan, arena());
    Memory memory;
    memory.arena = arena();
    if constexpr (kOptions.external_input) memory.external_input = given_.input;
    memory.params = params();
    if constexpr (kOfTrainer) memory.trained_params = kParams.trained_params();
    if constexpr (detail::has_state(kModel))
      if (!memory_of_states_.begun) reset_state();
    detail::for_steps<0, kPlan.steps.size()>([&](auto step) MOTE_FOLDED {
      static_cast<volatile std::uint16_t&>(cursor_) = step;
      detail::before_step(kPlan, arena(), step);
      constexpr const Step& kStep = kStaticPlan.steps[step];
      run_forward(Binding(kModel, kPlan, kStep, memory),
                  ForwardConstants<kModel.layers[kStep.layer].op, kStep.second_form, operand_type(kModel, kStep),
                                   rounds_weights(kModel.layers[kStep.layer])>{});
      detail::after_step(kPlan, arena(), step);
      return Code::ok;
    });
  }

  [[nodiscard]] static constexpr const Plan& plan() { return kPlan; }
  [[nodiscard]] std::uint16_t cursor() const { return cursor_; }

 private:
  struct NoArena {};
  struct NothingGiven {};
  struct NoStates {};
  struct States {
    bool begun = false;
  };
  struct Given {
    const float* input = nullptr;
    const std::byte* params = nullptr;
  };

  MOTE_FOLDED std::byte* arena() {
    if constexpr (kOwn)
      return arena_.bytes.data();
    else
      return kArena.bytes.data();
  }
  template <class T, std::size_t kLayer, std::uint16_t kBuffer>
  Values<T> values() {
    static_assert(detail::holds<T>(kModel.layers[kLayer].dtype),
                  "the network's values have another element type: take input<float>() and convert them");
    if constexpr (kBuffer == kNoBuffer)
      return {};
    else
      return {reinterpret_cast<T*>(arena() + kPlan.buffers[kBuffer].offset),
              static_cast<std::size_t>(kModel.layers[kLayer].shape.elements()) * kOptions.batch};
  }
  [[nodiscard]] MOTE_FOLDED const std::byte* params() const {
    if constexpr (kGivenParams)
      return given_.params;
    else if constexpr (kOfTrainer)
      return kParams.frozen_params();
    else
      return reinterpret_cast<const std::byte*>(&kParams);
  }

  [[no_unique_address]] std::conditional_t<kOwn, StaticArena<arena_bytes, kOptions.alignment>, NoArena> arena_{};
  [[no_unique_address]] std::conditional_t<kOptions.external_input || kGivenParams, Given, NothingGiven> given_{};
  [[no_unique_address]] std::conditional_t<detail::has_state(kModel), States, NoStates> memory_of_states_{};
  [[no_unique_address]] detail::HandedOut handed_out_{};
  std::uint16_t cursor_ = 0;
};

}  // namespace mote
