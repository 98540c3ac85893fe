// SPDX-License-Identifier: Apache-2.0
// mote train over the full batch and with gradient norms: report, pictures, and what is refused. Host only.
#include <cmath>
#include <nlohmann/json.hpp>

#include "temporary.hpp"
#include "tool/pictures/plot.hpp"

namespace mote::tool {
namespace {

using namespace test;
using Json = nlohmann::json;

class FullBatch : public ::testing::Test {
 protected:
  /// Two features and a label that a straight line nearly separates.
  void SetUp() override {
    std::string table = "a,b,label\n";
    std::uint32_t state = 5;
    const auto random = [&] {
      state = state * 1664525U + 1013904223U;
      return (state >> 8) / 8388608.0 - 1.0;
    };
    for (int i = 0; i < 150; ++i) {
      const double a = random(), b = random();
      table +=
          std::to_string(a) + "," + std::to_string(b) + "," + (a + 0.5 * b + 0.3 * random() > 0.1 ? "1" : "0") + "\n";
    }
    write(folder_ / "data.csv", table);
  }
  Json json(const std::string& options) {
    const Outcome outcome = run_mote(folder_, "train --model \"input 2; dense 1\" --data data.csv --json " + options);
    EXPECT_EQ(outcome.exit_code, 0) << options << "\n" << outcome.err;
    return Json::parse(outcome.out, nullptr, false);
  }
  std::string refusal(const std::string& options) {
    const Outcome outcome = run_mote(folder_, "train --model \"input 2; dense 1\" --data data.csv " + options);
    EXPECT_NE(outcome.exit_code, 0) << options;
    return outcome.err;
  }
  TemporaryFolder folder_;
};

TEST_F(FullBatch, EveryRuleFindsOneMinimum) {
  const double minimum = json("--optimizer lbfgs --l2 0.01")["minimum"]["objective"];
  for (const char* rule : {"--optimizer gradient_descent", "--optimizer gradient_descent --line-search exact",
                           "--optimizer lbfgs --history 3 --line-search exact", "--optimizer lbfgs --micro-batch 50"}) {
    const Json report = json(std::string(rule) + " --l2 0.01 --epochs 500");
    EXPECT_EQ(report["minimum"]["stopped"], "gradient_tolerance") << rule;
    EXPECT_LE(report["minimum"]["gradient_norm"].get<double>(), 1e-5) << rule;
    EXPECT_NEAR(report["minimum"]["objective"].get<double>(), minimum, 1e-6) << rule;
    EXPECT_EQ(report["epochs"].size(), report["minimum"]["iterations"].get<std::size_t>()) << rule;
    EXPECT_EQ(report["batch"], 150) << rule;
  }
}

TEST_F(FullBatch, StopsWhereItIsTold) {
  EXPECT_EQ(json("--optimizer lbfgs --epochs 2")["minimum"]["stopped"], "max_iterations");
  EXPECT_EQ(json("--optimizer lbfgs --loss-tolerance 0.1")["minimum"]["stopped"], "loss_tolerance");
  EXPECT_EQ(json("--optimizer lbfgs --gradient-tolerance 0.1")["minimum"]["stopped"], "gradient_tolerance");
  const auto said = [&](const std::string& options) {
    return run_mote(folder_, "train --model \"input 2; dense 1\" --data data.csv --optimizer lbfgs " + options).out;
  };
  expect_in(said("--epochs 2"), {"after 2 iterations", "not yet a minimum; give more --epochs"});
  expect_in(said(""), {"a minimum, by --gradient-tolerance"});
}

TEST_F(FullBatch, RefusesWhatALineSearchCannotUse) {
  expect_in(refusal("--optimizer lbfgs --batch 8"), {"--batch means nothing", "--micro-batch"});
  expect_in(refusal("--optimizer lbfgs --l1 0.1"), {"--l1 means nothing beside --optimizer lbfgs"});
  expect_in(refusal("--optimizer lbfgs --schedule cosine"), {"--schedule means nothing"});
  expect_in(refusal("--optimizer gradient_descent --clip-norm 1"), {"--clip-norm means nothing"});
  expect_in(refusal("--optimizer lbfgs --line-search backtracking"), {"choose strong_wolfe or exact"});
  expect_in(refusal("--optimizer lbfgs --line-search wolf"), {"strong_wolfe"});
  expect_in(refusal("--optimizer lbfgs --history 33"), {"from 1 to 32"});
  expect_in(refusal("--optimizer lbfgs --lr 0.1"), {"--lr means nothing"});
  expect_in(refusal("--optimizer adam --line-search exact"), {"--line-search means nothing"});
  expect_in(refusal("--optimizer lbfgs --gradient-tolerance -1"),
            {"--gradient-tolerance wants a number of at least 0"});
  const Outcome random =
      run_mote(folder_, "train --model \"input 2; dense 4; dropout 0.5; dense 1\" --data data.csv --optimizer lbfgs");
  EXPECT_EQ(random.exit_code, 1);
  expect_in(random.err, {"layer 2 (dropout", "draws at random", "use another optimiser"});
}

TEST_F(FullBatch, ShowsGradientNorms) {
  for (const char* rule : {"--optimizer sgd --epochs 4", "--optimizer lbfgs --epochs 4"}) {
    const Outcome outcome = run_mote(
        folder_, std::string("train --model \"input 2; repeat 3 { dense 4; tanh }; dense 1\" --data data.csv --json "
                             "--gradient-norms --plots p ") +
                     rule);
    ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
    const Json norms = Json::parse(outcome.out)["gradient_norms"];
    ASSERT_EQ(norms["layers"].size(), 4U);
    EXPECT_EQ(norms["layers"][1]["layer"], 3);
    EXPECT_EQ(norms["epochs"].size(), 4U);
    for (const Json& norm : norms["first_update"]) EXPECT_GT(norm.get<double>(), 0.0);
    if (!can_plot()) continue;
    const std::string picture = read(folder_ / "p/gradient-norms.svg");
    expect_in(picture, {"<svg", "Gradient norms", "first update", "trained layer"});
    std::filesystem::remove_all(folder_ / "p");
  }
  const Outcome text = run_mote(folder_,
                                "train --model \"input 2; dense 4; tanh; dense 1\" --data data.csv --epochs 2 "
                                "--gradient-norms");
  expect_in(text.out, {"gradient norms, mean over the updates", "layer 1 (dense 4)", "layer 3 (dense 1)", "epoch 2"});
}

}  // namespace
}  // namespace mote::tool
