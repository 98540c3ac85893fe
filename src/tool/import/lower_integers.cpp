// SPDX-License-Identifier: Apache-2.0
// Records of layers on integers: what TFLite's kernels make of scales when a model is prepared (multipliers, shifts,
// tables, zero points in the bias) is computed here and lies in the parameters.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <span>

#include "mote/kernels/kernels.hpp"
#include "mote/model/element_types.hpp"
#include "mote/model/integer_params.hpp"
#include "mote/model/packed_weights.hpp"
#include "tool/import/lower.hpp"

namespace mote::tool::foreign {
namespace {

using Numbers = std::vector<std::int64_t>;

Literal bytes_of_numbers(std::span<const std::int64_t> values) { return Literal::of(values, Type::s8); }
Literal words_of_numbers(std::span<const std::int64_t> values) { return Literal::of(values, Type::s32); }

/// The arrays `multipliers` and `shifts`.
std::vector<Literal> scaled_by(std::span<const QuantizedMultiplier> list) {
  Numbers multipliers, shifts;
  // A shift beyond a byte is none that kernels take either.
  for (const QuantizedMultiplier& q : list)
    multipliers.push_back(q.multiplier), shifts.push_back(std::min(q.shift, 127));
  return {words_of_numbers(multipliers), bytes_of_numbers(shifts)};
}
std::vector<Literal> scaled_by(std::initializer_list<QuantizedMultiplier> list) {
  return scaled_by(std::span<const QuantizedMultiplier>(list.begin(), list.size()));
}

/// (terms, outputs) weights of int8, or of uint8 as int8, and what goes with them.
struct Weights {
  std::int64_t terms = 0, outputs = 0;
  std::int32_t zero_point = 0;
  Numbers values;

