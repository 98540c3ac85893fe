// SPDX-License-Identifier: Apache-2.0
// What the importers make of public models, computed by NetworkReference, against the outputs that other runtimes gave:
// the meaning of every operator before it becomes records.
#include <cmath>
#include <map>

#include "import/network_reference.hpp"
#include "import/zoo.hpp"
#include "tool/data/file_io.hpp"
#include "tool/import/tracer.hpp"

namespace mote::test {
namespace {

using namespace tool;
using namespace tool::foreign;

/// Differences that are not float32's rounding, as parts of the largest output, and why.
const std::map<std::string, double> kTolerances = {
    {"onnx_kws_qdq", 0.01},              // one quantisation step: a tie that float32 and double round differently
    {"onnx_pitch_cqt", 5e-5},            // a logarithm of sums near zero; the other runtime's float32 sums differ too
    {"tfl_audio_features_float", 5e-5},  // the same
    {"tfl_dtln_1_hybrid", 0.1},          // the other runtime quantises activations as it goes
    {"tfl_gesture_hybrid", 0.1},
};

/// Plain loops in double take their time: of larger models the records alone are compared (zoo_test.cpp).
constexpr std::uintmax_t kMostBytes = 60'000;

Tensor tensor_of(const std::string& path, const Dims& dims) {
  const Array array = read_npy(path);
  Tensor out{dims, {}};
  for (std::uint64_t i = 0; i < array.count(); ++i) out.values.push_back(array.at(i));
  return out;
}

/// Shapes that the file leaves open are those of the first run's arrays.
Fixed shapes_of(const ZooModel& model, const FileGraph& graph) {
  Fixed out;
  for (std::size_t i = 0; i < graph.inputs.size(); ++i) {
    Dims dims;
    for (const std::uint64_t extent : read_npy(model.array("in", 0, i)).dims)
      dims.push_back(static_cast<std::int64_t>(extent));
    const FileTensor& tensor = graph.tensors[static_cast<std::size_t>(graph.inputs[i])];
    if (!tensor.ranked || std::ranges::count(tensor.dims, kOpen) != 0) out.inputs[tensor.name] = dims;
  }
  return out;
}

bool quantized(const Network& network) {
  return std::ranges::any_of(network.steps,
                             [](const Step& s) { return s.op != "constant" && !s.scaling.scales.empty(); });
}

void compare(const ZooModel& model, const Network& network) {
  NetworkReference reference(network);
  const auto given = kTolerances.find(model.name);
  const double tolerance = given == kTolerances.end() ? 1e-5 : given->second;
  for (int run = 0; run < 2 && model.has_run(run); ++run) {
    std::vector<Tensor> inputs;
    for (std::size_t i = 0; i < network.inputs.size(); ++i)
      inputs.push_back(tensor_of(model.array("in", run, i), network.inputs[i].dims));
    const std::vector<Tensor> outputs = reference.run(inputs);
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      const Tensor expected = tensor_of(model.array("out", run, i), outputs[i].dims);
      ASSERT_EQ(expected.values.size(), outputs[i].values.size());
      double largest = 0.0, difference = 0.0;
      for (std::size_t k = 0; k < expected.values.size(); ++k) {
        largest = std::max(largest, std::abs(expected.values[k]));
        difference = std::max(difference, std::abs(expected.values[k] - outputs[i].values[k]));
      }
      EXPECT_LE(difference, tolerance * largest) << model.name << " run " << run << " output " << i;
    }
  }
}

TEST(Tracer, ComputesPublicFloatModelsAsOtherRuntimesDo) {
  const std::vector<ZooModel> models = zoo();
  if (models.empty()) GTEST_SKIP() << "no reference models in " << shared_models();
  int right = 0, whole_numbers = 0, refused = 0;
  for (const ZooModel& model : models) {
    if (std::filesystem::file_size(model.file) > kMostBytes) continue;
    const AlignedBytes bytes = read_file(model.file);
    const FileModel file =
        model.file.ends_with(".onnx") ? read_onnx(bytes.span(), model.file) : read_tflite(bytes.span(), model.file);
    Tracer tracer(file, shapes_of(model, file.graphs.front()));
    tracer.run();
    for (const Refusal& refusal : tracer.refusals())
      std::printf("%s: %s: %s\n", model.name.c_str(), refusal.op.c_str(), refusal.why.c_str());
    if (!tracer.refusals().empty()) {
      ++refused;
    } else if (quantized(tracer.network())) {
      ++whole_numbers;
    } else {
      SCOPED_TRACE(model.name);
      compare(model, tracer.network());
      ++right;
    }
  }
  std::printf("of %zu models: %d float ones compared, %d quantised ones read, %d refused\n", models.size(), right,
              whole_numbers, refused);
  EXPECT_GE(right, 20);
  EXPECT_LE(refused, 2);
}

}  // namespace
}  // namespace mote::test
