// SPDX-License-Identifier: Apache-2.0
// Whether a file's network treats samples one by one, as the records do whatever the file does.
#pragma once

#include <cstdint>

#include "tool/import/network.hpp"

namespace mote::tool::foreign {

/// Of a network that was traced for that many samples, two or more: whether they are the first axis of every input and
/// output, and no step looks from one to another. False also where that is not to be seen.
bool keeps_samples_apart(const Network& network, std::int64_t samples);

}  // namespace mote::tool::foreign
