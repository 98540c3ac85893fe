// SPDX-License-Identifier: Apache-2.0
// What a person does first, through the built program: a table without naming a network, folds, folders of pictures,
// time series, archives. Host only.
#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "picture_files.hpp"
#include "temporary.hpp"
#include "tool/data/npy.hpp"

namespace mote::tool {
namespace {

using namespace test;
using Json = nlohmann::json;

class FirstHour : public ::testing::Test {
 protected:
  double random() { return static_cast<double>((state_ = state_ * 1664525U + 1013904223U) >> 8U) / 16777216.0; }

  /// Two classes apart in the sum of two measures; every third row is one of the third class, apart in the second.
  void write_plants(const std::string& name, int rows) {
    std::string out = "height,leaves,place,kind\n";
    for (int i = 0; i < rows; ++i) {
      const double leaves = random() + (i % 3 == 2 ? 3.0 : 0.0), height = random() + (i % 3 == 1 ? 2.0 : 0.0);
      out += std::to_string(height) + "," + std::to_string(leaves) + (random() < 0.5 ? ",wet," : ",dry,") +
             (i % 3 == 0   ? "moss"
              : i % 3 == 1 ? "fern"
                           : "tree") +
             "\n";
    }
    write(folder_ / name, out);
  }
  /// A bright square on the left or on the right, on a dark ground, of several sizes, as PNG and JPEG.
  void write_pictures(const std::string& folder, int count) {
    for (const bool left : {true, false}) {
      const std::string path = folder_ / (folder + (left ? "/left" : "/right"));
      std::filesystem::create_directories(path);
      for (int i = 0; i < count; ++i) {
        const unsigned size = 12 + 4 * static_cast<unsigned>(4 * random());
        std::vector<std::uint8_t> pixels(std::size_t{size} * size * 3, 20);
        for (unsigned y = size / 3; y < 2 * size / 3; ++y)
          for (unsigned x = 0; x < size / 3; ++x)
            for (unsigned c = 0; c < 3; ++c)
              pixels[(y * size + (left ? x : size - 1 - x)) * 3 + c] = static_cast<std::uint8_t>(150 + 100 * random());
        const std::string file = path + "/" + std::to_string(i);
        write(file + (i % 2 == 0 ? ".png" : ".jpg"),
              i % 2 == 0 ? png_bytes(size, size, 3, pixels) : jpeg_bytes(size, size, 3, pixels));
      }
    }
  }
  /// Recordings of 120 rows: two channels, still or swinging.
  void write_recordings(const std::string& name, int count) {
    std::string out = "t,u,who,state\n";
    for (int k = 0; k < count; ++k) {
      const double phase = 6.3 * random();
      for (int i = 0; i < 120; ++i)
        out += std::to_string((k % 2) * std::sin(0.6 * i + phase) + 0.1 * random()) + "," +
               std::to_string((k % 2) * std::cos(0.6 * i + phase) + 0.1 * random()) + ",w" + std::to_string(k) +
               (k % 2 == 0 ? ",still\n" : ",swinging\n");
    }
    write(folder_ / name, out);
  }
  Outcome mote(const std::string& arguments) { return run_mote(folder_, arguments); }
  Json json(const std::string& arguments) {
    const Outcome outcome = mote(arguments + " --json");
    EXPECT_EQ(outcome.exit_code, 0) << arguments << "\n" << outcome.out << outcome.err;
    return Json::parse(outcome.out, nullptr, false);
  }

