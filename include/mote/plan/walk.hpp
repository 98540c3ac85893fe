// SPDX-License-Identifier: Apache-2.0
// The walk over the model that emits steps and touches buffers. Part of the planner; it runs twice, counting and then
// writing, so that the caller's arrays are exact.
#pragma once

#include "mote/requirements.hpp"
#ifndef MOTE_WARN_IN_HEADERS
#pragma GCC system_header
#endif

#include "mote/plan/graph.hpp"
#include "mote/plan/recurrent.hpp"
#include "mote/plan/weight_tile.hpp"

namespace mote::detail {

/// Emits steps and buffers, or only counts them. A buffer is known by (kind, layer); touching it at a step extends its
/// life.
class PlanWriter {
 public:
  constexpr PlanWriter() = default;
  constexpr PlanWriter(std::span<Step> steps, std::span<Buffer> buffers)
      : steps_(steps), buffers_(buffers), writing_(true) {}

  [[nodiscard]] constexpr PlanSize size() const { return {step_count_, buffer_count_}; }
  [[nodiscard]] constexpr bool too_large() const { return too_large_; }
  [[nodiscard]] constexpr bool seen(BufferKind kind, std::size_t layer) const {
    return contains(seen_[static_cast<std::size_t>(kind)], layer);
  }
  /// What is touched next under this name is another buffer.
  constexpr void forget(BufferKind kind, std::size_t layer) {
    seen_[static_cast<std::size_t>(kind)][layer / 64] &= ~(std::uint64_t{1} << (layer % 64));
  }
  /// The buffer's index; it lives at the step that push() adds next.
  constexpr std::uint16_t touch(BufferKind kind, std::size_t layer, std::uint64_t bytes, DType dtype = DType::f32) {
    if (bytes > 0x7FFF'FFFFU) too_large_ = true;
    if (!seen(kind, layer)) {
      insert(seen_[static_cast<std::size_t>(kind)], layer);
      if (writing_)
        buffers_[buffer_count_] = {static_cast<std::uint32_t>(bytes), 0,    now(), now(),
                                   static_cast<std::uint16_t>(layer), kind, dtype};
      if (buffer_count_ == kNoBuffer - 1U)
        too_large_ = true;
      else
        ++buffer_count_;
      return static_cast<std::uint16_t>(buffer_count_ - 1);
    }
    if (!writing_) return 0;
    std::size_t i = buffer_count_;
    while (i-- > 0)
      if (buffers_[i].kind == kind && buffers_[i].layer == layer) break;
    buffers_[i].last_step = now();
    buffers_[i].bytes = std::max(buffers_[i].bytes, static_cast<std::uint32_t>(bytes));
    return static_cast<std::uint16_t>(i);
  }
  /// The buffer of a value that lies in the parameter block.
  constexpr std::uint16_t constant(std::size_t index, const Layer& layer) {
    const std::uint16_t buffer = touch(BufferKind::constant, index, 0, layer.dtype);
    if (writing_) buffers_[buffer].offset = layer.param_offset;
    return buffer;
  }
  constexpr void push(const Step& step) {
    if (writing_) steps_[step_count_] = step;
    if (step_count_ == kNoBuffer - 1U)
      too_large_ = true;
    else
      ++step_count_;
  }
  constexpr void live_always(std::uint16_t buffer, bool until_end_only = false) {
    if (!writing_ || buffer == kNoBuffer) return;
    if (!until_end_only) buffers_[buffer].first_step = 0;
    buffers_[buffer].last_step = static_cast<std::uint16_t>(step_count_ == 0 ? 0 : step_count_ - 1);
  }
  [[nodiscard]] constexpr std::uint16_t now() const { return static_cast<std::uint16_t>(step_count_); }

 private:
  std::span<Step> steps_{};
  std::span<Buffer> buffers_{};
  std::array<LayerSet, kBufferKinds> seen_{};
  std::size_t step_count_ = 0, buffer_count_ = 0;
  bool writing_ = false, too_large_ = false;
};

/// The walk. One instance emits one plan into one writer.
class Walk {
 public:
  constexpr Walk(const Model& model, const PlanOptions& options, PlanWriter& writer)
      : graph_(model, options), out_(writer) {}

