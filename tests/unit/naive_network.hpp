// SPDX-License-Identifier: Apache-2.0
// A network that shares no memory: every value, gradient and parameter gradient has an array of its own, and layers
// run in plain order through the same kernels. What a Session or a Trainer computes must equal this bit for bit.
// Knows records and kernels only, nothing of plans. No heap: arrays come from one static pool.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "check.hpp"
#include "mote/train/execute_training.hpp"

namespace mote::test {

/// The pool of all naive networks; one lives at a time.
inline std::array<float, 192 * 1024> naive_pool;

class NaiveNetwork {
 public:
  static constexpr std::size_t kLayers = 64;

  /// `last`: the layer at which the network ends (training: the one the loss reads).
  NaiveNetwork(const Model& model, std::uint32_t batch, std::size_t last) : model_(model), batch_(batch), last_(last) {
    params_ = take(model.param_bytes / sizeof(float));
    for (std::size_t i = 0; i <= last; ++i) {
      value_[i] = take(count(i)), gradient_[i] = take(count(i)), saved_[i] = take(2 * std::size_t{layer(i).shape.c});
      needs_[i] = layer(i).trainable();
      for (std::size_t k = 0; k < layer(i).input_count; ++k) needs_[i] = needs_[i] || needs_[layer(i).inputs[k]];
      widest_ = std::max(widest_, count(i));
    }
    contribution_ = take(widest_);
    for (float** block : {&param_grads_, &state1_, &state2_}) *block = take(model.param_bytes / sizeof(float));
  }

  [[nodiscard]] float* input() { return value_[0]; }
  [[nodiscard]] const float* output() const { return value_[last_]; }
  [[nodiscard]] std::size_t output_count() const { return count(last_); }
  /// The parameters of layer `i`, to be written before a run.
  [[nodiscard]] float* params(std::size_t i) { return params_ + layer(i).param_offset / sizeof(float); }

  void forward(bool training, std::uint64_t seed = 0, std::uint64_t slice = 0) {
    training_ = training, seed_ = seed, slice_ = slice;
    for (std::size_t i = 1; i <= last_; ++i) run_layer(i);
  }
  LossResult loss(const TrainConfig& c, const std::int32_t* labels, const float* targets, const float* sample_weights,
                  bool gradient) {
    LossResult result;
    const LossArgs args{value_[last_],
                        labels,
                        targets,
                        c.class_weights,
                        sample_weights,
                        gradient ? gradient_[last_] : nullptr,
                        &result,
                        static_cast<float>(batch_) / static_cast<float>(c.batch),
                        c.signed_labels,
                        batch_,
                        static_cast<std::uint32_t>(layer(last_).shape.elements())};
    switch (c.loss) {
      case Loss::squared_error: kernels::squared_error_f32(args); break;
      case Loss::binary_cross_entropy: kernels::binary_cross_entropy_f32(args); break;
      case Loss::softmax_cross_entropy: kernels::softmax_cross_entropy_f32(args); break;
      case Loss::kl_divergence: kernels::kl_divergence_f32(args); break;
    }
    return result;
  }
  /// Gradients of all values. Parameters are not touched, so that no order of updates can matter.
  void backward() {
    std::array<bool, kLayers> started{};
    for (std::size_t i = last_; i > 0; --i) {
      if (!needs_[i]) continue;
      for (std::uint8_t k = 0; k < layer(i).input_count; ++k) {
        const std::size_t source = layer(i).inputs[k];
        if (!needs_[source]) continue;
        grad_input(i, k, contribution_);
        if (started[source])
          kernels::add_f32({gradient_[source], contribution_, gradient_[source], count32(source)});
        else
          std::copy_n(contribution_, count(source), gradient_[source]);
        started[source] = true;
      }
    }
  }
  void zero_param_grads() { std::fill_n(param_grads_, model_.param_bytes / sizeof(float), 0.0F); }
  void accumulate_param_grads(const TrainConfig& c) {
    for (std::size_t i = 1; i <= last_; ++i)
      if (layer(i).trainable()) grad_params(c, i, param_grads_ + layer(i).param_offset / sizeof(float), 1.0F);
  }
  /// Penalties, clipping and the optimiser's rule for update number `t` = 1, 2, …
  void update(const TrainConfig& c, std::uint32_t t) {
    const bool whole = c.optimizer.kind != OptimizerKind::sgd || c.clip_value > 0 || c.clip_norm > 0 ||
                       slice_samples(c) != c.batch || c.gradient_norms;
    for_arrays([&](std::size_t i, const ParamArray& array, std::size_t at) {
      if ((c.l1 > 0 || c.l2 > 0) && (whole || !in_place(i)) && (array.weight || (c.penalize_bias && array.learned)))
        kernels::add_penalty_f32({params_ + at, param_grads_ + at, 1.0F, c.l1, c.l2, array.count});
    });
    if (c.clip_norm > 0) clip(c.clip_norm);
    for (std::size_t i = 1; i <= last_; ++i)
      if (layer(i).trainable() && !whole && in_place(i)) descend(c, i);
    for_arrays([&](std::size_t i, const ParamArray& array, std::size_t at) {
      if (whole || !in_place(i)) update_array(c, t, i, array, at);
    });
  }

