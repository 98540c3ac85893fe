// SPDX-License-Identifier: Apache-2.0
// Sixteen virtual lanes: 16 / kLanes native vectors that behave alike on every width, for reductions whose order must
// not depend on the machine. Lane j takes the terms k = j mod 16 in order; sum() closes with a fixed tree.
// Include simd.hpp, never this file.
#pragma once

#include <cstddef>

namespace mote::simd {
inline namespace MOTE_SIMD_ISA {

inline constexpr std::size_t kVirtualLanes = 16;
inline constexpr std::size_t kVectors16 = kVirtualLanes / kLanes;

struct F32x16 {
  F32 v[kVectors16];
};
struct Mask16 {
  Mask m[kVectors16];
};

// The loops over the 1, 2, 4 or 16 vectors must vanish or the array lives in memory.
#define MOTE_EACH_VECTOR(i) _Pragma("GCC unroll 16") for (std::size_t i = 0; i < kVectors16; ++i)

MOTE_INLINE F32x16 splat16(float value) {
  F32x16 r;
  MOTE_EACH_VECTOR(i) r.v[i] = splat(value);
  return r;
}
MOTE_INLINE F32x16 zero16() { return splat16(0.0F); }

MOTE_INLINE F32x16 load16(const float* p) {
  F32x16 r;
  MOTE_EACH_VECTOR(i) r.v[i] = load(p + i * kLanes);
  return r;
}
MOTE_INLINE void store16(float* p, F32x16 a) { MOTE_EACH_VECTOR(i) store(p + i * kLanes, a.v[i]); }

/// n in 1..15 floats; the other lanes are 0 and memory past n is not touched.
MOTE_INLINE F32x16 load16_partial(const float* p, std::size_t n) {
  F32x16 r;
  MOTE_EACH_VECTOR(i) {
    const std::size_t begin = i * kLanes;
    if (n >= begin + kLanes) {
      r.v[i] = load(p + begin);
    } else if (n > begin) {
      r.v[i] = load_partial(p + begin, n - begin);
    } else {
      r.v[i] = zero();
    }
  }
  return r;
}
MOTE_INLINE void store16_partial(float* p, std::size_t n, F32x16 a) {
  MOTE_EACH_VECTOR(i) {
    const std::size_t begin = i * kLanes;
    if (n >= begin + kLanes) {
      store(p + begin, a.v[i]);
    } else if (n > begin) {
      store_partial(p + begin, n - begin, a.v[i]);
    }
  }
}

/// Loads and stores of all sixteen lanes, or of the first `count`.
struct Lanes16 {
  [[nodiscard]] static MOTE_INLINE F32x16 load(const float* p) { return load16(p); }
  static MOTE_INLINE void store(float* p, F32x16 a) { store16(p, a); }
};
struct SomeLanes16 {
  std::size_t count;
  [[nodiscard]] MOTE_INLINE F32x16 load(const float* p) const { return load16_partial(p, count); }
  MOTE_INLINE void store(float* p, F32x16 a) const { store16_partial(p, count, a); }
};

#define MOTE_BINARY16(name)                            \
  MOTE_INLINE F32x16 name(F32x16 a, F32x16 b) {        \
    F32x16 r;                                          \
    MOTE_EACH_VECTOR(i) r.v[i] = name(a.v[i], b.v[i]); \
    return r;                                          \
  }
MOTE_BINARY16(operator+)
MOTE_BINARY16(operator-)
MOTE_BINARY16(operator*)
MOTE_BINARY16(operator/)
MOTE_BINARY16(min)
MOTE_BINARY16(max)
#undef MOTE_BINARY16

#define MOTE_TERNARY16(name)                                   \
  MOTE_INLINE F32x16 name(F32x16 a, F32x16 b, F32x16 c) {      \
    F32x16 r;                                                  \
    MOTE_EACH_VECTOR(i) r.v[i] = name(a.v[i], b.v[i], c.v[i]); \
    return r;                                                  \
  }
MOTE_TERNARY16(mul_add)
MOTE_TERNARY16(neg_mul_add)
#undef MOTE_TERNARY16

#define MOTE_COMPARE16(name)                           \
  MOTE_INLINE Mask16 name(F32x16 a, F32x16 b) {        \
    Mask16 r;                                          \
    MOTE_EACH_VECTOR(i) r.m[i] = name(a.v[i], b.v[i]); \
    return r;                                          \
  }
MOTE_COMPARE16(less)
MOTE_COMPARE16(less_equal)
MOTE_COMPARE16(equal)
#undef MOTE_COMPARE16

MOTE_INLINE F32x16 select(Mask16 mask, F32x16 if_true, F32x16 if_false) {
  F32x16 r;
  MOTE_EACH_VECTOR(i) r.v[i] = select(mask.m[i], if_true.v[i], if_false.v[i]);
  return r;
}

/// ((lanes 8 apart) 4 apart) 2 apart) 1 apart: the first additions pair whole vectors, tree_sum does the rest.
MOTE_INLINE float sum(F32x16 a) {
  _Pragma("GCC unroll 4") for (std::size_t half = kVectors16 / 2; half >= 1; half /= 2) {
    _Pragma("GCC unroll 8") for (std::size_t i = 0; i < half; ++i) a.v[i] = a.v[i] + a.v[i + half];
  }
  return first(tree_sum(a.v[0]));
}
/// to[i] = sum(of[i]): four trees closed together where the backend can.
MOTE_INLINE void store_sums(float* to, const F32x16 (&of)[4]) {
  F32 folded[4];
  _Pragma("GCC unroll 4") for (std::size_t k = 0; k < 4; ++k) {
    F32x16 a = of[k];
    _Pragma("GCC unroll 4") for (std::size_t half = kVectors16 / 2; half >= 1; half /= 2) {
      _Pragma("GCC unroll 8") for (std::size_t i = 0; i < half; ++i) a.v[i] = a.v[i] + a.v[i + half];
    }
    folded[k] = a.v[0];
  }
  store_tree_sums(to, folded[0], folded[1], folded[2], folded[3]);
}
/// The same tree with max(lower, upper). With a NaN among the lanes the result is the same on every machine, but it
/// need not be NaN.
MOTE_INLINE float max_of(F32x16 a) {
  _Pragma("GCC unroll 4") for (std::size_t half = kVectors16 / 2; half >= 1; half /= 2) {
    _Pragma("GCC unroll 8") for (std::size_t i = 0; i < half; ++i) a.v[i] = max(a.v[i], a.v[i + half]);
  }
  return first(tree_max(a.v[0]));
}

}  // namespace MOTE_SIMD_ISA
}  // namespace mote::simd
