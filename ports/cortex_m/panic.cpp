// SPDX-License-Identifier: Apache-2.0
// port.hpp for Cortex-M: says through semihosting which buffer was overrun and by which layer's step, then ends the
// program with exit code 70. No stdio.
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
  write_number(": step ", step);
  write_number(", layer ", layer);
  write_number(", buffer ", buffer);
  semihosting::write(" of the plan\n");
  semihosting::exit(70);
}

}  // namespace mote
