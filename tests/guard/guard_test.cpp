// SPDX-License-Identifier: Apache-2.0
// MOTE_GUARD and MOTE_TRACE: an overrun of one float ends in panic(), dead buffers are NaN, and every step is traced.
// This program is compiled with both, and with the sources of the library; tests/unit/execute_test.cpp is part of it
// and shows that results keep their bits. Host only: it watches a child process die.
#include <algorithm>
#include <bit>
#include <cmath>

#include "check.hpp"
#include "mote/port.hpp"
#include "mote/run/session.hpp"
#include "unit/networks.hpp"
#include "unit/random_graph.hpp"

#if !defined(MOTE_GUARD) || !defined(MOTE_TRACE)
#error "this test is compiled with MOTE_GUARD and MOTE_TRACE"
#endif

namespace mote {
namespace {

constexpr std::size_t kArenaBytes = 256 * 1024;
alignas(4096) std::array<std::byte, kArenaBytes> arena;
alignas(64) std::array<float, 16 * 1024> params;

/// What trace() does: counts, and once writes behind a buffer.
struct Tracer {
  std::uint32_t begun = 0, ended = 0;
  bool in_order = true;
  bool overrun = false;
  std::uint16_t step = 0, buffer = 0;
  std::size_t bytes_behind = 0;  // 0: the first float behind the buffer
} tracer;

Model residual() {
  test::Random random(1);
  for (float& p : params) p = 0.25F + 0.25F * random.real();
  return test::kResidual.model(reinterpret_cast<const std::byte*>(params.data()));
}

}  // namespace

void trace(const Plan& plan, std::uint16_t step, bool begin) {
  tracer.in_order = tracer.in_order && tracer.begun == tracer.ended + (begin ? 0U : 1U);
  ++(begin ? tracer.begun : tracer.ended);
  if (!begin && tracer.overrun && step == tracer.step) {
    const Buffer& b = plan.buffers[tracer.buffer];
    *reinterpret_cast<float*>(arena.data() + b.offset + (b.bytes + 3) / 4 * 4 + tracer.bytes_behind) = 1.0F;
  }
}

namespace {

TEST(guard, clean_runs_pass_and_are_traced) {
  tracer = {};
  Result<Session> session = Session::create(residual(), arena, {.batch = 2});
  ASSERT_TRUE(session.ok());
  for (int run = 0; run < 3; ++run) {
    std::fill(session->input<float>().begin(), session->input<float>().end(), 0.5F);
    session->run();
    for (const float y : session->output<float>()) EXPECT_TRUE(std::isfinite(y));
  }
  EXPECT_EQ(tracer.begun, 3 * session->plan().steps.size());
  EXPECT_EQ(tracer.ended, tracer.begun);
  EXPECT_TRUE(tracer.in_order);
}

TEST(guard, dead_buffers_are_not_numbers) {
  tracer = {};
  Result<Session> session = Session::create(residual(), arena);
  ASSERT_TRUE(session.ok());
  std::fill(session->input<float>().begin(), session->input<float>().end(), 0.5F);
  session->run();
  const Plan& plan = session->plan();
  std::size_t dead = 0;
  for (std::size_t b = 0; b < plan.buffers.size(); ++b) {
    const Buffer& buffer = plan.buffers[b];
    if (buffer.last_step + 1U == plan.steps.size()) continue;
    bool reused = false;  // by a buffer that was born later
    for (const Buffer& other : plan.buffers)
      reused =
          reused || (other.first_step > buffer.last_step && other.offset < buffer.offset + buffer.bytes + kGuardBytes &&
                     buffer.offset < other.offset + other.bytes + kGuardBytes);
    if (reused) continue;
    const auto* values = reinterpret_cast<const float*>(arena.data() + buffer.offset);
    for (std::size_t i = 0; i < buffer.bytes / sizeof(float); ++i) ASSERT_TRUE(std::isnan(values[i])) << "buffer " << b;
    ++dead;
  }
  EXPECT_GT(dead, 0U);
}

/// One run in which one float behind `buffer` is overwritten during `step`.
void run_with_overrun(Session session, std::uint16_t step, std::uint16_t buffer, std::size_t bytes_behind) {
  tracer = {};
  tracer.overrun = true, tracer.step = step, tracer.buffer = buffer, tracer.bytes_behind = bytes_behind;
  std::fill(session.input<float>().begin(), session.input<float>().end(), 0.5F);
  session.run();
}

TEST(guard_death_test, one_float_behind_any_living_buffer_ends_in_panic) {
  Result<Session> session = Session::create(residual(), arena);
  ASSERT_TRUE(session.ok());
  const Plan& plan = session->plan();
  for (std::size_t b = 0; b < plan.buffers.size(); ++b) {
    const auto buffer = static_cast<std::uint16_t>(b);
    EXPECT_DEATH(run_with_overrun(*session, plan.buffers[b].first_step, buffer, 0),
                 "the bytes behind a buffer were overwritten: step");
    EXPECT_DEATH(run_with_overrun(*session, plan.buffers[b].last_step, buffer, 8),
                 "the bytes behind a buffer were overwritten");
  }
}

TEST(guard_death_test, the_message_names_step_layer_and_buffer) {
  EXPECT_DEATH(panic("something", 3, 2, 1), "mote: something: step 3, layer 2, buffer 1 of the plan");
}

void train_with_overrun(Trainer trainer, std::uint16_t step, std::uint16_t buffer) {
  tracer = {};
  tracer.overrun = true, tracer.step = step, tracer.buffer = buffer;
  for (int slice = 0; slice < 3; ++slice) {
    std::fill(trainer.input().begin(), trainer.input().end(), 0.5F);
    std::fill(trainer.labels().begin(), trainer.labels().end(), 1);
    static_cast<void>(trainer.step().ok());
  }
}

TEST(guard_death_test, training_is_guarded_too) {
  Result<Trainer> trainer = Trainer::create(residual(), test::kAdamSlices, arena);
  ASSERT_TRUE(trainer.ok());
  const Plan& plan = trainer->plan();
  for (const std::uint16_t buffer : {plan.parameters, plan.param_gradients, plan.state1, plan.output, plan.labels}) {
    ASSERT_NE(buffer, kNoBuffer);
    EXPECT_DEATH(train_with_overrun(*trainer, plan.buffers[buffer].last_step, buffer),
                 "the bytes behind a buffer were overwritten");
  }
  train_with_overrun(*trainer, 0xFFFF, 0);  // none
  EXPECT_EQ(trainer->updates(), 0U) << "the trainer above was a copy";
}

TEST(guard, clean_training_passes) {
  tracer = {};
  Result<Trainer> trainer = Trainer::create(residual(), test::kAdamSlices, arena);
  ASSERT_TRUE(trainer.ok());
  for (int slice = 0; slice < 9; ++slice) {
    std::fill(trainer->input().begin(), trainer->input().end(), 0.125F * static_cast<float>(slice));
    std::fill(trainer->labels().begin(), trainer->labels().end(), slice % 5);
    ASSERT_TRUE(trainer->step().ok());
    std::fill(trainer->input().begin(), trainer->input().end(), 0.5F);
    std::fill(trainer->labels().begin(), trainer->labels().end(), 1);
    ASSERT_TRUE(trainer->evaluate().ok());
    for (const float y : trainer->output()) EXPECT_TRUE(std::isfinite(y));
  }
  EXPECT_EQ(trainer->updates(), 3U);
  EXPECT_TRUE(tracer.in_order);
}

constexpr TrainConfig kWeighted{
    .loss = Loss::squared_error, .optimizer = momentum(), .batch = 3, .sample_weights = true};
StaticTrainer<test::kResidual, test::kSgd> label_trainer;
StaticTrainer<test::kResidual, kWeighted> target_trainer;

/// A step for which one value too many was written at `past` (through a pointer, as memcpy would).
template <class AnyTrainer, class Past>
void step_with_more(AnyTrainer& trainer, const Past& past, bool evaluates) {
  auto values = past(trainer);
  for (float& x : trainer.input()) x = 0.5F;
  for (std::int32_t& label : trainer.labels()) label = 1;
  for (float& t : trainer.targets()) t = 0.5F;
  for (float& w : trainer.sample_weights()) w = 1.0F;
  *(values.data() + values.size()) = 1;
  static_cast<void>(evaluates ? trainer.evaluate().ok() : trainer.step().ok());
}
template <class AnyTrainer>
void nothing_past_the_end(AnyTrainer& trainer, bool labels) {
  const char* const sentence = "more was written to input\\(\\), labels\\(\\), targets\\(\\) or sample_weights";
  for (const bool evaluates : {false, true}) {
    EXPECT_DEATH(step_with_more(
                     trainer, [](auto& t) { return t.input(); }, evaluates),
                 sentence);
    if (labels) {
      EXPECT_DEATH(step_with_more(
                       trainer, [](auto& t) { return t.labels(); }, evaluates),
                   sentence);
    } else {
      EXPECT_DEATH(step_with_more(
                       trainer, [](auto& t) { return t.targets(); }, evaluates),
                   sentence);
      EXPECT_DEATH(step_with_more(
                       trainer, [](auto& t) { return t.sample_weights(); }, evaluates),
                   sentence);
    }
  }
}

TEST(guard_death_test, what_a_caller_writes_past_the_end_is_not_taken_for_a_bad_label) {
  nothing_past_the_end(label_trainer, true);
  nothing_past_the_end(target_trainer, false);
  Result<Trainer> planned = Trainer::create(residual(), test::kSgd, arena);
  ASSERT_TRUE(planned.ok());
  nothing_past_the_end(*planned, true);
  planned = Trainer::create(residual(), kWeighted, arena);
  ASSERT_TRUE(planned.ok());
  nothing_past_the_end(*planned, false);
}

StaticSession<test::kResidual, params> fixed_session;

template <class AnySession>
void run_with_more(AnySession& session) {
  const Values<float> input = session.template input<float>();
  for (float& x : input) x = 0.5F;
  *(input.data() + input.size()) = 1.0F;
  session.run();
}

TEST(guard_death_test, sessions_notice_it_too) {
  Result<Session> session = Session::create(residual(), arena);
  ASSERT_TRUE(session.ok());
  EXPECT_DEATH(run_with_more(*session), "more was written to input");
  EXPECT_DEATH(run_with_more(fixed_session), "more was written to input");
  for (int run = 0; run < 2; ++run) {
    for (float& x : session->input<float>()) x = 0.5F;
    for (float& x : fixed_session.input<float>()) x = 0.5F;
    session->run();
    fixed_session.run();
  }
}

}  // namespace
}  // namespace mote
