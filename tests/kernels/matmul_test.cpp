// SPDX-License-Identifier: Apache-2.0
// matmul_f32 and its gradients, both forms of b, against sums in double, in shares, and their bits.
#include <cstddef>
#include <cstdint>

#include "check.hpp"
#include "instruction_set.hpp"
#include "kernels/guarded.hpp"

namespace mote {
namespace {

using test::memory;
using test::Numbers;

struct Arrays {
  std::uint32_t groups, rows, depth, columns;
  bool transposed;
  float *a, *b, *output, *grad_output, *grad_a, *grad_b;

  Arrays(const std::uint32_t (&sizes)[4], bool b_transposed)
      : groups(sizes[0]), rows(sizes[1]), depth(sizes[2]), columns(sizes[3]), transposed(b_transposed) {
    memory.reset();
    a = memory.take(a_count(), 1), b = memory.take(b_count(), 2), output = memory.take(count(), 3);
    grad_output = memory.take(count(), 4), grad_a = memory.take(a_count(), 5), grad_b = memory.take(b_count(), 6);
    Numbers numbers(rows + depth + columns);
    numbers.fill(a, a_count()), numbers.fill(b, b_count()), numbers.fill(grad_output, count());
  }
  [[nodiscard]] std::size_t a_count() const { return std::size_t{groups} * rows * depth; }
  [[nodiscard]] std::size_t b_count() const { return std::size_t{groups} * depth * columns; }
  [[nodiscard]] std::size_t count() const { return std::size_t{groups} * rows * columns; }
  [[nodiscard]] MatmulArgs args(Part part = {}) const {
    return {a, b, output, groups, rows, depth, columns, transposed, part};
  }
  [[nodiscard]] MatmulGradArgs grad_args(Part part = {}) const {
    return {a, b, grad_output, grad_a, grad_b, groups, rows, depth, columns, transposed, part};
  }
  /// body(place in a, place in b, place in the output) for every product.
  template <class Body>
  void each_product(const Body& body) const {
    for (std::size_t g = 0; g < groups; ++g)
      for (std::size_t r = 0; r < rows; ++r)
        for (std::size_t c = 0; c < columns; ++c)
          for (std::size_t k = 0; k < depth; ++k)
            body((g * rows + r) * depth + k, transposed ? (g * columns + c) * depth + k : (g * depth + k) * columns + c,
                 (g * rows + r) * columns + c);
  }
};
constexpr std::uint32_t kSizes[][4] = {{1, 1, 1, 1},   {1, 5, 7, 9},   {3, 4, 16, 20}, {2, 1, 33, 17},
                                       {1, 17, 3, 70}, {4, 49, 8, 49}, {1, 20, 64, 5}};

TEST(matmul, both_forms_and_their_gradients) {
  for (const auto& sizes : kSizes) {
    for (const bool transposed : {false, true}) {
      const Arrays x(sizes, transposed);
      double *y = memory.take_doubles(x.count()), *ga = memory.take_doubles(x.a_count());
      double* gb = memory.take_doubles(x.b_count());
      for (std::size_t i = 0; i < x.count(); ++i) y[i] = 0.0;
      for (std::size_t i = 0; i < x.a_count(); ++i) ga[i] = 0.0;
      for (std::size_t i = 0; i < x.b_count(); ++i) gb[i] = 0.0;
      x.each_product([&](std::size_t p, std::size_t q, std::size_t at) {
        const double g = static_cast<double>(x.grad_output[at]);
        y[at] += static_cast<double>(x.a[p]) * static_cast<double>(x.b[q]);
        ga[p] += g * static_cast<double>(x.b[q]);
        gb[q] += g * static_cast<double>(x.a[p]);
      });
      for (std::uint32_t share = 0; share < 3; ++share) kernels::matmul_f32(x.args({share, 3}));
      for (std::uint32_t share = 0; share < 3; ++share) kernels::matmul_grad_f32(x.grad_args({share, 3}));
      EXPECT_LE(test::worst_error(x.output, y, x.count()), 3e-6) << x.depth << transposed;
      EXPECT_LE(test::worst_error(x.grad_a, ga, x.a_count()), 3e-6) << x.depth << transposed;
      EXPECT_LE(test::worst_error(x.grad_b, gb, x.b_count()), 3e-6) << x.depth << transposed;
      const std::uint64_t output = test::hash_bits(x.output, x.count()), grad = test::hash_bits(x.grad_a, x.a_count());
      kernels::matmul_f32(x.args());
      MatmulGradArgs alone = x.grad_args();
      alone.grad_b = nullptr;
      kernels::matmul_grad_f32(alone);
      EXPECT_EQ(test::hash_bits(x.output, x.count()), output);
      EXPECT_EQ(test::hash_bits(x.grad_a, x.a_count()), grad);
      EXPECT_TRUE(memory.intact()) << x.depth << transposed;
    }
  }
}

TEST(matmul, same_bits_everywhere) {
  if (!check::kFused) return;
  std::uint64_t hash = test::hash_bits(nullptr, 0);
  for (const auto& sizes : kSizes) {
    for (const bool transposed : {false, true}) {
      const Arrays x(sizes, transposed);
      kernels::matmul_f32(x.args()), kernels::matmul_grad_f32(x.grad_args());
      hash = test::hash_bits(x.output, x.count(), hash);
      hash = test::hash_bits(x.grad_b, x.b_count(), test::hash_bits(x.grad_a, x.a_count(), hash));
    }
  }
  EXPECT_EQ(hash, 0xB753BA1FD9210468U);
}

}  // namespace
}  // namespace mote
