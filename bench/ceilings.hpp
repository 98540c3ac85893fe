// SPDX-License-Identifier: Apache-2.0
// What the core itself can do with an instruction set: fused multiply-adds on registers, and reading memory.
#pragma once

#include <cstddef>

namespace mote::bench {

struct Ceilings {
  const char* isa;
  double (*fma_flops)(std::size_t steps);  ///< operations that fma(steps) does
  void (*fma)(std::size_t steps);
  void (*read)(const float* values, std::size_t count);  ///< count a multiple of 256
};

/// Those of the instruction set, as mote::isa_name() calls it.
const Ceilings& ceilings_of(const char* isa);

}  // namespace mote::bench
