// SPDX-License-Identifier: Apache-2.0
// What the values of parameters must be, beside lying where the records say.
#include "mote/model/model.hpp"

namespace mote {

Status validate_variances(const Model& model) {
  for (std::size_t i = 0; i < model.layers.size(); ++i) {
    const std::byte* const params = model.layers[i].op == Op::batch_norm ? layer_params(model, i) : nullptr;
    if (params == nullptr) continue;
    const std::uint32_t channels = model.layers[i].shape.c;
    const auto* const variances = reinterpret_cast<const float*>(params) + 3 * std::size_t{channels};
    for (std::uint32_t c = 0; c < channels; ++c)
      if (!(variances[c] >= 0.0F && detail::finite(variances[c])))
        return {Code::bad_variance, static_cast<std::uint16_t>(i), c};
  }
  return {};
}

Status require_finite(const Model& model) {
  for (std::size_t i = 0; i < model.layers.size(); ++i) {
    const Layer& layer = model.layers[i];
    const std::byte* const params = layer.param_bytes == 0 ? nullptr : layer_params(model, i);
    if (params == nullptr) continue;
    std::uint32_t before = 0;
    for (const ParamArray& array : param_arrays(layer, model.input_shape_of(i))) {
      const auto* const values = reinterpret_cast<const float*>(params + array.offset);
      for (std::uint32_t k = 0; array.dtype == DType::f32 && k < array.count; ++k)
        if (!detail::finite(values[k])) return {Code::non_finite_parameter, static_cast<std::uint16_t>(i), before + k};
      before += array.count;
    }
  }
  return {};
}

}  // namespace mote
