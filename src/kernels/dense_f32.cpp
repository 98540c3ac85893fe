// SPDX-License-Identifier: Apache-2.0
// Dense layers: forward, then gradients. Weights lie (fan_in, fan_out), so lanes run over fan_out in the forward pass
// and in the gradient of the weights. Relies on rows_tiles_f32.hpp and outer_f32.hpp; the sums run over fan_in, batch
// and fan_out in order, but for the gradient of the input of one or few samples, see dot_form().
#include <algorithm>
#include <cstddef>

#include "kernels/lanes.hpp"
#include "kernels/outer_f32.hpp"
#include "kernels/rows_tiles_f32.hpp"
#include "kernels/tile_f32.hpp"
#include "mote/kernels/kernels.hpp"
#include "simd/simd.hpp"
#include "simd/transpose.hpp"

namespace mote::MOTE_KERNELS {
namespace {

template <class Lanes>
using StreamingRowsKernel = RowsTiles<Lanes, RowsForm::streaming>;

/// out (rows, columns) = start + a (rows, depth) b (depth, columns), all dense. A panel of columns of b serves all
/// rows before the next: b is the larger operand, and its panel stays in a cache.
inline void multiply_rows(RowsJob& job, const float* a, std::size_t a_step, float* out, std::size_t out_step,
                          std::size_t rows, Part::Range columns) {
  job.offsets = nullptr;
  job.taps_y = job.taps_x = 1;
  job.a_step_y = job.a_step_x = job.b_step_y = job.b_step_x = 0;
  job.a_row = static_cast<std::ptrdiff_t>(a_step);
  const std::size_t panel = std::max(kTileVectors, kWideVectors) * kLanes;
  for (std::size_t begin = columns.begin; begin < columns.end; begin += panel) {
    const std::size_t end = std::min(columns.end, begin + panel);
    const bool even = !kScalar && columns.end - columns.begin <= kLanes;  // the whole of b is small
    for (std::size_t row = 0, count = 0; row < rows; row += count) {
      count = tile_rows(rows - row, columns.end - columns.begin, even ? kMaxEvenRows : kMaxRows);
      job.tiles = kScalar ? 1 : (rows - row) / count;
      job.a_tile = static_cast<std::ptrdiff_t>(count * a_step);
      job.out_tile = static_cast<std::ptrdiff_t>(count * out_step);
      for (std::size_t r = 0; r < count; ++r) {
        job.a[r] = a + (row + r) * a_step;
        job.out[r] = out + (row + r) * out_step;
      }
      if (even && count >= kMinEvenRows) {
        run_even_rows(job, count, begin, end);
      } else if constexpr (kScalar) {
        run_rows(job, count, begin, end);
      } else {
        run_tiles<StreamingRowsKernel>(job, count, begin, end);
      }
      row += (job.tiles - 1) * count;
    }
  }
}

/// kTerms rows of weights, row_step apart, added to a row of outputs that stays in memory.
template <std::size_t kTerms>
void stream_terms(const float* x, const float* weights, std::size_t row_step, std::size_t columns, float* out) {
  F32 inputs[kTerms];
  unroll<kTerms>([&](auto k) MOTE_UNROLLED { inputs[k] = simd::splat(x[k]); });
  std::size_t column = 0;
  for (; column + kLanes <= columns; column += kLanes) {
    F32 acc = simd::load(out + column);
    unroll<kTerms>([&](auto k) MOTE_UNROLLED {
      acc = simd::mul_add(inputs[k], simd::load(weights + k * row_step + column), acc);
    });
    simd::store(out + column, acc);
  }
  if (column == columns) return;
  const std::size_t tail = columns - column;
  F32 acc = simd::load_partial(out + column, tail);
  unroll<kTerms>([&](auto k) MOTE_UNROLLED {
    acc = simd::mul_add(inputs[k], simd::load_partial(weights + k * row_step + column, tail), acc);
  });
  simd::store_partial(out + column, tail, acc);
}

/// One sample: the weights are read once and in the order in which they lie, which the prefetchers follow; in tiles
/// each vector would come from another page.
inline void stream_sample(const DenseArgs& args, Part::Range columns) {
  const std::size_t fan_in = args.fan_in, fan_out = args.fan_out;
  float* output = args.output + columns.begin;
  const float* weights = args.weights + columns.begin;
  const std::size_t count = columns.end - columns.begin;
  if (args.bias != nullptr) {
    std::copy_n(args.bias + columns.begin, count, output);
  } else {
    std::fill_n(output, count, 0.0F);
  }
  std::size_t k = 0;
  for (; k + 8 <= fan_in; k += 8) stream_terms<8>(args.input + k, weights + k * fan_out, fan_out, count, output);
  if ((fan_in & 4) != 0) {
    stream_terms<4>(args.input + k, weights + k * fan_out, fan_out, count, output);
    k += 4;
  }
  for (; k < fan_in; ++k) stream_terms<1>(args.input + k, weights + k * fan_out, fan_out, count, output);
  if (!args.clamp.any()) return;
  const F32 low = simd::splat(args.clamp.low), high = simd::splat(args.clamp.high);
  lanes_over(count, [&](std::size_t i, auto lanes)
                        MOTE_LAMBDA_INLINE { lanes.store(output + i, min(high, max(low, lanes.load(output + i)))); });
}

}  // namespace

void dense_f32(const DenseArgs& args) {
  const std::size_t fan_in = args.fan_in, fan_out = args.fan_out;
  // By columns, where a share has a few vectors of them, so that every weight is read once; else by rows.
  const bool by_columns = args.batch == 1 || fan_out >= 64 * args.part.count;
  const Part::Range columns = by_columns ? args.part.of(fan_out, 64) : Part::Range{0, fan_out};
  const Part::Range rows = by_columns ? Part::Range{0, args.batch} : args.part.of(args.batch);
  if (columns.begin == columns.end) return;
  if (!kScalar && args.batch == 1 && fan_out > kWideVectors * kLanes) return stream_sample(args, columns);
  RowsJob job;
  job.b = args.weights;
  job.b_end = args.weights + fan_in * fan_out;
  job.bias = args.bias;
  job.resume = false;
  job.b_step = fan_out;
  job.ahead = 8 * fan_out;
  job.clamp = args.clamp;
  job.column_step = 1;
  job.depth = fan_in;
  multiply_rows(job, args.input + rows.begin * fan_in, fan_in, args.output + rows.begin * fan_out, fan_out,
                rows.end - rows.begin, columns);
}

namespace {

/// Whether the gradient of the input is taken as dot products along the rows of the weights, in sixteen virtual lanes,
/// rather than with lanes over fan_in, term by term. The first needs a closing tree per output, the second transposes
/// the weights on the way: per output 45 / fan_out against 6 / batch of the multiplications' time.
constexpr bool dot_form(std::size_t batch, std::size_t fan_out) {
  return batch < 16 && fan_out >= 64 && fan_out >= 8 * batch;
}

/// grad_input of kSamples samples and kInputs inputs as dot products. kUpdate: one sample, whose gradient of the
/// weights is added to each weight as it is read, as grad_params_rows() would.
template <std::size_t kSamples, std::size_t kInputs, bool kUpdate = false>
void dot_tile(const DenseGradArgs& args, std::size_t sample, std::size_t input) {
  static_assert(kSamples == 1 || !kUpdate);
  const std::size_t fan_in = args.fan_in, fan_out = args.fan_out;
  const float* gradients = args.grad_output + sample * fan_out;
  const float* weights = args.weights + input * fan_out;
  constexpr std::size_t kGroups = (kSamples * kInputs + 3) / 4;  // of four sums that are closed together
  simd::F32x16 acc[kGroups][4];
  unroll<4 * kGroups>([&](auto i) MOTE_UNROLLED { acc[i / 4][i % 4] = simd::zero16(); });
  simd::F32x16 inputs[kInputs], scale = simd::splat16(args.scale);  // kUpdate only
  unroll<kInputs>([&](auto i) MOTE_UNROLLED { inputs[i] = simd::splat16(kUpdate ? args.input[input + i] : 0.0F); });
  float* updated = kUpdate ? args.grad_weights + input * fan_out : nullptr;
  const auto add_terms = [&](const auto& lanes, std::size_t k) MOTE_UNROLLED {
    simd::F32x16 g[kSamples];
    unroll<kSamples>([&](auto s) MOTE_UNROLLED { g[s] = lanes.load(gradients + s * fan_out + k); });
    simd::F32x16 w[kInputs];
    unroll<kInputs>([&](auto i) MOTE_UNROLLED {
      w[i] = lanes.load(weights + i * fan_out + k);
      if constexpr (kUpdate) __builtin_prefetch(weights + i * fan_out + k + 4 * fan_out);
      unroll<kSamples>([&](auto s) MOTE_UNROLLED {
        constexpr std::size_t kSum = s * kInputs + i;
        acc[kSum / 4][kSum % 4] = mul_add(g[s], w[i], acc[kSum / 4][kSum % 4]);
      });
    });
    if constexpr (kUpdate) {
      unroll<kInputs>([&](auto i) MOTE_UNROLLED {
        const simd::F32x16 product = mul_add(inputs[i], g[0], simd::zero16());
        lanes.store(updated + i * fan_out + k, mul_add(scale, product, w[i]));
      });
    }
  };
  std::size_t k = 0;
  for (; k + simd::kVirtualLanes <= fan_out; k += simd::kVirtualLanes) add_terms(simd::Lanes16{}, k);
  if (k < fan_out) add_terms(simd::SomeLanes16{fan_out - k}, k);
  float* out = args.grad_input + sample * fan_in + input;
  if constexpr (kInputs == 4) {
    unroll<kSamples>([&](auto s) MOTE_UNROLLED { simd::store_sums(out + s * fan_in, acc[s]); });
  } else {
    float sums[4 * kGroups];
    unroll<kGroups>([&](auto g) MOTE_UNROLLED { simd::store_sums(sums + 4 * g, acc[g]); });
    for (std::size_t s = 0; s < kSamples; ++s) std::copy_n(sums + s * kInputs, kInputs, out + s * fan_in);
  }
}

/// The gradient of some inputs of one sample, and the update of their weights.
inline void dots_and_update(const DenseGradArgs& args, Part::Range inputs) {
  constexpr std::size_t kInputs = simd::kAccumulators >= 4 * simd::kVectors16 ? 4 : 1;
  std::size_t input = inputs.begin;
  for (; input + kInputs <= inputs.end; input += kInputs) dot_tile<1, kInputs, true>(args, 0, input);
  for (; input < inputs.end; ++input) dot_tile<1, 1, true>(args, 0, input);
}

inline void grad_input_dots(const DenseGradArgs& args, Part::Range inputs) {
  constexpr std::size_t kTiles = std::max<std::size_t>(1, simd::kAccumulators / simd::kVectors16);
  constexpr std::size_t kInputs = kTiles >= 16 ? 4 : kTiles >= 6 ? 3 : kTiles >= 3 ? 2 : 1;
  constexpr std::size_t kSamples = kTiles >= 16 ? 4 : kTiles >= 6 ? 2 : 1;
  std::size_t input = inputs.begin;
  for (; input + kInputs <= inputs.end; input += kInputs) {
    std::size_t sample = 0;
    for (; sample + kSamples <= args.batch; sample += kSamples) dot_tile<kSamples, kInputs>(args, sample, input);
    for (; sample < args.batch; ++sample) dot_tile<1, kInputs>(args, sample, input);
  }
  for (; input < inputs.end; ++input)
    for (std::size_t sample = 0; sample < args.batch; ++sample) dot_tile<1, 1>(args, sample, input);
}

/// Lanes over fan_in: blocks of the weights are transposed on the stack, which a machine without vectors need not do.
inline void grad_input_lanes(const DenseGradArgs& args, Part::Range share) {
  const std::size_t fan_in = args.fan_in, fan_out = args.fan_out;
  RowsJob job;
  job.bias = nullptr;
  if constexpr (kScalar) {
    job.b = args.weights;
    job.b_end = args.weights + fan_in * fan_out;
    job.resume = false;
    job.b_step = 1;
    job.ahead = 0;
    job.column_step = fan_out;
    job.depth = fan_out;
    multiply_rows(job, args.grad_output, fan_out, args.grad_input, fan_in, args.batch, share);
  } else {
    constexpr std::size_t kPanel = kTileVectors * kLanes,
                          kDepth = std::max<std::size_t>(128, 2048 / kPanel);  // 8 or 16 KiB
    alignas(64) float panel[kDepth * kPanel];
    job.b = panel;
    job.b_end = panel + kDepth * kPanel;
    job.b_step = kPanel;
    job.ahead = 0;
    job.column_step = 1;
    for (std::size_t input = share.begin; input < share.end; input += kPanel) {
      const std::size_t inputs = std::min(kPanel, share.end - input);
      for (std::size_t k = 0; k < fan_out; k += kDepth) {
        job.depth = std::min(kDepth, fan_out - k);
        job.resume = k != 0;
        simd::transpose(args.weights + input * fan_out + k, fan_out, inputs, job.depth, panel, kPanel);
        multiply_rows(job, args.grad_output + k, fan_out, args.grad_input + input, fan_in, args.batch, {0, inputs});
      }
    }
  }
}

/// The gradient of some inputs.
inline void grad_input_rows(const DenseGradArgs& args, Part::Range inputs) {
  if (dot_form(args.batch, args.fan_out)) {
    grad_input_dots(args, inputs);
  } else {
    grad_input_lanes(args, inputs);
  }
}

/// One sample: each row of the gradient is the sample's gradient times one number, taken in the order in which it lies.
inline void outer_product(const DenseGradArgs& args, Part::Range rows) {
  const std::size_t fan_out = args.fan_out;
  const F32 scale = simd::splat(args.scale);
  for (std::size_t row = rows.begin; row < rows.end; ++row) {
    const F32 input = simd::splat(args.input[row]);
    float* out = args.grad_weights + row * fan_out;
    lanes_over(fan_out, [&](std::size_t i, auto lanes) MOTE_LAMBDA_INLINE {
      const F32 product = mul_add(input, lanes.load(args.grad_output + i), simd::zero());
      lanes.store(out + i, mul_add(scale, product, lanes.load(out + i)));
    });
  }
}

/// The gradient of some rows of the weights.
inline void grad_params_rows(const DenseGradArgs& args, Part::Range rows) {
  const std::size_t fan_in = args.fan_in, fan_out = args.fan_out;
  // Partial rows would wait for the store of the row before, which overlaps them.
  if (!kScalar && args.batch == 1 && (fan_out % kLanes == 0 || fan_out >= 8 * kLanes)) return outer_product(args, rows);
  OuterJob job;
  job.b = args.grad_output;
  job.b_end = args.grad_output + args.batch * fan_out;
  job.scale = args.scale;
  job.out_step = job.b_step = fan_out;
  job.images = job.lines = 1;
  job.a_image = job.a_line = job.b_image = job.b_line = 0;
  job.a_step = static_cast<std::ptrdiff_t>(fan_in);
  job.before = job.after = 0;
  job.inside = static_cast<std::ptrdiff_t>(args.batch);
  job.row_shift = job.row_step = job.row_count = 0;
  for (std::size_t row = rows.begin, count = 0; row < rows.end; row += count) {
    count = tile_rows(rows.end - row, fan_out);
    job.a = args.input + row;
    job.out = args.grad_weights + row * fan_out;
    run_outer(job, count, 0, fan_out);
  }
}

inline std::size_t inputs_of(const DenseGradArgs& args) { return args.inputs == 0 ? args.fan_in : args.inputs; }

inline void grad_bias(const DenseGradArgs& args) {
  if (args.grad_bias == nullptr) return;
  const Part::Range columns = args.part.of(args.fan_out, kLanes);
  column_sums(args.grad_output, args.batch, args.fan_out, args.scale, columns, args.grad_bias);
}

}  // namespace

void dense_grad_input_f32(const DenseGradArgs& args) { grad_input_rows(args, args.part.of(inputs_of(args), 64)); }

void dense_grad_params_f32(const DenseGradArgs& args) {
  grad_params_rows(args, args.part.of(inputs_of(args), kMaxRows));
  grad_bias(args);
}

/// A block of rows of weights is read for the gradient of its inputs and, while it is in a cache, updated; with one
/// sample each weight is read once for both.
void dense_backward_f32(const DenseGradArgs& args) {
  constexpr std::size_t kBlock = 96;
  const Part::Range share = args.part.of(args.fan_in, 16);
  if (args.batch == 1 && dot_form(args.batch, args.fan_out)) {
    dots_and_update(args, share);
  } else {
    for (std::size_t begin = share.begin; begin < share.end; begin += kBlock) {
      const Part::Range rows{begin, std::min(begin + kBlock, share.end)};
      grad_input_rows(args, rows);
      grad_params_rows(args, rows);
    }
  }
  grad_bias(args);
}

}  // namespace mote::MOTE_KERNELS
