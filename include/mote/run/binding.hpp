// SPDX-License-Identifier: Apache-2.0
// A step with its pointers: where a run finds its bytes, and what of them a step reads and writes.
#pragma once

#include "mote/requirements.hpp"
#ifndef MOTE_WARN_IN_HEADERS
#pragma GCC system_header
#endif

#include <cstddef>
#include <cstdint>

#include "mote/kernels/kernels.hpp"
#include "mote/model/shape_rule.hpp"
#include "mote/plan/plan.hpp"
#include "mote/run/threads.hpp"

/// What with constant arguments folds to a kernel call: inlined where the compiler optimises (at -Os GCC otherwise
/// keeps functions that read tables). Where it does not nothing folds, and every copy would cost flash and stack.
#if defined(__OPTIMIZE__)
#define MOTE_FOLDED __attribute__((always_inline))
#else
#define MOTE_FOLDED
#endif

namespace mote {

/// Where a run finds its bytes.
struct Memory {
  std::byte* arena = nullptr;
  const std::byte* params = nullptr;          ///< the model's block
  const std::byte* trained_params = nullptr;  ///< Model::trained_params, for inference with a trainer's parameters
  const float* external_input = nullptr;
  std::uint64_t seed = 0;            ///< of dropout and noise
  std::uint64_t slice = 0;           ///< counts runs in training: dropout and noise draw anew each time
  bool training = false;             ///< false: dropout and noise pass on, batch norm uses running statistics
  const Threads* threads = nullptr;  ///< null: none but the caller's
};

/// A step with its pointers resolved.
class Binding {
 public:
  MOTE_FOLDED constexpr Binding(const Model& model, const Plan& plan, const Step& step, const Memory& memory)
      : model_(model), plan_(plan), step_(step), memory_(memory) {}

  [[nodiscard]] MOTE_FOLDED const Layer& layer() const { return model_.layers[step_.layer]; }
  [[nodiscard]] MOTE_FOLDED Shape in() const { return operand_shape(step_.input_index); }
  [[nodiscard]] MOTE_FOLDED Shape operand_shape(std::size_t k) const {
    return model_.layers[model_.operand(layer(), k)].shape;
  }
  [[nodiscard]] MOTE_FOLDED Shape out() const { return layer().shape; }
  [[nodiscard]] MOTE_FOLDED std::uint32_t batch() const { return plan_.options.batch; }
  [[nodiscard]] MOTE_FOLDED std::uint32_t count(const Shape& s) const {
    return static_cast<std::uint32_t>(s.elements()) * batch();
  }
  [[nodiscard]] MOTE_FOLDED std::uint32_t rows(const Shape& s) const { return s.h * s.w * batch(); }

  /// What a step may write.
  [[nodiscard]] MOTE_FOLDED float* at(std::uint16_t buffer) const {
    return buffer == kNoBuffer ? nullptr : reinterpret_cast<float*>(memory_.arena + plan_.buffers[buffer].offset);
  }
  /// What a step reads: of the caller, in the parameter block, or in the arena.
  [[nodiscard]] MOTE_FOLDED const float* value(std::uint16_t buffer) const {
    if (buffer == kNoBuffer) return memory_.external_input;
    const Buffer& b = plan_.buffers[buffer];
    return reinterpret_cast<const float*>((in_arena(b.kind) ? memory_.arena : memory_.params) + b.offset);
  }
  [[nodiscard]] MOTE_FOLDED bool is_constant(std::uint16_t buffer) const {
    return buffer != kNoBuffer && plan_.buffers[buffer].kind == BufferKind::constant;
  }
  [[nodiscard]] MOTE_FOLDED const float* input() const { return value(step_.input); }
  [[nodiscard]] MOTE_FOLDED const float* second() const { return value(step_.second); }
  [[nodiscard]] MOTE_FOLDED const float* third() const { return value(step_.third); }
  /// Of the layer's value.
  [[nodiscard]] MOTE_FOLDED std::uint32_t element_bytes() const {
    return static_cast<std::uint32_t>(bytes_of(layer().dtype));
  }
  /// What the step's kernel adds to its layer's output, or null.
  [[nodiscard]] MOTE_FOLDED const float* summand() const { return step_.sum == kNoLayer ? nullptr : second(); }
  [[nodiscard]] MOTE_FOLDED float* output() const { return at(step_.output); }
  [[nodiscard]] MOTE_FOLDED const float* params() const {
    if (const std::uint16_t wide = widened_params(step_); wide != kNoBuffer) return at(wide);
    return reinterpret_cast<const float*>(stored_params());
  }
  /// The layer's parameters as they lie in a block.
  [[nodiscard]] MOTE_FOLDED const std::byte* stored_params() const {
    const std::byte* block = memory_.params;
    if (step_.trained)
      block = plan_.parameters == kNoBuffer ? memory_.trained_params
                                            : memory_.arena + plan_.buffers[plan_.parameters].offset;
    return block + step_.params;
  }
  /// The layer's parameters where training may change them.
  [[nodiscard]] MOTE_FOLDED float* trained_params() const {
    return reinterpret_cast<float*>(memory_.arena + plan_.buffers[plan_.parameters].offset + step_.params);
  }
  [[nodiscard]] MOTE_FOLDED float* param_grad() const {
    return reinterpret_cast<float*>(memory_.arena + plan_.buffers[step_.param_grad].offset + step_.param_grad_offset);
  }
  [[nodiscard]] MOTE_FOLDED ConvShape conv() const {
    const Layer& l = layer();
    const Shape source = in();
    if (l.op == Op::global_average_pool) return {batch(), source, l.shape, {source.h, source.w, 1, 1, 1, 1, 0, 0}};
    return {batch(),
            source,
            l.shape,
            {l.filter_h, l.filter_w, l.stride_h, l.stride_w, l.dilation_h, l.dilation_w, l.pad_top, l.pad_left}};
  }
  [[nodiscard]] MOTE_FOLDED std::uint32_t weight_count() const { return mote::weight_count(layer(), operand_shape(0)); }
  [[nodiscard]] MOTE_FOLDED const float* bias() const {
    return layer().has_bias() ? params() + weight_count() : nullptr;
  }
  [[nodiscard]] MOTE_FOLDED std::uint64_t random_stream() const { return memory_.slice << 16U | step_.layer; }
  /// The activation that the step's kernel applies, or whose gradient it takes.
  [[nodiscard]] MOTE_FOLDED Clamp clamp() const {
    if (step_.activation == kNoLayer) return {};
    return {0.0F, model_.layers[step_.activation].op == Op::relu6 ? 6.0F : __builtin_inff()};
  }
  /// Roughly the multiply-adds of the layer's forward pass; four an output where there are none.
  [[nodiscard]] MOTE_FOLDED std::uint64_t operations() const {
    const Shape shape = out();
    const std::uint32_t terms = layer().op == Op::matmul ? operand_shape(0).c : weight_count() / shape.c;
    return std::uint64_t{count(shape)} * (terms > 4 ? terms : 4);
  }
  [[nodiscard]] MOTE_FOLDED const Step& step() const { return step_; }
  [[nodiscard]] MOTE_FOLDED const Plan& plan() const { return plan_; }
  [[nodiscard]] MOTE_FOLDED const Model& model() const { return model_; }
  [[nodiscard]] MOTE_FOLDED const Memory& memory() const { return memory_; }

 private:
  const Model& model_;
  const Plan& plan_;
  const Step& step_;
  const Memory& memory_;
};

}  // namespace mote
