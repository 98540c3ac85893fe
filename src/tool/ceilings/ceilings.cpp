// SPDX-License-Identifier: Apache-2.0
// The choice between the ceilings that were compiled: CMake gives MOTE_CEILING_SETS.
#include "tool/ceilings/ceilings.hpp"

#include <string_view>

namespace mote::tool {

#define MOTE_CEILING_SET(isa) extern const Ceilings ceilings_##isa;
MOTE_CEILING_SETS
#undef MOTE_CEILING_SET

const Ceilings& ceilings_of(const char* isa) {
  constexpr const Ceilings* kAll[] = {
#define MOTE_CEILING_SET(name) &ceilings_##name,
      MOTE_CEILING_SETS
#undef MOTE_CEILING_SET
  };
  for (const Ceilings* ceilings : kAll)
    if (std::string_view(isa) == ceilings->isa) return *ceilings;
  return *kAll[0];  // a library of one set may call it otherwise than its build does
}

}  // namespace mote::tool
