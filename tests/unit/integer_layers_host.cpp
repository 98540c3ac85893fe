// SPDX-License-Identifier: Apache-2.0
// Layers on integers in a session: random chains of them, every byte against the rules in 64-bit integers, computed
// from weights, biases and scales as a file has them; what is joined; constant plans.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <vector>

#include "check.hpp"
#include "kernels/guarded_bytes.hpp"
#include "mote/mote.hpp"
#include "reference/conv.hpp"
#include "reference/fixed_point.hpp"

namespace mote {
namespace {

using test::Integers;
using Bytes = std::vector<std::int8_t>;

/// A chain of layers on int8, and beside it what each must give.
class Chain {
 public:
  explicit Chain(std::uint32_t seed, const Shape& in) : numbers_(seed) {
    Layer input;
    input.op = Op::input, input.dtype = DType::s8, input.shape = in, input.quantization = any_units();
    layers_.push_back(input);
    values_.resize(static_cast<std::size_t>(in.elements()));
    numbers_.fill(values_.data(), values_.size(), -128, 127);
    input_ = values_;
  }
  [[nodiscard]] Model model() const {
    Model out;
    out.layers = layers_;
    out.params = reinterpret_cast<const std::byte*>(params_.data());
    out.param_bytes = static_cast<std::uint32_t>(params_.size() * sizeof(std::uint32_t));
    return out;
  }
  [[nodiscard]] const Bytes& input() const { return input_; }
  [[nodiscard]] const Bytes& wanted() const { return values_; }
  [[nodiscard]] const Shape& shape() const { return layers_.back().shape; }