  Weights(const Literal& given, std::int64_t count) : terms(given.count() / count), outputs(count) {
    if (given.type() != Type::s8 && given.type() != Type::u8)
      unsupported(fmt::format("weights of type {} in a layer of integers", name_of(given.type())));
    const std::int64_t less = given.type() == Type::u8 ? 128 : 0;
    const std::vector<std::int64_t>& zeros = given.scaling.zero_points;
    if (!zeros.empty() && std::ranges::any_of(zeros, [&](std::int64_t z) { return z != zeros.front(); }))
      unsupported("weights with several zero points");
    const std::int64_t zero = (zeros.empty() ? 0 : zeros.front()) - less;
    if (zero < -128 || zero > 127) unsupported(fmt::format("weights with the zero point {}", zero));
    zero_point = static_cast<std::int32_t>(zero);
    values.reserve(static_cast<std::size_t>(given.count()));
    for (std::int64_t i = 0; i < given.count(); ++i) values.push_back(given.whole(i) - less);
    const std::size_t scales = given.scaling.scales.size();
    if (scales != 1 && scales != static_cast<std::size_t>(count))
      unsupported(fmt::format("{} scales of {} outputs", scales, count));
  }
  [[nodiscard]] std::int64_t at(std::int64_t term, std::int64_t output) const {
    return values[static_cast<std::size_t>(term * outputs + output)];
  }
  [[nodiscard]] std::int64_t sum(std::int64_t output) const {
    std::int64_t out = 0;
    for (std::int64_t k = 0; k < terms; ++k) out += at(k, output);
    return out;
  }
  [[nodiscard]] Literal packed() const {
    const auto outs = static_cast<std::size_t>(outputs), ks = static_cast<std::size_t>(terms);
    Numbers to(static_cast<std::size_t>(packed_bytes(outs, ks)));
    for (std::size_t o = 0; o < outs; ++o)
      for (std::size_t k = 0; k < ks; ++k) to[packed_index(o, k, ks)] = values[k * outs + o];
    return bytes_of_numbers(to);
  }
};

/// The parameters of a layer that sums products with the weights of step `s`.
void fill_products(const Step& s, const Literal& given, const Weights& weights, const Layer& made, const Layer& in,
                   std::byte* params) {
  struct Source {
    const Weights& weights;
    const std::vector<float>& scales;
    const Literal* biases;
    [[nodiscard]] std::int64_t weight(std::uint32_t term, std::uint32_t output) const {
      // A transposed convolution's lie (filter_h, filter_w, outputs, inputs).
      return inputs == 0 ? weights.at(term, output)
                         : weights.values[(std::size_t{term / inputs} * outputs + output) * inputs + term % inputs];
    }
    [[nodiscard]] std::int64_t bias(std::uint32_t output) const {
      return biases == nullptr ? 0 : biases->whole(output);
    }
    [[nodiscard]] float scale(std::uint32_t output) const { return scales[scales.size() == 1 ? 0 : output]; }
    std::uint32_t inputs = 0;
    std::size_t outputs = 0;
  } source{weights, given.scaling.scales, s.weights.size() > 1 ? &s.weights[1] : nullptr};
  if (made.op == Op::conv2d_transpose) source.inputs = in.shape.c, source.outputs = made.shape.c;
  if (const Status status = put_products(made, in, source, params); !status.ok())
    unsupported(fmt::format("a bias too large for its sum (output {})", status.detail));
}

/// Functions of which TFLite computes an int8 table through float32, or has none.
double real_function(std::string_view op, double x, double alpha, double beta) {
  if (op == "exp") return std::exp(x);
  if (op == "log") return std::log(x);
  if (op == "sqrt") return std::sqrt(x);
  if (op == "rsqrt") return 1.0 / std::sqrt(x);
  if (op == "square") return x * x;
  if (op == "neg") return -x;
  if (op == "sin") return std::sin(x);
  if (op == "cos") return std::cos(x);
  if (op == "floor") return std::floor(x);
  if (op == "ceil") return std::ceil(x);
  if (op == "round") return std::nearbyint(x);
  if (op == "sign") return x > 0 ? 1.0 : x < 0 ? -1.0 : 0.0;
  if (op == "silu") return x / (1.0 + std::exp(-x));
  if (op == "softplus") return std::log1p(std::exp(x));
  if (op == "gelu") return 0.5 * x * (1.0 + std::erf(x / std::numbers::sqrt2));
  if (op == "gelu_tanh")
    return 0.5 * x * (1.0 + std::tanh(std::sqrt(2.0 / std::numbers::pi) * (x + 0.044715 * x * x * x)));
  if (op == "hard_sigmoid") return std::min(std::max(alpha * x + beta, 0.0), 1.0);
  if (op == "selu") return 1.0507009873554805 * (x > 0 ? x : 1.6732632423543772 * std::expm1(x));
  unsupported(fmt::format("{} of integers", op));
}

/// `made`: the record, whose units are the value's.
LookupTable table_of(const Step& s, const Quantization& in, const Layer& made) {
  const Quantization &out = made.quantization, fixed = fixed_units(made.op);
  if (fixed.scale != 0.0F &&
      (out.zero_point != fixed.zero_point || std::abs(out.scale - fixed.scale) > 0.01F * fixed.scale))
    unsupported(fmt::format("an output of scale {} and zero point {}", out.scale, out.zero_point));
  Layer function = made;
  function.alpha = s.alpha, function.beta = s.beta;
  LookupTable table{};
  if (!table_shifts_fit(function, in)) unsupported(fmt::format("scales {} and {} so far apart", in.scale, out.scale));
  if (own_table(function, in, table)) return table;
  return function_table(in, out, [&](float x) {
    return static_cast<float>(
        real_function(s.op, static_cast<double>(x), static_cast<double>(s.alpha), static_cast<double>(s.beta)));
  });
}

}  // namespace

Literal signed_bytes(const Literal& bytes) {
  Numbers out;
  for (std::int64_t i = 0; i < bytes.count(); ++i) out.push_back(bytes.whole(i) - 128);
  return bytes_of_numbers(out).reshaped(bytes.dims());
}

bool Lowering::on_integers(const Step& s) const {
  static constexpr std::string_view kMoves[] = {
      "reshape", "space_to_batch", "transpose", "slice",      "pad",        "pad_reflect", "tile",          "concat",
      "gather",  "select",         "quantize",  "dequantize", "requantize", "result",      "resize_nearest"};
  if (s.in.empty() || std::ranges::find(kMoves, s.op) != std::end(kMoves)) return false;
  return std::ranges::any_of(
      s.in, [&](int operand) { return quantized(own_type(network_.steps[static_cast<std::size_t>(operand)])); });
}

Lowering::Index Lowering::integers(const Step& s) {
  const DType first = own_type(in(s));
  const Op op = operator_named(s.op);
  if (!has_form_on(op, first))
    unsupported(fmt::format("{} of {} values", s.op, first == DType::s16 ? "int16" : "int8"));
  if (is_binary(op) || is_comparison(op) || op == Op::add) return integer_binary(s);
  if (is_reduction(op)) return integer_reduction(s);
  if (op == Op::conv2d_transpose) return integer_conv2d_transpose(s);
  if (applies_weights(op)) return integer_product(s);
  if (op == Op::matmul) return integer_matmul(s);
  if (op == Op::l2_norm) return integer_l2_norm(s);
  if (op == Op::resize_bilinear) return integer_resize(s);
  if (op == Op::max_pool || op == Op::average_pool) return integer_pool(s);
  if (op == Op::softmax || op == Op::log_softmax) return integer_softmax(s);
  if (op == Op::argmax || op == Op::argmin) return arg(s);
  if (op == Op::lstm) return integer_lstm(s);
  if (op == Op::svdf) return integer_svdf(s);
  return integer_table(s);
}

/// `made` with the multipliers that follow from the scales, if it has any.
Lowering::Index Lowering::with_multipliers(Layer made, std::initializer_list<Index> operands, float beta) {
  const Layer a = records_.layer(*operands.begin()), b = records_.layer(*(operands.end() - 1));
  const MultiplierList list = multipliers_of(made, a, b, beta);
  if (list.count == 0) return records_.add(made, operands);
  made.param_dtype = DType::s32;
  return records_.add(made, operands, scaled_by(std::span(list.begin(), list.count)));
}

Lowering::Index Lowering::requantized(Index value, DType type, const Quantization& wanted) {
  const Layer from = records_.layer(value);
  if (from.dtype == type && from.quantization == wanted) return value;
  Layer made;
  made.op = Op::requantize;
  made.dtype = type;
  if (quantized(type)) made.quantization = wanted;
  made.param_dtype = DType::s32;
  return records_.add(made, {value}, scaled_by({rescale_multiplier(from.quantization.scale, wanted.scale)}));
}

Lowering::Index Lowering::in_units_of(const Step& s, int step, const Shape* shape) {
  return requantized(of_step(step, own_type(network_.steps[static_cast<std::size_t>(step)]), shape), dtype_of(s),
                     quantization_of(s));
}

Lowering::Index Lowering::conversion(const Step& s) {
  const Index from = value(s);
  if (s.op == "requantize") return requantized(from, dtype_of(s), quantization_of(s));
  Layer made = layer(s, s.op, s.op == "quantize" ? dtype_of(s) : DType::f32);
  made.args[0] = static_cast<std::int32_t>(s.op == "quantize" ? s.number : 0);
  return records_.add(made, {from});
}

/// Sums of products with weights. A sequence's rows are the pixels of a line.
Lowering::Index Lowering::integer_product(const Step& s) {
  const Literal& given = s.weights[0];
  const std::int64_t outputs = given.dims().back();
  const bool depthwise = s.op == "depthwise_conv2d", dense = s.op == "dense";
  const std::int64_t rows = dense ? count_of(s.dims) / outputs : 1;
  const Weights weights(given, outputs);
  Layer made = layer(s, dense && rows != 1 ? "conv2d" : s.op, dtype_of(s));
  made.param_dtype = DType::s8;
  made.flags = Layer::kHasBias;
  made.shape.c = shape_of({outputs}).c;
  made.args[0] = weights.zero_point;
  const DType type = own_type(in(s));
  const bool has_bias = s.weights.size() > 1;
  if (type == DType::s16) made.args[1] = !has_bias || s.weights[1].type() == Type::s32 ? 1 : 0;
  Index image{};
  if (!dense) {
    const Shape from = window_of(s.sliding, in(s).dims, made);
    image = value(s, 0, from);
    if (depthwise) made.depth_multiplier = static_cast<std::uint16_t>(outputs / in(s).dims[3]);
  } else {
    if (rows != 1) window_of({}, {1, 1, rows, weights.terms}, made);
    image = value(s, 0, shape_of({rows, weights.terms}));
  }
  return records_.add_filled(made, {image}, [&](const Layer& layer, std::byte* params) {
    fill_products(s, given, weights, layer, records_.layer(image), params);
  });
}

/// Functions of one value.
Lowering::Index Lowering::integer_table(const Step& s) {
  Layer made = layer(s, s.op, dtype_of(s));
  const Index from = value(s);
  const DType type = records_.layer(from).dtype;
  const Quantization in = records_.layer(from).quantization, out = made.quantization;
  if (s.op == "clip") made.alpha = s.alpha, made.beta = s.beta;
  if ((is_clamp(made.op) || made.op == Op::clip) && in == out) return records_.add(made, {from});
  if (type == DType::s8) {
    made.param_dtype = DType::s8;
    if (traits(made.op).has_alpha) made.alpha = s.alpha;
    if (traits(made.op).has_beta) made.beta = s.beta;
    if (made.op == Op::leaky_relu)
      made.alpha = std::clamp(s.alpha, 0x1p-126F, 1.0F);  // the table says what is computed
    const LookupTable table = table_of(s, in, made);
    return records_.add(made, {from}, {bytes_of_numbers(Numbers(table.begin(), table.end()))});
  }
  if (made.op == Op::leaky_relu) made.alpha = s.alpha;
  if (made.op != Op::relu && made.op != Op::leaky_relu && made.op != Op::sigmoid && made.op != Op::tanh)
    unsupported(fmt::format("{} of int16 values between two scales", s.op));
  return with_multipliers(made, {from});
}

Lowering::Index Lowering::integer_binary(const Step& s) {
  const Op op = operator_named(s.op);
  Layer made = layer(s, s.op, is_comparison(op) ? DType::boolean : dtype_of(s));
  const DType type = own_type(in(s));
  std::vector<Index> operands = together(s, {type, type});
  if (op == Op::minimum || op == Op::maximum)
    for (Index& operand : operands) operand = requantized(operand, made.dtype, made.quantization);
  return with_multipliers(made, {operands[0], operands[1]});
}

/// All axes at once: sums are rounded once. Axes that go are brought behind each other where they are more than the
/// record's three turns.
Lowering::Index Lowering::integer_reduction(const Step& s) {
  Dims from = in(s).dims;
  std::vector<bool> goes(from.size());
  for (const std::int64_t axis : s.axes) goes[static_cast<std::size_t>(axis)] = true;
  Index values = value(s);
  auto groups = grouped(from, [&](std::size_t k) { return goes[k] ? 1 : 0; });
  if (groups.size() > 3) {
    Dims order, dims;
    for (const bool last : {false, true})
      for (std::size_t k = 0; k < from.size(); ++k)
        if (goes[k] == last) order.push_back(static_cast<std::int64_t>(k)), dims.push_back(from[k]);
    values = transposed(values, from, order);
    std::sort(goes.begin(), goes.end());
    from = dims;
    groups = grouped(from, [&](std::size_t k) { return goes[k] ? 1 : 0; });
  }
  Layer made = layer(s, s.op, dtype_of(s));
  Dims extents;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    extents.push_back(product(from, groups[i]));
    if (goes[groups[i].front()]) made.args[0] |= 1 << (groups.size() - 1 - i);
  }
  if (made.args[0] == 0) return requantized(values, made.dtype, made.quantization);
  values = records_.shaped(values, shape_of(extents));
  if (made.op == Op::reduce_max || made.op == Op::reduce_min)
    values = requantized(values, made.dtype, made.quantization);
  return with_multipliers(made, {values});
}

