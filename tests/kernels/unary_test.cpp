// SPDX-License-Identifier: Apache-2.0
// Elementary functions and rounding against double, in place and not, at every size up to 70; their derivatives also
// against central differences; special values, and their bits.
#include "reference/unary.hpp"

#include <bit>
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

struct Case {
  const char* name;
  void (*forward)(const ActivationArgs&);
  void (*grad)(const ActivationGradArgs&);
  reference::Unary exact;
  enum : std::uint8_t { input, output } derivative_on;
  float low, high;  // of the arguments
  float alpha = 0.0F, beta = 0.0F;
};

const Case kCases[] = {
    {"exp", kernels::exp_f32, kernels::exp_grad_f32, reference::kExp, Case::output, -8.0F, 4.0F},
    {"log", kernels::log_f32, kernels::log_grad_f32, reference::kLog, Case::input, 0.1F, 9.0F},
    {"sqrt", kernels::sqrt_f32, kernels::sqrt_grad_f32, reference::kSqrt, Case::output, 0.1F, 9.0F},
    {"rsqrt", kernels::rsqrt_f32, kernels::rsqrt_grad_f32, reference::kRsqrt, Case::output, 0.1F, 9.0F},
    {"abs", kernels::abs_f32, kernels::abs_grad_f32, reference::kAbs, Case::input, -8.0F, 8.0F},
    {"neg", kernels::neg_f32, kernels::neg_grad_f32, reference::kNeg, Case::output, -8.0F, 8.0F},
    {"square", kernels::square_f32, kernels::square_grad_f32, reference::kSquare, Case::input, -8.0F, 8.0F},
    {"sin", kernels::sin_f32, kernels::sin_grad_f32, reference::kSin, Case::input, -8.0F, 8.0F},
    {"cos", kernels::cos_f32, kernels::cos_grad_f32, reference::kCos, Case::input, -8.0F, 8.0F},
    {"softplus", kernels::softplus_f32, kernels::softplus_grad_f32, reference::kSoftplus, Case::output, -12.0F, 12.0F},
    {"selu", kernels::selu_f32, kernels::selu_grad_f32, reference::kSelu, Case::output, -8.0F, 8.0F},
    {"hard_sigmoid", kernels::hard_sigmoid_f32, kernels::hard_sigmoid_grad_f32, reference::kHardSigmoid, Case::output,
     -8.0F, 8.0F, 0.2F, 0.5F},
    {"gelu_tanh", kernels::gelu_tanh_f32, kernels::gelu_tanh_grad_f32, reference::kGeluTanh, Case::input, -8.0F, 8.0F},
    {"clip", kernels::clip_f32, kernels::clip_grad_f32, reference::kClip, Case::output, -8.0F, 8.0F, -3.0F, 4.5F},
    {"floor", kernels::floor_f32, nullptr, reference::kFloor, Case::input, -8.0F, 8.0F},
    {"ceil", kernels::ceil_f32, nullptr, reference::kCeil, Case::input, -8.0F, 8.0F},
    {"round", kernels::round_f32, nullptr, reference::kRound, Case::input, -8.0F, 8.0F},
    {"sign", kernels::sign_f32, nullptr, reference::kSign, Case::input, -8.0F, 8.0F},
};

struct Arrays {
  const Case& c;
  float *input, *output, *grad_output, *grad_input;
  double* expected;
  std::uint32_t count;

  Arrays(const Case& which, std::size_t size, std::size_t misalignment)
      : c(which), count(static_cast<std::uint32_t>(size)) {
    memory.reset();
    input = memory.take(size, misalignment);
    output = memory.take(size, misalignment + 3);
    grad_output = memory.take(size, misalignment + 6);
    grad_input = memory.take(size, misalignment + 1);
    expected = memory.take_doubles(size);
    Numbers numbers(count);
    numbers.fill(input, size, 0.5F * (c.high - c.low), 0.5F * (c.high + c.low));
    numbers.fill(grad_output, size);
  }
  void forward(const float* from, float* to) const { c.forward({from, to, c.alpha, count, {}, c.beta}); }
  void backward(float* to) const {
    c.grad({c.derivative_on == Case::input ? input : output, grad_output, to, c.alpha, count, {}, c.beta});
  }
};

