// SPDX-License-Identifier: Apache-2.0
// Mistakes that engineers make with sessions and trainers, and what each answers: an arena that is not theirs any more,
// calls that were left out, addresses that do not fit. What stops the program is tested in misuse_host.cpp.
#include <algorithm>
#include <bit>

#include "check.hpp"
#include "mote/run/session.hpp"
#include "unit/memory.hpp"
#include "unit/networks.hpp"
#include "unit/random_graph.hpp"

namespace mote {
namespace {

using test::kArenaBytes;
using test::memory;
using test::param_memory;
using test::params_bytes;
using test::Random;

std::span<std::byte> arena() { return std::span(memory).first(kArenaBytes); }

void fill_params(std::uint32_t seed) {
  Random random(seed);
  for (float& p : param_memory) p = 0.25F + 0.25F * random.real();
}
template <class Values>
void fill(Values&& values, std::uint32_t seed) {
  Random random(seed);
  for (float& x : values) x = random.real();
}
template <class AnyTrainer>
void fill_slice(AnyTrainer& trainer, std::uint32_t seed) {
  fill(trainer.input(), seed);
  for (std::int32_t& label : trainer.labels()) label = static_cast<std::int32_t>(seed % 2);
  for (float& t : trainer.targets()) t = 0.5F;
}
bool same_bits(std::span<const float> a, std::span<const float> b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](float x, float y) {
           return std::bit_cast<std::uint32_t>(x) == std::bit_cast<std::uint32_t>(y);
         });
}
/// The first output values of a session on `model` in `place`, for the input of `seed`.
std::array<float, 4> outputs_of(const Model& model, std::span<std::byte> place, std::uint32_t seed) {
  std::array<float, 4> out{};
  Result<Session> session = Session::create(model, place);
  EXPECT_TRUE(session.ok());
  if (!session.ok()) return out;
  fill(session->input<float>(), seed);
  session->run();
  const std::span<float> y = session->output<float>();
  std::copy_n(y.begin(), std::min(y.size(), out.size()), out.begin());
  return out;
}

TEST(misuse, a_second_model_in_the_arena_ends_the_first) {
  fill_params(1);
  const std::array<Model, 4> models{test::kPerceptron.model(params_bytes()), test::kResidual.model(params_bytes()),
                                    test::kJoined.model(params_bytes()), test::kSoftmaxInside.model(params_bytes())};
  for (std::size_t i = 0; i < models.size(); ++i)
    for (std::size_t j = 0; j < models.size(); ++j) {
      if (i == j) continue;
      Result<Session> first = Session::create(models[i], arena());
      ASSERT_TRUE(first.ok());
      EXPECT_TRUE(first->check().ok());
      Result<Session> second = Session::create(models[j], arena());
      ASSERT_TRUE(second.ok());
      EXPECT_EQ(first->check().code, Code::arena_overwritten) << i << j;
      EXPECT_TRUE(second->check().ok());
      fill(second->input<float>(), 3);
      second->run();
      EXPECT_TRUE(second->check().ok());
      EXPECT_EQ(first->check().code, Code::arena_overwritten);
      first = Session::create(models[i], arena());  // the remedy
      ASSERT_TRUE(first.ok());
      EXPECT_TRUE(first->check().ok());
      EXPECT_EQ(second->check().code, Code::arena_overwritten);
    }
}

TEST(misuse, a_model_that_runs_over_another_ones_plan_is_noticed) {
  fill_params(1);
  const Model small = test::kPerceptron.model(params_bytes()), large = test::kResidual.model(params_bytes());
  const Result<std::size_t> bytes = required_arena_bytes(small);
  ASSERT_TRUE(bytes.ok());
  Result<Session> first = Session::create(small, arena().first(*bytes));  // its plan lies in the other's buffers
  Result<Session> second = Session::create(large, arena());
  ASSERT_TRUE(first.ok() && second.ok());
  ASSERT_GT(second->plan().arena_bytes, *bytes);
  EXPECT_TRUE(first->check().ok()) << "nothing was written there yet";
  fill(second->input<float>(), 2);
  second->run();
  EXPECT_EQ(first->check().code, Code::arena_overwritten);
  EXPECT_TRUE(second->check().ok());
}

