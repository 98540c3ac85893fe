// SPDX-License-Identifier: Apache-2.0
// Normalisations, and softmax along any axis, against double; gradients against central differences in double, in place
// and in shares; and their bits.
#include "reference/norm.hpp"

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

double* doubles(const float* from, std::size_t count) {
  double* to = memory.take_doubles(count);
  for (std::size_t i = 0; i < count; ++i) to[i] = static_cast<double>(from[i]);
  return to;
}

struct NormCase {
  const char* name;
  void (*forward)(const NormArgs&);
  void (*grad_input)(const NormGradArgs&);
  void (*grad_params)(const NormGradArgs&);
  reference::NormFunction exact;
};
const NormCase kNorms[] = {
    {"layer_norm", kernels::layer_norm_f32, kernels::layer_norm_grad_input_f32, kernels::layer_norm_grad_params_f32,
     reference::layer_norm},
    {"rms_norm", kernels::rms_norm_f32, kernels::rms_norm_grad_input_f32, kernels::rms_norm_grad_params_f32,
     reference::rms_norm},
    {"l2_norm", kernels::l2_norm_f32, kernels::l2_norm_grad_input_f32, nullptr, reference::l2_norm},
};

struct NormArrays {
  std::uint32_t rows, channels;
  float *input, *gamma, *beta, *output, *grad_output, *grad_input, *grad_gamma, *grad_beta;
  static constexpr float kEpsilon = 1e-3F, kScale = -0.5F;

  NormArrays(std::uint32_t r, std::uint32_t c, bool params, std::size_t misalignment) : rows(r), channels(c) {
    memory.reset();
    input = memory.take(count(), misalignment);
    gamma = params ? memory.take(c, misalignment + 1) : nullptr;
    beta = params ? memory.take(c, misalignment + 2) : nullptr;
    output = memory.take(count(), misalignment + 3);
    grad_output = memory.take(count(), misalignment + 4);
    grad_input = memory.take(count(), misalignment + 5);
    grad_gamma = memory.take(c, 1), grad_beta = memory.take(c, 3);
    Numbers numbers(r * 1000 + c);
    numbers.fill(input, count(), 3.0F, 0.5F);
    if (params) numbers.fill(gamma, c, 0.5F, 1.0F), numbers.fill(beta, c);
    numbers.fill(grad_output, count());
    numbers.fill(grad_gamma, c), numbers.fill(grad_beta, c);
  }
  [[nodiscard]] std::size_t count() const { return std::size_t{rows} * channels; }
  [[nodiscard]] NormArgs args(Part part = {}) const {
    return {input, gamma, beta, output, kEpsilon, rows, channels, part};
  }
  [[nodiscard]] NormGradArgs grad_args(Part part = {}) const {
    return {input, gamma, grad_output, grad_input, grad_gamma, grad_beta, kScale, kEpsilon, rows, channels, part};
  }
};

void check_norm(const NormCase& c, const NormArrays& a) {
  double *x = doubles(a.input, a.count()), *g = doubles(a.grad_output, a.count()), *y = memory.take_doubles(a.count());
  double *gx = memory.take_doubles(a.count()), *row = memory.take_doubles(a.channels);
  const reference::RowNorm norm{a.gamma != nullptr ? doubles(a.gamma, a.channels) : nullptr,
                                a.beta != nullptr ? doubles(a.beta, a.channels) : nullptr,
                                static_cast<double>(a.kEpsilon)};
  for (std::size_t r = 0; r < a.rows; ++r) {
    const std::size_t first = r * a.channels;
    c.exact(x + first, y + first, a.channels, norm);
    reference::slopes(x + first, g + first, gx + first, row, a.channels,
                      [&](const double* from, double* to) { c.exact(from, to, a.channels, norm); });
  }
  c.forward(a.args());
  EXPECT_LE(test::worst_error(a.output, y, a.count()), 2e-6) << c.name << ", " << a.channels;
  c.grad_input(a.grad_args());
  EXPECT_LE(test::worst_error(a.grad_input, gx, a.count()), 3e-6) << c.name << ", " << a.channels;
  if (c.grad_params != nullptr) {
    double *gamma = doubles(a.grad_gamma, a.channels), *beta = doubles(a.grad_beta, a.channels);
    const reference::RowNorm plain{nullptr, nullptr, norm.epsilon};
    for (std::size_t r = 0; r < a.rows; ++r) {
      c.exact(x + r * a.channels, row, a.channels, plain);
      for (std::size_t i = 0; i < a.channels; ++i) {
        gamma[i] += static_cast<double>(a.kScale) * g[r * a.channels + i] * row[i];
        beta[i] += static_cast<double>(a.kScale) * g[r * a.channels + i];
      }
    }
    c.grad_params(a.grad_args());
    EXPECT_LE(test::worst_error(a.grad_gamma, gamma, a.channels), 3e-6) << c.name;
    EXPECT_LE(test::worst_error(a.grad_beta, beta, a.channels), 3e-6) << c.name;
  }
  EXPECT_TRUE(memory.intact()) << c.name;
}

