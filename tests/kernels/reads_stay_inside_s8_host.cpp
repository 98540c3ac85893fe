// SPDX-License-Identifier: Apache-2.0
// Kernels of quantised networks read whole vectors where they may: here every array ends, then begins, at a page that
// must not be touched. Needs mmap.
#include <cstddef>
#include <cstdint>

#include "check.hpp"
#include "kernels/conv_arrays.hpp"
#include "kernels/fenced.hpp"

namespace mote {
namespace {

using test::FencedArrays;

OutputStage stage_of(FencedArrays& arrays, std::size_t outputs) {
  auto* multipliers = arrays.zeros<std::int32_t>(outputs);
  auto* shifts = arrays.zeros<std::int8_t>(outputs);
  for (std::size_t o = 0; o < outputs; ++o) multipliers[o] = 1 << 30, shifts[o] = -8;
  return {multipliers, shifts, 3};
}

/// Every output is written: with weights of 0 it is what the bias and the zero point make.
void expect_all(const std::int8_t* output, std::size_t count, std::int8_t value) {
  for (std::size_t i = 0; i < count; ++i) ASSERT_EQ(output[i], value) << i;
}

TEST(reads_stay_inside_s8, dense) {
  for (const bool at_end : {true, false})
    for (const std::uint32_t batch : {1U, 2U, 5U, 13U})
      for (const std::uint32_t fan_in : {1U, 2U, 3U, 4U, 10U, 16U, 33U, 64U, 77U, 300U, 1024U, 1041U})
        for (const std::uint32_t fan_out : {1U, 3U, 4U, 7U, 8U, 9U, 15U, 16U, 17U, 31U, 33U, 67U}) {
          FencedArrays arrays(at_end);
          DenseS8Args args{};
          args.batch = batch, args.fan_in = fan_in, args.fan_out = fan_out;
          args.input = arrays.zeros<std::int8_t>(batch * fan_in);
          args.weights = arrays.zeros<std::int8_t>(static_cast<std::size_t>(packed_bytes(fan_out, fan_in)));
          args.bias = arrays.zeros<std::int32_t>(fan_out);
          args.output = arrays.zeros<std::int8_t>(batch * fan_out);
          args.stage = stage_of(arrays, fan_out);
          kernels::dense_s8(args);
          expect_all(args.output, batch * fan_out, 3);
        }
}

TEST(reads_stay_inside_s8, convolutions) {
  std::uint32_t state = 78;
  for (int i = 0; i < 600; ++i) {
    const bool depthwise = i % 3 == 0, many = i % 2 == 0;
    ConvShape s = test::random_conv_shape(state, depthwise);
    if (many) {  // whole vectors, and a little more
      s.in.c = s.in.c * 4 + static_cast<std::uint32_t>(i) % 4;
      s.out.c = depthwise ? s.in.c : s.out.c * 5;
    }
    FencedArrays arrays(i % 4 < 2);
    const std::size_t terms = std::size_t{s.window.filter_h} * s.window.filter_w * (depthwise ? 1 : s.in.c);
    const std::size_t outputs = s.batch * static_cast<std::size_t>(s.out.elements());
    ConvS8Args args{};
    args.shape = s;
    args.input = arrays.zeros<std::int8_t>(s.batch * static_cast<std::size_t>(s.in.elements()));
    args.weights =
        arrays.zeros<std::int8_t>(depthwise ? terms * s.out.c : static_cast<std::size_t>(packed_bytes(s.out.c, terms)));
    args.bias = arrays.zeros<std::int32_t>(s.out.c);
    args.output = arrays.zeros<std::int8_t>(outputs);
    args.input_zero_point = -7;
    args.stage = stage_of(arrays, s.out.c);
    (depthwise ? kernels::depthwise_conv2d_s8 : kernels::conv2d_s8)(args);
    expect_all(args.output, outputs, 3);
  }
}

TEST(reads_stay_inside_s8, add) {
  for (const bool at_end : {true, false})
    for (std::uint32_t count = 1; count <= 70; ++count) {
      FencedArrays arrays(at_end);
      BinaryS8Args args{};
      args.a = arrays.zeros<std::int8_t>(count);
      args.b = arrays.zeros<std::int8_t>(count);
      args.output = arrays.zeros<std::int8_t>(count);
      for (int axis = 0; axis < 4; ++axis) {
        args.sizes[axis] = axis == 3 ? count : 1;
        args.a_strides[axis] = args.b_strides[axis] = axis == 3 ? 1 : count;
      }
      args.output_zero_point = 3;
      args.scale = {{1 << 30, 0}, {1 << 30, -1}, {1 << 30, -18}, 20};
      kernels::add_s8(args);
      expect_all(args.output, count, 3);
    }
}

}  // namespace
}  // namespace mote
