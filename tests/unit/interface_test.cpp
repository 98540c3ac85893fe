// SPDX-License-Identifier: Apache-2.0
// Models with several inputs and outputs, constants, states, operands in the table, and element types that are only
// passed on: planned, run, trained, against values computed by hand.
#include "mote/run/interface.hpp"

#include <array>
#include <cstring>

#include "check.hpp"
#include "mote/mote.hpp"

namespace mote {
namespace {

alignas(64) std::array<std::byte, 16 * 1024> arena;

/// a + b and relu(a) are outputs; a itself is one too.
constexpr auto kTwo =
    sequential(input(3).as("a"), output(), input(3).as("b"), add("a").as("sum"), output(), relu().reads("a"), output());

TEST(interface, several_inputs_and_outputs) {
  static_assert(kTwo.model().input_count() == 2 && kTwo.model().output_count() == 3);
  Result<Session> session = Session::create(kTwo.model(), arena, {.batch = 2});
  ASSERT_TRUE(session.ok());
  const std::array<float, 6> a{1.0F, -2.0F, 3.0F, -4.0F, 5.0F, -6.0F};
  ASSERT_EQ(session->input(0).size(), 6U);
  ASSERT_EQ(session->input(1).size(), 6U);
  EXPECT_TRUE(session->input(2).empty());
  EXPECT_TRUE(session->output(3).empty());
  for (int run = 0; run < 2; ++run) {
    for (std::size_t i = 0; i < 6; ++i) session->input(0)[i] = a[i], session->input(1)[i] = 10.0F;
    session->run();
    for (std::size_t i = 0; i < 6; ++i) {
      EXPECT_EQ(session->output(0)[i], a[i]);
      EXPECT_EQ(session->output(1)[i], a[i] + 10.0F);
      EXPECT_EQ(session->output(2)[i], a[i] > 0.0F ? a[i] : 0.0F);
    }
  }
  EXPECT_EQ(required_arena_bytes(kTwo.model(), PlanOptions{.external_input = true}).status(),
            bad_option(Option::external_input));
}

StaticSession<kTwo> two;

/// An external input that is an output is copied there.
TEST(interface, an_external_input_is_shown) {
  constexpr auto kShown = sequential(input(2).as("x"), dropout(0.5F), output(), neg().reads("x"), output());
  Result<Session> session = Session::create(kShown.model(), arena, {.batch = 2, .external_input = true});
  ASSERT_TRUE(session.ok());
  const std::array<float, 4> x{1.0F, -2.0F, 3.0F, -4.0F};
  session->set_input(x.data());
  session->run();
  ASSERT_EQ(session->output(0).size(), 4U);
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(session->output(0)[i], x[i]);
    EXPECT_EQ(session->output(1)[i], -x[i]);
  }
}

TEST(interface, known_to_the_compiler) {
  for (std::size_t i = 0; i < 3; ++i) two.input()[i] = -1.0F, two.input<float, 1>()[i] = static_cast<float>(i);
  two.run();
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(two.output()[i], -1.0F);
    EXPECT_EQ((two.output<float, 1>()[i]), static_cast<float>(i) - 1.0F);
    EXPECT_EQ((two.output<float, 2>()[i]), 0.0F);
  }
}

/// y = h + x, and h becomes y: a running sum.
constexpr auto kSum =
    sequential(input(2).as("x"), state(1, 1, 2).as("h"), add("x").as("y"), assign("h"), relu().reads("y"));
StaticSession<kSum> static_sum;

TEST(interface, states_live_from_run_to_run) {
  Result<Session> session = Session::create(kSum.model(), arena, {.batch = 2});
  ASSERT_TRUE(session.ok());
  for (int round = 0; round < 2; ++round) {
    float sums[4] = {}, static_sums[2] = {};
    for (int run = 0; run < 3; ++run) {
      for (std::size_t i = 0; i < 4; ++i) {
        const float x = static_cast<float>(run) - static_cast<float>(i);
        session->input()[i] = x, sums[i] += x;
        if (i < 2) static_sum.input()[i] = x, static_sums[i] += x;
      }
      session->run();
      static_sum.run();
      for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(session->output()[i], sums[i] > 0.0F ? sums[i] : 0.0F);
      for (std::size_t i = 0; i < 2; ++i)
        EXPECT_EQ(static_sum.output()[i], static_sums[i] > 0.0F ? static_sums[i] : 0.0F);
    }
    session->reset_state();
    static_sum.reset_state();
  }
}

