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

}  // namespace
}  // namespace mote
