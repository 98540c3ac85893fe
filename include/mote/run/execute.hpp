// SPDX-License-Identifier: Apache-2.0
// The one executor: run_step() turns a step of a plan into one kernel call. The only place where plans meet kernels.
// Called in a loop it runs any model; called with constexpr arguments it folds to the call itself, so that firmware
// links only the kernels its network uses. Forward here, training in execute_training.hpp.
#pragma once

#include <cstddef>
#include <cstdint>

#include "mote/kernels/isa.hpp"
#include "mote/kernels/kernels.hpp"
#include "mote/plan/plan.hpp"
#include "mote/run/threads.hpp"

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
  [[gnu::always_inline]] constexpr Binding(const Model& model, const Plan& plan, const Step& step, const Memory& memory)
      : model_(model), plan_(plan), step_(step), memory_(memory) {}

  [[nodiscard]] [[gnu::always_inline]] const Layer& layer() const { return model_.layers[step_.layer]; }
  [[nodiscard]] [[gnu::always_inline]] Shape in() const {
    return model_.layers[layer().inputs[step_.input_index]].shape;
  }
  [[nodiscard]] [[gnu::always_inline]] Shape out() const { return layer().shape; }
  [[nodiscard]] [[gnu::always_inline]] std::uint32_t batch() const { return plan_.options.batch; }
  [[nodiscard]] [[gnu::always_inline]] std::uint32_t count(const Shape& s) const {
    return static_cast<std::uint32_t>(s.elements()) * batch();
  }
  [[nodiscard]] [[gnu::always_inline]] std::uint32_t rows(const Shape& s) const { return s.h * s.w * batch(); }

  [[nodiscard]] [[gnu::always_inline]] float* at(std::uint16_t buffer) const {
    return buffer == kNoBuffer ? nullptr : reinterpret_cast<float*>(memory_.arena + plan_.buffers[buffer].offset);
  }
  [[nodiscard]] [[gnu::always_inline]] const float* input() const {
    return step_.input == kNoBuffer ? memory_.external_input : at(step_.input);
  }
  [[nodiscard]] [[gnu::always_inline]] const float* second() const {
    return step_.second == kNoBuffer ? memory_.external_input : at(step_.second);
  }
  /// What the step's kernel adds to its layer's output, or null.
  [[nodiscard]] [[gnu::always_inline]] const float* summand() const {
    return step_.sum == kNoLayer ? nullptr : second();
  }
  [[nodiscard]] [[gnu::always_inline]] float* output() const { return at(step_.output); }
  [[nodiscard]] [[gnu::always_inline]] const float* params() const {
    const std::byte* block = memory_.params;
    if (step_.trained)
      block = plan_.parameters == kNoBuffer ? memory_.trained_params
                                            : memory_.arena + plan_.buffers[plan_.parameters].offset;
    return reinterpret_cast<const float*>(block + step_.params);
  }
  /// The layer's parameters where training may change them.
  [[nodiscard]] [[gnu::always_inline]] float* trained_params() const {
    return reinterpret_cast<float*>(memory_.arena + plan_.buffers[plan_.parameters].offset + step_.params);
  }
  [[nodiscard]] [[gnu::always_inline]] float* param_grad() const {
    return reinterpret_cast<float*>(memory_.arena + plan_.buffers[step_.param_grad].offset + step_.param_grad_offset);
  }
  [[nodiscard]] [[gnu::always_inline]] ConvShape conv() const {
    const Layer& l = layer();
    const Shape source = in();
    if (l.op == Op::global_average_pool) return {batch(), source, l.shape, {source.h, source.w, 1, 1, 1, 1, 0, 0}};
    return {batch(),
            source,
            l.shape,
            {l.filter_h, l.filter_w, l.stride_h, l.stride_w, l.dilation_h, l.dilation_w, l.pad_top, l.pad_left}};
  }
  [[nodiscard]] [[gnu::always_inline]] std::uint32_t weight_count() const {
    return mote::weight_count(layer(), model_.layers[layer().inputs[0]].shape);
  }
  [[nodiscard]] [[gnu::always_inline]] const float* bias() const {
    return layer().has_bias() ? params() + weight_count() : nullptr;
  }
  [[nodiscard]] [[gnu::always_inline]] std::uint64_t random_stream() const {
    return memory_.slice << 16U | step_.layer;
  }
  /// The activation that the step's kernel applies, or whose gradient it takes.
  [[nodiscard]] [[gnu::always_inline]] Clamp clamp() const {
    if (step_.activation == kNoLayer) return {};
    return {0.0F, model_.layers[step_.activation].op == Op::relu6 ? 6.0F : __builtin_inff()};
  }
  /// First channel of this step's input within a concatenated output.
  [[nodiscard]] [[gnu::always_inline]] std::uint32_t channel_offset() const {
    std::uint32_t offset = 0;
    for (std::size_t k = 0; k < step_.input_index; ++k) offset += model_.layers[layer().inputs[k]].shape.c;
    return offset;
  }
  /// Roughly the multiply-adds of the layer's forward pass; four an output where there are none.
  [[nodiscard]] [[gnu::always_inline]] std::uint64_t operations() const {
    const Shape shape = out();
    const std::uint32_t terms = weight_count() / shape.c;
    return std::uint64_t{count(shape)} * (terms > 4 ? terms : 4);
  }
  [[nodiscard]] [[gnu::always_inline]] const Step& step() const { return step_; }
  [[nodiscard]] [[gnu::always_inline]] const Plan& plan() const { return plan_; }
  [[nodiscard]] [[gnu::always_inline]] const Model& model() const { return model_; }
  [[nodiscard]] [[gnu::always_inline]] const Memory& memory() const { return memory_; }

 private:
  const Model& model_;
  const Plan& plan_;
  const Step& step_;
  const Memory& memory_;
};

