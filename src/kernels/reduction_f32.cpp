// SPDX-License-Identifier: Apache-2.0
// Kernels that reduce or normalise along axes.
#include "kernels/kernel_namespace.hpp"

#include "kernels/reduce_f32.inl"
