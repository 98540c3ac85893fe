// SPDX-License-Identifier: Apache-2.0
// Random networks over all operators of float32 layers and of what moves values of any type: what each operator is
// given, and how a graph begins and ends.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <vector>

#include "unit/operator_graph.hpp"

namespace mote::test {

class OperatorGraphBuilder : private OperatorGraphWriter {
 public:
  /// `training`: inputs are float32, and the first output is a vector that most of the graph leads to.
  OperatorGraphBuilder(OperatorGraph& graph, Random& random, bool training)
      : OperatorGraphWriter(graph, random, training) {}

  void build(std::uint32_t wished_layers) {
    while (push_input(true) == kNone) {
    }
    for (std::uint32_t more = random_.chance(60) ? 0 : random_.between(1, 2); more > 0; --more) push_input(false);
    for (std::size_t i = 0, inputs = size(); i < inputs && training_; ++i)
      if (random_.chance(80)) push_trained(i);
    if (random_.chance(20)) push_state();
    for (int tries = 0; graph_.layers.size() < wished_layers && tries < 600; ++tries)
      make(kOps[random_.below(std::size(kOps))]);
    finish();
  }

 private:
  // ---- sources
  std::size_t push_input(bool first) {
    LayerSpec wish = detail::spec(Op::input);
    wish.layer.shape = random_shape();
    if (!first && !training_) wish.layer.dtype = random_type(), wish.layer.quantization = units_of(wish.layer.dtype);
    return push(wish, {});
  }
  std::size_t push_constant(Shape s, DType type = DType::f32, double low = -1.5, double high = 1.5) {
    LayerSpec wish = constant(s.h, s.w, s.c);
    wish.layer.dtype = type, wish.layer.quantization = units_of(type);
    constant_low_ = low, constant_high_ = high;
    return push(wish, {});
  }
  std::size_t push_state() {
    const Shape s = random_shape();
    LayerSpec wish = state(s.h, s.w, s.c);
    if (random_.chance(25)) wish.layer.dtype = random_type(), wish.layer.quantization = units_of(wish.layer.dtype);
    if (random_.chance(50)) wish.layer.param_bytes = 1;  // what it begins with is among the parameters
    constant_low_ = -1.0, constant_high_ = 1.0;
    return push(wish, {});
  }
  /// A layer of this shape and type made of another.
  std::size_t push_of_shape(Shape s, DType type) {
    std::size_t i =
        push(dense(static_cast<std::uint32_t>(s.elements()), {random_.chance(80), trainable()}), {pick_real()});
    i = push(mote::tanh(), {i});
    if (!is_vector_shape(s)) i = push(reshape(s.h, s.w, s.c), {i});
    return type == DType::f32 ? i : push(cast(type, units_of(type)), {i});
  }
  static bool is_vector_shape(Shape s) { return s.h == 1 && s.w == 1; }
  std::size_t push_assign() {
    const std::size_t kept = pick([&](std::size_t i) { return layer(i).op == Op::state; });
    if (kept == kNone) return kNone;
    std::size_t value = kNone;
    if (random_.chance(70))
      value = pick([&](std::size_t i) { return shape(i) == shape(kept) && layer(i).dtype == layer(kept).dtype; }, true);
    if (value == kNone || (shown(value) == kept && random_.chance(70)))
      value = push_of_shape(shape(kept), layer(kept).dtype);
    if (value == kNone) return kNone;
    for (std::size_t i = 0; i < size(); ++i)  // what nobody could read behind the assignment
      if (i != kept && !is_valueless(layer(i).op) && layer(i).op != Op::output && shown(i) == kept && reads_[i] == 0 &&
          i != value)
        push(output(), {i});
    const std::size_t index = push(assign(""), {value, kept});
    for (std::size_t i = 0; i < size() && index != kNone; ++i)
      if (!is_valueless(layer(i).op) && shown(i) == kept) dead_[i] = true;
    return index;
  }

  /// What a gradient goes to the input of what comes next for.
  std::size_t push_trained(std::size_t i) {
    ConvOptions o;
    o.filter = window(3), o.padding = Padding::same;
    switch (random_.below(5)) {
      case 0: return push(dense(1 + channels(11)), {i});
      case 1: return push(conv2d(channels(4), o), {i});
      case 2: return push(depthwise_conv2d(small(1, 2), o), {i});
      case 3: return push(spline(small(2, 7)), {i});
      default: return push(rms_norm({0.05F, true}), {i});
    }
  }

