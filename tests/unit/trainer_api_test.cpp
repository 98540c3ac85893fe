// SPDX-License-Identifier: Apache-2.0
// Trainer and StaticTrainer: errors and what they leave untouched, the arena's exact size, parameters in and out, and
// the same bits from both. Trainer's numbers are tested in execute_test.cpp, learning in tests/train/.
#include <algorithm>
#include <bit>

#include "check.hpp"
#include "mote/run/session.hpp"
#include "unit/memory.hpp"
#include "unit/networks.hpp"
#include "unit/random_graph.hpp"

namespace mote {
namespace {

using test::kRandomGraphs;
using test::Random;
using test::RandomGraph;

using test::kArenaBytes;
using test::memory;
using test::param_memory;
using test::params_bytes;
using test::workspace;

alignas(64) std::array<std::byte, 16 * 1024> second_memory;
constexpr std::byte kUntouched{0xA5};

void fill_params(std::uint32_t seed) {
  Random random(seed);
  for (float& p : param_memory) p = 0.25F + 0.25F * random.real();
}
std::span<std::byte> exact_arena(std::size_t bytes) {
  std::fill(memory.begin(), memory.begin() + static_cast<std::ptrdiff_t>(bytes + 64), kUntouched);
  return std::span(memory).first(bytes);
}

template <class AnyTrainer>
void fill_slice(AnyTrainer& trainer, Random& random, std::int32_t classes) {
  for (float& x : trainer.input()) x = random.real();
  for (float& t : trainer.targets()) t = random.real();
  for (float& w : trainer.sample_weights()) w = 1.0F + 0.5F * random.real();
  for (std::int32_t& label : trainer.labels()) {
    label = static_cast<std::int32_t>(random.below(static_cast<std::uint32_t>(classes)));
    if (trainer.config().signed_labels) label = 2 * label - 1;
  }
}
std::uint32_t hash(std::span<const std::byte> bytes) {
  std::uint32_t h = 2166136261U;
  for (const std::byte b : bytes) h = (h ^ static_cast<std::uint32_t>(b)) * 16777619U;
  return h;
}

TEST(trainer, exactly_the_required_arena_will_do) {
  fill_params(3);
  std::uint32_t tried = 0;
  for (std::uint32_t seed = 0; seed < kRandomGraphs / 2; ++seed) {
    const RandomGraph graph = test::random_graph(seed);
    const Model model = graph.model(params_bytes());
    Random random(seed + 77);
    const TrainConfig config = test::random_config(random, model);
    const Result<std::size_t> needed = required_arena_bytes(model, config, workspace);
    if (needed.status().code == Code::nothing_to_train) continue;
    ASSERT_TRUE(needed.ok()) << "graph " << seed << ": " << name(needed.status().code);
    if (*needed > kArenaBytes) continue;
    const Status less = Trainer::create(model, config, exact_arena(*needed - 1)).status();
    EXPECT_EQ(less.code, Code::arena_too_small);
    EXPECT_EQ(less.detail, *needed);
    Result<Trainer> trainer = Trainer::create(model, config, exact_arena(*needed));
    ASSERT_TRUE(trainer.ok()) << "graph " << seed << ": " << name(trainer.status().code);
    EXPECT_EQ(trainer->arena_bytes(), *needed);
    trainer->set_input(param_memory.data());
    for (int slice = 0; slice < 3; ++slice) {
      fill_slice(*trainer, random, 1);
      static_cast<void>(trainer->step().ok());  // a random network may diverge
      static_cast<void>(trainer->evaluate().ok());
    }
    const auto behind = memory.begin() + static_cast<std::ptrdiff_t>(*needed);
    EXPECT_TRUE(std::all_of(behind, behind + 64, [](std::byte b) { return b == kUntouched; })) << "graph " << seed;
    ++tried;
  }
  EXPECT_GE(tried, kRandomGraphs / 5);
}

TEST(trainer, refuses_what_it_cannot_train) {
  const auto create = [](const Model& model, const TrainConfig& config) {
    return Trainer::create(model, config, std::span(memory).first(kArenaBytes)).status();
  };
  const Model model = test::kResidual.model();
  const auto option = [](Option o) { return static_cast<std::uint32_t>(o); };
  const auto refuses = [&](const TrainConfig& config, Option o) {
    const Status status = create(model, config);
    EXPECT_EQ(status.code, Code::bad_option) << name(status.code);
    EXPECT_EQ(status.detail, option(o));
  };
  EXPECT_TRUE(create(model, {}).ok());
  EXPECT_EQ(create({}, {}).code, Code::no_layers);
  EXPECT_EQ(create(model, {.batch = 0}).code, Code::bad_batch);
  EXPECT_EQ(create(model, {.batch = 6, .micro_batch = 4}).code, Code::bad_batch);
  EXPECT_EQ(create(model, {.batch = 0xFFFFFFFF}).code, Code::plan_too_large);
  refuses({.optimizer = sgd({.learning_rate = 0.0F})}, Option::optimizer);
  refuses({.optimizer = sgd({.learning_rate = __builtin_nanf("")})}, Option::optimizer);
  refuses({.schedule = step_schedule({.period = 0})}, Option::schedule);
  for (const float bad : {-1.0F, __builtin_inff(), __builtin_nanf("")}) {
    refuses({.clip_value = bad}, Option::clip_value);
    refuses({.clip_norm = bad}, Option::clip_norm);
    refuses({.l1 = bad}, Option::l1);
    refuses({.l2 = bad}, Option::l2);
  }
  for (const std::uint32_t alignment : {0U, 2U, 3U, 24U, 8192U}) refuses({.alignment = alignment}, Option::alignment);
  refuses({.loss = Loss::binary_cross_entropy, .targets = Targets::labels}, Option::targets);  // seven outputs
  constexpr auto kFrozen = sequential(input(3), dense(2, {.trainable = false}), relu());
  EXPECT_EQ(create(kFrozen.model(params_bytes()), {}).code, Code::nothing_to_train);
  constexpr auto kBare = sequential(input(3), relu());
  EXPECT_EQ(create(kBare.model(), {}).code, Code::nothing_to_train);
  const Status missing = create(test::kPerceptron.model(), {});
  EXPECT_EQ(missing.code, Code::missing_parameters);
  EXPECT_EQ(missing.layer, 1);
  EXPECT_EQ(Trainer::create(model, {}, std::span(memory).subspan(4)).status().code, Code::arena_misaligned);
}

/// What every error must leave as it was.
struct Snapshot {
  explicit Snapshot(Trainer& t)
      : parameters(hash(t.parameters())),
        state1(hash(t.optimizer_state1())),
        state2(hash(t.optimizer_state2())),
        updates(t.updates()) {}
  bool operator==(const Snapshot&) const = default;
  std::uint32_t parameters, state1, state2, updates;
};

void errors_change_nothing(const TrainConfig& config) {
  Random random(5);
  Result<Trainer> made = Trainer::create(test::kResidual.model(), config, std::span(memory).first(kArenaBytes));
  ASSERT_TRUE(made.ok());
  Trainer& trainer = *made;
  const std::uint32_t slices = config.batch / slice_samples(config);
  for (std::uint32_t slice = 0; slice < slices; ++slice) {
    fill_slice(trainer, random, 5);
    ASSERT_TRUE(trainer.step().ok());
  }
  EXPECT_EQ(trainer.updates(), 1U);
  const Snapshot before(trainer);
  for (const std::int32_t label : std::array<std::int32_t, 4>{-1, 5, INT32_MAX, INT32_MIN}) {
    fill_slice(trainer, random, 5);
    trainer.labels().back() = label;
    const Status status = trainer.step().status();
    EXPECT_EQ(status.code, Code::label_out_of_range);
    EXPECT_EQ(status.detail, trainer.labels().size() - 1);
    EXPECT_EQ(trainer.evaluate().status().code, Code::label_out_of_range);
  }
  EXPECT_TRUE(Snapshot(trainer) == before);
  for (const float poison : {__builtin_nanf(""), __builtin_inff()}) {
    for (std::uint32_t good = 0; good < slices; ++good) {  // in the first slice of a batch and in each later one
      for (std::uint32_t slice = 0; slice < good; ++slice) {
        fill_slice(trainer, random, 5);
        ASSERT_TRUE(trainer.step().ok());
      }
      fill_slice(trainer, random, 5);
      for (float& x : trainer.input()) x = poison;
      EXPECT_EQ(trainer.step().status().code, Code::non_finite_loss);
      EXPECT_TRUE(Snapshot(trainer) == before);
    }
  }
  for (std::uint32_t slice = 0; slice < slices; ++slice) {  // and it goes on
    fill_slice(trainer, random, 5);
    ASSERT_TRUE(trainer.step().ok());
  }
  EXPECT_EQ(trainer.updates(), 2U);
  EXPECT_FALSE(Snapshot(trainer) == before);
}

TEST(trainer, an_error_in_a_step_changes_nothing) {
  errors_change_nothing(test::kSgd);
  errors_change_nothing(test::kAdamSlices);
  errors_change_nothing({.optimizer = momentum(), .batch = 3});
}

TEST(trainer, a_gradient_that_overflows_is_found_before_the_update) {
  constexpr auto kNet = sequential(input(2), dense(2));
  const TrainConfig config{.loss = Loss::squared_error, .optimizer = momentum(), .batch = 1, .clip_norm = 1.0F};
  Result<Trainer> trainer = Trainer::create(kNet.model(), config, std::span(memory).first(kArenaBytes));
  ASSERT_TRUE(trainer.ok());
  trainer->init_params(3, Initializer::uniform, 1e-10F);
  const Snapshot before(*trainer);
  for (float& x : trainer->input()) x = 1e25F;  // outputs of 1e15, a loss of 1e30, gradients of 1e40
  for (float& t : trainer->targets()) t = 0.0F;
  EXPECT_EQ(trainer->step().status().code, Code::non_finite_gradient);
  EXPECT_TRUE(Snapshot(*trainer) == before);
}

TEST(trainer, external_input_must_be_given) {
  TrainConfig config = test::kSgd;
  config.external_input = true;
  Result<Trainer> trainer = Trainer::create(test::kResidual.model(), config, std::span(memory).first(kArenaBytes));
  ASSERT_TRUE(trainer.ok());
  EXPECT_EQ(trainer->input().size(), 0U);
  for (std::int32_t& label : trainer->labels()) label = 0;
  EXPECT_EQ(trainer->step().status().code, Code::missing_input);
  EXPECT_EQ(trainer->evaluate().status().code, Code::missing_input);
  trainer->set_input(param_memory.data());
  EXPECT_TRUE(trainer->step().ok());
}

TEST(trainer, binary_labels) {
  constexpr auto kNet = sequential(input(2), dense(1));
  for (const bool with_sign : {false, true}) {
    const TrainConfig config{.loss = Loss::binary_cross_entropy, .signed_labels = with_sign};
    Result<Trainer> trainer = Trainer::create(kNet.model(), config, std::span(memory).first(kArenaBytes));
    ASSERT_TRUE(trainer.ok());
    ASSERT_EQ(trainer->labels().size(), 1U);
    for (const std::int32_t label : {-2, -1, 0, 1, 2}) {
      trainer->input()[0] = trainer->input()[1] = 0.5F;
      trainer->labels()[0] = label;
      const bool good = label == 1 || label == (with_sign ? -1 : 0);
      EXPECT_EQ(trainer->evaluate().status().code, good ? Code::ok : Code::label_out_of_range) << label;
    }
  }
}

TEST(trainer, parameters_go_in_and_out) {
  fill_params(9);
  const TrainConfig config{.optimizer = adam(), .batch = 2, .alignment = 64};
  Result<Trainer> trainer =
      Trainer::create(test::kPerceptron.model(params_bytes()), config, std::span(memory).first(kArenaBytes));
  ASSERT_TRUE(trainer.ok());
  Model model = trainer->model();
  for (std::size_t i = 1; i < model.layers.size(); ++i) {  // they start as the model's
    const std::byte* given = params_bytes() + model.layers[i].param_offset;
    EXPECT_TRUE(std::equal(given, given + model.layers[i].param_bytes, layer_params(model, i))) << "layer " << i;
  }
  Random random(1);
  for (int step = 0; step < 3; ++step) {
    fill_slice(*trainer, random, 3);
    ASSERT_TRUE(trainer->step().ok());
  }
  EXPECT_EQ(trainer->updates(), 3U);
  fill_slice(*trainer, random, 3);
  std::array<float, 40> input{};
  std::copy(trainer->input().begin(), trainer->input().end(), input.begin());
  ASSERT_TRUE(trainer->evaluate().ok());
  Result<Session> session = Session::create(trainer->model(), second_memory, {.batch = 2});
  ASSERT_TRUE(session.ok());
  std::copy(input.begin(), input.end(), session->input<float>().begin());
  session->run();
  for (std::size_t i = 0; i < 6; ++i)
    EXPECT_EQ(std::bit_cast<std::uint32_t>(session->output<float>()[i]),
              std::bit_cast<std::uint32_t>(trainer->output()[i]))
        << i;
  ASSERT_TRUE(trainer->load_params(test::kPerceptron.model(params_bytes())).ok());  // back to the start
  EXPECT_EQ(trainer->updates(), 0U);
  model = trainer->model();
  EXPECT_TRUE(std::equal(params_bytes() + model.layers[3].param_offset,
                         params_bytes() + model.layers[3].param_offset + model.layers[3].param_bytes,
                         layer_params(model, 3)));
  for (const std::byte b : trainer->optimizer_state2()) EXPECT_EQ(static_cast<int>(b), 0);
}

TEST(trainer, refuses_foreign_parameters) {
  Result<Trainer> trainer = Trainer::create(test::kResidual.model(), test::kSgd, std::span(memory).first(kArenaBytes));
  ASSERT_TRUE(trainer.ok());
  EXPECT_EQ(trainer->load_params(test::kResidual.model()).code, Code::missing_parameters);
  EXPECT_EQ(trainer->load_params(test::kJoined.model(params_bytes())).code, Code::size_mismatch);
  auto other = test::kResidual;
  other.layers[11].param_bytes += 4;
  EXPECT_EQ(trainer->load_params(other.model(params_bytes())).code, Code::size_mismatch);
  EXPECT_EQ(trainer->load_params(other.model(params_bytes())).layer, 11);
  auto frozen = test::kResidual;  // its parameters are in the model's block, and there is none
  frozen.layers[1].flags = Layer::kHasBias;
  Model model = frozen.model();
  model.trained_params = params_bytes();
  const Status status = trainer->load_params(model);
  EXPECT_EQ(status.code, Code::missing_parameters);
  EXPECT_EQ(status.layer, 1);
}

TEST(trainer, a_seed_repeats_a_run) {
  std::array<std::uint32_t, 3> hashes{};
  for (std::size_t run = 0; run < 3; ++run) {
    TrainConfig config{.loss = Loss::squared_error, .optimizer = momentum(), .batch = 2};
    config.seed = run == 2 ? 43 : 42;                                           // kJoined has dropout
    std::fill(memory.begin(), memory.end(), static_cast<std::byte>(run * 85));  // what was in the arena does not matter
    Result<Trainer> trainer = Trainer::create(test::kJoined.model(), config, std::span(memory).first(kArenaBytes));
    ASSERT_TRUE(trainer.ok());
    trainer->init_params(7);
    Random random(1);
    for (int step = 0; step < 4; ++step) {
      fill_slice(*trainer, random, 2);
      ASSERT_TRUE(trainer->step().ok());
    }
    hashes[run] = hash(trainer->parameters());
  }
  EXPECT_EQ(hashes[0], hashes[1]);
  EXPECT_NE(hashes[0], hashes[2]);
}

TEST(trainer, an_epoch_counts_slices_and_hits) {
  Result<Trainer> made =
      Trainer::create(test::kResidual.model(), test::kAdamSlices, std::span(memory).first(kArenaBytes));
  ASSERT_TRUE(made.ok());
  Random random(2);
  int slices = 0;
  double loss = 0.0;
  std::uint64_t correct = 0;
  const auto epoch = made->train_epoch([&](auto& trainer) {
    if (slices != 0) loss += static_cast<double>(trainer.last_result().loss), correct += trainer.last_result().correct;
    if (slices == 9) return false;
    fill_slice(trainer, random, 5);
    return ++slices != 0;
  });
  ASSERT_TRUE(epoch.ok());
  EXPECT_EQ(epoch->samples, 18U);
  EXPECT_EQ(epoch->loss, loss / 9);
  EXPECT_EQ(epoch->correct, correct);
  EXPECT_EQ(made->updates(), 3U);
  const auto none = made->train_epoch([](auto&) { return false; });
  ASSERT_TRUE(none.ok());
  EXPECT_EQ(none->samples, 0U);
  EXPECT_EQ(none->loss, 0.0);
  const auto failed = made->train_epoch([&](auto& trainer) {
    fill_slice(trainer, random, 5);
    trainer.labels()[0] = 99;
    return true;
  });
  EXPECT_EQ(failed.status().code, Code::label_out_of_range);
}

template <const auto& kNet, const TrainConfig& kConfig, const auto& kFrozen = kNoParams>
void compare_static(std::int32_t classes) {
  static StaticTrainer<kNet, kConfig, kFrozen> fixed;
  const bool frozen = sizeof(kFrozen) >= kNet.param_bytes;
  Result<Trainer> trainer =
      Trainer::create(kNet.model(frozen ? params_bytes() : nullptr), kConfig, std::span(memory).first(kArenaBytes));
  ASSERT_TRUE(trainer.ok()) << name(trainer.status().code);
  EXPECT_EQ(fixed.arena_bytes, trainer->plan().arena_bytes);
  fixed.init_params(21);
  trainer->init_params(21);
  Random a(4), b(4);
  for (int slice = 0; slice < 12; ++slice) {
    fill_slice(fixed, a, classes);
    fill_slice(*trainer, b, classes);
    const Result<float> x = fixed.step(), y = trainer->step();
    ASSERT_TRUE(x.ok() && y.ok()) << "slice " << slice;
    EXPECT_EQ(std::bit_cast<std::uint32_t>(*x), std::bit_cast<std::uint32_t>(*y)) << "slice " << slice;
  }
  EXPECT_EQ(fixed.updates(), trainer->updates());
  ASSERT_EQ(fixed.parameters().size(), trainer->parameters().size());
  EXPECT_TRUE(std::equal(fixed.parameters().begin(), fixed.parameters().end(), trainer->parameters().begin()));
  EXPECT_TRUE(std::equal(fixed.optimizer_state1().begin(), fixed.optimizer_state1().end(),
                         trainer->optimizer_state1().begin()));
  EXPECT_TRUE(std::equal(fixed.optimizer_state2().begin(), fixed.optimizer_state2().end(),
                         trainer->optimizer_state2().begin()));
  fill_slice(fixed, a, classes);
  fill_slice(*trainer, b, classes);
  const Result<LossResult> x = fixed.evaluate(), y = trainer->evaluate();
  ASSERT_TRUE(x.ok() && y.ok());
  EXPECT_EQ(std::bit_cast<std::uint32_t>(x->loss), std::bit_cast<std::uint32_t>(y->loss));
  EXPECT_EQ(x->correct, y->correct);
  EXPECT_TRUE(std::equal(fixed.output().begin(), fixed.output().end(), trainer->output().begin()));
}

TEST(trainer, static_trainers_give_the_same_bits) {
  fill_params(31);
  compare_static<test::kResidual, test::kSgd>(5);
  compare_static<test::kResidual, test::kAdamSlices>(5);
  compare_static<test::kJoined, test::kSgdPenalized>(1);
  compare_static<test::kJoined, test::kMomentumBinary>(2);
  compare_static<test::kPerceptron, test::kSgd, param_memory>(3);
  compare_static<test::kSoftmaxInside, test::kAdamSlices, param_memory>(2);
}

}  // namespace
}  // namespace mote
