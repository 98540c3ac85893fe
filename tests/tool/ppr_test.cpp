// SPDX-License-Identifier: Apache-2.0
// mote ppr on R's rock data: the fit, its model under every other command, pictures, mistakes. Host only.
#include <filesystem>
#include <nlohmann/json.hpp>

#include "temporary.hpp"
#include "tool/pictures/plot.hpp"

namespace mote::tool {
namespace {

using namespace test;
using Json = nlohmann::json;

class Ppr : public ::testing::Test {
 protected:
  void SetUp() override { std::filesystem::copy(MOTE_SOURCE_DIR "/tests/golden/rock.csv", folder_ / "rock.csv"); }

  Outcome mote(const std::string& arguments) { return run_mote(folder_, arguments); }
  Json json(const std::string& arguments) {
    const Outcome outcome = mote(arguments + " --json");
    EXPECT_EQ(outcome.exit_code, 0) << arguments << "\n" << outcome.out << outcome.err;
    EXPECT_EQ(outcome.err, "");
    return Json::parse(outcome.out, nullptr, false);
  }
  void expect_mistake(const std::string& arguments, int exit_code, std::initializer_list<const char*> parts) {
    const Outcome outcome = mote("ppr " + arguments);
    EXPECT_EQ(outcome.exit_code, exit_code) << arguments << "\n" << outcome.err;
    expect_in(outcome.err, parts);
    EXPECT_FALSE(std::filesystem::exists(folder_ / "bad.mote")) << arguments;
  }
  TemporaryFolder folder_;
};

TEST_F(Ppr, FitsAndTheModelIsOneLikeOthers) {
  const Json fit = json("ppr --data rock.csv --terms 2 --test rock.csv --out rock.mote");
  EXPECT_EQ(fit["terms"], 2);
  EXPECT_EQ(fit["network"], "input 3\ndense 2 no_bias\nspline 24\ndense 1\n");
  const double residual = fit["residual_sum_of_squares"].get<double>();
  EXPECT_LT(residual, 16.0);
  EXPECT_NEAR(fit["total_sum_of_squares"].get<double>(), 126.93, 0.01);
  EXPECT_NEAR(fit["test"]["residual_sum_of_squares"].get<double>(), residual, 1e-6 * residual);
  EXPECT_GE(fit["directions"][0]["deviation"], fit["directions"][1]["deviation"]);
  const Json eval = json("eval rock.mote --data rock.csv --targets log_perm --loss squared_error");
  EXPECT_NEAR(eval["loss"].get<double>() * 48.0, residual, 1e-4 * residual);
  const Json more = json(
      "train --model rock.mote --data rock.csv --targets log_perm --epochs 20 --batch 48 --lr 1e-4 "
      "--loss squared_error --out further.mote");
  EXPECT_LE(more["epochs"].back()["train_loss"].get<double>() * 48.0, residual * 1.001);
  EXPECT_EQ(mote("info rock.mote").exit_code, 0);
  EXPECT_EQ(mote("plan rock.mote").exit_code, 0);
  EXPECT_EQ(mote("params rock.mote --out p").exit_code, 0);
  EXPECT_TRUE(std::filesystem::exists(folder_ / "p/02_spline_knots.npy"));
}

TEST_F(Ppr, ChoosesTheNumberOfTerms) {
  const Json fit = json("ppr --data rock.csv --terms 4 --df 3 --starts 2 --cross-validate 4 --out chosen.mote");
  const std::size_t terms = fit["terms"].get<std::size_t>();
  ASSERT_EQ(fit["cross_validation"].size(), 4U);
  for (const double error : fit["cross_validation"]) EXPECT_LE(fit["cross_validation"][terms - 1].get<double>(), error);
  EXPECT_NE(fit["network"].get<std::string>().find("dense " + std::to_string(terms) + " no_bias"), std::string::npos);
  EXPECT_EQ(fit["directions"].size(), terms);
  const Json eval = json("eval chosen.mote --data rock.csv --targets last --loss squared_error");
  EXPECT_NEAR(eval["loss"].get<double>() * 48.0, fit["residual_sum_of_squares"].get<double>(), 1e-2);
}

TEST_F(Ppr, TellsAndDraws) {
  const Outcome outcome = mote(
      "ppr --data rock.csv --targets log_perm,shape --terms 2 --max-terms 3 --smoother supersmoother --plots pictures");
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  expect_in(outcome.out, {"terms           2", "% explained", "term 1", "area", "not kept"});
  expect_in(outcome.err, {"3 terms  residual sum of squares"});
  if (!can_plot()) GTEST_SKIP() << kNoGnuplot;
  expect_in(read(folder_ / "pictures/ridge-functions.svg"),
            {"<svg", "term 1", "term 2", "peri", "part of the outputs"});
  EXPECT_EQ(mote("ppr --data rock.csv --terms 1 --plots pictures").exit_code, 0);
  expect_in(read(folder_ / "pictures/ridge-functions.svg"), {"part of log_perm"});
}

TEST_F(Ppr, SaysWhatIsWrong) {
  write(folder_ / "constant.csv", "a,b,y\n1,7,1\n2,7,2\n3,7,1\n4,7,5\n5,7,2\n6,7,3\n");
  write(folder_ / "short.csv", "1,2\n2,3\n3,1\n");
  write(folder_ / "flat.csv", "1,2\n2,2\n3,2\n4,2\n5,2\n6,2\n");
  const std::string out = " --out bad.mote";
  expect_mistake("--data constant.csv" + out, 1, {"constant.csv", "\"b\"", "same value", "leave it out"});
  expect_mistake("--data short.csv" + out, 1, {"short.csv", "3 samples", "needs 5", "fewer terms"});
  expect_mistake("--data flat.csv --terms 1" + out, 1, {"flat.csv", "direction of the term (1) explains", "all equal"});
  expect_mistake("--data rock.csv --df 1" + out, 2, {"--df wants a number from 2"});
  expect_mistake("--data rock.csv --terms 3 --max-terms 2" + out, 2, {"--max-terms 2", "--terms 3"});
  expect_mistake("--data rock.csv --cross-validate 60" + out, 1, {"48 samples", "needs 60"});
  expect_mistake("--data rock.csv --terms 0" + out, 2, {"--terms wants"});
  expect_mistake("--data rock.csv --knots 1" + out, 2, {"--knots"});
  expect_mistake("--data rock.csv --smoother splin" + out, 2, {"\"splin\"", "did you mean \"spline\""});
  expect_mistake("--data rock.csv --targets perm" + out, 2, {"\"perm\"", "log_perm"});
  expect_mistake("--data rock.csv --out none/bad.mote", 2, {"none/bad.mote"});
  expect_in(mote("ppr --help").out, {"EXAMPLES", "--cross-validate", "--json"});
}

}  // namespace
}  // namespace mote::tool
