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

/// An LSTM over `steps` vectors of three, five units, with states of its own where `keeps`.
struct LstmNetwork {
  static constexpr std::uint32_t kInputs = 3, kUnits = 5;
  std::vector<Layer> layers;
  alignas(16) std::array<std::int32_t, 200> params{};

  LstmNetwork(std::uint32_t steps, bool keeps) {
    const Quantization x{0.03F, 4}, h{0.0078F, -3}, c{0x1p-11F, 0};
    const auto add = [&](Op op, DType type, const Shape& shape, const Quantization& q,
                         std::initializer_list<std::uint16_t> inputs) {
      Layer& layer = layers.emplace_back();
      layer.op = op, layer.dtype = type, layer.shape = shape, layer.quantization = q;
      layer.input_count = static_cast<std::uint16_t>(inputs.size());
      std::copy(inputs.begin(), inputs.end(), layer.inputs.begin());
      return static_cast<std::uint16_t>(layers.size() - 1);
    };
    const Shape state{1, 1, kUnits};
    const std::uint16_t in = add(Op::input, DType::s8, {1, steps, kInputs}, x, {});
    std::uint16_t lstm = 0, before_h = 0, before_c = 0;
    if (keeps) {
      before_h = add(Op::state, DType::s8, state, h, {}), before_c = add(Op::state, DType::s16, state, c, {});
      lstm = add(Op::lstm, DType::s8, {1, steps, kUnits}, h, {in, before_h, before_c});
    } else {
      lstm = add(Op::lstm, DType::s8, {1, steps, kUnits}, h, {in});
    }
    Layer& layer = layers[lstm];
    layer.param_dtype = DType::s8, layer.flags = Layer::kHasBias, layer.args[2] = 9000;
    const ParamArrays arrays = param_arrays(layer, layers[in].shape);
    EXPECT_EQ(arrays.count, 6U);
    layer.param_bytes = static_cast<std::uint32_t>(arrays.bytes);
    auto* bytes = reinterpret_cast<std::int8_t*>(params.data());
    Integers numbers(11);
    numbers.fill(bytes, arrays.arrays[2].offset, -127, 127);  // what is packed between them is never read
    for (std::uint32_t i = 0; i < 2 * 4 * kUnits; ++i)
      params[arrays.arrays[2].offset / 4 + i] = numbers.between(-900, 900);
    const LstmScale scale =
        lstm_scale(x.scale, {0.02F, 0.03F, 0.02F, 0.04F}, {0.01F, 0.02F, 0.01F, 0.02F}, h.scale, c.scale, 0.0F);
    std::uint32_t at = 0;
    const auto put = [&](QuantizedMultiplier q) {
      params[arrays.arrays[4].offset / 4 + at] = q.multiplier;
      bytes[arrays.arrays[5].offset + at++] = static_cast<std::int8_t>(q.shift);
    };
    for (const QuantizedMultiplier& q : scale.input) put(q);
    for (const QuantizedMultiplier& q : scale.recurrent) put(q);
    put(scale.cell), put(scale.hidden), put({scale.tanh.multiplier, scale.tanh.shift});
    if (!keeps) return;
    const std::uint16_t cell = add(Op::result, DType::s16, state, c, {lstm});
    const std::uint16_t last = add(Op::slice, DType::s8, state, h, {lstm});
    layers[last].args = {0, static_cast<std::int32_t>(steps) - 1, 0, 1, 1, 1};
    add(Op::assign, DType::s8, state, h, {last, before_h});
    add(Op::assign, DType::s16, state, c, {cell, before_c});
    add(Op::output, DType::s8, {1, steps, kUnits}, h, {lstm});
  }
  [[nodiscard]] Model model() const {
    Model out;
    out.layers = layers;
    out.params = reinterpret_cast<const std::byte*>(params.data());
    out.param_bytes = sizeof params;
    return out;
  }
};