TEST(misuse, a_cleared_arena_is_noticed) {
  fill_params(1);
  const TrainConfig config{.batch = 2};
  for (const std::byte value : {std::byte{0}, std::byte{0xFF}, std::byte{0xA5}}) {
    Result<Session> session = Session::create(test::kResidual.model(params_bytes()), arena());
    ASSERT_TRUE(session.ok());
    std::fill(memory.begin(), memory.end(), value);
    EXPECT_EQ(session->check().code, Code::arena_overwritten);
    Result<Trainer> trainer = Trainer::create(test::kResidual.model(), config, arena());
    ASSERT_TRUE(trainer.ok());
    fill_slice(*trainer, 1);
    ASSERT_TRUE(trainer->step().ok());
    std::fill(memory.begin(), memory.end(), value);
    EXPECT_EQ(trainer->step().status().code, Code::arena_overwritten);
    EXPECT_EQ(trainer->evaluate().status().code, Code::arena_overwritten);
    EXPECT_EQ(trainer->load_params(test::kResidual.model(params_bytes())).code, Code::arena_overwritten);
    EXPECT_TRUE(trainer->parameters().empty()) << "and what is there now is not saved";
    alignas(16) static std::array<std::byte, 16 * 1024> file;
    EXPECT_EQ(write_model(trainer->model(), file).status().code, Code::missing_parameters);
    trainer->init_params(1);
    EXPECT_EQ(trainer->step().status().code, Code::arena_overwritten) << "parameters do not bring the plan back";
  }
}

TEST(misuse, one_value_behind_the_last_buffer_is_noticed) {
  fill_params(1);
  const Model model = test::kPerceptron.model(params_bytes());
  const Result<std::size_t> bytes = required_arena_bytes(model);
  ASSERT_TRUE(bytes.ok());
  for (const bool behind_tables : {false, true}) {
    Result<Session> session = Session::create(model, arena().first(*bytes));
    ASSERT_TRUE(session.ok());
    const std::size_t at = behind_tables ? *bytes - sizeof(float) : session->plan().arena_bytes;
    std::fill_n(memory.begin() + static_cast<std::ptrdiff_t>(at), sizeof(float), std::byte{1});
    EXPECT_EQ(session->check().code, Code::arena_overwritten);
  }
}

TEST(misuse, sessions_of_one_plan_may_take_turns) {
  fill_params(1);
  const Model model = test::kResidual.model(params_bytes());
  Result<Session> a = Session::create(model, arena()), b = Session::create(model, arena());
  ASSERT_TRUE(a.ok() && b.ok());
  for (std::uint32_t turn = 0; turn < 4; ++turn) {
    Session& session = turn % 2 == 0 ? *a : *b;
    ASSERT_TRUE(session.check().ok());
    fill(session.input<float>(), turn);
    session.run();
    const std::array<float, 4> wanted = [&] {
      std::array<float, 4> out{};
      std::copy_n(session.output<float>().begin(), out.size(), out.begin());
      return out;
    }();
    EXPECT_TRUE(same_bits(wanted, outputs_of(model, arena(), turn)));
  }
}

