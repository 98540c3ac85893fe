// SPDX-License-Identifier: Apache-2.0
// port.hpp for Linux: says on standard error which buffer was overrun and by which layer's step, then aborts, so that
// a debugger or a core file shows the place.
#include "mote/port.hpp"

#include <cstdio>
#include <cstdlib>

namespace mote {

void panic(const char* what, std::uint16_t step, std::uint16_t layer, std::uint16_t buffer) {
  std::fprintf(stderr, "mote: %s: step %u, layer %u, buffer %u of the plan\n", what, unsigned{step}, unsigned{layer},
               unsigned{buffer});
  std::abort();
}

}  // namespace mote
