// SPDX-License-Identifier: Apache-2.0
// mote's side of the comparison: `mote_worker FOLDER [INSTRUCTION_SET]`. Kernels are called as the executor calls them;
// networks come from text files and go through Session and Trainer.
#include <algorithm>
#include <cstring>
#include <map>
#include <vector>

#include "mote/model/packed_weights.hpp"
#include "mote/model/quantize_multiplier.hpp"
#include "mote/mote.hpp"
#include "networks.hpp"
#include "tool/ceilings/ceilings.hpp"
#include "tool/models/model_source.hpp"
#include "worker.hpp"

namespace {

using namespace mote;
using compare::Floats;
using compare::Job;
using compare::read_all;
using compare::read_floats;
using compare::Words;

std::string folder;

Job dense(const compare::Dense& sizes) {
  const std::string& pass = sizes.pass;
  const unsigned batch = sizes.batch, fan_in = sizes.fan_in, fan_out = sizes.fan_out;
  const compare::DenseArrays arrays(folder, sizes);
  const Floats &input = arrays.input, &weights = arrays.weights, &bias = arrays.bias, &grad_output = arrays.grad_output;
  if (pass == "forward") {
    const Floats output(grad_output.size());
    return {[=] {
              kernels::dense_f32({input.data(), weights.data(), bias.data(), output.data(), batch, fan_in, fan_out});
            },
            [=] { return output.copy(); }};
  }
  const Floats grad_input(input.size()), grads(weights.size()), bias_grads(fan_out);
  DenseGradArgs args{};
  args.input = input.data();
  args.weights = weights.data();
  args.grad_output = grad_output.data();
  args.grad_input = grad_input.data();
  args.grad_weights = grads.data();
  args.grad_bias = bias_grads.data();
  args.scale = 1.0F;
  args.batch = batch;
  args.fan_in = fan_in;
  args.fan_out = fan_out;
  if (pass == "grad_input")
    return {[=, keep = std::vector{weights, grad_output, grad_input}] { kernels::dense_grad_input_f32(args); },
            [=] { return grad_input.copy(); }};
  return {[=, keep = std::vector{input, grad_output, grads, bias_grads}] { kernels::dense_grad_params_f32(args); },
          [=] { return compare::joined(grads, bias_grads); }};
}

template <class Args>
using Kernel = void (*)(const Args&);
template <class Args, class Wanted>
void pick(bool is_it, Kernel<Args> kernel, Kernel<Wanted>& found) {
  if constexpr (std::is_same_v<Args, Wanted>)
    if (is_it) found = kernel;
}
/// The kernel of that name and kind of arguments, or null.
template <class Wanted>
Kernel<Wanted> kernel_named(const std::string& wanted) {
  Kernel<Wanted> found = nullptr;
#define MOTE_KERNEL(name, Args) pick(wanted == #name, Kernel<Args>{kernels::name}, found);
#include "mote/kernels/kernels.inc"
#undef MOTE_KERNEL
  return found;
}

ConvShape shape_of(const compare::Window& w) {
  return {w.batch,
          {w.h, w.w, w.c},
          {w.out_h, w.out_w, w.out_c},
          {w.filter_h, w.filter_w, w.stride, w.stride, 1, 1, w.pad_top, w.pad_left}};
}

Job convolution(const std::string& kind, const std::string& pass, const compare::Window& w) {
  const Floats input = read_floats(folder, "input", w.inputs());
  const Floats weights = read_floats(folder, "weights", w.weights(kind == "depthwise"));
  const Floats bias = read_floats(folder, "bias", w.out_c);
  const Floats grad_output = read_floats(folder, "grad", w.outputs());
  const ConvShape shape = shape_of(w);
  const Floats scratch(conv2d_scratch_floats(shape) + conv2d_grad_input_scratch_floats(shape) +
                       conv2d_grad_params_scratch_floats(shape));
  const std::string name = kind == "depthwise" ? "depthwise_conv2d" : "conv2d";
  if (pass == "forward") {
    const Floats output(w.outputs());
    const auto kernel = kernel_named<ConvArgs>(name + "_f32");
    ConvArgs args{};
    args.input = input.data();
    args.weights = weights.data();
    args.bias = bias.data();
    args.output = output.data();
    args.scratch = scratch.data();
    args.shape = shape;
    return {[=, keep = std::vector{input, weights, bias, scratch}] { kernel(args); }, [=] { return output.copy(); }};
  }
  const Floats grad_input(w.inputs()), grads(weights.size()), bias_grads(w.out_c);
  ConvGradArgs args{};
  args.input = input.data();
  args.weights = weights.data();
  args.grad_output = grad_output.data();
  args.grad_input = grad_input.data();
  args.grad_weights = grads.data();
  args.grad_bias = bias_grads.data();
  args.scratch = scratch.data();
  args.scale = 1.0F;
  args.shape = shape;
  const auto keep = std::vector{input, weights, grad_output, grad_input, grads, bias_grads, scratch};
  const auto kernel = kernel_named<ConvGradArgs>(name + "_" + pass + "_f32");
  if (pass == "grad_params")
    return {[=] { static_cast<void>(keep), kernel(args); }, [=] { return compare::joined(grads, bias_grads); }};
  // Where turning the weights round is a kernel of its own it belongs to the pass.
  const auto transpose = kernel_named<ConvGradArgs>(name + "_transpose_weights_f32");
  return {[=] {
            static_cast<void>(keep);
            if (transpose != nullptr) transpose(args);
            kernel(args);
          },
          [=] { return grad_input.copy(); }};
}

std::vector<std::int8_t> bytes_of(const Floats& values) {
  std::vector<std::int8_t> out(values.size());
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<std::int8_t>(values.data()[i]);
  return out;
}

/// Arrays of an int8 layer, from files of floats.
struct Int8Layer {
  std::vector<std::int8_t> input, weights, output, shifts;
  std::vector<std::int32_t> bias, multipliers;

