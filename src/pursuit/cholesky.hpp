// SPDX-License-Identifier: Apache-2.0
// Symmetric positive definite systems, small and in place: A = L L^T by rows, dense or of a band. In double, no memory.
#pragma once

#include <cstddef>

namespace mote::detail {

/// Solves A x = b for `count` unknowns; a[i * (width + 1) + (i - k)] holds A(i, k) for k = i - width … i, the rest of A
/// is zero (width = count - 1: dense). `a` becomes the factor, `b` the solution. A pivot that rounding leaves at or
/// below `least` times its diagonal element fixes its unknown at 0: what the others already explain gets no say.
inline void solve_band(double* a, double* b, std::size_t count, std::size_t width, double least = 1e-12) {
  const auto at = [&](std::size_t i, std::size_t k) -> double& { return a[i * (width + 1) + (i - k)]; };
  const auto begin = [&](std::size_t i) { return i > width ? i - width : 0; };
  for (std::size_t i = 0; i < count; ++i) {
    const double diagonal = at(i, i);
    for (std::size_t k = begin(i); k <= i; ++k) {
      double sum = at(i, k);
      for (std::size_t j = begin(i); j < k; ++j)
        if (k - j <= width) sum -= at(i, j) * at(k, j);
      if (k < i) {
        at(i, k) = at(k, k) > 0.0 ? sum / at(k, k) : 0.0;
      } else {
        at(i, i) = sum > least * diagonal ? __builtin_sqrt(sum) : 0.0;
      }
    }
  }
  for (std::size_t i = 0; i < count; ++i) {
    for (std::size_t k = begin(i); k < i; ++k) b[i] -= at(i, k) * b[k];
    b[i] = at(i, i) > 0.0 ? b[i] / at(i, i) : 0.0;
  }
  for (std::size_t i = count; i-- > 0;) {
    if (!(at(i, i) > 0.0)) {
      b[i] = 0.0;
      continue;
    }
    for (std::size_t k = i + 1; k < count && k - i <= width; ++k) b[i] -= at(k, i) * b[k];
    b[i] /= at(i, i);
  }
}

}  // namespace mote::detail
