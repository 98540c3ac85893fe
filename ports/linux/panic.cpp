// SPDX-License-Identifier: Apache-2.0
// port.hpp for Linux: says on standard error what is wrong and where, then aborts, so that a debugger or a core file
// shows the place. A program may bring its own: this one is linked only where there is no other.
#include "mote/port.hpp"

#include <cstdio>
#include <cstdlib>

namespace mote {

void panic(const char* what, std::uint16_t step, std::uint16_t layer, std::uint16_t buffer) {
  std::fprintf(stderr, "mote: %s", what);
  if (step != kNoLayer) std::fprintf(stderr, ": step %u", unsigned{step});
  if (layer != kNoLayer) std::fprintf(stderr, ", layer %u", unsigned{layer});
  if (buffer != kNoLayer) std::fprintf(stderr, ", buffer %u", unsigned{buffer});
  std::fputs(step != kNoLayer ? " of the plan\n" : "\n", stderr);
  std::abort();
}

void panic(const Status& status) {
  std::fprintf(stderr, "mote: stopped at an error that was not handled: %s (%s", describe(status), name(status.code));
  if (status.code == Code::bad_option)
    std::fprintf(stderr, ", %s", name(option_of(status)));
  else if (status.detail != 0)
    std::fprintf(stderr, ", detail %u", static_cast<unsigned>(status.detail));
  if (status.layer != kNoLayer) std::fprintf(stderr, ", layer %u", unsigned{status.layer});
  std::fputs(")\n", stderr);
  std::abort();
}

}  // namespace mote
