// SPDX-License-Identifier: Apache-2.0
// All float32 kernels as one translation unit: one compilation per instruction set, every kernel in its own section.
// Compile with -O2 or more, -ffp-contract=off and -fno-math-errno even in debug builds. Nothing else belongs here.
#include "kernels/kernel_namespace.hpp"

#include "kernels/activation_f32.inl"
#include "kernels/batch_norm_f32.inl"
#include "kernels/conv2d_f32.inl"
#include "kernels/dense_f32.inl"
#include "kernels/depthwise_conv2d_f32.inl"
#include "kernels/dropout_f32.inl"
#include "kernels/join_f32.inl"
#include "kernels/loss_f32.inl"
#include "kernels/noise_f32.inl"
#include "kernels/optimizer_f32.inl"
#include "kernels/pool_f32.inl"
#include "kernels/rbf_f32.inl"
#include "kernels/softmax_f32.inl"
#include "kernels/spline_f32.inl"

#if defined(MOTE_KERNEL_ISA)
// One of several sets: its table is all that the rest of the library sees.
#include "kernels/kernel_table.hpp"

#define MOTE_JOIN(a, b) a##b
#define MOTE_TABLE(isa) MOTE_JOIN(kKernels_, isa)
#define MOTE_TEXT(words) #words
#define MOTE_NAME(isa) MOTE_TEXT(isa)
namespace mote {
extern const KernelTable MOTE_TABLE(MOTE_KERNEL_ISA);
const KernelTable MOTE_TABLE(MOTE_KERNEL_ISA){
    MOTE_NAME(MOTE_KERNEL_ISA),
#define MOTE_KERNEL(name, Args) MOTE_KERNELS::name,
#include "mote/kernels/kernels.inc"
#undef MOTE_KERNEL
};
}  // namespace mote
#else
#include "mote/kernels/isa.hpp"

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
