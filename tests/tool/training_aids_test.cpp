// SPDX-License-Identifier: Apache-2.0
// Autoencoders, standardised inputs and augmentation through the built program. Host only.
#include <cmath>
#include <nlohmann/json.hpp>

#include "temporary.hpp"
#include "tool/data/npy.hpp"
#include "tool/pictures/plot.hpp"

namespace mote::tool {
namespace {

using namespace test;
using Json = nlohmann::json;

/// 4 x 4 pictures with one bright bar, upright or lying, in one of four places; labels: 0 upright, 1 lying.
class TrainingAids : public ::testing::Test {
 protected:
  void SetUp() override {
    std::vector<float> x;
    std::vector<std::int32_t> y;
    for (std::uint32_t i = 0; i < 160; ++i) {
      y.push_back(static_cast<std::int32_t>(i % 2));
      for (std::uint32_t k = 0; k < 16; ++k) {
        const std::uint32_t along = i % 2 == 0 ? k % 4 : k / 4;
        x.push_back(along == i / 2 % 4 ? 1.0F : 0.0F);
      }
    }
    write_npy(folder_ / "x.npy", std::vector<std::uint64_t>{160, 4, 4}, x);
    write_npy(folder_ / "y.npy", Element::s32, std::vector<std::uint64_t>{160}, std::as_bytes(std::span(y)));
  }
  Outcome mote(const std::string& arguments) { return run_mote(folder_, arguments); }
  Json json(const std::string& arguments) {
    const Outcome outcome = mote(arguments + " --json");
    EXPECT_EQ(outcome.exit_code, 0) << arguments << "\n" << outcome.out << outcome.err;
    return Json::parse(outcome.out, nullptr, false);
  }
  std::vector<float> floats(const std::string& name) {
    const Array array = read_npy(folder_ / name);
    std::vector<float> out(array.count());
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<float>(array.at(i));
    return out;
  }

