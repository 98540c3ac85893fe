// SPDX-License-Identifier: Apache-2.0
// The IDX format of the MNIST files, plain or gzip: 0, 0, type, rank, rank big-endian 32-bit sizes, then the elements.
#pragma once

#include <string>

#include "tool/data/array.hpp"

namespace mote::tool {

/// Reads one IDX file. Errors name the file, the byte and, for a cut file, the bytes expected and found.
Array read_idx(const std::string& path);

}  // namespace mote::tool
