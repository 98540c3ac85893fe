// SPDX-License-Identifier: Apache-2.0
// Walks a run of independent outputs one vector at a time, the last one short: "lanes over outputs".
// Relies on the SIMD facade. Internal linkage: it is compiled once per instruction set.
#pragma once

#include <cstddef>

#include "kernels/kernel_namespace.hpp"
#include "simd/simd.hpp"

namespace mote::MOTE_KERNELS {
namespace {

/// A whole vector of outputs.
struct FullLanes {
  [[nodiscard]] static simd::F32 load(const float* from) { return simd::load(from); }
  static void store(float* to, simd::F32 value) { simd::store(to, value); }
};

/// The first `count` outputs of a vector; the other lanes read 0 and are not written.
struct SomeLanes {
  std::size_t count;
  [[nodiscard]] simd::F32 load(const float* from) const { return simd::load_partial(from, count); }
  void store(float* to, simd::F32 value) const { simd::store_partial(to, count, value); }
};

/// body(first, lanes) for every vector of 0 … count - 1.
template <class Body>
MOTE_INLINE void lanes_over(std::size_t count, const Body& body) {
  std::size_t first = 0;
  for (; first + simd::kLanes <= count; first += simd::kLanes) body(first, FullLanes{});
  if constexpr (simd::kLanes > 1)
    if (first < count) body(first, SomeLanes{count - first});
}

}  // namespace
}  // namespace mote::MOTE_KERNELS
