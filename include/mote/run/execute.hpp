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
#include <utility>

#include "mote/kernels/isa.hpp"
#include "mote/kernels/kernels.hpp"
#include "mote/plan/plan.hpp"
#include "mote/run/binding.hpp"
#include "mote/run/call.hpp"
#include "mote/run/execute_integers.hpp"
#include "mote/run/operator_args.hpp"

namespace mote {

/// The element type a step computes on: of its layer's first operand.
MOTE_FOLDED constexpr DType operand_type(const Model& model, const Step& step) {
  return model.layers[model.operand(model.layers[step.layer])].dtype;
}

/// What decides which kernel a forward step calls; its arguments are the binding's.
struct ForwardChoice {
  const Binding& b;
  [[nodiscard]] MOTE_FOLDED Op op() const { return b.layer().op; }
  [[nodiscard]] MOTE_FOLDED bool second_form() const { return b.step().second_form; }
  [[nodiscard]] MOTE_FOLDED bool rounds() const { return rounds_weights(b.layer()); }
  [[nodiscard]] MOTE_FOLDED bool narrow() const { return stores_narrow_weights(b.layer()); }
  [[nodiscard]] MOTE_FOLDED DType type() const { return operand_type(b.model(), b.step()); }
};
/// The same as constants, of which only what they choose is compiled and linked.
template <Op kOp, bool kSecondForm, DType kType, bool kRounds>
struct ForwardConstants {
  MOTE_FOLDED static constexpr std::integral_constant<Op, kOp> op() { return {}; }
  MOTE_FOLDED static constexpr std::bool_constant<kSecondForm> second_form() { return {}; }
  MOTE_FOLDED static constexpr std::bool_constant<kRounds> rounds() { return {}; }
  MOTE_FOLDED static constexpr std::bool_constant<kSecondForm && !kRounds && may_store_narrow_weights(kOp)> narrow() {
    return {};
  }
  MOTE_FOLDED static constexpr std::integral_constant<DType, kType> type() { return {}; }
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
/// Integers that stand for real numbers have forms of their own, all other types the first.
template <class Use, class... Args>
MOTE_FOLDED inline void pick(DType type, const Use& use, Args&... args) {
  switch (type) {
    MOTE_PICK(DType::s8)
    MOTE_PICK(DType::s16)
    default: return use(std::integral_constant<DType, DType::f32>{}, args...);
  }
}
/// Whether a condition is a constant, and false: what it asks for is then not compiled.
template <class Condition>
inline constexpr bool kNever = std::is_same_v<Condition, std::false_type>;

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

MOTE_FOLDED inline ActivationArgs activation_args(const Binding& b) {
  return {b.input(), b.output(), b.layer().alpha, b.count(b.out()), {}, b.layer().beta};
}

/// Makes float32 of narrow weights, or rounds those that are to be, for the kernel that follows in the same step.
template <Op kOp, class Choice>
MOTE_FOLDED inline void widen(const Binding& b, const Choice& choice) {
  if constexpr (may_store_narrow_weights(kOp))
    choose(
        choice.second_form(),
        [&]() MOTE_FOLDED {
          choose(
              choice.rounds(), [&]() MOTE_FOLDED { round_params(b); }, [&]() MOTE_FOLDED { widen_params(b); });
        },
        [] {});
}

MOTE_FOLDED inline void run_dense(const Binding& b) {
  const auto fan_in = static_cast<std::uint32_t>(b.in().elements());
  call<kernels::dense_f32>(b, {b.input(), b.params(), b.bias(), b.output(), b.batch(), fan_in, b.out().c, b.clamp()});
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
      both(choice.second_form(), b.memory().training),
      [&]() MOTE_FOLDED { call<kernels::batch_norm_train_f32>(b, args); },
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

/// float32 along channels has a kernel of its own, which vectors of narrow rows suit.
MOTE_FOLDED inline void run_concat(const Binding& b) {
  const ConcatRows r = concat_rows(b);
  const std::uint32_t bytes = b.element_bytes();
  if (bytes == sizeof(float)) {
    kernels::copy_channels_f32({b.input(), b.output() + r.offset, r.rows, r.width, r.width, r.stride});
  } else {
    kernels::copy_rows_bytes({reinterpret_cast<const std::byte*>(b.input()),
                              reinterpret_cast<std::byte*>(b.output()) + std::size_t{r.offset} * bytes, r.rows,
                              r.width * bytes, r.width * bytes, r.stride * bytes});
  }
}

/// What is kept for the next run, or an output that is a state or a constant: that one for every sample.
MOTE_FOLDED inline void run_copy(const Binding& b) {
  if (b.input() == b.output()) return;
  const auto* from = reinterpret_cast<const std::byte*>(b.input());
  auto* to = reinterpret_cast<std::byte*>(b.output());
  const std::size_t bytes = static_cast<std::size_t>(b.out().elements()) * b.element_bytes();
  for (std::uint32_t sample = 0; sample < b.batch(); ++sample)
    __builtin_memcpy(to + sample * bytes, from + (b.is_constant(b.step().input) ? 0 : sample * bytes), bytes);
}

/// The kernel call of one operator's forward step.
template <Op kOp, class Choice>
MOTE_FOLDED inline void forward(const Binding& b, const Choice& choice) {
  if constexpr (kOp != Op::dense) widen<kOp>(b, choice);  // whose kernel reads them as they are
  const std::uint32_t units = b.out().c;
  const auto fan_in = [&]() MOTE_FOLDED { return static_cast<std::uint32_t>(b.in().elements()); };
  if constexpr (kOp == Op::dense) {
    choose(
        choice.second_form(),
        [&]() MOTE_FOLDED {
          choose(
              choice.rounds(), [&]() MOTE_FOLDED { round_params(b), run_dense(b); },
              [&]() MOTE_FOLDED { call<kernels::dense_narrow_f32>(b, dense_narrow_args(b)); });
        },
        [&]() MOTE_FOLDED { run_dense(b); });
  } else if constexpr (kOp == Op::conv2d) {
    call<kernels::conv2d_f32>(
        b, {b.input(), b.params(), b.bias(), b.output(), b.at(b.step().scratch), b.conv(), b.clamp(), b.summand()});
  } else if constexpr (kOp == Op::depthwise_conv2d) {
    call<kernels::depthwise_conv2d_f32>(b, {b.input(), b.params(), b.bias(), b.output(), nullptr, b.conv(), b.clamp()});
  } else if constexpr (kOp == Op::conv2d_transpose) {
    call<kernels::conv2d_transpose_f32>(b, {b.input(), b.params(), b.bias(), b.output(), nullptr, b.conv(), b.clamp()});
  } else if constexpr (kOp == Op::resize_nearest) {
    call<kernels::resize_nearest_bytes>(b, resize_nearest_args(b));
  } else if constexpr (kOp == Op::resize_bilinear) {
    call<kernels::resize_bilinear_f32>(b, resize_args(b));
  } else if constexpr (kOp == Op::cast) {
    call<kernels::cast_values>(b, cast_args(b));
  } else if constexpr (kOp == Op::max_pool) {
    call<kernels::max_pool_f32>(b, {b.input(), b.output(), b.conv()});
  } else if constexpr (kOp == Op::average_pool || kOp == Op::global_average_pool) {
    call<kernels::average_pool_f32>(b, {b.input(), b.output(), b.conv(), {}, b.layer().args[0] != 0});
  } else if constexpr (kOp == Op::batch_norm) {
    run_batch_norm(b, choice);
  } else if constexpr (kOp == Op::dropout) {
    run_dropout(b);
  } else if constexpr (kOp == Op::gaussian_noise) {
    run_gaussian_noise(b);
  } else if constexpr (kOp == Op::add) {
    choose(
        choice.second_form(), [&]() MOTE_FOLDED { call<kernels::add_broadcast_f32>(b, binary_args(b)); },
        [&]() MOTE_FOLDED {
          call<kernels::add_f32>(b, {b.input(), b.second(), b.output(), b.count(b.out()), b.clamp()});
        });
  } else if constexpr (kOp == Op::bias_add) {
    call<kernels::add_broadcast_f32>(b, bias_add_args(b));
  } else if constexpr (kOp == Op::concat) {
    run_concat(b);
  } else if constexpr (kOp == Op::rbf) {
    kernels::rbf_f32({b.input(), b.params(), b.params() + b.weight_count(), b.output(), b.batch(), fan_in(), units});
  } else if constexpr (kOp == Op::fake_quantize) {
    call<kernels::fake_quantize_f32>(b, {b.input(), b.output(), int8_units(learned_range(b)), b.count(b.out())});
  } else if constexpr (kOp == Op::spline) {
    const float* knots = b.params();
    const std::size_t count = b.weight_count();
    kernels::spline_f32(
        {b.input(), knots, knots + count, knots + 2 * count, b.output(), b.rows(b.out()), units, b.layer().knots()});
  } else if constexpr (kOp == Op::softmax) {
    choose(
        choice.second_form(), [&]() MOTE_FOLDED { call<kernels::softmax_axis_f32>(b, softmax_axis_args(b)); },
        [&]() MOTE_FOLDED {
          kernels::softmax_f32({b.input(), b.output(), b.rows(b.out()), units});
        });
  } else if constexpr (kOp == Op::log_softmax) {
    call<kernels::log_softmax_f32>(b, softmax_axis_args(b));
  } else if constexpr (kOp == Op::layer_norm) {
    call<kernels::layer_norm_f32>(b, norm_args(b, b.params(), true));
  } else if constexpr (kOp == Op::rms_norm) {
    call<kernels::rms_norm_f32>(b, norm_args(b, b.params(), b.layer().has_bias()));
  } else if constexpr (kOp == Op::l2_norm) {
    call<kernels::l2_norm_f32>(b, norm_args(b, nullptr, false));
  } else if constexpr (kOp == Op::lrn) {
    call<kernels::lrn_f32>(b, lrn_args(b));
  } else if constexpr (kOp == Op::matmul) {
    call<kernels::matmul_f32>(b, matmul_args(b));
  } else if constexpr (kOp == Op::lstm) {
    kernels::lstm_f32(recurrent_args(b));
  } else if constexpr (kOp == Op::gru) {
    kernels::gru_f32(recurrent_args(b));
  } else if constexpr (kOp == Op::rnn) {
    kernels::rnn_f32(recurrent_args(b));
  } else if constexpr (kOp == Op::assign || kOp == Op::output || kOp == Op::state) {
    run_copy(b);
  } else if constexpr (is_conversion(kOp)) {
    convert<kOp>(b);
  } else if constexpr (kOp == Op::logical_not) {
    call<kernels::logical_not_bool>(b, {reinterpret_cast<const std::uint8_t*>(b.input()),
                                        reinterpret_cast<std::uint8_t*>(b.output()), b.count(b.out())});
  } else if constexpr (kOp == Op::logical_and) {
    call<kernels::logical_and_bool>(b, two_operand_args<LogicalArgs>(b));
  } else if constexpr (kOp == Op::logical_or) {
    call<kernels::logical_or_bool>(b, two_operand_args<LogicalArgs>(b));
  } else if constexpr (kOp == Op::select) {
    call<kernels::select_bytes>(b, select_args(b));
  } else if constexpr (kOp == Op::transpose) {
    call<kernels::transpose_bytes>(b, transpose_args(b, b.input(), b.output(), false));
  } else if constexpr (kOp == Op::slice) {
    call<kernels::slice_bytes>(b, slice_args(b));
  } else if constexpr (kOp == Op::pad) {
    call<kernels::pad_bytes>(b, pad_args(b));
  } else if constexpr (kOp == Op::tile) {
    call<kernels::tile_bytes>(b, tile_args(b));
  } else if constexpr (kOp == Op::gather) {
    for (std::uint32_t sample = 0; sample < b.batch(); ++sample) call<kernels::gather_bytes>(b, gather_args(b, sample));
  } else if constexpr (kOp == Op::argmax) {
    call<kernels::argmax_f32>(b, arg_reduce_args(b));
  } else if constexpr (kOp == Op::argmin) {
    call<kernels::argmin_f32>(b, arg_reduce_args(b));
#define MOTE_ACTIVATION(name, number, derivative_on, needs) \
  }                                                         \
  else if constexpr (kOp == Op::name) {                     \
    call<kernels::name##_f32>(b, activation_args(b));
#define MOTE_UNARY(name, number)        \
  }                                     \
  else if constexpr (kOp == Op::name) { \
    call<kernels::name##_f32>(b, activation_args(b));
#define MOTE_BINARY(name, number)       \
  }                                     \
  else if constexpr (kOp == Op::name) { \
    call<kernels::name##_f32>(b, binary_args(b));
#define MOTE_COMPARISON(name, number)   \
  }                                     \
  else if constexpr (kOp == Op::name) { \
    call<kernels::name##_f32>(b, two_operand_args<CompareArgs>(b));
#define MOTE_REDUCTION(name, number)    \
  }                                     \
  else if constexpr (kOp == Op::name) { \
    call<kernels::name##_f32>(b, reduce_args(b));
#include "mote/model/ops.inc"
  } else {
    static_assert(is_source(kOp) || is_alias(kOp) || kOp == Op::result || kOp == Op::svdf,
                  "an operator without a kernel");
  }
}

/// By the element type, where the operator has forms on integers.
template <Op kOp, class Choice>
MOTE_FOLDED inline void forward_on_type(const Binding& b, const Choice& choice) {
  if constexpr (has_int8_form(kOp) || has_int16_form(kOp)) {
    pick(
        choice.type(),
        [](auto type, const Binding& bound, const Choice& chosen) MOTE_FOLDED {
          if constexpr (type == DType::s8 && has_int8_form(kOp))
            forward_int8<kOp>(bound);
          else if constexpr (type == DType::s16 && has_int16_form(kOp))
            forward_int16<kOp>(bound);
          else
            forward<kOp>(bound, chosen);
        },
        b, choice);
  } else {
    forward<kOp>(b, choice);
  }
}

/// Of a step that is known when it runs only: a function for each operator, which sessions and trainers share. One of
/// all of them takes compilers more than a minute.
template <Op kOp>
[[gnu::noinline]] void forward_found(const Binding& b) {
  forward_on_type<kOp>(b, ForwardChoice{b});
}

}  // namespace detail

/// Whether a choice answers with values.
template <class Choice>
inline constexpr bool kAtRunTime = std::is_same_v<decltype(std::declval<const Choice&>().op()), Op>;

/// One forward step: one kernel call, by operator and element type.
template <class Choice>
MOTE_FOLDED inline void run_forward(const Binding& b, const Choice& choice) {
  if constexpr (kAtRunTime<Choice>) {
    detail::pick(
        choice.op(), [](auto op, const Binding& bound) MOTE_FOLDED { detail::forward_found<op>(bound); }, b);
  } else {
    detail::pick(
        choice.op(),
        [](auto op, const Binding& bound, const Choice& chosen)
            MOTE_FOLDED { detail::forward_on_type<op>(bound, chosen); },
        b, choice);
  }
}

/// The same for a step that is known when it runs only, as a function that is compiled already: for programs that do
/// something between two steps, such as looking at a clock. session.cpp
void run_forward_step(const Binding& b);

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
