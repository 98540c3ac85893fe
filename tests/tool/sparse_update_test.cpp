// SPDX-License-Identifier: Apache-2.0
// --weights int8 and --update: parts of a network are the same function, learn what the whole layer would have learned
// there, and come back into the records; what it costs is said before; mistakes in the list. Host only.
#include "tool/models/sparse_update.hpp"

#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>

#include "mote/mote.hpp"
#include "temporary.hpp"
#include "tool/commands/training.hpp"

namespace mote::tool {
namespace {

using namespace test;
using Json = nlohmann::json;

constexpr const char* kNetwork =
    "input 8x8x6; conv2d 10 3x3 same; relu; depthwise_conv2d 2 3x3; relu; conv2d 12 1x1 no_bias; batch_norm frozen; "
    "relu; max_pool 2; dense 9; relu; dense 4";

OwnedModel network() {
  OwnedModel model = parse_model_text(kNetwork, "");
  initialize(model, Initializer::automatic, 0.0F, 3);
  for (const Layer& layer : model.layers) {  // biases that are something
    auto* params = reinterpret_cast<float*>(model.params.data() + layer.param_offset);
    for (std::uint32_t j = 0; layer.has_bias() && j < layer.shape.c; ++j)
      params[layer.param_bytes / 4 - 1 - j] = 0.1F * static_cast<float>(j % 5) - 0.2F;
  }
  return model;
}

/// Trains with plain SGD for a step; returns the loss.
float train_once(OwnedModel& model) {
  const TrainConfig config{.optimizer = sgd({.learning_rate = 0.05F}), .batch = 5};
  AlignedBytes arena(*required_arena_bytes(model.view(), config));
  Result<Trainer> trainer = Trainer::create(model.view(), config, arena.span());
  EXPECT_TRUE(trainer.ok()) << name(trainer.status().code) << " " << trainer.status().layer;
  unsigned state = 7;
  for (float& value : trainer->input())
    state = state * 1664525U + 1013904223U, value = static_cast<float>(state >> 8) * 0x1p-23F - 1.0F;
  for (std::size_t i = 0; i < 5; ++i) trainer->labels()[i] = static_cast<std::int32_t>(i % 4);
  const Result<float> loss = trainer->step();
  EXPECT_TRUE(loss.ok());
  const Model trained = trainer->model();
  for (std::size_t i = 0; i < model.layers.size(); ++i)
    if (model.layers[i].trainable())
      std::memcpy(model.params.data() + model.layers[i].param_offset, layer_params(trained, i),
                  model.layers[i].param_bytes);
  return *loss;
}
const float* floats_of(const OwnedModel& model, std::size_t layer) {
  return reinterpret_cast<const float*>(layer_params(model.view(), layer));
}

TEST(SparseUpdates, AreTheSameFunctionAndComeBack) {
  const OwnedModel model = network();
  OwnedModel whole = network();
  const float loss = train_once(whole);
  for (const char* list :
       {"bias", "1: 1/3; 3: 1/2; 5: 2/3; 9: 1/4; 11: 1/1", "dense", "1-5: 1/2", "3: bias; 11", "5", "bias; 9"}) {
    SparseUpdate update(model, list, "--update");
    EXPECT_TRUE(validate(update.model().view()).ok()) << list;
    const OwnedModel same = update.merged(update.model());
    ASSERT_EQ(same.params.size(), model.params.size());
    EXPECT_EQ(std::memcmp(same.params.data(), model.params.data(), model.params.size()), 0) << list;
    OwnedModel parts = update.take();
    EXPECT_NEAR(train_once(parts), loss, 1e-5F) << list;
  }
}

/// One step moves the trained channels as it moves them in the whole layer, and nothing else.
TEST(SparseUpdates, LearnWhatTheWholeLayerWould) {
  const OwnedModel model = network();
  OwnedModel whole = network();
  train_once(whole);
  SparseUpdate update(model, "1: 1/3; 3: 1/2; 9: 1/4; 11: bias", "--update");
  OwnedModel parts = update.take();
  train_once(parts);
  const OwnedModel merged = update.merged(parts);
  const Model view = model.view();
  for (const std::size_t i : {1U, 3U, 5U, 9U, 11U}) {
    const Layer& layer = model.layers[i];
    const std::uint32_t weights = weight_count(layer, view.input_shape_of(i)), columns = layer.shape.c;
    const float *before = floats_of(model, i), *is = floats_of(merged, i), *wanted = floats_of(whole, i);
    double moved = 0.0;
    for (std::uint32_t k = 0; k < weights; ++k) {
      const std::uint32_t row = k / columns, column = k % columns;
      const bool trained = i == 1 ? row % 6 < 2 : i == 3 ? column < 10 : i == 9 ? row < 27 : false;
      EXPECT_NEAR(is[k], trained ? wanted[k] : before[k], trained ? 1e-5F : 0.0F) << i << " " << k;
      moved += static_cast<double>(std::abs(is[k] - before[k]));
    }
    EXPECT_EQ(moved > 0.0, i != 5 && i != 11) << i;
    for (std::uint32_t j = 0; layer.has_bias() && j < columns; ++j) {
      const bool trained = i != 3 || j < 10;
      EXPECT_NEAR(is[weights + j], (trained ? wanted : before)[weights + j], trained ? 1e-5F : 0.0F) << i;
    }
  }
}

TEST(SparseUpdates, CostLessMemory) {
  const OwnedModel model = network();
  const TrainConfig config{.optimizer = adam(), .batch = 4};
  const auto bytes = [&](const char* list) {
    return *required_arena_bytes(SparseUpdate(model, list, "--update").model().view(), config);
  };
  const std::size_t all = *required_arena_bytes(model.view(), config);
  EXPECT_LT(bytes("bias"), all);
  EXPECT_LT(bytes("9: 1/4; 11"), bytes("9; 11"));
  EXPECT_LT(bytes("11"), bytes("9; 11"));
  EXPECT_LT(bytes("11: bias"), bytes("11"));
}

TEST(SparseUpdates, KnowLayersByNumberNameAndOperator) {
  const OwnedModel model = parse_model_text(
      "input 8x8x4; conv2d 8 3x3 same; conv2d 8 3x3 same as body; depthwise_conv2d 3x3; conv2d 8 1x1; flatten; dense "
      "9; "
      "dense 3",
      "");
  for (const auto& [one, other] : {std::pair{"conv3: 1/4", "4: 1/4"},
                                   {"conv2d2", "body"},
                                   {"body: bias", "2: bias"},
                                   {"depthwise1", "3"},
                                   {"depthwise: 1/2", "depthwise_conv2d: 1/2"},
                                   {"dense2", "7"},
                                   {"dense", "6,7"},
                                   {"conv", "1,2,4"}}) {
    const SparseUpdate a(model, one, "--update"), b(model, other, "--update");
    ASSERT_EQ(a.model().layers.size(), b.model().layers.size()) << one;
    EXPECT_EQ(std::memcmp(a.model().layers.data(), b.model().layers.data(), a.model().layers.size() * sizeof(Layer)), 0)
        << one;
  }
  const SparseUpdate third(model, "conv3: 1/4", "--update");
  EXPECT_EQ(third.model().layers.size(), model.layers.size() + 3) << "a slice, the trained part, the sum";
  for (const char* wrong : {"conv4", "conv0", "dense3: 1/2", "relu1", "7x"})
    EXPECT_THROW(SparseUpdate(model, wrong, "--update"), Error) << wrong;
}

TEST(SparseUpdates, SayWhatIsWrongWithTheList) {
  const OwnedModel model = network();
  for (const auto& [list, what] : std::vector<std::pair<std::string, std::string>>{{"", "empty"},
                                                                                   {"1;;2", "empty"},
                                                                                   {"99", "no layer 99"},
                                                                                   {"2", "no parameters"},
                                                                                   {"conv9", "conv9"},
                                                                                   {"5: bias", "no bias"},
                                                                                   {"6: 1/2", "whole or not at all"},
                                                                                   {"1: 0/4", "0/4"},
                                                                                   {"1: 5/4", "5/4"},
                                                                                   {"1: half", "half"},
                                                                                   {"1:", "colon"},
                                                                                   {"3-1", "range"},
                                                                                   {"1: 1/2/3", "1/2/3"},
                                                                                   {",", "called \"\""}}) {
    try {
      const SparseUpdate update(model, list, "--update");
      ADD_FAILURE() << list;
    } catch (const Error& error) {
      EXPECT_NE(error.message().find(what), std::string::npos) << list << ": " << error.message();
    }
  }
}

class Int8Training : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string table = "a,b,c,label\n";
    unsigned state = 1;
    const auto number = [&] {
      state = state * 1664525U + 1013904223U;
      return static_cast<double>(state >> 8) * 0x1p-24;
    };
    for (int i = 0; i < 300; ++i) {
      for (int k = 0; k < 3; ++k) table += std::to_string(number() + (k == i % 3 ? 0.8 : 0.0)) + ",";
      table += std::to_string(i % 3) + "\n";
    }
    write(folder_ / "t.csv", table);
  }
  Json json(const std::string& arguments) {
    const Outcome outcome = run_mote(folder_, arguments + " --json");
    EXPECT_EQ(outcome.exit_code, 0) << arguments << "\n" << outcome.out << outcome.err;
    return Json::parse(outcome.out, nullptr, false);
  }
  TemporaryFolder folder_;
};

