// SPDX-License-Identifier: Apache-2.0
// cast_values between all types, at the ends of each, in shares.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <initializer_list>

#include "check.hpp"
#include "kernels/guarded_bytes.hpp"
#include "mote/kernels/kernels.hpp"

namespace mote {
namespace {

constexpr float kInfinite = __builtin_inff(), kNan = __builtin_nanf("");

template <class From, class To>
void expect_cast(DType from, DType to, std::initializer_list<From> values, std::initializer_list<To> wanted) {
  ASSERT_EQ(values.size(), wanted.size());
  const auto count = static_cast<std::uint32_t>(values.size());
  for (std::uint32_t shares = 1; shares <= 3; ++shares) {
    test::bytes.reset();
    From* input = test::bytes.take<From>(count, shares);
    To* output = test::bytes.take<To>(count, 1);
    std::size_t i = 0;
    for (const From value : values) input[i++] = value;
    for (std::uint32_t share = 0; share < shares; ++share)
      kernels::cast_values({reinterpret_cast<const std::byte*>(input),
                            reinterpret_cast<std::byte*>(output),
                            from,
                            to,
                            count,
                            {share, shares}});
    i = 0;
    for (const To value : wanted) {
      EXPECT_EQ(output[i], value) << i;
      ++i;
    }
    EXPECT_TRUE(test::bytes.intact());
  }
}
using S8 = std::int8_t;
using U8 = std::uint8_t;
using S16 = std::int16_t;
using S32 = std::int32_t;

TEST(cast, floats_are_cut_off_and_stay_in_range) {
  expect_cast<float, S32>(DType::f32, DType::s32,
                          {0.0F, -0.0F, 1.99F, -1.99F, 2147483520.0F, 2147483648.0F, -2147483648.0F, -3e38F, kInfinite,
                           -kInfinite, kNan, 16777216.0F},
                          {0, 0, 1, -1, 2147483520, 2147483647, -2147483647 - 1, -2147483647 - 1, 2147483647,
                           -2147483647 - 1, 0, 16777216});
  expect_cast<float, S8>(DType::f32, DType::s8, {127.9F, 128.0F, -128.9F, -1e9F, kNan, -0.5F},
                         {127, 127, -128, -128, 0, 0});
  expect_cast<float, U8>(DType::f32, DType::u8, {255.9F, 256.0F, -0.9F, -7.0F, kNan, 3.5F}, {255, 255, 0, 0, 0, 3});
  expect_cast<float, S16>(DType::f32, DType::s16, {32767.5F, 1e6F, -32768.5F, -1e6F, kNan},
                          {32767, 32767, -32768, -32768, 0});
  expect_cast<float, U8>(DType::f32, DType::boolean, {0.0F, -0.0F, 1e-40F, -2.0F, kNan, kInfinite}, {0, 0, 1, 1, 1, 1});
  expect_cast<float, float>(DType::f32, DType::f32, {1.5F, -kInfinite}, {1.5F, -kInfinite});
}

TEST(cast, integers_lose_their_upper_bits) {
  expect_cast<S32, S8>(DType::s32, DType::s8, {0, 127, 128, -129, 65536}, {0, 127, -128, 127, 0});
  expect_cast<S32, U8>(DType::s32, DType::u8, {-1, 256, 255}, {255, 0, 255});
  expect_cast<S32, S16>(DType::s32, DType::s16, {32768, -32769, 5}, {-32768, 32767, 5});
  expect_cast<S32, U8>(DType::s32, DType::boolean, {0, 256, -1}, {0, 1, 1});
  expect_cast<S32, float>(DType::s32, DType::f32, {16777217, -5, 2147483647}, {16777216.0F, -5.0F, 2147483648.0F});
  expect_cast<S8, S32>(DType::s8, DType::s32, {-128, 127}, {-128, 127});
  expect_cast<U8, S32>(DType::u8, DType::s32, {0, 255}, {0, 255});
  expect_cast<S16, S32>(DType::s16, DType::s32, {-32768, 32767}, {-32768, 32767});
  expect_cast<S8, U8>(DType::s8, DType::u8, {-1, 5}, {255, 5});
}

TEST(cast, booleans_are_0_or_1) {
  expect_cast<U8, float>(DType::boolean, DType::f32, {0, 1, 200}, {0.0F, 1.0F, 1.0F});
  expect_cast<U8, S32>(DType::boolean, DType::s32, {0, 1, 200}, {0, 1, 1});
  expect_cast<U8, U8>(DType::boolean, DType::boolean, {0, 1, 200}, {0, 1, 1});
  expect_cast<U8, float>(DType::u8, DType::f32, {0, 1, 200}, {0.0F, 1.0F, 200.0F});
}

}  // namespace
}  // namespace mote
