// SPDX-License-Identifier: Apache-2.0
// See trained_form.hpp.
#include "tool/commands/trained_form.hpp"

#include <utility>

#include "tool/models/stored_weights.hpp"

namespace mote::tool {

TrainedForm::TrainedForm(const OwnedModel& model, const TrainingArguments& arguments)
    : int8_(arguments.weights == "int8") {
  if (!arguments.update.empty()) update_.emplace(model, arguments.update, "--update");
}

OwnedModel TrainedForm::of(OwnedModel model, bool fresh, Initializer initializer, float limit, std::uint64_t seed) {
  if (update_) model = update_->take();
  if (!int8_) return model;
  model = with_weights(model, DType::s8, StoreWeights::trainable);
  if (fresh && !update_) initialize(model, initializer, limit, seed);
  return model;
}

std::optional<OwnedModel> TrainedForm::merged(const OwnedModel& trained) const {
  if (!update_) return std::nullopt;
  return update_->merged(trained);
}

void choose_optimizer(TrainingArguments& arguments, bool given) {
  if (arguments.weights == "int8" && !given) arguments.optimizer = "sgd";
}

}  // namespace mote::tool
