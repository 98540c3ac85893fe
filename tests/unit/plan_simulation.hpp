// SPDX-License-Identifier: Apache-2.0
// Runs a plan on symbols instead of numbers. Written from what layers mean, without the planner's predicates: every
// buffer holds a 64-bit symbol for a value or a sum of gradients, a write spoils every other buffer at the same
// addresses, and a read must find the symbol that the layer needs. Sums are sums modulo 2^64, so partial sums are
// exact.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "mote/plan/plan.hpp"

namespace mote::test {

class PlanSimulation {
 public:
  static constexpr std::size_t kLayers = 64, kBuffers = 512;
  using Symbol = std::uint64_t;
  static constexpr Symbol kGarbage = 0;

  PlanSimulation(const Model& model, const PlanOptions& options, const Plan& plan)
      : model_(model), layers_(model.layers), options_(options), plan_(plan), output_(plan.output_layer) {}

  /// nullptr where the plan is right, else what is wrong; see step().
  const char* run(std::uint32_t slices) {
    if (layers_.size() > kLayers || plan_.buffers.size() > kBuffers) return "the simulation's tables are too small";
    if (options_.training ? output_ + 2U < layers_.size() : output_ + 1U != layers_.size()) fail("wrong output layer");
    fill(plan_.parameters, kParameters), fill(plan_.state1, kState), fill(plan_.state2, kState + 1);
    fill(plan_.gradient_norms, kNorms);
    for (int update = 0; update < 2; ++update) {  // twice: what survives a run must be what the next one expects
      updated_ = {}, gradients_ = {}, penalized_ = {}, measured_ = {}, clipped_ = false;
      if (plan_.param_gradients != kNoBuffer) fill(plan_.param_gradients, kGradientBlock);
      for (std::uint32_t slice = 0; slice < slices; ++slice) {
        name_values(++epoch_);
        fill_inputs();
        run_steps(0, plan_.slice_steps);
        slices_done_ = slice + 1;
      }
      run_steps(plan_.slice_steps, plan_.steps.size());
      check_end();
    }
    return error_;
  }
  [[nodiscard]] std::size_t step() const { return error_step_; }

 private:
  static constexpr Symbol kParameters = 11, kState = 13, kGradientBlock = 17, kLabels = 19, kTargets = 23,
                          kWeights = 29, kNorms = 67;

  /// One output from one input at the same place.
  static bool is_elementwise(Op op) { return (op >= Op::identity && op <= Op::hard_swish) || op == Op::elu; }
  static Symbol hash(Symbol a, Symbol b, Symbol c = 0, Symbol d = 0) {
    Symbol h = 0x9E3779B97F4A7C15U;
    for (const Symbol x : {a, b, c, d}) {
      h = (h ^ x) * 0xBF58476D1CE4E5B9U;
      h ^= h >> 29;
      h *= 0x94D049BB133111EBU;
      h ^= h >> 32;
    }
    return h;
  }
  void fail(const char* text) {
    if (error_ == nullptr) error_ = text, error_step_ = now_;
  }
  void require(bool good, const char* text) {
    if (!good) fail(text);
  }

