// SPDX-License-Identifier: Apache-2.0
// Layers whose weights are stored as int8 or float16: the bits of the same layers in float32, in inference, in training
// behind them and in constant plans, and what storing keeps and refuses.
#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <vector>

#include "check.hpp"
#include "kernels/guarded.hpp"
#include "mote/model/float16.hpp"
#include "mote/mote.hpp"

namespace mote {
namespace {

/// A model file in memory of its own.
class File {
 public:
  explicit File(std::size_t bytes) : blocks_(blocks_for(bytes)) {}
  [[nodiscard]] std::span<std::byte> span() { return std::as_writable_bytes(std::span(blocks_)); }
  void resize(std::size_t bytes) { bytes_ = bytes; }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }
  [[nodiscard]] Model model() const {
    const Result<Model> opened = open_model(std::as_bytes(std::span(blocks_)).first(bytes_));
    EXPECT_TRUE(opened.ok()) << name(opened.status().code) << " " << opened.status().layer;
    return *opened;
  }

 private:
  std::vector<Block> blocks_;
  std::size_t bytes_ = 0;
};

File stored(const Model& model, DType type, StoreWeights which = StoreWeights::all) {
  File out(stored_file_bytes(model, type));
  const Result<std::size_t> bytes = store_weights(model, type, which, out.span());
  EXPECT_TRUE(bytes.ok()) << name(bytes.status().code) << " " << bytes.status().layer;
  out.resize(bytes.ok() ? *bytes : 0);
  return out;
}

/// A network's parameters, drawn.
template <class Net>
struct Drawn {
  std::vector<Block> params;
  Model model;
  explicit Drawn(const Net& net, std::uint32_t seed = 1) : params(blocks_for(net.param_bytes) + 1) {
    test::Numbers(seed).fill(reinterpret_cast<float*>(params.data()), net.param_bytes / 4);
    for (std::size_t i = 0; i < net.layers.size(); ++i) {
      if (net.layers[i].op != Op::batch_norm) continue;
      auto* values = reinterpret_cast<float*>(params.data()) + net.layers[i].param_offset / 4;
      for (std::uint32_t c = 0; c < net.layers[i].shape.c; ++c) values[3 * net.layers[i].shape.c + c] = 1.0F;
    }
    model = net.model(reinterpret_cast<const std::byte*>(params.data()));
  }
};

std::vector<float> outputs_of(const Model& model, std::uint32_t batch) {
  const Result<std::size_t> bytes = required_arena_bytes(model, PlanOptions{.batch = batch});
  EXPECT_TRUE(bytes.ok());
  std::vector<Block> arena(blocks_for(*bytes));
  Result<Session> session = Session::create(model, std::as_writable_bytes(std::span(arena)), {.batch = batch});
  EXPECT_TRUE(session.ok()) << name(session.status().code);
  test::Numbers numbers(7);
  for (float& value : session->input()) value = numbers.next();
  session->run();
  const Values<const float> output = session->output<float>();
  return {output.begin(), output.end()};
}
bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}
std::size_t narrow_layers(const Model& model) {
  return static_cast<std::size_t>(std::count_if(model.layers.begin(), model.layers.end(), stores_narrow_weights));
}

constexpr auto kDense = sequential(input(70), dense(33), relu(), dense(90, {.bias = false}), dense(5));
constexpr auto kImages = sequential(input(9, 8, 3), conv2d(6, {.padding = Padding::same}).as("a"), relu6(),
                                    depthwise_conv2d(2, {.filter = {3, 3}, .padding = Padding::same}),
                                    conv2d(6, {.filter = {1, 1}, .bias = false}), add("a"), leaky_relu(0.1F),
                                    conv2d_transpose(4, {.filter = {2, 2}, .stride = {2, 2}}), flatten(), dense(3));
constexpr auto kSequence = sequential(input(7, 4), lstm(5), gru(6), gru(3, {.linear_before_reset = true}), rnn(4),
                                      conv1d(3, 3), global_average_pool(), dense(2));

