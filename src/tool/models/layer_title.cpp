// SPDX-License-Identifier: Apache-2.0
#include "tool/models/layer_title.hpp"

#include <array>

#include "tool/models/model_text.hpp"

namespace mote::tool {

std::string dtype_name(DType type) {
  constexpr std::array<const char*, kDTypes> kNames{"none",  "float32", "int8", "int32",
                                                    "uint8", "int16",   "bool", "float16"};
  return kNames[static_cast<std::size_t>(type)];
}

std::string layer_title(const Model& model, std::size_t index) {
  std::string out = layer_text(model, index);
  if (!stores_narrow_weights(model.layers[index])) return out;
  const std::string type = dtype_name(model.layers[index].param_dtype);
  if (const std::size_t at = out.find(" " + type); at != std::string::npos) out.erase(at);
  return out + ", " + type + " weights";
}

}  // namespace mote::tool