TEST_F(Int8Training, FromScratchOnwardsAndByParts) {
  const std::string network = "'input 3; dense 16; tanh; dense 3'";
  const Json scratch = json("train --weights int8 --data t.csv --epochs 40 --lr 0.1 --out a.mote --model " + network);
  EXPECT_EQ(scratch["optimizer"], "sgd");
  EXPECT_EQ(scratch["weights"], "int8");
  EXPECT_GT(scratch["epochs"].back()["train_accuracy"].get<double>(), 0.9);
  EXPECT_EQ(json("info a.mote")["layers"][1]["text"], "dense 16 int8");
  const Json onwards = json("train --model a.mote --data t.csv --epochs 2 --optimizer sgd --lr 0.01 --out b.mote");
  EXPECT_GT(onwards["epochs"].back()["train_accuracy"].get<double>(), 0.9);
  json("train --data t.csv --epochs 5 --lr 0.01 --out f.mote --model " + network);
  const Json parts =
      json("train --model f.mote --data t.csv --weights int8 --update '1: 1/3; 3' --epochs 3 --lr 0.05 --out p.mote");
  EXPECT_EQ(parts["update"], "1: 1/3; 3");
  EXPECT_EQ(json("info p.mote")["layers"].size(), 4U);
  json("train --model f.mote --data t.csv --update 'bias' --epochs 1 --keep-parts --out k.mote");
  EXPECT_EQ(json("info k.mote")["layers"][2]["text"], "bias_add");
  json("train --model a.mote --data t.csv --weights int8 --update '3: 1/2' --epochs 1 --out l.mote");
  EXPECT_EQ(json("info l.mote")["layers"][1]["text"], "dense 16");
}

