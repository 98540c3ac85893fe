// SPDX-License-Identifier: Apache-2.0
// What the program says when something is wrong: file, place, remedy, exit code, and no half-written output. Host only.
#include <nlohmann/json.hpp>

#include "temporary.hpp"
#include "tool/data/npy.hpp"

namespace mote::tool {
namespace {

using namespace test;

class Mistakes : public ::testing::Test {
 protected:
  void SetUp() override {
    write(folder_ / "t.csv", "a,b,label\n1,2,0\n2,1,1\n1,3,0\n3,1,1\n");
    ASSERT_EQ(run("train --model 'input 2; dense 2' --data t.csv --epochs 1 --batch 2 --out m.mote").exit_code, 0);
    write_npy(folder_ / "x.npy", std::vector<std::uint64_t>{2, 3}, std::vector<float>(6, 1.0F));
    files_ = folder_.files();
  }
  void TearDown() override { EXPECT_EQ(folder_.files(), files_) << "something was left behind"; }

  Outcome run(const std::string& arguments) { return run_mote(folder_, arguments); }
  void expect_mistake(const std::string& arguments, int exit_code, std::initializer_list<const char*> parts) {
    const Outcome outcome = run(arguments);
    EXPECT_EQ(outcome.exit_code, exit_code) << arguments << "\n" << outcome.err;
    EXPECT_EQ(outcome.out, "") << arguments;
    EXPECT_TRUE(outcome.err.find("mote: ") != std::string::npos) << outcome.err;
    expect_in(outcome.err, parts);
    // The same as JSON: on the standard output, nothing else there, nothing on stderr.
    const Outcome as_json = run(arguments + " --json");
    EXPECT_EQ(as_json.exit_code, exit_code) << arguments;
    EXPECT_EQ(as_json.err, "") << arguments;
    const auto parsed = nlohmann::json::parse(as_json.out, nullptr, false);
    ASSERT_FALSE(parsed.is_discarded()) << arguments << "\n" << as_json.out;
    EXPECT_EQ(parsed["error"]["exit_code"], exit_code);
    EXPECT_FALSE(parsed["error"]["remedy"].get<std::string>().empty()) << as_json.out;
    for (const char* part : parts)
      EXPECT_NE(parsed["error"]["message"].get<std::string>().find(part), std::string::npos) << part << "\n"
                                                                                             << as_json.out;
  }

