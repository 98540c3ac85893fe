// SPDX-License-Identifier: Apache-2.0
// What the core itself can do with an instruction set: multiply-adds on registers, and reading memory. For measuring
// alone: the library does not hold them, the tool and the benchmarks compile them for each set (tool/ceilings/).
// Internal linkage: they are compiled once per instruction set.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "kernels/tile_f32.hpp"
#include "simd/packed_products.hpp"
#include "simd/simd.hpp"

namespace mote::MOTE_KERNELS {
namespace {

// Two multiply-adds start per cycle and take four or five: ten chains are the least. Without fusion each is two
// operations in a row, which the spare chains hide.
inline constexpr std::size_t kPeakChains = 12;

/// Multiply-adds of one step of peak_f32().
inline constexpr std::size_t kPeakF32 = kPeakChains * simd::kLanes;

inline void peak_f32(std::size_t steps) {
  F32 chains[kPeakChains];
  unroll<kPeakChains>([&](auto i) MOTE_UNROLLED { chains[i] = simd::splat(static_cast<float>(i())); });
  const F32 factor = simd::splat(0.999F), term = simd::splat(0.001F);
  for (std::size_t step = 0; step < steps; ++step)
    unroll<kPeakChains>([&](auto i) MOTE_UNROLLED { chains[i] = mul_add(chains[i], factor, term); });
  F32 sum = simd::zero();
  unroll<kPeakChains>([&](auto i) MOTE_UNROLLED { sum = sum + chains[i]; });
  asm volatile("" ::"r"(simd::first(sum)) : "memory");
}

/// Lets the compiler believe that the value is another one now, which costs no instruction: products are not made once
/// for all steps, and sums stay in their registers. Structures stay as they are.
template <class T>
MOTE_INLINE void renew(T& value) {
#if defined(__x86_64__) || defined(__i386__)
  if constexpr (!std::is_class_v<T>) asm("" : "+x"(value));
#elif defined(__ARM_NEON)
  if constexpr (!std::is_class_v<T>) asm("" : "+w"(value));
#endif
}

/// Sums of products with packed int8 weights, of int8 or int16. Where a set has vectors for them one block of weights
/// and its terms stay in registers; else it is the kernels' own inner loop on values in the first cache.
template <class Element>
struct PackedPeak {
  using Products = simd::PackedProducts<Element>;
  static constexpr bool kVectors = !std::is_pointer_v<typename Products::Terms>;
  static constexpr std::size_t kChains = kVectors ? Products::kGroups * 3 / 2 : Products::kGroups;
  static constexpr std::size_t kTerms = kVectors ? Products::kTerms : 64;
  /// Multiply-adds of one step.
  static constexpr std::size_t kMultiplyAdds = kChains * kTerms * simd::kPackSide;

  static void run(std::size_t steps) {
    alignas(64) Element x[kTerms];
    alignas(64) std::int8_t weights[kMultiplyAdds];
    std::int32_t acc[simd::kPackSide * kChains] = {};
    for (std::size_t i = 0; i < kTerms; ++i) x[i] = static_cast<Element>(i % 7);
    for (std::size_t i = 0; i < kMultiplyAdds; ++i) weights[i] = static_cast<std::int8_t>(i % 5);
    if constexpr (kVectors) {
      typename Products::Sums sums[kChains];
      unroll<kChains>([&](auto i) MOTE_UNROLLED { sums[i] = Products::zero(); });
      typename Products::Terms terms = Products::spread(x);
      const typename Products::Weights block = Products::load(weights);
      for (std::size_t step = 0; step < steps; ++step)
        unroll<kChains>([&](auto i) MOTE_UNROLLED {
          renew(terms);
          sums[i] = Products::add(sums[i], terms, block);
          renew(sums[i]);
        });
      unroll<kChains>([&](auto i) MOTE_UNROLLED { Products::close(acc + simd::kPackSide * i, sums[i]); });
    } else {
      for (std::size_t step = 0; step < steps; ++step) {
        asm volatile("" ::"r"(x), "r"(weights), "r"(acc) : "memory");
        simd::add_packed_groups<kChains>(acc, x, kTerms, weights, kTerms * simd::kPackSide);
      }
    }
    asm volatile("" ::"r"(acc) : "memory");
  }
};

/// `count` values, a multiple of 256.
inline void peak_read(const float* values, std::size_t count) {
  constexpr std::size_t kVectors = 8;
  F32 sums[kVectors];
  unroll<kVectors>([&](auto i) MOTE_UNROLLED { sums[i] = simd::zero(); });
  for (std::size_t at = 0; at < count; at += kVectors * simd::kLanes)
    unroll<kVectors>([&](auto i) MOTE_UNROLLED { sums[i] = sums[i] + simd::load(values + at + i * simd::kLanes); });
  F32 sum = simd::zero();
  unroll<kVectors>([&](auto i) MOTE_UNROLLED { sum = sum + sums[i]; });
  asm volatile("" ::"r"(simd::first(sum)) : "memory");
}

}  // namespace
}  // namespace mote::MOTE_KERNELS
