// SPDX-License-Identifier: Apache-2.0
// Sessions and trainers against a network that shares no memory (naive_network.hpp), bit for bit, on random graphs:
// a buffer that is reused too early, or written in place where it must not be, shows here as a wrong number.
#include "mote/run/execute.hpp"

#include <bit>

#include "check.hpp"
#include "mote/run/session.hpp"
#include "mote/train/trainer.hpp"
#include "unit/memory.hpp"
#include "unit/naive_network.hpp"
#include "unit/random_graph.hpp"

namespace mote {
namespace {

using test::kRandomGraphs;
using test::memory;
using test::NaiveNetwork;
using test::param_memory;
using test::Random;
using test::RandomGraph;

std::array<float, 4096> samples, sample_weights, targets;
std::array<std::int32_t, 16> labels;

std::size_t first_difference(const float* a, const float* b, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i)
    if (std::bit_cast<std::uint32_t>(a[i]) != std::bit_cast<std::uint32_t>(b[i])) return i;
  return count;
}

/// Parameters for all layers; running variances must be positive.
Model give_params(const RandomGraph& graph, Random& random) {
  const Model model = graph.model(reinterpret_cast<const std::byte*>(param_memory.data()));
  for (std::size_t i = 0; i < param_memory.size() && i < graph.param_bytes / sizeof(float); ++i)
    param_memory[i] = random.real();
  for (std::size_t i = 0; i < model.layers.size(); ++i)
    if (model.layers[i].op == Op::batch_norm)
      for (std::uint32_t c = 0; c < model.layers[i].shape.c; ++c)
        param_memory[model.layers[i].param_offset / 4 + 3 * model.layers[i].shape.c + c] =
            0.5F + 0.01F * static_cast<float>(c);
  return model;
}

TEST(execute, sessions_equal_a_network_without_shared_memory) {
  std::uint32_t run = 0;
  for (std::uint32_t seed = 0; seed < kRandomGraphs; ++seed) {
    const RandomGraph graph = test::random_graph(seed);
    Random random(seed + 3000000);
    ASSERT_LE(graph.param_bytes, sizeof param_memory);
    const Model model = give_params(graph, random);
    PlanOptions options;
    options.batch = random.between(1, 4);
    options.alignment = 4U << random.below(7);
    options.external_input = random.chance(25);
    Result<Session> session = Session::create(model, memory, options);
    if (session.status().code == Code::bad_option) continue;  // nothing but aliases of external input: session_test.cpp
    ASSERT_TRUE(session.ok()) << "graph " << seed << ": " << name(session.status().code);
    NaiveNetwork naive(model, options.batch, model.layers.size() - 1);
    for (std::size_t i = 1; i < model.layers.size(); ++i)
      std::copy_n(param_memory.data() + model.layers[i].param_offset / 4, model.layers[i].param_bytes / 4,
                  naive.params(i));
    const std::size_t inputs = static_cast<std::size_t>(model.input_shape().elements()) * options.batch;
    for (int repeat = 0; repeat < 2; ++repeat) {
      for (std::size_t i = 0; i < inputs; ++i) samples[i] = naive.input()[i] = 2.0F * random.real();
      session->set_input(samples.data());
      EXPECT_EQ(session->input<float>().size(), options.external_input ? 0 : inputs);
      std::copy_n(samples.data(), session->input<float>().size(), session->input<float>().data());
      session->run();
      naive.forward(false);
      const std::span<const float> output = session->output<float>();
      ASSERT_EQ(output.size(), naive.output_count()) << "graph " << seed;
      EXPECT_EQ(first_difference(output.data(), naive.output(), output.size()), output.size()) << "graph " << seed;
      ++run;
    }
  }
  EXPECT_GT(run, kRandomGraphs * 3 / 2);
}

std::size_t fill_batch(Random& random, const TrainConfig& config, const Shape& in, const Shape& out, bool with_labels) {
  const std::uint32_t batch = slice_samples(config);
  const auto outputs = static_cast<std::uint32_t>(out.elements());
  const std::size_t inputs = static_cast<std::size_t>(in.elements()) * batch;
  for (std::size_t i = 0; i < inputs; ++i) samples[i] = 2.0F * random.real();
  for (std::uint32_t r = 0; r < batch; ++r) {
    sample_weights[r] = 0.5F + 0.25F * static_cast<float>(r);
    const bool binary = config.loss == Loss::binary_cross_entropy;
    if (with_labels) labels[r] = static_cast<std::int32_t>(random.below(binary ? 2 : outputs));
    if (with_labels && binary && config.signed_labels) labels[r] = 2 * labels[r] - 1;
    for (std::uint32_t j = 0; j < outputs && !with_labels; ++j) {
      float& target = targets[r * outputs + j];
      target = binary && config.signed_labels ? (random.chance(50) ? 1.0F : -1.0F)
                                              : (random.real() + 1.0F) / static_cast<float>(outputs);
    }
  }
  return inputs;
}

/// Gives the trainer and the naive network one slice.
void give_slice(Trainer& trainer, NaiveNetwork& naive, std::size_t inputs) {
  std::copy_n(samples.data(), inputs, naive.input());
  trainer.set_input(samples.data());
  std::copy_n(samples.data(), trainer.input().size(), trainer.input().data());
  std::copy_n(labels.data(), trainer.labels().size(), trainer.labels().data());
  std::copy_n(targets.data(), trainer.targets().size(), trainer.targets().data());
  std::copy_n(sample_weights.data(), trainer.sample_weights().size(), trainer.sample_weights().data());
}

void check_params(const Model& model, Trainer& trainer, NaiveNetwork& naive, std::uint32_t seed) {
  const Model now = trainer.model();
  for (std::size_t i = 1; i < model.layers.size(); ++i) {
    const std::size_t count = model.layers[i].param_bytes / sizeof(float);
    if (!model.layers[i].trainable()) continue;
    const auto* trained = reinterpret_cast<const float*>(layer_params(now, i));
    EXPECT_EQ(first_difference(trained, naive.params(i), count), count)
        << "graph " << seed << ", layer " << i << ", operator " << static_cast<int>(model.layers[i].op);
  }
}

/// One configuration: an evaluation, two updates, an evaluation.
void train_both(const Model& model, const TrainConfig& config, std::uint32_t seed) {
  Result<Trainer> trainer = Trainer::create(model, config, memory);
  ASSERT_TRUE(trainer.ok()) << "graph " << seed << ": " << name(trainer.status().code);
  const std::size_t last = loss_layer(model, config.loss);
  NaiveNetwork naive(model, slice_samples(config), last);
  for (std::size_t i = 1; i < model.layers.size(); ++i)
    if (i <= last)
      std::copy_n(param_memory.data() + model.layers[i].param_offset / 4, model.layers[i].param_bytes / 4,
                  naive.params(i));
  Random random(seed + 5000000);
  const Shape out = model.layers[last].shape;
  const bool with_labels = resolve_targets(config.targets, config.loss, out) == Targets::labels;
  const std::int32_t* y = with_labels ? labels.data() : nullptr;
  const float* t = with_labels ? nullptr : config.targets == Targets::input ? naive.input() : targets.data();
  const float* w = config.sample_weights ? sample_weights.data() : nullptr;
  std::uint64_t slices = 0;
  for (std::uint32_t update = 1; update <= 3; ++update) {
    give_slice(*trainer, naive, fill_batch(random, config, model.input_shape(), out, with_labels));
    naive.forward(false);
    const LossResult expected = naive.loss(config, y, t, w, false);
    const Result<LossResult> evaluated = trainer->evaluate();
    ASSERT_TRUE(evaluated.ok()) << "graph " << seed;
    EXPECT_EQ(std::bit_cast<std::uint32_t>(evaluated->loss), std::bit_cast<std::uint32_t>(expected.loss))
        << "graph " << seed;
    EXPECT_EQ(evaluated->correct, expected.correct) << "graph " << seed;
    EXPECT_EQ(first_difference(trainer->output().data(), naive.output(), naive.output_count()), naive.output_count())
        << "graph " << seed;
    if (update == 3) break;
    naive.zero_param_grads();
    for (std::uint32_t slice = 0; slice < config.batch / slice_samples(config); ++slice) {
      give_slice(*trainer, naive, fill_batch(random, config, model.input_shape(), out, with_labels));
      naive.forward(true, config.seed, slices++);
      const float loss = naive.loss(config, y, t, w, true).loss;
      naive.backward();
      naive.accumulate_param_grads(config);
      const Result<float> step = trainer->step();
      if (!detail::finite(loss)) return;
      ASSERT_TRUE(step.ok()) << "graph " << seed << ": " << name(step.status().code);
      EXPECT_EQ(std::bit_cast<std::uint32_t>(*step), std::bit_cast<std::uint32_t>(loss)) << "graph " << seed;
    }
    naive.update(config, update);
    EXPECT_EQ(trainer->updates(), update);
    check_params(model, *trainer, naive, seed);
  }
}

TEST(execute, trainers_equal_a_network_without_shared_memory) {
  std::uint32_t trained = 0;
  for (std::uint32_t seed = 0; seed < kRandomGraphs; ++seed) {
    const RandomGraph graph = test::random_graph(seed);
    Random random(seed + 2000000);
    const TrainConfig config = test::random_config(random, graph.model());
    ASSERT_LE(graph.param_bytes, sizeof param_memory);
    const Model model = give_params(graph, random);
    const Status valid = validate(model, config);
    if (valid.code == Code::nothing_to_train) continue;
    ASSERT_TRUE(valid.ok()) << "graph " << seed << ": " << name(valid.code);
    train_both(model, config, seed);
    ++trained;
  }
  EXPECT_GE(trained, kRandomGraphs / 2);
}

}  // namespace
}  // namespace mote
