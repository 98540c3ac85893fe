// SPDX-License-Identifier: Apache-2.0
// What a layer of the reference reads and writes: operands and value by sample, line, column and channel, parameters,
// and the disturbance by which it is tried what float32 may do to the numbers.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "mote/model/layer.hpp"
#include "reference/activation.hpp"
#include "reference/binary.hpp"
#include "reference/dual.hpp"
#include "reference/unary.hpp"

namespace mote::reference {

/// Element `index` of an array of that type.
inline double number_at(DType type, const std::byte* from, std::size_t index) {
  const auto read = [&]<class T>(T value) {
    std::memcpy(&value, from + index * sizeof(T), sizeof(T));
    return static_cast<double>(value);
  };
  switch (type) {
    case DType::s8: return read(std::int8_t{});
    case DType::u8:
    case DType::boolean: return read(std::uint8_t{});
    case DType::s16: return read(std::int16_t{});
    case DType::s32: return read(std::int32_t{});
    default: return read(float{});
  }
}

using Values = std::vector<Dual>;

class LayerValues {
 protected:
  /// With `noise` it tries what float32 may do to the numbers: operands and values of layers that round are scaled by
  /// random factors of 1 - noise … 1 + noise, and with an odd seed always or every second time what differs by less
  /// than a few times that is equal where it is compared. Of every third seed most values stay as they are: where many
  /// lie at a step, few are moved.
  LayerValues(std::uint32_t batch, double noise, std::uint64_t seed)
      : batch_(batch),
        noise_(noise),
        random_(seed),
        near_is_equal_(noise != 0.0 && seed % 2 != 0),
        joins_all_(seed % 4 == 1),
        disturbs_few_(seed % 3 == 0) {}

  /// Layers that compute with float32, and not those that choose, move, cut or compare.
  static bool rounds(Op op) {
    switch (op) {
      case Op::max_pool:
      case Op::dropout:
      case Op::gaussian_noise:
      case Op::result:
      case Op::relu:
      case Op::relu6:
      case Op::abs:
      case Op::neg:
      case Op::clip:
      case Op::minimum:
      case Op::maximum:
      case Op::reduce_max:
      case Op::reduce_min:
      case Op::argmax:
      case Op::argmin:
      case Op::logical_not:
      case Op::cast:
      case Op::select:
      case Op::assign: return false;
      default:
        return !is_source(op) && !is_alias(op) && !is_movement(op) && !is_unary(op) && !is_comparison(op) &&
               !is_logical(op);
    }
  }
  /// In -1 … 1.
  double chance() {
    random_ += 0x9E3779B97F4A7C15U;
    std::uint64_t bits = (random_ ^ (random_ >> 30)) * 0xBF58476D1CE4E5B9U;
    bits = (bits ^ (bits >> 27)) * 0x94D049BB133111EBU;
    return static_cast<double>(static_cast<std::int64_t>(bits ^ (bits >> 31))) * 0x1p-63;
  }
  [[nodiscard]] bool joins_what_is_near() { return near_is_equal_ && (joins_all_ || chance() < 0.0); }
  /// What is next to nothing may be nothing, or the other side of it.
  void disturb(Dual& value) {
    if (disturbs_few_ && chance() < 0.8) return;
    value.value = value.value * (1.0 + noise_ * chance()) + 1e-3 * noise_ * chance();
    if (std::fabs(value.value) < 1e-9 && joins_what_is_near()) value.value = 0.0;
    value.slope *= 1.0 + noise_ * chance();
  }