TEST(norm, rows_of_every_length) {
  for (const NormCase& c : kNorms) {
    for (const bool params : {true, false}) {
      if (params && c.grad_params == nullptr) continue;
      for (std::uint32_t channels = 2; channels <= 70; channels += channels < 20 ? 1 : 7)
        check_norm(c, NormArrays(3, channels, params, channels % 5));
      check_norm(c, NormArrays(1, 200, params, 0));
      check_norm(c, NormArrays(40, 6, params, 1));
    }
  }
}

TEST(norm, in_place_and_in_shares_with_the_same_bits) {
  for (const NormCase& c : kNorms) {
    const NormArrays a(7, 37, c.grad_params != nullptr, 2);
    c.forward(a.args()), c.grad_input(a.grad_args());
    const std::uint64_t output = test::hash_bits(a.output, a.count()), grad = test::hash_bits(a.grad_input, a.count());
    for (std::uint32_t share = 3; share-- > 0;) {
      std::fill(a.output, a.output + (share == 2 ? a.count() : 0), 0.0F);
      c.forward(a.args({share, 3}));
    }
    EXPECT_EQ(test::hash_bits(a.output, a.count()), output) << c.name;
    NormGradArgs in_place = a.grad_args();
    in_place.grad_input = a.grad_output;
    for (std::uint32_t share = 0; share < 2; ++share) in_place.part = {share, 2}, c.grad_input(in_place);
    EXPECT_EQ(test::hash_bits(a.grad_output, a.count()), grad) << c.name;
    NormArgs args = a.args();
    args.output = a.input;
    c.forward(args);
    EXPECT_EQ(test::hash_bits(a.input, a.count()), output) << c.name;
  }
}

TEST(norm, rows_of_zeros_and_null_gradients) {
  float zeros[40] = {}, y[40], g[40];
  Numbers(1).fill(g, 40);
  for (const NormCase& c : kNorms) {
    c.forward({zeros, nullptr, nullptr, y, 1e-6F, 2, 20});
    for (const float value : y) EXPECT_EQ(value, 0.0F) << c.name;
    c.grad_input({zeros, nullptr, g, y, nullptr, nullptr, 1.0F, 1e-6F, 2, 20});
    for (const float value : y) EXPECT_TRUE(value - value == 0.0F) << c.name;  // finite
    if (c.grad_params != nullptr) c.grad_params({zeros, nullptr, g, nullptr, nullptr, nullptr, 1.0F, 1e-6F, 2, 20});
  }
  kernels::l2_norm_grad_input_f32({zeros, nullptr, g, y, nullptr, nullptr, 1.0F, 0.5F, 2, 20});
  for (std::size_t i = 0; i < 40; ++i) EXPECT_EQ(y[i], 2.0F * g[i]);
}

struct LrnCase {
  std::uint32_t rows, channels, before, after;
  float alpha, beta, bias;
};
constexpr LrnCase kLrns[] = {{2, 5, 2, 2, 0.3F, 0.75F, 1.0F},  {1, 40, 2, 2, 0.02F, 0.75F, 2.0F},
                             {3, 37, 1, 2, 0.5F, 0.5F, 1.0F},  {2, 16, 0, 0, 1.0F, 1.0F, 0.5F},
                             {1, 70, 9, 20, 0.1F, 0.6F, 1.0F}, {2, 3, 7, 7, 0.2F, 0.9F, 1.0F}};

