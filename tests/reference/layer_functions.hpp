// SPDX-License-Identifier: Apache-2.0
// What each operator computes, from src/FORMAT.md and ops.inc, as straight loops over the value.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <vector>

#include "mote/model/shape_rule.hpp"
#include "reference/layer_values.hpp"
#include "reference/movement.hpp"
#include "reference/resize.hpp"

namespace mote::reference {

class LayerFunctions : public LayerValues {
 protected:
  using LayerValues::LayerValues;

  void dense() {
    const auto fan_in = static_cast<std::size_t>(shapes_[0].elements());
    const std::size_t units = layer_->shape.c;
    each([&](std::size_t n, std::size_t, std::size_t, std::size_t c) {
      Dual sum = bias(fan_in * units + c);
      for (std::size_t j = 0; j < fan_in; ++j) sum += (*operands_[0])[n * fan_in + j] * param(j * units + c);
      return sum;
    });
  }
  /// visit(tap, row, column) for the taps of the window at (y, x) that lie in the image.
  template <class Visit>
  void taps(std::size_t y, std::size_t x, const Visit& visit) const {
    const Layer& l = *layer_;
    for (std::size_t i = 0; i < l.filter_h; ++i)
      for (std::size_t j = 0; j < l.filter_w; ++j) {
        const std::size_t row = y * l.stride_h + i * l.dilation_h, column = x * l.stride_w + j * l.dilation_w;
        if (row < l.pad_top || row >= std::size_t{l.pad_top} + shapes_[0].h || column < l.pad_left ||
            column >= std::size_t{l.pad_left} + shapes_[0].w)
          continue;
        visit(i * l.filter_w + j, row - l.pad_top, column - l.pad_left);
      }
  }
  void convolution() {
    const std::size_t channels = shapes_[0].c, units = layer_->shape.c;
    const std::size_t window = std::size_t{layer_->filter_h} * layer_->filter_w;
    const bool depthwise = layer_->op == Op::depthwise_conv2d;
    each([&](std::size_t n, std::size_t y, std::size_t x, std::size_t o) {
      Dual sum = bias(window * (depthwise ? units : channels * units) + o);
      taps(y, x, [&](std::size_t tap, std::size_t row, std::size_t column) {
        if (depthwise) {
          sum += in(0, n, row, column, o / layer_->depth_multiplier) * param(tap * units + o);
          return;
        }
        for (std::size_t c = 0; c < channels; ++c)
          sum += in(0, n, row, column, c) * param((tap * channels + c) * units + o);
      });
      return sum;
    });
  }
  void scattered_convolution() {
    const Layer& l = *layer_;
    const Shape &from = shapes_[0], &to = l.shape;
    const std::size_t window = std::size_t{l.filter_h} * l.filter_w;
    each([&](std::size_t, std::size_t, std::size_t, std::size_t o) { return bias(window * from.c * to.c + o); });
    for (std::size_t n = 0; n < batch_; ++n)
      for (std::size_t y = 0; y < from.h; ++y)
        for (std::size_t x = 0; x < from.w; ++x)
          for (std::size_t i = 0; i < l.filter_h; ++i)
            for (std::size_t j = 0; j < l.filter_w; ++j) {
              const std::size_t row = y * l.stride_h + i * l.dilation_h, column = x * l.stride_w + j * l.dilation_w;
              if (row < l.pad_top || row >= std::size_t{l.pad_top} + to.h || column < l.pad_left ||
                  column >= std::size_t{l.pad_left} + to.w)
                continue;
              const std::size_t tap = (l.filter_h - 1U - i) * l.filter_w + (l.filter_w - 1U - j);
              for (std::size_t c = 0; c < from.c; ++c)
                for (std::size_t o = 0; o < to.c; ++o)
                  (*out_)[place(to, n, row - l.pad_top, column - l.pad_left, o)] +=
                      in(0, n, y, x, c) * param((tap * from.c + c) * to.c + o);
            }
  }
  void pool() {
    const bool largest_tap = layer_->op == Op::max_pool;
    const auto window = static_cast<double>(layer_->filter_h * layer_->filter_w);
    each([&](std::size_t n, std::size_t y, std::size_t x, std::size_t c) {
      Dual result;
      std::size_t seen = 0;
      taps(y, x, [&](std::size_t, std::size_t row, std::size_t column) {
        const Dual& value = in(0, n, row, column, c);
        result = seen++ == 0 ? value : largest_tap ? largest(result, value) : result + value;
      });
      if (largest_tap) return result;
      return result / Dual{layer_->args[0] != 0 ? window : static_cast<double>(seen)};
    });
  }
  void batch_norm() {
    const std::size_t channels = layer_->shape.c, rows = out_->size() / channels;
    const Values& x = *operands_[0];
    for (std::size_t c = 0; c < channels; ++c) {
      Dual mean = param(2 * channels + c), variance = param(3 * channels + c);
      if (batch_statistics_) {
        const Dual number{static_cast<double>(rows)};
        mean = variance = Dual{};
        for (std::size_t r = 0; r < rows; ++r) mean += x[r * channels + c] / number;
        for (std::size_t r = 0; r < rows; ++r) {
          const Dual distance = x[r * channels + c] - mean;
          variance += distance * distance / number;
        }
      }
      const Dual deviation = sqrt(variance + Dual{static_cast<double>(layer_->alpha)});
      for (std::size_t r = 0; r < rows; ++r)
        (*out_)[r * channels + c] = param(c) * (x[r * channels + c] - mean) / deviation + param(channels + c);
    }
  }
  void norm() {
    const std::size_t channels = layer_->shape.c;
    const Dual epsilon{static_cast<double>(layer_->alpha)}, number{static_cast<double>(channels)};
    for (std::size_t at = 0; at < out_->size(); at += channels) {
      const Dual* x = operands_[0]->data() + at;
      Dual* y = out_->data() + at;
      Dual mean, square;
      for (std::size_t c = 0; c < channels && layer_->op == Op::layer_norm; ++c) mean += x[c] / number;
      for (std::size_t c = 0; c < channels; ++c) square += (x[c] - mean) * (x[c] - mean);
      const Dual length = layer_->op == Op::l2_norm ? largest(sqrt(square), epsilon) : sqrt(square / number + epsilon);
      const bool shifted = layer_->op == Op::layer_norm || layer_->has_bias();
      for (std::size_t c = 0; c < channels; ++c) {
        y[c] = (x[c] - mean) / length;
        if (layer_->op != Op::l2_norm) y[c] = param(c) * y[c];
        if (shifted) y[c] += param(channels + c);
      }
    }
  }
  void local_response() {
    const auto before = static_cast<std::size_t>(layer_->args[0]), behind = static_cast<std::size_t>(layer_->args[1]);
    each([&](std::size_t n, std::size_t y, std::size_t x, std::size_t c) {
      Dual sum{static_cast<double>(std::bit_cast<float>(layer_->args[2]))};
      for (std::size_t k = 0; k < layer_->shape.c; ++k)
        if (k + before >= c && k <= c + behind)
          sum += Dual{static_cast<double>(layer_->alpha)} * in(0, n, y, x, k) * in(0, n, y, x, k);
      return in(0, n, y, x, c) * exp(Dual{-static_cast<double>(layer_->beta)} * log(sum));
    });
  }
  void soft(bool logarithm) {
    const auto axis = static_cast<std::size_t>(layer_->args[0]);
    const std::size_t extent_here = extent(layer_->shape, axis);
    each([&](std::size_t n, std::size_t y, std::size_t x, std::size_t c) {
      const auto term = [&](std::size_t k) {
        return in(0, n, axis == 2 ? k : y, axis == 1 ? k : x, axis == 0 ? k : c);
      };
      double highest = term(0).value;
      for (std::size_t k = 1; k < extent_here; ++k) highest = std::max(highest, term(k).value);
      Dual sum;
      for (std::size_t k = 0; k < extent_here; ++k) sum += exp(term(k) - Dual{highest});
      const Dual own = in(0, n, y, x, c) - Dual{highest};
      const Dual share = exp(own) / sum;
      Dual result = logarithm ? own - log(sum) : share;
      if (noise_ != 0.0) result.slope += 2.0 * noise_ * chance() * share.value * own.slope;  // a difference backwards
      return result;
    });
  }
  void reduce() {
    const auto axes = static_cast<std::uint32_t>(layer_->args[0]);
    const Shape& s = shapes_[0];
    const auto extent_of = [&](std::size_t axis) {
      return (axes >> axis & 1U) != 0 ? std::size_t{extent(s, axis)} : std::size_t{1};
    };
    each([&](std::size_t n, std::size_t y, std::size_t x, std::size_t c) {
      Dual result;
      double equal = 1.0;
      std::size_t seen = 0;
      for (std::size_t i = 0; i < extent_of(2); ++i)
        for (std::size_t j = 0; j < extent_of(1); ++j)
          for (std::size_t k = 0; k < extent_of(0); ++k) {
            const Dual& value = in(0, n, y + i, x + j, c + k);
            if (seen++ == 0) {
              result = value;
              continue;
            }
            switch (layer_->op) {
              case Op::reduce_max:
              case Op::reduce_min:
                if (layer_->op == Op::reduce_max ? result < value : value < result) {
                  result = value, equal = 1.0;
                } else if (value.value == result.value) {  // equals have equal shares
                  equal += 1.0;
                  result.slope += (value.slope - result.slope) / equal;
                }
                break;
              case Op::reduce_prod: result = result * value; break;
              default: result += value;
            }
          }
      return layer_->op == Op::reduce_mean ? result / Dual{static_cast<double>(seen)} : result;
    });
  }
  void index_of_extreme() {
    const auto axis = static_cast<std::size_t>(layer_->args[0]);
    each([&](std::size_t n, std::size_t y, std::size_t x, std::size_t c) {
      const auto term = [&](std::size_t k) {
        return in(0, n, axis == 2 ? k : y, axis == 1 ? k : x, axis == 0 ? k : c).value;
      };
      std::size_t best = 0;
      for (std::size_t k = 1; k < extent(shapes_[0], axis); ++k)
        if (layer_->op == Op::argmax ? term(k) > term(best) : term(k) < term(best)) best = k;
      return Dual{static_cast<double>(best)};
    });
  }
  void concat() {
    const auto axis = static_cast<std::size_t>(layer_->args[0]);
    each([&](std::size_t n, std::size_t y, std::size_t x, std::size_t c) {
      std::size_t at = axis == 0 ? c : axis == 1 ? x : y, k = 0;
      for (; at >= extent(shapes_[k], axis); ++k) at -= extent(shapes_[k], axis);
      return in(k, n, axis == 2 ? at : y, axis == 1 ? at : x, axis == 0 ? at : c);
    });
  }
  void transpose() {
    const auto size = static_cast<std::size_t>(layer_->shape.elements());
    std::size_t extents[4], axes[4], steps[4];
    for (std::size_t i = 0; i < 4; ++i) {
      extents[i] = static_cast<std::size_t>(layer_->args[i]);
      axes[i] = static_cast<std::size_t>(layer_->args[4]) >> (2 * i) & 3U;
    }
    for (std::size_t i = 4, step = 1; i-- > 0; step *= extents[i]) steps[i] = step;
    for (std::size_t i = 0; i < out_->size(); ++i) {
      std::size_t rest = i % size, from = i / size * size;
      for (std::size_t axis = 4; axis-- > 0; rest /= extents[axes[axis]])
        from += rest % extents[axes[axis]] * steps[axes[axis]];
      (*out_)[i] = (*operands_[0])[from];
    }
  }
  void slice() {
    const auto at = [&](std::size_t i, std::size_t index) {
      return static_cast<std::size_t>(layer_->args[i] + layer_->args[3 + i] * static_cast<std::int64_t>(index));
    };
    each([&](std::size_t n, std::size_t y, std::size_t x, std::size_t c) {
      return in(0, n, at(0, y), at(1, x), at(2, c));
    });
  }
  void pad() {
    constexpr PadMode kModes[]{PadMode::constant, PadMode::reflect, PadMode::symmetric, PadMode::edge};
    const PadMode mode = kModes[layer_->args[2]];
    const auto from = [&](std::size_t index, std::int64_t before, std::size_t size) {
      return pad_source(mode, static_cast<std::int64_t>(index) - before, static_cast<std::int64_t>(size));
    };
    each([&](std::size_t n, std::size_t y, std::size_t x, std::size_t c) {
      const Shape& s = shapes_[0];
      const std::size_t row = from(y, layer_->pad_top, s.h), column = from(x, layer_->pad_left, s.w),
                        channel = from(c, layer_->args[0], s.c);
      if (row == kNowhere || column == kNowhere || channel == kNowhere) return Dual{static_cast<double>(layer_->alpha)};
      return in(0, n, row, column, channel);
    });
  }
  void gather() {
    const auto axis = static_cast<std::size_t>(layer_->args[0]);
    const auto size = static_cast<std::int64_t>(extent(shapes_[0], axis));
    each([&](std::size_t n, std::size_t y, std::size_t x, std::size_t c) {
      auto at = static_cast<std::int64_t>(in(1, n, 0, 0, axis == 0 ? c : axis == 1 ? x : y).value);
      if (at < 0) at += size;
      if (at < 0 || at >= size) return Dual{};
      const auto index = static_cast<std::size_t>(at);
      return in(0, n, axis == 2 ? index : y, axis == 1 ? index : x, axis == 0 ? index : c);
    });
  }
  [[nodiscard]] double resized_place(std::size_t index, std::uint32_t from, std::uint32_t to, float scale) {
    const auto number = static_cast<double>(scale);
    const double place = resize_place(static_cast<ResizeCoordinates>(layer_->args[0]), static_cast<double>(index), from,
                                      to, layer_->args[2] != 0 ? number : 1.0 / number);
    const bool on_an_input = std::fabs(place - std::nearbyint(place)) < 1e-5 && joins_what_is_near();
    if (noise_ == 0.0 || layer_->op == Op::resize_nearest) return place;
    return on_an_input ? std::nearbyint(place) : place * (1.0 + noise_ * chance());
  }
  void resize() {
    const Shape &from = shapes_[0], &to = layer_->shape;
    const auto rounding = static_cast<ResizeRounding>(layer_->args[1]);
    each([&](std::size_t n, std::size_t y, std::size_t x, std::size_t c) {
      const double row = resized_place(y, from.h, to.h, layer_->alpha),
                   column = resized_place(x, from.w, to.w, layer_->beta);
      if (layer_->op == Op::resize_nearest)
        return in(0, n, resize_nearest(rounding, row, from.h), resize_nearest(rounding, column, from.w), c);
      Dual sum;
      for (std::size_t i = 0; i < from.h; ++i)
        for (std::size_t j = 0; j < from.w; ++j)
          sum += Dual{hat(row, from.h, i) * hat(column, from.w, j)} * in(0, n, i, j, c);
      return sum;
    });
  }
  void matmul() {
    const bool turned = layer_->args[0] != 0;
    each([&](std::size_t n, std::size_t y, std::size_t x, std::size_t c) {
      Dual sum;
      for (std::size_t k = 0; k < shapes_[0].c; ++k)
        sum += in(0, n, y, x, k) * (turned ? in(1, n, y, c, k) : in(1, n, y, k, c));
      return sum;
    });
  }
  /// FORMAT.md, Operators: the table of recurrent layers.
  void recurrent() {
    const Layer& l = *layer_;
    const std::size_t units = l.shape.c, fan_in = shapes_[0].c, steps = l.shape.w;
    const std::size_t columns = gates(l.op) * units, first_r = fan_in * columns, first_b = first_r + units * columns;
    const auto from_input = [&](const Dual* x, std::size_t gate, std::size_t u) {
      Dual sum = bias(first_b + gate * units + u);
      for (std::size_t k = 0; k < fan_in; ++k) sum += x[k] * param(k * columns + gate * units + u);
      return sum;
    };
    const auto from_state = [&](const Values& h, std::size_t gate, std::size_t u) {
      Dual sum = l.op == Op::gru ? bias(first_b + columns + gate * units + u) : Dual{};
      for (std::size_t k = 0; k < units; ++k) {
        std::size_t at = k * columns + gate * units + u;
        if (l.op == Op::gru) at = gate < 2 ? k * 2 * units + gate * units + u : 2 * units * units + k * units + u;
        sum += h[k] * param(first_r + at);
      }
      return sum;
    };
    for (std::size_t n = 0; n < batch_; ++n) {
      Values h(units), cell(units);
      for (std::size_t u = 0; u < units && l.input_count > 1; ++u) h[u] = in(1, n, 0, 0, u);
      for (std::size_t u = 0; u < units && l.input_count > 2; ++u) cell[u] = in(2, n, 0, 0, u);
      for (std::size_t t = 0; t < steps; ++t) {
        const std::size_t at = l.args[0] != 0 ? steps - 1 - t : t;
        const Dual* x = operands_[0]->data() + (n * steps + at) * fan_in;
        const Values before = h;
        const auto gate = [&](std::size_t k, std::size_t u) { return from_input(x, k, u) + from_state(before, k, u); };
        Values reset(units);
        for (std::size_t u = 0; u < units && l.op == Op::gru; ++u) reset[u] = logistic(gate(1, u)) * before[u];
        for (std::size_t u = 0; u < units; ++u) {
          if (l.op == Op::rnn) {
            const Dual sum = gate(0, u);
            h[u] = l.args[1] == 0 ? tanh(sum) : l.args[1] == 2 ? logistic(sum) : sum.value > 0.0 ? sum : Dual{};
          } else if (l.op == Op::lstm) {
            cell[u] = logistic(gate(1, u)) * cell[u] + logistic(gate(0, u)) * tanh(gate(2, u));
            const auto bound = static_cast<double>(l.alpha);
            if (bound != 0.0 && std::fabs(cell[u].value) > bound) cell[u] = cell[u].value > 0.0 ? bound : -bound;
            h[u] = logistic(gate(3, u)) * tanh(cell[u]);
          } else {
            Dual z = logistic(gate(0, u));
            if (noise_ != 0.0) disturb(z);
            const Dual product =
                l.args[1] != 0 ? logistic(gate(1, u)) * from_state(before, 2, u) : from_state(reset, 2, u);
            h[u] = (Dual{1.0} - z) * tanh(from_input(x, 2, u) + product) + z * before[u];
          }
          if (noise_ != 0.0) disturb(h[u]), disturb(cell[u]);
        }
        for (std::size_t u = 0; u < units; ++u) (*out_)[(n * steps + at) * units + u] = h[u];
      }
      for (std::size_t u = 0; u < units && l.op == Op::lstm; ++u) (*second_)[n * units + u] = cell[u];
    }
  }
  void rbf() {
    const auto fan_in = static_cast<std::size_t>(shapes_[0].elements());
    const std::size_t units = layer_->shape.c;
    each([&](std::size_t n, std::size_t, std::size_t, std::size_t c) {
      Dual square;
      for (std::size_t j = 0; j < fan_in; ++j) {
        const Dual distance = (*operands_[0])[n * fan_in + j] - param(j * units + c);
        square += distance * distance;
      }
      return exp(-square / (Dual{2.0} * exp(param(fan_in * units + c))));
    });
  }
  /// Hermite's cubics between knots, the line through the end outside.
  void spline() {
    const std::size_t channels = layer_->shape.c, knots = layer_->knots();
    each([&](std::size_t n, std::size_t row, std::size_t column, std::size_t c) {
      const Dual& x = in(0, n, row, column, c);
      const Dual *t = params_here_ + c * knots, *y = t + channels * knots, *slope = y + channels * knots;
      if (x < t[0]) return y[0] + slope[0] * (x - t[0]);
      const std::size_t last = knots - 1;
      if (!(x < t[last])) return y[last] + slope[last] * (x - t[last]);
      std::size_t k = 0;
      while (!(x < t[k + 1])) ++k;
      const Dual h = t[k + 1] - t[k], u = (x - t[k]) / h, one{1.0}, two{2.0}, three{3.0}, v = one - u;
      return y[k] * v * v * (one + two * u) + y[k + 1] * u * u * (three - two * u) + h * slope[k] * u * v * v -
             h * slope[k + 1] * u * u * v;
    });
  }
  /// Towards integers cut off and kept in range; between integers the lower bits.
  void cast() {
    const DType to = layer_->dtype;
    const auto bits = static_cast<int>(8 * bytes_of(to));
    const bool has_sign = to != DType::u8;
    const double size = std::ldexp(1.0, bits), low = has_sign ? -size / 2 : 0.0, high = low + size - 1;
    each_of([&](const Dual& x) {
      const double v = x.value;
      if (to == DType::f32) return Dual{v};
      if (to == DType::boolean && std::fabs(v) < 1e-6 && joins_what_is_near()) return Dual{0.0};
      if (to == DType::boolean) return Dual{v != 0.0 ? 1.0 : 0.0};
      if (first_type_ == DType::f32) return Dual{v != v ? 0.0 : std::fmin(std::fmax(std::trunc(v), low), high)};
      return Dual{v - size * std::floor((v - low) / size)};
    });
  }

