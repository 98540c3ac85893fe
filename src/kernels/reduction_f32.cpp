// SPDX-License-Identifier: Apache-2.0
// Kernels that reduce or normalise along axes.
#include "kernels/kernel_namespace.hpp"

#include "kernels/norm_f32.inl"
#include "kernels/reduce_f32.inl"
#include "kernels/softmax_axis_f32.inl"
