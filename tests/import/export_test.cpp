// SPDX-License-Identifier: Apache-2.0
// What was exported and is imported again computes the same: random networks over all operators, layers on integers,
// public models. Host only.
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <map>
#include <set>
#include <type_traits>

#include "import/operator_networks.hpp"
#include "import/zoo.hpp"
#include "mote/model/float16.hpp"
#include "mote/run/session.hpp"
#include "tool/commands/compare.hpp"
#include "tool/export/export.hpp"
#include "tool/import/import.hpp"
#include "tool/import/lower.hpp"
#include "tool/models/memory_plan.hpp"
#include "tool/temporary.hpp"
#include "unit/random_graph.hpp"

namespace mote::test {
namespace {

using namespace tool;
using namespace tool::foreign;
using tool::test::TemporaryFolder;

constexpr ExportFormat kFormats[] = {ExportFormat::onnx, ExportFormat::tflite};

using Numbers = std::vector<double>;

/// A run on inputs out of a fixed series: integers in their own steps.
struct OneRun {
  std::vector<Numbers> inputs, outputs;
};
OneRun run_of(const OwnedModel& model, std::uint32_t seed, std::uint32_t batch = 1,
              const std::vector<Numbers>* given = nullptr) {
  const Model view = model.view();
  const PlanOptions options{.batch = batch, .alignment = 64};
  AlignedBytes arena(plan_of(model, options).arena_bytes());
  Result<Session> session = Session::create(view, arena.span(), options);
  EXPECT_TRUE(session.ok()) << describe(session.status());
  OneRun out;
  if (!session.ok()) return out;
  Random random(seed);
  const auto fill = [&](auto to, auto next) {
    Numbers& kept = out.inputs.emplace_back();
    for (auto& value : to) {
      const auto at = kept.size();
      const auto own = static_cast<double>(next());
      value = static_cast<std::remove_reference_t<decltype(value)>>(
          given == nullptr ? own : given->at(out.inputs.size() - 1).at(at));
      kept.push_back(static_cast<double>(value));
    }
  };
  for (std::size_t i = 0; i < view.input_count(); ++i) {
    const auto byte = [&] { return static_cast<std::int32_t>(random.bits()) >> 24; };
    switch (view.layers[view.input_layer(i)].dtype) {
      case DType::s8: fill(session->input<std::int8_t>(i), byte); break;
      case DType::u8: fill(session->input<std::uint8_t>(i), byte); break;
      case DType::boolean: fill(session->input<std::uint8_t>(i), [&] { return random.below(2); }); break;
      case DType::s16: fill(session->input<std::int16_t>(i), [&] { return byte() * 64; }); break;
      case DType::s32: fill(session->input<std::int32_t>(i), [&] { return random.below(3); }); break;
      default: fill(session->input<float>(i), [&] { return random.real(); });
    }
  }
  session->run();
  for (std::size_t i = 0; i < view.output_count(); ++i) {
    const auto take = [&](auto from) { out.outputs.emplace_back(from.begin(), from.end()); };
    switch (view.layers[view.output_layer(i)].dtype) {
      case DType::s8: take(session->output<std::int8_t>(i)); break;
      case DType::u8:
      case DType::boolean: take(session->output<std::uint8_t>(i)); break;
      case DType::s16: take(session->output<std::int16_t>(i)); break;
      case DType::s32: take(session->output<std::int32_t>(i)); break;
      default: take(session->output<float>(i));
    }
  }
  return out;
}
std::vector<Numbers> run(const OwnedModel& model, const std::vector<Numbers>& inputs) {
  return run_of(model, 0, 1, &inputs).outputs;
}

bool on_integers(const OwnedModel& model) {
  return std::ranges::any_of(model.layers, [](const Layer& l) { return quantized(l.dtype); });
}

/// The file imported again.
OwnedModel again(const TemporaryFolder& folder, const Exported& made, ExportFormat format) {
  const std::string path = folder / (format == ExportFormat::onnx ? "m.onnx" : "m.tflite");
  tool::test::write(path, made.bytes);
  return import_model(path).model;
}

/// `step`: what integers may be off by; floats may be off by `part` of the largest output.
void expect_same(const std::vector<std::vector<double>>& a, const std::vector<std::vector<double>>& b, double part,
                 double step = 0.0) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    ASSERT_EQ(a[i].size(), b[i].size()) << "output " << i;
    double largest = 1e-3;
    for (const double value : a[i])
      if (std::isfinite(value)) largest = std::max(largest, std::abs(value));
    for (std::size_t k = 0; k < a[i].size(); ++k) {
      if (std::isnan(a[i][k]) && std::isnan(b[i][k])) continue;
      if (a[i][k] == b[i][k]) continue;
      ASSERT_LE(std::abs(a[i][k] - b[i][k]), part * largest + step) << "output " << i << ", element " << k;
    }
  }
}

