// SPDX-License-Identifier: Apache-2.0
// Rows for whole networks: training steps of Trainer and StaticTrainer, and forward passes of Session. The input is
// random and the labels are in turn; a step's time does not depend on them.
#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <span>
#include <string>

#include "mote/mote.hpp"
#include "networks.hpp"

namespace mote {
namespace {

using namespace bench;

/// Multiply-adds of one sample forward, twice: dense and convolution layers only.
double forward_flops(const Model& model) {
  double flops = 0.0;
  for (std::size_t i = 1; i < model.layers.size(); ++i) {
    const Layer& layer = model.layers[i];
    const Shape in = model.input_shape_of(i);
    const double outputs = static_cast<double>(layer.shape.elements());
    if (layer.op == Op::dense) flops += 2.0 * outputs * static_cast<double>(in.elements());
    if (layer.op == Op::conv2d) flops += 2.0 * outputs * layer.filter_h * layer.filter_w * in.c;
    if (layer.op == Op::depthwise_conv2d) flops += 2.0 * outputs * layer.filter_h * layer.filter_w;
  }
  return flops;
}

/// The backward pass does the forward's work twice, but for the gradient of the network's input.
double training_flops(const Model& model) {
  double first = 0.0;
  for (std::size_t i = 1; i < model.layers.size() && first == 0.0; ++i)
    first = forward_flops({.layers = model.layers.first(i + 1)});
  return 3.0 * forward_flops(model) - first;
}

template <class Trainer>
void fill(Trainer& trainer) {
  std::uint32_t random = 1;
  for (float& value : trainer.input()) {
    random = random * 1664525U + 1013904223U;
    value = static_cast<float>(random >> 8U) * 0x1p-24F;
  }
  std::int32_t label = 0;
  for (std::int32_t& l : trainer.labels()) l = label++ % static_cast<std::int32_t>(trainer.output_shape().elements());
}

template <class Trainer>
void run_steps(benchmark::State& state, Trainer& trainer, const Model& model, std::uint32_t batch) {
  for (auto _ : state) {
    fill(trainer);  // a step uses the input's memory for other things
    if (!trainer.step().ok()) return state.SkipWithError("the loss is not finite");
  }
  using Counter = benchmark::Counter;
  state.counters["samples/s"] = Counter(batch, Counter::kIsIterationInvariantRate);
  state.counters["FLOP/s"] = Counter(batch * training_flops(model), Counter::kIsIterationInvariantRate);
}

struct Free {
  void operator()(void* memory) const { std::free(memory); }
};
using Arena = std::unique_ptr<std::byte, Free>;
Arena allocate(std::size_t bytes) {
  return Arena(static_cast<std::byte*>(std::aligned_alloc(64, (bytes + 63) / 64 * 64)));
}

void training_step(benchmark::State& state, const Model& model, const TrainConfig& config) {
  const std::size_t bytes = *required_arena_bytes(model, config);
  const Arena arena = allocate(bytes);
  Result<Trainer> trainer = Trainer::create(model, config, {arena.get(), bytes});
  if (!trainer.ok()) return state.SkipWithError(describe(trainer.status().code));
  trainer->init_params(1);
  run_steps(state, *trainer, model, config.batch);
}

constexpr TrainConfig kSmallTraining{.optimizer = sgd(), .batch = 8, .alignment = 64};
StaticTrainer<kSmallMlp, kSmallTraining> static_trainer;

void static_training_step(benchmark::State& state) {
  static_trainer.init_params(1);
  run_steps(state, static_trainer, kSmallMlp.model(), kSmallTraining.batch);
}

void forward_pass(benchmark::State& state, const Model& records) {
  const Arena params = allocate(records.param_bytes);
  Model model = records;
  model.params = params.get();
  for (std::size_t i = 1; i < model.layers.size(); ++i)
    init_layer(model.layers[i], model.input_shape_of(i), params.get() + model.layers[i].param_offset,
               Initializer::glorot_uniform, 0.0F, 1, static_cast<std::uint32_t>(i));
  constexpr PlanOptions kOptions{.alignment = 64};
  const std::size_t bytes = *required_arena_bytes(model, kOptions);
  const Arena arena = allocate(bytes);
  Result<Session> session = Session::create(model, {arena.get(), bytes}, kOptions);
  if (!session.ok()) return state.SkipWithError(describe(session.status().code));
  for (auto _ : state) {
    for (float& value : session->input<float>()) value = 0.5F;
    session->run();
    benchmark::ClobberMemory();
  }
  state.counters["FLOP/s"] = benchmark::Counter(forward_flops(model), benchmark::Counter::kIsIterationInvariantRate);
}

void add_training(const char* name, const Model& model, const Optimizer& optimizer, std::uint32_t batch) {
  const TrainConfig config{.optimizer = optimizer, .batch = batch, .alignment = 64};
  benchmark::RegisterBenchmark((std::string("training_step/") + name + "/" + std::to_string(batch)).c_str(),
                               [=](benchmark::State& state) { training_step(state, model, config); });
}

void add_forward(const char* name, const Model& model) {
  benchmark::RegisterBenchmark((std::string("forward_pass/") + name).c_str(),
                               [=](benchmark::State& state) { forward_pass(state, model); });
}

[[maybe_unused]] const bool kRowsAdded = [] {
  add_training("demo_adam", kDemo.model(), adam(), 64);
  add_training("mlp_784_512_512_512_10_sgd", kMlp.model(), sgd(), 32);
  add_training("mlp_784_512_512_512_10_sgd", kMlp.model(), sgd(), 1);
  add_training("conv_8_16_sgd", kConv.model(), sgd(), 32);
  add_training("mlp_16_32_16_4_sgd", kSmallMlp.model(), sgd(), 8);
  benchmark::RegisterBenchmark("training_step/static_mlp_16_32_16_4_sgd/8", static_training_step);
  add_forward("demo", kDemo.model());
  add_forward("mlp_784_512_512_512_10", kMlp.model());
  add_forward("mlperf_tiny_keywords", kKeywords.model());
  add_forward("mlperf_tiny_persons", kPersons.model());
  add_forward("mlperf_tiny_resnet8", kResnet.model());
  add_forward("mlperf_tiny_anomaly", kAnomaly.model());
  return true;
}();

}  // namespace
}  // namespace mote
