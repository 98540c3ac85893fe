// SPDX-License-Identifier: Apache-2.0
// What may share memory and what a backward step reads: predicates on the records, each a pure function. Part of the
// planner; keeps no memory beyond a few bit sets.
#pragma once

#include "mote/requirements.hpp"
#ifndef MOTE_WARN_IN_HEADERS
#pragma GCC system_header
#endif

#include "mote/kernels/kernels.hpp"
#include "mote/model/int8_units.hpp"
#include "mote/plan/plan.hpp"

namespace mote::detail {

/// The model as the planner sees it: predicates only, each a pure function of the records and the options.
struct Graph {
  const Model& model;
  std::span<const Layer> layers{};
  PlanOptions options{};
  std::size_t output_layer = 0;
  LayerSet needed{};      // makes a step, or part of one: all layers, but in training those that the loss does not see
  LayerSet needs_grad{};  // on a path from a trainable parameter to the loss
  LayerSet read_once{};   // exactly one layer reads the value
  LayerSet overwrites{};  // the layer writes over its first input
  LayerSet exclusive{};   // nobody but the one reader looks at this value's memory
  LayerSet needs_sign{};  // a backward step reads this value's memory, its sign at least
  LayerSet needs_value{};
  LayerSet copied{};  // a state that is assigned before a backward step reads what it was: read from a copy

  constexpr Graph(const Model& whole, const PlanOptions& wish) : model(whole), layers(whole.layers), options(wish) {
    output_layer = wish.training ? loss_layer(model, wish.loss) : model.output_layer();
    for (std::size_t i = layers.size(); i-- > 0;) {
      if (!wish.training || i == output_layer || layers[i].op == Op::assign) insert(needed, i);
      for (std::size_t k = 0; k < layers[i].input_count && is_needed(i); ++k) insert(needed, model.operand(i, k));
    }
    LayerSet read{};
    LayerSet read_again{};
    for (std::size_t i = 0; i < layers.size(); ++i) {
      if (!is_needed(i)) continue;
      bool needs = wish.training && layers[i].trainable();
      for (std::size_t k = 0; k < layers[i].input_count; ++k) {
        const std::size_t source = model.operand(i, k);
        needs = needs || (contains(needs_grad, source) && differentiable(layers[i].op));
        insert(contains(read, source) ? read_again : read, source);
      }
      if (needs) insert(needs_grad, i);
    }
    keep_what_the_loss_reaches();
    if (wish.training && contains(read, output_layer)) insert(read_again, output_layer);  // by the loss
    for (std::size_t i = 0; i < read.size(); ++i) read_once[i] = read[i] & ~read_again[i];
    for (std::size_t i = 1; i < layers.size(); ++i)
      if (is_needed(i) && !is_source(layers[i].op)) share_memory(i);
    for (std::size_t i = 1; wish.training && i < layers.size(); ++i)
      if (layers[i].op == Op::assign && is_read_backward(model.operand(i, 1), i)) insert(copied, model.operand(i, 1));
  }
  /// Whether the loss, or the backward step of a layer before `end`, may read the memory of `source`.
  [[nodiscard]] constexpr bool is_read_backward(std::size_t source, std::size_t end) const {
    if (root(output_layer) == source) return true;
    for (std::size_t i = source + 1; i < end; ++i)
      for (std::size_t k = 0; k < layers[i].input_count && differentiated(i); ++k)
        if (root(model.operand(i, k)) == source) return true;
    return false;
  }
  /// Leaves in needs_grad what a gradient of the loss arrives at: what lies before an operator without a derivative, or
  /// makes a state only, is as good as frozen.
  constexpr void keep_what_the_loss_reaches() {
    LayerSet reached{};
    insert(reached, output_layer);
    for (std::size_t i = output_layer + 1; i-- > 0;)
      for (std::size_t k = 0; k < layers[i].input_count && contains(reached, i) && differentiable(layers[i].op); ++k)
        if (layers[model.operand(i, k)].dtype == DType::f32) insert(reached, model.operand(i, k));
    for (std::size_t i = 0; i < reached.size(); ++i) needs_grad[i] &= reached[i];
  }
  [[nodiscard]] constexpr bool is_needed(std::size_t i) const { return i < layers.size() && contains(needed, i); }