OwnedModel owned(const RandomGraph& graph, std::uint32_t seed) {
  OwnedModel out;
  out.layers.assign(graph.layers.begin(), graph.layers.begin() + static_cast<std::ptrdiff_t>(graph.count));
  out.alignment = graph.alignment;
  out.params = AlignedBytes(graph.param_bytes);
  fill_params(out, seed);
  return out;
}

TEST(Export, EveryOperatorComputesTheSame) {
  const TemporaryFolder folder;
  std::set<std::string> refused;
  std::set<Op> seen;
  for (const auto& [title, specs] : operator_networks()) {
    SCOPED_TRACE(title);
    const OwnedModel model = network_of(specs);
    ASSERT_FALSE(model.layers.empty());
    const OneRun expected = run_of(model, 5);
    for (const ExportFormat format : kFormats) {
      const char* to = format == ExportFormat::onnx ? " to onnx" : " to tflite";
      SCOPED_TRACE(to);
      Exported made;
      try {
        made = export_model(model, format);
      } catch (const Error&) {
        refused.insert(title + to);
        continue;
      }
      for (const Layer& layer : model.layers) seen.insert(layer.op);
      try {
        expect_same(expected.outputs, run(again(folder, made, format), expected.inputs), 1e-6);
      } catch (const Error& error) {
        ADD_FAILURE() << error.what();
      }
    }
  }
  // What the formats have no operators for.
  const std::set<std::string> none = {"resize_bilinear4 to onnx",
                                      "resize_bilinear4 to tflite",
                                      "resize_bilinear_behind_conv4 to onnx",
                                      "resize_bilinear_behind_conv4 to tflite",
                                      "pad2 to onnx",
                                      "pad_behind_conv2 to onnx",
                                      "average_pool_pads to tflite",
                                      "pad3 to tflite",
                                      "pad_behind_conv3 to tflite"};
  EXPECT_EQ(refused, none);
  std::printf("%zu operators\n", seen.size());
  EXPECT_GE(seen.size(), 75U);
}

TEST(Export, RandomNetworksComputeTheSame) {
  const TemporaryFolder folder;
  constexpr std::uint32_t kGraphs = 300;
  std::map<std::string, int> refused;
  std::map<ExportFormat, int> compared;
  std::set<Op> seen;
  for (std::uint32_t seed = 0; seed < kGraphs; ++seed) {
    const OwnedModel model = owned(random_graph(seed), seed);
    const OneRun expected = run_of(model, seed);
    for (const ExportFormat format : kFormats) {
      SCOPED_TRACE(testing::Message() << "graph " << seed << (format == ExportFormat::onnx ? " onnx" : " tflite"));
      Exported made;
      try {
        made = export_model(model, format);
      } catch (const Error& error) {
        ++refused[error.what()];
        continue;
      }
      OwnedModel imported;
      try {
        imported = again(folder, made, format);
      } catch (const Error& error) {
        ADD_FAILURE() << error.what();
        continue;
      }
      // Some hundred layers in a row, each rounding: the sharpest of them are norms of values near zero.
      expect_same(expected.outputs, run(imported, expected.inputs), 2e-5);
      ++compared[format];
      for (const Layer& layer : model.layers) seen.insert(layer.op);
    }
  }
  std::printf("%d networks to ONNX, %d to TFLite, %zu operators, %zu refusals\n", compared[ExportFormat::onnx],
              compared[ExportFormat::tflite], seen.size(), refused.size());
  for (const auto& [why, count] : refused) std::printf("  %d: %.200s\n", count, why.c_str());
  EXPECT_GE(compared[ExportFormat::onnx], 200);
  EXPECT_GE(compared[ExportFormat::tflite], 200);
}

/// A network of layers on int8, as an importer makes it.
class IntegerNetwork {
 public:
  Maker make;

