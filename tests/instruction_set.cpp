// SPDX-License-Identifier: Apache-2.0
// Compiled once for every instruction set, with the flags of its kernels.
#include "instruction_set.hpp"

#include "simd/simd.hpp"

namespace mote::check {

const char* const kInstructionSet = MOTE_TEST_ISA;
const bool kFused = MOTE_SIMD_FUSED != 0;

}  // namespace mote::check