TEST(misuse, a_trainer_and_what_else_is_in_its_arena) {
  fill_params(1);
  const TrainConfig config{.batch = 2};
  const Model model = test::kResidual.model();
  Result<Trainer> trainer = Trainer::create(model, config, arena());
  ASSERT_TRUE(trainer.ok());
  // A session on what it learns, in its own arena: before anything is written.
  EXPECT_EQ(Session::create(trainer->model(), arena()).status().code, Code::memory_overlaps);
  EXPECT_EQ(Session::create(trainer->model(), arena().first(4096)).status().code, Code::memory_overlaps);
  EXPECT_EQ(Trainer::create(trainer->model(), config, arena()).status().code, Code::memory_overlaps);
  fill_slice(*trainer, 1);
  EXPECT_TRUE(trainer->step().ok());
  // Another model.
  EXPECT_TRUE(Session::create(test::kJoined.model(params_bytes()), arena()).ok());
  EXPECT_EQ(trainer->step().status().code, Code::arena_overwritten);
  // The same model and configuration: the parameters are the second one's now.
  Result<Trainer> first = Trainer::create(model, config, arena());
  ASSERT_TRUE(first.ok());
  fill_slice(*first, 1);
  EXPECT_TRUE(first->step().ok());
  Result<Trainer> second = Trainer::create(model, config, arena());
  ASSERT_TRUE(second.ok());
  fill_slice(*second, 1);
  EXPECT_EQ(first->step().status().code, Code::arena_overwritten);
  EXPECT_TRUE(second->step().ok());
  // A copy that goes on alone leaves the other one behind.
  Trainer copy = *second;
  fill_slice(copy, 2);
  EXPECT_TRUE(copy.step().ok());
  EXPECT_EQ(second->step().status().code, Code::arena_overwritten);
  second->init_params(1);
  EXPECT_EQ(second->step().status().code, Code::arena_overwritten);
  fill_slice(copy, 3);
  EXPECT_TRUE(copy.step().ok());
}

TEST(misuse, a_model_that_lies_in_the_arena_is_refused) {
  const std::size_t bytes = test::kResidual.param_bytes;
  std::fill(memory.begin(), memory.end(), std::byte{0});
  const auto code = [&](const std::byte* params) {
    return Session::create(test::kResidual.model(params), arena().subspan(4096, 65536)).status().code;
  };
  EXPECT_EQ(code(memory.data() + 4096), Code::memory_overlaps);
  EXPECT_EQ(code(memory.data() + 4096 + 65536 - 4), Code::memory_overlaps);
  EXPECT_EQ(code(memory.data() + 4096 + 65536), Code::ok);
  EXPECT_EQ(code(memory.data() + 4096 - bytes), Code::ok);
  EXPECT_EQ(code(memory.data() + 4096 - bytes + 4), Code::memory_overlaps);
}

TEST(misuse, what_create_did_not_make) {
  EXPECT_EQ(Session().check().code, Code::not_created);
  EXPECT_EQ(Session().input<float>().size(), 0U);
  Trainer trainer;
  EXPECT_EQ(trainer.step().status().code, Code::not_created);
  EXPECT_EQ(trainer.evaluate().status().code, Code::not_created);
  EXPECT_EQ(trainer.load_params(test::kResidual.model(params_bytes())).code, Code::not_created);
  trainer.init_params(1);
  EXPECT_FALSE(trainer.trained());
  EXPECT_EQ(trainer.parameters().size() + trainer.input().size() + trainer.labels().size() + trainer.targets().size(),
            0U);
}

constexpr PlanOptions kExternal{.batch = 2, .external_input = true};
StaticSession<test::kResidual, param_memory, kExternal> external_session;

TEST(misuse, external_input_must_be_given_to_either_session) {
  fill_params(1);
  Result<Session> session = Session::create(test::kResidual.model(params_bytes()), arena(), kExternal);
  ASSERT_TRUE(session.ok());
  EXPECT_EQ(session->check().code, Code::missing_input);
  EXPECT_EQ(external_session.check().code, Code::missing_input);
  const float* input = param_memory.data() + 1000;
  session->set_input(input);
  external_session.set_input(input);
  EXPECT_TRUE(session->check().ok());
  EXPECT_TRUE(external_session.check().ok());
  session->run();
  external_session.run();
  EXPECT_TRUE(same_bits(session->output<float>(), external_session.output<float>()));
  session->set_input(nullptr);
  EXPECT_EQ(session->check().code, Code::missing_input);
}

