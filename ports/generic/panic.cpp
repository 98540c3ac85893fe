// SPDX-License-Identifier: Apache-2.0
// port.hpp for a machine that the library knows nothing of: stops at an instruction that traps, where a debugger shows
// the place and a watchdog restarts the rest. Weak: a port, or the program, brings its own.
#include "mote/port.hpp"

namespace mote {

[[gnu::weak]] void panic(const char*, std::uint16_t, std::uint16_t, std::uint16_t) { __builtin_trap(); }
[[gnu::weak]] void panic(const Status&) { __builtin_trap(); }

}  // namespace mote
