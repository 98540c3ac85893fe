// SPDX-License-Identifier: Apache-2.0
// softmax_s8, softmax_s8_s16, softmax_s16, log_softmax_s8, l2_norm_s8, sigmoid_s16, tanh_s16: hashes of what TensorFlow
// Lite Micro computes, and the functions themselves in double.
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "check.hpp"
#include "kernels/guarded_bytes.hpp"
#include "mote/kernels/kernels.hpp"

namespace mote {
namespace {

using test::bytes;
using test::hash_integers;

struct Case {
  std::uint32_t rows, channels;
  std::int32_t span;
  float scale, beta;
  std::uint64_t softmax, softmax_16, softmax_from_16, log_softmax, l2_norm;
};
constexpr Case kCases[] = {
    {5, 10, 251, 0.1F, 1.0F, 0xF38A1A6180307F6BU, 0x71151C6E7DFB4FF5U, 0x329F5DC64230B99CU, 0xB2E9EFFC9B106126U,
     0xE7D994C3A29DBBB8U},
    {3, 2, 251, 0.02F, 1.0F, 0xA2BC7071453949BDU, 0x131193DC73216DE2U, 0x360F317FEBFDEA97U, 0xFCA2AC64B1ADB231U,
     0x9208C3B906D582B0U},
    {2, 100, 101, 0.3F, 0.5F, 0x58CD84D180B77A68U, 0x7D5F85B5174DF348U, 0x0249830F75C98B59U, 0x02EDBE1877E4505AU,
     0x7D579E23867B7307U},
    {4, 1, 99, 0.1F, 1.0F, 0x45887237ADDA2D51U, 0x47398D38EA5BB63DU, 0x47398D38EA5BB63DU, 0x45887237ADDA2D51U,
     0x27E974A982D941D6U},
    {3, 33, 31, 1.1F, 2.0F, 0x44B726F64ABE5DCDU, 0x3D270218EC29ECD4U, 0x3B5064064692B163U, 0xF188B5CA28A702F1U,
     0x7C2F55F292FB56FFU},
};

template <class Element>
Element* rows_of(const Case& c, std::int32_t span) {
  auto* values = bytes.take<Element>(c.rows * c.channels, c.channels);
  for (std::uint32_t i = 0; i < c.rows * c.channels; ++i)
    values[i] = static_cast<Element>(static_cast<std::int32_t>(i * 7919 % static_cast<std::uint32_t>(span)) - span / 2);
  return values;
}

TEST(softmax_s8, equals_tensorflow_lite_micro) {
  for (const Case& c : kCases) {
    bytes.reset();
    const std::size_t count = c.rows * c.channels;
    const auto* input = rows_of<std::int8_t>(c, c.span);
    const auto* wide_input = rows_of<std::int16_t>(c, c.span * 257);
    auto* output = bytes.take<std::int8_t>(count, 3);
    auto* wide = bytes.take<std::int16_t>(count, 1);
    const SoftmaxScale scale = softmax_scale(c.beta, c.scale), plain = softmax_scale(1.0F, c.scale);
    kernels::softmax_s8({input, output, scale, c.rows, c.channels});
    EXPECT_EQ(hash_integers(output, count), c.softmax) << c.channels;
    kernels::softmax_s8_s16({input, wide, scale, c.rows, c.channels});
    EXPECT_EQ(hash_integers(wide, count), c.softmax_16) << c.channels;
    kernels::softmax_s16({wide_input, wide, softmax_s16_multiplier(c.beta, c.scale / 256.0F), c.rows, c.channels});
    EXPECT_EQ(hash_integers(wide, count), c.softmax_from_16) << c.channels;
    kernels::log_softmax_s8({input, output, plain, log_softmax_reverse(plain), c.rows, c.channels});
    EXPECT_EQ(hash_integers(output, count), c.log_softmax) << c.channels;
    kernels::l2_norm_s8({input, output, -9, c.rows, c.channels});
    EXPECT_EQ(hash_integers(output, count), c.l2_norm) << c.channels;
    EXPECT_TRUE(bytes.intact());
  }
}

TEST(softmax_s8, tables_of_16_bits_equal_tensorflow_lite_micro) {
  constexpr std::uint32_t kRows = 4096;  // two classes, 0 to 5 apart
  bytes.reset();
  auto* input = bytes.take<std::int16_t>(kRows * 2, 1);
  auto* output = bytes.take<std::int16_t>(kRows * 2, 3);
  for (std::uint32_t i = 0; i < kRows; ++i) {
    input[2 * i] = 16000;
    input[2 * i + 1] = static_cast<std::int16_t>(16000 - 8 * static_cast<std::int32_t>(i));
  }
  kernels::softmax_s16({input, output, softmax_s16_multiplier(1.0F, static_cast<float>(10.0 / 65535.0)), kRows, 2});
  EXPECT_EQ(hash_integers(output, kRows * 2), 0xFBDCB7A7653404BAU);
  EXPECT_TRUE(bytes.intact());
}

TEST(softmax_s8, is_near_the_function_and_works_in_place) {
  for (const Case& c : kCases) {
    bytes.reset();
    const auto* input = rows_of<std::int8_t>(c, c.span);
    auto* output = rows_of<std::int8_t>(c, c.span);
    auto* logs = rows_of<std::int8_t>(c, c.span);
    auto* units = rows_of<std::int8_t>(c, c.span);
    const SoftmaxScale scale = softmax_scale(1.0F, c.scale);
    kernels::softmax_s8({output, output, scale, c.rows, c.channels});
    kernels::log_softmax_s8({logs, logs, scale, log_softmax_reverse(scale), c.rows, c.channels});
    kernels::l2_norm_s8({units, units, 0, c.rows, c.channels});
    for (std::size_t row = 0; row < c.rows; ++row) {
      const std::size_t first = row * c.channels;
      double sum = 0.0, squares = 0.0;
      for (std::size_t i = first; i < first + c.channels; ++i) {
        sum += std::exp(input[i] * static_cast<double>(c.scale));
        squares += input[i] * input[i];
      }
      for (std::size_t i = first; i < first + c.channels; ++i) {
        const double real = input[i] * static_cast<double>(c.scale);
        EXPECT_LE(std::fabs(std::fmin(256.0 * std::exp(real) / sum - 128.0, 127.0) - output[i]), 0.55) << i;
        EXPECT_LE(std::fabs(std::fmax(127.0 + 16.0 * (real - std::log(sum)), -128.0) - logs[i]), 0.55) << i;
        if (squares > 0.0) {
          EXPECT_LE(std::fabs(std::fmin(128.0 * input[i] / std::sqrt(squares), 127.0) - units[i]), 0.55) << i;
        }
      }
    }
    EXPECT_TRUE(bytes.intact());
  }
}

struct Curve {
  float scale;
  std::uint64_t sigmoid, tanh;
};
constexpr Curve kCurves[] = {{0.000244140625F, 0x9106CB5B158B3D55U, 0x15D109AC75954965U},
                             {0.00048828125F, 0x49C70ED0AC391151U, 0x96AE7B0D20810061U},
                             {6.103515625e-05F, 0xAB46FA6C855BCC2FU, 0x6DA50BB63889AAA9U},
                             {0.001F, 0x8EDB442F49EA138DU, 0x47A156568F9D3B2BU},
                             {3e-05F, 0x2DD60E336DBAD915U, 0x26FDC1CA418457BEU}};

TEST(softmax_s8, curves_of_16_bits_equal_tensorflow_lite_micro) {
  constexpr std::size_t kCount = 1024;  // at a time, of all 65536 inputs
  for (const Curve& c : kCurves) {
    std::uint64_t sigmoid = 0xCBF29CE484222325U, tanh = sigmoid;
    for (std::int32_t first = -32768; first < 32768; first += static_cast<std::int32_t>(kCount)) {
      bytes.reset();
      auto* input = bytes.take<std::int16_t>(kCount, 5);
      auto* output = bytes.take<std::int16_t>(kCount, 7);
      for (std::size_t i = 0; i < kCount; ++i) input[i] = static_cast<std::int16_t>(first + static_cast<int>(i));
      kernels::sigmoid_s16({input, output, curve_scale(c.scale), kCount});
      sigmoid = hash_integers(output, kCount, sigmoid);
      for (std::size_t i = 0; i < kCount; i += 37)
        ASSERT_LE(std::fabs(output[i] - 32768.0 / (1.0 + std::exp(-input[i] * static_cast<double>(c.scale)))), 2.5);
      kernels::tanh_s16({input, input, curve_scale(c.scale), kCount});
      tanh = hash_integers(input, kCount, tanh);
      ASSERT_TRUE(bytes.intact());
    }
    EXPECT_EQ(sigmoid, c.sigmoid) << c.scale;
    EXPECT_EQ(tanh, c.tanh) << c.scale;
  }
}

}  // namespace
}  // namespace mote