Lowering::Index Lowering::integer_softmax(const Step& s) {
  const auto axis = static_cast<std::size_t>(s.number);
  std::int64_t behind = 1;
  for (std::size_t k = axis + 1; k < s.dims.size(); ++k) behind *= s.dims[k];
  if (behind != 1) unsupported("a softmax of integers along an axis that is not the last");
  const Index from = value(s, 0, shape_of({count_of(s.dims) / s.dims[axis], s.dims[axis]}));
  return with_multipliers(layer(s, s.op, dtype_of(s)), {from}, s.alpha == 0.0F ? 1.0F : s.alpha);
}

Lowering::Index Lowering::integer_pool(const Step& s) {
  Layer made = layer(s, s.op, dtype_of(s));
  const Shape from = window_of(s.sliding, in(s).dims, made);
  const Index image = in_units_of(s, s.in.front(), &from);
  return records_.add(made, {image});
}

/// weights: those of the gates i f g o of the input, of the last value, and biases.
Lowering::Index Lowering::integer_lstm(const Step& s) {
  const std::int64_t units = s.dims[1];
  Layer made = layer(s, s.op, DType::s8);
  made.param_dtype = DType::s8;
  made.flags = Layer::kHasBias;
  made.shape.c = shape_of({units}).c;
  const Shape sequence = shape_of({in(s).dims[0], in(s).dims[1]}), state = shape_of({units});
  const Index x = value(s, 0, sequence), h = value(s, 1, state), c = value(s, 2, state);
  const Quantization of_x = records_.layer(x).quantization, of_h = records_.layer(h).quantization,
                     of_c = records_.layer(c).quantization;
  if (!(of_h == made.quantization)) unsupported("an LSTM whose value and state have different scales");
  float scales[4] = {}, again[4] = {};
  std::array<Numbers, 2> matrices, biases;
  for (std::size_t matrix = 0; matrix < 2; ++matrix)
    for (std::size_t gate = 0; gate < 4; ++gate) {
      const Literal& given = s.weights[4 * matrix + gate];
      const Weights weights(given, units);
      if (weights.zero_point != 0 || given.scaling.scales.size() != 1)
        unsupported("weights of an LSTM with several scales or a zero point");
      (matrix == 0 ? scales : again)[gate] = given.scaling.scales.front();
      const Literal packed = weights.packed();
      for (std::int64_t i = 0; i < packed.count(); ++i) matrices[matrix].push_back(packed.whole(i));
      for (std::int64_t u = 0; u < units; ++u)
        biases[matrix].push_back((matrix == 0 ? s.weights[8 + gate].whole(u) : 0) -
                                 (matrix == 0 ? of_x : of_h).zero_point * weights.sum(u));
    }
  const LstmScale scale = lstm_scale(of_x.scale, scales, again, of_h.scale, of_c.scale, s.alpha);
  made.args[0] = static_cast<std::int32_t>(s.first[0]);
  made.args[2] = scale.cell_clip;
  std::vector<QuantizedMultiplier> multipliers(std::begin(scale.input), std::end(scale.input));
  multipliers.insert(multipliers.end(), std::begin(scale.recurrent), std::end(scale.recurrent));
  multipliers.push_back(scale.cell), multipliers.push_back(scale.hidden);
  multipliers.push_back({scale.tanh.multiplier, scale.tanh.shift});
  std::vector<Literal> arrays{bytes_of_numbers(matrices[0]), bytes_of_numbers(matrices[1]), words_of_numbers(biases[0]),
                              words_of_numbers(biases[1])};
  std::ranges::copy(scaled_by(multipliers), std::back_inserter(arrays));
  return records_.add(made, {x, h, c}, arrays);
}