  /// Emits everything; fills the fields of `plan` that are indices and counts.
  constexpr void emit(Plan& plan) {
    const PlanOptions& options = graph_.options;
    plan.output_layer = static_cast<std::uint16_t>(graph_.output_layer);
    // The caller fills these before step 0.
    if (!options.external_input) plan.input = value(0);
    for (std::size_t i = 1; i < graph_.layers.size(); ++i)
      if (graph_.layers[i].op == Op::input) value(i);
    if (options.training) emit_training_inputs(plan);
    for (std::size_t i = 1; i < graph_.layers.size(); ++i)
      if (graph_.is_needed(i)) emit_forward(i);
    plan.forward_steps = out_.now();
    plan.output = value(graph_.output_layer);
    if (options.training) {
      emit_loss(plan);
      for (std::size_t i = graph_.output_layer; i > 0; --i)
        if (graph_.differentiated(i)) emit_backward(i);
    }
    plan.slice_steps = out_.now();
    if (options.training && graph_.keeps_gradients()) emit_updates();
    if (!options.training && plan.forward_steps == 0)  // a model of aliases only
      out_.push(pass_through(graph_.output_layer));
    plan.forward_steps = options.training ? plan.forward_steps : out_.now();
    plan.slice_steps = options.training ? plan.slice_steps : out_.now();
    for (const std::uint16_t buffer :
         {plan.parameters, plan.state1, plan.state2, plan.param_gradients, plan.gradient_norms})
      out_.live_always(buffer);
    for (std::size_t i = 1; i < graph_.layers.size(); ++i)
      if (graph_.layers[i].op == Op::state && graph_.is_needed(i)) out_.live_always(state(i));
    if (options.training) return;
    out_.live_always(plan.output, true);
    for (std::size_t i = 1; i < graph_.layers.size(); ++i)
      if (graph_.layers[i].op == Op::output) out_.live_always(value(i), true);
  }

 private:
  constexpr Step pass_through(std::size_t i) {
    Step step = make(StepKind::forward, i);
    step.input = step.output = value(i);
    return step;
  }
  [[nodiscard]] constexpr Step make(StepKind kind, std::size_t layer) const {
    Step step;
    step.kind = kind;
    step.layer = static_cast<std::uint16_t>(layer);
    const Layer& l = graph_.layers[layer];
    step.trained = l.trainable() && (graph_.options.training || graph_.model.trained_params_later ||
                                     graph_.model.trained_params != nullptr);
    const std::uint32_t alignment = graph_.options.training ? graph_.options.alignment : graph_.model.trained_alignment;
    step.params = step.trained ? trained_offset(graph_.layers, layer, alignment) : l.param_offset;
    return step;
  }
  constexpr std::uint16_t value(std::size_t i) {
    const std::size_t root = graph_.root(i);
    const Layer& layer = graph_.layers[root];
    const auto touch = [&](BufferKind kind) { return out_.touch(kind, root, graph_.value_bytes(root), layer.dtype); };
    switch (layer.op) {
      case Op::input: return graph_.options.external_input ? kNoBuffer : touch(BufferKind::input);
      case Op::constant: return out_.constant(root, layer);
      case Op::state: return contains(graph_.copied, root) ? touch(BufferKind::activation) : state(root);
      default: return touch(BufferKind::activation);
    }
  }
  /// Where a state lies from run to run.
  constexpr std::uint16_t state(std::size_t i) {
    return out_.touch(BufferKind::state, i, graph_.value_bytes(i), graph_.layers[i].dtype);
  }
  constexpr std::uint16_t operand(std::size_t i, std::size_t k = 0) { return value(graph_.model.operand(i, k)); }
  [[nodiscard]] constexpr bool gradient_is_logits(std::size_t i) const {
    return graph_.gradient_root(i) == graph_.gradient_root(graph_.output_layer) && graph_.loss_in_place();
  }
  constexpr std::uint16_t gradient(std::size_t i) {
    if (gradient_is_logits(i)) return value(graph_.output_layer);
    return out_.touch(BufferKind::gradient, graph_.gradient_root(i), graph_.value_bytes(graph_.gradient_root(i)));
  }
  /// Of one step: nothing in it outlives that.
  constexpr std::uint16_t scratch(std::size_t layer, std::size_t floats) {
    if (floats == 0) return kNoBuffer;
    out_.forget(BufferKind::scratch, layer);
    return out_.touch(BufferKind::scratch, layer, std::uint64_t{floats} * sizeof(float));
  }
  [[nodiscard]] constexpr std::uint64_t trained_bytes() const {
    return trained_offset(graph_.layers, graph_.layers.size(), graph_.options.alignment);
  }