  void dense(std::uint32_t units) {
    Layer layer = made(Op::dense);
    layer.shape = {1, 1, units};
    const auto terms = static_cast<std::uint32_t>(shape().elements());
    const Product p = product(units, terms, true);
    layer.quantization = p.units;
    layer.args[0] = p.zero_point;
    const Quantization in = layers_.back().quantization;
    Bytes out(units);
    for (std::uint32_t o = 0; o < units; ++o) {
      std::int64_t sum = p.bias[o];
      for (std::uint32_t k = 0; k < terms; ++k)
        sum += (std::int64_t{values_[k]} - in.zero_point) * (p.weights[k * units + o] - p.zero_point);
      out[o] = staged(sum, p, o);
    }
    push(layer, p.arrays(in, true), out);
  }
  void conv(Op op, const Window& w, std::uint32_t units) {
    Layer layer = made(op);
    const bool depthwise = op == Op::depthwise_conv2d;
    layer.filter_h = static_cast<std::uint16_t>(w.filter_h), layer.filter_w = static_cast<std::uint16_t>(w.filter_w);
    layer.stride_h = static_cast<std::uint16_t>(w.stride_h), layer.stride_w = static_cast<std::uint16_t>(w.stride_w);
    layer.dilation_h = static_cast<std::uint16_t>(w.dilation_h), layer.dilation_w = layer.dilation_h;
    layer.pad_top = static_cast<std::uint16_t>(w.pad_top), layer.pad_left = static_cast<std::uint16_t>(w.pad_left);
    layer.shape.c = units;
    if (depthwise) layer.depth_multiplier = static_cast<std::uint16_t>(units / shape().c);
    const Shape from = shape();
    const std::uint32_t taps = w.filter_h * w.filter_w, depth = depthwise ? 1 : from.c;
    const Product p = product(units, taps * depth, !depthwise);
    layer.quantization = p.units;
    layer.args[0] = p.zero_point;
    const std::array<Shape, 1> shapes{from};
    layer.shape = *output_shape(layer, std::span<const Shape>(shapes));
    const ConvShape s{1, from, layer.shape, w};
    const std::int32_t zero = layers_.back().quantization.zero_point;
    Bytes out;
    for (std::size_t y = 0; y < s.out.h; ++y)
      for (std::size_t x = 0; x < s.out.w; ++x)
        for (std::size_t o = 0; o < units; ++o) {
          std::int64_t sum = p.bias[o];
          for (std::size_t i = 0; i < w.filter_h; ++i)
            for (std::size_t j = 0; j < w.filter_w; ++j) {
              std::size_t row = 0, column = 0;
              if (!reference::meets(s, y, x, i, j, row, column)) continue;
              for (std::size_t c = 0; c < depth; ++c) {
                const std::size_t channel = depthwise ? o / (units / from.c) : c;
                const std::size_t term = (i * w.filter_w + j) * depth + c;
                sum += (std::int64_t{values_[(row * from.w + column) * from.c + channel]} - zero) *
                       (p.weights[term * units + o] - p.zero_point);
              }
            }
          out.push_back(staged(sum, p, o));
        }
    push(layer, p.arrays(layers_.back().quantization, !depthwise), out);
  }
  /// relu, relu6 or a clip: the quantisation stays.
  void clamp(Op op) {
    Layer layer = made(op);
    const Quantization q = layers_.back().quantization;
    layer.quantization = q;
    const auto units = [&](double real) { return std::lround(real / static_cast<double>(q.scale)) + q.zero_point; };
    long low = q.zero_point, high = 127;
    if (op == Op::relu6) high = std::min(127L, units(6.0));
    if (op == Op::clip) {
      layer.alpha = -20.0F * q.scale, layer.beta = 30.0F * q.scale;
      low = std::max(-128L, q.zero_point - 20L), high = std::min(127L, q.zero_point + 30L);
    }
    Bytes out;
    for (const std::int8_t v : values_)
      out.push_back(static_cast<std::int8_t>(std::min(std::max(static_cast<long>(v), low), high)));
    push(layer, {}, out);
  }
  void table(Op op) {
    Layer layer = made(op);
    layer.quantization = any_units();
    layer.param_dtype = DType::s8;
    Bytes table(256), out;
    numbers_.fill(table.data(), table.size(), -128, 127);
    for (const std::int8_t v : values_) out.push_back(table[static_cast<std::uint8_t>(v)]);
    push(layer, {raw(table)}, out);
  }
  /// With a constant of as many channels, or with itself.
  void binary(Op op, bool itself) {
    const Layer from = layers_.back();
    Layer layer = made(op);
    const bool keeps = op == Op::minimum || op == Op::maximum;
    Bytes other = values_;
    Quantization units = from.quantization;
    if (!itself) {
      units = keeps ? units : any_units();
      other.resize(shape().c);
      numbers_.fill(other.data(), other.size(), -128, 127);
      Layer constant;
      constant.op = Op::constant, constant.dtype = constant.param_dtype = DType::s8;
      constant.shape = {1, 1, shape().c}, constant.quantization = units;
      append(constant, {raw(other)});
      layers_.push_back(constant);
    }
    const auto before = static_cast<std::uint16_t>(layers_.size() - (itself ? 1 : 2));
    layer.input_count = 2;
    layer.inputs = {before, static_cast<std::uint16_t>(layers_.size() - 1)};
    layer.quantization = keeps ? units : any_units();
    const float a = from.quantization.scale, b = units.scale;
    if (op == Op::mul) layer.quantization.scale = a * b * 90.0F;
    if (op == Op::add || op == Op::sub) layer.quantization.scale = a + b;
    const Quantization y = layer.quantization;
    const BinaryMultipliers sum = add_multipliers(a, b, y.scale, DType::s8);
    const QuantizedMultiplier product = product_multiplier(a, b, y.scale);
    Bytes out;
    for (std::size_t i = 0; i < values_.size(); ++i) {
      const std::int64_t u = values_[i], v = other[i % other.size()];
      const std::int64_t p = u - from.quantization.zero_point, q = v - units.zero_point;
      std::int64_t value = 0;
      switch (op) {
        case Op::minimum: value = std::min(u, v); break;
        case Op::maximum: value = std::max(u, v); break;
        case Op::mul: value = reference::requantize_twice(p * q, product) + y.zero_point; break;
        default: {
          const std::int64_t s = reference::requantize_twice(p << 20, sum.a);
          const std::int64_t t = reference::requantize_twice(q << 20, sum.b);
          value = reference::requantize_twice(op == Op::add ? s + t : s - t, sum.output) + y.zero_point;
        }
      }
      out.push_back(static_cast<std::int8_t>(reference::clamp(value, -128, 127)));
    }
    std::vector<Array> arrays;
    if (op == Op::mul) arrays = multipliers({product});
    if (op == Op::add || op == Op::sub) arrays = multipliers({sum.a, sum.b, sum.output});
    if (!arrays.empty()) layer.param_dtype = DType::s32;
    push(layer, arrays, out);
  }
  void pool(Op op) {
    Layer layer = made(op);
    const Shape from = shape();
    layer.quantization = layers_.back().quantization;
    layer.filter_h = static_cast<std::uint16_t>(std::min(from.h, 2U));
    layer.filter_w = static_cast<std::uint16_t>(std::min(from.w, 3U));
    layer.stride_h = layer.stride_w = layer.dilation_h = layer.dilation_w = 1;
    layer.shape = {from.h - layer.filter_h + 1, from.w - layer.filter_w + 1, from.c};
    Bytes out;
    for (std::size_t y = 0; y < layer.shape.h; ++y)
      for (std::size_t x = 0; x < layer.shape.w; ++x)
        for (std::size_t c = 0; c < from.c; ++c) {
          double sum = 0.0;
          std::int8_t most = -128;
          for (std::size_t i = 0; i < layer.filter_h; ++i)
            for (std::size_t j = 0; j < layer.filter_w; ++j) {
              const std::int8_t v = values_[((y + i) * from.w + x + j) * from.c + c];
              sum += v, most = std::max(most, v);
            }
          const long mean = std::lround(sum / (layer.filter_h * layer.filter_w));
          out.push_back(op == Op::max_pool ? most : static_cast<std::int8_t>(mean));
        }
    push(layer, {}, out);
  }
  void mean() {
    Layer layer = made(Op::reduce_mean);
    const Shape from = shape();
    const Quantization in = layers_.back().quantization;
    layer.args[0] = 6;
    layer.shape = {1, 1, from.c};
    layer.quantization = any_units();
    layer.quantization.scale = in.scale;
    layer.param_dtype = DType::s32;
    const std::uint32_t count = from.h * from.w;
    const QuantizedMultiplier q = mean_multiplier(in.scale, layer.quantization.scale, count);
    Bytes out;
    for (std::size_t c = 0; c < from.c; ++c) {
      std::int64_t sum = -std::int64_t{count} * in.zero_point;
      for (std::size_t i = 0; i < count; ++i) sum += values_[i * from.c + c];
      const std::int64_t value = reference::requantize_twice(sum, q) + layer.quantization.zero_point;
      out.push_back(static_cast<std::int8_t>(reference::clamp(value, -128, 127)));
    }
    push(layer, multipliers({q}), out);
  }
  void requantize() {
    Layer layer = made(Op::requantize);
    const Quantization in = layers_.back().quantization;
    layer.quantization = any_units();
    layer.param_dtype = DType::s32;
    const QuantizedMultiplier q = rescale_multiplier(in.scale, layer.quantization.scale);
    Bytes out;
    for (const std::int8_t v : values_)
      out.push_back(static_cast<std::int8_t>(reference::clamp(
          reference::requantize_twice(v - in.zero_point, q) + layer.quantization.zero_point, -128, 127)));
    push(layer, multipliers({q}), out);
  }
  /// To real numbers and back with the same scale.
  void through_reals() {
    Layer real = made(Op::dequantize);
    real.dtype = DType::f32;
    Layer back = layers_.back();
    layers_.push_back(real);
    Layer layer = made(Op::quantize);
    layer.quantization = back.quantization;
    push(layer, {}, values_);
  }