 private:
  [[nodiscard]] const Layer& layer(std::size_t i) const { return model_.layers[i]; }
  [[nodiscard]] Shape in(std::size_t i, std::size_t k = 0) const { return layer(layer(i).inputs[k]).shape; }
  [[nodiscard]] std::size_t count(std::size_t i) const {
    return static_cast<std::size_t>(layer(i).shape.elements()) * batch_;
  }
  [[nodiscard]] std::uint32_t count32(std::size_t i) const { return static_cast<std::uint32_t>(count(i)); }
  [[nodiscard]] std::uint32_t rows(const Shape& s) const { return s.h * s.w * batch_; }
  [[nodiscard]] std::uint32_t fan_in(std::size_t i) const { return static_cast<std::uint32_t>(in(i).elements()); }
  [[nodiscard]] float* bias(std::size_t i, float* weights) const {
    return layer(i).has_bias() ? weights + param_arrays(layer(i), in(i)).arrays[0].count : nullptr;
  }
  [[nodiscard]] bool statistics(std::size_t i) const { return training_ && layer(i).trainable(); }
  [[nodiscard]] bool in_place(std::size_t i) const {  // plain gradient descent writes into these layers' parameters
    return layer(i).op == Op::dense || layer(i).op == Op::conv2d || layer(i).op == Op::depthwise_conv2d;
  }
  [[nodiscard]] ConvShape conv(std::size_t i) const {
    const Layer& l = layer(i);
    if (l.op == Op::global_average_pool) return {batch_, in(i), l.shape, {in(i).h, in(i).w, 1, 1, 1, 1, 0, 0}};
    return {batch_,
            in(i),
            l.shape,
            {l.filter_h, l.filter_w, l.stride_h, l.stride_w, l.dilation_h, l.dilation_w, l.pad_top, l.pad_left}};
  }
  float* take(std::size_t floats) {
    if (used_ + floats + 16 > naive_pool.size()) {
      ADD_FAILURE() << "the pool is too small";
      __builtin_trap();
    }
    float* const out = naive_pool.data() + used_;
    std::fill_n(out, floats, __builtin_nanf(""));
    used_ += (floats + 15) / 16 * 16;
    return out;
  }
  [[nodiscard]] std::size_t channel_offset(std::size_t i, std::size_t k) const {
    std::size_t offset = 0;
    for (std::size_t j = 0; j < k; ++j) offset += in(i, j).c;
    return offset;
  }
  [[nodiscard]] DropoutArgs dropout_args(std::size_t i, const float* from, float* to) const {
    return {from, to, training_ ? layer(i).alpha : 0.0F, seed_, slice_ << 16U | i, count32(i)};
  }

