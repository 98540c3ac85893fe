// SPDX-License-Identifier: Apache-2.0
// How good outputs are: loss in double, hits, confusion matrix. The formulas are those of mote/kernels/kernels.hpp
// (LossArgs).
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "mote/train/loss.hpp"
#include "tool/commands/target_units.hpp"
#include "tool/data/data_set.hpp"
#include "tool/models/model_source.hpp"
#include "tool/terminal/progress.hpp"

namespace mote::tool {

/// Of one target, in its own units.
struct TargetScore {
  double rmse = 0.0;  ///< root of the mean squared error
  double r2 = 0.0;    ///< 1 - squared errors / squares around the mean; NaN where the target is constant
};

struct Scores {
  std::uint64_t samples = 0, correct = 0;
  double loss = 0.0;                     ///< mean over samples
  std::uint64_t non_finite = 0;          ///< samples with an output that is infinite or not a number: never right, and
                                         ///< in no column of the confusion matrix
  std::size_t classes = 0;               ///< 0: no labels, so no accuracy and no confusion matrix
  std::vector<std::uint64_t> confusion;  ///< [actual * classes + predicted]
  std::vector<TargetScore> targets;      ///< under squared error on values; else empty
  double seconds = 0.0;

  /// Mean over the targets; NaN where there are none.
  [[nodiscard]] double mean_r2() const;
  [[nodiscard]] double accuracy() const { return samples == 0 ? 0.0 : double(correct) / double(samples); }
};

/// Loss of one sample from what the loss reads (logits for the cross entropies). `label` is used where `target` is
/// empty; -1 counts as 0 under binary cross-entropy.
double sample_loss(Loss loss, std::span<const float> output, std::int32_t label, std::span<const float> target);

/// Runs the samples named by `indices` through `run`, `slice` at a time: fills `input` (slice * features values) and
/// calls run(), which returns slice * outputs values. The last slice is filled up with zeros that do not count.
/// Labels must have been checked. `class_weights` may be empty. `tick`, if given, hears of the samples done. With
/// active `units` the outputs, and hence the loss, are of standardised targets.
Scores score(const DataSet& data, std::span<const std::uint32_t> indices, std::size_t slice, std::span<float> input,
             const std::function<std::span<const float>()>& run, Loss loss, std::span<const float> class_weights = {},
             const std::function<void(std::uint64_t)>& tick = {}, const TargetUnits& units = {});

/// The same through a session, with the model's outputs as they are stored; `indices`: none, all of the data.
struct ModelScores {
  Scores scores;
  std::size_t arena_bytes = 0;
  std::string isa;
};
ModelScores score_model(const OwnedModel& model, const DataSet& data, Loss loss, std::uint32_t batch,
                        Progress& progress, std::span<const std::uint32_t> indices = {});

/// 0, 1, …, count - 1.
std::vector<std::uint32_t> all_indices(std::size_t count);

/// How many classes labels of a model with that output have.
inline std::size_t classes_of(const Shape& output) {
  return std::max<std::size_t>(static_cast<std::size_t>(output.elements()), 2);
}

/// Throws where the loss, the number of outputs and the kind of targets make no sense together.
void require_targets(const DataSet& data, Loss loss, const Shape& output);

/// What a loss is if the user names none: cross entropies for labels, squared error for targets.
Loss default_loss(const DataSet& data, const Shape& output);
/// What the model was trained for, where its description says so and the data are of that kind; else the default.
Loss loss_for(const DataSet& data, const OwnedModel& model, const std::optional<Description>& known);

}  // namespace mote::tool
