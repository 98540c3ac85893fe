// SPDX-License-Identifier: Apache-2.0
// One operator of a file at the moment when it becomes steps: its operands are values, its results are asked for.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "tool/import/graph.hpp"
#include "tool/import/network.hpp"

namespace mote::tool::foreign {

class Tracer;

struct Call {
  Maker& make;
  Tracer& tracer;
  const FileModel& file;
  const FileGraph& graph;
  const FileNode& node;
  std::string record;      // of the operator's row
  std::vector<Value> in;   // some may be absent
  std::vector<Value> out;  // as many as the node has; for the operator to fill

  [[nodiscard]] bool has(std::size_t i) const { return i < in.size() && in[i].there(); }
  /// Operand `i`; throws where it is left out.
  [[nodiscard]] const Value& operator[](std::size_t i) const {
    if (!has(i)) unsupported("an operand is missing", "export the model again");
    return in[i];
  }
  [[nodiscard]] Dims dims(std::size_t i) const { return make.dims((*this)[i]); }
  [[nodiscard]] std::size_t rank(std::size_t i) const { return make.rank((*this)[i]); }
  /// Whole numbers of a constant operand.
  [[nodiscard]] std::vector<std::int64_t> wholes(std::size_t i, const char* what) const {
    return make.must_be_constant((*this)[i], what).wholes();
  }
  /// The one whole number of a constant operand.
  [[nodiscard]] std::int64_t whole(std::size_t i, const char* what) const {
    const Literal& value = make.must_be_constant((*this)[i], what);
    if (value.count() != 1) unsupported(std::string("its ") + what + " is not one number");
    return value.whole(0);
  }
  [[nodiscard]] const FileTensor& tensor_of_input(std::size_t i) const { return tensor(node.inputs, i); }
  [[nodiscard]] const FileTensor& tensor_of_output(std::size_t i = 0) const { return tensor(node.outputs, i); }
  void give(Value value) {
    if (out.empty()) unsupported("it has no result", "export the model again");
    out.front() = std::move(value);
  }

 private:
  [[nodiscard]] const FileTensor& tensor(const std::vector<int>& of, std::size_t i) const {
    if (i >= of.size() || of[i] == kAbsent) unsupported("an operand or result is missing", "export the model again");
    return graph.tensors[static_cast<std::size_t>(of[i])];
  }
};

using Operator = void (*)(Call&);
/// One row of a format's table: several names may share a function, which reads `record`, the records' operator.
struct OperatorRow {
  std::string_view name;
  Operator function;
  std::string_view record = {};
};

/// The operator of that name, or null. Each format's rows lie in several files.
const OperatorRow* tflite_operator_named(std::string_view name);
const OperatorRow* onnx_operator_named(std::string_view name);
/// Whether the standard has an operator of that name that is not among the rows: it is refused in other words.
bool is_onnx_operator(std::string_view name);

/// An affine layer's weights and bias as the records have them, for operators of both formats.
struct Window2d {
  Sliding sliding;
  bool same = false, same_lower = false;  // pads are chosen so that outputs = ceil(inputs / stride)
};
/// Fills in pads of a SAME window over an NHWC image; returns the output's height and width.
std::pair<std::int64_t, std::int64_t> window_extents(Window2d& window, const Dims& image);
/// A 2-D convolution of an NHWC value: weights (filter_h, filter_w, in_c / groups, out_c); bias may be empty.
Value convolve(Maker& make, const Value& image, const Literal& weights, const Literal* bias, Window2d window,
               std::int64_t groups);
/// The same with weights that the graph computes, and no bias.
Value convolve_by(Maker& make, const Value& image, const Value& weights, Window2d window, std::int64_t groups);
/// A step on each of several images, whose results are joined.
Value image_by_image(Maker& make, const Value& images, const std::function<Value(const Value&)>& step);
/// Pooling of an NHWC value.
Value pool(Maker& make, const Value& image, const std::string& op, Window2d window, bool counts_padding);

}  // namespace mote::tool::foreign
