// SPDX-License-Identifier: Apache-2.0
// Kernels divided into shares: whatever their number and order, together they write what the whole call writes, bit for
// bit, and nothing twice (gradients of parameters are added to what is there, so twice would show).
#include <initializer_list>

#include "check.hpp"
#include "kernels/conv_arrays.hpp"

namespace mote {
namespace {

using test::ConvArrays;
using test::memory;
using test::Numbers;

struct Output {
  float* values;
  std::size_t count;
};

/// run(part) with one share and with more, last share first, from the same contents of the outputs.
template <class Run>
void expect_shares_make_the_whole(const char* name, std::uint32_t where, std::initializer_list<Output> outputs,
                                  const Run& run) {
  const std::size_t arrays = memory.arrays();
  float *before[4], *whole[4];
  std::size_t i = 0;
  for (const Output& output : outputs) {
    before[i] = memory.take(output.count);
    whole[i] = memory.take(output.count);
    test::copy(output.values, before[i++], output.count);
  }
  run(Part{});
  i = 0;
  for (const Output& output : outputs) test::copy(output.values, whole[i++], output.count);
  for (const std::uint32_t shares : {2U, 3U, 4U, 7U}) {
    i = 0;
    for (const Output& output : outputs) test::copy(before[i++], output.values, output.count);
    for (std::uint32_t share = shares; share-- > 0;) run(Part{share, shares});
    i = 0;
    for (const Output& output : outputs)
      EXPECT_EQ(test::hash_bits(output.values, output.count), test::hash_bits(whole[i++], output.count))
          << name << " in " << shares << ", case " << where;
  }
  EXPECT_TRUE(memory.intact()) << name << ", case " << where;
  memory.give_back(arrays);
}

/// Arguments with a share.
template <class Args>
Args with(Args args, const Part& part) {
  args.part = part;
  return args;
}

void check_dense(std::uint32_t batch, std::uint32_t fan_in, std::uint32_t fan_out) {
  memory.reset();
  const std::size_t inputs = batch * fan_in, outputs = batch * fan_out, count = fan_in * fan_out;
  float *x = memory.take(inputs), *w = memory.take(count, 1), *b = memory.take(fan_out);
  float *y = memory.take(outputs), *gx = memory.take(inputs), *gy = memory.take(outputs);
  Numbers numbers(batch + fan_out);
  numbers.fill(x, inputs), numbers.fill(w, count), numbers.fill(b, fan_out), numbers.fill(gy, outputs);
  const std::uint32_t where = batch * 1000000 + fan_in * 1000 + fan_out;
  expect_shares_make_the_whole("dense", where, {{y, outputs}}, [&](const Part& part) {
    kernels::dense_f32({x, w, b, y, batch, fan_in, fan_out, {0.0F, 1.0F}, part});
  });
  const auto* const narrow = reinterpret_cast<const std::byte*>(w);
  expect_shares_make_the_whole("dense_narrow", where, {{y, outputs}}, [&](const Part& part) {
    kernels::dense_narrow_f32({x, {narrow, b, DType::s8}, b, y, batch, fan_in, fan_out, {0.0F, 1.0F}, part});
  });
  expect_shares_make_the_whole("widen_weights", where, {{y, outputs}}, [&](const Part& part) {
    kernels::widen_weights_f32({{narrow, b, DType::s8}, y, batch, fan_out, part});
  });
  const DenseGradArgs grad{x, w, gy, gx, w, b, -0.25F, batch, fan_in, fan_out};
  expect_shares_make_the_whole("dense_grad_input", where, {{gx, inputs}},
                               [&](const Part& part) { kernels::dense_grad_input_f32(with(grad, part)); });
  expect_shares_make_the_whole("dense_grad_params", where, {{w, count}, {b, fan_out}},
                               [&](const Part& part) { kernels::dense_grad_params_f32(with(grad, part)); });
  expect_shares_make_the_whole("dense_backward", where, {{gx, inputs}, {w, count}, {b, fan_out}},
                               [&](const Part& part) { kernels::dense_backward_f32(with(grad, part)); });
}

TEST(parts, of_dense) {
  for (const std::uint32_t batch : {1U, 3U, 8U})
    for (const std::uint32_t fan_in : {5U, 70U})
      for (const std::uint32_t fan_out : {3U, 40U, 130U, 200U}) check_dense(batch, fan_in, fan_out);
}

TEST(parts, of_convolutions) {
  std::uint32_t state = 3;
  for (std::uint32_t i = 0; i < 60; ++i) {
    const bool depthwise = i % 2 != 0;
    ConvShape s = test::random_conv_shape(state, depthwise);
    if (i % 6 == 0) s = test::conv_shape(s.batch, {7, 13, 8}, 8, {3, 3, 1, 1, 1, 1, 1, 1}, 1, 1);
    if (i % 5 == 0) s.batch *= 4;  // so many that shares are images
    const ConvArrays a(s, depthwise, i);
    const auto forward = depthwise ? kernels::depthwise_conv2d_f32 : kernels::conv2d_f32;
    const auto grad_input = depthwise ? kernels::depthwise_conv2d_grad_input_f32 : kernels::conv2d_grad_input_f32;
    const auto grad_params = depthwise ? kernels::depthwise_conv2d_grad_params_f32 : kernels::conv2d_grad_params_f32;
    const char* name = depthwise ? "depthwise_conv2d" : "conv2d";
    const ConvArgs args{a.input, a.weights, a.bias, a.output, nullptr, s};
    const ConvGradArgs grad = a.grad_args(s, -0.5F);
    expect_shares_make_the_whole(name, i, {{a.output, a.outputs}},
                                 [&](const Part& part) { forward(with(args, part)); });
    if (!depthwise)
      expect_shares_make_the_whole("conv2d_transpose_weights", i, {{a.scratch, a.scratch_count}},
                                   [&](const Part& part) { kernels::conv2d_transpose_weights_f32(with(grad, part)); });
    if (!depthwise) {
      const ConvArgs back{a.grad_output, a.weights, nullptr, a.grad_input, nullptr, {s.batch, s.out, s.in, s.window}};
      expect_shares_make_the_whole("conv2d_transpose", i, {{a.grad_input, a.inputs}},
                                   [&](const Part& part) { kernels::conv2d_transpose_f32(with(back, part)); });
      const TurnFilterArgs turn{a.weights, a.params, s.window.filter_h * s.window.filter_w, s.in.c, s.out.c,
                                1.0F,      false};
      expect_shares_make_the_whole("turn_filter", i, {{a.params, a.weight_count}},
                                   [&](const Part& part) { kernels::turn_filter_f32(with(turn, part)); });
    }
    expect_shares_make_the_whole(name, i, {{a.grad_input, a.inputs}},
                                 [&](const Part& part) { grad_input(with(grad, part)); });
    expect_shares_make_the_whole(name, i, {{a.params, a.weight_count}, {a.bias_params, s.out.c}},
                                 [&](const Part& part) { grad_params(with(grad, part)); });
  }
}

TEST(parts, of_pools) {
  std::uint32_t state = 9;
  for (std::uint32_t i = 0; i < 30; ++i) {
    ConvShape s = test::random_conv_shape(state, true);
    s.out.c = s.in.c;
    s.window.dilation_h = s.window.dilation_w = 1;
    if (i % 3 == 0) s.window = {2, 2, 2, 2, 1, 1, 0, 0};
    const auto pads = [](std::uint32_t filter) { return (filter - 1) / 2; };
    s.window.pad_top = pads(s.window.filter_h), s.window.pad_left = pads(s.window.filter_w);
    s = test::conv_shape(s.batch, s.in, s.out.c, s.window, s.window.pad_top, s.window.pad_left);
    if (s.out.h == 0 || s.out.w == 0 || s.out.h > s.in.h || s.out.w > s.in.w) continue;
    const ConvArrays a(s, true, i);
    const PoolGradArgs grad{a.input, a.grad_output, a.grad_input, s};
    for (const auto forward : {kernels::max_pool_f32, kernels::average_pool_f32})
      expect_shares_make_the_whole("pool", i, {{a.output, a.outputs}}, [&](const Part& part) {
        forward({a.input, a.output, s, part});
      });
    for (const auto backward : {kernels::max_pool_grad_f32, kernels::average_pool_grad_f32})
      expect_shares_make_the_whole("pool_grad", i, {{a.grad_input, a.inputs}},
                                   [&](const Part& part) { backward(with(grad, part)); });
  }
}

TEST(parts, of_batch_norm) {
  for (const std::uint32_t channels : {1U, 8U, 16U, 19U, 64U}) {
    memory.reset();
    constexpr std::uint32_t kRows = 37;
    const std::size_t count = kRows * channels;
    float *x = memory.take(count), *params = memory.take(4 * channels), *y = memory.take(count);
    float *statistics = memory.take(2 * channels), *g = memory.take(count), *gx = memory.take(count);
    Numbers numbers(channels);
    numbers.fill(x, count), numbers.fill(params, 4 * channels, 0.5F, 1.0F), numbers.fill(g, count);
    float *gamma = params, *beta = params + channels, *mean = beta + channels, *variance = mean + channels;
    const BatchNormArgs args{x, gamma, beta, mean, variance, y, statistics, 1e-3F, kRows, channels};
    expect_shares_make_the_whole("batch_norm", channels, {{y, count}},
                                 [&](const Part& part) { kernels::batch_norm_f32(with(args, part)); });
    expect_shares_make_the_whole("batch_norm_train", channels, {{y, count}, {statistics, 2 * channels}},
                                 [&](const Part& part) { kernels::batch_norm_train_f32(with(args, part)); });
    const BatchNormGradArgs grad{x,    gamma, mean,     variance, statistics, g,     gx,    gamma,
                                 beta, mean,  variance, -0.5F,    -0.1F,      1e-3F, kRows, channels};
    expect_shares_make_the_whole("batch_norm_grad_input", channels, {{gx, count}},
                                 [&](const Part& part) { kernels::batch_norm_grad_input_f32(with(grad, part)); });
    expect_shares_make_the_whole("batch_norm_frozen_grad_input", channels, {{gx, count}}, [&](const Part& part) {
      kernels::batch_norm_frozen_grad_input_f32(with(grad, part));
    });
    expect_shares_make_the_whole("batch_norm_grad_params", channels, {{params, 4 * channels}},
                                 [&](const Part& part) { kernels::batch_norm_grad_params_f32(with(grad, part)); });
  }
}

TEST(parts, of_element_by_element) {
  for (const std::uint32_t count : {1U, 63U, 64U, 200U, 1000U}) {
    memory.reset();
    float *a = memory.take(count), *b = memory.take(count), *y = memory.take(count);
    float *s1 = memory.take(count), *s2 = memory.take(count);
    Numbers numbers(count);
    numbers.fill(a, count), numbers.fill(b, count), numbers.fill(s1, count, 0.5F, 1.0F);
    numbers.fill(s2, count, 0.5F, 1.0F);
    expect_shares_make_the_whole("add", count, {{y, count}}, [&](const Part& part) {
      kernels::add_f32({a, b, y, count, {0.0F, 6.0F}, part});
    });
    expect_shares_make_the_whole("dropout", count, {{y, count}}, [&](const Part& part) {
      kernels::dropout_f32({a, y, 0.4F, 5, 6, count, part});
    });
#define MOTE_ACTIVATION(name, number, derivative_on, needs)                                \
  expect_shares_make_the_whole(#name, count, {{y, count}}, [&](const Part& part) {         \
    kernels::name##_f32({a, y, 0.5F, count, part});                                        \
  });                                                                                      \
  expect_shares_make_the_whole(#name "_grad", count, {{y, count}}, [&](const Part& part) { \
    kernels::name##_grad_f32({a, b, y, 0.5F, count, part});                                \
  });
#include "mote/model/ops.inc"
    const UpdateArgs update{y, b, s1, s2, 0.1F, 0.9F, 0.99F, 0.1F, 0.01F, 0.5F, 0.5F, 1e-7F, 0.01F, count};
    for (const auto kernel : {kernels::sgd_f32, kernels::momentum_f32, kernels::nesterov_f32, kernels::adagrad_f32,
                              kernels::rmsprop_f32, kernels::adam_f32})
      expect_shares_make_the_whole("update", count, {{y, count}, {s1, count}, {s2, count}},
                                   [&](const Part& part) { kernel(with(update, part)); });
  }
}

}  // namespace
}  // namespace mote
