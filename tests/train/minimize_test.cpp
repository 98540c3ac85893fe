// SPDX-License-Identifier: Apache-2.0
// Full-batch optimisation: closed forms on quadratics, what stops a run, errors and what they leave, and that no run
// ends above its start. Optima against SciPy's are in tests/golden/.
#include <cmath>

#include "grad/problem.hpp"
#include "instruction_set.hpp"

namespace mote::test {
namespace {

alignas(64) std::array<std::byte, 160 * 1024> arena;

Trainer make(const Model& model, const TrainConfig& config, std::span<std::byte> memory = arena) {
  const Result<Trainer> trainer = Trainer::create(model, config, memory);
  EXPECT_TRUE(trainer.ok()) << name(trainer.status().code) << " " << trainer.status().detail;
  if (!trainer.ok()) __builtin_trap();
  return *trainer;
}
template <class AnyTrainer>
std::span<float> params_of(AnyTrainer& trainer) {
  return {reinterpret_cast<float*>(trainer.parameters().data()), trainer.parameters().size() / sizeof(float)};
}
std::uint64_t params_hash(Trainer& trainer) { return hash_bits(params_of(trainer).data(), params_of(trainer).size()); }

// Dense(2 -> 1) without bias under squared error on the samples (2, 0) -> 2 and (0, 1) -> -1: f(w) = 2 (w0 - 1)^2 +
// (w1 + 1)^2 / 2, a quadratic with the Hessian diag(4, 1).
constexpr auto kLine = sequential(input(2), dense(1, {.bias = false}));
constexpr TrainConfig quadratic(const Optimizer& optimizer, float l2 = 0.0F) {
  return {.loss = Loss::squared_error, .optimizer = optimizer, .batch = 2, .l2 = l2};
}
constexpr auto feed_quadratic = [](auto& trainer, std::uint32_t) {
  constexpr float kInputs[4] = {2, 0, 0, 1}, kTargets[2] = {2, -1};
  copy(kInputs, trainer.input().data(), 4);
  copy(kTargets, trainer.targets().data(), 2);
};
Trainer at(float w0, float w1, const TrainConfig& config) {
  Trainer trainer = make(kLine.model(), config);
  params_of(trainer)[0] = w0, params_of(trainer)[1] = w1;
  return trainer;
}

TEST(Minimize, ExactSearchTakesTheAnalyticStep) {
  // a = g.g / g.Hg with H = diag(4, 1): 4 (w0 - 1), (w1 + 1).
  for (const float first_step : {1.0F, 1e-4F, 100.0F}) {
    Trainer trainer =
        at(3, 2, quadratic(gradient_descent({.line_search = LineSearch::exact, .first_step = first_step})));
    const double g0 = 8.0, g1 = 3.0, step = (g0 * g0 + g1 * g1) / (4.0 * g0 * g0 + g1 * g1);
    const auto result = trainer.minimize(feed_quadratic, {.max_iterations = 1});
    ASSERT_TRUE(result.ok()) << name(result.status().code);
    EXPECT_EQ(result->iterations, 1U);
    EXPECT_NEAR(result->step, step, 1e-3 * step) << first_step;
    EXPECT_NEAR(params_of(trainer)[0], 3.0 - step * g0, 1e-2) << first_step;
    EXPECT_NEAR(params_of(trainer)[1], 2.0 - step * g1, 1e-2) << first_step;
    EXPECT_TRUE(result->stopped == StopReason::max_iterations);
  }
}

TEST(Minimize, ExactSearchConvergesAtTheKnownRate) {
  // From (1 + 1/4, -1 + 1) steepest descent keeps the ratio ((k - 1) / (k + 1))^2 = 0.36 of the objective, k = 4.
  Trainer trainer = at(1.25F, 0.0F, quadratic(gradient_descent({.line_search = LineSearch::exact})));
  double before = 0.0;
  const auto result = trainer.minimize(feed_quadratic, {.max_iterations = 6}, [&](const MinimizeResult& point) {
    if (point.iterations != 0) {
      EXPECT_NEAR(point.objective / before, 0.36, 0.01) << point.iterations;
    }
    before = point.objective;
    return true;
  });
  EXPECT_TRUE(result.ok());
}

TEST(Minimize, BacktrackingMeetsArmijosCondition) {
  Trainer trainer = at(3, 2, quadratic(gradient_descent({.first_step = 10.0F})));
  const double start = 12.5, square = 8.0 * 8.0 + 3.0 * 3.0;
  const auto result = trainer.minimize(feed_quadratic, {.max_iterations = 1});
  ASSERT_TRUE(result.ok());
  EXPECT_LT(result->step, 10.0);
  EXPECT_LE(result->objective, start - 1e-4 * result->step * square);
  EXPECT_GE(result->evaluations, 3U);
}

TEST(Minimize, EveryRuleFindsTheMinimumOfAQuadratic) {
  for (const Optimizer& rule :
       {gradient_descent(), gradient_descent({.line_search = LineSearch::exact}),
        gradient_descent({.line_search = LineSearch::strong_wolfe}), lbfgs(), lbfgs({.history = 1}),
        lbfgs({.history = 2, .line_search = LineSearch::exact}), lbfgs({.history = 32})}) {
    Trainer trainer = at(-20, 30, quadratic(rule, 0.5F));
    const auto result = trainer.minimize(feed_quadratic, {.gradient_tolerance = 1e-5});
    ASSERT_TRUE(result.ok()) << name(result.status().code);
    EXPECT_TRUE(result->stopped == StopReason::gradient_tolerance) << name(result->stopped);
    EXPECT_NEAR(params_of(trainer)[0], 4.0 / 4.5, 1e-5);  // 4 (w - 1) + w / 2 = 0
    EXPECT_NEAR(params_of(trainer)[1], -1.0 / 1.5, 1e-5);
    EXPECT_NEAR(result->objective - result->loss, 0.25 * (std::pow(4.0 / 4.5, 2) + std::pow(1.0 / 1.5, 2)), 1e-5);
    EXPECT_LE(result->gradient_norm, 1e-5);
    EXPECT_EQ(trainer.updates(), result->iterations);
  }
}

TEST(Minimize, LbfgsNeedsFewSteps) {
  Trainer trainer = at(-20, 30, quadratic(lbfgs()));
  const auto result = trainer.minimize(feed_quadratic);
  ASSERT_TRUE(result.ok());
  EXPECT_LE(result->iterations, 12U);
  EXPECT_LE(result->evaluations, 18U);
}

// A network with a kink, batch norm and a skip connection, on noise: hard to descend, easy to overfit.
constexpr auto kNet =
    sequential(input(6), dense(9).as("x"), batch_norm(), mote::tanh(), dense(9), relu(), add("x"), dense(3));
struct Noise {
  std::uint32_t seed = 7;
  template <class AnyTrainer>
  void operator()(AnyTrainer& trainer, std::uint32_t slice) const {
    Numbers numbers(seed + slice);
    numbers.fill(trainer.input().data(), trainer.input().size());
    for (std::int32_t& label : trainer.labels()) label = static_cast<std::int32_t>((numbers.next() + 1.0F) * 1.5F);
  }
};
constexpr TrainConfig kLbfgs{
    .optimizer = lbfgs({.history = 5}), .batch = 24, .micro_batch = 8, .l2 = 1e-3F, .gradient_norms = true};
constexpr TrainConfig kDescent{.optimizer = gradient_descent({.line_search = LineSearch::exact}), .batch = 24};

TEST(Minimize, NeverEndsAboveAnyEarlierPoint) {
  for (const Optimizer& rule : {gradient_descent(), gradient_descent({.line_search = LineSearch::exact}), lbfgs(),
                                lbfgs({.history = 3, .line_search = LineSearch::exact})}) {
    TrainConfig config = kLbfgs;
    config.optimizer = rule;
    Trainer trainer = make(kNet.model(), config);
    double start = 0.0, before = 0.0;
    const auto result =
        trainer.minimize(Noise{}, {.max_iterations = 60, .gradient_tolerance = 0.0}, [&](const MinimizeResult& point) {
          if (point.iterations == 0) start = before = point.objective;
          EXPECT_LE(point.objective, before + StepSearch::noise(before));
          before = point.objective;
          return true;
        });
    ASSERT_TRUE(result.ok()) << name(result.status().code);
    EXPECT_LT(result->objective, 0.5 * start);
    EXPECT_EQ(result->objective, before);
  }
}

TEST(Minimize, TheResultIsAboutTheParametersThatAreLeft) {
  for (const std::uint32_t iterations : {1U, 2U, 7U, 30U}) {
    Trainer trainer = make(kNet.model(), kLbfgs);
    const auto result = trainer.minimize(Noise{}, {.max_iterations = iterations});
    ASSERT_TRUE(result.ok());
    const auto again = trainer.minimize(Noise{}, {.max_iterations = 0});
    ASSERT_TRUE(again.ok());
    EXPECT_EQ(again->evaluations, 1U);
    EXPECT_EQ(again->objective, result->objective) << iterations;
    EXPECT_EQ(again->gradient_norm, result->gradient_norm) << iterations;
    EXPECT_EQ(again->correct, result->correct);
  }
}

TEST(Minimize, SlicesAreTheBatch) {
  static constexpr auto kSmooth = sequential(input(6), dense(5), mote::tanh(), dense(3));
  double objective = 0.0;
  for (const std::uint32_t slice : {24U, 8U, 3U, 1U}) {
    TrainConfig config = kLbfgs;
    config.micro_batch = slice;
    Trainer trainer = make(kSmooth.model(), config);
    const auto feed = [&](auto& t, std::uint32_t index) {
      for (std::uint32_t s = 0; s < slice; ++s) {
        Numbers numbers(100 + index * slice + s);
        numbers.fill(t.input().data() + 6 * s, 6);
        t.labels()[s] = static_cast<std::int32_t>((index * slice + s) % 3);
      }
    };
    const auto result = trainer.minimize(feed, {.max_iterations = 5});  // later on rounding takes other ways
    ASSERT_TRUE(result.ok());
    if (slice == 24U) objective = result->objective;
    EXPECT_NEAR(result->objective, objective, 1e-3 * objective) << slice;
  }
}

TEST(Minimize, RunningStatisticsBecomeTheMeanOfTheSlices) {
  static constexpr auto kNormed = sequential(input(4), batch_norm({.trainable = true}), dense(2));
  Trainer trainer = make(kNormed.model(), {.optimizer = lbfgs(), .batch = 12, .micro_batch = 4});
  double mean[4] = {}, square[4] = {};
  const auto feed = [&](auto& t, std::uint32_t slice) {
    Numbers numbers(50 + slice);
    numbers.fill(t.input().data(), 16, 1.0F, static_cast<float>(slice));
    for (std::int32_t& label : t.labels()) label = static_cast<std::int32_t>(slice % 2);
  };
  for (std::uint32_t slice = 0; slice < 3; ++slice) {
    feed(trainer, slice);
    for (std::size_t k = 0; k < 4; ++k) {
      double sum = 0.0, squares = 0.0;
      for (std::size_t s = 0; s < 4; ++s) sum += static_cast<double>(trainer.input()[4 * s + k]);
      for (std::size_t s = 0; s < 4; ++s)
        squares += std::pow(static_cast<double>(trainer.input()[4 * s + k]) - sum / 4, 2);
      mean[k] += sum / 12, square[k] += squares / 3 / 3;  // unbiased, as PyTorch keeps it
    }
  }
  ASSERT_TRUE(trainer.minimize(feed, {.max_iterations = 5}).ok());
  const auto* norm = reinterpret_cast<const float*>(layer_params(trainer.model(), 1));
  for (std::size_t k = 0; k < 4; ++k) {
    EXPECT_NEAR(norm[8 + k], mean[k], 1e-5) << k;
    EXPECT_NEAR(norm[12 + k], square[k], 1e-5) << k;
  }
}

TEST(Minimize, StopsForEachReason) {
  Trainer trainer = make(kNet.model(), kLbfgs);
  const auto run = [&](const MinimizeOptions& options) {
    trainer.init_params(3);
    const auto result = trainer.minimize(Noise{}, options);
    EXPECT_TRUE(result.ok());
    return *result;
  };
  EXPECT_TRUE(run({.max_iterations = 3}).stopped == StopReason::max_iterations);
  EXPECT_TRUE(run({.gradient_tolerance = 1.0}).stopped == StopReason::gradient_tolerance);
  EXPECT_TRUE(run({.gradient_tolerance = 0.0, .loss_tolerance = 0.01}).stopped == StopReason::loss_tolerance);
  trainer.init_params(3);
  const auto stopped = trainer.minimize(Noise{}, {}, [](const MinimizeResult& point) { return point.iterations < 2; });
  ASSERT_TRUE(stopped.ok());
  EXPECT_TRUE(stopped->stopped == StopReason::caller);
  EXPECT_EQ(stopped->iterations, 2U);
  Trainer quadratic_trainer = at(-20, 30, quadratic(lbfgs(), 0.5F));  // no step helps any more: not an error
  const auto exhausted = quadratic_trainer.minimize(feed_quadratic, {.gradient_tolerance = 0.0});
  ASSERT_TRUE(exhausted.ok()) << name(exhausted.status().code);
  EXPECT_NEAR(params_of(quadratic_trainer)[0], 4.0 / 4.5, 1e-6);
}

TEST(Minimize, RefusesWhatItCannotDo) {
  const auto refusal = [&](const Model& model, const TrainConfig& config) {
    return Trainer::create(model, config, arena).status();
  };
  const auto refuses = [&](TrainConfig config, Option option) {
    const Status status = refusal(kNet.model(), config);
    EXPECT_EQ(status.code, Code::bad_option);
    EXPECT_EQ(status.detail, static_cast<std::uint32_t>(option));
  };
  TrainConfig config = kLbfgs;
  config.l1 = 1e-3F;
  refuses(config, Option::l1);
  config = kLbfgs, config.clip_norm = 1.0F;
  refuses(config, Option::clip_norm);
  config = kLbfgs, config.clip_value = 1.0F;
  refuses(config, Option::clip_value);
  config = kLbfgs, config.schedule = cosine_schedule({.steps = 5});
  refuses(config, Option::schedule);
  for (const Optimizer& bad :
       {lbfgs({.history = 0}), lbfgs({.history = kMaxHistory + 1}), lbfgs({.line_search = LineSearch::backtracking}),
        gradient_descent({.line_search = LineSearch::none}), gradient_descent({.first_step = 0.0F})}) {
    config = kLbfgs, config.optimizer = bad;
    refuses(config, Option::optimizer);
  }
  static constexpr auto kDropout = sequential(input(6), dense(4), dropout(0.5F), dense(3));
  EXPECT_EQ(refusal(kDropout.model(), kLbfgs).code, Code::stochastic_layer);
  EXPECT_EQ(refusal(kDropout.model(), kLbfgs).layer, 2);
  static constexpr auto kNoDropout = sequential(input(6), dense(4), dropout(0.0F), dense(3));
  EXPECT_TRUE(refusal(kNoDropout.model(), kLbfgs).ok());
  Trainer full = make(kNet.model(), kLbfgs);
  Noise{}(full, 0);
  EXPECT_EQ(full.step().status().code, Code::wrong_optimizer);
  for (const MinimizeOptions& bad : {MinimizeOptions{.gradient_tolerance = -1.0},
                                     MinimizeOptions{.loss_tolerance = static_cast<double>(__builtin_nanf(""))}})
    EXPECT_EQ(full.minimize(Noise{}, bad).status().code, Code::bad_option);
  Trainer steps = make(kNet.model(), {.optimizer = adam(), .batch = 24});
  EXPECT_EQ(steps.minimize(Noise{}).status().code, Code::wrong_optimizer);
}

// Bad data in the first pass: nothing has happened. In a later one: the parameters are the last accepted ones.
TEST(Minimize, BadDataLeaveTheLastGoodPoint) {
  for (const TrainConfig& config : {kLbfgs, kDescent}) {
    for (const std::uint32_t bad_pass : {0U, 1U, 2U, 5U, 9U}) {
      Trainer trainer = make(kNet.model(), config);
      std::uint64_t good = params_hash(trainer);
      std::uint32_t passes = 0;
      const std::uint32_t slices = config.batch / trainer.slice_samples();
      const auto feed = [&](auto& t, std::uint32_t slice) {
        Noise{}(t, slice);
        if (passes == bad_pass && slice + 1 == slices) t.labels()[2] = 3;
        if (slice + 1 == slices) ++passes;
      };
      const auto observe = [&](const MinimizeResult&) { return good = params_hash(trainer), true; };
      const Status status = trainer.minimize(feed, {.gradient_tolerance = 0.0}, observe).status();
      EXPECT_EQ(status.code, Code::label_out_of_range);
      EXPECT_EQ(status.detail, (slices - 1) * trainer.slice_samples() + 2U);
      EXPECT_EQ(params_hash(trainer), good) << bad_pass;
    }
  }
}

TEST(Minimize, DataThatAreNotFiniteChangeNothing) {
  for (const TrainConfig& config : {kLbfgs, kDescent}) {
    for (const float poison : {__builtin_nanf(""), __builtin_inff()}) {
      Trainer trainer = make(kNet.model(), config);
      const std::uint64_t before = params_hash(trainer);
      const auto feed = [&](auto& t, std::uint32_t slice) {
        Noise{}(t, slice);
        t.input()[5] = poison;
      };
      EXPECT_EQ(trainer.minimize(feed).status().code, Code::non_finite_loss);
      EXPECT_EQ(params_hash(trainer), before);
    }
  }
  Trainer trainer = at(0.9F, 0, quadratic(lbfgs()));
  const auto huge = [](auto& t, std::uint32_t slice) {  // the loss is 1.6e38, its gradient 3.6e38
    feed_quadratic(t, slice);
    t.input()[0] = 2e19F, t.targets()[0] = 0.0F;
  };
  EXPECT_EQ(trainer.minimize(huge).status().code, Code::non_finite_gradient);
  EXPECT_EQ(params_of(trainer)[0], 0.9F);
}

// Data that change from pass to pass: no step seems to descend. The run ends where it was, with a sentence.
TEST(Minimize, ASearchThatCannotDescendLeavesTheLastGoodPoint) {
  for (const TrainConfig& config : {kLbfgs, kDescent}) {
    Trainer trainer = make(kNet.model(), config);
    std::uint64_t good = 0;
    std::uint32_t pass = 0;
    const auto feed = [&](auto& t, std::uint32_t slice) {
      Noise{}(t, slice);
      if (pass >= 12)
        for (std::int32_t& label : t.labels()) label = (label + 1) % 3;
      if (slice + 1 == 24 / t.slice_samples()) ++pass;
    };
    const auto observe = [&](const MinimizeResult&) { return good = params_hash(trainer), true; };
    const auto result = trainer.minimize(feed, {.gradient_tolerance = 0.0}, observe);
    EXPECT_EQ(result.status().code, Code::line_search_failed);
    EXPECT_EQ(params_hash(trainer), good);
  }
}

// 48 samples of four features, each in a unit of its own; the target is near `level` and linear but for `noise`.
struct Table {
  std::array<float, 4> units{1, 1, 1, 1};
  float level = 0.0F, noise = 0.0F;
  template <class AnyTrainer>
  void operator()(AnyTrainer& trainer, std::uint32_t) const {
    Numbers numbers(31);
    for (std::size_t s = 0; s < 48; ++s) {
      float x[4];
      numbers.fill(x, 4);
      trainer.targets()[s] = level + 3.0F * x[0] - 2.0F * x[1] + x[2] + 0.5F * x[3] + noise * numbers.next();
      for (std::size_t k = 0; k < 4; ++k) trainer.input()[4 * s + k] = units[k] * x[k];
    }
  }
};
constexpr auto kLinear = sequential(input(4), dense(1));
constexpr TrainConfig on_table(const Optimizer& rule) {
  return {.loss = Loss::squared_error, .optimizer = rule, .batch = 48};
}

// Outputs of 1e4 are rounded by 1e-3: the gradient never falls below its tolerance, and the loss soon stops falling.
TEST(Minimize, StopsWhereTheLossCannotFall) {
  for (const Optimizer& rule : {gradient_descent(), gradient_descent({.line_search = LineSearch::exact}),
                                gradient_descent({.line_search = LineSearch::strong_wolfe}), lbfgs(),
                                lbfgs({.line_search = LineSearch::exact})}) {
    for (const float noise : {0.0F, 0.25F}) {
      Trainer trainer = make(kLinear.model(), on_table(rule));
      double start = 0.0;
      const auto result = trainer.minimize(Table{.level = 1e4F, .noise = noise}, {}, [&](const MinimizeResult& point) {
        if (point.iterations == 0) start = point.objective;
        return true;
      });
      ASSERT_TRUE(result.ok()) << name(result.status().code);
      EXPECT_TRUE(result->stopped == StopReason::precision) << name(result->stopped);
      EXPECT_LE(result->evaluations, 800U);
      EXPECT_GT(start, 9e7);
      if (noise == 0.0F) {
        EXPECT_LE(result->objective, 4e-6) << "every output right to two units in its last place";
      } else {
        EXPECT_LE(result->objective, 0.0625 / 3.0 * 1.1) << "the noise's variance";
      }
    }
  }
}

// What 500 iterations of steps without a scale per parameter do not find.
TEST(Minimize, InputsOfUnlikeScalesAreNoHindrance) {
  Trainer even = make(kLinear.model(), on_table(lbfgs()));
  const auto wanted = even.minimize(Table{.noise = 0.25F});
  ASSERT_TRUE(wanted.ok());
  for (const LineSearch search : {LineSearch::strong_wolfe, LineSearch::exact}) {
    Trainer trainer = make(kLinear.model(), on_table(lbfgs({.line_search = search})));
    const auto result = trainer.minimize(Table{.units = {1000.0F, 1e-3F, 1.0F, 100.0F}, .noise = 0.25F});
    ASSERT_TRUE(result.ok()) << name(result.status().code);
    EXPECT_NEAR(result->objective, wanted->objective, 1e-4 * wanted->objective) << name(result->stopped);
    EXPECT_LE(result->iterations, 120U);
  }
}

// ReLU has corners, and a search along a line ends in one now and then. That is no error, and no end far above what is
// there: 16 units fit 48 samples.
TEST(Minimize, CornersAreNoErrors) {
  static constexpr auto kCorners = sequential(input(4), dense(16), relu(), dense(1));
  std::uint32_t low = 0;
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    Trainer trainer =
        make(kCorners.model(), on_table(seed % 2 == 0 ? lbfgs() : lbfgs({.line_search = LineSearch::exact})));
    trainer.init_params(seed);
    const auto result =
        trainer.minimize(Table{.level = seed % 3 == 0 ? 1e4F : 0.0F, .noise = 1.0F}, {.max_iterations = 200});
    ASSERT_TRUE(result.ok()) << seed << " " << name(result.status().code);
    low += result->objective < 0.1 ? 1 : 0;
  }
  EXPECT_GE(low, 30U);
}

template <const auto& kNetwork, const TrainConfig& kConfig>
void compare_static() {
  static StaticTrainer<kNetwork, kConfig> fixed;
  Trainer trainer = make(kNetwork.model(), kConfig);
  EXPECT_EQ(fixed.arena_bytes, trainer.plan().arena_bytes);
  fixed.init_params(21);
  trainer.init_params(21);
  const auto a = fixed.minimize(Noise{}, {.max_iterations = 12}), b = trainer.minimize(Noise{}, {.max_iterations = 12});
  ASSERT_TRUE(a.ok() && b.ok());
  EXPECT_EQ(a->objective, b->objective);
  EXPECT_EQ(a->evaluations, b->evaluations);
  EXPECT_TRUE(std::equal(fixed.parameters().begin(), fixed.parameters().end(), trainer.parameters().begin()));
  EXPECT_TRUE(std::equal(fixed.gradient_norms().begin(), fixed.gradient_norms().end(), trainer.gradient_norms().begin(),
                         trainer.gradient_norms().end()));
}
TEST(Minimize, StaticTrainersGiveTheSameBits) {
  compare_static<kNet, kLbfgs>();
  compare_static<kNet, kDescent>();
}

// The arena holds exactly: parameters, their gradient, the direction, and two runs a remembered step.
TEST(Minimize, HistoryIsPlanned) {
  const auto bytes = [](const Optimizer& rule) {
    TrainConfig config = kLbfgs;
    config.optimizer = rule;
    return *required_arena_bytes(kNet.model(), config);
  };
  Trainer trainer = make(kNet.model(), kLbfgs);
  const std::size_t run = trainer.parameters().size();
  EXPECT_EQ(trainer.optimizer_state1().size(), run);
  EXPECT_EQ(trainer.optimizer_state2().size(), 10 * run);
  EXPECT_EQ(bytes(lbfgs({.history = 6})) - bytes(lbfgs({.history = 5})), 2 * run);
  EXPECT_EQ(bytes(lbfgs({.history = 1})) - bytes(gradient_descent()), run);
  EXPECT_EQ(trainer.arena_bytes(), bytes(kLbfgs.optimizer));
  for (const Step& step : trainer.plan().steps)
    EXPECT_TRUE(step.kind != StepKind::update || kNet.layers[step.layer].op == Op::batch_norm);
}

TEST(Minimize, SameBitsEverywhere) {
  if (!check::kFused) return;
  static constexpr auto kSmooth = sequential(input(6), dense(11), mote::tanh(), dense(9), silu(), dense(3));
  Trainer trainer = make(kSmooth.model(), kLbfgs);
  const auto result = trainer.minimize(Noise{}, {.max_iterations = 25});
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(params_hash(trainer), 10381220320285917785ULL);
}

}  // namespace
}  // namespace mote::test
