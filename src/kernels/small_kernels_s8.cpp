// SPDX-License-Identifier: Apache-2.0
// The kernels of quantised networks without weights, in one unit.
#include "kernels/kernel_namespace.hpp"

#include "kernels/binary_s8.inl"
#include "kernels/elementwise_s8.inl"
#include "kernels/pool_s8.inl"
#include "kernels/softmax_s8.inl"
