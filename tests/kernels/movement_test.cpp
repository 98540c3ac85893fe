// SPDX-License-Identifier: Apache-2.0
// Kernels that move values against an index written out, for elements of 1, 2 and 4 bytes, in shares; their gradients
// against sums along the same indices in double, and their bits.
#include "reference/movement.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "check.hpp"
#include "instruction_set.hpp"
#include "kernels/guarded.hpp"

namespace mote {
namespace {

using test::memory;
using test::Numbers;

std::byte* bytes(float* p) { return reinterpret_cast<std::byte*>(p); }

/// Byte `b` of element `index` of the input.
std::byte input_byte(std::size_t index, std::size_t b) {
  return static_cast<std::byte>((index * 2654435761U + 12345U) >> (8 * b));
}

/// run(input, output, element_bytes, part) must put element source(i) of the input at i, or the bytes of `value` where
/// that is nowhere.
template <class Run, class Source>
void expect_moved(const char* name, std::size_t inputs, std::size_t outputs, const Source& source, const Run& run,
                  std::uint32_t value = 0) {
  for (const std::uint32_t width : {1U, 2U, 4U}) {
    for (const std::uint32_t shares : {1U, 3U}) {
      memory.reset();
      std::byte* input = bytes(memory.take(inputs * width / 4 + 1, width));
      std::byte* output = bytes(memory.take(outputs * width / 4 + 1, width + shares));
      for (std::size_t i = 0; i < inputs; ++i)
        for (std::size_t b = 0; b < width; ++b) input[i * width + b] = input_byte(i, b);
      for (std::uint32_t share = shares; share-- > 0;) run(input, output, width, Part{share, shares});
      for (std::size_t i = 0; i < outputs; ++i) {
        const std::size_t from = source(i);
        for (std::size_t b = 0; b < width; ++b)
          ASSERT_EQ(output[i * width + b],
                    from == reference::kNowhere ? static_cast<std::byte>(value >> (8 * b)) : input_byte(from, b))
              << name << ", " << width << " bytes, element " << i;
      }
      ASSERT_TRUE(memory.intact()) << name;
    }
  }
}

/// run(grad_output, grad_input, part) must add each gradient where the value came from.
template <class Run, class Source>
std::uint64_t expect_gradient(const char* name, std::size_t inputs, std::size_t outputs, const Source& source,
                              const Run& run, std::uint64_t hash = 0) {
  memory.reset();
  float *grad_output = memory.take(outputs, 1), *grad_input = memory.take(inputs, 2), *again = memory.take(inputs, 3);
  double* expected = memory.take_doubles(inputs);
  Numbers(static_cast<std::uint32_t>(outputs)).fill(grad_output, outputs);
  std::fill(expected, expected + inputs, 0.0);
  for (std::size_t i = 0; i < outputs; ++i)
    if (source(i) != reference::kNowhere) expected[source(i)] += static_cast<double>(grad_output[i]);
  run(grad_output, grad_input, Part{});
  EXPECT_LE(test::worst_error(grad_input, expected, inputs), 3e-6) << name;
  for (std::uint32_t share = 0; share < 3; ++share) run(grad_output, again, Part{share, 3});
  EXPECT_EQ(test::hash_bits(grad_input, inputs), test::hash_bits(again, inputs)) << name;
  EXPECT_TRUE(memory.intact()) << name;
  return test::hash_bits(grad_input, inputs, hash);
}

TEST(movement, transpose_of_every_permutation) {
  constexpr std::uint32_t kSizes[][5] = {{2, 3, 4, 5, 6},   {1, 1, 1, 70, 33}, {3, 1, 7, 9, 3},  {1, 1, 1, 130, 67},
                                         {1, 16, 1, 16, 8}, {2, 1, 1, 1, 40},  {1, 5, 1, 1, 64}, {1, 2, 65, 3, 4}};
  for (const auto& s : kSizes) {
    std::uint8_t p[4] = {0, 1, 2, 3};
    do {
      TransposeArgs args{nullptr, nullptr, 4, s[0], {s[1], s[2], s[3], s[4]}, {p[0], p[1], p[2], p[3]}};
      const std::size_t count = s[0] * reference::product(args.sizes, 4);
      expect_moved(
          "transpose", count, count, [&](std::size_t i) { return reference::source(args, i); },
          [&](const std::byte* from, std::byte* to, std::uint32_t width, Part part) {
            args.input = from, args.output = to, args.element_bytes = width, args.part = part;
            kernels::transpose_bytes(args);
          });
    } while (std::next_permutation(p, p + 4));
  }
}

struct SliceCase {
  std::uint32_t batch, in[3], out[3];
  std::int32_t begin[3], step[3];
};
constexpr SliceCase kSlices[] = {
    {2, {4, 5, 6}, {2, 3, 4}, {1, 1, 1}, {1, 1, 1}},    {3, {4, 5, 6}, {4, 5, 3}, {0, 0, 3}, {1, 1, 1}},
    {1, {4, 5, 6}, {4, 5, 6}, {3, 4, 5}, {-1, -1, -1}}, {2, {7, 9, 5}, {4, 3, 2}, {0, 1, 4}, {2, 3, -3}},
    {2, {3, 40, 8}, {3, 20, 8}, {0, 0, 0}, {1, 2, 1}},  {1, {1, 1, 100}, {1, 1, 70}, {0, 0, 10}, {1, 1, 1}},
    {4, {1, 6, 1}, {1, 1, 1}, {0, 5, 0}, {1, -4, 1}},   {2, {4, 5, 6}, {2, 5, 6}, {1, 0, 0}, {1, 1, 1}},
    {1, {10, 1, 1}, {5, 1, 1}, {8, 0, 0}, {-2, 1, 1}},
};
template <class Args>
Args slice_args(const SliceCase& c) {
  Args args{};
  args.batch = c.batch;
  for (std::size_t i = 0; i < 3; ++i)
    args.in[i] = c.in[i], args.out[i] = c.out[i], args.begin[i] = c.begin[i], args.step[i] = c.step[i];
  return args;
}

TEST(movement, slice_and_its_gradient) {
  for (const SliceCase& c : kSlices) {
    const std::size_t inputs = c.batch * reference::product(c.in, 3), outputs = c.batch * reference::product(c.out, 3);
    auto args = slice_args<SliceArgs>(c);
    const auto source = [&](std::size_t i) { return reference::slice_source(args, i); };
    expect_moved("slice", inputs, outputs, source,
                 [&](const std::byte* from, std::byte* to, std::uint32_t width, Part part) {
                   args.input = from, args.output = to, args.element_bytes = width, args.part = part;
                   kernels::slice_bytes(args);
                 });
    auto grad = slice_args<SliceGradArgs>(c);
    expect_gradient("slice", inputs, outputs, source, [&](const float* from, float* to, Part part) {
      grad.grad_output = from, grad.grad_input = to, grad.part = part;
      kernels::slice_grad_f32(grad);
    });
  }
}

struct PadCase {
  std::uint32_t batch, in[3], out[3], before[3];
};
constexpr PadCase kPads[] = {
    {2, {3, 4, 5}, {6, 8, 5}, {1, 2, 0}},   {1, {3, 4, 5}, {3, 4, 12}, {0, 0, 3}},
    {2, {5, 4, 3}, {9, 7, 6}, {2, 3, 1}},   {2, {1, 1, 1}, {4, 3, 2}, {2, 1, 1}},
    {1, {2, 3, 4}, {11, 17, 4}, {5, 7, 0}}, {3, {1, 20, 1}, {1, 30, 1}, {0, 5, 0}},
    {1, {4, 4, 2}, {4, 4, 2}, {0, 0, 0}},   {1, {2, 2, 40}, {3, 2, 90}, {1, 0, 17}},
};
constexpr PadMode kModes[] = {PadMode::constant, PadMode::reflect, PadMode::symmetric, PadMode::edge};
template <class Args>
Args pad_args(const PadCase& c, PadMode mode) {
  Args args{};
  args.batch = c.batch, args.mode = mode;
  for (std::size_t i = 0; i < 3; ++i) args.in[i] = c.in[i], args.out[i] = c.out[i], args.before[i] = c.before[i];
  return args;
}

TEST(movement, pad_with_every_mode_and_its_gradient) {
  for (const PadCase& c : kPads) {
    for (const PadMode mode : kModes) {
      const std::size_t inputs = c.batch * reference::product(c.in, 3);
      const std::size_t outputs = c.batch * reference::product(c.out, 3);
      auto args = pad_args<PadArgs>(c, mode);
      args.value_bits = 0xC1234567U;
      const auto source = [&](std::size_t i) { return reference::pad_source(args, i); };
      expect_moved(
          "pad", inputs, outputs, source,
          [&](const std::byte* from, std::byte* to, std::uint32_t width, Part part) {
            args.input = from, args.output = to, args.element_bytes = width, args.part = part;
            kernels::pad_bytes(args);
          },
          args.value_bits);
      auto grad = pad_args<PadGradArgs>(c, mode);
      expect_gradient("pad", inputs, outputs, source, [&](const float* from, float* to, Part part) {
        grad.grad_output = from, grad.grad_input = to, grad.part = part;
        kernels::pad_grad_f32(grad);
      });
    }
  }
}

/// a b c padded by three: the modes as ONNX and NumPy write them down.
TEST(movement, pad_modes_of_three_letters) {
  const std::uint8_t letters[] = {'a', 'b', 'c'};
  const char* const expected[] = {"...abc...", "bcbabcbab", "cbaabccba", "aaaabcccc"};
  for (std::size_t m = 0; m < 4; ++m) {
    std::uint8_t output[10] = {};
    kernels::pad_bytes({reinterpret_cast<const std::byte*>(letters),
                        reinterpret_cast<std::byte*>(output),
                        1,
                        '.',
                        1,
                        {1, 3, 1},
                        {1, 9, 1},
                        {0, 3, 0},
                        kModes[m]});
    for (std::size_t i = 0; i < 9; ++i)
      EXPECT_EQ(output[i], static_cast<std::uint8_t>(expected[m][i])) << m << ", " << i;
  }
}

struct TileCase {
  std::uint32_t batch, in[3], repeats[3];
};
constexpr TileCase kTiles[] = {{2, {2, 3, 4}, {3, 2, 2}},  {1, {1, 1, 1}, {4, 5, 33}}, {2, {1, 1, 20}, {2, 3, 1}},
                               {2, {3, 1, 1}, {1, 4, 5}},  {1, {2, 2, 3}, {1, 1, 7}},  {3, {4, 1, 2}, {1, 1, 1}},
                               {1, {1, 6, 1}, {5, 1, 70}}, {1, {2, 3, 40}, {2, 2, 2}}};
template <class Args>
Args tile_args(const TileCase& c) {
  Args args{};
  args.batch = c.batch;
  for (std::size_t i = 0; i < 3; ++i) args.in[i] = c.in[i], args.repeats[i] = c.repeats[i];
  return args;
}

TEST(movement, tile_and_its_gradient) {
  for (const TileCase& c : kTiles) {
    const std::size_t inputs = c.batch * reference::product(c.in, 3);
    const std::size_t outputs = inputs * reference::product(c.repeats, 3);
    auto args = tile_args<TileArgs>(c);
    const auto source = [&](std::size_t i) { return reference::tile_source(args, i); };
    expect_moved("tile", inputs, outputs, source,
                 [&](const std::byte* from, std::byte* to, std::uint32_t width, Part part) {
                   args.input = from, args.output = to, args.element_bytes = width, args.part = part;
                   kernels::tile_bytes(args);
                 });
    auto grad = tile_args<TileGradArgs>(c);
    expect_gradient("tile", inputs, outputs, source, [&](const float* from, float* to, Part part) {
      grad.grad_output = from, grad.grad_input = to, grad.part = part;
      kernels::tile_grad_f32(grad);
    });
  }
}

TEST(movement, gather_and_its_gradient) {
  const std::int32_t indices[] = {0, 2, -1, 2, 7, -5, 1, -4, 3, 0, 2147483647, -2147483647};
  for (const std::uint32_t inner : {1U, 3U, 20U, 70U}) {
    for (const bool own : {false, true}) {
      GatherArgs args{nullptr, indices, nullptr, 4, own ? 3U : 2U, 4, inner, own ? 4U : 12U, own};
      const std::size_t inputs = args.outer * args.extent * inner, outputs = args.outer * args.count * inner;
      const auto source = [&](std::size_t i) { return reference::gather_source(args, i); };
      expect_moved("gather", inputs, outputs, source,
                   [&](const std::byte* from, std::byte* to, std::uint32_t width, Part part) {
                     args.input = from, args.output = to, args.element_bytes = width, args.part = part;
                     kernels::gather_bytes(args);
                   });
      expect_gradient("gather", inputs, outputs, source, [&](const float* from, float* to, Part part) {
        if (part.index == 0)
          kernels::gather_grad_f32({indices, from, to, args.outer, 4, inner, args.count, own, false, 1.0F});
      });
    }
  }
  float table[2] = {1.0F, 2.0F}, g[3] = {1.0F, 10.0F, 100.0F};  // the SGD update of a table in place
  const std::int32_t rows[] = {1, 0, 1};
  kernels::gather_grad_f32({rows, g, table, 1, 2, 1, 3, false, true, -0.5F});
  EXPECT_EQ(table[0], -4.0F);
  EXPECT_EQ(table[1], -48.5F);
}

TEST(movement, copied_rows_touch_nothing_else) {
  for (const std::uint32_t width : {1U, 3U, 16U, 63U, 64U, 65U, 200U}) {
    for (const std::uint32_t more : {0U, 5U}) {
      memory.reset();
      const std::uint32_t rows = 5, source_stride = width + more, target_stride = width + 2 * more;
      std::byte *source = bytes(memory.take(rows * source_stride / 4 + 1, 1)),
                *target = bytes(memory.take(rows * target_stride / 4 + 1, 2));
      for (std::uint32_t i = 0; i < rows * source_stride; ++i) source[i] = input_byte(i, 0);
      for (std::uint32_t i = 0; i < rows * target_stride; ++i) target[i] = std::byte{77};
      kernels::copy_rows_bytes({source, target, rows, width, source_stride, target_stride});
      for (std::uint32_t i = 0; i < rows * target_stride; ++i) {
        const std::uint32_t row = i / target_stride, column = i % target_stride;
        ASSERT_EQ(target[i], column < width ? source[row * source_stride + column] : std::byte{77}) << width;
      }
      EXPECT_TRUE(memory.intact()) << width;
    }
  }
}

TEST(movement, same_bits_everywhere) {
  if (!check::kFused) return;
  std::uint64_t hash = test::hash_bits(nullptr, 0);
  for (const TileCase& c : kTiles) {
    auto grad = tile_args<TileGradArgs>(c);
    const std::size_t inputs = c.batch * reference::product(c.in, 3);
    hash = expect_gradient(
        "tile", inputs, inputs * reference::product(c.repeats, 3),
        [&](std::size_t i) { return reference::tile_source(grad, i); },
        [&](const float* from, float* to, Part part) {
          grad.grad_output = from, grad.grad_input = to, grad.part = part;
          kernels::tile_grad_f32(grad);
        },
        hash);
  }
  for (const PadCase& c : kPads) {
    auto grad = pad_args<PadGradArgs>(c, PadMode::symmetric);
    hash = expect_gradient(
        "pad", c.batch * reference::product(c.in, 3), c.batch * reference::product(c.out, 3),
        [&](std::size_t i) { return reference::pad_source(grad, i); },
        [&](const float* from, float* to, Part part) {
          grad.grad_output = from, grad.grad_input = to, grad.part = part;
          kernels::pad_grad_f32(grad);
        },
        hash);
  }
  EXPECT_EQ(hash, 0xEF5BC93E47E78CDEU);
}

}  // namespace
}  // namespace mote
