// SPDX-License-Identifier: Apache-2.0
// mote quantize: accuracy kept on Fashion-MNIST, the report, int8 ends, layers kept, the same bytes through a .tflite
// file, and mistakes. Host only.
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "temporary.hpp"
#include "tool/data/npy.hpp"
#include "tool/pictures/plot.hpp"

namespace mote::tool {
namespace {

using namespace test;
using Json = nlohmann::json;

constexpr const char* kFashion = "/usr/share/datasets/fashion-mnist";

class Quantize : public ::testing::Test {
 protected:
  Outcome mote(const std::string& arguments) { return run_mote(folder_, arguments); }
  Json json(const std::string& arguments) {
    const Outcome outcome = mote(arguments + " --json");
    EXPECT_EQ(outcome.exit_code, 0) << arguments << "\n" << outcome.out << outcome.err;
    EXPECT_EQ(outcome.err, "");
    return Json::parse(outcome.out, nullptr, false);
  }
  /// A small network that is trained, on points of three kinds.
  void train_points() {
    std::string table = "a,b,c,label\n";
    unsigned state = 1;
    const auto number = [&] {
      state = state * 1664525U + 1013904223U;
      return static_cast<double>(state >> 8) * 0x1p-24;
    };
    for (int i = 0; i < 300; ++i) {
      const int kind = i % 3;
      for (int k = 0; k < 3; ++k) table += std::to_string(number() + (k == kind ? 0.8 : 0.0)) + ",";
      table += std::to_string(kind) + "\n";
    }
    write(folder_ / "t.csv", table);
    json(
        "train --model 'input 3; dense 12; batch_norm; relu; dense 8; tanh; dense 3; softmax' --data t.csv --epochs 15 "
        "--lr 0.01 --out net.mote");
  }
  TemporaryFolder folder_;
};

TEST_F(Quantize, KeepsAccuracyOnFashionMnist) {
  if (!std::filesystem::exists(kFashion)) GTEST_SKIP() << "no Fashion-MNIST here";
  const auto train = [&](const std::string& network, const std::string& out) {
    json("train --model '" + network + "' --epochs 2 --data " + kFashion + " --out " + out);
  };
  train(
      "input 28x28x1; conv2d 8 3x3 same; relu; max_pool 2; conv2d 16 3x3 same; batch_norm; relu; max_pool 2; flatten; "
      "dense 10; softmax",
      "plain.mote");
  train(
      "input 28x28x1; conv2d 16 3x3 same stride 2; batch_norm; relu as a; depthwise_conv2d 1 3x3 same; batch_norm; "
      "relu6; conv2d 16 1x1; batch_norm; add a; relu; conv2d 32 3x3 same stride 2; batch_norm; silu; "
      "global_average_pool; dense 10; softmax",
      "residual.mote");
  const auto accuracy = [&](const std::string& model) {
    return json("eval " + model + " --data " + kFashion)["accuracy"].get<double>();
  };
  for (const std::string network : {"plain", "residual"}) {
    const double real = accuracy(network + ".mote");
    EXPECT_GT(real, 0.75) << network;
    for (const char* rule : {"min-max", "percentile", "mse", "kl"}) {
      const Json made = json("quantize " + network + ".mote --out net8.mote --force --alone 0 --range " + rule +
                             " --data " + kFashion);
      EXPECT_EQ(made["samples"], 200);
      EXPECT_GT(accuracy("net8.mote"), real - 0.003) << network << " " << rule;
      EXPECT_LT(made["parameter_bytes"].get<double>(), 0.5 * made["parameter_bytes_before"].get<double>());
    }
  }
}

TEST_F(Quantize, ReportsEveryLayer) {
  train_points();
  const Json made = json("quantize net.mote --data t.csv --samples 100 --out net8.mote --report r.json");
  EXPECT_EQ(made["samples"], 100);
  ASSERT_EQ(made["layers"].size(), 6U) << "input, dense with norm and relu, dense, tanh, dense, softmax";
  EXPECT_EQ(made["layers"][1]["layers"], Json({1, 2, 3}));
  EXPECT_EQ(made["layers"][1]["range"][0], 0.0) << "what relu leaves";
  EXPECT_EQ(made["layers"][5]["scale"], 0x1p-8);
  double shares = 0.0;
  for (const Json& layer : made["layers"]) {
    EXPECT_GT(layer["signal_to_noise_db"].get<double>(), 20.0) << layer;
    EXPECT_LE(layer["outside"].get<double>(), 0.05);
    shares += layer["share_of_output_error"].get<double>();
  }
  EXPECT_NEAR(shares, 1.0, 1e-6);
  Json report = Json::parse(read(folder_ / "r.json"), nullptr, false);
  EXPECT_EQ(report["layers"], made["layers"]);
  const Outcome text = mote("quantize net.mote --data t.csv --out again.mote");
  expect_in(text.out, {"share of error", "1-3  dense 12, batch_norm, relu", "parameters", "again.mote"});
  const Json both = json("eval net.mote --beside net8.mote --data t.csv");
  EXPECT_NEAR(both["beside"]["accuracy"].get<double>(), both["accuracy"].get<double>(), 0.02);
  EXPECT_NEAR(both["beside"]["loss"].get<double>(), both["loss"].get<double>(), 0.05) << "of the logits, not of steps";
  if (can_plot()) {
    EXPECT_EQ(json("quantize net.mote --data t.csv --out p.mote --svg p.svg")["out"], "p.mote");
    EXPECT_TRUE(std::filesystem::exists(folder_ / "p.svg"));
  }
}

TEST_F(Quantize, KeepsLayersAndMakesInt8Ends) {
  train_points();
  const auto count = [&](const std::string& model, const char* op, const char* type) {
    std::size_t out = 0;
    const Json info = json("info " + model);
    for (const Json& layer : info["layers"]) out += layer["op"] == op && layer["dtype"] == type ? 1 : 0;
    return out;
  };
  json("quantize net.mote --data t.csv --keep 4,6 --out kept.mote");
  EXPECT_EQ(count("kept.mote", "dense", "float32"), 2U);
  EXPECT_EQ(count("kept.mote", "dense", "int8"), 1U);
  EXPECT_EQ(count("kept.mote", "input", "float32"), 1U);
  const Json by_share = json("quantize net.mote --data t.csv --keep-above 20 --out share.mote");
  for (const Json& layer : by_share["layers"])
    for (const Json& kept : by_share["kept_by_share"])
      EXPECT_EQ(std::count(layer["layers"].begin(), layer["layers"].end(), kept), 0) << layer;
  EXPECT_FALSE(by_share["kept_by_share"].empty());
  json("quantize net.mote --data t.csv --ends int8 --out whole.mote");
  EXPECT_EQ(count("whole.mote", "input", "int8"), 1U);
  EXPECT_EQ(count("whole.mote", "quantize", "int8"), 0U);
  // Through a .tflite file the bytes stay.
  json("quantize net.mote --data t.csv --ends int8 --out whole.tflite");
  std::vector<float> numbers;
  for (int i = 0; i < 60; ++i) numbers.push_back(static_cast<float>(i * 37 % 255 - 128));
  write_npy(folder_ / "x.npy", std::vector<std::uint64_t>{20, 3}, numbers);
  mote("run whole.mote --input x.npy --output a.npy"), mote("run whole.tflite --input x.npy --output b.npy");
  ASSERT_TRUE(std::filesystem::exists(folder_ / "a.npy"));
  EXPECT_EQ(read_npy(folder_ / "a.npy").bytes, read_npy(folder_ / "b.npy").bytes);
}

TEST_F(Quantize, SaysWhatIsWrong) {
  train_points();
  const auto expect_mistake = [&](const std::string& arguments, int exit_code,
                                  std::initializer_list<const char*> parts) {
    const Outcome outcome = mote("quantize " + arguments);
    EXPECT_EQ(outcome.exit_code, exit_code) << arguments << "\n" << outcome.err;
    expect_in(outcome.err, parts);
    EXPECT_FALSE(std::filesystem::exists(folder_ / "bad.mote")) << arguments;
  };
  expect_mistake("net.mote --out bad.mote", 2, {"no samples given", "--data"});
  expect_mistake("net.mote --data t.csv", 2, {"--out is required"});
  expect_mistake("net.mote --data t.csv --out bad.mote --keep 99", 2, {"--keep", "no layer 99"});
  expect_mistake("net.mote --data t.csv --out bad.mote --keep 0-7", 1, {"no layer", "int8", "keep fewer"});
  expect_mistake("net.mote --data t.csv --out bad.mote --range max", 2, {"--range", "\"max\"", "min-max"});
  expect_mistake("net.mote --data t.csv --out bad.mote --range mse --percentile 99", 2,
                 {"--percentile", "--range percentile"});
  expect_mistake("net.mote --data t.csv --out bad.mote --bins 100 --range min-max", 2, {"--bins", "--range min-max"});
  expect_mistake("net.mote --data t.csv --out bad.mote --alone 0 --keep-above 5", 2, {"--keep-above", "--alone 0"});
  write_npy(folder_ / "wide.npy", std::vector<std::uint64_t>{2, 5}, std::vector<float>(10, 1.0F));
  expect_mistake("net.mote --input wide.npy --out bad.mote", 1, {"wide.npy", "2x5", "takes 3"});
  write_npy(folder_ / "inf.npy", std::vector<std::uint64_t>{2, 3},
            std::vector<float>{1, 2, 3, 4, std::numeric_limits<float>::infinity(), 6});
  expect_mistake("net.mote --input inf.npy --out bad.mote", 1, {"sample 1", "value 1", "infinite"});
  expect_mistake("net.mote --input other=inf.npy --out bad.mote", 2, {"no input \"other\""});
  for (const std::string ends : {"int8", "float32"}) {
    json("quantize net.mote --data t.csv --force --out net8.mote --ends " + ends);
    expect_mistake("net8.mote --data t.csv --out bad.mote", 1, {"net8.mote", "on integers already", "float32 model"});
  }
}

}  // namespace
}  // namespace mote::tool
