// SPDX-License-Identifier: Apache-2.0
// The largest models that a file may hold, in the shapes that are worst for the planner: planning takes seconds at
// most, so that no file can stop a program. Host only: it looks at the clock.
#include <chrono>
#include <vector>

#include "check.hpp"
#include "mote/model/builders.hpp"
#include "mote/plan/planner.hpp"
#include "unit/random_graph.hpp"

namespace mote {
namespace {

using Inputs = std::vector<std::uint16_t>;

class LongModel {
 public:
  /// Appends a layer that reads `inputs`; none: the layer before.
  void push(const LayerSpec& wish, const Inputs& inputs = {}) {
    Layer layer = wish.layer;
    std::array<Shape, kMaxInputs> in{};
    const auto read = [&](std::size_t source) {
      layer.inputs[layer.input_count] = static_cast<std::uint16_t>(source);
      in[layer.input_count++] = layers_[source].shape;
    };
    for (const std::uint16_t source : inputs) read(source);
    if (inputs.empty() && layer.op != Op::input) read(layers_.size() - 1);
    const Result<Shape> shape = output_shape(layer, std::span<const Shape>(in).first(layer.input_count));
    ASSERT_TRUE(shape.ok());
    layer.shape = *shape;
    const ParamArrays params = param_arrays(layer, in[0]);
    layer.flags = params.count == 0 ? std::uint8_t{0} : layer.flags;
    if (params.count != 0) {
      layer.param_dtype = DType::f32, layer.param_offset = end_,
      layer.param_bytes = static_cast<std::uint32_t>(params.bytes);
      end_ = align_up(end_ + layer.param_bytes, 16);
    }
    layers_.push_back(layer);
  }
  [[nodiscard]] std::size_t size() const { return layers_.size(); }
  [[nodiscard]] bool full() const { return layers_.size() == kMaxLayers; }
  [[nodiscard]] std::uint16_t back(std::size_t n = 1) const { return static_cast<std::uint16_t>(layers_.size() - n); }
  [[nodiscard]] Model model() const { return {layers_, nullptr, end_, 16}; }

 private:
  std::vector<Layer> layers_;
  std::uint32_t end_ = 0;
};

void expect_quick(const char* what, const LongModel& long_model) {
  const Model model = long_model.model();
  ASSERT_EQ(validate(model).code, Code::ok) << what;
  for (const bool training : {false, true}) {
    PlanOptions options;
    options.training = training, options.loss = Loss::squared_error;
    options.gradient_buffers = training, options.optimizer_states = training ? 2 : 0;
    const auto start = std::chrono::steady_clock::now();
    const Result<PlanSize> size = plan_size(model, options);
    ASSERT_TRUE(size.ok()) << what;
    std::vector<Step> steps(size->steps);
    std::vector<Buffer> buffers(size->buffers);
    const Result<Plan> plan = make_plan(model, options, steps, buffers);
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    ASSERT_TRUE(plan.ok()) << what;
    EXPECT_LT(seconds.count(), 60.0) << what;  // about 1 s optimised on one idle core; debug and sanitizers add to it
    EXPECT_GE(plan->arena_bytes, plan->lower_bound_bytes) << what;
    EXPECT_LE(plan->arena_bytes, plan->lower_bound_bytes * 1.25) << what;
  }
}

TEST(plan_time, chains) {
  LongModel relus, denses, mixed;
  for (relus.push(input(8)), relus.push(dense(8)); !relus.full();) relus.push(relu());
  for (denses.push(input(8)); !denses.full();)
    denses.push(dense(8 + static_cast<std::uint32_t>(denses.size()) * 7919 % 61));
  for (mixed.push(input(4, 4, 2)); !mixed.full();)
    mixed.push(mixed.size() % 3 == 0 ? batch_norm() : mixed.size() % 3 == 1 ? silu() : identity());
  expect_quick("relu", relus);
  expect_quick("dense", denses);
  expect_quick("batch norm, SiLU and identity", mixed);
}

TEST(plan_time, ladders_of_sums) {
  LongModel residual, fibonacci, mirrored, scattered;
  residual.push(input(8)), residual.push(dense(8)), residual.push(dense(8));
  while (!residual.full())
    residual.size() % 2 != 0 ? residual.push(detail::spec(Op::add), {residual.back(1), residual.back(3)})
                             : residual.push(dense(8));
  fibonacci.push(input(8)), fibonacci.push(dense(8)), fibonacci.push(relu());
  while (!fibonacci.full()) fibonacci.push(detail::spec(Op::add), {fibonacci.back(1), fibonacci.back(2)});
  for (mirrored.push(input(8)), mirrored.push(dense(8)); mirrored.size() < kMaxLayers / 2;) mirrored.push(relu6());
  for (std::uint16_t i = kMaxLayers / 2 - 2; !mirrored.full(); i = i == 0 ? i : static_cast<std::uint16_t>(i - 1))
    mirrored.push(detail::spec(Op::add), {i, mirrored.back()});
  scattered.push(input(8)), scattered.push(dense(8));
  while (!scattered.full()) {
    const auto n = static_cast<std::uint16_t>(scattered.size());
    scattered.push(detail::spec(Op::add), {static_cast<std::uint16_t>(n - 1), static_cast<std::uint16_t>(n / 2),
                                           static_cast<std::uint16_t>(n / 3), static_cast<std::uint16_t>(n / 4)});
  }
  expect_quick("residual", residual);
  expect_quick("fibonacci", fibonacci);
  expect_quick("mirrored", mirrored);
  expect_quick("scattered", scattered);
}

TEST(plan_time, hundreds_of_values_alive_at_once) {
  LongModel wide;
  test::Random random(1);
  for (wide.push(input(8)); wide.size() < 400;) wide.push(dense(random.between(1, 200)), {0});
  for (std::uint16_t next = 1; next + 1U < wide.size();) {
    Inputs inputs;
    while (inputs.size() < kMaxInputs && next < wide.size()) inputs.push_back(next++);
    wide.push(detail::spec(Op::concat), inputs);
  }
  expect_quick("concat", wide);
}

}  // namespace
}  // namespace mote
