// SPDX-License-Identifier: Apache-2.0
// Activations applied by the kernel that makes the values: the same bits as the clamp of what it makes without.
#include <cstddef>
#include <cstdint>

#include "check.hpp"
#include "kernels/guarded.hpp"
#include "mote/kernels/kernels.hpp"

namespace mote {
namespace {

using test::memory;
using test::Numbers;

constexpr Clamp kClamps[] = {{0.0F, __builtin_inff()}, {0.0F, 0.25F}, {-0.125F, 0.5F}};

/// Runs `kernel(output, clamp)` with every clamp and compares with its unclamped output.
template <class Kernel>
void check(const char* name, std::size_t count, const Kernel& kernel) {
  float* plain = memory.take(count);
  float* clamped = memory.take(count, 3);
  kernel(plain, Clamp{});
  for (const Clamp& clamp : kClamps) {
    kernel(clamped, clamp);
    for (std::size_t i = 0; i < count; ++i) {
      const float low = plain[i] > clamp.low ? plain[i] : clamp.low;
      ASSERT_EQ(clamped[i], low < clamp.high ? low : clamp.high) << name << ", " << i << " of " << count;
    }
    EXPECT_TRUE(memory.intact()) << name;
  }
}

TEST(clamp, dense_of_every_width_and_batch) {
  for (std::uint32_t batch = 1; batch <= 14; batch += batch < 3 ? 1 : 5)
    for (std::uint32_t fan_out = 1; fan_out <= 100; fan_out += fan_out < 20 ? 3 : 27) {
      constexpr std::uint32_t kFanIn = 11;
      memory.reset();
      float* x = memory.take(batch * kFanIn);
      float* w = memory.take(kFanIn * fan_out);
      float* b = memory.take(fan_out);
      Numbers numbers(fan_out);
      numbers.fill(x, batch * kFanIn), numbers.fill(w, kFanIn * fan_out), numbers.fill(b, fan_out);
      check("dense", batch * fan_out, [&](float* y, const Clamp& clamp) {
        kernels::dense_f32({x, w, b, y, batch, kFanIn, fan_out, clamp});
      });
    }
}

TEST(clamp, convolutions_of_every_kind) {
  for (const std::uint32_t channels : {1U, 3U, 8U, 16U, 19U})
    for (const std::uint32_t multiplier : {1U, 2U})
      for (const std::uint32_t stride : {1U, 2U}) {
        memory.reset();
        const std::uint32_t side = stride == 1 ? 7 : 4, out = channels * multiplier;
        const ConvShape shape{2, {7, 7, channels}, {side, side, out}, {3, 3, stride, stride, 1, 1, 1, 1}};
        const std::size_t taps = 9;
        float* x = memory.take(2 * 49 * channels);
        float* w = memory.take(taps * channels * out);
        float* b = memory.take(out);
        Numbers numbers(channels);
        numbers.fill(x, 2 * 49 * channels), numbers.fill(w, taps * channels * out, 0.3F), numbers.fill(b, out);
        const std::size_t count = std::size_t{2} * side * side * out;
        check("conv2d", count, [&](float* y, const Clamp& clamp) {
          kernels::conv2d_f32({x, w, b, y, nullptr, shape, clamp});
        });
        check("depthwise_conv2d", count, [&](float* y, const Clamp& clamp) {
          kernels::depthwise_conv2d_f32({x, w, b, y, nullptr, shape, clamp});
        });
      }
}

TEST(clamp, follows_the_summand_of_a_convolution) {
  for (const std::uint32_t channels : {1U, 3U, 8U})
    for (const std::uint32_t out : {1U, 8U, 16U, 19U})
      for (const std::uint32_t side : {1U, 3U, 12U, 30U}) {
        memory.reset();
        const ConvShape shape{2, {3, side, channels}, {3, side, out}, {3, 3, 1, 1, 1, 1, 1, 1}};
        const std::size_t pixels = std::size_t{2} * 3 * side, count = pixels * out;
        float* x = memory.take(pixels * channels);
        float* w = memory.take(std::size_t{9} * channels * out);
        float* summand = memory.take(count, 3);
        float* apart = memory.take(count);
        float* joined = memory.take(count, 1);
        Numbers numbers(channels + out);
        numbers.fill(x, pixels * channels), numbers.fill(w, std::size_t{9} * channels * out, 0.3F);
        numbers.fill(summand, count);
        const Clamp clamp{0.0F, 6.0F};
        kernels::conv2d_f32({x, w, nullptr, apart, nullptr, shape});
        kernels::add_f32({apart, summand, apart, static_cast<std::uint32_t>(count), clamp});
        kernels::conv2d_f32({x, w, nullptr, joined, nullptr, shape, clamp, summand});
        EXPECT_EQ(test::hash_bits(joined, count), test::hash_bits(apart, count)) << channels << ", " << out;
        kernels::conv2d_f32({x, w, nullptr, summand, nullptr, shape, clamp, summand});  // in place
        EXPECT_EQ(test::hash_bits(summand, count), test::hash_bits(apart, count)) << channels << ", " << out;
        EXPECT_TRUE(memory.intact());
      }
}

TEST(clamp, sums_and_nan) {
  for (std::uint32_t count = 1; count <= 40; ++count) {
    memory.reset();
    float* a = memory.take(count);
    float* b = memory.take(count, 1);
    Numbers(count).fill(a, count), Numbers(count + 1).fill(b, count);
    check("add", count, [&](float* y, const Clamp& clamp) { kernels::add_f32({a, b, y, count, clamp}); });
  }
  const float nan = __builtin_nanf(""), one = 1.0F;
  float y = 0.0F;
  kernels::add_f32({&nan, &one, &y, 1, {0.0F, 6.0F}});
  EXPECT_NE(y, y);  // stays visible
  kernels::dense_f32({&nan, &one, nullptr, &y, 1, 1, 1, {0.0F, 6.0F}});
  EXPECT_NE(y, y);
}

}  // namespace
}  // namespace mote
