// SPDX-License-Identifier: Apache-2.0
// What is known of the kernels of one instruction set, whose units are the *_f32.cpp beside this file: their table,
// where the library holds several sets, else the name.
#include "kernels/kernel_namespace.hpp"

#if defined(MOTE_KERNEL_ISA)
// Its table is all that the rest of the library sees.
#include "kernels/kernel_table.hpp"

#define MOTE_JOIN(a, b) a##b
#define MOTE_TABLE(isa) MOTE_JOIN(kKernels_, isa)
#define MOTE_TEXT(words) #words
#define MOTE_NAME(isa) MOTE_TEXT(isa)
namespace mote {
extern const KernelTable MOTE_TABLE(MOTE_KERNEL_ISA);
const KernelTable MOTE_TABLE(MOTE_KERNEL_ISA){
    MOTE_NAME(MOTE_KERNEL_ISA),
#define MOTE_KERNEL(name, Args) MOTE_SHARED_KERNELS::name,
#define MOTE_QUANTIZED_KERNEL(name, Args) MOTE_KERNELS::name,
#include "mote/kernels/kernels.inc"
#undef MOTE_KERNEL
};
}  // namespace mote
#else
#include "mote/kernels/isa.hpp"
#if !defined(MOTE_ISA_NAME)
#include "simd/simd.hpp"
#endif

#define MOTE_TEXT(words) #words
#define MOTE_NAME(macro) MOTE_TEXT(macro)
namespace mote {
#if defined(MOTE_ISA_NAME)
const char* isa_name() { return MOTE_ISA_NAME; }
#else
const char* isa_name() { return MOTE_NAME(MOTE_SIMD_ISA); }
#endif
const char* runnable_isa(std::size_t index) { return index == 0 ? isa_name() : nullptr; }
bool use_isa(const char* name) {
  const char* mine = isa_name();
  while (*mine != 0 && *mine == *name) ++mine, ++name;
  return *mine == *name;
}
}  // namespace mote
#endif