template <class Net>
void expect_the_bits_of_float32(const Net& net, std::size_t layers) {
  const Drawn drawn(net);
  for (const DType type : {DType::s8, DType::f16}) {
    const File narrow = stored(drawn.model, type);
    EXPECT_EQ(narrow_layers(narrow.model()), layers);
    EXPECT_LT(narrow.model().param_bytes, drawn.model.param_bytes);
    const File wide = stored(narrow.model(), DType::f32);
    EXPECT_EQ(narrow_layers(wide.model()), 0U);
    for (const std::uint32_t batch : {1U, 3U})
      EXPECT_TRUE(same_bits(outputs_of(narrow.model(), batch), outputs_of(wide.model(), batch)));
  }
}

TEST(narrow_weights, dense_layers) { expect_the_bits_of_float32(kDense, 3); }
TEST(narrow_weights, convolutions) { expect_the_bits_of_float32(kImages, 5); }
TEST(narrow_weights, recurrent_layers) { expect_the_bits_of_float32(kSequence, 6); }

TEST(narrow_weights, stay_near_what_they_stand_for) {
  const Drawn drawn(kDense);
  const auto* const from = reinterpret_cast<const float*>(layer_params(drawn.model, 1));
  for (const DType type : {DType::s8, DType::f16}) {
    const File narrow = stored(drawn.model, type), wide = stored(narrow.model(), DType::f32);
    const auto* const to = reinterpret_cast<const float*>(layer_params(wide.model(), 1));
    for (std::size_t i = 0; i < 70 * 33; ++i) EXPECT_NEAR(to[i], from[i], type == DType::s8 ? 0.504F / 127 : 0x1p-12F);
    EXPECT_EQ(std::memcmp(to + 70 * 33, from + 70 * 33, 33 * sizeof(float)), 0) << "the bias stays";
  }
}

TEST(narrow_weights, are_found_again_where_they_are_exact) {
  const Drawn drawn(kImages);
  EXPECT_EQ(narrow_layers(stored(drawn.model, DType::s8, StoreWeights::exact).model()), 0U) << "drawn at random";
  EXPECT_EQ(narrow_layers(stored(drawn.model, DType::f16, StoreWeights::exact).model()), 0U);
  for (const DType type : {DType::s8, DType::f16}) {
    const File narrow = stored(drawn.model, type), wide = stored(narrow.model(), DType::f32),
               again = stored(wide.model(), type, StoreWeights::exact);
    // Of int8 the layers with at least 16 weights a column: not the depthwise and the 1 × 1.
    EXPECT_EQ(narrow_layers(again.model()), type == DType::s8 ? 3U : 5U);
    EXPECT_TRUE(same_bits(outputs_of(again.model(), 2), outputs_of(narrow.model(), 2)));
  }
}

/// Of any scale, also where the column's largest weight is not 127 times it.
TEST(narrow_weights, are_found_for_any_scale) {
  constexpr auto kNet = sequential(input(20), dense(40, {.bias = false}));
  for (std::uint32_t seed = 1; seed <= 50; ++seed) {
    Drawn drawn(kNet, seed);
    auto* const weights = reinterpret_cast<float*>(drawn.params.data());
    const float scale = 0.001F + 0.03F * static_cast<float>(seed) / 50.0F;
    for (int i = 0; i < 800; ++i)
      weights[i] = scale * static_cast<float>(static_cast<int>(weights[i] * (60.0F + static_cast<float>(i % 40))));
    const File again = stored(drawn.model, DType::s8, StoreWeights::exact);
    EXPECT_EQ(narrow_layers(again.model()), 1U) << seed;
    EXPECT_TRUE(same_bits(outputs_of(again.model(), 1), outputs_of(drawn.model, 1)));
  }
}

TEST(narrow_weights, keep_names) {
  const Drawn drawn(kDense);
  Model named = drawn.model;
  named.names = std::string_view("in\0\0\0\0out\0", 11).substr(0, 10);
  ASSERT_EQ(std::count(named.names.begin(), named.names.end(), '\0'), 5);
  EXPECT_EQ(stored(named, DType::s8).model().names, named.names);
}

