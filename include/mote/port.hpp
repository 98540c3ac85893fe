// SPDX-License-Identifier: Apache-2.0
// The porting contract: what only the platform can do. A port implements these functions and nothing else.
#pragma once

#include <cstdint>

namespace mote {

/// Called in MOTE_GUARD builds when the bytes behind a buffer were overwritten: reports and does not return.
/// `buffer` and `step` are indices into the plan; `layer` is the one whose step did it.
[[noreturn]] void panic(const char* what, std::uint16_t step, std::uint16_t layer, std::uint16_t buffer);

}  // namespace mote