TEST(norm, lrn_and_its_gradient) {
  std::uint64_t hash = test::hash_bits(nullptr, 0);
  for (const LrnCase& c : kLrns) {
    memory.reset();
    const std::size_t count = std::size_t{c.rows} * c.channels;
    float *x = memory.take(count, 1), *y = memory.take(count, 2), *g = memory.take(count, 3), *gx = memory.take(count);
    float* scratch = memory.take(lrn_grad_scratch_floats(c.channels));
    Numbers numbers(c.channels);
    numbers.fill(x, count, 2.0F), numbers.fill(g, count);
    double *xd = doubles(x, count), *gd = doubles(g, count), *yd = memory.take_doubles(count);
    double *gxd = memory.take_doubles(count), *row = memory.take_doubles(c.channels);
    const reference::Lrn lrn{c.before, c.after, static_cast<double>(c.alpha), static_cast<double>(c.beta),
                             static_cast<double>(c.bias)};
    for (std::size_t first = 0; first < count; first += c.channels) {
      reference::lrn(xd + first, yd + first, c.channels, lrn);
      reference::slopes(xd + first, gd + first, gxd + first, row, c.channels,
                        [&](const double* from, double* to) { reference::lrn(from, to, c.channels, lrn); });
    }
    for (std::uint32_t share = 0; share < 2; ++share)
      kernels::lrn_f32({x, y, c.rows, c.channels, c.before, c.after, c.alpha, c.beta, c.bias, {share, 2}});
    EXPECT_LE(test::worst_error(y, yd, count), 1e-6) << c.channels;
    kernels::lrn_grad_f32({x, g, gx, scratch, c.rows, c.channels, c.before, c.after, c.alpha, c.beta, c.bias});
    EXPECT_LE(test::worst_error(gx, gxd, count), 3e-6) << c.channels;
    EXPECT_TRUE(memory.intact()) << c.channels;
    hash = test::hash_bits(gx, count, test::hash_bits(y, count, hash));
  }
  if (check::kFused) {
    EXPECT_EQ(hash, 0x9918FC27B1AEA77DU);
  }
}

TEST(norm, same_bits_everywhere) {
  if (!check::kFused) return;
  std::uint64_t hash = test::hash_bits(nullptr, 0);
  for (const NormCase& c : kNorms) {
    for (const std::uint32_t channels : {5U, 16U, 77U}) {
      const NormArrays a(4, channels, c.grad_params != nullptr, 1);
      c.forward(a.args()), c.grad_input(a.grad_args());
      if (c.grad_params != nullptr) c.grad_params(a.grad_args());
      hash = test::hash_bits(a.grad_input, a.count(), test::hash_bits(a.output, a.count(), hash));
      hash = test::hash_bits(a.grad_beta, channels, test::hash_bits(a.grad_gamma, channels, hash));
    }
  }
  EXPECT_EQ(hash, 0x7C9AF0FA5972218EU);
}

struct SoftmaxCase {
  const char* name;
  void (*forward)(const SoftmaxAxisArgs&);
  void (*grad)(const SoftmaxAxisGradArgs&);
  reference::NormFunction exact;
};
const SoftmaxCase kSoftmaxes[] = {
    {"softmax", kernels::softmax_axis_f32, kernels::softmax_axis_grad_f32, reference::softmax_line},
    {"log_softmax", kernels::log_softmax_f32, kernels::log_softmax_grad_f32, reference::log_softmax_line},
};

struct SoftmaxArrays {
  std::uint32_t outer, count, inner;
  float *input, *output, *grad_output, *grad_input;

  SoftmaxArrays(std::uint32_t o, std::uint32_t n, std::uint32_t i, std::size_t misalignment)
      : outer(o), count(n), inner(i) {
    memory.reset();
    input = memory.take(all(), misalignment), output = memory.take(all(), misalignment + 1);
    grad_output = memory.take(all(), misalignment + 2), grad_input = memory.take(all(), misalignment + 3);
    Numbers numbers(n);
    numbers.fill(input, all(), 6.0F), numbers.fill(grad_output, all());
  }
  [[nodiscard]] std::size_t all() const { return std::size_t{outer} * count * inner; }
  [[nodiscard]] SoftmaxAxisArgs args(Part part = {}) const { return {input, output, outer, count, inner, part}; }
  [[nodiscard]] SoftmaxAxisGradArgs grad_args(Part part = {}) const {
    return {output, grad_output, grad_input, outer, count, inner, part};
  }
};
constexpr std::uint32_t kAxes[][3] = {{4, 10, 1}, {1, 70, 1}, {2, 5, 3}, {3, 7, 20}, {1, 21, 70}, {5, 1, 1}, {2, 1, 9}};

