// SPDX-License-Identifier: Apache-2.0
// Tables as people have them, through the built program: training, evaluating, predictions, and what is said. Host
// only.
#include <cmath>
#include <nlohmann/json.hpp>

#include "temporary.hpp"
#include "tool/data/npy.hpp"

namespace mote::tool {
namespace {

using namespace test;
using Json = nlohmann::json;

class Tables : public ::testing::Test {
 protected:
  /// Uniform in [0, 1).
  double random() { return static_cast<double>((state_ = state_ * 1664525U + 1013904223U) >> 8U) / 16777216.0; }

  /// Three kinds of flowers, apart in the second measure.
  std::string flowers(int count, const std::string& header, const std::string& order, char separator, bool comma) {
    std::string out = header + "\n";
    for (int i = 0; i < count; ++i) {
      const int kind = i % 3;
      for (std::size_t k = 0; k < order.size(); ++k) {
        if (k > 0) out += separator;
        if (order[k] == 'k') {
          out += kind == 0 ? "setosa" : kind == 1 ? "versicolor" : "virginica";
          continue;
        }
        std::string number = std::to_string((order[k] == 'l' ? 5.0 : 10.0 * kind) + random()).substr(0, 4);
        for (char& c : number) c = comma && c == '.' ? ',' : c;
        out += number;
      }
      out += "\n";
    }
    return out;
  }
  /// price = 1000 area + 50000 in the North.
  std::string houses(int count) {
    std::string out = "area,district,price\n";
    for (int i = 0; i < count; ++i) {
      const int area = 40 + static_cast<int>(200 * random());
      const bool north = random() < 0.5;
      out += std::to_string(area) + (north ? ",North," : ",South,") +
             std::to_string(1000 * area + (north ? 50000 : 0)) + "\n";
    }
    return out;
  }
  Outcome mote(const std::string& arguments) { return run_mote(folder_, arguments); }
  Json json(const std::string& arguments) {
    const Outcome outcome = mote(arguments + " --json");
    EXPECT_EQ(outcome.exit_code, 0) << arguments << "\n" << outcome.out << outcome.err;
    EXPECT_EQ(outcome.err, "");
    return Json::parse(outcome.out, nullptr, false);
  }
  static std::string notes_of(const Json& data) {
    std::string out;
    for (const Json& note : data["notes"]) out += note.get<std::string>() + "\n";
    return out;
  }

