// SPDX-License-Identifier: Apache-2.0
// Public models through the records, against the outputs that other runtimes gave: a table of what loads and how near
// it comes. And models that must be refused, in words that help.
#include <cstdio>
#include <map>

#include "import/model_runner.hpp"
#include "import/zoo.hpp"
#include "tool/import/import.hpp"
#include "tool/models/model_source.hpp"

namespace mote::test {
namespace {

using namespace tool;

/// Differences that are not float32's rounding, as parts of the largest output, and why.
const std::map<std::string, double> kTolerances = {
    {"onnx_kws_qdq", 0.01},              // one quantisation step: a tie that float32 sums decide in different ways
    {"onnx_pitch_cqt", 5e-5},            // a logarithm of sums near zero; the other runtime's float32 sums differ too
    {"tfl_audio_features_float", 5e-5},  // the same
    {"tfl_dtln_1_hybrid", 0.1},          // the other runtime quantises activations as it goes
    {"tfl_gesture_hybrid", 0.1},
};
constexpr int kKnownToLoad = 58;

std::vector<double> values_of(const std::string& path) {
  const Array array = read_npy(path);
  std::vector<double> out;
  for (std::uint64_t i = 0; i < array.count(); ++i) out.push_back(array.at(i));
  return out;
}

/// The largest difference of all runs and outputs.
double worst(const ZooModel& model, ModelRunner& runner, std::size_t inputs) {
  double most = 0.0;
  for (int run = 0; model.has_run(run); ++run) {
    std::vector<std::vector<double>> values;
    for (std::size_t i = 0; i < inputs; ++i) values.push_back(values_of(model.array("in", run, i)));
    const std::vector<std::vector<double>> outputs = runner.run(values);
    for (std::size_t i = 0; i < outputs.size(); ++i)
      most = std::max(most, difference(outputs[i], values_of(model.array("out", run, i))));
    if (std::filesystem::exists(model.array("out", run, outputs.size()))) return 1e9;
  }
  return most;
}

TEST(Zoo, ModelsThatLoadAreRight) {
  const std::vector<ZooModel> models = zoo();
  if (models.empty()) GTEST_SKIP() << "no reference models in " << shared_models();
  int loaded = 0;
  for (const ZooModel& model : models) {
    ArrayShapes shapes;
    for (std::size_t i = 0; std::filesystem::exists(model.array("in", 0, i)); ++i)
      shapes[std::to_string(i)] = read_npy(model.array("in", 0, i)).dims;
    try {
      ModelRunner runner(load_model(model.file, shapes));
      ASSERT_TRUE(runner.made()) << model.name;
      const auto given = kTolerances.find(model.name);
      const double tolerance = runner.gives_integers() ? 0.0 : given == kTolerances.end() ? 1e-5 : given->second;
      const double difference = worst(model, runner, shapes.size());
      EXPECT_LE(difference, tolerance) << model.name;
      std::printf("%-36s %-7s %.1e\n", model.name.c_str(), difference <= tolerance ? "right" : "WRONG", difference);
      ++loaded;
    } catch (const Error& error) {
      const std::string why = error.message();
      std::printf("%-36s refused %s\n", model.name.c_str(), why.substr(why.find("unsupported")).substr(0, 160).c_str());
    }
  }
  std::printf("%d of %zu load\n", loaded, models.size());
  EXPECT_GE(loaded, kKnownToLoad);
}

TEST(Zoo, ModelsThatCannotBeImportedGetTheirReasons) {
  const std::map<std::string, std::vector<std::string>> expected = {
      {"npu_ethos_u.tflite",
       {"custom operator \"ethos-u\" (operator 0)", "compiled for an Arm Ethos-U NPU",
        "import the .tflite it was compiled from"}},
      {"npu_dispatch.tflite", {"custom operator \"DISPATCH_OP\"", "compiled ahead of time for an NPU"}},
      {"placeholder_text.tflite", {"not a TFLite model", "17 bytes"}},
      {"flex_lstm.tflite",
       {"FlexTensorListReserve", "needs TensorFlow itself (Flex)", "UNIDIRECTIONAL_SEQUENCE_LSTM", "unroll"}},
      {"signal_ops.tflite", {"custom operator \"SignalWindow\"", "9 reasons", "SignalFilterBankLog"}},
      {"sentencepiece.tflite", {"tensor type STRING (input 0"}},
      {"int4_blockwise.tflite", {"INT4", "blocks"}},
      {"onnx_opset1.onnx", {"opset 1", "opset 7 or later", "onnx.version_converter"}},
      {"onnx_private_ops.onnx", {"RequantShift", "not in the standard (domain ai.onnx, opset"}},
      {"onnx_training_graph.onnx", {"SoftmaxCrossEntropyLossGrad", "training graph", "export the forward graph"}},
      {"truncated.tflite", {"damaged", "lies beyond the end of the file (offset", "bytes)"}},
  };
  const std::filesystem::path folder = shared_models() / "refuse";
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << "no models in " << folder;
  for (const auto& [file, parts] : expected) {
    std::string said;
    try {
      foreign::import_model((folder / file).string());
    } catch (const Error& error) {
      said = error.message();
    }
    for (const std::string& part : parts)
      EXPECT_NE(said.find(part), std::string::npos) << file << " is not told \"" << part << "\" but: " << said;
    EXPECT_EQ(said.find('\n'), std::string::npos) << file;
  }
  // These load, or are refused: never worse.
  for (const char* file : {"stablehlo_composite.tflite", "svdf_int8_state.tflite"}) {
    try {
      static_cast<void>(foreign::import_model((folder / file).string()));
    } catch (const Error& error) {
      EXPECT_NE(error.message().find("unsupported"), std::string::npos) << file << ": " << error.message();
    }
  }
}

}  // namespace
}  // namespace mote::test