  // ---- two operands
  std::size_t push_narrowed(std::size_t a) {
    const Shape s = shape(a);
    if (!is_real(a) || random_.chance(40)) {
      const Shape to = narrowed(s);
      std::array<std::int32_t, 3> begin{};
      for (std::size_t i = 0; i < 3; ++i)
        begin[i] = extent(to, 2 - i) == 1 ? static_cast<std::int32_t>(random_.below(extent(s, 2 - i))) : 0;
      return push(slice(begin, to), {a});
    }
    return push(detail::along(random_.chance(50) ? Op::reduce_mean : Op::reduce_max, axes()), {a});
  }
  std::size_t partner(std::size_t a) {
    const std::uint32_t choice = random_.below(100);
    if (choice < 40) {
      const std::size_t b = pick(
          [&](std::size_t i) {
            const std::array<Shape, 2> both{shape(a), shape(i)};
            const std::uint64_t elements = detail::broadcast_shape(both).elements();
            return layer(i).dtype == layer(a).dtype && elements != 0 && elements * graph_.batch <= most_values() &&
                   i != a;
          },
          true);
      if (b != kNone) return b;
    }
    if (choice < 65) return push_constant(narrowed(shape(a)), layer(a).dtype);
    if (choice < 72 || is_constant(a)) return a;
    return push_narrowed(a);
  }
  /// Its elements are above zero, in every run.
  std::size_t positive(std::size_t i) {
    if (i == kNone) return kNone;
    if (is_constant(i)) return push_constant(shape(i), DType::f32, 0.3, 2.0);
    const Op op = layer(shown(i)).op;
    const bool above = op == Op::softplus || op == Op::exp || op == Op::sigmoid || op == Op::softmax;
    if (above && random_.chance(70)) return i;
    return push(random_.chance(60) ? softplus() : random_.chance(50) ? exp() : sigmoid(), {i});
  }
  std::size_t push_binary(Op op) {
    std::size_t a = pick([&](std::size_t i) { return is_real(i); }, true);
    if (op == Op::pow) a = positive(a);
    if (a == kNone) return kNone;
    std::size_t b = partner(a);
    if (op == Op::div) b = positive(b);
    const bool either = op != Op::div && op != Op::pow;
    if (either && random_.chance(50)) std::swap(a, b);
    return push(detail::spec(op), {a, b});
  }
  std::size_t condition() {
    const std::size_t i = pick([&](std::size_t at) { return layer(at).dtype == DType::boolean; }, true);
    return i != kNone && random_.chance(70) ? i : push_binary(random_.chance(50) ? Op::less : Op::greater_equal);
  }
  std::size_t push_select() {
    const std::size_t chosen = condition();
    if (chosen == kNone) return kNone;
    const std::size_t a = pick(
        [&](std::size_t i) {
          const std::array<Shape, 2> both{shape(chosen), shape(i)};
          return detail::broadcast_shape(both).elements() != 0 && (is_real(i) || random_.chance(40));
        },
        true);
    if (a == kNone) return kNone;
    std::size_t b = partner(a);
    return random_.chance(50) ? push(detail::spec(Op::select), {chosen, a, b})
                              : push(detail::spec(Op::select), {chosen, b, a});
  }
  std::size_t push_sum() {
    const std::size_t a = pick_real();
    if (random_.chance(50)) return push_binary(Op::add);
    std::vector<std::size_t> operands{a};
    const std::uint32_t wished = random_.between(2, 7);
    for (int tries = 0; operands.size() < wished && tries < 20; ++tries) {
      const std::size_t b = pick([&](std::size_t i) { return is_real(i) && shape(i) == shape(a); });
      if (b != kNone && (b != a || random_.chance(20))) operands.push_back(b);
    }
    return operands.size() < 2 ? kNone : push_many(Op::add, 0, operands);
  }
  std::size_t push_concat() {
    const std::size_t a = pick_any();
    const std::uint8_t along = axis();
    std::vector<std::size_t> operands{a};
    const std::uint32_t wished = random_.between(2, 6);
    for (int tries = 0; operands.size() < wished && tries < 12; ++tries) {
      const std::size_t b = pick([&](std::size_t i) {
        Shape s = shape(i);
        extent(s, along) = extent(shape(a), along);
        return layer(i).dtype == layer(a).dtype && s == shape(a);
      });
      if (b != kNone && (b != a || random_.chance(30))) operands.push_back(b);
    }
    if (operands.size() < 2) operands.push_back(a);
    std::swap(operands[0], operands[random_.below(static_cast<std::uint32_t>(operands.size()))]);
    return push_many(Op::concat, along, operands);
  }

