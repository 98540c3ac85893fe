// SPDX-License-Identifier: Apache-2.0
// How the program ends: by signals, with streams that are closed, full or gone, and with pipes for files. Host only.
#include <nlohmann/json.hpp>

#include "temporary.hpp"
#include "tool/data/npy.hpp"

namespace mote::tool {
namespace {

using namespace test;

class Ends : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string table = "a,b,label\n";
    for (int i = 0; i < 60; ++i)
      table += std::to_string(i % 7) + "," + std::to_string(i % 5) + "," + std::to_string(i % 7 > i % 5 ? 1 : 0) + "\n";
    write(folder_ / "t.csv", table);
    ASSERT_EQ(run_mote(folder_, kTrain + std::string("--epochs 2 --out m.mote")).exit_code, 0);
  }
  Outcome script(const std::string& lines) { return run_script(folder_, lines); }
  /// Trains without end until the second epoch is said, sends the signal, and says code and the file's first bytes.
  Outcome interrupted(const std::string& signal, const std::string& options) {
    return script(std::string("rm -f out err; $mote ") + kTrain + "--epochs 1000000000 " + options +
                  " >out 2>err & pid=$!\n"
                  "until grep -q ' 2/1000000000' err; do kill -0 $pid || break; sleep 0.02; done\n"
                  "kill -" +
                  signal + " $pid; wait $pid; echo code $?; cat out; cat err >&2; ls -A");
  }
  static constexpr const char* kNetwork = "train --model 'input 2; dense 8; tanh; dense 2' --batch 4 ";
  static constexpr const char* kTrain = "train --model 'input 2; dense 8; tanh; dense 2' --data t.csv --batch 4 ";

  TemporaryFolder folder_;
};

TEST_F(Ends, ASignalKeepsTheWeightsSoFar) {
  for (const auto& [signal, code] : {std::pair{"INT", "code 130"}, {"TERM", "code 143"}, {"HUP", "code 129"}}) {
    std::filesystem::remove(folder_ / "i.mote");
    const Outcome outcome = interrupted(signal, "--out i.mote");
    expect_in(outcome.out, {code, "model  ", "in i.mote"});
    expect_in(outcome.err, {"training stopped in epoch", "the weights so far were written to i.mote", signal});
    const Outcome eval = run_mote(folder_, "eval i.mote --data t.csv --json");
    ASSERT_EQ(eval.exit_code, 0) << eval.err;
    EXPECT_GT(nlohmann::json::parse(eval.out)["accuracy"].get<double>(), 0.5);
  }
}

TEST_F(Ends, ASignalKeepsTheBestWeights) {
  const Outcome outcome = interrupted("INT", "--out i.mote --keep-best --validation-fraction 0.2");
  expect_in(outcome.out, {"code 130", "kept weights    of epoch"});
  expect_in(outcome.err, {"the weights of epoch", "were written to i.mote"});
  const Outcome json = script(std::string("timeout -s TERM 2 $mote ") + kTrain +
                              "--epochs 1000000000 --out j.mote --json >out; echo code $?; cat out");
  expect_in(json.out, {"code 124"});
  const auto parsed = nlohmann::json::parse(json.out.substr(json.out.find('{')), nullptr, false);
  ASSERT_FALSE(parsed.is_discarded()) << json.out;
  EXPECT_EQ(parsed["error"]["exit_code"], 143);
  EXPECT_EQ(parsed["error"]["kind"], "interrupted");
  EXPECT_EQ(parsed["model"], "j.mote");
}

TEST_F(Ends, ASecondSignalEndsAtOnceAndLeavesNothing) {
  std::string table = "a,b,label\n";
  for (int i = 0; i < 4000; ++i) table += std::to_string(i % 7) + "," + std::to_string(i % 5) + ",1\n";
  write(folder_ / "long.csv", table);
  const Outcome outcome = script(
      "$mote train --model 'input 2; dense 2048; tanh; dense 2048; tanh; dense 2' --data long.csv --optimizer "
      "gradient_descent --micro-batch 100 --epochs 1000 --out i.mote >out 2>err & pid=$!\n"
      "until test -s err; do kill -0 $pid || break; sleep 0.02; done; sleep 0.1\n"
      "kill -INT $pid; kill -INT $pid; sleep 0.5; kill -0 $pid && echo still there\n"
      "before=$(date +%s); kill -INT $pid; wait $pid; echo code $?; test $(($(date +%s) - before)) -lt 3 && echo soon\n"
      "ls -A");
  expect_in(outcome.out, {"still there", "code 130", "soon"});
  EXPECT_EQ(outcome.out.find("i.mote"), std::string::npos) << outcome.out;
  EXPECT_EQ(outcome.out.find(".mote-"), std::string::npos) << outcome.out;
}

TEST_F(Ends, AKillLeavesNoTemporary) {
  const Outcome outcome = interrupted("KILL", "--out m.mote");
  expect_in(outcome.out, {"code 137"});
  EXPECT_EQ(outcome.out.find(".mote-"), std::string::npos) << outcome.out;
}

