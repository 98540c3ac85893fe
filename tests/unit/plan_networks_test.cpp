// SPDX-License-Identifier: Apache-2.0
// Arenas of known networks, in bytes, and plans made by the compiler against plans made at run time.
#include "check.hpp"
#include "mote/plan/planner.hpp"
#include "unit/networks.hpp"

namespace mote {
namespace {

constexpr std::size_t kSteps = 256, kBuffers = 256;
std::array<Step, kSteps> steps;
std::array<Buffer, kBuffers> buffers;

std::uint64_t bytes_of_kind(const Plan& plan, BufferKind kind) {
  std::uint64_t bytes = 0;
  for (const Buffer& b : plan.buffers)
    if (b.kind == kind) bytes += b.bytes;
  return bytes;
}

constexpr auto kFourLayers =
    sequential(input(784), dense(512), relu(), dense(512), relu(), dense(512), relu(), dense(10));

TEST(plan, four_dense_layers_train_in_four_megabytes) {
  const TrainConfig config{.optimizer = sgd(), .batch = 32, .external_input = true};
  const Result<Plan> plan = make_plan(kFourLayers.model(), plan_options(config), steps, buffers);
  ASSERT_TRUE(plan.ok());
  constexpr std::uint32_t parameters = 4 * (784 * 512 + 512 + 2 * (512 * 512 + 512) + 512 * 10 + 10);
  constexpr std::uint32_t hidden = 32 * 512 * 4, logits = 32 * 10 * 4, labels = 32 * 4;
  EXPECT_EQ(bytes_of_kind(*plan, BufferKind::parameters), (parameters + 15U) / 16 * 16);
  EXPECT_EQ(bytes_of_kind(*plan, BufferKind::param_gradient), 0U) << "plain gradient descent needs no gradient buffer";
  EXPECT_EQ(bytes_of_kind(*plan, BufferKind::activation), 3 * hidden + logits);
  EXPECT_LE(plan->arena_bytes, 4058408U);
  EXPECT_EQ(plan->arena_bytes, plan->lower_bound_bytes);
  if (kGuardBytes == 0) {
    EXPECT_EQ(plan->arena_bytes, (parameters + 15U) / 16 * 16 + 4 * hidden + logits + (labels > logits ? labels : 0));
  }
}

TEST(plan, slices_trade_activations_for_a_block_of_gradients) {
  TrainConfig config{.optimizer = sgd(), .batch = 256, .external_input = true};
  const Result<Plan> whole = make_plan(kFourLayers.model(), plan_options(config), steps, buffers);
  ASSERT_TRUE(whole.ok());
  const std::uint32_t whole_bytes = whole->arena_bytes;
  const std::uint64_t activations = bytes_of_kind(*whole, BufferKind::activation);
  config.micro_batch = 8;
  const Result<Plan> slices = make_plan(kFourLayers.model(), plan_options(config), steps, buffers);
  ASSERT_TRUE(slices.ok());
  EXPECT_EQ(bytes_of_kind(*slices, BufferKind::activation), activations / 32);
  EXPECT_EQ(bytes_of_kind(*slices, BufferKind::param_gradient), bytes_of_kind(*slices, BufferKind::parameters));
  EXPECT_GT(slices->arena_bytes, 2 * bytes_of_kind(*slices, BufferKind::parameters));
  EXPECT_GT(whole_bytes, bytes_of_kind(*slices, BufferKind::parameters) + activations);
}

constexpr ConvOptions kStride1{.filter = {3, 3}, .padding = Padding::same}, kPointwise{.filter = {1, 1}};
constexpr ConvOptions kStride2{.filter = {3, 3}, .stride = {2, 2}, .padding = Padding::same};
// MobileNetV1 at width 0.25 for visual wake words.
constexpr auto kMobileNet = sequential(
    input(96, 96, 3), conv2d(8, kStride2), relu6(), depthwise_conv2d(1, kStride1), relu6(), conv2d(16, kPointwise),
    relu6(), depthwise_conv2d(1, kStride2), relu6(), conv2d(32, kPointwise), relu6(), depthwise_conv2d(1, kStride1),
    relu6(), conv2d(32, kPointwise), relu6(), depthwise_conv2d(1, kStride2), relu6(), conv2d(64, kPointwise), relu6(),
    depthwise_conv2d(1, kStride1), relu6(), conv2d(64, kPointwise), relu6(), depthwise_conv2d(1, kStride2), relu6(),
    conv2d(128, kPointwise), relu6(), depthwise_conv2d(1, kStride1), relu6(), conv2d(128, kPointwise), relu6(),
    depthwise_conv2d(1, kStride1), relu6(), conv2d(128, kPointwise), relu6(), depthwise_conv2d(1, kStride1), relu6(),
    conv2d(128, kPointwise), relu6(), depthwise_conv2d(1, kStride1), relu6(), conv2d(128, kPointwise), relu6(),
    depthwise_conv2d(1, kStride1), relu6(), conv2d(128, kPointwise), relu6(), depthwise_conv2d(1, kStride2), relu6(),
    conv2d(256, kPointwise), relu6(), depthwise_conv2d(1, kStride1), relu6(), conv2d(256, kPointwise), relu6(),
    global_average_pool(), dense(2), softmax());

TEST(plan, mobilenet_activations_reach_the_lower_bound) {
  const Result<Plan> plan = make_plan(kMobileNet.model(), {}, steps, buffers);
  ASSERT_TRUE(plan.ok());
  // 48 x 48 x 8 into 48 x 48 x 16 floats. ReLU6 runs in place, so no layer needs more.
  EXPECT_EQ(bytes_of_kind(*plan, BufferKind::scratch), 0U);
  if (kGuardBytes == 0) {
    EXPECT_EQ(plan->arena_bytes, 221184U);
  }
  EXPECT_EQ(plan->arena_bytes, plan->lower_bound_bytes);
}

TEST(plan, a_frozen_part_costs_what_inference_costs) {
  constexpr auto kAllTrained = sequential(input(64), dense(64), relu(), dense(64), relu(), dense(64), relu(), dense(4));
  constexpr auto kHeadTrained =
      sequential(input(64), dense(64, {.trainable = false}), relu(), dense(64, {.trainable = false}), relu(),
                 dense(64, {.trainable = false}), relu(), dense(4));
  const PlanOptions options = plan_options({.optimizer = adam(), .batch = 8});
  const Result<Plan> all = make_plan(kAllTrained.model(), options, steps, buffers);
  ASSERT_TRUE(all.ok());
  EXPECT_EQ(bytes_of_kind(*all, BufferKind::parameters), 4U * (3 * (64 * 64 + 64) + 64 * 4 + 4));
  const Result<Plan> head = make_plan(kHeadTrained.model(), options, steps, buffers);
  ASSERT_TRUE(head.ok());
  const std::uint64_t trained = 4U * (64 * 4 + 4);
  EXPECT_EQ(bytes_of_kind(*head, BufferKind::parameters), trained);
  EXPECT_EQ(bytes_of_kind(*head, BufferKind::optimizer_state1), trained);
  EXPECT_EQ(bytes_of_kind(*head, BufferKind::param_gradient), trained);
  EXPECT_EQ(bytes_of_kind(*head, BufferKind::gradient), 0U) << "the loss writes its gradient over the logits";
  for (const Step& step : head->steps)
    EXPECT_TRUE(step.kind != StepKind::grad_input) << "no value's gradient is wanted";
  const std::uint64_t two_layers = 2U * 8 * 64 * 4, labels = 8 * 4;
  EXPECT_LE(head->arena_bytes, 3 * trained + two_layers + labels + trained + 16 * kGuardBytes);
}

template <const auto& kNet, const PlanOptions& kOptions>
void compare_plans() {
  static constexpr auto kStatic = static_plan<kNet, kOptions>();
  const Plan a = kStatic.view();
  const Result<Plan> b = make_plan(kNet.model(), kOptions, steps, buffers);
  ASSERT_TRUE(b.ok());
  ASSERT_EQ(a.steps.size(), b->steps.size());
  ASSERT_EQ(a.buffers.size(), b->buffers.size());
  for (std::size_t i = 0; i < a.steps.size(); ++i) {
    const Step &s = a.steps[i], &d = b->steps[i];
    EXPECT_TRUE(s.kind == d.kind && s.input_index == d.input_index && s.layer == d.layer && s.input == d.input &&
                s.output == d.output && s.second == d.second && s.grad_output == d.grad_output &&
                s.grad_input == d.grad_input && s.param_grad == d.param_grad && s.saved == d.saved &&
                s.scratch == d.scratch && s.params == d.params && s.param_grad_offset == d.param_grad_offset &&
                s.trained == d.trained && s.fused == d.fused)
        << "step " << i;
  }
  for (std::size_t i = 0; i < a.buffers.size(); ++i) {
    const Buffer &s = a.buffers[i], &d = b->buffers[i];
    EXPECT_TRUE(s.bytes == d.bytes && s.offset == d.offset && s.first_step == d.first_step &&
                s.last_step == d.last_step && s.kind == d.kind && s.layer == d.layer)
        << "buffer " << i;
  }
  EXPECT_EQ(a.arena_bytes, b->arena_bytes);
  EXPECT_EQ(a.lower_bound_bytes, b->lower_bound_bytes);
  EXPECT_EQ(a.forward_steps, b->forward_steps);
  EXPECT_EQ(a.slice_steps, b->slice_steps);
  EXPECT_EQ(a.output_layer, b->output_layer);
  EXPECT_TRUE(a.input == b->input && a.output == b->output && a.labels == b->labels && a.targets == b->targets &&
              a.sample_weights == b->sample_weights && a.parameters == b->parameters &&
              a.param_gradients == b->param_gradients && a.state1 == b->state1 && a.state2 == b->state2);
  EXPECT_TRUE(a.options.batch == b->options.batch && a.options.alignment == b->options.alignment &&
              a.options.training == b->options.training);
}

constexpr PlanOptions kSgdPlan = plan_options(test::kSgd), kPenalizedPlan = plan_options(test::kSgdPenalized);
constexpr PlanOptions kSlicesPlan = plan_options(test::kAdamSlices),
                      kMomentumPlan = plan_options(test::kMomentumBinary);

TEST(plan, the_compiler_makes_the_same_plan_for_inference) {
  compare_plans<test::kPerceptron, kDefaultPlan>();
  compare_plans<test::kResidual, kDefaultPlan>();
  compare_plans<test::kResidual, test::kBatchOfThree>();
  compare_plans<test::kJoined, test::kBatchOfThree>();
  compare_plans<test::kSoftmaxInside, kDefaultPlan>();
  compare_plans<test::kAliases, test::kBatchOfThree>();
}

TEST(plan, the_compiler_makes_the_same_plan_for_training) {
  compare_plans<test::kPerceptron, kSgdPlan>();
  compare_plans<test::kResidual, kSgdPlan>();
  compare_plans<test::kResidual, kSlicesPlan>();
  compare_plans<test::kJoined, kPenalizedPlan>();
  compare_plans<test::kJoined, kMomentumPlan>();
  compare_plans<test::kSoftmaxInside, kSlicesPlan>();
}

}  // namespace
}  // namespace mote
