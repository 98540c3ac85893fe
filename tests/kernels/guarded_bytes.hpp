// SPDX-License-Identifier: Apache-2.0
// What tests of quantised kernels share: arrays of any element type between guards, and integers to fill them with. No
// heap; runs on bare metal.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "check.hpp"
#include "mote/model/packed_weights.hpp"

namespace mote::test {

/// A block from which a test takes arrays, each `misalignment` elements past a multiple of 64 bytes, between guards.
class GuardedBytes {
 public:
  template <class Element>
  Element* take(std::size_t count, std::size_t misalignment = 0) {
    const std::size_t start = (used_ + kGuards + 63) / 64 * 64 + misalignment % 64 * sizeof(Element);
    const std::size_t end = start + count * sizeof(Element);
    if (end + kGuards > kBytes || arrays_ == kArrays) {
      ADD_FAILURE() << "test memory too small";
      __builtin_trap();
    }
    for (std::size_t i = used_; i < end + kGuards; ++i) bytes_[i] = guard(i);
    begin_[arrays_] = start;
    end_[arrays_++] = used_ = end;
    return reinterpret_cast<Element*>(bytes_ + start);
  }
  /// Whether nothing outside the arrays was written since reset().
  [[nodiscard]] bool intact() const {
    std::size_t at = 0;
    for (std::size_t a = 0; a <= arrays_; ++a) {
      const std::size_t stop = a < arrays_ ? begin_[a] : used_ + kGuards;
      for (; at < stop; ++at)
        if (bytes_[at] != guard(at)) return false;
      if (a < arrays_) at = end_[a];
    }
    return true;
  }
  void reset() { used_ = 0, arrays_ = 0; }

 private:
  static constexpr std::size_t kBytes = 256 * 1024, kGuards = 64, kArrays = 32;
  static constexpr unsigned char guard(std::size_t at) { return static_cast<unsigned char>(0xA5 ^ (at * 29)); }

  alignas(64) unsigned char bytes_[kBytes]{};
  std::size_t begin_[kArrays]{}, end_[kArrays]{};
  std::size_t used_ = 0, arrays_ = 0;
};
inline GuardedBytes bytes;

/// Integers from a linear congruential generator.
class Integers {
 public:
  explicit Integers(std::uint32_t seed) : state_(seed) { next(); }
  std::uint32_t next() {
    state_ = state_ * 1664525U + 1013904223U;
    return state_ >> 8;
  }
  std::uint32_t bits() { return (next() << 16) ^ next(); }
  /// low … high, both included.
  std::int32_t between(std::int32_t low, std::int32_t high) {
    const std::uint64_t span = static_cast<std::uint64_t>(std::int64_t{high} - low) + 1;
    return static_cast<std::int32_t>(std::int64_t{low} + static_cast<std::int64_t>(bits() % span));
  }
  template <class Element>
  void fill(Element* values, std::size_t count, std::int32_t low, std::int32_t high) {
    for (std::size_t i = 0; i < count; ++i) values[i] = static_cast<Element>(between(low, high));
  }
  /// Every value of the element type; one array in four holds its ends alone.
  template <class Element>
  void fill(Element* values, std::size_t count) {
    constexpr std::int32_t kHigh = sizeof(Element) == 1 ? 127 : 32767;
    const bool ends = next() % 4 == 0;
    for (std::size_t i = 0; i < count; ++i)
      values[i] = static_cast<Element>(ends ? (next() % 2 == 0 ? kHigh : -kHigh - 1) : between(-kHigh - 1, kHigh));
  }

 private:
  std::uint32_t state_;
};

/// FNV-1a, 64 bits, of the values' bytes in little-endian order, continued from `hash`.
template <class Element>
std::uint64_t hash_integers(const Element* values, std::size_t count, std::uint64_t hash = 0xCBF29CE484222325U) {
  for (std::size_t i = 0; i < count; ++i) {
    const auto word = static_cast<std::uint32_t>(values[i]);
    for (unsigned byte = 0; byte < sizeof(Element); ++byte)
      hash = (hash ^ ((word >> (8 * byte)) & 0xFFU)) * 0x100000001B3U;
  }
  return hash;
}

/// The kernels' order of weights (terms, outputs); what is missing at the ends is 0.
inline const std::int8_t* packed(const std::int8_t* weights, std::size_t terms, std::size_t outputs) {
  const auto count = static_cast<std::size_t>(packed_bytes(outputs, terms));
  auto* to = bytes.take<std::int8_t>(count, 7);
  for (std::size_t i = 0; i < count; ++i) to[i] = 0;
  for (std::size_t o = 0; o < outputs; ++o)
    for (std::size_t k = 0; k < terms; ++k) to[packed_index(o, k, terms)] = weights[k * outputs + o];
  return to;
}

}  // namespace mote::test
