// SPDX-License-Identifier: Apache-2.0
// Tables of 8-bit functions: hashes of what TensorFlow Lite Micro computes for all 256 inputs, and the functions
// themselves in double.
#include "mote/model/lookup_tables.hpp"

#include <cmath>
#include <cstddef>
#include <cstdint>

#include "check.hpp"
#include "kernels/guarded_bytes.hpp"

namespace mote {
namespace {

/// Of the table's values in the order of the inputs -128 … 127.
std::uint64_t hash(const LookupTable& table) {
  std::int8_t values[256];
  for (std::int32_t x = -128; x <= 127; ++x) values[x + 128] = table[static_cast<std::uint8_t>(x)];
  return test::hash_integers(values, 256);
}

struct Case {
  Quantization input;
  std::uint64_t sigmoid, tanh, elu, relu, leaky, mirrored, hard_swish, requantized;
};
constexpr Case kCases[] = {
    {{0.05F, -7},
     0xCB6529B8D1E2CB2AU,
     0xBD3C7D35ED05D601U,
     0x2C8BA2D82171E773U,
     0xE3AD6BBA727CD4C4U,
     0x11F8C6D8262AE149U,
     0x2A0CA2DB7FF5A13BU,
     0x4BE59894C9EA5E71U,
     0x47D6A0DC39E8A63CU},
    {{0.1F, 3},
     0x762EC350CB61BE53U,
     0x5CC3B82A60F2D39EU,
     0xF8BA5EF8D28D8728U,
     0x48E33AF54303E726U,
     0xE7C9F450A7A9BB75U,
     0xF87C7DD372763867U,
     0x0B005A398218FC05U,
     0xA4ED4D33FDE89DC8U},
    {{0.0234375F, -128},
     0x7791223A8C769611U,
     0x9B254DA7BF8AF2AEU,
     0x7280C222D8AAE2D1U,
     0xDA961A5E9D882685U,
     0x404EB74213573A2DU,
     0x404EB74213573A2DU,
     0x469AAA7AABE57E65U,
     0x8EBE2C3E1347E901U},
    {{0.9F, 20},
     0xBC80A44C73A8C5E2U,
     0x1865720EDAC96529U,
     0xEA4F12FD2500ABB0U,
     0xE259A3B76B6E4A5EU,
     0x47F6EB811E6EEF33U,
     0xB847D559E42EDF0EU,
     0xDAEFF73AE976CC6EU,
     0x818125F6C610D116U},
    {{0.004F, 100},
     0xB664F14127776749U,
     0xC83EDFFC591A95C8U,
     0xD37328552F242A51U,
     0x2A4EE2C5457ACC80U,
     0x39947C043839B719U,
     0x67AA5CF527493C27U,
     0xED681E4D2D69E738U,
     0x9550D399A036150CU},
};

TEST(lookup_tables, equal_those_of_tensorflow_lite_micro) {
  for (const Case& c : kCases) {
    EXPECT_EQ(hash(sigmoid_table(c.input)), c.sigmoid) << c.input.scale;
    EXPECT_EQ(hash(tanh_table(c.input)), c.tanh) << c.input.scale;
    EXPECT_EQ(hash(elu_table(c.input, {0.04F, -20})), c.elu) << c.input.scale;
    EXPECT_EQ(hash(relu_table(c.input, {0.06F, -128})), c.relu) << c.input.scale;
    EXPECT_EQ(hash(leaky_relu_table(c.input, {0.07F, 5}, 0.3F)), c.leaky) << c.input.scale;
    EXPECT_EQ(hash(leaky_relu_table(c.input, {0.07F, 5}, -0.3F)), c.mirrored) << c.input.scale;
    EXPECT_EQ(hash(hard_swish_table(c.input, {0.05F, -100})), c.hard_swish) << c.input.scale;
    EXPECT_EQ(hash(requantize_table(c.input, {0.033F, 11})), c.requantized) << c.input.scale;
  }
}

TEST(lookup_tables, are_made_by_the_compiler_too) {
  static constexpr LookupTable kTable = sigmoid_table(kCases[0].input);
  EXPECT_EQ(hash(kTable), kCases[0].sigmoid);
  static constexpr LookupTable kClipped = clip_table({0.1F, 10}, 0.0F, 6.0F);
  static_assert(kClipped[static_cast<std::uint8_t>(-100)] == 10 && kClipped[40] == 40 && kClipped[100] == 70);
}

TEST(lookup_tables, are_near_the_functions) {
  for (const Case& c : kCases) {
    const LookupTable sigmoid = sigmoid_table(c.input), tanh = tanh_table(c.input);
    for (std::int32_t x = -128; x <= 127; ++x) {
      const double real = (x - c.input.zero_point) * static_cast<double>(c.input.scale);
      const double exact = 256.0 / (1.0 + std::exp(-real)) - 128.0;
      EXPECT_LE(std::fabs(sigmoid[static_cast<std::uint8_t>(x)] - std::fmin(exact, 127.0)), 0.51) << real;
      EXPECT_LE(std::fabs(tanh[static_cast<std::uint8_t>(x)] - std::fmin(128.0 * std::tanh(real), 127.0)), 0.51)
          << real;
    }
  }
}

TEST(lookup_tables, exponentials_need_no_library) {
  for (int i = -7000; i <= 7000; ++i) {
    const double x = i * 0.0137;
    EXPECT_LE(std::fabs(tables::exp(x) / std::exp(x) - 1.0), 0x1p-51) << x;
    if (x <= 0.0) {
      EXPECT_LE(std::fabs(tables::exp_minus_one(x) - std::expm1(x)), -std::expm1(x) * 0x1p-50) << x;
    }
  }
}

}  // namespace
}  // namespace mote
