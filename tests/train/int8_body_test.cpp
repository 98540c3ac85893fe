// SPDX-License-Identifier: Apache-2.0
// Float32 layers trained on top of an int8 body that is frozen: the body's values stay int8 in the arena, and the head
// learns what it would learn alone from the body's outputs, bit for bit.
#include <cstring>

#include "grad/problem.hpp"
#include "instruction_set.hpp"
#include "mote/quantize/quantizer.hpp"

namespace mote::test {
namespace {

constexpr auto kNet = sequential(input(10, 10, 2), conv2d(8, {.padding = Padding::same}), relu(), max_pool(),
                                 depthwise_conv2d(1, {.padding = Padding::same}), relu(),
                                 conv2d(12, {.filter = {1, 1}}), relu(), flatten(), dense(9), tanh(), dense(3));
constexpr std::uint16_t kHead[] = {9, 10, 11};  // what stays float32
constexpr auto kHeadNet = sequential(input(5 * 5 * 12), dense(9), tanh(), dense(3));
constexpr TrainConfig kConfig{.optimizer = adam({.learning_rate = 5e-3F}), .batch = 4, .seed = 2};

alignas(64) std::byte params[kNet.param_bytes], quantizer_arena[16 * 1024], file[20 * 1024], trainer_arena[60 * 1024],
    head_arena[60 * 1024], body_arena[16 * 1024];

void fill_sample(float* input, std::uint32_t sample) {
  Numbers numbers(sample + 1);
  numbers.fill(input, 200, 0.5F);
  for (std::size_t i = 0; i < 60; ++i) input[60 * (sample % 3) + i] += 0.8F;
}

/// The network with an int8 body.
Model with_int8_body() {
  for (std::size_t i = 0; i < kNet.layers.size(); ++i)
    if (kNet.layers[i].param_bytes != 0)
      init_layer(kNet.layers[i], kNet.model().input_shape_of(i), params + kNet.layers[i].param_offset,
                 Initializer::he_uniform, 0.0F, 5, static_cast<std::uint32_t>(i));
  Result<Quantizer> quantizer = Quantizer::create(kNet.model(params), quantizer_arena);
  EXPECT_TRUE(quantizer.ok());
  for (std::uint32_t sample = 0; sample < 12; ++sample) {
    fill_sample(quantizer->input().data(), sample);
    EXPECT_TRUE(quantizer->observe().ok());
  }
  const Result<std::size_t> bytes = quantizer->write(file, {.keep = kHead});
  EXPECT_TRUE(bytes.ok());
  const Result<Model> model = open_model(std::span(file).first(*bytes));
  EXPECT_TRUE(model.ok());
  return *model;
}

TEST(Int8Body, LearnsAsItsHeadAlone) {
  const Model model = with_int8_body();
  std::size_t dequantized = 0, whole = 0;
  for (std::size_t i = 0; i < model.layers.size(); ++i) {
    if (model.layers[i].op == Op::dequantize) dequantized = i;
    whole += model.layers[i].dtype == DType::s8 ? 1U : 0U;
  }
  ASSERT_NE(dequantized, 0U);
  EXPECT_GE(whole, 8U);

  Result<Trainer> trainer = Trainer::create(model, kConfig, trainer_arena);
  ASSERT_TRUE(trainer.ok()) << name(trainer.status().code) << " " << trainer.status().detail;
  Result<Trainer> head = Trainer::create(kHeadNet.model(), kConfig, head_arena);
  ASSERT_TRUE(head.ok());
  ASSERT_EQ(trainer->parameters().size(), head->parameters().size());
  std::memcpy(head->parameters().data(), trainer->parameters().data(), head->parameters().size());

  // The body's value is the input of the head alone: the model up to there, in a session.
  const std::span<const Layer> layers = model.layers.first(dequantized + 1);
  Model body = model;
  body.layers = layers, body.names = {};
  Result<Session> session = Session::create(body, body_arena);
  ASSERT_TRUE(session.ok()) << name(session.status().code);

  float first = 0.0F, last = 0.0F;
  for (std::uint32_t step = 0; step < 60; ++step) {
    for (std::uint32_t s = 0; s < kConfig.batch; ++s) {
      const std::uint32_t sample = step * kConfig.batch + s;
      fill_sample(trainer->input().data() + std::size_t{200} * s, sample);
      fill_sample(session->input().data(), sample);
      session->run();
      std::copy(session->output().begin(), session->output().end(), head->input().data() + std::size_t{300} * s);
      trainer->labels()[s] = head->labels()[s] = static_cast<std::int32_t>(sample % 3);
    }
    const Result<float> loss = trainer->step(), alone = head->step();
    ASSERT_TRUE(loss.ok() && alone.ok());
    ASSERT_EQ(*loss, *alone) << step;
    (step < 10 ? first : last) += step < 10 || step >= 50 ? *loss : 0.0F;
  }
  EXPECT_LT(last, 0.2F * first);
  EXPECT_EQ(std::memcmp(head->parameters().data(), trainer->parameters().data(), head->parameters().size()), 0);
  EXPECT_EQ(hash_bits(reinterpret_cast<const float*>(trainer->parameters().data()),
                      trainer->parameters().size() / sizeof(float)),
            check::kFused ? 15565933246279540575ULL : 1645169121905683872ULL);
}

TEST(Int8Body, StaysInt8InTheArena) {
  const Model model = with_int8_body();
  const Result<Trainer> trainer = Trainer::create(model, kConfig, trainer_arena);
  ASSERT_TRUE(trainer.ok());
  std::uint32_t in_float32 = 0;
  for (const Buffer& buffer : trainer->plan().buffers)
    if (buffer.kind == BufferKind::activation && buffer.dtype == DType::f32)
      in_float32 = std::max(in_float32, buffer.bytes);
  EXPECT_EQ(in_float32, 4U * 300 * sizeof(float)) << "the head's input is the largest value in float32";
  const Result<std::size_t> wide = required_arena_bytes(kNet.model(), kConfig);
  ASSERT_TRUE(wide.ok());
  EXPECT_LT(trainer->arena_bytes() + 16 * 1024, *wide);
}

TEST(Int8Body, AloneIsNothingToTrain) {
  const Model model = with_int8_body();
  std::size_t end = 0;
  for (std::size_t i = 0; i < model.layers.size(); ++i)
    if (model.layers[i].op == Op::dequantize) end = i + 1;
  Model body = model;
  body.layers = model.layers.first(end), body.names = {};
  EXPECT_EQ(Trainer::create(body, kConfig, trainer_arena).status().code, Code::nothing_to_train);
}

}  // namespace
}  // namespace mote::test
