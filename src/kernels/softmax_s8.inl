// SPDX-License-Identifier: Apache-2.0
// Quantised networks: softmax, log-softmax and L2 normalisation of rows; sigmoid and tanh of 16-bit values.
#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "kernels/curve_s16.hpp"
#include "kernels/kernel_namespace.hpp"
#include "mote/kernels/kernels.hpp"
#include "simd/simd.hpp"

namespace mote::MOTE_KERNELS {
namespace {

namespace fp = fixed_point;

template <class Element>
MOTE_INLINE std::int32_t largest_of(const Element* input, std::size_t channels) {
  std::int32_t largest = input[0];
  for (std::size_t c = 1; c < channels; ++c) largest = std::max<std::int32_t>(largest, input[c]);
  return largest;
}

/// e^(difference to the largest) in Q0.31; 0 far below.
inline std::int32_t power_of(std::int32_t difference, const SoftmaxScale& scale) {
  if (difference < scale.lowest) return 0;
  return fp::exp_of_negative<5>(requantize(difference, scale.input));
}

/// Sum of a row's powers, each rounded to Q12.19.
inline std::int32_t sum_of_powers(const std::int8_t* input, std::size_t channels, std::int32_t largest,
                                  const SoftmaxScale& scale) {
  std::int32_t sum = 0;
  for (std::size_t c = 0; c < channels; ++c) sum += fp::divide_by_power(power_of(input[c] - largest, scale), 12);
  return sum;
}

template <class Args>
inline void softmax_from_s8(const Args& args) {
  using Element = std::remove_pointer_t<decltype(args.output)>;
  constexpr std::int32_t kLow = std::numeric_limits<Element>::min(), kHigh = std::numeric_limits<Element>::max();
  constexpr std::int32_t kBits = 8 * sizeof(Element);
  for (std::size_t row = 0; row < args.rows; ++row) {
    const std::int8_t* input = args.input + row * args.channels;
    Element* output = args.output + row * args.channels;
    const std::int32_t largest = largest_of(input, args.channels);
    const fp::Reciprocal inverse = fp::reciprocal(sum_of_powers(input, args.channels, largest, args.scale), 12);
    for (std::size_t c = 0; c < args.channels; ++c) {
      const std::int32_t difference = input[c] - largest;
      std::int32_t value = kLow;
      if (difference >= args.scale.lowest)
        value += fp::divide_by_power(fp::high_product(inverse.scale, power_of(difference, args.scale)),
                                     inverse.bits + 31 - kBits);
      output[c] = static_cast<Element>(std::min(value, kHigh));
    }
  }
}

/// log x in Q5.26 for x >= 1 in Q12.19: the logarithm of the power of 2 nearest to x on a logarithmic scale, and a
/// rational function of what is left. Intermediate sums have one integer bit more, Q6.25.
inline std::int32_t log_of_sum(std::int32_t x) {
  constexpr std::int32_t kLog2 = 1488522236, kFourthRootHalf = 1805811301, kRootHalf = 1518500250;
  constexpr std::int32_t kCubic = 117049297, kDenominator = 127690142, kInner = 1057819769, kOuter = 638450708;
  constexpr std::int32_t kQuarter = std::int32_t{1} << 23;  // Q6.25
  // Two candidates for the power of 2, a quarter of an octave apart; the larger exponent, the smaller rest.
  const std::int32_t zeros = std::countl_zero(static_cast<std::uint32_t>(x));
  const std::int32_t rest_a =
      fp::saturating_shift_left(fp::high_product(fp::saturating_shift_left(x, zeros - 1), kRootHalf), 1);
  const std::int32_t power_a = (12 - zeros) * (std::int32_t{1} << 25) + kQuarter;
  const std::int32_t zeros_b = std::countl_zero(static_cast<std::uint32_t>(fp::high_product(x, kRootHalf))) - 1;
  const std::int32_t rest_b = fp::saturating_shift_left(x, zeros_b);
  const std::int32_t power_b = (12 - zeros_b) * (std::int32_t{1} << 25) - kQuarter;
  const std::int32_t rest = std::min(rest_a, rest_b), power = std::max(power_a, power_b);
  const std::int32_t p = fp::half_sum(rest, kFourthRootHalf), q = 2 * (rest - kFourthRootHalf);
  const std::int32_t q2 = fp::high_product(q, q);
  const std::int32_t numerator = fp::high_product(q, rest) + fp::high_product(fp::high_product(q, q2), kCubic);
  const std::int32_t denominator =
      fp::high_product(p, kInner + q + fp::high_product(kDenominator, q2)) + fp::high_product(kOuter, q);
  const std::int32_t quotient = fp::high_product(fp::divide_by_power(numerator, 6), fp::one_over_one_plus(denominator));
  return fp::saturating_shift_left(fp::high_product(power, kLog2) + quotient, 1);
}

inline constexpr tables::Segments kExp = tables::segments(-10.0, 0.0, tables::exp);
inline constexpr tables::Segments kInverse = tables::segments(0.0, 1.0, [](double x) { return 1.0 / (1.0 + x); });

/// The segments at a value from -2^15 to 2^15 - 1.
MOTE_INLINE std::int32_t along(const tables::Segments& table, std::int32_t value) {
  const std::int32_t at = 256 + (value >> 7), offset = value & 127;
  const std::int32_t base = table[static_cast<std::size_t>(at)];
  return base + (((table[static_cast<std::size_t>(at) + 1] - base) * offset + 64) >> 7);
}
MOTE_INLINE std::int32_t saturated_16(std::int32_t value) { return QuantizedRange{-32768, 32767}.clamp(value); }

}  // namespace

void softmax_s8(const SoftmaxS8Args& args) { softmax_from_s8(args); }
void softmax_s8_s16(const SoftmaxS8S16Args& args) { softmax_from_s8(args); }

void log_softmax_s8(const LogSoftmaxS8Args& args) {
  for (std::size_t row = 0; row < args.rows; ++row) {
    const std::int8_t* input = args.input + row * args.channels;
    std::int8_t* output = args.output + row * args.channels;
    const std::int32_t largest = largest_of(input, args.channels);
    const std::int32_t log_sum = log_of_sum(sum_of_powers(input, args.channels, largest, args.scale));
    // Differences from which on x - log(sum) does not fit Q5.26.
    const std::int32_t lowest =
        std::max(args.scale.lowest - 1, requantize(log_sum + std::numeric_limits<std::int32_t>::min(), args.reverse));
    for (std::size_t c = 0; c < args.channels; ++c) {
      const std::int32_t difference = input[c] - largest;
      std::int32_t value = -128;
      if (difference > lowest)
        value = 127 + fp::divide_by_power(requantize(difference, args.scale.input) - log_sum, 22);
      output[c] = static_cast<std::int8_t>(QuantizedRange{}.clamp(value));
    }
  }
}

void softmax_s16(const SoftmaxS16Args& args) {
  for (std::size_t row = 0; row < args.rows; ++row) {
    const std::int16_t* input = args.input + row * args.channels;
    std::int16_t* output = args.output + row * args.channels;
    const std::int32_t largest = largest_of(input, args.channels);
    const auto power = [&](std::int16_t value) MOTE_LAMBDA_INLINE {
      return along(kExp, saturated_16(requantize(value - largest, args.multiplier) + 32767));
    };
    std::int32_t sum = 0;  // Q16.15
    for (std::size_t c = 0; c < args.channels; ++c) sum += power(input[c]);
    const std::int32_t zeros = std::countl_zero(static_cast<std::uint32_t>(sum));
    const std::int32_t in_1_to_2 = (fp::shift_left(sum, zeros - 1) + (1 << 13)) >> 14;  // Q1.16
    const std::int32_t inverse = along(kInverse, saturated_16(in_1_to_2 - (1 << 15) - (1 << 16)));
    const std::int32_t right = 31 - zeros;
    for (std::size_t c = 0; c < args.channels; ++c) {
      const std::int32_t value = (power(input[c]) * inverse + (1 << (right - 1))) >> right;
      output[c] = static_cast<std::int16_t>(QuantizedRange{0, 32767}.clamp(value));
    }
  }
}

void l2_norm_s8(const L2NormS8Args& args) {
  for (std::size_t row = 0; row < args.rows; ++row) {
    const std::int8_t* input = args.input + row * args.channels;
    std::int8_t* output = args.output + row * args.channels;
    std::int32_t sum = 0;
    for (std::size_t c = 0; c < args.channels; ++c) {
      const std::int32_t difference = input[c] - args.input_zero_point;
      sum += difference * difference;
    }
    QuantizedMultiplier inverse = fp::inverse_sqrt(sum);
    inverse.shift += 7;  // the output's scale
    for (std::size_t c = 0; c < args.channels; ++c)
      output[c] =
          static_cast<std::int8_t>(QuantizedRange{}.clamp(requantize(input[c] - args.input_zero_point, inverse)));
  }
}

void sigmoid_s16(const CurveS16Args& args) {
  for (std::size_t i = 0; i < args.count; ++i)
    args.output[i] = static_cast<std::int16_t>(sigmoid_of(args.input[i], args.scale));
}

void tanh_s16(const CurveS16Args& args) {
  for (std::size_t i = 0; i < args.count; ++i)
    args.output[i] = static_cast<std::int16_t>(tanh_of(args.input[i], args.scale));
}

}  // namespace mote::MOTE_KERNELS
