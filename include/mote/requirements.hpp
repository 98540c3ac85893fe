// SPDX-License-Identifier: Apache-2.0
// What mote asks of a compiler and its options, in one sentence each. Every header includes this one first, and where
// a requirement is not met, compiling ends here: the file that is included behind a sentence does not exist.
// Relies on predefined macros only, so that it reads in every language version.
#pragma once

#if __cplusplus < 202002L
#error "mote is written in C++20: compile with -std=c++20 or later (GCC 11, clang 14 and later have it)"
#include "mote/ends_here.see_the_sentence_above"
#endif

// NaN and infinity are values here (what a diverged training gives, checks ask for), and sums keep their order. clang
// defines a macro for -ffast-math and -ffinite-math-only alone; of the others it must be trusted.
#if defined(__FAST_MATH__) || (defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__ != 0)
#error \
    "mote does not work with -ffast-math, -Ofast or -ffinite-math-only, which remove its checks for NaN and infinity: compile the files that include mote without it (-fno-fast-math behind it takes it back)"
#include "mote/ends_here.see_the_sentence_above"
#endif
#if defined(__ASSOCIATIVE_MATH__) || defined(__RECIPROCAL_MATH__) || defined(__NO_SIGNED_ZEROS__)
#error \
    "mote gives the same bits on every machine, and -funsafe-math-optimizations, -fassociative-math, -freciprocal-math or -fno-signed-zeros change them: compile the files that include mote without it"
#include "mote/ends_here.see_the_sentence_above"
#endif

// 0: float arithmetic rounds to float. 16 says the same of float, and something of _Float16. x87 has 2.
#if defined(__FLT_EVAL_METHOD__) && __FLT_EVAL_METHOD__ != 0 && __FLT_EVAL_METHOD__ != 16
#error \
    "mote gives the same bits on every machine, and this compiler keeps more digits than float has (FLT_EVAL_METHOD is not 0): on x86 compile with -msse2 -mfpmath=sse"
#include "mote/ends_here.see_the_sentence_above"
#endif
static_assert(static_cast<double>(0.1F) > 0.1,
              "mote computes in double where it says so: compile without -fsingle-precision-constant");
static_assert(sizeof(float) == 4 && sizeof(double) == 8, "mote needs a float of 32 bits and a double of 64");