  // ---- what moves values
  std::size_t push_transpose() {
    const std::size_t a = pick_any();
    const auto elements = static_cast<std::uint32_t>(shape(a).elements());
    const Shape outer = random_.chance(50) ? shape(a) : random_factors(elements);
    std::array<std::uint32_t, 4> extents{outer.h, outer.w, outer.c, 1};
    std::uint32_t inner = random_.between(1, outer.c);
    while (outer.c % inner != 0) --inner;
    extents[2] = outer.c / inner, extents[3] = inner;
    std::array<std::uint8_t, 4> order{0, 1, 2, 3};
    for (std::uint32_t i = 3; i > 0; --i) std::swap(order[i], order[random_.below(i + 1)]);
    Shape out{extents[order[0]], extents[order[1]], extents[order[2]] * extents[order[3]]};
    if (random_.chance(40)) out = random_factors(elements);
    return push(transpose(extents, order, out), {a});
  }
  std::size_t push_slice() {
    const std::size_t a = pick_any();
    std::array<std::int32_t, 3> begin{}, step{};
    Shape out;
    for (std::size_t i = 0; i < 3; ++i) {
      const std::uint32_t whole = extent(shape(a), 2 - i);
      const std::uint32_t stride = random_.chance(65) ? 1 : random_.between(1, 3);
      std::uint32_t first = random_.chance(40) ? 0 : random_.below(whole);
      const std::uint32_t most = (whole - 1 - first) / stride + 1;
      const std::uint32_t count = random_.chance(50) ? most : random_.between(1, most);
      const bool back = random_.chance(25);
      begin[i] = static_cast<std::int32_t>(back ? first + (count - 1) * stride : first);
      step[i] = static_cast<std::int32_t>(stride) * (back ? -1 : 1);
      extent(out, 2 - i) = count;
    }
    return push(slice(begin, out, step), {a});
  }
  std::size_t push_pad() {
    const std::size_t a = pick_any();
    PadOptions o;
    o.rule = static_cast<PadRule>(random_.below(4));
    const auto side = [&] { return random_.chance(50) ? std::uint16_t{0} : small(1, 3); };
    o.pads = {side(), side(), side(), side()};
    if (random_.chance(40)) o.before_c = side(), o.behind_c = side();
    if (o.rule == PadRule::constant && random_.chance(60))
      o.value = is_real(a) ? random_.real() : layer(a).dtype == DType::boolean ? 1.0F : 3.0F;
    return push(pad(o), {a});
  }
  std::size_t push_tile() {
    const std::size_t a = pick_any();
    Shape out = shape(a);
    for (std::size_t i = 0; i < 3; ++i) extent(out, i) *= random_.chance(50) ? 1 : random_.between(1, 3);
    return push(tile(out), {a});
  }
  std::size_t push_gather() {
    const std::size_t a = pick([&](std::size_t i) { return is_real(i) || random_.chance(40); }, true);
    if (a == kNone) return kNone;
    std::size_t indices = kNone;
    const auto is_index = [&](std::size_t i) { return layer(i).dtype == DType::s32 && is_vector(i); };
    switch (random_.below(4)) {
      case 0: indices = push_constant({1, 1, random_.between(1, 6)}, DType::s32); break;
      case 1: {
        const std::size_t found = push(random_.chance(50) ? argmax(axis()) : argmin(axis()), {pick_real()});
        indices = found == kNone || is_vector(found) ? found : push(flatten(), {found});
        break;
      }
      case 2: {
        const std::size_t vector = pick([&](std::size_t i) { return is_real(i) && is_vector(i); });
        indices = push(cast(DType::s32), {vector});
        break;
      }
      default: indices = pick(is_index, true);
    }
    return push(gather("", axis()), {a, indices});
  }
  std::size_t push_resize(Op op) {
    const std::size_t a = op == Op::resize_nearest ? pick_any() : pick_real();
    const std::uint32_t h = random_.between(1, 8), w = random_.between(1, 8);
    const auto rule = static_cast<ResizeCoordinates>(random_.below(5));
    if (op == Op::resize_bilinear) return push(resize_bilinear(h, w, rule), {a});
    const Shape from = shape(a);
    if (undecided(rule, from.h, h) || undecided(rule, from.w, w)) return kNone;
    return push(resize_nearest(h, w, rule, static_cast<ResizeRounding>(random_.below(4))), {a});
  }
  /// Whether a place lies so near a tie or an input that float32 and double may choose another one.
  static bool undecided(ResizeCoordinates rule, std::uint32_t from, std::uint32_t to) {
    for (std::uint32_t i = 0; i < to; ++i) {
      const auto scale = static_cast<double>(static_cast<float>(to) / static_cast<float>(from));
      const double twice = 2.0 * reference::resize_place(rule, i, from, to, 1.0 / scale);
      if (twice != std::nearbyint(twice) && std::fabs(twice - std::nearbyint(twice)) < 1e-4) return true;
    }
    return false;
  }

