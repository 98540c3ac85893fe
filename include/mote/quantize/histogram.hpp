// SPDX-License-Identifier: Apache-2.0
// How the values of one layer are spread, gathered in one pass, and the range that int8 shall stand for. Memory is the
// caller's.
#pragma once

#include "mote/requirements.hpp"
#ifndef MOTE_WARN_IN_HEADERS
#pragma GCC system_header
#endif

#include <cstddef>
#include <cstdint>
#include <span>

#include "mote/model/int8_units.hpp"
#include "mote/types.hpp"

namespace mote {

/// How the range that a value's 256 steps stand for is chosen from what was seen of it. Values outside become its ends.
enum class RangeRule : std::uint8_t {
  min_max,            ///< all that was seen
  percentile,         ///< without the outermost values at either end
  mean_square_error,  ///< least error of steps inside and ends outside together
  kullback_leibler,   ///< least divergence of the spread in steps from the spread that was seen
};

/// Counts of values in equal bins. The first values set the span; one outside doubles the bins' width, and neighbours
/// are added up, so that a stream needs one pass and the last span is at most twice the values'. Zeros are counted
/// apart: steps stand for them exactly.
class Histogram {
 public:
  /// `bins`: their counts, an even number of them, or none where the least and largest value are enough.
  void begin(std::span<std::uint32_t> bins);
  /// Returns the number of values before the first that is not below 10^30 in magnitude: `count`, or nothing was added.
  std::size_t add(const float* values, std::size_t count);

  [[nodiscard]] std::uint64_t count() const { return count_; }
  /// All that was seen, and 0.
  [[nodiscard]] RealRange seen() const { return seen_; }
  /// `percentile`: of the values that at least lie inside, from either end, in percent.
  [[nodiscard]] RealRange range(RangeRule rule, float percentile) const;
  /// Share of the values outside `range`, to a bin; 0 where there are no bins.
  [[nodiscard]] double outside(const RealRange& range) const;

 private:
  void widen_up();
  void widen_down();
  [[nodiscard]] float centre(std::size_t bin) const { return low_ + (static_cast<float>(bin) + 0.5F) * width_; }
  [[nodiscard]] RealRange percentile(double outside) const;
  template <class Loss>
  [[nodiscard]] RealRange least(const Loss& loss) const;
  [[nodiscard]] double square_error(const RealRange& range) const;
  [[nodiscard]] double divergence(const RealRange& range) const;

  std::span<std::uint32_t> bins_{};
  float low_ = 0.0F, width_ = 0.0F;  // of the first bin, of each; width 0: nothing but zeros so far
  RealRange seen_{};
  std::uint64_t count_ = 0, zeros_ = 0;
};

}  // namespace mote
