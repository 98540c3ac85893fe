// SPDX-License-Identifier: Apache-2.0
// The text form of networks: the same records as the builders, back to text and again, and errors at the word. Host
// only.
#include "tool/models/model_text.hpp"
#include "mote/model/builders.hpp"
#include "temporary.hpp"
#include "tool/models/model_source.hpp"
#include "unit/random_graph.hpp"

namespace mote::tool {
namespace {

using namespace tool::test;

/// Records as bytes, without the parameters' place in the block, which depends on the alignment.
std::vector<std::string> records(std::span<const Layer> layers) {
  std::vector<std::string> out;
  for (Layer layer : layers) {
    layer.param_offset = 0;
    out.emplace_back(reinterpret_cast<const char*>(&layer), sizeof layer);
  }
  return out;
}
std::string complaint(const std::string& text) {
  return error_of([&] { parse_model_text(text, "net.txt"); });
}

TEST(ModelText, MeansWhatTheBuildersMean) {
  static constexpr auto kNet = sequential(
      input(28, 28, 1), conv2d(8, {.filter = {3, 3}, .padding = Padding::same}), batch_norm({.momentum = 0.01F}),
      relu().as("skip"),
      conv2d(
          8,
          {.filter = {5, 3}, .dilation = {2, 1}, .padding = Padding::explicit_, .pads = {4, 4, 1, 1}, .bias = false}),
      add("skip"), max_pool({.filter = {3, 3}, .stride = {2, 2}, .padding = Padding::same}),
      depthwise_conv2d(2, {.stride = {2, 1}, .trainable = false}), average_pool({.filter = {2, 3}}), leaky_relu(0.2F),
      flatten(), dropout(0.5F), rbf(20), spline(9, {.trainable = false}), spline(16),
      dense(10, {.bias = false, .trainable = false}), softmax());
  const OwnedModel model = parse_model_text(R"(
    # a comment, and blank lines

    input 28x28x1
    conv2d 8 3x3 same ; batch_norm momentum 0.01, relu as skip
    conv2d 8 5x3 pad 4x1 dilation 2x1 no_bias   # options in any order
    add skip; max_pool 3 same stride 2
    depthwise_conv2d 2 frozen stride 2x1
    average_pool 2x3; leaky_relu 0.2; flatten; dropout 0.5; rbf 20; spline 9 frozen; spline 16
    dense 10 frozen no_bias
    softmax)",
                                            "net.txt");
  EXPECT_EQ(records(model.layers), records(kNet.layers));
  EXPECT_EQ(model.params.size(), kNet.param_bytes);
}

TEST(ModelText, ReadsSequencesAndGraphs) {
  static constexpr auto kNet =
      sequential(input(100, 3), conv1d(8, 5, {.stride = {1, 2}, .padding = Padding::same}), relu().as("a"),
                 conv1d(8, 1).reads("a").as("b"), tanh().reads("a"), concat("b", "a"), global_average_pool(), dense(2));
  const OwnedModel model = parse_model_text(
      "input 100x3; conv1d 8 5 same stride 2; relu as a; conv1d 8 1 from a as b; tanh from a; concat b a; "
      "global_average_pool; dense 2",
      "net");
  EXPECT_EQ(records(model.layers), records(kNet.layers));
  const OwnedModel joined =
      parse_model_text("input 4; dense 4 as a; relu as b; tanh as c; add a from b as d; add c from d", "net");
  EXPECT_EQ(joined.layers[4].inputs[0], 2);
  EXPECT_EQ(joined.layers[4].inputs[1], 1);
  EXPECT_EQ(joined.layers[5].inputs[0], 4);
}

TEST(ModelText, RandomNetworksComeBack) {
  for (std::uint32_t seed = 0; seed < 400; ++seed) {
    const mote::test::RandomGraph graph = mote::test::random_graph(seed);
    const std::string text = model_text(graph.model());
    const OwnedModel again = parse_model_text(text, "again");
    ASSERT_EQ(records(again.layers), records(graph.model().layers)) << "seed " << seed << "\n" << text;
    EXPECT_EQ(model_text(again.view()), text);
  }
}

TEST(ModelText, IsRefusedWhereItWouldSaySomethingElse) {
  const auto refuses = [](const auto& net, const char* layer) {
    EXPECT_FALSE(model_text_if_any(net.model()).has_value()) << layer;
    try {
      static_cast<void>(model_text(net.model()));
      ADD_FAILURE() << layer;
    } catch (const Error& error) {
      EXPECT_NE(error.message().find(std::string("no words for layer ") + layer), std::string::npos) << error.message();
    }
  };
  refuses(sequential(input(4, 3, 2), transpose(Shape{4, 3, 2})), "1 (transpose)");
  refuses(sequential(input(4, 3, 2), softmax(1)), "1 (softmax)");
  refuses(sequential(input(6, 2), relu(), conv1d(4, 3), lstm(3)), "3 (lstm)");
  refuses(sequential(input(3).as("x"), input(3), add("x")), "1 (input)");
  refuses(sequential(input(4), clip(-2.0F, 3.0F)), "1 (clip)");
  refuses(sequential(input(4, 4, 1), conv2d_transpose(2)), "1 (conv2d_transpose)");
  EXPECT_EQ(model_text(sequential(input(4), softmax()).model()), "input 4\nsoftmax\n");
}

TEST(ModelText, SaysHowWeightsAreStored) {
  const std::string text =
      "input 6x6x2\nconv2d 3 3x3 int8\nbias_add\nrelu\nconv2d 4 3x3 same no_bias float16\ndepthwise_conv2d 2 3x3 int8 "
      "frozen\nflatten\ndense 5 int8 frozen\nbias_add frozen\ndense 3 int8\n";
  const OwnedModel model = parse_model_text(text, "");
  EXPECT_EQ(model_text(model.view()), text);
  EXPECT_EQ(model.layers[1].param_dtype, DType::s8);
  EXPECT_TRUE(model.layers[1].trainable() && model.layers[2].trainable() && model.layers[9].trainable());
  EXPECT_FALSE(model.layers[4].trainable() || model.layers[5].trainable() || model.layers[7].trainable());
  expect_in(complaint("input 4; batch_norm int8"), {"batch_norm has no \"int8\""});
}

TEST(ModelText, PointsAtTheWord) {
  expect_in(complaint("input 28x28x1\nconv2 8"),
            {"net.txt:2:1", "\"conv2\"", "did you mean \"conv2d\"", "the layers are input, dense"});
  expect_in(complaint("input 28x28x1; conv2d 8 3x3 sane"),
            {"net.txt:1:29", "\"sane\"", "did you mean \"same\"", "conv2d CHANNELS"});
  expect_in(complaint("input 28x28x1; conv2d"), {"net.txt:1:22", "number of channels", "conv2d CHANNELS"});
  expect_in(complaint("input 28x28x1; conv2d eight"),
            {"net.txt:1:23", "\"eight\"", "the number of channels is a whole number"});
  expect_in(complaint("input 28x28x1; conv2d 8 3x3x3"), {"net.txt:1:25", "\"3x3x3\"", "filter size"});
  expect_in(complaint("input 4; dense 0"), {"net.txt:1:16", "\"0\""});
  expect_in(complaint("input 4; dense 99999999999"), {"net.txt:1:16"});
  expect_in(complaint("input 4; dense 3 relu"), {"net.txt:1:18", "starts another layer", "; or a new line"});
  expect_in(complaint("input 4; dense 3 same"), {"net.txt:1:18", "dense has no \"same\"", "dense UNITS"});
  expect_in(complaint("input 4; frozen; dense 3"), {"net.txt:1:10", "an option, not a layer"});
  expect_in(complaint("input 4; dropout"), {"the rate is expected", "dropout RATE"});
  expect_in(complaint("input 4; dropout half"), {"net.txt:1:18", "\"half\""});
  expect_in(complaint("input 4; dense 3 as relu"), {"net.txt:1:21", "word of the language"});
  expect_in(complaint("input 4; dense 3 as 7up"), {"not a name"});
  expect_in(complaint("dense 3"), {"starts with \"dense\"", "input 28x28x1"});
  expect_in(complaint("  # nothing\n"), {"no layers"});
  expect_in(complaint("input 4; leaky_relu nan"), {"net.txt:1:21"});
}

TEST(ModelText, SaysWhyLayersDoNotFit) {
  expect_in(complaint("input 4; input 4"), {"net.txt:1:10", "second input"});
  expect_in(complaint("input 8x8x2\nconv2d 4 9x9"), {"net.txt:2:1", "larger than its padded input", "8x8x2"});
  expect_in(complaint("input 100x3; max_pool 2"), {"larger than its padded input", "1x2"});
  expect_in(complaint("input 8x8x2; conv2d 4 3x3 pad 3"), {"padding is as large as the filter"});
  expect_in(complaint("input 8x8x2 as a; conv2d 4 3x3; add a"),
            {"net.txt:1:33", "do not fit", "6x6x4", "8x8x2 (a)", "one shape"});
  expect_in(complaint("input 4; dense 3 as hidden; add hiden"),
            {"net.txt:1:33", "no earlier layer is called \"hiden\"", "did you mean \"hidden\""});
  expect_in(complaint("input 4; dense 3; add skip"), {"name a layer with \"as\""});
  expect_in(complaint("input 4; dense 3 as a; dense 3 as a"), {"net.txt:1:35", "two layers"});
  expect_in(complaint("input 4 as x; dense 3; dense 2 from x"),
            {"net.txt:1:15", "nothing reads the output of \"dense 3\""});
  expect_in(complaint("input 4; dropout 1.5"), {"out of its range"});
  expect_in(complaint("input 12; reshape 2x5x1"), {"as many elements", "12"});
}

TEST(ModelText, RepeatsLayers) {
  const auto layers = [](const char* text) { return records(parse_model_text(text, "net.txt").layers); };
  EXPECT_EQ(layers("input 4; repeat 3 { dense 5; relu }; dense 2"),
            layers("input 4; dense 5; relu; dense 5; relu; dense 5; relu; dense 2"));
  EXPECT_EQ(layers("input 4\nrepeat 2\n{\n  identity as x # in\n  dense 4\n  add x\n}\ndense 2"),
            layers("input 4; identity as a; dense 4; add a; identity as b; dense 4; add b; dense 2"));
  EXPECT_EQ(layers("input 4 as first; repeat 2 {identity as x; repeat 2 {identity as y; dense 4; add x y}; add first}"),
            layers("input 4 as first; identity as x1; identity as y1; dense 4; add x1 y1; identity as y2; dense 4;"
                   "add x1 y2; add first; identity as x2; identity as y3; dense 4; add x2 y3; identity as y4; dense 4;"
                   "add x2 y4; add first"));
  EXPECT_EQ(parse_model_text("input 8; dense 32; repeat 98 { identity as x; dense 32; tanh; add x }; dense 3", "net")
                .layers.size(),
            395U);
}

TEST(ModelText, SaysWhatIsWrongWithARepetition) {
  const char* const form = "write for example repeat 3 { dense 8; relu }";
  expect_in(complaint("input 4; repeat { relu }"), {"net.txt:1:10", "how often", form});
  expect_in(complaint("input 4; repeat 0 { relu }"), {"net.txt:1:17", "at least 1"});
  expect_in(complaint("input 4; repeat 2 relu"), {"how often", form});
  expect_in(complaint("input 4; repeat 2; relu"), {"net.txt:1:10", "has no {"});
  expect_in(complaint("input 4; repeat 2 { }"), {"net.txt:1:19", "of nothing"});
  expect_in(complaint("input 4; repeat 2 { relu"), {"net.txt:1:19", "no }"});
  expect_in(complaint("input 4; relu }"), {"net.txt:1:15", "without its {"});
  expect_in(complaint("input 4; relu {"), {"net.txt:1:15", "opens a repetition only"});
  expect_in(complaint("input 4; relu repeat 2 { relu }"), {"net.txt:1:15", "put ; or a new line"});
  expect_in(complaint("input 4; repeat 99999999999999999999 { relu }"), {"more than 4096"});
  expect_in(complaint("input 4; repeat 3000 { relu; tanh }"), {"3000 times 2 layers", "repeat less often"});
  expect_in(complaint("input 4; repeat 2 { dense 4 as a; relu; add a }; add a"),
            {"net.txt:1:54", "\"a\" outside of its repetition"});
  expect_in(complaint("input 4; repeat 2 { dense 4 as a; relu as a; add a }"), {"two layers are called \"a\""});
  expect_in(complaint("input 4; dense 4 as repeat"), {"word of the language"});
}

TEST(ModelText, SurvivesGarbage) {
  const std::vector<std::string> words{"input",    "dense",  "conv2d",     "8",       "3x3",     "same",    "pad",
                                       "stride",   "as",     "a",          "from",    "repeat",  "{",       "}",
                                       "add",      "concat", ";",          ",",       "\n",      "1x2x3x4", "#",
                                       "relu",     "0.5",    "-1",         "99999",   "x",       "\xFF",    "flatten",
                                       "max_pool", "frozen", "batch_norm", "epsilon", "reshape", "4"};
  std::uint32_t state = 99;
  std::size_t accepted = 0;
  for (int round = 0; round < 20000; ++round) {
    std::string text = round % 2 == 0 ? "input 4x4x2;" : "";
    for (std::uint32_t n = (state = state * 1664525U + 1013904223U) >> 28; n > 0; --n)
      text += words[((state = state * 1664525U + 1013904223U) >> 12) % words.size()] + " ";
    try {
      const OwnedModel model = parse_model_text(text, "g");
      ++accepted;
      EXPECT_TRUE(
          validate({model.layers, nullptr, static_cast<std::uint32_t>(model.params.size()), model.alignment}).ok());
    } catch (const Error& error) {
      EXPECT_TRUE(error.message().starts_with("g")) << error.message();
    }
  }
  EXPECT_GT(accepted, 20U);
}

TEST(ModelSource, TellsFilesFromText) {
  const TemporaryFolder folder;
  write(folder / "net.txt", "input 4; dense 2");
  EXPECT_FALSE(model_from_argument(folder / "net.txt").has_params);
  EXPECT_EQ(model_from_argument("input 4; dense 2").model.layers.size(), 2U);
  expect_in(error_of([&] { model_from_argument("nett.txt"); }), {"nett.txt", "no such file"});
  expect_in(error_of([&] { model_from_argument("input 4; dens 2"); }), {"--model:1:10", "dens"});
  OwnedModel model = parse_model_text("input 4; dense 2", "net");
  AtomicFile file(folder / "net.mote", FileKind::model);
  const std::size_t bytes = save_model(model, file);
  EXPECT_EQ(std::filesystem::file_size(folder / "net.mote"), bytes);
  EXPECT_TRUE(model_from_argument(folder / "net.mote").has_params);
  EXPECT_EQ(records(load_model(folder / "net.mote").layers), records(model.layers));
}

TEST(ModelSource, SurvivesDamage) {
  const TemporaryFolder folder;
  const OwnedModel model = parse_model_text("input 4; dense 2; relu; dense 3", "net");
  AtomicFile file(folder / "net.mote", FileKind::model);
  save_model(model, file);
  const std::string path = folder / "x.mote";
  read_damaged(read(folder / "net.mote"), path, [&] { load_model(path); });
}

}  // namespace
}  // namespace mote::tool
