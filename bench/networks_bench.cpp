// SPDX-License-Identifier: Apache-2.0
// Rows for whole networks: training steps of Trainer and StaticTrainer, and forward passes of Session. The networks are
// the text files in networks/. Inputs are random and labels are in turn; a step's time does not depend on them.
#include "networks.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "mote/mote.hpp"
#include "rows.hpp"
#include "tool/models/model_source.hpp"

namespace mote {
namespace {

using bench::Arrays;
using bench::Work;

/// Multiply-adds of one sample forward, twice: dense and convolution layers only.
double forward_flops(const Model& model) {
  double flops = 0.0;
  for (std::size_t i = 1; i < model.layers.size(); ++i)
    flops += 2.0 * static_cast<double>(tool::multiply_adds(model, i));
  return flops;
}

/// The backward pass does the forward's work twice, but for the gradient of the network's input.
double training_flops(const Model& model) {
  double first = 0.0;
  for (std::size_t i = 1; i < model.layers.size() && first == 0.0; ++i)
    first = 2.0 * static_cast<double>(tool::multiply_adds(model, i));
  return 3.0 * forward_flops(model) - first;
}

void fill(std::span<float> values) {
  std::uint32_t random = 1;
  for (float& value : values) {
    random = random * 1664525U + 1013904223U;
    value = static_cast<float>(random >> 8U) * 0x1p-24F;
  }
}

/// Steps on one batch; `trainer` reads the input from outside, so that filling it anew is not part of a step.
template <class Trainer>
void run_steps(benchmark::State& state, Trainer& trainer, const float* input) {
  trainer.init_params(1);
  trainer.set_input(input);
  std::int32_t label = 0;
  const auto classes = static_cast<std::int32_t>(trainer.output_shape().elements());
  for (auto _ : state) {
    for (std::int32_t& l : trainer.labels()) l = label++ % classes;
    if (!trainer.step().ok()) return state.SkipWithError("the loss is not finite");
  }
}

Work training_work(const Model& model, std::uint32_t batch, std::size_t arena_bytes) {
  return {batch * training_flops(model), static_cast<double>(arena_bytes), static_cast<double>(batch)};
}

std::string text_file(const std::string& name) { return std::string(MOTE_NETWORKS "/") + name + ".txt"; }

void add_training(const std::string& network, const char* optimizer_name, const Optimizer& optimizer,
                  std::uint32_t batch) {
  const TrainConfig config{.optimizer = optimizer, .batch = batch, .external_input = true, .alignment = 64};
  const auto owned = std::make_shared<tool::OwnedModel>(tool::model_from_argument(text_file(network)).model);
  const Model model = owned->view();
  const std::size_t bytes = *required_arena_bytes(model, config);
  bench::add_row("training_step/" + network + "_" + optimizer_name + "/" + std::to_string(batch),
                 training_work(model, batch, bytes), [=](benchmark::State& state) {
                   Arrays arrays;
                   const std::size_t inputs = batch * static_cast<std::size_t>(owned->view().input_shape().elements());
                   float* input = arrays.floats(inputs);
                   fill({input, inputs});
                   auto trainer = Trainer::create(owned->view(), config, {arrays.bytes(bytes), bytes});
                   if (!trainer.ok()) return state.SkipWithError(describe(trainer.status().code));
                   run_steps(state, *trainer, input);
                 });
}

constexpr TrainConfig kSmallTraining{.optimizer = sgd(), .batch = 8, .external_input = true, .alignment = 64};
StaticTrainer<bench::kSmallMlp, kSmallTraining> static_trainer;

void add_static_training() {
  const Model model = bench::kSmallMlp.model();
  bench::add_row("training_step/static_small_mlp_sgd/8",
                 training_work(model, kSmallTraining.batch, decltype(static_trainer)::arena_bytes),
                 [](benchmark::State& state) {
                   static float input[kSmallTraining.batch * bench::kSmallMlp.model().input_shape().elements()];
                   fill(input);
                   run_steps(state, static_trainer, input);
                 });
}

void add_forward(const std::string& network) {
  const auto owned = std::make_shared<tool::OwnedModel>(tool::model_from_argument(text_file(network)).model);
  const Model model = owned->view();
  for (std::size_t i = 1; i < model.layers.size(); ++i)
    init_layer(model.layers[i], model.input_shape_of(i), owned->params.data() + model.layers[i].param_offset,
               Initializer::glorot_uniform, 0.0F, 1, static_cast<std::uint32_t>(i));
  constexpr PlanOptions kOptions{.alignment = 64, .external_input = true};
  const std::size_t bytes = *required_arena_bytes(model, kOptions);
  const double working_set = static_cast<double>(bytes + model.param_bytes);
  bench::add_row("forward_pass/" + network, {forward_flops(model), working_set, 0.0}, [=](benchmark::State& state) {
    Arrays arrays;
    const Model here = owned->view();
    const auto inputs = static_cast<std::size_t>(here.input_shape().elements());
    float* input = arrays.floats(inputs);
    auto session = Session::create(here, {arrays.bytes(bytes), bytes}, kOptions);
    if (!session.ok()) return state.SkipWithError(describe(session.status().code));
    session->set_input(input);
    for (auto _ : state) {
      session->run();
      benchmark::ClobberMemory();
    }
  });
}

/// 4 096 layers, the most that a model has: a chain, or one where `alive` values wait for the end.
void add_planning(const std::string& shape, std::size_t alive) {
  auto layers = std::make_shared<std::vector<Layer>>(kMaxLayers);
  const std::size_t chain = kMaxLayers - alive;
  for (std::size_t i = 0; i < kMaxLayers; ++i) {
    Layer& layer = (*layers)[i];
    layer.op = i == 0 ? Op::input : i < chain ? Op::tanh : Op::add;
    layer.shape = {1, 1, 16};
    if (i == 0) continue;
    layer.input_count = i < chain ? 1 : 2;
    layer.inputs = {static_cast<std::uint16_t>(i - 1), static_cast<std::uint16_t>(i < chain ? 0 : kMaxLayers - i)};
  }
  bench::add_row("plan/" + shape, {}, [=](benchmark::State& state) {
    Model model;
    model.layers = *layers;
    for (auto _ : state)
      if (!required_arena_bytes(model, PlanOptions{}).ok()) return state.SkipWithError("no plan");
  });
}

}  // namespace

void bench::add_network_rows() {
  add_training("demo", "adam", adam(), 64);
  add_training("mlp", "sgd", sgd(), 32);
  add_training("mlp", "sgd", sgd(), 1);
  add_training("conv", "sgd", sgd(), 32);
  add_training("small_mlp", "sgd", sgd(), 8);
  add_static_training();
  for (const char* network : {"demo", "mlp", "keywords", "persons", "resnet8", "anomaly"}) add_forward(network);
  add_planning("4096", 0);
  add_planning("4096,1000_alive", 1000);
}

}  // namespace mote
