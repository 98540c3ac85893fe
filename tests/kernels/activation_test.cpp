// SPDX-License-Identifier: Apache-2.0
// The activations and their gradients against double, in place and not, at every size up to 70, and their bits.
#include "reference/activation.hpp"

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
constexpr float kAlpha = 0.1F;

struct Case {
  const char* name;
  void (*forward)(const ActivationArgs&);
  void (*grad)(const ActivationGradArgs&);
  reference::Activation exact;
  bool grad_reads_input;
};

const Case kCases[] = {
    {"sigmoid", kernels::sigmoid_f32, kernels::sigmoid_grad_f32, reference::kSigmoid, false},
    {"tanh", kernels::tanh_f32, kernels::tanh_grad_f32, reference::kTanh, false},
    {"relu", kernels::relu_f32, kernels::relu_grad_f32, reference::kRelu, false},
    {"leaky_relu", kernels::leaky_relu_f32, kernels::leaky_relu_grad_f32, reference::kLeakyRelu, false},
    {"relu6", kernels::relu6_f32, kernels::relu6_grad_f32, reference::kRelu6, false},
    {"silu", kernels::silu_f32, kernels::silu_grad_f32, reference::kSilu, true},
    {"gelu", kernels::gelu_f32, kernels::gelu_grad_f32, reference::kGelu, true},
    {"hard_swish", kernels::hard_swish_f32, kernels::hard_swish_grad_f32, reference::kHardSwish, true},
    {"elu", kernels::elu_f32, kernels::elu_grad_f32, reference::kElu, false},
};

struct Arrays {
  float *input, *output, *grad_output, *grad_input;
  double* expected;
  std::uint32_t count;

  Arrays(std::size_t size, std::size_t misalignment) : count(static_cast<std::uint32_t>(size)) {
    memory.reset();
    input = memory.take(size, misalignment);
    output = memory.take(size, misalignment + 3);
    grad_output = memory.take(size, misalignment + 6);
    grad_input = memory.take(size, misalignment + 1);
    expected = memory.take_doubles(size);
    Numbers numbers(static_cast<std::uint32_t>(size));
    numbers.fill(input, size, 8.0F);
    numbers.fill(grad_output, size);
  }
  [[nodiscard]] const float* value(const Case& c) const { return c.grad_reads_input ? input : output; }
};

void check_forward(const Case& c, const Arrays& a) {
  for (std::size_t i = 0; i < a.count; ++i)
    a.expected[i] = c.exact.value(static_cast<double>(a.input[i]), static_cast<double>(kAlpha));
  c.forward({a.input, a.output, kAlpha, a.count});
  EXPECT_LE(test::worst_error(a.output, a.expected, a.count), 3e-7) << c.name << ", " << a.count;
}

void check_gradient(const Case& c, const Arrays& a) {
  for (std::size_t i = 0; i < a.count; ++i)
    a.expected[i] = static_cast<double>(a.grad_output[i]) *
                    c.exact.derivative(static_cast<double>(a.input[i]), static_cast<double>(kAlpha));
  c.grad({a.value(c), a.grad_output, a.grad_input, kAlpha, a.count});
  EXPECT_LE(test::worst_error(a.grad_input, a.expected, a.count), 4e-7) << c.name << ", " << a.count;
}

TEST(activation, every_size_and_misalignment) {
  for (const Case& c : kCases) {
    for (std::size_t size = 1; size <= 70; ++size) {
      const Arrays a(size, size % 5);
      check_forward(c, a);
      check_gradient(c, a);
      EXPECT_TRUE(memory.intact()) << c.name << ", " << size;
    }
    const Arrays large(1021, 1);
    check_forward(c, large);
    check_gradient(c, large);
    EXPECT_TRUE(memory.intact()) << c.name;
  }
}

TEST(activation, in_place_gives_the_same_bits) {
  for (const Case& c : kCases) {
    for (const std::size_t size : {1U, 15U, 16U, 33U, 70U}) {
      const Arrays a(size, 2);
      c.forward({a.input, a.output, kAlpha, a.count});
      c.grad({a.value(c), a.grad_output, a.grad_input, kAlpha, a.count});
      const std::uint64_t output = test::hash_bits(a.output, size), grad = test::hash_bits(a.grad_input, size);
      c.grad({a.value(c), a.grad_output, a.grad_output, kAlpha, a.count});
      EXPECT_EQ(test::hash_bits(a.grad_output, size), grad) << c.name << ", " << size;
      c.forward({a.input, a.input, kAlpha, a.count});
      EXPECT_EQ(test::hash_bits(a.input, size), output) << c.name << ", " << size;
    }
  }
}