  Scaling units(float scale, std::int64_t zero) { return {{scale}, {zero}, 0}; }
  Value input(const Dims& dims, const char* name = "x") { return make.input(name, Type::s8, dims, units(0.05F, 3)); }
  Value scaled(Value v, float scale, std::int64_t zero) {
    make.step(v).type = Type::s8;
    make.step(v).scaling = units(scale, zero);
    return v;
  }
  Literal weights(const Dims& dims, std::int64_t outputs) {
    Literal out(Type::s8, dims);
    for (std::int64_t i = 0; i < out.count(); ++i) out.set(i, static_cast<std::int64_t>(random_.below(255)) - 127);
    for (std::int64_t o = 0; o < outputs; ++o) {
      out.scaling.scales.push_back(0.002F + 0.004F * std::abs(random_.real()));
      out.scaling.zero_points.push_back(0);
    }
    return out;
  }
  Literal bias(std::int64_t outputs) {
    Literal out(Type::s32, {outputs});
    for (std::int64_t i = 0; i < outputs; ++i) out.set(i, static_cast<std::int64_t>(random_.below(4001)) - 2000);
    return out;
  }
  OwnedModel model(const Value& v) {
    make.network.outputs.push_back({make.laid_out(v), "y", make.dims(v), make.type(v)});
    std::vector<NotLowered> refused;
    OwnedModel out = lower(make.network, refused);
    for (const NotLowered& one : refused) ADD_FAILURE() << make.network.steps[one.step].op << ": " << one.why;
    return out;
  }

 private:
  Random random_{7};
};

OwnedModel integer_network() {
  IntegerNetwork net;
  Maker& make = net.make;
  Window2d window;
  window.same = true;
  window.sliding = {.filter_h = 3, .filter_w = 3, .stride_h = 2, .stride_w = 2};
  const Literal b8 = net.bias(8);
  Value v =
      net.scaled(convolve(make, net.input({1, 9, 9, 3}), net.weights({3, 3, 3, 8}, 8), &b8, window, 1), 0.03F, -128);
  v = net.scaled(make.unary("relu6", v), 0.03F, -128);
  window.sliding = {.filter_h = 3, .filter_w = 3};
  const Value d = net.scaled(convolve(make, v, net.weights({3, 3, 1, 8}, 8), &b8, window, 8), 0.041F, 5);
  const Value sum = net.scaled(make.binary("add", v, d), 0.05F, -10);
  const Value act = net.scaled(make.unary("sigmoid", sum), 0x1p-8F, -128);
  Window2d valid;
  valid.sliding = {.filter_h = 2, .filter_w = 2, .stride_h = 2, .stride_w = 2};
  const Value product = net.scaled(make.binary("mul", sum, act), 0.02F, 4);
  const Value pooled = pool(make, product, "average_pool", valid, false);
  const Value most = pool(make, pooled, "max_pool", valid, false);
  const Value row = make.reshape(most, {1, 8});
  foreign::Step dense;
  dense.op = "dense", dense.type = Type::s8, dense.dims = {1, 5};
  dense.scaling = net.units(0.1F, -7);
  dense.weights = {net.weights({8, 5}, 1), net.bias(5)};
  dense.in = {make.laid_out(row)};
  Value y = make.add(std::move(dense));
  y = net.scaled(make.along("softmax", y, -1), 0x1p-8F, -128);
  return net.model(y);
}