TEST_F(Int8Training, IsPricedBefore) {
  const std::string network =
      "'input 28x28x1; conv2d 8 3x3; relu; conv2d 32 3x3; relu; flatten; dense 64; relu; dense 10'";
  const Json all = json("plan --train --batch 8 --optimizer sgd " + network);
  const Json int8 = json("plan --train --batch 8 --weights int8 " + network);
  const Json parts = json("plan --train --batch 8 --weights int8 --update 'bias; 8; 6: 1/4' " + network);
  EXPECT_EQ(int8["whole_float32_arena_bytes"], all["arena_bytes"]);
  EXPECT_LT(2 * int8["arena_bytes"].get<int>(), all["arena_bytes"].get<int>());
  EXPECT_LT(parts["arena_bytes"].get<int>(), int8["arena_bytes"].get<int>());
  EXPECT_GT(parts["frozen_bytes"].get<int>(), int8["frozen_bytes"].get<int>());
}

TEST_F(Int8Training, RefusesOtherOptimizers) {
  for (const char* wrong : {"--optimizer adam", "--optimizer lbfgs", "--micro-batch 8", "--l2 0.1", "--clip-norm 1"}) {
    const Outcome outcome = run_mote(
        folder_, "train --model 'input 3; dense 3' --weights int8 --data t.csv --epochs 1 " + std::string(wrong));
    EXPECT_NE(outcome.exit_code, 0) << wrong;
    expect_in(outcome.err, {"stored as int8 are trained by plain sgd"});
    EXPECT_EQ(outcome.err.find("(the option: 4)"), std::string::npos) << "an option has a name";
  }
}

}  // namespace
}  // namespace mote::tool
