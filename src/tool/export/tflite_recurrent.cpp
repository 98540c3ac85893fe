// SPDX-License-Identifier: Apache-2.0
// Recurrent layers step by step. The format's own keep their last value for the next run, which these do not.
#include <algorithm>

#include "tool/export/tflite_export.hpp"

namespace mote::tool::foreign {
namespace {

constexpr std::uint32_t kMostSteps = 256;  // some twelve operators each

class Unrolled {
 public:
  Unrolled(TfliteExport& to, std::size_t i) : to_(to), i_(i), l_(to.from.layer(i)), units_(l_.shape.c) {}

  void run() {
    const Shape& in = to_.from.in(i_).shape;
    const std::int64_t steps = in.w, count = gates(l_.op);
    const int x = to_.reshape(to_.operand(i_, Lie::nhwc), {steps, in.c}, to_.from.name(i_) + "/steps");
    const int sums = connected(x, matrix("weights", 0, count), vector("bias"), {steps, count * units_});
    std::vector<int> rows{sums};
    if (steps > 1) rows = split(sums, steps, 0, {1, count * units_});
    again_ = l_.op == Op::gru ? -1 : matrix("recurrent_weights", 0, count);
    if (l_.op == Op::gru) prepare_gru();
    int h = l_.input_count > 1 ? to_.operand(i_, Lie::flat, 1) : zeros();
    int c = l_.op != Op::lstm ? -1 : l_.input_count > 2 ? to_.operand(i_, Lie::flat, 2) : zeros();
    std::vector<int> values(rows.size());
    for (std::size_t k = 0; k < rows.size(); ++k) {
      const std::size_t at = l_.args[0] != 0 ? rows.size() - 1 - k : k;
      if (l_.op == Op::lstm)
        lstm(rows[at], h, c);
      else
        h = l_.op == Op::gru ? gru(rows[at], h) : plain(rows[at], h);
      values[at] = h;
    }
    const int out = to_.result_of(i_, {steps, units_});
    if (values.size() == 1)
      to_.graph.node("RESHAPE", {values[0], to_.wholes({steps, units_})}, {out});
    else
      to_.graph.node("CONCATENATION", values, {out}, {{"axis", 0.0}, {"activation", 0.0}});
    to_.put_other(i_, out);
    for (std::size_t j = i_ + 1; j < to_.from.size(); ++j)
      if (to_.from.layer(j).op == Op::result && to_.from.operand(j) == i_) to_.put(j, Lie::flat, c);
  }

 private:
  using Ints = std::vector<int>;

  [[nodiscard]] Extents64 one() const { return {1, units_}; }
  int add(const char* op, Ints in) { return to_.add(i_, op, std::move(in), one()); }
  int connected(int x, int weights, int bias, Extents64 dims) {
    return to_.add(i_, "FULLY_CONNECTED", {x, weights, bias}, std::move(dims), {{"activation", 0.0}});
  }
  Ints split(int x, std::int64_t parts, std::int64_t axis, const Extents64& dims) {
    Ints out;
    for (std::int64_t k = 0; k < parts; ++k) out.push_back(to_.part(i_, dims));
    to_.graph.node("SPLIT", {to_.wholes({axis}, {}), x}, out, {{"num_splits", static_cast<double>(parts)}});
    return out;
  }
  int zeros() {
    return to_.floats(to_.from.name(i_) + "/zeros", one(), std::vector<float>(static_cast<std::size_t>(units_)));
  }
  int vector(const char* array) {
    const auto values = to_.from.array<float>(i_, array);
    if (values.empty()) return -1;
    return to_.floats(to_.from.name(i_) + "/" + array, {static_cast<std::int64_t>(values.size())}, values);
  }
  /// Columns (rows, gates units) from element `from` on as the operator's weights.
  int matrix(const char* array, std::size_t from, std::int64_t gates_of_it) {
    const auto values = to_.from.array<float>(i_, array);
    const auto columns = static_cast<std::size_t>(gates_of_it * units_);
    const bool first = std::string_view(array) == "weights";
    const std::size_t rows = first ? to_.from.in(i_).shape.c : static_cast<std::size_t>(units_);
    std::vector<float> turned;
    for (std::size_t o = 0; o < columns; ++o)
      for (std::size_t k = 0; k < rows; ++k) turned.push_back(values[from + k * columns + o]);
    return to_.floats(to_.from.name(i_) + "/" + array,
                      {static_cast<std::int64_t>(columns), static_cast<std::int64_t>(rows)}, turned);
  }
  void prepare_gru() {
    const auto units = static_cast<std::size_t>(units_);
    again_ = matrix("recurrent_weights", 0, 2);
    candidate_ = matrix("recurrent_weights", 2 * units * units, 1);
    const auto bias = to_.from.array<float>(i_, "recurrent_bias");
    if (bias.empty()) return;
    const std::span<const float> all(bias);
    again_bias_ = to_.floats(to_.from.name(i_) + "/recurrent_bias", {2 * units_}, all.first(2 * units));
    candidate_bias_ = to_.floats(to_.from.name(i_) + "/recurrent_bias", {units_}, all.last(units));
  }