void check(const Arrays& a) {
  const double alpha = static_cast<double>(a.c.alpha), beta = static_cast<double>(a.c.beta);
  for (std::size_t i = 0; i < a.count; ++i)
    a.expected[i] = a.c.exact.value(static_cast<double>(a.input[i]), alpha, beta);
  a.forward(a.input, a.output);
  EXPECT_LE(test::worst_error(a.output, a.expected, a.count), 3e-7) << a.c.name << ", " << a.count;
  if (a.c.grad == nullptr) return;
  for (std::size_t i = 0; i < a.count; ++i)
    a.expected[i] =
        static_cast<double>(a.grad_output[i]) * a.c.exact.derivative(static_cast<double>(a.input[i]), alpha, beta);
  a.backward(a.grad_input);
  EXPECT_LE(test::worst_error(a.grad_input, a.expected, a.count), 5e-7) << a.c.name << ", " << a.count;
}

TEST(unary, every_size_and_misalignment) {
  for (const Case& c : kCases) {
    for (std::size_t size = 1; size <= 70; ++size) {
      check(Arrays(c, size, size % 5));
      EXPECT_TRUE(memory.intact()) << c.name << ", " << size;
    }
    check(Arrays(c, 1021, 1));
    EXPECT_TRUE(memory.intact()) << c.name;
  }
}

TEST(unary, in_place_gives_the_same_bits) {
  for (const Case& c : kCases) {
    for (const std::size_t size : {1U, 15U, 16U, 33U, 70U}) {
      const Arrays a(c, size, 2);
      a.forward(a.input, a.output);
      const std::uint64_t output = test::hash_bits(a.output, size);
      if (c.grad != nullptr) {
        a.backward(a.grad_input);
        const std::uint64_t grad = test::hash_bits(a.grad_input, size);
        a.backward(a.grad_output);
        EXPECT_EQ(test::hash_bits(a.grad_output, size), grad) << c.name << ", " << size;
      }
      a.forward(a.input, a.input);
      EXPECT_EQ(test::hash_bits(a.input, size), output) << c.name << ", " << size;
    }
  }
}

/// The formulas of the derivatives against the functions themselves, away from corners.
TEST(unary, derivatives_are_the_slopes) {
  for (const Case& c : kCases) {
    if (c.grad == nullptr) continue;
    const double alpha = static_cast<double>(c.alpha), beta = static_cast<double>(c.beta), step = 1e-5;
    for (int i = 0; i <= 40; ++i) {
      const double x = static_cast<double>(c.low) + 0.0123 + (static_cast<double>(c.high - c.low) - 0.03) * i / 40.0;
      const double slope = (c.exact.value(x + step, alpha, beta) - c.exact.value(x - step, alpha, beta)) / (2.0 * step);
      EXPECT_NEAR(c.exact.derivative(x, alpha, beta), slope, 1e-6 * (1.0 + std::fabs(slope))) << c.name << " at " << x;
    }
  }
}

TEST(unary, nan_stays_visible_in_every_lane) {
  for (const Case& c : kCases) {
    for (std::size_t at = 0; at < 35; ++at) {
      float values[35];
      for (float& value : values) value = 1.0F;
      values[at] = kNaN;
      c.forward({values, values, c.alpha, 35, {}, c.beta});
      for (std::size_t i = 0; i < 35; ++i) EXPECT_EQ(values[i] != values[i], i == at) << c.name << ", " << i;
    }
  }
}

float value_of(void (*forward)(const ActivationArgs&), float x, float alpha = 0.0F, float beta = 0.0F) {
  float y = 0.0F;
  forward({&x, &y, alpha, 1, {}, beta});
  return y;
}
float slope_of(void (*grad)(const ActivationGradArgs&), float value, float alpha = 0.0F, float beta = 0.0F) {
  const float two = 2.0F;
  float y = 0.0F;
  grad({&value, &two, &y, alpha, 1, {}, beta});
  return 0.5F * y;
}

