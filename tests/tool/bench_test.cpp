// SPDX-License-Identifier: Apache-2.0
// mote bench: its numbers belong together, whatever they are. How fast anything is is no test's business. Host only.
#include <csignal>
#include <nlohmann/json.hpp>

#include "temporary.hpp"
#include "tool/commands/inference_clock.hpp"
#include "tool/pictures/plot.hpp"

namespace mote::tool {
namespace {

using namespace test;
using Json = nlohmann::json;

constexpr const char* kNetwork =
    "'input 12x12x2; conv2d 4 3x3 same; relu; depthwise_conv2d 3x3 same; relu6; max_pool 2; flatten; dense 5; softmax'";

class Bench : public ::testing::Test {
 protected:
  Json json(const std::string& arguments, int exit_code = 0) {
    const Outcome outcome = run_mote(folder_, "bench " + arguments + " --json");
    EXPECT_EQ(outcome.exit_code, exit_code) << arguments << "\n" << outcome.out << outcome.err;
    EXPECT_EQ(outcome.err, "");
    const Json parsed = Json::parse(outcome.out, nullptr, false);
    EXPECT_FALSE(parsed.is_discarded()) << outcome.out;
    return parsed;
  }
  TemporaryFolder folder_;
};

void expect_spread(const Json& s) {
  EXPECT_GE(s["least"].get<double>(), 0.0);
  EXPECT_LE(s["least"], s["quartiles"][0]);
  EXPECT_LE(s["quartiles"][0], s["median"]);
  EXPECT_LE(s["median"], s["quartiles"][1]);
  EXPECT_LE(s["quartiles"][1], s["most"]);
  EXPECT_LE(s["least"], s["mean"]);
  EXPECT_LE(s["mean"], s["most"]);
}

/// What holds of any model.
void expect_sums(const Json& report) {
  double shares = 0.0, of_operators = 0.0, time = 0.0;
  std::uint64_t adds = 0, layers = 0;
  expect_spread(report["microseconds"]);
  for (const Json& layer : report["layers"]) {
    adds += layer["multiply_adds"].get<std::uint64_t>();
    shares += layer["share"].get<double>();
    if (layer["microseconds"].is_null()) {
      EXPECT_EQ(layer["steps"], 0);
      EXPECT_EQ(layer["share"], 0.0);
      continue;
    }
    EXPECT_GT(layer["steps"], 0);
    expect_spread(layer["microseconds"]);
    time += layer["microseconds"]["median"].get<double>();
    ++layers;
    if (layer["gops"].is_null()) continue;
    const double took = layer["microseconds"]["median"].get<double>(), work = layer["multiply_adds"].get<double>();
    EXPECT_NEAR(layer["gops"].get<double>() * took * 1e3, took > 0.0 ? 2.0 * work : 0.0, 1e-6 * work);
  }
  EXPECT_NEAR(shares, 1.0, 1e-9);
  EXPECT_EQ(report["multiply_adds"], adds);
  double before = time;
  for (const Json& row : report["operators"]) {
    of_operators += row["share"].get<double>();
    layers -= row["layers"].get<std::uint64_t>();
    EXPECT_LE(row["microseconds"].get<double>(), before);
    before = row["microseconds"].get<double>();
  }
  EXPECT_NEAR(of_operators, 1.0, 1e-9);
  EXPECT_EQ(layers, 0U);
}

TEST_F(Bench, NumbersBelongTogether) {
  const Json report = json(std::string(kNetwork) + " --runs 25 --warmup 3");
  expect_sums(report);
  EXPECT_EQ(report["command"], "bench");
  EXPECT_EQ(report["runs"], 25);
  EXPECT_EQ(report["warmup_runs"], 3);
  EXPECT_EQ(report["batch"], 1);
  EXPECT_EQ(report["threads"], 1);
  EXPECT_EQ(report["multiply_adds"], 144 * (4 * 18 + 4 * 9) + 144 * 5);
  EXPECT_GT(report["arena_bytes"], 0);
  EXPECT_EQ(report["parameter_bytes"].get<double>(), json(std::string(kNetwork) + " --runs 1")["parameter_bytes"]);
  const Json& layers = report["layers"];
  ASSERT_EQ(layers.size(), 9U);
  EXPECT_EQ(layers[1]["op"], "conv2d");
  EXPECT_EQ(layers[2]["in_layer"], 1) << "the convolution's kernel clamps";
  EXPECT_TRUE(layers[2]["microseconds"].is_null());
  EXPECT_EQ(layers[4]["in_layer"], 3);
  EXPECT_TRUE(layers[1]["in_layer"].is_null());
  EXPECT_TRUE(layers[8]["gops"].is_null()) << "softmax multiplies nothing";
  ASSERT_EQ(report["ceiling_gops"].size(), 1U);
  const double ceiling = report["ceiling_gops"]["float32"];
  EXPECT_GT(ceiling, 0.0);
  for (const int i : {1, 3, 7})
    EXPECT_NEAR(layers[i]["share_of_ceiling"].get<double>() * ceiling, layers[i]["gops"].get<double>(), 1e-6 * ceiling);
  EXPECT_NEAR(report["share_of_ceiling"].get<double>() * ceiling, report["gops"].get<double>(), 1e-6 * ceiling);
}

TEST_F(Bench, BatchesAndThreads) {
  const Json one = json(std::string(kNetwork) + " --runs 10 --warmup 0");
  const Json report = json(std::string(kNetwork) + " --runs 10 --warmup 0 --batch 4 --threads 2");
  expect_sums(report);
  EXPECT_EQ(report["batch"], 4);
  EXPECT_EQ(report["threads"], 2);
  EXPECT_EQ(report["warmup_runs"], 0);
  EXPECT_EQ(report["multiply_adds"], 4 * one["multiply_adds"].get<std::uint64_t>());
  EXPECT_GT(report["arena_bytes"], one["arena_bytes"]);
}

TEST_F(Bench, MeasuresForSomeTimeAndTenRunsAtLeast) {
  EXPECT_GE(json("'input 4; dense 2' --seconds 0.000001 --warmup 0")["runs"], 10);
  const Json report = json("'input 4; dense 2' --seconds 0.2 --warmup 0");
  EXPECT_GE(report["seconds"], 0.2);
  EXPECT_GT(report["runs"], 10);
  EXPECT_GT(json("'input 4; dense 2' --runs 1")["warmup_runs"], 1);
}

TEST_F(Bench, EveryInstructionSet) {
  const Json cpu = Json::parse(run_mote(folder_, "info --cpu --json").out);
  for (const Json& isa : cpu["runnable"]) {
    const Json report = json(std::string(kNetwork) + " --runs 10 --isa " + isa.get<std::string>());
    EXPECT_EQ(report["isa"], isa);
    EXPECT_GT(report["ceiling_gops"]["float32"], 0.0);
  }
}

TEST_F(Bench, ModelsWithoutMultiplyAdds) {
  const Json report = json("'input 8; tanh; softmax' --runs 10");
  expect_sums(report);
  EXPECT_EQ(report["multiply_adds"], 0);
  EXPECT_TRUE(report["ceiling_gops"].empty());
  EXPECT_TRUE(report["share_of_ceiling"].is_null());
}

TEST_F(Bench, TextAndPicture) {
  const std::string svg = can_plot() ? " --svg layers.svg" : "";
  const Outcome outcome = run_mote(folder_, std::string("bench ") + kNetwork + " --runs 20 --batch 2" + svg);
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(outcome.err, "");
  expect_in(outcome.out,
            {"2 samples a run", "the median of 20 runs", "1 thread\n", "samples a second", "GOP/s", "of the ceiling",
             "float32", "conv2d 4 3x3 same", "in layer 1", "all layers", "100.0 %", "operator", "depthwise_conv2d"});
  if (!svg.empty())
    expect_in(read(folder_ / "layers.svg"), {"<svg", "microseconds", "7 dense 5", "at the ceiling", "</svg>"});
}

TEST_F(Bench, CtrlCShowsWhatThereIs) {
  const Outcome outcome = run_script(folder_,
                                     "$mote bench 'input 4; dense 2' --seconds 3600 --warmup 0 --json > out & sleep 2; "
                                     "kill -INT $!; wait $!; echo code $?");
  expect_in(outcome.out, {"code 130"});
  const Json report = Json::parse(read(folder_ / "out"), nullptr, false);
  ASSERT_TRUE(report.is_object() && report.contains("error"));
  EXPECT_EQ(report["error"]["kind"], "interrupted");
  EXPECT_GT(report["runs"], 0);
}

TEST(RunTimes, KeepsRunsEvenlyWhereNotAllFit) {
  for (const std::size_t most : {1U, 2U, 7U, 8U}) {
    RunTimes times(2, most);
    for (int run = 0; run < 1000; ++run)
      times.add(static_cast<float>(run), {static_cast<float>(run) + 0.25F, static_cast<float>(run) + 0.5F});
    EXPECT_EQ(times.runs(), 1000U);
    const std::vector<float>& whole = times.whole();
    ASSERT_LE(whole.size(), most);
    ASSERT_GE(2 * whole.size(), most);
    ASSERT_EQ(times.steps().size(), 2 * whole.size());
    for (std::size_t i = 0; i < whole.size(); ++i) {
      EXPECT_EQ(whole[i], i == 0 ? 0.0F : static_cast<float>(i) * whole[1]);
      EXPECT_EQ(times.steps()[2 * i], whole[i] + 0.25F);
      EXPECT_EQ(times.steps()[2 * i + 1], whole[i] + 0.5F);
    }
    if (most == 8) {
      EXPECT_EQ(whole[1], 128.0F);
    }
  }
}

TEST(Spreads, OfTimes) {
  const Spread one = spread_of({3.0F});
  EXPECT_EQ(one.least, 3.0);
  EXPECT_EQ(one.lower, 3.0);
  EXPECT_EQ(one.median, 3.0);
  EXPECT_EQ(one.most, 3.0);
  EXPECT_EQ(one.mean, 3.0);
  const Spread five = spread_of({5.0F, 1.0F, 4.0F, 2.0F, 8.0F});
  EXPECT_EQ(five.least, 1.0);
  EXPECT_EQ(five.lower, 2.0);
  EXPECT_EQ(five.median, 4.0);
  EXPECT_EQ(five.upper, 5.0);
  EXPECT_EQ(five.most, 8.0);
  EXPECT_EQ(five.mean, 4.0);
  EXPECT_EQ(spread_of({1.0F, 2.0F}).median, 1.5);
}

}  // namespace
}  // namespace mote::tool
