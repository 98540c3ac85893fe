// SPDX-License-Identifier: Apache-2.0
// Statistics against two passes in double, the layer that carries them against the formula, and every refusal.
#include "mote/train/standardization.hpp"

#include <array>
#include <cmath>

#include "check.hpp"
#include "mote/model/builders.hpp"
#include "mote/run/session.hpp"
#include "mote/train/trainer.hpp"
#include "unit/random_graph.hpp"

namespace mote {
namespace {

constexpr std::size_t kChannels = 3, kPixels = 4, kValues = kChannels * kPixels, kSamples = 50;
constexpr auto kNet = sequential(input(2, 2, 3), standardize(), flatten(), dense(2));

/// Channel 0 around 1000 with a small spread, channel 1 wide, channel 2 always 7.
std::array<float, kSamples * kValues> data() {
  std::array<float, kSamples * kValues> out{};
  test::Random random(5);
  for (std::size_t i = 0; i < out.size(); i += kChannels) {
    out[i] = 1000.0F + 0.5F * random.real();
    out[i + 1] = 300.0F * random.real();
    out[i + 2] = 7.0F;
  }
  return out;
}

TEST(standardization, statistics_are_those_of_two_passes) {
  const auto values = data();
  std::array<double, 2 * kChannels> memory{};
  ChannelStatistics statistics(memory);
  for (std::size_t s = 0; s < kSamples; ++s)
    ASSERT_TRUE(statistics.add(std::span(values).subspan(s * kValues, kValues)).ok());
  EXPECT_EQ(statistics.count(), kSamples * kPixels);
  for (std::size_t c = 0; c < kChannels; ++c) {
    double mean = 0.0, square = 0.0;
    for (std::size_t i = c; i < values.size(); i += kChannels) mean += static_cast<double>(values[i]);
    mean /= static_cast<double>(kSamples * kPixels);
    for (std::size_t i = c; i < values.size(); i += kChannels)
      square += (static_cast<double>(values[i]) - mean) * (static_cast<double>(values[i]) - mean);
    square /= static_cast<double>(kSamples * kPixels);
    EXPECT_NEAR(statistics.mean(c), mean, 1e-9 * (1.0 + std::fabs(mean))) << c;
    EXPECT_NEAR(statistics.variance(c), square, 1e-9 * (1.0 + square)) << c;
    EXPECT_EQ(statistics.is_constant(c), c == 2) << c;
  }
}

TEST(standardization, the_layer_gives_mean_zero_and_variance_one_and_training_leaves_it_alone) {
  const auto values = data();
  std::array<double, 2 * kChannels> memory{};
  ChannelStatistics statistics(memory);
  ASSERT_TRUE(statistics.add(values).ok());
  alignas(16) std::array<std::byte, kNet.param_bytes> params{};
  EXPECT_EQ(standardization_layer(kNet.model()), 1U);
  ASSERT_TRUE(set_standardization(kNet.model(), statistics, params).ok());

  Model front = kNet.model(params.data());
  front.layers = front.layers.first(2);
  alignas(16) std::array<std::byte, 4096> arena{};
  Result<Session> session = Session::create(front, arena);
  ASSERT_TRUE(session.ok());
  std::array<double, kChannels> sum{}, square{};
  for (std::size_t s = 0; s < kSamples; ++s) {
    std::copy_n(values.data() + s * kValues, kValues, session->input<float>().data());
    session->run();
    for (std::size_t i = 0; i < kValues; ++i) {
      const auto y = static_cast<double>(session->output<float>()[i]);
      sum[i % kChannels] += y, square[i % kChannels] += y * y;
    }
  }
  for (std::size_t c = 0; c < kChannels; ++c) {
    EXPECT_NEAR(sum[c] / (kSamples * kPixels), 0.0, 2e-4) << c;  // 1000 has six digits behind the point
    EXPECT_NEAR(square[c] / (kSamples * kPixels), c == 2 ? 0.0 : 1.0, 2e-4) << c;
  }

  const auto before = params;
  alignas(16) std::array<std::byte, 4096> training{};
  Result<Trainer> trainer = Trainer::create(kNet.model(params.data()), {.batch = 2}, training);
  ASSERT_TRUE(trainer.ok());
  trainer->init_params(1);
  for (int step = 0; step < 5; ++step) {
    std::copy_n(values.data(), 2 * kValues, trainer->input().data());
    trainer->labels()[0] = 0, trainer->labels()[1] = 1;
    ASSERT_TRUE(trainer->step().ok());
  }
  EXPECT_TRUE(before == params);
}

// The same numbers in other units: the layer's outputs do not change. Units beyond float32's squares, or below the
// layer's epsilon, are those of picofarads and of large counts; the deviation is 1 to 8000 parts of 10 000 of the mean.
TEST(standardization, units_do_not_matter) {
  static constexpr auto kTwo = sequential(input(2), standardize());
  const auto outputs = [](float unit) {
    std::array<float, 2 * kSamples> values{};
    test::Random random(11);
    for (std::size_t i = 0; i < values.size(); i += 2) {
      values[i] = (1.0F + 1e-4F * random.real()) * unit;
      values[i + 1] = (0.5F + random.real()) * unit;
    }
    std::array<double, 4> memory{};
    ChannelStatistics statistics(memory);
    EXPECT_TRUE(statistics.add(values).ok());
    EXPECT_TRUE(!statistics.is_constant(0) && !statistics.is_constant(1));
    alignas(16) std::array<std::byte, kTwo.param_bytes> params{};
    EXPECT_TRUE(set_standardization(kTwo.model(), statistics, params).ok());
    EXPECT_TRUE(validate_variances(kTwo.model(params.data())).ok());
    EXPECT_TRUE(require_finite(kTwo.model(params.data())).ok());
    alignas(16) std::array<std::byte, 1024> arena{};
    Result<Session> session = Session::create(kTwo.model(params.data()), arena);
    std::array<float, 2 * kSamples> out{};
    for (std::size_t i = 0; i < values.size(); i += 2) {
      std::copy_n(values.data() + i, 2, session->input<float>().data());
      session->run();
      std::copy_n(session->output<float>().data(), 2, out.data() + i);
    }
    return out;
  };
  const auto unit = outputs(1.0F);
  // 1e-31: the narrow channel's deviation is 6e-36. Differences of less than 1e-38 are denormal, which NEON takes for
  // zero: of that channel they are 0.002 deviations.
  for (const float scale :
       {1e-31F, 1e-25F, 1e-18F, 1e-12F, 1e-9F, 1e-6F, 1e3F, 1e9F, 1e15F, 1e18F, 1e20F, 1e30F, 1e37F}) {
    const auto scaled = outputs(scale);
    for (std::size_t i = 0; i < unit.size(); ++i)
      ASSERT_NEAR(scaled[i], unit[i], i % 2 == 0 ? 5e-3F : 1e-5F) << scale << " " << i;  // 1.0001 has 3 digits left
  }
}

// What varies by less than a unit in the last place is constant in every unit, and becomes 0.
TEST(standardization, constant_channels_are_constant_in_every_unit) {
  for (const float unit : {1e-38F, 1e-20F, 1.0F, 1.7e9F, 1e20F, 3e38F}) {
    for (const float ripple : {0.0F, 0x1p-24F}) {
      std::array<double, 2> memory{};
      ChannelStatistics statistics(memory);
      for (int i = 0; i < 100; ++i) {
        const float value = i % 10 == 0 ? unit - ripple * unit : unit;
        ASSERT_TRUE(statistics.add(std::span(&value, 1)).ok());
      }
      EXPECT_TRUE(statistics.is_constant(0)) << unit << " " << ripple;
    }
  }
}

TEST(standardization, refuses_what_it_cannot_use) {
  std::array<double, 2 * kChannels> memory{};
  ChannelStatistics statistics(memory);
  std::array<float, 6> values{1.0F, 2.0F, 3.0F, 4.0F, 5.0F, 6.0F};
  EXPECT_EQ(statistics.add(std::span(values).first(5)).code, Code::size_mismatch);
  values[4] = __builtin_inff();
  const Status infinite = statistics.add(values);
  EXPECT_EQ(infinite.code, Code::non_finite_data);
  EXPECT_EQ(infinite.detail, 4U);
  EXPECT_EQ(statistics.count(), 0U);
  EXPECT_EQ(ChannelStatistics({}).add(values).code, Code::size_mismatch);

  alignas(16) std::array<std::byte, kNet.param_bytes> params{};
  const auto untouched = params;
  EXPECT_EQ(set_standardization(kNet.model(), statistics, params).code, Code::too_few_samples);
  values[4] = 5.0F;
  ASSERT_TRUE(statistics.add(values).ok());
  EXPECT_EQ(set_standardization(kNet.model(), statistics, std::span(params).first(40)).code, Code::bad_parameter_range);
  static constexpr auto kPlain = sequential(input(3), dense(2), batch_norm());
  EXPECT_EQ(set_standardization(kPlain.model(), statistics, params).code, Code::no_standardization);
  static constexpr auto kWider = sequential(input(4), standardize());
  const Status wider = set_standardization(kWider.model(), statistics, params);
  EXPECT_EQ(wider.code, Code::size_mismatch);
  EXPECT_EQ(wider.layer, 1U);
  EXPECT_TRUE(untouched == params);
}

}  // namespace
}  // namespace mote
