// SPDX-License-Identifier: Apache-2.0
// The kernels of quantised networks that multiply by weights, in one unit.
#include "kernels/kernel_namespace.hpp"

#include "kernels/conv2d_s8.inl"
#include "kernels/dense_s8.inl"
#include "kernels/recurrent_s8.inl"