 private:
  using Array = std::vector<std::byte>;
  /// What a file says of a product with weights.
  struct Product {
    std::uint32_t outputs = 0, terms = 0;
    Bytes weights;  // (terms, outputs)
    std::int32_t zero_point = 0;
    std::vector<std::int32_t> bias;
    std::vector<QuantizedMultiplier> scales;
    Quantization units;

    [[nodiscard]] std::vector<Array> arrays(const Quantization& in, bool packed) const {
      Bytes laid = weights;
      std::vector<std::int32_t> folded = bias, sums(outputs), words;
      Bytes shifts;
      if (packed) laid.assign(static_cast<std::size_t>(packed_bytes(outputs, terms)), 0);
      for (std::uint32_t o = 0; o < outputs; ++o) {
        for (std::uint32_t k = 0; k < terms; ++k) {
          const std::int8_t w = weights[k * outputs + o];
          if (packed) laid[packed_index(o, k, terms)] = w;
          sums[o] += w, folded[o] -= in.zero_point * (w - zero_point);
        }
        words.push_back(scales[o].multiplier), shifts.push_back(static_cast<std::int8_t>(scales[o].shift));
      }
      std::vector<Array> out{raw(laid), raw(folded)};
      if (packed) out.push_back(raw(sums));
      out.push_back(raw(words)), out.push_back(raw(shifts));
      return out;
    }
  };
  template <class T>
  static Array raw(const std::vector<T>& values) {
    Array out(values.size() * sizeof(T));
    std::memcpy(out.data(), values.data(), out.size());
    return out;
  }
  static std::vector<Array> multipliers(const std::vector<QuantizedMultiplier>& list) {
    std::vector<std::int32_t> words;
    Bytes shifts;
    for (const QuantizedMultiplier& q : list)
      words.push_back(q.multiplier), shifts.push_back(static_cast<std::int8_t>(q.shift));
    return {raw(words), raw(shifts)};
  }
  static std::int8_t staged(std::int64_t sum, const Product& p, std::size_t o) {
    const std::int64_t value = reference::requantize_twice(sum, p.scales[o]) + p.units.zero_point;
    return static_cast<std::int8_t>(reference::clamp(value, -128, 127));
  }
  Quantization any_units() {
    return {0.01F * static_cast<float>(numbers_.between(1, 40)), numbers_.between(-128, 127)};
  }
  [[nodiscard]] Layer made(Op op) const {
    Layer layer;
    layer.op = op, layer.dtype = DType::s8, layer.shape = shape();
    layer.input_count = 1;
    layer.inputs[0] = static_cast<std::uint16_t>(layers_.size() - 1);
    return layer;
  }
  Product product(std::uint32_t outputs, std::uint32_t terms, bool may_be_shifted) {
    Product p;
    p.outputs = outputs, p.terms = terms;
    p.weights.resize(std::size_t{outputs} * terms);
    numbers_.fill(p.weights.data(), p.weights.size(), -127, 127);
    if (may_be_shifted && numbers_.next() % 4 == 0) p.zero_point = numbers_.between(-20, 20);
    p.units = any_units();
    const float in = layers_.back().quantization.scale;
    for (std::uint32_t o = 0; o < outputs; ++o) {
      p.bias.push_back(numbers_.between(-3000, 3000));
      const float weight =
          p.units.scale / in / static_cast<float>(terms) / static_cast<float>(numbers_.between(20, 60));
      p.scales.push_back(product_multiplier(in, weight, p.units.scale));
    }
    return p;
  }
  void append(Layer& layer, const std::vector<Array>& arrays) {
    layer.param_offset = static_cast<std::uint32_t>(params_.size() * sizeof(std::uint32_t));
    std::size_t bytes = 0;
    for (const Array& array : arrays) {
      const std::size_t at = params_.size();
      params_.resize(at + (array.size() + 3) / 4);
      std::memcpy(params_.data() + at, array.data(), array.size());
      bytes = (bytes + 3) / 4 * 4 + array.size();
    }
    layer.param_bytes = static_cast<std::uint32_t>(bytes);
    params_.resize((params_.size() + 3) / 4 * 4);
    if (layer.op == Op::dense || layer.op == Op::conv2d || layer.op == Op::depthwise_conv2d)
      layer.param_dtype = DType::s8, layer.flags = Layer::kHasBias;
  }
  void push(Layer layer, const std::vector<Array>& arrays, Bytes values) {
    if (!arrays.empty()) append(layer, arrays);
    layers_.push_back(layer);
    values_ = std::move(values);
  }

