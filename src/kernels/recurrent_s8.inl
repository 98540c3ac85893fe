// SPDX-License-Identifier: Apache-2.0
// Quantised networks that remember: LSTM with 8-bit activations and 16-bit cells, and the second half of SVDF.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "kernels/accumulate_s8.hpp"
#include "kernels/curve_s16.hpp"

namespace mote::MOTE_KERNELS {
namespace {

MOTE_INLINE std::int32_t to_16(std::int32_t value) { return QuantizedRange{-32768, 32767}.clamp(value); }

/// gates[o] (+)= requantize(bias[o] + input weights[:, o], the gate's multiplier), saturated each time.
template <bool kAdd>
inline void gate_terms(const std::int8_t* input, std::size_t depth, const std::int8_t* weights,
                       const std::int32_t* bias, std::size_t units, const QuantizedMultiplier (&scale)[4],
                       std::int16_t* gates) {
  for (std::size_t gate = 0; gate < 4; ++gate, weights += packed_bytes(units, depth))
    for (std::size_t o = 0; o < units; o += kBlock) {
      const std::size_t width = std::min(kBlock, units - o), first = gate * units + o;
      std::int32_t acc[kBlock];
      start_block(acc, width, bias + first);
      add_packed(acc, o, width, input, 0, depth, weights, depth);
      for (std::size_t j = 0; j < width; ++j) {
        const std::int32_t term = to_16(requantize(acc[j], scale[gate]));
        gates[first + j] = static_cast<std::int16_t>(kAdd ? to_16(gates[first + j] + term) : term);
      }
    }
}

inline void lstm_step(const LstmS8Args& args, const std::int8_t* input, std::int8_t* hidden, std::int16_t* cell) {
  constexpr QuantizedMultiplier kGate{1 << 30, -14};  // 2^-15
  constexpr CurveScale kCurve{};
  const std::size_t units = args.units;
  std::int16_t* gates = args.scratch;
  gate_terms<false>(input, args.inputs, args.weights, args.bias, units, args.scale.input, gates);
  gate_terms<true>(hidden, units, args.recurrent_weights, args.recurrent_bias, units, args.scale.recurrent, gates);
  for (std::size_t u = 0; u < units; ++u) {
    const std::int32_t in = sigmoid_of(gates[u], kCurve), forget = sigmoid_of(gates[units + u], kCurve);
    const std::int32_t candidate = tanh_of(gates[2 * units + u], kCurve);
    const std::int32_t out = sigmoid_of(gates[3 * units + u], kCurve);
    const std::int32_t kept = to_16(requantize(forget * cell[u], kGate));
    std::int32_t next = to_16(kept + to_16(requantize(in * candidate, args.scale.cell)));
    const std::int32_t clip = args.scale.cell_clip;
    if (clip > 0) next = std::clamp(next, -clip, clip);
    cell[u] = static_cast<std::int16_t>(next);
    const std::int32_t value = requantize(out * tanh_of(next, args.scale.tanh), args.scale.hidden);
    hidden[u] = static_cast<std::int8_t>(QuantizedRange{}.clamp(value + args.hidden_zero_point));
  }
}

}  // namespace

void lstm_s8(const LstmS8Args& args) {
  for (std::size_t n = 0; n < args.batch; ++n) {
    std::int8_t* hidden = args.hidden + n * args.units;
    for (std::size_t i = 0; i < args.steps; ++i) {
      const std::size_t step = n * args.steps + (args.reverse ? args.steps - 1 - i : i);
      lstm_step(args, args.input + step * args.inputs, hidden, args.cell + n * args.units);
      std::copy(hidden, hidden + args.units, args.output + step * args.units);
    }
  }
}

void svdf_s16_s8(const SvdfArgs& args) {
  const std::size_t filters = std::size_t{args.units} * args.rank;
  for (std::size_t n = 0; n < args.batch; ++n)
    for (std::size_t u = 0; u < args.units; ++u) {
      auto sum = static_cast<std::uint32_t>(args.bias != nullptr ? args.bias[u] : 0);  // wraps, as TFLite's does
      const std::int16_t* input = args.input + n * args.steps * filters + u * args.rank;
      const std::int16_t* weights = args.weights + u * args.rank;
      for (std::size_t t = 0; t < args.steps; ++t, input += filters, weights += filters)
        for (std::size_t r = 0; r < args.rank; ++r) sum += static_cast<std::uint32_t>(input[r] * weights[r]);
      const std::int32_t value = requantize(static_cast<std::int32_t>(sum), args.multiplier) + args.output_zero_point;
      args.output[n * args.units + u] = static_cast<std::int8_t>(args.clamp.clamp(value));
    }
}

}  // namespace mote::MOTE_KERNELS
