// SPDX-License-Identifier: Apache-2.0
// The facade over xsimd (13.2 to 14), for x86-64 from SSE2 to AVX-512 and for AArch64 (NEON, SVE) and 32-bit ARM
// (NEON). What xsimd leaves to the machine or does badly (NaN rule of min and max, negation of zero, shifts, masked
// loads, fixed reduction trees) comes from native_x86.hpp, native_neon.hpp or native_sve.hpp.
// Include simd.hpp, never this file.
#pragma once

#include <cstddef>
#include <xsimd/xsimd.hpp>

// GCC 12's AVX-512 intrinsics start from a register that is undefined on purpose, and warn about it where inlined.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

namespace mote::simd {
inline namespace MOTE_SIMD_ISA {

#if defined(__ARM_FEATURE_SVE_BITS) && __ARM_FEATURE_SVE_BITS > 0
using Arch = xsimd::detail::sve<__ARM_FEATURE_SVE_BITS>;
#elif defined(__aarch64__)
using Arch = xsimd::neon64;
#elif defined(__ARM_NEON)
using Arch = xsimd::neon;
#elif defined(__AVX512F__) && !defined(MOTE_FORCE_128)
using Arch = xsimd::avx512f;
#elif defined(__AVX2__) && defined(__FMA__) && !defined(MOTE_FORCE_128)
using Arch = xsimd::fma3<xsimd::avx2>;
#elif defined(__AVX2__) && !defined(MOTE_FORCE_128)
using Arch = xsimd::avx2;
#elif defined(__FMA__)
using Arch = xsimd::fma3<xsimd::sse4_2>;
#elif defined(__SSE4_1__)
using Arch = xsimd::sse4_1;
#else
using Arch = xsimd::sse2;
#endif

using Batch = xsimd::batch<float, Arch>;
using Register = typename Batch::register_type;

struct Mask {
  xsimd::batch_bool<float, Arch> m;
};

struct F32 {
  Batch v;
  static MOTE_INLINE F32 splat(float value) { return {Batch(value)}; }
};

inline constexpr std::size_t kLanes = Batch::size;

}  // namespace MOTE_SIMD_ISA
}  // namespace mote::simd

#if defined(__ARM_FEATURE_SVE_BITS) && __ARM_FEATURE_SVE_BITS > 0
#include "simd/native_sve.hpp"
#elif defined(__ARM_NEON)
#include "simd/native_neon.hpp"
#else
#include "simd/native_x86.hpp"
#endif