TEST(narrow_weights, refusals) {
  const Drawn drawn(kDense);
  File out(stored_file_bytes(drawn.model, DType::s8));
  const std::span<std::byte> span = out.span();
  EXPECT_EQ(store_weights(drawn.model, DType::s16, StoreWeights::all, span).status().code, Code::unsupported_dtype);
  const std::size_t needed = stored_file_bytes(drawn.model, DType::s8);
  EXPECT_EQ(store_weights(drawn.model, DType::s8, StoreWeights::all, span.first(needed - 1)).status(),
            (Status{Code::output_too_small, kNoLayer, static_cast<std::uint32_t>(needed)}));
  File larger(needed + 64);
  EXPECT_EQ(store_weights(drawn.model, DType::s8, StoreWeights::all, larger.span().subspan(4)).status().code,
            Code::arena_misaligned);
  EXPECT_EQ(store_weights(kDense.model(), DType::s8, StoreWeights::all, span).status().code, Code::missing_parameters);
  Drawn broken(kDense);
  auto* const weights = reinterpret_cast<float*>(broken.params.data());
  weights[11] = 70000.0F;  // no float16
  EXPECT_EQ(store_weights(broken.model, DType::f16, StoreWeights::all, span).status(),
            (Status{Code::non_finite_parameter, 1, 11}));
  EXPECT_TRUE(store_weights(broken.model, DType::s8, StoreWeights::all, span).ok());
  weights[12] = __builtin_nanf("");
  EXPECT_EQ(store_weights(broken.model, DType::s8, StoreWeights::all, span).status(),
            (Status{Code::non_finite_parameter, 1, 12}));
  EXPECT_TRUE(store_weights(broken.model, DType::s8, StoreWeights::exact, span).ok()) << "that layer stays";
}

/// Parameters after ten steps of the one layer that learns, in front of those with narrow weights.
std::vector<float> trained(const Model& model, const TrainConfig& config) {
  const Result<std::size_t> bytes = required_arena_bytes(model, config);
  EXPECT_TRUE(bytes.ok()) << name(bytes.status().code);
  std::vector<Block> arena(blocks_for(*bytes));
  Result<Trainer> trainer = Trainer::create(model, config, std::as_writable_bytes(std::span(arena)));
  EXPECT_TRUE(trainer.ok()) << name(trainer.status().code);
  test::Numbers numbers(3);
  for (int step = 0; step < 20; ++step) {
    for (float& value : trainer->input()) value = numbers.next();
    for (float& value : trainer->targets()) value = numbers.next();
    EXPECT_TRUE(trainer->step().ok());
  }
  const std::span<std::byte> params = trainer->parameters();
  const auto* first = reinterpret_cast<const float*>(params.data());
  return {first, first + params.size() / sizeof(float)};
}

/// The same, of float32 and frozen.
template <class Net>
void expect_the_same_gradients(const Net& net) {
  const Drawn drawn(net);
  for (const DType type : {DType::s8, DType::f16}) {
    const File narrow = stored(drawn.model, type), wide = stored(narrow.model(), DType::f32);
    std::vector<Layer> records(wide.model().layers.begin(), wide.model().layers.end());
    for (std::size_t i = 0; i < records.size(); ++i)
      if (stores_narrow_weights(narrow.model().layers[i]))
        records[i].flags = static_cast<std::uint8_t>(records[i].flags & ~Layer::kTrainable);
    Model frozen = wide.model();
    frozen.layers = records;
    TrainConfig fused{.loss = Loss::squared_error, .optimizer = sgd({.learning_rate = 0.01F}), .batch = 2};
    TrainConfig slices = fused, clipped = fused;
    slices.optimizer = momentum({.learning_rate = 0.01F}), slices.batch = 4, slices.micro_batch = 2;
    clipped.optimizer = adam({.learning_rate = 0.01F}), clipped.clip_norm = 0.5F, clipped.batch = 1;
    for (const TrainConfig& config : {fused, slices, clipped}) {
      const std::vector<float> a = trained(narrow.model(), config), b = trained(frozen, config);
      EXPECT_GT(a.size(), 0U);
      EXPECT_TRUE(same_bits(a, b));
      EXPECT_NE(std::memcmp(a.data(), drawn.params.data(), sizeof(float)), 0) << "something was learnt";
    }
  }
}

