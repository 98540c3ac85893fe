// SPDX-License-Identifier: Apache-2.0
// The ceilings of one instruction set; compiled once for each, with its flags and MOTE_CEILINGS=ceilings_<isa>.
#include "ceilings.hpp"
#include "kernels/tile_f32.hpp"
#include "simd/simd.hpp"

namespace mote::bench {
namespace {

using kernels::unroll;
using simd::F32;

// Two multiply-adds start per cycle and take four: eight chains are the least. Without fusion each is two operations
// in a row, which the spare chains hide.
constexpr std::size_t kChains = 12;

double fma_flops(std::size_t steps) { return static_cast<double>(2 * kChains * simd::kLanes * steps); }

void fma(std::size_t steps) {
  F32 chains[kChains];
  unroll<kChains>([&](auto i) MOTE_UNROLLED { chains[i] = simd::splat(static_cast<float>(i())); });
  const F32 factor = simd::splat(0.999F), term = simd::splat(0.001F);
  for (std::size_t step = 0; step < steps; ++step)
    unroll<kChains>([&](auto i) MOTE_UNROLLED { chains[i] = mul_add(chains[i], factor, term); });
  F32 sum = simd::zero();
  unroll<kChains>([&](auto i) MOTE_UNROLLED { sum = sum + chains[i]; });
  asm volatile("" ::"r"(simd::first(sum)) : "memory");
}

void read(const float* values, std::size_t count) {
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

extern const Ceilings MOTE_CEILINGS;
const Ceilings MOTE_CEILINGS{MOTE_CEILINGS_NAME, fma_flops, fma, read};

}  // namespace mote::bench