  void run_layer(std::size_t i) {
    const Layer& l = layer(i);
    const float* x = value_[l.inputs[0]];
    float* p = params(i);
    float* y = value_[i];
    const std::uint32_t c = l.shape.c;
    const ActivationArgs activation{x, y, l.alpha, count32(i)};
    float* scratch =
        l.op == Op::conv2d && conv2d_scratch_floats(conv(i)) != 0 ? take(conv2d_scratch_floats(conv(i))) : nullptr;
    switch (l.op) {
      case Op::input: return;
      case Op::dense: return kernels::dense_f32({x, p, bias(i, p), y, batch_, fan_in(i), c});
      case Op::conv2d: return kernels::conv2d_f32({x, p, bias(i, p), y, scratch, conv(i)});
      case Op::depthwise_conv2d: return kernels::depthwise_conv2d_f32({x, p, bias(i, p), y, nullptr, conv(i)});
      case Op::max_pool: return kernels::max_pool_f32({x, y, conv(i)});
      case Op::average_pool:
      case Op::global_average_pool: return kernels::average_pool_f32({x, y, conv(i)});
      case Op::batch_norm: {
        const BatchNormArgs args{x, p, p + c, p + 2 * c, p + 3 * c, y, saved_[i], l.alpha, rows(l.shape), c};
        return statistics(i) ? kernels::batch_norm_train_f32(args) : kernels::batch_norm_f32(args);
      }
      case Op::dropout:
        if (training_) return kernels::dropout_f32(dropout_args(i, x, y));
        std::copy_n(x, count(i), y);
        return;
      case Op::gaussian_noise:
        if (training_) return kernels::gaussian_noise_f32({x, y, l.alpha, seed_, slice_ << 16U | i, count32(i)});
        [[fallthrough]];
      case Op::reshape:
      case Op::identity: std::copy_n(x, count(i), y); return;
      case Op::add:
        kernels::add_f32({x, value_[l.inputs[1]], y, count32(i)});
        for (std::size_t k = 2; k < l.input_count; ++k) kernels::add_f32({y, value_[l.inputs[k]], y, count32(i)});
        return;
      case Op::concat:
        for (std::size_t k = 0; k < l.input_count; ++k)
          kernels::copy_channels_f32(
              {value_[l.inputs[k]], y + channel_offset(i, k), rows(l.shape), in(i, k).c, in(i, k).c, c});
        return;
      case Op::sigmoid: return kernels::sigmoid_f32(activation);
      case Op::tanh: return kernels::tanh_f32(activation);
      case Op::relu: return kernels::relu_f32(activation);
      case Op::leaky_relu: return kernels::leaky_relu_f32(activation);
      case Op::relu6: return kernels::relu6_f32(activation);
      case Op::silu: return kernels::silu_f32(activation);
      case Op::gelu: return kernels::gelu_f32(activation);
      case Op::hard_swish: return kernels::hard_swish_f32(activation);
      case Op::elu: return kernels::elu_f32(activation);
      case Op::rbf: return kernels::rbf_f32({x, p, p + fan_in(i) * c, y, batch_, fan_in(i), c});
      case Op::spline: {
        const std::uint32_t k = c * l.knots();
        return kernels::spline_f32({x, p, p + k, p + 2 * k, y, rows(l.shape), c, l.knots()});
      }
      case Op::softmax: return kernels::softmax_f32({x, y, rows(l.shape), c});
      default: FAIL() << "an operator that the naive network does not know: " << static_cast<int>(l.op);
    }
  }