void check_softmax(const SoftmaxCase& c, const SoftmaxArrays& a) {
  c.forward(a.args()), c.grad(a.grad_args());
  double *x = memory.take_doubles(a.count), *y = memory.take_doubles(a.count), *g = memory.take_doubles(a.count);
  double *gx = memory.take_doubles(a.count), *row = memory.take_doubles(a.count);
  for (std::size_t line = 0; line < std::size_t{a.outer} * a.inner; ++line) {
    const auto at = [&](std::size_t k) { return (line / a.inner * a.count + k) * a.inner + line % a.inner; };
    for (std::size_t k = 0; k < a.count; ++k)
      x[k] = static_cast<double>(a.input[at(k)]), g[k] = static_cast<double>(a.grad_output[at(k)]);
    c.exact(x, y, a.count, {});
    reference::slopes(x, g, gx, row, a.count, [&](const double* from, double* to) { c.exact(from, to, a.count, {}); });
    for (std::size_t k = 0; k < a.count; ++k) {
      EXPECT_NEAR(static_cast<double>(a.output[at(k)]), y[k], 1e-6 * (1.0 + std::fabs(y[k]))) << c.name;
      EXPECT_NEAR(static_cast<double>(a.grad_input[at(k)]), gx[k], 2e-6 * (1.0 + std::fabs(gx[k]))) << c.name;
    }
  }
  EXPECT_TRUE(memory.intact()) << c.name;
}

TEST(softmax_axis, every_axis_and_gradient) {
  for (const SoftmaxCase& c : kSoftmaxes)
    for (const auto& axis : kAxes) check_softmax(c, SoftmaxArrays(axis[0], axis[1], axis[2], axis[1] % 4));
}

TEST(softmax_axis, in_place_in_shares_and_as_the_row_kernel) {
  for (const SoftmaxCase& c : kSoftmaxes) {
    for (const auto& axis : kAxes) {
      const SoftmaxArrays a(axis[0], axis[1], axis[2], 0);
      c.forward(a.args()), c.grad(a.grad_args());
      const std::uint64_t output = test::hash_bits(a.output, a.all()), grad = test::hash_bits(a.grad_input, a.all());
      SoftmaxAxisGradArgs in_place = a.grad_args();
      in_place.grad_input = a.grad_output;
      c.grad(in_place);
      EXPECT_EQ(test::hash_bits(a.grad_output, a.all()), grad) << c.name;
      SoftmaxAxisArgs args = a.args();
      args.output = a.input;
      for (std::uint32_t share = 0; share < 3; ++share) args.part = {share, 3}, c.forward(args);
      EXPECT_EQ(test::hash_bits(a.input, a.all()), output) << c.name;
    }
  }
  const SoftmaxArrays a(6, 33, 1, 0);
  kernels::softmax_axis_f32(a.args());
  const std::uint64_t output = test::hash_bits(a.output, a.all());
  kernels::softmax_f32({a.input, a.output, 6, 33});
  EXPECT_EQ(test::hash_bits(a.output, a.all()), output);
}

TEST(softmax_axis, extreme_logits) {
  for (const SoftmaxCase& c : kSoftmaxes) {
    for (const std::uint32_t inner : {1U, 2U}) {
      float x[6] = {-1e30F, -1e30F, 1e30F, 1e30F, -kInfinity, -kInfinity}, y[6];
      c.forward({x, y, 1, 6 / inner, inner});
      const bool log = c.forward == kernels::log_softmax_f32;
      const float all = inner == 1 ? 0.5F : 1.0F;
      EXPECT_NEAR(y[2], log ? std::log(all) : all, 1e-6F) << c.name;
      EXPECT_EQ(y[4], log ? -kInfinity : 0.0F) << c.name;
    }
  }
}

TEST(softmax_axis, same_bits_everywhere) {
  if (!check::kFused) return;
  std::uint64_t hash = test::hash_bits(nullptr, 0);
  for (const SoftmaxCase& c : kSoftmaxes) {
    for (const auto& axis : kAxes) {
      const SoftmaxArrays a(axis[0], axis[1], axis[2], 1);
      c.forward(a.args()), c.grad(a.grad_args());
      hash = test::hash_bits(a.grad_input, a.all(), test::hash_bits(a.output, a.all(), hash));
    }
  }
  EXPECT_EQ(hash, 0xB042CCE10BB2D64AU);
}

}  // namespace
}  // namespace mote
