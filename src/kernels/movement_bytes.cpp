// SPDX-License-Identifier: Apache-2.0
// Kernels that move elements of any type, and their gradients; resizing.
#include "kernels/kernel_namespace.hpp"

#include "kernels/pad_bytes.inl"
#include "kernels/resize_f32.inl"
#include "kernels/slice_bytes.inl"
#include "kernels/transpose_bytes.inl"