/// One layer each.
std::vector<std::pair<std::string, OwnedModel>> integer_layers() {
  std::vector<std::pair<std::string, OwnedModel>> out;
  const auto unary = [&](const char* op, float scale, std::int64_t zero, float alpha = 0.0F) {
    IntegerNetwork net;
    out.emplace_back(op, net.model(net.scaled(net.make.unary(op, net.input({1, 4, 4, 3}), alpha), scale, zero)));
  };
  unary("sigmoid", 0x1p-8F, -128);
  unary("tanh", 0x1p-7F, 0);
  unary("relu", 0.05F, 3);
  unary("relu6", 0.024F, -128);
  unary("leaky_relu", 0.04F, -20, 0.3F);
  unary("hard_swish", 0.03F, -100);
  unary("elu", 0.04F, -90);
  unary("abs", 0.05F, -128);
  unary("softplus", 0.05F, -128);
  for (const char* op : {"add", "sub", "mul", "squared_difference", "maximum", "minimum"}) {
    IntegerNetwork net;
    const Value x = net.input({1, 4, 4, 3}), y = net.input({1, 1, 1, 3}, "y");
    const bool keeps = op[0] == 'm' && op[1] != 'u';
    out.emplace_back(op, net.model(net.scaled(net.make.binary(op, x, y), keeps ? 0.05F : 0.11F, keeps ? 3 : -4)));
  }
  for (const std::int64_t groups : {std::int64_t{1}, std::int64_t{3}}) {
    IntegerNetwork net;
    Window2d window;
    window.same = groups == 1;
    window.sliding = {.filter_h = 3, .filter_w = 2, .stride_h = 2, .stride_w = 1, .dilation_w = groups == 1 ? 1 : 2};
    const Literal bias = net.bias(6);
    const Literal weights = net.weights({3, 2, groups == 1 ? 3 : 1, 6}, 6);
    out.emplace_back(
        groups == 1 ? "conv2d" : "depthwise_conv2d",
        net.model(net.scaled(convolve(net.make, net.input({1, 8, 7, 3}), weights, &bias, window, groups), 0.09F, 11)));
  }
  {
    IntegerNetwork net;
    foreign::Step up;
    up.op = "conv2d_transpose", up.type = Type::s8, up.dims = {1, 9, 8, 4};
    up.scaling = net.units(0.2F, -7);
    up.sliding = {.filter_h = 3, .filter_w = 2, .stride_h = 2, .stride_w = 2};
    up.weights = {net.weights({3, 2, 4, 3}, 4), net.bias(4)};
    up.weights[0].scaling.axis = 2;
    up.in = {net.make.laid_out(net.input({1, 4, 4, 3}))};
    out.emplace_back("conv2d_transpose", net.model(net.make.add(std::move(up))));
  }
  for (const std::int64_t scales : {1, 5}) {
    IntegerNetwork net;
    foreign::Step dense;
    dense.op = "dense", dense.type = Type::s8, dense.dims = {1, 5};
    dense.scaling = net.units(0.2F, -7);
    dense.weights = {net.weights({12, 5}, scales), net.bias(5)};
    dense.in = {net.make.laid_out(net.input({1, 12}))};
    out.emplace_back("dense" + std::to_string(scales), net.model(net.make.add(std::move(dense))));
  }
  for (const char* op : {"max_pool", "average_pool"}) {
    IntegerNetwork net;
    Window2d window;
    window.same = true;
    window.sliding = {.filter_h = 3, .filter_w = 3, .stride_h = 2, .stride_w = 2};
    out.emplace_back(op, net.model(pool(net.make, net.input({1, 6, 7, 3}), op, window, false)));
  }
  IntegerNetwork softmax, mean, joined;
  out.emplace_back("softmax", softmax.model(softmax.scaled(softmax.make.along("softmax", softmax.input({1, 9}), -1),
                                                           0x1p-8F, -128)));
  out.emplace_back("mean", mean.model(mean.scaled(
                               mean.make.reduce("reduce_mean", mean.input({1, 4, 5, 3}), {1, 2}, false), 0.03F, 9)));
  const Value x = joined.input({1, 3, 4, 5});
  out.emplace_back(
      "movement",
      joined.model(joined.scaled(
          joined.make.concat(
              {x, joined.scaled(joined.make.slice(x, {0, 0, 3, 0}, {1, 1, -1, 1}, {1, 3, 4, 5}), 0.05F, 3)}, 3),
          0.05F, 3)));
  return out;
}

/// Weights, sums, biases with the zero point, multipliers, shifts and tables are the same, whatever they came through.
void expect_same_parameters(const OwnedModel& model, const OwnedModel& imported) {
  ASSERT_EQ(imported.layers.size(), model.layers.size());
  for (std::size_t i = 0; i < model.layers.size(); ++i) {
    const Layer &a = model.layers[i], &b = imported.layers[i];
    EXPECT_EQ(a.op, b.op) << i;
    EXPECT_EQ(a.quantization, b.quantization) << i;
    ASSERT_EQ(a.param_bytes, b.param_bytes) << i;
    EXPECT_EQ(std::memcmp(model.params.data() + a.param_offset, imported.params.data() + b.param_offset, a.param_bytes),
              0)
        << "layer " << i << " (" << name(a.op) << ")";
  }
}

