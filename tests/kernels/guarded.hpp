// SPDX-License-Identifier: Apache-2.0
// What kernel tests share: arrays between guards at any misalignment, numbers, a comparison with a double reference,
// and a hash of bits. No heap; runs on bare metal.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "check.hpp"
#include "mote/kernels/kernels.hpp"

namespace mote::test {

/// A block from which a test takes arrays. Each lies between guards, starts `misalignment` floats past a multiple of
/// 64 bytes, and is filled with guards too: a NaN, so that an element that is read before it is written shows.
class GuardedMemory {
 public:
  float* take(std::size_t count, std::size_t misalignment = 0) {
    const std::size_t start = (used_ + kGuards + 15) / 16 * 16 + misalignment % 16;
    if (start + count + kGuards > kFloats || arrays_ == kArrays) {
      ADD_FAILURE() << "test memory too small";
      __builtin_trap();
    }
    for (std::size_t i = used_; i < start + count + kGuards; ++i) words_[i] = std::bit_cast<float>(kGuard);
    begin_[arrays_] = start;
    end_[arrays_++] = start + count;
    used_ = start + count;
    return words_ + start;
  }
  /// Whether nothing outside the arrays was written since reset().
  [[nodiscard]] bool intact() const {
    std::size_t at = 0;
    for (std::size_t a = 0; a <= arrays_; ++a) {
      const std::size_t stop = a < arrays_ ? begin_[a] : used_ + kGuards;
      for (; at < stop; ++at)
        if (std::bit_cast<std::uint32_t>(words_[at]) != kGuard) return false;
      if (a < arrays_) at = end_[a];
    }
    return true;
  }
  double* take_doubles(std::size_t count) {
    if (used_doubles_ + count > kDoubles) {
      ADD_FAILURE() << "test memory too small";
      __builtin_trap();
    }
    used_doubles_ += count;
    return doubles_ + used_doubles_ - count;
  }
  void reset() { used_ = 0, used_doubles_ = 0, arrays_ = 0; }
  /// Gives back what was taken since there were `arrays` arrays.
  [[nodiscard]] std::size_t arrays() const { return arrays_; }
  void give_back(std::size_t arrays) { arrays_ = arrays, used_ = arrays == 0 ? 0 : end_[arrays - 1]; }

 private:
  static constexpr std::size_t kFloats = 96 * 1024, kDoubles = 40 * 1024, kGuards = 16, kArrays = 96;
  static constexpr std::uint32_t kGuard = 0x7FC5'A5A5;

  alignas(64) float words_[kFloats]{};
  double doubles_[kDoubles]{};
  std::size_t begin_[kArrays]{}, end_[kArrays]{};
  std::size_t used_ = 0, used_doubles_ = 0, arrays_ = 0;
};
inline GuardedMemory memory;

/// Numbers in [-1, 1), 24 bits, from a linear congruential generator.
class Numbers {
 public:
  explicit Numbers(std::uint32_t seed) : state_(seed) {}
  float next() {
    state_ = state_ * 1664525U + 1013904223U;
    return static_cast<float>(state_ >> 8) * 0x1p-23F - 1.0F;
  }
  void fill(float* values, std::size_t count, float scale = 1.0F, float shift = 0.0F) {
    for (std::size_t i = 0; i < count; ++i) values[i] = next() * scale + shift;
  }
  /// Multiples of 1 / steps: many equal values.
  void fill_coarse(float* values, std::size_t count, int steps) {
    for (std::size_t i = 0; i < count; ++i)
      values[i] = static_cast<float>(static_cast<int>(next() * static_cast<float>(steps))) / static_cast<float>(steps);
  }

 private:
  std::uint32_t state_;
};

inline void copy(const float* from, float* to, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) to[i] = from[i];
}

/// Largest |actual - expected| / (1 + |expected|); a NaN on either side counts as infinite.
inline double worst_error(const float* actual, const double* expected, std::size_t count) {
  double worst = 0.0;
  for (std::size_t i = 0; i < count; ++i) {
    const double difference = static_cast<double>(actual[i]) - expected[i];
    const double magnitude = expected[i] < 0.0 ? -expected[i] : expected[i];
    const double error = (difference < 0.0 ? -difference : difference) / (1.0 + magnitude);
    if (!(error <= worst)) worst = error == error ? error : __builtin_inf();
  }
  return worst;
}

/// FNV-1a, 64 bits, of the values' bytes in little-endian order, continued from `hash`.
inline std::uint64_t hash_bits(const float* values, std::size_t count, std::uint64_t hash = 0xCBF29CE484222325U) {
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint32_t word = std::bit_cast<std::uint32_t>(values[i]);
    for (unsigned byte = 0; byte < 4; ++byte) hash = (hash ^ ((word >> (8 * byte)) & 0xFFU)) * 0x100000001B3U;
  }
  return hash;
}

}  // namespace mote::test
