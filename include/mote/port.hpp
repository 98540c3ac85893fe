// SPDX-License-Identifier: Apache-2.0
// The porting contract: what only the platform can do. A port implements these functions and nothing else; ports/ has
// them for Linux (a sentence on standard error, abort), Cortex-M (through semihosting) and any other machine (a trap).
#pragma once

#include "mote/requirements.hpp"
#ifndef MOTE_WARN_IN_HEADERS
#pragma GCC system_header
#endif

#include <cstdint>

#include "mote/status.hpp"

namespace mote {

/// Called where only a mistake in the program can lead, in every build for what costs next to nothing to check and in
/// debug and guard builds for the rest: reports and does not return. `step` and `buffer` are indices into the plan,
/// `layer` is the one whose step it was; kNoLayer where there is none.
[[noreturn]] void panic(const char* what, std::uint16_t step = kNoLayer, std::uint16_t layer = kNoLayer,
                        std::uint16_t buffer = kNoLayer);
/// Called where an error was not looked at: the value of a failed Result is used, or a session is run that check()
/// refuses.
[[noreturn]] void panic(const Status& status);

}  // namespace mote

/// Whether what costs more than next to nothing is checked too: indices into the spans that sessions and trainers give.
#if defined(MOTE_GUARD) || !defined(NDEBUG)
#define MOTE_CHECKED 1
#else
#define MOTE_CHECKED 0
#endif
