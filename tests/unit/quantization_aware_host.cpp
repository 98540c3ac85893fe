// SPDX-License-Identifier: Apache-2.0
// From a float32 model to one that is trained as its int8 model will compute, and to that int8 model: which records
// stand where, what the plan holds for rounded weights, that both models agree, and what is refused.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "check.hpp"
#include "file/changed_file.hpp"
#include "kernels/guarded.hpp"
#include "mote/model/int8_units.hpp"
#include "mote/mote.hpp"
#include "mote/quantize/quantizer.hpp"

namespace mote {
namespace {

using test::AlignedBytes;

constexpr DenseOptions kRounded{.rounded_weights = true};

/// A network's parameters, drawn; batch norms with variances that are some.
template <class Net>
struct Drawn {
  std::vector<Block> params;
  Model model;
  explicit Drawn(const Net& net, std::uint32_t seed = 1) : params(blocks_for(net.param_bytes) + 1) {
    test::Numbers numbers(seed);
    auto* const values = reinterpret_cast<float*>(params.data());
    numbers.fill(values, net.param_bytes / 4, 0.6F);
    for (const Layer& layer : net.layers) {
      float* const own = values + layer.param_offset / 4;
      for (std::uint32_t c = 0; layer.op == Op::batch_norm && c < layer.shape.c; ++c)
        own[c] = 1.0F + 0.3F * own[c], own[3 * layer.shape.c + c] = 0.5F + own[c];
      if (layer.op == Op::fake_quantize) own[0] = -0.75F, own[1] = 1.5F;
    }
    model = net.model(reinterpret_cast<const std::byte*>(params.data()));
  }
};

std::vector<float> outputs_of(const Model& model, std::size_t samples, std::uint32_t seed = 7) {
  const Result<std::size_t> bytes = required_arena_bytes(model, PlanOptions{});
  EXPECT_TRUE(bytes.ok()) << name(bytes.status().code);
  std::vector<Block> arena(blocks_for(*bytes));
  Result<Session> session = Session::create(model, std::as_writable_bytes(std::span(arena)));
  EXPECT_TRUE(session.ok()) << name(session.status().code) << " " << session.status().layer;
  test::Numbers numbers(seed);
  std::vector<float> out;
  for (std::size_t i = 0; i < samples; ++i) {
    for (float& value : session->input()) value = numbers.next();
    session->run();
    const Values<const float> output = session->output<float>();
    out.insert(out.end(), output.begin(), output.end());
  }
  return out;
}

/// A quantiser with its memory.
struct Made {
  std::vector<Block> arena;
  Quantizer quantizer;
  explicit Made(const Model& model, const QuantizeConfig& config = {}) {
    const Result<std::size_t> bytes = required_arena_bytes(model, config);
    EXPECT_TRUE(bytes.ok()) << name(bytes.status().code);
    arena.resize(blocks_for(*bytes));
    const Result<Quantizer> made = Quantizer::create(model, std::as_writable_bytes(std::span(arena)), config);
    EXPECT_TRUE(made.ok()) << name(made.status().code);
    quantizer = *made;
  }
  void observe(std::size_t samples, std::uint32_t seed = 7) {
    test::Numbers numbers(seed);
    for (std::size_t i = 0; i < samples; ++i) {
      for (float& value : quantizer.input()) value = numbers.next();
      ASSERT_TRUE(quantizer.observe().ok());
    }
  }
  std::vector<Block> file;
  Model opened(const Result<std::size_t>& bytes) {
    EXPECT_TRUE(bytes.ok()) << name(bytes.status().code) << " " << bytes.status().layer;
    const Result<Model> model = open_model(std::as_bytes(std::span(file)).first(bytes.ok() ? *bytes : 0));
    EXPECT_TRUE(model.ok()) << name(model.status().code) << " " << model.status().layer;
    return model.ok() ? *model : Model{};
  }
  Model fake_quantized(const QuantizedForm& form = {}) {
    const Result<std::size_t> bytes = quantizer.fake_quantized_bytes(form);
    EXPECT_TRUE(bytes.ok()) << name(bytes.status().code);
    file.assign(blocks_for(*bytes), Block{});
    const Result<std::size_t> written = quantizer.write_fake_quantized(std::as_writable_bytes(std::span(file)), form);
    EXPECT_EQ(*written, *bytes);
    return opened(written);
  }
  Model int8(const QuantizedForm& form = {}) {
    const Result<std::size_t> bytes = quantizer.file_bytes(form);
    EXPECT_TRUE(bytes.ok()) << name(bytes.status().code);
    file.assign(blocks_for(*bytes), Block{});
    return opened(quantizer.write(std::as_writable_bytes(std::span(file)), form));
  }
};

std::string words(const Model& model) {
  std::string out;
  for (const Layer& layer : model.layers) out += std::string(out.empty() ? "" : " ") + name(layer.op);
  return out;
}
std::size_t count_of(const Model& model, Op op) {
  return static_cast<std::size_t>(
      std::count_if(model.layers.begin(), model.layers.end(), [&](const Layer& l) { return l.op == op; }));
}

constexpr auto kImages =
    sequential(input(10, 9, 2), conv2d(6, {.padding = Padding::same, .bias = false}), batch_norm(), relu(), max_pool(),
               depthwise_conv2d(2, {.padding = Padding::same}), batch_norm(), relu6().as("a"),
               conv2d(12, {.filter = {1, 1}}), add("a"), relu(), global_average_pool(), dense(9), tanh(), dense(4));
constexpr auto kBranches = sequential(
    input(8, 8, 3).as("x"), conv2d(5, {.padding = Padding::same}), relu6().as("a"),
    conv2d(4, {.filter = {1, 1}}).reads("x").as("b"), identity().reads("a"), concat("b"), max_pool(),
    conv2d_transpose(3, {.filter = {2, 2}, .stride = {2, 2}}), leaky_relu(0.1F), flatten(), dense(7), silu(), dense(3));
constexpr auto kMixed = sequential(input(6, 6, 2), standardize(), conv2d(4, {.padding = Padding::same}), relu().as("r"),
                                   spline(5), conv2d(4, {.filter = {1, 1}}), add("r"), global_average_pool(), dense(3));
constexpr auto kChain = sequential(input(30), dense(40), relu(), dense(20), tanh(), dense(10));

/// The int8 model of the fake-quantised one against it: the share of the outputs that are equal and the worst, in steps
/// of the output. Steps differ where a number lies between two; means of pools are rounded on int8 alone.
template <class Net>
void expect_agreement(const Net& net, double steps_at_most, double equal_at_least) {
  const Drawn drawn(net);
  Made ranges(drawn.model);
  ranges.observe(30);
  const Model rounded = ranges.fake_quantized();
  Made again(rounded);  // without a sample
  const Model whole = again.int8();
  EXPECT_EQ(count_of(whole, Op::fake_quantize), 0U);
  for (const Layer& layer : whole.layers) EXPECT_FALSE(rounds_weights(layer));
  const std::vector<float> a = outputs_of(rounded, 60, 3), b = outputs_of(whole, 60, 3);
  float step = 0.0F;
  for (const Layer& layer : whole.layers)
    if (layer.dtype == DType::s8) step = layer.quantization.scale;  // of the last
  ASSERT_EQ(a.size(), b.size());
  std::size_t equal = 0, near = 0;
  double worst = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double off = std::fabs(static_cast<double>(a[i]) - static_cast<double>(b[i])) / static_cast<double>(step);
    equal += off < 0.51 ? 1 : 0, near += off < 1.51 ? 1 : 0;
    worst = std::max(worst, off);
  }
  const double n = static_cast<double>(a.size());
  EXPECT_GE(static_cast<double>(equal) / n, equal_at_least);
  EXPECT_GE(static_cast<double>(near) / n, 0.9);
  EXPECT_LE(worst, steps_at_most) << words(whole);
}

TEST(QuantizationAware, TheInt8ModelComputesWhatWasTrained) {
  expect_agreement(kImages, 4.0, 0.5);
  expect_agreement(kBranches, 4.0, 0.6);
  expect_agreement(kMixed, 4.0, 0.6);
  expect_agreement(kChain, 1.5, 0.98);
}

TEST(QuantizationAware, RecordsStandBehindWhatBecomesInt8) {
  const Drawn drawn(kImages);
  Made ranges(drawn.model);
  ranges.observe(10);
  const Model rounded = ranges.fake_quantized();
  EXPECT_EQ(words(rounded),
            "input fake_quantize conv2d relu fake_quantize max_pool depthwise_conv2d relu6 fake_quantize conv2d "
            "fake_quantize add relu fake_quantize global_average_pool dense fake_quantize tanh fake_quantize dense "
            "fake_quantize");
  for (std::size_t i = 0; i < rounded.layers.size(); ++i) {
    const Layer& layer = rounded.layers[i];
    EXPECT_EQ(rounds_weights(layer), may_round_weights(layer.op)) << i;
    EXPECT_TRUE(!may_round_weights(layer.op) || (layer.has_bias() && layer.trainable())) << i;
    if (layer.op != Op::fake_quantize) continue;
    const auto* const ends = reinterpret_cast<const float*>(layer_params(rounded, i));
    const Op before = rounded.layers[i - 1].op;
    const bool fixed = before == Op::tanh;
    EXPECT_EQ(layer.trainable(), !fixed) << i;
    EXPECT_TRUE(is_range({ends[0], ends[1]})) << i;
    EXPECT_TRUE(!fixed || int8_units({ends[0], ends[1]}) == (Quantization{0x1p-7F, 0})) << i;
    EXPECT_TRUE((before != Op::relu && before != Op::relu6) || ends[0] == 0.0F) << i;
  }
}

TEST(QuantizationAware, WhatIsKeptStaysFloat32AndRangesMayBeFrozen) {
  const Drawn drawn(kImages);
  Made ranges(drawn.model);
  ranges.observe(10);
  const std::uint16_t keep[] = {1, 5};  // both with their batch norms
  const QuantizedForm form{.keep = keep, .learned_ranges = false};
  const Model rounded = ranges.fake_quantized(form);
  EXPECT_EQ(count_of(rounded, Op::batch_norm), 2U);
  for (const Layer& layer : rounded.layers) {
    const bool kept = layer.op == Op::depthwise_conv2d || (layer.op == Op::conv2d && !layer.has_bias());
    EXPECT_EQ(rounds_weights(layer), may_round_weights(layer.op) && !kept) << name(layer.op);
    EXPECT_FALSE((layer.op == Op::fake_quantize || layer.op == Op::batch_norm) && layer.trainable());
  }
  Made again(rounded);
  EXPECT_EQ(count_of(again.int8(), Op::batch_norm), 2U);
}

TEST(QuantizationAware, TrainersParametersAreQuantizedWithoutACopy) {
  const Drawn drawn(kImages);
  Made ranges(drawn.model);
  ranges.observe(10);
  const Model rounded = ranges.fake_quantized();
  const TrainConfig config{.optimizer = adam({.learning_rate = 1e-3F}), .batch = 4};
  const Result<std::size_t> bytes = required_arena_bytes(rounded, config);
  ASSERT_TRUE(bytes.ok());
  std::vector<Block> arena(blocks_for(*bytes));
  Result<Trainer> trainer = Trainer::create(rounded, config, std::as_writable_bytes(std::span(arena)));
  ASSERT_TRUE(trainer.ok()) << name(trainer.status().code);
  Made again(trainer->model());
  const Model before = again.int8();
  const std::vector<float> old_outputs = outputs_of(before, 5);
  test::Numbers numbers(5);
  for (int i = 0; i < 20; ++i) {
    for (float& value : trainer->input()) value = numbers.next();
    for (std::int32_t& label : trainer->labels()) label = numbers.next() > 0.0F ? 1 : 2;
    ASSERT_TRUE(trainer->step().ok());
  }
  const Model after = again.int8();  // with the ranges and weights of now
  std::vector<std::byte> file(model_file_bytes(trainer->model()));
  ASSERT_TRUE(write_model(trainer->model(), file).ok());
  const AlignedBytes copy(file);
  const Result<Model> stored = open_model(copy.span());
  ASSERT_TRUE(stored.ok()) << name(stored.status().code);
  const std::vector<float> outputs = outputs_of(after, 5);
  Made of_file(*stored);
  EXPECT_EQ(outputs, outputs_of(of_file.int8(), 5));
  EXPECT_NE(outputs, old_outputs);
}

TEST(QuantizationAware, WithoutSamplesWhatNoRecordSaysStaysFloat32) {
  static constexpr auto kHalf = sequential(input(6), fake_quantize(), dense(5, kRounded), relu(), fake_quantize(),
                                           dense(3, kRounded), tanh(), dense(2, kRounded));
  const Drawn drawn(kHalf);
  Made made(drawn.model);
  EXPECT_EQ(words(made.int8()), "input quantize dense relu dequantize dense tanh dense") << "what no record says";
  EXPECT_EQ(made.quantizer.value(2).range, (RealRange{-0.75F, 1.5F})) << "the record behind the clamp says it";
  EXPECT_FALSE(made.quantizer.value(2).observed);
  EXPECT_EQ(made.quantizer.set_range(1, {-1.0F, 1.0F}).code, Code::bad_input_index);
  made.observe(20);
  const Model whole = made.int8();
  EXPECT_EQ(words(whole), "input quantize dense relu dense tanh dense dequantize");
  // Whoever reads a value beside its fake_quantize reads it as it was.
  static constexpr auto kBeside = sequential(input(6), dense(4, kRounded).as("a"), fake_quantize(), dense(4, kRounded),
                                             add("a"), dense(2, kRounded));
  const Drawn beside(kBeside);
  Made other(beside.model);
  other.observe(20);
  EXPECT_EQ(words(other.int8()), "input quantize dense requantize dense add dense dequantize");
  const std::uint16_t all[] = {1, 3, 4, 5};
  EXPECT_EQ(words(other.int8({.keep = all})), "input dense dense add dense") << "nothing is left for it to do";
}

TEST(QuantizationAware, RoundedWeightsTakeScratchOfOneLayer) {
  static constexpr auto kPlain = sequential(input(20), dense(30), relu(), dense(10));
  static constexpr auto kRound = sequential(input(20), dense(30, kRounded), relu(), dense(10, kRounded));
  static constexpr PlanSize kSize = *plan_size(kRound.model(), {});
  std::array<Step, kSize.steps> steps;
  std::array<Buffer, kSize.buffers> buffers;
  const Result<Plan> plan = make_plan(kRound.model(), {}, steps, buffers);
  ASSERT_TRUE(plan.ok());
  for (const Step& step : plan->steps) {
    const std::uint16_t wide = widened_params(step);
    ASSERT_NE(wide, kNoBuffer);
    EXPECT_EQ(plan->buffers[wide].bytes, kRound.layers[step.layer].param_bytes);
    EXPECT_EQ(plan->buffers[wide].first_step, plan->buffers[wide].last_step);
  }
  // The bits of the plain network with weights that are rounded already; constant plans, too.
  const Drawn drawn(kRound);
  std::vector<Block> params = drawn.params;
  auto* const values = reinterpret_cast<float*>(params.data());
  for (const std::size_t i : {1U, 3U}) {
    float* const weights = values + kRound.layers[i].param_offset / 4;
    const std::uint32_t units = kRound.layers[i].shape.c;
    kernels::round_weights_f32({weights, weights, i == 1 ? 20U : 30U, units});
  }
  const std::vector<float> wanted = outputs_of(kPlain.model(reinterpret_cast<const std::byte*>(params.data())), 3);
  EXPECT_EQ(outputs_of(drawn.model, 3), wanted);
  static std::array<float, kRound.param_bytes / 4> at_compile_time;
  std::memcpy(at_compile_time.data(), drawn.params.data(), kRound.param_bytes);
  static StaticSession<kRound, at_compile_time> session;
  test::Numbers numbers(7);
  for (std::size_t i = 0; i < 3; ++i) {
    for (float& value : session.input()) value = numbers.next();
    session.run();
    EXPECT_EQ(std::memcmp(session.output().data(), wanted.data() + 10 * i, 10 * sizeof(float)), 0);
  }
}

TEST(QuantizationAware, FilesAreCheckedForRangesAndFlags) {
  static constexpr auto kNet = sequential(input(4), fake_quantize(), dense(3, kRounded), relu());
  const Drawn drawn(kNet);
  const std::vector<std::byte> file = test::file_of(drawn.model);
  const AlignedBytes aligned(file);
  ASSERT_TRUE(open_model(aligned.span()).ok());
  EXPECT_EQ(reinterpret_cast<const FileHeader*>(aligned.span().data())->version, 2);
  const float nan = __builtin_nanf(""), infinity = __builtin_inff();
  for (const RealRange& bad :
       {RealRange{0.0F, 0.0F}, RealRange{0.5F, 1.0F}, RealRange{-2.0F, -1.0F}, RealRange{-1.0F, infinity},
        RealRange{-infinity, 1.0F}, RealRange{nan, 1.0F}, RealRange{-1.0F, nan}, RealRange{1.0F, -1.0F}}) {
    std::vector<Block> params = drawn.params;
    std::memcpy(params.data(), &bad, sizeof(bad));
    const Model model = kNet.model(reinterpret_cast<const std::byte*>(params.data()));
    std::vector<std::byte> out(model_file_bytes(model));
    const Status status = write_model(model, out).status();
    EXPECT_EQ(status.code, Code::bad_range);
    EXPECT_EQ(status.layer, 1);
    EXPECT_EQ(outputs_of(model, 1).size(), 3U) << "a session computes something all the same";
  }
  const auto with_flags = [&](std::size_t layer, std::uint8_t flags) {
    std::array<Layer, 4> layers = kNet.layers;
    layers[layer].flags = flags;
    Model model = drawn.model;
    model.layers = layers;
    return validate(model).code;
  };
  EXPECT_EQ(with_flags(2, Layer::kTrainable | Layer::kHasBias | Layer::kRoundedWeights), Code::ok);
  EXPECT_EQ(with_flags(2, Layer::kHasBias | Layer::kRoundedWeights), Code::ok);
  EXPECT_EQ(with_flags(2, Layer::kHasBias | 8), Code::reserved_not_zero);
  EXPECT_EQ(with_flags(1, Layer::kRoundedWeights), Code::reserved_not_zero);
  EXPECT_EQ(with_flags(1, Layer::kHasBias), Code::reserved_not_zero);
  EXPECT_EQ(with_flags(1, 0), Code::ok) << "frozen";
  EXPECT_EQ(with_flags(3, Layer::kRoundedWeights), Code::reserved_not_zero);
}

}  // namespace
}  // namespace mote