  Int8Layer(std::size_t inputs, std::size_t terms, std::size_t channels, std::size_t outputs, bool packed)
      : input(bytes_of(read_floats(folder, "input", inputs))),
        weights(bytes_of(read_floats(folder, "weights", terms * channels))),
        output(outputs) {
    const Floats biases = read_floats(folder, "bias", channels), scales = read_floats(folder, "scale", channels);
    for (std::size_t c = 0; c < channels; ++c) {
      const QuantizedMultiplier q = quantize_multiplier(static_cast<double>(scales.data()[c]));
      bias.push_back(static_cast<std::int32_t>(biases.data()[c]));
      multipliers.push_back(q.multiplier), shifts.push_back(static_cast<std::int8_t>(q.shift));
    }
    if (!packed) return;
    std::vector<std::int8_t> blocks(packed_bytes(channels, terms));
    for (std::size_t k = 0; k < terms; ++k)
      for (std::size_t c = 0; c < channels; ++c) blocks[packed_index(c, k, terms)] = weights[k * channels + c];
    weights = blocks;
  }
  [[nodiscard]] OutputStage stage() const { return {multipliers.data(), shifts.data(), 0}; }
  [[nodiscard]] std::vector<float> floats() const { return {output.begin(), output.end()}; }
};

Job int8_dense(const compare::Dense& d) {
  const auto layer = std::make_shared<Int8Layer>(std::size_t{d.batch} * d.fan_in, d.fan_in, d.fan_out,
                                                 std::size_t{d.batch} * d.fan_out, true);
  DenseS8Args args{};
  args.input = layer->input.data();
  args.weights = layer->weights.data();
  args.bias = layer->bias.data();
  args.output = layer->output.data();
  args.batch = d.batch, args.fan_in = d.fan_in, args.fan_out = d.fan_out;
  args.stage = layer->stage();
  return {[=] { kernels::dense_s8(args); }, [=] { return layer->floats(); }};
}

Job int8_convolution(bool depthwise, const compare::Window& w) {
  const std::size_t terms = w.weights(depthwise) / w.out_c;
  const auto layer = std::make_shared<Int8Layer>(w.inputs(), terms, w.out_c, w.outputs(), !depthwise);
  ConvS8Args args{};
  args.input = layer->input.data();
  args.weights = layer->weights.data();
  args.bias = layer->bias.data();
  args.output = layer->output.data();
  args.shape = shape_of(w);
  args.stage = layer->stage();
  const auto kernel = depthwise ? kernels::depthwise_conv2d_s8 : kernels::conv2d_s8;
  return {[=] { static_cast<void>(layer), kernel(args); }, [=] { return layer->floats(); }};
}

Job activation(const std::string& name, unsigned count) {
  const Floats input = read_floats(folder, "input", count), output(count);
  if (name == "softmax")
    return {[=] { kernels::softmax_f32({input.data(), output.data(), 1, count}); }, [=] { return output.copy(); }};
  const auto kernel = kernel_named<ActivationArgs>(name + "_f32");
  if (kernel == nullptr) throw std::runtime_error("no such activation");
  ActivationArgs args{};
  args.input = input.data();
  args.output = output.data();
  args.alpha = 1.0F;
  args.count = count;
  return {[=, keep = input] { kernel(args); }, [=] { return output.copy(); }};
}

/// The text file's network with the parameters of weights.f32, every layer's arrays one after another.
tool::OwnedModel read_model(const std::string& text_file) {
  tool::OwnedModel model = tool::model_from_argument(text_file).model;
  const Floats weights = read_all(folder, "weights");
  std::size_t at = 0;
  const Model view = model.view();
  for (std::size_t i = 1; i < model.layers.size(); ++i)
    for (const ParamArray& array : param_arrays(model.layers[i], view.input_shape_of(i))) {
      if (at + array.count > weights.size()) throw std::runtime_error("too few weights");
      std::memcpy(model.params.data() + model.layers[i].param_offset + array.offset, weights.data() + at,
                  array.count * sizeof(float));
      at += array.count;
    }
  if (at != weights.size()) throw std::runtime_error("too many weights");
  return model;
}

struct Inference {
  tool::OwnedModel model;
  tool::AlignedBytes arena;
  Session session;
};

std::shared_ptr<Inference> inference_of(tool::OwnedModel model, const PlanOptions& options) {
  auto state = std::make_shared<Inference>();
  state->model = std::move(model);
  const Model view = state->model.view();
  const auto bytes = required_arena_bytes(view, options);
  if (!bytes.ok()) throw std::runtime_error(describe(bytes.status().code));
  state->arena = tool::AlignedBytes(*bytes);
  const Result<Session> session = Session::create(view, state->arena.span(), options);
  if (!session.ok()) throw std::runtime_error(describe(session.status().code));
  state->session = *session;
  return state;
}

Job network(const std::string& text_file) {
  const auto state = inference_of(read_model(text_file), {.alignment = 64, .external_input = true});
  const Model view = state->model.view();
  const Floats input = read_floats(folder, "input", view.input_shape().elements());
  state->session.set_input(input.data());
  return {[=] { static_cast<void>(input), state->session.run(); },
          [=] {
            const std::span<float> output = state->session.output<float>();
            return std::vector<float>(output.begin(), output.end());
          }};
}

/// FOLDER/model.tflite, int8 at both ends.
Job quantized() {
  const auto state = inference_of(tool::model_from_argument(folder + "/model.tflite").model, {.alignment = 64});
  const Model view = state->model.view();
  const Floats values = read_floats(folder, "input", view.input_shape().elements());
  // The input's memory is used again: it is copied for each run, as the other runtimes copy theirs or need not.
  const std::vector<std::int8_t> input = bytes_of(values);
  return {[=] {
            std::copy(input.begin(), input.end(), state->session.input<std::int8_t>().begin());
            state->session.run();
          },
          [=] {
            const std::span<std::int8_t> output = state->session.output<std::int8_t>();
            return std::vector<float>(output.begin(), output.end());
          }};
}

/// The batches of input.f32 and labels.f32 in turn; the output is the loss of each of the first steps.
struct Batches {
  Floats inputs = read_all(folder, "input"), labels = read_all(folder, "labels");
  std::size_t batch, sample_floats, count, next = 0;

