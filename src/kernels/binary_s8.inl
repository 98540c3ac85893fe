// SPDX-License-Identifier: Apache-2.0
// Quantised networks, two operands with broadcasting.
#include <bit>
#include <cstddef>
#include <cstdint>

#include "kernels/kernel_namespace.hpp"
#include "mote/kernels/kernels.hpp"
#include "simd/simd.hpp"

namespace mote::MOTE_KERNELS {
namespace {

/// output[i] = of(a, b) over four axes.
template <class Args, class Function>
MOTE_INLINE void broadcast(const Args& args, const Function& of) {
  auto* output = args.output;
  for (std::size_t n = 0; n < args.sizes[0]; ++n)
    for (std::size_t h = 0; h < args.sizes[1]; ++h)
      for (std::size_t w = 0; w < args.sizes[2]; ++w) {
        const auto* a = args.a + n * args.a_strides[0] + h * args.a_strides[1] + w * args.a_strides[2];
        const auto* b = args.b + n * args.b_strides[0] + h * args.b_strides[1] + w * args.b_strides[2];
        for (std::size_t c = 0; c < args.sizes[3]; ++c) {
          *output++ = of(std::int32_t{*a}, std::int32_t{*b});
          a += args.a_strides[3], b += args.b_strides[3];
        }
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

template <class Element, int kSign>
inline void add_signed(const QuantizedBinaryArgs<Element>& args) {
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
