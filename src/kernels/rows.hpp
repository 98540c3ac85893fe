// SPDX-License-Identifier: Apache-2.0
// Reductions of one row (softmax, losses), written for short rows: ten classes are the rule. Their bits do not depend
// on the vector width. Relies on the SIMD facade. Internal linkage: it is compiled once per instruction set.
#pragma once

#include <cstddef>

#include "kernels/kernel_namespace.hpp"
#include "kernels/lanes.hpp"
#include "simd/simd.hpp"

namespace mote::MOTE_KERNELS {
namespace {

/// Sum of the `count` floats that body(first, lanes) -> F32 makes: 16 virtual lanes, closed by the fixed tree. What
/// body leaves in lanes beyond `count` is ignored. Where vectors are narrower than 16 the accumulators are indexed in
/// memory: one copy of the body in the code, and the bodies here (exp) cost more than the forwarded store.
template <class Body>
inline float row_sum(std::size_t count, const Body& body) {
  simd::F32x16 acc = simd::zero16();
  std::size_t slot = 0;
  std::size_t begin = 0;
  for (; begin + simd::kLanes <= count; begin += simd::kLanes) {
    acc.v[slot] = acc.v[slot] + body(begin, FullLanes{});
    slot = (slot + 1) % simd::kVectors16;
  }
  if constexpr (simd::kLanes > 1) {
    if (begin < count) {
      const std::size_t rest = count - begin;
      acc.v[slot] = acc.v[slot] + select(simd::first_lanes(rest), body(begin, SomeLanes{rest}), simd::zero());
    }
  }
  return simd::sum(acc);
}

/// Largest of `count` floats. With a NaN among them the result may or may not be NaN, and may depend on the width.
inline float row_max(const float* row, std::size_t count) {
  if (count < simd::kLanes) {
    const simd::F32 values = simd::load_partial(row, count);
    return first(tree_max(select(simd::first_lanes(count), values, simd::splat(*row))));
  }
  simd::F32 largest = simd::load(row);
  for (std::size_t k = simd::kLanes; k + simd::kLanes <= count; k += simd::kLanes)
    largest = max(largest, simd::load(row + k));
  if (count % simd::kLanes != 0) largest = max(largest, simd::load(row + count - simd::kLanes));  // overlap is harmless
  return first(tree_max(largest));
}

}  // namespace
}  // namespace mote::MOTE_KERNELS