Lowering::Index Lowering::integer_svdf(const Step& s) {
  const Literal& time = s.weights[0];
  Layer made = layer(s, s.op, DType::s8);
  made.param_dtype = DType::s16;
  if (s.weights.size() > 1) made.flags = Layer::kHasBias;
  made.args[0] = static_cast<std::int32_t>(s.number);
  const Index features = value(s, 0, shape_of({in(s).dims[0], in(s).dims[1]}));
  if (time.scaling.scales.size() != 1) unsupported("weights over time with several scales");
  std::vector<Literal> arrays = s.weights;
  std::ranges::copy(scaled_by({product_multiplier(records_.layer(features).quantization.scale,
                                                  time.scaling.scales.front(), made.quantization.scale)}),
                    std::back_inserter(arrays));
  return records_.add(made, {features}, arrays);
}

/// weights (filter_h, filter_w, outputs, inputs). Other taps meet at every pixel, so the bias stays the file's.
Lowering::Index Lowering::integer_conv2d_transpose(const Step& s) {
  const Literal& given = s.weights[0];
  const std::int64_t outputs = given.dims()[2];
  const Weights weights(given, outputs);
  if (weights.zero_point != 0) unsupported("weights with a zero point in a transposed convolution");
  Layer made = layer(s, s.op, dtype_of(s));
  made.param_dtype = DType::s8;
  made.shape.c = shape_of({outputs}).c;
  const Shape from = window_of(s.sliding, in(s).dims, made);
  const Index image = value(s, 0, from);
  if (s.weights.size() > 1) made.flags = Layer::kHasBias;
  return records_.add_filled(made, {image}, [&](const Layer& layer, std::byte* params) {
    fill_products(s, given, weights, layer, records_.layer(image), params);
  });
}