namespace detail {

/// Multiply-adds from which on a kernel call is divided among threads; handing it over took 0.6 us on two cores of a
/// server, in which one core does about as much.
inline constexpr std::uint64_t kWorthDividing = 100'000;

template <class Args>
constexpr Args arguments_of(void (*)(const Args&));

/// Threads::Task of one kernel.
template <auto kKernel>
void run_share(const void* data, std::uint32_t index, std::uint32_t count) {
  auto args = *static_cast<const decltype(arguments_of(kKernel))*>(data);
  args.part = {index, count};
  kKernel(args);
}

/// The kernel call, divided among the caller's threads where there are any and it has shares and work enough.
template <auto kKernel>
[[gnu::always_inline]] inline void call(const Binding& b, const decltype(arguments_of(kKernel))& args) {
  if constexpr (requires { args.part; }) {
    if (const Threads* threads = b.memory().threads; threads != nullptr) {
      std::uint64_t operations = 0;
      if constexpr (requires { args.count; }) {
        operations = std::uint64_t{4} * args.count;
      } else {
        operations = b.operations();
      }
      if (operations >= kWorthDividing) return threads->run(threads->pool, &run_share<kKernel>, &args, threads->count);
    }
  }
  kKernel(args);
}

[[gnu::always_inline]] inline ActivationArgs activation_args(const Binding& b) {
  return {b.input(), b.output(), b.layer().alpha, b.count(b.out())};
}

[[gnu::always_inline]] inline void run_batch_norm(const Binding& b) {
  const std::uint32_t channels = b.out().c;
  const float* gamma = b.params();
  BatchNormArgs args{b.input(),
                     gamma,
                     gamma + channels,
                     gamma + 2 * std::size_t{channels},
                     gamma + 3 * std::size_t{channels},
                     b.output(),
                     b.at(b.step().saved),
                     b.layer().alpha,
                     b.rows(b.out()),
                     channels};
  if (b.memory().training && b.step().saved != kNoBuffer)
    call<kernels::batch_norm_train_f32>(b, args);
  else
    call<kernels::batch_norm_f32>(b, args);
}

[[gnu::always_inline]] inline void run_dropout(const Binding& b) {
  // Outside training a planned dropout is the identity; rate 0 copies, and in place nothing is to be done.
  if (!b.memory().training && b.input() == b.output()) return;
  call<kernels::dropout_f32>(b, {b.input(), b.output(), b.memory().training ? b.layer().alpha : 0.0F, b.memory().seed,
                                 b.random_stream(), b.count(b.out())});
}

[[gnu::always_inline]] inline void run_gaussian_noise(const Binding& b) {
  if (!b.memory().training && b.input() == b.output()) return;
  kernels::gaussian_noise_f32({b.input(), b.output(), b.memory().training ? b.layer().alpha : 0.0F, b.memory().seed,
                               b.random_stream(), b.count(b.out())});
}

}  // namespace detail

