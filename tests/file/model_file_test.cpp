// SPDX-License-Identifier: Apache-2.0
// Writing and reading model files: byte for byte there and back, models of a trainer, int8 records, folded models.
#include "check.hpp"
#include "file/exercise_model.hpp"
#include "unit/networks.hpp"
#include "unit/random_graph.hpp"

namespace mote {
namespace {

using test::AlignedBytes;
using test::Random;

std::vector<float> random_params(const Model& model, std::uint32_t seed) {
  Random random(seed);
  std::vector<float> params(model.param_bytes / sizeof(float) + 1);
  for (float& p : params) p = 0.5F * random.real();
  for (std::size_t i = 0; i < model.layers.size(); ++i)
    if (model.layers[i].op == Op::batch_norm)
      for (std::uint32_t c = 0; c < model.layers[i].shape.c; ++c)
        params[model.layers[i].param_offset / 4 + 3 * model.layers[i].shape.c + c] = 0.3F + random.real() * 0.2F;
  return params;
}
Model with(Model model, const std::vector<float>& params) {
  model.params = reinterpret_cast<const std::byte*>(params.data());
  return model;
}

TEST(model_file, there_and_back_byte_for_byte) {
  for (std::uint32_t seed = 0; seed < 300; ++seed) {
    const test::RandomGraph graph = test::random_graph(seed);
    const std::vector<float> params = random_params(graph.model(), seed);
    const Model model = with(graph.model(), params);
    const AlignedBytes file(model_file_bytes(model));
    const Result<std::size_t> written = write_model(model, file.span());
    ASSERT_TRUE(written.ok()) << "graph " << seed;
    EXPECT_EQ(*written, file.span().size());
    const Result<Model> opened = open_model(file.span());
    ASSERT_TRUE(opened.ok()) << "graph " << seed << ": " << name(opened.status().code);
    EXPECT_EQ(opened->layers.size(), model.layers.size());
    EXPECT_EQ(opened->alignment, model.alignment);
    EXPECT_EQ(std::memcmp(opened->layers.data(), model.layers.data(), model.layers.size_bytes()), 0);
    for (std::size_t i = 0; i < model.layers.size(); ++i) {
      if (model.layers[i].param_bytes != 0) {
        EXPECT_EQ(std::memcmp(layer_params(*opened, i), layer_params(model, i), model.layers[i].param_bytes), 0);
        EXPECT_EQ(reinterpret_cast<std::uintptr_t>(layer_params(*opened, i)) % model.alignment, 0U);
      }
    }
    const AlignedBytes again(model_file_bytes(*opened));
    ASSERT_TRUE(write_model(*opened, again.span()).ok());
    ASSERT_EQ(again.span().size(), file.span().size());
    EXPECT_EQ(std::memcmp(again.span().data(), file.span().data(), file.span().size()), 0) << "graph " << seed;
  }
}

TEST(model_file, carries_a_description) {
  const std::vector<float> params = random_params(test::kResidual.model(), 1);
  const Model model = with(test::kResidual.model(), params);
  const AlignedBytes bare(model_file_bytes(model));
  ASSERT_TRUE(write_model(model, bare.span()).ok());
  EXPECT_TRUE(model_description(bare.span()).empty());
  for (const std::size_t size : {1U, 2U, 3U, 4U, 63U, 1000U}) {
    std::string text(size, 'x');
    text.back() = '\xFF';  // any bytes
    const AlignedBytes file(model_file_bytes(model, text));
    EXPECT_EQ(file.span().size(), bare.span().size() + size);
    const Result<std::size_t> written = write_model(model, file.span(), text);
    ASSERT_TRUE(written.ok());
    EXPECT_EQ(*written, file.span().size());
    const Result<Model> opened = open_model(file.span());
    ASSERT_TRUE(opened.ok()) << name(opened.status().code);
    EXPECT_EQ(model_description(file.span()), text);
    EXPECT_EQ(opened->param_bytes, model.param_bytes);
    EXPECT_EQ(std::memcmp(opened->params, bare.span().last(model.param_bytes).data(), model.param_bytes), 0);
    const std::span<std::byte> tight = file.span().first(file.span().size() - 1);
    EXPECT_EQ(write_model(model, tight, text).status().code, Code::output_too_small);
    EXPECT_EQ(write_model(model, tight, text).status().detail, file.span().size());
  }
  EXPECT_TRUE(model_description(bare.span().first(10)).empty());
}

TEST(model_file, refuses_without_writing) {
  const std::vector<float> params = random_params(test::kResidual.model(), 1);
  const Model model = with(test::kResidual.model(), params);
  const AlignedBytes out(model_file_bytes(model));
  std::fill(out.span().begin(), out.span().end(), std::byte{7});
  const Status small = write_model(model, out.span().first(out.span().size() - 1)).status();
  EXPECT_EQ(small.code, Code::output_too_small);
  EXPECT_EQ(small.detail, out.span().size());
  const Status missing = write_model(test::kResidual.model(), out.span()).status();
  EXPECT_EQ(missing.code, Code::missing_parameters);
  EXPECT_EQ(missing.layer, 1);
  auto broken = test::kResidual;
  broken.layers[3].alpha = 1.0F;
  EXPECT_EQ(write_model(with(broken.model(), params), out.span()).status().code, Code::reserved_not_zero);
  for (const std::byte b : out.span()) ASSERT_EQ(static_cast<int>(b), 7);
}

TEST(model_file, a_trainers_model_is_written_with_its_own_parameters) {
  const std::vector<float> params = random_params(test::kPerceptron.model(), 2);
  const Model model = with(test::kPerceptron.model(), params);
  const AlignedBytes arena(64 * 1024);
  Result<Trainer> trainer = Trainer::create(model, {.batch = 2, .alignment = 64}, arena.span());
  ASSERT_TRUE(trainer.ok());
  std::fill(trainer->input().begin(), trainer->input().end(), 0.5F);
  std::fill(trainer->labels().begin(), trainer->labels().end(), 1);
  ASSERT_TRUE(trainer->step().ok());
  const AlignedBytes file(model_file_bytes(trainer->model()));
  ASSERT_TRUE(write_model(trainer->model(), file.span()).ok());
  const Result<Model> opened = open_model(file.span());
  ASSERT_TRUE(opened.ok());
  for (std::size_t i = 1; i < model.layers.size(); ++i) {
    if (model.layers[i].param_bytes == 0) continue;
    EXPECT_EQ(std::memcmp(layer_params(*opened, i), layer_params(trainer->model(), i), model.layers[i].param_bytes), 0)
        << i;
    const bool changed =
        std::memcmp(layer_params(*opened, i), layer_params(model, i), model.layers[i].param_bytes) != 0;
    EXPECT_EQ(changed, model.layers[i].trainable()) << i;
  }
}

/// Sums times 2^-13, and biases of 8 steps more for each output.
TEST(model_file, int8_models_run_where_they_lie) {
  constexpr auto kFloat = sequential(input(8, 8, 3), conv2d(4, {.padding = Padding::same, .trainable = false}), relu(),
                                     max_pool(), flatten(), dense(5, {.trainable = false}), softmax());
  auto net = kFloat;
  std::vector<std::int8_t> bytes(64 * 1024);
  std::uint32_t end = 0;
  for (std::size_t i = 0; i < net.layers.size(); ++i) {
    Layer& l = net.layers[i];
    l.dtype = DType::s8, l.quantization = {0.05F, -3};
    if (l.op == Op::softmax) l.quantization = {0x1p-8F, -128};
    if (l.param_bytes != 0) l.param_dtype = DType::s8;
    if (l.op == Op::softmax) l.param_dtype = DType::s32;
    const ParamArrays arrays = param_arrays(l, net.model().input_shape_of(i));
    if (arrays.count == 0) continue;
    l.param_offset = (end + 15) / 16 * 16;
    l.param_bytes = static_cast<std::uint32_t>(arrays.bytes);
    end = l.param_offset + l.param_bytes;
    for (const ParamArray& array : arrays)
      for (std::uint32_t k = 0; k < array.count; ++k) {
        std::int8_t* at = &bytes[l.param_offset + array.offset + k * bytes_of(array.dtype)];
        if (array.name[0] == 'w') *at = static_cast<std::int8_t>(k % 5);
        if (array.name[0] == 'b') at[2] = static_cast<std::int8_t>(k);  // 2^16 k
        if (array.name[0] == 'm') at[3] = 0x40;                         // 2^30
        if (array.name[0] == 's' && array.dtype == DType::s8) *at = l.op == Op::softmax ? 22 : -12;
      }
  }
  net.param_bytes = end;
  const Model model = net.model(reinterpret_cast<const std::byte*>(bytes.data()));
  EXPECT_TRUE(validate(model).ok()) << describe(validate(model)) << " in layer " << validate(model).layer;
  const AlignedBytes file(model_file_bytes(model));
  ASSERT_TRUE(write_model(model, file.span()).ok());
  const Result<Model> opened = open_model(file.span());
  ASSERT_TRUE(opened.ok()) << name(opened.status().code);
  std::vector<std::vector<std::int8_t>> outputs;
  for (const Model& one : {model, *opened}) {
    const AlignedBytes arena(64 * 1024);
    Result<Session> session = Session::create(one, arena.span());
    ASSERT_TRUE(session.ok()) << describe(session.status());
    EXPECT_EQ(session->plan().buffers[session->plan().input].bytes, 8U * 8 * 3) << "a byte a value";
    const Values<std::int8_t> in = session->input<std::int8_t>();
    for (std::size_t i = 0; i < in.size(); ++i) in[i] = static_cast<std::int8_t>(i);
    session->run();
    const Values<std::int8_t> out = session->output<std::int8_t>();
    outputs.emplace_back(out.begin(), out.end());
  }
  EXPECT_EQ(outputs[0], outputs[1]);
  EXPECT_NE(outputs[0][0], outputs[0][1]);
  const AlignedBytes arena(64 * 1024);
  EXPECT_EQ(Trainer::create(*opened, {}, arena.span()).status().code, Code::nothing_to_train);
  const AlignedBytes folded(folded_file_bytes(*opened));
  const Result<std::size_t> written = fold_batch_norm(*opened, folded.span());
  ASSERT_TRUE(written.ok());
  EXPECT_EQ(open_model(folded.span().first(*written))->layers.size(), opened->layers.size())
      << "there is nothing to fold";
}

TEST(model_file, folding_wants_no_more_room_than_the_file_and_new_biases) {
  constexpr auto kWide = sequential(input(1 << 20, 256), identity(), global_average_pool());  // a gigabyte of values
  EXPECT_LE(folded_file_bytes(kWide.model()), 64U + 3 * sizeof(Layer) + 4 * 64);
  constexpr auto kBias = sequential(input(4), dense(8, {.bias = false}), batch_norm());
  EXPECT_GE(folded_file_bytes(kBias.model()), 64U + 2 * sizeof(Layer) + (4 * 8 + 8) * 4);
  EXPECT_LE(folded_file_bytes(kBias.model()), model_file_bytes(kBias.model()) + 8 * 4 + 4 * 64);
}

/// The output for a fixed input; empty where the model does not fit.
std::vector<float> output_of(const Model& model) {
  const AlignedBytes arena(512 * 1024);
  Result<Session> session = Session::create(model, arena.span());
  if (!session.ok()) return {};
  Random random(3);
  for (float& x : session->input<float>()) x = random.real();
  session->run();
  return {session->output<float>().begin(), session->output<float>().end()};
}

TEST(model_file, folding_changes_records_but_not_results) {
  std::size_t folded_norms = 0;
  for (std::uint32_t seed = 0; seed < 6000; ++seed) {
    const test::RandomGraph graph = test::random_graph(seed);
    std::size_t wanted = 0;
    for (std::size_t i = 0; i < graph.count; ++i) wanted += can_fold(graph.model(), i) ? 1 : 0;
    if (wanted == 0 && seed % 20 != 0) continue;
    const std::vector<float> params = random_params(graph.model(), seed);
    const Model model = with(graph.model(), params);
    const AlignedBytes out(folded_file_bytes(model));
    const Result<std::size_t> written = fold_batch_norm(model, out.span());
    ASSERT_TRUE(written.ok()) << "graph " << seed;
    const AlignedBytes exact(out.span().first(*written));
    const Result<Model> folded = open_model(exact.span());
    ASSERT_TRUE(folded.ok()) << "graph " << seed << ": " << name(folded.status().code);
    EXPECT_EQ(folded->layers.size() + wanted, model.layers.size()) << "graph " << seed;
    const std::vector<float> a = output_of(model), b = output_of(*folded);
    ASSERT_EQ(a.size(), b.size());
    for (std::size_t i = 0; i < a.size(); ++i) {
      const double scale = 1.0 + std::max(std::abs(static_cast<double>(a[i])), std::abs(static_cast<double>(b[i])));
      EXPECT_NEAR(a[i] / scale, b[i] / scale, 2e-5) << "graph " << seed << ", output " << i;
    }
    folded_norms += wanted;
    EXPECT_EQ(fold_batch_norm(model, out.span().first(out.span().size() - 1)).status().code, Code::output_too_small);
  }
  EXPECT_GT(folded_norms, 400U);
}

}  // namespace
}  // namespace mote
