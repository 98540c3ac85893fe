// SPDX-License-Identifier: Apache-2.0
// The tool as a function: parses the arguments, runs a command, turns errors into text or JSON and an exit code.
#pragma once

namespace mote::tool {

/// 0: done; 1: data or model at fault; 2: arguments at fault.
int run_command_line(int argc, const char* const* argv);

}  // namespace mote::tool
