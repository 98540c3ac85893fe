// SPDX-License-Identifier: Apache-2.0
// Text out and exit code of a Cortex-M program that runs under QEMU or a debug probe: ARM semihosting, two calls.
// On a board with no debugger attached the breakpoint instruction faults: link other functions there.
#pragma once

namespace mote::semihosting {

/// Writes the zero-terminated text to the debugger's console.
void write(const char* text);

/// Ends the program; QEMU exits with `code`.
[[noreturn]] void exit(int code);

}  // namespace mote::semihosting