TEST(misuse, parameters_at_an_odd_address_are_refused) {
  fill_params(1);
  for (const std::size_t off : {1U, 2U, 3U}) {
    const Model model = test::kPerceptron.model(params_bytes() + off);
    for (const Status& status :
         {Session::create(model, arena()).status(), Trainer::create(model, {}, arena()).status()}) {
      EXPECT_EQ(status.code, Code::params_misaligned);
      EXPECT_EQ(status.detail, 4U);
    }
  }
  Model model = test::kResidual.model(params_bytes());
  model.trained_params = params_bytes() + 2;
  EXPECT_EQ(Session::create(model, arena()).status().code, Code::params_misaligned);
  EXPECT_TRUE(Session::create(test::kPerceptron.model(params_bytes() + 4), arena()).ok());
}

StaticSession<test::kPerceptron> given_session;
StaticSession<test::kPerceptron, param_memory> array_session;

TEST(misuse, parameters_that_come_at_run_time) {
  fill_params(5);
  constexpr std::size_t bytes = test::kPerceptron.param_bytes;
  const std::span params(params_bytes(), bytes);
  EXPECT_EQ(given_session.check().code, Code::missing_parameters);
  const Status few = given_session.set_params(params.first(bytes - 1));
  EXPECT_EQ(few.code, Code::size_mismatch);
  EXPECT_EQ(few.detail, bytes);
  EXPECT_EQ(given_session.set_params({params_bytes() + 1, bytes}).code, Code::params_misaligned);
  EXPECT_EQ(given_session.check().code, Code::missing_parameters);
  ASSERT_TRUE(given_session.set_params(params).ok());
  EXPECT_TRUE(given_session.check().ok());
  fill(given_session.input<float>(), 9);
  fill(array_session.input<float>(), 9);
  given_session.run();
  array_session.run();
  EXPECT_TRUE(same_bits(given_session.output<float>(), array_session.output<float>()));
  EXPECT_EQ(given_session.set_params({}).code, Code::size_mismatch);
  EXPECT_EQ(given_session.check().code, Code::missing_parameters) << "not the ones from before";
}

/// A trainer and, on its parameters, two static sessions against one planned at run time.
template <const auto& kNet, const TrainConfig& kConfig, const auto& kFrozen>
struct Learner {
  static constexpr PlanOptions kThree{.batch = 3, .alignment = 64};
  static constinit inline StaticTrainer<kNet, kConfig, kFrozen> trainer{};
  static constinit inline StaticSession<kNet, trainer> session{};
  static constinit inline StaticSession<kNet, trainer, kThree> three{};

  static void learns_and_infers() {
    EXPECT_EQ(session.check().code, Code::missing_parameters) << "the trainer has not begun";
    for (std::uint32_t round = 0; round < 3; ++round) {
      for (std::uint32_t slice = 0; slice < 6; ++slice) {
        fill_slice(trainer, slice);
        ASSERT_TRUE(trainer.step().ok());
      }
      ASSERT_TRUE(session.check().ok());
      Result<Session> planned = Session::create(trainer.model(), arena());
      ASSERT_TRUE(planned.ok()) << name(planned.status().code);
      fill(session.template input<float>(), round);
      fill(planned->input<float>(), round);
      session.run();
      planned->run();
      EXPECT_TRUE(same_bits(session.template output<float>(), planned->output<float>())) << "round " << round;
      planned = Session::create(trainer.model(), arena(), kThree);
      ASSERT_TRUE(planned.ok());
      fill(three.template input<float>(), round);
      fill(planned->input<float>(), round);
      three.run();
      planned->run();
      EXPECT_TRUE(same_bits(three.template output<float>(), planned->output<float>())) << "round " << round;
    }
  }
};

TEST(static_session, runs_on_what_a_static_trainer_has_learned) {
  fill_params(5);
  Learner<test::kResidual, test::kAdamSlices, kNoParams>::learns_and_infers();
  Learner<test::kPerceptron, test::kSgd, param_memory>::learns_and_infers();  // the first layer is frozen
  Learner<test::kSoftmaxInside, test::kAdamSlices, param_memory>::learns_and_infers();
}

