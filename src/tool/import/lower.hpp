// SPDX-License-Identifier: Apache-2.0
// From steps on arrays of any rank to records on three extents. Neighbouring axes that an operator treats alike become
// one extent; reshapes are free, so each operator takes the view of its operands that suits it.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "tool/import/network.hpp"
#include "tool/import/records.hpp"

namespace mote::tool::foreign {

/// A step that has no records, and why.
struct NotLowered {
  std::size_t step = 0;
  std::string why, remedy;
};

/// The model; `refused` receives what could not be lowered, and then the model is empty.
OwnedModel lower(const Network& network, std::vector<NotLowered>& refused);

/// Three extents: the last two axes, and all before them; a batch of one in front falls away.
Shape boundary_shape(const Dims& dims);

class Lowering {
 public:
  using Index = Records::Index;

  Lowering(const Network& network, Records& records) : network_(network), records_(records) {}
  /// Lowers step `i`, whose operands are lowered; throws Unsupported. What is kept for the next run comes last.
  void step(std::size_t i);
  void outputs();
  void assign_states();
  [[nodiscard]] bool lowered(std::size_t i) const { return values_.size() > i && values_[i] != kNone; }

 private:
  static constexpr int kNone = -1, kConstant = -2;
  using Function = Index (Lowering::*)(const Step& s);
  struct Row {
    std::string_view op;
    Function function;
  };
  static const Row* row_of(std::string_view op);

  [[nodiscard]] const Step& in(const Step& s, std::size_t i = 0) const {
    return network_.steps[static_cast<std::size_t>(s.in[i])];
  }
  /// The operand's value in its own type, as it lies or in a shape.
  Index value(const Step& s, std::size_t i = 0) { return of_step(s.in[i], own_type(in(s, i)), nullptr); }
  Index value(const Step& s, std::size_t i, const Shape& shape) { return of_step(s.in[i], own_type(in(s, i)), &shape); }
  /// The operand as float32, what is computed in.
  Index real(const Step& s, std::size_t i = 0) { return of_step(s.in[i], DType::f32, nullptr); }
  Index real(const Step& s, std::size_t i, const Shape& shape) { return of_step(s.in[i], DType::f32, &shape); }
  /// A step's value; constants become records here, of the type and in the shape that are asked for.
  Index of_step(int step, DType type, const Shape* shape);
  Index as(Index value, DType type);
  /// Throws where whole numbers of a constant are others as values of the type.
  void require_exact(const Literal& constant, DType type) const;
  /// The type of what holds the step's values: whole numbers that are computed are float32.
  [[nodiscard]] DType own_type(const Step& s) const;
  /// A record of the operator for values of the type.
  Layer layer(const Step& s, std::string_view op, DType type);
  Layer layer(const Step& s, std::string_view op) { return layer(s, op, DType::f32); }

  Index source(const Step& s);
  Index unary(const Step& s);
  Index binary(const Step& s);
  Index select(const Step& s);
  Index cast(const Step& s);
  Index result(const Step& s);

  Index reshape(const Step& s);
  Index spread(const Step& s);
  Index transpose(const Step& s);
  Index slice(const Step& s);
  Index pad(const Step& s);
  Index tile(const Step& s);
  Index concat(const Step& s);
  Index gather(const Step& s);

  Index reduce(const Step& s);
  Index along(const Step& s);
  Index arg(const Step& s);
  Index norm(const Step& s);
  Index batch_norm(const Step& s);
  Index lrn(const Step& s);

  Index dense(const Step& s);
  Index matmul(const Step& s);
  Index convolution(const Step& s);
  Index transposed_convolution(const Step& s);
  Index pool(const Step& s);
  Index resize(const Step& s);
  Index recurrent(const Step& s);

  /// Steps on integers that stand for real numbers: lower_integers.cpp.
  [[nodiscard]] bool on_integers(const Step& s) const;
  Index integers(const Step& s);
  Index conversion(const Step& s);
  Index integer_product(const Step& s);
  Index integer_table(const Step& s);
  Index integer_binary(const Step& s);
  Index integer_reduction(const Step& s);
  Index integer_softmax(const Step& s);
  Index integer_pool(const Step& s);
  Index integer_conv2d_transpose(const Step& s);
  Index integer_matmul(const Step& s);
  Index integer_l2_norm(const Step& s);
  Index integer_resize(const Step& s);
  Index integer_lstm(const Step& s);
  Index integer_svdf(const Step& s);
  Index with_multipliers(Layer made, std::initializer_list<Index> operands, float beta = 1.0F);
  /// A value in other units; itself where it is in these.
  Index requantized(Index value, DType type, const Quantization& wanted);
  /// A step's value in the units of `s`.
  Index in_units_of(const Step& s, int step, const Shape* shape);

  Index transposed(Index value, Dims dims, Dims order);
  Index tiled(Index value, const Dims& from, const Dims& times);
  /// The operands of a step that repeats them, each of its type, in three extents.
  std::vector<Index> together(const Step& s, std::initializer_list<DType> types);

  const Network& network_;
  Records& records_;
  bool only_order_ = false;                           // the step in the making looks at its operands' order alone
  std::vector<int> values_;                           // of the steps: a record
  std::map<std::pair<int, DType>, Index> constants_;  // of a step, in a type
};

/// Runs of axes of `dims`, extents of 1 left out, for which `pattern` gives the same number.
template <class Pattern>
std::vector<std::vector<std::size_t>> grouped(const Dims& dims, Pattern&& pattern) {
  std::vector<std::vector<std::size_t>> out;
  int last = 0;
  for (std::size_t k = 0; k < dims.size(); ++k) {
    if (dims[k] == 1) continue;
    const int own = pattern(k);
    if (out.empty() || own != last) out.emplace_back();
    out.back().push_back(k);
    last = own;
  }
  return out;
}

/// What holds values of a step's type. Small whole numbers that stand for themselves are float32, which holds them all;
/// quantised uint8 values are int8 ones with a zero point less by 128.
DType dtype_of(const Step& s);
/// Scale and zero point of a step's value as records hold it; throws where it has several scales.
Quantization quantization_of(const Step& s);
/// Bytes of uint8 values as int8 ones, each less by 128.
Literal signed_bytes(const Literal& bytes);
/// A window over an NHWC image as records have it, and the image's shape. Several images become one: beneath each other
/// where no window reaches over a line, or lines of it.
Shape window_of(Sliding sliding, const Dims& image, Layer& out);

/// Product of the extents of `axes`.
std::int64_t product(const Dims& dims, const std::vector<std::size_t>& axes);
/// Up to three extents as a shape, ones in front; throws where one is beyond what records hold.
Shape shape_of(const Dims& extents);

}  // namespace mote::tool::foreign
