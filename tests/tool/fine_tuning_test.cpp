// SPDX-License-Identifier: Apache-2.0
// mote train --quantize: an int8 model of a network that was trained for it, from text and from a model file, and what
// is said of mistakes. Host only.
#include <filesystem>
#include <nlohmann/json.hpp>

#include "temporary.hpp"

namespace mote::tool {
namespace {

using namespace test;
using Json = nlohmann::json;

constexpr const char* kFashion = "/usr/share/datasets/fashion-mnist";

class FineTune : public ::testing::Test {
 protected:
  FineTune() {
    std::string table = "a,b,c,label\n", values = "a,b,c,y\n";
    unsigned state = 1;
    const auto number = [&] {
      state = state * 1664525U + 1013904223U;
      return static_cast<double>(state >> 8) * 0x1p-24;
    };
    for (int i = 0; i < 400; ++i) {
      const int kind = i % 3;
      double sum = 40.0;
      for (int k = 0; k < 3; ++k) {
        const double x = number() + (k == kind ? 0.8 : 0.0);
        const std::string word = std::to_string(x) + ",";
        table += word, values += word, sum += 10.0 * x;
      }
      table += std::to_string(kind) + "\n", values += std::to_string(sum) + "\n";
    }
    write(folder_ / "t.csv", table), write(folder_ / "y.csv", values);
    write(folder_ / "net.txt", "input 3; dense 12; batch_norm; relu; dense 8; tanh; dense 3; softmax");
  }
  Outcome mote(const std::string& arguments) { return run_mote(folder_, arguments); }
  Json json(const std::string& arguments) {
    const Outcome outcome = mote(arguments + " --json");
    EXPECT_EQ(outcome.exit_code, 0) << arguments << "\n" << outcome.out << outcome.err;
    return Json::parse(outcome.out, nullptr, false);
  }
  TemporaryFolder folder_;
};

TEST_F(FineTune, TrainsWritesAndReports) {
  const Json made = json(
      "train --model net.txt --data t.csv --epochs 15 --lr 0.01 --validation-fraction 0.25 --quantize --out n8.mote");
  const Json& q = made["quantization"];
  EXPECT_EQ(q["epochs"], 3) << "a fifth";
  EXPECT_NEAR(q["learning_rate"].get<double>(), 0.001, 1e-6);
  EXPECT_EQ(q["part"], "validation");
  EXPECT_EQ(q["range_samples"], 300) << "of the training part";
  EXPECT_GT(q["updates"], 0);
  const auto accuracy = [&](const char* kind) { return q[kind]["accuracy"].get<double>(); };
  EXPECT_GT(accuracy("float32"), 0.7);
  EXPECT_GT(accuracy("fake_quantized"), accuracy("float32") - 0.03);
  EXPECT_NEAR(accuracy("int8"), accuracy("fake_quantized"), 0.021);
  EXPECT_EQ(made["validation"]["accuracy"], q["int8"]["accuracy"]) << "of the model that is written";
  EXPECT_NE(mote("info n8.mote").out.find("int8"), std::string::npos);
  EXPECT_NEAR(json("eval n8.mote --data t.csv")["accuracy"].get<double>(), accuracy("int8"), 0.1);
  const Outcome text = mote("train --model net.txt --data t.csv --epochs 2 --quantize --out again.mote");
  EXPECT_EQ(text.exit_code, 0) << text.err;
  EXPECT_NE(text.out.find("fine-tuned      2 epochs"), std::string::npos) << text.out;
  const Outcome drawn = mote(
      "train --model net.txt --data t.csv --epochs 2 --quantize --validation-fraction 0.2 --gradient-norms --force "
      "--plots p --out again.mote");
  EXPECT_EQ(drawn.exit_code, 0) << drawn.out << drawn.err;
  EXPECT_NE(text.out.find("(training samples)"), std::string::npos) << text.out;
}

TEST_F(FineTune, GoesOnFromAModel) {
  json("train --model net.txt --data t.csv --epochs 10 --lr 0.01 --out net.mote");
  const Json made = json(
      "train --model net.mote --data t.csv --test t.csv --epochs 0 --quantize --quantize-epochs 2 --quantize-rate 1 "
      "--quantize-samples 50 --quantize-keep 1 --out n8.mote");
  EXPECT_TRUE(made["epochs"].empty());
  EXPECT_EQ(made["quantization"]["part"], "test");
  EXPECT_EQ(made["quantization"]["range_samples"], 50);
  EXPECT_NEAR(made["quantization"]["learning_rate"].get<double>(), 0.001, 1e-9);
  const Json calibrated =
      json("train --model net.mote --data t.csv --epochs 0 --quantize --quantize-epochs 0 --force --out n8.mote");
  EXPECT_EQ(calibrated["quantization"]["updates"], 0);
  EXPECT_GT(calibrated["quantization"]["int8"]["accuracy"].get<double>(), 0.7);
}

TEST_F(FineTune, OfRealTargets) {
  const Json made = json(
      "train --model 'input 3; standardize; dense 16; relu; dense 1' --data y.csv --target y --epochs 60 "
      "--validation-fraction 0.2 --quantize --quantize-epochs 5 --out y8.mote");
  EXPECT_GT(made["quantization"]["float32"]["r2"].get<double>(), 0.8);
  EXPECT_GT(made["quantization"]["int8"]["r2"].get<double>(), 0.75);
}

TEST_F(FineTune, TextFormAndExport) {
  write(folder_ / "q.txt", "input 3; fake_quantize; dense 4 rounded; relu; fake_quantize frozen; dense 3 rounded");
  json("train --model q.txt --data t.csv --epochs 3 --out q.mote");
  const Outcome info = mote("info q.mote");
  EXPECT_NE(info.out.find("fake_quantize"), std::string::npos) << info.out;
  EXPECT_NE(info.out.find("dense 4 rounded"), std::string::npos) << info.out;
  for (const std::string ending : {"onnx", "tflite"}) {
    const Outcome outcome = mote("export q.mote --out q." + ending);
    EXPECT_NE(outcome.exit_code, 0);
    EXPECT_NE(outcome.err.find("mote quantize"), std::string::npos) << outcome.err;
    EXPECT_FALSE(std::filesystem::exists(folder_ / ("q." + ending)));
  }
  const Json made = json("quantize q.mote --data t.csv --out q8.tflite --alone 0");
  EXPECT_EQ(made["layers"].size(), 3U) << made.dump(2);
}

TEST_F(FineTune, Mistakes) {
  const auto says = [&](const std::string& arguments, const std::string& part) {
    const Outcome outcome = mote("train --data t.csv " + arguments);
    EXPECT_EQ(outcome.exit_code, 2) << arguments << outcome.out << outcome.err;
    EXPECT_NE(outcome.err.find(part), std::string::npos) << arguments << "\n" << outcome.err;
  };
  says("--model net.txt --quantize", "--out");
  says("--model net.txt --quantize --optimizer lbfgs --out o.mote", "lbfgs");
  says("--model net.txt --quantize --cross-validate 3 --out o.mote", "--cross-validate");
  says("--model net.txt --quantize-epochs 3 --out o.mote", "--quantize");
  says("--model net.txt --epochs 0 --out o.mote", "--epochs wants");
  says("--model net.txt --epochs 0 --quantize --out o.mote", "--epochs wants");
  EXPECT_FALSE(std::filesystem::exists(folder_ / "o.mote"));
}

TEST_F(FineTune, KeepsAccuracyOnFashionMnist) {
  if (!std::filesystem::exists(kFashion)) GTEST_SKIP() << "no Fashion-MNIST here";
  const Json made = json(
      "train --model 'input 28x28x1; conv2d 8 3x3 same stride 2; batch_norm; relu; depthwise_conv2d 1 3x3 same; "
      "batch_norm; relu6; conv2d 16 1x1; batch_norm; relu; max_pool 2; flatten; dense 10' --epochs 2 --quantize "
      "--quantize-epochs 1 --data " +
      std::string(kFashion) + " --out f8.mote");
  const Json& q = made["quantization"];
  EXPECT_GT(q["float32"]["accuracy"].get<double>(), 0.8);
  EXPECT_GT(q["int8"]["accuracy"].get<double>(), q["float32"]["accuracy"].get<double>() - 0.01);
  EXPECT_NEAR(q["int8"]["accuracy"].get<double>(), q["fake_quantized"]["accuracy"].get<double>(), 0.003);
  EXPECT_LT(q["parameter_bytes"].get<double>(), 0.5 * q["parameter_bytes_before"].get<double>());
}

}  // namespace
}  // namespace mote::tool
