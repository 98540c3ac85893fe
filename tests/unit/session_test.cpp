// SPDX-License-Identifier: Apache-2.0
// Session and StaticSession: the arena's exact size, every error of create(), and the same bits from a plan that the
// compiler made and from one made at run time. Session's numbers are tested in execute_test.cpp.
#include "mote/run/session.hpp"

#include <algorithm>
#include <bit>

#include "check.hpp"
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

constexpr std::byte kUntouched{0xA5};

void fill_params(Random& random) {
  for (float& p : param_memory) p = 0.25F + 0.25F * random.real();  // positive: some are variances
}

/// An arena of exactly `bytes`, with marked bytes behind it.
std::span<std::byte> exact_arena(std::size_t bytes) {
  std::fill(memory.begin(), memory.begin() + static_cast<std::ptrdiff_t>(bytes + 64), kUntouched);
  return std::span(memory).first(bytes);
}
bool untouched_behind(std::size_t bytes) {
  return std::all_of(memory.begin() + static_cast<std::ptrdiff_t>(bytes),
                     memory.begin() + static_cast<std::ptrdiff_t>(bytes + 64),
                     [](std::byte b) { return b == kUntouched; });
}

TEST(session, exactly_the_required_arena_will_do) {
  Random random(7);
  fill_params(random);
  for (std::uint32_t seed = 0; seed < kRandomGraphs / 2; ++seed) {
    const RandomGraph graph = test::random_graph(seed);
    const Model model = graph.model(params_bytes());
    PlanOptions options;
    options.batch = random.between(1, 3);
    options.alignment = 4U << random.below(8);
    const Result<std::size_t> needed = required_arena_bytes(model, options, workspace);
    ASSERT_TRUE(needed.ok()) << "graph " << seed;
    ASSERT_LE(*needed, kArenaBytes) << "graph " << seed;
    const Result<std::size_t> by_stack = required_arena_bytes(model, options);
    if (by_stack.ok()) {
      EXPECT_EQ(*by_stack, *needed);
    } else {
      EXPECT_EQ(by_stack.status().code, Code::output_too_small);
      EXPECT_GT(by_stack.status().detail, kStackTableBytes);
    }
    const Status less = Session::create(model, exact_arena(*needed - 1), options).status();
    EXPECT_EQ(less.code, Code::arena_too_small);
    EXPECT_EQ(less.detail, *needed);
    Result<Session> session = Session::create(model, exact_arena(*needed), options);
    ASSERT_TRUE(session.ok()) << "graph " << seed << ": " << name(session.status().code);
    EXPECT_EQ(session->arena_bytes(), *needed);
    std::fill(session->input<float>().begin(), session->input<float>().end(), 0.5F);
    session->run();
    EXPECT_TRUE(untouched_behind(*needed)) << "graph " << seed;
    EXPECT_EQ(session->output<float>().size(), options.batch * model.output_shape().elements());
  }
}

TEST(session, a_small_arena_says_what_is_needed) {
  const Model model = test::kResidual.model(params_bytes());
  const Result<std::size_t> needed = required_arena_bytes(model);
  ASSERT_TRUE(needed.ok());
  for (std::size_t bytes = 0; bytes < *needed; bytes += 61) {
    const Status status = Session::create(model, exact_arena(bytes)).status();
    EXPECT_EQ(status.code, Code::arena_too_small) << bytes;
    EXPECT_EQ(status.detail, *needed) << bytes;
    EXPECT_TRUE(untouched_behind(bytes)) << bytes;
  }
  EXPECT_EQ(Session::create(model, {}).status().detail, *needed);
  for (std::size_t more = 1; more < 5; ++more) {  // lengths that are no multiple of four
    EXPECT_TRUE(Session::create(model, exact_arena(*needed + more)).ok());
    EXPECT_TRUE(untouched_behind(*needed + more));
  }
}

