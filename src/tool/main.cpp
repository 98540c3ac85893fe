// SPDX-License-Identifier: Apache-2.0
// The program `mote`.
#include "tool/commands/command_line.hpp"

int main(int argc, char** argv) { return mote::tool::run_command_line(argc, argv); }
