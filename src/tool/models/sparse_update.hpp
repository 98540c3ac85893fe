// SPDX-License-Identifier: Apache-2.0
// Training a part of a network: biases, chosen layers, or some input channels of a layer. It is no feature of the
// trainer but another way to write the same function as records, in which frozen and trained parameters are layers of
// their own:
//   only the bias       y = layer without bias (x), frozen; bias_add, trained
//   channels 0 … k - 1  y = layer (x) whose weights for these channels are 0, frozen, + layer (slice of x), trained
// so frozen weights stay in flash, what a bias learns from is no stored activation, and what k channels learn from is a
// copy of k channels.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "tool/models/model_text.hpp"

namespace mote::tool {

/// What of one layer is trained.
struct LayerUpdate {
  enum class Kind : std::uint8_t { none, bias, channels, whole };
  Kind kind = Kind::none;
  std::uint32_t channels = 0;  ///< of its input (dense: numbers), counted from 0; the bias is trained too
};

/// A model in the form in which a part of it is trained.
class SparseUpdate {
 public:
  /// `list`, entries separated by semicolons: `bias` (of every layer that has one), LAYERS (whole), LAYERS: bias, or
  /// LAYERS: N/M (that part of their input channels, rounded up, and the bias). LAYERS are numbers and ranges as mote
  /// info shows them, names (also of a network as text), operators (all of these layers), or operators with a number:
  /// conv3 is the third convolution; separated by commas. Later entries win. All others are frozen. Throws Error.
  SparseUpdate(const OwnedModel& model, const std::string& list, const std::string& option);

  /// The model to train. With parameters where the given one has them.
  [[nodiscard]] const OwnedModel& model() const { return split_; }
  /// The same, to be changed; model() is empty then.
  [[nodiscard]] OwnedModel take() { return std::move(split_); }
  /// What `trained`, which is model() after training, learned, in the records of the given model. Weights that were
  /// trained as int8 are their values in float32.
  [[nodiscard]] OwnedModel merged(const OwnedModel& trained) const;

 private:
  /// Where the parts of a layer are in model().
  struct Parts {
    LayerUpdate update;
    std::size_t frozen = 0, trained = 0;
  };
  class Writer;

  OwnedModel given_, split_;
  std::vector<Parts> parts_;
};

}  // namespace mote::tool
