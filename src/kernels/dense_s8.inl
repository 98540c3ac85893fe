// SPDX-License-Identifier: Apache-2.0
// dense, s8 and s16 activations, over packed weights: a block of outputs in accumulators.
#include <cstddef>
#include <cstdint>

#include "kernels/accumulate_s8.hpp"
#include "kernels/pairs_s8.hpp"
#include "kernels/tiles_s8.hpp"
#include "kernels/whole_rows_s8.hpp"

namespace mote::MOTE_KERNELS {
namespace {

/// Shares are rows where there are enough of them, else outputs.
template <class Element, class Output>
inline void dense_quantized(const QuantizedDenseArgs<Element, Output>& args) {
  const bool by_rows = args.batch >= args.part.count;
  const Part::Range rows = by_rows ? args.part.of(args.batch) : Part::Range{0, args.batch};
  const Part::Range columns = by_rows ? Part::Range{0, args.fan_out} : args.part.of(args.fan_out, kBlock);
#if MOTE_SIMD_PACKED_ROWS || MOTE_SIMD_WHOLE_ROWS
  if constexpr (sizeof(Element) == 1 && sizeof(Output) == 1) {
    if (rows.end - rows.begin > 1) {
      const ProductLayer layer{args.weights, args.bias, args.stage, args.fan_in, args.fan_out, args.weight_zero_point};
      return dense_rows(layer, args.input + rows.begin * args.fan_in, args.output + rows.begin * args.fan_out,
                        rows.end - rows.begin, columns.begin, columns.end);
    }
  }
#endif
#if MOTE_SIMD_ONE_ROW
  if constexpr (sizeof(Element) == 1 && sizeof(Output) == 1) {
    const ProductLayer layer{args.weights, args.bias, args.stage, args.fan_in, args.fan_out, args.weight_zero_point};
    if (rows.end - rows.begin == 1 && args.fan_in <= simd::OneRow::kMost)
      return dense_row(layer, args.input + rows.begin * args.fan_in, args.output + rows.begin * args.fan_out,
                       columns.begin, columns.end);
  }
#endif
#if MOTE_SIMD_PAIRS
  if constexpr (sizeof(Element) == 1 && sizeof(Output) == 1) {
    const ProductLayer layer{args.weights, args.bias, args.stage, args.fan_in, args.fan_out, args.weight_zero_point};
    for (std::size_t row = rows.begin; row < rows.end; row += 2)
      multiply_pairs(layer, std::min<std::size_t>(2, rows.end - row), columns.begin, columns.end,
                     args.output + row * args.fan_out,
                     [&](std::size_t r, std::size_t first, std::size_t)
                         MOTE_LAMBDA_INLINE { return args.input + (row + r) * args.fan_in + first; });
    return;
  }
#endif
  for (std::size_t row = rows.begin; row < rows.end; ++row) {
    const Element* input = args.input + row * args.fan_in;
    Output* output = args.output + row * args.fan_out;
    std::int32_t sum = 0;
    if (args.weight_zero_point != 0)
      for (std::size_t k = 0; k < args.fan_in; ++k) sum += input[k];
    for (std::size_t o = columns.begin; o < columns.end; o += kBlock) {
      const std::size_t width = std::min(kBlock, columns.end - o);
      Accumulator<Element> acc[kBlock];
      start_block(acc, width, args.bias != nullptr ? args.bias + o : nullptr, -args.weight_zero_point * sum);
      add_packed(acc, o, width, input, 0, args.fan_in, args.weights, args.fan_in);
      finish_block<Element>(acc, o, width, args.stage, output + o);
    }
  }
}

/// One row of a product of two matrices, both with zero points. Lanes over columns, or dot products.
inline void matmul_row(const MatmulS8Args& args, const std::int8_t* a, const std::int8_t* b, std::int8_t* output) {
  const auto finish = [&](std::int32_t acc) {
    return static_cast<std::int8_t>(args.clamp.clamp(requantize(acc, args.multiplier) + args.output_zero_point));
  };
  if (args.b_transposed) {
    for (std::size_t c = 0; c < args.columns; ++c, b += args.depth) {
      std::int32_t acc = 0;
      for (std::size_t k = 0; k < args.depth; ++k) acc += (a[k] - args.a_zero_point) * (b[k] - args.b_zero_point);
      output[c] = finish(acc);
    }
    return;
  }
  std::int32_t sum = 0;
  for (std::size_t k = 0; k < args.depth; ++k) sum += a[k] - args.a_zero_point;
  for (std::size_t c = 0; c < args.columns; c += kBlock) {
    const std::size_t width = std::min<std::size_t>(kBlock, args.columns - c);
    std::int32_t acc[kBlock];
    start_block(acc, width, nullptr, -args.b_zero_point * sum);
    add_products(
        acc, width, args.depth, [&](std::size_t k) MOTE_LAMBDA_INLINE { return a[k] - args.a_zero_point; }, b + c,
        args.columns);
    for (std::size_t j = 0; j < width; ++j) output[c + j] = finish(acc[j]);
  }
}

}  // namespace

void matmul_s8(const MatmulS8Args& args) {
  const std::size_t matrix = std::size_t{args.depth} * args.columns;
  for (std::size_t n = 0; n < args.count; ++n)
    for (std::size_t r = n * args.rows; r < (n + 1) * args.rows; ++r)
      matmul_row(args, args.a + r * args.depth, args.b + n * matrix, args.output + r * args.columns);
}

void dense_s8(const DenseS8Args& args) { dense_quantized(args); }
void dense_s8_s16(const DenseS8S16Args& args) { dense_quantized(args); }
void dense_s16(const DenseS16Args& args) { dense_quantized(args); }

}  // namespace mote::MOTE_KERNELS
