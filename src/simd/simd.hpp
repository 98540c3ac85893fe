// SPDX-License-Identifier: Apache-2.0
// The float32 SIMD facade: one backend per translation unit, chosen by the compiler's flags (MOTE_FORCE_128: 128-bit
// vectors on x86; MOTE_FORCE_SCALAR: none). Every function is force-inlined into an inline namespace named after the
// backend, so objects compiled for different instruction sets share no symbol. Every function gives the same bits on
// every backend, NaN payloads excepted. Kernels include this file and math.hpp; intrinsics stay in this directory.
#pragma once

#include <cstddef>
#include <cstdint>

#define MOTE_INLINE inline __attribute__((always_inline))
// For lambdas, after the parameters: a body that is called more than once would otherwise stay a function.
#define MOTE_LAMBDA_INLINE __attribute__((always_inline))

// MOTE_SIMD_ISA names the inline namespace. Whether the compiler may use VEX or EVEX encodings is part of the name.
#if !defined(MOTE_FORCE_SCALAR) && defined(__aarch64__)
#define MOTE_SIMD_XSIMD 1
#define MOTE_SIMD_FUSED 1
#if !defined(__ARM_FEATURE_SVE_BITS) || __ARM_FEATURE_SVE_BITS == 0
#if defined(__ARM_FEATURE_DOTPROD)
#define MOTE_SIMD_ISA neon64_dotprod
#else
#define MOTE_SIMD_ISA neon64
#endif
#elif __ARM_FEATURE_SVE_BITS == 128
#define MOTE_SIMD_ISA sve128
#elif __ARM_FEATURE_SVE_BITS == 256
#define MOTE_SIMD_ISA sve256
#elif __ARM_FEATURE_SVE_BITS == 512
#define MOTE_SIMD_ISA sve512
#else
#error "SVE vectors of 128, 256 or 512 bits: -msve-vector-bits"
#endif
#elif !defined(MOTE_FORCE_SCALAR) && defined(__ARM_NEON) && defined(__ARM_FEATURE_FMA)
#define MOTE_SIMD_XSIMD 1
#define MOTE_SIMD_FUSED 1
#define MOTE_SIMD_ISA neon32
#elif !defined(MOTE_FORCE_SCALAR) && defined(__SSE2__)
#define MOTE_SIMD_XSIMD 1
#if defined(__AVX512F__) && !defined(MOTE_FORCE_128)
#define MOTE_SIMD_FUSED 1
#if defined(__AVX512VNNI__)
#define MOTE_SIMD_ISA avx512_vnni
#else
#define MOTE_SIMD_ISA avx512
#endif
#elif defined(__AVX2__) && !defined(MOTE_FORCE_128)
#if defined(__FMA__)
#define MOTE_SIMD_FUSED 1
#if defined(__AVXVNNI__)
#define MOTE_SIMD_ISA avx2_vnni
#else
#define MOTE_SIMD_ISA avx2_fma
#endif
#else
#define MOTE_SIMD_FUSED 0
#define MOTE_SIMD_ISA avx2
#endif
#elif defined(__FMA__)
#define MOTE_SIMD_FUSED 1
#define MOTE_SIMD_ISA x86_128_fma
#elif defined(__AVX__)
#define MOTE_SIMD_FUSED 0
#define MOTE_SIMD_ISA x86_128_avx
#elif defined(__SSE4_1__)
#define MOTE_SIMD_FUSED 0
#define MOTE_SIMD_ISA sse4
#else
#define MOTE_SIMD_FUSED 0
#define MOTE_SIMD_ISA sse2
#endif
#else
#define MOTE_SIMD_XSIMD 0
#define MOTE_SIMD_FUSED 1
#if !defined(MOTE_FORCE_SCALAR) && defined(__ARM_FEATURE_MVE)
#define MOTE_SIMD_HELIUM 1  // vectors for integers alone: float32 stays scalar
#define MOTE_SIMD_ISA helium
#elif defined(__AVX512F__)
#define MOTE_SIMD_ISA scalar_avx512
#elif defined(__AVX__)
#define MOTE_SIMD_ISA scalar_avx
#else
#define MOTE_SIMD_ISA scalar
#endif
#endif
#if !defined(MOTE_SIMD_HELIUM)
#define MOTE_SIMD_HELIUM 0
#endif

// The scalar backend is always there: scalar.hpp gives its functions for tails and for code without vectors.
#include "simd/backend_scalar.hpp"

#if MOTE_SIMD_XSIMD
#include "simd/backend_xsimd.hpp"
#else

namespace mote::simd {
inline namespace MOTE_SIMD_ISA {

using F32 = ScalarF32;
using Mask = ScalarMask;
inline constexpr std::size_t kLanes = 1;
// Accumulators a tile may keep in registers: half of a Cortex-M4F's 32; on a host without vectors speed is no aim.
inline constexpr std::size_t kAccumulators = 12;

MOTE_INLINE F32 in_register(F32 a) { return a; }
MOTE_INLINE F32 iota() { return {0.0F}; }
MOTE_INLINE Mask first_lanes(std::size_t n) { return {n != 0}; }
MOTE_INLINE F32 load(const float* p) { return {*p}; }
MOTE_INLINE F32 load_partial(const float* p, std::size_t n) { return {n != 0 ? *p : 0.0F}; }
MOTE_INLINE void store(float* p, F32 a) { *p = a.v; }
MOTE_INLINE void store_partial(float* p, std::size_t n, F32 a) {
  if (n != 0) *p = a.v;
}

}  // namespace MOTE_SIMD_ISA
}  // namespace mote::simd

#endif

namespace mote::simd {
inline namespace MOTE_SIMD_ISA {

/// False only on machines without fused multiply-add: there mul_add rounds twice and bits differ from other machines.
inline constexpr bool kFused = MOTE_SIMD_FUSED != 0;

/// False on 32-bit ARM, whose vectors take denormals for zeros: the other machines' bits, where there are none.
#if MOTE_SIMD_XSIMD && defined(__ARM_NEON) && !defined(__aarch64__)
inline constexpr bool kDenormals = false;
#else
inline constexpr bool kDenormals = true;
#endif

MOTE_INLINE F32 splat(float value) { return F32::splat(value); }
MOTE_INLINE F32 zero() { return F32::splat(0.0F); }

}  // namespace MOTE_SIMD_ISA
}  // namespace mote::simd

#include "simd/virtual16.hpp"

#include "simd/math.hpp"