  constexpr void emit_training_inputs(Plan& plan) {
    const PlanOptions& options = graph_.options;
    const Shape output = graph_.layers[graph_.output_layer].shape;
    const Targets targets = resolve_targets(options.targets, options.loss, output);
    if (targets == Targets::labels)
      plan.labels = out_.touch(BufferKind::labels, 0, std::uint64_t{options.batch} * sizeof(std::int32_t));
    if (targets == Targets::values)
      plan.targets = out_.touch(BufferKind::targets, 0, output.elements() * options.batch * sizeof(float));
    if (options.sample_weights)
      plan.sample_weights = out_.touch(BufferKind::sample_weights, 0, std::uint64_t{options.batch} * sizeof(float));
    plan.parameters = out_.touch(BufferKind::parameters, 0, trained_bytes());
    if (options.optimizer_states > 0) plan.state1 = out_.touch(BufferKind::optimizer_state1, 0, trained_bytes());
    if (options.optimizer_states > 1)
      plan.state2 = out_.touch(BufferKind::optimizer_state2, 0, (options.optimizer_states - 1U) * trained_bytes());
    if (options.gradient_norms) plan.gradient_norms = gradient_norms();
    if (graph_.keeps_gradients()) plan.param_gradients = out_.touch(BufferKind::param_gradient, 0, trained_bytes());
  }

