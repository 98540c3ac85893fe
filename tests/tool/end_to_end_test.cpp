// SPDX-License-Identifier: Apache-2.0
// The built program on small data in a temporary folder: training to file to outputs, and every command. Host only.
#include <cmath>
#include <nlohmann/json.hpp>

#include "temporary.hpp"
#include "tool/data/npy.hpp"
#include "tool/pictures/plot.hpp"

namespace mote::tool {
namespace {

using namespace test;
using Json = nlohmann::json;

constexpr const char* kNetwork =
    "\"input 6x6x1; conv2d 4 3x3 same; batch_norm; relu; max_pool 2; flatten; dense 3; softmax\"";

/// Images of 6 x 6 bytes with a bright bar in row 1, 3 or 5: three classes that a small network separates.
class EndToEnd : public ::testing::Test {
 protected:
  void SetUp() override { save_images("x.npy", "y.npy", 240, 1), save_images("xt.npy", "yt.npy", 60, 2); }

  void save_images(const std::string& samples, const std::string& labels, std::uint32_t count, std::uint32_t seed) {
    std::vector<std::uint8_t> x;
    std::vector<std::int32_t> y;
    std::uint32_t state = seed;
    for (std::uint32_t i = 0; i < count; ++i) {
      y.push_back(static_cast<std::int32_t>(i % 3));
      for (std::uint32_t k = 0; k < 36; ++k) {
        state = state * 1664525U + 1013904223U;
        x.push_back(static_cast<std::uint8_t>((k / 6 == 1 + 2 * (i % 3) ? 130 : 0) + (state >> 25)));
      }
    }
    write_npy(folder_ / samples, Element::u8, std::vector<std::uint64_t>{count, 6, 6}, std::as_bytes(std::span(x)));
    write_npy(folder_ / labels, Element::s32, std::vector<std::uint64_t>{count}, std::as_bytes(std::span(y)));
  }
  Outcome mote(const std::string& arguments) { return run_mote(folder_, arguments); }
  /// Runs with --json and expects success.
  Json json(const std::string& arguments) {
    const Outcome outcome = mote(arguments + " --json");
    EXPECT_EQ(outcome.exit_code, 0) << arguments << "\n" << outcome.out << outcome.err;
    EXPECT_EQ(outcome.err, "");
    const Json parsed = Json::parse(outcome.out, nullptr, false);
    EXPECT_FALSE(parsed.is_discarded()) << outcome.out;
    return parsed;
  }
  Json train(const std::string& options = "--epochs 6 --lr 0.01", const std::string& out = "m.mote") {
    return json(std::string("train --model ") + kNetwork +
                " --train x.npy --labels y.npy --test xt.npy --test-labels yt.npy --batch 16 --out " + out + " " +
                options);
  }
  std::vector<float> floats(const std::string& name) {
    const Array array = read_npy(folder_ / name);
    std::vector<float> out(array.count());
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<float>(array.at(i));
    return out;
  }

