// SPDX-License-Identifier: Apache-2.0
// The one executor: run_step() turns a step of a plan into one kernel call. The only place where plans meet kernels.
// A choice says which kernel, a binding its arguments. Called with run-time choices it runs any model; with constants
// only what they choose is compiled and linked, optimised or not. Forward here, training in execute_training.hpp.
#pragma once

#include "mote/requirements.hpp"
#ifndef MOTE_WARN_IN_HEADERS
#pragma GCC system_header
#endif

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "mote/kernels/isa.hpp"
#include "mote/kernels/kernels.hpp"
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
  [[nodiscard]] MOTE_FOLDED Shape in() const { return model_.layers[layer().inputs[step_.input_index]].shape; }
  [[nodiscard]] MOTE_FOLDED Shape out() const { return layer().shape; }
  [[nodiscard]] MOTE_FOLDED std::uint32_t batch() const { return plan_.options.batch; }
  [[nodiscard]] MOTE_FOLDED std::uint32_t count(const Shape& s) const {
    return static_cast<std::uint32_t>(s.elements()) * batch();
  }
  [[nodiscard]] MOTE_FOLDED std::uint32_t rows(const Shape& s) const { return s.h * s.w * batch(); }

  [[nodiscard]] MOTE_FOLDED float* at(std::uint16_t buffer) const {
    return buffer == kNoBuffer ? nullptr : reinterpret_cast<float*>(memory_.arena + plan_.buffers[buffer].offset);
  }
  [[nodiscard]] MOTE_FOLDED const float* input() const {
    return step_.input == kNoBuffer ? memory_.external_input : at(step_.input);
  }
  [[nodiscard]] MOTE_FOLDED const float* second() const {
    return step_.second == kNoBuffer ? memory_.external_input : at(step_.second);
  }
  /// What the step's kernel adds to its layer's output, or null.
  [[nodiscard]] MOTE_FOLDED const float* summand() const { return step_.sum == kNoLayer ? nullptr : second(); }
  [[nodiscard]] MOTE_FOLDED float* output() const { return at(step_.output); }
  [[nodiscard]] MOTE_FOLDED const float* params() const {
    const std::byte* block = memory_.params;
    if (step_.trained)
      block = plan_.parameters == kNoBuffer ? memory_.trained_params
                                            : memory_.arena + plan_.buffers[plan_.parameters].offset;
    return reinterpret_cast<const float*>(block + step_.params);
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
  [[nodiscard]] MOTE_FOLDED std::uint32_t weight_count() const {
    return mote::weight_count(layer(), model_.layers[layer().inputs[0]].shape);
  }
  [[nodiscard]] MOTE_FOLDED const float* bias() const {
    return layer().has_bias() ? params() + weight_count() : nullptr;
  }
  [[nodiscard]] MOTE_FOLDED std::uint64_t random_stream() const { return memory_.slice << 16U | step_.layer; }
  /// The activation that the step's kernel applies, or whose gradient it takes.
  [[nodiscard]] MOTE_FOLDED Clamp clamp() const {
    if (step_.activation == kNoLayer) return {};
    return {0.0F, model_.layers[step_.activation].op == Op::relu6 ? 6.0F : __builtin_inff()};
  }
  /// First channel of this step's input within a concatenated output.
  [[nodiscard]] MOTE_FOLDED std::uint32_t channel_offset() const {
    std::uint32_t offset = 0;
    for (std::size_t k = 0; k < step_.input_index; ++k) offset += model_.layers[layer().inputs[k]].shape.c;
    return offset;
  }
  /// Roughly the multiply-adds of the layer's forward pass; four an output where there are none.
  [[nodiscard]] MOTE_FOLDED std::uint64_t operations() const {
    const Shape shape = out();
    const std::uint32_t terms = weight_count() / shape.c;
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

/// What decides which kernel a forward step calls; its arguments are the binding's.
struct ForwardChoice {
  const Binding& b;
  [[nodiscard]] MOTE_FOLDED Op op() const { return b.layer().op; }
  [[nodiscard]] MOTE_FOLDED bool saves() const { return b.step().saved != kNoBuffer; }  ///< batch norm that is trained
};
/// The same as constants, of which only what they choose is compiled and linked.
template <Op kOp, bool kSaves>
struct ForwardConstants {
  MOTE_FOLDED static constexpr std::integral_constant<Op, kOp> op() { return {}; }
  MOTE_FOLDED static constexpr std::bool_constant<kSaves> saves() { return {}; }
};

namespace detail {

/// Calls `use(value, args…)` with the value as a constant: one that is known as such, or by a switch over all. What
/// `use` needs are arguments and not captured, or -Os would not see through it.
template <class T, T kValue, class Use, class... Args>
MOTE_FOLDED inline auto pick(std::integral_constant<T, kValue> value, const Use& use, Args&... args) {
  return use(value, args...);
}
#define MOTE_PICK(value) \
  case value: return use(std::integral_constant<decltype(value), value>{}, args...);
template <class Use, class... Args>
MOTE_FOLDED inline void pick(Op op, const Use& use, Args&... args) {
  switch (op) {
#define MOTE_OP(name, number) MOTE_PICK(Op::name)
#define MOTE_ACTIVATION(name, number, derivative_on, needs) MOTE_OP(name, number)
#include "mote/model/ops.inc"
  }
}
/// Calls `yes` or `no`.
template <bool kCondition, class Yes, class No>
MOTE_FOLDED inline void choose(std::bool_constant<kCondition>, Yes&& yes, No&& no) {
  if constexpr (kCondition)
    yes();
  else
    no();
}
template <class Yes, class No>
MOTE_FOLDED inline void choose(bool condition, Yes&& yes, No&& no) {
  condition ? yes() : no();
}

constexpr std::false_type both(std::false_type, bool) { return {}; }
constexpr bool both(bool a, bool b) { return a && b; }

/// Calls `use(step)` for the steps [kFirst, kLast) of a constant plan, in order, until one does not return Code::ok.
/// Halves, because compilers bound the depth of fold expressions.
template <std::size_t kFirst, std::size_t kLast, class Use>
MOTE_FOLDED inline Code for_steps(const Use& use) {
  if constexpr (kFirst == kLast) {
    return Code::ok;
  } else if constexpr (kFirst + 1 == kLast) {
    return use(std::integral_constant<std::uint16_t, kFirst>{});
  } else {
    constexpr std::size_t kMiddle = kFirst + (kLast - kFirst) / 2;
    const Code code = for_steps<kFirst, kMiddle>(use);
    return code == Code::ok ? for_steps<kMiddle, kLast>(use) : code;
  }
}

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
MOTE_FOLDED inline void call(const Binding& b, const decltype(arguments_of(kKernel))& args) {
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

MOTE_FOLDED inline ActivationArgs activation_args(const Binding& b) {
  return {b.input(), b.output(), b.layer().alpha, b.count(b.out())};
}

template <class Choice>
MOTE_FOLDED inline void run_batch_norm(const Binding& b, const Choice& choice) {
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
  choose(
      both(choice.saves(), b.memory().training), [&]() MOTE_FOLDED { call<kernels::batch_norm_train_f32>(b, args); },
      [&]() MOTE_FOLDED { call<kernels::batch_norm_f32>(b, args); });
}

MOTE_FOLDED inline void run_dropout(const Binding& b) {
  // Outside training a planned dropout is the identity; rate 0 copies, and in place nothing is to be done.
  if (!b.memory().training && b.input() == b.output()) return;
  call<kernels::dropout_f32>(b, {b.input(), b.output(), b.memory().training ? b.layer().alpha : 0.0F, b.memory().seed,
                                 b.random_stream(), b.count(b.out())});
}

MOTE_FOLDED inline void run_gaussian_noise(const Binding& b) {
  if (!b.memory().training && b.input() == b.output()) return;
  kernels::gaussian_noise_f32({b.input(), b.output(), b.memory().training ? b.layer().alpha : 0.0F, b.memory().seed,
                               b.random_stream(), b.count(b.out())});
}

/// The kernel call of one operator's forward step.
template <Op kOp, class Choice>
MOTE_FOLDED inline void forward(const Binding& b, const Choice& choice) {
  const std::uint32_t units = b.out().c;
  const auto fan_in = [&]() MOTE_FOLDED { return static_cast<std::uint32_t>(b.in().elements()); };
  if constexpr (kOp == Op::dense) {
    call<kernels::dense_f32>(b, {b.input(), b.params(), b.bias(), b.output(), b.batch(), fan_in(), units, b.clamp()});
  } else if constexpr (kOp == Op::conv2d) {
    call<kernels::conv2d_f32>(
        b, {b.input(), b.params(), b.bias(), b.output(), b.at(b.step().scratch), b.conv(), b.clamp(), b.summand()});
  } else if constexpr (kOp == Op::depthwise_conv2d) {
    call<kernels::depthwise_conv2d_f32>(b, {b.input(), b.params(), b.bias(), b.output(), nullptr, b.conv(), b.clamp()});
  } else if constexpr (kOp == Op::max_pool) {
    call<kernels::max_pool_f32>(b, {b.input(), b.output(), b.conv()});
  } else if constexpr (kOp == Op::average_pool || kOp == Op::global_average_pool) {
    call<kernels::average_pool_f32>(b, {b.input(), b.output(), b.conv()});
  } else if constexpr (kOp == Op::batch_norm) {
    run_batch_norm(b, choice);
  } else if constexpr (kOp == Op::dropout) {
    run_dropout(b);
  } else if constexpr (kOp == Op::gaussian_noise) {
    run_gaussian_noise(b);
  } else if constexpr (kOp == Op::add) {
    call<kernels::add_f32>(b, {b.input(), b.second(), b.output(), b.count(b.out()), b.clamp()});
  } else if constexpr (kOp == Op::concat) {
    kernels::copy_channels_f32({b.input(), b.output() + b.channel_offset(), b.rows(b.in()), b.in().c, b.in().c, units});
  } else if constexpr (kOp == Op::rbf) {
    kernels::rbf_f32({b.input(), b.params(), b.params() + b.weight_count(), b.output(), b.batch(), fan_in(), units});
  } else if constexpr (kOp == Op::spline) {
    const float* knots = b.params();
    const std::size_t count = b.weight_count();
    kernels::spline_f32(
        {b.input(), knots, knots + count, knots + 2 * count, b.output(), b.rows(b.out()), units, b.layer().knots()});
  } else if constexpr (kOp == Op::softmax) {
    kernels::softmax_f32({b.input(), b.output(), b.rows(b.out()), units});
#define MOTE_ACTIVATION(name, number, derivative_on, needs) \
  }                                                         \
  else if constexpr (kOp == Op::name) {                     \
    call<kernels::name##_f32>(b, activation_args(b));
#include "mote/model/ops.inc"
  } else {
    static_assert(kOp == Op::input || kOp == Op::reshape || kOp == Op::identity, "an operator without a kernel");
  }
}

}  // namespace detail

/// One forward step: one kernel call, by operator. int8 models do not get here (Session::create refuses them).
template <class Choice>
MOTE_FOLDED inline void run_forward(const Binding& b, const Choice& choice) {
  detail::pick(
      choice.op(),
      [](auto op, const Binding& bound, const Choice& chosen) MOTE_FOLDED { detail::forward<op>(bound, chosen); }, b,
      choice);
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
