// SPDX-License-Identifier: Apache-2.0
// Mistakes at which the program stops: the sentence on standard error names what is wrong and the remedy. Host only: it
// watches a child process die.
#include "check.hpp"
#include "mote/run/session.hpp"
#include "unit/memory.hpp"
#include "unit/networks.hpp"

namespace mote {
namespace {

using test::memory;
using test::param_memory;
using test::params_bytes;

TEST(misuse_death_test, sessions_that_check_refuses_stop_in_run) {
  Result<Session> first = Session::create(test::kResidual.model(params_bytes()), memory);
  ASSERT_TRUE(first.ok());
  ASSERT_TRUE(Session::create(test::kPerceptron.model(params_bytes()), memory).ok());
  EXPECT_DEATH(first->run(), "The plan in the arena was overwritten");
  EXPECT_DEATH(Session().run(), "create\\(\\) did not make it");
  Result<Session> external = Session::create(test::kResidual.model(params_bytes()), memory, {.external_input = true});
  ASSERT_TRUE(external.ok());
  EXPECT_DEATH(external->run(), "There is no input for this run; call set_input\\(\\)");
}

constexpr PlanOptions kExternal{.external_input = true};
StaticSession<test::kPerceptron, param_memory, kExternal> external;
StaticSession<test::kPerceptron> without;
StaticTrainer<test::kResidual, test::kSgd> trainer;
StaticSession<test::kResidual, trainer> untrained;

TEST(misuse_death_test, static_sessions_stop_likewise) {
  EXPECT_DEATH(external.run(), "There is no input for this run; call set_input\\(\\)");
  EXPECT_DEATH(without.run(), "The model has no parameter values here");
  EXPECT_DEATH(untrained.run(), "The model has no parameter values here");
}

TEST(misuse_death_test, values_that_would_lie_outside_the_arena) {
  Result<Session> session = Session::create(test::kResidual.model(params_bytes()), memory);
  ASSERT_TRUE(session.ok());
  std::fill(memory.begin(), memory.end(), std::byte{0x55});
  EXPECT_DEATH(static_cast<void>(session->input<float>()), "The plan in the arena was overwritten");
  Result<Trainer> planned = Trainer::create(test::kResidual.model(), test::kSgd, memory);
  ASSERT_TRUE(planned.ok());
  std::fill(memory.begin(), memory.end(), std::byte{0x55});
  EXPECT_DEATH(static_cast<void>(planned->labels()), "The plan in the arena was overwritten");
}

StaticTrainer<test::kResidual, test::kSgd> with_labels;

TEST(misuse_death_test, values_that_the_plan_does_not_have) {
  const char* const sentence = "a value was used that this plan does not have; external input is given by set_input";
  EXPECT_DEATH(with_labels.targets()[0] = 1.0F, sentence);
  EXPECT_DEATH(with_labels.sample_weights().front() = 1.0F, sentence);
  EXPECT_DEATH(with_labels.optimizer_state1().back() = std::byte{1}, sentence);
  EXPECT_DEATH(static_cast<void>(with_labels.gradient_norms()[1] > 0.0F), sentence);
  EXPECT_DEATH(static_cast<void>(with_labels.targets().first(3)), sentence);
  EXPECT_DEATH(external.input<float>()[0] = 1.0F, sentence);
  Result<Trainer> planned =
      Trainer::create(test::kResidual.model(), {.loss = Loss::squared_error, .external_input = true}, memory);
  ASSERT_TRUE(planned.ok());
  EXPECT_DEATH(planned->labels()[0] = 1, sentence);
  EXPECT_DEATH(planned->input()[0] = 1.0F, sentence);
  EXPECT_DEATH(Session().input<float>()[0] = 1.0F, sentence);
}

TEST(misuse_death_test, values_of_another_type) {
  Result<Session> session = Session::create(test::kResidual.model(params_bytes()), memory);
  ASSERT_TRUE(session.ok());
  EXPECT_DEATH(static_cast<void>(session->input<std::int8_t>()), "another element type than the model's");
  EXPECT_DEATH(static_cast<void>(session->output<const std::int8_t>()), "another element type than the model's");
}

#if MOTE_CHECKED
TEST(misuse_death_test, values_past_the_end) {
  EXPECT_DEATH(with_labels.labels()[4] = 1, "a value past the end was used");
  EXPECT_DEATH(with_labels.input()[with_labels.input().size()] = 1.0F, "a value past the end was used");
  EXPECT_DEATH(static_cast<void>(with_labels.input().subspan(3, with_labels.input().size())), "past the end");
  EXPECT_DEATH(static_cast<void>(with_labels.labels().last(5)), "past the end");
}
#endif

}  // namespace
}  // namespace mote
