// SPDX-License-Identifier: Apache-2.0
// --weights and --update of mote train and mote plan: in which form a network is trained, and the way back from it.
#pragma once

#include <optional>
#include <string>

#include "tool/commands/arguments.hpp"
#include "tool/models/sparse_update.hpp"

namespace mote::tool {

class TrainedForm {
 public:
  TrainedForm() = default;  ///< as the model is
  /// Of `model`, whose parameters need not be there.
  TrainedForm(const OwnedModel& model, const TrainingArguments& arguments);

  /// The network in this form, once. `fresh`: int8 weights that all are new begin in units with room to grow.
  [[nodiscard]] OwnedModel of(OwnedModel model, bool fresh, Initializer initializer, float limit, std::uint64_t seed);
  /// What `trained` says in the records of the network that was given; nothing where they are the same.
  [[nodiscard]] std::optional<OwnedModel> merged(const OwnedModel& trained) const;

 private:
  std::optional<SparseUpdate> update_;
  bool int8_ = false;
};

/// An optimiser that nobody asked for is one that trains int8 weights.
void choose_optimizer(TrainingArguments& arguments, bool given);

}  // namespace mote::tool