  void grad_input(std::size_t i, std::uint8_t k, float* out) {
    const Layer& l = layer(i);
    const float* x = value_[l.inputs[0]];
    const float* dy = gradient_[i];
    const float* y = value_[i];
    const std::uint32_t c = l.shape.c;
    const ActivationGradArgs by_output{y, dy, out, l.alpha, count32(i)}, by_input{x, dy, out, l.alpha, count32(i)};
    switch (l.op) {
      case Op::input: return;
      case Op::dense: return kernels::dense_grad_input_f32(dense_args(i, out));
      case Op::conv2d: {
        ConvGradArgs args = conv_args(i, out);
        const std::size_t before = used_;
        args.scratch = take(conv2d_grad_input_scratch_floats(args.shape));
        kernels::conv2d_transpose_weights_f32(args);
        kernels::conv2d_grad_input_f32(args);
        used_ = before;
        return;
      }
      case Op::depthwise_conv2d: return kernels::depthwise_conv2d_grad_input_f32(conv_args(i, out));
      case Op::max_pool: return kernels::max_pool_grad_f32({x, dy, out, conv(i)});
      case Op::average_pool:
      case Op::global_average_pool: return kernels::average_pool_grad_f32({nullptr, dy, out, conv(i)});
      case Op::batch_norm:
        return statistics(i) ? kernels::batch_norm_grad_input_f32(batch_norm_args(i, out))
                             : kernels::batch_norm_frozen_grad_input_f32(batch_norm_args(i, out));
      case Op::dropout: return kernels::dropout_f32(dropout_args(i, dy, out));
      case Op::reshape:
      case Op::identity:
      case Op::gaussian_noise:
      case Op::add: std::copy_n(dy, count(i), out); return;
      case Op::concat:
        return kernels::copy_channels_f32({dy + channel_offset(i, k), out, rows(l.shape), in(i, k).c, c, in(i, k).c});
      case Op::sigmoid: return kernels::sigmoid_grad_f32(by_output);
      case Op::tanh: return kernels::tanh_grad_f32(by_output);
      case Op::relu: return kernels::relu_grad_f32(by_output);
      case Op::leaky_relu: return kernels::leaky_relu_grad_f32(by_output);
      case Op::relu6: return kernels::relu6_grad_f32(by_output);
      case Op::silu: return kernels::silu_grad_f32(by_input);
      case Op::gelu: return kernels::gelu_grad_f32(by_input);
      case Op::hard_swish: return kernels::hard_swish_grad_f32(by_input);
      case Op::elu: return kernels::elu_grad_f32(by_output);
      case Op::rbf: return kernels::rbf_grad_input_f32(rbf_args(i, out));
      case Op::spline: return kernels::spline_grad_input_f32(spline_args(i, out));
      case Op::softmax: return kernels::softmax_grad_f32({y, dy, out, rows(l.shape), c});
      default: FAIL() << "an operator that the naive network does not know: " << static_cast<int>(l.op);
    }
  }
  DenseGradArgs dense_args(std::size_t i, float* out) {
    return {value_[layer(i).inputs[0]],
            params(i),
            gradient_[i],
            out,
            nullptr,
            nullptr,
            1.0F,
            batch_,
            fan_in(i),
            layer(i).shape.c};
  }
  ConvGradArgs conv_args(std::size_t i, float* out) {
    return {value_[layer(i).inputs[0]], params(i), gradient_[i], out, nullptr, nullptr, nullptr, 1.0F, conv(i)};
  }
  BatchNormGradArgs batch_norm_args(std::size_t i, float* out) {
    const std::uint32_t c = layer(i).shape.c;
    const float* p = params(i);
    return {value_[layer(i).inputs[0]],
            p,
            p + 2 * c,
            p + 3 * c,
            saved_[i],
            gradient_[i],
            out,
            nullptr,
            nullptr,
            nullptr,
            nullptr,
            1.0F,
            1.0F,
            layer(i).alpha,
            rows(layer(i).shape),
            c};
  }
  RbfGradArgs rbf_args(std::size_t i, float* out) {
    const std::uint32_t c = layer(i).shape.c;
    return {value_[layer(i).inputs[0]],
            params(i),
            params(i) + fan_in(i) * c,
            value_[i],
            gradient_[i],
            out,
            nullptr,
            nullptr,
            1.0F,
            batch_,
            fan_in(i),
            c};
  }
  SplineGradArgs spline_args(std::size_t i, float* out) {
    const Layer& l = layer(i);
    const std::uint32_t k = l.shape.c * l.knots();
    const float* p = params(i);
    return {value_[l.inputs[0]], p,         p + k,    p + 2 * k, gradient_[i], out, nullptr, nullptr, 1.0F,
            rows(l.shape),       l.shape.c, l.knots()};
  }