/// A chain whose plan tables exceed what the stack holds.
std::array<Layer, 400> long_layers;
Model long_model() {
  std::array<const char*, long_layers.size()> labels{};
  std::uint32_t bytes = 0;
  for (std::size_t i = 0; i < long_layers.size(); ++i) {
    const Result<Layer> layer = resolve(i == 0       ? input(3)
                                        : i % 2 == 0 ? silu()
                                                     : dense(3),
                                        std::span<const Layer>(long_layers).first(i), std::span(labels).first(i), 16);
    EXPECT_TRUE(layer.ok());
    long_layers[i] = *layer;
    bytes = std::max(bytes, layer->param_offset + layer->param_bytes);
  }
  return {long_layers, params_bytes(), bytes, 16};
}

TEST(session, plans_larger_than_the_stack_tables) {
  const Model model = long_model();
  const Result<PlanSize> size = plan_size(model, {});
  ASSERT_TRUE(size.ok());
  ASSERT_GT(size->table_bytes(), kStackTableBytes);
  const Status unknown = required_arena_bytes(model).status();
  EXPECT_EQ(unknown.code, Code::output_too_small);
  EXPECT_EQ(unknown.detail, size->table_bytes());
  EXPECT_EQ(
      required_arena_bytes(model, kDefaultPlan, std::span(workspace).first(size->table_bytes() - 1)).status().detail,
      size->table_bytes());
  EXPECT_FALSE(required_arena_bytes(model, kDefaultPlan, std::span(workspace).subspan(1, size->table_bytes())).ok())
      << "misaligned";
  const Result<std::size_t> needed =
      required_arena_bytes(model, kDefaultPlan, std::span(workspace).first(size->table_bytes()));
  ASSERT_TRUE(needed.ok());
  EXPECT_TRUE(Session::create(model, exact_arena(*needed)).ok());
  EXPECT_TRUE(untouched_behind(*needed));
  const Status less = Session::create(model, exact_arena(*needed - 1)).status();
  EXPECT_EQ(less.code, Code::arena_too_small);
  EXPECT_EQ(less.detail, *needed);
  const Status least = Session::create(model, exact_arena(100)).status();  // does not hold the tables either
  EXPECT_EQ(least.code, Code::arena_too_small);
  EXPECT_EQ(least.detail, size->table_bytes());
}

TEST(session, refuses_what_it_cannot_run) {
  const Model model = test::kResidual.model(params_bytes());
  const auto code = [&](const Model& m, const PlanOptions& options) {
    return Session::create(m, std::span(memory).first(kArenaBytes), options).status();
  };
  EXPECT_EQ(code(test::kResidual.model(), {}).code, Code::missing_parameters);
  EXPECT_EQ(code(test::kResidual.model(), {}).layer, 1);
  EXPECT_EQ(code(model, {.batch = 0}).code, Code::bad_batch);
  EXPECT_EQ(code(model, {.training = true}).code, Code::bad_option);
  for (const std::uint32_t alignment : {0U, 1U, 2U, 3U, 12U, 8192U, 0x80000000U}) {
    EXPECT_EQ(code(model, {.alignment = alignment}).code, Code::bad_option) << alignment;
  }
  EXPECT_EQ(code(model, {.batch = 0xFFFFFFFF}).code, Code::plan_too_large);
  EXPECT_EQ(code(model, {.batch = 0x10000000}).code, Code::plan_too_large);
  EXPECT_EQ(code({}, {}).code, Code::no_layers);
  const Status misaligned = Session::create(model, std::span(memory).subspan(4, 65536)).status();
  EXPECT_EQ(misaligned.code, Code::arena_misaligned);
  EXPECT_EQ(misaligned.detail, 16U);
  EXPECT_EQ(Session::create(model, std::span(memory).subspan(16, 65536), {.alignment = 64}).status().code,
            Code::arena_misaligned);
}

TEST(session, external_input_bounds_count_too) {
  // The input has no buffer, yet batch times its size must stay countable in 32 bits.
  constexpr auto kWide = sequential(input(1024, 1024, 256), global_average_pool());
  EXPECT_EQ(plan_size(kWide.model(), {.batch = 64, .external_input = true}).status().code, Code::plan_too_large);
}

