// SPDX-License-Identifier: Apache-2.0
// A model as C++ for firmware: constexpr records and parameters, for a StaticSession.
#pragma once

#include <string>

#include "mote/model/model.hpp"

namespace mote::tool {

/// How the header begins; other files are not written over unasked.
inline constexpr std::string_view kHeaderStart = "// Made by mote";

/// The header's text. `name`: its namespace (header_name() makes one); `source`: where the model came from.
std::string model_header(const Model& model, const std::string& name, const std::string& source);

/// A C++ identifier out of a file's name: "KWS v2.hpp" becomes "kws_v2".
std::string header_name(const std::string& path);

}  // namespace mote::tool