  [[nodiscard]] constexpr bool differentiated(std::size_t i) const { return contains(needs_grad, i); }
  /// Batch statistics are taken only where the layer is trained; a frozen one uses its running statistics.
  [[nodiscard]] constexpr bool batch_statistics(std::size_t i) const {
    return options.training && layers[i].op == Op::batch_norm && layers[i].trainable() && differentiated(i);
  }
  /// Whether the value is its operand's, in the same memory. Not what an output or a regularizer passes on of a state,
  /// whose memory has the next run's value before this run ends, or of a constant, which is not in the arena; nor an
  /// output of an external input. These are copies.
  [[nodiscard]] constexpr bool alias(std::size_t i) const {
    const bool shown = layers[i].op == Op::output;
    if (!shown && !is_regularizer(layers[i].op)) return is_alias(layers[i].op);
    if (!shown && options.training) return false;
    const std::size_t source = model.operand(i);
    if (shown && options.external_input && layers[root(source)].op == Op::input) return false;
    return !shows(source, Op::state) && !is_constant(source);
  }
  /// Whether layer `i` is or passes on a state or constant.
  [[nodiscard]] constexpr bool shows(std::size_t i, Op source) const {
    while (is_alias(layers[i].op)) i = model.operand(i);
    return layers[i].op == source;
  }
  [[nodiscard]] constexpr bool is_constant(std::size_t i) const { return shows(i, Op::constant); }
  /// A sum whose operands are all there for every element, as those of more than two always are.
  [[nodiscard]] constexpr bool is_plain_sum(std::size_t i) const {
    if (layers[i].op != Op::add || quantized(layers[i].dtype)) return false;
    if (layers[i].input_count > 2) return true;
    for (std::size_t k = 0; k < layers[i].input_count; ++k)
      if (!(layers[model.operand(i, k)].shape == layers[i].shape) || is_constant(model.operand(i, k))) return false;
    return true;
  }
  /// The one layer that reads `value`, or kNoLayer where there are several (or none).
  [[nodiscard]] constexpr std::uint16_t sole_reader(std::size_t value) const {
    if (!contains(read_once, value)) return kNoLayer;
    for (std::size_t i = value + 1;; ++i)
      for (std::size_t k = 0; k < layers[i].input_count && is_needed(i); ++k)
        if (model.operand(i, k) == value) return static_cast<std::uint16_t>(i);
  }
  /// Decides whether layer `i` writes over its first input: only if nobody else reads that memory and no backward step
  /// misses it. Layers are decided in order, each from what is known of its input.
  constexpr void share_memory(std::size_t i) {
    const Layer& layer = layers[i];
    const std::size_t source = model.operand(i);
    bool able = layer.op == Op::add || layer.op == Op::bias_add || is_softmax(layer.op) || is_norm(layer.op) ||
                is_regularizer(layer.op) || (layer.op == Op::batch_norm && !batch_statistics(i)) ||
                is_activation(layer.op) || is_unary(layer.op) || is_logical(layer.op) || layer.op == Op::logical_not ||
                layer.op == Op::requantize ||
                (is_binary(layer.op) && !differentiated(i));  // a derivative is written on the operands
    if (bytes_of(layers[source].dtype) != bytes_of(layer.dtype)) able = false;
    if (alias(i) || !contains(exclusive, source) || !(layers[source].shape == layer.shape)) able = false;
    for (std::size_t k = 1; able && layer.input_count > k; ++k) able = root(model.operand(i, k)) != root(source);
    if (differentiated(i) && (is_activation(layer.op) || is_softmax(layer.op) || is_norm(layer.op)) &&
        !traits(layer.op).differentiates_output)
      able = false;
    if (contains(needs_value, source) || (contains(needs_sign, source) && layer.op != Op::dropout)) able = false;
    if (able) insert(overwrites, i);
    const bool shares = able || alias(i);
    if (contains(read_once, i) && (!shares || contains(exclusive, source)) && layer.op != Op::output)
      insert(exclusive, i);
    const OutputNeed need = differentiated(i) ? traits(layer.op).output_need : OutputNeed::none;
    if (need == OutputNeed::value || (shares && contains(needs_value, source))) insert(needs_value, i);
    if (need == OutputNeed::sign || (shares && contains(needs_sign, source))) insert(needs_sign, i);
  }
  /// The layer that is the second result of layer `i`, or kNoLayer.
  [[nodiscard]] constexpr std::uint16_t result_of(std::size_t i) const {
    for (std::size_t k = i + 1; k < layers.size() && layers[i].op == Op::lstm; ++k)
      if (layers[k].op == Op::result && model.operand(k) == i && is_needed(k)) return static_cast<std::uint16_t>(k);
    return kNoLayer;
  }
  [[nodiscard]] constexpr bool in_place(std::size_t i) const { return contains(overwrites, i); }
  /// Whether activation `i` is applied by its input's kernel: a clamp, in place, of a layer that can.
  [[nodiscard]] constexpr bool joins_input(std::size_t i) const {
    if (quantized(layers[i].dtype) ? !narrows_range(layers[i]) : !is_clamp(layers[i].op)) return false;
    if (options.unjoined) return false;
    return model.operand(i) + 1U == i && in_place(i) && can_clamp(model.operand(i));
  }
  /// Whether the kernel of layer `i` can apply a clamp on the way out.
  [[nodiscard]] constexpr bool can_clamp(std::size_t i) const {
    const Op op = layers[i].op;
    if (!quantized(layers[i].dtype)) return applies_clamp(op);
    if (applies_clamp(op)) return layers[i].dtype == layers[model.operand(i)].dtype;
    if (op == Op::minimum || op == Op::maximum) return false;
    return is_binary(op) || op == Op::max_pool || op == Op::average_pool || op == Op::global_average_pool ||
           op == Op::reduce_sum || op == Op::reduce_mean || op == Op::matmul || op == Op::svdf;
  }
  /// The activation that the kernel of layer `i` applies, or kNoLayer.
  [[nodiscard]] constexpr std::uint16_t joined_activation(std::size_t i) const {
    const std::size_t next = i + 1;  // the usual place; elsewhere it stays a step of its own
    return is_needed(next) && joins_input(next) ? static_cast<std::uint16_t>(next) : kNoLayer;
  }
  /// Whether layer `i`, a sum of two, is made by the kernel of the layer before: a convolution that nobody else reads,
  /// and whose input does not lie where the sum goes.
  [[nodiscard]] constexpr bool joins_summand(std::size_t i) const {
    if (options.unjoined || !is_needed(i) || layers[i].input_count != 2 || !is_plain_sum(i)) return false;
    const std::size_t conv = i - 1;
    return layers[conv].op == Op::conv2d && layers[conv].dtype == DType::f32 && sole_reader(conv) == i &&
           model.operand(i, 0) != model.operand(i, 1) && root(model.operand(conv)) != root(i);
  }
  /// Whether the gradient of activation `i` is taken by the kernel that makes its gradient: of a pool, which has fewer
  /// outputs than the activation, and reads the activation's value anyway.
  [[nodiscard]] constexpr bool gradient_joins_reader(std::size_t i) const {
    if (!is_clamp(layers[i].op)) return false;
    const std::uint16_t reader = sole_reader(i);
    return reader != kNoLayer && layers[reader].op == Op::max_pool &&
           gradient_root(model.operand(i)) == gradient_root(i);
  }
  /// The layer whose buffer holds the value of layer `i`.
  [[nodiscard]] constexpr std::size_t root(std::size_t i) const {
    while (alias(i) || in_place(i)) i = model.operand(i);
    return i;
  }
  /// The gradient of every input is the gradient of the output: in the same memory no backward step is needed.
  [[nodiscard]] constexpr bool passes_gradient(std::size_t i) const {
    return alias(i) || is_plain_sum(i) || layers[i].op == Op::gaussian_noise || layers[i].op == Op::bias_add;
  }
  /// Backward steps that may write grad_input over grad_output.
  [[nodiscard]] constexpr bool gradient_in_place(std::size_t i) const {
    const Op op = layers[i].op;
    return alias(i) || is_activation(op) || is_softmax(op) || is_norm(op) || is_regularizer(op) ||
           op == Op::batch_norm || op == Op::bias_add || is_plain_sum(i);
  }
  /// The layer whose buffer holds the gradient of value `i`.
  [[nodiscard]] constexpr std::size_t gradient_root(std::size_t i) const {
    while (i != output_layer) {
      const std::uint16_t reader = sole_reader(i);
      if (reader == kNoLayer || !gradient_in_place(reader) || model.operand(reader) != i) break;
      i = reader;
    }
    return i;
  }
  /// Whether the loss may write its gradient over the logits: only the loss reads them, no backward step does.
  [[nodiscard]] constexpr bool loss_in_place() const {
    const std::size_t holder = root(output_layer);
    if (is_source(layers[holder].op)) return false;
    for (std::size_t v = output_layer; v != holder; v = model.operand(v))
      if (!contains(read_once, model.operand(v))) return false;
    return !contains(needs_value, output_layer) && !contains(needs_sign, output_layer);
  }
  /// All gradients must exist at once.
  [[nodiscard]] constexpr bool keeps_gradients() const {
    return options.accumulate || options.clip_norm || options.full_batch;
  }
  /// The layer has parameters that an update step moves: in full batches running statistics alone.
  [[nodiscard]] constexpr bool updated(std::size_t i) const { return !options.full_batch || batch_statistics(i); }
  /// The layer's gradient kernel may write into the parameters themselves.
  [[nodiscard]] constexpr bool fused_update(std::size_t i) const {
    const Op op = layers[i].op;
    if (stores_narrow_weights(layers[i])) return true;
    return !keeps_gradients() && !options.gradient_buffers && !options.gradient_norms && !rounds_weights(layers[i]) &&
           (op == Op::dense || op == Op::conv2d || op == Op::depthwise_conv2d);
  }
  /// The step that takes the gradient of the layer's input also updates its parameters: one pass over them.
  [[nodiscard]] constexpr bool joined_update(std::size_t i) const {
    const Layer& layer = layers[i];
    return layer.op == Op::dense && layer.trainable() && differentiated(model.operand(i)) && fused_update(i) &&
           !options.penalty && !widens_weights(layer);
  }
  [[nodiscard]] constexpr std::uint64_t value_bytes(std::size_t i) const {
    return layers[i].shape.elements() * options.batch * bytes_of(layers[i].dtype);
  }
  [[nodiscard]] constexpr ConvShape conv_shape(std::size_t i) const {
    const Layer& l = layers[i];
    return {options.batch,
            layers[model.operand(l)].shape,
            l.shape,
            {l.filter_h, l.filter_w, l.stride_h, l.stride_w, l.dilation_h, l.dilation_w, l.pad_top, l.pad_left}};
  }
};

}  // namespace mote::detail
