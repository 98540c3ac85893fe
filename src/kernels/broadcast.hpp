// SPDX-License-Identifier: Apache-2.0
// Walks operands that repeat along some axes (NumPy's broadcasting). Axes that all operands step through alike become
// one, so that operands of equal shape are a single run. Internal linkage: compiled once per instruction set.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "kernels/kernel_namespace.hpp"
#include "kernels/lanes.hpp"
#include "mote/kernels/kernels.hpp"
#include "simd/simd.hpp"

namespace mote::MOTE_KERNELS {
namespace {

/// Axes from the innermost, at least one; strides of kOperands operands along each.
template <std::size_t kOperands>
struct BroadcastAxes {
  std::size_t rank = 0;
  std::size_t sizes[4]{};
  std::size_t strides[kOperands][4]{};

  BroadcastAxes(const std::uint32_t (&all)[4], const std::uint32_t* const (&of)[kOperands]) {
    for (std::size_t axis = 4; axis-- > 0;) {
      if (all[axis] == 1) continue;
      if (rank > 0 && continues(of, axis)) {
        sizes[rank - 1] *= all[axis];
        continue;
      }
      sizes[rank] = all[axis];
      for (std::size_t k = 0; k < kOperands; ++k) strides[k][rank] = of[k][axis];
      ++rank;
    }
    if (rank == 0) sizes[rank++] = 1;
  }

 private:
  [[nodiscard]] bool continues(const std::uint32_t* const (&of)[kOperands], std::size_t axis) const {
    for (std::size_t k = 0; k < kOperands; ++k)
      if (of[k][axis] != strides[k][rank - 1] * sizes[rank - 1]) return false;
    return true;
  }
};

/// Rows of `length` outputs side by side: operand k starts at offset[k], and steps by step[k] (0 or 1) inside a row, by
/// row_step[k] from row to row.
template <std::size_t kOperands>
struct BroadcastRows {
  std::size_t output, length, rows;
  std::size_t offset[kOperands], step[kOperands], row_step[kOperands];
};

/// body(rows) for all outputs of a share, in order.
template <std::size_t kOperands, class Body>
inline void for_each_broadcast(const BroadcastAxes<kOperands>& axes, const Part& part, const Body& body) {
  BroadcastRows<kOperands> run{0, axes.sizes[0], 1, {}, {}, {}};
  for (std::size_t k = 0; k < kOperands; ++k) run.step[k] = axes.strides[k][0];
  if (axes.rank == 1) {
    const Part::Range share = elements_of(part, axes.sizes[0]);
    run.output = share.begin;
    run.length = share.end - share.begin;
    for (std::size_t k = 0; k < kOperands; ++k) run.offset[k] = share.begin * run.step[k];
    if (run.length > 0) body(run);
    return;
  }
  for (std::size_t k = 0; k < kOperands; ++k) run.row_step[k] = axes.strides[k][1];
  std::size_t total = 1;
  for (std::size_t i = 1; i < axes.rank; ++i) total *= axes.sizes[i];
  const Part::Range share = part.of(total);
  for (std::size_t row = share.begin; row < share.end; row += run.rows) {
    std::size_t index = row;
    for (std::size_t k = 0; k < kOperands; ++k) run.offset[k] = 0;
    for (std::size_t i = 1; i < axes.rank; ++i) {
      const std::size_t at = index % axes.sizes[i];
      index /= axes.sizes[i];
      if (i == 1) run.rows = std::min(axes.sizes[1] - at, share.end - row);
      for (std::size_t k = 0; k < kOperands; ++k) run.offset[k] += at * axes.strides[k][i];
    }
    run.output = row * run.length;
    body(run);
  }
}

/// body(at, lanes, a, b) for every vector of `count` outputs.
template <class Body>
inline void lanes_over_operands(std::size_t count, const float* a, std::size_t a_step, const float* b,
                                std::size_t b_step, const Body& body) {
  if constexpr (simd::kLanes == 1) {  // one loop: code is dear there
    for (std::size_t at = 0; at < count; ++at)
      body(at, FullLanes{}, simd::load(a), simd::load(b)), a += a_step, b += b_step;
  } else if (a_step != 0 && b_step != 0) {
    lanes_over(count, [&](std::size_t at, auto lanes)
                          MOTE_LAMBDA_INLINE { body(at, lanes, lanes.load(a + at), lanes.load(b + at)); });
  } else if (a_step != 0) {
    const simd::F32 one = simd::splat(*b);
    lanes_over(count, [&](std::size_t at, auto lanes) MOTE_LAMBDA_INLINE { body(at, lanes, lanes.load(a + at), one); });
  } else {
    const simd::F32 one = simd::splat(*a);
    lanes_over(count, [&](std::size_t at, auto lanes) MOTE_LAMBDA_INLINE {
      body(at, lanes, one, b_step != 0 ? lanes.load(b + at) : simd::splat(*b));
    });
  }
}

inline constexpr std::size_t kShortRow = 4 * simd::kLanes, kExpanded = 256;

/// An operand's values for whole rows, side by side: where they lie, or copied to `buffer`.
struct ExpandedOperand {
  const float* from;
  std::size_t step, row_step, length;
  float* buffer;
  bool dense, same;  // as the output; the same row again and again