constinit StaticArena<std::max(static_arena_bytes<test::kResidual>, static_arena_bytes<test::kJoined>)> shared;
constinit StaticSession<test::kResidual, param_memory, kDefaultPlan, shared> shared_residual;
constinit StaticSession<test::kJoined, param_memory, kDefaultPlan, shared> shared_joined;
static_assert(sizeof shared_residual <= 16, "its values are in the shared arena");

TEST(static_session, several_share_an_arena) {
  fill_params(6);
  for (std::uint32_t turn = 0; turn < 3; ++turn) {
    fill(shared_residual.input<float>(), turn);
    shared_residual.run();
    std::array<float, 4> y{};
    std::copy_n(shared_residual.output<float>().begin(), 4, y.begin());
    EXPECT_TRUE(same_bits(y, outputs_of(test::kResidual.model(params_bytes()), arena(), turn)));
    fill(shared_joined.input<float>(), turn);
    shared_joined.run();
    y = {shared_joined.output<float>()[0]};
    EXPECT_TRUE(same_bits(y, outputs_of(test::kJoined.model(params_bytes()), arena(), turn)));
  }
}

StaticTrainer<test::kResidual, test::kSgd> plain_trainer;
StaticTrainer<test::kResidual, test::kSgd> asked_trainer;

TEST(misuse, a_static_trainer_starts_as_a_trainer_does) {
  Result<Trainer> planned = Trainer::create(test::kResidual.model(), test::kSgd, arena());
  ASSERT_TRUE(planned.ok());
  EXPECT_FALSE(plain_trainer.trained());
  const std::span<std::byte> asked = asked_trainer.parameters(), wanted = planned->parameters();
  EXPECT_TRUE(asked_trainer.trained());
  EXPECT_TRUE(std::equal(asked.begin(), asked.end(), wanted.begin(), wanted.end()));
  for (std::uint32_t step = 0; step < 4; ++step) {  // without init_params()
    fill_slice(plain_trainer, step);
    fill_slice(*planned, step);
    const Result<float> a = plain_trainer.step(), b = planned->step();
    ASSERT_TRUE(a.ok() && b.ok());
    EXPECT_EQ(std::bit_cast<std::uint32_t>(*a), std::bit_cast<std::uint32_t>(*b)) << step;
  }
  const std::span<std::byte> learned = plain_trainer.parameters();
  EXPECT_TRUE(std::equal(learned.begin(), learned.end(), wanted.begin(), wanted.end()));
}

StaticTrainer<test::kResidual, test::kAdamSlices> restored_trainer;

TEST(misuse, state_may_be_restored_before_parameters) {
  const Values<std::byte> first = restored_trainer.optimizer_state1(), second = restored_trainer.optimizer_state2();
  ASSERT_FALSE(first.empty() || second.empty());
  std::fill(first.begin(), first.end(), std::byte{0x11});
  std::fill(second.begin(), second.end(), std::byte{0x22});
  std::ranges::fill(restored_trainer.parameters(), std::byte{0x33});
  EXPECT_EQ(std::count(first.begin(), first.end(), std::byte{0x11}), static_cast<std::ptrdiff_t>(first.size()));
  EXPECT_EQ(std::count(second.begin(), second.end(), std::byte{0x22}), static_cast<std::ptrdiff_t>(second.size()));
}

template <class AnyTrainer>
void evaluate_between_slices(AnyTrainer& trainer, bool evaluates) {
  trainer.init_params(3);
  for (std::uint32_t slice = 0; slice < 6; ++slice) {
    fill_slice(trainer, slice);
    ASSERT_TRUE(trainer.step().ok());
    if (!evaluates) continue;
    fill_slice(trainer, slice + 100);
    ASSERT_TRUE(trainer.evaluate().ok());
  }
  EXPECT_EQ(trainer.updates(), 2U);
}

StaticTrainer<test::kResidual, test::kAdamSlices> slices;

