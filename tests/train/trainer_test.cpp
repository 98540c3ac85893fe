// SPDX-License-Identifier: Apache-2.0
// What a Trainer promises beside learning: the same seed gives the same bits; slices are a batch; what fails changes
// nothing, then or later; frozen layers cost nothing; evaluate() only looks.
#include <cstring>

#include "grad/problem.hpp"

namespace mote::test {
namespace {

constexpr auto kNet = sequential(input(6, 6, 2), conv2d(5, {.padding = Padding::same, .bias = false}), batch_norm(),
                                 relu6(), depthwise_conv2d(1, {.filter = {2, 2}}), silu(), max_pool(), dropout(0.25F),
                                 flatten(), dense(7), tanh(), dense(4), softmax());
constexpr TrainConfig kConfig{.optimizer = adam({.learning_rate = 0.01F}), .batch = 4, .seed = 3};
constexpr TrainConfig kPlainConfig{.optimizer = sgd({.learning_rate = 0.05F}), .batch = 2};
constexpr TrainConfig kSlicedConfig{
    .optimizer = nesterov({.learning_rate = 0.01F}), .batch = 6, .micro_batch = 2, .clip_norm = 0.5F, .l2 = 0.01F};

alignas(64) std::array<std::byte, 96 * 1024> arena, other_arena;

Trainer make(const Model& model, const TrainConfig& config, std::span<std::byte> memory) {
  const Result<Trainer> trainer = Trainer::create(model, config, memory);
  EXPECT_TRUE(trainer.ok()) << name(trainer.status().code) << " " << trainer.status().detail;
  if (!trainer.ok()) __builtin_trap();
  return *trainer;
}

template <class AnyTrainer>
void feed(AnyTrainer& trainer, Numbers& numbers) {
  numbers.fill(trainer.input().data(), trainer.input().size());
  for (std::int32_t& label : trainer.labels()) label = static_cast<std::int32_t>((numbers.next() + 1.0F) * 2.0F);
}

template <class AnyTrainer>
void train(AnyTrainer& trainer, int slices, std::uint32_t seed = 40) {
  Numbers numbers(seed);
  for (int i = 0; i < slices; ++i) {
    feed(trainer, numbers);
    EXPECT_TRUE(trainer.step().ok());
  }
}

/// Everything an update may change.
template <class AnyTrainer>
std::uint64_t state_hash(AnyTrainer& trainer) {
  std::uint64_t hash = hash_bits(nullptr, 0);
  for (const std::span<std::byte> block :
       {trainer.parameters(), trainer.optimizer_state1(), trainer.optimizer_state2()})
    hash = hash_bits(reinterpret_cast<const float*>(block.data()), block.size() / sizeof(float), hash);
  return hash;
}

TEST(Trainer, SameSeedSameBits) {
  Trainer a = make(kNet.model(), kConfig, arena), b = make(kNet.model(), kConfig, other_arena);
  EXPECT_EQ(state_hash(a), state_hash(b));
  train(a, 20);
  train(b, 20);
  EXPECT_EQ(state_hash(a), state_hash(b));
}

TEST(Trainer, AnotherSeedGivesOtherParametersAndOtherDropout) {
  TrainConfig other = kConfig;
  other.seed = 4;
  Trainer a = make(kNet.model(), kConfig, arena), b = make(kNet.model(), other, other_arena);
  EXPECT_NE(state_hash(a), state_hash(b));
  b.init_params(kConfig.seed);
  EXPECT_EQ(state_hash(a), state_hash(b));
  train(a, 1);
  train(b, 1);
  EXPECT_NE(state_hash(a), state_hash(b));  // by dropout alone
}

// A batch is what one sample at a time would give: bits of an output do not depend on who shares the batch.
TEST(Session, RunsTheModelThatATrainerHolds) {
  Trainer trainer = make(kNet.model(), kConfig, arena);
  train(trainer, 5);
  Numbers numbers(3);
  feed(trainer, numbers);
  std::array<float, 4 * 72> inputs{};
  copy(trainer.input().data(), inputs.data(), inputs.size());
  ASSERT_TRUE(trainer.evaluate().ok());
  Result<Session> session = Session::create(trainer.model(), other_arena);
  ASSERT_TRUE(session.ok());
  for (std::size_t s = 0; s < 4; ++s) {
    copy(inputs.data() + 72 * s, session->input<float>().data(), 72);
    session->run();
    std::array<float, 4> logits{}, probabilities{};
    copy(trainer.output().data() + 4 * s, logits.data(), 4);
    kernels::softmax_f32({logits.data(), probabilities.data(), 1, 4});
    for (std::size_t k = 0; k < 4; ++k)
      EXPECT_NEAR(session->output<float>()[k], probabilities[k], 1e-6F) << s << " " << k;
  }
}

// Without batch statistics and dropout a batch in slices is the batch, up to the order of a sum.
TEST(Trainer, SlicesAreTheBatch) {
  static constexpr auto kSmooth =
      sequential(input(5, 4, 2), conv2d(4), gelu(), flatten(), dense(6), sigmoid(), dense(4));
  TrainConfig config{.optimizer = momentum({.learning_rate = 0.05F}), .batch = 12, .l2 = 0.01F, .sample_weights = true};
  const auto run = [&](Trainer& trainer) {
    Numbers numbers(6);
    for (std::uint32_t i = 0; i < 5 * 12 / trainer.slice_samples(); ++i) {
      for (std::size_t s = 0; s < trainer.slice_samples(); ++s) {  // sample by sample: the same data for every split
        numbers.fill(trainer.input().data() + 40 * s, 40);
        trainer.labels()[s] = static_cast<std::int32_t>((numbers.next() + 1.0F) * 2.0F);
        trainer.sample_weights()[s] = 1.0F + 0.5F * numbers.next();
      }
      EXPECT_TRUE(trainer.step().ok());
    }
    EXPECT_EQ(trainer.updates(), 5U);
  };
  Trainer whole = make(kSmooth.model(), config, arena);
  run(whole);
  const auto* expected = reinterpret_cast<const float*>(whole.parameters().data());
  for (const std::uint32_t slice : {1U, 2U, 3U, 4U, 6U}) {
    config.micro_batch = slice;
    Trainer sliced = make(kSmooth.model(), config, other_arena);
    run(sliced);
    const auto* actual = reinterpret_cast<const float*>(sliced.parameters().data());
    for (std::size_t i = 0; i < whole.parameters().size() / sizeof(float); ++i)
      EXPECT_NEAR(actual[i], expected[i], 1e-6F) << "slices of " << slice << ", " << i;
  }
}

/// A step that must fail with `code` and change nothing, not even what the steps after it do: a twin that never saw the
/// bad batch stays the same to the last bit.
template <class Spoil>
void expect_nothing_changed(const Network<13>& net, const TrainConfig& config, Code code, Spoil&& spoil) {
  Trainer trainer = make(net.model(), config, arena), twin = make(net.model(), config, other_arena);
  const int slices = static_cast<int>(config.batch / trainer.slice_samples());
  train(trainer, 3 * slices);
  train(twin, 3 * slices);
  const std::uint64_t before = state_hash(trainer);
  for (int bad = 0; bad < slices; ++bad) {  // each slice of the batch in turn
    Numbers numbers(77);
    for (int i = 0; i <= bad; ++i) {
      feed(trainer, numbers);
      if (i == bad) spoil(trainer);
      const Result<float> step = trainer.step();
      EXPECT_EQ(step.status().code, i == bad ? code : Code::ok);
    }
    EXPECT_EQ(state_hash(trainer), before);
    EXPECT_EQ(trainer.updates(), 3U);
  }
  if (slices > 1) return;  // dropout's stream has gone on with the good slices
  train(trainer, 3, 41);
  train(twin, 3, 41);
  EXPECT_EQ(state_hash(trainer), state_hash(twin));
}

TEST(Trainer, ALossThatIsNotFiniteChangesNothing) {
  for (const TrainConfig& config : {kConfig, kPlainConfig, kSlicedConfig}) {
    expect_nothing_changed(kNet, config, Code::non_finite_loss, [](Trainer& t) { t.input()[5] = __builtin_nanf(""); });
    expect_nothing_changed(kNet, config, Code::non_finite_loss, [](Trainer& t) { t.input()[7] = __builtin_inff(); });
  }
}

TEST(Trainer, ALabelOutOfRangeChangesNothing) {
  for (const TrainConfig& config : {kConfig, kPlainConfig, kSlicedConfig})
    for (const std::int32_t label : std::array<std::int32_t, 4>{-1, 4, INT32_MIN, INT32_MAX})
      expect_nothing_changed(kNet, config, Code::label_out_of_range, [&](Trainer& t) { t.labels()[1] = label; });
  Trainer trainer = make(kNet.model(), kConfig, arena);
  Numbers numbers(1);
  feed(trainer, numbers);
  trainer.labels()[2] = 9;
  EXPECT_EQ(trainer.step().status().detail, 2U);
  EXPECT_EQ(trainer.evaluate().status().code, Code::label_out_of_range);
}

TEST(Trainer, EvaluateChangesNothing) {
  for (const TrainConfig& config : {kConfig, kPlainConfig, kSlicedConfig}) {
    Trainer a = make(kNet.model(), config, arena), b = make(kNet.model(), config, other_arena);
    Numbers numbers(8), other_numbers(8), noise(9);
    for (int i = 0; i < 12; ++i) {
      feed(a, numbers);
      feed(b, other_numbers);
      EXPECT_TRUE(a.step().ok() && b.step().ok());
      feed(b, noise);
      const std::uint64_t before = state_hash(b);
      EXPECT_TRUE(b.evaluate().ok());
      EXPECT_EQ(state_hash(b), before);
    }
    EXPECT_EQ(state_hash(a), state_hash(b));
  }
}

TEST(Trainer, InputMayStayWithTheCaller) {
  TrainConfig config = kConfig;
  Trainer copied = make(kNet.model(), config, arena);
  config.external_input = true;
  Trainer external = make(kNet.model(), config, other_arena);
  EXPECT_TRUE(external.input().empty());
  EXPECT_EQ(external.step().status().code, Code::missing_input);
  EXPECT_LT(external.arena_bytes(), copied.arena_bytes());
  Numbers numbers(4);
  static std::array<float, 4 * 72> inputs{};
  for (int i = 0; i < 5; ++i) {
    feed(copied, numbers);
    copy(copied.input().data(), inputs.data(), inputs.size());
    const std::uint64_t before = hash_bits(inputs.data(), inputs.size());
    external.set_input(inputs.data());
    for (std::size_t s = 0; s < 4; ++s) external.labels()[s] = copied.labels()[s];
    EXPECT_TRUE(copied.step().ok() && external.step().ok());
    EXPECT_EQ(hash_bits(inputs.data(), inputs.size()), before);
  }
  EXPECT_EQ(state_hash(copied), state_hash(external));
}

TEST(Trainer, AlignmentChangesNoBits) {
  TrainConfig config = kConfig;
  Trainer a = make(kNet.model(), config, arena);
  config.alignment = 64;
  Trainer b = make(kNet.model(), config, other_arena);
  train(a, 10);
  train(b, 10);
  for (std::size_t i = 0; i < kNet.layers.size(); ++i)
    if (kNet.layers[i].trainable()) {
      EXPECT_EQ(std::memcmp(layer_params(a.model(), i), layer_params(b.model(), i), kNet.layers[i].param_bytes), 0)
          << i;
    }
}

TEST(Trainer, FrozenLayersStayAndCostNothing) {
  static constexpr auto kFree = sequential(input(6, 6, 2), conv2d(8), relu(), conv2d(8), relu(), flatten(), dense(4));
  static constexpr auto kFrozen = sequential(input(6, 6, 2), conv2d(8, {.trainable = false}), relu(),
                                             conv2d(8, {.trainable = false}), relu(), flatten(), dense(4));
  alignas(16) static std::array<std::byte, kFrozen.param_bytes> params;
  Numbers(5).fill(reinterpret_cast<float*>(params.data()), params.size() / sizeof(float), 0.25F);
  const std::array<std::byte, kFrozen.param_bytes> before = params;
  const TrainConfig config{.optimizer = adam({.learning_rate = 0.01F}), .batch = 4};
  Trainer free = make(kFree.model(params.data()), config, arena);
  Trainer frozen = make(kFrozen.model(params.data()), config, other_arena);
  const std::size_t head = (32 * 4 + 4) * sizeof(float);
  EXPECT_EQ(frozen.parameters().size(), head);
  EXPECT_EQ(frozen.optimizer_state1().size(), head);
  EXPECT_EQ(frozen.optimizer_state2().size(), head);
  // Parameters, two states and gradients of the convolutions, and the activations that only their gradients would read.
  EXPECT_LT(frozen.plan().arena_bytes + 3 * (kFree.param_bytes - head), free.plan().arena_bytes);
  for (const Step& step : frozen.plan().steps)
    EXPECT_TRUE(step.layer == 6 || step.kind == StepKind::forward || step.kind == StepKind::loss) << step.layer;
  train(frozen, 20);
  EXPECT_TRUE(before == params);
  EXPECT_EQ(frozen.updates(), 20U);
}

}  // namespace
}  // namespace mote::test