  Batches(std::size_t batch_samples, std::size_t floats)
      : batch(batch_samples), sample_floats(floats), count(labels.size() / batch_samples) {}
};
constexpr std::size_t kFirstSteps = 6;

template <class Trainer>
void step(Trainer& trainer, Batches& batches, std::vector<float>& losses) {
  trainer.set_input(batches.inputs.data() + batches.next * batches.batch * batches.sample_floats);
  const float* labels = batches.labels.data() + batches.next * batches.batch;
  for (std::int32_t& label : trainer.labels()) label = static_cast<std::int32_t>(*labels++);
  const Result<float> loss = trainer.step();
  if (!loss.ok()) throw std::runtime_error(describe(loss.status().code));
  if (losses.size() < kFirstSteps) losses.push_back(*loss);
  batches.next = (batches.next + 1) % batches.count;
}

struct Training {
  tool::OwnedModel model;
  tool::AlignedBytes arena;
  Trainer trainer;
  std::vector<float> losses;
};

/// "train TEXT_FILE BATCH LEARNING_RATE": plain SGD on softmax cross-entropy.
Job training(const std::string& text_file, unsigned batch, float learning_rate) {
  auto state = std::make_shared<Training>();
  state->model = read_model(text_file);
  const Model view = state->model.view();
  const TrainConfig config{
      .optimizer = sgd({.learning_rate = learning_rate}), .batch = batch, .external_input = true, .alignment = 64};
  const auto bytes = required_arena_bytes(view, config);
  if (!bytes.ok()) throw std::runtime_error(describe(bytes.status().code));
  state->arena = tool::AlignedBytes(*bytes);
  Result<Trainer> trainer = Trainer::create(view, config, state->arena.span());
  if (!trainer.ok()) throw std::runtime_error(describe(trainer.status().code));
  state->trainer = *trainer;
  if (!state->trainer.load_params(view).ok()) throw std::runtime_error("cannot load the parameters");
  auto batches = std::make_shared<Batches>(batch, view.input_shape().elements());
  return {[=] { step(state->trainer, *batches, state->losses); },
          [=] {
            while (state->losses.size() < kFirstSteps) step(state->trainer, *batches, state->losses);
            return state->losses;
          }};
}

constexpr TrainConfig kSmallTraining{
    .optimizer = sgd({.learning_rate = 0.01F}), .batch = 8, .external_input = true, .alignment = 64};
StaticTrainer<bench::kSmallMlp, kSmallTraining> static_trainer;

/// The same for the network that the compiler knows: bench/networks/small_mlp.txt.
Job static_training(const std::string& text_file) {
  const tool::OwnedModel model = read_model(text_file);
  if (!static_trainer.load_params(model.view()).ok()) throw std::runtime_error("the networks differ");
  auto batches = std::make_shared<Batches>(kSmallTraining.batch, bench::kSmallMlp.model().input_shape().elements());
  auto losses = std::make_shared<std::vector<float>>();
  return {[=] { step(static_trainer, *batches, *losses); },
          [=] {
            while (losses->size() < kFirstSteps) step(static_trainer, *batches, *losses);
            return *losses;
          }};
}

Job make(Words& words) {
  const std::string kind = words.text();
  if (kind == "dense") return dense(compare::Dense(words));
  if (kind == "conv2d" || kind == "depthwise") {
    const std::string pass = words.text();
    return convolution(kind, pass, compare::Window(words));
  }
  if (kind == "int8") {
    const std::string layer = words.text();
    if (layer == "dense") return int8_dense(compare::Dense(words));
    words.text();  // the pass: forward
    return int8_convolution(layer == "depthwise", compare::Window(words));
  }
  if (kind == "activation") {
    const std::string name = words.text();
    return activation(name, words.number());
  }
  if (kind == "network") return network(words.text());
  if (kind == "quantized") return quantized();
  if (kind == "train") {
    const std::string text_file = words.text();
    const unsigned batch = words.number();
    return training(text_file, batch, std::stof(words.text()));
  }
  if (kind == "static_train") return static_training(words.text());
  if (kind == "fma_peak") {
    const tool::PeakLoop& peak = tool::ceilings_of(isa_name()).f32;
    return {[&] { peak.run(1000); }, [&] { return std::vector{2e3F * static_cast<float>(peak.multiply_adds)}; }};
  }
  throw std::runtime_error("no such kind of row");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  folder = argv[1];
  // Products of int8 have sets of their own over those of float32.
  const std::string isa = argc > 2 ? argv[2] : isa_name();
  if (!(isa == "avx512" && use_isa("avx512vnni")) && !use_isa(isa.c_str())) return 3;
  return compare::serve(make);
}