TEST(activation, nan_stays_visible_in_every_lane) {
  for (const Case& c : kCases) {
    for (std::size_t at = 0; at < 35; ++at) {
      float values[35] = {};
      values[at] = kNaN;
      c.forward({values, values, kAlpha, 35});
      for (std::size_t i = 0; i < 35; ++i) EXPECT_EQ(values[i] != values[i], i == at) << c.name << ", " << i;
    }
  }
}

TEST(activation, far_out_values) {
  const auto forward = [](const Case& c, float x) {
    float y = 0.0F;
    c.forward({&x, &y, kAlpha, 1});
    return y;
  };
  const auto gradient = [&](const Case& c, float x) {
    const float value = c.grad_reads_input ? x : forward(c, x), one = 1.0F;
    float grad = 0.0F;
    c.grad({&value, &one, &grad, kAlpha, 1});
    return grad;
  };
  for (const Case& c : kCases) {
    for (const float x : {-1e6F, -100.0F, -60.0F, 60.0F, 100.0F, 1e6F, 1e-30F, -1e-30F}) {
      const double exact = c.exact.value(static_cast<double>(x), static_cast<double>(kAlpha));
      EXPECT_NEAR(static_cast<double>(forward(c, x)), exact, 1e-7 * (1.0 + std::fabs(exact))) << c.name << " " << x;
      const double slope = c.exact.derivative(static_cast<double>(x), static_cast<double>(kAlpha));
      EXPECT_NEAR(static_cast<double>(gradient(c, x)), slope, 1e-6) << c.name << " " << x;
    }
  }
  EXPECT_EQ(forward(kCases[0], -kInfinity), 0.0F);
  EXPECT_EQ(forward(kCases[1], kInfinity), 1.0F);
  EXPECT_EQ(forward(kCases[2], kInfinity), kInfinity);
  EXPECT_EQ(forward(kCases[4], kInfinity), 6.0F);
}

TEST(activation, slope_at_the_corners) {
  struct Corner {
    void (*grad)(const ActivationGradArgs&);
    float value, slope;
  };
  const Corner corners[] = {
      {kernels::relu_grad_f32, 0.0F, 0.0F},       {kernels::relu_grad_f32, 1e-40F, 1.0F},
      {kernels::relu_grad_f32, -0.0F, 0.0F},      {kernels::leaky_relu_grad_f32, 0.0F, kAlpha},
      {kernels::relu6_grad_f32, 6.0F, 0.0F},      {kernels::relu6_grad_f32, 5.9999995F, 1.0F},
      {kernels::relu6_grad_f32, 0.0F, 0.0F},      {kernels::hard_swish_grad_f32, -3.0F, 0.0F},
      {kernels::hard_swish_grad_f32, 3.0F, 1.0F}, {kernels::hard_swish_grad_f32, 0.0F, 0.5F},
      {kernels::elu_grad_f32, 0.0F, 1.0F},
  };
  for (const Corner& corner : corners) {
    const float two = 2.0F;
    float grad = 0.0F;
    corner.grad({&corner.value, &two, &grad, kAlpha, 1});
    EXPECT_EQ(grad, 2.0F * corner.slope) << corner.value;
  }
}

TEST(activation, same_bits_everywhere) {
  if (!check::kFused) return;
  std::uint64_t hash = test::hash_bits(nullptr, 0);
  for (const Case& c : kCases) {
    const Arrays a(1000, 4);
    c.forward({a.input, a.output, kAlpha, a.count});
    c.grad({a.value(c), a.grad_output, a.grad_input, kAlpha, a.count});
    hash = test::hash_bits(a.grad_input, a.count, test::hash_bits(a.output, a.count, hash));
  }
  EXPECT_EQ(hash, 0x123037C03A747641U);
}

}  // namespace
}  // namespace mote
