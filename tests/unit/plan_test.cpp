// SPDX-License-Identifier: Apache-2.0
// The planner's properties on random networks: nothing that lives together overlaps, every step finds what it needs
// (plan_simulation.hpp), counts are exact, the lower bound is one. And the arenas of known networks, in bytes.
#include "mote/plan/planner.hpp"

#if !defined(MOTE_BARE_METAL)
#include <cstdio>
#endif

#include "check.hpp"
#include "mote/model/builders.hpp"
#include "unit/plan_simulation.hpp"
#include "unit/random_graph.hpp"

namespace mote {
namespace {

using test::kRandomGraphs;
using test::Random;
using test::RandomGraph;

constexpr std::size_t kSteps = 400, kBuffers = 400;
std::array<Step, kSteps + 1> steps, steps_again;
std::array<Buffer, kBuffers + 1> buffers, buffers_again;

bool same(const Step& a, const Step& b) {
  return a.kind == b.kind && a.input_index == b.input_index && a.layer == b.layer && a.input == b.input &&
         a.output == b.output && a.second == b.second && a.grad_output == b.grad_output &&
         a.grad_input == b.grad_input && a.param_grad == b.param_grad && a.saved == b.saved && a.scratch == b.scratch &&
         a.params == b.params && a.param_grad_offset == b.param_grad_offset && a.trained == b.trained &&
         a.fused == b.fused;
}
bool same(const Buffer& a, const Buffer& b) {
  return a.bytes == b.bytes && a.offset == b.offset && a.first_step == b.first_step && a.last_step == b.last_step &&
         a.kind == b.kind && a.layer == b.layer;
}

/// plan_size() is exact: arrays of that size do, the entry behind them is left alone, one less is refused.
Result<Plan> plan_exactly(const Model& model, const PlanOptions& options) {
  const Result<PlanSize> size = plan_size(model, options);
  EXPECT_TRUE(size.ok());
  EXPECT_LE(size->steps, kSteps);
  EXPECT_LE(size->buffers, kBuffers);
  if (!size.ok() || size->steps > kSteps || size->buffers > kBuffers) return Status{Code::plan_too_large};
  const Step step_guard{.layer = 4711};
  const Buffer buffer_guard{.bytes = 4711};
  steps[size->steps] = step_guard;
  buffers[size->buffers] = buffer_guard;
  const Result<Plan> plan =
      make_plan(model, options, std::span(steps).first(size->steps), std::span(buffers).first(size->buffers));
  EXPECT_TRUE(same(steps[size->steps], step_guard));
  EXPECT_TRUE(same(buffers[size->buffers], buffer_guard));
  EXPECT_TRUE(plan.ok());
  EXPECT_EQ(plan->steps.size(), size->steps);
  EXPECT_EQ(plan->buffers.size(), size->buffers);
  const Status few_steps =
      make_plan(model, options, std::span(steps_again).first(size->steps - 1), buffers_again).status();
  EXPECT_EQ(few_steps.code, Code::output_too_small);
  EXPECT_EQ(few_steps.detail, size->table_bytes());
  if (size->buffers > 0) {
    EXPECT_EQ(make_plan(model, options, steps_again, std::span(buffers_again).first(size->buffers - 1)).status().code,
              Code::output_too_small);
  }
  const Result<Plan> again = make_plan(model, options, steps_again, buffers_again);
  EXPECT_TRUE(again.ok());
  bool equal = again->arena_bytes == plan->arena_bytes && again->steps.size() == size->steps &&
               again->buffers.size() == size->buffers;
  for (std::size_t i = 0; equal && i < size->steps; ++i) equal = same(steps[i], steps_again[i]);
  for (std::size_t i = 0; equal && i < size->buffers; ++i) equal = same(buffers[i], buffers_again[i]);
  EXPECT_TRUE(equal) << "planning twice gives two plans";
  return plan;
}

std::uint64_t room(const Buffer& b, std::uint32_t alignment) {
  return (std::uint64_t{b.bytes} + kGuardBytes + alignment - 1) / alignment * alignment;
}

void check_places(const Plan& plan, const PlanOptions& options) {
  std::uint64_t end = 0;
  bool aligned = true, apart = true;
  for (const Buffer& a : plan.buffers) {
    aligned = aligned && a.offset % options.alignment == 0;
    end = end < a.offset + room(a, options.alignment) ? a.offset + room(a, options.alignment) : end;
    for (const Buffer& b : plan.buffers)
      if (&a != &b && a.first_step <= b.last_step && b.first_step <= a.last_step)
        apart = apart && (a.offset + std::uint64_t{a.bytes} + kGuardBytes <= b.offset ||
                          b.offset + std::uint64_t{b.bytes} + kGuardBytes <= a.offset || a.bytes + b.bytes == 0);
  }
  EXPECT_TRUE(aligned);
  EXPECT_TRUE(apart) << "two buffers that live together overlap";
  EXPECT_EQ(plan.arena_bytes, end);
}

std::uint64_t most_live_bytes(const Plan& plan, const PlanOptions& options) {
  std::uint64_t most = 0;
  for (std::size_t step = 0; step < plan.steps.size(); ++step) {
    std::uint64_t live = 0;
    for (const Buffer& b : plan.buffers)
      if (b.first_step <= step && step <= b.last_step) live += room(b, options.alignment);
    most = live > most ? live : most;
  }
  return most;
}

/// Lives are as short as the steps allow: from the first use (or the start, where the caller writes) to the last (or
/// the end, where it must stay).
void check_lives(const Plan& plan, const PlanOptions& options) {
  for (std::size_t i = 0; i < plan.buffers.size(); ++i) {
    const auto b = static_cast<std::uint16_t>(i);
    std::size_t first = plan.steps.size(), last = 0;
    for (std::size_t s = 0; s < plan.steps.size(); ++s) {
      const Step& step = plan.steps[s];
      const bool labels =
          step.kind == StepKind::loss && (b == plan.labels || b == plan.targets || b == plan.sample_weights);
      if (!labels && step.input != b && step.output != b && step.second != b && step.grad_output != b &&
          step.grad_input != b && step.param_grad != b && step.saved != b && step.scratch != b)
        continue;
      first = s < first ? s : first, last = s;
    }
    const bool always = b == plan.parameters || b == plan.state1 || b == plan.state2 || b == plan.param_gradients ||
                        b == plan.gradient_norms;
    const bool by_caller =
        always || b == plan.input || b == plan.labels || b == plan.targets || b == plan.sample_weights;
    if (always || (b == plan.output && !options.training)) last = plan.steps.size() - 1;
    EXPECT_EQ(plan.buffers[i].first_step, by_caller ? 0 : first) << "buffer " << i;
    EXPECT_EQ(plan.buffers[i].last_step, last) << "buffer " << i;
  }
}

/// How far arenas are from the lower bound.
struct Tightness {
  std::uint32_t plans = 0, at_bound = 0, within_one_percent = 0;
  std::uint32_t sums = 0, gradients = 0;  // made by the kernel before, taken by the kernel that makes them
  double worst = 1.0;
  void count(const Plan& plan) {
    for (const Step& s : plan.steps) {
      sums += s.sum != kNoLayer ? 1 : 0;
      gradients += s.kind == StepKind::grad_input && s.activation != kNoLayer ? 1 : 0;
    }
    if (plan.lower_bound_bytes == 0) return;  // external input that is only passed on
    const double ratio = static_cast<double>(plan.arena_bytes) / static_cast<double>(plan.lower_bound_bytes);
    ++plans, at_bound += plan.arena_bytes == plan.lower_bound_bytes ? 1 : 0;
    within_one_percent += ratio <= 1.01 ? 1 : 0;
    worst = ratio > worst ? ratio : worst;
  }
  void report(const char* what) const {
    EXPECT_GE(at_bound * 10, plans * 9) << "nine plans of ten need no byte more than what is alive at once";
    EXPECT_LT(worst, 1.5);
#if !defined(MOTE_BARE_METAL)
    std::printf(
        "  %s: %u plans, %u at the lower bound (%.1f %%), %u within 1 %%, worst ratio %.4f; %u joined sums, %u joined "
        "gradients\n",
        what, plans, at_bound, 100.0 * at_bound / plans, within_one_percent, worst, sums, gradients);
#else
    static_cast<void>(what);
#endif
  }
};

void check_plan(const Model& model, const PlanOptions& options, std::uint32_t slices, Tightness& tightness,
                std::uint32_t seed) {
  const Result<Plan> plan = plan_exactly(model, options);
  if (!plan.ok()) return;
  check_places(*plan, options);
  check_lives(*plan, options);
  EXPECT_EQ(plan->lower_bound_bytes, most_live_bytes(*plan, options)) << "graph " << seed;
  EXPECT_GE(plan->arena_bytes, plan->lower_bound_bytes) << "graph " << seed;
  test::PlanSimulation simulation(model, options, *plan);
  const char* const wrong = simulation.run(slices);
  EXPECT_TRUE(wrong == nullptr) << "graph " << seed << ", step " << simulation.step() << ": "
                                << (wrong != nullptr ? wrong : "");
  tightness.count(*plan);
}

TEST(plan, inference_of_random_graphs) {
  Tightness tightness;
  for (std::uint32_t seed = 0; seed < kRandomGraphs; ++seed) {
    const RandomGraph graph = test::random_graph(seed);
    ASSERT_TRUE(validate(graph.model()).ok()) << "graph " << seed << ": " << name(validate(graph.model()).code);
    EXPECT_EQ(graph.wrongly_reported, 0U) << "graph " << seed;
    Random random(seed + 1000000);
    PlanOptions options;
    options.batch = random.between(1, 4);
    options.alignment = 4U << random.below(11);
    options.external_input = random.chance(25);
    check_plan(graph.model(), options, 1, tightness, seed);
  }
  tightness.report("inference");
  EXPECT_GE(tightness.sums, kRandomGraphs / 20);
}

TEST(plan, training_of_random_graphs) {
  Tightness tightness;
  for (std::uint32_t seed = 0; seed < kRandomGraphs; ++seed) {
    const RandomGraph graph = test::random_graph(seed);
    Random random(seed + 2000000);
    const TrainConfig config = test::random_config(random, graph.model(), 4096);
    ASSERT_TRUE(validate(config).ok()) << "graph " << seed;
    bool trainable = false;
    for (const Layer& layer : graph.model().layers) trainable = trainable || (layer.flags & Layer::kTrainable) != 0;
    if (!trainable) continue;
    check_plan(graph.model(), plan_options(config), config.batch / slice_samples(config), tightness, seed);
  }
  EXPECT_GE(tightness.plans, kRandomGraphs / 2);
  tightness.report("training");
  EXPECT_GE(tightness.sums, kRandomGraphs / 40);
  EXPECT_GE(tightness.gradients, kRandomGraphs / 40);
}

TEST(plan, full_batches_of_random_graphs) {
  Tightness tightness;
  for (std::uint32_t seed = 0; seed < kRandomGraphs / 2; ++seed) {
    const RandomGraph graph = test::random_graph(seed);
    Random random(seed + 3000000);
    TrainConfig config = test::random_config(random, graph.model(), 4096);
    const auto history = static_cast<std::uint8_t>(random.between(1, 4));
    config.optimizer = random.chance(50) ? lbfgs({.history = history}) : gradient_descent();
    config.clip_norm = config.clip_value = config.l1 = 0.0F;
    ASSERT_TRUE(validate(config).ok()) << "graph " << seed;
    bool trainable = false;
    for (const Layer& layer : graph.model().layers) trainable = trainable || (layer.flags & Layer::kTrainable) != 0;
    if (!trainable) continue;
    check_plan(graph.model(), plan_options(config), config.batch / slice_samples(config), tightness, seed);
  }
  tightness.report("full batches");
}

}  // namespace
}  // namespace mote
