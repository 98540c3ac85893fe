// SPDX-License-Identifier: Apache-2.0
// Reductions over sets of axes as loops over all terms of an output, in double: the specification of reduce_f32.inl.
#pragma once

#include <cstddef>
#include <cstdint>

namespace mote::reference {

/// The output that an element of an array of (n, h, w, c) is a term of.
inline std::size_t reduced_index(std::size_t index, const std::uint32_t (&sizes)[4], std::uint32_t axes) {
  std::size_t at[4], result = 0;
  for (std::size_t i = 4; i-- > 0;) at[i] = index % sizes[i], index /= sizes[i];
  for (std::size_t i = 0; i < 4; ++i)
    if ((axes >> (3 - i) & 1U) == 0) result = result * sizes[i] + at[i];
  return result;
}

enum class Reduction : std::uint8_t { sum, mean, max, min, prod };

inline double start_of(Reduction r) {
  return r == Reduction::prod ? 1.0 : r == Reduction::max ? -1e300 : r == Reduction::min ? 1e300 : 0.0;
}
inline double combine(Reduction r, double a, double b) {
  switch (r) {
    case Reduction::max: return a > b ? a : b;
    case Reduction::min: return a < b ? a : b;
    case Reduction::prod: return a * b;
    default: return a + b;
  }
}

/// output has room for all kept elements; returns how many terms each has.
inline std::size_t reduce(Reduction r, const float* input, double* output, const std::uint32_t (&sizes)[4],
                          std::uint32_t axes) {
  std::size_t count = 1, outputs = 1;
  for (std::size_t i = 0; i < 4; ++i) {
    count *= sizes[i];
    if ((axes >> (3 - i) & 1U) == 0) outputs *= sizes[i];
  }
  for (std::size_t i = 0; i < outputs; ++i) output[i] = start_of(r);
  for (std::size_t i = 0; i < count; ++i) {
    double& to = output[reduced_index(i, sizes, axes)];
    to = combine(r, to, static_cast<double>(input[i]));
  }
  if (r == Reduction::mean)
    for (std::size_t i = 0; i < outputs; ++i) output[i] /= static_cast<double>(count / outputs);
  return count / outputs;
}

/// The derivative of output j = reduced_index(i) by element i.
inline double reduce_derivative(Reduction r, std::size_t i, const float* input, const std::uint32_t (&sizes)[4],
                                std::uint32_t axes) {
  std::size_t count = 1, terms = 0, equal = 0;
  for (std::size_t k = 0; k < 4; ++k) count *= sizes[k];
  const std::size_t j = reduced_index(i, sizes, axes);
  double others = 1.0, best = start_of(r);
  for (std::size_t k = 0; k < count; ++k) {
    if (reduced_index(k, sizes, axes) != j) continue;
    const double x = static_cast<double>(input[k]);
    ++terms;
    if (k != i) others *= x;
    equal = x == best ? equal + 1 : combine(r, best, x) == x ? 1 : equal;
    best = combine(r, best, x);
  }
  switch (r) {
    case Reduction::sum: return 1.0;
    case Reduction::mean: return 1.0 / static_cast<double>(terms);
    case Reduction::prod: return others;
    default: return static_cast<double>(input[i]) == best ? 1.0 / static_cast<double>(equal) : 0.0;
  }
}

}  // namespace mote::reference