TEST(integer_layers, an_lstm_goes_on_from_run_to_run) {
  const LstmNetwork whole(6, false), halves(3, true);
  ASSERT_TRUE(validate(whole.model()).ok()) << describe(validate(whole.model()));
  ASSERT_TRUE(validate(halves.model()).ok()) << describe(validate(halves.model()));
  ASSERT_TRUE(validate_multipliers(whole.model()).ok());
  Bytes sequence(6 * LstmNetwork::kInputs), wanted, got;
  Integers(5).fill(sequence.data(), sequence.size(), -128, 127);
  Result<Session> session = Session::create(whole.model(), arena, {});
  ASSERT_TRUE(session.ok());
  std::copy(sequence.begin(), sequence.end(), session->input<std::int8_t>().begin());
  session->run();
  for (const std::int8_t v : session->output<std::int8_t>()) wanted.push_back(v);
  EXPECT_NE(wanted[0], wanted[LstmNetwork::kUnits]);
  session = Session::create(halves.model(), arena, {});
  ASSERT_TRUE(session.ok()) << describe(session.status());
  for (int round = 0; round < 2; ++round) {  // and once more from the start
    got.clear();
    session->reset_state();
    for (std::size_t half = 0; half < 2; ++half) {
      const auto first = sequence.begin() + static_cast<std::ptrdiff_t>(half * 3 * LstmNetwork::kInputs);
      std::copy(first, first + 3 * LstmNetwork::kInputs, session->input<std::int8_t>().begin());
      session->run();
      for (const std::int8_t v : session->output<std::int8_t>()) got.push_back(v);
    }
    EXPECT_EQ(got, wanted);
  }
}

TEST(integer_layers, lstm_rules) {
  const auto code = [](auto change) {
    LstmNetwork net(3, true);
    change(net.layers);
    return validate(net.model()).code;
  };
  EXPECT_EQ(code([](auto&) {}), Code::ok);
  EXPECT_EQ(code([](auto& l) { l[3].args[1] = 1; }), Code::reserved_not_zero);
  EXPECT_EQ(code([](auto& l) { l[3].args[2] = -1; }), Code::bad_attribute);
  EXPECT_EQ(code([](auto& l) { l[3].args[2] = 40000; }), Code::bad_attribute);
  EXPECT_EQ(code([](auto& l) { l[3].flags = 0; }), Code::bad_attribute) << "the biases hold zero points";
  EXPECT_EQ(code([](auto& l) { l[1].quantization.zero_point = 0; }), Code::bad_quantization) << "h before";
  EXPECT_EQ(code([](auto& l) { l[4].quantization.scale = 1.0F; }), Code::bad_quantization) << "the cell's units";
  EXPECT_EQ(code([](auto& l) { l[2].dtype = DType::s8; }), Code::unsupported_dtype) << "cells are int16";
  EXPECT_EQ(code([](auto& l) { l[4].dtype = DType::s8; }), Code::unsupported_dtype);
}

/// Two filters a unit over three steps, on top of features that a dense layer makes.
TEST(integer_layers, svdf) {
  std::vector<Layer> layers(2);
  layers[0].op = Op::input, layers[0].dtype = DType::s16, layers[0].shape = {1, 3, 4};
  layers[0].quantization = {0.001F, 0};
  Layer& svdf = layers[1];
  svdf.op = Op::svdf, svdf.dtype = DType::s8, svdf.shape = {1, 1, 2}, svdf.quantization = {0.5F, 7};
  svdf.input_count = 1, svdf.args[0] = 2;
  svdf.param_dtype = DType::s16, svdf.flags = Layer::kHasBias, svdf.param_bytes = 24 + 8 + 4 + 1;
  struct {
    alignas(16) std::int16_t weights[12] = {1, 2, 3, 4, -5, 6, 7, -8, 9, 10, -11, 12};
    std::int32_t bias[2] = {100, -200};
    std::int32_t multiplier = 1 << 30;
    std::int8_t shift = -3, unused[3] = {};
  } params;
  Model model;
  model.layers = layers;
  model.params = reinterpret_cast<const std::byte*>(&params);
  model.param_bytes = sizeof params;
  ASSERT_TRUE(validate(model).ok()) << describe(validate(model));
  Result<Session> session = Session::create(model, arena, {});
  ASSERT_TRUE(session.ok());
  const Values<std::int16_t> in = session->input<std::int16_t>();
  for (std::size_t i = 0; i < 12; ++i) in[i] = static_cast<std::int16_t>(10 * i - 40);
  session->run();
  for (std::size_t u = 0; u < 2; ++u) {
    std::int64_t sum = params.bias[u];
    for (std::size_t t = 0; t < 3; ++t)
      for (std::size_t r = 0; r < 2; ++r)
        sum += std::int64_t{in[4 * t + 2 * u + r]} * params.weights[4 * t + 2 * u + r];
    EXPECT_EQ(session->output<std::int8_t>()[u],
              reference::clamp(reference::requantize_twice(sum, {1 << 30, -3}) + 7, -128, 127));
  }
  svdf.args[0] = 3;
  EXPECT_EQ(validate(model).code, Code::bad_attribute) << "four filters are not threes";
  svdf.args[0] = 2, layers[0].dtype = DType::f32, layers[0].quantization = {};
  EXPECT_EQ(validate(model).code, Code::unsupported_dtype);
}