  /// The derivative of a function that is computed from its value, as 1 - y^2 is: no nearer than a rounded 1.
  [[nodiscard]] double disturbed(double derivative) {
    if (noise_ == 0.0 || derivative == 0.0 || !rounds(layer_->op)) return derivative;
    return derivative + 2.0 * noise_ * chance();
  }
  /// A share of x that is a difference from 1.
  [[nodiscard]] double disturbed_by(double x, double value) {
    const bool share = layer_->op == Op::gelu || layer_->op == Op::gelu_tanh;
    return noise_ == 0.0 || !share ? value : value + noise_ * x * chance();
  }
  [[nodiscard]] std::size_t count(const Shape& shape) const {
    return std::size_t{batch_} * static_cast<std::size_t>(shape.elements());
  }
  // ---- operands and the value, by sample, line, column and channel
  [[nodiscard]] std::size_t place(const Shape& s, std::size_t n, std::size_t y, std::size_t x, std::size_t c) const {
    return ((n * s.h + y) * s.w + x) * s.c + c;
  }
  [[nodiscard]] const Dual& in(std::size_t k, std::size_t n, std::size_t y, std::size_t x, std::size_t c) const {
    return (*operands_[k])[place(shapes_[k], n, y, x, c)];
  }
  /// Axes that the operand has once are repeated.
  [[nodiscard]] const Dual& repeated(std::size_t k, std::size_t n, std::size_t y, std::size_t x, std::size_t c) const {
    const Shape& s = shapes_[k];
    return in(k, n, s.h == 1 ? 0 : y, s.w == 1 ? 0 : x, s.c == 1 ? 0 : c);
  }
  /// Each element of the value is function(n, y, x, c).
  template <class Function>
  void each(const Function& function) {
    const Shape& s = layer_->shape;
    std::size_t i = 0;
    for (std::size_t n = 0; n < batch_; ++n)
      for (std::size_t y = 0; y < s.h; ++y)
        for (std::size_t x = 0; x < s.w; ++x)
          for (std::size_t c = 0; c < s.c; ++c) (*out_)[i++] = function(n, y, x, c);
  }
  template <class Function>
  void each_of(const Function& function) {
    for (std::size_t i = 0; i < out_->size(); ++i) (*out_)[i] = function((*operands_[0])[i]);
  }
  void apply(const Activation& f) {
    const auto alpha = static_cast<double>(layer_->alpha);
    each_of([&](const Dual& x) {
      return chain(x, disturbed_by(x.value, f.value(x.value, alpha)), disturbed(f.derivative(x.value, alpha)));
    });
  }
  void apply(const Unary& f) {
    const auto alpha = static_cast<double>(layer_->alpha), beta = static_cast<double>(layer_->beta);
    each_of([&](const Dual& x) {
      const double derivative = f.derivative == nullptr ? 0.0 : disturbed(f.derivative(x.value, alpha, beta));
      return chain(x, disturbed_by(x.value, f.value(x.value, alpha, beta)), derivative);
    });
  }
  void apply(const Binary& f) {
    each([&](std::size_t n, std::size_t y, std::size_t x, std::size_t c) {
      const Dual &a = repeated(0, n, y, x, c), &b = repeated(1, n, y, x, c);
      return Dual{f.value(a.value, b.value),
                  chain(a, 0.0, f.by_a(a.value, b.value)).slope + chain(b, 0.0, f.by_b(a.value, b.value)).slope};
    });
  }
  template <class Predicate>
  void compare(const Predicate& holds) {
    each([&](std::size_t n, std::size_t y, std::size_t x, std::size_t c) {
      const double a = repeated(0, n, y, x, c).value;
      double b = repeated(1, n, y, x, c).value;
      if (joins_what_is_near() && std::fabs(a - b) <= 16.0 * noise_ * (std::fabs(a) + 1e-3)) b = a;
      return Dual{holds(a, b) ? 1.0 : 0.0};
    });
  }
  [[nodiscard]] const Dual& param(std::size_t index) const { return params_here_[index]; }
  [[nodiscard]] Dual bias(std::size_t index) const { return layer_->has_bias() ? params_here_[index] : Dual{}; }

  std::uint32_t batch_;
  double noise_;
  std::uint64_t random_;
  bool near_is_equal_, joins_all_, disturbs_few_;
  const Layer* layer_ = nullptr;
  Values* out_ = nullptr;
  const Dual* params_here_ = nullptr;
  std::vector<const Values*> operands_;
  std::vector<Shape> shapes_;
};

}  // namespace mote::reference
