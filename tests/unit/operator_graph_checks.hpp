// SPDX-License-Identifier: Apache-2.0
// What the tests of random graphs over all operators share: how a number is judged that float32 and double compute,
// what was compared, and inputs. MOTE_GRAPHS=first:count tests other graphs than the first few hundred, and says how
// many numbers were compared.
#pragma once

#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "check.hpp"
#include "mote/mote.hpp"
#include "reference/layer_values.hpp"
#include "unit/random_operators.hpp"

namespace mote::test {

using reference::Dual;

inline constexpr double kNoise = 0x1p-22;  // relative error that float32 makes of an operand or a value
alignas(4096) inline std::array<std::byte, std::size_t{4} << 20> large_arena;

struct Seeds {
  std::uint32_t first = 0, count = 0;
};
inline Seeds seeds(std::uint32_t usual) {
  Seeds out{0, usual};
  if (const char* const wish = std::getenv("MOTE_GRAPHS"); wish != nullptr) {
    EXPECT_EQ(std::sscanf(wish, "%u:%u", &out.first, &out.count), 2) << "MOTE_GRAPHS is first:count";
  }
  return out;
}

/// How often each operator was in a graph that was compared, and how many numbers were.
struct Coverage {
  std::array<std::uint64_t, kOpCount> layers{};
  std::uint64_t graphs = 0, compared = 0, undecided = 0;

  /// `counts`: of each layer, whether it does; empty: all do.
  void add(const Model& model, const std::vector<bool>& counts = {}) {
    ++graphs;
    for (std::size_t i = 0; i < model.layers.size(); ++i)
      layers[static_cast<std::size_t>(model.layers[i].op)] += counts.empty() || counts[i] ? 1 : 0;
  }
  void print(const char* what) const {
    std::printf("%s: %llu graphs, %llu numbers compared, %llu undecided\n", what,
                static_cast<unsigned long long>(graphs), static_cast<unsigned long long>(compared),
                static_cast<unsigned long long>(undecided));
    for (const Op op : kOps)
      std::printf("  %s %llu", name(op), static_cast<unsigned long long>(layers[static_cast<std::size_t>(op)]));
    std::printf("\n");
  }
  /// Every operator but those on integers is in many graphs, and in training those that have a gradient. What rounds to
  /// int8 steps is in train/quantization_aware_test.cpp: nobody knows where a step ends.
  void expect_all(std::uint64_t least, bool training) const {
    for (const Op op : kOps) {
      if (op == Op::quantize || op == Op::dequantize || op == Op::requantize || op == Op::svdf ||
          op == Op::fake_quantize)
        continue;
      if (training && (is_source(op) || op == Op::output || !differentiable(op))) continue;
      EXPECT_GE(layers[static_cast<std::size_t>(op)], least) << name(op);
    }
    EXPECT_GT(compared, 10 * undecided);
  }
};

/// Numbers, and how far each goes when it is computed again with every operand disturbed as float32 would. Where a
/// decision (a comparison, an index, a corner) falls otherwise then, they go far, and the number is not compared.
struct Expected {
  std::vector<double> value, spread;

  void disturbed(const std::vector<double>& other) {
    spread.resize(value.size());
    for (std::size_t i = 0; i < value.size(); ++i) {
      const double distance = std::fabs(other[i] - value[i]);
      spread[i] = distance <= spread[i] ? spread[i] : distance;  // NaN stays
    }
  }
  [[nodiscard]] double typical_spread() const {
    double sum = 0.0;
    for (const double distance : spread) sum += distance * distance;
    return value.empty() ? 0.0 : std::sqrt(sum / static_cast<double>(value.size()));
  }
};

enum class Verdict : std::uint8_t { right, undecided, wrong };
inline Verdict judge(double value, double expected, double spread, double typical, double slack) {
  if (!(std::fabs(expected) < 1e6) || !(spread <= 1e-3 * (std::fabs(expected) + 1.0))) return Verdict::undecided;
  const double allowed = 8.0 * (spread + typical) + slack * std::fabs(expected) + 1e-30;
  return std::fabs(value - expected) <= allowed ? Verdict::right : Verdict::wrong;
}

using reference::number_at;

template <class Use>
void as_type(DType type, const Use& use) {
  switch (type) {
    case DType::s8: return use(std::int8_t{});
    case DType::u8:
    case DType::boolean: return use(std::uint8_t{});
    case DType::s16: return use(std::int16_t{});
    case DType::s32: return use(std::int32_t{});
    default: return use(float{});
  }
}

/// Inputs of one run, in order, each as many as its samples have elements.
using Inputs = std::vector<std::vector<double>>;
inline Inputs random_inputs(Random& random, const Model& model, std::uint32_t samples) {
  Inputs out;
  for (std::size_t i = 0; i < model.input_count(); ++i) {
    out.emplace_back(static_cast<std::size_t>(model.input_shape(i).elements()) * samples);
    for (double& value : out.back()) value = random_value(random, model.layers[model.input_layer(i)].dtype);
  }
  return out;
}
inline void give(reference::Network& network, const Model& model, const Inputs& inputs) {
  for (std::size_t i = 0; i < inputs.size(); ++i)
    network.value(model.input_layer(i)).assign(inputs[i].begin(), inputs[i].end());
}

/// A description of the graph, for whoever looks for a fault.
inline std::string text_of(const Model& model) {
  std::string out;
  for (std::size_t i = 0; i < model.layers.size(); ++i) {
    const Layer& l = model.layers[i];
    out += std::to_string(i) + " " + name(l.op) + " (" + std::to_string(l.shape.h) + "," + std::to_string(l.shape.w) +
           "," + std::to_string(l.shape.c) + ") type " + std::to_string(static_cast<int>(l.dtype)) + " of";
    for (std::size_t k = 0; k < l.input_count; ++k) out += " " + std::to_string(model.operand(l, k));
    out += "; args";
    for (const std::int32_t arg : l.args) out += " " + std::to_string(arg);
    out += "\n";
  }
  return out;
}

}  // namespace mote::test
