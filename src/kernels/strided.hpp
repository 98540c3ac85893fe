// SPDX-License-Identifier: Apache-2.0
// Copies between arrays with any strides: axes that both sides step through alike become one, rows are copied whole
// where they are dense. Internal linkage: compiled once per instruction set.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "kernels/elements.hpp"
#include "kernels/kernel_namespace.hpp"
#include "mote/kernels/kernels.hpp"
#include "simd/simd.hpp"

namespace mote::MOTE_KERNELS {
namespace {

/// Two copies of kBytes, at the start and at the end, cover what is not longer than both.
template <std::size_t kBytes>
MOTE_INLINE void copy_ends(const std::byte* from, std::byte* to, std::size_t bytes) {
  __builtin_memcpy(to, from, kBytes);
  __builtin_memcpy(to + bytes - kBytes, from + bytes - kBytes, kBytes);
}

/// `count` elements side by side. A call costs more than a short row.
template <class Element>
inline void copy_elements(const Element* from, Element* to, std::size_t count) {
  const std::size_t bytes = count * sizeof(Element);
  const auto* source = reinterpret_cast<const std::byte*>(from);
  auto* target = reinterpret_cast<std::byte*>(to);
  if (bytes >= 64) {
    std::memcpy(target, source, bytes);
  } else if (simd::kLanes > 1 && bytes > 32) {
    copy_ends<32>(source, target, bytes);
  } else if (simd::kLanes > 1 && bytes >= 16) {
    copy_ends<16>(source, target, bytes);
  } else if (simd::kLanes > 1 && bytes >= 8) {
    copy_ends<8>(source, target, bytes);
  } else {
    for (std::size_t i = 0; i < count; ++i) to[i] = from[i];
  }
}

template <class Element>
inline void fill_elements(Element* to, std::size_t count, Element value) {
  for (std::size_t i = 0; i < count; ++i) to[i].bits = value.bits;
}

/// Axes from the innermost, at most five; steps in elements.
struct StridedAxes {
  static constexpr std::size_t kMost = 5;
  std::size_t rank = 0;
  std::size_t sizes[kMost]{};
  std::ptrdiff_t from[kMost]{}, to[kMost]{};

  /// The next axis outwards.
  void push(std::size_t size, std::ptrdiff_t from_step, std::ptrdiff_t to_step) {
    if (size == 1) return;
    if (rank > 0) {
      const auto inner = static_cast<std::ptrdiff_t>(sizes[rank - 1]);
      if (from_step == from[rank - 1] * inner && to_step == to[rank - 1] * inner) {
        sizes[rank - 1] *= size;
        return;
      }
    }
    sizes[rank] = size, from[rank] = from_step, to[rank] = to_step;
    ++rank;
  }
};

template <class Element>
inline void copy_strided(const StridedAxes& axes, const Part& part, const Element* from, Element* to) {
  std::size_t rows = 1;
  for (std::size_t i = 1; i < axes.rank; ++i) rows *= axes.sizes[i];
  const std::size_t length = axes.rank > 0 ? axes.sizes[0] : 1;
  const std::ptrdiff_t from_step = axes.from[0], to_step = axes.to[0];
  const Part::Range share = part.of(rows);
  std::size_t at[StridedAxes::kMost]{}, index = share.begin;
  for (std::size_t i = 1; i < axes.rank; ++i) {
    at[i] = index % axes.sizes[i];
    index /= axes.sizes[i];
    from += static_cast<std::ptrdiff_t>(at[i]) * axes.from[i];
    to += static_cast<std::ptrdiff_t>(at[i]) * axes.to[i];
  }
  for (std::size_t row = share.begin; row < share.end; ++row) {
    if (length == 1 || (from_step == 1 && to_step == 1)) {
      copy_elements(from, to, length);
    } else {
      const Element* source = from;
      Element* target = to;
      for (std::size_t i = 0; i < length; ++i, source += from_step, target += to_step) *target = *source;
    }
    for (std::size_t i = 1; i < axes.rank; ++i) {  // the next row
      from += axes.from[i], to += axes.to[i];
      if (++at[i] < axes.sizes[i]) break;
      from -= static_cast<std::ptrdiff_t>(axes.sizes[i]) * axes.from[i];
      to -= static_cast<std::ptrdiff_t>(axes.sizes[i]) * axes.to[i];
      at[i] = 0;
    }
  }
}

}  // namespace
}  // namespace mote::MOTE_KERNELS
