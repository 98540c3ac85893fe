// SPDX-License-Identifier: Apache-2.0
// How tables and pictures call a layer.
#pragma once

#include <cstddef>
#include <string>

#include "mote/model/model.hpp"

namespace mote::tool {

/// "float32", "int8", ….
std::string dtype_name(DType type);

/// The layer as text, with the type of weights that are stored narrower than they are computed with.
std::string layer_title(const Model& model, std::size_t index);

}  // namespace mote::tool
