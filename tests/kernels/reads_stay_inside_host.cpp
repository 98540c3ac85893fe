// SPDX-License-Identifier: Apache-2.0
// Dense and convolution kernels read whole vectors where they may: here every array ends, then begins, at a page that
// must not be touched, so a read outside it stops the program. Needs mmap.
#include "check.hpp"
#include "kernels/conv_arrays.hpp"
#include "kernels/fenced.hpp"

namespace mote {
namespace {

using test::FencedArrays;

TEST(reads_stay_inside, dense) {
  for (const bool at_end : {true, false}) {
    for (std::uint32_t batch : {1U, 2U, 5U, 13U}) {
      for (std::uint32_t fan_in : {1U, 3U, 10U, 33U}) {
        for (std::uint32_t fan_out : {1U, 2U, 3U, 7U, 9U, 12U, 15U, 17U, 31U, 47U, 67U, 130U}) {
          FencedArrays arrays(at_end);
          float* input = arrays.take(batch * fan_in);
          float* weights = arrays.take(fan_in * fan_out);
          float* bias = arrays.take(fan_out);
          float* output = arrays.take(batch * fan_out);
          float* grad_input = arrays.take(batch * fan_in);
          kernels::dense_f32({input, weights, bias, output, batch, fan_in, fan_out});
          for (const DType type : {DType::s8, DType::f16}) {  // the weights' own values for the scales' end
            const std::size_t narrow_bytes = fan_in * fan_out * bytes_of(type), floats = (narrow_bytes + 3) / 4;
            const float* const block = arrays.take(floats);
            const auto* narrow = reinterpret_cast<const std::byte*>(block);
            if (at_end) narrow += floats * sizeof(float) - narrow_bytes;
            const NarrowWeights stored{narrow, type == DType::s8 ? bias : nullptr, type};
            kernels::dense_narrow_f32({input, stored, bias, arrays.take(batch * fan_out), batch, fan_in, fan_out});
            kernels::widen_weights_f32({stored, arrays.take(fan_in * fan_out), fan_in, fan_out});
          }
          const DenseGradArgs args{input, weights, output, grad_input, weights, bias, 0.0F, batch, fan_in, fan_out};
          kernels::dense_grad_input_f32(args);
          const float before = weights[0];
          kernels::dense_grad_params_f32(args);
          EXPECT_EQ(weights[0], before);  // scale 0
        }
      }
    }
  }
}

/// Forward and gradients of shapes drawn at random.
template <class Forward, class GradInput, class GradParams>
void run_convolutions(bool depthwise, Forward forward, GradInput grad_input, GradParams grad_params) {
  std::uint32_t state = 77;
  for (int i = 0; i < 300; ++i) {
    const ConvShape s = test::random_conv_shape(state, depthwise);
    FencedArrays arrays(i % 2 == 0);
    const std::size_t weight_count =
        std::size_t{s.window.filter_h} * s.window.filter_w * s.out.c * (depthwise ? 1 : s.in.c);
    const std::size_t inputs = s.batch * static_cast<std::size_t>(s.in.elements());
    const std::size_t outputs = s.batch * static_cast<std::size_t>(s.out.elements());
    float* input = arrays.take(inputs);
    float* weights = arrays.take(weight_count);
    float* bias = arrays.take(s.out.c);
    float* output = arrays.take(outputs);
    float* to = arrays.take(inputs);
    float* scratch = arrays.take(conv2d_grad_input_scratch_floats(s));
    forward({input, weights, bias, output, nullptr, s});
    const ConvGradArgs args{input, weights, output, to, weights, bias, scratch, 0.0F, s};
    grad_input(args);
    const float before = weights[0];
    grad_params(args);
    EXPECT_EQ(weights[0], before);  // scale 0
  }
}
TEST(reads_stay_inside, conv2d) {
  const auto grad_input = [](const ConvGradArgs& args) {
    kernels::conv2d_transpose_weights_f32(args);
    kernels::conv2d_grad_input_f32(args);
  };
  run_convolutions(false, kernels::conv2d_f32, grad_input, kernels::conv2d_grad_params_f32);
}
TEST(reads_stay_inside, depthwise_conv2d) {
  run_convolutions(true, kernels::depthwise_conv2d_f32, kernels::depthwise_conv2d_grad_input_f32,
                   kernels::depthwise_conv2d_grad_params_f32);
}

}  // namespace
}  // namespace mote
