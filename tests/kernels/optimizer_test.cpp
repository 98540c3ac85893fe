// SPDX-License-Identifier: Apache-2.0
// Optimiser steps, penalties, clipping, scaling and the sum of squares against double, at every size up to 70; runs cut
// in pieces; special values; and their bits.
#include "reference/optimizer.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "check.hpp"
#include "instruction_set.hpp"
#include "kernels/guarded.hpp"

namespace mote {
namespace {

using test::memory;
using test::Numbers;

constexpr float kInfinity = __builtin_inff();
constexpr float kNaN = __builtin_nanf("");

struct Optimizer {
  const char* name;
  void (*kernel)(const UpdateArgs&);
  reference::Update exact;
  int states;
};
const Optimizer kOptimizers[] = {
    {"sgd", kernels::sgd_f32, reference::sgd, 0},
    {"momentum", kernels::momentum_f32, reference::momentum, 1},
    {"nesterov", kernels::nesterov_f32, reference::nesterov, 1},
    {"adagrad", kernels::adagrad_f32, reference::adagrad, 1},
    {"rmsprop", kernels::rmsprop_f32, reference::rmsprop, 1},
    {"adam", kernels::adam_f32, reference::adam, 2},
};

struct Arrays {
  float *params, *grads, *state1, *state2;
  std::size_t count;