TEST(misuse, evaluate_between_slices_keeps_what_was_taken) {
  Result<Trainer> planned = Trainer::create(test::kResidual.model(), test::kAdamSlices, arena());
  ASSERT_TRUE(planned.ok());
  evaluate_between_slices(slices, false);
  evaluate_between_slices(*planned, true);
  std::span<std::byte> a = slices.parameters(), b = planned->parameters();
  EXPECT_TRUE(std::equal(a.begin(), a.end(), b.begin(), b.end()));
  evaluate_between_slices(*planned, false);
  evaluate_between_slices(slices, true);
  a = slices.parameters(), b = planned->parameters();
  EXPECT_TRUE(std::equal(a.begin(), a.end(), b.begin(), b.end()));
}

constexpr TrainConfig kSquares{.loss = Loss::squared_error, .batch = 3, .sample_weights = true};
StaticTrainer<test::kResidual, test::kSgd> label_trainer;
StaticTrainer<test::kResidual, kSquares> target_trainer;

/// What was left out in the first step, and what in a later one.
template <class AnyTrainer>
void asks_for_what_is_missing(AnyTrainer& trainer, bool labels) {
  const std::uint32_t samples = trainer.slice_samples();
  const auto expect = [&](Code code, std::uint32_t sample, const char* what) {
    for (const Status& status : {trainer.step().status(), trainer.evaluate().status()}) {
      EXPECT_EQ(status.code, code) << what;
      EXPECT_EQ(status.detail, sample) << what;
    }
  };
  const auto write_input = [&] { fill(trainer.input(), 1); };
  const auto write_targets = [&] {
    std::fill(trainer.labels().begin(), trainer.labels().end(), 1);
    std::fill(trainer.targets().begin(), trainer.targets().end(), 0.5F);
  };
  const auto write_weights = [&] { std::fill(trainer.sample_weights().begin(), trainer.sample_weights().end(), 1.0F); };
  const Values<float> input = trainer.input();  // asked for once, written later
  if (labels)
    for (float& t : trainer.targets()) t = 1.0F;  // of which there are none
  expect(Code::missing_targets, 0, "nothing was written");
  write_input();
  expect(Code::missing_targets, 0, "no targets");
  write_targets();
  if (!labels) expect(Code::missing_targets, 0, "no weights");
  write_weights();
  EXPECT_TRUE(trainer.evaluate().ok());
  write_input();
  EXPECT_TRUE(trainer.step().ok());
  EXPECT_EQ(trainer.step().status().code, Code::missing_input);
  EXPECT_EQ(trainer.evaluate().status().code, Code::missing_input);
  std::fill(input.begin(), input.end(), 0.25F);
  expect(Code::missing_targets, 0, "the labels or targets of the last step");
  write_targets();
  if (!labels) expect(Code::missing_targets, 0, "the weights of the last step");
  write_weights();
  EXPECT_TRUE(trainer.step().ok());
  for (std::uint32_t written = 0; written + 1 < samples; ++written) {  // not for all samples
    std::fill_n(input.begin(), input.size() / samples * (written + 1), 0.25F);
    const Status status = trainer.step().status();
    EXPECT_EQ(status.code, Code::missing_input);
    EXPECT_EQ(status.detail, written + 1);
  }
  write_input();
  write_weights();
  if (labels) {
    for (std::uint32_t i = 0; i + 1 < samples; ++i) trainer.labels()[i] = 0;
  } else {
    const std::size_t outputs = trainer.targets().size() / samples;
    std::fill_n(trainer.targets().begin(), outputs * (samples - 1), 0.0F);
  }
  expect(Code::missing_targets, samples - 1, "the last sample's");
  write_targets();
  EXPECT_TRUE(trainer.step().ok());
  EXPECT_EQ(trainer.updates(), 3U);
}

