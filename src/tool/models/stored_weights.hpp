// SPDX-License-Identifier: Apache-2.0
// How a model stores the weights of its layers on float32 (mote/model/narrow.hpp), for models that own their memory.
#pragma once

#include "mote/model/narrow.hpp"
#include "tool/models/model_text.hpp"

namespace mote::tool {

/// Whether some layer's weights are stored as int8 or float16 and computed with in float32.
bool stores_narrow_weights(const OwnedModel& model);

/// The model with weights of another type. Throws Error: weights that are not finite then.
OwnedModel with_weights(const OwnedModel& model, DType type, StoreWeights which = StoreWeights::all);

/// The model as training takes it: narrow weights in float32, unless some are to be trained as they are. `float32`:
/// all.
OwnedModel with_trainable_weights(OwnedModel model, bool float32);

/// Weights as int8 or float16 where that changes no bit of them: those of models that were trained or quantised so.
OwnedModel with_exact_weights(OwnedModel model);

}  // namespace mote::tool
