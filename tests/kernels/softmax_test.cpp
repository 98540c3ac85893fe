// SPDX-License-Identifier: Apache-2.0
// softmax_f32 and softmax_grad_f32 against double, in place and not, with extreme logits, and their bits.
#include <cstddef>
#include <cstdint>

#include "check.hpp"
#include "instruction_set.hpp"
#include "kernels/guarded.hpp"
#include "reference/loss.hpp"

namespace mote {
namespace {

using test::memory;
using test::Numbers;

constexpr float kInfinity = __builtin_inff();
constexpr float kNaN = __builtin_nanf("");

struct Arrays {
  float *input, *output, *grad_output, *grad_input;
  double* expected;
  std::uint32_t rows, channels;

  Arrays(std::uint32_t row_count, std::uint32_t channel_count, std::size_t misalignment)
      : rows(row_count), channels(channel_count) {
    memory.reset();
    input = memory.take(count(), misalignment);
    output = memory.take(count(), misalignment + 2);
    grad_output = memory.take(count(), misalignment + 5);
    grad_input = memory.take(count(), misalignment + 7);
    expected = memory.take_doubles(count());
    Numbers numbers(channels);
    numbers.fill(input, count(), 6.0F);
    numbers.fill(grad_output, count());
  }
  [[nodiscard]] std::size_t count() const { return std::size_t{rows} * channels; }
};

void check(std::uint32_t rows, std::uint32_t channels, std::size_t misalignment) {
  const Arrays a(rows, channels, misalignment);
  for (std::size_t i = 0; i < a.count(); i += channels) reference::softmax(a.input + i, a.expected + i, channels);
  kernels::softmax_f32({a.input, a.output, rows, channels});
  EXPECT_LE(test::worst_error(a.output, a.expected, a.count()), 2e-7) << rows << ", " << channels;
  for (std::size_t i = 0; i < a.count(); i += channels)
    reference::softmax_grad(a.output + i, a.grad_output + i, a.expected + i, channels);
  kernels::softmax_grad_f32({a.output, a.grad_output, a.grad_input, rows, channels});
  EXPECT_LE(test::worst_error(a.grad_input, a.expected, a.count()), 3e-7) << rows << ", " << channels;
  EXPECT_TRUE(memory.intact()) << rows << ", " << channels;
}

TEST(softmax, every_width_and_misalignment) {
  for (std::uint32_t channels = 1; channels <= 40; ++channels) check(1 + channels % 3, channels, channels % 4);
  for (const std::uint32_t channels : {47U, 64U, 100U, 257U}) check(2, channels, 1);
}

TEST(softmax, in_place_gives_the_same_bits) {
  for (const std::uint32_t channels : {1U, 10U, 16U, 21U, 70U}) {
    const Arrays a(3, channels, 1);
    kernels::softmax_f32({a.input, a.output, 3, channels});
    kernels::softmax_f32({a.input, a.input, 3, channels});
    EXPECT_EQ(test::hash_bits(a.input, a.count()), test::hash_bits(a.output, a.count())) << channels;
    kernels::softmax_grad_f32({a.output, a.grad_output, a.grad_input, 3, channels});
    kernels::softmax_grad_f32({a.output, a.grad_output, a.grad_output, 3, channels});
    EXPECT_EQ(test::hash_bits(a.grad_output, a.count()), test::hash_bits(a.grad_input, a.count())) << channels;
  }
}

TEST(softmax, extreme_logits) {
  float row[3] = {-5000.0F, -5000.0F, -5000.0F};
  kernels::softmax_f32({row, row, 1, 3});
  for (const float p : row) EXPECT_EQ(p, 1.0F / 3.0F);
  float spread[4] = {3e38F, -3e38F, 0.0F, -kInfinity};
  kernels::softmax_f32({spread, spread, 1, 4});
  EXPECT_EQ(spread[0], 1.0F);
  for (std::size_t j = 1; j < 4; ++j) EXPECT_EQ(spread[j], 0.0F) << j;
}

TEST(softmax, a_nan_spoils_its_whole_row_and_no_other) {
  for (const std::uint32_t channels : {1U, 3U, 10U, 16U, 19U, 40U}) {
    for (std::size_t at = 0; at < channels; ++at) {
      const Arrays a(3, channels, 0);
      a.input[channels + at] = kNaN;
      kernels::softmax_f32({a.input, a.output, 3, channels});
      for (std::size_t i = 0; i < a.count(); ++i)
        EXPECT_EQ(a.output[i] != a.output[i], i / channels == 1) << channels << ", " << at << ", " << i;
    }
  }
}

TEST(softmax, same_bits_everywhere) {
  if (!check::kFused) return;
  std::uint64_t hash = test::hash_bits(nullptr, 0);
  for (const std::uint32_t channels : {1U, 2U, 7U, 10U, 15U, 16U, 17U, 33U, 100U, 500U}) {
    const Arrays a(3, channels, 2);
    kernels::softmax_f32({a.input, a.output, 3, channels});
    kernels::softmax_grad_f32({a.output, a.grad_output, a.grad_input, 3, channels});
    hash = test::hash_bits(a.grad_input, a.count(), test::hash_bits(a.output, a.count(), hash));
  }
  EXPECT_EQ(hash, 0x2B5EADDF48CF7BA9U);
}

}  // namespace
}  // namespace mote