  /// target += scale * gradient of layer `i`'s parameters.
  void grad_params(const TrainConfig& c, std::size_t i, float* target, float scale) {
    const auto bind = [&](auto args) {
      args.grad_weights = target, args.grad_bias = bias(i, target), args.scale = scale;
      return args;
    };
    const std::uint32_t channels = layer(i).shape.c;
    if (layer(i).op == Op::dense) return kernels::dense_grad_params_f32(bind(dense_args(i, nullptr)));
    if (layer(i).op == Op::conv2d) {
      ConvGradArgs args = bind(conv_args(i, nullptr));
      const std::size_t before = used_;
      args.scratch = take(conv2d_grad_params_scratch_floats(args.shape));
      kernels::conv2d_grad_params_f32(args);
      used_ = before;
    }
    if (layer(i).op == Op::depthwise_conv2d)
      return kernels::depthwise_conv2d_grad_params_f32(bind(conv_args(i, nullptr)));
    if (layer(i).op == Op::batch_norm) {
      BatchNormGradArgs args = batch_norm_args(i, nullptr);
      args.grad_gamma = target, args.grad_beta = target + channels;
      args.grad_mean = target + 2 * channels, args.grad_variance = target + 3 * channels;
      args.statistics_scale = static_cast<float>(batch_) / static_cast<float>(c.batch);
      return kernels::batch_norm_grad_params_f32(args);
    }
    if (layer(i).op == Op::rbf) {
      RbfGradArgs args = rbf_args(i, nullptr);
      args.grad_centres = target, args.grad_log_width = target + fan_in(i) * channels;
      return kernels::rbf_grad_params_f32(args);
    }
    if (layer(i).op == Op::spline) {
      SplineGradArgs args = spline_args(i, nullptr);
      args.grad_values = target + channels * layer(i).knots();
      args.grad_slopes = target + 2 * channels * layer(i).knots();
      return kernels::spline_grad_params_f32(args);
    }
  }
  /// Plain gradient descent on one layer: penalty, then gradient, both straight into the parameters.
  void descend(const TrainConfig& c, std::size_t i) {
    for (const ParamArray& array : param_arrays(layer(i), in(i)))
      if ((c.l1 > 0 || c.l2 > 0) && (array.weight || (c.penalize_bias && array.learned))) {
        float* p = params(i) + array.offset / sizeof(float);
        kernels::add_penalty_f32({p, p, -c.optimizer.learning_rate, c.l1, c.l2, array.count});
      }
    grad_params(c, i, params(i), -c.optimizer.learning_rate);
  }
  void update_array(const TrainConfig& c, std::uint32_t t, std::size_t i, const ParamArray& array, std::size_t at) {
    const Optimizer& o = c.optimizer;
    double power1 = 1.0, power2 = 1.0;
    for (std::uint32_t n = 0; n < t; ++n) power1 *= o.decay1, power2 *= o.decay2;
    if (t == 1) std::fill_n(state1_ + at, array.count, 0.0F), std::fill_n(state2_ + at, array.count, 0.0F);
    UpdateArgs args{params_ + at,
                    param_grads_ + at,
                    state1_ + at,
                    state2_ + at,
                    o.learning_rate,
                    static_cast<float>(o.decay1),
                    static_cast<float>(o.decay2),
                    static_cast<float>(1.0 - o.decay1),
                    static_cast<float>(1.0 - o.decay2),
                    static_cast<float>(1.0 - power1),
                    static_cast<float>(1.0 - power2),
                    o.epsilon,
                    array.weight ? o.weight_decay : 0.0F,
                    array.count};
    if (!array.learned) {  // running statistics
      args.learning_rate = layer(i).beta;
      return kernels::sgd_f32(args);
    }
    if (c.clip_value > 0) kernels::clip_by_value_f32({param_grads_ + at, c.clip_value, array.count});
    switch (o.kind) {
      case OptimizerKind::sgd: return kernels::sgd_f32(args);
      case OptimizerKind::momentum: return kernels::momentum_f32(args);
      case OptimizerKind::nesterov: return kernels::nesterov_f32(args);
      case OptimizerKind::adagrad: return kernels::adagrad_f32(args);
      case OptimizerKind::rmsprop: return kernels::rmsprop_f32(args);
      case OptimizerKind::adam: return kernels::adam_f32(args);
      case OptimizerKind::gradient_descent:
      case OptimizerKind::lbfgs: return;  // not step by step
    }
  }
  void clip(float limit) {
    float sum = 0.0F;
    for_arrays([&](std::size_t, const ParamArray& array, std::size_t at) {
      if (array.learned) kernels::sum_of_squares_f32({param_grads_ + at, &sum, array.count});
    });
    const float norm = __builtin_sqrtf(sum);
    for_arrays([&](std::size_t, const ParamArray& array, std::size_t at) {
      if (array.learned && norm > limit) kernels::scale_f32({param_grads_ + at, limit / norm, array.count});
    });
  }
  /// Calls `visit(layer, array, index of its first parameter)` for every array of every trained layer.
  template <class Visit>
  void for_arrays(Visit&& visit) {
    for (std::size_t i = 1; i <= last_; ++i)
      if (layer(i).trainable())
        for (const ParamArray& array : param_arrays(layer(i), in(i)))
          visit(i, array, (layer(i).param_offset + array.offset) / sizeof(float));
  }

  const Model model_;
  std::uint32_t batch_;
  std::size_t last_;
  std::size_t used_ = 0, widest_ = 0;
  float* params_ = nullptr;
  float *param_grads_ = nullptr, *state1_ = nullptr, *state2_ = nullptr, *contribution_ = nullptr;
  std::array<float*, kLayers> value_{}, gradient_{}, saved_{};
  std::array<bool, kLayers> needs_{};
  bool training_ = false;
  std::uint64_t seed_ = 0, slice_ = 0;
};

}  // namespace mote::test