TEST(Export, LayersOnIntegersKeepEveryByte) {
  const TemporaryFolder folder;
  auto all = integer_layers();
  const std::size_t alone = all.size();
  all.emplace_back("network", integer_network());
  for (std::size_t k = 0; k < all.size(); ++k) {
    const auto& [title, model] = all[k];
    SCOPED_TRACE(title);
    ASSERT_FALSE(model.layers.empty());
    const OwnedModel imported = again(folder, export_model(model, ExportFormat::tflite), ExportFormat::tflite);
    // softplus has no operator on integers, and becomes several in float32.
    if (title != "softplus") expect_same_parameters(model, imported);
    const OwnedModel floats = again(folder, export_model(model, ExportFormat::onnx), ExportFormat::onnx);
    for (std::uint32_t seed = 0; seed < 20; ++seed) {
      const OneRun expected = run_of(model, seed);
      expect_same(expected.outputs, run(imported, expected.inputs), 0.0, title == "softplus" ? 1.0 : 0.0);
      // Quantised values around float operators round otherwise now and then; ten layers with a softmax make more of
      // it.
      expect_same(expected.outputs, run(floats, expected.inputs), 0.0, k < alone ? 1.0 : 4.0);
    }
  }
}

std::string in_models(const char* file) { return std::string(MOTE_SOURCE_DIR) + "/tests/models/" + file; }

void write_array(const std::string& path, const ExportedEnd& end, std::uint32_t batch, const Numbers& values) {
  std::vector<std::uint64_t> dims;
  for (const std::int64_t dim : end.dims) dims.push_back(dim < 0 ? batch : static_cast<std::uint64_t>(dim));
  std::vector<std::byte> bytes;
  const auto put = [&, half = end.type == "float16"](auto type) {
    for (const double value : values) {
      const auto one = static_cast<decltype(type)>(half ? mote::detail::half_bits(static_cast<float>(value)) : value);
      const auto* from = reinterpret_cast<const std::byte*>(&one);
      bytes.insert(bytes.end(), from, from + sizeof one);
    }
  };
  if (end.type == "int8") return put(std::int8_t{}), write_npy(path, Element::s8, dims, bytes);
  if (end.type == "int32") return put(std::int32_t{}), write_npy(path, Element::s32, dims, bytes);
  if (end.type == "int64") return put(std::int64_t{}), write_npy(path, Element::s64, dims, bytes);
  if (end.type == "float16") return put(std::uint16_t{}), write_npy(path, Element::f16, dims, bytes);
  if (end.type == "uint8") return put(std::uint8_t{}), write_npy(path, Element::u8, dims, bytes);
  if (end.type == "int16") return put(std::int16_t{}), write_npy(path, Element::s16, dims, bytes);
  if (end.type == "bool") return put(std::uint8_t{}), write_npy(path, Element::boolean, dims, bytes);
  put(float{}), write_npy(path, Element::f32, dims, bytes);
}

/// For other runtimes: files, inputs and what must come out. tests/import/runtimes.py reads them.
TEST(Export, WritesFilesForOtherRuntimes) {
  const char* folder = std::getenv("MOTE_EXPORT_FOLDER");
  if (folder == nullptr) GTEST_SKIP() << "MOTE_EXPORT_FOLDER is not set";
  constexpr std::uint32_t kGraphs = 150;
  const auto write_all = [&](const OwnedModel& model, const std::string& name, std::uint32_t seed) {
    for (const ExportFormat format : kFormats) {
      Exported made;
      try {
        made = export_model(model, format);
      } catch (const Error&) {
        continue;
      }
      const std::string kind = format == ExportFormat::onnx ? ".onnx" : ".tflite";
      const std::string stem = std::string(folder) + "/" + name + kind;
      tool::test::write(stem, made.bytes);
      const std::uint32_t batch = made.inputs.front().dims.front() < 0 ? 2 : 1;
      const OneRun expected = run_of(model, seed, batch);
      for (std::size_t i = 0; i < expected.inputs.size(); ++i)
        write_array(stem + ".in" + std::to_string(i) + ".npy", made.inputs[i], batch, expected.inputs[i]);
      for (std::size_t i = 0; i < expected.outputs.size(); ++i)
        write_array(stem + ".out" + std::to_string(i) + ".npy", made.outputs[i], batch, expected.outputs[i]);
    }
  };
  for (std::uint32_t seed = 0; seed < kGraphs; ++seed)
    write_all(owned(random_graph(seed), seed), "graph" + std::to_string(seed), seed);
  for (const auto& [title, specs] : operator_networks()) write_all(network_of(specs), title, 5);
  for (const char* file : {"types.onnx", "meeting.onnx", "resizing.onnx", "upsampling.onnx"})
    write_all(import_model(in_models(file)).model, std::string("imported_") + file, 5);
  for (const auto& [title, model] : integer_layers())
    for (std::uint32_t seed = 0; seed < 3; ++seed) write_all(model, "integers_" + title + std::to_string(seed), seed);
}