TEST(interface, a_state_may_begin_with_what_the_model_says) {
  auto net = kSum;
  net.layers[1].param_dtype = DType::f32, net.layers[1].param_bytes = 8, net.param_bytes = 8;
  alignas(16) const std::array<float, 2> initial{5.0F, 7.0F};
  Result<Session> session =
      Session::create(net.model(reinterpret_cast<const std::byte*>(initial.data())), arena, {.batch = 2});
  ASSERT_TRUE(session.ok());
  for (float& x : session->input()) x = 1.0F;
  session->run();
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(session->output()[i], initial[i % 2] + 1.0F);
}

/// Eight-bit integers: what comes in is kept, and what was kept comes out.
TEST(interface, states_of_integers_begin_at_their_zero_point) {
  auto net = sequential(input(3).as("x"), state(1, 1, 3).as("h"), output(), identity().reads("x"), assign("h"));
  for (Layer& layer : net.layers) layer.dtype = DType::u8, layer.quantization = {0.5F, 100};
  Result<Session> session = Session::create(net.model(), arena);
  ASSERT_TRUE(session.ok());
  for (std::uint8_t run = 0; run < 3; ++run) {
    for (std::uint8_t& x : session->input<std::uint8_t>()) x = run;
    session->run();
    for (const std::uint8_t y : session->output<std::uint8_t>()) EXPECT_EQ(y, run == 0 ? 100 : run - 1);
  }
}

TEST(interface, constants_are_read_where_they_lie) {
  constexpr auto kNet = sequential(input(4).as("x"), constant(1, 1, 4), add("x"), relu());
  alignas(16) const std::array<float, 4> values{1.0F, 2.0F, 3.0F, 4.0F};
  static_assert(kNet.param_bytes == sizeof values);
  Result<Session> session = Session::create(kNet.model(reinterpret_cast<const std::byte*>(values.data())), arena);
  ASSERT_TRUE(session.ok());
  for (int run = 0; run < 2; ++run) {
    for (float& x : session->input()) x = -2.5F;
    session->run();
    for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(session->output()[i], values[i] > 2.5F ? values[i] - 2.5F : 0.0F);
  }
  EXPECT_EQ(values[0], 1.0F);
}

/// concat and add of nine values, whose indices stand in the table.
TEST(interface, any_number_of_operands) {
  for (const Op op : {Op::concat, Op::add}) {
    std::array<Layer, 11> layers{};
    layers[0].shape = {1, 1, 2};
    for (std::size_t i = 1; i < 10; ++i) {
      layers[i] = detail::spec(Op::elu).layer;
      layers[i].input_count = 1, layers[i].shape = {1, 1, 2};
      layers[i].inputs[0] = static_cast<std::uint16_t>(i - 1);
    }
    layers[10].op = op, layers[10].input_count = 9, layers[10].inputs[0] = 2;
    layers[10].shape = {1, 1, op == Op::concat ? 18U : 2U};
    constexpr std::array<std::uint16_t, 11> kTable{7, 7, 9, 8, 7, 6, 5, 4, 3, 2, 1};
    Model model{layers};
    model.operands = kTable;
    Result<Session> session = Session::create(model, arena);
    ASSERT_TRUE(session.ok()) << static_cast<int>(session.status().code);
    session->input()[0] = 1.0F, session->input()[1] = 2.0F;
    session->run();
    ASSERT_EQ(session->output().size(), op == Op::concat ? 18U : 2U);
    for (std::size_t i = 0; i < session->output().size(); ++i) {
      const float x = i % 2 == 0 ? 1.0F : 2.0F;  // above zero elu passes on
      EXPECT_EQ(session->output()[i], op == Op::concat ? x : 9.0F * x);
    }
    layers[10].inputs[0] = 3;
    EXPECT_EQ(validate(model).code, Code::bad_input_count) << "past the table's end";
  }
}