namespace mote::simd {
inline namespace MOTE_SIMD_ISA {

// Accumulators a tile may keep in registers, leaving room for operands: 24 of 32, or 12 of 16.
#if defined(__AVX512F__) || defined(__aarch64__)
inline constexpr std::size_t kAccumulators = 24;
#else
inline constexpr std::size_t kAccumulators = 12;
#endif

/// 0, 1, 2, … by lane.
MOTE_INLINE F32 iota() { return {Batch(native::iota(Register{}))}; }
/// True in lanes 0..n-1, n in 0..kLanes.
MOTE_INLINE Mask first_lanes(std::size_t n) {
  return {xsimd::batch_bool<float, Arch>(native::first_lanes(n, Register{}))};
}

// Unaligned loads everywhere: on aligned data they cost nothing on these processors, and xsimd's aligned ones assert.
MOTE_INLINE F32 load(const float* p) { return {Batch::load_unaligned(p)}; }
MOTE_INLINE void store(float* p, F32 a) { a.v.store_unaligned(p); }
/// n in 1..kLanes-1 floats; the other lanes are 0 and memory past n is not touched.
MOTE_INLINE F32 load_partial(const float* p, std::size_t n) { return {Batch(native::load_partial(p, n, Register{}))}; }
MOTE_INLINE void store_partial(float* p, std::size_t n, F32 a) { native::store_partial(p, n, Register(a.v)); }

/// `a`, kept in a register: the compiler may otherwise load it anew for each operation that can read memory.
MOTE_INLINE F32 in_register(F32 a) {
#if defined(__x86_64__)
  Register r = a.v;
  asm("" : "+v"(r));
  return {Batch(r)};
#else
  return a;
#endif
}

MOTE_INLINE F32 operator+(F32 a, F32 b) { return {a.v + b.v}; }
MOTE_INLINE F32 operator-(F32 a, F32 b) { return {a.v - b.v}; }
MOTE_INLINE F32 operator*(F32 a, F32 b) { return {a.v * b.v}; }
#if defined(__ARM_NEON)
MOTE_INLINE F32 operator/(F32 a, F32 b) { return {Batch(native::divide(Register(a.v), Register(b.v)))}; }
#else
MOTE_INLINE F32 operator/(F32 a, F32 b) { return {a.v / b.v}; }
#endif
MOTE_INLINE F32 operator-(F32 a) { return {Batch(native::negate(Register(a.v)))}; }

#if defined(__ARM_NEON) && !defined(__aarch64__)  // xsimd's is two operations there
MOTE_INLINE F32 mul_add(F32 a, F32 b, F32 c) {
  return {Batch(native::mul_add(Register(a.v), Register(b.v), Register(c.v)))};
}
#else
MOTE_INLINE F32 mul_add(F32 a, F32 b, F32 c) { return {xsimd::fma(a.v, b.v, c.v)}; }
#endif
MOTE_INLINE F32 neg_mul_add(F32 a, F32 b, F32 c) {
#if defined(__ARM_NEON)
  return {Batch(native::neg_mul_add(Register(a.v), Register(b.v), Register(c.v)))};
#elif MOTE_SIMD_FUSED
  return {xsimd::fnma(a.v, b.v, c.v)};
#else
  return {c.v - a.v * b.v};
#endif
}

MOTE_INLINE F32 min(F32 a, F32 b) { return {Batch(native::min(Register(a.v), Register(b.v)))}; }
MOTE_INLINE F32 max(F32 a, F32 b) { return {Batch(native::max(Register(a.v), Register(b.v)))}; }
MOTE_INLINE F32 abs(F32 a) { return {xsimd::abs(a.v)}; }
#if defined(__ARM_NEON)
MOTE_INLINE F32 sqrt(F32 a) { return {Batch(native::square_root(Register(a.v)))}; }
#else
MOTE_INLINE F32 sqrt(F32 a) { return {xsimd::sqrt(a.v)}; }
#endif

MOTE_INLINE Mask less(F32 a, F32 b) { return {a.v < b.v}; }
MOTE_INLINE Mask less_equal(F32 a, F32 b) { return {a.v <= b.v}; }
MOTE_INLINE Mask equal(F32 a, F32 b) { return {a.v == b.v}; }
MOTE_INLINE Mask operator&(Mask a, Mask b) { return {a.m && b.m}; }
MOTE_INLINE Mask operator|(Mask a, Mask b) { return {a.m || b.m}; }
MOTE_INLINE bool any(Mask mask) { return xsimd::any(mask.m); }
MOTE_INLINE F32 select(Mask mask, F32 if_true, F32 if_false) { return {xsimd::select(mask.m, if_true.v, if_false.v)}; }

MOTE_INLINE float first(F32 a) { return native::first(Register(a.v)); }
/// Lane 0: all lanes added (or maximised), halves first: 8 apart, then 4, 2, 1.
MOTE_INLINE F32 tree_sum(F32 a) { return {Batch(native::tree_sum(Register(a.v)))}; }
/// to[0 … 3] = first(tree_sum()) of a, b, c, d.
MOTE_INLINE void store_tree_sums(float* to, F32 a, F32 b, F32 c, F32 d) {
  native::store_quarter(to, native::tree_sums(Register(a.v), Register(b.v), Register(c.v), Register(d.v)));
}
MOTE_INLINE F32 tree_max(F32 a) { return {Batch(native::tree_max(Register(a.v)))}; }

namespace bits {
MOTE_INLINE F32 copy_sign(F32 magnitude, F32 sign) {
  return {Batch(native::copy_sign(Register(magnitude.v), Register(sign.v)))};
}
MOTE_INLINE F32 to_exponent(F32 a) { return {Batch(native::to_exponent(Register(a.v)))}; }
MOTE_INLINE F32 split(F32 a, F32& exponent) {
  Register power;
  const Register mantissa = native::split(Register(a.v), power);
  exponent = {Batch(power)};
  return {Batch(mantissa)};
}
}  // namespace bits

}  // namespace MOTE_SIMD_ISA
}  // namespace mote::simd

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif
