// SPDX-License-Identifier: Apache-2.0
// dense, s8 and s16 activations. Weights (fan_in, fan_out) as they lie: a block of outputs in accumulators.
#include <cstddef>
#include <cstdint>

#include "kernels/accumulate_s8.hpp"

namespace mote::MOTE_KERNELS {
namespace {

/// Shares are rows where there are enough of them, else outputs.
template <class Element, class Output>
inline void dense_quantized(const QuantizedDenseArgs<Element, Output>& args) {
  const bool by_rows = args.batch >= args.part.count;
  const Part::Range rows = by_rows ? args.part.of(args.batch) : Part::Range{0, args.batch};
  const Part::Range columns = by_rows ? Part::Range{0, args.fan_out} : args.part.of(args.fan_out, kBlock);
  for (std::size_t row = rows.begin; row < rows.end; ++row) {
    const Element* input = args.input + row * args.fan_in;
    Output* output = args.output + row * args.fan_out;
    for (std::size_t o = columns.begin; o < columns.end; o += kBlock) {
      const std::size_t width = std::min(kBlock, columns.end - o);
      Accumulator<Element> acc[kBlock];
      start_block(acc, width, args.bias != nullptr ? args.bias + o : nullptr);
      add_products(
          acc, width, args.fan_in, [&](std::size_t k) MOTE_LAMBDA_INLINE { return std::int32_t{input[k]}; },
          args.weights + o, args.fan_out);
      finish_block<Element>(acc, o, width, args.stage, output + o);
    }
  }
}

}  // namespace

void dense_s8(const DenseS8Args& args) { dense_quantized(args); }
void dense_s8_s16(const DenseS8S16Args& args) { dense_quantized(args); }
void dense_s16(const DenseS16Args& args) { dense_quantized(args); }

}  // namespace mote::MOTE_KERNELS