  // ---- what every value and gradient is called
  [[nodiscard]] bool passes_on(std::size_t i) const {
    const Op op = layers_[i].op;
    return op == Op::reshape || op == Op::identity ||
           ((op == Op::dropout || op == Op::gaussian_noise) && !options_.training);
  }
  [[nodiscard]] Symbol piece(std::size_t i, std::size_t k) const {
    return hash(31, i, k, value_[layers_[i].inputs[k]]);
  }
  [[nodiscard]] bool statistics(std::size_t i) const {
    return options_.training && layers_[i].op == Op::batch_norm && (layers_[i].flags & Layer::kTrainable) != 0;
  }
  /// What the gradient of layer `i` adds to that of its k-th input.
  [[nodiscard]] Symbol contribution(std::size_t i, std::size_t k) const {
    const bool same = layers_[i].op == Op::add || layers_[i].op == Op::gaussian_noise || passes_on(i);
    return same ? gradient_[i] : hash(37, i, k, gradient_[i]);
  }
  /// Values of different runs have different names.
  void name_values(Symbol epoch) {
    value_ = {}, gradient_ = {};
    value_[0] = hash(41, epoch);
    for (std::size_t i = 1; i <= output_; ++i) {
      const Layer& layer = layers_[i];
      value_[i] = passes_on(i) ? value_[layer.inputs[0]] : 0;
      trained_above_[i] = options_.training && layer.param_bytes != 0 && (layer.flags & Layer::kTrainable) != 0;
      for (std::size_t k = 0; k < layer.input_count; ++k) {
        if (layer.op == Op::add) value_[i] += value_[layer.inputs[k]];
        if (layer.op == Op::concat) value_[i] += piece(i, k);
        trained_above_[i] = trained_above_[i] || trained_above_[layer.inputs[k]];
      }
      if (value_[i] == 0) value_[i] = hash(43, i, value_[layer.inputs[0]]);
    }
    if (!options_.training) return;
    gradient_[output_] = hash(47, value_[output_]);
    for (std::size_t i = output_; i > 0; --i)
      for (std::size_t k = 0; k < layers_[i].input_count; ++k) gradient_[layers_[i].inputs[k]] += contribution(i, k);
  }

  // ---- memory
  struct Range {
    std::uint64_t begin = 0, end = 0;
    [[nodiscard]] bool overlaps(const Range& o) const { return begin < o.end && o.begin < end; }
  };
  [[nodiscard]] Range range(std::uint16_t b) const {
    return {plan_.buffers[b].offset, std::uint64_t{plan_.buffers[b].offset} + plan_.buffers[b].bytes};
  }
  void write(std::uint16_t b, Symbol symbol, Symbol concat = 0) {
    for (std::size_t other = 0; other < plan_.buffers.size(); ++other)
      if (other != b && range(static_cast<std::uint16_t>(other)).overlaps(range(b)))
        content_[other] = kGarbage, concat_[other] = 0;
    content_[b] = symbol, concat_[b] = concat;
  }
  /// By the caller, between runs.
  void fill(std::uint16_t b, Symbol symbol) {
    if (b != kNoBuffer) write(b, symbol);
  }
  void fill_inputs() {
    fill(plan_.input, value_[0]), fill(plan_.labels, kLabels), fill(plan_.targets, kTargets);
    fill(plan_.sample_weights, kWeights);
    require(options_.external_input == (plan_.input == kNoBuffer), "external input and an input buffer");
    require(plan_.input == kNoBuffer || content_[plan_.input] == value_[0], "the caller's buffers overlap");
    require(plan_.labels == kNoBuffer || content_[plan_.labels] == kLabels, "the caller's buffers overlap");
    require(plan_.targets == kNoBuffer || content_[plan_.targets] == kTargets, "the caller's buffers overlap");
    const bool from_caller = options_.training && options_.targets != Targets::input;
    require((plan_.labels != kNoBuffer) + (plan_.targets != kNoBuffer) == (from_caller ? 1 : 0), "labels or targets");
    require(options_.sample_weights == (plan_.sample_weights != kNoBuffer) || !options_.training, "sample weights");
  }
  /// Reads of one step, so that its writes can be checked against them.
  void read(std::uint16_t b, std::uint64_t bytes, const char* text, Symbol wanted) {
    if (b == kNoBuffer) return require(options_.external_input && wanted == value_[0], "a value is missing");
    require(b < plan_.buffers.size() && plan_.buffers[b].bytes >= bytes, "a buffer is too small");
    alive(b);
    require(content_[b] == wanted, text);
    if (read_count_ < reads_.size()) reads_[read_count_++] = b;
  }
  void alive(std::uint16_t b) {
    require(plan_.buffers[b].first_step <= now_ && now_ <= plan_.buffers[b].last_step,
            "a buffer is used outside its life");
  }
  /// A write beside this step's reads. It may fall on `in_place` exactly, and on no other operand.
  void target(std::uint16_t b, std::uint64_t bytes, std::uint16_t in_place = kNoBuffer,
              std::uint16_t or_on = kNoBuffer) {
    if (b == kNoBuffer) return fail("a result has no buffer");
    require(b < plan_.buffers.size() && plan_.buffers[b].bytes >= bytes, "a buffer is too small");
    alive(b);
    for (std::size_t i = 0; i < read_count_; ++i) {
      const bool allowed = (reads_[i] == in_place || reads_[i] == or_on) && range(reads_[i]).begin == range(b).begin;
      require(!range(reads_[i]).overlaps(range(b)) || allowed, "a step overwrites what it reads");
    }
    for (std::size_t i = 0; i < write_count_; ++i)
      require(!range(writes_[i]).overlaps(range(b)), "a step writes to the same place twice");
    if (write_count_ < writes_.size()) writes_[write_count_++] = b;
  }
  void scratch(const Step& s, std::size_t floats) {
    require((s.scratch == kNoBuffer) == (floats == 0), "scratch memory planned and wanted differ");
    if (floats == 0 || s.scratch == kNoBuffer) return;
    target(s.scratch, floats * sizeof(float));
    write(s.scratch, kGarbage);
  }
  [[nodiscard]] std::uint64_t value_bytes(std::size_t i) const {
    return layers_[i].shape.elements() * options_.batch * (layers_[i].dtype == DType::s8 ? 1 : 4);
  }
  [[nodiscard]] ConvShape conv(std::size_t i) const {
    const Layer& l = layers_[i];
    return {options_.batch,
            layers_[l.inputs[0]].shape,
            l.shape,
            {l.filter_h, l.filter_w, l.stride_h, l.stride_w, l.dilation_h, l.dilation_w, l.pad_top, l.pad_left}};
  }

