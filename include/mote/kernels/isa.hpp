// SPDX-License-Identifier: Apache-2.0
// Which instruction set the kernels use. A library for x86-64 or aarch64 holds several and chooses the best one that
// the processor has, once, at the first kernel call or question; where it holds one, there is no table and calls are
// direct.
#pragma once

#include "mote/requirements.hpp"
#ifndef MOTE_WARN_IN_HEADERS
#pragma GCC system_header
#endif

#include <cstddef>

namespace mote {

/// The instruction set in use: "avx512vnni", "avx512", "avxvnni", "avx2", "baseline" (SSE2), on aarch64 "dotprod",
/// "baseline" (NEON), where a library holds one also "fma128", "neon64", "neon32", "sve256", "scalar", ….
const char* isa_name();

/// The `index`-th instruction set that this library holds and this processor has, best first; nullptr past the last.
const char* runnable_isa(std::size_t index);

/// Uses that instruction set from the next kernel call on; false if it is not runnable here. Not while another thread
/// runs a network. For tests and benchmarks: all give the same bits but those without fused multiply-add (baseline).
bool use_isa(const char* name);

}  // namespace mote