/// Where the imported file looks from one sample to others, its export is for one.
TEST(Export, SamplesThatMeetStayAlone) {
  const auto batch_of = [](const char* file) {
    return export_model(import_model(in_models(file)).model, ExportFormat::onnx).inputs.front().dims.front();
  };
  EXPECT_EQ(batch_of("attention.onnx"), -1);
  EXPECT_EQ(batch_of("meeting.onnx"), 1);
}

/// int64 and float16 of a file that was imported are such again.
TEST(Export, EndsKeepTheirTypes) {
  const TemporaryFolder folder;
  const OwnedModel model = import_model(in_models("types.onnx")).model;
  const std::vector<Numbers> inputs = {{0.5, -1.0, 2.0, 0.25, 1.5, -3.0}, {3.0, -4.0}};
  for (const ExportFormat format : kFormats) {
    const Exported made = export_model(model, format);
    EXPECT_EQ(made.inputs[1].type, "int64");
    EXPECT_EQ(made.outputs[2].type, "float16");
    EXPECT_EQ(made.outputs[3].type, "int64");
    expect_same(run(model, inputs), run(again(folder, made, format), inputs), 1e-3);
  }
}

/// Indices from the end are no operands of TFLite's operator.
TEST(Export, IndicesCountFromTheFront) {
  const TemporaryFolder folder;
  LayerSpec indices = constant(1, 1, 3).as("i");
  indices.layer.dtype = DType::s32;
  LayerSpec choose = gather("i", 0).reads("x");
  choose.from = {"x", "i"}, choose.from_count = 2;
  OwnedModel model = network_of({input(2, 3, 5).as("x"), indices, choose});
  const std::int32_t from_end[3] = {-1, 0, -5};
  std::memcpy(model.params.data() + model.layers[1].param_offset, from_end, sizeof from_end);
  const OneRun expected = run_of(model, 3);
  const OwnedModel imported = again(folder, export_model(model, ExportFormat::tflite), ExportFormat::tflite);
  expect_same(expected.outputs, run(imported, expected.inputs), 0.0);
  const bool counts = std::ranges::any_of(imported.layers, [&](const Layer& l) {
    std::int32_t first = 0;
    if (l.op == Op::constant) std::memcpy(&first, imported.params.data() + l.param_offset, sizeof first);
    return l.op == Op::constant && first == 4;
  });
  EXPECT_TRUE(counts);
}

TEST(Export, WritesAllReasonsAtOnce) {
  OwnedModel model = parse_model_text("input 6; spline 4; dense 3; spline 4", "text");
  for (const ExportFormat format : kFormats) {
    try {
      static_cast<void>(export_model(model, format));
      FAIL() << "exported";
    } catch (const Error& error) {
      const std::string what = error.what();
      EXPECT_NE(what.find("spline (layers 1, 3): a learned function"), std::string::npos) << what;
    }
  }
}

TEST(Export, StatesBecomeInputsAndOutputs) {
  const TemporaryFolder folder;
  OwnedModel model;
  Layer input, state, sum, output, assign;
  input.shape = state.shape = sum.shape = output.shape = {1, 1, 4};
  state.op = Op::state;
  sum.op = Op::add, sum.input_count = 2, sum.inputs = {0, 1};
  output.op = Op::output, output.input_count = 1, output.inputs = {2};
  assign.op = Op::assign, assign.input_count = 2, assign.inputs = {2, 1}, assign.shape = {1, 1, 4};
  model.layers = {input, state, sum, output, assign};
  ASSERT_TRUE(validate(model.view()).ok());
  for (const ExportFormat format : kFormats) {
    const Exported made = export_model(model, format);
    ASSERT_EQ(made.states.size(), 1U);
    EXPECT_EQ(made.inputs.size(), 2U);
    EXPECT_EQ(made.outputs.size(), 2U);
    const OwnedModel imported = again(folder, made, format);
    EXPECT_EQ(imported.view().input_count(), 2U);
    EXPECT_EQ(imported.view().output_count(), 2U);
  }
}

