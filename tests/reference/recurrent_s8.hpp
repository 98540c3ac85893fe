// SPDX-License-Identifier: Apache-2.0
// One step of TensorFlow Lite's LSTM with 8-bit activations, in 64-bit integers from its definition
// (quantized_kernels.hpp). The 16-bit sigmoid and tanh are the kernels', which have tests of their own.
#pragma once

#include <cstddef>
#include <cstdint>

#include "mote/kernels/kernels.hpp"
#include "reference/fixed_point.hpp"

namespace mote::reference {

inline std::int64_t curve(void (*kernel)(const CurveS16Args&), std::int64_t value, const CurveScale& scale) {
  const auto input = static_cast<std::int16_t>(value);
  std::int16_t output = 0;
  kernel({&input, &output, scale, 1});
  return output;
}

inline std::int64_t to_16_bits(std::int64_t value) { return clamp(value, -32768, 32767); }

/// What gate number `gate` of unit u is before its activation.
inline std::int64_t pre_activation(const LstmS8Args& args, const std::int8_t* x, const std::int8_t* h, std::size_t gate,
                                   std::size_t u) {
  const std::size_t column = gate * args.units + u;
  std::int64_t of_input = args.bias[column], of_hidden = args.recurrent_bias[column];
  for (std::size_t k = 0; k < args.inputs; ++k)
    of_input += std::int64_t{x[k]} *
                args.weights[gate * packed_bytes(args.units, args.inputs) + packed_index(u, k, args.inputs)];
  for (std::size_t k = 0; k < args.units; ++k)
    of_hidden += std::int64_t{h[k]} *
                 args.recurrent_weights[gate * packed_bytes(args.units, args.units) + packed_index(u, k, args.units)];
  return to_16_bits(to_16_bits(requantize_twice(of_input, args.scale.input[gate])) +
                    to_16_bits(requantize_twice(of_hidden, args.scale.recurrent[gate])));
}

struct LstmUnit {
  std::int64_t hidden, cell;
};
inline LstmUnit lstm_unit(const LstmS8Args& args, const std::int8_t* x, const std::int8_t* h, std::int64_t cell,
                          std::size_t u) {
  const QuantizedMultiplier fraction = quantize_multiplier(0x1p-15);
  const std::int64_t i = curve(kernels::sigmoid_s16, pre_activation(args, x, h, 0, u), {});
  const std::int64_t f = curve(kernels::sigmoid_s16, pre_activation(args, x, h, 1, u), {});
  const std::int64_t g = curve(kernels::tanh_s16, pre_activation(args, x, h, 2, u), {});
  const std::int64_t o = curve(kernels::sigmoid_s16, pre_activation(args, x, h, 3, u), {});
  std::int64_t next = to_16_bits(to_16_bits(requantize_twice(f * cell, fraction)) +
                                 to_16_bits(requantize_twice(i * g, args.scale.cell)));
  if (args.scale.cell_clip > 0) next = clamp(next, -args.scale.cell_clip, args.scale.cell_clip);
  const std::int64_t y = requantize_twice(o * curve(kernels::tanh_s16, next, args.scale.tanh), args.scale.hidden);
  return {clamp(y + args.hidden_zero_point, -128, 127), next};
}

}  // namespace mote::reference
