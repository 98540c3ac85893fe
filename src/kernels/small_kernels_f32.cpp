// SPDX-License-Identifier: Apache-2.0
// The kernels that a compiler is quick with: one unit, since reading xsimd takes longer than most of them. What takes
// tens of seconds is a unit of its own beside this one.
#include "kernels/kernel_namespace.hpp"

#include "kernels/activation_f32.inl"
#include "kernels/batch_norm_f32.inl"
#include "kernels/cast.inl"
#include "kernels/dropout_f32.inl"
#include "kernels/fake_quantize_f32.inl"
#include "kernels/join_f32.inl"
#include "kernels/loss_f32.inl"
#include "kernels/narrow_weights_f32.inl"
#include "kernels/noise_f32.inl"
#include "kernels/optimizer_f32.inl"
#include "kernels/pool_f32.inl"
#include "kernels/rbf_f32.inl"
#include "kernels/round_steps_s8.inl"
#include "kernels/softmax_f32.inl"
#include "kernels/spline_f32.inl"
#include "kernels/unary_f32.inl"