  TemporaryFolder folder_;
  std::size_t files_ = 0;
};

TEST_F(Mistakes, InArguments) {
  expect_mistake("trian", 2, {"\"trian\"", "did you mean \"train\"", "eval"});
  expect_mistake("train --model 'input 2; dense 2' --data t.csv --epoch 3", 2,
                 {"\"--epoch\"", "did you mean \"--epochs\"", "mote train --help"});
  expect_mistake("train --model 'input 2; dense 2' --data t.csv --epochs many", 2, {"--epochs", "many"});
  expect_mistake("train --model 'input 2; dense 2' --data t.csv --epochs 1 --epochs 2", 2,
                 {"--epochs", "more than once"});
  expect_mistake("train --data t.csv --reconstruct", 2, {"an autoencoder needs a network", "--model"});
  expect_mistake("train --model 'input 2; dense 2'", 2, {"no training data", "--data FOLDER"});
  expect_mistake("train --model 'input 2; dense 2' --data t.csv --optimizer adm", 2,
                 {"\"adm\"", "did you mean \"adam\""});
  expect_mistake("train --model 'input 2; dense 2' --data t.csv --optimizer sgd --beta1 0.9", 2, {"--beta1", "sgd"});
  expect_mistake("train --model 'input 2; dense 2' --data t.csv --lr -1", 2, {"--lr wants a number above 0"});
  expect_mistake("train --model 'input 2; dense 2' --data t.csv --lr nan", 2, {"--lr wants", "nan"});
  expect_mistake("train --model 'input 2; dense 2' --data t.csv --batch 6 --micro-batch 4", 2,
                 {"batch of 6", "slices of 4"});
  expect_mistake("train --model 'input 2; dense 2' --data t.csv --batch 0", 2, {"--batch wants"});
  expect_mistake("train --model 'input 2; dense 2' --data t.csv --batch 100", 2,
                 {"4 training samples", "batch of 100"});
  expect_mistake("train --model 'input 2; dense 2' --data t.csv --early-stop 2 --batch 2", 2,
                 {"--validation-fraction"});
  expect_mistake("train --model 'input 2; dense 2' --data t.csv --validation-fraction 1", 2, {"--validation-fraction"});
  expect_mistake("train --model 'input 2; dense 2' --data t.csv --class-weights 1,x --batch 2", 2,
                 {"--class-weights", "\"x\""});
  expect_mistake("train --model 'input 2; dense 2' --data t.csv --class-weights 1,2,3 --batch 2", 2,
                 {"3 class weights for 2 classes"});
  expect_mistake("train --model 'input 2; dense 2' --data t.csv --freeze 0 --batch 2", 2,
                 {"--freeze", "layer 0", "no parameters"});
  expect_mistake("train --model 'input 2; dense 2' --data t.csv --freeze 7 --batch 2", 2, {"no layer 7"});
  expect_mistake("train --model 'input 2; dense 2' --data t.csv --freeze 1 --batch 2", 1, {"trainable"});
  expect_mistake("train --model 'input 2; dense 2' --data t.csv --schedule step --floor 1 --batch 2", 2,
                 {"--floor", "step"});
  expect_mistake("train --model 'input 2; dense 2' --data t.csv --out none/m.mote", 2, {"none/m.mote", "no folder"});
  expect_mistake("train --model 'input 2; dens 2' --data t.csv --out new.mote", 2, {"--model:1:10", "dense"});
  expect_mistake("train --model net.txt --data t.csv", 2, {"net.txt", "no such file"});
  expect_mistake("params m.mote", 2, {"--out", "--set"});
  expect_mistake("eval m.mote --data t.csv --class-names a,b,c", 2, {"3 class names for 2 classes"});
  expect_mistake("plan m.mote --alignment 24", 2, {"--alignment 24", "power of two"});
  expect_mistake("run m.mote --input x.npy --output none/y.npy", 2, {"none/y.npy"});
}

TEST_F(Mistakes, InData) {
  write(folder_ / "short.csv", "aa,label\n1,2\n");
  files_ = folder_.files();
  expect_mistake("run m.mote --input x.npy --output y.npy", 1, {"x.npy", "input is 2", "samples are 3"});
  expect_mistake("run m.mote --input short.csv --output y.npy", 1,
                 {"short.csv", "lacks columns \"a\", \"b\"", "header has aa, label"});
  expect_mistake("run m.mote --input none.npy --output y.npy", 1, {"none.npy", "no such file"});
  expect_mistake("train --model 'input 2; dense 2' --data nowhere --out new.mote", 1,
                 {"nowhere", "dataset-fashion-mnist"});
  expect_mistake("train --model 'input 2; dense 2' --data t.csv --label lable --out new.mote", 2,
                 {"t.csv", "did you mean \"label\""});
  expect_mistake("train --model 'input 3; dense 2' --data t.csv --batch 2 --out new.mote", 1,
                 {"t.csv", "input is 3", "samples are 2"});
  expect_mistake("train --model 'input 2; dense 1' --data t.csv --loss softmax_cross_entropy --out new.mote", 2,
                 {"one output"});
  expect_mistake("train --model 'input 2; dense 2' --data t.csv --loss binary_cross_entropy --out new.mote", 2,
                 {"class numbers"});
  expect_mistake("train --model 'input 2; dense 3' --data t.csv --targets a,b --batch 2 --out new.mote", 1,
                 {"input is 2", "samples are 1"});
  expect_mistake("train --model 'input 1; dense 3' --data t.csv --targets a,b --batch 2 --out new.mote", 1,
                 {"3 outputs", "2 values"});
}

TEST_F(Mistakes, InLabelsAndCells) {
  write(folder_ / "bad.csv", "a,b,label\n1,2,0\n2,1,5\n3,1,1\n");
  write(folder_ / "word.csv", "a,b,label\n1,2,0\n2,one,1\n");
  files_ = folder_.files();
  expect_mistake("train --model 'input 2; dense 2' --data bad.csv --batch 1 --out new.mote", 1,
                 {"bad.csv:3", "label 5", "2 classes", "0 to 1"});
  expect_mistake("train --model 'input 2; dense 1' --data bad.csv --batch 1 --out new.mote", 1,
                 {"bad.csv:3", "0 and 1"});
  expect_mistake("eval m.mote --data word.csv", 1, {"word.csv:3:2", "\"one\"", "not a number"});
}

TEST_F(Mistakes, InModelFiles) {
  const std::string bytes = read(folder_ / "m.mote");
  write(folder_ / "cut.mote", bytes.substr(0, bytes.size() - 7));
  std::string hit = bytes;
  hit[bytes.size() - 3] = static_cast<char>(hit[bytes.size() - 3] ^ 1);
  write(folder_ / "hit.mote", hit);
  write(folder_ / "text.mote", "input 2; dense 2");
  files_ = folder_.files();
  expect_mistake("eval cut.mote --data t.csv", 1, {"cut.mote", "cut short", std::to_string(bytes.size()).c_str()});
  expect_mistake("info hit.mote", 1, {"hit.mote", "checksum", "copy it again"});
  expect_mistake("run text.mote --input x.npy --output y.npy", 1, {"text.mote", "MOTE"});
  expect_mistake("plan none.mote", 2, {"none.mote", "no such file"});
  expect_mistake("eval none.mote --data t.csv", 1, {"none.mote", "no such file"});
}

TEST_F(Mistakes, InParameterFolders) {
  std::filesystem::create_directory(folder_ / "p");
  files_ = folder_.files();
  expect_mistake("params m.mote --set p", 1, {"none of the model's parameters", "01_dense_weights.npy"});
  write_npy(folder_ / "p/01_dense_wieghts.npy", std::vector<std::uint64_t>{2, 2}, std::vector<float>(4));
  expect_mistake("params m.mote --set p", 1, {"01_dense_wieghts.npy", "did you mean \"01_dense_weights.npy\""});
  std::filesystem::remove(folder_ / "p/01_dense_wieghts.npy");
  write_npy(folder_ / "p/01_dense_weights.npy", std::vector<std::uint64_t>{4}, std::vector<float>(4));
  const std::string before = read(folder_ / "m.mote");
  expect_mistake("params m.mote --set p", 1, {"01_dense_weights.npy", "shape is 4", "2x2"});
  EXPECT_EQ(read(folder_ / "m.mote"), before);
  expect_mistake("params m.mote --set nowhere", 2, {"nowhere", "no such folder"});
}

TEST_F(Mistakes, OfTrainingThatDiverges) {
  write(folder_ / "big.csv", "1e30,0\n-1e30,1\n1e30,1\n-1e30,0\n");
  files_ = folder_.files();
  expect_mistake(
      "train --model 'input 1; dense 8; dense 1' --data big.csv --targets 2 --loss squared_error --optimizer sgd --lr "
      "100 --batch "
      "2 --epochs 9 --out new.mote",
      1, {"training stopped in epoch", "not finite", "learning rate", "nothing was written"});
}

TEST_F(Mistakes, OfLabelsForOneOutput) {
  write(folder_ / "two.csv", "1,0\n2,1\n3,1\n4,0\n");
  files_ = folder_.files();
  expect_mistake(
      "train --model 'input 1; dense 1' --data two.csv --label 2 --loss squared_error --batch 2 --out new.mote", 2,
      {"two.csv", "one output", "--targets", "binary_cross_entropy"});
}

TEST_F(Mistakes, AndHelp) {
  const Outcome version = run("--version");
  EXPECT_EQ(version.exit_code, 0);
  expect_in(version.out, {"mote 0."});
  const Outcome help = run("train --help");
  EXPECT_EQ(help.exit_code, 0);
  expect_in(help.out, {"EXAMPLES", "--early-stop", "THE TEXT FORM OF A NETWORK", "conv2d 8 3x3 same", "as NAME"});
  for (const char* command : {"eval", "run", "plan", "info", "params", "import", "export", "compare", "fold", "demo"})
    expect_in(run(std::string(command) + " --help").out, {"EXAMPLES", "--json"});
  EXPECT_EQ(run("").exit_code, 2);
  expect_in(run("").out, {"FIRST STEPS", "mote demo"});
}

}  // namespace
}  // namespace mote::tool