TEST(interface, states_are_read_before_they_are_assigned) {
  const auto status = [](auto net, std::size_t layer, std::uint16_t operand) {
    net.layers[layer].inputs[0] = operand;
    return validate(net.model());
  };
  constexpr auto kNet = sequential(input(2).as("x"), state(1, 1, 2).as("h"), reshape(1, 2, 1), reshape(1, 1, 2),
                                   add("x"), assign("h"), relu());
  ASSERT_TRUE(validate(kNet.model()).ok());
  const Status late = status(kNet, 6, 1), through_a_view = status(kNet, 6, 3);
  EXPECT_EQ(late, (Status{Code::state_read_after_assign, 6, 1}));
  EXPECT_EQ(through_a_view, (Status{Code::state_read_after_assign, 6, 3}));
  auto twice = sequential(input(2).as("x"), state(1, 1, 2).as("h"), add("x"), assign("h"), relu());
  twice.layers[4] = twice.layers[3];
  EXPECT_EQ(validate(twice.model()), (Status{Code::state_read_after_assign, 4, 1}));
  auto elsewhere = twice;
  elsewhere.layers[3].inputs[1] = 0;
  EXPECT_EQ(validate(elsewhere.model()), (Status{Code::not_a_state, 3, 0}));
}

/// Two inputs into one loss, beside an output that the loss does not see and a state.
constexpr auto kTrained = sequential(input(2).as("a"), dense(3).as("left"), input(4).as("b"), dense(3),
                                     add("left").as("m"), state(1, 1, 3).as("h"), add("m").as("s"), assign("h"),
                                     relu().reads("s"), dense(1), output(), dense(5).reads("s"), output());
constexpr TrainConfig kConfig{
    .loss = Loss::squared_error, .optimizer = sgd({.learning_rate = 0.05F}), .batch = 2, .micro_batch = 2};
StaticTrainer<kTrained, kConfig> static_trainer;

TEST(interface, trainers_take_several_inputs) {
  Result<Trainer> trainer = Trainer::create(kTrained.model(), kConfig, arena);
  ASSERT_TRUE(trainer.ok());
  ASSERT_EQ(trainer->input(1).size(), 8U);
  const auto fill = [](auto& t, float by) {
    for (float& x : t.input(0)) x = by;
    for (float& x : t.input(1)) x = -by;
    for (float& y : t.targets()) y = 2.0F * by;
  };
  float first = 0.0F, last = 0.0F;
  for (int step = 0; step < 60; ++step) {
    fill(*trainer, 0.5F), fill(static_trainer, 0.5F);
    const Result<float> loss = trainer->step(), same = static_trainer.step();
    ASSERT_TRUE(loss.ok() && same.ok());
    EXPECT_EQ(*loss, *same);
    if (step == 0) first = *loss;
    last = *loss;
    trainer->reset_state(), static_trainer.reset_state();
  }
  EXPECT_LT(last, 0.05F * first);
  for (float& x : trainer->input(0)) x = 1.0F;
  for (float& y : trainer->targets()) y = 1.0F;
  EXPECT_EQ(trainer->step().status().code, Code::missing_input) << "the second input is used up";
}

/// y = h W + x, and x becomes h: the gradient of W is that of the h which was read, zero in the first slice.
constexpr auto kKept = sequential(input(2).as("x"), state(1, 1, 2).as("h"), dense(2, {.bias = false}).as("d"),
                                  identity().reads("x"), assign("h"), add("d"));
constexpr TrainConfig kKeptConfig{.loss = Loss::squared_error, .optimizer = sgd({.learning_rate = 1.0F})};
StaticTrainer<kKept, kKeptConfig> static_kept;