  /// Of operators with two forms, those of a sum that is made here (a plain one is emit_join's) and of other axes.
  [[nodiscard]] constexpr bool second_form(std::size_t i) const {
    const Layer& layer = graph_.layers[i];
    return layer.op == Op::add || (layer.op == Op::softmax && layer.args[0] != 0) || graph_.batch_statistics(i) ||
           widens_weights(layer);
  }
  /// Where the step has narrow or rounded weights in float32. A dense layer's forward step reads narrow ones as they
  /// are, and backward a tile of them is there at a time.
  constexpr void widen(std::size_t i, Step& step) {
    const Layer& layer = graph_.layers[i];
    const bool narrow_dense = layer.op == Op::dense && stores_narrow_weights(layer);
    if (!widens_weights(layer) || (narrow_dense && step.kind == StepKind::forward)) return;
    const Shape in = graph_.layers[graph_.model.operand(i)].shape;
    step.param_grad =
        scratch(i, narrow_dense ? weight_tile(layer, in).floats()
                                : static_cast<std::size_t>(real_param_arrays(layer, in).bytes / sizeof(float)));
  }
  constexpr void emit_forward(std::size_t i) {
    const Layer& layer = graph_.layers[i];
    if (layer.op == Op::output && graph_.alias(i) && !graph_.options.training) return out_.push(pass_through(i));
    if (contains(graph_.copied, i)) return emit_copy_of_state(i);
    if (is_source(layer.op) || layer.op == Op::result) return;
    if (graph_.alias(i) || graph_.joins_input(i) || graph_.joins_summand(i + 1)) return;
    if (graph_.joins_summand(i)) return emit_sum(i);
    if (graph_.is_plain_sum(i) || layer.op == Op::concat) return emit_join(i);
    Step step = make(StepKind::forward, i);
    step.second_form = second_form(i);
    step.input = operand(i);
    if (layer.input_count > 1 && layer.op != Op::assign) step.second = operand(i, 1);
    if (layer.input_count > 2) step.third = operand(i, 2);
    step.output = layer.op == Op::assign ? state(graph_.model.operand(i, 1)) : value(i);
    step.activation = graph_.joined_activation(i);
    widen(i, step);
    if (layer.op == Op::conv2d) step.scratch = scratch(i, conv2d_scratch_floats(graph_.conv_shape(i)));
    if (graph_.batch_statistics(i)) step.saved = saved(i);
    if (is_recurrent(layer.op)) {
      step.scratch = recurrent_scratch(i, false);
      if (graph_.differentiated(i) && layer.op != Op::rnn) step.saved = saved(i);
      if (const std::uint16_t result = graph_.result_of(i); result != kNoLayer) step.result = value(result);
    }
    out_.push(step);
  }
  constexpr void emit_copy_of_state(std::size_t i) {
    Step step = make(StepKind::forward, i);
    step.input = state(i);
    step.output = value(i);
    out_.push(step);
  }
  /// More than 32 bits of floats are no plan, and would wrap in std::size_t on some machines.
  constexpr std::uint16_t recurrent_scratch(std::size_t i, bool backward) {
    const Op op = graph_.layers[i].op;
    const RecurrentShape s = recurrent_shape(i);
    const std::uint64_t rows = std::uint64_t{10} * s.batch + std::uint64_t{2} * s.steps + 40;
    if (rows * s.units + std::uint64_t{s.batch} * s.fan_in > 0xFFFF'FFFFU)
      return out_.touch(BufferKind::scratch, i, ~std::uint64_t{0});
    if (graph_.layers[i].dtype == DType::s8) return scratch(i, lstm_integer_scratch_floats(s));
    return scratch(i, backward ? recurrent_grad_scratch_floats(op, s) : recurrent_scratch_floats(op, s));
  }
  [[nodiscard]] constexpr RecurrentShape recurrent_shape(std::size_t i) const {
    const Layer& layer = graph_.layers[i];
    return detail::recurrent_shape(layer, graph_.layers[graph_.model.operand(i)].shape, graph_.options.batch);
  }
  /// The step of the convolution before layer `i`, which adds the other input.
  constexpr void emit_sum(std::size_t i) {
    const std::size_t conv = i - 1;
    Step step = make(StepKind::forward, conv);
    step.second_form = second_form(conv);
    widen(conv, step);
    step.input = operand(conv);
    step.second = operand(i, graph_.model.operand(i) == conv ? 1 : 0);
    step.sum = static_cast<std::uint16_t>(i);
    step.output = value(i);
    step.activation = graph_.joined_activation(i);
    step.scratch = scratch(conv, conv2d_scratch_floats(graph_.conv_shape(conv)));
    out_.push(step);
  }
  /// add: one step per further input, the first of them out of two values; concat: one copy per input.
  constexpr void emit_join(std::size_t i) {
    const Layer& layer = graph_.layers[i];
    for (std::uint16_t k = layer.op == Op::add ? 1 : 0; k < layer.input_count; ++k) {
      Step step = make(StepKind::forward, i);
      step.input_index = k;
      if (layer.op == Op::concat) {
        step.input = operand(i, k);
      } else {
        step.input = k == 1 ? operand(i) : value(i);
        step.second = operand(i, k);
      }
      step.output = value(i);
      if (k + 1U == layer.input_count) step.activation = graph_.joined_activation(i);
      out_.push(step);
    }
  }
  constexpr std::uint16_t saved(std::size_t i) {
    const Layer& layer = graph_.layers[i];
    std::uint64_t floats = std::uint64_t{2} * layer.shape.c;
    if (is_recurrent(layer.op)) {
      const RecurrentShape shape = recurrent_shape(i);
      floats = recurrent_saved_floats(layer.op, shape) + std::uint64_t{layer.input_count - 1U} * recurrent_state(shape);
    }
    return out_.touch(BufferKind::saved, i, floats * sizeof(float));
  }

  constexpr void emit_loss(const Plan& plan) {
    Step step = make(StepKind::loss, graph_.output_layer);
    step.input = value(graph_.output_layer);
    step.grad_output = gradient(graph_.output_layer);
    if (plan.labels != kNoBuffer) out_.touch(BufferKind::labels, 0, 0);
    if (plan.targets != kNoBuffer) out_.touch(BufferKind::targets, 0, 0);
    if (graph_.options.targets == Targets::input) step.second = value(0);
    if (plan.sample_weights != kNoBuffer) out_.touch(BufferKind::sample_weights, 0, 0);
    out_.push(step);
  }

  constexpr void emit_backward(std::size_t i) {
    const Layer& layer = graph_.layers[i];
    if (layer.op == Op::result) return;  // its gradient goes in with that of the layer whose result it is
    if (is_recurrent(layer.op)) return emit_recurrent_backward(i);
    const bool params_first =  // their grad_input may overwrite grad_output
        layer.op == Op::batch_norm || layer.op == Op::spline || layer.op == Op::fake_quantize || is_norm(layer.op);
    if (params_first && layer.trainable()) emit_grad_params(i);
    for (std::uint16_t k = 0; k < layer.input_count; ++k)
      if (takes_gradient(graph_.model.operand(i, k))) emit_grad_input(i, k);
    if (!params_first && layer.trainable() && !graph_.joined_update(i)) emit_grad_params(i);
    if (layer.trainable() && !graph_.keeps_gradients() && !graph_.fused_update(i)) emit_update(i);
  }

  [[nodiscard]] constexpr bool has_gradient(std::size_t i) const {
    return graph_.gradient_root(i) == graph_.output_layer || contains(started_, graph_.gradient_root(i));
  }
  [[nodiscard]] constexpr bool takes_gradient(std::size_t i) const {
    return graph_.differentiated(i) && graph_.layers[i].dtype == DType::f32;
  }
  /// One step makes all gradients, through time: of the input, the parameters and, in `saved`, the initial states,
  /// which a step each puts where they belong.
  constexpr void emit_recurrent_backward(std::size_t i) {
    const Layer& layer = graph_.layers[i];
    for (std::uint16_t k = 0; k < layer.input_count; ++k) {
      const std::size_t source = graph_.model.operand(i, k);
      const bool wanted = takes_gradient(source);
      if (k > 0 && !wanted) continue;
      const bool first = !contains(started_, graph_.gradient_root(source));
      Step step = make(StepKind::grad_input, i);
      step.input_index = k;
      step.saved = saved(i);
      if (k == 0) read_recurrent(i, step);
      if (wanted) step.grad_input = first ? gradient(source) : sum_gradient(i, source);
      out_.push(step);
      if (wanted && first) insert(started_, graph_.gradient_root(source));
      if (wanted && !first) add_gradient(source, sum_gradient(i, source));
    }
    if (layer.trainable() && !graph_.keeps_gradients()) emit_update(i);
  }
  constexpr void read_recurrent(std::size_t i, Step& step) {
    const Layer& layer = graph_.layers[i];
    step.input = operand(i);
    if (layer.input_count > 1) step.second = operand(i, 1);
    if (layer.input_count > 2) step.third = operand(i, 2);
    step.output = value(i);
    if (has_gradient(i)) step.grad_output = gradient(i);
    if (const std::uint16_t result = graph_.result_of(i); result != kNoLayer && has_gradient(result))
      step.result = gradient(result);
    if (layer.trainable()) set_param_grad(i, step);
    step.second_form = second_form(i);
    widen(i, step);
    step.scratch = recurrent_scratch(i, true);
  }

  constexpr void emit_grad_input(std::size_t i, std::uint16_t k) {
    const Layer& layer = graph_.layers[i];
    const std::size_t source = graph_.model.operand(i, k);
    if (graph_.gradient_root(source) == graph_.gradient_root(i) && graph_.passes_gradient(i)) return;
    if (graph_.gradient_joins_reader(i)) return;
    const bool same = graph_.gradient_root(source) == graph_.gradient_root(i);
    const bool first = same || !contains(started_, graph_.gradient_root(source));
    std::uint16_t summand = kNoBuffer;
    if (!first && graph_.passes_gradient(i)) {
      summand = gradient(i);
    } else {
      Step step = make(StepKind::grad_input, i);
      step.input_index = k;
      step.grad_output = gradient(i);
      read_values(i, k, step);
      if (layer.op == Op::conv2d) step.scratch = scratch(i, conv2d_grad_input_scratch_floats(graph_.conv_shape(i)));
      if (layer.op == Op::conv2d_transpose) step.scratch = scratch(i, turned_weights(i));
      if (layer.op == Op::lrn) step.scratch = scratch(i, lrn_grad_scratch_floats(layer.shape.c));
      step.second_form = second_form(i);
      widen(i, step);
      if ((is_binary(layer.op) || layer.op == Op::select) &&
          !(graph_.layers[source].shape == layer.shape))  // to be added up
        step.scratch = scratch(i, static_cast<std::size_t>(layer.shape.elements()) * graph_.options.batch);
      step.fused = graph_.joined_update(i);
      if (graph_.gradient_joins_reader(source)) step.activation = static_cast<std::uint16_t>(source);
      if (step.fused) step.input = value(source);
      step.grad_input = first ? gradient(source) : sum_gradient(i, source);
      out_.push(step);
      if (first) return insert(started_, graph_.gradient_root(source));
      summand = sum_gradient(i, source);
    }
    add_gradient(source, summand);
  }
  constexpr void add_gradient(std::size_t source, std::uint16_t summand) {
    Step step = make(StepKind::add_gradient, source);
    step.second = summand;
    step.grad_input = gradient(source);
    out_.push(step);
  }
  constexpr std::uint16_t sum_gradient(std::size_t i, std::size_t source) {
    return out_.touch(BufferKind::sum_gradient, i, graph_.value_bytes(source));
  }
  /// The forward values that the backward step of layer `i` towards its operand `k` reads.
  constexpr void read_values(std::size_t i, std::size_t k, Step& step) {
    const Layer& layer = graph_.layers[i];
    const Op op = layer.op;
    const bool extreme = op == Op::reduce_max || op == Op::reduce_min;
    const bool reads_output = traits(op).differentiates_output || op == Op::rbf || extreme;
    const bool reads_input = op == Op::max_pool || op == Op::rbf || graph_.batch_statistics(i) || is_binary(op) ||
                             op == Op::select || extreme || op == Op::reduce_prod || is_norm(op) || op == Op::lrn ||
                             (op == Op::matmul && k == 1) || (is_activation(op) && !reads_output && !graph_.alias(i));
    if (reads_input) step.input = operand(i);
    if (is_binary(op) || op == Op::gather || (op == Op::matmul && k == 0)) step.second = operand(i, 1);
    if (reads_output) step.output = value(i);
    if (graph_.batch_statistics(i)) step.saved = saved(i);
  }

  constexpr void emit_grad_params(std::size_t i) {
    Step step = make(StepKind::grad_params, i);
    if (graph_.layers[i].op != Op::bias_add) step.input = operand(i);
    if (graph_.layers[i].op == Op::rbf) step.output = value(i);
    if (graph_.batch_statistics(i)) step.saved = saved(i);
    step.second_form = second_form(i);
    step.grad_output = gradient(i);
    step.fused = graph_.fused_update(i);
    if (!step.fused) set_param_grad(i, step);
    if (stores_narrow_weights(graph_.layers[i]))
      step.param_grad =
          scratch(i, weight_tile(graph_.layers[i], graph_.layers[graph_.model.operand(i)].shape).floats());
    if (graph_.layers[i].op == Op::conv2d)
      step.scratch = scratch(i, conv2d_grad_params_scratch_floats(graph_.conv_shape(i)));
    if (graph_.layers[i].op == Op::conv2d_transpose) step.scratch = scratch(i, turned_weights(i));
    out_.push(step);
  }
  /// Floats that the backward steps of a transposed convolution take for its filter turned round.
  [[nodiscard]] constexpr std::size_t turned_weights(std::size_t i) const {
    return weight_count(graph_.layers[i], graph_.layers[graph_.model.operand(i)].shape);
  }
  constexpr void set_param_grad(std::size_t i, Step& step) {
    if (graph_.keeps_gradients()) {
      step.param_grad = out_.touch(BufferKind::param_gradient, 0, trained_bytes());
      step.param_grad_offset = step.params;
    } else {
      step.param_grad = out_.touch(BufferKind::param_gradient, i, graph_.layers[i].param_bytes);
    }
  }
  constexpr std::uint16_t gradient_norms() {
    return out_.touch(BufferKind::gradient_norms, 0, graph_.layers.size() * sizeof(float));
  }
  /// A step on the layer's gradient alone.
  constexpr void emit_on_gradient(StepKind kind, std::size_t i) {
    Step step = make(kind, i);
    set_param_grad(i, step);
    if (kind == StepKind::gradient_norm) step.output = gradient_norms();
    out_.push(step);
  }
  constexpr void emit_update(std::size_t i) {
    if (graph_.options.gradient_norms) emit_on_gradient(StepKind::gradient_norm, i);
    if (graph_.options.penalty) emit_on_gradient(StepKind::penalize, i);
    emit_on_gradient(StepKind::update, i);
  }
  constexpr void emit_updates() {
    const auto for_trained = [&](StepKind kind) {
      for (std::size_t i = graph_.output_layer; i > 0; --i)
        if (graph_.layers[i].trainable() && graph_.differentiated(i) && (kind != StepKind::update || graph_.updated(i)))
          emit_on_gradient(kind, i);
    };
    if (graph_.options.gradient_norms) for_trained(StepKind::gradient_norm);
    if (graph_.options.penalty) for_trained(StepKind::penalize);
    if (graph_.options.clip_norm) {
      Step clip = make(StepKind::clip_norm, graph_.output_layer);
      clip.param_grad = out_.touch(BufferKind::param_gradient, 0, trained_bytes());
      out_.push(clip);
    }
    for_trained(StepKind::update);
  }

  Graph graph_;
  PlanWriter& out_;
  LayerSet started_{};  // gradients that have a first contribution
};

}  // namespace mote::detail