  // ---- layers that compute
  std::size_t sequence() {
    const std::size_t a = pick([&](std::size_t i) { return is_real(i) && shape(i).h == 1 && shape(i).w <= 8; });
    if (a != kNone && random_.chance(60)) return a;
    const std::size_t b = pick([&](std::size_t i) { return is_real(i) && shape(i).h * shape(i).w <= 12; });
    return b == kNone ? a : push(reshape(1, shape(b).h * shape(b).w, shape(b).c), {b});
  }
  std::size_t push_recurrent(Op op) {
    const std::size_t x = sequence();
    RecurrentOptions o;
    o.reverse = random_.chance(40), o.linear_before_reset = random_.chance(50), o.bias = random_.chance(75);
    o.activation = static_cast<RecurrentActivation>(random_.below(3)), o.trainable = trainable();
    if (op == Op::lstm && random_.chance(25)) o.cell_clip = 0.4F;
    std::uint32_t units = channels(5);
    std::size_t h = kNone, c = kNone;
    if (random_.chance(45)) {
      h = pick([&](std::size_t i) { return is_real(i) && is_vector(i) && shape(i).c <= 8 * scale_; });
      if (h == kNone || random_.chance(30)) h = push(dense(units, {true, trainable()}), {pick_real()});
      if (h == kNone) return kNone;
      units = shape(h).c;
      const auto fits = [&](std::size_t i) { return is_real(i) && shape(i) == shape(h); };
      if (op == Op::lstm && random_.chance(60)) c = random_.chance(50) ? pick(fits) : push(mote::tanh(), {h});
    }
    const LayerSpec wish = op == Op::lstm ? lstm(units, o) : op == Op::gru ? gru(units, o) : rnn(units, o);
    const std::size_t i = c != kNone ? push(wish, {x, h, c}) : h != kNone ? push(wish, {x, h}) : push(wish, {x});
    if (i != kNone && op == Op::lstm && random_.chance(60)) push(result(), {i});
    return i;
  }
  std::size_t push_matmul() {
    const std::size_t a = pick_real();
    const bool turned = random_.chance(50);
    std::size_t b = pick([&](std::size_t i) {
      return is_real(i) && shape(i).h == shape(a).h && (turned ? shape(i).c : shape(i).w) == shape(a).c && i != a;
    });
    if (b == kNone && turned && random_.chance(50)) b = a;
    if (b == kNone) {
      const std::uint32_t columns = channels(4);
      const Shape s = turned ? Shape{shape(a).h, columns, shape(a).c} : Shape{shape(a).h, shape(a).c, columns};
      b = graph_.batch == 1 && random_.chance(50) ? push_constant(s) : push_of_shape(s, DType::f32);
    }
    return push(matmul("", turned), {a, b});
  }
  std::size_t push_convolution(Op op) {
    const std::size_t a = pick_real();
    ConvOptions o = conv_options();
    if (op == Op::conv2d) return push(conv2d(channels(5), o), {a});
    if (op == Op::depthwise_conv2d) return push(depthwise_conv2d(small(1, 2), o), {a});
    const std::uint32_t most_h = std::max(o.stride.h, o.dilation.h), most_w = std::max(o.stride.w, o.dilation.w);
    const Size2 more{small(0, most_h - 1), small(0, most_w - 1)};
    return push(conv2d_transpose(channels(4), o, o.padding == Padding::same ? Size2{0, 0} : more), {a});
  }
  /// A convolution and a sum with its input, perhaps clamped: what one kernel makes.
  std::size_t push_residual() {
    const std::size_t a = pick([&](std::size_t i) { return is_real(i) && shape(i).c <= 6 * scale_; });
    if (a == kNone) return kNone;
    ConvOptions o = conv_options();
    o.padding = Padding::same, o.pads = {}, o.stride = {1, 1};
    const std::size_t inner = push(conv2d(shape(a).c, o), {a});
    const std::size_t sum =
        random_.chance(50) ? push(detail::spec(Op::add), {a, inner}) : push(detail::spec(Op::add), {inner, a});
    return sum != kNone && random_.chance(50) ? push(random_.chance(50) ? relu() : relu6(), {sum}) : sum;
  }