TEST(interface, backward_steps_read_states_as_they_were) {
  alignas(16) const std::array<float, 4> weights{1.0F, 0.0F, 0.0F, 1.0F};
  const Model model = kKept.model(reinterpret_cast<const std::byte*>(weights.data()));
  Result<Trainer> trainer = Trainer::create(model, kKeptConfig, arena);
  ASSERT_TRUE(trainer.ok() && static_kept.load_params(model).ok());
  const auto check = [](auto& t, float x, float y, std::array<float, 4> expected) {
    for (float& value : t.input()) value = x;
    for (float& value : t.targets()) value = y;
    ASSERT_TRUE(t.step().ok());
    std::array<float, 4> now{};
    std::memcpy(now.data(), t.parameters().data(), sizeof now);
    EXPECT_EQ(now, expected);
  };
  for (int k = 0; k < 2; ++k) {  // after a reset too
    check(*trainer, 2.0F, 1.0F, {1.0F, 0.0F, 0.0F, 1.0F});
    check(static_kept, 2.0F, 1.0F, {1.0F, 0.0F, 0.0F, 1.0F});
    trainer->reset_state(), static_kept.reset_state();
  }
  check(*trainer, 0.25F, 0.0F, {1.0F, 0.0F, 0.0F, 1.0F});
  check(static_kept, 0.25F, 0.0F, {1.0F, 0.0F, 0.0F, 1.0F});
  // h = 0.25, y = 0.5: each weight loses h times 2 (y - 0.25).
  check(*trainer, 0.25F, 0.25F, {0.875F, -0.125F, -0.125F, 0.875F});
  check(static_kept, 0.25F, 0.25F, {0.875F, -0.125F, -0.125F, 0.875F});
}

/// The loss reads the logits, although a state keeps what a layer makes of them that only the state reads.
TEST(interface, the_loss_reads_beside_what_makes_a_state) {
  constexpr auto kFedBack = sequential(input(2).as("x"), state(1, 1, 2).as("h"), add("x"), dense(2).as("logits"),
                                       output(), relu().reads("logits"), assign("h"));
  alignas(16) const std::array<float, 6> params{1.0F, 0.0F, 0.0F, 1.0F, 0.0F, 0.0F};
  const Model model = kFedBack.model(reinterpret_cast<const std::byte*>(params.data()));
  Result<Trainer> trainer = Trainer::create(model, kKeptConfig, arena);
  ASSERT_TRUE(trainer.ok());
  trainer->input()[0] = -3.0F, trainer->input()[1] = 1.0F;
  trainer->targets()[0] = trainer->targets()[1] = 0.0F;
  EXPECT_EQ(trainer->evaluate()->loss, 10.0F);
}

TEST(interface, a_constant_is_nothing_to_train) {
  constexpr auto kNet =
      sequential(input(2).as("x"), constant(1, 1, 2), reshape(1, 2, 1), output(), dense(2).reads("x"), output());
  EXPECT_EQ(validate(kNet.model(), kKeptConfig).code, Code::nothing_to_train);
}

TEST(interface, names) {
  Model model = kTwo.model();
  constexpr char kNames[] = "a\0first\0b\0\0sum\0\0relu";
  model.names = {kNames, sizeof kNames};
  EXPECT_EQ(name(model, 0), "a");
  EXPECT_EQ(name(model, 1), "first");
  EXPECT_EQ(name(model, 3), "");
  EXPECT_EQ(name(model, 6), "relu");
  EXPECT_EQ(name(kTwo.model(), 1), "");
}

TEST(interface, a_constant_is_an_output_by_a_record_only) {
  constexpr auto kNet = sequential(input(2), constant(1, 1, 3), reshape(3, 1, 1), output());
  Model model = kNet.model();
  EXPECT_TRUE(validate(model).ok());
  for (const std::size_t layers : {std::size_t{3}, std::size_t{2}}) {
    model.layers = model.layers.first(layers);
    EXPECT_EQ(validate(model), (Status{Code::constant_output, static_cast<std::uint16_t>(layers - 1), 1}));
  }
  constexpr auto kKeeps = sequential(input(2).as("x"), state(1, 1, 2).as("h"), add("x"), assign("h"), output());
  Model without = kKeeps.model();
  without.layers = without.layers.first(4);
  EXPECT_EQ(validate(without), (Status{Code::constant_output, 3, 1})) << "assign has no value to put out";
}

}  // namespace
}  // namespace mote
