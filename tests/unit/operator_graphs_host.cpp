// SPDX-License-Identifier: Apache-2.0
// Sessions on random graphs over all operators against the records computed in double without a plan or a kernel
// (reference/network.hpp): every output of several runs, of every instruction set, and from a file.
#include <array>
#include <cmath>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "unit/operator_graph_checks.hpp"

namespace mote {
namespace {

using reference::Dual;
using test::Coverage;
using test::Expected;
using test::Inputs;
using test::judge;
using test::kNoise;
using test::OperatorGraph;
using test::Random;
using test::random_inputs;
using test::Seeds;
using test::text_of;
using test::Verdict;

struct Case {
  OperatorGraph graph;
  Model model;
  PlanOptions options;
  std::vector<Inputs> runs;
};

/// All outputs of all runs, in bytes; empty where the session could not be made, which was reported.
std::vector<std::byte> run_session(const Case& c) {
  std::vector<std::byte> out;
  const Result<std::size_t> bytes =
      required_arena_bytes(c.model, c.options, std::span(test::large_arena).first(64 * 1024));
  EXPECT_TRUE(bytes.ok()) << name(bytes.status().code) << ", layer " << bytes.status().layer;
  if (!bytes.ok() || *bytes > test::large_arena.size()) return out;
  std::fill(test::large_arena.begin(), test::large_arena.begin() + static_cast<std::ptrdiff_t>(*bytes),
            std::byte{0xFF});
  Result<Session> session = Session::create(c.model, std::span(test::large_arena).first(*bytes), c.options);
  EXPECT_TRUE(session.ok()) << name(session.status().code) << ", layer " << session.status().layer << ", "
                            << session.status().detail;
  if (!session.ok()) return out;
  for (const Inputs& inputs : c.runs) {
    std::vector<float> external;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      if (c.options.external_input) {
        external.assign(inputs[i].begin(), inputs[i].end());
        session->set_input(external.data());
        continue;
      }
      test::as_type(c.model.layers[c.model.input_layer(i)].dtype, [&]<class T>(T) {
        const Values<T> values = session->template input<T>(i);
        for (std::size_t j = 0; j < values.size(); ++j) values[j] = static_cast<T>(inputs[i][j]);
      });
    }
    session->run();
    for (std::size_t i = 0; i < c.model.output_count(); ++i)
      test::as_type(c.model.layers[c.model.output_layer(i)].dtype, [&]<class T>(T) {
        const Values<T> values = session->template output<T>(i);
        EXPECT_EQ(values.size(), c.model.output_shape(i).elements() * c.options.batch);
        if constexpr (std::is_same_v<T, float>)  // of what is no number the bits say nothing
          for (float& value : values)
            if (value != value) value = __builtin_nanf("");
        const auto* from = reinterpret_cast<const std::byte*>(values.data());
        out.insert(out.end(), from, from + values.size() * sizeof(T));
      });
  }
  return out;
}

std::vector<double> run_reference(const Case& c, double noise, std::uint64_t seed) {
  reference::Network network(c.model, c.options.batch, noise, seed);
  std::vector<double> out;
  for (const Inputs& inputs : c.runs) {
    test::give(network, c.model, inputs);
    network.run();
    for (std::size_t i = 0; i < c.model.output_count(); ++i)
      for (const Dual& value : network.value(c.model.output_layer(i))) out.push_back(value.value);
  }
  if (network.beyond_float()) std::fill(out.begin(), out.end(), std::nan(""));
  return out;
}

/// What is wrong with the outputs, or nothing. Counts what could be compared.
std::string compare(const Case& c, const std::vector<std::byte>& bytes, Coverage& coverage) {
  Expected expected{run_reference(c, 0.0, 0), {}};
  for (std::uint64_t k = 1; k <= 2; ++k) expected.disturbed(run_reference(c, kNoise, k));
  for (bool again = false;; again = true) {
    std::string wrong;
    std::uint64_t compared = 0, undecided = 0;
    const double typical = again ? 0.0 : expected.typical_spread();
    const std::byte* from = bytes.data();
    std::size_t at = 0;
    for (std::size_t run = 0; run < c.runs.size(); ++run)
      for (std::size_t i = 0; i < c.model.output_count(); ++i) {
        const DType type = c.model.layers[c.model.output_layer(i)].dtype;
        const auto count = static_cast<std::size_t>(c.model.output_shape(i).elements()) * c.options.batch;
        Expected here;
        here.value.assign(expected.value.begin() + static_cast<std::ptrdiff_t>(at),
                          expected.value.begin() + static_cast<std::ptrdiff_t>(at + count));
        here.spread.assign(expected.spread.begin() + static_cast<std::ptrdiff_t>(at),
                           expected.spread.begin() + static_cast<std::ptrdiff_t>(at + count));
        const double near = again ? typical : std::fmin(here.typical_spread(), 1e-4);
        for (std::size_t j = 0; j < count; ++j) {
          const double value = test::number_at(type, from, j);
          const bool exact = type != DType::f32;
          const Verdict verdict = exact && !(here.spread[j] == 0.0) ? Verdict::undecided
                                                                    : judge(value, here.value[j], here.spread[j],
                                                                            exact ? 0.0 : near, exact ? 0.0 : 1e-6);
          ++(verdict == Verdict::undecided ? undecided : compared);
          if (verdict == Verdict::wrong && wrong.empty())
            wrong = "run " + std::to_string(run) + ", output " + std::to_string(i) + " (of layer " +
                    std::to_string(c.model.operand(c.model.output_layer(i))) + ") [" + std::to_string(j) +
                    "]: " + std::to_string(value) + " instead of " + std::to_string(here.value[j]) + ", spread " +
                    std::to_string(here.spread[j]);
        }
        from += count * bytes_of(type);
        at += count;
      }
    if (wrong.empty() || again) {
      coverage.compared += compared, coverage.undecided += undecided;
      return wrong;
    }
    for (std::uint64_t k = 3; k < 60; ++k) expected.disturbed(run_reference(c, (k % 2 == 0 ? 1.0 : 3.0) * kNoise, k));
  }
}

/// The first layer whose value is wrong when all values are outputs, which changes the plan.
std::string first_wrong_layer(const Case& c) {
  Case all = c;
  std::vector<bool> readable(c.model.layers.size(), true);
  for (std::size_t i = 0; i < readable.size(); ++i) {
    std::size_t shown = i;
    while (is_alias(c.model.layers[shown].op)) shown = c.model.operand(shown);
    const Op op = c.model.layers[i].op;
    readable[i] = !is_valueless(op) && op != Op::output && c.model.layers[shown].op != Op::state;
  }
  std::vector<Layer> layers;
  for (const Layer& layer : c.model.layers) {
    layers.push_back(layer);
    if (layer.op == Op::output) layers.back().op = Op::identity;  // a layer as any other, so that numbers stay
  }
  for (std::size_t i = 0; i < readable.size(); ++i) {
    if (!readable[i] && c.model.layers[i].op != Op::output) continue;
    Layer output = c.model.layers[i];
    Layer record;
    record.op = Op::output, record.dtype = output.dtype, record.quantization = output.quantization;
    record.shape = output.shape, record.input_count = 1, record.inputs[0] = static_cast<std::uint16_t>(i);
    if (!is_valueless(output.op)) layers.push_back(record);
  }
  all.graph.layers = layers;
  all.model = all.graph.model();
  if (const Status valid = validate(all.model); !valid.ok()) return std::string("no telling: ") + name(valid.code);
  all.options.external_input = false;
  Coverage unused;
  const std::string wrong = compare(all, run_session(all), unused);
  return wrong.empty() ? "with all values as outputs everything is right" : "all values as outputs: " + wrong;
}

/// Written to a file and opened, the model computes the same.
void check_file(Case c, const std::vector<std::byte>& expected) {
  alignas(64) static std::array<std::byte, 1024 * 1024> file;
  const Result<std::size_t> bytes = write_model(c.model, file);
  ASSERT_TRUE(bytes.ok()) << name(bytes.status().code) << ", layer " << bytes.status().layer;
  const Result<Model> opened = open_model(std::span(file).first(*bytes));
  ASSERT_TRUE(opened.ok()) << name(opened.status().code) << ", layer " << opened.status().layer;
  c.model = *opened;
  EXPECT_TRUE(run_session(c) == expected) << text_of(c.model);
}

/// With weights stored as int8 or float16 it computes what it computes with these in float32.
void check_narrow_weights(Case c, DType type) {
  alignas(64) static std::array<std::byte, 1024 * 1024> narrow_file, wide_file;
  const auto store = [&](DType as, std::span<std::byte> file) {
    const Result<std::size_t> bytes = store_weights(c.model, as, StoreWeights::all, file);
    EXPECT_TRUE(bytes.ok()) << name(bytes.status().code) << ", layer " << bytes.status().layer;
    const Result<Model> opened = open_model(file.first(bytes.ok() ? *bytes : 0));
    EXPECT_TRUE(opened.ok()) << name(opened.status().code) << ", layer " << opened.status().layer;
    if (opened.ok()) c.model = *opened;
    return run_session(c);
  };
  const std::vector<std::byte> narrow = store(type, narrow_file);
  EXPECT_TRUE(store(DType::f32, wide_file) == narrow) << text_of(c.model);
}

void check_inference(std::uint32_t seed, Coverage& coverage) {
  SCOPED_TRACE("graph " + std::to_string(seed));
  Case c{test::operator_graph(seed, false), {}, {}, {}};
  c.model = c.graph.model();
  const Status valid = validate(c.model);
  ASSERT_TRUE(valid.ok()) << name(valid.code) << ", layer " << valid.layer << "\n" << text_of(c.model);
  Random random(seed + 1000000);
  c.options.batch = c.graph.batch;
  c.options.alignment = 4U << random.below(7);
  c.options.external_input = c.model.input_count() == 1 && random.chance(20);
  for (int run = 0; run < 3; ++run) c.runs.push_back(random_inputs(random, c.model, c.graph.batch));
  if (Session::create(c.model, test::large_arena, c.options).status().code == Code::bad_option)
    c.options.external_input = false;  // no layer computes
  const std::vector<std::byte> best = run_session(c);
  if (best.empty()) return void(ADD_FAILURE() << text_of(c.model));
  const std::string wrong = compare(c, best, coverage);
  EXPECT_TRUE(wrong.empty()) << wrong << "\n"
                             << (wrong.empty() ? "" : first_wrong_layer(c)) << "\n"
                             << text_of(c.model);
  for (std::size_t k = 1; runnable_isa(k) != nullptr; ++k) {
    ASSERT_TRUE(use_isa(runnable_isa(k)));
    const std::vector<std::byte> other = run_session(c);
    if (std::string_view(isa_name()) != "baseline") {
      EXPECT_TRUE(other == best) << isa_name() << "\n" << text_of(c.model);
    } else {
      Coverage unused;
      const std::string wrong_there = compare(c, other, unused);
      EXPECT_TRUE(wrong_there.empty()) << isa_name() << ": " << wrong_there << "\n" << text_of(c.model);
    }
  }
  ASSERT_TRUE(use_isa(runnable_isa(0)));
  check_file(c, best);
  check_narrow_weights(c, seed % 2 == 0 ? DType::s8 : DType::f16);
  coverage.add(c.model);
}

TEST(operator_graphs, sessions_compute_what_the_records_say) {
  const Seeds wish = test::seeds(600);
  Coverage coverage;
  for (std::uint32_t seed = wish.first; seed - wish.first < wish.count; ++seed) check_inference(seed, coverage);
  if (wish.count >= 600) coverage.expect_all(wish.count / 60, false);
  if (std::getenv("MOTE_GRAPHS") != nullptr) coverage.print("inference");
}

}  // namespace
}  // namespace mote
