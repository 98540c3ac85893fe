// SPDX-License-Identifier: Apache-2.0
// Recurrent layers as steps, for both formats. Weights are put in the records' order of gates.
#pragma once

#include "tool/import/call.hpp"

namespace mote::tool::foreign {

/// One direction over a sequence (T, C) with H units; gates G: lstm 4 (i f g o), gru 3 (z r h), rnn 1.
struct Recurrent {
  std::string op;          // lstm, gru, rnn
  Literal weights;         // (C, G H)
  Literal recurrent;       // (H, G H)
  Literal bias;            // (G H)
  Literal recurrent_bias;  // (G H): gru, where it stands inside the reset
  bool has_recurrent_bias = false;
  bool reverse = false, linear_before_reset = false;
  float cell_clip = 0.0F;           // LSTM: bound of the cell state; 0: none
  std::string activation = "tanh";  // of the values, rnn: of the output
};
/// Results: the sequence (T, H), the last output (H) and, of an LSTM, the last cell state (H). Absent states are zero.
struct RecurrentResults {
  Value sequence, output, cell;
};
RecurrentResults recur(Maker& make, const Value& x, const Recurrent& layer, const Value& h, const Value& c);

/// Several sequences side by side, (T, N, C), states (N, H): step by step, for what is short. Results (T, N, H), (N,
/// H).
RecurrentResults recur_side_by_side(Maker& make, const Value& x, const Recurrent& layer, Value h, Value c);

/// Columns of gates (rows, G H) joined from the gates' matrices (rows, H).
Literal gates_of(const std::vector<Literal>& gates);

}  // namespace mote::tool::foreign