TEST(unary, special_values) {
  using namespace kernels;
  struct Special {
    void (*forward)(const ActivationArgs&);
    float x, y;
  };
  const Special specials[] = {
      {exp_f32, -kInfinity, 0.0F},
      {exp_f32, kInfinity, kInfinity},
      {log_f32, -0.0F, -kInfinity},
      {log_f32, -1.0F, kNaN},
      {log_f32, kInfinity, kInfinity},
      {sqrt_f32, -0.0F, -0.0F},
      {sqrt_f32, -1.0F, kNaN},
      {sqrt_f32, kInfinity, kInfinity},
      {rsqrt_f32, 0.0F, kInfinity},
      {rsqrt_f32, -0.0F, -kInfinity},
      {rsqrt_f32, kInfinity, 0.0F},
      {rsqrt_f32, -1.0F, kNaN},
      {abs_f32, -0.0F, 0.0F},
      {abs_f32, -kInfinity, kInfinity},
      {neg_f32, 0.0F, -0.0F},
      {square_f32, -kInfinity, kInfinity},
      {sin_f32, -0.0F, -0.0F},
      {sin_f32, kInfinity, kNaN},
      {cos_f32, -kInfinity, kNaN},
      {cos_f32, 0.0F, 1.0F},
      {softplus_f32, -kInfinity, 0.0F},
      {softplus_f32, kInfinity, kInfinity},
      {floor_f32, -0.0F, -0.0F},
      {floor_f32, -0.25F, -1.0F},
      {floor_f32, 0.75F, 0.0F},
      {floor_f32, -8388607.5F, -8388608.0F},
      {floor_f32, 3e9F, 3e9F},
      {floor_f32, -kInfinity, -kInfinity},
      {ceil_f32, -0.25F, -0.0F},
      {ceil_f32, 8388607.5F, 8388608.0F},
      {ceil_f32, kInfinity, kInfinity},
      {round_f32, 0.5F, 0.0F},
      {round_f32, -0.5F, -0.0F},
      {round_f32, 1.5F, 2.0F},
      {round_f32, 2.5F, 2.0F},
      {round_f32, 0.49999997F, 0.0F},
      {round_f32, 8388607.5F, 8388608.0F},
      {round_f32, -3e9F, -3e9F},
      {sign_f32, -0.0F, 0.0F},
      {sign_f32, -kInfinity, -1.0F},
      {sign_f32, 1e-37F, 1.0F},
  };
  for (const Special& s : specials) {
    const float y = value_of(s.forward, s.x);
    if (s.y != s.y) {
      EXPECT_NE(y, y) << s.x;
    } else {
      EXPECT_EQ(std::bit_cast<std::uint32_t>(y), std::bit_cast<std::uint32_t>(s.y)) << s.x << " gives " << y;
    }
  }
  EXPECT_EQ(value_of(clip_f32, kInfinity, -kInfinity, 3.0F), 3.0F);
  EXPECT_EQ(value_of(clip_f32, -1e30F, -kInfinity, 3.0F), -1e30F);
  EXPECT_EQ(value_of(hard_sigmoid_f32, kInfinity, 0.2F, 0.5F), 1.0F);
  EXPECT_EQ(value_of(hard_sigmoid_f32, -kInfinity, 0.2F, 0.5F), 0.0F);
}