  // ---- steps
  void run_steps(std::size_t first, std::size_t last) {
    for (now_ = first; now_ < last && error_ == nullptr; ++now_) {
      const Step& s = plan_.steps[now_];
      read_count_ = write_count_ = 0;
      require(s.layer <= output_, "a step of a layer that is not run");
      require((s.kind == StepKind::forward) == (now_ < plan_.forward_steps), "forward steps come first");
      check_params(s);
      switch (s.kind) {
        case StepKind::forward: forward(s, layers_[s.layer]); break;
        case StepKind::loss: loss(s); break;
        case StepKind::grad_input: grad_input(s, layers_[s.layer]); break;
        case StepKind::add_gradient: add_gradient(s); break;
        case StepKind::grad_params: grad_params(s, layers_[s.layer]); break;
        case StepKind::penalize: penalize(s); break;
        case StepKind::gradient_norm: gradient_norm(s); break;
        case StepKind::clip_norm: clip(s); break;
        case StepKind::update: update(s); break;
      }
    }
  }
  [[nodiscard]] bool trained(std::size_t i) const {
    return (layers_[i].flags & Layer::kTrainable) != 0 && layers_[i].param_bytes != 0;
  }
  void check_params(const Step& s) {
    const bool in_arena = options_.training && trained(s.layer);
    if (!in_arena) {
      if (model_.trained_params == nullptr)
        require(!s.trained && s.params == layers_[s.layer].param_offset, "wrong parameters");
      return;
    }
    std::uint64_t offset = 0;  // packed in layer order
    for (std::size_t i = 0; i < s.layer; ++i)
      if (trained(i))
        offset += (layers_[i].param_bytes + options_.alignment - 1) / options_.alignment * options_.alignment;
    require(s.trained && s.params == offset, "wrong parameters");
    require(offset + layers_[s.layer].param_bytes <= plan_.buffers[plan_.parameters].bytes, "parameters do not fit");
    alive(plan_.parameters);
    require(content_[plan_.parameters] == kParameters, "parameters were overwritten");
  }