TEST(Export, PublicModelsComputeTheSame) {
  const std::vector<ZooModel> models = zoo();
  if (models.empty()) GTEST_SKIP() << "no reference models in " << shared_models();
  const TemporaryFolder folder;
  std::map<std::string, int> counts;
  for (const ZooModel& one : models) {
    OwnedModel model;
    try {
      model = import_model(one.file).model;
    } catch (const Error&) {
      continue;  // the importer's affair
    }
    const OneRun expected = run_of(model, 1);
    for (const ExportFormat format : kFormats) {
      const char* to = format == ExportFormat::onnx ? "onnx" : "tflite";
      SCOPED_TRACE(one.name + " to " + to);
      try {
        const Exported made = export_model(model, format);
        if (!made.states.empty()) {
          ++counts[std::string(to) + " with states"];
          static_cast<void>(again(folder, made, format));
          continue;
        }
        const OwnedModel imported = again(folder, made, format);
        const bool integers = on_integers(model);
        // A step more or less in an early layer of a deep network may be many in the last, which no rule bounds.
        if (!integers || format == ExportFormat::tflite)
          expect_same(expected.outputs, run(imported, expected.inputs), integers ? 0.0 : 2e-5);
        ++counts[std::string(to) + (integers ? " on integers" : "")];
      } catch (const Error& error) {
        ++counts[std::string(to) + " refused"];
        std::printf("%s to %s: %.300s\n", one.name.c_str(), to, error.what());
      }
    }
  }
  for (const auto& [what, count] : counts) std::printf("%s: %d\n", what.c_str(), count);
  EXPECT_GE(counts["onnx"], 20);
  EXPECT_GE(counts["tflite"], 20);
}

TEST(Compare, FindsTheLayerThatIsWrong) {
  OwnedModel right = parse_model_text(
      "input 12x12x2; conv2d 4 3x3 same; relu; max_pool; conv2d 6 3x3; relu; flatten; dense 5", "text");
  Random random(1);
  for (std::size_t i = 0; i + 4 <= right.params.size(); i += 4) {
    const float value = random.real();
    std::memcpy(right.params.data() + i, &value, 4);
  }
  Array x;
  x.dims = {3, 12, 12, 2};
  for (int i = 0; i < 3 * 12 * 12 * 2; ++i) {
    const float value = random.real();
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(&value);
    x.bytes.insert(x.bytes.end(), bytes, bytes + 4);
  }
  const auto copy = [&] {
    OwnedModel out;
    out.layers = right.layers;
    out.params = AlignedBytes(right.params.size());
    std::memcpy(out.params.data(), right.params.data(), right.params.size());
    return out;
  };
  const Comparison same = compare_models(right, copy(), {x}, 20.0);
  EXPECT_EQ(same.samples, 3U);
  EXPECT_EQ(same.falls, same.pairs.size());
  for (const ValuePair& pair : same.pairs) EXPECT_TRUE(std::isinf(pair.signal_to_noise));
  OwnedModel wrong = copy();
  constexpr std::size_t kLayer = 4;  // the second convolution
  ASSERT_EQ(wrong.layers[kLayer].op, Op::conv2d);
  float weight = 0.0F;
  std::memcpy(&weight, wrong.params.data() + wrong.layers[kLayer].param_offset, 4);
  weight = -weight;
  std::memcpy(wrong.params.data() + wrong.layers[kLayer].param_offset, &weight, 4);
  const Comparison found = compare_models(right, wrong, {x}, 20.0);
  ASSERT_LT(found.falls, found.pairs.size());
  EXPECT_EQ(found.pairs[found.falls].a, kLayer);
  EXPECT_EQ(found.pairs[found.falls].b, kLayer);
  EXPECT_GT(found.pairs[found.falls].largest, 0.0);
}

}  // namespace
}  // namespace mote::test