TEST(unary, slope_at_the_corners) {
  using namespace kernels;
  EXPECT_EQ(slope_of(abs_grad_f32, 0.0F), 0.0F);
  EXPECT_EQ(slope_of(abs_grad_f32, -0.0F), 0.0F);
  EXPECT_EQ(slope_of(clip_grad_f32, -3.0F, -3.0F, 2.0F), 0.0F);
  EXPECT_EQ(slope_of(clip_grad_f32, 2.0F, -3.0F, 2.0F), 0.0F);
  EXPECT_EQ(slope_of(clip_grad_f32, 1.9999999F, -3.0F, 2.0F), 1.0F);
  EXPECT_EQ(slope_of(clip_grad_f32, 5.0F, -3.0F, kInfinity), 1.0F);
  EXPECT_EQ(slope_of(hard_sigmoid_grad_f32, 0.0F, 0.25F, 0.5F), 0.0F);
  EXPECT_EQ(slope_of(hard_sigmoid_grad_f32, 1.0F, 0.25F, 0.5F), 0.0F);
  EXPECT_EQ(slope_of(hard_sigmoid_grad_f32, 0.5F, 0.25F, 0.5F), 0.25F);
  EXPECT_EQ(slope_of(sqrt_grad_f32, 0.0F), kInfinity);
  EXPECT_EQ(slope_of(softplus_grad_f32, kInfinity), 1.0F);
  EXPECT_NEAR(slope_of(softplus_grad_f32, 1e-20F) * 1e20F, 1.0F, 1e-6F);
  const float three = 3.0F;
  float grad = 0.0F;
  neg_grad_f32({nullptr, &three, &grad, 0.0F, 1});
  EXPECT_EQ(grad, -3.0F);
}

TEST(unary, logical_not_takes_any_byte) {
  for (std::uint32_t count = 1; count <= 70; ++count) {
    std::uint8_t input[70], output[72] = {};
    for (std::uint32_t i = 0; i < count; ++i)
      input[i] = static_cast<std::uint8_t>(i % 3 == 0 ? 0 : i % 3 == 1 ? 1 : 200);
    output[count] = 77;
    kernels::logical_not_bool({input, output, count});
    for (std::uint32_t i = 0; i < count; ++i) EXPECT_EQ(output[i], i % 3 == 0 ? 1 : 0) << i;
    EXPECT_EQ(output[count], 77);
    kernels::logical_not_bool({output, output, count});
    for (std::uint32_t i = 0; i < count; ++i) EXPECT_EQ(output[i], i % 3 == 0 ? 0 : 1) << i;
  }
}

TEST(unary, shares_make_the_whole) {
  for (const Case& c : kCases) {
    const Arrays a(c, 400, 0);
    a.forward(a.input, a.output);
    const std::uint64_t whole = test::hash_bits(a.output, a.count);
    for (std::uint32_t i = 0; i < a.count; ++i) a.output[i] = 0.0F;
    for (std::uint32_t share = 0; share < 3; ++share)
      c.forward({a.input, a.output, c.alpha, a.count, {share, 3}, c.beta});
    EXPECT_EQ(test::hash_bits(a.output, a.count), whole) << c.name;
    if (c.grad == nullptr) continue;
    const float* value = c.derivative_on == Case::input ? a.input : a.output;
    a.backward(a.grad_input);
    const std::uint64_t gradient = test::hash_bits(a.grad_input, a.count);
    for (std::uint32_t i = 0; i < a.count; ++i) a.grad_input[i] = 0.0F;
    for (std::uint32_t share = 0; share < 3; ++share)
      c.grad({value, a.grad_output, a.grad_input, c.alpha, a.count, {share, 3}, c.beta});
    EXPECT_EQ(test::hash_bits(a.grad_input, a.count), gradient) << c.name;
  }
}

TEST(unary, same_bits_everywhere) {
  if (!check::kFused) return;
  std::uint64_t hash = test::hash_bits(nullptr, 0);
  for (const Case& c : kCases) {
    const Arrays a(c, 1000, 4);
    a.forward(a.input, a.output);
    hash = test::hash_bits(a.output, a.count, hash);
    if (c.grad == nullptr) continue;
    a.backward(a.grad_input);
    hash = test::hash_bits(a.grad_input, a.count, hash);
  }
  EXPECT_EQ(hash, 0xEB58C80134F4E171U);
}

}  // namespace
}  // namespace mote
