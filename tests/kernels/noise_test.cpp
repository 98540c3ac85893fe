// SPDX-License-Identifier: Apache-2.0
// gaussian_noise_f32 against the Philox stream and the exact quantile, value by value, and its statistics.
#include "reference/noise.hpp"

#include <cmath>

#include "check.hpp"
#include "instruction_set.hpp"
#include "kernels/guarded.hpp"

namespace mote {
namespace {

using test::memory;
using test::Numbers;

constexpr std::uint64_t kSeed = 0x0123'4567'89AB'CDEF, kStream = 0xFEDC'BA98'7654'3210;

TEST(gaussian_noise, follows_the_stream_for_every_length) {
  for (std::uint32_t count = 1; count <= 150; count += count < 20 ? 1 : 13) {
    for (const float stddev : {0.0F, 0.25F, 3.0F}) {
      for (const bool in_place : {false, true}) {
        memory.reset();
        float* input = memory.take(count, count);
        double* expected = memory.take_doubles(count);
        Numbers(count).fill(input, count, 1.0F, 3.0F);
        reference::gaussian_noise({input, nullptr, stddev, kSeed, kStream, count}, expected);
        float* output = in_place ? input : memory.take(count, 5);
        kernels::gaussian_noise_f32({input, output, stddev, kSeed, kStream, count});
        for (std::uint32_t i = 0; i < count; ++i)
          ASSERT_NEAR(static_cast<double>(output[i]), expected[i], 3e-6 * (1.0 + static_cast<double>(stddev)))
              << "at " << i << " of " << count << ", deviation " << stddev;
        ASSERT_TRUE(memory.intact()) << count;
      }
    }
  }
}

TEST(gaussian_noise, has_mean_zero_variance_one_and_normal_tails) {
  constexpr std::uint32_t kCount = 16384;
  memory.reset();
  float* values = memory.take(kCount);
  double sum = 0.0, squares = 0.0, fourth = 0.0, neighbours = 0.0;
  std::uint32_t beyond_two = 0;
  for (std::uint32_t i = 0; i < kCount; ++i) values[i] = 0.0F;
  kernels::gaussian_noise_f32({values, values, 1.0F, kSeed, 7, kCount});
  for (std::uint32_t i = 0; i < kCount; ++i) {
    const auto z = static_cast<double>(values[i]);
    sum += z, squares += z * z, fourth += z * z * z * z;
    if (i > 0) neighbours += z * static_cast<double>(values[i - 1]);
    beyond_two += std::fabs(z) > 2.0 ? 1U : 0U;
  }
  EXPECT_NEAR(sum / kCount, 0.0, 0.04);  // five standard deviations of each
  EXPECT_NEAR(squares / kCount, 1.0, 0.055);
  EXPECT_NEAR(fourth / kCount, 3.0, 0.4);
  EXPECT_NEAR(neighbours / kCount, 0.0, 0.04);
  EXPECT_NEAR(static_cast<double>(beyond_two) / kCount, 0.0455, 0.0082);
}

TEST(gaussian_noise, nan_stays_visible) {
  float values[20] = {};
  values[3] = __builtin_nanf("");
  kernels::gaussian_noise_f32({values, values, 0.5F, kSeed, 1, 20});
  for (std::uint32_t i = 0; i < 20; ++i) EXPECT_EQ(values[i] != values[i], i == 3) << i;
}

TEST(gaussian_noise, same_bits_everywhere) {
  if (!check::kFused) return;
  memory.reset();
  float* values = memory.take(1000, 1);
  Numbers(3).fill(values, 1000);
  kernels::gaussian_noise_f32({values, values, 0.3F, kSeed, kStream, 1000});
  EXPECT_EQ(test::hash_bits(values, 1000), 0xDF9D98C2F6E4D797U);
}

}  // namespace
}  // namespace mote
