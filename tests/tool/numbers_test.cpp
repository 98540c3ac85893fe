// SPDX-License-Identifier: Apache-2.0
// Numbers at the ends of their ranges, through the program: inputs in any unit, schedules over few updates, outputs and
// parameters that are not numbers. Host only.
#include <cmath>
#include <nlohmann/json.hpp>

#include "mote/model/model.hpp"
#include "temporary.hpp"
#include "tool/data/npy.hpp"
#include "tool/models/model_source.hpp"

namespace mote::tool {
namespace {

using namespace test;
using Json = nlohmann::json;

Json json_of(const TemporaryFolder& folder, const std::string& arguments) {
  const Outcome outcome = run_mote(folder, arguments + " --json");
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err << outcome.out;
  return Json::parse(outcome.out, nullptr, false);
}

/// 120 samples of two features in `unit`, the class by which side of a line they lie on.
void write_table(const std::string& path, double unit) {
  std::string text = "a,b,label\n";
  std::uint32_t state = 5;
  const auto random = [&] { return static_cast<double>((state = state * 1664525U + 1013904223U) >> 8U) / 16777216.0; };
  for (int i = 0; i < 120; ++i) {
    const double a = random(), b = random();
    if (std::abs(a - b) < 0.05) continue;
    text += std::to_string(1000 + a) + "e" + std::to_string(int(std::lround(std::log10(unit)))) + "," +
            std::to_string(b) + "e" + std::to_string(int(std::lround(std::log10(unit)))) + (a > b ? ",1\n" : ",0\n");
  }
  write(path, text);
}

// Picofarads, counts of 1e20 and what lies beyond: a model with standardize learns what it learns in unit scale.
TEST(Numbers, AccuracyDoesNotDependOnTheUnit) {
  const TemporaryFolder folder;
  const std::string train =
      "train --model 'input 2; standardize; dense 8; tanh; dense 2' --epochs 60 --batch 8 --lr 0.5 ";
  double wanted = 0.0;
  for (const double unit : {1.0, 1e-30, 1e-12, 1e-9, 1e9, 1e20, 1e33}) {
    write_table(folder / "t.csv", unit);
    const Json trained = json_of(folder, train + "--data t.csv --out t.mote");
    const Json scores = json_of(folder, "eval t.mote --data t.csv");
    if (unit == 1.0) wanted = scores["accuracy"];
    EXPECT_GE(scores["accuracy"].get<double>(), 0.97) << unit;
    EXPECT_NEAR(scores["accuracy"].get<double>(), wanted, 0.02) << unit;
    EXPECT_EQ(scores["non_finite_samples"], 0) << unit;
    EXPECT_GE(trained["updates"].get<int>(), 60 * 10);
  }
}

// 442 samples, 44 of them held out: 398 make one batch and one update an epoch, and the schedule is as long.
TEST(Numbers, ASchedulesLengthIsTheNumberOfUpdates) {
  const TemporaryFolder folder;
  for (const int rows : {442, 441, 443, 15}) {
    std::string text = "a,y\n";
    for (int i = 0; i < rows; ++i) text += std::to_string(0.001 * i) + "," + std::to_string(0.5 + 0.002 * i) + "\n";
    write(folder / "t.csv", text);
    const int held_out = static_cast<int>(std::lround(0.1 * rows)), batch = rows - held_out;
    const Json trained = json_of(folder,
                                 "train --model 'input 1; dense 1' --data t.csv --targets y --epochs 10 "
                                 "--validation-fraction 0.1 --schedule cosine --lr 0.1 --batch " +
                                     std::to_string(batch) + " --out t.mote");
    ASSERT_TRUE(trained.contains("epochs")) << trained.dump();
    EXPECT_EQ(trained["updates"], 10);
    for (int epoch = 0; epoch < 10; ++epoch)
      EXPECT_NEAR(trained["epochs"][static_cast<std::size_t>(epoch)]["learning_rate"].get<double>(),
                  0.05 * (1.0 + std::cos(3.141592653589793 * epoch / 10)), 1e-6)
          << rows << ", epoch " << epoch;
  }
}

class Diverged : public ::testing::Test {
 protected:
  void SetUp() override {
    write(folder_ / "t.csv", "a,b,label\n1,2,0\n2,1,1\n1,3,0\n3,1,2\n");
    ASSERT_EQ(
        run_mote(folder_, "train --model 'input 2; dense 3' --data t.csv --epochs 1 --batch 2 --out m.mote").exit_code,
        0);
    ASSERT_EQ(run_mote(folder_, "params m.mote --out p").exit_code, 0);
  }
  TemporaryFolder folder_;
};

// A value that is not finite is refused where it is read; and a model that has one, and which the library opens, cannot
// be saved by the tool.
TEST_F(Diverged, ParametersThatAreNotFiniteAreNotSaved) {
  const std::string before = read(folder_ / "m.mote");
  AlignedBytes bytes(before.size());
  std::memcpy(bytes.span().data(), before.data(), before.size());
  const Result<Model> model = open_model(bytes.span());
  ASSERT_TRUE(model.ok());
  std::filesystem::remove(folder_ / "p/01_dense_weights.npy");
  for (const float bad : {std::nanf(""), INFINITY, -INFINITY}) {
    write_npy(folder_ / "p/01_dense_bias.npy", std::vector<std::uint64_t>{3}, std::vector<float>{0.0F, bad, 0.0F});
    const Outcome refused = run_mote(folder_, "params m.mote --set p");
    EXPECT_EQ(refused.exit_code, 1);
    expect_in(refused.err, {"p/01_dense_bias.npy", "element 1 is not a finite float32"});
    EXPECT_EQ(read(folder_ / "m.mote"), before);

    std::vector<float> values(model->param_bytes / sizeof(float));
    std::memcpy(values.data(), model->params, model->param_bytes);
    values[5] = bad;
    Model broken = *model;
    broken.params = reinterpret_cast<const std::byte*>(values.data());
    AlignedBytes out(before.size());
    const Result<std::size_t> written = write_model(broken, out.span(), model_description(bytes.span()));
    ASSERT_TRUE(written.ok());
    write(folder_ / "broken.mote", {reinterpret_cast<const char*>(out.span().data()), *written});
    write_npy(folder_ / "p/01_dense_bias.npy", std::vector<std::uint64_t>{3}, std::vector<float>{1.0F, 2.0F, 3.0F});
    const Outcome unsaved = run_mote(folder_, "params broken.mote --set p --out-model new.mote");
    EXPECT_EQ(unsaved.exit_code, 1);
    expect_in(unsaved.err, {"new.mote", "layer 1 (dense)", "not a number", "which of the layer's: 5"});
    EXPECT_FALSE(std::filesystem::exists(folder_ / "new.mote"));
  }
}

// Parameters near the largest float give infinite and undefined outputs, which are no class.
TEST_F(Diverged, OutputsThatAreNoNumbersAreSaid) {
  write_npy(folder_ / "p/01_dense_weights.npy", std::vector<std::uint64_t>{2, 3},
            std::vector<float>{3e38F, 1.0F, 1.0F, -3e38F, 1.0F, 2.0F});
  ASSERT_EQ(run_mote(folder_, "params m.mote --set p --out-model huge.mote").exit_code, 0);
  // Class 0 is infinite for (3, 1) alone: 9e38 - 3e38; of the others it is -3e38, 3e38 and -6e38 -> -infinity for two.
  const Outcome shown = run_mote(folder_, "eval huge.mote --data t.csv");
  EXPECT_EQ(shown.exit_code, 0) << shown.err;
  expect_in(shown.out,
            {"accuracy        0.00 %", "warning: outputs of 3 of 4 samples are infinite or not numbers", "wrong"});
  const Json scores = json_of(folder_, "eval huge.mote --data t.csv");
  EXPECT_EQ(scores["non_finite_samples"], 3);
  std::uint64_t counted = 0;
  for (const Json& row : scores["confusion"])
    for (const Json& cell : row) counted += cell.get<std::uint64_t>();
  EXPECT_EQ(counted, 1U);
  write_npy(folder_ / "x.npy", std::vector<std::uint64_t>{2, 2}, std::vector<float>{1, 1, 1, 3});
  const Outcome run = run_mote(folder_, "run huge.mote --input x.npy --output y.npy");
  EXPECT_EQ(run.exit_code, 0);
  expect_in(run.out, {"outputs of 1 of 2 samples are infinite or not numbers"});
  EXPECT_EQ(json_of(folder_, "run huge.mote --input x.npy --output y.npy")["non_finite_samples"], 1);
}

}  // namespace
}  // namespace mote::tool
