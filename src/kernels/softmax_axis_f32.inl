// SPDX-License-Identifier: Apache-2.0
// Softmax and its logarithm along any axis. Rows sum over 16 virtual lanes; along other axes lanes run over columns and
// the terms come in order.
#include <cstddef>

#include "kernels/rows.hpp"
#include "mote/kernels/kernels.hpp"
#include "simd/scalar.hpp"
#include "simd/simd.hpp"

namespace mote::MOTE_KERNELS {
namespace {

/// row(first) for every row where inner is 1, else column(first, lanes) for every vector of columns: `first` is the
/// place of the first term.
template <class Args, class Row, class Column>
inline void along_axis(const Args& args, const Row& row, const Column& column) {
  const std::size_t inner = args.inner, block = args.count * inner;
  const Part::Range share = args.part.of(args.outer);
  for (std::size_t o = share.begin; o < share.end; ++o) {
    if (inner == 1)
      row(o * block);
    else
      lanes_over(inner, [&](std::size_t i, auto lanes) { column(o * block + i, lanes); });
  }
}

template <class Lanes>
MOTE_INLINE simd::F32 column_max(const float* from, std::size_t count, std::size_t step, Lanes lanes) {
  simd::F32 largest = lanes.load(from);
  for (std::size_t k = 1; k < count; ++k) largest = max(largest, lanes.load(from + k * step));
  return largest;
}

/// A sum over a column of term(at).
template <class Term>
MOTE_INLINE simd::F32 column_sum(std::size_t count, std::size_t step, const Term& term) {
  simd::F32 total = term(0);
  for (std::size_t k = 1; k < count; ++k) total = total + term(k * step);
  return total;
}

}  // namespace

void softmax_axis_f32(const SoftmaxAxisArgs& args) {
  const std::size_t count = args.count, step = args.inner;
  along_axis(
      args,
      [&](std::size_t first) {
        softmax_f32({args.input + first, args.output + first, 1, args.count});
      },
      [&](std::size_t first, auto lanes) {
        const float* from = args.input + first;
        float* to = args.output + first;
        const simd::F32 largest = column_max(from, count, step, lanes);
        const simd::F32 total = column_sum(count, step, [&](std::size_t at) MOTE_LAMBDA_INLINE {
          const simd::F32 power = simd::exp(lanes.load(from + at) - largest);
          lanes.store(to + at, power);
          return power;
        });
        const simd::F32 inverse = simd::splat(1.0F) / total;
        for (std::size_t k = 0; k < count; ++k) lanes.store(to + k * step, lanes.load(to + k * step) * inverse);
      });
}

void softmax_axis_grad_f32(const SoftmaxAxisGradArgs& args) {
  const std::size_t count = args.count, step = args.inner;
  along_axis(
      args,
      [&](std::size_t first) {
        softmax_grad_f32({args.output + first, args.grad_output + first, args.grad_input + first, 1, args.count});
      },
      [&](std::size_t first, auto lanes) {
        const float *p = args.output + first, *g = args.grad_output + first;
        float* to = args.grad_input + first;
        const simd::F32 product = column_sum(
            count, step, [&](std::size_t at) MOTE_LAMBDA_INLINE { return lanes.load(p + at) * lanes.load(g + at); });
        for (std::size_t at = 0; at < count * step; at += step)
          lanes.store(to + at, lanes.load(p + at) * (lanes.load(g + at) - product));
      });
}

void log_softmax_f32(const SoftmaxAxisArgs& args) {
  const std::size_t count = args.count, step = args.inner;
  along_axis(
      args,
      [&](std::size_t first) {
        const float* from = args.input + first;
        float* to = args.output + first;
        const simd::F32 largest = simd::splat(row_max(from, count));
        const float total = row_sum(count, [&](std::size_t at, auto lanes) MOTE_LAMBDA_INLINE {
          return simd::exp(lanes.load(from + at) - largest);
        });
        const simd::F32 log = simd::splat(simd::scalar_log(total));
        lanes_over(count, [&](std::size_t at, auto lanes)
                              MOTE_LAMBDA_INLINE { lanes.store(to + at, (lanes.load(from + at) - largest) - log); });
      },
      [&](std::size_t first, auto lanes) {
        const float* from = args.input + first;
        float* to = args.output + first;
        const simd::F32 largest = column_max(from, count, step, lanes);
        const simd::F32 total = column_sum(
            count, step, [&](std::size_t at) MOTE_LAMBDA_INLINE { return simd::exp(lanes.load(from + at) - largest); });
        const simd::F32 log = simd::log(total);
        for (std::size_t at = 0; at < count * step; at += step)
          lanes.store(to + at, (lanes.load(from + at) - largest) - log);
      });
}

void log_softmax_grad_f32(const SoftmaxAxisGradArgs& args) {
  const std::size_t count = args.count, step = args.inner;
  along_axis(
      args,
      [&](std::size_t first) {
        const float *y = args.output + first, *g = args.grad_output + first;
        float* to = args.grad_input + first;
        const simd::F32 total = simd::splat(
            row_sum(count, [&](std::size_t at, auto lanes) MOTE_LAMBDA_INLINE { return lanes.load(g + at); }));
        lanes_over(count, [&](std::size_t at, auto lanes) MOTE_LAMBDA_INLINE {
          lanes.store(to + at, neg_mul_add(simd::exp(lanes.load(y + at)), total, lanes.load(g + at)));
        });
      },
      [&](std::size_t first, auto lanes) {
        const float *y = args.output + first, *g = args.grad_output + first;
        float* to = args.grad_input + first;
        const simd::F32 total =
            column_sum(count, step, [&](std::size_t at) MOTE_LAMBDA_INLINE { return lanes.load(g + at); });
        for (std::size_t at = 0; at < count * step; at += step)
          lanes.store(to + at, neg_mul_add(simd::exp(lanes.load(y + at)), total, lanes.load(g + at)));
      });
}

}  // namespace mote::MOTE_KERNELS
