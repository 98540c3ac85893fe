// SPDX-License-Identifier: Apache-2.0
// What the kernels of this test program were compiled for. The test sources are compiled once and linked with the
// kernels of every instruction set, so they ask here and not the preprocessor.
#pragma once

namespace mote::check {

extern const char* const kInstructionSet;  ///< as CMake calls it: avx512, avx2, fma128, sve256, baseline, scalar
extern const bool kFused;                  ///< mul_add rounds once: the bits are those of every other such machine

}  // namespace mote::check
