// SPDX-License-Identifier: Apache-2.0
// Walks a run of independent outputs one vector at a time, the last one short: "lanes over outputs".
// Relies on the SIMD facade. Internal linkage: it is compiled once per instruction set.
#pragma once

#include <cstddef>

#include "kernels/kernel_namespace.hpp"
#include "mote/kernels/kernels.hpp"
#include "simd/narrow.hpp"
#include "simd/simd.hpp"

namespace mote::MOTE_KERNELS {
namespace {

/// A whole vector of outputs.
using FullLanes = simd::WideLanes;

/// The first `count` outputs of a vector; the other lanes read 0 and are not written.
struct SomeLanes : simd::WideLanes {
  std::size_t count;
  explicit SomeLanes(std::size_t lanes) : count(lanes) {}
  [[nodiscard]] simd::F32 load(const float* from) const { return simd::load_partial(from, count); }
  void store(float* to, simd::F32 value) const { simd::store_partial(to, count, value); }
};

/// body(first, lanes) for every vector of begin … end - 1.
template <class Body>
MOTE_INLINE void lanes_over(Part::Range range, const Body& body) {
  std::size_t first = range.begin;
  for (; first + simd::kLanes <= range.end; first += simd::kLanes) body(first, FullLanes{});
  if constexpr (simd::kLanes > 1)
    if (first < range.end) body(first, SomeLanes{range.end - first});
}
template <class Body>
MOTE_INLINE void lanes_over(std::size_t count, const Body& body) {
  lanes_over(Part::Range{0, count}, body);
}

/// A share of elements: whole cache lines of an aligned array, so that threads do not write to the same one.
inline Part::Range elements_of(const Part& part, std::size_t count) { return part.of(count, 64); }

}  // namespace
}  // namespace mote::MOTE_KERNELS