  Integers numbers_;
  std::vector<Layer> layers_;
  std::vector<std::uint32_t> params_;
  Bytes input_, values_;
};

alignas(64) std::array<std::byte, 64 * 1024> arena;

void check(const Chain& chain, std::uint32_t seed) {
  const Model model = chain.model();
  const Status status = validate(model);
  ASSERT_TRUE(status.ok()) << seed << ": " << describe(status) << " in layer " << status.layer;
  ASSERT_TRUE(validate_multipliers(model).ok()) << seed;
  for (const std::uint32_t batch : {1U, 3U}) {
    Result<Session> session = Session::create(model, arena, {.batch = batch});
    if (batch > 1 && session.status().code == Code::constant_in_batch) continue;
    ASSERT_TRUE(session.ok()) << describe(session.status());
    const Values<std::int8_t> in = session->input<std::int8_t>();
    for (std::size_t i = 0; i < in.size(); ++i) in[i] = chain.input()[i % chain.input().size()];
    session->run();
    const Values<std::int8_t> out = session->output<std::int8_t>();
    ASSERT_EQ(out.size(), batch * chain.wanted().size());
    for (std::size_t i = 0; i < out.size(); ++i)
      ASSERT_EQ(out[i], chain.wanted()[i % chain.wanted().size()]) << "seed " << seed << " at " << i;
  }
}

/// One layer drawn behind the others.
void extend(Chain& chain, Integers& numbers) {
  const auto draw = [&](int low, int high) { return static_cast<std::uint32_t>(numbers.between(low, high)); };
  const Shape s = chain.shape();
  const bool image = s.h > 2 && s.w > 2;
  switch (draw(0, image ? 14 : 10)) {
    case 0: return chain.clamp(Op::relu);
    case 1: return chain.clamp(Op::relu6);
    case 2: return chain.clamp(Op::clip);
    case 3: return chain.table(Op::tanh);
    case 4: return chain.table(Op::relu);
    case 5: return chain.binary(Op::add, draw(0, 1) == 0);
    case 6: return chain.binary(Op::mul, draw(0, 1) == 0);
    case 7: return chain.binary(Op::sub, draw(0, 1) == 0);
    case 8: return chain.binary(draw(0, 1) == 0 ? Op::minimum : Op::maximum, false);
    case 9: return chain.requantize();
    case 10: return chain.through_reals();
    case 11: return chain.pool(draw(0, 1) == 0 ? Op::max_pool : Op::average_pool);
    case 12: return chain.conv(Op::conv2d, {1, 1, 1, 1, 1, 1, 0, 0}, draw(1, 9));
    case 13: {
      const Window w{draw(1, 3), draw(1, 3), draw(1, 2), draw(1, 2), 1, 1, 0, 0};
      return chain.conv(Op::conv2d, w, draw(1, 40));
    }
    default: {
      Window w{draw(1, 3), draw(1, 3), 1, 1, 1, 1, 0, 0};
      w.pad_top = w.filter_h - 1, w.pad_left = w.filter_w / 2;
      return chain.conv(Op::depthwise_conv2d, w, s.c * draw(1, 2));
    }
  }
}

TEST(integer_layers, chains_equal_the_rules) {
  for (std::uint32_t seed = 1; seed <= 200; ++seed) {
    Integers numbers(seed * 77);
    const auto draw = [&](int low, int high) { return static_cast<std::uint32_t>(numbers.between(low, high)); };
    Chain chain(seed, {draw(1, 9), draw(1, 9), draw(1, 7)});
    for (std::uint32_t count = draw(1, 6); count > 0 && chain.shape().c <= 64; --count) extend(chain, numbers);
    if (draw(0, 1) == 0) chain.mean();
    if (draw(0, 1) == 0) chain.dense(draw(1, 40));
    if (draw(0, 1) == 0) chain.clamp(Op::relu6);
    if (chain.model().layers.size() > 1) check(chain, seed);
  }
}

std::size_t steps_of(const Chain& chain) { return plan_size(chain.model(), {})->steps; }

TEST(integer_layers, clamps_are_the_work_of_the_layer_before) {
  Chain chain(1, {5, 5, 3});
  chain.conv(Op::conv2d, {3, 3, 1, 1, 1, 1, 1, 1}, 8);
  chain.clamp(Op::relu6);
  chain.pool(Op::max_pool);
  chain.clamp(Op::clip);
  chain.binary(Op::mul, true);
  chain.clamp(Op::relu);
  EXPECT_EQ(steps_of(chain), 3U);
  check(chain, 1);
  chain.table(Op::relu);
  EXPECT_EQ(steps_of(chain), 4U) << "to another scale: a table, not a clamp";
  check(chain, 1);
}

TEST(integer_layers, values_of_one_byte_write_over_each_other) {
  Chain chain(3, {4, 4, 6});
  chain.table(Op::tanh);
  chain.requantize();
  chain.binary(Op::add, false);
  chain.table(Op::sigmoid);
  check(chain, 3);
  EXPECT_EQ(plan_size(chain.model(), {})->buffers, 3U) << "the input, one for all, the constant";
}

}  // namespace
}  // namespace mote
