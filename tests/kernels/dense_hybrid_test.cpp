// SPDX-License-Identifier: Apache-2.0
// dense_hybrid_f32 against its definition in double, its bits, and inputs that have no range.
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "check.hpp"
#include "kernels/guarded.hpp"
#include "kernels/guarded_bytes.hpp"

namespace mote {
namespace {

using test::bytes;
using test::Integers;

struct Hybrid {
  DenseHybridArgs args{};

  Hybrid(std::uint32_t batch, std::uint32_t fan_in, std::uint32_t fan_out, Integers& numbers) {
    auto* input = bytes.take<float>(batch * fan_in, fan_in);
    auto* weights = bytes.take<std::int8_t>(std::size_t{fan_in} * fan_out, 3);
    auto* scales = bytes.take<float>(fan_out, 1);
    auto* bias = bytes.take<float>(fan_out, 2);
    args.output = bytes.take<float>(batch * fan_out, fan_out);
    args.scratch = bytes.take<std::int8_t>(fan_in, 1);
    const float shift = static_cast<float>(numbers.between(-3, 3)), size = static_cast<float>(numbers.between(1, 40));
    for (std::size_t i = 0; i < batch * fan_in; ++i)
      input[i] = (static_cast<float>(numbers.between(-10000, 10000)) * 1e-4F + shift) * size;
    for (std::size_t i = 0; i < fan_out; ++i) {
      scales[i] = static_cast<float>(numbers.between(1, 100)) * 1e-4F;
      bias[i] = static_cast<float>(numbers.between(-100, 100)) * 0.01F;
    }
    numbers.fill(weights, std::size_t{fan_in} * fan_out, -127, 127);
    args.input = input, args.weights = weights, args.scales = scales, args.bias = bias;
    args.batch = batch, args.fan_in = fan_in, args.fan_out = fan_out;
  }
};

/// Largest error of a row's outputs over their sum of magnitudes, each of which may be off by float32's roundings.
double worst_error(const DenseHybridArgs& args, std::size_t row) {
  const float* x = args.input + row * args.fan_in;
  double low = 0.0, high = 0.0;
  for (std::size_t k = 0; k < args.fan_in; ++k)
    low = std::fmin(low, static_cast<double>(x[k])), high = std::fmax(high, static_cast<double>(x[k]));
  const double scale = args.asymmetric ? (high - low) / 255.0 : std::fmax(-low, high) / 127.0;
  double zero = 0.0;
  if (args.asymmetric) {
    const bool by_low = 128.0 - low / scale < 127.0 + high / scale;
    zero = std::round(by_low ? -128.0 - low / scale : 127.0 - high / scale);
  }
  double worst = 0.0;
  for (std::size_t o = 0; o < args.fan_out; ++o) {
    double sum = 0.0, size = 1e-3;
    for (std::size_t k = 0; k < args.fan_in; ++k) {
      const auto inverse = static_cast<float>(args.asymmetric ? 1.0 / scale : 127.0 / (scale * 127.0));
      double q = std::round(static_cast<double>(x[k] * inverse)) + zero;
      q = std::fmin(std::fmax(q, args.asymmetric ? -128.0 : -127.0), 127.0) - zero;
      sum += q * args.weights[k * args.fan_out + o];
      size += std::fabs(q * args.weights[k * args.fan_out + o]) * scale * static_cast<double>(args.scales[o]);
    }
    double exact = sum * scale * static_cast<double>(args.scales[o]);
    if (args.bias != nullptr) exact += static_cast<double>(args.bias[o]);
    exact = std::fmin(std::fmax(exact, static_cast<double>(args.clamp.low)), static_cast<double>(args.clamp.high));
    const double error = std::fabs(static_cast<double>(args.output[row * args.fan_out + o]) - exact) / size;
    if (!(error <= worst)) worst = error;
  }
  return worst;
}

TEST(dense_hybrid, quantises_each_row_by_its_own_range) {
  for (std::uint32_t seed = 1; seed <= 40; ++seed) {
    bytes.reset();
    Integers numbers(seed);
    const auto draw = [&](int low, int high) { return static_cast<std::uint32_t>(numbers.between(low, high)); };
    Hybrid hybrid(draw(1, 4), draw(1, 90), draw(1, 70), numbers);
    DenseHybridArgs& args = hybrid.args;
    args.asymmetric = seed % 2 == 0;
    if (seed % 5 == 0) args.bias = nullptr;
    if (seed % 3 == 0) args.clamp = {0.0F, 6.0F};
    kernels::dense_hybrid_f32(args);
    for (std::size_t row = 0; row < args.batch; ++row) EXPECT_LE(worst_error(args, row), 4e-7) << seed;
    EXPECT_TRUE(bytes.intact()) << seed;
  }
}

TEST(dense_hybrid, a_row_of_zeros_gives_the_bias) {
  for (const bool asymmetric : {false, true}) {
    const float input[3] = {}, scales[2] = {0.5F, 0.25F}, bias[2] = {1.5F, -2.0F};
    const std::int8_t weights[6] = {1, 2, 3, 4, 5, 6};
    float output[2];
    std::int8_t scratch[3];
    kernels::dense_hybrid_f32({input, weights, scales, bias, output, scratch, 1, 3, 2, asymmetric});
    EXPECT_EQ(output[0], 1.5F);
    EXPECT_EQ(output[1], -2.0F);
  }
}

TEST(dense_hybrid, same_bits_everywhere) {
  std::uint64_t hash = 0xCBF29CE484222325U;
  for (std::uint32_t seed = 1; seed <= 10; ++seed) {
    bytes.reset();
    Integers numbers(seed);
    Hybrid hybrid(2, 40 + seed, 30 + seed, numbers);
    hybrid.args.asymmetric = seed % 2 == 0;
    kernels::dense_hybrid_f32(hybrid.args);
    hash = test::hash_bits(hybrid.args.output, std::size_t{2} * (30 + seed), hash);
  }
  EXPECT_EQ(hash, 0xBEBAA7B259027C2DU);
}

}  // namespace
}  // namespace mote