/// One forward step: one kernel call, by operator. int8 models do not get here (Session::create refuses them).
[[gnu::always_inline]] inline void run_forward(const Binding& b) {
  const Layer& layer = b.layer();
  switch (layer.op) {
    case Op::input:
    case Op::reshape:
    case Op::identity: return;
    case Op::dense:
      return detail::call<kernels::dense_f32>(
          b, {b.input(), b.params(), b.bias(), b.output(), b.batch(), static_cast<std::uint32_t>(b.in().elements()),
              layer.shape.c, b.clamp()});
    case Op::conv2d:
      return detail::call<kernels::conv2d_f32>(
          b, {b.input(), b.params(), b.bias(), b.output(), b.at(b.step().scratch), b.conv(), b.clamp(), b.summand()});
    case Op::depthwise_conv2d:
      return detail::call<kernels::depthwise_conv2d_f32>(
          b, {b.input(), b.params(), b.bias(), b.output(), nullptr, b.conv(), b.clamp()});
    case Op::max_pool: return detail::call<kernels::max_pool_f32>(b, {b.input(), b.output(), b.conv()});
    case Op::average_pool:
    case Op::global_average_pool: return detail::call<kernels::average_pool_f32>(b, {b.input(), b.output(), b.conv()});
    case Op::batch_norm: return detail::run_batch_norm(b);
    case Op::dropout: return detail::run_dropout(b);
    case Op::gaussian_noise: return detail::run_gaussian_noise(b);
    case Op::add:
      return detail::call<kernels::add_f32>(b, {b.input(), b.second(), b.output(), b.count(b.out()), b.clamp()});
    case Op::concat:
      return kernels::copy_channels_f32(
          {b.input(), b.output() + b.channel_offset(), b.rows(b.in()), b.in().c, b.in().c, b.out().c});
#define MOTE_ACTIVATION(name, number, derivative_on, needs)                  \
  case Op::name: {                                                           \
    return detail::call<kernels::name##_f32>(b, detail::activation_args(b)); \
  }
#include "mote/model/ops.inc"
    case Op::rbf: {
      const auto fan_in = static_cast<std::uint32_t>(b.in().elements());
      return kernels::rbf_f32(
          {b.input(), b.params(), b.params() + b.weight_count(), b.output(), b.batch(), fan_in, layer.shape.c});
    }
    case Op::spline: {
      const float* knots = b.params();
      const std::size_t count = b.weight_count();
      return kernels::spline_f32(
          {b.input(), knots, knots + count, knots + 2 * count, b.output(), b.rows(b.out()), b.out().c, layer.knots()});
    }
    case Op::softmax: return kernels::softmax_f32({b.input(), b.output(), b.rows(b.out()), b.out().c});
  }
}

#if defined(MOTE_TRACE)
/// Called by every run before (`begin`) and after each step; the program that defines MOTE_TRACE provides it.
void trace(const Plan& plan, std::uint16_t step, bool begin);
#endif

namespace detail {
/// What surrounds each step in guard and trace builds; empty otherwise. A damaged canary ends in panic() (port.hpp).
#if defined(MOTE_GUARD)
void guard_before(const Plan& plan, std::byte* arena, std::uint16_t step);
void guard_after(const Plan& plan, std::byte* arena, std::uint16_t step);
#endif

inline void before_step(const Plan& plan, std::byte* arena, std::uint16_t step) {
#if defined(MOTE_GUARD)
  guard_before(plan, arena, step);
#endif
#if defined(MOTE_TRACE)
  trace(plan, step, true);
#endif
  static_cast<void>(plan), static_cast<void>(arena), static_cast<void>(step);
}
inline void after_step(const Plan& plan, std::byte* arena, std::uint16_t step) {
#if defined(MOTE_TRACE)
  trace(plan, step, false);
#endif
#if defined(MOTE_GUARD)
  guard_after(plan, arena, step);
#endif
  static_cast<void>(plan), static_cast<void>(arena), static_cast<void>(step);
}
}  // namespace detail

}  // namespace mote
