// SPDX-License-Identifier: Apache-2.0
// The SIMD facade: partial loads and stores, arithmetic, the NaN rule, and the order of reductions. Compiled for every
// instruction set; the scalar backend, which is always there, says what a lane must give.
#include "simd/simd.hpp"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "check.hpp"
#include "kernels/guarded.hpp"
#include "simd/scalar.hpp"
#include "simd/transpose.hpp"

namespace mote {
namespace {

using simd::F32;
using simd::F32x16;
using simd::kLanes;
using simd::ScalarF32;
using test::memory;
using test::Numbers;

constexpr float kInfinity = __builtin_inff();
constexpr float kNaN = __builtin_nanf("");

std::uint32_t word(float value) { return value != value ? 0x7FC00000U : std::bit_cast<std::uint32_t>(value); }

TEST(simd, partial_loads_and_stores_touch_only_their_lanes) {
  for (std::size_t n = 1; n < kLanes; ++n) {
    for (std::size_t misalignment = 0; misalignment < 5; ++misalignment) {
      memory.reset();
      float* from = memory.take(n, misalignment);
      float* to = memory.take(n, misalignment);
      float* whole = memory.take(kLanes, misalignment);
      Numbers(3).fill(from, n);
      simd::store_partial(to, n, simd::load_partial(from, n));
      simd::store(whole, simd::load_partial(from, n));
      for (std::size_t i = 0; i < kLanes; ++i) EXPECT_EQ(word(whole[i]), word(i < n ? from[i] : 0.0F)) << n << " " << i;
      for (std::size_t i = 0; i < n; ++i) EXPECT_EQ(word(to[i]), word(from[i])) << n << " " << i;
      EXPECT_TRUE(memory.intact()) << n;
    }
  }
}

TEST(simd, partial_blocks_of_16_touch_only_their_lanes) {
  for (std::size_t n = 1; n < 16; ++n) {
    memory.reset();
    float* from = memory.take(n, 3);
    float* to = memory.take(n, 5);
    float* whole = memory.take(16, 1);
    Numbers(4).fill(from, n);
    simd::store16_partial(to, n, simd::load16_partial(from, n));
    simd::store16(whole, simd::load16_partial(from, n));
    for (std::size_t i = 0; i < 16; ++i) EXPECT_EQ(word(whole[i]), word(i < n ? from[i] : 0.0F)) << n << " " << i;
    for (std::size_t i = 0; i < n; ++i) EXPECT_EQ(word(to[i]), word(from[i])) << n << " " << i;
    EXPECT_TRUE(memory.intact()) << n;
  }
}

TEST(simd, first_lanes_and_iota) {
  float values[kLanes];
  for (std::size_t n = 0; n <= kLanes; ++n) {
    simd::store(values, select(simd::first_lanes(n), simd::iota(), simd::splat(-1.0F)));
    for (std::size_t i = 0; i < kLanes; ++i) EXPECT_EQ(values[i], i < n ? static_cast<float>(i) : -1.0F) << n;
  }
}

// Numbers of all sizes and the special ones, so that every pair of kinds meets.
constexpr float kSpecial[] = {0.0F,  -0.0F,    1.0F,  -1.0F,  1e-40F,    -1e-40F,    1e-38F, 3.5F,
                              -7.1F, 16777216, 3e38F, -3e38F, kInfinity, -kInfinity, kNaN,   0.333333333F};

bool is_denormal(float value) { return value != 0.0F && value < 1.17549435e-38F && value > -1.17549435e-38F; }

/// Calls vector(a, b, c) on lanes and scalar(a, b, c) on the same numbers and expects the same bits, NaN for NaN.
template <class Vector, class Scalar>
void expect_same(const char* name, Vector vector, Scalar scalar) {
  constexpr std::size_t kCount = sizeof kSpecial / sizeof kSpecial[0];
  float a[kLanes], b[kLanes], c[kLanes], result[kLanes];
  Numbers numbers(11);
  for (std::size_t trial = 0; trial < kCount * kCount; ++trial) {
    for (std::size_t i = 0; i < kLanes; ++i) {
      const std::size_t pick = trial + i * 5;
      a[i] = kSpecial[pick % kCount];
      b[i] = kSpecial[pick / kCount % kCount];
      c[i] = pick % 3 == 0 ? kSpecial[(pick / 3) % kCount] : numbers.next();
      if (pick % 4 == 3) a[i] = numbers.next(), b[i] = numbers.next();
    }
    simd::store(result, vector(simd::load(a), simd::load(b), simd::load(c)));
    for (std::size_t i = 0; i < kLanes; ++i) {
      const float expected = scalar(ScalarF32{a[i]}, ScalarF32{b[i]}, ScalarF32{c[i]}).v;
      const bool denormal = is_denormal(a[i]) || is_denormal(b[i]) || is_denormal(c[i]) || is_denormal(expected);
      if (denormal && !simd::kDenormals) continue;
      ASSERT_EQ(word(result[i]), word(expected)) << name << " of " << a[i] << ", " << b[i] << ", " << c[i];
    }
  }
}

TEST(simd, lanes_give_the_bits_of_scalars) {
#define MOTE_SAME(expression)                                                                 \
  expect_same(                                                                                \
      #expression, [](F32 a, F32 b, F32 c) { return (void)a, (void)b, (void)c, expression; }, \
      [](ScalarF32 a, ScalarF32 b, ScalarF32 c) { return (void)a, (void)b, (void)c, expression; })
  MOTE_SAME(a + b);
  MOTE_SAME(a - b);
  MOTE_SAME(a * b);
  MOTE_SAME(a / b);
  MOTE_SAME(-a);
  MOTE_SAME(abs(a));
  MOTE_SAME(sqrt(a));
  MOTE_SAME(min(a, b));
  MOTE_SAME(max(a, b));
  MOTE_SAME(mul_add(a, b, c));
  MOTE_SAME(neg_mul_add(a, b, c));
  MOTE_SAME(select(less(a, b), a, c));
  MOTE_SAME(select(less_equal(a, b), a, c));
  MOTE_SAME(select(equal(a, b), a, c));
  MOTE_SAME(select(less(a, b) & less(b, c), a, c));
  MOTE_SAME(select(less(a, b) | less(b, c), a, c));
  MOTE_SAME(simd::bits::copy_sign(a, b));
  MOTE_SAME(simd::bits::to_exponent(abs(c) + decltype(c)::splat(12582912.0F)));
#undef MOTE_SAME
}

TEST(simd, any_lane_of_a_mask) {
  for (std::size_t lane = 0; lane < simd::kLanes; ++lane) {
    const simd::F32 here = simd::splat(static_cast<float>(lane));
    EXPECT_TRUE(any(equal(simd::iota(), here))) << lane;
    EXPECT_EQ(any(less(simd::iota(), here)), lane != 0);
    EXPECT_FALSE(any(simd::first_lanes(lane) & equal(simd::iota(), here))) << lane;
  }
  EXPECT_FALSE(any(simd::first_lanes(0)));
}

/// Every number of rows and columns to two blocks of the largest kind and a rest; nothing else is written.
TEST(simd, transposes_any_matrix) {
  constexpr std::size_t kMost = 35, kStep = 37;
  static float from[kMost * kStep], to[kMost * kStep];
  for (std::size_t i = 0; i < kMost * kStep; ++i) from[i] = static_cast<float>(i);
  for (std::size_t rows = 1; rows <= kMost; ++rows) {
    for (std::size_t columns = 1; columns <= kMost; ++columns) {
      std::fill(to, to + kMost * kStep, -1.0F);
      simd::transpose(from, kStep, rows, columns, to, kStep);
      std::size_t wrong = 0;
      for (std::size_t c = 0; c < kMost; ++c)
        for (std::size_t r = 0; r < kStep; ++r)
          wrong += to[c * kStep + r] != (c < columns && r < rows ? from[r * kStep + c] : -1.0F) ? 1 : 0;
      EXPECT_EQ(wrong, 0U) << rows << " x " << columns;
    }
  }
}

// The scalar backend is the other tests' yardstick, so here it meets constants.
TEST(simd, scalar_rules) {
  using simd::scalar_max;
  using simd::scalar_min;
  EXPECT_EQ(scalar_min(kNaN, 2.0F), 2.0F);
  EXPECT_EQ(word(scalar_min(2.0F, kNaN)), word(kNaN));
  EXPECT_EQ(scalar_max(kNaN, 2.0F), 2.0F);
  EXPECT_EQ(word(scalar_max(2.0F, kNaN)), word(kNaN));
  EXPECT_EQ(word(scalar_max(0.0F, -0.0F)), word(-0.0F));
  EXPECT_EQ(word(scalar_min(-0.0F, 0.0F)), word(0.0F));
  EXPECT_EQ(word((-ScalarF32{0.0F}).v), word(-0.0F));
  EXPECT_EQ(word(simd::scalar_abs(-0.0F)), word(0.0F));
  EXPECT_EQ(simd::scalar_sqrt(2.25F), 1.5F);
  // (1 + 2^-12)^2 = 1 + 2^-11 + 2^-24; with one rounding the last term survives.
  const float value = 1.0F + 0x1p-12F;
  const float rest = simd::kFused ? 0x1p-24F : 0.0F;
  EXPECT_EQ(simd::scalar_mul_add(value, value, -(1.0F + 0x1p-11F)), rest);
  EXPECT_EQ(simd::scalar_neg_mul_add(value, value, 1.0F + 0x1p-11F), -rest);
}

TEST(simd, split_gives_mantissa_and_exponent) {
  float values[kLanes], mantissas[kLanes], exponents[kLanes];
  Numbers numbers(5);
  for (int trial = 0; trial < 50; ++trial) {
    for (float& value : values) {
      const float unit = 1.5F + 0.49F * numbers.next();
      value = unit * std::bit_cast<float>(static_cast<std::uint32_t>(127 + 120.0F * numbers.next()) << 23);
    }
    F32 exponent;
    simd::store(mantissas, simd::bits::split(simd::load(values), exponent));
    simd::store(exponents, exponent);
    for (std::size_t i = 0; i < kLanes; ++i) {
      EXPECT_LE(0.70710677F, mantissas[i]);
      EXPECT_LT(mantissas[i], 1.41421357F);
      EXPECT_EQ(__builtin_ldexpf(mantissas[i], static_cast<int>(exponents[i])), values[i]);
    }
  }
}

TEST(simd, sum_adds_lanes_8_then_4_then_2_then_1_apart) {
  float values[16], tree[16];
  Numbers numbers(6);
  for (int trial = 0; trial < 100; ++trial) {
    float scale = 1.0F;
    for (float& value : values) value = numbers.next() * (scale *= trial % 2 == 0 ? 3.0F : 0.25F);
    for (std::size_t i = 0; i < 16; ++i) tree[i] = values[i];
    for (std::size_t apart = 8; apart >= 1; apart /= 2)
      for (std::size_t i = 0; i < apart; ++i) tree[i] += tree[i + apart];
    EXPECT_EQ(word(simd::sum(simd::load16(values))), word(tree[0])) << trial;
    for (std::size_t i = 0; i < 16; ++i) tree[i] = values[i];
    for (std::size_t apart = 8; apart >= 1; apart /= 2)
      for (std::size_t i = 0; i < apart; ++i) tree[i] = tree[i] > tree[i + apart] ? tree[i] : tree[i + apart];
    EXPECT_EQ(word(simd::max_of(simd::load16(values))), word(tree[0])) << trial;
  }
}

TEST(simd, four_sums_at_once_are_the_same_trees) {
  float values[4][16], sums[4];
  Numbers numbers(8);
  for (int trial = 0; trial < 100; ++trial) {
    F32x16 blocks[4];
    for (std::size_t k = 0; k < 4; ++k) {
      float scale = 1.0F;
      for (float& value : values[k]) value = numbers.next() * (scale *= 2.5F);
      blocks[k] = simd::load16(values[k]);
    }
    simd::store_sums(sums, blocks);
    for (std::size_t k = 0; k < 4; ++k) EXPECT_EQ(word(sums[k]), word(simd::sum(blocks[k]))) << trial;
  }
}

TEST(simd, arithmetic_on_blocks_of_16) {
  float a[16], b[16], result[16];
  Numbers numbers(7);
  numbers.fill(a, 16);
  numbers.fill(b, 16);
  const F32x16 x = simd::load16(a), y = simd::load16(b);
  const auto expect = [&](F32x16 actual, auto expected) {
    simd::store16(result, actual);
    for (std::size_t i = 0; i < 16; ++i) EXPECT_EQ(word(result[i]), word(expected(a[i], b[i]))) << i;
  };
  expect(x + y, [](float p, float q) { return p + q; });
  expect(x - y, [](float p, float q) { return p - q; });
  expect(x * y, [](float p, float q) { return p * q; });
  expect(x / y, [](float p, float q) { return p / q; });
  expect(min(x, y), [](float p, float q) { return p < q ? p : q; });
  expect(max(x, y), [](float p, float q) { return p > q ? p : q; });
  expect(mul_add(x, y, x), [](float p, float q) { return simd::scalar_mul_add(p, q, p); });
  expect(neg_mul_add(x, y, x), [](float p, float q) { return simd::scalar_neg_mul_add(p, q, p); });
  expect(select(less(x, y), x, simd::splat16(9.0F)), [](float p, float q) { return p < q ? p : 9.0F; });
  expect(select(less_equal(x, y), x, y), [](float p, float q) { return p <= q ? p : q; });
  expect(select(equal(x, x), y, simd::zero16()), [](float, float q) { return q; });
}

}  // namespace
}  // namespace mote
