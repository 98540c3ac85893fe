// SPDX-License-Identifier: Apache-2.0
// Products of two values, group by group: each is a dense layer without bias, or one of its gradients.
#include <algorithm>
#include <cstddef>

#include "kernels/kernel_namespace.hpp"
#include "mote/kernels/kernels.hpp"

namespace mote::MOTE_KERNELS {
namespace {

/// body(group, part): shares are groups, or of one group what its kernel makes of them.
template <class Args, class Body>
inline void each_group(const Args& args, const Body& body) {
  if (args.groups == 1) return body(0, args.part);
  const Part::Range share = args.part.of(args.groups);
  for (std::size_t g = share.begin; g < share.end; ++g) body(g, Part{});
}

/// output (rows, columns) = a (rows, depth) b (depth, columns).
inline void multiply(const float* a, const float* b, float* output, std::uint32_t rows, std::uint32_t depth,
                     std::uint32_t columns, const Part& part) {
  dense_f32({a, b, nullptr, output, rows, depth, columns, {}, part});
}
/// output (rows, columns) = a (rows, depth) b^T, b (columns, depth).
inline void multiply_transposed(const float* a, const float* b, float* output, std::uint32_t rows, std::uint32_t depth,
                                std::uint32_t columns, const Part& part) {
  dense_grad_input_f32({nullptr, b, a, output, nullptr, nullptr, 1.0F, rows, columns, depth, part});
}
/// output (rows, columns) = a^T b, a (depth, rows), b (depth, columns).
inline void multiply_columns(const float* a, const float* b, float* output, std::uint32_t rows, std::uint32_t depth,
                             std::uint32_t columns) {
  std::fill(output, output + std::size_t{rows} * columns, 0.0F);
  dense_grad_params_f32({a, nullptr, b, nullptr, output, nullptr, 1.0F, depth, rows, columns});
}

}  // namespace

void matmul_f32(const MatmulArgs& args) {
  const std::size_t a_step = std::size_t{args.rows} * args.depth, b_step = std::size_t{args.depth} * args.columns;
  const std::size_t step = std::size_t{args.rows} * args.columns;
  const auto product = args.b_transposed ? multiply_transposed : multiply;
  each_group(args, [&](std::size_t g, const Part& part) {
    product(args.a + g * a_step, args.b + g * b_step, args.output + g * step, args.rows, args.depth, args.columns,
            part);
  });
}

/// grad_output b^T and a^T grad_output, for the transposed b grad_output b and grad_output^T a. Of one group the first
/// share makes both.
void matmul_grad_f32(const MatmulGradArgs& args) {
  const std::size_t a_step = std::size_t{args.rows} * args.depth, b_step = std::size_t{args.depth} * args.columns;
  const std::size_t step = std::size_t{args.rows} * args.columns;
  const auto product = args.b_transposed ? multiply : multiply_transposed;
  each_group(args, [&](std::size_t g, const Part& part) {
    if (part.index != 0) return;
    const float* const grad = args.grad_output + g * step;
    if (args.grad_a != nullptr)
      product(grad, args.b + g * b_step, args.grad_a + g * a_step, args.rows, args.columns, args.depth, Part{});
    if (args.grad_b == nullptr) return;
    const float* const a = args.a + g * a_step;
    float* const grad_b = args.grad_b + g * b_step;
    if (args.b_transposed)
      multiply_columns(grad, a, grad_b, args.columns, args.rows, args.depth);
    else
      multiply_columns(a, grad, grad_b, args.depth, args.rows, args.columns);
  });
}

}  // namespace mote::MOTE_KERNELS
