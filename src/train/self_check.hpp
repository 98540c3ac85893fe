// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace mote::detail {

/// Ends in panic() where the kernels were compiled so that products and sums are fused that the source does not fuse:
/// GCC does that by default, no macro tells, and training would give other bits in silence. Inference computes nothing
/// but splines that way.
void require_unfused_products();

}  // namespace mote::detail
