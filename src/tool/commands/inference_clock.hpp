// SPDX-License-Identifier: Apache-2.0
// How long a model's inference takes, whole and layer by layer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tool/ceilings/peak.hpp"
#include "tool/models/model_text.hpp"
#include "tool/terminal/progress.hpp"

namespace mote::tool {

/// Of many times, in nanoseconds.
struct Spread {
  double least = 0.0, lower = 0.0, median = 0.0, upper = 0.0, most = 0.0, mean = 0.0;  ///< lower, upper: quartiles
};
/// Of at least one.
Spread spread_of(std::vector<float> times);

/// Times of runs. Of more than fit it keeps every second, fourth, ... from the first, evenly over all of them.
class RunTimes {
 public:
  /// Each run has the time of the whole inference and `steps` more; `most` (at least 1) of them are kept.
  RunTimes(std::size_t steps, std::size_t most) : each_(steps), most_(most) {}

  void add(float whole, const std::vector<float>& steps);
  [[nodiscard]] std::uint64_t runs() const { return runs_; }  ///< added, whether kept or not
  [[nodiscard]] const std::vector<float>& whole() const { return whole_; }
  /// Of step s in kept run r: steps()[r * the number of steps + s].
  [[nodiscard]] const std::vector<float>& steps() const { return steps_; }

 private:
  void keep_every_second();

  std::size_t each_, most_;
  std::uint64_t runs_ = 0, every_ = 1;
  std::vector<float> whole_, steps_;
};

struct ClockSettings {
  std::uint32_t batch = 1;
  double seconds = 2.0;                 ///< to measure for, at least ten runs
  std::optional<std::uint64_t> runs;    ///< so many instead
  std::optional<std::uint64_t> warmup;  ///< runs before; none: for a quarter of a second
};

/// A layer without steps has no time. The kernel of `within` makes its value too, where there is such a layer.
struct LayerTime {
  std::size_t steps = 0;
  std::uint16_t within = kNoLayer;
  Spread time;
};

struct InferenceTimes {
  double first = 0.0;  ///< nanoseconds of the very first run
  std::uint64_t warmup_runs = 0, runs = 0;
  double seconds = 0.0;           ///< that measuring took
  Spread inference;               ///< of runs without a clock inside
  std::vector<LayerTime> layers;  ///< of other runs, which took turns with those
  std::vector<Peak> peaks;        ///< for each type that the layers multiply
  std::size_t arena_bytes = 0;
  int signal = 0;  ///< that ended it early
};

/// Inputs are random numbers, the same in every run; states begin anew. Throws what Session::create() refuses.
InferenceTimes time_inference(const OwnedModel& model, const ClockSettings& settings, Progress& progress);

}  // namespace mote::tool
