// SPDX-License-Identifier: Apache-2.0
// Quantised networks, two operands with broadcasting.
#include <bit>
#include <cstddef>
#include <cstdint>

#include "kernels/kernel_namespace.hpp"
#include "mote/kernels/kernels.hpp"
#include "simd/rescale.hpp"
#include "simd/simd.hpp"

namespace mote::MOTE_KERNELS {
namespace {

/// The rows of a share: axes that lie one after the other in both operands are joined, so that the innermost is long.
/// Shares are rows where there are enough of them, else parts of every row. Not inlined: twenty kernels use it.
struct BroadcastRows {
  std::size_t sizes[4] = {1, 1, 1, 1}, a[4] = {}, b[4] = {};
  Part::Range rows, columns;

  struct Row {
    std::size_t a, b, output;  // where its part of this share begins
  };

  [[gnu::noinline]] BroadcastRows(const std::uint32_t (&axes)[4], const std::uint32_t (&a_strides)[4],
                                  const std::uint32_t (&b_strides)[4], const Part& part) {
    int last = 3;
    for (int axis = 3; axis >= 0; --axis) {
      if (axes[axis] == 1) continue;
      const bool joins = a_strides[axis] == a[last] * sizes[last] && b_strides[axis] == b[last] * sizes[last];
      if (sizes[last] != 1 && !joins) --last;
      if (sizes[last] == 1) a[last] = a_strides[axis], b[last] = b_strides[axis];
      sizes[last] *= axes[axis];
    }
    const std::size_t count = sizes[0] * sizes[1] * sizes[2];
    const bool by_rows = count >= part.count;
    rows = by_rows ? part.of(count) : Part::Range{0, count};
    columns = by_rows ? Part::Range{0, sizes[3]} : part.of(sizes[3], 64);
  }
  [[nodiscard, gnu::noinline]] Row at(std::size_t row) const {
    const std::size_t line = row / sizes[2], w = row - line * sizes[2], n = line / sizes[1], h = line - n * sizes[1];
    return {n * a[0] + h * a[1] + w * a[2] + columns.begin * a[3],
            n * b[0] + h * b[1] + w * b[2] + columns.begin * b[3], row * sizes[3] + columns.begin};
  }
};

/// output[i] = of(a, b).
template <class Args, class Function>
MOTE_INLINE void broadcast(const Args& args, const Function& of) {
  const BroadcastRows all(args.sizes, args.a_strides, args.b_strides, args.part);
  for (std::size_t r = all.rows.begin; r < all.rows.end; ++r) {
    const BroadcastRows::Row row = all.at(r);
    const auto *a = args.a + row.a, *b = args.b + row.b;
    auto* output = args.output + row.output;
    for (std::size_t c = all.columns.begin; c < all.columns.end; ++c, a += all.a[3], b += all.b[3])
      *output++ = of(std::int32_t{*a}, std::int32_t{*b});
  }
}

/// output = clamp(of(a - zero point, b - zero point) + zero point).
template <class Element, class Function>
MOTE_INLINE void broadcast_offset(const QuantizedBinaryArgs<Element>& args, const Function& of) {
  broadcast(args, [&](std::int32_t a, std::int32_t b) MOTE_LAMBDA_INLINE {
    const std::int32_t value = of(a - args.a_zero_point, b - args.b_zero_point);
    return static_cast<Element>(args.clamp.clamp(value + args.output_zero_point));
  });
}

MOTE_INLINE std::int32_t scaled(std::int32_t difference, const QuantizedMultiplier& q, std::int32_t left) {
  return requantize(fixed_point::shift_left(difference, left), q);
}

#if MOTE_SIMD_WORDS
/// S(x) of an operand for a vector. Where its scale is the larger of the two, as one's always is, the multiplier is a
/// half and S a shift.
class ScaledOperand {
 public:
  ScaledOperand(const QuantizedMultiplier& q, std::int32_t left, std::int32_t zero_point)
      : rescaler_(q.multiplier, q.shift, left),
        left_(left),
        zero_point_(zero_point),
        half_(q.multiplier == std::int32_t{1} << 30 && q.shift == 0 && left > 0) {}
  [[nodiscard]] MOTE_INLINE simd::Words of(const std::int8_t* values, std::size_t n) const {
    const simd::Words x = simd::subtract_words(simd::load_bytes(values, n), simd::splat_words(zero_point_));
    if (half_) return simd::shift_left(x, left_ - 1);
    return rescaler_.of(x);
  }