  ExpandedOperand(const float* first, std::size_t inner, std::size_t outer, std::size_t columns, float* to)
      : from(first),
        step(inner),
        row_step(outer),
        length(columns),
        buffer(to),
        dense(inner == 1 && outer == columns),
        same(outer == 0) {}
  const float* rows(std::size_t first, std::size_t count) {
    if (dense) return from + first * length;
    if (same && first > 0) return buffer;  // filled by the first block, which is the largest
    float* to = buffer;
    for (std::size_t row = first; row < first + count; ++row) {
      const float* values = from + row * row_step;
      for (std::size_t i = 0; i < length; ++i) *to++ = values[i * step];
    }
    return buffer;
  }
};

/// body(first, lanes, a, b) for every vector of outputs. Rows shorter than a few vectors are taken several at a time,
/// what repeats in them is copied to the stack. The body holds values, and each run has a copy of it: through
/// references compilers would read all of them again after every store of a vector.
template <class Args, class Body>
inline void broadcast_operands(const Args& args, const Body& held) {
  const BroadcastAxes<2> axes(args.sizes, {args.a_strides, args.b_strides});
  for_each_broadcast(axes, args.part, [&](const BroadcastRows<2>& run) {
    const float *a = args.a + run.offset[0], *b = args.b + run.offset[1];
    const Body body = held;
    if (simd::kLanes > 1 && run.rows > 1 && run.length < kShortRow) {
      alignas(64) float buffers[2][kExpanded];
      ExpandedOperand rows_of_a(a, run.step[0], run.row_step[0], run.length, buffers[0]);
      ExpandedOperand rows_of_b(b, run.step[1], run.row_step[1], run.length, buffers[1]);
      const std::size_t block = std::min(run.rows, kExpanded / run.length);
      for (std::size_t row = 0; row < run.rows; row += block) {
        const std::size_t count = std::min(block, run.rows - row), first = run.output + row * run.length;
        lanes_over_operands(count * run.length, rows_of_a.rows(row, count), 1, rows_of_b.rows(row, count), 1,
                            [&](std::size_t at, auto lanes, simd::F32 x, simd::F32 y)
                                MOTE_LAMBDA_INLINE { body(first + at, lanes, x, y); });
      }
      return;
    }
    for (std::size_t row = 0; row < run.rows; ++row) {
      const std::size_t first = run.output + row * run.length;
      lanes_over_operands(run.length, a + row * run.row_step[0], run.step[0], b + row * run.row_step[1], run.step[1],
                          [&](std::size_t at, auto lanes, simd::F32 x, simd::F32 y)
                              MOTE_LAMBDA_INLINE { body(first + at, lanes, x, y); });
    }
  });
}

}  // namespace
}  // namespace mote::MOTE_KERNELS
