// SPDX-License-Identifier: Apache-2.0
// initializer.hpp: ranges and moments of every distribution, what else a layer's parameters start with, whose stream
// depends on what, and the bits.
#include "mote/train/initializer.hpp"

#include <array>
#include <bit>

#include "check.hpp"
#include "mote/model/builders.hpp"

namespace mote {
namespace {

constexpr std::uint64_t kSeed = 42;

alignas(16) float values[32 * 1024];

constexpr auto kNet =
    sequential(input(9, 9, 3), conv2d(64, {.filter = {3, 3}}), batch_norm(), max_pool(), leaky_relu(),
               depthwise_conv2d(2, {.filter = {3, 3}}), flatten(), dense(30), dropout(0.5F), tanh(), rbf(12), dense(4));
constexpr std::uint16_t kConv = 1, kNorm = 2, kDepthwise = 5, kDense = 7, kRbf = 10, kLast = 11;

void init(std::uint16_t index, Initializer initializer, float limit = 0.0F, std::uint64_t seed = kSeed,
          std::uint32_t stream = 3) {
  const Layer& layer = kNet.layers[index];
  ASSERT_LE(layer.param_bytes, sizeof values);
  for (float& v : values) v = 1000.0F;
  init_layer(layer, kNet.model().input_shape_of(index), reinterpret_cast<std::byte*>(values), initializer, limit, seed,
             stream);
  ASSERT_EQ(values[layer.param_bytes / 4], 1000.0F);  // not past the end
}

struct Moments {
  double mean = 0.0, variance = 0.0, largest = 0.0;
};
Moments moments(std::size_t count) {
  Moments m;
  for (std::size_t i = 0; i < count; ++i) {
    const double v = static_cast<double>(values[i]);
    m.mean += v / static_cast<double>(count);
    m.variance += v * v / static_cast<double>(count);
    m.largest = std::max(m.largest, v < 0 ? -v : v);
  }
  return m;
}

TEST(initializer, distributions_have_their_limits_and_variances) {
  // conv2d 3 x 3, 3 -> 64: fan_in 27, fan_out 576, 1728 weights. A uniform value's variance is limit^2 / 3.
  struct Case {
    Initializer initializer;
    double variance;
    bool uniform;
  };
  const Case cases[] = {{Initializer::automatic, 2.0 / 603, true},      {Initializer::glorot_uniform, 2.0 / 603, true},
                        {Initializer::glorot_normal, 2.0 / 603, false}, {Initializer::he_uniform, 2.0 / 27, true},
                        {Initializer::he_normal, 2.0 / 27, false},      {Initializer::lecun_uniform, 1.0 / 27, true},
                        {Initializer::lecun_normal, 1.0 / 27, false},   {Initializer::uniform, 0.04 / 3, true}};
  constexpr std::size_t kCount = 1728;
  for (const Case& c : cases) {
    init(kConv, c.initializer, 0.2F);
    const Moments m = moments(kCount);
    const int which = static_cast<int>(c.initializer);
    EXPECT_NEAR(m.mean * m.mean / c.variance, 0.0, 16.0 / kCount) << which;  // four standard deviations
    EXPECT_NEAR(m.variance / c.variance, 1.0, 0.12) << which;
    if (c.uniform) {
      EXPECT_LE(m.largest * m.largest, 3.0 * c.variance * (1.0 + 1e-6)) << which;
      EXPECT_GT(m.largest * m.largest, 3.0 * c.variance * 0.99) << which;
    } else {
      EXPECT_GT(m.largest * m.largest, 6.0 * c.variance) << which;
    }
    for (std::size_t i = kCount; i < kCount + 64; ++i) EXPECT_EQ(values[i], 0.0F) << which;  // bias
  }
  init(kConv, Initializer::zeros);
  EXPECT_EQ(moments(kCount).largest, 0.0);
}

TEST(initializer, fans_of_depthwise_and_dense) {
  init(kDepthwise, Initializer::he_uniform);  // fan_in 9
  EXPECT_NEAR(moments(9 * 128).largest, 0.816496580927726, 0.01);
  init(kDense, Initializer::lecun_uniform);  // fan_in = the flattened depthwise output
  const double fan_in = static_cast<double>(kNet.model().input_shape_of(kDense).elements());
  const double largest = moments(static_cast<std::size_t>(fan_in) * 30).largest;
  EXPECT_NEAR(largest * largest * fan_in / 3.0, 1.0, 0.01);
}

TEST(initializer, batch_norm_starts_as_the_identity) {
  init(kNorm, Initializer::he_normal);
  for (std::size_t c = 0; c < 64; ++c) {
    EXPECT_EQ(values[c], 1.0F);
    EXPECT_EQ(values[64 + c], 0.0F);
    EXPECT_EQ(values[128 + c], 0.0F);
    EXPECT_EQ(values[192 + c], 1.0F);
  }
}

TEST(initializer, rbf_centres_are_standard_normal_and_widths_the_fan_in) {
  init(kRbf, Initializer::automatic);
  EXPECT_NEAR(moments(30 * 12).variance, 1.0, 0.3);
  EXPECT_NEAR(values[30 * 12], 3.4011974, 1e-6);  // log 30
  EXPECT_EQ(values[30 * 12 + 11], values[30 * 12]);
  init(kRbf, Initializer::uniform, 0.5F);
  EXPECT_NEAR(moments(30 * 12).largest, 0.5, 0.01);
  init(kRbf, Initializer::zeros);
  EXPECT_EQ(moments(30 * 12).largest, 0.0);
}

TEST(initializer, splines_are_the_identity) {
  constexpr auto kSpline = sequential(input(2), spline(5));
  alignas(16) std::array<float, 30> params{};
  init_layer(kSpline.layers[1], kSpline.layers[0].shape, reinterpret_cast<std::byte*>(params.data()),
             Initializer::automatic, 0.0F, 1, 1);
  for (std::size_t i = 0; i < 10; ++i) {
    EXPECT_EQ(params[i], static_cast<float>(i % 5) - 2.0F);
    EXPECT_EQ(params[10 + i], params[i]);
    EXPECT_EQ(params[20 + i], 1.0F);
  }
}

TEST(initializer, numbers_depend_on_seed_and_layer_alone) {
  const auto first_two = [](std::uint64_t seed, std::uint32_t stream) {
    init(kConv, Initializer::he_uniform, 0.0F, seed, stream);
    return std::array{values[0], values[1]};
  };
  const auto reference = first_two(1, 1);
  EXPECT_EQ(reference[0], first_two(1, 1)[0]);
  EXPECT_NE(reference[0], reference[1]);
  EXPECT_NE(reference[0], first_two(2, 1)[0]);
  EXPECT_NE(reference[0], first_two(1, 2)[0]);
  EXPECT_NE(reference[0], first_two(1 + (std::uint64_t{1} << 32), 1)[0]);
}

// conv -> batch norm -> pooling -> leaky ReLU; depthwise -> flatten -> dense; dense -> dropout -> tanh; the last layer
static_assert(automatic_for(kNet.model(), kConv) == Initializer::he_uniform);
static_assert(automatic_for(kNet.model(), kDepthwise) == Initializer::glorot_uniform);
static_assert(automatic_for(kNet.model(), kDense) == Initializer::glorot_uniform);
static_assert(automatic_for(kNet.model(), kLast) == Initializer::glorot_uniform);

constexpr auto kResidual = sequential(input(4, 4, 8), conv2d(8, {.filter = {1, 1}}).as("a"), tanh(),
                                      conv2d(8, {.filter = {1, 1}}), add("a"), silu(), global_average_pool(), dense(2));
// The first reader decides: tanh for "a" although the sum reads it too; the second convolution reaches SiLU by the sum.
static_assert(automatic_for(kResidual.model(), 1) == Initializer::glorot_uniform);
static_assert(automatic_for(kResidual.model(), 3) == Initializer::he_uniform);

TEST(initializer, same_bits_everywhere) {
  std::uint64_t hash = 0xCBF29CE484222325U;
  for (const Initializer initializer : {Initializer::glorot_uniform, Initializer::he_normal, Initializer::uniform}) {
    for (const std::uint16_t index : {kConv, kNorm, kDepthwise, kDense, kRbf, kLast}) {
      init(index, initializer, 0.3F);
      for (std::size_t i = 0; i < kNet.layers[index].param_bytes / 4; ++i)
        hash = (hash ^ std::bit_cast<std::uint32_t>(values[i])) * 0x100000001B3U;
    }
  }
  EXPECT_EQ(hash, 0xFF42F2BC1EFE57ADU);
}

}  // namespace
}  // namespace mote