  Arrays(std::size_t size, std::size_t misalignment, int states) : count(size) {
    memory.reset();
    params = memory.take(size, misalignment);
    grads = memory.take(size, misalignment + 3);
    state1 = states > 0 ? memory.take(size, misalignment + 6) : nullptr;
    state2 = states > 1 ? memory.take(size, misalignment + 9) : nullptr;
    Numbers numbers(static_cast<std::uint32_t>(size));
    numbers.fill(params, size);
    for (std::size_t i = 0; i < size; ++i) {
      if (states > 0) state1[i] = 0.0F;
      if (states > 1) state2[i] = 0.0F;
    }
  }
  [[nodiscard]] UpdateArgs args(std::size_t from, std::size_t to, float correction1, float correction2) const {
    UpdateArgs a{};
    a.params = params + from;
    a.grads = grads + from;
    a.state1 = state1 != nullptr ? state1 + from : nullptr;
    a.state2 = state2 != nullptr ? state2 + from : nullptr;
    a.learning_rate = 0.05F;
    a.decay1 = 0.875F, a.one_minus_decay1 = 0.125F;
    a.decay2 = 0.984375F, a.one_minus_decay2 = 0.015625F;
    a.correction1 = correction1, a.correction2 = correction2;
    a.epsilon = 1e-6F;
    a.weight_decay = 0.25F;
    a.count = static_cast<std::uint32_t>(to - from);
    return a;
  }
};

/// Five steps with new gradients; every step is made in runs that end at the multiples of `run`.
void steps(const Optimizer& optimizer, const Arrays& a, std::size_t run, reference::Parameter* exact) {
  Numbers numbers(99);
  float power1 = 1.0F, power2 = 1.0F;
  for (int step = 0; step < 5; ++step) {
    numbers.fill(a.grads, a.count, 2.0F);
    power1 *= 0.875F, power2 *= 0.984375F;
    for (std::size_t from = 0; from < a.count; from += run) {
      const std::size_t to = a.count - from < run ? a.count : from + run;
      optimizer.kernel(a.args(from, to, 1.0F - power1, 1.0F - power2));
    }
    for (std::size_t i = 0; exact != nullptr && i < a.count; ++i)
      optimizer.exact(a.args(0, a.count, 1.0F - power1, 1.0F - power2), static_cast<double>(a.grads[i]), exact[i]);
  }
}

reference::Parameter exact_parameters[1021];

TEST(optimizer, five_steps_of_every_size) {
  for (const Optimizer& optimizer : kOptimizers) {
    for (std::size_t size = 1; size <= 71; ++size) {
      const std::size_t count = size == 71 ? 1021 : size;
      const Arrays a(count, size % 5, optimizer.states);
      for (std::size_t i = 0; i < count; ++i) exact_parameters[i] = {static_cast<double>(a.params[i]), 0.0, 0.0};
      double* expected = memory.take_doubles(3 * count);
      steps(optimizer, a, count, exact_parameters);
      for (std::size_t i = 0; i < count; ++i) {
        expected[i] = exact_parameters[i].value;
        expected[count + i] = exact_parameters[i].state1;
        expected[2 * count + i] = exact_parameters[i].state2;
      }
      EXPECT_LE(test::worst_error(a.params, expected, count), 1e-6) << optimizer.name << ", " << count;
      if (optimizer.states > 0) {
        EXPECT_LE(test::worst_error(a.state1, expected + count, count), 1e-6) << optimizer.name << ", " << count;
      }
      if (optimizer.states > 1) {
        EXPECT_LE(test::worst_error(a.state2, expected + 2 * count, count), 1e-6) << optimizer.name << ", " << count;
      }
      EXPECT_TRUE(memory.intact()) << optimizer.name << ", " << count;
    }
  }
}

TEST(optimizer, a_run_cut_in_pieces_gives_the_same_bits) {
  for (const Optimizer& optimizer : kOptimizers) {
    std::uint64_t hashes[3];
    const std::size_t runs[] = {100, 7, 33};
    for (std::size_t k = 0; k < 3; ++k) {
      const Arrays a(100, k, optimizer.states);
      steps(optimizer, a, runs[k], nullptr);
      hashes[k] = test::hash_bits(a.params, 100);
    }
    EXPECT_EQ(hashes[0], hashes[1]) << optimizer.name;
    EXPECT_EQ(hashes[0], hashes[2]) << optimizer.name;
  }
}

TEST(penalty, l1_and_l2) {
  for (std::size_t size = 1; size <= 70; ++size) {
    memory.reset();
    float* params = memory.take(size, size % 4);
    float* grads = memory.take(size, size % 3);
    double* expected = memory.take_doubles(size);
    Numbers numbers(static_cast<std::uint32_t>(size));
    numbers.fill_coarse(params, size, 2);  // half of them zero
    numbers.fill(grads, size);
    for (std::size_t i = 0; i < size; ++i) {
      const double p = static_cast<double>(params[i]);
      expected[i] = static_cast<double>(grads[i]) + 0.5 * (0.25 * p + 0.125 * (p > 0.0 ? 1.0 : p < 0.0 ? -1.0 : 0.0));
    }
    kernels::add_penalty_f32({params, grads, 0.5F, 0.125F, 0.25F, static_cast<std::uint32_t>(size)});
    EXPECT_LE(test::worst_error(grads, expected, size), 1e-7) << size;
    EXPECT_TRUE(memory.intact()) << size;
  }
}

TEST(penalty, sign_of_zero_is_zero_and_grads_may_be_params) {
  float params[] = {0.0F, -0.0F, 2.0F, -2.0F, 1e-40F};
  kernels::add_penalty_f32({params, params, -0.5F, 1.0F, 0.5F, 5});
  const float expected[] = {0.0F, 0.0F, 1.0F, -1.0F, -0.5F};
  for (std::size_t i = 0; i < 5; ++i) EXPECT_EQ(params[i], expected[i]) << i;
}

TEST(clip, cuts_both_sides_and_lets_nan_pass) {
  float values[] = {-5.0F, -2.0F, -1.0F, 0.0F, 1.5F, 2.0F, 3.0F, kInfinity, -kInfinity, kNaN};
  const float expected[] = {-2.0F, -2.0F, -1.0F, 0.0F, 1.5F, 2.0F, 2.0F, 2.0F, -2.0F};
  kernels::clip_by_value_f32({values, 2.0F, 10});
  for (std::size_t i = 0; i < 9; ++i) EXPECT_EQ(values[i], expected[i]) << i;
  EXPECT_NE(values[9], values[9]);
}

TEST(clip, and_scale_at_every_size) {
  for (std::size_t size = 1; size <= 70; ++size) {
    memory.reset();
    float* values = memory.take(size, size % 7);
    float* before = memory.take(size);
    Numbers(static_cast<std::uint32_t>(size)).fill(before, size, 3.0F);
    test::copy(before, values, size);
    kernels::scale_f32({values, 1.25F, static_cast<std::uint32_t>(size)});
    for (std::size_t i = 0; i < size; ++i) EXPECT_EQ(values[i], before[i] * 1.25F) << size << ", " << i;
    test::copy(before, values, size);
    kernels::clip_by_value_f32({values, 1.0F, static_cast<std::uint32_t>(size)});
    for (std::size_t i = 0; i < size; ++i)
      EXPECT_EQ(values[i], before[i] > 1.0F ? 1.0F : before[i] < -1.0F ? -1.0F : before[i]) << size << ", " << i;
    EXPECT_TRUE(memory.intact()) << size;
  }
}

TEST(sum_of_squares, adds_to_the_sum) {
  for (std::size_t size = 1; size <= 71; ++size) {
    const std::size_t count = size == 71 ? 5000 : size;
    memory.reset();
    float* values = memory.take(count, size % 6);
    Numbers(static_cast<std::uint32_t>(size)).fill(values, count);
    float sum = 10.0F;
    double expected = 10.0;
    for (std::size_t i = 0; i < count; ++i) expected += static_cast<double>(values[i]) * static_cast<double>(values[i]);
    kernels::sum_of_squares_f32({values, &sum, static_cast<std::uint32_t>(count)});
    EXPECT_NEAR(static_cast<double>(sum), expected, 2e-6 * expected) << count;
    EXPECT_TRUE(memory.intact()) << count;
  }
}

TEST(sum_of_squares, not_finite_stays_visible) {
  for (const float bad : {kNaN, kInfinity, 3e38F}) {
    for (std::size_t at = 0; at < 37; at += 4) {
      float values[37] = {}, sum = 0.0F;
      values[at] = bad;
      kernels::sum_of_squares_f32({values, &sum, 37});
      EXPECT_FALSE(sum - sum == 0.0F) << bad << ", " << at;
    }
  }
}

TEST(largest_magnitude, is_that_of_any_element) {
  for (std::size_t size = 0; size <= 140; ++size) {
    memory.reset();
    float* values = memory.take(size, size % 6);
    Numbers(static_cast<std::uint32_t>(size + 1)).fill(values, size);
    const auto count = static_cast<std::uint32_t>(size);
    float largest = 7.0F;
    for (std::size_t at = 0; at < size; ++at) {
      const float before = values[at];
      for (const float value : {-3.5F, 3e38F, -kInfinity, kInfinity, kNaN, -kNaN}) {
        values[at] = value;
        kernels::largest_magnitude_f32({values, &largest, count});
        const float magnitude = value < 0.0F ? -value : value;
        EXPECT_EQ(largest, magnitude <= kInfinity ? magnitude : kInfinity) << size << ", " << at << ", " << value;
      }
      values[at] = before;
    }
    float expected = 0.0F;
    for (std::size_t at = 0; at < size; ++at) expected = std::max({expected, values[at], -values[at]});
    kernels::largest_magnitude_f32({values, &largest, count});
    EXPECT_EQ(largest, expected) << size;
    EXPECT_TRUE(memory.intact()) << size;
  }
}

TEST(dot, is_exact_to_the_last_sum) {
  for (std::size_t size = 0; size <= 71; ++size) {
    const std::size_t count = size == 71 ? 5000 : size;
    memory.reset();
    float *a = memory.take(count, size % 6), *b = memory.take(count, size % 5);
    Numbers numbers(static_cast<std::uint32_t>(size));
    numbers.fill(a, count), numbers.fill(b, count);
    double expected = 10.0, sum = 10.0;
    for (std::size_t i = 0; i < count; ++i) expected += static_cast<double>(a[i]) * static_cast<double>(b[i]);
    kernels::dot_f32({a, b, &sum, static_cast<std::uint32_t>(count)});
    EXPECT_NEAR(sum, expected, 1e-12) << count;
    EXPECT_TRUE(memory.intact()) << count;
  }
}

TEST(dot, neither_vanishes_nor_overflows) {
  for (const float value : {1e-40F, 1e-25F, 1e25F, 3e38F}) {
    float values[19];
    for (float& v : values) v = value;
    double sum = 0.0;
    kernels::dot_f32({values, values, &sum, 19});
    const double square = static_cast<double>(value) * static_cast<double>(value);
    EXPECT_NEAR(sum / square, 19.0, 1e-12) << value;
  }
  float bad[3] = {1.0F, kNaN, 2.0F};
  double sum = 0.0;
  kernels::dot_f32({bad, bad, &sum, 3});
  EXPECT_NE(sum, sum);
}

TEST(add_scaled, rounds_once_and_may_write_over_its_operands) {
  for (std::size_t size = 1; size <= 70; ++size) {
    memory.reset();
    float *base = memory.take(size, size % 3), *direction = memory.take(size, size % 5), *output = memory.take(size);
    Numbers numbers(static_cast<std::uint32_t>(size));
    numbers.fill(base, size), numbers.fill(direction, size, 3.0F);
    const auto count = static_cast<std::uint32_t>(size);
    kernels::add_scaled_f32({base, direction, output, 0.1, count});
    for (std::size_t i = 0; i < size; ++i)
      EXPECT_EQ(output[i], static_cast<float>(static_cast<double>(base[i]) + 0.1 * static_cast<double>(direction[i])));
    kernels::add_scaled_f32({base, direction, direction, 0.1, count});
    EXPECT_TRUE(std::equal(output, output + size, direction)) << size;
    kernels::add_scaled_f32({base, base, base, -1.0, count});
    for (std::size_t i = 0; i < size; ++i) EXPECT_EQ(base[i], 0.0F) << size;
    EXPECT_TRUE(memory.intact()) << size;
  }
}

TEST(full_batch, same_bits_everywhere) {  // fused or not: the products are exact
  alignas(64) float a[211], b[211];
  Numbers numbers(3);
  numbers.fill(a, 211), numbers.fill(b, 211);
  double sum = 0.0;
  kernels::add_scaled_f32({a, b, a, 0.3, 211});
  kernels::dot_f32({a, b, &sum, 211});
  const float high = static_cast<float>(sum), low = static_cast<float>(sum - static_cast<double>(high));
  EXPECT_EQ(test::hash_bits(&low, 1, test::hash_bits(&high, 1, test::hash_bits(a, 211))), 0x3EF21A15F4BF04C5U);
}

TEST(optimizer, same_bits_everywhere) {
  if (!check::kFused) return;
  std::uint64_t hash = test::hash_bits(nullptr, 0);
  for (const Optimizer& optimizer : kOptimizers) {
    const Arrays a(211, 2, optimizer.states);
    steps(optimizer, a, 211, nullptr);
    kernels::add_penalty_f32({a.grads, a.params, 0.3F, 0.01F, 0.02F, 211});
    kernels::clip_by_value_f32({a.params, 0.9F, 211});
    kernels::scale_f32({a.params, 0.7F, 211});
    float sum = 0.0F;
    kernels::sum_of_squares_f32({a.params, &sum, 211});
    hash = test::hash_bits(&sum, 1, test::hash_bits(a.params, 211, hash));
  }
  EXPECT_EQ(hash, 0xB9779667742BE316U);
}

}  // namespace
}  // namespace mote