  void lstm(int row, int& h, int& c) {
    const int sum = to_.add(i_, "ADD", {row, connected(h, again_, -1, {1, 4 * units_})}, {1, 4 * units_});
    const Ints gate = split(sum, 4, 1, one());
    const int kept = add("MUL", {add("LOGISTIC", {gate[1]}), c});
    const int taken = add("MUL", {add("LOGISTIC", {gate[0]}), add("TANH", {gate[2]})});
    c = add("ADD", {kept, taken});
    if (l_.alpha != 0.0F) c = add("MAXIMUM", {add("MINIMUM", {c, to_.number(l_.alpha)}), to_.number(-l_.alpha)});
    h = add("MUL", {add("LOGISTIC", {gate[3]}), add("TANH", {c})});
  }
  int gru(int row, int h) {
    const Ints own = split(row, 3, 1, one());
    const Ints again = split(connected(h, again_, again_bias_, {1, 2 * units_}), 2, 1, one());
    const int z = add("LOGISTIC", {add("ADD", {own[0], again[0]})});
    const int r = add("LOGISTIC", {add("ADD", {own[1], again[1]})});
    const bool linear = l_.args[1] != 0;
    const int inside = linear ? add("MUL", {r, connected(h, candidate_, candidate_bias_, one())})
                              : connected(add("MUL", {r, h}), candidate_, candidate_bias_, one());
    const int n = add("TANH", {add("ADD", {own[2], inside})});
    return add("ADD", {n, add("MUL", {z, add("SUB", {h, n})})});  // (1 - z) n + z h
  }
  int plain(int row, int h) {
    constexpr const char* kFunctions[] = {"TANH", "RELU", "LOGISTIC"};
    return add(kFunctions[l_.args[1]], {add("ADD", {row, connected(h, again_, -1, one())})});
  }

  TfliteExport& to_;
  std::size_t i_;
  const Layer& l_;
  std::int64_t units_;
  int again_ = -1, candidate_ = -1, again_bias_ = -1, candidate_bias_ = -1;
};

}  // namespace

bool tflite_recurrent_layer(TfliteExport& to, std::size_t i) {
  const Layer& l = to.from.layer(i);
  if (l.op == Op::result) return true;  // its layer made it, or was refused
  if (l.op == Op::svdf) return to.from.refuse(i, "what it keeps from run to run lies outside of the operator"), true;
  if (!is_recurrent(l.op)) return false;
  if (l.dtype != DType::f32) {
    to.from.refuse(i, "the operator on integers keeps its last value for the next run");
  } else if (to.from.in(i).shape.w > kMostSteps) {
    to.from.refuse(i, "it has more than 256 steps, which would be operators of their own");
  } else {
    Unrolled(to, i).run();
  }
  return true;
}

}  // namespace mote::tool::foreign