TEST(misuse, what_was_not_written_is_asked_for) {
  asks_for_what_is_missing(label_trainer, true);
  asks_for_what_is_missing(target_trainer, false);
  std::fill(memory.begin(), memory.end(), std::byte{0});  // no values of an earlier trainer
  Result<Trainer> planned = Trainer::create(test::kResidual.model(), test::kSgd, arena());
  ASSERT_TRUE(planned.ok());
  asks_for_what_is_missing(*planned, true);
  std::fill(memory.begin(), memory.end(), std::byte{0});
  planned = Trainer::create(test::kResidual.model(), kSquares, arena());
  ASSERT_TRUE(planned.ok());
  asks_for_what_is_missing(*planned, false);
}

TEST(misuse, minimize_asks_for_it_too) {
  constexpr TrainConfig kFull{.loss = Loss::squared_error, .optimizer = lbfgs(), .batch = 6, .micro_batch = 2};
  static constexpr auto kNet = sequential(input(3), dense(2));
  Result<Trainer> trainer = Trainer::create(kNet.model(), kFull, arena());
  ASSERT_TRUE(trainer.ok());
  const Status status = trainer
                            ->minimize([](auto& t, std::uint32_t slice) {
                              fill(t.input(), slice);
                              for (float& value : t.targets().first(slice == 2 ? 2 : 4)) value = 0.5F;
                            })
                            .status();
  EXPECT_EQ(status.code, Code::missing_targets);
  EXPECT_EQ(status.detail, 5U) << "the last sample of six";
}

TEST(misuse, evaluate_needs_no_more_than_is_of_interest) {
  Result<Trainer> trainer = Trainer::create(test::kResidual.model(), test::kSgd, arena());
  ASSERT_TRUE(trainer.ok());
  fill_slice(*trainer, 1);
  ASSERT_TRUE(trainer->step().ok());
  std::fill(trainer->labels().begin(), trainer->labels().end(), 0);
  for (int part = 0; part < 2; ++part) {
    fill(trainer->input().first(trainer->input().size() / 4), 1);  // one sample of four
    EXPECT_TRUE(trainer->evaluate().ok());
  }
  fill(trainer->input().first(trainer->input().size() / 4), 1);
  const Status status = trainer->step().status();
  EXPECT_EQ(status.code, Code::missing_input) << "a step wants all of them";
  EXPECT_EQ(status.detail, 1U);
}

TEST(values, are_spans) {
  Result<Trainer> trainer = Trainer::create(test::kResidual.model(), test::kSgd, arena());
  ASSERT_TRUE(trainer.ok());
  const Values<float> values = trainer->input();
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i);
  EXPECT_EQ(values.front(), 0.0F);
  EXPECT_EQ(values.back(), static_cast<float>(values.size() - 1));
  EXPECT_EQ(values.first(5).size(), 5U);
  EXPECT_EQ(values.first(5).back(), 4.0F);
  EXPECT_EQ(values.last(2).front(), static_cast<float>(values.size() - 2));
  EXPECT_EQ(values.subspan(7).front(), 7.0F);
  EXPECT_EQ(values.subspan(7).size(), values.size() - 7);
  EXPECT_EQ(values.subspan(7, 2).size(), 2U);
  static_assert(decltype(values.first<3>())::extent == 3);
  EXPECT_EQ(values.first<3>().back(), 2.0F);
  EXPECT_EQ(values.last<2>().front(), static_cast<float>(values.size() - 2));
  EXPECT_EQ((values.subspan<7, 2>().back()), 8.0F);
  const Values<const float> read_only = values;
  EXPECT_EQ(read_only.size(), values.size());
  EXPECT_EQ(values.subspan(values.size()).size(), 0U);
  EXPECT_EQ(argmax(trainer->input()), values.size() - 1);
  const std::span<float> span = trainer->input();
  const std::span<const float> constant = trainer->input();
  EXPECT_EQ(span.data(), constant.data());
  EXPECT_EQ(Values<float>().subspan(0).size(), 0U);
  static_assert(std::ranges::borrowed_range<Values<float>> && std::ranges::view<Values<float>> &&
                std::ranges::contiguous_range<Values<float>>);
}

}  // namespace
}  // namespace mote
