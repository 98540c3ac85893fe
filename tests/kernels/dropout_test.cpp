// SPDX-License-Identifier: Apache-2.0
// dropout_f32 against the Philox stream word by word, and the statistics of its masks.
#include "reference/dropout.hpp"

#include "check.hpp"
#include "kernels/guarded.hpp"

namespace mote {
namespace {

using test::memory;
using test::Numbers;

constexpr std::uint64_t kSeed = 0x0123'4567'89AB'CDEF, kStream = 0xFEDC'BA98'7654'3210;

TEST(dropout, follows_the_stream_for_every_length) {
  for (std::uint32_t count = 1; count <= 200; count += count < 20 ? 1 : 9) {
    for (const float rate : {0.0F, 0.1F, 0.5F, 0.9F, 0x1.FFFFFEp-1F, 0x1p-30F}) {
      for (const bool in_place : {false, true}) {
        memory.reset();
        float* input = memory.take(count, count);
        float* expected = memory.take(count);
        Numbers(count).fill(input, count, 1.0F, 3.0F);
        reference::dropout({input, nullptr, rate, kSeed, kStream, count}, expected);
        float* output = in_place ? input : memory.take(count, 5);
        kernels::dropout_f32({input, output, rate, kSeed, kStream, count});
        for (std::uint32_t i = 0; i < count; ++i)
          ASSERT_EQ(std::bit_cast<std::uint32_t>(output[i]), std::bit_cast<std::uint32_t>(expected[i]))
              << "at " << i << " of " << count << ", rate " << rate;
        ASSERT_TRUE(memory.intact()) << count;
      }
    }
  }
}

TEST(dropout, a_uniform_equal_to_the_rate_is_kept_and_one_below_dropped) {
  float uniforms[64], output[64];
  for (std::uint32_t i = 0; i < 64; ++i)
    uniforms[i] = uniform_from_bits(random_block(kSeed, RandomUse::dropout, kStream, i % 16)[i / 16]);
  const float ones[64] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
  for (std::uint32_t i = 0; i < 16; ++i) {
    if (uniforms[i] >= 0.5F) continue;  // no float between two uniforms there
    kernels::dropout_f32({ones, output, uniforms[i], kSeed, kStream, 64});
    EXPECT_GT(output[i], 0.0F) << i;
    kernels::dropout_f32({ones, output, uniforms[i] * (1.0F + 0x1p-23F), kSeed, kStream, 64});
    EXPECT_EQ(output[i], 0.0F) << i;
  }
}

TEST(dropout, rate_zero_copies_bits) {
  memory.reset();
  float* input = memory.take(77, 3);
  float* output = memory.take(77);
  Numbers(5).fill(input, 77, 1e-30F);
  kernels::dropout_f32({input, output, 0.0F, kSeed, 1, 77});
  for (std::uint32_t i = 0; i < 77; ++i) ASSERT_EQ(output[i], input[i]);
}

TEST(dropout, dropped_infinities_and_nans_become_zero) {
  float values[256];
  for (float& v : values) v = __builtin_inff();
  for (std::uint32_t i = 0; i < 256; i += 2) values[i] = __builtin_nanf("");
  kernels::dropout_f32({values, values, 0.75F, kSeed, 2, 256});
  std::uint32_t zeros = 0;
  for (const float v : values) zeros += v == 0.0F;
  EXPECT_GT(zeros, 160U);  // 192 expected, standard deviation 7
  EXPECT_LT(zeros, 224U);
}

/// Fraction kept, and how often two masks agree: independent masks of rate 1/2 agree half of the time.
TEST(dropout, masks_have_the_rate_and_streams_are_independent) {
  constexpr std::uint32_t kCount = 16384;
  memory.reset();
  float* ones = memory.take(kCount);
  float* first = memory.take(kCount);
  float* second = memory.take(kCount);
  for (std::uint32_t i = 0; i < kCount; ++i) ones[i] = 1.0F;
  for (const float rate : {0.2F, 0.5F}) {
    kernels::dropout_f32({ones, first, rate, kSeed, 10, kCount});
    double sum = 0.0;
    for (std::uint32_t i = 0; i < kCount; ++i) sum += static_cast<double>(first[i]);
    EXPECT_NEAR(sum / kCount, 1.0, 0.04) << rate;  // five standard deviations
  }
  const std::uint64_t others[3][2] = {{kSeed, 11}, {kSeed + 1, 10}, {kSeed, 10 + (std::uint64_t{1} << 32)}};
  for (const auto& [seed, stream] : others) {
    kernels::dropout_f32({ones, second, 0.5F, seed, stream, kCount});
    std::uint32_t equal = 0;
    for (std::uint32_t i = 0; i < kCount; ++i) equal += first[i] == second[i];
    EXPECT_NEAR(static_cast<double>(equal) / kCount, 0.5, 0.02);
  }
}

TEST(dropout, same_bits_everywhere) {
  memory.reset();
  float* values = memory.take(1000, 1);
  Numbers(3).fill(values, 1000);
  kernels::dropout_f32({values, values, 0.3F, kSeed, kStream, 1000});
  EXPECT_EQ(test::hash_bits(values, 1000), 0x2AA545E5C4F24899U);
}

}  // namespace
}  // namespace mote