  TemporaryFolder folder_;
};

TEST_F(EndToEnd, TrainsEvaluatesAndRuns) {
  const Json trained = train("--epochs 6 --lr 0.01 --validation-fraction 0.2 --micro-batch 8");
  EXPECT_GT(trained["test"]["accuracy"].get<double>(), 0.95);
  EXPECT_EQ(trained["epochs"].size(), 6U);
  EXPECT_EQ(trained["train_samples"], 192);
  EXPECT_EQ(trained["validation_samples"], 48);
  EXPECT_EQ(trained["updates"], 6 * 12);
  EXPECT_GE(trained["arena_bytes"].get<int>(), trained["lower_bound_bytes"].get<int>());
  EXPECT_EQ(trained["model_bytes"].get<std::uintmax_t>(), std::filesystem::file_size(folder_ / "m.mote"));

  const Json evaluated = json("eval m.mote --test xt.npy --labels yt.npy --batch 7");
  EXPECT_EQ(evaluated["correct"], trained["test"]["correct"]);
  EXPECT_EQ(evaluated["confusion"], trained["test"]["confusion"]);
  EXPECT_EQ(evaluated["loss"], trained["test"]["loss"]);  // to the last digit, in another batch size

  const Json ran = json("run m.mote --input xt.npy --output p.npy --batch 16");
  EXPECT_EQ(ran["output_shape"], Json({60, 3}));
  const std::vector<float> outputs = floats("p.npy");
  std::uint64_t correct = 0;
  for (std::size_t i = 0; i < 60; ++i) {
    const float* row = &outputs[3 * i];
    EXPECT_NEAR(row[0] + row[1] + row[2], 1.0F, 1e-5F);
    correct += static_cast<std::size_t>(std::max_element(row, row + 3) - row) == i % 3 ? 1U : 0U;
  }
  EXPECT_EQ(correct, evaluated["correct"].get<std::uint64_t>());
  ASSERT_EQ(mote("run m.mote --input xt.npy --output q.npy").exit_code, 0);
  EXPECT_EQ(floats("q.npy"), outputs);  // one sample at a time gives the same bits
}

TEST_F(EndToEnd, OneSeedRepeatsARunBitForBit) {
  train("--epochs 2 --seed 5", "a.mote"), train("--epochs 2 --seed 5", "b.mote"),
      train("--epochs 2 --seed 6", "c.mote");
  EXPECT_EQ(read(folder_ / "a.mote"), read(folder_ / "b.mote"));
  EXPECT_NE(read(folder_ / "a.mote"), read(folder_ / "c.mote"));
}

TEST_F(EndToEnd, StopsEarlyAndKeepsTheBestWeights) {
  const Json trained = train("--validation-fraction 0.25 --early-stop 2 --epochs 60 --lr 0.05 --optimizer sgd");
  const auto& epochs = trained["epochs"];
  const int best = trained["best_epoch"];
  double best_loss = 1e9;
  int expected = 0;
  for (const Json& epoch : epochs)
    if (epoch["validation_loss"].get<double>() < best_loss)
      best_loss = epoch["validation_loss"], expected = epoch["epoch"];
  EXPECT_EQ(best, expected);
  if (trained["stopped_early"].get<bool>()) {
    EXPECT_EQ(static_cast<int>(epochs.size()), best + 2);
  } else {
    EXPECT_EQ(epochs.size(), 60U);
  }
  // Training that ends with the best epoch leaves the same file.
  train("--validation-fraction 0.25 --epochs " + std::to_string(best) + " --lr 0.05 --optimizer sgd", "upto.mote");
  EXPECT_EQ(read(folder_ / "m.mote"), read(folder_ / "upto.mote"));
}

TEST_F(EndToEnd, LeavesFrozenLayersAlone) {
  train("--epochs 1");
  ASSERT_EQ(mote("params m.mote --out before").exit_code, 0);
  const Json trained =
      json("train --model m.mote --freeze 1-2 --train x.npy --labels y.npy --epochs 2 --batch 16 --out fine.mote");
  EXPECT_NE(trained["network"].get<std::string>().find("conv2d 4 3x3 same frozen"), std::string::npos);
  ASSERT_EQ(mote("params fine.mote --out after").exit_code, 0);
  for (const char* same : {"01_conv2d_weights.npy", "01_conv2d_bias.npy", "02_batch_norm_running_mean.npy"})
    EXPECT_EQ(read(folder_ / "before" + "/" + same), read(folder_ / "after" + "/" + same)) << same;
  EXPECT_NE(read(folder_ / "before/06_dense_weights.npy"), read(folder_ / "after/06_dense_weights.npy"));
}

TEST_F(EndToEnd, WritesParametersAndReadsThemBack) {
  train("--epochs 1");
  const Json written = json("params m.mote --out p");
  EXPECT_EQ(written["files"].size(), 2U + 4U + 2U);
  EXPECT_EQ(read_npy(folder_ / "p/01_conv2d_weights.npy").dims, (std::vector<std::uint64_t>{3, 3, 1, 4}));
  EXPECT_EQ(read_npy(folder_ / "p/06_dense_weights.npy").dims, (std::vector<std::uint64_t>{36, 3}));
  json("params m.mote --set p --out-model same.mote");
  EXPECT_EQ(read(folder_ / "same.mote"), read(folder_ / "m.mote"));

  std::filesystem::create_directory(folder_ / "one");
  write_npy(folder_ / "one/06_dense_bias.npy", std::vector<std::uint64_t>{3}, std::vector<float>{1, 2, 3});
  json("params m.mote --set one --out-model changed.mote");
  json("params changed.mote --out q");
  EXPECT_EQ(floats("q/06_dense_bias.npy"), (std::vector<float>{1, 2, 3}));
  EXPECT_EQ(read(folder_ / "q/01_conv2d_weights.npy"), read(folder_ / "p/01_conv2d_weights.npy"));
}

TEST_F(EndToEnd, FoldsBatchNorm) {
  train();
  const Json folded = json("fold m.mote --out f.mote");
  EXPECT_EQ(folded["layers"].get<int>(), folded["layers_before"].get<int>() - 1);
  ASSERT_EQ(mote("run m.mote --input xt.npy --output a.npy").exit_code, 0);
  ASSERT_EQ(mote("run f.mote --input xt.npy --output b.npy").exit_code, 0);
  const std::vector<float> a = floats("a.npy"), b = floats("b.npy");
  for (std::size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(a[i], b[i], 1e-5F);
}

TEST_F(EndToEnd, ReadsImageFoldersAndCsv) {
  const auto idx = [&](const std::string& from, const std::string& to, std::uint8_t rank) {
    const Array array = read_npy(folder_ / from);
    std::string bytes{'\0', '\0', '\x08', static_cast<char>(rank)};
    for (const std::uint64_t dim : array.dims)
      for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(dim >> shift);
    for (std::uint64_t i = 0; i < array.count(); ++i)
      bytes += static_cast<char>(static_cast<std::uint8_t>(array.at(i)));
    write_gzip(folder_ / to, bytes);
  };
  std::filesystem::create_directory(folder_ / "images");
  idx("x.npy", "images/train-images-idx3-ubyte.gz", 3), idx("y.npy", "images/train-labels-idx1-ubyte.gz", 1);
  idx("xt.npy", "images/t10k-images-idx3-ubyte.gz", 3), idx("yt.npy", "images/t10k-labels-idx1-ubyte.gz", 1);
  const Json from_npy = train("--epochs 6 --lr 0.01", "a.mote");
  const Json from_idx =
      json(std::string("train --model ") + kNetwork + " --data images --epochs 6 --batch 16 --lr 0.01 --out b.mote");
  EXPECT_EQ(read(folder_ / "a.mote"), read(folder_ / "b.mote"));
  EXPECT_EQ(json("eval b.mote --data images")["correct"], from_npy["test"]["correct"]);
  EXPECT_EQ(json("eval b.mote --data images --training-part")["samples"], 240);

  std::string csv = "a,b,sum,label\n";
  for (int i = 0; i < 64; ++i)
    csv += std::to_string(i % 8) + "," + std::to_string(i / 8) + "," + std::to_string(i % 8 + i / 8) + "," +
           std::to_string(i % 2) + "\r\n";
  write(folder_ / "t.csv", csv);
  const Json regression = json(
      "train --model 'input 3; dense 1' --data t.csv --targets sum --epochs 60 --batch 8 --lr 0.1 --scale 0.1 --out "
      "r.mote");
  EXPECT_EQ(regression["loss"], "squared_error");
  EXPECT_LT(regression["epochs"].back()["train_loss"].get<double>(), 0.3);
  EXPECT_TRUE(regression["epochs"].back()["train_accuracy"].is_null());
  const Json binary =
      json("train --model 'input 3; dense 1' --data t.csv --label label --epochs 2 --batch 8 --class-weights balanced");
  EXPECT_EQ(binary["loss"], "binary_cross_entropy");
  EXPECT_TRUE(binary["model"].is_null());
}

TEST_F(EndToEnd, PlansBeforeItTrains) {
  const Json plan = json(std::string("plan ") + kNetwork + " --train --batch 16 --optimizer adam --alignment 64");
  EXPECT_EQ(plan["arena_bytes"], train("--epochs 1")["arena_bytes"]);
  std::uint64_t live = 0;
  for (const auto& [kind, row] : plan["by_kind"].items()) live += row["live_bytes_at_peak"].get<std::uint64_t>();
  EXPECT_EQ(live, plan["lower_bound_bytes"].get<std::uint64_t>());
  EXPECT_EQ(plan["alternatives"].size(), 5U);  // 16, 8, 4, 2, 1
  EXPECT_EQ(plan["alternatives"][0]["arena_bytes"], plan["arena_bytes"]);
  EXPECT_TRUE(plan["by_kind"].contains("optimizer_state2"));
  const Json sgd = json("plan 'input 9; dense 8; relu; dense 3' --train --batch 16 --optimizer sgd");
  EXPECT_FALSE(sgd["by_kind"].contains("param_gradient"));  // the update is fused
  EXPECT_EQ(json("plan m.mote")["arena_bytes"], json("info m.mote")["arena_bytes"]);
  const Outcome text = mote("plan m.mote --train --batch 4 --micro-batch 2");
  expect_in(text.out, {"lower bound", "activation", "micro-batch", "this plan"});
}

TEST_F(EndToEnd, TellsWhatAModelHolds) {
  train("--epochs 1");
  const Json info = json("info m.mote");
  EXPECT_EQ(info["layers"].size(), 8U);
  EXPECT_EQ(info["layers"][1]["multiply_adds"], 36 * 9 * 4);
  EXPECT_EQ(info["parameters"], 40 + 16 + 111);
  EXPECT_EQ(info["trainable_parameters"], 40 + 8 + 111);
  EXPECT_EQ(info["file"]["bytes"].get<std::uintmax_t>(), std::filesystem::file_size(folder_ / "m.mote"));
  const Outcome text = mote("info m.mote --text");
  write(folder_ / "net.txt", text.out);
  EXPECT_EQ(mote("info net.txt --text").out, text.out);
  expect_in(mote("info m.mote").out, {"conv2d 4 3x3 same", "CRC-32", "multiply-adds"});
}

TEST_F(EndToEnd, DrawsPictures) {
  if (!can_plot()) GTEST_SKIP() << kNoGnuplot;
  const Outcome outcome =
      mote(std::string("train --model ") + kNetwork +
           " --train x.npy --labels y.npy --test xt.npy --test-labels yt.npy --epochs 2 --batch 16 --plots pics "
           "--class-names top,middle,bottom --validation-fraction 0.2");
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  expect_in(read(folder_ / "pics/learning-curve.svg"), {"<svg", "validation"});
  expect_in(read(folder_ / "pics/confusion-matrix.svg"), {"<svg", "middle"});
  expect_in(read(folder_ / "pics/arena.svg"), {"<svg", "activation"});
  EXPECT_EQ(mote(std::string("plan ") + kNetwork + " --svg arena.svg").exit_code, 0);
  expect_in(read(folder_ / "arena.svg"), {"</svg>"});
}

TEST_F(EndToEnd, TrainsWithoutGnuplot) {
  train("--epochs 1");
  std::filesystem::create_directory(folder_ / "empty");
  const std::string line =
      "cd '" + folder_.path() + "' && PATH='" + (folder_ / "empty") + "' '" MOTE_TOOL "' train --model " + kNetwork +
      " --train x.npy --labels y.npy --epochs 1 --batch 16 --out n.mote --plots p >out.txt 2>err.txt";
  EXPECT_EQ(std::system(line.c_str()), 0) << read(folder_ / "err.txt");
  expect_in(read(folder_ / "out.txt"), {"warning", "gnuplot-nox"});
  EXPECT_EQ(read(folder_ / "n.mote"), read(folder_ / "m.mote"));
}

}  // namespace
}  // namespace mote::tool
