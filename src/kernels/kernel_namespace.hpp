// SPDX-License-Identifier: Apache-2.0
// Where kernels are defined: mote::kernels, so that calls are direct, or, in a library that holds several instruction
// sets, a namespace of each one's own (MOTE_KERNELS=kernels_avx2), which dispatch.cpp puts behind mote::kernels.
#pragma once

#if !defined(MOTE_KERNELS)
#define MOTE_KERNELS kernels
#else
#include "mote/kernels/kernels.hpp"

namespace mote::MOTE_KERNELS {
#define MOTE_KERNEL(name, Args) void name(const Args& args);
#include "mote/kernels/kernels.inc"
#undef MOTE_KERNEL
}  // namespace mote::MOTE_KERNELS

// The set whose float32 kernels this one shares, where only its integer kernels are its own.
#if defined(MOTE_SHARED_KERNELS)
namespace mote::MOTE_SHARED_KERNELS {
#define MOTE_KERNEL(name, Args) void name(const Args& args);
#include "mote/kernels/kernels.inc"
#undef MOTE_KERNEL
}  // namespace mote::MOTE_SHARED_KERNELS
#else
#define MOTE_SHARED_KERNELS MOTE_KERNELS
#endif
#endif