  void compute() {
    const Layer& l = *layer_;
    switch (l.op) {
      case Op::input:
      case Op::assign: return;
      case Op::constant:
      case Op::state:
      case Op::result: *out_ = *given_; return;
      case Op::reshape:
      case Op::identity:
      case Op::output:
      case Op::dropout:
      case Op::gaussian_noise: *out_ = *operands_[0]; return;
      case Op::dense: return dense();
      case Op::conv2d:
      case Op::depthwise_conv2d: return convolution();
      case Op::conv2d_transpose: return scattered_convolution();
      case Op::max_pool:
      case Op::average_pool: return pool();
      case Op::global_average_pool:
        return each([&](std::size_t n, std::size_t, std::size_t, std::size_t c) {
          const Shape& s = shapes_[0];
          Dual sum;
          for (std::size_t pixel = 0; pixel < std::size_t{s.h} * s.w; ++pixel) sum += in(0, n, 0, pixel, c);
          return sum / Dual{static_cast<double>(s.h) * s.w};
        });
      case Op::batch_norm: return batch_norm();
      case Op::bias_add:
        return each(
            [&](std::size_t n, std::size_t y, std::size_t x, std::size_t c) { return in(0, n, y, x, c) + param(c); });
      case Op::layer_norm:
      case Op::rms_norm:
      case Op::l2_norm: return norm();
      case Op::lrn: return local_response();
      case Op::softmax: return soft(false);
      case Op::log_softmax: return soft(true);
      case Op::add:
        return each([&](std::size_t n, std::size_t y, std::size_t x, std::size_t c) {
          Dual sum;
          for (std::size_t k = 0; k < l.input_count; ++k) sum += repeated(k, n, y, x, c);
          return sum;
        });
      case Op::sub: return apply(kSub);
      case Op::mul: return apply(kMul);
      case Op::div: return apply(kDiv);
      case Op::minimum: return apply(kMinimum);
      case Op::maximum: return apply(kMaximum);
      case Op::pow: return apply(kPow);
      case Op::squared_difference: return apply(kSquaredDifference);
      case Op::prelu: return apply(kPrelu);
      case Op::less: return compare([](double a, double b) { return a < b; });
      case Op::less_equal: return compare([](double a, double b) { return a <= b; });
      case Op::greater: return compare([](double a, double b) { return a > b; });
      case Op::greater_equal: return compare([](double a, double b) { return a >= b; });
      case Op::equal: return compare([](double a, double b) { return a == b; });
      case Op::not_equal: return compare([](double a, double b) { return a != b; });
      case Op::logical_and: return compare([](double a, double b) { return a != 0.0 && b != 0.0; });
      case Op::logical_or: return compare([](double a, double b) { return a != 0.0 || b != 0.0; });
      case Op::logical_not: return each_of([](const Dual& x) { return Dual{x.value == 0.0 ? 1.0 : 0.0}; });
      case Op::select:
        return each([&](std::size_t n, std::size_t y, std::size_t x, std::size_t c) {
          return repeated(repeated(0, n, y, x, c).value != 0.0 ? 1 : 2, n, y, x, c);
        });
      case Op::concat: return concat();
      case Op::transpose: return transpose();
      case Op::slice: return slice();
      case Op::pad: return pad();
      case Op::tile:
        return each([&](std::size_t n, std::size_t y, std::size_t x, std::size_t c) {
          return in(0, n, y % shapes_[0].h, x % shapes_[0].w, c % shapes_[0].c);
        });
      case Op::gather: return gather();
      case Op::resize_nearest:
      case Op::resize_bilinear: return resize();
      case Op::reduce_sum:
      case Op::reduce_mean:
      case Op::reduce_max:
      case Op::reduce_min:
      case Op::reduce_prod: return reduce();
      case Op::argmax:
      case Op::argmin: return index_of_extreme();
      case Op::matmul: return matmul();
      case Op::lstm:
      case Op::gru:
      case Op::rnn: return recurrent();
      case Op::cast: return cast();
      case Op::rbf: return rbf();
      case Op::spline: return spline();
      case Op::fake_quantize: break;  // in train/quantization_aware_test.cpp
      case Op::sigmoid: return apply(kSigmoid);
      case Op::tanh: return apply(kTanh);
      case Op::relu: return apply(kRelu);
      case Op::leaky_relu: return apply(kLeakyRelu);
      case Op::relu6: return apply(kRelu6);
      case Op::silu: return apply(kSilu);
      case Op::gelu: return apply(kGelu);
      case Op::hard_swish: return apply(kHardSwish);
      case Op::elu: return apply(kElu);
      case Op::exp: return apply(kExp);
      case Op::log: return apply(kLog);
      case Op::sqrt: return apply(kSqrt);
      case Op::rsqrt: return apply(kRsqrt);
      case Op::abs: return apply(kAbs);
      case Op::neg: return apply(kNeg);
      case Op::square: return apply(kSquare);
      case Op::sin: return apply(kSin);
      case Op::cos: return apply(kCos);
      case Op::softplus: return apply(kSoftplus);
      case Op::selu: return apply(kSelu);
      case Op::hard_sigmoid: return apply(kHardSigmoid);
      case Op::gelu_tanh: return apply(kGeluTanh);
      case Op::clip: return apply(kClip);
      case Op::floor: return apply(kFloor);
      case Op::ceil: return apply(kCeil);
      case Op::round: return apply(kRound);
      case Op::sign: return apply(kSign);
      case Op::quantize:
      case Op::dequantize:
      case Op::requantize:
      case Op::svdf: break;
    }
    throw std::logic_error("an operator that the reference does not compute");
  }

  Values* second_ = nullptr;       // a second result
  const Values* given_ = nullptr;  // of a constant, a state or a result: what it is
  DType first_type_ = DType::f32;  // of the first operand
  bool batch_statistics_ = false;
};

}  // namespace mote::reference
