// SPDX-License-Identifier: Apache-2.0
// The threads of the whole program: mote --threads N.
#pragma once

#include <cstdint>

#include "mote/run/threads.hpp"

namespace mote::tool {

/// Starts them; once, before a command runs. Throws Error where the system has none to give.
void start_threads(std::uint32_t count);

/// For sessions and trainers; null where nothing was started.
const Threads* lent_threads();

}  // namespace mote::tool
