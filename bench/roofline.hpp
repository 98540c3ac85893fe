// SPDX-License-Identifier: Apache-2.0
// The core's ceilings, measured in the same run as the rows, and what rows reach of them.
#pragma once

#include <string>
#include <vector>

#include "rows.hpp"

namespace mote::bench {

/// How fast data are read that lie in a working set of so many bytes.
struct ReadSpeed {
  double bytes = 0.0;
  double bandwidth = 0.0;  ///< bytes per second
};

struct Roof {
  std::string isa;
  double flops = 0.0;             ///< fused multiply-adds on registers, operations per second
  std::vector<ReadSpeed> speeds;  ///< measured, from small to large working sets

  /// Between two measured working sets: on the line between them, sizes taken logarithmically.
  [[nodiscard]] double bandwidth(double bytes) const;
};

/// A cache, or the memory behind them, and the size of a working set that lies there.
struct MemoryLevel {
  std::string name;
  double typical_bytes = 0.0;
};
/// As this system tells, nearest first.
std::vector<MemoryLevel> memory_levels();

/// Measures this core with each instruction set of the library, best first.
std::vector<Roof> measure_roofs();

/// A row that was run.
struct Measured {
  const Row* row = nullptr;
  double ns = 0.0;

  [[nodiscard]] double flops() const { return row->work.flops / ns * 1e9; }
  [[nodiscard]] double bandwidth() const { return row->work.bytes / ns * 1e9; }
  [[nodiscard]] double intensity() const { return row->work.flops / row->work.bytes; }
};

/// The largest rate that the roof allows: operations per second, or bytes where the row counts no operations.
double allowed(const Roof& roof, const Work& work);
/// What the row reaches of it.
double share(const Roof& roof, const Measured& measured);

/// Operations against intensity on logarithmic axes, as SVG: the roof and the rows of its instruction set.
void draw_roofline(const std::string& path, const Roof& roof, const std::vector<Measured>& rows);

}  // namespace mote::bench
