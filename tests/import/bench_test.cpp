// SPDX-License-Identifier: Apache-2.0
// mote bench on files of other formats: every one is timed, quantised layers beside the ceilings of their types. Host
// only.
#include <filesystem>
#include <nlohmann/json.hpp>

#include "model/model_file.hpp"
#include "tool/import/lower.hpp"
#include "tool/temporary.hpp"

namespace mote::tool {
namespace {

using namespace test;
using Json = nlohmann::json;

Json bench(const std::filesystem::path& model) {
  const TemporaryFolder folder;
  const Outcome outcome = run_mote(folder, "bench '" + model.string() + "' --runs 3 --warmup 0 --json");
  EXPECT_EQ(outcome.exit_code, 0) << outcome.out << outcome.err;
  return Json::parse(outcome.out, nullptr, false);
}

TEST(BenchOfFiles, TimesEveryModel) {
  const std::filesystem::path models = std::filesystem::path(MOTE_SOURCE_DIR) / "tests" / "models";
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(models)) {
    if (entry.path().extension() != ".onnx" && entry.path().extension() != ".tflite") continue;
    SCOPED_TRACE(entry.path().string());
    const Json report = bench(entry.path());
    ASSERT_FALSE(report.is_discarded());
    double shares = 0.0;
    for (const Json& layer : report["layers"]) shares += layer["share"].get<double>();
    EXPECT_NEAR(shares, 1.0, 1e-9);
    EXPECT_EQ(report["runs"], 3);
    ++files;
  }
  EXPECT_GE(files, 20);
}

/// The file of a dense layer on values of the type.
std::string dense_file(foreign::Type type) {
  foreign::Maker make;
  foreign::Step dense;
  dense.op = "dense", dense.type = type, dense.dims = {1, 32}, dense.scaling = {{0.1F}, {0}, 0};
  foreign::Literal weights(foreign::Type::s8, {64, 32});
  weights.scaling = {{0.01F}, {0}, 0};
  dense.weights = {weights, foreign::Literal(foreign::Type::s32, {32})};
  dense.in = {make.laid_out(make.input("x", type, {1, 64}, {{0.1F}, {0}, 0}))};
  make.network.outputs.push_back({make.add(std::move(dense)).step, "y", {1, 32}, type});
  std::vector<foreign::NotLowered> refused;
  const OwnedModel model = foreign::lower(make.network, refused);
  EXPECT_TRUE(refused.empty());
  std::string file(model_file_bytes(model.view()), '\0');
  EXPECT_TRUE(write_model(model.view(), std::as_writable_bytes(std::span(file))).ok());
  return file;
}

TEST(BenchOfFiles, IntegersHaveCeilingsOfTheirOwn) {
  const TemporaryFolder folder;
  for (const auto& [type, name] : {std::pair{foreign::Type::s8, "int8"}, {foreign::Type::s16, "int16"}}) {
    write(folder / "m.mote", dense_file(type));
    const Json report = bench(folder / "m.mote");
    ASSERT_EQ(report["ceiling_gops"].size(), 1U) << report["ceiling_gops"];
    const double ceiling = report["ceiling_gops"][name];
    EXPECT_GT(ceiling, 0.0);
    EXPECT_EQ(report["multiply_adds"], 64 * 32);
    for (const Json& layer : report["layers"]) {
      if (layer["gops"].is_null()) continue;
      EXPECT_NEAR(layer["share_of_ceiling"].get<double>() * ceiling, layer["gops"].get<double>(), 1e-6 * ceiling);
    }
  }
}

}  // namespace
}  // namespace mote::tool
