// SPDX-License-Identifier: Apache-2.0
// random.hpp: Philox's published answers, ranges and moments of the values drawn, permutations that need no array.
#include "mote/train/random.hpp"

#include "check.hpp"

namespace mote {
namespace {

constexpr std::uint64_t kSeed = 0x1234'5678'9ABC'DEF0;

// The known answers of the Random123 distribution (kat_vectors, philox4x32 10).
static_assert(philox4x32({0, 0, 0, 0}, {0, 0}) == PhiloxBlock{0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8});
static_assert(philox4x32({0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF}, {0xFFFFFFFF, 0xFFFFFFFF}) ==
              PhiloxBlock{0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD});
static_assert(philox4x32({0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344}, {0xA4093822, 0x299F31D0}) ==
              PhiloxBlock{0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1});

TEST(random, philox_gives_the_published_words_at_run_time) {
  volatile std::uint32_t zero = 0;  // keeps the compiler from answering
  const PhiloxBlock block = philox4x32({zero, zero, zero, zero}, {zero, zero});
  EXPECT_EQ(block[0], 0x6627E8D5U);
  EXPECT_EQ(block[1], 0xE169C58DU);
  EXPECT_EQ(block[2], 0xBC57AC4CU);
  EXPECT_EQ(block[3], 0x9B00DBD8U);
}

TEST(random, uses_streams_and_seeds_give_different_words) {
  const std::uint32_t word = random_bits(kSeed, RandomUse::init, 5, 9);
  EXPECT_EQ(word, random_block(kSeed, RandomUse::init, 5, 2)[1]);
  EXPECT_NE(word, random_bits(kSeed, RandomUse::dropout, 5, 9));
  EXPECT_NE(word, random_bits(kSeed, RandomUse::init, 6, 9));
  EXPECT_NE(word, random_bits(kSeed, RandomUse::init, 5 + (std::uint64_t{1} << 32), 9));
  EXPECT_NE(word, random_bits(kSeed + 1, RandomUse::init, 5, 9));
  EXPECT_NE(word, random_bits(kSeed + (std::uint64_t{1} << 32), RandomUse::init, 5, 9));
  EXPECT_NE(word, random_bits(kSeed, RandomUse::init, 5, 10));
}

static_assert(uniform_from_bits(0) == 0.0F && uniform_from_bits(0x80000000) == 0.5F);
static_assert(uniform_from_bits(0xFFFFFFFF) == 1.0F - 0x1p-24F);

TEST(random, uniform_values_fill_their_bins_evenly) {
  std::uint32_t bins[16] = {};
  constexpr std::uint32_t kCount = 16000;
  for (std::uint32_t i = 0; i < kCount; ++i)
    ++bins[static_cast<int>(16.0F * uniform_from_bits(random_bits(kSeed, RandomUse::data, 1, i)))];
  double chi_square = 0.0;
  for (const std::uint32_t n : bins) chi_square += (n - 1000.0) * (n - 1000.0) / 1000.0;
  EXPECT_LT(chi_square, 37.7);  // 15 degrees of freedom: exceeded once in a thousand seeds
  EXPECT_GT(chi_square, 3.5);   // too even is wrong too
}

TEST(random, normal_values_are_the_quantiles) {
  const struct {
    double probability, quantile;
  } kTable[] = {{0.5, 0.0},         {0.6, 0.2533471},   {0.75, 0.6744898},  {0.9, 1.2815516},   {0.924, 1.4325027},
                {0.926, 1.4466321}, {0.975, 1.9599640}, {0.999, 3.0902323}, {0.9999, 3.7190165}};
  for (const auto& row : kTable) {
    const auto bits = static_cast<std::uint32_t>(row.probability * 4294967296.0);
    EXPECT_NEAR(normal_from_bits(bits), row.quantile, 2e-5) << row.probability;
    EXPECT_EQ(normal_from_bits(~bits), -normal_from_bits(bits)) << row.probability;
  }
  EXPECT_NEAR(normal_from_bits(0xFFFFFFFF), 6.3379, 1e-3);  // 1 - 2^-33
}

TEST(random, normal_values_have_the_moments) {
  constexpr std::uint32_t kCount = 20000;
  double sum = 0.0, square = 0.0, fourth = 0.0;
  for (std::uint32_t i = 0; i < kCount; ++i) {
    const double v = static_cast<double>(normal_from_bits(random_bits(kSeed, RandomUse::data, 2, i)));
    sum += v, square += v * v, fourth += v * v * v * v;
  }
  EXPECT_NEAR(sum / kCount, 0.0, 0.03);  // about four standard deviations each
  EXPECT_NEAR(square / kCount, 1.0, 0.04);
  EXPECT_NEAR(fourth / kCount, 3.0, 0.3);
}

TEST(random, logarithm_and_root) {
  EXPECT_EQ(detail::natural_log(1.0), 0.0);
  EXPECT_NEAR(detail::natural_log(10.0), 2.302585092994046, 1e-15);
  EXPECT_NEAR(detail::natural_log(0x1p-33), -22.873856958478193, 1e-14);
  EXPECT_NEAR(detail::natural_log(1.4142135623730950), 0.34657359027997264, 1e-15);
  EXPECT_EQ(detail::square_root(4.0), 2.0);
  EXPECT_NEAR(detail::square_root(2.0), 1.4142135623730951, 3e-16);
  EXPECT_NEAR(detail::square_root(6.0 / 784.0), 0.08748177652797065, 2e-17);
  EXPECT_NEAR(detail::square_root(3e-8) * 1e4, 1.7320508075688772, 3e-16);
}

std::uint8_t seen[5000];

bool is_permutation(std::uint32_t count, std::uint64_t seed, std::uint64_t epoch) {
  const ShuffledIndices order(count, seed, epoch);
  for (std::uint32_t i = 0; i < count; ++i) seen[i] = 0;
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::uint32_t index = order[i];
    if (index >= count || seen[index] != 0) return false;
    seen[index] = 1;
  }
  return order.size() == count;
}

TEST(shuffled_indices, every_length_is_a_permutation) {
  for (std::uint32_t count = 1; count <= 130; ++count)
    for (std::uint64_t epoch = 0; epoch < 4; ++epoch) EXPECT_TRUE(is_permutation(count, kSeed, epoch)) << count;
  for (const std::uint32_t count :
       {255U, 256U, 257U, 511U, 513U, 1000U, 1023U, 1024U, 1025U, 2047U, 2049U, 4095U, 4096U, 4097U, 4999U})
    EXPECT_TRUE(is_permutation(count, kSeed, 7)) << count;
}

static_assert(ShuffledIndices(1, 0, 0)[0] == 0);

TEST(shuffled_indices, large_counts_stay_inside_and_do_not_repeat) {
  for (const std::uint32_t count : {60'000U, 0x8000'0001U, 0xFFFF'FFFFU}) {
    const ShuffledIndices order(count, kSeed, 3);
    for (std::uint32_t i = 0; i < 200; ++i) {
      EXPECT_LT(order[i], count);
      for (std::uint32_t j = 0; j < i; ++j) ASSERT_NE(order[i], order[j]) << count;
    }
  }
}

TEST(shuffled_indices, epochs_and_seeds_differ) {
  constexpr std::uint32_t kCount = 1000;
  const ShuffledIndices order(kCount, kSeed, 1);
  const ShuffledIndices others[] = {
      {kCount, kSeed, 2}, {kCount, kSeed + 1, 1}, {kCount, kSeed, 1 + (std::uint64_t{1} << 32)}};
  for (const ShuffledIndices& other : others) {
    std::uint32_t equal = 0;
    for (std::uint32_t i = 0; i < kCount; ++i) equal += order[i] == other[i];
    EXPECT_LT(equal, 9U);  // one expected
  }
}

TEST(shuffled_indices, all_orders_of_four_are_equally_likely) {
  constexpr std::uint32_t kEpochs = 4800;
  std::uint32_t counts[256] = {};
  for (std::uint32_t epoch = 0; epoch < kEpochs; ++epoch) {
    const ShuffledIndices order(4, kSeed, epoch);
    ++counts[order[0] | order[1] << 2 | order[2] << 4 | order[3] << 6];
  }
  double chi_square = 0.0;
  std::uint32_t kinds = 0;
  for (const std::uint32_t n : counts) {
    if (n == 0) continue;
    ++kinds;
    chi_square += (n - 200.0) * (n - 200.0) / 200.0;
  }
  EXPECT_EQ(kinds, 24U);
  EXPECT_LT(chi_square, 49.7);  // 23 degrees of freedom: one in a thousand
}

/// Over many epochs every index comes first, and follows its predecessor, as often as any other.
TEST(shuffled_indices, positions_and_neighbours_are_uniform) {
  constexpr std::uint32_t kCount = 10, kEpochs = 3000;
  std::uint32_t first[kCount] = {}, step[kCount] = {};
  for (std::uint32_t epoch = 0; epoch < kEpochs; ++epoch) {
    const ShuffledIndices order(kCount, kSeed, epoch);
    ++first[order[0]];
    ++step[(order[1] + kCount - order[0]) % kCount];
  }
  double chi_first = 0.0, chi_step = 0.0;
  for (std::uint32_t i = 0; i < kCount; ++i) {
    chi_first += (first[i] - 300.0) * (first[i] - 300.0) / 300.0;
    if (i > 0) chi_step += (step[i] - kEpochs / 9.0) * (step[i] - kEpochs / 9.0) / (kEpochs / 9.0);
  }
  EXPECT_EQ(step[0], 0U);
  EXPECT_LT(chi_first, 27.9);  // 9 degrees of freedom
  EXPECT_LT(chi_step, 26.1);   // 8
}

TEST(shuffled_indices, same_order_everywhere) {
  std::uint64_t hash = 0xCBF29CE484222325U;
  const ShuffledIndices order(777, kSeed, 12);
  for (std::uint32_t i = 0; i < 777; ++i) hash = (hash ^ order[i]) * 0x100000001B3U;
  EXPECT_EQ(hash, 0x75C0C6FBE4032893U);
}

}  // namespace
}  // namespace mote
