// SPDX-License-Identifier: Apache-2.0
// All float32 kernels as one translation unit: one compilation per instruction set, every kernel in its own section.
// Compile with -O2 or more, -ffp-contract=off and -fno-math-errno even in debug builds. Nothing else belongs here.
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

namespace mote {
#define MOTE_TEXT(words) #words
#define MOTE_NAME(macro) MOTE_TEXT(macro)
const char* isa_name() { return MOTE_NAME(MOTE_SIMD_ISA); }
#undef MOTE_NAME
#undef MOTE_TEXT
}  // namespace mote