  void forward(const Step& s, const Layer& layer) {
    const std::size_t i = s.layer;
    if (passes_on(i) || layer.op == Op::input)  // the one step of a model that only passes its input on
      return require(plan_.steps.size() == 1 && s.input == s.output, "a step that does nothing");
    if (layer.op == Op::add) return forward_add(s, layer);
    if (s.sum != kNoLayer) return forward_sum(s, layer);
    const std::size_t source = layer.inputs[s.input_index];
    read(s.input, value_bytes(source), "forward: the input is not there", value_[source]);
    if (layer.op == Op::concat) {
      target(s.output, value_bytes(i));
      if (s.output == kNoBuffer) return;
      const Symbol before = concat_[s.output] == hash(61, i, epoch_) ? content_[s.output] : 0;
      return write(s.output, before + piece(i, s.input_index), hash(61, i, epoch_));
    }
    const Op op = layer.op;
    const bool able = is_elementwise(op) || op == Op::softmax || op == Op::spline || op == Op::dropout ||
                      op == Op::gaussian_noise || (op == Op::batch_norm && !statistics(i));
    target(s.output, value_bytes(i), able ? s.input : kNoBuffer);
    require((s.saved != kNoBuffer) == statistics(i), "statistics are saved where they are needed");
    if (s.saved != kNoBuffer) {
      target(s.saved, std::uint64_t{8} * layer.shape.c);
      write(s.saved, hash(53, i, epoch_));
    }
    if (op == Op::conv2d) scratch(s, conv2d_scratch_floats(conv(i)));
    if (s.output != kNoBuffer) write(s.output, activated(s, value_[i]));
  }
  /// What a step leaves: `value`, or the activation of it that the same kernel applies.
  Symbol activated(const Step& s, Symbol value) {
    if (s.activation == kNoLayer) return value;
    const Layer& a = layers_[s.activation];
    const Op op = layers_[s.layer].op;
    const std::size_t made = s.sum == kNoLayer ? s.layer : s.sum;
    require(s.activation <= output_ && a.inputs[0] == made && (a.op == Op::relu || a.op == Op::relu6),
            "a step applies an activation that does not follow it");
    require(op == Op::dense || op == Op::conv2d || op == Op::depthwise_conv2d || op == Op::add,
            "a step applies an activation that its kernel has not");
    require(value == value_[made], "an activation is applied to a part of a value");
    return value_[s.activation];
  }
  /// A convolution that adds the other input of the sum behind it.
  void forward_sum(const Step& s, const Layer& layer) {
    const std::size_t i = s.layer;
    require(
        s.sum <= output_ && layers_[s.sum].op == Op::add && layers_[s.sum].input_count == 2 && layer.op == Op::conv2d,
        "a step makes a sum that it cannot make");
    const auto& inputs = layers_[s.sum].inputs;
    require((inputs[0] == i) != (inputs[1] == i), "a step makes a sum that it has no part in");
    const std::size_t other = inputs[inputs[0] == i ? 1 : 0];
    read(s.input, value_bytes(layer.inputs[0]), "forward: the input is not there", value_[layer.inputs[0]]);
    read(s.second, value_bytes(other), "forward: the summand is not there", value_[other]);
    target(s.output, value_bytes(i), s.second);
    scratch(s, conv2d_scratch_floats(conv(i)));
    if (s.output != kNoBuffer) write(s.output, activated(s, value_[i] + value_[other]));
  }
  void forward_add(const Step& s, const Layer& layer) {
    Symbol before = 0;
    for (std::size_t k = 0; k < s.input_index; ++k) before += value_[layer.inputs[k]];
    const Symbol summand = value_[layer.inputs[s.input_index]];
    read(s.input, value_bytes(s.layer), "add: the sum so far is not there", before);
    read(s.second, value_bytes(s.layer), "add: the summand is not there", summand);
    target(s.output, value_bytes(s.layer), s.input, s.second);
    if (s.output != kNoBuffer) write(s.output, activated(s, before + summand));
  }
  void loss(const Step& s) {
    require(now_ == plan_.forward_steps && s.layer == output_, "the loss follows the forward pass");
    read(s.input, value_bytes(output_), "loss: the output is not there", value_[output_]);
    if (plan_.labels != kNoBuffer) read(plan_.labels, options_.batch * 4U, "loss: labels", kLabels);
    if (plan_.targets != kNoBuffer) read(plan_.targets, value_bytes(output_), "loss: targets", kTargets);
    if (options_.targets == Targets::input) read(s.second, value_bytes(0), "loss: the input is not there", value_[0]);
    if (plan_.sample_weights != kNoBuffer)
      read(plan_.sample_weights, options_.batch * 4U, "loss: sample weights", kWeights);
    target(s.grad_output, value_bytes(output_), s.input);
    if (s.grad_output != kNoBuffer) write(s.grad_output, hash(47, value_[output_]));
  }
  /// The forward values in the derivative of layer `i` with respect to its input or (params) its parameters.
  void read_forward_values(const Step& s, std::size_t i, bool params) {
    const Layer& layer = layers_[i];
    const std::size_t source = layer.inputs[0];
    const Op op = layer.op;
    const bool sign = op == Op::relu || op == Op::leaky_relu;
    const bool own_output = sign || op == Op::sigmoid || op == Op::tanh || op == Op::relu6 || op == Op::elu ||
                            op == Op::softmax || op == Op::rbf;
    const bool input = op == Op::max_pool || op == Op::rbf || op == Op::silu || op == Op::gelu ||
                       op == Op::hard_swish || op == Op::spline || statistics(i) || params;
    if (own_output) {
      const bool scaled = sign && s.output != kNoBuffer && is_dropped_out(content_[s.output], i);
      read(s.output, value_bytes(i), "backward: the output is not there", scaled ? content_[s.output] : value_[i]);
    }
    if (input) read(s.input, value_bytes(source), "backward: the input is not there", value_[source]);
    if (statistics(i)) {
      require(s.saved != kNoBuffer && content_[s.saved] == hash(53, i, epoch_),
              "backward: the statistics are not there");
      if (s.saved != kNoBuffer) alive(s.saved);
    }
  }
  /// Whether `symbol` is value `i` after dropouts through which its whole gradient comes: it has the sign of value `i`,
  /// or is zero where the gradient is zero too.
  [[nodiscard]] bool is_dropped_out(Symbol symbol, std::size_t i) const {
    for (std::size_t j = output_; j > i; --j) {
      const std::size_t source = layers_[j].inputs[0];
      if (layers_[j].op == Op::dropout && value_[j] == symbol && gradient_[source] == contribution(j, 0))
        return value_[source] == value_[i] || is_dropped_out(value_[source], i);
    }
    return false;
  }

