// SPDX-License-Identifier: Apache-2.0
// Arguments of the recurrent layers' kernels, and the scratch they want. kernels.hpp includes this.
#pragma once

#include "mote/requirements.hpp"
#ifndef MOTE_WARN_IN_HEADERS
#pragma GCC system_header
#endif

#include <cstddef>
#include <cstdint>

#include "mote/model/layer.hpp"

namespace mote {

/// A sequence of `steps` vectors for each sample. `reverse`: from the last step to the first; outputs stay beside their
/// inputs. linear_before_reset: GRU's (ONNX). cell_clip: bound of an LSTM's cell state, either side of 0; 0: none.
struct RecurrentShape {
  std::uint32_t batch, steps, fan_in, units;
  bool reverse = false;
  bool linear_before_reset = false;
  RecurrentActivation activation = RecurrentActivation::tanh;
  float cell_clip = 0.0F;
};

/// x = input (batch, steps, fan_in), output (batch, steps, units) = h_t, gates g side by side in columns: weights W
/// (fan_in, gates units), bias (gates units), recurrent_bias likewise. As ONNX, σ the logistic function:
///   rnn_f32   h = f(x W + h' R + b)                                       R (units, units)
///   lstm_f32  gates i f g o of x W + h' R + b: i, f, o = σ, g = tanh;     R (units, 4 units)
///             c = f c' + i g, no larger than cell_clip, h = o tanh c
///   gru_f32   gates z r h~: z, r = σ(x W + b + h' R + rb),                R (units, 2 units) for z r, then (units,
///   units)
///             h~ = tanh(x W + b + (r h') R + rb), with linear_before_reset tanh(x W + b + r (h' R + rb)),
///             h = (1 - z) h~ + z h'
/// initial_h, initial_c (batch, units): null is 0. output, final_h, final_c: null where not wanted. Biases may be null.
/// saved: null, or for the gradient *_saved_floats() floats, and output with it. scratch: *_scratch_floats() floats.
/// No overlap, but final_h may be initial_h and final_c initial_c.
struct RecurrentArgs {
  const float* input;
  const float* weights;
  const float* recurrent_weights;
  const float* bias;
  const float* recurrent_bias;
  const float* initial_h;
  const float* initial_c;
  float* output;
  float* final_h;
  float* final_c;
  float* saved;
  float* scratch;
  RecurrentShape shape;
};

/// Back-propagation through time. grad_output, grad_final_h, grad_final_c: null is 0. grad_input, grad_initial_h,
/// grad_initial_c: overwritten, null where not wanted. Parameters: += scale *…, null where not wanted (biases alone
/// too); all after the last use of weights, so that they may be the parameters themselves (scale = -learning_rate).
/// `saved` is what the forward call left (rnn_grad_f32: nothing need be in it) and is lost.
struct RecurrentGradArgs {
  const float* input;
  const float* weights;
  const float* recurrent_weights;
  const float* initial_h;
  const float* initial_c;
  const float* output;
  const float* grad_output;
  const float* grad_final_h;
  const float* grad_final_c;
  float* grad_input;
  float* grad_initial_h;
  float* grad_initial_c;
  float* grad_weights;
  float* grad_recurrent_weights;
  float* grad_bias;
  float* grad_recurrent_bias;
  float* saved;
  float* scratch;
  float scale;
  RecurrentShape shape;
};

/// Steps whose inputs are multiplied at once: with one sample, so that the weights are read less often.
constexpr std::size_t recurrent_block(const RecurrentShape& s) {
  return s.batch > 1 ? 1 : s.steps < 8 ? std::size_t{s.steps} : 8;
}
constexpr std::size_t recurrent_scratch_floats(const RecurrentShape& s, std::size_t gates, std::size_t states) {
  const std::size_t row = std::size_t{s.batch} * s.units;
  return (s.batch > 1 ? std::size_t{s.batch} * s.fan_in : 0) + (recurrent_block(s) + 1) * gates * row + states * row;
}
constexpr std::size_t rnn_scratch_floats(const RecurrentShape& s) { return recurrent_scratch_floats(s, 1, 1); }
constexpr std::size_t lstm_scratch_floats(const RecurrentShape& s) { return recurrent_scratch_floats(s, 4, 2); }
constexpr std::size_t gru_scratch_floats(const RecurrentShape& s) { return recurrent_scratch_floats(s, 3, 2); }

/// rnn: 1, lstm: 5, gru: 4 values for each unit and step.
constexpr std::size_t recurrent_saved_floats(const RecurrentShape& s, std::size_t each) {
  return each * s.batch * s.steps * s.units;
}
constexpr std::size_t rnn_saved_floats(const RecurrentShape& s) { return recurrent_saved_floats(s, 1); }
constexpr std::size_t lstm_saved_floats(const RecurrentShape& s) { return recurrent_saved_floats(s, 5); }
constexpr std::size_t gru_saved_floats(const RecurrentShape& s) { return recurrent_saved_floats(s, 4); }

constexpr std::size_t rnn_grad_scratch_floats(const RecurrentShape& s) {
  return (2 * std::size_t{s.batch} + 1) * s.units;
}
constexpr std::size_t lstm_grad_scratch_floats(const RecurrentShape& s) {
  return (6 * std::size_t{s.batch} + 1) * s.units;
}
constexpr std::size_t gru_grad_scratch_floats(const RecurrentShape& s) {
  return (6 * std::size_t{s.batch} + 1 + 2 * std::size_t{s.steps}) * s.units;
}

}  // namespace mote
