// SPDX-License-Identifier: Apache-2.0
// The program `mote`.
#include "tool/commands/command_line.hpp"
#include "tool/terminal/interrupts.hpp"
#include "tool/terminal/streams.hpp"

int main(int argc, char** argv) {
  mote::tool::prepare_streams();
  mote::tool::catch_interrupts();
  return mote::tool::run_command_line(argc, argv);
}