TEST(narrow_weights, let_gradients_through) {
  expect_the_same_gradients(sequential(input(9, 8, 3), batch_norm(), conv2d(6, {.padding = Padding::same}), relu6(),
                                       depthwise_conv2d(2, {.filter = {3, 3}}), conv2d(6, {.filter = {1, 1}}),
                                       conv2d_transpose(4, {.filter = {2, 2}, .stride = {2, 2}}), flatten(), dense(3)));
  expect_the_same_gradients(sequential(input(7, 4), batch_norm(), lstm(5), gru(6), rnn(4), flatten(), dense(2)));
}

/// The same records as constants: the first dense layer's weights are int8.
struct StaticNarrow {
  static constexpr auto kNet = [] {
    auto net = sequential(input(6), dense(4), relu(), conv1d(3, 1));
    for (const std::size_t i : {1, 3}) {
      Layer& layer = net.layers[i];
      layer.param_dtype = i == 1 ? DType::s8 : DType::f16, layer.flags = Layer::kHasBias;
      layer.param_bytes = static_cast<std::uint32_t>(param_arrays(layer, net.layers[i - 1].shape).bytes);
    }
    net.layers[3].param_offset = align_up(net.layers[1].param_bytes, 16);
    net.param_bytes = net.layers[3].param_offset + net.layers[3].param_bytes;
    return net;
  }();
};
constexpr const auto& kStaticNarrow = StaticNarrow::kNet;
static_assert(validate(kStaticNarrow.model()).ok());

TEST(narrow_weights, in_a_static_session) {
  alignas(16) static std::array<std::byte, 256> params{};
  static_assert(kStaticNarrow.param_bytes <= 256);
  auto* const bytes = reinterpret_cast<std::int8_t*>(params.data());
  for (int i = 0; i < 24; ++i) bytes[i] = static_cast<std::int8_t>(17 * i % 255 - 127);
  auto* const floats = reinterpret_cast<float*>(params.data() + 24);  // bias, scales
  for (int i = 0; i < 8; ++i) floats[i] = 0.01F + 0.02F * static_cast<float>(i);
  auto* const halves = reinterpret_cast<std::uint16_t*>(params.data() + kStaticNarrow.layers[3].param_offset);
  for (int i = 0; i < 12; ++i) halves[i] = detail::half_bits(0.3F * static_cast<float>(i) - 1.7F);
  const Model model = kStaticNarrow.model(params.data());
  const std::vector<float> wanted = outputs_of(model, 1);
  static StaticSession<kStaticNarrow> session;
  ASSERT_TRUE(session.set_params(std::span(params).first(kStaticNarrow.param_bytes)).ok());
  test::Numbers numbers(7);
  for (float& value : session.input()) value = numbers.next();
  session.run();
  const auto output = session.output();
  EXPECT_TRUE(same_bits({output.begin(), output.end()}, wanted));
}

TEST(narrow_weights, float16_is_rounded_to_the_nearest) {
  for (std::uint32_t bits = 0; bits < 0x7C00; ++bits) {
    const float value = detail::half_value(static_cast<std::uint16_t>(bits));
    ASSERT_EQ(detail::half_bits(value), bits);
    ASSERT_EQ(detail::half_bits(-value), bits | 0x8000U);
    const auto next = static_cast<std::uint16_t>(bits + 1);
    const double above = next == 0x7C00 ? 65536.0 : static_cast<double>(detail::half_value(next));
    const double middle = (static_cast<double>(value) + above) / 2;
    const auto between = static_cast<float>(middle);
    ASSERT_EQ(static_cast<double>(between), middle);
    ASSERT_EQ(detail::half_bits(between), bits + (bits & 1U)) << "halves to the even one";
    ASSERT_EQ(detail::half_bits(std::bit_cast<float>(std::bit_cast<std::uint32_t>(between) - 1)), bits);
    ASSERT_EQ(detail::half_bits(std::bit_cast<float>(std::bit_cast<std::uint32_t>(between) + 1)), bits + 1);
  }
  EXPECT_EQ(detail::half_bits(__builtin_inff()), 0x7C00U);
  EXPECT_EQ(detail::half_bits(-3e38F), 0xFC00U);
  EXPECT_EQ(detail::half_bits(1e-30F), 0U);
  EXPECT_TRUE((detail::half_bits(__builtin_nanf("")) & 0x7FFFU) > 0x7C00U);
}

}  // namespace
}  // namespace mote
