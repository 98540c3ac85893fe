// SPDX-License-Identifier: Apache-2.0
#include "tool/models/stored_weights.hpp"

#include <algorithm>
#include <utility>

#include "tool/models/model_source.hpp"

namespace mote::tool {

bool stores_narrow_weights(const OwnedModel& model) {
  return std::ranges::any_of(model.layers, [](const Layer& layer) { return mote::stores_narrow_weights(layer); });
}

OwnedModel with_weights(const OwnedModel& model, DType type, StoreWeights which) {
  const Model view = model.view();
  AlignedBytes bytes(stored_file_bytes(view, type));
  const Result<std::size_t> written = store_weights(view, type, which, bytes.span());
  if (!written.ok()) throw status_error(written.status(), model);
  const Result<Model> opened = open_model(std::as_const(bytes).span().first(*written));
  if (!opened.ok()) throw status_error(opened.status(), model);
  OwnedModel out = owned(*opened);
  out.source = model.source, out.description = model.description;
  return out;
}

OwnedModel with_trainable_weights(OwnedModel model, bool float32) {
  const bool as_they_are = !float32 && std::ranges::any_of(model.layers, [](const Layer& layer) {
    return mote::stores_narrow_weights(layer) && layer.trainable();
  });
  if (as_they_are || !stores_narrow_weights(model)) return model;
  return with_weights(model, DType::f32);
}

OwnedModel with_exact_weights(OwnedModel model) {
  for (const DType type : {DType::s8, DType::f16}) {
    const bool any = std::ranges::any_of(model.layers, [](const Layer& layer) {
      return may_store_narrow_weights(layer.op) && layer.param_dtype == DType::f32;
    });
    if (!any) break;
    OwnedModel stored = with_weights(model, type, StoreWeights::exact);
    if (stores_narrow_weights(stored)) model = std::move(stored);
  }
  return model;
}

}  // namespace mote::tool
