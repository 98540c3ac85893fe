// SPDX-License-Identifier: Apache-2.0
// The executor's training half: loss, gradients, penalties, clipping, updates. Same form as execute.hpp: choices pick
// the kernel, a binding has its arguments. Only a loss or a gradient that is not finite can stop a run, and neither
// gets into a parameter.
#pragma once

#include "mote/requirements.hpp"
#ifndef MOTE_WARN_IN_HEADERS
#pragma GCC system_header
#endif

#include "mote/run/execute.hpp"
#include "mote/train/execute_updates.hpp"
#include "mote/train/narrow_training.hpp"
#include "mote/train/random.hpp"
#include "mote/train/train_config.hpp"

namespace mote {

/// What decides which kernels a training step calls.
struct TrainingChoice : ForwardChoice {
  const TrainConfig& config;
  [[nodiscard]] MOTE_FOLDED StepKind kind() const { return b.step().kind; }
  [[nodiscard]] MOTE_FOLDED bool fused() const { return b.step().fused; }
  [[nodiscard]] MOTE_FOLDED bool normalizes() const { return op() == Op::batch_norm; }
  [[nodiscard]] MOTE_FOLDED bool learns_range() const { return op() == Op::fake_quantize; }
  [[nodiscard]] MOTE_FOLDED bool penalty() const { return config.l1 > 0.0F || config.l2 > 0.0F; }
  [[nodiscard]] MOTE_FOLDED bool clips_values() const { return config.clip_value > 0.0F; }
  [[nodiscard]] MOTE_FOLDED Loss loss() const { return config.loss; }
  [[nodiscard]] MOTE_FOLDED OptimizerKind optimizer() const { return config.optimizer.kind; }
};
template <Op kOp, bool kSecondForm, DType kType, bool kRounds, StepKind kKind, bool kFused, const TrainConfig& kConfig>
struct TrainingConstants : ForwardConstants<kOp, kSecondForm, kType, kRounds> {
  template <auto kValue>
  using Constant = std::integral_constant<decltype(kValue), kValue>;
  MOTE_FOLDED static constexpr Constant<kKind> kind() { return {}; }
  MOTE_FOLDED static constexpr Constant<kFused> fused() { return {}; }
  MOTE_FOLDED static constexpr Constant<kOp == Op::batch_norm> normalizes() { return {}; }
  MOTE_FOLDED static constexpr Constant<kOp == Op::fake_quantize> learns_range() { return {}; }
  MOTE_FOLDED static constexpr Constant<(kConfig.l1 > 0.0F || kConfig.l2 > 0.0F)> penalty() { return {}; }
  MOTE_FOLDED static constexpr Constant<(kConfig.clip_value > 0.0F)> clips_values() { return {}; }
  MOTE_FOLDED static constexpr Constant<kConfig.loss> loss() { return {}; }
  MOTE_FOLDED static constexpr Constant<kConfig.optimizer.kind> optimizer() { return {}; }
};

namespace detail {

float square_root(float value);  // correctly rounded; trainer.cpp
/// max |value|; infinite where one is infinite or not a number.
MOTE_FOLDED inline float largest_magnitude(const float* values, std::uint32_t count) {
  float largest = 0.0F;
  kernels::largest_magnitude_f32({values, &largest, count});
  return largest;
}

/// The root, without libm: the same bits everywhere. NaN and infinity pass; what has vanished is 0.
constexpr double norm_of(double sum_of_squares) {
  if (sum_of_squares < 0x1p-1022) return 0.0;
  return sum_of_squares <= 0x1.FFFFFFFFFFFFFp+1023 ? square_root(sum_of_squares) : sum_of_squares;
}

MOTE_FOLDED inline LossArgs loss_args(const Binding& b, const TrainConfig& config, LossResult& result, bool gradient) {
  const Plan& plan = b.plan();
  const auto outputs = static_cast<std::uint32_t>(b.out().elements());
  return {b.input(),
          reinterpret_cast<const std::int32_t*>(b.at(plan.labels)),
          config.targets == Targets::input ? b.second() : b.at(plan.targets),
          config.class_weights,
          b.at(plan.sample_weights),
          gradient ? b.at(b.step().grad_output) : nullptr,
          &result,
          static_cast<float>(b.batch()) / static_cast<float>(config.batch),  // of a slice's mean in the batch's
          config.signed_labels,
          b.batch(),
          outputs};
}

template <class Use, class... Args>
MOTE_FOLDED inline Code pick(StepKind kind, const Use& use, Args&... args) {
  switch (kind) {
    MOTE_PICK(StepKind::forward)
    MOTE_PICK(StepKind::loss)
    MOTE_PICK(StepKind::grad_input)
    MOTE_PICK(StepKind::add_gradient)
    MOTE_PICK(StepKind::grad_params)
    MOTE_PICK(StepKind::penalize)
    MOTE_PICK(StepKind::gradient_norm)
    MOTE_PICK(StepKind::clip_norm)
    MOTE_PICK(StepKind::update)
  }
  return Code::ok;
}
constexpr auto loss_kernel(Loss loss) {
  switch (loss) {
    case Loss::squared_error: return kernels::squared_error_f32;
    case Loss::binary_cross_entropy: return kernels::binary_cross_entropy_f32;
    case Loss::softmax_cross_entropy: return kernels::softmax_cross_entropy_f32;
    case Loss::kl_divergence: break;
  }
  return kernels::kl_divergence_f32;
}
template <class Use, class... Args>
MOTE_FOLDED inline void pick(Loss loss, const Use& use, Args&... args) {
  switch (loss) {
    MOTE_PICK(Loss::squared_error)
    MOTE_PICK(Loss::binary_cross_entropy)
    MOTE_PICK(Loss::softmax_cross_entropy)
    MOTE_PICK(Loss::kl_divergence)
  }
}
template <class Choice>
MOTE_FOLDED inline void run_loss(const Binding& b, const Choice& choice, const TrainConfig& config, LossResult& result,
                                 bool gradient) {
  const LossArgs args = loss_args(b, config, result, gradient);
  pick(
      choice.loss(),
      [](auto chosen, const LossArgs& all) MOTE_FOLDED {
        constexpr auto kKernel = loss_kernel(chosen);
        kKernel(all);
      },
      args);
}

template <Op kOp, class Choice>
MOTE_FOLDED inline void grad_input(const Binding& b, const Choice& choice, const UpdateState& state, float* from,
                                   float* to) {
  if constexpr (kOp != Op::dense) widen<kOp>(b, choice);
  if constexpr (kOp == Op::dense && !kNever<decltype(choice.narrow())>)
    if (choice.narrow()) return dense_narrow_grad_input(b);  // by tiles
  if constexpr (kOp == Op::dense && !kNever<decltype(choice.rounds())>)
    if (choice.rounds()) round_params(b);
  if constexpr (kOp == Op::reshape || kOp == Op::identity || kOp == Op::output || kOp == Op::gaussian_noise ||
                kOp == Op::bias_add) {
    kernels::copy_channels_f32({from, to, 1, b.count(b.out()), 0, 0});
  } else if constexpr (kOp == Op::add) {
    choose(
        choice.second_form(), [&]() MOTE_FOLDED { add_up(b, from, to); },
        [&]() MOTE_FOLDED {
          kernels::copy_channels_f32({from, to, 1, b.count(b.out()), 0, 0});
        });
  } else if constexpr (kOp == Op::concat) {
    const ConcatRows r = concat_rows(b);
    kernels::copy_channels_f32({from + r.offset, to, r.rows, r.width, r.stride, r.width});
  } else if constexpr (kOp == Op::select) {
    select_grad(b, from, to);
  } else if constexpr (kOp == Op::transpose) {
    call<kernels::transpose_bytes>(b, transpose_args(b, from, to, true));
  } else if constexpr (kOp == Op::slice) {
    SliceGradArgs args{};
    args.grad_output = from, args.grad_input = to;
    set_slice(b, args);
    call<kernels::slice_grad_f32>(b, args);
  } else if constexpr (kOp == Op::pad) {
    PadGradArgs args{};
    args.grad_output = from, args.grad_input = to;
    set_pad(b, args);
    call<kernels::pad_grad_f32>(b, args);
  } else if constexpr (kOp == Op::tile) {
    TileGradArgs args{};
    args.grad_output = from, args.grad_input = to;
    set_tile(b, args);
    call<kernels::tile_grad_f32>(b, args);
  } else if constexpr (kOp == Op::gather) {
    gather_grad(b, from, to);
  } else if constexpr (kOp == Op::dense) {
    DenseGradArgs args = dense_grad_args(b);
    choose(
        choice.fused(),
        [&]() MOTE_FOLDED {
          args.grad_weights = b.trained_params();
          args.grad_bias = b.layer().has_bias() ? args.grad_weights + b.weight_count() : nullptr;
          args.scale = -state.learning_rate;
          call<kernels::dense_backward_f32>(b, args);
        },
        [&]() MOTE_FOLDED { call<kernels::dense_grad_input_f32>(b, args); });
  } else if constexpr (kOp == Op::conv2d) {
    call<kernels::conv2d_transpose_weights_f32>(b, conv_grad_args(b));
    call<kernels::conv2d_grad_input_f32>(b, conv_grad_args(b));
  } else if constexpr (kOp == Op::depthwise_conv2d) {
    call<kernels::depthwise_conv2d_grad_input_f32>(b, conv_grad_args(b));
  } else if constexpr (kOp == Op::conv2d_transpose) {
    conv2d_transpose_grad_input(b, from, to);
  } else if constexpr (kOp == Op::resize_nearest || kOp == Op::resize_bilinear) {
    ResizeGradArgs args{};
    args.grad_output = from, args.grad_input = to;
    set_resize(b, args);
    if constexpr (kOp == Op::resize_nearest)
      call<kernels::resize_nearest_grad_f32>(b, args);
    else
      call<kernels::resize_bilinear_grad_f32>(b, args);
  } else if constexpr (kOp == Op::max_pool) {
    call<kernels::max_pool_grad_f32>(b, {b.input(), from, to, b.conv(), b.clamp()});
  } else if constexpr (kOp == Op::average_pool || kOp == Op::global_average_pool) {
    call<kernels::average_pool_grad_f32>(b, {nullptr, from, to, b.conv(), {}, {}, b.layer().args[0] != 0});
  } else if constexpr (kOp == Op::batch_norm) {
    const BatchNormGradArgs args = batch_norm_grad_args(b);
    choose(
        choice.second_form(), [&]() MOTE_FOLDED { call<kernels::batch_norm_grad_input_f32>(b, args); },
        [&]() MOTE_FOLDED { call<kernels::batch_norm_frozen_grad_input_f32>(b, args); });
  } else if constexpr (kOp == Op::dropout) {
    call<kernels::dropout_f32>(b, {from, to, b.layer().alpha, b.memory().seed, b.random_stream(), b.count(b.out())});
  } else if constexpr (kOp == Op::rbf) {
    kernels::rbf_grad_input_f32(rbf_grad_args(b));
  } else if constexpr (kOp == Op::fake_quantize) {
    call<kernels::fake_quantize_grad_input_f32>(b, fake_quantize_grad_args(b));
  } else if constexpr (kOp == Op::spline) {
    kernels::spline_grad_input_f32(spline_grad_args(b));
  } else if constexpr (kOp == Op::softmax) {
    choose(
        choice.second_form(),
        [&]() MOTE_FOLDED { call<kernels::softmax_axis_grad_f32>(b, softmax_axis_grad_args(b, from, to)); },
        [&]() MOTE_FOLDED {
          kernels::softmax_grad_f32({b.output(), from, to, b.rows(b.out()), b.out().c});
        });
  } else if constexpr (kOp == Op::log_softmax) {
    call<kernels::log_softmax_grad_f32>(b, softmax_axis_grad_args(b, from, to));
  } else if constexpr (kOp == Op::layer_norm) {
    call<kernels::layer_norm_grad_input_f32>(b, norm_grad_args(b, b.params()));
  } else if constexpr (kOp == Op::rms_norm) {
    call<kernels::rms_norm_grad_input_f32>(b, norm_grad_args(b, b.params()));
  } else if constexpr (kOp == Op::l2_norm) {
    call<kernels::l2_norm_grad_input_f32>(b, norm_grad_args(b, nullptr));
  } else if constexpr (kOp == Op::lrn) {
    kernels::lrn_grad_f32(lrn_grad_args(b, from, to));
  } else if constexpr (kOp == Op::matmul) {
    call<kernels::matmul_grad_f32>(b, matmul_grad_args(b, from, to));
  } else if constexpr (kOp == Op::lstm) {
    recurrent_grad<kernels::lstm_grad_f32>(b, from, to);
  } else if constexpr (kOp == Op::gru) {
    recurrent_grad<kernels::gru_grad_f32>(b, from, to);
  } else if constexpr (kOp == Op::rnn) {
    recurrent_grad<kernels::rnn_grad_f32>(b, from, to);
#define MOTE_ACTIVATION(name, number, derivative_on, needs) \
  }                                                         \
  else if constexpr (kOp == Op::name) {                     \
    call<kernels::name##_grad_f32>(b, activation_grad_args(b));
#define MOTE_BINARY(name, number)       \
  }                                     \
  else if constexpr (kOp == Op::name) { \
    binary_grad<kernels::name##_grad_f32>(b, from, to);
#define MOTE_REDUCTION(name, number)    \
  }                                     \
  else if constexpr (kOp == Op::name) { \
    call<kernels::name##_grad_f32>(b, reduce_grad_args(b, from, to));
#include "mote/model/ops.inc"
  } else {
    static_assert(is_source(kOp) || kOp == Op::result || !differentiable(kOp), "an operator without a gradient");
  }
}

/// As forward_found().
template <Op kOp, class Choice>
[[gnu::noinline]] void grad_input_found(const Binding& b, const Choice& choice, const UpdateState& state, float* from,
                                        float* to) {
  grad_input<kOp>(b, choice, state, from, to);
}

/// The step that runs grad_input().
template <class Choice>
MOTE_FOLDED inline void run_grad_input(const Binding& b, const Choice& choice, const UpdateState& state) {
  float* from = b.at(b.step().grad_output);
  float* to = b.at(b.step().grad_input);
  pick(
      choice.op(),
      [](auto op, const Binding& bound, const Choice& chosen, const UpdateState& now, float* out, float* in)
          MOTE_FOLDED {
            if constexpr (kAtRunTime<Choice>)
              grad_input_found<op>(bound, chosen, now, out, in);
            else
              grad_input<op>(bound, chosen, now, out, in);
          },
      b, choice, state, from, to);
}

MOTE_FOLDED inline void penalize(const Binding& b, const TrainConfig& config, float* grads, float scale) {
  const float* params = b.params();
  for (const ParamArray& array : real_param_arrays(b.layer(), b.in()))
    if (array.weight || (config.penalize_bias && array.learned))
      kernels::add_penalty_f32({params + array.offset / sizeof(float), grads + array.offset / sizeof(float), scale,
                                config.l1, config.l2, array.count});
}

/// Adds the layer's gradient to `weights`, the layer's buffer or (fused) the parameters themselves.
template <Op kOp, class Choice>
MOTE_FOLDED inline void grad_params(const Binding& b, const Choice& choice, const TrainConfig& config, float* weights,
                                    float scale) {
  const auto bind = [&](auto args) {
    args.grad_weights = weights;
    args.grad_bias = b.layer().has_bias() ? weights + b.weight_count() : nullptr;
    args.scale = scale;
    return args;
  };
  if constexpr (may_train_narrow_weights(kOp) && !kNever<decltype(choice.narrow())>)
    if (choice.narrow()) return train_narrow<kOp>(b, scale);
  if constexpr (kOp == Op::dense) {
    call<kernels::dense_grad_params_f32>(b, bind(dense_grad_args(b)));
  } else if constexpr (kOp == Op::conv2d) {
    call<kernels::conv2d_grad_params_f32>(b, bind(conv_grad_args(b)));
  } else if constexpr (kOp == Op::depthwise_conv2d) {
    call<kernels::depthwise_conv2d_grad_params_f32>(b, bind(conv_grad_args(b)));
  } else if constexpr (kOp == Op::bias_add) {  // a dense layer's without inputs
    call<kernels::dense_grad_params_f32>(b, {nullptr, nullptr, b.at(b.step().grad_output), nullptr, nullptr, weights,
                                             scale, b.rows(b.out()), 0, b.out().c});
  } else if constexpr (kOp == Op::conv2d_transpose) {
    conv2d_transpose_grad_params(b, weights, scale);
  } else if constexpr (kOp == Op::batch_norm) {
    const auto learn = [&]() MOTE_FOLDED {
      BatchNormGradArgs args = batch_norm_grad_args(b);
      args.grad_gamma = weights;
      args.grad_beta = weights + args.channels;
      args.grad_mean = weights + 2 * std::size_t{args.channels};
      args.grad_variance = weights + 3 * std::size_t{args.channels};
      args.statistics_scale = static_cast<float>(b.batch()) / static_cast<float>(config.batch);
      call<kernels::batch_norm_grad_params_f32>(b, args);
    };
    choose(choice.second_form(), learn, [] {});
  } else if constexpr (kOp == Op::layer_norm || kOp == Op::rms_norm) {
    NormGradArgs args = norm_grad_args(b, b.params());
    args.grad_gamma = weights, args.scale = scale;
    if (kOp == Op::layer_norm || b.layer().has_bias()) args.grad_beta = weights + args.channels;
    if constexpr (kOp == Op::layer_norm)
      call<kernels::layer_norm_grad_params_f32>(b, args);
    else
      call<kernels::rms_norm_grad_params_f32>(b, args);
  } else if constexpr (kOp == Op::rbf) {
    RbfGradArgs args = rbf_grad_args(b);
    args.grad_centres = weights;
    args.grad_log_width = weights + b.weight_count();
    kernels::rbf_grad_params_f32(args);
  } else if constexpr (kOp == Op::fake_quantize) {
    fake_quantize_grad_params(b, weights, scale);
  } else if constexpr (kOp == Op::spline) {
    SplineGradArgs args = spline_grad_args(b);
    args.grad_values = weights + b.weight_count();
    args.grad_slopes = weights + 2 * std::size_t{b.weight_count()};
    kernels::spline_grad_params_f32(args);
  }
}

template <Op kOp, class Choice>
[[gnu::noinline]] void grad_params_found(const Binding& b, const Choice& choice, const TrainConfig& config,
                                         float* weights, float scale) {
  grad_params<kOp>(b, choice, config, weights, scale);
}

/// The step that runs grad_params(). The layer's buffer is zeroed here unless all layers share one that the trainer
/// zeroes.
template <class Choice>
MOTE_FOLDED inline void run_grad_params(const Binding& b, const Choice& choice, const TrainConfig& config,
                                        const UpdateState& state) {
  float* weights = b.step().fused ? b.trained_params() : b.param_grad();
  const float scale = b.step().fused ? -state.learning_rate : 1.0F;
  if (!b.step().fused) {
    if (b.plan().param_gradients == kNoBuffer) zero_floats(weights, b.layer().param_bytes / sizeof(float));
  } else {
    choose(
        choice.penalty(), [&]() MOTE_FOLDED { penalize(b, config, weights, scale); }, [] {});
  }
  pick(
      choice.op(),
      [](auto op, const Binding& bound, const Choice& chosen, const TrainConfig& options, float* to, float factor)
          MOTE_FOLDED {
            if constexpr (kAtRunTime<Choice>)
              grad_params_found<op>(bound, chosen, options, to, factor);
            else
              grad_params<op>(bound, chosen, options, to, factor);
          },
      b, choice, config, weights, scale);
}

/// Calls `visit(gradient, count)` for every learned array of every trained layer.
template <class Visit>
inline void for_gradients(const Model& model, const Plan& plan, float* block, Visit&& visit) {
  for (std::size_t i = 1; i < model.layers.size(); ++i) {
    if (!model.layers[i].trainable()) continue;
    float* grads = block + trained_offset(model.layers, i, plan.options.alignment) / sizeof(float);
    for (const ParamArray& array : real_param_arrays(model.layers[i], model.input_shape_of(i)))
      if (array.learned) visit(grads + array.offset / sizeof(float), array.count);
  }
}

/// Whether an optimiser may have the layer's gradient, which is whole; of batch norm's running statistics, the second
/// half, it only need be finite.
template <class Choice>
MOTE_FOLDED inline bool usable_gradient(const Binding& b, const Choice& choice, const TrainConfig& config,
                                        const UpdateState& state) {
  const float limit = largest_gradient(config) / (state.learning_rate > 1.0F ? state.learning_rate : 1.0F);
  std::uint32_t learned = b.layer().param_bytes / sizeof(float);
  bool usable = true;
  choose(
      choice.normalizes(),
      [&]() MOTE_FOLDED {
        learned /= 2;
        usable = finite(largest_magnitude(b.param_grad() + learned, learned));
      },
      [] {});
  return usable && largest_magnitude(b.param_grad(), learned) <= limit;
}
/// The same of a gradient that goes into the parameters as it is summed, from above: no term is larger than the largest
/// input times the largest grad_output, and there are as many as rows. Inputs and gradients of values are few beside
/// a dense layer's weights, so there this costs 0.5 % of a step; a pass over the parameters would cost a third of a
/// step of one sample. Around convolutions they are many: 4 to 8 % on x86-64.
inline bool usable_fused_gradient(const Binding& b, const UpdateState& state) {
  const float input = largest_magnitude(b.input(), b.count(b.in()));
  const float grad_output = largest_magnitude(b.at(b.step().grad_output), b.count(b.out()));
  const float step = std::max(state.learning_rate, 1.0F) * static_cast<float>(b.rows(b.out()));
  return std::max(input, 1.0F) * grad_output * step <= 0x1.FFFFFEp+127F;
}
template <class Choice>
MOTE_FOLDED inline bool usable_if_fused(const Binding& b, const Choice& choice, const UpdateState& state) {
  bool usable = true;
  choose(
      choice.fused(), [&]() MOTE_FOLDED { usable = usable_fused_gradient(b, state); }, [] {});
  return usable;
}

/// The norm over all learned parameters of one layer, before penalties and clipping. Summed in double: what vanishes
/// over a hundred layers has squares below float32's smallest.
MOTE_FOLDED inline void run_gradient_norm(const Binding& b) {
  double sum = 0.0;
  for (const ParamArray& array : real_param_arrays(b.layer(), b.in())) {
    const float* grads = b.param_grad() + array.offset / sizeof(float);
    if (array.learned) kernels::dot_f32({grads, grads, &sum, array.count});
  }
  b.output()[b.step().layer] = static_cast<float>(norm_of(sum));
}

/// usable_gradient() of all layers, where their gradients are kept in one block.
inline bool usable_gradients(const Model& model, const Plan& plan, const TrainConfig& config, float* block) {
  if (!finite(largest_magnitude(block, plan.buffers[plan.param_gradients].bytes / sizeof(float)))) return false;
  bool usable = true;
  for_gradients(model, plan, block, [&](const float* grads, std::uint32_t count) {
    usable = usable && (config.clip_norm > 0.0F || largest_magnitude(grads, count) <= largest_gradient(config));
  });
  return usable;
}

/// Scales all gradients to the norm wished for. False where one of them is not finite. Squares that would leave float32
/// are taken of the gradients times a power of two.
inline bool run_clip_norm(const Binding& b, const TrainConfig& config) {
  float* block = b.param_grad();
  const auto scale = [&](float factor) {
    for_gradients(b.model(), b.plan(), block, [&](float* grads, std::uint32_t count) {
      kernels::scale_f32({grads, factor, count});
    });
  };
  const auto norm = [&] {
    float sum = 0.0F;
    for_gradients(b.model(), b.plan(), block, [&](const float* grads, std::uint32_t count) {
      kernels::sum_of_squares_f32({grads, &sum, count});
    });
    return square_root(sum);
  };
  float length = norm(), unit = 1.0F;
  if (!finite(length) || length < 0x1p-30F) {
    unit = length < 0x1p-30F ? 0x1p90F : 0x1p-90F;
    scale(unit);
    length = norm();
    if (!finite(length)) return false;
  }
  if (length > config.clip_norm * unit)
    scale(config.clip_norm / length);
  else if (unit != 1.0F)
    scale(1.0F / unit);
  return true;
}

/// What run_step() does in a step of one kind.
template <StepKind kKind, class Choice>
MOTE_FOLDED inline Code run_kind(const Binding& b, const Choice& choice, const TrainConfig& config,
                                 UpdateState& state) {
  Code code = Code::ok;
  if constexpr (kKind == StepKind::forward) {
    run_forward(b, choice);
  } else if constexpr (kKind == StepKind::loss) {
    run_loss(b, choice, config, state.result, true);
    if (!finite(state.result.loss)) code = Code::non_finite_loss;
  } else if constexpr (kKind == StepKind::grad_input) {
    if (!usable_if_fused(b, choice, state)) return Code::non_finite_gradient;
    run_grad_input(b, choice, state);
  } else if constexpr (kKind == StepKind::add_gradient) {
    float* sum = b.at(b.step().grad_input);
    call<kernels::add_f32>(b, {sum, b.second(), sum, b.count(b.out())});
  } else if constexpr (kKind == StepKind::grad_params) {
    if (!usable_if_fused(b, choice, state)) return Code::non_finite_gradient;
    run_grad_params(b, choice, config, state);
  } else if constexpr (kKind == StepKind::penalize) {
    penalize(b, config, b.param_grad(), 1.0F);
  } else if constexpr (kKind == StepKind::gradient_norm) {
    run_gradient_norm(b);
  } else if constexpr (kKind == StepKind::clip_norm) {
    if (!run_clip_norm(b, config)) code = Code::non_finite_gradient;
  } else {
    static_assert(kKind == StepKind::update);
    if (b.plan().param_gradients == kNoBuffer && !usable_gradient(b, choice, config, state))
      return Code::non_finite_gradient;
    run_update(b, choice, config, state);
  }
  return code;
}

}  // namespace detail

/// One step of a training plan. Returns ok, non_finite_loss or non_finite_gradient; the former comes before any
/// parameter of this update has changed, the latter before any of this step's layer has.
template <class Choice>
MOTE_FOLDED inline Code run_step(const Binding& b, const Choice& choice, const TrainConfig& config,
                                 UpdateState& state) {
  return detail::pick(
      choice.kind(),
      [](auto kind, const Binding& bound, const Choice& chosen, const TrainConfig& options, UpdateState& now)
          MOTE_FOLDED { return detail::run_kind<kind>(bound, chosen, options, now); },
      b, choice, config, state);
}

}  // namespace mote