 private:
  simd::DifferenceRescaler rescaler_;
  std::int32_t left_, zero_point_;
  bool half_;
};

/// Rows whose values lie side by side in both operands.
template <int kSign>
inline void add_rows(const BinaryS8Args& args, const BroadcastRows& all) {
  const BinaryMultipliers& s = args.scale;
  const simd::OutputRange range{args.output_zero_point, args.clamp.low, args.clamp.high};
  const ScaledOperand left(s.a, s.left_shift, args.a_zero_point), right(s.b, s.left_shift, args.b_zero_point);
  const simd::UniformFinisher whole(s.output.multiplier, s.output.shift, simd::kWords, range);
  for (std::size_t r = all.rows.begin; r < all.rows.end; ++r) {
    const BroadcastRows::Row row = all.at(r);
    const std::int8_t *a = args.a + row.a, *b = args.b + row.b;
    std::int8_t* to = args.output + row.output;
    const auto add = [&](std::size_t n, const simd::UniformFinisher& out) MOTE_LAMBDA_INLINE {
      const simd::Words x = left.of(a, n), y = right.of(b, n);
      out.store(to, kSign > 0 ? simd::add_words(x, y) : simd::subtract_words(x, y));
    };
    std::size_t count = all.columns.end - all.columns.begin;
    for (; count >= simd::kWords; count -= simd::kWords, a += simd::kWords, b += simd::kWords, to += simd::kWords)
      add(simd::kWords, whole);
    if (count != 0) add(count, simd::UniformFinisher(s.output.multiplier, s.output.shift, count, range));
  }
}
#endif

template <class Element, int kSign>
inline void add_signed(const QuantizedBinaryArgs<Element>& args) {
#if MOTE_SIMD_WORDS
  if constexpr (sizeof(Element) == 1) {
    const BroadcastRows all(args.sizes, args.a_strides, args.b_strides, args.part);
    if (all.a[3] == 1 && all.b[3] == 1) return add_rows<kSign>(args, all);
  }
#endif
  const BinaryMultipliers& s = args.scale;
  broadcast_offset(args, [&](std::int32_t a, std::int32_t b) MOTE_LAMBDA_INLINE {
    const std::int32_t sum = scaled(a, s.a, s.left_shift) + kSign * scaled(b, s.b, s.left_shift);
    return requantize(sum, s.output);
  });
}

template <class Element>
inline void squared_difference(const QuantizedBinaryArgs<Element>& args) {
  const BinaryMultipliers& s = args.scale;
  broadcast_offset(args, [&](std::int32_t a, std::int32_t b) MOTE_LAMBDA_INLINE {
    const std::int32_t difference = scaled(a, s.a, s.left_shift) - scaled(b, s.b, s.left_shift);
    return requantize(difference * difference, s.output);
  });
}

template <class Element>
inline void multiply(const QuantizedBinaryArgs<Element>& args) {
  broadcast_offset(
      args, [&](std::int32_t a, std::int32_t b) MOTE_LAMBDA_INLINE { return requantize(a * b, args.scale.output); });
}

/// A value that any clamp takes to its end.
inline constexpr std::int32_t kBeyond = std::int32_t{1} << 20;

MOTE_INLINE std::int32_t quotient(std::int32_t a, std::int32_t b, const QuantizedMultiplier& q) {
  if (b == 0) return a > 0 ? kBeyond : -kBeyond;
  if (b < 0) a = -a, b = -b;
  if (a == 0) return 0;
  const fixed_point::Reciprocal inverse = fixed_point::reciprocal(b, 31);
  const std::int32_t room = std::countl_zero(static_cast<std::uint32_t>(a < 0 ? ~a : a)) - 1;  // copies of the sign
  const std::int32_t product = fixed_point::high_product(fixed_point::shift_left(a, room), inverse.scale);
  const std::int32_t shift = q.shift - inverse.bits - room;
  const std::int32_t right = shift > 0 ? 0 : -shift;
  if (right > 31) return 0;
  const std::int32_t scaled = fixed_point::high_product(product, q.multiplier);
  return shift > 0 ? fixed_point::saturating_shift_left(scaled, shift > 20 ? 20 : shift)
                   : fixed_point::divide_by_power(scaled, right);
}

template <class Element, bool kLarger>
inline void extreme(const QuantizedBinaryArgs<Element>& args) {
  broadcast(args, [&](std::int32_t a, std::int32_t b)
                      MOTE_LAMBDA_INLINE { return static_cast<Element>((a > b) == kLarger ? a : b); });
}

template <class Holds>
MOTE_INLINE void compare(const CompareS8Args& args, const Holds& holds) {
  const BinaryMultipliers& s = args.scale;
  broadcast(args, [&](std::int32_t a, std::int32_t b) MOTE_LAMBDA_INLINE {
    const std::int32_t left = scaled(a - args.a_zero_point, s.a, s.left_shift);
    const std::int32_t right = scaled(b - args.b_zero_point, s.b, s.left_shift);
    return static_cast<std::uint8_t>(holds(left, right) ? 1 : 0);
  });
}

}  // namespace

void add_s8(const BinaryS8Args& args) { add_signed<std::int8_t, 1>(args); }
void add_s16(const BinaryS16Args& args) { add_signed<std::int16_t, 1>(args); }
void sub_s8(const BinaryS8Args& args) { add_signed<std::int8_t, -1>(args); }
void sub_s16(const BinaryS16Args& args) { add_signed<std::int16_t, -1>(args); }
void mul_s8(const BinaryS8Args& args) { multiply(args); }
void mul_s16(const BinaryS16Args& args) { multiply(args); }
void squared_difference_s8(const BinaryS8Args& args) { squared_difference(args); }
void squared_difference_s16(const BinaryS16Args& args) { squared_difference(args); }
void minimum_s8(const BinaryS8Args& args) { extreme<std::int8_t, false>(args); }
void minimum_s16(const BinaryS16Args& args) { extreme<std::int16_t, false>(args); }
void maximum_s8(const BinaryS8Args& args) { extreme<std::int8_t, true>(args); }
void maximum_s16(const BinaryS16Args& args) { extreme<std::int16_t, true>(args); }

void div_s8(const BinaryS8Args& args) {
  broadcast_offset(
      args, [&](std::int32_t a, std::int32_t b) MOTE_LAMBDA_INLINE { return quotient(a, b, args.scale.output); });
}

void prelu_s8(const BinaryS8Args& args) {
  broadcast_offset(args, [&](std::int32_t a, std::int32_t b) MOTE_LAMBDA_INLINE {
    return a >= 0 ? requantize(a, args.scale.a) : requantize(a * b, args.scale.b);
  });
}

void less_s8(const CompareS8Args& args) {
  compare(args, [](std::int32_t a, std::int32_t b) { return a < b; });
}
void less_equal_s8(const CompareS8Args& args) {
  compare(args, [](std::int32_t a, std::int32_t b) { return a <= b; });
}
void greater_s8(const CompareS8Args& args) {
  compare(args, [](std::int32_t a, std::int32_t b) { return a > b; });
}
void greater_equal_s8(const CompareS8Args& args) {
  compare(args, [](std::int32_t a, std::int32_t b) { return a >= b; });
}
void equal_s8(const CompareS8Args& args) {
  compare(args, [](std::int32_t a, std::int32_t b) { return a == b; });
}
void not_equal_s8(const CompareS8Args& args) {
  compare(args, [](std::int32_t a, std::int32_t b) { return a != b; });
}

}  // namespace mote::MOTE_KERNELS
