// SPDX-License-Identifier: Apache-2.0
// The multiply-adds a second that this computer reaches with the instruction set in use.
#pragma once

#include <cstddef>
#include <vector>

#include "mote/run/threads.hpp"
#include "tool/ceilings/ceilings.hpp"

namespace mote::tool {

/// Measured in short pieces between other work, because clocks change with heat and with what neighbours do.
class Peak {
 public:
  /// `type`: of the values that are multiplied with weights. `threads` take part; null: the caller's alone.
  Peak(DType type, const Threads* threads);

  /// One piece of half a millisecond or more.
  void measure();
  [[nodiscard]] std::size_t pieces() const { return rates_.size(); }
  [[nodiscard]] DType type() const { return type_; }
  /// Multiply-adds a second that a tenth of the pieces exceed: a ceiling is what nobody disturbs.
  [[nodiscard]] double rate() const;

 private:
  double seconds() const;

  DType type_;
  const PeakLoop* loop_;
  const Threads* threads_;
  std::size_t steps_ = 1000;
  std::vector<double> rates_;
};

}  // namespace mote::tool
