// SPDX-License-Identifier: Apache-2.0
// port.hpp for Cortex-M: says through semihosting what is wrong and where, then ends the program with exit code 70.
// No stdio, and no texts of status.hpp: a failed Result is told by the numbers of status.hpp.
#include "mote/port.hpp"

#include "semihosting.hpp"

namespace mote {
namespace {
void write_number(const char* label, std::uint32_t number) {
  char digits[11];
  char* at = digits + sizeof digits - 1;
  *at = 0;
  do {
    *--at = static_cast<char>('0' + number % 10);
    number /= 10;
  } while (number != 0);
  semihosting::write(label);
  semihosting::write(at);
}
}  // namespace

void panic(const char* what, std::uint16_t step, std::uint16_t layer, std::uint16_t buffer) {
  semihosting::write("mote: ");
  semihosting::write(what);
  if (step != kNoLayer) write_number(": step ", step);
  if (layer != kNoLayer) write_number(", layer ", layer);
  if (buffer != kNoLayer) write_number(", buffer ", buffer);
  semihosting::write(step != kNoLayer ? " of the plan\n" : "\n");
  semihosting::exit(70);
}

void panic(const Status& status) {
  write_number("mote: stopped at an error that was not handled: code ", static_cast<std::uint32_t>(status.code));
  write_number(", layer ", status.layer);
  write_number(", detail ", status.detail);
  semihosting::write(" of status.hpp\n");
  semihosting::exit(70);
}

}  // namespace mote
