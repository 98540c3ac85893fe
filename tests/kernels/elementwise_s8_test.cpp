// SPDX-License-Identifier: Apache-2.0
// lookup_s8, leaky_relu_s16, quantize_f32, dequantize_f32, requantize_integers, whole, in place and in shares.
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "check.hpp"
#include "kernels/guarded_bytes.hpp"
#include "reference/elementwise_s8.hpp"

namespace mote {
namespace {

using test::bytes;
using test::Integers;

constexpr DType kTypes[] = {DType::s8, DType::u8, DType::s16, DType::s32};

/// Arrays of an element type that the test knows at run time only.
struct AnyArray {
  DType type;
  void* values;

  AnyArray(DType element, std::size_t count, std::size_t misalignment)
      : type(element),
        values(element == DType::s32   ? static_cast<void*>(bytes.take<std::int32_t>(count, misalignment))
               : element == DType::s16 ? static_cast<void*>(bytes.take<std::int16_t>(count, misalignment))
                                       : static_cast<void*>(bytes.take<std::int8_t>(count, misalignment))) {}
  [[nodiscard]] std::int64_t at(std::size_t i) const {
    if (type == DType::s32) return static_cast<const std::int32_t*>(values)[i];
    if (type == DType::s16) return static_cast<const std::int16_t*>(values)[i];
    if (type == DType::u8) return static_cast<const std::uint8_t*>(values)[i];
    return static_cast<const std::int8_t*>(values)[i];
  }
  void fill(std::size_t count, Integers& numbers) const {
    if (type == DType::s32) return numbers.fill(static_cast<std::int32_t*>(values), count, -(1 << 24), 1 << 24);
    if (type == DType::s16) return numbers.fill(static_cast<std::int16_t*>(values), count);
    numbers.fill(static_cast<std::int8_t*>(values), count);
  }
};

std::int32_t any_zero_point(DType type, Integers& numbers) {
  const QuantizedRange range = range_of(type);
  return bytes_of(type) == 1 ? numbers.between(range.low, range.high) : 0;
}

/// run(part) for three shares, the last one first.
template <class Run>
void in_shares(const Run& run) {
  for (std::uint32_t share = 3; share-- > 0;) run(Part{share, 3});
}

TEST(elementwise_s8, lookup_takes_the_byte) {
  for (std::uint32_t count = 1; count <= 300; count += 13) {
    bytes.reset();
    Integers numbers(count);
    auto* table = bytes.take<std::int8_t>(256, 3);
    auto* input = bytes.take<std::int8_t>(count, 5);
    auto* expected = bytes.take<std::int8_t>(count);
    numbers.fill(table, 256, -128, 127);
    numbers.fill(input, count, -128, 127);
    for (std::uint32_t i = 0; i < count; ++i) expected[i] = table[input[i] < 0 ? input[i] + 256 : input[i]];
    auto* output = count % 2 == 0 ? input : bytes.take<std::int8_t>(count, 1);
    in_shares([&](const Part& part) { kernels::lookup_s8({input, table, output, count, part}); });
    for (std::uint32_t i = 0; i < count; ++i) ASSERT_EQ(output[i], expected[i]) << i;
    EXPECT_TRUE(bytes.intact());
  }
}

TEST(elementwise_s8, leaky_relu_of_16_bits) {
  constexpr std::uint32_t kCount = 1000;
  for (std::uint32_t seed = 1; seed <= 20; ++seed) {
    bytes.reset();
    Integers numbers(seed);
    auto* input = bytes.take<std::int16_t>(kCount, seed);
    auto* output = bytes.take<std::int16_t>(kCount, seed + 1);
    numbers.fill(input, kCount);
    const float to = 0.2F + static_cast<float>(seed) * 0.1F;
    const QuantizedMultiplier positive = rescale_multiplier(1.0F, to);
    const QuantizedMultiplier negative = seed % 2 == 0 ? QuantizedMultiplier{} : leaky_multiplier(1.0F, to, 0.3F);
    kernels::leaky_relu_s16({input, output, positive, negative, {-32768, 32767}, kCount});
    for (std::uint32_t i = 0; i < kCount; ++i) {
      const std::int64_t value = reference::requantize_twice(input[i], input[i] >= 0 ? positive : negative);
      ASSERT_EQ(output[i], reference::clamp(value, -32768, 32767)) << i;
    }
    EXPECT_TRUE(bytes.intact());
  }
}

TEST(elementwise_s8, quantize_rounds_and_saturates) {
  constexpr std::uint32_t kCount = 333;
  for (const DType type : kTypes)
    for (std::uint32_t seed = 1; seed <= 8; ++seed) {
      bytes.reset();
      Integers numbers(seed);
      const Quantization q{seed % 2 == 0 ? 0.0625F : 0.0371F, any_zero_point(type, numbers)};
      auto* input = bytes.take<float>(kCount, seed);
      const AnyArray output(type, kCount, seed + 1);
      auto* back = bytes.take<float>(kCount, seed + 2);
      for (std::uint32_t i = 0; i < kCount; ++i)
        input[i] = (static_cast<float>(numbers.between(-300, 300)) + (i % 2 == 0 ? 0.5F : 0.25F)) * q.scale;
      input[0] = __builtin_inff(), input[1] = -__builtin_inff(), input[2] = __builtin_nanf(""), input[3] = 3e30F;
      input[4] = -3e30F, input[5] = 0x0.FFFFFFp-1F * q.scale;  // the float32 below a half
      const bool even = seed % 3 == 0;
      in_shares([&](const Part& part) { kernels::quantize_f32({input, output.values, type, q, kCount, part, even}); });
      in_shares([&](const Part& part) { kernels::dequantize_f32({output.values, back, type, q, kCount, part}); });
      const QuantizedRange range = range_of(type);
      for (std::uint32_t i = 0; i < kCount; ++i) {
        const double units = static_cast<double>(input[i] / q.scale);
        const double exact =
            input[i] == input[i]
                ? std::fmin(std::fmax((even ? std::rint(units) : std::round(units)) + q.zero_point, range.low),
                            range.high)
                : q.zero_point;
        ASSERT_EQ(static_cast<double>(output.at(i)), exact) << i << " of type " << static_cast<int>(type);
        if (type == DType::s32 && (exact > 1e6 || exact < -1e6)) continue;
        ASSERT_EQ(back[i], static_cast<float>(static_cast<double>(q.scale) * (exact - q.zero_point))) << i;
      }
      EXPECT_TRUE(bytes.intact());
    }
}

TEST(elementwise_s8, requantize_from_any_type_to_any) {
  constexpr std::uint32_t kCount = 200;
  for (const DType from : kTypes)
    for (const DType to : kTypes)
      for (std::uint32_t seed = 1; seed <= 6; ++seed) {
        bytes.reset();
        Integers numbers(seed);
        const AnyArray input(from, kCount, seed), output(to, kCount, seed + 1);
        input.fill(kCount, numbers);
        const std::int32_t input_zero = any_zero_point(from, numbers), output_zero = any_zero_point(to, numbers);
        const QuantizedMultiplier q{numbers.between(1 << 30, 0x7FFFFFFF),
                                    numbers.between(from == DType::s32 ? -20 : -8, 4)};
        in_shares([&](const Part& part) {
          kernels::requantize_integers(
              {input.values, output.values, from, to, input_zero, output_zero, q, kCount, part});
        });
        const QuantizedRange range = range_of(to);
        for (std::uint32_t i = 0; i < kCount; ++i) {
          const std::int64_t value = reference::requantize_twice(input.at(i) - input_zero, q) + output_zero;
          ASSERT_EQ(output.at(i), reference::clamp(value, range.low, range.high))
              << i << ", " << static_cast<int>(from) << " to " << static_cast<int>(to);
        }
        EXPECT_TRUE(bytes.intact());
      }
}

}  // namespace
}  // namespace mote