  TemporaryFolder folder_;
};

TEST_F(TrainingAids, AnAutoencoderLearnsItsSamplesAndDrawsThem) {
  const Json trained = json(
      "train --model 'input 4x4x1; gaussian_noise 0.2; flatten; dense 24; tanh; dense 6; dense 16; reshape 4x4x1' "
      "--train x.npy --test x.npy --reconstruct --epochs 150 --batch 16 --lr 0.02 --out a.mote --plots pictures");
  EXPECT_EQ(trained["loss"], "squared_error");
  EXPECT_LT(trained["test"]["loss"].get<double>(), 0.5);  // of 4 before; a sum over 16 pixels
  EXPECT_FALSE(trained["test"].contains("accuracy"));
  const Json evaluated = json("eval a.mote --test x.npy --reconstruct --plots again");
  EXPECT_EQ(evaluated["loss"], trained["test"]["loss"]);
  ASSERT_EQ(mote("run a.mote --input x.npy --output r.npy").exit_code, 0);
  const std::vector<float> original = floats("x.npy"), made = floats("r.npy");
  double loss = 0.0;
  for (std::size_t i = 0; i < original.size(); ++i)
    loss += static_cast<double>(original[i] - made[i]) * static_cast<double>(original[i] - made[i]);
  EXPECT_NEAR(loss / 160.0, evaluated["loss"].get<double>(), 1e-6);
  if (!can_plot()) GTEST_SKIP() << "no gnuplot";
  for (const char* picture : {"pictures/reconstructions.svg", "again/reconstructions.svg"})
    EXPECT_NE(read(folder_ / picture).find("</svg>"), std::string::npos) << picture;
}

TEST_F(TrainingAids, StandardisesByTheTrainingPartAndKeepsItInTheFile) {
  std::string table = "far,small,always,label\n";
  for (int i = 0; i < 100; ++i)
    table += std::to_string(50000 + 10 * (i % 10)) + "," + std::to_string(0.001 * (i % 7)) + ",3," +
             std::to_string(i % 10 < 5 ? 0 : 1) + "\n";
  write(folder_ / "t.csv", table);
  const Json trained = json(
      "train --model 'input 3; standardize; dense 8; tanh; dense 2' --data t.csv --epochs 60 "
      "--batch 10 --lr 0.05 --out s.mote");
  EXPECT_GT(trained["epochs"].back()["train_accuracy"].get<double>(), 0.98);
  EXPECT_NE(trained["network"].get<std::string>().find("standardize"), std::string::npos);
  ASSERT_EQ(mote("params s.mote --out p").exit_code, 0);
  const std::vector<float> mean = floats("p/01_batch_norm_running_mean.npy"),
                           variance = floats("p/01_batch_norm_running_variance.npy"),
                           gamma = floats("p/01_batch_norm_gamma.npy");
  EXPECT_NEAR(mean[0], 50045.0F, 0.01F);
  EXPECT_NEAR(variance[0], 825.0F, 0.01F);
  EXPECT_NEAR(mean[1], 0.00295F, 1e-6F);  // 100 rows: 0 and 1 once more than the others
  EXPECT_EQ(gamma[1], 1.0F);
  EXPECT_EQ(gamma[2], 0.0F);
  // Going on from the file keeps them, --fresh learns them anew.
  write(folder_ / "u.csv", "far,small,always,label\n1,2,3,0\n2,3,4,1\n");
  ASSERT_EQ(mote("train --model s.mote --data u.csv --epochs 1 --batch 2 --out more.mote").exit_code, 0);
  ASSERT_EQ(mote("params more.mote --out q").exit_code, 0);
  EXPECT_EQ(floats("q/01_batch_norm_running_mean.npy"), mean);
  ASSERT_EQ(mote("train --model s.mote --fresh --data u.csv --epochs 1 --batch 2 --out new.mote").exit_code, 0);
  ASSERT_EQ(mote("params new.mote --out n").exit_code, 0);
  EXPECT_EQ(floats("n/01_batch_norm_running_mean.npy"), (std::vector<float>{1.5F, 2.5F, 3.5F}));
}

TEST_F(TrainingAids, AugmentationChangesTrainingOnlyAndRepeats) {
  const std::string train = "train --model 'input 4x4x1; flatten; dense 2' --train x.npy --labels y.npy --epochs 2 ";
  const Json plain = json(train + "--out a.mote"),
             shifted = json(train + "--augment-shift 1 --augment-flip --augment-noise 0.1 --out b.mote");
  EXPECT_NE(plain["epochs"][0]["train_loss"], shifted["epochs"][0]["train_loss"]);
  json(train + "--augment-shift 1 --augment-flip --augment-noise 0.1 --out c.mote");
  EXPECT_EQ(read(folder_ / "b.mote"), read(folder_ / "c.mote"));
}

TEST_F(TrainingAids, AFlatInputIsShiftedAsThePictureThatTheDataAre) {
  const std::string data = " --train x.npy --labels y.npy --epochs 1 --init zeros",
                    moves = data + " --augment-shift 2 --augment-flip";
  const Json flat = json("train --model 'input 16; dense 2'" + moves),
             picture = json("train --model 'input 4x4x1; flatten; dense 2'" + moves),
             still = json("train --model 'input 16; dense 2'" + data);
  EXPECT_EQ(flat["epochs"][0]["train_loss"], picture["epochs"][0]["train_loss"]);
  EXPECT_NE(flat["epochs"][0]["train_loss"], still["epochs"][0]["train_loss"]);
}

TEST_F(TrainingAids, WrongWishesSayWhatToDo) {
  const std::string net = "train --model 'input 4x4x1; flatten; dense 5' --train x.npy --reconstruct --epochs 1 ";
  const Outcome width = mote(net);
  EXPECT_EQ(width.exit_code, 1);
  expect_in(width.err, {"x.npy", "5 outputs", "16 values"});
  const Outcome both = mote(net + "--label last");
  EXPECT_EQ(both.exit_code, 2);
  expect_in(both.err, {"--reconstruct", "leave out"});
  const Outcome noise = mote(
      "train --model 'input 4x4x1; flatten; dense 2' --train x.npy --labels y.npy "
      "--augment-noise -1");
  EXPECT_EQ(noise.exit_code, 2);
  expect_in(noise.err, {"--augment-noise"});
  write(folder_ / "flat.csv", "a,b,label\n1,2,0\n2,3,1\n");
  const Outcome flat = mote("train --model 'input 2; dense 2' --data flat.csv --batch 2 --augment-shift 1");
  EXPECT_EQ(flat.exit_code, 2);
  expect_in(flat.err, {"flat.csv", "shift and flip", "HEIGHTxWIDTHxCHANNELS"});
  std::vector<float> bad(32, 1.0F);
  bad[20] = std::nanf("");
  write_npy(folder_ / "nan.npy", std::vector<std::uint64_t>{2, 16}, bad);
  const Outcome nan = mote(
      "train --model 'input 16; standardize; dense 16' --train nan.npy --reconstruct --epochs 1 "
      "--batch 1");
  EXPECT_EQ(nan.exit_code, 1);
  expect_in(nan.err, {"nan.npy", "finite"});
}

}  // namespace
}  // namespace mote::tool
