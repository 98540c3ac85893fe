// SPDX-License-Identifier: Apache-2.0
// All kernels of one instruction set, for libraries that hold several.
#pragma once

#include "mote/kernels/kernels.hpp"

namespace mote {

struct KernelTable {
  const char* isa;
#define MOTE_KERNEL(name, Args) void (*name)(const Args&);
#include "mote/kernels/kernels.inc"
#undef MOTE_KERNEL
};

}  // namespace mote