  TemporaryFolder folder_;
  std::uint32_t state_ = 1;
};

TEST_F(Tables, KeepTheNamesOfClassesAndColumns) {
  write(folder_ / "train.csv", flowers(90, "length;width;species", "lwk", ';', true));
  write(folder_ / "test.csv", flowers(30, "species,width,length", "kwl", ',', false));
  const std::string train = "train --model 'input 2; standardize; dense 3' --data train.csv --epochs 60 --lr 0.05 ";
  const Json trained = json(train + "--test test.csv --out m.mote");
  EXPECT_EQ(trained["test"]["accuracy"], 1.0);
  expect_in(trained["data"]["summary"].get<std::string>(),
            {"semicolon", "decimal comma", "setosa, versicolor, virginica"});
  EXPECT_EQ(json("eval m.mote --data test.csv")["correct"], 30);
  expect_in(mote("eval m.mote --data test.csv").out, {"100.00 %", "virginica", "versicolor"});
  const Json info = json("info m.mote");
  EXPECT_EQ(info["description"]["label"]["classes"], Json({"setosa", "versicolor", "virginica"}));
  EXPECT_EQ(info["description"]["inputs"][1]["name"], "width");
  expect_in(mote("info m.mote").out, {"input 1", "\"width\"", "classes", "species: setosa"});

  // Predictions: the label's column is not an input, and its absence is no fault.
  const Outcome run = mote("run m.mote --input test.csv");
  EXPECT_EQ(run.exit_code, 0);
  EXPECT_TRUE(run.out.starts_with("label,prediction,p(setosa),p(versicolor),p(virginica)\nsetosa,setosa,")) << run.out;
  expect_in(run.err, {"accuracy        100.00 % (30 of 30)"});
  write(folder_ / "new.csv", flowers(3, "width,length", "wl", ',', false));
  const Json ran = json("run m.mote --input new.csv --output p.csv");
  EXPECT_FALSE(ran.contains("scores"));
  std::istringstream lines(read(folder_ / "p.csv"));
  std::string header, first;
  std::getline(lines, header), std::getline(lines, first);
  EXPECT_EQ(header, "prediction,p(setosa),p(versicolor),p(virginica)");
  EXPECT_TRUE(first.starts_with("setosa,")) << first;
  double p[3] = {0, 0, 0};
  ASSERT_EQ(std::sscanf(first.c_str(), "setosa,%lf,%lf,%lf", &p[0], &p[1], &p[2]), 3);
  EXPECT_NEAR(p[0] + p[1] + p[2], 1.0, 1e-5);  // logits are made probabilities
  EXPECT_GT(p[0], 0.5);

  // What was stored goes along.
  for (const char* const command :
       {"fold m.mote --out other.mote", "params m.mote --out p", "params m.mote --set p --out-model other.mote"}) {
    EXPECT_EQ(mote(command).exit_code, 0);
    if (std::string(command).find("other") == std::string::npos) continue;
    EXPECT_EQ(json("info other.mote")["description"], info["description"]) << command;
  }
  // Going on from the file, classes keep their numbers though one is absent.
  write(folder_ / "two.csv", "length,width,species\n5,20.5,virginica\n5,10.5,versicolor\n5,20.1,virginica\n");
  json("train --model m.mote --data two.csv --epochs 1 --batch 3 --lr 1e-6 --out more.mote");
  EXPECT_EQ(json("eval more.mote --data test.csv")["correct"], 30);
}

TEST_F(Tables, LearnPricesInTheirOwnUnits) {
  write(folder_ / "houses.csv", houses(200));
  write(folder_ / "test.csv", houses(50));
  const std::string model = "train --model 'input 3; standardize; dense 1' --data houses.csv ";
  const Json trained = json(model + "--epochs 100 --lr 0.02 --test test.csv --out h.mote");
  EXPECT_TRUE(trained["standardized_targets"]);
  EXPECT_LT(trained["epochs"].back()["train_loss"].get<double>(), 0.01);  // parts of the variance
  EXPECT_GT(trained["test"]["targets"][0]["r2"].get<double>(), 0.999);
  EXPECT_LT(trained["test"]["targets"][0]["rmse"].get<double>(), 3000.0);
  const Json eval = json("eval h.mote --data test.csv");
  EXPECT_EQ(eval["loss"], trained["test"]["loss"]);
  EXPECT_EQ(eval["targets"], trained["test"]["targets"]);
  EXPECT_NEAR(std::sqrt(eval["loss"].get<double>()), eval["targets"][0]["rmse"].get<double>(), 1e-3);
  expect_in(mote("eval h.mote --data test.csv").out, {"price", "R2 ", "root mean square error"});
  const Outcome run = mote("run h.mote --input test.csv");
  EXPECT_TRUE(run.out.starts_with("price,predicted price\n")) << run.out;
  expect_in(run.err, {"R2 "});

  // Going on from the file begins where it ended.
  const Json more = json("train --model h.mote --data houses.csv --epochs 1 --lr 1e-6 --test test.csv --out more.mote");
  EXPECT_NEAR(more["test"]["targets"][0]["rmse"].get<double>(), trained["test"]["targets"][0]["rmse"].get<double>(),
              30.0);

  // The same from two files, whole numbers as they are.
  std::string x = "area,north\n", y = "price\n";
  for (int area = 40; area < 240; ++area)
    x += std::to_string(area) + "," + std::to_string(area % 2) + "\n",
        y += std::to_string(1000 * area + 50000 * (area % 2)) + "\n";
  write(folder_ / "x.csv", x), write(folder_ / "y.csv", y);
  const Json pair = json(
      "train --model 'input 2; standardize; dense 1' --train x.csv --labels y.csv --test x.csv "
      "--test-labels y.csv --epochs 100 --lr 0.02");
  EXPECT_GT(pair["test"]["targets"][0]["r2"].get<double>(), 0.999);

  // Without standardize, at the default rates: nothing diverges, and the remedy is named.
  for (const char* const optimizer : {"adam", "momentum"}) {
    const Json plain =
        json(std::string("train --model 'input 3; dense 16; relu; dense 1' --data houses.csv --epochs 5 --lr "
                         "1e-6 --optimizer ") +
             optimizer);
    expect_in(notes_of(plain["data"]), {"far from unit scale", "\"area\"", "input 3; standardize"});
  }
  expect_in(mote("train --model 'input 3; dense 16; relu; dense 1' --data houses.csv --lr 1e-9 --epochs 1").out,
            {"no better than the targets' mean", "standardize", "--lr"});
  const Json adam = json("train --model 'input 3; dense 16; relu; dense 1' --data houses.csv --epochs 100");
  EXPECT_LT(adam["epochs"].back()["train_loss"].get<double>(), adam["epochs"][0]["train_loss"].get<double>());
  const Json raw = json(model + "--epochs 2 --raw-targets");
  EXPECT_FALSE(raw["standardized_targets"]);
  EXPECT_GT(raw["epochs"].back()["train_loss"].get<double>(), 1e9);
  expect_in(mote(model + "--epochs 2 --raw-targets").out,
            {"no better than the targets' mean: leave --raw-targets out"});
  const Outcome diverged =
      mote("train --model 'input 3; dense 1' --data houses.csv --raw-targets --optimizer sgd --lr 0.5 --epochs 50");
  EXPECT_EQ(diverged.exit_code, 1);
  expect_in(diverged.err, {"is not finite", "--lr, which is 0.5 now", "put standardize behind the input",
                           "leave --raw-targets out", "bad data"});
}

TEST_F(Tables, RememberTheScale) {
  std::string x = "a,b,label\n";
  for (int i = 0; i < 60; ++i)
    x += std::to_string(i % 2 * 900 + i) + "," + std::to_string(500) + "," + std::to_string(i % 2) + "\n";
  write(folder_ / "t.csv", x);
  const Json trained = json(
      "train --model 'input 2; dense 2' --data t.csv --scale 0.001 --epochs 300 --lr 0.05 --test "
      "t.csv --out s.mote");
  EXPECT_EQ(trained["test"]["correct"], 60);
  EXPECT_EQ(json("eval s.mote --data t.csv")["correct"], 60);  // without --scale
  EXPECT_EQ(json("run s.mote --input t.csv --output p.npy")["scores"]["correct"], 60);
  EXPECT_NE(json("eval s.mote --data t.csv --scale 1")["loss"], trained["test"]["loss"]);
  expect_in(mote("info s.mote").out, {"multiplied by 0.001", "firmware"});
}

TEST_F(Tables, ScoreAnomalies) {
  std::string good = "a,b,c\n";
  for (int i = 0; i < 100; ++i) {
    const std::string v = std::to_string(random());
    good += v + "," + v + "," + v + "\n";
  }
  write(folder_ / "good.csv", good);
  write(folder_ / "odd.csv", "c,b,a\n0.5,0.5,0.5\n0.9,0.1,0.9\n0.2,0.2,0.2\n");
  json("train --model 'input 3; dense 1; dense 3' --data good.csv --reconstruct --epochs 200 --lr 0.02 --out a.mote");
  const Json ran = json("run a.mote --input odd.csv --output scores.csv");
  EXPECT_EQ(ran["anomaly"]["largest_sample"], 2);
  double score[3] = {0, 0, 0};
  ASSERT_EQ(std::sscanf(read(folder_ / "scores.csv").c_str(), "anomaly score\n%lf\n%lf\n%lf", &score[0], &score[1],
                        &score[2]),
            3);
  EXPECT_GT(score[1], 10.0 * std::max(score[0], score[2]));
  EXPECT_NEAR(ran["anomaly"]["mean"].get<double>(), (score[0] + score[1] + score[2]) / 3.0, 1e-5);
  EXPECT_GT(json("eval a.mote --data odd.csv")["loss"].get<double>(), 0.0);  // knows what it was trained for
}

TEST_F(Tables, WarnBeforeTimeIsSpent) {
  const auto notes = [&](const std::string& table, const std::string& arguments) {
    write(folder_ / "t.csv", table);
    return notes_of(json("train --data t.csv --batch 2 --epochs 1 --model " + arguments)["data"]);
  };
  expect_in(notes("a,label\n1,1\n2,1\n3,1\n", "'input 1; dense 1'"), {"all labels are 1"});
  expect_in(notes("a,label\n1,1\n2,0\n3,1\n", "'input 1; dense 4'"), {"2 of 4 classes have no samples (2, 3)"});
  expect_in(notes("a,is_u,is_v,is_w\n1,1,0,0\n2,0,1,0\n3,0,0,1\n4,1,0,0\n5,0,1,0\n", "'input 3; dense 2'"),
            {"is_u, is_v, is_w", "single 1", "--targets is_u,is_v,is_w --loss softmax_cross_entropy"});
  expect_in(notes("a,u,v\n1,1,0\n2,0,1\n3,1,0\n", "'input 1; dense 2' --targets u,v"),
            {"like classes", "softmax_cross_entropy"});
  expect_in(notes("a,y\n1,5.5\n2,5.5\n3,5.5\n", "'input 1; dense 1'"), {"target \"y\" is 5.5 in every sample"});
  expect_in(notes("a,b,y\n1000000,0.5,0\n2000000,0.25,1\n3000000,0.75,0\n", "'input 2; dense 2'"),
            {"\"a\"", "standardize"});
  EXPECT_EQ(notes("a,b,y\n1000000,0.5,0\n2000000,0.25,1\n3000000,0.75,0\n", "'input 2; standardize; dense 2'"), "");
  EXPECT_EQ(notes("a,b,y\n1,0.5,0\n2,0.25,1\n-1,0.75,0\n", "'input 2; dense 2'"), "");
}

TEST_F(Tables, CompareTheChannelsOfPictures) {  // a corner that hardly changes is no other scale
  std::vector<float> x;
  std::vector<std::int32_t> y;
  for (int i = 0; i < 40; ++i) {
    for (int k = 0; k < 64; ++k) x.push_back(static_cast<float>(k == 0 ? 1e-5 * random() : random()));
    y.push_back(i % 2);
  }
  write_npy(folder_ / "x.npy", std::vector<std::uint64_t>{40, 8, 8, 1}, x);
  write_npy(folder_ / "y.npy", Element::s32, std::vector<std::uint64_t>{40}, std::as_bytes(std::span(y)));
  const std::string files = "train --train x.npy --labels y.npy --epochs 1 --batch 8 ";
  EXPECT_EQ(notes_of(json(files + "--model 'input 8x8x1; flatten; dense 2'")["data"]), "");
  EXPECT_EQ(notes_of(json(files + "--model 'input 64; dense 2'")["data"]), "");
  EXPECT_TRUE(json(files)["network"].get<std::string>().starts_with("input 8x8x1\nconv2d"));
  for (float& value : x) value *= 255.0F;
  write_npy(folder_ / "x.npy", std::vector<std::uint64_t>{40, 8, 8, 1}, x);
  expect_in(notes_of(json(files + "--model 'input 8x8x1; flatten; dense 2'")["data"]),
            {"far from unit scale", "channel 1", "input 8x8x1; standardize"});
  EXPECT_TRUE(json(files)["network"].get<std::string>().starts_with("input 8x8x1\nstandardize\nconv2d"));
}

TEST_F(Tables, AreFoundWhereverTheyLie) {
  std::filesystem::create_directories(folder_ / "idx.npz-files");
  write(folder_ / "idx.npz-files/train.csv", flowers(30, "length,width,kind", "lwk", ',', false));
  EXPECT_EQ(json("train --train idx.npz-files/train.csv --epochs 2")["train_samples"], 30);
  expect_in(mote("train --data none.csv").err, {"none.csv", "no such file"});
  expect_in(mote("train --data none").err, {"none", "no such folder", "train-images-idx3-ubyte"});
  expect_in(mote("train --data a.npz:x").err, {"a.npz:x", "--data a.npz", "--train a.npz:x --labels a.npz:NAME"});
}

TEST_F(Tables, SayHowManyInputsTheyMake) {
  write(folder_ / "houses.csv", houses(20));
  const Outcome wrong = mote("train --model 'input 2; dense 1' --data houses.csv");
  EXPECT_EQ(wrong.exit_code, 1);
  expect_in(wrong.err,
            {"houses.csv", "input is 2", "samples are 3", "\"input 3\"", "area, district=North, district=South"});
}

}  // namespace
}  // namespace mote::tool