  void grad_input(const Step& s, const Layer& layer) {
    const std::size_t i = s.layer, source = layer.inputs[s.input_index];
    require(trained_above_[source], "a gradient that no parameter needs");
    require(updated_[i] == 0, "the layer was updated before its input's gradient was taken");
    read(s.grad_output, value_bytes(i), "grad_input: the gradient is not there", gradient_[i]);
    const bool moves = layer.op == Op::add || layer.op == Op::concat || layer.op == Op::gaussian_noise || passes_on(i);
    if (!moves) read_forward_values(s, i, false);
    const Op op = layer.op;
    const bool able = !moves && (is_elementwise(op) || op == Op::softmax || op == Op::spline || op == Op::dropout ||
                                 op == Op::batch_norm);
    target(s.grad_input, value_bytes(source), able ? s.grad_output : kNoBuffer);
    scratch(s, op == Op::conv2d ? conv2d_grad_input_scratch_floats(conv(i)) : 0);
    Symbol gives = contribution(i, s.input_index);
    if (s.activation != kNoLayer) {
      const Op clamp = layers_[source].op;
      require(s.activation == source && op == Op::max_pool && (clamp == Op::relu || clamp == Op::relu6),
              "a step takes the gradient of an activation that it cannot");
      require(gives == gradient_[source], "an activation's gradient is taken of a part of its output's");
      gives = contribution(source, 0);
    }
    if (s.grad_input != kNoBuffer) write(s.grad_input, gives);
    if (!s.fused) return;
    require(op == Op::dense && !options_.penalty, "an update joined to a step that cannot do it");
    grad_params(s, layer);
  }
  void add_gradient(const Step& s) {
    if (s.grad_input == kNoBuffer || s.second == kNoBuffer) return fail("a result has no buffer");
    require(content_[s.grad_input] != kGarbage && content_[s.second] != kGarbage,
            "add_gradient: a summand is not there");
    read(s.grad_input, value_bytes(s.layer), "", content_[s.grad_input]);
    read(s.second, value_bytes(s.layer), "", content_[s.second]);
    target(s.grad_input, value_bytes(s.layer), s.grad_input);
    write(s.grad_input, content_[s.grad_input] + content_[s.second]);
  }
  void grad_params(const Step& s, const Layer& layer) {
    const std::size_t i = s.layer;
    require(trained(i), "gradient of a frozen layer");
    read(s.grad_output, value_bytes(i), "grad_params: the gradient is not there", gradient_[i]);
    read_forward_values(s, i, true);
    require(!s.fused || !(keeps() || options_.gradient_buffers || options_.gradient_norms),
            "an update before its gradient is whole");
    if (s.fused) {
      ++updated_[i];
    } else {
      param_gradient(s);
      require(updated_[i] == 0, "the gradient of parameters that have changed");
      if (s.param_grad != kNoBuffer && s.param_grad != plan_.param_gradients) {
        target(s.param_grad, layer.param_bytes);
        write(s.param_grad, hash(59, i, epoch_));
      }
      ++gradients_[i];
    }
    if (layer.op == Op::conv2d) scratch(s, conv2d_grad_params_scratch_floats(conv(i)));
  }
  /// The gradients of all layers exist at once.
  [[nodiscard]] bool keeps() const { return options_.accumulate || options_.clip_norm || options_.full_batch; }
  /// Whether an update step moves parameters of layer `i`.
  [[nodiscard]] bool moves(std::size_t i) const {
    return trained(i) && (!options_.full_batch || layers_[i].op == Op::batch_norm);
  }
  /// The gradient's place: in the block of all layers, or a buffer of the layer's own.
  void param_gradient(const Step& s) {
    if (s.param_grad == kNoBuffer) return fail("a gradient has no buffer");
    alive(s.param_grad);
    const bool all = keeps();
    require(all == (s.param_grad == plan_.param_gradients), "gradients are kept where they must be");
    require(s.param_grad_offset == (all ? s.params : 0U), "a gradient at a wrong place");
    require(plan_.buffers[s.param_grad].bytes >= s.param_grad_offset + layers_[s.layer].param_bytes,
            "a gradient does not fit");
    if (all) require(content_[s.param_grad] == kGradientBlock, "gradients were overwritten");
  }
  void read_param_gradient(const Step& s) {
    param_gradient(s);
    const std::uint32_t wanted = options_.accumulate ? slices_done_ : 1U;
    require(gradients_[s.layer] == wanted, "a gradient is not whole");
    if (s.param_grad != kNoBuffer && s.param_grad != plan_.param_gradients)
      require(content_[s.param_grad] == hash(59, s.layer, epoch_), "a gradient was overwritten");
  }
  void gradient_norm(const Step& s) {
    read_param_gradient(s);
    require(options_.gradient_norms && !clipped_ && updated_[s.layer] == 0 && penalized_[s.layer] == 0 &&
                measured_[s.layer]++ == 0,
            "a norm is taken at the wrong time");
    require(s.output == plan_.gradient_norms && s.output != kNoBuffer, "norms go to their own buffer");
    if (s.output == kNoBuffer) return;
    alive(s.output);
    require(plan_.buffers[s.output].bytes == layers_.size() * sizeof(float), "one norm a layer");
    require(content_[s.output] == kNorms, "the norms were overwritten");
  }
  void penalize(const Step& s) {
    read_param_gradient(s);
    require(options_.penalty && !clipped_ && updated_[s.layer] == 0 && penalized_[s.layer]++ == 0,
            "a penalty at the wrong time");
  }
  void clip(const Step& s) {
    require(options_.clip_norm && s.param_grad == plan_.param_gradients && !clipped_, "clipping at the wrong time");
    require(content_[s.param_grad] == kGradientBlock, "gradients were overwritten");
    for (std::size_t i = 1; i <= output_; ++i)
      if (trained(i))
        require(
            gradients_[i] == (options_.accumulate ? slices_done_ : 1U) && penalized_[i] == (options_.penalty ? 1 : 0),
            "clipped before a gradient was whole");
    clipped_ = true;
  }
  void update(const Step& s) {
    read_param_gradient(s);
    require(moves(s.layer), "an update that moves nothing");
    require(measured_[s.layer] == (options_.gradient_norms ? 1 : 0), "an update before its gradient's norm");
    require(!options_.clip_norm || clipped_, "an update before clipping");
    require(!options_.penalty || penalized_[s.layer] == 1, "an update before its penalty");
    ++updated_[s.layer];
    if (options_.optimizer_states > 0) require(content_[plan_.state1] == kState, "optimiser state was overwritten");
    if (options_.optimizer_states > 1) require(content_[plan_.state2] == kState + 1, "optimiser state was overwritten");
  }
  void check_end() {
    if (!options_.training) {
      now_ = plan_.steps.size() - 1U, read_count_ = 0;
      return read(plan_.output, value_bytes(output_), "the output is not there", value_[output_]);
    }
    for (std::size_t i = 1; i <= output_; ++i)
      require(updated_[i] == (moves(i) ? 1 : 0) && measured_[i] == (trained(i) && options_.gradient_norms ? 1 : 0),
              "a layer was not updated or measured once");
    require(plan_.gradient_norms == kNoBuffer || content_[plan_.gradient_norms] == kNorms, "norms were overwritten");
    require((plan_.gradient_norms != kNoBuffer) == options_.gradient_norms, "norms are planned where they are wanted");
    require(content_[plan_.parameters] == kParameters, "parameters were overwritten");
    require(plan_.state1 == kNoBuffer || content_[plan_.state1] == kState, "optimiser state was overwritten");
    require(plan_.state2 == kNoBuffer || content_[plan_.state2] == kState + 1, "optimiser state was overwritten");
    const std::uint64_t states = options_.optimizer_states, parameters = plan_.buffers[plan_.parameters].bytes;
    require((plan_.state1 != kNoBuffer) == (states > 0) && (plan_.state2 != kNoBuffer) == (states > 1) &&
                (states < 1 || plan_.buffers[plan_.state1].bytes == parameters) &&
                (states < 2 || plan_.buffers[plan_.state2].bytes == (states - 1) * parameters),
            "optimiser state");
  }

  const Model& model_;
  std::span<const Layer> layers_;
  const PlanOptions& options_;
  const Plan& plan_;
  std::size_t output_;
  std::array<Symbol, kLayers> value_{}, gradient_{};
  std::array<bool, kLayers> trained_above_{};
  std::array<Symbol, kBuffers> content_{};
  std::array<Symbol, kBuffers> concat_{};  // the concatenation of which the buffer holds some pieces, or 0
  std::array<std::uint32_t, kLayers> updated_{}, gradients_{}, penalized_{}, measured_{};
  std::array<std::uint16_t, 8> reads_{}, writes_{};
  std::size_t read_count_ = 0, write_count_ = 0, now_ = 0, error_step_ = 0;
  std::uint32_t slices_done_ = 0;
  Symbol epoch_ = 0;
  bool clipped_ = false;
  const char* error_ = nullptr;
};

}  // namespace mote::test
