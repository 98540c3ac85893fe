// SPDX-License-Identifier: Apache-2.0
// exp, log, tanh, sigmoid, erf and softplus of the facade: error bounds against double libm, special values, and bits
// that every backend must give. Compiled for every instruction set. A host sweeps one argument in 2503 of all 2^32;
// the bounds stated in simd/math.hpp come from the same sweep over every one of them.
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "check.hpp"
#include "kernels/guarded.hpp"
#include "simd/scalar.hpp"
#include "simd/simd.hpp"

namespace mote {
namespace {

using simd::F32;
using simd::kLanes;

constexpr float kInfinity = __builtin_inff();
constexpr float kNaN = __builtin_nanf("");
#if defined(MOTE_BARE_METAL)
constexpr std::uint64_t kStride = 3000017;  // double arithmetic is slow there
#elif defined(__arm__) || defined(__aarch64__)
constexpr std::uint64_t kStride = 50021;  // mostly emulated
#else
constexpr std::uint64_t kStride = 2503;
#endif

float from_bits(std::uint64_t bits) { return std::bit_cast<float>(static_cast<std::uint32_t>(bits)); }

/// Distance of `value` to the next larger float; a denormal's is that of the smallest normal number.
double ulp_of(double value) {
  int exponent = 0;
  std::frexp(value, &exponent);
  return std::ldexp(1.0, (exponent < -125 ? -125 : exponent) - 24);
}

struct Function {
  const char* name;
  F32 (*lanes)(F32);
  float (*scalar)(float);
  double (*exact)(double);
  double bound_ulp;
  double smallest;  // results of a smaller magnitude may be 0
  double limit;     // of the magnitude
};

const Function kFunctions[] = {
    {"exp", [](F32 x) { return simd::exp(x); }, simd::scalar_exp, [](double x) { return std::exp(x); }, 0.91, 1.67e-38,
     INFINITY},
    {"log", [](F32 x) { return simd::log(x); }, simd::scalar_log, [](double x) { return std::log(x); }, 0.86, 0.0,
     INFINITY},
    {"sigmoid", [](F32 x) { return simd::sigmoid(x); }, simd::scalar_sigmoid,
     [](double x) { return 1.0 / (1.0 + std::exp(-x)); }, 2.5, 3e-39, 1.0},
    {"tanh", [](F32 x) { return simd::tanh(x); }, simd::scalar_tanh, [](double x) { return std::tanh(x); }, 2.6, 0.0,
     1.0},
    {"erf", [](F32 x) { return simd::erf(x); }, simd::scalar_erf, [](double x) { return std::erf(x); }, 3.2, 0.0, 1.0},
    {"log1p_exp", [](F32 x) { return simd::log1p_exp(x); }, simd::scalar_log1p_exp,
     [](double x) { return (x > 0.0 ? x : 0.0) + std::log1p(std::exp(-std::fabs(x))); }, 2.6, 1.67e-38, INFINITY},
};

/// Whether vectors that take denormals for zeros must get `x` and f(x) right all the same.
bool expected_everywhere(float x, float result) {
  const float smallest = 1.17549435e-38F;
  return simd::kDenormals || ((x == 0.0F || std::fabs(x) >= smallest) && !(std::fabs(result) < 5.0F * smallest));
}

/// Error in ulp; infinite if the value breaks a rule.
double error_of(const Function& f, float x, float actual) {
  const double expected = f.exact(static_cast<double>(x)), value = static_cast<double>(actual);
  if (!expected_everywhere(x, static_cast<float>(expected))) return 0.0;
  if (expected != expected) return actual != actual ? 0.0 : static_cast<double>(kInfinity);
  if (!(std::fabs(value) <= f.limit)) return static_cast<double>(kInfinity);
  if (static_cast<float>(expected) == actual) return 0.0;
  if (std::fabs(expected) < f.smallest && actual == 0.0F) return 0.0;
  return std::fabs(value - expected) / ulp_of(expected);
}

TEST(math, error_within_the_stated_bounds) {
  // Without fused multiply-add exp and log1p_exp lose a little more.
  const double allowance = simd::kFused ? 1.0 : 1.5;
  for (const Function& f : kFunctions) {
    double worst = 0.0;
    float worst_at = 0.0F, x[kLanes], y[kLanes];
    for (std::uint64_t bits = 0; bits < (1ULL << 32); bits += kStride * kLanes) {
      for (std::size_t i = 0; i < kLanes; ++i) x[i] = from_bits(bits + i * kStride);
      simd::store(y, f.lanes(simd::load(x)));
      for (std::size_t i = 0; i < kLanes; ++i) {
        const double error = error_of(f, x[i], y[i]);
        if (error > worst) worst = error, worst_at = x[i];
      }
    }
    EXPECT_LE(worst, f.bound_ulp * allowance) << f.name << " at " << worst_at;
    EXPECT_GT(worst, 0.5) << f.name << ": is this sweep real?";
  }
}

TEST(math, special_values) {
  using namespace simd;
  EXPECT_EQ(scalar_exp(kInfinity), kInfinity);
  EXPECT_EQ(scalar_exp(-kInfinity), 0.0F);
  EXPECT_EQ(scalar_exp(0.0F), 1.0F);
  EXPECT_EQ(scalar_exp(-0.0F), 1.0F);
  EXPECT_EQ(scalar_exp(88.8F), kInfinity);
  EXPECT_LT(scalar_exp(88.72F), kInfinity);
  EXPECT_EQ(scalar_exp(-87.1F), 0.0F);
  EXPECT_GT(scalar_exp(-86.9F), 0.0F);
  EXPECT_EQ(scalar_log(0.0F), -kInfinity);
  EXPECT_EQ(scalar_log(-0.0F), -kInfinity);
  EXPECT_EQ(scalar_log(kInfinity), kInfinity);
  EXPECT_EQ(scalar_log(1.0F), 0.0F);
  EXPECT_NE(scalar_log(-1.0F), scalar_log(-1.0F));
  EXPECT_NE(scalar_log(-kInfinity), scalar_log(-kInfinity));
  EXPECT_EQ(scalar_log(from_bits(1)), -103.278929903F);
  EXPECT_EQ(scalar_sigmoid(kInfinity), 1.0F);
  EXPECT_EQ(scalar_sigmoid(-kInfinity), 0.0F);
  EXPECT_EQ(scalar_sigmoid(0.0F), 0.5F);
  EXPECT_EQ(scalar_tanh(kInfinity), 1.0F);
  EXPECT_EQ(scalar_tanh(-kInfinity), -1.0F);
  EXPECT_EQ(scalar_erf(kInfinity), 1.0F);
  EXPECT_EQ(scalar_erf(-kInfinity), -1.0F);
  EXPECT_EQ(scalar_log1p_exp(kInfinity), kInfinity);
  EXPECT_EQ(scalar_log1p_exp(-kInfinity), 0.0F);
  for (const float zero : {0.0F, -0.0F}) {
    EXPECT_EQ(std::bit_cast<std::uint32_t>(scalar_tanh(zero)), std::bit_cast<std::uint32_t>(zero));
    EXPECT_EQ(std::bit_cast<std::uint32_t>(scalar_erf(zero)), std::bit_cast<std::uint32_t>(zero));
  }
  for (const Function& f : kFunctions) EXPECT_NE(f.scalar(kNaN), f.scalar(kNaN)) << f.name;
  for (const Function& f : kFunctions) EXPECT_NE(f.scalar(from_bits(0xFFFFFFFF)), f.scalar(0.0F)) << f.name;
  EXPECT_EQ(scalar_tanh(1e-40F), 1e-40F);
}

/// Bit patterns from all over float32, NaNs included; index < 32768.
float argument(std::uint32_t index) { return from_bits(std::uint64_t{index} * 131071U + (index & 1U) * 0x80000000U); }

TEST(math, same_bits_in_every_lane_and_on_every_machine) {
  std::uint64_t hash = test::hash_bits(nullptr, 0);
  for (const Function& f : kFunctions) {
    float x[kLanes], y[kLanes];
    for (std::uint32_t index = 0; index < 32768; index += kLanes) {
      for (std::uint32_t i = 0; i < kLanes; ++i) x[i] = argument(index + i);
      simd::store(y, f.lanes(simd::load(x)));
      for (std::size_t i = 0; i < kLanes; ++i) {
        const float lane = y[i] != y[i] ? kNaN : y[i];
        const float scalar = f.scalar(x[i]);
        if (!expected_everywhere(x[i], scalar)) continue;
        ASSERT_EQ(std::bit_cast<std::uint32_t>(lane), std::bit_cast<std::uint32_t>(scalar != scalar ? kNaN : scalar))
            << f.name << " of " << x[i];
        hash = test::hash_bits(&lane, 1, hash);
      }
    }
  }
  if (simd::kFused && simd::kDenormals) {
    EXPECT_EQ(hash, 0xC2D49ADBF3E244B8U);
  }
}

}  // namespace
}  // namespace mote