Lowering::Index Lowering::integer_matmul(const Step& s) {
  const std::size_t n = s.dims.size();
  const Dims &a = in(s, 0).dims, &b = in(s, 1).dims;
  std::int64_t batch = 1;
  for (std::size_t k = 0; k + 2 < n; ++k) batch *= s.dims[k];
  Layer made = layer(s, s.op, dtype_of(s));
  made.args[0] = static_cast<std::int32_t>(s.number);
  const Index x = value(s, 0, shape_of({batch, a[n - 2], a[n - 1]})),
              y = value(s, 1, shape_of({batch, b[n - 2], b[n - 1]}));
  return with_multipliers(made, {x, y});
}

Lowering::Index Lowering::integer_l2_norm(const Step& s) {
  std::int64_t length = 1;
  for (const std::int64_t axis : s.axes) length *= s.dims[static_cast<std::size_t>(axis)];
  Layer made = layer(s, s.op, dtype_of(s));
  made.alpha = s.alpha;
  return records_.add(made, {value(s, 0, shape_of({count_of(s.dims) / length, length}))});
}

Lowering::Index Lowering::integer_resize(const Step& s) {
  const Dims& image = in(s).dims;
  if (image[0] != 1) unsupported(fmt::format("{} images are resized at a time", image[0]), kOneSample);
  Layer made = layer(s, s.op, dtype_of(s));
  made.shape = shape_of({s.dims[1], s.dims[2], s.dims[3]});
  const bool corners = s.number == static_cast<std::int64_t>(ResizeCoordinates::align_corners);
  const auto inputs_per_output = [&](std::int64_t from, std::int64_t to) {
    if (!corners) return static_cast<float>(from) / static_cast<float>(to);
    return to == 1 ? 0.0F : static_cast<float>(from - 1) / static_cast<float>(to - 1);
  };
  made.args[0] = static_cast<std::int32_t>(s.number), made.args[2] = 1;
  made.alpha = inputs_per_output(image[1], s.dims[1]), made.beta = inputs_per_output(image[2], s.dims[2]);
  const Shape from = shape_of({image[1], image[2], image[3]});
  return records_.add(made, {in_units_of(s, s.in.front(), &from)});
}

}  // namespace mote::tool::foreign
