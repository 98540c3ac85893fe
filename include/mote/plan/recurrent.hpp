// SPDX-License-Identifier: Apache-2.0
// What a recurrent layer's record means to its kernels, and what they want beside its values. Part of the planner.
#pragma once

#include "mote/requirements.hpp"
#ifndef MOTE_WARN_IN_HEADERS
#pragma GCC system_header
#endif

#include <cstddef>
#include <cstdint>

#include "mote/kernels/kernels.hpp"
#include "mote/model/layer.hpp"

namespace mote::detail {

constexpr RecurrentShape recurrent_shape(const Layer& layer, const Shape& in, std::uint32_t batch) {
  RecurrentShape shape{batch, in.w, in.c, layer.shape.c};
  shape.reverse = layer.args[0] != 0;
  shape.cell_clip = layer.alpha;
  if (layer.op == Op::gru) shape.linear_before_reset = layer.args[1] != 0;
  if (layer.op == Op::rnn) shape.activation = static_cast<RecurrentActivation>(layer.args[1]);
  return shape;
}

constexpr std::size_t recurrent_scratch_floats(Op op, const RecurrentShape& s) {
  return op == Op::lstm ? lstm_scratch_floats(s) : op == Op::gru ? gru_scratch_floats(s) : rnn_scratch_floats(s);
}
/// On int8: the gates' sums of one sample in 16 bits, the cells, the last values.
constexpr std::size_t lstm_integer_scratch_floats(const RecurrentShape& s) {
  const std::size_t state = std::size_t{s.batch} * s.units;
  return (std::size_t{2} * 4 * s.units + 2 * state + state + 3) / 4;
}
constexpr std::size_t recurrent_grad_scratch_floats(Op op, const RecurrentShape& s) {
  return op == Op::lstm  ? lstm_grad_scratch_floats(s)
         : op == Op::gru ? gru_grad_scratch_floats(s)
                         : rnn_grad_scratch_floats(s);
}
/// Floats that go from the forward to the backward pass. Behind them the backward pass leaves the gradients of the
/// initial states, one behind the other.
constexpr std::size_t recurrent_saved_floats(Op op, const RecurrentShape& s) {
  return op == Op::lstm ? lstm_saved_floats(s) : op == Op::gru ? gru_saved_floats(s) : rnn_saved_floats(s);
}
constexpr std::size_t recurrent_state(const RecurrentShape& s) { return std::size_t{s.batch} * s.units; }

}  // namespace mote::detail
