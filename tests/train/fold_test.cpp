// SPDX-License-Identifier: Apache-2.0
// Folding batch norm into the layer before it: fewer records, the same outputs up to rounding.
#include "grad/problem.hpp"

namespace mote::test {
namespace {

constexpr auto kNet =
    sequential(input(8, 8, 2), conv2d(4, {.padding = Padding::same, .bias = false}), batch_norm(), relu(),
               depthwise_conv2d(2, {.stride = {2, 2}, .padding = Padding::same}), batch_norm().as("x"), hard_swish(),
               conv2d(8, {.filter = {1, 1}}).as("raw"), batch_norm({.epsilon = 1e-3F}), tanh(), add("raw", "x"),
               batch_norm(), flatten(), dense(6, {.bias = false}), batch_norm(), sigmoid(), dense(4), batch_norm());
// Folded: after the first convolution, the depthwise one, and both dense layers. Not: "raw" has another reader, and
// add() has no weights.
constexpr std::size_t kFolded = 4;

alignas(64) std::array<std::byte, 16 * 1024> file;
alignas(16) std::array<std::byte, 64 * 1024> arena, folded_arena, training_arena;

void expect_same_outputs(const Model& model, const Model& folded) {
  Result<Session> a = Session::create(model, arena, {.batch = 3});
  Result<Session> b = Session::create(folded, folded_arena, {.batch = 3});
  ASSERT_TRUE(a.ok() && b.ok());
  Numbers numbers(17);
  for (int run = 0; run < 5; ++run) {
    numbers.fill(a->input<float>().data(), a->input<float>().size());
    copy(a->input<float>().data(), b->input<float>().data(), a->input<float>().size());
    a->run();
    b->run();
    const std::span<const float> outputs = a->output<float>();
    float spread = 0.0F;
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      EXPECT_NEAR(outputs[i], b->output<float>()[i], 1e-5F * (1.0F + __builtin_fabsf(outputs[i]))) << i;
      spread += __builtin_fabsf(outputs[i] - outputs[0]);
    }
    EXPECT_GT(spread, 0.1F);  // outputs that say something
  }
}

TEST(FoldBatchNorm, GivesTheSameOutputsWithFewerRecords) {
  const Case c = make_case("fold", kNet, 3, Fill::data);
  const Problem problem(c);
  const Model model = problem.model();
  ASSERT_LE(folded_file_bytes(model), file.size());
  const Result<std::size_t> bytes = fold_batch_norm(model, file);
  ASSERT_TRUE(bytes.ok()) << name(bytes.status().code);
  EXPECT_LE(*bytes, folded_file_bytes(model));
  const Result<Model> folded = open_model(std::span<const std::byte>(file).first(*bytes));
  ASSERT_TRUE(folded.ok()) << name(folded.status().code) << ", layer " << folded.status().layer;
  EXPECT_EQ(folded->layers.size(), model.layers.size() - kFolded);
  std::size_t norms = 0;
  for (const Layer& layer : folded->layers) norms += layer.op == Op::batch_norm ? 1 : 0;
  EXPECT_EQ(norms, std::size_t{6 - kFolded});
  expect_same_outputs(model, *folded);
}

TEST(FoldBatchNorm, TakesTheParametersThatTrainingMade) {
  const TrainConfig config{.loss = Loss::squared_error, .optimizer = adam({.learning_rate = 0.01F})};
  const Case c = make_case("fold", kNet, 3, Fill::data, config);
  const Problem problem(c);
  TrainConfig batch = config;
  batch.batch = 3;
  Result<Trainer> trainer = Trainer::create(problem.model(), batch, training_arena);
  ASSERT_TRUE(trainer.ok());
  for (int i = 0; i < 20; ++i) static_cast<void>(problem.train_batch(*trainer));
  const Result<std::size_t> bytes = fold_batch_norm(trainer->model(), file);
  ASSERT_TRUE(bytes.ok());
  const Result<Model> folded = open_model(std::span<const std::byte>(file).first(*bytes));
  ASSERT_TRUE(folded.ok());
  expect_same_outputs(trainer->model(), *folded);
}

TEST(FoldBatchNorm, SaysWhatIsMissing) {
  const Case c = make_case("fold", kNet, 3, Fill::data);
  const Problem problem(c);
  const Result<std::size_t> none = fold_batch_norm(c.model(nullptr), file);
  EXPECT_EQ(none.status().code, Code::missing_parameters);
  const std::size_t needed = folded_file_bytes(problem.model());
  const Result<std::size_t> small = fold_batch_norm(problem.model(), std::span(file).first(needed - 64));
  EXPECT_EQ(small.status().code, Code::output_too_small);
  EXPECT_EQ(small.status().detail, needed);
  const Result<std::size_t> odd = fold_batch_norm(problem.model(), std::span(file).subspan(16));
  EXPECT_EQ(odd.status().code, Code::arena_misaligned);
}

}  // namespace
}  // namespace mote::test