TEST_F(Ends, TrainingThatFailsKeepsTheLastGoodWeights) {
  // Every third row is harmless; the learning rate doubles the weights until the loss is no number.
  write(folder_ / "big.csv", "1e3,0\n-1e3,1\n1e3,1\n-1e3,0\n2e3,1\n-2e3,1\n");
  const std::string diverging =
      "train --model 'input 1; dense 8; dense 1' --data big.csv --targets 2 --optimizer sgd --lr 1e-5 --batch 2 "
      "--epochs 500 --out d.mote ";
  const Outcome best = run_mote(folder_, diverging + "--keep-best --validation-fraction 0.34");
  EXPECT_EQ(best.exit_code, 1) << best.err;
  expect_in(best.err, {"training stopped in epoch", "the weights of epoch", "were written to d.mote", "learning rate"});
  expect_in(best.out, {"kept weights    of epoch", "in d.mote"});
  EXPECT_EQ(run_mote(folder_, "info d.mote").exit_code, 0);
  std::filesystem::remove(folder_ / "d.mote");
  const Outcome last = run_mote(folder_, diverging + "--json");
  EXPECT_EQ(last.exit_code, 1);
  const auto parsed = nlohmann::json::parse(last.out, nullptr, false);
  ASSERT_FALSE(parsed.is_discarded()) << last.out;
  EXPECT_EQ(parsed["error"]["exit_code"], 1);
  EXPECT_EQ(run_mote(folder_, "info d.mote").exit_code, 0);
  EXPECT_EQ(run_mote(folder_, "eval d.mote --data big.csv --targets 2").exit_code, 0);
}

TEST_F(Ends, ProgressIsOptional) {
  const std::string train = std::string("$mote ") + kTrain + "--epochs 2 ";
  for (const char* stderr_to : {"2>&-", "2>/dev/full", "2> >(head -c 1 >/dev/null)", "2> >(exit 0)"}) {
    const Outcome outcome =
        script(train + "--out s.mote >out " + stderr_to + "; echo code $?; cmp m.mote s.mote && grep -c model out");
    expect_in(outcome.out, {"code 0\n1"});
    const Outcome wrong = script(train + "--out none/s.mote >out " + stderr_to + "; echo code $?");
    expect_in(wrong.out, {"code 2"});
  }
  const std::string longer = std::string("$mote ") + kTrain + "--epochs 20 ";
  const Outcome both = script(longer + "--out s.mote 2>&1 | head -1; echo code ${PIPESTATUS[0]}; " + longer +
                              "--out t.mote >/dev/null 2>&1; cmp s.mote t.mote && echo same");
  expect_in(both.out, {"same"});
  for (const char* death : {"134", "139", "141"})
    EXPECT_EQ(both.out.find(std::string("code ") + death), std::string::npos) << both.out;
  const Outcome closed = script(train + "--out s.mote <&- >&- 2>&-; code=$?; cmp m.mote s.mote && echo code $code");
  expect_in(closed.out, {"code 1"});
}

TEST_F(Ends, AResultThatCannotBeSaidIsAFailure) {
  for (const char* command : {"--help", "--version", "train --help", "info m.mote", "info m.mote --json",
                              "info none.mote --json", "eval m.mote --data t.csv", ""})
    for (const char* to : {">/dev/full", ">&-"}) {
      const Outcome outcome = script(std::string("$mote ") + command + " " + to + "; echo code $? >&2");
      EXPECT_EQ(outcome.err.find("code 0"), std::string::npos) << command << to << outcome.err;
      expect_in(outcome.err, {"mote: "});
      EXPECT_LT(outcome.err.find("mote: "), outcome.err.find("code ")) << command << to;
    }
  expect_in(script("$mote --help >/dev/full").err, {"standard output", "No space left"});
}

TEST_F(Ends, PipesAreReadOnceAndWhole) {
  std::string rows;
  for (int i = 0; i < 50000; ++i) rows += std::to_string(i % 100) + "," + std::to_string(i % 10) + "\n";
  write(folder_ / "b.csv", rows);
  write_gzip(folder_ / "b.csv.gz", rows);
  ASSERT_EQ(run_mote(folder_, "run m.mote --input b.csv --output y.npy").exit_code, 0);
  const char* const ways[] = {"$mote run m.mote --input <(cat b.csv) --output z.npy",
                              "$mote run m.mote --input <(cat b.csv.gz) --output z.npy",
                              "$mote run m.mote --input /dev/stdin --output z.npy <b.csv",
                              "cat b.csv | $mote run m.mote --input /dev/stdin --output z.npy",
                              "mkfifo f; cat b.csv >f & $mote run m.mote --input f --output z.npy; wait; rm f",
                              "$mote run <(cat m.mote) --input b.csv --output z.npy",
                              "$mote run m.mote --input b.csv --output >(cat >z.npy); sleep 0.5",
                              "$mote run m.mote --input b.csv --output /dev/fd/3 3>z.npy",
                              "mkfifo f; cat f >z.npy & $mote run m.mote --input b.csv --output f; wait; rm f"};
  for (const char* const way : ways) {
    std::filesystem::remove(folder_ / "z.npy");
    const Outcome outcome = script(std::string(way) + " >out; cmp y.npy z.npy && echo same");
    expect_in(outcome.out, {"same"});
    expect_in(outcome.err, {"data: ", ": 50000 rows"});
    EXPECT_EQ(outcome.err.find("mote:"), std::string::npos) << way << outcome.err;
  }
  const Outcome train = script("$mote " + std::string(kNetwork) +
                               "--epochs 2 --data <(cat t.csv) --out p.mote >out && cmp m.mote p.mote && echo same");
  expect_in(train.out, {"same"});
  expect_in(script("$mote info <(cat m.mote)").out, {"file  ", "CRC-32"});
  expect_in(script("$mote info <(echo 'input 2; dense 3')").out, {"dense 3"});
  expect_in(script("$mote eval <(cat m.mote) --data <(cat t.csv)").out, {"60 samples"});
}

}  // namespace
}  // namespace mote::tool