  std::size_t make(Op op) {
    if (is_comparison(op) || is_binary(op)) return push_binary(op);
    if (is_reduction(op)) return push(detail::along(op, axes()), {pick_real()});
    switch (op) {
      case Op::input: return random_.chance(10) ? push_input(false) : push_residual();
      case Op::constant: return push_constant(random_shape(), random_.chance(80) ? DType::f32 : random_type());
      case Op::state: return random_.chance(50) ? push_state() : kNone;
      case Op::assign: return random_.chance(40) ? push_assign() : kNone;
      case Op::output:
        return training_ && !random_.chance(2)
                   ? kNone
                   : push(output(), {pick([&](std::size_t i) { return !training_ || is_real(i); }, !training_)});
      case Op::result:  // of every second LSTM
      case Op::lstm: return push_recurrent(Op::lstm);
      case Op::gru:
      case Op::rnn: return push_recurrent(op);
      case Op::dense: return push(dense(channels(12), {random_.chance(80), trainable()}), {pick_real()});
      case Op::conv2d:
      case Op::depthwise_conv2d:
      case Op::conv2d_transpose: return push_convolution(op);
      case Op::max_pool: return push(max_pool(pool_options()), {pick_real()});
      case Op::average_pool: return push(average_pool(pool_options()), {pick_real()});
      case Op::global_average_pool: return push(global_average_pool(), {pick_real()});
      case Op::batch_norm: {
        const std::size_t a = pick_real();
        const bool trains = trainable() && graph_.batch * shape(a).h * shape(a).w > 2;
        return push(batch_norm({1e-2F, 0.1F, trains}), {a});
      }
      case Op::dropout: return push(dropout(training_ ? 0.0F : 0.3F), {pick_real()});
      case Op::gaussian_noise: return push(gaussian_noise(training_ ? 0.0F : 0.3F), {pick_real()});
      case Op::add: return push_sum();
      case Op::concat: return push_concat();
      case Op::reshape: {
        const std::size_t a = pick([&](std::size_t i) { return is_real(i) || random_.chance(30); }, true);
        const Shape s = random_factors(static_cast<std::uint32_t>(shape(a).elements()));
        return random_.chance(30) ? push(flatten(), {a}) : push(reshape(s.h, s.w, s.c), {a});
      }
      case Op::identity: return push(identity(), {pick([&](std::size_t) { return true; }, true)});
      case Op::rbf: return push(rbf(random_.between(1, 5), {trainable()}), {pick_real()});
      case Op::spline: return push(spline(small(2, 7), {trainable()}), {pick_real()});
      case Op::softmax: return push(softmax(axis()), {pick_real()});
      case Op::log_softmax: return push(log_softmax(axis()), {pick_real()});
      case Op::bias_add: return push(bias_add({trainable()}), {pick_real()});
      case Op::layer_norm: return push(layer_norm({0.05F, false, trainable()}), {pick_real()});
      case Op::rms_norm: return push(rms_norm({0.05F, random_.chance(50), trainable()}), {pick_real()});
      case Op::l2_norm: return push(l2_norm(0.1F), {pick_real()});
      case Op::lrn:
        return push(lrn({small(0, 3), small(0, 3), 0.3F, random_.chance(50) ? 0.75F : 0.5F, 1.25F}), {pick_real()});
      case Op::matmul: return push_matmul();
      case Op::log:
      case Op::sqrt:
      case Op::rsqrt: return push(detail::spec(op), {positive(pick_real())});
      case Op::leaky_relu: return push(leaky_relu(0.1F), {pick_real()});
      case Op::hard_sigmoid: return push(hard_sigmoid(0.3F, 0.5F), {pick_real()});
      case Op::clip: return push(clip(-0.7F, 0.9F), {pick_real()});
      case Op::logical_not: return push(logical_not(), {condition_of_samples()});
      case Op::logical_and:
      case Op::logical_or: {
        const std::size_t a = condition();
        return a == kNone ? kNone : push(detail::spec(op), {a, partner(a)});
      }
      case Op::select: return push_select();
      case Op::transpose: return push_transpose();
      case Op::slice: return push_slice();
      case Op::pad: return push_pad();
      case Op::tile: return push_tile();
      case Op::gather: return push_gather();
      case Op::resize_nearest:
      case Op::resize_bilinear: return push_resize(op);
      case Op::argmax: return push(argmax(axis()), {pick_real()});
      case Op::argmin: return push(argmin(axis()), {pick_real()});
      case Op::cast: {
        const std::size_t a = pick_any();
        const DType type = random_type();
        return push(cast(type, units_of(type)), {a});
      }
      case Op::fake_quantize:  // its gradient is none of its value: train/quantization_aware_test.cpp
      case Op::quantize:       // layers on integers: integer_layers_host.cpp
      case Op::dequantize:
      case Op::requantize:
      case Op::svdf: return kNone;
      default: return push(detail::spec(op), {pick_real()});
    }
  }
  std::size_t condition_of_samples() {
    const std::size_t i = condition();
    return i == kNone || (graph_.batch > 1 && is_constant(i)) ? kNone : i;
  }

