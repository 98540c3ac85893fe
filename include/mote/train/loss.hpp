// SPDX-License-Identifier: Apache-2.0
// Which loss, and in what form its targets come. The formulas stand at LossArgs in kernels.hpp.
#pragma once

#include "mote/requirements.hpp"
#ifndef MOTE_WARN_IN_HEADERS
#pragma GCC system_header
#endif

#include <cstddef>
#include <cstdint>

#include "mote/model/model.hpp"

namespace mote {

enum class Loss : std::uint8_t {
  squared_error,          ///< sum over outputs of (y - t)^2, mean over samples; no factor 1/2: the gradient carries a 2
  binary_cross_entropy,   ///< from logits
  softmax_cross_entropy,  ///< from logits, fused with softmax: the gradient is p - y
  kl_divergence,          ///< KL(t || softmax(logits)), soft targets
};

/// Form of the targets. automatic: labels for the cross entropies (one output or K classes), values for the others.
enum class Targets : std::uint8_t {
  automatic,
  labels,  ///< one int32 class index a sample; {0, 1} or {-1, +1} for one output under binary cross-entropy
  values,  ///< one float32 an output
  input,   ///< the sample itself, before any noise the network adds: autoencoders. As many outputs as inputs
};

constexpr Targets resolve_targets(Targets wish, Loss loss, const Shape& output) {
  if (wish != Targets::automatic) return wish;
  return loss == Loss::softmax_cross_entropy || (loss == Loss::binary_cross_entropy && output.elements() == 1)
             ? Targets::labels
             : Targets::values;
}

/// The layer whose output the loss reads as logits: the one of the first output, or its input where that one is the
/// very softmax or sigmoid that the loss is fused with (training then leaves that layer out).
constexpr std::size_t loss_layer(const Model& model, Loss loss) {
  std::size_t index = model.output_layer();
  while (model.layers[index].op == Op::output) index = model.operand(index);
  const Layer& last = model.layers[index];
  if (last.shape.h != 1 || last.shape.w != 1) return index;          // softmax over pixels is another function
  const bool softmax = last.op == Op::softmax && last.args[0] == 0;  // along an axis of one value it is 1
  const bool fused = ((loss == Loss::softmax_cross_entropy || loss == Loss::kl_divergence) && softmax) ||
                     (loss == Loss::binary_cross_entropy && last.op == Op::sigmoid);
  return fused ? model.operand(last) : index;
}

}  // namespace mote