  TemporaryFolder folder_;
  std::uint32_t state_ = 1;
};

TEST_F(FirstHour, ATableNeedsNoNetwork) {
  write_plants("train.csv", 90);
  write_plants("test.csv", 60);
  const Json trained = json("train --data train.csv --test test.csv --out m.mote");
  EXPECT_EQ(trained["optimizer"], "lbfgs");
  expect_in(trained["network"].get<std::string>(), {"input 4\n", "dense 100\nrelu\ndense 3"});
  EXPECT_GE(trained["test"]["accuracy"].get<double>(), 0.95);
  EXPECT_EQ(json("eval m.mote --data test.csv")["accuracy"], trained["test"]["accuracy"]);
  const Outcome said = mote("train --data train.csv --optimizer adam --epochs 2");
  expect_in(said.err, {"network chosen: \"input 4", "--optimizer adam --epochs 2", "--model"});
  EXPECT_EQ(mote("train --data train.csv --optimizer adam --epochs 2 --seed 7").exit_code, 0);
  // What stands far from unit scale is standardised; what is to be predicted follows from the last column.
  std::string table = "area,price\n";
  for (int i = 0; i < 80; ++i) {
    const int area = 30 + static_cast<int>(200 * random());
    table += std::to_string(area) + "," + std::to_string(2000 * area + 17) + "\n";
  }
  write(folder_ / "houses.csv", table);
  const Json houses = json("train --data houses.csv --test houses.csv --out h.mote");
  expect_in(houses["network"].get<std::string>(), {"input 1\nstandardize\ndense 32\ntanh\ndense 1"});
  EXPECT_GT(houses["test"]["targets"][0]["r2"].get<double>(), 0.99);
  write(folder_ / "new.csv", "area\n100\n200\n");
  const Outcome run = mote("run h.mote --input new.csv");
  double first = 0.0, second = 0.0;
  ASSERT_EQ(std::sscanf(run.out.c_str(), "price\n%lf\n%lf\n", &first, &second), 2) << run.out;
  EXPECT_NEAR(first, 200017.0, 12000.0);
  EXPECT_NEAR(second, 400017.0, 12000.0);
}

TEST_F(FirstHour, CrossValidationScoresEverySampleOnce) {
  write_plants("t.csv", 60);
  const std::string line = "train --model 'input 4; standardize; dense 3' --data t.csv --epochs 40 --lr 0.05 ";
  const Json folds = json(line + "--cross-validate 5")["cross_validation"];
  EXPECT_EQ(folds["folds"], 5);
  std::size_t samples = 0, correct = 0;
  double sum = 0.0, squares = 0.0;
  std::vector<std::size_t> of_class(3, 0);
  for (const Json& fold : folds["per_fold"]) {
    samples += fold["samples"].get<std::size_t>(), correct += fold["correct"].get<std::size_t>();
    sum += fold["accuracy"].get<double>();
    for (std::size_t k = 0; k < 3; ++k) {
      std::size_t row = 0;
      for (const Json& count : fold["confusion"][k]) row += count.get<std::size_t>();
      EXPECT_EQ(row, 4U) << "20 of each class in five folds";
    }
  }
  EXPECT_EQ(samples, 60U);
  EXPECT_NEAR(folds["accuracy"]["mean"].get<double>(), sum / 5.0, 1e-12);
  EXPECT_NEAR(folds["accuracy"]["mean"].get<double>(), static_cast<double>(correct) / 60.0, 1e-12);
  for (const Json& fold : folds["per_fold"])
    squares += (fold["accuracy"].get<double>() - sum / 5.0) * (fold["accuracy"].get<double>() - sum / 5.0);
  EXPECT_NEAR(folds["accuracy"]["deviation"].get<double>(), std::sqrt(squares / 4.0), 1e-12);
  EXPECT_EQ(json(line + "--cross-validate 5")["cross_validation"], folds);  // a seed repeats it
  EXPECT_NE(json(line + "--cross-validate 5 --seed 2")["cross_validation"], folds);
  const Outcome text = mote(line + "--cross-validate 3 --out m.mote");
  expect_in(text.out, {"3 folds, mean ± standard deviation", "accuracy", "F1", "the model of all samples"});
  EXPECT_TRUE(std::filesystem::exists(folder_ / "m.mote"));
  expect_in(text.err, {"fold 1/3", "fold 3/3"});
}

TEST_F(FirstHour, AFolderOfPictures) {
  write_pictures("pets/train", 12);
  write_pictures("pets/test", 5);
  write_pictures("mixed", 3);
  const Json trained = json(
      "train --model 'input 8x8x1; conv2d 4 3x3 same; relu; max_pool 2; flatten; dense 2' --data pets --epochs 40 "
      "--batch 8 --lr 0.01 --out m.mote");
  EXPECT_EQ(trained["test"]["correct"], 10);
  EXPECT_EQ(json("info m.mote")["description"]["label"]["classes"], Json({"left", "right"}));
  EXPECT_EQ(json("eval m.mote --data pets")["correct"], 10);
  EXPECT_EQ(json("eval m.mote --data mixed")["correct"], 6);
  const Outcome one = mote("run m.mote --input mixed/right/1.jpg");
  EXPECT_TRUE(one.out.starts_with("file,prediction,p(left),p(right)\nmixed/right/1.jpg,right,")) << one.out;
  const Json scored = json("run m.mote --input mixed --output p.csv");
  EXPECT_EQ(scored["scores"]["accuracy"], 1.0);
  expect_in(read(folder_ / "p.csv"), {"file,label,prediction", "mixed/left/0.png,left,left,"});
  // A network of its own, at the size asked for; a flat model remembers the size.
  expect_in(json("train --data mixed --image-size 10x12 --epochs 1 --batch 2")["network"].get<std::string>(),
            {"input 10x12x3\nconv2d 16"});
  json("train --model 'input 48; dense 2' --data mixed --image-size 4x4x3 --epochs 1 --batch 2 --out flat.mote");
  EXPECT_EQ(json("run flat.mote --input mixed")["samples"], 6);
  expect_in(mote("train --model 'input 48; dense 2' --data mixed").err, {"mixed", "size", "--image-size"});
  expect_in(mote("train --model 'input 8x8x1; flatten; dense 3' --data mixed").err,
            {"2 classes (left, right)", "3 outputs", "dense 2"});
}

TEST_F(FirstHour, ATimeSeriesInWindows) {
  write_recordings("train.csv", 8);
  write_recordings("test.csv", 4);
  const Json trained = json(
      "train --model 'input 50x2; conv2d 4 1x5; relu; global_average_pool; dense 2' --data train.csv --label state "
      "--window 50 --hop 25 --group who --epochs 80 --batch 6 --lr 0.02 --test test.csv --out m.mote");
  EXPECT_EQ(trained["train_samples"], 24);  // 120 rows: from 0, 25 and 50
  EXPECT_EQ(trained["test"]["samples"], 12);
  EXPECT_EQ(trained["test"]["accuracy"], 1.0);
  const Outcome run = mote("run m.mote --input test.csv");  // the model knows its windows
  EXPECT_EQ(std::count(run.out.begin(), run.out.end(), '\n'), 13);
  expect_in(run.out, {"label,prediction,p(still),p(swinging)\nstill,still,"});
  EXPECT_EQ(run.err.find("overlap"), std::string::npos);
  EXPECT_EQ(json("eval m.mote --data test.csv --window 50 --hop 10")["samples"], 32);
  expect_in(mote("train --data train.csv --label state --window 50 --hop 25 --group who --epochs 1").err,
            {"windows overlap", "network chosen: \"input 50x2; standardize;"});
  expect_in(mote("eval m.mote --data test.csv --window 40").err, {"50x2"});
}

TEST_F(FirstHour, AnArchiveOfArrays) {
  std::vector<float> x;
  std::vector<std::int64_t> y;
  for (int i = 0; i < 40; ++i) {
    x.push_back(static_cast<float>(random() + (i % 2)));
    y.push_back(i % 2);
  }
  write_npy(folder_ / "x.npy", std::vector<std::uint64_t>{40, 1}, x);
  write_npy(folder_ / "y.npy", Element::s64, std::vector<std::uint64_t>{40}, std::as_bytes(std::span(y)));
  const Outcome zip = run_script(folder_,
                                 "python3 -c \"import zipfile; z = zipfile.ZipFile('a.npz', 'w', "
                                 "zipfile.ZIP_DEFLATED); z.write('x.npy'); z.write('y.npy')\"");
  if (zip.exit_code != 0) GTEST_SKIP() << "no python3 to make an archive";
  const Json trained = json("train --data a.npz --out m.mote");
  EXPECT_EQ(trained["train_samples"], 40);
  EXPECT_EQ(json("eval m.mote --data a.npz")["accuracy"], json("eval m.mote --test x.npy --labels y.npy")["accuracy"]);
  EXPECT_EQ(json("eval m.mote --test a.npz:x --labels a.npz:y")["samples"], 40);
}

/// The lines of README.md's first hour, on files of these names.
TEST_F(FirstHour, IsAsTheReadmeSays) {
  const std::string readme = read(MOTE_SOURCE_DIR "/README.md");
  const std::size_t heading = readme.find("The first hour, with a table:"), begin = readme.find("```sh\n", heading) + 6;
  ASSERT_NE(heading, std::string::npos);
  std::istringstream lines(readme.substr(begin, readme.find("```", begin) - begin));
  for (const char* const name : {"iris.csv", "iris_test.csv", "new.csv"}) write_plants(name, 60);
  std::string houses = "id,district,area,price\n";
  for (int i = 0; i < 60; ++i) {
    const int area = 30 + static_cast<int>(200 * random());
    houses += std::to_string(i) + (i % 2 == 0 ? ",North," : ",South,") + std::to_string(area) + "," +
              std::to_string(2000 * area + 50000 * (i % 2)) + "\n";
  }
  write(folder_ / "houses.csv", houses);
  for (const char* const name : {"recordings.csv", "others.csv"}) {
    write_recordings(name, 12);
    write(folder_ / name, "t,u,recording,state" + read(folder_ / name).substr(std::string("t,u,who,state").size()));
  }
  write_pictures("photos", 3);  // fewer than a batch
  std::size_t count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    ASSERT_TRUE(line.starts_with("mote ")) << line;
    const bool pictures = line.find("photos") != std::string::npos;  // many epochs take minutes with sanitizers
    const Json result = json(line.substr(5, line.find('#') - 5) + (pictures ? " --epochs 2" : ""));
    EXPECT_FALSE(result.contains("error")) << line;
    if (line.starts_with("mote eval")) {
      EXPECT_GE(result["accuracy"].get<double>(), 0.9);
    } else if (line.find("price") != std::string::npos) {
      EXPECT_GT(result["cross_validation"]["r2"]["mean"].get<double>(), 0.95);
    }
  }
  EXPECT_GE(count, 7U);
  for (const char* const name : {"iris.mote", "pred.csv", "houses.mote", "moves.mote", "photos.mote"})
    EXPECT_TRUE(std::filesystem::exists(folder_ / name)) << name;
  EXPECT_TRUE(read(folder_ / "pred.csv").starts_with("label,prediction,p(fern),p(moss),p(tree)\n"));
}

}  // namespace
}  // namespace mote::tool
