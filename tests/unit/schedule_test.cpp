// SPDX-License-Identifier: Apache-2.0
// schedule.hpp and optimizer.hpp: the formulas' values, the borders of what is valid, and the bits.
#include "mote/train/schedule.hpp"

#include <bit>

#include "check.hpp"
#include "mote/train/optimizer.hpp"

namespace mote {
namespace {

constexpr float kBase = 0.1F;

static_assert(learning_rate_at(Schedule{}, kBase, 0) == kBase);
static_assert(learning_rate_at(constant_schedule(), kBase, 0xFFFF'FFFF) == kBase);

// 1 / (k + 1)
static_assert(learning_rate_at(inverse_schedule(), kBase, 0) == kBase);
static_assert(learning_rate_at(inverse_schedule(), kBase, 1) == 0.05F);
static_assert(learning_rate_at(inverse_schedule(), kBase, 9) == static_cast<float>(static_cast<double>(kBase) / 10.0));
static_assert(learning_rate_at(inverse_schedule(), 1.0F, 0xFFFF'FFFF) == 0x1p-32F);
static_assert(learning_rate_at(inverse_schedule({.period = 100}), kBase, 99) == kBase);
static_assert(learning_rate_at(inverse_schedule({.period = 100}), kBase, 100) == 0.05F);

// base gamma^floor(k / period)
static_assert(learning_rate_at(step_schedule({.period = 10, .gamma = 0.5F}), 1.0F, 9) == 1.0F);
static_assert(learning_rate_at(step_schedule({.period = 10, .gamma = 0.5F}), 1.0F, 10) == 0.5F);
static_assert(learning_rate_at(step_schedule({.period = 10, .gamma = 0.5F}), 1.0F, 39) == 0.125F);

// base gamma^k
static_assert(learning_rate_at(exponential_schedule({.gamma = 0.5F}), 1.0F, 0) == 1.0F);
static_assert(learning_rate_at(exponential_schedule({.gamma = 0.5F}), 1.0F, 20) == 0x1p-20F);

// floor + (base - floor) (1 + cos(pi k / T)) / 2
static_assert(learning_rate_at(cosine_schedule({.steps = 100}), 1.0F, 0) == 1.0F);
static_assert(learning_rate_at(cosine_schedule({.steps = 100}), 1.0F, 50) == 0.5F);
static_assert(learning_rate_at(cosine_schedule({.steps = 100}), 1.0F, 100) == 0.0F);
static_assert(learning_rate_at(cosine_schedule({.steps = 100, .floor = 0.25F}), 1.0F, 50) == 0.625F);
static_assert(learning_rate_at(cosine_schedule({.steps = 100, .floor = 0.25F}), 1.0F, 1'000'000) == 0.25F);
static_assert(learning_rate_at(cosine_schedule({.steps = 3}), 1.0F, 1) == 0.75F);
static_assert(learning_rate_at(cosine_schedule({.steps = 3}), 1.0F, 2) == 0.25F);

// warm-up: (k + 1) / W of whatever the schedule gives
static_assert(learning_rate_at(constant_schedule({.warmup_steps = 4}), 1.0F, 0) == 0.25F);
static_assert(learning_rate_at(constant_schedule({.warmup_steps = 4}), 1.0F, 3) == 1.0F);
static_assert(learning_rate_at(constant_schedule({.warmup_steps = 4}), 1.0F, 4) == 1.0F);
static_assert(learning_rate_at(exponential_schedule({.gamma = 0.5F, .warmup_steps = 4}), 1.0F, 1) == 0.25F);

static_assert(valid(Schedule{}) && valid(inverse_schedule()) && valid(cosine_schedule({.steps = 5, .floor = 1.0F})));
static_assert(!valid(step_schedule({.period = 0})) && !valid(step_schedule({.gamma = 0.0F})));
static_assert(!valid(exponential_schedule({.gamma = 1.5F})) && !valid(cosine_schedule({.steps = 0})));
static_assert(!valid(cosine_schedule({.floor = -1.0F})) && !valid(cosine_schedule({.floor = __builtin_inff()})));
static_assert(!valid(exponential_schedule({.gamma = __builtin_nanf("")})));

static_assert(valid(sgd()) && valid(momentum()) && valid(nesterov()) && valid(adagrad()) && valid(rmsprop()));
static_assert(valid(adam()) && valid(adamw()));
static_assert(!valid(sgd({.learning_rate = 0.0F})) && !valid(sgd({.learning_rate = __builtin_inff()})));
static_assert(!valid(sgd({.learning_rate = __builtin_nanf("")})) && !valid(momentum({.momentum = 1.0})));
static_assert(!valid(adam({.beta2 = -0.1})) && !valid(adagrad({.epsilon = 0.0F})));
static_assert(!valid(adamw({.weight_decay = -1.0F})));
static_assert(!valid(Optimizer{.kind = OptimizerKind::sgd, .learning_rate = 0.1F, .weight_decay = 0.1F}));
static_assert(state_buffers(sgd()) == 0 && state_buffers(momentum()) == 1);
static_assert(state_buffers(nesterov()) == 1 && state_buffers(adagrad()) == 1);
static_assert(state_buffers(rmsprop()) == 1 && state_buffers(adam()) == 2);
static_assert(adamw({.weight_decay = 0.5F}).weight_decay == 0.5F && adam().decay2 == 0.999 && momentum().decay1 == 0.9);

TEST(schedule, cosine_agrees_with_known_values) {
  // cos(pi t) for t = 0, 1/6, 1/5, 1/4, 1/3, 3/5, 5/6, 1
  EXPECT_NEAR(detail::cos_pi(0.0), 1.0, 3e-16);
  EXPECT_NEAR(detail::cos_pi(1.0 / 6), 0.8660254037844387, 3e-16);
  EXPECT_NEAR(detail::cos_pi(0.2), 0.8090169943749475, 3e-16);
  EXPECT_NEAR(detail::cos_pi(0.25), 0.7071067811865476, 3e-16);
  EXPECT_NEAR(detail::cos_pi(1.0 / 3), 0.5, 3e-16);
  EXPECT_EQ(detail::cos_pi(0.5), 0.0);
  EXPECT_NEAR(detail::cos_pi(0.6), -0.30901699437494745, 3e-16);
  EXPECT_NEAR(detail::cos_pi(5.0 / 6), -0.8660254037844387, 3e-16);
  EXPECT_NEAR(detail::cos_pi(1.0), -1.0, 3e-16);
}

TEST(schedule, exponential_agrees_with_repeated_multiplication) {
  double expected = 1.0;
  const Schedule schedule = exponential_schedule({.gamma = 0.999F});
  for (std::uint32_t k = 0; k < 3000; ++k) {
    ASSERT_NEAR(learning_rate_at(schedule, 1.0F, k) / expected, 1.0, 1e-7) << k;
    expected *= static_cast<double>(0.999F);
  }
}

TEST(schedule, every_kind_falls_and_stays_positive) {
  const Schedule schedules[] = {inverse_schedule({.period = 7}), step_schedule({.period = 11}), exponential_schedule(),
                                cosine_schedule({.steps = 500, .floor = 1e-4F})};
  for (const Schedule& schedule : schedules) {
    float last = kBase;
    for (std::uint32_t k = 0; k < 300; ++k) {
      const float rate = learning_rate_at(schedule, kBase, k);
      ASSERT_LE(rate, last) << k;
      ASSERT_GT(rate, 0.0F) << k;
      last = rate;
    }
    EXPECT_LT(last, kBase);
  }
}

TEST(schedule, same_bits_everywhere) {
  std::uint64_t hash = 0xCBF29CE484222325U;
  const Schedule schedules[] = {inverse_schedule({.period = 7, .warmup_steps = 20}),
                                step_schedule({.period = 11, .gamma = 0.7F}), exponential_schedule({.gamma = 0.99F}),
                                cosine_schedule({.steps = 390, .floor = 1e-4F, .warmup_steps = 50})};
  for (const Schedule& schedule : schedules)
    for (std::uint32_t k = 0; k < 400; ++k)
      hash = (hash ^ std::bit_cast<std::uint32_t>(learning_rate_at(schedule, kBase, k))) * 0x100000001B3U;
  EXPECT_EQ(hash, 0x87C3E73149B522E6U);
}

}  // namespace
}  // namespace mote
