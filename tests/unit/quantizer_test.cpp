// SPDX-License-Identifier: Apache-2.0
// The quantiser on random networks, on hosts and bare metal: exact sizes, every error, and int8 outputs that are near
// the float32 network's.
#include "mote/quantize/quantizer.hpp"

#include <algorithm>
#include <cmath>

#include "check.hpp"
#include "mote/model/builders.hpp"
#include "mote/run/session.hpp"
#include "unit/memory.hpp"
#include "unit/random_graph.hpp"

namespace mote {
namespace {

using test::memory;
using test::param_memory;
using test::params_bytes;
using test::Random;
using test::RandomGraph;
using test::workspace;

constexpr std::byte kUntouched{0xA5};

/// The arena of the quantiser, the file it writes and the arena of its session, one behind the other.
class Rooms {
 public:
  Rooms() { std::fill(memory.begin(), memory.end(), kUntouched); }
  std::span<std::byte> take(std::size_t bytes) {
    const std::span<std::byte> out = std::span(memory).subspan(used_, bytes);
    used_ = align_up(used_ + bytes + 16, 64);
    return out;
  }
  [[nodiscard]] bool fits(std::size_t bytes) const { return used_ + bytes + 64 <= memory.size(); }

 private:
  std::size_t used_ = 0;
};
bool untouched_behind(std::span<const std::byte> room) {
  return std::all_of(room.data() + room.size(), room.data() + room.size() + 16,
                     [](std::byte b) { return b == kUntouched; });
}

void fill_params(const Model& model, Random& random) {
  for (float& p : param_memory) p = 0.3F * random.real();
  for (const Layer& layer : model.layers) {
    float* const first = param_memory.data() + layer.param_offset / sizeof(float);
    if (layer.op == Op::batch_norm)
      for (std::uint32_t c = 0; c < layer.shape.c; ++c)
        first[c] = 1.0F + 0.3F * random.real(), first[3 * layer.shape.c + c] = 0.6F + 0.4F * random.real();
    if (layer.op == Op::spline)  // knots increase
      for (std::uint32_t k = 0; k < layer.shape.c * layer.knots(); ++k)
        first[k] = static_cast<float>(k % layer.knots()) - 0.5F * static_cast<float>(layer.knots());
  }
}
void fill_input(Values<float> input, std::uint32_t seed) {
  Random random(seed);
  for (float& v : input) v = random.real();
}

/// Decibels of `a` over the difference to `b`; 200 where there is none.
double ratio(std::span<const float> a, std::span<const float> b) {
  double signal = 0.0, noise = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double difference = static_cast<double>(a[i]) - static_cast<double>(b[i]);
    signal += static_cast<double>(a[i]) * static_cast<double>(a[i]), noise += difference * difference;
  }
  if (noise == 0.0) return 200.0;
  return signal == 0.0 ? -200.0 : 10.0 * std::log10(signal / noise);
}

TEST(quantizer, memory_is_exact_and_outputs_are_near) {
  Random random(5);
  std::uint32_t done = 0;
  for (std::uint32_t seed = 0; seed < test::kRandomGraphs / 2; ++seed) {
    const RandomGraph graph = test::random_graph(seed);
    const Model model = graph.model(params_bytes());
    fill_params(model, random);
    const QuantizeConfig config{.range = seed % 2 == 0 ? RangeRule::min_max : RangeRule::mean_square_error,
                                .bins = seed % 2 == 0 ? 0U : 128U,
                                .bias_correction = seed % 3 == 0};
    const Result<std::size_t> needed = required_arena_bytes(model, config, workspace);
    ASSERT_TRUE(needed.ok()) << "graph " << seed << " " << name(needed.status().code);
    Rooms rooms;
    if (!rooms.fits(*needed)) continue;
    const std::span<std::byte> arena = rooms.take(*needed);
    const Status small = Quantizer::create(model, arena.first(*needed - 16), config).status();
    EXPECT_EQ(small.code, Code::arena_too_small) << "graph " << seed;
    EXPECT_EQ(small.detail, *needed) << "graph " << seed;
    Result<Quantizer> made = Quantizer::create(model, arena, config);
    ASSERT_TRUE(made.ok()) << "graph " << seed << " " << name(made.status().code) << " " << made.status().layer;
    EXPECT_EQ(made->write(memory).status().code, Code::too_few_samples);
    for (std::uint32_t sample = 0; sample < 8; ++sample) {
      fill_input(made->input(), 100 * seed + sample);
      const Status seen = made->observe();
      ASSERT_TRUE(seen.ok()) << "graph " << seed << " " << name(seen.code) << " " << seen.layer;
    }
    const Result<std::size_t> bytes = made->file_bytes();
    ASSERT_TRUE(bytes.ok()) << "graph " << seed << " " << name(bytes.status().code);
    if (!rooms.fits(*bytes)) continue;
    const std::span<std::byte> file = rooms.take(*bytes);
    const Status short_by_one = made->write(file.first(*bytes - 1)).status();
    EXPECT_EQ(short_by_one.code, Code::output_too_small);
    EXPECT_EQ(short_by_one.detail, *bytes);
    const Result<std::size_t> written = made->write(file);
    ASSERT_TRUE(written.ok()) << "graph " << seed << " " << name(written.status().code) << " "
                              << written.status().layer;
    EXPECT_EQ(*written, *bytes);
    EXPECT_TRUE(untouched_behind(arena)) << "graph " << seed;
    EXPECT_TRUE(untouched_behind(file)) << "graph " << seed;
    const Result<Model> int8 = open_model(file);
    ASSERT_TRUE(int8.ok()) << "graph " << seed << " " << name(int8.status().code) << " " << int8.status().layer;
    EXPECT_EQ(int8->output_shape(), model.output_shape());

    // The last sample once more, in both.
    const Result<std::size_t> of_real = required_arena_bytes(model, PlanOptions{}, workspace);
    const Result<std::size_t> of_int8 = required_arena_bytes(*int8, PlanOptions{}, workspace);
    ASSERT_TRUE(of_real.ok() && of_int8.ok());
    if (!rooms.fits(*of_real + 64 + *of_int8)) continue;
    Result<Session> a = Session::create(model, rooms.take(*of_real)), b = Session::create(*int8, rooms.take(*of_int8));
    ASSERT_TRUE(a.ok() && b.ok()) << "graph " << seed << " " << name(b.status().code) << " " << b.status().layer;
    fill_input(a->input(), 100 * seed + 7), fill_input(b->input(), 100 * seed + 7);
    a->run(), b->run();
    ++done;
    EXPECT_GT(ratio(a->output(), b->output()), 20.0) << "graph " << seed;
  }
  EXPECT_GT(done, test::kRandomGraphs / 4);
}

constexpr auto kNet = sequential(input(6), dense(8), relu(), dense(5), softmax());

Quantizer observed(std::span<std::byte> arena, std::uint32_t samples = 4) {
  Random random(11);
  for (float& p : param_memory) p = 0.4F * random.real();
  Result<Quantizer> made = Quantizer::create(kNet.model(params_bytes()), arena);
  EXPECT_TRUE(made.ok());
  for (std::uint32_t i = 0; i < samples; ++i) {
    fill_input(made->input(), i);
    EXPECT_TRUE(made->observe().ok());
  }
  EXPECT_EQ(made->samples(), samples);
  return *made;
}
Model written(Quantizer& quantizer, const QuantizedForm& form) {
  const std::span<std::byte> file = std::span(memory).subspan(128 * 1024, 64 * 1024);
  const Result<std::size_t> bytes = quantizer.write(file, form);
  EXPECT_TRUE(bytes.ok());
  const Result<Model> out = open_model(file.first(bytes.ok() ? *bytes : 0));
  EXPECT_TRUE(out.ok());
  return out.ok() ? *out : Model{};
}

TEST(quantizer, layers_and_ends_as_they_are_asked_for) {
  Quantizer quantizer = observed(std::span(memory).first(64 * 1024));
  const auto ops_are = [](const Model& model, std::initializer_list<Op> ops) {
    return std::equal(model.layers.begin(), model.layers.end(), ops.begin(), ops.end(),
                      [](const Layer& layer, Op op) { return layer.op == op; });
  };
  const Model plain = written(quantizer, {});
  EXPECT_TRUE(ops_are(plain, {Op::input, Op::quantize, Op::dense, Op::relu, Op::dense, Op::softmax, Op::dequantize}));
  EXPECT_EQ(plain.layers[2].quantization, plain.layers[3].quantization);
  EXPECT_EQ(plain.layers[3].param_dtype, DType::none) << "a clamp that dense applies";
  EXPECT_EQ(plain.layers[5].quantization, (Quantization{0x1p-8F, -128}));
  const Quantization of_input = plain.layers[1].quantization;  // what follows is written over it
  const Model whole = written(quantizer, {.integer_inputs = true, .integer_outputs = true});
  EXPECT_TRUE(ops_are(whole, {Op::input, Op::dense, Op::relu, Op::dense, Op::softmax}));
  EXPECT_EQ(whole.layers[0].dtype, DType::s8);
  EXPECT_EQ(whole.layers[0].quantization, of_input);
  constexpr std::uint16_t kFirst[]{1};
  const Model kept = written(quantizer, {.keep = kFirst});
  EXPECT_TRUE(ops_are(kept, {Op::input, Op::dense, Op::quantize, Op::relu, Op::dense, Op::softmax, Op::dequantize}));
  EXPECT_EQ(kept.layers[1].dtype, DType::f32);
  constexpr std::uint16_t kAll[]{0, 1, 2, 3, 4};
  EXPECT_TRUE(ops_are(written(quantizer, {.keep = kAll}), {Op::input, Op::dense, Op::relu, Op::dense, Op::softmax}));
}

constexpr auto kWide = sequential(input(5, 6, 8), conv2d(12, {.filter = {3, 3}}), flatten(), dense(6));

TEST(quantizer, corrected_biases_lower_the_mean_error) {
  Random random(21);
  for (float& p : param_memory) p = 0.2F * random.real() * random.real();
  const Model model = kWide.model(params_bytes());
  double errors[2] = {};
  for (const bool corrected : {false, true}) {
    Rooms rooms;
    const QuantizeConfig config{.bias_correction = corrected};
    Result<Quantizer> made =
        Quantizer::create(model, rooms.take(*required_arena_bytes(model, config, workspace)), config);
    ASSERT_TRUE(made.ok());
    const auto fill = [](Values<float> input, std::uint32_t seed) {  // far from 0 on average
      Random numbers(seed);
      for (float& v : input) v = 2.0F + 0.5F * numbers.real();
    };
    for (std::uint32_t i = 0; i < 30; ++i) {
      fill(made->input(), i);
      ASSERT_TRUE(made->observe().ok());
    }
    const std::span<std::byte> file = rooms.take(*made->file_bytes());
    ASSERT_TRUE(made->write(file).ok());
    const Result<Model> int8 = open_model(file);
    ASSERT_TRUE(int8.ok());
    Result<Session> a = Session::create(model, rooms.take(*required_arena_bytes(model, PlanOptions{}, workspace))),
                    b = Session::create(*int8, rooms.take(*required_arena_bytes(*int8, PlanOptions{}, workspace)));
    ASSERT_TRUE(a.ok() && b.ok());
    std::array<double, 6> sums{};
    for (std::uint32_t i = 100; i < 160; ++i) {
      fill(a->input(), i), fill(b->input(), i);
      a->run(), b->run();
      for (std::size_t k = 0; k < sums.size(); ++k)
        sums[k] += static_cast<double>(b->output()[k]) - static_cast<double>(a->output()[k]);
    }
    for (const double sum : sums) errors[corrected ? 1 : 0] += sum * sum;
  }
  EXPECT_LT(errors[1], 0.25 * errors[0]);
}

TEST(quantizer, ranges_may_be_given) {
  Quantizer quantizer = observed(std::span(memory).first(64 * 1024));
  EXPECT_TRUE(quantizer.set_range(0, {-2.0F, 3.1F}).ok());
  EXPECT_EQ(quantizer.value(0).range, (RealRange{-2.0F, 3.1F}));
  const Quantization units = written(quantizer, {}).layers[1].quantization;
  EXPECT_EQ(units.scale, 5.1F / 255.0F);
  EXPECT_EQ(units.zero_point, -28);
  EXPECT_EQ(quantizer.set_range(1, {-1.0F, 1.0F}).code, Code::bad_input_index) << "relu's range is dense's";
  EXPECT_EQ(quantizer.set_range(4, {-1.0F, 1.0F}).code, Code::bad_input_index) << "softmax has its own";
  EXPECT_EQ(quantizer.set_range(99, {-1.0F, 1.0F}).code, Code::bad_input_index);
  EXPECT_EQ(quantizer.set_range(0, {1.0F, 1.0F}).code, Code::bad_quantization);
  EXPECT_EQ(quantizer.set_range(0, {1.0F, __builtin_inff()}).code, Code::bad_quantization);
}

TEST(quantizer, says_what_is_wrong) {
  const std::span<std::byte> arena = std::span(memory).first(64 * 1024), file = std::span(memory).subspan(128 * 1024);
  Quantizer quantizer = observed(arena, 0);
  for (const QuantizeConfig& config : {QuantizeConfig{.bins = 63}, QuantizeConfig{.bins = 62},
                                       QuantizeConfig{.bins = 65538}, QuantizeConfig{.range = RangeRule::percentile}})
    EXPECT_EQ(Quantizer::create(kNet.model(params_bytes()), arena, config).status(), bad_option(Option::bins));
  EXPECT_EQ(Quantizer::create(kNet.model(params_bytes()), arena, {.percentile = 50.0F}).status(),
            bad_option(Option::percentile));
  EXPECT_EQ(Quantizer::create(kNet.model(), arena).status().code, Code::missing_parameters);
  EXPECT_EQ(Quantizer::create(kNet.model(params_bytes()), arena.subspan(4)).status().code, Code::arena_misaligned);
  EXPECT_EQ(Quantizer().write(file).status().code, Code::not_created);
  EXPECT_EQ(quantizer.write(file).status(), (Status{Code::too_few_samples, kNoLayer, 1}));

  fill_input(quantizer.input(), 1);
  quantizer.input()[3] = __builtin_nanf("");
  EXPECT_EQ(quantizer.observe(), (Status{Code::non_finite_data, 0, 3}));
  EXPECT_EQ(quantizer.samples(), 0U);
  EXPECT_EQ(quantizer.value(0).seen, RealRange{}) << "nothing of the sample was counted";
  fill_input(quantizer.input(), 1);
  EXPECT_TRUE(quantizer.observe().ok());
  constexpr std::uint16_t kBeyond[]{5};
  EXPECT_EQ(quantizer.write(file, {.keep = kBeyond}).status(), (Status{Code::bad_input_index, kNoLayer, 5}));
  EXPECT_EQ(quantizer.write(file.subspan(8)).status(), (Status{Code::arena_misaligned, kNoLayer, 16}));
  EXPECT_EQ(quantizer.write(std::span(memory)).status().code, Code::memory_overlaps) << "the arena's";
  param_memory[2] = __builtin_inff();
  EXPECT_EQ(Quantizer::create(kNet.model(params_bytes()), arena).status(), (Status{Code::non_finite_parameter, 1, 2}));
}

TEST(quantizer, ranges_are_those_of_their_rules) {
  std::array<std::uint32_t, 512> bins{};
  Histogram histogram;
  histogram.begin(bins);
  std::array<float, 500> values{};
  Random random(9);
  for (int run = 0; run < 40; ++run) {  // most within 1, one in 5000 at 20, and half of them zeros
    for (float& v : values) v = random.chance(50) ? 0.0F : random.real() * random.real();
    if (run % 10 == 9) values[7] = 20.0F;
    EXPECT_EQ(histogram.add(values.data(), values.size()), values.size());
  }
  EXPECT_EQ(histogram.count(), 20'000U);
  const RealRange seen = histogram.seen();
  EXPECT_EQ(seen.high, 20.0F);
  EXPECT_LT(seen.low, -0.8F);
  EXPECT_EQ(histogram.range(RangeRule::min_max, 0.0F), seen);
  for (const RangeRule rule : {RangeRule::percentile, RangeRule::mean_square_error, RangeRule::kullback_leibler}) {
    const RealRange range = histogram.range(rule, 99.9F);
    EXPECT_GE(range.low, seen.low);
    EXPECT_LE(range.low, -0.3F);
    EXPECT_GE(range.high, 0.5F);
    if (rule == RangeRule::percentile) {
      EXPECT_LT(range.high, 3.0F);
    }
    EXPECT_LT(histogram.outside(range), 0.01);
  }
  values[3] = __builtin_inff();
  EXPECT_EQ(histogram.add(values.data(), values.size()), 3U);
  EXPECT_EQ(histogram.count(), 20'000U);
  EXPECT_EQ(int8_units({-1.0F, 1.55F}), (Quantization{0.01F, -28}));
  EXPECT_EQ(int8_units({0.5F, 2.55F}), (Quantization{0.01F, -128})) << "0 is in the range";
  EXPECT_EQ(int8_units({}), (Quantization{0x1p-7F, 0}));
}

}  // namespace
}  // namespace mote
