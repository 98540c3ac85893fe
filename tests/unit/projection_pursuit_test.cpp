// SPDX-License-Identifier: Apache-2.0
// Projection pursuit regression: the model that comes out, the arena, the errors, the bits.
#include "mote/pursuit/projection_pursuit.hpp"

#include "check.hpp"
#include "instruction_set.hpp"
#include "mote/run/session.hpp"
#include "mote/train/trainer.hpp"
#include "unit/pursuit_data.hpp"

namespace mote {
namespace {

using namespace test;

TEST(projection_pursuit, the_report_is_what_a_session_computes) {
  const auto report = fit(kRock3, kRock, {.starts = 2});
  ASSERT_TRUE(report.ok());
  Result<Session> session = Session::create(kRock3.model(params.data()), arena, {.batch = 48});
  ASSERT_TRUE(session.ok());
  std::copy(std::begin(golden::kRockInputs), std::end(golden::kRockInputs), session->input<float>().begin());
  session->run();
  double sum = 0.0;
  for (std::size_t i = 0; i < 48; ++i) {
    const double rest = static_cast<double>(golden::kRockTargets[i]) - static_cast<double>(session->output<float>()[i]);
    sum += rest * rest;
  }
  EXPECT_EQ(sum, report->residual_sum_of_squares);
  for (std::size_t m = 0; m < 3; ++m) {
    double squares = 0.0;
    for (std::size_t j = 0; j < 3; ++j) {
      const auto w = static_cast<double>(layer(kRock3.model(), 1)[3 * j + m]);
      squares += w * w;
    }
    EXPECT_NEAR(squares, 1.0, 1e-6);
  }
}

TEST(projection_pursuit, the_direction_without_noise) {  // more of it, and against R: projection_pursuit_host.cpp
  make_ridges();
  const auto report = fit(kOne, {inputs, wave, {}}, {.degrees_of_freedom = 10.0, .starts = 1});
  ASSERT_TRUE(report.ok());
  EXPECT_LE(angle(kOne.model(), 0, kFirst), 0.5);
}

TEST(projection_pursuit, more_terms_first_and_the_path) {
  std::array<double, 4> residuals{};
  const auto report = fit(kRock2, kRock, {.max_terms = 4, .starts = 2}, {residuals, {}});
  ASSERT_TRUE(report.ok());
  EXPECT_EQ(report->terms, 2U);
  for (std::size_t m = 1; m < 4; ++m) EXPECT_LT(residuals[m], residuals[m - 1]);
  EXPECT_LE(report->residual_sum_of_squares, residuals[1] * (1.0 + 1e-6));
}

TEST(projection_pursuit, progress_is_told) {
  struct Heard {
    std::uint32_t calls = 0, terms = 0;
    double loss = 0.0;
  } heard;
  PursuitConfig config{.max_terms = 3, .starts = 1, .progress_context = &heard};
  config.progress = [](void* context, const PursuitProgress& p) {
    auto& h = *static_cast<Heard*>(context);
    ++h.calls, h.terms = p.terms, h.loss = p.residual_sum_of_squares;
  };
  ASSERT_TRUE(fit(kRock2, kRock, config).ok());
  EXPECT_EQ(heard.calls, 4U);  // 1, 2, 3, 2 terms
  EXPECT_EQ(heard.terms, 2U);
  EXPECT_GT(heard.loss, 0.0);
}

TEST(projection_pursuit, the_arena_is_exact) {
  for (const PursuitConfig& config : {PursuitConfig{.starts = 1}, PursuitConfig{.max_terms = 4, .starts = 1},
                                      PursuitConfig{.starts = 1, .folds = 2}}) {
    const Result<std::size_t> bytes = required_arena_bytes(kRock2.model(), config, 48);
    ASSERT_TRUE(bytes.ok());
    const auto with = [&](std::size_t size) {
      return fit_projection_pursuit(kRock2.model(), kRock, config, params, std::span(arena).first(size)).status();
    };
    EXPECT_EQ(with(*bytes - 1).code, Code::arena_too_small);
    EXPECT_EQ(with(*bytes - 1).detail, *bytes);
    arena[*bytes] = std::byte{0xA5};
    EXPECT_TRUE(with(*bytes).ok());
    EXPECT_EQ(arena[*bytes], std::byte{0xA5});
  }
}

/// The fit fails with the code and the detail, and the parameters stay as they were.
template <std::size_t N>
void expect_error(Code code, std::uint32_t detail, const Network<N>& network, const PursuitData& data,
                  const PursuitConfig& config = {}) {
  params.fill(std::byte{0x3C});
  const Status status = fit(network, data, config).status();
  EXPECT_EQ(status.code, code) << name(status.code);
  EXPECT_EQ(status.detail, detail) << name(code);
  for (const std::byte byte : params) ASSERT_TRUE(byte == std::byte{0x3C});
}

TEST(projection_pursuit, bad_options) {
  const auto expect_bad = [](Option option, const PursuitConfig& config) {
    expect_error(Code::bad_option, static_cast<std::uint32_t>(option), kRock2, kRock, config);
    EXPECT_EQ(required_arena_bytes(kRock2.model(), config, 48).status().code, Code::bad_option);
  };
  expect_bad(Option::degrees_of_freedom, {.degrees_of_freedom = 1.9});
  expect_bad(Option::degrees_of_freedom, {.degrees_of_freedom = __builtin_nan("")});
  expect_bad(Option::span, {.span = 1.1});
  expect_bad(Option::bass, {.bass = -1.0});
  expect_bad(Option::terms, {.terms = 3});
  expect_bad(Option::max_terms, {.max_terms = 1});
  expect_bad(Option::tolerance, {.tolerance = -1.0});
  expect_bad(Option::max_cycles, {.max_cycles = 0});
  expect_bad(Option::max_steps, {.max_steps = 0});
  expect_bad(Option::starts, {.starts = 0});
  expect_bad(Option::minimum_drop, {.minimum_drop = 2.0});
  expect_bad(Option::folds, {.folds = 1});
  expect_bad(Option::folds, {.minimum_drop = 0.1, .folds = 5});
}

TEST(projection_pursuit, other_models) {
  static constexpr auto kShort = sequential(input(3), dense(2), spline(4));
  static constexpr auto kNoBias = sequential(input(3), dense(2), spline(4), dense(1, {.bias = false}));
  static constexpr auto kTanh = sequential(input(3), dense(2), mote::tanh(), dense(1));
  expect_error(Code::not_projection_pursuit, 0, kShort, kRock);
  expect_error(Code::not_projection_pursuit, 0, kNoBias, kRock);
  expect_error(Code::not_projection_pursuit, 0, kTanh, kRock);
  static constexpr auto kBiased = sequential(input(3), dense(2), spline(48), dense(1));  // its bias becomes zero
  EXPECT_TRUE(fit(kBiased, kRock, {.starts = 1}).ok());
  EXPECT_EQ(layer(kBiased.model(), 1)[6], 0.0F);
  EXPECT_EQ(layer(kBiased.model(), 1)[7], 0.0F);
  expect_error(Code::output_too_small, projection_pursuit(3, 2, 3000).param_bytes, projection_pursuit(3, 2, 3000),
               kRock);
}

TEST(projection_pursuit, bad_data) {
  static std::array<float, 48 * 3> rows;
  static std::array<float, 48> targets, weights;
  const auto reset = [] {
    std::copy(std::begin(golden::kRockInputs), std::end(golden::kRockInputs), rows.begin());
    std::copy(std::begin(golden::kRockTargets), std::end(golden::kRockTargets), targets.begin());
    weights.fill(1.0F);
  };
  const auto part = [](std::size_t samples) {
    return PursuitData{std::span(rows).first(3 * samples), std::span(targets).first(samples), {}};
  };
  reset();
  expect_error(Code::data_size_mismatch, 47, kRock2, {std::span(rows).first(141), targets, {}});
  expect_error(Code::data_size_mismatch, 46, kRock2, {std::span(rows).first(140), targets, {}});
  expect_error(Code::data_size_mismatch, 48, kRock2, {rows, targets, std::span(weights).first(47)});
  expect_error(Code::too_few_samples, 5, kRock2, part(4));
  expect_error(Code::too_few_samples, 5, kRock2, {});
  expect_error(Code::too_few_samples, 21, kRock2, part(20), {.max_terms = 20});
  expect_error(Code::too_few_samples, 10, kRock2, part(6), {.folds = 3});
  expect_error(Code::too_few_samples, 49, kRock2, kRock, {.folds = 49});
  EXPECT_TRUE(fit(kRock2, part(5), {}).ok());
  for (const float bad : {__builtin_nanf(""), __builtin_inff(), -__builtin_inff()}) {
    reset(), rows[3 * 17 + 1] = bad;
    expect_error(Code::non_finite_data, 17, kRock2, {rows, targets, {}});
    reset(), targets[47] = bad;
    expect_error(Code::non_finite_data, 47, kRock2, {rows, targets, {}});
    reset(), weights[5] = bad;
    expect_error(Code::non_finite_data, 5, kRock2, {rows, targets, weights});
  }
  reset(), weights[6] = -1.0F;
  expect_error(Code::non_finite_data, 6, kRock2, {rows, targets, weights});
  reset(), weights.fill(0.0F);
  expect_error(Code::too_few_samples, 5, kRock2, {rows, targets, weights});
  reset();
  for (std::size_t i = 0; i < 48; ++i) rows[3 * i + 2] = 0.1F;
  expect_error(Code::constant_feature, 2, kRock2, {rows, targets, {}});
  reset(), targets.fill(3.5F);
  expect_error(Code::direction_collapsed, 1, kRock2, {rows, targets, {}});
}

TEST(projection_pursuit, features_that_repeat_each_other_do_no_harm) {
  static std::array<float, 48 * 3> rows;
  for (std::size_t i = 0; i < 48; ++i) {
    rows[3 * i] = golden::kRockInputs[3 * i];
    rows[3 * i + 1] = 2.0F * rows[3 * i] + 1.0F;
    rows[3 * i + 2] = golden::kRockInputs[3 * i + 1];
  }
  const auto report = fit(kRock2, {rows, golden::kRockTargets, {}}, {.starts = 1});
  ASSERT_TRUE(report.ok());
  EXPECT_LT(report->residual_sum_of_squares, 30.0);
}

TEST(projection_pursuit, two_values_of_a_feature_are_enough) {
  const float rows[]{0, 0, 0, 1, 1, 1}, targets[]{1, 2, 3, 11, 12, 13};
  static constexpr auto kStep = projection_pursuit(1, 1, 4);
  const auto report = fit(kStep, {rows, targets, {}}, {});
  ASSERT_TRUE(report.ok());
  EXPECT_NEAR(report->residual_sum_of_squares, 4.0, 1e-5);
}

TEST(projection_pursuit, a_trainer_goes_on_from_it) {
  ASSERT_TRUE(fit(kRock2, kRock, {.starts = 1}).ok());
  const TrainConfig config{.loss = Loss::squared_error, .optimizer = adam({.learning_rate = 1e-3F}), .batch = 48};
  Result<Trainer> trainer = Trainer::create(kRock2.model(params.data()), config, arena);
  ASSERT_TRUE(trainer.ok());
  float first = 0.0F, last = 0.0F;
  for (int step = 0; step < 30; ++step) {
    std::copy(std::begin(golden::kRockInputs), std::end(golden::kRockInputs), trainer->input().begin());
    std::copy(std::begin(golden::kRockTargets), std::end(golden::kRockTargets), trainer->targets().begin());
    last = *trainer->step();
    if (step == 0) first = last;
  }
  EXPECT_LT(last, first);
}

TEST(projection_pursuit, same_bits_everywhere) {
  if (!check::kFused) return;
  params.fill(std::byte{0});  // also between the layers
  ASSERT_TRUE(fit(kRock2, kRock, {.max_terms = 3, .starts = 2}).ok());
  const auto* floats = reinterpret_cast<const float*>(params.data());
  std::uint64_t hash = hash_bits(floats, kRock2.param_bytes / sizeof(float));
  ASSERT_TRUE(fit(kRock2, kRock, {.smoother = Smoother::supersmoother, .bass = 2.5, .starts = 2}).ok());
  hash = hash_bits(floats, kRock2.param_bytes / sizeof(float), hash);
  EXPECT_EQ(hash, 0xD3B08808A9FF0C80U);
}

}  // namespace
}  // namespace mote