TEST(session, a_model_that_only_passes_its_input_on) {
  const Model model = test::kAliases.model();
  Result<Session> session = Session::create(model, std::span(memory).first(kArenaBytes), {.batch = 2});
  ASSERT_TRUE(session.ok());
  for (std::size_t i = 0; i < 48; ++i) session->input<float>()[i] = static_cast<float>(i);
  session->run();
  ASSERT_EQ(session->output<float>().size(), 48U);
  EXPECT_EQ(session->output<float>()[47], 47.0F);
  // There is no value of its own that a session could show.
  EXPECT_EQ(Session::create(model, std::span(memory).first(kArenaBytes), {.external_input = true}).status().code,
            Code::bad_option);
  constexpr auto kInputAlone = sequential(input(3));
  Result<Session> alone = Session::create(kInputAlone.model(), std::span(memory).first(kArenaBytes));
  ASSERT_TRUE(alone.ok());
  alone->input<float>()[2] = 3.0F;
  alone->run();
  EXPECT_EQ(alone->output<float>()[2], 3.0F);
}

TEST(session, sessions_are_values_and_show_where_they_are) {
  const Model model = test::kPerceptron.model(params_bytes());
  Result<Session> made = Session::create(model, std::span(memory).first(kArenaBytes));
  ASSERT_TRUE(made.ok());
  Session session = *made;
  EXPECT_EQ(session.cursor(), 0U);
  session.run();
  EXPECT_EQ(session.cursor() + 1U, session.plan().steps.size());
  EXPECT_EQ(session.model().layers.data(), model.layers.data());
  EXPECT_NE(session.isa(), nullptr);
  const std::span<float> output = session.output<float>();
  EXPECT_EQ(output.data(), made->output<float>().data());
  EXPECT_EQ(Session().output<float>().size(), 0U);
}

template <const auto& kNet, const PlanOptions& kOptions>
void compare_static() {
  static StaticSession<kNet, param_memory, kOptions> fixed;
  Result<Session> session = Session::create(kNet.model(params_bytes()), std::span(memory).first(kArenaBytes), kOptions);
  ASSERT_TRUE(session.ok());
  EXPECT_EQ(fixed.arena_bytes, session->plan().arena_bytes);
  EXPECT_LE(fixed.arena_bytes, sizeof fixed);
  Random random(11);
  for (int repeat = 0; repeat < 3; ++repeat) {
    std::span<float> a = fixed.template input<float>(), b = session->input<float>();
    ASSERT_EQ(a.size(), b.size());
    for (std::size_t i = 0; i < a.size(); ++i) a[i] = b[i] = random.real();
    fixed.run();
    session->run();
    a = fixed.template output<float>(), b = session->output<float>();
    ASSERT_EQ(a.size(), b.size());
    for (std::size_t i = 0; i < a.size(); ++i)
      EXPECT_EQ(std::bit_cast<std::uint32_t>(a[i]), std::bit_cast<std::uint32_t>(b[i])) << "output " << i;
    EXPECT_EQ(fixed.cursor(), session->cursor());
  }
}

TEST(session, static_sessions_give_the_same_bits) {
  Random random(13);
  fill_params(random);
  compare_static<test::kPerceptron, kDefaultPlan>();
  compare_static<test::kResidual, kDefaultPlan>();
  compare_static<test::kResidual, test::kBatchOfThree>();
  compare_static<test::kJoined, kDefaultPlan>();
  compare_static<test::kSoftmaxInside, test::kBatchOfThree>();
  compare_static<test::kAliases, test::kBatchOfThree>();
}

TEST(session, argmax_takes_the_first_of_equals) {
  const std::array<float, 5> values{-3.0F, 2.0F, 7.0F, 7.0F, 1.0F};
  EXPECT_EQ(argmax(std::span<const float>(values)), 2U);
  EXPECT_EQ(argmax(std::span<const float>(values).first(1)), 0U);
  EXPECT_EQ(argmax(std::span<const float>()), 0U);
  std::array<std::int8_t, 3> bytes{-128, -1, -2};
  EXPECT_EQ(argmax(std::span<std::int8_t>(bytes)), 1U);
  static_assert(argmax(std::span<const int>(std::array<int, 0>{})) == 0);
}

}  // namespace
}  // namespace mote
