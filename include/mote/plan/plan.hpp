// SPDX-License-Identifier: Apache-2.0
// The plan: a flat list of steps (what to call, in order) and of buffers (bytes, offset, first and last step).
// Training only appends steps. No kernel is named here and no pointer is stored. Plans are made by planner.hpp.
#pragma once

#include "mote/requirements.hpp"
#ifndef MOTE_WARN_IN_HEADERS
#pragma GCC system_header
#endif

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "mote/model/model.hpp"
#include "mote/train/loss.hpp"

namespace mote {

enum class StepKind : std::uint8_t {
  forward,        ///< output = f(input [, second [, third]]); of `output` records nothing: they say where it lies
  loss,           ///< loss of input, and its gradient into grad_output
  grad_input,     ///< grad_input = J^T grad_output
  add_gradient,   ///< grad_input += second: a value that several layers read sums their gradients
  grad_params,    ///< param_grad += parameter gradient, or (fused) the SGD update of the parameters themselves
  penalize,       ///< param_grad += gradient of the L1 and L2 penalties
  gradient_norm,  ///< output[layer] = norm of the layer's gradient
  clip_norm,      ///< scales all gradients if their global norm is too large
  update,         ///< optimiser step of one layer from param_grad; full batch: running statistics only
};

inline constexpr std::uint16_t kNoBuffer = 0xFFFF;

/// One call. Buffer fields are indices into Plan::buffers.
struct Step {
  StepKind kind = StepKind::forward;
  bool trained = false;      // `params` counts in the plan's parameter buffer
  bool fused = false;        // grad_params: update in place, no gradient buffer; grad_input: that update too
  bool second_form = false;  // add: with broadcasting; its gradient: added up; softmax: along another axis than
                             // channels; batch norm: of the batch's statistics; narrow or rounded weights
  std::uint16_t layer = 0;
  std::uint16_t input_index = 0;     // which of the layer's operands (add, concat, gradients)
  std::uint16_t input = kNoBuffer;   // value of that input
  std::uint16_t output = kNoBuffer;  // value of the layer
  std::uint16_t second = kNoBuffer;  // the other operand of sums and add_gradient; the loss's targets, if the input
  std::uint16_t grad_output = kNoBuffer;
  std::uint16_t grad_input = kNoBuffer;
  std::uint16_t param_grad = kNoBuffer;  // also forward, grad_input: where narrow or rounded weights are in float32
  std::uint16_t saved = kNoBuffer;       // batch statistics; gates and states of recurrent layers
  std::uint16_t activation = kNoLayer;   // the layer that clamps this one's output within the same kernel; grad_input:
                                         // whose gradient the kernel takes too
  std::uint16_t scratch = kNoBuffer;
  std::uint16_t sum = kNoLayer;         // the layer that adds `second` to this one's output within the same kernel
  std::uint16_t third = kNoBuffer;      // a third operand
  std::uint16_t result = kNoBuffer;     // a second result; backward: its gradient
  std::uint32_t params = 0;             // byte offset of the layer's parameters, in the model's block or, if
  std::uint32_t param_grad_offset = 0;  //   `trained`, in the plan's parameter buffer; likewise in param_grad
};
static_assert(sizeof(Step) == 40);

/// The buffer of a step that has its layer's narrow or rounded weights in float32, or kNoBuffer. Inlined: where it is
/// known when compiling, it must not keep the plan in flash.
[[gnu::always_inline]] constexpr std::uint16_t widened_params(const Step& step) {
  const bool reads = step.kind == StepKind::forward || step.kind == StepKind::grad_input;
  return step.second_form && reads ? step.param_grad : kNoBuffer;
}

enum class BufferKind : std::uint8_t {
  input,
  constant,  ///< in the parameter block: `offset` counts from its start
  state,
  activation,
  gradient,
  sum_gradient,
  param_gradient,
  saved,
  scratch,
  labels,
  targets,
  sample_weights,
  parameters,
  optimizer_state1,
  optimizer_state2,
  gradient_norms,
};
constexpr bool in_arena(BufferKind kind) { return kind != BufferKind::constant; }
inline constexpr std::size_t kBufferKinds = 16;
constexpr const char* name(BufferKind kind) {
  constexpr std::array<const char*, kBufferKinds> names{
      "input",         "constant",       "state",      "activation",       "gradient",
      "sum_gradient",  "param_gradient", "saved",      "scratch",          "labels",
      "targets",       "sample_weights", "parameters", "optimizer_state1", "optimizer_state2",
      "gradient_norms"};
  return names[static_cast<std::size_t>(kind)];
}

/// A run of bytes in the arena, alive from the start of `first_step` to the end of `last_step`; a constant's are
/// elsewhere and take none.
struct Buffer {
  std::uint32_t bytes = 0;
  std::uint32_t offset = 0;
  std::uint16_t first_step = 0;
  std::uint16_t last_step = 0;
  std::uint16_t layer = 0;  // whose value, gradient or scratch
  BufferKind kind = BufferKind::activation;
  DType dtype = DType::f32;        // of a value
  std::uint16_t next = kNoBuffer;  // placement's
  std::uint16_t unused = 0;        // no padding: tables are hashed
};
static_assert(sizeof(Buffer) == 20);

/// What the plan depends on beside the model. plan_options(TrainConfig) in trainer.hpp fills the training part.
struct PlanOptions {
  std::uint32_t batch = 1;       ///< samples per run; in training: per slice (micro-batch)
  std::uint32_t alignment = 16;  ///< of every buffer, a power of two; 64 is fastest where vectors are wide
  bool external_input = false;   ///< input and its size stay with the caller: set_input()
  bool training = false;
  Loss loss = Loss::softmax_cross_entropy;
  Targets targets = Targets::automatic;
  bool sample_weights = false;
  bool accumulate = false;        ///< several slices per update: gradients of all layers are kept
  bool clip_norm = false;         ///< the same need
  bool gradient_buffers = false;  ///< the optimiser or clipping wants each gradient whole: no fused update
  bool penalty = false;
  bool full_batch = false;      ///< minimize() moves the parameters: gradients are kept, no updates planned
  bool gradient_norms = false;  ///< one float a layer for the norm of its gradient, and the steps that take it
  bool unjoined = false;        ///< every layer's value is written by a step of its own: no kernel applies the layer
                                ///< behind it, so that who looks at memory after each step sees all values
  std::uint8_t optimizer_states = 0;  ///< blocks as large as the trained parameters: one in state1, the rest in state2
};

/// One sample at a time, tightly packed.
inline constexpr PlanOptions kDefaultPlan{};

struct PlanSize {
  std::size_t steps = 0;
  std::size_t buffers = 0;
  /// Of both tables and of the stamps around them, by which a session or trainer knows that its arena is still its own.
  [[nodiscard]] constexpr std::size_t table_bytes() const {
    return steps * sizeof(Step) + buffers * sizeof(Buffer) + 2 * sizeof(std::uint32_t);
  }
};

/// The longest tables that asking for a plan's size puts on the stack.
inline constexpr std::size_t kStackTableBytes = 6144;

/// What the planner found, without its tables.
struct PlanSummary {
  PlanOptions options{};
  std::uint32_t arena_bytes = 0;        ///< end of the last buffer: what the buffers need
  std::uint32_t lower_bound_bytes = 0;  ///< largest sum of live bytes over the steps: no plan of these steps is smaller
  std::uint16_t forward_steps = 0;      ///< steps [0, forward_steps) are the forward pass
  std::uint16_t slice_steps = 0;        ///< steps [0, slice_steps) run for every slice, the rest once per update
  std::uint16_t output_layer = 0;       ///< whose value is the output: in training the one the loss reads
  std::uint16_t input = kNoBuffer, output = kNoBuffer, labels = kNoBuffer, targets = kNoBuffer;
  std::uint16_t sample_weights = kNoBuffer, parameters = kNoBuffer, param_gradients = kNoBuffer;
  std::uint16_t state1 = kNoBuffer, state2 = kNoBuffer, gradient_norms = kNoBuffer;
};

/// With a view of the tables, the caller's arrays.
struct Plan : PlanSummary {
  std::span<const Step> steps{};
  std::span<const Buffer> buffers{};
};

#if defined(MOTE_GUARD)
inline constexpr std::uint32_t kGuardBytes = 16;  // a canary behind every buffer
#else
inline constexpr std::uint32_t kGuardBytes = 0;
#endif

}  // namespace mote