/// One layer on random int8 values, whose parameters are `params`; what a session makes of them.
Bytes run_layer(Layer layer, const Shape& in, const Quantization& units, const Bytes& values,
                std::span<const std::int32_t> params) {
  std::vector<Layer> layers(2);
  layers[0].op = Op::input, layers[0].dtype = DType::s8, layers[0].shape = in, layers[0].quantization = units;
  layer.dtype = DType::s8, layer.input_count = layer.op == Op::matmul ? 2 : 1;
  layers[1] = layer;
  Model model;
  model.layers = layers;
  model.params = reinterpret_cast<const std::byte*>(params.data());
  model.param_bytes = static_cast<std::uint32_t>(params.size_bytes());
  EXPECT_TRUE(validate(model).ok()) << name(layer.op) << ": " << describe(validate(model));
  Result<Session> session = Session::create(model, arena, {});
  EXPECT_TRUE(session.ok()) << describe(session.status());
  if (!session.ok()) return {};
  std::copy(values.begin(), values.end(), session->input<std::int8_t>().begin());
  session->run();
  const Values<std::int8_t> out = session->output<std::int8_t>();
  return {out.begin(), out.end()};
}
Bytes random_bytes(std::size_t count) {
  Bytes out(count);
  Integers(static_cast<std::uint32_t>(count)).fill(out.data(), count, -128, 127);
  return out;
}

TEST(integer_layers, l2_norm_takes_rows_of_channels) {
  const Bytes values = random_bytes(2 * 3 * 5);
  Bytes wanted(values.size());
  kernels::l2_norm_s8({values.data(), wanted.data(), 7, 6, 5});
  Layer layer;
  layer.op = Op::l2_norm, layer.shape = {2, 3, 5}, layer.alpha = 1e-6F, layer.quantization = {0x1p-7F, 0};
  EXPECT_EQ(run_layer(layer, {2, 3, 5}, {0.1F, 7}, values, {}), wanted);
}

TEST(integer_layers, log_softmax_has_two_multipliers) {
  const Bytes values = random_bytes(4 * 9);
  const SoftmaxScale scale = softmax_scale(1.0F, 0.08F);
  const QuantizedMultiplier back = log_softmax_reverse(scale);
  Bytes wanted(values.size());
  kernels::log_softmax_s8({values.data(), wanted.data(), scale, back, 4, 9});
  std::array<std::int32_t, 3> params{scale.input.multiplier, back.multiplier};
  const std::int8_t shifts[] = {static_cast<std::int8_t>(scale.input.shift), static_cast<std::int8_t>(back.shift)};
  std::memcpy(params.data() + 2, shifts, 2);
  Layer layer;
  layer.op = Op::log_softmax, layer.shape = {1, 4, 9}, layer.quantization = {0x1p-4F, 127};
  layer.param_dtype = DType::s32, layer.param_bytes = 10;
  EXPECT_EQ(run_layer(layer, {1, 4, 9}, {0.08F, -5}, values, params), wanted);
}

