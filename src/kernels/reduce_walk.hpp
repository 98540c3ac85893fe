// SPDX-License-Identifier: Apache-2.0
// Walks an array of (n, h, w, c) by a set of axes that are reduced and the rest, which is kept. Neighbouring axes of
// one kind become one. Internal linkage: compiled once per instruction set.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "kernels/kernel_namespace.hpp"
#include "kernels/lanes.hpp"
#include "mote/kernels/kernels.hpp"
#include "simd/simd.hpp"

namespace mote::MOTE_KERNELS {
namespace {

/// The innermost run is `inner` elements side by side, kept or reduced; beside it at most two axes of either kind.
struct ReduceWalk {
  struct Axes {
    std::size_t size[2] = {1, 1}, step[2] = {0, 0};
    [[nodiscard]] std::size_t count() const { return size[0] * size[1]; }
    [[nodiscard]] std::size_t offset(std::size_t index) const {
      if (size[1] == 1) return index * step[0];
      return index % size[0] * step[0] + index / size[0] * step[1];
    }
    void push(std::size_t extent, std::size_t stride) {
      const std::size_t at = size[0] == 1 ? 0 : 1;
      size[at] = extent, step[at] = stride;
    }
  };
  bool inner_kept = true;
  std::size_t inner = 1;
  Axes kept, reduced;

  ReduceWalk(const std::uint32_t (&sizes)[4], std::uint32_t axes) {
    std::size_t size[4], groups = 0, stride = 1;
    bool reduce[4];
    for (std::size_t i = 0; i < 4; ++i) {  // from c
      const bool here = (axes >> i & 1U) != 0;
      if (sizes[3 - i] == 1) continue;
      if (groups > 0 && reduce[groups - 1] == here) {
        size[groups - 1] *= sizes[3 - i];
        continue;
      }
      reduce[groups] = here;
      size[groups++] = sizes[3 - i];
    }
    for (std::size_t g = 0; g < groups; ++g) {
      if (g == 0)
        inner_kept = !reduce[0], inner = size[0];
      else
        (reduce[g] ? reduced : kept).push(size[g], stride);
      stride *= size[g];
    }
  }
  /// Terms of one output.
  [[nodiscard]] std::size_t terms() const { return reduced.count() * (inner_kept ? 1 : inner); }
  /// body(offset) for the reduced axes beside the inner run, in order.
  template <class Body>
  MOTE_INLINE void each_reduced(const Body& body) const {
    for (std::size_t j = 0; j < reduced.size[1]; ++j)
      for (std::size_t i = 0; i < reduced.size[0]; ++i) body(i * reduced.step[0] + j * reduced.step[1]);
  }
  /// body(output, input, columns) for the runs of a share: first output and input of a run, and its part of the columns
  /// where the inner run is kept.
  template <class Body>
  inline void each_output(const Part& part, const Body& body) const {
    const std::size_t outer = kept.count(), width = inner_kept ? inner : 1;
    const bool by_columns = outer == 1 && inner_kept;
    const Part::Range runs = by_columns ? Part::Range{0, 1} : part.of(outer);
    const Part::Range columns = by_columns ? part.of(inner, 16) : Part::Range{0, width};
    for (std::size_t run = runs.begin; run < runs.end; ++run) body(run * width, kept.offset(run), columns);
  }
};

/// Terms that are combined before they meet the rest, of a column and of a virtual lane: what rounds a sum grows with
/// this and their number.
inline constexpr std::size_t kBlockTerms = 64;

/// Combines sixteen virtual lanes, which values at … end - 1 of a row are dealt to, by a fixed tree.
template <class Combine, class Value>
inline float combine_block(std::size_t at, std::size_t end, float start, const Combine& combine, const Value& value) {
  simd::F32x16 acc = simd::splat16(start);
  std::size_t slot = 0;
  for (; at + simd::kLanes <= end; at += simd::kLanes) {
    acc.v[slot] = combine(acc.v[slot], value(at, FullLanes{}));
    slot = (slot + 1) % simd::kVectors16;
  }
  if constexpr (simd::kLanes > 1) {
    if (at < end) {
      const std::size_t rest = end - at;
      acc.v[slot] = select(simd::first_lanes(rest), combine(acc.v[slot], value(at, SomeLanes{rest})), acc.v[slot]);
    }
  }
  float lane[simd::kVirtualLanes];
  simd::store16(lane, acc);
  for (std::size_t half = simd::kVirtualLanes / 2; half >= 1; half /= 2)
    for (std::size_t i = 0; i < half; ++i)
      lane[i] = combine(simd::ScalarF32{lane[i]}, simd::ScalarF32{lane[i + half]}).v;
  return lane[0];
}
/// The same for a row of at most sixteen values, value(j) -> V, without what would be combined with `start` alone: that
/// changes no bit. V: a float, or a vector of as many rows.
template <class V, class Combine, class Value>
MOTE_INLINE V combine_short_row(std::size_t count, float start, const Combine& combine, const Value& value) {
  V lane[simd::kVirtualLanes];
  for (std::size_t j = 0; j < count; ++j) lane[j] = combine(V::splat(start), value(j));
  for (std::size_t half = simd::kVirtualLanes / 2; half >= 1; half /= 2)
    for (std::size_t i = 0; i + half < count && i < half; ++i) lane[i] = combine(lane[i], lane[i + half]);
  return lane[0];
}
/// A row of `count` values, block by block. value(at, lanes) -> F32.
template <class Combine, class Value>
inline float combine_row(std::size_t count, float start, const Combine& combine, const Value& value) {
  constexpr std::size_t kBlock = kBlockTerms * simd::kVirtualLanes;
  float total = combine_block(0, std::min(kBlock, count), start, combine, value);
  for (std::size_t at = kBlock; at < count; at += kBlock) {
    const float block = combine_block(at, std::min(at + kBlock, count), start, combine, value);
    total = combine(simd::ScalarF32{total}, simd::ScalarF32{block}).v;
  }
  return total;
}

/// Combines columns over the reduced axes, one vector of columns: value(offset) -> F32, from `start`.
template <class Combine, class Value>
MOTE_INLINE simd::F32 combine_column(const ReduceWalk& walk, float start, const Combine& combine, const Value& value) {
  simd::F32 total = simd::splat(start);
  for (std::size_t j = 0; j < walk.reduced.size[1]; ++j) {
    for (std::size_t i = 0; i < walk.reduced.size[0];) {
      const std::size_t end = std::min(i + kBlockTerms, walk.reduced.size[0]);
      simd::F32 acc = simd::splat(start);
      for (; i < end; ++i) acc = combine(acc, value(i * walk.reduced.step[0] + j * walk.reduced.step[1]));
      total = combine(total, acc);
    }
  }
  return total;
}

}  // namespace
}  // namespace mote::MOTE_KERNELS