  // ---- the end
  /// A vector of a few numbers of a value.
  std::size_t squeezed(std::size_t i) {
    if (shape(i).elements() <= 16) return is_vector(i) ? i : push(flatten(), {i});
    if (random_.chance(40) && shape(i).c <= 16) return push(global_average_pool(), {i});
    return push(dense(random_.between(1, 4), {true, trainable()}), {i});
  }
  void join() {
    std::vector<std::size_t> ends;
    const std::size_t count = size();
    for (std::size_t i = 0; i < count; ++i)
      if (reads_[i] == 0 && may_read(i, false) && is_real(i) && layer(i).op != Op::output)
        if (const std::size_t end = squeezed(i); end != kNone) ends.push_back(end);
    if (ends.empty()) ends.push_back(squeezed(pick_real()));
    std::size_t all = ends[0];
    if (ends.size() > 1) all = push_many(Op::concat, 0, ends);
    if (all == kNone) all = ends[0];
    all = push(random_.chance(50) ? mote::tanh() : identity(), {all});
    std::size_t last = push(dense(random_.between(2, 4), {true, true}), {all});
    if (random_.chance(25)) last = push(softmax(), {last});  // a cross-entropy leaves it out
    push(output(), {last});
  }
  void finish() {
    for (std::size_t i = 0; i < size(); ++i)
      if (layer(i).op == Op::state && !dead_[i] && random_.chance(80)) push_assign();
    if (training_ || random_.chance(60)) join();
    if (is_valueless(layer(size() - 1).op)) push(output(), {pick_real()});
    for (std::size_t i = 0; i < size(); ++i) {
      const Op op = layer(i).op;
      if (op == Op::output || is_valueless(op)) continue;
      if (dead_[i] || (reads_[i] != 0 && !random_.chance(4)) || (op == Op::input && random_.chance(50))) continue;
      push(output(), {i});
    }
  }
};

/// Graph number `seed`, of 3 to about 60 layers.
inline OperatorGraph operator_graph(std::uint32_t seed, bool training) {
  Random random(seed);
  OperatorGraph graph;
  graph.batch = random.between(1, 4);
  OperatorGraphBuilder(graph, random, training).build(random.between(2, 40));
  return graph;
}

}  // namespace mote::test