TEST(integer_layers, matmul_of_a_value_with_itself) {
  const Bytes values = random_bytes(2 * 3 * 4);
  const QuantizedMultiplier scale = product_multiplier(0.1F, 0.1F, 0.9F);
  Bytes wanted(2 * 3 * 3);
  kernels::matmul_s8({values.data(), values.data(), wanted.data(), 2, 3, 4, 3, true, 9, 9, -20, scale});
  const std::array<std::int32_t, 2> params{scale.multiplier, scale.shift & 255};
  Layer layer;
  layer.op = Op::matmul, layer.shape = {2, 3, 3}, layer.args[0] = 1, layer.quantization = {0.9F, -20};
  layer.param_dtype = DType::s32, layer.param_bytes = 5;
  EXPECT_EQ(run_layer(layer, {2, 3, 4}, {0.1F, 9}, values, params), wanted);
}

TEST(integer_layers, resize_by_every_rule) {
  const Bytes values = random_bytes(3 * 4 * 2);
  for (const std::int32_t rule : {0, 1, 2}) {
    Bytes wanted(5 * 7 * 2);
    kernels::resize_bilinear_s8({values.data(), wanted.data(), 1, {3, 4, 2}, 5, 7, rule == 2, rule == 0});
    Layer layer;
    layer.op = Op::resize_bilinear, layer.shape = {5, 7, 2}, layer.quantization = {0.1F, 3};
    layer.args = {rule, 0, 1};
    layer.alpha = rule == 2 ? 2.0F / 4.0F : 3.0F / 5.0F, layer.beta = rule == 2 ? 3.0F / 6.0F : 4.0F / 7.0F;
    EXPECT_EQ(run_layer(layer, {3, 4, 2}, {0.1F, 3}, values, {}), wanted) << rule;
  }
}

TEST(integer_layers, conv2d_transpose_has_its_bias_unfolded) {
  const Bytes values = random_bytes(3 * 2 * 3), weights = random_bytes(2 * 3 * 2 * 3);
  const QuantizedMultiplier scale = product_multiplier(0.1F, 0.02F, 0.3F);
  struct {
    std::int8_t weights[36];
    std::int32_t bias[2] = {300, -100}, multipliers[2] = {};
    std::int8_t shifts[2] = {}, unused[2] = {};
  } params;
  std::copy(weights.begin(), weights.end(), params.weights);
  for (std::size_t o = 0; o < 2; ++o)
    params.multipliers[o] = scale.multiplier, params.shifts[o] = static_cast<std::int8_t>(scale.shift);
  ConvS8Args args{};
  const Shape in{3, 2, 3}, out{5, 4, 2};
  Bytes wanted(static_cast<std::size_t>(out.elements()));
  args.input = values.data(), args.weights = params.weights, args.bias = params.bias, args.output = wanted.data();
  args.shape = {1, in, out, {2, 3, 2, 2, 1, 1, 1, 0}};
  args.input_zero_point = 11;
  args.stage = {params.multipliers, params.shifts, -4, {-128, 127}};
  kernels::conv2d_transpose_s8(args);
  Layer layer;
  layer.op = Op::conv2d_transpose, layer.shape = out, layer.quantization = {0.3F, -4};
  layer.filter_h = 2, layer.filter_w = 3, layer.stride_h = layer.stride_w = 2;
  layer.dilation_h = layer.dilation_w = 1, layer.pad_top = 1, layer.pad_right = 1;
  layer.param_dtype = DType::s8, layer.flags = Layer::kHasBias, layer.param_bytes = 36 + 8 + 8 + 2;
  const std::span<const std::int32_t> words(reinterpret_cast<const std::int32_t*>(&params), sizeof params / 4);
  EXPECT_EQ(run_layer(layer, in, {0.1F, 11}, values, words), wanted);
}

}  // namespace
}  // namespace mote
