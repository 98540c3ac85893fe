// SPDX-License-Identifier: Apache-2.0
// What a file computes, in one language for both formats: steps on arrays of any rank, every extent known, constants
// computed already. Steps are named as the records' operators are. Made by Maker, lowered to records by lower().
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "tool/import/literal.hpp"

namespace mote::tool::foreign {

/// A filter moving over an image; beside the image there are zeros, or nothing (pooling).
struct Sliding {
  std::int64_t filter_h = 1, filter_w = 1, stride_h = 1, stride_w = 1, dilation_h = 1, dilation_w = 1;
  std::int64_t pad_top = 0, pad_bottom = 0, pad_left = 0, pad_right = 0;
};

/// Operators, operands, attributes (`dims` are of the result; others hold what its operator needs):
///   input, constant (weights[0]), state, assign(state, value), result(step) number = which
///   element by element: unary ones with alpha, beta; binary ones and select broadcast; prelu(x, slope)
///   reshape; transpose (axes = permutation); slice (first = begin, second = step); pad (first, second = before, after;
///   alpha = value); pad_reflect (number = 1: symmetric, 2: the edge again); tile; gather(x, indices) (number = axis);
///   resize_nearest, resize_bilinear (NHWC; number = ResizeCoordinates, second[0] = ResizeRounding, second[1] = 1:
///   alpha and beta are inputs per output along height and width, else outputs per input) concat (number = axis);
///   reduce_* (axes, kept); argmax, argmin (number = axis, dropped) softmax, log_softmax (number = axis); layer_norm,
///   rms_norm, l2_norm (axes; alpha = epsilon; weights) lrn (NHWC; number = size, alpha, beta, extra[0] = bias)
///   dense(x) weights (K, N), bias; matmul(a, b) number = 1: b transposed
///   conv2d, depthwise_conv2d (NHWC) weights as the records have them, bias; conv2d_transpose (NHWC) weights (filter_h,
///   filter_w, out, in); max_pool, average_pool
///   (number = 1: padding counts); batch_norm weights gamma, beta, mean, variance (last axis; alpha = epsilon)
///   lstm, gru, rnn (T x C; weights, see steps of recurrent layers); cast; quantize; dequantize; requantize
struct Step {
  std::string op;
  Type type = Type::f32;
  Dims dims;
  Scaling scaling;  // of a quantised value
  std::vector<int> in;
  Dims axes, first, second;
  std::int64_t number = 0;
  float alpha = 0.0F, beta = 0.0F;
  std::vector<float> extra;
  Sliding sliding;
  std::vector<Literal> weights;
  std::string name;        // the file's, of the value
  std::size_t origin = 0;  // the file's operator
};

/// A boundary value: the file's name, and the shape and type that it has there.
struct End {
  int step = 0;
  std::string name;
  Dims dims;
  Type type = Type::f32;
};

struct Network {
  std::vector<Step> steps;
  std::vector<End> inputs, outputs;
  std::vector<std::string> classes;  // what a classifier calls them, by number
};

/// A value as the file sees it: logical axis i is axis order[i] of the step's result. Empty: as it lies.
struct Value {
  int step = -1;
  Dims order;

  [[nodiscard]] bool there() const { return step >= 0; }
};

/// Builds steps. What depends on constants alone is computed, not built. Transpositions are put off, and mostly cancel.
class Maker {
 public:
  Network network;
  std::size_t origin = 0;    // of the steps to come
  bool for_samples = false;  // the steps are not lowered: only which axis samples are on is looked at

  [[nodiscard]] Dims dims(const Value& v) const;
  [[nodiscard]] std::size_t rank(const Value& v) const { return step(v).dims.size(); }
  [[nodiscard]] Type type(const Value& v) const { return step(v).type; }
  [[nodiscard]] bool constant(const Value& v) const { return step(v).op == "constant"; }
  [[nodiscard]] const Literal& literal(const Value& v) const { return step(v).weights.front(); }
  /// The constant that `v` must be; throws, naming it as `what`.
  [[nodiscard]] const Literal& must_be_constant(const Value& v, const char* what) const;
  [[nodiscard]] const Step& step(const Value& v) const { return network.steps[static_cast<std::size_t>(v.step)]; }
  [[nodiscard]] Step& step(const Value& v) { return network.steps[static_cast<std::size_t>(v.step)]; }

  Value constant(Literal values);
  Value scalar(double value, Type type = Type::f32) { return constant(Literal::scalar(type, value)); }
  Value input(std::string name, Type type, Dims dims, Scaling scaling);

  Value unary(const std::string& op, const Value& v, float alpha = 0.0F, float beta = 0.0F);
  Value binary(const std::string& op, const Value& a, const Value& b);
  Value select(const Value& condition, const Value& a, const Value& b);
  Value cast(const Value& v, Type type);
  Value towards_zero(const Value& v);  ///< of whole numbers' quotients, which run as float32

  Value reshape(const Value& v, Dims dims);
  Value transpose(const Value& v, const Dims& permutation);
  Value slice(const Value& v, const Dims& begin, const Dims& step, const Dims& dims);
  Value pad(const Value& v, const Dims& before, const Dims& after,
            const Literal& value = Literal::scalar(Type::f32, 0.0));
  /// Rule 0: mirrored without the edge, 1: with it, 2: the edge again.
  Value pad_reflect(const Value& v, const Dims& before, const Dims& after, int rule);
  Value expand(const Value& v, const Dims& dims);  ///< NumPy's broadcast to `dims`
  Value tile(const Value& v, const Dims& times);
  Value concat(const std::vector<Value>& parts, std::int64_t axis);
  Value gather(const Value& v, const Value& indices, std::int64_t axis);

  Value reduce(const std::string& op, const Value& v, const Dims& axes, bool keep);
  Value along(const std::string& op, const Value& v, std::int64_t axis);  ///< softmax, log_softmax
  Value arg(const std::string& op, const Value& v, std::int64_t axis, bool keep);

  /// a (…, K) times b (K, N) or (…, K, N).
  Value matmul(const Value& a, const Value& b, bool b_transposed = false);
  /// A step of its own on values as they lie.
  Value add(Step made);
  /// The step whose result lies as `v` is seen: transposes it if need be.
  int laid_out(const Value& v);
  /// With axis `axis` last as it lies, or as it is: an axis's index, counted from the front, below rank.
  static std::size_t axis_of(std::int64_t axis, std::size_t rank);
  /// Elements of constants that are about to be computed; throws where they come to more than `budget`, which keeps a
  /// small file from asking for much memory.
  void spend(std::int64_t elements);
  std::int64_t budget = std::int64_t{1} << 24;

 private:
  Value dense(const Value& a, const Literal& weights);
  Value with_bias(const Value& v, const Value& bias);
  /// `v`, with ones in front up to `rank`, as it lies under `order`.
  int ordered(const Value& v, const Dims& order);
  [[nodiscard]] Dims order_of_most(const std::vector<Value>& values) const;
  std::int64_t spent_ = 0;
};

/// Whether `order` moves nothing but extents of 1 of `dims` (physical).
bool moves_only_ones(const Dims& dims, const Dims& order);

}  // namespace mote::tool::foreign
