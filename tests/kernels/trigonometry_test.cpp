// SPDX-License-Identifier: Apache-2.0
// sin, cos and pow of the facade: error bounds against double libm for arguments of every magnitude, special values,
// and the same bits in every lane and on every machine. Compiled for every instruction set.
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "check.hpp"
#include "kernels/guarded.hpp"
#include "simd/power.hpp"
#include "simd/simd.hpp"
#include "simd/trigonometry.hpp"

namespace mote {
namespace {

using simd::F32;
using simd::kLanes;

constexpr float kInfinity = __builtin_inff();
constexpr float kNaN = __builtin_nanf("");
constexpr float kSmallest = 1.17549435e-38F;
#if defined(MOTE_BARE_METAL)
constexpr std::uint64_t kStride = 9000011;  // double arithmetic is slow there
constexpr std::uint32_t kPowers = 3000;
#elif defined(__arm__) || defined(__aarch64__)
constexpr std::uint64_t kStride = 100003;  // mostly emulated
constexpr std::uint32_t kPowers = 60000;
#else
constexpr std::uint64_t kStride = 5003;
constexpr std::uint32_t kPowers = 1000000;
#endif

float from_bits(std::uint64_t bits) { return std::bit_cast<float>(static_cast<std::uint32_t>(bits)); }

/// Error in ulp of `exact`; infinite where one of the two is NaN only or the sign of zero is wrong.
double error_of(float actual, double exact) {
  if (exact != exact) return actual != actual ? 0.0 : HUGE_VAL;
  const auto nearest = static_cast<float>(exact);
  if (std::bit_cast<std::uint32_t>(nearest) == std::bit_cast<std::uint32_t>(actual)) return 0.0;
  if (std::isinf(nearest) || actual != actual)
    return std::isinf(nearest) && std::fabs(actual) > 3.4028e38F ? 0.0 : HUGE_VAL;
  int exponent = 0;
  std::frexp(exact, &exponent);
  return std::fabs(static_cast<double>(actual) - exact) / std::ldexp(1.0, (exponent < -125 ? -125 : exponent) - 24);
}

struct Function {
  const char* name;
  F32 (*lanes)(F32);
  float (*scalar)(float);
  double (*exact)(double);
};
const Function kFunctions[] = {
    {"sin", [](F32 x) { return simd::sin(x); }, simd::scalar_sin, [](double x) { return std::sin(x); }},
    {"cos", [](F32 x) { return simd::cos(x); }, simd::scalar_cos, [](double x) { return std::cos(x); }},
};

TEST(trigonometry, within_two_ulp_for_arguments_of_every_magnitude) {
  const double bound = 1.6;
  for (const Function& f : kFunctions) {
    double worst = 0.0;
    float worst_at = 0.0F, x[kLanes], y[kLanes];
    for (std::uint64_t bits = 0; bits < (1ULL << 32); bits += kStride * kLanes) {
      for (std::size_t i = 0; i < kLanes; ++i) x[i] = from_bits(bits + i * kStride);
      simd::store(y, f.lanes(simd::load(x)));
      for (std::size_t i = 0; i < kLanes; ++i) {
        if (!simd::kDenormals && std::fabs(x[i]) < kSmallest) continue;
        const double error = error_of(y[i], f.exact(static_cast<double>(x[i])));
        if (error > worst) worst = error, worst_at = x[i];
      }
    }
    EXPECT_LE(worst, bound) << f.name << " at " << worst_at;
    EXPECT_GT(worst, 0.5) << f.name << ": is this sweep real?";
  }
}

/// Where the result is small the reduction must have kept its digits.
TEST(trigonometry, near_multiples_of_half_pi) {
  for (std::uint32_t n = 1; n < 20000; n += 7) {
    const auto x = static_cast<float>(static_cast<double>(n) * (0.5 * std::acos(-1.0)));
    EXPECT_LE(error_of(simd::scalar_sin(x), std::sin(static_cast<double>(x))), 1.6) << n;
    EXPECT_LE(error_of(simd::scalar_cos(x), std::cos(static_cast<double>(x))), 1.6) << n;
  }
  // The float32 closest to a multiple of pi / 2 relative to its size: 16367173 2^72.
  const float close = std::ldexp(16367173.0F, 72);
  EXPECT_LE(error_of(simd::scalar_cos(close), std::cos(static_cast<double>(close))), 1.6);
}

struct Special {
  float x, y, power;
};
constexpr Special kSpecials[] = {
    {2.0F, 0.0F, 1.0F},
    {kNaN, 0.0F, 1.0F},
    {kNaN, -0.0F, 1.0F},
    {1.0F, kNaN, 1.0F},
    {1.0F, kInfinity, 1.0F},
    {-1.0F, kInfinity, 1.0F},
    {-1.0F, -kInfinity, 1.0F},
    {kNaN, 1.0F, kNaN},
    {2.0F, kNaN, kNaN},
    {0.0F, 3.0F, 0.0F},
    {-0.0F, 3.0F, -0.0F},
    {-0.0F, 2.0F, 0.0F},
    {0.0F, -3.0F, kInfinity},
    {-0.0F, -3.0F, -kInfinity},
    {-0.0F, -2.0F, kInfinity},
    {-0.0F, -1.0F, -kInfinity},
    {-0.0F, 0.5F, 0.0F},
    {-0.0F, -0.5F, kInfinity},
    {0.0F, kInfinity, 0.0F},
    {0.0F, -kInfinity, kInfinity},
    {kInfinity, 0.5F, kInfinity},
    {kInfinity, -0.5F, 0.0F},
    {-kInfinity, 3.0F, -kInfinity},
    {-kInfinity, 2.0F, kInfinity},
    {-kInfinity, -3.0F, -0.0F},
    {-kInfinity, -2.0F, 0.0F},
    {-kInfinity, 0.5F, kInfinity},
    {-kInfinity, -1.0F, -0.0F},
    {0.5F, kInfinity, 0.0F},
    {0.5F, -kInfinity, kInfinity},
    {-2.0F, kInfinity, kInfinity},
    {-2.0F, -kInfinity, 0.0F},
    {-8.0F, 0.5F, kNaN},
    {-8.0F, 0.333333F, kNaN},
    {-2.0F, 3.0F, -8.0F},
    {-2.0F, -3.0F, -0.125F},
    {-1.0F, 16777215.0F, -1.0F},
    {-1.0F, 16777216.0F, 1.0F},
    {-1.0F, 8388607.5F, kNaN},
    {3.0F, 15.0F, 14348907.0F},
    {-6.0F, 5.0F, -7776.0F},
    {10.0F, 10.0F, 1e10F},
    {9.0F, 0.5F, 3.0F},
    {7.0F, 1.0F, 7.0F},
    {4.0F, -0.5F, 0.5F},
    {27.0F, 3.0F, 19683.0F},
    {2.0F, 127.0F, 0x1p127F},
    {2.0F, 128.0F, kInfinity},
    {-2.0F, 129.0F, -kInfinity},
    {2.0F, -126.0F, kSmallest},
    {2.0F, -151.0F, 0.0F},
};

TEST(power, special_and_exact_values) {
  for (const Special& s : kSpecials) {
    const float power = simd::scalar_pow(s.x, s.y);
    if (s.power != s.power) {
      EXPECT_NE(power, power) << s.x << " ^ " << s.y;
    } else {
      EXPECT_EQ(std::bit_cast<std::uint32_t>(power), std::bit_cast<std::uint32_t>(s.power))
          << s.x << " ^ " << s.y << " gives " << power;
    }
  }
  test::Numbers numbers(5);
  for (int i = 0; i < 1000; ++i) {
    const float x = numbers.next() * 100.0F;
    EXPECT_EQ(simd::scalar_pow(x, 2.0F), x * x) << x;
    EXPECT_EQ(simd::scalar_pow(x, 1.0F), x) << x;
    EXPECT_EQ(simd::scalar_pow(x, -1.0F), 1.0F / x) << x;
    EXPECT_EQ(simd::scalar_pow(std::fabs(x), 0.5F), std::sqrt(std::fabs(x))) << x;
  }
}

/// Bases of every magnitude with exponents that give results of every magnitude, every fourth pair any two floats.
void pair_of(std::uint32_t index, std::uint32_t& state, float& x, float& y) {
  const auto draw = [&] { return state = state * 1664525U + 1013904223U; };
  x = from_bits(draw());
  const float part = static_cast<float>(draw() >> 8) * 0x1p-23F - 1.0F;
  if (index % 4 == 1) x = 1.0F + part * 0.01F;
  if (index % 4 == 2) x = static_cast<float>(static_cast<std::int32_t>(draw() >> 21)) - 1000.0F;
  y = 140.0F * part / static_cast<float>(std::log2(std::fabs(static_cast<double>(x))));
  if (index % 4 == 2) y = static_cast<float>(static_cast<std::int32_t>(draw() >> 26)) - 32.0F;
  if (index % 4 == 3) y = from_bits(draw());
}

TEST(power, within_one_ulp_and_exact_where_it_can_be) {
  double worst = 0.0;
  float x = 0.0F, y = 0.0F, worst_x = 0.0F, worst_y = 0.0F;
  std::uint32_t state = 1;
  for (std::uint32_t i = 0; i < kPowers; ++i) {
    pair_of(i, state, x, y);
    const double exact = std::pow(static_cast<double>(x), static_cast<double>(y));
    const double magnitude = std::fabs(exact), allowed = simd::kDenormals ? 0.0 : 4.0 * static_cast<double>(kSmallest);
    if (magnitude < allowed || (!simd::kDenormals && std::fabs(x) < kSmallest)) continue;
    const float power = simd::scalar_pow(x, y);
    if (static_cast<double>(static_cast<float>(exact)) == exact) {
      EXPECT_EQ(power, static_cast<float>(exact)) << x << " ^ " << y;
    }
    const double error = error_of(power, exact);
    if (error > worst) worst = error, worst_x = x, worst_y = y;
  }
  EXPECT_LE(worst, 0.8) << worst_x << " ^ " << worst_y;
  EXPECT_GT(worst, 0.5);
}

TEST(trigonometry, same_bits_in_every_lane_and_on_every_machine) {
  std::uint64_t hash = test::hash_bits(nullptr, 0);
  float x[kLanes], y[kLanes], z[kLanes];
  const auto compare = [&](std::size_t i, float scalar) {
    const float lane = z[i] != z[i] ? kNaN : z[i];
    if (!simd::kDenormals && (std::fabs(scalar) < 5.0F * kSmallest || std::fabs(x[i]) < kSmallest)) return;
    ASSERT_EQ(std::bit_cast<std::uint32_t>(lane), std::bit_cast<std::uint32_t>(scalar != scalar ? kNaN : scalar))
        << x[i] << ", " << y[i];
    hash = test::hash_bits(&lane, 1, hash);
  };
  for (const Function& f : kFunctions) {
    for (std::uint32_t index = 0; index < 16384; index += kLanes) {
      for (std::uint32_t i = 0; i < kLanes; ++i) x[i] = y[i] = from_bits(std::uint64_t{index + i} * 262147U);
      simd::store(z, f.lanes(simd::load(x)));
      for (std::size_t i = 0; i < kLanes; ++i) compare(i, f.scalar(x[i]));
    }
  }
  std::uint32_t state = 7;
  for (std::uint32_t index = 0; index < 4096; index += kLanes) {
    for (std::uint32_t i = 0; i < kLanes; ++i) {
      const auto draw = [&] { return state = state * 1664525U + 1013904223U; };
      x[i] = from_bits(draw());
      y[i] = static_cast<float>(draw() >> 8) * 0x1p-21F - 4.0F;
    }
    simd::store(z, simd::pow(simd::load(x), simd::load(y)));
    for (std::size_t i = 0; i < kLanes; ++i) compare(i, simd::scalar_pow(x[i], y[i]));
  }
  if (simd::kFused && simd::kDenormals) {
    EXPECT_EQ(hash, 0xC9EB0AF392C847F9U);
  }
}

}  // namespace
}  // namespace mote
