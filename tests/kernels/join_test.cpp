// SPDX-License-Identifier: Apache-2.0
// add_f32 and copy_channels_f32: exact, so every element is compared; their bits follow.
#include "check.hpp"
#include "kernels/guarded.hpp"

namespace mote {
namespace {

using test::memory;
using test::Numbers;

TEST(join, add_takes_any_length_and_works_in_place) {
  for (std::uint32_t count = 1; count <= 70; ++count) {
    for (const int aliased : {0, 1, 2}) {  // output apart, over a, over b
      memory.reset();
      Numbers numbers(count);
      float* a = memory.take(count, count);
      float* b = memory.take(count, 3);
      float* expected = memory.take(count);
      numbers.fill(a, count);
      numbers.fill(b, count);
      for (std::uint32_t i = 0; i < count; ++i) expected[i] = a[i] + b[i];
      float* output = aliased == 0 ? memory.take(count, 1) : aliased == 1 ? a : b;
      kernels::add_f32({a, b, output, count});
      for (std::uint32_t i = 0; i < count; ++i) ASSERT_EQ(output[i], expected[i]) << "at " << i << " of " << count;
      ASSERT_TRUE(memory.intact()) << count;
    }
  }
}

TEST(join, copy_channels_touches_its_channels_only) {
  struct Case {
    std::uint32_t rows, width, source_stride, target_stride, source_first, target_first;
  };
  constexpr Case kCases[] = {{1, 1, 1, 1, 0, 0},     {5, 3, 3, 7, 0, 4},    {4, 16, 20, 16, 4, 0},
                             {3, 17, 17, 40, 0, 23}, {7, 8, 24, 24, 16, 8}, {2, 33, 50, 33, 17, 0},
                             {9, 5, 5, 5, 0, 0},     {6, 64, 64, 96, 0, 32}};
  for (const Case& c : kCases) {
    memory.reset();
    float* source = memory.take(c.rows * c.source_stride, c.width);
    float* target = memory.take(c.rows * c.target_stride, 2);
    Numbers(c.width).fill(source, c.rows * c.source_stride);
    for (std::uint32_t i = 0; i < c.rows * c.target_stride; ++i) target[i] = 100.0F + static_cast<float>(i);
    kernels::copy_channels_f32(
        {source + c.source_first, target + c.target_first, c.rows, c.width, c.source_stride, c.target_stride});
    for (std::uint32_t i = 0; i < c.rows * c.target_stride; ++i) {
      const std::uint32_t row = i / c.target_stride, column = i % c.target_stride;
      const bool inside = column >= c.target_first && column < c.target_first + c.width;
      const float expected = inside ? source[row * c.source_stride + c.source_first + column - c.target_first]
                                    : 100.0F + static_cast<float>(i);
      ASSERT_EQ(target[i], expected) << "width " << c.width << " at " << i;
    }
    EXPECT_TRUE(memory.intact()) << c.width;
  }
}

}  // namespace
}  // namespace mote
